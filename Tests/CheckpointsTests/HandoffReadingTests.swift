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

  @Test func goodFrontMatter_hasNoComplaint() {
    #expect(Handoff("---\nproject: a\nother:\n  - x\n---\n# Handoff\n").complaints.isEmpty)
    #expect(Handoff("# Handoff: none\n").complaints.isEmpty)
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
