import Syntax

/// Tells what a person typed from what Codex puts into the person's messages.
///
/// Measured on 0.118 and 0.141: each such text is a content block of its own, wrapped in a tag
/// (`<environment_context>`, `<turn_aborted>`, `<permissions instructions>`), or begins with a
/// heading of the harness.
enum CodexText {
  /// The person's own words in one content block, or nil where there are none.
  static func words(in text: String) -> String? {
    let text = text[...].trimmed
    if isWrapped(text) || isInstructions(text) || isWarning(text) { return nil }
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

  /// How a rollout tells what a person sent; up to three lines tell the same.
  enum Telling: Int {
    case message = 1
    case event = 2
    /// Since 0.146.
    case item = 4
  }

  /// What a line tells that a person sent; nil for other lines.
  static func told(
    _ type: JSONValue, _ payload: JSONValue
  ) -> (telling: Telling, words: String)? {
    guard let kind = payload["type"] else { return nil }
    if type.equals("response_item") {
      guard kind.equals("message"), payload["role"]?.equals("user") == true,
        let content = payload["content"]
      else { return nil }
      let found = texts(of: content).compactMap { words(in: $0) }
      return found.isEmpty ? nil : (.message, found.joined(separator: "\n\n"))
    }
    return type.equals("event_msg") ? toldByEvent(payload) : nil
  }

  static func toldByEvent(_ payload: JSONValue) -> (telling: Telling, words: String)? {
    guard let (telling, text) = event(payload), let words = request(in: text) else { return nil }
    return (telling, words)
  }

  /// True for the events about what a person sent.
  static func isPersonEvent(_ payload: JSONValue) -> Bool { event(payload) != nil }

  private static func event(_ payload: JSONValue) -> (Telling, String)? {
    guard let kind = payload["type"] else { return nil }
    if kind.equals("user_message") {
      // Once the harness's own messages had the event too, of another kind.
      if let kind = payload["kind"], kind.isString, !kind.equals("plain") { return nil }
      return payload["message"]?.string.map { (.event, $0) }
    }
    guard kind.equals("item_completed"), let item = payload["item"],
      item["type"]?.equals("UserMessage") == true, let content = item["content"]
    else { return nil }
    return (.item, texts(of: content).joined(separator: "\n"))
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

  /// Notes of the harness that have no tag.
  private static func isWarning(_ text: Substring) -> Bool {
    warnings.contains { text.hasPrefix($0) }
  }

  /// True for `<tag> … </tag>` of the harness. A person may send markup too, so the tag must be a
  /// known one, or have a blank in its name.
  private static func isWrapped(_ text: Substring) -> Bool {
    guard text.first == "<", let end = text.firstIndex(of: ">") else { return false }
    let tag = text[text.index(after: text.startIndex)..<end]
    // With attributes, or with a blank in its name.
    let name = tag.prefix { $0 != " " }
    if tag.contains(" "), text.hasSuffix("</\(tag)>") { return true }
    return text.hasSuffix("</\(name)>") && tags.contains(String(name))
  }

  private static let tags: Set<String> = [
    "skill", "INSTRUCTIONS", "apps", "plugins", "memories", "subagents", "environment_context",
    "user_instructions", "turn_aborted", "subagent_notification", "user_shell_command",
    "user_action", "permissions_instructions", "apps_instructions", "skills_instructions",
    "plugins_instructions", "collaboration_mode", "collaboration_instructions", "model_switch",
    "personality_spec", "realtime_conversation", "hook_prompt", "goal_context",
    "codex_internal_context", "exec_command_completed", "multi_agent_mode", "agent_message",
    "inter_agent_message", "app_context", "memory_instructions", "project_doc",
  ]
  private static let warnings = [
    "Warning: The maximum number of unified exec processes",
    "Warning: apply_patch was requested via ", "Warning: Your account was flagged",
    // The summary of a compaction.
    "Another language model started to solve this problem and produced a summary of its thinking",
  ]
  private static let editorContext = "# Context from my IDE setup:"
  private static let editorRequest = "\n## My request for Codex:"
}
