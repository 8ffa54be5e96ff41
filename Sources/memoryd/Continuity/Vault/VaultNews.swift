import Canary
import Core
import Fallback
import Journal
import MemoryStore
import Sync
import Vault

/// Tells a session in one line when the vault goes and comes, where the host lets a hook speak.
package struct VaultNews {
  let service: MemoryService

  package init(service: MemoryService) {
    self.service = service
  }

  private var vault: VaultService { service.vault }

  /// At the start of a session: always while degraded, and once when the vault is back.
  func atStart(_ settled: VaultCheck.Settled, session: SessionID) -> String? {
    guard let health = settled.health else { return nil }
    let isNew = health.toldTransition < health.transitions
    remember(health, session: session)
    switch health.mode {
    case .degraded: return degraded(health)
    case .normal where isNew && health.transitions > 0: return back(health, settled.synced)
    case .normal, .standalone: return nil
    }
  }

  /// At the first start of a session in a project with this vault: what the vault will not get of
  /// itself, because it was written before.
  func ofBefore(_ project: ProjectReference) -> String? {
    // A note that it was said: if it is lost, it is said once more.
    guard let reference = vault.reference, let id = project.id,
      let database = try? service.store.writing(),
      (try? database.noteToldOfHeld(id, reference, at: service.context.clock.now)) == true,
      let items = try? database.held(from: reference, project: id), !items.isEmpty
    else { return nil }
    return
      "\(TerminalText.counts(items)) of this project are older than the vault and stay here; "
      + "`memoryd vault share \(id) --history` shows them, and sends them if you say so"
  }

  /// Bookkeeping: if it is lost, the session is told once more.
  private func remember(_ health: VaultHealth, session: SessionID) {
    if health.toldTransition < health.transitions {
      vault.change { $0.toldTransition = max($0.toldTransition, health.transitions) }
    }
    // During the session its Stops tell of later changes (``FrontNews``).
    service.context.journal.noteTold(health.transitions, session: session.rawValue)
  }

  private func degraded(_ health: VaultHealth) -> String {
    // Only read, but of use only where the store can be written: see ``StoreDoor/writing()``.
    let counts = try? service.store.writing().outboxCounts(vault: vault.reference?.id)
    let queued = counts?.queued ?? 0
    let what =
      queued == 0
      ? "nothing waits for it"
      : queued == 1 ? "1 write waits for it" : "\(queued) writes wait for it"
    let place =
      service.context.fallback.problem().map { "kept here, but not in the fallback files: \($0)" }
      ?? "kept here and in \(service.context.fallback.directory)"
    return
      "degraded mode since \(TerminalText.time(health.since)) UTC: \(health.detail) "
      + "(\(health.reason?.rawValue ?? "unknown")); \(what), \(place); \(health.nextStep)"
  }

  private func back(_ health: VaultHealth, _ synced: SyncRun.Report?) -> String {
    // As in ``degraded(_:)``.
    let counts = try? service.store.writing().outboxCounts(vault: vault.reference?.id)
    var text = "the vault is back since \(TerminalText.time(health.since)) UTC; normal mode"
    if let sent = synced.map({ $0.sent + $0.found }), sent > 0 { text += "; \(sent) writes synced" }
    if let queued = counts?.queued, queued > 0 {
      text += "; \(queued) still wait, `memoryd sync` sends them now"
    }
    if let uncertain = counts?.uncertain, uncertain > 0 {
      text += "; \(uncertain) uncertain, see `memoryd outbox list --state uncertain`"
    }
    return text
  }
}
