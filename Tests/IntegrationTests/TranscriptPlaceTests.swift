import Core
import Foundation
import TestSupport
import Testing

/// Where a session's lines come from, and who is at it.
@Suite(.blocking) struct TranscriptPlaceTests {
  let place: Workplace

  init() throws { place = try Workplace() }

  // MARK: Runs without a person

  private func isOpen() throws -> Bool {
    try place.sqlite("SELECT ended_at IS NULL FROM sessions WHERE id = 'session-1'") == "1"
  }

  private func prompt(_ text: String, headless: Bool) -> String {
    var fields: [String: Any] = [
      "type": "user", "message": ["role": "user", "content": text], "entrypoint": "cli",
    ]
    if headless { fields.merge(["entrypoint": "sdk-cli", "promptSource": "sdk"]) { $1 } }
    return Line.json(fields)
  }

  /// The host says it in its environment, or only the lines do.
  @Test(arguments: [["CLAUDE_CODE_ENTRYPOINT": "sdk-cli"], [:]])
  func headlessRun_withinASession_doesNotEndIt(environment: [String: String]) throws {
    try place.run("canary", input: place.hook("SessionStart", ["source": "startup"]))
    try place.append(prompt("weave a basket", headless: false))
    try place.run("checkpoint", input: place.hook("Stop"))
    try place.run(
      "canary", input: place.hook("SessionStart", ["source": "resume"]), environment: environment)
    try place.append(prompt("count the canes", headless: true))
    let end = place.hook("SessionEnd", ["reason": "other"])
    try place.run("session", "end", input: end, environment: environment)
    #expect(try isOpen())
    #expect(try place.bodies() == ["weave a basket", "count the canes"])
    // The person leaves.
    try place.append(prompt("thanks", headless: false))
    try place.run(
      "session", "end", input: end, environment: ["CLAUDE_CODE_ENTRYPOINT": "cli"])
    #expect(try !isOpen())
    // Nor does such a run open it again.
    if !environment.isEmpty {
      try place.run(
        "canary", input: place.hook("SessionStart", ["source": "resume"]), environment: environment)
      #expect(try !isOpen())
    }
  }

  @Test func headlessRun_endsASessionOfItsOwn() throws {
    let environment = ["CLAUDE_CODE_ENTRYPOINT": "sdk-cli"]
    try place.run(
      "canary", input: place.hook("SessionStart", ["source": "startup"]), environment: environment)
    try place.append(prompt("count the canes", headless: true))
    try place.run(
      "session", "end", input: place.hook("SessionEnd", ["reason": "other"]),
      environment: environment)
    #expect(try !isOpen())
  }

  // MARK: Places

  @Test func transcriptPath_thatLeadsNowhere_isLookedFor() throws {
    let id = "0e0e0e0e-0000-4000-8000-00000000000e"
    let file = ".claude/projects/-real/\(id).jsonl"
    try place.write(Line.person("wax the skis", "x", on: nil, session: id), to: file)
    try place.write("", to: ".claude/projects/-empty/\(id).jsonl")
    let paths: [Any] = [
      NSNull(), "~/" + file, "~/.claude/projects/-gone/\(id).jsonl",
      place.path + "/.claude/projects/-empty/\(id).jsonl",
    ]
    for (index, path) in paths.enumerated() {
      let place = try Workplace()
      let home = ["HOME": self.place.path]
      let hook = place.hook("PreCompact", ["session_id": id, "transcript_path": path])
      try place.run("checkpoint", input: hook, environment: home)
      #expect(
        try place.sqlite("SELECT body FROM entries WHERE kind = 'request'") == "wax the skis",
        "\(index)")
      #expect(
        try place.sqlite("SELECT transcript_path FROM sessions") == self.place.path + "/" + file,
        "\(index)")
    }
  }

  @Test func rolloutWithoutAPath_isLookedFor() throws {
    let id = "019f0000-0000-7000-8000-0000000000ef"
    let file = ".codex/sessions/2026/02/03/rollout-2026-02-03T10-00-00-\(id).jsonl"
    try place.write(
      Rollout.meta(id, at: "2026-02-03T10:00:00Z")
        + Rollout.said("tune the harp", at: "2026-02-03T10:00:01Z", total: 1),
      to: file)
    try place.run(
      "checkpoint",
      input: place.hook("PreCompact", ["session_id": id, "transcript_path": NSNull()]))
    #expect(try place.bodies(id) == ["tune the harp"])
  }

  @Test func transcriptPath_thatNamesAnotherFolder_isLookedFor() throws {
    let projects = place.path + "/.claude/projects"
    let id = "0d0d0d0d-0000-4000-8000-00000000000d"
    for folder in ["/-home", "/-link-target-outside"] {
      try FileManager.default.createDirectory(
        atPath: projects + folder, withIntermediateDirectories: true)
    }
    let outside = place.path + "/outside"
    try FileManager.default.createDirectory(atPath: outside, withIntermediateDirectories: true)
    try Line.person("secret of another place", "x", on: nil, session: id).write(
      toFile: outside + "/\(id).jsonl", atomically: false, encoding: .utf8)
    try FileManager.default.createSymbolicLink(
      atPath: projects + "/-link", withDestinationPath: outside)
    try FileManager.default.createSymbolicLink(
      atPath: projects + "/-link-target-outside/\(id).jsonl",
      withDestinationPath: outside + "/\(id).jsonl")
    let named: [String: Any] = [
      "session_id": id, "transcript_path": projects + "/-home--worktree/\(id).jsonl",
    ]
    try place.run("checkpoint", input: place.hook("PreCompact", named))
    #expect(try place.sqlite("SELECT count(*) FROM entries WHERE origin = 'claude'") == "0")
    try Line.person("oil the hinges", "h", on: nil, session: id).write(
      toFile: projects + "/-home/\(id).jsonl", atomically: false, encoding: .utf8)
    try place.run("checkpoint", input: place.hook("PreCompact", named))
    #expect(try place.bodies(id) == ["oil the hinges"])
    #expect(
      try place.sqlite("SELECT transcript_path FROM sessions") == projects + "/-home/\(id).jsonl")
  }

  // MARK: Odd files

  @Test func filesWithoutAConversation_areNothingToRead() throws {
    let projects = place.path + "/.claude/projects/-r"
    try FileManager.default.createDirectory(atPath: projects, withIntermediateDirectories: true)
    for (index, text) in [
      "", "\n\n", "{\"type\":\"custom-title\",\"customTitle\":\"x\",\"sessionId\":\"s\"}\n",
      "{\"type\":\"pr-link\",\"prNumber\":1}\n{\"type\":\"mode\",\"mode\":\"normal\"}\n",
      "half a li",
    ].enumerated() {
      try text.write(toFile: projects + "/\(index).jsonl", atomically: false, encoding: .utf8)
    }
    for _ in 0..<2 {
      let result = try place.run("ingest")
      #expect(result.status == 0 && result.errorOutput.isEmpty)
    }
    #expect(try place.run("session", "list", "--json").items().isEmpty)
    // A file that becomes a conversation is read.
    try Line.person("late start", "l", on: nil, session: "late").write(
      toFile: projects + "/0.jsonl", atomically: false, encoding: .utf8)
    try place.run("ingest")
    #expect(try place.bodies("late") == ["late start"])
  }

  @Test func damagedFirstLine_theNameHasTheSession() throws {
    let id = "019f0000-0000-7000-8000-0000000000aa"
    let day = place.path + "/.codex/sessions/2026/01/14"
    try FileManager.default.createDirectory(atPath: day, withIntermediateDirectories: true)
    try
      ("{\"timestamp\":\"2026-01-14T15:00:0\n"
      + Rollout.said("hem the sails", at: "2026-01-14T15:00:01Z", total: 5)).write(
        toFile: day + "/rollout-2026-01-14T15-00-00-\(id).jsonl", atomically: false, encoding: .utf8
      )
    #expect(try place.run("ingest").status == 0)
    #expect(try place.bodies(id) == ["hem the sails"])
  }

  @Test func rolloutOfBeforeTheEnvelope_isRead() throws {
    let id = "0a0a0a0a-0000-4000-8000-0000000000bb"
    try place.write(
      """
      {"id":"\(id)","timestamp":"2025-05-08T10:00:00.000Z","instructions":null}
      {"record_type":"state"}
      {"type":"message","role":"user","content":[{"type":"input_text","text":"<environment_context>\\n\\nCurrent working directory: /w/old\\n</environment_context>"}]}
      {"type":"message","role":"user","content":[{"type":"input_text","text":"caulk the hull"}]}
      {"type":"function_call","name":"shell","arguments":"{\\"command\\":[\\"ls\\"]}","call_id":"c"}
      {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Caulked."}]}

      """, to: "rollout-2025-05-08-\(id).jsonl")
    #expect(try place.run("ingest", place.path + "/rollout-2025-05-08-\(id).jsonl").status == 0)
    let shown = try place.entries(id)
    #expect(shown.compactMap { $0["body"] as? String } == ["caulk the hull", "ls", "Caulked."])
    #expect(shown.allSatisfy { $0["created_at"] as? String == "2025-05-08T10:00:00.000Z" })
    #expect(try place.sqlite("SELECT agent, cwd FROM sessions") == "codex|/w/old")
  }

  @Test func digestOfAnOlderMemoryd_isGatheredAnew() throws {
    try place.append(Line.request("<bash-stdout> is never closed") + Line.reply("Right."))
    try place.run("ingest", place.transcript)
    let digest = try place.sqlite("SELECT digest FROM transcripts")
    _ = try place.sqlite(
      "UPDATE transcripts SET digest = '{\"requests\":[]}'; UPDATE entries SET body = 'cut' WHERE kind = 'request'"
    )
    try place.run("ingest", place.transcript)
    #expect(try place.sqlite("SELECT digest FROM transcripts") == digest)
    #expect(try place.bodies() == ["<bash-stdout> is never closed", "Right."])
  }
}
