import ArgumentParser
import Checkpoints
import Continuity
import Core
import IPC
import MemoryStore

struct CheckpointCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint",
    abstract: "Takes a checkpoint of the session, or looks at those taken.",
    subcommands: [Take.self, List.self, Show.self, Diff.self],
    defaultSubcommand: Take.self)

  struct Take: Command {
    static let configuration = CommandConfiguration(
      commandName: "take",
      abstract: "Takes a checkpoint (what `memoryd checkpoint` alone does).",
      discussion: """
        With a hook's JSON on standard input (PreCompact, PostCompact, Stop) everything is read \
        from the transcript and the repository; the exit code is then always 0.

        By hand:
          memoryd checkpoint --objective "Move retries into the client" \\
            --next "write the backoff test" --blocker "CI is red on main"
        """)

    @OptionGroup var shared: SharedOptions
    @OptionGroup var caller: CallerOptions
    @Option(
      name: .long, parsing: .unconditional,
      help: "What Codex says after a turn, as its `notify` setting hands it over.")
    var notify: TextArgument?
    @Option(name: .long, parsing: .unconditional, help: "What the work is about.")
    var objective: TextArgument?
    @Option(name: .long, parsing: .unconditionalSingleValue, help: "What is in the way.")
    var blocker: [TextArgument] = []
    @Option(name: .long, parsing: .unconditionalSingleValue, help: "What was done.")
    var action: [TextArgument] = []
    @Option(name: .long, parsing: .unconditionalSingleValue, help: "What comes next.")
    var next: [TextArgument] = []
    @Option(name: .long, parsing: .unconditional, help: "The session it belongs to.")
    var session: TextArgument?

    /// Written by hand: then standard input is not looked at.
    var hasContent: Bool {
      objective != nil || !blocker.isEmpty || !action.isEmpty || !next.isEmpty
    }

    func run(_ invocation: Invocation) throws -> Outcome {
      let hook = HookCommand(.checkpoint, agent: caller.agent)
      if let notice = notify?.text { return hook.notified(notice, invocation, shared.home?.text) }
      if !hasContent, let outcome = hook.run(invocation, home: shared.home?.text) {
        return outcome
      }
      let service = try shared.service(invocation)
      let session = ProjectFinder.session(session?.sessionID, service)
      let statement = Snapshot.Statement(
        objective: objective?.text, blockers: blocker.map(\.text), actions: action.map(\.text),
        next: next.map(\.text))
      let acknowledgement = try CheckpointService(service: service).take(
        statement, isSaid: hasContent,
        project: try shared.project == nil
          ? ProjectFinder.project(of: session, service) : project(shared, service),
        session: session)
      return TerminalText.reply("checkpoint", acknowledgement, service, json: shared.json)
    }
  }

  struct List: Command {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Lists checkpoints, newest first.")

    @OptionGroup var shared: SharedOptions
    @OptionGroup var list: ListOptions

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let items = try service.store.reading().checkpoints(list.filter(shared, service))
      if shared.json { return Outcome(output: JSONOutput.list(items.map(JSONOutput.checkpoint))) }
      if items.isEmpty {
        return Outcome(output: "No checkpoints yet. `memoryd checkpoint` takes one.\n")
      }
      let lines = items.map {
        "\(TerminalText.line($0.id, 60))  \(TerminalText.time($0.createdAt))  \(TerminalText.line($0.trigger.rawValue, 30))  \(TerminalText.line($0.project ?? "-", 40))  "
          + TerminalText.line($0.objective, 80)
      }
      return Outcome(output: lines.joined(separator: "\n") + "\n")
    }
  }

  struct Show: Command {
    static let configuration = CommandConfiguration(
      commandName: "show",
      abstract: "Shows a checkpoint by its id or the beginning of it.")

    @OptionGroup var shared: SharedOptions
    @Argument(help: "The checkpoint's id.") var id: TextArgument

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let (record, _) = try CheckpointCommand.find(id.recordID, service)
      if shared.json {
        var object = JSONOutput.checkpoint(record)
        object["snapshot"] = JSONOutput.parsed(record.body)
        return Outcome(output: JSONOutput.text(object))
      }
      let document = RecoveryService(service: service).document(of: record)
      return Outcome(output: document.markdown(now: service.context.clock.now, budget: 100_000))
    }
  }

  struct Diff: Command {
    static let configuration = CommandConfiguration(
      commandName: "diff",
      abstract: "Shows what changed between two checkpoints.")

    @OptionGroup var shared: SharedOptions
    @Argument(help: "The earlier checkpoint's id.") var a: TextArgument
    @Argument(help: "The later checkpoint's id.") var b: TextArgument

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let (first, before) = try CheckpointCommand.find(a.recordID, service)
      let (second, after) = try CheckpointCommand.find(b.recordID, service)
      let changes = SnapshotDifference.between(before, after)
      if shared.json {
        return Outcome(
          output: JSONOutput.text(
            [
              "from": first.id, "to": second.id,
              "changes": changes.map {
                ["what": $0.what, "removed": $0.removed, "added": $0.added] as JSON
              },
            ] as JSON))
      }
      if changes.isEmpty { return Outcome(output: "No difference.\n") }
      let text = changes.map { change in
        change.what + "\n" + change.removed.map { "  - \(TerminalText.line($0))\n" }.joined()
          + change.added.map { "  + \(TerminalText.line($0))\n" }.joined()
      }
      return Outcome(output: text.joined())
    }
  }

  private static func find(
    _ id: RecordID, _ service: MemoryService
  ) throws -> (CheckpointRecord, Snapshot) {
    guard let record = try service.store.reading().checkpoint(id: id) else {
      throw CommandError(
        .notFound, "not_found", "there is no checkpoint \(TerminalText.line(id, 40))",
        hint: "`memoryd checkpoint list` shows them")
    }
    return (record, Snapshot(json: record.body) ?? Snapshot())
  }
}
