public import Core
import Foundation
import GRDB
import Redaction

/// What asked for a checkpoint.
public struct CheckpointTrigger: StoredWord {
  public let rawValue: String

  public init(rawValue: String) { self.rawValue = rawValue }

  public static let manual = CheckpointTrigger(rawValue: "manual")
  public static let handoff = CheckpointTrigger(rawValue: "handoff")
  public static let preCompact = CheckpointTrigger(rawValue: "pre-compact")
  public static let postCompact = CheckpointTrigger(rawValue: "post-compact")
  /// A compaction of which no hook told.
  public static let boundary = CheckpointTrigger(rawValue: "boundary")
  public static let stop = CheckpointTrigger(rawValue: "stop")
  public static let sessionEnd = CheckpointTrigger(rawValue: "session-end")
  /// A hook of another event.
  public static let hook = CheckpointTrigger(rawValue: "hook")
  /// Somebody wrote it into a fallback file.
  public static let fallback = CheckpointTrigger(rawValue: "fallback")
  /// It came from a vault.
  public static let vault = CheckpointTrigger(rawValue: "vault")
  /// Of what was kept on a way that a rewind left.
  public static let rewound = CheckpointTrigger(rawValue: "rewound")

  /// Somebody said something in it.
  public static let byHand: [CheckpointTrigger] = [.manual, .handoff]
  /// A compaction asked for it.
  public static let ofCompaction: [CheckpointTrigger] = [.preCompact, .postCompact, .boundary]
}

public struct CheckpointRecord: Sendable, Equatable {
  public var id: RecordID
  public var trigger: CheckpointTrigger
  public var objective: String
  public var sessionID: SessionID?
  public var project: String?
  /// The snapshot, one JSON object.
  public var body: String
  public var createdAt: Int64
  public var updatedAt: Int64
}

/// A checkpoint that is not stored yet.
public struct CheckpointDraft: Codable, Sendable {
  public var trigger: CheckpointTrigger
  public var objective: String
  public var blockers: [String]
  public var actions: [String]
  public var next: [String]
  /// The snapshot as one JSON object; its layout is the caller's.
  public var body: String
  /// The checkpoint that this one renews instead of adding another (debouncing).
  public var replacing: RecordID?
  /// Kept with the checkpoint in the same transaction, one for each checkpoint.
  public var handoff: HandoffDraft?

  public init(
    trigger: CheckpointTrigger, objective: String, blockers: [String] = [], actions: [String] = [],
    next: [String] = [], body: String = "{}", replacing: RecordID? = nil,
    handoff: HandoffDraft? = nil
  ) {
    self.trigger = trigger
    self.objective = objective
    self.blockers = Blockers.named(blockers)
    self.actions = actions
    self.next = next
    self.body = body
    self.replacing = replacing
    self.handoff = handoff
  }
}

// MARK: Writing

extension CheckpointDraft: StoreItem {
  var kind: ItemKind { .checkpoint }
  var itemID: RecordID? { replacing }
  var vaultAction: OutboxAction? { .save }

  func redacted(by redactor: Redactor) -> CheckpointDraft {
    var draft = self
    draft.objective = redactor.redact(objective)
    draft.blockers = blockers.map { redactor.redact($0) }
    draft.actions = actions.map { redactor.redact($0) }
    draft.next = next.map { redactor.redact($0) }
    draft.body = redactor.redact(json: body)
    draft.handoff = handoff?.redacted(by: redactor)
    return draft
  }

  func vaultPayload(of write: WriteOrigin) -> String {
    Self.vaultPayload(objective, blockers: blockers, actions: actions)
  }

  private static func vaultPayload(
    _ objective: String, blockers: [String], actions: [String]
  ) -> String {
    var fields = JSONFields()
    fields.add("objective", objective)
    fields.add("blockers", blockers)
    fields.add("recent_actions", actions)
    return fields.text
  }

  /// What a vault is to get of a stored one: as it went out first, where it ever did.
  static func vaultPayload(ofRow row: Row, _ db: Database) throws -> String {
    let sent = try String.fetchOne(
      db,
      cached: """
        SELECT payload FROM outbox WHERE item_id = ? AND action = 'save' ORDER BY number LIMIT 1
        """, arguments: [row["id"] as RecordID])
    return sent ?? vaultPayload(row["objective"], blockers: [], actions: [])
  }

  func store(
    _ write: WriteOrigin, projectID: Int64?, newID: () -> RecordID, _ db: Database
  ) throws -> (id: RecordID, createdAt: Int64) {
    let searchText = (next + blockers + actions).joined(separator: "\n")
    if let id = replacing,
      let createdAt = try Int64.fetchOne(
        db, cached: "SELECT created_at FROM checkpoints WHERE id = ?", arguments: [id])
    {
      try db.execute(
        cached: """
          UPDATE checkpoints SET objective = ?, search_text = ?, body = ?, updated_at = ?
          WHERE id = ?
          """, arguments: [objective, searchText, body, write.at, id])
      // A copy that nobody has sent yet is brought up to date; one that is under way or sent stays as
      // it went out.
      try db.execute(
        cached: """
          UPDATE outbox SET payload = ?1, updated_at = ?2
          WHERE kind = 'checkpoint' AND item_id = ?3 AND state IN ('queued', 'held')
            AND attempts = 0 AND payload <> ?1
          """, arguments: [vaultPayload(of: write), write.at, id])
      try MemoryDatabase.oweLater(at: write.at, db)
      _ = try handoff?.store(write, projectID: projectID, checkpointID: id, db)
      return (id, createdAt)
    }
    let id = write.itemID ?? newID()
    try db.execute(
      cached: """
        INSERT INTO checkpoints (id, session_id, project_id, trigger, objective, search_text,
          body, created_at, updated_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        id, write.session?.id, projectID, trigger.rawValue, objective, searchText, body, write.at,
        write.at,
      ])
    try MemoryDatabase.enqueue(self, id, write, db)
    _ = try handoff?.store(write, projectID: projectID, checkpointID: id, db)
    return (id, write.at)
  }
}

extension MemoryDatabase {
  /// - Returns: The newest first.
  public func checkpoints(_ filter: RecordFilter) throws(StoreError) -> [CheckpointRecord] {
    var query = Self.checkpointQuery
    query.match(project: "c.project_id", filter)
    query.match("c.session_id", filter.sessionID)
    query.range("c.created_at", filter.since, filter.until)
    query.any("c.trigger", of: filter.triggers.map(\.rawValue))
    return try fetch(query, order: "c.id DESC", limit: filter.limit, Self.checkpoint)
  }

  /// The snapshot of a session's newest checkpoint, JSON in UTF-8.
  package func newestSnapshot(ofSession id: SessionID) throws(StoreError) -> [UInt8]? {
    try read { db in
      try Data.fetchOne(
        db,
        cached: """
          SELECT CAST(body AS BLOB) FROM checkpoints WHERE session_id = ? ORDER BY id DESC LIMIT 1
          """, arguments: [id]
      ).map { Array($0) }
    }
  }

  package func newestCheckpoint(ofSession id: SessionID) throws(StoreError) -> RecordID? {
    try read { db in
      try RecordID.fetchOne(
        db, cached: "SELECT id FROM checkpoints WHERE session_id = ? ORDER BY id DESC LIMIT 1",
        arguments: [id])
    }
  }

  /// Finds a checkpoint by its id or the beginning of it.
  ///
  /// - Throws: ``StoreError`` `invalid` where the beginning fits several.
  public func checkpoint(id: RecordID) throws(StoreError) -> CheckpointRecord? {
    var query = Self.checkpointQuery
    query.prefix("c.id", id.uppercased())
    let found = try fetch(query, order: "c.id", limit: 2, Self.checkpoint)
    if found.count > 1 {
      throw StoreError(
        .invalid, "several checkpoints begin with \(id)", hint: "give more of the id")
    }
    return found.first
  }

  private static let checkpointQuery = Query(
    "SELECT c.*, p.name AS project FROM checkpoints c LEFT JOIN projects p ON p.id = c.project_id")

  private static func checkpoint(_ row: Row) -> CheckpointRecord {
    CheckpointRecord(
      id: row["id"], trigger: CheckpointTrigger(rawValue: row["trigger"]),
      objective: row["objective"],
      sessionID: row["session_id"], project: row["project"], body: row["body"],
      createdAt: row["created_at"], updatedAt: row["updated_at"])
  }
}
