import Continuity
import Core
import Foundation
import HTTPTypes
import Hummingbird
import IPC
import Logging
import MCPServer
import NIOCore
import NIOPosix
import Synchronization
import Vault

/// `/mcp` and `/health`. Source: MCP 2025-11-25 and 2026-07-28, "Transports", Streamable HTTP without
/// sessions: each POST is answered by itself.
struct MCPEndpoint: HTTPResponder {
  typealias Context = BasicRequestContext

  /// Bytes of one request.
  static let bodyLimit = 8 << 20
  /// Calls that run or wait for a thread; more are asked to come again.
  private static let mostCalls = 32
  /// Calls of the vault's own tools, which take minutes and no thread.
  private static let mostForwarded = 32
  private static let keepAlive = Duration.seconds(30)

  let guards: HTTPGuards
  let context: DaemonContext
  let pool: NIOThreadPool
  let environment: [String: String]
  let log: Logger
  private let running = Box(0)
  private let forwarded = Box(0)

  // MARK: Who and what

  func respond(to request: Request, context _: Context) async throws -> Response {
    let segments = HTTPGuards.segments(of: request.head.path ?? "/")
    // The first became the authority; what stands before or behind this server may go by the other.
    if let host = HTTPField.Name("host"), request.headers.contains(host) {
      return refused("two hosts", .badRequest, "Bad Request: more than one Host")
    }
    guard guards.admits(host: request.head.authority) else {
      return refused("host", .forbidden, "Forbidden: Host")
    }
    guard guards.admits(origin: request.headers[.origin]) else {
      return refused("origin", .forbidden, "Forbidden: Origin")
    }
    if segments == ["health"], request.method == .get { return await health() }
    let authorization = request.headers[.authorization]
    guard guards.admits(authorization: authorization, segments: segments) else {
      var response = refused(
        authorization == nil ? "no token" : "wrong token", .unauthorized, "Unauthorized")
      response.headers[.wwwAuthenticate] = "Bearer"
      return response
    }
    if segments == ["sse"] { return Self.error(.gone, "use /mcp") }
    guard segments.last == "mcp", segments.count <= 2 else {
      return Self.error(.notFound, "Not found")
    }
    switch request.method {
    case .post: return try await post(request)
    // No stream from the server, and no session to end.
    case .get, .delete: return Response(status: .noContent)
    default:
      var response = Self.error(.methodNotAllowed, "Method not allowed")
      response.headers[.allow] = "GET, POST, DELETE"
      return response
    }
  }

  private func refused(_ why: String, _ status: HTTPResponse.Status, _ text: String) -> Response {
    log.notice("http refused", metadata: ["reason": "\(why)"])
    var response = Self.error(status, text)
    // Nothing more is read of it.
    response.headers[.connection] = "close"
    return response
  }

  private static func error(_ status: HTTPResponse.Status, _ text: String) -> Response {
    json(JSON.object(["error": .string(text)]).bytes, status)
  }

  private static func json(_ bytes: [UInt8], _ status: HTTPResponse.Status = .ok) -> Response {
    Response(
      status: status, headers: [.contentType: "application/json"],
      body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
  }

  // MARK: Messages

  private func post(_ request: Request) async throws -> Response {
    let type = request.headers[.contentType]?.lowercased() ?? ""
    guard
      type.prefix(while: { $0 != ";" }).trimmingCharacters(in: .whitespaces)
        == "application/json"
    else { return Self.error(.unsupportedMediaType, "Content-Type must be application/json") }
    let headers = MCPEra.Headers(
      version: Self.header("mcp-protocol-version", request),
      method: Self.header("mcp-method", request), name: Self.header("mcp-name", request))
    // One who tells its method speaks a version without a handshake, maybe one that is not known here.
    if let version = Self.header("mcp-protocol-version", request),
      Self.header("mcp-method", request) == nil,
      !(MCPClient.versions + MCPEra.versions).contains(version)
    {
      return Self.json(
        MCPResponder.error(
          nil, -32000,
          "Bad Request: Unsupported protocol version: \(version.prefix(40)) (supported versions: "
            + MCPClient.versions.joined(separator: ", ") + ")"
        ).bytes,
        .badRequest)
    }
    if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > Self.bodyLimit {
      return tooLarge()
    }
    let bytes: [UInt8]
    do {
      bytes = Array(buffer: try await request.body.collect(upTo: Self.bodyLimit))
    } catch is NIOTooManyBytesError {
      return tooLarge()
    }
    guard enter(running, Self.mostCalls) else { return busy("too many calls at once") }
    guard Descriptors.areSpare() else {
      leave(running)
      return busy("this server is out of descriptors")
    }
    let reply: MCPResponder.Reply
    do {
      defer { leave(running) }
      reply = try await pool.runIfActive { receive(bytes, headers) }
    }
    context.wake()
    switch reply {
    case .nothing: return Response(status: .accepted)
    case .answer(let answer, let era):
      return Self.json(answer.bytes, Self.status(of: answer, era))
    case .answers: return Self.json(reply.bytes ?? [])
    case .forward(let call):
      guard enter(forwarded, Self.mostForwarded) else {
        return Self.json(call.refusal("too many of the vault's tools run at once").bytes)
      }
      let accept = request.headers[.accept] ?? ""
      return accept.contains("text/event-stream") ? stream(call) : await whole(call)
    }
  }

  private static func header(_ name: String, _ request: Request) -> String? {
    HTTPField.Name(name).flatMap { request.headers[$0] }
  }

  /// Without a handshake the status tells what the error's code does.
  private static func status(of answer: WireAnswer, _ era: MCPEra) -> HTTPResponse.Status {
    switch (answer.fields["error"]?["code"]?.integer, era) {
    case (nil, _): .ok
    case (MCPResponder.parseError, _): .badRequest
    case (_, .handshake): .ok
    case (-32601, .stateless): .notFound
    case (_, .stateless): .badRequest
    }
  }

  private func busy(_ why: String) -> Response {
    log.notice("http refused", metadata: ["reason": "\(why)"])
    var response = Self.error(.serviceUnavailable, why)
    response.headers[.retryAfter] = "1"
    return response
  }

  private func tooLarge() -> Response {
    log.notice("http refused", metadata: ["reason": "body too large"])
    var response = Self.error(.contentTooLarge, "a message may have \(Self.bodyLimit >> 20) MiB")
    response.headers[.connection] = "close"
    return response
  }

  private func receive(_ bytes: [UInt8], _ headers: MCPEra.Headers) -> MCPResponder.Reply {
    var ids = ULIDGenerator()
    let requestID = RequestID(rawValue: "http-\(ids.next(at: WallClock.system.now))")
    let invocation = Invocation(
      arguments: [], input: .none, cwd: "/", environment: environment, requestID: requestID,
      daemon: context)
    let tools = MCPToolbox(
      invocation: invocation, home: context.home.data, defaultProject: "inbox")
    return MCPResponder(tools: tools).receive(bytes, requestID: requestID, headers: headers)
  }

  private func enter(_ count: Box<Int>, _ limit: Int) -> Bool {
    count.change { number in
      guard number ?? 0 < limit else { return false }
      number = (number ?? 0) + 1
      return true
    }
  }

  private func leave(_ count: Box<Int>) { count.change { $0 = ($0 ?? 1) - 1 } }

  // MARK: Calls that take long

  private func whole(_ call: MCPResponder.Forwarded) async -> Response {
    defer { leave(forwarded) }
    return Self.json(await call.answer().bytes)
  }

  /// The answer as an event, with signs of life until it is there.
  private func stream(_ call: MCPResponder.Forwarded) -> Response {
    let (events, continuation) = AsyncStream.makeStream(of: ByteBuffer.self)
    let work = Task {
      let answer = await call.answer()
      leave(forwarded)
      continuation.yield(
        ByteBuffer(
          string: "event: message\ndata: " + String(decoding: answer.bytes, as: UTF8.self) + "\n\n")
      )
      continuation.finish()
    }
    let life = Task {
      while true {
        try await Task.sleep(for: Self.keepAlive)
        continuation.yield(ByteBuffer(string: ": keep-alive\n\n"))
      }
    }
    continuation.onTermination = { _ in
      life.cancel()
      work.cancel()
    }
    var headers: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-cache"]
    // A proxy in between must not gather them.
    if let name = HTTPField.Name("X-Accel-Buffering") { headers[name] = "no" }
    return Response(
      status: .ok, headers: headers,
      body: .init(asyncSequence: events))
  }

  // MARK: Health

  private func health() async -> Response {
    let answer = try? await pool.runIfActive { () -> JSON? in
      let invocation = Invocation(
        arguments: [], input: .none, cwd: "/", environment: environment, requestID: .ofNoWrite,
        daemon: context)
      let tools = MCPToolbox(invocation: invocation, home: context.home.data)
      let result = tools.call(HealthTool(), .object([:]), key: nil, requestID: .ofNoWrite)
      guard result["isError"] == nil else { return nil }
      return result["content"]?.array?.first?["text"]?.string.flatMap {
        JSON(parsing: $0.utf8)
      }
    }
    guard let health = answer ?? nil else {
      return Self.json(
        JSON.object(["status": .string("degraded"), "version": .string(Relay.version)]).bytes,
        .serviceUnavailable)
    }
    return Self.json(health.bytes)
  }
}
