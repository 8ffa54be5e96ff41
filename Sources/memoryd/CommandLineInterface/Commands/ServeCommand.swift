import ArgumentParser
import Continuity
import Daemon

struct ServeCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Runs the daemon in the foreground: faster hooks, background sync, MCP over HTTP.",
    discussion: """
      Nothing needs the daemon; everything is faster with it. It takes hooks over a Unix socket, \
      follows the transcripts of running sessions, keeps watch on the vault, and sends what waits. \
      One runs for each folder. It ends on SIGTERM or Ctrl-C, and reads its settings anew on SIGHUP.

      `memoryd service install` has it started with your session.

        memoryd serve                         socket only
        memoryd serve --http 127.0.0.1:7437   and MCP at http://127.0.0.1:7437/mcp
      """)

  @OptionGroup var shared: SharedOptions
  @Option(
    name: .long, help: "Serve MCP over HTTP at ADDRESS:PORT (default: http.listen; off).")
  var http: String?

  func run(_ invocation: Invocation) throws -> Outcome {
    if let http, HTTPAddress(http) == nil {
      throw CommandError(.usage, "usage", "--http must be ADDRESS:PORT, as in 127.0.0.1:7437")
    }
    guard let announce = invocation.announce else {
      throw CommandError(.usage, "usage", "serve runs in a process of its own")
    }
    try DaemonProcess(
      invocation: invocation, homeFlag: shared.home?.text, httpFlag: http,
      execute: { Engine.run($0) }
    )
    .run(announce: announce)
    return Outcome()
  }
}
