import Foundation
import GRDB
import TestSupport
import Testing

@testable import Core
@testable import MemoryStore

/// Stores as released schemas left them (`Tests/Fixtures/stores`), brought forward.
@Suite(.blocking) struct FixtureTests {
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
    // Since when a vault honours keys is asked again.
    for (table, count) in before {
      #expect(after[table] ?? 0 >= count - (table == "meta" ? 1 : 0), "\(table)")
    }
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
    for state in OutboxRow.State.allCases where state != .held {
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

  @Test(arguments: schemas) func items_areUnderProjectsAndNoneWasMerged(schema: Int) throws {
    let path = try copy(schema)
    // A second harbor, and a task of the vault's that went to the wrong one of them.
    let queue = try DatabaseQueue(path: path)
    try queue.write { db in
      try db.execute(
        sql: """
          INSERT INTO projects (identity, name, root, last_seen_at)
          VALUES ('git.example.org/other/almanac', 'almanac', '/srv/almanac', 5),
            ('/opt/almanac', 'almanac', '/opt/almanac', 6);
          INSERT INTO tasks (id, title, project, project_id, status, source, created_at, updated_at,
            vault_id)
          SELECT '01KDWTN000AAAAAAAAAAAAAAA9', 'Whose', 'almanac', id, 'open', 'cc', 1, 1,
            '01KDWTN000AAAAAAAAAAAAAAA9' FROM projects WHERE identity = '/opt/almanac';
          """)
    }
    let before = try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM tasks") }
    try queue.close()
    let database = try MemoryDatabase(path: path, access: .migrating)
    let tasks = try database.tasks(status: nil, filter: RecordFilter())
    #expect(tasks.count == before && tasks.allSatisfy { $0.projectID != nil })
    let harbor = try #require(try database.projects(named: "harbor").first)
    #expect(try database.projects(named: "harbor").count == 1)
    let ours = try database.tasks(status: nil, filter: RecordFilter(place: harbor))
    #expect(ours.contains { $0.title == "Theirs, of harbor" && !$0.isUnfiled })
    #expect(!ours.contains { $0.title == "In the tools" })
    #expect(try database.projects(named: "almanac").count == 2)
    var unfiled = RecordFilter()
    unfiled.isUnfiled = true
    let loose = try database.tasks(status: nil, filter: unfiled).map(\.title)
    #expect(loose.contains("Whose") && loose.contains("Elsewhere") && loose.contains("Theirs"))
    // The folder that it was worked in leads to it, another one with the same remote does not.
    func known(_ root: String) throws -> ProjectReference {
      try database.known(
        ProjectReference(
          identity: "", name: "harbor", root: root,
          marks: ProjectMarks(
            root: root, gitFolder: root + "/.git", gitFile: "b:" + root,
            remote: "git.example.org/team/harbor")))
    }
    #expect(try known("/srv/harbor").id == harbor.id && known("/tmp/harbor").id == nil)
    #expect(try database.integrityProblems().isEmpty)
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
