import Core
import GRDB

/// Statements that a connection keeps once they are prepared: preparing costs several times what a
/// small statement then does. For SQL of a few fixed forms only, since none is ever let go.
extension Database {
  func execute(cached sql: String, arguments: StatementArguments = []) throws {
    try cachedStatement(sql: sql).execute(arguments: arguments)
  }
}

// Row by row, as GRDB's own functions for a whole result are generic over the type of a cursor: a short
// process would look those types up and use them once.

extension Row {
  static func fetchAll(
    _ db: Database, cached sql: String, arguments: StatementArguments = []
  ) throws -> [Row] {
    let cursor = try fetchCursor(db.cachedStatement(sql: sql), arguments: arguments)
    var rows: [Row] = []
    while let row = try cursor.next() { rows.append(row.copy()) }
    return rows
  }

  static func fetchOne(
    _ db: Database, cached sql: String, arguments: StatementArguments = []
  ) throws -> Row? {
    let cursor = try fetchCursor(db.cachedStatement(sql: sql), arguments: arguments)
    // A row is that of its cursor, which clears it when it goes.
    return try withExtendedLifetime(cursor) { try cursor.next()?.copy() }
  }
}

extension DatabaseValueConvertible where Self: StatementColumnConvertible {
  static func fetchAll(
    _ db: Database, cached sql: String, arguments: StatementArguments = []
  ) throws -> [Self] {
    let cursor = try Row.fetchCursor(db.cachedStatement(sql: sql), arguments: arguments)
    var values: [Self] = []
    while let row = try cursor.next() {
      guard let value = row[0] as Self? else {
        throw StoreError(.inputOutput, "the store has no value where one should be")
      }
      values.append(value)
    }
    return values
  }

  static func fetchOne(
    _ db: Database, cached sql: String, arguments: StatementArguments = []
  ) throws -> Self? {
    let cursor = try Row.fetchCursor(db.cachedStatement(sql: sql), arguments: arguments)
    return try withExtendedLifetime(cursor) { try cursor.next().flatMap { $0[0] } }
  }
}
