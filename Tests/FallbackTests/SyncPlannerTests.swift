import Canary
import Testing

@testable import Fallback
@testable import MemoryStore

@Suite struct SyncPlannerTests {
  private let now: Int64 = 1_000_000

  private func row(
    _ number: Int64, _ action: String = "add", state: OutboxRow.State = .queued,
    kind: String = "task", lookAfter: Int64? = nil, edit: (inout OutboxRow) -> Void = { _ in }
  ) -> OutboxRow {
    var row = OutboxRow(
      number: number, kind: kind, action: action, itemID: "item\(number)",
      payload: #"{"title":"t"}"#, state: state, requestID: "r\(number)",
      marker: ["update", "done"].contains(action) ? nil : "m\(number)", mustLook: false,
      lookAfter: lookAfter, notBefore: nil, sentAt: nil, fence: nil,
      attempts: state == .queued ? 0 : 1, refusals: 0, lastError: nil, vaultID: nil, syncedAt: nil,
      isMirrored: false, createdAt: 0, updatedAt: 0, taskVaultID: nil, taskBase: nil,
      makerState: nil)
    edit(&row)
    return row
  }

  private func planner(
    tasks: [RemoteTask] = [], readAt: Int64? = nil, count: Int = 0,
    edit: (inout SyncPlanner) -> Void = { _ in }
  ) -> SyncPlanner {
    var snapshot = VaultSnapshot(lag: 60_000)
    let filler = (0..<count).compactMap {
      VaultTask(
        .object(["id": .string("F\($0)"), "title": .string("f"), "status": .string("open")]))
    }
    snapshot.take(tasks: filler, readAt: readAt ?? now)
    for task in tasks { snapshot.note(task) }
    var planner = SyncPlanner(snapshot: snapshot, timeout: 1000, lag: 60_000, now: now)
    edit(&planner)
    return planner
  }

  private func remote(
    _ id: String, marker: String? = nil, title: String = "x", isDone: Bool = false
  ) -> RemoteTask {
    RemoteTask(
      vaultID: id, fields: TaskFields(title: title, project: "p"), isDone: isDone, source: "cc",
      createdAt: 0, completedAt: nil, markers: marker.map { [$0] } ?? [])
  }

  @Test func queuedRows_goOutInOrder() {
    let steps = planner().plan([row(1), row(2)])
    #expect(steps == [.send(row(1), isProvenAbsent: false), .send(row(2), isProvenAbsent: false)])
  }

  @Test func lostRowWhoseMarkerIsThere_isSettledAtOnce() {
    let lost = row(1, state: .sent, lookAfter: now + 50_000)
    let task = remote("V", marker: "m1")
    #expect(
      planner(tasks: [task]).plan([lost])
        == [.settle(lost, .synced(vaultID: "V", task: task), because: "the vault has it")])
  }

  @Test func lostRow_waitsForTheLag_andBlocksItsKind() {
    let lost = row(1, state: .sent, lookAfter: now + 50_000)
    let steps = planner().plan([lost, row(2)])
    #expect(steps.count == 1)
    guard case .wait(_, until: now + 50_000, _) = steps[0] else {
      Issue.record("\(steps)")
      return
    }
  }

  @Test func readThatBeganTooEarly_provesNothing() {
    let lost = row(1, state: .sent, lookAfter: now - 10)
    guard case .wait = planner(readAt: now - 11).plan([lost])[0] else {
      Issue.record("a stale read was believed")
      return
    }
    #expect(planner(readAt: now - 10).plan([lost]) == [.send(lost, isProvenAbsent: true)])
  }

  @Test func clockSetBack_doesNotMakeARowWaitForDays() {
    let lost = row(1, state: .sent, lookAfter: now + 999_999_999)
    // The new time is kept, and what comes behind does not overtake it.
    let steps = planner().plan([lost, row(2)])
    guard case .settle(_, .lost(_, lookAfter: now + 61_000, _), _) = steps[0], steps.count == 1
    else {
      Issue.record("\(steps)")
      return
    }
  }

  @Test func queuedRowThatTheVaultHas_isNotSent() {
    // A whole folder that was put back tells nothing of what was sent since.
    let steps = planner(tasks: [remote("V", marker: "m1", title: "t")]).plan([row(1)])
    guard case .settle(_, .synced(vaultID: "V", _), _) = steps[0] else {
      Issue.record("\(steps)")
      return
    }
  }

  @Test func listThatMayBeOlderThanOurWrite_provesNoChange() {
    func back(_ written: Int64) -> OutboxRow {
      row(1, "update", state: .sent, lookAfter: now + 500) {
        $0.payload = #"{"title":"A"}"#
        $0.taskVaultID = "V"
        $0.taskBase = TaskFields(title: "B")
        $0.taskVaultAt = written
      }
    }
    // B was acknowledged a moment ago, and the list still shows the A from before it.
    guard case .wait = planner(tasks: [remote("V", title: "A")]).plan([back(now - 100)])[0],
      case .settle(_, .synced, _) = planner(tasks: [remote("V", title: "A")])
        .plan([back(now - 100_000)])[0]
    else {
      Issue.record("an old list was believed")
      return
    }
  }

  @Test func backupThatFailsForAMoment_isTriedAgain_beforeAPersonIsAsked() {
    func step(sentAt: Int64) -> SyncStep {
      let lost = row(1, "decide", state: .sent, kind: "decision", lookAfter: 0) {
        $0.sentAt = sentAt
      }
      return planner { $0.snapshot.isBackupFailing = true }.plan([lost])[0]
    }
    guard case .wait = step(sentAt: now - 1000),
      case .settle(_, .uncertain, _) = step(sentAt: now - 700_000)
    else {
      Issue.record("one bad answer decided")
      return
    }
  }

  @Test func listThatIsCutOff_makesALostRowUncertain_andTheRestGoesOn() {
    let lost = row(1, state: .sent, lookAfter: 0)
    let steps = planner(count: 1000).plan([lost, row(2)])
    guard case .settle(_, .uncertain, _) = steps[0], case .send = steps[1] else {
      Issue.record("\(steps)")
      return
    }
    // Where it is among the ones that show, it is found all the same.
    let steps2 = planner(tasks: [remote("V", marker: "m1")], count: 1000).plan([lost])
    guard case .settle(_, .synced, _) = steps2[0] else {
      Issue.record("\(steps2)")
      return
    }
  }

  @Test func sharedRow_looksBeforeItsFirstSending() {
    let shared = row(1) { $0.mustLook = true }
    #expect(planner().plan([shared]) == [.send(shared, isProvenAbsent: true)])
    let another = planner { $0.sendings = ["m1": now - 100] }.plan([shared])
    guard case .wait(_, until: now - 100 + 61_000, _) = another[0] else {
      Issue.record("\(another)")
      return
    }
    let receipt = planner { $0.receipts = ["m1": "V9"] }.plan([shared])
    guard case .settle(_, .synced(vaultID: "V9", task: nil), _) = receipt[0] else {
      Issue.record("\(receipt)")
      return
    }
    guard case .hold = planner(edit: { $0.maySendShared = false }).plan([shared])[0] else {
      Issue.record("sent without the folder's lock")
      return
    }
  }

  @Test func changes_waitForTheirTask() {
    let orphan = row(2, "done") { $0.makerState = .quarantined }
    guard case .settle(_, .quarantined, _) = planner().plan([orphan])[0] else {
      Issue.record("sent a change of a task that the vault never got")
      return
    }
    let held = row(2, "done") { $0.makerState = .uncertain }
    let steps = planner().plan([held, row(3)])
    guard case .hold = steps[0], case .send = steps[1] else {
      Issue.record("\(steps)")
      return
    }
  }

  @Test func doneThatIsDone_isNotSent() {
    let done = row(2, "done") { $0.taskVaultID = "V" }
    guard case .settle(_, .synced, _) = planner(tasks: [remote("V", isDone: true)]).plan([done])[0]
    else {
      Issue.record("sent a second time")
      return
    }
    guard case .send = planner(tasks: [remote("V")]).plan([done])[0] else {
      Issue.record("not sent")
      return
    }
  }

  @Test func lostChange_isComparedNotGuessed() {
    let lost = row(2, "update", state: .sent, lookAfter: 0) {
      $0.taskVaultID = "V"
      $0.taskBase = TaskFields(title: "old", project: "p")
    }
    guard
      case .settle(_, .synced, _) = planner(tasks: [remote("V", title: "t")]).plan([lost])[0],
      case .send(_, isProvenAbsent: true) = planner(tasks: [remote("V", title: "old")])
        .plan([lost])[0],
      case .settle(_, .uncertain, _) = planner(count: 1000).plan([lost])[0]
    else {
      Issue.record("a lost change was guessed")
      return
    }
  }

  @Test func rowThatIsRefusedAgainAndAgain_isQuarantined() {
    let poison = row(1, state: .sent, lookAfter: 0) { $0.refusals = SyncPlanner.refusalLimit }
    guard case .settle(_, .quarantined, _) = planner().plan([poison])[0] else {
      Issue.record("sent for ever")
      return
    }
  }

  // MARK: Checkpoints and decisions

  private func checkpoint(_ id: String, _ actions: [String] = []) -> VaultCheckpoint {
    VaultCheckpoint(
      .object([
        "id": .string(id),
        "trigger_signals": .object(["recent_actions": .array(actions.map { .string($0) })]),
      ]))!
  }

  private func backup(
    checkpoints: Int, last: String? = nil, marker: String? = nil
  ) -> VaultSnapshot {
    var snapshot = VaultSnapshot()
    var list = (0..<checkpoints).map { checkpoint("C\($0)") }
    if let last { list[list.count - 1] = checkpoint(last) }
    if let marker { list[0] = checkpoint("C0", [Marker.text(marker)]) }
    snapshot.take(VaultBackup(tasks: [], checkpoints: list, decisions: []), readAt: now)
    return snapshot
  }

  @Test func checkpointWindow_provesAbsenceOnlyIfItReachesBack() {
    let lost = row(1, "save", state: .sent, kind: "checkpoint", lookAfter: 0) { $0.fence = "OLD" }
    func step(_ snapshot: VaultSnapshot) -> SyncStep {
      planner { $0.snapshot = snapshot }.plan([lost])[0]
    }
    guard case .send(_, isProvenAbsent: true) = step(backup(checkpoints: 3)),
      case .send(_, isProvenAbsent: true) = step(backup(checkpoints: 10, last: "OLD")),
      case .settle(_, .uncertain, _) = step(backup(checkpoints: 10)),
      case .settle(_, .synced(vaultID: "C0", task: nil), _) = step(
        backup(checkpoints: 10, marker: "m1"))
    else {
      Issue.record("the window was misread")
      return
    }
  }

  @Test func decisions_areAllInTheBackup() {
    let lost = row(1, "decide", state: .sent, kind: "decision", lookAfter: 0)
    guard case .wait = planner().plan([lost])[0],
      case .send(_, isProvenAbsent: true) = planner(edit: {
        $0.snapshot = backup(checkpoints: 10)
      }).plan([lost])[0]
    else {
      Issue.record("the backup was misread")
      return
    }
  }
}
