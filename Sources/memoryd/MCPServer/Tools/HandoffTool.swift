import Checkpoints
import Continuity
import Core
import MemoryStore

struct HandoffTool: MCPTool {
  enum Action: String, CaseIterable {
    case write, take, list, show
  }

  let name = "handoff"
  let help = """
    Passes the work on: `write` makes a document of what was done, what comes next and why, and \
    with `to` a message for one reader; `take` hands the oldest unread message over, once.
    """
  let isReadOnly = false

  let action = MCPParameter<Action>.choice("action", "What to do.", isRequired: true)
  let note = MCPParameter.text("note", "write: what only you know, as Markdown.")
  let recipient = MCPParameter.text("to", "write: the reader of a message.")
  let sender = MCPParameter.text("from", "write: who writes it.")
  let topic = MCPParameter.text("topic", "write: what the message is about.")
  let session = MCPParameter<SessionID>.id("session", "write: the session (default: the caller's).")
  let reader = MCPParameter.text("reader", "take: the name that the message is for.")
  let id = MCPParameter<RecordID>.id("id", "show: the handoff; the newest without it.")
  let limit = MCPParameter.integer("limit", "list: at most so many (20).")
  let project = MCPParameter.project

  private static let defaultLimit = 20

  func call(_ arguments: MCPArguments, in context: MCPToolContext) throws -> MCPPayload {
    let place = try context.visibleProject(
      named: arguments[project], session: arguments[session])
    switch try arguments.required(action) {
    case .write: return try write(arguments, place, context)
    case .take:
      let received = try HandoffMailbox(service: context.service).receive(
        as: arguments[reader], project: place)
      var object = JSONOutput.handoff(received.message)
      object["document"] = received.message.body.json
      return MCPPayload(Self.disarmed(object))
    case .show:
      let database = try context.service.store.reading()
      let record =
        try arguments[id].map { (id) throws(StoreError) in try database.handoff(id: id) }
        ?? database.handoffs(RecordFilter(place: place)).first { $0.recipient == nil }
      guard let record, try !context.hides(entry: record.id) else {
        throw MCPFailure(message: "there is no such handoff")
      }
      return MCPPayload(markdown: Markdown.disarmed(record.body))
    case .list:
      let filter = RecordFilter(place: place, limit: arguments[limit] ?? Self.defaultLimit)
      return MCPPayload(
        try context.service.store.reading().handoffs(filter).map {
          Self.disarmed(JSONOutput.handoff($0))
        })
    }
  }

  private func write(
    _ arguments: MCPArguments, _ place: ProjectReference, _ context: MCPToolContext
  ) throws -> MCPPayload {
    var request = HandoffRequest(project: place)
    request.isProjectNamed = context.isVault || arguments[project] != nil
    request.session = arguments[session]
    request.sender = arguments[sender]
    request.recipient = arguments[recipient]
    request.topic = arguments[topic]
    request.note = arguments[note]
    // A caller without a working folder has no repository to write into.
    if context.isVault { request.place = .nowhere }
    let written = try HandoffWriter(service: context.service).write(request)
    return context.acknowledged(
      written.acknowledgement,
      [
        "id": written.acknowledgement.id, "path": written.path,
        "summary": written.handoff.summary, "document": written.document,
        "created_at": Timestamp.string(written.acknowledgement.createdAt),
      ])
  }

  /// What a model reads of messages that anybody may have left in a repository.
  private static func disarmed(_ object: JSON) -> JSON {
    let fields = object.object ?? [:]
    return .object(
      fields.mapValues { value in value.string.map { .string(Markdown.disarmed($0)) } ?? value })
  }
}
