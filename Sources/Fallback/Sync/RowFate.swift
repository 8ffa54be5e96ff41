import Core
import MemoryStore
import Vault

/// What becomes of an outbox row once something has happened to it. Pure, and the only place that
/// decides it: ``SyncRun`` carries it out, and ``OutboxJournal`` makes it durable.
///
/// | what happened | the store notes | and then |
/// | --- | --- | --- |
/// | The vault took the write. | synced | it is done |
/// | The vault refuses its arguments, and always will. | quarantined | a person decides |
/// | It was surely not carried out: no connection, 401, 403, 429. | not applied | it goes out again |
/// | The vault does not know its task, which may be too young. | not applied | it goes out again after the lag |
/// | The answer is lost, or tells nothing: a 502, a timeout, an error of the tool. | lost | it is looked up |
/// | The same, where the vault honours keys. | lost | it goes out again in the next pass, with its key |
/// | The process dies while it is being sent. | sent, as it was noted before | it is looked up |
///
/// So a 502 after the vault's commit leaves a row that stands as `sent` and holds up its item. The
/// next read that shows it settles it. One that does not show it proves that the vault lacks it only
/// if it began after the time that is noted here, which is the lag of the vault's lists from now;
/// then the row goes out again. ``SyncPlanner`` compares the row with such reads (`lostItem`,
/// `lostChange`), and ``known(_:_:)`` says what its result makes of the row.
struct RowFate: Equatable {
  /// What the store is to note of the row; nil where it stays as it is.
  var settlement: OutboxSettlement?
  var next: Next?
  /// What the run's report counts it as.
  var tally: Tally?
  /// Why the row waits, for a person.
  var waitsBecause: String?
  /// True if nothing more of its item may go out in this pass.
  var holdsUpItem = false
  /// True if the vault has shown that it takes or has something.
  var isProgress = false
  /// True if an answer was lost, which may show itself in a read at once.
  var isLoss = false
  /// Whether an attempt of this run has failed, by an error or by a loss.
  var failure: Failure?

  /// What can be done about the row next, and when: Unix ms.
  enum Next: Equatable {
    case tryAgain(Int64)
    case look(Int64)
  }

  enum Tally: Equatable {
    case sent, found, uncertain, quarantined
  }

  enum Failure: Equatable {
    /// The vault answered, with an error for this write alone.
    case error
    /// The vault's answer was lost, or nothing was heard from it.
    case noAnswer
  }

  /// What an attempt's fate depends on beside the row and the answer.
  struct Circumstances {
    /// Unix ms.
    var now: Int64
    /// For which the vault's lists may not show a write.
    var lag: Duration
    /// True if the vault promises to take a write with a key only once.
    var honoursKeys: Bool
  }

  /// Before a write whose key makes a second attempt harmless goes out again.
  private static let keyedPause = Duration.milliseconds(200)
  /// Before anything is sent again after too many answers were lost.
  private static let pauseAfterLosses = Duration.seconds(5)

  private init() {}

  // MARK: An attempt

  /// Unix ms at which a row is looked up if this process dies while it is being sent: by then the
  /// vault has it or will never get it, and its lists show which.
  static func lookAfterSending(at now: Int64, timeout: Duration, lag: Duration) -> Int64 {
    now + (timeout + lag).milliseconds
  }

  /// The vault took it.
  ///
  /// - Parameters:
  ///   - id: The vault's id of what was made or changed.
  ///   - task: The task as the answer shows it.
  static func taken(as id: VaultID, task: RemoteTask?) -> RowFate {
    var fate = RowFate()
    fate.settlement = .synced(vaultID: id, task: task)
    fate.tally = .sent
    fate.isProgress = true
    return fate
  }

  /// The call gave no result.
  ///
  /// - Parameter row: As it was sent, this attempt counted.
  static func failed(
    _ row: OutboxRow, _ failure: VaultFailure, _ circumstances: Circumstances
  ) -> RowFate {
    let isError = failure.isAboutThisCall
    var fate = RowFate()
    fate.failure = isError ? .error : .noAnswer
    if failure.delivery != .refused {
      fate.holdsUpItem = true
      fate.waitsBecause = failure.detail
    }
    switch failure.delivery {
    case .refused:
      fate.settlement = .quarantined(error: failure.detail)
      fate.tally = .quarantined
    case .notApplied:
      // A task that was written a moment ago may not be known yet.
      let notBefore =
        failure == VaultTools.unknownTask ? circumstances.now + circumstances.lag.milliseconds : nil
      fate.settlement = .notApplied(
        error: failure.detail, notBefore: notBefore, isRefusal: isError)
      fate.next = notBefore.map { .tryAgain($0) }
    case .unknown:
      // The planner looks a row with a key up too after so many errors: this one is among them.
      let isKeyed =
        circumstances.honoursKeys && SyncKey.of(row) != nil
        && row.refusals < SyncPlanner.keyedRefusals - 1
      let lookAfter =
        circumstances.now + (isKeyed ? keyedPause : circumstances.lag).milliseconds
      fate.settlement = .lost(error: failure.detail, lookAfter: lookAfter, isRefusal: isError)
      fate.next = .look(lookAfter)
      fate.isLoss = true
    }
    return fate
  }

  /// Why a row that was noted as sent did not go out.
  enum Obstacle: String {
    case taskIsMissing = "it waits for its task"
    /// Another process may have taken the sending over meanwhile.
    case machineSlept = "the machine slept"
  }

  /// It was noted as sent, and then did not go out.
  static func notSent(_ obstacle: Obstacle) -> RowFate {
    var fate = RowFate()
    fate.settlement = .notApplied(error: obstacle.rawValue, notBefore: nil, isRefusal: false)
    fate.holdsUpItem = obstacle == .taskIsMissing
    return fate
  }

  /// It need not go out: the vault has all that it would change.
  ///
  /// - Parameter task: As the vault has it; nil if that is not certain.
  static func superfluous(_ row: OutboxRow, task: RemoteTask?) -> RowFate {
    var fate = RowFate()
    fate.settlement = .synced(vaultID: row.taskVaultID, task: task)
    fate.tally = .found
    return fate
  }

  // MARK: Without an attempt

  /// It is known without sending it what became of it: ``SyncPlanner`` has compared it with what
  /// reads of the vault have shown.
  static func known(_ row: OutboxRow, _ settlement: OutboxSettlement) -> RowFate {
    var fate = RowFate()
    fate.settlement = settlement
    switch settlement {
    case .synced:
      fate.tally = .found
      fate.isProgress = true
    case .lost(let error, let lookAfter, _):
      fate.waitsBecause = error
      fate.next = .look(lookAfter)
    case .postponed(let lookAfter):
      fate.next = .look(lookAfter)
    case .provenAbsent:
      fate.waitsBecause = row.lastError
      fate.next = .tryAgain(SyncPlanner.retryTime(row))
    case .uncertain: fate.tally = .uncertain
    case .quarantined: fate.tally = .quarantined
    case .notApplied: break
    }
    return fate
  }

  /// It stays as it is for now.
  static func waits(because why: String, next: Next? = nil) -> RowFate {
    var fate = RowFate()
    fate.waitsBecause = why
    fate.next = next
    return fate
  }

  /// It cannot go out now, nor can what comes after it of its item.
  static func isHeldUp(because why: String) -> RowFate {
    var fate = waits(because: why)
    fate.holdsUpItem = true
    return fate
  }

  /// Too many answers were lost: it is not sent until the vault has shown what became of those.
  static func waitsAfterLosses(at now: Int64) -> RowFate {
    var fate = isHeldUp(because: "the vault's answers get lost")
    fate.next = .tryAgain(now + pauseAfterLosses.milliseconds)
    return fate
  }
}

extension VaultFailure {
  /// True if a write's failure says something of the vault as a whole, and not only of that write.
  var concernsTheVault: Bool { delivery != .refused && !isAboutThisCall }
}
