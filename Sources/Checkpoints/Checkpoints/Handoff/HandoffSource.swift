import CCmark
import Foundation
import Syntax

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
  /// The blocks of each section, nodes of `tree`.
  private(set) var blocks: [[MarkdownTree.Node]] = []
  private let tree: MarkdownTree

  init(_ document: String) {
    let text = SourceLines(Self.withoutOpening(Self.lineFeeds(document)))
    let first = text.startOfRest
    front = text.front
    let rest = first..<text.count
    guard !text.isTooDeep(rest, deepest: Self.deepest) else {
      tree = MarkdownTree()
      lead = text.trimmedText(rest)
      return
    }
    tree = MarkdownTree(parsing: text.text(rest))
    var cuts: [Int] = []
    var isTitled = false
    for node in MarkdownTree.children(of: tree.root) {
      if MarkdownTree.type(of: node) == CMARK_NODE_HEADING, cmark_node_get_heading_level(node) <= 2
      {
        if cuts.isEmpty, !isTitled, cmark_node_get_heading_level(node) == 1 {
          isTitled = true
          continue
        }
        cuts.append(first + max(0, Int(cmark_node_get_start_line(node)) - 1))
        blocks.append([])
      }
      if !blocks.isEmpty { blocks[blocks.count - 1].append(node) }
    }
    let bounds = [first] + cuts + [text.count]
    let parts = zip(bounds, bounds.dropFirst()).map { text.trimmedText($0..<$1) }
    lead = parts[0]
    sections = Array(parts.dropFirst())
  }

  /// The front matter with its lines of dashes, empty if there is none, and what stands behind it.
  static func parts(of document: String) -> (front: String, rest: String) {
    let text = SourceLines(withoutOpening(lineFeeds(document)))
    return (text.front, text.text(text.startOfRest..<text.count))
  }

  /// True for a line that opens a front matter, or ends one.
  static func isFence(_ line: some Sequence<UInt8>, ends: Bool) -> Bool {
    var bytes = Array(line)
    while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
    return bytes.elementsEqual("---".utf8) || ends && bytes.elementsEqual("...".utf8)
  }

  /// Without byte order marks and blank lines at the start.
  private static func withoutOpening(_ text: String) -> String {
    let opening = "\u{FEFF}\n \t".unicodeScalars
    guard let first = text.unicodeScalars.first, opening.contains(first) else { return text }
    let start = text.unicodeScalars.firstIndex { !opening.contains($0) }
    let edge = start.flatMap { text[..<$0].lastIndex { $0 == "\n" || $0 == "\u{FEFF}" } }
    return edge.map { String(text[text.index(after: $0)...]) } ?? text
  }

  // MARK: Text

  /// Byte for byte: `==` takes texts for equal that have other bytes.
  static func areSame(_ a: String, _ b: String) -> Bool {
    var (a, b) = (a, b)
    return a.withUTF8 { a in
      b.withUTF8 { b in
        a.count == b.count && (a.isEmpty || memcmp(a.baseAddress!, b.baseAddress!, a.count) == 0)
      }
    }
  }

  /// Without blank lines before and behind, and without a line feed at the end.
  static func withoutBlankEdges(_ text: String) -> String {
    let lines = SourceLines(text)
    return String(lines.trimmedText(0..<lines.count).dropLast())
  }

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
}

/// The lines of a text.
private struct SourceLines {
  private let bytes: [UInt8]
  /// Without line feeds.
  private let lines: [Range<Int>]

  init(_ text: String) {
    bytes = Array(text.utf8)
    var lines: [Range<Int>] = []
    var start = 0
    bytes.withUnsafeBufferPointer { bytes in
      while start < bytes.count {
        let found = memchr(bytes.baseAddress! + start, 0x0A, bytes.count - start)
        let end = found.map { UnsafeRawPointer($0) - UnsafeRawPointer(bytes.baseAddress!) }
        lines.append(start..<(end ?? bytes.count))
        start = (end ?? bytes.count) + 1
      }
    }
    self.lines = lines
    startOfRest = Self.startOfRest(bytes, lines)
  }

  var count: Int { lines.count }

  /// The lines with the feeds between them.
  func text(_ range: Range<Int>) -> String {
    guard let first = range.first, let last = range.last else { return "" }
    return String(decoding: bytes[lines[first].lowerBound..<lines[last].upperBound], as: UTF8.self)
  }

  private func isBlank(_ line: Int) -> Bool {
    bytes[lines[line]].allSatisfy { $0 == 0x20 || $0 == 0x09 }
  }

  /// Without blank lines before and behind; ends with a line feed unless it is empty.
  func trimmedText(_ range: Range<Int>) -> String {
    guard let first = range.first(where: { !isBlank($0) }),
      let last = range.last(where: { !isBlank($0) })
    else { return "" }
    return text(first..<(last + 1)) + "\n"
  }

  /// The first line behind the front matter, or of the text if there is none. What has no key is none: a
  /// text may begin with a line across the page.
  let startOfRest: Int

  /// With its lines of dashes.
  var front: String { startOfRest == 0 ? "" : text(0..<startOfRest) + "\n" }

  /// - Parameter lines: Of these bytes.
  private static func startOfRest(_ bytes: [UInt8], _ lines: [Range<Int>]) -> Int {
    func isFence(_ line: Int, ends: Bool) -> Bool {
      lines[line].count < 80 && HandoffSource.isFence(bytes[lines[line]], ends: ends)
    }
    guard !lines.isEmpty, isFence(0, ends: false),
      let end = (1..<max(1, min(lines.count, 1001))).first(where: { isFence($0, ends: true) })
    else { return 0 }
    let inside = lines[1..<end].map { String(decoding: bytes[$0], as: UTF8.self) }
      .filter { !$0.trimmed.isEmpty }
    guard let first = inside.first else { return end + 1 }
    return first.trimmed.hasPrefix("{") || inside.contains(where: HandoffFront.isKey) ? end + 1 : 0
  }

  func isTooDeep(_ range: Range<Int>, deepest: Int) -> Bool {
    lines[range].contains { line in
      guard line.count > deepest else { return false }
      var markers = 0
      for byte in bytes[line] {
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
