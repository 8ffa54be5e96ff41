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
    let last = try MemoryDatabase.newestEntry(db)
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
