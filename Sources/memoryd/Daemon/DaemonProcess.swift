package import Continuity
import Core
import CPosix
import Foundation
import IPC
import Logging
import ServiceLifecycle
import UnixSignals

/// The daemon: one for each folder, in the foreground, until it is told to stop.
package struct DaemonProcess {
  let invocation: Invocation
  let homeFlag: String?
  /// Where to listen for HTTP, before what the settings say.
  let httpFlag: String?
  /// Carries out a command line, as a process of its own would.
  let execute: @Sendable (Invocation) -> Outcome

  package init(
    invocation: Invocation, homeFlag: String?, httpFlag: String?,
    execute: @escaping @Sendable (Invocation) -> Outcome
  ) {
    self.invocation = invocation
    self.homeFlag = homeFlag
    self.httpFlag = httpFlag
    self.execute = execute
  }

  /// Serves until SIGTERM or SIGINT.
  ///
  /// - Throws: ``CommandError`` where another daemon runs, or it cannot be begun; ``StoreError``.
  package func run(announce: @escaping @Sendable (String) -> Void) throws {
    memoryd_bound_heap()
    let descriptors = Descriptors.raiseLimit()
    var environment = invocation.environment
    if let homeFlag { environment["MEMORYD_HOME"] = homeFlag }
    let home = try HomeLayout(flag: homeFlag, environment: environment, cwd: invocation.cwd)
    if environment["MEMORYD_HOME"] != nil { environment["MEMORYD_HOME"] = home.data }
    try HomeCare(home: home).refuseStrangers()
    try RegularFile.makeFolder(home.data)
    try RegularFile.makeFolder(home.logs)
    let lock = try lock(home)
    defer { withExtendedLifetime(lock) {} }
    guard
      let socketPath = Relay.socketPath(variable: { environment[$0] }, cwd: { invocation.cwd })
    else {
      throw CommandError(.badConfiguration, "no_home", "there is no folder for the socket")
    }
    let care = HomeCare(home: home, socketFolder: try Self.socketFolder(socketPath))
    let context = DaemonContext(
      home: home, socketPath: socketPath, startedAt: invocation.clock.now,
      environment: environment)
    var request = invocation
    request.environment = environment
    request.daemon = context
    let service = try MemoryService(invocation: request, homeFlag: nil, isLenient: false)
    // Opened before anybody is let in, as hooks never migrate.
    _ = try service.store.writing()
    let log = logger(service.context)
    let manager = ServiceManager(environment: environment)
    var services: [any Service] = []
    let http = try HTTPService(
      call: service.context, flag: httpFlag, invocation: request, context: context,
      descriptors: descriptors, log: log, announce: announce)
    if let http { services.append(http) }
    let listener = try RelayService.listen(at: socketPath)
    defer { Self.remove(socketPath, listener) }
    services += [
      RelayService(listener: listener, context: context, execute: execute, log: log),
      BackgroundService(
        context: context, environment: environment, clock: invocation.clock, log: log),
      WatchdogService(manager: manager),
      ReloadService(manager: manager, context: context, log: log),
    ]
    var configuration = ServiceGroupConfiguration(
      services: services.map { .init(service: $0, successTerminationBehavior: .ignore) },
      logger: log)
    configuration.gracefulShutdownSignals = [.sigterm, .sigint]
    let group = ServiceGroup(configuration: configuration)
    context.change {
      $0.stop = { Task { await group.triggerGracefulShutdown() } }
    }
    log.notice("started", metadata: ["version": "\(Relay.version)", "pid": "\(getpid())"])
    announce("memoryd \(Relay.version) serves \(home.data) (pid \(getpid()))\n")
    if let warning = care.warning {
      log.warning("open to others", metadata: ["paths": "\(care.open.joined(separator: ", "))"])
      announce("note: \(warning.message); \(warning.hint)\n")
    }
    manager.ready()
    do {
      try Self.wait { try await group.run() }
    } catch let error as CommandError {
      log.error("stopped by an error", metadata: ["code": "\(error.code)"])
      throw error
    } catch {
      log.error("stopped by an error", metadata: ["error": "\(error)"])
      throw CommandError(
        .inputOutput, "stopped", "the daemon stopped: \(error)",
        hint: "see \(home.logs)/memoryd.log")
    }
    manager.stopping()
    context.stores.clear()
    log.notice("stopped")
  }

  /// Makes the folder of the socket, which nobody else may own, nor what it stands in.
  private static func socketFolder(_ socketPath: String) throws -> String {
    let folder = (socketPath as NSString).deletingLastPathComponent
    let parent = (folder as NSString).deletingLastPathComponent
    for place in [parent, folder] {
      if case .owner(let user) = RegularFile.intruder(place) {
        throw HomeCare.refusal(place, user)
      }
    }
    try RegularFile.makeFolder(folder)
    return folder
  }

  private func lock(_ home: HomeLayout) throws -> InstanceLock {
    do {
      return try InstanceLock(file: home.instanceLock)
    } catch let held as InstanceLock.Held {
      throw CommandError(
        .degraded, "already_running",
        "a daemon serves \(home.data) already\(held.note.isEmpty ? "" : " (\(held.note))")",
        hint: "`memoryd status` shows it; nothing needs to be done")
    }
  }

  private func logger(_ call: CallContext) -> Logger {
    let file = DaemonLog.File(
      path: call.home.logs + "/memoryd.log", redactor: call.redactor,
      alsoToError: invocation.environment[EngineLog.variable] != nil)
    let clock = invocation.clock
    var log = Logger(label: "memoryd") { DaemonLog(file: file, clock: clock, label: $0) }
    log.logLevel =
      invocation.environment[EngineLog.variable].flatMap(Logger.Level.init(rawValue:)) ?? .info
    return log
  }

  /// No other daemon of this folder can have put its socket there: the instance lock is still held.
  private static func remove(_ path: String, _ listener: Socket) {
    listener.shutDown()
    unlink(path)
  }

  /// Blocks this thread, which is none of Swift's concurrency.
  private static func wait(_ body: @escaping @Sendable () async throws -> Void) throws {
    let done = DispatchSemaphore(value: 0)
    let result = Box<Result<Void, any Error>>()
    Task {
      do {
        try await body()
        result.set(.success(()))
      } catch {
        result.set(.failure(error))
      }
      done.signal()
    }
    done.wait()
    try result.get()?.get()
  }
}

/// SIGHUP: settings are read anew.
struct ReloadService: Service {
  let manager: ServiceManager
  let context: DaemonContext
  let log: Logger

  func run() async throws {
    let signals = await UnixSignalsSequence(trapping: .sighup)
    for await _ in signals.cancelOnGracefulShutdown() {
      manager.reloading()
      // Each request reads the settings; what was kept open by the old ones is closed.
      context.stores.clear()
      context.wake()
      log.notice("settings read anew")
      manager.ready()
    }
  }
}
