/// The text of files that people and their tools wrote, in UTF-8 or, as PowerShell's `>` and some editors
/// write it, in UTF-16.
public enum FileText {
  package enum Encoding: Equatable {
    case utf8, utf16LittleEndian, utf16BigEndian

    /// - Parameter bytes: The beginning of a file. Where no byte order mark says it, blanks of two bytes
    ///   do: no text of UTF-8 has a NUL at every other place.
    package init(_ bytes: some Collection<UInt8>) {
      let head = Array(bytes.prefix(4))
      switch (head.first, head.dropFirst().first) {
      case (0xFF, 0xFE): self = .utf16LittleEndian
      case (0xFE, 0xFF): self = .utf16BigEndian
      default:
        let zeros = head.map { $0 == 0 }
        self =
          zeros == [false, true, false, true]
          ? .utf16LittleEndian : zeros == [true, false, true, false] ? .utf16BigEndian : .utf8
      }
    }

    /// Text as the rest of such a file has it.
    package func bytes(of text: String) -> [UInt8] {
      switch self {
      case .utf8: Array(text.utf8)
      case .utf16LittleEndian: text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
      case .utf16BigEndian: text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
      }
    }
  }

  /// True for a file that is not UTF-8.
  ///
  /// - Parameter bytes: Its beginning.
  public static func isUTF16(_ bytes: some Collection<UInt8>) -> Bool { Encoding(bytes) != .utf8 }

  /// - Parameter bytes: A whole file.
  /// - Returns: UTF-8, without the mark of UTF-16. What was UTF-8 already stays byte for byte.
  public static func utf8(_ bytes: [UInt8]) -> [UInt8] {
    var decoder = Decoder()
    return decoder.take(bytes) + decoder.end()
  }

  /// What is no UTF-8 becomes U+FFFD.
  public static func string(_ bytes: [UInt8]) -> String {
    String(decoding: utf8(bytes), as: UTF8.self)
  }

  /// The same for a stream: pieces may end within a character.
  public struct Decoder: Sendable {
    private var encoding: Encoding?
    /// Of a beginning that is too short to tell, or half a unit.
    private var waiting: [UInt8] = []
    private var high: UInt16?

    public init() {}

    /// - Returns: The UTF-8 of what has come so far; may be empty in the middle of a stream.
    public mutating func take(_ piece: [UInt8]) -> [UInt8] {
      if encoding == .utf8 { return piece }
      waiting += piece
      if encoding == nil {
        guard waiting.count >= 4 else { return [] }
        begin()
      }
      return decoded()
    }

    /// - Returns: What was still waiting.
    public mutating func end() -> [UInt8] {
      if encoding == nil { begin() }
      var rest = decoded()
      if encoding != .utf8, high != nil || !waiting.isEmpty { rest += Array("\u{FFFD}".utf8) }
      (high, waiting) = (nil, [])
      return rest
    }

    private mutating func begin() {
      encoding = Encoding(waiting)
      if let first = waiting.first, first >= 0xFE, encoding != .utf8 { waiting.removeFirst(2) }
    }

    private mutating func decoded() -> [UInt8] {
      guard let encoding, encoding != .utf8 else {
        defer { waiting = [] }
        return waiting
      }
      let isLittle = encoding == .utf16LittleEndian
      var units: [UInt16] = high.map { [$0] } ?? []
      high = nil
      for index in stride(from: 0, to: waiting.count - 1, by: 2) {
        let (first, second) = (UInt16(waiting[index]), UInt16(waiting[index + 1]))
        units.append(isLittle ? second << 8 | first : first << 8 | second)
      }
      waiting = waiting.count % 2 == 0 ? [] : [waiting[waiting.count - 1]]
      if let last = units.last, (0xD800..<0xDC00).contains(last) {
        high = last
        units.removeLast()
      }
      return Array(String(decoding: units, as: UTF16.self).utf8)
    }
  }
}
