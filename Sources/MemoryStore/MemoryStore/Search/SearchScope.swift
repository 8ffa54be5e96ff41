import Core

/// What a search is narrowed to, in words of the index, and exactly.
struct SearchScope {
  /// In words of the index, which take in a little more: a kind `tool-call` has the word of `tool`, and
  /// a day is the shortest time. Nil: everything.
  let expression: String?
  private let filter: RecordFilter
  private let kinds: Set<String>
  private let projects: Set<Int64>?
  private let sessions: Set<SessionID>?
  private let hidden: Set<Int64>
  /// Entries that these sessions have of another one.
  private let copies: Set<Int64>

  /// - Parameters:
  ///   - projects: Those of the filter's name; nil takes all.
  ///   - sessions: Those of the filter's id; nil takes all.
  ///   - hidden: Projects of which nothing is found.
  ///   - inherited: What they have of other sessions.
  init(
    _ filter: RecordFilter, projects: [Int64]?, sessions: [SessionID]?, hidden: Set<Int64> = [],
    inherited: Inherited = .init()
  ) {
    self.hidden = hidden
    copies = inherited.entries
    self.filter = filter
    kinds = Set(filter.kinds.map(\.folded))
    self.projects = projects.map(Set.init)
    self.sessions = sessions.map(Set.init)
    var parts: [String] = []
    func any(_ words: [String]) {
      parts.append(Self.either(words.map { SearchQuery.Phrase(words: [$0]) }))
    }
    if let projects { any(projects.map { "p\($0)" }) }
    if !filter.kinds.isEmpty { any(filter.kinds.map { "k" + $0.rawValue }) }
    if let sessions { any((sessions + inherited.owners).map { "s" + $0.rawValue }) }
    if let times = SearchPeriod.words(from: filter.since, to: filter.until) {
      parts.append(Self.either(times))
    }
    expression = parts.isEmpty ? nil : parts.joined(separator: " AND ")
  }

  /// What forks have of their parents.
  struct Inherited {
    var entries: Set<Int64> = []
    /// The sessions to which they belong.
    var owners: [SessionID] = []
  }

  private static func either(_ phrases: [SearchQuery.Phrase]) -> String {
    "(" + phrases.map(\.expression).joined(separator: " OR ") + ")"
  }

  // MARK: Exactly

  func holds(_ number: Int64, kind: EntryKind, projectID: Int64?, session: SessionID?, time: Int64)
    -> Bool
  {
    if let projects, !projects.contains(projectID ?? 0) { return false }
    if let projectID, hidden.contains(projectID) { return false }
    if !kinds.isEmpty, !kinds.contains(kind.folded) { return false }
    if let sessions, !sessions.contains(session ?? .noSession), !copies.contains(number) {
      return false
    }
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
    var text = parts.joined(separator: " AND ")
    if !excluded.isEmpty {
      text = "(\(text)) NOT {title body parts} : (\(excluded.joined(separator: " OR ")))"
    }
    if !hidden.isEmpty {
      let rows = hidden.sorted().map { SearchQuery.Phrase(words: ["p\($0)"]) }
      text = "(\(text)) NOT scope : \(Self.either(rows))"
    }
    return text
  }
}
