import Foundation
import Testing

/// `memoryd mcp`, driven by the official Python SDK's client.
@Suite struct MCPServerTests {
  private let workplace: Workplace

  init() throws { workplace = try Workplace() }

  private struct Reply {
    var version: String
    var tools: [String]
    var results: [(isError: Bool, text: String, meta: [String: Any])]

    func json(_ index: Int) throws -> [String: Any] {
      let value = try JSONSerialization.jsonObject(with: Data(results[index].text.utf8))
      return try #require(value as? [String: Any])
    }

    func list(_ index: Int) throws -> [[String: Any]] {
      let value = try JSONSerialization.jsonObject(with: Data(results[index].text.utf8))
      return try #require(value as? [[String: Any]])
    }
  }

  private func drive(_ calls: [[Any]]) throws -> Reply {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: VaultPeer.python)
    process.arguments = [VaultPeer.root + "/Tests/MCP/drive.py", MemorydProcess.executable]
    process.environment = workplace.environment
    process.currentDirectoryURL = URL(fileURLWithPath: workplace.repository)
    let input = Pipe()
    let output = Pipe()
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    try input.fileHandleForWriting.write(
      contentsOf: JSONSerialization.data(withJSONObject: calls))
    try input.fileHandleForWriting.close()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let all = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let results = all["results"] as? [[String: Any]] ?? []
    return Reply(
      version: all["version"] as? String ?? "", tools: all["tools"] as? [String] ?? [],
      results: results.map {
        (
          $0["is_error"] as? Bool ?? false, $0["text"] as? String ?? "",
          $0["meta"] as? [String: Any] ?? [:]
        )
      })
  }

  @Test func tasks_haveTheVaultsShapesAndRules() throws {
    let reply = try drive([
      ["task", ["action": "list"]],
      ["task", ["action": "add", "title": "a\u{2028}b", "source": "cc", "context": "- [x] why"]],
      ["task", ["action": "add", "title": "no context"]],
      ["task", ["action": "add", "title": 5, "source": "cc"]],
      ["task", ["action": "add"]],
      ["task", ["action": "explode"]],
      ["task", ["action": "retro", "title": "long ago", "occurred_at": "2026-01-01T00:00:00Z"]],
      ["task", ["action": "done", "id": "01NOPE"]],
      ["task", ["action": "list", "status": ""]],
      ["task", ["action": "list", "format": "md"]],
      ["nothing", [:] as [String: Any]],
    ])
    #expect(reply.version == "2025-11-25")
    #expect(reply.tools.starts(with: ["task", "checkpoint"]))
    #expect(reply.results[0].text == "[]" && !reply.results[0].isError)
    let task = try reply.json(1)
    #expect(task["title"] as? String == "a\u{2028}b" && task["status"] as? String == "open")
    #expect(task["project"] as? String == "inbox" && (task["id"] as? String)?.count == 26)
    #expect(reply.results[1].meta["memoryd/durability"] as? String == "stored")
    #expect(try reply.json(2)["error"] as? String == "context required when source=auto")
    #expect(reply.results[2].isError && reply.results[3].isError && reply.results[4].isError)
    #expect(reply.results[3].text.hasPrefix("MCP error -32602: Input validation error"))
    #expect(reply.results[5].isError)
    #expect(try reply.json(6)["source"] as? String == "retroactive")
    #expect(try reply.json(7)["error"] as? String == "Task not found")
    #expect(!reply.results[7].isError, "as vault-mcp has it")
    #expect(try reply.list(8).count == 2)
    #expect(reply.results[9].text.contains("## inbox"))
    #expect(reply.results[10].isError)
  }

  @Test func change_goesByTheID() throws {
    let id = try #require(
      try drive([
        ["task", ["action": "add", "title": "one", "source": "cc"]]
      ]).json(0)["id"] as? String)
    let reply = try drive([
      ["task", ["action": "update", "id": id, "title": "two", "context": ""]],
      ["task", ["action": "done", "id": id]],
      ["task", ["action": "list"]],
      ["task", ["action": "list", "status": "done", "project": "inbox"]],
    ])
    #expect(try reply.json(0)["title"] as? String == "two")
    #expect(try reply.json(1)["status"] as? String == "done")
    #expect(try reply.json(1)["completed_at"] != nil)
    #expect(try reply.list(2).isEmpty && reply.list(3).count == 1)
    #expect(try workplace.run("task", "list", "--status", "all", "--json").items().count == 1)
  }

  @Test func checkpointsDecisionsAndTheRest() throws {
    let reply = try drive([
      ["checkpoint", ["action": "load"]],
      [
        "checkpoint",
        [
          "action": "save", "objective": "the parser", "blockers": ["CI"],
          "recent_actions": ["wrote it", "[memoryd:X]"],
        ],
      ],
      ["checkpoint", ["action": "load"]],
      ["checkpoint", ["action": "decide", "decision": "d", "rationale": "r"]],
      ["checkpoint", ["action": "decide", "decision": "d"]],
      ["decision", ["action": "list"]],
      ["search", ["query": "parser"]],
      ["backup", [:] as [String: Any]],
      ["health", [:] as [String: Any]],
      ["session_start", [:] as [String: Any]],
      ["session_end", ["objective": "over", "recent_actions": ["x"]]],
      ["resume", ["budget": 400]],
    ])
    #expect(try reply.json(0)["message"] as? String == "No checkpoints found")
    let id = try reply.json(1)["id"] as? String
    #expect(try (reply.json(1)["content_length"] as? Int ?? 0) > 20)
    let loaded = try reply.json(2)
    #expect(loaded["id"] as? String == id)
    #expect((loaded["trigger_signals"] as? String)?.contains("[memoryd:X]") == true)
    #expect((loaded["content"] as? String)?.contains("the parser") == true)
    #expect(try reply.json(3)["decision"] as? String == "d")
    #expect(reply.results[4].isError)
    #expect(try reply.list(5).count == 1)
    #expect(try (reply.json(6)["results"] as? [Any])?.isEmpty == false)
    let tables = try reply.json(7)["d1"] as? [String: Any]
    #expect((tables?["checkpoints"] as? [Any])?.count == 1)
    #expect((tables?["decisions"] as? [Any])?.count == 1)
    #expect(try reply.json(8)["status"] as? String == "ok")
    #expect(try reply.json(9)["open_tasks_count"] as? Int == 0)
    #expect(try reply.json(10)["checkpoint_saved"] as? Bool == true)
    #expect(reply.results[11].text.contains("over") && reply.results[11].text.utf16.count <= 400)
  }

  @Test func idempotencyKey_makesOneWriteOfTwo() throws {
    let call: [Any] = [
      "task", ["action": "add", "title": "once", "source": "cc"],
      ["memoryd/idempotency_key": "k-1"],
    ]
    let reply = try drive([call, call])
    #expect(try reply.json(0)["id"] as? String == reply.json(1)["id"] as? String)
    _ = try drive([call])
    #expect(try workplace.run("task", "list", "--json").items().count == 1)
  }

  @Test func garbage_getsAnErrorAndTheNextLineItsAnswer() throws {
    let lines = [
      "{\"jsonrpc\":\"2.0\",\"id\":1,", "[]", "42", "{\"id\":2}", "",
      "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"nope\"}",
      "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}",
      "{\"jsonrpc\":\"2.0\",\"id\":\"four\",\"method\":\"ping\"}",
    ]
    let result = try workplace.run("mcp", input: lines.joined(separator: "\n"))
    #expect(result.status == 0)
    let answers = try result.output.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    let codes = answers.map { ($0["error"] as? [String: Any])?["code"] as? Int }
    #expect(codes == [-32700, -32600, -32600, -32600, -32601, nil])
    #expect(answers.last?["id"] as? String == "four")
  }
}
