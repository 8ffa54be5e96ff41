import Foundation
import Testing

@testable import Checkpoints

@Suite struct DoubleEncodingTests {
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
