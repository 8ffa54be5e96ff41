#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A parsed value, decoded on demand. See ``JSONTape/root(_:)`` for how long it lives.
///
/// Every access is forgiving: what is missing or of another type is nil.
public struct JSONValue {
  @usableFromInline package let nodes: UnsafeMutablePointer<JSONTape.Node>
  package let text: UnsafeBufferPointer<UInt8>
  @usableFromInline package let index: Int

  private var node: JSONTape.Node { nodes[index] }

  @inlinable
  package var kind: JSONTape.Node.Kind { nodes[index].kind }
  public var isObject: Bool { node.kind == .object }
  public var isArray: Bool { node.kind == .array }
  public var isNull: Bool { node.kind == .null }
  public var isString: Bool { node.kind == .string || node.kind == .escapedString }

  /// The value of an object's key; the last one where a key stands twice.
  public subscript(_ key: StaticString) -> JSONValue? {
    var found: JSONValue?
    forEachMember { name, value in
      if name.equals(key) { found = value }
    }
    return found
  }

  /// A string's text; invalid UTF-8 and lone surrogates become U+FFFD.
  public var string: String? {
    switch node.kind {
    case .string:
      String(decoding: UnsafeBufferPointer(rebasing: text[node.start..<node.end]), as: UTF8.self)
    case .escapedString:
      Self.unescaped(rawUTF8)
    default:
      nil
    }
  }

  /// A string's text as ``string``, but nil where an escape is none of JSON's.
  package var validString: String? {
    guard node.kind == .escapedString else { return string }
    var isValid = true
    let text = Self.unescaped(rawUTF8, &isValid)
    return isValid ? text : nil
  }

  /// The beginning of a string: at most so many bytes of it are decoded.
  package func string(limit: Int) -> String {
    guard isString else { return "" }
    var end = min(node.end, node.start + limit)
    // Not in the middle of a character or an escape, as far as that is cheap to see.
    while end > node.start, end < node.end,
      text[end] & 0xC0 == 0x80 || text[end - 1] == UInt8(ascii: "\\")
    { end -= 1 }
    let raw = UnsafeBufferPointer(rebasing: text[node.start..<end])
    return node.kind == .string ? String(decoding: raw, as: UTF8.self) : Self.unescaped(raw)
  }

  /// A string, or its beginning and its end with an ellipsis between them: so many bytes of it are
  /// decoded.
  package func string(head: Int, tail: Int) -> String {
    guard isString else { return "" }
    guard node.end - node.start > head + tail + 64 else { return string ?? "" }
    // Behind the next line feed, which no escape goes across.
    var start = node.end - tail
    if node.kind == .escapedString {
      while start + 1 < node.end,
        text[start] != UInt8(ascii: "\\") || text[start + 1] != UInt8(ascii: "n")
      { start += 1 }
      start += 2
    }
    guard start < node.end else { return string(limit: head) }
    let raw = UnsafeBufferPointer(rebasing: text[start..<node.end])
    let end = node.kind == .string ? String(decoding: raw, as: UTF8.self) : Self.unescaped(raw)
    return string(limit: head) + "\n…\n" + end
  }

  /// The bytes of a string or number as they stand in the text, escapes included.
  public var rawUTF8: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(rebasing: text[node.start..<node.end])
  }

  /// Where the value stands in the text, with its quotes or brackets.
  package var range: Range<Int> {
    switch node.kind {
    case .object, .array, .string, .escapedString: node.start - 1..<node.end + 1
    case .number, .literalTrue, .literalFalse, .null: node.start..<node.end
    }
  }

  /// The bytes at ``range``.
  package var source: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: text[range]) }

  /// Line feeds between a place before the value and the value, and the place of the value itself.
  package func lineBreaks(from offset: Int) -> (count: Int, offset: Int) {
    let start = range.lowerBound
    return (text[min(offset, start)..<start].count { $0 == 0x0A }, start)
  }

  public var int: Int? {
    guard node.kind == .number else { return nil }
    var value = 0
    var isNegative = false
    for (offset, byte) in rawUTF8.enumerated() {
      if offset == 0, byte == UInt8(ascii: "-") {
        isNegative = true
        continue
      }
      guard (48...57).contains(byte) else {
        // 1e3 and 1.5 are rare enough for the slow way.
        return Double(String(decoding: rawUTF8, as: UTF8.self)).flatMap { Int(exactly: $0) }
      }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(Int(byte - 48))
      if overflow || carry { return nil }
      value = sum
    }
    return isNegative ? -value : value
  }

  /// Also where it is not whole.
  public var number: Double? {
    guard node.kind == .number else { return nil }
    return Double(String(decoding: rawUTF8, as: UTF8.self))
  }

  public var bool: Bool? {
    switch node.kind {
    case .literalTrue: true
    case .literalFalse: false
    default: nil
    }
  }

  /// True for a string of exactly this ASCII text.
  public func equals(_ word: StaticString) -> Bool {
    let node = node
    guard node.kind == .string, node.end - node.start == word.utf8CodeUnitCount else {
      return false
    }
    for offset in 0..<word.utf8CodeUnitCount
    where text[node.start + offset] != word.utf8Start[offset] {
      return false
    }
    return true
  }

  /// The elements of an array; none for anything else.
  public var elements: [JSONValue] {
    guard node.kind == .array else { return [] }
    var result: [JSONValue] = []
    var child = index + 1
    while child < node.next {
      result.append(JSONValue(nodes: nodes, text: text, index: child))
      child = nodes[child].next
    }
    return result
  }

  /// The members of an object, in the order of the text; none for anything else.
  package var members: [(name: JSONValue, value: JSONValue)] {
    var result: [(name: JSONValue, value: JSONValue)] = []
    forEachMember { result.append(($0, $1)) }
    return result
  }

  public func forEachMember(_ body: (_ name: JSONValue, _ value: JSONValue) -> Void) {
    guard node.kind == .object else { return }
    var child = index + 1
    while child < node.next {
      let value = child + 1
      body(
        JSONValue(nodes: nodes, text: text, index: child),
        JSONValue(nodes: nodes, text: text, index: value))
      child = nodes[value].next
    }
  }

  private static func unescaped(_ raw: UnsafeBufferPointer<UInt8>) -> String {
    var isValid = true
    return unescaped(raw, &isValid)
  }

  /// - Parameter isValid: Becomes false where an escape is none of JSON's; what it stands for is
  ///   then guessed.
  private static func unescaped(
    _ raw: UnsafeBufferPointer<UInt8>, _ isValid: inout Bool
  ) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(raw.count)
    var index = 0
    func hex(at start: Int) -> UInt32? {
      guard start + 4 <= raw.count else { return nil }
      var value: UInt32 = 0
      for byte in raw[start..<start + 4] {
        switch byte {
        case 48...57: value = value << 4 | UInt32(byte - 48)
        case 65...70: value = value << 4 | UInt32(byte - 55)
        case 97...102: value = value << 4 | UInt32(byte - 87)
        default: return nil
        }
      }
      return value
    }
    while index < raw.count {
      // What stands between two escapes is taken as a whole.
      var next = raw.count
      if let base = raw.baseAddress,
        let escape = memchr(base + index, Int32(UInt8(ascii: "\\")), raw.count - index)
      {
        next = UnsafeRawPointer(escape) - UnsafeRawPointer(base)
      }
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: raw[index..<next]))
      index = next
      if index >= raw.count { break }
      guard index + 1 < raw.count else {
        isValid = false
        bytes.append(raw[index])
        break
      }
      index += 2
      switch raw[index - 1] {
      case UInt8(ascii: "n"): bytes.append(0x0A)
      case UInt8(ascii: "t"): bytes.append(0x09)
      case UInt8(ascii: "r"): bytes.append(0x0D)
      case UInt8(ascii: "b"): bytes.append(0x08)
      case UInt8(ascii: "f"): bytes.append(0x0C)
      case UInt8(ascii: "u"):
        guard var value = hex(at: index) else {
          isValid = false
          bytes.append(contentsOf: Array("\u{FFFD}".utf8))
          continue
        }
        index += 4
        if (0xD800..<0xDC00).contains(value), index + 1 < raw.count,
          raw[index] == UInt8(ascii: "\\"), raw[index + 1] == UInt8(ascii: "u"),
          let low = hex(at: index + 2), (0xDC00..<0xE000).contains(low)
        {
          value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
          index += 6
        }
        let scalar = Unicode.Scalar(value) ?? "\u{FFFD}"
        bytes.append(contentsOf: UTF8.encode(scalar)!)
      case let other:
        if ![UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/")].contains(other) {
          isValid = false
        }
        bytes.append(other)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
