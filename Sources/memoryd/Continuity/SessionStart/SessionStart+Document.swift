import Checkpoints
import Core
import Git
import Journal
import MemoryStore
import Transcripts

/// Which recovery document a session gets, and how much of it.
extension SessionStart {
  /// How much a session is told: the document as far as there is room, a short one, where it is to be
  /// had, or nothing of it.
  enum ContextSize: String {
    case full, brief, line, off
  }

  /// A session that broke off a day ago is what a person mostly goes on with.
  private static let dayOfWork = Duration.seconds(24 * 3600)

  func size(_ source: String?, _ document: RecoveryDocument?) -> ContextSize {
    switch source {
    case "compact": return .full
    case "clear": return ContextSize(rawValue: service.context.settings[.contextClear]) ?? .line
    case "resume", "fork":
      return ContextSize(rawValue: service.context.settings[.contextResume]) ?? .line
    default:
      if let fixed = ContextSize(rawValue: service.context.settings[.contextStartup]) {
        return fixed
      }
      guard let document, document.snapshot.isUnfinished else { return .brief }
      let age = service.context.clock.now - max(document.snapshot.lastAt, document.takenAt)
      return age < Self.dayOfWork.milliseconds ? .full : .brief
    }
  }

  /// Where the rest is to be had.
  func line(about document: RecoveryDocument, _ source: String?) -> String {
    let session = document.sessionID.map { " --session \(Markdown.inline($0))" } ?? ""
    let what = source == "clear" ? "What was known before" : "What is known of this session"
    return "\(what): `memoryd resume\(session)` prints it."
  }

  /// The document of the session itself where it goes on, else of the project's last one.
  ///
  /// - Parameters:
  ///   - snapshot: Of the session itself, where it goes on and there is something to be told of it.
  ///   - whenRead: Called once the store is asked nothing more, if there is much to do then.
  func document(
    _ recorder: SessionRecorder, _ input: HookInput, _ snapshot: Alongside<Snapshot>?,
    dirty: [String]?, whenRead: () -> Void
  ) -> RecoveryDocument? {
    let recovery = RecoveryService(service: service)
    let newest = try? service.store.reading().newestCheckpoint(ofSession: recorder.session.id)
    if let snapshot {
      return recovery.document(
        of: recorder, snapshot, occasion: input.source == "compact" ? .compaction : .resumption,
        checkpointID: newest, whenRead: whenRead)
    }
    switch input.source {
    case "compact", "resume":
      // The transcript is out of reach: the session's last checkpoint has to do.
      let own = try? recovery.document(
        sessionID: recorder.session.id, project: recorder.project, occasion: .compaction)
      if let own { return own }
      fallthrough
    default:
      let previous = try? recovery.document(
        sessionID: nil, excluding: recorder.session.id, project: recorder.project,
        occasion: .newSession)
      guard var previous else { return nil }
      // The branch and what is uncommitted are those of now.
      if var git = recorder.git {
        git.dirty = dirty
        git.dirtyAt = dirty == nil ? nil : service.context.clock.now
        previous.snapshot.git = git
      }
      return previous
    }
  }
}
