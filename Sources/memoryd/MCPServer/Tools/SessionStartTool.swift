import Checkpoints
import Continuity
import Core
import MemoryStore
import Vault

struct SessionStartTool: MCPTool {
  let name = "session_start"
  let help =
    "What a session needs at its start: tasks, newest checkpoint, decisions, counts."
  let isReadOnly = true

  let project = MCPParameter.project

  /// Tasks and decisions that are told in full.
  private static let mostTold = 10

  func call(_ arguments: MCPArguments, in context: MCPToolContext) throws -> MCPPayload {
    let service = context.service
    let database = try service.store.reading()
    let name = arguments[project]
    let tasks = try database.tasks(status: nil, filter: context.scope(named: name))
    let open = tasks.filter { $0.status == .open }
    let newest = try database.checkpoints(context.scope(named: name, limit: 1)).first
    let decisions = try database.decisions(context.scope(named: name, limit: Self.mostTold))
    let struck = RecoveryService(service: service).struck
    let counts: JSON = ["open": open.count, "done": tasks.count - open.count]
    return MCPPayload([
      "vault_healthy": service.vault.verdict().mode != .degraded,
      "open_tasks_count": open.count, "checkpoint": newest.map { context.row($0) },
      "recent_tasks": open.filter { !struck.has(task: $0) }.prefix(Self.mostTold)
        .map(JSONOutput.task),
      "recent_decisions": decisions.filter { !struck.has($0.decision) }.map(JSONOutput.decision),
      "task_stats": counts,
      "session_started_at": Timestamp.string(service.context.clock.now),
    ])
  }
}
