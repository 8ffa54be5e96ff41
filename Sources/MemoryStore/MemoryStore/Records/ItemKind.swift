/// What an item is: the word for people and receipts, and of what waits for a vault.
public struct ItemKind: StoredWord {
  public let rawValue: String

  public init(rawValue: String) { self.rawValue = rawValue }

  public static let task = ItemKind(rawValue: "task")
  public static let decision = ItemKind(rawValue: "decision")
  public static let checkpoint = ItemKind(rawValue: "checkpoint")
  public static let handoff = ItemKind(rawValue: "handoff")
  public static let ledger = ItemKind(rawValue: "ledger")
  public static let session = ItemKind(rawValue: "session")

  /// Those that a vault has a place for, in the order in which they are sent.
  public static let forVault: [ItemKind] = [.task, .decision, .checkpoint]

  /// The table of a kind that a vault has a place for; nil for others, also for unknown ones.
  var table: String? { Self.forVault.contains(self) ? rawValue + "s" : nil }
}
