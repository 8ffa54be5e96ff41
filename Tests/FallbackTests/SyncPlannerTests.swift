import TestSupport
import Testing

@testable import Canary
@testable import Core
@testable import Fallback
@testable import MemoryStore
@testable import Sync
@testable import Vault

@Suite(.blocking) struct SyncPlannerTests {
  private let now: Int64 = 1_000_000

  private func row(
    _ number: Int64, _ action: OutboxAction = .add, state: OutboxRow.State = .queued,
    kind: ItemKind = .task, lookAfter: Int64? = nil, edit: (inout OutboxRow) -> Void = { _ in }
  ) -> OutboxRow {
    var row = OutboxRow(
      number: number, kind: kind, action: action, itemID: "item\(number)",
      payload: #"{"title":"t"}"#, state: state, vault: "1", requestID: "r\(number)",
      marker: action.makesItem ? "m\(number)" : nil, mustLook: false,
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
    var snapshot = VaultSnapshot(lag: .milliseconds(60_000))
    let filler = (0..<count).compactMap {
      VaultTask(
        .object(["id": .string("F\($0)"), "title": .string("f"), "status": .string("open")]))
    }
    snapshot.ingest(tasks: filler, readAt: readAt ?? now)
    for task in tasks { snapshot.note(task) }
    var planner = SyncPlanner(
      snapshot: snapshot, timeout: .seconds(1), lag: .milliseconds(60_000), now: now)
    edit(&planner)
    return planner
  }

  private func remote(
    _ id: VaultID, marker: String? = nil, title: String = "x", isDone: Bool = false
  ) -> RemoteTask {
    RemoteTask(
      vaultID: id, fields: TaskFields(title: title, project: "p"), isDone: isDone, source: .cc,
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

  @Test func lostRow_waitsForTheLag_andHoldsUpItsOwnItemOnly() {
    let lost = row(1, state: .sent, lookAfter: now + 50_000)
    let change = row(2, .update) {
      $0.itemID = "item1"
      $0.makerState = .sent
    }
    let about = row(3, .decide, kind: .decision) { $0.payload = #"{"task_id":"item1"}"# }
    let steps = planner().plan([lost, change, row(4), about, row(5, .decide, kind: .decision)])
    guard case .wait(_, until: now + 50_000, _) = steps[0], case .hold = steps[1],
      case .send = steps[2], case .hold = steps[3], case .send = steps[4]
    else {
      Issue.record("\(steps)")
      return
    }
  }

  @Test func writeThatIsAnsweredWithAnError_isTriedForADay_moreAndMoreSeldom() {
    let hour: Int64 = 3_600_000
    func step(attempts: Int, since: Int64, last: Int64, isTyped: Bool = false) -> SyncStep {
      let failing = row(1) {
        $0.attempts = attempts
        $0.refusals = attempts
        $0.failingSince = since
        $0.sentAt = last
        $0.lastError = "error -32603"
      }
      return planner { $0.isTyped = isTyped }.plan([failing])[0]
    }
    guard case .wait(_, until: now + 30_000, _) = step(attempts: 5, since: 0, last: now - 2000),
      case .send = step(attempts: 5, since: 0, last: now - 2000, isTyped: true),
      case .send = step(attempts: 5, since: 0, last: now - 33_000),
      // Twenty attempts within an hour are no reason to give up; nor is a machine that was off.
      case .send = step(attempts: 20, since: now - hour, last: now - hour),
      case .send = step(attempts: 1, since: now - 50 * hour, last: now - 50 * hour),
      case .send = step(attempts: 2, since: now - 50 * hour, last: now - hour),
      case .settle(_, .quarantined, _) = step(
        attempts: 30, since: now - 25 * hour, last: now - hour / 2)
    else {
      Issue.record("the patience is another one")
      return
    }
  }

  @Test func errorInThisRun_isEnoughForIt_butOthersPass() {
    var planner = planner { $0.isTyped = true }
    planner.noteFailure(row(1), isError: true)
    planner.noteFailure(row(2), isError: false)
    guard case .wait? = planner.next(row(1)), case .send? = planner.next(row(2)) else {
      Issue.record("a stuck item spins, or holds up another one")
      return
    }
    planner.noteFailure(row(3), isError: false)
    planner.noteFailure(row(3), isError: false)
    guard case .wait? = planner.next(row(3)) else {
      Issue.record("an item whose answers get lost spins")
      return
    }
  }

  @Test func whyARowWaits_isTrueOfIt() {
    func why(_ edit: @escaping (inout OutboxRow) -> Void) -> String {
      guard case .wait(_, _, let why) = planner(readAt: 5).plan([row(1, edit: edit)])[0] else {
        return "no wait"
      }
      return why
    }
    let byHand = why {
      $0.mustLook = true
      $0.requestID = "adopt:k"
      $0.lookAfter = 10
    }
    #expect(byHand.contains("shares the fallback files") && !byHand.contains("answer"))
    let restored = why {
      $0.mustLook = true
      $0.lookAfter = 10
    }
    #expect(restored.contains("put back") && !restored.contains("answer"))
    let cut = why {
      $0.state = .sent
      $0.attempts = 1
      $0.lookAfter = 10
    }
    #expect(cut.contains("ended while it was being sent"))
  }

  @Test func changeThatIsThereAlready_bringsNoStateFromBeforeOurWrite() {
    // The list is from before an update of ours; taken over, it would undo that update here.
    let done = row(2, .done) {
      $0.taskVaultID = "V"
      $0.taskVaultAt = now - 100
    }
    guard
      case .settle(_, .synced(_, task: nil), _) = planner(tasks: [remote("V", isDone: true)])
        .plan([done])[0]
    else {
      Issue.record("an old state came along")
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
    // The new time is kept, and other items go on.
    let steps = planner().plan([lost, row(2)])
    guard case .settle(_, .lost(_, lookAfter: now + 61_000, _), _) = steps[0],
      case .send = steps[1]
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
      row(1, .update, state: .sent, lookAfter: now + 500) {
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
      let lost = row(1, .decide, state: .sent, kind: .decision, lookAfter: 0) {
        $0.sentAt = sentAt
      }
      return planner { $0.snapshot.noteBackupFailure("it fails", isImpossible: false) }
        .plan([lost])[0]
    }
    guard case .wait = step(sentAt: now - 1000),
      case .settle(_, .uncertain, _) = step(sentAt: now - 25 * 3_600_000)
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
    let orphan = row(2, .done) { $0.makerState = .quarantined }
    guard case .settle(_, .quarantined, _) = planner().plan([orphan])[0] else {
      Issue.record("sent a change of a task that the vault never got")
      return
    }
    let held = row(2, .done) { $0.makerState = .uncertain }
    let steps = planner().plan([held, row(3)])
    guard case .hold = steps[0], case .send = steps[1] else {
      Issue.record("\(steps)")
      return
    }
  }

  @Test func doneThatIsDone_isNotSent() {
    let done = row(2, .done) { $0.taskVaultID = "V" }
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
    let lost = row(2, .update, state: .sent, lookAfter: 0) {
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
    snapshot.ingest(
      VaultBackup(
        tasks: VaultTable(rows: []), checkpoints: VaultTable(rows: list),
        decisions: VaultTable(rows: [])), readAt: now)
    return snapshot
  }

  @Test func checkpointWindow_provesAbsenceOnlyIfItReachesBack() {
    let lost = row(1, .save, state: .sent, kind: .checkpoint, lookAfter: 0) { $0.fence = "OLD" }
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
    let lost = row(1, .decide, state: .sent, kind: .decision, lookAfter: 0)
    guard case .wait = planner().plan([lost])[0],
      case .send(_, isProvenAbsent: true) = planner(edit: {
        $0.snapshot = backup(checkpoints: 10)
      }).plan([lost])[0]
    else {
      Issue.record("the backup was misread")
      return
    }
  }
  @Test func tableThatCannotBeRead_holdsUpOnlyWhatNeedsIt() {
    func step(_ backup: VaultBackup, _ kind: ItemKind, _ action: OutboxAction) -> SyncStep {
      var snapshot = VaultSnapshot()
      snapshot.ingest(backup, readAt: now)
      return planner { $0.snapshot = snapshot }
        .plan([row(1, action, state: .sent, kind: kind, lookAfter: 0) { $0.sentAt = now - 5 }])[0]
    }
    let odd = VaultBackup(
      tasks: nil, checkpoints: VaultTable(rows: [checkpoint("C0")]), decisions: nil)
    guard case .send(_, isProvenAbsent: true) = step(odd, .checkpoint, .save),
      case .wait(_, _, let why) = step(odd, .decision, .decide), why.contains("decisions")
    else {
      Issue.record("one table spoke for another")
      return
    }
    // A table that lacks a row of which it speaks proves nothing by its silence.
    let cut = VaultBackup(
      tasks: nil, checkpoints: nil, decisions: VaultTable(rows: [], isWhole: false))
    guard case .wait = step(cut, .decision, .decide) else {
      Issue.record("silence of a cut table was believed")
      return
    }
  }
}

@Suite(.blocking) struct LookScheduleTests {
  @Test func looks_comeOncePerLag_thenMoreAndMoreSeldom() {
    var looks = LookSchedule()
    var now: Int64 = 1_000_000
    let ripe: Int64 = 1_060_000
    #expect(looks.isDue(at: now))
    // Too early to tell: the next look is when the lag is over.
    looks.noteLook(unclear: [ripe], began: now, now: now + 10, lag: .milliseconds(60_000))
    #expect(!looks.isDue(at: ripe - 1) && looks.isDue(at: ripe) && looks.next(ripe: ripe) == ripe)
    now = ripe
    var pauses: [Int64] = []
    for _ in 0..<9 {
      looks.noteLook(unclear: [ripe], began: now, now: now, lag: .milliseconds(60_000))
      pauses.append(looks.next(ripe: ripe) - now)
      now = looks.notBefore
    }
    #expect(pauses.prefix(4) == [60_000, 120_000, 240_000, 480_000])
    #expect(pauses.last == LookSchedule.longestPause.milliseconds)
    #expect(!looks.isDue(at: now - 5))
    looks.noteLook(unclear: [], began: now, now: now, lag: .milliseconds(60_000))
    #expect(looks.isDue(at: now))
  }

  @Test func rowThatNoLookHasSeen_hasOneOfItsOwn_howeverMuchIsStuck() {
    var looks = LookSchedule()
    for now in [1_000_000, 2_000_000, 3_000_000] as [Int64] {
      looks.noteLook(unclear: [5], began: now, now: now, lag: .milliseconds(600_000))
    }
    #expect(!looks.isDue(at: 3_000_100))
    #expect(looks.isNew(ripe: 3_000_050, at: 3_000_100))
    #expect(!looks.isNew(ripe: 5, at: 3_000_100) && !looks.isNew(ripe: 3_000_200, at: 3_000_100))
    #expect(looks.isNew(ripe: 50, at: 100), "the clock was set back")
  }

  @Test func lagOfNothing_isNoReasonToSpin() {
    var looks = LookSchedule()
    looks.noteLook(unclear: [5], began: 10, now: 10, lag: .zero)
    #expect(looks.notBefore == 1010)
  }

  @Test func whatTheStoreKeeps_comesBack() {
    var looks = LookSchedules()
    looks.backup.noteLook(unclear: [1], began: 2, now: 3, lag: .milliseconds(4))
    #expect(LookSchedules(looks.text) == looks)
    #expect(LookSchedules("{") == LookSchedules() && LookSchedules(nil) == LookSchedules())
  }
}
