public import Core
import Syntax

/// Makes recorded text safe inside a CommonMark document: it can neither start a block, an HTML
/// tag or a link, nor drive a terminal.
public enum Markdown {
  /// Text on one line of a list item or paragraph.
  public static func text(_ text: String) -> String {
    var text = text
    if text.withUTF8({ isPlain($0, isStart: true) }) { return text }
    var result: [UInt8] = []
    append(text, to: &result, isStart: true)
    return String(decoding: result, as: UTF8.self)
  }

  /// - Parameter isStart: False for text that stands behind other text of its line, where fewer marks
  ///   count as one.
  private static func append(_ text: String, to result: inout [UInt8], isStart: Bool) {
    var text = InvisibleText.removed(from: text)
    text.withUTF8 { appendEscaped($0, to: &result, isStart: isStart) }
  }

  /// Bytes, as every line of every document goes through here.
  private static func appendEscaped(
    _ bytes: UnsafeBufferPointer<UInt8>, to result: inout [UInt8], isStart: Bool
  ) {
    result.reserveCapacity(result.count + bytes.count + 8)
    let (backslash, blank) = (UInt8(ascii: "\\"), UInt8(ascii: " "))
    var isStart = isStart
    var previous: UInt8?
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if let length = lengthOfControl(at: index, bytes) {
        result.append(blank)
        index += length
        continue
      }
      let next = index + 1 < bytes.count ? bytes[index + 1] : blank
      switch byte {
      case UInt8(ascii: "<"):
        // A tag, a comment or an autolink begins with a letter or one of these.
        if beginsTag(at: index + 1, bytes) { result.append(backslash) }
      case UInt8(ascii: "["):
        // A link needs `](` or `][`; brackets alone are harmless, and paths and code have many.
        if isStart { result.append(backslash) }
      case UInt8(ascii: "]"):
        if next == UInt8(ascii: "(") || next == UInt8(ascii: "[") || next == UInt8(ascii: ":") {
          result.append(backslash)
        }
      case UInt8(ascii: "#"), UInt8(ascii: ">"), UInt8(ascii: "+"), UInt8(ascii: "-"),
        UInt8(ascii: "="), UInt8(ascii: "~"), UInt8(ascii: "|"):
        if isStart { result.append(backslash) }
      case UInt8(ascii: "`"):
        result.append(backslash)
      case UInt8(ascii: "*"):
        if isStart || next != blank || previous != blank { result.append(backslash) }
      case backslash:
        // Before punctuation a backslash would vanish.
        if next < 0x80, !isLetter(next), !isDigit(next) { result.append(backslash) }
      case UInt8(ascii: "0")...UInt8(ascii: "9") where isStart:
        // "1." would start a list of its own.
        let end = bytes[index...].drop(while: isDigit).first
        if end == UInt8(ascii: ".") || end == UInt8(ascii: ")") { result += "\u{2060}".utf8 }
      default:
        break
      }
      result.append(byte)
      previous = byte
      isStart = isStart && byte == blank
      index += 1
    }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func beginsTag(at index: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard index < bytes.count else { return false }
    switch bytes[index] {
    case UInt8(ascii: "/"), UInt8(ascii: "!"), UInt8(ascii: "?"): return true
    case ..<0x80: return isLetter(bytes[index])
    default:
      return String(decoding: bytes[index...].prefix(4), as: UTF8.self).unicodeScalars.first?
        .properties.isAlphabetic ?? false
    }
  }

  /// The bytes of the control character (see ``isControl(_:)``) that begins here; nil where none does.
  private static func lengthOfControl(
    at index: Int, _ bytes: UnsafeBufferPointer<UInt8>
  ) -> Int? {
    func byte(_ offset: Int) -> UInt8 { index + offset < bytes.count ? bytes[index + offset] : 0 }
    switch bytes[index] {
    case ..<0x20, 0x7F: return 1
    case 0xC2: return (0x80..<0xA0).contains(byte(1)) ? 2 : nil
    case 0xE2:
      let isControl =
        byte(1) == 0x80 && (0xA8...0xAE).contains(byte(2))
        || byte(1) == 0x81 && (0xA6...0xA9).contains(byte(2))
      return isControl ? 3 : nil
    default: return nil
    }
  }

  /// True for ASCII text without a byte that ``text(_:)`` might change: most of all text.
  private static func isPlain(_ bytes: UnsafeBufferPointer<UInt8>, isStart: Bool) -> Bool {
    guard let first = bytes.first(where: { $0 != UInt8(ascii: " ") }) else { return true }
    switch first {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "#"), UInt8(ascii: ">"),
      UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "="), UInt8(ascii: "~"),
      UInt8(ascii: "|"):
      if isStart { return false }
    default: break
    }
    let plain = plain
    return bytes.allSatisfy { byte in
      byte < 0x80 && (byte < 0x40 ? plain.low >> byte : plain.high >> (byte - 0x40)) & 1 != 0
    }
  }

  /// A bit for each ASCII character that nothing is to be done about.
  private static let plain: (low: UInt64, high: UInt64) = {
    var bits: (low: UInt64, high: UInt64) = (0, 0)
    for byte in UInt8(0x20)..<0x7F where !"<[]`*\\".utf8.contains(byte) {
      if byte < 0x40 { bits.low |= 1 << byte } else { bits.high |= 1 << (byte - 0x40) }
    }
    return bits
  }()

  /// Text on one line with code in backticks, which keeps its characters; the rest as `text`.
  public static func prose(_ text: String) -> String {
    guard text.hasBytes("`") else { return self.text(text) }
    var text = text
    return text.withUTF8 { bytes in
      let mark = UInt8(ascii: "`")
      let count = bytes.count { $0 == mark }
      var result: [UInt8] = []
      result.reserveCapacity(bytes.count + 32)
      // What stands between two pieces of code, without marks that mean nothing: it is escaped as one.
      var words: [UInt8] = []
      func endWords() {
        words.withUnsafeBufferPointer { bytes in
          let isStart = result.isEmpty
          if isPlain(bytes, isStart: isStart) {
            result += bytes
          } else {
            append(String(decoding: bytes, as: UTF8.self), to: &result, isStart: isStart)
          }
        }
        words.removeAll(keepingCapacity: true)
      }
      var start = 0
      for number in 0...count {
        let end = bytes[start...].firstIndex(of: mark) ?? bytes.count
        let part = UnsafeBufferPointer(rebasing: bytes[start..<end])
        start = end + 1
        // A mark without a second one opens nothing.
        guard !number.isMultiple(of: 2), number < count else {
          words += part
          continue
        }
        if part.allSatisfy(ASCII.isSpace) { continue }
        endWords()
        if isPlainCode(part) {
          result.append(mark)
          result += part
          result.append(mark)
        } else {
          result += code(String(decoding: part, as: UTF8.self)).utf8
        }
      }
      endWords()
      return String(decoding: result, as: UTF8.self)
    }
  }

  /// Far paths keep their last three components (findings 6).
  static func shortened(_ path: String) -> String {
    guard path.hasPrefix("/") || path.utf8.count > 80 else { return path }
    let parts = components(path)
    return parts.count > 4 ? "…/" + parts.suffix(3).joined(by: "/") : path
  }

  private static func components(_ path: String) -> [Substring] {
    path.utf8.split(separator: UInt8(ascii: "/")).map { Substring($0) }
  }

  /// A file as people name it: its folder and its own name.
  package static func name(ofFile path: String) -> String {
    components(path).suffix(2).joined(by: "/")
  }

  /// A path, name or id inside a line: as `text`, for short strings that hold no prose.
  public static func inline(_ name: String) -> String { text(name.oneLine) }
  public static func inline(_ id: some Identifier) -> String { inline(id.rawValue) }

  /// A code span that holds the text, whatever backticks are in it.
  public static func code(_ text: String) -> String {
    let mark = UInt8(ascii: "`")
    var text = text
    if text.withUTF8(isPlainCode) { return "`" + text + "`" }
    text = InvisibleText.removed(from: text)
    let clean = String(
      String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? " " : $0 }))
    var longest = 0
    var run = 0
    for byte in clean.utf8 {
      run = byte == mark ? run + 1 : 0
      longest = max(longest, run)
    }
    let fence = String(repeating: "`", count: longest + 1)
    let pad = clean.utf8.first == mark || clean.utf8.last == mark || clean.isEmpty ? " " : ""
    return fence + pad + clean + pad + fence
  }

  /// True for ASCII text that needs nothing but a mark before and behind it.
  private static func isPlainCode(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    !bytes.isEmpty && bytes.allSatisfy { (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "`") }
  }

  /// C0, DEL and C1 (escape sequences of terminals), separators, and the marks that turn the
  /// reading direction around.
  public static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
