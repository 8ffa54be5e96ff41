package import Core
import Foundation
import IPC

/// How the daemon of a folder is, seen from outside or from itself.
package struct DaemonCare {
  private let context: CallContext

  package init(context: CallContext) {
    self.context = context
  }

  package var socketPath: String? {
    if let daemon = context.daemon { return daemon.socketPath }
    var environment = context.environment
    if context.home.isChosen { environment["MEMORYD_HOME"] = context.home.data }
    return Relay.socketPath(variable: { environment[$0] }, cwd: { context.cwd })
  }

  func answer() -> DaemonAnswer {
    if let daemon = context.daemon { return .facts(daemon.facts) }
    guard let path = socketPath else { return .none }
    return DaemonFacts.ask(socketPath: path)
  }

  package struct Problem {
    package var message: String
    package var hint: String
  }

  /// What is wrong with the daemon; nil if it is well, or nobody wants one.
  package func problem() -> Problem? {
    if context.daemon != nil { return nil }
    let installed = ServiceUnit.isInstalled(context.environment)
    let restart =
      installed
      ? "`memoryd service install` starts it anew" : "end it and start `memoryd serve` again"
    switch answer() {
    case .facts: return nil
    case .none where installed:
      return Problem(
        message: "the daemon is installed as a service, but does not run",
        hint: "everything works without it, only slower; `memoryd service status` tells more")
    case .none: return nil
    case .stranger(let user):
      return Problem(
        message: "\(Self.who(user)) listens at \(socketPath ?? "the socket") and was told nothing",
        hint:
          "everything works without a daemon; find out who put that socket there, and remove it "
          + "or set XDG_RUNTIME_DIR to a folder of your own")
    case .silent:
      return Problem(message: "the daemon does not answer", hint: restart)
    case .declined(let why):
      return Problem(message: "the daemon does not fit this memoryd: \(why)", hint: restart)
    }
  }

  // MARK: Telling

  private static func who(_ user: UInt32?) -> String {
    user.map { "a process of another user (uid \($0))" } ?? "a process of an unknown user"
  }

  package func json() -> JSON? {
    switch answer() {
    case .none: return nil
    case .stranger(let user):
      return ["running": false, "problem": "\(Self.who(user)) listens there, and was told nothing"]
    case .silent: return ["running": false, "problem": "it does not answer"]
    case .declined(let why): return ["running": false, "problem": why]
    case .facts(let facts):
      return [
        "running": true, "version": facts.version, "pid": facts.pid,
        "started_at": Timestamp.string(facts.startedAt), "requests": facts.requests,
        "declined": facts.declined, "followed": facts.followed,
        "resident_bytes": facts.residentBytes, "socket": facts.socket,
        "http_url": facts.httpURL,
      ]
    }
  }

  package func line() -> String {
    switch answer() {
    case .none: return "none; everything works without it, `memoryd serve` makes it faster"
    case .stranger(let user):
      return "none of yours: \(Self.who(user)) listens there; `memoryd doctor` tells what to do"
    case .silent: return "does not answer; `memoryd doctor` tells what to do"
    case .declined(let why): return TerminalText.line(why, 200)
    case .facts(let facts):
      var text =
        "pid \(facts.pid), version \(facts.version), since \(TerminalText.time(facts.startedAt)) UTC, "
        + "\(facts.requests) requests, follows \(facts.followed) transcripts"
      if let bytes = facts.residentBytes { text += ", \(bytes >> 20) MiB" }
      if let url = facts.httpURL { text += "; MCP at \(url)" }
      return text
    }
  }
}
