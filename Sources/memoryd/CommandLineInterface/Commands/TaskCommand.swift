import ArgumentParser
import Continuity
import Core
import MemoryStore

struct TaskCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "task", abstract: "Keeps tasks.",
    subcommands: [Add.self, Update.self, Done.self, Retro.self, List.self])

  /// The text fields of a task, as vault-mcp names them.
  struct Fields: ParsableArguments {
    @Option(name: .long, parsing: .unconditional, help: "What a reader needs to know.")
    var context: TextArgument?
    @Option(name: .customLong("occurred-at"), parsing: .unconditional, help: "When, RFC 3339.")
    var occurredAt: TextArgument?

    /// What was given, as the fields of a task.
    func texts(title: String?, project: String? = nil) -> TaskFields {
      TaskFields(
        title: title, project: project, context: context?.text, occurredAt: occurredAt?.text)
    }

    func validate() throws {
      if let text = occurredAt?.text, !text.isEmpty, Timestamp.milliseconds(text) == nil {
        throw ValidationError("--occurred-at must be RFC 3339, for example 2026-01-14T15:18:00Z")
      }
    }
  }

  struct Add: Command {
    static let configuration = CommandConfiguration(
      commandName: "add",
      abstract: "Adds a task.",
      discussion: "memoryd task add \"Fix the parser\" --context \"fails on CRLF\"")

    @OptionGroup var shared: SharedOptions
    @OptionGroup var fields: Fields
    @Argument(help: "The task in a few words.") var title: TextArgument
    @Option(name: .long, help: "Where it comes from: cc, claude.ai, iphone or auto.")
    var source = TaskSource.cc.rawValue

    func run(_ invocation: Invocation) throws -> Outcome {
      let source = TaskSource(rawValue: source)
      guard TaskSource.sayable.contains(source) else {
        let names = TaskSource.sayable.map(\.rawValue).joined(separator: ", ")
        throw CommandError(.usage, "usage", "--source must be one of \(names)")
      }
      if source == .auto, (fields.context?.text ?? "").isEmpty {
        throw CommandError(.badInput, "invalid", "a task from source auto needs --context")
      }
      return try TaskCommand.add(
        TaskDraft(fields.texts(title: title.text), source: source), shared, invocation)
    }
  }

  struct Retro: Command {
    static let configuration = CommandConfiguration(
      commandName: "retro",
      abstract: "Records a task that is already done.")

    @OptionGroup var shared: SharedOptions
    @OptionGroup var fields: Fields
    @Argument(help: "The task in a few words.") var title: TextArgument

    func run(_ invocation: Invocation) throws -> Outcome {
      try TaskCommand.add(
        TaskDraft(fields.texts(title: title.text), source: .retroactive, isDone: true), shared,
        invocation)
    }
  }

  struct Update: Command {
    static let configuration = CommandConfiguration(
      commandName: "update",
      abstract: "Changes a task.",
      discussion: "Fields that are not given, or given empty, stay as they are.")

    @OptionGroup var shared: SharedOptions
    @OptionGroup var fields: Fields
    @Argument(help: "The task's id.") var id: TextArgument
    @Option(name: .long, parsing: .unconditional, help: "The task in a few words.")
    var title: TextArgument?

    func run(_ invocation: Invocation) throws -> Outcome {
      try TaskCommand.change(
        TaskChange(
          id: id.recordID.uppercased(),
          fields: fields.texts(title: title?.text, project: shared.project?.text)), shared,
        invocation)
    }
  }

  struct Done: Command {
    static let configuration = CommandConfiguration(
      commandName: "done",
      abstract: "Marks a task as done.",
      discussion: "memoryd task done 01M83… --ledger --commit b30c1e1")

    @OptionGroup var shared: SharedOptions
    @Argument(help: "The task's id.") var id: TextArgument
    @Flag(name: .long, help: "Add it to the ledger too.") var ledger = false
    @Option(
      name: .long, parsing: .unconditional, help: "For the ledger: the commit that proves it.")
    var commit: TextArgument?
    @Option(name: .long, parsing: .unconditional, help: "For the ledger: the phase.")
    var phase: TextArgument?

    func run(_ invocation: Invocation) throws -> Outcome {
      guard ledger || commit == nil && phase == nil else {
        throw CommandError(
          .usage, "usage", "--commit and --phase are for the ledger: give --ledger")
      }
      let change = TaskChange(id: id.recordID.uppercased(), completes: true)
      var outcome = try TaskCommand.change(change, shared, invocation)
      if ledger {
        let service = try shared.service(invocation)
        let task = try? service.store.reading().task(id: change.id)
        if task == nil {
          outcome.errorOutput +=
            "memoryd: note: the store cannot be read, so the ledger did not get the task\n"
        }
        if let task {
          _ = try LedgerService(service: service).add(
            [Ledger.Entry(task.title, status: .done, detail: commit?.text)], phase: phase?.text,
            source: .task, project: try TaskCommand.project(of: task, service),
            session: ProjectFinder.session(nil, service), requestSuffix: "-ledger")
        }
      }
      return outcome
    }
  }

  struct List: Command {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Lists tasks, newest first.")

    enum Format: String, ExpressibleByArgument, CaseIterable {
      case text, md
    }

    @OptionGroup var shared: SharedOptions
    @Option(name: .long, help: "open, done or all.") var status = "open"
    @Option(name: .long, help: "text or md.") var format = Format.text
    @Option(name: .long, help: "At most so many.") var limit: Int?
    @Flag(
      name: .long,
      help: "Only those of which no more than a project's name is known: see `project assign`.")
    var unfiled = false

    func run(_ invocation: Invocation) throws -> Outcome {
      guard ["open", "done", "all", ""].contains(status) else {
        throw CommandError(.usage, "usage", "--status must be open, done or all")
      }
      let service = try shared.service(invocation)
      var filter = try ProjectFinder.filter(named: shared.project?.text, service)
      filter.limit = limit
      filter.isUnfiled = unfiled
      let tasks = try service.store.reading().tasks(
        status: TaskStatus(rawValue: status), filter: filter)
      if shared.json {
        return Outcome(
          output: JSONOutput.list(
            tasks.map { task in
              var object = JSONOutput.task(task)
              object["project_id"] = task.projectID?.json
              object["unfiled"] = task.isUnfiled.json
              return object
            }))
      }
      if format == .md { return Outcome(output: TaskListText.markdown(tasks)) }
      if tasks.isEmpty {
        return Outcome(output: "No tasks. `memoryd task add TITLE` adds one.\n")
      }
      let lines = tasks.map {
        "\(TerminalText.line($0.id, 60))  \($0.status == .done ? "[x]" : "[ ]")  \(TerminalText.line($0.project, 30))"
          + ($0.isUnfiled ? " (unfiled)  " : "  ")
          + TerminalText.line($0.title, 100)
      }
      return Outcome(output: lines.joined(separator: "\n") + "\n")
    }
  }

  private static func add(
    _ draft: TaskDraft, _ shared: SharedOptions, _ invocation: Invocation
  ) throws -> Outcome {
    guard draft.title.contains(where: { !$0.isWhitespace }) else {
      throw CommandError(.badInput, "invalid", "a task needs a title")
    }
    let service = try shared.service(invocation)
    let acknowledgement = try service.writer.commit(
      .addTask(draft), project: try ProjectFinder.project(named: shared.project?.text, service),
      session: ProjectFinder.session(nil, service))
    return TerminalText.reply(
      draft.isDone ? "recorded task" : "added task", acknowledgement, service, json: shared.json)
  }

  private static func change(
    _ change: TaskChange, _ shared: SharedOptions, _ invocation: Invocation
  ) throws -> Outcome {
    let service = try shared.service(invocation)
    let project = try shared.project.map { try ProjectFinder.project(named: $0.text, service) }
    var change = change
    // A number and a folder are for us; others get the short name.
    if change.fields.project?.isEmpty == false { change.fields.project = project?.name }
    let acknowledgement = try service.writer.commit(.changeTask(change), project: project)
    return TerminalText.reply(
      change.completes ? "done: task" : "updated task", acknowledgement, service,
      json: shared.json)
  }

  private static func project(
    of task: TaskRecord, _ service: MemoryService
  ) throws -> ProjectReference {
    try task.projectID.flatMap { try service.store.reading().project(id: $0) }
      ?? .named(task.project)
  }
}
