public import Core
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
    /// Of the person who asks: what `since:today` and a date mean.
    public var days = LocalDays.utc
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

  /// One search with the index as it is.
  func searchOnce(
    _ text: String, filter: RecordFilter, options: SearchOptions
  ) throws(StoreError) -> SearchResult {
    try read { db in
      let waiting = try Self.toRenew(db)
      let words = try SearchTokenizer(db, isRenewing: waiting > 0)
      let query = SearchQuery(
        text, filter: filter, isUnfinished: options.isUnfinished, now: options.now,
        days: options.days, words)
      var result = SearchResult(complaints: query.complaints)
      if waiting > 0 {
        result.complaints.append(
          "the index is being renewed, and up to \(waiting) older entries are still to come: words in "
            + "other letters, or beside symbols, may not be found in them yet")
      }
      if query.isImpossible {
        result.complaints.append("the query and the options ask for different things")
        return result
      }
      var projects: [Int64]?
      if let name = query.filter.project {
        projects = try Int64.fetchAll(
          db, cached: "SELECT id FROM projects WHERE name = ?", arguments: [name])
        if projects?.isEmpty ?? true {
          result.complaints.append("there is no project \(name)")
          return result
        }
        if try Self.projects(named: name, db).count > 1 {
          result.complaints.append("several projects are called \(name): all are searched")
        }
      }
      if let place = query.filter.place {
        var rows = try Self.row(of: place, db).map { try Self.group(of: $0, db) } ?? []
        if query.filter.takesUnfiled {
          rows += try Int64.fetchAll(
            db, cached: "SELECT id FROM projects WHERE identity = ?",
            arguments: [ProjectReference.named(place.name).identity])
        }
        rows = rows.filter { projects?.contains($0) ?? true }
        if rows.isEmpty {
          result.complaints.append("there is no project \(query.filter.project ?? place.name)")
          return result
        }
        projects = rows
      }
      var sessions: [SessionID]?
      if let session = query.filter.sessionID {
        let found = try Self.sessions(session, db)
        if found.isEmpty {
          result.complaints.append("no session begins with \(session)")
          return result
        }
        if found.count > Self.mostSessions {
          result.complaints.append(
            "session \(session) may be any of more than \(Self.mostSessions) sessions")
          return result
        }
        sessions = found
      }
      var hidden: Set<Int64> = []
      if query.filter.hidesPrivate {
        hidden = Set(try Int64.fetchAll(db, cached: Self.privateSelect))
        if let visitor = try query.filter.visitor.flatMap({ try Self.row(of: $0, db) }) {
          hidden.subtract(try Self.group(of: visitor, db))
        }
      }
      let scope = SearchScope(
        query.filter, projects: projects, sessions: sessions, hidden: hidden,
        inherited: try Self.inherited(by: sessions ?? [], db))
      let limit = query.filter.limit ?? 20
      if query.terms.isEmpty {
        result.hits = try Self.newest(query, scope, limit: limit, db)
        return result
      }
      let row = try options.here.flatMap { try Self.row(of: $0, db) }
      let here = Set(try row.map { try Self.group(of: $0, db) } ?? [])
      var bounds = options.bounds
      let candidates = try SearchCandidates(query, scope: scope, bounds: bounds, words, db)
      while true {
        var ranking = try SearchRanking(
          query, candidates, scope: scope, bounds: bounds, here: here, branch: options.branch,
          now: options.now, words, db)
        let order = try ranking.ranked()
        result.hits = try Self.hits(
          order, ranking, limit: limit, explains: options.explains, words, db)
        guard result.hits.count < limit, ranking.isCut, bounds.top < Self.mostTop else { break }
        bounds.widen()
      }
      return result
    }
  }

  /// As ``search(_:filter:options:)`` with nothing out of the ordinary.
  public func search(_ text: String, filter: RecordFilter) throws(StoreError) -> [SearchHit] {
    try search(text, filter: filter, options: SearchOptions(now: WallClock.system.now)).hits
  }

  /// Notes that an entry was looked at: it counts a little more the next time.
  public func noteUse(ofEntry id: RecordID) throws(StoreError) {
    try write {
      try $0.execute(
        cached: "UPDATE entries SET uses = uses + 1 WHERE id = ?", arguments: [id.uppercased()])
    }
  }

  private static let mostSessions = 20

  /// The session of this id, or else those whose ids begin so; not many more than are taken.
  static func sessions(_ text: SessionID, _ db: Database) throws -> [SessionID] {
    var found: [SessionID] = []
    // A fork that nothing was said in yet has only what is its parent's.
    for table in ["entries", "entry_copies"] {
      let least = "SELECT min(session_id) FROM \(table) WHERE session_id "
      var next = try SessionID.fetchOne(db, cached: least + ">= ?", arguments: [text])
      while let session = next, session.rawValue.hasPrefix(text.rawValue),
        found.count <= mostSessions
      {
        if session == text { return [session] }
        if !found.contains(session) { found.append(session) }
        next = try SessionID.fetchOne(db, cached: least + "> ?", arguments: [session])
      }
    }
    return found
  }

  private static func inherited(
    by sessions: [SessionID], _ db: Database
  ) throws -> SearchScope.Inherited {
    var inherited = SearchScope.Inherited()
    var owners: Set<SessionID> = []
    for session in sessions {
      let rows = try Row.fetchCursor(
        db,
        sql: """
          SELECT c.entry, e.session_id FROM entry_copies c JOIN entries e ON e.number = c.entry
          WHERE c.session_id = ?
          """, arguments: [session])
      while let row = try rows.next() {
        inherited.entries.insert(row["entry"])
        if let owner = row["session_id"] as SessionID? { owners.insert(owner) }
      }
    }
    inherited.owners = owners.subtracting(sessions).sorted()
    return inherited
  }

  // MARK: Hits

  /// Candidates up to which a search is widened.
  private static let mostTop = 2000
  /// Rows that are looked at where the index takes in more than is asked for.
  private static let mostLookedAt = 10_000

  private static func newest(
    _ query: SearchQuery, _ scope: SearchScope, limit: Int, _ db: Database
  ) throws -> [SearchHit] {
    guard let match = scope.match(query) else { return [] }
    var hits: [SearchHit] = []
    var before = Int64.max
    var lookedAt = 0
    while hits.count < limit, lookedAt < mostLookedAt {
      var numbers: [Int64] = []
      try SearchScan.ids(db, match: match, before: before, limit: min(500, max(20, limit))) {
        numbers.append($0)
      }
      guard let last = numbers.last else { break }
      before = last
      lookedAt += numbers.count
      for number in numbers where hits.count < limit {
        guard let row = try row(number, db) else { continue }
        let entry = entry(row)
        guard
          scope.holds(
            number, kind: entry.kind, projectID: row["project_id"] as Int64?,
            session: entry.sessionID,
            time: entry.createdAt)
        else { continue }
        hits.append(SearchHit(entry: entry, score: 0, snippet: head(of: entry)))
      }
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
    var known: [String: Int] = [:]
    let snippets = SearchSnippet(ranking.candidates.terms.map(\.query), words)
    for place in order {
      let turn = ranking.turns[place]
      guard let row = try row(turn.number, db) else { continue }
      let entry = entry(row)
      // The same text in ten forks is one hit.
      let text = "\(turn.projectID ?? 0) \(turn.kind) \(fingerprint(entry))"
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

  /// Of a text without its blanks, capitals, and marks at the ends of words, by which forks of a session
  /// and quotations differ.
  private static func fingerprint(_ entry: EntryRecord) -> Int {
    var hasher = Hasher()
    for text in [entry.title, entry.body] {
      for word in text.utf8.split(whereSeparator: { $0 <= 0x20 }) {
        let isMark = { (byte: UInt8) in ".,;:!?\"'`*_()[]".utf8.contains(byte) }
        var rest = word.drop(while: isMark)
        while let last = rest.last, isMark(last) { rest.removeLast() }
        for byte in rest { hasher.combine(byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte) }
        if !rest.isEmpty { hasher.combine(0 as UInt8) }
      }
    }
    return hasher.finalize()
  }

  /// Of an entry that has no word of the query: it stands beside one that has.
  private static func head(of entry: EntryRecord) -> String {
    let text = [entry.title, entry.body].filter { !$0.isEmpty }.joined(separator: ": ")
    return text.count > 160 ? text.prefix(160) + "…" : text
  }
}

extension SearchRanking.Explanation {
  /// One line for each part.
  package var text: [String] {
    func number(_ value: Double) -> String { String(format: "%.3f", value) }
    var lines = terms.map { term in
      "\(term.word): rarity \(number(term.rarity)) (in \(Int(term.rows)) entries), frequency "
        + "\(number(term.own))" + (term.lent > 0 ? " and \(number(term.lent)) lent" : "")
        + " = \(number(term.rarity * (term.own + term.lent) / (term.own + term.lent + SearchWeights.saturation)))"
    }
    if session > 0 { lines.append("session: \(number(session))") }
    lines += factors.map { "\($0.name): times \(number($0.value))" }
    return lines
  }
}
