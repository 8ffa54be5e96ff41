import GRDB

/// Fills the full-text index for many new entries at once.
///
/// FTS5 writes out what it holds in memory before every statement that fires a trigger, so that the
/// index of a row at a time takes four times as long, and leaves a segment for each row.
struct DeferredIndex {
  /// The trigger of `entries` looks for it. Never committed: others do not see it.
  private static let mark = "index_is_deferred"

  private var last: Int64

  private init(_ db: Database) throws {
    last = try MemoryDatabase.newestEntry(db)
    try MemoryDatabase.setMeta(Self.mark, "", db)
  }

  /// Puts entries that came since the last time into the index. Needed before one of them is changed.
  mutating func fill(_ db: Database) throws {
    let newest = try MemoryDatabase.newestEntry(db)
    guard newest > last else { return }
    try db.execute(
      cached: """
        INSERT INTO entries_fts (rowid, title, body, parts, scope)
        SELECT number, title, body, parts, scope FROM entries WHERE number > ?
        """, arguments: [last])
    last = newest
  }

  /// While `body` runs, entries that are inserted do not go into the index by themselves.
  ///
  /// - Parameter db: Within a transaction.
  static func use<Value>(
    _ db: Database, _ body: (inout DeferredIndex) throws -> Value
  ) throws -> Value {
    var index = try DeferredIndex(db)
    func end() throws {
      try index.fill(db)
      try db.execute(cached: "DELETE FROM meta WHERE key = ?", arguments: [mark])
    }
    do {
      let value = try body(&index)
      try end()
      return value
    } catch {
      // Whoever goes on with this transaction has an index that is whole.
      try? end()
      throw error
    }
  }
}
