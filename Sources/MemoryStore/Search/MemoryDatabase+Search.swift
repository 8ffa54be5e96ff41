import CSQLite
import Foundation
import GRDB

extension MemoryDatabase {
  /// How a search is to be done, beside what is looked for.
  public struct SearchOptions: Sendable {
    /// The last word is still being typed.
    public var isUnfinished = false
    /// The caller's own project and branch, which count a little more.
    public var here: ProjectReference?
    public var branch: String?
    /// Unix ms.
    public var now: Int64
    public var explains = false
    var bounds = SearchWeights.Bounds()

    public init(now: Int64) { self.now = now }

    /// Scores everything that matches, however long that takes: what the bounds are measured against.
    public mutating func makeExhaustive() { bounds = .none }
  }

  public struct SearchResult: Sendable {
    public var hits: [SearchHit] = []
    /// Words of the query that mean nothing where they stand.
    public var complaints: [String] = []
  }

  /// Search over everything, best first. Cost is bounded whatever the words are.
  ///
  /// - Parameters:
  ///   - text: As a person typed it: see ``SearchQuery``. Without a word the newest entries of what
  ///     it is narrowed to.
  ///   - filter: Narrows it; `limit` is 20 without one.
  public func search(
    _ text: String, filter: RecordFilter, options: SearchOptions
  ) throws(StoreError) -> SearchResult {
    try read { db in
      let words = try SearchTokenizer(db)
      let query = SearchQuery(
        text, filter: filter, isUnfinished: options.isUnfinished, now: options.now, words)
      var result = SearchResult(complaints: query.complaints)
      var projects: [Int64]?
      if let name = query.filter.project {
        projects = try Int64.fetchAll(
          db, cached: "SELECT id FROM projects WHERE name = ?", arguments: [name])
        if projects?.isEmpty ?? true { return result }
      }
      var sessions: [String]?
      if let session = query.filter.sessionID {
        let found = try Self.sessions(session, db)
        if found.isEmpty { return result }
        if found.count > Self.mostSessions {
          result.complaints.append(
            "session \(session) may be any of more than \(Self.mostSessions) sessions")
          return result
        }
        sessions = found
      }
      let scope = SearchScope(
        query.filter, projects: projects, sessions: sessions, now: options.now)
      let limit = query.filter.limit ?? 20
      if query.terms.isEmpty {
        result.hits = try Self.newest(query, scope, limit: limit, db)
        return result
      }
      let here = try options.here.flatMap {
        try Int64.fetchOne(
          db, cached: "SELECT id FROM projects WHERE identity = ?", arguments: [$0.identity])
      }
      let candidates = try SearchCandidates(
        query, scope: scope, bounds: options.bounds, words, db)
      var ranking = try SearchRanking(
        query, candidates, scope: scope, bounds: options.bounds, here: here,
        branch: options.branch, now: options.now,
        words, db)
      let order = try ranking.ranked()
      result.hits = try Self.hits(
        order, ranking, limit: limit, explains: options.explains, words, db)
      return result
    }
  }

  /// As ``search(_:filter:options:)`` with nothing out of the ordinary.
  public func search(_ text: String, filter: RecordFilter) throws(StoreError) -> [SearchHit] {
    try search(text, filter: filter, options: SearchOptions(now: WallClock.system.now)).hits
  }

  /// Notes that an entry was looked at: it counts a little more the next time.
  public func noteUse(ofEntry id: String) throws(StoreError) {
    try write {
      try $0.execute(
        cached: "UPDATE entries SET uses = uses + 1 WHERE id = ?", arguments: [id.uppercased()])
    }
  }

  private static let mostSessions = 20

  /// The session of this id, or else those whose ids begin so; not many more than are taken.
  private static func sessions(_ text: String, _ db: Database) throws -> [String] {
    var found: [String] = []
    let least = "SELECT min(session_id) FROM entries WHERE session_id "
    var next = try String.fetchOne(db, cached: least + ">= ?", arguments: [text])
    while let session = next, session.hasPrefix(text), found.count <= mostSessions {
      found.append(session)
      if session == text { break }
      next = try String.fetchOne(db, cached: least + "> ?", arguments: [session])
    }
    return found
  }

  // MARK: Hits

  /// Rows that are looked at where only a time, which the index does not know exactly, narrows them.
  private static let mostLookedAt = 10_000

  private static func newest(
    _ query: SearchQuery, _ scope: SearchScope, limit: Int, _ db: Database
  ) throws -> [SearchHit] {
    guard scope.expression != nil || scope.hasTimes else { return [] }
    var hits: [SearchHit] = []
    var numbers: [Int64] = []
    let most = scope.hasTimes ? mostLookedAt : limit
    if let expression = scope.expression {
      try SearchScan.ids(db, match: "scope : (\(expression))", before: .max, limit: most) {
        numbers.append($0)
      }
    } else {
      // By time alone: what came last mostly was written last.
      numbers = try Int64.fetchAll(
        db,
        cached: """
          SELECT number FROM entries WHERE created_at BETWEEN ? AND ? ORDER BY number DESC LIMIT ?
          """,
        arguments: [query.filter.since ?? .min, query.filter.until ?? .max, limit])
    }
    for number in numbers where hits.count < limit {
      guard let row = try row(number, db), scope.holds(time: row["created_at"]) else { continue }
      let entry = entry(row)
      hits.append(SearchHit(entry: entry, score: 0, snippet: head(of: entry)))
    }
    return hits
  }

  private static func row(_ number: Int64, _ db: Database) throws -> Row? {
    try Row.fetchOne(
      db,
      cached: """
        SELECT e.*, p.name AS project FROM entries e LEFT JOIN projects p ON p.id = e.project_id
        WHERE e.number = ?
        """, arguments: [number])
  }

  private static func hits(
    _ order: [Int], _ ranking: SearchRanking, limit: Int, explains: Bool,
    _ words: SearchTokenizer, _ db: Database
  ) throws -> [SearchHit] {
    var hits: [SearchHit] = []
    var known: [[UInt8]: Int] = [:]
    let snippets = SearchSnippet(ranking.candidates.terms.map(\.query), words)
    for place in order {
      let turn = ranking.turns[place]
      guard let row = try row(turn.number, db) else { continue }
      let entry = entry(row)
      // The same text in ten forks is one hit.
      let text =
        Array("\(turn.projectID ?? 0) \(turn.kind) ".utf8) + fingerprint(entry)
      if let first = known[text] {
        hits[first].copies += 1
        continue
      }
      guard hits.count < limit else { break }
      known[text] = hits.count
      var hit = SearchHit(
        entry: entry, score: turn.score,
        snippet: snippets.best(of: entry.title, entry.body) ?? head(of: entry))
      if explains { hit.explanation = ranking.explanation(place).text }
      hits.append(hit)
    }
    return hits
  }

  /// Letters and digits alone, in lower case where they are ASCII.
  private static func fingerprint(_ entry: EntryRecord) -> [UInt8] {
    var bytes: [UInt8] = []
    for text in [entry.title, entry.body] {
      for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): bytes.append(byte | 0x20)
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
          bytes.append(byte)
        default: break
        }
        if bytes.count >= 2000 { return bytes }
      }
    }
    return bytes
  }

  /// Of an entry that has no word of the query: it stands beside one that has.
  private static func head(of entry: EntryRecord) -> String {
    let text = [entry.title, entry.body].filter { !$0.isEmpty }.joined(separator: ": ")
    return text.count > 160 ? text.prefix(160) + "…" : text
  }
}

extension SearchRanking.Explanation {
  /// One line for each part.
  var text: [String] {
    func number(_ value: Double) -> String { String(format: "%.3f", value) }
    var lines = terms.map { term in
      "\(term.word): rarity \(number(term.rarity)) (in \(Int(term.rows)) entries), frequency "
        + "\(number(term.own))" + (term.lent > 0 ? " and \(number(term.lent)) lent" : "")
        + " = \(number(term.rarity * (term.own + term.lent) / (term.own + term.lent + SearchWeights.saturation)))"
    }
    if session > 0 { lines.append("session: \(number(session))") }
    lines += factors.map { "\($0.name): times \(number($0.value))" }
    if !dropped.isEmpty { lines.append("too common: \(dropped.joined(separator: ", "))") }
    return lines
  }
}
