import Canary
import Core
import MemoryStore
import Vault

/// Reads of the vault what the planner needs, no more often than the schedule of looks allows.
extension SyncRun {
  func readWhatIsNeeded(for rows: [OutboxRow], _ kind: ItemKind, _ pass: inout OutboxPass) {
    let now = clock.now
    planner.now = now
    let isTask = kind == .task
    let schedule = isTask ? looks.tasks : looks.backup
    let unclear = rows.filter(planner.mustBeLookedUp)
    let isDue =
      pass.mayLook || schedule.isDue(at: now)
      || unclear.contains { $0.state != .uncertain && schedule.isNew(ripe: ripe($0), at: now) }
    let mayLookUp = unclear.contains {
      $0.state == .uncertain ? pass.mayLook || looks.uncertain.isDue(at: now) : isDue
    }
    if isTask {
      let isChange = rows.contains { !$0.makesItem && $0.state == .queued }
      // What others changed meanwhile is merged into a change.
      if planner.snapshot.tasksReadAt == nil, isChange || mayLookUp { readTasks() }
      // A list may be cut off at its thousandth task where the backup is not.
      guard planner.snapshot.tasksReadAt != nil, !planner.snapshot.hasAllTasks else { return }
    }
    guard !isStopped, mayLookUp, planner.snapshot.needsBackup else { return }
    let readAt = clock.now
    // A read that fails is a look too: it is not tried again at once.
    pass.backupReadAt = readAt
    do throws(VaultFailure) {
      planner.snapshot.ingest(try vault.backup(by: settings.end), readAt: readAt)
    } catch {
      planner.snapshot.noteBackupFailure(
        "the vault's backup, in which it would be looked up, fails: \(error.detail)",
        isImpossible: error.isAboutThisCall && (error.delivery == .refused || error.isUnknownTool))
      if !error.isAboutThisCall { fail(error) }
    }
  }

  /// Unix ms from which on a look at a row can tell.
  private func ripe(_ row: OutboxRow) -> Int64 {
    row.state == .sent ? planner.lookAfter(row) : max(planner.lookAfter(row), row.updatedAt)
  }

  /// Reads all tasks; the run stops where the vault does not give them.
  func readTasks() {
    let readAt = clock.now
    losses.noteReadBegins()
    guard settings.end != nil else {
      if let answer = probe() {
        losses.noteRead()
        ingest(answer.tasks, isWhole: answer.isWhole, readAt)
      } else {
        isStopped = true
      }
      return
    }
    do throws(VaultFailure) {
      let list = try vault.tasks(status: "", by: settings.end)
      losses.noteRead()
      ingest(list.rows, isWhole: list.isWhole, readAt)
    } catch {
      fail(error)
      isStopped = true
    }
  }

  private func ingest(_ tasks: [VaultTask], isWhole: Bool, _ readAt: Int64) {
    planner.snapshot.ingest(tasks: tasks, isWhole: isWhole, readAt: readAt)
    // Whether the backup shows more than the list is to be seen anew.
    if !planner.snapshot.hasAllTasks { planner.snapshot.forgetBackup() }
  }
}
