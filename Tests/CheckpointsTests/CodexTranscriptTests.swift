import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Core
@testable import MemoryStore
@testable import Redaction
@testable import Transcripts

@Suite(.blocking) struct CodexTranscriptTests {
  // MARK: Circumstances

  @Test func sessionMeta_namesSessionFolderBranchAndVersion() throws {
    let reading = try read(Rollout.meta(), Rollout.turn(model: "gpt-5.5"))
    #expect(reading.sessionID == "codex-1")
    #expect(reading.digest.agent == "codex")
    #expect(reading.digest.cwd == "/repo" && reading.digest.root == "/repo")
    #expect(reading.digest.branch == "main" && reading.digest.version == "0.141.0")
    #expect(reading.digest.models == ["gpt-5.5"])
  }

  @Test func fork_belongsToItsOwnSession() throws {
    let reading = try read(
      Rollout.meta(), Rollout.meta(id: "parent", cwd: "/elsewhere"), Rollout.user("go on"))
    #expect(reading.sessionID == "codex-1")
    #expect(reading.digest.cwd == "/repo")
  }

  @Test func subagent_hasPromptsAndNoRequests() throws {
    let reading = try read(
      Rollout.meta(more: ["source": ["subagent": ["thread_spawn": ["depth": 1]]]]),
      Rollout.user("look for x"), Rollout.assistant("It is in a/b.go."))
    #expect(reading.entries.map(\.kind) == [.prompt, .reply])
    #expect(reading.entries.map(\.actor) == ["agent", "subagent"])
    #expect(reading.digest.requests.isEmpty)
  }

  @Test func format_isToldByTheFirstLines() throws {
    let folder = try TemporaryFolder()
    for (text, format) in [
      (Rollout.meta(), TranscriptFormat.codex), (Line.request("x"), .claude), ("", nil),
      ("{\"type\":\"summary\",\"summary\":\"x\",\"leafUuid\":\"u\"}\n", nil),
      ("{\"type\":\"message\",\"role\":\"user\",\"content\":[]}\n", .codex),
      ("{\"no\":\"type\"}\nrubbish\n" + Rollout.meta(), .codex),
    ] as [(String, TranscriptFormat?)] {
      let path = try folder.file("t.jsonl", text)
      let reader = try TranscriptReader(path: path, known: nil)
      #expect(try TranscriptFormat.of(reader, digest: SessionDigest()) == format)
    }
  }

  // MARK: Messages

  @Test func messages_areStoredOnce_withoutTheHarness() throws {
    let reading = try read(
      Rollout.meta(),
      Rollout.user(
        "# AGENTS.md instructions for /repo\n\n<INSTRUCTIONS>\nsecret plan\n</INSTRUCTIONS>",
        "<environment_context>\n  <cwd>/repo</cwd>\n</environment_context>"),
      Rollout.item([
        "type": "message", "role": "developer",
        "content": [["type": "input_text", "text": "<permissions instructions>x"]],
      ]),
      Rollout.user("Never touch the lexer! Fix parser.go"),
      Rollout.event(["type": "user_message", "message": "Never touch the lexer! Fix parser.go"]),
      Rollout.event(["type": "agent_message", "message": "On it."]), Rollout.assistant("On it."),
      Rollout.user("<turn_aborted>\nThe user interrupted\n</turn_aborted>"),
      Rollout.user("<skill name=\"x\">\nhow to\n</skill>"),
      Rollout.user("<user_instructions>\nbe brief\n</user_instructions>"),
      Rollout.user(
        "# Context from my IDE setup:\n\n## Open tabs\n\n## My request for Codex:\nand b"),
      Rollout.event([
        "type": "user_message",
        "message":
          "# Context from my IDE setup:\n\n## Open tabs\n\n## My request for Codex:\nand b",
      ]),
      Rollout.user("Warning: too many processes are open."),
      Rollout.user("<p>a person's own markup</p>"),
      Rollout.event(["type": "user_message", "message": "<p>a person's own markup</p>"]))
    #expect(reading.entries.map(\.kind) == [.request, .reply, .request, .request])
    #expect(
      reading.digest.requests.map(\.text) == [
        "Never touch the lexer! Fix parser.go", "and b", "<p>a person's own markup</p>",
      ])
    #expect(reading.digest.rules.map(\.text) == ["Never touch the lexer!"])
    #expect(reading.digest.files["parser.go"] != nil)
    #expect(reading.digest.replies.map(\.text) == ["On it."])
  }

  private func item(_ text: String) -> String {
    Rollout.event([
      "type": "item_completed", "turn_id": "t",
      "item": [
        "type": "UserMessage", "id": "u",
        "content": [["type": "text", "text": text, "text_elements": [String]()]],
      ] as [String: Any],
    ])
  }

  @Test func itemEvents_tellThePersonsWords() throws {
    let warning = "Warning: the sandbox is off."
    let reading = try read(
      Rollout.meta(), Rollout.user("sew the sails"), item("sew the sails"),
      Rollout.user(warning), Rollout.assistant("Sewn."),
      // Only an event tells of it.
      item("mend the nets"), Rollout.assistant("Mended."),
      // All three do.
      Rollout.event(["type": "user_message", "message": "scrub the deck"]),
      item("scrub the deck"), Rollout.event(["type": "task_started"]),
      Rollout.user("scrub the deck"), Rollout.assistant("Scrubbed."),
      // The same words once more.
      Rollout.user("scrub the deck"), item("scrub the deck"))
    #expect(
      reading.entries.filter { $0.kind == .request }.map(\.body)
        == ["sew the sails", "mend the nets", "scrub the deck", "scrub the deck"])
  }

  @Test func markup_thatAPersonTyped_isKeptWithoutEventsToo() throws {
    let story = "<user_story>\nAs a sailor I want tea.\n</user_story>"
    let reading = try read(
      Rollout.meta(), Rollout.user("<environment_context>\nx\n</environment_context>"),
      Rollout.user(story), Rollout.assistant("Tea."),
      Rollout.user("<subagent_notification>\n{}\n</subagent_notification>"),
      Rollout.user("<skill_list kind=\"mine\">a</skill_list>"), Rollout.assistant("Yes."))
    #expect(
      reading.digest.requests.map(\.text) == [story, "<skill_list kind=\"mine\">a</skill_list>"])
  }

  @Test func answersToQuestions_areThePersonsWords() throws {
    let reading = try read(
      Rollout.meta(), Rollout.user("rig the boat"),
      Rollout.call(
        "request_user_input", ["questions": [["id": "q", "question": "Which mast?"]]], id: "q"),
      Rollout.output("q", "{\"answers\":{\"q\":{\"answers\":[\"the main one\"]}}}"))
    #expect(reading.entries.last?.body == "the main one")
    #expect(reading.entries.last?.title == "Which mast?")
    #expect(reading.digest.requests.map(\.question) == ["", "Which mast?"])
  }

  @Test func answers_goToTheirOwnQuestions() throws {
    let questions = [("sail", "Burn the old sail?"), ("rope", "Keep the rope?")].map {
      ["id": $0.0, "question": $0.1]
    }
    let answers =
      "{\"answers\":{\"rope\":{\"answers\":[\"yes\",\"coiled\"]},\"sail\":{\"answers\":[\"no\"]}}}"
    let reading = try read(
      Rollout.meta(), Rollout.call("request_user_input", ["questions": questions], id: "q"),
      Rollout.output("q", answers))
    #expect(reading.digest.requests.map(\.question) == ["Keep the rope?", "Burn the old sail?"])
    #expect(reading.digest.requests.map(\.text) == ["yes\ncoiled", "no"])
    // Where it is not said to which it belongs, it answers them all.
    let other = try read(
      Rollout.meta(), Rollout.call("request_user_input", ["questions": questions], id: "q"),
      Rollout.output("q", "{\"answers\":{\"mast\":{\"answers\":[\"later\"]}}}"))
    #expect(other.digest.requests.map(\.question) == ["Burn the old sail? Keep the rope?"])
  }

  @Test func refusedCalls_leaveNothingDone() throws {
    func reading(_ refusal: String) throws -> CodexTranscript {
      try read(
        Rollout.meta(), Rollout.user("rig the boat"),
        Rollout.exec("make sail", id: "1"), Rollout.output("1", refusal),
        Rollout.item([
          "type": "custom_tool_call", "name": "apply_patch", "call_id": "2",
          "input": "*** Begin Patch\n*** Update File: mast.go\n@@\n-a\n+b\n*** End Patch",
        ]),
        Rollout.output("2", "patch rejected by user"))
    }
    let rejection = "CreateProcess { message: \"Rejected(\\\"rejected by user\\\")\" }"
    for command in ["make sail", "make sail <<X\nlinen\nX"] {
      let refused = try reading(
        "exec_command failed for `/bin/bash -lc \"\(command)\"`: \(rejection)")
      #expect(refused.digest.files["mast.go"]?.edits ?? 0 == 0)
      #expect(refused.digest.commands.isEmpty)
      #expect(refused.digest.lastFailure == nil)
      #expect(!refused.entries.contains { $0.kind == .failure })
    }
    // What a command printed is not the harness's word.
    let printed = try reading("Process exited with code 1\nOutput:\npush rejected by user\n")
    #expect(printed.digest.commands["make sail"]?.outcome == .failed)
    #expect(printed.digest.lastFailure?.text == "push rejected by user")
  }

  @Test func planThatWasTaken_needsNoFormerOne() throws {
    func plan(_ step: String, _ id: String) -> String {
      Rollout.call("update_plan", ["plan": [["step": step, "status": "pending"]]], id: id)
    }
    let good = try read(
      Rollout.meta(), plan("caulk", "1"), Rollout.output("1", "Plan updated"), plan("paint", "2"),
      Rollout.output("2", "Plan updated"))
    #expect(good.digest.formerPlan == nil)
    let bad = try read(
      Rollout.meta(), plan("caulk", "1"), Rollout.output("1", "Plan updated"), plan("paint", "2"),
      Rollout.output("2", "failed to parse function arguments: missing field"))
    #expect(bad.digest.plan.map(\.text) == ["caulk"])
  }

  @Test func summaryOfACompaction_isNotThePersons() throws {
    let summary =
      "Another language model started to solve this problem and produced a summary of its thinking "
      + "process. Here is the summary:\nthe mast is up"
    let reading = try read(Rollout.meta(), Rollout.user("rig the boat"), Rollout.user(summary))
    #expect(reading.digest.requests.map(\.text) == ["rig the boat"])
    #expect(
      try read(Rollout.meta(), Rollout.user("Another language model started, why?"))
        .digest.requests.count == 1)
  }

  @Test func secretsAndPrivateText_stayInTheTranscript() throws {
    let token = "ghp_" + String(repeating: "a1B2", count: 9)
    let reading = try read(
      Rollout.meta(), Rollout.user("use \(token) <private>my diary</private> now"),
      Rollout.exec("curl -H 'Authorization: Bearer \(token)' https://x.example", id: "c"),
      Rollout.output("c", "Process exited with code 7\nOutput:\nbad \(token)\n"),
      Rollout.patch("*** Begin Patch\n*** Add File: a.env\n+TOKEN=\(token)\n*** End Patch"),
      Rollout.call("update_plan", ["explanation": token, "plan": [["step": token]]]))
    let everything =
      reading.digest.json + reading.entries.map { $0.title + $0.body }.joined()
    #expect(!everything.contains(token))
    #expect(!everything.contains("diary"))
  }

  // MARK: Tools

  @Test func plan_isThatOfTheLastUpdate() throws {
    let reading = try read(
      Rollout.meta(),
      Rollout.call("update_plan", ["plan": [["step": "a", "status": "in_progress"]]], id: "p"),
      Rollout.output("p", "Plan updated"),
      Rollout.call(
        "update_plan",
        [
          "explanation": "a is in",
          "plan": [
            ["step": "a", "status": "completed"], ["step": "b", "status": "in_progress"],
            ["step": "c", "status": "pending"],
          ],
        ]))
    #expect(reading.digest.plan.map(\.text) == ["a", "b", "c"])
    #expect(reading.digest.plan.map(\.state) == [.completed, .inProgress, .pending])
    #expect(reading.entries.map(\.kind) == [.plan, .plan])
    #expect(
      reading.entries.last?.body == "a is in\n- a (completed)\n- b (in_progress)\n- c (pending)")
  }

  @Test func commands_haveOutcomes() throws {
    let reading = try read(
      Rollout.meta(), Rollout.exec("cd x && go test ./...", id: "1"),
      Rollout.output("1", "Chunk ID: 1\nProcess exited with code 0\nOutput:\nok\n"),
      Rollout.call("shell", ["command": ["bash", "-lc", "make lint"]], id: "2"),
      Rollout.output("2", "{\"output\":\"a.go:1: bad\",\"metadata\":{\"exit_code\":2}}"),
      Rollout.call("shell_command", ["command": "npm run build"], id: "3"),
      Rollout.output("3", "Exit code: 1\nWall time: 1 seconds\nOutput:\nbroken\n"),
      Rollout.exec("rg nothing", id: "4"),
      Rollout.output("4", "Process exited with code 1\nOutput:\n"),
      Rollout.exec("swift build", id: "5"),
      Rollout.output("5", "exec_command failed for `swift build`: no sandbox"),
      Rollout.item(["type": "local_shell_call", "action": ["command": ["cargo", "check"]]]))
    let commands = reading.digest.commands
    #expect(commands["go test"]?.outcome == .succeeded)
    #expect(commands["make lint"]?.outcome == .failed)
    #expect(commands["npm run build"]?.outcome == .failed)
    #expect(commands["swift build"] == nil, "it was not run")
    #expect(commands["cargo check"]?.outcome == .unknown)
    let failures = reading.entries.filter { $0.kind == .failure }
    #expect(
      failures.map(\.body) == [
        "a.go:1: bad", "broken\n", "exec_command failed for `swift build`: no sandbox",
      ])
  }

  @Test func commandThatGoesOn_getsTheOutcomeOfItsEnd() throws {
    let lines = [
      Rollout.meta(), Rollout.exec("go test ./...", id: "1"),
      Rollout.output("1", "Chunk ID: 1\nProcess running with session ID 77\nOutput:\n"),
      Rollout.call("write_stdin", ["session_id": 77, "chars": ""], id: "2"),
      Rollout.output("2", "Process running with session ID 77\nOutput:\nhalf\n"),
      Rollout.call("write_stdin", ["session_id": 77, "chars": "y\n"], id: "3"),
      Rollout.output("3", "Process exited with code 1\nOutput:\nFAIL\n"),
    ]
    let reading = try read(lines.joined())
    #expect(reading.digest.commands["go test"]?.outcome == .failed)
    #expect(reading.digest.lastFailure?.text == "FAIL")
    #expect(reading.digest.pending.isEmpty)
    #expect(reading.entries.map(\.kind) == [.tool, .tool, .failure])
  }

  @Test func scriptThatGoesOn_getsTheOutcomeOfItsEnd() throws {
    func script(_ text: String, id: String) -> String {
      Rollout.item([
        "type": "custom_tool_call", "name": "exec", "call_id": id, "input": text,
      ])
    }
    let head = "Script completed\nWall time 1.0 seconds\nOutput:\n"
    let lines = [
      Rollout.meta(), Rollout.user("test the rigging"),
      script(
        "const r = await tools.exec_command({cmd: \"go test ./rigging\"}); text(r.output); "
          + "if (r.session_id) text(`still session_id: ${r.session_id}`)", id: "1"),
      Rollout.output("1", head + "\nstill session_id: 4711"),
      script(
        "const r = await tools.write_stdin({session_id:4711,chars:\"\"}); text(r.output)", id: "2"),
      Rollout.output("2", head + "--- FAIL: TestShroud\nFAIL\trigging 3.1s"),
    ]
    let digest = try read(lines.joined()).digest
    #expect(digest.pending.isEmpty)
    let told = StoryLines(digest).lines.map(\.text)
    #expect(told.contains { $0.hasPrefix("Last test FAILED") && $0.contains("TestShroud") })
    #expect(!told.contains { $0.contains("4711") })
    // As long as nothing came, nothing is said of its end.
    let running = try read(lines.prefix(4).joined()).digest
    #expect(running.pending.count == 1)
    #expect(!StoryLines(running).lines.contains { $0.text.hasPrefix("Last test") })
  }

  @Test func patches_areEdits() throws {
    let patch = """
      *** Begin Patch
      *** Update File: /repo/a/x.go
      @@
      -func old() {}
      +func (r *T) parseRetryAfter() {}
      *** Add File: b.md
      +See c/z.go
      *** Delete File: gone.txt
      *** Move to: d.go
      *** End Patch
      """
    let lines =
      Rollout.meta() + Rollout.patch(patch)
      + Rollout.exec("apply_patch <<'EOF'\n\(patch)\nEOF")
    let files = try read(lines).digest.files
    #expect(files["a/x.go"]?.edits == 2)
    #expect(files["a/x.go"]?.symbols.contains("parseRetryAfter") == true)
    #expect(files["b.md"]?.edits == 2 && files["gone.txt"]?.edits == 2 && files["d.go"]?.edits == 2)
    #expect(files["c/z.go"]?.edits == 0)
    let reading = try read(
      lines, Rollout.output("p", "apply_patch verification failed: no such lines"))
    #expect(["a/x.go", "b.md", "d.go"].map { reading.digest.files[$0]?.edits } == [1, 1, 1])
    #expect(reading.entries.first?.body == "/repo/a/x.go\nb.md\ngone.txt\nd.go")
    #expect(reading.entries.last?.title == "apply_patch")
    #expect(reading.entries.last?.kind == .failure)
  }

  @Test func script_ofTheExecTool_hasCommandsAndPatches() throws {
    let script =
      #"const a = await tools.exec_command({cmd: "go vet ./...", yield_time_ms: 1});"#
      + "\n" + #"await tools.apply_patch("*** Begin Patch\n*** Update File: q.go\n+x\n");"#
    let reading = try read(
      Rollout.meta(),
      Rollout.item([
        "type": "custom_tool_call", "name": "exec", "call_id": "s", "input": script,
      ]))
    #expect(reading.digest.commands["go vet"]?.count == 1)
    #expect(reading.digest.files["q.go"]?.edits == 1)
  }

  @Test func otherTools_areSearchable() throws {
    let reading = try read(
      Rollout.meta(),
      Rollout.item([
        "type": "web_search_call", "action": ["type": "search", "query": "git protocol v2"],
      ]),
      Rollout.call("spawn_agent", ["message": "count the beads"], id: "s"),
      Rollout.output("s", "a report\nExit code: 1\n"),
      Rollout.item(["type": "function_call", "name": "broken", "arguments": "{"]),
      Rollout.item(["type": "something_new"]), Rollout.line("something_newer", [:]))
    #expect(reading.entries.map(\.title) == ["web_search", "spawn_agent"])
    #expect(reading.entries.map(\.body) == ["git protocol v2", "count the beads"])
  }

  @Test func commits_areKept() throws {
    let reading = try read(
      Rollout.meta(), Rollout.exec("git commit -m x", id: "g"),
      Rollout.output("g", "Process exited with code 0\nOutput:\n[main 1a2b3c4] Add x\n 1 file\n"))
    #expect(reading.digest.commits.map(\.hash) == ["1a2b3c4"])
  }

  // MARK: Compaction and tokens

  @Test func compaction_isOneBoundary() throws {
    let reading = try read(
      Rollout.meta(), Rollout.line("compacted", ["message": "what was done", "x": []]),
      Rollout.event(["type": "context_compacted"]))
    #expect(reading.digest.boundaries.map(\.line) == [2])
    #expect(reading.digest.summary == "what was done")
    #expect(reading.entries.map(\.kind) == [.summary])
    let alone = try read(Rollout.meta(), Rollout.event(["type": "context_compacted"]))
    #expect(alone.digest.boundaries.map(\.line) == [2])
  }

  @Test func tokens_areSummed_withoutRepeatedRows() throws {
    let reading = try read(
      Rollout.meta(), Rollout.turn(model: "gpt-5.5"),
      Rollout.event(["type": "token_count", "info": NSNull()]),
      Rollout.tokens(total: (100, 60, 20, 5), last: (100, 60, 20, 5)),
      Rollout.tokens(total: (100, 60, 20, 5), last: (0, 0, 0, 0)),
      Rollout.tokens(total: (300, 160, 50, 9), last: (200, 100, 30, 4)))
    #expect(reading.usage.map(\.input) == [100, 200])
    #expect(reading.usage.map(\.cacheRead) == [60, 100])
    #expect(reading.usage.map(\.output) == [20, 30])
    #expect(reading.usage.map(\.reasoning) == [5, 4])
    #expect(Set(reading.usage.map(\.model)) == ["gpt-5.5"])
  }

  // MARK: Files that real sessions leave

  @Test func gluedHalfWrittenAndBrokenLines_areRead() throws {
    let glued = Rollout.user("one").dropLast() + Rollout.user("two")
    var data = Data((Rollout.meta() + glued + "{\"timestamp\":\"2026-0").utf8)
    data += Data(Rollout.user("three").utf8)
    data += Data("{\"timestamp\":\"2026-01-14T15:00:00Z\",\"type\":\"event_msg\",\"payload\":".utf8)
    let folder = try TemporaryFolder()
    let path = try folder.file("r.jsonl", data)
    let reader = try TranscriptReader(path: path, known: nil)
    var transcript = CodexTranscript(redactor: Redactor())
    let report = try reader.read { transcript.ingest($0, line: $1) }
    transcript.finish()
    #expect(transcript.digest.requests.map(\.text) == ["one", "two", "three"])
    #expect(Set(transcript.entries.map(\.sourceID)).count == 3)
    #expect(report.malformed == 1)
    #expect(report.end.offset < report.fileSize)
  }

  @Test func invalidUTF8_andALongLine_areRead() throws {
    var data = Data(Rollout.meta().utf8)
    data += Data(Rollout.user("caf@ x").utf8.map { $0 == UInt8(ascii: "@") ? 0xE9 : $0 })
    data += Data(Rollout.output("none", String(repeating: "x", count: 20_000_000)).utf8)
    data += Data(Rollout.user("behind").utf8)
    let folder = try TemporaryFolder()
    let path = try folder.file("r.jsonl", data)
    var transcript = CodexTranscript(redactor: Redactor())
    _ = try TranscriptReader(path: path, known: nil).read { transcript.ingest($0, line: $1) }
    transcript.finish()
    #expect(transcript.digest.requests.map(\.text) == ["caf\u{FFFD} x", "behind"])
  }

  /// Wherever it is cut: a line without its newline, between two glued objects, inside a line.
  @Test func growthInParts_equalsReadingWhole() throws {
    let text =
      Rollout.meta() + Rollout.turn(model: "m") + Rollout.user("fix a.go")
      + Rollout.exec("go test ./...", id: "1") + Rollout.user("one").dropLast()
      + Rollout.user("two") + Rollout.output("1", "Process exited with code 1\nOutput:\nno\n")
      + Rollout.tokens(total: (10, 5, 2, 1), last: (10, 5, 2, 1))
      + Rollout.tokens(total: (10, 5, 2, 1), last: (0, 0, 0, 0)) + Rollout.assistant("Done.")
    let whole = try read(text)
    let bytes = Array(text.utf8)
    for cut in stride(from: 1, to: bytes.count, by: 7) {
      let folder = try TemporaryFolder()
      let path = try folder.file("r.jsonl", Data(bytes[..<cut]))
      var first = CodexTranscript(redactor: Redactor())
      let report = try TranscriptReader(path: path, known: nil).read { first.ingest($0, line: $1) }
      first.finish()
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try handle.seekToEnd()
      try handle.write(contentsOf: Data(bytes[cut...]))
      try handle.close()
      var second = CodexTranscript(digest: first.digest, redactor: Redactor())
      _ = try TranscriptReader(path: path, known: report.end).read { second.ingest($0, line: $1) }
      second.finish()
      #expect(second.digest == whole.digest, "cut at \(cut)")
      #expect(first.entries + second.entries == whole.entries, "cut at \(cut)")
      #expect(first.usage + second.usage == whole.usage, "cut at \(cut)")
    }
  }

  private func read(_ lines: String...) throws -> CodexTranscript {
    let folder = try TemporaryFolder()
    let path = try folder.file("rollout.jsonl", lines.joined())
    var transcript = CodexTranscript(redactor: Redactor())
    _ = try TranscriptReader(path: path, known: nil).read { transcript.ingest($0, line: $1) }
    transcript.finish()
    return transcript
  }
}
