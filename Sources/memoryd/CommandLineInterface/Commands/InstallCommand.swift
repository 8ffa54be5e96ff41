import ArgumentParser
import Continuity
import Core
import Foundation

struct InstallCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "install",
    abstract: "Puts memoryd's hooks and tools into the settings of agents.",
    discussion: """
      claude  hooks in ~/.claude/settings.json, the MCP server in ~/.claude.json
      codex   hooks in ~/.codex/hooks.json, the MCP server in ~/.codex/config.toml
      gemini  an extension, ~/.gemini/extensions/memoryd
      cursor  ~/.cursor/hooks.json and ~/.cursor/mcp.json

      Everything else in these files stays as it is, byte for byte; a copy of each is kept \
      beside it. A second time nothing changes. New sessions have it. --uninstall leaves every \
      byte as it was before.

        memoryd install claude
        memoryd install codex gemini --dry-run
        memoryd install --all --uninstall
      """)

  @OptionGroup var shared: SharedOptions
  @Argument(help: "Of claude, codex, gemini, cursor.") var agents: [Agent] = []
  @Flag(name: .long, help: "All agents whose settings are here.") var all = false
  @Flag(name: .long, help: "Take hooks and server out again.") var uninstall = false
  @Flag(name: .customLong("dry-run"), help: "Show what would change, and change nothing.")
  var dryRun = false

  private struct Result {
    var agent: Agent
    var edits: [SettingsInstaller.Edit]
    /// Files that call memoryd still.
    var remaining: [String]
  }

  func run(_ invocation: Invocation) throws -> Outcome {
    let service = try shared.service(invocation)
    let wanted = try wanted(service.context)
    // All are worked out before one is written.
    let installers = try wanted.map { ($0, try SettingsInstaller.of($0, service.context)) }
    let planned = try installers.map { agent, installer in
      (agent, installer, try uninstall ? installer.removals() : installer.additions())
    }
    let results = try planned.map { agent, installer, edits in
      let done = dryRun ? edits : try installer.carryOut(edits, uninstalls: uninstall)
      return Result(
        agent: agent, edits: done,
        remaining: uninstall ? installer.remaining(after: done) : [])
    }
    if shared.json {
      return Outcome(
        output: JSONOutput.text(
          [
            "changed": results.flatMap { result in
              result.edits.map {
                [
                  "agent": result.agent.rawValue, "path": $0.path, "backup": $0.backup,
                  "removed": $0.new == nil,
                ] as JSON
              }
            }, "dry_run": dryRun,
          ] as JSON))
    }
    let people = TerminalText(invocation)
    let texts = results.map { text($0, people) }
    return Outcome(output: texts.joined())
  }

  private func wanted(_ context: CallContext) throws -> [Agent] {
    if all {
      guard agents.isEmpty else {
        throw CommandError(.usage, "usage", "--all and the names of agents exclude each other")
      }
      return Agent.allCases.filter { RegularFile.exists($0.facts.settingsFolder(context)) }
    }
    guard !agents.isEmpty else {
      throw CommandError(
        .usage, "usage", "whose settings?",
        hint: "`memoryd install claude`, codex, gemini or cursor, or --all")
    }
    return Agent.allCases.filter(agents.contains)
  }

  private func text(_ result: Result, _ people: TerminalText) -> String {
    var output = ""
    for edit in result.edits {
      output += people.bold(edit.path) + "\n"
      for (mark, line) in LineDifference.text(edit.old, edit.new ?? "") {
        let text = "\(mark) \(TerminalText.safe(line))"
        output += (mark == " " || mark == "@" ? people.dim(text) : text) + "\n"
      }
      if edit.new == nil { output += "the file goes, as memoryd had made it\n" }
      if let backup = edit.backup { output += "a copy of what it was: \(backup)\n" }
    }
    let of = agents.count > 1 || all ? "\(result.agent.title): " : ""
    if result.edits.isEmpty {
      output +=
        !uninstall
        ? "\(of)everything is there already\n"
        : result.remaining.isEmpty
          ? "\(of)nothing of memoryd is there\n"
          : "\(of)nothing that `memoryd install \(result.agent.rawValue)` made is there\n"
    } else if dryRun {
      output += "\(of)nothing was changed (--dry-run)\n"
    } else if !uninstall {
      output += "\(of)\(result.agent.facts.installed)\n"
    }
    for path in result.remaining {
      output += "\(path) calls memoryd still, by what stood there before it was installed\n"
    }
    return output
  }
}

extension SettingsInstaller {
  static func of(_ agent: Agent, _ context: CallContext) throws -> SettingsInstaller {
    switch agent {
    case .claude: try claude(context)
    case .codex: try codex(context)
    case .gemini: try gemini(context)
    case .cursor: try cursor(context)
    }
  }
}
