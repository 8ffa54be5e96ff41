import Core
import Foundation
import MemoryStore
import TestSupport
import Testing

@testable import Continuity

@Suite(.blocking) struct StoreDoorTests {
  private let place: CallPlace

  init() throws { place = try CallPlace() }

  private let busy = StoreError(.busy, "held")

  // MARK: Opening

  @Test func store_isOpenedWhenItIsAskedFor_once() throws {
    let door = StoreDoor(try place.context())
    #expect(!FileManager.default.fileExists(atPath: place.database))
    let first = try door.reading()
    #expect(FileManager.default.fileExists(atPath: place.database))
    #expect(try door.writing() === first && door.reading() === first)
  }

  @Test func spool_isTakenInByWhoeverOpens() throws {
    let context = try place.context()
    let write = StoreWrite(
      requestID: "spooled", at: context.clock.now, operation: .task("from the spool"))
    try StoreDoor(context).spool.append(write)
    let door = StoreDoor(try place.context())
    let tasks = try door.reading().tasks(status: nil, filter: RecordFilter())
    #expect(tasks.map(\.title) == ["from the spool"])
    #expect(door.spool.pending.isEmpty)
  }

  @Test func spooledFile_thatIsNoWrite_isSetAsideAndNoted() throws {
    try place.folder.write("no write".utf8, to: "home/spool/1.json")
    let context = try place.context()
    let door = StoreDoor(context)
    _ = try door.reading()
    #expect(door.spool.pending.isEmpty && door.spool.quarantined.count == 1)
    #expect(context.problems.pending().map(\.event) == ["spool"])
  }

  @Test func store_thatIsDamaged_opensByNeitherWay() throws {
    try place.folder.write(Array(repeating: 7, count: 9000), to: "home/memory.db")
    let door = StoreDoor(try place.context())
    #expect(code { _ = try door.reading() } == .corrupt)
    #expect(code { _ = try door.writing() } == .corrupt)
  }

  @Test(arguments: [false, true])
  func store_isClosedBehindACall_unlessTheProcessEndsToo(endsProcess: Bool) throws {
    weak var store: MemoryDatabase?
    store = try StoreDoor(try place.context(endsProcess: endsProcess)).writing()
    #expect((store != nil) == endsProcess)
    if let store { Unmanaged.passUnretained(store).release() }
  }

  // MARK: The daemon's pool

  @Test func store_inADaemon_goesToThePoolAndComesBack() throws {
    let daemon = try daemon()
    let first = try StoreDoor(try place.context(daemon: daemon)).reading()
    // The door is gone, so the store waits in the pool.
    let next = StoreDoor(try place.context(daemon: daemon))
    #expect(try next.writing() === first)
    // Two calls never share one.
    try withExtendedLifetime(next) {
      let other = try StoreDoor(try place.context(daemon: daemon)).reading()
      #expect(other !== first)
    }
  }

  @Test func store_thatKnowsOtherSecrets_isNotUsedAgain() throws {
    let daemon = try daemon()
    let first = try StoreDoor(try place.context(daemon: daemon)).reading()
    let other = try place.context(["MEMORYD_VAULT_TOKEN": "tangerine-dream"], daemon: daemon)
    #expect(try StoreDoor(other).reading() !== first)
  }

  private func daemon() throws -> DaemonContext {
    DaemonContext(
      home: try place.context().home, socketPath: place.folder.path + "/s", startedAt: 0,
      environment: [:])
  }

  // MARK: Refusal

  @Test func writing_afterARefusalInAHook_throwsItAtOnce_whileReadingGoesOn() throws {
    let door = StoreDoor(try place.context(deadline: 5000))
    let store = try door.writing()
    door.noteRefusal(busy)
    #expect(throws: busy) { try door.writing() }
    #expect(try door.reading() === store)
  }

  @Test func refusal_beforeTheStoreWasOpened_opensNothing() throws {
    let door = StoreDoor(try place.context(deadline: 5000))
    door.noteRefusal(busy)
    #expect(throws: busy) { try door.writing() }
    #expect(!FileManager.default.fileExists(atPath: place.database))
  }

  @Test func refusal_outsideAHook_isForgotten() throws {
    let door = StoreDoor(try place.context())
    door.noteRefusal(busy)
    _ = try door.writing()
  }

  @Test(arguments: [StoreError.Code.notFound, .invalid, .exists])
  func refusal_thatIsTheCallersToMend_isForgotten(code: StoreError.Code) throws {
    let door = StoreDoor(try place.context(deadline: 5000))
    door.noteRefusal(StoreError(code, "no"))
    _ = try door.writing()
  }

  // MARK: A store that cannot be written

  @Test func reading_whenTheStoreCannotBeWritten_opensItForLooking() throws {
    let context = try place.context()
    _ = try DurableWriter(context, StoreDoor(context)).commit(.task("readable"), project: nil)
    try place.whileReadOnly {
      let door = StoreDoor(try place.context())
      let store = try door.reading()
      #expect(try store.tasks(status: nil, filter: RecordFilter()).map(\.title) == ["readable"])
      #expect(try door.reading() === store)
      #expect(code { _ = try door.writing() } == .readOnly)
    }
  }

  @Test func writing_whenTheStoreCannotBeWritten_says() throws {
    try place.whileReadOnly {
      let door = StoreDoor(try place.context())
      #expect(code { _ = try door.writing() } == .readOnly)
      // Whoever only looks comes in all the same.
      _ = try door.reading()
    }
  }

  @Test func reading_whenThereIsNoStoreAndNoPlaceForOne_throws() throws {
    let door = StoreDoor(try place.context(["MEMORYD_HOME": "/dev/null/x"]))
    #expect(code { _ = try door.reading() } != nil)
    #expect(code { _ = try door.writing() } != nil)
  }
}
