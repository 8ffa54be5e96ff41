import TestSupport
import Testing

@testable import Journal

@Suite(.blocking) struct HookInputTests {
  private func read(_ text: String) -> HookInput.Reading { HookInput.read(Array(text.utf8)) }

  private func hook(_ text: String) throws -> HookInput {
    guard case .hook(let input) = read(text) else {
      throw NoHook(reading: read(text))
    }
    return input
  }

  private struct NoHook: Error { var reading: HookInput.Reading }

  // MARK: Whole input

  @Test func fields_whenTheyAreAllThere_areAllRead() throws {
    let input = try hook(
      #"""
      {"hook_event_name": "PreCompact", "session_id": "s", "transcript_path": "/t.jsonl",
       "cwd": "/w", "source": "startup", "trigger": "auto", "reason": "clear",
       "compact_summary": "sum", "last_assistant_message": "bye", "agent_id": "a",
       "agent_transcript_path": "/a.jsonl"}
      """#)
    #expect(
      input
        == HookInput(
          event: "PreCompact", sessionID: "s", transcriptPath: "/t.jsonl", cwd: "/w",
          source: "startup", trigger: "auto", reason: "clear", compactSummary: "sum",
          lastMessage: "bye", isSubagent: true, agentTranscriptPath: "/a.jsonl"))
  }

  @Test(arguments: ["", " ", "\n", " \t\r\n "])
  func input_whenItIsBlank_isEmpty(text: String) {
    #expect(read(text) == .empty)
  }

  @Test(arguments: [
    "{}", #"{"session_id": "s"}"#, #"{"hook_event_name": ""}"#, #"{"hook_event_name": 5}"#,
    #"{"hook_event_name": null}"#, #"{"hook_event_name": ["Stop"]}"#,
    #"{"tool": {"hook_event_name": "Stop"}}"#, #"{"HOOK_EVENT_NAME": "Stop"}"#,
  ])
  func object_whenItNamesNoEvent_isNotAHook(text: String) {
    #expect(read(text) == .notAHook)
  }

  @Test(arguments: [
    "hello", "[]", #"["hook_event_name"]"#, #""Stop""#, "7", "null", "{", "{{", "{]", #"{"a""#,
    #"{'hook_event_name': 'Stop'}"#, #"{hook_event_name: "Stop"}"#, "\u{0}",
  ])
  func input_whenItIsNoObject_isUnreadable(text: String) {
    #expect(read(text) == .unreadable)
  }

  @Test(arguments: [
    "5", "true", "null", "[]", "{}", #"["s"]"#, #"{"id": "s"}"#, #""""#, #""a\u0000b""#,
  ])
  func field_whenItsValueIsOfNoUse_isMissing(value: String) throws {
    let input = try hook(
      #"{"session_id": \#(value), "cwd": \#(value), "hook_event_name": "Stop"}"#)
    #expect(input == HookInput(event: "Stop"))
  }

  @Test func texts_whenTheyAreEmpty_areStillGiven() throws {
    let input = try hook(
      #"{"hook_event_name": "Stop", "compact_summary": "", "last_assistant_message": ""}"#)
    #expect(input == HookInput(event: "Stop", compactSummary: "", lastMessage: ""))
  }

  @Test func fields_whenNobodyKnowsThem_arePassedOver() throws {
    let input = try hook(
      #"{"new": {"cwd": "/no", "list": [1, {"session_id": "no"}]}, "hook_event_name": "Stop"}"#)
    #expect(input == HookInput(event: "Stop"))
  }

  @Test func event_whenItIsNew_isReadAsItIs() throws {
    #expect(try hook(#"{"hook_event_name": "SomethingNew"}"#).event == "SomethingNew")
  }

  @Test func field_whenItStandsTwice_isTheLastOne() throws {
    let input = try hook(#"{"cwd": "/a", "hook_event_name": "Stop", "cwd": "/b"}"#)
    #expect(input.cwd == "/b" && !input.isRepaired)
  }

  @Test func whatFollowsTheObject_isPassedOver() throws {
    let input = try hook("\n {\"hook_event_name\": \"Stop\"}\n{\"cwd\": \"/other\"} rest")
    #expect(input == HookInput(event: "Stop"))
  }

  @Test(arguments: [
    ("SubagentStop", "", true), ("SubagentStart", "", true), ("Stop", #", "agent_id": "a""#, true),
    ("Stop", "", false), ("Stop", #", "agent_id": """#, false),
    ("Stop", #", "agent_id": 1"#, false),
    ("PreSubagent", "", false),
  ])
  func event_whenASubagentCausedIt_isMarked(event: String, rest: String, isSubagent: Bool) throws {
    let input = try hook(#"{"hook_event_name": "\#(event)"\#(rest)}"#)
    #expect(input.isSubagent == isSubagent)
  }

  // MARK: Text

  @Test(arguments: [
    (#"a\ud83d"#, "a\u{FFFD}"), (#"\ude80b"#, "\u{FFFD}b"), (#"\ud83d\ud83d\ude80"#, "\u{FFFD}🚀"),
    (#"\ud83d\ude80"#, "🚀"), (#"\uD83Dx"#, "\u{FFFD}x"), (#"a\u12"#, "a\u{FFFD}12"),
    (#"a\nb\t\"\\\/"#, "a\nb\t\"\\/"), (#"\q"#, "q"),
  ])
  func text_whenItsEscapesAreOdd_losesNothingElse(escaped: String, expected: String) throws {
    let input = try hook(
      #"{"hook_event_name": "Stop", "last_assistant_message": "\#(escaped)", "cwd": "/w"}"#)
    #expect(input.lastMessage == expected && input.cwd == "/w" && !input.isRepaired)
  }

  @Test func text_whenItIsNoUTF8_isReplacedThereAlone() throws {
    let bytes =
      Array(#"{"hook_event_name": "Stop", "cwd": "/"#.utf8) + [0xFF, 0x61]
      + Array(#"", "session_id": "s"}"#.utf8)
    #expect(
      HookInput.read(bytes)
        == .hook(HookInput(event: "Stop", sessionID: "s", cwd: "/\u{FFFD}a")))
  }

  @Test func text_whenItHoldsRawControlCharacters_isKept() throws {
    let input = try hook(
      "{\"hook_event_name\": \"Stop\", \"last_assistant_message\": \"a\tb\u{1}\"}")
    #expect(input.lastMessage == "a\tb\u{1}" && !input.isRepaired)
  }

  // MARK: Repair

  private static let whole = #"{"hook_event_name":"Stop","session_id":"s-1","cwd":"/w\"ü\u00e4"}"#

  /// Whatever follows the event's first comma may be missing: the event and the fields that were
  /// whole are still there.
  @Test func input_whereverItIsCut_keepsWhatWasWhole() throws {
    let bytes = Array(Self.whole.utf8)
    let event = #"{"hook_event_name":"Stop""#.utf8.count
    let session = #"{"hook_event_name":"Stop","session_id":"s-1""#.utf8.count
    for end in event..<bytes.count {
      guard case .hook(let input) = HookInput.read(Array(bytes[..<end])) else {
        Issue.record("nothing was saved of \(String(decoding: bytes[..<end], as: UTF8.self))")
        continue
      }
      #expect(input.event == "Stop" && input.isRepaired, "\(end)")
      if end >= session { #expect(input.sessionID == "s-1", "\(end)") }
    }
    #expect(try !hook(Self.whole).isRepaired)
  }

  @Test(arguments: [
    (#""cwd":"/w"#, "/w"), (#""cwd":"/w""#, "/w"), (#""cwd":"/w","#, "/w"),
    (#""cwd":"/w","trigger""#, "/w"), (#""cwd":"/w","trigger":"#, "/w"),
    (#""cwd":"/w","stop_hook_active":tr"#, "/w"), (#""cwd":"/w","turns":12"#, "/w"),
    (#""cwd":"/w","tool_input":{"command":"ls"#, "/w"), (#""cwd":"/w","list":["a"#, "/w"),
    (#""cwd":"/w\"#, nil), (#""cwd":"#, nil), (#""cw"#, nil),
  ])
  func field_whenTheInputIsCutInIt_isTheOnlyOneLost(rest: String, cwd: String?) throws {
    let input = try hook(#"{"hook_event_name":"Stop","session_id":"s","# + rest)
    #expect(
      input == HookInput(event: "Stop", sessionID: "s", cwd: cwd, isRepaired: true))
  }

  @Test(arguments: [
    #"{"hook_event_name"#, #"{"hook_event_name""#, #"{"hook_event_name":"#, #"{"hook_event_"#,
    #"{"cwd":"/w","hook_event_name""#, #"{"cwd":"/w","#,
  ])
  func input_whenItIsCutBeforeTheEvent_isUnreadable(text: String) {
    #expect(read(text) == .unreadable)
  }

  @Test func input_whenItIsCutWithinACharacter_isMended() throws {
    let bytes = Array(#"{"hook_event_name":"Stop","cwd":"/ü"#.utf8.dropLast())
    #expect(
      HookInput.read(bytes)
        == .hook(HookInput(event: "Stop", cwd: "/\u{FFFD}", isRepaired: true)))
  }

  @Test func lastField_whenItHoldsARawLineEnd_isLeftOut() throws {
    let input = try hook(
      "{\"hook_event_name\":\"Stop\",\"cwd\":\"/w\",\"last_assistant_message\":\"a\nb\"}")
    #expect(input == HookInput(event: "Stop", cwd: "/w", isRepaired: true))
  }

  // MARK: Size

  @Test func input_whenItIsHuge_isReadAsAnyOther() throws {
    let text = String(repeating: "x\\n", count: 250_000)
    let input = try hook(
      #"{"hook_event_name": "Stop", "last_assistant_message": "\#(text)", "cwd": "/w"}"#)
    #expect(input.lastMessage?.utf8.count == 500_000 && input.cwd == "/w" && !input.isRepaired)
    let cut = try hook(#"{"hook_event_name": "Stop", "last_assistant_message": "\#(text)"#)
    #expect(cut.lastMessage?.utf8.count == 500_000 && cut.isRepaired)
  }

  @Test func nesting_whenItIsTooDeep_costsItsFieldAlone() throws {
    let deep = String(repeating: "[", count: 600) + String(repeating: "]", count: 600)
    let input = try hook(#"{"hook_event_name": "Stop", "x": \#(deep)}"#)
    #expect(input == HookInput(event: "Stop", isRepaired: true))
    let flat = String(repeating: "[", count: 400) + String(repeating: "]", count: 400)
    #expect(try hook(#"{"hook_event_name": "Stop", "x": \#(flat)}"#) == HookInput(event: "Stop"))
  }

  // MARK: Other agents

  @Test(arguments: [
    ("gemini", "PreCompress", "auto", "PreCompress"),
    ("gemini", "PreCompress", "manual", "PreCompact"),
    ("gemini", "AfterAgent", "", "Stop"), ("gemini", "BeforeAgent", "", "UserPromptSubmit"),
    ("cursor", "sessionStart", "", "SessionStart"), ("cursor", "preCompact", "", "PreCompact"),
    ("cursor", "stop", "", "Stop"), ("cursor", "beforeSubmitPrompt", "", "UserPromptSubmit"),
    ("codex", "PreCompact", "auto", "PreCompact"), ("codex", "Interrupt", "", "Interrupt"),
  ])
  func events_haveClaudeCodesNames(
    agent: String, event: String, trigger: String, name: String
  ) throws {
    let json = #"{"hook_event_name": "\#(event)", "session_id": "s", "trigger": "\#(trigger)"}"#
    guard case .hook(let input) = HookInput.read(Array(json.utf8), agent: agent) else {
      throw NoHook(reading: read(json))
    }
    #expect(input.event == name && input.agent == agent && !input.isBorrowed)
  }

  @Test func cursorsJSON_isToldByItsConversation() throws {
    let json =
      #"{"hook_event_name": "stop", "conversation_id": "c", "workspace_roots": ["/w", "/v"]}"#
    let borrowed = try hook(json)
    #expect(borrowed.sessionID == "c" && borrowed.cwd == "/w" && borrowed.agent == "cursor")
    #expect(borrowed.isBorrowed)
    guard case .hook(let own) = HookInput.read(Array(json.utf8), agent: "cursor") else {
      throw NoHook(reading: read(json))
    }
    #expect(!own.isBorrowed)
  }

  @Test func record_keepsWhoseHookItWas() throws {
    let input = HookInput(event: "Stop", sessionID: "s", agent: "gemini")
    let record = HookRecord(
      input, endsSession: false, requestID: "r", at: 1, cwd: "/w", redacted: { $0 },
      variable: { _ in nil })
    #expect(HookRecord(encoded: record.encoded)?.input == input)
  }

  @Test func notice_isAStop() {
    let json =
      #"{"type": "agent-turn-complete", "thread-id": "t", "cwd": "/w", "last-assistant-message": "m"}"#
    #expect(
      HookInput(notice: Array(json.utf8))
        == HookInput(event: "Stop", sessionID: "t", cwd: "/w", lastMessage: "m", agent: "codex"))
    #expect(HookInput(notice: Array("{\"type\": \"other\"}".utf8)) == nil)
    #expect(HookInput(notice: [0x7B]) == nil)
  }
}
