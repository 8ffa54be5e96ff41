import Continuity
import Core
import IPC

extension SettingsInstaller {
  /// Gemini CLI: an extension, as hooks of settings files are dropped in folders that are not trusted and
  /// an extension's are not.
  static func gemini(_ context: CallContext) throws -> SettingsInstaller {
    let folder = try Agent.gemini.folder(context) + "/extensions/memoryd"
    let executable = try ExecutablePath.front()
    let commands = Skill.all.map { skill in
      Part(
        kind: .hooks, path: "\(folder)/commands/memoryd/\(skill.name).toml",
        content: .own(skill.toml))
    }
    return SettingsInstaller(
      context: context,
      parts: commands + [
        Part(
          kind: .server, path: folder + "/gemini-extension.json",
          content: .own(manifest(executable))),
        Part(
          kind: .hooks, path: folder + "/hooks/hooks.json", content: .own(hooks(executable))),
      ])
  }

  private static func manifest(_ executable: String) -> String {
    """
    {
      "name": "memoryd",
      "version": "\(Relay.version)",
      "description": "Keeps what a session knew across compressions and sessions.",
      "mcpServers": {
        "memoryd": {
          "command": \(HookSettings.quoted(executable)),
          "args": ["mcp"]
        }
      }
    }

    """
  }

  /// Timeouts are milliseconds. PreCompress comes before nearly every turn; a compression is answered at
  /// the prompt behind it.
  private static func hooks(_ executable: String) -> String {
    let program = ShellLine.quoted(executable)
    let events: [(name: String, call: String, timeout: Int)] = [
      ("SessionStart", "canary", 5000), ("BeforeAgent", "canary", 5000),
      ("PreCompress", "checkpoint", 5000), ("AfterAgent", "checkpoint", 10_000),
      ("SessionEnd", "session end", 2000),
    ]
    let entries = events.map { event in
      """
          "\(event.name)": [
            {
              "hooks": [
                {
                  "type": "command",
                  "name": "memoryd",
                  "command": \(HookSettings.quoted("\(program) \(event.call) --agent gemini")),
                  "timeout": \(event.timeout)
                }
              ]
            }
          ]
      """
    }
    return "{\n  \"hooks\": {\n\(entries.joined(separator: ",\n"))\n  }\n}\n"
  }
}
