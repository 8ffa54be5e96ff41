import Checkpoints
import Core
import MemoryStore
import Transcripts

/// After a rewind: what was kept of a session on the way that was left is no news any more.
package struct RewindService {
  /// Checkpoints that are looked at, the newest.
  private static let mostCheckpoints = 50

  let service: MemoryService

  private static func name(_ path: String?) -> Substring? {
    path.flatMap { $0.split(separator: "/").last }
  }

  /// The newest checkpoint says again where the session stands. Earlier ones from the way that was
  /// left are marked, and so are handoffs that were kept with any of them.
  ///
  /// - Parameters:
  ///   - digest: Gathered without what was taken back.
  ///   - position: Up to which it was read.
  ///   - isFresh: The rewind was seen just now. Later there is something to do only if nothing was
  ///     left then that says what the session is about.
  func settle(
    _ sessionID: SessionID, _ digest: SessionDigest, at position: TranscriptPosition, isFresh: Bool
  ) throws(StoreError) {
    guard !digest.abandoned.isEmpty else { return }
    // It follows from the transcript, and the next reading that meets the rewind does it again.
    let database = try service.store.writing()
    if !isFresh {
      let newest = try database.checkpoints(RecordFilter(sessionID: sessionID, limit: 1)).first
      guard let newest, newest.objective.isEmpty,
        !CheckpointTrigger.byHand.contains(newest.trigger),
        let known = Snapshot(json: newest.body)
      else { return }
      let write = renewal(of: newest, known, digest, at: position)
      return try database.settleRewind(of: [], renewing: write, newest: newest.id)
    }
    let kept = try database.checkpoints(
      RecordFilter(sessionID: sessionID, limit: Self.mostCheckpoints)
    ).filter { $0.trigger != .rewound }
    // What somebody said stands, whatever became of the conversation.
    let left = kept.filter { !CheckpointTrigger.byHand.contains($0.trigger) }
      .compactMap { record -> (record: CheckpointRecord, snapshot: Snapshot)? in
        // The file may have been named by way of a link.
        guard let snapshot = Snapshot(json: record.body),
          Self.name(snapshot.transcriptPath) == Self.name(position.path),
          digest.isAbandoned(snapshot.transcriptLine)
        else { return nil }
        return (record, snapshot)
      }
    guard let newest = left.first else { return }
    let isNewest = newest.record.id == kept.first?.id
    try database.settleRewind(
      of: left.map(\.record.id),
      renewing: isNewest ? renewal(of: newest.record, newest.snapshot, digest, at: position) : nil,
      newest: newest.record.id)
  }

  private func renewal(
    of record: CheckpointRecord, _ known: Snapshot, _ digest: SessionDigest,
    at position: TranscriptPosition
  ) -> StoreWrite {
    var snapshot = Snapshot(digest, git: known.git)
    snapshot.transcriptPath = position.path
    snapshot.transcriptLine = position.lines
    if snapshot.cwd == nil { snapshot.cwd = known.cwd }
    let draft = CheckpointDraft(
      snapshot, trigger: record.trigger, replacing: record.id)
    return StoreWrite(
      requestID: RequestID(rawValue: "rewind-\(record.id)"), at: service.context.clock.now,
      operation: .checkpoint(draft))
  }
}
