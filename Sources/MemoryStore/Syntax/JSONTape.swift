/// Parses JSON into a flat list of nodes that point into the text: nothing is decoded until it
/// is asked for, and a line of many megabytes costs little more than finding its quotes.
///
/// The same tape is used for line after line. It looks neither into numbers nor behind backslashes:
/// `JSON` in `Core` does, when it makes a tree of the nodes. Source: RFC 8259.
public final class JSONTape {
  @usableFromInline
  package struct Node {
    @usableFromInline
    package enum Kind: UInt8 {
      case object, array, string, escapedString, number, literalTrue, literalFalse, null
    }

    @usableFromInline package var kind: Kind
    /// Bytes of the value without its quotes or brackets.
    package var start: Int
    package var end: Int
    /// The index of the node behind this one and all that it holds.
    package var next: Int
  }

  public enum Failure: Error, Sendable {
    /// The text ends inside a value: a line that is still being written, or one that was cut.
    case truncated
    /// Not JSON; the byte where it stopped being so.
    case malformed(at: Int)
  }

  /// Deeper nesting is refused, so that hostile input cannot exhaust memory.
  @inlinable
  public static var maximumDepth: Int { 512 }

  // Plain memory: an array's reference counting and access checks cost more than the parsing.
  package private(set) var nodes: UnsafeMutablePointer<Node>
  package private(set) var count = 0
  private var capacity = 256

  public init() {
    nodes = .allocate(capacity: capacity)
  }

  deinit { nodes.deallocate() }

  /// White space between values.
  @inlinable
  package static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }

  /// Adds a node and returns its index.
  @inline(__always)
  @discardableResult
  fileprivate func append(_ node: Node) -> Int {
    if count == capacity { grow() }
    (nodes + count).initialize(to: node)
    count += 1
    return count - 1
  }

  private func grow() {
    let larger = UnsafeMutablePointer<Node>.allocate(capacity: capacity * 2)
    larger.moveInitialize(from: nodes, count: count)
    nodes.deallocate()
    nodes = larger
    capacity *= 2
  }

  /// Parses the value that begins at `start`, after white space.
  ///
  /// - Returns: The offset behind the value.
  public func parse(
    _ text: UnsafeBufferPointer<UInt8>, from start: Int = 0
  ) throws(Failure) -> Int {
    count = 0
    var parser = Parser(tape: self, text: text, position: start)
    return try parser.run()
  }

  /// The parsed value. Valid until the tape parses again or the text goes away, whichever is
  /// first: do not let it out of the scope that holds both.
  public func root(_ text: UnsafeBufferPointer<UInt8>) -> JSONValue {
    JSONValue(nodes: nodes, text: text, index: 0)
  }
}

private struct Parser {
  let tape: JSONTape
  let text: UnsafeBufferPointer<UInt8>
  var position: Int

  mutating func run() throws(JSONTape.Failure) -> Int {
    // Indices of the objects and arrays that are open.
    var open: [Int] = []
    while true {
      // A value is due here.
      skipSpace()
      guard position < text.count else { throw .truncated }
      let byte = text[position]
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        guard open.count < JSONTape.maximumDepth else { throw .malformed(at: position) }
        let isObject = byte == UInt8(ascii: "{")
        position += 1
        open.append(
          tape.append(
            .init(kind: isObject ? .object : .array, start: position, end: position, next: 0)))
        skipSpace()
        guard position < text.count else { throw .truncated }
        if text[position] != (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
          if isObject { try key() }
          continue
        }
      case UInt8(ascii: "\""):
        try string()
      default:
        try scalar(byte)
      }
      // A value has ended (or an empty container is about to): close what closes.
      while let container = open.last {
        skipSpace()
        guard position < text.count else { throw .truncated }
        let isObject = tape.nodes[container].kind == .object
        let byte = text[position]
        if byte == UInt8(ascii: ","), tape.count > container + 1 {
          position += 1
          if isObject { try key() }
          break
        }
        guard byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
          throw .malformed(at: position)
        }
        tape.nodes[container].end = position
        tape.nodes[container].next = tape.count
        position += 1
        open.removeLast()
      }
      if open.isEmpty { return position }
    }
  }

  private mutating func key() throws(JSONTape.Failure) {
    skipSpace()
    guard position < text.count else { throw .truncated }
    guard text[position] == UInt8(ascii: "\"") else { throw .malformed(at: position) }
    try string()
    skipSpace()
    guard position < text.count else { throw .truncated }
    guard text[position] == UInt8(ascii: ":") else { throw .malformed(at: position) }
    position += 1
  }

  private mutating func string() throws(JSONTape.Failure) {
    position += 1
    let start = position
    var isEscaped = false
    while true {
      position = nextSpecial(from: position)
      guard position < text.count else { throw .truncated }
      switch text[position] {
      case UInt8(ascii: "\""):
        tape.append(
          .init(
            kind: isEscaped ? .escapedString : .string, start: start, end: position,
            next: tape.count + 1))
        position += 1
        return
      case UInt8(ascii: "\\"):
        isEscaped = true
        position += 2
      case 0x0A:
        // A raw newline ends the line: whatever stood here was cut off.
        throw .malformed(at: position)
      default:
        // Other raw control characters are not JSON, but they lose nothing either.
        position += 1
      }
    }
  }

  /// The next quote, backslash or newline, eight bytes at a time.
  private func nextSpecial(from start: Int) -> Int {
    var index = start
    guard let base = text.baseAddress else { return text.count }
    let raw = UnsafeRawPointer(base)
    func hasByte(_ word: UInt64, _ value: UInt64) -> Bool {
      let x = word ^ (value &* 0x0101_0101_0101_0101)
      return (x &- 0x0101_0101_0101_0101) & ~x & 0x8080_8080_8080_8080 != 0
    }
    while index + 8 <= text.count {
      let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      if hasByte(word, 0x22) || hasByte(word, 0x5C) || hasByte(word, 0x0A) { break }
      index += 8
    }
    while index < text.count {
      let byte = base[index]
      if byte == 0x22 || byte == 0x5C || byte == 0x0A { return index }
      index += 1
    }
    return index
  }

  private mutating func scalar(_ byte: UInt8) throws(JSONTape.Failure) {
    let start = position
    var kind = JSONTape.Node.Kind.number
    switch byte {
    case UInt8(ascii: "t"):
      kind = .literalTrue
      try literal("true")
    case UInt8(ascii: "f"):
      kind = .literalFalse
      try literal("false")
    case UInt8(ascii: "n"):
      kind = .null
      try literal("null")
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      position += 1
      while position < text.count, Self.isNumberByte(text[position]) { position += 1 }
    default:
      throw .malformed(at: position)
    }
    tape.append(.init(kind: kind, start: start, end: position, next: tape.count + 1))
  }

  private mutating func literal(_ word: StaticString) throws(JSONTape.Failure) {
    for offset in 0..<word.utf8CodeUnitCount {
      guard position < text.count else { throw .truncated }
      guard text[position] == word.utf8Start[offset] else { throw .malformed(at: position) }
      position += 1
    }
  }

  private static func isNumberByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
      UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
      true
    default: false
    }
  }

  private mutating func skipSpace() {
    while position < text.count, JSONTape.isSpace(text[position]) { position += 1 }
  }
}
