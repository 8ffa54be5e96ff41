import Core
import Foundation
import MCPServer
import TestSupport
import Testing

@testable import Continuity

/// MCP without a handshake, beside the versions with one: one test for each rule of 2026-07-28.
@Suite(.blocking) struct MCPEraTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  private static let version = "io.modelcontextprotocol/protocolVersion"
  private static let capabilities = "io.modelcontextprotocol/clientCapabilities"
  private static var notes: [String: Any] {
    [version: "2026-07-28", capabilities: [String: Any]()]
  }

  private func ask(
    _ method: String, _ parameters: [String: Any] = [:], meta: [String: Any]? = notes,
    id: Any? = 1, headers: MCPEra.Headers? = nil
  ) throws -> [String: Any] {
    var parameters = parameters
    parameters["_meta"] = meta
    var message: [String: Any] = ["jsonrpc": "2.0", "method": method, "params": parameters]
    message["id"] = id
    let bytes = Array(try JSONSerialization.data(withJSONObject: message))
    let answer = responder.receive(bytes, requestID: .unique(), headers: headers).bytes
    guard let answer else { return [:] }
    return try #require(try JSONSerialization.jsonObject(with: Data(answer)) as? [String: Any])
  }

  private var responder: MCPResponder {
    let invocation = Invocation(
      arguments: [], input: .none, cwd: place.repository, environment: place.environment,
      requestID: .unique())
    return MCPResponder(tools: MCPToolbox(invocation: invocation, home: nil))
  }

  private func code(_ answer: [String: Any]) -> Int? {
    (answer["error"] as? [String: Any])?["code"] as? Int
  }

  // MARK: Discovery and results

  @Test func discover_tellsVersionsAndCapabilities() throws {
    let result = try #require(try ask("server/discover")["result"] as? [String: Any])
    #expect(result["supportedVersions"] as? [String] == ["2026-07-28"])
    #expect((result["capabilities"] as? [String: Any])?["tools"] != nil)
    #expect(result["resultType"] as? String == "complete")
    #expect((result["ttlMs"] as? Int ?? -1) >= 0)
    #expect(["public", "private"].contains(result["cacheScope"] as? String))
    let meta = try #require(result["_meta"] as? [String: Any])
    let server = meta["io.modelcontextprotocol/serverInfo"] as? [String: Any]
    #expect(server?["name"] as? String == "memoryd" && server?["version"] is String)
    #expect(result["serverInfo"] == nil)
  }

  @Test func results_sayThatTheyAreComplete_andOnlyListsMayBeKept() throws {
    let list = try #require(try ask("tools/list")["result"] as? [String: Any])
    #expect(list["resultType"] as? String == "complete" && list["ttlMs"] is Int)
    #expect(list["cacheScope"] is String)
    let names = { (list: [String: Any]) in
      (list["tools"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
    }
    #expect(try names(#require(try ask("tools/list")["result"] as? [String: Any])) == names(list))
    let call = try #require(
      try ask("tools/call", ["name": "task", "arguments": ["action": "list"]])["result"]
        as? [String: Any])
    #expect(call["resultType"] as? String == "complete" && call["ttlMs"] == nil)
    // What memoryd adds of its own stays beside it.
    let added = try ask(
      "tools/call",
      [
        "name": "task",
        "arguments": ["action": "add", "title": "x", "source": "cc", "context": "y"],
      ])
    let meta = (added["result"] as? [String: Any])?["_meta"] as? [String: Any]
    #expect(meta?["memoryd/durability"] as? String == "stored")
    #expect(meta?["io.modelcontextprotocol/serverInfo"] != nil)
  }

  @Test func repliesOfAHandshake_areWhatTheyWere() throws {
    for (method, parameters) in [
      ("tools/list", [:]), ("tools/call", ["name": "task", "arguments": ["action": "list"]]),
      ("initialize", ["protocolVersion": "2026-07-28"]), ("ping", [:]),
    ] as [(String, [String: Any])] {
      let result = try #require(
        try ask(method, parameters, meta: nil)["result"] as? [String: Any])
      for key in ["resultType", "ttlMs", "cacheScope"] { #expect(result[key] == nil) }
      if method == "initialize" {
        // There is no handshake in the new version, so another one is offered.
        #expect(result["protocolVersion"] as? String == "2025-11-25")
      }
    }
    // A progress token is no sign of the new version.
    let list = try ask("tools/list", meta: ["progressToken": 1])["result"] as? [String: Any]
    #expect(list?["resultType"] == nil)
  }

  @Test func erasMayAlternate_inOneProcess() throws {
    for _ in 0..<2 {
      #expect(try ask("server/discover")["result"] != nil)
      #expect(try ask("initialize", ["protocolVersion": "2025-06-18"], meta: nil)["result"] != nil)
      #expect(try ask("tools/list")["result"] != nil)
    }
  }

  // MARK: What is refused

  @Test func missingNotes_areInvalidParameters() throws {
    #expect(code(try ask("tools/list", meta: [Self.version: "2026-07-28"])) == -32602)
    #expect(code(try ask("tools/list", meta: [Self.version: 7, Self.capabilities: [:]])) == -32602)
    #expect(
      code(try ask("tools/list", meta: [Self.version: "2026-07-28", Self.capabilities: []]))
        == -32602)
  }

  @Test func unknownVersion_isToldWhichThereAre() throws {
    let answer = try ask("tools/list", meta: [Self.version: "1900-01-01", Self.capabilities: [:]])
    #expect(code(answer) == -32022)
    let data = (answer["error"] as? [String: Any])?["data"] as? [String: Any]
    #expect(data?["requested"] as? String == "1900-01-01")
    #expect(data?["supported"] as? [String] == ["2026-07-28"])
    #expect(answer["id"] as? Int == 1)
  }

  @Test(arguments: [
    "initialize", "ping", "logging/setLevel", "resources/subscribe", "subscriptions/listen",
    "nothing",
  ])
  func methodsThatAreGone_orNotThere(method: String) throws {
    #expect(code(try ask(method)) == -32601)
  }

  @Test func unknownTool_isInvalidParameters_badArgumentsAreTheToolsError() throws {
    #expect(code(try ask("tools/call", ["name": "nothing"])) == -32602)
    let answer = try ask("tools/call", ["name": "task", "arguments": ["action": "explode"]])
    #expect((answer["result"] as? [String: Any])?["isError"] as? Bool == true)
    // With a handshake it is as it was.
    let old = try ask("tools/call", ["name": "nothing"], meta: nil)
    #expect((old["result"] as? [String: Any])?["isError"] as? Bool == true)
  }

  @Test func notification_isNotAnswered() throws {
    #expect(try ask("notifications/cancelled", ["requestId": 1], id: nil).isEmpty)
  }

  // MARK: Headers

  @Test func headers_mustSayWhatTheBodySays() throws {
    func headers(
      _ version: String?, _ method: String?, _ name: String? = nil
    ) -> MCPEra.Headers { .init(version: version, method: method, name: name) }
    let call: [String: Any] = ["name": "task", "arguments": ["action": "list"]]
    for (wrong, method) in [
      (headers(nil, "tools/list"), "tools/list"), (headers("2026-07-28", nil), "tools/list"),
      (headers("2025-11-25", "tools/list"), "tools/list"),
      (headers("2026-07-28", "tools/call"), "tools/list"),
      (headers("2026-07-28", "tools/call"), "tools/call"),
      (headers("2026-07-28", "tools/call", "Task"), "tools/call"),
      (headers("2026-07-28", "tools/call", "=?base64?!?="), "tools/call"),
    ] {
      #expect(code(try ask(method, call, headers: wrong)) == -32020)
    }
    for name in ["task", "=?base64?dGFzaw==?="] {
      let answer = try ask("tools/call", call, headers: headers("2026-07-28", "tools/call", name))
      #expect(answer["result"] != nil)
    }
    // The notes come first, then the headers, then the version, then the method.
    let lonely = headers("2026-07-28", "ping")
    #expect(code(try ask("tools/list", meta: nil, headers: lonely)) == -32602)
    let unknown: [String: Any] = [Self.version: "1", Self.capabilities: [String: Any]()]
    #expect(code(try ask("nothing", meta: unknown, headers: lonely)) == -32020)
    #expect(code(try ask("nothing", meta: unknown, headers: headers("1", "nothing"))) == -32022)
  }

  // MARK: Over HTTP

  @Test func statuses_areThoseOfTheCodes() throws {
    let daemon = try DaemonPeer(place, "--http", "127.0.0.1:0")
    let (url, token) = (try daemon.url(), try daemon.token())
    func status(_ headers: [String], _ body: String) throws -> String {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments =
        [
          VaultPeer.python, "-c",
          """
          import sys, http.client, urllib.parse
          url = urllib.parse.urlparse(sys.argv[1])
          c = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
          h = dict(x.split(": ", 1) for x in sys.argv[3:])
          c.request("POST", url.path, sys.argv[2], h)
          print(c.getresponse().status)
          """, url, body, "Authorization: Bearer \(token)", "Content-Type: application/json",
        ] + headers
      let output = Pipe()
      process.standardOutput = output
      try process.run()
      let data = output.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
    let notes = "\"_meta\":{\"\(Self.version)\":\"2026-07-28\",\"\(Self.capabilities)\":{}}"
    func body(_ method: String, _ parameters: String = "") -> String {
      "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\(method)\",\"params\":{\(parameters)\(notes)}}"
    }
    let version = "MCP-Protocol-Version: 2026-07-28"
    #expect(try status([version, "Mcp-Method: server/discover"], body("server/discover")) == "200")
    #expect(try status([version, "Mcp-Method: ping"], body("ping")) == "404")
    #expect(try status([version], body("tools/list")) == "400")
    #expect(try status([], body("tools/list")) == "400")
    #expect(try status([version, "Mcp-Method: x"], "[]") == "400")
    #expect(try status([version, "Mcp-Method: x"], "{") == "400")
    #expect(
      try status(
        [version, "Mcp-Method: tools/call", "Mcp-Name: nothing"],
        body("tools/call", "\"name\":\"nothing\",")) == "400")
    #expect(
      try status(
        [version, "Mcp-Method: notifications/cancelled"],
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\(notes)}}")
        == "202")
    // With a handshake an error is a good answer.
    #expect(try status([], "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nothing\"}") == "200")
    #expect(try status(["MCP-Protocol-Version: 1999-01-01"], "{}") == "400")
  }

  // MARK: As a client

  /// A vault that has no handshake: memoryd finds that out, and each write reaches it once.
  @Test func vaultWithoutAHandshake_isSpokenToWithoutOne() throws {
    let vault = try Workplace()
    let token = "0123456789abcdef-gate"
    vault.environment["MEMORYD_HTTP_TOKEN"] = token
    let daemon = try DaemonPeer(vault, "--http", "127.0.0.1:0")
    let gate = Process()
    gate.executableURL = URL(fileURLWithPath: VaultPeer.python)
    gate.arguments = [VaultPeer.root + "/Tests/MCP/gate.py", try daemon.url()]
    let output = Pipe()
    gate.standardOutput = output
    // What outlives a crash must not hold the tests' own output open.
    gate.standardError = FileHandle.nullDevice
    gate.standardInput = FileHandle.nullDevice
    try gate.run()
    // Signals that can be ignored are, in what the tests start.
    defer {
      kill(gate.processIdentifier, SIGKILL)
      gate.waitUntilExit()
    }
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    place.environment["MEMORYD_VAULT_URL"] = line.trimmingCharacters(in: .whitespacesAndNewlines)
    place.environment["MEMORYD_VAULT_TOKEN"] = token
    let canary = try place.run("canary", "--timeout", "5000")
    #expect(canary.status == 0, "\(canary.output)\(canary.errorOutput)")
    for _ in 0..<2 { try place.run("task", "add", "there", "--context", "once") }
    #expect(try place.run("sync").status == 0)
    #expect(try place.run("sync").status == 0)
    #expect(try vault.run("task", "list", "--json").items().count == 2)
    #expect(
      try place.run("outbox", "list", "--json").items().filter {
        $0["state"] as? String == "pending"
      }
      .isEmpty)
  }
}
