import Core
import Foundation
import IPC
import Vault

/// How a request is to be answered: as part of a conversation that a handshake began, or by itself.
///
/// The second came with MCP 2026-07-28. The request's `_meta` tells, and nothing that came before it: a
/// process or an address answers both, in any order. Source: reference "mcp-2026-07-28".
package enum MCPEra: Sendable {
  case handshake, stateless

  /// The versions without a handshake, newest first.
  package static let versions = [MCPClient.statelessVersion]

  private static let prefix = MCPClient.notePrefix
  static let versionKey = prefix + "protocolVersion"
  private static let capabilitiesKey = prefix + "clientCapabilities"
  private static let serverKey = prefix + "serverInfo"

  init(_ parameters: JSON) {
    self = parameters["_meta"]?[Self.versionKey] == nil ? .handshake : .stateless
  }

  /// Seconds for which a list of tools may be kept: it has those of the vault, while that answers.
  private static let listLife = 60
  private static let discoveryLife = 3600

  enum Caching {
    case none, list, discovery
  }

  /// A result in this era's form.
  func result(_ result: JSON, _ caching: Caching = .none) -> JSON {
    guard self == .stateless else { return result }
    var result = result
    result["resultType"] = .string("complete")
    var meta = result["_meta"] ?? .object([:])
    meta[Self.serverKey] = .object([
      "name": .string("memoryd"), "version": .string(Relay.version),
    ])
    result["_meta"] = meta
    if caching != .none {
      let life = caching == .list ? Self.listLife : Self.discoveryLife
      result["ttlMs"] = .integer(life * 1000)
      // What stands in the store is its owner's alone.
      result["cacheScope"] = .string("private")
    }
    return result
  }

  /// Takes the notes of one request out of `_meta` before it is passed on in another conversation.
  static func withoutNotes(_ meta: [String: JSON]) -> [String: JSON] {
    meta.filter { !$0.key.hasPrefix(prefix) }
  }

  // MARK: What is wrong with a request

  /// What a request says of itself in HTTP's headers.
  package struct Headers: Sendable {
    var version: String?
    var method: String?
    var name: String?

    package init(version: String?, method: String?, name: String?) {
      self.version = version
      self.method = method
      self.name = name
    }

    /// True if it says that it is without a handshake.
    var isStateless: Bool { version.map { MCPEra.versions.contains($0) } ?? false }
  }

  struct Objection: Error {
    var code: Int
    var message: String
    var data: JSON?
  }

  static let headerMismatch = -32020
  private static let unsupportedVersion = -32022

  /// The order of the checks is that of the official SDK: what a client gets to know first tells it which
  /// era the server speaks.
  ///
  /// - Parameter headers: Nil where no HTTP brought it.
  static func check(
    _ method: String, _ parameters: JSON, _ headers: Headers?
  ) throws(Objection) {
    let meta = parameters["_meta"]
    guard let version = meta?[versionKey]?.string else {
      throw Objection(code: -32602, message: "_meta must have \(versionKey), a string")
    }
    guard meta?[capabilitiesKey]?.object != nil else {
      throw Objection(code: -32602, message: "_meta must have \(capabilitiesKey), an object")
    }
    if let headers {
      try agree("MCP-Protocol-Version", headers.version, version)
      try agree("Mcp-Method", headers.method, method)
      if method == "tools/call" { try agree("Mcp-Name", headers.name, parameters["name"]?.string) }
    }
    guard versions.contains(version) else {
      throw Objection(
        code: unsupportedVersion, message: "Unsupported protocol version",
        data: [
          "supported": versions, "requested": version,
        ] as JSON)
    }
  }

  private static func agree(
    _ name: String, _ header: String?, _ body: String?
  ) throws(Objection) {
    guard let header, let value = decoded(header), value == body else {
      throw Objection(
        code: headerMismatch, message: "the header \(name) is missing, or is not what the body says"
      )
    }
  }

  /// What is not plain ASCII comes as `=?base64?…?=`.
  private static func decoded(_ value: String) -> String? {
    let (start, end) = ("=?base64?", "?=")
    guard value.hasPrefix(start), value.hasSuffix(end), value.utf8.count >= start.count + end.count
    else { return value }
    return Data(base64Encoded: String(value.dropFirst(start.count).dropLast(end.count)))
      .flatMap { String(bytes: $0, encoding: .utf8) }
  }
}
