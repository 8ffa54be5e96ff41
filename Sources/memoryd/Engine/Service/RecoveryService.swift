import Checkpoints
import MemoryStore

/// Finds what a session needs to know and renders it.
struct RecoveryService {
  let service: MemoryService

  /// UTF-16 units of a document where the conversation is still in sight, or was cleared on
  /// purpose: hosts keep every injection, and a second one adds to the first.
  static let shortBudget = 3000

  /// The document of one session, as its transcript stands now.
  func document(
    of recorder: SessionRecorder, occasion: RecoveryDocument.Occasion, dirty: [String]?,
    checkpointID: String?
  ) -> RecoveryDocument {
    document(
      recorder.snapshot(dirty: dirty), summary: recorder.digest.summary, occasion: occasion,
      checkpointID: checkpointID, takenAt: service.clock.now, sessionID: recorder.session.id,
      project: recorder.project.name)
  }

  /// The document of a stored session or, without one, of the project's newest checkpoint.
  ///
  /// - Parameter excluded: A session that asks and must not be told of itself.
  func document(
    sessionID: String?, excluding excluded: String? = nil, project: String?,
    occasion: RecoveryDocument.Occasion
  ) throws(StoreError) -> RecoveryDocument? {
    let database = try service.database()
    let filter = RecordFilter(
      project: sessionID == nil ? project : nil, sessionID: sessionID,
      limit: excluded == nil ? 1 : 50)
    let newest = try database.checkpoints(filter).first {
      excluded == nil || $0.sessionID != excluded
    }
    guard let session = sessionID ?? newest?.sessionID,
      let state = try database.transcript(sessionID: session),
      let digest = SessionDigest(json: state.digest)
    else {
      guard let newest, let snapshot = Snapshot(json: newest.body) else { return nil }
      return document(
        snapshot, summary: nil, occasion: occasion, checkpointID: newest.id,
        takenAt: newest.updatedAt, sessionID: newest.sessionID,
        project: newest.project ?? project)
    }
    // The digest is newer than the checkpoint; what a person or git said stands in the latter.
    let known = newest.flatMap { Snapshot(json: $0.body) }
    var snapshot = Snapshot(digest, git: known?.git)
    snapshot.transcriptPath = state.position.path
    snapshot.transcriptLine = state.position.lines
    if let newest, newest.trigger == "manual", let known {
      snapshot.objective = known.objective
      snapshot.blockers = known.blockers
      if snapshot.next.isEmpty { snapshot.next = known.next }
    }
    return document(
      snapshot, summary: digest.summary, occasion: occasion, checkpointID: newest?.id,
      takenAt: max(state.readAt, newest?.updatedAt ?? 0), sessionID: session, project: project)
  }

  private func document(
    _ snapshot: Snapshot, summary: String?, occasion: RecoveryDocument.Occasion,
    checkpointID: String?, takenAt: Int64, sessionID: String?, project: String?
  ) -> RecoveryDocument {
    let database = try? service.database()
    return RecoveryDocument(
      snapshot: snapshot, summary: summary, occasion: occasion, checkpointID: checkpointID,
      takenAt: takenAt, sessionID: sessionID,
      openTasks: (try? database?.tasks(
        status: "open", filter: RecordFilter(project: project, limit: 13))) ?? [],
      decisions: (try? database?.decisions(RecordFilter(project: project, limit: 8))) ?? [])
  }
}
