import Core
import Foundation
import TestSupport
import Testing

/// Why a line stands in the document, and what becomes of a false one.
@Suite(.blocking) struct ExplainTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    try place.append(Line.request("Move the retries into the client, never into the server"))
    try place.append(Line.request("Then write the backoff test"))
    try place.run("checkpoint", input: place.hook("PreCompact"))
  }

  private func lines() throws -> [[String: Any]] {
    try place.run("resume", "--explain", "--json").items()
  }

  private func line(_ text: String) throws -> [String: Any] {
    try #require(try lines().first { ($0["line"] as? String ?? "").contains(text) }, "\(text)")
  }

  @Test func everyRequest_hasItsEntryAndTranscriptLine() throws {
    let line = try line("backoff test")
    #expect(line["author"] as? String == "person")
    let entry = try #require(line["entry"] as? String)
    #expect(try place.sqlite("SELECT body FROM entries WHERE id = '\(entry)'").contains("backoff"))
    let number = try #require(line["transcript_line"] as? Int)
    let transcript = try String(contentsOfFile: place.transcript, encoding: .utf8)
      .split(separator: "\n")
    #expect(transcript[number - 1].contains("backoff test"), "line \(number)")
    let text = try place.run("resume", "--explain").output
    #expect(text.contains("person; entry \(entry), line \(number)"))
  }

  @Test func falseLine_comesBackInNoDocument_andIsCounted() throws {
    let id = try #require(try line("backoff test")["id"] as? String)
    #expect(id.count == 10)
    let reply = try place.run("wrong", String(id.prefix(7)), "--json").json()
    #expect(reply["id"] as? String == id && reply["struck"] as? Int == 1)
    #expect(try !place.run("resume").output.contains("backoff test"))
    // The age is another one later, and another checkpoint is taken.
    try place.append(Line.request("Go on"))
    try place.run("checkpoint", input: place.hook("PreCompact"))
    #expect(try !place.context("compact").contains("backoff test"))
    #expect(try place.context("compact").contains("retries into the client"))
    // What it came from stays.
    #expect(try place.run("search", "backoff", "--json").output.contains("backoff test"))
    #expect(try place.run("wrong", "--json").items().count == 1)
    #expect(try place.run("wrong", id).output.contains("was struck before"))
    #expect(try place.run("wrong", id, "--undo").status == 0)
    #expect(try place.run("resume").output.contains("backoff test"))
    #expect(try place.run("wrong", "ffffffffff").status == 66)
  }

  @Test func falseLine_standsInNoOtherDocumentEither() throws {
    try place.run("task", "add", "Mend the pangolin")
    try place.run("decide", "Keep the ocelot", "--rationale", "it is tame")
    for text in ["backoff test", "Mend the pangolin", "Keep the ocelot"] {
      try place.run("wrong", try #require(try line(text)["id"] as? String))
    }
    func call(_ tool: String, _ arguments: String) throws -> String {
      try place.run(
        "mcp",
        input: #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\#(tool)","#
          + #""arguments":\#(arguments)}}"# + "\n"
      ).output
    }
    let documents = [
      "resume": try place.run("resume").output, "brief": try place.run("session", "brief").output,
      "handoff": try place.run("handoff", "--note", "over to you", "--out", "-").output,
      "new session": try place.context("startup", session: "another"),
      "MCP resume": try call("resume", "{}"), "MCP start": try call("session_start", "{}"),
      "MCP load": try call("checkpoint", #"{"action":"load"}"#),
    ]
    for (name, text) in documents {
      #expect(!text.isEmpty, "\(name)")
      for word in ["backoff", "pangolin", "ocelot"] {
        #expect(!text.contains(word), "\(word) in \(name): \(text)")
      }
    }
    // A task is still a task, and a decision a decision.
    #expect(try place.run("task", "list").output.contains("pangolin"))
    #expect(try place.run("decision", "list").output.contains("ocelot"))
  }

  @Test func planItem_inWordsThatThePersonUsedToo_isTheAgents() throws {
    let todo = ["content": "Write the changelog", "status": "in_progress", "activeForm": "x"]
    try place.append(Line.call("TodoWrite", ["todos": [todo]]))
    try place.append(Line.request("I want to Write the changelog myself"))
    try place.run("checkpoint", input: place.hook("PreCompact"))
    #expect(try line("[ ] Write the changelog")["author"] as? String == "agent")
    #expect(try line("myself")["author"] as? String == "person")
  }

  @Test func linesThatDifferInANumberOnly_areTwo() throws {
    try place.append(Line.request("look at file1.txt and 3 more"))
    try place.append(Line.request("look at file2.txt and 3 more"))
    try place.run("checkpoint", input: place.hook("PreCompact"))
    let id = try #require(try line("file1.txt")["id"] as? String)
    try place.run("wrong", id)
    let text = try place.run("resume").output
    #expect(!text.contains("look at file1.txt") && text.contains("look at file2.txt"), "\(text)")
  }
}
