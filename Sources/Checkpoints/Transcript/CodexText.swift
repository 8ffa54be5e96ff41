/// Tells what a person typed from what Codex puts into the person's messages.
///
/// Measured on 0.118 and 0.141: each such text is a content block of its own, wrapped in a tag
/// (`<environment_context>`, `<turn_aborted>`, `<permissions instructions>`), or begins with a
/// heading of the harness.
enum CodexText {
  /// The person's own words in one content block, or nil where there are none.
  static func words(in text: String) -> String? {
    var text = text[...].trimmed
    // An editor's extension writes what is open there in front of the request.
    if text.hasPrefix("# "), let request = text.utf8Range(of: editorRequest) {
      text = text[request.upperBound...].trimmed
    }
    if text.isEmpty || isWrapped(text) || headings.contains(where: { text.hasPrefix($0) }) {
      return nil
    }
    return String(text)
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
  private static let headings = ["# AGENTS.md instructions", "<user_instructions>"]
  private static let editorRequest = "## My request for Codex:"
}
