public import Core
import GRDB
import Redaction

public enum TaskStatus: String, Sendable, CaseIterable {
  case open
  case done
}

/// Where a task comes from; vault-mcp's words.
public struct TaskSource: StoredWord {
  public let rawValue: String

  public init(rawValue: String) { self.rawValue = rawValue }

  public static let claudeAI = TaskSource(rawValue: "claude.ai")
  public static let cc = TaskSource(rawValue: "cc")
  public static let iphone = TaskSource(rawValue: "iphone")
  public static let auto = TaskSource(rawValue: "auto")
  /// Of one that was recorded when it was done.
  public static let retroactive = TaskSource(rawValue: "retroactive")

  /// What whoever adds a task may say; vault-mcp's list.
  public static let sayable: [TaskSource] = [.claudeAI, .cc, .iphone, .auto]
}

/// A task as vault-mcp has it. Times are Unix ms.
public struct TaskRecord: Sendable, Equatable {
  /// Where tasks go that belong to no project.
  public static let inbox = "inbox"

  public var id: RecordID
  /// The project by its short name.
  public var fields: TaskFields
  /// The project's row.
  public var projectID: Int64?
  /// True if nothing but the name is known.
  public var isUnfiled = false
  public var status: TaskStatus
  public var source: TaskSource
  public var createdAt: Int64
  public var completedAt: Int64?

  public init(
    id: RecordID, fields: TaskFields, status: TaskStatus = .open, source: TaskSource = .cc,
    createdAt: Int64 = 0, completedAt: Int64? = nil
  ) {
    self.id = id
    self.fields = fields
    self.status = status
    self.source = source
    self.createdAt = createdAt
    self.completedAt = completedAt
  }

  public var title: String { fields.title ?? "" }
  public var project: String { fields.project ?? Self.inbox }
  public var context: String? { fields.context }
}

/// A task that is not stored yet.
public struct TaskDraft: Sendable {
  /// Its project is the write's.
  public var fields: TaskFields
  /// ``TaskSource/retroactive`` for one that is already done.
  public var source: TaskSource
  public var isDone: Bool

  public init(_ fields: TaskFields, source: TaskSource, isDone: Bool = false) {
    self.fields = fields
    // A record by hand may lack it. Every task has a title, and a spooled draft is read by it.
    self.fields.title = fields.title ?? ""
    self.source = source
    self.isDone = isDone
  }

  public init(title: String, source: TaskSource, context: String? = nil, isDone: Bool = false) {
    self.init(TaskFields(title: title, context: context), source: source, isDone: isDone)
  }

  public var title: String { fields.title ?? "" }
}

/// A change of a task; nil and empty leave a field as it is.
public struct TaskChange: Sendable {
  public var id: RecordID
  public var fields: TaskFields
  public var completes: Bool

  public init(id: RecordID, fields: TaskFields, completes: Bool = false) {
    self.id = id
    self.fields = fields
    self.completes = completes
  }

  public init(
    id: RecordID, title: String? = nil, project: String? = nil, context: String? = nil,
    completes: Bool = false
  ) {
    let fields = TaskFields(title: title, project: project, context: context)
    self.init(id: id, fields: fields, completes: completes)
  }
}

// MARK: In the spool

// The fields stand beside the other members, by the names of their properties.

extension TaskDraft: Codable {
  private enum Key: String, CodingKey {
    case title, source, isDone
  }

  public init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: Key.self)
    fields = try TaskFields(from: decoder)
    fields.title = try members.decode(String.self, forKey: .title)
    source = try members.decode(TaskSource.self, forKey: .source)
    isDone = try members.decode(Bool.self, forKey: .isDone)
  }

  public func encode(to encoder: any Encoder) throws {
    try fields.encode(to: encoder)
    var members = encoder.container(keyedBy: Key.self)
    try members.encode(source, forKey: .source)
    try members.encode(isDone, forKey: .isDone)
  }
}

extension TaskChange: Codable {
  private enum Key: String, CodingKey {
    case id, completes
  }

  public init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: Key.self)
    id = try members.decode(RecordID.self, forKey: .id)
    fields = try TaskFields(from: decoder)
    completes = try members.decode(Bool.self, forKey: .completes)
  }

  public func encode(to encoder: any Encoder) throws {
    try fields.encode(to: encoder)
    var members = encoder.container(keyedBy: Key.self)
    try members.encode(id, forKey: .id)
    try members.encode(completes, forKey: .completes)
  }
}

// MARK: Adding

extension TaskDraft: StoreItem {
  var kind: ItemKind { .task }
  var itemID: RecordID? { nil }
  var vaultAction: OutboxAction? { isDone ? .retro : .add }

  func redacted(by redactor: Redactor) -> TaskDraft {
    var draft = self
    draft.fields = fields.mapProse { redactor.redact($0) }
    return draft
  }

  func vaultPayload(of write: WriteOrigin) -> String { filed(write).json(source: source) }

  /// With the project of the write.
  private func filed(_ write: WriteOrigin) -> TaskFields {
    var fields = fields
    fields.project = write.project?.name ?? TaskRecord.inbox
    return fields
  }

  func store(
    _ write: WriteOrigin, projectID: Int64?, newID: () -> RecordID, _ db: Database
  ) throws -> (id: RecordID, createdAt: Int64) {
    var task = TaskRecord(
      id: write.itemID ?? newID(), fields: filed(write), status: isDone ? .done : .open,
      source: source, createdAt: write.at, completedAt: isDone ? write.at : nil)
    task.projectID = try projectID ?? MemoryDatabase.file(under: TaskRecord.inbox, at: write.at, db)
    try task.insert(sessionID: write.session?.id, updatedAt: write.at, db)
    try MemoryDatabase.enqueue(self, task.id, write, db)
    return (task.id, write.at)
  }
}

extension TaskRecord {
  private static let insertion = """
    INSERT INTO tasks (id, project_id, session_id, status, source, created_at, updated_at,
      completed_at, \(TaskField.allCases.map(\.rawValue).joined(separator: ", ")))
    VALUES (?, ?, ?, ?, ?, ?, ?, ?\(TaskField.allCases.map { _ in ", ?" }.joined()))
    """

  /// - Parameter isPerhapsKnown: One with its id stays as it is.
  func insert(
    sessionID: SessionID? = nil, updatedAt: Int64, isPerhapsKnown: Bool = false, _ db: Database
  ) throws {
    let members: StatementArguments = [
      id, projectID, sessionID, status.rawValue, source.rawValue, createdAt, updatedAt, completedAt,
    ]
    try db.execute(
      cached: Self.insertion + (isPerhapsKnown ? " ON CONFLICT (id) DO NOTHING" : ""),
      arguments: members + fields.arguments())
  }

  /// What a vault is to get of a stored one that it does not have.
  static func vaultWrite(ofRow row: Row) -> (action: OutboxAction, payload: String, isDone: Bool) {
    let source = TaskSource(rawValue: row["source"])
    return (
      source == .retroactive ? .retro : .add, TaskFields(row: row).json(source: source),
      row["status"] == TaskStatus.done.rawValue
    )
  }
}

// MARK: Changing

extension TaskChange: StoreItem {
  var kind: ItemKind { .task }
  var itemID: RecordID? { id }
  var vaultAction: OutboxAction? { completes ? .done : .update }

  func redacted(by redactor: Redactor) -> TaskChange {
    var change = self
    change.fields = fields.mapProse { redactor.redact($0) }
    change.fields.project = fields.project.map { redactor.redact($0) }
    return change
  }

  func vaultPayload(of write: WriteOrigin) -> String { fields.json(id: id) }

  private static let update = """
    UPDATE tasks SET
      \(TaskField.allCases.map { "\($0.rawValue) = coalesce(?, \($0.rawValue))" }
        .joined(separator: ", ")),
      project_id = coalesce(?, project_id), status = CASE WHEN ? THEN 'done' ELSE status END,
      completed_at = CASE WHEN ? THEN coalesce(completed_at, ?) ELSE completed_at END,
      updated_at = ?
    WHERE id = ?
    """

  private static let prose = TaskField.allCases.filter(\.isProse)
  private static let replaces = """
    SELECT \(prose.map { "\($0.rawValue) <> coalesce(?, \($0.rawValue))" }
      .joined(separator: " OR ")) FROM tasks WHERE id = ?
    """

  func store(
    _ write: WriteOrigin, projectID: Int64?, newID: () -> RecordID, _ db: Database
  ) throws -> (id: RecordID, createdAt: Int64) {
    let createdAt = try apply(at: write.at, projectID: projectID, db)
    try MemoryDatabase.enqueue(self, id, write, db)
    return (id, createdAt)
  }

  private func apply(at: Int64, projectID: Int64?, _ db: Database) throws -> Int64 {
    guard
      let createdAt = try Int64.fetchOne(
        db, cached: "SELECT created_at FROM tasks WHERE id = ?", arguments: [id])
    else {
      throw StoreError(
        .notFound, "there is no task \(id)", hint: "`memoryd task list` shows the open ones")
    }
    let fields = fields.filled
    func update() throws {
      let members: StatementArguments = [
        try fields.project.map { try projectID ?? MemoryDatabase.file(under: $0, at: at, db) },
        completes, completes, at, at, id,
      ]
      try db.execute(cached: Self.update, arguments: fields.arguments() + members)
      guard fields.project != nil else { return }
      let row = try Int64.fetchOne(
        db, cached: "SELECT project_id FROM tasks WHERE id = ?", arguments: [id])
      // What waited to go to a vault before it came to a private project stays here.
      if let row, try MemoryDatabase.isPrivate(row, db) {
        _ = try MemoryDatabase.holdBack(row, at: at, db)
      }
    }
    let isReplaced = try Bool.fetchOne(
      db, cached: Self.replaces, arguments: fields.arguments(Self.prose) + [id])
    if isReplaced == true {
      try MemoryDatabase.dropping(db) {
        try update()
        try MemoryDatabase.renewText(ofTask: id, db)
      }
    } else {
      try update()
    }
    return createdAt
  }
}

extension MemoryDatabase {
  /// What follows a task's text: its words in the index, and what nobody has sent of it yet or is done
  /// with. A row that was tried stays as it went out, until it is known what became of it.
  static func renewText(ofTask id: RecordID, _ db: Database) throws {
    try noteParts(of: id, db)
    try renewPayloads(ofTask: id, db)
  }

  static func renewPayloads(ofTask id: RecordID, _ db: Database) throws {
    let rows = try Row.fetchAll(
      db,
      cached: """
        SELECT t.*, o.number AS row_number, o.action, o.payload
        FROM outbox o JOIN tasks t ON t.id = o.item_id
        WHERE o.item_id = ? AND o.kind = 'task' AND (o.attempts = 0 OR o.state IN ('synced', 'dropped'))
        """, arguments: [id])
    for row in rows {
      guard let sent = TaskFields(json: row["payload"]) else { continue }
      let task = TaskFields(row: row)
      for field in TaskField.allCases where field.isProse {
        guard let old = sent[field], let new = task[field], new != old else { continue }
        // What makes the task needs a text; of a change that a later one overtook nothing is to go out.
        let isChange = OutboxAction(rawValue: row["action"]) == .update
        try dropping(db) {
          try db.execute(
            cached: """
              UPDATE outbox SET payload = CASE WHEN ?1 THEN json_remove(payload, ?2)
                ELSE json_set(payload, ?2, ?3) END
              WHERE number = ?4
              """, arguments: [isChange, "$.\(field.rawValue)", new, row["row_number"] as Int64])
        }
      }
    }
  }

  // MARK: Reading

  /// - Parameters:
  ///   - status: Nil for all.
  ///   - filter: Its times are those of the adding, or with `done` of the doing.
  /// - Returns: The newest first.
  public func tasks(status: TaskStatus?, filter: RecordFilter) throws(StoreError) -> [TaskRecord] {
    var query = Self.taskQuery
    query.match("t.status", status?.rawValue)
    query.match(project: "t.project_id", filter)
    if filter.isUnfiled { query.add(Self.isUnfiled) }
    query.range(status == .done ? "t.completed_at" : "t.created_at", filter.since, filter.until)
    return try fetch(query, order: "t.id DESC", limit: filter.limit, Self.task)
  }

  /// Reads each of them, so that a page that cannot be read is noticed.
  public func openTaskCount(_ project: ProjectReference) throws(StoreError) -> Int {
    var query = Query(
      """
      SELECT count(*) AS count, total(length(t.title) + length(ifnull(t.context, ''))) AS size
      FROM tasks t
      """)
    query.match("t.status", TaskStatus.open.rawValue)
    query.match(project: "t.project_id", RecordFilter(place: project))
    return try fetch(query, order: "1", limit: nil) { $0["count"] as Int }.first ?? 0
  }

  public func task(id: RecordID) throws(StoreError) -> TaskRecord? {
    var query = Self.taskQuery
    query.match("t.id", id)
    return try fetch(query, order: "t.id", limit: 1, Self.task).first
  }

  private static let isUnfiled =
    "(p.id IS NULL OR (p.identity LIKE 'name:%' AND p.joined_to IS NULL))"
  private static let taskQuery = Query(
    """
    SELECT t.*, coalesce(p.name, t.project) AS project_name, \(isUnfiled) AS is_unfiled
    FROM tasks t LEFT JOIN projects p ON p.id = t.project_id
    """)

  private static func task(_ row: Row) -> TaskRecord {
    var task = TaskRecord(
      id: row["id"], fields: TaskFields(row: row),
      status: TaskStatus(rawValue: row["status"]) ?? .open,
      source: TaskSource(rawValue: row["source"]), createdAt: row["created_at"],
      completedAt: row["completed_at"])
    task.fields.project = row["project_name"]
    task.projectID = row["project_id"]
    task.isUnfiled = row["is_unfiled"]
    return task
  }
}
