import ArgumentParser
import Checkpoints
import Continuity
import Core
import MemoryStore

struct WrongCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "wrong",
    abstract: "Strikes a false line from recovery documents, for good.",
    discussion: """
      `memoryd resume --explain` gives each line's name and where it comes from. A line that was \
      struck comes back in no document, whatever its age; the entries that it came from stay. \
      Without a name: what was struck so far.

      memoryd wrong 3f29a0c41b
      """)

  @OptionGroup var shared: SharedOptions
  @Argument(help: "The line's name, or the beginning of it.") var id: TextArgument?
  @Flag(name: .long, help: "Let the line come back.") var undo = false

  func run(_ invocation: Invocation) throws -> Outcome {
    let service = try shared.service(invocation)
    let known = try service.store.reading().struckLines()
    guard let name = id?.text.lowercased(), !name.isEmpty else { return list(known) }
    if undo {
      guard let struck = known.first(where: { $0.id.hasPrefix(name) }) else { throw missing(name) }
      // As below.
      _ = try service.store.writing().restoreLine(struck.id)
      return reply(struck, "may come back", known.count - 1)
    }
    if let struck = known.first(where: { $0.id == name }) {
      return reply(struck, "was struck before", known.count)
    }
    let found = try lines(service).filter { $0.line.id.hasPrefix(name) }
    guard let line = found.first else { throw missing(name) }
    guard Set(found.map(\.line.id)).count == 1 else {
      throw CommandError(
        .badInput, "invalid", "several lines begin with \(TerminalText.line(name, 20))",
        hint: "give more of the name")
    }
    let struck = StruckLine(
      id: line.line.id, section: line.line.section, line: line.line.text,
      subject: line.line.subject, sessionID: line.session, struckAt: service.context.clock.now)
    // A mark on lines that the store makes: it is there for the next document, or fails before the
    // person.
    _ = try service.store.writing().strike(struck)
    return reply(struck, "struck", known.count + 1)
  }

  /// Lines of the documents that a person may have before them: of the last sessions of the project.
  private func lines(
    _ service: MemoryService
  ) throws -> [(line: DocumentLine, session: SessionID?)] {
    let project = try project(shared, service)
    let recovery = RecoveryService(service: service)
    let sessions = try service.store.reading().sessions(RecordFilter(place: project, limit: 20))
      .map(\.id)
    let documents =
      try [recovery.document(sessionID: nil, project: project, occasion: .request)]
      + sessions.map { try recovery.document(sessionID: $0, project: project, occasion: .request) }
    return documents.compactMap(\.self).flatMap { document in
      document.allLines(now: service.context.clock.now).map { ($0, document.sessionID) }
    }
  }

  private func missing(_ name: String) -> CommandError {
    CommandError(
      .notFound, "not_found", "there is no line \(TerminalText.line(name, 20)) here",
      hint: undo ? "`memoryd wrong` lists what was struck" : "`memoryd resume --explain` names each"
    )
  }

  private func reply(_ struck: StruckLine, _ what: String, _ count: Int) -> Outcome {
    shared.json
      ? Outcome(
        output: JSONOutput.text(
          ["id": struck.id, "line": struck.line, "state": what, "struck": count]
            as JSON))
      : Outcome(
        output: "\(what): \(TerminalText.line(struck.line, 200))\n"
          + "\(TerminalText.count(count, "line")) struck in all\n")
  }

  private func list(_ known: [StruckLine]) -> Outcome {
    if shared.json {
      return Outcome(
        output: JSONOutput.list(
          known.map {
            [
              "id": $0.id, "section": $0.section, "line": $0.line, "session": $0.sessionID,
              "struck_at": Timestamp.string($0.struckAt),
            ] as JSON
          }))
    }
    if known.isEmpty { return Outcome(output: "Nothing was struck so far.\n") }
    return Outcome(
      output: known.map {
        "\(TerminalText.line($0.id, 60))  \(TerminalText.time($0.struckAt))  \(TerminalText.line($0.section, 30)): "
          + "\(TerminalText.line($0.line, 120))\n"
      }.joined())
  }
}
