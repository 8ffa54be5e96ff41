import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Core
@testable import MemoryStore
@testable import Redaction
@testable import Transcripts

/// Transcripts that their agent has compressed.
@Suite(.blocking) struct TranscriptFileTests {
  private let folder: TemporaryFolder
  private let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = folder.file("rollout-1.jsonl")
  }

  @Test func compressedFile_isReadAsThePlainOne() throws {
    let text = Self.lines(0..<4000)
    try folder.write(text.utf8, to: "rollout-1.jsonl")
    let plain = try read(nil)
    try compress(text)
    let packed = try read(nil)
    #expect(packed.lines == plain.lines && packed.lines.count == 4000)
    #expect(packed.report.end.offset == plain.report.end.offset)
    #expect(packed.report.end.tail == plain.report.end.tail)
    #expect(packed.report.fileSize == Int64(text.utf8.count) && packed.report.malformed == 0)
  }

  @Test func fileThatWasCompressedMeanwhile_goesOnWhereItStood() throws {
    let (first, second) = (Self.lines(0..<900), Self.lines(900..<1800))
    try folder.write(first.utf8, to: "rollout-1.jsonl")
    let before = try read(nil)
    try compress(first + second)
    let after = try read(before.report.end)
    #expect(!after.report.isRestart && after.lines == Array(901...1800))
    #expect(try read(after.report.end).lines.isEmpty)
    // Another text of that name is another transcript.
    try compress(Self.lines(5000..<9000))
    let other = try read(after.report.end)
    #expect(other.report.isRestart && other.lines.count == 4000)
  }

  @Test func plainFile_countsWhileBothAreThere() throws {
    try compress(Self.lines(0..<10))
    try folder.write(Self.lines(0..<20).utf8, to: "rollout-1.jsonl")
    #expect(try read(nil).lines.count == 20)
  }

  @Test func damagedStream_losesNothingBeforeTheDamage() throws {
    try compress(Self.lines(0..<20_000), pieces: 4)
    let packed = try Data(contentsOf: URL(fileURLWithPath: path + ".zst"))
    try folder.write(packed.prefix(packed.count * 2 / 3), to: "rollout-1.jsonl.zst")
    let cut = try read(nil)
    #expect(cut.lines.count >= 10_000 && cut.lines.count < 20_000)
    #expect(cut.report.malformed == 1)
    #expect(try read(cut.report.end).lines.isEmpty)
    try folder.write(Array("no zstd at all".utf8), to: "rollout-1.jsonl.zst")
    let none = try read(nil)
    #expect(none.lines.isEmpty && none.report.malformed == 1)
  }

  @Test func limit_countsUnpackedBytes() throws {
    let text = Self.lines(0..<100)
    try compress(text)
    let half = Int64(text.utf8.count / 2)
    let reader = try TranscriptReader(path: path, known: nil, upTo: half)
    let report = try reader.read { _, _ in }
    #expect(report.end.offset <= half && report.end.lines > 40)
  }

  // MARK: Support

  private static func lines(_ numbers: Range<Int>) -> String {
    numbers.map {
      "{\"timestamp\":\"\($0)\",\"type\":\"event_msg\",\"payload\":{\"n\":\($0 * $0)}}\n"
    }
    .joined()
  }

  private func read(
    _ known: TranscriptPosition?
  ) throws -> (lines: [Int], report: TranscriptReader.Report) {
    var lines: [Int] = []
    let report = try TranscriptReader(path: path, known: known).read { lines.append($1) }
    return (lines, report)
  }

  /// Takes the plain file away, as Codex does.
  private func compress(_ text: String, pieces: Int = 1) throws {
    let bytes = Array(text.utf8)
    var packed: [UInt8] = []
    for piece in 0..<pieces {
      let part = bytes[(bytes.count * piece / pieces)..<(bytes.count * (piece + 1) / pieces)]
      packed += Zstd.compressed(Array(part))
    }
    try folder.write(packed, to: "rollout-1.jsonl.zst")
    try? FileManager.default.removeItem(atPath: path)
  }
}
