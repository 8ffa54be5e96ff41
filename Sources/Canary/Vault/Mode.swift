/// How memoryd works for a session.
public enum Mode: String, Sendable {
  /// The vault answers.
  case normal
  /// A vault is configured and does not answer.
  case degraded
  /// No vault is configured.
  case standalone
}

/// Why a mode is not normal.
public enum ModeReason: String, Sendable {
  case unreachable, timeout, tls, unauthorized
  case rateLimited = "rate_limited"
  case redirect
  case serverError = "server_error"
  case notMCP = "not_mcp"
  case `protocol`
  case toolError = "tool_error"
  case misconfigured
}

/// What the canary found.
public struct CanaryVerdict: Sendable, Equatable {
  public var mode: Mode
  public var reason: ModeReason?
  /// One sentence for a person.
  public var detail: String
  /// Of its answer.
  public var latency: Duration?
  /// Unix time in ms.
  public var checkedAt: Int64
  /// Unix ms at which the mode began.
  public var since: Int64

  public init(
    mode: Mode, reason: ModeReason? = nil, detail: String, latency: Duration? = nil,
    checkedAt: Int64, since: Int64
  ) {
    self.mode = mode
    self.reason = reason
    self.detail = detail
    self.latency = latency
    self.checkedAt = checkedAt
    self.since = since
  }

  /// The verdict where no vault is configured: there is nothing to ask.
  public static func standalone(at instant: Int64) -> CanaryVerdict {
    CanaryVerdict(
      mode: .standalone,
      detail: "no vault is configured; everything is kept in the local store",
      checkedAt: instant, since: instant)
  }
}
