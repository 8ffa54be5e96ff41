import Core
import Foundation
import TestSupport
import Testing

/// Damage is told, and mended where nothing is lost by it.
@Suite(.blocking) struct DamageTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  private func fill(_ count: Int = 40) throws {
    for number in 0..<count {
      try place.run("task", "add", "harbor \(number)", "--context", "crane")
    }
  }

  /// Folds the log in and overwrites a part of the first page of a table.
  private func overwrite(_ table: String, at offset: Int = 8) throws {
    let page = try place.sqlite(
      "PRAGMA wal_checkpoint(TRUNCATE); SELECT rootpage FROM sqlite_schema WHERE name = '\(table)'")
    let number = try #require(UInt64(page.split(separator: "\n").last ?? ""))
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: place.home + "/memory.db"))
    try file.seek(toOffset: (number - 1) * 4096 + UInt64(offset))
    try file.write(contentsOf: Data(repeating: 0xFF, count: 200))
    try file.close()
  }

  // MARK: The index

  @Test(arguments: [false, true]) func brokenIndex_losesNoWrite(hasDaemon: Bool) throws {
    try fill(3)
    let daemon = hasDaemon ? try DaemonPeer(place) : nil
    _ = try place.sqlite("DELETE FROM entries_fts_data; DELETE FROM entries_fts_idx")
    // A hook does not stop for that.
    let hook = try place.run("checkpoint", input: place.hook("PreCompact"))
    #expect(hook.status == 0 && hook.output.isEmpty)
    let task = try place.run("task", "add", "harbor late", "--json")
    #expect(task.status == 0)
    let found = try place.run("search", "harbor late", "--json")
    #expect(try found.status == 0 && !found.items().isEmpty)
    #expect(try place.run("task", "list", "--json").items().count == 4)
    #expect(try place.run("checkpoint", "list", "--json").items().count == 1)
    let doctor = try place.run("doctor")
    #expect(doctor.output.contains("ok   index") && doctor.output.contains("ok   spool"))
    withExtendedLifetime(daemon) {}
  }

  @Test func brokenIndex_isToldByDoctorAndMendedByFix() throws {
    try fill(3)
    _ = try place.sqlite("DROP TABLE entries_fts_docsize")
    let doctor = try place.run("doctor")
    #expect(doctor.status == 74 && doctor.output.contains("BAD  index"))
    #expect(!doctor.output.contains("recover") && !doctor.output.contains("away"))
    #expect(try place.run("doctor", "--fix").output.contains("ok   index"))
    #expect(try place.run("search", "harbor", "--json").items().count == 3)
  }

  @Test func backup_ofABrokenIndex_hasAWholeOne() throws {
    try fill(3)
    _ = try place.sqlite("DELETE FROM entries_fts_data WHERE id > 10")
    let backup = try place.run("backup", place.path + "/b.db", "--json")
    #expect(try backup.status == 0 && backup.json()["has_new_index"] as? Bool == true)
    place.environment["MEMORYD_HOME"] = place.path + "/second"
    #expect(try place.run("restore", place.path + "/b.db").status == 0)
    #expect(try place.run("search", "harbor", "--json").items().count == 3)
    #expect(try place.run("doctor").output.contains("ok   index"))
  }

  // MARK: Pages that cannot be read

  @Test(arguments: ["tasks", "checkpoints", "decisions", "sessions", "handoffs"])
  func page_thatCannotBeRead_isToldAtSessionStart(table: String) throws {
    try fill()
    for number in 0..<3 {
      try place.run("decide", "use rope \(number)", "--rationale", "it holds")
      try place.append(Line.request("load the crane \(number)"))
      try place.run("checkpoint", "--objective", "load \(number)")
      try place.run("handoff", "--out", "-", "--note", "n")
    }
    try place.run("checkpoint", input: place.hook("PreCompact"))
    try overwrite(table)
    for _ in 0..<2 {
      let start = try place.run("canary", input: place.hook("SessionStart", ["source": "startup"]))
      #expect(start.status == 0)
      let message = try start.json()["systemMessage"] as? String ?? ""
      #expect(message.contains("damaged") && message.contains("memoryd doctor"), "\(message)")
      #expect(!message.contains("move"))
    }
    #expect(try place.run("doctor").output.contains("BAD  store"))
  }

  // MARK: A store that was there

  @Test(arguments: [true, false]) func emptyStore_isDamageWhereOneHasBeen(hasLog: Bool) throws {
    try fill(2)
    try place.run("backup", place.path + "/b.db")
    if !hasLog { _ = try place.sqlite("PRAGMA wal_checkpoint(TRUNCATE)") }
    truncate(place.home + "/memory.db", 0)
    let list = try place.run("task", "list")
    #expect(list.status == 74 && list.errorOutput.contains("empty (0 bytes)"))
    let task = try place.run("task", "add", "meanwhile", "--json")
    #expect(try task.json()["durability"] as? String == "spooled")
    #expect(try place.context("startup").contains("empty (0 bytes)"))
    #expect(try place.run("doctor").output.contains("BAD  store"))
    #expect(try place.run("restore", place.path + "/b.db").status == 73)
    #expect(try place.run("restore", place.path + "/b.db", "--force").status == 0)
    let titles = try place.run("task", "list", "--json").items().map { $0["title"] as? String }
    #expect(Set(titles) == ["harbor 0", "harbor 1", "meanwhile"])
  }

  @Test func storeThatIsGone_butNotItsLog_isDamage() throws {
    try fill(2)
    unlink(place.home + "/memory.db")
    #expect(try place.run("task", "list").status == 74)
    #expect(FileManager.default.fileExists(atPath: place.home + "/memory.db-wal"))
    for name in ["memory.db-wal", "memory.db-shm"] { unlink(place.home + "/" + name) }
    #expect(try place.run("task", "list", "--json").items().isEmpty)
  }

  @Test func emptyFile_whereNoneHasBeen_isABeginning() throws {
    try FileManager.default.createDirectory(
      atPath: place.home, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try Data().write(to: URL(fileURLWithPath: place.home + "/memory.db"))
    #expect(try place.run("task", "add", "x", "--json").json()["durability"] as? String == "stored")
  }

  // MARK: A schema that is not ours

  private static let foreign = [
    "CREATE TRIGGER evil AFTER INSERT ON tasks BEGIN DELETE FROM tasks; END",
    "CREATE TRIGGER \"tasks_after\u{7}\" AFTER INSERT ON entries BEGIN DELETE FROM sessions; END",
    "CREATE VIEW evil AS SELECT 1",
    "CREATE TABLE evil (x)",
    "CREATE VIRTUAL TABLE evil USING fts5(x)",
    "DROP TRIGGER tasks_after_insert; CREATE TRIGGER tasks_after_insert AFTER INSERT ON tasks BEGIN "
      + "DELETE FROM tasks WHERE id <> new.id; END",
    "ALTER TABLE tasks RENAME TO jobs; CREATE VIEW tasks AS SELECT * FROM jobs",
    "CREATE UNIQUE INDEX evil ON tasks (status, id)",
    "CREATE INDEX evil ON tasks (upper(title))",
  ]

  private static let handmade = [
    // By hand, as no statement of SQLite's writes them.
    "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES ('trigger', 'sqlite_evil', 'tasks', 0, "
      + "'CREATE TRIGGER sqlite_evil AFTER INSERT ON tasks BEGIN DELETE FROM sessions; END')",
    "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'title TEXT', "
      + "'title TEXT CHECK (title <> ''evil'')') WHERE name = 'tasks'",
  ]

  @Test(arguments: foreign + handmade) func restore_refusesWhatMemorydDidNotMake(sql: String) throws
  {
    try fill(2)
    try place.run("backup", place.path + "/b.db")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["sqlite3", place.path + "/b.db", sql]
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    let result = try place.run("restore", place.path + "/b.db", "--force")
    #expect(result.status == 65 && result.errorOutput.contains("which memoryd did not make"))
    #expect(
      result.errorOutput.contains("evil") || result.errorOutput.contains("the table tasks")
        || !sql.contains("evil"))
    #expect(!result.errorOutput.contains("\u{7}"))
    #expect(try place.run("task", "list", "--json").items().count == 2)
  }

  @Test(arguments: foreign, [false, true])
  func opening_refusesWhatMemorydDidNotMake(sql: String, hasDaemon: Bool) throws {
    try fill(2)
    let daemon = hasDaemon ? try DaemonPeer(place) : nil
    if hasDaemon { try place.run("task", "list") }
    _ = try place.sqlite(sql)
    let task = try place.run("task", "add", "late", "--json")
    #expect(try task.json()["durability"] as? String == "spooled")
    #expect(task.errorOutput.contains("which memoryd did not make"))
    _ = try place.run("checkpoint", input: place.hook("PreCompact"))
    #expect(try place.context("startup").contains("which memoryd did not make"))
    #expect(try place.run("doctor").output.contains("which memoryd did not make"))
    if sql.contains("TRIGGER evil") {
      _ = try place.sqlite("DROP TRIGGER evil")
      #expect(try place.run("task", "list", "--json").items().count == 3)
      #expect(try place.run("checkpoint", "list", "--json").items().count == 1)
    }
    withExtendedLifetime(daemon) {}
  }

  @Test func missingTrigger_isToldAndMadeAnew() throws {
    try fill(2)
    _ = try place.sqlite("DROP TRIGGER entries_after_insert; DROP INDEX tasks_status")
    try place.run("task", "add", "harbor unindexed")
    let doctor = try place.run("doctor").output
    #expect(doctor.contains("entries_after_insert is missing"))
    #expect(doctor.contains("tasks_status is missing"))
    #expect(try place.run("doctor", "--fix").output.contains("ok   store"))
    #expect(try place.run("search", "unindexed", "--json").items().count == 1)
    try place.run("task", "add", "harbor indexed")
    #expect(try place.run("search", "indexed", "--json").items().count == 1)
  }
}
