public import Core
public import Vault

/// What all processes know of the vault: kept in the store, changed by ``HealthStateMachine`` only.
public struct VaultHealth: JSONRecord, Sendable, Equatable {
  /// ``VaultEndpoint/identity(of:authentication:)``: what is known of one vault says nothing of another.
  public var vault: String
  public var mode: Mode
  public var reason: ModeReason?
  public var detail: String
  /// Unix ms at which the mode began.
  public var since: Int64
  public var checkedAt: Int64
  /// Whole ms, as it is kept.
  public var latency: Duration?
  /// In a row, of probes and calls; forgotten only once the vault has been well for two probes, so
  /// that one that comes and goes is asked less and less often.
  public var failures = 0
  /// In a row.
  public var successes = 0
  /// Unix ms before which nothing but a person's command or a session start asks again.
  public var nextProbeAt: Int64 = 0
  /// Unix ms before which nobody asks: the vault said so.
  public var retryAt: Int64?
  /// How many times the mode has changed.
  public var transitions = 0
  /// The last transition that a session was told of.
  public var toldTransition = 0
  /// Lines that `degraded.log` does not have yet.
  public var unlogged: [String] = []

  public init(vault: String, mode: Mode, detail: String, at instant: Int64) {
    self.vault = vault
    self.mode = mode
    self.detail = detail
    since = instant
    checkedAt = instant
  }

  /// Degraded, as a mode that is not understood is none to rely on.
  package static var empty: Self { Self(vault: "", mode: .degraded, detail: "", at: 0) }

  package mutating func code(_ coder: inout JSONCoder) {
    coder.field("vault", &vault)
    coder.field("mode", &mode)
    coder.field("reason", &reason)
    coder.field("detail", &detail)
    coder.field("since", &since)
    coder.field("checkedAt", &checkedAt)
    coder.field("latencyMilliseconds", milliseconds: &latency)
    coder.field("failures", &failures)
    coder.field("successes", &successes)
    coder.field("nextProbeAt", &nextProbeAt)
    coder.field("retryAfter", &retryAt)
    coder.field("transitions", &transitions)
    coder.field("toldTransition", &toldTransition)
    coder.field("unlogged", &unlogged)
  }

  public var verdict: CanaryVerdict {
    CanaryVerdict(
      mode: mode, reason: reason, detail: detail, latency: latency,
      checkedAt: checkedAt, since: since)
  }
}
