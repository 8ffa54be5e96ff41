import ArgumentParser
import Canary
import MemoryStore

struct MCPCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "mcp",
    abstract: "Serves memoryd's tools over MCP on standard input and output.",
    discussion: """
      For agents, which start it themselves. The tools have vault-mcp's names, arguments and \
      results, so what was written for vault-mcp works with it too. For Claude Code:
        claude mcp add memoryd -- memoryd mcp
      """)

  @OptionGroup var shared: SharedOptions

  func run(_ invocation: Invocation) throws -> Outcome {
    guard let converse = invocation.converse else {
      throw VerbError(
        .usage, "usage", "memoryd mcp talks to an agent; there is none on standard input",
        hint: "`claude mcp add memoryd -- memoryd mcp` lets Claude Code start it")
    }
    // Wrong settings are told now, not at the first call.
    _ = try shared.service(invocation)
    let server = MCPServer(tools: MCPTools(invocation: invocation, home: shared.home?.text))
    converse { line in server.answer(line).map { Array($0.bytes) } }
    return Outcome()
  }
}
