import ArgumentParser
import Continuity
import Core
import Foundation
import MemoryStore

struct OutboxCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "outbox", abstract: "Looks at the writes that the vault is to get.",
    subcommands: [List.self, Show.self, Retry.self, Drop.self])

  struct List: Command {
    static let configuration = CommandConfiguration(
      commandName: "list",
      abstract: "Lists what is not in the vault, oldest first.",
      discussion: """
        States: held (stays here until its project is shared, see `memoryd vault`), queued, sent (the answer was lost, it will be looked up), synced, uncertain \
        (nothing can prove whether it arrived: you decide), quarantined (the vault will never take \
        it as it is), dropped.
        """)

    @OptionGroup var shared: SharedOptions
    @Option(name: .long, help: "Only this state; `all` for every one.") var state: String?
    @Option(name: .long, help: "At most so many.") var limit: Int?

    func run(_ invocation: Invocation) throws -> Outcome {
      let states: [OutboxRow.State]
      switch state {
      case nil: states = [.queued, .sent, .uncertain, .quarantined]
      case "all": states = []
      case .some(let name):
        guard let one = OutboxRow.State(rawValue: name) else {
          let names = OutboxRow.State.allCases.map(\.rawValue).joined(separator: ", ")
          throw CommandError(.usage, "usage", "--state must be one of \(names), all")
        }
        states = [one]
      }
      let service = try shared.service(invocation)
      let rows = try service.store.reading().outbox(states: states, limit: limit)
      if shared.json { return Outcome(output: JSONOutput.list(rows.map(JSONOutput.outbox))) }
      if rows.isEmpty { return Outcome(output: "Nothing waits for the vault.\n") }
      let lines = rows.map { row in
        "\(row.number)  \(row.state.rawValue)  \(row.kind) \(row.action)  \(row.itemID)  "
          + TerminalText.line(OutboxCommand.title(row), 60)
          + (row.lastError.map { "  (\(TerminalText.line($0, 80)))" } ?? "")
      }
      return Outcome(output: lines.joined(separator: "\n") + "\n")
    }
  }

  struct Show: Command {
    static let configuration = CommandConfiguration(
      commandName: "show",
      abstract: "Shows what was sent, what is known of it, and what to check.")

    @OptionGroup var shared: SharedOptions
    @Argument(help: "Its number, or the item's id.") var row: TextArgument

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let rows = try OutboxCommand.rows([row.text], service)
      if shared.json {
        return Outcome(
          output: rows.count == 1
            ? JSONOutput.text(JSONOutput.outbox(rows[0]))
            : JSONOutput.list(rows.map(JSONOutput.outbox)))
      }
      return Outcome(output: rows.map(text).joined(separator: "\n"))
    }

    private func text(_ row: OutboxRow) -> String {
      var text = "\(row.number)  \(row.kind) \(row.action) \(row.itemID)\n"
      func line(_ name: String, _ value: String?) {
        guard let value else { return }
        text += "  \(name.padding(toLength: 10, withPad: " ", startingAt: 0)) \(value)\n"
      }
      func time(_ value: Int64?) -> String? { value.map(Timestamp.string) }
      line("state", row.state.rawValue)
      line("made", time(row.createdAt))
      line("sent", time(row.sentAt).map { "\($0) (attempt \(row.attempts))" })
      line("in vault", time(row.syncedAt))
      line("vault id", row.vaultID?.rawValue)
      line("error", row.lastError.map { TerminalText.line($0, 300) })
      line("marker", row.marker.map { "[memoryd:\($0)]" })
      line("file", row.isMirrored ? "also in the fallback files" : nil)
      text += "  what goes to the vault:\n    \(TerminalText.safe(row.payload))\n"
      text += "  " + OutboxCommand.advice(row) + "\n"
      return text
    }
  }

  struct Retry: Command {
    static let configuration = CommandConfiguration(
      commandName: "retry",
      abstract: "Queues writes again, after you have looked.",
      discussion: """
        For an uncertain one: you have seen that the vault does not have it. For a quarantined one: \
        the reason is gone.
        """)

    @OptionGroup var shared: SharedOptions
    @Argument(help: "Numbers, or items' ids.") var rows: [TextArgument]

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let numbers = try OutboxCommand.rows(rows.map(\.text), service).map(\.number)
      // The outbox is the store's own: without the store there are no rows to try again.
      let count = try service.store.writing().retryOutbox(numbers, at: service.context.clock.now)
      return OutboxCommand.reply(count, "queued again", shared.json)
    }
  }

  struct Drop: Command {
    static let configuration = CommandConfiguration(
      commandName: "drop",
      abstract: "Takes writes out of the queue for good; the store keeps the items.",
      discussion: """
        For an uncertain one: you have seen that the vault has it. For any other: the vault is not \
        to get it.
        """)

    @OptionGroup var shared: SharedOptions
    @Argument(help: "Numbers, or items' ids.") var rows: [TextArgument]

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let numbers = try OutboxCommand.rows(rows.map(\.text), service).map(\.number)
      // The outbox is the store's own: without the store there are no rows to drop.
      let count = try service.store.writing().dropOutbox(numbers, at: service.context.clock.now)
      return OutboxCommand.reply(count, "dropped", shared.json)
    }
  }

  // MARK: Shared

  fileprivate static func rows(
    _ names: [String], _ service: MemoryService
  ) throws -> [OutboxRow] {
    var rows: [OutboxRow] = []
    for name in names {
      let found = try service.store.reading().outbox(matching: name)
      guard !found.isEmpty, !name.isEmpty else {
        throw CommandError(
          .notFound, "not_found", "there is no outbox entry \(name)",
          hint: "`memoryd outbox list --state all` shows them")
      }
      guard Set(found.map(\.itemID)).count == 1 else {
        throw CommandError(
          .badInput, "invalid", "several items begin with \(name)",
          hint: "give more of the id, or the number")
      }
      rows += found
    }
    return rows
  }

  fileprivate static func reply(_ count: Int, _ what: String, _ json: Bool) -> Outcome {
    Outcome(
      output: json
        ? JSONOutput.text(["changed": count] as JSON)
        : count == 0 ? "Nothing to change.\n" : "\(count) \(what)\n")
  }

  fileprivate static func title(_ row: OutboxRow) -> String {
    let object = JSONOutput.parsed(row.payload)
    return ["title", "decision", "objective"].lazy.compactMap { object[$0]?.string }.first ?? ""
  }

  /// What the state means for a person, and what to do.
  fileprivate static func advice(_ row: OutboxRow) -> String {
    switch row.state {
    case .held:
      return
        "It stays here: it was written without a vault, or in a project that is not shared. "
        + "`memoryd vault share PROJECT --history` shows what waits so."
    case .queued where row.failingSince != nil:
      return
        "The vault answered with an error. It is tried more and more seldom for a day, and "
        + "`memoryd sync` tries it now."
    case .queued where row.mustLook:
      return
        "It waits: somebody else may have sent it, so the next sync looks for it in the vault first."
    case .queued:
      return "It waits: `memoryd sync` sends it."
    case .sent:
      let when = row.lookAfter.map { " from \(Timestamp.string($0)) on" } ?? ""
      return
        "It was sent, and no answer tells whether it arrived. That can be seen\(when): the next sync "
        + "looks, and sends it again only if it is not there."
    case .synced:
      return "The vault acknowledged it."
    case .uncertain:
      let what =
        row.makesItem
        ? "a \(row.kind) with the marker above"
        : "this change on the task `\(row.taskVaultID?.rawValue ?? "")`"
      return
        "It was sent, and no read of the vault can prove whether it arrived. Look in the vault for "
        + "\(what). If it is there: `memoryd outbox drop \(row.number)`. If it is not: "
        + "`memoryd outbox retry \(row.number)`."
    case .quarantined:
      return
        "The vault does not take it. Once the reason is gone: `memoryd outbox retry \(row.number)`; "
        + "to give it up: `memoryd outbox drop \(row.number)`."
    case .dropped:
      return "You took it out of the queue; `memoryd outbox retry \(row.number)` queues it again."
    }
  }
}
