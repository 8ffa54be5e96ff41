public import Core
import CSQLite
import Foundation
import GRDB
import Redaction

/// Everything in the store as lines of JSON, and back: rows as they are, byte for byte.
extension MemoryDatabase {
  /// Columns in which people and agents say something; others hold what rows are known by.
  private static let words: Set = [
    "body", "context", "decision", "detail", "item", "line", "objective", "payload", "rationale",
    "recipient", "remark", "search_text", "sender", "title", "topic",
  ]

  public static let exportFormat = "memoryd/export/1"

  /// Rows come behind those that they refer to, and entries before the items by whose triggers they
  /// would be made.
  static let exportedTables = [
    "meta", "projects", "project_marks", "sessions", "entries", "entry_copies", "transcripts",
    "usage", "checkpoints", "tasks", "decisions", "handoffs", "ledgers", "ledger_phases",
    "ledger_groups", "ledger_items", "requests", "outbox", "vaults", "vault_items",
    "vault_projects", "hook_runs", "struck_lines",
  ]

  /// What is true of this folder and this moment only: who is syncing, how the vault answered, what
  /// the fallback files looked like, what is still to be overwritten.
  private static let staying =
    "key IN ('sync_lease', 'fallback_seen', \(erasureKeys)) "
    + "OR key LIKE '\(VaultFact.health.rawValue):%'"

  /// One value of a row.
  public enum ColumnValue: Sendable, Equatable {
    case null
    case integer(Int64)
    case text(String)
    case blob([UInt8])
  }

  /// A row as an export has it.
  public struct ExportedRow: Sendable, Equatable {
    public var table: String
    public var values: [String: ColumnValue]

    public init(table: String, values: [String: ColumnValue]) {
      self.table = table
      self.values = values
    }
  }

  // MARK: Out

  /// Writes all rows, as they are at this moment: others may write meanwhile. The same rows are the
  /// same bytes.
  ///
  /// - Parameter write: Takes pieces of about 256 KiB, or one line if that is longer.
  /// - Returns: The number of rows of each table.
  @discardableResult
  public func export(
    _ write: ([UInt8]) throws(StoreError) -> Void
  ) throws(StoreError) -> [String: Int] {
    try read { db in
      let counts = try Self.counts(db, condition: Self.exported)
      let schema = try Self.number(db)
      var bytes = Array(
        ("{\"format\":\"\(Self.exportFormat)\",\"schema\":\(schema),\"rows\":{"
          + Self.exportedTables.map { "\"\($0)\":\(counts[$0] ?? 0)" }.joined(separator: ",")
          + "}}\n").utf8)
      for table in Self.exportedTables {
        let columns = try Self.columns(of: table, db)
        let names = columns.enumerated().map { index, name in
          Array(((index == 0 ? "{\"" : ",\"") + name + "\":").utf8)
        }
        let head = Array("{\"table\":\"\(table)\",\"row\":".utf8)
        let rows = try db.makeStatement(
          sql: "SELECT \(columns.joined(separator: ", ")) FROM \(table)" + Self.exported(table)
            + " ORDER BY " + Self.order(of: table, db))
        // Without GRDB's rows: they end a text at its first NUL.
        let statement = rows.sqliteStatement
        var code = sqlite3_step(statement)
        while code == SQLITE_ROW {
          bytes += head
          for index in columns.indices {
            bytes += names[index]
            Self.write(statement, Int32(index), to: &bytes)
          }
          bytes += "}}\n".utf8
          if bytes.count >= 1 << 18 {
            try write(bytes)
            bytes.removeAll(keepingCapacity: bytes.count < 1 << 20)
          }
          code = sqlite3_step(statement)
        }
        sqlite3_reset(statement)
        guard code == SQLITE_DONE else {
          throw DatabaseError(resultCode: ResultCode(rawValue: code))
        }
      }
      try write(bytes)
      return counts
    }
  }

  private static func write(
    _ statement: OpaquePointer, _ column: Int32, to bytes: inout [UInt8]
  ) {
    func content(_ start: UnsafePointer<UInt8>?) -> UnsafeBufferPointer<UInt8> {
      UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column)))
    }
    switch sqlite3_column_type(statement, column) {
    case SQLITE_NULL: bytes += "null".utf8
    case SQLITE_INTEGER: bytes += String(sqlite3_column_int64(statement, column)).utf8
    case SQLITE_TEXT:
      JSONFields.write(utf8: content(sqlite3_column_text(statement, column)), to: &bytes)
    default:
      let start = sqlite3_column_blob(statement, column)
      let text = Data(content(start?.assumingMemoryBound(to: UInt8.self))).base64EncodedString()
      bytes += "{\"base64\":\"\(text)\"}".utf8
    }
  }

  private static func exported(_ table: String) -> String {
    table == "meta" ? " WHERE NOT (\(staying))" : ""
  }

  /// Without those that are computed.
  private static func columns(of table: String, _ db: Database) throws -> [String] {
    try String.fetchAll(
      db, sql: "SELECT name FROM pragma_table_info(?) ORDER BY cid", arguments: [table])
  }

  /// As the rows were made, where that is known: what is put back in this order is read in it.
  private static func order(of table: String, _ db: Database) throws -> String {
    let hasNoRowID = try Bool.fetchOne(
      db, sql: "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?",
      arguments: [table])
    guard hasNoRowID == true else { return "rowid" }
    return try String.fetchAll(
      db, sql: "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", arguments: [table]
    ).joined(separator: ", ")
  }

  static func counts(
    _ db: Database, condition: (String) -> String = { _ in "" }
  ) throws -> [String: Int] {
    var counts: [String: Int] = [:]
    for table in exportedTables {
      counts[table] = try Int.fetchOne(
        db, sql: "SELECT count(*) FROM \(table)" + condition(table))
    }
    return counts
  }

  // MARK: In

  /// Puts all rows of an export into a store that has none, in one transaction.
  ///
  /// Their words pass this store's redactor, as nobody knows who wrote the file; all else in them stays
  /// as it is.
  ///
  /// - Parameters:
  ///   - schema: The export's.
  ///   - counts: The rows that the export says it has: one that was cut off has fewer.
  ///   - next: Gives the next row; nil is the end.
  /// - Throws: ``StoreError``: `exists` if the store has rows; `invalid` for a row that does not
  ///   fit; `schemaTooNew`, `schemaTooOld`. Nothing has changed then.
  public func putBack(
    schema: Int, counts: [String: Int], _ next: () throws(StoreError) -> ExportedRow?
  ) throws(StoreError) {
    try write { db in
      let known = try Self.number(db)
      guard schema <= known else { throw Self.tooNew(schema, known: known, of: "the export") }
      guard schema == known else {
        throw StoreError(
          .schemaTooOld, "the export has schema \(schema), this build reads \(known)",
          hint: "put it back with the memoryd that wrote it, then `memoryd status` of this one "
            + "brings that store up to date; nothing was changed")
      }
      guard try Self.isEmpty(db) else {
        throw StoreError(
          .exists,
          "the store at \(path) is not empty, and an export is not mixed with another store",
          hint: "give an empty folder with --home DIR, or put a backup in the store's place with "
            + "`memoryd restore`; nothing was changed")
      }
      try db.execute(sql: "DELETE FROM meta WHERE key NOT IN (\(Self.erasureKeys))")
      var inserts: [String: (columns: [String], statement: BulkStatement)] = [:]
      for table in Self.exportedTables {
        let columns = try Self.columns(of: table, db)
        // What the entries have already, triggers leave alone; a row of the export that is left
        // out for that is noticed below.
        inserts[table] = (
          columns,
          try BulkStatement(
            db,
            "INSERT OR IGNORE INTO \(table) (\(columns.joined(separator: ", "))) VALUES ("
              + columns.map { _ in "?" }.joined(separator: ", ") + ")")
        )
      }
      var found: [String: Int] = [:]
      try DeferredIndex.use(db) { _ in
        while let row = try next() {
          guard let insert = inserts[row.table] else {
            throw StoreError(.invalid, "there is no table \(row.table)")
          }
          guard insert.columns.count == row.values.count,
            insert.columns.allSatisfy({ row.values[$0] != nil })
          else { throw StoreError(.invalid, "the columns are not those of \(row.table)") }
          for (index, column) in insert.columns.enumerated() {
            let position = Int32(index + 1)
            switch row.values[column] {
            case .integer(let value): insert.statement.bind(position, value)
            case .text(let value) where Self.words.contains(column):
              // Nobody knows who wrote the file. JSON keeps its structure.
              let isJSON = value.hasPrefix("{") || value.hasPrefix("[")
              insert.statement.bind(
                position, isJSON ? redactor.redact(json: value) : redactor.redact(value))
            case .text(let value): insert.statement.bind(position, value)
            case .blob(let value): insert.statement.bind(position, blob: value)
            case .null, nil: insert.statement.bind(position, nil as Int64?)
            }
          }
          do {
            try insert.statement.run()
          } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            throw StoreError(.invalid, "the row does not fit into \(row.table)")
          }
          guard db.changesCount == 1 else {
            throw StoreError(.invalid, "the row does not fit into \(row.table), or is there twice")
          }
          found[row.table, default: 0] += 1
        }
      }
      for table in Self.exportedTables where found[table] ?? 0 != counts[table] ?? 0 {
        throw StoreError(
          .invalid,
          "the export is not whole: of \(counts[table] ?? 0) rows of \(table) it has "
            + "\(found[table] ?? 0)", hint: "nothing was changed")
      }
      try Self.markRestored(db)
    }
  }

  /// Whether nobody has stored anything.
  public func isEmpty() throws(StoreError) -> Bool { try read { try Self.isEmpty($0) } }

  static func isEmpty(_ db: Database) throws -> Bool {
    for table in exportedTables where table != "meta" {
      if try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM \(table))") == true {
        return false
      }
    }
    return true
  }

  /// The store that these rows come from may have sent what waits in the outbox since. A lease older
  /// than any says that there was another sync, of which no witness here knows: the next sync looks
  /// first (``acquireLease(at:takesOver:witness:isForeign:lag:)``).
  static func markRestored(_ db: Database) throws {
    try setMeta("sync_lease", "\(ULID(high: 0, low: 0)) 0", db)
  }
}
