import ArgumentParser
import Continuity
import Core
import Daemon
import Foundation
import MemoryStore

struct RestoreCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Puts a backup in the place of the store.",
    discussion: """
      memoryd restore ~/backups/memory-2026-01-14.backup --force

      The backup is checked first, and brought up to date if an older memoryd wrote it. A store that \
      holds something is replaced only with --force, and kept beside the new one. What waits for \
      the vault is looked up there before it is sent, as it may have been sent since.
      """)

  @OptionGroup var shared: SharedOptions
  @Argument(help: "What `memoryd backup` wrote.", completion: .file()) var file: TextArgument
  @Flag(name: .long, help: "Replace a store that holds something; it is kept.") var force = false

  func run(_ invocation: Invocation) throws -> Outcome {
    try shared.refuseProject()
    // Not opened by way of the service, which takes the spool into the store: it waits for the new
    // one.
    let service = try shared.service(invocation)
    let home = service.context.home
    try RegularFile.makeFolder(home.data)
    let lock = try lock(home)
    defer { withExtendedLifetime(lock) {} }
    let facts = try MemoryDatabase.restore(
      service.context.absolute(file.text), to: home.database, replaces: force,
      at: service.context.clock.now)
    if shared.json { return Outcome(output: JSONOutput.copy(facts, home.database)) }
    return Outcome(
      output: "\(TerminalText.line(home.database, 400)): \(TerminalText.holdings(facts.counts))\n"
        + (facts.kept.map { "kept what was there: \(TerminalText.line($0, 400))\n" } ?? ""))
  }

  /// A daemon has things of the old store in mind; none may begin meanwhile either.
  private func lock(_ home: HomeLayout) throws -> InstanceLock {
    do {
      return try InstanceLock(file: home.instanceLock)
    } catch let held as InstanceLock.Held {
      throw CommandError(
        .degraded, "already_running",
        "a daemon serves \(home.data)\(held.note.isEmpty ? "" : " (\(held.note))")",
        hint:
          "stop it first (`systemctl --user stop memoryd`, or end its `memoryd serve`); nothing "
          + "was changed")
    }
  }
}
