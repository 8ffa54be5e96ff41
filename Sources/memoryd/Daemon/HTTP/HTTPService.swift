import Continuity
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// MCP over HTTP. Off until somebody asks for it.
struct HTTPService: Service {
  /// Connections at once, and the part of all descriptors that they may have: the store comes first.
  private static let mostConnections = 128
  private static let shareOfDescriptors = 8
  /// Threads that carry out calls: apart from those of the socket, so that neither starves the
  /// other.
  private static let threads = 4

  private let address: HTTPAddress
  private let endpoint: MCPEndpoint
  private let connections: HTTPConnections
  private let pool = NIOThreadPool(numberOfThreads: Self.threads)
  private let log: Logger
  /// Where the token stands.
  private let source: String
  private let announce: @Sendable (String) -> Void

  /// - Returns: Nil where HTTP is off.
  /// - Throws: ``CommandError`` where the token is not to be used.
  init?(
    call: CallContext, flag: String?, invocation: Invocation, context: DaemonContext,
    descriptors: Int, log: Logger, announce: @escaping @Sendable (String) -> Void
  ) throws {
    guard let address = HTTPAddress(flag ?? call.settings[.httpListen]) else { return nil }
    let token = try HTTPToken.find(call)
    self.address = address
    connections = HTTPConnections(
      most: max(4, min(Self.mostConnections, descriptors / Self.shareOfDescriptors)))
    self.log = log
    pool.start()
    var request = invocation
    // Whoever calls is not in the session or folder in which the daemon was started.
    request.environment["CLAUDE_CODE_SESSION_ID"] = nil
    request.cwd = "/"
    let environment = request.environment
    endpoint = MCPEndpoint(
      guards: HTTPGuards(
        token: token, boundHost: address.host,
        hosts: call.settings.list(.httpAllowedHosts),
        origins: call.settings.list(.httpAllowedOrigins)),
      context: context, pool: pool, environment: environment, log: log)
    source = token.source
    self.announce = announce
  }

  func run() async throws {
    let context = endpoint.context
    let (source, announce, isLoopback) = (source, announce, address.isLoopback)
    let (guards, connections) = (endpoint.guards, connections)
    let host = address.host.contains(":") ? "[\(address.host)]" : address.host
    let application = Application(
      responder: endpoint,
      server: .http1(
        configuration: .init(
          additionalChannelHandlers: [HTTPTimeLimit(guards, connections)],
          idleTimeout: .seconds(120))),
      configuration: .init(
        address: .hostname(address.host, port: address.port), serverName: nil),
      onServerRunning: { channel in
        let port = channel.localAddress?.port ?? 0
        let url = "http://\(host):\(port)/mcp"
        context.change { $0.httpURL = url }
        announce("MCP at \(url), the token is in \(source)\n")
        if !isLoopback { announce("note: other machines can reach \(host)\n") }
      }, eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup(numberOfThreads: 1)),
      logger: log)
    do {
      try await application.run()
    } catch let error as IOError {
      throw CommandError(
        .inputOutput, "http",
        "cannot listen at \(host):\(address.port): \(String(cString: strerror(error.errnoCode)))",
        hint: "another program may have the port; choose one with --http or http.listen")
    }
  }
}
