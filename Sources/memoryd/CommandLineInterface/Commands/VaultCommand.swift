import ArgumentParser
import Continuity
import Core
import Foundation
import MemoryStore

struct VaultCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vault",
    abstract: "Says what goes to the vault, and what stays here.",
    discussion: """
      Setting vault.url is the say for what is written from then on; vault.projects narrows it, and \
      `share` and `unshare` say it for one project. What was written before stays here until \
      `memoryd vault share PROJECT --history`.

      A vault is known by its address, whatever its token and scheme. Another address is another \
      vault, which has nothing yet; `memoryd vault moved` says that it is the same one.
      """,
    subcommands: [Show.self, Share.self, Unshare.self, Moved.self], defaultSubcommand: Show.self)

  // MARK: Show

  struct Show: Command {
    static let configuration = CommandConfiguration(
      commandName: "show", abstract: "Shows the vaults, and what each project keeps here.")

    @OptionGroup var shared: SharedOptions

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let consent = service.vault.consent
      let database = try service.store.reading()
      let vaults = try database.vaults()
      let held =
        try consent.vault.map { vault throws(StoreError) in
          try database.held(from: vault, project: nil)
        } ?? []
      let groups = VaultCommand.groups(held)
      let projects = try database.projects().filter { $0.joinedTo == nil && !$0.isUnfiled }
      let shares = try projects.map { project throws(StoreError) in
        (project, try database.isShared(project.id, consent))
      }
      let names = try VaultCommand.names(groups.map(\.project), database)
      if shared.json {
        return Outcome(
          output: JSONOutput.text(
            [
              "vault": consent.vault?.name,
              "vaults": vaults.map {
                [
                  "name": $0.name, "known_since": Timestamp.string($0.knownSince),
                  "waiting": $0.waiting, "items": $0.items, "current": $0.id == consent.vault?.id,
                ] as JSON
              },
              "projects": shares.map {
                ["id": $0.0.id, "name": $0.0.name, "shared": $0.1] as JSON
              },
              "held": groups.map { group in
                [
                  "project": group.project, "name": names[group.project ?? 0],
                  "items": group.items.map(VaultCommand.json),
                ] as JSON
              },
            ] as JSON))
      }
      var text = ""
      if let vault = consent.vault {
        let known = vaults.first { $0.id == vault.id }
        text +=
          "vault     \(TerminalText.line(vault.name, 120)): "
          + "\(TerminalText.count(known?.items ?? 0, "item")), \(known?.waiting ?? 0) waiting\n"
      } else {
        text += "No vault is configured: everything stays here.\n"
      }
      for other in vaults where other.id != consent.vault?.id {
        text +=
          "earlier   \(TerminalText.line(other.name, 120)): \(TerminalText.count(other.items, "item")), "
          + "\(other.waiting) waiting\n"
      }
      guard consent.vault != nil else { return Outcome(output: text) }
      for (project, isShared) in shares {
        let own = groups.first { $0.project == project.id }?.items.count ?? 0
        let stays = own == 0 ? "" : ", \(TerminalText.count(own, "item")) of before only here"
        let state = project.isPrivate ? "private" : isShared ? "shared" : "not shared"
        text +=
          "project   \(project.id)  \(TerminalText.line(project.name, 60)): \(state)\(stays)\n"
      }
      if !held.isEmpty {
        text += "`memoryd vault share PROJECT --history` shows what is only here, and can send it\n"
      }
      return Outcome(output: text)
    }
  }

  // MARK: Share

  struct Share: Command {
    static let configuration = CommandConfiguration(
      commandName: "share",
      abstract: "Lets what is written in a project go to the vault.",
      discussion: """
        Without --history that holds for what is written from now on. With it, shows what the vault \
        does not have of the project; with --yes too, that goes there.

          memoryd vault share harbor
          memoryd vault share harbor --history
          memoryd vault share harbor --history --yes
        """)

    @OptionGroup var shared: SharedOptions
    @Argument(help: "Its short name, its number or its folder.") var which: TextArgument?
    @Flag(name: .long, help: "All projects, and what belongs to none.") var all = false
    @Flag(name: .long, help: "What was written before too.") var history = false
    @Flag(name: .long, help: "Queue it; without this it is only shown.") var yes = false

    func validate() throws {
      guard (which != nil) != all else {
        throw ValidationError("Name a project, or give --all.")
      }
      guard !yes || history else { throw ValidationError("--yes goes with --history.") }
      guard !all || history else {
        throw ValidationError(
          "--all goes with --history; `vault.projects: all` in the settings shares what is written."
        )
      }
    }

    private static let mostShown = 40

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      guard let vault = service.vault.reference else {
        throw CommandError(
          .badConfiguration, "no_vault", "no vault is configured to share anything with",
          hint: "set vault.url, then share")
      }
      let project = try which.map { try VaultCommand.project($0.text, service) }
      // An order about what is stored already: it is carried out now, or fails before the person.
      let database = try service.store.writing()
      let now = service.context.clock.now
      if let project, try database.isPrivate(row: project.id) {
        throw CommandError(
          .usage, "usage", "\(TerminalText.line(project.name, 60)) is private: it goes to no vault",
          hint: "`memoryd project private \(project.id) --off` first")
      }
      guard history else {
        let consent = service.vault.consent
        let wasShared = try database.isShared(project!.id, consent)
        try database.share(project!.id, with: vault, at: now)
        let left = try database.held(from: vault, project: project!.id).count
        var text =
          "what is written in \(TerminalText.line(project!.name, 60)) goes to "
          + "\(TerminalText.line(vault.name, 120)) from now on\n"
        if left > 0 {
          text +=
            "\(TerminalText.count(left, "item")) of before stay here; `memoryd vault share "
            + "\(project!.id) --history` shows them\n"
        }
        return Outcome(
          output: shared.json
            ? JSONOutput.text(
              ["project": project!.id, "shared": true, "held": left] as JSON)
            : text + (wasShared ? "" : "undo: memoryd vault unshare \(project!.id)\n"))
      }
      let items = try database.held(from: vault, project: project?.id)
      if yes {
        if let project { try database.share(project.id, with: vault, at: now) }
        let count = try database.shareHistory(project?.id, with: vault, at: now)
        return Outcome(
          output: shared.json
            ? JSONOutput.text(["queued": count] as JSON)
            : count == 0
              ? "The vault has all of it already.\n"
              : "\(TerminalText.count(count, "item")) queued for \(TerminalText.line(vault.name, 120)); "
                + "`memoryd sync` sends them now\n")
      }
      if shared.json {
        return Outcome(
          output: JSONOutput.text(
            ["queued": 0, "held": items.map(VaultCommand.json)] as JSON))
      }
      if items.isEmpty { return Outcome(output: "The vault has all of it already.\n") }
      let name = project.map { "of \(TerminalText.line($0.name, 60)) " } ?? ""
      var text =
        "\(TerminalText.counts(items)) \(name)would go to \(TerminalText.line(vault.name, 120)):\n"
      text += items.prefix(Self.mostShown).map(VaultCommand.line).joined()
      if items.count > Self.mostShown {
        text += "  and \(items.count - Self.mostShown) more; --json names all of them\n"
      }
      let again = all ? "--all" : project.map { String($0.id) } ?? ""
      text +=
        "Nothing was queued; `memoryd vault share \(again) --history --yes` sends them.\n"
      return Outcome(output: text)
    }
  }

  // MARK: Unshare

  struct Unshare: Command {
    static let configuration = CommandConfiguration(
      commandName: "unshare",
      abstract: "Keeps what is written in a project here, whatever vault is configured.",
      discussion: "What a vault has already stays there.")

    @OptionGroup var shared: SharedOptions
    @Argument(help: "Its short name, its number or its folder.") var which: TextArgument

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let project = try VaultCommand.project(which.text, service)
      let consent = service.vault.consent
      // As for `share`: what waits to go must be held back now, not once a spool is taken in.
      let database = try service.store.writing()
      let wasShared = try database.isShared(project.id, consent)
      let count = try database.unshare(project.id, at: service.context.clock.now)
      if shared.json {
        return Outcome(
          output: JSONOutput.text(
            ["project": project.id, "shared": false, "held_back": count] as JSON))
      }
      var text =
        "what is written in \(TerminalText.line(project.name, 60)) stays here from now on\n"
      if count > 0 { text += "\(TerminalText.count(count, "write")) that waited to go stay too\n" }
      // An undo puts back what was: who did not share it before must not be led to.
      return Outcome(output: text + (wasShared ? "undo: memoryd vault share \(project.id)\n" : ""))
    }
  }

  // MARK: Moved

  struct Moved: Command {
    static let configuration = CommandConfiguration(
      commandName: "moved",
      abstract: "Says that a vault has another address now.",
      discussion: """
        What is known of it stays: which items it has, under which ids, and what waits for it. What \
        waits is looked up there before it is sent.

          memoryd vault moved https://old.example.org/mcp https://new.example.org/mcp
        """)

    @OptionGroup var shared: SharedOptions
    @Argument(help: "Its address until now.") var old: TextArgument
    @Argument(help: "Its address from now on.") var new: TextArgument

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let vaults = service.vault
      for text in [old.text, new.text] where !text.lowercased().hasPrefix("http") {
        throw CommandError(
          .usage, "usage", "\(TerminalText.line(text, 200)) is no http or https URL",
          hint: "give the two as they are or were in vault.url")
      }
      let (from, to) = (vaults.reference(to: old.text), vaults.reference(to: new.text))
      guard from.id != to.id else {
        throw CommandError(
          .usage, "usage", "both are the vault \(TerminalText.line(to.name, 120))",
          hint: "token, scheme and a slash at the end make no difference")
      }
      // As for `share`.
      let database = try service.store.writing()
      guard
        let moved = try database.moveVault(
          from, to: to, at: service.context.clock.now, lag: vaults.lag)
      else {
        let known = try database.vaults().map(\.name).joined(separator: ", ")
        throw CommandError(
          .notFound, "not_found", "no vault \(TerminalText.line(from.name, 120)) is known here",
          hint: known.isEmpty
            ? "none was ever configured" : "known: \(TerminalText.line(known, 400))")
      }
      if shared.json {
        return Outcome(
          output: JSONOutput.text(
            ["vault": to.name, "items": moved.items, "waiting": moved.waiting]
              as JSON))
      }
      return Outcome(
        output:
          "\(TerminalText.line(to.name, 120)) is what \(TerminalText.line(from.name, 120)) was: "
          + "\(TerminalText.count(moved.items, "item")) there, \(moved.waiting) waiting\n"
          + "undo: memoryd vault moved \(new.text) \(old.text)\n")
    }
  }

  // MARK: Shared

  private static func project(
    _ name: String, _ service: MemoryService
  ) throws -> (id: Int64, name: String) {
    if let number = Int64(name), let known = try service.store.reading().project(id: number) {
      return (known.id ?? number, known.name)
    }
    let project = try ProjectFinder.project(named: name, service)
    guard
      let id = try project.id
        ?? service.store.reading().projects().first(where: {
          $0.name == project.name && project.marks == nil
        })?.id
    else {
      throw CommandError(
        .notFound, "not_found", "nothing is recorded of a project \(TerminalText.line(name, 60))",
        hint: "`memoryd project list` names them")
    }
    return (id, project.name)
  }

  private static func groups(
    _ items: [MemoryDatabase.HeldItem]
  ) -> [(project: Int64?, items: [MemoryDatabase.HeldItem])] {
    Dictionary(grouping: items, by: \.projectID)
      .sorted { ($0.key ?? .max) < ($1.key ?? .max) }.map { ($0.key, $0.value) }
  }

  private static func names(
    _ ids: [Int64?], _ database: MemoryDatabase
  ) throws -> [Int64: String] {
    var names: [Int64: String] = [:]
    for id in ids.compactMap(\.self) { names[id] = try database.project(id: id)?.name }
    return names
  }

  static func line(_ item: MemoryDatabase.HeldItem) -> String {
    "  \(item.kind)  \(TerminalText.time(item.createdAt))  \(TerminalText.line(item.title, 80))\n"
  }

  static func json(_ item: MemoryDatabase.HeldItem) -> JSON {
    [
      "kind": item.kind.rawValue, "id": item.id, "title": item.title, "project": item.projectID,
      "created_at": Timestamp.string(item.createdAt),
    ]
  }
}
