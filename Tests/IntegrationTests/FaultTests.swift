import Core
import Foundation
import TestSupport
import Testing

/// Bad input and broken surroundings: a hook exits 0 in time and loses nothing, and the next
/// session start says in one line what is wrong.
@Suite(.blocking) struct FaultTests {
  let place: Workplace

  init() throws { place = try Workplace(isOwnProcess: true) }

  private func timedHook(
    _ input: String, _ arguments: [String] = ["checkpoint"], environment: [String: String] = [:]
  ) throws -> MemorydProcess.Result {
    let clock = ContinuousClock()
    var result: MemorydProcess.Result?
    let time = try clock.measure {
      result = try place.start(arguments, input: Data(input.utf8), environment: environment)
        .finish()
    }
    #expect(time < .seconds(4))
    #expect(result?.status == 0)
    return try #require(result)
  }

  @Test(arguments: [
    "not json", "[", "{\"hook_event_name\":", "{\"hook_event_name\":\"PreCompact", "\u{0}\u{1}",
    "{\"hook_event_name\":\"PreCompact\",\"session_id\":5,\"transcript_path\":[],\"cwd\":{}}",
    "{\"hook_event_name\":\"PreCompact\",\"cwd\":\"relative\",\"transcript_path\":\"\"}",
    "{\"hook_event_name\":\"Unheard\",\"session_id\":\"s\"}", "[1,2,3]", "null", "\"text\"",
    "{\"hook_event_name\":\"PreCompact\",\"transcript_path\":\"/no/such/file\"}",
    "{\"hook_event_name\":\"PreCompact\",\"transcript_path\":\"/\",\"cwd\":\"/\"}",
    "{\"hook_event_name\":\"PreCompact\",\"session_id\":\"a\\u0000b\",\"cwd\":\"/x\\u0000y\"}",
  ])
  func absurdInput_exitsZero(input: String) throws {
    for verb in [["checkpoint"], ["canary"], ["session", "end"]] {
      let result = try timedHook(input, verb)
      #expect(!result.output.contains("rror"))
      #expect(!result.errorOutput.contains("Fatal"))
    }
  }

  @Test func cutOffInput_isUsedAsFarAsItGoes() throws {
    try place.append(Line.request("save me please from the cut"))
    let whole = place.hook("PreCompact")
    _ = try timedHook(String(whole.dropLast(1)))
    #expect(try place.run("checkpoint", "list", "--json").items().count == 1)
  }

  @Test(arguments: [("SessionStart", ["canary"]), ("PreCompact", ["checkpoint"])])
  func cutOffInput_isToldOnce(event: String, command: [String]) throws {
    let whole = place.hook(event)
    _ = try timedHook(String(whole.dropLast(1)), command)
    try place.run("task", "list")
    let problems = try #require(
      try place.run("status", "--json").json()["problems"] as? [[String: Any]])
    #expect(problems.count { ($0["message"] as? String)?.contains("was cut off") == true } == 1)
  }

  @Test func emptyInput_takesAManualCheckpoint() throws {
    try place.append(Line.request("by hand, with nothing on standard input"))
    try place.run("checkpoint", input: place.hook("PreCompact"))
    let result = try place.run("checkpoint", "--session", "session-1", "--json", input: "")
    #expect(try result.json()["durability"] as? String == "stored")
    let items = try place.run("checkpoint", "list", "--json").items()
    #expect(items.first?["trigger"] as? String == "manual")
  }

  @Test func lockedStore_keepsAHookWaiting_untilItIsFree() throws {
    try place.append(Line.request("remember the lock"))
    try place.run("status")
    let release = try place.holdLock()
    _ = try timedHook(place.hook("PreCompact"))
    #expect(place.waitingHooks == 1)
    release()
    let items = try place.run("checkpoint", "list", "--json").items()
    #expect(items.count == 1)
    #expect((items.first?["objective"] as? String)?.contains("remember the lock") == true)
    #expect(place.waitingHooks == 0)
  }

  @Test func storeLockedForLong_keepsEveryHookWaiting() throws {
    try place.append(Line.request("remember the lock"))
    try place.run("status")
    let release = try place.holdLock()
    for _ in 0..<2 { _ = try timedHook(place.hook("PreCompact")) }
    _ = try timedHook(place.hook("SessionEnd"), ["session", "end"])
    let start = try timedHook(place.hook("SessionStart", ["source": "compact"]), ["canary"])
    #expect(try (start.json()["systemMessage"] as? String)?.contains("holds the store") == true)
    #expect(start.output.contains("remember the lock"))
    #expect(place.waitingHooks == 3)
    release()
    #expect(try !place.run("checkpoint", "list", "--json").items().isEmpty)
    #expect(place.waitingHooks == 0)
    #expect(try place.run("session", "list", "--json").items()[0]["ended_at"] is String)
  }

  /// Whatever asks the store first at a session start: its patience is all that there is.
  @Test(arguments: [nil, "http://127.0.0.1:9/mcp"])
  func storeLockedAtAStart_isTold_andCostsNoDocument(vault: String?) throws {
    try place.append(Line.request("remember the lock"))
    try place.run("checkpoint", input: place.hook("PreCompact"))
    try place.run("resume")
    let release = try place.holdLock()
    let start = try timedHook(
      place.hook("SessionStart", ["source": "startup", "session_id": "session-2"]), ["canary"],
      environment: vault.map { ["MEMORYD_VAULT_URL": $0] } ?? [:])
    release()
    #expect(start.output.contains("remember the lock"))
    #expect(try (start.json()["systemMessage"] as? String)?.contains("holds the store") == true)
  }

  @Test func corruptStore_isRefusedAndKept_andWritesAreSpooled() throws {
    try place.run("status")
    let garbage = Data(repeating: 7, count: 9000)
    try garbage.write(to: URL(fileURLWithPath: place.home + "/memory.db"))
    for name in ["memory.db-wal", "memory.db-shm"] { unlink(place.home + "/" + name) }
    let task = try place.run("task", "add", "keep me", "--json")
    #expect(task.status == 0)
    #expect(try task.json()["durability"] as? String == "spooled")
    #expect(task.errorOutput.contains("damaged"))
    _ = try timedHook(place.hook("PreCompact"))
    let list = try place.run("task", "list")
    #expect(list.status == 74 && list.errorOutput.contains("hint:"))
    #expect(FileManager.default.contents(atPath: place.home + "/memory.db") == garbage)
    #expect(try place.context("startup").contains("damaged"))
    // Once the person has moved it away, what was spooled is there.
    try FileManager.default.moveItem(
      atPath: place.home + "/memory.db", toPath: place.home + "/kept")
    let items = try place.run("task", "list", "--json").items()
    #expect(items.map { $0["title"] as? String } == ["keep me"])
  }

  @Test func storeOfANewerSchema_isLeftAlone() throws {
    try place.run("task", "add", "old")
    _ = try place.sqlite("PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)")
    _ = try timedHook(place.hook("PreCompact"))
    let list = try place.run("task", "list")
    #expect(list.status == 78)
    #expect(list.errorOutput.contains("schema 99"))
    #expect(try place.sqlite("PRAGMA user_version") == "99")
  }

  @Test(.enabled(if: getuid() != 0 || FaultTests.canDropPrivileges))
  func readOnlyHome_fallsBackToMarkdown() throws {
    try place.run("status")
    // Files where the folders should be: neither store nor journal nor spool can be written.
    try place.write("", to: "home/spool")
    try FileManager.default.removeItem(atPath: place.home + "/journal")
    try place.write("", to: "home/journal")
    let garbage = Data(repeating: 7, count: 9000)
    try garbage.write(to: URL(fileURLWithPath: place.home + "/memory.db"))
    for name in ["memory.db-wal", "memory.db-shm"] { unlink(place.home + "/" + name) }
    let task = try place.run("task", "add", "survive --> this", "--context", "a\nb", "--json")
    #expect(try task.json()["durability"] as? String == "fallback")
    _ = try timedHook(place.hook("PreCompact"))
    let tasks = try String(
      contentsOfFile: place.path + "/fallback/tasks-fallback.md", encoding: .utf8)
    #expect(tasks.contains("- [ ] survive --> this"))
    #expect(tasks.components(separatedBy: "-->").count == 3)
    let checkpoints = try String(
      contentsOfFile: place.path + "/fallback/checkpoints-fallback.md", encoding: .utf8)
    #expect(checkpoints.contains("## Checkpoint"))
  }

  /// Root may write everywhere, so the test makes the folder unusable in another way.
  static let canDropPrivileges = true

  @Test func nowhereToWrite_isAnErrorForPeopleAndSilentForHooks() throws {
    let blocked = ["MEMORYD_HOME": "/dev/null/x", "MEMORYD_FALLBACK_DIR": "/dev/null/y"]
    let task = try place.run("task", "add", "t", environment: blocked)
    #expect(task.status == 73 || task.status == 74 || task.status == 66)
    #expect(task.errorOutput.contains("memoryd: error:"))
    let result = try timedHook(place.hook("PreCompact"), environment: blocked)
    #expect(result.output.isEmpty)
    let start = try timedHook(
      place.hook("SessionStart", ["source": "startup"]), ["canary"], environment: blocked)
    #expect(try (start.json()["systemMessage"] as? String)?.contains("memoryd") == true)
  }

  @Test func homeUnset_stillWorksOrSaysSo() throws {
    var environment = place.environment
    environment["HOME"] = nil
    environment["MEMORYD_HOME"] = nil
    environment["XDG_DATA_HOME"] = place.path + "/xdg"
    environment["XDG_CONFIG_HOME"] = place.path + "/xdg"
    let process = try MemorydProcess(
      ["task", "add", "t"], input: nil, environment: environment, cwd: place.repository)
    #expect(process.finish().status == 0)
    #expect(FileManager.default.fileExists(atPath: place.path + "/xdg/memoryd/memory.db"))
  }

  @Test func noGit_isNoProblem() throws {
    try place.git("init", "-q")
    try place.append(Line.request("x"))
    _ = try timedHook(place.hook("PreCompact"), environment: ["PATH": "/nonexistent"])
    #expect(try place.run("checkpoint", "list", "--json").items().count == 1)
  }

  @Test func hangingGit_delaysNothing() throws {
    try place.git("init", "-q")
    try FileManager.default.createDirectory(
      atPath: place.path + "/bin", withIntermediateDirectories: true)
    try place.write("#!/bin/sh\nsleep 60\n", to: "bin/git")
    chmod(place.path + "/bin/git", 0o755)
    try place.append(Line.request("x"))
    _ = try timedHook(
      place.hook("PreCompact"), environment: ["PATH": place.path + "/bin:/usr/bin:/bin"])
    #expect(try place.run("checkpoint", "list", "--json").items().count == 1)
  }

  @Test func hugeTranscript_isReadInParts() throws {
    // Sparse: two gigabytes of NULs behind real lines, without a newline in them.
    try place.append((0..<2000).map { Line.request("request number \($0)") }.joined())
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: place.transcript))
    try handle.truncate(atOffset: 2 << 30)
    try handle.close()
    // On a busy machine a hook's time may end before it has read a part; the next reads on.
    var objective: String?
    for _ in 0..<20 where objective?.contains("request number") != true {
      _ = try timedHook(place.hook("PreCompact"))
      let items = try place.run("checkpoint", "list", "--json").items()
      objective = items.first?["objective"] as? String
    }
    #expect(objective?.contains("request number") == true)
  }

  @Test func fifoAsTranscript_doesNotBlock() throws {
    mkfifo(place.transcript, 0o600)
    _ = try timedHook(place.hook("PreCompact"))
    #expect(try place.context("startup", session: "next").contains("not a regular file"))
  }

  @Test func problems_areToldOnceAtTheNextSessionStart() throws {
    _ = try timedHook("garbage")
    let first = try place.run(
      "canary", input: place.hook("SessionStart", ["source": "startup"]))
    #expect(try (first.json()["systemMessage"] as? String)?.contains("not JSON") == true)
    let second = try place.run(
      "canary", input: place.hook("SessionStart", ["source": "startup"]))
    #expect(try second.json()["systemMessage"] == nil)
    #expect(try place.run("status").output.contains("not JSON"))
  }

  @Test func badConfiguration_isAnErrorThatNamesTheKey_andHooksGoOn() throws {
    try place.run("status")
    try place.write("resume:\n  budget_chars: lots\n", to: "home/config.yaml")
    let status = try place.run("status")
    #expect(status.status == 78 && status.errorOutput.contains("resume.budget_chars"))
    #expect(try place.context("startup").contains("resume.budget_chars"))
    try place.write("no_such: 1\nresume:\n  budget_chars: 2000\n", to: "home/config.yaml")
    // One bad key does not take the others with it.
    try place.append(
      Line.request("x") + (0..<200).map { Line.request("request \($0) never stop") }.joined())
    #expect(try place.context("compact").utf16.count <= 2000)
    #expect(try place.run("status").errorOutput.contains("no_such"))
    let doctor = try place.run("doctor")
    #expect(doctor.status != 0 && doctor.output.contains("no_such"))
  }

  @Test func escapeSequences_neverReachATerminal() throws {
    try place.run("task", "add", "evil \u{1B}]0;title\u{7} \u{9B}31m text")
    try place.append(Line.request("evil \u{1B}[2J request"))
    try place.run("checkpoint", input: place.hook("PreCompact"))
    for verb in [
      ["task", "list"], ["search", "evil"], ["status"], ["resume"],
      ["task", "list", "--format", "md"],
    ] {
      let output = try place.start(verb).finish().output
      #expect(
        !output.unicodeScalars.contains { $0.value == 0x1B || $0.value == 0x9B || $0.value == 7 },
        "\(verb)")
    }
    // Machines get the bytes as they are.
    let title = try place.run("task", "list", "--json").items()[0]["title"] as? String
    #expect(title?.contains("\u{1B}") == true)
  }
}
