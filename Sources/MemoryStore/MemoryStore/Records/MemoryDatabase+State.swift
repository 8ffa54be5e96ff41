public import Core
import GRDB

/// One hook's run, for `status`.
public struct HookRun: Sendable {
  public var event: String
  public var sessionID: SessionID?
  /// `stored`, `skipped`, `spooled`, `fallback`, `failed`.
  public var outcome: String
  public var microseconds: Int64

  public init(event: String, sessionID: SessionID?, outcome: String, microseconds: Int64) {
    self.event = event
    self.sessionID = sessionID
    self.outcome = outcome
    self.microseconds = microseconds
  }
}

/// What the store says of itself.
extension MemoryDatabase {
  static func insert(_ run: HookRun, at: Int64, _ db: Database) throws {
    try db.execute(
      cached: """
        INSERT INTO hook_runs (event, session_id, outcome, microseconds, created_at)
        VALUES (?, ?, ?, ?, ?)
        """, arguments: [run.event, run.sessionID, run.outcome, run.microseconds, at])
    // The newest 10,000 are enough for percentiles.
    if db.lastInsertedRowID % 1000 == 0 {
      try db.execute(
        cached: "DELETE FROM hook_runs WHERE number <= ?",
        arguments: [db.lastInsertedRowID - 10_000])
    }
  }

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

  private static let byHand =
    CheckpointTrigger.byHand.map { "'\($0)'" }.joined(separator: ", ")

  /// Whether a hook has ever told of a session.
  public func wasHooked(session: SessionID) throws(StoreError) -> Bool {
    try read {
      try Bool.fetchOne(
        $0,
        cached: """
          SELECT EXISTS (SELECT 1 FROM hook_runs WHERE session_id = ?)
            OR EXISTS (SELECT 1 FROM sessions WHERE id = ? AND source IS NOT NULL)
            OR EXISTS (SELECT 1 FROM checkpoints WHERE session_id = ?
              AND trigger NOT IN (\(Self.byHand)))
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
}
