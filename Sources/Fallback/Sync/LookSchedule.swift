import Core

/// When the vault may be read again to see what became of writes: once a lag, then less and less
/// often. A read costs something there (vault-mcp writes checkpoints of its own by the number of
/// calls), and one that settled nothing will hardly settle more a second later. Kept in the store, so
/// that all processes share it. Pure.
struct LookSchedule: JSONRecord, Sendable, Equatable {
  /// Reads in a row, each begun late enough, that left a row as unclear as before.
  private var failures = 0
  /// Unix ms before which rows that a look has not settled are not looked at again.
  private(set) var notBefore: Int64 = 0
  /// Unix ms at which the last look began.
  private var lookedAt: Int64 = 0

  private static let firstPause = Duration.seconds(1)
  static let longestPause = Duration.seconds(3600)

  static var empty: Self { Self() }

  mutating func code(_ coder: inout JSONCoder) {
    coder.field("failures", &failures)
    coder.field("notBefore", &notBefore)
    coder.field("lookedAt", &lookedAt)
  }

  /// - Parameter now: Unix ms.
  func isDue(at now: Int64) -> Bool {
    // A time that is further away than any pause comes from a clock that was set back.
    notBefore <= now || notBefore - now > 2 * Self.longestPause.milliseconds
  }

  /// True for a row that no look has seen since it can be told: it has one of its own.
  ///
  /// - Parameter ripe: Unix ms from which on a look at the row can tell.
  func isNew(ripe: Int64, at now: Int64) -> Bool {
    ripe <= now && (ripe > lookedAt || lookedAt > now)
  }

  /// A read is over, whatever it gave.
  ///
  /// - Parameters:
  ///   - unclear: For each row that it did not settle, when a look at it can tell; Unix ms.
  ///   - began, now: Unix ms.
  ///   - lag: For which the vault's lists may not show a write.
  mutating func noteLook(unclear: [Int64], began: Int64, now: Int64, lag: Duration) {
    lookedAt = began
    // Too early to tell speaks neither for nor against the read.
    guard unclear.contains(where: { $0 <= began }) else {
      failures = 0
      notBefore = unclear.min() ?? 0
      return
    }
    failures = min(failures + 1, 30)
    let pause = max(Self.firstPause, lag) * (1 << min(20, failures - 1))
    notBefore = now + min(Self.longestPause, pause).milliseconds
  }

  /// When a row that waits for a look gets one.
  func next(ripe: Int64) -> Int64 { ripe > lookedAt ? ripe : notBefore }
}

/// The schedules of what is looked up.
struct LookSchedules: JSONRecord, Sendable, Equatable {
  /// In the list of tasks.
  var tasks = LookSchedule()
  /// Among checkpoints and decisions.
  var backup = LookSchedule()
  /// Rows of which a person was told, and that a later read may still show.
  var uncertain = LookSchedule()

  init() {}

  /// From what the store keeps; anything else is a fresh start.
  init(_ text: String?) {
    self = text.flatMap { Self.decoded(from: $0) } ?? Self()
  }

  static var empty: Self { Self() }

  mutating func code(_ coder: inout JSONCoder) {
    coder.field("tasks", &tasks)
    coder.field("backup", &backup)
    coder.field("uncertain", &uncertain)
  }

  var text: String { encoded() }
}
