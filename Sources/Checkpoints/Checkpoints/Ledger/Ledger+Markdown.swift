import CCmark
public import MemoryStore
import Syntax

extension Ledger {
  // MARK: Writing

  /// One line for each item, in the order of the ledger, so that a change is a change of few lines.
  public func markdown() -> String {
    var parts = ["# \(title)\n"]
    for phase in phases {
      parts.append("## \(phase.name)\(phase.isDone ? " ✅" : "")\n")
      for group in phase.groups {
        if let name = group.name { parts.append("### \(name)\n") }
        switch group.content {
        case .entries(let entries):
          parts.append(
            "| Item | Status | Commit/Detail | Date |\n|------|--------|---------------|------|\n"
              + entries.map(\.row).joined())
        case .list(let items): parts.append(items.map { "- \($0)\n" }.joined())
        }
      }
    }
    return parts.joined(separator: "\n")
  }

  /// A ledger whose texts stand on one line each and can be written so that they are read back.
  public func normalised() -> Ledger {
    var copy = Ledger(title: Self.heading(title) ?? "Completion ledger")
    for phase in phases {
      guard let name = Self.heading(phase.name) else { continue }
      let groups = phase.groups.compactMap(\.normalised)
      guard !groups.isEmpty else { continue }
      copy.phases.append(Phase(name, isDone: phase.isDone, groups: Self.joined(groups)))
    }
    return copy
  }

  /// Lists and tables that follow each other without a heading between them are one.
  package static func joined(_ groups: [Group]) -> [Group] {
    var result: [Group] = []
    var start = groups.startIndex
    while start < groups.endIndex {
      let isList = groups[start].list != nil
      let end =
        groups[(start + 1)...].firstIndex { $0.name != nil || ($0.list != nil) != isList }
        ?? groups.endIndex
      let run = groups[start..<end]
      result.append(
        Group(
          name: groups[start].name,
          isList ? .list(run.flatMap { $0.list ?? [] }) : .entries(run.flatMap { $0.table ?? [] })))
      start = end
    }
    return result
  }

  package static func oneLine(_ text: String) -> String? {
    guard let text = Handoff.clean(DoubleEncoding.repaired(text)) else { return nil }
    let line = text.split(whereSeparator: \.isNewline).map { String($0.trimmed) }
      .filter { !$0.isEmpty }.joined(separator: " ")
    return line.isEmpty ? nil : line
  }

  /// Text as the source of a heading: as it is if that is read back, else with its marks escaped.
  package static func heading(_ text: String) -> String? {
    var rest = text.trimmed
    while let last = rest.last, marks[last] != nil { rest = rest.dropLast().trimmed }
    return source(String(rest)) {
      "## \($0)\n"
    } read: { tree, line in
      let blocks = Array(MarkdownTree.children(of: tree.root))
      guard blocks.count == 1, MarkdownTree.type(of: blocks[0]) == CMARK_NODE_HEADING,
        cmark_node_get_heading_level(blocks[0]) == 2
      else { return false }
      return Self.mark(in: line).mark == nil && HeadingSource.text(of: "## \(line)") == line
    }
  }

  /// Text as the source of a list item.
  package static func item(_ text: String) -> String? {
    source(text) {
      "- \($0)\n"
    } read: { tree, _ in
      let blocks = Array(MarkdownTree.children(of: tree.root))
      guard blocks.count == 1, MarkdownTree.type(of: blocks[0]) == CMARK_NODE_LIST else {
        return false
      }
      let items = Array(MarkdownTree.children(of: blocks[0]))
      guard items.count == 1 else { return false }
      let parts = Array(MarkdownTree.children(of: items[0]))
      return parts.count == 1 && MarkdownTree.type(of: parts[0]) == CMARK_NODE_PARAGRAPH
    }
  }

  private static func source(
    _ text: String, _ document: (String) -> String, read: (MarkdownTree, String) -> Bool
  ) -> String? {
    guard let line = oneLine(text) else { return nil }
    if read(MarkdownTree(parsing: document(line)), line) { return line }
    let tree = MarkdownTree()
    MarkdownTree.appendText(line, to: MarkdownTree.append(CMARK_NODE_PARAGRAPH, to: tree.root))
    let escaped = String(tree.commonMark().trimmed)
    return read(MarkdownTree(parsing: document(escaped)), escaped) ? escaped : nil
  }

  // MARK: Marks

  /// The mark of a status in front of, or behind, a text.
  package static func mark(in text: String) -> (mark: Character?, rest: String) {
    let text = text.trimmed
    if let last = text.last, marks[last] != nil {
      return (last, String(text.dropLast().trimmed))
    }
    return (nil, String(text))
  }

  package static let marks: [Character: Status] = [
    "✅": .done, "✔": .done, "✔️": .done, "☑": .done, "☑️": .done, "❌": .notDone, "✗": .notDone,
    "✘": .notDone,
    "🔄": .pending, "⏳": .pending, "🟡": .pending, "🚧": .pending, "⬜": .pending, "☐": .pending,
    "⏸": .deferred, "⏸️": .deferred, "⏭": .deferred, "⏭️": .deferred,
  ]
}

extension Ledger.Status {
  package var mark: String {
    switch self {
    case .done: "✅"
    case .notDone: "❌"
    case .deferred: "⏸️"
    case .pending: "🔄"
    }
  }

  /// Words that say the same as a mark, in lower case.
  private static let words: [(prefix: String, status: Ledger.Status)] = [
    ("deferred", .deferred), ("postponed", .deferred), ("done", .done), ("complete", .done),
    ("completed", .done), ("pending", .pending), ("in progress", .pending), ("todo", .pending),
    ("not", .notDone), ("skipped", .notDone), ("no", .notDone), ("yes", .done),
    ("[x]", .done), ("[ ]", .pending), ("[]", .pending),
  ]

  /// A cell of the status column.
  package static func read(_ cell: String) -> (status: Ledger.Status, remark: String?)? {
    let text = cell.trimmed
    func word(_ text: String) -> Ledger.Status? {
      let text = text.lowercased()
      let first = text.prefix { $0.isLetter || $0 == "'" || $0 == "’" || $0 == "-" || $0 == "_" }
      if DroppedItem.isStatus(text) || DroppedItem.isStatus(String(first)) { return .notDone }
      return words.first {
        text.hasPrefix($0.prefix) && text.dropFirst($0.prefix.count).first?.isLetter != true
      }?.status
    }
    if let first = text.first, let status = Ledger.marks[first] {
      let rest = String(text.dropFirst().trimmed)
      guard !rest.isEmpty else { return (status, nil) }
      // "❌ Deferred" is deferred; the word then says no more than the status.
      if rest.lowercased() == "deferred" { return (.deferred, nil) }
      return (status, rest)
    }
    guard let status = word(String(text)) else { return nil }
    return (status, String(text))
  }
}

extension Ledger.Entry {
  fileprivate var row: String {
    let state = remark.map { "\(status.mark) \($0)" } ?? status.mark
    return "| "
      + [item, state, detail ?? "", date ?? ""].map(MarkdownTable.escaped).joined(separator: " | ")
      + " |\n"
  }

  fileprivate var normalised: Ledger.Entry? {
    func cell(_ text: String) -> String? {
      Ledger.oneLine(MarkdownTable.withBars(text))
    }
    guard let item = cell(item) else { return nil }
    var copy = self
    copy.item = item
    copy.remark = remark.flatMap(cell)
    if copy.remark?.lowercased() == "deferred" {
      copy.remark = nil
      copy.status = .deferred
    }
    copy.detail = detail.flatMap(cell)
    copy.date = date.flatMap(cell)
    return copy
  }
}

extension Ledger.Group {
  fileprivate var list: [String]? { if case .list(let items) = content { items } else { nil } }
  fileprivate var table: [Ledger.Entry]? {
    if case .entries(let entries) = content { entries } else { nil }
  }

  fileprivate var normalised: Ledger.Group? {
    let heading = name.flatMap { Ledger.heading($0) }
    switch content {
    case .entries(let entries):
      let clean = entries.compactMap(\.normalised)
      return clean.isEmpty ? nil : Ledger.Group(name: heading, .entries(clean))
    case .list(let items):
      let clean = items.compactMap { Ledger.item($0) }
      return clean.isEmpty ? nil : Ledger.Group(name: heading, .list(clean))
    }
  }
}

/// The source of a heading's text.
enum HeadingSource {
  /// - Parameter lines: The heading's own: one with marks in front, or several underlined.
  static func text(of lines: ArraySlice<Substring>) -> String {
    guard let first = lines.first else { return "" }
    let marked = first.trimmed
    guard lines.count == 1, marked.first == "#" else {
      return lines.dropLast().map { String($0.trimmed) }.joined(separator: " ")
    }
    let text = marked.drop { $0 == "#" }.trimmed
    // Closing marks do not belong to the text if a blank stands before them.
    guard text.last == "#" else { return String(text) }
    let open = text.lastIndex { $0 != "#" }
    guard let open else { return "" }
    return text[open] == " " || text[open] == "\t" ? String(text[..<open].trimmed) : String(text)
  }

  static func text(of line: String) -> String { text(of: [line[...]]) }
}
