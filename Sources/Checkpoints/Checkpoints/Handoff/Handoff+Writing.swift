import CCmark
import Core
import Syntax

extension Handoff {
  /// The document: CommonMark, UTF-8, ends with a line feed.
  public func markdown() -> String {
    let opening = frontSource ?? front.markdown()
    return Self.joined([opening, body])
  }

  /// The document as a page's content: raw HTML and dangerous links are left out.
  public func html() -> String { MarkdownTree(parsing: body).html() }

  /// A whole page in HTML, for a browser: nothing in it runs or is fetched.
  public func page() -> String {
    let facts = [front.project, front.branch, front.created].compactMap(\.self).map(Self.escaped)
    return """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
      <title>\(Self.escaped(objective.isEmpty ? "Handoff" : objective.oneLine))</title>
      <style>
      body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
      code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
      pre { overflow-x: auto; }
      h1, h2 { line-height: 1.25; }
      .facts { color: #666; }
      @media (prefers-color-scheme: dark) { body { background: #111; color: #ddd; } .facts { color: #999; } }
      </style>
      </head>
      <body>
      <p class="facts">\(facts.joined(separator: " · "))</p>
      \(html())</body>
      </html>

      """
  }

  private static func escaped(_ text: String) -> String {
    text.replacing(bytesOf: "&", with: "&amp;").replacing(bytesOf: "<", with: "&lt;")
      .replacing(bytesOf: ">", with: "&gt;").replacing(bytesOf: "\"", with: "&quot;")
  }

  private var body: String {
    Self.joined(
      [lead ?? Self.title(objective)] + (rendering.sections ?? sections.map(\.markdown)))
  }

  /// A blank line between parts that are not empty.
  private static func joined(_ parts: [String]) -> String {
    parts.filter { !$0.isEmpty }.joined(separator: "\n")
  }

  package static func title(_ objective: String) -> String {
    let tree = MarkdownTree()
    let text = objective.isEmpty ? "Handoff" : "Handoff: " + objective
    MarkdownTree.appendText(text, to: tree.appendHeading(1), onOneLine: true)
    return tree.commonMark()
  }

  /// A handoff without what has no place in a document: NUL and CR, blanks around texts, empty items
  /// and sections.
  public func normalised() -> Handoff {
    var copy = self
    for field in HandoffFront.fields {
      // A byte order mark at the start of a value does not survive YAML.
      copy.front[keyPath: field.path] = front[keyPath: field.path].flatMap {
        Self.clean($0.replacing(bytesOf: "\u{FEFF}", with: ""))
      }
    }
    copy.objective = Self.clean(objective) ?? ""
    copy.sections = sections.compactMap(\.normalised)
    return copy
  }

  /// True for the id of a task that the store has; only such a one is followed by its context.
  static func isOfStore(_ id: String?) -> Bool { id.flatMap { ULID($0) } != nil }

  /// - Returns: Nil if nothing is left.
  package static func clean(_ text: String) -> String? {
    // cmark takes no noncharacters.
    let clean = HandoffSource.lineFeeds(text).replacing(bytesOf: "\u{FFFE}", with: "\u{FFFD}")
      .replacing(bytesOf: "\u{FFFF}", with: "\u{FFFD}").trimmed
    return clean.isEmpty ? nil : String(clean)
  }
}

extension Handoff.Section {
  private var topic: HandoffTopic? {
    switch self {
    case .done: .done
    case .next: .next
    case .openTasks: .openTasks
    case .decisions: .decisions
    case .blockers: .blockers
    case .files: .files
    case .commits: .commits
    case .notes: .notes
    case .source: nil
    }
  }

  /// The section with its heading; ends with a line feed.
  package var markdown: String {
    typealias Tree = MarkdownTree
    switch self {
    case .source(let text): return text.hasSuffix("\n") ? text : text + "\n"
    case .notes(let text): return "## Notes\n\n" + text + "\n"
    default: break
    }
    let tree = Tree()
    Tree.appendLiteral(CMARK_NODE_TEXT, topic?.heading ?? "", to: tree.appendHeading(2))
    let list = tree.appendList()
    func box(_ isDone: Bool) -> Tree.Node {
      let item = Tree.appendItem(to: list)
      Tree.appendMarkup(isDone ? "[x] " : "[ ] ", to: item)
      return item
    }
    switch self {
    case .done(let items), .blockers(let items):
      for item in items { Tree.appendText(item, to: Tree.appendItem(to: list)) }
    case .next(let steps):
      for step in steps { Tree.appendText(step.text, to: box(step.isDone)) }
    case .openTasks(let tasks):
      for task in tasks {
        let item = box(task.isDone)
        Tree.appendText(task.title, to: item)
        guard let id = task.id else { continue }
        Tree.appendMarkup(" ", to: item)
        Tree.appendLiteral(CMARK_NODE_CODE, id, to: item)
        guard let context = task.context else { continue }
        Tree.appendMarkup(": ", to: item)
        Tree.appendText(context, to: item)
      }
    case .decisions(let decisions):
      for decision in decisions {
        let item = Tree.appendItem(to: list)
        Tree.appendText(decision.decision, to: Tree.append(CMARK_NODE_STRONG, to: item))
        guard let rationale = decision.rationale else { continue }
        Tree.appendMarkup(": ", to: item)
        Tree.appendText(rationale, to: item)
      }
    case .files(let files):
      for file in files {
        let item = Tree.appendItem(to: list)
        if Self.fitsCode(file.path) {
          Tree.appendLiteral(CMARK_NODE_CODE, file.path, to: item)
        } else {
          Tree.appendText(file.path, to: Tree.append(CMARK_NODE_STRONG, to: item))
        }
        guard let note = file.note else { continue }
        Tree.appendMarkup(": ", to: item)
        Tree.appendText(note, to: item)
      }
    case .commits(let commits):
      for commit in commits {
        let item = Tree.appendItem(to: list)
        Tree.appendLiteral(CMARK_NODE_CODE, commit.hash, to: item)
        guard !commit.subject.isEmpty else { continue }
        Tree.appendMarkup(" ", to: item)
        Tree.appendText(commit.subject, to: item)
      }
    case .notes, .source: break
    }
    return tree.commonMark()
  }

  /// A code span keeps any text but line ends; what drives a terminal is not for a reader's eyes.
  private static func fitsCode(_ text: String) -> Bool {
    !text.unicodeScalars.contains(where: Markdown.isControl)
  }

  /// Nil if nothing is left of it.
  package var normalised: Handoff.Section? {
    func texts(_ items: [String]) -> [String] { items.compactMap(Handoff.clean) }
    func name(_ text: String) -> String? {
      // A code span cannot tell blanks at its ends from padding.
      Handoff.clean(text).map { text in
        String(
          String.UnicodeScalarView(
            text.unicodeScalars.map { Markdown.isControl($0) ? " " : $0 }))
      }.flatMap(Handoff.clean)
    }
    let section: Handoff.Section
    let isEmpty: Bool
    switch self {
    case .done(let items): (section, isEmpty) = (.done(texts(items)), texts(items).isEmpty)
    case .blockers(let items):
      (section, isEmpty) = (.blockers(texts(items)), texts(items).isEmpty)
    case .next(let steps):
      let clean = steps.compactMap { step in
        Handoff.clean(step.text).map { Handoff.Step($0, isDone: step.isDone) }
      }
      (section, isEmpty) = (.next(clean), clean.isEmpty)
    case .openTasks(let tasks):
      let clean = tasks.compactMap { task in
        Handoff.clean(task.title).map {
          let id = task.id.flatMap(name)
          return Handoff.Task(
            $0, id: id, context: Handoff.isOfStore(id) ? task.context.flatMap(Handoff.clean) : nil,
            isDone: task.isDone)
        }
      }
      (section, isEmpty) = (.openTasks(clean), clean.isEmpty)
    case .decisions(let decisions):
      let clean = decisions.compactMap { decision in
        Handoff.clean(decision.decision).map {
          Handoff.Decision($0, rationale: decision.rationale.flatMap(Handoff.clean))
        }
      }
      (section, isEmpty) = (.decisions(clean), clean.isEmpty)
    case .files(let files):
      let clean = files.compactMap { file in
        Handoff.clean(file.path).map {
          Handoff.File($0, note: file.note.flatMap(Handoff.clean))
        }
      }
      (section, isEmpty) = (.files(clean), clean.isEmpty)
    case .commits(let commits):
      let clean = commits.compactMap { commit in
        name(commit.hash).map {
          Handoff.Commit($0, subject: Handoff.clean(commit.subject) ?? "")
        }
      }
      (section, isEmpty) = (.commits(clean), clean.isEmpty)
    case .notes(let text):
      let clean = HandoffSource.withoutBlankEdges(HandoffSource.lineFeeds(text))
      (section, isEmpty) = (.notes(clean), clean.isEmpty)
    case .source(let text):
      let clean = HandoffSource.withoutBlankEdges(HandoffSource.lineFeeds(text))
      (section, isEmpty) = (.source(clean), clean.isEmpty)
    }
    return isEmpty ? nil : section
  }
}
