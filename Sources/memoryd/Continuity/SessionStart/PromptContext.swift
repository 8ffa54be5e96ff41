import Core
package import Journal
import MemoryStore
import Transcripts

/// Answers what the person sends, in hosts that tell of a compaction in no other way: the prompt behind
/// it brings the recovery document.
package struct PromptContext {
  let service: MemoryService

  package init(service: MemoryService) {
    self.service = service
  }

  /// - Returns: What the hook prints: one JSON object, without anything in it where there is nothing to
  ///   be told.
  package func answer(_ input: HookInput) -> String {
    var recorder = SessionRecorder(service: service, input: input)
    recorder.readTranscript()
    guard let boundary = recorder.digest.boundaries.last, !wasTold(recorder, since: boundary.at)
    else { return JSONOutput.text([:] as JSON) }
    var start = input
    start.source = "compact"
    return SessionStart(service: service).greet(start).json(for: start)
  }

  private func wasTold(_ recorder: SessionRecorder, since instant: Int64) -> Bool {
    let log = ContextLog(folder: service.context.home.logs)
    return log.entries(session: recorder.session.id).contains { $0.at >= instant }
  }
}

extension HookInput {
  /// The person sent something.
  var isPrompt: Bool { event == "UserPromptSubmit" }
}
