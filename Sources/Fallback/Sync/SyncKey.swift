import Core
import MemoryStore

/// What makes a second attempt of a write harmless, at a vault that promises it: the same text for
/// each attempt, and another for every other write, also of a store that was put back.
enum SyncKey {
  /// - Returns: Nil for a row that nothing tells apart from all others.
  static func of(_ row: OutboxRow) -> String? {
    guard let name = row.makesItem ? row.marker : row.requestID?.rawValue else { return nil }
    return "\(row.kind)-\(row.action)-\(name)"
  }
}
