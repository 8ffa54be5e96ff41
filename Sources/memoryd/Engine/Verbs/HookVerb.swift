import Checkpoints
import Foundation
import MemoryStore

/// What the verbs share that hosts call as hooks: they read standard input, are bounded in time,
/// and always exit 0.
enum HookVerb {
  /// How long to wait for a host to write its JSON, ms. Hosts write at once.
  static let inputWait = 1000

  /// Runs `body` in hook mode if standard input holds a hook's JSON.
  ///
  /// - Parameters:
  ///   - deadline: Ms; nil takes the setting.
  ///   - body: Gives what goes to standard output. What it throws is noted, not shown.
  /// - Returns: Nil if this is no hook's call.
  static func run(
    _ invocation: Invocation, shared: SharedOptions, deadline fixed: Int? = nil,
    _ body: (HookInput, MemoryService) throws -> String
  ) throws -> Outcome? {
    if invocation.input.isTerminal { return nil }
    let bytes = invocation.input.read(inputWait)
    switch HookInput.read(bytes) {
    case .empty:
      return nil
    case .notAHook:
      return nil
    case .unreadable:
      let service = try? lenientService(invocation, shared, Deadline(milliseconds: 1000))
      let message = "a hook's input of \(bytes.count) bytes was not JSON; nothing was stored"
      service?.note("hook", .invalid, message, hint: "the next hook tries again")
      return Outcome(errorOutput: "memoryd: note: \(message)\n")
    case .hook(let input):
      return hook(input, invocation, shared, fixed, body)
    }
  }

  private static func hook(
    _ input: HookInput, _ invocation: Invocation, _ shared: SharedOptions, _ fixed: Int?,
    _ body: (HookInput, MemoryService) throws -> String
  ) -> Outcome {
    do {
      // The deadline begins with the process; this much may have gone by before here.
      let settingsLess = try lenientService(invocation, shared, Deadline(milliseconds: 2000))
      let limit = fixed ?? settingsLess.settings.integer(.hookDeadline)
      let service = try lenientService(invocation, shared, Deadline(milliseconds: limit))
      let problems = service.problems
      let clock = invocation.clock
      invocation.enterHookMode(limit) {
        problems.note(
          .init(
            at: clock.now, event: input.event, code: "timeout",
            message: "the hook was not done within \(limit) ms and was ended",
            hint: "run `memoryd doctor`"))
      }
      if input.isRepaired {
        service.note(
          input.event, .invalid, "the hook's JSON was cut off; what could be read of it was used")
      }
      do {
        return Outcome(output: try body(input, service))
      } catch {
        note(error, input.event, service)
        return Outcome()
      }
    } catch {
      // Not even a folder for the store: nothing can be kept, so at least it is said.
      let text = (error as? VerbError)?.text ?? "memoryd: error: \(type(of: error))\n"
      return Outcome(errorOutput: text)
    }
  }

  private static func note(_ error: any Error, _ event: String, _ service: MemoryService) {
    let problem =
      (error as? StoreError)
      ?? StoreError(.inputOutput, "the hook failed: \(type(of: error))")
    service.note(event, problem.code, problem.message, hint: problem.hint)
  }

  private static func lenientService(
    _ invocation: Invocation, _ shared: SharedOptions, _ deadline: Deadline
  ) throws -> MemoryService {
    try MemoryService(
      invocation: invocation, homeFlag: shared.home?.text, isLenient: true, deadline: deadline)
  }
}
