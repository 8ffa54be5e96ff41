import AsyncHTTPClient
public import Core
import Foundation
import NIOCore
import NIOHTTP1
import Synchronization

/// A client of one MCP server over Streamable HTTP, as far as calling tools goes. Sources: MCP
/// 2025-11-25 and the versions before it, "Transports" and "Lifecycle"; 2026-07-28.
///
/// It shakes hands first, as vault-mcp needs it, and a server of both kinds takes it. One that refuses
/// it as a server without a handshake does is asked what it speaks: ``discover(_:)``.
public actor MCPClient {
  /// The versions of MCP with a handshake that memoryd speaks, newest first.
  public static let versions = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]

  /// The version without a handshake that memoryd speaks.
  public static let statelessVersion = "2026-07-28"
  /// Of MCP's own keys in `_meta`.
  public static let notePrefix = "io.modelcontextprotocol/"

  private struct Session {
    var version: String
    var id: String?
    var honoursKeys: Bool
    /// Each request stands by itself.
    var isStateless: Bool { version == statelessVersion }
  }

  /// What a server that honours ``MCPClient/keyName`` says among its experimental capabilities.
  public static let keyCapability = "memoryd/idempotency"
  /// In `_meta` of `tools/call`: the same key a second time changes nothing and gives the first
  /// result.
  public static let keyName = "memoryd/idempotency_key"

  private let endpoint: VaultEndpoint
  private let transport: HTTPTransport
  private let clientVersion: String
  private var session: Session?
  private var lastID = 0

  public init(endpoint: VaultEndpoint, clientVersion: String) {
    self.endpoint = endpoint
    self.clientVersion = clientVersion
    transport = HTTPTransport(
      certificateFile: endpoint.certificateFile, proxy: endpoint.proxy)
  }

  /// Shakes hands with the server, if that was not done yet.
  public func connect(deadline: ContinuousClock.Instant) async throws(VaultFailure) {
    do throws(VaultFailure) {
      try await initialize(deadline)
    } catch {
      throw censored(error)
    }
  }

  /// Calls a tool.
  ///
  /// - Parameters:
  ///   - isRead: Changes nothing on the server, so that it may be asked again where the server
  ///     has forgotten the session.
  ///   - key: For a server that honours keys; others pass it over.
  ///   - deadline: For everything that it takes, the handshake included.
  /// - Returns: The text of the result, as JSON where it is JSON.
  /// - Throws: ``VaultFailure``.
  public func callTool(
    _ name: String, _ arguments: [String: JSON], isRead: Bool, key: String? = nil,
    deadline: ContinuousClock.Instant
  ) async throws(VaultFailure) -> JSON {
    do throws(VaultFailure) {
      var parameters: [String: JSON] = [
        "name": .string(endpoint.toolPrefix + name), "arguments": .object(arguments),
      ]
      if let key { parameters["_meta"] = .object([Self.keyName: .string(key)]) }
      let answer = try await exchange("tools/call", parameters, isRead: isRead, deadline)
      return try Self.toolResult(try Self.result(of: answer))
    } catch {
      throw censored(error)
    }
  }

  /// Makes any request, and gives its result as it came.
  ///
  /// - Throws: ``VaultFailure``; a JSON-RPC error is one that is about this call.
  public func request(
    _ method: String, _ parameters: [String: JSON], deadline: ContinuousClock.Instant
  ) async throws(VaultFailure) -> JSON {
    do throws(VaultFailure) {
      return try Self.result(
        of: try await exchange(method, parameters, isRead: false, deadline))
    } catch {
      throw censored(error)
    }
  }

  /// True if the server keeps the promise of `memoryd/idempotency_key`; false before the handshake.
  public var honoursKeys: Bool { session?.honoursKeys ?? false }

  /// Tells a server that keeps sessions that this one is over; what it answers does not matter.
  public func close(deadline: ContinuousClock.Instant) async {
    guard let session, session.id != nil else { return }
    self.session = nil
    var request = HTTPClientRequest(url: endpoint.url)
    request.method = .DELETE
    request.headers = headers(session)
    _ = try? await transport.send(request, within: deadline - .now)
  }

  // MARK: Lifecycle

  private func initialize(_ deadline: ContinuousClock.Instant) async throws(VaultFailure) {
    if session != nil { return }
    do throws(VaultFailure) {
      for (index, version) in Self.versions.enumerated() {
        let answer = try await post(
          request(
            "initialize",
            [
              "protocolVersion": .string(version), "capabilities": .object([:]),
              "clientInfo": .object([
                "name": .string("memoryd"), "version": .string(clientVersion),
              ]),
            ]), deadline)
        if Self.isStateless(answer) { return try await discover(deadline) }
        // A server that does not know the version should pick another, and may refuse instead.
        if answer.status == 400, index + 1 < Self.versions.count { continue }
        let result = try Self.result(of: answer)
        guard let chosen = result["protocolVersion"]?.string else {
          throw VaultFailure(.notMCP, "the vault's answer to initialize names no version")
        }
        guard Self.versions.contains(chosen) else {
          throw VaultFailure(.protocol, "the vault speaks an MCP version that memoryd does not")
        }
        session = Session(
          version: chosen, id: answer.headers.first(name: "mcp-session-id"),
          honoursKeys: result["capabilities"]?["experimental"]?[Self.keyCapability] != nil)
        break
      }
      let note = JSON.object([
        "jsonrpc": .string("2.0"), "method": .string("notifications/initialized"),
      ])
      let answer = try await post((id: 0, body: note), deadline)
      if answer.status >= 300 { throw Self.failure(status: answer) }
    } catch {
      session = nil
      // Whatever went wrong: no tool was called.
      var failure = error
      failure.delivery = .notApplied
      failure.isAboutThisCall = false
      throw failure
    }
  }

  /// Errors that only a server without a handshake has: header mismatch, missing capability,
  /// unsupported version. Source: MCP 2026-07-28, "Errors".
  private static let statelessErrors = -32022 ... -32020

  /// True if a server refuses the handshake as one that has none.
  private static func isStateless(_ answer: Answer) -> Bool {
    guard let error = answer.message?["error"], let code = error["code"]?.integer else {
      return false
    }
    return statelessErrors.contains(code) || code == -32601
      || error["data"]?["supported"]?.strings.contains(statelessVersion) == true
  }

  private func discover(_ deadline: ContinuousClock.Instant) async throws(VaultFailure) {
    session = Session(version: Self.statelessVersion, id: nil, honoursKeys: false)
    let result = try Self.result(of: try await post(request("server/discover", [:]), deadline))
    guard result["supportedVersions"]?.strings.contains(Self.statelessVersion) == true else {
      throw VaultFailure(.protocol, "the vault speaks an MCP version that memoryd does not")
    }
    session?.honoursKeys =
      result["capabilities"]?["experimental"]?[Self.keyCapability] != nil
  }

  /// What each request without a handshake says of itself.
  private var notes: [String: JSON] {
    let prefix = Self.notePrefix
    return [
      prefix + "protocolVersion": .string(Self.statelessVersion),
      prefix + "clientCapabilities": .object([:]),
      prefix + "clientInfo": .object([
        "name": .string("memoryd"), "version": .string(clientVersion),
      ]),
    ]
  }

  // MARK: Requests

  /// One request and its answer, in a session that the server knows.
  ///
  /// A server that has ended the session answers 404 and has not looked at the request, so that it
  /// goes out again in a new session, a write too. Source: MCP 2025-11-25, "Session Management".
  private func exchange(
    _ method: String, _ parameters: [String: JSON], isRead: Bool,
    _ deadline: ContinuousClock.Instant
  ) async throws(VaultFailure) -> Answer {
    try await initialize(deadline)
    let answer = try await post(request(method, parameters), deadline)
    // Some servers say 400, which for a write might mean something else.
    guard session?.id != nil, answer.status == 404 || answer.status == 400 else { return answer }
    session = nil
    guard isRead || answer.status == 404 else { return answer }
    try await initialize(deadline)
    let second = try await post(request(method, parameters), deadline)
    guard second.status == 404, session?.id != nil else { return second }
    throw VaultFailure(
      .protocol, "the vault forgets each session at once (HTTP 404)", delivery: .notApplied)
  }

  private func request(
    _ method: String, _ parameters: [String: JSON]
  ) -> (id: Int, body: JSON) {
    lastID += 1
    var parameters = parameters
    if session?.isStateless == true {
      let own = parameters["_meta"]?.object ?? [:]
      parameters["_meta"] = .object(own.merging(notes) { $1 })
    }
    return (
      lastID,
      .object([
        "jsonrpc": .string("2.0"), "id": .integer(lastID), "method": .string(method),
        "params": .object(parameters),
      ])
    )
  }

  private func headers(_ session: Session?) -> HTTPHeaders {
    var headers = HTTPHeaders([
      ("Accept", "application/json, text/event-stream"), ("Accept-Encoding", "identity"),
    ])
    if endpoint.authentication == .bearer, !endpoint.token.isEmpty {
      headers.add(name: "Authorization", value: "Bearer \(endpoint.token)")
    }
    if let session {
      headers.add(name: "MCP-Protocol-Version", value: session.version)
      if let id = session.id { headers.add(name: "Mcp-Session-Id", value: id) }
    }
    return headers
  }

  /// What is not plain ASCII, or could be taken for what is encoded, is encoded.
  static func headerValue(_ text: String) -> String {
    let isPlain =
      !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
      && !text.hasPrefix("=?")
    return isPlain ? text : "=?base64?\(Data(text.utf8).base64EncodedString())?="
  }

  private struct Answer {
    var status: Int
    var headers: HTTPHeaders
    var contentType: String
    /// The JSON-RPC message with the request's id.
    var message: JSON?
    var isEmpty: Bool
    /// True if JSON stood there that no parser takes.
    var isBroken: Bool
    /// True if JSON-RPC stood there, but no answer to this request.
    var isStray: Bool
  }

  private func post(
    _ request: (id: Int, body: JSON), _ deadline: ContinuousClock.Instant
  ) async throws(VaultFailure) -> Answer {
    var http = HTTPClientRequest(url: endpoint.url)
    http.method = .POST
    http.headers = headers(session)
    http.headers.add(name: "Content-Type", value: "application/json")
    if session?.isStateless == true, let method = request.body["method"]?.string {
      http.headers.add(name: "Mcp-Method", value: method)
      if method == "tools/call", let name = request.body["params"]?["name"]?.string {
        http.headers.add(name: "Mcp-Name", value: Self.headerValue(name))
      }
    }
    http.body = .bytes(ByteBuffer(bytes: request.body.bytes))
    let isCall = request.id > 0
    let reading = Mutex(Reading(id: request.id))
    let answer = try await transport.send(http, within: deadline - .now) { answer, chunk in
      guard isCall, answer.contentType == "text/event-stream" else { return false }
      return reading.withLock { $0.receive(events: chunk) }
    }
    return reading.withLock { reading in
      if isCall, answer.contentType == "application/json", !answer.body.isEmpty {
        reading.receive(message: answer.body)
      }
      return Answer(
        status: answer.status, headers: answer.headers, contentType: answer.contentType,
        message: reading.found, isEmpty: answer.body.isEmpty, isBroken: reading.isBroken,
        isStray: reading.isStray)
    }
  }

  /// Looks for the answer to one request in what comes in.
  private struct Reading {
    let id: Int
    var events = ServerSentEvents()
    var found: JSON?
    var isBroken = false
    var isStray = false

    init(id: Int) { self.id = id }

    /// - Returns: True once the answer is there.
    mutating func receive(events chunk: [UInt8]) -> Bool {
      for event in events.append(chunk) { receive(message: event) }
      return found != nil
    }

    mutating func receive(message bytes: [UInt8]) {
      guard let message = JSON(parsing: bytes) else {
        isBroken = true
        return
      }
      // A batch of messages is a version of 2025-03-26.
      for message in message.array ?? [message] where message["jsonrpc"]?.string == "2.0" {
        if message["id"]?.integer == id, message["method"] == nil {
          found = message
        } else if message["method"] == nil {
          isStray = true
        }
      }
    }
  }

  // MARK: Answers

  private static func result(of answer: Answer) throws(VaultFailure) -> JSON {
    if answer.status != 200 {
      guard let error = answer.message?["error"] else { throw failure(status: answer) }
      throw failure(error, status: answer.status)
    }
    let isStream = answer.contentType == "text/event-stream"
    guard isStream || answer.contentType == "application/json" else {
      let what = answer.contentType.isEmpty ? "without a type" : "of type \(answer.contentType)"
      throw VaultFailure(.notMCP, "an answer \(what) came instead of an MCP message")
    }
    guard let message = answer.message else {
      if answer.isBroken || answer.isStray || isStream {
        throw VaultFailure(
          .protocol,
          answer.isBroken
            ? "the vault's answer is broken JSON"
            : answer.isStray
              ? "the vault answered another request" : "the vault's answer broke off")
      }
      throw VaultFailure(
        .notMCP,
        answer.isEmpty
          ? "an empty answer came instead of an MCP message" : "the answer is no MCP message")
    }
    if let error = message["error"] { throw failure(error, status: 200) }
    guard let result = message["result"] else {
      throw VaultFailure(.protocol, "the vault's answer has neither result nor error")
    }
    // Absent, it is complete. memoryd offers nothing that a server may ask for in between.
    if let type = result["resultType"]?.string, type != "complete" {
      throw VaultFailure(
        .toolError, "the vault's answer is of the kind \(type), which memoryd does not know",
        isAboutThisCall: true)
    }
    return result
  }

  private static func failure(_ error: JSON, status: Int) -> VaultFailure {
    let code = error["code"]?.integer ?? 0
    let text = error["message"]?.string ?? "no message"
    let detail = "the vault answered with error \(code): \(text)"
    // The request as such was refused, whatever it was about.
    if status != 200, code != -32602 {
      return VaultFailure(.protocol, "\(detail) (HTTP \(status))")
    }
    // -32602: invalid params. Source: JSON-RPC 2.0, 5.1.
    return VaultFailure(
      .toolError, detail,
      delivery: code == -32602 && isValidation(text, isJSON: false, isCoded: true)
        ? .refused : .unknown, isAboutThisCall: true)
  }

  static func toolResult(_ result: JSON) throws(VaultFailure) -> JSON {
    guard let content = result["content"]?.array else {
      throw VaultFailure(.protocol, "the vault's answer holds no tool result")
    }
    let text = content.compactMap { $0["text"]?.string }.joined(separator: "\n")
    let payload = JSON(parsing: text.utf8)
    guard result["isError"] == .bool(true) else { return payload ?? .string(text) }
    let message = payload?["error"]?.string ?? text
    throw VaultFailure(
      .toolError, "the vault's tool failed: \(message)",
      delivery: isValidation(message, isJSON: payload != nil) ? .refused : .unknown,
      isAboutThisCall: true)
  }

  /// The server's own check of the arguments: nothing was carried out, and the same arguments
  /// will never be taken. Sources: the MCP SDKs' texts, and the recorded refusals of vault-mcp.
  static func isValidation(
    _ message: String, isJSON: Bool, isCoded: Bool = false
  ) -> Bool {
    if isJSON {
      // `task.add failed: context required when source=auto`, `decide requires: decision, …`
      let words = message.split(separator: " ", maxSplits: 2)
      return message.hasSuffix("context required when source=auto")
        || (words.count == 3 && words[1] == "requires:")
    }
    let text = message.lowercased()
    if text.contains("input validation error") || text.contains("invalid arguments for tool") {
      return true
    }
    // The check of a tool's output comes after the tool; and a tool may be missing for a while.
    if text.contains("output validation") || text.contains("unknown tool")
      || (text.contains("tool ") && text.contains(" not found"))
    {
      return false
    }
    return isCoded || text.contains("-32602") || text.contains("validation error")
      || text.contains("invalid arguments")
  }

  private static func failure(status answer: Answer) -> VaultFailure {
    let status = answer.status
    switch status {
    case 401, 403:
      return VaultFailure(
        .unauthorized, "the vault refuses the token (HTTP \(status))", delivery: .notApplied)
    case 429:
      return VaultFailure(
        .rateLimited, "the vault asks to be left alone for a while (HTTP 429)",
        delivery: .notApplied, retryAfter: RetryAfter.wait(answer.headers))
    case 300..<400:
      return VaultFailure(
        .redirect, "the vault's URL redirects (HTTP \(status)), which is never followed")
    case 500...:
      return VaultFailure(
        .serverError, "the vault failed (HTTP \(status))",
        retryAfter: RetryAfter.wait(answer.headers))
    case 400:
      return VaultFailure(.protocol, "the vault refuses the request (HTTP 400)")
    default:
      return VaultFailure(.notMCP, "no MCP endpoint answers at vault.url (HTTP \(status))")
    }
  }

  /// What a server says may hold what it was sent.
  nonisolated func censored(_ failure: VaultFailure) -> VaultFailure {
    var failure = failure
    for secret in endpoint.secrets {
      failure.detail = failure.detail.replacing(secret, with: "[token]")
    }
    let line = failure.detail.split(whereSeparator: \.isNewline).joined(separator: " ")
    failure.detail = line.count > 300 ? String(line.prefix(299)) + "…" : line
    return failure
  }
}
