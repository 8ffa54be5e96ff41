import Journal
import MemoryStore
import Transcripts

/// A run without a person at it (`claude -p`), which may go on with somebody's session.
///
/// It begins and ends within that session, as the sub-agents do: whether the session is over is for
/// whoever has it open to say.
package struct HeadlessRun {
  /// How a person leaves a session.
  private static let leavings: Set<String> = ["clear", "logout", "prompt_input_exit"]

  private let service: MemoryService
  /// How the host was started, as it tells its hooks.
  private let entrypoint: String?

  init(_ service: MemoryService) {
    self.service = service
    entrypoint = service.context.environment["CLAUDE_CODE_ENTRYPOINT"].flatMap {
      $0.isEmpty ? nil : $0
    }
  }

  /// True for the start of a run that goes on with a session.
  func isVisit(_ input: HookInput) -> Bool {
    entrypoint?.hasPrefix("sdk") == true && input.source == "resume"
  }

  /// True for the end of such a run.
  func isVisit(_ input: HookInput, _ digest: SessionDigest) -> Bool {
    if let reason = input.reason, Self.leavings.contains(reason) { return false }
    guard entrypoint.map({ $0.hasPrefix("sdk") }) ?? digest.isHeadless else { return false }
    let source = input.session.flatMap {
      (try? service.store.reading().source(ofSession: $0)) ?? nil
    }
    switch source {
    case "resume": return true
    // The run began the session itself.
    case "startup", "clear": return false
    default: return digest.wasAttended
    }
  }
}
