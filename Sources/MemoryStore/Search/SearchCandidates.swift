import CSQLite
import GRDB

/// What the index has for a query, looked at within bounds that do not depend on its words: of each
/// term the newest rows, of the rarest ones all, and what common words add to these.
struct SearchCandidates {
  struct Term {
    var query: SearchQuery.Term
    /// Its place in the counts.
    var column: Int
    /// Rows that have it, estimated where it is common.
    var rows: Double
    /// From this row on all that have it are known.
    var since: Int64
    var isComplete: Bool
    /// What each of its appearances counts.
    var scale = 1.0
    /// Too common to lead to anything: it is counted where others have led.
    var isWeak = false
  }

  var terms: [Term] = []
  private(set) var counts: SearchCounts
  /// Entries that are searched.
  var entries = 1.0
  private let db: Database
  private let scope: SearchScope
  private let query: SearchQuery

  init(
    _ query: SearchQuery, scope: SearchScope, bounds: SearchWeights.Bounds,
    _ words: SearchTokenizer, _ db: Database
  ) throws {
    self.db = db
    self.scope = scope
    self.query = query
    counts = SearchCounts(columns: query.terms.count)
    let last = try Int64.fetchOne(db, cached: "SELECT max(number) FROM entries") ?? 0
    entries = Double(last)
    if let match = scope.match(query) {
      let limit = bounds.newest
      var count = 0
      var oldest = Int64.max
      try SearchScan.ids(db, match: match, before: .max, limit: limit) {
        count += 1
        oldest = $0
      }
      entries = Double(count)
      if count == limit { entries += try older(than: oldest, match) }
    }
    entries = max(entries, 1)
    var unknown = SearchWeights.mostUnknown
    for (column, var term) in query.terms.enumerated() {
      if let beginning = term.beginning {
        for word in try SearchVocabulary.completions(of: words.stem(of: beginning), db)
        where word != words.stem(of: beginning) {
          term.phrases.append(SearchQuery.Phrase(words: [word]))
        }
      }
      var found = Term(query: term, column: column, rows: 0, since: .max, isComplete: false)
      var count = try read(&found, limit: bounds.newest)
      if count == 0, unknown > 0, let word = term.word {
        unknown -= 1
        if let like = try SearchVocabulary.like(words.stem(of: word), db) {
          found.query.phrases = [SearchQuery.Phrase(words: [like])]
          found.scale = SearchWeights.likeWord
          count = try read(&found, limit: bounds.newest)
        }
      }
      guard count > 0 else { continue }
      found.rows = Double(count)
      if !found.isComplete {
        let match = scope.match(found.query.expression, query)
        found.rows = min(entries, found.rows + (try older(than: found.since, match)))
      }
      terms.append(found)
    }
    drop()
    try complete(bounds)
    // An estimate may have been too low.
    entries = terms.reduce(entries) { max($0, $1.rows) }
    try fill(bounds)
  }

  // MARK: Steps

  /// How many rows older than this one match, by how dense they are in a few places: what was much
  /// spoken of lately may be rare.
  private func older(than row: Int64, _ match: String) throws -> Double {
    let step = row / SearchWeights.samples
    guard step > 0 else { return 0 }
    var sum = 0.0
    for sample in 0..<SearchWeights.samples {
      let start = sample * step + step / 2
      let end = min(start + step / 4, row - 1)
      guard start <= end else { continue }
      var count = 0
      var last = end
      try SearchScan.ids(db, match: match, in: start...end, limit: SearchWeights.sampleRows) {
        count += 1
        last = $0
      }
      let span = count < SearchWeights.sampleRows ? end - start + 1 : last - start + 1
      sum += Double(count) / Double(span)
    }
    return sum / Double(SearchWeights.samples) * Double(row - 1)
  }

  /// Reads on, towards older rows.
  ///
  /// - Returns: The number of rows that had it.
  private mutating func read(_ term: inout Term, limit: Int) throws -> Int {
    var count = 0
    var oldest = term.since
    try SearchScan.hits(
      db, match: scope.match(term.query.expression, query), before: term.since, limit: limit,
      phrases: term.query.phrases.count
    ) { row, frequency in
      count += 1
      oldest = row
      counts.set(frequency * term.scale, row: row, column: term.column)
    }
    term.since = oldest
    term.isComplete = count < limit
    return count
  }

  /// What is common by this store's own measure leads nowhere beside a rarer word.
  private mutating func drop() {
    let limit = max(SearchWeights.commonRows, SearchWeights.commonShare * entries)
    guard terms.contains(where: { $0.rows <= limit }) else { return }
    for index in terms.indices where terms[index].rows > limit && !terms[index].isComplete {
      terms[index].isWeak = true
      terms[index].since = .max
      counts.clear(column: terms[index].column)
    }
  }

  /// The rarest of those that go on are read to their end.
  private mutating func complete(_ bounds: SearchWeights.Bounds) throws {
    var budget = bounds.budget
    for index in terms.indices.sorted(by: { terms[$0].rows < terms[$1].rows })
    where !terms[index].isComplete && !terms[index].isWeak {
      guard terms[index].rows - Double(bounds.newest) <= Double(budget) else { break }
      var term = terms[index]
      let more = try read(&term, limit: budget)
      budget -= more
      term.rows =
        term.isComplete
        ? Double(bounds.newest + more) : max(term.rows, Double(bounds.newest + more))
      terms[index] = term
    }
  }

  /// What a common word adds to rows that a rarer one found, however old they are. Where all are
  /// common, two in one entry say more than either.
  private mutating func fill(_ bounds: SearchWeights.Bounds) throws {
    let order = terms.indices.filter { !terms[$0].isWeak }
      .sorted { terms[$0].rows < terms[$1].rows }
    let rare = order.filter { terms[$0].isComplete }
    let common = order.filter { !terms[$0].isComplete }
    if !rare.isEmpty {
      let union = rare.map { terms[$0].query.expression }.joined(separator: " OR ")
      for index in common {
        let term = terms[index]
        let match = scope.match("(\(term.query.expression)) AND (\(union))", query)
        try SearchScan.hits(
          db, match: match, before: term.since, limit: bounds.newest,
          phrases: term.query.phrases.count
        ) { counts.set($1 * term.scale, row: $0, column: term.column) }
      }
      return
    }
    for (position, first) in common.enumerated() {
      guard terms[first].rows <= SearchWeights.intersectionRows else { break }
      for second in common[(position + 1)...] {
        let (one, other) = (terms[first], terms[second])
        let match = scope.match(
          "(\(one.query.expression)) AND (\(other.query.expression))", query)
        try SearchScan.hits(
          db, match: match, before: max(one.since, other.since), limit: bounds.newest,
          phrases: (one.query.phrases.count, other.query.phrases.count)
        ) {
          counts.set($1 * one.scale, row: $0, column: one.column)
          counts.set($2 * other.scale, row: $0, column: other.column)
        }
      }
    }
  }

  /// Counts the common words in exactly these rows. Turns of a session mostly stand side by side in
  /// the index, so that a run of rows is one look-up.
  mutating func complete(around rows: [Int64]) throws {
    let missing = terms.filter { !$0.isComplete }
    guard !missing.isEmpty else { return }
    let runs = SearchScan.runs(of: rows, gap: SearchWeights.gap)
    for term in missing {
      let match = "{title body parts} : (\(term.query.expression))"
      for run in runs where run.lowerBound < term.since {
        try SearchScan.hits(db, match: match, in: run, phrases: term.query.phrases.count) {
          counts.set($1 * term.scale, row: $0, column: term.column)
        }
      }
    }
  }
}

/// How often each term stands in each row that was looked at, weighted.
struct SearchCounts {
  let columns: Int
  /// In the order in which they came.
  private(set) var rows: [Int64] = []
  private var places: [Int64: Int] = [:]
  private var values: [Double] = []

  init(columns: Int) { self.columns = columns }

  mutating func set(_ value: Double, row: Int64, column: Int) {
    let new = rows.count
    let place = places[row, default: new]
    if place == new {
      places[row] = new
      rows.append(row)
      values.append(contentsOf: repeatElement(0, count: columns))
    }
    values[place * columns + column] = value
  }

  mutating func clear(column: Int) {
    for place in rows.indices { values[place * columns + column] = 0 }
  }

  /// Of a row in `rows`; nil if none of the terms is known to be in it.
  func place(of row: Int64) -> Int? { places[row] }

  func value(_ place: Int, _ column: Int) -> Double { values[place * columns + column] }
}

/// Statements that read the index row by row, newest first. Stepped by hand: thousands of rows are
/// read for a search, and a row of GRDB's costs as much as SQLite's own work for it.
enum SearchScan {
  private static let hit = """
    hit(entries_fts, \(SearchWeights.title), \(SearchWeights.body), \(SearchWeights.parts), \
    \(SearchWeights.headWords), \(SearchWeights.headBonus), ?, ?)
    """

  /// - Parameter take: Gets each row.
  static func ids(
    _ db: Database, match: String, before: Int64, limit: Int, _ take: (Int64) -> Void
  ) throws {
    let statement = try db.cachedStatement(
      sql: """
        SELECT rowid FROM entries_fts WHERE entries_fts MATCH ? AND rowid < ?
        ORDER BY rowid DESC LIMIT ?
        """)
    try run(statement, db, [.text(match), .integer(before), .integer(Int64(limit))]) {
      take(sqlite3_column_int64($0, 0))
    }
  }

  /// Ascending, from the oldest on.
  static func ids(
    _ db: Database, match: String, in run: ClosedRange<Int64>, limit: Int, _ take: (Int64) -> Void
  ) throws {
    let statement = try db.cachedStatement(
      sql: """
        SELECT rowid FROM entries_fts WHERE entries_fts MATCH ? AND rowid BETWEEN ? AND ? LIMIT ?
        """)
    let values: [Value] = [
      .text(match), .integer(run.lowerBound), .integer(run.upperBound), .integer(Int64(limit)),
    ]
    try self.run(statement, db, values) { take(sqlite3_column_int64($0, 0)) }
  }

  /// - Parameters:
  ///   - phrases: How many of the expression's first phrases are counted.
  ///   - take: Gets each row and its number.
  static func hits(
    _ db: Database, match: String, before: Int64, limit: Int, phrases: Int,
    _ take: (Int64, Double) -> Void
  ) throws {
    let statement = try db.cachedStatement(
      sql: """
        SELECT rowid, \(hit) FROM entries_fts WHERE entries_fts MATCH ? AND rowid < ?
        ORDER BY rowid DESC LIMIT ?
        """)
    let values: [Value] = [
      .integer(0), .integer(Int64(phrases)), .text(match), .integer(before), .integer(Int64(limit)),
    ]
    try run(statement, db, values) {
      take(sqlite3_column_int64($0, 0), sqlite3_column_double($0, 1))
    }
  }

  /// As above for two terms: of the first so many phrases, and of so many behind them.
  static func hits(
    _ db: Database, match: String, before: Int64, limit: Int, phrases: (Int, Int),
    _ take: (Int64, Double, Double) -> Void
  ) throws {
    let statement = try db.cachedStatement(
      sql: """
        SELECT rowid, \(hit), \(hit) FROM entries_fts WHERE entries_fts MATCH ? AND rowid < ?
        ORDER BY rowid DESC LIMIT ?
        """)
    let values: [Value] = [
      .integer(0), .integer(Int64(phrases.0)), .integer(Int64(phrases.0)),
      .integer(Int64(phrases.1)), .text(match), .integer(before), .integer(Int64(limit)),
    ]
    try run(statement, db, values) {
      take(
        sqlite3_column_int64($0, 0), sqlite3_column_double($0, 1), sqlite3_column_double($0, 2))
    }
  }

  /// Ascending, as this is four times faster for a short run.
  static func hits(
    _ db: Database, match: String, in run: ClosedRange<Int64>, phrases: Int,
    _ take: (Int64, Double) -> Void
  ) throws {
    let statement = try db.cachedStatement(
      sql: """
        SELECT rowid, \(hit) FROM entries_fts
        WHERE entries_fts MATCH ? AND rowid BETWEEN ? AND ?
        """)
    let values: [Value] = [
      .integer(0), .integer(Int64(phrases)), .text(match), .integer(run.lowerBound),
      .integer(run.upperBound),
    ]
    try self.run(statement, db, values) {
      take(sqlite3_column_int64($0, 0), sqlite3_column_double($0, 1))
    }
  }

  /// Rows that stand so near to each other that one look-up finds them.
  static func runs(of rows: [Int64], gap: Int64) -> [ClosedRange<Int64>] {
    var runs: [ClosedRange<Int64>] = []
    for row in rows.sorted() {
      if let last = runs.last, row - last.upperBound <= gap {
        runs[runs.count - 1] = last.lowerBound...max(row, last.upperBound)
      } else {
        runs.append(row...row)
      }
    }
    return runs
  }

  enum Value {
    case integer(Int64)
    case text(String)
  }

  static func run(
    _ statement: Statement, _ db: Database, _ values: [Value], _ take: (OpaquePointer) -> Void
  ) throws {
    let handle = statement.sqliteStatement
    defer {
      sqlite3_reset(handle)
      sqlite3_clear_bindings(handle)
    }
    for (index, value) in values.enumerated() {
      switch value {
      case .integer(let number): sqlite3_bind_int64(handle, Int32(index + 1), number)
      case .text(let text):
        // SQLITE_TRANSIENT: SQLite copies the bytes before the call returns.
        let copies = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        sqlite3_bind_text(handle, Int32(index + 1), text, -1, copies)
      }
    }
    while true {
      let code = sqlite3_step(handle)
      if code == SQLITE_DONE { return }
      guard code == SQLITE_ROW else {
        throw DatabaseError(
          resultCode: ResultCode(rawValue: code),
          message: String(cString: sqlite3_errmsg(db.sqliteConnection)))
      }
      take(handle)
    }
  }
}

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

  private static func scan(
    from low: String, to high: String, _ db: Database, _ take: (String, Int64) -> Void
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
      statement, db, [.text(low), .text(high), .integer(Int64(mostWords))]
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
