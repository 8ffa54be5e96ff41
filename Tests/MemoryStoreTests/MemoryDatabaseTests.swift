import Foundation
import GRDB
import TestSupport
import Testing

@testable import Core
@testable import MemoryStore
@testable import Redaction

@Suite(.blocking) struct MemoryDatabaseTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func writingConnection_isFullySynchronous() throws {
    #expect(try folder.database().synchronousLevel() == 2)
    #expect(try folder.database(.asIs).synchronousLevel() == 2)
  }

  @Test func files_arePrivate() throws {
    let database = try folder.database()
    _ = try database.commit(.task("t"))
    for name in ["memory.db", "memory.db-wal", "memory.db-shm"] {
      let attributes = try FileManager.default.attributesOfItem(atPath: folder.file(name))
      #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600, "\(name)")
    }
  }

  @Test func commit_whenRepeatedUnderOneRequest_storesOnce() throws {
    let database = try folder.database()
    let write = StoreWrite.task("once", request: "r1")
    let first = try database.commit(write)
    let second = try folder.database().commit(write)
    #expect(second.id == first.id)
    #expect(second.isReplay && !first.isReplay)
    #expect(try database.counts().tasks == 1)
    #expect(try database.outboxCounts(vault: "1").queued == 1)
  }

  @Test func commit_putsTheOutboxRowBesideTheItem() throws {
    let database = try folder.database()
    let task = try database.commit(.task("a")).id
    _ = try database.commit(
      StoreWrite(
        requestID: "d", at: 1, operation: .changeTask(TaskChange(id: task, completes: true))))
    _ = try database.commit(
      StoreWrite(
        requestID: "e", at: 2,
        operation: .decide(DecisionDraft(decision: "x \"quoted\"", rationale: "y"))))
    let rows = try database.read { db in
      try String.fetchAll(db, sql: "SELECT kind || ' ' || action FROM outbox ORDER BY number")
    }
    #expect(rows == ["task add", "task done", "decision decide"])
    let payloads = try database.read { db in
      try String.fetchAll(db, sql: "SELECT payload FROM outbox ORDER BY number")
    }
    for payload in payloads {
      #expect(throws: Never.self) {
        try JSONSerialization.jsonObject(with: Data(payload.utf8))
      }
    }
  }

  @Test func commit_whenItFails_leavesNothing() throws {
    let database = try folder.database()
    #expect(throws: StoreError.self) {
      try database.commit(
        StoreWrite(
          requestID: "r", at: 1, project: .named("new"),
          operation: .changeTask(TaskChange(id: "01NONE", title: "x"))))
    }
    #expect(try database.counts().projects == 0 && database.outboxCounts(vault: "1").queued == 0)
    // The request id is free again: the same request can succeed once the cause is gone.
    let stored = try database.commit(.task("later", request: "r"))
    #expect(!stored.isReplay)
  }

  @Test func ids_areOrderedAcrossConnectionsWhenTheClockIsSetBack() throws {
    let first = try folder.database().commit(.task("a", at: 2_000_000_000_000)).id
    let second = try folder.database().commit(.task("b", at: 1_000_000_000_000)).id
    #expect(first < second)
    #expect(
      try folder.database().tasks(status: nil, filter: RecordFilter()).map(\.title) == ["b", "a"])
  }

  @Test func emptyFields_leaveATaskAsItIs() throws {
    let database = try folder.database()
    let id = try database.commit(
      StoreWrite(
        requestID: "1", at: 1, project: .named("p"),
        operation: .addTask(TaskDraft(title: "t", source: .cc, context: "c")))
    ).id
    _ = try database.commit(
      StoreWrite(
        requestID: "2", at: 2, operation: .changeTask(TaskChange(id: id, title: "", context: ""))))
    let task = try #require(try database.task(id: id))
    #expect(task.title == "t" && task.context == "c" && task.status == .open)
  }

  @Test func search_followsEveryKindOfWrite() throws {
    let database = try folder.database()
    let id = try database.commit(.task("walrus sighting")).id
    _ = try database.commit(
      StoreWrite(
        requestID: "c", at: 3, project: .named("p"),
        operation: .checkpoint(
          CheckpointDraft(trigger: .manual, objective: "count otters", next: ["feed the walrus"])))
    )
    #expect(try database.search("walrus", filter: RecordFilter()).count == 2)
    #expect(try database.search("otter", filter: RecordFilter()).first?.entry.kind == .checkpoint)
    _ = try database.commit(
      StoreWrite(requestID: "u", at: 4, operation: .changeTask(TaskChange(id: id, title: "seal"))))
    #expect(try database.search("sighting", filter: RecordFilter()).isEmpty)
    #expect(try database.search("seal", filter: RecordFilter()).first?.entry.id == id)
    #expect(try database.integrityProblems().isEmpty)
  }

  @Test(arguments: [
    "", "   ", "\"", "a\"b", "AND OR NOT", "NEAR(", "col:x", "*", "-", "^a", "(", "x*y", "\u{0}a",
    "{a b}: c", "'; DROP TABLE entries; --", "a\u{2028}b", "+++", "…",
  ])
  func search_whenTextIsNasty_neverFails(text: String) throws {
    let database = try folder.database()
    _ = try database.commit(.task("a b"))
    #expect(throws: Never.self) { try database.search(text, filter: RecordFilter()) }
  }

  // MARK: Schema

  private static let older = [SchemaStep(number: 1, sql: "CREATE TABLE a (x INTEGER) STRICT")]
  private static let newer =
    older + [SchemaStep(number: 2, sql: "ALTER TABLE a ADD COLUMN y INTEGER")]

  private func open(
    _ access: MemoryDatabase.Access, _ steps: [SchemaStep]
  ) throws -> MemoryDatabase {
    try MemoryDatabase(
      path: folder.file("memory.db"), access: access, busyTimeout: .seconds(1),
      redactor: Redactor(),
      steps: steps)
  }

  @Test func olderSchema_isMigratedAfterABackup() throws {
    let old = try open(.migrating, Self.older)
    try old.write { try $0.execute(sql: "INSERT INTO a VALUES (7)") }
    let new = try open(.migrating, Self.newer)
    #expect(try new.read { try Int.fetchOne($0, sql: "SELECT x FROM a WHERE y IS NULL") } == 7)
    let backup = try MemoryDatabase(
      path: folder.file("memory.db.schema-1.backup"), access: .reading, busyTimeout: .seconds(1),
      redactor: Redactor(), steps: Self.older)
    #expect(try backup.read { try Int.fetchOne($0, sql: "SELECT x FROM a") } == 7)
    // The one that was open all the while notices in its next transaction.
    #expect(throws: StoreError.self) { try old.write { _ in } }
  }

  @Test func olderSchema_isLeftAloneByAHook() throws {
    _ = try open(.migrating, Self.older)
    let error = #expect(throws: StoreError.self) { try open(.asIs, Self.newer) }
    #expect(error?.code == .schemaTooOld)
  }

  @Test(arguments: [MemoryDatabase.Access.migrating, .asIs, .reading])
  func newerSchema_isRefused(access: MemoryDatabase.Access) throws {
    _ = try open(.migrating, Self.newer)
    let error = #expect(throws: StoreError.self) { try open(access, Self.older) }
    #expect(error?.code == .schemaTooNew)
  }

  @Test func failedMigration_changesNothing() throws {
    _ = try open(.migrating, Self.older)
    let broken = Self.older + [SchemaStep(number: 2, sql: "CREATE TABLE b (x); CREATE TABLE b (x)")]
    #expect(throws: StoreError.self) { try open(.migrating, broken) }
    #expect(throws: Never.self) { try open(.migrating, Self.newer) }
  }

  // MARK: Faults

  @Test func strangersDatabase_isRefused() throws {
    let other = try MemoryDatabase(
      path: folder.file("memory.db"), access: .migrating, busyTimeout: .seconds(1),
      redactor: Redactor(),
      steps: [SchemaStep(number: 0, sql: "")])
    try other.queue.write { try $0.execute(sql: "CREATE TABLE theirs (x)") }
    let error = #expect(throws: StoreError.self) { try folder.database() }
    #expect(error?.code == .corrupt)
  }

  @Test func garbage_isRefusedAndKept() throws {
    let garbage = Data((0..<20_000).map { _ in UInt8.random(in: 0...255) })
    try garbage.write(to: URL(fileURLWithPath: folder.file("memory.db")))
    let error = #expect(throws: StoreError.self) { try folder.database() }
    #expect(error?.code == .corrupt)
    #expect(error?.hint != nil)
    #expect(FileManager.default.contents(atPath: folder.file("memory.db")) == garbage)
  }

  @Test func lockedStore_isBusyAfterItsTimeout() throws {
    let holder = try folder.database()
    try holder.queue.writeWithoutTransaction { db in
      try db.execute(sql: "BEGIN IMMEDIATE")
      let other = try MemoryDatabase(
        path: folder.file("memory.db"), access: .asIs, busyTimeout: .seconds(0.05))
      let error = #expect(throws: StoreError.self) { try other.commit(.task("t")) }
      #expect(error?.code == .busy)
      try db.execute(sql: "ROLLBACK")
    }
  }

  @Test func log_isFoldedInByWrites() throws {
    let database = try folder.database()
    for number in 0..<60 {
      _ = try database.commit(.task(String(repeating: "word \(number) ", count: 500)))
    }
    let log = try #require(RegularFile.facts(folder.file("memory.db-wal")))
    #expect(log.size < 2 << 20)
  }

  @Test func threads_writeAtOnceWithoutLoss() async throws {
    _ = try folder.database()
    let path = folder.file("memory.db")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for worker in 0..<4 {
        group.addTask {
          let database = try MemoryDatabase(path: path, access: .asIs, busyTimeout: .seconds(20))
          for number in 0..<10 { _ = try database.commit(.task("\(worker)-\(number)")) }
        }
      }
      try await group.waitForAll()
    }
    let tasks = try folder.database().tasks(status: nil, filter: RecordFilter())
    #expect(Set(tasks.map(\.title)).count == 40)
    #expect(Set(tasks.map(\.id)).count == 40)
  }

  // MARK: Transcripts

  private func batch(
    from start: Int64?, to end: Int64, uuids: [String]
  ) -> TranscriptBatch {
    func position(_ offset: Int64) -> TranscriptPosition {
      TranscriptPosition(path: "/t.jsonl", device: 1, inode: 2, offset: offset)
    }
    return TranscriptBatch(
      start: start.map(position), end: position(end),
      entries: uuids.map {
        EntryDraft(
          kind: .reply, sourceID: $0, actor: "agent", position: 1, body: "text \($0)",
          createdAt: 5)
      },
      usage: [UsageRow(messageID: "m", requestID: "r", model: "x", output: Int(end))],
      digest: "{\"end\":\(end)}")
  }

  @Test func transcript_whenTwoReadersRace_keepsTheWinnersPositionAndEveryEntry() throws {
    let database = try folder.database()
    let session = SessionReference(id: "s")
    func take(_ batch: TranscriptBatch) throws {
      try database.commit(batch, project: nil, session: session, at: 9)
    }
    try take(batch(from: nil, to: 100, uuids: ["a"]))
    try take(batch(from: 100, to: 300, uuids: ["b", "c"]))
    try take(batch(from: 100, to: 200, uuids: ["b", "d"]))
    let state = try #require(try database.transcript(path: "/t.jsonl"))
    #expect(state.position.offset == 300)
    #expect(state.digest == Array("{\"end\":300}".utf8))
    #expect(
      try database.entries(sessionID: "s").compactMap(\.sourceID).sorted() == ["a", "b", "c", "d"])
    let usage = try database.usage(sessionID: "s")
    #expect(usage.requests == 1)
  }

  /// As an older memoryd or an import may have stored them.
  @Test func usage_whenCountsAreAbsurd_isSummedAllTheSame() throws {
    let database = try folder.database()
    var batch = batch(from: nil, to: 100, uuids: ["a"])
    batch.usage = ["r1", "r2"].map {
      UsageRow(
        messageID: "m", requestID: $0, model: "x", input: .max, output: .max, cacheWrite5m: .max,
        cacheWrite1h: .max, cacheRead: .max, reasoning: .max)
    }
    try database.commit(batch, project: nil, session: SessionReference(id: "s"), at: 9)
    let usage = try database.usage(sessionID: "s")
    #expect(usage.requests == 2 && usage.input == 2 * UsageRow.mostTokens)
    #expect(usage.cacheWrite == 4 * UsageRow.mostTokens)
  }
}
