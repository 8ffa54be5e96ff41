import Checkpoints
import Continuity
import Core

struct ResumeTool: MCPTool {
  let name = "resume"
  let help = """
    The recovery document: last requests, plan, files, commands, decisions and open tasks of \
    the project's newest session, as Markdown.
    """
  let isReadOnly = true

  let budget = MCPParameter.integer("budget", "At most so many UTF-16 units.")
  let session = MCPParameter<SessionID>.id("session", "Of this session.")
  let project = MCPParameter.project

  /// UTF-16 units; a smaller document would have no room for what matters.
  private static let leastBudget = 300

  func call(_ arguments: MCPArguments, in context: MCPToolContext) throws -> MCPPayload {
    let service = context.service
    let budget = arguments[budget] ?? service.context.settings.integer(.resumeBudget)
    let document = try RecoveryService(service: service).document(
      sessionID: arguments[session],
      project: try context.visibleProject(named: arguments[project], session: arguments[session]),
      occasion: .request)
    guard let document else {
      throw MCPFailure(message: "nothing is recorded for this project")
    }
    return MCPPayload(
      markdown: document.markdown(
        now: service.context.clock.now, budget: max(Self.leastBudget, budget)))
  }
}
