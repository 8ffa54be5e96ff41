public import Core
import GRDB
import Redaction

extension MemoryDatabase {
  // MARK: Small facts

  /// What the store remembers beside its records.
  public enum Fact: Sendable {
    /// What the fallback files looked like when they were last taken in.
    case fallbackSeen
    /// This store's own name in the fallback files, a ULID.
    case storeID
    /// When it was said that there is no vault, Unix ms.
    case toldStandalone
    case vault(VaultFact, String)

    package var key: String {
      switch self {
      case .fallbackSeen: "fallback_seen"
      case .storeID: "store_id"
      case .toldStandalone: "told_standalone"
      case .vault(let fact, let vault): fact.rawValue + ":" + vault
      }
    }
  }

  /// What is remembered of each vault.
  public enum VaultFact: String, Sendable, CaseIterable {
    /// JSON.
    case health = "vault_health"
    /// The newest checkpoint that it is known to have, by its id there.
    case checkpoint = "vault_checkpoint"
    /// Unix ms of the last pull from it.
    case pulledAt = "pulled_at"
    /// Since when it is known to honour keys (Unix ms).
    case keys = "vault_keys"
    /// Its own list of its tools, JSON.
    case tools = "vault_tools"
    /// When lost answers may be looked up next, JSON.
    case looks = "vault_looks"
  }

  public func fact(_ fact: Fact) throws(StoreError) -> String? {
    try read { db in
      try String.fetchOne(
        db, cached: "SELECT value FROM meta WHERE key = ?", arguments: [fact.key])
    }
  }

  /// Changes a fact from what it is now, in one transaction.
  ///
  /// - Returns: What it is afterwards.
  @discardableResult
  public func update(
    _ fact: Fact, _ change: (String?) -> String?
  ) throws(StoreError) -> String? {
    try write { db in
      let old = try String.fetchOne(
        db, cached: "SELECT value FROM meta WHERE key = ?", arguments: [fact.key])
      let new = change(old)
      if let new, new != old { try Self.setMeta(fact.key, new, db) }
      return new ?? old
    }
  }

  static func setMeta(_ key: String, _ value: String, _ db: Database) throws {
    try db.execute(
      cached: """
        INSERT INTO meta (key, value) VALUES (?, ?)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value
        """, arguments: [key, value])
  }

  // MARK: Items in the vault

  /// Where a task of this store stands on its way to the vault.
  ///
  /// - Returns: Nil for a task that this store does not have.
  public func wayOfTask(
    _ id: RecordID, to vault: String
  ) throws(StoreError) -> (vaultID: VaultID?, maker: OutboxRow.State?)? {
    try read { db in
      let row = try Row.fetchOne(
        db,
        cached: """
          SELECT
            (SELECT vault_id FROM vault_items i WHERE i.item_id = t.id AND i.vault = ?1)
              AS vault_id,
            (SELECT state FROM outbox o
              WHERE o.item_id = t.id AND o.vault = ?1 AND o.action IN ('add', 'retro')
              ORDER BY o.number DESC LIMIT 1) AS maker
          FROM tasks t WHERE t.id = ?2
          """, arguments: [vault, id])
      return row.map { row in
        (row["vault_id"], (row["maker"] as String?).flatMap { OutboxRow.State(rawValue: $0) })
      }
    }
  }

  public func hasRequest(_ id: RequestID) throws(StoreError) -> Bool {
    try read {
      try Bool.fetchOne(
        $0, cached: "SELECT EXISTS (SELECT 1 FROM requests WHERE id = ?)",
        arguments: [id]) ?? false
    }
  }

  /// The item that a request made or changed.
  public func itemID(ofRequest id: RequestID) throws(StoreError) -> RecordID? {
    try read {
      try RecordID.fetchOne(
        $0, cached: "SELECT item_id FROM requests WHERE id = ?", arguments: [id])
    }
  }

  /// A row that was acknowledged: its item knows where it is from now on.
  func noteInVault(
    _ row: OutboxRow, vaultID: VaultID?, task: RemoteTask?, at now: Int64, _ db: Database
  ) throws {
    guard let vault = row.vault else { return }
    if row.makesItem, let vaultID {
      // It may have come in by a pull before this row was settled, and been changed since.
      let twin = try RecordID.fetchOne(
        db,
        cached: """
          SELECT item_id FROM vault_items
          WHERE vault = ? AND kind = ? AND vault_id = ? AND item_id != ?
          """, arguments: [vault, row.kind.rawValue, vaultID, row.itemID])
      if let twin, let table = row.kind.table {
        try db.execute(
          cached: "UPDATE outbox SET item_id = ? WHERE item_id = ?", arguments: [row.itemID, twin])
        try db.execute(
          cached: "UPDATE OR IGNORE vault_items SET item_id = ? WHERE item_id = ? AND vault != ?",
          arguments: [row.itemID, twin, vault])
        try Self.dropping(db) {
          try db.execute(cached: "DELETE FROM \(table) WHERE id = ?", arguments: [twin])
        }
      }
      try Self.note(row.itemID, row.kind, isIn: vault, as: vaultID, db)
    }
    switch row.kind {
    case .task:
      try db.execute(
        cached: "UPDATE vault_items SET written_at = ? WHERE item_id = ? AND vault = ?",
        arguments: [now, row.itemID, vault])
      if let task {
        // What this row has set is agreed on, also where a later row changes it again.
        let agreed = row.makesItem ? task.fields : TaskFields(json: row.payload) ?? TaskFields()
        try merge(redacted(task), intoTask: row.itemID, vault: vault, agreed: agreed, at: now, db)
      }
    case .checkpoint:
      if let vaultID { try Self.setMeta(Fact.vault(.checkpoint, vault).key, vaultID.rawValue, db) }
    default:
      break
    }
  }

  /// An item is one there: an id that it had in the same vault before is forgotten.
  static func note(
    _ itemID: RecordID, _ kind: ItemKind, isIn vault: String, as vaultID: VaultID, _ db: Database
  ) throws {
    try db.execute(
      cached: "DELETE FROM vault_items WHERE item_id = ? AND vault = ? AND vault_id != ?",
      arguments: [itemID, vault, vaultID])
    try db.execute(
      cached: """
        INSERT INTO vault_items (vault, kind, vault_id, item_id) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET item_id = excluded.item_id
        """, arguments: [vault, kind.rawValue, vaultID, itemID])
  }

  // MARK: Pulling

  /// Takes the vault's tasks into the store, each as ``TaskMerge`` decides; what waits in the
  /// outbox is kept, and decided when it is sent.
  ///
  /// - Parameter lag: For which the vault's lists may show what was before a write of ours.
  /// - Returns: How many tasks are new or have changed here.
  /// - Throws: ``StoreError`` where the store cannot be written; then none of them is taken in.
  @discardableResult
  public func pull(
    _ tasks: [RemoteTask], from vault: VaultReference, at now: Int64, lag: Duration
  ) throws(StoreError) -> Int {
    let tasks = tasks.map(redacted)
    return try write { db in
      try Self.note(vault, at: now, db)
      var changed = 0
      for task in tasks where try self.pull(task, vault.id, at: now, lag: lag, db) { changed += 1 }
      try Self.setMeta(Fact.vault(.pulledAt, vault.id).key, String(now), db)
      return changed
    }
  }

  private func pull(
    _ task: RemoteTask, _ vault: String, at now: Int64, lag: Duration, _ db: Database
  ) throws -> Bool {
    let known = try Row.fetchOne(
      db,
      cached: """
        SELECT item_id, written_at FROM vault_items
        WHERE vault = ? AND kind = 'task' AND vault_id = ?
        """, arguments: [vault, task.vaultID])
    if let known {
      if let at = known["written_at"] as Int64?, now >= at, now - at < lag.milliseconds {
        return false
      }
      return try merge(task, intoTask: known["item_id"], vault: vault, at: nil, db)
    }
    // One of ours, whose row is not settled or was forgotten in a restore.
    for marker in task.markers {
      let id = try RecordID.fetchOne(
        db,
        cached: """
          SELECT item_id FROM outbox
          WHERE marker = ? AND action IN ('add', 'retro') ORDER BY number LIMIT 1
          """, arguments: [marker])
      guard let id else { continue }
      let isThere = try Bool.fetchOne(
        db,
        cached: "SELECT EXISTS (SELECT 1 FROM vault_items WHERE item_id = ? AND vault = ?)",
        arguments: [id, vault])
      if isThere != true { try Self.note(id, .task, isIn: vault, as: task.vaultID, db) }
      return try merge(task, intoTask: id, vault: vault, at: nil, db)
    }
    // A task that was made there keeps its id here.
    let id = RecordID(task.vaultID)
    var record = TaskRecord(
      id: id, fields: task.fields, status: task.isDone ? .done : .open,
      source: task.source, createdAt: task.createdAt,
      completedAt: task.isDone ? task.completedAt ?? now : nil)
    record.fields.title = record.title
    record.fields.project = record.project
    record.projectID = try Self.file(under: record.project, at: now, db)
    try record.insert(updatedAt: now, isPerhapsKnown: true, db)
    // Also where another vault, of which this one is a copy, gave the task its id.
    let isNew = db.changesCount == 1
    try Self.note(id, .task, isIn: vault, as: task.vaultID, db)
    if !isNew { return try merge(task, intoTask: id, vault: vault, at: nil, db) }
    try Self.noteParts(of: id, db)
    try Self.setBase(task.fields, of: id, vault, db)
    return true
  }

  /// Carries out what ``TaskMerge`` decides of a task that is here and in the vault.
  ///
  /// - Parameters:
  ///   - agreed: The fields that our own write, whose answer this is, has set.
  ///   - at: Unix ms of that write; nil for a state that was read.
  /// - Returns: True if the task became another one here.
  @discardableResult
  private func merge(
    _ task: RemoteTask, intoTask id: RecordID, vault: String, agreed: TaskFields = TaskFields(),
    at written: Int64?, _ db: Database
  ) throws -> Bool {
    guard
      let local = try Row.fetchOne(db, cached: "SELECT * FROM tasks WHERE id = ?", arguments: [id])
    else { return false }
    let base = try String.fetchOne(
      db,
      cached: "SELECT base FROM vault_items WHERE item_id = ? AND vault = ? AND base IS NOT NULL",
      arguments: [id, vault]
    ).flatMap { TaskFields(json: $0) }
    let merged = TaskMerge.incoming(
      task, base: base, here: (TaskFields(row: local), local["status"] == TaskStatus.open.rawValue),
      waiting: try Self.waitingChanges(of: id, vault, db), agreed: agreed)
    for field in TaskField.allCases {
      guard let theirs = merged.fields[field] else { continue }
      try Self.dropping(db) {
        try db.execute(
          cached: "UPDATE tasks SET \(field.rawValue) = ? WHERE id = ?", arguments: [theirs, id])
      }
      if field == .project {
        try db.execute(
          cached: "UPDATE tasks SET project_id = ? WHERE id = ?",
          arguments: [Self.file(under: theirs, at: 0, db), id])
      }
    }
    if merged.completes {
      try db.execute(
        cached: "UPDATE tasks SET status = 'done', completed_at = ? WHERE id = ?",
        arguments: [task.completedAt ?? task.createdAt, id])
    }
    if let base, merged.base != base {
      try Self.dropping(db) { try Self.setBase(merged.base, of: id, vault, db) }
    } else if merged.base != base {
      try Self.setBase(merged.base, of: id, vault, db)
    }
    if merged.isChange {
      try Self.renewText(ofTask: id, db)
      try db.execute(
        cached: "UPDATE tasks SET updated_at = max(updated_at, ?) WHERE id = ?",
        arguments: [written ?? 0, id])
    }
    return merged.isChange
  }

  /// The fields that a task's waiting changes set, also those that stay here until they are shared.
  private static func waitingChanges(
    of id: RecordID, _ vault: String, _ db: Database
  ) throws -> TaskFields {
    let payloads = try String.fetchAll(
      db,
      cached: """
        SELECT payload FROM outbox WHERE item_id = ? AND action = 'update'
          AND (vault = ? AND state IN ('queued', 'sent', 'uncertain') OR state = 'held')
        """, arguments: [id, vault])
    var fields = TaskFields()
    for payload in payloads {
      guard let change = TaskFields(json: payload) else { continue }
      for field in TaskField.allCases { fields[field] = change[field] ?? fields[field] }
    }
    return fields
  }

  /// A checkpoint that somebody else made in the vault, so that it is here when the vault is not.
  ///
  /// - Parameters:
  ///   - markers: Found in it; one of this store's own is not taken in again.
  ///   - body: The snapshot, in the caller's layout.
  public func pullCheckpoint(
    from vault: VaultReference, vaultID: VaultID, markers: [String], objective: String,
    searchText: String, body: String,
    createdAt: Int64
  ) throws(StoreError) {
    let objective = redactor.redact(objective)
    let searchText = redactor.redact(searchText)
    let body = redactor.redact(json: body)
    try write { db in
      try Self.note(vault, at: createdAt, db)
      try Self.setMeta(Fact.vault(.checkpoint, vault.id).key, vaultID.rawValue, db)
      let isKnown = try Bool.fetchOne(
        db,
        cached: """
          SELECT EXISTS (SELECT 1 FROM vault_items
            WHERE vault = ? AND kind = 'checkpoint' AND vault_id = ?)
          """, arguments: [vault.id, vaultID])
      if isKnown == true { return }
      for marker in markers {
        let isOurs = try Bool.fetchOne(
          db,
          cached: "SELECT EXISTS (SELECT 1 FROM outbox WHERE marker = ? AND kind = 'checkpoint')",
          arguments: [marker])
        if isOurs == true { return }
      }
      // As of a task: it keeps its id here.
      let id = RecordID(vaultID)
      try db.execute(
        cached: """
          INSERT INTO checkpoints (id, trigger, objective, search_text, body, created_at,
            updated_at)
          VALUES (?, ?, ?, ?, ?, ?, ?)
          ON CONFLICT (id) DO NOTHING
          """,
        arguments: [
          id, CheckpointTrigger.vault.rawValue, objective, searchText, body, createdAt,
          createdAt,
        ])
      try Self.noteParts(of: id, db)
      try Self.note(id, .checkpoint, isIn: vault.id, as: vaultID, db)
    }
  }

  private static func setBase(
    _ fields: TaskFields, of id: RecordID, _ vault: String, _ db: Database
  ) throws {
    try db.execute(
      cached: "UPDATE vault_items SET base = ? WHERE item_id = ? AND vault = ?",
      arguments: [fields.json(), id, vault])
  }

  func redacted(_ task: RemoteTask) -> RemoteTask {
    var task = task
    task.fields = task.fields.mapProse { redactor.redact($0) }
    return task
  }
}
