import Core
import TestSupport
import Testing

@testable import CommandLineInterface

@Suite(.blocking) struct CodexServerTests {
  @Test func hooks_areFoundWhereverTheyStand() throws {
    let text = """
      {"data": [{"cwd": "/r", "hooks": [
        {"eventName": "stop", "command": "x --agent codex", "enabled": true, "trustStatus": "trusted"},
        {"event": "sessionStart", "handler": {"command": "y"}, "trustStatus": "untrusted"}],
        "warnings": []}], "other": 7}
      """
    let hooks = CodexServer.hooks(in: try #require(JSON(parsing: text.utf8)))
    #expect(
      hooks == [
        .init(event: "stop", command: "x --agent codex", isEnabled: true, trust: "trusted"),
        .init(event: "sessionStart", command: "y", isEnabled: true, trust: "untrusted"),
      ])
  }

  @Test func program_isNoneOfARelativeFolder() {
    #expect(CodexServer.program(["PATH": ".:bin:"]) == nil)
    #expect(CodexServer.program([:]) == nil)
  }
}
