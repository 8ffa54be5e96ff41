import Continuity
import Core

package struct SessionEndTool: MCPTool {
  package let name = "session_end"
  package let help = "Saves a last checkpoint of a session."
  package let isReadOnly = false

  package let objective = MCPParameter.text(
    "objective", "What the session was about.", isRequired: true)
  let recentActions = MCPParameter.texts("recent_actions", "What was done.")
  package let blockers = MCPParameter.texts("blockers", "What is in the way.")
  package let project = MCPParameter.project

  package func call(_ arguments: MCPArguments, in context: MCPToolContext) throws -> MCPPayload {
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
        "session_ended_at": Timestamp.string(context.service.clock.now),
      ])
  }
}
