import Foundation
import Testing

/// `memoryd handoff`, as people and agents call it.
@Suite struct HandoffTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  private static let document = """
    # HANDOFF: retries

    ## Still TODO

    - [ ] Honour `Retry-After`
    - [x] Fake clock

    ## Weird heading

    | a | b |
    |---|---|
    | 1 | 2 |

    """

  @Test func read_keepsTheDocumentAndTellsWhatItHolds() throws {
    try place.write(Self.document, to: "old.md")
    let text = try place.run("handoff", "read", place.path + "/old.md")
    #expect(text.status == 0 && text.output == Self.document)
    let json = try place.run("handoff", "read", place.path + "/old.md", "--json").json()
    #expect(json["objective"] as? String == "retries")
    #expect(json["done"] as? [String] == ["Fake clock"])
    let next = json["next"] as? [[String: Any]]
    #expect(next?.map { $0["text"] as? String } == ["Honour Retry-After"])
    #expect((json["notes"] as? [String])?.first?.contains("| 1 | 2 |") == true)
    let piped = try place.start(
      ["handoff", "read", "-", "--json"], input: Data(Self.document.utf8)
    ).finish()
    #expect(try piped.json()["objective"] as? String == "retries")
    let html = try place.run("handoff", "read", place.path + "/old.md", "--format", "html").output
    #expect(html.contains("<h2>Still TODO</h2>"))
  }

  @Test func read_ofBadInput_saysSo() throws {
    #expect(try place.run("handoff", "read", "missing.md").status == 66)
    #expect(try place.run("handoff", "read", ".").status != 0)
    let garbage = Data((0..<100_000).map { _ in UInt8.random(in: 0...255) })
    let read = try place.start(["handoff", "read", "-", "--json"], input: garbage).finish()
    #expect(read.status == 0)
    #expect(try read.json()["objective"] as? String != nil)
    let huge = Data(repeating: 0x78, count: (16 << 20) + 1)
    try huge.write(to: URL(fileURLWithPath: place.path + "/huge.md"))
    let refused = try place.run("handoff", "read", place.path + "/huge.md")
    #expect(refused.status == 65 && refused.errorOutput.contains("large"))
  }
}
