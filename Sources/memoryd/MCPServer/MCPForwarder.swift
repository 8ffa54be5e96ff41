import Checkpoints
import Continuity
package import Core
import Foundation
import IPC
import MemoryStore
import Vault

/// The vault's tools that memoryd lacks: shown while the vault answers, and passed on as they are.
package struct MCPForwarder {
  /// Such calls may run for minutes.
  private static let limit = Duration.seconds(900)
  /// For how long a list of tools is taken to be still right.
  private static let listAge = Duration.seconds(300)
  /// How many memoryds a call has come through; two that are each other's vault must not pass it
  /// back and forth.
  static let hops = "memoryd/hops"
  private static let mostHops = 3

  let service: MemoryService

  private var vault: VaultService { service.vault }

  private struct Listing: JSONRecord {
    /// Unix ms.
    var at: Int64
    /// JSON, as the vault gave them.
    var tools: String

    static var empty: Self { Self(at: 0, tools: "") }

    mutating func code(_ coder: inout JSONCoder) {
      coder.field("at", &at)
      coder.field("tools", &tools)
    }
  }

  // MARK: Which there are

  /// - Parameters:
  ///   - own: Names of memoryd's tools.
  ///   - meta: `_meta` of the request that asks.
  /// - Returns: As `tools/list` shows them, without the portal's prefix.
  func tools(except own: [String], meta: JSON?) -> [JSON] {
    guard service.context.settings.hasVault, service.vault.verdict().mode == .normal,
      let onward = Self.onward(meta)
    else { return [] }
    return listing(onward).compactMap { tool in
      guard var name = tool["name"]?.string, case .object(var fields) = tool else { return nil }
      let prefix = service.context.settings[.vaultToolPrefix]
      guard name.hasPrefix(prefix) else { return nil }
      name.removeFirst(prefix.count)
      if own.contains(name) || name.isEmpty { return nil }
      fields["name"] = .string(name)
      // A model reads it before anybody has called it.
      if let text = tool["description"]?.string {
        fields["description"] = .string(Markdown.disarmed(text))
      }
      return .object(fields)
    }
  }

  private func listing(_ meta: [String: JSON]) -> [JSON] {
    let now = service.context.clock.now
    guard let reference = vault.reference else { return [] }
    let fact = MemoryDatabase.Fact.vault(.tools, reference.id)
    let kept = ((try? service.store.reading().fact(fact)) ?? nil).flatMap {
      Listing.decoded(from: $0)
    }
    if let kept, (0..<Self.listAge.milliseconds).contains(now - kept.at) {
      return JSON(parsing: kept.tools.utf8)?.array ?? []
    }
    do throws(VaultFailure) {
      let tools = try vault.tools()
      defer { tools.close() }
      let list = try tools.allTools(meta: meta)
      let fresh = Listing(at: now, tools: JSON.array(list).text).encoded()
      // A cache: the vault can be asked again.
      _ = try? service.store.writing().update(fact) { _ in fresh }
      return list
    } catch {
      return kept.flatMap { JSON(parsing: $0.tools.utf8)?.array } ?? []
    }
  }

  private static func onward(_ meta: JSON?) -> [String: JSON]? {
    let count = meta?[hops]?.integer ?? 0
    return count < mostHops ? [hops: .integer(count + 1)] : nil
  }

  // MARK: Calling one

  /// What keeps a call from being passed on; nil if it can be.
  private func objection(to name: String, meta: JSON?) -> String? {
    guard service.context.settings.hasVault else {
      return "MCP error -32602: Tool \(name) not found"
    }
    guard Self.onward(meta) != nil else {
      return "MCP error -32602: Tool \(name) not found (asked in a circle)"
    }
    let verdict = service.vault.verdict()
    if verdict.mode == .normal { return nil }
    return
      "\(name) is the vault's tool, and the vault does not answer: \(verdict.mode.rawValue) mode "
      + "(\(verdict.reason?.rawValue ?? "not asked yet")) since "
      + "\(Timestamp.string(verdict.since)): \(verdict.detail). memoryd's own tools work meanwhile."
  }

  /// A call on its way to the vault.
  package struct Call: Sendable {
    fileprivate var endpoint: VaultEndpoint
    fileprivate var parameters: [String: JSON]

    /// - Returns: The vault's result as it came; an `isError` result where it gives none.
    package func result() async -> JSON {
      let client = MCPClient(endpoint: endpoint, clientVersion: Relay.version)
      let end = ContinuousClock.now + MCPForwarder.limit
      do throws(VaultFailure) {
        let result = try await client.request("tools/call", parameters, deadline: end)
        await client.close(deadline: .now + .milliseconds(500))
        return result
      } catch {
        return MCPPayload(
          failure: "the vault's tool failed (\(error.reason.rawValue)): \(error.detail)"
        ).result
      }
    }
  }

  /// Makes a call ready to be passed on, untouched but for memoryd's own notes in `_meta`.
  ///
  /// - Throws: ``MCPFailure``: why it cannot be passed on.
  func call(_ name: String, _ parameters: JSON) throws -> Call {
    let meta = parameters["_meta"]
    if let objection = objection(to: name, meta: meta) {
      throw MCPFailure(message: objection)
    }
    guard case .object(var fields) = parameters, let endpoint = try? vault.endpoint() else {
      throw MCPFailure(message: "the vault's settings are wrong (see `memoryd doctor`)")
    }
    var onward: [String: JSON] = [:]
    // It goes on in a conversation of memoryd's own.
    if case .object(let given)? = meta { onward = MCPEra.withoutNotes(given) }
    onward.merge(Self.onward(meta) ?? [:]) { $1 }
    fields["_meta"] = .object(onward)
    fields["name"] = .string(endpoint.toolPrefix + name)
    return Call(endpoint: endpoint, parameters: fields)
  }
}
