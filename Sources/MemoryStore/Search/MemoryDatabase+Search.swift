import GRDB

extension MemoryDatabase {
  /// Full-text search over everything, best first.
  ///
  /// All words first; where that finds less than asked for, any of them.
  /// - Parameter text: As a person typed it; none of it reaches MATCH raw. Text without a word
  ///   finds nothing.
  public func search(_ text: String, filter: RecordFilter) throws(StoreError) -> [SearchHit] {
    let limit = filter.limit ?? 20
    guard let all = FTS5Pattern(matchingAllTokensIn: text),
      let any = FTS5Pattern(matchingAnyTokenIn: text)
    else { return [] }
    return try read { db in
      var hits = try Self.hits(matching: all, filter: filter, limit: limit, db)
      if hits.count < limit {
        let known = Set(hits.map(\.entry.id))
        hits += try Self.hits(matching: any, filter: filter, limit: limit, db).filter {
          !known.contains($0.entry.id)
        }
      }
      return Array(hits.prefix(limit))
    }
  }

  private static func hits(
    matching pattern: FTS5Pattern, filter: RecordFilter, limit: Int, _ db: Database
  ) throws -> [SearchHit] {
    var query = Query(
      """
      SELECT e.*, p.name AS project, -bm25(entries_fts, 3.0, 1.0, 0.5, 0.0) AS score,
        snippet(entries_fts, -1, char(2), char(3), '…', 24) AS snippet
      FROM entries_fts JOIN entries e ON e.number = entries_fts.rowid
        LEFT JOIN projects p ON p.id = e.project_id
      """)
    query.add("entries_fts MATCH ?", pattern)
    query.match("p.name", filter.project)
    query.match("e.session_id", filter.sessionID)
    query.any("e.kind", of: filter.kinds)
    query.range("e.created_at", filter.since, filter.until)
    return try Row.fetchAll(
      db, sql: query.sql + " ORDER BY score DESC, e.number DESC LIMIT \(max(0, limit))",
      arguments: query.arguments
    ).map { SearchHit(entry: entry($0), score: $0["score"], snippet: $0["snippet"]) }
  }
}
