import CSQLite
import Core

/// Sessions by number, so that what is compared a thousand times for each search is no text.
struct SearchSessions {
  private(set) var names: [SessionID] = []
  private var numbers: [SessionID: Int] = [:]
  private var last = 0

  /// - Parameter row: A statement that stands on a row.
  mutating func number(_ row: OpaquePointer, _ column: Int32) -> Int? {
    guard let text = sqlite3_column_text(row, column) else { return nil }
    let bytes = UnsafeRawBufferPointer(start: text, count: Int(sqlite3_column_bytes(row, column)))
    // Rows beside each other mostly are of one session.
    if last < names.count, names[last].rawValue.utf8.elementsEqual(bytes) { return last }
    let name = SessionID(rawValue: String(decoding: bytes, as: UTF8.self))
    last = numbers[name, default: names.count]
    if last == names.count {
      names.append(name)
      numbers[name] = last
    }
    return last
  }
}
