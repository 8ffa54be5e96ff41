import CCmark

/// A document cut into what memoryd reads separately: front matter, lead, sections.
struct HandoffSource {
  /// Nested deeper than this in one line, a document is kept as it stands and not read: cmark takes
  /// some 200 bytes for each level.
  private static let deepest = 1000

  /// YAML between the lines of three dashes, those included; empty if there is none.
  var front = ""
  /// What stands before the first section: the title and what follows it.
  var lead = ""
  /// Each begins with a heading of the first or second level.
  var sections: [String] = []

  init(_ document: String) {
    let text = Self.lineFeeds(document)
    // Byte order marks and blank lines before the first.
    let start = text.unicodeScalars.firstIndex { !"\u{FEFF}\n \t".unicodeScalars.contains($0) }
    let edge = start.flatMap { text[..<$0].lastIndex { $0 == "\n" || $0 == "\u{FEFF}" } }
    var lines = Self.lines(of: edge.map { String(text[text.index(after: $0)...]) } ?? text)
    if let end = Self.endOfFront(lines) {
      front = Self.text(lines[...end]) + "\n"
      lines.removeFirst(end + 1)
    }
    guard !Self.isTooDeep(lines) else {
      lead = Self.trimmedText(lines[...])
      return
    }
    let tree = MarkdownTree(parsing: Self.text(lines[...]))
    var cuts: [Int] = []
    var isTitled = false
    for node in MarkdownTree.children(of: tree.root)
    where MarkdownTree.type(of: node) == CMARK_NODE_HEADING {
      let level = cmark_node_get_heading_level(node)
      guard level <= 2 else { continue }
      if cuts.isEmpty, !isTitled, level == 1 {
        isTitled = true
      } else {
        cuts.append(max(0, Int(cmark_node_get_start_line(node)) - 1))
      }
    }
    let bounds = [0] + cuts + [lines.count]
    let parts = zip(bounds, bounds.dropFirst()).map { Self.trimmedText(lines[$0..<$1]) }
    lead = parts[0]
    sections = Array(parts.dropFirst())
  }

  // MARK: Lines

  /// Without NUL and CR.
  static func lineFeeds(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 == 0 || $0 == 0x0D }) else { return text }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    var previous: UInt8 = 0
    for byte in text.utf8 {
      switch byte {
      case 0: bytes += [0xEF, 0xBF, 0xBD]
      case 0x0D: bytes.append(0x0A)
      case 0x0A where previous == 0x0D: break
      default: bytes.append(byte)
      }
      previous = byte
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func lines(of text: String) -> [Substring.UTF8View] {
    var lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }

  private static func text(_ lines: ArraySlice<Substring.UTF8View>) -> String {
    var bytes: [UInt8] = []
    for line in lines {
      if !bytes.isEmpty || line.startIndex != lines.first?.startIndex { bytes.append(0x0A) }
      bytes += line
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func isBlank(_ line: Substring.UTF8View) -> Bool {
    line.allSatisfy { $0 == 0x20 || $0 == 0x09 }
  }

  /// Without blank lines before and behind; ends with a line feed unless it is empty.
  private static func trimmedText(_ lines: ArraySlice<Substring.UTF8View>) -> String {
    let first = lines.firstIndex { !isBlank($0) }
    guard let first, let last = lines.lastIndex(where: { !isBlank($0) }) else { return "" }
    return text(lines[first...last]) + "\n"
  }

  /// Without blank lines before and behind, and without a line feed at the end.
  static func withoutBlankEdges(_ text: String) -> String {
    String(trimmedText(lines(of: text)[...]).dropLast())
  }

  private static func endOfFront(_ lines: [Substring.UTF8View]) -> Int? {
    func isFence(_ line: Substring.UTF8View) -> Bool { line.elementsEqual("---".utf8) }
    guard let first = lines.first, isFence(first) else { return nil }
    return lines.indices.dropFirst().prefix(1000).first { isFence(lines[$0]) }
  }

  private static func isTooDeep(_ lines: [Substring.UTF8View]) -> Bool {
    lines.contains { line in
      guard line.count > deepest else { return false }
      var markers = 0
      for byte in line {
        switch byte {
        case UInt8(ascii: ">"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "*"),
          UInt8(ascii: "."), UInt8(ascii: ")"):
          markers += 1
        case 0x20, 0x09, UInt8(ascii: "0")...UInt8(ascii: "9"): break
        default: return markers > deepest
        }
        if markers > deepest { return true }
      }
      return false
    }
  }
}
