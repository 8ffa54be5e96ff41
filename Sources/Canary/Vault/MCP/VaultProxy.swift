import AsyncHTTPClient
import Core
import Foundation

/// A proxy between memoryd and its vault, through which requests pass in a tunnel (`CONNECT`, or
/// SOCKS 5), so that it sees nothing of an https vault's traffic but the host name.
public struct VaultProxy: Sendable, Hashable {
  private enum Kind: Hashable { case http, socks }

  private var kind: Kind
  private var host: String
  private var port: Int
  /// `user:password`.
  private var credentials: String?

  /// What must never be shown.
  package var secrets: [String] {
    let password = credentials?.split(separator: ":", maxSplits: 1).last.map(String.init) ?? ""
    return password.count >= 4 ? [password] : []
  }

  /// May be shown.
  public var origin: String { "\(kind == .http ? "http" : "socks5")://\(host):\(port)" }

  var configuration: HTTPClient.Configuration.Proxy {
    switch kind {
    case .socks: return .socksServer(host: host, port: port)
    case .http:
      let coded = credentials.map { Data($0.utf8).base64EncodedString() }
      return .server(
        host: host, port: port, authorization: coded.map { .basic(credentials: $0) })
    }
  }

  // MARK: Which one

  /// The value of `vault.proxy` for none at all.
  public static let none = "none"

  /// The proxy for a vault, by the setting, else by the environment as most tools read it:
  /// `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`, also in capitals. Never one for this
  /// machine itself.
  ///
  /// - Throws: ``VaultFailure`` `misconfigured` for something that is no proxy's URL.
  public static func chosen(
    for url: String, setting: String, environment: [String: String]
  ) throws(VaultFailure) -> VaultProxy? {
    guard let parts = URLComponents(string: url), let host = parts.host?.lowercased(),
      !isLoopback(host), setting != none
    else { return nil }
    if !setting.isEmpty { return try VaultProxy(setting, from: "vault.proxy") }
    func variable(_ name: String) -> (name: String, value: String)? {
      [name, name.uppercased()].lazy.compactMap { name in
        environment[name].flatMap { $0.isEmpty ? nil : (name, $0) }
      }.first
    }
    let isSecure = parts.scheme?.lowercased() == "https"
    let port = parts.port ?? (isSecure ? 443 : 80)
    if let list = variable("no_proxy")?.value, isExempt(host, port: port, from: list) { return nil }
    guard let found = variable(isSecure ? "https_proxy" : "http_proxy") ?? variable("all_proxy")
    else { return nil }
    return try VaultProxy(found.value, from: found.name)
  }

  private init(_ text: String, from name: String) throws(VaultFailure) {
    func wrong(_ what: String) -> VaultFailure {
      VaultFailure(.misconfigured, "\(name) \(what)", delivery: .notApplied)
    }
    let whole = text.contains("://") ? text : "http://" + text
    guard let parts = URLComponents(string: whole), let host = parts.host, !host.isEmpty else {
      throw wrong("is no URL of a proxy, as in http://proxy.example.org:3128")
    }
    switch parts.scheme?.lowercased() {
    case "http": kind = .http
    case "socks5", "socks5h", "socks": kind = .socks
    case "https": throw wrong("names a proxy that is called over TLS, which memoryd cannot do")
    default: throw wrong("must begin with http:// or socks5://")
    }
    self.host = host.filter { $0 != "[" && $0 != "]" }
    port = parts.port ?? (kind == .http ? 80 : 1080)
    guard (1...65_535).contains(port) else { throw wrong("has no valid port") }
    if let user = parts.user, !user.isEmpty {
      guard kind == .http else { throw wrong("has a user, which memoryd cannot give to SOCKS") }
      credentials = user + ":" + (parts.password ?? "")
    }
  }

  // MARK: Who needs none

  /// In any way in which an address of this machine may be written.
  package static func isLoopback(_ host: String) -> Bool {
    let name = host.lowercased().filter { $0 != "[" && $0 != "]" }
    if name == "localhost" || name.hasSuffix(".localhost") { return true }
    var four = in_addr()
    if inet_aton(name, &four) != 0 {
      let address = UInt32(bigEndian: four.s_addr)
      return address >> 24 == 127 || address == 0
    }
    var six = in6_addr()
    guard inet_pton(AF_INET6, name, &six) == 1 else { return false }
    let bytes = withUnsafeBytes(of: six, Array.init)
    let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
    return bytes[..<15].allSatisfy { $0 == 0 } && bytes[15] <= 1 || isMapped && bytes[12] == 127
  }

  /// `no_proxy`: names with all that is below them, addresses and blocks of them, each with a port or
  /// without; `*` for everything.
  package static func isExempt(_ host: String, port: Int, from list: String) -> Bool {
    let host = host.filter { $0 != "[" && $0 != "]" }
    return list.lowercased().split { $0 == "," || $0.isWhitespace }.contains { entry in
      if entry == "*" { return true }
      var name = entry
      if let colon = entry.lastIndex(of: ":"), entry.firstIndex(of: ":") == colon,
        let wanted = Int(entry[entry.index(after: colon)...])
      {
        guard wanted == port else { return false }
        name = entry[..<colon]
      }
      if let slash = name.firstIndex(of: "/"), let bits = Int(name[name.index(after: slash)...]),
        (0...32).contains(bits), let block = ipv4(String(name[..<slash])), let address = ipv4(host)
      {
        return bits == 0 || (block ^ address) >> (32 - UInt32(bits)) == 0
      }
      let suffix = name.drop { $0 == "*" || $0 == "." }
      return !suffix.isEmpty && (host == suffix || host.hasSuffix("." + suffix))
    }
  }

  private static func ipv4(_ text: String) -> UInt32? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt32($0) }
    guard parts.count == 4 else { return nil }
    return parts.reduce(0 as UInt32?) { sum, part in
      guard let sum, let part, part < 256 else { return nil }
      return sum << 8 | part
    }
  }
}
