import Foundation
import GRDB
import TestSupport
import Testing

@testable import Core
@testable import MemoryStore
@testable import Redaction

@Suite(.blocking) struct OutboxTests {
  private let folder: TemporaryFolder
  private let database: MemoryDatabase

  init() throws {
    folder = try TemporaryFolder()
    database = try folder.database()
  }

  private func row(_ number: Int = 0) throws -> OutboxRow {
    let rows = try database.outbox(states: [])
    return try #require(rows.indices.contains(number) ? rows[number] : nil)
  }

  private func lease(
    at now: Int64 = 1000, takesOver: Bool = false, witness: String? = nil
  ) throws -> SyncLease? {
    try database.acquireLease(
      at: now, takesOver: takesOver, witness: witness, lag: .milliseconds(500))
  }

  private func change(_ task: RecordID, _ title: String? = nil, completes: Bool = false) throws {
    _ = try database.commit(
      StoreWrite(
        requestID: .unique(), at: 2,
        operation: .changeTask(TaskChange(id: task, title: title, completes: completes))))
  }

  private func remote(_ title: String, done: Bool = false, id: VaultID = "V1") -> RemoteTask {
    RemoteTask(
      vaultID: id, fields: TaskFields(title: title, project: "p"), isDone: done, source: .cc,
      createdAt: 1, completedAt: done ? 5 : nil, markers: [])
  }

  // MARK: Schema

  @Test func storeOfTheFirstSchema_isBroughtUp_withItsRowsMarked() throws {
    let path = folder.file("old.db")
    do {
      let old = try MemoryDatabase(
        path: path, access: .migrating, busyTimeout: .seconds(1), redactor: Redactor(),
        steps: Array(Schema.steps.prefix(1)))
      try old.write {
        try $0.execute(
          sql: """
            INSERT INTO outbox (kind, action, item_id, payload, created_at, updated_at)
            VALUES ('task', 'add', '01A', '{}', 1, 1), ('task', 'done', '01A', '{}', 2, 2)
            """)
      }
    }
    #expect(throws: StoreError.self) { try MemoryDatabase(path: path, access: .asIs) }
    let new = try MemoryDatabase(path: path, access: .migrating)
    #expect(try new.outbox(states: []).map(\.marker) == ["01A", nil])
    #expect(FileManager.default.fileExists(atPath: path + ".schema-1.backup"))
  }

  // MARK: The lease

  @Test func lease_isHeldByOne_untilItExpires() throws {
    let first = try #require(try lease(at: 1000))
    #expect(try lease(at: 1000 + MemoryDatabase.leaseDuration.milliseconds - 1) == nil)
    let second = try #require(
      try lease(at: 1000 + MemoryDatabase.leaseDuration.milliseconds, witness: first.owner))
    #expect(second.owner > first.owner && !second.isRestored)
    _ = try database.commit(.task("a"))
    let step = try database.advance(send: try row(), lease: first, at: 2000)
    #expect(!step.holdsLease && step.row == nil)
    #expect(try row().state == .queued, "who lost the lease sends nothing")
  }

  @Test func lease_isTakenOver_orFreed_andSurvivesAClockThatWasSetBack() throws {
    let first = try #require(try lease(at: 1_000_000))
    #expect(try lease(at: 1_000_001, takesOver: true, witness: first.owner) != nil)
    // Its end is further away than any lease lasts.
    let third = try #require(try lease(at: 1000, witness: first.owner))
    try database.releaseLease(third, at: 2000)
    #expect(try lease(at: 2000, witness: third.owner) != nil)
  }

  @Test func storeThatIsOlderThanItsWitness_looksFirst() throws {
    _ = try database.commit(.task("a"))
    #expect(try #require(try lease()).isRestored == false, "nothing was ever sent from here")
    #expect(try row().mustLook == false)
    let newer = Witness.later
    #expect(try #require(try lease(at: 50_000, witness: newer)).isRestored)
    #expect(try row().mustLook && row().lookAfter == 50_500)
  }

  @Test func storeThatWasSyncedElsewhere_looksFirst() throws {
    _ = try database.commit(.task("a"))
    let first = try #require(try lease())
    try database.releaseLease(first, at: 1001)
    #expect(try #require(try lease(at: 2000, witness: nil)).isRestored)
  }

  private enum Witness {
    static var later: String {
      var ids = ULIDGenerator()
      return ids.next(at: 9_000_000_000_000).description
    }
  }

  // MARK: Sending

  @Test func row_isNotedAsSentBeforeItGoesOut_once() throws {
    _ = try database.commit(.task("a"))
    let lease = try #require(try lease())
    let queued = try row()
    let sent = try database.advance(send: queued, lookAfter: 77, lease: lease, at: 5).row
    #expect(sent?.state == .sent && sent?.attempts == 1 && sent?.lookAfter == 77)
    #expect(try database.advance(send: queued, lease: lease, at: 6).row == nil)
  }

  @Test func settlement_countsForItsOwnAttemptOnly() throws {
    _ = try database.commit(.task("a"))
    let lease = try #require(try lease())
    let first = try #require(try database.advance(send: try row(), lease: lease, at: 5).row)
    _ = try database.advance(
      settle: first, as: .notApplied(error: "x", notBefore: nil, isRefusal: true), lease: lease,
      at: 6)
    #expect(try row().state == .queued && row().refusals == 1)
    _ = try database.advance(send: try row(), lease: lease, at: 7)
    _ = try database.advance(
      settle: first, as: .synced(vaultID: "V", task: nil), lease: lease, at: 8)
    #expect(try row().state == .sent)
  }

  @Test func errors_areStoredWithoutSecrets() throws {
    _ = try database.commit(.task("a"))
    let lease = try #require(try lease())
    let sent = try #require(try database.advance(send: try row(), lease: lease, at: 5).row)
    let secret = "ghp_" + String(repeating: "aB3dE5", count: 6)
    _ = try database.advance(
      settle: sent, as: .quarantined(error: "no: \(secret)"), lease: lease, at: 6)
    #expect(try row().lastError?.contains(secret) == false)
  }

  @Test func person_hasTheLastWord() throws {
    _ = try database.commit(.task("a"))
    let lease = try #require(try lease())
    let sent = try #require(try database.advance(send: try row(), lease: lease, at: 5).row)
    _ = try database.advance(settle: sent, as: .uncertain(error: "?"), lease: lease, at: 6)
    #expect(try database.outboxCounts(vault: "1").uncertain == 1)
    #expect(try database.retryOutbox([sent.number], at: 7) == 1)
    #expect(try row().state == .queued)
    #expect(try database.dropOutbox([sent.number], at: 8) == 1)
    #expect(try row().state == .dropped && database.outboxCounts(vault: "1").queued == 0)
    #expect(try database.dropOutbox([sent.number], at: 9) == 0)
  }

  // MARK: Pulling and merging

  private func syncedTask(_ title: String) throws -> (id: RecordID, lease: SyncLease) {
    let id = try database.commit(.task(title)).id
    let lease = try #require(try lease())
    let sent = try #require(try database.advance(send: try row(), lease: lease, at: 5).row)
    _ = try database.advance(
      settle: sent, as: .synced(vaultID: "V1", task: remote(title)), lease: lease, at: 10)
    return (id, lease)
  }

  @Test func change_agreesOnItsOwnFields_alsoWhereALaterOneWaits() throws {
    let (id, lease) = try syncedTask("A")
    try change(id, "B")
    let sent = try #require(try database.advance(send: try row(1), lease: lease, at: 20).row)
    #expect(sent.taskBase?.title == "A")
    // Before it went out it would have overtaken the other.
    try change(id, "C")
    _ = try database.advance(
      settle: sent, as: .synced(vaultID: "V1", task: remote("B")), lease: lease, at: 21)
    #expect(try row(2).taskBase?.title == "B")
    #expect(try database.task(id: id)?.title == "C")
  }

  @Test func pull_takesWhatChangedThere_andKeepsWhatWaitsHere() throws {
    let (id, _) = try syncedTask("A")
    #expect(
      try database.pull([remote("theirs")], from: .one, at: 100_000, lag: .milliseconds(10)) == 1)
    #expect(try database.task(id: id)?.title == "theirs")
    try change(id, "ours")
    _ = try database.pull([remote("theirs again")], from: .one, at: 200_000, lag: .milliseconds(10))
    #expect(try database.task(id: id)?.title == "ours")
    #expect(try row(1).taskBase?.title == "theirs", "so that the conflict is seen when it is sent")
    _ = try database.pull(
      [remote("x", done: true)], from: .one, at: 300_000, lag: .milliseconds(10))
    #expect(try database.task(id: id)?.status == .done)
    _ = try database.pull([remote("x")], from: .one, at: 400_000, lag: .milliseconds(10))
    #expect(try database.task(id: id)?.status == .done, "done wins over open")
  }

  @Test func pull_believesNoListThatIsOlderThanOurWrite() throws {
    let (id, _) = try syncedTask("A")
    #expect(
      try database.pull([remote("stale")], from: .one, at: 15, lag: .milliseconds(60_000)) == 0)
    #expect(try database.task(id: id)?.title == "A")
  }

  @Test func pull_bringsOthersTasks_once() throws {
    #expect(
      try database.pull([remote("new", id: "V9")], from: .one, at: 1, lag: .milliseconds(1)) == 1)
    #expect(
      try database.pull([remote("new", id: "V9")], from: .one, at: 100, lag: .milliseconds(1)) == 0)
    #expect(try database.counts().tasks == 1 && database.outboxCounts(vault: "1").queued == 0)
    #expect(try database.search("new", filter: RecordFilter()).count == 1)
  }
}
