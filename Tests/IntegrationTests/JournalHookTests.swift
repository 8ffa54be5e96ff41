import Core
import Foundation
import Journal
import TestSupport
import Testing

/// Hooks that leave a record, and what becomes of it, whoever takes it in and whenever.
@Suite(.blocking) struct JournalHookTests {
  /// Hooks are the real front here, which only appends.
  let place: Workplace

  init() throws {
    place = try Workplace(isOwnProcess: true)
    try place.git("init", "-q", "-b", "main")
    try place.run("status")
  }

  private func checkpoints() throws -> [[String: Any]] {
    try place.run("checkpoint", "list", "--json").items()
  }

  private func snapshot(_ checkpoint: [String: Any]) throws -> [String: Any] {
    let id = try #require(checkpoint["id"] as? String)
    return try #require(
      try place.run("checkpoint", "show", id, "--json").json()["snapshot"] as? [String: Any])
  }

  private func problems() throws -> [String] {
    let problems = try #require(
      try place.run("status", "--json").json()["problems"] as? [[String: Any]])
    return problems.compactMap { $0["message"] as? String }
  }

  /// A record as if a hook had run at another time.
  private func leave(
    _ event: String, at: Int64, id: String = UUID().uuidString,
    _ more: [String: Any] = [:], change: (inout HookRecord) -> Void = { _ in }
  ) throws {
    guard case .hook(let input) = HookInput.read(Array(place.hook(event, more).utf8)) else {
      return
    }
    var record = HookRecord(
      input, endsSession: event == "SessionEnd", requestID: id, at: at, cwd: place.repository,
      redacted: { $0 }, variable: { _ in nil })
    if let facts = RegularFile.facts(place.transcript) {
      record.transcript = .init(device: facts.device, inode: facts.inode, length: facts.size)
    }
    let head = HookMoment.head(at: place.repository)
    (record.branch, record.head) = (head.branch, head.commit)
    change(&record)
    try Journal(home: place.home).append(record.encoded)
  }

  private var now: Int64 { WallClock.system.now }
  private static let day: Int64 = 86_400_000

  // MARK: The hook itself

  @Test func hook_appendsAndReturns_andTheNextCommandTakesItIn() throws {
    try place.append(Line.request("Fix the parser"))
    let result = try place.run("checkpoint", input: place.hook("PreCompact", ["trigger": "auto"]))
    #expect(result.status == 0 && result.output.isEmpty && result.errorOutput.isEmpty)
    #expect(place.waitingHooks == 1)
    #expect(try place.sqlite("SELECT count(*) FROM checkpoints") == "0")
    let items = try checkpoints()
    #expect(items.count == 1)
    #expect(items[0]["objective"] as? String == "Fix the parser")
    #expect(place.waitingHooks == 0)
    #expect(try place.sqlite("SELECT count(*) FROM hook_runs WHERE event = 'PreCompact'") == "1")
  }

  @Test func record_holdsNoSecret_andNothingOfAPrompt() throws {
    try place.write(
      "vault:\n  url: https://vault.example.org/mcp\n  token: correcthorsebatterystaple\n",
      to: "home/config.yaml")
    try place.run("status")
    let words = """
      the token is correcthorsebatterystaple and a key ghp_16C7e42F292c6912E7710c838347Ae178B4a; \
      <private>do not keep</private> the end
      """
    for event in ["Stop", "PostCompact"] {
      try place.run(
        "checkpoint",
        input: place.hook(
          event,
          [
            "last_assistant_message": words, "compact_summary": words, "custom_instructions": words,
            "prompt": "hidden words", "unknown": "stranger",
          ]))
    }
    let journal = try Data(contentsOf: URL(fileURLWithPath: place.home + "/journal/hooks-1"))
    let state = try String(contentsOfFile: place.home + "/front.state", encoding: .utf8)
    let text = String(decoding: journal, as: UTF8.self)
    #expect(text.contains("the end"))
    for secret in ["correcthorse", "ghp_16C7", "do not keep", "hidden words", "stranger"] {
      #expect(!text.contains(secret), "\(secret)")
      #expect(!state.contains(secret), "\(secret)")
    }
    for file in ["/front.state", "/journal/hooks-1"] {
      let mode = try FileManager.default.attributesOfItem(atPath: place.home + file)[
        .posixPermissions]
      #expect(mode as? Int == 0o600)
    }
  }

  @Test func hook_whereThereIsNoHomeYet_makesOne() throws {
    let fresh = ["MEMORYD_HOME": place.path + "/fresh"]
    try place.append(Line.request("a first hook"))
    #expect(
      try place.run("checkpoint", input: place.hook("PreCompact"), environment: fresh).status == 0)
    #expect(try place.run("checkpoint", "list", "--json", environment: fresh).items().count == 1)
  }

  #if os(Linux)
    @Test func diskThatHangs_costsNoRecord_andNoSession() throws {
      // A library that lets the opening of one file take a minute.
      try place.write(
        """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <stdarg.h>
        #include <string.h>
        #include <unistd.h>
        static int slow(const char *name, const char *path, int flags, int mode) {
          if (strstr(path, "transcript.jsonl")) sleep(60);
          int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
          return real(path, flags, mode);
        }
        int open(const char *p, int f, ...) {
          va_list a; va_start(a, f); int m = va_arg(a, int); va_end(a); return slow("open", p, f, m);
        }
        int open64(const char *p, int f, ...) {
          va_list a; va_start(a, f); int m = va_arg(a, int); va_end(a); return slow("open64", p, f, m);
        }
        """, to: "hang.c")
      let compiler = Process()
      compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      compiler.arguments = [
        "clang", "-shared", "-fPIC", "-o", place.path + "/hang.so", place.path + "/hang.c", "-ldl",
      ]
      try compiler.run()
      compiler.waitUntilExit()
      try #require(compiler.terminationStatus == 0)
      try place.append(Line.request("Fix the parser"))
      let start = ContinuousClock.now
      let result = try place.run(
        "checkpoint", input: place.hook("PreCompact"),
        environment: ["LD_PRELOAD": place.path + "/hang.so"])
      #expect(result.status == 0 && result.output.isEmpty && result.errorOutput.isEmpty)
      #expect(ContinuousClock.now - start < .seconds(30))
      #expect(place.waitingHooks == 1)
      #expect(try checkpoints().first?["objective"] as? String == "Fix the parser")
    }
  #endif

  // MARK: As of its moment

  @Test func fourHooksOfACompaction_takenInDaysLater_areOneCheckpointAndOneHandoff() throws {
    try place.append(
      Line.request("Fix the parser") + Line.call("Edit", ["file_path": "/x/parser.go"]))
    let then = now - 3 * Self.day
    for offset: Int64 in [0, 900, 2000, 9000] { try leave("PreCompact", at: then + offset) }
    try leave("SessionEnd", at: then + 60_000)
    let items = try checkpoints()
    #expect(items.count == 1)
    #expect(items[0]["created_at"] as? String == Timestamp.string(then))
    #expect(try place.run("handoff", "list", "--json").items().count == 1)
    #expect(try place.sqlite("SELECT count(*) FROM hook_runs") == "5")
    let session = try place.run("session", "list", "--json").items()[0]
    #expect(session["ended_at"] as? String == Timestamp.string(then + 60_000))
  }

  @Test func record_thatIsThereTwice_isTakenInOnce() throws {
    try place.append(Line.request("Fix the parser"))
    for _ in 0..<2 { try leave("PreCompact", at: now, id: "one") }
    for _ in 0..<2 { try leave("Stop", at: now, id: "two") }
    for _ in 0..<2 { try leave("SessionEnd", at: now, id: "three") }
    #expect(try checkpoints().count == 1)
    #expect(try place.sqlite("SELECT count(*) FROM hook_runs") == "3")
  }

  @Test(arguments: [false, true]) func transcript_countsUpToItsLengthThen(isReadOnBefore: Bool)
    throws
  {
    try place.append(Line.request("Fix the parser"))
    try leave("PreCompact", at: now)
    try place.append(
      Line.request("And now something else") + Line.call("Edit", ["file_path": "/x/later.go"]))
    if isReadOnBefore {
      // Something that goes past the journal: an older memoryd, say.
      let journal = place.home + "/journal/hooks-1"
      try FileManager.default.moveItem(atPath: journal, toPath: journal + "-hidden")
      try place.run("ingest", place.transcript)
      try FileManager.default.removeItem(atPath: journal)
      try FileManager.default.moveItem(atPath: journal + "-hidden", toPath: journal)
    }
    let first = try snapshot(try checkpoints()[0])
    #expect("\(first)".contains("Fix the parser"))
    #expect(!"\(first)".contains("something else"))
    #expect(!"\(first)".contains("later.go"))
    try place.run("ingest", place.transcript)
    #expect(try place.sqlite("SELECT count(*) FROM entries WHERE kind = 'request'") == "2")
    try leave("PreCompact", at: now + 60_000)
    #expect("\(try snapshot(try checkpoints()[0]))".contains("something else"))
  }

  @Test func transcript_thatIsShorter_isReadAsItIs_andThatIsSaid() throws {
    try place.append(Line.request("Fix the parser") + Line.request("And the lexer"))
    try leave("PreCompact", at: now) { $0.transcript?.length += 1000 }
    #expect("\(try snapshot(try checkpoints()[0]))".contains("And the lexer"))
    #expect(try problems().contains { $0.contains("is another or a shorter file of") })
    #expect(try place.run("resume", "--session", "session-1").output.contains("It is incomplete: "))
  }

  @Test func transcript_thatIsGone_leavesWhatWasRead_andThatIsSaid() throws {
    try place.append(Line.request("Fix the parser"))
    try place.run("checkpoint", input: place.hook("Stop"))
    try place.run("status")
    try place.append(Line.request("never read"))
    try leave("PreCompact", at: now)
    try leave("Stop", at: now, ["last_assistant_message": "An orange cat."])
    try FileManager.default.removeItem(atPath: place.transcript)
    let snapshot = "\(try snapshot(try checkpoints()[0]))"
    #expect(snapshot.contains("Fix the parser"))
    #expect(!snapshot.contains("never read"))
    #expect(
      try place.run("resume", "--session", "session-1").output.contains(
        "It is incomplete: the transcript is gone"))
    #expect(try place.run("search", "orange", "--json").items().count == 1)
    #expect(try problems().contains { $0.contains("the transcript is gone") })
  }

  @Test func git_isThatOfTheMoment() throws {
    try place.append(Line.request("Fix the parser"))
    try place.git("commit", "-q", "--allow-empty", "-m", "one")
    try place.run("checkpoint", input: place.hook("PreCompact"))
    try place.git("checkout", "-q", "-b", "other")
    try place.git("commit", "-q", "--allow-empty", "-m", "two")
    try place.write("x", to: "repo/later.txt")
    // A session start has the time to ask git.
    _ = try place.context("compact")
    let checkpoint = try #require(try checkpoints().last)
    let git = try #require(try snapshot(checkpoint)["git"] as? [String: Any])
    #expect(git["branch"] as? String == "main")
    #expect(git["dirty"] == nil || git["dirty"] is NSNull)
  }

  @Test func handoffFile_isWrittenOnlyWhileTheWorkIsAsItWas() throws {
    let setting = ["MEMORYD_HANDOFF_ON_COMPACT": "file"]
    func files() -> Int {
      ((try? FileManager.default.contentsOfDirectory(atPath: place.repository + "/.handoff")) ?? [])
        .count { $0.hasSuffix(".md") }
    }
    try place.append(Line.request("Fix the parser"))
    try place.git("commit", "-q", "--allow-empty", "-m", "one")
    try leave("PreCompact", at: now - 3_600_000)
    try place.run("status", environment: setting)
    #expect(files() == 0)
    try place.append(Line.call("Edit", ["file_path": "/x/a.go"]))
    try leave("PreCompact", at: now - 60_000) { $0.head = String(repeating: "0", count: 40) }
    try place.run("status", environment: setting)
    #expect(files() == 0)
    try place.append(Line.call("Edit", ["file_path": "/x/b.go"]))
    try leave("PreCompact", at: now)
    try place.run("status", environment: setting)
    #expect(files() == 1)
    #expect(try place.run("handoff", "list", "--json").items().count == 3)
  }

  // MARK: Where the store is not to be had

  @Test func stores_thatRefuse_keepHooksWaiting_andLoseNone() throws {
    try place.append(Line.request("Fix the parser"))
    let database = place.home + "/memory.db"
    _ = try place.sqlite("PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)")
    try place.run("checkpoint", input: place.hook("PreCompact"))
    #expect(try place.run("task", "list").status != 0)
    #expect(place.waitingHooks == 1)
    #expect(try place.run("status").errorOutput.contains("1 hooks wait in the journal"))
    let newer = try Data(contentsOf: URL(fileURLWithPath: database))
    try Data(repeating: 7, count: 9000).write(to: URL(fileURLWithPath: database))
    try place.run("checkpoint", input: place.hook("Stop"))
    #expect(try place.run("task", "list").status != 0)
    #expect(place.waitingHooks == 2)
    try newer.write(to: URL(fileURLWithPath: database))
    _ = try place.sqlite("PRAGMA user_version = \(try place.schemaNumber())")
    #expect(try checkpoints().count == 1)
    #expect(place.waitingHooks == 0)
  }

  @Test func recordThatIsNone_isSetAside_andTheRestIsTakenIn() throws {
    try place.append(Line.request("Fix the parser"))
    let journal = Journal(home: place.home)
    try journal.append(Array("{\"not\": \"a record\"}".utf8))
    try leave("PreCompact", at: now)
    #expect(try checkpoints().count == 1)
    let doctor = try place.run("doctor").output
    #expect(doctor.contains("BAD  journal"))
    #expect(doctor.contains("0 hooks wait, 1 could not be taken in"))
  }

  @Test func backlog_isTakenInByParts_andAsAWholeOnDemand() throws {
    try place.append(Line.request("Fix the parser"))
    let then = now
    for number in 0..<600 {
      try leave("Stop", at: then + Int64(number), ["session_id": "s\(number % 7)"])
    }
    let note = try place.run("task", "list").errorOutput
    let left = place.waitingHooks
    #expect(left > 0 && left < 600)
    #expect(note.contains("\(left) earlier hooks are not taken in yet"))
    let status = try place.run("status", "--json").json()["journal"] as? [String: Any]
    #expect(status?["waiting"] is Int)
    try place.run("doctor")
    #expect(place.waitingHooks == 0)
    #expect(try place.sqlite("SELECT count(*) FROM hook_runs WHERE event = 'Stop'") == "600")
  }

  // MARK: The daemon

  @Test func daemon_takesInWithoutBeingAsked() throws {
    let daemon = try DaemonPeer(place)
    try place.append(Line.request("Fix the parser"))
    try place.run("checkpoint", input: place.hook("PreCompact"))
    try wait("the daemon takes it in") { place.waitingHooks == 0 }
    #expect(try place.sqlite("SELECT count(*) FROM checkpoints") == "1")
    #expect(daemon.stop().status == 0)
  }

  // MARK: Killed at any moment

  /// Hooks, takers and writers are killed at random: each hook that ended well is taken in once.
  @Test func hooksAndTakers_killedAtRandom_loseAndDoubleNothing() async throws {
    let count = TestScale.isWhole ? 250 : 25
    try place.append(Line.request("Fix the parser"))
    let facts = place.asSent
    let acknowledged = try await withThrowingTaskGroup(of: [String].self) { group in
      for worker in 0..<8 {
        group.addTask { try Self.hooks(of: worker, count, facts) }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(try place.run("doctor").output.contains("ok   journal"))
    let taken = try place.sqlite(
      "SELECT session_id || ' ' || count(*) FROM hook_runs WHERE event = 'Stop' GROUP BY session_id"
    ).split(separator: "\n").map(String.init)
    #expect(taken.allSatisfy { $0.hasSuffix(" 1") }, "none twice")
    let sessions = Set(taken.map { String($0.split(separator: " ")[0]) })
    #expect(sessions.isSuperset(of: acknowledged))
    #expect(!acknowledged.isEmpty)
    #expect(try place.sqlite("PRAGMA integrity_check") == "ok")
    let tasks = try place.run("task", "list", "--json").items()
    #expect(!tasks.isEmpty)
  }

  private static func hooks(of worker: Int, _ count: Int, _ sent: WorkplaceFacts) throws -> [String]
  {
    var acknowledged: [String] = []
    for number in 0..<count {
      let session = "w\(worker)-\(number)"
      let hook = sent.stop.replacingOccurrences(of: "session-1", with: session)
      let process = try MemorydProcess(
        ["checkpoint"], input: Data(hook.utf8), environment: sent.environment, cwd: sent.repository)
      if number % 2 == 0 {
        usleep(.random(in: 0...30_000))
        kill(process.process.processIdentifier, SIGKILL)
      }
      let result = process.finish()
      if process.process.terminationReason == .exit, result.status == 0 {
        acknowledged.append(session)
      }
      // Now and then somebody takes in, and dies of it or not.
      guard number % 8 == 3 else { continue }
      let taker = try MemorydProcess(
        ["task", "add", session], input: nil, environment: sent.environment, cwd: sent.repository)
      usleep(.random(in: 0...400_000))
      if number % 16 == 3 { kill(taker.process.processIdentifier, SIGKILL) }
      _ = taker.finish()
    }
    return acknowledged
  }

  private func wait(_ what: String, until isTrue: () throws -> Bool) throws {
    let end = ContinuousClock.now + .seconds(20)
    while try !isTrue() {
      try #require(ContinuousClock.now < end, "\(what)")
      usleep(20_000)
    }
  }
}

/// What other threads need of a workplace.
struct WorkplaceFacts: Sendable {
  var environment: [String: String]
  var repository: String
  var stop: String
}

extension Workplace {
  var asSent: WorkplaceFacts {
    WorkplaceFacts(environment: environment, repository: repository, stop: hook("Stop"))
  }

  /// Of a store that this memoryd makes.
  func schemaNumber() throws -> String {
    let other = try Workplace()
    try other.run("status")
    return try other.sqlite("PRAGMA user_version")
  }
}
