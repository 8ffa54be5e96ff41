public import Core
import Foundation
import GRDB

extension MemoryDatabase {
  /// Parts of the schema that are not there any more: triggers that keep the index, say.
  public func missingParts() throws(StoreError) -> [String] {
    try read { db in
      let ours = try SchemaParts.made(by: Self.steps(Schema.steps, upTo: try Self.number(db)))
      return try SchemaParts(db).missing(of: ours)
    }
  }

  /// Mends what loses nothing: makes missing triggers and indexes anew, the full-text index, indexes that
  /// do not fit their tables, and gives pages back that nothing uses.
  ///
  /// - Returns: What was done, a sentence each.
  /// - Throws: ``StoreError`` where that cannot be done; the store is as it was then.
  public func mend() throws(StoreError) -> [String] {
    var done: [String] = []
    let made = try write { db -> [String] in
      let ours = try SchemaParts.made(by: Self.steps(Schema.steps, upTo: try Self.number(db)))
      // What belongs to the index comes with it; a table that is gone has taken its rows along.
      let missing = try SchemaParts(db).missing(of: ours).filter {
        ["trigger", "index"].contains(ours.byName[$0]?.type)
      }
      for name in missing {
        if let sql = ours.sql(of: name) { try db.execute(sql: sql) }
      }
      return missing
    }
    if !made.isEmpty { done.append("made \(made.joined(separator: ", ")) anew") }
    if try mendIndex() { done.append("made the full-text index anew") }
    let size = try size()
    if try integrityProblems().isEmpty {
      if size.unused > Self.muchUnused, size.unused > size.bytes / 4 { try vacuum(&done) }
    } else if try tableProblems().isEmpty {
      try vacuum(&done)
    } else if try integrityProblems().allSatisfy(Self.isOfAnIndex) {
      try write { try $0.execute(sql: "REINDEX") }
      done.append("made the indexes anew")
    }
    noteSchema()
    return done
  }

  /// Bytes that are worth the writing of the whole file.
  private static let muchUnused: Int64 = 64 << 20

  private func vacuum(_ done: inout [String]) throws(StoreError) {
    do {
      try queue.writeWithoutTransaction { try $0.execute(sql: "VACUUM") }
      done.append("gave unused pages back")
    } catch {
      throw Self.translate(error, path)
    }
  }

  /// What is wrong within tables and their indexes; the file around them is not looked at.
  private func tableProblems() throws(StoreError) -> [String] {
    try problems { db in
      let tables = try String.fetchAll(
        db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
      return try tables.flatMap { table in
        try Self.problems(db, "PRAGMA integrity_check(\"\(table)\")") {
          $0[0] == "ok" ? nil : $0[0]
        }
      }
    }
  }

  /// Looks for damage without a transaction, which would not end well where there is some.
  func problems(_ look: (Database) throws -> [String]) throws(StoreError) -> [String] {
    do {
      return try queue.inDatabase(look)
    } catch {
      throw Self.translate(error, path)
    }
  }

  /// What one of SQLite's checks says; where it cannot go on, why.
  static func problems(
    _ db: Database, _ pragma: String, _ text: (Row) -> String?
  ) throws -> [String] {
    do {
      return try Row.fetchAll(db, sql: pragma).compactMap(text)
    } catch let error as DatabaseError {
      guard isDamage(error) else { throw error }
      return [error.message ?? "a page cannot be read"]
    }
  }

  /// A message of SQLite's check that says that an index lacks rows of its table, or has others.
  private static func isOfAnIndex(_ message: String) -> Bool {
    message.contains("missing from index ") || message.hasPrefix("wrong # of entries in index ")
  }

  /// Bytes of the file and its log, and those of them that nothing uses.
  public func size() throws(StoreError) -> (bytes: Int64, unused: Int64) {
    let pages = try read { db in
      (
        try Int64.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0,
        try Int64.fetchOne(db, sql: "PRAGMA page_size") ?? 4096
      )
    }
    let bytes = ["", "-wal"].reduce(Int64(0)) { $0 + (RegularFile.facts(path + $1)?.size ?? 0) }
    return (bytes, pages.0 * pages.1)
  }
}
