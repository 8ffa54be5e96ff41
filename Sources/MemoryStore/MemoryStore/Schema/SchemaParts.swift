import Core
import GRDB

/// What a database's schema consists of, to be set beside what the steps make. A trigger or view of
/// somebody else would run within our own writes.
struct SchemaParts {
  struct Part: Equatable {
    /// `table`, `index`, `trigger` or `view`.
    var type: String
    /// White space does not count.
    var sql: String

    /// An index that can neither refuse a row nor carry out anything: columns, and nothing else.
    var isPlainIndex: Bool {
      let sql = sql.lowercased()
      return type == "index" && sql.hasPrefix("create index ") && !sql.contains(") ")
        && sql.count(where: { $0 == "(" }) == 1
    }

    /// FTS5 makes these, each version in its own words.
    func isShadow(_ name: String) -> Bool { type == "table" && name.hasPrefix("entries_fts_") }

    /// A large store keeps the tokenizer that it began with.
    var sameForAllSizes: Part {
      Part(type: type, sql: sql.replacing(" remove_diacritics 2'", with: "'"))
    }
  }

  private(set) var byName: [String: Part] = [:]

  private static let own: Set = ["sqlite_sequence", "sqlite_stat1", "sqlite_stat4"]

  init(_ db: Database) throws {
    for row in try Row.fetchAll(db, sql: "SELECT type, name, sql FROM sqlite_schema") {
      let name: String = row["name"]
      let (type, text): (String, String?) = (row["type"], row["sql"])
      // What SQLite makes for itself. Whoever writes the schema by hand can give the same names to others.
      if type == "index" && text == nil || type == "table" && Self.own.contains(name) { continue }
      let sql = (text ?? "").split(whereSeparator: \.isWhitespace)
      byName[name] = Part(type: type, sql: sql.joined(separator: " "))
    }
  }

  /// Those that these steps make.
  static func made(by steps: [SchemaStep]) throws -> SchemaParts {
    let queue = try DatabaseQueue()
    try MemoryDatabase.migrate(queue, steps: steps)
    return try queue.read { try SchemaParts($0) }
  }

  /// Tables, triggers, views and indexes that are not of `ours`, as `the trigger NAME`. Their texts count:
  /// a table replaces and deletes rows by its constraints, and computes by its checks and columns.
  func foreign(to ours: SchemaParts) -> [String] {
    byName.filter { name, part in
      if part.isPlainIndex { return false }
      guard let own = ours.byName[name], own.type == part.type else { return true }
      return !part.isShadow(name) && own.sameForAllSizes != part.sameForAllSizes
    }.map { "the \($0.value.type) \(Self.shown($0.key))" }.sorted()
  }

  func sql(of name: String) -> String? { byName[name]?.sql }

  /// Names of `ours` that are not here.
  func missing(of ours: SchemaParts) -> [String] {
    ours.byName.keys.filter { byName[$0] == nil }.sorted()
  }

  /// A name may hold anything.
  private static func shown(_ name: String) -> String {
    let text = name.unicodeScalars.prefix(60).map {
      (0x20..<0x7F).contains($0.value) ? Character($0) : "?"
    }
    return String(text)
  }
}

extension MemoryDatabase {
  /// - Throws: ``StoreError`` with the code, for the first thing that memoryd did not make.
  static func refuseForeign(
    _ db: Database, steps: [SchemaStep], in what: String, _ code: StoreError.Code, hint: String
  ) throws {
    let foreign = try SchemaParts(db).foreign(to: SchemaParts.made(by: steps))
    guard let first = foreign.first else { return }
    let more = foreign.count > 1 ? " and \(foreign.count - 1) more" : ""
    throw StoreError(
      code, "\(what) holds \(first)\(more), which memoryd did not make", hint: hint)
  }

  /// What steps before this number make, as the store has it.
  static func steps(_ steps: [SchemaStep], upTo number: Int) -> [SchemaStep] {
    steps.filter { $0.number <= number }
  }
}
