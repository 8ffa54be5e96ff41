import ArgumentParser
import Checkpoints
import Continuity
import Core
import Git
import MemoryStore

struct ProjectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "project",
    abstract: "Says which folders are one project, and what belongs to which.",
    discussion: """
      A project is known by its git folder, by its remote together with a commit of it, or by its \
      folder. Where that is wrong, a person's word counts. PROJECT is a number of `project list`, a \
      folder, or a short name that only one project has.
      """,
    subcommands: [
      List.self, Rename.self, Join.self, Split.self, Private.self, Assign.self,
    ], defaultSubcommand: List.self)

  struct List: Command {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Lists projects, the one seen last first.")

    @OptionGroup var shared: SharedOptions

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let all = try service.store.reading().projects()
      var wanted: Int64?
      if let name = shared.project?.text {
        wanted = try ProjectCommand.find(name, service).id
      }
      let wholes = all.filter {
        $0.joinedTo == nil && (wanted == nil || $0.id == wanted)
      }
      if shared.json {
        return Outcome(
          output: JSONOutput.list(
            wholes.map { whole in
              var object = JSONOutput.project(whole)
              object["parts"] = Self.parts(of: whole.id, all).map(JSONOutput.project).json
              return object
            }))
      }
      if wholes.isEmpty { return Outcome(output: "No projects yet.\n") }
      return Outcome(output: wholes.map { Self.text($0, all) }.joined())
    }

    private static func parts(of id: Int64, _ all: [ProjectRecord]) -> [ProjectRecord] {
      all.filter { $0.joinedTo == id }.flatMap { [$0] + parts(of: $0.id, all) }
    }

    private static func text(_ whole: ProjectRecord, _ all: [ProjectRecord]) -> String {
      let parts = parts(of: whole.id, all)
      let sessions = parts.reduce(whole.sessions) { $0 + $1.sessions }
      let tasks = parts.reduce(whole.openTasks) { $0 + $1.openTasks }
      var facts = [TerminalText.count(sessions, "session"), TerminalText.count(tasks, "open task")]
      if whole.isPrivate { facts.append("private") }
      if whole.isUnfiled {
        facts.append("unfiled: `memoryd project assign \(whole.id) PROJECT`")
      }
      var text =
        "\(whole.id)  \(TerminalText.line(whole.name, 40))  \(place(whole))  "
        + facts.joined(separator: ", ") + "\n"
      for part in parts {
        text +=
          "    with \(part.id)  \(place(part))"
          + (part.joinReason.map { " (\($0))" } ?? "") + "\n"
      }
      for other in whole.resembles {
        text += "    begins with the same commit as \(other); they are kept apart\n"
      }
      return text
    }

    private static func place(_ record: ProjectRecord) -> String {
      let parts = [record.root, record.remotes.first].compactMap(\.self).map {
        TerminalText.line($0, 120)
      }
      return parts.isEmpty ? "-" : parts.joined(separator: "  ")
    }
  }

  struct Rename: Command {
    static let configuration = CommandConfiguration(
      commandName: "rename", abstract: "Gives a project another short name.")

    @OptionGroup var shared: SharedOptions
    @Argument(help: "The project.") var which: TextArgument
    @Argument(help: "Its new short name.") var name: TextArgument

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let new = name.text
      guard ProjectCommand.isShortName(new) else {
        throw CommandError(
          .usage, "usage", "a short name is one line, neither empty nor a number, without a slash")
      }
      let id = try ProjectCommand.row(which.text, service)
      guard try !service.store.reading().projects().contains(where: { $0.id == id && $0.isUnfiled })
      else {
        throw CommandError(
          .usage, "usage",
          "\(TerminalText.line(which.text, 60)) is no project: things wait under that name alone",
          hint: "`memoryd project assign \(id) PROJECT` files them")
      }
      // Here and below: an order about projects in the store, carried out now, or it fails before
      // the person; what is written to them meanwhile finds them as they are then.
      let old = try service.store.writing().renameProject(id, to: new)
      return ProjectCommand.reply(
        "\(TerminalText.line(old, 60)) is called \(TerminalText.line(new, 60)) from now on",
        ["id": id, "name": new, "old_name": old],
        // A folder's name may be one that no person can give.
        undo: new == old || !ProjectCommand.isShortName(old) || TerminalText.safe(old) != old
          ? [] : ["project rename \(id) \(ProjectCommand.quoted(old))"], shared)
    }
  }

  struct Join: Command {
    static let configuration = CommandConfiguration(
      commandName: "join",
      abstract: "Makes two projects one: B is a part of A from now on.",
      discussion: "Nothing is moved, so that `memoryd project split B` takes it back.")

    @OptionGroup var shared: SharedOptions
    @Argument(help: "The project that stays.") var whole: TextArgument
    @Argument(help: "The one that is joined to it.") var part: TextArgument

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let (a, b) = (
        try ProjectCommand.row(whole.text, service, makes: true),
        try ProjectCommand.row(part.text, service, makes: true)
      )
      let joined: MemoryDatabase.Joined
      do throws(StoreError) {
        joined = try service.store.writing().join(b, into: a, at: service.context.clock.now)
      } catch {
        guard error.code == .invalid else { throw error }
        throw CommandError(.usage, "usage", error.message)
      }
      return ProjectCommand.reply(
        "\(joined.part) is a part of \(joined.whole)",
        ["id": joined.whole, "joined": joined.part],
        undo: ["project split \(joined.part)"], shared)
    }
  }

  struct Split: Command {
    static let configuration = CommandConfiguration(
      commandName: "split",
      abstract: "Parts what is no one project: by the folders in which its sessions began.",
      discussion: """
        memoryd project split api             each of its folders is a project of its own
        memoryd project split api ~/code/api  only that folder
        memoryd project split 7               takes `project join A 7` back
        memoryd project split 3 7             keeps two that begin with the same commit apart
        """)

    @OptionGroup var shared: SharedOptions
    @Argument(help: "The project.") var which: TextArgument
    @Argument(help: "One folder of it, or a project to keep it apart from.") var other:
      TextArgument?

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let database = try service.store.writing()
      let row = try ProjectCommand.row(which.text, service, isRaw: true)
      guard let whole = try database.project(id: row), let head = whole.id else {
        throw ProjectCommand.unknown(which.text)
      }
      let second = try other.map { try ProjectCommand.row($0.text, service, isRaw: true) }
      if let second, try database.project(id: second)?.id != head {
        try database.keepApart(head, second)
        // They were two before as well: to join them would take nothing back.
        return ProjectCommand.reply(
          "\(head) and \(second) stay apart", ["id": head, "apart": [second]], undo: [], shared)
      }
      if second == nil, let parted = try database.part(row) {
        return ProjectCommand.reply(
          "\(parted.part) is a project of its own",
          ["id": parted.whole, "apart": [parted.part]],
          undo: ["project join \(parted.whole) \(parted.part)"], shared)
      }
      var apart: [Int64] = []
      if let second {
        if second != head, try database.part(second) != nil { apart.append(second) }
      } else {
        for part in try database.projects() where part.joinedTo == head {
          // What was filed by its name is no folder.
          if part.joinReason != "name", try database.part(part.id) != nil { apart.append(part.id) }
        }
      }
      let only = other.map {
        ProjectFinder.project(at: service.context.absolute($0.text), service).marks?.place
      }
      for part in try parts(of: whole, service) where only == nil || only == part.place {
        guard apart.isEmpty || other == nil else { break }
        apart.append(try database.split(part.part, outOf: head, at: service.context.clock.now))
      }
      guard !apart.isEmpty else {
        throw CommandError(
          .notFound, "not_found",
          "there is no other folder in which sessions of \(TerminalText.line(whole.name, 60)) began",
          hint: "`memoryd project list` shows what it is made of")
      }
      return ProjectCommand.reply(
        "\(TerminalText.count(apart.count, "folder")) of \(head) apart: "
          + apart.map(String.init).joined(separator: ", "),
        ["id": head, "apart": apart], undo: apart.map { "project join \(head) \($0)" }, shared)
    }

    /// The folders of its sessions but the one it was last worked in, worktrees together.
    private func parts(
      of whole: ProjectReference, _ service: MemoryService
    ) throws -> [(place: String, part: MemoryDatabase.Part)] {
      guard let id = whole.id else { return [] }
      let home = whole.root.map {
        GitFacts.project(at: $0, facts: service.repositories.facts(at: $0))
      }
      var parts: [(place: String, part: MemoryDatabase.Part)] = []
      for folder in try service.store.reading().sessionFolders(id) {
        let project = GitFacts.project(at: folder, facts: service.repositories.facts(at: folder))
        guard let place = project.marks?.place, place != home?.marks?.place,
          // A folder that is gone may have been one within.
          !(home?.root.map { folder.hasPrefix($0 + "/") } ?? false)
            || service.repositories.facts(at: folder) != nil
        else { continue }
        if let known = parts.firstIndex(where: { $0.place == place }) {
          parts[known].part.folders.append(folder)
        } else {
          parts.append((place, MemoryDatabase.Part(project: project, folders: [folder])))
        }
      }
      return parts
    }
  }

  struct Private: Command {
    static let configuration = CommandConfiguration(
      commandName: "private",
      abstract: "Lets no other folder join a project but by a person's word.",
      discussion: """
        Nothing of a private project is found from another one, unless it is named, and nothing of \
        it goes to the vault.
        """)

    @OptionGroup var shared: SharedOptions
    @Argument(help: "The project (default: the one at hand).") var which: TextArgument?
    @Flag(name: .long, help: "It is not private any more.") var off = false

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let id = try ProjectCommand.row(which?.text ?? ".", service, makes: true)
      let held = try service.store.writing().setPrivate(!off, id, at: service.context.clock.now)
      guard let held else {
        return ProjectCommand.reply(
          "\(id) is \(off ? "not private" : "private already")",
          ["id": id, "private": !off, "held_back": 0], undo: [], shared)
      }
      let stay =
        held > 0
        ? "; \(TerminalText.count(held, "write")) that waited to go to the vault stay here" : ""
      return ProjectCommand.reply(
        "\(id) is \(off ? "not private any more" : "private")\(stay)",
        ["id": id, "private": !off, "held_back": held],
        undo: ["project private \(id)" + (off ? "" : " --off")], shared)
    }
  }

  struct Assign: Command {
    static let configuration = CommandConfiguration(
      commandName: "assign",
      abstract: "Files what came with a project's name only.",
      discussion: """
        memoryd project assign api ~/code/api  all that waits under the name api, and what will come
        memoryd project assign 01M83… 4        one task or decision
        """)

    @OptionGroup var shared: SharedOptions
    @Argument(help: "The name or number that things wait under, or the id of one of them.")
    var what: TextArgument
    @Argument(help: "The project (default: the one at hand).") var target: TextArgument?

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let database = try service.store.writing()
      let target = try ProjectCommand.row(
        self.target?.text ?? shared.project?.text ?? ".", service, makes: true, isRaw: true)
      let item = what.recordID.uppercased()
      if let assigned = try database.assign(item: item, to: target, at: service.context.clock.now) {
        return ProjectCommand.reply(
          "\(assigned.id) is filed under \(target)", ["id": target, "item": assigned.id],
          undo: assigned.from.flatMap {
            $0 == target ? nil : ["project assign \(assigned.id) \($0)"]
          }
            ?? [], shared)
      }
      var shelf = try database.unfiledRow(named: what.text)
      if shelf == nil, let number = Int64(what.text),
        try database.projects().contains(where: { $0.id == number && $0.isUnfiled })
      {
        shelf = number
      }
      guard let shelf else {
        throw CommandError(
          .notFound, "not_found",
          "nothing waits under the name \(TerminalText.line(what.text, 60)), and no task or decision has it as its id",
          hint: "`memoryd task list --unfiled` shows what waits")
      }
      // A number is only taken for one that is filed nowhere yet.
      let former = try database.part(shelf)?.whole
      let joined = try database.join(shelf, into: target, at: service.context.clock.now)
      return ProjectCommand.reply(
        "what waited under \(TerminalText.line(what.text, 60)) is filed under \(joined.whole)",
        ["id": joined.whole, "assigned": joined.part],
        undo: [
          former.map { "project assign \(ProjectCommand.quoted(what.text)) \($0)" }
            ?? "project split \(joined.part)"
        ], shared)
    }
  }

  // MARK: Shared

  /// - Parameters:
  ///   - makes: A folder that the store does not know yet is taken in.
  ///   - isRaw: A number means that row, also where it was joined to another.
  private static func row(
    _ text: String, _ service: MemoryService, makes: Bool = false, isRaw: Bool = false
  ) throws -> Int64 {
    // What memoryd prints is a number: a folder that is called like one must not take its place.
    if let id = Int64(text), let known = try service.store.reading().project(id: id) {
      return isRaw ? id : known.id ?? id
    }
    let project = try find(text, service)
    if let id = project.id {
      guard isRaw, let marks = project.marks else { return id }
      return try service.store.reading().row(ofPlace: marks) ?? id
    }
    guard makes, project.marks != nil else { throw unknown(text) }
    return try service.store.writing().register(project, at: service.context.clock.now)
  }

  private static func find(_ text: String, _ service: MemoryService) throws -> ProjectReference {
    let project = try ProjectFinder.project(named: text, service)
    if project.id == nil, project.marks == nil {
      if let shelf = try service.store.reading().unfiledRow(named: text),
        let known = try service.store.reading().project(id: shelf)
      {
        return known
      }
      throw unknown(text)
    }
    return project
  }

  private static func unknown(_ text: String) -> CommandError {
    CommandError(
      .notFound, "not_found", "there is no project \(TerminalText.line(text, 60))",
      hint: "`memoryd project list` shows them")
  }

  private static func isShortName(_ text: String) -> Bool {
    text.contains { !$0.isWhitespace } && !text.contains("/") && Int64(text) == nil
      && !text.unicodeScalars.contains(where: Markdown.isControl)
  }

  /// As a shell takes it for one argument, the last or the one before a number.
  private static func quoted(_ text: String) -> String {
    let isPlain = text.allSatisfy {
      $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0))
    }
    let word = isPlain ? text : "'" + text.replacing("'", with: "'\\''") + "'"
    return text.hasPrefix("-") ? "-- " + word : word
  }

  private static func reply(
    _ text: String, _ object: JSON, undo: [String], _ shared: SharedOptions
  ) -> Outcome {
    let commands = undo.map { "memoryd " + $0 }
    if shared.json {
      var object = object
      object["undo"] = commands.json
      return Outcome(output: JSONOutput.text(object))
    }
    return Outcome(
      output: text + "\n" + commands.map { "undo: \($0)\n" }.joined())
  }
}

extension JSONOutput {
  static func project(_ record: ProjectRecord) -> JSON {
    [
      "id": record.id, "name": record.name, "folder": record.root, "remotes": record.remotes,
      "join_reason": record.joinReason, "unfiled": record.isUnfiled, "private": record.isPrivate,
      "sessions": record.sessions, "open_tasks": record.openTasks, "resembles": record.resembles,
      "last_seen_at": time(record.lastSeenAt),
    ]
  }
}
