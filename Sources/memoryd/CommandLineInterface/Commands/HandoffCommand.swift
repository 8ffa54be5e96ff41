import ArgumentParser
import Checkpoints
import Continuity
import Core
import Foundation
import MemoryStore

struct HandoffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "handoff",
    abstract: "Passes the work on to the next reader: a session, an agent, a person.",
    subcommands: [Write.self, List.self, Show.self, Read.self, Take.self],
    defaultSubcommand: Write.self)

  enum Format: String, ExpressibleByArgument, CaseIterable { case md, html }

  struct Write: Command {
    static let configuration = CommandConfiguration(
      commandName: "write",
      abstract: "Takes a checkpoint and writes a handoff (what `memoryd handoff` alone does).",
      discussion: """
        What was done, what comes next, open tasks, decisions, blockers, files, commits and the \
        newest facts of the session go to .handoff/YYYY-MM-DD-HH-MM.md (UTC) and into the store. \
        Nothing is ever written over.

          memoryd handoff --note "the fake clock must be reset between tests"
          memoryd handoff --to reviewer --topic retries    a message for one reader
          memoryd handoff --amend --note -                 adds standard input to the last one
        """)

    @OptionGroup var shared: SharedOptions
    @Option(name: .long, parsing: .unconditional, help: "Make it a message for this reader.")
    var to: TextArgument?
    @Option(
      name: .long, parsing: .unconditional,
      help: "Who writes the message (default: MEMORYD_SESSION_NAME, else the branch).")
    var from: TextArgument?
    @Option(name: .long, parsing: .unconditional, help: "What the message is about.")
    var topic: TextArgument?
    @Option(
      name: .long, parsing: .unconditional,
      help: "What only you know, as Markdown; - reads standard input.")
    var note: TextArgument?
    @Flag(name: .long, help: "Add the note to this session's last handoff.") var amend = false
    @Option(
      name: .long, parsing: .unconditional,
      help: "Write to this file instead; - prints the document and writes no file.",
      completion: .file())
    var out: TextArgument?
    @Option(name: .long, help: "md (CommonMark) or html (a page).") var format = Format.md
    @Flag(name: .long, help: "Add what was done to the ledger.") var ledger = false
    @Option(name: .long, parsing: .unconditional, help: "The session (default: the caller's own).")
    var session: TextArgument?

    /// Bytes.
    private static let noteLimit = 1 << 20

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      var request = HandoffRequest(project: try project(shared, service))
      request.isProjectNamed = shared.project != nil
      request.session = session?.sessionID
      request.sender = from?.text ?? service.context.environment["MEMORYD_SESSION_NAME"]
      request.recipient = try filled(to, "--to")
      request.topic = try filled(topic, "--topic")
      request.note = try noteText(invocation)
      request.isHTML = format == .html
      if let out = out?.text {
        request.place = out == "-" ? .nowhere : .file(service.context.absolute(out))
      }
      if topic != nil || from != nil, to == nil {
        throw CommandError(
          .usage, "usage", "--topic and --from belong to a message: give --to NAME")
      }
      if to != nil, format == .html {
        throw CommandError(.usage, "usage", "a message is Markdown: --to takes no --format html")
      }
      if amend, request.note == nil || to != nil || out != nil {
        throw CommandError(.usage, "usage", "--amend takes --note, and neither --to nor --out")
      }
      let writer = HandoffWriter(service: service)
      let written = amend ? try writer.amend(request) : try writer.write(request)
      if ledger, !written.achievements.isEmpty {
        _ = try LedgerService(service: service).add(
          written.achievements, phase: nil, source: .handoff, project: request.project,
          session: written.session, requestSuffix: "-ledger")
      }
      return reply(written, service)
    }

    private func filled(_ argument: TextArgument?, _ name: String) throws -> String? {
      guard let text = argument?.text else { return nil }
      guard text.contains(where: { !$0.isWhitespace }) else {
        throw CommandError(.usage, "usage", "\(name) must not be empty")
      }
      return text
    }

    private func noteText(_ invocation: Invocation) throws -> String? {
      guard let note = note?.text else { return nil }
      guard note == "-" else { return note }
      let bytes = invocation.input.read(.seconds(60))
      guard bytes.count <= Self.noteLimit else {
        throw CommandError(.badInput, "too_large", "a note has at most 1 MiB")
      }
      return FileText.string(bytes)
    }

    private func reply(_ written: WrittenHandoff, _ service: MemoryService) -> Outcome {
      var outcome = TerminalText.reply("", written.acknowledgement, service, json: shared.json)
      for remark in written.remarks { outcome.errorOutput += "memoryd: note: \(remark)\n" }
      if shared.json {
        var object = JSONOutput.write(written.acknowledgement, service)
        object["vault"] = JSONOutput.write(written.checkpoint, service)["vault"]
        object["checkpoint"] = amend ? .null : written.checkpoint.id.json
        object["path"] = JSON(written.path)
        object["objective"] = written.handoff.objective.json
        object["summary"] = written.handoff.summary.json
        object["document"] = written.document.json
        outcome.output = JSONOutput.text(object)
      } else if out?.text == "-" {
        outcome.output = written.document
      } else {
        let place =
          written.path.map { " in \(UserPath.relative($0, to: service.context.cwd))" } ?? ""
        outcome.output =
          "handoff \(written.acknowledgement.id)\(place)\n"
          + TerminalText.line(written.handoff.summary, 500) + "\n"
        if ledger {
          let count = written.achievements.count
          outcome.output +=
            count == 0
            ? "ledger: nothing to add\n" : "ledger: \(count) item\(count == 1 ? "" : "s") in it\n"
        }
      }
      return outcome
    }
  }

  struct List: Command {
    static let configuration = CommandConfiguration(
      commandName: "list",
      abstract: "Lists handoffs and messages, newest first.")

    @OptionGroup var shared: SharedOptions
    @OptionGroup var list: ListOptions
    @Flag(name: .long, help: "Only messages that nobody has taken, oldest first.")
    var unread = false

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      if unread { return try messages(service) }
      let items = try service.store.reading().handoffs(list.filter(shared, service))
      if shared.json { return Outcome(output: JSONOutput.list(items.map(JSONOutput.handoff))) }
      if items.isEmpty {
        return Outcome(output: "No handoffs yet. `memoryd handoff` writes one.\n")
      }
      let lines = items.map { item in
        let kind =
          item.recipient.map {
            "to \(TerminalText.line($0, 30))\(item.isUnread ? " (unread)" : "")"
          }
          ?? TerminalText.line(item.trigger.rawValue, 30)
        return
          "\(TerminalText.line(item.id, 60))  \(TerminalText.time(item.createdAt))  \(TerminalText.line(item.project ?? "-", 40))  \(kind)  "
          + TerminalText.line(item.objective, 80)
      }
      return Outcome(output: lines.joined(separator: "\n") + "\n")
    }

    /// Lists unread messages, also those in files, which the store does not know yet.
    private func messages(_ service: MemoryService) throws -> Outcome {
      let project = try ProjectFinder.project(named: shared.project?.text, service)
      let mailbox = HandoffMailbox(service: service)
      let items = try mailbox.waiting(mailbox.ownNames(), project: project)
        .filter { list.session == nil || $0.session == list.session?.sessionID }
        .prefix(list.limit ?? .max)
      if shared.json {
        return Outcome(
          output: JSONOutput.list(
            items.map {
              [
                "from": $0.sender, "to": $0.recipient, "topic": $0.topic,
                "objective": $0.objective, "created_at": Timestamp.string($0.createdAt),
              ]
            }))
      }
      if items.isEmpty { return Outcome(output: "No unread messages.\n") }
      let lines = items.map {
        "\(TerminalText.time($0.createdAt))  \(TerminalText.line($0.sender ?? "?", 30)) to "
          + "\(TerminalText.line($0.recipient ?? "?", 30))  \(TerminalText.line($0.topic ?? "", 60))"
      }
      return Outcome(output: lines.joined(separator: "\n") + "\n")
    }
  }

  struct Show: Command {
    static let configuration = CommandConfiguration(
      commandName: "show",
      abstract: "Prints a stored handoff: by id or its beginning, else the project's newest.")

    @OptionGroup var shared: SharedOptions
    @Argument(help: "The handoff's id.") var id: TextArgument?
    @Option(name: .long, help: "md (CommonMark) or html (a page).") var format = Format.md

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let record: HandoffRecord?
      if let id {
        record = try service.store.reading().handoff(id: id.recordID)
      } else {
        let project = try project(shared, service)
        record = try service.store.reading().handoffs(
          RecordFilter(place: project)
        ).first { $0.recipient == nil }
      }
      guard let record else {
        throw CommandError(
          .notFound, "not_found",
          id.map { "there is no handoff \(TerminalText.line($0.text, 40))" }
            ?? "there is no handoff of this project",
          hint: "`memoryd handoff list` shows them, `memoryd handoff` writes one")
      }
      return HandoffCommand.shown(record, format, json: shared.json, invocation)
    }
  }

  struct Take: Command {
    static let configuration = CommandConfiguration(
      commandName: "take",
      abstract: "Hands over the oldest unread message for this session, once.",
      discussion: """
        Messages come from `memoryd handoff --to NAME`, or are files that somebody wrote as \
        .handoff/{from}-to-{to}-{topic}.md; the file is moved to .handoff/read. A copy stays in the \
        store: `memoryd handoff list`. Without a name a session reads what is for its id, its agent \
        (claude), its branch or its folder.
        """)

    @OptionGroup var shared: SharedOptions
    @Argument(help: "Who reads: the name that the message is for.") var reader: TextArgument?
    @Option(
      name: [.customLong("as"), .customLong("to")], parsing: .unconditional,
      help: "The same as an option.")
    var name: TextArgument?
    @Option(name: .long, help: "md (CommonMark) or html (a page).") var format = Format.md

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let wanted = (reader ?? name)?.text
      let received = try HandoffMailbox(service: service).receive(
        as: wanted.flatMap { $0.isEmpty ? nil : $0 }, project: try project(shared, service))
      var outcome = HandoffCommand.shown(received.message, format, json: shared.json, invocation)
      if !shared.json {
        let sender = received.message.sender.map { " from \(Markdown.spoken($0, 60))" } ?? ""
        outcome.errorOutput =
          "memoryd: note: message \(received.message.id)\(sender) to "
          + "\(Markdown.spoken(received.name, 60)), taken now; a copy is in the store\n"
      }
      return outcome
    }
  }

  private static func shown(
    _ record: HandoffRecord, _ format: Format, json: Bool, _ invocation: Invocation
  ) -> Outcome {
    let document = format == .html ? Handoff(record.body).page() : record.body
    if json {
      var object = JSONOutput.handoff(Handoff(record.body))
      object.merge(JSONOutput.handoff(record))
      object["document"] = document.json
      return Outcome(output: JSONOutput.text(object))
    }
    // Into a pipe an agent reads it.
    return Outcome(
      output: invocation.outputIsTerminal
        ? TerminalText.safe(document) : Markdown.disarmed(document))
  }

  struct Read: Command {
    static let configuration = CommandConfiguration(
      commandName: "read",
      abstract: "Reads a handoff document, memoryd's own or one that somebody wrote.",
      discussion: """
        Prints it as memoryd keeps it: what memoryd wrote is brought into one form, what people wrote \
        stays as it is. --json tells what it holds, wherever the document says it.
        """)

    /// Bytes; longer documents are refused.
    private static let limit = 16 << 20

    @OptionGroup var shared: SharedOptions
    @Argument(help: "The document; - is standard input.", completion: .file()) var file:
      TextArgument
    @Option(name: .long, help: "md (CommonMark) or html.") var format = Format.md

    func run(_ invocation: Invocation) throws -> Outcome {
      let handoff = Handoff(
        try HandoffCommand.document(file.text, limit: Self.limit, "a handoff", invocation))
      var outcome = Outcome()
      let name = file.text == "-" ? "standard input" : TerminalText.line(file.text)
      for complaint in handoff.complaints {
        outcome.errorOutput += "memoryd: note: \(name): \(complaint)\n"
      }
      if shared.json {
        outcome.output = JSONOutput.text(JSONOutput.handoff(handoff))
      } else {
        let text = format == .html ? handoff.page() : handoff.markdown()
        outcome.output = invocation.outputIsTerminal ? TerminalText.safe(text) : text
      }
      return outcome
    }
  }

  /// A file's text; `-` is standard input.
  ///
  /// - Parameters:
  ///   - limit: Bytes; more is refused.
  ///   - what: For people: `a handoff`.
  static func document(
    _ file: String, limit: Int, _ what: String, _ invocation: Invocation
  ) throws -> String {
    let bytes: [UInt8]
    if file == "-" {
      bytes = invocation.input.read(.seconds(60))
      guard bytes.count <= limit else {
        throw CommandError(
          .badInput, "too_large", "\(what) has at most \(limit >> 20) MiB")
      }
    } else {
      let path = UserPath.absolute(file, cwd: invocation.cwd, invocation.environment)
      bytes = try RegularFile.read(path, limit: limit)
    }
    return FileText.string(bytes)
  }
}
