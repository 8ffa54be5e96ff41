import TestSupport
import Testing

@testable import Canary
@testable import Fallback
@testable import MemoryStore
@testable import Sync
@testable import Vault

@Suite(.blocking) struct RowFateTests {
  private static let now: Int64 = 1_000_000
  private static let lag: Int64 = 60_000

  private static func row(
    _ action: OutboxAction = .add, kind: ItemKind = .task,
    edit: (inout OutboxRow) -> Void = { _ in }
  ) -> OutboxRow {
    var row = OutboxRow(
      number: 1, kind: kind, action: action, itemID: "item", payload: "{}", state: .sent,
      vault: "1", requestID: "r1", marker: "m1", mustLook: false, lookAfter: nil, notBefore: nil,
      sentAt: now - 10, fence: nil, attempts: 1, refusals: 0, failingSince: nil, lastError: nil,
      vaultID: nil, syncedAt: nil, isMirrored: false, createdAt: 0, updatedAt: 0,
      taskVaultID: nil, taskBase: nil, taskVaultAt: nil, makerState: nil)
    edit(&row)
    return row
  }

  // MARK: What the vault answers

  struct Answer: CustomTestStringConvertible {
    var testDescription: String
    var failure: VaultFailure
    var honoursKeys = false
    var refusals = 0
    /// What tells the row from all others, if anything does.
    var marker: String? = "m1"

    var settlement: OutboxSettlement
    var next: RowFate.Next?
    var tally: RowFate.Tally?
    var holdsUpItem = true
    var isLoss = false
    var isFailureOfTheVault: Bool
    var counts: RowFate.Failure
  }

  static let answers: [Answer] = [
    Answer(
      testDescription: "a 502 after the commit: it may be there, and is looked up after the lag",
      failure: VaultFailure(.serverError, "HTTP 502"),
      settlement: .lost(error: "HTTP 502", lookAfter: now + lag, isRefusal: false),
      next: .look(now + lag), isLoss: true, isFailureOfTheVault: true, counts: .noAnswer),
    Answer(
      testDescription: "a 502 where the vault honours keys: it goes out again soon",
      failure: VaultFailure(.serverError, "HTTP 502"), honoursKeys: true,
      settlement: .lost(error: "HTTP 502", lookAfter: now + 200, isRefusal: false),
      next: .look(now + 200), isLoss: true, isFailureOfTheVault: true, counts: .noAnswer),
    Answer(
      testDescription: "a 502 of a row without a key: looked up, though the vault honours keys",
      failure: VaultFailure(.serverError, "HTTP 502"), honoursKeys: true, marker: nil,
      settlement: .lost(error: "HTTP 502", lookAfter: now + lag, isRefusal: false),
      next: .look(now + lag), isLoss: true, isFailureOfTheVault: true, counts: .noAnswer),
    Answer(
      testDescription: "the third error of a keyed row: it is looked up, key or not",
      failure: VaultFailure(.toolError, "odd", isAboutThisCall: true), honoursKeys: true,
      refusals: SyncPlanner.keyedRefusals - 1,
      settlement: .lost(error: "odd", lookAfter: now + lag, isRefusal: true),
      next: .look(now + lag), isLoss: true, isFailureOfTheVault: false, counts: .error),
    Answer(
      testDescription: "a timeout: as a 502",
      failure: VaultFailure(.timeout, "late"),
      settlement: .lost(error: "late", lookAfter: now + lag, isRefusal: false),
      next: .look(now + lag), isLoss: true, isFailureOfTheVault: true, counts: .noAnswer),
    Answer(
      testDescription: "an error of the tool alone: it may have been carried out all the same",
      failure: VaultFailure(.toolError, "odd", isAboutThisCall: true),
      settlement: .lost(error: "odd", lookAfter: now + lag, isRefusal: true),
      next: .look(now + lag), isLoss: true, isFailureOfTheVault: false, counts: .error),
    Answer(
      testDescription: "no connection: not applied",
      failure: VaultFailure(.unreachable, "refused", delivery: .notApplied),
      settlement: .notApplied(error: "refused", notBefore: nil, isRefusal: false),
      isFailureOfTheVault: true, counts: .noAnswer),
    Answer(
      testDescription: "no time left to ask: not applied",
      failure: .outOfTime,
      settlement: .notApplied(
        error: VaultFailure.outOfTime.detail, notBefore: nil, isRefusal: false),
      isFailureOfTheVault: true, counts: .noAnswer),
    Answer(
      testDescription: "a task that the vault does not know yet: again after the lag",
      failure: VaultTools.unknownTask,
      settlement: .notApplied(
        error: VaultTools.unknownTask.detail, notBefore: now + lag, isRefusal: true),
      next: .tryAgain(now + lag), isFailureOfTheVault: false, counts: .error),
    Answer(
      testDescription: "refused: a person decides, and what comes after it of its item goes on",
      failure: VaultFailure(.toolError, "no", delivery: .refused, isAboutThisCall: true),
      settlement: .quarantined(error: "no"), tally: .quarantined, holdsUpItem: false,
      isFailureOfTheVault: false, counts: .error),
  ]

  @Test(arguments: answers)
  func answer_decidesTheRow(_ answer: Answer) {
    let row = Self.row {
      $0.refusals = answer.refusals
      $0.marker = answer.marker
    }
    let fate = RowFate.failed(
      row, answer.failure,
      .init(now: Self.now, lag: .milliseconds(Self.lag), honoursKeys: answer.honoursKeys))
    #expect(fate.settlement == answer.settlement)
    #expect(fate.next == answer.next)
    #expect(fate.tally == answer.tally)
    #expect(fate.holdsUpItem == answer.holdsUpItem)
    #expect(fate.waitsBecause == (answer.holdsUpItem ? answer.failure.detail : nil))
    #expect(fate.isLoss == answer.isLoss && !fate.isProgress)
    #expect(fate.failure == answer.counts)
    #expect(answer.failure.concernsTheVault == answer.isFailureOfTheVault)
  }

  @Test func taken_isSynced() {
    let fate = RowFate.taken(as: "V", task: nil)
    #expect(fate.settlement == .synced(vaultID: "V", task: nil))
    #expect(fate.tally == .sent && fate.isProgress && !fate.holdsUpItem)
    #expect(fate.next == nil && fate.failure == nil && fate.waitsBecause == nil && !fate.isLoss)
  }

  @Test func processThatDies_leavesARowThatIsLookedUp_onceNoCallCanArriveAnyMore() {
    #expect(
      RowFate.lookAfterSending(at: Self.now, timeout: .seconds(1), lag: .milliseconds(Self.lag))
        == Self.now + 61_000)
  }

  // MARK: What is known without an answer

  struct Known: CustomTestStringConvertible {
    var testDescription: String
    var settlement: OutboxSettlement
    var next: RowFate.Next?
    var tally: RowFate.Tally?
    var waitsBecause: String?
    var isProgress = false
  }

  static let known: [Known] = [
    Known(
      testDescription: "found in a read", settlement: .synced(vaultID: "V", task: nil),
      tally: .found, isProgress: true),
    Known(
      testDescription: "not there", settlement: .provenAbsent,
      next: .tryAgain(now - 10 + 4000), waitsBecause: "before"),
    Known(
      testDescription: "no read can tell", settlement: .uncertain(error: "?"), tally: .uncertain),
    Known(
      testDescription: "given up", settlement: .quarantined(error: "no"), tally: .quarantined),
    Known(
      testDescription: "lost, and the clock was set back",
      settlement: .lost(error: "e", lookAfter: 7, isRefusal: false), next: .look(7),
      waitsBecause: "e"),
    Known(
      testDescription: "never sent from here, and the clock was set back",
      settlement: .postponed(lookAfter: 7), next: .look(7)),
  ]

  @Test(arguments: known)
  func settlementOfThePlanner_isCarriedOn(_ known: Known) {
    let row = Self.row {
      $0.attempts = 2
      $0.failingSince = 1
      $0.lastError = "before"
    }
    let fate = RowFate.known(row, known.settlement)
    #expect(fate.settlement == known.settlement)
    #expect(fate.next == known.next)
    #expect(fate.tally == known.tally)
    #expect(fate.waitsBecause == known.waitsBecause)
    #expect(fate.isProgress == known.isProgress)
    // The planner has held up its item itself, where that must wait.
    #expect(!fate.holdsUpItem && !fate.isLoss && fate.failure == nil)
  }

  @Test func rowThatDidNotGoOut_isQueuedAgain() {
    for (obstacle, holdsUp) in [(RowFate.Obstacle.taskIsMissing, true), (.machineSlept, false)] {
      let fate = RowFate.notSent(obstacle)
      #expect(
        fate.settlement
          == .notApplied(error: obstacle.rawValue, notBefore: nil, isRefusal: false))
      #expect(fate.holdsUpItem == holdsUp && fate.failure == nil && fate.next == nil)
    }
  }

  @Test func changeThatTheVaultHas_isFound_butNothingWasHeardOfTheVault() {
    let fate = RowFate.superfluous(Self.row(.update) { $0.taskVaultID = "V" }, task: nil)
    #expect(fate.settlement == .synced(vaultID: "V", task: nil))
    #expect(fate.tally == .found && !fate.isProgress)
  }

  @Test func rowThatWaits_changesNothingInTheStore() {
    let waits = RowFate.waits(because: "w", next: .look(5))
    #expect(waits.settlement == nil && waits.next == .look(5) && !waits.holdsUpItem)
    let heldUp = RowFate.isHeldUp(because: "h")
    #expect(heldUp.settlement == nil && heldUp.next == nil && heldUp.holdsUpItem)
    let losses = RowFate.waitsAfterLosses(at: Self.now)
    #expect(losses.settlement == nil && losses.holdsUpItem)
    #expect(losses.next == .tryAgain(Self.now + 5000))
  }

  // MARK: What a pass makes of it

  @Test func pass_keepsTheFirstReason_andTheEarliestTry() {
    var pass = OutboxPass(mayLook: false)
    pass.note(.waits(because: "first", next: .tryAgain(9)), of: Self.row())
    pass.note(.waits(because: "second", next: .tryAgain(5)), of: Self.row())
    pass.note(.waits(because: "third", next: .look(7)), of: Self.row())
    pass.note(.waits(because: "fourth", next: .look(8)), of: Self.row(.save, kind: .checkpoint))
    #expect(pass.waitsBecause == "first" && pass.nextTry == 5)
    #expect(pass.unclearTasks == [7] && pass.unclearOthers == [8])
    #expect(!pass.hasLost && !pass.hasProgress)
    var looks = LookSchedules()
    #expect(pass.end(&looks, tasksReadAt: nil, now: 1, lag: .milliseconds(Self.lag)) == 5)
    #expect(looks == LookSchedules(), "nothing was read")
    #expect(
      pass.end(&looks, tasksReadAt: nil, now: 6, lag: .milliseconds(Self.lag)) == 6,
      "it is due already")
    #expect(
      OutboxPass(mayLook: true).end(&looks, tasksReadAt: 1, now: 2, lag: .milliseconds(Self.lag))
        == nil)
  }

  @Test func losses_askForAReadAfterTwoInARow_andStopTheSendingAfterFourWrites() {
    var losses = AnswerLosses()
    let (fresh, failing) = (Self.row(), Self.row { $0.failingSince = 1 })
    losses.noteLostCall()
    #expect(!losses.needsRead, "one may be lost anywhere")
    losses.noteTaken()
    losses.noteLostCall()
    #expect(!losses.needsRead)
    losses.noteLostCall()
    #expect(losses.needsRead)
    losses.noteReadBegins()
    losses.noteRead()
    losses.noteLostCall()
    #expect(!losses.needsRead)
    for _ in 0..<4 {
      #expect(losses.allowSending(fresh))
      losses.noteLostWrite(failing)
      losses.noteLostWrite(fresh)
    }
    #expect(!losses.allowSending(fresh) && losses.allowSending(failing))
    losses.forgetWrites()
    #expect(losses.allowSending(fresh))
  }
}
