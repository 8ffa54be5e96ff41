/// Reads JSON as it comes over a wire. Source: RFC 8259.
///
/// Strict, but for half a surrogate pair, which becomes U+FFFD as with the readers of hooks and
/// transcripts: clients cut texts by UTF-16 units, and one broken character of an argument is to cost
/// nothing but itself.
struct WireJSONParser {
  private struct Failure: Error {}

  /// Deeper nesting is refused, so that hostile input cannot exhaust the stack.
  private static let deepest = 512

  private let bytes: UnsafeBufferPointer<UInt8>
  private var index = 0
  /// How deep the message stands whose `id` is wanted; nil where none is.
  private var messageDepth: Int?
  /// Where that `id` is written.
  private var identifier: Range<Int>?

  private init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> WireJSON? {
    whole(bytes) { parser throws(Failure) in try parser.value(depth: 0) }
  }

  /// - Returns: Nil for anything that is not one whole document.
  private static func whole<Document>(
    _ bytes: UnsafeBufferPointer<UInt8>,
    _ read: (inout WireJSONParser) throws(Failure) -> Document
  ) -> Document? {
    if String(validating: bytes, as: UTF8.self) == nil {
      return mended(bytes)?.withUnsafeBufferPointer { whole($0, read) }
    }
    var parser = WireJSONParser(bytes)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { parser.index = 3 }
    parser.skipSpace()
    guard let document = try? read(&parser) else { return nil }
    parser.skipSpace()
    return parser.index == bytes.count ? document : nil
  }

  /// Half a pair may also come as the three bytes that UTF-8 does not have for it.
  ///
  /// - Returns: Nil for anything else that is no UTF-8.
  private static func mended(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    var mended = Array(bytes)
    for index in mended.indices.dropLast(2)
    where mended[index] == 0xED && mended[index + 1] >= 0xA0 && mended[index + 2] & 0xC0 == 0x80 {
      mended.replaceSubrange(index..<(index + 3), with: [0xEF, 0xBF, 0xBD])
    }
    return String(validating: mended, as: UTF8.self) == nil ? nil : mended
  }

  // MARK: Messages

  static func messages(_ bytes: UnsafeBufferPointer<UInt8>) -> WireMessage.Arrival? {
    whole(bytes) { parser throws(Failure) in
      guard parser.take(UInt8(ascii: "[")) else { return .one(try parser.message(0)) }
      return .batch(try parser.elements { parser throws(Failure) in try parser.message(1) })
    }
  }

  private mutating func message(_ depth: Int) throws(Failure) -> WireMessage {
    (messageDepth, identifier) = (depth, nil)
    let body = try value(depth: depth)
    return WireMessage(
      body: body, id: identifier.map { WireIdentifier(json: Array(bytes[$0])) })
  }

  /// The `id` of a JSON object that need not be whole: its last one, as a reader of the whole would
  /// take it. What stands within other values is passed over.
  ///
  /// - Returns: Nil unless it is a text or a number.
  static func identifier(_ bytes: UnsafeBufferPointer<UInt8>) -> WireIdentifier? {
    var parser = WireJSONParser(bytes)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { parser.index = 3 }
    parser.skipSpace()
    guard parser.next == UInt8(ascii: "{") else { return nil }
    var found: WireIdentifier?
    var depth = 0
    while let byte = parser.next {
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        parser.index += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        parser.index += 1
      case UInt8(ascii: "\""):
        guard let name = try? parser.string() else { return found ?? parser.lastIdentifier() }
        guard depth == 1, name == "id" else { continue }
        parser.skipSpace()
        guard parser.next == UInt8(ascii: ":") else { continue }
        parser.index += 1
        if let id = parser.scalar() { found = id }
      default: parser.index += 1
      }
    }
    return found ?? parser.lastIdentifier()
  }

  /// Where a quote is missing, nothing tells what is inside and what outside: `… "id": 5}` at the very
  /// end is the message's own.
  private func lastIdentifier() -> WireIdentifier? {
    let name = Array("\"id\"".utf8)
    guard bytes.count > name.count else { return nil }
    let start = (0...(bytes.count - name.count)).last {
      bytes[$0..<($0 + name.count)].elementsEqual(name)
    }
    guard let start else { return nil }
    var parser = self
    parser.index = start + name.count
    parser.skipSpace()
    guard parser.next == UInt8(ascii: ":") else { return nil }
    parser.index += 1
    guard let id = parser.scalar() else { return nil }
    parser.skipSpace()
    guard parser.next == UInt8(ascii: "}") else { return nil }
    parser.index += 1
    parser.skipSpace()
    return parser.next == nil ? id : nil
  }

  private mutating func scalar() -> WireIdentifier? {
    skipSpace()
    let start = index
    switch next ?? 0 {
    case UInt8(ascii: "\""):
      if (try? string()) != nil { return written(from: start) }
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      if (try? number()) != nil { return written(from: start) }
    default: break
    }
    index = start
    return nil
  }

  /// - Returns: Nil for what is no UTF-8.
  private func written(from start: Int) -> WireIdentifier? {
    let raw = UnsafeBufferPointer(rebasing: bytes[start..<index])
    guard String(validating: raw, as: UTF8.self) == nil else {
      return WireIdentifier(json: Array(raw))
    }
    return Self.mended(raw).map(WireIdentifier.init)
  }

  // MARK: Values

  private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
      index += 1
    }
  }

  /// - Returns: False, and nothing is taken, where another byte stands.
  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    index += 1
    return true
  }

  private mutating func value(depth: Int) throws(Failure) -> WireJSON {
    guard depth < Self.deepest else { throw Failure() }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"):
      index += 1
      return .object(try object(depth))
    case UInt8(ascii: "["):
      index += 1
      return .array(try array(depth))
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func object(_ depth: Int) throws(Failure) -> [String: WireJSON] {
    var fields: [String: WireJSON] = [:]
    skipSpace()
    if take(UInt8(ascii: "}")) { return fields }
    while true {
      skipSpace()
      let name = try string()
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw Failure() }
      // The last one where a name stands twice.
      skipSpace()
      let start = index
      fields[name] = try value(depth: depth + 1)
      if depth == messageDepth, name == "id" { identifier = start..<index }
      skipSpace()
      if take(UInt8(ascii: "}")) { return fields }
      guard take(UInt8(ascii: ",")) else { throw Failure() }
    }
  }

  private mutating func array(_ depth: Int) throws(Failure) -> [WireJSON] {
    try elements { parser throws(Failure) in try parser.value(depth: depth + 1) }
  }

  /// What stands between an opening bracket, which is behind, and its closing one.
  private mutating func elements<Element>(
    _ element: (inout WireJSONParser) throws(Failure) -> Element
  ) throws(Failure) -> [Element] {
    var values: [Element] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return values }
    while true {
      values.append(try element(&self))
      skipSpace()
      if take(UInt8(ascii: "]")) { return values }
      guard take(UInt8(ascii: ",")) else { throw Failure() }
    }
  }

  private mutating func word(_ word: StaticString, _ value: WireJSON) throws(Failure) -> WireJSON {
    for offset in 0..<word.utf8CodeUnitCount {
      guard take(word.utf8Start[offset]) else { throw Failure() }
    }
    return value
  }

  private mutating func number() throws(Failure) -> WireJSON {
    let start = index
    func isDigit(_ byte: UInt8?) -> Bool { byte.map { (48...57).contains($0) } ?? false }
    _ = take(UInt8(ascii: "-"))
    if !take(UInt8(ascii: "0")) {
      guard isDigit(next) else { throw Failure() }
      while isDigit(next) { index += 1 }
    }
    var isWhole = true
    if take(UInt8(ascii: ".")) {
      isWhole = false
      guard isDigit(next) else { throw Failure() }
      while isDigit(next) { index += 1 }
    }
    if let byte = next, byte | 0x20 == UInt8(ascii: "e") {
      isWhole = false
      index += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { index += 1 }
      guard isDigit(next) else { throw Failure() }
      while isDigit(next) { index += 1 }
    }
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    if isWhole, let whole = Int(text) { return .integer(whole) }
    guard let number = Double(text) else { throw Failure() }
    // JSON has no word for what is too large.
    let finite = min(max(number, -.greatestFiniteMagnitude), .greatestFiniteMagnitude)
    return Int(exactly: finite).map { .integer($0) } ?? .number(finite)
  }

  // MARK: Text

  private mutating func string() throws(Failure) -> String {
    guard take(UInt8(ascii: "\"")) else { throw Failure() }
    var text: [UInt8] = []
    var start = index
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        let rest = UnsafeBufferPointer(rebasing: bytes[start..<index])
        index += 1
        if text.isEmpty { return String(decoding: rest, as: UTF8.self) }
        return String(decoding: text + rest, as: UTF8.self)
      case UInt8(ascii: "\\"):
        text += bytes[start..<index]
        index += 1
        try escape(&text)
        start = index
      // Other raw control characters are no JSON, but lose nothing either.
      case 0x0A: throw Failure()
      default: index += 1
      }
    }
    throw Failure()
  }

  private mutating func escape(_ text: inout [UInt8]) throws(Failure) {
    guard let byte = next else { throw Failure() }
    index += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "u"):
      var value = try unit()
      if (0xD800..<0xDC00).contains(value), index + 1 < bytes.count,
        bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u")
      {
        let before = index
        index += 2
        let low = try unit()
        if (0xDC00..<0xE000).contains(low) {
          value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
        } else {
          index = before
        }
      }
      text += Array(String(Character(Unicode.Scalar(value) ?? "\u{FFFD}")).utf8)
    default: throw Failure()
    }
  }

  /// Four hexadecimal digits.
  private mutating func unit() throws(Failure) -> UInt32 {
    guard index + 4 <= bytes.count else { throw Failure() }
    var value: UInt32 = 0
    for byte in bytes[index..<(index + 4)] {
      switch byte {
      case 48...57: value = value << 4 | UInt32(byte - 48)
      case 65...70: value = value << 4 | UInt32(byte - 55)
      case 97...102: value = value << 4 | UInt32(byte - 87)
      default: throw Failure()
      }
    }
    index += 4
    return value
  }
}
