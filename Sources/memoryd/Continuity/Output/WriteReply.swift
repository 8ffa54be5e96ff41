package import Core
import Fallback
import MemoryStore

// What the caller of a write is told.

extension JSONOutput {
  package static func write(
    _ acknowledgement: DurableWriter.Acknowledgement, _ service: MemoryService
  ) -> JSON {
    [
      "id": acknowledgement.id, "kind": acknowledgement.kind.rawValue,
      "durability": acknowledgement.durability.rawValue,
      "vault": goesToVault(acknowledgement)
        ? vault(acknowledgement.vaultState, service) : "off",
      "pending": service.vault.pendingCount(),
      "created_at": Timestamp.string(acknowledgement.createdAt),
    ]
  }

  private static func goesToVault(_ acknowledgement: DurableWriter.Acknowledgement) -> Bool {
    !acknowledgement.staysHere
      && ItemKind.forVault.contains(acknowledgement.kind)
  }

  /// `off`, `held`, `queued`, `synced`, `uncertain`, `quarantined` or `dropped`.
  private static func vault(_ state: OutboxRow.State?, _ service: MemoryService) -> String {
    guard service.context.settings.hasVault else { return "off" }
    guard let state, !state.isWaiting else { return "queued" }
    return state.rawValue
  }
}

extension TerminalText {
  /// The reply to a write, and on standard error what went wrong on the way.
  package static func reply(
    _ item: String, _ acknowledgement: DurableWriter.Acknowledgement, _ service: MemoryService,
    json: Bool
  ) -> Outcome {
    var outcome = Outcome()
    outcome.output =
      json
      ? JSONOutput.text(JSONOutput.write(acknowledgement, service))
      : "\(item) \(acknowledgement.id)\n"
    if let problem = acknowledgement.problem {
      let place =
        acknowledgement.durability == .spooled
        ? "kept in the spool; the next command takes it in once that is mended"
        : "kept in \(service.context.fallback.directory)"
      outcome.errorOutput =
        "memoryd: note: \(problem.message)\n" + "memoryd: note: the \(acknowledgement.kind) is "
        + place + "\n" + (problem.hint.map { "hint: \($0)\n" } ?? "")
    }
    return outcome
  }
}
