import Continuity
import Core
import MemoryStore

struct CheckpointTool: MCPTool {
  enum Action: String, CaseIterable {
    case load, save, decide, ingest
  }

  let name = "checkpoint"
  let help = """
    Saves where the work stands, and loads the newest such record. `save` before a long pause or \
    a risky step; `decide` records a decision with its reason.
    """
  let isReadOnly = false

  let action = MCPParameter<Action>.choice("action", "What to do.", isRequired: true)
  let objective = MCPParameter.text("objective", "save: what the work is about.")
  let blockers = MCPParameter.texts("blockers", "save: what is in the way.")
  let recentActions = MCPParameter.texts("recent_actions", "save: what was done, newest last.")
  let decision = MCPParameter.text("decision", "decide: what was decided.")
  let rationale = MCPParameter.text("rationale", "decide: why.")
  let taskID = MCPParameter<RecordID>.id("task_id", "decide: the task that it belongs to.")
  let project = MCPParameter.project

  func call(_ arguments: MCPArguments, in context: MCPToolContext) throws -> MCPPayload {
    switch try arguments.required(action) {
    case .load:
      let newest = try context.service.store.reading().checkpoints(
        context.scope(named: arguments[project], limit: 1)
      ).first
      return newest.map { MCPPayload(context.row($0)) }
        ?? MCPPayload(["message": "No checkpoints found"])
    case .save:
      let done = try context.saveCheckpoint(
        objective: arguments[objective], blockers: arguments[blockers] ?? [],
        actions: arguments[recentActions] ?? [], project: arguments[project])
      // One that is only in the spool cannot be read back yet.
      let stored = (try? context.service.store.reading().checkpoint(id: done.id)) ?? nil
      return context.acknowledged(
        done,
        [
          "id": done.id, "created_at": Timestamp.string(done.createdAt),
          "content_length": stored.map { context.content($0).utf16.count } ?? 0,
        ])
    case .decide:
      return try context.decide(
        arguments.nonblank(decision), rationale: arguments.nonblank(rationale),
        taskID: arguments[taskID], project: arguments[project])
    case .ingest:
      throw MCPFailure(message: "memoryd reads transcripts by itself: `memoryd ingest`")
    }
  }
}
