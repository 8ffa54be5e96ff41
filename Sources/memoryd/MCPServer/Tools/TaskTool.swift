import Checkpoints
import Continuity
import Core
import MemoryStore

struct TaskTool: MCPTool {
  enum Action: String, CaseIterable {
    case add, update, done, retro, list
  }

  enum Format: String, CaseIterable {
    case json
    case markdown = "md"
  }

  let name = "task"
  let help = """
    Keeps tasks across sessions. `list` first thing in a session; `add` when work is found that \
    is not done now; `update` and `done` by id; `retro` for work that is already done.
    """
  let isReadOnly = false

  let action = MCPParameter<Action>.choice("action", "What to do.", isRequired: true)
  let id = MCPParameter.text("id", "update, done: the task's id.")
  let title = MCPParameter.text("title", "add, retro, update: the task in a few words.")
  let project = MCPParameter.text(
    "project", "Short name of the project; `inbox` without it.")
  let source = MCPParameter.choice(
    "source", from: TaskSource.sayable.map(\.rawValue),
    "add: where it comes from. `auto`, the default, needs a context.")
  let context = MCPParameter.text(
    "context", "What a reader who knows nothing needs in order to do it.")
  let occurredAt = MCPParameter.text(
    "occurred_at", "retro, update: when it happened, RFC 3339.")
  let status = MCPParameter.text(
    "status", "list: `open` (default), `done`, or empty for all.", emptyIsValue: true)
  let format = MCPParameter<Format>.choice("format", "list: JSON (default) or Markdown.")

  func call(_ arguments: MCPArguments, in context: MCPToolContext) throws -> MCPPayload {
    switch try arguments.required(action) {
    case .list: return try list(arguments, context)
    case .add:
      let source = arguments[source].map(TaskSource.init(rawValue:)) ?? .auto
      if source == .auto, arguments[self.context] == nil {
        throw MCPFailure(message: "task.add failed: context required when source=auto")
      }
      return try add(
        TaskDraft(
          title: try arguments.nonblank(title), source: source, context: arguments[self.context]),
        arguments, context)
    case .retro:
      return try add(
        TaskDraft(
          TaskFields(
            title: try arguments.nonblank(title), context: arguments[self.context],
            occurredAt: arguments[occurredAt]), source: .retroactive, isDone: true),
        arguments, context)
    case .update:
      let given = RecordID(rawValue: try arguments.nonblank(id))
      let found = try arguments[project].map { try context.taskProject(named: $0) }
      let fields = TaskFields(
        title: arguments[title], project: found?.name, context: arguments[self.context],
        occurredAt: arguments[occurredAt])
      return try commit(
        TaskChange(id: given.uppercased(), fields: fields), to: given, project: found, context)
    case .done:
      let given = RecordID(rawValue: try arguments.nonblank(id))
      return try commit(
        TaskChange(id: given.uppercased(), completes: true), to: given, project: nil, context)
    }
  }

  private func list(_ arguments: MCPArguments, _ context: MCPToolContext) throws -> MCPPayload {
    let status = arguments[status] ?? "open"
    let known = TaskStatus(rawValue: status)
    let database = try context.service.store.reading()
    let filter = try context.filter(named: arguments[project])
    // Of a status that there is not there are no tasks.
    let tasks =
      known == nil && !status.isEmpty ? [] : try database.tasks(status: known, filter: filter)
    switch arguments[format] ?? .json {
    case .json: return MCPPayload(tasks.map(JSONOutput.task))
    case .markdown: return MCPPayload(markdown: TaskListText.markdown(tasks))
    }
  }

  private func add(
    _ draft: TaskDraft, _ arguments: MCPArguments, _ context: MCPToolContext
  ) throws -> MCPPayload {
    let project = arguments[project] ?? "inbox"
    let done = try context.service.writer.commit(
      .addTask(draft), project: try context.taskProject(named: project), session: context.session)
    // One that is only in the spool cannot be read back yet.
    if let known = (try? context.service.store.reading().task(id: done.id)) ?? nil {
      return context.acknowledged(done, JSONOutput.task(known))
    }
    var task = TaskRecord(
      id: done.id, fields: draft.fields, status: draft.isDone ? .done : .open,
      source: draft.source, createdAt: done.createdAt,
      completedAt: draft.isDone ? done.createdAt : nil)
    task.fields.project = project
    return context.acknowledged(done, JSONOutput.task(task))
  }

  /// - Parameter given: The id as the caller wrote it.
  private func commit(
    _ change: TaskChange, to given: RecordID, project: ProjectReference?, _ context: MCPToolContext
  ) throws -> MCPPayload {
    // vault-mcp reports it as success.
    let missing = MCPPayload(["error": "Task not found", "id": given])
    if try context.hides(entry: change.id) { return missing }
    do throws(StoreError) {
      let done = try context.service.writer.commit(.changeTask(change), project: project)
      let known = (try? context.service.store.reading().task(id: change.id)) ?? nil
      return context.acknowledged(done, known.map(JSONOutput.task) ?? ["id": change.id])
    } catch {
      guard error.code == .notFound else { throw error }
      return missing
    }
  }
}
