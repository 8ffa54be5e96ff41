import Syntax

/// What a host tells a hook on standard input, in Claude Code's terms. Unknown fields and values are
/// passed over. Source: reference "agent-clis", sections 1, 4, 5 and 5b.
package struct HookInput: Sendable, Equatable {
  package var event: String
  package var sessionID: String?
  package var transcriptPath: String?
  package var cwd: String?
  package var source: String?
  package var trigger: String?
  package var reason: String?
  package var compactSummary: String?
  /// What the agent said last, before the transcript may have it.
  package var lastMessage: String?
  /// What a person told the compaction to keep.
  package var instructions: String?
  /// The event is a sub-agent's, within the session.
  package var isSubagent = false
  /// Where that sub-agent's own transcript is.
  package var agentTranscriptPath: String?
  /// The agent that calls, as its hook's command line or its JSON says: one of `Relay.agents`. Nil for
  /// Claude Code, and for one that writes just what it does.
  package var agent: String?
  /// The agent calls a hook that was installed for another one.
  package var isBorrowed = false
  /// The JSON was cut off, and this is what could be read of it.
  package var isRepaired = false

  package enum Reading: Equatable {
    /// Nothing but white space.
    case empty
    case hook(HookInput)
    /// JSON, but no hook's.
    case notAHook
    /// Not JSON, and nothing to be saved of it.
    case unreadable
  }

  /// Longer input is no hook's.
  static let maximumBytes = 16 << 20

  /// - Parameter agent: As the command line says.
  package static func read(_ bytes: [UInt8], agent: String? = nil) -> Reading {
    let reading = readJSON(bytes)
    guard case .hook(var input) = reading else { return reading }
    input.translate(for: agent)
    return .hook(input)
  }

  private static func readJSON(_ bytes: [UInt8]) -> Reading {
    let space: [UInt8] = [0x20, 0x09, 0x0A, 0x0D]
    guard let first = bytes.first(where: { !space.contains($0) }) else { return .empty }
    guard first == UInt8(ascii: "{") else { return .unreadable }
    if let reading = parse(bytes) { return reading }
    // Cut off in the middle: close what was open, or go back to the last field that was whole.
    let endings = ["\"}", "}", "null}"]
    for ending in endings {
      if case .hook(var input)? = parse(bytes + Array(ending.utf8)) {
        input.isRepaired = true
        return .hook(input)
      }
    }
    if let comma = bytes.lastIndex(of: UInt8(ascii: ",")),
      case .hook(var input)? = parse(bytes[..<comma] + [UInt8(ascii: "}")])
    {
      input.isRepaired = true
      return .hook(input)
    }
    return .unreadable
  }

  private static func parse(_ bytes: some Sequence<UInt8>) -> Reading? {
    let tape = JSONTape()
    return Array(bytes).withUnsafeBufferPointer { text -> Reading? in
      guard (try? tape.parse(text)) != nil else { return nil }
      let root = tape.root(text)
      guard let event = root["hook_event_name"]?.string, !event.isEmpty else { return .notAHook }
      func field(_ name: StaticString) -> String? {
        // An empty string says nothing, and a NUL cannot stand in a path or an id.
        root[name]?.string.flatMap { $0.isEmpty || $0.utf8.contains(0) ? nil : $0 }
      }
      return .hook(
        HookInput(
          event: event, sessionID: field("session_id") ?? field("conversation_id"),
          transcriptPath: field("transcript_path"),
          cwd: field("cwd") ?? root["workspace_roots"]?.elements.first?.string,
          source: field("source"), trigger: field("trigger"), reason: field("reason"),
          compactSummary: root["compact_summary"]?.string,
          lastMessage: (root["last_assistant_message"] ?? root["prompt_response"])?.string,
          instructions: field("custom_instructions"),
          isSubagent: field("agent_id") != nil || event.hasPrefix("Subagent"),
          agentTranscriptPath: field("agent_transcript_path"),
          agent: field("conversation_id") != nil ? "cursor" : nil))
    }
  }

  /// Takes an agent's names for what Claude Code has names for, too.
  private mutating func translate(for caller: String?) {
    if let agent, agent != caller { isBorrowed = true }
    agent = agent ?? (caller == "claude" ? nil : caller)
    switch event {
    case "sessionStart": event = "SessionStart"
    case "sessionEnd": event = "SessionEnd"
    case "preCompact": event = "PreCompact"
    case "stop", "AfterAgent": event = "Stop"
    case "beforeSubmitPrompt", "BeforeAgent": event = "UserPromptSubmit"
    // It comes with `auto` before nearly every turn of the model, whatever follows: only where a person
    // asks for it, a compression is sure.
    case "PreCompress" where trigger == "manual": event = "PreCompact"
    default: break
    }
  }
}

extension HookInput {
  /// What Codex's `notify` setting hands over after a turn: an older way, outside its hooks.
  ///
  /// - Returns: Nil for what is none, or tells of something else.
  package init?(notice bytes: [UInt8]) {
    let tape = JSONTape()
    let notice = bytes.withUnsafeBufferPointer { text -> HookInput? in
      guard (try? tape.parse(text)) != nil else { return nil }
      let root = tape.root(text)
      guard root["type"]?.equals("agent-turn-complete") == true else { return nil }
      return HookInput(
        event: "Stop", sessionID: root["thread-id"]?.string, cwd: root["cwd"]?.string,
        lastMessage: root["last-assistant-message"]?.string, agent: "codex")
    }
    guard let notice else { return nil }
    self = notice
  }
}
