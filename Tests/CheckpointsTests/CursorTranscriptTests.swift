import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Core
@testable import MemoryStore
@testable import Redaction
@testable import Transcripts

@Suite(.blocking) struct CursorTranscriptTests {
  private static let id = "0b7b8a52-7d7c-4f0e-9a5e-3f6c5f1d2a10"

  @Test func lines_areReadWithoutTimesAndIds() throws {
    let reading = try read(
      line(
        "user",
        [
          ["type": "text", "text": "<open_files>a.c</open_files>"],
          ["type": "text", "text": "<user_query>\nRaise the sail\n</user_query>"],
        ]),
      line(
        "assistant",
        [
          ["type": "text", "text": "Raising it."],
          ["type": "tool_use", "name": "Shell", "input": ["command": "make sail"]],
          [
            "type": "tool_use", "name": "StrReplace",
            "input": [
              "path": "sail.c", "old_string": "int low = 1;", "new_string": "int high = 1;",
            ],
          ],
        ]),
      line("user", "and lower it again"))
    #expect(reading.sessionID == SessionID(rawValue: Self.id))
    #expect(reading.digest.agent == "cursor")
    #expect(reading.digest.requests.map(\.text) == ["Raise the sail", "and lower it again"])
    #expect(reading.digest.requests.allSatisfy { $0.at == reading.fileTime && $0.at > 0 })
    #expect(reading.entries.map(\.kind) == [.request, .reply, .tool, .tool, .request])
    #expect(Set(reading.entries.map(\.sourceID)).count == 5)
    // Nothing says how the command ended.
    #expect(reading.digest.commands.values.map(\.outcome) == [.unknown])
    #expect(reading.digest.files["sail.c"]?.edits == 1 && reading.digest.pending.isEmpty)
    #expect(reading.usage.isEmpty)
  }

  @Test func format_isToldByARole() throws {
    let folder = try TemporaryFolder()
    let path = try folder.file("t.jsonl", line("user", "x"))
    let reader = try TranscriptReader(path: path, known: nil)
    #expect(try TranscriptFormat.of(reader, digest: SessionDigest()) == .cursor)
  }

  private func line(_ role: String, _ content: Any) -> String {
    Chat.json(["role": role, "message": ["content": content]])
  }

  private func read(_ lines: String...) throws -> any AgentTranscript {
    let folder = try TemporaryFolder()
    let path = try folder.file("\(Self.id).jsonl", lines.joined())
    let reader = try TranscriptReader(path: path, known: nil)
    var transcript = TranscriptFormat.cursor.transcript(
      digest: SessionDigest(), redactor: Redactor(), of: reader)
    _ = try reader.read { transcript.ingest($0, line: $1) }
    transcript.finish()
    return transcript
  }
}
