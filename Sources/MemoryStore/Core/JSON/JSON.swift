/// A JSON document as a tree, for what is held as a whole: messages, answers, small files.
///
/// Everything here reads through one parser, `JSONTape` in `Syntax`, and writes through one writer.
/// What is for what:
/// - `JSONTape` and `JSONValue` find the values of a text and decode those that are asked for:
///   transcripts of many megabytes, where most is passed over. They forgive what loses nothing.
/// - ``JSON`` is strict: a text is one whole document or it is refused.
/// - ``JSONRecord`` and ``JSONCoder`` name the fields of a type once for both directions: what hooks
///   store and read, where Foundation's coders would cost more than the commit.
/// - ``JSONFields`` writes a flat object whose fields keep their order.
/// - `JSONText`, with the installers, changes a settings file and leaves all other bytes as they were.
///
/// `Codable` stays for what is spooled, a ledger in a fallback file, and the installers' record.
/// See `docs/decisions/0025-one-json.md`.
public enum JSON: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int)
  /// Finite, and not whole where ``integer(_:)`` could hold it.
  case number(Double)
  case string(String)
  case array([JSON])
  case object([String: JSON])

  // MARK: Parts

  /// The value of an object's key. Setting it does nothing to a value that is no object.
  public subscript(key: String) -> JSON? {
    get {
      if case .object(let fields) = self { return fields[key] }
      return nil
    }
    set {
      guard case .object(var fields) = self else { return }
      // So that the fields are changed where they are.
      self = .null
      fields[key] = newValue
      self = .object(fields)
    }
  }

  /// Takes over the fields of another object, in place of its own of the same names.
  public mutating func merge(_ other: JSON) {
    for (key, value) in other.object ?? [:] { self[key] = value }
  }

  public var string: String? {
    if case .string(let text) = self { return text }
    return nil
  }

  public var integer: Int? {
    if case .integer(let value) = self { return value }
    return nil
  }

  public var bool: Bool? {
    if case .bool(let value) = self { return value }
    return nil
  }

  public var array: [JSON]? {
    if case .array(let values) = self { return values }
    return nil
  }

  public var object: [String: JSON]? {
    if case .object(let fields) = self { return fields }
    return nil
  }

  /// The strings of an array of strings; empty for anything else.
  public var strings: [String] { array?.compactMap(\.string) ?? [] }

  // MARK: Writing

  /// UTF-8, keys sorted, so that equal values are equal bytes.
  public var bytes: [UInt8] {
    var bytes: [UInt8] = []
    write(to: &bytes)
    return bytes
  }

  /// ``bytes`` as a text.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  private func write(to bytes: inout [UInt8]) {
    switch self {
    case .null: bytes += "null".utf8
    case .bool(let flag): bytes += (flag ? "true" : "false").utf8
    case .integer(let number): bytes += String(number).utf8
    case .number(let number):
      // JSON has no word for the others.
      let text = number.isFinite ? number.description : "null"
      bytes += text.hasSuffix(".0") ? text.dropLast(2).utf8 : text[...].utf8
    case .string(let text): JSONFields.write(text, to: &bytes, .letters)
    case .array(let values):
      bytes.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        value.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let fields):
      bytes.append(UInt8(ascii: "{"))
      let sorted = fields.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      for (index, field) in sorted.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        JSONFields.write(field.key, to: &bytes, .letters)
        bytes.append(UInt8(ascii: ":"))
        field.value.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }
}
