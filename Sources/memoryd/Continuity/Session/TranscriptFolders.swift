/// The folders in which agents keep their transcripts.
package enum TranscriptFolders {
  package static func of(_ context: CallContext) -> (claude: String, codex: [String]) {
    let codex = home("CODEX_HOME", ".codex", context)
    return (
      home("CLAUDE_CONFIG_DIR", ".claude", context) + "/projects",
      [codex + "/archived_sessions", codex + "/sessions"]
    )
  }

  /// An agent's own folder: what its variable says, else below the user's.
  private static func home(_ variable: String, _ name: String, _ context: CallContext) -> String {
    let environment = context.environment
    if let folder = environment[variable], !folder.isEmpty {
      return UserPath.absolute(folder, cwd: context.cwd, environment)
    }
    return (UserPath.userFolder(environment) ?? "") + "/" + name
  }
}
