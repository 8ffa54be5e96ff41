import Continuity
import Core
import Logging
import MemoryStore

/// Keeps the store well: mends and renews its index, and overwrites what was dropped.
struct StoreCare {
  /// Steps of some 50 ms in each look, while there is an index to be renewed.
  private static let renewals = 4
  /// Of each look, for the overwriting of what was dropped; and to the next try after it failed.
  private static let erasureTime = Duration.milliseconds(200)
  private static let erasurePause = Duration.seconds(60)

  let context: DaemonContext
  let log: Logger

  /// What the store's files looked like at the last look.
  private var seen: [RegularFile.Facts?] = []
  /// When what was dropped is overwritten again, after that failed, Unix ms.
  private var nextErasure: Int64 = 0

  init(context: DaemonContext, log: Logger) {
    self.context = context
    self.log = log
  }

  /// - Returns: True if somebody wrote to the store since the last look.
  mutating func noteChanges(_ service: MemoryService) -> Bool {
    let path = service.context.home.database
    let now = [RegularFile.facts(path), RegularFile.facts(path + "-wal")]
    defer { seen = now }
    return seen != now
  }

  /// Mends what was found damaged, and goes on with an index that is being renewed.
  func mend(_ service: MemoryService, _ database: MemoryDatabase) throws(StoreError) {
    if let damage = database.drainDamage(), damage.isDamage {
      log.warning("damage was met", metadata: ["code": "\(damage.code.rawValue)"])
      service.store.mendIndex(because: damage, database)
    }
    // A few steps a second, so that the machine stays free.
    for _ in 0..<Self.renewals where !context.isStopping {
      guard try database.renewIndex() else { break }
    }
  }

  /// What is left of texts that were replaced or dropped.
  mutating func overwriteDropped(_ database: MemoryDatabase, at now: Int64) {
    guard !context.isStopping, now >= nextErasure else { return }
    do throws(StoreError) {
      try database.payErasure(at: now, within: Self.erasureTime)
    } catch {
      log.warning("overwriting waits", metadata: ["code": "\(error.code.rawValue)"])
      nextErasure = now + Self.erasurePause.milliseconds
    }
  }
}
