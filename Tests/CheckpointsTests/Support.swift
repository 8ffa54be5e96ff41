import Foundation
import TestSupport

@testable import Checkpoints
@testable import Core
@testable import MemoryStore
@testable import Redaction
@testable import Transcripts

extension TemporaryFolder {
  func file(_ name: String, _ content: String) throws -> String {
    try write(content.utf8, to: name)
  }

  func file(_ name: String, _ content: Data) throws -> String { try write(content, to: name) }
}

/// Reads a whole file into a digest.
struct Reading {
  var transcript: ClaudeTranscript
  var report: TranscriptReader.Report

  init(_ path: String, after former: Reading? = nil) throws {
    let reader = try TranscriptReader(path: path, known: former?.report.end)
    var transcript = ClaudeTranscript(
      digest: reader.readsAnew ? SessionDigest() : former?.transcript.digest ?? SessionDigest(),
      redactor: Redactor())
    report = try reader.read { transcript.ingest($0, line: $1) }
    transcript.finish()
    self.transcript = transcript
  }

  var digest: SessionDigest { transcript.digest }
}

/// Lines as Claude Code writes them.
enum Line {
  nonisolated(unsafe) private static var count = 0
  private static let lock = NSLock()

  static func json(_ fields: [String: Any]) -> String {
    let number = lock.withLock {
      count += 1
      return count
    }
    var fields = fields
    if fields["uuid"] == nil { fields["uuid"] = "uuid-\(number)" }
    if fields["timestamp"] == nil {
      fields["timestamp"] = Timestamp.string(1_768_403_887_000 + Int64(number) * 1000)
    }
    fields["sessionId"] = fields["sessionId"] ?? "session-1"
    fields["cwd"] = fields["cwd"] ?? "/repo"
    let data = try? JSONSerialization.data(
      withJSONObject: fields, options: [.sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data ?? Data(), as: UTF8.self) + "\n"
  }

  static func request(_ text: String, _ more: [String: Any] = [:]) -> String {
    json(
      ["type": "user", "message": ["role": "user", "content": text]]
        .merging(more) { $1 })
  }

  static func reply(_ text: String, _ more: [String: Any] = [:]) -> String {
    json(
      [
        "type": "assistant",
        "message": ["role": "assistant", "content": [["type": "text", "text": text]]],
      ].merging(more) { $1 })
  }

  static func call(
    _ tool: String, _ input: [String: Any], id: String = "t", _ more: [String: Any] = [:]
  )
    -> String
  {
    json(
      [
        "type": "assistant",
        "message": [
          "role": "assistant",
          "content": [["type": "tool_use", "id": id, "name": tool, "input": input]],
        ],
      ].merging(more) { $1 })
  }

  static func result(
    id: String = "t", _ text: String = "ok", isError: Bool = false, details: Any? = nil,
    denial: String? = nil
  ) -> String {
    var fields: [String: Any] = [
      "type": "user",
      "message": [
        "role": "user",
        "content": [
          ["type": "tool_result", "tool_use_id": id, "content": text, "is_error": isError]
        ],
      ],
    ]
    fields["toolUseResult"] = details
    fields["toolDenialKind"] = denial
    return json(fields)
  }

  static func boundary(trigger: String = "auto", preTokens: Int = 1000) -> String {
    json([
      "type": "system", "subtype": "compact_boundary",
      "compactMetadata": ["trigger": trigger, "preTokens": preTokens],
    ])
  }

  static func summary(_ text: String) -> String {
    request(text, ["isCompactSummary": true, "isVisibleInTranscriptOnly": true])
  }

  static func usage(_ message: String, _ request: String, output: Int, model: String = "m")
    -> String
  {
    json([
      "type": "assistant", "requestId": request,
      "message": [
        "id": message, "model": model, "content": [["type": "text", "text": "x"]],
        "usage": [
          "input_tokens": 1, "output_tokens": output, "cache_creation_input_tokens": 10,
          "cache_read_input_tokens": 100,
          "cache_creation": ["ephemeral_1h_input_tokens": 4, "ephemeral_5m_input_tokens": 6],
        ],
      ],
    ])
  }
}

/// SplitMix64, so that a run can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
