import Foundation
import TestSupport
import Testing

/// How much a session is told when it starts, and what is kept of that.
@Suite(.blocking) struct ContextTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  private func finished() throws {
    try place.append(
      Line.request("describe the kettle in the readme, please")
        + Line.call("Read", ["file_path": "/x/kettle.md"], id: "r")
        + Line.result(id: "r", "a kettle")
        + Line.reply("The kettle is described; there is nothing left to do here for anybody."))
    try place.run("checkpoint", input: place.hook("PreCompact"))
    try place.run("session", "end", input: place.hook("SessionEnd"))
  }

  private func unfinished() throws {
    try place.append(
      Line.request("describe the kettle in the readme, please")
        + Line.call(
          "Edit", ["file_path": "/x/kettle.md", "old_string": "cold", "new_string": "hot water"],
          id: "e") + Line.result(id: "e", "done"))
    try place.run("checkpoint", input: place.hook("PreCompact"))
  }

  @Test func finishedWork_isToldInBrief_andUnfinishedWorkWhole() throws {
    try finished()
    let brief = try place.context("startup", session: "second")
    #expect(brief.contains("describe the kettle") && brief.contains("nothing left to do"))
    #expect(!brief.contains("## Files") && brief.utf16.count <= 2500)
    try unfinished()
    let whole = try place.context("startup", session: "third")
    #expect(whole.contains("## Files") && whole.contains("kettle.md"))
  }

  @Test(arguments: [("off", 0), ("line", 1), ("brief", 2), ("full", 3)])
  func setting_saysHowMuch(size: String, level: Int) throws {
    try unfinished()
    let variables = ["MEMORYD_CONTEXT_STARTUP": size, "MEMORYD_CONTEXT_CLEAR": size]
    for source in ["startup", "clear"] {
      let context = try place.context(source, session: "next-\(source)", environment: variables)
      #expect(context.contains("memoryd resume") == (level == 1))
      #expect(context.contains("## Objective") == (level >= 2))
      #expect(context.contains("## Files") == (level == 3))
    }
    let wrong = try place.run("doctor", environment: ["MEMORYD_CONTEXT_STARTUP": "loud"])
    #expect((wrong.output + wrong.errorOutput).contains("context.startup"))
  }

  @Test func standalone_isSaidOnce() throws {
    #expect(try place.context("startup", session: "a").contains("standalone mode"))
    #expect(try !place.context("startup", session: "b").contains("standalone"))
  }

  @Test func compaction_isToldToThePerson_andKept() throws {
    try unfinished()
    try place.append(Line.boundary() + Line.summary("We wrote about something."))
    let answer = try place.run(
      "canary", input: place.hook("SessionStart", ["source": "compact"])
    ).json()
    let message = try #require(answer["systemMessage"] as? String)
    #expect(message.contains("restored") && message.contains("1 file"))
    let shown = try place.run("session", "show", "session-1")
    #expect(shown.output.contains("told at compact") && shown.output.contains("files 1"))
    let contexts = try place.run("session", "show", "session-1", "--json").json()["contexts"]
    let context = try #require((contexts as? [[String: Any]])?.last)
    #expect(context["source"] as? String == "compact")
    #expect((context["units"] as? Int ?? 0) > 300)
  }
}
