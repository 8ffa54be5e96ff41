public import Core
import Foundation
import GRDB

extension MemoryDatabase {
  /// Where the reading of a file stands, and the digest of what was read.
  public struct TranscriptState: Sendable {
    public var position: TranscriptPosition
    public var sessionID: SessionID
    /// JSON in UTF-8; a string would be checked and copied for nothing.
    public var digest: [UInt8]
    /// Unix time in ms.
    public var readAt: Int64
  }

  public func transcript(path: String) throws(StoreError) -> TranscriptState? {
    try read { db in
      try Row.fetchOne(
        db, cached: "SELECT \(Self.stateColumns) FROM transcripts WHERE path = ?", arguments: [path]
      ).map(Self.state)
    }
  }

  /// The transcript of a session that was read last.
  public func transcript(sessionID: SessionID) throws(StoreError) -> TranscriptState? {
    try read { db in
      try Row.fetchOne(
        db,
        cached: """
          SELECT \(Self.stateColumns) FROM transcripts WHERE session_id = ? AND path NOT LIKE '%/subagents/%'
          ORDER BY read_at DESC LIMIT 1
          """, arguments: [sessionID]
      ).map(Self.state)
    }
  }

  private static let stateColumns = """
    path, session_id, device, inode, offset, lines, tail, read_at, CAST(digest AS BLOB) AS digest
    """

  private static func state(_ row: Row) -> TranscriptState {
    TranscriptState(
      position: TranscriptPosition(
        path: row["path"], device: UInt64(bitPattern: row["device"]),
        inode: UInt64(bitPattern: row["inode"]), offset: row["offset"], lines: row["lines"],
        tail: Array(row["tail"] as Data)),
      sessionID: row["session_id"], digest: Array(row["digest"] as Data), readAt: row["read_at"])
  }

  static func store(
    _ batch: TranscriptBatch, sessionID: SessionID, projectID: Int64?, at: Int64,
    ids: inout ULIDGenerator, _ db: Database
  ) throws {
    let path = batch.end.path
    let stored = try Row.fetchOne(
      db, cached: "SELECT offset, inode FROM transcripts WHERE path = ?", arguments: [path])
    let storedOffset: Int64? = stored?["offset"]
    if batch.end != .none, storedOffset == batch.start?.offset {
      try db.execute(
        cached: """
          INSERT INTO transcripts (path, session_id, device, inode, offset, lines, tail, read_at,
            digest)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
          ON CONFLICT (path) DO UPDATE SET session_id = excluded.session_id,
            device = excluded.device, inode = excluded.inode, offset = excluded.offset,
            lines = excluded.lines, tail = excluded.tail, read_at = excluded.read_at,
            digest = excluded.digest
          """,
        arguments: [
          path, sessionID, Int64(bitPattern: batch.end.device),
          Int64(bitPattern: batch.end.inode), batch.end.offset, batch.end.lines,
          Data(batch.end.tail), at, batch.digest,
        ])
    }
    if let rules = batch.renewedRules {
      try dropDerived(exceptOf: rules, agent: batch.agent, sessionID: sessionID, at: at, db)
    }
    try insert(
      batch.entries, of: batch.agent, sessionID: sessionID, projectID: projectID, at: at, ids: &ids,
      db)
    // A batch that lost a race can only refer to a file that the winner has registered.
    guard !batch.usage.isEmpty,
      let transcriptID = try Int64.fetchOne(
        db, cached: "SELECT id FROM transcripts WHERE path = ?", arguments: [path])
    else { return }
    let insert = try BulkStatement(
      db,
      """
      INSERT INTO usage (transcript_id, message_id, request_id, model, input, output,
        cache_write_5m, cache_write_1h, cache_read, reasoning, created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET model = excluded.model, input = excluded.input,
        output = excluded.output, cache_write_5m = excluded.cache_write_5m,
        cache_write_1h = excluded.cache_write_1h, cache_read = excluded.cache_read,
        reasoning = excluded.reasoning
      """)
    for row in batch.usage {
      insert.bind(1, transcriptID)
      insert.bind(2, row.messageID)
      insert.bind(3, row.requestID)
      insert.bind(4, row.model)
      insert.bind(5, Int64(row.input))
      insert.bind(6, Int64(row.output))
      insert.bind(7, Int64(row.cacheWrite5m))
      insert.bind(8, Int64(row.cacheWrite1h))
      insert.bind(9, Int64(row.cacheRead))
      insert.bind(10, Int64(row.reasoning))
      insert.bind(11, row.createdAt)
      try insert.run()
    }
  }

  /// What other rules made out of a session's lines may be false by the present ones.
  private static func dropDerived(
    exceptOf rules: Int, agent: String, sessionID: SessionID, at: Int64, _ db: Database
  ) throws {
    let prefix = EntryDraft.derivedPrefix(rules: rules)
    try db.execute(
      cached: """
        DELETE FROM entries WHERE session_id = ? AND origin = ? AND kind IN (?, ?)
          AND substr(source_id, 1, ?) <> ?
        """,
      arguments: [
        sessionID, agent, EntryKind.observedDecision.rawValue, EntryKind.fix.rawValue,
        prefix.count, prefix,
      ])
    if db.changesCount > 0 { try oweLater(at: at, db) }
  }

  /// For fewer entries the statements that defer the index cost more than they spare.
  private static let leastDeferred = 8

  private static func insert(
    _ entries: [EntryDraft], of agent: String, sessionID: SessionID, projectID: Int64?, at: Int64,
    ids: inout ULIDGenerator, _ db: Database
  ) throws {
    func insert() throws {
      try insertNow(
        entries, of: agent, sessionID: sessionID, projectID: projectID, at: at, ids: &ids, db)
    }
    if entries.count >= leastDeferred {
      try DeferredIndex.use(db) { _ in try insert() }
    } else if !entries.isEmpty {
      try insert()
    }
  }

  private static func insertNow(
    _ entries: [EntryDraft], of agent: String, sessionID: SessionID, projectID: Int64?, at: Int64,
    ids: inout ULIDGenerator, _ db: Database
  ) throws {
    // A file that is read again brings what is there already, by its source id; so does a fork,
    // which copies its parent's lines. What this transaction put in is not changed: it may not be in
    // the index yet. Numbers are given here: SQLite gives that of a newest entry which was dropped out
    // again, and DeferredIndex would take its heir for one that is in the index.
    let newest = try newestEntry(db)
    let insert = try BulkStatement(
      db,
      """
      INSERT INTO entries (id, kind, project_id, session_id, origin, source_id, actor, position,
        title, body, created_at, parts, is_abandoned, number)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?15)
      ON CONFLICT (origin, source_id) WHERE source_id IS NOT NULL DO UPDATE SET
        kind = excluded.kind, actor = excluded.actor, title = excluded.title, body = excluded.body,
        parts = excluded.parts, is_abandoned = excluded.is_abandoned
      WHERE session_id = excluded.session_id AND number <= ?14 AND (is_abandoned <> excluded.is_abandoned
        OR body <> excluded.body OR title <> excluded.title OR kind <> excluded.kind)
      """)
    let copy = try BulkStatement(
      db,
      """
      INSERT INTO entry_copies (session_id, entry, position, is_abandoned)
      SELECT ?1, number, ?2, ?3 FROM entries
      WHERE origin = ?4 AND source_id = ?5 AND session_id <> ?1
      ON CONFLICT DO UPDATE SET position = excluded.position, is_abandoned = excluded.is_abandoned
      """)
    let awaited = try Awaited(of: agent, sessionID: sessionID, db)
    var next = newest + 1
    var isRenewed = false
    for entry in awaited.settled(entries) {
      if try awaited.takeOver(by: entry, db) { continue }
      insert.bind(1, ids.next(at: at).description)
      insert.bind(2, entry.kind.rawValue)
      insert.bind(3, projectID)
      insert.bind(4, sessionID)
      insert.bind(5, agent)
      insert.bind(6, entry.sourceID)
      insert.bind(7, entry.actor)
      insert.bind(8, Int64(entry.position))
      insert.bind(9, entry.title)
      insert.bind(10, entry.body)
      insert.bind(11, entry.createdAt)
      insert.bind(12, SearchParts.of(entry.title, entry.body))
      insert.bind(13, entry.isAbandoned ? 1 : 0)
      insert.bind(14, newest)
      insert.bind(15, next)
      let before = db.lastInsertedRowID
      try insert.run()
      if db.changesCount > 0 {
        // Where another table's row had the same number it is not told from a renewal, which costs a debt
        // and nothing else; a number that is left out costs nothing.
        if db.lastInsertedRowID != next || next == before { isRenewed = true }
        next += 1
        continue
      }
      copy.bind(1, sessionID)
      copy.bind(2, Int64(entry.position))
      copy.bind(3, entry.isAbandoned ? 1 : 0)
      copy.bind(4, agent)
      copy.bind(5, entry.sourceID)
      try copy.run()
    }
    // What was read before had something that is redacted by now, say.
    if isRenewed { try oweLater(at: at, db) }
  }

  /// Words of a session that were stored before their own line came: a queued prompt, and what the
  /// agent said last when a hook was called.
  private struct Awaited {
    private let agent: String
    private let prefix: String
    private let known: Set<String>

    init(of agent: String, sessionID: SessionID, _ db: Database) throws {
      self.agent = agent
      prefix = EntryDraft.awaitedPrefix + sessionID.rawValue + ":"
      known = try Set(
        String.fetchAll(
          db,
          cached:
            "SELECT source_id FROM entries WHERE origin = ? AND source_id >= ? AND source_id < ?",
          arguments: [agent, prefix, EntryDraft.awaitedPrefix + sessionID.rawValue + ";"]))
    }

    private func id(of entry: EntryDraft) -> String {
      full(
        entry.fate == .stands
          ? EntryDraft.awaited(entry.kind, entry.body, number: entry.number) : entry.sourceID)
    }

    private func full(_ id: String) -> String {
      prefix + id.dropFirst(EntryDraft.awaitedPrefix.count)
    }

    private static func isAwaited(_ entry: EntryDraft) -> Bool {
      entry.sourceID.hasPrefix(EntryDraft.awaitedPrefix)
    }

    /// Without those whose line has come in the same reading.
    func settled(_ entries: [EntryDraft]) -> [EntryDraft] {
      guard entries.contains(where: Self.isAwaited) else { return entries }
      var waiting: [String: Int] = [:]
      var gone: Set<Int> = []
      var entries = entries
      for (index, entry) in entries.enumerated() {
        let id = id(of: entry)
        if entry.fate != .stands {
          guard let other = waiting[id] else { continue }
          if entry.fate == .takenBack {
            entries[other].isAbandoned = true
          } else {
            gone.insert(other)
          }
        } else if Self.isAwaited(entry) {
          entries[index].sourceID = id
          // They were taken back, and are typed again.
          if let former = waiting.updateValue(index, forKey: id) { gone.insert(former) }
        } else if let other = waiting.removeValue(forKey: id) {
          gone.insert(other)
        }
        for covered in entry.covers {
          if let other = waiting.removeValue(forKey: full(covered)) { gone.insert(other) }
        }
      }
      return entries.indices.filter { !gone.contains($0) }.map { entries[$0] }
    }

    /// - Returns: True if the entry is the line of stored words, which are it from now on, or says only
    ///   what became of them.
    func takeOver(by entry: EntryDraft, _ db: Database) throws -> Bool {
      if entry.fate != .stands {
        try settle(entry, db)
        return true
      }
      guard !known.isEmpty, !Self.isAwaited(entry) else { return false }
      for covered in entry.covers where known.contains(full(covered)) {
        try drop(full(covered), db)
      }
      let id = id(of: entry)
      guard known.contains(id) else { return false }
      try db.execute(
        cached: """
          UPDATE OR IGNORE entries SET source_id = ?, position = ?, created_at = ?, is_abandoned = ?
          WHERE origin = ? AND source_id = ?
          """,
        arguments: [
          entry.sourceID, entry.position, entry.createdAt, entry.isAbandoned, agent, id,
        ])
      if db.changesCount > 0 { return true }
      // Another process has stored the line meanwhile.
      try drop(id, db)
      return false
    }

    private func settle(_ entry: EntryDraft, _ db: Database) throws {
      let id = id(of: entry)
      guard known.contains(id) else { return }
      if entry.fate == .disowned { return try drop(id, db) }
      try db.execute(
        cached: "UPDATE entries SET is_abandoned = 1 WHERE origin = ? AND source_id = ?",
        arguments: [agent, id])
    }

    private func drop(_ id: String, _ db: Database) throws {
      try db.execute(
        cached: "DELETE FROM entries WHERE origin = ? AND source_id = ?", arguments: [agent, id])
    }
  }

  /// One small step of joining the segments of the full-text index: many writes leave many, and
  /// each of them costs every search.
  ///
  /// - Returns: False once nothing is left to join.
  public func mergeIndex() throws(StoreError) -> Bool {
    try write { db in
      let before = db.totalChangesCount
      try db.execute(
        cached: "INSERT INTO entries_fts (entries_fts, rank) VALUES ('merge', 200)")
      // Documented: a step without work changes less than two rows.
      return db.totalChangesCount - before >= 2
    }
  }
}
