import TestSupport
import Testing

@testable import Checkpoints
@testable import Core
@testable import MemoryStore

/// What people and tools write that is not quite as it should be.
@Suite(.blocking) struct HandoffReadingTests {
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

  @Test(arguments: ["---", "--- ", "---\t", "...", "...  "])
  func frontMatter_mayBeClosedByAnyFence(fence: String) {
    for feed in ["\n", "\r\n"] {
      for opening in ["---", "\u{FEFF}---", "--- "] {
        let document = [opening, "to: b", fence, "", "# Handoff: Weave"].joined(separator: feed)
        let handoff = Handoff(document)
        #expect(handoff.front.to == "b" && handoff.objective == "Weave")
        #expect(handoff.front.complaint == nil)
        let head = HandoffHead(document)
        #expect(head.front == handoff.front && head.objective == "Weave")
      }
    }
  }

  @Test func linesAcrossThePage_areNoFrontMatter() {
    let document = "---\n\nWe wove.\n\n---\n\n## Done\n\n- One\n"
    let handoff = Handoff(document)
    #expect(handoff.contents.done == ["One"] && handoff.lead?.contains("We wove.") == true)
    #expect(handoff.frontSource == "" || handoff.frontSource == nil)
    #expect(HandoffHead(document).objective == "We wove.")
    let head = HandoffHead("---\nto: b\n----: more\n---\n# T\n")
    #expect(head.front.to == "b" && head.objective == "T")
  }

  @Test(arguments: ["null", "~", "Null", "NULL", "", "''", "\"\"", "\"  \"", "# nothing", "[a, b]"])
  func emptyValues_areNone(value: String) {
    for other in ["", "\nbroken: [x"] {
      let front = Handoff("---\ntopic: \(value)\nto: b\(other)\n---\n# Handoff\n").front
      #expect(front.topic == nil && front.to == "b")
    }
    #expect(Handoff("---\ntopic: \"null\"\n---\n").front.topic == "null")
  }

  /// The value and what is read of it, with other lines that are YAML or not.
  @Test(arguments: [
    ("|\n  one\n  two", "one\ntwo"), (">\n  one\n  two", "one two"), ("|-\n  one", "one"),
    (">2-\n   one", "one"), ("|+ # remark\n  one\n", "one"), ("one\n  two", "one two"),
    ("\"a: b\" # c", "a: b"), ("'it''s'", "it's"), ("a # b", "a"), ("\ta", "a"), ("a\t", "a"),
    ("\"a\\tb\"", "a\tb"), ("|\n  see: this: too", "see: this: too"), ("a#b", "a#b"),
  ]) func values_areReadInEachForm(value: String, expected: String) {
    for (other, hasComplaint) in [("", false), ("from: x: y\n", true), ("from: [x\n", true)] {
      for feed in ["\n", "\r\n"] {
        let document = "---\n\(other)topic: \(value)\nto: b\n---\n# Handoff: Weave\n"
          .replacing("\n", with: feed)
        let front = Handoff(document).front
        #expect(front.topic == expected && front.to == "b")
        #expect((front.complaint != nil) == hasComplaint)
      }
    }
  }

  @Test func values_thatYAMLRefuses_areReadAsTheyStand() {
    func topic(_ text: String) -> String? { Handoff("---\n\(text)\n---\n# H\n").front.topic }
    #expect(topic("topic: fix: it # remark") == "fix: it")
    #expect(topic("topic: fix: #5") == "fix: #5")
    #expect(topic("topic: |\n\tone\n\ttwo") == "one\ntwo")
    #expect(topic("  to: x: y\n  topic: z") == "z")
    #expect(topic("notes: a: b\n  topic: inner\ntopic: outer") == "outer")
  }

  @Test func keys_areKnownInOtherCaseAndQuotes() {
    let front = Handoff("---\nTopic: a\nTO: b\n\"from\": c\nbranch : d\n---\n").front
    #expect(front.topic == "a" && front.to == "b" && front.from == "c" && front.branch == "d")
    #expect(Handoff("---\n{to: b, topic: a}\n---\n").front.topic == "a")
    let other = Handoff("---\nTopic: a: x\nTO: b\n'from': c\nbranch : d\n---\n").front
    #expect(other.topic == "a: x" && other.to == "b" && other.from == "c" && other.branch == "d")
  }

  @Test func keysThatComeTwice_countOnce() {
    let front = Handoff("---\ntopic:\ntopic: a\ntopic: b\nto: c\n---\n").front
    #expect(front.topic == "a" && front.to == "c" && front.complaint != nil)
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
