public import Core
import Redaction

/// One write, whole: what the store commits, what the spool keeps when it cannot, and what a
/// second attempt of the same request recognises.
public struct StoreWrite: Codable, Sendable {
  public enum Operation: Codable, Sendable {
    case checkpoint(CheckpointDraft)
    case addTask(TaskDraft)
    case changeTask(TaskChange)
    case decide(DecisionDraft)
    case handOff(HandoffDraft)
    case addToLedger(LedgerDraft)
    /// Registers the session of the write or brings it up to date.
    case openSession
    case endSession(reason: String)
  }

  /// Unique; the same write twice under one id is stored once.
  public var requestID: RequestID
  /// Unix time in ms.
  public var at: Int64
  public var project: ProjectReference?
  public var session: SessionReference?
  public var operation: Operation
  /// Set when the id was given out before the store could take the write.
  public var itemID: RecordID?
  /// Set where another memoryd may have sent the same to the vault: the marker by which both find
  /// it there. Such a write looks before it is sent for the first time.
  public var sharedMarker: String?
  /// Where it may go; nil where that was not known when it was made, and then it goes nowhere.
  public var consent: VaultConsent?

  public init(
    requestID: RequestID, at: Int64, project: ProjectReference? = nil,
    session: SessionReference? = nil, operation: Operation, itemID: RecordID? = nil,
    sharedMarker: String? = nil, consent: VaultConsent? = nil
  ) {
    self.requestID = requestID
    self.at = at
    self.project = project
    self.session = session
    self.operation = operation
    self.itemID = itemID
    self.sharedMarker = sharedMarker
    self.consent = consent
  }
}

extension StoreWrite.Operation {
  /// The store does nothing with an operation but through this.
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
  public var itemID: RecordID? { item.itemID }

  /// The same without secrets.
  func redacted(by redactor: Redactor) -> Self {
    switch self {
    case .checkpoint(let draft): .checkpoint(draft.redacted(by: redactor))
    case .addTask(let draft): .addTask(draft.redacted(by: redactor))
    case .changeTask(let change): .changeTask(change.redacted(by: redactor))
    case .decide(let draft): .decide(draft.redacted(by: redactor))
    case .handOff(let draft): .handOff(draft.redacted(by: redactor))
    case .addToLedger(let draft): .addToLedger(draft.redacted(by: redactor))
    case .openSession: .openSession
    case .endSession(let reason):
      .endSession(reason: SessionEnd(reason: reason).redacted(by: redactor).reason)
    }
  }
}

extension StoreWrite {
  var origin: WriteOrigin {
    WriteOrigin(
      requestID: requestID, at: at, project: project, session: session, itemID: itemID,
      sharedMarker: sharedMarker, consent: consent)
  }
}

/// The proof that a write is in the store.
public struct WriteReceipt: Sendable, Equatable {
  public var id: RecordID
  public var kind: ItemKind
  /// Unix time in ms.
  public var createdAt: Int64
  /// True if an earlier attempt of the same request had already stored it.
  public var isReplay: Bool
}
