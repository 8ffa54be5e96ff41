import ArgumentParser
public import Continuity
import Core
import Foundation
import IPC

/// The whole of memoryd as a function: arguments, standard input, folder, environment and clock
/// in; output and exit code out. The executable and the daemon call the same.
public enum Engine {
  public static func run(_ invocation: Invocation) -> Outcome {
    var outcome = CommandGrammar.$root.withValue(Memoryd.self) { carryOut(invocation) }
    outcome.errorOutput += invocation.remarks.text
    // It is for people, and names what they gave and what was recorded.
    outcome.errorOutput = TerminalText.safe(outcome.errorOutput)
    return outcome
  }

  private static func carryOut(_ invocation: Invocation) -> Outcome {
    var invocation = invocation
    // Telling these apart by hand saves a hook the command line parser, which costs more than the commit.
    if let call = Relay.Hook(invocation.arguments), !invocation.input.isTerminal {
      invocation.input = .bytes(invocation.input.read(HookCommand.inputWait))
      if let outcome = HookCommand(call).run(invocation, home: nil) { return outcome }
    }
    let arguments = CommandLineText.prepared(invocation.arguments)
    do {
      var command = try Memoryd.parseAsRoot(arguments)
      guard let known = command as? any Command else {
        // Help, or a command that only groups others: it throws the text to show.
        try command.run()
        return Outcome()
      }
      return try known.run(invocation)
    } catch let error as CommandError {
      return Outcome(errorOutput: error.text, exitCode: error.exitCode)
    } catch let error as StoreError {
      let error = CommandError(error)
      return Outcome(errorOutput: error.text, exitCode: error.exitCode)
    } catch {
      let text = Memoryd.fullMessage(for: error)
      if Memoryd.exitCode(for: error) == .success {
        return Outcome(output: text.hasSuffix("\n") ? text : text + "\n")
      }
      let isUsage = Memoryd.exitCode(for: error) == .validationFailure
      let message = text.replacing(String(TextArgument.mark), with: "")
      return Outcome(
        errorOutput: message.replacing("Error: ", with: "memoryd: error: ") + "\n",
        exitCode: isUsage ? .usage : .softwareError)
    }
  }
}

struct Memoryd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "memoryd",
    abstract: "Keeps what a coding agent knows, across compactions, sessions and outages.",
    discussion: """
      A compaction hook calls `memoryd checkpoint`, the next session start calls `memoryd canary`, \
      and what the session knew is back in its context. Everything else reads and writes the same \
      local store.

      First steps:
        memoryd status                     what is stored, and is all well
        memoryd search "retry backoff"     find it again
        memoryd task add "Fix the parser"  keep a task
        memoryd resume                     the recovery document of this project
      """,
    version: Relay.version,
    groupedSubcommands: [
      CommandGroup(
        name: "Sessions",
        subcommands: [
          CheckpointCommand.self, ResumeCommand.self, WrongCommand.self, CanaryCommand.self,
          SessionCommand.self,
          HandoffCommand.self,
        ]),
      CommandGroup(
        name: "Memory",
        subcommands: [
          TaskCommand.self, DecideCommand.self, DecisionCommand.self, LedgerCommand.self,
          SearchCommand.self, FixCommand.self, IngestCommand.self, ProjectCommand.self,
        ]),
      CommandGroup(
        name: "In and out",
        subcommands: [
          ExportCommand.self, ImportCommand.self, BackupCommand.self, RestoreCommand.self,
        ]),
      CommandGroup(
        name: "Vault",
        subcommands: [
          SyncCommand.self, OutboxCommand.self, VaultCommand.self, FallbackCommand.self,
        ]),
      CommandGroup(
        name: "Daemon and agents",
        subcommands: [
          ServeCommand.self, ServiceCommand.self, InstallCommand.self, MCPCommand.self,
        ]),
      CommandGroup(
        name: "Care",
        subcommands: [StatusCommand.self, DoctorCommand.self, CompletionsCommand.self]),
    ])
}
