import Foundation
import TestSupport
import Testing

/// The hooks of a session, in the order in which Claude Code calls them.
@Suite(.blocking) struct HookTests {
  let place: Workplace

  init() throws { place = try Workplace(isOwnProcess: true) }

  private func session() throws {
    try place.append(
      Line.request("Make the parser accept CRLF; never change the lexer")
        + Line.call(
          "Edit",
          [
            "file_path": place.repository + "/src/parser.go",
            "new_string": "func acceptLineEnd() {}",
          ])
        + Line.call("Bash", ["command": "go test ./parser/..."])
        + Line.call(
          "TodoWrite", ["todos": [["content": "update the changelog", "status": "pending"]]])
        + Line.reply("The acceptLineEnd helper is in src/parser.go now."))
  }

  @Test func compaction_bringsBackWhatTheSessionKnew() throws {
    try session()
    let pre = try place.run(
      "checkpoint", input: place.hook("PreCompact", ["trigger": "auto", "custom_instructions": ""]))
    #expect(pre.status == 0 && pre.output.isEmpty && pre.errorOutput.isEmpty)
    try place.append(Line.boundary() + Line.summary("We worked on the parser."))
    let post = try place.run(
      "checkpoint",
      input: place.hook(
        "PostCompact", ["trigger": "auto", "compact_summary": "We worked on the parser."]))
    #expect(post.status == 0 && post.output.isEmpty)
    let context = try place.context("compact")
    for part in [
      "standalone", "src/parser.go", "acceptLineEnd", "go test ./parser/...",
      "never change the lexer",
      "update the changelog", "recorded data",
    ] {
      #expect(context.contains(part), "\(part)")
    }
    #expect(context.utf16.count <= 9500)
    // One compaction, one checkpoint.
    #expect(try place.run("checkpoint", "list", "--json").items().count == 1)
  }

  @Test func preCompact_whenFiredAgain_isOneCheckpoint() throws {
    try session()
    for _ in 0..<4 {
      #expect(
        try place.run("checkpoint", input: place.hook("PreCompact", ["trigger": "manual"])).status
          == 0)
    }
    #expect(try place.run("checkpoint", "list", "--json").items().count == 1)
    #expect(try place.sqlite("SELECT count(*) FROM outbox") == "1")
    // New work makes a new checkpoint.
    try place.append(
      Line.request("and now the docs") + Line.call("Read", ["file_path": "/x/docs.md"]))
    try place.run("checkpoint", input: place.hook("SessionEnd"))
    #expect(try place.run("checkpoint", "list", "--json").items().count == 2)
  }

  @Test func unannouncedCompaction_isRebuiltFromTheBoundary() throws {
    try session()
    try place.append(Line.boundary() + Line.summary("short"))
    #expect(try place.context("compact").contains("src/parser.go"))
    let items = try place.run("checkpoint", "list", "--json").items()
    #expect(items.map { $0["trigger"] as? String } == ["boundary"])
  }

  @Test func nextSession_startsKnowingWhatTheLastOneKnew() throws {
    try session()
    try place.run("checkpoint", input: place.hook("PreCompact"))
    try place.run("session", "end", input: place.hook("SessionEnd", ["reason": "other"]))
    let context = try place.context("startup", session: "session-2")
    #expect(context.contains("previous session"))
    #expect(context.contains("src/parser.go") && context.contains("never change the lexer"))
    let clear = try place.context("clear", session: "session-3")
    #expect(clear.contains("memoryd resume --session session-1") && clear.utf16.count <= 700)
  }

  @Test func resume_isShort() throws {
    try session()
    try place.run("checkpoint", input: place.hook("PreCompact"))
    let context = try place.context("resume")
    #expect(context.utf16.count <= 700)
    #expect(context.contains("memoryd resume --session session-1"))
  }

  @Test func sessionWithoutACheckpoint_isRememberedToo() throws {
    try session()
    try place.run("session", "end", input: place.hook("SessionEnd"))
    #expect(try place.context("startup", session: "session-2").contains("src/parser.go"))
    #expect(try place.run("resume").output.contains("never change the lexer"))
  }

  @Test func manualCheckpoint_addsToTheSessionInsteadOfHidingIt() throws {
    try session()
    try place.run("checkpoint", input: place.hook("PreCompact"))
    try place.run("checkpoint", input: "")
    #expect(try place.run("resume").output.contains("src/parser.go"))
    try place.run(
      "checkpoint", "--objective", "ship it", "--next", "tag the release", "--action", "wrote notes"
    )
    let text = try place.run("resume").output
    for part in ["src/parser.go", "ship it", "tag the release", "wrote notes"] {
      #expect(text.contains(part), "\(part)")
    }
  }

  @Test func repositoriesOfOneName_areTwoProjects() throws {
    try session()
    try place.run("checkpoint", input: place.hook("PreCompact"))
    let other = place.path + "/elsewhere/repo"
    try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
    let result = try place.run(
      "canary",
      input: place.hook(
        "SessionStart", ["session_id": "s2", "cwd": other, "source": "startup"]))
    #expect(!result.output.contains("parser.go"))
    #expect(!result.output.contains("session-1"))
  }

  @Test func ruleFarDownInALongRequest_isNotLost() throws {
    try place.append(
      Line.request(String(repeating: "Some context here. ", count: 60) + "Never drop a table."))
    try place.run("checkpoint", input: place.hook("PreCompact"))
    #expect(try place.run("resume").output.contains("Never drop a table."))
  }

  @Test func endedSession_staysEndedUntilItStartsAgain() throws {
    try session()
    try place.run("session", "end", input: place.hook("SessionEnd"))
    try place.append(Line.request("late line"))
    try place.run("checkpoint", input: place.hook("Stop"))
    #expect(try place.run("session", "list", "--json").items()[0]["ended_at"] is String)
    _ = try place.context("resume")
    #expect(!(try place.run("session", "list", "--json").items()[0]["ended_at"] is String))
  }

  @Test func ingestedOldSession_isNotActive() throws {
    try session()
    try place.run("ingest", place.transcript)
    #expect(!(try place.context("startup", session: "new").contains("Another session")))
    let item = try place.run("session", "list", "--json").items().last
    #expect((item?["started_at"] as? String)?.hasPrefix("2026-01-14") == true)
  }

  @Test func openTasks_areBoxesWithTheirOwnWords() throws {
    try session()
    try place.run("task", "add", "Draw: the \"state\"; 100 %", "--context", "as (is): #7")
    try place.run("checkpoint", input: place.hook("PreCompact"))
    let text = try place.run("resume").output
    #expect(text.contains("- [ ] Draw: the \"state\"; 100 % — as (is): #7 ("), "\(text)")
    #expect(!text.contains("mermaid"))
  }

  @Test func checkpointOfACompaction_isListedAsOne_whoeverRenewsIt() throws {
    try session()
    try place.run("checkpoint", input: place.hook("PreCompact"))
    try place.run("checkpoint", input: place.hook("PostCompact"))
    // Fifteen more calls would make a Stop take one of its own; nothing happened since.
    _ = try place.sqlite("UPDATE checkpoints SET updated_at = updated_at - 60000")
    try place.run("checkpoint", input: place.hook("PostCompact"))
    let items = try place.run("checkpoint", "list", "--json").items()
    #expect(items.map { $0["trigger"] as? String } == ["pre-compact"])
  }

  @Test func nothing_isNoCheckpointAndNoHandoff() throws {
    for arguments in [
      ["checkpoint"], ["checkpoint", "--objective", "  "], ["checkpoint", "--next", ""],
      ["handoff"],
    ] {
      let result = try place.start(arguments).finish()
      #expect(result.status == 65, "\(arguments): \(result.output)")
      #expect(
        result.errorOutput.contains("there is nothing to") && result.errorOutput.contains("hint:"))
    }
    #expect(try place.run("checkpoint", "list", "--json").items().isEmpty)
    #expect(try place.run("handoff", "list", "--json").items().isEmpty)
    #expect(try place.run("handoff", "--note", "one word", "--out", "-").status == 0)
    // A repository's state is something; blanks beside it are not.
    try place.git("init", "-q")
    try place.git("commit", "-q", "--allow-empty", "-m", "First")
    #expect(try place.run("checkpoint").status == 0)
    for blank in ["--objective", "--blocker", "--action", "--next"] {
      #expect(try place.run("checkpoint", blank, " ").status == 65, "\(blank)")
    }
  }

  @Test func projectWithoutASession_hasItsTasksAndDecisions() throws {
    #expect(try place.run(["resume"]).status == 66)
    try place.run("task", "add", "Mend the lock", "--context", "it hangs on NFS")
    let document = try place.run("resume").output
    #expect(document.contains("Mend the lock") && document.contains("it hangs on NFS"))
    #expect(try place.run("resume", "--explain").output.contains("a task of this project"))
    let handoff = try place.run("handoff", "--note", "over to you", "--out", "-").output
    #expect(handoff.contains("Mend the lock") && handoff.contains("it hangs on NFS"))
    let read = try place.run("handoff", "read", "-", "--json", input: handoff).json()
    let tasks = read["open_tasks"] as? [[String: Any]]
    #expect(tasks?.map { $0["context"] as? String } == ["it hangs on NFS"])
  }

  @Test func firstSessionOfAll_isToldTheMode() throws {
    let context = try place.context("startup")
    #expect(context.contains("standalone"))
    #expect(!context.contains("previous session"))
  }

  @Test func otherActiveSessions_areNamed() throws {
    _ = try place.context("startup", session: "other-session")
    #expect(try place.context("startup", session: "mine").contains("other-session"))
    try place.run(
      "session", "end", input: place.hook("SessionEnd", ["session_id": "other-session"]))
    #expect(!(try place.context("startup", session: "mine").contains("other-session")))
  }

  @Test func stop_takesACheckpointOnlyWhenItIsDue() throws {
    try session()
    try place.run("checkpoint", input: place.hook("Stop"))
    #expect(try place.run("checkpoint", "list", "--json").items().isEmpty)
    // The text is taken in all the same.
    #expect(try !place.run("search", "CRLF", "--json").items().isEmpty)
    var lines = ""
    for number in 0..<20 {
      lines += Line.json([
        "type": "assistant", "timestamp": "2026-01-14T16:\(10 + number):00Z",
        "message": [
          "content": [
            [
              "type": "tool_use", "id": "t\(number)", "name": "Edit",
              "input": ["file_path": "/r/a.go", "new_string": "x"],
            ]
          ]
        ],
      ])
    }
    try place.append(lines)
    try place.run("checkpoint", input: place.hook("Stop"))
    let items = try place.run("checkpoint", "list", "--json").items()
    #expect(items.map { $0["trigger"] as? String } == ["stop"])
    // 20 calls, an edit, a gap of an hour: above 1.0 once, and not again without new work.
    try place.run("checkpoint", input: place.hook("Stop"))
    #expect(try place.run("checkpoint", "list", "--json").items().count == 1)
  }

  @Test func sessionEnd_marksTheSession() throws {
    try session()
    let result = try place.run(
      "session", "end", input: place.hook("SessionEnd", ["reason": "prompt_input_exit"]))
    #expect(result.status == 0 && result.output.isEmpty)
    let sessions = try place.run("session", "list", "--json").items()
    #expect(sessions.first?["end_reason"] as? String == "prompt_input_exit")
    #expect(try !place.run("search", "acceptLineEnd", "--json").items().isEmpty)
  }

  @Test func gitFacts_areThoseOfTheRepository() throws {
    try place.git("init", "-q", "-b", "trunk")
    try place.write("x", to: "repo/dirty file.txt")
    try session()
    try place.run("checkpoint", input: place.hook("PreCompact"))
    let id = try #require(try place.run("checkpoint", "list", "--json").items()[0]["id"] as? String)
    let snapshot = try #require(
      try place.run("checkpoint", "show", id, "--json").json()["snapshot"] as? [String: Any])
    let git = try #require(snapshot["git"] as? [String: Any])
    #expect(git["branch"] as? String == "trunk")
    #expect(git["dirty"] as? [String] == ["dirty file.txt"])
    #expect(try place.context("compact").contains("dirty file.txt"))
  }

  @Test func hookRuns_areCounted() throws {
    try session()
    try place.run("checkpoint", input: place.hook("PreCompact"))
    let hooks = try #require(
      try place.run("status", "--json").json()["hooks"] as? [[String: Any]])
    #expect(hooks.first?["event"] as? String == "PreCompact")
    #expect(hooks.first?["runs"] as? Int == 1)
  }
}
