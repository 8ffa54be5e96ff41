import Foundation
import TestSupport
import Testing

@testable import Core
@testable import Fallback
@testable import MemoryStore

@Suite(.blocking) struct AdoptionTests {
  @Test func handWritten_isTakenInOnce_andTickedLater() throws {
    let desk = try Desk()
    try desk.append("- [ ] Buy milk — blue\n- [x] Called Ann\n")
    #expect(try desk.adopt().adopted == 2)
    #expect(try desk.adopt().adopted == 0)
    #expect(try desk.titles(status: .open) == ["Buy milk"])
    let text = try desk.text().replacing("- [ ] Buy", with: "- [x] Buy")
    try text.write(toFile: desk.files.tasks, atomically: true, encoding: .utf8)
    #expect(try desk.adopt().adopted == 1)
    #expect(try desk.titles(status: .open).isEmpty)
    let rows = try desk.database.outbox(states: [])
    #expect(rows.map(\.action) == [.add, .retro, .done])
    #expect(rows[0].mustLook && rows[0].marker?.hasPrefix("t-") == true)
  }

  @Test func unchangedFiles_areNotReadAgain() throws {
    let desk = try Desk()
    try desk.append("- a\n")
    _ = try desk.adopt()
    #expect(try !Adoption.isDue(desk.database, desk.files))
    try desk.append("- b\n")
    #expect(try Adoption.isDue(desk.database, desk.files))
  }

  @Test func lineThatIsBeingWritten_waits() throws {
    let desk = try Desk()
    try desk.append("- whole\n- hal")
    let first = try desk.adopt()
    #expect(first.adopted == 1 && first.unfinished == 1)
    try desk.append("f done\n")
    #expect(try desk.adopt().adopted == 1)
    #expect(try desk.titles() == ["half done", "whole"])
  }

  @Test func twoStores_makeOneMarkerOfOneEntry() throws {
    let one = try Desk()
    let two = try Desk(sharing: one)
    try one.append("- [ ] shared\n")
    _ = try one.adopt()
    _ = try two.adopt()
    #expect(
      try one.database.outbox(states: []).map(\.marker)
        == two.database.outbox(states: []).map(\.marker))
  }

  @Test func recordsOfAnotherStore_areThatStoresOwn() throws {
    let one = try Desk()
    let two = try Desk(sharing: one)
    try one.files.append(task("theirs"), storeID: "01OTHER")
    #expect(try two.adopt().adopted == 0)
  }

  @Test func lastResort_isTakenInWithItsIDAndRequest() throws {
    let desk = try Desk()
    try desk.files.append(task("kept"))
    #expect(try desk.adopt().adopted == 1)
    #expect(try desk.adopt().adopted == 0)
    #expect(try desk.database.task(id: "01ARZ3NDEKTSV4RRFFQ69G5FAV")?.title == "kept")
    // The request comes once more, by the spool say.
    #expect(try desk.database.commit(task("kept")).isReplay)
    let row = try #require(try desk.database.outbox(states: []).first)
    #expect(row.mustLook && row.marker == "01ARZ3NDEKTSV4RRFFQ69G5FAV")
  }

  /// Somebody has edited the comment, or half of it was lost.
  @Test func recordWithoutATitle_isTakenInOnce() throws {
    let desk = try Desk()
    try desk.files.append(task("kept"))
    let text = try desk.text()
    let cut = text.replacing(#/"title":"kept",?/#, with: "").replacing(",}", with: "}")
    #expect(cut != text)
    try cut.write(toFile: desk.files.tasks, atomically: true, encoding: .utf8)
    let first = try desk.adopt()
    #expect(first.adopted == 1 && first.damage.isEmpty, "\(first.damage)")
    #expect(try desk.adopt().adopted == 0)
    #expect(try desk.database.task(id: "01ARZ3NDEKTSV4RRFFQ69G5FAV")?.title == "")
  }

  @Test func everyKindOfWrite_comesBackFromItsEntry() throws {
    let desk = try Desk()
    var writes = [task("t")]
    writes.append(
      StoreWrite(
        requestID: "d", at: 6, project: .named("p"),
        operation: .decide(DecisionDraft(decision: "use it", rationale: "it works")),
        itemID: "01ARZ3NDEKTSV4RRFFQ69G5FAW"))
    writes.append(
      StoreWrite(
        requestID: "c", at: 7, project: .named("p"),
        operation: .checkpoint(
          CheckpointDraft(
            trigger: .manual, objective: "o", blockers: ["b"], actions: ["a"], next: ["n"])),
        itemID: "01ARZ3NDEKTSV4RRFFQ69G5FAX"))
    writes.append(
      StoreWrite(
        requestID: "u", at: 8,
        operation: .changeTask(
          TaskChange(id: "01ARZ3NDEKTSV4RRFFQ69G5FAV", title: "t2", project: "q")),
        itemID: "01ARZ3NDEKTSV4RRFFQ69G5FAV"))
    for write in writes { try desk.files.append(write) }
    #expect(try desk.adopt().damage == [])
    #expect(try desk.database.task(id: "01ARZ3NDEKTSV4RRFFQ69G5FAV")?.title == "t2")
    #expect(try desk.database.task(id: "01ARZ3NDEKTSV4RRFFQ69G5FAV")?.project == "q")
    #expect(try desk.database.decisions(RecordFilter()).map(\.rationale) == ["it works"])
    #expect(try desk.database.checkpoints(RecordFilter()).map(\.objective) == ["o"])
    let payload = try #require(
      try desk.database.outbox(states: []).first { $0.kind == .checkpoint }?.payload)
    #expect(payload == #"{"objective":"o","blockers":["b"],"recent_actions":["a"]}"#)
  }

  @Test func checkpointSection_isTakenIn() throws {
    let desk = try Desk()
    try desk.append("## Move the host\n\n### Blockers\n- DNS\n", to: desk.files.checkpoints)
    #expect(try desk.adopt().adopted == 1)
    #expect(try desk.database.checkpoints(RecordFilter()).map(\.objective) == ["Move the host"])
    #expect(try desk.adopt().adopted == 0)
  }

  @Test func secretsInTheFiles_areNotStored() throws {
    let desk = try Desk()
    try desk.append("- rotate ghp_abcdefghijklmnopqrstuvwxyz0123456789\n")
    _ = try desk.adopt()
    #expect(try !desk.titles()[0].contains("abcdefghijklmnop"))
  }

  // MARK: Files

  @Test func append_endsALineThatNobodyEnded_andKeepsLinkAndMode() throws {
    let desk = try Desk()
    let target = desk.path + "/real.md"
    try "- by hand".write(toFile: target, atomically: false, encoding: .utf8)
    chmod(target, 0o640)
    try FileManager.default.createSymbolicLink(
      atPath: desk.files.tasks, withDestinationPath: target)
    try desk.files.append(task("ours"))
    let text = try desk.text()
    #expect(text.hasPrefix("- by hand\n- [ ] ours\n"))
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: desk.files.tasks) == target)
    let mode = try FileManager.default.attributesOfItem(atPath: target)[.posixPermissions]
    #expect(mode as? Int == 0o640)
  }

  @Test func degradedLog_hasEachLineOnce() throws {
    let desk = try Desk()
    try desk.files.appendDegradedLog(["T1 entered timeout x"])
    try desk.files.appendDegradedLog(["T1 entered timeout x", "T2 left timeout y"])
    #expect(try desk.text(desk.files.degradedLog) == "T1 entered timeout x\nT2 left timeout y\n")
  }

  // MARK: Tidying

  @Test func tidy_takesOutWhatTheVaultHas_andKeepsTheRestByteForByte() throws {
    let desk = try Desk()
    try desk.append("# Mine\r\n\n- [x] done twice\n- [x] done twice\n- [ ] open\n\n  odd \t\n")
    _ = try desk.adopt()
    let lease = try #require(
      try desk.database.acquireLease(at: 1, takesOver: true, witness: nil, lag: .zero))
    for row in try desk.database.outbox(states: []) {
      _ = try desk.database.advance(
        settle: row, as: .synced(vaultID: "V\(row.number)", task: nil), lease: lease, at: 2)
    }
    let rows = try desk.database.outbox(vault: "1", mirrored: 1, states: [.synced], limit: 10)
    #expect(rows.count == 3)
    try desk.files.appendReceipts(rows, at: 3)
    try desk.files.appendReceipts(rows, at: 3)
    let before = try desk.text()
    #expect(before.split(separator: "\n").count { $0.contains("\"receipt\"") } == 3)
    let tidy = FallbackTidy(database: desk.database, files: desk.files, clock: .system)
    let tidied = try #require(try tidy.tidy().first)
    #expect(try desk.text(tidied.backup) == before)
    let after = try desk.text()
    #expect(after.hasPrefix("# Mine\r\n\n- [ ] open\n\n  odd \t\n"))
    #expect(!after.contains("done twice"))
    // Nothing is new, and the same text written anew is.
    #expect(try desk.adopt().adopted == 0)
    try desk.append("- [x] done twice\n")
    #expect(try desk.adopt().adopted == 1)
  }

  private func task(_ title: String) -> StoreWrite {
    StoreWrite(
      requestID: "r-\(title)", at: 5, project: .named("p"),
      operation: .addTask(TaskDraft(title: title, source: .cc)),
      itemID: "01ARZ3NDEKTSV4RRFFQ69G5FAV")
  }
}
