import CCmark
import Foundation
import MemoryStore
import TestSupport
import Testing

@testable import Checkpoints

/// The examples of the CommonMark specification, which `make test` fetches, and documents that a
/// fuzzer found.
@Suite(.blocking) struct SpecificationTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  private static func examples() throws -> [String] {
    let data = try Data(contentsOf: root.appending(path: ".build/commonmark-spec.json"))
    let objects = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
    return objects.compactMap { $0["markdown"] as? String }
  }

  private func expectFixedPoint(_ document: String) throws {
    let once = Handoff(document).markdown()
    let twice = Handoff(once).markdown()
    try #require(
      Array(once.utf8) == Array(twice.utf8), "\(document)\n=== once\n\(once)\n=== twice\n\(twice)")
    _ = Handoff(once).contents
  }

  @Test func examples_areReadAndWrittenToAFixedPoint() throws {
    let examples = try Self.examples()
    #expect(examples.count > 600)
    for example in examples {
      try expectFixedPoint(example)
      for heading in [
        "Done", "Next", "Open tasks", "Decisions", "Files", "Commits", "Notes", "Own",
      ] {
        try expectFixedPoint("# Handoff: x\n\n## \(heading)\n\n\(example)\n\n## Blockers\n\n- y\n")
      }
      // As text it comes back as it is.
      let texts = Handoff(objective: example, sections: [.done([example]), .blockers([example])])
        .normalised()
      try #require(Handoff(texts.markdown()) == texts, "\(example)")
    }
  }

  @Test func foundDocuments_areReadAndWrittenToAFixedPoint() throws {
    let folder = Self.root.appending(path: "Tests/FuzzHandoff/Seeds")
    let files = try FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil)
    #expect(files.count >= 3)
    for file in files {
      let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
      try expectFixedPoint(text)
      var sources = HandoffSources(snapshot: Snapshot())
      sources.note = text
      sources.changes = []
      let written = sources.handoff(HandoffFront(), now: 0)
      #expect(Handoff(written.markdown()) == written, "\(file.lastPathComponent)")
      let ledger = Ledger.read(text).ledger.normalised()
      #expect(Ledger.read(ledger.markdown()).ledger == ledger, "\(file.lastPathComponent)")
    }
  }
}
