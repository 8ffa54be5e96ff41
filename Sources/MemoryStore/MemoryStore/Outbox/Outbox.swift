public import Core

/// One write that the vault is to get, and how far it has come.
public struct OutboxRow: Sendable, Equatable {
  public enum State: String, Sendable, CaseIterable {
    /// Stays here until a person shares its project with a vault.
    case held
    /// Not sent yet, or proven not to be applied.
    case queued
    /// Sent, and the answer is not known.
    case sent
    /// The vault acknowledged it.
    case synced
    /// Sent, and nothing can prove whether it was applied: a person decides.
    case uncertain
    /// The vault will never take it as it is.
    case quarantined
    /// A person said that it is not to be sent.
    case dropped

    /// True while the vault may still get it without a person's doing.
    public var isWaiting: Bool { self == .queued || self == .sent }
  }

  public var number: Int64
  /// One of ``ItemKind/forVault``.
  public var kind: ItemKind
  public var action: OutboxAction
  public var itemID: RecordID
  /// vault-mcp's arguments, one JSON object.
  public var payload: String
  public var state: State
  /// The vault that it is for; nil while it is held.
  public var vault: String?
  public var requestID: RequestID?
  /// Goes with an item that is made, and stays in what the vault stores.
  public var marker: String?
  /// True if another memoryd, or this one before a restore, may have sent it.
  public var mustLook: Bool
  /// Unix ms.
  public var lookAfter: Int64?
  public var notBefore: Int64?
  public var sentAt: Int64?
  public var fence: VaultID?
  public var attempts: Int
  /// How often the vault answered with an error for this write alone.
  public var refusals: Int
  /// Unix ms of the first attempt that failed, by an error or a lost answer; nil without one.
  public var failingSince: Int64?
  public var lastError: String?
  public var vaultID: VaultID?
  public var syncedAt: Int64?
  /// True if the fallback files hold it.
  public var isMirrored: Bool
  public var createdAt: Int64
  public var updatedAt: Int64
  /// The vault's id of the task that it changes, once that is known.
  public var taskVaultID: VaultID?
  /// The task's fields on which store and vault last agreed.
  public var taskBase: TaskFields?
  /// Unix ms of the last write of ours that the vault acknowledged for the task.
  public var taskVaultAt: Int64?
  /// How far the write has come that made the task which this one changes.
  public var makerState: State?

  public var makesItem: Bool { action.makesItem }

  /// The id here of the task that a decision is about, if it is about one.
  public var aboutTaskID: RecordID? {
    guard action == .decide, payload.utf8.firstRange(of: "\"task_id\"".utf8) != nil else {
      return nil
    }
    return RecordID(JSON(parsing: payload.utf8)?["task_id"]?.string)
  }
}

/// A task as the vault has it, without memoryd's markers. Times are Unix ms.
public struct RemoteTask: Sendable, Equatable {
  public var vaultID: VaultID
  public var fields: TaskFields
  public var isDone: Bool
  public var source: TaskSource
  public var createdAt: Int64
  public var completedAt: Int64?
  /// The markers found in it.
  public var markers: [String]

  public init(
    vaultID: VaultID, fields: TaskFields, isDone: Bool, source: TaskSource, createdAt: Int64,
    completedAt: Int64?, markers: [String]
  ) {
    self.vaultID = vaultID
    self.fields = fields
    self.isDone = isDone
    self.source = source
    self.createdAt = createdAt
    self.completedAt = completedAt
    self.markers = markers
  }
}

/// What has become of an outbox row.
public enum OutboxSettlement: Sendable, Equatable {
  /// The vault has it, as this id.
  case synced(vaultID: VaultID?, task: RemoteTask?)
  /// It was not applied; it goes out again, not before a time (Unix ms).
  case notApplied(error: String, notBefore: Int64?, isRefusal: Bool)
  /// Its answer was lost; look, but not before a time (Unix ms).
  case lost(error: String, lookAfter: Int64, isRefusal: Bool)
  /// A complete read lacks its marker.
  case provenAbsent
  /// It was not sent; look, but not before a time (Unix ms).
  case postponed(lookAfter: Int64)
  /// No read can tell.
  case uncertain(error: String)
  case quarantined(error: String)
}

/// Held by the one process that sends.
public struct SyncLease: Sendable, Equatable {
  /// A ULID; later leases have larger ones.
  public let owner: String
  /// True if the store is older than what the vault has seen of it: a backup was put back.
  public let isRestored: Bool
}
