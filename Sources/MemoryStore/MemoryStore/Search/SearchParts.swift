import Core
import Foundation
import GRDB

/// What the index holds of a text beside its words: the parts of identifiers, pairs of letters of scripts
/// that put no blanks between words, symbols, and words in the one form in which they are asked for.
///
/// FTS5's own tokenizer keeps `parseRetryAfter` as one word, and a line of Chinese or Japanese as
/// one, cuts Thai and Hindi at their vowels, and takes emoji for blanks. (It cuts `snake_case` and paths
/// at their marks by itself.) A tokenizer of our own would keep every other program from opening the
/// table.
public enum SearchParts {
  /// UTF-8 bytes of identifiers' parts; a longer text has enough words to be found by.
  private static let limit = 4096
  /// UTF-8 bytes with pairs of ideographs, without which nothing of such a text is found.
  private static let mostBytes = 1 << 20

  /// - Returns: Words in lower case with blanks between them: of each identifier in mixed case its
  ///   parts, once each; of each run without blanks its overlapping pairs, in order, and the other
  ///   letters that stand beside one without a blank; each symbol, and what it is made of, once; words
  ///   that the tokenizer does not bring into the form of ``SearchForm``. Empty for most texts.
  public static func of(_ texts: String...) -> String {
    var parts: [UInt8] = []
    // Behind the words, so that these stand side by side as they did.
    var symbols: [String] = []
    var known: Set<[UInt8]> = []
    func add(_ part: some Sequence<UInt8>) {
      guard parts.count < mostBytes else { return }
      if !parts.isEmpty { parts.append(0x20) }
      parts += part
    }
    for text in texts {
      var text = text
      text.withUTF8 { bytes in
        identifiers(in: bytes) { part in
          guard parts.count < limit, known.insert(part).inserted else { return }
          add(part)
        }
      }
      SearchForm.visit(text) { piece in
        switch piece {
        case .plain: break
        case .symbol(let form, let bare, let members):
          for form in [form, bare].compactMap(\.self) + members
          where known.insert(Array(form.utf8)).inserted { symbols.append(form) }
        case .word(let written, let forms, let isHidden):
          for form in forms {
            if form.unicodeScalars.contains(where: isIdeograph) {
              for run in ideographs(in: form) {
                pairs(of: run).forEach { add($0.utf8) }
                // The last one by itself too, so that each is the beginning of a word.
                if run.unicodeScalars.count > 1, let last = run.unicodeScalars.last {
                  add(String(last).utf8)
                }
              }
              others(in: form).forEach { add($0.utf8) }
            } else if isHidden || forms.count > 1 || !isTokenized(written, as: form) {
              add(form.utf8)
            }
          }
        }
      }
    }
    for symbol in symbols { add(symbol.utf8) }
    return String(decoding: parts, as: UTF8.self)
  }

  /// True if the tokenizer makes this form of a word by itself: letters with one mark at most over a
  /// letter of ASCII, and others whose capitals are all that is folded.
  static func isTokenized(_ written: Substring, as form: String) -> Bool {
    var plain = String.UnicodeScalarView()
    for scalar in written.unicodeScalars {
      switch scalar.value {
      case ..<0x80: plain.append(scalar)
      case 0xC0...0x24F, 0x1E00...0x1EFF:
        // Two marks are too many for the tokenizer of an older store.
        let letters = String(scalar).decomposedStringWithCanonicalMapping.unicodeScalars
        guard letters.count <= 2, let letter = letters.first else { return false }
        plain.append(letter)
      // Marks over ASCII.
      case 0x300...0x331 where plain.last.map { $0.value < 0x80 } ?? false: break
      default: plain.append(scalar)
      }
    }
    return String(plain).lowercased().unicodeScalars.elementsEqual(form.unicodeScalars)
  }

  /// Gives the entries of an older store their parts.
  static func fill(_ db: Database) throws {
    var number: Int64 = 0
    while true {
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT number, title, body, parts FROM entries WHERE number > ? ORDER BY number LIMIT 500
          """,
        arguments: [number])
      guard let last = rows.last else { return }
      for row in rows {
        let parts = of(row["title"], row["body"])
        guard parts != row["parts"] as String else { continue }
        try db.execute(
          cached: "UPDATE entries SET parts = ? WHERE number = ?",
          arguments: [parts, row["number"] as Int64])
      }
      number = last["number"]
    }
  }

  /// The parts of one word in mixed case, in lower case; none for any other.
  package static func parts(ofWord word: String) -> [String] {
    var found: [String] = []
    var word = word
    word.withUTF8 { bytes in
      identifiers(in: bytes) { found.append(String(decoding: $0, as: UTF8.self)) }
    }
    return found
  }

  // MARK: Identifiers

  private enum Kind {
    case lower, upper, digit, other
  }

  private static func kind(_ byte: UInt8) -> Kind {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"): .lower
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): .upper
    case UInt8(ascii: "0")...UInt8(ascii: "9"): .digit
    default: .other
    }
  }

  /// Parts of two letters or more of each word that has a capital letter behind its first.
  private static func identifiers(
    in bytes: UnsafeBufferPointer<UInt8>, _ take: ([UInt8]) -> Void
  ) {
    var index = 0
    while index < bytes.count {
      guard kind(bytes[index]) != .other else {
        index += 1
        continue
      }
      let start = index
      var isMixed = false
      index += 1
      while index < bytes.count, kind(bytes[index]) != .other {
        if kind(bytes[index]) == .upper { isMixed = true }
        index += 1
      }
      // A word in capitals is one word; hashes and encoded data are none.
      guard isMixed, index - start <= 80,
        bytes[start..<index].contains(where: { kind($0) == .lower })
      else { continue }
      var begin = start
      for end in (start + 1)...index {
        let isEnd =
          end == index || isCut(bytes, start: begin, at: end, wordEnd: index)
        guard isEnd else { continue }
        if end - begin > 1 { take(bytes[begin..<end].map { kind($0) == .upper ? $0 | 0x20 : $0 }) }
        begin = end
      }
    }
  }

  /// `parse|Retry`, `HTTP|Server`, `utf|8`.
  private static func isCut(
    _ bytes: UnsafeBufferPointer<UInt8>, start: Int, at end: Int, wordEnd: Int
  ) -> Bool {
    let before = kind(bytes[end - 1])
    let here = kind(bytes[end])
    if before == .upper, here == .lower { return false }
    if before != here { return true }
    // The last capital of several belongs to the word that it begins.
    return here == .upper && end + 1 < wordEnd && kind(bytes[end + 1]) == .lower && end > start
  }

  // MARK: Ideographs

  /// Scripts that put no blanks between words, with what stands for their marks in the index.
  static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    // Thai and Lao, Myanmar, Khmer, Tai Le to Tai Tham, Balinese, Javanese, Myanmar Extended.
    case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF, 0x1950...0x19FF, 0x1A20...0x1AAF,
      0x1B00...0x1B7F, 0xA980...0xA9FF, 0xAA60...0xAA7F:
      true
    // Jamo, kana, Bopomofo, Yi, ideographs, Hangul.
    case 0x1100...0x11FF, 0x3005...0x3007, 0x3040...0x312F, 0x31A0...0x31BF, 0x31F0...0x31FF,
      0x3400...0x4DBF,
      0x4E00...0x9FFF, 0xA000...0xA4CF, 0xAC00...0xD7AF, 0xF900...0xFAFF, 0x1B000...0x1B16F,
      0x20000...0x3134F:
      true
    case 0xF0000...0xFFFFD: true
    default: false
    }
  }

  /// What stands in such a word beside the ideographs, in lower case.
  package static func others(in word: some StringProtocol) -> [String] {
    String(word).unicodeScalars.split(whereSeparator: isIdeograph).map { String($0).lowercased() }
      .filter { $0.utf8.count > 1 }
  }

  static func ideographs(in text: some StringProtocol) -> [Substring] {
    String(text).unicodeScalars.split { !isIdeograph($0) }.map { Substring($0) }
  }

  package static func pairs(of run: Substring) -> [String] {
    let scalars = Array(run.unicodeScalars)
    guard scalars.count > 1 else { return [String(run)] }
    return (0..<(scalars.count - 1)).map {
      String(String.UnicodeScalarView(scalars[$0...($0 + 1)]))
    }
  }
}
