import CSQLite
import Core
import GRDB

/// A statement for thousands of rows in one transaction: values go to SQLite without being boxed
/// first, which is a third of the time of an insert here.
final class BulkStatement {
  /// Keeps `statement` alive.
  private let owner: Statement
  private let statement: OpaquePointer
  private let db: Database

  init(_ db: Database, _ sql: String) throws {
    owner = try db.cachedStatement(sql: sql)
    statement = owner.sqliteStatement
    self.db = db
  }

  deinit {
    sqlite3_reset(statement)
    sqlite3_clear_bindings(statement)
  }

  func bind(_ index: Int32, _ value: Int64?) {
    if let value {
      sqlite3_bind_int64(statement, index, value)
    } else {
      sqlite3_bind_null(statement, index)
    }
  }

  func bind(_ index: Int32, _ text: String) {
    // SQLITE_TRANSIENT: SQLite copies the bytes before the call returns.
    let copies = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    var text = text
    _ = text.withUTF8 { utf8 in
      utf8.withMemoryRebound(to: CChar.self) { bytes in
        if let start = bytes.baseAddress, !bytes.isEmpty {
          return sqlite3_bind_text(statement, index, start, Int32(bytes.count), copies)
        }
        // An empty buffer may have no address, and that would bind NULL.
        return sqlite3_bind_text(statement, index, "", 0, copies)
      }
    }
  }

  func bind(_ index: Int32, _ text: String?) {
    if let text {
      bind(index, text)
    } else {
      sqlite3_bind_null(statement, index)
    }
  }

  func bind(_ index: Int32, _ id: (some Identifier)?) { bind(index, id?.rawValue) }

  func bind(_ index: Int32, blob bytes: [UInt8]) {
    let copies = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    if bytes.isEmpty {
      sqlite3_bind_zeroblob(statement, index, 0)
    } else {
      sqlite3_bind_blob(statement, index, bytes, Int32(bytes.count), copies)
    }
  }

  /// Carries it out with the values bound last, and makes it ready for the next row.
  func run() throws {
    let code = sqlite3_step(statement)
    sqlite3_reset(statement)
    guard code == SQLITE_DONE else { throw Self.error(db, code) }
  }

  private static func error(_ db: Database, _ code: Int32) -> DatabaseError {
    DatabaseError(
      resultCode: ResultCode(rawValue: code),
      message: String(cString: sqlite3_errmsg(db.sqliteConnection)))
  }
}
