package import Core
package import Journal
import MemoryStore

/// Ends a session for a hook.
package struct SessionEndService {
  let service: MemoryService

  package init(service: MemoryService) {
    self.service = service
  }

  /// One transaction: the text, and the end. The end of a headless run within a session is not the
  /// session's.
  package func end(_ record: HookRecord) throws(StoreError) {
    let input = record.input
    var recorder = SessionRecorder(service: service, input: input, record: record)
    recorder.readTranscript(leaving: .milliseconds(350))
    recorder.reportProblem(input.event)
    let session = recorder.session
    if HeadlessRun(service).isVisit(input, recorder.digest) {
      // Text of the transcript, which the next reading finds again; the session goes on as it is.
      try service.store.writing().commit(
        recorder.finishedBatch(), project: recorder.project, session: session,
        requestID: record.request, at: service.context.clock.now
      ) {
        HookRun(record, session: session.id, isSkipped: true)
      }
      return
    }
    let acknowledgement = try service.writer.commit(
      .endSession(reason: input.reason ?? "other"), project: recorder.project, session: session,
      transcript: recorder.finishedBatch()
    ) {
      HookRun(record, session: session.id)
    }
    service.writer.report(acknowledgement, input.event)
    if acknowledgement.durability == .stored { recorder.learnPlace() }
  }
}
