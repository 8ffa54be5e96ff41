import ArgumentParser
import Continuity
import Core
import MCPServer

struct MCPCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "mcp",
    abstract: "Serves memoryd's tools over MCP on standard input and output.",
    discussion: """
      For agents, which start it themselves. With a daemon each message goes to it; without, or \
      when it goes away, this process answers. The tools have vault-mcp's names, arguments and \
      results, so what was written for vault-mcp works with it too. For Claude Code:
        claude mcp add memoryd -- memoryd mcp
      """)

  @OptionGroup var shared: SharedOptions

  func run(_ invocation: Invocation) throws -> Outcome {
    guard let converse = invocation.converse else {
      throw CommandError(
        .usage, "usage", "memoryd mcp talks to an agent; there is none on standard input",
        hint: "`claude mcp add memoryd -- memoryd mcp` lets Claude Code start it")
    }
    // Wrong settings are told now, not at the first call.
    _ = try shared.service(invocation)
    let server = MCPResponder(tools: MCPToolbox(invocation: invocation, home: shared.home?.text))
    let relay = MCPRelay(invocation: invocation, home: shared.home?.text)
    let clock = invocation.clock
    var ids = ULIDGenerator()
    converse { line, reply in
      let requestID = RequestID(ids.next(at: clock.now))
      if let answer = relay.ask(line, requestID: requestID) {
        if !answer.isEmpty { reply(answer) }
        return
      }
      let answer = server.receive(line, requestID: requestID)
      if let bytes = answer.bytes { reply(bytes) }
      guard case .forward(let call) = answer else { return }
      // What comes meanwhile is answered meanwhile.
      Task { reply(await call.answer().bytes) }
    }
    return Outcome()
  }
}
