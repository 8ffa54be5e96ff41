import Dispatch
import MemoryStore
import Synchronization

/// Open stores that wait for the next request: opening one costs more than a small write.
///
/// A store belongs to one request at a time, so that each keeps its own patience for locks.
package final class StorePool: Sendable {
  /// Stores with the same key know the same secrets.
  private struct Idle {
    var key: String
    var database: MemoryDatabase
  }

  private static let limit = 3
  private let idle = Mutex<[Idle]>([])

  /// - Returns: Nil if none waits that can be used as it is.
  func checkOut(path: String, key: String, busyTimeout: Duration) -> MemoryDatabase? {
    while true {
      let found: MemoryDatabase? = idle.withLock { idle in
        guard let index = idle.lastIndex(where: { $0.key == key && $0.database.path == path })
        else { return nil }
        return idle.remove(at: index).database
      }
      guard let found else { return nil }
      // Somebody put a backup in place, or moved the store away: what is open leads nowhere.
      guard found.isInPlace, found.hasKnownSchema else { continue }
      found.setBusyTimeout(busyTimeout)
      return found
    }
  }

  func checkIn(_ database: MemoryDatabase, key: String) {
    guard database.isInPlace else { return }
    idle.withLock { idle in
      if idle.count >= Self.limit { idle.removeFirst() }
      idle.append(Idle(key: key, database: database))
    }
    // Nobody's answer waits for this.
    if database.hasLongWAL { DispatchQueue.global().async { database.walCheckpoint() } }
  }

  /// Closes what nobody uses.
  package func clear() {
    let unused = idle.withLock { idle in
      defer { idle = [] }
      return idle.map(\.database)
    }
    // Whoever opens the store next need not read the log.
    unused.last?.walCheckpoint()
  }
}
