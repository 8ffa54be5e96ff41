public import Core
import GRDB

/// What an entry is. An import may bring any other.
public struct EntryKind: StoredWord {
  public let rawValue: String

  public init(rawValue: String) { self.rawValue = rawValue }

  // Of a transcript.
  /// What a person said to the session.
  public static let request = EntryKind(rawValue: "request")
  /// What an agent said to another one.
  public static let prompt = EntryKind(rawValue: "prompt")
  public static let reply = EntryKind(rawValue: "reply")
  public static let tool = EntryKind(rawValue: "tool")
  public static let failure = EntryKind(rawValue: "failure")
  public static let plan = EntryKind(rawValue: "plan")
  public static let summary = EntryKind(rawValue: "summary")

  // These stand for no line, but for what lines together say.
  /// What a session decided, with question and reason.
  public static let observedDecision = EntryKind(rawValue: "observed-decision")
  /// What failed, what was tried, and what made it pass.
  public static let fix = EntryKind(rawValue: "fix")

  // Of the items; the store's triggers make them.
  public static let task = EntryKind(rawValue: "task")
  public static let decision = EntryKind(rawValue: "decision")
  public static let checkpoint = EntryKind(rawValue: "checkpoint")
  public static let handoff = EntryKind(rawValue: "handoff")
  public static let ledger = EntryKind(rawValue: "ledger")

  /// Of an imported entry that says no other.
  public static let note = EntryKind(rawValue: "note")

  /// As a search compares them.
  var folded: String { rawValue.lowercased() }
}

/// One searchable piece of memory.
public struct EntryRecord: Sendable, Equatable {
  public var id: RecordID
  public var kind: EntryKind
  public var project: String?
  public var sessionID: SessionID?
  public var sourceID: String?
  public var actor: String?
  public var position: Int?
  public var title: String
  public var body: String
  public var createdAt: Int64
  /// A rewind took it back.
  public var isAbandoned: Bool
}

extension MemoryDatabase {
  /// The text of a session in its order, `count` pieces before and after an entry or, without
  /// one, the last ones.
  public func entries(
    sessionID: SessionID, around id: RecordID? = nil, count: Int = 10
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

  /// - Returns: Those that no rewind took back, the newest first.
  public func entries(_ filter: RecordFilter) throws(StoreError) -> [EntryRecord] {
    var query = Query(
      "SELECT e.*, p.name AS project FROM entries e LEFT JOIN projects p ON p.id = e.project_id")
    query.match(project: "e.project_id", filter)
    query.match("e.session_id", filter.sessionID)
    query.any("e.kind", of: filter.kinds.map(\.rawValue))
    query.range("e.created_at", filter.since, filter.until)
    query.add("e.is_abandoned = ?", 0)
    return try fetch(
      query, order: "e.created_at DESC, e.number DESC", limit: filter.limit, Self.entry)
  }

  /// Finds an entry by its id.
  public func entry(id: RecordID) throws(StoreError) -> EntryRecord? {
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
      id: row["id"], kind: EntryKind(rawValue: row["kind"]), project: row["project"],
      sessionID: row["session_id"],
      sourceID: row["source_id"], actor: row["actor"], position: row["position"],
      title: row["title"], body: row["body"], createdAt: row["created_at"],
      isAbandoned: row["is_abandoned"])
  }
}
