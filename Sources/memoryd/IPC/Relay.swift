/// What the front and the daemon have agreed on. Both are built from this; where they are not, the
/// daemon declines and the front goes on with its own engine.
public enum Relay {
  /// The version of memoryd as a whole. A front hands nothing to a daemon of another version.
  public static let version = "0.1.0"

  /// The version of what goes over the socket.
  public static let protocolNumber: UInt16 = 2

  /// Commands that are about the store alone, or about what a hook names: the daemon may do these.
  /// Those that serve, install, or write files where the person is stay in a process of their own.
  public static let commands = [
    "canary", "checkpoint", "decide", "decision", "fix", "project", "resume", "search",
    "session", "status", "task",
  ]

  /// The command line of one MCP message; no command has such a name.
  public static let message = ["#mcp"]

  /// The command line that asks a daemon about itself.
  public static let question = ["#facts"]

  /// The command line that tells a daemon of something in the journal. There is no answer.
  public static let nudge = ["#journal"]

  /// A command line by which a host calls a hook: these read standard input at once.
  public struct Hook: Equatable, Sendable {
    public enum Kind: Sendable {
      case checkpoint, canary, sessionEnd

      /// True for the hooks that only say what happened: the front appends that to the journal.
      public var isJournaled: Bool { self != .canary }
    }

    public var kind: Kind
    /// The agent that calls, where the line says: one of ``agents``.
    public var agent: String?

    /// - Returns: Nil for every other command line, also for one with more options: people's.
    public init?(_ arguments: [String]) {
      var words = arguments[...]
      if words.count > 2, words[words.endIndex - 2] == "--agent", let name = words.last {
        guard Relay.agents.contains(name) else { return nil }
        agent = name
        words = words.dropLast(2)
      }
      switch Array(words) {
      case ["checkpoint"]: kind = .checkpoint
      case ["canary"]: kind = .canary
      case ["session", "end"]: kind = .sessionEnd
      default: return nil
      }
    }
  }

  /// The agents that memoryd knows, as `--agent` names them.
  public static let agents = ["claude", "codex", "gemini", "cursor"]

  /// True if the daemon may be asked to carry out this command line.
  public static func mayRelay(_ arguments: [String]) -> Bool {
    guard let command = arguments.first, commands.contains(command) else { return false }
    for argument in arguments {
      if argument == "--" { break }
      // Another folder has another daemon, and help is as wide as the terminal.
      if argument == "--home" || argument.hasPrefix("--home=") || argument == "--help"
        || argument == "-h" || argument == "--version"
        // Answers line by line, which a request to the daemon does not.
        || argument == "--batch"
      {
        return false
      }
    }
    return true
  }

  /// Where the daemon of a user listens, by the environment alone: `MEMORYD_HOME`, else
  /// `XDG_RUNTIME_DIR`, else the data folder. Nil where none is known.
  public static func socketPath(
    variable: (_ name: String) -> String?, cwd: () -> String?
  ) -> String? {
    #if !os(macOS)
      if variable("MEMORYD_HOME")?.isEmpty ?? true,
        let runtime = variable("XDG_RUNTIME_DIR"), runtime.hasPrefix("/")
      {
        return runtime + "/memoryd/memoryd.sock"
      }
    #endif
    return dataFolder(variable: variable, cwd: cwd).map { $0 + "/memoryd.sock" }
  }

  /// Where the store and the journal of a user are, by the environment alone. Nil where that is not
  /// known.
  public static func dataFolder(
    variable: (_ name: String) -> String?, cwd: () -> String?
  ) -> String? {
    if let home = variable("MEMORYD_HOME"), !home.isEmpty {
      if home.hasPrefix("/") { return home }
      if home == "~" || home.hasPrefix("~/") {
        return variable("HOME").map { $0 + home.dropFirst(1) }
      }
      return cwd().map { $0 + "/" + home }
    }
    func folder(_ name: String) -> String? {
      variable(name).flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    #if os(macOS)
      return folder("HOME").map { $0 + "/Library/Application Support/memoryd" }
    #else
      let data = folder("XDG_DATA_HOME") ?? folder("HOME").map { $0 + "/.local/share" }
      return data.map { $0 + "/memoryd" }
    #endif
  }
}
