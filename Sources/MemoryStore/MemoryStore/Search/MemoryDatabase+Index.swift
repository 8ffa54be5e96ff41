public import Core
import CSQLite
import Foundation
import GRDB
import Synchronization

/// The full-text index can be made anew from the entries at any time: damage to it alone costs time and
/// nothing else.
extension MemoryDatabase {
  package static let index = "entries_fts"
  private static let shadows = ["data", "idx", "docsize", "config"].map { "\(index)_\($0)" }

  /// Entries up to which the index is made anew by the way, within a few seconds.
  public static let mostMendedByTheWay: Int64 = 200_000

  // MARK: Searching

  /// Search over everything, best first. What is read of a word is bounded however common it is; a
  /// phrase costs what the lists of its words are long. An index that turns out to be broken is made
  /// anew first, if the store is not too large for that.
  ///
  /// - Parameters:
  ///   - text: As a person typed it: see ``SearchQuery``. Without a word the newest entries of what
  ///     it is narrowed to.
  ///   - filter: Narrows it; `limit` is 20 without one.
  public func search(
    _ text: String, filter: RecordFilter, options: SearchOptions
  ) throws(StoreError) -> SearchResult {
    var failure: StoreError?
    do throws(StoreError) {
      let result = try searchOnce(text, filter: filter, options: options)
      // What a broken index does not find, it does not complain of.
      guard try read({ try Self.seemsBroken($0, deeply: result.hits.isEmpty) }) else {
        return result
      }
    } catch {
      guard error.mayBeTheIndex else { throw error }
      failure = error
    }
    guard try mendIndex(atMost: Self.mostMendedByTheWay) else {
      throw failure ?? Self.indexDamage(path)
    }
    return try searchOnce(text, filter: filter, options: options)
  }

  // MARK: Looking

  /// What is wrong with the index by FTS5's own check against the entries; nil if it is whole. Takes
  /// about a second for 200,000 entries, and the write lock as long.
  public func indexProblem() throws(StoreError) -> String? {
    do {
      return try Self.indexProblem(attempt)
    } catch {
      throw Self.translate(error, path)
    }
  }

  /// Carries out something in a transaction of its own, which is taken back if it throws.
  typealias Attempt = (_ body: (Database) throws -> Void) throws -> Void

  /// A transaction that has met damage is of no further use: not even its end succeeds.
  private struct Met: Error { var problem: String }

  private static func indexProblem(_ attempt: Attempt) throws -> String? {
    do {
      try attempt { db in
        if let problem = try indexProblem(db) { throw Met(problem: problem) }
      }
      return nil
    } catch let met as Met {
      return met.problem
    }
  }

  private static func indexProblem(_ db: Database) throws -> String? {
    do {
      try db.execute(
        sql: "INSERT INTO \(index) (\(index), rank) VALUES ('integrity-check', 1)")
      return try seemsBroken(db, deeply: true) ? "entries are not found in it" : nil
    } catch let error as DatabaseError {
      guard isDamage(error) else { throw error }
      return error.message ?? "it does not fit the entries"
    }
  }

  /// What can be seen at once: whether the newest entry is in it; with `deeply` also whether some are
  /// found by a word that each has.
  private static func seemsBroken(_ db: Database, deeply: Bool) throws -> Bool {
    let newest = try Int64.fetchOne(db, cached: "SELECT max(number) FROM entries")
    let indexed = try Int64.fetchOne(db, cached: "SELECT max(id) FROM \(index)_docsize")
    if newest != indexed { return true }
    guard deeply, let newest else { return false }
    for number in Set([newest, newest / 2, newest / 4, 1]) {
      let row = try Row.fetchOne(
        db,
        cached:
          "SELECT number, ifnull(project_id, 0) AS project FROM entries WHERE number >= ? LIMIT 1",
        arguments: [number])
      guard let row else { continue }
      let isFound = try Bool.fetchOne(
        db, cached: "SELECT 1 FROM \(index) WHERE \(index) MATCH ? AND rowid = ?",
        arguments: ["scope : p\(row["project"] as Int64)", row["number"] as Int64])
      if isFound == nil { return true }
    }
    return false
  }

  // MARK: Errors

  static func indexDamage(_ path: String) -> StoreError {
    StoreError(
      .indexDamaged, "the full-text index of the store at \(path) is damaged, and nothing else",
      hint: "`memoryd doctor --fix` makes it anew; nothing is lost")
  }

  /// Whether an error may come of a broken index: FTS5 that misses one of its tables has nothing better
  /// to say than that there is an error.
  static func isDamage(_ error: DatabaseError) -> Bool {
    error.resultCode == .SQLITE_CORRUPT || error.resultCode == .SQLITE_ERROR
  }

  /// Whether an error certainly comes of a broken index: FTS5 names itself.
  static func isIndexDamage(_ error: DatabaseError) -> Bool {
    if error.extendedResultCode == .SQLITE_CORRUPT_VTAB { return true }
    guard error.resultCode == .SQLITE_ERROR, let message = error.message else { return false }
    return message.contains("invalid fts5 file format")
      || message.contains("no such table") && message.contains(index)
      || message.contains("constructor failed: \(index)")
  }

  // MARK: Mending

  /// When an index was last looked at in vain: a store whose damage lies elsewhere is not checked at
  /// every write.
  private static let lookedAt = Mutex<[String: ContinuousClock.Instant]>([:])
  private static let pause = Duration.seconds(60)

  /// Makes the index anew if it is broken, in one transaction: others see the old one or the new one.
  ///
  /// - Parameter most: A store with more entries is left alone; nil takes any, and always looks.
  /// - Returns: False if there was nothing to mend, or too much.
  /// - Throws: ``StoreError`` `corrupt` if the damage is not the index's alone; `busy`, `readOnly`.
  @discardableResult
  public func mendIndex(atMost most: Int64? = nil) throws(StoreError) -> Bool {
    if let most {
      let last = Self.lookedAt.withLock { $0[path] }
      if let last, .now - last < Self.pause { return false }
      let newest = try read { try Int64.fetchOne($0, sql: "SELECT max(number) FROM entries") }
      guard newest ?? 0 <= most else { return false }
      Self.lookedAt.withLock { $0[path] = .now }
    }
    do {
      guard let way = try Self.makeIndexWhole(attempt) else { return false }
      // Best effort: unused pages are a blemish, and a backup tells of them.
      if way == .withoutDropping {
        try? queue.writeWithoutTransaction { try $0.execute(sql: "VACUUM") }
      }
    } catch {
      throw Self.translate(error, path)
    }
    Self.lookedAt.withLock { $0[path] = nil }
    noteSchema()
    return true
  }

  /// Ways to make it anew, of which the first that leads somewhere is taken.
  enum Way: CaseIterable {
    /// FTS5's own.
    case rebuilding
    /// Where FTS5 cannot open its tables.
    case dropping
    /// Where their pages are damaged; they stay behind, unused.
    case withoutDropping
  }

  /// - Returns: How it was made anew; nil if it was whole.
  static func makeIndexWhole(_ attempt: Attempt) throws -> Way? {
    guard try indexProblem(attempt) != nil else { return nil }
    var last: any Error = DatabaseError(resultCode: .SQLITE_CORRUPT)
    for way in Way.allCases {
      do {
        try attempt { db in
          if way != .rebuilding { try replaceIndex(db, drops: way == .dropping) }
          try run("INSERT INTO \(index) (\(index)) VALUES ('rebuild')", db)
          if let problem = try indexProblem(db) {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: problem)
          }
        }
        return way
      } catch let error as DatabaseError {
        guard isDamage(error) else { throw error }
        last = error
      }
    }
    throw last
  }

  /// Takes FTS5's tables out of the schema, and makes new ones, empty.
  private static func replaceIndex(_ db: Database, drops: Bool) throws {
    guard
      let sql = try SchemaParts.made(by: steps(Schema.steps, upTo: try number(db))).sql(of: index)
    else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
    try run("PRAGMA writable_schema = ON", db)
    defer { try? run("PRAGMA writable_schema = OFF", db) }
    for table in shadows {
      try run(
        drops
          ? "DROP TABLE IF EXISTS \(table)"
          : "DELETE FROM sqlite_schema WHERE tbl_name = '\(table)'", db)
    }
    try run("DELETE FROM sqlite_schema WHERE name = '\(index)'", db)
    // SQLite goes by what it has read of the schema until it is told. Not later: what FTS5 has not
    // written out yet would be forgotten.
    try run("PRAGMA writable_schema = RESET", db)
    try run(sql, db)
  }

  /// Without GRDB, which looks at each statement to tell what it changes and does not let the schema be
  /// written.
  private static func run(_ sql: String, _ db: Database) throws {
    let code = sqlite3_exec(db.sqliteConnection, sql, nil, nil, nil)
    guard code == SQLITE_OK else {
      throw DatabaseError(
        resultCode: ResultCode(rawValue: sqlite3_extended_errcode(db.sqliteConnection)),
        message: String(cString: sqlite3_errmsg(db.sqliteConnection)))
    }
  }
}
