import Foundation
import GRDB
import Testing

@testable import MemoryStore

/// Stores as released schemas left them (`Tests/Fixtures/stores`), brought forward.
@Suite struct FixtureTests {
  private static let schemas = [6]
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func copy(_ schema: Int) throws -> String {
    let source =
      URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().path + "/Fixtures/stores/schema-\(schema).db"
    let target = folder.file("memory.db")
    try FileManager.default.copyItem(atPath: source, toPath: target)
    return target
  }

  private func counts(_ path: String) throws -> [String: Int] {
    var configuration = Configuration()
    configuration.readonly = true
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    return try queue.read { db in
      let tables = try String.fetchAll(
        db,
        sql: """
          SELECT name FROM sqlite_schema
          WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'entries_fts%'
          """)
      return Dictionary(
        uniqueKeysWithValues: try tables.map {
          ($0, try Int.fetchOne(db, sql: "SELECT count(*) FROM \($0)") ?? 0)
        })
    }
  }

  @Test(arguments: schemas) func rows_areAllThereAfterTheSteps(schema: Int) throws {
    let path = try copy(schema)
    let before = try counts(path)
    #expect(before.values.allSatisfy { $0 > 0 }, "the fixture has a row of every kind")
    let database = try MemoryDatabase(path: path, access: .migrating)
    #expect(
      try database.read { try Int.fetchOne($0, sql: "PRAGMA user_version") } == Schema.current)
    let after = try counts(path)
    for (table, count) in before { #expect(after[table] ?? 0 >= count, "\(table)") }
    #expect(try database.integrityProblems().isEmpty)
    try database.write {
      try $0.execute(
        sql: "INSERT INTO entries_fts(entries_fts, rank) VALUES ('integrity-check', 1)")
    }
    #expect(RegularFile.exists(path + ".schema-\(schema).backup"))
    #expect(try counts(path + ".schema-\(schema).backup") == before)
  }

  @Test(arguments: schemas) func outbox_isReadInEveryState(schema: Int) throws {
    let path = try copy(schema)
    let database = try MemoryDatabase(path: path, access: .migrating)
    for state in OutboxRow.State.allCases {
      let rows = try database.outbox(states: [state])
      #expect(!rows.isEmpty && rows.allSatisfy { $0.state == state }, "\(state)")
      for row in rows {
        #expect(row.makesItem == (row.marker != nil))
        #expect(row.failingSince == nil || row.refusals > 0)
      }
    }
    let waiting = try database.outbox(states: [.queued, .sent])
    #expect(waiting.contains { $0.refusals > 0 && $0.failingSince != nil })
    #expect(try !database.tasks(status: nil, filter: RecordFilter()).isEmpty)
    #expect(try !database.search("harbor", filter: RecordFilter()).isEmpty)
  }

  @Test(arguments: schemas) func hook_leavesItAlone(schema: Int) throws {
    let path = try copy(schema)
    let before = try counts(path)
    #expect {
      try MemoryDatabase(path: path, access: .asIs)
    } throws: {
      ($0 as? StoreError)?.code == .schemaTooOld
    }
    #expect(try counts(path) == before)
    #expect(!RegularFile.exists(path + ".schema-\(schema).backup"))
  }
}
