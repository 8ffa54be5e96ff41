/// Text whose UTF-8 was once read as Windows-1252 or -1254 and written as UTF-8 again: `âœ…` for a
/// check mark. Bytes that the code page has no character for may have been lost on the way.
///
/// Source: the code pages' tables of unicode.org.
public enum DoubleEncoding {
  /// - Returns: The text read right, however often the mistake was made; what cannot come from it
  ///   stays as it is.
  public static func repaired(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 >= 0x80 }) else { return text }
    var text = text
    while true {
      let once = repairedOnce(text)
      // Each repair makes the text shorter.
      if once.utf8.count >= text.utf8.count { return text }
      text = once
    }
  }

  private static func repairedOnce(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    var run: [Unicode.Scalar] = []
    func flush() {
      result.append(contentsOf: repaired(run: run))
      run = []
    }
    for scalar in text.unicodeScalars {
      if bytes[scalar] != nil {
        run.append(scalar)
      } else {
        flush()
        result.append(scalar)
      }
    }
    flush()
    return String(result)
  }

  /// A run of characters that each stand for a byte above 0x7F.
  private static func repaired(run: [Unicode.Scalar]) -> [Unicode.Scalar] {
    guard run.count > 1 else { return run }
    let source = run.map { bytes[$0]! }
    var result: [Unicode.Scalar] = []
    var index = 0
    while index < source.count {
      if let (scalar, count) = whole(source[index...]) ?? lossy(source[index...]) {
        result.append(scalar)
        index += count
      } else {
        result.append(run[index])
        index += 1
      }
    }
    return result
  }

  /// How many bytes a UTF-8 sequence has that begins so.
  private static func length(_ lead: UInt8) -> Int? {
    switch lead {
    case 0xC2...0xDF: 2
    case 0xE0...0xEF: 3
    case 0xF0...0xF4: 4
    default: nil
    }
  }

  private static func scalar(_ bytes: [UInt8]) -> Unicode.Scalar? {
    let text = String(validating: bytes, as: UTF8.self)?.unicodeScalars
    return text?.count == 1 ? text?.first : nil
  }

  /// The first sequence, if all of it is there.
  private static func whole(_ bytes: ArraySlice<UInt8>) -> (Unicode.Scalar, Int)? {
    guard let lead = bytes.first, let length = length(lead), bytes.count >= length else {
      return nil
    }
    return scalar(Array(bytes.prefix(length))).map { ($0, length) }
  }

  /// The first sequence, if one byte of it is missing that the code pages have no character for, and
  /// a symbol comes of putting it back.
  private static func lossy(_ bytes: ArraySlice<UInt8>) -> (Unicode.Scalar, Int)? {
    guard let lead = bytes.first, let length = length(lead), length > 2 else { return nil }
    let rest = Array(bytes.dropFirst().prefix(length - 2))
    guard rest.count == length - 2, rest.allSatisfy({ (0x80...0xBF).contains($0) }) else {
      return nil
    }
    var found: [Unicode.Scalar] = []
    for lost in undefined {
      for position in 0...rest.count {
        var whole = [lead] + rest
        whole.insert(lost, at: position + 1)
        if let scalar = scalar(whole) { found.append(scalar) }
      }
    }
    let best =
      common.first(where: found.contains)
      ?? found.first { $0.properties.generalCategory == .otherSymbol }
    return best.map { ($0, length - 1) }
  }

  /// What ledgers mark items with; several symbols may lack the same byte.
  private static let common = "❌⏳⏸⏭➖⬜🚫🟡🟢🔴⏰”".unicodeScalars

  /// Bytes without a character in Windows-1252 or -1254.
  private static let undefined: [UInt8] = [0x81, 0x8D, 0x8E, 0x8F, 0x90, 0x9D, 0x9E]

  /// The byte that each character stands for, in both code pages.
  private static let bytes: [Unicode.Scalar: UInt8] = {
    var bytes: [Unicode.Scalar: UInt8] = [:]
    // As some decoders do, an undefined byte may have become the control character of its number.
    for byte in 0x80...0xFF { bytes[Unicode.Scalar(UInt8(byte))] = UInt8(byte) }
    let windows = Array("€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8D}Ž\u{8F}\u{90}‘’“”•–—˜™š›œ\u{9D}žŸ".unicodeScalars)
    for (offset, scalar) in windows.enumerated() { bytes[scalar] = UInt8(0x80 + offset) }
    for (scalar, byte) in zip("ĞİŞğış".unicodeScalars, [0xD0, 0xDD, 0xDE, 0xF0, 0xFD, 0xFE]) {
      bytes[scalar] = UInt8(byte)
    }
    return bytes
  }()
}
