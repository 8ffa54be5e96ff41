import ArgumentParser
import Continuity
import Core
import MemoryStore

struct DecideCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "decide",
    abstract: "Records a decision and why it was made.",
    discussion: """
      memoryd decide "Retry in the client" --rationale "the server cannot be changed"

      With --from the decision that a session made becomes one of record, with its reason; words of \
      your own take the place of what was observed.

      memoryd decision list --observed
      memoryd decide --from 01JC2Z5V6Q8K9M3N4P7R1S2T0A
      """)

  @OptionGroup var shared: SharedOptions
  @Argument(help: "What was decided.") var decision: TextArgument?
  @Option(name: .long, parsing: .unconditional, help: "Why.") var rationale: TextArgument?
  @Option(
    name: .long, parsing: .unconditional,
    help: "An entry of `decision list --observed` that is to become a decision of record.")
  var from: TextArgument?
  @Option(name: .long, parsing: .unconditional, help: "The task that it belongs to.")
  var task: TextArgument?

  func run(_ invocation: Invocation) throws -> Outcome {
    let service = try shared.service(invocation)
    var texts = (decision: decision?.text ?? "", rationale: rationale?.text ?? "")
    var place = try project(shared, service)
    var session = ProjectFinder.session(nil, service)
    if let from {
      let entry = try observed(from.recordID, service)
      let known = Self.parts(of: entry)
      if decision == nil { texts.decision = known.decision }
      if rationale == nil { texts.rationale = known.rationale }
      // It belongs where it was made, whoever records it.
      if let made = entry.sessionID {
        session = SessionReference(id: made, agent: session?.agent ?? "claude")
        if shared.project == nil, let own = try service.store.reading().project(ofSession: made) {
          place = own
        }
      }
    }
    for (name, text) in [("a decision", texts.decision), ("--rationale", texts.rationale)]
    where !text.contains(where: { !$0.isWhitespace }) {
      throw CommandError(.badInput, "invalid", "\(name) must not be empty")
    }
    let acknowledgement = try service.writer.commit(
      .decide(
        DecisionDraft(
          decision: texts.decision, rationale: texts.rationale,
          taskID: task?.recordID.uppercased())),
      project: place, session: session)
    return TerminalText.reply("decision", acknowledgement, service, json: shared.json)
  }

  private func observed(_ id: RecordID, _ service: MemoryService) throws -> EntryRecord {
    guard let entry = try service.store.reading().entry(id: id),
      entry.kind == .observedDecision
    else {
      throw CommandError(
        .notFound, "not_found", "there is no observed decision \(TerminalText.line(id, 60))",
        hint: "`memoryd decision list --observed` shows them")
    }
    return entry
  }

  /// What was asked and chosen is the decision; reasons, words and what was rejected are why.
  private static func parts(of entry: EntryRecord) -> (decision: String, rationale: String) {
    let lines = entry.body.split(separator: "\n").map(String.init)
    let marks = ["Because: ", "Not: ", "The person: "]
    let said = lines.filter { line in !marks.contains { line.hasPrefix($0) } }
    let why = lines.filter { line in marks.contains { line.hasPrefix($0) } }
    let choice = said.first ?? ""
    let decision =
      choice.isEmpty || choice.hasPrefix(entry.title) ? entry.title : "\(entry.title) → \(choice)"
    let rationale = (why + said.dropFirst()).joined(separator: "; ")
    return (decision, rationale.isEmpty ? "as observed in the session" : rationale)
  }
}

struct DecisionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decision", abstract: "Looks at decisions.", subcommands: [List.self])

  struct List: Command {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Lists decisions, newest first.",
      discussion: """
        Decisions of record are what somebody recorded with `memoryd decide`. With --observed: what \
        sessions decided by themselves or with the person, as their transcripts show it; these go to \
        no vault. `memoryd decide --from ENTRY` makes one a decision of record.
        """)

    @OptionGroup var shared: SharedOptions
    @OptionGroup var list: ListOptions
    @Flag(name: .long, help: "What sessions decided, as their transcripts show it.")
    var observed = false

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      if observed { return try observed(service) }
      let items = try service.store.reading().decisions(list.filter(shared, service))
      if shared.json { return Outcome(output: JSONOutput.list(items.map(JSONOutput.decision))) }
      if items.isEmpty {
        return Outcome(output: "No decisions yet. `memoryd decide` records one.\n")
      }
      let lines = items.map {
        "\(TerminalText.line($0.id, 60))  \(TerminalText.time($0.createdAt))  \(TerminalText.line($0.project ?? "-", 40))  "
          + "\(TerminalText.line($0.decision, 80)): \(TerminalText.line($0.rationale, 100))"
      }
      return Outcome(output: lines.joined(separator: "\n") + "\n")
    }

    private func observed(_ service: MemoryService) throws -> Outcome {
      var filter = try list.filter(shared, service)
      filter.kinds = [.observedDecision]
      let items = try service.store.reading().entries(filter)
      if shared.json { return Outcome(output: JSONOutput.list(items.map(JSONOutput.entry))) }
      if items.isEmpty {
        return Outcome(
          output: "No decisions were observed yet. `memoryd ingest` reads past sessions.\n")
      }
      let texts = items.map { entry in
        "\(TerminalText.line(entry.id, 60))  \(TerminalText.time(entry.createdAt))  "
          + "\(TerminalText.line(entry.project ?? "-", 40))  \(entry.actor ?? "-")\n"
          + "  \(TerminalText.line(entry.title, 160))\n"
          + entry.body.split(separator: "\n").prefix(4).map {
            "    \(TerminalText.line(String($0), 200))\n"
          }.joined()
      }
      return Outcome(output: texts.joined())
    }
  }
}
