import Continuity
import Core
import MemoryStore

struct DecisionTool: MCPTool {
  enum Action: String, CaseIterable {
    case add, list
  }

  let name = "decision"
  let help = "Records decisions with their reasons, and lists them, newest first."
  let isReadOnly = false

  let action = MCPParameter<Action>.choice("action", "What to do.", isRequired: true)
  let decision = MCPParameter.text("decision", "add: what was decided.")
  let rationale = MCPParameter.text(
    "rationale", "add: why, so that nobody decides it again.")
  let taskID = MCPParameter<RecordID>.id("task_id", "add: the task that it belongs to.")
  let limit = MCPParameter.integer("limit", "list: at most so many.")
  let project = MCPParameter.project

  func call(_ arguments: MCPArguments, in context: MCPToolContext) throws -> MCPPayload {
    switch try arguments.required(action) {
    case .add:
      return try context.decide(
        arguments.nonblank(decision), rationale: arguments.nonblank(rationale),
        taskID: arguments[taskID], project: arguments[project])
    case .list:
      let filter = try context.filter(named: arguments[project], limit: arguments[limit])
      return MCPPayload(
        try context.service.store.reading().decisions(filter).map(JSONOutput.decision))
    }
  }
}
