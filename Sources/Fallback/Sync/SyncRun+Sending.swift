import Core
import Fallback
import MemoryStore
import Vault

/// Sends one row.
extension SyncRun {
  /// Between noting that a row goes out and sending it; beyond it the machine slept, and another
  /// process may have taken over.
  private static let longestPause = Duration.seconds(2)

  func send(
    _ row: OutboxRow, _ session: SyncSession, _ pass: inout OutboxPass
  ) throws(StoreError) {
    if let fate = try hindrance(row) {
      apply(fate, to: row, &pass)
      return
    }
    if isStopped { return }
    let now = clock.now
    let noted = try session.journal.noteSending(
      row, at: now,
      lookAfter: RowFate.lookAfterSending(
        at: now, timeout: settings.timeout, lag: settings.lag),
      fence: fence)
    guard noted.holdsLease else {
      isStopped = true
      return
    }
    // Without a row, a person dropped it meanwhile, or the checkpoint was renewed.
    guard let row = noted.row else { return }
    let fate = attempt(row, notedAt: now)
    if let settlement = fate.settlement { session.journal.settleWithNext(row, settlement) }
    apply(fate, to: row, &pass)
  }

  /// What keeps a row from being noted as sent; nil if it may go out, or if the run is stopped.
  private func hindrance(_ row: OutboxRow) throws(StoreError) -> RowFate? {
    if row.mustLook, let marker = row.marker {
      do throws(StoreError) {
        try files.noteSending(marker, at: clock.now)
      } catch {
        // Others could send it too and not know of this: it waits until the folder can be written.
        return .isHeldUp(because: error.message)
      }
    }
    if row.kind == .checkpoint { try readFence() }
    if let task = row.aboutTaskID, let way = try database.wayOfTask(task, to: settings.vault.id),
      way.vaultID == nil,
      way.maker?.isWaiting == true || way.maker == .uncertain
    {
      // The vault would not know which task is meant.
      return .isHeldUp(because: "the vault does not have its task yet")
    }
    return nil
  }

  /// Sends a row that is noted as sent.
  private func attempt(_ row: OutboxRow, notedAt: Int64) -> RowFate {
    guard row.makesItem || row.taskVaultID != nil else { return .notSent(.taskIsMissing) }
    let call = VaultCall(row, snapshot: planner.snapshot) {
      try? database.wayOfTask($0, to: settings.vault.id)
    }
    guard let call else { return .superfluous(row, task: planner.snapshot.current(row)) }
    guard clock.now - notedAt < Self.longestPause.milliseconds else {
      isStopped = true
      return .notSent(.machineSlept)
    }
    let honoursKeys = planner.keysSince != nil
    do throws(VaultFailure) {
      let written = try vault.write(
        call.tool, call.arguments, key: honoursKeys ? SyncKey.of(row) : nil, by: settings.end)
      let task = written.task.map { RemoteTask($0) }
      if let task { planner.snapshot.note(task, writtenAt: clock.now) }
      if row.kind == .checkpoint { fence = written.id }
      return .taken(as: written.id, task: task)
    } catch {
      if error.concernsTheVault { fail(error) }
      return .failed(
        row, error, .init(now: clock.now, lag: settings.lag, honoursKeys: honoursKeys))
    }
  }

  /// Stands in ``fence`` for a vault that shows no checkpoint.
  private static let noCheckpoint = VaultID(rawValue: "")

  /// A checkpoint that the vault has now: while it is among the newest ten, so is what comes later.
  private func readFence() throws(StoreError) {
    if fence != nil { return }
    if let known = try database.fact(fact(.checkpoint)) {
      fence = VaultID(rawValue: known)
      return
    }
    do throws(VaultFailure) {
      fence = try vault.newestCheckpoint(by: settings.end)?.id ?? Self.noCheckpoint
    } catch {
      // Without one, the window of checkpoints proves nothing while it is full.
      if error.isAboutThisCall { fence = Self.noCheckpoint } else { fail(error) }
      if fence == nil { isStopped = true }
    }
  }
}
