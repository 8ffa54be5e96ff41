import ArgumentParser
import Continuity
import Core
import IPC
import MemoryStore
import Vault

struct CanaryCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "canary",
    abstract: "Settles the mode at session start and tells the session what it needs to know.",
    discussion: """
      Asks the vault for its tasks: the cheapest call that proves connection, token, MCP and \
      storage at once. With the time that is left it sends what waits.

      With SessionStart's JSON on standard input it registers the session and answers with the \
      mode and the recovery document as the session's context. Exit code 0 in normal and \
      standalone mode, 75 in degraded mode; always 0 for a hook.
      """)

  @OptionGroup var shared: SharedOptions
  @OptionGroup var caller: CallerOptions
  @Option(name: .long, help: "Ms for the vault's answer (default: vault.timeout_ms, 1500).")
  var timeout: Int?

  func run(_ invocation: Invocation) throws -> Outcome {
    let hook = HookCommand(.canary, agent: caller.agent)
    if let outcome = hook.run(invocation, home: shared.home?.text) { return outcome }
    let service = try shared.service(invocation)
    let project = try project(shared, service)
    if let timeout, !(1...60_000).contains(timeout) {
      throw CommandError(.usage, "usage", "--timeout must be from 1 to 60000 (ms)")
    }
    let verdict = VaultCheck(service: service).settle(
      timeout: timeout.map { .milliseconds($0) }, isTyped: true
    ).verdict
    let report = try CanaryReport(
      project: project, excluding: ProjectFinder.session(nil, service)?.id, service)
    let lastCheckpoint = try service.store.reading().checkpoints(
      RecordFilter(place: project, limit: 1)
    ).first
    var outcome = Outcome(exitCode: verdict.mode == .degraded ? .degraded : .ok)
    if shared.json {
      outcome.output = JSONOutput.text(
        [
          "mode": verdict.mode.rawValue, "reason": verdict.reason?.rawValue,
          "detail": verdict.detail, "latency_ms": verdict.latency?.milliseconds,
          "checked_at": Timestamp.string(verdict.checkedAt),
          "since": Timestamp.string(verdict.since), "open_tasks": report.openTasks,
          "pending": report.pending,
          "last_checkpoint": lastCheckpoint.map(JSONOutput.checkpoint),
          "other_sessions": report.otherSessions.map(JSONOutput.session),
        ] as JSON)
      return outcome
    }
    let reason = verdict.reason.map { " (\($0.rawValue))" } ?? ""
    outcome.output =
      "\(verdict.mode.rawValue)\(reason): \(TerminalText.line(verdict.detail, 300))\n"
    if report.pending > 0 {
      outcome.output +=
        (report.pending == 1
          ? "1 write waits for the vault; `memoryd sync` sends it\n"
          : "\(report.pending) writes wait for the vault; `memoryd sync` sends them\n")
    }
    outcome.output +=
      "project \(TerminalText.line(project.name)): \(TerminalText.count(report.openTasks, "open task"))\n"
    if let last = lastCheckpoint {
      outcome.output +=
        "last checkpoint \(last.id), \(TerminalText.time(last.createdAt)) UTC: "
        + TerminalText.line(last.objective, 80) + "\n"
    }
    for other in report.otherSessions {
      outcome.output +=
        "active session \(TerminalText.line(other.id, 60)), seen \(TerminalText.time(other.lastSeenAt)) UTC\n"
    }
    return outcome
  }
}
