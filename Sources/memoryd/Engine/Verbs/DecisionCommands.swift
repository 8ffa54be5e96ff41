import ArgumentParser
import MemoryStore

struct DecideCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "decide",
    abstract: "Records a decision and why it was made.",
    discussion:
      "memoryd decide \"Retry in the client\" --rationale \"the server cannot be changed\"")

  @OptionGroup var shared: SharedOptions
  @Argument(help: "What was decided.") var decision: TextArgument
  @Option(name: .long, parsing: .unconditional, help: "Why.") var rationale: TextArgument
  @Option(name: .long, parsing: .unconditional, help: "The task that it belongs to.")
  var task: TextArgument?

  func run(_ invocation: Invocation) throws -> Outcome {
    for (name, text) in [("a decision", decision.text), ("--rationale", rationale.text)]
    where !text.contains(where: { !$0.isWhitespace }) {
      throw VerbError(.badInput, "invalid", "\(name) must not be empty")
    }
    let service = try shared.service(invocation)
    let acknowledgement = try service.commit(
      .decide(
        DecisionDraft(
          decision: decision.text, rationale: rationale.text, taskID: task?.text.uppercased())),
      project: try project(shared, service), session: ProjectFinder.session(nil, service))
    return People.reply("decision", acknowledgement, service, json: shared.json)
  }
}

struct DecisionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decision", abstract: "Looks at decisions.", subcommands: [List.self])

  struct List: Verb {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Lists decisions, newest first.")

    @OptionGroup var shared: SharedOptions
    @OptionGroup var list: ListOptions

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let items = try service.reader().decisions(list.filter(shared, service))
      if shared.json { return Outcome(output: JSONOutput.list(items.map(JSONOutput.decision))) }
      if items.isEmpty {
        return Outcome(output: "No decisions yet. `memoryd decide` records one.\n")
      }
      let lines = items.map {
        "\(People.line($0.id, 60))  \(People.time($0.createdAt))  \(People.line($0.project ?? "-", 40))  "
          + "\(People.line($0.decision, 80)): \(People.line($0.rationale, 100))"
      }
      return Outcome(output: lines.joined(separator: "\n") + "\n")
    }
  }
}
