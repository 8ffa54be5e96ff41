public import Core
import GRDB

extension MemoryDatabase {
  /// Carries out one write, with the transcript text that belongs to it and the hook's statistics,
  /// in one transaction. A request id that the store knows gives the first result again.
  ///
  /// - Parameters:
  ///   - isLate: The write is of an earlier moment, and the new id is of that moment too: items are
  ///     listed by their ids.
  ///   - hook: Evaluated last, so that its duration covers the transaction's work.
  /// - Throws: ``StoreError``; nothing is stored then.
  ///
  /// Cost: one fsync.
  public func commit(
    _ write: StoreWrite, transcript: TranscriptBatch? = nil, isLate: Bool = false,
    hook: (() -> HookRun)? = nil
  ) throws(StoreError) -> WriteReceipt {
    let write = redacted(write)
    let transcript = transcript.map(redacted)
    return try self.write { db in
      if let receipt = try Self.receipt(of: write.requestID, db) { return receipt }
      var ids = try Self.generator(db)
      var projectID = try write.project.map { try Self.upsert($0, at: write.at, db) }
      if let session = write.session {
        projectID = try Self.upsert(session, projectID: projectID, at: write.at, db)
      }
      if let transcript {
        try Self.store(
          transcript, sessionID: write.session?.id ?? .noSession, projectID: projectID,
          at: write.at,
          ids: &ids, db)
      }
      let (itemID, createdAt) = try write.operation.item.store(
        write.origin, projectID: projectID,
        newID: {
          var own = ULIDGenerator()
          return RecordID(isLate ? own.next(at: write.at) : ids.next(at: write.at))
        }, db)
      try Self.noteParts(of: itemID, db)
      try Self.recordRequest(write, itemID: itemID, db)
      try Self.save(ids, db)
      if let hook { try Self.insert(hook(), at: write.at, db) }
      return WriteReceipt(
        id: itemID, kind: write.operation.kind, createdAt: createdAt, isReplay: false)
    }
  }

  /// Takes in transcript text and statistics where nothing else is to be written.
  ///
  /// - Parameters:
  ///   - requestID: Of a hook's record, which is taken in once.
  ///   - reopens: For a session that starts: an earlier end of it does not count any more.
  /// - Returns: The number of entries that are new; a fork's are its parent's.
  @discardableResult
  public func commit(
    _ transcript: TranscriptBatch?, project: ProjectReference?, session: SessionReference,
    requestID: RequestID? = nil, at: Int64, reopens: Bool = false, hook: (() -> HookRun)? = nil
  ) throws(StoreError) -> Int {
    let transcript = transcript.map(redacted)
    let session = redacted(session)
    return try write { db in
      if let requestID {
        if try Self.receipt(of: requestID, db) != nil { return 0 }
        try Self.recordRequest(requestID, .session, itemID: RecordID(session.id), at: at, db)
      }
      var ids = try Self.generator(db)
      let place = try project.map { try Self.upsert($0, at: at, db) }
      let projectID = try Self.upsert(session, projectID: place, at: at, db)
      if reopens {
        try db.execute(
          cached: "UPDATE sessions SET ended_at = NULL, end_reason = NULL WHERE id = ?",
          arguments: [session.id])
      }
      let known = try Self.newestEntry(db)
      if let transcript {
        let projectID =
          try projectID
          ?? Int64.fetchOne(
            db, cached: "SELECT project_id FROM sessions WHERE id = ?", arguments: [session.id])
        try Self.store(
          transcript, sessionID: session.id, projectID: projectID, at: at, ids: &ids, db)
      }
      try Self.save(ids, db)
      if let hook { try Self.insert(hook(), at: at, db) }
      return Int(try Self.newestEntry(db) - known)
    }
  }

  /// Triggers put an item's text among the entries; what they cannot make is added here, after each
  /// writing of such a text.
  static func noteParts(of itemID: RecordID, _ db: Database) throws {
    let number = try Int64.fetchOne(
      db, cached: "SELECT number FROM entries WHERE id = ?", arguments: [itemID])
    if let number { try renew(number, db) }
  }

  // MARK: Rows that every write shares

  static func receipt(of requestID: RequestID, _ db: Database) throws -> WriteReceipt? {
    let statement = try db.cachedStatement(
      sql: "SELECT kind, item_id, created_at FROM requests WHERE id = ?")
    return try Row.fetchOne(statement, arguments: [requestID]).map {
      WriteReceipt(
        id: $0["item_id"], kind: ItemKind(rawValue: $0["kind"]), createdAt: $0["created_at"],
        isReplay: true)
    }
  }

  private static func recordRequest(_ write: StoreWrite, itemID: RecordID, _ db: Database) throws {
    try recordRequest(write.requestID, write.operation.kind, itemID: itemID, at: write.at, db)
  }

  static func recordRequest(
    _ id: RequestID, _ kind: ItemKind, itemID: RecordID, at: Int64, _ db: Database
  ) throws {
    try db.execute(
      cached: "INSERT INTO requests (id, kind, item_id, created_at) VALUES (?, ?, ?, ?)",
      arguments: [id, kind.rawValue, itemID, at])
  }

  /// A row for the vault, of what is stored already.
  static func enqueue(
    _ item: some StoreItem, _ itemID: RecordID, _ write: WriteOrigin, _ db: Database
  ) throws {
    guard let action = item.vaultAction, let table = item.kind.table,
      try !isPrivate(itemID, in: table, db)
    else { return }
    // A change has no place for a marker of its own; what it changes can be compared.
    let makesItem = action.makesItem
    let vault = try destination(of: itemID, in: table, makesItem: makesItem, write, db)
    try db.execute(
      cached: """
        INSERT INTO outbox (kind, action, item_id, payload, state, vault, request_id, marker,
          must_look, mirrored, created_at, updated_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        item.kind.rawValue, action.rawValue, itemID, item.vaultPayload(of: write),
        vault == nil ? "held" : "queued", vault, write.requestID,
        makesItem ? write.sharedMarker ?? itemID.rawValue : nil, write.sharedMarker != nil,
        // It was found in a fallback file.
        write.sharedMarker == nil ? 0 : 1, write.at, write.at,
      ])
  }

  /// Nothing of a private project goes to a vault.
  private static func isPrivate(
    _ itemID: RecordID, in table: String, _ db: Database
  ) throws -> Bool {
    try Bool.fetchOne(
      db, cached: "SELECT project_id IN (\(privateSelect)) FROM \(table) WHERE id = ?",
      arguments: [itemID]) ?? false
  }

  // MARK: Identifiers

  /// Continues from the newest id that any process has given out.
  static func generator(_ db: Database) throws -> ULIDGenerator {
    let statement = try db.cachedStatement(sql: "SELECT value FROM meta WHERE key = 'last_id'")
    let last = try String.fetchOne(statement).flatMap { ULID($0) }
    return ULIDGenerator(after: last ?? ULID(high: 0, low: 0))
  }

  static func save(_ ids: ULIDGenerator, _ db: Database) throws {
    let statement = try db.cachedStatement(
      sql: """
        INSERT INTO meta (key, value) VALUES ('last_id', ?)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value
        """)
    try statement.execute(arguments: [ids.last.description])
  }
}
