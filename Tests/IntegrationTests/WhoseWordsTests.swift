import Core
import Foundation
import TestSupport
import Testing

/// Transcripts whose lines are of several authors and branches, through the whole program.
@Suite(.blocking) struct WhoseWordsTests {
  let place: Workplace

  init() throws { place = try Workplace() }

  // MARK: Rewinds

  @Test func rewind_betweenHooks_marksWhatWasTakenBack() throws {
    try place.append(
      Line.person("build a kite", "a", on: nil) + Line.person("paint it black", "b", on: "a"))
    try place.run("checkpoint", input: place.hook("PreCompact"))
    #expect(try place.context("compact").contains("black"))
    try place.append(Line.person("paint it yellow", "c", on: "a"))
    try place.run("checkpoint", input: place.hook("PreCompact"))
    let context = try place.context("compact")
    #expect(context.contains("yellow") && !context.contains("black"))
    let shown = try place.entries()
    #expect(shown.map { $0["abandoned"] as? Bool } == [false, true, false])
    let found = try place.run("search", "black", "--json").items()
    #expect(found.first?["abandoned"] as? Bool == true)
    // Back on the branch that was left: the other one is the abandoned one now.
    try place.append(Line.person("with a tail", "d", on: "b"))
    try place.run("ingest", place.transcript)
    #expect(try place.entries().map { $0["abandoned"] as? Bool } == [false, false, true, false])
    #expect(
      try place.sqlite("INSERT INTO entries_fts(entries_fts) VALUES('integrity-check')") == "")
  }

  @Test func rewind_takesBackWhatACallBrought() throws {
    func entry(_ type: String, _ id: String, on parent: String?, _ blocks: [[String: Any]])
      -> String
    {
      Line.json([
        "type": type, "uuid": id, "parentUuid": parent as Any? ?? NSNull(),
        "message": ["role": type, "content": blocks],
      ])
    }
    let text =
      "The user doesn't want to proceed with this tool use. the user said:\nwait for spring"
    try place.append(
      Line.person("plant beans", "a", on: nil)
        + entry(
          "assistant", "b", on: "a",
          [["type": "tool_use", "id": "t", "name": "Bash", "input": ["command": "dig"]]]))
    try place.run("checkpoint", input: place.hook("Stop"))
    try place.append(
      entry(
        "user", "c", on: "b",
        [["type": "tool_result", "tool_use_id": "t", "is_error": true, "content": text]]))
    try place.run("checkpoint", input: place.hook("Stop"))
    #expect(try place.entries().map { $0["abandoned"] as? Bool } == [false, false, false])
    try place.append(Line.person("plant peas", "d", on: nil))
    try place.run("checkpoint", input: place.hook("Stop"))
    let shown = try place.entries()
    #expect(
      shown.compactMap { $0["body"] as? String }
        == ["plant beans", "dig", "wait for spring", "plant peas"])
    #expect(shown.map { $0["abandoned"] as? Bool } == [true, true, true, false])
    #expect(
      try place.run("search", "spring", "--json").items().first?["abandoned"] as? Bool == true)
  }

  @Test func rewind_leavesNoObjectiveBehind() throws {
    let black = "paint the whole kite in black please"
    let yellow = "paint the whole kite in yellow please"
    try place.append(
      Line.person("build a kite that flies well", "a", on: nil) + Line.person(black, "b", on: "a"))
    for hook in [place.hook("SessionStart", ["source": "startup"])] {
      try place.run("canary", input: hook)
    }
    try place.run("checkpoint", input: place.hook("PreCompact", ["trigger": "manual"]))
    #expect(try place.context("startup", session: "other").contains("black"))
    try place.append(Line.person(yellow, "c", on: "a"))
    try place.run("checkpoint", input: place.hook("Stop"))
    let context = try place.context("startup", session: "other")
    #expect(!context.contains("black") && context.contains("yellow"))
    #expect(!context.contains("Newest handoff"))
    let sessions = try place.run("session", "list", "--json").items()
    let own = sessions.first { $0["id"] as? String == "session-1" }
    let first = "build a kite that flies well"
    #expect(own?["objective"] as? String == first)
    #expect(
      try place.run("checkpoint", "list", "--json").items().map { $0["objective"] as? String }
        == [first])
    #expect(
      try place.run("handoff", "list", "--json").items().map { $0["trigger"] as? String }
        == ["rewound"])
    #expect(!(try place.run("session", "brief").output.contains("black")))
    // It stays where it can be found, and the next compaction hands over what counts.
    #expect(
      try place.run("search", "black", "--json").items().allSatisfy {
        $0["abandoned"] as? Bool == true
      })
    try place.run("checkpoint", input: place.hook("PreCompact", ["trigger": "manual"]))
    let after = try place.context("startup", session: "other")
    #expect(after.contains("Newest handoff") && !after.contains("black"))
    #expect(
      try place.sqlite("INSERT INTO entries_fts(entries_fts) VALUES('integrity-check')") == "")
  }

  @Test func rewindToTheStart_hasAnObjectiveOnceThereIsOne() throws {
    try place.append(Line.person("carve the whole bench from one oak", "a", on: nil))
    try place.run("checkpoint", input: place.hook("PreCompact"))
    let caveat = Line.json([
      "type": "user", "uuid": "m", "parentUuid": NSNull(), "isMeta": true, "cwd": "/r",
      "message": ["role": "user", "content": "<local-command-caveat>x</local-command-caveat>"],
    ])
    try place.append(caveat + Line.person("<command-name>/cost</command-name>", "n", on: "m"))
    try place.run("checkpoint", input: place.hook("Stop"))
    func objective() throws -> String? {
      try place.run("checkpoint", "list", "--json").items().first?["objective"] as? String
    }
    #expect(try objective() == "")
    #expect(try place.entries().map { $0["abandoned"] as? Bool } == [true])
    let pine = "glue the bench from strips of pine"
    try place.append(Line.person(pine, "o", on: "n"))
    try place.run("checkpoint", input: place.hook("Stop"))
    #expect(try objective() == pine)
  }

  @Test func rewind_marksEarlierCheckpointsOfTheWayThatWasLeft() throws {
    try place.append(
      Line.person("lay out the garden beds", "a", on: nil)
        + Line.person("dig a pond by the fence", "b", on: "a"))
    try place.run("checkpoint", input: place.hook("PreCompact"))
    try place.append(Line.person("put some carp into that pond", "c", on: "b"))
    try place.run("checkpoint", input: place.hook("SessionEnd", ["reason": "other"]))
    try place.run("checkpoint", "--session", "session-1", "--objective", "said by hand")
    try place.append(Line.person("grow roses on the fence", "d", on: "a"))
    try place.run("ingest", place.transcript)
    let kept = try place.run("checkpoint", "list", "--json").items()
    #expect(
      kept.map { $0["trigger"] as? String } == ["manual", "rewound", "rewound"])
  }

  // MARK: The queue

  private func queue(_ operation: String, _ content: Any?, at second: Int = 0) -> String {
    var fields: [String: Any] = [
      "type": "queue-operation", "operation": operation, "uuid": "",
      "timestamp": "2026-01-14T15:20:0\(second)Z",
    ]
    fields["content"] = content
    return Line.json(fields)
  }

  @Test(arguments: [true, false])
  func queuedTwice_andDelivered_isTwoRequests(inSteps: Bool) throws {
    let lines = [
      Line.request("begin"), queue("enqueue", "once more", at: 1),
      queue("enqueue", "once more", at: 2), Line.request("once more"), Line.reply("yes"),
      Line.request("once more"),
    ]
    for text in inSteps ? lines : [lines.joined()] {
      try place.append(text)
      try place.run("ingest", place.transcript)
    }
    #expect(try place.bodies(kind: "request") == ["begin", "once more", "once more"])
    #expect(
      try place.sqlite("SELECT count(*) FROM entries WHERE source_id LIKE 'awaited:%'") == "0")
  }

  @Test(arguments: [true, false])
  func queuedWords_takenBack_areMarked_untilTheyAreSent(inSteps: Bool) throws {
    let lines = [
      Line.request("begin"), queue("enqueue", "whitewash the cellar"),
      queue("enqueue", "and the stairs", at: 1), queue("popAll", "whitewash the cellar", at: 2),
      queue("popAll", "and the stairs", at: 2), Line.reply("yes"),
    ]
    for text in inSteps ? lines : [lines.joined()] {
      try place.append(text)
      try place.run("ingest", place.transcript)
    }
    var shown = try place.entries()
    #expect(
      shown.compactMap { $0["body"] as? String }
        == ["begin", "whitewash the cellar", "and the stairs", "yes"])
    #expect(shown.map { $0["abandoned"] as? Bool } == [false, true, true, false])
    #expect(
      try place.run("search", "whitewash", "--json").items().map { $0["abandoned"] as? Bool }
        == [true])
    try place.append(Line.request("and the stairs"))
    try place.run("ingest", place.transcript)
    shown = try place.entries()
    #expect(
      shown.filter { $0["abandoned"] as? Bool == false }.compactMap { $0["body"] as? String }
        == ["begin", "yes", "and the stairs"])
    #expect(
      try place.sqlite("INSERT INTO entries_fts(entries_fts) VALUES('integrity-check')") == "")
  }

  // MARK: Forks

  @Test func fork_hasItsParentsHistory() throws {
    let parent = Line.person("plant a pear tree", "a", on: nil, session: "parent")
    try place.write(parent, to: "parent.jsonl")
    try place.write(
      Line.person("plant a pear tree", "a", on: nil, session: "fork")
        + Line.person("and a quince", "b", on: "a", session: "fork"), to: "fork.jsonl")
    try place.run("ingest", place.path + "/parent.jsonl", place.path + "/fork.jsonl")
    #expect(try place.bodies("fork") == ["plant a pear tree", "and a quince"])
    #expect(try place.bodies("parent") == ["plant a pear tree"])
    for (query, count) in [("pear", 1), ("quince", 1), ("pear session:parent", 1)] {
      let words = query.contains("session:") ? query : query + " session:fork"
      #expect(try place.run("search", words, "--json").items().count == count, "\(words)")
    }
    #expect(try place.run("search", "quince session:parent", "--json").items().isEmpty)
    let id = try #require(try place.entries("fork").first?["id"] as? String)
    #expect(
      try place.run("session", "show", "fork", "--around", id, "--json").json()["entries"]
        .map { ($0 as? [Any])?.count } == 2)
  }

  private func answer(
    _ id: String, _ request: String, session: String, at time: String, output: Int
  )
    -> String
  {
    Line.json([
      "type": "assistant", "uuid": "line-" + id, "requestId": request, "timestamp": time,
      "message": [
        "id": id, "model": "m", "role": "assistant",
        "content": [["type": "text", "text": "answer \(id)"]],
        "usage": ["input_tokens": 1, "output_tokens": output],
      ] as [String: Any],
    ]).replacingOccurrences(of: "session-1", with: session)
  }

  /// Whichever is read first, and whether or not the parent goes on.
  @Test(arguments: [true, false], [true, false])
  func forksTokens_areItsOwnRequests(isForkFirst: Bool, goesOn: Bool) throws {
    func shared(_ session: String) -> String {
      answer("a", "ra", session: session, at: "2026-01-14T15:00:00Z", output: 10)
        + answer("b", "rb", session: session, at: "2026-01-14T15:01:00Z", output: 20)
    }
    let more =
      goesOn ? answer("p", "rp", session: "parent", at: "2026-01-14T15:02:00Z", output: 400) : ""
    try place.write(shared("parent") + more, to: "parent.jsonl")
    try place.write(
      shared("fork") + answer("f", "rf", session: "fork", at: "2026-01-14T15:30:00Z", output: 3000),
      to: "fork.jsonl")
    let files = [place.path + "/parent.jsonl", place.path + "/fork.jsonl"]
    for file in isForkFirst ? files.reversed() : files { try place.run("ingest", file) }
    func output(_ session: String) throws -> Int? {
      let usage = try place.run("session", "show", session, "--json").json()["usage"]
      return (usage as? [String: Any])?["output"] as? Int
    }
    #expect(try output("parent") == (goesOn ? 430 : 30))
    #expect(try output("fork") == 3000)
  }

  @Test(arguments: [true, false])
  func codexChild_thatRepeatsItsParent_countsItOnce(isSpawned: Bool) throws {
    let history = Rollout.said("glaze the tiles", at: "2026-01-14T15:00:01Z", total: 7)
    let parent = Rollout.meta("parent", at: "2026-01-14T15:00:00Z")
    let mark =
      isSpawned
      ? ",\"source\":{\"subagent\":{\"thread_spawn\":{}}}" : ",\"forked_from_id\":\"parent\""
    try place.write(parent + history, to: "parent.jsonl")
    try place.write(
      Rollout.meta("child", mark, at: "2026-01-14T16:00:00Z") + parent + history
        + Rollout.said("sort the tiles", at: "2026-01-14T16:00:01Z", total: 3), to: "child.jsonl")
    try place.run("ingest", place.path + "/parent.jsonl", place.path + "/child.jsonl")
    #expect(try place.sqlite("SELECT count(*) FROM entries WHERE body = 'glaze the tiles'") == "1")
    #expect(
      try place.sqlite(
        "SELECT sum(input) FROM (SELECT DISTINCT message_id, request_id, input FROM usage)") == "10"
    )
    #expect(
      try place.bodies("child")
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
    #expect(try place.bodies(kind: "reply") == [words])
    let id = try place.entries().last?["id"] as? String
    #expect(try place.context("compact").contains("nine hundred"))
    try place.append(reply(words))
    try place.run("checkpoint", input: hook)
    #expect(try place.bodies(kind: "reply") == [words])
    // It is the entry that was there: whoever has its id finds it still.
    #expect(try place.entries().last?["id"] as? String == id)
    #expect(try place.sqlite("SELECT source_id FROM entries WHERE kind = 'reply'") == "late")
    #expect(
      try place.sqlite("INSERT INTO entries_fts(entries_fts) VALUES('integrity-check')") == "")
  }

  @Test func stop_withSeveralBlocks_leavesTheBlocks() throws {
    func block(_ text: String) -> String {
      Line.json([
        "type": "assistant",
        "message": ["id": "m", "role": "assistant", "content": [["type": "text", "text": text]]],
      ])
    }
    try place.append(Line.request("how is the well?") + block("It is dry."))
    let hook = place.hook("Stop", ["last_assistant_message": "It is dry.\n\nDig deeper."])
    try place.run("checkpoint", input: hook)
    #expect(try place.bodies(kind: "reply") == ["It is dry.", "It is dry.\n\nDig deeper."])
    try place.append(block("Dig deeper."))
    for _ in 0..<2 { try place.run("checkpoint", input: hook) }
    #expect(try place.bodies(kind: "reply") == ["It is dry.", "Dig deeper."])
    #expect(
      try place.sqlite("INSERT INTO entries_fts(entries_fts) VALUES('integrity-check')") == "")
  }

  @Test func stop_withSeveralBlocks_beforeARewind_leavesTheBlocks() throws {
    func block(_ text: String, _ id: String, on parent: String) -> String {
      Line.json([
        "type": "assistant", "uuid": id, "parentUuid": parent,
        "message": ["id": "m", "role": "assistant", "content": [["type": "text", "text": text]]],
      ])
    }
    try place.append(Line.person("how is the well?", "a", on: nil))
    let hook = place.hook("Stop", ["last_assistant_message": "It is dry.\n\nDig deeper."])
    try place.run("checkpoint", input: hook)
    try place.append(
      block("It is dry.", "b", on: "a") + block("Dig deeper.", "c", on: "b")
        + Line.person("no, fill it up", "d", on: "c") + Line.person("yes, dig", "e", on: "c"))
    try place.run("checkpoint", input: place.hook("PreCompact"))
    #expect(
      try place.bodies() == [
        "how is the well?", "It is dry.", "Dig deeper.", "no, fill it up", "yes, dig",
      ])
    #expect(try place.context("compact").contains("Dig deeper."))
  }

  @Test(arguments: [true, false])
  func stop_withAnErrorsText_keepsNoReply(isLineFirst: Bool) throws {
    let text = "API Error: the line is dead"
    let error = Line.json([
      "type": "assistant", "isApiErrorMessage": true,
      "message": ["model": "<synthetic>", "content": [["type": "text", "text": text]]],
    ])
    let hook = place.hook("Stop", ["last_assistant_message": text])
    try place.append(Line.request("go") + (isLineFirst ? error : ""))
    try place.run("checkpoint", input: hook)
    if !isLineFirst { try place.append(error) }
    try place.run("checkpoint", input: hook)
    #expect(try place.bodies() == ["go"])
  }

  /// The newest entry goes, and many come: each of them is in the index.
  @Test func whatComesAfterAnError_isFound() throws {
    let text = "API Error: the line is dead"
    try place.append(Line.request("go"))
    try place.run("checkpoint", input: place.hook("Stop", ["last_assistant_message": text]))
    try place.append(
      Line.json([
        "type": "assistant", "isApiErrorMessage": true,
        "message": ["model": "<synthetic>", "content": [["type": "text", "text": text]]],
      ]) + (0..<12).map { Line.request("look at heron\($0)") }.joined())
    try place.run("ingest", place.transcript)
    for number in 0..<12 {
      #expect(try place.run("search", "heron\(number)").output.contains("heron\(number)"))
    }
    #expect(try !place.run("doctor").output.contains("damaged"))
  }

  @Test func stop_withoutATranscript_keepsTheLastWords() throws {
    let words = "Nothing is written down yet."
    try place.run("checkpoint", input: place.hook("Stop", ["last_assistant_message": words]))
    #expect(try place.bodies(kind: "reply") == [words])
    try place.append(Line.request("go") + reply(words))
    try place.run("ingest", place.transcript)
    #expect(try place.bodies() == ["go", words])
  }

  @Test func stopFailure_isNotWhatTheAgentSaid() throws {
    try place.append(Line.request("go"))
    let result = try place.run(
      "checkpoint",
      input: place.hook(
        "StopFailure", ["error": "rate_limit", "last_assistant_message": "API Error"]))
    #expect(result.status == 0 && result.output.isEmpty)
    #expect(try place.bodies() == ["go"])
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
      let result = try place.run(arguments, input: Data(place.hook(event, more).utf8))
      #expect(result.status == 0 && result.output.isEmpty, "\(event)")
    }
    #expect(try place.sqlite(session) == before)
    #expect(try place.run("checkpoint", "list", "--json").items().isEmpty)
    #expect(try place.bodies(kind: "prompt") == ["count the nails"])
  }
}
