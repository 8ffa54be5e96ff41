import ArgumentParser
import Checkpoints
import Continuity
import Core
import MemoryStore

struct ResumeCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Prints the recovery document: what the last session knew, as CommonMark.")

  @OptionGroup var shared: SharedOptions
  @Option(name: .long, help: "At most so many UTF-16 units (default: resume.budget_chars, 9500).")
  var budget: Int?
  @Option(name: .long, parsing: .unconditional, help: "Of this session (id or its beginning).")
  var session: TextArgument?
  @Option(
    name: .long, help: "Of the newest session of this agent: claude, codex, gemini or cursor.")
  var agent: Agent?
  @Flag(
    name: .long, help: "Of the newest session but that one, or but the caller's own.")
  var previous = false
  @Flag(
    name: .long,
    help: "Tell why each line is there and where it comes from; `memoryd wrong` strikes one.")
  var explain = false

  func run(_ invocation: Invocation) throws -> Outcome {
    let service = try shared.service(invocation)
    let budget = budget ?? service.context.settings.integer(.resumeBudget)
    guard budget >= 300 else {
      throw CommandError(.usage, "usage", "--budget must be at least 300")
    }
    var sessionID: SessionID?
    let excluded =
      previous
      ? try ProjectFinder.session(session?.sessionID, service).map {
        try service.store.reading().session(id: $0.id)?.id ?? $0.id
      } : nil
    if let wanted = session?.sessionID, wanted != .noSession, !previous {
      guard let record = try service.store.reading().session(id: wanted) else {
        throw CommandError(
          .notFound, "not_found", "there is no session \(TerminalText.line(wanted, 60))",
          hint: "`memoryd session list` shows them")
      }
      sessionID = record.id
    }
    if let agent {
      guard sessionID == nil else {
        throw CommandError(
          .usage, "usage", "--agent and --session exclude each other",
          hint: "a session has one agent")
      }
      sessionID = try newest(of: agent, but: excluded, service)
    }
    let project =
      try sessionID.flatMap { try service.store.reading().project(ofSession: $0) }
      ?? project(shared, service)
    let document = try RecoveryService(service: service).document(
      sessionID: sessionID, excluding: excluded, project: project, occasion: .request)
    guard let document else {
      throw CommandError(
        .notFound, "nothing_recorded",
        "nothing is recorded for \(sessionID?.rawValue ?? "the project \(project.name)")",
        hint: "`memoryd checkpoint` takes a checkpoint, `memoryd ingest` reads transcripts")
    }
    if explain { return try explained(document, budget, service) }
    let text = document.markdown(now: service.context.clock.now, budget: budget)
    if shared.json {
      return Outcome(
        output: JSONOutput.text(
          [
            "document": text, "session": document.sessionID, "checkpoint": document.checkpointID,
            "project": project.name, "taken_at": Timestamp.string(document.takenAt),
          ] as JSON))
    }
    return Outcome(output: text)
  }

  private func newest(
    of agent: Agent, but excluded: SessionID?, _ service: MemoryService
  ) throws -> SessionID {
    let place = try project(shared, service)
    let sessions = try service.store.reading().sessions(RecordFilter(place: place, limit: 500))
    let known = sessions.filter { $0.agent == agent.rawValue && $0.id != excluded }
    // One that has just begun tells of nothing.
    let found = try known.first { session in
      try RecoveryService(service: service).document(
        sessionID: session.id, project: place, occasion: .request) != nil
    }
    guard let found else {
      throw CommandError(
        .notFound, "not_found", "no session of \(agent.title) has told anything in \(place.name)",
        hint: "`memoryd session list` shows those that are, `memoryd ingest` reads transcripts")
    }
    return found.id
  }

  private func explained(
    _ document: RecoveryDocument, _ budget: Int, _ service: MemoryService
  ) throws -> Outcome {
    let sources = try LineSources(document, service.store)
    let lines = document.lines(now: service.context.clock.now, budget: budget).map(sources.source)
    if shared.json {
      return Outcome(
        output: JSONOutput.list(
          lines.map {
            [
              "id": $0.line.id, "section": $0.line.section, "line": $0.line.text,
              "entry": $0.entryID, "transcript_line": $0.transcriptLine, "author": $0.author,
              "rule": $0.rule,
            ] as JSON
          }))
    }
    var text = ""
    var section = ""
    for line in lines {
      if line.line.section != section {
        section = line.line.section
        text += "## \(section)\n"
      }
      let place =
        line.entryID.map { "entry \($0)" + (line.transcriptLine.map { ", line \($0)" } ?? "") }
        ?? "no entry"
      text +=
        "\(line.line.id)  \(TerminalText.line(line.line.text, 100))\n"
        + "            \(line.author); \(place); \(line.rule)\n"
    }
    return Outcome(output: text.isEmpty ? "The document has no lines.\n" : text)
  }
}
