import Foundation
import TestSupport
import Testing

@testable import Core
@testable import MemoryStore

@Suite(.blocking) struct MarkdownBoundsTests {
  @Test func realMarkdown_isLeftAsItIs() {
    let table = (0..<3000).map { "| [row \($0)](u) | `x` | ![i](p) |" }.joined(separator: "\n")
    for text in [
      "", "# T\n\n- [ ] a\n  - b\n    1. c\n", table, "> > > quoted\n\n* * *\n", "![a](b) ![c][d]",
    ] {
      #expect(MarkdownBounds.bounded(text) == text)
    }
  }

  @Test func imagesAmongManyLinks_loseTheirMark_andNothingElse() {
    let text = "before\n\n" + String(repeating: "![[]()", count: 20_000) + "\n\n![after](x)\n"
    let bounded = MarkdownBounds.bounded(text)
    #expect(bounded.utf8.count == text.utf8.count)
    #expect(!bounded.contains("![[") && bounded.hasSuffix("\n\n![after](x)\n"))
    #expect(bounded.hasPrefix("before\n\nx[[]()"))
  }

  @Test(arguments: ["> ", "- ", "* ", "1. ", "+ > 12) "]) func containers_areBounded(mark: String) {
    let text = String(repeating: mark, count: 5000) + "a\n\nb\n"
    let bounded = MarkdownBounds.bounded(text)
    #expect(bounded != text && bounded.utf8.count == text.utf8.count)
    #expect(bounded.hasSuffix("a\n\nb\n"))
    #expect(MarkdownBounds.bounded(bounded) == bounded)
    #expect(MarkdownBounds.bounded(Array(text.utf8)) == Array(bounded.utf8))
  }

  @Test func linksOfAFolder_areNotFollowed() throws {
    let folder = try TemporaryFolder()
    let secret = folder.file("secret")
    try "secret".write(toFile: secret, atomically: true, encoding: .utf8)
    let inside = folder.file("inside")
    try FileManager.default.createDirectory(atPath: inside, withIntermediateDirectories: true)
    try "fine".write(toFile: inside + "/a.md", atomically: true, encoding: .utf8)
    symlink(secret, inside + "/b.md")
    mkfifo(inside + "/c.md", 0o600)
    symlink(inside, folder.file("link"))
    let closed = try ClosedFolder(inside)
    #expect(closed.names(most: 10) == ["a.md", "b.md", "c.md"])
    #expect(closed.read("a.md", limit: 2)?.bytes == Array("fi".utf8))
    for name in ["b.md", "c.md", "d.md", "../secret", ".", ".."] {
      #expect(closed.read(name, limit: 100) == nil, "\(name)")
    }
    #expect(throws: StoreError.self) { try ClosedFolder(folder.file("link")) }
    #expect(throws: StoreError.self) { try ClosedFolder.made(folder.file("link")) }
    #expect(throws: StoreError.self) { try ClosedFolder(secret) }
  }
}
