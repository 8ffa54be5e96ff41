/// The moment by which a command must be done.
package struct Deadline: Sendable {

  private let end: ContinuousClock.Instant
  private let start = ContinuousClock.now

  package init(milliseconds: Int) {
    end = .now + .milliseconds(milliseconds)
  }

  /// Ms that are left; negative once it has passed.
  var remaining: Int { Self.milliseconds(end - .now) }

  /// True when less than so many ms are left.
  func isWithin(_ milliseconds: Int) -> Bool { remaining < milliseconds }

  /// Microseconds since the command began.
  var elapsedMicroseconds: Int64 {
    let elapsed = (ContinuousClock.now - start).components
    return elapsed.seconds * 1_000_000 + elapsed.attoseconds / 1_000_000_000_000
  }

  private static func milliseconds(_ duration: Duration) -> Int {
    let parts = duration.components
    return Int(parts.seconds) * 1000 + Int(parts.attoseconds / 1_000_000_000_000_000)
  }
}
