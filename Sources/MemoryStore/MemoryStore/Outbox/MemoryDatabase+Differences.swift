public import Core
import GRDB
import Redaction

/// A field in which a task is one thing here and another in the vault, though nothing of it waits.
public struct TaskDifference: Sendable, Equatable {
  public var taskID: RecordID
  public var vaultID: VaultID
  /// vault-mcp's name of it, or `task` for one that the vault does not have any more.
  public var field: String
  public var here: String?
  public var inVault: String?
}

extension MemoryDatabase {
  /// Compares what is settled: tasks with waiting changes, or with a write so young that the
  /// vault's lists may not show it, are left out.
  ///
  /// - Parameters:
  ///   - tasks: As the vault has them, markers taken out.
  ///   - isComplete: The vault has no others.
  ///   - readAt: Unix ms at which they were read; `lag`: of such reads.
  public func differences(
    from tasks: [RemoteTask], in vault: String, isComplete: Bool, readAt: Int64, lag: Duration
  ) throws(StoreError) -> [TaskDifference] {
    let remote = Dictionary(tasks.map { ($0.vaultID, $0) }) { first, _ in first }
    return try read { db in
      let rows = try Row.fetchCursor(
        db,
        sql: """
          SELECT t.*, i.vault_id
          FROM vault_items i JOIN tasks t ON t.id = i.item_id
          WHERE i.vault = ? AND i.kind = 'task'
            AND (i.written_at IS NULL OR i.written_at + ? <= ?)
            AND NOT EXISTS (SELECT 1 FROM outbox o
              WHERE o.item_id = t.id AND o.vault = i.vault AND o.state IN ('queued', 'sent'))
          ORDER BY t.id
          """, arguments: [vault, lag.milliseconds, readAt])
      var found: [TaskDifference] = []
      while let row = try rows.next() {
        let vaultID: VaultID = row["vault_id"]
        func compare(_ field: String, _ here: String?, _ there: String?) {
          guard here != there else { return }
          found.append(
            TaskDifference(
              taskID: row["id"], vaultID: vaultID, field: field, here: here, inVault: there))
        }
        guard let task = remote[vaultID] else {
          if isComplete { compare("task", row["title"], nil) }
          continue
        }
        let (ours, theirs) = (TaskFields(row: row), redacted(task).fields)
        for field in TaskField.allCases { compare(field.rawValue, ours[field], theirs[field]) }
        let status = task.isDone ? TaskStatus.done : .open
        compare("status", row["status"], status.rawValue)
      }
      return found
    }
  }
}
