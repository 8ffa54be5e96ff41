/// What a search is narrowed to, in words of the index, and exactly.
struct SearchScope {
  /// In words of the index, which take in a little more: a kind `tool-call` has the word of `tool`, and
  /// a day is the shortest time. Nil: everything.
  let expression: String?
  private let filter: RecordFilter
  private let kinds: Set<String>
  private let projects: Set<Int64>?
  private let sessions: Set<String>?

  /// - Parameters:
  ///   - projects: Those of the filter's name; nil takes all.
  ///   - sessions: Those of the filter's id; nil takes all.
  init(_ filter: RecordFilter, projects: [Int64]?, sessions: [String]?) {
    self.filter = filter
    kinds = Set(filter.kinds.map { $0.lowercased() })
    self.projects = projects.map(Set.init)
    self.sessions = sessions.map(Set.init)
    var parts: [String] = []
    func any(_ words: [String]) {
      parts.append(Self.either(words.map { SearchQuery.Phrase(words: [$0]) }))
    }
    if let projects { any(projects.map { "p\($0)" }) }
    if !filter.kinds.isEmpty { any(filter.kinds.map { "k" + $0 }) }
    if let sessions { any(sessions.map { "s" + $0 }) }
    if let times = SearchPeriod.words(from: filter.since, to: filter.until) {
      parts.append(Self.either(times))
    }
    expression = parts.isEmpty ? nil : parts.joined(separator: " AND ")
  }

  private static func either(_ phrases: [SearchQuery.Phrase]) -> String {
    "(" + phrases.map(\.expression).joined(separator: " OR ") + ")"
  }

  // MARK: Exactly

  func holds(kind: String, projectID: Int64?, session: String?, time: Int64) -> Bool {
    if let projects, !projects.contains(projectID ?? 0) { return false }
    if !kinds.isEmpty, !kinds.contains(kind.lowercased()) { return false }
    if let sessions, !sessions.contains(session ?? "") { return false }
    return holds(time: time)
  }

  /// True if a candidate's time must be looked up.
  var hasTimes: Bool { filter.since != nil || filter.until != nil }
  func holds(time: Int64) -> Bool {
    time >= filter.since ?? .min && time <= filter.until ?? .max
  }

  // MARK: In the index

  /// For one term, or several.
  func match(_ expression: String, _ query: SearchQuery) -> String {
    // The term comes first: hit() tells phrases apart by their order.
    let term = "{title body parts} : (\(expression))"
    return without(
      query.excluded,
      [term] + Self.required(query) + (self.expression.map { ["scope : (\($0))"] } ?? []))
  }

  /// Without a term; nil if there is nothing to go by.
  func match(_ query: SearchQuery) -> String? {
    let parts = Self.required(query) + (expression.map { ["scope : (\($0))"] } ?? [])
    return parts.isEmpty ? nil : without(query.excluded, parts)
  }

  private static func required(_ query: SearchQuery) -> [String] {
    query.required.map { "{title body parts} : (\($0))" }
  }

  private func without(_ excluded: [String], _ parts: [String]) -> String {
    let text = parts.joined(separator: " AND ")
    return excluded.isEmpty
      ? text : "(\(text)) NOT {title body parts} : (\(excluded.joined(separator: " OR ")))"
  }
}

/// A time as words of the index: whole years, whole months, and days (UTC).
enum SearchPeriod {
  /// - Parameters:
  ///   - since, until: Unix ms, inclusive; nil is open, back to 1970 and on to 2099.
  /// - Returns: Words of which each entry of the time has one; nil for all of time.
  static func words(from since: Int64?, to until: Int64?) -> [SearchQuery.Phrase]? {
    guard since != nil || until != nil else { return nil }
    if let since, let until, since > until { return [word("y", 0)] }
    let (firstYear, firstDay) = since.map(date) ?? (leastYear, nil)
    let (lastYear, lastDay) = until.map(date) ?? (mostYear, nil)
    let (start, end) = (firstDay ?? (1, 1), lastDay ?? (12, 31))
    if firstYear == lastYear { return words(ofYear: firstYear, start, end) }
    // An open end is a whole year, and may be a part of a whole decade.
    return (firstDay == nil ? [] : words(ofYear: firstYear, start, (12, 31)))
      + years(firstYear + (firstDay == nil ? 0 : 1), lastYear - (lastDay == nil ? 0 : 1))
      + (lastDay == nil ? [] : words(ofYear: lastYear, (1, 1), end))
  }

  private static func date(_ milliseconds: Int64) -> (year: Int, day: (Int, Int)?) {
    let date = SearchDate(at: milliseconds)
    return (date.year ?? leastYear, (date.month ?? 1, date.day ?? 1))
  }

  private static let leastYear = 1970
  private static let mostYear = 2099

  private static func word(_ letter: String, _ numbers: Int...) -> SearchQuery.Phrase {
    // The year has four digits, all others two.
    let text = numbers.enumerated().map { index, number in
      let digits = String(number)
      return String(repeating: "0", count: max(0, (index == 0 ? 4 : 2) - digits.count)) + digits
    }
    return SearchQuery.Phrase(words: [letter + text.joined()])
  }

  /// Whole decades are the beginning of a word.
  private static func years(_ first: Int, _ last: Int) -> [SearchQuery.Phrase] {
    var words: [SearchQuery.Phrase] = []
    var year = max(first, leastYear)
    while year <= min(last, mostYear) {
      if year % 10 == 0, year + 9 <= last {
        words.append(SearchQuery.Phrase(words: ["y\(year / 10)"], isOpen: true))
        year += 10
      } else {
        words.append(word("y", year))
        year += 1
      }
    }
    return words
  }

  private static func words(
    ofYear year: Int, _ first: (Int, Int), _ last: (Int, Int)
  ) -> [SearchQuery.Phrase] {
    if first == (1, 1), last == (12, 31) { return [word("y", year)] }
    var words: [SearchQuery.Phrase] = []
    for month in first.0...last.0 {
      let start = month == first.0 ? first.1 : 1
      let length = length(ofMonth: month, year)
      let end = month == last.0 ? last.1 : length
      if start == 1, end >= length {
        words.append(word("m", year, month))
      } else {
        words += (start...max(start, end)).map { word("d", year, month, $0) }
      }
    }
    return words
  }

  private static func length(ofMonth month: Int, _ year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}
