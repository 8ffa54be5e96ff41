import Continuity
import Core

struct SessionEndTool: MCPTool {
  let name = "session_end"
  let help = "Saves a last checkpoint of a session."
  let isReadOnly = false

  let objective = MCPParameter.text(
    "objective", "What the session was about.", isRequired: true)
  let recentActions = MCPParameter.texts("recent_actions", "What was done.")
  let blockers = MCPParameter.texts("blockers", "What is in the way.")
  let project = MCPParameter.project

  func call(_ arguments: MCPArguments, in context: MCPToolContext) throws -> MCPPayload {
    let done = try context.saveCheckpoint(
      objective: arguments.nonblank(objective), blockers: arguments[blockers] ?? [],
      actions: arguments[recentActions] ?? [], project: arguments[project])
    return context.acknowledged(
      done,
      [
        "checkpoint_saved": true, "checkpoint_id": done.id,
        "checkpoint_created_at": Timestamp.string(done.createdAt),
        // memoryd reads transcripts where they are, and takes none from a caller.
        "transcript_captured": false,
        "session_ended_at": Timestamp.string(context.service.context.clock.now),
      ])
  }
}
