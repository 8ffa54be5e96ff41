import CCmark
import Core
public import MemoryStore

extension Ledger {
  /// Reads a ledger as people keep one: phases as headings of the second level, tables of Item and
  /// Status, lists under headings of their own. Text that was encoded twice is read right.
  ///
  /// - Returns: What was read, and the headings below which nothing was.
  public static func read(_ document: String) -> (ledger: Ledger, skipped: [String]) {
    let text = DoubleEncoding.repaired(HandoffSource.lineFeeds(document))
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let tree = MarkdownTree(parsing: text)
    var ledger = Ledger()
    var skipped: [String] = []
    var phase = Phase("")
    var name: String?
    func close() {
      phase.groups = joined(phase.groups)
      if phase.name.isEmpty { return }
      if phase.groups.isEmpty { skipped.append(phase.name) } else { ledger.phases.append(phase) }
    }
    for block in MarkdownTree.children(of: tree.root) {
      let own = lines[MarkdownTree.lines(of: block, in: lines)]
      switch MarkdownTree.type(of: block) {
      case CMARK_NODE_HEADING:
        let text = HeadingSource.text(of: own)
        switch cmark_node_get_heading_level(block) {
        case 1: ledger.title = text
        case 2:
          close()
          let (mark, rest) = mark(in: text)
          phase = Phase(rest, isDone: mark.map { marks[$0] == .done } ?? false)
          name = nil
        default: name = text
        }
      case CMARK_NODE_PARAGRAPH:
        guard let table = MarkdownTable(own), let entries = entries(of: table) else { continue }
        phase.groups.append(Group(name: name, .entries(entries)))
        name = nil
      case CMARK_NODE_LIST:
        let items = MarkdownTree.children(of: block).compactMap { Self.text(of: $0, lines) }
        guard !items.isEmpty else { continue }
        phase.groups.append(Group(name: name, .list(items)))
        name = nil
      default: break
      }
    }
    close()
    return (ledger, skipped)
  }

  /// - Returns: Nil if the table is not one of items.
  private static func entries(of table: MarkdownTable) -> [Entry]? {
    let header = table.header.map { $0.lowercased() }
    guard header.count >= 2, header[0] == "item", header[1] == "status" else { return nil }
    let date = header.firstIndex(of: "date")
    let detail = header.indices.dropFirst(2).first { $0 != date }
    let entries = table.rows.compactMap { row -> Entry? in
      guard !row[0].isEmpty else { return nil }
      // What says nothing is not done yet.
      let (status, remark) =
        Status.read(row[1]) ?? (.pending, row[1].isEmpty ? nil : row[1])
      func cell(_ index: Int?) -> String? {
        index.map { row[$0] }.flatMap { $0.isEmpty ? nil : $0 }
      }
      return Entry(
        row[0], status: status, remark: remark, detail: cell(detail), date: cell(date))
    }
    return entries.isEmpty ? nil : entries
  }

  /// The source of an item's text, on one line.
  private static func text(of item: MarkdownTree.Node, _ lines: [Substring]) -> String? {
    guard let paragraph = cmark_node_first_child(item),
      MarkdownTree.type(of: paragraph) == CMARK_NODE_PARAGRAPH
    else { return nil }
    let first = Int(cmark_node_get_start_line(paragraph)) - 1
    let last = min(lines.count, Int(cmark_node_get_end_line(paragraph)))
    guard lines.indices.contains(first), first < last else { return nil }
    let column = Int(cmark_node_get_start_column(paragraph)) - 1
    let opening = String(decoding: lines[first].utf8.dropFirst(column), as: UTF8.self)
    return oneLine(([opening] + lines[(first + 1)..<last].map(String.init)).joined(separator: "\n"))
  }
}
