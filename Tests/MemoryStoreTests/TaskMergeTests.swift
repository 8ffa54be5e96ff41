import TestSupport
import Testing

@testable import MemoryStore

@Suite(.blocking) struct TaskMergeTests {
  private let base = TaskFields(title: "a", project: "p", context: "c")

  // MARK: Out

  @Test func changeHereOnly_goesOut() {
    #expect(
      TaskMerge.outgoing(TaskFields(title: "b"), base: base, theirs: base) == TaskFields(title: "b")
    )
  }

  @Test func changeThereOnly_isLeftAlone() {
    let theirs = TaskFields(title: "x", project: "p", context: "c")
    #expect(
      TaskMerge.outgoing(TaskFields(context: "d"), base: base, theirs: theirs)
        == TaskFields(context: "d"))
  }

  @Test func sameOnBothSides_needsNothing() {
    let theirs = TaskFields(title: "b", project: "p", context: "c")
    #expect(TaskMerge.outgoing(TaskFields(title: "b"), base: base, theirs: theirs) == TaskFields())
  }

  @Test func changeOnBothSides_keepsBothTexts() throws {
    let theirs = TaskFields(title: "theirs", project: "q", context: "their words")
    let ours = TaskFields(title: "ours", project: "r", context: "our words")
    let change = TaskMerge.outgoing(ours, base: base, theirs: theirs)
    #expect(change.title == "ours / theirs")
    #expect(change.project == "r")
    let context = try #require(change.context)
    for text in ["our words", "their words", "project q"] { #expect(context.contains(text)) }
  }

  @Test func mergeThatArrived_isNotMergedAgain() {
    let merged = TaskFields(title: "ours / theirs", project: "p", context: "c")
    #expect(
      TaskMerge.outgoing(TaskFields(title: "ours"), base: base, theirs: merged) == TaskFields())
  }

  @Test func withoutASight_allGoesOut() {
    let ours = TaskFields(title: "b")
    #expect(TaskMerge.outgoing(ours, base: base, theirs: nil) == ours)
  }

  @Test func neverAgreed_takesOurs_withoutAWordOfTheirs() {
    let theirs = TaskFields(title: "x", project: "q", context: "their words")
    let ours = TaskFields(title: "b", context: "our words")
    #expect(TaskMerge.outgoing(ours, base: nil, theirs: theirs) == ours)
  }

  @Test func emptyThere_isNoChangeOfTheirs() {
    #expect(
      TaskMerge.outgoing(
        TaskFields(context: "d"), base: base, theirs: TaskFields(title: "a", project: "p"))
        == TaskFields(context: "d"))
  }

  @Test func overruledProjectAndTime_areNotedInTheirWords() {
    let base = TaskFields(title: "a", project: "p", occurredAt: "1")
    let theirs = TaskFields(title: "a", project: "q", context: "c", occurredAt: "2")
    #expect(
      TaskMerge.outgoing(TaskFields(project: "r", occurredAt: "3"), base: base, theirs: theirs)
        == TaskFields(
          project: "r", context: "c\n\nChanged in the vault meanwhile: project q, time 2",
          occurredAt: "3"))
  }

  @Test func theirWordsThatHoldOursAlready_stay() {
    let theirs = TaskFields(title: "a", project: "p", context: "d, and more")
    #expect(
      TaskMerge.outgoing(TaskFields(context: "d"), base: base, theirs: theirs) == TaskFields())
  }

  // MARK: In

  private func incoming(
    _ theirs: TaskFields, isDone: Bool = false, base: TaskFields?, here: TaskFields,
    isOpen: Bool = true, waiting: TaskFields = TaskFields(), agreed: TaskFields = TaskFields()
  ) -> TaskMerge.Incoming {
    TaskMerge.incoming(
      RemoteTask(
        vaultID: "V1", fields: theirs, isDone: isDone, source: .cc, createdAt: 1,
        completedAt: nil, markers: []),
      base: base, here: (here, isOpen), waiting: waiting, agreed: agreed)
  }

  @Test func changeThere_isTakenOver_andAgreedOn() {
    let theirs = TaskFields(title: "x", project: "p", context: "c")
    let merged = incoming(theirs, base: base, here: base)
    #expect(merged.fields == TaskFields(title: "x"))
    #expect(merged.base == theirs && merged.isChange && !merged.completes)
  }

  @Test func changeHereThatNothingWaitsFor_isKept() {
    let merged = incoming(base, base: base, here: TaskFields(title: "b", project: "p"))
    #expect(!merged.isChange && merged.base == base)
  }

  @Test func sameOnBothSides_isAgreedOnWithoutAChange() {
    let both = TaskFields(title: "b", project: "p", context: "c")
    let merged = incoming(both, base: base, here: both)
    #expect(!merged.isChange && merged.base == both)
  }

  @Test func emptyThere_emptiesNothingHere() {
    let merged = incoming(TaskFields(title: "a", project: "p"), base: base, here: base)
    #expect(!merged.isChange && merged.base.context == nil)
  }

  @Test func neverAgreed_takesTheirs() {
    let theirs = TaskFields(title: "x", project: "p")
    let merged = incoming(theirs, base: nil, here: base)
    #expect(merged.fields == TaskFields(title: "x") && merged.base == theirs)
  }

  @Test func fieldThatWaits_staysAsItIsHere_andKeepsItsBase_soThatTheConflictIsSeen() {
    let theirs = TaskFields(title: "theirs", project: "q", context: "c")
    let ours = TaskFields(title: "ours")
    let merged = incoming(
      theirs, base: base, here: TaskFields(title: "ours", project: "p", context: "c"),
      waiting: ours)
    #expect(merged.fields == TaskFields(project: "q"))
    #expect(merged.base == TaskFields(title: "a", project: "q", context: "c"))
    let change = TaskMerge.outgoing(ours, base: merged.base, theirs: theirs)
    #expect(change == TaskFields(title: "ours / theirs"))
  }

  @Test func answerToOurOwnWrite_isAgreedOn_alsoWhereALaterChangeWaits() {
    let merged = incoming(
      TaskFields(title: "b", project: "p", context: "c"), base: base,
      here: TaskFields(title: "later", project: "p", context: "c"),
      waiting: TaskFields(title: "later"), agreed: TaskFields(title: "b"))
    #expect(!merged.isChange && merged.base.title == "b")
  }

  @Test func done_winsOverOpen() {
    #expect(incoming(base, isDone: true, base: base, here: base).completes)
    #expect(!incoming(base, isDone: true, base: base, here: base, isOpen: false).isChange)
    #expect(!incoming(base, base: base, here: base, isOpen: false).isChange)
  }

  // MARK: Both ways

  /// Each direction does one thing for each standing, and both see the same standing.
  @Test(
    arguments: [
      ("b", TaskFields(title: "b"), TaskFields(title: "a"), TaskMerge.Standing.same),
      ("b", TaskFields(title: "a"), TaskFields(title: "a"), .changedHere),
      ("b", TaskFields(), TaskFields(title: "a"), .emptyThere),
      ("b", TaskFields(), TaskFields(), .changedHere),
      ("b", TaskFields(title: "c"), TaskFields(title: "a"), .changedThere),
      ("b", TaskFields(title: "c"), TaskFields(), .changedThere),
      ("b", TaskFields(title: "c"), nil, .neverAgreed),
      ("b", TaskFields(), nil, .emptyThere),
    ] as [(String, TaskFields, TaskFields?, TaskMerge.Standing)])
  func standing_decidesBothWays(
    here: String, theirs: TaskFields, base: TaskFields?, expected: TaskMerge.Standing
  ) {
    #expect(
      TaskMerge.standing(of: .title, here: here, base: base, theirs: theirs) == expected)
    let sent = TaskMerge.outgoing(TaskFields(title: here), base: base, theirs: theirs).title
    let taken = incoming(theirs, base: base, here: TaskFields(title: here)).fields.title
    switch expected {
    case .same: #expect(sent == nil && taken == nil)
    case .changedHere, .emptyThere: #expect(sent == here && taken == nil)
    case .changedThere: #expect(sent == "b / c" && taken == "c")
    case .neverAgreed: #expect(sent == "b" && taken == "c")
    }
  }
}
