@testable import Core
import Foundation
import TestSupport

@testable import MemoryStore

extension TemporaryFolder {
  func database(_ access: MemoryDatabase.Access = .migrating) throws -> MemoryDatabase {
    try MemoryDatabase(path: file("memory.db"), access: access)
  }
}

extension StoreWrite {
  static func task(_ title: String, request: RequestID = .unique(), at: Int64 = 1000)
    -> StoreWrite
  {
    StoreWrite(
      requestID: request, at: at, project: .named("p"),
      operation: .addTask(TaskDraft(title: title, source: .cc)),
      consent: VaultConsent(vault: .one))
  }
}

extension VaultReference {
  static let one = VaultReference(id: "1", name: "one.example.org")
  static let two = VaultReference(id: "2", name: "two.example.org", formerIDs: ["old2"])
}

/// Kinds that only an import brings.
extension EntryKind {
  static let adr = EntryKind(rawValue: "ADR")
  static let k = EntryKind(rawValue: "k")
  static let turn = EntryKind(rawValue: "turn")
}
