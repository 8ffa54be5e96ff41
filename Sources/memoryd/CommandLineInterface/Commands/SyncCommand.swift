import ArgumentParser
import Canary
import Continuity
import Core
import Fallback
import Foundation
import MemoryStore
import Sync
import Vault

struct SyncCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "sync",
    abstract: "Sends what waits to the vault, and takes in what the vault and the files have.",
    discussion: """
      Each write reaches the vault once: one whose answer was lost is looked up before it is sent \
      again. Entries that somebody wrote into the fallback files are taken in first.

      Exit code 0 when nothing waits any more, 75 when something does, also when the vault is down \
      and when it is uncertain whether the vault has a write.
      """)

  @OptionGroup var shared: SharedOptions
  @Flag(name: .customLong("dry-run"), help: "Show what would be done, and do nothing.")
  var dryRun = false

  /// How long a person waits for a lost answer to become clear; longer ones are left to the next
  /// sync.
  private static let patience = Duration.seconds(5)
  /// So many items that stay here are listed in a dry run.
  private static let mostHeld = 20

  func run(_ invocation: Invocation) throws -> Outcome {
    let service = try shared.service(invocation, takesAll: true)
    let vault = service.vault
    var tools: VaultTools?
    if service.context.settings.hasVault {
      do throws(VaultFailure) {
        tools = try vault.tools()
      } catch {
        if !dryRun { vault.observe(.probeFailed(error)) }
        throw CommandError(
          .badConfiguration, error.reason.rawValue, error.detail,
          hint: "`memoryd doctor` shows every setting and where it comes from")
      }
    }
    defer { tools?.close() }
    if dryRun { return try plan(tools, service) }
    let sync = SyncService(service: service)
    let wait = HealthStateMachine.wait(
      vault.health(), asker: .person, now: service.context.clock.now)
    if tools != nil, wait > .zero {
      let adoption = try sync.adopt(end: nil, onlyIfChanged: false)
      return try report(
        .init(adoption: adoption, left: service.vault.pendingCount(), health: vault.health()),
        service, note: "the vault asks to be left alone for \(wait.components.seconds + 1) s more")
    }
    // A sync in another process is soon over.
    let end = ContinuousClock.now + Self.patience
    var outcome = try sync.run(
      tools, end: nil, patience: Self.patience, effort: .typed, progress: invocation.progress)
    while outcome.report.isBusy, ContinuousClock.now < end {
      usleep(100_000)
      outcome = try sync.run(
        tools, end: nil, patience: Self.patience, effort: .typed, progress: invocation.progress)
    }
    invocation.progress?("")
    if outcome.report.isBusy { outcome.left = service.vault.pendingCount() }
    return try report(outcome, service, note: nil)
  }

  // MARK: The reply

  private func report(
    _ outcome: SyncService.Outcome, _ service: MemoryService, note: String?
  ) throws -> Outcome {
    let counts = try service.store.reading().outboxCounts(
      vault: service.vault.reference?.id)
    let verdict = service.vault.verdict()
    let report = outcome.report
    let hasVault = service.context.settings.hasVault
    let unfinished = outcome.adoption?.unfinished ?? 0
    let left = (hasVault ? counts.queued : 0) + unfinished
    let isDone =
      left == 0 && (!hasVault || (verdict.mode == .normal && counts.uncertain == 0))
    var result = Outcome(exitCode: isDone ? .ok : .degraded)
    let damage = outcome.adoption?.damage ?? []
    if shared.json {
      result.output = JSONOutput.text(
        [
          "mode": verdict.mode.rawValue, "reason": verdict.reason?.rawValue,
          "detail": verdict.detail, "adopted": outcome.adoption?.adopted ?? 0,
          "sent": report.sent, "found": report.found, "pulled": report.pulled,
          "pending": hasVault ? counts.queued : 0, "uncertain": counts.uncertain,
          "quarantined": counts.quarantined, "held": counts.held, "unfinished_entries": unfinished,
          "next_look_at": JSONOutput.time(report.nextLook),
          "waits_because": report.waitsBecause, "busy": report.isBusy,
          "differences": report.differences.map {
            [
              "id": $0.taskID, "vault_id": $0.vaultID, "field": $0.field, "here": $0.here,
              "in_vault": $0.inVault,
            ] as JSON
          },
          "damage": damage,
        ] as JSON)
      return result
    }
    var parts: [String] = []
    func say(_ count: Int, _ text: String) { if count > 0 { parts.append("\(count) \(text)") } }
    say(outcome.adoption?.adopted ?? 0, "taken in from the fallback files")
    say(report.sent, "sent")
    say(report.found, "already in the vault")
    say(report.pulled, "taken over from the vault")
    result.output = (parts.isEmpty ? "nothing to do" : parts.joined(separator: ", ")) + "\n"
    if hasVault, counts.held > 0 {
      result.output +=
        "\(TerminalText.count(counts.held, "write")) stay here until you share them: "
        + "`memoryd vault` tells of which projects\n"
    }
    if !hasVault {
      result.output += "no vault is configured; everything is kept in the local store\n"
    } else {
      let reason = verdict.reason.map { " (\($0.rawValue))" } ?? ""
      result.output +=
        "\(verdict.mode.rawValue)\(reason): \(TerminalText.line(verdict.detail, 300))\n"
    }
    var notes: [String] = []
    if let note { notes.append(note) }
    if report.isBusy { notes.append("another process is syncing; try again in a moment") }
    if hasVault, counts.queued > 0 {
      var text = counts.queued == 1 ? "1 write waits" : "\(counts.queued) writes wait"
      if let why = report.waitsBecause { text += ": \(why)" }
      if let next = report.nextLook { text += "; the next try is at \(Timestamp.string(next))" }
      notes.append(text)
    }
    if unfinished > 0 {
      notes.append("\(unfinished) entries in the fallback files may still be being written")
    }
    if counts.uncertain > 0 {
      notes.append("\(counts.uncertain) uncertain: `memoryd outbox list --state uncertain`")
    }
    if counts.quarantined > 0 {
      notes.append(
        "\(counts.quarantined) quarantined: `memoryd outbox list --state quarantined`")
    }
    notes += report.differences.map(Self.text)
    notes += damage
    result.errorOutput = notes.map { "memoryd: note: \(TerminalText.line($0, 400))\n" }.joined()
    return result
  }

  private static func text(_ difference: TaskDifference) -> String {
    if difference.field == "task" {
      return "task \(difference.taskID) is not in the vault any more (\(difference.vaultID) there)"
    }
    func quoted(_ text: String?) -> String {
      text.map { "\"\(TerminalText.line($0, 60))\"" } ?? "nothing"
    }
    return
      "task \(difference.taskID) differs: its \(difference.field) is \(quoted(difference.here)) here "
      + "and \(quoted(difference.inVault)) in the vault; a new change of it settles that"
  }

  // MARK: The plan

  private func plan(_ tools: VaultTools?, _ service: MemoryService) throws -> Outcome {
    let plan = try SyncService(service: service).plan(tools)
    let lines = plan.steps.map { step -> (what: String, row: OutboxRow, why: String?) in
      switch step {
      case .settle(let row, .synced, let why): ("settle", row, why)
      case .settle(let row, .uncertain, let why): ("uncertain", row, why)
      case .settle(let row, .quarantined, let why): ("quarantine", row, why)
      case .settle(let row, _, let why): ("requeue", row, why)
      case .send(let row, let again): (again ? "resend" : "send", row, nil)
      case .wait(let row, let until, let why):
        ("wait", row, why + (until.map { " (until \(Timestamp.string($0)))" } ?? ""))
      case .hold(let row, let why): ("hold", row, why)
      }
    }
    if shared.json {
      return Outcome(
        output: JSONOutput.text(
          [
            "adopt": plan.adoption?.adopted ?? 0, "damage": plan.adoption?.damage ?? [],
            "reason": plan.failure?.reason.rawValue, "detail": plan.failure?.detail,
            "steps": lines.map {
              [
                "step": $0.what, "number": $0.row.number, "kind": $0.row.kind.rawValue,
                "action": $0.row.action.rawValue, "id": $0.row.itemID, "why": $0.why,
              ] as JSON
            },
            "held": plan.held.map(VaultCommand.json),
          ] as JSON))
    }
    var text = ""
    if let adopted = plan.adoption?.adopted, adopted > 0 {
      text += "adopt       \(adopted) entries of the fallback files\n"
    }
    for line in lines {
      let what = line.what.padding(toLength: 11, withPad: " ", startingAt: 0)
      text +=
        "\(what) \(line.row.number)  \(line.row.kind) \(line.row.action)  \(line.row.itemID)"
        + (line.why.map { "  (\(TerminalText.line($0, 200)))" } ?? "") + "\n"
    }
    if !plan.held.isEmpty {
      text += "\(TerminalText.counts(plan.held)) stay here until you share them:\n"
      text += plan.held.prefix(Self.mostHeld).map(VaultCommand.line).joined()
      if plan.held.count > Self.mostHeld {
        text += "  and \(plan.held.count - Self.mostHeld) more\n"
      }
      text += "`memoryd vault share PROJECT --history` sends what is of a project\n"
    }
    if let failure = plan.failure {
      text += "the vault does not answer (\(failure.reason.rawValue)): \(failure.detail)\n"
    }
    return Outcome(output: text.isEmpty ? "nothing to do\n" : text)
  }
}
