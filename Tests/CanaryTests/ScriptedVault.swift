import Core
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// A server in this process, on a free port of the loopback, that says byte for byte what a test has
/// it say. Every answer but a ``Reply/staysOpen`` one ends its connection.
final class ScriptedVault: Sendable {
  struct Request: Sendable {
    var verb: String
    /// By names in small letters.
    var headers: [String: String]
    var body: JSON?

    var method: String? { body?["method"]?.string }
  }

  struct Reply: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// The whole answer; `$ID` becomes the request's id.
    var text: String
    /// True for an answer without an end.
    var staysOpen = false

    /// Without a length where it stays open.
    init(
      _ status: Int = 200, _ headers: [String] = [], _ body: String = "", staysOpen: Bool = false
    ) {
      testDescription = ["\(status)", headers.joined(separator: ", "), body]
        .filter { !$0.isEmpty }.joined(separator: " ")
      let length = staysOpen ? [] : ["Content-Length: $LENGTH", "Connection: close"]
      text =
        (["HTTP/1.1 \(status) Said"] + headers + length).joined(separator: "\r\n")
        + "\r\n\r\n" + body
      self.staysOpen = staysOpen
    }

    init(raw text: String, staysOpen: Bool = false) {
      testDescription = text.isEmpty ? "nothing" : text.debugDescription
      self.text = text
      self.staysOpen = staysOpen
    }

    static func json(_ body: String, _ headers: [String] = []) -> Reply {
      Reply(200, ["Content-Type: application/json"] + headers, body)
    }

    static func result(_ result: String, _ headers: [String] = []) -> Reply {
      json(#"{"jsonrpc":"2.0","id":$ID,"result":\#(result)}"#, headers)
    }

    static func error(_ code: Int, _ message: String) -> Reply {
      let error = JSON.object(["code": .integer(code), "message": .string(message)])
      let text = String(decoding: error.bytes, as: UTF8.self)
      return json(#"{"jsonrpc":"2.0","id":$ID,"error":\#(text)}"#)
    }

    /// The result of a tool.
    static func tool(_ text: String, isError: Bool = false) -> Reply {
      let content = JSON.array([.object(["type": .string("text"), "text": .string(text)])])
      let coded = String(decoding: content.bytes, as: UTF8.self)
      return result(#"{"content":\#(coded),"isError":\#(isError)}"#)
    }

    static func events(_ text: String, staysOpen: Bool = false) -> Reply {
      Reply(200, ["Content-Type: text/event-stream"], text, staysOpen: staysOpen)
    }

    static func handshake(
      _ version: String, capabilities: String = "{}", session: String? = nil
    ) -> Reply {
      result(
        #"{"protocolVersion":"\#(version)","capabilities":\#(capabilities)}"#,
        session.map { ["Mcp-Session-Id: \($0)"] } ?? [])
    }

    fileprivate func bytes(to request: Request) -> [UInt8] {
      let id = request.body?["id"]?.integer ?? 0
      var text = text.replacing("$ID", with: "\(id)")
      if let end = text.firstRange(of: "\r\n\r\n") {
        text = text.replacing("$LENGTH", with: "\(text[end.upperBound...].utf8.count)")
      }
      return Array(text.utf8)
    }
  }

  /// What it says to what; the last of each list again and again.
  struct Script: Sendable {
    var handshakes = [Reply.handshake("2025-11-25")]
    var note = Reply(202)
    var calls = [Reply.tool("{}")]
    /// To anybody who begins with TLS.
    var hello = Reply(400)
  }

  private struct State: Sendable {
    var script: Script
    var requests: [Request] = []
  }

  private let state: Mutex<State>
  private let channel: Mutex<(any Channel)?> = Mutex(nil)

  init(_ script: Script) async throws {
    state = Mutex(State(script: script))
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { [weak self] channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Connection(self))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    channel.withLock { $0 = server }
  }

  convenience init(calls: Reply..., session: String? = nil) async throws {
    try await self.init(
      Script(handshakes: [.handshake("2025-11-25", session: session)], calls: calls))
  }

  deinit { channel.withLock { $0?.close(promise: nil) } }

  var port: Int { channel.withLock { $0?.localAddress?.port ?? 0 } }

  /// Everything that came, in its order.
  var requests: [Request] { state.withLock { $0.requests } }

  /// What was asked beyond the handshake.
  var calls: [Request] { requests.filter { $0.method == "tools/call" } }

  fileprivate func answer(_ request: Request) -> (bytes: [UInt8], staysOpen: Bool) {
    let reply = state.withLock { state -> Reply in
      func next(_ replies: inout [Reply]) -> Reply {
        replies.count > 1 ? replies.removeFirst() : replies.first ?? Reply(500)
      }
      state.requests.append(request)
      return switch request.method {
      case "initialize": next(&state.script.handshakes)
      case "notifications/initialized": state.script.note
      default: next(&state.script.calls)
      }
    }
    return (reply.bytes(to: request), reply.staysOpen)
  }

  fileprivate var hello: [UInt8] { state.withLock { Array($0.script.hello.text.utf8) } }
}

/// One connection: takes a request as soon as it is whole.
private final class Connection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private weak let vault: ScriptedVault?
  private var received: [UInt8] = []

  init(_ vault: ScriptedVault?) { self.vault = vault }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    received += Self.unwrapInboundIn(data).readableBytesView
    guard let vault else { return context.close(promise: nil) }
    if received.first == 0x16 { return say(vault.hello, context, staysOpen: false) }
    guard let request = request() else { return }
    received = []
    let (bytes, staysOpen) = vault.answer(request)
    say(bytes, context, staysOpen: staysOpen)
  }

  private func say(_ bytes: [UInt8], _ context: ChannelHandlerContext, staysOpen: Bool) {
    if !bytes.isEmpty {
      context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }
    if !staysOpen { context.close(promise: nil) }
  }

  private func request() -> ScriptedVault.Request? {
    guard let end = received.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
    let head = String(decoding: received[..<end.lowerBound], as: UTF8.self)
    let lines = head.split(separator: "\r\n")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] = String(
        line[line.index(after: colon)...].drop { $0 == " " })
    }
    let body = received[end.upperBound...]
    guard body.count >= Int(headers["content-length"] ?? "0") ?? 0 else { return nil }
    return ScriptedVault.Request(
      verb: String(lines.first?.prefix { $0 != " " } ?? ""), headers: headers,
      body: JSON(parsing: body))
  }
}
