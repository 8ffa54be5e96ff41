import ArgumentParser
import Checkpoints
import Continuity
import Core
import Foundation
import MemoryStore

struct LedgerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger",
    abstract: "Keeps the completion ledger: what is done, with the commit that proves it.",
    discussion: "If it is not in the ledger, it did not happen.",
    subcommands: [Add.self, List.self, Verify.self, Render.self, Import.self])

  /// As people type it.
  private static func status(_ text: String) throws -> Ledger.Status {
    guard let status = Ledger.Status(rawValue: text.replacing("-", with: "_")) else {
      let names = Ledger.Status.allCases.map { $0.rawValue.replacing("_", with: "-") }
      throw CommandError(
        .usage, "usage", "--status must be one of \(names.joined(separator: ", "))")
    }
    return status
  }

  struct Add: Command {
    static let configuration = CommandConfiguration(
      commandName: "add",
      abstract: "Adds an item, or brings the one of that name up to date.",
      discussion: """
        memoryd ledger add "Retries with jitter" --phase "Phase 2" --commit b30c1e1
        memoryd ledger add "WAF allowlist" --status deferred --detail "not blocking"
        """)

    @OptionGroup var shared: SharedOptions
    @Argument(help: "What was done, in a few words.") var item: TextArgument
    @Option(name: .long, parsing: .unconditional, help: "The phase (default: the ledger's last).")
    var phase: TextArgument?
    @Option(name: .long, parsing: .unconditional, help: "A heading within the phase.")
    var section: TextArgument?
    @Option(name: .long, help: "done, not-done, deferred or pending.") var status = "done"
    @Option(name: .long, parsing: .unconditional, help: "The commit that proves it.")
    var commit: TextArgument?
    @Option(
      name: [.long, .customLong("reason")], parsing: .unconditional,
      help: "What proves it, or why it is not done.")
    var detail: TextArgument?
    @Option(name: .long, parsing: .unconditional, help: "What to say beside the status.")
    var remark: TextArgument?
    @Option(name: .long, parsing: .unconditional, help: "When (default: today, in your time zone).")
    var date: TextArgument?

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let details = [commit?.text, detail?.text].compactMap(\.self).filter { !$0.isEmpty }
      let entry = Ledger.Entry(
        item.text, status: try LedgerCommand.status(status), remark: remark?.text,
        detail: details.isEmpty ? nil : details.joined(separator: " "), date: date?.text)
      let acknowledgement = try LedgerService(service: service).add(
        [entry], phase: phase?.text, section: section?.text, source: .manual,
        project: try project(shared, service), session: ProjectFinder.session(nil, service))
      return TerminalText.reply("ledger item", acknowledgement, service, json: shared.json)
    }
  }

  struct List: Command {
    static let configuration = CommandConfiguration(
      commandName: "list",
      abstract: "Lists the ledger's items, in its order.")

    @OptionGroup var shared: SharedOptions
    @Option(name: .long, parsing: .unconditional, help: "Of this phase only.")
    var phase: TextArgument?
    @Option(name: .long, help: "done, not-done, deferred or pending.") var status: String?
    @Option(name: .long, help: "At most so many, the last ones.") var limit: Int?

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let project = try project(shared, service)
      let reader = try service.store.reading()
      var items = try reader.ledgerItems(
        RecordFilter(place: project), phase: phase?.text,
        status: try status.map(LedgerCommand.status))
      if let limit { items = items.suffix(max(0, limit)) }
      if shared.json {
        let ledger = try reader.ledger(project)
        return Outcome(
          output: JSONOutput.text(
            [
              "title": ledger?.title, "items": items.map(JSONOutput.ledgerItem),
              "lists": ledger.map(Self.lists) ?? [],
            ] as JSON))
      }
      if items.isEmpty {
        return Outcome(
          output:
            "No items. `memoryd ledger add ITEM` adds one, `memoryd ledger import FILE` reads a file.\n"
        )
      }
      let people = TerminalText(invocation)
      var text = ""
      var last: String?
      for item in items {
        let heading = item.phase + (item.section.map { " / \($0)" } ?? "")
        if heading != last {
          text += (last == nil ? "" : "\n") + people.bold(TerminalText.line(heading)) + "\n"
          last = heading
        }
        text += LedgerCommand.line(item) + "\n"
      }
      return Outcome(output: text)
    }

    /// What stands in lists: commits, key decisions, bugs and the like.
    private static func lists(_ ledger: Ledger) -> [JSON] {
      ledger.phases.flatMap { phase in
        phase.groups.compactMap { group -> JSON? in
          guard case .list(let items) = group.content else { return nil }
          return ["phase": phase.name, "section": group.name, "items": items]
        }
      }
    }
  }

  struct Verify: Command {
    static let configuration = CommandConfiguration(
      commandName: "verify",
      abstract: "Checks every commit that the ledger names against the repository.",
      discussion: """
        Says which claims name a commit that is not there, and which have none behind them. The \
        exit code is 65 if a commit is missing or ambiguous; with --strict also if a claim has none.
        """)

    @OptionGroup var shared: SharedOptions
    @Option(name: .long, parsing: .unconditional, help: "Of this phase only.")
    var phase: TextArgument?
    @Flag(name: .long, help: "Every claim needs a commit.") var strict = false

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let project = try project(shared, service)
      let records = try service.store.reading().ledgerItems(
        RecordFilter(place: project), phase: phase?.text)
      guard !records.isEmpty else {
        throw CommandError(
          .notFound, "not_found",
          phase.map { "the ledger has no phase \(TerminalText.line($0.text, 60))" }
            ?? "the project \(TerminalText.line(project.name, 60)) has no ledger",
          hint: "`memoryd ledger list` shows what there is")
      }
      let verification = try LedgerService(service: service).verify(records)
      let results = verification.results
      func count(_ verdict: LedgerVerification.Verdict) -> Int {
        results.count { $0.verdict == verdict }
      }
      let isWrong =
        count(.missing) + count(.ambiguous) > 0
        || strict && count(.noCommit) + count(.unreachable) + count(.shallow) > 0
      var outcome = Outcome(exitCode: isWrong ? .badInput : .ok)
      if shared.json {
        let counts = LedgerVerification.Verdict.allCases.map { ($0.rawValue, count($0)) }
        outcome.output = JSONOutput.text(
          [
            "ok": !isWrong, "shallow": verification.isShallow,
            "counts": Dictionary(uniqueKeysWithValues: counts),
            "items": results.map(JSONOutput.ledgerResult),
          ] as JSON)
        return outcome
      }
      let people = TerminalText(invocation)
      for (verdict, title) in [
        (LedgerVerification.Verdict.missing, "names a commit that is not in this repository"),
        (.shallow, "names a commit that is not in this shallow clone, and may lie before its end"),
        (.ambiguous, "names the beginning of several commits"),
        (.unreachable, "names a commit that no branch, tag or remote leads to"),
        (.noCommit, "says it is done, and names no commit"),
      ] where count(verdict) > 0 {
        outcome.output += people.bold(title) + "\n"
        for result in results where result.verdict == verdict {
          outcome.output += LedgerCommand.line(result.record) + "\n"
        }
        outcome.output += "\n"
      }
      outcome.output +=
        "\(records.count) items: \(count(.verified)) with a commit that is there, "
        + "\(count(.missing)) with one that is missing, "
        + (verification.isShallow ? "\(count(.shallow)) that this shallow clone cannot tell, " : "")
        + " \(count(.ambiguous)) ambiguous, "
        + "\(count(.unreachable)) unreachable, \(count(.noCommit)) done without one, "
        + "\(count(.noClaim)) that claim nothing\n"
      return outcome
    }
  }

  struct Render: Command {
    static let configuration = CommandConfiguration(
      commandName: "render",
      abstract: "Writes the ledger as Markdown, one line for each item.",
      discussion: """
        With --out a file that memoryd wrote or imported, and nobody has changed since, is renewed; \
        any other is left alone. \
        The order is stable, so that a change is a change of few lines.
        """)

    @OptionGroup var shared: SharedOptions
    @Option(
      name: .long, parsing: .unconditional, help: "The file; - is standard output.",
      completion: .file())
    var out: TextArgument?
    @Flag(name: .long, help: "Replace the file whatever it holds; FILE.before-memoryd keeps it.")
    var force = false

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let project = try project(shared, service)
      guard let ledger = try service.store.reading().ledger(project) else {
        throw CommandError(
          .notFound, "not_found",
          "the project \(TerminalText.line(project.name, 60)) has no ledger",
          hint: "`memoryd ledger add ITEM` begins one, `memoryd ledger import FILE` reads a file")
      }
      let text = ledger.markdown()
      guard let out = out?.text, out != "-" else {
        if shared.json {
          return Outcome(output: JSONOutput.text(["document": text] as JSON))
        }
        return Outcome(output: invocation.outputIsTerminal ? TerminalText.safe(text) : text)
      }
      // The copy of what was there stands beside the file itself.
      let path = URL(fileURLWithPath: service.context.absolute(out)).resolvingSymlinksInPath().path
      let changed = try write(text, to: path, service, project)
      // The file is written; without this note the next export takes it for changed and leaves it
      // alone.
      try? service.store.writing().setLedgerFile(
        LedgerService.hash(of: text), project)
      if shared.json {
        return Outcome(
          output: JSONOutput.text(["path": path, "changed": changed] as JSON))
      }
      return Outcome(output: "\(changed ? "wrote" : "unchanged:") \(out)\n")
    }

    /// - Returns: False if the file holds that already.
    private func write(
      _ text: String, to path: String, _ service: MemoryService, _ project: ProjectReference
    ) throws -> Bool {
      let old: [UInt8]
      do throws(StoreError) {
        if !RegularFile.exists(path) {
          guard try RegularFile.writeNew(Array(text.utf8), to: path) else {
            throw StoreError(.readOnly, "\(path) is there already")
          }
          return true
        }
        old = try RegularFile.read(path, limit: LedgerCommand.limit)
      } catch {
        throw CommandError(.cannotWrite, "cannot_write", error.message, hint: error.hint)
      }
      if old.elementsEqual(text.utf8) { return false }
      let document = String(decoding: old, as: UTF8.self)
      let hasMore = Ledger.read(document).ledger.normalised().markdown() != document
      let known = try service.store.reading().ledgerFile(project)
      let isOwn = !hasMore && known == LedgerService.hash(of: document)
      guard isOwn || old.isEmpty || force else {
        throw CommandError(
          .cannotWrite, "holds_more",
          hasMore
            ? "\(path) holds more than a ledger as memoryd writes it; it was left alone"
            : "\(path) was changed since memoryd read it; it was left alone",
          hint: hasMore
            ? "--force replaces it and keeps a copy beside it"
            : "`memoryd ledger import \(path)` takes the changes in first")
      }
      if !isOwn, !old.isEmpty { try RegularFile.writeCopy(old, path + ".before-memoryd") }
      try RegularFile.rewrite(Array(text.utf8), path)
      return true
    }
  }

  struct Import: Command {
    static let configuration = CommandConfiguration(
      commandName: "import",
      abstract: "Takes in a ledger that is kept as Markdown.",
      discussion: """
        Phases are headings of the second level, items the rows of tables with Item and Status. \
        Text whose UTF-8 was once read as a Windows code page is read right. A second time only what \
        the file has changed is taken in.
        """)

    @OptionGroup var shared: SharedOptions
    @Argument(help: "The file; - is standard input.", completion: .file()) var file: TextArgument

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let document = try HandoffCommand.document(
        file.text, limit: LedgerCommand.limit, "a ledger", invocation)
      let imported = try LedgerService(service: service).importDocument(
        document, project: try project(shared, service))
      var outcome = TerminalText.reply("", imported.acknowledgement, service, json: shared.json)
      let count = imported.ledger.entries.count
      if shared.json {
        var object = JSONOutput.write(imported.acknowledgement, service)
        object["items"] = count.json
        object["added"] = imported.added.json
        object["changed"] = imported.changed.json
        object["phases"] = imported.ledger.phases.map(\.name).json
        object["skipped"] = imported.skipped.json
        outcome.output = JSONOutput.text(object)
        return outcome
      }
      outcome.output =
        "\(count) items in \(imported.ledger.phases.count) phases: \(imported.added) new, "
        + "\(imported.changed) changed\n"
      if !imported.skipped.isEmpty {
        outcome.errorOutput +=
          "memoryd: note: nothing could be taken from: "
          + imported.skipped.map { TerminalText.line($0, 60) }.joined(separator: ", ") + "\n"
      }
      return outcome
    }
  }

  /// Bytes; longer documents are refused.
  static let limit = 16 << 20

  private static func line(_ item: LedgerRecord) -> String {
    let entry = item.entry
    let state = entry.status.rawValue.replacing("_", with: " ")
    let facts = [entry.remark, entry.detail, entry.date].compactMap(\.self)
      .map { TerminalText.line($0, 60) }
    return "  " + state.padding(toLength: 9, withPad: " ", startingAt: 0)
      + TerminalText.line(entry.item, 80)
      + (facts.isEmpty ? "" : "  (\(facts.joined(separator: ", ")))")
  }
}
