import Core
import Syntax

/// Tells what a person typed from what Gemini CLI puts into the person's messages.
enum GeminiText {
  /// The texts of a message: a string, a part, or a list of parts. What a tool gave back is none.
  static func texts(of content: JSONValue?) -> [String] {
    guard let content else { return [] }
    if let text = content.string { return [text] }
    if let text = content["text"]?.string { return [text] }
    return content.elements.filter { $0["thought"]?.bool != true }
      .compactMap { $0.string ?? $0["text"]?.string }
  }

  /// The person's words in a user's message; nil if all of it is the host's.
  static func words(in texts: [String]) -> String? {
    var words: [String] = []
    for text in texts {
      // What `@path` named follows in parts of its own, to the end of the message.
      if text.trimmed.hasPrefix(referencedFiles) { break }
      if let typed = typedBehindCommand(text) {
        if !typed.isEmpty { words.append(typed) }
        continue
      }
      if isHosts(text) { continue }
      let own = withoutContext(text).trimmed
      if !own.isEmpty { words.append(String(own)) }
    }
    return words.isEmpty ? nil : words.joined(separator: "\n\n")
  }

  /// memoryd's own commands put a long text into the person's message; only what stands in the tag is theirs.
  private static func typedBehindCommand(_ text: String) -> String? {
    let text = text.trimmed
    guard text.hasPrefix("<memoryd-command>"),
      let start = text.utf8Range(of: "<memoryd-command>"),
      let end = text.utf8Range(of: "</memoryd-command>"), start.upperBound <= end.lowerBound
    else { return nil }
    return String(text[start.upperBound..<end.lowerBound].trimmed)
  }

  /// The command that the person typed behind `!`.
  static func shellInput(in text: String) -> String? {
    guard text.hasPrefix(shellHead),
      let start = text[...].utf8Range(of: "```sh\n"),
      let end = text[start.upperBound...].utf8Range(of: "\n```")
    else { return nil }
    return String(text[start.upperBound..<end.lowerBound])
  }

  /// The summary that stands for what was compressed.
  static func summary(in texts: [String]) -> String? {
    texts.first { $0.hasBytes("<state_snapshot>") }
  }

  /// The folder in which the session was started, as the host tells the model.
  static func folder(in text: String) -> String? {
    for lead in ["**Workspace Directories:**\n", "currently working in the directory: "] {
      guard isContext(text), let range = text[...].utf8Range(of: lead) else { continue }
      let line = text[range.upperBound...].split(separator: "\n", maxSplits: 1).first ?? ""
      let folder = line.trimmed.hasPrefix("- ") ? line.trimmed.dropFirst(2) : line.trimmed
      if !folder.isEmpty { return String(folder) }
    }
    return nil
  }

  static func isContext(_ text: String) -> Bool {
    let text = text.trimmed
    return text.hasPrefix("<session_context>")
      || text.hasPrefix("This is the Gemini CLI. We are setting up the context for our chat.")
  }

  private static func isHosts(_ text: String) -> Bool {
    let text = text.trimmed
    return isContext(String(text)) || text == "Please continue."
      || heads.contains { text.hasPrefix($0) }
  }

  /// A hook's context is put behind the prompt.
  private static func withoutContext(_ text: String) -> Substring {
    guard text.trimmed.hasSuffix("</hook_context>"),
      let start = text[...].lastUTF8Range(of: "<hook_context>")
    else { return text[...] }
    return text[..<start.lowerBound]
  }

  private static let referencedFiles = "--- Content from referenced files ---"
  private static let shellHead = "I ran the following shell command:"
  private static let heads = [
    "<state_snapshot>", "<hook_context>", "Here is the user's editor context",
    "Here is a summary of changes in the user's editor context", "System: Potential loop",
    "System: Please continue", shellHead,
  ]
}
