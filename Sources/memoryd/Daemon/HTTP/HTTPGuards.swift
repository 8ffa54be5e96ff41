import Continuity
import Core
import Foundation
import HTTPTypes
import Redaction

/// Who may come in. A page in a browser can reach the loopback too, under any name that its owner
/// has in the DNS: so the name is checked, and where the page came from.
struct HTTPGuards: Sendable {
  let token: HTTPToken
  private let hosts: Set<String>
  private let origins: Set<String>

  /// - Parameters:
  ///   - boundHost: Where the server listens; names all addresses only if it is one.
  ///   - hosts, origins: Further ones that the settings allow.
  init(token: HTTPToken, boundHost: String, hosts: [String], origins: [String]) {
    self.token = token
    var names = Set(["localhost", "127.0.0.1", "::1"] + hosts.map { $0.lowercased() })
    if !["0.0.0.0", "::"].contains(boundHost) { names.insert(boundHost.lowercased()) }
    self.hosts = names
    self.origins = Set(origins.map { $0.lowercased() })
  }

  /// - Parameter authority: The `Host` header: name and port.
  func admits(host authority: String?) -> Bool {
    guard let authority, let name = Self.name(authority) else { return false }
    return hosts.contains(name)
  }

  /// - Parameter origin: The `Origin` header; programs that are no browser have none.
  func admits(origin: String?) -> Bool {
    guard let origin = origin?.lowercased() else { return true }
    if origins.contains(origin) { return true }
    guard let parts = URLComponents(string: origin), ["http", "https"].contains(parts.scheme),
      let host = parts.host
    else { return false }
    return hosts.contains(Self.withoutBrackets(host))
  }

  /// - Parameter segments: Of the path: `/TOKEN/mcp` is the form for clients without headers.
  func admits(authorization: String?, segments: [Substring]) -> Bool {
    if segments.count == 2, segments[1] == "mcp", token.matches(segments[0]) { return true }
    guard let authorization else { return false }
    let parts = authorization.split(separator: " ", maxSplits: 1)
    return parts.count == 2 && parts[0].lowercased() == "bearer" && token.matches(parts[1])
  }

  /// All of these.
  func admits(_ head: HTTPRequest) -> Bool {
    admits(host: head.authority) && admits(origin: head.headerFields[.origin])
      && admits(
        authorization: head.headerFields[.authorization],
        segments: Self.segments(of: head.path ?? "/"))
  }

  static func segments(of path: String) -> [Substring] {
    path.prefix { $0 != "?" }.split(separator: "/")
  }

  private static func name(_ authority: String) -> String? {
    let authority = authority.lowercased()
    if authority.hasPrefix("[") {
      guard let end = authority.firstIndex(of: "]") else { return nil }
      let rest = authority[authority.index(after: end)...]
      guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
      return String(authority[authority.index(after: authority.startIndex)..<end])
    }
    let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
    return parts.count <= 2 ? String(parts[0]) : nil
  }

  private static func withoutBrackets(_ host: String) -> String {
    host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
  }
}
