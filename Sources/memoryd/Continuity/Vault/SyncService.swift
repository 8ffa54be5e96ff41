package import Canary
import Checkpoints
package import Core
package import Fallback
import Foundation
import Logging
package import MemoryStore
import Redaction
package import Sync
package import Vault

/// Brings store, fallback files and vault together.
package struct SyncService {
  let service: MemoryService

  package init(service: MemoryService) {
    self.service = service
  }

  package struct Outcome {
    package var report = SyncRun.Report()
    package var adoption: Adoption.Result?
    /// What waits afterwards.
    package var left = 0
    var health: VaultHealth?

    package init(
      report: SyncRun.Report = SyncRun.Report(), adoption: Adoption.Result? = nil, left: Int = 0,
      health: VaultHealth? = nil
    ) {
      self.report = report
      self.adoption = adoption
      self.left = left
      self.health = health
    }
  }

  private var vault: VaultService { service.vault }

  // MARK: The whole

  /// - Parameters:
  ///   - tools: Nil where no vault is configured: then only the files are taken in.
  ///   - end: When all must be over; nil without an end.
  ///   - patience: How long to wait for the moment at which lost answers can be looked up.
  ///   - effort: How much is asked of the vault.
  ///   - takesCheckpoint: Whether its newest checkpoint is taken over too.
  ///   - isCancelled: Asked before each item; true leaves the rest for later.
  package func run(
    _ tools: VaultTools?, end: ContinuousClock.Instant?, patience: Duration,
    effort: SyncRun.Effort = .whole, takesCheckpoint: Bool = true,
    progress: ((String) -> Void)? = nil, isCancelled: @escaping () -> Bool = { false }
  ) throws(StoreError) -> Outcome {
    var outcome = Outcome()
    // The outbox and what came from the vault: without the store there is nothing to send, and what
    // the vault has can be had again.
    let database = try service.store.writing()
    outcome.adoption = try adopt(
      end: end, onlyIfChanged: end != nil || effort == .sending)
    let vault = vault
    guard let tools, let reference = vault.reference else { return outcome }
    // A vault that has been seen takes over first what an earlier version knew of it.
    try database.note(reference, at: service.context.clock.now)
    let total = try database.outboxCounts(vault: reference.id).queued
    let files = service.context.fallback
    let run = SyncRun(
      database: database, files: files, vault: tools, clock: service.context.clock,
      settings: .init(
        timeout: tools.timeout, lag: vault.lag, end: end, patience: patience,
        vault: reference, witness: service.context.home.syncWitness,
        lock: service.context.home.syncLock, effort: effort,
        takesCheckpoint: takesCheckpoint, isCancelled: isCancelled),
      onFailure: { vault.observe(.callFailed($0)) },
      onProgress: { sent in
        if sent % 20 == 0 { progress?("syncing: \(sent) of \(total)") }
      })
    var health: VaultHealth?
    outcome.report = try run.run(adoption: outcome.adoption) {
      let result = vault.probe(tools, status: "", by: end)
      health = result.health
      return result.answer
    }
    outcome.health = health
    if let newest = run.newestCheckpoint { try keep(newest, from: reference, database) }
    writeReceipts(database, of: reference)
    if vault.health()?.mode == .degraded { mirrorPending() }
    outcome.left =
      try database.outboxCounts(vault: reference.id).queued + (outcome.adoption?.unfinished ?? 0)
    return outcome
  }

  /// Takes in what was written into the fallback files.
  package func adopt(
    end: ContinuousClock.Instant?, onlyIfChanged: Bool
  ) throws(StoreError) -> Adoption.Result? {
    try adoption().run(onlyIfChanged: onlyIfChanged) {
      end.map { $0 - .now < .milliseconds(50) } ?? false
    }
  }

  private func adoption() throws(StoreError) -> Adoption {
    let redactor = service.context.redactor
    return Adoption(
      // What is adopted stays in the files until the store has it.
      database: try service.store.writing(), files: service.context.fallback,
      clock: service.context.clock,
      consent: vault.consent
    ) { draft in
      Self.body(
        objective: redactor.redact(draft.objective),
        blockers: draft.blockers.map { redactor.redact($0) },
        actions: draft.actions.map { redactor.redact($0) },
        next: draft.next.map { redactor.redact($0) })
    }
  }

  private static func body(
    objective: String, blockers: [String], actions: [String], next: [String] = []
  ) -> String {
    var snapshot = Snapshot()
    snapshot.stated = Snapshot.Statement(
      objective: objective, blockers: blockers, actions: actions, next: next)
    return snapshot.json
  }

  /// The vault's newest checkpoint, so that it is here when the vault is not.
  private func keep(
    _ newest: VaultCheckpoint, from vault: VaultReference, _ database: MemoryDatabase
  ) throws(StoreError) {
    let redactor = service.context.redactor
    let own = newest.withoutMarkers
    let objective = redactor.redact(own.objective ?? String(own.content.prefix(2000)))
    try database.pullCheckpoint(
      from: vault, vaultID: newest.id, markers: newest.markers, objective: objective,
      searchText: (own.blockers + own.actions).joined(separator: "\n"),
      body: Self.body(
        objective: objective, blockers: own.blockers.map { redactor.redact($0) },
        actions: own.actions.map { redactor.redact($0) }),
      createdAt: Timestamp.milliseconds(newest.createdAt) ?? service.context.clock.now)
  }

  // MARK: The files

  /// Rows that are mirrored or receipted together.
  private static let page = 20

  /// Puts into the fallback files what waits and is not there yet.
  package func mirrorPending() {
    guard let vault = vault.reference else { return }
    do throws(StoreError) {
      // Notes what is in the files; they are looked at before an entry is written a second time.
      let database = try service.store.writing()
      let storeID = try Adoption.storeID(database, service.context.clock)
      while true {
        let rows = try database.outbox(
          vault: vault.id, mirrored: 0, states: [.queued, .sent], limit: Self.page)
        if rows.isEmpty { return }
        try database.markMirrored(
          try service.context.fallback.mirror(rows, storeID: storeID), level: 1)
        if service.context.deadline?.isWithin(.milliseconds(400)) == true { return }
      }
    } catch {
      service.context.log.notice("mirror waits", metadata: ["code": "\(error.code.rawValue)"])
    }
  }

  /// Notes in the files which of their entries the vault has.
  private func writeReceipts(_ database: MemoryDatabase, of vault: VaultReference) {
    do throws(StoreError) {
      while true {
        let rows = try database.outbox(
          vault: vault.id, mirrored: 1, states: [.synced], limit: Self.page)
        if rows.isEmpty { return }
        try service.context.fallback.appendReceipts(rows, at: service.context.clock.now)
        try database.markMirrored(rows.map(\.number), level: 2)
        if service.context.deadline?.isWithin(.milliseconds(400)) == true { return }
      }
    } catch {
      service.context.log.notice("receipts wait", metadata: ["code": "\(error.code.rawValue)"])
    }
  }

  // MARK: Looking only

  package struct Plan {
    package var adoption: Adoption.Result?
    package var steps: [SyncStep] = []
    /// What stays here until it is shared.
    package var held: [MemoryDatabase.HeldItem] = []
    package var failure: VaultFailure?
  }

  /// What ``run(_:end:patience:progress:)`` would do now.
  package func plan(_ tools: VaultTools?) throws(StoreError) -> Plan {
    var plan = Plan()
    plan.adoption = try adoption().run(isDryRun: true)
    guard let tools, let reference = vault.reference else { return plan }
    plan.held = try service.store.reading().held(from: reference, project: nil)
    let readAt = service.context.clock.now
    let wait = HealthStateMachine.wait(vault.health(), asker: .person, now: readAt)
    let result =
      wait > .zero
      ? .failure(
        VaultFailure(
          .rateLimited, "the vault asks to be left alone for \(wait.components.seconds + 1) s more")
      )
      : CanaryProbe.ask(tools, status: "")
    switch result {
    case .failure(let failure):
      plan.failure = failure
      plan.steps = try service.store.reading().outbox(states: [.queued, .sent])
        .filter { $0.vault == reference.id }
        .map { .wait($0, until: nil, because: "the vault does not answer") }
    case .success(let answer):
      let run = SyncRun(
        database: try service.store.writing(), files: service.context.fallback, vault: tools,
        clock: service.context.clock,
        settings: .init(
          timeout: tools.timeout, lag: vault.lag, end: nil, patience: .zero,
          vault: reference, witness: "", lock: ""),
        onFailure: { _ in })
      plan.steps = try run.plan(adoption: plan.adoption, answer: answer, readAt: readAt)
    }
    return plan
  }
}
