import Core

/// A JSON document as somebody wrote it: what is changed in it leaves every other byte as it was.
struct JSONText {
  /// A value, by where it stands.
  struct Node {
    enum Kind {
      case object([Member])
      case array([Node])
      /// The text, without its escapes.
      case string(String)
      case other
    }

    var kind: Kind
    var range: Range<Int>

    var members: [Member]? {
      if case .object(let members) = kind { return members }
      return nil
    }

    var elements: [Node]? {
      if case .array(let elements) = kind { return elements }
      return nil
    }

    var string: String? {
      if case .string(let text) = kind { return text }
      return nil
    }

    subscript(key: String) -> Node? { members?.last { $0.key == key }?.value }
  }

  struct Member {
    var key: String
    /// The byte that the key begins at.
    var start: Int
    var value: Node
  }

  struct Broken: Error {
    /// Counted from 1.
    var line: Int
  }

  private(set) var bytes: [UInt8]
  private(set) var root: Node

  /// - Throws: ``Broken`` for anything that is not one whole JSON document in UTF-8.
  init(_ bytes: [UInt8]) throws(Broken) {
    self.bytes = bytes
    var parser = Parser(bytes: bytes)
    root = try parser.document()
  }

  // MARK: Changing it

  private mutating func replace(_ range: Range<Int>, with text: String) {
    bytes.replaceSubrange(range, with: Array(text.utf8))
    // What was valid stays so: only whole values are put in and taken out.
    var parser = Parser(bytes: bytes)
    if let parsed = try? parser.document() { root = parsed }
  }

  mutating func replace(_ node: Node, with value: String) {
    replace(node.range, with: indented(value, as: indentation(at: node.range.lowerBound)))
  }

  /// - Parameter value: JSON, put in as it is.
  mutating func replaceExactly(_ node: Node, with value: String) {
    replace(node.range, with: value)
  }

  /// A value as it is written.
  func source(of node: Node) -> String { String(decoding: bytes[node.range], as: UTF8.self) }

  /// True for `true`.
  func isTrue(_ node: Node?) -> Bool { node.map { source(of: $0) == "true" } ?? false }

  /// - Parameter value: JSON; its lines are indented to fit.
  mutating func add(_ key: String, _ value: String, to object: Node) {
    guard let members = object.members else { return }
    insert(
      "\"\(key)\": ", value, into: object, after: members.last?.value, first: members.first?.start)
  }

  mutating func append(_ value: String, to array: Node) {
    guard let elements = array.elements else { return }
    insert("", value, into: array, after: elements.last, first: elements.first?.range.lowerBound)
  }

  private mutating func insert(
    _ prefix: String, _ value: String, into parent: Node, after last: Node?, first: Int?
  ) {
    let outer = indentation(at: parent.range.lowerBound)
    guard let last, let first else {
      let inner = outer + unit
      let text = "\n" + inner + prefix + indented(value, as: inner) + "\n" + outer
      replace(parent.range.lowerBound + 1..<parent.range.upperBound - 1, with: text)
      return
    }
    let isOneLine = !bytes[parent.range.lowerBound..<first].contains(0x0A)
    let inner = isOneLine ? outer : indentation(at: first)
    let separator = isOneLine ? ", " : ",\n" + inner
    let end = last.range.upperBound
    replace(end..<end, with: separator + prefix + indented(value, as: inner))
  }

  mutating func remove(_ key: String, from object: Node) {
    guard let members = object.members,
      let index = members.lastIndex(where: { $0.key == key })
    else { return }
    remove(index, starts: members.map(\.start), ends: members.map(\.value.range.upperBound), object)
  }

  mutating func remove(_ index: Int, from array: Node) {
    guard let elements = array.elements else { return }
    remove(
      index, starts: elements.map(\.range.lowerBound), ends: elements.map(\.range.upperBound),
      array)
  }

  private mutating func remove(_ index: Int, starts: [Int], ends: [Int], _ parent: Node) {
    if index > 0 {
      replace(ends[index - 1]..<ends[index], with: "")
    } else if starts.count > 1 {
      replace(starts[0]..<starts[1], with: "")
    } else {
      replace(parent.range.lowerBound + 1..<parent.range.upperBound - 1, with: "")
    }
  }

  // MARK: Indentation

  /// What each level is indented by: as the first line that is indented has it.
  private var unit: String {
    for line in bytes.split(separator: 0x0A) {
      let blank = line.prefix { $0 == 0x20 || $0 == 0x09 }
      if !blank.isEmpty, blank.count < line.count { return String(decoding: blank, as: UTF8.self) }
    }
    return "  "
  }

  /// The white space before the line in which a byte stands.
  private func indentation(at offset: Int) -> String {
    let start = bytes[..<offset].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    let blank = bytes[start...].prefix { $0 == 0x20 || $0 == 0x09 }
    return String(decoding: blank, as: UTF8.self)
  }

  /// - Parameter value: Lines indented by two spaces a level.
  private func indented(_ value: String, as outer: String) -> String {
    let unit = unit
    return value.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
      .map { index, line in
        if index == 0 { return String(line) }
        let spaces = line.prefix { $0 == " " }.count
        return outer + String(repeating: unit, count: spaces / 2) + line.dropFirst(spaces)
      }.joined(separator: "\n")
  }
}

/// Finds where the values stand. Source: RFC 8259.
private struct Parser {
  let bytes: [UInt8]
  private var offset = 0
  private var depth = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  private var broken: JSONText.Broken {
    JSONText.Broken(line: 1 + bytes[..<min(offset, bytes.count)].count { $0 == 0x0A })
  }

  mutating func document() throws(JSONText.Broken) -> JSONText.Node {
    // A byte order mark, which some editors leave.
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
    let node = try value()
    skipSpace()
    guard offset == bytes.count else { throw broken }
    return node
  }

  private mutating func value() throws(JSONText.Broken) -> JSONText.Node {
    skipSpace()
    let start = offset
    guard let first = next, depth < 200 else { throw broken }
    depth += 1
    defer { depth -= 1 }
    switch first {
    case UInt8(ascii: "{"):
      var members: [JSONText.Member] = []
      try list(UInt8(ascii: "}")) { parser throws(JSONText.Broken) in
        let start = parser.offset
        let key = try parser.text()
        parser.skipSpace()
        try parser.expect(UInt8(ascii: ":"))
        members.append(.init(key: key, start: start, value: try parser.value()))
      }
      return .init(kind: .object(members), range: start..<offset)
    case UInt8(ascii: "["):
      var elements: [JSONText.Node] = []
      try list(UInt8(ascii: "]")) { parser throws(JSONText.Broken) in
        elements.append(try parser.value())
      }
      return .init(kind: .array(elements), range: start..<offset)
    case UInt8(ascii: "\""):
      let text = try text()
      return .init(kind: .string(text), range: start..<offset)
    default:
      let word = bytes[offset...].prefix { $0 != 0x2C && $0 != 0x5D && $0 != 0x7D && $0 > 0x20 }
      guard WireScalar.isValid(word) else { throw broken }
      offset += word.count
      return .init(kind: .other, range: start..<offset)
    }
  }

  private mutating func list(
    _ close: UInt8, _ item: (inout Parser) throws(JSONText.Broken) -> Void
  ) throws(JSONText.Broken) {
    offset += 1
    skipSpace()
    if next == close {
      offset += 1
      return
    }
    while true {
      skipSpace()
      try item(&self)
      skipSpace()
      if next == close {
        offset += 1
        return
      }
      try expect(UInt8(ascii: ","))
    }
  }

  private mutating func text() throws(JSONText.Broken) -> String {
    let start = offset
    try expect(UInt8(ascii: "\""))
    while let byte = next, byte != UInt8(ascii: "\"") {
      guard byte >= 0x20 else { throw broken }
      offset += byte == UInt8(ascii: "\\") ? 2 : 1
    }
    try expect(UInt8(ascii: "\""))
    guard let text = WireScalar.string(bytes[start..<offset]) else { throw broken }
    return text
  }

  private mutating func expect(_ byte: UInt8) throws(JSONText.Broken) {
    guard next == byte else { throw broken }
    offset += 1
  }

  private mutating func skipSpace() {
    while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { offset += 1 }
  }

  private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }
}
