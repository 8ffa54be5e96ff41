import Core
import Foundation

/// Where the vault is and how to get in.
public struct VaultEndpoint: Sendable {
  public enum Authentication: String, Sendable {
    /// `Authorization: Bearer`.
    case bearer
    /// The token is a part of the URL: written there, or in place of `{token}`.
    case path
  }

  /// The full MCP endpoint.
  public let url: String
  public let token: String
  public let authentication: Authentication
  /// In front of each tool's name, for a vault behind a portal.
  public let toolPrefix: String
  /// PEM file of further certificate authorities.
  public let certificateFile: String?
  /// Stands between memoryd and the vault; nil where nothing does.
  public let proxy: VaultProxy?

  /// - Throws: ``VaultFailure`` `misconfigured`, which never holds the URL's path or the token.
  public init(
    url: String, token: String, authentication: Authentication, toolPrefix: String = "",
    certificateFile: String? = nil, proxy: VaultProxy? = nil
  ) throws(VaultFailure) {
    func wrong(_ detail: String) -> VaultFailure {
      VaultFailure(.misconfigured, detail, delivery: .notApplied)
    }
    let whole = url.replacing("{token}", with: token)
    guard let parts = URLComponents(string: whole), let host = parts.host, !host.isEmpty,
      ["http", "https"].contains(parts.scheme?.lowercased())
    else { throw wrong("vault.url is no http or https URL") }
    guard parts.user == nil, parts.password == nil else {
      throw wrong("vault.url must not hold a user or password; use vault.token")
    }
    if authentication == .bearer, !token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
      throw wrong("the vault's token holds characters that no header may hold")
    }
    if authentication == .path, url.contains("{token}"), token.isEmpty {
      throw wrong("vault.url has a place for a token, and there is none")
    }
    if let certificateFile, !FileManager.default.isReadableFile(atPath: certificateFile) {
      throw wrong("vault.ca_file cannot be read")
    }
    self.url = whole
    self.token = token
    self.authentication = authentication
    self.toolPrefix = toolPrefix
    self.certificateFile = certificateFile
    self.proxy = proxy
  }

  /// Scheme, host and port: all of it that may be shown.
  public var origin: String {
    guard let parts = URLComponents(string: url), let host = parts.host else { return "the vault" }
    return "\(parts.scheme ?? "http")://\(host)" + (parts.port.map { ":\($0)" } ?? "")
  }

  /// What must never be shown: the token, and the parts of a secret path.
  public var secrets: [String] {
    (token.isEmpty ? [] : [token]) + (proxy?.secrets ?? [])
      + (authentication == .path ? Self.secrets(inPathOf: url) : [])
  }

  /// Of a URL whose path holds a token: all parts that are long enough to be one.
  public static func secrets(inPathOf url: String) -> [String] {
    let path = URLComponents(string: url)?.path ?? ""
    return path.split(separator: "/").map(String.init).filter { $0.count >= 8 && $0 != "{token}" }
  }

  // MARK: Which vault it is

  /// A vault's address, whatever its token, scheme and spelling: host, a port that is not the
  /// scheme's own, and path. Nothing of it is secret.
  public static func address(of url: String, authentication: Authentication) -> String {
    guard let parts = URLComponents(string: url.replacing("{token}", with: "")),
      let host = parts.host?.lowercased(), !host.isEmpty
    else { return url }
    let own = parts.scheme?.lowercased() == "http" ? 80 : 443
    let port = parts.port.flatMap { $0 == own ? nil : ":\($0)" } ?? ""
    var path = parts.path.split(separator: "/").map(String.init)
    // A path that holds its token somewhere: what may be one is left out.
    if authentication == .path, !url.contains("{token}") {
      let secrets = secrets(inPathOf: url)
      path.removeAll(where: secrets.contains)
    }
    return ([host + port] + path).joined(separator: "/")
  }

  /// Tells one vault from another without telling where it is: a hash of its address.
  public static func identity(of url: String, authentication: Authentication) -> String {
    hash(address(of: url, authentication: authentication))
  }

  /// Of what version 0.1 knew a vault by: the URL as it was set.
  public static func formerIdentity(of url: String) -> String { hash(url) }

  /// FNV-1a, 64 bits.
  private static func hash(_ text: String) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return String(hash, radix: 16)
  }
}
