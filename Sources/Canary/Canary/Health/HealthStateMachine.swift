import Core
public import Vault

/// Decides the mode from what calls of the vault give. Pure: time and chance come in as values.
///
/// - A probe (`task list`) is a whole proof: it settles the mode either way.
/// - Any other call that was certainly not taken (refused connection, refused token) is one too. A
///   lost answer is none: the vault may be well, and the next probe tells.
/// - While degraded, background work probes only when the backoff is over, and the process that
///   takes the probe moves it on, so that one asks and the others wait (half-open).
public enum HealthStateMachine {
  public enum Observation: Sendable, Equatable {
    case probeSucceeded(latency: Duration)
    case probeFailed(VaultFailure)
    /// A call that is no probe failed; one that succeeds proves nothing of the others.
    case callFailed(VaultFailure)
  }

  /// What the state has become, and whether the mode changed.
  public struct Step: Sendable, Equatable {
    public var health: VaultHealth
    public var changedMode: Bool
  }

  /// Doubled with each failure in a row.
  static let firstBackoff = Duration.seconds(1)
  static let longestBackoff = Duration.seconds(300)

  /// - Parameters:
  ///   - health: Nil if nothing is known yet.
  ///   - vault: The id of the vault that was asked.
  ///   - now: Unix ms.
  ///   - jitter: From 0 to 1, so that many processes do not come back in step.
  ///   - time: Writes a time for `degraded.log`.
  public static func observe(
    _ observation: Observation, health: VaultHealth?, vault: String, now: Int64, jitter: Double,
    time: (Int64) -> String
  ) -> Step {
    var next =
      health.flatMap { $0.vault == vault ? $0 : nil }
      ?? VaultHealth(vault: vault, mode: .standalone, detail: "", at: now)
    let before = next.mode
    switch observation {
    case .probeSucceeded(let latency):
      next.checkedAt = now
      next.latency = .milliseconds(latency.milliseconds)
      next.successes += 1
      if next.successes >= 2 { next.failures = 0 }
      next.nextProbeAt = now
      next.retryAt = nil
      if before != .normal {
        let reason = next.reason?.rawValue ?? "unknown"
        if before == .degraded { next.unlogged.append("\(time(now)) left \(reason) vault answers") }
        next.since = now
        next.mode = .normal
      }
      next.reason = nil
      next.detail = "the vault answers"
    case .probeFailed(let failure):
      fail(&next, failure, now: now, jitter: jitter)
      degrade(&next, failure, now: now, time: time)
    case .callFailed(let failure):
      // One odd answer among good ones is that call's own affair.
      if failure.isAboutThisCall { break }
      let isCertain = failure.delivery == .notApplied && !failure.isLostAnswer
      if before == .degraded || isCertain {
        fail(&next, failure, now: now, jitter: jitter)
        degrade(&next, failure, now: now, time: time)
      } else if let wait = failure.retryAfter {
        next.retryAt = now + wait.milliseconds
      }
    }
    // The first verdict of all is no change, unless it is a bad one.
    let changed = before == .standalone ? next.mode == .degraded : next.mode != before
    if changed { next.transitions += 1 }
    return Step(health: next, changedMode: changed)
  }

  private static func fail(
    _ health: inout VaultHealth, _ failure: VaultFailure, now: Int64, jitter: Double
  ) {
    health.successes = 0
    health.failures += 1
    let doubled = min(longestBackoff, firstBackoff * (1 << min(20, health.failures - 1)))
    let half = (doubled / 2).milliseconds
    health.nextProbeAt = now + half + Int64(Double(half) * min(1, max(0, jitter)))
    if let wait = failure.retryAfter { health.retryAt = now + wait.milliseconds }
  }

  private static func degrade(
    _ health: inout VaultHealth, _ failure: VaultFailure, now: Int64, time: (Int64) -> String
  ) {
    health.checkedAt = now
    health.latency = nil
    if health.mode != .degraded {
      health.since = now
      health.mode = .degraded
      health.unlogged.append(
        "\(time(now)) entered \(failure.reason.rawValue) \(failure.detail)")
    }
    health.reason = failure.reason
    health.detail = failure.detail
  }

  // MARK: Who may ask

  public enum Asker: Sendable {
    /// A command that a person typed, or a session start.
    case person
    /// Work that nobody waits for.
    case background
  }

  /// - Returns: How long to wait before asking; zero to ask now.
  public static func wait(_ health: VaultHealth?, asker: Asker, now: Int64) -> Duration {
    guard let health else { return .zero }
    var wait = Duration.zero
    if let until = health.retryAt { wait = bounded(until - now, RetryAfter.longest) }
    if asker == .background, health.mode == .degraded {
      wait = max(wait, bounded(health.nextProbeAt - now, longestBackoff))
    }
    return wait
  }

  /// A clock that was set back must not lock the vault out for days.
  ///
  /// - Parameter milliseconds: Until the time that is noted.
  private static func bounded(_ milliseconds: Int64, _ longest: Duration) -> Duration {
    let wait = Duration.milliseconds(milliseconds)
    return wait > longest ? .zero : max(.zero, wait)
  }

  /// Takes the probe for this process: others wait until it must have ended.
  public static func claimProbe(
    _ health: VaultHealth, now: Int64, timeout: Duration
  ) -> VaultHealth {
    var health = health
    health.nextProbeAt = now + timeout.milliseconds
    return health
  }
}
