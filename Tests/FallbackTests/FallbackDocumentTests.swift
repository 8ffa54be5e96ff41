@testable import Core
import MemoryStore
import TestSupport
import Testing

@testable import Fallback

@Suite(.blocking) struct FallbackDocumentTests {
  private func titles(_ text: String) -> [String] {
    FallbackDocument(text, kind: .tasks).entries.map(\.title)
  }

  @Test func topLevelItems_areTasks_whateverTheirBullet() {
    let document = FallbackDocument(
      """
      # Tasks while the vault was away

      - [ ] Buy milk — the blue one
      * [x] Call Ann
      + plain item
      1. [X] numbered
      - parent
        - child stays a part of it
      - [ ]

      Some prose - not an item.
      """, kind: .tasks)
    #expect(
      document.entries.map(\.title) == [
        "Buy milk", "Call Ann", "plain item", "numbered", "parent",
      ])
    #expect(document.entries[0].context == "the blue one")
    #expect(document.entries.map(\.isDone) == [false, true, false, true, false])
    #expect(document.entries[4].context == "- child stays a part of it")
  }

  @Test(arguments: [
    "- [-] gone", "- [ ] gone (cancelled)", "- [x] gone (dropped) — too late", "- [ ] ~~gone~~",
    "1. [ ] Won’t do: gone", "* [ ] [abandoned] gone", "- Cancelled: gone\n  more of it",
  ]) func whatWasDropped_isNoTask(item: String) {
    #expect(titles("- [ ] first\n\(item)\n- last\n").filter { $0.contains("gone") } == [])
    #expect(titles("\(item)\n") == [])
  }

  @Test func whatIsOnlyCalledDropped_isATask() {
    let text = "- [ ] find why frames are dropped\n- [ ] ~~old~~ new\n- (cancelled)orders export\n"
    #expect(titles(text).count == 3)
  }

  @Test func itemsOfACheckpoint_areThoseThatStillHold() {
    let document = FallbackDocument(
      """
      ## Checkpoint 2026-05-04

      Blocked:

      ### Blockers

      - none
      - [x] no quota
      - [ ] no key

      ### Next

      - [ ] write it
      - [x] read it
      - [-] drop it

      ### Done

      - [x] built it
      """, kind: .checkpoints)
    #expect(document.entries.count == 1)
    #expect(document.entries.first?.blockers == ["no key"])
    #expect(document.entries.first?.next == ["write it"])
    #expect(document.entries.first?.actions == ["built it"])
  }

  @Test func codeAndComments_areNoTasks() {
    #expect(titles("```\n- [ ] in a fence\n```\n\n    - [ ] indented code\n\n- real\n") == ["real"])
    #expect(titles("<!--\n- [ ] hidden\n-->\n- real\n") == ["real"])
  }

  @Test func key_doesNotDependOnTheBox_orOnWhatStandsAround() {
    let open = FallbackDocument("- [ ] a  \n- b\n", kind: .tasks).entries
    let done = FallbackDocument("text\n\n- [x] a\r\n", kind: .tasks).entries
    #expect(open[0].key == done[0].key)
    #expect(open[0].key != open[1].key)
  }

  @Test func equalTexts_areToldApartByTheirOrdinal() {
    let keys = FallbackDocument("- a\n- a\n- [x] a\n", kind: .tasks).entries.map(\.key)
    #expect(Set(keys).count == 3)
  }

  @Test func brokenThingsBetweenEntries_hideNothing() throws {
    let desk = try Desk()
    try desk.append("- [ ] first\n```\nan open fence\n")
    try desk.files.append(write("ours"))
    try desk.append("- [ ] second\n<!-- open comment\n")
    try desk.files.append(write("ours too"))
    try desk.append("- [ ] third\n")
    let document = FallbackDocument(try desk.text(), kind: .tasks)
    #expect(document.entries.map(\.title) == ["first", "second", "third"])
    #expect(document.records.count == 2)
  }

  @Test func mangledRecord_isReported_andTheRestGoesOn() throws {
    let document = FallbackDocument(
      "- [ ] ours\n  <!-- memoryd {\"op\":\"task.add\",\"ti\n- [ ] by hand\n", kind: .tasks)
    #expect(document.damage == [.init(line: 2, what: "a record of memoryd's that cannot be read")])
    #expect(document.entries.map(\.title) == ["by hand"])
  }

  @Test func invalidUTF8_isReported_andTheRestGoesOn() {
    let document = FallbackDocument(
      Array("- good\n- b".utf8) + [0xFF, 0xFE] + Array("d\n- fine\n".utf8), kind: .tasks)
    #expect(document.damage.map(\.line) == [2])
    #expect(document.entries.count == 3)
  }

  @Test func lastLineWithoutEnd_isNoticed() {
    #expect(FallbackDocument("- a\n- b", kind: .tasks).isUnfinished)
    #expect(!FallbackDocument("- a\n", kind: .tasks).isUnfinished)
  }

  @Test func sections_areCheckpoints() {
    let document = FallbackDocument(
      """
      # Checkpoints

      prose before
      - list before

      ## 2026-03-01 10:00

      Fix the parser.

      ### Blockers

      - no CI
      - no sleep

      ### Recent actions
      1. wrote tests

      ### Notes
      - a note that is no action

      ## Move to the new host
      Half done.
      """, kind: .checkpoints)
    #expect(document.entries.count == 2)
    #expect(document.entries[0].title.hasPrefix("Fix the parser."))
    #expect(document.entries[0].title.contains("a note that is no action"))
    #expect(document.entries[0].blockers == ["no CI", "no sleep"])
    #expect(document.entries[0].actions == ["wrote tests"])
    #expect(document.entries[1].title == "Move to the new host\n\nHalf done.")
  }

  @Test func appendedEntries_leaveTheKeyOfASectionAlone() throws {
    let desk = try Desk()
    try desk.append("## Mine\n\ntext", to: desk.files.checkpoints)
    let before = FallbackDocument(try desk.text(desk.files.checkpoints), kind: .checkpoints)
    let checkpoint = StoreWrite(
      requestID: "r", at: 5,
      operation: .checkpoint(CheckpointDraft(trigger: .manual, objective: "## not a heading")),
      itemID: "id")
    try desk.files.append(checkpoint)
    let after = FallbackDocument(try desk.text(desk.files.checkpoints), kind: .checkpoints)
    #expect(before.entries.map(\.key) == after.entries.map(\.key))
    #expect(after.records.count == 1)
  }

  @Test(arguments: [
    "a -->", "--> <!--", "]]>", "```", "# x", "- [x] y", "\u{2028}\u{2029}", "a\nb\r\nc", "\\",
    "<script>", "| a | b |", "\u{0}", "🙂\u{301}",
  ])
  func everyText_comesBackFromItsRecord(text: String) throws {
    let desk = try Desk()
    try desk.files.append(write(text))
    let document = FallbackDocument(try desk.text(), kind: .tasks)
    #expect(document.records.map { $0["title"] } == [text])
    #expect(document.entries.isEmpty && document.damage.isEmpty)
  }

  private func write(_ title: String) -> StoreWrite {
    StoreWrite(
      requestID: "r-\(title)", at: 5, project: .named("p"),
      operation: .addTask(TaskDraft(title: title, source: .cc)), itemID: "id")
  }
}

@Suite(.blocking) struct MarkerTests {
  @Test func marker_isFoundAndTakenOff() {
    let text = Marker.attached(to: "why\nand how", "01ABC")
    #expect(Marker.found(in: text) == ["01ABC"])
    #expect(Marker.stripped(text) == "why\nand how")
    #expect(Marker.attached(to: nil, "x") == "[memoryd:x]")
    #expect(Marker.stripped("[memoryd:x]") == nil)
  }

  @Test func whatOnlyLooksLikeOne_stays() {
    for text in ["[memoryd:", "[memoryd:]", "[memoryd:a b]", "[memoryd"] {
      #expect(Marker.found(in: text).isEmpty)
      #expect(Marker.stripped(text) == text)
    }
  }
}
