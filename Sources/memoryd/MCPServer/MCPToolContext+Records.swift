import Checkpoints
import Continuity
import Core
import Foundation
import MemoryStore

/// What more than one tool does with checkpoints and decisions.
extension MCPToolContext {
  /// Saves a checkpoint of what the caller states.
  ///
  /// - Parameter project: The named one; nil for the one that the caller's session began in, or that a
  ///   vault files under without a name.
  /// - Throws: ``StoreError``, and as ``project(named:)``.
  func saveCheckpoint(
    objective: String?, blockers: [String], actions: [String], project name: String?
  ) throws -> DurableWriter.Acknowledgement {
    let session = isVault ? nil : session
    return try CheckpointService(service: service).take(
      Snapshot.Statement(objective: objective, blockers: blockers, actions: actions),
      isSaid: objective != nil || !blockers.isEmpty || !actions.isEmpty,
      project: try isVault || name != nil
        ? project(named: name) : ProjectFinder.project(of: session, service),
      session: session)
  }

  /// Records a decision.
  ///
  /// - Parameter taskID: In either case.
  /// - Throws: ``StoreError``, and as ``project(named:)``.
  func decide(
    _ decision: String, rationale: String, taskID: RecordID?, project name: String?
  ) throws -> MCPPayload {
    let done = try service.writer.commit(
      .decide(
        DecisionDraft(decision: decision, rationale: rationale, taskID: taskID?.uppercased())),
      project: try project(named: name), session: session)
    return acknowledged(
      done,
      ["id": done.id, "decision": decision, "created_at": Timestamp.string(done.createdAt)])
  }

  /// UTF-16 units of a checkpoint's document as tools give it.
  private static let documentBudget = 100_000

  /// The recovery document of a checkpoint, as Markdown.
  func content(_ record: CheckpointRecord) -> String {
    RecoveryService(service: service).document(of: record)
      .markdown(now: service.context.clock.now, budget: Self.documentBudget)
  }

  /// A row of vault-mcp's checkpoints.
  func row(_ record: CheckpointRecord) -> JSON {
    let document = RecoveryService(service: service).document(of: record)
    let stated = document.snapshot.stated
    let known =
      document.struck.has(record.objective) ? document.snapshot.objective : record.objective
    let signals: JSON = [
      "objective": stated?.objective ?? known, "blockers": stated?.blockers ?? [],
      "recent_actions": stated?.actions ?? [],
    ]
    return [
      "id": record.id,
      "content": document.markdown(now: service.context.clock.now, budget: Self.documentBudget),
      "trigger_signals": signals.text,
      "cumulative_weight": 1, "created_at": Timestamp.string(record.createdAt),
    ]
  }
}
