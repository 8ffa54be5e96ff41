import Continuity
import Core
import MemoryStore
import Vault

struct BackupTool: MCPTool {
  let name = "backup"
  let help = "All tasks and decisions and the newest ten checkpoints, as one JSON document."
  let isReadOnly = true

  func call(_ arguments: MCPArguments, in context: MCPToolContext) throws -> MCPPayload {
    let service = context.service
    let database = try service.store.reading()
    var filter = RecordFilter()
    filter.hidesPrivate = true
    if !context.isVault { filter.visitor = ProjectFinder.here(service) }
    let tasks = try database.tasks(status: nil, filter: filter).map(JSONOutput.task)
    let decisions = try database.decisions(filter).map(Self.row)
    filter.limit = VaultTools.backupCheckpoints
    let checkpoints = try database.checkpoints(filter).map { context.row($0) }
    let tables: JSON = [
      "tasks": Self.table([]), "stages": Self.table([]),
      "checkpoints": Self.table(checkpoints), "decisions": Self.table(decisions),
      "model_stats": Self.table([]), "circuit_breaker": Self.table([]),
    ]
    return MCPPayload([
      "exported_at": Timestamp.string(service.context.clock.now),
      // The keys of vault-mcp's store, the oldest first.
      "kv_tasks": Self.table(
        tasks.sorted { $0["id"]?.string ?? "" < $1["id"]?.string ?? "" }),
      "d1": tables,
    ])
  }

  /// As vault-mcp exports each of its tables.
  private static func table(_ rows: [JSON]) -> JSON {
    ["count": rows.count, "data": rows]
  }

  /// A row of vault-mcp's decisions.
  private static func row(_ decision: DecisionRecord) -> JSON {
    [
      "id": decision.id, "decision": decision.decision, "rationale": decision.rationale,
      "task_id": decision.taskID, "created_at": Timestamp.string(decision.createdAt),
    ]
  }
}
