import MemoryStore
import Continuity

package struct DecisionTool: MCPTool {
  package enum Action: String, CaseIterable {
    case add, list
  }

  package let name = "decision"
  package let help = "Records decisions with their reasons, and lists them, newest first."
  package let isReadOnly = false

  package let action = MCPParameter<Action>.choice("action", "What to do.", isRequired: true)
  package let decision = MCPParameter.text("decision", "add: what was decided.")
  package let rationale = MCPParameter.text(
    "rationale", "add: why, so that nobody decides it again.")
  package let taskID = MCPParameter.text("task_id", "add: the task that it belongs to.")
  package let limit = MCPParameter.integer("limit", "list: at most so many.")
  package let project = MCPParameter.project

  package func call(_ arguments: MCPArguments, in context: MCPToolContext) throws -> MCPPayload {
    switch try arguments.required(action) {
    case .add:
      return try context.decide(
        arguments.nonblank(decision), rationale: arguments.nonblank(rationale),
        taskID: arguments[taskID], project: arguments[project])
    case .list:
      let filter = try context.filter(named: arguments[project], limit: arguments[limit])
      return MCPPayload(try context.service.reader().decisions(filter).map(JSONOutput.decision))
    }
  }
}
