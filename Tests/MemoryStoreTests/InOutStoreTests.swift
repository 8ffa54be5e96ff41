import Foundation
import GRDB
import TestSupport
import Testing

@testable import Core
@testable import MemoryStore
@testable import Redaction

/// Export, import, backup and restore, as the store does them.
@Suite(.blocking) struct InOutStoreTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func export(_ database: MemoryDatabase) throws -> String {
    var bytes: [UInt8] = []
    try database.export { bytes += $0 }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func importEntries(
    _ entries: [ImportedEntry], _ database: MemoryDatabase, at: Int64 = 1000
  )
    throws -> ImportCounts
  {
    var isGiven = false
    return try database.importEntries(at: at) {
      defer { isGiven = true }
      return isGiven ? nil : entries
    }
  }

  private func titles(_ database: MemoryDatabase) throws -> [String] {
    try database.tasks(status: nil, filter: RecordFilter()).map(\.title)
  }

  // MARK: Export

  @Test func exportedTables_areAllThereAre() throws {
    let database = try folder.database()
    let tables = try database.read {
      try String.fetchAll(
        $0,
        sql: """
          SELECT name FROM pragma_table_list
          WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'
          """)
    }
    #expect(Set(tables) == Set(MemoryDatabase.exportedTables))
  }

  @Test func export_keepsEveryKindOfValueAndLeavesOutTheLease() throws {
    let database = try folder.database()
    _ = try database.commit(.task("a \u{0} NUL, a \"quote\", a \\ and a \u{2028}"))
    try database.write { db in
      try MemoryDatabase.setMeta("sync_lease", "x 1", db)
      try db.execute(
        sql: """
          INSERT INTO sessions (id, agent, started_at, last_seen_at)
          VALUES (CAST(x'610062' AS TEXT), 'claude', -9223372036854775808, 9223372036854775807);
          INSERT INTO transcripts (path, session_id, device, inode, offset, lines, tail, read_at,
            digest)
          SELECT '/t', id, 1, 2, 3, 4, x'00ff0a', 5, '{}' FROM sessions;
          """)
    }
    let text = try export(database)
    #expect(!text.contains("sync_lease"))
    #expect(text.contains(#""tail":{"base64":"AP8K"}"#))
    #expect(text.contains(#""id":"a\u0000b""#))
    #expect(text.contains("-9223372036854775808"))
    #expect(
      text.hasPrefix(#"{"format":"memoryd/export/1","schema":\#(Schema.current),"rows":{"meta":1,"#)
    )
    // Each line is a JSON object for any reader.
    for line in text.split(separator: "\n") {
      #expect(try JSONSerialization.jsonObject(with: Data(line.utf8)) is [String: Any])
    }
  }

  @Test func putBack_ofADamagedExport_changesNothing() throws {
    let database = try folder.database()
    func tryIt(
      _ row: MemoryDatabase.ExportedRow?, counts: [String: Int] = [:],
      schema: Int = Schema.current
    ) -> StoreError? {
      var rows = [row].compactMap { $0 }[...]
      do throws(StoreError) {
        try database.putBack(schema: schema, counts: counts) { rows.popFirst() }
        return nil
      } catch {
        return error
      }
    }
    let good: [String: MemoryDatabase.ColumnValue] = ["key": .text("k"), "value": .text("v")]
    #expect(tryIt(nil, schema: Schema.current + 1)?.code == .schemaTooNew)
    #expect(tryIt(nil, schema: Schema.current - 1)?.code == .schemaTooOld)
    #expect(
      tryIt(.init(table: "sqlite_master", values: good), counts: ["meta": 1])?.code == .invalid)
    #expect(tryIt(.init(table: "meta", values: ["key": .text("k")]))?.code == .invalid)
    #expect(
      tryIt(.init(table: "meta", values: ["key": .text("k"), "nope": .null]))?.code == .invalid)
    #expect(
      tryIt(.init(table: "meta", values: ["key": .text("k"), "value": .null]))?.code == .invalid)
    #expect(
      tryIt(.init(table: "meta", values: ["key": .text("k"), "value": .blob([1])]))?.code
        == .invalid)
    let cutOff = tryIt(.init(table: "meta", values: good), counts: ["meta": 2])
    #expect(cutOff?.message.contains("not whole") == true)
    #expect(try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM meta") } == 0)
    #expect(tryIt(.init(table: "meta", values: good), counts: ["meta": 1]) == nil)
    _ = try database.commit(.task("now it is not empty"))
    #expect(tryIt(.init(table: "meta", values: good), counts: ["meta": 1])?.code == .exists)
  }

  @Test func putBack_looksBeforeItSends() throws {
    let first = try folder.database()
    _ = try first.commit(.task("waits for the vault"))
    let text = try export(first)
    #expect(text.contains(#""state":"queued""#))
    let second = try MemoryDatabase(path: folder.file("second.db"), access: .migrating)
    try second.write { try MemoryDatabase.markRestored($0) }
    // A folder where no sync was ever seen, and one whose witness knows a newer one.
    for witness in [nil, ULID(high: 1 << 60, low: 0).description] {
      try second.write { try MemoryDatabase.markRestored($0) }
      let lease = try second.acquireLease(
        at: 1000, takesOver: true, witness: witness, lag: .milliseconds(60))
      #expect(lease?.isRestored == true)
    }
  }

  // MARK: Import

  @Test func takeIn_isIdempotentById() throws {
    let database = try folder.database()
    let entry = ImportedEntry(
      id: "a/1", kind: .turn, title: "T", text: "parseRetryAfter waits", project: "my org/p q",
      session: "s/1", actor: "Ann", position: 3)
    var counts = try importEntries(
      [entry, ImportedEntry(id: "a/2", kind: .turn, text: "x")], database)
    #expect(counts.added == 2 && counts.updated == 0)
    // Later, and without a time of their own: they keep the first one.
    counts = try importEntries(
      [entry, ImportedEntry(id: "a/2", kind: .turn, text: "x")], database, at: 9000)
    #expect(counts.unchanged == 2 && counts.added == 0 && counts.updated == 0)
    var changed = entry
    changed.text = "waits no more"
    changed.createdAt = 77
    counts = try importEntries([changed, changed], database)
    #expect(counts.updated == 1 && counts.unchanged == 1)
    let hits = try database.search("waits", filter: RecordFilter(project: "my org/p q"))
    #expect(hits.map(\.entry.sourceID) == ["a/1"])
    #expect(hits.first?.entry.createdAt == 77 && hits.first?.entry.sessionID == "s/1")
    #expect(try database.search("retry", filter: RecordFilter()).isEmpty)
    #expect(try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM sessions") } == 0)
  }

  @Test func takeIn_redacts_andStoresNothingIfItFails() throws {
    let database = try folder.database()
    let secret = "ghp_" + String(repeating: "a1B2c3D4e5", count: 4).prefix(36)
    _ = try importEntries([ImportedEntry(id: "1", kind: .k, text: "token \(secret)")], database)
    #expect(try !export(database).contains(secret))
    #expect(throws: StoreError.self) {
      var number = 0
      _ = try database.importEntries(at: 1) { () throws(StoreError) in
        number += 1
        if number == 3 { throw StoreError(.invalid, "no") }
        return [ImportedEntry(id: "n\(number)", kind: .k, text: "t")]
      }
    }
    #expect(try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM entries") } == 1)
  }

  // MARK: Backup and restore

  @Test func backup_isOneCompleteFile() throws {
    let database = try folder.database()
    for number in 0..<50 { _ = try database.commit(.task("task \(number)")) }
    let facts = try database.backUp(to: folder.file("copy"), replaces: false)
    #expect(facts.counts["tasks"] == 50 && facts.bytes > 0)
    #expect(!RegularFile.exists(folder.file("copy-wal")))
    let mode = try FileManager.default.attributesOfItem(atPath: folder.file("copy"))
    #expect(mode[.posixPermissions] as? Int == 0o600)
    func refused(_ target: String, _ replaces: Bool) -> StoreError.Code? {
      do throws(StoreError) {
        _ = try database.backUp(to: folder.file(target), replaces: replaces)
        return nil
      } catch {
        return error.code
      }
    }
    #expect(refused("copy", false) == .exists)
    #expect(refused("memory.db", true) == .invalid)
    #expect(refused("memory.db-wal", true) == .invalid)
    #expect(refused("nowhere/copy", false) == .notFound)
    #expect(refused("copy", true) == nil)
    // A link stays one.
    symlink("copy", folder.file("link"))
    #expect(refused("link", false) == .exists && refused("link", true) == nil)
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: folder.file("link")) == "copy")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(!names.contains { $0.contains(".tmp-") })
  }

  @Test func restore_replacesTheContentAndKeepsTheOldOne() throws {
    let path = folder.file("memory.db")
    let database = try folder.database()
    _ = try database.commit(.task("old"))
    _ = try database.backUp(to: folder.file("copy"), replaces: false)
    let text = try export(database)
    _ = try database.commit(.task("new"))
    func restore(_ file: String, _ replaces: Bool) throws(StoreError) -> MemoryDatabase.CopyFacts {
      try MemoryDatabase.restore(folder.file(file), to: path, replaces: replaces, at: 1000)
    }
    func code(_ file: String, _ replaces: Bool = true) -> StoreError.Code? {
      do throws(StoreError) {
        _ = try restore(file, replaces)
        return nil
      } catch {
        return error.code
      }
    }
    try Data("no database at all, but a text".utf8).write(
      to: URL(fileURLWithPath: folder.file("x")))
    let stranger = try DatabaseQueue(path: folder.file("stranger"))
    try stranger.write { try $0.execute(sql: "CREATE TABLE t (a)") }
    try stranger.close()
    #expect(code("copy", false) == .exists)
    #expect(code("x") == .invalid && code("stranger") == .invalid && code("none") == .notFound)
    #expect(code("memory.db") == .invalid)
    #expect(try titles(database).count == 2)

    let facts = try restore("copy", true)
    // The connection that was open sees the restored content, and writes into it.
    #expect(try titles(database) == ["old"])
    #expect(try export(database) == text)
    _ = try database.commit(.task("after"))
    #expect(try titles(folder.database()).count == 2)
    let kept = try MemoryDatabase(path: try #require(facts.kept), access: .reading)
    #expect(try titles(kept).count == 2)
    let lease = try database.acquireLease(
      at: 1, takesOver: true, witness: nil, lag: .milliseconds(60))
    #expect(lease?.isRestored == true)
    #expect(try database.outbox(states: [.queued]).first?.mustLook == true)
  }

  @Test func restore_ofAnOlderSchema_bringsItUpToDate() throws {
    let old = try MemoryDatabase(
      path: folder.file("old"), access: .migrating, busyTimeout: .seconds(1), redactor: Redactor(),
      steps: Array(Schema.steps.prefix(3)))
    try old.write {
      try $0.execute(
        sql: """
          INSERT INTO tasks (id, title, project, status, source, created_at, updated_at)
          VALUES ('01', 'from schema 3', 'p', 'open', 'cc', 1, 1)
          """)
    }
    let facts = try MemoryDatabase.restore(
      folder.file("old"), to: folder.file("memory.db"), replaces: false, at: 1)
    #expect(facts.kept == nil && facts.schema == Schema.current)
    #expect(try titles(folder.database(.reading)).count == 1)
    try old.queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 99") }
    #expect(throws: StoreError.self) {
      _ = try MemoryDatabase.restore(
        folder.file("old"), to: folder.file("memory.db"), replaces: true, at: 1)
    }
  }

  @Test func restore_overADamagedStore_keepsItBeside() throws {
    let database = try folder.database()
    _ = try database.commit(.task("old"))
    _ = try database.backUp(to: folder.file("copy"), replaces: false)
    let path = folder.file("bad.db")
    try Data(repeating: 0x41, count: 8192).write(to: URL(fileURLWithPath: path))
    try Data("log".utf8).write(to: URL(fileURLWithPath: path + "-wal"))
    #expect(throws: StoreError.self) {
      _ = try MemoryDatabase.restore(folder.file("copy"), to: path, replaces: false, at: 1000)
    }
    let facts = try MemoryDatabase.restore(
      folder.file("copy"), to: path, replaces: true, at: 1000)
    let kept = try #require(facts.kept)
    #expect(try RegularFile.read(kept, limit: 1 << 20).allSatisfy { $0 == 0x41 })
    #expect(try titles(MemoryDatabase(path: path, access: .asIs)).count == 1)
  }

  // MARK: Lines

  @Test func lineReader_cutsLinesWhereverThePiecesEnd() throws {
    let text = "one\n\ntwo\r\n" + String(repeating: "x", count: 40) + "\nlast"
    for size in 1...text.utf8.count {
      var rest = Array(text.utf8)[...]
      var reader = LineReader(limit: 10) {
        defer { rest = rest.dropFirst(size) }
        return Array(rest.prefix(size))
      }
      var lines: [LineReader.Line] = []
      while let line = try reader.next() { lines.append(line) }
      let expected: [LineReader.Line] =
        ["one", "", "two\r"].map { .bytes(Array($0.utf8)) } + [
          .tooLong, .bytes(Array("last".utf8)),
        ]
      #expect(lines == expected, "pieces of \(size)")
      #expect(reader.number == 5 && reader.bytesRead == text.utf8.count)
    }
  }
}
