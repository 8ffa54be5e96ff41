import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Core
@testable import MemoryStore
@testable import Transcripts

/// What a tool call leaves behind, by how it ended.
@Suite(.blocking) struct CallEndingTests {
  private static let refusal =
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was "
    + "a file edit, the new_string was NOT written to the file). "
  private static let stop =
    refusal + "STOP what you are doing and wait for the user to tell you how to proceed."

  private func reading(_ lines: [String]) throws -> Reading {
    let folder = try TemporaryFolder()
    return try Reading(try folder.file("t.jsonl", lines.joined()))
  }

  private func read(_ lines: String...) throws -> SessionDigest { try reading(lines).digest }

  private func edit(_ file: String, id: String) -> String {
    Line.call(
      "Edit",
      [
        "file_path": "/repo/\(file)", "old_string": "func mow() {}", "new_string": "func rake() {}",
      ],
      id: id)
  }

  private func todos(_ names: String..., id: String) -> String {
    Line.call("TodoWrite", ["todos": names.map { ["content": $0, "status": "pending"] }], id: id)
  }

  // MARK: Refused, blocked, skipped

  struct Ending: CustomTestStringConvertible, Sendable {
    var text: String
    var denial: String?
    var isFailure: Bool
    var testDescription: String { String(text.prefix(60)) + " " + (denial ?? "") }
  }

  static let notRun = [
    Ending(text: stop, denial: "user-rejected", isFailure: false),
    Ending(text: stop, isFailure: false),
    Ending(text: "[Request interrupted by user for tool use]", isFailure: false),
    Ending(text: "no words of the host", denial: "interrupted", isFailure: false),
    Ending(text: "no words of the host", denial: "cancelled", isFailure: false),
    Ending(
      text: "<tool_use_error>Sibling tool call errored</tool_use_error>", isFailure: false),
    Ending(
      text: "<tool_use_error>Cancelled: parallel tool call Bash(go vet) errored</tool_use_error>",
      isFailure: false),
    Ending(text: "no words of the host", denial: "permission-rule", isFailure: true),
    Ending(text: "Permission to use Bash has been denied.", isFailure: true),
    Ending(text: "PreToolUse:Bash hook error: [lint.sh]: not on a Sunday", isFailure: true),
    Ending(
      text: "<tool_use_error>File has not been read yet.</tool_use_error>", isFailure: true),
  ]

  @Test(arguments: notRun)
  func callThatWasNotRun_leavesNothingDone(ending: Ending) throws {
    func ended(_ id: String) -> String {
      Line.result(id: id, ending.text, isError: true, denial: ending.denial)
    }
    let reading = try reading([
      Line.request("tidy the garden"), todos("mow the lawn", id: "a"), Line.result(id: "a"),
      edit("lawn.go", id: "b"), ended("b"), todos("rake the leaves", id: "c"), ended("c"),
      Line.call("Bash", ["command": "make compost"], id: "d"), ended("d"),
    ])
    let digest = reading.digest
    #expect(digest.files["lawn.go"]?.edits ?? 0 == 0)
    #expect(digest.files["lawn.go"]?.symbols ?? [] == [])
    #expect(digest.commands.isEmpty)
    #expect(digest.plan.map(\.text) == ["mow the lawn"])
    #expect(digest.signals.repositoryWrites == 0)
    #expect(digest.requests.count == 1)
    #expect((digest.lastFailure != nil) == ending.isFailure)
    #expect(digest.pending.isEmpty && digest.formerPlan == nil)
    // What the agent tried can be found.
    #expect(reading.transcript.entries.contains { $0.body == "make compost" })
  }

  @Test func refusedRun_doesNotCountBesideOneThatRan() throws {
    let digest = try read(
      edit("lawn.go", id: "a"), Line.result(id: "a"), edit("lawn.go", id: "b"),
      Line.result(id: "b", Self.stop, isError: true),
      Line.call("Bash", ["command": "make hay"], id: "c"), Line.result(id: "c"),
      Line.call("Bash", ["command": "make hay && make hay"], id: "d"),
      Line.result(id: "d", Self.stop, isError: true))
    #expect(digest.files["lawn.go"]?.edits == 1)
    #expect(digest.commands["make hay"]?.count == 1)
    #expect(digest.commands["make hay"]?.outcome != .failed)
  }

  @Test func failureBesideSkippedCalls_staysTheLastOne() throws {
    let digest = try read(
      Line.call("Bash", ["command": "make jam"], id: "a"),
      Line.call("Bash", ["command": "make tea"], id: "b"),
      Line.result(id: "a", "Exit code 2\nno sugar", isError: true),
      Line.result(
        id: "b", "<tool_use_error>Sibling tool call errored</tool_use_error>", isError: true))
    #expect(digest.lastFailure?.tool == "make jam")
    #expect(digest.commands["make jam"]?.outcome == .failed)
    #expect(digest.commands["make tea"] == nil)
  }

  // MARK: Failed and stopped

  @Test func failedEdit_isNoEdit_butAFailedScriptMayHaveWritten() throws {
    let digest = try read(
      edit("fence.go", id: "a"),
      Line.result(id: "a", "Error: disk full", isError: true),
      Line.call("Bash", ["command": "make fence"], id: "b"),
      Line.result(id: "b", "Exit code 1\nno nails", isError: true))
    #expect(digest.files["fence.go"]?.edits ?? 0 == 0)
    #expect(digest.commands["make fence"]?.outcome == .failed)
  }

  @Test func failedLine_ofSeveralCommands_blamesNone() throws {
    let digest = try read(
      Line.call("Bash", ["command": "make paint && make fence"], id: "a"),
      Line.result(id: "a", "Exit code 2\nno nails", isError: true),
      Line.call("Bash", ["command": "make gate; make gate"], id: "b"),
      Line.result(id: "b", "Exit code 2\nno hinges", isError: true))
    #expect(digest.commands["make paint"]?.outcome == .unknown)
    #expect(digest.commands["make fence"]?.outcome == .unknown)
    #expect(digest.commands["make gate"]?.outcome == .failed)
    #expect(digest.commands["make gate"]?.count == 2)
    #expect(digest.lastFailure?.text.contains("no hinges") == true)
  }

  @Test(arguments: [10, 9000])
  func stoppedCommand_isNoFailure(length: Int) throws {
    let output =
      String(repeating: "x", count: length) + "\n[Request interrupted by user for tool use]"
    let digest = try read(
      Line.call("Bash", ["command": "make soup"], id: "a"),
      Line.result(id: "a", output, isError: true))
    #expect(digest.commands["make soup"]?.outcome == .unknown)
    #expect(digest.commands["make soup"]?.count == 1)
    #expect(digest.lastFailure == nil)
  }

  @Test func failureOnAFile_thatWasMadeGood_isNoNews() throws {
    let failed = [
      edit("hut.go", id: "a"),
      Line.result(
        id: "a", "<tool_use_error>String to replace not found</tool_use_error>", isError: true),
    ]
    #expect(try reading(failed).digest.lastFailure?.path == "hut.go")
    let other = [edit("shed.go", id: "b"), Line.result(id: "b")]
    #expect(try reading(failed + other).digest.lastFailure?.tool == "Edit")
    let read = [Line.call("Read", ["file_path": "/repo/hut.go"], id: "c"), Line.result(id: "c")]
    #expect(try reading(failed + read).digest.lastFailure != nil)
    let again = [edit("hut.go", id: "d"), Line.result(id: "d")]
    #expect(try reading(failed + other + read + again).digest.lastFailure == nil)
  }

  @Test func commits_areReadOnlyWhereOneMayHaveBeenMade() throws {
    func run(_ command: String, id: String) -> String {
      Line.call("Bash", ["command": command], id: id)
        + Line.result(id: id, details: ["stdout": "[main \(id)] Prune the roses"])
    }
    let digest = try read(
      run("cat log.txt", id: "aaaaaa1"), run("git log | head -3", id: "aaaaaa2"),
      run("git commit -m 'Prune the roses'", id: "bbbbbb1"), run("./save.sh", id: "bbbbbb2"),
      run("git cherry-pick roses", id: "bbbbbb3"))
    #expect(digest.commits.map(\.hash) == ["bbbbbb1", "bbbbbb2", "bbbbbb3"])
  }

  // MARK: The plan

  @Test func planOfAFailedCall_givesWayToTheOneBefore() throws {
    let error = "<tool_use_error>InputValidationError</tool_use_error>"
    #expect(
      try read(
        todos("dig", id: "a"), Line.result(id: "a"), todos("sow", id: "b"),
        Line.result(id: "b", error, isError: true)
      ).plan.map(\.text) == ["dig"])
    // A newer one stands, whatever becomes of an older one.
    #expect(
      try read(
        todos("dig", id: "a"), todos("sow", id: "b"), Line.result(id: "a", error, isError: true),
        Line.result(id: "b")
      ).plan.map(\.text) == ["sow"])
  }

  @Test func planCallsWithoutResults_keepOneFormerPlan() throws {
    let names = (0..<50).map { "step \($0)" }
    let many = (0..<40).map { number in
      Line.call(
        "TodoWrite", ["todos": names.map { ["content": $0, "status": "pending"] }], id: "t\(number)"
      )
    }
    let digest = try reading(many).digest
    #expect(digest.formerPlan?.call == "t39")
    #expect(digest.json.components(separatedBy: "step 7\"").count == 3)
    #expect(SessionDigest(json: digest.json) == digest)
  }

  @Test func taskChange_thatFailed_isUndone() throws {
    func task(_ id: String, _ subject: String) -> String {
      Line.call("TaskCreate", ["subject": subject], id: "c" + id)
        + Line.result(id: "c" + id, details: ["task": ["id": id, "subject": subject]])
    }
    let digest = try read(
      task("1", "dig"), task("2", "sow"),
      Line.call("TaskUpdate", ["taskId": "1", "status": "completed"], id: "u"),
      Line.result(id: "u", Self.stop, isError: true),
      Line.call("TaskUpdate", ["taskId": "2", "status": "deleted"], id: "v"),
      Line.result(id: "v", Self.stop, isError: true))
    #expect(digest.plan.map(\.text) == ["dig", "sow"])
    #expect(digest.plan.map(\.state) == [.pending, .pending])
  }

  @Test func taskWithoutDetails_hasTheNumberThatTheTextTells() throws {
    let digest = try read(
      Line.call("TaskCreate", ["subject": "build a hutch"], id: "a"),
      Line.result(id: "a", "Task #31 created successfully: build a hutch"),
      Line.call("TaskCreate", ["subject": "buy straw"], id: "b"),
      Line.result(id: "b", "Task list is full"),
      Line.call("TaskUpdate", ["taskId": "31", "status": "in_progress"], id: "c"))
    #expect(digest.plan.map(\.text) == ["build a hutch"])
    #expect(digest.plan.first?.state == .inProgress)
  }

  // MARK: What is kept until the result comes

  @Test func callWithoutAnID_changesNoOther() throws {
    func nameless(_ tool: String, _ input: [String: Any]) -> String {
      Line.call(
        tool, [:], id: "",
        [
          "message": [
            "role": "assistant", "content": [["type": "tool_use", "name": tool, "input": input]],
          ] as [String: Any]
        ])
    }
    let digest = try read(
      edit("door.go", id: "a"),
      nameless("Write", ["file_path": "/repo/wall.go", "content": "func brick() {}"]),
      nameless("TodoWrite", ["todos": [["content": "lay bricks", "status": "pending"]]]),
      Line.result(id: "a", Self.stop, isError: true))
    #expect(digest.files["door.go"]?.edits ?? 0 == 0)
    #expect(digest.files["wall.go"]?.edits == 1)
    #expect(digest.plan.map(\.text) == ["lay bricks"])
  }

  @Test func readingInParts_undoesTheSame() throws {
    let lines = [
      Line.request("mend the roof"), todos("buy tiles", id: "a"), Line.result(id: "a"),
      todos("borrow a ladder", id: "b"), edit("roof.go", id: "c"),
      Line.call("Bash", ["command": "make roof"], id: "d"),
      Line.result(id: "b", Self.stop, isError: true),
      Line.result(id: "c", Self.stop, isError: true),
      Line.result(id: "d", Self.refusal + "the user said:\nnot in the rain", isError: true),
    ]
    let whole = try reading(lines).digest
    #expect(whole.plan.map(\.text) == ["buy tiles"])
    #expect(whole.requests.map(\.text) == ["mend the roof", "not in the rain"])
    for cut in 1..<lines.count {
      let folder = try TemporaryFolder()
      let path = try folder.file("t.jsonl", lines[..<cut].joined())
      var first = try Reading(path)
      // As it is stored between two readings.
      first.transcript.digest = try #require(SessionDigest(json: first.digest.json))
      _ = try folder.file("t.jsonl", lines.joined())
      #expect(try Reading(path, after: first).digest.json == whole.json, "cut at \(cut)")
    }
  }

  @Test func olderDigests_canBeShown_butNotGoneOnFrom() throws {
    let old =
      #"{"requests":[{"text":"prune","at":5,"call":1}],"edition":3,"lastFailure":{"tool":"Edit","#
      + #""text":"no","call":1,"at":5,"line":2},"pending":[{"id":"a","tool":"Bash","#
      + #""commands":["make x"],"isAbandoned":true}]}"#
    let digest = try #require(SessionDigest(json: old))
    #expect(!digest.isCurrent)
    #expect(digest.requests == [.init(text: "prune", at: 5, call: 1)])
    #expect(digest.lastFailure == .init(tool: "Edit", text: "no", call: 1, at: 5, line: 2))
    #expect(
      digest.pending == [.init(id: "a", tool: "Bash", commands: ["make x"], isAbandoned: true)])
  }
}
