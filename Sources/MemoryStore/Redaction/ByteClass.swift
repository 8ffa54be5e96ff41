/// What a byte can be part of; a byte has one or more classes.
struct ByteClass: OptionSet {
  let rawValue: UInt32

  static let lower = ByteClass(rawValue: 1 << 0)
  static let upper = ByteClass(rawValue: 1 << 1)
  static let digit = ByteClass(rawValue: 1 << 2)
  static let dash = ByteClass(rawValue: 1 << 3)
  static let underscore = ByteClass(rawValue: 1 << 4)
  /// `+` and `/`.
  static let plusSlash = ByteClass(rawValue: 1 << 5)
  static let equals = ByteClass(rawValue: 1 << 6)
  static let dot = ByteClass(rawValue: 1 << 7)
  /// `0-9a-f`.
  static let lowerHex = ByteClass(rawValue: 1 << 8)
  /// `0-9A-F`.
  static let upperHex = ByteClass(rawValue: 1 << 9)
  static let percent = ByteClass(rawValue: 1 << 10)
  static let at = ByteClass(rawValue: 1 << 11)
  static let tilde = ByteClass(rawValue: 1 << 12)
  /// Blank, tab, line ends.
  static let space = ByteClass(rawValue: 1 << 13)
  static let quote = ByteClass(rawValue: 1 << 14)
  /// What ends a value that is not in quotes. Letters of the Latin script with accents (two bytes
  /// in UTF-8) do not; typographic signs and CJK text (three) do.
  static let valueEnd = ByteClass(rawValue: 1 << 15)

  /// Before a `=`: a comparison or an operator that is not a plain assignment.
  static let operatorSign = ByteClass(rawValue: 1 << 16)
  /// What can stand between `://` and the host of a URL.
  static let userInformation = ByteClass(rawValue: 1 << 17)
  /// Where reading a quoted value has to look twice.
  static let quotedStop = ByteClass(rawValue: 1 << 18)

  /// What a hash of a password has beside letters, digits and its own `./+=-`.
  static let cryptSign = ByteClass(rawValue: 1 << 19)

  /// What the hashes of tickets and archives have: `*`, `#`, `:`, `@`.
  static let ticketSign = ByteClass(rawValue: 1 << 20)

  static let letter: ByteClass = [.lower, .upper]
  static let alphanumeric: ByteClass = [.letter, .digit]
  static let word: ByteClass = [.alphanumeric, .underscore]
  static let name: ByteClass = [.word, .dash]
  static let dotted: ByteClass = [.name, .dot]
  static let hex: ByteClass = [.lowerHex, .upperHex]
  static let base64: ByteClass = [.alphanumeric, .plusSlash, .equals]

  static let table: [UInt32] = (0...255).map { of(UInt8($0)).rawValue }

  static func of(_ byte: UInt8) -> ByteClass {
    var result: ByteClass = []
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "f"): result = [.lower, .lowerHex]
    case UInt8(ascii: "g")...UInt8(ascii: "z"): result = .lower
    case UInt8(ascii: "A")...UInt8(ascii: "F"): result = [.upper, .upperHex]
    case UInt8(ascii: "G")...UInt8(ascii: "Z"): result = .upper
    case UInt8(ascii: "0")...UInt8(ascii: "9"): result = [.digit, .lowerHex, .upperHex]
    case UInt8(ascii: "-"): result = .dash
    case UInt8(ascii: "_"): result = .underscore
    case UInt8(ascii: "+"), UInt8(ascii: "/"): result = .plusSlash
    case UInt8(ascii: "="): result = .equals
    case UInt8(ascii: "."): result = .dot
    case UInt8(ascii: "%"): result = .percent
    case UInt8(ascii: "@"): result = .at
    case UInt8(ascii: "~"): result = .tilde
    case 9, 10, 13, 32: result = .space
    case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"): result = .quote
    case UInt8(ascii: "$"), UInt8(ascii: ","): result = .cryptSign
    default: break
    }
    let isBlank = byte <= 32 || byte == 127
    if isBlank || byte >= 0xE0 || byte.isOne(of: "\"'`\\,;&|<>(){}[]") {
      result.insert(.valueEnd)
    }
    if byte.isOne(of: "=!<>+-*/%&|^~:") { result.insert(.operatorSign) }
    if byte.isOne(of: "*#:@") { result.insert(.ticketSign) }
    if !isBlank, !byte.isOne(of: "/?#\"'`<>\\|()[]") { result.insert(.userInformation) }
    if byte <= 32 || byte.isOne(of: "\"'`\\[") { result.insert(.quotedStop) }
    return result
  }
}

extension UInt8 {
  @inline(__always)
  package func isOne(of set: StaticString) -> Bool {
    for index in 0..<set.utf8CodeUnitCount where set.utf8Start[index] == self { return true }
    return false
  }
}
