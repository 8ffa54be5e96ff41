/// Why a call of the vault gave no result, and what that means for a write.
public struct VaultFailure: Error, Sendable, Equatable {
  /// What is known of a write whose call failed.
  public enum Delivery: Sendable, Equatable {
    /// It cannot have been carried out: it may be sent again as it is.
    case notApplied
    /// It may have been carried out: look before it is sent again.
    case unknown
    /// The server refuses these arguments, and always will.
    case refused
  }

  public var reason: ModeReason
  /// One sentence for a person, without secrets.
  public var detail: String
  public var delivery: Delivery
  /// For how long the vault asks to be left alone.
  public var retryAfter: Duration?
  /// True if the server answered for this call alone, so that the vault as a whole is fine.
  public var isAboutThisCall: Bool

  /// This process had no time left to ask: it says nothing of the vault.
  public static let outOfTime = VaultFailure(
    .timeout, "no time was left to ask the vault", delivery: .notApplied)

  /// True if the way there or back broke, which says little of the vault. Also of a handshake, for
  /// which no write was sent.
  public var isLostAnswer: Bool { isLost && retryAfter == nil }
  private let isLost: Bool

  /// True if the server does not have the tool.
  public var isUnknownTool: Bool {
    let text = detail.lowercased()
    return isAboutThisCall
      && (text.contains("unknown tool") || (text.contains("tool ") && text.contains(" not found")))
  }

  public init(
    _ reason: ModeReason, _ detail: String, delivery: Delivery = .unknown,
    retryAfter: Duration? = nil, isAboutThisCall: Bool = false
  ) {
    self.reason = reason
    self.detail = detail
    self.delivery = delivery
    self.retryAfter = retryAfter
    self.isAboutThisCall = isAboutThisCall
    isLost =
      delivery == .unknown && !isAboutThisCall
      && [.unreachable, .timeout, .protocol, .serverError].contains(reason)
  }
}
