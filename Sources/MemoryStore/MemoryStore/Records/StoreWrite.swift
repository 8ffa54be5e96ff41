public import Core

/// What a write knows about the session that it belongs to.
public struct SessionReference: Codable, Sendable, Hashable {
  /// The agent's own id.
  public var id: String
  public var agent: String
  public var cwd: String?
  public var branch: String?
  public var transcriptPath: String?
  /// How it began: startup, resume, clear, compact, fork.
  public var source: String?
  /// Unix ms, where its transcript knows better than the clock.
  public var startedAt: Int64?
  public var lastSeenAt: Int64?

  public init(
    id: String, agent: String = "claude", cwd: String? = nil, branch: String? = nil,
    transcriptPath: String? = nil, source: String? = nil
  ) {
    self.id = id
    self.agent = agent
    self.cwd = cwd
    self.branch = branch
    self.transcriptPath = transcriptPath
    self.source = source
  }
}

/// A checkpoint that is not stored yet.
public struct CheckpointDraft: Codable, Sendable {
  /// `manual`, or the event that asked for it: `pre-compact`, `post-compact`, `stop`,
  /// `session-end`.
  public var trigger: String
  public var objective: String
  public var blockers: [String]
  public var actions: [String]
  public var next: [String]
  /// The snapshot as one JSON object; its layout is the caller's.
  public var body: String
  /// The checkpoint that this one renews instead of adding another (debouncing).
  public var replacing: String?
  /// Kept with the checkpoint in the same transaction, one for each checkpoint.
  public var handoff: HandoffDraft?

  public init(
    trigger: String, objective: String, blockers: [String] = [], actions: [String] = [],
    next: [String] = [], body: String = "{}", replacing: String? = nil,
    handoff: HandoffDraft? = nil
  ) {
    self.trigger = trigger
    self.objective = objective
    self.blockers = Blockers.named(blockers)
    self.actions = actions
    self.next = next
    self.body = body
    self.replacing = replacing
    self.handoff = handoff
  }
}

/// A handoff that is not stored yet.
public struct HandoffDraft: Codable, Sendable {
  /// A ULID, which the document's front matter has too.
  public var id: String
  /// `manual`, `message`, or `pre-compact`.
  public var trigger: String
  public var objective: String
  /// The document, CommonMark.
  public var body: String
  /// Of a message: who wrote it, for whom, about what.
  public var sender: String?
  public var recipient: String?
  public var topic: String?
  /// Where the document is written.
  public var path: String?
  /// True if it takes the place of the stored one with its id.
  public var isRenewal: Bool

  public init(
    id: String, trigger: String, objective: String, body: String, sender: String? = nil,
    recipient: String? = nil, topic: String? = nil, path: String? = nil, isRenewal: Bool = false
  ) {
    self.id = id
    self.trigger = trigger
    self.objective = objective
    self.body = body
    self.sender = sender
    self.recipient = recipient
    self.topic = topic
    self.path = path
    self.isRenewal = isRenewal
  }
}

/// What is to go into a project's ledger: items that are there already are brought up to date.
public struct LedgerDraft: Codable, Sendable {
  public var ledger: Ledger
  /// `manual`, `import`, `task` or `handoff`. An import also takes over the title and the marks of
  /// phases, and leaves alone what its file has not changed since the last one.
  public var source: String
  /// A hash of the document that it was read from.
  public var file: String?
  /// The person's, YYYY-MM-DD, for items that say no other.
  public var today: String?

  public init(ledger: Ledger, source: String, file: String? = nil, today: String? = nil) {
    self.ledger = ledger
    self.source = source
    self.file = file
    self.today = today
  }

  public var isImport: Bool { source == "import" }
}

/// A task that is not stored yet.
public struct TaskDraft: Codable, Sendable {
  public var title: String
  /// One of `TaskRecord.sources`, or `retroactive` for one that is already done.
  public var source: String
  public var context: String?
  /// RFC 3339, as the person gave it.
  public var occurredAt: String?
  public var isDone: Bool

  public init(
    title: String, source: String, context: String? = nil, occurredAt: String? = nil,
    isDone: Bool = false
  ) {
    self.title = title
    self.source = source
    self.context = context
    self.occurredAt = occurredAt
    self.isDone = isDone
  }
}

/// A change of a task; nil and empty leave a field as it is.
public struct TaskChange: Codable, Sendable {
  public var id: String
  public var title: String?
  public var project: String?
  public var context: String?
  public var occurredAt: String?
  public var completes: Bool

  public init(
    id: String, title: String? = nil, project: String? = nil, context: String? = nil,
    occurredAt: String? = nil, completes: Bool = false
  ) {
    self.id = id
    self.title = title
    self.project = project
    self.context = context
    self.occurredAt = occurredAt
    self.completes = completes
  }
}

public struct DecisionDraft: Codable, Sendable {
  public var decision: String
  public var rationale: String
  public var taskID: String?

  public init(decision: String, rationale: String, taskID: String? = nil) {
    self.decision = decision
    self.rationale = rationale
    self.taskID = taskID
  }
}

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

    /// The word for people and for receipts.
    public var kind: String {
      switch self {
      case .checkpoint: "checkpoint"
      case .addTask, .changeTask: "task"
      case .decide: "decision"
      case .handOff: "handoff"
      case .addToLedger: "ledger"
      case .openSession, .endSession: "session"
      }
    }

    /// True if a vault is to get it. It has no place for handoffs and ledgers; of a handoff it gets
    /// the checkpoint and the decisions.
    public var isForVault: Bool {
      switch self {
      case .checkpoint, .addTask, .changeTask, .decide: true
      case .handOff, .addToLedger, .openSession, .endSession: false
      }
    }
  }

  /// Unique; the same write twice under one id is stored once.
  public var requestID: String
  /// Unix time in ms.
  public var at: Int64
  public var project: ProjectReference?
  public var session: SessionReference?
  public var operation: Operation
  /// Set when the id was given out before the store could take the write.
  public var itemID: String?
  /// Set where another memoryd may have sent the same to the vault: the marker by which both find
  /// it there. Such a write looks before it is sent for the first time.
  public var sharedMarker: String?
  /// Where it may go; nil where that was not known when it was made, and then it goes nowhere.
  public var consent: VaultConsent?

  public init(
    requestID: String, at: Int64, project: ProjectReference? = nil,
    session: SessionReference? = nil, operation: Operation, itemID: String? = nil,
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

/// The proof that a write is in the store.
public struct WriteReceipt: Sendable, Equatable {
  public var id: String
  public var kind: String
  /// Unix time in ms.
  public var createdAt: Int64
  /// True if an earlier attempt of the same request had already stored it.
  public var isReplay: Bool
}
