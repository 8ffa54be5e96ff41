import Foundation
import TestSupport
import Testing

/// Each agent's hooks, played as its host calls them: in its own form, order and events.
@Suite(.blocking) struct AgentHookTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    try place.git("init", "-q")
    try place.git("commit", "-q", "--allow-empty", "-m", "x")
  }

  // MARK: Gemini CLI

  @Test func gemini_getsTheDocumentAtThePromptBehindACompression_once() throws {
    let host = GeminiHost(place)
    let start = try host.call("canary", "SessionStart", ["source": "startup"])
    #expect(start.event == "SessionStart" && start.context?.contains("standalone") == true)
    try host.chat([
      GeminiHost.user("Raise the <b>sail</b>, and never use nails", 1),
      GeminiHost.agent("I will raise it. Next is the mast.", 2),
    ])
    // It comes before nearly every turn, and is no compression.
    for _ in 0..<3 {
      #expect(try host.call("checkpoint", "PreCompress", ["trigger": "auto"]).text.isEmpty)
    }
    #expect(try host.call("canary", "BeforeAgent", ["prompt": "go on"]).text == "{}\n")
    #expect(try place.run("checkpoint", "list", "--json").items().isEmpty)

    try host.chat([host.compression("sail"), GeminiHost.user("go on", 4)])
    let answer = try host.call("canary", "BeforeAgent", ["prompt": "go on"])
    let context = try #require(answer.context)
    #expect(answer.event == "BeforeAgent" && answer.isOneObject)
    #expect(context.contains("This session before its compaction"))
    #expect(context.contains("Raise the ‹b›sail‹/b›, and never use nails"))
    // The host would write them as entities.
    #expect(!context.contains { $0 == "<" || $0 == ">" })
    #expect(context.utf16.count <= 9500)
    #expect(try host.call("canary", "BeforeAgent", ["prompt": "and"]).text == "{}\n")
    #expect(
      try place.run("checkpoint", "list", "--json").items().map { $0["trigger"] as? String }
        == ["boundary"])

    _ = try host.call(
      "checkpoint", "AfterAgent",
      ["prompt": "go on", "prompt_response": "Hoisted.", "stop_hook_active": false])
    _ = try host.call("session end", "SessionEnd", ["reason": "exit"])
    #expect(try place.run("search", "hoisted", "--json").items().count == 1)
    let session = try #require(try place.run("session", "list", "--json").items().first)
    #expect(session["agent"] as? String == "gemini" && session["ended_at"] as? String != nil)
  }

  @Test func gemini_whenAPersonAsksForTheCompression_isACheckpoint() throws {
    let host = GeminiHost(place)
    try host.chat([GeminiHost.user("Raise the sail", 1)])
    _ = try host.call("checkpoint", "PreCompress", ["trigger": "manual"])
    #expect(
      try place.run("checkpoint", "list", "--json").items().map { $0["trigger"] as? String }
        == ["pre-compact"])
  }

  // MARK: Codex

  @Test func codex_recoversAtItsSessionStart_andIsToldByNotify() throws {
    let id = "019d0000-0000-7000-8000-000000000001"
    let folder = ".codex/sessions/2026/02/03"
    let rollout = "\(folder)/rollout-2026-02-03T10-00-00-\(id).jsonl"
    try place.write(
      Self.codexLine("session_meta", ["id": id, "cwd": place.repository])
        + Self.codexLine(
          "response_item",
          [
            "type": "message", "role": "user",
            "content": [["type": "input_text", "text": "Raise the sail"]],
          ]), to: rollout)
    func call(_ command: String, _ event: String, _ more: [String: Any]) throws -> Answer {
      let fields: [String: Any] = [
        "session_id": id, "transcript_path": place.path + "/" + rollout, "cwd": place.repository,
        "hook_event_name": event, "model": "gpt-6", "permission_mode": "default",
      ]
      return try Answer(place, command, "codex", fields.merging(more) { $1 })
    }
    _ = try call("checkpoint", "PreCompact", ["trigger": "auto", "turn_id": "1"])
    #expect(
      try call("checkpoint", "PostCompact", ["trigger": "auto", "turn_id": "1"]).text.isEmpty)
    let answer = try call("canary", "SessionStart", ["source": "compact"])
    #expect(answer.context?.contains("Raise the sail") == true && answer.isOneObject)
    #expect(
      answer.keys.isSubset(of: ["hookSpecificOutput", "systemMessage"]),
      "unknown keys are refused")

    // No transcript is named, and standard input is closed.
    let notice =
      #"{"type":"agent-turn-complete","thread-id":"\#(id)","turn-id":"2","cwd":"\#(place.repository)","#
      + #""input-messages":["x"],"last-assistant-message":"Hoisted."}"#
    for _ in 0..<2 {
      let told = try place.run("checkpoint", "--agent", "codex", "--notify", notice)
      #expect(told.status == 0 && told.output.isEmpty)
    }
    #expect(try place.run("search", "hoisted", "--json").items().count == 1)
    for other in ["{}", "no json", #"{"type":"approval-requested"}"#] {
      #expect(try place.run("checkpoint", "--agent", "codex", "--notify", other).status == 0)
    }
  }

  // MARK: Cursor

  @Test func cursor_isHeardOnce_whoseHooksItCalls() throws {
    let id = "5f0c1111-2222-4333-8444-555566667777"
    try place.write(
      #"{"role":"user","message":{"content":"Raise the sail"}}"# + "\n",
      to: ".cursor/projects/x/agent-transcripts/\(id)/\(id).jsonl")
    func call(_ command: String, _ event: String, agent: String?) throws -> Answer {
      try Answer(
        place, command, agent,
        [
          "conversation_id": id, "generation_id": "g", "hook_event_name": event,
          "workspace_roots": [place.repository],
        ])
    }
    _ = try call("checkpoint", "stop", agent: "cursor")
    #expect(try place.run("search", "sail", "--json").items().count == 1)
    // Without hooks of its own it calls Claude Code's.
    let borrowed = try call("canary", "sessionStart", agent: nil)
    #expect(borrowed.keys == ["additional_context"])
    #expect(try place.run("install", "cursor").status == 0)
    #expect(try call("canary", "sessionStart", agent: nil).text.isEmpty)
    #expect(try call("canary", "sessionStart", agent: "cursor").keys == ["additional_context"])
    let session = try #require(try place.run("session", "list", "--json").items().first)
    #expect(session["agent"] as? String == "cursor" && session["id"] as? String == id)
  }

  // MARK: One memory

  @Test func eachAgent_isToldOnceWhatTheOneBeforeDid_andWhoseItWas() throws {
    try place.append(Line.request("Lay the keel"))
    try place.run("checkpoint", input: place.hook("PreCompact"))
    try place.run("session", "end", input: place.hook("SessionEnd", ["reason": "other"]))

    let codex = "019d0000-0000-7000-8000-000000000002"
    let rollout = place.path + "/rollout-\(codex).jsonl"
    func codexCall(_ command: String, _ event: String, _ more: [String: Any]) throws -> Answer {
      let fields: [String: Any] = [
        "session_id": codex, "transcript_path": rollout, "cwd": place.repository,
        "hook_event_name": event, "model": "m",
      ]
      return try Answer(place, command, "codex", fields.merging(more) { $1 })
    }
    let first = try #require(
      try codexCall("canary", "SessionStart", ["source": "startup"]).context)
    #expect(first.contains("Lay the keel") && first.contains("of Claude Code"))
    try place.write(
      Self.codexLine("session_meta", ["id": codex, "cwd": place.repository])
        + Self.codexLine(
          "response_item",
          [
            "type": "message", "role": "user",
            "content": [["type": "input_text", "text": "Plank the hull"]],
          ]), to: "rollout-\(codex).jsonl")
    _ = try codexCall("session end", "SessionEnd", ["reason": "other"])

    let host = GeminiHost(place)
    let second = try #require(
      try host.call("canary", "SessionStart", ["source": "startup"]).context)
    #expect(second.contains("Plank the hull") && second.contains("of Codex"))
    #expect(!second.contains("“Lay the keel”"))
    try host.chat([GeminiHost.user("Step the mast", 1)])
    _ = try host.call("session end", "SessionEnd", ["reason": "exit"])

    let third = try place.context("startup", session: "session-9")
    #expect(third.contains("Step the mast") && third.contains("of Gemini CLI"))
    #expect(try place.run("resume", "--agent", "codex").output.contains("Plank the hull"))
    #expect(try place.run("resume", "--agent", "claude").output.contains("Lay the keel"))
    let none = try place.run("resume", "--agent", "cursor")
    #expect(none.status == 66)
    #expect(none.errorOutput.contains("no session of Cursor"))
  }

  // MARK: Hostile input

  @Test(arguments: ["claude", "codex", "gemini", "cursor"])
  func brokenInput_failsNoHook(agent: String) throws {
    let inputs = [
      "{\"hook_event_name\": \"SessionStart\", \"session_id\": \"x", "{\"hook_event_name\": 7}",
      "[]", "{\"hook_event_name\":\"Nothing\",\"workspace_roots\":7,\"conversation_id\":[]}",
      String(repeating: "{", count: 4000),
    ]
    for input in inputs {
      for command in [["canary"], ["checkpoint"], ["session", "end"]] {
        let result = try place.run(command + ["--agent", agent], input: Data(input.utf8))
        let isTyped = command == ["session", "end"] && result.status == 64
        #expect([0, 75].contains(result.status) || isTyped, "\(command) \(input.prefix(40))")
      }
    }
  }

  private static func codexLine(_ type: String, _ payload: [String: Any]) -> String {
    let line: [String: Any] = [
      "timestamp": "2026-02-03T10:00:00Z", "type": type, "payload": payload,
    ]
    let data = (try? JSONSerialization.data(withJSONObject: line)) ?? Data()
    return String(decoding: data, as: UTF8.self) + "\n"
  }
}

/// What a hook printed.
private struct Answer {
  let text: String
  private let object: [String: Any]

  init(_ place: Workplace, _ command: String, _ agent: String?, _ fields: [String: Any]) throws {
    let input = try JSONSerialization.data(withJSONObject: fields)
    let result = try place.run(
      command.split(separator: " ").map(String.init) + (agent.map { ["--agent", $0] } ?? []),
      input: input)
    try #require(result.status == 0, "\(result.errorOutput)")
    text = result.output
    object =
      (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any] ?? [:]
  }

  private var specific: [String: Any]? { object["hookSpecificOutput"] as? [String: Any] }
  var event: String? { specific?["hookEventName"] as? String }
  var context: String? { specific?["additionalContext"] as? String }
  var keys: Set<String> { Set(object.keys) }
  var isOneObject: Bool { !object.isEmpty }
}

/// Gemini CLI as its hooks see it.
private struct GeminiHost {
  private let place: Workplace
  private let id = "11112222-3333-4444-5555-666677778888"
  private var path: String { place.path + "/session-2026-11112222.jsonl" }

  init(_ place: Workplace) { self.place = place }

  func call(_ command: String, _ event: String, _ more: [String: Any]) throws -> Answer {
    let fields: [String: Any] = [
      "session_id": id, "transcript_path": path, "cwd": place.repository,
      "hook_event_name": event, "timestamp": Self.time(0),
    ]
    return try Answer(place, command, "gemini", fields.merging(more) { $1 })
  }

  func chat(_ lines: [[String: Any]]) throws {
    var text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    if text.isEmpty {
      text = try Self.line(["sessionId": id, "projectHash": "00", "startTime": Self.time(0)])
    }
    for line in lines { text += try Self.line(line) }
    try text.write(toFile: path, atomically: false, encoding: .utf8)
  }

  func compression(_ goal: String) -> [String: Any] {
    let summary = "<state_snapshot><goal>\(goal)</goal></state_snapshot>"
    return [
      "$set": ["lastUpdated": Self.time(nil), "messages": [Self.user(summary, nil)]]
    ]
  }

  static func user(_ text: String, _ second: Int?) -> [String: Any] {
    [
      "id": "u\(second ?? -1)", "timestamp": time(second), "type": "user",
      "content": [["text": text]],
    ]
  }

  static func agent(_ text: String, _ second: Int) -> [String: Any] {
    [
      "id": "a\(second)", "timestamp": time(second), "type": "gemini", "content": text,
      "model": "gemini-3",
    ]
  }

  private static func line(_ object: [String: Any]) throws -> String {
    String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self) + "\n"
  }

  /// - Parameter second: Of an hour ago; nil is now.
  private static func time(_ second: Int?) -> String {
    let formatter = ISO8601DateFormatter()
    formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
    let date = second.map { Date().addingTimeInterval(Double($0) - 3600) } ?? Date()
    return formatter.string(from: date)
  }
}
