import NIOSSL

/// What a failed TLS connection means, in a sentence for a person.
enum TLSProblem {
  static func failure(_ error: any Error, isAnswered: Bool) -> VaultFailure {
    if isAnswered { return VaultFailure(.tls, "the TLS connection broke off") }
    switch error {
    case let error as NIOSSLExtraError
    where error == .failedToValidateHostname || error == .serverHostnameImpossibleToMatch:
      return notShaken("the vault's certificate is for another host name")
    case NIOSSLError.handshakeFailed(let cause):
      return notShaken(sentence(of: "\(cause)"))
    case NIOSSLError.noCertificateToValidate:
      return notShaken("the vault shows no certificate")
    case NIOSSLError.unableToValidateCertificate:
      return notShaken(untrusted)
    default:
      // After the handshake: what was sent may have arrived.
      return VaultFailure(.tls, "the TLS connection broke off before an answer came")
    }
  }

  /// Nothing was sent yet.
  private static func notShaken(_ detail: String) -> VaultFailure {
    VaultFailure(.tls, detail, delivery: .notApplied)
  }

  private static let untrusted =
    "the vault's certificate is not trusted: it has expired, or none of the authorities known here "
    + "has signed it"

  /// By BoringSSL's names of reasons, which stand in its error texts.
  private static func sentence(of text: String) -> String {
    func says(_ reason: String) -> Bool { text.contains(reason) }
    if says("CERTIFICATE_VERIFY_FAILED") { return untrusted }
    if says("WRONG_VERSION_NUMBER") || says("HTTP_REQUEST") {
      return "what answers at vault.url does not speak TLS"
    }
    if says("EOF during handshake") || says("syscallError") {
      return "the vault broke the TLS handshake off"
    }
    if says("UNSUPPORTED_PROTOCOL") || says("PROTOCOL_VERSION") {
      return "the vault speaks only versions of TLS that are not safe any more"
    }
    if says("HANDSHAKE_FAILURE") || says("NO_SHARED_CIPHER") || says("NO_CIPHERS") {
      return "the vault and memoryd know no common cipher"
    }
    if says("CERTIFICATE_REQUIRED") || says("BAD_CERTIFICATE") {
      return "the vault asks for a certificate of the client, which memoryd does not have"
    }
    return "the TLS handshake with the vault failed"
  }
}
