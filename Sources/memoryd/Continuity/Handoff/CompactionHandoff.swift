import Checkpoints
import Core
import Git
import Journal
import MemoryStore
import Transcripts

/// The handoff that is kept with the checkpoint before a compaction, without anybody asking.
struct CompactionHandoff {
  let service: MemoryService

  /// A handoff to be kept with a checkpoint, made from what is known already: no git is asked here.
  ///
  /// - Parameter checkpointID: Of the checkpoint that is renewed, and its handoff with it.
  func kept(
    with snapshot: Snapshot, _ recorder: SessionRecorder, _ record: HookRecord,
    checkpointID: RecordID?
  ) -> HandoffDraft? {
    guard service.context.settings[.handoffOnCompact] != "off" else { return nil }
    let session = recorder.session
    let known = checkpointID.flatMap {
      (try? service.store.reading().handoff(checkpointID: $0)) ?? nil
    }
    var sources = HandoffGatherer(service: service).sources(
      snapshot, project: recorder.project, sessionID: session.id,
      since: recorder.digest.firstAt > 0 ? recorder.digest.firstAt : nil)
    sources.changes = snapshot.git?.dirty.map { $0.map { .init(path: $0, state: "") } }
    sources.commits = snapshot.commits.reversed().map {
      .init(hash: $0.hash, subject: $0.subject, at: $0.at)
    }
    var front = HandoffFront()
    let id = known?.id ?? Handoff.newID(service)
    front.id = id.rawValue
    front.project = recorder.project.name
    front.session = session.id.rawValue
    front.agent = session.agent
    front.created = Timestamp.string(known?.createdAt ?? service.context.clock.now)
    let handoff = sources.handoff(front, now: service.context.clock.now)
    // A file appears while the work is as it was, and not days later.
    let isFile =
      service.context.settings[.handoffOnCompact] == "file"
      && service.context.present.now - record.at < HookRecord.freshness.milliseconds
      && recorder.isAtItsHead
    let folder = HandoffFolder(at: session.cwd ?? service.context.cwd, git: recorder.git)
    return HandoffDraft(
      id: id, trigger: .preCompact, objective: handoff.objective,
      body: handoff.markdown(),
      path: isFile && known?.path == nil
        ? folder.path + "/" + HandoffFolder.name(at: service.context.clock.now) + ".md" : nil,
      isRenewal: known != nil)
  }

  /// Writes what was kept to `.handoff/`, where the settings say so: once for each compaction.
  func writeFile(of draft: HandoffDraft, _ recorder: SessionRecorder, _ event: String) {
    guard let planned = draft.path else { return }
    let folder = HandoffFolder(at: recorder.session.cwd ?? service.context.cwd, git: recorder.git)
    let document = draft.redacted(by: service.context.redactor).body
    do throws(StoreError) {
      let name = HandoffFolder.name(at: service.context.clock.now)
      let path = try folder.write(document, name: name, suffix: ".md")
      // Where the document also lies; the document itself is in the store.
      if path != planned { try service.store.writing().setPath(path, ofHandoff: draft.id) }
    } catch {
      service.context.noteProblem(
        event, error.code, "\(error.message); the handoff is in the store",
        hint: "`memoryd handoff show \(draft.id)` prints it")
    }
  }
}
