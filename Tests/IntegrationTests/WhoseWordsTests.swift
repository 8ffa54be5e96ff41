import Foundation
import Testing

/// Transcripts whose lines are of several authors and branches, through the whole program.
@Suite struct WhoseWordsTests {
  let place: Workplace

  init() throws { place = try Workplace() }

  private func entries(_ session: String = "session-1") throws -> [[String: Any]] {
    try place.run("session", "show", session, "--count", "100", "--json").json()["entries"]
      as? [[String: Any]] ?? []
  }

  private func bodies(_ session: String = "session-1", kind: String? = nil) throws -> [String] {
    try entries(session).filter { kind == nil || $0["kind"] as? String == kind }
      .compactMap { $0["body"] as? String }
  }

  private func line(_ text: String, _ id: String, on parent: String?, session: String = "session-1")
    -> String
  {
    let above = parent.map { "\"\($0)\"" } ?? "null"
    return """
      {"parentUuid":\(above),"type":"user","uuid":"\(id)","sessionId":"\(session)","cwd":"/r",\
      "timestamp":"2026-01-14T15:00:00Z","message":{"role":"user","content":"\(text)"}}

      """
  }

  // MARK: Rewinds

  @Test func rewind_betweenHooks_marksWhatWasTakenBack() throws {
    try place.append(line("build a kite", "a", on: nil) + line("paint it black", "b", on: "a"))
    try place.run("checkpoint", input: place.hook("PreCompact"))
    #expect(try place.context("compact").contains("black"))
    try place.append(line("paint it yellow", "c", on: "a"))
    try place.run("checkpoint", input: place.hook("PreCompact"))
    let context = try place.context("compact")
    #expect(context.contains("yellow") && !context.contains("black"))
    let shown = try entries()
    #expect(shown.map { $0["abandoned"] as? Bool } == [false, true, false])
    let found = try place.run("search", "black", "--json").items()
    #expect(found.first?["abandoned"] as? Bool == true)
    // Back on the branch that was left: the other one is the abandoned one now.
    try place.append(line("with a tail", "d", on: "b"))
    try place.run("ingest", place.transcript)
    #expect(try entries().map { $0["abandoned"] as? Bool } == [false, false, true, false])
    #expect(
      try place.sqlite("INSERT INTO entries_fts(entries_fts) VALUES('integrity-check')") == "")
  }

  // MARK: Forks

  @Test func fork_hasItsParentsHistory() throws {
    let parent = line("plant a pear tree", "a", on: nil, session: "parent")
    try place.write(parent, to: "parent.jsonl")
    try place.write(
      line("plant a pear tree", "a", on: nil, session: "fork")
        + line("and a quince", "b", on: "a", session: "fork"), to: "fork.jsonl")
    try place.run("ingest", place.path + "/parent.jsonl", place.path + "/fork.jsonl")
    #expect(try bodies("fork") == ["plant a pear tree", "and a quince"])
    #expect(try bodies("parent") == ["plant a pear tree"])
    for (query, count) in [("pear", 1), ("quince", 1), ("pear session:parent", 1)] {
      let words = query.contains("session:") ? query : query + " session:fork"
      #expect(try place.run("search", words, "--json").items().count == count, "\(words)")
    }
    #expect(try place.run("search", "quince session:parent", "--json").items().isEmpty)
    let id = try #require(try entries("fork").first?["id"] as? String)
    #expect(
      try place.run("session", "show", "fork", "--around", id, "--json").json()["entries"]
        .map { ($0 as? [Any])?.count } == 2)
  }

  private func rollout(_ id: String, _ more: String = "", at time: String) -> String {
    """
    {"timestamp":"\(time)","type":"session_meta","payload":{"id":"\(id)","cwd":"/r"\(more)}}

    """
  }

  private func said(_ text: String, at time: String, total: Int) -> String {
    """
    {"timestamp":"\(time)","type":"response_item","payload":{"type":"message","role":"user",\
    "content":[{"type":"input_text","text":"\(text)"}]}}
    {"timestamp":"\(time)","type":"event_msg","payload":{"type":"token_count","info":\
    {"total_token_usage":{"input_tokens":\(total)},"last_token_usage":{"input_tokens":\(total)}}}}

    """
  }

  @Test(arguments: [true, false])
  func codexChild_thatRepeatsItsParent_countsItOnce(isSpawned: Bool) throws {
    let history = said("glaze the tiles", at: "2026-01-14T15:00:01Z", total: 7)
    let parent = rollout("parent", at: "2026-01-14T15:00:00Z")
    let mark =
      isSpawned
      ? ",\"source\":{\"subagent\":{\"thread_spawn\":{}}}" : ",\"forked_from_id\":\"parent\""
    try place.write(parent + history, to: "parent.jsonl")
    try place.write(
      rollout("child", mark, at: "2026-01-14T16:00:00Z") + parent + history
        + said("sort the tiles", at: "2026-01-14T16:00:01Z", total: 3), to: "child.jsonl")
    try place.run("ingest", place.path + "/parent.jsonl", place.path + "/child.jsonl")
    #expect(try place.sqlite("SELECT count(*) FROM entries WHERE body = 'glaze the tiles'") == "1")
    #expect(
      try place.sqlite(
        "SELECT sum(input) FROM (SELECT DISTINCT message_id, request_id, input FROM usage)") == "10"
    )
    #expect(
      try bodies("child")
        == (isSpawned ? ["sort the tiles"] : ["glaze the tiles", "sort the tiles"]))
  }

  // MARK: Stop

  private func reply(_ text: String) -> String {
    Line.json([
      "type": "assistant", "uuid": "late",
      "message": ["role": "assistant", "content": [["type": "text", "text": text]]],
    ])
  }

  @Test func stop_keepsTheLastWords_andTheyStandOnce() throws {
    let words = "The cistern holds nine hundred litres."
    try place.append(Line.request("how much does it hold?"))
    let hook = place.hook("Stop", ["last_assistant_message": words])
    for _ in 0..<2 { try place.run("checkpoint", input: hook) }
    #expect(try bodies(kind: "reply") == [words])
    let id = try entries().last?["id"] as? String
    #expect(try place.context("compact").contains("nine hundred"))
    try place.append(reply(words))
    try place.run("checkpoint", input: hook)
    #expect(try bodies(kind: "reply") == [words])
    // It is the entry that was there: whoever has its id finds it still.
    #expect(try entries().last?["id"] as? String == id)
    #expect(try place.sqlite("SELECT source_id FROM entries WHERE kind = 'reply'") == "late")
    #expect(
      try place.sqlite("INSERT INTO entries_fts(entries_fts) VALUES('integrity-check')") == "")
  }

  @Test func stop_withoutATranscript_keepsTheLastWords() throws {
    let words = "Nothing is written down yet."
    try place.run("checkpoint", input: place.hook("Stop", ["last_assistant_message": words]))
    #expect(try bodies(kind: "reply") == [words])
    try place.append(Line.request("go") + reply(words))
    try place.run("ingest", place.transcript)
    #expect(try bodies() == ["go", words])
  }

  @Test func stopFailure_isNotWhatTheAgentSaid() throws {
    try place.append(Line.request("go"))
    let result = try place.run(
      "checkpoint",
      input: place.hook(
        "StopFailure", ["error": "rate_limit", "last_assistant_message": "API Error"]))
    #expect(result.status == 0 && result.output.isEmpty)
    #expect(try bodies() == ["go"])
    #expect(try place.run("checkpoint", "list", "--json").items().isEmpty)
  }

  // MARK: Sub-agents

  @Test func hooksOfSubagents_leaveTheSessionAsItIs() throws {
    try place.append(Line.request("go"))
    try place.run("canary", input: place.hook("SessionStart", ["source": "startup"]))
    let session = "SELECT id, project_id, cwd, transcript_path, ended_at IS NULL FROM sessions"
    let before = try place.sqlite(session)
    let own = place.path + "/session-1/subagents/agent-7.jsonl"
    try FileManager.default.createDirectory(
      atPath: (own as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try place.write(
      Line.json([
        "type": "user", "isSidechain": true, "agentId": "7",
        "message": ["role": "user", "content": "count the nails"],
      ]), to: "session-1/subagents/agent-7.jsonl")
    let more: [String: Any] = [
      "agent_id": "7", "agent_type": "Explore", "cwd": place.path, "reason": "other",
      "agent_transcript_path": own, "last_assistant_message": "There are ten.",
    ]
    for (verb, event) in [
      ("checkpoint", "PreCompact"), ("checkpoint", "Stop"), ("checkpoint", "SubagentStop"),
      ("canary", "SessionStart"), ("session end", "SessionEnd"),
    ] {
      let arguments = verb.split(separator: " ").map(String.init)
      let result = try place.start(arguments, input: Data(place.hook(event, more).utf8)).finish()
      #expect(result.status == 0 && result.output.isEmpty, "\(event)")
    }
    #expect(try place.sqlite(session) == before)
    #expect(try place.run("checkpoint", "list", "--json").items().isEmpty)
    #expect(try bodies(kind: "prompt") == ["count the nails"])
  }

  // MARK: Places

  @Test func transcriptPath_thatNamesAnotherFolder_isLookedFor() throws {
    let projects = place.path + "/.claude/projects"
    let id = "0d0d0d0d-0000-4000-8000-00000000000d"
    for folder in ["/-home", "/-link-target-outside"] {
      try FileManager.default.createDirectory(
        atPath: projects + folder, withIntermediateDirectories: true)
    }
    let outside = place.path + "/outside"
    try FileManager.default.createDirectory(atPath: outside, withIntermediateDirectories: true)
    try line("secret of another place", "x", on: nil, session: id).write(
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
    try line("oil the hinges", "h", on: nil, session: id).write(
      toFile: projects + "/-home/\(id).jsonl", atomically: false, encoding: .utf8)
    try place.run("checkpoint", input: place.hook("PreCompact", named))
    #expect(try bodies(id) == ["oil the hinges"])
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
    try line("late start", "l", on: nil, session: "late").write(
      toFile: projects + "/0.jsonl", atomically: false, encoding: .utf8)
    try place.run("ingest")
    #expect(try bodies("late") == ["late start"])
  }

  @Test func damagedFirstLine_theNameHasTheSession() throws {
    let id = "019f0000-0000-7000-8000-0000000000aa"
    let day = place.path + "/.codex/sessions/2026/01/14"
    try FileManager.default.createDirectory(atPath: day, withIntermediateDirectories: true)
    try
      ("{\"timestamp\":\"2026-01-14T15:00:0\n"
      + said("hem the sails", at: "2026-01-14T15:00:01Z", total: 5)).write(
        toFile: day + "/rollout-2026-01-14T15-00-00-\(id).jsonl", atomically: false, encoding: .utf8
      )
    #expect(try place.run("ingest").status == 0)
    #expect(try bodies(id) == ["hem the sails"])
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
    let shown = try entries(id)
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
    #expect(try bodies() == ["<bash-stdout> is never closed", "Right."])
  }
}
