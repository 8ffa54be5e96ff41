import Foundation
import TestSupport
import Testing

@testable import Canary
@testable import Core
@testable import Vault

/// The vault as it really answers, and a vault that answers badly: what that costs, and what is said
/// of it.
@Suite(.blocking) struct WireTests {
  private let vault: VaultPeer
  private let workplace: Workplace

  init() throws {
    vault = try VaultPeer()
    workplace = try Workplace()
    workplace.use(vault)
  }

  private var degradedLog: [Substring] {
    workplace.fallbackText("degraded.log").split(separator: "\n")
  }

  private func requests() throws -> Int { try vault.log().count }

  private func pending() throws -> Int {
    let quiet = ["MEMORYD_NO_DAEMON": "1"]
    return try ["queued", "sent"].map { state in
      try workplace.run("outbox", "list", "--state", state, "--json", environment: quiet).items()
        .count
    }.reduce(0, +)
  }

  private func waitUntil(_ seconds: Double, _ condition: () throws -> Bool) throws {
    let end = Date() + seconds
    while try !condition(), Date() < end { usleep(100_000) }
    #expect(try condition(), "still not so after \(seconds) s")
  }

  // MARK: The contract

  private static let answers = VaultPeer.root + "/../shared/data/vault-mcp/answers.jsonl"
  private static var hasAnswers: Bool { FileManager.default.fileExists(atPath: answers) }

  private func compare(_ url: String, _ token: String, _ more: String...) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: VaultPeer.python)
    process.arguments =
      [
        VaultPeer.root + "/Tests/Vault/contract.py", "--answers", Self.answers, "--url", url,
        "--token", token,
      ] + more
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return process.terminationStatus == 0 ? "" : text
  }

  @Test(.enabled(if: WireTests.hasAnswers)) func standIn_answersAsTheRealService() throws {
    #expect(try compare(vault.url, VaultPeer.token, "--exact") == "")
  }

  @Test(.enabled(if: WireTests.hasAnswers)) func memoryd_answersAsTheRealService() throws {
    let daemon = try DaemonPeer(try Workplace(), "--http", "127.0.0.1:0")
    let exceptions = VaultPeer.root + "/Tests/Vault/memoryd-exceptions.json"
    let differences = try compare(
      try daemon.url(), try daemon.token(), "--no-rest", "--exceptions", exceptions)
    #expect(differences == "")
  }

  @Test(.enabled(if: WireTests.hasAnswers)) func recordedAnswers_areReadAsTheyWereMeant() throws {
    var answers: [String: Result<JSON, VaultFailure>] = [:]
    for line in try String(contentsOfFile: Self.answers, encoding: .utf8).split(separator: "\n") {
      let exchange = try #require(JSON(parsing: line.utf8))
      let body = Array((exchange["answer"]?.string ?? "").utf8)
      var events = ServerSentEvents()
      guard let note = exchange["note"]?.string, exchange["request"]?["path"]?.string == "/mcp",
        let event = events.append(body).first, let message = JSON(parsing: event),
        let result = message["result"], result["content"] != nil
      else { continue }
      do throws(VaultFailure) {
        answers[note] = .success(try MCPClient.toolResult(result))
      } catch {
        answers[note] = .failure(error)
      }
    }
    let recorded = try #require(answers["backup"])
    let backup = try #require(VaultBackup(try recorded.get()))
    #expect(backup.tasks?.rows.count == 2 && backup.tasks?.isWhole == true)
    #expect(backup.checkpoints?.rows.count == 2 && backup.checkpoints?.isWhole == true)
    #expect(backup.checkpoints?.rows.last?.actions == ["wrote retry.go [memoryd:01KEY2]"])
    #expect(backup.decisions?.rows.map(\.rationale) == ["many clients [memoryd:01KEY3]"])
    let done = try #require(answers["done"])
    let task = VaultTask(try done.get())
    #expect(task?.isDone == true && task?.texts["title"] == "Rotate all signing keys")
    let list = try #require(answers["list all"])
    #expect(try list.get().array?.count == 2)
    let load = try #require(answers["load"])
    let loaded = VaultCheckpoint(try load.get())
    #expect(loaded?.objective == "Retry uploads" && loaded?.blockers == ["CI is red"])
    for note in [
      "add without source or context", "add without title", "decide without rationale",
      "unknown action", "health without arguments",
    ] {
      guard case .failure(let failure)? = answers[note] else {
        Issue.record("\(note) was taken for an answer")
        continue
      }
      #expect(failure.delivery == .refused && failure.isAboutThisCall, "\(note)")
    }
    for note in ["unknown tool", "session_start", "search"] {
      guard case .failure(let failure)? = answers[note] else {
        Issue.record("\(note) was taken for an answer")
        continue
      }
      #expect(failure.delivery == .unknown && failure.isAboutThisCall, "\(note)")
    }
  }

  // MARK: A stuck item

  @Test func backupThatCannotBeRead_holdsUpOneItem_andDoesNotSpin() throws {
    #expect(try workplace.run("canary").status == 0)
    try workplace.run("decide", "stuck", "--rationale", "r")
    try vault.break_("drop", match: ["action": "decide"], count: 1)
    workplace.use(vault, timeout: 5000, lag: 300_000)
    try workplace.run("canary")
    workplace.use(vault, lag: 100)
    try vault.break_("odd_backup", match: ["tool": "backup"])
    try workplace.run("decide", "behind it", "--rationale", "r")
    try workplace.run("checkpoint", "--objective", "another kind")
    try vault.clearLog()
    let sync = try workplace.run("sync", "--json")
    #expect(sync.status == 75)
    #expect(try sync.json()["pending"] as? Int == 1, "the others pass")
    #expect(try (sync.json()["waits_because"] as? String)?.contains("decisions") == true)
    #expect(try requests() <= 12, "a stuck item spins")
    let state = try vault.state()
    #expect(state.decisions.count == 1 && state.checkpoints.count == 1)

    let daemon = try DaemonPeer(workplace)
    try vault.clearLog()
    usleep(4_000_000)
    #expect(try requests() <= 12, "a stuck item spins in the daemon")
    let note = try workplace.run("canary", input: workplace.hook("SessionStart"))
    #expect(!note.output.contains("degraded"))
    #expect(degradedLog.isEmpty, "\(degradedLog)")
    daemon.kill()
    try vault.heal()
    try workplace.syncAll()
    #expect(try vault.state().decisions.count == 2)
  }

  /// Whatever becomes of `backup`: cut off, silent, an error page.
  @Test(arguments: ["html_502", "drop", "malformed_json", "is_error", "black_hole"])
  func backupThatFails_isNotAskedAgainAtOnce(fault: String) throws {
    workplace.use(vault, timeout: 10_000, lag: 100)
    #expect(try workplace.run("canary").status == 0)
    try workplace.run("decide", "stuck", "--rationale", "r")
    try vault.break_("drop", match: ["action": "decide"], count: 1)
    // Time enough for the decision to go out and its answer to be lost, however busy the machine is.
    workplace.use(vault, timeout: 10_000, lag: 3_600_000)
    try workplace.run("canary")
    workplace.use(vault, timeout: 300, lag: 100)
    try vault.break_(fault, match: ["tool": "backup"])
    usleep(500_000)
    try vault.clearLog()
    let sync = try workplace.run("sync", "--json")
    #expect(sync.status == 75)
    #expect(try requests() <= 30, "\(fault) spins")
    let next = try sync.json()["next_look_at"] as? String
    #expect(next == nil || next! > "2026", "\(next ?? "")")
    let daemon = try DaemonPeer(workplace)
    usleep(1_500_000)
    try vault.clearLog()
    usleep(6_000_000)
    #expect(try requests() <= 24, "\(fault) spins in the daemon")
    daemon.kill()
    try vault.heal()
    try workplace.syncAll()
    #expect(try vault.state().decisions.count == 1)
  }

  @Test func writesWhoseAnswersAreAlwaysLost_blockNobodyForEver() throws {
    #expect(try workplace.run("canary").status == 0)
    for number in 0..<6 { try workplace.run("task", "add", "lost \(number)") }
    try workplace.run("decide", "passes", "--rationale", "r")
    try vault.break_("500", match: ["action": "add"])
    for _ in 0..<3 { try workplace.run("sync") }
    #expect(try vault.state().decisions.count == 1)
    try vault.heal()
    try workplace.syncAll()
    #expect(try vault.state().tasks.count == 6)
  }

  /// Four answers are lost; a change that is settled meanwhile lets nothing overtake.
  @Test func changesOfATask_keepTheirOrder_whateverIsSettledBetween() throws {
    func add(_ title: String) throws -> String {
      let reply = try workplace.run("task", "add", title, "--json").json()
      return try #require(reply["id"] as? String)
    }
    let x = try add("X")
    let y = try add("Y")
    try workplace.syncAll()
    let inVault = try #require(try vault.state().tasks(titled: "Y").first)
    try vault.seed([
      "tasks": [inVault.merging(["status": "done", "completed_at": "2026-11-28T00:00:00Z"]) { $1 }]
    ])
    for number in 0..<4 { _ = try add("p\(number)") }
    try workplace.run("task", "update", x, "--title", "first")
    try workplace.run("task", "done", y)
    try workplace.run("task", "update", x, "--title", "second")
    try vault.break_("500", match: ["action": "add"])
    try workplace.run("sync")
    try vault.heal()
    try workplace.syncAll()
    #expect(try vault.state().tasks(titled: "second").count == 1)
    #expect(try workplace.run("task", "list", "--json").output.contains("\"second\""))
  }

  /// The vault knows a task by its own id only.
  @Test func decisionAboutATask_waitsForIt() throws {
    #expect(try workplace.run("canary").status == 0)
    let reply = try workplace.run("task", "add", "T", "--json").json()
    let id = try #require(reply["id"] as? String)
    try workplace.run("decide", "D", "--rationale", "r", "--task", id)
    try vault.break_("apply_then_drop", match: ["action": "add"], count: 1)
    workplace.use(vault, timeout: 700, lag: 60_000)
    // The list does not show it yet.
    try vault.set(["kv_lag": 2.0])
    let sync = try workplace.run("sync", "--json")
    #expect(sync.status == 75)
    #expect(try vault.state().decisions.isEmpty)
    usleep(2_100_000)
    try workplace.syncAll()
    let about = try vault.state().decisions.first?["task_id"] as? String
    #expect(try about == vault.state().tasks.first?["id"] as? String)
  }

  @Test func lostAnswers_areNoTransition() throws {
    #expect(try workplace.run("canary").status == 0)
    for number in 1...6 { try workplace.run("task", "add", "item \(number)") }
    try vault.break_("apply_then_drop", match: ["kind": "write"], count: 3)
    try workplace.syncAll()
    #expect(degradedLog.isEmpty, "\(degradedLog)")
    for number in 1...6 { #expect(try vault.state().tasks(titled: "item \(number)").count == 1) }
    // The same of a question: one lost answer is no outage.
    try vault.break_("drop", match: ["rpc": "tools/call"], count: 1)
    #expect(try workplace.run("canary").status == 0)
    #expect(degradedLog.isEmpty, "\(degradedLog)")
  }

  @Test func errorThatMayPass_isNotForGood_andHoldsUpNobody() throws {
    try workplace.run("task", "add", "meets errors")
    try workplace.run("task", "add", "another one")
    try vault.break_("rpc_error", match: ["action": "add"], count: 1)
    for _ in 0..<7 {
      try workplace.run("sync")
      try vault.break_("rpc_error", match: ["action": "add"], count: 1)
    }
    #expect(try workplace.outbox("quarantined").isEmpty)
    #expect(try vault.state().tasks(titled: "another one").count == 1)
    let row = try #require(try workplace.outbox("sent").first ?? workplace.outbox("queued").first)
    let show = try workplace.run("outbox", "show", "\(row["number"] ?? 0)")
    #expect(show.output.contains("-32603"))
    try vault.heal()
    try workplace.syncAll()
    #expect(try vault.state().tasks.count == 2)
  }

  @Test func sessionThatTheVaultForgot_isOpenedAnew_inTheSameRun() throws {
    let vault = try VaultPeer("--stateful")
    workplace.use(vault)
    for number in 1...3 { try workplace.run("task", "add", "item \(number)") }
    try vault.break_("session_forgotten", match: ["kind": "write"], count: 1)
    #expect(try workplace.run("sync").status == 0)
    #expect(try vault.state().tasks.count == 3)
    #expect(try vault.log().filter { $0["tool"] as? String == "backup" }.isEmpty)
  }

  // MARK: Both sides are equal

  @Test func afterASync_bothSidesAreEqual() throws {
    let other = try Workplace()
    other.use(vault)
    try workplace.run("task", "add", "Old title", "--context", "old", "--project", "shared")
    try workplace.syncAll()
    try other.syncAll()
    func task(_ place: Workplace, _ state: String = "all") throws -> [String: Any] {
      try #require(
        try place.run("task", "list", "--status", state, "--project", "shared", "--json").items()
          .first)
    }
    let id = try #require(try task(other)["id"] as? String)
    // Both are offline: here it is done, there it gets another title and context and is done too.
    try vault.break_("refused")
    try workplace.run("task", "done", try #require(try task(workplace)["id"] as? String))
    try other.run("task", "update", id, "--title", "New title")
    try other.run("task", "update", id, "--context", "new context")
    try other.run("task", "done", id)
    try vault.heal()
    try workplace.syncAll()
    let sync = try other.run("sync", "--json")
    #expect(sync.status == 0)
    #expect(try (sync.json()["differences"] as? [Any])?.isEmpty == true)
    usleep(400_000)
    try workplace.syncAll()
    try other.syncAll()
    for place in [workplace, other] {
      let task = try task(place)
      #expect(task["title"] as? String == "New title", "\(task)")
      #expect(task["context"] as? String == "new context")
      #expect(task["status"] as? String == "done")
    }
  }

  @Test func whatStaysDifferent_isNamed() throws {
    let added = try workplace.run("task", "add", "here", "--json").json()
    let id = try #require(added["id"] as? String)
    try workplace.syncAll()
    try workplace.run("task", "update", id, "--title", "only here")
    let row = try #require(try workplace.outbox("queued").first?["number"] as? Int)
    try workplace.run("outbox", "drop", "\(row)")
    usleep(400_000)
    let sync = try workplace.run("sync", "--json")
    let difference = try #require((sync.json()["differences"] as? [[String: Any]])?.first)
    #expect(difference["field"] as? String == "title" && difference["id"] as? String == id)
    #expect(difference["here"] as? String == "only here")
    #expect(difference["in_vault"] as? String == "here")
    #expect(try workplace.run("sync").errorOutput.contains("its title is \"only here\" here"))
  }

  // MARK: Budgets

  @Test func canaryThroughTheDaemon_hasOneBudgetAndOneRequest() throws {
    workplace.use(vault, timeout: 1500)
    let daemon = try DaemonPeer(workplace)
    try waitUntil(10) { try requests() > 0 }
    try vault.break_("black_hole")
    for input in [nil, workplace.hook("SessionStart", ["source": "startup"])] {
      // Not by a verdict that is fresh.
      _ = try workplace.sqlite(
        """
        UPDATE meta SET value = json_set(value, '$.checkedAt', 0, '$.mode', 'normal')
        WHERE key = 'vault_health'
        """)
      try vault.clearLog()
      let start = ContinuousClock.now
      let result = try workplace.run("canary", input: input)
      let took = ContinuousClock.now - start
      #expect(result.output.contains("degraded"))
      #expect(took < .milliseconds(2600), "two budgets: \(took)")
      let asked = try vault.log().map { "\($0["t"] ?? 0) \($0["rpc"] ?? "-")" }
      // None where the daemon's own question was under way, whose answer serves both.
      #expect(asked.count <= 1, "\(asked)")
      try waitUntil(5) { try !workplace.run("status").output.isEmpty }
    }
    daemon.kill()
  }

  @Test func writesOneAtATime_costTwoRequestsAtMost() throws {
    let daemon = try DaemonPeer(workplace)
    try waitUntil(10) { try requests() >= 3 }
    try waitUntil(10) { try workplace.run("status", "--json").output.contains("normal") }
    try vault.clearLog()
    var ids: [String] = []
    for number in 0..<12 {
      let reply: MemorydProcess.Result
      switch number % 4 {
      case 0: reply = try workplace.run("task", "add", "item \(number)", "--json")
      case 1: reply = try workplace.run("decide", "d \(number)", "--rationale", "r", "--json")
      case 2: reply = try workplace.run("checkpoint", "--objective", "o \(number)", "--json")
      default: reply = try workplace.run("task", "done", ids[ids.count - 3], "--json")
      }
      ids.append(try #require(try reply.json()["id"] as? String))
      try waitUntil(10) { try pending() == 0 }
    }
    let log = try vault.log().map { "\($0["tool"] ?? $0["rpc"] ?? "")" }
    #expect(log.count <= 24, "\(log)")
    let state = try vault.state()
    #expect(state.tasks.count == 3 && state.decisions.count == 3 && state.checkpoints.count == 3)
    #expect(state.tasks.allSatisfy { $0["status"] as? String == "done" })
    daemon.kill()
  }

  // MARK: What is said

  @Test func fallbackFolderThatCannotBeWritten_isSaid() throws {
    try workplace.write("a file is in the way", to: "fallback")
    try vault.break_("401")
    try workplace.run("task", "add", "waits")
    let start = try workplace.run(
      "canary", input: workplace.hook("SessionStart", ["source": "startup"]))
    let message = try #require(try start.json()["systemMessage"] as? String)
    #expect(message.contains("not in the fallback files") && message.contains("is not a folder"))
    #expect(!message.contains("kept here and in"))
    let doctor = try workplace.run("doctor")
    #expect(doctor.status == 74 && doctor.output.contains("BAD  fallback"))
    #expect(doctor.output.contains("set fallback.directory"))
  }

  @Test func compressedAnswer_isCalledThat() throws {
    try workplace.run("task", "add", "packed")
    #expect(try workplace.run("canary").status == 0)
    try vault.break_("apply_then_gzip", match: ["rpc": "tools/call"])
    let canary = try workplace.run("canary", "--json").json()
    #expect(canary["reason"] as? String == "protocol")
    #expect((canary["detail"] as? String)?.contains("compressed (gzip)") == true)
    let headers = try vault.log().last?["headers"] as? [String: String]
    #expect(headers?["accept-encoding"] == "identity")
    try vault.heal()
    try workplace.syncAll()
    #expect(try vault.state().tasks(titled: "packed").count == 1)
  }

  @Test func troubleWithTLS_isASentence() throws {
    try VaultPeer.makeCertificate(in: workplace.path)
    let secure = try VaultPeer(
      "--tls", workplace.path + "/server.pem", workplace.path + "/server.key")
    func detail(_ url: String) throws -> String {
      workplace.environment["MEMORYD_VAULT_URL"] = url
      let reply = try workplace.run("canary", "--json").json()
      #expect(reply["reason"] as? String == "tls")
      return reply["detail"] as? String ?? ""
    }
    let untrusted = try detail(secure.url)
    #expect(untrusted.contains("certificate is not trusted"), "\(untrusted)")
    let daemon = try DaemonPeer(try Workplace(), "--http", "127.0.0.1:0")
    let plain = try detail(try daemon.url().replacingOccurrences(of: "http:", with: "https:"))
    #expect(plain.contains("does not speak TLS"), "\(plain)")
    for text in [untrusted, plain] { #expect(!text.contains("Error") && !text.contains("SSL")) }
  }

  // MARK: Proxies

  private final class Proxy {
    let port: Int
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    init(to port: Int, _ more: String...) throws {
      process.executableURL = URL(fileURLWithPath: VaultPeer.python)
      process.arguments = [VaultPeer.root + "/Tests/Vault/proxy.py", "--to", "\(port)"] + more
      process.standardInput = input
      process.standardOutput = output
      try process.run()
      let line = output.fileHandleForReading.availableData
      let facts = try JSONSerialization.jsonObject(with: line) as? [String: Any]
      self.port = try #require(facts?["port"] as? Int)
    }

    /// What it was asked for, until now.
    func asked() throws -> [[String: Any]] {
      try input.fileHandleForWriting.close()
      let text = String(
        decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      return try text.split(separator: "\n").map {
        try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
      }
    }
  }

  @Test func proxy_leadsToTheVault_andSeesNoToken() throws {
    try VaultPeer.makeCertificate(in: workplace.path)
    let secure = try VaultPeer(
      "--tls", workplace.path + "/server.pem", workplace.path + "/server.key")
    let proxy = try Proxy(to: secure.port)
    workplace.use(secure, timeout: 5000)
    workplace.environment["MEMORYD_VAULT_CA_FILE"] = workplace.path + "/ca.pem"
    workplace.environment["MEMORYD_VAULT_URL"] = "https://vault.test/mcp"
    workplace.environment["HTTPS_PROXY"] = "http://user:open-sesame@127.0.0.1:\(proxy.port)"
    try workplace.run("task", "add", "through the proxy")
    #expect(try workplace.run("sync").status == 0)
    #expect(try secure.state().tasks(titled: "through the proxy").count == 1)
    let doctor = try workplace.run("doctor").output
    #expect(doctor.contains("through the proxy http://127.0.0.1:\(proxy.port)"))
    #expect(!doctor.contains("open-sesame"))
    // Exempt, it is a name that nobody knows.
    workplace.environment["NO_PROXY"] = ".test"
    #expect(
      try workplace.run("canary", "--json").json()["reason"] as? String == "unreachable")
    let asked = try proxy.asked()
    #expect(asked.allSatisfy { $0["target"] as? String == "vault.test:443" } && !asked.isEmpty)
    let credentials = Data("user:open-sesame".utf8).base64EncodedString().lowercased()
    #expect(asked[0]["authorization"] as? String == "basic \(credentials)")
  }

  @Test func proxy_isNotAskedForTheLoopback_andItsRefusalIsSaid() throws {
    let proxy = try Proxy(to: vault.port, "--refuse", "407")
    workplace.environment["MEMORYD_VAULT_PROXY"] = "http://127.0.0.1:\(proxy.port)"
    #expect(try workplace.run("canary").status == 0, "straight to the loopback")
    workplace.environment["MEMORYD_VAULT_URL"] = "http://vault.test:8080/mcp"
    let reply = try workplace.run("canary", "--json").json()
    #expect((reply["detail"] as? String)?.contains("HTTP 407") == true, "\(reply)")
    #expect(try proxy.asked().map { $0["target"] as? String } == ["vault.test:8080"])
    workplace.environment["MEMORYD_VAULT_PROXY"] = "https://127.0.0.1:1"
    let wrong = try workplace.run("canary", "--json").json()
    #expect(wrong["reason"] as? String == "misconfigured")
  }

  // MARK: The whole

  private enum Way: CaseIterable { case typed, killed, daemon }

  /// 35 writes of every kind, every fourth answer is lost.
  @Test(arguments: Way.allCases) private func everyFourthAnswerIsLost(way: Way) throws {
    workplace.use(vault, timeout: 5000, lag: 300)
    var tasks: [String] = []
    for number in 0..<4 {
      let reply = try workplace.run("task", "add", "before \(number)", "--json").json()
      tasks.append(try #require(reply["id"] as? String))
    }
    try workplace.syncAll()
    try vault.break_("refused")
    #expect(try workplace.run("canary").status == 75)
    let daemon = way == .daemon ? try DaemonPeer(workplace) : nil
    for number in 0..<6 {
      let reply = try workplace.run("task", "add", "add \(number)", "--context", "c", "--json")
      tasks.append(try #require(try reply.json()["id"] as? String))
    }
    for number in 0..<3 { try workplace.run("task", "retro", "retro \(number)") }
    for number in 0..<6 {
      try workplace.run("task", "update", tasks[number], "--title", "updated \(number)")
    }
    for number in 0..<5 { try workplace.run("task", "done", tasks[number]) }
    for number in 0..<5 {
      try workplace.run("decide", "decision \(number)", "--rationale", "r", "--task", tasks[5])
    }
    for number in 0..<5 { try workplace.run("checkpoint", "--objective", "objective \(number)") }
    let byHand = FileHandle(forWritingAtPath: workplace.fallback + "/tasks-fallback.md")
    try byHand?.seekToEnd()
    try byHand?.write(contentsOf: Data("- [ ] hand 0\n- [ ] hand 1\n- [x] hand 2\n".utf8))
    let sections = FileHandle(forWritingAtPath: workplace.fallback + "/checkpoints-fallback.md")
    try sections?.seekToEnd()
    try sections?.write(contentsOf: Data("\n## hand 3\n\nit\n\n## hand 4\n\nit\n".utf8))
    // By hand, that is: somebody is still writing within the last two seconds.
    usleep(2_100_000)

    try vault.clearLog()
    try vault.break_("lose_every", ["every": 4])
    switch way {
    case .typed:
      try workplace.syncAll()
    case .killed:
      for _ in 0..<2 {
        let sync = try workplace.start(["sync"])
        let until = try requests() + 12
        try waitUntil(20) { try requests() >= until || !sync.process.isRunning }
        kill(sync.process.processIdentifier, SIGKILL)
        _ = sync.finish()
      }
      try workplace.syncAll()
    case .daemon:
      try waitUntil(60) {
        let isThere = try vault.state().tasks(titled: "hand 2").count == 1
        return try isThere && pending() == 0
      }
      daemon?.kill()
      try workplace.syncAll()
    }
    let log = try vault.log()
    let list = log.map {
      "\($0["tool"] ?? $0["rpc"] ?? "").\($0["action"] ?? "")\($0["fault"] ?? "")"
    }
    // Killed twice: the second time costs a handshake, a list and a look of its own.
    #expect(log.count <= (way == .killed ? 66 : 60), "\(list)")
    #expect(degradedLog.count <= 2, "\(degradedLog)")
    let state = try vault.state()
    #expect(state.tasks.count == 4 + 6 + 3 + 3)
    let decisions = state.decisions.compactMap { $0["decision"] as? String }
    #expect(decisions.sorted() == (0..<5).map { "decision \($0)" })
    #expect(state.checkpoints.count == 5 + 2)
    for number in 0..<6 {
      let task = try #require(state.tasks(titled: "updated \(number)").first)
      let writes = (task["writes"] as? [[String: Any]] ?? []).map { $0["action"] as? String ?? "" }
      let done = number < 5 ? ["done"] : []
      // The last two were new: they went out with their new titles. Was a sync killed before it sent
      // the update, the next one sees that the vault has the title.
      let isThereAlready = way == .killed && number > 3 && writes == ["add"] + done
      #expect(writes == ["add", "update"] + done || isThereAlready, "\(number)")
    }
    // The decisions know their task by the vault's id.
    let about = try #require(state.tasks(titled: "updated 5").first?["id"] as? String)
    #expect(state.decisions.allSatisfy { $0["task_id"] as? String == about })
    #expect(try workplace.outbox("uncertain").isEmpty)
    #expect(try workplace.outbox("quarantined").isEmpty)
  }
}
