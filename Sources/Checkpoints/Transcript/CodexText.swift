/// Tells what a person typed from what Codex puts into the person's messages.
///
/// Measured on 0.118 and 0.141: each such text is a content block of its own, wrapped in a tag
/// (`<environment_context>`, `<turn_aborted>`, `<permissions instructions>`), or begins with a
/// heading of the harness.
enum CodexText {
  /// The person's own words in one content block, or nil where there are none.
  static func words(in text: String) -> String? {
    let text = text[...].trimmed
    if isWrapped(text) || isInstructions(text) { return nil }
    return request(in: String(text))
  }

  /// What a person sent, as the event about it has it: only the list of what is open in an editor,
  /// which a client writes in front of the request, is not the person's.
  static func request(in text: String) -> String? {
    var text = text[...].trimmed
    let head = text.prefix { $0 != "\n" }
    if head == editorContext || head.hasPrefix("# ") && head.hasSuffix(" mentioned by the user:"),
      let request = text.utf8Range(of: editorRequest)
    {
      text = text[request.upperBound...].trimmed
    }
    return text.isEmpty ? nil : String(text)
  }

  /// True for a line with which a turn of the person begins: a message of theirs, or its event.
  static func beginsTurn(_ type: JSONValue, _ kind: JSONValue, _ payload: JSONValue) -> Bool {
    if type.equals("event_msg") { return kind.equals("user_message") }
    guard type.equals("response_item"), kind.equals("message"),
      payload["role"]?.equals("user") == true, let content = payload["content"]
    else { return false }
    return texts(of: content).contains { words(in: $0) != nil }
  }

  static func texts(of content: JSONValue) -> [String] {
    content.string.map { [$0] } ?? content.elements.compactMap { $0["text"]?.string }
  }

  /// The folder that the harness names in its account of the environment.
  static func folder(in text: String) -> String? {
    guard text.trimmed.hasPrefix("<environment_context>") else { return nil }
    for (open, close) in [("<cwd>", "</cwd>"), ("Current working directory: ", "\n")] {
      guard let start = text[...].utf8Range(of: open),
        let end = text[start.upperBound...].utf8Range(of: close)
      else { continue }
      return String(text[start.upperBound..<end.lowerBound].trimmed)
    }
    return nil
  }

  private static func isInstructions(_ text: Substring) -> Bool {
    text.hasPrefix("# AGENTS.md instructions for ") && text.utf8Range(of: "<INSTRUCTIONS>") != nil
      || text.hasPrefix("<user_instructions>")
  }

  /// The command line that a person typed at the prompt with `!`.
  static func shellInput(in text: String) -> String? {
    guard text.trimmed.hasPrefix("<user_shell_command>"),
      let open = text[...].utf8Range(of: "<command>"),
      let close = text[open.upperBound...].utf8Range(of: "</command>")
    else { return nil }
    return String(text[open.upperBound..<close.lowerBound].trimmed)
  }

  /// True for `<tag> … </tag>` of the harness. A person may send markup too, so the tag must be a
  /// known one, or have a character that tags of documents do not have.
  private static func isWrapped(_ text: Substring) -> Bool {
    guard text.first == "<", let end = text.firstIndex(of: ">") else { return false }
    let tag = text[text.index(after: text.startIndex)..<end]
    // With attributes, or with a blank in its name.
    let name = tag.prefix { $0 != " " }
    if tag.contains(" "), text.hasSuffix("</\(tag)>") { return true }
    return text.hasSuffix("</\(name)>") && (name.contains("_") || tags.contains(String(name)))
  }

  private static let tags: Set<String> = ["skill", "INSTRUCTIONS", "apps", "plugins", "memories"]
  private static let editorContext = "# Context from my IDE setup:"
  private static let editorRequest = "\n## My request for Codex:"
}
