/// The moment by which a command must be done.
package struct Deadline: Sendable {
  private let end: ContinuousClock.Instant
  private let start = ContinuousClock.now

  /// - Parameter time: How long the command may take from now on.
  package init(in time: Duration) {
    end = .now + time
  }

  /// Negative once it has passed.
  package var remaining: Duration { end - .now }

  /// True when less than so much time is left.
  func isWithin(_ time: Duration) -> Bool { remaining < time }

  /// Microseconds since the command began.
  package var elapsedMicroseconds: Int64 {
    let elapsed = (ContinuousClock.now - start).components
    return elapsed.seconds * 1_000_000 + elapsed.attoseconds / 1_000_000_000_000
  }
}
