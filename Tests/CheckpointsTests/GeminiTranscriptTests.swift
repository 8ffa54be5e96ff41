import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Core
@testable import MemoryStore
@testable import Redaction
@testable import Transcripts

@Suite(.blocking) struct GeminiTranscriptTests {
  // MARK: Circumstances

  @Test func head_namesTheSession_andTheContextItsFolder() throws {
    let reading = try read(Chat.head(), Chat.set([Chat.context("/home/me/tide")]))
    #expect(reading.sessionID == "gemini-1")
    #expect(reading.digest.agent == "gemini" && reading.digest.root == "/home/me/tide")
    #expect(reading.digest.requests.isEmpty && reading.digest.boundaries.isEmpty)
    let older = try read(
      Chat.head(),
      Chat.user(
        "This is the Gemini CLI. We are setting up the context for our chat.\nToday's date is Monday.\n"
          + "I'm currently working in the directory: /srv/kelp\nThe folder structure is …"))
    #expect(older.digest.root == "/srv/kelp" && older.digest.requests.isEmpty)
  }

  @Test func subagentsChat_hasPromptsAndNoRequests() throws {
    let reading = try read(
      Chat.head(kind: "subagent"), Chat.user("look for x"), Chat.agent("It is in a/b.go."))
    #expect(reading.entries.map(\.kind) == [.prompt, .reply])
    #expect(reading.digest.requests.isEmpty && reading.digest.toolCalls == 0)
  }

  // MARK: The person

  @Test func requests_areThePersonsWordsAlone() throws {
    let reading = try read(
      Chat.head(), Chat.user("Raise the sail"),
      Chat.user(parts: [
        ["text": "Read @a.md"], ["text": "\n--- Content from referenced files ---"],
        ["text": "\nContent from @a.md:\n"], ["text": "never sail at night"],
      ]),
      Chat.user(parts: [["functionResponse": ["name": "x", "response": ["output": "no words"]]]]),
      Chat.user(parts: [["text": "Go on\n<hook_context>from a hook</hook_context>"]]),
      Chat.user("Please continue."), Chat.user("System: Potential loop detected."),
      Chat.user(parts: [
        ["text": "Here is the user's editor context as a JSON object."],
        ["text": "Strike it"],
      ]))
    #expect(
      reading.digest.requests.map(\.text) == ["Raise the sail", "Read @a.md", "Go on", "Strike it"])
  }

  @Test func shellInput_isACommandThatWasRun() throws {
    let reading = try read(
      Chat.head(),
      Chat.user(
        "I ran the following shell command:\n```sh\nmake keel\n```\n\nThis produced the following "
          + "result:\n```\nok\n```"))
    #expect(reading.digest.requests.isEmpty)
    #expect(reading.digest.commands.values.map(\.text) == ["make keel"])
  }

  @Test func answers_areTiedToTheirQuestions() throws {
    let questions: [String: Any] = [
      "questions": [
        ["question": "Which hull?", "options": [["label": "oak"], ["label": "pine"]]],
        ["question": "Which sail?", "options": [["label": "red"], ["label": "white"]]],
      ]
    ]
    let reading = try read(
      Chat.head(),
      Chat.agent("", calls: [Chat.call("ask_user", questions, #"{"answers":{"0":"oak"}}"#)]))
    #expect(reading.digest.requests.map(\.text) == ["oak"])
    #expect(reading.digest.requests.map(\.question) == ["Which hull?"])
  }

  // MARK: Rows

  @Test func rowThatStandsTwice_isOne() throws {
    let call = Chat.call("run_shell_command", ["command": "make mast"], Chat.shell("ok", exit: 0))
    let first = Chat.agent("Building the mast.", id: "m", tokens: [100, 7, 40, 3])
    let again = Chat.agent("Building the mast.", id: "m", calls: [call], tokens: [100, 7, 40, 3])
    let reading = try read(Chat.head(), first, Chat.set(), again, again)
    #expect(reading.entries.map(\.kind) == [.reply, .tool])
    #expect(reading.digest.toolCalls == 1)
    #expect(reading.usage.count == 1)
    let row = try #require(reading.usage.first)
    #expect(row.input == 100 && row.output == 10 && row.cacheRead == 40 && row.reasoning == 3)
    #expect(reading.digest.commands.values.map(\.outcome) == [.succeeded])
  }

  @Test func rowWithMoreText_takesThePlaceOfTheFirst() throws {
    let reading = try read(
      Chat.head(), Chat.agent("The rudder", id: "m"), Chat.agent("The rudder is stuck.", id: "m"))
    #expect(reading.entries.map(\.body) == ["The rudder is stuck."])
  }

  @Test func callThatIsStillAtWork_countsWhenItHasEnded() throws {
    var waiting = Chat.call("run_shell_command", ["command": "make hull"], "")
    waiting["status"] = "executing"
    let ended = Chat.call("run_shell_command", ["command": "make hull"], Chat.shell("", exit: 2))
    let lines = [
      Chat.head(), Chat.agent("", id: "m", calls: [waiting]),
      Chat.agent("", id: "m", calls: [ended]),
    ]
    #expect(try read(lines[0], lines[1]).digest.toolCalls == 0)
    let reading = try read(lines.joined())
    #expect(reading.digest.toolCalls == 1)
    #expect(reading.digest.commands.values.map(\.outcome) == [.failed])
  }

  /// - Returns: How a call ended, by what stands in the digest.
  @Test(arguments: [
    (
      "success", "Output: hello\nExit Code: 0\nExit Code: 1\nProcess Group PGID: 4",
      SessionDigest.CommandUse.Outcome.failed
    ),
    ("success", "Output: (empty)\nSignal: 11", .failed),
    ("success", "Command moved to background (PID: 77).", .unknown),
    ("success", "Command was automatically cancelled because it took too long", .unknown),
    ("success", "Output: fine\nExit Code: 0", .succeeded),
    (
      "success",
      "Command: x\nDirectory: (root)\nOutput: fine\nError: (none)\nExit Code: 0\nSignal: 0\nBackground PIDs: (none)\nProcess Group PGID: 7",
      .succeeded
    ),
    (
      "success",
      "Command: x\nDirectory: (root)\nOutput: (empty)\nError: broken\nExit Code: 3\nSignal: 0",
      .failed
    ),
    ("error", "could not start", .failed),
    ("cancelled", "[Operation Cancelled] Reason: Operation cancelled", .unknown),
  ])
  func shellCommand_endsAsItsReportSays(
    status: String, report: String, outcome: SessionDigest.CommandUse.Outcome
  ) throws {
    var call = Chat.call("run_shell_command", ["command": "make deck"], report)
    call["status"] = status
    let reading = try read(Chat.head(), Chat.agent("", calls: [call]))
    #expect(reading.digest.commands.values.map(\.outcome) == [outcome])
  }

  @Test func deniedCall_wasNotRun() throws {
    var call = Chat.call(
      "run_shell_command", ["command": "git push --force"],
      "[Operation Cancelled] Reason: User denied execution.")
    call["status"] = "cancelled"
    let reading = try read(Chat.head(), Chat.agent("", calls: [call]))
    #expect(reading.digest.commands.isEmpty)
    #expect(reading.digest.story.incidents.map(\.kind) == [.refused])
  }

  @Test func edits_plans_andCommits_areThoseOfTheCalls() throws {
    let todos: [String: Any] = [
      "todos": [
        ["description": "plank the hull", "status": "completed"],
        ["description": "step the mast", "status": "in_progress"],
        ["description": "paint her", "status": "cancelled"],
      ]
    ]
    let reading = try read(
      Chat.head(), Chat.set([Chat.context("/srv/kelp")]),
      Chat.agent(
        "",
        calls: [
          Chat.call("write_todos", todos, "ok"),
          Chat.call(
            "replace",
            [
              "file_path": "/srv/kelp/hull.c", "old_string": "int pine_planks = 1;",
              "new_string": "int oak_planks = 1;", "instruction": "use oak",
            ], "Successfully modified file"),
          Chat.call("write_file", ["file_path": "notes.md", "content": "# Notes"], "ok"),
          Chat.call(
            "run_shell_command", ["command": "git commit -m 'Use oak'"],
            Chat.shell("[main 1a2b3c4] Use oak\n 1 file changed", exit: 0)),
        ]))
    #expect(reading.digest.plan.map(\.text) == ["plank the hull", "step the mast"])
    #expect(
      reading.digest.files["hull.c"]?.edits == 1 && reading.digest.files["notes.md"]?.edits == 1)
    #expect(reading.digest.commits.map(\.hash) == ["1a2b3c4"])
  }

  // MARK: Compression and rewind

  @Test func compression_isABoundary_andWhatStoodBeforeIsKept() throws {
    let before = Chat.user("Raise the sail", id: "u1")
    let kept = Chat.agent("Raised.", id: "a1")
    let newest = Chat.user("Lower it", id: "u2")
    let reading = try read(
      Chat.head(), before, kept,
      Chat.set([
        Chat.user(
          parts: [["text": "<state_snapshot>\n<goal>sail</goal>\n</state_snapshot>"]], id: "s"),
        Chat.agent("Got it. Thanks for the additional context!", id: "g", at: 1), kept, newest,
      ]))
    #expect(reading.digest.boundaries.map(\.line) == [4])
    #expect(reading.digest.summary?.contains("<goal>sail</goal>") == true)
    #expect(reading.digest.requests.map(\.text) == ["Raise the sail", "Lower it"])
    #expect(reading.entries.filter { $0.kind == .reply }.map(\.body) == ["Raised."])
  }

  @Test func listThatIsSetAnew_isNoCompression() throws {
    let (before, kept) = (Chat.user("Raise the sail", id: "u1"), Chat.agent("Raised.", id: "a1"))
    let reading = try read(Chat.head(), before, kept, Chat.set([before, kept]), Chat.user("Go on"))
    #expect(reading.digest.boundaries.isEmpty)
    #expect(reading.digest.requests.map(\.text) == ["Raise the sail", "Go on"])
  }

  @Test func commandsOfMemoryds_areThePersonsByTheirTagAlone() throws {
    let reading = try read(
      Chat.head(),
      Chat.user("<memoryd-command>mind the mast</memoryd-command>\n# Handoff\n\nNever write it."),
      Chat.user("<memoryd-command></memoryd-command>\n# Decide"))
    #expect(reading.digest.requests.map(\.text) == ["mind the mast"])
  }

  @Test func rewind_takesBackTheMessageAndWhatFollows() throws {
    let folder = try TemporaryFolder()
    for (id, requests) in [("u2", ["One", "Four"]), ("nobody", ["Four"])] {
      let path = try folder.file(
        "\(id).jsonl",
        [
          Chat.head(), Chat.user("One", id: "u1"), Chat.user("Two", id: "u2"),
          Chat.agent("Two it is."),
          Chat.json(["$rewindTo": id]), Chat.user("Four", id: "u4"),
        ].joined())
      var transcript = try reading(path)
      let anew = try #require(try transcript.settle(path))
      transcript = try reading(path, anew)
      #expect(transcript.digest.requests.map(\.text) == requests)
      #expect(transcript.entries.contains { $0.isAbandoned && $0.body == "Two it is." })
    }
  }

  // MARK: Forms

  @Test func wholeObject_isReadAnewWhenItChanged_withItsLines() throws {
    let folder = try TemporaryFolder()
    let messages = [Chat.fields(Chat.user("One")), Chat.fields(Chat.agent("Two"))]
    let path = try folder.file("session-1.json", Chat.document(messages))
    let reader = try TranscriptReader(path: path, known: nil)
    #expect(try TranscriptFormat.of(reader, digest: SessionDigest()) == .gemini)
    let first = try reading(path)
    #expect(first.sessionID == "gemini-1" && first.entries.map(\.body) == ["One", "Two"])
    let lines = Chat.document(messages).split(separator: "\n")
    for entry in first.entries { #expect(lines[entry.position - 1].contains("{")) }
    #expect(first.entries.map(\.position) == first.entries.map(\.position).sorted())

    let end = try TranscriptReader(path: path, known: nil).read { _, _ in }.end
    let same = try TranscriptReader(path: path, known: end)
    #expect(!same.readsAnew)
    #expect(try same.read { _, _ in Issue.record("nothing is new") }.end == end)
    let more = Chat.document(messages + [Chat.fields(Chat.user("Three"))])
    try folder.write(more.utf8, to: "session-1.json")
    #expect(try TranscriptReader(path: path, known: end).readsAnew)
    #expect(
      try reading(path).entries.map(\.sourceID).prefix(2) == first.entries.map(\.sourceID)[...])
    // One that is being written is left for the next time.
    try folder.write(more.utf8.prefix(more.utf8.count / 2), to: "session-1.json")
    let report = try TranscriptReader(path: path, known: nil).read { _, _ in
      Issue.record("it is not whole")
    }
    #expect(report.end.offset == 0 && report.malformed == 1)
  }

  @Test func anyCut_givesTheSameDigest() throws {
    var text = Chat.head() + Chat.set([Chat.context("/srv/kelp")])
    for number in 0..<60 {
      text += Chat.user("Lay plank \(number), and never use nails on it")
      let call = Chat.call(
        "run_shell_command", ["command": "make plank\(number % 7)"],
        Chat.shell(number % 3 == 0 ? "error: broke \(number)" : "ok", exit: number % 3 == 0 ? 1 : 0)
      )
      text += Chat.agent("Laying `plank\(number)`.", id: "a\(number)", tokens: [number, 1, 0, 0])
      text += Chat.agent(
        "Laying `plank\(number)`.", id: "a\(number)", calls: [call], tokens: [number, 1, 0, 0])
      if number == 30 { text += Chat.set([Chat.user("Go on")].map { $0 }) }
    }
    let folder = try TemporaryFolder()
    let whole = try reading(try folder.file("whole.jsonl", text)).digest
    let bytes = Array(text.utf8)
    for cut in stride(from: 400, to: bytes.count, by: bytes.count / 9) {
      let path = try folder.file("cut.jsonl", "")
      try folder.write(bytes[..<cut], to: "cut.jsonl")
      let handle = try #require(FileHandle(forWritingAtPath: path))
      var first = GeminiTranscript(redactor: Redactor())
      let report = try TranscriptReader(path: path, known: nil).read { first.ingest($0, line: $1) }
      first.finish()
      try handle.seekToEnd()
      try handle.write(contentsOf: bytes[cut...])
      try handle.close()
      var second = GeminiTranscript(
        digest: try #require(SessionDigest(json: first.digest.json)), redactor: Redactor())
      _ = try TranscriptReader(path: path, known: report.end).read { second.ingest($0, line: $1) }
      second.finish()
      #expect(second.digest.json == whole.json)
    }
  }

  // MARK: Support

  private func read(_ lines: String...) throws -> GeminiTranscript {
    let folder = try TemporaryFolder()
    return try reading(try folder.file("session-2026.jsonl", lines.joined()))
  }

  private func reading(
    _ path: String, _ digest: SessionDigest = SessionDigest()
  ) throws -> GeminiTranscript {
    var transcript = GeminiTranscript(digest: digest, redactor: Redactor())
    _ = try TranscriptReader(path: path, known: nil).read { transcript.ingest($0, line: $1) }
    transcript.finish()
    return transcript
  }
}

/// Lines as Gemini CLI writes them.
enum Chat {
  nonisolated(unsafe) private static var count = 0
  private static let lock = NSLock()

  private static func number() -> Int {
    lock.withLock {
      count += 1
      return count
    }
  }

  static func json(_ fields: [String: Any]) -> String {
    let data = try? JSONSerialization.data(
      withJSONObject: fields, options: [.sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data ?? Data(), as: UTF8.self) + "\n"
  }

  static func fields(_ line: String) -> [String: Any] {
    (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any] ?? [:]
  }

  private static func time(_ number: Int) -> String {
    Timestamp.string(1_780_000_000_000 + Int64(number) * 1000)
  }

  static func head(kind: String = "main") -> String {
    json([
      "sessionId": "gemini-1", "projectHash": "00ff", "startTime": time(0), "lastUpdated": time(0),
      "kind": kind,
    ])
  }

  /// The older form.
  static func document(_ messages: [[String: Any]]) -> String {
    var object = fields(head())
    object["messages"] = messages
    let data = try? JSONSerialization.data(
      withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted])
    return String(decoding: data ?? Data(), as: UTF8.self)
  }

  static func set(_ messages: [String]? = nil) -> String {
    var set: [String: Any] = ["lastUpdated": time(number())]
    if let messages { set["messages"] = messages.map(fields) }
    return json(["$set": set])
  }

  static func message(
    _ type: String, _ content: Any, id: String?, at: Int?, _ more: [String: Any] = [:]
  ) -> String {
    let number = number()
    return json(
      [
        "id": id ?? "id-\(number)", "timestamp": time(at ?? number), "type": type,
        "content": content,
      ].merging(more) { $1 })
  }

  static func user(_ text: String, id: String? = nil) -> String {
    message("user", text, id: id, at: nil)
  }

  static func user(parts: [[String: Any]], id: String? = nil) -> String {
    message("user", parts, id: id, at: nil)
  }

  static func context(_ folder: String) -> String {
    user(parts: [
      [
        "text":
          "<session_context>\nThis is the Gemini CLI.\n- **Workspace Directories:**\n  - \(folder)\n"
          + "</session_context>"
      ]
    ])
  }

  /// - Parameter tokens: Input, output, cached, thoughts.
  static func agent(
    _ text: String, id: String? = nil, calls: [[String: Any]] = [], tokens: [Int]? = nil,
    at: Int? = nil
  ) -> String {
    var more: [String: Any] = ["model": "gemini-3.1-pro", "thoughts": [Any]()]
    if !calls.isEmpty { more["toolCalls"] = calls }
    if let tokens {
      more["tokens"] = [
        "input": tokens[0], "output": tokens[1], "cached": tokens[2], "thoughts": tokens[3],
        "tool": 0, "total": tokens[0] + tokens[1] + tokens[3],
      ]
    }
    return message("gemini", text, id: id, at: at, more)
  }

  static func call(_ name: String, _ args: [String: Any], _ output: String) -> [String: Any] {
    let key = (args["command"] ?? args["file_path"] ?? "") as? String ?? ""
    return [
      "id": "\(name)-\(key)", "name": name, "args": args, "status": "success",
      "result": [
        ["functionResponse": ["id": name, "name": name, "response": ["output": output]]]
      ],
    ]
  }

  static func shell(_ output: String, exit code: Int) -> String {
    "Output: \(output.isEmpty ? "(empty)" : output)\nExit Code: \(code)"
  }
}
