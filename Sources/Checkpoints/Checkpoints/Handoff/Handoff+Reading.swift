import CCmark
import MemoryStore
import Syntax

extension Handoff {
  /// Reads any document. Where memoryd would write a part in the same way it becomes a value; the rest
  /// is kept as it stands.
  public init(_ document: String) {
    let source = HandoffSource(document)
    front = HandoffFront(source.front)
    frontSource = source.front == front.markdown() ? nil : source.front
    objective = Self.objective(of: source.lead)
    lead = source.lead == Self.title(objective) ? nil : source.lead
    // The blocks live as long as the tree that they are nodes of.
    sections = withExtendedLifetime(source) {
      zip(source.sections, source.blocks).map { Section(source: $0, blocks: $1) }
    }
    // Each is written as it stands, or else it would not have been read.
    rendering.sections = source.sections
  }

  /// What the title says after "Handoff".
  private static func objective(of lead: String) -> String {
    let tree = MarkdownTree(parsing: lead)
    let heading = MarkdownTree.children(of: tree.root).first {
      MarkdownTree.type(of: $0) == CMARK_NODE_HEADING
    }
    guard let heading else { return "" }
    let text = MarkdownTree.plainText(of: heading)
    guard text.lowercased().hasPrefix("handoff") else { return text }
    let rest = text.dropFirst("handoff".count).drop { " \t".contains($0) }
    guard let mark = rest.first else { return "" }
    guard [":", "-", "–", "—"].contains(mark) else { return text }
    return String(rest.dropFirst().trimmed)
  }
}

extension Handoff.Section {
  /// - Parameters:
  ///   - source: Begins with a heading, ends with a line feed.
  ///   - blocks: What cmark made of it.
  init(source: String, blocks: [MarkdownTree.Node]) {
    if let section = Self.read(source, blocks), HandoffSource.areSame(section.markdown, source) {
      self = section
    } else {
      self = .source(String(source.dropLast()))
    }
  }

  private static func read(
    _ source: String, _ blocks: [MarkdownTree.Node]
  ) -> Handoff.Section? {
    let opening = "## Notes\n\n"
    if source.utf8.starts(with: opening.utf8) {
      return .notes(String(source.dropFirst(opening.count).dropLast()))
    }
    guard source.utf8.starts(with: "## ".utf8), let end = source.utf8.firstIndex(of: 0x0A) else {
      return nil
    }
    let heading = source[..<end].dropFirst(3)
    guard let kind = HandoffTopic.allCases.first(where: { $0.heading == heading }) else {
      return nil
    }
    guard blocks.count == 2, MarkdownTree.type(of: blocks[1]) == CMARK_NODE_LIST else { return nil }
    let items = MarkdownTree.children(of: blocks[1]).map { cmark_node_first_child($0) }
    return section(kind, items.compactMap { $0 }.map(HandoffItem.init))
  }

  private static func section(_ topic: HandoffTopic, _ items: [HandoffItem]) -> Handoff.Section? {
    switch topic {
    case .done: .done(items.map(\.text))
    case .next: .next(items.map(\.step))
    case .openTasks: .openTasks(items.map(\.task))
    case .decisions: .decisions(items.map(\.decision))
    case .blockers: .blockers(items.map(\.text))
    case .files: .files(items.map(\.file))
    case .commits: .commits(items.map(\.commit))
    case .notes: nil
    }
  }
}

/// What a section is about.
enum HandoffTopic: CaseIterable {
  case done, next, openTasks, decisions, blockers, files, commits, notes

  /// As memoryd writes it.
  var heading: String {
    switch self {
    case .done: "Done"
    case .next: "Next"
    case .openTasks: "Open tasks"
    case .decisions: "Decisions"
    case .blockers: "Blockers"
    case .files: "Files"
    case .commits: "Commits"
    case .notes: "Notes"
    }
  }

  /// As people write it, in lower case.
  private var names: [String] {
    switch self {
    case .done:
      [
        "done", "completed", "finished", "what was done", "what i did", "accomplished",
        "changes made",
      ]
    case .next:
      [
        "next", "next steps", "todo", "to do", "to-do", "still todo", "still to do", "remaining",
        "remaining work", "what's next", "what is next", "action items", "not done", "pending",
        "pending actions",
      ]
    case .openTasks: ["open tasks", "tasks"]
    case .decisions: ["decisions", "key decisions", "decisions made"]
    case .blockers: ["blockers", "blocked", "blocked by", "blocking"]
    case .files:
      [
        "files", "files changed", "changed files", "modified files", "files modified",
        "files created/modified", "key files",
      ]
    case .commits: ["commits", "key commits", "recent commits", "last commits"]
    case .notes: ["notes"]
    }
  }

  /// - Parameter heading: Of a section, as plain text.
  init?(heading: String) {
    func isLetter(_ character: Character) -> Bool { character.isLetter }
    let text = heading.lowercased()
    guard let first = text.firstIndex(where: isLetter), let last = text.lastIndex(where: isLetter)
    else { return nil }
    let name = text[first...last]
    guard let topic = Self.allCases.first(where: { $0.names.contains { $0 == name } }) else {
      return nil
    }
    self = topic
  }
}

/// A paragraph of a list item, read as what its section holds.
struct HandoffItem {
  private let nodes: [MarkdownTree.Node]

  init(_ paragraph: MarkdownTree.Node) {
    cmark_consolidate_text_nodes(paragraph)
    nodes = Array(MarkdownTree.children(of: paragraph))
  }

  private static func text(_ nodes: ArraySlice<MarkdownTree.Node>) -> String {
    nodes.map { MarkdownTree.plainText(of: $0) }.joined()
  }

  var text: String { Self.text(nodes[...]) }

  /// True for what nobody means to do any more.
  var isDropped: Bool { DroppedItem.isMarked(text) }

  /// The ticked or empty box before a text, if there is one.
  private static func box(_ text: String) -> (isDone: Bool, rest: Substring)? {
    for (mark, isDone) in [("[ ] ", false), ("[x] ", true), ("[X] ", true)]
    where text.hasPrefix(mark) {
      return (isDone, text.dropFirst(mark.count))
    }
    return nil
  }

  var step: Handoff.Step {
    guard let (isDone, rest) = Self.box(text) else { return Handoff.Step(text) }
    return Handoff.Step(String(rest), isDone: isDone)
  }

  var task: Handoff.Task {
    var nodes = nodes[...]
    var id: String?
    var context: String?
    if let index = nodes.lastIndex(where: { MarkdownTree.type(of: $0) == CMARK_NODE_CODE }),
      index > 0
    {
      let (code, rest) = (MarkdownTree.literal(of: nodes[index]), Self.text(nodes[(index + 1)...]))
      // People write code in the midst of a title too.
      let hasContext = rest.hasPrefix(": ") && Handoff.isOfStore(code)
      if rest.isEmpty || hasContext {
        id = code
        if hasContext { context = String(rest.dropFirst(2)) }
        nodes = nodes[..<index]
      }
    }
    var text = Self.text(nodes)
    if id != nil, text.hasSuffix(" ") { text.removeLast() }
    let box = Self.box(text)
    return Handoff.Task(
      box.map { String($0.rest) } ?? text, id: id, context: context,
      isDone: box?.isDone ?? false)
  }

  /// What is marked at the start, and what follows a mark of punctuation.
  private func marked(_ types: [cmark_node_type], _ separator: String) -> (String, String?)? {
    guard let first = nodes.first, types.contains(MarkdownTree.type(of: first)) else { return nil }
    let rest = Self.text(nodes.dropFirst())
    let name = MarkdownTree.plainText(of: first)
    guard rest.hasPrefix(separator) else { return (name, rest.isEmpty ? nil : rest) }
    return (name, String(rest.dropFirst(separator.count)))
  }

  var decision: Handoff.Decision {
    guard let (decision, rationale) = marked([CMARK_NODE_STRONG], ": ") else {
      return Handoff.Decision(text)
    }
    return Handoff.Decision(decision, rationale: rationale)
  }

  var file: Handoff.File {
    guard let (path, note) = marked([CMARK_NODE_CODE, CMARK_NODE_STRONG], ": ") else {
      return Handoff.File(text)
    }
    return Handoff.File(path, note: note)
  }

  var commit: Handoff.Commit {
    guard let (hash, subject) = marked([CMARK_NODE_CODE], " ") else {
      let words = text.split(separator: " ", maxSplits: 1)
      return Handoff.Commit(
        words.first.map(String.init) ?? "", subject: words.count > 1 ? String(words[1]) : "")
    }
    return Handoff.Commit(hash, subject: subject ?? "")
  }
}
