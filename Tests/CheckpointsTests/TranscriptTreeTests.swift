import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Core
@testable import MemoryStore
@testable import Redaction
@testable import Transcripts

/// What a rewind took back does not count, however the file was cut into readings.
@Suite(.blocking) struct TranscriptTreeTests {
  /// A short language: each line is `kind id<parent text`, as in `u a< begin` and `c b<a x.go`.
  private static func line(_ text: String) -> String {
    let words = text.split(separator: " ", maxSplits: 2).map(String.init)
    let ids = words[1].split(separator: "<", omittingEmptySubsequences: false).map(String.init)
    let rest = words.count > 2 ? words[2] : ""
    let links: [String: Any] = [
      "uuid": ids[0], "parentUuid": ids[1].isEmpty ? NSNull() as Any : ids[1],
    ]
    let message = ["requestId": "r" + ids[0]].merging(links) { $1 }
    switch words[0] {
    case "u": return Line.request(rest, links)
    case "r": return Line.reply(rest, message)
    case "c": return Line.call("Edit", ["file_path": "/repo/" + rest], id: "t" + ids[0], message)
    case "p":
      return Line.call(
        "TodoWrite", ["todos": [["content": rest, "status": "pending"]]], id: "t" + ids[0], message)
    case "o":
      let result: [String: Any] = ["type": "tool_result", "tool_use_id": rest, "content": "ok"]
      return Line.request("", links.merging(["message": ["content": [result]]]) { $1 })
    case "f":
      let parts = rest.split(separator: " ", maxSplits: 1).map(String.init)
      let result: [String: Any] = [
        "type": "tool_result", "tool_use_id": parts[0], "content": parts[1], "is_error": true,
      ]
      return Line.request("", links.merging(["message": ["content": [result]]]) { $1 })
    case "m": return Line.request(rest, links.merging(["isMeta": true]) { $1 })
    case "l":
      return Line.request(
        "", links.merging(["type": "system", "subtype": "local_command", "content": rest]) { $1 })
    case "b":
      return Line.request(
        "",
        [
          "type": "system", "subtype": "compact_boundary", "uuid": ids[0],
          "parentUuid": NSNull(), "logicalParentUuid": ids[1],
        ])
    default: return Line.request("", links.merging(["type": "attachment"]) { $1 })
    }
  }

  /// As the services read: whole, or going on from the cut, and again where something was taken back.
  private func read(_ lines: [String], cuts: [Int] = []) throws -> (
    digest: SessionDigest, entries: [String: Bool]
  ) {
    let folder = try TemporaryFolder()
    var digest = SessionDigest()
    var position: TranscriptPosition?
    var entries: [String: Bool] = [:]
    let path = try folder.file("t.jsonl", "")
    for end in cuts + [lines.count] {
      let handle = try #require(FileHandle(forWritingAtPath: path))
      try handle.truncate(atOffset: 0)
      try handle.write(contentsOf: Data(lines[..<end].joined().utf8))
      try handle.close()
      var transcript = ClaudeTranscript(digest: digest, redactor: Redactor())
      var report = try TranscriptReader(path: path, known: position).read {
        transcript.ingest($0, line: $1)
      }
      transcript.finish()
      if let anew = try transcript.settle(path) {
        transcript = ClaudeTranscript(digest: anew, redactor: Redactor())
        report = try TranscriptReader(path: path, known: nil).read {
          transcript.ingest($0, line: $1)
        }
        transcript.finish()
        #expect(!transcript.digest.isAstray)
      }
      for entry in transcript.entries { entries[entry.body] = entry.isAbandoned }
      (digest, position) = (transcript.digest, report.end)
    }
    return (digest, entries)
  }

  struct Talk: CustomTestStringConvertible {
    var name: String
    var lines: [String]
    var requests: [String]
    var plan: [String] = []
    var files: [String] = []
    var testDescription: String { name }
  }

  static let talks = [
    Talk(
      name: "a rewind",
      lines: [
        "u a< begin", "r b<a fine", "u c<b wrong way", "c d<c bad.go", "o e<d td", "p f<e badly",
        "u g<b right way", "c h<g good.go", "o i<h th",
      ], requests: ["begin", "right way"], files: ["good.go"]),
    Talk(
      name: "back to the start",
      lines: ["u a< first try", "p b<a badly", "u c< second try", "p d<c well"],
      requests: ["second try"], plan: ["well"]),
    Talk(
      name: "twice, and back to what was left first",
      lines: [
        "u a< begin", "r b<a fine", "u c<b one", "p d<c one", "u e<b two", "p f<e two",
        "u g<d one again", "r h<g fine",
      ], requests: ["begin", "one", "one again"], plan: ["one"]),
    Talk(
      name: "over bookkeeping lines",
      lines: [
        "u a< begin", "r b<a fine", "x c<b", "x d<c", "u e<d wrong", "r f<e no", "x g<f",
        "u h<d right", "r i<h yes",
      ], requests: ["begin", "right"]),
    Talk(
      name: "calls side by side are no branches",
      lines: ["u a< begin", "c b<a x.go", "o c<b tb", "c d<b y.go", "o e<d td", "u f<e on"],
      requests: ["begin", "on"], files: ["x.go", "y.go"]),
    Talk(
      name: "behind a compaction",
      lines: [
        "u a< begin", "p b<a old plan", "b c<gone", "u d<c go on", "p e<d wrong", "u f<c instead",
        "r g<f yes",
      ], requests: ["begin", "instead"], plan: ["old plan"]),
    Talk(
      name: "back to the start, and a command of the client first",
      lines: [
        "u a< first try", "p b<a badly", "m c< Caveat", "u d<c <command-name>/cost</command-name>",
        "u e<d second try", "p f<e well",
      ], requests: ["second try"], plan: ["well"]),
    Talk(
      name: "back to the start, and a command of the client only",
      lines: [
        "u a< first try", "p b<a badly", "m c< Caveat", "u d<c <command-name>/cost</command-name>",
      ], requests: []),
    Talk(
      name: "back to the start, and a command as newer clients write it",
      lines: ["u a< first try", "p b<a badly", "l c< /cost", "u d<c second try", "p e<d well"],
      requests: ["second try"], plan: ["well"]),
    Talk(
      name: "a word of the host that hangs on nothing, and on",
      lines: ["u a< begin", "p b<a plan", "m c< Caveat", "u d<b on", "r e<d yes"],
      requests: ["begin", "on"], plan: ["plan"]),
    Talk(
      name: "a parent that is not there",
      lines: ["u a<elsewhere begin", "p b<a plan", "u c<lost on", "r d<c yes"],
      requests: ["begin", "on"], plan: ["plan"]),
  ]

  @Test(arguments: talks)
  func onlyWhatLeadsToTheNewestLeaf_counts(talk: Talk) throws {
    let lines = talk.lines.map(Self.line)
    let (whole, _) = try read(lines)
    #expect(whole.requests.map(\.text) == talk.requests)
    #expect(whole.plan.map(\.text) == talk.plan)
    #expect(whole.files.filter { $0.value.edits > 0 }.keys.sorted() == talk.files)
    for cut in 1..<lines.count {
      let (digest, _) = try read(lines, cuts: [cut])
      #expect(digest.requests == whole.requests, "cut after \(cut)")
      #expect(digest.plan == whole.plan && digest.files == whole.files, "cut after \(cut)")
    }
    let (each, _) = try read(lines, cuts: Array(1..<lines.count))
    #expect(each.requests == whole.requests && each.plan == whole.plan)
  }

  @Test func linesOfOneAnswer_belongTogether() throws {
    func call(_ id: String, _ parent: String, _ file: String) -> String {
      Line.call(
        "Edit", ["file_path": "/repo/" + file], id: "t" + id,
        [
          "uuid": id, "parentUuid": parent,
          "message": [
            "id": "m1", "role": "assistant",
            "content": [
              [
                "type": "tool_use", "id": "t" + id, "name": "Edit",
                "input": ["file_path": "/repo/" + file],
              ] as [String: Any]
            ],
          ] as [String: Any],
        ])
    }
    let lines =
      [Self.line("u a< begin"), call("b", "a", "x.go"), call("c", "b", "y.go")]
      + ["o d<b tb", "o e<c tc", "r f<d both done", "u g<f on"].map(Self.line)
    let (digest, entries) = try read(lines)
    #expect(digest.files.keys.sorted() == ["x.go", "y.go"])
    #expect(!entries.values.contains(true))
  }

  @Test func whatWasTakenBack_isKeptAndMarked() throws {
    let (digest, entries) = try read(Self.talks[0].lines.map(Self.line))
    #expect(entries["wrong way"] == true && entries["bad.go"] != false)
    #expect(entries["begin"] == false && entries["right way"] == false)
    #expect(digest.abandoned == [.init(first: 3, last: 6)])
    #expect(SessionDigest(json: digest.json) == digest)
  }

  @Test func resultsOfWhatWasTakenBack_areKeptAndMarked() throws {
    let refusal =
      "The user doesn't want to proceed with this tool use. To tell you how to proceed, the user "
      + "said:\nuse the copper pan"
    let lines = [
      "u a< begin", "r b<a fine", "u c<b cook it", "c d<c bad.go", "f e<d td the stove is off",
      "c f<e worse.go", "f g<f tf \(refusal)", "u h<b bake it", "r i<h good",
    ].map(Self.line)
    for cuts in [[], [4], [5], [6], [7], [4, 5, 6, 7, 8]] {
      let (digest, entries) = try read(lines, cuts: cuts)
      #expect(entries["the stove is off"] == true, "cut at \(cuts)")
      #expect(entries["use the copper pan"] == true, "cut at \(cuts)")
      #expect(digest.requests.map(\.text) == ["begin", "bake it"], "cut at \(cuts)")
      #expect(digest.lastFailure == nil, "cut at \(cuts)")
    }
  }

  @Test func resultThatComesAfterTheRewind_belongsToItsCall() throws {
    let lines = [
      "u a< begin", "r b<a fine", "u c<b cook it", "c d<c bad.go", "u e<b bake it",
      "f f<d td the stove is off", "r g<e good",
    ].map(Self.line)
    for cuts in [[], [5], [4, 5, 6]] {
      let (digest, entries) = try read(lines, cuts: cuts)
      #expect(entries["the stove is off"] == true, "cut at \(cuts)")
      #expect(digest.lastFailure == nil, "cut at \(cuts)")
    }
  }

  /// A refusal undoes what its call did, on the way that counts and on the one that was left.
  @Test func refusalsBesideARewind_undoOnlyTheirOwnCall() throws {
    let no =
      "The user doesn't want to proceed with this tool use. The tool use was rejected. STOP what you "
      + "are doing and wait for the user to tell you how to proceed."
    let lines = [
      "u a< begin", "p b<a knead", "o c<b tb", "c d<b bread.go", "o e<d td",
      // Left: another plan, which is refused after the rewind, and an edit that is refused before.
      "u f<e bake", "p g<f glaze", "c h<g bread.go", "f i<h th \(no)",
      "u j<e steam", "f k<g tg \(no)", "p l<j proof", "f m<l tl \(no)", "r n<l fine",
    ].map(Self.line)
    for cuts in [[], [7], [9], [10], [11], [12], [7, 8, 9, 10, 11, 12, 13]] {
      let (digest, _) = try read(lines, cuts: cuts)
      #expect(digest.plan.map(\.text) == ["knead"], "cut at \(cuts)")
      #expect(digest.files["bread.go"]?.edits == 1, "cut at \(cuts)")
      #expect(digest.requests.map(\.text) == ["begin", "steam"], "cut at \(cuts)")
      #expect(digest.lastFailure == nil && digest.formerPlan == nil, "cut at \(cuts)")
    }
  }

  private func settled(_ lines: String) throws -> CodexTranscript {
    let folder = try TemporaryFolder()
    let path = try folder.file("r.jsonl", Rollout.meta() + lines)
    var first = CodexTranscript(redactor: Redactor())
    _ = try TranscriptReader(path: path, known: nil).read { first.ingest($0, line: $1) }
    let anew = try #require(try first.settle(path))
    var second = CodexTranscript(digest: anew, redactor: Redactor())
    _ = try TranscriptReader(path: path, known: nil).read { second.ingest($0, line: $1) }
    second.finish()
    return second
  }

  private func told(_ text: String, as telling: String) -> String {
    let event = Rollout.event(["type": "user_message", "message": text])
    let item = Rollout.event([
      "type": "item_completed",
      "item": ["type": "UserMessage", "content": [["type": "text", "text": text]]],
    ])
    let start = Rollout.event(["type": "task_started", "turn_id": "t"])
    switch telling {
    case "event first": return event + start + Rollout.user(text)
    case "item": return start + Rollout.user(text) + item
    case "item alone": return start + item
    case "both": return Rollout.user(text) + item + event
    case "message alone": return start + Rollout.user(text)
    default: return start + Rollout.user(text) + event
    }
  }

  @Test(arguments: ["event", "event first", "item", "item alone", "both", "message alone"])
  func codexRollback_countsWhatThePersonSent(telling: String) throws {
    let warning = Rollout.user(
      "Warning: apply_patch was requested via exec_command. Use the apply_patch tool instead.")
    let transcript = try settled(
      told("one", as: telling) + Rollout.assistant("did one") + warning
        + told("two", as: telling) + warning + Rollout.exec("make two", id: "2")
        + Rollout.output("2", "Process exited with code 2\nOutput:\nno rule\n") + warning
        + Rollout.event(["type": "thread_rolled_back", "num_turns": 1])
        + told("three", as: telling) + Rollout.assistant("did three"))
    #expect(transcript.digest.requests.map(\.text) == ["one", "three"])
    #expect(transcript.digest.lastFailure == nil)
    let marked = transcript.entries.filter(\.isAbandoned).map(\.body)
    #expect(marked == ["two", "make two", "no rule\n"])
    #expect(transcript.entries.filter { $0.kind == .request }.count == 3)
  }

  @Test func codexRollback_takesBackTurns() throws {
    let folder = try TemporaryFolder()
    func turn(_ text: String) -> String {
      Rollout.user(text) + Rollout.event(["type": "user_message", "message": text])
        + Rollout.assistant("did \(text)")
    }
    let path = try folder.file(
      "r.jsonl",
      Rollout.meta() + turn("one") + turn("two") + turn("three")
        + Rollout.event(["type": "thread_rolled_back", "num_turns": 2]) + turn("four"))
    var first = CodexTranscript(redactor: Redactor())
    _ = try TranscriptReader(path: path, known: nil).read { first.ingest($0, line: $1) }
    let anew = try #require(try first.settle(path))
    var second = CodexTranscript(digest: anew, redactor: Redactor())
    _ = try TranscriptReader(path: path, known: nil).read { second.ingest($0, line: $1) }
    #expect(second.digest.requests.map(\.text) == ["one", "four"])
    #expect(second.entries.filter(\.isAbandoned).count == 4)
  }

  @Test(arguments: [[], [1], [2]]) func session_keepsItsPlace_whenItsBeginningWasTakenBack(
    cuts: [Int]
  ) throws {
    func line(_ text: String, _ id: String, below parent: String?, at folder: String) -> String {
      Line.request(
        text, ["uuid": id, "parentUuid": parent ?? NSNull() as Any, "cwd": folder])
    }
    let lines = [
      line("begin in the yard", "a", below: nil, at: "/w/yard"),
      line("go on", "b", below: "a", at: "/w/yard"),
      line("begin anew, in the barn", "c", below: nil, at: "/w/barn"),
    ]
    let digest = try read(lines, cuts: cuts).digest
    #expect(digest.requests.map(\.text) == ["begin anew, in the barn"])
    #expect(digest.root == "/w/yard" && digest.cwd == "/w/barn")
  }
}
