import Syntax

// What was written and edited, and what was taken back of it.
extension Story {
  mutating func ingestEdit(
    _ output: String, _ deed: Deed, hasFailed: Bool, at place: Place, _ clean: (String) -> String
  ) {
    let path = deed.subject
    if hasFailed {
      let error = Self.telling(output, limit: 110, clean)
      steps.append(
        Step(kind: .deed, text: "edit of `\(path)` failed: \(error)", place: place, hasFailed: true)
      )
      return
    }
    if deed.kind == .write {
      var text = "wrote `\(path)` (\(deed.addedLength) lines"
      if !deed.added.isEmpty { text += ": \(deed.added)" }
      text += ")"
      if !deed.detail.isEmpty { text += ": \(deed.detail)" }
      steps.append(Step(text: text.cut(to: 420), place: place))
    } else {
      steps.append(Step(text: Self.told(deed), place: place))
    }
    noteUndone(deed, at: place)
    edits.append(
      Edit(
        path: path, purpose: deed.purpose.cut(to: 120), saidLine: deed.saidLine,
        added: deed.kind == .edit ? deed.added.withoutBackticks.cut(to: 70) : "", place: place))
    var purpose = purposes[path] ?? Purpose()
    purpose.call = place.call
    purpose.removal = 0
    if deed.purpose.utf8.count > 12, !purpose.texts.contains(deed.purpose) {
      purpose.texts.append(deed.purpose.cut(to: 240))
      if purpose.texts.count > 2 { purpose.texts.remove(at: 0) }
    }
    purposes[path] = purpose
    if !deed.lines.isEmpty, deed.kind == .write {
      var decision = Decision()
      decision.kind = .writtenPlan
      decision.question = path
      decision.choice = deed.lines[0]
      decision.details = Array(deed.lines.dropFirst())
      decision.place = place
      decisions.removeAll { $0.kind == .writtenPlan && $0.question == path }
      decide(decision)
    }
  }

  private static func told(_ deed: Deed) -> String {
    let (out, into) = (
      deed.detail.withoutBackticks, deed.added.withoutBackticks
    )
    var text = "edited `\(deed.subject)`"
    if into.isEmpty {
      if !out.isEmpty { text += ": removed `\(out)`" }
    } else if out.isEmpty {
      text += ": added `\(into)`"
    } else {
      text += ": `\(out)` → `\(into)`"
    }
    return text
  }

  /// An edit whose new text is what an earlier one took out, or that takes out what one put in.
  private mutating func noteUndone(_ deed: Deed, at place: Place) {
    var trail = trails[deed.subject] ?? Trail()
    let editedBefore = trail.call
    trail.call = place.call
    defer { trails[deed.subject] = trail }
    if deed.kind == .edit {
      let isBack = !deed.addedMark.isEmpty && trail.removed.contains(deed.addedMark)
      let isGone =
        !deed.removedMark.isEmpty && deed.removedLength > 80
        && deed.addedLength * 5 < deed.removedLength * 2 && trail.added.contains(deed.removedMark)
      if isBack || isGone {
        let isRestored = isBack && deed.removedLength * 2 < deed.addedLength
        let line = isRestored ? deed.added : deed.detail
        incidents.append(
          Incident(
            kind: isRestored ? .restored : .undone,
            subject: "`\(deed.subject)`: \(line.cut(to: 90))", reason: deed.purpose,
            words: lastWords(since: editedBefore, at: place), place: place))
      }
    }
    if !deed.removedMark.isEmpty { trail.removed.append(deed.removedMark) }
    if !deed.addedMark.isEmpty { trail.added.append(deed.addedMark) }
    if trail.removed.count > 6 { trail.removed.removeFirst() }
    if trail.added.count > 6 { trail.added.removeFirst() }
  }

  /// The person's, if they are short and came after what is undone.
  private func lastWords(since call: Int, at place: Place) -> String {
    guard let turn = turns.last, turns.count > 1, turn.text.utf8.count < 300,
      turn.place.call >= call, place.call > turn.place.call
    else { return "" }
    return turn.text.cut(to: 150)
  }

  mutating func noteTakenBack(_ deed: Deed, hasFailed: Bool, at place: Place) {
    guard !hasFailed else { return }
    let command = deed.subject
    let takesBack =
      [
        "git checkout -- ", "git checkout HEAD", "git checkout .", "git restore ", "git reset ",
        "git revert ", "git stash",
      ].contains { command.hasBytes(of: $0) }
    if takesBack, !command.hasBytes("git stash list"), !command.hasBytes("git stash show"),
      !command.hasBytes("git stash pop")
    {
      incidents.append(
        Incident(
          kind: .takenBack, subject: Self.line(command), reason: deed.purpose, place: place))
    }
    guard command.hasBytes("rm ") else { return }
    let words = command.split(whereSeparator: { " \n;&|\"'".contains($0) })
    guard words.contains("rm") else { return }
    for (path, purpose) in purposes where purpose.call > 0 {
      guard words.contains(where: { Self.removes($0, path) }) else { continue }
      purposes[path]?.removal = place.call
      incidents.append(
        Incident(
          kind: .removed, subject: path, reason: deed.purpose, place: place))
    }
    incidents.sort { ($0.place.call, $0.subject) < ($1.place.call, $1.subject) }
  }

  /// Whether a word of `rm` is that file or a folder that it is in. A name alone may be in any folder,
  /// a path is that path.
  private static func removes(_ word: Substring, _ path: String) -> Bool {
    var word = word
    while word.hasPrefix("./") { word = word.dropFirst(2) }
    let isFolder = word.hasSuffix("/")
    while word.hasSuffix("/") { word = word.dropLast() }
    guard word.utf8.count > 3, !word.hasPrefix("-") else { return false }
    if path.hasPrefix(word + "/") { return true }
    if isFolder { return false }
    return path == word || path.hasSuffix("/" + word) || word.hasSuffix("/" + path)
  }
}
