import Checkpoints
import Continuity
import Core
import MemoryStore

struct LedgerTool: MCPTool {
  enum Action: String, CaseIterable {
    case add, list, render, verify
  }

  let name = "ledger"
  let help = """
    The completion ledger: what is done, with the commit that proves it. `list` at the start of a \
    session, `add` at its end; what is not in it did not happen.
    """
  let isReadOnly = false

  let action = MCPParameter<Action>.choice("action", "What to do.", isRequired: true)
  let item = MCPParameter.text("item", "add: what it is, in a few words.")
  let status = MCPParameter<Ledger.Status>.choice("status", "add: `done` (default); list.")
  let phase = MCPParameter.text(
    "phase", "add, list: the phase; add: the last one without it.")
  let detail = MCPParameter.text("detail", "add: the commit, or why it is not done.")
  let date = MCPParameter.text("date", "add: YYYY-MM-DD; today without it.")
  let limit = MCPParameter.integer("limit", "list: at most so many, the last ones.")
  let project = MCPParameter.project

  func call(_ arguments: MCPArguments, in context: MCPToolContext) throws -> MCPPayload {
    let place = try context.visibleProject(named: arguments[project])
    let service = context.service
    switch try arguments.required(action) {
    case .add:
      let entry = Ledger.Entry(
        try arguments.nonblank(item), status: arguments[status] ?? .done,
        detail: arguments[detail], date: arguments[date])
      let done = try LedgerService(service: service).add(
        [entry], phase: arguments[phase], source: .manual, project: place,
        session: context.session)
      return context.acknowledged(
        done, ["id": done.id, "created_at": Timestamp.string(done.createdAt)])
    case .list:
      let items = try service.store.reading().ledgerItems(
        RecordFilter(place: place), phase: arguments[phase], status: arguments[status])
      return MCPPayload(items.suffix(arguments[limit] ?? .max).map(JSONOutput.ledgerItem))
    case .render:
      guard let ledger = try service.store.reading().ledger(place) else {
        throw MCPFailure(message: "this project has no ledger")
      }
      return MCPPayload(markdown: ledger.markdown())
    case .verify:
      let records = try service.store.reading().ledgerItems(RecordFilter(place: place))
      return MCPPayload(
        try LedgerService(service: service).verify(records).results.map(JSONOutput.ledgerResult))
    }
  }
}
