import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Core

@Suite(.blocking) struct HandoffTests {
  // MARK: Both round trips

  /// What breaks Markdown, YAML, terminals and careless string code.
  private static let pieces = [
    "word", "two words", "café", "cafe\u{301}", "日本語", "🇨🇭👩‍💻", "ﷺ", "\u{202E}evil\u{202C}",
    "\u{200B}", "\u{FEFF}",
    "\u{A0}", "\u{2028}", "\u{2029}", "\u{85}", "\t", "  ", "\n", "\n\n", "\n\n\n", "\n  ", "  \n",
    "\\", "\\\n", "`", "```",
    "``` swift", "~~~", "\n~~~\n", "*", "**", "***", "_", "__x__", "[ ]", "[x]", "[ ] ", "[a](b)",
    "![i](u)", "[ref]",
    "[ref]: /url", "\n[x]: /u", "<b>", "</b>", "<!--", "-->", "<script>alert(1)</script>", "<?php",
    "<![CDATA[", "&amp;",
    "&", "&#35;", "&copy", "#", "# h", "\n# h", "\n## Next", "\n## Done\n", "- ", "- x", "\n- x",
    "\n+ x", "\n* x", "1. ",
    "1)", "\n1. x", "\n===", "\n---", "---", "===", "> q", "\n> q", "| a | b |", "\n|---|---|", ":",
    ": ", ": x", "a: b",
    "!", "!!str x", "%", "@", "{}", "[]", "'", "\"", "\\\"", "\u{1B}[31m", "\u{7}", "\u{7F}",
    "\u{1}", "http://x.y/_z_",
    "<http://x.y>", "a@b.c", "true", "null", "123", "2026-01-01", "~", "0x1F", "\u{FFFD}",
    "\u{FFFE}", "\u{10FFFF}", ".",
    "...", "end ", " start", "x\\", "*\u{301}",
  ]

  private struct Generator {
    var random: SeededGenerator

    mutating func text() -> String {
      (0...Int.random(in: 0...5, using: &random)).map { _ in
        HandoffTests.pieces.randomElement(using: &random)!
      }.joined(separator: Bool.random(using: &random) ? "" : " ")
    }

    mutating func texts() -> [String] {
      (0..<Int.random(in: 0...4, using: &random)).map { _ in text() }
    }

    mutating func handoff() -> Handoff {
      var front = HandoffFront()
      for field in HandoffFront.fields where Bool.random(using: &random) {
        front[keyPath: field.path] = text()
      }
      var sections: [Handoff.Section] = []
      for _ in 0..<Int.random(in: 0...8, using: &random) {
        switch Int.random(in: 0..<9, using: &random) {
        case 0: sections.append(.done(texts()))
        case 1:
          sections.append(
            .next(texts().map { Handoff.Step($0, isDone: Bool.random(using: &random)) }))
        case 2:
          sections.append(
            .openTasks(
              texts().map {
                Handoff.Task(
                  $0,
                  id: [nil, text(), "01KAS3R7Q8Z5W2X9Y4V6B1N0M3"].randomElement(using: &random)!,
                  context: Bool.random(using: &random) ? text() : nil,
                  isDone: Bool.random(using: &random))
              }))
        case 3:
          sections.append(
            .decisions(
              texts().map {
                Handoff.Decision($0, rationale: Bool.random(using: &random) ? text() : nil)
              }))
        case 4: sections.append(.blockers(texts()))
        case 5:
          sections.append(
            .files(
              texts().map { Handoff.File($0, note: Bool.random(using: &random) ? text() : nil) }))
        case 6: sections.append(.commits(texts().map { Handoff.Commit($0, subject: text()) }))
        case 7:
          sections.append(.notes("Why: *because*.\n\n- a\n  - b\n\n```\n## not a heading\n```"))
        default: sections.append(.source("## Own words\n\n| a | b |\n|---|---|\n| 1 | 2 |"))
        }
      }
      return Handoff(front: front, objective: text(), sections: sections)
    }

    mutating func document() -> String {
      (0...Int.random(in: 0...30, using: &random)).map { _ in
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
          "\n## " + ["Done", "Next", "Open tasks", "Notes", "Files", "Still TODO"].randomElement(
            using: &random)! + "\n"
        case 1: "\n- " + text() + "\n"
        case 2: "\n  - [ ] " + text() + "\n"
        case 3: "\n"
        case 4: "---\n"
        default: text()
        }
      }.joined()
    }
  }

  /// Swift's `==` takes texts for equal that have other bytes.
  private static func bytes(_ handoff: Handoff) -> [UInt8] {
    Array(String(reflecting: handoff).utf8)
  }

  @Test func context_ofATask_isReadBesideItsID() {
    let id = "01KAS3R7Q8Z5W2X9Y4V6B1N0M3"
    let text = """
      # Handoff: x

      ## Open tasks

      - [ ] Mend `f` `\(id)`: fails on *CRLF*
      - [ ] Call `make`: twice
      - [x] Plain `\(id)`

      """
    #expect(
      Handoff(text).contents.openTasks == [
        Handoff.Task("Mend f", id: id, context: "fails on CRLF"), Handoff.Task("Call make: twice"),
        Handoff.Task("Plain", id: id, isDone: true),
      ])
  }

  @Test(arguments: TestScale.seeds(10)) func whatIsWritten_isReadBack(seed: Int) throws {
    var generator = Generator(random: SeededGenerator(seed: UInt64(seed)))
    for number in 0..<1200 {
      let handoff = generator.handoff().normalised()
      let document = handoff.markdown()
      let copy = Handoff(document)
      try #require(
        copy == handoff && Self.bytes(copy) == Self.bytes(handoff),
        "seed \(seed), number \(number):\n\(handoff)\n\(copy)\n\(document)")
    }
  }

  @Test(arguments: TestScale.seeds(10)) func anyDocument_isStableAfterOnePass(seed: Int) throws {
    var generator = Generator(random: SeededGenerator(seed: UInt64(1000 + seed)))
    for number in 0..<1200 {
      let document = generator.document()
      let once = Handoff(document).markdown()
      let twice = Handoff(once).markdown()
      try #require(
        Array(once.utf8) == Array(twice.utf8),
        "seed \(seed), number \(number):\n\(document)\n=== once\n\(once)\n=== twice\n\(twice)")
      // Nothing is lost: every line of letters is there still.
      let words = Set(document.split { !$0.isLetter })
      let left = Set(once.split { !$0.isLetter })
      try #require(words.isSubset(of: left), "seed \(seed), number \(number):\n\(document)")
      _ = Handoff(document).contents
    }
  }
}

/// Handoffs that people wrote before memoryd was there, or by hand.
@Suite(.blocking) struct HandWrittenHandoffTests {
  private static let old = """
    # HANDOFF — upload retries

    <!-- RESUME CONTEXT
    branch: retry
    last: wrote parseRetryAfter
    -->

    Some words before.

    ## Still TODO

    1. Honour `Retry-After`
    2. Docs
       - config.md
       - README
    - [x] fake clock

    ## Key Decisions

    | Decision | Why |
    |----------|-----|
    | Full jitter | a \\| b, no thundering herd |
    | No retry on 4xx | |

    ## Architecture

    ```swift
    ## not a heading
    let a = 1
    ```

    [ref]: https://example.org

    See [ref].

    ## ✅ Done:

    Everything else.

    """

  @Test func oldForms_areReadAndKept() {
    let handoff = Handoff(Self.old)
    #expect(handoff.objective == "upload retries")
    #expect(handoff.markdown() == Self.old)
    let contents = handoff.contents
    #expect(contents.next.map(\.text) == ["Honour Retry-After", "Docs", "config.md", "README"])
    #expect(contents.done == ["fake clock", "Everything else."])
    #expect(
      contents.decisions.map(\.decision) == [
        "Full jitter: a | b, no thundering herd", "No retry on 4xx",
      ])
    #expect(contents.notes.count == 2)
    #expect(contents.notes[0].contains("RESUME CONTEXT") && contents.notes[0].contains("words"))
    #expect(contents.notes[1].contains("## not a heading") && contents.notes[1].contains("[ref]:"))
  }

  @Test func handEdits_survive() {
    var handoff = Handoff(objective: "a", sections: [.done(["one"]), .next([.init("two")])])
    handoff.front.project = "p"
    let document = handoff.markdown()
      .replacing("  - one", with: "* one, *edited*\n\n  and a second paragraph")
      .replacing("## Next", with: "Free text.\n\n## Next")
    let edited = Handoff(document)
    #expect(edited.markdown() == document)
    #expect(edited.front == handoff.front && edited.frontSource == nil)
    #expect(edited.sections.last == .next([.init("two")]))
    #expect(edited.contents.done.first == "one, edited")
  }

  /// By name, as the runner prints each argument.
  private static let hostile = [
    "quotes": String(repeating: ">", count: 2_000_000) + "x",
    "lists": String(repeating: "- ", count: 1_000_000),
    "comments": String(repeating: "<!--", count: 500_000),
    "links": String(repeating: "[a](", count: 500_000),
    "stars": String(repeating: "*a **a ", count: 200_000),
    "lines": String(repeating: "line\n", count: 400_000),
    "headings": String(repeating: "## h\n", count: 100_000),
    "zeros": String(repeating: "\0", count: 1_000_000),
    "aliases": "---\n" + String(repeating: "a: &a [*a, *a]\n", count: 50_000) + "---\n",
  ]

  @Test(arguments: hostile.keys.sorted()) func hostileDocuments_areBounded(name: String) throws {
    let document = try #require(Self.hostile[name])
    let start = ContinuousClock.now
    let handoff = Handoff(document)
    _ = handoff.contents
    let once = handoff.markdown()
    #expect(Handoff(once).markdown() == once)
    #expect(ContinuousClock.now - start < .seconds(30))
  }
}
