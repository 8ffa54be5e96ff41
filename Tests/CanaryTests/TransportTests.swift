import AsyncHTTPClient
import NIOHTTP1
import NIOSSL
import TestSupport
import Testing

@testable import Vault

@Suite(.blocking) struct RetryAfterTests {
  private static let date = "Wed, 21 Oct 2026 07:28:00 GMT"

  @Test(
    arguments: [
      (nil, nil), ("0", 0), ("7", 7000), (" 7 ", 7000), ("3600", 3_600_000), ("3601", 3_600_000),
      ("9223372036854775807", 3_600_000), ("-9223372036854775808", 0), ("-5", 0), ("1.5", nil),
      ("soon", nil), ("", nil), ("99999999999999999999", nil), ("2026-10-21T07:28:00Z", nil),
    ] as [(String?, Int64?)])
  func seconds_areGiven_andForAnHourAtMost(text: String?, expected: Int64?) {
    var headers = HTTPHeaders()
    if let text { headers.add(name: "Retry-After", value: text) }
    #expect(RetryAfter.wait(headers) == expected.map { .milliseconds($0) })
  }

  @Test(
    arguments: [
      ("Wed, 21 Oct 2026 07:28:00 GMT", 0), ("Wed, 21 Oct 2026 07:28:09 GMT", 9000),
      ("Wed, 21 Oct 2026 07:27:00 GMT", 0), ("Wed, 21 Oct 2026 09:00:00 GMT", 3_600_000),
      ("Fri, 31 Dec 9999 23:59:59 GMT", 3_600_000),
    ] as [(String, Int64)])
  func date_isAgainstTheServersOwnClock(text: String, expected: Int64) {
    let headers = HTTPHeaders([("retry-after", text), ("Date", Self.date)])
    #expect(RetryAfter.wait(headers) == .milliseconds(expected))
  }

  @Test func date_whenTheServerHasNoClock_isAgainstOurs() {
    #expect(RetryAfter.wait(["Retry-After": "Tue, 01 Jan 2019 00:00:00 GMT"]) == .zero)
    #expect(
      RetryAfter.wait(["Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT", "Date": "noon"])
        == RetryAfter.longest)
  }

  /// A server may say anything; nothing that it says may end the process.
  @Test(arguments: [
    "Wed, 21 Oct 99999999 07:28:00 GMT", "Wed, 21 Oct 999999999999999999 07:28:00 GMT",
    "Wed, 99 Oct 2026 99:99:99 GMT",
  ])
  func date_whenItIsBeyondAllBounds_isBounded(text: String) {
    let headers = HTTPHeaders([("retry-after", text), ("date", Self.date)])
    #expect((.zero...RetryAfter.longest).contains(RetryAfter.wait(headers) ?? .zero))
  }
}

@Suite(.blocking) struct HTTPTransportAnswerTests {
  private func answer(_ headers: HTTPHeaders) -> HTTPTransport.Answer {
    HTTPTransport.Answer(status: 200, headers: headers, body: [])
  }

  @Test(arguments: [
    ("application/json", "application/json"),
    ("Application/JSON; charset=utf-8", "application/json"),
    ("text/event-stream ;x", "text/event-stream"), ("", ""), (";", ""),
  ])
  func contentType_isWithoutItsParameters(header: String, expected: String) {
    #expect(answer(["content-type": header]).contentType == expected)
    #expect(answer([:]).contentType.isEmpty)
  }

  @Test(
    arguments: [
      ([], nil), (["identity"], nil), ([""], nil), (["gzip"], "gzip"), (["GZIP"], "gzip"),
      (["identity, br"], "br"), (["identity", "zstd"], "zstd"), (["gzip, br"], "gzip"),
      ([String(repeating: "x", count: 99)], String(repeating: "x", count: 20)),
    ] as [([String], String?)])
  func coding_isTheFirstThatChangesTheBody(values: [String], expected: String?) {
    let headers = HTTPHeaders(values.map { ("Content-Encoding", $0) })
    #expect(answer(headers).coding == expected)
  }
}

@Suite(.blocking) struct TLSProblemTests {
  private static let untrusted =
    "the vault's certificate is not trusted: it has expired, or none of the authorities known here "
    + "has signed it"

  @Test(
    arguments: [
      (
        NIOSSLExtraError.failedToValidateHostname,
        "the vault's certificate is for another host name"
      ),
      (
        NIOSSLExtraError.serverHostnameImpossibleToMatch,
        "the vault's certificate is for another host name"
      ),
      (NIOSSLError.noCertificateToValidate, "the vault shows no certificate"),
      (NIOSSLError.unableToValidateCertificate, untrusted),
      (NIOSSLError.handshakeFailed(.syscallError), "the vault broke the TLS handshake off"),
      (NIOSSLError.handshakeFailed(.zeroReturn), "the TLS handshake with the vault failed"),
      (NIOSSLError.handshakeFailed(.sslError([])), "the TLS handshake with the vault failed"),
    ] as [(any Error, String)])
  func handshake_whenItFails_meansThatNothingWasSent(error: any Error, detail: String) {
    #expect(
      TLSProblem.failure(error, isAnswered: false)
        == VaultFailure(.tls, detail, delivery: .notApplied))
  }

  @Test(
    arguments: [
      NIOSSLError.uncleanShutdown, NIOSSLError.readInInvalidTLSState, BoringSSLError.syscallError,
      NIOSSLExtraError.unknownPrivateKeyFileType,
    ] as [any Error])
  func connection_whenItBreaksBeforeTheAnswer_leavesTheWriteInDoubt(error: any Error) {
    #expect(
      TLSProblem.failure(error, isAnswered: false)
        == VaultFailure(.tls, "the TLS connection broke off before an answer came"))
  }

  @Test(
    arguments: [
      NIOSSLError.uncleanShutdown, NIOSSLError.unableToValidateCertificate,
    ] as [any Error])
  func connection_whenItBreaksWithinTheAnswer_leavesTheWriteInDoubt(error: any Error) {
    #expect(
      TLSProblem.failure(error, isAnswered: true)
        == VaultFailure(.tls, "the TLS connection broke off"))
  }
}

@Suite(.blocking) struct VaultProxyTests {
  private func proxy(
    _ setting: String = "", _ environment: [String: String] = [:],
    url: String = "https://vault.example.org/mcp"
  ) throws -> VaultProxy? {
    try VaultProxy.chosen(for: url, setting: setting, environment: environment)
  }

  @Test(arguments: [
    ("http://p.example.org:3128", "http://p.example.org:3128"),
    ("p.example.org:3128", "http://p.example.org:3128"),
    ("p.example.org", "http://p.example.org:80"),
    ("HTTP://p.example.org/path", "http://p.example.org:80"),
    ("socks5://p.example.org", "socks5://p.example.org:1080"),
    ("socks5h://p.example.org:9", "socks5://p.example.org:9"),
    ("socks://p.example.org", "socks5://p.example.org:1080"),
    ("http://user:word@p.example.org:8", "http://p.example.org:8"),
  ])
  func origin_isSchemeHostAndPort_withoutTheUser(setting: String, origin: String) throws {
    #expect(try proxy(setting)?.origin == origin)
  }

  @Test(arguments: [
    ("https://p.example.org", "names a proxy that is called over TLS, which memoryd cannot do"),
    ("ftp://p.example.org", "must begin with http:// or socks5://"),
    ("http://", "is no URL of a proxy, as in http://proxy.example.org:3128"),
    ("http://p.example.org:0", "has no valid port"),
    ("http://p.example.org:70000", "has no valid port"),
    ("socks5://u:pass@p.example.org", "has a user, which memoryd cannot give to SOCKS"),
  ])
  func setting_whenItIsNoProxy_saysWhatIsWrong(setting: String, complaint: String) throws {
    let failure = try #require(throws: VaultFailure.self) { try proxy(setting) }
    #expect(
      failure == VaultFailure(.misconfigured, "vault.proxy \(complaint)", delivery: .notApplied))
  }

  @Test func variable_whenItIsNoProxy_isNamed() throws {
    let failure = try #require(throws: VaultFailure.self) {
      try proxy("", ["HTTPS_PROXY": "ftp://p.example.org"])
    }
    #expect(failure.detail.hasPrefix("HTTPS_PROXY "))
  }

  @Test(
    arguments: [
      (["https_proxy": "small.example.org", "HTTPS_PROXY": "big.example.org"], "small"),
      (["https_proxy": "", "HTTPS_PROXY": "big.example.org"], "big"),
      (["https_proxy": "one.example.org", "all_proxy": "all.example.org"], "one"),
      (["http_proxy": "other.example.org", "all_proxy": "all.example.org"], "all"),
      (["http_proxy": "other.example.org"], nil),
      (["https_proxy": "one.example.org", "no_proxy": "example.org"], nil),
      (["https_proxy": "one.example.org", "NO_PROXY": "vault.example.org:443"], nil),
      (["https_proxy": "one.example.org", "no_proxy": "vault.example.org:80"], "one"),
    ] as [([String: String], String?)])
  func environment_isReadAsMostToolsReadIt(environment: [String: String], host: String?) throws {
    #expect(
      try proxy("", environment)?.origin == host.map { "http://\($0).example.org:80" })
  }

  @Test func credentials_goToTheProxyAlone_andAreSecret() throws {
    let chosen = try #require(try proxy("http://user:pass-word@p.example.org:3128"))
    let configuration = chosen.configuration
    #expect(configuration.host == "p.example.org" && configuration.port == 3128)
    // user:pass-word
    #expect(configuration.authorization == .basic(credentials: "dXNlcjpwYXNzLXdvcmQ="))
    #expect(chosen.secrets == ["pass-word"])
    // So short a word would be blotted out in every other text.
    #expect(try proxy("http://user:abc@p.example.org")?.secrets == [])
    #expect(try proxy("http://p.example.org")?.configuration.authorization == nil)
  }

  @Test func address_whenItHasBrackets_isGivenWithoutThem() throws {
    let configuration = try #require(try proxy("http://[2001:db8::1]:3128")).configuration
    #expect(configuration.host == "2001:db8::1" && configuration.port == 3128)
  }
}
