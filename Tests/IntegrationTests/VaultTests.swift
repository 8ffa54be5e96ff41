import Core
import Foundation
import TestSupport
import Testing

/// Real processes against the real SDK's server: what the matrix does not show.
@Suite(.blocking) struct VaultTests {
  // MARK: Ways to reach it

  @Test func serverWithSessions_isAskedAnewWhenItForgets() throws {
    let vault = try VaultPeer("--stateful")
    let workplace = try Workplace()
    workplace.use(vault)
    for number in 1...9 { try workplace.run("task", "add", "item \(number)") }
    // Forgotten after every fifth call, between reads and in the middle of writes.
    try vault.set(["session_ttl_requests": 5])
    try workplace.syncAll()
    let state = try vault.state()
    for number in 1...9 { #expect(state.tasks(titled: "item \(number)").count == 1) }
    #expect(state.tasks.count == 9)
  }

  @Test func olderAndPlainerServers_areUnderstood() throws {
    let vault = try VaultPeer("--json")
    try vault.set(["old_protocol": "2024-11-05", "strict_protocol": true, "prefix": "portal_"])
    let workplace = try Workplace()
    workplace.use(vault)
    #expect(try workplace.run("canary").status == 75)
    workplace.environment["MEMORYD_VAULT_TOOL_PREFIX"] = "portal_"
    try workplace.run("task", "add", "over there")
    #expect(try workplace.run("canary").status == 0)
    #expect(try vault.state().tasks(titled: "over there").count == 1)
    let headers = try vault.log().last?["headers"] as? [String: String]
    #expect(headers?["mcp-protocol-version"] == "2024-11-05")
  }

  @Test func ownAuthority_isTrustedWhereItIsNamed() throws {
    let workplace = try Workplace()
    try VaultPeer.makeCertificate(in: workplace.path)
    let vault = try VaultPeer(
      "--tls", workplace.path + "/server.pem", workplace.path + "/server.key")
    workplace.use(vault)
    #expect(try workplace.run("canary", "--json").json()["reason"] as? String == "tls")
    workplace.environment["MEMORYD_VAULT_CA_FILE"] = workplace.path + "/ca.pem"
    #expect(try workplace.run("canary").status == 0)
  }

  // MARK: The token

  @Test func token_isNowhere() throws {
    let token = VaultPeer.token
    let vault = try VaultPeer()
    let workplace = try Workplace()
    try workplace.write(token + "\n", to: "token")
    for authentication in ["bearer", "path"] {
      workplace.use(vault, timeout: 300, lag: 50)
      workplace.environment["MEMORYD_HOME"] = workplace.path + "/home-\(authentication)"
      workplace.environment["MEMORYD_LOG_LEVEL"] = "debug"
      workplace.environment["MEMORYD_VAULT_TOKEN"] = nil
      if authentication == "path" {
        workplace.environment["MEMORYD_VAULT_AUTH"] = "path"
        workplace.environment["MEMORYD_VAULT_URL"] = vault.url.replacingOccurrences(
          of: "/mcp", with: "/\(token)/mcp")
      } else {
        workplace.environment["MEMORYD_VAULT_TOKEN_FILE"] = workplace.path + "/token"
      }
      var said = ""
      func run(_ arguments: String..., input: String? = nil) throws {
        let result = try workplace.run(arguments, input: input.map { Data($0.utf8) })
        said += result.output + result.errorOutput
      }
      for fault in VaultMatrixTests.faults where fault.timeout < 10_000 {
        try vault.break_(fault.name, fault.options)
        // Somebody pastes it into a memory, and a server repeats it.
        try run("task", "add", "\(fault.name) with \(token) inside", "--context", token)
        try run("canary", "--json")
        try run("sync", "--json")
      }
      try run("doctor")
      try run("canary", input: workplace.hook("SessionStart", ["source": "startup"]))
      try vault.heal()
      usleep(1_100_000)
      try workplace.syncAll()
      for arguments in [["doctor", "--json"], ["status"], ["outbox", "list", "--state", "all"]] {
        let result = try workplace.run(arguments)
        said += result.output + result.errorOutput
      }
      #expect(!said.contains(token))
    }
    var count = 0
    let files = FileManager.default.enumerator(atPath: workplace.path)
    while let name = files?.nextObject() as? String {
      guard name != "token",
        let data = FileManager.default.contents(atPath: workplace.path + "/" + name)
      else { continue }
      count += 1
      #expect(data.range(of: Data(token.utf8)) == nil, "\(name)")
    }
    #expect(count > 8)
    let stolen = try JSONSerialization.data(withJSONObject: try vault.stolen())
    #expect(stolen.range(of: Data(token.utf8)) == nil)
    #expect(try vault.state().tasks.allSatisfy { !"\($0)".contains(token) })
  }

  @Test func token_isNotInTheProcessList() throws {
    // Not the one that other tests put into tasks.
    let token = "tok-2b7d4c90-of-this-test-alone"
    let vault = try VaultPeer(token: token)
    let workplace = try Workplace()
    workplace.use(vault, timeout: 1500)
    workplace.environment["MEMORYD_VAULT_TOKEN"] = nil
    workplace.environment["MEMORYD_VAULT_TOKEN_COMMAND"] = "printf %s \"$SECRET\""
    try vault.break_("black_hole")
    let running = try workplace.start(["canary"], environment: ["SECRET": token])
    usleep(500_000)
    let list = Process()
    list.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    list.arguments = ["ps", "-eo", "args"]
    let pipe = Pipe()
    list.standardOutput = pipe
    try list.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    list.waitUntilExit()
    #expect(text.contains("memoryd canary"))
    #expect(!text.contains(token))
    #expect(running.finish().status == 75)
    try vault.heal()
    #expect(try workplace.run("canary", environment: ["SECRET": token]).status == 0)
  }

  // MARK: In time

  @Test func blackHole_endsWithinItsTimeout() throws {
    let vault = try VaultPeer()
    let workplace = try Workplace()
    let clock = ContinuousClock()
    func best(_ arguments: String...) throws -> Duration {
      try (0..<5).map { _ in try clock.measure { _ = try workplace.run(arguments) } }
        .min() ?? .zero
    }
    let start = try best("canary")
    workplace.use(vault)
    try vault.break_("black_hole")
    let asked = try best("canary", "--timeout", "400")
    // What the process itself costs is measured in the same run.
    #expect(asked - start < .milliseconds(500))
    #expect(asked > .milliseconds(400))
    // A session start has its own limit, and its context all the same.
    let hook = workplace.hook("SessionStart", ["source": "startup"])
    let took = try clock.measure {
      let result = try workplace.run("canary", input: hook)
      #expect(result.status == 0 && result.output.contains("degraded mode since"))
    }
    #expect(took - start < .milliseconds(2000))
  }

  @Test func doctor_asksStepByStep_andNeverShowsTheToken() throws {
    let vault = try VaultPeer()
    let workplace = try Workplace()
    workplace.use(vault)
    let good = try workplace.run("doctor")
    for text in ["found, from vault.token", "speaks MCP", "task list shows 0 open tasks"] {
      #expect(good.output.contains(text), "\(text)")
    }
    workplace.environment["MEMORYD_VAULT_TOKEN"] = "another-token-of-somebody"
    let bad = try workplace.run("doctor")
    #expect(bad.status == 74 && bad.output.contains("unauthorized"))
    #expect(bad.output.contains("check the token") && !bad.output.contains("another-token"))
  }

  @Test func retryAfter_isKept_alsoByAPerson() throws {
    let vault = try VaultPeer()
    let workplace = try Workplace()
    workplace.use(vault)
    try workplace.run("task", "add", "patient")
    try vault.break_("429", ["retry_after": 2])
    #expect(try workplace.run("canary", "--json").json()["reason"] as? String == "rate_limited")
    try vault.heal()
    let count = try vault.log().count
    let early = try workplace.run("sync")
    #expect(early.status == 75 && early.errorOutput.contains("left alone"))
    try workplace.run("canary")
    try workplace.run("canary", input: workplace.hook("SessionStart", ["source": "startup"]))
    #expect(try vault.log().count == count)
    usleep(2_100_000)
    try workplace.syncAll()
    #expect(try vault.state().tasks(titled: "patient").count == 1)
  }

  // MARK: What cannot be known at once

  @Test func listThatLags_isReadAgain() throws {
    let vault = try VaultPeer()
    try vault.set(["kv_lag": 1.0])
    let workplace = try Workplace()
    workplace.use(vault, timeout: 500, lag: 1500)
    try workplace.run("task", "add", "late")
    try vault.break_("apply_then_drop", match: ["kind": "write"], count: 1)
    #expect(try workplace.run("sync").status == 0, "a person waits the moment that it takes")
    #expect(try vault.state().tasks(titled: "late").count == 1)
    try workplace.run("task", "add", "later")
    try vault.break_("drop", match: ["kind": "write"], count: 1)
    try workplace.syncAll()
    #expect(try vault.state().tasks(titled: "later").count == 1)
  }

  @Test func blindSpots_areShownNotGuessed() throws {
    let vault = try VaultPeer()
    try vault.seed(["fill_tasks": 1200])
    let workplace = try Workplace()
    workplace.use(vault, timeout: 3000, lag: 100)
    try workplace.run("task", "add", "out of sight")
    try workplace.run("decide", "in sight", "--rationale", "r")
    try workplace.run("checkpoint", "--objective", "covered up")
    try vault.break_("apply_then_drop", match: ["kind": "write", "action": "add"], count: 1)
    let sync = try workplace.run("sync")
    #expect(sync.status == 75, "a person has to look: \(sync.output)\(sync.errorOutput)")
    #expect(try vault.state().decisions.count == 1, "the rest flows on")
    var rows = try workplace.outbox("uncertain")
    try #require(rows.count == 1)
    let show = try workplace.run("outbox", "show", "\(rows[0]["number"] ?? 0)").output
    #expect(show.contains("[memoryd:") && show.contains("out of sight"))
    #expect(show.contains("outbox drop") && show.contains("outbox retry"))
    #expect(try workplace.run("status", "--json").output.contains("\"uncertain\""))
    #expect(try workplace.run("outbox", "drop", "\(rows[0]["number"] ?? 0)").status == 0)
    #expect(try workplace.run("sync").status == 0)

    try workplace.run("checkpoint", "--objective", "out of the window")
    try vault.break_("apply_then_silence", match: ["action": "save"], count: 1)
    // It is too early to look again once it has been sent. A canary on a busy machine may be out of
    // time before it sends anything.
    workplace.use(vault, timeout: 3000, lag: 30_000)
    try workplace.runCanary { try workplace.outbox("sent").count == 1 }
    let others = (1...12).map { number -> [String: Any] in
      [
        "id": "01ZZZZZZZZZZZZZZZZZZZZZZ\(10 + number)", "content": "c", "trigger_signals": "{}",
        "created_at": "2026-01-01T00:00:00Z",
      ]
    }
    try vault.heal()
    try vault.seed(["checkpoints": others])
    workplace.use(vault, timeout: 3000, lag: 100)
    try workplace.syncAll()
    rows = try workplace.outbox("uncertain")
    #expect(rows.map { $0["kind"] as? String } == ["checkpoint"])
    let saved = try vault.state().checkpoints.filter {
      ($0["trigger_signals"] as? String ?? "").contains("out of the window")
    }
    #expect(saved.count == 1, "it was there, and nobody sent it again")
  }

  @Test func backupThatIsPutBack_doublesNothing() throws {
    let vault = try VaultPeer()
    let workplace = try Workplace()
    workplace.use(vault, lag: 200)
    try workplace.run("task", "add", "early")
    try workplace.syncAll()
    let one = try workplace.run("task", "add", "one", "--json").json()["id"] as? String ?? ""
    try workplace.run("task", "done", one)
    try workplace.run("decide", "two", "--rationale", "r")
    try workplace.run("checkpoint", "--objective", "three")
    _ = try workplace.sqlite("VACUUM INTO '\(workplace.path)/copy.db'")
    try workplace.syncAll()
    for suffix in ["", "-wal", "-shm"] {
      try? FileManager.default.removeItem(atPath: workplace.home + "/memory.db" + suffix)
    }
    try FileManager.default.copyItem(
      atPath: workplace.path + "/copy.db", toPath: workplace.home + "/memory.db")
    #expect(try workplace.outbox("queued").count == 4)
    try workplace.syncAll()
    // The same on another machine, where nothing but the copy is known.
    workplace.environment["MEMORYD_HOME"] = workplace.path + "/elsewhere"
    try FileManager.default.createDirectory(
      atPath: workplace.path + "/elsewhere", withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: workplace.path + "/copy.db", toPath: workplace.path + "/elsewhere/memory.db")
    try workplace.syncAll()
    let state = try vault.state()
    #expect(state.tasks(titled: "one").count == 1)
    #expect(state.tasks(titled: "one").map { VaultPeer.State.writes($0, "done") } == [1])
    #expect(state.decisions.count == 1 && state.checkpoints.count == 1)
  }

  // MARK: What sessions are told

  @Test func session_isToldAtItsStart_andWhenTheVaultIsBack() throws {
    let vault = try VaultPeer()
    let workplace = try Workplace()
    workplace.use(vault)
    func start(_ session: String) throws -> (message: String?, context: String) {
      let result = try workplace.run(
        "canary",
        input: workplace.hook("SessionStart", ["source": "startup", "session_id": session]))
      #expect(result.status == 0)
      let json = try result.json()
      let specific = json["hookSpecificOutput"] as? [String: Any]
      return (json["systemMessage"] as? String, specific?["additionalContext"] as? String ?? "")
    }
    func stop(_ session: String) throws -> String? {
      let result = try workplace.run(
        "checkpoint", input: workplace.hook("Stop", ["session_id": session]))
      #expect(result.status == 0)
      return result.output.isEmpty ? nil : try result.json()["systemMessage"] as? String
    }
    #expect(try start("a").message == nil)
    try vault.break_("401")
    let reply = try workplace.run("task", "add", "waits", "--json").json()
    #expect(reply["vault"] as? String == "queued" && reply["pending"] as? Int == 1)
    let told = try start("b")
    for text in [told.message ?? "", told.context] {
      #expect(text.contains("degraded mode since"))
      #expect(text.contains("unauthorized") && text.contains("1 write waits"))
    }
    // The session that was running is told once, at its next stop.
    #expect(try stop("a")?.contains("degraded mode since") == true)
    #expect(try stop("a") == nil)
    try vault.heal()
    #expect(try start("c").message?.contains("the vault is back") == true)
    #expect(try stop("a")?.contains("the vault is back") == true)
    #expect(try vault.state().tasks(titled: "waits").count == 1, "the canary has sent it")
  }

  @Test func otherPeoplesTasks_areHereWhenTheVaultIsNot() throws {
    let vault = try VaultPeer()
    let workplace = try Workplace()
    workplace.use(vault)
    try vault.seed([
      "tasks": [
        [
          "id": "01JZZZZZZZZZZZZZZZZZZZZZZ1", "title": "theirs", "project": "inbox",
          "status": "open", "source": "iphone", "created_at": "2026-01-01T00:00:00Z",
        ]
      ],
      "checkpoints": [
        [
          "id": "01JZZZZZZZZZZZZZZZZZZZZZZ2", "content": "# Recovery Checkpoint",
          "trigger_signals": "{\"objective\":\"their objective\",\"recent_actions\":[\"x\"]}",
          "created_at": "2026-01-01T00:00:00Z",
        ]
      ],
    ])
    #expect(try workplace.run("sync").status == 0)
    try vault.break_("refused")
    let list = try workplace.run("task", "list", "--project", "inbox", "--json").items()
    let id = try #require(list.first { $0["title"] as? String == "theirs" }?["id"] as? String)
    #expect(try workplace.run("search", "their objective", "--json").output.contains("checkpoint"))
    #expect(try workplace.run("task", "done", id).status == 0)
    try vault.heal()
    try workplace.syncAll()
    #expect(try vault.state().tasks(titled: "theirs").first?["status"] as? String == "done")
  }

  @Test func dryRun_saysWhatItWouldDo_andDoesNothing() throws {
    let vault = try VaultPeer()
    let workplace = try Workplace()
    workplace.use(vault)
    try workplace.run("task", "add", "planned")
    try FileManager.default.createDirectory(
      atPath: workplace.fallback, withIntermediateDirectories: true)
    let plan = try workplace.run("sync", "--dry-run", "--json").json()
    let steps = plan["steps"] as? [[String: Any]]
    #expect(steps?.map { $0["step"] as? String } == ["send"])
    #expect(try workplace.run("sync", "--dry-run").output.contains("task add"))
    #expect(try vault.state().tasks.isEmpty)
    #expect(try workplace.outbox("queued").count == 1)
    try vault.break_("refused")
    let waiting = try workplace.run("sync", "--dry-run", "--json").json()
    #expect(waiting["reason"] as? String == "unreachable")
    #expect((waiting["steps"] as? [[String: Any]])?.map { $0["step"] as? String } == ["wait"])
    // The beginning of an id that several items share names none of them.
    try workplace.run("task", "add", "another")
    #expect(try workplace.run("outbox", "drop", "01").status == 65)
    #expect(try workplace.outbox("queued").count == 2)
  }
}
