public import Core
import Foundation
import GRDB
import Redaction

extension MemoryDatabase {
  // MARK: Looking

  /// - Parameter states: Empty takes all.
  /// - Returns: In the order in which they were made.
  public func outbox(
    states: [OutboxRow.State], limit: Int? = nil
  ) throws(StoreError) -> [OutboxRow] {
    var query = Query(Self.outboxSelect)
    query.any("o.state", of: states.map(\.rawValue))
    return try outbox(query, limit: limit)
  }

  /// A page of what one vault is to get of one kind.
  ///
  /// - Parameter after: The number behind which it begins.
  public func outbox(
    vault: String, kind: ItemKind, states: [OutboxRow.State], after: Int64, limit: Int
  ) throws(StoreError) -> [OutboxRow] {
    var query = Query(Self.outboxSelect)
    query.match("o.vault", vault)
    query.match("o.kind", kind.rawValue)
    query.any("o.state", of: states.map(\.rawValue))
    query.add("o.number > ?", after)
    return try outbox(query, limit: limit)
  }

  public struct OutboxCounts: Sendable, Equatable {
    /// Wait for the vault, the ones whose answer is not known among them.
    public var queued = 0
    public var uncertain = 0
    public var quarantined = 0
    /// Stay here until a person shares them.
    public var held = 0
  }

  /// - Parameter vault: Nil counts nothing: without a vault nothing waits for one.
  public func outboxCounts(vault: String?) throws(StoreError) -> OutboxCounts {
    guard let vault else { return OutboxCounts() }
    return try read { db in
      let row = try Row.fetchOne(
        db,
        cached: """
          SELECT
            count(*) FILTER (WHERE state IN ('queued', 'sent')) AS queued,
            count(*) FILTER (WHERE state = 'uncertain') AS uncertain,
            count(*) FILTER (WHERE state = 'quarantined') AS quarantined,
            (SELECT count(*) FROM outbox WHERE state = 'held') AS held
          FROM outbox WHERE vault = ? AND state IN ('queued', 'sent', 'uncertain', 'quarantined')
          """, arguments: [vault])
      guard let row else { return OutboxCounts() }
      return OutboxCounts(
        queued: row["queued"], uncertain: row["uncertain"], quarantined: row["quarantined"],
        held: row["held"])
    }
  }

  /// Whether rows wait that another memoryd may have sent too.
  public func hasSharedRows(vault: String) throws(StoreError) -> Bool {
    try read {
      try Bool.fetchOne(
        $0,
        cached: """
          SELECT EXISTS (SELECT 1 FROM outbox
            WHERE must_look = 1 AND vault = ? AND state IN ('queued', 'sent'))
          """, arguments: [vault]) ?? false
    }
  }

  /// The rows of one number or of one item, or of the item whose id begins so.
  public func outbox(matching text: String) throws(StoreError) -> [OutboxRow] {
    var query = Query(Self.outboxSelect)
    // An id of this century begins with a zero, a number does not.
    if !text.hasPrefix("0"), let number = Int64(text) {
      query.add("o.number = ?", number)
    } else {
      query.prefix("o.item_id", text.uppercased())
    }
    return try outbox(query, limit: nil)
  }

  public func outbox(requestID: RequestID) throws(StoreError) -> OutboxRow? {
    var query = Query(Self.outboxSelect)
    query.match("o.request_id", requestID)
    return try outbox(query, limit: 1).first
  }

  /// Rows that a mirror or a receipt is missing for.
  ///
  /// - Parameter mirrored: 0: in no file yet; 1: without a receipt.
  public func outbox(
    vault: String, mirrored: Int, states: [OutboxRow.State], limit: Int
  ) throws(StoreError) -> [OutboxRow] {
    var query = Query(Self.outboxSelect)
    query.match("o.vault", vault)
    query.add("o.mirrored = ?", mirrored)
    query.any("o.state", of: states.map(\.rawValue))
    return try outbox(query, limit: limit)
  }

  private func outbox(_ query: Query, limit: Int?) throws(StoreError) -> [OutboxRow] {
    let sql = query.sql + " ORDER BY o.number LIMIT ?"
    let arguments = query.arguments + [limit.map { max(0, $0) } ?? -1]
    return try read { db in
      try Row.fetchAll(db, cached: sql, arguments: arguments).map(Self.outboxRow)
    }
  }

  private static let outboxSelect = """
    SELECT o.*, i.vault_id AS task_vault_id, i.base AS task_base, i.written_at AS task_vault_at,
      CASE WHEN o.action IN ('update', 'done') THEN
        (SELECT m.state FROM outbox m
         WHERE m.item_id = o.item_id AND m.vault IS o.vault AND m.action IN ('add', 'retro')
         ORDER BY m.number DESC LIMIT 1) END AS maker_state
    FROM outbox o
    LEFT JOIN vault_items i ON o.kind = 'task' AND i.item_id = o.item_id AND i.vault = o.vault
    """

  private static func outboxRow(_ row: Row) -> OutboxRow {
    func state(_ column: String) -> OutboxRow.State? {
      (row[column] as String?).flatMap { OutboxRow.State(rawValue: $0) }
    }
    return OutboxRow(
      number: row["number"], kind: ItemKind(rawValue: row["kind"]),
      action: OutboxAction(rawValue: row["action"]), itemID: row["item_id"],
      payload: row["payload"], state: state("state") ?? .quarantined, vault: row["vault"],
      requestID: row["request_id"], marker: row["marker"], mustLook: row["must_look"],
      lookAfter: row["look_after"], notBefore: row["not_before"], sentAt: row["sent_at"],
      fence: row["fence"], attempts: row["attempts"], refusals: row["refusals"],
      failingSince: row["failing_since"], lastError: row["last_error"], vaultID: row["vault_id"],
      syncedAt: row["synced_at"],
      isMirrored: (row["mirrored"] as Int) > 0, createdAt: row["created_at"],
      updatedAt: row["updated_at"], taskVaultID: row["task_vault_id"],
      taskBase: (row["task_base"] as String?).flatMap { TaskFields(json: $0) },
      taskVaultAt: row["task_vault_at"], makerState: state("maker_state"))
  }

  // MARK: A person's word

  /// Queues rows again. Of an uncertain one the person has seen that the vault lacks it; any other
  /// that was sent before is looked up first.
  ///
  /// - Returns: How many there were.
  public func retryOutbox(_ numbers: [Int64], at now: Int64) throws(StoreError) -> Int {
    try changeStates(
      numbers, from: ["uncertain", "quarantined", "dropped"],
      to: "CASE WHEN vault IS NULL THEN 'held' ELSE 'queued' END", now)
  }

  /// Takes rows out of the queue for good. What the store holds of the item stays.
  public func dropOutbox(_ numbers: [Int64], at now: Int64) throws(StoreError) -> Int {
    try changeStates(
      numbers, from: ["held", "queued", "sent", "uncertain", "quarantined"], to: "'dropped'", now)
  }

  private func changeStates(
    _ numbers: [Int64], from: [String], to state: String, _ now: Int64
  ) throws(StoreError) -> Int {
    let list = from.map { "'\($0)'" }.joined(separator: ", ")
    return try write { db in
      var count = 0
      for number in numbers {
        try db.execute(
          cached: """
            UPDATE outbox SET must_look = CASE
                WHEN state = 'uncertain' THEN 0 WHEN attempts > 0 THEN 1 ELSE must_look END,
              state = \(state), look_after = NULL, not_before = NULL, refusals = 0,
              failing_since = NULL, updated_at = ?
            WHERE number = ? AND state IN (\(list))
            """, arguments: [now, number])
        count += db.changesCount
      }
      return count
    }
  }

  /// Notes that the fallback files hold rows, or their receipts.
  public func markMirrored(_ numbers: [Int64], level: Int) throws(StoreError) {
    guard !numbers.isEmpty else { return }
    try write { db in
      let statement = try db.cachedStatement(
        sql: "UPDATE outbox SET mirrored = max(mirrored, ?) WHERE number = ?")
      for number in numbers { try statement.execute(arguments: [level, number]) }
    }
  }

  // MARK: The lease

  /// How long a lease lives without being renewed.
  public static let leaseDuration = Duration.seconds(15)

  /// - Parameters:
  ///   - takesOver: The holder is known to be dead.
  ///   - witness: The newest lease that is known from outside the store, if any: a store that
  ///     knows only older ones was put back from a backup.
  ///   - isForeign: The file is not the one that the witness knew.
  ///   - lag: Of the vault's reads.
  /// - Returns: Nil while another process holds it.
  public func acquireLease(
    at now: Int64, takesOver: Bool, witness: String?, isForeign: Bool = false, lag: Duration
  ) throws(StoreError) -> SyncLease? {
    try write { db -> SyncLease? in
      let held = try String.fetchOne(db, cached: "SELECT value FROM meta WHERE key = 'sync_lease'")
      let parts = held?.split(separator: " ") ?? []
      if !takesOver, parts.count == 2, let expires = Int64(parts[1]), expires > now,
        // Further away than any lease: the clock was set back.
        expires - now <= Self.leaseDuration.milliseconds
      {
        return nil
      }
      let known = parts.first.map(String.init) ?? ""
      // Without a witness, a store that was synced before came from elsewhere.
      let isRestored = isForeign || (witness.map { $0 > known } ?? !known.isEmpty)
      var ids = ULIDGenerator(
        after: [known, witness ?? ""].max().flatMap { ULID($0) } ?? ULID(high: 0, low: 0))
      let owner = ids.next(at: now).description
      try Self.saveLease(owner, now + Self.leaseDuration.milliseconds, db)
      if isRestored {
        // What this backup calls queued may have been sent since it was made.
        try db.execute(
          cached: """
            UPDATE outbox SET must_look = 1, look_after = max(coalesce(look_after, 0), ?)
            WHERE state IN ('queued', 'sent')
            """, arguments: [now + lag.milliseconds])
      }
      return SyncLease(owner: owner, isRestored: isRestored)
    }
  }

  /// - Returns: What a witness is to know from now on: newer than all that a copy made during the
  ///   sync holds.
  @discardableResult
  public func releaseLease(_ lease: SyncLease, at now: Int64) throws(StoreError) -> String {
    try write { db in
      guard try Self.holds(lease, db) else { return lease.owner }
      var ids = ULIDGenerator(after: ULID(lease.owner) ?? ULID(high: 0, low: 0))
      let end = ids.next(at: now).description
      try Self.saveLease(end, now, db)
      return end
    }
  }

  private static func saveLease(_ owner: String, _ expires: Int64, _ db: Database) throws {
    try setMeta("sync_lease", "\(owner) \(expires)", db)
  }

  private static func holds(_ lease: SyncLease, _ db: Database) throws -> Bool {
    try String.fetchOne(db, cached: "SELECT value FROM meta WHERE key = 'sync_lease'")?
      .hasPrefix(lease.owner + " ") ?? false
  }

  // MARK: Sending

  /// One step of the drain, in one transaction: notes what became of a row, and notes of the next
  /// one that it is about to be sent. What is not noted as sent has never been sent.
  ///
  /// - Parameters:
  ///   - lookAfter: Unix ms; stands if this process never hears of the row again.
  /// - Returns: The next row as it is to be sent, nil if it is not to be sent any more; and whether
  ///   the lease is still held.
  public func advance(
    settle row: OutboxRow? = nil, as settlement: OutboxSettlement? = nil,
    send next: OutboxRow? = nil, lookAfter: Int64 = 0, fence: VaultID? = nil, lease: SyncLease,
    at now: Int64
  ) throws(StoreError) -> (row: OutboxRow?, holdsLease: Bool) {
    try write { db in
      if let row, let settlement { try self.settle(row, as: settlement, at: now, db) }
      guard try Self.holds(lease, db) else { return (nil, false) }
      try Self.saveLease(lease.owner, now + Self.leaseDuration.milliseconds, db)
      guard let next else { return (nil, true) }
      try db.execute(
        cached: """
          UPDATE outbox SET state = 'sent', attempts = attempts + 1, sent_at = ?, look_after = ?,
            fence = ?, updated_at = ?
          WHERE number = ? AND state = 'queued' AND attempts = ?
          """, arguments: [now, lookAfter, fence, now, next.number, next.attempts])
      guard db.changesCount == 1 else { return (nil, true) }
      let row = try Row.fetchOne(
        db, cached: Self.outboxSelect + " WHERE o.number = ?", arguments: [next.number])
      return (row.map(Self.outboxRow), true)
    }
  }

  /// Counts an answer that was an error, and keeps the time of the first failure.
  private static let failing =
    "refusals = refusals + ?, failing_since = coalesce(failing_since, ?)"

  private func settle(
    _ row: OutboxRow, as settlement: OutboxSettlement, at now: Int64, _ db: Database
  ) throws {
    /// Only of the attempt that it speaks of: a later one, or a person's word, counts more.
    func update(_ assignments: String, _ arguments: StatementArguments) throws -> Bool {
      try db.execute(
        cached: """
          UPDATE outbox SET \(assignments), updated_at = ?
          WHERE number = ? AND attempts = ? AND state IN ('queued', 'sent', 'uncertain')
          """, arguments: arguments + [now, row.number, row.attempts])
      return db.changesCount == 1
    }
    switch settlement {
    case .synced(let vaultID, let task):
      let isNew = try update(
        "state = 'synced', vault_id = ?, synced_at = ?, last_error = NULL, not_before = NULL",
        [vaultID, now])
      if isNew { try noteInVault(row, vaultID: vaultID, task: task, at: now, db) }
      // It went out as it was; the item may say something else by now.
      if isNew, row.kind == .task { try Self.renewPayloads(ofTask: row.itemID, db) }
    case .notApplied(let error, let notBefore, let isRefusal):
      _ = try update(
        "state = 'queued', last_error = ?, not_before = ?, " + Self.failing,
        [redactor.redact(error), notBefore, isRefusal ? 1 : 0, isRefusal ? now : nil])
    case .lost(let error, let lookAfter, let isRefusal):
      _ = try update(
        "state = 'sent', last_error = ?, look_after = ?, " + Self.failing,
        [redactor.redact(error), lookAfter, isRefusal ? 1 : 0, now])
    case .provenAbsent:
      _ = try update("state = 'queued', look_after = NULL", [])
    case .postponed(let lookAfter):
      _ = try update("look_after = ?", [lookAfter])
    case .uncertain(let error):
      _ = try update("state = 'uncertain', last_error = ?", [redactor.redact(error)])
    case .quarantined(let error):
      _ = try update("state = 'quarantined', last_error = ?", [redactor.redact(error)])
    }
  }

  /// The item of this store that went out with one of these markers.
  public func item(withMarkers markers: [String]) throws(StoreError) -> RecordID? {
    try read { db in
      for marker in markers {
        let found = try RecordID.fetchOne(
          db, cached: "SELECT item_id FROM outbox WHERE marker = ?", arguments: [marker])
        if let found { return found }
      }
      return nil
    }
  }

  /// Of all rows there ever were; 0 without one.
  public func newestOutboxNumber() throws(StoreError) -> Int64 {
    try read { try Int64.fetchOne($0, cached: "SELECT max(number) FROM outbox") ?? 0 }
  }
}
