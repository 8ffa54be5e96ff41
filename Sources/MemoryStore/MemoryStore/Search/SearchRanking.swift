import Core
import CSQLite
import Foundation
import GRDB

/// An entry that may be a hit, with what stands beside it in its session.
struct SearchTurn {
  var number: Int64
  /// In ``SearchSessions``.
  var session: Int?
  var position: Int64?
  var actor: String?
  var kind: EntryKind
  var projectID: Int64?
  var createdAt: Int64
  var uses: Int64
  /// What a frequency is divided by, as a word more says less in a longer text; 1 is the average.
  var length: Double
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
  private let here: Set<Int64>
  private let branch: String?
  private let now: Int64
  private let lengths: SearchLengths
  private(set) var candidates: SearchCandidates
  /// What one more of each term is worth.
  private let rarity: [Double]
  private(set) var turns: [SearchTurn] = []
  private var places: [Int64: Int] = [:]
  /// Of each turn, the frequency of each term.
  private var frequencies: [Double] = []
  private var sessions = SearchSessions()
  /// What the whole session says.
  private var sessionScores: [Double] = []
  private var asking: Set<Int64> = []
  private var telling: Set<Int64> = []
  /// There may be more hits than were ranked.
  private(set) var isCut = false
  /// How near the query's words are to each other, from 0 to 1.
  private var nearness: [Int64: Double] = [:]
  /// Sessions on the caller's branch.
  private var onBranch: Set<Int> = []
  /// Whether the query names who spoke.
  private var isNamed: [String: Bool] = [:]

  /// How a hit's score came about.
  struct Explanation {
    var terms: [(word: String, rows: Double, rarity: Double, own: Double, lent: Double)] = []
    var session = 0.0
    var factors: [(name: String, value: Double)] = []
  }

  init(
    _ query: SearchQuery, _ candidates: SearchCandidates, scope: SearchScope,
    bounds: SearchWeights.Bounds, here: Set<Int64>, branch: String?, now: Int64,
    _ words: SearchTokenizer,
    _ db: Database
  ) throws {
    lengths = try SearchLengths(db)
    self.query = query
    self.candidates = candidates
    self.scope = scope
    self.bounds = bounds
    self.here = here
    self.branch = branch
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
    for place in turns.indices { turns[place].score = score(place) }
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
      for place in near { count(place) }
      for place in near { turns[place].score = score(place) }
      order = sorted(order)
    }
    // Who gives a word or two wants the entries that have them; a question wants its answer, which
    // may have none.
    let isQuestion = query.wordCount >= SearchWeights.questionWords
    var best: [Int] = []
    for place in order where best.count < bounds.read {
      let turn = turns[place]
      guard turn.score > 0, isQuestion || isMatch(place),
        scope.holds(
          turn.number, kind: turn.kind, projectID: turn.projectID,
          session: turn.session.map { sessions.names[$0] }, time: turn.createdAt)
      else { continue }
      best.append(place)
    }
    isCut = isCut || best.count >= bounds.read
    best = try without(excludedFrom: best)
    try read(best)
    for place in best { turns[place].score = score(place) }
    return sorted(best)
  }

  private func isMatch(_ place: Int) -> Bool {
    candidates.terms.indices.contains { frequency($0, place) > 0 }
  }

  private func sorted(_ places: [Int]) -> [Int] {
    places.sorted { (turns[$0].score, turns[$0].number) > (turns[$1].score, turns[$1].number) }
  }

  // MARK: Choosing

  private func saturated(_ frequency: Double) -> Double {
    frequency / (frequency + SearchWeights.saturation)
  }

  /// What the index says of a row.
  private func own(_ place: Int, length: Double) -> Double {
    var total = 0.0
    for (index, term) in candidates.terms.enumerated() {
      let count = candidates.counts.value(place, term.column)
      if count > 0 { total += rarity[index] * saturated(count / length) }
    }
    return total
  }

  /// A row of which more is looked up.
  private struct Candidate {
    var number: Int64
    /// In the counts.
    var place: Int
    var session: Int?
    var length = 1.0
    var score: Double
  }

  /// The best by what the index says, and what stands beside them: a turn that answers may have no
  /// word of the question.
  private mutating func choose() throws {
    func best(_ candidates: [Candidate], _ count: Int) -> [Candidate] {
      guard candidates.count > count else { return candidates }
      return Array(
        candidates.sorted { ($0.score, $0.number) > ($1.score, $1.number) }.prefix(count))
    }
    var pool: [Candidate] = []
    pool.reserveCapacity(candidates.counts.rows.count)
    for (place, row) in candidates.counts.rows.enumerated() {
      let score = own(place, length: 1)
      if score > 0 { pool.append(Candidate(number: row, place: place, score: score)) }
    }
    isCut = pool.count > bounds.top
    pool = try looked(up: best(pool, bounds.pool))
    addSessionScores(pool)
    // Neighbours in a session mostly are neighbours in the table, which is good enough to choose by.
    for index in pool.indices {
      pool[index].score = own(pool[index].place, length: pool[index].length)
    }
    let known = Dictionary(uniqueKeysWithValues: pool.map { ($0.number, $0) })
    for (index, candidate) in pool.enumerated() {
      func lent(_ distance: Int64) -> Double {
        guard let other = known[candidate.number &+ distance], other.session == candidate.session
        else { return 0 }
        return other.score
      }
      pool[index].score +=
        SearchWeights.near * (lent(-1) + lent(1)) + SearchWeights.far * (lent(-2) + lent(2))
        + SearchWeights.session * (candidate.session.map { sessionScores[$0] } ?? 0)
    }
    try addTurns(best(pool, bounds.top).map(\.number))
  }

  /// With session and length, in the order of their numbers, without those of another time.
  private mutating func looked(up pool: [Candidate]) throws -> [Candidate] {
    var found: [Candidate] = []
    found.reserveCapacity(pool.count)
    let statement = try db.cachedStatement(
      sql: """
        SELECT e.session_id, e.created_at, d.sz
        FROM entries e JOIN entries_fts_docsize d ON d.id = e.number WHERE e.number = ?
        """)
    for var candidate in pool.sorted(by: { $0.number < $1.number }) {
      try SearchScan.run(statement, db, [.integer(candidate.number)]) { row in
        guard scope.holds(time: sqlite3_column_int64(row, 1)) else { return }
        candidate.session = sessions.number(row, 0)
        candidate.length = lengths.share(row, 2)
        found.append(candidate)
      }
    }
    return found
  }

  /// What a session as a whole says of the terms that tell sessions apart.
  private mutating func addSessionScores(_ pool: [Candidate]) {
    sessionScores = [Double](repeating: 0, count: sessions.names.count)
    for (index, term) in candidates.terms.enumerated()
    where rarity[index] > SearchWeights.sessionRarity && term.rows <= SearchWeights.sessionRows {
      var sums = [Double](repeating: 0, count: sessionScores.count)
      for candidate in pool {
        guard let session = candidate.session else { continue }
        sums[session] += candidates.counts.value(candidate.place, term.column) / candidate.length
      }
      for (session, sum) in sums.enumerated() where sum > 0 {
        sessionScores[session] +=
          (rarity[index] - SearchWeights.sessionRarity) * sum
          / (sum + SearchWeights.sessionSaturation)
      }
    }
  }

  // MARK: Turns

  private static let columns = """
    e.number, e.session_id, e.position, e.actor, e.kind, e.project_id, e.created_at, e.uses, d.sz
    FROM entries e JOIN entries_fts_docsize d ON d.id = e.number
    """

  /// These, and two before and two after each of them.
  private mutating func addTurns(_ numbers: [Int64]) throws {
    var known: [Int64: SearchTurn] = [:]
    let statement = try db.cachedStatement(
      sql: "SELECT \(Self.columns) WHERE e.number BETWEEN ? AND ?")
    for run in SearchScan.runs(of: numbers, gap: 4) {
      try SearchScan.run(
        statement, db, [.integer(run.lowerBound &- 2), .integer(run.upperBound &+ 2)]
      ) { row in
        let turn = turn(row)
        known[turn.number] = turn
      }
    }
    for number in numbers {
      guard let turn = known[number] else { continue }
      let before = try neighbours(of: turn, -1, known).reversed().map { add($0) }
      let chain = before + [add(turn)] + (try neighbours(of: turn, 1, known).map { add($0) })
      for (first, second) in zip(chain, chain.dropFirst()) {
        turns[first].after = second
        turns[second].before = first
      }
    }
  }

  private mutating func turn(_ row: OpaquePointer) -> SearchTurn {
    func text(_ column: Int32) -> String? {
      sqlite3_column_text(row, column).map { String(cString: $0) }
    }
    func integer(_ column: Int32) -> Int64? {
      sqlite3_column_type(row, column) == SQLITE_NULL ? nil : sqlite3_column_int64(row, column)
    }
    return SearchTurn(
      number: sqlite3_column_int64(row, 0), session: sessions.number(row, 1), position: integer(2),
      actor: text(3), kind: EntryKind(rawValue: text(4) ?? ""), projectID: integer(5),
      createdAt: sqlite3_column_int64(row, 6), uses: sqlite3_column_int64(row, 7),
      length: lengths.share(row, 8))
  }

  /// - Returns: Its place in `turns`.
  private mutating func add(_ turn: SearchTurn) -> Int {
    if let known = places[turn.number] { return known }
    turns.append(turn)
    places[turn.number] = turns.count - 1
    frequencies += repeatElement(0, count: candidates.terms.count)
    count(turns.count - 1)
    return turns.count - 1
  }

  /// Takes the counts over.
  private mutating func count(_ place: Int) {
    guard let counted = candidates.counts.place(of: turns[place].number) else { return }
    for (index, term) in candidates.terms.enumerated() {
      frequencies[place * candidates.terms.count + index] =
        candidates.counts.value(counted, term.column) / turns[place].length
    }
  }

  /// The two before a turn or behind it, the nearer first: by order, as positions have gaps and some
  /// come twice.
  ///
  /// - Parameter direction: -1 or 1.
  private mutating func neighbours(
    of turn: SearchTurn, _ direction: Int64, _ known: [Int64: SearchTurn]
  ) throws -> [SearchTurn] {
    guard let session = turn.session, let position = turn.position else { return [] }
    var found: [SearchTurn] = []
    // Rows that follow each other at positions that do need no look-up.
    while found.count < 2, let next = known[(found.last ?? turn).number + direction],
      next.session == session,
      next.position == (found.last ?? turn).position.map({ $0 &+ direction })
    {
      found.append(next)
    }
    if found.count == 2 { return found }
    found = []
    let (sign, order) = direction < 0 ? ("<", " DESC") : (">", "")
    let statement = try db.cachedStatement(
      sql: """
        SELECT \(Self.columns)
        WHERE e.session_id = ? AND e.position \(sign)= ? AND (e.position, e.number) \(sign) (?, ?)
        ORDER BY e.position\(order), e.number\(order) LIMIT 2
        """)
    let values: [SearchScan.Value] = [
      .text(sessions.names[session].rawValue), .integer(position), .integer(position),
      .integer(turn.number),
    ]
    try SearchScan.run(statement, db, values) { row in found.append(self.turn(row)) }
    return found
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

  private mutating func score(_ place: Int) -> Double {
    if let actor = turns[place].actor, isNamed[actor] == nil {
      isNamed[actor] = !query.names.isDisjoint(with: words.words(in: actor))
    }
    var score = around(place)
    if score > 0 { factors(place) { score *= $1 } }
    return score
  }

  private func frequency(_ index: Int, _ place: Int) -> Double {
    frequencies[place * candidates.terms.count + index]
  }

  /// What the turns around one lend it of a term's frequency.
  private func lent(_ index: Int, _ place: Int) -> Double {
    let turn = turns[place]
    var lent = 0.0
    if let before = turn.before {
      let share =
        SearchWeights.near + (asking.contains(turns[before].number) ? SearchWeights.asked : 0)
      lent += share * frequency(index, before)
      if let two = turns[before].before { lent += SearchWeights.far * frequency(index, two) }
    }
    if let after = turn.after {
      lent += SearchWeights.near * frequency(index, after)
      if let two = turns[after].after { lent += SearchWeights.far * frequency(index, two) }
    }
    return lent
  }

  private func around(_ place: Int) -> Double {
    var total = 0.0
    for index in candidates.terms.indices {
      let all = frequency(index, place) + lent(index, place)
      if all > 0 { total += rarity[index] * saturated(all) }
    }
    return total > 0 ? total + sessionScore(place) : 0
  }

  private func sessionScore(_ place: Int) -> Double {
    // A neighbour that was looked up may be of a session that has none.
    guard let session = turns[place].session, session < sessionScores.count else { return 0 }
    return SearchWeights.session * sessionScores[session]
  }

  private static let written: Set<EntryKind> = [
    .decision, .checkpoint, .task, .handoff, .ledger, .observedDecision, .fix,
  ]

  private func factors(_ place: Int, _ take: (StaticString, Double) -> Void) {
    let turn = turns[place]
    if let actor = turn.actor, isNamed[actor] ?? false {
      take("named speaker", SearchWeights.speaker)
    }
    if !query.dates.isEmpty {
      let days = query.dates.map { $0.days(to: turn.createdAt, query.days) }.min() ?? .infinity
      let share = max(0, 1 - days / (SearchWeights.dateDays + 1))
      if share > 0 { take("date", 1 + (SearchWeights.date - 1) * share) }
    }
    // Whole days, so that the same search gives the same scores a moment later.
    let age = Double(max(0, now / Timestamp.day - turn.createdAt / Timestamp.day))
    take("recency", 1 + (SearchWeights.recency - 1) * pow(0.5, age / SearchWeights.recencyDays))
    if Self.written.contains(turn.kind) { take("kind", SearchWeights.writtenDown) }
    if let project = turn.projectID, here.contains(project) {
      take("this project", SearchWeights.here)
    }
    if let session = turn.session, onBranch.contains(session) {
      take("this branch", SearchWeights.branch)
    }
    if turn.uses > 0 {
      let times = min(3, log2(1 + Double(turn.uses)))
      take("looked at before", 1 + (SearchWeights.used - 1) * times)
    }
    if let nearness = nearness[turn.number], nearness > 0 {
      take("words together", 1 + (SearchWeights.together - 1) * nearness)
    }
    if telling.contains(turn.number) { take("tells when", SearchWeights.tellsWhen) }
    if asking.contains(turn.number) { take("asks", SearchWeights.question) }
  }

  // MARK: Text

  private static let headBytes: Int64 = 2000
  private static let tailBytes: Int64 = 240

  /// Whether texts ask, or tell a time, of the best and of what stands before them; how near the words
  /// are to each other in the very best; and on which branch these were said.
  private mutating func read(_ best: [Int]) throws {
    var numbers = Set(best.map { turns[$0].number })
    for place in best {
      if let before = turns[place].before { numbers.insert(turns[before].number) }
    }
    let first =
      candidates.terms.count > 1 ? Set(best.prefix(bounds.together).map { turns[$0].number }) : []
    let marks = SearchMarks(candidates.terms.map(\.query), words)
    var (asking, telling): (Set<Int64>, Set<Int64>) = ([], [])
    var nearness: [Int64: Double] = [:]
    let asksWhen = query.asksWhen
    try lookUp(
      "number, substr(body, 1, \(Self.headBytes)), substr(body, -\(Self.tailBytes))",
      Array(numbers)
    ) { row in
      let number = sqlite3_column_int64(row, 0)
      if let tail = sqlite3_column_text(row, 2),
        memchr(tail, 0x3F, Int(sqlite3_column_bytes(row, 2))) != nil
      {
        asking.insert(number)
      }
      guard asksWhen || first.contains(number), let start = sqlite3_column_text(row, 1) else {
        return
      }
      let head = UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(row, 1)))
      if asksWhen, SearchWords.tellWhen(head) { telling.insert(number) }
      if first.contains(number) { nearness[number] = self.nearness(of: marks.words(in: head)) }
    }
    (self.asking, self.telling, self.nearness) = (asking, telling, nearness)
    try findBranch(best)
  }

  /// Of words that follow each other in the query, how near they come to each other: 1 side by side,
  /// 0 if far apart or not both there. The mean.
  private func nearness(of found: [SearchMarks.Word]) -> Double {
    // Phrases and parts of words come behind the words that they are made of.
    let pairs = Double(max(1, candidates.terms.count { $0.query.weight == 1 } - 1))
    var last = [Int?](repeating: nil, count: candidates.terms.count)
    var nearest = [Int](repeating: .max, count: candidates.terms.count)
    for (place, word) in found.enumerated() {
      guard let term = word.term else { continue }
      if term > 0, let other = last[term - 1] { nearest[term] = min(nearest[term], place - other) }
      if term + 1 < last.count, let other = last[term + 1] {
        nearest[term + 1] = min(nearest[term + 1], place - other)
      }
      last[term] = place
    }
    return nearest.reduce(0) {
      $0 + max(0, 1 - Double($1 - 1) / SearchWeights.togetherWords)
    } / pairs
  }

  private mutating func findBranch(_ best: [Int]) throws {
    guard let branch, !here.isEmpty else { return }
    let statement = try db.cachedStatement(
      sql: "SELECT 1 FROM sessions WHERE id = ? AND branch = ?")
    let ours = best.map { here.contains(turns[$0].projectID ?? 0) ? turns[$0].session : nil }
    for session in Set(ours) {
      guard let session else { continue }
      let name = sessions.names[session].rawValue
      try SearchScan.run(statement, db, [.text(name), .text(branch)]) { _ in
        onBranch.insert(session)
      }
    }
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
    var explanation = Explanation()
    for (index, term) in candidates.terms.enumerated() {
      let (own, lent) = (frequency(index, place), lent(index, place))
      guard own + lent > 0 else { continue }
      let word = term.query.expression
      let corrected = term.scale < 1 ? term.query.word.map { "\(word) for \($0)" } : nil
      explanation.terms.append((corrected ?? word, term.rows, rarity[index], own, lent))
    }
    explanation.session = sessionScore(place)
    factors(place) { explanation.factors.append(("\($0)", $1)) }
    return explanation
  }
}
