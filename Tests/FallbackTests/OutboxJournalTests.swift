import TestSupport
import Testing

@testable import Core
@testable import Fallback
@testable import MemoryStore
@testable import Sync

@Suite(.blocking) struct OutboxJournalTests {
  private let desk: Desk
  private let journal: OutboxJournal

  init() throws {
    desk = try Desk()
    for title in ["a", "b"] {
      _ = try desk.database.commit(
        StoreWrite(
          requestID: RequestID(rawValue: title), at: 1000, project: .named("p"),
          operation: .addTask(TaskDraft(title: title, source: .cc)),
          consent: VaultConsent(vault: .one)))
    }
    let lease = try required(
      try desk.database.acquireLease(
        at: WallClock.system.now, takesOver: true, witness: nil, lag: .zero))
    journal = OutboxJournal(database: desk.database, clock: .system, lease: lease)
  }

  private func states() throws -> [OutboxRow.State] {
    try desk.database.outbox(states: []).map(\.state)
  }

  private func send(_ index: Int) throws -> OutboxRow {
    let row = try desk.database.outbox(states: [])[index]
    return try required(
      try journal.noteSending(row, at: WallClock.system.now, lookAfter: 9, fence: nil).row)
  }

  @Test func row_isNotedAsSentFirst_andWhatBecameOfItWithTheNext() throws {
    let first = try send(0)
    #expect(first.state == .sent && first.lookAfter == 9)
    #expect(try states() == [.sent, .queued])
    journal.settleWithNext(first, .synced(vaultID: "V1", task: nil))
    #expect(try states() == [.sent, .queued], "a process that dies here has a row to look up")
    _ = try send(1)
    #expect(try states() == [.synced, .sent])
  }

  @Test func whatIsPending_isNotedBeforeAnythingElse_once() throws {
    let first = try send(0)
    journal.settleWithNext(first, .notApplied(error: "e", notBefore: nil, isRefusal: true))
    let second = try desk.database.outbox(states: [])[1]
    try journal.settle(second, .quarantined(error: "no"))
    #expect(try states() == [.queued, .quarantined])
    _ = try send(0)
    try journal.flush()
    #expect(try states() == [.sent, .quarantined], "a settlement speaks of one attempt")
    #expect(try desk.database.outbox(states: [])[0].refusals == 1)
    #expect(try journal.renewLease())
  }

  @Test func whoLostTheLease_sendsNothing_butNotesWhatIsPending() throws {
    let first = try send(0)
    journal.settleWithNext(first, .synced(vaultID: "V1", task: nil))
    _ = try required(
      try desk.database.acquireLease(
        at: WallClock.system.now, takesOver: true, witness: nil, lag: .zero))
    let second = try desk.database.outbox(states: [])[1]
    let step = try journal.noteSending(
      second, at: WallClock.system.now, lookAfter: 9, fence: nil)
    #expect(step.row == nil && !step.holdsLease)
    #expect(try states() == [.synced, .queued])
    #expect(try !journal.renewLease())
  }
}
