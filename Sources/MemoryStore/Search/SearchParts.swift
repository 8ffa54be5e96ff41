import GRDB

/// What the index holds of a text beside its words: the parts of identifiers, and pairs of
/// ideographs.
///
/// FTS5's own tokenizer keeps `parseRetryAfter` as one word, and a line of Chinese or Japanese as
/// one. (It cuts `snake_case` and paths at their marks by itself.) A tokenizer of our own would keep
/// every other program from opening the table.
public enum SearchParts {
  /// UTF-8 bytes of identifiers' parts; a longer text has enough words to be found by.
  private static let limit = 4096
  /// UTF-8 bytes with pairs of ideographs, without which nothing of such a text is found.
  private static let mostBytes = 1 << 20

  /// - Returns: Words in lower case with blanks between them: of each identifier in mixed case its
  ///   parts, once each; of each run of ideographs its overlapping pairs, in order, and the other
  ///   letters that stand beside one without a blank. Empty for most texts.
  public static func of(_ texts: String...) -> String {
    var parts: [UInt8] = []
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
      guard text.utf8.contains(where: { $0 >= 0xE1 }),
        text.unicodeScalars.contains(where: isIdeograph)
      else { continue }
      for word in wordsWithIdeographs(in: text) {
        for run in ideographs(in: word) {
          pairs(of: run).forEach { add($0.utf8) }
          // The last one by itself too, so that each is the beginning of a word.
          if run.unicodeScalars.count > 1, let last = run.unicodeScalars.last {
            add(String(last).utf8)
          }
        }
        others(in: word).forEach { add($0.utf8) }
      }
    }
    return String(decoding: parts, as: UTF8.self)
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
  static func parts(ofWord word: String) -> [String] {
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

  /// Scripts that put no blanks between words.
  static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x3040...0x30FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7AF, 0xF900...0xFAFF,
      0x20000...0x3134F:
      true
    default: false
    }
  }

  /// Where the tokenizer finds one word: `修改retry逻辑`.
  private static func wordsWithIdeographs(in text: String) -> [Substring] {
    text.unicodeScalars.split {
      !isIdeograph($0) && !$0.properties.isAlphabetic && $0.properties.numericType == nil
    }.filter { $0.contains(where: isIdeograph) }.map { Substring($0) }
  }

  /// What stands in such a word beside the ideographs, in lower case.
  static func others(in word: some StringProtocol) -> [String] {
    String(word).unicodeScalars.split(whereSeparator: isIdeograph).map { String($0).lowercased() }
      .filter { $0.utf8.count > 1 }
  }

  static func ideographs(in text: some StringProtocol) -> [Substring] {
    String(text).unicodeScalars.split { !isIdeograph($0) }.map { Substring($0) }
  }

  static func pairs(of run: Substring) -> [String] {
    let scalars = Array(run.unicodeScalars)
    guard scalars.count > 1 else { return [String(run)] }
    return (0..<(scalars.count - 1)).map {
      String(String.UnicodeScalarView(scalars[$0...($0 + 1)]))
    }
  }
}
