import Foundation
import TestSupport
import Testing

@testable import Core
@testable import MemoryStore
@testable import Redaction

@Suite(.blocking) struct SpoolTests {
  let folder: TemporaryFolder
  let spool: Spool

  init() throws {
    folder = try TemporaryFolder()
    spool = Spool(folder: folder.file("spool"))
  }

  @Test func drain_takesEachWriteExactlyOnce() throws {
    let write = StoreWrite.task("t", request: "r1")
    try spool.append(write)
    try spool.append(write)
    try spool.append(.task("u", request: "r2", at: 500))
    #expect(spool.pending.count == 2)
    let database = try folder.database()
    #expect(try spool.drain(into: database).taken == 2)
    #expect(spool.pending.isEmpty)
    // A copy that came back, as after a crash between commit and removal.
    try spool.append(write)
    try spool.drain(into: database)
    #expect(try database.tasks(status: nil, filter: RecordFilter()).map(\.title) == ["t", "u"])
  }

  @Test func drain_keepsTheIdThatWasGivenOut() throws {
    var write = StoreWrite.task("t")
    write.itemID = "01AAAAAAAAAAAAAAAAAAAAAAAA"
    try spool.append(write)
    let database = try folder.database()
    try spool.drain(into: database)
    #expect(try database.task(id: "01AAAAAAAAAAAAAAAAAAAAAAAA") != nil)
  }

  @Test func drain_whenAFileIsBad_quarantinesItAndGoesOn() throws {
    try spool.append(.task("good"))
    try Data("{\"half".utf8).write(to: URL(fileURLWithPath: spool.folder + "/000-bad.json"))
    try spool.append(
      StoreWrite(
        requestID: "x", at: 2, operation: .changeTask(TaskChange(id: "01NONE", title: "t"))))
    let database = try folder.database()
    let result = try spool.drain(into: database)
    #expect(result.taken == 1 && result.quarantined == 2)
    #expect(spool.pending.isEmpty)
    #expect(spool.quarantined.count == 2)
    #expect(
      FileManager.default.fileExists(atPath: spool.quarantine + "/000-bad.json.reason"))
  }

  /// The operations as files of all versions have them.
  @Test(arguments: [
    #"{"addTask":{"_0":{"context":"c","isDone":false,"occurredAt":"2026-01-14T15:18:00Z","source":"cc","title":"t"}}}"#,
    #"{"addTask":{"_0":{"isDone":true,"source":"retroactive","title":"t"}}}"#,
    #"{"changeTask":{"_0":{"completes":true,"context":"c","id":"01A","occurredAt":"1","project":"p","title":"t"}}}"#,
    #"{"changeTask":{"_0":{"completes":false,"id":"01A"}}}"#,
    #"{"decide":{"_0":{"decision":"d","rationale":"r","taskID":"01A"}}}"#,
    #"{"checkpoint":{"_0":{"actions":["a"],"blockers":[],"body":"{}","handoff":{"body":"b","id":"01B","isRenewal":false,"objective":"o","trigger":"pre-compact"},"next":["n"],"objective":"o","replacing":"01C","trigger":"of-tomorrow"}}}"#,
    #"{"handOff":{"_0":{"body":"b","id":"01B","isRenewal":true,"objective":"o","path":"/p","recipient":"r","sender":"s","topic":"t","trigger":"message"}}}"#,
    #"{"addToLedger":{"_0":{"file":"f","ledger":{"phases":[],"title":"l"},"source":"import","today":"2026-01-14"}}}"#,
    #"{"openSession":{}}"#, #"{"endSession":{"reason":"x"}}"#,
  ])
  func append_writesWhatEarlierVersionsRead(operation: String) throws {
    let text = #"{"at":1,"operation":\#(operation),"requestID":"r"}"#
    try spool.append(JSONDecoder().decode(StoreWrite.self, from: Data(text.utf8)))
    let name = try #require(spool.pending.first)
    #expect(try String(contentsOfFile: "\(spool.folder)/\(name)", encoding: .utf8) == text)
  }

  /// The same with a secret in each text that somebody writes.
  @Test(arguments: [
    #"{"addTask":{"_0":{"context":"§","isDone":false,"source":"cc","title":"§"}}}"#,
    #"{"changeTask":{"_0":{"completes":true,"context":"§","id":"01A","title":"§"}}}"#,
    #"{"decide":{"_0":{"decision":"§","rationale":"§"}}}"#,
    #"{"checkpoint":{"_0":{"actions":["§"],"blockers":["§"],"body":"{\"a\":\"§\"}","handoff":{"body":"§","id":"01B","isRenewal":false,"objective":"§","trigger":"pre-compact"},"next":["§"],"objective":"§","trigger":"stop"}}}"#,
    #"{"handOff":{"_0":{"body":"§","id":"01B","isRenewal":true,"objective":"§","topic":"§","trigger":"message"}}}"#,
    #"{"addToLedger":{"_0":{"ledger":{"phases":[],"title":"§"},"source":"manual"}}}"#,
    #"{"endSession":{"reason":"§"}}"#,
  ])
  func redacted_leavesNoSecretInAnyOperation(operation: String) throws {
    let secret = "hunter2" + "hunter2"
    let text = #"{"at":1,"operation":\#(operation),"requestID":"r"}"#
      .replacing("§", with: "password=\(secret)")
    let write = try JSONDecoder().decode(StoreWrite.self, from: Data(text.utf8))
    try spool.append(write.redacted(by: Redactor()))
    let name = try #require(spool.pending.first)
    let kept = try String(contentsOfFile: "\(spool.folder)/\(name)", encoding: .utf8)
    #expect(!kept.contains(secret), "\(kept)")
    #expect(kept.contains("[redacted:"))
  }

  @Test func append_whenTheRequestIdIsHostile_staysInItsFolder() throws {
    try spool.append(.task("t", request: "../../../etc/x\u{0}\n"))
    #expect(spool.pending.count == 1)
    #expect(try spool.drain(into: folder.database()).taken == 1)
  }

  @Test func files_arePrivate() throws {
    try spool.append(.task("t"))
    let path = spool.folder + "/" + (try #require(spool.pending.first))
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    let folderMode =
      try FileManager.default.attributesOfItem(atPath: spool.folder)[.posixPermissions] as? Int
    #expect(folderMode == 0o700)
  }
}

@Suite(.blocking) struct RegularFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func open_whenItIsAFIFO_doesNotBlock() throws {
    mkfifo(folder.file("fifo"), 0o600)
    #expect(throws: StoreError.self) { try RegularFile.open(folder.file("fifo")) }
    #expect(throws: StoreError.self) { try RegularFile.open(folder.path) }
  }

  @Test func append_keepsWhatStandsAndTheLink() throws {
    let target = folder.file("real.md")
    try "by hand\n".write(toFile: target, atomically: true, encoding: .utf8)
    chmod(target, 0o640)
    symlink("real.md", folder.file("link.md"))
    try RegularFile.append("- more\n", to: folder.file("link.md"))
    #expect(try String(contentsOfFile: target, encoding: .utf8) == "by hand\n- more\n")
    let mode = try FileManager.default.attributesOfItem(atPath: target)[.posixPermissions] as? Int
    #expect(mode == 0o640)
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: folder.file("link.md")) == "real.md"
    )
  }

  @Test func read_whenTheFileIsTooLarge_isRefused() throws {
    try Data(count: 1000).write(to: URL(fileURLWithPath: folder.file("f")))
    let error = #expect(throws: StoreError.self) {
      try RegularFile.read(folder.file("f"), limit: 999)
    }
    #expect(error?.code == .invalid)
  }
}
