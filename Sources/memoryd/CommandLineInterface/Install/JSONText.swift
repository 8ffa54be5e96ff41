import Core
import Syntax

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
    root = try Reader(bytes: bytes).document()
  }

  // MARK: Changing it

  private mutating func replace(_ range: Range<Int>, with text: String) {
    bytes.replaceSubrange(range, with: Array(text.utf8))
    // What was valid stays so: only whole values are put in and taken out.
    if let parsed = try? Reader(bytes: bytes).document() { root = parsed }
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

/// Finds where the values stand.
private struct Reader {
  /// Values within values; a file of settings that is nested deeper is none.
  private static let deepest = 200

  let bytes: [UInt8]

  func document() throws(JSONText.Broken) -> JSONText.Node {
    // A byte order mark, which some editors leave.
    let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    let tape = JSONTape()
    defer { withExtendedLifetime(tape) {} }
    return try bytes.withUnsafeBufferPointer { text throws(JSONText.Broken) in
      let end: Int
      do throws(JSONTape.Failure) {
        end = try tape.parse(text, from: start)
      } catch {
        switch error {
        case .truncated: throw broken(at: text.count)
        case .malformed(let offset): throw broken(at: offset)
        }
      }
      if let rest = text[end...].firstIndex(where: { !JSONTape.isSpace($0) }) {
        throw broken(at: rest)
      }
      return try node(tape.root(text), depth: 0)
    }
  }

  private func broken(at offset: Int) -> JSONText.Broken {
    JSONText.Broken(line: 1 + bytes[..<offset].count { $0 == 0x0A })
  }

  private func node(_ value: JSONValue, depth: Int) throws(JSONText.Broken) -> JSONText.Node {
    guard depth < Self.deepest else { throw broken(at: value.range.lowerBound) }
    let kind: JSONText.Node.Kind
    if value.isObject {
      var members: [JSONText.Member] = []
      for (name, member) in value.members {
        members.append(
          .init(
            key: try text(name), start: name.range.lowerBound,
            value: try node(member, depth: depth + 1)))
      }
      kind = .object(members)
    } else if value.isArray {
      var elements: [JSONText.Node] = []
      for element in value.elements { elements.append(try node(element, depth: depth + 1)) }
      kind = .array(elements)
    } else if value.isString {
      kind = .string(try text(value))
    } else {
      guard JSON(value) != nil else { throw broken(at: value.range.lowerBound) }
      kind = .other
    }
    return .init(kind: kind, range: value.range)
  }

  /// No agent takes control characters in a text.
  private func text(_ value: JSONValue) throws(JSONText.Broken) -> String {
    if let control = value.rawUTF8.firstIndex(where: { $0 < 0x20 }) {
      throw broken(at: value.range.lowerBound + 1 + control)
    }
    let isUTF8 = String(validating: value.rawUTF8, as: UTF8.self) != nil
    guard let text = isUTF8 ? value.validString : JSON(parsing: value.source)?.string else {
      throw broken(at: value.range.lowerBound)
    }
    return text
  }
}
