import Core
import Foundation
import MemoryStore
import TestSupport
import Testing

@testable import Continuity

@Suite(.blocking) struct DurableWriterTests {
  private let place: CallPlace

  init() throws { place = try CallPlace() }

  private func writer(
    _ requestID: RequestID = .unique(), deadline: Int? = nil,
    _ environment: [String: String] = [:]
  ) throws -> DurableWriter {
    let context = try place.context(environment, requestID: requestID, deadline: deadline)
    return DurableWriter(context, StoreDoor(context))
  }

  private func titles() throws -> [String] {
    try place.store().tasks(status: nil, filter: RecordFilter()).map(\.title).sorted()
  }

  // MARK: Store

  @Test func write_whenTheStoreTakesIt_isStored() throws {
    let done = try writer().commit(.task("one"), project: .named("harbor"))
    #expect(done.durability == .stored && done.problem == nil && done.kind == .task)
    let task = try place.store().task(id: done.id)
    #expect(task?.title == "one" && task?.project == "harbor")
  }

  @Test func write_thatIsMadeTwice_isOne() throws {
    let first = try writer("same").commit(.task("one"), project: nil)
    let second = try writer("same").commit(.task("one"), project: nil)
    #expect(first.id == second.id)
    let other = try writer("same").commit(.task("two"), project: nil, requestSuffix: "-other")
    #expect(other.id != first.id)
    #expect(try titles() == ["one", "two"])
  }

  @Test(arguments: [nil, 5000])
  func write_thatTheStoreCallsWrong_isKeptNowhere(deadline: Int?) throws {
    let writer = try writer(deadline: deadline)
    #expect(
      code { _ = try writer.commit(.changeTask(TaskChange(id: "none")), project: nil) } == .notFound
    )
    #expect(writer.store.spool.pending.isEmpty)
    #expect(place.fallbackText() == nil)
    // It was no refusal.
    #expect(try writer.commit(.task("right"), project: nil).durability == .stored)
  }

  // MARK: Spool

  @Test func write_whenTheStoreIsLocked_isSpooled_andTakenInUnderTheSameID() throws {
    var id = RecordID.noRecord
    try place.whileLocked {
      let writer = try writer("locked", deadline: 500)
      let done = try writer.commit(.task("patient"), project: nil)
      #expect(done.durability == .spooled && done.problem?.code == .busy)
      #expect(writer.store.spool.pending.count == 1)
      id = done.id
    }
    #expect(try place.store().task(id: id)?.title == "patient")
    // The hook's caller tries again: it is still one write.
    #expect(try writer("locked").commit(.task("patient"), project: nil).id == id)
    #expect(try titles() == ["patient"])
  }

  @Test func write_whenAHooksStoreRefusedBefore_waitsNoSecondTime() throws {
    try place.whileLocked {
      let writer = try writer(deadline: 5000)
      writer.store.noteRefusal(StoreError(.busy, "held"))
      let start = ContinuousClock.now
      let done = try writer.commit(.task("at once"), project: nil)
      #expect(ContinuousClock.now - start < .seconds(2))
      #expect(done.durability == .spooled && done.problem?.message == "held")
    }
  }

  @Test func refusal_isRememberedForTheRestOfTheHook() throws {
    let writer = try writer(deadline: 700)
    try place.whileLocked {
      _ = try writer.commit(.task("first"), project: nil)
    }
    // The lock is gone, and yet this hook does not try again.
    #expect(code { _ = try writer.store.writing() } == .busy)
    #expect(
      try writer.commit(.task("second"), project: nil, requestSuffix: "-2").durability == .spooled)
    #expect(try titles() == ["first", "second"])
  }

  @Test func write_whenTheStoreCannotBeWritten_isSpooledOutsideIt() throws {
    // The spool stands in the home, so a damaged store stands for one that takes nothing.
    try place.folder.write(Array(repeating: 7, count: 9000), to: "home/memory.db")
    let done = try writer().commit(.task("kept"), project: nil)
    #expect(done.durability == .spooled && done.problem?.code == .corrupt)
  }

  @Test func spooledWrite_holdsNoSecret() throws {
    try place.folder.write(Array(repeating: 7, count: 9000), to: "home/memory.db")
    let writer = try writer("r", ["MEMORYD_VAULT_TOKEN": "tangerine-dream"])
    _ = try writer.commit(.task("say tangerine-dream"), project: nil)
    let name = try #require(writer.store.spool.pending.first)
    let file = FileManager.default.contents(atPath: writer.store.spool.folder + "/" + name)
    let text = String(decoding: file ?? Data(), as: UTF8.self)
    #expect(text.contains("say ") && !text.contains("tangerine"))
  }

  // MARK: Fallback file

  @Test func write_whenTheSpoolCannotBeWrittenEither_isInTheFallbackFile() throws {
    try place.folder.write(Array(repeating: 7, count: 9000), to: "home/memory.db")
    try place.folder.write([], to: "home/spool")
    let done = try writer().commit(.task("last resort"), project: nil)
    #expect(done.durability == .fallback && done.problem?.code == .corrupt)
    #expect(place.fallbackText()?.contains("- [ ] last resort") == true)
  }

  @Test func write_whenTheHomeIsReadOnly_isInTheFallbackFile() throws {
    try FileManager.default.createDirectory(
      atPath: place.folder.path + "/fallback", withIntermediateDirectories: true)
    chmod(place.folder.path + "/fallback", 0o777)
    try place.whileReadOnly {
      let writer = try writer()
      // As a command does, which looks before it writes.
      _ = try writer.store.reading()
      let done = try writer.commit(.task("elsewhere"), project: nil)
      #expect(done.durability == .fallback && done.problem?.code == .readOnly)
    }
    #expect(place.fallbackText()?.contains("- [ ] elsewhere") == true)
  }

  @Test func write_whenNothingTakesIt_failsWithWhatTheStoreSaid() throws {
    try place.folder.write(Array(repeating: 7, count: 9000), to: "home/memory.db")
    try place.folder.write([], to: "home/spool")
    let writer = try writer("r", ["MEMORYD_FALLBACK_DIR": "/dev/null/x"])
    #expect(code { _ = try writer.commit(.task("lost"), project: nil) } == .corrupt)
  }

  // MARK: Telling

  @Test func report_tellsWhereAHooksWriteIs_andNothingOfOneThatIsStored() throws {
    let stored = try writer()
    stored.report(try stored.commit(.task("one"), project: nil), "Stop")
    #expect(stored.context.problems.pending().isEmpty)
    let spooled = try writer(deadline: 5000)
    spooled.store.noteRefusal(StoreError(.busy, "held", hint: "wait"))
    spooled.report(try spooled.commit(.task("two"), project: nil), "PreCompact")
    let problem = try #require(spooled.context.problems.pending().first)
    #expect(problem.event == "PreCompact" && problem.code == "busy" && problem.hint == "wait")
    #expect(problem.message == "held; the task is kept in the spool until the store can be written")
  }
}
