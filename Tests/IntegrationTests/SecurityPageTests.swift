import Core
import Foundation
import Redaction
import TestSupport
import Testing

/// SECURITY.md promises nothing that no test holds.
@Suite(.blocking) struct SecurityPageTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: Self.root + "/" + name, encoding: .utf8)
  }

  @Test func everyPromise_namesATestThatIsThere() throws {
    var suites: [String: String] = [:]
    let walker = FileManager.default.enumerator(atPath: Self.root + "/Tests")
    while let name = walker?.nextObject() as? String {
      guard name.hasSuffix(".swift") else { continue }
      let code = try text("Tests/" + name)
      for suite in code.matches(of: /@Suite[^\n]*?(?:struct|class) (\w+)/) {
        suites[String(suite.1), default: ""] += code
      }
    }
    let rows = try text("SECURITY.md").split(separator: "\n").filter {
      $0.hasPrefix("| ") && !$0.hasPrefix("| promise") && !$0.hasPrefix("| -")
    }
    #expect(rows.count >= 20)
    for row in rows {
      let names = row.matches(of: /`(\w+Tests)\.(\w+)`/)
      #expect(!names.isEmpty, "no test: \(row)")
      for name in names {
        let code = suites[String(name.1)] ?? ""
        #expect(code.contains("func \(name.2)("), "there is no \(name.0)")
      }
    }
  }
}
