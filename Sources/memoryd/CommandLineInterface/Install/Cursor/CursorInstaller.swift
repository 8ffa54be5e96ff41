import Continuity
import Core

extension HookSettings {
  /// Cursor's. Its `stop` names no transcript, which is found by the session's id.
  static let cursor = [
    Hook(
      event: "sessionStart", arguments: ["canary", "--agent", "cursor"], timeout: 5, values: [],
      form: .flat),
    Hook(
      event: "preCompact", arguments: ["checkpoint", "--agent", "cursor"], timeout: 5, values: [],
      form: .flat),
    Hook(
      event: "stop", arguments: ["checkpoint", "--agent", "cursor"], timeout: 10, values: [],
      form: .flat),
    Hook(
      event: "sessionEnd", arguments: ["session", "end", "--agent", "cursor"], timeout: 2,
      values: [], form: .flat),
  ]
}

extension SettingsInstaller {
  static func cursor(_ context: CallContext) throws -> SettingsInstaller {
    let folder = try Agent.cursor.folder(context)
    var settings = HookSettings(
      executable: try ExecutablePath.front(), environment: context.environment)
    settings.hooks = HookSettings.cursor
    return SettingsInstaller(
      context: context,
      parts: [
        Part(kind: .hooks, path: folder + "/hooks.json", content: .json(.hooks(settings))),
        Part(kind: .server, path: folder + "/mcp.json", content: .json(.server(settings))),
      ])
  }
}
