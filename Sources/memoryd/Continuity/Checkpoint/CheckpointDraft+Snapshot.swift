import Checkpoints
import Core
import MemoryStore

extension CheckpointDraft {
  /// What was said by hand stands before what the transcript shows.
  ///
  /// - Parameter replacing: The checkpoint that this one renews.
  init(_ snapshot: Snapshot, trigger: CheckpointTrigger, replacing: RecordID?) {
    self.init(
      trigger: trigger, objective: snapshot.stated?.objective ?? snapshot.objective,
      blockers: snapshot.stated?.blockers ?? [],
      actions: (snapshot.stated?.actions ?? []) + snapshot.actions,
      next: (snapshot.stated?.next ?? []) + snapshot.next, body: snapshot.json,
      replacing: replacing)
  }
}
