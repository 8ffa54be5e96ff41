import CSQLite
import GRDB

/// How long texts are, from what FTS5 keeps of each: of every column its words, as a varint.
/// Source: sqlite.org/fts5.html, "FTS5 Data Structures".
struct SearchLengths {
  /// Words of title and body.
  private let average: Double

  init(_ db: Database) throws {
    var average = 1.0
    // The number of rows, and then the words of each column.
    let statement = try db.cachedStatement(sql: "SELECT block FROM entries_fts_data WHERE id = 1")
    try SearchScan.run(statement, db, []) { row in
      let (rows, title, body) = Self.varints(row, 0)
      if rows > 0, title + body > 0 { average = Double(title + body) / Double(rows) }
    }
    self.average = average
  }

  /// What a frequency in a text of this length is divided by.
  ///
  /// - Parameter row: A statement that stands on a row.
  func share(_ row: OpaquePointer, _ column: Int32) -> Double {
    let (title, body, _) = Self.varints(row, column)
    let b = SearchWeights.lengthNormalisation
    return 1 - b + b * Double(title + body) / average
  }

  /// The first three.
  private static func varints(_ row: OpaquePointer, _ column: Int32) -> (UInt64, UInt64, UInt64) {
    var found: (UInt64, UInt64, UInt64) = (0, 0, 0)
    guard let blob = sqlite3_column_blob(row, column) else { return found }
    let bytes = UnsafeRawBufferPointer(start: blob, count: Int(sqlite3_column_bytes(row, column)))
    var (number, value) = (0, UInt64(0))
    for byte in bytes {
      value = value << 7 | UInt64(byte & 0x7F)
      guard byte < 0x80 else { continue }
      switch number {
      case 0: found.0 = value
      case 1: found.1 = value
      case 2: found.2 = value
      default: return found
      }
      (number, value) = (number + 1, 0)
    }
    return found
  }
}
