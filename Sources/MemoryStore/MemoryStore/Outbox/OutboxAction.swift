/// What a vault is to do; vault-mcp's words.
public struct OutboxAction: StoredWord {
  public let rawValue: String

  public init(rawValue: String) { self.rawValue = rawValue }

  public static let add = OutboxAction(rawValue: "add")
  /// Add a task that is already done.
  public static let retro = OutboxAction(rawValue: "retro")
  public static let update = OutboxAction(rawValue: "update")
  public static let done = OutboxAction(rawValue: "done")
  public static let decide = OutboxAction(rawValue: "decide")
  public static let save = OutboxAction(rawValue: "save")

  /// False for a change of an item that is there.
  public var makesItem: Bool { self != .update && self != .done }
}
