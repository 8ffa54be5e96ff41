public import Core
import GRDB

/// Which vault gets what: nothing is sent that a person has not said may go there.
extension MemoryDatabase {
  /// In front of the id of a vault that was known by an earlier version's rules.
  static let formerPrefix = "former:"
  /// In place of a vault's id: a say that holds for all of them.
  private static let everyVault = ""

  // MARK: Vaults

  public struct VaultRecord: Sendable, Equatable {
    public var id: String
    public var name: String
    /// Unix ms of the first write or read.
    public var knownSince: Int64
    /// Rows that are on their way to it.
    public var waiting: Int
    /// Items that it has.
    public var items: Int
  }

  /// All vaults that were ever configured, the newest first.
  public func vaults() throws(StoreError) -> [VaultRecord] {
    try read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT v.*,
            (SELECT count(*) FROM outbox o
              WHERE o.vault = v.id AND o.state IN ('queued', 'sent', 'uncertain')) AS waiting,
            (SELECT count(*) FROM vault_items i WHERE i.vault = v.id) AS items
          FROM vaults v ORDER BY known_since DESC, id
          """
      ).map {
        VaultRecord(
          id: $0["id"], name: $0["name"], knownSince: $0["known_since"], waiting: $0["waiting"],
          items: $0["items"])
      }
    }
  }

  public func note(_ vault: VaultReference, at now: Int64) throws(StoreError) {
    let isKnown = try read { try Self.isKnown(vault, $0) }
    if !isKnown { try write { try Self.note(vault, at: now, $0) } }
  }

  private static func isKnown(_ vault: VaultReference, _ db: Database) throws -> Bool {
    try Bool.fetchOne(
      db, cached: "SELECT EXISTS (SELECT 1 FROM vaults WHERE id = ?)", arguments: [vault.id])
      ?? false
  }

  /// Takes a vault in that was not seen before. What an earlier version knew of it becomes its own.
  static func note(_ vault: VaultReference, at now: Int64, _ db: Database) throws {
    if try isKnown(vault, db) { return }
    try db.execute(
      cached: "INSERT INTO vaults (id, name, known_since) VALUES (?, ?, ?)",
      arguments: [vault.id, vault.name, now])
    // Without a hash it was never asked: whichever is configured then is the one that was meant.
    for former in vault.formerIDs.map({ formerPrefix + $0 }) + [formerPrefix] {
      try move(former, to: vault.id, looksFirst: false, at: now, db)
    }
  }

  /// All that belongs to one vault belongs to another from now on: it is the same, elsewhere.
  ///
  /// - Parameter lag: Of its reads. What is on its way is looked up there first.
  /// - Returns: How many items and waiting rows there are; nil if the old one is not known.
  public func moveVault(
    _ old: VaultReference, to vault: VaultReference, at now: Int64, lag: Duration
  ) throws(StoreError) -> VaultRecord? {
    try write { db in
      try Self.note(vault, at: now, db)
      var isKnown = false
      for id in [old.id] + old.formerIDs.map({ Self.formerPrefix + $0 }) {
        if try Self.move(id, to: vault.id, looksFirst: true, at: now + lag.milliseconds, db) {
          isKnown = true
        }
      }
      guard isKnown else { return nil }
      return VaultRecord(
        id: vault.id, name: vault.name, knownSince: now,
        waiting: try Int.fetchOne(
          db,
          sql: """
            SELECT count(*) FROM outbox WHERE vault = ? AND state IN ('queued', 'sent', 'uncertain')
            """, arguments: [vault.id]) ?? 0,
        items: try Int.fetchOne(
          db, sql: "SELECT count(*) FROM vault_items WHERE vault = ?", arguments: [vault.id]) ?? 0)
    }
  }

  /// - Returns: False if there is no such vault.
  @discardableResult
  private static func move(
    _ old: String, to new: String, looksFirst: Bool, at time: Int64, _ db: Database
  ) throws -> Bool {
    try db.execute(cached: "DELETE FROM vaults WHERE id = ?", arguments: [old])
    guard db.changesCount == 1 else { return false }
    if looksFirst {
      try db.execute(
        cached: """
          UPDATE outbox SET must_look = 1, look_after = max(coalesce(look_after, 0), ?)
          WHERE vault = ? AND state IN ('queued', 'sent')
          """, arguments: [time, old])
    }
    try db.execute(
      cached: "UPDATE outbox SET vault = ? WHERE vault = ?", arguments: [new, old])
    // What the new one is known to have already is newer.
    for table in ["vault_items", "vault_projects"] {
      try db.execute(
        cached: "UPDATE OR IGNORE \(table) SET vault = ? WHERE vault = ?", arguments: [new, old])
      try db.execute(cached: "DELETE FROM \(table) WHERE vault = ?", arguments: [old])
    }
    for fact in VaultFact.allCases {
      let (from, to) = (Fact.vault(fact, old).key, Fact.vault(fact, new).key)
      // How it answers, and whether it honours keys, is seen again at its new place.
      if !looksFirst || ![.health, .keys, .tools].contains(fact) {
        try db.execute(
          cached: "UPDATE OR IGNORE meta SET key = ? WHERE key = ?", arguments: [to, from])
      }
      try db.execute(cached: "DELETE FROM meta WHERE key = ?", arguments: [from])
    }
    try db.execute(
      cached: "UPDATE meta SET value = json_set(value, '$.vault', ?) WHERE key = ?",
      arguments: [new, Fact.vault(.health, new).key])
    return true
  }

  // MARK: Where a write goes

  /// - Returns: The vault that a write is for; nil for one that stays here until somebody shares it.
  static func destination(
    of itemID: RecordID, in table: String, makesItem: Bool, _ write: WriteOrigin, _ db: Database
  ) throws -> String? {
    let consent = write.consent ?? .nowhere
    let project = try Int64.fetchOne(
      db, cached: "SELECT project_id FROM \(table) WHERE id = ?", arguments: [itemID])
    if let vault = consent.vault {
      try note(vault, at: write.at, db)
      if try !isShared(project, consent, db) { return nil }
      if makesItem { return vault.id }
    }
    if makesItem { return nil }
    // A change goes where its item is.
    let places = try String.fetchAll(
      db,
      cached: """
        SELECT vault FROM vault_items WHERE item_id = ?1
        UNION SELECT vault FROM outbox
        WHERE item_id = ?1 AND action IN ('add', 'retro') AND vault IS NOT NULL
        """, arguments: [itemID])
    if let vault = consent.vault, places.contains(vault.id) { return vault.id }
    return places.first
  }

  /// Whether what is written in a project goes to the configured vault.
  static func isShared(_ project: Int64?, _ consent: VaultConsent, _ db: Database) throws -> Bool {
    guard let vault = consent.vault else { return false }
    if let project {
      let says = try Row.fetchAll(
        db,
        cached: """
          SELECT vault, is_shared FROM vault_projects
          WHERE project_id IN (\(groupSelect)) AND is_shared IS NOT NULL AND vault IN ('', ?)
          """, arguments: [head(of: project, db), vault.id])
      let own = says.filter { $0["vault"] == vault.id }
      // Of projects that were joined, one that must not go keeps the others back.
      if let say = (own.isEmpty ? says : own).map({ $0["is_shared"] as Bool }).min(by: { !$0 && $1 }
      ) {
        return say
      }
    }
    switch consent.projects {
    case .all: return true
    case .none: return false
    case .listed(let names):
      guard let project else { return false }
      let head = try head(of: project, db)
      let name = try String.fetchOne(
        db, cached: "SELECT name FROM projects WHERE id = ?", arguments: [head])
      return names.contains(String(head)) || (name.map(names.contains) ?? false)
    }
  }

  /// - Parameter project: Its row; nil for what belongs to none.
  public func isShared(_ project: Int64?, _ consent: VaultConsent) throws(StoreError) -> Bool {
    try read { db in
      if let project, try Self.isPrivate(project, db) { return false }
      return try Self.isShared(project, consent, db)
    }
  }

  // MARK: A person's say

  /// What is written in the project from now on goes to this vault.
  public func share(
    _ project: Int64, with vault: VaultReference, at now: Int64
  ) throws(StoreError) {
    try write { db in
      try Self.note(vault, at: now, db)
      for row in try Self.group(of: project, db) { try Self.say(true, row, vault.id, db) }
    }
  }

  /// Nothing that is written in the project goes to any vault from now on; what was never sent
  /// stays here.
  ///
  /// - Returns: How many writes stay here that were about to go.
  public func unshare(_ project: Int64, at now: Int64) throws(StoreError) -> Int {
    try write { db in
      var count = 0
      for row in try Self.group(of: project, db) {
        try db.execute(
          cached: "UPDATE vault_projects SET is_shared = NULL WHERE project_id = ?",
          arguments: [row])
        try Self.say(false, row, Self.everyVault, db)
        count += try Self.holdBack(row, alsoChanges: false, at: now, db)
      }
      return count
    }
  }

  /// What a project has queued and nobody has sent yet stays here.
  ///
  /// - Parameters:
  ///   - row: The project's own row, without those that were joined to it.
  ///   - alsoChanges: Changes of what the vault has or may have, too.
  /// - Returns: How many writes that are.
  static func holdBack(
    _ row: Int64, alsoChanges: Bool = true, at now: Int64, _ db: Database
  ) throws -> Int {
    var count = 0
    for kind in ItemKind.forVault {
      guard let table = kind.table else { continue }
      try db.execute(
        cached: """
          UPDATE outbox SET state = 'held', vault = NULL, updated_at = ?
          WHERE kind = ? AND state = 'queued' AND attempts = 0
            AND item_id IN (SELECT id FROM \(table) WHERE project_id = ?)
            AND (? OR NOT EXISTS (SELECT 1 FROM vault_items i
                WHERE i.item_id = outbox.item_id AND i.vault = outbox.vault)
              AND NOT EXISTS (SELECT 1 FROM outbox m
                WHERE m.item_id = outbox.item_id AND m.vault = outbox.vault AND m.attempts > 0))
          """, arguments: [now, kind.rawValue, row, alsoChanges])
      count += db.changesCount
    }
    return count
  }

  private static func say(
    _ isShared: Bool, _ project: Int64, _ vault: String, _ db: Database
  ) throws {
    try db.execute(
      cached: """
        INSERT INTO vault_projects (vault, project_id, is_shared) VALUES (?, ?, ?)
        ON CONFLICT DO UPDATE SET is_shared = excluded.is_shared
        """, arguments: [vault, project, isShared])
  }

  // MARK: What was written before

  /// Something of a project that a vault does not have and is not about to get.
  public struct HeldItem: Sendable, Equatable {
    /// One of ``ItemKind/forVault``.
    public var kind: ItemKind
    public var id: RecordID
    public var title: String
    /// The project's own row, also where the item is of one that was joined to it.
    public var projectID: Int64?
    public var createdAt: Int64
  }

  /// What a vault does not have of a project, in the order in which it was written. What other
  /// people's vaults brought is not ours to share, nor is what is private.
  ///
  /// - Parameter project: Nil for all of them, and what belongs to none.
  public func held(
    from vault: VaultReference, project: Int64?
  ) throws(StoreError) -> [HeldItem] {
    try read { try Self.held(from: vault.id, project: project, $0) }
  }

  private static func held(
    from vault: String, project: Int64?, _ db: Database
  ) throws -> [HeldItem] {
    let rows = try project.map { try group(of: $0, db) }
    var items: [HeldItem] = []
    var heads: [Int64: Int64] = [:]
    func head(_ row: Int64?) throws -> Int64? {
      guard let row else { return nil }
      if let known = heads[row] { return known }
      heads[row] = try Self.head(of: row, db)
      return heads[row]
    }
    for (kind, title, condition) in [
      (ItemKind.task, "title", isOurs), (.decision, "decision", "1"),
      (.checkpoint, "objective", "trigger != '\(CheckpointTrigger.vault)'"),
    ] {
      guard let table = kind.table else { continue }
      items += try Row.fetchAll(
        db,
        sql: """
          SELECT id, \(title) AS title, project_id, created_at FROM \(table) AS item
          WHERE (\(condition))
            AND ((NOT EXISTS (SELECT 1 FROM vault_items i
                  WHERE i.item_id = item.id AND i.vault = ?)
                AND NOT EXISTS (SELECT 1 FROM outbox o
                  WHERE o.item_id = item.id AND (o.vault = ? OR o.state = 'dropped')))
              OR EXISTS (SELECT 1 FROM outbox o WHERE o.item_id = item.id AND o.state = 'held'))
            AND (item.project_id IS NULL OR item.project_id NOT IN (\(privateSelect)))
            \(rows.map { "AND project_id IN (\($0.map(String.init).joined(separator: ", ")))" } ?? "")
          """, arguments: [vault, vault]
      ).map {
        HeldItem(
          kind: kind, id: $0["id"], title: $0["title"], projectID: try head($0["project_id"]),
          createdAt: $0["created_at"])
      }
    }
    return items.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
  }

  /// One that a vault brought has its id from there.
  private static let isOurs = """
    NOT EXISTS (SELECT 1 FROM vault_items i WHERE i.item_id = item.id AND i.vault_id = item.id)
    """

  /// Queues for a vault what it does not have of a project. What was held goes as it was written;
  /// of what another vault has, it gets what it is now, and looks first whether it is there.
  ///
  /// - Returns: How many items will go.
  public func shareHistory(
    _ project: Int64?, with vault: VaultReference, at now: Int64
  ) throws(StoreError) -> Int {
    try write { db in
      try Self.note(vault, at: now, db)
      let items = try Self.held(from: vault.id, project: project, db)
      for item in items {
        let isElsewhere = try Bool.fetchOne(
          db,
          cached: """
            SELECT EXISTS (SELECT 1 FROM outbox
                WHERE item_id = ?1 AND vault IS NOT NULL AND vault != ?2)
              OR EXISTS (SELECT 1 FROM vault_items WHERE item_id = ?1 AND vault != ?2)
            """, arguments: [item.id, vault.id])
        if isElsewhere != true {
          try db.execute(
            cached: """
              UPDATE outbox SET state = 'queued', vault = ?, updated_at = ?
              WHERE item_id = ? AND state = 'held'
              """, arguments: [vault.id, now, item.id])
          if db.changesCount > 0 { continue }
        }
        let isHeld = try Bool.fetchOne(
          db, cached: "SELECT EXISTS (SELECT 1 FROM outbox WHERE item_id = ? AND state = 'held')",
          arguments: [item.id])
        // Changes that were held of what another vault has: they are in what the item is now.
        if isHeld == true {
          try Self.dropping(db) {
            try db.execute(
              cached: "DELETE FROM outbox WHERE item_id = ? AND state = 'held'",
              arguments: [item.id])
          }
        }
        try Self.queueAnew(item, for: vault.id, mustLook: isElsewhere == true, at: now, db)
      }
      return items.count
    }
  }

  /// A row that makes the item as it is now, and one that completes a task which is done.
  private static func queueAnew(
    _ item: HeldItem, for vault: String, mustLook: Bool, at now: Int64, _ db: Database
  ) throws {
    guard let table = item.kind.table,
      let row = try Row.fetchOne(
        db, cached: "SELECT * FROM \(table) WHERE id = ?", arguments: [item.id])
    else { return }
    func queue(_ action: OutboxAction, _ payload: String, mustLook: Bool) throws {
      try Self.queue(item, action, payload, for: vault, mustLook: mustLook, at: now, db)
    }
    switch item.kind {
    case .task:
      let write = TaskRecord.vaultWrite(ofRow: row)
      try queue(write.action, write.payload, mustLook: mustLook)
      if write.action == .add, write.isDone { try queue(.done, "{}", mustLook: false) }
    case .decision:
      try queue(.decide, DecisionDraft.vaultPayload(ofRow: row), mustLook: mustLook)
    default:
      try queue(.save, CheckpointDraft.vaultPayload(ofRow: row, db), mustLook: mustLook)
    }
  }

  private static func queue(
    _ item: HeldItem, _ action: OutboxAction, _ payload: String, for vault: String, mustLook: Bool,
    at now: Int64, _ db: Database
  ) throws {
    try db.execute(
      cached: """
        INSERT INTO outbox (kind, action, item_id, payload, state, vault, marker, must_look,
          look_after, mirrored, created_at, updated_at)
        VALUES (?, ?, ?, ?, 'queued', ?, ?, ?, ?, 2, ?, ?)
        """,
      arguments: [
        item.kind.rawValue, action.rawValue, item.id, payload, vault,
        action == .done ? nil : item.id, mustLook, mustLook ? now : nil,
        // The fallback files have it from the first time, or need not.
        item.createdAt, now,
      ])
  }

  /// Notes that a session was told of what waits in its project.
  ///
  /// - Returns: False if one was told before.
  public func noteToldOfHeld(
    _ project: Int64, _ vault: VaultReference, at now: Int64
  ) throws(StoreError) -> Bool {
    let isKnown = try read { db in
      try Bool.fetchOne(
        db,
        cached: """
          SELECT EXISTS (SELECT 1 FROM vault_projects
            WHERE vault = ? AND project_id = ? AND told_at IS NOT NULL)
          """, arguments: [vault.id, project]) ?? false
    }
    if isKnown { return false }
    try write {
      try $0.execute(
        cached: """
          INSERT INTO vault_projects (vault, project_id, told_at) VALUES (?, ?, ?)
          ON CONFLICT DO UPDATE SET told_at = excluded.told_at
          """, arguments: [vault.id, project, now])
    }
    return true
  }
}
