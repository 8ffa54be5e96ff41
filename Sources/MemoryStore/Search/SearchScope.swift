/// What a search is narrowed to, in words of the index.
struct SearchScope {
  /// Nil: everything.
  let expression: String?
  private let filter: RecordFilter
  private let projects: Set<Int64>?
  private let sessions: Set<String>?

  /// - Parameters:
  ///   - projects: Those of the filter's name; nil takes all.
  ///   - sessions: Those of the filter's id; nil takes all.
  ///   - now: Unix ms.
  init(_ filter: RecordFilter, projects: [Int64]?, sessions: [String]?, now: Int64) {
    self.filter = filter
    self.projects = projects.map(Set.init)
    self.sessions = sessions.map(Set.init)
    var parts: [String] = []
    func either(_ words: [String]) -> String {
      words.map { SearchQuery.Phrase(words: [$0]).expression }.joined(separator: " OR ")
    }
    func any(_ words: [String]) { parts.append("(\(either(words)))") }
    if let projects { any(projects.map { "p\($0)" }) }
    if !filter.kinds.isEmpty { any(filter.kinds.map { "k" + $0 }) }
    if let sessions { any(sessions.map { "s" + $0 }) }
    if filter.since != nil, let months = Self.months(filter.since, filter.until ?? now) {
      any(months.map { "m" + $0 })
    }
    var text = parts.joined(separator: " AND ")
    // Without a beginning what came after the end is taken out, as the end is mostly near.
    if filter.since == nil, let until = filter.until, !parts.isEmpty,
      let months = Self.months(until, now).map({ $0.dropFirst() }), !months.isEmpty
    {
      text = "(\(text)) NOT (\(either(months.map { "m" + $0 })))"
    }
    expression = text.isEmpty ? nil : text
  }

  /// `202611`; nil if there are so many that asking for each costs more than it spares.
  private static func months(_ since: Int64?, _ until: Int64) -> [String]? {
    guard let since, since <= until else { return nil }
    let (first, last) = (SearchDate(at: since), SearchDate(at: until))
    guard var year = first.year, var month = first.month, let lastYear = last.year,
      let lastMonth = last.month
    else { return nil }
    var months: [String] = []
    while (year, month) <= (lastYear, lastMonth) {
      months.append("\(year)" + (month < 10 ? "0" : "") + "\(month)")
      if months.count > 36 { return nil }
      month += 1
      if month > 12 { (year, month) = (year + 1, 1) }
    }
    return months
  }

  /// What the words of the index leave open.
  ///
  /// - Parameter session: The turn's.
  func holds(_ turn: SearchTurn, session: String?) -> Bool {
    if let projects, !projects.contains(turn.projectID ?? 0) { return false }
    if !filter.kinds.isEmpty, !filter.kinds.contains(turn.kind) { return false }
    if let sessions, !sessions.contains(session ?? "") { return false }
    return holds(time: turn.createdAt)
  }

  /// True if a candidate's time must be looked up.
  var hasTimes: Bool { filter.since != nil || filter.until != nil }
  func holds(time: Int64) -> Bool {
    time >= filter.since ?? .min && time <= filter.until ?? .max
  }

  /// For one term, or several.
  func match(_ expression: String, _ query: SearchQuery) -> String {
    // The term comes first: hit() tells phrases apart by their order.
    var text = "{title body parts} : (\(expression))"
    for required in query.required { text += " AND {title body parts} : (\(required))" }
    if let scope = self.expression { text += " AND scope : (\(scope))" }
    if !query.excluded.isEmpty {
      text = "(\(text)) NOT {title body parts} : (\(query.excluded.joined(separator: " OR ")))"
    }
    return text
  }
}
