import Continuity
import Core

extension SettingsInstaller {
  /// Claude Code: hooks in its settings, the server in its own file.
  ///
  /// - Throws: ``CommandError`` where this memoryd is not whole, or no home folder is known.
  static func claude(_ context: CallContext) throws -> SettingsInstaller {
    let files = try ClaudeFiles(context)
    let settings = HookSettings(
      executable: try ExecutablePath.front(), environment: context.environment)
    return SettingsInstaller(
      context: context,
      parts: [
        Part(kind: .hooks, path: files.settings, content: .json(.hooks(settings))),
        Part(kind: .server, path: files.state, content: .json(.server(settings))),
      ])
  }
}
