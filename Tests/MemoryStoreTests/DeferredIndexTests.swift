import GRDB
import TestSupport
import Testing

@testable import Core
@testable import MemoryStore

@Suite(.blocking) struct DeferredIndexTests {
  private let folder: TemporaryFolder
  private let database: MemoryDatabase

  init() throws {
    folder = try TemporaryFolder()
    database = try folder.database()
  }

  private static func insert(_ id: String, _ body: String, _ db: Database) throws {
    try db.execute(
      sql: """
        INSERT INTO entries (id, kind, origin, title, body, created_at)
        VALUES (?, 'reply', 'claude', '', ?, 1)
        """, arguments: [id, body])
  }

  private func found(_ word: String) throws -> [RecordID] {
    try database.search(word, filter: RecordFilter()).map(\.entry.id).sorted()
  }

  /// The index against the entries, in both directions, and no mark left behind.
  private func check() throws {
    try database.write { db in
      try db.execute(
        sql: "INSERT INTO entries_fts(entries_fts, rank) VALUES ('integrity-check', 1)")
      #expect(
        try Int.fetchOne(db, sql: "SELECT count(*) FROM entries_fts_docsize")
          == Int.fetchOne(db, sql: "SELECT count(*) FROM entries"))
      #expect(
        try Int.fetchOne(db, sql: "SELECT count(*) FROM meta WHERE key LIKE 'index%'") == 0)
    }
  }

  @Test func entries_areInTheIndexOnce_howeverTheyCome() throws {
    try database.write { db in
      try Self.insert("a", "zebra one", db)
      try DeferredIndex.use(db) { index in
        try Self.insert("b", "zebra two", db)
        try index.fill(db)
        try index.fill(db)
        try db.execute(sql: "UPDATE entries SET body = 'giraffe' WHERE id = 'b'")
        try Self.insert("c", "zebra three", db)
      }
      try Self.insert("d", "zebra four", db)
    }
    try check()
    #expect(try found("zebra") == ["a", "c", "d"])
    #expect(try found("giraffe") == ["b"])
  }

  @Test func anErrorInside_leavesNothingBehind() throws {
    struct Stop: Error {}
    // Somebody who goes on with the transaction all the same.
    try database.write { db in
      do {
        try DeferredIndex.use(db) { _ in
          try Self.insert("a", "zebra one", db)
          throw Stop()
        }
      } catch is Stop {}
      try Self.insert("b", "zebra two", db)
    }
    try check()
    #expect(try found("zebra") == ["a", "b"])
    // And one who does not.
    #expect(throws: StoreError.self) {
      try database.write { db in
        try DeferredIndex.use(db) { _ in
          try Self.insert("c", "zebra three", db)
          throw StoreError(.invalid, "no")
        }
      }
    }
    try check()
    #expect(try found("zebra") == ["a", "b"])
  }

  @Test func importedEntriesThatComeTwice_areIndexedOnce() throws {
    var entries = (0..<40).map { ImportedEntry(id: "\($0)", kind: .k, text: "zebra \($0)") }
    entries += (0..<40).map { ImportedEntry(id: "\($0)", kind: .k, text: "giraffe \($0)") }
    var pieces = [entries, [ImportedEntry(id: "7", kind: .k, text: "okapi")]]
    let counts = try database.importEntries(at: 1) { () throws(StoreError) in
      pieces.isEmpty ? nil : pieces.removeFirst()
    }
    #expect(counts.added == 40 && counts.updated == 41)
    try check()
    #expect(try found("zebra").isEmpty)
    #expect(try database.search("okapi", filter: RecordFilter()).map(\.entry.sourceID) == ["7"])
  }
}
