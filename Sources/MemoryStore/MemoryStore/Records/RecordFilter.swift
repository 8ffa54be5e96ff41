public import Core
import GRDB

/// Which records a list is about; nil takes all.
public struct RecordFilter: Sendable {
  /// The short name, whichever projects have it.
  public var project: String?
  /// The project itself, with what was joined to it.
  public var place: ProjectReference?
  /// Also what waits under that project's name and may be its.
  public var takesUnfiled = false
  /// Leaves out what is of private projects other than the visitor's own.
  public var hidesPrivate = false
  /// Who asks.
  public var visitor: ProjectReference?
  /// Of tasks, only those of which nothing but a project's name is known.
  public var isUnfiled = false
  public var sessionID: SessionID?
  /// Of entries.
  public var kinds: [EntryKind] = []
  public var triggers: [CheckpointTrigger] = []
  /// Unix ms, inclusive.
  public var since: Int64?
  public var until: Int64?
  public var limit: Int?

  public init(
    project: String? = nil, place: ProjectReference? = nil, sessionID: SessionID? = nil,
    kinds: [EntryKind] = [], triggers: [CheckpointTrigger] = [],
    since: Int64? = nil, until: Int64? = nil, limit: Int? = nil
  ) {
    self.project = project
    self.place = place
    self.sessionID = sessionID
    self.kinds = kinds
    self.triggers = triggers
    self.since = since
    self.until = until
    self.limit = limit
  }
}

extension MemoryDatabase {
  func fetch<T>(
    _ query: Query, order: String, limit: Int?, _ body: (Row) -> T
  ) throws(StoreError) -> [T] {
    try read { db in
      var query = query
      if let projects = query.projects { try query.narrow(projects.column, projects.filter, db) }
      // SQLite takes a limit below zero for none.
      return try Row.fetchAll(
        db, cached: query.sql + " ORDER BY " + order + " LIMIT ?",
        arguments: query.arguments + [limit.map { max(0, $0) } ?? -1]
      ).map(body)
    }
  }
}

/// A SELECT that conditions are added to; values are always bound.
struct Query: Sendable {
  private let select: String
  private var conditions: [String] = []
  private(set) var arguments = StatementArguments()
  /// Whose rows it is about is looked up when it runs.
  fileprivate var projects: (column: String, filter: RecordFilter)?

  init(_ select: String) {
    self.select = select
  }

  var sql: String {
    conditions.isEmpty ? select : select + " WHERE " + conditions.joined(separator: " AND ")
  }

  mutating func match(_ column: String, _ value: String?) {
    guard let value else { return }
    conditions.append("\(column) = ?")
    arguments += [value]
  }

  mutating func match(_ column: String, _ id: (some Identifier)?) { match(column, id?.rawValue) }

  /// Narrows to what a filter says of projects.
  mutating func match(project column: String, _ filter: RecordFilter) {
    projects = (column, filter)
  }

  mutating func range(_ column: String, _ since: Int64?, _ until: Int64?) {
    if let since {
      conditions.append("\(column) >= ?")
      arguments += [since]
    }
    if let until {
      conditions.append("\(column) <= ?")
      arguments += [until]
    }
  }

  mutating func prefix(_ column: String, _ value: String) {
    conditions.append("substr(\(column), 1, length(?)) = ?")
    arguments += [value, value]
  }

  mutating func prefix(_ column: String, _ id: some Identifier) { prefix(column, id.rawValue) }

  mutating func any(_ column: String, of values: [String]) {
    guard !values.isEmpty else { return }
    conditions.append("\(column) IN (\(Self.places(values)))")
    arguments += StatementArguments(values)
  }

  mutating func add(_ condition: String, _ value: some DatabaseValueConvertible) {
    add(condition, values: [value])
  }

  /// Of few different lengths, as each makes a statement that the connection keeps: the last one is
  /// repeated until their number is a power of two.
  static func padded(_ values: [Int64]) -> [Int64] {
    guard let last = values.last else { return [] }
    var count = 1
    while count < values.count { count *= 2 }
    return values + Array(repeating: last, count: count - values.count)
  }

  /// A mark for each value.
  static func places(_ values: [some Any]) -> String {
    values.map { _ in "?" }.joined(separator: ", ")
  }

  mutating func add(_ condition: String, values: [any DatabaseValueConvertible] = []) {
    conditions.append(condition)
    arguments += StatementArguments(values)
  }
}
