import Syntax

/// A JSON object that need not be whole, in which its `id` is looked for.
struct BrokenMessage {
  private let bytes: UnsafeBufferPointer<UInt8>
  /// For one text at a time.
  private let tape = JSONTape()
  private var index = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  /// Its last one, as a reader of the whole would take it. What stands within other values is passed
  /// over.
  ///
  /// - Returns: Nil unless it is a text or a number.
  mutating func identifier() -> WireIdentifier? {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
    skipSpace()
    guard next == UInt8(ascii: "{") else { return nil }
    var found: WireIdentifier?
    var depth = 0
    while let byte = next {
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        index += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        index += 1
      case UInt8(ascii: "\""):
        guard let name = text() else { return found ?? lastIdentifier() }
        guard depth == 1, name == "id" else { continue }
        if let id = member() { found = id }
      default: index += 1
      }
    }
    return found ?? lastIdentifier()
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
    var rest = self
    rest.index = start + name.count
    guard let id = rest.member() else { return nil }
    rest.skipSpace()
    guard rest.next == UInt8(ascii: "}") else { return nil }
    rest.index += 1
    rest.skipSpace()
    return rest.next == nil ? id : nil
  }

  // MARK: Values

  private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

  private mutating func skipSpace() {
    while let byte = next, JSONTape.isSpace(byte) { index += 1 }
  }

  /// A text; nil, and nothing is taken, where none stands that is whole.
  private mutating func text() -> String? {
    guard let end = try? tape.parse(bytes, from: index), let text = tape.root(bytes).validString
    else { return nil }
    index = end
    return text
  }

  /// A colon, and behind it a text or a number.
  private mutating func member() -> WireIdentifier? {
    skipSpace()
    guard next == UInt8(ascii: ":") else { return nil }
    index += 1
    skipSpace()
    let start = index
    if next == UInt8(ascii: "\"") {
      guard text() != nil else { return nil }
    } else {
      guard let length = JSON.numberLength(bytes[index...]) else { return nil }
      index += length
    }
    let written = UnsafeBufferPointer(rebasing: bytes[start..<index])
    if String(validating: written, as: UTF8.self) != nil {
      return WireIdentifier(json: Array(written))
    }
    return JSON.mended(written).map(WireIdentifier.init)
  }
}
