import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Core
@testable import MemoryStore
@testable import Transcripts

@Suite(.blocking) struct TranscriptReaderTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func requests(_ reading: Reading) -> [String] { reading.digest.requests.map(\.text) }

  @Test func glued_objectsComeOneByOne() throws {
    let path = try folder.file(
      "t.jsonl", Line.request("one").dropLast() + Line.request("two") + Line.request("three"))
    let reading = try Reading(path)
    #expect(requests(reading) == ["one", "two", "three"])
    #expect(reading.report.end.lines == 2)
    #expect(reading.report.malformed == 0)
  }

  @Test func cutLine_isSkipped_andWhatIsGluedBehindItIsNot() throws {
    let cut = Line.request("lost half").prefix(40)
    let path = try folder.file(
      "t.jsonl",
      Line.request("one") + cut + Line.request("two") + cut + "\n" + Line.request("three"))
    let reading = try Reading(path)
    #expect(requests(reading) == ["one", "two", "three"])
    #expect(reading.report.malformed == 2)
  }

  @Test func lastLine_whenHalfWritten_isTakenOnceItIsWhole() throws {
    let second = Line.request("two")
    let path = try folder.file("t.jsonl", Line.request("one") + second.prefix(50))
    let first = try Reading(path)
    #expect(requests(first) == ["one"])
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data((second.dropFirst(50) + Line.request("three")).utf8))
    let next = try Reading(path, after: first)
    #expect(requests(next) == ["one", "two", "three"])
    #expect(next.transcript.entries.count == 2)
    #expect(next.report.end.lines == 3)
  }

  @Test func lastLine_withoutNewline_isTakenOnce() throws {
    let path = try folder.file("t.jsonl", Line.request("one") + Line.request("two").dropLast())
    let first = try Reading(path)
    #expect(requests(first) == ["one", "two"])
    #expect(first.report.end.lines == 2)
    let again = try Reading(path, after: first)
    #expect(again.transcript.entries.isEmpty)
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(("\n" + Line.request("three")).utf8))
    #expect(requests(try Reading(path, after: again)) == ["one", "two", "three"])
  }

  @Test func nothingNew_readsNothing() throws {
    let path = try folder.file("t.jsonl", Line.request("one"))
    let first = try Reading(path)
    let again = try Reading(path, after: first)
    #expect(again.report.end == first.report.end)
    #expect(again.transcript.entries.isEmpty && again.digest == first.digest)
  }

  @Test func file_whenReplaced_isReadAnew() throws {
    let path = try folder.file("t.jsonl", Line.request("one") + Line.request("two"))
    let first = try Reading(path)
    try FileManager.default.removeItem(atPath: path)
    _ = try folder.file("t.jsonl", Line.request("other") + Line.request("text") + Line.request("x"))
    let next = try Reading(path, after: first)
    #expect(next.report.isRestart)
    #expect(requests(next) == ["other", "text", "x"])
  }

  @Test func file_whenTruncatedOrRewrittenInPlace_isReadAnew() throws {
    let path = try folder.file("t.jsonl", Line.request("one") + Line.request("two"))
    let first = try Reading(path)
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try handle.truncate(atOffset: 0)
    try handle.write(contentsOf: Data(Line.request("short").utf8))
    #expect(requests(try Reading(path, after: first)) == ["short"])
    try handle.seek(toOffset: 0)
    try handle.write(
      contentsOf: Data((1...9).map { Line.request("rewritten \($0)") }.joined().utf8))
    #expect(requests(try Reading(path, after: first)).count == 9)
  }

  @Test func longLines_areRead() throws {
    let image = String(repeating: "A", count: 5 << 20)
    let path = try folder.file(
      "t.jsonl",
      Line.request("one")
        + Line.result(id: "x", image) + Line.request("two"))
    #expect(requests(try Reading(path)) == ["one", "two"])
  }

  @Test func fiftyMegabyteLine_isReadOrPassedOver() throws {
    var data = Data(Line.request("before").utf8)
    data.append(Data(Line.reply("x").utf8).dropLast(5))
    data.append(Data(repeating: UInt8(ascii: "y"), count: 70 << 20))
    data.append(Data(("\n" + Line.request("after")).utf8))
    let path = try folder.file("t.jsonl", data)
    let reading = try Reading(path)
    #expect(requests(reading) == ["before", "after"])
    #expect(reading.report.oversized == 1)
    #expect(reading.report.end.offset == Int64(data.count))
  }

  @Test func garbage_neverFails() throws {
    var data = Data((0..<200_000).map { _ in UInt8.random(in: 0...255) })
    data.append(Data(("\n" + Line.request("still here")).utf8))
    let path = try folder.file("t.jsonl", data)
    #expect(requests(try Reading(path)) == ["still here"])
  }

  @Test func openBraces_costLinearTime() throws {
    let path = try folder.file("t.jsonl", String(repeating: "{\"type\":", count: 500_000) + "\n")
    let clock = ContinuousClock()
    let time = try clock.measure { _ = try Reading(path) }
    #expect(time < .seconds(5))
  }

  @Test func missingFile_folderAndFIFO_areClearErrors() throws {
    #expect(throws: StoreError.self) { try TranscriptReader(path: "/no/such/file", known: nil) }
    #expect(throws: StoreError.self) { try TranscriptReader(path: folder.path, known: nil) }
    mkfifo(folder.path + "/fifo", 0o600)
    #expect(throws: StoreError.self) {
      try TranscriptReader(path: folder.path + "/fifo", known: nil)
    }
  }

  @Test func deadline_endsTheReadingBetweenChunks() throws {
    let path = try folder.file(
      "t.jsonl", (0..<30_000).map { Line.request("request number \($0)") }.joined())
    let reader = try TranscriptReader(path: path, known: nil)
    var asked = 0
    var lines = 0
    let report = try reader.read(
      until: {
        asked += 1
        return asked > 2
      }, { _, _ in lines += 1 })
    #expect(!report.isComplete)
    #expect(lines > 0 && lines < 30_000)
    #expect(report.end.lines == lines)
    // The next reading goes on where this one stopped.
    let rest = try TranscriptReader(path: path, known: report.end)
    var more = 0
    _ = try rest.read { _, _ in more += 1 }
    #expect(lines + more == 30_000)
  }

  @Test func anyCut_givesTheSameDigest() throws {
    let lines = [
      Line.request("Fix src/parser.go, never touch src/lexer.go"),
      Line.call(
        "Edit", ["file_path": "/repo/src/parser.go", "new_string": "func parseAll() {}"], id: "a"),
      Line.result(id: "a"), Line.call("Bash", ["command": "go test ./..."], id: "b"),
      Line.result(id: "b", "FAIL", isError: true), Line.reply("The parseAll function fails."),
      Line.call("TaskCreate", ["subject": "write docs"], id: "c"),
      Line.result(id: "c", details: ["task": ["id": "1", "subject": "write docs"]]),
      Line.boundary(), Line.summary("summary text"),
    ]
    let text = lines.joined()
    let whole = try Reading(try folder.file("whole.jsonl", text))
    for cut in stride(from: 1, to: text.utf8.count, by: 97) {
      let bytes = Array(text.utf8)
      let path = try folder.file("cut.jsonl", Data(bytes[..<cut]))
      let first = try Reading(path)
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try handle.seekToEnd()
      try handle.write(contentsOf: Data(bytes[cut...]))
      try handle.close()
      let second = try Reading(path, after: first)
      #expect(second.digest == whole.digest, "cut at \(cut)")
      #expect(
        first.transcript.entries.count + second.transcript.entries.count
          == whole.transcript.entries.count)
    }
  }
}

extension TranscriptReaderTests {
  /// A daemon looks at folders that hold other files too, again and again.
  @Test func foreignFile_isClosedAgain() throws {
    let folder = try TemporaryFolder()
    let path = try folder.file("notes.jsonl", "{\"messages\":[]}\n")
    func open() -> Int {
      let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
      return all.count {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path
      }
    }
    for _ in 0..<20 {
      let reader = try TranscriptReader(path: path, known: nil)
      #expect(throws: StoreError.self) {
        try TranscriptFormat.of(reader, digest: SessionDigest())
      }
    }
    #expect(open() == 0)
  }
}
