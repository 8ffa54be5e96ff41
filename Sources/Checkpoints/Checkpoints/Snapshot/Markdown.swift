public import Core
import Syntax

/// Makes recorded text safe inside a CommonMark document: it can neither start a block, an HTML
/// tag or a link, nor drive a terminal.
public enum Markdown {
  /// Text on one line of a list item or paragraph.
  public static func text(_ text: String) -> String {
    if isPlain(text) { return text }
    let text = InvisibleText.removed(from: text)
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count + 8)
    let backslash = UInt8(ascii: "\\")
    var isStart = true
    var previous: Unicode.Scalar?
    let scalars = Array(text.unicodeScalars)
    for (index, scalar) in scalars.enumerated() {
      guard !isControl(scalar) else {
        result.append(UInt8(ascii: " "))
        continue
      }
      switch scalar {
      case "<":
        // A tag, a comment or an autolink begins with a letter or one of these.
        let next = index + 1 < scalars.count ? scalars[index + 1] : " "
        if next.properties.isAlphabetic || next == "/" || next == "!" || next == "?" {
          result.append(backslash)
        }
      case "[", "]":
        // A link needs `](` or `][`; brackets alone are harmless, and paths and code have many.
        let next = index + 1 < scalars.count ? scalars[index + 1] : " "
        if scalar == "]", next == "(" || next == "[" || next == ":" { result.append(backslash) }
        if isStart, scalar == "[" { result.append(backslash) }
      case "#", ">", "+", "-", "=", "~", "|":
        if isStart { result.append(backslash) }
      case "`":
        result.append(backslash)
      case "*":
        let next = index + 1 < scalars.count ? scalars[index + 1] : " "
        if isStart || next != " " || previous != " " { result.append(backslash) }
      case "\\":
        // Before punctuation a backslash would vanish.
        let next = index + 1 < scalars.count ? scalars[index + 1] : " "
        if next.isASCII, !next.properties.isAlphabetic, next.properties.numericType == nil {
          result.append(backslash)
        }
      default:
        break
      }
      if isStart, ("0"..."9").contains(scalar) {
        // "1." would start a list of its own.
        if let end = scalars.dropFirst(index).firstIndex(where: { !("0"..."9").contains($0) }),
          scalars[end] == "." || scalars[end] == ")"
        {
          result += "\u{2060}".utf8
        }
      }
      result += UTF8.encode(scalar)!
      previous = scalar
      isStart = false
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// True for ASCII text without a byte that ``text(_:)`` might change: most of all text.
  private static func isPlain(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      guard let first = bytes.first else { return true }
      switch first {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "#"), UInt8(ascii: ">"),
        UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "="), UInt8(ascii: "~"),
        UInt8(ascii: "|"):
        return false
      default: break
      }
      return bytes.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "<"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "`"),
          UInt8(ascii: "*"), UInt8(ascii: "\\"):
          false
        default: (0x20..<0x7F).contains(byte)
        }
      }
    }
  }

  /// Text on one line with code in backticks, which keeps its characters; the rest as `text`.
  public static func prose(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "`")) else { return self.text(text) }
    let parts = text.split(separator: "`", omittingEmptySubsequences: false)
    // A mark without a second one opens nothing.
    let isOdd = parts.count.isMultiple(of: 2)
    var result = ""
    for (index, part) in parts.enumerated() {
      if !index.isMultiple(of: 2), !(isOdd && index == parts.count - 1) {
        if !part.trimmed.isEmpty { result += code(String(part)) }
      } else if index == 0 {
        result += self.text(String(part))
      } else {
        // Not at the beginning of a line, where more would count as a mark.
        result += String(self.text("." + part).dropFirst())
      }
    }
    return result
  }

  /// Far paths keep their last three components (findings 6).
  static func shortened(_ path: String) -> String {
    guard path.hasPrefix("/") || path.utf8.count > 80 else { return path }
    let parts = path.split(separator: "/")
    return parts.count > 4 ? "…/" + parts.suffix(3).joined(separator: "/") : path
  }

  /// A file as people name it: its folder and its own name.
  package static func name(ofFile path: String) -> String {
    path.split(separator: "/").suffix(2).joined(separator: "/")
  }

  /// A path, name or id inside a line: as `text`, for short strings that hold no prose.
  public static func inline(_ name: String) -> String { text(name.oneLine) }
  public static func inline(_ id: some Identifier) -> String { inline(id.rawValue) }

  /// A code span that holds the text, whatever backticks are in it.
  public static func code(_ text: String) -> String {
    let text = InvisibleText.removed(from: text)
    let clean = String(
      String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? " " : $0 }))
    var longest = 0
    var run = 0
    for character in clean {
      run = character == "`" ? run + 1 : 0
      longest = max(longest, run)
    }
    let fence = String(repeating: "`", count: longest + 1)
    let pad = clean.hasPrefix("`") || clean.hasSuffix("`") || clean.isEmpty ? " " : ""
    return fence + pad + clean + pad + fence
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
