import Core
import Fallback
import Foundation
import MemoryStore
import Vault

/// Goes through the outbox, and again while something can still be found out.
extension SyncRun {
  /// Rows that are looked at together.
  private static let page = 200
  /// A run that goes on for ever is one that has a fault.
  private static let mostPasses = 30

  func drain(_ session: SyncSession) throws(StoreError) {
    let patience = ContinuousClock.now + settings.patience
    var mayLook = settings.effort == .typed
    for _ in 0..<Self.mostPasses {
      let pass = try goThrough(session, mayLook: mayLook)
      guard !isStopped, !report.isOutOfTime else { return }
      if pass.hasLost {
        // What has arrived shows at once, most of the time.
        if pass.hasProgress { losses.forgetWrites() }
      } else {
        guard let next = report.nextLook else { return }
        // One that became due meanwhile is looked at now.
        let wait = max(0, next - clock.now) + 5
        let over = ContinuousClock.now + .milliseconds(wait)
        guard over < patience, settings.end.map({ over < $0 }) ?? true else { return }
        usleep(UInt32(wait) * 1000)
        losses.forgetWrites()
      }
      if try !session.journal.renewLease() { isStopped = true }
      if isStopped { return }
      mayLook = true
      if !pass.unclearTasks.isEmpty { planner.snapshot.forgetTasks() }
      if !pass.unclearOthers.isEmpty { planner.snapshot.forgetBackup() }
    }
  }

  private func goThrough(
    _ session: SyncSession, mayLook: Bool
  ) throws(StoreError) -> OutboxPass {
    var pass = OutboxPass(mayLook: mayLook)
    report.nextLook = nil
    planner.beginPass()
    planner.sendings = session.hasSharedRows ? files.sendings() : [:]
    for kind in ItemKind.forVault where !isStopped {
      try goThrough(kind, session, &pass)
    }
    try session.journal.flush()
    report.waitsBecause = pass.waitsBecause
    if isStopped { return pass }
    report.nextLook = pass.end(
      &looks, tasksReadAt: planner.snapshot.tasksReadAt, now: clock.now, lag: settings.lag)
    return pass
  }

  private func goThrough(
    _ kind: ItemKind, _ session: SyncSession, _ pass: inout OutboxPass
  ) throws(StoreError) {
    var cursor: Int64 = 0
    while !isStopped {
      let rows = try outbox(kind, after: cursor, limit: Self.page)
      guard let last = rows.last else { return }
      cursor = last.number
      readWhatIsNeeded(for: rows, kind, &pass)
      for row in rows {
        if losses.needsRead { readTasks() }
        if isStopped { return }
        planner.now = clock.now
        if let step = planner.next(row) {
          try carryOut(step, session, &pass)
        } else if row.state == .uncertain {
          pass.uncertain += 1
        }
      }
    }
  }

  /// The rows of a kind that are not over yet, in order.
  func outbox(_ kind: ItemKind, after number: Int64, limit: Int) throws(StoreError) -> [OutboxRow] {
    try database.outbox(
      vault: settings.vault.id, kind: kind, states: [.queued, .sent, .uncertain], after: number,
      limit: limit)
  }

  private func carryOut(
    _ step: SyncStep, _ session: SyncSession, _ pass: inout OutboxPass
  ) throws(StoreError) {
    switch step {
    case .settle(let row, let settlement, _):
      apply(.known(row, settlement), to: row, &pass)
      try session.journal.settle(row, settlement)
    case .wait(let row, let until, let why):
      let next: RowFate.Next? =
        planner.mustBeLookedUp(row)
        ? .look(until ?? planner.lookAfter(row)) : until.map { .tryAgain($0) }
      apply(.waits(because: why, next: next), to: row, &pass)
    case .hold:
      return
    case .send(let row, let isProvenAbsent):
      guard budget.hasTime else {
        report.isOutOfTime = true
        isStopped = true
        return
      }
      guard losses.allowSending(row) else {
        apply(.waitsAfterLosses(at: clock.now), to: row, &pass)
        return
      }
      // Only a row that stands as queued is noted as sent.
      if isProvenAbsent { try session.journal.settle(row, .provenAbsent) }
      try send(row, session, &pass)
    }
  }

  /// Lets everything but the store know of a row's fate.
  func apply(_ fate: RowFate, to row: OutboxRow, _ pass: inout OutboxPass) {
    pass.note(fate, of: row)
    if fate.holdsUpItem { planner.holdUp(row) }
    if let failure = fate.failure { planner.noteFailure(row, isError: failure == .error) }
    if fate.isLoss { losses.noteLostWrite(row) }
    switch fate.tally {
    case .sent:
      losses.noteTaken()
      report.sent += 1
      onProgress(report.sent)
    case .found: report.found += 1
    case .uncertain: report.uncertain += 1
    case .quarantined: report.quarantined += 1
    case nil: break
    }
  }

  /// A call has shown something of the vault as a whole: the run goes on only after a lost answer.
  func fail(_ failure: VaultFailure) {
    if failure == .outOfTime {
      report.isOutOfTime = true
      isStopped = true
      return
    }
    report.failure = failure
    onFailure(failure)
    if failure.isLostAnswer { losses.noteLostCall() } else { isStopped = true }
  }
}
