import Core
import GRDB
import Redaction

/// What a write carries. Each kind implements this in its own file, and the rest of the store uses nothing
/// else of it.
protocol StoreItem: Sendable {
  var kind: ItemKind { get }
  /// The id of what it changes or renews, or that it brings along; nil for an item that gets its id when
  /// it is stored.
  var itemID: RecordID? { get }
  /// What a vault is to do with it; nil for what a vault has no place for.
  var vaultAction: OutboxAction? { get }

  /// The same without secrets.
  func redacted(by redactor: Redactor) -> Self

  /// What a vault takes of it, in vault-mcp's own words for its arguments.
  func vaultPayload(of write: WriteOrigin) -> String

  /// Puts it into its table, and a row for the vault into the outbox.
  ///
  /// - Returns: The item's id, and when it was made.
  func store(
    _ write: WriteOrigin, projectID: Int64?, newID: () -> RecordID, _ db: Database
  ) throws -> (id: RecordID, createdAt: Int64)
}

/// The defaults are for what a vault has no place for.
extension StoreItem {
  var vaultAction: OutboxAction? { nil }
  func vaultPayload(of write: WriteOrigin) -> String { "{}" }
}
