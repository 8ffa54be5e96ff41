import Foundation
import GRDB
import TestSupport
import Testing

@testable import Core
@testable import MemoryStore

/// The full-text index is broken in many ways, and made anew without losing anything.
@Suite(.blocking) struct IndexCareTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Ways to break it that SQL can do.
  private static let damages = [
    "DELETE FROM entries_fts_data; DELETE FROM entries_fts_idx",
    "DELETE FROM entries_fts_data WHERE id > 10",
    "DELETE FROM entries_fts_idx; DELETE FROM entries_fts_docsize",
    "DELETE FROM entries_fts_config",
    "DROP TABLE entries_fts_data",
    "DROP TABLE entries_fts_docsize",
    "DROP TABLE entries_fts_idx; DROP TABLE entries_fts_config",
    "DROP TABLE entries_fts",
    "INSERT INTO entries_fts(entries_fts) VALUES ('delete-all')",
    "UPDATE entries_fts_data SET block = zeroblob(length(block)) WHERE id > 10",
    "UPDATE entries_fts_data SET block = x'FFFFFFFFFF' WHERE id = 10",
  ]

  private func fill(_ count: Int = 300) throws -> MemoryDatabase {
    let database = try folder.database()
    for number in 0..<count {
      _ = try database.commit(
        .task("harbor crane \(number) \(String(repeating: "rope ", count: 30))"))
    }
    return database
  }

  /// As another program would: by a connection of its own.
  private func damage(_ sql: String) throws {
    try DatabaseQueue(path: folder.file("memory.db")).inDatabase {
      try $0.execute(sql: "PRAGMA writable_schema = ON")
      try $0.execute(sql: sql)
    }
  }

  /// Overwrites a part of a table's first page in the file: its head, or its cells.
  private func overwritePages(of table: String, isHead: Bool) throws {
    let path = folder.file("memory.db")
    let queue = try DatabaseQueue(path: path)
    let pages = try queue.inDatabase { db -> [Int] in
      try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
      let root = try Int.fetchOne(
        db, sql: "SELECT rootpage FROM sqlite_schema WHERE name = ?", arguments: [table])
      return [root ?? 0]
    }
    try queue.close()
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    for page in pages {
      try file.seek(toOffset: UInt64((page - 1) * 4096 + (isHead ? 0 : 2096)))
      try file.write(contentsOf: Data(repeating: 0xFF, count: isHead ? 200 : 2000))
    }
    try file.close()
  }

  @Test(arguments: damages) func search_whenTheIndexIsBroken_makesItAnewAndFinds(sql: String) throws
  {
    let count = try fill().counts().entries
    try damage(sql)
    let database = try folder.database(.asIs)
    #expect(try !database.search("harbor", filter: RecordFilter()).isEmpty)
    #expect(try database.indexProblem() == nil)
    #expect(try database.integrityProblems().isEmpty)
    #expect(try database.counts().entries == count)
    // The way back is no change of the schema that anybody would refuse.
    let again = try folder.database()
    #expect(try again.missingParts().isEmpty)
    #expect(try !again.search("crane 7", filter: RecordFilter()).isEmpty)
  }

  @Test(arguments: damages) func doctor_tellsAndMends(sql: String) throws {
    _ = try fill()
    try damage(sql)
    let database = try folder.database()
    #expect(try database.indexProblem() != nil)
    #expect(try !database.mend().isEmpty)
    #expect(try database.indexProblem() == nil)
    #expect(try database.mend().isEmpty)
  }

  @Test(arguments: ["entries_fts_data", "entries_fts_idx", "entries_fts_docsize"], [true, false])
  func pagesOfTheIndex_areNoDamageToTheStore(table: String, isHead: Bool) throws {
    _ = try fill()
    try overwritePages(of: table, isHead: isHead)
    let database = try folder.database()
    #expect(try !database.integrityProblems().isEmpty || database.indexProblem() != nil)
    _ = try database.mend()
    #expect(try database.indexProblem() == nil)
    #expect(try database.integrityProblems().isEmpty)
    #expect(try !database.search("harbor", filter: RecordFilter()).isEmpty)
    #expect(throws: Never.self) { try database.commit(.task("after it")) }
  }

  @Test func kindsAndProjectsOfAnyName_areNoDamage() throws {
    let database = try fill(3)
    for kind in ["pre-compact", "", "a b", "\"", "p7", "\u{1F600}"] {
      try database.write {
        try $0.execute(
          sql: """
            INSERT INTO entries(id, kind, origin, title, body, created_at)
            VALUES (?, ?, 'x', 't', 'b', 0)
            """, arguments: [UUID().uuidString, kind])
      }
    }
    #expect(try database.indexProblem() == nil)
    #expect(try database.search("nothing has this", filter: RecordFilter()).isEmpty)
    #expect(try !database.mendIndex())
  }

  @Test func damageElsewhere_isNotCoveredUp() throws {
    _ = try fill()
    try overwritePages(of: "entries", isHead: true)
    let database = try folder.database()
    #expect(throws: StoreError.self) { try database.mend() }
    #expect(throws: StoreError.self) { try database.search("harbor", filter: RecordFilter()) }
    #expect(try !database.integrityProblems().isEmpty)
    #expect(database.drainDamage()?.isDamage == true && database.drainDamage() == nil)
  }

  @Test func largeStore_isLeftToDoctor() throws {
    _ = try fill(20)
    try damage("DELETE FROM entries_fts_data WHERE id > 10")
    let database = try folder.database()
    #expect(try !database.mendIndex(atMost: 19))
    #expect(try database.mendIndex(atMost: 20))
  }

  @Test func index_thatLacksRowsOfItsTable_isMade() throws {
    _ = try fill(50)
    try damage(
      """
      UPDATE sqlite_schema SET sql = replace(sql, 'tasks(status', 'tasks (project, status')
      WHERE name = 'tasks_status'
      """)
    let database = try folder.database()
    #expect(try !database.integrityProblems().isEmpty)
    #expect(try database.mend().contains { $0.contains("indexes") })
    #expect(try database.integrityProblems().isEmpty)
  }
}
