public import MemoryStore

/// What is to be done with one outbox row.
public enum SyncStep: Sendable, Equatable {
  /// Nothing goes out: it is known what became of it.
  case settle(OutboxRow, OutboxSettlement, because: String)
  /// It goes out; `isProvenAbsent` if it went out before and a complete read lacks it, or its key
  /// keeps it from being applied twice.
  case send(OutboxRow, isProvenAbsent: Bool)
  /// It must wait (until Unix ms, if that is known), and what comes behind it in its kind too.
  case wait(OutboxRow, until: Int64?, because: String)
  /// It waits for a person's word about another row; the rest goes on.
  case hold(OutboxRow, because: String)

  public var row: OutboxRow {
    switch self {
    case .settle(let row, _, _), .send(let row, _), .wait(let row, _, _), .hold(let row, _): row
    }
  }
}

/// Decides what to do with the outbox. Pure: no vault, no store, no clock.
struct SyncPlanner {
  /// How often a write may be refused for itself, and then be proven absent, before a person is
  /// asked.
  static let refusalLimit = 5
  static let attemptLimit = 50
  /// After so many errors for one write it is looked up, key or not, before it is given up.
  static let keyedRefusals = 3

  var snapshot: VaultSnapshot
  /// Marker to the vault's id, from the fallback files.
  var receipts: [String: String] = [:]
  /// Marker to Unix ms: what others that share the files may have sent.
  var sendings: [String: Int64] = [:]
  /// False while another memoryd that shares the files is sending from them.
  var maySendShared = true
  /// Since when each write to this vault carries a key that makes a second attempt harmless, Unix
  /// ms; nil where the vault does not promise that.
  var keysSince: Int64?
  /// Ms.
  var timeout: Int64
  var lag: Int64
  /// Unix ms.
  var now: Int64

  /// - Parameters:
  ///   - rows: Of one kind, in order.
  ///   - isBlocked: True if an earlier row of the kind waits.
  func plan(_ rows: [OutboxRow], isBlocked: Bool = false) -> [SyncStep] {
    var steps: [SyncStep] = []
    var isBlocked = isBlocked
    for row in rows {
      var step = self.step(for: row)
      if isBlocked, case .send(let row, let isProvenAbsent) = step {
        if isProvenAbsent {
          step = .settle(row, .provenAbsent, because: "a complete read lacks it")
        } else {
          continue
        }
      }
      // Its time was set anew; nothing behind it may overtake it.
      if case .settle(_, .lost, _) = step { isBlocked = true }
      if case .wait(let row, _, let why) = step {
        // What comes behind a row that waits has its own time only after that.
        if isBlocked { step = .wait(row, until: nil, because: why) }
        isBlocked = true
      }
      if let step { steps.append(step) }
    }
    return steps
  }

  private func step(for row: OutboxRow) -> SyncStep? {
    switch row.state {
    case .uncertain:
      // A later read may still show it.
      return row.makesItem ? foundStep(row) : changeIsThere(row) ? alreadyThere(row) : nil
    case .sent where isKeyed(row):
      if row.makesItem { return foundStep(row) ?? resend(row) }
      return changeIsThere(row) ? alreadyThere(row) : resend(row)
    case .sent where (row.lookAfter ?? 0) - now > timeout + lag:
      // Further away than it can be: the clock was set back.
      return .settle(
        row,
        .lost(
          error: row.lastError ?? "its answer was lost", lookAfter: now + timeout + lag,
          isRefusal: false), because: "the clock was set back")
    case .sent:
      return row.makesItem ? lostItem(row) : lostChange(row)
    case .queued where row.mustLook && row.makesItem:
      return lostItem(row)
    case .queued:
      if let notBefore = row.notBefore, notBefore > now, notBefore - now <= 2 * (timeout + lag) {
        return .wait(row, until: notBefore, because: row.lastError ?? "it was tried just now")
      }
      if row.makesItem { return foundStep(row) ?? .send(row, isProvenAbsent: false) }
      return row.mustLook ? restoredChange(row) : change(row, isProvenAbsent: false)
    case .synced, .quarantined, .dropped:
      return nil
    }
  }

  /// True if sending it once more does no harm: its first attempt carried its key.
  private func isKeyed(_ row: OutboxRow) -> Bool {
    guard let keysSince, let sentAt = row.sentAt, SyncKey.of(row) != nil,
      row.refusals < Self.keyedRefusals
    else { return false }
    return sentAt >= keysSince && sentAt <= now
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
    case .notRead:
      return .wait(
        row, until: max(after, now),
        because: "it may have arrived: \(row.lastError ?? "its answer was lost")")
    }
  }

  private func resend(_ row: OutboxRow) -> SyncStep {
    if row.refusals >= Self.refusalLimit || (row.attempts >= Self.attemptLimit && !isKeyed(row)) {
      let error =
        "the vault did not take it in \(row.attempts) attempts; the last answer: "
        + (row.lastError ?? "none")
      return .settle(row, .quarantined(error: error), because: error)
    }
    return row.makesItem ? .send(row, isProvenAbsent: true) : change(row, isProvenAbsent: true)
  }

  /// Unix ms at which a read may begin that proves by its silence. A time that is further away than
  /// it can be comes from a clock that was set back.
  private func lookAfter(_ row: OutboxRow) -> Int64 {
    var after = row.lookAfter ?? 0
    if let marker = row.marker, let sent = sendings[marker], row.mustLook {
      after = max(after, sent + timeout + lag)
    }
    return after - now > timeout + lag ? now + timeout + lag : after
  }

  // MARK: Changes of tasks

  private func change(_ row: OutboxRow, isProvenAbsent: Bool) -> SyncStep {
    guard row.taskVaultID == nil else {
      if row.action == "done", changeIsThere(row) { return alreadyThere(row) }
      return .send(row, isProvenAbsent: isProvenAbsent)
    }
    switch row.makerState {
    case .queued, .sent:
      // It goes out first, in order.
      return .send(row, isProvenAbsent: isProvenAbsent)
    case .uncertain:
      return .hold(row, because: "it is not certain that the vault has the task")
    case .synced, .quarantined, .dropped, nil:
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
        row, until: max(after, now),
        because: "it may have arrived: \(row.lastError ?? "its answer was lost")")
    }
    if let id = row.taskVaultID, snapshot.tasks[id] == nil, !snapshot.hasAllTasks {
      let why = "the vault's lists do not reach the task"
      return .settle(row, .uncertain(error: why), because: why)
    }
    return resend(row)
  }

  private func changeIsThere(_ row: OutboxRow) -> Bool {
    if row.action == "done" {
      // What is done once stays so.
      return row.taskVaultID.flatMap { snapshot.tasks[$0] }?.isDone ?? false
    }
    guard let task = snapshot.current(row),
      let ours = MemoryDatabase.taskFields(row.payload)
    else { return false }
    return TaskMerge.change(ours, base: row.taskBase, theirs: task.fields) == TaskFields()
  }

  private func alreadyThere(_ row: OutboxRow) -> SyncStep {
    let task = row.taskVaultID.flatMap { snapshot.tasks[$0] }
    return .settle(
      row, .synced(vaultID: row.taskVaultID, task: task), because: "the vault has it")
  }
}
