import Continuity
import Core
import Vault

/// A vault that is spoken to again and again keeps its connection and its session.
struct VaultConnection {
  /// After which an unused connection is closed, and after which the token's command is asked anew.
  private static let longestIdle = Duration.seconds(60)
  private static let longestOpen = Duration.seconds(600)

  private struct Open {
    /// The settings that it was opened with.
    var key: [String]
    var tools: VaultTools
    var openedAt: Int64
    var usedAt: Int64
  }

  private var open: Open?

  /// The vault, as it was last spoken to unless the settings say otherwise by now.
  ///
  /// - Throws: ``VaultFailure`` `misconfigured`.
  mutating func tools(
    _ vault: VaultService, _ service: MemoryService
  ) throws(VaultFailure) -> VaultTools {
    let now = service.context.clock.now
    let key =
      Settings.Key.allCases.filter { $0.rawValue.hasPrefix("vault.") }.map {
        service.context.settings[$0]
      }
      + [service.context.tokenFromFile ?? ""]
    if let open, open.key == key, (0..<Self.longestOpen.milliseconds).contains(now - open.openedAt)
    {
      self.open?.usedAt = now
      return open.tools
    }
    close()
    let tools = try vault.tools()
    open = Open(key: key, tools: tools, openedAt: now, usedAt: now)
    return tools
  }

  mutating func closeIfIdle(at now: Int64) {
    if let open, !(0..<Self.longestIdle.milliseconds).contains(now - open.usedAt) { close() }
  }

  mutating func close() {
    open?.tools.close()
    open = nil
  }
}
