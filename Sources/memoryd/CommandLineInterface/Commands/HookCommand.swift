import Checkpoints
import Continuity
import Core
import CPosix
import Foundation
import IPC
import Journal
import Redaction

/// The commands that hosts call as hooks: they read standard input, are bounded in time, and always
/// exit 0.
struct HookCommand {
  private let kind: Relay.Hook.Kind
  private let agent: String?

  init(_ call: Relay.Hook) {
    kind = call.kind
    agent = call.agent
  }

  /// - Parameter agent: As the person names it; nil for Claude Code.
  init(_ kind: Relay.Hook.Kind, agent: Agent?) {
    self.kind = kind
    self.agent = agent?.rawValue
  }

  /// How long to wait for a host to write its JSON. Hosts write at once.
  static let inputWait = Duration.seconds(1)

  /// SessionEnd's hooks have 1.5 s together.
  private static let sessionEndDeadline = Duration.milliseconds(800)

  /// Whatever was spent before.
  private static let leastTime = Duration.milliseconds(200)

  /// - Returns: Nil if standard input holds no hook's JSON: then a person is calling.
  func run(_ invocation: Invocation, home: String?) -> Outcome? {
    switch kind {
    case .checkpoint:
      return run(invocation, home: home) { try Self.journal($0, endsSession: false, $1) }
    case .sessionEnd:
      return run(invocation, home: home, deadline: Self.sessionEndDeadline) {
        try Self.journal($0, endsSession: true, $1)
      }
    case .canary:
      return run(invocation, home: home) { input, service in
        if input.isSubagent { return try Self.journal(input, endsSession: false, service) }
        HookWork(service: service).noteRepair(input)
        return input.event == "UserPromptSubmit"
          ? PromptContext(service: service).answer(input)
          : SessionStart(service: service).greet(input).json(for: input)
      }
    }
  }

  /// What the front does where it can: the record is durable first, and is taken in at once here.
  private static func journal(
    _ input: HookInput, endsSession: Bool, _ service: MemoryService
  ) throws -> String {
    let context = service.context
    let start = memoryd_monotonic() - (context.deadline?.elapsedMicroseconds ?? 0)
    var record = HookRecord(
      input, endsSession: endsSession, requestID: context.requestID.rawValue, at: context.clock.now,
      cwd: context.cwd,
      redacted: { context.redactor.redact($0) }, variable: { context.environment["\($0)"] })
    do throws(Journal.Refusal) {
      try? RegularFile.makeFolder(context.home.data)
      // What later hooks must know of settings stands there before they find a journal.
      FrontNews(context).settle()
      try context.journal.prepare()
      try context.journal.append(&record, since: start)
      // Whoever opens the store takes in what waits; where it cannot be had, the record waits.
      _ = try? service.store.writing()
    } catch {
      try HookWork(service: service).carryOut(record)
    }
    // Stop is the one of these events at which a host lets a hook speak.
    guard input.event == "Stop", !input.isSubagent,
      let news = context.journal.takeNews(
        FrontState.read(home: context.home.data)?.news, session: input.sessionID)
    else { return "" }
    return JSONOutput.text(["systemMessage": news] as JSON)
  }

  private func run(
    _ invocation: Invocation, home: String?, deadline: Duration? = nil,
    _ body: (HookInput, MemoryService) throws -> String
  ) -> Outcome? {
    if invocation.input.isTerminal { return nil }
    let bytes = invocation.input.read(Self.inputWait)
    switch HookInput.read(bytes, agent: agent) {
    case .empty:
      return nil
    case .notAHook:
      return nil
    case .unreadable:
      let context = try? CallContext(invocation: invocation, homeFlag: home, isLenient: true)
      let message = "a hook's input of \(bytes.count) bytes was not JSON; nothing was stored"
      context?.noteProblem("hook", .invalid, message, hint: "the next hook tries again")
      return Outcome(errorOutput: "memoryd: note: \(message)\n")
    case .hook(let input):
      if input.isBorrowed,
        BorrowedHooks.runTwice(user: UserPath.userFolder(invocation.environment))
      {
        return Outcome()
      }
      return Self.hook(input, invocation, home, deadline, body)
    }
  }

  /// Codex's older way, which needs no approval: JSON as an argument, after each turn.
  func notified(_ notice: String, _ invocation: Invocation, _ home: String?) -> Outcome {
    // Others may come: they tell of nothing that a checkpoint is about.
    guard let input = HookInput(notice: Array(notice.utf8)) else { return Outcome() }
    return Self.hook(input, invocation, home, nil) { input, service in
      // Nobody reads what it prints.
      _ = try Self.journal(input, endsSession: false, service)
      return ""
    }
  }

  private static func hook(
    _ input: HookInput, _ invocation: Invocation, _ home: String?, _ fixed: Duration?,
    _ body: (HookInput, MemoryService) throws -> String
  ) -> Outcome {
    do {
      var context = try CallContext(invocation: invocation, homeFlag: home, isLenient: true)
      // A daemon that took it and did not finish it has used some of the time.
      let limit = max(
        leastTime, (fixed ?? context.settings.duration(.hookDeadline)) - invocation.spent)
      context.deadline = Deadline(in: limit)
      let service = MemoryService(context, deferredWork: invocation.deferredWork).takingIn()
      let problems = context.problems
      let clock = invocation.clock
      let output = service.hookOutput
      invocation.enterHookMode(limit) {
        // First what the host waits for: the note may hang on a broken disk.
        defer {
          problems.note(
            .init(
              at: clock.now, event: input.event, code: "timeout",
              message: "the hook was not done within \(limit.milliseconds) ms and was ended",
              hint: "run `memoryd doctor`"))
        }
        return output.soFar
      }
      do {
        return Outcome(output: try body(input, service))
      } catch {
        if invocation.daemon != nil, (error as? StoreError)?.isStoreUnavailable ?? true {
          return .forCaller
        }
        note(error, input.event, context)
        return Outcome()
      }
    } catch {
      if invocation.daemon != nil { return .forCaller }
      // Not even a folder for the store: nothing can be kept, so at least it is said.
      let text = (error as? CommandError)?.text ?? "memoryd: error: \(type(of: error))\n"
      guard input.event == "SessionStart", let error = error as? CommandError else {
        return Outcome(errorOutput: text)
      }
      let message =
        "\(error.message); this session is not remembered" + (error.hint.map { "; \($0)" } ?? "")
      return Outcome(output: SessionGreeting.only(message).json(for: input), errorOutput: text)
    }
  }

  private static func note(_ error: any Error, _ event: String, _ context: CallContext) {
    let problem =
      (error as? StoreError)
      ?? StoreError(.inputOutput, "the hook failed: \(type(of: error))")
    context.noteProblem(event, problem.code, problem.message, hint: problem.hint)
  }
}
