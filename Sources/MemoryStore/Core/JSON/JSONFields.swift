/// Writes a flat JSON object, fields in the order in which they are added.
public struct JSONFields {
  private var bytes: [UInt8] = [UInt8(ascii: "{")]

  public init() {}

  public mutating func add(_ name: StaticString, _ value: String?) {
    guard let value else { return }
    key(name)
    Self.write(value, to: &bytes)
  }

  public mutating func add(_ name: StaticString, _ id: (some Identifier)?) {
    add(name, id?.rawValue)
  }

  public mutating func add(named name: String, _ value: String?) {
    guard let value else { return }
    separate()
    Self.write(name, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    Self.write(value, to: &bytes)
  }

  public mutating func add(_ name: StaticString, _ values: [String]) {
    key(name)
    bytes.append(UInt8(ascii: "["))
    for (index, value) in values.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      Self.write(value, to: &bytes)
    }
    bytes.append(UInt8(ascii: "]"))
  }

  public var text: String { String(decoding: bytes + [UInt8(ascii: "}")], as: UTF8.self) }

  private mutating func separate() {
    if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
  }

  private mutating func key(_ name: StaticString) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    bytes.append(contentsOf: "\":".utf8)
  }

  /// How control characters are written, but for the line feed, which is `\n` always.
  package enum Escapes {
    /// By number, as what is stored has them.
    case numbers
    /// By letter where there is one, as what is told has them.
    case letters
  }

  /// Appends a JSON string literal. Source: RFC 8259, section 7.
  package static func write(
    _ text: String, to bytes: inout [UInt8], _ escapes: Escapes = .numbers
  ) {
    var text = text
    text.withUTF8 { write(utf8: $0, to: &bytes, escapes) }
  }

  package static func write(
    utf8: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8], _ escapes: Escapes = .numbers
  ) {
    bytes.append(UInt8(ascii: "\""))
    var copied = 0
    for index in 0..<utf8.count {
      let byte = utf8[index]
      guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else {
        continue
      }
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[copied..<index]))
      copied = index + 1
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0x0A:
        bytes.append(contentsOf: "\\n".utf8)
      case 0x08 where escapes == .letters: bytes.append(contentsOf: "\\b".utf8)
      case 0x09 where escapes == .letters: bytes.append(contentsOf: "\\t".utf8)
      case 0x0C where escapes == .letters: bytes.append(contentsOf: "\\f".utf8)
      case 0x0D where escapes == .letters: bytes.append(contentsOf: "\\r".utf8)
      default:
        let digits = String(byte, radix: 16)
        bytes.append(contentsOf: (digits.utf8.count == 1 ? "\\u000" : "\\u00").utf8)
        bytes.append(contentsOf: digits.utf8)
      }
    }
    bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[copied...]))
    bytes.append(UInt8(ascii: "\""))
  }
}
