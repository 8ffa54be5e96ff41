package import Checkpoints
package import Core
import Foundation
import Git
package import Journal
package import MemoryStore
import Redaction
import Transcripts

/// Takes checkpoints, for hooks and by hand.
package struct CheckpointService {
  let service: MemoryService

  package init(service: MemoryService) {
    self.service = service
  }

  /// How long a second hook of the same compaction renews the first one's checkpoint.
  private static let debounce = Duration.seconds(15)
  /// How long a hook waits for git before its commit: a second commit takes longer.
  private static let gitPatience = Duration.milliseconds(4)
  /// How long a hook waits for git after its commit.
  private static let gitWait = Duration.milliseconds(150)
  /// The same where nobody waits.
  private static let gitWaitAfterwards = Duration.seconds(2)

  // MARK: Hooks

  /// - Returns: The checkpoint, or nil if this event did not ask for one.
  package func take(for record: HookRecord) throws(StoreError) -> DurableWriter.Acknowledgement? {
    let input = record.input
    let isStop = input.event.hasPrefix("Stop") || input.event == "PreCompress"
    // What git lists is of now: an old record goes without.
    let isFresh = service.context.present.now - record.at < HookRecord.freshness.milliseconds
    // A host waits for a hook; in the daemon nobody does.
    let deadline = service.deferredWork == nil ? service.context.deadline : nil
    var status =
      !isStop && isFresh && deadline != nil ? SessionRecorder.status(input, service) : nil
    var recorder = SessionRecorder(service: service, input: input, record: record)
    // A list that belongs to another commit would be false.
    let asksGit = !isStop && isFresh && recorder.isAtItsHead
    if !asksGit { status = nil }
    let previous =
      (try? service.store.reading().checkpoints(
        RecordFilter(sessionID: recorder.session.id, until: record.at, limit: 1)))?.first
    recorder.readTranscript(signalsSince: previous.flatMap { Snapshot(json: $0.body) })
    if let summary = input.compactSummary { recorder.ingestSummary(summary) }
    // After a failure of the API the last message is the error's text.
    if input.event == "Stop", let words = input.lastMessage { recorder.ingestLastWords(words) }
    recorder.reportProblem(input.event)
    if isStop,
      !StopSignals.areDue(recorder.digest.signals, decisions: decisionsOfLate(recorder))
    {
      try skip(recorder, record)
      return nil
    }
    recorder.resetSignals()
    let trigger = Self.trigger(input)
    let keepsHandoff = trigger == .preCompact
    let known =
      asksGit ? recorder.git.flatMap { service.context.daemon?.uncommitted(in: $0.root) } : nil
    let dirty = known ?? status?.paths(within: Self.gitPatience)
    let renewed = previous.flatMap { renews($0, trigger: trigger, recorder) ? $0 : nil }
    let replacing = renewed?.id
    // The checkpoint of a compaction stays one, whoever renews it.
    let label =
      renewed.map(\.trigger).flatMap { CheckpointTrigger.ofCompaction.contains($0) ? $0 : nil }
      ?? trigger
    let snapshot = recorder.snapshot(dirty: dirty)
    let handoffs = CompactionHandoff(service: service)
    let handoff =
      keepsHandoff
      ? handoffs.kept(with: snapshot, recorder, record, checkpointID: replacing) : nil
    let acknowledgement = try commit(
      snapshot, trigger: label, replacing: replacing, handoff: handoff, recorder,
      HookRun(record, session: recorder.session.id))
    service.writer.report(acknowledgement, input.event)
    guard acknowledgement.durability == .stored else { return acknowledgement }
    if let handoff { handoffs.writeFile(of: handoff, recorder, input.event) }
    // The first commit stands whatever becomes of the second.
    func add(_ late: [String]?) {
      // Whoever has renewed it meanwhile knows more.
      guard let late, late != dirty,
        let known = (try? service.store.reading().checkpoint(id: acknowledgement.id)) ?? nil,
        known.updatedAt == record.at
      else { return }
      let snapshot = recorder.snapshot(dirty: late)
      var draft = CheckpointDraft(snapshot, trigger: label, replacing: acknowledgement.id)
      if keepsHandoff {
        draft.handoff = handoffs.kept(
          with: snapshot, recorder, record, checkpointID: acknowledgement.id)
        // Written once.
        draft.handoff?.path = nil
      }
      _ = try? service.writer.commit(
        .checkpoint(draft), project: recorder.project, session: recorder.session,
        requestSuffix: "-git")
    }
    if asksGit, let deferredWork = service.deferredWork {
      let service = service
      deferredWork.add {
        add(
          recorder.git.flatMap {
            service.repositories.uncommitted(in: $0, within: Self.gitWaitAfterwards)
          })
      }
    } else if let deadline, dirty == nil, status != nil {
      add(status?.paths(within: min(Self.gitWait, deadline.remaining - .milliseconds(300))))
    }
    recorder.learnPlace()
    return acknowledgement
  }

  /// A sub-agent's event: its text is taken in, and the session goes on as it is. Neither its end nor
  /// its compaction are the session's.
  package func ingestSubagent(_ record: HookRecord) throws(StoreError) {
    var input = record.input
    input.transcriptPath = record.transcriptPath
    var recorder = SessionRecorder(service: service, input: input, record: record)
    recorder.readTranscript()
    recorder.leaveSessionAsItIs()
    try skip(recorder, record, isOwn: false)
  }

  /// Takes the checkpoint of a compaction that no hook announced.
  func takeAtBoundary(
    _ recorder: inout SessionRecorder, input: HookInput
  ) throws(StoreError) -> DurableWriter.Acknowledgement {
    recorder.resetSignals()
    let (session, deadline) = (recorder.session.id, service.context.deadline)
    return try commit(
      recorder.snapshot(dirty: nil), trigger: .boundary, replacing: nil, recorder,
      HookRun(
        event: input.event, sessionID: session, outcome: "stored",
        microseconds: deadline?.elapsedMicroseconds ?? 0))
  }

  private func commit(
    _ snapshot: Snapshot, trigger: CheckpointTrigger, replacing: RecordID?,
    handoff: HandoffDraft? = nil, _ recorder: SessionRecorder,
    _ run: @autoclosure @escaping () -> HookRun
  ) throws(StoreError) -> DurableWriter.Acknowledgement {
    var draft = CheckpointDraft(snapshot, trigger: trigger, replacing: replacing)
    draft.handoff = handoff
    return try service.writer.commit(
      .checkpoint(draft),
      project: recorder.project, session: recorder.session,
      transcript: recorder.finishedBatch(), hook: run)
  }

  private func skip(
    _ recorder: SessionRecorder, _ record: HookRecord, isOwn: Bool = true
  ) throws(StoreError) {
    let session = recorder.session
    // Text of the transcript, which the next reading finds again, and the record stays in the journal;
    // there is no checkpoint to be lost.
    try service.store.writing().commit(
      recorder.finishedBatch(), project: isOwn ? recorder.project : nil, session: session,
      requestID: record.request, at: service.context.clock.now
    ) {
      HookRun(record, session: session.id, isSkipped: true)
    }
  }

  /// One compaction fires its hooks up to four times, and PostCompact after PreCompact: nothing
  /// new was done meanwhile, so they share a checkpoint.
  private func renews(
    _ previous: CheckpointRecord, trigger: CheckpointTrigger, _ recorder: SessionRecorder
  ) -> Bool {
    guard !CheckpointTrigger.byHand.contains(previous.trigger) else { return false }
    let age = service.context.clock.now - previous.updatedAt
    let isSame =
      previous.trigger == trigger
      || CheckpointTrigger.ofCompaction.contains(previous.trigger)
        && CheckpointTrigger.ofCompaction.contains(trigger)
    if isSame, (0..<Self.debounce.milliseconds).contains(age) { return true }
    guard let known = Snapshot(json: previous.body) else { return false }
    return known.toolCalls == recorder.digest.toolCalls
      && known.requests.last == recorder.digest.requests.last
      && known.transcriptPath == recorder.session.transcriptPath
  }

  /// Decisions of this session in the last five minutes.
  private func decisionsOfLate(_ recorder: SessionRecorder) -> Int {
    let now = service.context.clock.now
    let filter = RecordFilter(
      sessionID: recorder.session.id, since: now - 300_000, until: now, limit: 3)
    return (try? service.store.reading().decisions(filter).count) ?? 0
  }

  private static func trigger(_ input: HookInput) -> CheckpointTrigger {
    switch input.event {
    case "PreCompact": .preCompact
    case "PostCompact": .postCompact
    case "Stop", "StopFailure": .stop
    case "SessionEnd": .sessionEnd
    default: .hook
    }
  }

  // MARK: By hand

  /// - Parameter isSaid: True if the caller gave words, be it blanks.
  package func take(
    _ stated: Snapshot.Statement, isSaid: Bool, project: ProjectReference,
    session: SessionReference?
  ) throws(StoreError) -> DurableWriter.Acknowledgement {
    // What is not read now stands in the transcript still.
    try? freshen(session)
    var snapshot = snapshot(of: session)
    // The repository at hand may be one that the session only walked to.
    if !project.isSame(as: ProjectFinder.here(service)) { snapshot.git = nil }
    if !stated.isEmpty { snapshot.stated = stated.redacted(by: service.context.redactor) }
    // Without a word the state of a repository is something to keep; blanks alone are a mistake.
    let keepsRepository = !isSaid && snapshot.git?.head != nil
    guard keepsRepository || !snapshot.saysNothing else {
      throw StoreError(
        .invalid, "there is nothing to keep: no session is known here, and nothing was said",
        hint:
          "say what the work is about, `memoryd checkpoint --objective TEXT`, or name a session "
          + "with --session")
    }
    return try take(snapshot, trigger: .manual, project: project, session: session)
  }

  package func take(
    _ snapshot: Snapshot, trigger: CheckpointTrigger, project: ProjectReference,
    session: SessionReference?,
    requestSuffix: String = ""
  ) throws(StoreError) -> DurableWriter.Acknowledgement {
    try service.writer.commit(
      .checkpoint(CheckpointDraft(snapshot, trigger: trigger, replacing: nil)), project: project,
      session: session, requestSuffix: requestSuffix)
  }

  /// Takes in what is new in the transcript of a session that hooks have told of.
  func freshen(_ session: SessionReference?) throws(StoreError) {
    guard let session else { return }
    var path = session.transcriptPath
    if path == nil { path = try service.store.reading().session(id: session.id)?.transcriptPath }
    guard let path, RegularFile.facts(path) != nil else { return }
    _ = try TranscriptIngest(service: service).ingest(path)
  }

  /// What is known of a session and of the repository at the working folder.
  func snapshot(of session: SessionReference?) -> Snapshot {
    var git = service.repositories.here
    if let root = git?.root,
      var status = GitStatus(root: root, environment: service.context.environment),
      let dirty = status.paths(within: .seconds(1))
    {
      git?.dirty = dirty
      git?.dirtyAt = service.context.clock.now
    }
    var snapshot: Snapshot
    if let session,
      let state = (try? service.store.reading().transcript(sessionID: session.id)) ?? nil,
      let digest = SessionDigest.stored(state.digest, service.context)
    {
      snapshot = Snapshot(digest, git: git)
      snapshot.transcriptPath = state.position.path
      snapshot.transcriptLine = state.position.lines
    } else {
      snapshot = Snapshot()
      snapshot.git = git
      snapshot.lastAt = service.context.clock.now
    }
    if snapshot.cwd == nil { snapshot.cwd = service.context.cwd }
    return snapshot
  }
}

extension Snapshot.Statement {
  /// The transcript reader redacts what it takes; this came from elsewhere.
  fileprivate func redacted(by redactor: Redactor) -> Self {
    Snapshot.Statement(
      objective: objective.map { redactor.redact($0) },
      blockers: blockers.map { redactor.redact($0) },
      actions: actions.map { redactor.redact($0) }, next: next.map { redactor.redact($0) })
  }
}

extension HookRun {
  /// From the hook's start until it appended its record.
  init(_ record: HookRecord, session: SessionID, isSkipped: Bool = false) {
    self.init(
      event: record.input.event, sessionID: session, outcome: isSkipped ? "skipped" : "stored",
      microseconds: record.microseconds)
  }
}

/// When a Stop is worth a checkpoint: the weights of the session protocol (reference "vault-mcp").
package enum StopSignals {
  /// In tenths, so that sums are exact. A checkpoint is due above 10.
  static func weight(_ signals: SessionDigest.Signals, decisions: Int = 0) -> Int {
    (decisions >= 3 ? 5 : 0)
      + (signals.repositoryWrites > 0 ? 3 : 0)
      + (signals.toolCalls >= 15 ? 6 : 0)
      + (signals.longestGap >= 600_000 ? 4 : 0)
      + (signals.repositories.count >= 3 ? 3 : 0)
  }

  static func areDue(_ signals: SessionDigest.Signals, decisions: Int = 0) -> Bool {
    weight(signals, decisions: decisions) > 10
  }
}
