import CSQLite
import GRDB

/// The words that the index has.
enum SearchVocabulary {
  /// UTF-8 bytes; a shorter beginning fits too many words.
  private static let leastBeginning = 3
  private static let mostWords = 20_000
  /// Letters that the stemmer takes off.
  private static let longestSuffix = 6

  /// The most frequent words that begin so. The index has stems: `configuratio` is past that of
  /// `configuration`, which then is the longest one that it begins with.
  static func completions(of beginning: String, _ db: Database) throws -> [String] {
    guard beginning.utf8.count >= leastBeginning else { return [] }
    var found: [(count: Int64, word: String)] = []
    try scan(from: beginning, to: beginning + "\u{10FFFF}", db) { found.append(($1, $0)) }
    if found.isEmpty {
      for length in (leastBeginning..<beginning.count).reversed()
      where found.isEmpty && beginning.count - length <= longestSuffix {
        let stem = String(beginning.prefix(length))
        try scan(from: stem, to: stem + "\u{1}", db) { found.append(($1, $0)) }
      }
    }
    return found.sorted { ($0.count, $1.word) > ($1.count, $0.word) }.prefix(8).map(\.word)
  }

  /// The word that a misspelt one most likely means: it has the same first three letters, and one
  /// letter too many, too few or swapped (from nine letters on two, or another letter in place of
  /// one). The nearest, of these the most frequent.
  static func like(_ stem: String, _ db: Database) throws -> String? {
    guard stem.utf8.count > 4 else { return nil }
    let letters = Array(stem.utf8)
    let allowed = letters.count >= 9 ? 2 : 1
    var best: (distance: Int, count: Int64, word: String)?
    var isKnown = false
    let low = String(decoding: letters[..<3], as: UTF8.self)
    try scan(from: low, to: low + "\u{10FFFF}", db) { word, count in
      if word == stem { isKnown = true }
      let other = Array(word.utf8)
      guard abs(other.count - letters.count) <= allowed else { return }
      let distance = edits(letters, other, limit: allowed)
      guard distance <= allowed else { return }
      if best.map({ (distance, -count) < ($0.distance, -$0.count) }) ?? true {
        best = (distance, count, word)
      }
    }
    // Known, only not in what is searched.
    return isKnown ? nil : best?.word
  }

  // MARK: Other letters

  /// Look-ups for one word, and words that are found.
  private static let mostLooks = 200
  private static let mostUnfolded = 8
  /// Letters of a word: the walk goes as deep as it is long.
  private static let mostLetters = 64

  /// Letters that the index has as they are written, by the first letter of their form: those which the
  /// tokenizer does not fold by itself.
  private static let unfolded: [Character: [(letter: Character, form: String)]] = {
    var letters: [Character: [(letter: Character, form: String)]] = [:]
    // Latin, Greek and Cyrillic, Arabic.
    let ranges: [ClosedRange<UInt32>] = [
      0xC0...0x24F, 0x370...0x52F, 0x620...0x6D3, 0x1E00...0x1FFF,
    ]
    for scalar in ranges.joined().compactMap(Unicode.Scalar.init)
    where scalar.properties.isAlphabetic && !scalar.properties.changesWhenLowercased {
      let letter = String(scalar)
      guard case .word(let written, let forms, _)? = SearchForm.pieces(of: letter).first,
        forms.count == 1, forms[0] != letter, !SearchParts.isTokenized(written, as: forms[0]),
        let first = forms[0].first
      else { continue }
      letters[first, default: []].append((Character(scalar), forms[0]))
    }
    return letters
  }()

  /// The words of the index that are this one in other letters (`łodz` for `lodz`), as the tokenizer cut
  /// them.
  static func unfolded(_ word: String, _ db: Database) throws -> [String] {
    guard word.count <= mostLetters else { return [] }
    var found: [String] = []
    var looks = 0
    func begins(_ words: String, with next: Character? = nil) throws -> Bool {
      looks += 1
      let from = words + (next.map { String($0) } ?? "\u{80}")
      var isThere = false
      try scan(from: from, to: (next == nil ? words : from) + "\u{10FFFF}", most: 1, db) { _, _ in
        isThere = true
      }
      return isThere
    }
    func walk(_ rest: Substring, _ before: String) throws {
      guard let first = rest.first else {
        if before != word { found.append(before) }
        return
      }
      try walk(rest.dropFirst(), before + String(first))
      let letters = (unfolded[first] ?? []).filter { rest.hasPrefix($0.form) }
      // Most beginnings are followed by nothing but ASCII.
      guard !letters.isEmpty, looks < mostLooks, try before.isEmpty || begins(before) else {
        return
      }
      for (letter, form) in letters {
        guard looks < mostLooks, found.count < mostUnfolded else { return }
        if try begins(before, with: letter) {
          try walk(rest.dropFirst(form.count), before + String(letter))
        }
      }
    }
    try walk(word[...], "")
    return found
  }

  private static func scan(
    from low: String, to high: String, most: Int = mostWords, _ db: Database,
    _ take: (String, Int64) -> Void
  ) throws {
    // Of the connection alone; a read-only one can have it too.
    try db.execute(
      sql: """
        CREATE VIRTUAL TABLE IF NOT EXISTS temp.entries_vocabulary
        USING fts5vocab('main', 'entries_fts', 'row')
        """)
    let statement = try db.cachedStatement(
      sql: "SELECT term, doc FROM temp.entries_vocabulary WHERE term >= ? AND term < ? LIMIT ?")
    try SearchScan.run(
      statement, db, [.text(low), .text(high), .integer(Int64(most))]
    ) { row in
      guard let word = sqlite3_column_text(row, 0) else { return }
      take(String(cString: word), sqlite3_column_int64(row, 1))
    }
  }

  /// A letter more, a letter less, two neighbours swapped: 1. Another letter: 2, as it makes another
  /// word.
  private static func edits(_ a: [UInt8], _ b: [UInt8], limit: Int) -> Int {
    var before: [Int] = []
    var last = Array(0...b.count)
    for i in 1...a.count {
      var row = [i] + [Int](repeating: 0, count: b.count)
      for j in 1..<(b.count + 1) {
        row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 2))
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
          row[j] = min(row[j], before[j - 2] + 1)
        }
      }
      if row.min() ?? 0 > limit { return limit + 1 }
      (before, last) = (last, row)
    }
    return last[b.count]
  }
}
