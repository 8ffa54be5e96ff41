import Syntax

/// Tells what a person wrote from what the host put into the same text.
///
/// What the host says of the line decides (``Author``). Where it says nothing, and in what it puts
/// around a person's words, its tags are known by their place: context whole, and on lines of its own at
/// the beginning or the end; output of commands and messages of others alone, with nothing beside them.
/// A tag within a sentence, or without its end, is the person's text.
enum HostText {
  /// Whose a user line is, by what the host says of it.
  enum Author: Equatable {
    /// Typed at the prompt: only an editor's context stands around it.
    case typed
    /// A person's, by way of another program, which may put context around it.
    case person
    /// The host does not say; its own messages are told by being nothing but its tags or notices.
    case unsaid
    /// The host's, another agent's, a program's.
    case other
  }

  /// The person's own words, or nil where there are none.
  static func words(in text: String, by author: Author = .unsaid) -> String? {
    if author == .other { return nil }
    var rest = text[...].trimmed
    if rest.isEmpty { return nil }
    if let command = slashCommand(rest) { return command.isEmpty ? nil : command }
    if let note = block(at: rest, ["user-memory-input"]), note.rest.trimmed.isEmpty {
      // What was typed behind `#`.
      let words = note.content.trimmed
      return words.isEmpty ? nil : String(words)
    }
    if author == .typed {
      rest = withoutEdges(rest, editorTags)
    } else {
      rest = withoutEdges(rest, contextTags)
      if notices.contains(String(rest)) { return nil }
      if author == .unsaid, isNotice(rest) || isMail(rest) || isHosts(rest) { return nil }
    }
    return rest.isEmpty ? nil : String(rest)
  }

  /// True for a block that holds nothing but the host's context, beside a block of the person's.
  static func isContext(_ text: String) -> Bool {
    let text = text[...].trimmed
    return notices.contains(String(text)) || withoutEdges(text, contextTags).isEmpty
  }

  /// The command line that a person typed at the prompt with `!`.
  static func shellInput(in text: String) -> String? {
    let text = text[...].trimmed
    guard let block = block(at: text, ["bash-input"]), block.rest.trimmed.isEmpty else {
      return nil
    }
    return String(block.content)
  }

  /// The plan with which a cleared conversation goes on, and what the person said on approving it.
  ///
  /// - Parameters:
  ///   - plan: As the line has it by itself.
  ///   - isMarked: The line says what it is. Where it does not, the host's advice must be there.
  static func planContinuation(
    in text: String, plan: String?, isMarked: Bool
  ) -> (plan: Substring, words: Substring?)? {
    guard text.hasPrefix(planOpening) else { return nil }
    let body = text[...].dropFirst(planOpening.count)
    // What the plan itself says of such things is a part of it.
    let start =
      plan.flatMap { !$0.isEmpty && body.hasPrefix($0) ? body.utf8Range(of: $0)?.upperBound : nil }
    let advice = body[(start ?? body.startIndex)...].lastUTF8Range(of: planAdvice)
    guard isMarked || advice != nil else { return nil }
    let end =
      start ?? advice?.lowerBound ?? body.lastUTF8Range(of: planFeedback)?.lowerBound
      ?? body.endIndex
    let rest = body[end...]
    guard let said = rest.utf8Range(of: planFeedback) else {
      return (body[..<end].trimmed, nil)
    }
    let words = rest[said.upperBound...].trimmed
    return (body[..<end].trimmed, words.isEmpty ? nil : words)
  }

  private static let planOpening = "Implement the following plan:\n\n"
  private static let planAdvice =
    "\n\nIf you need specific details from before exiting plan mode (like exact code snippets,"
  private static let planFeedback = "\n\nUser feedback on this plan: "

  // MARK: Commands

  /// A slash command as it was typed, where the text is nothing but one; empty for those of the
  /// client itself without words. The client's own begin with their name, a person's or a plugin's
  /// with their message.
  private static func slashCommand(_ text: Substring) -> String? {
    guard text.hasPrefix("<command-") else { return nil }
    let isOwn = text.hasPrefix("<command-name>")
    var parts: [String: Substring] = [:]
    var rest = text
    while !rest.isEmpty {
      guard let block = block(at: rest, ["command-name", "command-message", "command-args"])
      else { return nil }
      parts[block.tag] = block.content.trimmed
      rest = block.rest.trimmed
    }
    guard let name = parts["command-name"], !name.isEmpty else { return nil }
    let arguments = parts["command-args"] ?? ""
    if arguments.isEmpty { return isOwn ? "" : String(name) }
    return name + " " + arguments
  }

  // MARK: Blocks

  private struct Block {
    var tag: String
    var content: Substring
    var rest: Substring
  }

  /// The whole block of one of these tags with which a text begins.
  private static func block(at text: Substring, _ tags: Set<String>) -> Block? {
    guard let tag = openingTag(of: text), tags.contains(tag),
      let end = text.utf8.firstIndex(of: UInt8(ascii: ">"))
    else { return nil }
    let inner = text[text.utf8.index(after: end)...]
    // A person's arguments may name the tag.
    let close = "</\(tag)>"
    let isPersons = ["command-args", "bash-input", "user-memory-input"].contains(tag)
    let found = isPersons ? inner.lastUTF8Range(of: close) : inner.utf8Range(of: close)
    guard let found else { return nil }
    return Block(tag: tag, content: inner[..<found.lowerBound], rest: inner[found.upperBound...])
  }

  /// Without the blocks of these tags that stand in front or behind, on lines of their own.
  private static func withoutEdges(_ text: Substring, _ tags: Set<String>) -> Substring {
    var text = text
    var rest = text
    while let block = block(at: rest, tags) {
      rest = block.rest.trimmed
      let gap = block.rest.utf8.prefix { isBlank($0) }
      if rest.isEmpty || gap.contains(0x0A) { text = rest }
    }
    while text.last == ">", let open = text.lastUTF8Range(of: "</") {
      let tag = text[open.upperBound...].dropLast()
      guard tags.contains(String(tag)),
        let start = text[..<open.lowerBound].lastUTF8Range(of: "<\(tag)>")
      else { break }
      let before = text[..<start.lowerBound]
      let gap = before.utf8.reversed().prefix { isBlank($0) }
      guard before.isEmpty || gap.contains(0x0A) else { break }
      text = before.trimmed
    }
    return text
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
  }

  /// True for a text that opens with one of the host's tags and ends with the end of one. What stands
  /// between may name them: it is what a command printed, or what somebody else wrote.
  private static func isHosts(_ text: Substring) -> Bool {
    let tags = outputTags.union(mailTags)
    guard openingTag(of: text).map({ tags.contains($0) }) == true, text.last == ">",
      let close = text.lastUTF8Range(of: "</")
    else { return false }
    return tags.contains(String(text[close.upperBound...].dropLast()))
  }

  /// True for a message of others with what the host says about it.
  private static func isMail(_ text: Substring) -> Bool {
    for line in mailHeads where text.hasPrefix(line) {
      // What follows such a message is the host's advice on how to take it.
      if block(at: text.dropFirst(line.count).trimmed, mailTags) != nil { return true }
    }
    guard let tag = openingTag(of: text), mailTags.contains(tag),
      let close = text.lastUTF8Range(of: "</\(tag)>")
    else { return false }
    return text[close.upperBound...].split(separator: "\n").map(\.trimmed).allSatisfy { line in
      line.isEmpty || mailTails.contains { line.hasPrefix($0) }
    }
  }

  /// The name of the tag with which a text begins.
  private static func openingTag(of text: Substring) -> String? {
    guard text.first == "<", let end = text.utf8.firstIndex(of: UInt8(ascii: ">")) else {
      return nil
    }
    let head = text[text.utf8.index(after: text.startIndex)..<end]
    return String(head.prefix { $0 != " " && $0 != "\n" })
  }

  /// A line of the host's own that has no tag.
  private static func isNotice(_ text: Substring) -> Bool {
    if preambles.contains(where: { text.hasPrefix($0) }) { return true }
    // In the place of a command that there is none of: its name, and nothing else.
    for line in unknownCommands where text.hasPrefix(line) {
      let name = text.dropFirst(line.count)
      if !name.isEmpty, !name.contains(where: \.isWhitespace) { return true }
    }
    guard !text.utf8.contains(0x0A), text.hasPrefix("Background ") else { return false }
    return backgroundEnds.contains { text.hasSuffix($0) }
      && ["agent \"", "command \"", "task \""].contains {
        text.dropFirst("Background ".count).hasPrefix($0)
      }
  }

  // MARK: What the host writes

  private static let editorTags: Set<String> = [
    "ide_opened_file", "ide_selection", "ide_diagnostics", "new-diagnostics",
  ]
  private static let contextTags = editorTags.union([
    "system-reminder", "user-prompt-submit-hook", "ci-monitor-event", "create-pr-command",
  ])
  private static let outputTags: Set<String> = [
    "local-command-stdout", "local-command-stderr", "local-command-caveat", "bash-input",
    "bash-stdout", "bash-stderr",
  ]
  private static let mailTags: Set<String> = [
    "task-notification", "teammate-message", "agent-message", "cross-session-message", "channel",
    "agent-notification",
  ]
  private static let mailHeads = ["Another Claude session sent a message:"]
  private static let mailTails = [
    "Read the output file to retrieve the result:", "Full transcript available at:",
  ]
  private static let notices: Set<String> = [
    "[Request interrupted by user]", "[Request interrupted by user for tool use]",
  ]
  private static let preambles = [
    "This session is being continued from a previous conversation that ran out of context",
    "Caveat: The messages below were generated by the user",
    "[SYSTEM NOTIFICATION - NOT USER INPUT]",
  ]
  private static let unknownCommands = ["Unknown skill: ", "Unknown slash command: "]
  private static let backgroundEnds = [
    "\" was stopped by the user", "\" was stopped by the user.", "\" was stopped.", "\" completed.",
    "\" failed.",
  ]
}
