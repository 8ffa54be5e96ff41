import Core
import GRDB
import Redaction

/// What a write carries. Each kind implements this in its own file, and the rest of the store uses nothing
/// else of it.
protocol StoreItem: Sendable {
  var kind: ItemKind { get }
  /// How a write carries it.
  var operation: StoreWrite.Operation { get }
  /// The id of what it changes or renews, or that it brings along; nil for an item that gets its id when
  /// it is stored.
  var itemID: String? { get }
  /// What a vault is to do with it; nil for what a vault has no place for.
  var vaultAction: OutboxAction? { get }

  /// The same without secrets.
  func redacted(by redactor: Redactor) -> Self

  /// What a vault takes of it, in vault-mcp's own words for its arguments.
  func vaultPayload(of write: StoreWrite) -> String

  /// Puts it into its table, and a row for the vault into the outbox.
  ///
  /// - Returns: The item's id, and when it was made.
  func store(
    _ write: StoreWrite, projectID: Int64?, newID: () -> String, _ db: Database
  ) throws -> (id: String, createdAt: Int64)
}

/// The defaults are for what a vault has no place for.
extension StoreItem {
  var vaultAction: OutboxAction? { nil }
  func vaultPayload(of write: StoreWrite) -> String { "{}" }
}

extension StoreWrite.Operation {
  /// The only switch over the operations in the store.
  var item: any StoreItem {
    switch self {
    case .checkpoint(let draft): draft
    case .addTask(let draft): draft
    case .changeTask(let change): change
    case .decide(let draft): draft
    case .handOff(let draft): draft
    case .addToLedger(let draft): draft
    case .openSession: SessionOpening()
    case .endSession(let reason): SessionEnd(reason: reason)
    }
  }

  /// The word for people and for receipts.
  public var kind: ItemKind { item.kind }

  /// True if a vault is to get it. It has no place for handoffs and ledgers; of a handoff it gets
  /// the checkpoint and the decisions.
  public var isForVault: Bool { item.vaultAction != nil }

  /// The id of what it changes or renews, or that it brings along; nil for an item that gets its id when
  /// it is stored.
  public var itemID: String? { item.itemID }
}
