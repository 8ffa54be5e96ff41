public import Core
import GRDB
package import Redaction

public struct SessionRecord: Sendable, Equatable {
  public var id: SessionID
  public var agent: String
  public var project: String?
  /// The project's row.
  public var projectID: Int64?
  public var cwd: String?
  public var branch: String?
  public var transcriptPath: String?
  public var startedAt: Int64
  public var lastSeenAt: Int64
  public var endedAt: Int64?
  public var endReason: String?
  /// The objective of its newest checkpoint.
  public var objective: String?

  public init(id: SessionID, agent: String, cwd: String? = nil, startedAt: Int64, lastSeenAt: Int64)
  {
    self.id = id
    self.agent = agent
    self.cwd = cwd
    self.startedAt = startedAt
    self.lastSeenAt = lastSeenAt
  }
}

// MARK: Writing

extension SessionReference {
  package func redacted(by redactor: Redactor) -> SessionReference {
    var session = self
    session.branch = branch.map { redactor.redact($0) }
    return session
  }
}

/// Registers the session of the write or brings it up to date, as every write does.
struct SessionOpening: StoreItem {
  var kind: ItemKind { .session }
  var itemID: RecordID? { nil }

  func redacted(by redactor: Redactor) -> SessionOpening { self }

  func store(
    _ write: WriteOrigin, projectID: Int64?, newID: () -> RecordID, _ db: Database
  ) throws -> (id: RecordID, createdAt: Int64) {
    (RecordID(write.session?.id ?? .noSession), write.at)
  }
}

struct SessionEnd: StoreItem {
  var reason: String

  var kind: ItemKind { .session }
  var itemID: RecordID? { nil }

  func redacted(by redactor: Redactor) -> SessionEnd {
    SessionEnd(reason: redactor.redact(reason))
  }

  func store(
    _ write: WriteOrigin, projectID: Int64?, newID: () -> RecordID, _ db: Database
  ) throws -> (id: RecordID, createdAt: Int64) {
    let id = write.session?.id ?? .noSession
    // An end that is taken in late ends no session that has gone on since. Two hooks of one moment may
    // have come in another order.
    try db.execute(
      cached: """
        UPDATE sessions SET ended_at = ?1, end_reason = ?2 WHERE id = ?3 AND last_seen_at <= ?1 + 2000
        """, arguments: [write.at, reason, id])
    return (RecordID(id), write.at)
  }
}

extension MemoryDatabase {
  /// - Returns: The project of what is written. What a host tells of a session belongs to where the
  ///   session began, also when it has gone elsewhere since.
  static func upsert(
    _ session: SessionReference, projectID: Int64?, at: Int64, _ db: Database
  ) throws -> Int64? {
    let isFromHost = session.cwd != nil
    let statement = try db.cachedStatement(
      sql: """
        INSERT INTO sessions (id, agent, project_id, cwd, branch, transcript_path, source,
          started_at, last_seen_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET
          project_id = CASE WHEN cwd IS NULL THEN coalesce(excluded.project_id, project_id)
            ELSE coalesce(project_id, excluded.project_id) END,
          cwd = coalesce(cwd, excluded.cwd), branch = coalesce(excluded.branch, branch),
          transcript_path = coalesce(excluded.transcript_path, transcript_path),
          source = coalesce(excluded.source, source),
          started_at = min(started_at, excluded.started_at),
          last_seen_at = max(last_seen_at, excluded.last_seen_at)
        RETURNING project_id
        """)
    let began = try Row.fetchOne(
      statement,
      arguments: [
        session.id, session.agent, projectID, session.cwd, session.branch,
        session.transcriptPath, session.source, session.startedAt ?? at,
        session.lastSeenAt ?? at,
      ])
    return isFromHost ? began?["project_id"] ?? projectID : projectID
  }

  // MARK: Reading

  /// - Returns: The one seen last first.
  public func sessions(_ filter: RecordFilter) throws(StoreError) -> [SessionRecord] {
    var query = Self.sessionQuery
    query.match(project: "s.project_id", filter)
    query.range("s.last_seen_at", filter.since, filter.until)
    return try fetch(query, order: "s.last_seen_at DESC, s.id", limit: filter.limit, Self.session)
  }

  /// Finds a session by its id or the beginning of it.
  public func session(id: SessionID) throws(StoreError) -> SessionRecord? {
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
  public func source(ofSession id: SessionID) throws(StoreError) -> String? {
    try read { db in
      try String.fetchOne(
        db, cached: "SELECT source FROM sessions WHERE id = ?", arguments: [id])
    }
  }

  private static func severalSessions(_ id: SessionID) -> StoreError {
    StoreError(.invalid, "several sessions begin with \(id)", hint: "give more of the id")
  }

  /// As ``session(id:)`` for a session of which only imported entries are known.
  public func importedSession(id: SessionID) throws(StoreError) -> SessionRecord? {
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
}
