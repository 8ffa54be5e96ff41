import Core
import Fallback
public import MemoryStore

/// What is to be done with one outbox row.
public enum SyncStep: Sendable, Equatable {
  /// Nothing goes out: it is known what became of it.
  case settle(OutboxRow, OutboxSettlement, because: String)
  /// It goes out; `isProvenAbsent` if it went out before and a complete read lacks it, or its key
  /// keeps it from being applied twice.
  case send(OutboxRow, isProvenAbsent: Bool)
  /// It must wait (until Unix ms, if that is known), and later changes of its item too.
  case wait(OutboxRow, until: Int64?, because: String)
  /// It waits for a person's word about another row, or for that row.
  case hold(OutboxRow, because: String)

  public var row: OutboxRow {
    switch self {
    case .settle(let row, _, _), .send(let row, _), .wait(let row, _, _), .hold(let row, _): row
    }
  }
}

/// Decides what to do with the outbox, row by row. No vault, no store, no clock.
///
/// Order is kept within an item: what waits holds up the later changes of its own task, and the
/// decisions about it, and nothing else.
struct SyncPlanner {
  /// For how long a write that the vault answers with an error is tried again, before a person is
  /// asked: only what the vault will never take is given up at once.
  static let failurePatience = Duration.seconds(24 * 3600)
  /// And tried so often: a machine that was off for a day has not tried.
  static let leastAttempts = 12
  /// After so many errors for one write it is looked up, key or not, before it is sent again.
  static let keyedRefusals = 3
  /// Doubled with each attempt.
  private static let firstPause = Duration.seconds(1)
  private static let longestPause = Duration.seconds(3600)

  var snapshot: VaultSnapshot
  /// Marker to the vault's id, from the fallback files.
  var receipts: [String: VaultID] = [:]
  /// Marker to Unix ms: what others that share the files may have sent.
  var sendings: [String: Int64] = [:]
  /// False while another memoryd that shares the files is sending from them.
  var maySendShared = true
  /// Since when each write to this vault carries a key that makes a second attempt harmless, Unix
  /// ms; nil where the vault does not promise that.
  var keysSince: Int64?
  /// A person asked for it: what was refused before is tried now.
  var isTyped = false
  /// Of each call.
  var timeout: Duration
  /// For which the vault's lists may not show a write.
  var lag: Duration
  /// Unix ms.
  var now: Int64

  /// Items of which a row waits in this pass.
  private var heldUp: Set<RecordID> = []
  /// Failures in this run, by row: an error once, or a lost answer twice, is enough for one.
  private var failuresNow: [Int64: Int] = [:]
  private static let mostFailures = 2

  init(
    snapshot: VaultSnapshot, receipts: [String: VaultID] = [:], sendings: [String: Int64] = [:],
    maySendShared: Bool = true, keysSince: Int64? = nil, isTyped: Bool = false, timeout: Duration,
    lag: Duration, now: Int64
  ) {
    self.snapshot = snapshot
    self.receipts = receipts
    self.sendings = sendings
    self.maySendShared = maySendShared
    self.keysSince = keysSince
    self.isTyped = isTyped
    self.timeout = timeout
    self.lag = lag
    self.now = now
  }

  // MARK: Order

  /// - Parameter rows: In order.
  func plan(_ rows: [OutboxRow]) -> [SyncStep] {
    var planner = self
    return rows.compactMap { planner.next($0) }
  }

  /// Of rows in order, the step for the next one; nil where there is nothing to say of it.
  mutating func next(_ row: OutboxRow) -> SyncStep? {
    guard var step = step(for: row) else { return nil }
    if isHeldUp(row) {
      switch step {
      case .send(let row, isProvenAbsent: true):
        // What is known of it now need not be looked up again.
        step = .settle(row, .provenAbsent, because: "a complete read lacks it")
      case .send:
        step = .hold(row, because: "an earlier write of the same item waits")
      case .wait(let row, _, let why):
        // Its own time comes only after that.
        step = .wait(row, until: nil, because: why)
      case .settle, .hold: break
      }
    }
    switch step {
    case .wait, .hold, .settle(_, .lost, _), .settle(_, .provenAbsent, _),
      .settle(_, .postponed, _):
      holdUp(row)
    case .settle, .send: break
    }
    return step
  }

  /// Nothing of its item goes out any more in this pass.
  mutating func holdUp(_ row: OutboxRow) { heldUp.insert(row.itemID) }

  /// - Parameter isError: The vault answered with an error; else its answer was lost.
  mutating func noteFailure(_ row: OutboxRow, isError: Bool) {
    failuresNow[row.number, default: 0] += isError ? Self.mostFailures : 1
  }

  mutating func beginPass() { heldUp = [] }

  private func isHeldUp(_ row: OutboxRow) -> Bool {
    if heldUp.isEmpty { return false }
    return heldUp.contains(row.itemID) || row.aboutTaskID.map(heldUp.contains) == true
  }

  // MARK: One row

  private func step(for row: OutboxRow) -> SyncStep? {
    switch row.state {
    case .uncertain:
      // A later read may still show it.
      return row.makesItem ? foundStep(row) : changeIsThere(row) ? alreadyThere(row) : nil
    case .sent where isKeyed(row):
      if row.makesItem { return foundStep(row) ?? resend(row) }
      return changeIsThere(row) ? alreadyThere(row) : resend(row)
    case .sent where (row.lookAfter ?? 0) > latestLook:
      // Further away than it can be: the clock was set back.
      return .settle(
        row,
        .lost(error: Self.doubt(row), lookAfter: latestLook, isRefusal: false),
        because: "the clock was set back")
    case .sent:
      return row.makesItem ? lostItem(row) : lostChange(row)
    case .queued where row.mustLook && (row.lookAfter ?? 0) > latestLook:
      return .settle(row, .postponed(lookAfter: latestLook), because: "the clock was set back")
    case .queued where row.mustLook && row.makesItem:
      return lostItem(row)
    case .queued:
      if let patience = impatience(row) { return patience }
      if row.makesItem { return foundStep(row) ?? .send(row, isProvenAbsent: false) }
      return row.mustLook ? restoredChange(row) : change(row, isProvenAbsent: false)
    case .held, .synced, .quarantined, .dropped:
      return nil
    }
  }

  /// Unix ms of the look at what is sent now; none can be due later.
  private var latestLook: Int64 { RowFate.lookAfterSending(at: now, timeout: timeout, lag: lag) }

  /// True if it must be seen in the vault, or not seen, before it may go out (again).
  func mustBeLookedUp(_ row: OutboxRow) -> Bool {
    switch row.state {
    case .sent: !isKeyed(row)
    case .queued: row.mustLook
    case .uncertain: true
    case .held, .synced, .quarantined, .dropped: false
    }
  }

  /// True if sending it once more does no harm: its first attempt carried its key.
  private func isKeyed(_ row: OutboxRow) -> Bool {
    guard let keysSince, let sentAt = row.sentAt, SyncKey.of(row) != nil,
      row.refusals < Self.keyedRefusals
    else { return false }
    return sentAt >= keysSince && sentAt <= now
  }

  /// Why it is not known whether the vault has it.
  private static func doubt(_ row: OutboxRow) -> String {
    if row.attempts == 0 {
      return row.requestID?.isOfAdoption == true
        ? "another memoryd that shares the fallback files may have sent it"
        : "it may have been sent before the store was put back"
    }
    return row.lastError ?? "memoryd ended while it was being sent"
  }

  // MARK: Failures

  /// A write that the vault answered with an error, or whose answers are lost and that it does not
  /// have: given up after a day, tried less and less often before. Nil if it may go out now.
  private func impatience(_ row: OutboxRow) -> SyncStep? {
    let error = row.lastError ?? "it failed before"
    if let since = row.failingSince, row.attempts >= Self.leastAttempts,
      (row.sentAt ?? since) - since >= Self.failurePatience.milliseconds
    {
      let error =
        "the vault did not take it within a day, in \(row.attempts) attempts; the last answer: "
        + error
      return .settle(row, .quarantined(error: error), because: error)
    }
    if failuresNow[row.number, default: 0] >= Self.mostFailures {
      return .wait(
        row, until: max(now + Self.firstPause.milliseconds, Self.retryTime(row)), because: error)
    }
    if isTyped { return nil }
    let until = max(Self.retryTime(row), row.notBefore ?? 0)
    return until > now && until - now <= 2 * Self.longestPause.milliseconds
      ? .wait(row, until: until, because: error) : nil
  }

  /// Unix ms at which a write that failed before is tried again.
  static func retryTime(_ row: OutboxRow) -> Int64 {
    guard let sentAt = row.sentAt, row.attempts > 0, row.failingSince != nil else { return 0 }
    return sentAt + min(longestPause, firstPause * (1 << min(20, row.attempts))).milliseconds
  }

  // MARK: Items

  private func foundStep(_ row: OutboxRow) -> SyncStep? {
    if case .found(let id) = snapshot.finding(row, after: 0, now: now) {
      return .settle(
        row, .synced(vaultID: id, task: snapshot.tasks[id]), because: "the vault has it")
    }
    if let marker = row.marker, let id = receipts[marker] {
      return .settle(
        row, .synced(vaultID: id, task: snapshot.tasks[id]),
        because: "the fallback file has its receipt")
    }
    return nil
  }

  /// One that may have arrived.
  private func lostItem(_ row: OutboxRow) -> SyncStep {
    if let found = foundStep(row) { return found }
    let after = lookAfter(row)
    switch snapshot.finding(row, after: after, now: now) {
    case .found:
      // Answered above.
      return .hold(row, because: "the vault has it")
    case .absent:
      if row.mustLook, !maySendShared {
        return .hold(row, because: "another memoryd is sending entries of the same files")
      }
      return resend(row)
    case .blind(let why):
      return .settle(row, .uncertain(error: why), because: why)
    case .unreadable(let why):
      return .wait(row, until: nil, because: "it may have arrived (\(Self.doubt(row))), and \(why)")
    case .notRead:
      return .wait(
        row, until: max(after, now), because: "it may have arrived: \(Self.doubt(row))")
    }
  }

  private func resend(_ row: OutboxRow) -> SyncStep {
    if let patience = impatience(row) {
      // What is known of it now need not be looked up again.
      if case .wait = patience {
        return .settle(row, .provenAbsent, because: "it is not there, and is tried again later")
      }
      return patience
    }
    return row.makesItem ? .send(row, isProvenAbsent: true) : change(row, isProvenAbsent: true)
  }

  /// Unix ms at which a read may begin that proves by its silence. A time that is further away than
  /// it can be comes from a clock that was set back.
  func lookAfter(_ row: OutboxRow) -> Int64 {
    var after = row.lookAfter ?? 0
    if let marker = row.marker, let sent = sendings[marker], row.mustLook {
      after = max(after, RowFate.lookAfterSending(at: sent, timeout: timeout, lag: lag))
    }
    return min(after, latestLook)
  }

  // MARK: Changes of tasks

  private func change(_ row: OutboxRow, isProvenAbsent: Bool) -> SyncStep {
    guard row.taskVaultID == nil else {
      if row.action == .done, changeIsThere(row) { return alreadyThere(row) }
      return .send(row, isProvenAbsent: isProvenAbsent)
    }
    switch row.makerState {
    case .queued, .sent:
      // It goes out first, in order.
      return .send(row, isProvenAbsent: isProvenAbsent)
    case .uncertain:
      return .hold(row, because: "it is not certain that the vault has the task")
    case .held, .synced, .quarantined, .dropped, nil:
      let error = "the vault never got the task"
      return .settle(row, .quarantined(error: error), because: error)
    }
  }

  /// One that may have been sent before the store was put back from a backup.
  private func restoredChange(_ row: OutboxRow) -> SyncStep {
    if row.taskVaultID == nil, row.makerState?.isWaiting == true {
      let until = max(now, lookAfter(row))
      return .wait(row, until: until, because: "whether the vault has its task is not known yet")
    }
    return row.taskVaultID == nil ? change(row, isProvenAbsent: false) : lostChange(row)
  }

  private func lostChange(_ row: OutboxRow) -> SyncStep {
    if changeIsThere(row) { return alreadyThere(row) }
    let after = lookAfter(row)
    guard let readAt = snapshot.tasksReadAt, readAt >= after else {
      return .wait(
        row, until: max(after, now), because: "it may have arrived: \(Self.doubt(row))")
    }
    if let id = row.taskVaultID, snapshot.tasks[id] == nil, !snapshot.hasAllTasks {
      let why = "the vault's lists do not reach the task"
      return .settle(row, .uncertain(error: why), because: why)
    }
    return resend(row)
  }

  private func changeIsThere(_ row: OutboxRow) -> Bool {
    if row.action == .done {
      // What is done once stays so.
      return row.taskVaultID.flatMap { snapshot.tasks[$0] }?.isDone ?? false
    }
    guard let task = snapshot.current(row),
      let ours = TaskFields(json: row.payload)
    else { return false }
    return TaskMerge.outgoing(ours, base: row.taskBase, theirs: task.fields) == TaskFields()
  }

  /// Its task comes along only as it surely is now: a state from before a write of ours would undo
  /// that write here.
  private func alreadyThere(_ row: OutboxRow) -> SyncStep {
    .settle(
      row, .synced(vaultID: row.taskVaultID, task: snapshot.current(row)),
      because: "the vault has it")
  }
}
