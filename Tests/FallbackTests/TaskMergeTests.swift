import Testing

@testable import Fallback
@testable import MemoryStore
@testable import Sync

@Suite struct TaskMergeTests {
  private let base = TaskFields(title: "a", project: "p", context: "c")

  @Test func changeHereOnly_goesOut() {
    #expect(
      TaskMerge.change(TaskFields(title: "b"), base: base, theirs: base) == TaskFields(title: "b"))
  }

  @Test func changeThereOnly_isLeftAlone() {
    let theirs = TaskFields(title: "x", project: "p", context: "c")
    #expect(
      TaskMerge.change(TaskFields(context: "d"), base: base, theirs: theirs)
        == TaskFields(context: "d"))
  }

  @Test func sameOnBothSides_needsNothing() {
    let theirs = TaskFields(title: "b", project: "p", context: "c")
    #expect(TaskMerge.change(TaskFields(title: "b"), base: base, theirs: theirs) == TaskFields())
  }

  @Test func changeOnBothSides_keepsBothTexts() throws {
    let theirs = TaskFields(title: "theirs", project: "q", context: "their words")
    let ours = TaskFields(title: "ours", project: "r", context: "our words")
    let change = TaskMerge.change(ours, base: base, theirs: theirs)
    #expect(change.title == "ours / theirs")
    #expect(change.project == "r")
    let context = try #require(change.context)
    for text in ["our words", "their words", "project q"] { #expect(context.contains(text)) }
  }

  @Test func mergeThatArrived_isNotMergedAgain() {
    let merged = TaskFields(title: "ours / theirs", project: "p", context: "c")
    #expect(
      TaskMerge.change(TaskFields(title: "ours"), base: base, theirs: merged) == TaskFields())
  }

  @Test func withoutASight_allGoesOut() {
    let ours = TaskFields(title: "b")
    #expect(TaskMerge.change(ours, base: base, theirs: nil) == ours)
  }
}
