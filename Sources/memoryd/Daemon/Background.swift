import Canary
import Continuity
import Core
import CPosix
import Fallback
import Foundation
import Logging
import MemoryStore
import ServiceLifecycle
import Sync
import Synchronization
import Vault

/// What the daemon does while nobody asks: keeps the vault's verdict fresh, sends what waits, and
/// follows transcripts. One thing at a time, so that an idle machine stays idle.
struct BackgroundService: Service {
  /// Seconds between looks. A look is a few `stat` calls where nothing has changed.
  private static let interval = 1.0
  /// Seconds from a write to the look that it asks for: several in a row are sent together, and the
  /// session that wrote has its answer and the processor first.
  private static let delay = 0.05
  /// Ms for a look that is under way to end. One that waits for a slow vault is left behind: a sync
  /// may be killed at any point and loses nothing.
  private static let patience = 500

  let work: BackgroundWork
  let context: DaemonContext

  func run() async throws {
    let bell = Bell()
    context.change { $0.wakeUp = { bell.ring() } }
    let (endings, ended) = AsyncStream.makeStream(of: Void.self)
    await withGracefulShutdownHandler {
      let thread = Thread {
        while bell.wait(seconds: Self.interval, thenSeconds: Self.delay) {
          #if canImport(Darwin)
            autoreleasepool { work.look() }
          #else
            work.look()
          #endif
        }
        work.end()
        ended.finish()
      }
      thread.name = "memoryd-background"
      thread.start()
      for await _ in endings {}
    } onGracefulShutdown: {
      context.change { $0.isStopping = true }
      bell.stop()
      Task {
        try? await Task.sleep(for: .milliseconds(Self.patience))
        ended.finish()
      }
    }
  }
}

/// Wakes the background's thread. Its waits do not depend on the wall clock, which may jump.
private final class Bell: Sendable {
  private struct State {
    var hasRung = false
    var isStopped = false
  }

  private let state = Mutex(State())
  private let semaphore = DispatchSemaphore(value: 0)

  func ring() {
    let isFirst = state.withLock { state in
      defer { state.hasRung = true }
      return !state.hasRung
    }
    if isFirst { semaphore.signal() }
  }

  func stop() {
    state.withLock { $0.isStopped = true }
    semaphore.signal()
  }

  /// Waits for a ring, at most `seconds`, and after a ring `delay` more.
  ///
  /// - Returns: False once it is stopped.
  func wait(seconds: Double, thenSeconds delay: Double) -> Bool {
    _ = semaphore.wait(timeout: .now() + seconds)
    let (hasRung, isStopped) = state.withLock { ($0.hasRung, $0.isStopped) }
    if hasRung, !isStopped { _ = semaphore.wait(timeout: .now() + delay) }
    return state.withLock { state in
      state.hasRung = false
      return !state.isStopped
    }
  }
}

/// The looks themselves; blocking, one at a time.
final class BackgroundWork: Sendable {
  /// A session that was seen within this time may still grow, ms.
  private static let followWindow: Int64 = 24 * 3600 * 1000
  private static let mostFollowed = 200
  /// Ms between questions to a vault that answers: while somebody works here, and otherwise.
  private static let busyProbe: Int64 = 20_000
  private static let idleProbe: Int64 = 300_000
  /// Ms between two times that its newest checkpoint is taken over.
  private static let checkpointInterval: Int64 = 300_000
  private static let busyWindow: Int64 = 30 * 60 * 1000
  /// Ms to the next try of what waits, where nothing says when that is worth it; and the least.
  private static let retryPause: Int64 = 30_000
  private static let shortestPause: Int64 = 500
  /// Ms between two times that unused memory is given back.
  private static let trimInterval: Int64 = 10_000

  private struct State {
    /// What the store's files looked like at the last look.
    var storeSeen: [RegularFile.Facts?] = []
    /// When a session was last heard of, Unix ms.
    var lastSeen: Int64 = 0
    /// Path to size, as they were when they were read last.
    var followed: [String: Int64] = [:]
    var sessionsReadAt: Int64 = 0
    /// What the fallback files looked like.
    var filesSeen: [RegularFile.Facts?] = []
    var queued = 0
    /// The newest outbox row, now and when the last sync began.
    var newestRow: Int64 = 0
    var newestSynced: Int64 = 0
    /// When to try what the last sync could not do, Unix ms.
    var nextSync: Int64 = 0
    /// When memory was given back last, Unix ms, and the requests until then.
    var trimmedAt: Int64 = 0
    var requestsTrimmed = 0
    /// When the vault's newest checkpoint was last asked for, Unix ms.
    var checkpointAt: Int64 = 0
    /// The vault as it was last spoken to, and when that was, Unix ms.
    var line: Line?
    /// When what was dropped is overwritten again, after that failed, Unix ms.
    var nextErasure: Int64 = 0
    /// What this process was started from.
    var executable = BackgroundWork.executableFacts()
  }

  /// A vault that is spoken to again and again keeps its connection and its session.
  private struct Line {
    /// The settings that it was opened with.
    var key: [String]
    var tools: VaultTools
    var openedAt: Int64
    var usedAt: Int64
  }

  /// Ms after which an unused line is closed, and after which the token's command is asked anew.
  private static let idleLine: Int64 = 60_000
  private static let longestLine: Int64 = 600_000

  let context: DaemonContext
  let log: Logger
  private let environment: [String: String]
  private let clock: WallClock
  private let state = Mutex(State())

  init(
    context: DaemonContext, environment: [String: String], clock: WallClock, log: Logger
  ) {
    self.context = context
    self.environment = environment
    self.clock = clock
    self.log = log
  }

  /// Steps of some 50 ms in each look, while there is an index to be renewed.
  private static let renewals = 4

  /// Ms of each look for the overwriting of what was dropped; and to the next try after it failed.
  private static let erasureTime = 200
  private static let erasurePause: Int64 = 60_000

  /// One look at everything.
  func look() {
    if isReplaced() { return }
    trimMemory()
    do {
      var ids = ULIDGenerator()
      let service = try MemoryService(
        invocation: Invocation(
          arguments: [], input: .none, cwd: "/", environment: environment,
          requestID: ids.next(at: clock.now).description, daemon: context),
        homeFlag: context.home.data, isLenient: true)
      let database = try service.database()
      let isChanged = noteChanges(service)
      follow(service, database, isChanged: isChanged)
      tend(service, database, isChanged: isChanged)
      if let damage = database.takeDamage(), damage.isDamage {
        log.warning("damage was met", metadata: ["code": "\(damage.code.rawValue)"])
        service.mendIndex(because: damage, database)
      }
      // A few steps a second, so that the machine stays free.
      for _ in 0..<Self.renewals where !context.isStopping {
        guard try database.renewIndex() else { break }
      }
      overwriteDropped(database)
    } catch {
      let code = (error as? StoreError)?.code.rawValue ?? "\(type(of: error))"
      log.warning("the look failed", metadata: ["code": "\(code)"])
      if (error as? StoreError)?.code == .schemaTooNew {
        context.stop(because: "a newer memoryd has changed the store", log)
      }
    }
  }

  /// What is left of texts that were replaced or dropped.
  private func overwriteDropped(_ database: MemoryDatabase) {
    let now = clock.now
    guard !context.isStopping, now >= state.withLock(\.nextErasure) else { return }
    do throws(StoreError) {
      try database.payErasure(at: now, within: Self.erasureTime)
    } catch {
      log.warning("overwriting waits", metadata: ["code": "\(error.code.rawValue)"])
      state.withLock { $0.nextErasure = now + Self.erasurePause }
    }
  }

  /// - Returns: True if somebody wrote to the store since the last look.
  private func noteChanges(_ service: MemoryService) -> Bool {
    let path = service.home.database
    let seen = [RegularFile.facts(path), RegularFile.facts(path + "-wal")]
    return state.withLock { state in
      defer { state.storeSeen = seen }
      return seen != state.storeSeen
    }
  }

  /// After a large transcript or a complete reading of the vault.
  private func trimMemory() {
    let now = clock.now
    let requests = context.change { $0.requests }
    let isDue = state.withLock { state in
      guard state.requestsTrimmed != requests,
        !(0..<Self.trimInterval).contains(now - state.trimmedAt)
      else { return false }
      state.requestsTrimmed = requests
      state.trimmedAt = now
      return true
    }
    if isDue { memoryd_trim_heap() }
  }

  // MARK: Its own executable

  private static func executableFacts() -> RegularFile.Facts? {
    Bundle.main.executablePath.flatMap { RegularFile.facts($0) }
  }

  /// An update was installed: a service is started anew with it; a daemon in the foreground goes on,
  /// as nobody would start it again.
  private func isReplaced() -> Bool {
    guard let now = Self.executableFacts() else { return false }
    let isNew = state.withLock { state in
      defer { state.executable = now }
      return state.executable.map { $0.inode != now.inode || $0.device != now.device } ?? false
    }
    guard isNew else { return false }
    guard environment[ServiceUnit.variable] != nil else {
      log.notice("another memoryd was installed; this daemon is still the old one")
      return false
    }
    context.stop(because: "another memoryd was installed", log)
    return true
  }

  // MARK: Transcripts

  /// Reads what has come to the transcripts of sessions that memoryd was told of, so that a hook
  /// finds little left to read.
  private func follow(_ service: MemoryService, _ database: MemoryDatabase, isChanged: Bool) {
    let now = clock.now
    var known = state.withLock(\.followed)
    if isChanged || now - state.withLock(\.sessionsReadAt) > 60_000 {
      let sessions =
        (try? database.sessions(
          RecordFilter(since: now - Self.followWindow, limit: Self.mostFollowed))) ?? []
      var paths = Set(sessions.filter { $0.endedAt == nil }.compactMap(\.transcriptPath))
      paths.formUnion(configured(service, since: now - Self.followWindow))
      known = Dictionary(uniqueKeysWithValues: paths.map { ($0, known[$0] ?? -1) })
      state.withLock {
        $0.sessionsReadAt = now
        $0.followed = known
        $0.lastSeen = sessions.map(\.lastSeenAt).max() ?? 0
      }
      let count = known.count
      context.change { $0.followed = count }
    }
    for (path, size) in known {
      if context.isStopping { return }
      guard let facts = RegularFile.facts(path), facts.size != size else { continue }
      do {
        let result = try TranscriptIngest(service: service).take(path)
        log.debug(
          "followed", metadata: ["entries": "\(result.entries)", "lines": "\(result.lines)"])
      } catch {
        // Told by the hook that meets it; here it is only not tried again before it grows.
        log.info("a transcript was not read", metadata: ["code": "\(Self.code(error))"])
      }
      state.withLock { $0.followed[path] = facts.size }
    }
  }

  private static func code(_ error: any Error) -> String {
    (error as? StoreError)?.code.rawValue ?? "\(type(of: error))"
  }

  /// The transcripts below the configured folders that were written lately.
  private func configured(_ service: MemoryService, since: Int64) -> [String] {
    service.settings.list(.followFolders).flatMap { folder -> [String] in
      let root = service.absolute(folder)
      guard let walker = FileManager.default.enumerator(atPath: root) else { return [] }
      var paths: [String] = []
      for case let name as String in walker where name.hasSuffix(".jsonl") {
        let path = root + "/" + name
        guard let facts = RegularFile.facts(path), facts.modified >= since else { continue }
        paths.append(path)
        if paths.count >= Self.mostFollowed { break }
      }
      return paths
    }
  }

  // MARK: The vault

  /// Asks, sends and takes in, as far as it is due.
  private func tend(_ service: MemoryService, _ database: MemoryDatabase, isChanged: Bool) {
    let now = clock.now
    let sync = SyncService(service: service)
    // What is taken in from the files goes out as a write does.
    let hasAdopted = adopt(sync, service)
    guard service.settings.hasVault else { return }
    let vault = VaultService(service: service)
    let health = vault.health()
    guard HealthStateMachine.wait(health, asker: .background, now: now) == 0 else {
      if isChanged { sync.mirrorPending() }
      return
    }
    if isChanged || hasAdopted {
      let queued = (try? database.outboxCounts(vault: vault.reference?.id).queued) ?? 0
      let newest = (try? database.newestOutboxNumber()) ?? 0
      state.withLock {
        $0.queued = queued
        $0.newestRow = newest
      }
    }
    let age = now - (health?.checkedAt ?? 0)
    let effort: SyncRun.Effort? = state.withLock { state in
      let interval = now - state.lastSeen < Self.busyWindow ? Self.busyProbe : Self.idleProbe
      if health?.mode != .normal || age >= interval || age < 0 { return .whole }
      let isWaiting =
        state.queued > 0 && (state.newestRow != state.newestSynced || now >= state.nextSync)
      // The vault was well a moment ago: a write that goes out now needs no question first.
      return isWaiting ? .sending : nil
    }
    guard let effort else { return closeIdleLine(now) }
    // A session's canary asks just now; the next look has its answer.
    if effort == .whole, context.probes.isAsking { return }
    state.withLock { $0.newestSynced = $0.newestRow }
    send(sync, vault, service, effort)
  }

  // MARK: The line to the vault

  /// - Throws: ``VaultFailure`` `misconfigured`.
  private func line(
    to vault: VaultService, _ service: MemoryService
  ) throws(VaultFailure) -> VaultTools {
    let now = clock.now
    let key =
      Settings.Key.allCases.filter { $0.rawValue.hasPrefix("vault.") }.map { service.settings[$0] }
      + [service.tokenFromFile ?? ""]
    let open = state.withLock { state -> VaultTools? in
      guard let line = state.line, line.key == key,
        (0..<Self.longestLine).contains(now - line.openedAt)
      else { return nil }
      state.line?.usedAt = now
      return line.tools
    }
    if let open { return open }
    closeLine()
    let tools = try vault.tools()
    state.withLock { $0.line = Line(key: key, tools: tools, openedAt: now, usedAt: now) }
    return tools
  }

  private func closeLine() {
    let line = state.withLock { state in
      defer { state.line = nil }
      return state.line
    }
    line?.tools.close()
  }

  private func closeIdleLine(_ now: Int64) {
    let isIdle = state.withLock { state in
      state.line.map { !(0..<Self.idleLine).contains(now - $0.usedAt) } ?? false
    }
    if isIdle { closeLine() }
  }

  /// Nothing is looked at any more.
  func end() { closeLine() }

  /// Takes in what was written into the fallback files.
  ///
  /// - Returns: True if there was something.
  private func adopt(_ sync: SyncService, _ service: MemoryService) -> Bool {
    let files = service.fallback
    let seen = [files.tasks, files.checkpoints].map { RegularFile.facts($0) }
    let isChanged = state.withLock { state in
      defer { state.filesSeen = seen }
      return seen != state.filesSeen
    }
    guard isChanged else { return false }
    let result = (try? sync.adopt(end: nil, onlyIfChanged: true)) ?? nil
    // Somebody may still be writing: looked at once more.
    if let result, result.unfinished > 0 { state.withLock { $0.filesSeen = [] } }
    return (result?.adopted ?? 0) > 0
  }

  private func send(
    _ sync: SyncService, _ vault: VaultService, _ service: MemoryService, _ effort: SyncRun.Effort
  ) {
    let now = clock.now
    let tools: VaultTools
    do throws(VaultFailure) {
      tools = try line(to: vault, service)
    } catch {
      vault.observe(.probeFailed(error))
      return
    }
    if vault.health()?.mode == .degraded {
      vault.change {
        $0 = HealthStateMachine.claimProbe($0, now: now, timeout: Int64(tools.timeout))
      }
    }
    let before = vault.health()?.mode
    let takesCheckpoint = state.withLock { state in
      guard effort == .whole, !(0..<Self.checkpointInterval).contains(now - state.checkpointAt)
      else { return false }
      state.checkpointAt = now
      return true
    }
    do throws(StoreError) {
      let context = context
      let outcome = try sync.run(
        tools, end: nil, patience: 0, effort: effort, takesCheckpoint: takesCheckpoint,
        isCancelled: { context.isStopping })
      let report = outcome.report
      if report.failure != nil { closeLine() }
      state.withLock { state in
        state.queued = outcome.left
        // What could not be done now has a time of its own, or waits for the next write.
        state.nextSync =
          report.isBusy
          ? now + 2000 : max(report.nextLook ?? now + Self.retryPause, now + Self.shortestPause)
      }
      if report.sent + report.found + report.pulled > 0 {
        log.info(
          "synced",
          metadata: [
            "sent": "\(report.sent)", "found": "\(report.found)", "pulled": "\(report.pulled)",
            "left": "\(outcome.left)",
          ])
      }
    } catch {
      log.warning("sync failed", metadata: ["code": "\(error.code.rawValue)"])
    }
    let after = vault.health()
    if after?.mode != before {
      log.notice(
        "mode changed",
        metadata: [
          "mode": "\(after?.mode.rawValue ?? "unknown")",
          "reason": "\(after?.reason?.rawValue ?? "-")",
        ])
    }
  }
}
