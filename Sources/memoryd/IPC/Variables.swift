/// The variables that go to the daemon with a request: those that the engine reads, and those that git
/// goes by. An environment holds keys of other programs, which are none of the daemon's business.
extension RelayRequest {
  private static let names: Set<String> = [
    "HOME", "PATH", "TZ", "LANG", "LANGUAGE", "TERM", "NO_COLOR", "COLUMNS",
    "CLAUDE_CONFIG_DIR", "CLAUDE_CODE_SESSION_ID", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_PROJECT_DIR",
    "CLAUDE_PLUGIN_ROOT", "CODEX_HOME",
    "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "GIT_CEILING_DIRECTORIES", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
  ]
  private static let families = ["MEMORYD_", "XDG_", "LC_"]

  /// - Parameter name: Of a variable, without its value.
  public static func carries(variable name: String) -> Bool {
    names.contains(name) || families.contains { name.hasPrefix($0) }
  }

  /// - Parameter entries: `NAME=value`.
  /// - Returns: Those that a request carries.
  public static func carried(of entries: [String]) -> [String] {
    entries.filter { entry in
      entry.firstIndex(of: "=").map { carries(variable: String(entry[..<$0])) } ?? false
    }
  }
}
