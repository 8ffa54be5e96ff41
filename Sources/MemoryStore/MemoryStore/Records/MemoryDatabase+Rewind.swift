public import Core
import GRDB

extension MemoryDatabase {
  /// What was kept of a session on a way that a rewind left.
  ///
  /// - Parameters:
  ///   - ids: Of checkpoints; they are marked, and the handoffs that were kept with them.
  ///   - write: What takes the place of one of them, which stays as it is otherwise.
  ///   - newest: The id of that one, if there is such a write.
  public func settleRewind(
    of ids: [RecordID], renewing write: StoreWrite?, newest: RecordID
  ) throws(StoreError) {
    let write = write.map(redacted)
    try self.write { db in
      for id in ids {
        try db.execute(
          cached: """
            UPDATE entries SET is_abandoned = 1 WHERE id IN
              (SELECT id FROM handoffs WHERE checkpoint_id = ? AND trigger = 'pre-compact')
            """, arguments: [id])
        try db.execute(
          cached:
            "UPDATE handoffs SET trigger = ? WHERE checkpoint_id = ? AND trigger = 'pre-compact'",
          arguments: [HandoffTrigger.rewound.rawValue, id])
        if write != nil, id == newest { continue }
        try db.execute(
          cached: "UPDATE checkpoints SET trigger = ? WHERE id = ?",
          arguments: [CheckpointTrigger.rewound.rawValue, id])
        try db.execute(
          cached: "UPDATE entries SET is_abandoned = 1 WHERE id = ?", arguments: [id])
      }
      guard let write else { return }
      _ = try write.operation.item.store(write.origin, projectID: nil, newID: { newest }, db)
      try Self.noteParts(of: newest, db)
    }
  }
}
