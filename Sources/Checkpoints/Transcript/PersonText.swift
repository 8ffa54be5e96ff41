/// Tells what a person typed from all else that stands in a transcript's user lines.
///
/// Besides the person's words, a user line can hold output of commands, notices of background
/// tasks, reminders, hook text and interruptions (reference: recovery-findings, finding 8).
enum PersonText {
  /// The person's own words, or nil where there are none.
  static func words(in text: String) -> String? {
    var text = Substring(text)
    trim(&text)
    if let command = slashCommand(text) { return command.isEmpty ? nil : command }
    for (open, close) in blocks {
      while let start = text.firstRange(of: open) {
        let rest = text[start.upperBound...]
        let end = rest.firstRange(of: close)?.upperBound ?? text.endIndex
        text = Substring(String(text[..<start.lowerBound]) + String(text[end...]))
      }
    }
    trim(&text)
    if text.isEmpty || notices.contains(where: { text.hasPrefix($0) }) { return nil }
    return String(text)
  }

  /// The command line that a person typed at the prompt with `!`.
  static func shellInput(in text: String) -> String? {
    guard let open = text.firstRange(of: "<bash-input>"),
      let close = text[open.upperBound...].firstRange(of: "</bash-input>")
    else { return nil }
    return String(text[open.upperBound..<close.lowerBound])
  }

  /// A slash command as it was typed; empty for those of the client itself without words.
  private static func slashCommand(_ text: Substring) -> String? {
    guard text.hasPrefix("<command-name>") || text.hasPrefix("<command-message>") else {
      return nil
    }
    func content(_ tag: String) -> String {
      guard let open = text.firstRange(of: "<\(tag)>"),
        let close = text[open.upperBound...].firstRange(of: "</\(tag)>")
      else { return "" }
      var inner = text[open.upperBound..<close.lowerBound]
      trim(&inner)
      return String(inner)
    }
    let arguments = content("command-args")
    return arguments.isEmpty ? "" : content("command-name") + " " + arguments
  }

  private static func trim(_ text: inout Substring) {
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
  }

  private static let blocks: [(String, String)] = [
    "system-reminder", "local-command-stdout", "local-command-stderr", "local-command-caveat",
    "bash-input", "bash-stdout", "bash-stderr", "task-notification", "user-prompt-submit-hook",
    "ide_opened_file", "ide_selection", "ide_diagnostics", "new-diagnostics",
  ].map { ("<\($0)>", "</\($0)>") }

  private static let notices = [
    "[Request interrupted", "This session is being continued from a previous conversation",
    "Caveat: The messages below were generated", "Stop hook feedback", "API Error",
    "Base directory for this skill:", "<command-", "[Image: ",
  ]
}

extension Substring {
  fileprivate func firstRange(of needle: String) -> Range<Substring.Index>? {
    utf8Range(of: needle)
  }
}

extension String {
  fileprivate func firstRange(of needle: String) -> Range<String.Index>? {
    self[...].utf8Range(of: needle)
  }
}

extension Substring {
  /// Compares bytes: no Unicode normalisation, linear for needles that begin with a rare byte.
  func utf8Range(of needle: String) -> Range<Substring.Index>? {
    let wanted = Array(needle.utf8)
    guard let first = wanted.first else { return nil }
    var start = utf8.startIndex
    while let candidate = utf8[start...].firstIndex(of: first) {
      var a = candidate
      var matched = 0
      while matched < wanted.count, a < utf8.endIndex, utf8[a] == wanted[matched] {
        a = utf8.index(after: a)
        matched += 1
      }
      if matched == wanted.count { return candidate..<a }
      start = utf8.index(after: candidate)
    }
    return nil
  }
}
