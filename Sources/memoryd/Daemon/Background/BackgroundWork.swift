import Continuity
import Core
import CPosix
import Foundation
import Logging
import MemoryStore

/// One look after another at all that the daemon cares for; blocking, and on one thread only.
struct BackgroundWork {
  /// Between two times that unused memory is given back.
  private static let trimInterval = Duration.seconds(10)

  private let context: DaemonContext
  private let environment: [String: String]
  private let clock: WallClock
  private let log: Logger

  private var executable: ExecutableWatch
  private var transcripts: TranscriptFollower
  private var vault: VaultMonitor
  private var store: StoreCare
  /// When memory was given back last, Unix ms, and the requests until then.
  private var trimmedAt: Int64 = 0
  private var requestsTrimmed = 0

  /// - Parameter executable: Seen first when the process was put together.
  init(
    context: DaemonContext, environment: [String: String], clock: WallClock,
    executable: ExecutableWatch, log: Logger
  ) {
    self.context = context
    self.executable = executable
    self.environment = environment
    self.clock = clock
    self.log = log
    transcripts = TranscriptFollower(context: context, log: log)
    vault = VaultMonitor(context: context, log: log)
    store = StoreCare(context: context, log: log)
  }

  /// One look at everything.
  mutating func look() {
    if isReplaced() { return }
    trimMemory()
    do {
      var ids = ULIDGenerator()
      var invocation = Invocation(
        arguments: [], input: .none, cwd: "/", environment: environment,
        requestID: RequestID(ids.next(at: clock.now)), daemon: context)
      invocation.clock = clock
      invocation.journalPatience = nil
      // Git is asked when the journal is free for whoever comes.
      let deferredWork = DeferredWork()
      defer { deferredWork.run(after: .zero) }
      invocation.deferredWork = deferredWork
      let service = try MemoryService(
        invocation: invocation, homeFlag: context.home.data, isLenient: true
      ).takingIn()
      // For all that the looks do: transcripts, outbox and index, which the next look goes on with.
      let database = try service.store.writing()
      let isChanged = store.noteChanges(service)
      transcripts.follow(service, database, isChanged: isChanged)
      vault.tend(service, database, isChanged: isChanged, sessionSeenAt: transcripts.lastSeen)
      try store.mend(service, database)
      store.overwriteDropped(database, at: clock.now)
    } catch {
      let code = (error as? StoreError)?.code.rawValue ?? "\(type(of: error))"
      log.warning("the look failed", metadata: ["code": "\(code)"])
      if (error as? StoreError)?.code == .schemaTooNew {
        context.stop(because: "a newer memoryd has changed the store", log)
      }
    }
  }

  /// Nothing is looked at any more.
  mutating func end() { vault.end() }

  /// After a large transcript or a complete reading of the vault.
  private mutating func trimMemory() {
    let now = clock.now
    let requests = context.change { $0.requests }
    guard requestsTrimmed != requests,
      !(0..<Self.trimInterval.milliseconds).contains(now - trimmedAt)
    else {
      return
    }
    requestsTrimmed = requests
    trimmedAt = now
    memoryd_trim_heap()
  }

  /// An update was installed: a service is started anew with it; a daemon in the foreground goes on,
  /// as nobody would start it again.
  private mutating func isReplaced() -> Bool {
    guard executable.wasReplaced() else { return false }
    guard environment[ServiceUnit.variable] != nil else {
      log.notice("another memoryd was installed; this daemon is still the old one")
      return false
    }
    context.stop(because: "another memoryd was installed", log)
    return true
  }
}
