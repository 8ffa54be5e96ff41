import Core
import Foundation
import TestSupport
import Testing

/// memoryd's MCP server, driven by the clients of the official Python SDK: in a process of its own, as a
/// relay to a daemon, and over HTTP; with a handshake (1.30) and without one (2.3).
@Suite(.blocking) struct MCPServerTests {
  enum Way: String, CaseIterable, Sendable {
    case stdio, relay, http, statelessStdio, statelessHTTP

    /// The SDK's second version, which asks for no handshake.
    var isStateless: Bool { self == .statelessStdio || self == .statelessHTTP }
    /// Where what is said is the same for both versions, the second is asked in `make test-all`.
    static let some = allCases.filter { !$0.isStateless || TestScale.isWhole }
    var isHTTP: Bool { self == .http || self == .statelessHTTP }
  }

  private let workplace: Workplace

  init() throws { workplace = try Workplace() }

  private struct Reply {
    var version: String
    var tools: [String]
    var results: [(isError: Bool, text: String, meta: [String: Any])]

    func json(_ index: Int) throws -> [String: Any] {
      let value = try JSONSerialization.jsonObject(with: Data(results[index].text.utf8))
      return try #require(value as? [String: Any])
    }

    func list(_ index: Int) throws -> [[String: Any]] {
      let value = try JSONSerialization.jsonObject(with: Data(results[index].text.utf8))
      return try #require(value as? [[String: Any]])
    }
  }

  private func daemon(_ way: Way) throws -> DaemonPeer? {
    switch way {
    case .stdio, .statelessStdio: nil
    case .relay: try DaemonPeer(workplace)
    case .http, .statelessHTTP: try DaemonPeer(workplace, "--http", "127.0.0.1:0")
    }
  }

  private func requests(_ daemon: DaemonPeer?) throws -> Int {
    // HTTP is not counted with the socket's requests, but it is the daemon's alone.
    guard let daemon, !daemon.greeting.contains("MCP at") else { return .max }
    return try daemon.facts()["requests"] as? Int ?? 0
  }

  private func drive(_ way: Way, _ daemon: DaemonPeer?, _ calls: [[Any]]) throws -> Reply {
    var target = [MemorydProcess.executable]
    if way.isHTTP, let daemon {
      target = ["--url", try daemon.url(), "--token", try daemon.token()]
    }
    let process = Process()
    let environment = way.isStateless ? "mcp-env" : "vault-env"
    process.executableURL = URL(
      fileURLWithPath: "\(VaultPeer.root)/.build/\(environment)/bin/python")
    process.arguments =
      ["\(VaultPeer.root)/Tests/MCP/\(way.isStateless ? "drive2" : "drive").py"] + target
    process.environment = workplace.environment
    process.currentDirectoryURL = URL(fileURLWithPath: workplace.repository)
    let input = Pipe()
    let output = Pipe()
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    try input.fileHandleForWriting.write(
      contentsOf: JSONSerialization.data(withJSONObject: calls))
    try input.fileHandleForWriting.close()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let all = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let results = all["results"] as? [[String: Any]] ?? []
    return Reply(
      version: all["version"] as? String ?? "", tools: all["tools"] as? [String] ?? [],
      results: results.map {
        (
          $0["is_error"] as? Bool ?? false, $0["text"] as? String ?? "",
          $0["meta"] as? [String: Any] ?? [:]
        )
      })
  }

  @Test(arguments: Way.allCases) func tasks_haveTheVaultsShapesAndRules(way: Way) throws {
    let daemon = try daemon(way)
    let reply = try drive(
      way, daemon,
      [
        ["task", ["action": "list"]],
        [
          "task", ["action": "add", "title": "a\u{2028}b", "source": "cc", "context": "- [x] why"],
        ],
        ["task", ["action": "add", "title": "no context"]],
        ["task", ["action": "add", "title": 5, "source": "cc"]],
        ["task", ["action": "add"]],
        ["task", ["action": "explode"]],
        ["task", ["action": "retro", "title": "long ago", "occurred_at": "2026-01-01T00:00:00Z"]],
        ["task", ["action": "done", "id": "01NOPE"]],
        ["task", ["action": "list", "status": ""]],
        ["task", ["action": "list", "format": "md"]],
        ["nothing", [:] as [String: Any]],
      ])
    #expect(reply.version == (way.isStateless ? "2026-07-28" : "2025-11-25"))
    if daemon != nil { #expect(try requests(daemon) >= 10, "the daemon answered") }
    #expect(reply.tools.starts(with: ["task", "checkpoint"]))
    #expect(reply.results[0].text == "[]" && !reply.results[0].isError)
    let task = try reply.json(1)
    #expect(task["title"] as? String == "a\u{2028}b" && task["status"] as? String == "open")
    #expect(task["project"] as? String == "inbox" && (task["id"] as? String)?.count == 26)
    #expect(reply.results[1].meta["memoryd/durability"] as? String == "stored")
    #expect(
      try reply.json(2)["error"] as? String
        == "task.add failed: context required when source=auto")
    #expect(reply.results[2].isError && reply.results[3].isError && reply.results[4].isError)
    #expect(reply.results[3].text.hasPrefix("MCP error -32602: Input validation error"))
    #expect(reply.results[5].isError)
    #expect(try reply.json(6)["source"] as? String == "retroactive")
    #expect(try reply.json(7)["error"] as? String == "Task not found")
    #expect(!reply.results[7].isError, "as vault-mcp has it")
    #expect(try reply.list(8).count == 2)
    #expect(reply.results[9].text.contains("## inbox"))
    #expect(reply.results[10].isError)
  }

  @Test(arguments: Way.some) func change_goesByTheID(way: Way) throws {
    let daemon = try daemon(way)
    let id = try #require(
      try drive(
        way, daemon,
        [
          ["task", ["action": "add", "title": "one", "source": "cc"]]
        ]
      ).json(0)["id"] as? String)
    let reply = try drive(
      way, daemon,
      [
        ["task", ["action": "update", "id": id, "title": "two", "context": ""]],
        ["task", ["action": "done", "id": id]],
        ["task", ["action": "list"]],
        ["task", ["action": "list", "status": "done", "project": "inbox"]],
      ])
    #expect(try reply.json(0)["title"] as? String == "two")
    #expect(try reply.json(1)["status"] as? String == "done")
    #expect(try reply.json(1)["completed_at"] != nil)
    #expect(try reply.list(2).isEmpty && reply.list(3).count == 1)
    #expect(try workplace.run("task", "list", "--status", "all", "--json").items().count == 1)
  }

  @Test(arguments: Way.some) func checkpointsDecisionsAndTheRest(way: Way) throws {
    let daemon = try daemon(way)
    let reply = try drive(
      way, daemon,
      [
        ["checkpoint", ["action": "load"]],
        [
          "checkpoint",
          [
            "action": "save", "objective": "the parser", "blockers": ["CI"],
            "recent_actions": ["wrote it", "[memoryd:X]"],
          ],
        ],
        ["checkpoint", ["action": "load"]],
        ["checkpoint", ["action": "decide", "decision": "d", "rationale": "r"]],
        ["checkpoint", ["action": "decide", "decision": "d"]],
        ["decision", ["action": "list"]],
        ["search", ["query": "parser"]],
        ["backup", [:] as [String: Any]],
        ["health", [:] as [String: Any]],
        ["session_start", [:] as [String: Any]],
        ["session_end", ["objective": "over", "recent_actions": ["x"]]],
        ["resume", ["budget": 400]],
      ])
    #expect(try reply.json(0)["message"] as? String == "No checkpoints found")
    let id = try reply.json(1)["id"] as? String
    #expect(try (reply.json(1)["content_length"] as? Int ?? 0) > 20)
    let loaded = try reply.json(2)
    #expect(loaded["id"] as? String == id)
    #expect((loaded["trigger_signals"] as? String)?.contains("[memoryd:X]") == true)
    #expect((loaded["content"] as? String)?.contains("the parser") == true)
    #expect(try reply.json(3)["decision"] as? String == "d")
    #expect(reply.results[4].isError)
    #expect(try reply.list(5).count == 1)
    #expect(try (reply.json(6)["results"] as? [Any])?.isEmpty == false)
    let tables = try reply.json(7)["d1"] as? [String: Any]
    for name in ["checkpoints", "decisions"] {
      let table = tables?[name] as? [String: Any]
      #expect((table?["data"] as? [Any])?.count == 1 && table?["count"] as? Int == 1, "\(name)")
    }
    #expect(try reply.json(8)["status"] as? String == "ok")
    #expect(try reply.json(9)["open_tasks_count"] as? Int == 0)
    #expect(try reply.json(10)["checkpoint_saved"] as? Bool == true)
    #expect(reply.results[11].text.contains("over") && reply.results[11].text.utf16.count <= 400)
  }

  @Test(arguments: Way.some) func handoffsAndTheLedger(way: Way) throws {
    try workplace.git("init", "-q", "-b", "main")
    try workplace.git("commit", "-q", "--allow-empty", "-m", "First")
    let daemon = try daemon(way)
    let reply = try drive(
      way, daemon,
      [
        ["handoff", ["action": "write", "note": "mind the clock", "project": "repo"]],
        ["handoff", ["action": "show", "project": "repo"]],
        [
          "handoff",
          ["action": "write", "to": "bob", "topic": "x", "note": "hi bob", "project": "repo"],
          ["memoryd/idempotency_key": "m-1"],
        ],
        [
          "handoff",
          ["action": "write", "to": "bob", "topic": "x", "note": "hi bob", "project": "repo"],
          ["memoryd/idempotency_key": "m-1"],
        ],
        ["handoff", ["action": "take", "reader": "bob", "project": "repo"]],
        ["handoff", ["action": "take", "reader": "bob", "project": "repo"]],
        ["handoff", ["action": "list", "project": "repo"]],
        ["handoff", ["action": "show", "id": "01NOPE"]],
        ["ledger", ["action": "add", "item": "It works", "phase": "One", "project": "repo"]],
        ["ledger", ["action": "add", "item": "Not yet", "status": "pending", "project": "repo"]],
        ["ledger", ["action": "list", "status": "pending", "project": "repo"]],
        ["ledger", ["action": "render", "project": "repo"]],
        ["ledger", ["action": "add", "project": "repo"]],
        ["ledger", ["action": "list", "project": "nothing"]],
        ["ledger", ["action": "render", "project": "nothing"]],
      ])
    let written = try reply.json(0)
    #expect((written["document"] as? String)?.contains("mind the clock") == true)
    #expect(reply.results[0].meta["memoryd/durability"] as? String == "stored")
    // Who calls over HTTP has no working folder.
    #expect((written["path"] as? String != nil) == !way.isHTTP)
    #expect(reply.results[1].text == written["document"] as? String)
    #expect(try reply.json(2)["id"] as? String == reply.json(3)["id"] as? String)
    #expect(try (reply.json(4)["document"] as? String)?.contains("hi bob") == true)
    #expect(reply.results[5].isError)
    #expect(try reply.list(6).count == 2)
    #expect(reply.results[7].isError)
    #expect(try reply.json(8)["id"] as? String != nil)
    #expect(try reply.list(10).map { $0["item"] as? String } == ["Not yet"])
    #expect(reply.results[11].text.contains("| It works | ✅ |"))
    #expect(reply.results[12].isError && reply.results[14].isError)
    #expect(reply.results[13].text == "[]")
  }

  @Test(arguments: Way.allCases) func idempotencyKey_makesOneWriteOfTwo(way: Way) throws {
    let daemon = try daemon(way)
    let call: [Any] = [
      "task", ["action": "add", "title": "once", "source": "cc"],
      ["memoryd/idempotency_key": "k-1"],
    ]
    let reply = try drive(way, daemon, [call, call])
    #expect(try reply.json(0)["id"] as? String == reply.json(1)["id"] as? String)
    _ = try drive(way, daemon, [call])
    #expect(try workplace.run("task", "list", "--json").items().count == 1)
  }

  @Test func garbage_getsAnErrorAndTheNextLineItsAnswer() throws {
    let lines = [
      "{\"jsonrpc\":\"2.0\",\"id\":1,", "[]", "42", "{\"id\":2}", "",
      "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"nope\"}",
      "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}",
      "{\"jsonrpc\":\"2.0\",\"id\":\"four\",\"method\":\"ping\"}",
    ]
    let result = try workplace.run("mcp", input: lines.joined(separator: "\n"))
    #expect(result.status == 0)
    let answers = try result.output.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    let codes = answers.map { ($0["error"] as? [String: Any])?["code"] as? Int }
    #expect(codes == [-32700, -32600, -32600, -32600, -32601, nil])
    #expect(answers.last?["id"] as? String == "four")
  }

  @Test func relay_outlivesItsDaemon() throws {
    let daemon = try DaemonPeer(workplace)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: MemorydProcess.executable)
    process.arguments = ["mcp"]
    process.environment = workplace.environment
    process.currentDirectoryURL = URL(fileURLWithPath: workplace.repository)
    let input = Pipe()
    let output = Pipe()
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    for number in 0..<12 {
      if number % 3 == 1 { daemon.kill() }
      if number % 3 == 2 { try daemon.start() }
      let call: [String: Any] = [
        "jsonrpc": "2.0", "id": number, "method": "tools/call",
        "params": [
          "name": "task", "arguments": ["action": "add", "title": "n\(number)", "source": "cc"],
        ],
      ]
      let line = try JSONSerialization.data(withJSONObject: call) + Data([0x0A])
      try input.fileHandleForWriting.write(contentsOf: line)
      var answer = Data()
      while answer.last != 0x0A {
        let more = output.fileHandleForReading.availableData
        if more.isEmpty { break }
        answer += more
      }
      let reply = try #require(try JSONSerialization.jsonObject(with: answer) as? [String: Any])
      #expect(reply["id"] as? Int == number)
      #expect((reply["result"] as? [String: Any])?["isError"] == nil)
    }
    try input.fileHandleForWriting.close()
    process.waitUntilExit()
    #expect(try workplace.run("task", "list", "--json").items().count == 12)
  }

  /// The vault's own tools: shown and passed on while it answers, a clear error while it does not.
  @Test(arguments: Way.allCases) func vaultsOwnTools_arePassedOn(way: Way) throws {
    let vault = try VaultPeer()
    workplace.use(vault)
    #expect(try workplace.run("canary").status == 0)
    let daemon = try daemon(way)
    let reply = try drive(
      way, daemon,
      [
        ["pricing", ["action": "list", "odd": ["a": 1]], ["mine": "x"]],
        ["task", ["action": "list"]],
        ["no_such_tool", [:] as [String: Any]],
      ])
    #expect(reply.tools.contains("pricing") && reply.tools.count(where: { $0 == "task" }) == 1)
    #expect(!reply.results[0].isError, "\(reply.results[0].text)")
    #expect(reply.results[2].isError)
    let passed = try #require(try vault.log().last { $0["tool"] as? String == "pricing" })
    #expect((passed["arguments"] as? [String: Any])?["odd"] != nil)
    try vault.break_("500")
    #expect(try workplace.run("canary").status == 75)
    let without = try drive(
      way, daemon,
      [
        ["pricing", [:] as [String: Any]],
        ["task", ["action": "add", "title": "goes on", "source": "cc"]],
      ])
    #expect(!without.tools.contains("pricing"))
    #expect(without.results[0].isError)
    #expect(without.results[0].text.contains("degraded"))
    #expect(!without.results[1].isError)
    #expect(without.results[1].meta["memoryd/vault"] as? String == "queued")
  }

  /// Two memoryds that are each other's vault.
  @Test func circle_ends() throws {
    let other = try Workplace()
    let ports = try (0..<2).map { _ in try Self.freePort() }
    let token = "0123456789abcdef-circle"
    for (place, port) in [(workplace, ports[1]), (other, ports[0])] {
      place.environment["MEMORYD_VAULT_URL"] = "http://127.0.0.1:\(port)/mcp"
      place.environment["MEMORYD_VAULT_TOKEN"] = token
      place.environment["MEMORYD_HTTP_TOKEN"] = token
    }
    let first = try DaemonPeer(workplace, "--http", "127.0.0.1:\(ports[0])")
    let second = try DaemonPeer(other, "--http", "127.0.0.1:\(ports[1])")
    #expect(try workplace.run("canary").status == 0)
    #expect(try other.run("canary").status == 0)
    for daemon in [first, second] {
      let reply = try drive(.stdio, daemon, [["no_such_tool", [:] as [String: Any]]])
      #expect(reply.results[0].isError)
      #expect(reply.results[0].text.contains("circle"))
      #expect(reply.tools.count(where: { $0 == "task" }) == 1)
    }
    // What one writes reaches the other, once, and does not come back.
    #expect(try workplace.run("task", "add", "there").status == 0)
    let end = Date() + 30
    while try other.run("task", "list", "--json").items().isEmpty, Date() < end { usleep(200_000) }
    sleep(3)
    #expect(try other.run("task", "list", "--json").items().count == 1)
    #expect(try workplace.run("task", "list", "--json").items().count == 1)
  }

  private static func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
      }
    }
    try #require(result == 0)
    return Int(UInt16(bigEndian: address.sin_port))
  }

  @Test func privateProject_isNotThereForAVaultsCallers() throws {
    try workplace.run("task", "add", "Gild the weathercock")
    try workplace.run("decide", "Gild by hand", "--rationale", "asked for")
    try workplace.run("ledger", "add", "Gilded once")
    try workplace.append(Line.request("Where is the gilding?"))
    try workplace.run("checkpoint", input: workplace.hook("Stop"))
    let handoff = try workplace.run("handoff", "--to", "q", "--note", "Gild on", "--json").json()
    let task = try workplace.run("task", "list", "--json").items()[0]["id"] as? String ?? ""
    try workplace.run("project", "private")
    let daemon = try DaemonPeer(workplace, "--http", "127.0.0.1:0")
    var calls: [[Any]] = [
      ["resume", ["session": "session-1"]],
      ["handoff", ["action": "show", "id": handoff["id"] ?? ""]],
      ["handoff", ["action": "write", "session": "session-1", "note": "x"]],
      ["task", ["action": "update", "id": task, "context": "more"]],
      ["task", ["action": "done", "id": task]],
      ["checkpoint", ["action": "load"]], ["session_start", [:]], ["backup", [:]],
      ["search", ["query": "weathercock", "session": "session-1"]],
    ]
    for arguments in [
      ["action": "list"], ["action": "take", "reader": "q"], ["action": "write", "note": "x"],
    ] { calls.append(["handoff", arguments.merging(["project": "repo"]) { $1 }]) }
    for (tool, action) in [
      ("task", "list"), ("decision", "list"), ("ledger", "list"), ("ledger", "render"),
      ("checkpoint", "load"), ("resume", ""),
    ] {
      calls.append([
        tool, action.isEmpty ? ["project": "repo"] : ["action": action, "project": "repo"],
      ])
    }
    let reply = try drive(.http, daemon, calls)
    #expect(reply.results.count == calls.count)
    for (call, result) in zip(calls, reply.results) {
      #expect(!result.text.lowercased().contains("gild"), "\(call)")
    }
    #expect(try reply.json(4)["error"] as? String == "Task not found")
    daemon.kill()
    #expect(try workplace.run("task", "list").output.contains("weathercock"), "open as before")
  }

  /// What a browser's page, a stranger or a broken client may try.
  @Test func attacks_areRefused() throws {
    let daemon = try DaemonPeer(workplace, "--http", "127.0.0.1:0")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: VaultPeer.python)
    process.arguments = [
      VaultPeer.root + "/Tests/MCP/attack.py", try daemon.url(), try daemon.token(),
    ]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let results = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
    let expected: [String: Any] = [
      "right token": 200, "right path": 200, "no token": 401, "wrong token": 401,
      "token too long": 401, "empty token": 401, "basic": 401, "wrong path": 401,
      "rebinding host": 403, "no host": 403, "foreign origin": 403, "null origin": 403,
      "own origin": 200, "health": 200, "health by foreign host": 403, "get": 204, "delete": 204,
      "put": 405, "text/plain": 415, "old version": 400, "notification": 202, "not json": 400,
      "bad utf-8": 400, "traversal": 404, "traversal in path": 401, "sse": 410,
      "100 MB announced": 413, "100 MB in chunks": 413, "100 MB without token": 401,
      "garbage": "closed", "slow": "answered", "cut off": "yes",
    ]
    for (name, value) in expected {
      #expect("\(results[name] ?? "nothing")" == "\(value)", "\(name)")
    }
    #expect(daemon.process.isRunning)
    let log = try String(contentsOfFile: workplace.home + "/logs/memoryd.log", encoding: .utf8)
    #expect(log.contains("wrong token"))
    #expect(try !log.contains(daemon.token()) && !log.contains("stranger-token"))
    #expect(try daemon.facts()["resident_bytes"] as? Int ?? 0 < 200 << 20)
  }
}
