import Canary
import Continuity
import Core
import Fallback
import Foundation
import Logging
import MemoryStore
import Sync
import Vault

/// Keeps the vault's verdict fresh, sends what waits for it, and takes in what it and the fallback
/// files have that is new.
struct VaultMonitor {
  /// Between questions to a vault that answers: while somebody works here, and otherwise.
  private static let busyProbe = Duration.seconds(20)
  private static let idleProbe = Duration.seconds(300)
  /// Somebody works here who was heard of within this time.
  private static let busyWindow = Duration.seconds(30 * 60)
  /// Between two times that its newest checkpoint is taken over.
  private static let checkpointInterval = Duration.seconds(300)
  /// To the next try of what waits, where nothing says when that is worth it; the least; and while
  /// another process syncs.
  private static let retryPause = Duration.seconds(30)
  private static let shortestPause = Duration.milliseconds(500)
  private static let busyPause = Duration.seconds(2)

  let context: DaemonContext
  let log: Logger

  private var connection = VaultConnection()
  /// What the fallback files looked like.
  private var filesSeen: [RegularFile.Facts?] = []
  private var queued = 0
  /// The newest outbox row, now and when the last sync began.
  private var newestRow: Int64 = 0
  private var newestSynced: Int64 = 0
  /// When to try what the last sync could not do, Unix ms.
  private var nextSync: Int64 = 0
  /// When the vault's newest checkpoint was last asked for, Unix ms.
  private var checkpointAt: Int64 = 0

  init(context: DaemonContext, log: Logger) {
    self.context = context
    self.log = log
  }

  /// Nothing is asked or sent any more.
  mutating func end() { connection.close() }

  /// Asks, sends and takes in, as far as it is due.
  ///
  /// - Parameters:
  ///   - isChanged: The store was written to since the last look.
  ///   - sessionSeenAt: When a session was last heard of, Unix ms.
  mutating func tend(
    _ service: MemoryService, _ database: MemoryDatabase, isChanged: Bool, sessionSeenAt: Int64
  ) {
    let now = service.context.clock.now
    let sync = SyncService(service: service)
    // What is taken in from the files goes out as a write does.
    let hasAdopted = adopt(sync, service)
    guard service.context.settings.hasVault else { return }
    let vault = service.vault
    let health = vault.health()
    guard HealthStateMachine.wait(health, asker: .background, now: now) == .zero else {
      if isChanged { sync.mirrorPending() }
      return
    }
    if isChanged || hasAdopted {
      queued = (try? database.outboxCounts(vault: vault.reference?.id).queued) ?? 0
      newestRow = (try? database.newestOutboxNumber()) ?? 0
    }
    guard let effort = effort(health, at: now, sessionSeenAt) else {
      return connection.closeIfIdle(at: now)
    }
    // A session's canary asks just now; the next look has its answer.
    if effort == .whole, context.probes.isAsking { return }
    newestSynced = newestRow
    send(sync, vault, service, effort)
  }

  /// - Returns: Nil if nothing is due.
  private func effort(
    _ health: VaultHealth?, at now: Int64, _ sessionSeenAt: Int64
  ) -> SyncRun.Effort? {
    let age = now - (health?.checkedAt ?? 0)
    let isBusy = now - sessionSeenAt < Self.busyWindow.milliseconds
    let interval = (isBusy ? Self.busyProbe : Self.idleProbe).milliseconds
    if health?.mode != .normal || age >= interval || age < 0 { return .whole }
    // The vault was well a moment ago: a write that goes out now needs no question first.
    let isWaiting = queued > 0 && (newestRow != newestSynced || now >= nextSync)
    return isWaiting ? .sending : nil
  }

  /// Takes in what was written into the fallback files.
  ///
  /// - Returns: True if there was something.
  private mutating func adopt(_ sync: SyncService, _ service: MemoryService) -> Bool {
    let files = service.context.fallback
    let seen = [files.tasks, files.checkpoints].map { RegularFile.facts($0) }
    guard seen != filesSeen else { return false }
    filesSeen = seen
    let result = (try? sync.adopt(end: nil, onlyIfChanged: true)) ?? nil
    // Somebody may still be writing: looked at once more.
    if let result, result.unfinished > 0 { filesSeen = [] }
    return (result?.adopted ?? 0) > 0
  }

  private mutating func send(
    _ sync: SyncService, _ vault: VaultService, _ service: MemoryService, _ effort: SyncRun.Effort
  ) {
    let now = service.context.clock.now
    let tools: VaultTools
    do throws(VaultFailure) {
      tools = try connection.tools(vault, service)
    } catch {
      vault.observe(.probeFailed(error))
      return
    }
    if vault.health()?.mode == .degraded {
      vault.change {
        $0 = HealthStateMachine.claimProbe($0, now: now, timeout: tools.timeout)
      }
    }
    let before = vault.health()?.mode
    let takesCheckpoint =
      effort == .whole && !(0..<Self.checkpointInterval.milliseconds).contains(now - checkpointAt)
    if takesCheckpoint { checkpointAt = now }
    do throws(StoreError) {
      let context = context
      let outcome = try sync.run(
        tools, end: nil, patience: .zero, effort: effort, takesCheckpoint: takesCheckpoint,
        isCancelled: { context.isStopping })
      let report = outcome.report
      if report.failure != nil { connection.close() }
      queued = outcome.left
      // What could not be done now has a time of its own, or waits for the next write.
      nextSync =
        report.isBusy
        ? now + Self.busyPause.milliseconds
        : max(
          report.nextLook ?? now + Self.retryPause.milliseconds,
          now + Self.shortestPause.milliseconds)
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
