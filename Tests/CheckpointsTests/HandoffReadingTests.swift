import Testing

@testable import Checkpoints

/// What people and tools write that is not quite as it should be.
@Suite struct HandoffReadingTests {
  @Test(arguments: [
    "topic: fix: the parser", "topic: [half", "topic: 'open", "topic: @at", "topic: a\n b: c: d",
    "\ttopic: x",
  ])
  func brokenFrontMatter_costsOnlyItsOwnValue(line: String) {
    let document =
      "---\nproject: loom\n\(line)\nbranch: \"main\" # mine\nhead: ab12\n---\n\n# Handoff: Weave\n\n## Done\n\n- One\n"
    let handoff = Handoff(document)
    #expect(handoff.front.project == "loom" && handoff.front.branch == "main")
    #expect(handoff.front.head == "ab12" && handoff.contents.done == ["One"])
    #expect(handoff.complaints.count == 1)
    // Nothing of it is lost, and reading it again says the same.
    #expect(handoff.markdown().contains(line))
    #expect(Handoff(handoff.markdown()) == handoff)
  }

  @Test func brokenValue_isKeptAsItStands() {
    let handoff = Handoff("---\ntopic: retry: 5xx: done\nto: b\n---\n# Handoff\n")
    #expect(handoff.front.topic == "retry: 5xx: done" && handoff.front.to == "b")
  }

  /// Ten lines that are 9^40 values: whoever looks at all of them never ends.
  @Test(arguments: ["? *a39\n: 1", "{*a39: 1}: 2", "\"x: \\\n y\": *a39"])
  func aliases_areNoFrontMatter(last: String) {
    var lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for number in 1..<40 {
      let before = Array(repeating: "*a\(number - 1)", count: 9).joined(separator: ", ")
      lines.append("a\(number): &a\(number) [\(before)]")
    }
    lines += [last, "topic: {? [&b [x, x], &c [*b, *b]] : 1}", "to: \"b & *c\""]
    let document = "---\n" + lines.joined(separator: "\n") + "\n---\n# Handoff: x\n"
    let handoff = Handoff(document)
    #expect(handoff.front.to == "b & *c" && handoff.complaints.count == 1)
    #expect(HandoffHead(document).objective == "x" && HandoffHead(document).front.to == "b & *c")
  }

  @Test func marksOfAliases_inTexts_areTexts() {
    var front = HandoffFront()
    front.topic = "R&D *urgent* \"now\" \u{202E}"
    front.project = "loom"
    let handoff = Handoff(front: front, objective: "x").normalised()
    let copy = Handoff(handoff.markdown())
    #expect(copy.front.topic == handoff.front.topic && copy.front.project == "loom")
    #expect(copy.complaints.isEmpty)
  }

  @Test func goodFrontMatter_hasNoComplaint() {
    #expect(Handoff("---\nproject: a\nother:\n  - x\n---\n# Handoff\n").complaints.isEmpty)
    #expect(Handoff("# Handoff: none\n").complaints.isEmpty)
  }

  @Test func noteWithManyHeadings_hasThemLowered() {
    let note = HandoffNote.contained(String(repeating: "a\nb\n===\n\n", count: 30_000))
    #expect(note.hasPrefix("### a b\n\n### a b\n") && note.hasSuffix("### a b"))
    #expect(note.split(separator: "\n").count == 30_000)
  }

  @Test func noBlocker_isNone() {
    let contents = Handoff(
      "# Handoff\n\n## Blockers\n\n- None.\n- n/a\n- The VPN is down\n\n## Blocked by\n\nNo blockers so far.\n"
    ).contents
    #expect(contents.blockers == ["The VPN is down"])
  }

  @Test func droppedItems_areNeitherDoneNorDue() {
    let contents = Handoff(
      """
      # Handoff

      ## Next

      - [-] Old idea
        - [ ] and its part
      - [ ] New idea
      - [ ] Other (cancelled)
      - [ ] Cancelled: third
      - ~~struck~~

      ## Open tasks

      - [-] gone
      - [ ] here

      ## Done

      - [-] never
      - [x] yes
      """
    ).contents
    #expect(contents.next.map(\.text) == ["New idea"])
    #expect(contents.openTasks.map(\.title) == ["here"] && contents.done == ["yes"])
  }
}
