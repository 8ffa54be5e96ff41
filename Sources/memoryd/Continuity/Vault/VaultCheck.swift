import Canary
import Core
import Fallback
import Foundation
import MemoryStore
import Sync
package import Vault

/// Settles the mode: asks the vault, and sends what waits in the time that is left.
package struct VaultCheck {
  let service: MemoryService

  package init(service: MemoryService) {
    self.service = service
  }

  /// The verdict, and what a sync on the way to it did.
  package struct Settled {
    package var verdict: CanaryVerdict
    var health: VaultHealth?
    var synced: SyncRun.Report?
  }

  /// A vault that never answered in time so often is asked at session starts only as its backoff
  /// allows: each would cost the session the whole budget.
  private static let patienceWithTimeouts = 3

  /// With less, an answer in time says nothing of the vault.
  private static let leastBudget = Duration.milliseconds(100)

  /// Asks the vault and, with what is left of the time, sends what waits.
  ///
  /// - Parameters:
  ///   - timeout: For all of it; nil takes the setting.
  ///   - isTyped: A person asks, so that no backoff counts.
  package func settle(timeout: Duration? = nil, isTyped: Bool) -> Settled {
    let sync = SyncService(service: service)
    guard service.context.settings.hasVault else {
      adopt(sync, end: .now + .milliseconds(300))
      return Settled(verdict: .standalone(at: service.context.clock.now))
    }
    let vault = service.vault
    var budget = timeout ?? vault.timeout
    if let deadline = service.context.deadline {
      // In the daemon the caller's own patience is shorter, and must not end before the answer.
      let rest = Duration.milliseconds(service.context.daemon == nil ? 300 : 500)
      budget = min(budget, deadline.remaining - rest)
    }
    let start = service.context.clock.now
    let end = ContinuousClock.now + budget
    let known = vault.health()
    if service.context.daemon != nil, !isTyped, let known, known.mode == .normal,
      (0..<DaemonContext.freshness.milliseconds).contains(
        service.context.clock.now - known.checkedAt)
    {
      // The health monitor has asked just now, and the drainer sends what waits.
      return Settled(verdict: known.verdict, health: known)
    }
    if let daemon = service.context.daemon, budget > .zero,
      daemon.probes.waitForAnswer(until: Date.now + Double(budget.milliseconds) / 1000),
      let health = vault.health(), health.checkedAt >= start
    {
      return Settled(verdict: health.verdict, health: health)
    }
    let wait = HealthStateMachine.wait(
      known, asker: asker(known, isTyped), now: service.context.clock.now)
    let isLate = service.context.deadline != nil && budget < Self.leastBudget
    if let known, wait > .zero || isLate {
      adopt(sync, end: end)
      sync.mirrorPending()
      return Settled(verdict: known.verdict, health: known)
    }
    let tools: VaultTools
    do throws(VaultFailure) {
      tools = try vault.tools(timeout: budget)
    } catch {
      let health = vault.observe(.probeFailed(error))
      adopt(sync, end: end)
      sync.mirrorPending()
      return Settled(verdict: health.verdict, health: health)
    }
    if known?.mode == .degraded, !isTyped {
      vault.change { health in
        health = HealthStateMachine.claimProbe(
          health, now: service.context.clock.now, timeout: budget)
      }
    }
    defer { tools.close() }
    if service.vault.pendingCount() > 0 || hasFreshFiles(),
      let outcome = try? sync.run(tools, end: end, patience: .zero), !outcome.report.isBusy,
      let health = outcome.health
    {
      // What failed on the way to the vault after the probe counts too.
      let last = outcome.report.failure == nil ? health : vault.health() ?? health
      return Settled(verdict: last.verdict, health: last, synced: outcome.report)
    }
    let (health, answer) = vault.probe(tools, status: "open", by: end)
    if let answer {
      pull(answer, vault)
    } else {
      sync.mirrorPending()
    }
    return Settled(verdict: health.verdict, health: health)
  }

  private func asker(_ health: VaultHealth?, _ isTyped: Bool) -> HealthStateMachine.Asker {
    guard !isTyped, let health, health.reason == .timeout,
      health.failures >= Self.patienceWithTimeouts
    else { return .person }
    return .background
  }

  /// Best effort: what is not taken in now waits where it is.
  private func adopt(_ sync: SyncService, end: ContinuousClock.Instant) {
    _ = try? sync.adopt(end: end, onlyIfChanged: true)
  }

  private func hasFreshFiles() -> Bool {
    // Only read, but what is fresh is of use only to a store that takes it in.
    guard let database = try? service.store.writing() else { return false }
    return (try? Adoption.isDue(database, service.context.fallback)) ?? false
  }

  /// For how long a pull of the open tasks is fresh enough.
  private static let pullInterval = Duration.seconds(300)

  /// The probe's own answer, so that the tasks are here when the vault is not.
  private func pull(_ answer: CanaryProbe.Answer, _ vault: VaultService) {
    // What the vault has can be had again.
    guard let database = try? service.store.writing(), let reference = vault.reference else {
      return
    }
    let last =
      ((try? database.fact(.vault(.pulledAt, reference.id))) ?? nil).flatMap { Int64($0) } ?? 0
    let now = service.context.clock.now
    guard !(0..<Self.pullInterval.milliseconds).contains(now - last) else { return }
    _ = try? database.pull(
      answer.tasks.map { RemoteTask($0) }, from: reference, at: now, lag: vault.lag)
  }
}
