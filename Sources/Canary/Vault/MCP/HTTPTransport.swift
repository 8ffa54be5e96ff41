import AsyncHTTPClient
import Core
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// One POST or DELETE at a time, bounded in time and size, and never redirected.
struct HTTPTransport: Sendable {
  /// The whole answer of the largest call, `backup`; a page that never ends is cut off here, bytes.
  static let bodyLimit = 32 << 20

  struct Answer: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var body: [UInt8]

    var contentType: String {
      let whole = headers.first(name: "content-type") ?? ""
      return whole.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
    }

    /// How the body is packed; nil where it stands as it is.
    var coding: String? {
      let names = headers[canonicalForm: "content-encoding"].map { $0.lowercased() }
      return names.first { !$0.isEmpty && $0 != "identity" }.map { String($0.prefix(20)) }
    }
  }

  private let client: HTTPClient
  private let isProxied: Bool

  init(certificateFile: String?, proxy: VaultProxy?) {
    client = Self.shared(Trust(certificateFile: certificateFile, proxy: proxy))
    isProxied = proxy != nil
  }

  /// - Parameters:
  ///   - limit: For all of it: connection, answer and the last byte of its body.
  ///   - isComplete: Sees status, type and each piece of a successful answer's body; true ends the
  ///     reading, as an event stream may stay open after its last event.
  /// - Throws: ``VaultFailure``.
  func send(
    _ request: HTTPClientRequest, within limit: Duration,
    until isComplete: @escaping @Sendable (Answer, _ chunk: [UInt8]) -> Bool = { _, _ in false }
  ) async throws(VaultFailure) -> Answer {
    guard limit > .zero else {
      throw .outOfTime
    }
    // The client's own deadline ends with the head of the answer.
    let exchange = Task { await Self.exchange(client, request, limit, isProxied, isComplete) }
    let alarm = Task {
      try await Task.sleep(for: limit)
      exchange.cancel()
    }
    defer { alarm.cancel() }
    return try await exchange.value.get()
  }

  private static func exchange(
    _ client: HTTPClient, _ request: HTTPClientRequest, _ limit: Duration, _ isProxied: Bool,
    _ isComplete: @Sendable (Answer, [UInt8]) -> Bool
  ) async -> Result<Answer, VaultFailure> {
    let nanoseconds =
      limit.components.seconds * 1_000_000_000 + limit.components.attoseconds / 1_000_000_000
    var isAnswered = false
    do {
      let response = try await client.execute(
        request, deadline: .now() + .nanoseconds(nanoseconds))
      var answer = Answer(
        status: Int(response.status.code), headers: response.headers, body: [])
      isAnswered = true
      if answer.status >= 300 {
        // An MCP error may say more than its status; nothing else that comes with one is looked at.
        if [400, 404].contains(answer.status), answer.contentType == "application/json" {
          answer.body = await start(of: response.body)
        }
        return .success(answer)
      }
      if let coding = answer.coding {
        return .failure(
          VaultFailure(
            .protocol,
            "the vault's answer is compressed (\(coding)), though memoryd asks for none: a proxy on "
              + "the way may do it"))
      }
      var size = 0
      for try await var piece in response.body {
        let chunk = piece.readBytes(length: piece.readableBytes) ?? []
        size += chunk.count
        guard size <= bodyLimit else {
          return .failure(
            VaultFailure(.protocol, "the vault's answer is larger than \(bodyLimit >> 20) MiB"))
        }
        if isComplete(answer, chunk) { return .success(answer) }
        answer.body += chunk
      }
      return Task.isCancelled ? .failure(late) : .success(answer)
    } catch {
      return .failure(
        Task.isCancelled ? late : failure(error, isAnswered: isAnswered, isProxied: isProxied))
    }
  }

  /// Bytes of an error that are looked at.
  private static let errorLimit = 65_536

  /// - Returns: Nothing of what is longer, or breaks off.
  private static func start(of body: HTTPClientResponse.Body) async -> [UInt8] {
    guard var buffer = try? await body.collect(upTo: errorLimit) else { return [] }
    return buffer.readBytes(length: buffer.readableBytes) ?? []
  }

  private static let late = VaultFailure(.timeout, "the vault did not answer in time")

  // MARK: Errors

  private static func failure(
    _ error: any Error, isAnswered: Bool, isProxied: Bool
  ) -> VaultFailure {
    switch error {
    case let error as HTTPClientError:
      switch error {
      case .deadlineExceeded, .connectTimeout, .readTimeout, .writeTimeout, .cancelled,
        .getConnectionFromPoolTimeout:
        return late
      case .tlsHandshakeTimeout:
        return VaultFailure(.tls, "the vault did not finish the TLS handshake in time")
      case .proxyAuthenticationRequired:
        return VaultFailure(
          .unreachable, "the proxy asks for a user and a password (HTTP 407)",
          delivery: .notApplied)
      case .invalidProxyResponse:
        return VaultFailure(
          .unreachable, "the proxy does not connect to the vault", delivery: .notApplied)
      case .httpProxyHandshakeTimeout, .socksHandshakeTimeout:
        return VaultFailure(
          .timeout, "the proxy did not connect to the vault in time", delivery: .notApplied)
      case .remoteConnectionClosed where !isAnswered:
        return VaultFailure(.unreachable, "the vault closed the connection without an answer")
      case .invalidURL, .emptyHost, .emptyScheme:
        return VaultFailure(
          .misconfigured, "vault.url is no http or https URL", delivery: .notApplied)
      default:
        return cut(isAnswered, error.shortDescription)
      }
    case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
      return TLSProblem.failure(error, isAnswered: isAnswered)
    case let error as NIOConnectionError:
      return connectionFailure(error, isProxied: isProxied)
    case let error as IOError:
      if error.errnoCode == ECONNREFUSED { return refused(isProxied: isProxied) }
      return cut(isAnswered, "I/O error \(error.errnoCode)")
    case is HTTPParserError:
      return isAnswered
        ? VaultFailure(.protocol, "the vault's answer broke off")
        : VaultFailure(.notMCP, "what answers at vault.url does not speak HTTP")
    default:
      return cut(isAnswered, "\(type(of: error))")
    }
  }

  private static func refused(isProxied: Bool) -> VaultFailure {
    VaultFailure(
      .unreachable, isProxied ? "the proxy refuses the connection" : "connection refused",
      delivery: .notApplied)
  }

  private static func cut(_ isAnswered: Bool, _ what: String) -> VaultFailure {
    isAnswered
      ? VaultFailure(.protocol, "the vault's answer broke off (\(what))")
      : VaultFailure(.unreachable, "the connection to the vault failed (\(what))")
  }

  private static func connectionFailure(
    _ error: NIOConnectionError, isProxied: Bool
  ) -> VaultFailure {
    let attempts = error.connectionErrors.map(\.error)
    if attempts.isEmpty, error.dnsAError != nil || error.dnsAAAAError != nil {
      return VaultFailure(
        .unreachable, "the \(isProxied ? "proxy's host" : "host") \(error.host) is not known",
        delivery: .notApplied)
    }
    let codes = attempts.compactMap { ($0 as? IOError)?.errnoCode }
    if codes.count == attempts.count, codes.allSatisfy({ $0 == ECONNREFUSED }) {
      return refused(isProxied: isProxied)
    }
    if attempts.contains(where: { $0 is ChannelError }) {
      return VaultFailure(
        .timeout, "the vault did not answer in time", delivery: .notApplied)
    }
    return VaultFailure(
      .unreachable, "no connection to the vault (error \(codes.first ?? 0))",
      delivery: .notApplied)
  }

  // MARK: The client

  /// What makes one client another.
  private struct Trust: Hashable {
    var certificateFile: String?
    var proxy: VaultProxy?
  }

  /// One for each of these, for the life of the process: a client may not go away while a request
  /// runs.
  private static let clients = Mutex<[Trust: HTTPClient]>([:])

  private static func shared(_ trust: Trust) -> HTTPClient {
    clients.withLock { clients in
      if let client = clients[trust] { return client }
      let client = HTTPClient(
        eventLoopGroupProvider: .shared(group), configuration: configuration(trust))
      clients[trust] = client
      return client
    }
  }

  private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

  private static func configuration(_ trust: Trust) -> HTTPClient.Configuration {
    var tls = TLSConfiguration.makeClientConfiguration()
    if let certificateFile = trust.certificateFile {
      tls.additionalTrustRoots = [.file(certificateFile)]
    }
    var configuration = HTTPClient.Configuration(
      tlsConfiguration: trust.certificateFile == nil ? nil : tls,
      redirectConfiguration: .disallow, timeout: .init(), proxy: trust.proxy?.configuration,
      decompression: .disabled)
    // HTTP/1.1 only: over HTTP/2 the library may send a request again by itself.
    configuration.httpVersion = .http1Only
    // A refused connection is an answer; the backoff is ours.
    configuration.connectionPool.retryConnectionEstablishment = false
    return configuration
  }
}
