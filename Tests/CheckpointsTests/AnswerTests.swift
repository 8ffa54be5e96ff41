@testable import Transcripts
import Foundation
import MemoryStore
import TestSupport
import Testing

@testable import Checkpoints

/// What a person says beside a call: on refusing it, to the agent's questions, on approving a plan.
@Suite(.blocking) struct AnswerTests {
  private static let refusal =
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was "
    + "a file edit, the new_string was NOT written to the file). "
  private static let note =
    "\n\nNote: The user's next message may contain a correction or preference. Pay close attention "
    + "to what went wrong."

  private func reading(_ lines: [String]) throws -> Reading {
    let folder = try TemporaryFolder()
    return try Reading(try folder.file("t.jsonl", lines.joined()))
  }

  private func refused(_ text: String) throws -> Reading {
    try reading([
      Line.call("Bash", ["command": "make cheese"], id: "a"),
      Line.result(id: "a", text, isError: true, denial: "user-rejected"),
    ])
  }

  // MARK: Refusals

  @Test(arguments: [
    refusal + "To tell you how to proceed, the user said:\nuse goat's milk" + note,
    refusal + "To tell you how to proceed, the user said:\nuse goat's milk",
    refusal + "The user provided the following reason for the rejection:  use goat's milk",
    "Permission for this tool use was denied. The tool use was rejected (eg. if it was a file edit, "
      + "the new_string was NOT written to the file). The user said:\nuse goat's milk" + note,
  ])
  func refusal_isThePersonsWordsAlone(text: String) throws {
    let reading = try refused(text)
    #expect(reading.digest.requests.map(\.text) == ["use goat's milk"])
    #expect(reading.digest.lastFailure == nil)
  }

  @Test func refusal_thatSpeaksOfTheHostsWords_isKeptWhole() throws {
    let words =
      "the log says\n\nNote: The user's next message may contain a correction or preference.\n\n"
      + "why is it there, and what does \"the user said:\n\" mean?"
    let text = Self.refusal + "To tell you how to proceed, the user said:\n" + words
    #expect(try refused(text + Self.note).digest.requests.map(\.text) == [words])
    #expect(try refused(text).digest.requests.map(\.text) == [words])
  }

  @Test func refusalWithoutWords_isNoRequest() throws {
    let stop = "STOP what you are doing and wait for the user to tell you how to proceed."
    for text in [
      Self.refusal + stop, Self.refusal,
      "Permission for this tool use was denied. The tool use was rejected (eg. if it was a file "
        + "edit, the new_string was NOT written to the file). Try another way.",
    ] {
      let reading = try refused(text)
      #expect(reading.digest.requests.isEmpty)
      #expect(reading.digest.lastFailure == nil)
    }
  }

  @Test func refusalOfASubagentsCall_isFound_andIsNoRequestOfTheSession() throws {
    let result: [String: Any] = [
      "type": "tool_result", "tool_use_id": "s", "is_error": true,
      "content": Self.refusal + "To tell you how to proceed, the user said:\nleave the bees alone",
    ]
    let reading = try reading([
      Line.request("look after the hives"),
      Line.request(
        "", ["isSidechain": true, "message": ["role": "user", "content": [result]]]),
    ])
    let said = reading.transcript.entries.filter { $0.body == "leave the bees alone" }
    #expect(said.map(\.kind) == [.request] && said.map(\.actor) == ["person"])
    #expect(reading.digest.requests.map(\.text) == ["look after the hives"])
  }

  // MARK: Questions

  private func answered(_ text: String, isError: Bool = false, details: Any? = nil) throws
    -> [String: String]
  {
    let questions = ["Which wood?", "Which glue?"].map { ["question": $0] }
    let reading = try reading([
      Line.call("AskUserQuestion", ["questions": questions], id: "q"),
      Line.result(id: "q", text, isError: isError, details: details),
    ])
    let answers = reading.digest.requests.map { ($0.question, $0.text) }
    #expect(reading.transcript.entries.filter { $0.kind == .request }.count == answers.count)
    return Dictionary(answers) { $0 + " | " + $1 }
  }

  private static let advice =
    " Read the answers carefully — they may request clarification, changes, or that you not proceed."

  @Test func answers_areReadFromTheText_whereTheDetailsAreNotThere() throws {
    #expect(
      try answered(
        "The user answered: \"Which wood?\"=\"oak\", \"Which glue?\"=\"bone\"." + Self.advice)
        == ["Which wood?": "oak", "Which glue?": "bone"])
    #expect(
      try answered(
        "The user answered: \"Which wood?\"=(no option selected) notes: what lies about, "
          + "\"Which glue?\"=\"bone\" notes: warm it." + Self.advice)
        == ["Which wood?": "what lies about", "Which glue?": "bone\nwarm it"])
    #expect(
      try answered("The user answered: \"Which wood?\"=(no option selected)." + Self.advice) == [:])
  }

  @Test func notesBesideNoAnswer_areTheAnswer() throws {
    #expect(
      try answered(
        "The user answered: \"Which wood?\"=(no option selected) notes: what lies about."
          + Self.advice,
        details: [
          "questions": [], "answers": [:] as [String: Any],
          "annotations": ["Which wood?": ["notes": "what lies about"]],
        ] as [String: Any]) == ["Which wood?": "what lies about"])
  }

  @Test func wishToClarify_keepsOnlyWhatWasAnswered() throws {
    let text =
      Self.refusal + "To tell you how to proceed, the user said:\n"
      + "The user wants to clarify these questions.\n"
      + "    This means they may have additional information.\n"
      + "    Start by asking them what they would like to clarify.\n\n"
      + "    Questions asked:\n- \"Which wood?\"\n  Answer: oak\nfrom the yard\n"
      + "  User notes: or ash\n- \"Which glue?\"\n  (No answer provided)"
    #expect(
      try answered(text + Self.note, isError: true)
        == ["Which wood?": "oak\nfrom the yard\nor ash"])
    #expect(
      try answered(
        text.replacing(
          "  Answer: oak\nfrom the yard\n  User notes: or ash", with: "  (No answer provided)"),
        isError: true) == [:])
  }

  // MARK: Plans

  private func approved(_ text: String, details: Any? = nil) throws -> [EntryDraft] {
    try reading([
      Line.call("ExitPlanMode", ["plan": "1. plant\n2. water"], id: "p"),
      Line.result(id: "p", text, details: details),
    ]).transcript.entries
  }

  @Test func planThatThePersonEdited_isFound() throws {
    let text =
      "User has approved your plan. You can now start coding.\n\n"
      + "## Approved Plan (edited by user):\n1. plant hazel\n2. water"
    for details in [
      nil, ["plan": "1. plant hazel\n2. water", "planWasEdited": true] as [String: Any],
    ] {
      let entries = try approved(text, details: details)
      #expect(entries.map(\.kind) == [.plan, .plan])
      #expect(entries.last?.body == "1. plant hazel\n2. water")
    }
    let same = text.replacing(" (edited by user)", with: "")
    #expect(try approved(same, details: ["plan": "1. plant\n2. water"]).count == 1)
  }

  private static let plan =
    "# Orchard\n\nNever prune in May.\n\nUser feedback on this plan: none yet"
  private static let planAdvice =
    "\n\n\nIf you need specific details from before exiting plan mode (like exact code snippets, error "
    + "messages, or content you generated), read the full transcript at: /home/t.jsonl"

  private func continued(_ tail: String, _ fields: [String: Any] = [:]) throws -> Reading {
    try reading([Line.request("Implement the following plan:\n\n" + Self.plan + tail, fields)])
  }

  struct Fields: @unchecked Sendable { var fields: [String: Any] }
  static let marks = [
    Fields(fields: [:]), Fields(fields: ["planContent": plan]),
    Fields(fields: ["planContent": plan, "origin": ["kind": "auto-continuation"]]),
    Fields(fields: ["origin": ["kind": "auto-continuation"]]),
  ]

  @Test(arguments: marks)
  func planThatAClearedSessionGoesOnWith_isTheAgents(mark: Fields) throws {
    let tail = Self.planAdvice + "\n\nUser feedback on this plan: plums too"
    let reading = try continued(tail, mark.fields)
    #expect(reading.digest.requests.map(\.text) == ["plums too"])
    #expect(reading.digest.rules.isEmpty)
    let plan = try #require(reading.transcript.entries.first { $0.kind == .plan })
    #expect(plan.actor == "agent" && plan.body == Self.plan)
    #expect(try continued(Self.planAdvice, mark.fields).digest.requests.isEmpty)
  }

  @Test func markedPlan_needsNoAdviceBehindIt() throws {
    let kind = ["origin": ["kind": "auto-continuation"]]
    let text =
      "Implement the following plan:\n\nplant pears\n\nUser feedback on this plan: and figs"
    #expect(try reading([Line.request(text, kind)]).digest.requests.map(\.text) == ["and figs"])
  }

  @Test func planThatAPersonSends_isTheirs() throws {
    let text = "Implement the following plan:\n\nplant pears"
    for fields in [[:], ["promptSource": "typed"]] as [[String: Any]] {
      #expect(try reading([Line.request(text, fields)]).digest.requests.map(\.text) == [text])
    }
    let whole = try continued(Self.planAdvice, ["promptSource": "typed"])
    #expect(whole.digest.requests.count == 1)
  }
}
