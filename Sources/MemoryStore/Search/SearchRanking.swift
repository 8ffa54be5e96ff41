import CSQLite
import Foundation
import GRDB

/// An entry that may be a hit, with what stands beside it in its session.
struct SearchTurn {
  var number: Int64
  var sessionID: String?
  var position: Int64?
  var actor: String?
  var kind: String
  var projectID: Int64?
  var createdAt: Int64
  var uses: Int64
  /// In the ranking's list; nil at the ends of a session.
  var before: Int?
  var after: Int?
  var score = 0.0
}

/// Scores candidates: BM25 over a turn and what stands around it, and then a few factors.
struct SearchRanking {
  private let query: SearchQuery
  private let scope: SearchScope
  private let bounds: SearchWeights.Bounds
  private let words: SearchTokenizer
  private let db: Database
  private let here: Int64?
  private let now: Int64
  private(set) var candidates: SearchCandidates
  /// What one more of each term is worth.
  private let rarity: [Double]
  private(set) var turns: [SearchTurn] = []
  private var places: [Int64: Int] = [:]
  /// What the whole session says.
  private var sessions: [String: Double] = [:]
  private var asking: Set<Int64> = []
  private var telling: Set<Int64> = []

  /// How a hit's score came about.
  struct Explanation {
    var terms: [(word: String, rows: Double, rarity: Double, own: Double, lent: Double)] = []
    var session = 0.0
    var factors: [(name: String, value: Double)] = []
    var dropped: [String] = []
  }

  init(
    _ query: SearchQuery, _ candidates: SearchCandidates, scope: SearchScope,
    bounds: SearchWeights.Bounds, here: Int64?, now: Int64, _ words: SearchTokenizer,
    _ db: Database
  ) {
    self.query = query
    self.candidates = candidates
    self.scope = scope
    self.bounds = bounds
    self.here = here
    self.now = now
    self.words = words
    self.db = db
    rarity = candidates.terms.map { term in
      term.query.weight * log(1 + (candidates.entries - term.rows + 0.5) / (term.rows + 0.5))
    }
  }

  /// - Returns: Places in `turns`, best first.
  mutating func ranked() throws -> [Int] {
    try choose()
    scoreAll()
    var order = sorted(Array(turns.indices))
    if candidates.terms.contains(where: { !$0.isComplete }) {
      var near: Set<Int> = []
      for place in order.prefix(bounds.exact) {
        near.insert(place)
        for one in [turns[place].before, turns[place].after].compactMap({ $0 }) {
          near.insert(one)
        }
        if let two = turns[place].before.flatMap({ turns[$0].before }) { near.insert(two) }
        if let two = turns[place].after.flatMap({ turns[$0].after }) { near.insert(two) }
      }
      try candidates.complete(around: near.map { turns[$0].number })
      for place in near { turns[place].score = score(place) }
      order = sorted(order)
    }
    var best = order.prefix(bounds.read).filter { turns[$0].score > 0 && scope.holds(turns[$0]) }
    // Who gives a word or two wants the entries that have them; a question wants its answer, which
    // may have none.
    if query.terms.count < SearchWeights.questionTerms { best.removeAll { !isMatch($0) } }
    best = try without(excludedFrom: best)
    try read(best)
    for place in best { turns[place].score = score(place) }
    return sorted(best)
  }

  private func isMatch(_ place: Int) -> Bool {
    candidates.terms.contains { $0.frequencies[turns[place].number] != nil }
  }

  private func sorted(_ places: [Int]) -> [Int] {
    places.sorted { (turns[$0].score, turns[$0].number) > (turns[$1].score, turns[$1].number) }
  }

  // MARK: Choosing

  private func saturated(_ frequency: Double) -> Double {
    frequency / (frequency + SearchWeights.saturation)
  }

  /// The best by what the index says, and what stands beside them: a turn that answers may have no
  /// word of the question.
  private mutating func choose() throws {
    var own: [Int64: Double] = [:]
    own.reserveCapacity(candidates.terms.reduce(0) { $0 + $1.frequencies.count })
    for (index, term) in candidates.terms.enumerated() {
      for (row, frequency) in term.frequencies {
        own[row, default: 0] += rarity[index] * saturated(frequency)
      }
    }
    func best(_ rows: some Sequence<(key: Int64, value: Double)>, _ count: Int) -> [Int64] {
      rows.sorted { ($0.value, $0.key) > ($1.value, $1.key) }.prefix(count).map(\.key)
    }
    var pool = best(own, bounds.pool)
    let telling = candidates.terms.indices.filter {
      rarity[$0] > SearchWeights.sessionRarity
        && candidates.terms[$0].rows <= SearchWeights.sessionRows
    }
    var homes: [Int64: String] = [:]
    if !telling.isEmpty || scope.hasTimes {
      var isWithin: Set<Int64> = []
      try lookUp("number, session_id, created_at", pool) { row in
        let number = sqlite3_column_int64(row, 0)
        if let session = sqlite3_column_text(row, 1) { homes[number] = String(cString: session) }
        if scope.holds(time: sqlite3_column_int64(row, 2)) { isWithin.insert(number) }
      }
      if scope.hasTimes { pool.removeAll { !isWithin.contains($0) } }
    }
    for index in telling {
      var sums: [String: Double] = [:]
      for row in pool {
        guard let session = homes[row], let frequency = candidates.terms[index].frequencies[row]
        else { continue }
        sums[session, default: 0] += frequency
      }
      for (session, sum) in sums {
        sessions[session, default: 0] +=
          (rarity[index] - SearchWeights.sessionRarity) * sum
          / (sum + SearchWeights.sessionSaturation)
      }
    }
    // Neighbours in a session mostly are neighbours in the table, which is good enough to choose by.
    let hopes = pool.map { row -> (key: Int64, value: Double) in
      var hope = own[row] ?? 0
      let session = homes[row]
      for (distance, share) in [
        (Int64(-2), SearchWeights.far), (-1, SearchWeights.near), (1, SearchWeights.near),
        (2, SearchWeights.far),
      ] {
        if let lent = own[row + distance], homes[row + distance] == session { hope += share * lent }
      }
      return (row, hope + SearchWeights.session * (session.flatMap { sessions[$0] } ?? 0))
    }
    let chosen = best(hopes, bounds.top)
    try lookUp(Self.columns, chosen) { add($0) }
    for number in chosen {
      guard let place = places[number] else { continue }
      try addNeighbours(of: place)
    }
  }

  private static let columns =
    "number, session_id, position, actor, kind, project_id, created_at, uses"

  @discardableResult
  private mutating func add(_ row: OpaquePointer) -> Int {
    let number = sqlite3_column_int64(row, 0)
    if let known = places[number] { return known }
    func text(_ column: Int32) -> String? {
      sqlite3_column_text(row, column).map { String(cString: $0) }
    }
    func integer(_ column: Int32) -> Int64? {
      sqlite3_column_type(row, column) == SQLITE_NULL ? nil : sqlite3_column_int64(row, column)
    }
    turns.append(
      SearchTurn(
        number: number, sessionID: text(1), position: integer(2), actor: text(3),
        kind: text(4) ?? "", projectID: integer(5), createdAt: sqlite3_column_int64(row, 6),
        uses: sqlite3_column_int64(row, 7)))
    places[number] = turns.count - 1
    return turns.count - 1
  }

  /// Two before and two after, by order: positions have gaps, and some come twice.
  private mutating func addNeighbours(of place: Int) throws {
    let turn = turns[place]
    guard let session = turn.sessionID, let position = turn.position else { return }
    func neighbours(_ sign: String, _ order: String) throws -> [Int] {
      let statement = try db.cachedStatement(
        sql: """
          SELECT \(Self.columns) FROM entries
          WHERE session_id = ? AND position \(sign)= ? AND (position, number) \(sign) (?, ?)
          ORDER BY position\(order), number\(order) LIMIT 2
          """)
      var found: [Int] = []
      try SearchScan.run(
        statement, db,
        [.text(session), .integer(position), .integer(position), .integer(turn.number)]
      ) { found.append(add($0)) }
      return found
    }
    let chain = try neighbours("<", " DESC").reversed() + [place] + neighbours(">", "")
    for (first, second) in zip(chain, chain.dropFirst()) {
      turns[first].after = second
      turns[second].before = first
    }
  }

  private func lookUp(
    _ columns: String, _ numbers: [Int64], _ take: (OpaquePointer) -> Void
  ) throws {
    let statement = try db.cachedStatement(
      sql: "SELECT \(columns) FROM entries WHERE number = ?")
    // In their order, as neighbours stand on the same page.
    for number in numbers.sorted() { try SearchScan.run(statement, db, [.integer(number)], take) }
  }

  // MARK: Scoring

  private mutating func scoreAll() {
    for place in turns.indices { turns[place].score = score(place) }
  }

  private func score(_ place: Int) -> Double {
    let around = around(place)
    guard around > 0 else { return 0 }
    return factors(place).reduce(around) { $0 * $1.value }
  }

  /// A term's frequency in a turn, and what those around lend it.
  private func frequency(_ index: Int, _ place: Int) -> (own: Double, lent: Double) {
    let frequencies = candidates.terms[index].frequencies
    func value(_ place: Int?) -> Double {
      place.flatMap { frequencies[turns[$0].number] } ?? 0
    }
    let turn = turns[place]
    let asked =
      turn.before.map { asking.contains(turns[$0].number) } ?? false ? SearchWeights.asked : 0
    let lent =
      (SearchWeights.near + asked) * value(turn.before) + SearchWeights.near * value(turn.after)
      + SearchWeights.far
      * (value(turn.before.flatMap { turns[$0].before })
        + value(turn.after.flatMap { turns[$0].after }))
    return (value(place), lent)
  }

  private func around(_ place: Int) -> Double {
    var total = 0.0
    for index in candidates.terms.indices {
      let (own, lent) = frequency(index, place)
      if own + lent > 0 { total += rarity[index] * saturated(own + lent) }
    }
    guard total > 0 else { return 0 }
    return total + SearchWeights.session * (turns[place].sessionID.flatMap { sessions[$0] } ?? 0)
  }

  private static let written: Set = ["decision", "checkpoint", "task", "handoff", "ledger"]

  private func factors(_ place: Int) -> [(name: String, value: Double)] {
    let turn = turns[place]
    var factors: [(String, Double)] = []
    if let actor = turn.actor, !query.names.isDisjoint(with: words.words(in: actor)) {
      factors.append(("named speaker", SearchWeights.speaker))
    }
    if !query.dates.isEmpty {
      let days = query.dates.map { $0.days(to: turn.createdAt) }.min() ?? .infinity
      let share = max(0, 1 - days / (SearchWeights.dateDays + 1))
      if share > 0 { factors.append(("date", 1 + (SearchWeights.date - 1) * share)) }
    }
    // Whole days, so that the same search gives the same scores a moment later.
    let age = Double(max(0, now / SearchTime.day - turn.createdAt / SearchTime.day))
    factors.append(
      ("recency", 1 + (SearchWeights.recency - 1) * pow(0.5, age / SearchWeights.recencyDays)))
    if Self.written.contains(turn.kind) { factors.append(("kind", SearchWeights.writtenDown)) }
    if let here, turn.projectID == here { factors.append(("this project", SearchWeights.here)) }
    if turn.uses > 0 {
      let times = min(3, log2(1 + Double(turn.uses)))
      factors.append(("looked at before", 1 + (SearchWeights.used - 1) * times))
    }
    if telling.contains(turn.number) { factors.append(("tells when", SearchWeights.tellsWhen)) }
    if asking.contains(turn.number) { factors.append(("asks", SearchWeights.question)) }
    return factors
  }

  // MARK: Text

  private static let headBytes: Int64 = 2000
  private static let tailBytes: Int64 = 240

  /// Whether texts ask, or tell a time: of the best, and of what stands before them.
  private mutating func read(_ best: [Int]) throws {
    var numbers = Set(best.map { turns[$0].number })
    for place in best {
      if let before = turns[place].before { numbers.insert(turns[before].number) }
    }
    var (asking, telling): (Set<Int64>, Set<Int64>) = ([], [])
    let asksWhen = query.asksWhen
    try lookUp(
      "number, substr(body, 1, \(Self.headBytes)), substr(body, -\(Self.tailBytes))",
      Array(numbers)
    ) { row in
      let number = sqlite3_column_int64(row, 0)
      if let tail = sqlite3_column_text(row, 2),
        strchr(
          UnsafeRawPointer(tail)
            .assumingMemoryBound(to: CChar.self), 0x3F) != nil
      {
        asking.insert(number)
      }
      if asksWhen, let head = sqlite3_column_text(row, 1),
        SearchWords.tellWhen(String(cString: head))
      {
        telling.insert(number)
      }
    }
    (self.asking, self.telling) = (asking, telling)
  }

  /// A neighbour comes in without having been matched: what must and must not be in it is asked of
  /// the index.
  private func without(excludedFrom places: [Int]) throws -> [Int] {
    var places = places
    func have(_ expression: String) throws -> Set<Int64> {
      let statement = try db.cachedStatement(
        sql: "SELECT rowid FROM entries_fts WHERE entries_fts MATCH ? AND rowid = ?")
      var found: Set<Int64> = []
      for place in places {
        try SearchScan.run(
          statement, db,
          [.text("{title body parts} : (\(expression))"), .integer(turns[place].number)]
        ) { found.insert(sqlite3_column_int64($0, 0)) }
      }
      return found
    }
    for expression in query.required {
      let found = try have(expression)
      places.removeAll { !found.contains(turns[$0].number) }
    }
    if !query.excluded.isEmpty {
      let found = try have(query.excluded.joined(separator: " OR "))
      places.removeAll { found.contains(turns[$0].number) }
    }
    return places
  }

  // MARK: Explaining

  func explanation(_ place: Int) -> Explanation {
    var explanation = Explanation(dropped: candidates.dropped)
    for (index, term) in candidates.terms.enumerated() {
      let (own, lent) = frequency(index, place)
      guard own + lent > 0 else { continue }
      explanation.terms.append(
        (term.query.expression, term.rows, rarity[index], own, lent))
    }
    explanation.session =
      SearchWeights.session * (turns[place].sessionID.flatMap { sessions[$0] } ?? 0)
    explanation.factors = factors(place)
    return explanation
  }
}
