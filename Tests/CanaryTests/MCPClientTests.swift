import Core
import TestSupport
import Testing

@testable import Vault

/// What an MCP server's answers mean, and above all what they mean for a write. The server is in
/// this process (``ScriptedVault``).
@Suite(.blocking) struct MCPClientTests {
  typealias Reply = ScriptedVault.Reply

  private static let token = "tok-0123456789"

  private func client(
    _ vault: ScriptedVault, scheme: String = "http", token: String = token,
    authentication: VaultEndpoint.Authentication = .bearer, toolPrefix: String = ""
  ) throws -> MCPClient {
    MCPClient(
      endpoint: try VaultEndpoint(
        url: "\(scheme)://127.0.0.1:\(vault.port)/mcp", token: token,
        authentication: authentication, toolPrefix: toolPrefix), clientVersion: "1.2.3")
  }

  /// Far enough away for any machine; nothing here waits for it.
  /// Far away: other tests hold the threads of Swift's concurrency for as long as their processes take.
  private var soon: ContinuousClock.Instant { .now + .seconds(3600) }

  /// The failure of a write to which no answer comes. Where the time was over before the write went
  /// out, for want of a thread, it is made again with more of it.
  private func failureInTime(_ client: MCPClient) async throws -> VaultFailure {
    var time = Duration.milliseconds(100)
    while true {
      let end = ContinuousClock.now + time
      let failure = try await #require(throws: VaultFailure.self) {
        try await client.callTool("task", [:], isRead: false, deadline: end)
      }
      if failure != .outOfTime { return failure }
      time *= 4
    }
  }

  @discardableResult
  private func call(_ client: MCPClient, isRead: Bool = false) async throws -> JSON {
    try await client.callTool("task", ["a": .integer(1)], isRead: isRead, deadline: soon)
  }

  private func failure(_ client: MCPClient, isRead: Bool = false) async throws -> VaultFailure {
    try await #require(throws: VaultFailure.self) { try await call(client, isRead: isRead) }
  }

  /// Of a write, after a handshake that went well.
  private func failure(of reply: Reply) async throws -> VaultFailure {
    let vault = try await ScriptedVault(calls: reply)
    let failure = try await failure(try client(vault))
    #expect(vault.calls.count == 1, "a write that failed is never sent again unasked")
    return failure
  }

  // MARK: Statuses

  @Test(
    arguments: [
      (401, .unauthorized, .notApplied, "the vault refuses the token (HTTP 401)"),
      (403, .unauthorized, .notApplied, "the vault refuses the token (HTTP 403)"),
      (429, .rateLimited, .notApplied, "the vault asks to be left alone for a while (HTTP 429)"),
      (301, .redirect, .unknown, "the vault's URL redirects (HTTP 301), which is never followed"),
      (302, .redirect, .unknown, "the vault's URL redirects (HTTP 302), which is never followed"),
      (307, .redirect, .unknown, "the vault's URL redirects (HTTP 307), which is never followed"),
      (308, .redirect, .unknown, "the vault's URL redirects (HTTP 308), which is never followed"),
      (400, .protocol, .unknown, "the vault refuses the request (HTTP 400)"),
      (404, .notMCP, .unknown, "no MCP endpoint answers at vault.url (HTTP 404)"),
      (405, .notMCP, .unknown, "no MCP endpoint answers at vault.url (HTTP 405)"),
      (202, .notMCP, .unknown, "no MCP endpoint answers at vault.url (HTTP 202)"),
      (204, .notMCP, .unknown, "no MCP endpoint answers at vault.url (HTTP 204)"),
      (500, .serverError, .unknown, "the vault failed (HTTP 500)"),
      (502, .serverError, .unknown, "the vault failed (HTTP 502)"),
      (503, .serverError, .unknown, "the vault failed (HTTP 503)"),
      (504, .serverError, .unknown, "the vault failed (HTTP 504)"),
    ] as [(Int, ModeReason, VaultFailure.Delivery, String)])
  func status_whenACallFails_saysWhyAndWhetherItMayBeSentAgain(
    status: Int, reason: ModeReason, delivery: VaultFailure.Delivery, detail: String
  ) async throws {
    // Redirects lead somewhere, and would be followed if anything followed them.
    let failure = try await failure(of: Reply(status, ["Location: http://127.0.0.1:9/mcp"]))
    #expect(failure == VaultFailure(reason, detail, delivery: delivery))
  }

  @Test(
    arguments: [
      (429, "7", 7000), (503, "2", 2000), (502, "0", 0), (429, "soon", nil), (401, "7", nil),
      (429, "999999", 3_600_000),
    ] as [(Int, String, Int64?)])
  func retryAfter_whenTheVaultIsBusy_isGiven(
    status: Int, text: String, expected: Int64?
  ) async throws {
    let failure = try await failure(of: Reply(status, ["Retry-After: \(text)"]))
    #expect(failure.retryAfter == expected.map { .milliseconds($0) })
  }

  @Test(arguments: [
    (Reply(502), true), (Reply(502, ["Retry-After: 1"]), false), (Reply(401), false),
    (Reply(400), true), (Reply(404), false), (Reply(raw: ""), true),
    (.error(-32603, "no"), false),
  ])
  func failure_whenTheAnswerWasLost_isALostOne(reply: Reply, isLost: Bool) async throws {
    #expect(try await failure(of: reply).isLostAnswer == isLost)
  }

  // MARK: Answers that are none

  @Test(
    arguments: [
      (
        Reply(200, ["Content-Type: text/html; charset=utf-8"], "<html>"), .notMCP,
        "an answer of type text/html came instead of an MCP message"
      ),
      (Reply(200, [], "{}"), .notMCP, "an answer without a type came instead of an MCP message"),
      (.json(""), .notMCP, "an empty answer came instead of an MCP message"),
      (.json(#"{"status":"ok"}"#), .notMCP, "the answer is no MCP message"),
      (.json(#"{"jsonrpc":"1.0","id":$ID,"result":{}}"#), .notMCP, "the answer is no MCP message"),
      (.json(#"{"jsonrpc":"2.0","id":$ID,"#), .protocol, "the vault's answer is broken JSON"),
      (
        .json(#"{"jsonrpc":"2.0","id":99,"result":{}}"#), .protocol,
        "the vault answered another request"
      ),
      (
        .json(#"{"jsonrpc":"2.0","id":"$ID","result":{}}"#), .protocol,
        "the vault answered another request"
      ),
      (
        .json(#"{"jsonrpc":"2.0","id":$ID}"#), .protocol,
        "the vault's answer has neither result nor error"
      ),
      (.result(#"{"isError":false}"#), .protocol, "the vault's answer holds no tool result"),
      (.result("7"), .protocol, "the vault's answer holds no tool result"),
      (.events(": ping\n\n"), .protocol, "the vault's answer broke off"),
      (
        .events(#"data: {"jsonrpc":"2.0","id":$ID,"result":{}}"#), .protocol,
        "the vault's answer broke off"
      ),
      (.events("data: {\n\n"), .protocol, "the vault's answer is broken JSON"),
      (
        .json("{}", ["Content-Encoding: gzip"]), .protocol,
        "the vault's answer is compressed (gzip), though memoryd asks for none: a proxy on the way may "
          + "do it"
      ),
      (Reply(raw: ""), .unreachable, "the vault closed the connection without an answer"),
      (Reply(raw: "SSH-2.0-Server\r\n"), .notMCP, "what answers at vault.url does not speak HTTP"),
    ] as [(Reply, ModeReason, String)])
  func answer_whenItIsNone_leavesTheWriteInDoubt(
    reply: Reply, reason: ModeReason, detail: String
  ) async throws {
    #expect(try await failure(of: reply) == VaultFailure(reason, detail, delivery: .unknown))
  }

  @Test func answer_whenItsBodyIsCutOff_brokeOff() async throws {
    let cut =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{\"json"
    let failure = try await failure(of: Reply(raw: cut))
    #expect(failure.reason == .protocol && failure.delivery == .unknown && failure.isLostAnswer)
    #expect(failure.detail.hasPrefix("the vault's answer broke off"))
  }

  // MARK: Errors of JSON-RPC and of tools

  @Test(
    arguments: [
      (-32602, "Invalid arguments for tool task", .refused),
      (-32602, "missing field: title", .refused),
      (-32602, "Unknown tool: task", .unknown),
      (-32602, "Tool task not found", .unknown),
      (-32602, "Output validation error", .unknown),
      (-32603, "Internal error", .unknown),
      (-32603, "Invalid arguments for tool task", .unknown),
      (-32000, "D1_ERROR", .unknown),
    ] as [(Int, String, VaultFailure.Delivery)])
  func rpcError_isAboutTheCall_andFinalWhereTheArgumentsAreRefused(
    code: Int, message: String, delivery: VaultFailure.Delivery
  ) async throws {
    #expect(
      try await failure(of: .error(code, message))
        == VaultFailure(
          .toolError, "the vault answered with error \(code): \(message)", delivery: delivery,
          isAboutThisCall: true))
  }

  @Test func rpcError_whenItHasNeitherCodeNorText_isTold() async throws {
    let failure = try await failure(of: .json(#"{"jsonrpc":"2.0","id":$ID,"error":{}}"#))
    #expect(failure.detail == "the vault answered with error 0: no message")
  }

  @Test(
    arguments: [
      (
        #"{"error":"decide requires: decision, rationale"}"#,
        "decide requires: decision, rationale", .refused
      ),
      (#"{"error":"KV PUT failed: 500"}"#, "KV PUT failed: 500", .unknown),
      (
        "MCP error -32602: Input validation error: x",
        "MCP error -32602: Input validation error: x", .refused
      ),
      ("something broke", "something broke", .unknown),
      (#"{"no":"error"}"#, #"{"no":"error"}"#, .unknown),
    ] as [(String, String, VaultFailure.Delivery)])
  func tool_whenItFails_isAboutTheCall(
    text: String, message: String, delivery: VaultFailure.Delivery
  ) async throws {
    #expect(
      try await failure(of: .tool(text, isError: true))
        == VaultFailure(
          .toolError, "the vault's tool failed: \(message)", delivery: delivery,
          isAboutThisCall: true))
  }

  @Test(
    arguments: [
      (.error(-32602, "Unknown tool: task"), true), (.error(-32601, "Tool task not found"), true),
      (.tool("Unknown tool", isError: true), true), (.error(-32603, "Task not found"), false),
      (Reply(404), false),
    ] as [(Reply, Bool)])
  func tool_whenTheServerHasNone_isUnknown(reply: Reply, isUnknown: Bool) async throws {
    #expect(try await failure(of: reply).isUnknownTool == isUnknown)
  }

  // MARK: Results

  @Test(
    arguments: [
      (.tool(#"{"id":"T"}"#), .object(["id": .string("T")])),
      (.tool("plain words"), .string("plain words")), (.tool(""), .string("")),
      (.result(#"{"content":[]}"#), .string("")),
      (
        .result(
          #"{"content":[{"type":"text","text":"a"},{"type":"image"},{"type":"text","text":"b"}]}"#),
        .string("a\nb")
      ),
      (.result(#"{"content":[{"text":"[1]"}],"isError":false}"#), .array([.integer(1)])),
      (
        .json(
          #"[{"jsonrpc":"2.0","method":"notifications/progress"},"#
            + #"{"jsonrpc":"2.0","id":$ID,"result":{"content":[{"text":"7"}]}}]"#), .integer(7)
      ),
      (
        .events(
          "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n"
            + "data: {\"jsonrpc\":\"2.0\",\"id\":77,\"result\":{}}\n\n"
            + "data: {\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"content\":[{\"text\":\"7\"}]}}\n\n"
        ),
        .integer(7)
      ),
      (
        Reply(
          200, ["content-type: Application/JSON; charset=utf-8", "Content-Encoding: identity"],
          #"{"jsonrpc":"2.0","id":$ID,"result":{"content":[{"text":"7"}]}}"#), .integer(7)
      ),
    ] as [(Reply, JSON)])
  func result_isTheTextOfTheContent_asJSONWhereItIsSome(
    reply: Reply, expected: JSON
  ) async throws {
    let vault = try await ScriptedVault(calls: reply)
    #expect(try await call(try client(vault)) == expected)
  }

  @Test func eventStream_whenTheAnswerIsThere_isNotReadToItsEnd() async throws {
    let vault = try await ScriptedVault(
      calls: .events(
        "data: {\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"content\":[{\"text\":\"7\"}]}}\n\n",
        staysOpen: true))
    #expect(try await call(try client(vault)) == .integer(7))
  }

  @Test func request_givesItsResultAsItCame() async throws {
    let vault = try await ScriptedVault(calls: .result(#"{"tools":[]}"#))
    let result = try await client(vault).request("tools/list", [:], deadline: soon)
    #expect(result == .object(["tools": .array([])]))
    #expect(vault.requests.last?.method == "tools/list")
  }

  // MARK: What is sent

  @Test func call_sendsTheHandshakeFirst_andOnlyOnce() async throws {
    let vault = try await ScriptedVault(calls: .tool("1"), session: "s-1")
    let client = try client(vault, toolPrefix: "portal_")
    try await call(client)
    try await call(client)
    #expect(
      vault.requests.map(\.method)
        == ["initialize", "notifications/initialized", "tools/call", "tools/call"])
    let hello = try #require(vault.requests.first)
    #expect(hello.body?["params"]?["clientInfo"]?["version"] == .string("1.2.3"))
    #expect(hello.body?["params"]?["protocolVersion"] == .string("2025-11-25"))
    #expect(hello.headers["mcp-session-id"] == nil && hello.headers["mcp-protocol-version"] == nil)
    for request in vault.requests {
      #expect(request.verb == "POST" && request.body?["jsonrpc"] == .string("2.0"))
      #expect(request.headers["authorization"] == "Bearer \(Self.token)")
      #expect(request.headers["accept"] == "application/json, text/event-stream")
      #expect(request.headers["accept-encoding"] == "identity")
      #expect(request.headers["content-type"] == "application/json")
    }
    for request in vault.requests.dropFirst() {
      #expect(request.headers["mcp-session-id"] == "s-1")
      #expect(request.headers["mcp-protocol-version"] == "2025-11-25")
    }
    #expect(vault.requests[1].body?["id"] == nil)
    #expect(
      vault.calls.first?.body?["params"]
        == .object(["name": .string("portal_task"), "arguments": .object(["a": .integer(1)])]))
    let ids = vault.requests.compactMap { $0.body?["id"]?.integer }
    #expect(Set(ids).count == 3)
  }

  @Test func key_goesWithTheCall_andOnlyThere() async throws {
    let vault = try await ScriptedVault(calls: .tool("1"))
    let client = try client(vault)
    _ = try await client.callTool("task", [:], isRead: false, key: "k-1", deadline: soon)
    try await call(client)
    #expect(
      vault.calls.map { $0.body?["params"]?["_meta"] }
        == [.object(["memoryd/idempotency_key": .string("k-1")]), nil])
  }

  @Test(arguments: [("", VaultEndpoint.Authentication.bearer), ("tok-0123456789", .path)])
  func header_whenTheTokenIsNoBearers_isNotSent(
    token: String, authentication: VaultEndpoint.Authentication
  ) async throws {
    let vault = try await ScriptedVault(calls: .tool("1"))
    try await call(try client(vault, token: token, authentication: authentication))
    #expect(vault.requests.count == 3)
    #expect(vault.requests.allSatisfy { $0.headers["authorization"] == nil })
  }

  // MARK: Sessions

  @Test(arguments: [false, true])
  func session_whenTheServerForgotIt_isOpenedAnewForTheSameCall(isRead: Bool) async throws {
    let vault = try await ScriptedVault(
      .init(
        handshakes: [
          .handshake("2025-11-25", session: "s-1"), .handshake("2025-11-25", session: "s-2"),
        ], calls: [Reply(404), .tool("7")]))
    #expect(try await call(try client(vault), isRead: isRead) == .integer(7))
    #expect(vault.calls.map { $0.headers["mcp-session-id"] } == ["s-1", "s-2"])
    #expect(vault.calls[0].body?["params"] == vault.calls[1].body?["params"])
    // The second handshake must not name the session that is gone.
    let hellos = vault.requests.filter { $0.method == "initialize" }
    #expect(hellos.count == 2 && hellos.allSatisfy { $0.headers["mcp-session-id"] == nil })
  }

  @Test func session_whenTheServerForgetsItAtOnce_isNotAskedForever() async throws {
    let vault = try await ScriptedVault(calls: Reply(404), session: "s")
    #expect(
      try await failure(try client(vault))
        == VaultFailure(
          .protocol, "the vault forgets each session at once (HTTP 404)", delivery: .notApplied))
    #expect(vault.calls.count == 2)
  }

  @Test func session_whenTheServerRefusesARead_isOpenedAnew() async throws {
    let vault = try await ScriptedVault(calls: Reply(400), .tool("7"), session: "s")
    #expect(try await call(try client(vault), isRead: true) == .integer(7))
  }

  @Test func session_whenTheServerRefusesAWrite_isOpenedAnewForTheNextCallAlone() async throws {
    let vault = try await ScriptedVault(calls: Reply(400), .tool("7"), session: "s")
    let client = try client(vault)
    #expect(
      try await failure(client)
        == VaultFailure(.protocol, "the vault refuses the request (HTTP 400)", delivery: .unknown))
    #expect(vault.calls.count == 1)
    #expect(try await call(client) == .integer(7))
    #expect(vault.requests.filter { $0.method == "initialize" }.count == 2)
  }

  /// The write went out again in a new session; what became of that is in doubt like any other.
  @Test func session_whenTheSecondTryFails_leavesTheWriteInDoubt() async throws {
    let vault = try await ScriptedVault(calls: Reply(404), Reply(502), session: "s")
    #expect(
      try await failure(try client(vault))
        == VaultFailure(.serverError, "the vault failed (HTTP 502)", delivery: .unknown))
    #expect(vault.calls.count == 2)
  }

  @Test func session_whenItCannotBeOpenedAgain_leavesTheWriteUndone() async throws {
    let vault = try await ScriptedVault(
      .init(
        handshakes: [.handshake("2025-11-25", session: "s"), Reply(502)], calls: [Reply(404)]))
    let failure = try await failure(try client(vault))
    #expect(failure.reason == .serverError && failure.delivery == .notApplied)
  }

  @Test func session_whenItIsClosed_isToldToTheServer() async throws {
    let vault = try await ScriptedVault(calls: .tool("1"), session: "s")
    let client = try client(vault)
    await client.close(deadline: soon)
    #expect(vault.requests.isEmpty)
    try await call(client)
    await client.close(deadline: soon)
    await client.close(deadline: soon)
    #expect(vault.requests.count == 4)
    #expect(vault.requests.last?.verb == "DELETE")
    #expect(vault.requests.last?.headers["mcp-session-id"] == "s")
  }

  @Test func close_whenTheServerKeepsNoSessions_saysNothing() async throws {
    let vault = try await ScriptedVault(calls: .tool("1"))
    let client = try client(vault)
    try await call(client)
    await client.close(deadline: soon)
    #expect(!vault.requests.contains { $0.verb == "DELETE" })
  }

  // MARK: The handshake

  @Test(
    arguments: [
      (Reply(401), .unauthorized, "the vault refuses the token (HTTP 401)"),
      (Reply(502), .serverError, "the vault failed (HTTP 502)"),
      (Reply(307), .redirect, "the vault's URL redirects (HTTP 307), which is never followed"),
      (Reply(404), .notMCP, "no MCP endpoint answers at vault.url (HTTP 404)"),
      (Reply(400), .protocol, "the vault refuses the request (HTTP 400)"),
      (
        .error(-32602, "Invalid arguments"), .toolError,
        "the vault answered with error -32602: Invalid arguments"
      ),
      (.result("{}"), .notMCP, "the vault's answer to initialize names no version"),
      (
        .handshake("1999-01-01"), .protocol,
        "the vault speaks an MCP version that memoryd does not"
      ),
      (Reply(raw: ""), .unreachable, "the vault closed the connection without an answer"),
    ] as [(Reply, ModeReason, String)])
  func handshake_whenItFails_meansThatNothingWasWritten(
    reply: Reply, reason: ModeReason, detail: String
  ) async throws {
    let vault = try await ScriptedVault(.init(handshakes: [reply]))
    let failure = try await failure(try client(vault))
    #expect(failure.reason == reason && failure.detail == detail)
    #expect(failure.delivery == .notApplied && !failure.isAboutThisCall)
    #expect(vault.calls.isEmpty)
  }

  @Test func handshake_whenItsNoteFails_isMadeAgainByTheNextCall() async throws {
    let vault = try await ScriptedVault(.init(note: Reply(503, ["Retry-After: 1"])))
    let client = try client(vault)
    for _ in 1...2 {
      let failure = try await failure(client)
      #expect(failure.reason == .serverError && failure.delivery == .notApplied)
      #expect(failure.retryAfter == .seconds(1))
    }
    #expect(vault.requests.filter { $0.method == "initialize" }.count == 2)
    #expect(vault.calls.isEmpty)
  }

  @Test func handshake_whenTheVersionIsRefused_offersTheOlderOnes() async throws {
    let vault = try await ScriptedVault(
      .init(handshakes: [Reply(400), Reply(400), .handshake("2025-03-26")]))
    try await call(try client(vault))
    #expect(
      vault.requests.compactMap { $0.body?["params"]?["protocolVersion"]?.string }
        == ["2025-11-25", "2025-06-18", "2025-03-26"])
    #expect(vault.calls.first?.headers["mcp-protocol-version"] == "2025-03-26")
  }

  @Test func handshake_whenEveryVersionIsRefused_ends() async throws {
    let vault = try await ScriptedVault(.init(handshakes: [Reply(400)]))
    _ = try await failure(try client(vault))
    #expect(vault.requests.count == MCPClient.versions.count)
  }

  @Test func handshake_whenTheServerChoosesAnOlderVersion_takesThat() async throws {
    let vault = try await ScriptedVault(.init(handshakes: [.handshake("2024-11-05")]))
    try await call(try client(vault))
    #expect(vault.calls.first?.headers["mcp-protocol-version"] == "2024-11-05")
  }

  @Test(arguments: [
    ("{}", false), (#"{"experimental":{}}"#, false), (#"{"memoryd/idempotency":{}}"#, false),
    (#"{"experimental":{"memoryd/idempotency":{}}}"#, true),
  ])
  func keys_areHonouredWhereTheServerSaysSo(capabilities: String, honours: Bool) async throws {
    let vault = try await ScriptedVault(
      .init(handshakes: [.handshake("2025-11-25", capabilities: capabilities)]))
    let client = try client(vault)
    #expect(await !client.honoursKeys)
    try await client.connect(deadline: soon)
    #expect(await client.honoursKeys == honours)
  }

  // MARK: Time and connections

  @Test func call_whenNoTimeIsLeft_isNotMade() async throws {
    let vault = try await ScriptedVault(calls: .tool("1"))
    let client = try client(vault)
    let failure = try await #require(throws: VaultFailure.self) {
      try await client.callTool("task", [:], isRead: false, deadline: .now - .seconds(1))
    }
    #expect(failure == .outOfTime && vault.requests.isEmpty)
  }

  @Test func call_whenTheTimeRunsOut_leavesTheWriteInDoubt() async throws {
    let vault = try await ScriptedVault(calls: Reply(raw: "", staysOpen: true))
    let client = try client(vault)
    try await client.connect(deadline: soon)
    let failure = try await failureInTime(client)
    #expect(failure == VaultFailure(.timeout, "the vault did not answer in time"))
    #expect(failure.delivery == .unknown)
  }

  @Test func answer_whenItsBodyNeverEnds_isCutOffInTime() async throws {
    let vault = try await ScriptedVault(
      calls: Reply(200, ["Content-Type: application/json"], "{", staysOpen: true))
    let client = try client(vault)
    try await client.connect(deadline: soon)
    let failure = try await failureInTime(client)
    #expect(failure == VaultFailure(.timeout, "the vault did not answer in time"))
  }

  @Test func connection_whenItIsRefused_meansThatNothingWasWritten() async throws {
    let client = MCPClient(
      endpoint: try VaultEndpoint(
        url: "http://127.0.0.1:9/mcp", token: "", authentication: .bearer), clientVersion: "0")
    #expect(
      try await failure(client)
        == VaultFailure(.unreachable, "connection refused", delivery: .notApplied))
  }

  @Test(arguments: [
    (Reply(400), "what answers at vault.url does not speak TLS"),
    (Reply(raw: ""), "the vault broke the TLS handshake off"),
  ])
  func tls_whenTheServerSpeaksNone_saysSo(hello: Reply, detail: String) async throws {
    let vault = try await ScriptedVault(.init(hello: hello))
    #expect(
      try await failure(try client(vault, scheme: "https"))
        == VaultFailure(.tls, detail, delivery: .notApplied))
    #expect(vault.requests.isEmpty)
  }

  // MARK: Secrets

  @Test func token_whenTheServerRepeatsIt_isNotShown() async throws {
    let failure = try await failure(of: .error(-32603, "no such user: \(Self.token)!"))
    #expect(failure.detail == "the vault answered with error -32603: no such user: [token]!")
  }

  @Test func token_whenItStandsInThePath_isNotShownEither() async throws {
    let vault = try await ScriptedVault(calls: .error(-32603, "at /0123456789abcdef/mcp"))
    let client = MCPClient(
      endpoint: try VaultEndpoint(
        url: "http://127.0.0.1:\(vault.port)/0123456789abcdef/mcp", token: "",
        authentication: .path), clientVersion: "0")
    #expect(try await failure(client).detail.hasSuffix("error -32603: at /[token]/mcp"))
  }

  @Test func detail_isOneLineOfALengthToRead() async throws {
    let failure = try await failure(
      of: .error(-32603, "a\nb\r\nc" + String(repeating: "x", count: 400)))
    #expect(failure.detail.hasPrefix("the vault answered with error -32603: a b cxxx"))
    #expect(failure.detail.count == 300 && failure.detail.hasSuffix("x…"))
  }
}
