public import Core
import GRDB
import Redaction

public struct DecisionRecord: Sendable, Equatable {
  public var id: RecordID
  public var decision: String
  public var rationale: String
  public var taskID: RecordID?
  public var project: String?
  public var sessionID: SessionID?
  public var createdAt: Int64

  public init(
    id: RecordID, decision: String, rationale: String, taskID: RecordID? = nil,
    project: String? = nil, sessionID: SessionID? = nil, createdAt: Int64 = 0
  ) {
    self.id = id
    self.decision = decision
    self.rationale = rationale
    self.taskID = taskID
    self.project = project
    self.sessionID = sessionID
    self.createdAt = createdAt
  }
}

/// A decision that is not stored yet.
public struct DecisionDraft: Codable, Sendable {
  public var decision: String
  public var rationale: String
  public var taskID: RecordID?

  public init(decision: String, rationale: String, taskID: RecordID? = nil) {
    self.decision = decision
    self.rationale = rationale
    self.taskID = taskID
  }
}

// MARK: Writing

extension DecisionDraft: StoreItem {
  var kind: ItemKind { .decision }
  var itemID: RecordID? { nil }
  var vaultAction: OutboxAction? { .decide }

  func redacted(by redactor: Redactor) -> DecisionDraft {
    var draft = self
    draft.decision = redactor.redact(decision)
    draft.rationale = redactor.redact(rationale)
    return draft
  }

  func vaultPayload(of write: WriteOrigin) -> String { vaultPayload }

  /// As a vault takes it.
  private var vaultPayload: String {
    var fields = JSONFields()
    fields.add("decision", decision)
    fields.add("rationale", rationale)
    fields.add("task_id", taskID)
    return fields.text
  }

  /// What a vault is to get of a stored one.
  static func vaultPayload(ofRow row: Row) -> String {
    DecisionDraft(decision: row["decision"], rationale: row["rationale"], taskID: row["task_id"])
      .vaultPayload
  }

  func store(
    _ write: WriteOrigin, projectID: Int64?, newID: () -> RecordID, _ db: Database
  ) throws -> (id: RecordID, createdAt: Int64) {
    let id = write.itemID ?? newID()
    try db.execute(
      cached: """
        INSERT INTO decisions (id, decision, rationale, task_id, project_id, session_id,
          created_at)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [id, decision, rationale, taskID, projectID, write.session?.id, write.at])
    try MemoryDatabase.enqueue(self, id, write, db)
    return (id, write.at)
  }
}

// MARK: Reading

extension MemoryDatabase {
  /// - Returns: The newest first.
  public func decisions(_ filter: RecordFilter) throws(StoreError) -> [DecisionRecord] {
    var query = Query(
      "SELECT d.*, p.name AS project FROM decisions d LEFT JOIN projects p ON p.id = d.project_id")
    query.match(project: "d.project_id", filter)
    query.match("d.session_id", filter.sessionID)
    query.range("d.created_at", filter.since, filter.until)
    return try fetch(query, order: "d.id DESC", limit: filter.limit) { row in
      DecisionRecord(
        id: row["id"], decision: row["decision"], rationale: row["rationale"],
        taskID: row["task_id"], project: row["project"], sessionID: row["session_id"],
        createdAt: row["created_at"])
    }
  }
}
