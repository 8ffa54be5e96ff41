import Continuity
import Core
import MemoryStore

struct SearchTool: MCPTool {
  let name = "search"
  let help = """
    Finds what was said, done, decided or planned in any session. Plain words; the best hits \
    come first.
    """
  let isReadOnly = true

  let query = MCPParameter.text("query", "Words, in any order.", isRequired: true)
  let session = MCPParameter<SessionID>.id("session", "Only in this session.")
  let limit = MCPParameter.integer("limit", "At most so many, 100 at the most.")
  let project = MCPParameter.project

  private static let defaultLimit = 20
  private static let mostHits = 100

  func call(_ arguments: MCPArguments, in context: MCPToolContext) throws -> MCPPayload {
    let query = try arguments.nonblank(query)
    var filter = try context.filter(
      named: arguments[project],
      limit: min(Self.mostHits, arguments[limit] ?? Self.defaultLimit))
    filter.sessionID = arguments[session]
    let result = try context.service.store.reading().search(
      query, filter: filter,
      options: ProjectFinder.searchOptions(
        try context.project(named: arguments[project]), context.service))
    var object: JSON = [
      "query": query, "count": result.hits.count, "results": result.hits.map(JSONOutput.hit),
    ]
    if !result.complaints.isEmpty { object["complaints"] = result.complaints.json }
    return MCPPayload(object)
  }
}
