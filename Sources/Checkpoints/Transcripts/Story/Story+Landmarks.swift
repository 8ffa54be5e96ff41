import Syntax

// Commits, pushes, merges and links that commands told of, and what git said of the tree.
extension Story {
  mutating func noteLandmarks(
    _ output: String, _ deed: Deed, isCommit: Bool, hasFailed: Bool, isSure: Bool,
    at place: Place, _ clean: (String) -> String
  ) {
    if isCommit {
      // A quiet one, or its first line was cut off.
      let isDone =
        isSure && !output.hasBytes("nothing to commit") && !output.hasBytes("no changes added")
        && !output.hasBytes("nothing added to commit")
        || output.hasBytes(" changed, ") || output.hasBytes("create mode ")
      if !hasFailed, isDone, Self.commit(in: output) == nil {
        landmarks.append(
          Landmark(kind: .commit, text: Self.message(of: deed.subject), place: place))
      }
      if let (hash, subject) = Self.commit(in: output) {
        landmarks.append(
          Landmark(
            kind: .commit, id: hash, text: clean(subject).cut(to: 120), place: place))
      } else if hasFailed {
        landmarks.append(
          Landmark(
            kind: .refusedCommit, text: Self.telling(output, limit: 260, clean),
            place: place))
      }
    }
    if deed.subject.hasBytes("git push"), !hasFailed,
      let line = output.split(separator: "\n").first(where: {
        $0.utf8Range(of: " -> ") != nil
          && ($0.utf8Range(of: "..") != nil || $0.utf8Range(of: "[new ") != nil)
      })
    {
      landmarks.append(
        Landmark(kind: .push, text: clean(String(line.trimmed)).cut(to: 100), place: place))
    }
    if !hasFailed, deed.subject.hasBytes("pr merge") || deed.subject.hasBytes("mr merge"),
      let line = output.split(separator: "\n").first(where: {
        $0.utf8Range(of: "erged ") != nil && $0.contains("#")
      })
    {
      landmarks.append(
        Landmark(kind: .merge, text: clean(String(line.trimmed)).cut(to: 120), place: place))
    }
    if !hasFailed { noteStatus(output, deed.subject, at: place, clean) }
    for link in Self.links(in: output).prefix(3)
    where !landmarks.contains(where: { $0.kind == .link && $0.id == link }) {
      // The link alone on its line is what such a command answers with.
      let isMade =
        deed.subject.hasBytes(" create") && deed.subject.hasBytes("gh ")
        && output.split(separator: "\n").contains { $0.trimmed == link }
      landmarks.append(
        Landmark(kind: .link, id: clean(link), text: isMade ? "made" : "", place: place))
    }
  }

  /// What a commit was to say; empty where it is read from elsewhere.
  private static func message(of command: String) -> String {
    guard let option = command[...].utf8Range(of: " -m ") else { return "" }
    let rest = command[option.upperBound...].drop { "\"'$(".contains($0) }
    return String(rest.prefix { !"\"'\n".contains($0) }).cut(to: 100)
  }

  /// `[branch 1a2b3c4] subject`, as git prints it after a commit.
  package static func commit(in output: String) -> (hash: String, subject: String)? {
    for raw in output.utf8.split(separator: 0x0A) where raw.first == UInt8(ascii: "[") {
      let line = Substring(raw)
      guard let close = line.firstIndex(of: "]") else { continue }
      let words = line[line.index(after: line.startIndex)..<close].split(separator: " ")
      guard let hash = words.last, words.count >= 2, isHash(hash) else { continue }
      return (String(hash), String(line[line.index(after: close)...].trimmed))
    }
    return nil
  }

  private static func isHash(_ word: Substring) -> Bool {
    (7...40).contains(word.utf8.count)
      && word.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }

  private static func links(in output: String) -> [String] {
    guard output.hasBytes("https://") else { return [] }
    var found: [String] = []
    let bytes = output.utf8.prefix(8000)
    for raw in bytes.split(whereSeparator: { $0 <= 0x20 || "\"'<>()`,".utf8.contains($0) })
    where raw.first == UInt8(ascii: "h") && raw.count < 160 {
      let word = Substring(raw)
      guard word.hasPrefix("https://") else { continue }
      let isChange = ["/pull/", "/merge_requests/", "/issues/", "/compare/"].contains {
        word.utf8Range(of: $0) != nil
      }
      let link = String(word.trimmedEnd(".]}"))
      if isChange, link.last?.isNumber == true, !found.contains(link) { found.append(link) }
    }
    return found
  }

  /// What `git status` and a plain `git log` showed: the truth as of then.
  private mutating func noteStatus(
    _ output: String, _ command: String, at place: Place, _ clean: (String) -> String
  ) {
    if command.hasBytes("git status") {
      let lines = output.split(separator: "\n").prefix(200)
      var paths: [String] = []
      var isClean = false
      for line in lines {
        if line.utf8Range(of: "nothing to commit") != nil { isClean = true }
        let words = line.trimmed
        for mark in ["modified:", "new file:", "deleted:", "renamed:"] where words.hasPrefix(mark) {
          paths.append(String(words.dropFirst(mark.count).trimmed))
        }
        for mark in ["?? ", "M  ", " M ", "A  ", "MM ", "D  ", " D "] where line.hasPrefix(mark) {
          paths.append(String(line.dropFirst(3).trimmed))
        }
      }
      // A branch and nothing below it.
      if paths.isEmpty, !lines.isEmpty, lines.allSatisfy({ $0.hasPrefix("## ") }) { isClean = true }
      guard isClean || !paths.isEmpty else { return }
      landmarks.removeAll { $0.kind == .status }
      landmarks.append(
        Landmark(
          kind: .status,
          text: isClean ? "" : clean(paths.prefix(12).joined(separator: ", ")).cut(to: 300),
          place: place))
    }
    if command.hasBytes("git log"), !command.hasBytes(".."),
      let line = output.split(separator: "\n").first
    {
      let words = line.split(separator: " ", maxSplits: 1)
      guard let hash = words.first, words.count == 2, Self.isHash(hash) else { return }
      landmarks.removeAll { $0.kind == .head }
      landmarks.append(
        Landmark(
          kind: .head, id: String(hash.prefix(10)), text: clean(String(words[1])).cut(to: 90),
          place: place))
    }
  }
}
