import ArgumentParser
import Continuity
import Core
import Foundation
import IPC
import Journal
import MemoryStore
import Vault

struct StatusCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Tells what is stored, how the hooks do, and whether something needs care.")

  @OptionGroup var shared: SharedOptions

  func run(_ invocation: Invocation) throws -> Outcome {
    let service = try shared.service(invocation)
    let verdict = service.vault.verdict()
    let database: MemoryDatabase
    do throws(StoreError) {
      database = try service.store.reading()
    } catch {
      // The store is what is wrong: still tell what waits beside it.
      let spooled = service.store.spool.pending.count
      let journaled = service.context.journal.count(upTo: JournalIntake.mostCounted)
      let failure = CommandError(error)
      return Outcome(
        errorOutput: failure.text
          + (spooled > 0 ? "\(spooled) writes wait in the spool\n" : "")
          + (journaled > 0 ? "\(journaled) hooks wait in the journal\n" : ""),
        exitCode: failure.exitCode)
    }
    let daemon = DaemonCare(context: service.context)
    service.store.payErasure()
    let counts = try database.counts()
    let outbox = try database.outboxCounts(vault: service.vault.reference?.id)
    let hooks = try database.hookStatistics()
    var ours = try ProjectFinder.filter(named: nil, service)
    ours.limit = 5
    let sessions = try database.sessions(ours)
    let problems = service.context.problems.recent(since: service.context.clock.now - Timestamp.day)
    let size = RegularFile.facts(service.context.home.database)?.size ?? 0
    let walSize = RegularFile.facts(service.context.home.database + "-wal")?.size ?? 0
    let warnings = warnings(service, database)
    let waiting = service.context.journal.count(upTo: JournalIntake.mostCounted)
    ours.limit = 1
    let last = try database.checkpoints(ours).first
    if shared.json {
      return Outcome(
        output: JSONOutput.text(
          [
            "version": Relay.version, "mode": verdict.mode.rawValue, "daemon": daemon.json(),
            "home": service.context.home.data, "database_bytes": size, "wal_bytes": walSize,
            "disk_free_bytes": Disk.freeBytes(at: service.context.home.data),
            "counts": [
              "projects": counts.projects, "sessions": counts.sessions,
              "checkpoints": counts.checkpoints, "tasks": counts.tasks,
              "open_tasks": counts.openTasks, "decisions": counts.decisions,
              "entries": counts.entries,
            ] as JSON,
            "reason": verdict.reason?.rawValue, "since": Timestamp.string(verdict.since),
            "outbox": [
              "queued": outbox.queued, "uncertain": outbox.uncertain,
              "quarantined": outbox.quarantined, "held": outbox.held,
            ] as JSON,
            "spool": [
              "pending": service.store.spool.pending.count,
              "quarantined": service.store.spool.quarantined.count,
            ] as JSON,
            "journal": [
              "waiting": waiting,
              "quarantined": JournalIntake.quarantined(service.context).count,
            ] as JSON,
            "warnings": warnings.map {
              ["message": $0.message, "hint": $0.hint] as JSON
            },
            "last_checkpoint": last.map(JSONOutput.checkpoint),
            "sessions": sessions.map(JSONOutput.session),
            "hooks": hooks.map {
              [
                "event": $0.event, "runs": $0.runs, "failures": $0.failures,
                "p50_ms": Double($0.p50) / 1000, "p95_ms": Double($0.p95) / 1000,
                "p99_ms": Double($0.p99) / 1000,
              ] as JSON
            },
            "problems": problems.map {
              [
                "at": Timestamp.string($0.at), "event": $0.event, "code": $0.code,
                "message": $0.message, "hint": $0.hint,
              ] as JSON
            },
          ] as JSON))
    }
    let people = TerminalText(invocation)
    var text = people.bold("memoryd \(Relay.version)") + ", \(verdict.mode.rawValue) mode\n"
    text += "store     \(service.context.home.database), \((size + walSize) / 1024) KiB"
    if let free = Disk.freeBytes(at: service.context.home.data) {
      text += ", \(free >> 20) MiB free on the disk"
    }
    text += "\n"
    text +=
      "holds     \(counts.sessions) sessions, \(counts.checkpoints) checkpoints, "
      + "\(counts.openTasks) open of \(counts.tasks) tasks, \(counts.decisions) decisions, "
      + "\(counts.entries) entries\n"
    text += "daemon    \(daemon.line())\n"
    if service.context.settings.hasVault {
      let reason = verdict.reason.map { " (\($0.rawValue))" } ?? ""
      text +=
        "vault     \(verdict.mode.rawValue)\(reason) since \(TerminalText.time(verdict.since)): "
        + "\(TerminalText.line(verdict.detail, 200))\n"
      text +=
        "outbox    \(outbox.queued) queued, \(outbox.uncertain) uncertain, "
        + "\(outbox.quarantined) quarantined"
        + (outbox.held > 0 ? ", \(outbox.held) held here (`memoryd vault`)" : "") + "\n"
    }
    let spooled = (service.store.spool.pending.count, service.store.spool.quarantined.count)
    if spooled != (0, 0) {
      text += "spool     \(spooled.0) waiting, \(spooled.1) in \(service.store.spool.quarantine)\n"
    }
    if waiting > 0 {
      let number = waiting < JournalIntake.mostCounted ? "\(waiting)" : "\(waiting) or more"
      text += "journal   \(number) hooks wait; `memoryd doctor` takes all of them in\n"
    }
    for session in sessions {
      text +=
        "session   \(TerminalText.line(session.id, 40))  \(TerminalText.line(session.project ?? "-", 40))  "
        + "\(TerminalText.time(session.lastSeenAt))  \(TerminalText.line(session.objective ?? "", 60))\n"
    }
    for hook in hooks {
      text +=
        "hook      \(TerminalText.line(hook.event, 20)): \(hook.runs) runs, p50 \(ms(hook.p50)), p95 "
        + "\(ms(hook.p95)), p99 \(ms(hook.p99)) ms\n"
    }
    for warning in warnings {
      text += "warning   \(TerminalText.line(warning.message, 400)); \(warning.hint)\n"
    }
    for problem in problems.suffix(5) {
      text +=
        "problem   \(TerminalText.time(problem.at)) \(TerminalText.line(problem.event, 20)): "
        + TerminalText.line(problem.message) + (problem.hint.map { "; \($0)" } ?? "") + "\n"
    }
    return Outcome(output: text)
  }

  private func warnings(
    _ service: MemoryService, _ database: MemoryDatabase
  ) -> [(message: String, hint: String)] {
    [
      HomeCare(home: service.context.home).warning, StoreSize(database)?.warning,
      Erasure(database, at: service.context.clock.now)?.warning,
    ].compactMap(\.self)
  }

  private func ms(_ microseconds: Int64) -> String {
    String(format: "%.1f", Double(microseconds) / 1000)
  }
}
