package import Core
import MemoryStore

/// Ends a session for a hook.
package struct SessionEndService {
  let service: MemoryService

  package init(service: MemoryService) {
    self.service = service
  }

  /// One transaction: the text that fits the deadline, and the end. The next session start or
  /// `ingest` takes the rest. The end of a headless run within a session is not the session's.
  package func end(_ input: HookInput) throws(StoreError) {
    guard let deadline = service.context.deadline else { return }
    var recorder = SessionRecorder(service: service, input: input)
    recorder.readTranscript(leaving: .milliseconds(350))
    recorder.reportProblem(input.event)
    let session = recorder.session
    if HeadlessRun(service).isVisit(input, recorder.digest) {
      // Text of the transcript, which the next reading finds again; the session goes on as it is.
      try service.store.writing().commit(
        recorder.finishedBatch(), project: recorder.project, session: session,
        at: service.context.clock.now
      ) {
        HookRun(
          event: input.event, sessionID: session.id, outcome: "skipped",
          microseconds: deadline.elapsedMicroseconds)
      }
      return
    }
    let acknowledgement = try service.writer.commit(
      .endSession(reason: input.reason ?? "other"), project: recorder.project, session: session,
      transcript: recorder.finishedBatch()
    ) {
      HookRun(
        event: input.event, sessionID: session.id, outcome: "stored",
        microseconds: deadline.elapsedMicroseconds)
    }
    service.writer.report(acknowledgement, input.event)
    if acknowledgement.durability == .stored { recorder.learnPlace() }
  }
}
