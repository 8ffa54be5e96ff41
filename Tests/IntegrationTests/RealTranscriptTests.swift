import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Core
@testable import MemoryStore
@testable import Redaction
@testable import Transcripts

/// Real transcripts, where the folder is there; the figures are those of its own index.
@Suite(.blocking, .enabled(if: RealTranscripts.folder != nil)) struct RealTranscriptTests {
  @Test(arguments: RealTranscripts.figures)
  func usageAndBoundaries_areMetExactly(figures: RealTranscripts.Figures) throws {
    let path = try #require(RealTranscripts.folder) + "/\(figures.name).jsonl"
    let reader = try TranscriptReader(path: path, known: nil)
    var transcript = ClaudeTranscript(redactor: Redactor())
    let report = try reader.read { transcript.ingest($0, line: $1) }
    transcript.finish()
    let usage = transcript.usage
    #expect(usage.count == figures.requests)
    #expect(usage.reduce(0) { $0 + $1.input } == figures.input)
    #expect(usage.reduce(0) { $0 + $1.output } == figures.output)
    #expect(usage.reduce(0) { $0 + $1.cacheWrite5m + $1.cacheWrite1h } == figures.cacheWrite)
    #expect(usage.reduce(0) { $0 + $1.cacheRead } == figures.cacheRead)
    #expect(transcript.digest.boundaries.map(\.line) == figures.boundaries)
    #expect(report.malformed == 0)
    #expect(report.end.offset == report.fileSize)
  }

  @Test(arguments: RealTranscripts.figures)
  func store_sumsEachRequestOnce(figures: RealTranscripts.Figures) throws {
    let place = try Workplace()
    let path = try #require(RealTranscripts.folder) + "/\(figures.name).jsonl"
    let item = try place.run("ingest", path, "--json").items()[0]
    let session = try #require(item["session"] as? String)
    let shown = try place.run("session", "show", session, "--json").json()
    let usage = try #require(shown["usage"] as? [String: Any])
    #expect(usage["requests"] as? Int == figures.requests)
    #expect(usage["output"] as? Int == figures.output)
    #expect(usage["cache_read"] as? Int == figures.cacheRead)
    let compactions = try #require(shown["compactions"] as? [[String: Any]])
    #expect(compactions.compactMap { $0["line"] as? Int } == figures.boundaries)
    #expect(try place.sqlite("PRAGMA integrity_check") == "ok")
  }

  /// Cut at each compaction, through the real hooks: what the session needs is in the document.
  @Test(arguments: RealTranscripts.cuts)
  func eachCompaction_givesADocumentThatIsRight(cut: RealTranscripts.Cut) throws {
    let place = try Workplace()
    // What is asked here is what the document says, not how soon on a busy machine.
    place.environment["MEMORYD_HOOKS_DEADLINE_MS"] = "20000"
    try place.git("init", "-q", "-b", "work")
    let path = try #require(RealTranscripts.folder) + "/\(cut.name).jsonl"
    let data = try #require(FileManager.default.contents(atPath: path))
    let lines = data.split(separator: 0x0A, omittingEmptySubsequences: false)
    func text(_ range: Range<Int>) -> String {
      lines[range].map { String(decoding: $0, as: UTF8.self) + "\n" }.joined()
    }
    let expected = try Expectation(text(0..<cut.line - 1))
    try place.append(text(0..<cut.line - 1))
    #expect(
      try place.run("checkpoint", input: place.hook("PreCompact", ["trigger": "auto"])).status == 0)
    try place.append(text(cut.line - 1..<cut.line + 1))
    let context = try place.context("compact")
    #expect(context.utf16.count <= 9500)
    let flat = context.replacing("\\", with: "")
    for request in expected.lastRequests {
      #expect(flat.contains(request), "\(request)")
    }
    for item in expected.plan { #expect(flat.contains(item), "\(item)") }
    for file in expected.edited { #expect(flat.contains(file), "\(file)") }
    for command in expected.commands { #expect(flat.contains(command), "\(command)") }
    #expect(flat.contains("Branch work"))
  }

  /// The plain truth about a transcript, read in the plainest way.
  private struct Expectation {
    var lastRequests: [String] = []
    var plan: [String] = []
    var edited: [String] = []
    var commands: [String] = []

    init(_ text: String) throws {
      var requests: [String] = []
      var todos: [[String: Any]] = []
      var tasks: [(id: String, subject: String, isOpen: Bool)] = []
      var edits: [String] = []
      var runs: [String: Int] = [:]
      var root = ""
      for line in text.split(separator: "\n") {
        guard
          let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
          object["isSidechain"] as? Bool != true, object["isMeta"] as? Bool != true
        else { continue }
        if root.isEmpty { root = object["cwd"] as? String ?? "" }
        let message = object["message"] as? [String: Any]
        if object["type"] as? String == "user", object["isCompactSummary"] as? Bool != true {
          if let content = message?["content"] as? String, content.first != "<",
            content.first != "["
          {
            requests.append(content)
          }
          if let list = (object["toolUseResult"] as? [String: Any])?["tasks"] as? [[String: Any]] {
            for task in list where task["status"] as? String == "completed" {
              tasks.removeAll { $0.id == task["id"] as? String }
            }
          }
          if let task = (object["toolUseResult"] as? [String: Any])?["task"] as? [String: Any],
            let id = task["id"] as? String, let subject = task["subject"] as? String,
            !tasks.contains(where: { $0.id == id })
          {
            tasks.append((id, subject, true))
          }
        }
        for block in message?["content"] as? [[String: Any]] ?? [] {
          guard let name = block["name"] as? String, let input = block["input"] as? [String: Any]
          else { continue }
          switch name {
          case "Edit", "Write": if let path = input["file_path"] as? String { edits.append(path) }
          case "TodoWrite": todos = input["todos"] as? [[String: Any]] ?? []
          case "TaskUpdate":
            if input["status"] as? String == "completed",
              let index = tasks.firstIndex(where: { $0.id == input["taskId"] as? String })
            {
              tasks[index].isOpen = false
            }
          case "Bash":
            for known in ["mise run test", "mix test", "go test", "mise run lint"]
            where (input["command"] as? String)?.contains(known) == true {
              runs[known, default: 0] += 1
            }
          default: break
          }
        }
      }
      // The beginning of each of the last three, on one line.
      lastRequests = requests.suffix(3).map {
        String($0.split(whereSeparator: \.isWhitespace).joined(separator: " ").prefix(60))
          .replacing("\\", with: "")
      }
      plan =
        todos.filter { $0["status"] as? String != "completed" }
        .compactMap { $0["content"] as? String }
        + tasks.filter(\.isOpen).map(\.subject)
      var seen: [String] = []
      for path in edits.reversed() where !seen.contains(path) && !path.hasPrefix("/tmp/") {
        seen.append(path)
      }
      // Files in the session's own folder stand there by their name alone.
      edited = seen.prefix(5).map { path in
        path.hasPrefix(root + "/")
          ? path.dropFirst(root.count + 1).split(separator: "/").suffix(2).joined(separator: "/")
          : path.split(separator: "/").suffix(2).joined(separator: "/")
      }
      commands = runs.filter { $0.value >= 3 }.map(\.key)
    }
  }
}

enum RealTranscripts {
  struct Figures: Sendable, CustomTestStringConvertible {
    var name: String
    var requests: Int
    var input: Int
    var output: Int
    var cacheWrite: Int
    var cacheRead: Int
    var boundaries: [Int]

    var testDescription: String { name }
  }

  struct Cut: Sendable, CustomTestStringConvertible {
    var name: String
    var line: Int

    var testDescription: String { "\(name):\(line)" }
  }

  /// Beside the repository's root; nil where nobody put it.
  static let folder: String? = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let folder = root.deletingLastPathComponent()
      .appendingPathComponent("shared/data/transcripts").path
    return FileManager.default.fileExists(atPath: folder + "/index.md") ? folder : nil
  }()

  static let figures: [Figures] = {
    guard let folder, let index = try? String(contentsOfFile: folder + "/index.md", encoding: .utf8)
    else { return [] }
    return index.split(separator: "\n").compactMap { row in
      let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard cells.count == 9, cells[0].hasPrefix("claude-"), let requests = Int(cells[2]),
        let input = Int(cells[3]), let output = Int(cells[4]), let write = Int(cells[5]),
        let read = Int(cells[6])
      else { return nil }
      let boundaries = cells[8].split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
      return Figures(
        name: cells[0], requests: requests, input: input, output: output, cacheWrite: write,
        cacheRead: read, boundaries: boundaries)
    }
  }()

  static let cuts: [Cut] = figures.flatMap { figure in
    figure.boundaries.map { Cut(name: figure.name, line: $0) }
  }
}
