import CSQLite
import GRDB

/// Statements that read the index row by row, newest first. Stepped by hand: thousands of rows are
/// read for a search, and a row of GRDB's costs as much as SQLite's own work for it.
enum SearchScan {
  private static let hit = """
    hit(entries_fts, \(SearchWeights.title), \(SearchWeights.body), \(SearchWeights.parts), \
    \(SearchWeights.headWords), \(SearchWeights.headBonus), ?, ?)
    """

  /// - Parameter take: Gets each row.
  static func ids(
    _ db: Database, match: String, before: Int64, limit: Int, _ take: (Int64) -> Void
  ) throws {
    let statement = try db.cachedStatement(
      sql: """
        SELECT rowid FROM entries_fts WHERE entries_fts MATCH ? AND rowid < ?
        ORDER BY rowid DESC LIMIT ?
        """)
    try run(statement, db, [.text(match), .integer(before), .integer(Int64(limit))]) {
      take(sqlite3_column_int64($0, 0))
    }
  }

  /// Ascending, from the oldest on.
  static func ids(
    _ db: Database, match: String, in run: ClosedRange<Int64>, limit: Int, _ take: (Int64) -> Void
  ) throws {
    let statement = try db.cachedStatement(
      sql: """
        SELECT rowid FROM entries_fts WHERE entries_fts MATCH ? AND rowid BETWEEN ? AND ? LIMIT ?
        """)
    let values: [Value] = [
      .text(match), .integer(run.lowerBound), .integer(run.upperBound), .integer(Int64(limit)),
    ]
    try self.run(statement, db, values) { take(sqlite3_column_int64($0, 0)) }
  }

  /// - Parameters:
  ///   - phrases: How many of the expression's first phrases are counted.
  ///   - take: Gets each row and its number.
  static func hits(
    _ db: Database, match: String, before: Int64, limit: Int, phrases: Int,
    _ take: (Int64, Double) -> Void
  ) throws {
    let statement = try db.cachedStatement(
      sql: """
        SELECT rowid, \(hit) FROM entries_fts WHERE entries_fts MATCH ? AND rowid < ?
        ORDER BY rowid DESC LIMIT ?
        """)
    let values: [Value] = [
      .integer(0), .integer(Int64(phrases)), .text(match), .integer(before), .integer(Int64(limit)),
    ]
    try run(statement, db, values) {
      take(sqlite3_column_int64($0, 0), sqlite3_column_double($0, 1))
    }
  }

  /// As above for two terms: of the first so many phrases, and of so many behind them.
  static func hits(
    _ db: Database, match: String, before: Int64, limit: Int, phrases: (Int, Int),
    _ take: (Int64, Double, Double) -> Void
  ) throws {
    let statement = try db.cachedStatement(
      sql: """
        SELECT rowid, \(hit), \(hit) FROM entries_fts WHERE entries_fts MATCH ? AND rowid < ?
        ORDER BY rowid DESC LIMIT ?
        """)
    let values: [Value] = [
      .integer(0), .integer(Int64(phrases.0)), .integer(Int64(phrases.0)),
      .integer(Int64(phrases.1)), .text(match), .integer(before), .integer(Int64(limit)),
    ]
    try run(statement, db, values) {
      take(
        sqlite3_column_int64($0, 0), sqlite3_column_double($0, 1), sqlite3_column_double($0, 2))
    }
  }

  /// Ascending, as this is four times faster for a short run.
  static func hits(
    _ db: Database, match: String, in run: ClosedRange<Int64>, phrases: Int,
    _ take: (Int64, Double) -> Void
  ) throws {
    let statement = try db.cachedStatement(
      sql: """
        SELECT rowid, \(hit) FROM entries_fts
        WHERE entries_fts MATCH ? AND rowid BETWEEN ? AND ?
        """)
    let values: [Value] = [
      .integer(0), .integer(Int64(phrases)), .text(match), .integer(run.lowerBound),
      .integer(run.upperBound),
    ]
    try self.run(statement, db, values) {
      take(sqlite3_column_int64($0, 0), sqlite3_column_double($0, 1))
    }
  }

  /// Rows that stand so near to each other that one look-up finds them.
  static func runs(of rows: [Int64], gap: Int64) -> [ClosedRange<Int64>] {
    var runs: [ClosedRange<Int64>] = []
    for row in rows.sorted() {
      if let last = runs.last, row - last.upperBound <= gap {
        runs[runs.count - 1] = last.lowerBound...max(row, last.upperBound)
      } else {
        runs.append(row...row)
      }
    }
    return runs
  }

  enum Value {
    case integer(Int64)
    case text(String)
  }

  static func run(
    _ statement: Statement, _ db: Database, _ values: [Value], _ take: (OpaquePointer) -> Void
  ) throws {
    let handle = statement.sqliteStatement
    defer {
      sqlite3_reset(handle)
      sqlite3_clear_bindings(handle)
    }
    for (index, value) in values.enumerated() {
      switch value {
      case .integer(let number): sqlite3_bind_int64(handle, Int32(index + 1), number)
      case .text(let text):
        // SQLITE_TRANSIENT: SQLite copies the bytes before the call returns.
        let copies = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        sqlite3_bind_text(handle, Int32(index + 1), text, -1, copies)
      }
    }
    while true {
      let code = sqlite3_step(handle)
      if code == SQLITE_DONE { return }
      guard code == SQLITE_ROW else {
        throw DatabaseError(
          resultCode: ResultCode(rawValue: code),
          message: String(cString: sqlite3_errmsg(db.sqliteConnection)))
      }
      take(handle)
    }
  }
}
