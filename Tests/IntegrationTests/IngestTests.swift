import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Core
@testable import MemoryStore
@testable import Redaction
@testable import Transcripts

/// Real Codex rollouts, where the folder is there; the figures are those of its own index.
@Suite(.blocking, .enabled(if: RealTranscripts.folder != nil)) struct RealRolloutTests {
  struct Figures: Sendable, CustomTestStringConvertible {
    var name: String
    var input: Int
    var cached: Int
    var output: Int
    var reasoning: Int

    var testDescription: String { name }
  }

  static let figures: [Figures] = {
    guard let folder = RealTranscripts.folder,
      let index = try? String(contentsOfFile: folder + "/index.md", encoding: .utf8)
    else { return [] }
    return index.split(separator: "\n").compactMap { row in
      let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard cells.count == 6, cells[0].hasPrefix("codex-"), let input = Int(cells[2]),
        let cached = Int(cells[3]), let output = Int(cells[4]), let reasoning = Int(cells[5])
      else { return nil }
      return Figures(
        name: cells[0], input: input, cached: cached, output: output, reasoning: reasoning)
    }
  }()

  @Test func figures_areThere() { #expect(Self.figures.count >= 2) }

  @Test(arguments: figures)
  func store_hasTheSumsOfTheIndex_andNothingTwice(figures: Figures) throws {
    let place = try Workplace()
    let path = try #require(RealTranscripts.folder) + "/\(figures.name).jsonl"
    let item = try place.run("ingest", path, "--json").items()[0]
    #expect(item["malformed"] as? Int == 0)
    let session = try #require(item["session"] as? String)
    let shown = try place.run("session", "show", session, "--json").json()
    #expect(shown["agent"] as? String == "codex")
    let usage = try #require(shown["usage"] as? [String: Any])
    #expect(usage["input"] as? Int == figures.input)
    #expect(usage["cache_read"] as? Int == figures.cached)
    #expect(usage["output"] as? Int == figures.output)
    #expect(usage["reasoning"] as? Int == figures.reasoning)
    #expect((shown["compactions"] as? [Any])?.count == (try Expectation(path)).compactions)
    #expect(
      try place.sqlite("SELECT DISTINCT origin FROM entries WHERE session_id IS NOT NULL")
        == "codex")
    // The same again under another path: every text is there already.
    let count = try place.sqlite("SELECT count(*) FROM entries")
    let copy = place.path + "/copy.jsonl"
    try FileManager.default.copyItem(atPath: path, toPath: copy)
    try place.run("ingest", path, copy)
    #expect(try place.sqlite("SELECT count(*) FROM entries") == count)
    let again = try place.run("session", "show", session, "--json").json()
    #expect(again["usage"] as? NSDictionary == usage as NSDictionary)
    #expect(try place.run("session", "list").output.contains("  codex  "))
  }

  @Test(arguments: figures)
  func requestsPlanAndFiles_areThoseOfTheFile(figures: Figures) throws {
    let path = try #require(RealTranscripts.folder) + "/\(figures.name).jsonl"
    var transcript = CodexTranscript(redactor: Redactor())
    _ = try TranscriptReader(path: path, known: nil).read { transcript.ingest($0, line: $1) }
    transcript.finish()
    let expected = try Expectation(path)
    // Answers to the agent's questions have no event of their own.
    let requests = transcript.entries.filter { $0.kind == .request && $0.title.isEmpty }
      .map(\.body)
    #expect(requests == expected.requests)
    #expect(!requests.isEmpty)
    #expect(transcript.entries.filter { $0.kind == .reply }.count == expected.replies)
    #expect(transcript.digest.plan.map(\.text) == expected.plan)
    let edited = transcript.digest.files.filter { $0.value.edits > 0 }.map(\.key)
    #expect(!expected.edited.isEmpty)
    for file in expected.edited {
      #expect(edited.contains { file.hasSuffix($0) }, "\(file)")
    }
    for text in ["<environment_context>", "# AGENTS.md instructions", "<turn_aborted>"] {
      #expect(!transcript.entries.contains { $0.kind == .request && $0.body.contains(text) })
    }
  }

  /// What Codex says a second time in its events, and what its patches really changed.
  private struct Expectation {
    var requests: [String] = []
    var replies = 0
    var compactions = 0
    var plan: [String] = []
    var edited: [String] = []

    init(_ path: String) throws {
      for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
        guard
          let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
          let payload = object["payload"] as? [String: Any]
        else { continue }
        if object["type"] as? String == "compacted" { compactions += 1 }
        switch payload["type"] as? String {
        case "user_message":
          // The app puts a list of attached files in front of what the person wrote.
          let text = payload["message"] as? String ?? ""
          let own = text.components(separatedBy: "## My request for Codex:\n").last ?? text
          requests.append(own.trimmingCharacters(in: .whitespacesAndNewlines))
        case "agent_message": replies += 1
        // A proposed plan is a reply too.
        case "item_completed": replies += 1
        case "function_call" where payload["name"] as? String == "update_plan":
          let text = payload["arguments"] as? String ?? ""
          let input = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
          plan = (input?["plan"] as? [[String: Any]] ?? []).compactMap { $0["step"] as? String }
        case "patch_apply_end" where payload["success"] as? Bool == true:
          edited += (payload["changes"] as? [String: Any] ?? [:]).keys
        default: break
        }
      }
    }
  }
}

@Suite(.blocking) struct IngestTests {
  @Test func withoutAPath_allAgentsAreFound() throws {
    let place = try Workplace()
    #expect(
      try place.run("ingest").errorOutput.contains("no transcripts below \(place.path)/.claude"))
    let day = place.path + "/.codex/sessions/2026/01/14"
    let archive = place.path + "/elsewhere/archived_sessions"
    let projects = place.path + "/.claude/projects/-repo"
    for folder in [day, archive, projects] {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }
    func rollout(_ id: String) -> String {
      """
      {"timestamp":"2026-01-14T15:00:00Z","type":"session_meta","payload":{"id":"\(id)","cwd":"/r"}}
      {"timestamp":"2026-01-14T15:00:01Z","type":"response_item","payload":{"type":"message",\
      "role":"user","content":[{"type":"input_text","text":"words of \(id)"}]}}

      """
    }
    try rollout("one").write(
      toFile: day + "/rollout-1.jsonl", atomically: false, encoding: .utf8)
    try "no rollout".write(toFile: day + "/notes.jsonl", atomically: false, encoding: .utf8)
    try Data(Zstd.compressed(Array(rollout("three").utf8)))
      .write(to: URL(fileURLWithPath: day + "/rollout-0.jsonl.zst"))
    for (file, text) in [
      (
        ".gemini/tmp/tide/chats/session-2026-01-14T10-00-1234abcd.jsonl",
        """
        {"sessionId":"1234abcd-0000","projectHash":"x","startTime":"2026-01-14T15:00:00Z"}
        {"id":"u","timestamp":"2026-01-14T15:00:01Z","type":"user","content":"words of gemini"}

        """
      ),
      (
        ".gemini/tmp/0ff0/chats/session-2025.json",
        """
        {
          "sessionId": "older", "projectHash": "0ff0", "messages": [
            {"id":"o","timestamp":"2026-01-14T15:00:01Z","type":"user","content":"older words"}]
        }
        """
      ),
      (".gemini/tmp/tide/logs.json", "[]"),
      (".gemini/projects.json", "{\"projects\":{\"/tide\":\"tide\"}}"),
      (
        ".cursor/projects/r/agent-transcripts/e/e.jsonl",
        "{\"role\":\"user\",\"message\":{\"content\":\"words of cursor\"}}\n"
      ),
    ] {
      let path = place.path + "/" + file
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try place.write(text, to: file)
    }
    try rollout("two").write(
      toFile: archive + "/rollout-2.jsonl", atomically: false, encoding: .utf8)
    try Transcripts.request("words of claude", session: "c").write(
      toFile: projects + "/c.jsonl", atomically: false, encoding: .utf8)

    let result = try place.run("ingest", "--json")
    #expect(result.status == 0)
    #expect(
      try result.items().map { $0["session"] as? String } == [
        "c", "three", "one", "older", "1234abcd-0000", "e",
      ])
    let moved = try place.run(
      "ingest", "--json", environment: ["CODEX_HOME": place.path + "/elsewhere"])
    #expect(
      try moved.items().map { $0["session"] as? String } == [
        "c", "two", "older", "1234abcd-0000", "e",
      ])
    // A folder that is a link is read under the name that hooks give its files.
    let claude = place.path + "/.claude/"
    try FileManager.default.moveItem(atPath: claude + "projects", toPath: claude + "real")
    try FileManager.default.createSymbolicLink(
      atPath: claude + "projects", withDestinationPath: claude + "real")
    let linked = try place.run("ingest", "--json").items()
    #expect(linked.first?["path"] as? String == claude + "projects/-repo/c.jsonl")
    #expect(linked.first?["entries"] as? Int == 0)
    #expect(moved.errorOutput.isEmpty)
    let found = try place.run("search", "words", "--json").items().compactMap { $0["session"] }
    #expect(
      Set(found.compactMap { $0 as? String })
        == ["c", "one", "two", "three", "older", "1234abcd-0000", "e"])
    let sessions = try place.run("session", "list", "--json").items()
    #expect(
      Set(sessions.compactMap { $0["agent"] as? String }) == [
        "claude", "codex", "gemini", "cursor",
      ])
    let gemini = try #require(sessions.first { $0["id"] as? String == "1234abcd-0000" })
    #expect(gemini["project"] as? String == "tide")
  }

  @Test func otherAgentsFiles_areRefused() throws {
    let place = try Workplace()
    try place.write("{\n  \"name\": \"g\",\n  \"messages\": []\n}\n", to: "other.json")
    let result = try place.run("ingest", place.path + "/other.json")
    #expect(result.status == 74)
    #expect(
      result.errorOutput.contains(
        "no transcript of Claude Code, Codex, Gemini CLI or Cursor [invalid]"))
    #expect(result.errorOutput.contains("hint: "))
    #expect(try place.run("session", "list", "--json").items().isEmpty)
  }

  @Test func rolloutOfAHook_isReadAsCodex() throws {
    let place = try Workplace()
    try place.append(
      """
      {"timestamp":"2026-01-14T15:00:00Z","type":"session_meta","payload":{"id":"session-1"}}
      {"timestamp":"2026-01-14T15:00:01Z","type":"response_item","payload":{"type":"message",\
      "role":"user","content":[{"type":"input_text","text":"sail the harbor"}]}}

      """)
    #expect(try place.run("checkpoint", input: place.hook("Stop")).status == 0)
    #expect(try place.sqlite("SELECT origin, body FROM entries") == "codex|sail the harbor")
    #expect(try place.sqlite("SELECT agent FROM sessions") == "codex")
  }

  /// Killed at several points, a run leaves whole parts; the next one completes them.
  @Test func killedInTheMiddle_theNextRunCompletes() throws {
    let place = try Workplace()
    // Three parts of 8 MiB and a half.
    try place.write(Transcripts.large(bytes: 28 << 20), to: "large.jsonl")
    let file = place.path + "/large.jsonl"
    let clean = try Workplace()
    let counts =
      "SELECT count(*), count(DISTINCT source_id), sum(length(body)) FROM entries WHERE origin = 'claude'"
    try clean.run("ingest", file)
    try place.run("task", "add", "the store is there")
    var offsets: [Int] = []
    for _ in 0..<3 {
      let run = try place.start(["ingest", file])
      let before = offsets.last ?? 0
      while run.process.isRunning {
        if let offset = Int(try place.sqlite("SELECT max(offset) FROM transcripts")),
          offset > before
        {
          kill(run.process.processIdentifier, SIGKILL)
          break
        }
        usleep(5000)
      }
      _ = run.finish()
      offsets.append(Int(try place.sqlite("SELECT max(offset) FROM transcripts")) ?? 0)
    }
    #expect(offsets[0] > 0 && offsets[0] < 28 << 20)
    #expect(offsets == offsets.sorted())
    let last = try place.run("ingest", file, "--json").items()[0]
    #expect(last["malformed"] as? Int == 0)
    #expect(try place.sqlite(counts) == clean.sqlite(counts))
    let usage = "SELECT count(*), sum(input), sum(output) FROM usage"
    #expect(try place.sqlite(usage) == clean.sqlite(usage))
    #expect(try place.sqlite("PRAGMA integrity_check") == "ok")
    #expect(
      try place.sqlite("INSERT INTO entries_fts(entries_fts, rank) VALUES ('integrity-check', 1)")
        == "")
    #expect(try place.run("ingest", file, "--json").items()[0]["entries"] as? Int == 0)
  }

  @Test func onATerminal_bytesRateAndTimeLeftAreShown() throws {
    let place = try Workplace()
    try place.write(Transcripts.large(bytes: 10 << 20), to: "large.jsonl")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "python3", "-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]))",
      MemorydProcess.executable, "ingest", place.path + "/large.jsonl",
    ]
    process.environment = place.environment
    let pipe = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = pipe
    try process.run()
    let shown = String(
      decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let line = /ingest: \d+\.\d of 10\.5 MB, \d+\.\d MB\/s, \d+ s left/
    #expect(shown.contains(line), "\(shown)")
    #expect(shown.contains("1 transcript read"))
  }
}

private enum Transcripts {
  static func request(_ text: String, session: String, number: Int = 0) -> String {
    """
    {"type":"user","uuid":"\(session)-\(number)","sessionId":"\(session)","cwd":"/r",\
    "timestamp":"2026-01-14T15:00:00Z","message":{"role":"user","content":"\(text)"}}

    """
  }

  /// Replies with their usage, and results of tools between them.
  static func large(bytes: Int) -> String {
    var text = request("begin", session: "large")
    let result = String(repeating: "some output of a tool, line after line\\n", count: 80)
    var number = 0
    while text.utf8.count < bytes {
      number += 1
      text += """
        {"type":"assistant","uuid":"a\(number)","sessionId":"large","requestId":"r\(number)",\
        "timestamp":"2026-01-14T15:00:00Z","message":{"id":"m\(number)","model":"x",\
        "usage":{"input_tokens":3,"output_tokens":\(number % 90)},\
        "content":[{"type":"text","text":"Now reply \(number) about parser_\(number % 97).go."}]}}
        {"type":"user","uuid":"u\(number)","sessionId":"large","timestamp":"2026-01-14T15:00:00Z",\
        "message":{"content":[{"type":"tool_result","tool_use_id":"t","content":"\(result)"}]}}

        """
    }
    return text
  }
}
