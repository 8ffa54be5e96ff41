import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Core
@testable import MemoryStore
@testable import Redaction
@testable import Syntax
@testable import Transcripts

/// Whose words a user line holds.
@Suite(.blocking) struct HostTextTests {
  @Test(arguments: [
    "Stop hook feedback: is it logged?", "[Image: top left] is blurred, take the other one",
    "Caveat emptor belongs into the footer", "<task-notification> and nothing else appears",
    "<bash-stdout> is never closed\nin our log", "Base directory for this skill: rename it",
    "Why does <system-reminder>be kind</system-reminder> stand in the page?",
    "<system-reminder>be kind</system-reminder> is what I see on the page",
    "<teammate-message>hi</teammate-message> is how it arrives",
    "Background jobs were stopped by the user.", "API Error: what does our client do then?",
    "<command-name>x</command-name> must be escaped",
    "Show the literal </system-reminder>", "Unknown skill: shear is what it says",
    "Background agent \"Count\" was stopped by the user and not by me",
    "<user-memory-input> stands in the log", "Is [SYSTEM NOTIFICATION - NOT USER INPUT] yours?",
    "This session is being continued from my laptop",
  ])
  func words_thatNameTheHostsTags_areKeptWhole(text: String) {
    for author in [HostText.Author.typed, .person, .unsaid] {
      #expect(HostText.words(in: text, by: author) == text)
    }
  }

  @Test(arguments: [
    "<task-notification>\n<task-id>1</task-id>\n</task-notification>",
    "<system-reminder>\nThe date has changed.\n</system-reminder>",
    "<teammate-message teammate_id=\"lead\">\ngo\n</teammate-message>\n<teammate-message>x</teammate-message>",
    "Another Claude session sent a message:\n<cross-session-message from=\"b\">\nhi\n</cross-session-message>\nIt is no order.",
    "<agent-message from=\"w\">done</agent-message>", "[Request interrupted by user]",
    "Background command \"make all\" was stopped by the user.",
    "Background agent \"Count the sheep\" was stopped by the user", "Unknown skill: shear",
    "Unknown slash command: shear",
    "[SYSTEM NOTIFICATION - NOT USER INPUT]\nThis is an automated background-task event.",
    "<local-command-stdout>ok</local-command-stdout>",
    "<bash-stdout>a</bash-stdout><bash-stderr></bash-stderr>",
  ])
  func hostsOwnMessages_whereTheLineDoesNotSay_areNobodysWords(text: String) {
    #expect(HostText.words(in: text) == nil)
  }

  @Test(arguments: [
    "<bash-stdout>3 passed</bash-stdout>\n\nOnly three of them?",
    "This came out:\n<bash-stderr>no such table</bash-stderr>",
    "<local-command-stdout>v9</local-command-stdout>\nis too old for us",
    "<bash-input>make all</bash-input>\nfails here",
    "<task-notification>\n<task-id>9</task-id>\n</task-notification>\nWhat does it wait for?",
    "Look:\n<teammate-message teammate_id=\"b\">\ndone\n</teammate-message>",
    "<task-notification>\n<task-id>9</task-id>\n</task-notification>\nRead the output file to "
      + "retrieve the result: /tmp/9\nAnd then?",
  ])
  func hostsBlocks_besideAPersonsWords_wereSentByThem(text: String) throws {
    #expect(HostText.words(in: text) == text)
    #expect(try requests(Line.request(text)) == [text])
    #expect(try requests(Line.request("begin"), Self.queue("enqueue", text)) == ["begin", text])
  }

  @Test(arguments: [
    "<bash-stdout>x.split('</bash-stdout>')[0]\n</bash-stdout><bash-stderr></bash-stderr>",
    "<local-command-stdout>a </local-command-stdout> b</local-command-stdout>",
    "<teammate-message teammate_id=\"a\">\nclose it with </teammate-message>, please\n"
      + "</teammate-message>",
    "<task-notification>\n<event></task-notification> was printed</event>\n</task-notification>\n"
      + "Read the output file to retrieve the result: /tmp/9",
    "<system-reminder>\nx\n</system-reminder>\n<bash-stdout>a</bash-stdout><bash-stderr></bash-stderr>",
  ])
  func hostsBlocks_thatNameTheirOwnEnd_areTheHosts(text: String) {
    #expect(HostText.words(in: text) == nil)
  }

  @Test func hostsTags_onLinesOfTheirOwn_areTakenOffTheEdges() {
    let words = "look at <b>this</b>\n\nand that"
    #expect(
      HostText.words(
        in:
          "<ide_opened_file>x.go</ide_opened_file>\n\(words)\n\n<system-reminder>\ny\n</system-reminder>"
      )
        == words)
    // Typed at a prompt only the editor puts something around it.
    #expect(
      HostText.words(in: "<ide_selection>1-3</ide_selection>\n\(words)", by: .typed) == words)
    let quoted = "<system-reminder>\ny\n</system-reminder>\n\(words)"
    #expect(HostText.words(in: quoted, by: .typed) == quoted)
  }

  @Test func slashCommands_areAsTheyWereTyped() {
    #expect(
      HostText.words(
        in:
          "<command-message>ship</command-message>\n<command-name>/ship</command-name>\n<command-args>the <command-args> tag</command-args>"
      )
        == "/ship the <command-args> tag")
    #expect(
      HostText.words(
        in: "<command-message>ship</command-message>\n<command-name>/ship</command-name>")
        == "/ship")
    #expect(
      HostText.words(
        in:
          "<command-name>/clear</command-name>\n<command-message>clear</command-message>\n<command-args></command-args>"
      )
        == nil)
  }

  @Test func wordsBehindASharp_areThePersons() throws {
    let text = "<user-memory-input>shear in June, not in </user-memory-input></user-memory-input>"
    for author in [HostText.Author.typed, .person, .unsaid] {
      #expect(
        HostText.words(in: text, by: author) == "shear in June, not in </user-memory-input>")
    }
    #expect(HostText.words(in: "<user-memory-input> </user-memory-input>") == nil)
    #expect(
      try requests(Line.request("<user-memory-input>no wool</user-memory-input>")) == ["no wool"])
  }

  @Test(arguments: [[:], ["origin": "human"]] as [[String: String]])
  func commandTypedAtThePrompt_isACommandAndNoRequest(say: [String: String]) throws {
    let reading = try reading([
      Line.request(
        "<bash-input>make wool</bash-input>", say.mapValues { ["kind": $0] as Any })
    ])
    #expect(reading.digest.requests.isEmpty)
    #expect(reading.digest.commands.keys.sorted() == ["make wool"])
  }

  // MARK: What the line says

  private func requests(_ lines: String...) throws -> [String] {
    try reading(lines).digest.requests.map(\.text)
  }

  private func reading(_ lines: [String]) throws -> Reading {
    let folder = try TemporaryFolder()
    return try Reading(try folder.file("t.jsonl", lines.joined()))
  }

  @Test func origin_andPromptSource_decide() throws {
    let note = "<task-notification>\n<task-id>7</task-id>\n</task-notification>"
    #expect(
      try requests(
        Line.request("a", ["origin": ["kind": "human"], "promptSource": "typed"]),
        Line.request("b", ["origin": ["kind": "peer"]]),
        Line.request("c", ["origin": ["kind": "task-notification"], "promptSource": "queued"]),
        Line.request("d", ["promptSource": "system"]),
        Line.request("e", ["promptSource": "queued"]),
        Line.request("f", ["turnCompanion": true]), Line.request("g", ["isMeta": true]),
        Line.request(note, ["promptSource": "typed"])) == ["a", "e", note])
  }

  @Test func contextBlocks_besideTheWords_areLeftOut() throws {
    let blocks: [[String: Any]] = [
      ["type": "text", "text": "<ide_opened_file>a.go</ide_opened_file>"],
      ["type": "text", "text": "<ide_opened_file> is sent twice"],
    ]
    #expect(
      try requests(
        Line.request(
          "", ["promptSource": "typed", "message": ["role": "user", "content": blocks]]))
        == ["<ide_opened_file> is sent twice"])
  }

  @Test func refusal_withWords_isARequest() throws {
    #expect(
      try requests(
        Line.call("Bash", ["command": "rm -r build"], id: "a"),
        Line.result(
          id: "a",
          "The user doesn't want to proceed with this tool use. The tool use was rejected. To tell "
            + "you how to proceed, the user said:\nkeep the build folder", isError: true))
        == ["keep the build folder"])
  }

  /// What was typed is kept, however long it is.
  @Test func refusal_isKeptWhole() throws {
    let words = String(repeating: "not under the stairs, ", count: 900) + "but in the shed"
    let text =
      "The user doesn't want to proceed with this tool use. The tool use was rejected. To tell you "
      + "how to proceed, the user said:\n" + words
    let blocks: [[String: Any]] = [
      [
        "type": "tool_result", "tool_use_id": "b", "is_error": true,
        "content": [["type": "text", "text": text]],
      ]
    ]
    let reading = try reading([
      Line.call("Bash", ["command": "mv bikes"], id: "a"),
      Line.result(id: "a", text, isError: true),
      Line.call("Bash", ["command": "mv skis"], id: "b"),
      Line.request("", ["message": ["role": "user", "content": blocks]]),
      // Its call is out of sight.
      Line.result(id: "c", text, isError: true),
    ])
    #expect(
      reading.transcript.entries.filter { $0.kind == .request }.map(\.body)
        == [words, words, words])
    #expect(reading.digest.lastFailure == nil)
  }

  private static func queue(
    _ operation: String, _ content: Any?, _ more: [String: Any] = [:]
  ) -> String {
    var fields: [String: Any] = ["type": "queue-operation", "operation": operation, "uuid": ""]
    fields["content"] = content
    return Line.request("", fields.merging(more) { $1 })
  }

  private static func command(_ prompt: Any, _ own: [String: Any], _ line: [String: Any] = [:])
    -> String
  {
    let command: [String: Any] = [
      "type": "queued_command", "prompt": prompt, "commandMode": "prompt",
    ]
    return Line.request(
      "",
      ["type": "attachment", "attachment": command.merging(own) { $1 }].merging(line) { $1 })
  }

  @Test(
    arguments: [
      ["origin": ["kind": "peer"]], ["origin": ["kind": "task-notification"]], ["isMeta": true],
      ["promptSource": "system"],
    ] as [[String: any Sendable]])
  func queueRows_thatSayTheyAreOthers_areNoRequests(say: [String: any Sendable]) throws {
    let say = say as [String: Any]
    #expect(try requests(Self.queue("enqueue", "mop the deck", say)).isEmpty)
    #expect(try requests(Self.command("mop the deck", say)).isEmpty)
    #expect(try requests(Self.command("mop the deck", [:], say)).isEmpty)
    #expect(
      try requests(Self.command("mop the deck", ["origin": ["kind": "human"]])) == ["mop the deck"])
  }

  @Test func queuedWords_thatTurnOutToBeOthers_go() throws {
    let reading = try reading([
      Line.request("begin"), Self.queue("enqueue", "mop the deck"),
      Self.command("mop the deck", ["origin": ["kind": "peer", "from": "x"]]), Line.reply("done"),
    ])
    #expect(reading.digest.requests.map(\.text) == ["begin"])
    #expect(reading.transcript.entries.map(\.fate) == [.stands, .stands, .disowned, .stands])
  }

  @Test func queuedBlocks_andTypedJSON_areWords() throws {
    let typed = "{\"task_id\": 4, \"title\": \"tar the roof\"}"
    let mine = "{\"task_id\":\"b1\",\"description\":\"x\",\"wish\":\"keep it\"}"
    #expect(
      try requests(
        Self.queue("enqueue", [["type": "text", "text": "sand the floor"]]),
        Self.queue("enqueue", typed), Self.queue("enqueue", mine),
        Self.queue(
          "enqueue",
          "{\"task_id\":\"b1\",\"tool_use_id\":\"t\",\"description\":\"x\",\"task_type\":\"local_bash\"}"
        )) == ["sand the floor", typed, mine])
  }

  @Test func queuedTwice_isTwoThatWait() throws {
    let reading = try reading([
      Line.request("begin"), Self.queue("enqueue", "again"), Self.queue("enqueue", "again"),
      Line.request("again"), Line.reply("once"), Line.request("again"), Line.reply("twice"),
    ])
    let numbers = reading.transcript.entries.filter { $0.body == "again" }
    #expect(numbers.map(\.number) == [1, 2, 1, 2])
    #expect(Set(numbers.map(\.sourceID)).count == 4)
    #expect(reading.digest.queued.isEmpty)
  }

  @Test(arguments: [
    ["popAll", "then the attic"], ["popAll", nil], ["remove", "then the attic"],
  ])
  func queuedWords_thatGoBackToTheEditor_areNoRequest(row: [String?]) throws {
    let reading = try reading([
      Line.request("begin"), Self.queue("enqueue", "then the attic"),
      Self.queue(row[0] ?? "", row[1], row[0] == "remove" ? ["reason": "popped_to_editor"] : [:]),
      Line.reply("done"),
    ])
    #expect(reading.digest.requests.map(\.text) == ["begin"])
    #expect(reading.digest.queued.isEmpty)
    #expect(reading.transcript.entries.map(\.fate) == [.stands, .stands, .takenBack, .stands])
  }

  @Test func queuedWords_thatTheAgentGot_stay() throws {
    #expect(
      try requests(
        Line.request("begin"), Self.queue("enqueue", "then the attic"),
        Self.queue("remove", "then the attic", ["reason": "absorbed_mid_turn"]), Line.reply("done"))
        == ["begin", "then the attic"])
  }

  @Test func queuedWords_withoutALineOfTheirOwn_areThePersons() throws {
    let reading = try reading([
      Line.request("begin"), Self.queue("enqueue", "and mind the tabs"),
      Self.queue("enqueue", "{\"task_id\":\"b1\",\"description\":\"x\"}"),
      Self.queue("enqueue", "<task-notification>\n<task-id>b</task-id>\n</task-notification>"),
      Self.queue("remove", nil), Line.reply("yes"),
    ])
    #expect(reading.digest.requests.map(\.text) == ["begin", "and mind the tabs"])
    #expect(
      reading.transcript.entries.filter { $0.kind == .request }.map(\.body)
        == ["begin", "and mind the tabs"])
  }

  @Test func queuedWords_thatComeAgain_standOnceWhereTheyCame() throws {
    let reading = try reading([
      Line.request("begin"), Self.queue("enqueue", "then the docs"), Line.reply("first done"),
      Self.queue("dequeue", nil), Line.request("then the docs"),
    ])
    #expect(reading.digest.requests.map(\.text) == ["begin", "then the docs"])
    #expect(reading.digest.queued.isEmpty)
  }

  @Test func queuedWords_thatComeTogether_standOnce() throws {
    let long = String(repeating: "and a chapter more ", count: 200) + "."
    let reading = try reading([
      Line.request("begin"), Self.queue("enqueue", "then the docs"),
      Self.queue("enqueue", long), Self.queue("dequeue", nil),
      Line.request("then the docs\n" + long),
    ])
    #expect(reading.digest.requests.map(\.call).count == 2)
    #expect(reading.transcript.entries.last?.covers.count == 2)
  }

  // MARK: Times

  @Test func linesWithoutATime_orWithAnOddOne_takeTheirNeighbours() throws {
    let time = "2026-01-14T15:00:00.000Z"
    let at = try #require(Timestamp.milliseconds(time))
    let reading = try reading([
      Line.request("a", ["timestamp": NSNull()]), Line.request("b", ["timestamp": time]),
      Line.request("c", ["timestamp": "yesterday"]),
      Line.request("d", ["timestamp": "1970-01-01T00:00:00Z"]),
      Line.request("e", ["timestamp": at + 1000]),
    ])
    #expect(reading.transcript.entries.map(\.createdAt) == [at, at, at, at, at + 1000])
    #expect(reading.digest.requests.map(\.at) == [at, at, at, at, at + 1000])
  }

  @Test func time_afterTheFilesLastChange_isOdd() {
    var transcript = ClaudeTranscript(redactor: Redactor())
    transcript.fileTime = 1_768_403_887_000
    let tape = JSONTape()
    Array("\"2087-05-05T05:05:05Z\"".utf8).withUnsafeBufferPointer { text in
      _ = try? tape.parse(text)
      #expect(transcript.time(tape.root(text)) == nil)
    }
  }

  @Test(arguments: ["-9.223372036854775808e18", "-9223372036854775808", "-1e300"])
  func time_belowAllTimes_isOdd(number: String) {
    let transcript = ClaudeTranscript(redactor: Redactor())
    let tape = JSONTape()
    Array(number.utf8).withUnsafeBufferPointer { text in
      _ = try? tape.parse(text)
      #expect(transcript.time(tape.root(text)) == nil)
    }
  }
}
