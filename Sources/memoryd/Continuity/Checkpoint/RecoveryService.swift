package import Checkpoints
package import Core
package import MemoryStore
import Transcripts

/// Finds what a session needs to know and renders it.
package struct RecoveryService {
  let service: MemoryService

  package init(service: MemoryService) {
    self.service = service
  }

  /// UTF-16 units of all that a new session is told where nothing was left unfinished.
  static let briefBudget = 2500

  /// The document of one session, as its transcript stands now.
  ///
  /// - Parameters:
  ///   - snapshot: As it is being made of the recorder.
  ///   - whenRead: Called once the store is asked nothing more.
  func document(
    of recorder: SessionRecorder, _ snapshot: Alongside<Snapshot>,
    occasion: RecoveryDocument.Occasion, checkpointID: RecordID?, whenRead: () -> Void
  ) -> RecoveryDocument {
    let known = known(of: recorder.project)
    whenRead()
    return document(
      snapshot.value(), summary: recorder.digest.summary, occasion: occasion,
      checkpointID: checkpointID, takenAt: service.context.clock.now,
      sessionID: recorder.session.id, known)
  }

  /// The document of a stored session or, without one, of the session of the project that was
  /// seen last.
  ///
  /// - Parameter excluded: A session that asks and must not be told of itself.
  package func document(
    sessionID: SessionID?, excluding excluded: SessionID? = nil, project: ProjectReference,
    occasion: RecoveryDocument.Occasion
  ) throws(StoreError) -> RecoveryDocument? {
    let database = try service.store.reading()
    // A session's document is about its own project, whoever asks.
    let project =
      try sessionID.flatMap { (id) throws(StoreError) in
        try database.project(ofSession: id)
      } ?? project
    let newest = try database.checkpoints(
      RecordFilter(
        place: sessionID == nil ? project : nil, sessionID: sessionID, limit: 50)
    ).first { excluded == nil || $0.sessionID != excluded }
    var state: MemoryDatabase.TranscriptState?
    if let sessionID {
      state = try database.transcript(sessionID: sessionID)
    } else {
      for session in try database.sessions(
        RecordFilter(place: project, limit: 10)) where session.id != excluded
      {
        state = try database.transcript(sessionID: session.id)
        if state != nil { break }
      }
    }
    // A session that memoryd knows only by its checkpoint may be newer than any transcript.
    if let newest, let known = state, newest.sessionID != nil,
      newest.sessionID != known.sessionID, newest.updatedAt > known.readAt
    {
      state = try database.transcript(sessionID: newest.sessionID ?? .noSession)
    }
    let kept = newest.flatMap { Snapshot(json: $0.body) }
    guard let state, let digest = SessionDigest.stored(state.digest, service.context) else {
      guard let newest, let kept else {
        return sessionID == nil && occasion == .request ? document(withoutSessionIn: project) : nil
      }
      return document(
        kept, summary: nil, occasion: occasion, checkpointID: newest.id,
        takenAt: newest.updatedAt, sessionID: newest.sessionID, known(of: project),
        statedBy: newest.id)
    }
    // The digest is newer than the checkpoint; what a person or git said stands in the latter.
    var snapshot = Snapshot(digest, git: kept?.git)
    snapshot.transcriptPath = state.position.path
    snapshot.transcriptLine = state.position.lines
    snapshot.stated = kept?.stated
    // Until more of the transcript is read.
    if let kept, kept.transcriptLine == snapshot.transcriptLine { snapshot.gap = kept.gap }
    let isOwn = newest?.sessionID == nil || newest?.sessionID == state.sessionID
    return document(
      snapshot, summary: digest.summary, occasion: occasion,
      checkpointID: isOwn ? newest?.id : nil,
      takenAt: max(state.readAt, isOwn ? newest?.updatedAt ?? 0 : 0),
      sessionID: state.sessionID, known(of: project), statedBy: newest?.id)
  }

  /// What is known of a project that no session has told of: nil if that is nothing.
  private func document(withoutSessionIn project: ProjectReference) -> RecoveryDocument? {
    var document = document(
      Snapshot(), summary: nil, occasion: .request, checkpointID: nil, takenAt: 0, sessionID: nil,
      known(of: project))
    let times = document.openTasks.map(\.createdAt) + document.decisions.map(\.createdAt)
    guard let newest = times.max() else { return nil }
    document.takenAt = newest
    return document
  }

  /// What a checkpoint holds, without what is known now.
  package func document(of record: CheckpointRecord) -> RecoveryDocument {
    var document = RecoveryDocument(
      snapshot: Snapshot(json: record.body) ?? Snapshot(), occasion: .request,
      checkpointID: record.id, takenAt: record.updatedAt, sessionID: record.sessionID)
    leaveOut(struck, of: &document)
    return document
  }

  // MARK: What is false

  /// What people called false: whatever states lines of a session leaves it out.
  package var struck: StruckLines {
    StruckLines((try? service.store.reading().struckLines()) ?? [])
  }

  private func leaveOut(_ struck: StruckLines, of document: inout RecoveryDocument) {
    document.struck = struck
    document.snapshot = document.snapshot.without(struck)
    document.openTasks.removeAll { struck.has(task: $0) }
    document.decisions.removeAll { struck.has($0.decision) }
  }

  /// What the store has for a document beside the session itself.
  private struct Known {
    var tasks: [TaskRecord]
    var decisions: [DecisionRecord]
    var struck: StruckLines
  }

  private func known(of project: ProjectReference) -> Known {
    let database = try? service.store.reading()
    return Known(
      tasks: (try? database?.tasks(
        status: .open, filter: RecordFilter(place: project, limit: 13))) ?? [],
      decisions: (try? database?.decisions(RecordFilter(place: project, limit: 8))) ?? [],
      struck: struck)
  }

  private func document(
    _ snapshot: Snapshot, summary: String?, occasion: RecoveryDocument.Occasion,
    checkpointID: RecordID?, takenAt: Int64, sessionID: SessionID?, _ known: Known,
    statedBy: RecordID? = nil
  ) -> RecoveryDocument {
    var document = RecoveryDocument(
      snapshot: snapshot, summary: summary, occasion: occasion, checkpointID: checkpointID,
      takenAt: takenAt, sessionID: sessionID, openTasks: known.tasks, decisions: known.decisions)
    document.statedBy = document.snapshot.stated == nil ? nil : statedBy
    leaveOut(known.struck, of: &document)
    return document
  }
}
