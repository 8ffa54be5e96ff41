import Continuity
import Core
import IPC
import MemoryStore
import Vault

package struct HealthTool: MCPTool {
  package init() {}

  package let name = "health"
  package let help = "Whether the store can be used."
  package let isReadOnly = true

  package func call(_ arguments: MCPArguments, in context: MCPToolContext) throws -> MCPPayload {
    let service = context.service
    // A store that was opened earlier may be unreadable by now; only a read shows it.
    _ = try service.store.reading().newestOutboxNumber()
    return MCPPayload([
      "status": "ok", "version": Relay.version,
      "timestamp": Timestamp.string(service.context.clock.now),
      "d1": "connected", "kv": "connected", "executor": "unreachable: memoryd has none",
      "mode": service.vault.verdict().mode.rawValue,
    ])
  }
}
