import CCmark
import Core
import Foundation
import MemoryStore

/// What stands in a fallback file: memoryd's own records, what people wrote, and what is damaged.
///
/// memoryd's records are found line by line, so that nothing which stands before or behind one
/// can hide it; what lies between them is read as CommonMark.
struct FallbackDocument {
  enum Kind: Sendable {
    case tasks, checkpoints
  }

  /// An entry of memoryd's: the object in its comment.
  struct Record {
    var fields: JSON
    /// True if the box of a task is ticked.
    var isTicked: Bool
    /// The lines of the whole entry, from 0.
    var lines: Range<Int>

    subscript(name: String) -> String? { fields[name]?.string }
  }

  /// An entry that a person or another program wrote.
  struct HandWritten: Equatable {
    /// The same on every machine that has the same file: a hash of the text and its ordinal among
    /// equal texts.
    var key: String
    var title: String
    /// Of a task: what follows the title.
    var context: String?
    /// Of a task.
    var isDone = false
    /// Of a checkpoint.
    var blockers: [String] = []
    var actions: [String] = []
    var next: [String] = []
    var lines: Range<Int>
  }

  struct Damage: Equatable {
    /// From 1.
    var line: Int
    var what: String
  }

  private(set) var records: [Record] = []
  private(set) var entries: [HandWritten] = []
  private(set) var damage: [Damage] = []
  /// True if the last line has no end, so that somebody may still be writing it.
  private(set) var isUnfinished = false
  let lines: [ArraySlice<UInt8>]

  init(_ bytes: [UInt8], kind: Kind) {
    lines = Self.split(bytes)
    isUnfinished = !bytes.isEmpty && bytes.last != UInt8(ascii: "\n")
    if String(validating: bytes, as: UTF8.self) == nil {
      damage.append(Damage(line: firstInvalidLine(), what: "not valid UTF-8"))
    }
    var tombstones: [String: Int] = [:]
    var regions: [Range<Int>] = []
    var start = 0
    for index in lines.indices where Self.isRecordLine(lines[index]) {
      let first = entryStart(before: index, notBefore: start, kind)
      if first > start { regions.append(start..<first) }
      start = index + 1
      take(recordLine: index, first: first)
    }
    if start < lines.count { regions.append(start..<lines.count) }
    for record in records where record["op"] == "tidied" {
      for hash in record.fields["texts"]?.strings ?? [] { tombstones[hash, default: 0] += 1 }
    }
    for region in regions {
      switch kind {
      case .tasks: readTasks(region, &tombstones)
      case .checkpoints: readSections(region, &tombstones)
      }
    }
  }

  // MARK: Records

  private static let recordOpening = Array("<!-- memoryd".utf8)

  /// Also a damaged one.
  private static func isRecordLine(_ line: ArraySlice<UInt8>) -> Bool {
    line.drop { $0 == 32 || $0 == 9 }.starts(with: recordOpening)
  }

  private mutating func take(recordLine index: Int, first: Int) {
    let text = lines[index].drop { $0 == 32 || $0 == 9 }
    let body = text.dropFirst(Self.recordOpening.count)
    let end = body.lastIndex(of: UInt8(ascii: "}"))
    let object = end.flatMap { JSON(parsing: body[...$0]) }
    guard let object, object["op"]?.string != nil else {
      damage.append(Damage(line: index + 1, what: "a record of memoryd's that cannot be read"))
      return
    }
    let box = lines[first].prefix(6)
    records.append(
      Record(
        fields: object, isTicked: box.starts(with: "- [x]".utf8) || box.starts(with: "- [X]".utf8),
        lines: first..<(index + 1)))
  }

  /// Where the entry begins that a record line ends.
  private func entryStart(before index: Int, notBefore start: Int, _ kind: Kind) -> Int {
    let openings =
      kind == .tasks
      ? ["- "]
      : ["## Checkpoint ", "## Decision ", "## Handoff ", "## Ledger ", "## Synced "]
    let farthest = max(start, kind == .tasks ? index - 1 : index - 5000)
    for line in stride(from: index - 1, through: farthest, by: -1)
    where openings.contains(where: { lines[line].starts(with: $0.utf8) }) {
      return line
    }
    return index
  }

  // MARK: Tasks

  private mutating func readTasks(_ region: Range<Int>, _ tombstones: inout [String: Int]) {
    for item in Self.topLevel(of: slice(region)) where item.type == CMARK_NODE_LIST {
      for child in item.children {
        let range = shifted(child.lines, region)
        guard let task = task(range) else { continue }
        add(task.entry, text: task.text, prefix: "t", &tombstones)
      }
    }
  }

  private func task(_ range: Range<Int>) -> (entry: HandWritten, text: [UInt8])? {
    guard let first = range.first else { return nil }
    var head = lines[first].drop { $0 == 32 }
    if first == 0, head.starts(with: [0xEF, 0xBB, 0xBF]) { head = head.dropFirst(3) }
    // The list marker: a bullet, or digits with a dot or parenthesis.
    head = head.drop { (48...57).contains($0) }.dropFirst().drop { $0 == 32 || $0 == 9 }
    var isDone = false
    // What was dropped is nobody's task, whatever is said of it behind a dash.
    let line = String(decoding: head, as: UTF8.self)
    let said = line.range(of: " — ").map { String(line[..<$0.lowerBound]) } ?? line
    if DroppedItem.isMarked(said) || DroppedItem.isMarked(line) { return nil }
    for (box, done) in [("[ ]", false), ("[x]", true), ("[X]", true)]
    where head.starts(with: box.utf8) {
      isDone = done
      head = head.dropFirst(3).drop { $0 == 32 || $0 == 9 }
    }
    let indentation = head.startIndex - lines[first].startIndex
    let rest = lines[range.dropFirst()].map { line -> ArraySlice<UInt8> in
      let blanks = line.prefix { $0 == 32 || $0 == 9 }.count
      return line.dropFirst(min(blanks, indentation))
    }
    let text = Self.joined([head] + rest)
    guard !text.isEmpty else { return nil }
    let whole = String(decoding: text, as: UTF8.self)
    let newline = whole.firstIndex { $0 == "\n" } ?? whole.endIndex
    var title = whole[..<newline]
    var context: [Substring] = []
    if let dash = title.range(of: " — ") {
      context.append(title[dash.upperBound...])
      title = title[..<dash.lowerBound]
    }
    if newline < whole.endIndex { context.append(whole[whole.index(after: newline)...]) }
    return (
      HandWritten(
        key: "", title: String(title),
        context: context.isEmpty
          ? nil
          : context.joined(
            separator: "\n"), isDone: isDone, lines: range), text
    )
  }

  // MARK: Checkpoints

  private mutating func readSections(_ region: Range<Int>, _ tombstones: inout [String: Int]) {
    let nodes = Self.topLevel(of: slice(region))
    func isBoundary(_ node: Block) -> Bool { node.type == CMARK_NODE_HEADING && node.level <= 2 }
    for (index, node) in nodes.enumerated() where isBoundary(node) && node.level == 2 {
      let content = nodes[(index + 1)...].prefix { !isBoundary($0) }
      let end = nodes[(index + 1)...].first(where: isBoundary)?.lines.lowerBound
      let range = shifted(node.lines.lowerBound..<(end ?? region.count), region)
      var entry = HandWritten(key: "", title: "", lines: range)
      var notes: [String] = []
      var heading = ""
      for block in content {
        let text = String(
          decoding: Self.joined(Array(lines[shifted(block.lines, region)])), as: UTF8.self)
        if block.type == CMARK_NODE_HEADING {
          heading = block.text.lowercased()
          if Self.list(for: heading) == nil { notes.append(text) }
        } else if block.type == CMARK_NODE_LIST, let list = Self.list(for: heading) {
          // What is ticked is neither ahead nor in the way.
          let items = block.children.compactMap { task(shifted($0.lines, region)) }
            .filter { list == \.actions || !$0.entry.isDone }
          entry[keyPath: list] += items.map { String(decoding: $0.text, as: UTF8.self) }
        } else {
          notes.append(text)
        }
      }
      // A heading that only dates the entry says nothing of its objective.
      let title = Self.isDate(node.text) ? nil : node.text
      entry.title = ([title].compactMap(\.self) + notes).joined(separator: "\n\n")
      if entry.title.isEmpty { entry.title = node.text }
      entry.blockers = Blockers.named(entry.blockers)
      let text = Self.joined(Array(lines[range]))
      add(entry, text: text, prefix: "c", &tombstones)
    }
  }

  private static func list(for heading: String) -> WritableKeyPath<HandWritten, [String]>? {
    if heading.contains("block") { return \.blockers }
    if heading.contains("action") || heading.contains("done") { return \.actions }
    if heading.contains("next") { return \.next }
    return nil
  }

  /// `2026-01-14`, `Checkpoint 2026-01-14T15:18:07Z` and the like.
  private static func isDate(_ heading: String) -> Bool {
    var text = heading.lowercased()[...]
    if text.hasPrefix("checkpoint") { text = text.dropFirst(10) }
    return !text.contains { $0.isLetter && $0 != "t" && $0 != "z" }
  }

  // MARK: Keys

  /// The part of a key that equal texts share.
  static func textHash(ofKey key: String) -> String {
    String(key[..<(key.lastIndex(of: "-") ?? key.endIndex)])
  }

  private mutating func add(
    _ entry: HandWritten, text: [UInt8], prefix: String, _ ordinals: inout [String: Int]
  ) {
    var entry = entry
    let hash = prefix + "-" + Self.hash(prefix == "t" ? Self.unticked(text) : text)
    ordinals[hash, default: 0] += 1
    entry.key = "\(hash)-\(ordinals[hash]!)"
    entries.append(entry)
  }

  /// A task's text with the boxes of what is nested in it open: ticking one makes no other task.
  private static func unticked(_ text: [UInt8]) -> [UInt8] {
    var result = text
    for box in ["- [x]", "- [X]", "* [x]", "+ [x]"].map({ Array($0.utf8) }) {
      var index = 0
      while index + box.count <= result.count {
        if result[index..<(index + box.count)].elementsEqual(box) { result[index + 3] = 32 }
        index += 1
      }
    }
    return result
  }

  /// FNV-1a, 64 bits: a person's own lines are no adversary.
  private static func hash(_ bytes: [UInt8]) -> String {
    let hash = FNV1a.hash(bytes)
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  // MARK: Lines

  private static func split(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    var lines: [ArraySlice<UInt8>] = []
    var start = 0
    var index = 0
    // As cmark counts them: LF, CR and CRLF end a line.
    while index < bytes.count {
      let byte = bytes[index]
      if byte == 10 || byte == 13 {
        lines.append(bytes[start..<index])
        if byte == 13, index + 1 < bytes.count, bytes[index + 1] == 10 { index += 1 }
        start = index + 1
      }
      index += 1
    }
    if start < bytes.count { lines.append(bytes[start...]) }
    return lines
  }

  /// Lines as one text, without white space at their ends and around the whole.
  private static func joined(_ lines: [ArraySlice<UInt8>]) -> [UInt8] {
    func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
      let end = line.lastIndex { $0 != 32 && $0 != 9 }
      return end.map { line[...$0] } ?? []
    }
    var kept = lines.map(trimmed)[...]
    while kept.first?.isEmpty == true { kept = kept.dropFirst() }
    while kept.last?.isEmpty == true { kept = kept.dropLast() }
    return Array(kept.joined(separator: [10]))
  }

  private func slice(_ region: Range<Int>) -> [UInt8] {
    var bytes: [UInt8] = []
    for line in lines[region] {
      bytes += line
      bytes.append(10)
    }
    return bytes
  }

  private func shifted(_ range: Range<Int>, _ region: Range<Int>) -> Range<Int> {
    let upper = min(region.upperBound, range.upperBound + region.lowerBound)
    return min(range.lowerBound + region.lowerBound, upper)..<upper
  }

  private func firstInvalidLine() -> Int {
    1 + (lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0)
  }

  // MARK: cmark

  private struct Block {
    var type: cmark_node_type
    var level: Int
    /// From 0.
    var lines: Range<Int>
    /// Of a heading, as plain text.
    var text = ""
    /// Of a list.
    var children: [Block] = []
  }

  private static func topLevel(of bytes: [UInt8]) -> [Block] {
    let root = MarkdownBounds.bounded(bytes).withUnsafeBytes { buffer in
      cmark_parse_document(
        buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count, CMARK_OPT_DEFAULT)
    }
    guard let root else { return [] }
    defer { cmark_node_free(root) }
    return children(of: root)
  }

  private static func children(of parent: OpaquePointer) -> [Block] {
    var blocks: [Block] = []
    var node = cmark_node_first_child(parent)
    while let current = node {
      let type = cmark_node_get_type(current)
      let first = Int(cmark_node_get_start_line(current)) - 1
      let last = Int(cmark_node_get_end_line(current))
      var block = Block(
        type: type, level: Int(cmark_node_get_heading_level(current)),
        lines: max(0, first)..<max(first + 1, last))
      if type == CMARK_NODE_HEADING { block.text = plainText(current) }
      if type == CMARK_NODE_LIST { block.children = children(of: current) }
      blocks.append(block)
      node = cmark_node_next(current)
    }
    return blocks
  }

  private static func plainText(_ node: OpaquePointer) -> String {
    var text = ""
    guard let iterator = cmark_iter_new(node) else { return text }
    defer { cmark_iter_free(iterator) }
    while cmark_iter_next(iterator) != CMARK_EVENT_DONE {
      guard let current = cmark_iter_get_node(iterator) else { continue }
      switch cmark_node_get_type(current) {
      case CMARK_NODE_TEXT, CMARK_NODE_CODE:
        if let literal = cmark_node_get_literal(current) { text += String(cString: literal) }
      case CMARK_NODE_SOFTBREAK, CMARK_NODE_LINEBREAK: text += " "
      default: break
      }
    }
    return text
  }
}
