public import Core
import GRDB

extension MemoryDatabase {
  // MARK: Tasks

  /// - Parameters:
  ///   - status: `open`, `done`, or nil for all.
  ///   - filter: Its times are those of the adding, or with `done` of the doing.
  /// - Returns: The newest first.
  public func tasks(status: String?, filter: RecordFilter) throws(StoreError) -> [TaskRecord] {
    var query = Self.taskQuery
    query.match("t.status", status)
    try query.match(project: "t.project_id", settled(filter))
    if filter.isUnfiled { query.add(Self.isUnfiled) }
    query.range(status == "done" ? "t.completed_at" : "t.created_at", filter.since, filter.until)
    return try fetch(query, order: "t.id DESC", limit: filter.limit, Self.task)
  }

  /// Reads each of them, so that a page that cannot be read is noticed.
  public func openTaskCount(_ project: ProjectReference) throws(StoreError) -> Int {
    var query = Query(
      """
      SELECT count(*) AS count, total(length(t.title) + length(ifnull(t.context, ''))) AS size
      FROM tasks t
      """)
    query.match("t.status", "open")
    try query.match(project: "t.project_id", settled(RecordFilter(place: project)))
    return try fetch(query, order: "1", limit: nil) { $0["count"] as Int }.first ?? 0
  }

  public func task(id: String) throws(StoreError) -> TaskRecord? {
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

  // MARK: Decisions

  /// - Returns: The newest first.
  public func decisions(_ filter: RecordFilter) throws(StoreError) -> [DecisionRecord] {
    var query = Query(
      "SELECT d.*, p.name AS project FROM decisions d LEFT JOIN projects p ON p.id = d.project_id")
    try query.match(project: "d.project_id", settled(filter))
    query.match("d.session_id", filter.sessionID)
    query.range("d.created_at", filter.since, filter.until)
    return try fetch(query, order: "d.id DESC", limit: filter.limit) { row in
      DecisionRecord(
        id: row["id"], decision: row["decision"], rationale: row["rationale"],
        taskID: row["task_id"], project: row["project"], sessionID: row["session_id"],
        createdAt: row["created_at"])
    }
  }

  // MARK: Checkpoints

  /// - Parameter filter: Its kinds are triggers.
  /// - Returns: The newest first.
  public func checkpoints(_ filter: RecordFilter) throws(StoreError) -> [CheckpointRecord] {
    var query = Self.checkpointQuery
    try query.match(project: "c.project_id", settled(filter))
    query.match("c.session_id", filter.sessionID)
    query.any("c.trigger", of: filter.kinds)
    return try fetch(query, order: "c.id DESC", limit: filter.limit, Self.checkpoint)
  }

  /// Finds a checkpoint by its id or the beginning of it.
  ///
  /// - Throws: ``StoreError`` `invalid` where the beginning fits several.
  public func checkpoint(id: String) throws(StoreError) -> CheckpointRecord? {
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
      id: row["id"], trigger: row["trigger"], objective: row["objective"],
      sessionID: row["session_id"], project: row["project"], body: row["body"],
      createdAt: row["created_at"], updatedAt: row["updated_at"])
  }

  // MARK: Sessions and projects

  /// - Returns: The one seen last first.
  public func sessions(_ filter: RecordFilter) throws(StoreError) -> [SessionRecord] {
    var query = Self.sessionQuery
    try query.match(project: "s.project_id", settled(filter))
    query.range("s.last_seen_at", filter.since, filter.until)
    return try fetch(query, order: "s.last_seen_at DESC, s.id", limit: filter.limit, Self.session)
  }

  /// Finds a session by its id or the beginning of it.
  public func session(id: String) throws(StoreError) -> SessionRecord? {
    var exact = Self.sessionQuery
    exact.match("s.id", id)
    if let session = try fetch(exact, order: "s.id", limit: 1, Self.session).first {
      return session
    }
    var query = Self.sessionQuery
    query.prefix("s.id", id)
    let found = try fetch(query, order: "s.id", limit: 2, Self.session)
    if found.count > 1 { throw Self.severalSessions(id) }
    return found.first
  }

  /// How the session was begun last; nil if no hook told.
  public func source(ofSession id: String) throws(StoreError) -> String? {
    try read { db in
      try String.fetchOne(
        db, cached: "SELECT source FROM sessions WHERE id = ?", arguments: [id])
    }
  }

  private static func severalSessions(_ id: String) -> StoreError {
    StoreError(.invalid, "several sessions begin with \(id)", hint: "give more of the id")
  }

  /// As ``session(id:)`` for a session of which only imported entries are known.
  public func importedSession(id: String) throws(StoreError) -> SessionRecord? {
    try read { db in
      let found = try Self.sessions(id, db)
      guard let name = found.first else { return nil }
      guard found.count == 1 else { throw Self.severalSessions(id) }
      guard
        let row = try Row.fetchOne(
          db,
          cached: """
            SELECT min(created_at) AS first, max(created_at) AS last, max(project_id) AS project
            FROM entries WHERE session_id = ?
            """, arguments: [name])
      else { return nil }
      var session = SessionRecord(
        id: name, agent: "import", startedAt: row["first"] as Int64? ?? 0,
        lastSeenAt: row["last"] as Int64? ?? 0)
      session.project = try String.fetchOne(
        db, cached: "SELECT name FROM projects WHERE id = ?",
        arguments: [row["project"] as Int64?])
      return session
    }
  }

  private static let sessionQuery = Query(
    """
    SELECT s.*, p.name AS project,
      (SELECT objective FROM checkpoints c WHERE c.session_id = s.id ORDER BY c.id DESC LIMIT 1)
        AS objective
    FROM sessions s LEFT JOIN projects p ON p.id = s.project_id
    """)

  private static func session(_ row: Row) -> SessionRecord {
    var session = SessionRecord(
      id: row["id"], agent: row["agent"], cwd: row["cwd"], startedAt: row["started_at"],
      lastSeenAt: row["last_seen_at"])
    session.project = row["project"]
    session.projectID = row["project_id"]
    session.branch = row["branch"]
    session.transcriptPath = row["transcript_path"]
    session.endedAt = row["ended_at"]
    session.endReason = row["end_reason"]
    session.objective = row["objective"]
    return session
  }

  private static func task(_ row: Row) -> TaskRecord {
    var task = TaskRecord(
      id: row["id"], title: row["title"], project: row["project_name"], status: row["status"],
      source: row["source"], context: row["context"], occurredAt: row["occurred_at"],
      createdAt: row["created_at"], completedAt: row["completed_at"])
    task.projectID = row["project_id"]
    task.isUnfiled = row["is_unfiled"]
    return task
  }

  // MARK: Entries

  /// The text of a session in its order, `count` pieces before and after an entry or, without
  /// one, the last ones.
  public func entries(
    sessionID: String, around id: String? = nil, count: Int = 10
  ) throws(StoreError) -> [EntryRecord] {
    try read { db in
      var middle: Int?
      if let id {
        middle = try Int.fetchOne(
          db,
          cached: """
            SELECT coalesce(c.position, e.position, 0) FROM entries e
            LEFT JOIN entry_copies c ON c.entry = e.number AND c.session_id = ?2
            WHERE e.id = ?1 AND (e.session_id = ?2 OR c.session_id IS NOT NULL)
            """, arguments: [id.uppercased(), sessionID])
        guard middle != nil else {
          throw StoreError(.notFound, "there is no entry \(id) in session \(sessionID)")
        }
      }
      // A fork's own lines stand behind those that it has of its parent.
      func select(_ limits: String) -> String {
        """
        SELECT e.*, p.name AS project, s.place, s.is_taken_back FROM (
          SELECT number, position AS place, is_abandoned AS is_taken_back FROM entries
          WHERE session_id = ?1 AND position IS NOT NULL
          UNION ALL
          SELECT entry, position, is_abandoned FROM entry_copies WHERE session_id = ?1) s
        JOIN entries e ON e.number = s.number LEFT JOIN projects p ON p.id = e.project_id
        WHERE s.place \(limits) LIMIT ?3
        """
      }
      func entry(_ row: Row) -> EntryRecord {
        var entry = Self.entry(row)
        entry.position = row["place"]
        entry.isAbandoned = row["is_taken_back"]
        return entry
      }
      let before = try Row.fetchAll(
        db, cached: select("<= ?2 ORDER BY s.place DESC, e.number DESC"),
        arguments: [sessionID, middle ?? Int.max, middle == nil ? count : count + 1])
      let after =
        try middle.map {
          try Row.fetchAll(
            db, cached: select("> ?2 ORDER BY s.place, e.number"),
            arguments: [sessionID, $0, count])
        } ?? []
      return (before.reversed() + after).map(entry)
    }
  }

  /// - Parameter filter: Its kinds are entries' kinds.
  /// - Returns: Those that no rewind took back, the newest first.
  public func entries(_ filter: RecordFilter) throws(StoreError) -> [EntryRecord] {
    var query = Query(
      "SELECT e.*, p.name AS project FROM entries e LEFT JOIN projects p ON p.id = e.project_id")
    try query.match(project: "e.project_id", settled(filter))
    query.match("e.session_id", filter.sessionID)
    query.any("e.kind", of: filter.kinds)
    query.range("e.created_at", filter.since, filter.until)
    query.add("e.is_abandoned = ?", 0)
    return try fetch(
      query, order: "e.created_at DESC, e.number DESC", limit: filter.limit, Self.entry)
  }

  /// Finds an entry by its id.
  public func entry(id: String) throws(StoreError) -> EntryRecord? {
    try read { db in
      try Row.fetchOne(
        db,
        cached: """
          SELECT e.*, p.name AS project FROM entries e LEFT JOIN projects p ON p.id = e.project_id
          WHERE e.id = ?
          """, arguments: [id.uppercased()]
      ).map(Self.entry)
    }
  }

  /// Its number; 0 for none.
  static func newestEntry(_ db: Database) throws -> Int64 {
    try Int64.fetchOne(db, cached: "SELECT max(number) FROM entries") ?? 0
  }

  static func entry(_ row: Row) -> EntryRecord {
    EntryRecord(
      id: row["id"], kind: row["kind"], project: row["project"], sessionID: row["session_id"],
      sourceID: row["source_id"], actor: row["actor"], position: row["position"],
      title: row["title"], body: row["body"], createdAt: row["created_at"],
      isAbandoned: row["is_abandoned"])
  }

  // MARK: State of the store

  public struct Counts: Sendable, Equatable {
    public var projects = 0
    public var sessions = 0
    public var checkpoints = 0
    public var tasks = 0
    public var openTasks = 0
    public var decisions = 0
    public var entries = 0
  }

  /// Reads whole indexes: for a person who asks, not for a hook.
  public func counts() throws(StoreError) -> Counts {
    try read { db in
      func count(_ what: String) throws -> Int {
        try Int.fetchOne(db, cached: "SELECT count(*) FROM " + what) ?? 0
      }
      return Counts(
        projects: try count("projects"), sessions: try count("sessions"),
        checkpoints: try count("checkpoints"), tasks: try count("tasks"),
        openTasks: try count("tasks WHERE status = 'open'"),
        decisions: try count("decisions"), entries: try count("entries"))
    }
  }

  public struct HookStatistics: Sendable, Equatable {
    public var event: String
    public var runs: Int
    public var failures: Int
    /// Microseconds.
    public var p50: Int64
    public var p95: Int64
    public var p99: Int64
  }

  /// Over the newest 1,000 runs of each event.
  public func hookStatistics() throws(StoreError) -> [HookStatistics] {
    try read { db in
      try String.fetchAll(db, cached: "SELECT DISTINCT event FROM hook_runs ORDER BY event").map {
        event in
        let rows = try Row.fetchAll(
          db,
          cached: """
            SELECT microseconds, outcome FROM hook_runs WHERE event = ?
            ORDER BY number DESC LIMIT 1000
            """, arguments: [event])
        let times = rows.map { $0["microseconds"] as Int64 }.sorted()
        func percentile(_ share: Double) -> Int64 {
          times.isEmpty ? 0 : times[min(times.count - 1, Int(Double(times.count) * share))]
        }
        return HookStatistics(
          event: event, runs: times.count,
          failures: rows.count { ($0["outcome"] as String) == "failed" },
          p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99))
      }
    }
  }

  /// Unix ms of the first hook that is remembered; nil if none ever came.
  public func firstHookRun() throws(StoreError) -> Int64? {
    try read { try Int64.fetchOne($0, cached: "SELECT min(created_at) FROM hook_runs") }
  }

  /// Whether a hook has ever told of a session.
  public func wasHooked(session: String) throws(StoreError) -> Bool {
    try read {
      try Bool.fetchOne(
        $0,
        cached: """
          SELECT EXISTS (SELECT 1 FROM hook_runs WHERE session_id = ?)
            OR EXISTS (SELECT 1 FROM sessions WHERE id = ? AND source IS NOT NULL)
            OR EXISTS (SELECT 1 FROM checkpoints WHERE session_id = ?
              AND trigger NOT IN ('manual', 'handoff'))
          """, arguments: [session, session, session]) ?? false
    }
  }

  /// SQLite's own check of every page, and of what rows refer to.
  ///
  /// - Returns: The problems; empty if all is well.
  public func integrityProblems() throws(StoreError) -> [String] {
    try problems { db in
      try Self.problems(db, "PRAGMA integrity_check(20)") { $0[0] == "ok" ? nil : $0[0] }
        + Self.problems(db, "PRAGMA foreign_key_check") {
          "a row of \($0["table"] as String? ?? "?") refers to a row that is not there"
        }.prefix(5)
    }
  }

  /// The `synchronous` setting of the writing connection: 2 is FULL.
  public func synchronousLevel() throws(StoreError) -> Int {
    try write { try Int.fetchOne($0, sql: "PRAGMA synchronous") ?? -1 }
  }

  func fetch<T>(
    _ query: Query, order: String, limit: Int?, _ body: (Row) -> T
  ) throws(StoreError) -> [T] {
    // SQLite takes a limit below zero for none.
    let sql = query.sql + " ORDER BY " + order + " LIMIT ?"
    let arguments = query.arguments + [limit.map { max(0, $0) } ?? -1]
    return try read { db in
      try Row.fetchAll(db, cached: sql, arguments: arguments).map(body)
    }
  }
}

/// A SELECT that conditions are added to; values are always bound.
struct Query: Sendable {
  private let select: String
  private var conditions: [String] = []
  private(set) var arguments = StatementArguments()

  init(_ select: String) {
    self.select = select
  }

  var sql: String {
    conditions.isEmpty ? select : select + " WHERE " + conditions.joined(separator: " AND ")
  }

  mutating func match(_ column: String, _ value: String?) {
    guard let value else { return }
    conditions.append("\(column) = ?")
    arguments += [value]
  }

  mutating func range(_ column: String, _ since: Int64?, _ until: Int64?) {
    if let since {
      conditions.append("\(column) >= ?")
      arguments += [since]
    }
    if let until {
      conditions.append("\(column) <= ?")
      arguments += [until]
    }
  }

  mutating func prefix(_ column: String, _ value: String) {
    conditions.append("substr(\(column), 1, length(?)) = ?")
    arguments += [value, value]
  }

  mutating func any(_ column: String, of values: [String]) {
    guard !values.isEmpty else { return }
    conditions.append(
      "\(column) IN (\(values.map { _ in "?" }.joined(separator: ", ")))")
    arguments += StatementArguments(values)
  }

  mutating func add(_ condition: String, _ value: some DatabaseValueConvertible) {
    add(condition, values: [value])
  }

  mutating func add(_ condition: String, values: [any DatabaseValueConvertible] = []) {
    conditions.append(condition)
    arguments += StatementArguments(values)
  }
}
