import ArgumentParser
import Continuity
import Core
import Foundation

struct InstallCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "install", abstract: "Puts memoryd's hooks and tools into an agent's settings.",
    subcommands: [Claude.self])

  struct Claude: Command {
    static let configuration = CommandConfiguration(
      commandName: "claude",
      abstract: "Claude Code: hooks in settings.json, the MCP server in .claude.json.",
      discussion: """
        Everything else in these files stays as it is, byte for byte; a copy of each is kept \
        beside it. A second time nothing changes. New sessions have it. --uninstall leaves every \
        byte as it was before.
        """)

    @OptionGroup var shared: SharedOptions
    @Flag(name: .long, help: "Take hooks and server out again.") var uninstall = false
    @Flag(name: .customLong("dry-run"), help: "Show what would change, and change nothing.")
    var dryRun = false

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let installer = try ClaudeInstaller(service.context)
      let people = TerminalText(invocation)
      // All are worked out before one is written.
      var edits = try uninstall ? installer.removals() : installer.additions()
      if !dryRun { edits = try installer.carryOut(edits, uninstalls: uninstall) }
      var output = ""
      for edit in edits {
        output += people.bold(edit.path) + "\n"
        for (mark, line) in LineDifference.text(edit.old, edit.new ?? "") {
          let text = "\(mark) \(TerminalText.safe(line))"
          output += (mark == " " || mark == "@" ? people.dim(text) : text) + "\n"
        }
        if edit.new == nil { output += "the file goes, as memoryd had made it\n" }
        if let backup = edit.backup { output += "a copy of what it was: \(backup)\n" }
      }
      if shared.json {
        return Outcome(
          output: JSONOutput.text(
            [
              "changed": edits.map {
                [
                  "path": $0.path, "backup": $0.backup, "removed": $0.new == nil,
                ] as JSON
              }, "dry_run": dryRun,
            ] as JSON))
      }
      let remaining = uninstall ? installer.remaining(after: edits) : []
      if edits.isEmpty {
        output =
          !uninstall
          ? "everything is there already\n"
          : remaining.isEmpty
            ? "nothing of memoryd is there\n"
            : "nothing that `memoryd install claude` made is there\n"
      } else if dryRun {
        output += "nothing was changed (--dry-run)\n"
      } else if !uninstall {
        output += "new sessions of Claude Code have it; `memoryd doctor` checks that it works\n"
      }
      for path in remaining {
        output += "\(path) calls memoryd still, by what stood there before it was installed\n"
      }
      return Outcome(output: output)
    }
  }
}
