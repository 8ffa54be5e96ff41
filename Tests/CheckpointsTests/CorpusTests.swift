import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Core
@testable import MemoryStore
@testable import Transcripts

/// What the fuzzer found, and the seeds that it began with.
@Suite(.blocking) struct CorpusTests {
  static let files: [String] = {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Corpus").path
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.sorted().map { folder + "/" + $0 }
  }()

  @Test func corpus_isThere() {
    #expect(Self.files.count >= 9)
  }

  @Test(arguments: files)
  func input_isReadTheSameInOneAndInTwoParts(path: String) throws {
    let data = try #require(FileManager.default.contents(atPath: path))
    let folder = try TemporaryFolder()
    let whole = try Reading(try folder.file("whole", data))
    #expect(SessionDigest(json: whole.digest.json)?.json == whole.digest.json)
    let document = RecoveryDocument(
      snapshot: Snapshot(whole.digest, git: nil), summary: whole.digest.summary,
      occasion: .compaction, takenAt: 0)
    #expect(document.markdown(now: 1, budget: 3000).utf16.count <= 3000)
    for part in 1..<4 {
      let cut = data.count * part / 4
      let grown = try folder.file("grown", data.prefix(cut))
      let first = try Reading(grown)
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: grown))
      try handle.seekToEnd()
      try handle.write(contentsOf: data.dropFirst(cut))
      try handle.close()
      let second = try Reading(grown, after: first)
      #expect(second.digest.requests == whole.digest.requests)
      #expect(second.report.end.offset == whole.report.end.offset)
    }
  }
}
