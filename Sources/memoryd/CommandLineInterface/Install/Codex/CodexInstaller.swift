import Continuity
import Core

extension HookSettings {
  /// Codex's. Its SessionEnd has one second, three at most. Without its own limit a context of more than
  /// 2,500 tokens would be cut to head and tail.
  static let codex = [
    Hook(
      event: "SessionStart", arguments: ["canary", "--agent", "codex"], timeout: 5,
      values: ["startup", "resume", "clear", "compact"], form: .shell, contextTokens: 6000),
    Hook(
      event: "PreCompact", arguments: ["checkpoint", "--agent", "codex"], timeout: 5,
      values: ["manual", "auto"], form: .shell),
    Hook(
      event: "PostCompact", arguments: ["checkpoint", "--agent", "codex"], timeout: 5,
      values: ["manual", "auto"], form: .shell),
    Hook(
      event: "Stop", arguments: ["checkpoint", "--agent", "codex"], timeout: 10, values: [],
      form: .shell),
    Hook(
      event: "SessionEnd", arguments: ["session", "end", "--agent", "codex"], timeout: 2,
      values: ["other"], form: .shell),
  ]

  /// The same as tables.
  var codexTables: String {
    let program = ShellLine.quoted(executable)
    let tables = hooks.map { hook in
      let line = ([program] + hook.arguments).joined(separator: " ")
      let limit = hook.contextTokens.map { "additionalContextLimit = \($0)\n" } ?? ""
      return """
        [[hooks.\(hook.event)]]
        [[hooks.\(hook.event).hooks]]
        type = "command"
        command = \(Self.quoted(line))
        timeout = \(hook.timeout)
        \(limit)
        """
    }
    return tables.joined(separator: "\n")
  }
}

extension SettingsInstaller {
  /// Codex: hooks in `hooks.json`, or in `config.toml` where somebody keeps theirs there, and the server
  /// in `config.toml`.
  static func codex(_ context: CallContext) throws -> SettingsInstaller {
    let folder = try Agent.codex.folder(context)
    var settings = HookSettings(
      executable: try ExecutablePath.front(), environment: context.environment)
    settings.hooks = HookSettings.codex
    let (list, config) = (folder + "/hooks.json", folder + "/config.toml")
    var pieces = [
      TOMLBlock.Piece(
        text: """
          [mcp_servers.memoryd]
          command = \(HookSettings.quoted(settings.executable))
          args = ["mcp"]

          """,
        signs: ["mcp_servers.memoryd.", "mcp_servers.memoryd="])
    ]
    var parts: [Part] = []
    if keepsHooks(config), !RegularFile.exists(list) {
      pieces.append(.init(text: settings.codexTables, signs: ["--agentcodex"]))
    } else {
      parts.append(Part(kind: .hooks, path: list, content: .json(.hooks(settings))))
    }
    parts.append(
      Part(
        kind: .server, path: config,
        content: .toml(TOMLBlock(pieces: pieces, roots: ["mcp_servers"]))))
    // The folder of skills that several agents share.
    if let user = UserPath.userFolder(context.environment) {
      parts += Skill.all.map { skill in
        Part(
          kind: .hooks, path: "\(user)/.agents/skills/memoryd-\(skill.name)/SKILL.md",
          content: .own(skill.shared))
      }
    }
    return SettingsInstaller(context: context, parts: parts)
  }

  /// Somebody has hooks in the configuration itself.
  private static func keepsHooks(_ config: String) -> Bool {
    guard let bytes = try? RegularFile.read(config, limit: 16 << 20) else { return false }
    let hooks = TOMLBlock.Piece(text: "", signs: ["hooks."])
    return hooks.isIn(String(decoding: bytes, as: UTF8.self))
  }
}
