import Foundation
import TestSupport
import Testing

@testable import Canary
@testable import CommandLineInterface
@testable import Continuity
@testable import Core
@testable import MCPServer
@testable import MemoryStore

/// memoryd's MCP tools, called in this process: what their schemas promise, what they take and whom
/// they tell what.
@Suite(.blocking) struct MCPToolTests {
  // MARK: Which tools there are

  @Test func toolbox_hasTheToolOfEveryFile() throws {
    let folder = VaultPeer.root + "/Sources/memoryd/MCPServer/Tools"
    let files = try FileManager.default.contentsOfDirectory(atPath: folder)
    let types = MCPToolbox.all.map { "\(type(of: $0)).swift" }
    #expect(types.sorted() == files.sorted())
    #expect(Set(MCPToolbox.all.map(\.name)).count == MCPToolbox.all.count)
  }

  @Test func documentation_hasEveryToolWithItsArguments() throws {
    let page = try String(contentsOfFile: VaultPeer.root + "/docs/mcp.md", encoding: .utf8)
    let table = page.split(separator: "\n").drop { !$0.hasPrefix("| tool | arguments") }
      .dropFirst(2).prefix { $0.hasPrefix("|") }
    let rows = table.map { $0.split(separator: "|").map { Self.codeWords(String($0)) } }
    #expect(rows.map { $0.first?.first } == MCPToolbox.all.map(\.name))
    for (row, tool) in zip(rows, MCPToolbox.all) {
      var words: Set<String> = []
      for parameter in tool.parameters {
        words.insert(parameter.name)
        if parameter.name == "action", case .choice(let actions) = parameter.kind {
          words.formUnion(actions)
        }
      }
      #expect(Set(row[1]) == words, "\(tool.name)")
    }
  }

  /// What stands between backticks.
  private static func codeWords(_ text: String) -> [String] {
    text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset % 2 == 1 }.map { String($0.element) }
  }

  @Test func schema_isWhatClientsRead() {
    #expect(
      String(decoding: SessionEndTool().description.bytes, as: UTF8.self)
        == #"{"annotations":{"destructiveHint":false,"openWorldHint":false,"readOnlyHint":false},"#
        + #""description":"Saves a last checkpoint of a session.","inputSchema":{"properties":{"#
        + #""blockers":{"description":"What is in the way.","items":{"type":"string"},"#
        + #""type":"array"},"objective":{"description":"What the session was about.","#
        + #""type":"string"},"project":{"description":"The project's short name.","#
        + #""type":"string"},"recent_actions":{"description":"What was done.","items":{"type":"#
        + #""string"},"type":"array"}},"required":["objective"],"type":"object"},"#
        + #""name":"session_end"}"#)
    #expect(
      LedgerTool().status.property["enum"]?.strings == ["done", "not_done", "deferred", "pending"])
    #expect(DecisionTool().limit.property["type"] == .string("integer"))
  }

  @Test func readOnlyHint_isOfTheToolsThatWriteNothing() {
    #expect(
      MCPToolbox.all.filter(\.isReadOnly).map(\.name)
        == ["search", "resume", "session_start", "health", "backup"])
  }

  // MARK: Arguments

  /// Those of a decision, whose tool has each kind but a list.
  private func decision(_ json: String) throws -> MCPArguments {
    try MCPArguments(JSON(parsing: json.utf8), for: DecisionTool().parameters)
  }

  private func misfit(_ json: String, _ tool: any MCPTool) -> String? {
    do throws(MCPMisfit) {
      _ = try MCPArguments(JSON(parsing: json.utf8), for: tool.parameters)
      return nil
    } catch { return error.message }
  }

  @Test(arguments: ["2", "\"2\"", "\" 2\"", "\"2.0\"", "2.0", "\"+2\"", "\"02\""])
  func number_whenItComesAsAText_isTaken(limit: String) throws {
    let arguments = try decision(#"{"action":"list","limit":\#(limit)}"#)
    #expect(arguments[DecisionTool().limit] == 2)
  }

  @Test(arguments: ["null", "\"\"", "\" \""])
  func number_whenNothingIsInIt_isNone(limit: String) throws {
    let arguments = try decision(#"{"action":"list","limit":\#(limit)}"#)
    #expect(arguments[DecisionTool().limit] == nil)
  }

  @Test(arguments: [
    ("1.5", "limit must be a whole number, as in 20"),
    ("\"many\"", "limit must be a whole number, as in 20"),
    ("true", "limit must be a whole number, as in 20"),
    ("[]", "limit must be a whole number, as in 20"),
    ("1e30", "limit must be a whole number, as in 20"),
    ("0", "limit must be a whole number from 1 to 1000000"),
    ("\"-1\"", "limit must be a whole number from 1 to 1000000"),
    ("1000001", "limit must be a whole number from 1 to 1000000"),
  ])
  func number_whenItIsNone_isRefused(limit: String, message: String) {
    #expect(misfit(#"{"action":"list","limit":\#(limit)}"#, DecisionTool()) == message)
  }

  @Test(arguments: [
    (#"["a","b"]"#, ["a", "b"]), (#""[\"a\",\"b\"]""#, ["a", "b"]), (#""a""#, ["a"]),
    (#""[a""#, ["[a"]), (#""""#, []), ("[]", []),
  ])
  func list_whenItComesAsAText_isTaken(given: String, expected: [String]) throws {
    let tool = CheckpointTool()
    let arguments = try MCPArguments(
      JSON(parsing: #"{"action":"save","blockers":\#(given)}"#.utf8), for: tool.parameters)
    #expect(arguments[tool.blockers] == expected)
  }

  @Test(arguments: ["[1]", "{}", "1", #""[1]""#])
  func list_whenItIsNone_isRefused(given: String) {
    #expect(
      misfit(#"{"action":"save","blockers":\#(given)}"#, CheckpointTool())
        == "blockers must be a list of strings")
  }

  @Test func object_whenItComesAsAText_isTaken() throws {
    let arguments = try decision(#""{\"action\":\"list\",\"limit\":\"3\"}""#)
    #expect(try arguments.required(DecisionTool().action) == .list)
    #expect(arguments[DecisionTool().limit] == 3)
  }

  @Test(arguments: ["null", "[]", "5", "\"x\"", "\"[]\""])
  func arguments_whenTheyAreNoObject_areRefused(given: String) {
    #expect(misfit(given, HealthTool()) == "expected an object of arguments")
  }

  @Test func arguments_whenThereAreNone_areRefused() throws {
    #expect(throws: MCPMisfit.self) { try MCPArguments(nil, for: HealthTool().parameters) }
  }

  @Test func text_whenItIsEmpty_isNoValue() throws {
    let arguments = try decision(#"{"action":"list","project":"","decision":" "}"#)
    #expect(arguments[DecisionTool().project] == nil)
    #expect(arguments[DecisionTool().decision] == " ")
    // But for the one parameter that has a meaning for it.
    let tasks = try MCPArguments(
      JSON(parsing: #"{"action":"list","status":""}"#.utf8), for: TaskTool().parameters)
    #expect(tasks[TaskTool().status]?.isEmpty == true)
  }

  @Test func text_whenItIsANumber_isRefused() {
    #expect(misfit(#"{"action":"add","title":5}"#, TaskTool()) == "title must be a string")
  }

  @Test func arguments_whenTheToolDoesNotKnowThem_areLetThrough() {
    #expect(misfit(#"{"action":"list","unheard_of":{"a":[]}}"#, DecisionTool()) == nil)
  }

  @Test func misfit_whenThereAreSeveral_isTheFirstOfTheSchema() {
    #expect(
      misfit(#"{"limit":"x","action":"explode"}"#, DecisionTool())
        == "action must be one of add, list")
  }

  @Test func requiredArguments_whenTheyAreMissing_areNamed() throws {
    let required = [
      "task": "action", "checkpoint": "action", "decision": "action", "handoff": "action",
      "ledger": "action", "search": "query", "session_end": "objective",
    ]
    let caller = try Caller()
    for tool in MCPToolbox.all {
      #expect(
        tool.parameters.filter(\.isRequired).map(\.name)
          == [required[tool.name]].compactMap(\.self), "\(tool.name)")
      guard let name = required[tool.name] else { continue }
      for arguments in ["{}", #"{"\#(name)":null}"#] {
        let answer = caller.call(tool.name, arguments)
        #expect(answer.isError)
        #expect(
          answer.text
            == "MCP error -32602: Input validation error: Invalid arguments for tool \(tool.name): "
            + "\(name) is required")
      }
    }
  }

  @Test(arguments: [
    ("task", "add", "title"), ("task", "retro", "title"), ("task", "update", "id"),
    ("task", "done", "id"), ("checkpoint", "decide", "decision"), ("decision", "add", "decision"),
    ("ledger", "add", "item"),
  ])
  func action_whenItsTextIsMissingOrBlank_saysWhatItRequires(
    tool: String, action: String, name: String
  ) throws {
    let caller = try Caller()
    for text in ["", #","\#(name)":"""#, #","\#(name)":" ""#] {
      let answer = caller.call(tool, #"{"action":"\#(action)","source":"cc"\#(text)}"#)
      #expect(answer.isError)
      #expect(answer.text == #"{"error":"\#(action) requires: \#(name)"}"#)
    }
  }

  @Test func query_whenItIsBlank_isAskedFor() throws {
    let answer = try Caller().call("search", #"{"query":" "}"#)
    #expect(answer.isError && answer.text == #"{"error":"this call requires: query"}"#)
  }

  // MARK: Calls

  @Test func unknownTool_isRefused() throws {
    let answer = try Caller().call("nope", "{}")
    #expect(answer.isError && answer.text == "MCP error -32602: Tool nope not found")
  }

  @Test func failure_whenNobodyForesawIt_keepsItsTextToItself() {
    struct Surprise: Error { let secret = "the text of a memory" }
    #expect(MCPFailure.message(of: Surprise()) == "memoryd could not do it (Surprise)")
    let error = CommandError(.usage, "ambiguous", "two are called so", hint: "give the number")
    #expect(MCPFailure.message(of: error) == "two are called so; give the number")
  }

  @Test func write_saysWhereItIs() throws {
    let answer = try Caller().call("task", #"{"action":"add","title":"one","source":"cc"}"#)
    #expect(!answer.isError)
    #expect(answer.json?["title"]?.string == "one" && answer.json?["project"]?.string == "inbox")
    #expect(
      answer.facts == [
        "memoryd/durability": .string("stored"), "memoryd/vault": .string("off"),
      ])
  }

  @Test func checkpoint_whenItIsAskedToIngest_saysWhoDoes() throws {
    let answer = try Caller().call("checkpoint", #"{"action":"ingest"}"#)
    #expect(answer.isError && answer.text.contains("memoryd ingest"))
  }

  @Test(arguments: [false, true])
  func sameKeyTwice_writesOnce(isVault: Bool) throws {
    let caller = try Caller(isVault: isVault)
    let writes = [
      ("task", #"{"action":"add","title":"once","source":"cc"}"#),
      ("checkpoint", #"{"action":"save","objective":"once"}"#),
      ("decision", #"{"action":"add","decision":"once","rationale":"enough"}"#),
      ("handoff", #"{"action":"write","to":"bob","note":"once"}"#),
    ]
    for (tool, arguments) in writes {
      let first = caller.call(tool, arguments, key: "key-\(tool)")
      let second = caller.call(tool, arguments, key: "key-\(tool)")
      let id = try #require(first.json?["id"]?.string, "\(tool): \(first.text)")
      #expect(second.json?["id"]?.string == id, "\(tool)")
      let third = caller.call(tool, arguments, key: "other-\(tool)")
      #expect(third.json?["id"]?.string != id, "another key is another write: \(tool)")
    }
    let listed = caller.call("task", #"{"action":"list"}"#).json?.array
    #expect(listed?.count == 2)
  }

  /// Two memoryds that are each other's vault must not pass an item back and forth.
  @Test func itemThatComesBack_isTheOneThatWasSent() throws {
    let caller = try Caller()
    caller.workplace.environment["MEMORYD_VAULT_URL"] = "http://127.0.0.1:9/mcp"
    caller.workplace.environment["MEMORYD_VAULT_TOKEN"] = "tok-0123456789"
    let sent = caller.call("task", #"{"action":"add","title":"there","source":"cc"}"#)
    #expect(sent.facts["memoryd/vault"] == .string("queued"))
    let id = try #require(sent.json?["id"]?.string)
    let marker = try caller.workplace.sqlite("SELECT marker FROM outbox")
    let back = #"{"action":"add","title":"back","source":"cc","context":"[memoryd:\#(marker)]"}"#
    #expect(caller.call("task", back, key: "k").json?["title"]?.string == "there")
    // Without a key it is somebody who quotes the marker.
    #expect(caller.call("task", back).json?["id"]?.string != id)
    #expect(caller.call("task", #"{"action":"list"}"#).json?.array?.count == 2)
  }

  // MARK: Who may see what

  @Test func privateProject_isHiddenFromAVaultsCallersAlone() throws {
    let own = try Caller()
    let task = try #require(
      own.call("task", #"{"action":"add","title":"gild it","source":"cc","project":"repo"}"#)
        .json?["id"]?.string)
    let handoff = try #require(
      own.call("handoff", #"{"action":"write","note":"gild on"}"#).json?["id"]?.string)
    own.call("decision", #"{"action":"add","decision":"gild by hand","rationale":"asked for"}"#)
    own.call("ledger", #"{"action":"add","item":"gilded once"}"#)
    own.call("checkpoint", #"{"action":"save","objective":"gild the weathercock"}"#)
    let outcome = Engine.run(own.invocation("project", "private"))
    try #require(outcome.exitCode == .ok, "\(outcome.errorOutput)")
    let calls = [
      ("task", #"{"action":"list","project":"repo","status":""}"#, "gild it"),
      ("decision", #"{"action":"list","project":"repo"}"#, "gild by hand"),
      ("ledger", #"{"action":"list","project":"repo"}"#, "gilded once"),
      ("ledger", #"{"action":"render","project":"repo"}"#, "gilded once"),
      ("handoff", #"{"action":"list","project":"repo"}"#, handoff),
      ("handoff", #"{"action":"show","id":"\#(handoff)"}"#, "gild on"),
      ("checkpoint", #"{"action":"load","project":"repo"}"#, "gild the weathercock"),
      ("resume", #"{"project":"repo"}"#, "gild the weathercock"),
      ("session_start", #"{"project":"repo"}"#, "gild it"),
      ("search", #"{"query":"weathercock","project":"repo"}"#, "gild the"),
    ]
    let stranger = Caller(own.workplace, isVault: true)
    for (tool, arguments, word) in calls {
      #expect(own.call(tool, arguments).text.contains(word), "\(tool) \(arguments)")
      let told = stranger.call(tool, arguments).text
      #expect(!told.contains(word) && !told.contains("gild"), "\(tool) \(arguments)")
    }
    #expect(!stranger.call("backup", "{}").text.contains("gild"))
    #expect(
      stranger.call("task", #"{"action":"done","id":"\#(task)"}"#).text
        == #"{"error":"Task not found","id":"\#(task)"}"#)
    #expect(
      stranger.call("ledger", #"{"action":"list","project":"repo"}"#).text
        == #"{"error":"nothing is recorded for this project"}"#)
    #expect(own.call("task", #"{"action":"list","project":"repo"}"#).text.contains(task))
  }
}

/// Somebody who calls tools of a store in this process.
private final class Caller {
  struct Answer {
    var text: String
    var isError: Bool
    var facts: [String: JSON]

    var json: JSON? { JSON(parsing: text.utf8) }
  }

  let workplace: Workplace
  private let isVault: Bool
  private var count = 0

  init(_ workplace: Workplace, isVault: Bool) {
    self.workplace = workplace
    self.isVault = isVault
  }

  /// - Parameter isVault: Whether the caller comes to a memoryd that serves as a vault.
  convenience init(isVault: Bool = false) throws {
    self.init(try Workplace(), isVault: isVault)
  }

  func invocation(_ arguments: String...) -> Invocation {
    count += 1
    let now = 1_790_000_000_000 + Int64(count) * 1000
    return Invocation(
      arguments: arguments, input: .none, cwd: isVault ? "/" : workplace.repository,
      environment: workplace.environment, clock: WallClock { now },
      requestID: "\(isVault ? "vault" : "own")-\(count)")
  }

  /// Sends a `tools/call` with a key of the caller's own, or without.
  @discardableResult
  func call(_ tool: String, _ arguments: String, key: String? = nil) -> Answer {
    let invocation = invocation()
    let server = MCPResponder(
      tools: MCPToolbox(
        invocation: invocation, home: nil, defaultProject: isVault ? "inbox" : nil))
    let meta = key.map { #","_meta":{"memoryd/idempotency_key":"\#($0)"}"# } ?? ""
    let message =
      #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\#(tool)","#
      + #""arguments":\#(arguments)\#(meta)}}"#
    let reply = server.receive(Array(message.utf8), requestID: invocation.requestID)
    let result = reply.bytes.flatMap { JSON(parsing: $0)?["result"] }
    var facts: [String: JSON] = [:]
    if case .object(let given)? = result?["_meta"] { facts = given }
    return Answer(
      text: result?["content"]?.array?.first?["text"]?.string ?? "",
      isError: result?["isError"]?.bool ?? false, facts: facts)
  }
}
