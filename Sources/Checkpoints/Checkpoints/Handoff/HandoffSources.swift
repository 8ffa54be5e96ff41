import CCmark
import Core
public import Git
public import MemoryStore
import Syntax
import Transcripts

/// All that a handoff is made from.
public struct HandoffSources: Sendable {
  /// The session, as far as its transcript tells.
  public var snapshot: Snapshot
  /// What was said by hand in the session's checkpoints, oldest first.
  public var statements: [Snapshot.Statement] = []
  public var openTasks: [TaskRecord] = []
  /// Done in this session.
  public var doneTasks: [TaskRecord] = []
  /// Decisions of this session, newest first.
  public var decisions: [DecisionRecord] = []
  /// Nil if nobody could look.
  public var changes: [GitStatus.Change]?
  /// Newest first.
  public var commits: [GitHistory.Commit] = []
  /// What a person called false: no file or commit of it is named.
  public var struck = StruckLines()
  /// What the writer adds: Markdown.
  public var note: String?

  public init(snapshot: Snapshot) {
    self.snapshot = snapshot
  }

  // MARK: What was said by hand

  /// The newest of what was said of each.
  public var statement: Snapshot.Statement {
    Snapshot.Statement(
      objective: statements.last { $0.objective != nil }?.objective,
      blockers: statements.last { !$0.blockers.isEmpty }?.blockers ?? [],
      actions: Self.distinct(statements.flatMap(\.actions)),
      next: statements.last { !$0.next.isEmpty }?.next ?? [])
  }

  public var objective: String {
    statement.objective ?? (snapshot.objective.isEmpty ? nil : snapshot.objective)
      ?? snapshot.plan.first { $0.state == .inProgress }?.text ?? commits.first {
        !struck.has(commit: $0.hash)
      }?.subject ?? ""
  }

  // MARK: Sections

  private static let mostItems = 60
  /// Bytes of a task's context.
  private static let contextBytes = 1000

  /// What was achieved: completed todos, what was said to be done, finished tasks, and commits.
  public var achievements: [Ledger.Entry] {
    let done =
      snapshot.plan.filter { $0.state == .completed }.map(\.text) + statement.actions
      + doneTasks.map(\.title)
    var seen: Set<String> = []
    let items = done.map(\.oneLine).filter { !$0.isEmpty && seen.insert($0).inserted }
      .map { Ledger.Entry($0, status: .done) }
    let commits = snapshot.commits.map {
      Ledger.Entry($0.subject.oneLine, status: .done, detail: $0.hash)
    }.filter { !$0.item.isEmpty && !seen.contains($0.item) }
    return Array((items + commits).suffix(Self.mostItems))
  }

  private var done: [String] {
    var lines = achievements.map { entry in
      entry.detail.map { "committed \($0) \(entry.item)" } ?? entry.item
    }
    // What was committed and what was done stands above already.
    lines += snapshot.actions.filter { $0.hasPrefix("ran ") }
    return lines
  }

  private var next: [Handoff.Step] {
    let open = snapshot.plan.filter { $0.state != .completed }
    let plan = open.filter { $0.state == .inProgress } + open.filter { $0.state == .pending }
    return Self.distinct(
      plan.map { $0.text.oneLine + ($0.state == .inProgress ? " (in progress)" : "") }
        + statement.next + told(.next, 5)
    ).prefix(Self.mostItems).map { Handoff.Step($0) }
  }

  /// The best lines of a part, in their order.
  private func told(_ part: DocumentPart, _ most: Int) -> [String] {
    let best = snapshot.told.filter { $0.part == part && !struck.has($0.subject) }
      .sorted { ($0.worth, $1.order) > ($1.worth, $0.order) }.prefix(most)
    return best.sorted { $0.order < $1.order }.map(\.text)
  }

  /// What was said to be in the way, and what the log shows to be.
  private var blockers: [String] {
    statement.blockers
      + (told(.tried, 12) + told(.stands, 12)).filter {
        $0.hasBytes("Never passed since") || $0.hasBytes("has not passed since")
      }.map { $0.cut(to: 400) }
  }

  /// Decisions of record, then what the session shows.
  private var decided: [Handoff.Decision] {
    decisions.reversed().map {
      Handoff.Decision($0.decision, rationale: $0.rationale.isEmpty ? nil : $0.rationale)
    } + told(.decisions, 12).map { Handoff.Decision($0) }
  }

  /// Files that were changed: uncommitted ones first, then what the session edited.
  private var files: [Handoff.File] {
    let edited = snapshot.files.filter { $0.edits > 0 && !Self.isHandoff($0.path) }
    func facts(_ file: Snapshot.File) -> [String] {
      [file.edits == 1 ? "edited" : "edited \(file.edits) times"]
        + (file.symbols.isEmpty ? [] : [file.symbols.prefix(4).joined(separator: ", ")])
    }
    var files: [Handoff.File] = []
    var seen: Set<String> = []
    for change in changes ?? []
    where !Self.isHandoff(change.path) && !struck.has(change.path) {
      let own = edited.first { $0.path == change.path || $0.path.hasSuffix("/" + change.path) }
      let notes = [Self.words(change.state)] + (own.map(facts) ?? [])
      files.append(Handoff.File(change.path, note: notes.joined(separator: "; ")))
      if let own { seen.insert(own.path) }
    }
    for file in edited where !seen.contains(file.path) {
      files.append(Handoff.File(file.path, note: facts(file).joined(separator: "; ")))
    }
    return Array(files.prefix(Self.mostItems))
  }

  /// Handoffs are not a part of the work.
  private static func isHandoff(_ path: String) -> Bool {
    path.hasPrefix(".handoff/") || path.hasBytes("/.handoff/")
  }

  /// git's two letters.
  private static func words(_ state: String) -> String {
    if state.isEmpty { return "uncommitted" }
    if state == "??" { return "untracked" }
    let what: String =
      switch state.first(where: { $0 != " " }) {
      case "A": "added"
      case "D": "deleted"
      case "R": "renamed"
      case "C": "copied"
      case "U": "in conflict"
      default: "modified"
      }
    return what + (state.last == " " ? ", staged" : ", uncommitted")
  }

  // MARK: Recovery facts

  /// What a reader needs beside the lists: Markdown with headings of the third level.
  private func facts(now: Int64) -> String {
    var parts: [String] = []
    func add(_ fact: HandoffFact, _ lines: [String]) {
      guard !lines.isEmpty else { return }
      parts.append("### \(fact.rawValue)\n\n" + lines.joined(separator: "\n"))
    }
    func quote(_ text: String, _ bytes: Int) -> String {
      Markdown.text(text.oneLine.cut(to: bytes))
    }
    add(
      .requests,
      snapshot.requests.reversed().prefix(5).map { request in
        let question = request.question
        return "- “\(quote(request.text, 400))”"
          + (question.isEmpty ? "" : " (answer to: \(quote(question, 160)))")
      })
    add(.rules, snapshot.rules.reversed().prefix(10).map { "- “\(quote($0.text, 300))”" })
    add(
      .commands,
      snapshot.commands.prefix(8).map { command in
        let facts =
          (command.count > 1 ? ["×\(command.count)"] : [])
          + (command.outcome == .failed ? ["failed last"] : [])
        return "- " + Markdown.code(command.text.oneLine.cut(to: 160))
          + (facts.isEmpty ? "" : " " + facts.joined(separator: ", "))
      })
    if let failure = snapshot.lastFailure, snapshot.toolCalls - failure.call < 15 {
      add(.failure, ["- \(Markdown.inline(failure.tool)): \(quote(failure.text, 300))"])
    }
    let stands = told(.stands, 10).map { "- " + Markdown.prose($0) }
    add(.stood, stands.isEmpty ? snapshot.lastReply.map { ["> " + quote($0, 600)] } ?? [] : stands)
    add(.tried, told(.tried, 10).map { "- " + Markdown.prose($0) })
    if let changes {
      let count = changes.count { !Self.isHandoff($0.path) }
      let what =
        count == 0
        ? "nothing uncommitted" : count == 1 ? "one path uncommitted" : "\(count) paths uncommitted"
      add(.repository, ["- \(what)"])
    }
    return parts.joined(separator: "\n\n")
  }

  private static func distinct(_ texts: [String]) -> [String] {
    var seen: Set<String> = []
    return texts.filter { !$0.isEmpty && seen.insert($0).inserted }
  }

  // MARK: The document

  /// - Parameters:
  ///   - front: Who, where and when; the branch and the commit are added.
  ///   - now: Unix ms.
  public func handoff(_ front: HandoffFront, now: Int64) -> Handoff {
    var front = front
    front.branch = front.branch ?? snapshot.git?.branch
    front.head = front.head ?? snapshot.git?.head
    let notes = [note.map(HandoffNote.contained) ?? "", facts(now: now)]
    return Handoff(
      front: front, objective: objective.oneLine.cut(to: 300),
      sections: [
        .done(done), .next(next),
        .openTasks(
          openTasks.map {
            Handoff.Task(
              $0.title.oneLine, id: $0.id.rawValue,
              context: $0.context?.oneLine.cut(to: Self.contextBytes))
          }),
        .decisions(decided), .blockers(blockers), .files(files),
        .commits(
          commits.filter { !struck.has(commit: $0.hash) }.map {
            Handoff.Commit($0.shortHash, subject: $0.subject)
          }),
        .notes(notes.filter { !$0.isEmpty }.joined(separator: "\n\n")),
      ]
    ).normalised()
  }
}

/// What memoryd puts under the writer's notes, by its heading.
private enum HandoffFact: String, CaseIterable {
  case requests = "Last requests, newest first"
  case rules = "Standing rules"
  case commands = "Commands"
  case failure = "Last failure"
  case stood = "Where it stood"
  case tried = "What was tried"
  case repository = "Repository"

  /// The line of notes at which these begin; behind the last one if they have none.
  static func start(in notes: String, _ lines: [Substring]) -> Int {
    let tree = MarkdownTree(parsing: notes)
    let first = MarkdownTree.children(of: tree.root).first { node in
      MarkdownTree.type(of: node) == CMARK_NODE_HEADING
        && HandoffFact(rawValue: MarkdownTree.plainText(of: node)) != nil
    }
    return first.map { MarkdownTree.lines(of: $0, in: lines).lowerBound } ?? lines.count
  }
}

extension Handoff {
  /// One line: what was done, what comes next, what is in the way.
  public var summary: String {
    let contents = contents
    func some(_ items: [String], _ none: String) -> String {
      guard let first = items.first else { return none }
      let rest = items.count > 1 ? " (+\(items.count - 1) more)" : ""
      return first.oneLine.cut(to: 100) + rest
    }
    let next = contents.next.filter { !$0.isDone }.map(\.text)
    // What was achieved says more than what was run.
    let done = contents.done.filter { !$0.hasPrefix("ran ") }
    return "done: \(some((done.isEmpty ? contents.done : done).reversed(), "nothing recorded")); "
      + "next: \(some(next + contents.openTasks.map(\.title), "nothing recorded")); "
      + "blocked: \(some(contents.blockers, "nothing"))"
  }

  /// Adds to what the writer says in the document's notes, in front of what memoryd gathered.
  public mutating func add(note: String) {
    let note = HandoffNote.contained(note)
    guard !note.isEmpty else { return }
    for (index, section) in sections.enumerated() {
      guard case .notes(let text) = section else { continue }
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      let facts = HandoffFact.start(in: text, lines)
      let parts = [
        lines[..<facts].joined(separator: "\n"), note, lines[facts...].joined(separator: "\n"),
      ].map(HandoffSource.withoutBlankEdges)
      sections[index] = .notes(parts.filter { !$0.isEmpty }.joined(separator: "\n\n"))
      return
    }
    sections.append(.notes(note))
  }
}
