public import Core
import GRDB
public import Redaction

/// How a handoff came about.
public struct HandoffTrigger: StoredWord {
  public let rawValue: String

  public init(rawValue: String) { self.rawValue = rawValue }

  public static let manual = HandoffTrigger(rawValue: "manual")
  /// For one reader.
  public static let message = HandoffTrigger(rawValue: "message")
  /// Kept with the checkpoint of a compaction.
  public static let preCompact = HandoffTrigger(rawValue: "pre-compact")
  /// A message that was a file only, until somebody took it.
  public static let received = HandoffTrigger(rawValue: "received")
  /// Kept on a way that a rewind left.
  public static let rewound = HandoffTrigger(rawValue: "rewound")
}

/// A handoff document, or a message to one reader.
public struct HandoffRecord: Sendable, Equatable {
  public var id: RecordID
  public var trigger: HandoffTrigger
  public var objective: String
  public var sessionID: SessionID?
  public var project: String?
  public var sender: String?
  public var recipient: String?
  public var topic: String?
  /// Where it was written, or came from.
  public var path: String?
  /// The document, CommonMark.
  public var body: String
  public var createdAt: Int64
  public var updatedAt: Int64
  /// When a message was handed over, and to whom.
  public var takenAt: Int64?
  public var takenBy: String?

  public var isUnread: Bool { recipient != nil && takenAt == nil }
}

/// A handoff that is not stored yet.
public struct HandoffDraft: Codable, Sendable {
  /// A ULID, which the document's front matter has too.
  public var id: RecordID
  public var trigger: HandoffTrigger
  public var objective: String
  /// The document, CommonMark.
  public var body: String
  /// Of a message: who wrote it, for whom, about what.
  public var sender: String?
  public var recipient: String?
  public var topic: String?
  /// Where the document is written.
  public var path: String?
  /// True if it takes the place of the stored one with its id.
  public var isRenewal: Bool

  public init(
    id: RecordID, trigger: HandoffTrigger, objective: String, body: String, sender: String? = nil,
    recipient: String? = nil, topic: String? = nil, path: String? = nil, isRenewal: Bool = false
  ) {
    self.id = id
    self.trigger = trigger
    self.objective = objective
    self.body = body
    self.sender = sender
    self.recipient = recipient
    self.topic = topic
    self.path = path
    self.isRenewal = isRenewal
  }
}

/// A message that somebody wrote as a file.
public struct MessageFile: Sendable, Equatable {
  /// The same for as long as the file is the same.
  public var key: String
  public var path: String
  public var sender: String?
  public var recipient: String
  public var topic: String?
  public var objective: String
  public var body: String
  /// Unix ms.
  public var writtenAt: Int64
  /// The front matter's id, where it is a ULID: the store may know the message by it.
  public var id: RecordID?

  public init(
    key: String, path: String, sender: String?, recipient: String, topic: String?,
    objective: String, body: String, writtenAt: Int64, id: RecordID?
  ) {
    self.key = key
    self.path = path
    self.sender = sender
    self.recipient = recipient
    self.topic = topic
    self.objective = objective
    self.body = body
    self.writtenAt = writtenAt
    self.id = id
  }
}

// MARK: Writing

extension HandoffDraft: StoreItem {
  var kind: ItemKind { .handoff }
  var itemID: RecordID? { id }

  public func redacted(by redactor: Redactor) -> HandoffDraft {
    var draft = self
    draft.objective = redactor.redact(objective)
    draft.body = redactor.redact(body)
    draft.topic = topic.map { redactor.redact($0) }
    draft.sender = sender.map { redactor.redact($0) }
    draft.recipient = recipient.map { redactor.redact($0) }
    return draft
  }

  func store(
    _ write: WriteOrigin, projectID: Int64?, newID: () -> RecordID, _ db: Database
  ) throws -> (id: RecordID, createdAt: Int64) {
    try store(write, projectID: projectID, checkpointID: nil, db)
  }

  /// - Parameter checkpointID: Of the one that it is kept with, if it is kept with one.
  func store(
    _ write: WriteOrigin, projectID: Int64?, checkpointID: RecordID?, _ db: Database
  ) throws -> (id: RecordID, createdAt: Int64) {
    if isRenewal,
      let createdAt = try Int64.fetchOne(
        db, cached: "SELECT created_at FROM handoffs WHERE id = ?", arguments: [id])
    {
      func renew() throws {
        try db.execute(
          cached: """
            UPDATE handoffs SET trigger = ?, objective = ?, body = ?, path = coalesce(?, path),
              updated_at = ?
            WHERE id = ?
            """,
          arguments: [trigger.rawValue, objective, body, path, write.at, id])
      }
      if checkpointID == nil {
        try MemoryDatabase.dropping(db, renew)
      } else {
        // Kept with a checkpoint, by a hook.
        try renew()
        try MemoryDatabase.oweLater(at: write.at, db)
      }
      // A rewind had marked it.
      try db.execute(
        cached: "UPDATE entries SET is_abandoned = 0 WHERE id = ? AND is_abandoned",
        arguments: [id])
      try MemoryDatabase.noteParts(of: id, db)
      return (id, createdAt)
    }
    try db.execute(
      cached: """
        INSERT INTO handoffs (id, project_id, session_id, trigger, objective, sender, recipient,
          topic, path, body, checkpoint_id, created_at, updated_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        id, projectID, write.session?.id, trigger.rawValue, objective, sender,
        recipient, topic, path, body, checkpointID, write.at, write.at,
      ])
    try MemoryDatabase.noteParts(of: id, db)
    return (id, write.at)
  }
}

// MARK: Reading

extension MemoryDatabase {
  /// - Returns: The newest first.
  public func handoffs(_ filter: RecordFilter) throws(StoreError) -> [HandoffRecord] {
    var query = Self.handoffQuery
    query.match(project: "h.project_id", filter)
    query.match("h.session_id", filter.sessionID)
    return try fetch(query, order: "h.rowid DESC", limit: filter.limit, Self.handoff)
  }

  /// Messages of a project that nobody has taken, the oldest first.
  public func unreadMessages(
    _ project: ProjectReference
  ) throws(StoreError) -> [HandoffRecord] {
    var query = Self.handoffQuery
    query.match(project: "h.project_id", RecordFilter(place: project))
    query.add("h.recipient IS NOT NULL AND h.taken_at IS NULL")
    return try fetch(query, order: "h.rowid", limit: nil, Self.handoff)
  }

  /// Finds a handoff by its id or the beginning of it.
  ///
  /// - Throws: ``StoreError`` `invalid` where the beginning fits several.
  public func handoff(id: RecordID) throws(StoreError) -> HandoffRecord? {
    var query = Self.handoffQuery
    query.prefix("h.id", id.uppercased())
    let found = try fetch(query, order: "h.id", limit: 2, Self.handoff)
    if found.count > 1 {
      throw StoreError(.invalid, "several handoffs begin with \(id)", hint: "give more of the id")
    }
    return found.first
  }

  /// The one that was kept with a checkpoint.
  public func handoff(checkpointID: RecordID) throws(StoreError) -> HandoffRecord? {
    var query = Self.handoffQuery
    query.match("h.checkpoint_id", checkpointID)
    return try fetch(query, order: "h.id", limit: 1, Self.handoff).first
  }

  /// Notes where a document is in the end; nil if it is in the store only.
  public func setPath(_ path: String?, ofHandoff id: RecordID) throws(StoreError) {
    try write {
      try $0.execute(
        cached: "UPDATE handoffs SET path = ? WHERE id = ?", arguments: [path, id])
    }
  }

  private static let handoffQuery = Query(
    "SELECT h.*, p.name AS project FROM handoffs h LEFT JOIN projects p ON p.id = h.project_id")

  private static func handoff(_ row: Row) -> HandoffRecord {
    HandoffRecord(
      id: row["id"], trigger: HandoffTrigger(rawValue: row["trigger"]), objective: row["objective"],
      sessionID: row["session_id"], project: row["project"], sender: row["sender"],
      recipient: row["recipient"], topic: row["topic"], path: row["path"], body: row["body"],
      createdAt: row["created_at"], updatedAt: row["updated_at"], takenAt: row["taken_at"],
      takenBy: row["taken_by"])
  }

  // MARK: Messages

  /// Hands the oldest unread message for a reader over: to one taker, whoever else asks meanwhile.
  ///
  /// A message that is a file only is stored first. The same request a second time gets the same
  /// message again.
  ///
  /// - Parameters:
  ///   - names: The reader's, in lower case.
  ///   - writer: A session whose own messages are not for it.
  ///   - files: Messages in files, whoever they are for.
  /// - Returns: Nil if there is none.
  /// - Throws: ``StoreError``; nothing is taken then.
  public func claimMessage(
    for names: [String], notFrom writer: SessionID? = nil, in project: ProjectReference,
    files: [MessageFile], requestID: RequestID, at: Int64
  ) throws(StoreError) -> HandoffRecord? {
    let files = files.map { file in
      var file = file
      file.objective = redactor.redact(file.objective)
      file.body = redactor.redact(file.body)
      file.sender = file.sender.map { redactor.redact($0) }
      file.topic = file.topic.map { redactor.redact($0) }
      return file
    }
    let id: RecordID? = try write { db in
      if let known = try Self.receipt(of: requestID, db) { return known.id }
      let projectID = try Self.upsert(project, at: at, db)
      let stored = try Row.fetchAll(
        db,
        cached: """
          SELECT id, recipient, path, created_at FROM handoffs
          WHERE project_id IN (\(Self.groupSelect)) AND recipient IS NOT NULL
            AND taken_at IS NULL AND (session_id IS NOT ? OR session_id IS NULL)
          ORDER BY rowid
          """, arguments: [Self.head(of: projectID, db), writer]
      ).first { names.contains(($0["recipient"] as String).lowercased()) }
      let fresh = try files.filter { names.contains($0.recipient.lowercased()) }
        .sorted { ($0.writtenAt, $0.path) < ($1.writtenAt, $1.path) }
        .first { try !Self.isKnown($0, db) }
      var ids = try Self.generator(db)
      let taken: RecordID
      if let fresh, stored == nil || fresh.writtenAt < stored!["created_at"] {
        taken = RecordID(ids.next(at: at))
        try db.execute(
          cached: """
            INSERT INTO handoffs (id, project_id, trigger, objective, sender, recipient, topic,
              path, body, source_key, created_at, updated_at)
            VALUES (?, ?, 'received', ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
          arguments: [
            taken, projectID, fresh.objective, fresh.sender, fresh.recipient, fresh.topic,
            fresh.path, fresh.body, try Self.sourceKey(fresh, db), fresh.writtenAt, at,
          ])
      } else if let stored {
        taken = stored["id"]
        // Its file may have been changed by hand since.
        if let file = files.first(where: { $0.id == taken && $0.path == stored["path"] as String? }
        ),
          try String.fetchOne(
            db, cached: "SELECT body FROM handoffs WHERE id = ?", arguments: [taken]) != file.body
        {
          try Self.dropping(db) {
            try db.execute(
              cached: "UPDATE handoffs SET objective = ?, body = ? WHERE id = ?",
              arguments: [file.objective, file.body, taken])
            try Self.noteParts(of: taken, db)
          }
        }
      } else {
        return nil
      }
      try Self.noteParts(of: taken, db)
      try db.execute(
        cached: "UPDATE handoffs SET taken_at = ?, taken_by = ? WHERE id = ?",
        arguments: [at, names.first, taken])
      try Self.recordRequest(requestID, .handoff, itemID: taken, at: at, db)
      try Self.save(ids, db)
      return taken
    }
    return try id.flatMap { (id) throws(StoreError) in try handoff(id: id) }
  }

  /// Of these files, those that no store has or has handed over.
  public func unknown(_ files: [MessageFile]) throws(StoreError) -> [MessageFile] {
    guard !files.isEmpty else { return [] }
    return try read { db in try files.filter { try !Self.isKnown($0, db) } }
  }

  /// True if the store has the message, or has handed it over. One that only bears the id of another
  /// document, as an answer made from a copy does, is a message of its own.
  private static func isKnown(_ file: MessageFile, _ db: Database) throws -> Bool {
    try Int.fetchOne(
      db,
      cached: """
        SELECT 1 FROM handoffs WHERE source_key = ?
          OR (id = ? AND recipient IS NOT NULL AND (path = ? OR body = ?))
          OR (source_key = ? AND body = ?)
        """,
      arguments: [
        file.key, file.id, file.path, file.body, file.id.map(Self.sourceKey), file.body,
      ]) != nil
  }

  private static func sourceKey(_ id: RecordID) -> String { "id:\(id)" }

  /// By its id a message is known on other machines too, and when git puts its file back.
  private static func sourceKey(_ file: MessageFile, _ db: Database) throws -> String {
    guard let id = file.id else { return file.key }
    let key = sourceKey(id)
    let isTaken = try Int.fetchOne(
      db, cached: "SELECT 1 FROM handoffs WHERE source_key = ?", arguments: [key])
    return isTaken == nil ? key : file.key
  }
}
