import Git
import Transcripts

/// What changed from one checkpoint to another, part by part.
public struct SnapshotDifference: Sendable, Equatable {
  public var what: String
  public var removed: [String]
  public var added: [String]

  /// - Returns: Only the parts that differ.
  public static func between(_ a: Snapshot, _ b: Snapshot) -> [SnapshotDifference] {
    func part(_ what: String, _ value: (Snapshot) -> [String]) -> SnapshotDifference? {
      let (before, after) = (value(a), value(b))
      let removed = before.filter { !after.contains($0) }
      let added = after.filter { !before.contains($0) }
      return removed.isEmpty && added.isEmpty
        ? nil : SnapshotDifference(what: what, removed: removed, added: added)
    }
    return [
      part("objective") {
        let objective = $0.stated?.objective ?? $0.objective
        return objective.isEmpty ? [] : [objective]
      },
      part("plan") { $0.plan.map { "[\($0.state.rawValue)] \($0.text)" } },
      part("next") { ($0.stated?.next ?? []) + $0.next },
      part("blockers") { $0.stated?.blockers ?? [] },
      part("requests") { $0.requests.map(\.text) },
      part("files") {
        $0.files.map { $0.edits > 0 ? "\($0.path) (edited ×\($0.edits))" : $0.path }
      },
      part("commands") { $0.commands.map { "\($0.key) ×\($0.count)" } },
      part("commits") { $0.commits.map { "\($0.hash) \($0.subject)" } },
      part("branch") { [$0.git?.branch, $0.git?.head].compactMap { $0 } },
      part("uncommitted") { $0.git?.dirty ?? [] },
    ].compactMap { $0 }
  }
}
