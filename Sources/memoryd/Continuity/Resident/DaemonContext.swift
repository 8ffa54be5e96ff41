package import Core
import Foundation
import IPC
package import Logging
import Synchronization

/// What the requests of one daemon share, and what it tells of itself.
package final class DaemonContext: Sendable {
  /// For how long the health monitor's verdict is as good as asking the vault: a session that
  /// starts within it does not wait for one.
  static let freshness = Duration.seconds(30)

  package let home: HomeLayout
  package let stores = StorePool()
  let digests = DigestCache()
  package let probes = ProbeGate()
  let startedAt: Int64
  let socketPath: String
  /// The environment that the daemon was started with.
  let environment: [String: String]
  private let state = Mutex(State())

  package struct State {
    package var requests = 0
    package var declined = 0
    package var running = 0
    package var followed = 0
    package var isStopping = false
    /// Where the MCP endpoint listens.
    package var httpURL: String?
    package var wakeUp: @Sendable () -> Void = {}
    package var stop: @Sendable () -> Void = {}
  }

  package init(
    home: HomeLayout, socketPath: String, startedAt: Int64, environment: [String: String]
  ) {
    self.home = home
    self.socketPath = socketPath
    self.environment = environment
    self.startedAt = startedAt
  }

  package func change<T>(_ body: (inout sending State) -> sending T) -> sending T {
    state.withLock { body(&$0) }
  }

  package var isStopping: Bool { state.withLock { $0.isStopping } }

  // MARK: Repositories

  /// For how long a list of uncommitted paths is that of now.
  private static let gitFreshness = Duration.seconds(5)

  private let repositories = Mutex<[String: (paths: [String], at: ContinuousClock.Instant)]>([:])

  /// Uncommitted paths of a repository, if git was asked a moment ago.
  func uncommitted(in root: String) -> [String]? {
    repositories.withLock { known in
      known[root].flatMap {
        .now - $0.at < Self.gitFreshness ? $0.paths : nil
      }
    }
  }

  func noteUncommitted(_ paths: [String], in root: String) {
    repositories.withLock { known in
      known = known.filter { .now - $0.value.at < Self.gitFreshness }
      known[root] = (paths, .now)
    }
  }

  /// Something was written: the drainer looks now instead of at its next turn.
  package func wake() { state.withLock { $0.wakeUp }() }

  /// Ends the daemon gracefully; a service manager starts it anew.
  package func stop(because reason: String, _ log: Logger) {
    log.notice("stopping", metadata: ["reason": "\(reason)"])
    change { state in
      state.isStopping = true
      return state.stop
    }()
  }

  /// - Returns: False if so many requests run already that this one is better off in its own
  ///   process.
  package func begin(limit: Int) -> Bool {
    state.withLock { state in
      guard !state.isStopping, state.running < limit else { return false }
      state.running += 1
      state.requests += 1
      return true
    }
  }

  package func end() { state.withLock { $0.running -= 1 } }

  package var facts: DaemonFacts {
    let state = state.withLock { $0 }
    return DaemonFacts(
      version: Relay.version, pid: Int(getpid()), startedAt: startedAt,
      requests: state.requests, declined: state.declined, followed: state.followed,
      residentBytes: Self.residentBytes(), home: home.data, socket: socketPath,
      httpURL: state.httpURL)
  }

  /// Nil where the system does not tell.
  private static func residentBytes() -> Int? {
    #if os(Linux)
      guard let bytes = try? RegularFile.read("/proc/self/statm", limit: 4096) else { return nil }
      let fields = String(decoding: bytes, as: UTF8.self).split(separator: " ")
      return fields.count > 1 ? Int(fields[1]).map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) } : nil
    #else
      return nil
    #endif
  }
}

/// What a daemon tells of itself, as JSON over its socket.
package struct DaemonFacts: JSONRecord, Sendable {
  var version: String
  var pid: Int
  /// Unix ms.
  var startedAt: Int64
  /// Carried out since the start.
  var requests: Int
  /// Left to the callers' own engines.
  var declined: Int
  /// Transcripts that are followed.
  var followed: Int
  var residentBytes: Int?
  var home: String
  var socket: String
  var httpURL: String?

  package static var empty: Self {
    Self(
      version: "", pid: 0, startedAt: 0, requests: 0, declined: 0, followed: 0, home: "",
      socket: "")
  }

  package mutating func code(_ coder: inout JSONCoder) {
    coder.field("version", &version)
    coder.field("pid", &pid)
    coder.field("startedAt", &startedAt)
    coder.field("requests", &requests)
    coder.field("declined", &declined)
    coder.field("followed", &followed)
    coder.field("residentBytes", &residentBytes)
    coder.field("home", &home)
    coder.field("socket", &socket)
    coder.field("httpURL", &httpURL)
  }

  /// Asks the daemon of a folder.
  ///
  /// - Returns: Nil if none answers at once; `version` alone where it is of another one.
  static func ask(socketPath: String) -> DaemonAnswer {
    let socket: Socket
    switch Socket.call(socketPath) {
    case .none: return .none
    case .stranger(let user): return .stranger(user)
    case .own(let own): socket = own
    }
    let request = RelayRequest(
      id: "", flags: [], cwd: "/", cwdPlace: .init(device: 0, inode: 0), mounts: 0,
      arguments: Relay.question, environment: [], input: [])
    let end = Streams.now() + 500
    guard Streams.write(request.bytes, to: socket.descriptor, by: end),
      let head = Streams.read(RelayFrame.headerLength, from: socket.descriptor, by: end),
      let (kind, length) = RelayFrame.header(head), length <= 1 << 20,
      let payload = Streams.read(length, from: socket.descriptor, by: end)
    else { return .silent }
    if kind == .output,
      let facts = DaemonFacts.decoded(from: String(decoding: payload, as: UTF8.self))
    {
      return .facts(facts)
    }
    return .declined(String(decoding: payload.prefix(300), as: UTF8.self))
  }
}

package enum DaemonAnswer {
  /// Nobody listens.
  case none
  /// Another user's process listens; it was not spoken to.
  case stranger(UInt32?)
  /// Somebody listens and does not answer.
  case silent
  /// Another version: what it says.
  case declined(String)
  case facts(DaemonFacts)
}
