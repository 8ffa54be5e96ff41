import Core
import MemoryStore
import Vault

/// Takes in what the vault has.
extension SyncRun {
  func pull() throws(StoreError) {
    guard let readAt = planner.snapshot.tasksReadAt else { return }
    let tasks = planner.snapshot.tasks.values.sorted { $0.vaultID < $1.vaultID }
    report.pulled = try database.pull(
      tasks.filter { $0.fields.title != "" }, from: settings.vault, at: clock.now,
      lag: settings.lag)
    report.differences = try database.differences(
      from: tasks, in: settings.vault.id, isComplete: planner.snapshot.hasAllTasks, readAt: readAt,
      lag: settings.lag)
    guard settings.takesCheckpoint, !isStopped, budget.hasTime else { return }
    do throws(VaultFailure) {
      if let newest = try vault.newestCheckpoint(by: settings.end) { newestCheckpoint = newest }
    } catch {
      if !error.isAboutThisCall { fail(error) }
    }
  }
}
