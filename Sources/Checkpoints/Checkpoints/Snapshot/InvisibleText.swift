/// Characters that a person does not see and a model reads: tags, selectors, zero widths, fillers and
/// what turns the reading direction around. Text of others goes into no context with them.
public enum InvisibleText {
  /// The text without them; joiners and selectors stay where they shape what is seen, within emoji and
  /// within words of the scripts that need them.
  public static func removed(from text: String) -> String {
    if isPlain(text) { return text }
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count)
    var previous: Unicode.Scalar?
    let scalars = Array(text.unicodeScalars)
    for (index, scalar) in scalars.enumerated() {
      let next = index + 1 < scalars.count ? scalars[index + 1] : nil
      guard isShown(scalar, after: previous, before: next) else { continue }
      UTF8.encode(scalar).map { result += $0 }
      previous = scalar
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// True for text in which none of them can be: by its bytes, as most text has no more than
  /// typographic marks beyond ASCII.
  private static func isPlain(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      bytes.indices.allSatisfy { index in
        func byte(_ offset: Int) -> UInt8 {
          index + offset < bytes.count ? bytes[index + offset] : 0
        }
        switch bytes[index] {
        case ..<0xC2: return true
        case 0xC2: return byte(1) != 0xAD
        case 0xCD: return byte(1) != 0x8F
        case 0xD8: return byte(1) != 0x9C
        case 0xE2:
          // U+2000 to U+207F hold most of them, and dashes, quotes and the ellipsis.
          return switch byte(1) {
          case 0x80: (0x90...0xA9).contains(byte(2)) || byte(2) < 0x8B || byte(2) > 0xAE
          case 0x81: byte(2) < 0xA0
          default: true
          }
        case 0xE3: return byte(1) != 0x85
        // Fillers of Hangul and Khmer, Mongolian selectors; selectors, marks of order; all beyond the
        // basic plane.
        case 0xE1, 0xEF, 0xF0...: return false
        default: return true
        }
      }
    }
  }

  private static func isShown(
    _ scalar: Unicode.Scalar, after previous: Unicode.Scalar?, before next: Unicode.Scalar?
  ) -> Bool {
    switch scalar.value {
    case 0x200D:
      // Zero width joiner: families and flags, and letters of joining scripts.
      guard let previous, let next else { return false }
      return isEmojiPart(previous) && isEmojiPart(next) && previous.value > 0x7F
        && next.value > 0x7F || isJoining(previous) && isJoining(next)
    case 0x200C:
      guard let previous, let next else { return false }
      return isJoining(previous) && isJoining(next)
    case 0xFE00...0xFE0F:
      // One selector behind something that is seen and has other forms, which of ASCII only the keys
      // have; more of them carry hidden bytes.
      guard let previous else { return false }
      if previous.value <= 0x7F {
        return scalar.value == 0xFE0F && next?.value == 0x20E3 && isEmojiPart(previous)
      }
      return !previous.properties.isWhitespace && !(0xFE00...0xFE0F).contains(previous.value)
        && (scalar.value < 0xFE0E || isEmojiPart(previous))
    case 0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B...0x180F, 0x200B,
      0x200E...0x200F, 0x202A...0x202E, 0x2060...0x206F, 0x3164, 0xFEFF, 0xFFA0,
      0xFFF0...0xFFFB, 0x13430...0x13455, 0x16FE4, 0x1BCA0...0x1BCA3, 0x1D159,
      0x1D173...0x1D17A, 0xE0000...0xE0FFF:
      return false
    default:
      return true
    }
  }

  private static func isEmojiPart(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isEmoji || scalar.properties.isEmojiModifier || scalar.value == 0xFE0F
      || scalar.value == 0x20E3
  }

  /// Letters and marks of scripts in which joiners change what is seen.
  private static func isJoining(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= 0x0590 else { return false }
    switch scalar.properties.generalCategory {
    case .otherLetter, .modifierLetter, .nonspacingMark, .spacingMark: return true
    default: return false
    }
  }
}

extension Markdown {
  /// A whole document of somebody else's for a model to read: without what nobody sees, what drives a
  /// terminal that it may end up in, and tags as hosts use them, whose names are words joined by dashes
  /// or underlines. Otherwise as it is.
  public static func disarmed(_ document: String) -> String {
    let clean = withoutControls(InvisibleText.removed(from: document))
    guard clean.utf8.contains(UInt8(ascii: "<")) else { return clean }
    let bytes = Array(clean.utf8)
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    for (index, byte) in bytes.enumerated() {
      if byte == UInt8(ascii: "<"), isHostTag(bytes[(index + 1)...]) {
        result += "&lt;".utf8
      } else {
        result.append(byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Line feeds, tabs, and carriage returns that end a line stay; others are a blank.
  private static func withoutControls(_ text: String) -> String {
    let scalars = Array(text.unicodeScalars)
    func isStray(_ index: Int) -> Bool {
      switch scalars[index] {
      case "\n", "\t": false
      case "\r": index + 1 == scalars.count || scalars[index + 1] != "\n"
      default: isControl(scalars[index])
      }
    }
    guard scalars.indices.contains(where: isStray) else { return text }
    return String(String.UnicodeScalarView(scalars.indices.map { isStray($0) ? " " : scalars[$0] }))
  }

  private static func isHostTag(_ rest: ArraySlice<UInt8>) -> Bool {
    var rest = rest.prefix(80)
    if rest.first == UInt8(ascii: "/") { rest = rest.dropFirst() }
    let joints = [UInt8(ascii: "-"), UInt8(ascii: "_")]
    let name = rest.prefix { byte in
      let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
      return isLetter || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || joints.contains(byte)
    }
    guard let first = name.first else { return false }
    // `<!-- -->` begins with a mark, a number's comparison with a digit.
    return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first | 0x20)
      && name.contains(where: joints.contains)
  }
}
