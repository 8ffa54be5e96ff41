import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Core
@testable import MemoryStore

@Suite(.blocking) struct LedgerStatusTests {
  @Test(arguments: [
    ("[x]", Ledger.Status.done), ("[X] merged", .done), ("Completed", .done), ("done 3/4", .done),
    ("[ ]", .pending), ("In progress", .pending), ("[-]", .notDone), ("dropped", .notDone),
    ("Won't do", .notDone), ("wontfix: too old", .notDone), ("cancelled — see #4", .notDone),
    ("Not started", .notDone), ("no", .notDone), ("Postponed to May", .deferred),
  ]) func wordsOfACell_areItsStatus(cell: String, expected: Ledger.Status) {
    let table = "# L\n\n## P\n\n| Item | Status |\n|---|---|\n| a | \(cell) |\n"
    guard
      case .entries(let entries)? = Ledger.read(table).ledger.phases.first?.groups.first?.content
    else {
      Issue.record("no table")
      return
    }
    #expect(entries.map(\.status) == [expected])
  }

  @Test(arguments: ["nothing yet", "Notes sent", "nominal", "doneness unclear", ""])
  func wordsThatOnlyBeginLikeOne_areNone(cell: String) {
    #expect(Ledger.Status.read(cell) == nil)
  }
}

@Suite(.blocking) struct DoubleEncodingTests {
  /// What another program made of UTF-8: read as the code page, undefined bytes dropped.
  private func mangled(_ text: String, _ codePage: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "python3", "-c",
      "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read().decode('\(codePage)', 'ignore').encode())",
    ]
    let input = Pipe()
    let output = Pipe()
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    input.fileHandleForWriting.write(Data(text.utf8))
    input.fileHandleForWriting.closeFile()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }

  @Test(arguments: ["cp1252", "cp1254"]) func mangledText_isReadRight(codePage: String) throws {
    let text = "✅ done — a → b, ❌ skipped, 🔄 pending, ⏳ waits, café “quoted” … ½ × 2 €5 naïve"
    #expect(DoubleEncoding.repaired(try mangled(text, codePage)) == text)
  }

  @Test(arguments: [
    "café déjà vu, Zürich, İstanbul ğ ş", "“quotes” – dashes — and … dots", "✅ ❌ 🔄 日本語", "Ã",
    "£5 and €6",
    "plain", "½–¾", "Größe: 5 µm ± 1 °C",
  ]) func rightText_stays(text: String) {
    #expect(DoubleEncoding.repaired(text) == text)
  }

  @Test(.enabled(if: RealLedger.isThere)) func realLedger_readsTheSameInBothSpellings() throws {
    let right = try RealLedger.text("completion-utf8.md")
    let repaired = DoubleEncoding.repaired(try RealLedger.text("completion-double-encoded.md"))
    for (one, other) in zip(right.split(separator: "\n"), repaired.split(separator: "\n")) {
      #expect(one == other)
    }
    #expect(right == repaired)
  }
}

/// A completion ledger as one was found, read from where test data is kept.
enum RealLedger {
  private static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "shared/data/ledger")
  static let isThere = FileManager.default.fileExists(atPath: folder.path)

  static func text(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: folder.appending(path: name)), as: UTF8.self)
  }
}

@Suite(.blocking) struct LedgerTests {
  @Test(.enabled(if: RealLedger.isThere)) func realLedger_hasEveryRowInItsPlace() throws {
    let (ledger, skipped) = Ledger.read(try RealLedger.text("completion-utf8.md"))
    let entries = ledger.entries
    #expect(entries.count == 105)
    #expect(ledger.phases.count == 9)
    let marked = ledger.phases.count { $0.isDone }
    #expect(marked == 9)
    func count(_ status: Ledger.Status) -> Int { entries.count { $0.entry.status == status } }
    #expect(count(.done) == 99)
    #expect(count(.notDone) == 3)
    #expect(count(.deferred) == 2)
    #expect(count(.pending) == 1)
    let removed = entries.first { $0.entry.remark == "then removed" }?.entry
    #expect(removed?.item == "McpAgent DO deployed" && removed?.status == .done)
    let skippedRow = entries.first { $0.entry.remark == "Skipped" }
    #expect(skippedRow?.group == "Phase 1 — NOT Done (acknowledged, deferred)")
    #expect(skippedRow?.entry.date == nil && skippedRow?.entry.detail?.isEmpty == false)
    #expect(entries[0].entry.detail == "b30c1e1" && entries[0].entry.date == "2026-02-28")
    // What is no table of items is named, so that nobody takes it for read.
    #expect(skipped.count == 4)
    let lists = ledger.phases.flatMap(\.groups).compactMap(\.name)
    #expect(lists.contains("Key Decisions") && lists.contains("Bugs Fixed During Phase 5"))
    let other = Ledger.read(try RealLedger.text("completion-double-encoded.md")).ledger
    #expect(other == ledger)
    #expect(ledger.normalised() == ledger)
    #expect(Ledger.read(ledger.markdown()).ledger == ledger)
  }

  private static let pieces = [
    "item", "two words", "a | b", "\\|", "\\", "&#124;", "|", "`code | x`", "**bold**", "[a](b)",
    "- x", "# h", "## h ##",
    "#", "1. x", "> q", "✅", "❌ no", "⏸️", "Deferred", "deferred", "not done", "\n", "\n\n", "\r\n",
    "\t", "  ", "---", "===",
    "```", "~~~", "<b>", "<!--", "*", "_x_", "日本語", "é", "\u{301}", "🇨🇭", "\u{2028}", "\u{A0}",
    "\u{FEFF}", "\u{1B}[1m", "&amp;",
    "\\*", "[ ]", "[x]: /u", "+", "- [ ] y", "    code", "|---|---|", "Item", "Status", "âœ…", "Ã©",
    "",
  ]

  @Test(arguments: TestScale.seeds(10)) func whatIsWritten_isReadBack(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    func text() -> String {
      (0...Int.random(in: 0...3, using: &random)).map { _ in
        Self.pieces.randomElement(using: &random)!
      }.joined(separator: Bool.random(using: &random) ? "" : " ")
    }
    func maybe() -> String? { Bool.random(using: &random) ? text() : nil }
    for number in 0..<1100 {
      var ledger = Ledger(title: text())
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        var phase = Ledger.Phase(text(), isDone: Bool.random(using: &random))
        for _ in 0..<Int.random(in: 0...3, using: &random) {
          let count = Int.random(in: 0...4, using: &random)
          phase.groups.append(
            Bool.random(using: &random)
              ? Ledger.Group(name: maybe(), .list((0..<count).map { _ in text() }))
              : Ledger.Group(
                name: maybe(),
                .entries(
                  (0..<count).map { _ in
                    Ledger.Entry(
                      text(), status: Ledger.Status.allCases.randomElement(using: &random)!,
                      remark: maybe(), detail: maybe(), date: maybe())
                  })))
        }
        ledger.phases.append(phase)
      }
      let normal = ledger.normalised()
      let document = normal.markdown()
      let copy = Ledger.read(document).ledger
      try #require(
        String(reflecting: copy) == String(reflecting: normal) && copy == normal,
        "seed \(seed), number \(number):\n\(normal)\n\(copy)\n\(document)")
      // Once normal, always normal: a file that is written again does not change.
      try #require(copy.normalised().markdown() == document, "seed \(seed), number \(number)")
    }
  }
}
