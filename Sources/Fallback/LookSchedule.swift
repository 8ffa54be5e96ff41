import Foundation

/// When the vault may be read again to see what became of lost answers: once a lag, then less and
/// less often. A read costs something there (vault-mcp writes checkpoints of its own by the number
/// of calls), and one that settled nothing will hardly settle more a second later. Kept in the store,
/// so that all processes share it. Pure.
struct LookSchedule: Codable, Sendable, Equatable {
  /// Reads in a row, each begun late enough, that left a row as unclear as before.
  private var failures = 0
  /// Unix ms.
  private(set) var notBefore: Int64 = 0

  /// Ms.
  private static let firstPause: Int64 = 1000
  static let longestPause: Int64 = 3_600_000

  /// - Parameter now: Unix ms.
  func isDue(at now: Int64) -> Bool {
    // A time that is further away than any pause comes from a clock that was set back.
    notBefore <= now || notBefore - now > 2 * Self.longestPause
  }

  /// An answer was lost; its own look is due at `time`, whatever stuck before.
  mutating func noteLoss(lookAfter time: Int64) {
    notBefore = min(notBefore, time)
  }

  /// A read is over.
  ///
  /// - Parameters:
  ///   - unclear: For each row that it did not settle, when a look at it can tell; Unix ms.
  ///   - lag: Ms.
  mutating func noteLook(unclear: [Int64], at now: Int64, lag: Int64) {
    guard !unclear.isEmpty else {
      self = LookSchedule()
      return
    }
    if let next = unclear.filter({ $0 > now }).min() {
      // It was too early to tell; nothing speaks against the read.
      notBefore = next
    } else {
      failures = min(failures + 1, 30)
      let pause = max(Self.firstPause, lag) << Int64(failures - 1)
      notBefore = now + min(Self.longestPause, pause)
    }
  }
}

/// The schedules of both reads.
struct LookSchedules: Codable, Sendable, Equatable {
  /// Of the list of tasks.
  var tasks = LookSchedule()
  /// Of checkpoints and decisions.
  var backup = LookSchedule()

  init() {}

  /// From what the store keeps; anything else is a fresh start.
  init(_ text: String?) {
    guard let text, let kept = try? JSONDecoder().decode(Self.self, from: Data(text.utf8)) else {
      return
    }
    self = kept
  }

  var text: String {
    (try? JSONEncoder().encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}
