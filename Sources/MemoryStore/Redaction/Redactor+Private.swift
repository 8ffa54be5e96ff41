/// `<private>…</private>`: what a person marked as not to be kept.
enum PrivateBlocks {
  /// Blocks nest by depth, tags are read in any case, an open block ends with the text.
  ///
  /// A tag right behind a name (`Local<Private>`, a type parameter) or alone between backticks (a
  /// mention) counts only if it is closed. Each byte is looked at once.
  static func find(in bytes: UnsafeBufferPointer<UInt8>) -> [SecretFinding] {
    var findings: [SecretFinding] = []
    var open: [(start: Int, isDoubtful: Bool)] = []
    func add(from start: Int, to end: Int) {
      while let last = findings.last, last.start > start { findings.removeLast() }
      findings.append(SecretFinding(start: start, end: end, kind: nil))
    }
    var index = 0
    while true {
      index = ByteSearch.next(
        UInt8(ascii: "<"), or: UInt8(ascii: "\\"), in: bytes, from: index)
      guard index < bytes.count else { break }
      guard bytes[index] == UInt8(ascii: "<") || bytes.matches("\\u003", at: index),
        let tag = tag(at: index, in: bytes)
      else {
        index += 1
        continue
      }
      if !tag.isClosing {
        open.append((index, isDoubtful(index..<tag.end, in: bytes)))
      } else if let last = open.popLast() {
        add(from: last.start, to: tag.end)
      }
      index = tag.end
    }
    if let unclosed = open.first(where: { !$0.isDoubtful }) {
      add(from: unclosed.start, to: bytes.count)
    }
    return findings
  }

  private static func isDoubtful(
    _ tag: Range<Int>, in bytes: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    guard tag.lowerBound > 0 else { return false }
    let before = bytes[tag.lowerBound - 1]
    if before == UInt8(ascii: "`") {
      return tag.upperBound < bytes.count && bytes[tag.upperBound] == before
    }
    // The n of a `\n` is no name.
    if tag.lowerBound > 1, bytes[tag.lowerBound - 2] == UInt8(ascii: "\\") { return false }
    // A marker may stand where a word was.
    return before == UInt8(ascii: "]") || !ByteClass.of(before).isDisjoint(with: .word)
  }

  /// Reads `<private>` or `</private>` with blanks before the `>`, also with `<` and `>` written
  /// as JSON escapes, as some encoders do.
  private static func tag(
    at index: Int, in bytes: UnsafeBufferPointer<UInt8>
  ) -> (isClosing: Bool, end: Int)? {
    let isEscape = bytes[index] == UInt8(ascii: "\\")
    guard index + 1 < bytes.count,
      (bytes[index + 1] | 0x20).isOne(of: isEscape ? "uU" : "p/|")
    else { return nil }
    var position = index
    func skip(_ text: StaticString) -> Bool {
      guard bytes.matches(text, at: position, ignoringCase: true) else { return false }
      position += text.utf8CodeUnitCount
      return true
    }
    guard skip("<p") || skip("</") || skip("<\\/") || skip("\\u003cp") || skip("\\u003c/")
    else { return nil }
    let isClosing = bytes[position - 1] == UInt8(ascii: "/")
    guard skip(isClosing ? "private" : "rivate") else { return nil }
    var blanks = 0
    while blanks < 8, position < bytes.count, bytes[position] == UInt8(ascii: " ") {
      position += 1
      blanks += 1
    }
    guard position < bytes.count else { return nil }
    if bytes[position] == UInt8(ascii: ">") { return (isClosing, position + 1) }
    return skip("\\u003e") ? (isClosing, position) : nil
  }
}

/// A text that is redacted wherever it stands, whatever it looks like.
struct SecretLiteral {
  private let bytes: [UInt8]
  /// Where in `bytes` its least common byte is; only that one is searched for.
  private let rarest: Int

  static func all(for texts: [String]) -> [SecretLiteral] {
    forms(of: texts).map { SecretLiteral(bytes: $0) }
  }

  static func forms(of texts: [String]) -> [[UInt8]] {
    var variants: [[UInt8]] = []
    for text in texts {
      for variant in [Array(text.utf8), jsonEscaped(text), percentEncoded(text)]
      where !variants.contains(variant) {
        variants.append(variant)
      }
    }
    return variants
  }

  private init(bytes: [UInt8]) {
    self.bytes = bytes
    rarest = bytes.indices.max { Self.rarity(bytes[$0]) < Self.rarity(bytes[$1]) } ?? 0
  }

  func find(in text: UnsafeBufferPointer<UInt8>) -> [SecretFinding] {
    var findings: [SecretFinding] = []
    var floor = 0
    var index = rarest
    while true {
      index = ByteSearch.next(bytes[rarest], or: bytes[rarest], in: text, from: index)
      guard index < text.count else { return findings }
      let start = index - rarest
      index += 1
      guard start >= floor, start + bytes.count <= text.count,
        bytes.indices.allSatisfy({ text[start + $0] == bytes[$0] }),
        !isInsideMarker(start, of: text)
      else { continue }
      floor = start + bytes.count
      findings.append(SecretFinding(start: start, end: floor, kind: "configured"))
      index = floor + rarest
    }
  }

  /// A literal such as "secret" also stands in the markers themselves.
  private func isInsideMarker(_ start: Int, of text: UnsafeBufferPointer<UInt8>) -> Bool {
    var index = start
    while index >= max(0, start - SecretMarker.longest) {
      if text[index] == UInt8(ascii: "["), let end = SecretMarker.end(at: index, in: text) {
        return end > start
      }
      index -= 1
    }
    return false
  }

  private static func rarity(_ byte: UInt8) -> Int {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"): "jqxz".utf8.contains(byte) ? 3 : 1
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): "JQXZ".utf8.contains(byte) ? 6 : 5
    case UInt8(ascii: "0")...UInt8(ascii: "9"): 2
    case 0...UInt8(ascii: " "): 0
    default: 4
    }
  }

  private static func jsonEscaped(_ text: String) -> [UInt8] {
    text.utf8.flatMap { byte in
      byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
        ? [UInt8(ascii: "\\"), byte] : [byte]
    }
  }

  private static func percentEncoded(_ text: String) -> [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    let unreserved = Array("-._~".utf8)
    return text.utf8.flatMap { byte in
      ByteClass.of(byte).isDisjoint(with: .alphanumeric) && !unreserved.contains(byte)
        ? [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]] : [byte]
    }
  }
}

enum ByteSearch {
  /// The first index at or after `start` that holds one of two bytes, or the count. Eight bytes
  /// at a time.
  static func next(
    _ first: UInt8, or second: UInt8, in bytes: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let tops: UInt64 = 0x8080_8080_8080_8080
    let firsts = ones &* UInt64(first)
    let seconds = ones &* UInt64(second)
    let raw = UnsafeRawBufferPointer(bytes)
    var index = start
    while index &+ 8 <= bytes.count {
      let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      // The lowest set top bit of `hits` is exact; higher ones may be echoes of a borrow.
      let a = word ^ firsts
      let b = word ^ seconds
      let hits = ((a &- ones) & ~a | (b &- ones) & ~b) & tops
      if hits != 0 { return index &+ UInt64(littleEndian: hits).trailingZeroBitCount / 8 }
      index &+= 8
    }
    while index < bytes.count, bytes[index] != first, bytes[index] != second { index += 1 }
    return min(index, bytes.count)
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// Whether an ASCII text stands at an index.
  ///
  /// - Parameter ignoringCase: `text` must then be lower case.
  package func matches(_ text: StaticString, at index: Int, ignoringCase: Bool = false) -> Bool {
    guard index >= 0, index + text.utf8CodeUnitCount <= count else { return false }
    for offset in 0..<text.utf8CodeUnitCount {
      let expected = text.utf8Start[offset]
      var byte = self[index + offset]
      if ignoringCase, UInt8(ascii: "A") <= byte, byte <= UInt8(ascii: "Z") { byte |= 0x20 }
      if byte != expected { return false }
    }
    return true
  }
}
