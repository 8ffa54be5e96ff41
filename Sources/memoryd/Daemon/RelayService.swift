import Continuity
import Foundation
import IPC
import Logging
import ServiceLifecycle

/// Listens on the daemon's Unix socket.
struct RelayService: Service {
  /// More than so many requests at once are left to the callers' own engines.
  static let threads = 16

  let listener: Socket
  let context: DaemonContext
  /// Carries out a command line.
  let execute: @Sendable (Invocation) -> Outcome
  let log: Logger

  /// Takes the socket's path over. Whoever listened there is gone: the instance lock is held.
  static func listen(at path: String) throws -> Socket {
    if let isSocket = Socket.isSocket(at: path) {
      guard isSocket else {
        throw CommandError(
          .cannotWrite, "in_the_way", "\(path) is there and is no socket",
          hint: "look at it and move it away")
      }
      unlink(path)
    }
    do throws(Socket.Failure) {
      return try Socket.listen(at: path, backlog: 128)
    } catch {
      switch error {
      case .pathTooLong:
        throw CommandError(
          .badConfiguration, "path_too_long",
          "\(path) is longer than the path of a Unix socket may be",
          hint: "set MEMORYD_HOME to a shorter path; without a daemon everything works as it is")
      case .system(let code):
        throw CommandError(
          .inputOutput, "socket", "cannot listen at \(path): \(String(cString: strerror(code)))")
      }
    }
  }

  func run() async throws {
    // One more than may work: it tells the others that the daemon is busy. Each takes callers by
    // itself, since handing one to another thread costs as much as a small read.
    for number in 0...Self.threads {
      let thread = Thread { accept() }
      thread.name = "memoryd-relay-\(number)"
      thread.start()
    }
    try? await gracefulShutdown()
    listener.shutDown()
    // Those that are under way end; whoever is late falls back on the engine.
    let end = ContinuousClock.now + .milliseconds(1200)
    while context.change({ $0.running }) > 0, ContinuousClock.now < end {
      try? await Task.sleep(for: .milliseconds(10))
    }
  }

  private func accept() {
    while let socket = listener.accept() {
      guard context.begin(limit: Self.threads) else {
        context.change { $0.declined += 1 }
        Streams.write(
          RelayFrame.bytes(.declined, Array("busy".utf8)), to: socket.descriptor,
          by: Streams.now())
        continue
      }
      #if canImport(Darwin)
        autoreleasepool {
          RelaySession(socket: socket, context: context, execute: execute, log: log).run()
        }
      #else
        RelaySession(socket: socket, context: context, execute: execute, log: log).run()
      #endif
      context.end()
    }
  }
}
