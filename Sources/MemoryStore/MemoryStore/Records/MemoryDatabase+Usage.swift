public import Core
import GRDB

extension MemoryDatabase {
  /// Tokens of one session, summed over the requests in its files, each request once. Those that a
  /// fork has of its parent are the parent's.
  public struct UsageTotal: Sendable, Equatable {
    public var requests = 0
    public var input = 0
    public var output = 0
    public var cacheWrite = 0
    public var cacheRead = 0
    public var reasoning = 0
    public var models: [String] = []

    public init() {}
  }

  public func usage(sessionID: SessionID) throws(StoreError) -> UsageTotal {
    try read { db in
      let own = try Self.requests(sessionID, db)
      var foreign: Set<UsageKey> = []
      for relative in try Self.relatives(sessionID, db) {
        let theirs = try Self.requests(relative, db)
        let shared = Set(own.keys).intersection(theirs.keys)
        guard !shared.isEmpty else { continue }
        if try Self.isCopy(sessionID, own, of: relative, theirs, shared, db) {
          foreign.formUnion(shared)
        }
      }
      var total = UsageTotal()
      var models: [String: Int] = [:]
      for (key, row) in own where !foreign.contains(key) {
        total.requests += 1
        total.input += row["input"]
        total.output += row["output"]
        total.cacheWrite += row["cache_write"]
        total.cacheRead += row["cache_read"]
        total.reasoning += row["reasoning"]
        models[row["model"], default: 0] += 1
      }
      total.models = models.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.map(\.key)
      return total
    }
  }

  private struct UsageKey: Hashable {
    var message: String
    var request: String
  }

  private static func requests(_ sessionID: SessionID, _ db: Database) throws -> [UsageKey: Row] {
    let rows = try Row.fetchAll(
      db,
      cached: """
        SELECT u.message_id, u.request_id, max(model) AS model, max(min(input, ?2)) AS input,
          max(min(output, ?2)) AS output,
          max(min(cache_write_5m, ?2) + min(cache_write_1h, ?2)) AS cache_write,
          max(min(cache_read, ?2)) AS cache_read, max(min(reasoning, ?2)) AS reasoning,
          min(created_at) AS at
        FROM usage u JOIN transcripts t ON t.id = u.transcript_id
        WHERE t.session_id = ?1
        GROUP BY u.message_id, u.request_id
        """, arguments: [sessionID, UsageRow.mostTokens])
    return Dictionary(
      rows.map { (UsageKey(message: $0["message_id"], request: $0["request_id"]), $0) },
      uniquingKeysWith: { first, _ in first })
  }

  /// Sessions whose transcripts hold some of the same lines.
  private static func relatives(_ sessionID: SessionID, _ db: Database) throws -> [SessionID] {
    try SessionID.fetchAll(
      db,
      cached: """
        SELECT e.session_id FROM entry_copies c JOIN entries e ON e.number = c.entry
        WHERE c.session_id = ?1 AND e.session_id IS NOT NULL AND e.session_id <> ?1
        UNION
        SELECT c.session_id FROM entries e JOIN entry_copies c ON c.entry = e.number
        WHERE e.session_id = ?1 AND c.session_id <> ?1
        """, arguments: [sessionID])
  }

  /// Which of two sessions copied the other's lines is not said anywhere but by Codex and by the hook
  /// of a fork. A fork is made of what is there: it has nothing of its own before its parent ends or
  /// goes on. Whoever has no request of its own, or has the first one, is the parent.
  private static func isCopy(
    _ session: SessionID, _ own: [UsageKey: Row], of other: SessionID, _ theirs: [UsageKey: Row],
    _ shared: Set<UsageKey>, _ db: Database
  ) throws -> Bool {
    if shared.contains(where: { $0.message == other.rawValue }) { return true }
    if shared.contains(where: { $0.message == session.rawValue }) { return false }
    func isFork(_ id: SessionID) throws -> Bool {
      try String.fetchOne(
        db, cached: "SELECT source FROM sessions WHERE id = ?", arguments: [id]) == "fork"
    }
    let forks = (own: try isFork(session), other: try isFork(other))
    if forks.own != forks.other { return forks.own }
    func first(_ rows: [UsageKey: Row]) -> Int64? {
      rows.filter { !shared.contains($0.key) }.map { $0.value["at"] as Int64 }.min()
    }
    switch (first(own), first(theirs)) {
    case (nil, nil): break
    case (nil, _): return false
    case (_, nil): return true
    case (let mine?, let another?) where mine != another: return mine > another
    default: break
    }
    // Whoever was read first.
    func reading(_ id: SessionID) throws -> Int64 {
      try Int64.fetchOne(
        db, cached: "SELECT min(id) FROM transcripts WHERE session_id = ?", arguments: [id]) ?? 0
    }
    return try reading(session) > reading(other)
  }
}
