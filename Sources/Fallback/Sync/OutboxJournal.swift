import Core
import MemoryStore

/// What became of the row that was sent last, and is not noted yet.
///
/// It is noted in the transaction that notes the next row as sent, which saves an fsync for each
/// row. A process that dies before then loses nothing: the row stands as `sent` in the store, so it
/// is looked up as one whose answer was lost.
struct PendingSettlement {
  var row: OutboxRow
  var settlement: OutboxSettlement
}

/// Writes the outbox's progress down, in the order on which exactly-once rests: a row is noted as
/// sent before it is sent, and what is pending is noted before, or together with, whatever comes
/// next.
final class OutboxJournal {
  private let database: MemoryDatabase
  private let clock: WallClock
  private let lease: SyncLease
  private var pending: PendingSettlement?

  init(database: MemoryDatabase, clock: WallClock, lease: SyncLease) {
    self.database = database
    self.clock = clock
    self.lease = lease
  }

  /// Notes that a row is about to be sent, and with it what is pending.
  ///
  /// - Parameters:
  ///   - now: Unix ms.
  ///   - lookAfter: Unix ms; stands if nothing is heard of the row again.
  ///   - fence: A checkpoint that the vault had before, as the store keeps it with the row.
  /// - Returns: The row as it is to be sent, nil if it is not to be sent any more; and whether the
  ///   lease is still held.
  /// - Throws: ``StoreError``; then the row must not be sent, and what is pending stays so.
  func noteSending(
    _ row: OutboxRow, at now: Int64, lookAfter: Int64, fence: VaultID?
  ) throws(StoreError) -> (row: OutboxRow?, holdsLease: Bool) {
    let step = try database.advance(
      settle: pending?.row, as: pending?.settlement, send: row, lookAfter: lookAfter,
      fence: fence, lease: lease, at: now)
    pending = nil
    return step
  }

  /// Keeps what became of the row that was noted as sent last, until the next one is noted.
  func settleWithNext(_ row: OutboxRow, _ settlement: OutboxSettlement) {
    assert(pending == nil, "noting a row as sent leaves nothing pending")
    pending = PendingSettlement(row: row, settlement: settlement)
  }

  /// Notes what became of a row, after what is pending.
  ///
  /// - Throws: ``StoreError`` where the store cannot be written.
  func settle(_ row: OutboxRow, _ settlement: OutboxSettlement) throws(StoreError) {
    try flush()
    _ = try database.advance(settle: row, as: settlement, lease: lease, at: clock.now)
  }

  /// Notes what is pending.
  ///
  /// - Throws: ``StoreError`` where the store cannot be written; then it stays pending.
  func flush() throws(StoreError) {
    guard let pending else { return }
    _ = try database.advance(
      settle: pending.row, as: pending.settlement, lease: lease, at: clock.now)
    self.pending = nil
  }

  /// Renews the lease.
  ///
  /// - Returns: False if another process has it now.
  /// - Throws: ``StoreError`` where the store cannot be written.
  func renewLease() throws(StoreError) -> Bool {
    try database.advance(lease: lease, at: clock.now).holdsLease
  }
}
