package import Syntax

extension JSON {
  /// Reads one document. Source: RFC 8259.
  ///
  /// Strict, but for what costs nothing but itself: half a surrogate pair, escaped or as the three
  /// bytes that UTF-8 does not have for it, becomes U+FFFD, since clients cut texts by UTF-16 units,
  /// and control characters may stand in a text, but for a line feed. Of a name that stands twice in
  /// an object the last one holds.
  ///
  /// - Returns: Nil for anything that is not one whole document in UTF-8, or that is nested deeper
  ///   than `JSONTape.maximumDepth`.
  public init?(parsing bytes: some Sequence<UInt8>) {
    let read = bytes.withContiguousStorageIfAvailable { JSON.document($0) { JSON($0) } }
    guard
      let value = read ?? Array(bytes).withUnsafeBufferPointer({ JSON.document($0) { JSON($0) } })
    else { return nil }
    self = value
  }

  /// Hands over the root of one whole document.
  ///
  /// - Parameter read: Its argument is valid only meanwhile; its result is nil where the document is
  ///   refused.
  static func document<Result>(
    _ bytes: UnsafeBufferPointer<UInt8>, _ read: (JSONValue) -> Result?
  ) -> Result? {
    guard String(validating: bytes, as: UTF8.self) != nil else {
      return mended(bytes)?.withUnsafeBufferPointer { document($0, read) }
    }
    let tape = JSONTape()
    let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    guard let end = try? tape.parse(bytes, from: start),
      bytes[end...].allSatisfy(JSONTape.isSpace)
    else { return nil }
    return withExtendedLifetime(tape) { read(tape.root(bytes)) }
  }

  /// Puts U+FFFD for halves of surrogate pairs.
  ///
  /// - Returns: Nil if there is anything else that is no UTF-8.
  static func mended(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    var mended = Array(bytes)
    for index in mended.indices.dropLast(2)
    where mended[index] == 0xED && mended[index + 1] >= 0xA0 && mended[index + 2] & 0xC0 == 0x80 {
      mended.replaceSubrange(index..<(index + 3), with: [0xEF, 0xBF, 0xBD])
    }
    return String(validating: mended, as: UTF8.self) == nil ? nil : mended
  }

  /// - Parameter depth: How many objects and arrays the value stands in.
  /// - Returns: Nil where the tape let something pass that is no JSON.
  package init?(_ value: JSONValue, depth: Int = 0) {
    guard depth < JSONTape.maximumDepth else { return nil }
    switch value.kind {
    case .null: self = .null
    case .literalTrue: self = .bool(true)
    case .literalFalse: self = .bool(false)
    case .number:
      guard let number = JSON(number: value.rawUTF8) else { return nil }
      self = number
    case .string, .escapedString:
      guard let text = value.validString else { return nil }
      self = .string(text)
    case .array:
      var values: [JSON] = []
      for element in value.elements {
        guard let element = JSON(element, depth: depth + 1) else { return nil }
        values.append(element)
      }
      self = .array(values)
    case .object:
      var fields: [String: JSON] = [:]
      for (name, member) in value.members {
        guard let name = name.validString, let member = JSON(member, depth: depth + 1) else {
          return nil
        }
        fields[name] = member
      }
      self = .object(fields)
    }
  }

  /// A number as it is written; one that is too large for a `Double` becomes the largest.
  private init?(number bytes: UnsafeBufferPointer<UInt8>) {
    guard Self.numberLength(bytes[...]) == bytes.count else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    if let whole = Int(text) {
      self = .integer(whole)
    } else if let number = Double(text) {
      self.init(min(max(number, -.greatestFiniteMagnitude), .greatestFiniteMagnitude))
    } else {
      return nil
    }
  }

  /// How many bytes the number has that stands at the beginning; nil if none does.
  static func numberLength(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
    var index = bytes.startIndex
    var next: UInt8? { index < bytes.endIndex ? bytes[index] : nil }
    func digits() -> Bool {
      let start = index
      while let byte = next, (48...57).contains(byte) { index += 1 }
      return index > start
    }
    if next == UInt8(ascii: "-") { index += 1 }
    if next == UInt8(ascii: "0") {
      index += 1
    } else if !digits() {
      return nil
    }
    if next == UInt8(ascii: ".") {
      index += 1
      guard digits() else { return nil }
    }
    if let byte = next, byte | 0x20 == UInt8(ascii: "e") {
      index += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { index += 1 }
      guard digits() else { return nil }
    }
    return index - bytes.startIndex
  }
}
