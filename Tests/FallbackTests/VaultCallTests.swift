import TestSupport
import Testing

@testable import Canary
@testable import Core
@testable import Fallback
@testable import MemoryStore
@testable import Sync

@Suite(.blocking) struct VaultCallTests {
  private func row(
    _ action: OutboxAction, kind: ItemKind = .task, payload: String,
    edit: (inout OutboxRow) -> Void = { _ in }
  ) -> OutboxRow {
    var row = OutboxRow(
      number: 1, kind: kind, action: action, itemID: "item", payload: payload, state: .sent,
      vault: "1", requestID: "r", marker: action.makesItem ? "m" : nil,
      mustLook: false, lookAfter: nil, notBefore: nil, sentAt: nil, fence: nil, attempts: 1,
      refusals: 0, failingSince: nil, lastError: nil, vaultID: nil, syncedAt: nil,
      isMirrored: false, createdAt: 0, updatedAt: 0, taskVaultID: nil, taskBase: nil,
      taskVaultAt: nil, makerState: nil)
    edit(&row)
    return row
  }

  private func call(
    _ row: OutboxRow, theirs: RemoteTask? = nil, way: VaultID?? = .none
  ) -> VaultCall? {
    var snapshot = VaultSnapshot()
    if let theirs { snapshot.note(theirs) }
    return VaultCall(row, snapshot: snapshot) { _ in way.map { ($0, nil) } }
  }

  private func json(_ text: String) -> [String: JSON]? {
    guard case .object(let fields)? = JSON(parsing: text.utf8) else { return nil }
    return fields
  }

  private func theirs(_ fields: TaskFields) -> RemoteTask {
    RemoteTask(
      vaultID: "V", fields: fields, isDone: false, source: .cc, createdAt: 0, completedAt: nil,
      markers: ["m"])
  }

  @Test func whatMakesAnItem_carriesItsMarker() {
    let add = call(row(.add, payload: #"{"title":"t","source":"cc","occurred_at":"1"}"#))
    #expect(add?.tool == "task")
    #expect(
      add?.arguments
        == json(#"{"action":"add","title":"t","source":"cc","context":"[memoryd:m]"}"#))
    let retro = call(row(.retro, payload: #"{"title":"t","source":"cc","occurred_at":"1"}"#))
    #expect(
      retro?.arguments
        == json(#"{"action":"retro","title":"t","occurred_at":"1","context":"[memoryd:m]"}"#))
    let save = call(row(.save, kind: .checkpoint, payload: #"{"recent_actions":["a"]}"#))
    #expect(save?.tool == "checkpoint")
    #expect(save?.arguments == json(#"{"action":"save","recent_actions":["a","[memoryd:m]"]}"#))
  }

  @Test func decision_namesItsTaskAsTheVaultDoes() {
    let decision = row(.decide, kind: .decision, payload: #"{"rationale":"r","task_id":"T"}"#)
    #expect(call(decision, way: "V")?.tool == "checkpoint")
    #expect(call(decision, way: "V")?.arguments["task_id"] == .string("V"))
    #expect(call(decision, way: .some(nil))?.arguments["task_id"] == nil, "the vault never gets it")
    #expect(call(decision)?.arguments["task_id"] == .string("T"), "not one of ours")
    #expect(call(decision)?.arguments["rationale"] == .string("r\n\n[memoryd:m]"))
  }

  @Test func change_sendsWhatIsNotThereYet_andKeepsTheMarkers() {
    let change = row(.update, payload: #"{"title":"b","context":"d"}"#) {
      $0.taskVaultID = "V"
      $0.taskBase = TaskFields(title: "a", context: "c")
    }
    #expect(
      call(change, theirs: theirs(TaskFields(title: "b", context: "c")))?.arguments
        == json(#"{"action":"update","id":"V","context":"d\n\n[memoryd:m]"}"#))
    #expect(
      call(change)?.arguments
        == json(#"{"action":"update","id":"V","title":"b","context":"d\n\n[memoryd:item]"}"#))
  }

  @Test func changeThatTheVaultHas_needsNoCall_unlessItWentOutWithTheTaskItself() {
    let change = row(.update, payload: #"{"title":"b"}"#) {
      $0.taskVaultID = "V"
      $0.taskBase = TaskFields(title: "a")
    }
    #expect(call(change, theirs: theirs(TaskFields(title: "b"))) == nil)
    let brought = row(.update, payload: #"{"title":"b"}"#) {
      $0.taskVaultID = "V"
      $0.taskBase = TaskFields(title: "b")
    }
    #expect(
      call(brought, theirs: theirs(TaskFields(title: "b")))?.arguments
        == json(#"{"action":"update","id":"V","title":"b"}"#))
    var again = brought
    again.attempts = 2
    #expect(call(again, theirs: theirs(TaskFields(title: "b"))) == nil)
  }

  @Test func done_needsTheIDAlone() {
    #expect(
      call(row(.done, payload: "{}") { $0.taskVaultID = "V" })?.arguments
        == json(#"{"action":"done","id":"V"}"#))
  }
}
