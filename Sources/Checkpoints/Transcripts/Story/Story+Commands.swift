import Syntax

// What commands did: what failed, what was tried against it, and what made it pass.
extension Story {
  mutating func ingestShell(
    _ output: String, _ deed: Deed, _ ending: CallEnding, at place: Place,
    _ clean: (String) -> String
  ) {
    let commands = ShellCommand.commands(in: deed.subject)
    let isLook = commands.allSatisfy { Self.lookers.contains($0.program) }
    let isCommit = Self.commits(deed.subject)
    let hasFailed =
      ending == .failed || ending == .blocked
      || (ending == .succeeded || ending == .ended) && (!isLook || isCommit)
        && CommandOutput(output).saysFailure
    if !isLook || isCommit { runs += 1 }
    let line = Self.line(deed.subject)
    steps.append(
      Step(
        kind: isLook && !isCommit ? .look : .deed, text: "`\(line)`", place: place, output: output,
        hasFailed: hasFailed))
    noteLandmarks(
      output, deed, isCommit: isCommit, hasFailed: hasFailed, isSure: ending == .succeeded,
      at: place, clean)
    noteTickets(output, deed.subject, hasFailed: hasFailed, at: place, clean)
    noteTakenBack(deed, hasFailed: hasFailed, at: place)
    if ending == .blocked {
      incidents.append(
        Incident(
          kind: .blocked, subject: line, reason: Self.telling(output, limit: 150, clean),
          place: place))
      return
    }
    guard ending != .interrupted else { return }
    noteDetour(line, hasFailed: hasFailed, at: place)
    var keys = isLook ? [] : commands.filter { !Self.lookers.contains($0.program) }.map(\.key)
    if isCommit { keys = ["git commit"] }
    guard !keys.isEmpty else { return }
    var error: String?
    if hasFailed { error = Self.telling(output, limit: 260, clean) }
    for key in keys.prefix(3) {
      noteRun(key, line, error, at: place)
    }
    let isSure = ending != .ended || hasFailed || CommandOutput(output).saysSuccess
    noteCheck(commands, line, output, hasFailed: hasFailed, isSure: isSure, at: place)
  }

  /// Programs that look at something, and whose failing is no obstacle.
  static let lookers: Set<String> = [
    "gh", "bd", "curl", "wget", "linear", "jira", "glab", "brew", "docker", "lsof", "nc", "ping",
    "man", "python3 -c", "sqlite3", "psql", "redis-cli", "ssh", "tmux", "screen", "defaults", "log",
  ]

  /// As one would type it again: without `cd`, pipes into viewers, redirections and here-documents.
  package static func line(_ command: String) -> String {
    var text = command.replacing(bytesOf: "\\\n", with: " ")
    if let document = text[...].utf8Range(of: "<<") {
      text = String(text[..<document.lowerBound])
      // What a message is read from goes with it.
      if let open = text[...].lastUTF8Range(of: "\"$(cat ") {
        text = String(text[..<open.lowerBound]) + "…"
      }
    }
    var parts: [String] = []
    for raw in text.split(whereSeparator: { $0 == "\n" || $0 == ";" }) {
      var isFirst = true
      for piece in raw.split(on: "&&") {
        var part = String(piece)
        if let pipe = part[...].utf8Range(of: " | ") {
          let after = part[pipe.upperBound...].split(separator: " ").first ?? ""
          if viewers.contains(String(after)) { part = String(part[..<pipe.lowerBound]) }
        }
        for redirection in [" 2>&1", " 2>/dev/null", " >/dev/null", " > /dev/null", " &>/dev/null"]
        {
          part = part.replacing(bytesOf: redirection, with: "")
        }
        if commits(part), let message = part[...].utf8Range(of: " -m ") {
          part = part[..<message.upperBound] + "…"
        }
        let words = part.oneLine
        let first = words.split(separator: " ").first.map(String.init) ?? ""
        guard !words.isEmpty, !idle.contains(first), !words.hasPrefix("#") else { continue }
        // Newlines run the next one in any case.
        parts.append(parts.isEmpty ? words : (isFirst ? "; " : " && ") + words)
        isFirst = false
      }
    }
    let shown = parts.isEmpty ? command.oneLine : parts.prefix(3).joined()
    return shown.withoutBackticks.cut(to: 120)
  }

  private static let viewers: Set<String> = [
    "head", "tail", "cat", "wc", "sort", "uniq", "less", "tee", "sed", "awk", "tr", "grep", "jq",
  ]
  private static let idle: Set<String> = [
    "cd", "export", "sleep", "echo", "set", "source", "mkdir", "true", "pwd", "which", ".",
  ]

  package static func commits(_ command: String) -> Bool {
    guard command.hasBytes("commit"), command.hasBytes("git") else { return false }
    return command.split(whereSeparator: { "\n;|&(".contains($0) }).contains { part in
      var words = part.split(separator: " ")[...]
      guard let git = words.firstIndex(of: "git") else { return false }
      words = words[(git + 1)...]
      // Options of git's own, and what they take.
      while let option = words.first, option.hasPrefix("-") {
        words.removeFirst(option == "-C" || option == "-c" ? min(2, words.count) : 1)
      }
      return words.first == "commit"
    }
  }

  /// The lines that say why it failed. What stands beside a secret tells that it is one, so all is
  /// cleaned before lines are taken.
  static func telling(
    _ output: String, limit: Int, _ clean: (String) -> String
  ) -> String {
    CommandOutput(clean(CommandOutput.ends(of: output)))
      .telling(limit: limit, groups: limit > 140 ? 2 : 1)
  }

  // MARK: Failed, tried, fixed

  /// - Parameter error: The telling lines; nil if it passed.
  private mutating func noteRun(_ key: String, _ line: String, _ error: String?, at place: Place) {
    let open = attempts.lastIndex { $0.key == key && !$0.hasPassed }
    guard let error else {
      guard let open else { return }
      let failed = attempts[open].end
      let changed = edits(after: failed.call)
      // Once, and passed as it was: no more than a slip.
      if attempts[open].failures == 1, changed.isEmpty, attempts[open].command == line {
        attempts.remove(at: open)
        return
      }
      attempts[open].hasPassed = true
      attempts[open].fix =
        changed.isEmpty
        ? (attempts[open].command == line ? "" : "`\(line)`")
        : Self.told(changed, since: failed.line, limit: 240)
      attempts[open].end = place
      noteFix(attempts[open])
      return
    }
    guard let open else {
      var attempt = Attempt()
      attempt.key = key
      attempt.command = line
      attempt.failures = 1
      attempt.lastError = error
      attempt.start = place
      attempt.end = place
      attempts.append(attempt)
      return
    }
    let changed = edits(after: attempts[open].end.call)
    if !changed.isEmpty {
      attempts[open].tries.append(
        Self.told(changed, since: attempts[open].end.line, limit: 170))
    } else if attempts[open].command != line {
      attempts[open].tries.append("`\(line.cut(to: 80))`")
    }
    if attempts[open].tries.count > 7 { attempts[open].tries.remove(at: 1) }
    if attempts[open].firstError.isEmpty { attempts[open].firstError = attempts[open].lastError }
    attempts[open].lastError = error
    attempts[open].command = line
    attempts[open].failures += 1
    attempts[open].end = place
  }

  private func edits(after call: Int) -> [Edit] {
    Array(edits.reversed().prefix { $0.place.call > call }.reversed())
  }

  /// - Parameter line: Where the failure was seen.
  private static func told(_ edits: [Edit], since line: Int, limit: Int) -> String {
    var texts: [String] = []
    for text in edits.map({ $0.told(since: line) }) where !text.isEmpty && !texts.contains(text) {
      texts.append(text)
    }
    if texts.isEmpty {
      var paths: [String] = []
      for edit in edits where !paths.contains(edit.path) { paths.append(edit.path) }
      return "edits of " + paths.suffix(4).joined(separator: ", ").cut(to: limit)
    }
    return texts.suffix(2).joined(separator: "; ").cut(to: limit)
  }

  /// "X cmd" fails and "cmd" passes right after: there is a way that works.
  private mutating func noteDetour(
    _ line: String, hasFailed: Bool, at place: Place
  ) {
    if hasFailed {
      lastFailed = Landmark(kind: .status, text: line, place: place)
      return
    }
    let failed = lastFailed
    lastFailed = Landmark()
    guard !failed.text.isEmpty, place.call - failed.place.call <= 3, failed.text != line,
      line.utf8.count > 6
    else { return }
    let (a, b) = (failed.text.split(separator: " "), line.split(separator: " "))
    let isPrefix = failed.text.hasSuffix(" " + line)
    let isOther = a.count > 1 && b.count > 1 && a.dropFirst() == b.dropFirst() && a[0] != b[0]
    guard isPrefix || isOther else { return }
    incidents.append(
      Incident(
        kind: .detour, subject: line.cut(to: 100), reason: failed.text.cut(to: 100), place: place))
  }
}
