package import Core

/// What a host tells a hook on standard input. Unknown fields and values are passed over.
/// Source: reference "agent-clis", section 1.
package struct HookInput: Sendable, Equatable {
  package var event: String
  package var sessionID: SessionID?
  package var transcriptPath: String?
  var cwd: String?
  var source: String?
  var trigger: String?
  var reason: String?
  var compactSummary: String?
  /// What the agent said last, before the transcript may have it.
  var lastMessage: String?
  /// The event is a sub-agent's, within the session.
  package var isSubagent = false
  /// Where that sub-agent's own transcript is.
  var agentTranscriptPath: String?
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

  package static func read(_ bytes: [UInt8]) -> Reading {
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
          event: event, sessionID: SessionID(field("session_id")),
          transcriptPath: field("transcript_path"), cwd: field("cwd"),
          source: field("source"), trigger: field("trigger"), reason: field("reason"),
          compactSummary: root["compact_summary"]?.string,
          lastMessage: root["last_assistant_message"]?.string,
          isSubagent: field("agent_id") != nil || event.hasPrefix("Subagent"),
          agentTranscriptPath: field("agent_transcript_path")))
    }
  }
}
