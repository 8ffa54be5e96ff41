import ArgumentParser
import Continuity
import Core
import IPC
import MemoryStore
import Transcripts

struct SessionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "session", abstract: "Looks at sessions, or ends one.",
    subcommands: [List.self, Show.self, Brief.self, End.self])

  struct List: Command {
    static let configuration = CommandConfiguration(
      commandName: "list",
      abstract: "Lists sessions, the one seen last first.")

    @OptionGroup var shared: SharedOptions
    @Option(name: .long, help: "At most so many.") var limit: Int?

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      var filter = try ProjectFinder.filter(named: shared.project?.text, service)
      filter.limit = limit
      let items = try service.store.reading().sessions(filter)
      if shared.json { return Outcome(output: JSONOutput.list(items.map(JSONOutput.session))) }
      if items.isEmpty { return Outcome(output: "No sessions yet.\n") }
      let lines = items.map {
        "\(TerminalText.line($0.id))  \(TerminalText.time($0.lastSeenAt))  \(TerminalText.line($0.agent, 20))  "
          + "\(TerminalText.line($0.project ?? "-", 40))  "
          + ($0.endedAt == nil ? "open   " : "ended  ") + TerminalText.line($0.objective ?? "", 80)
      }
      return Outcome(output: lines.joined(separator: "\n") + "\n")
    }
  }

  struct Show: Command {
    static let configuration = CommandConfiguration(
      commandName: "show",
      abstract: "Shows a session: its tokens, its compactions and what was said.")

    @OptionGroup var shared: SharedOptions
    @Argument(help: "The session's id or the beginning of it.") var id: TextArgument
    @Option(name: .long, help: "Show the text around this entry (a search hit's id).")
    var around: TextArgument?
    @Option(name: .long, help: "Entries before and after, or from the end.") var count = 10

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let database = try service.store.reading()
      guard
        let session = try database.session(id: id.sessionID)
          ?? database.importedSession(id: id.sessionID)
      else {
        throw CommandError(
          .notFound, "not_found", "there is no session \(TerminalText.line(id.text, 60))",
          hint: "`memoryd session list` shows them")
      }
      let usage = try database.usage(sessionID: session.id)
      let boundaries =
        try database.transcript(sessionID: session.id)
        .flatMap { SessionDigest.stored($0.digest, service.context) }?.boundaries ?? []
      let entries = try database.entries(
        sessionID: session.id, around: around?.recordID, count: max(0, count))
      let told = ContextLog(folder: service.context.home.logs).entries(session: session.id)
      // What was looked at counts a little more in the next search; without it nothing is lost.
      if let around { try? service.store.writing().noteUse(ofEntry: around.recordID) }
      if shared.json {
        var object = JSONOutput.session(session)
        object["usage"] =
          [
            "requests": usage.requests, "input": usage.input, "output": usage.output,
            "cache_write": usage.cacheWrite, "cache_read": usage.cacheRead,
            "reasoning": usage.reasoning, "models": usage.models,
          ] as JSON
        object["compactions"] =
          boundaries.map {
            [
              "line": $0.line, "trigger": $0.trigger, "pre_tokens": $0.preTokens,
              "at": Timestamp.string($0.at),
            ] as JSON
          }.json
        object["contexts"] =
          told.map {
            [
              "at": Timestamp.string($0.at), "source": $0.source, "units": $0.units,
              "parts": Dictionary(
                uniqueKeysWithValues: $0.counts.map { ($0.part, $0.count) }),
              "about": $0.about, "checkpoint": $0.checkpoint,
            ] as JSON
          }.json
        object["entries"] = entries.map(JSONOutput.entry).json
        return Outcome(output: JSONOutput.text(object))
      }
      let people = TerminalText(invocation)
      var text = people.bold("Session \(TerminalText.line(session.id))") + "\n"
      text +=
        "\(TerminalText.line(session.agent, 20)), project \(TerminalText.line(session.project ?? "-", 40)), \(TerminalText.time(session.startedAt)) to "
        + "\(TerminalText.time(session.lastSeenAt)) UTC"
        + (session.endReason.map { ", ended (\(TerminalText.line($0)))" } ?? "") + "\n"
      text +=
        "\(usage.requests) API requests: input \(usage.input), output \(usage.output), cache write "
        + "\(usage.cacheWrite), cache read \(usage.cacheRead)"
        + (usage.reasoning > 0 ? ", reasoning \(usage.reasoning)" : "") + " tokens\n"
      for boundary in boundaries {
        text +=
          "compacted at line \(boundary.line) (\(TerminalText.line(boundary.trigger))), "
          + "\(TerminalText.time(boundary.at)) UTC\n"
      }
      for context in told {
        let parts = context.counts.map { "\($0.part) \($0.count)" }
        text +=
          "told at \(TerminalText.line(context.source, 20)), \(TerminalText.time(context.at)) UTC: "
          + "\(context.units) characters"
          + (context.about.map { " about session \(TerminalText.line($0, 40))" } ?? "")
          + (parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))") + "\n"
      }
      for entry in entries {
        text +=
          "\n"
          + people.dim(
            "\(TerminalText.line(entry.id, 60))  \(TerminalText.time(entry.createdAt))  \(TerminalText.line(entry.kind.rawValue, 30))\(entry.isAbandoned ? "  (taken back)" : "")"
          )
          + "\n"
        if !entry.title.isEmpty { text += TerminalText.line(entry.title) + "\n" }
        text += TerminalText.safe(String(entry.body.prefix(2000))) + "\n"
      }
      return Outcome(output: text)
    }
  }

  struct Brief: Command {
    static let configuration = CommandConfiguration(
      commandName: "brief",
      abstract: "Says in a few lines where the project stands: for the start of a session.")

    @OptionGroup var shared: SharedOptions
    @Option(name: .long, parsing: .unconditional, help: "The session that begins.")
    var session: TextArgument?

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let brief = try BriefService(service: service).brief(
        project: try project(shared, service),
        session: ProjectFinder.session(session?.sessionID, service)?.id)
      return Outcome(output: shared.json ? JSONOutput.text(brief.json) : brief.text)
    }
  }

  struct End: Command {
    static let configuration = CommandConfiguration(
      commandName: "end",
      abstract: "Ends a session: takes in what fits and marks it as over.",
      discussion: "With SessionEnd's JSON on standard input it is bounded to 0.8 s and exits 0.")

    @OptionGroup var shared: SharedOptions
    @OptionGroup var caller: CallerOptions
    @Option(name: .long, parsing: .unconditional, help: "The session (default: the caller's own).")
    var session: TextArgument?

    func run(_ invocation: Invocation) throws -> Outcome {
      if session == nil,
        let hook = HookCommand(.sessionEnd, agent: caller.agent)
          .run(invocation, home: shared.home?.text)
      {
        return hook
      }
      let service = try shared.service(invocation)
      guard let reference = ProjectFinder.session(session?.sessionID, service) else {
        throw CommandError(
          .usage, "usage", "there is no session to end here", hint: "name one with --session ID")
      }
      guard let known = try service.store.reading().session(id: reference.id) else {
        throw CommandError(
          .notFound, "not_found", "there is no session \(TerminalText.line(reference.id, 60))",
          hint: "`memoryd session list` shows them")
      }
      let acknowledgement = try service.writer.commit(
        .endSession(reason: "manual"), project: nil, session: SessionReference(id: known.id))
      return TerminalText.reply("ended session", acknowledgement, service, json: shared.json)
    }
  }
}
