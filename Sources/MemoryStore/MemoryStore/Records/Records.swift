public import Core

/// A task as vault-mcp has it. Times are Unix ms.
public struct TaskRecord: Sendable, Equatable {
  /// Where a task may come from; vault-mcp's list.
  public static let sources = ["claude.ai", "cc", "iphone", "auto"]

  public var id: String
  public var title: String
  /// The short name.
  public var project: String
  /// The project's row.
  public var projectID: Int64?
  /// True if nothing but the name is known.
  public var isUnfiled = false
  public var status: String
  public var source: String
  public var context: String?
  public var occurredAt: String?
  public var createdAt: Int64
  public var completedAt: Int64?

  public init(
    id: String, title: String, project: String, status: String = "open", source: String = "cc",
    context: String? = nil, occurredAt: String? = nil, createdAt: Int64 = 0,
    completedAt: Int64? = nil
  ) {
    self.id = id
    self.title = title
    self.project = project
    self.status = status
    self.source = source
    self.context = context
    self.occurredAt = occurredAt
    self.createdAt = createdAt
    self.completedAt = completedAt
  }
}

public struct DecisionRecord: Sendable, Equatable {
  public var id: String
  public var decision: String
  public var rationale: String
  public var taskID: String?
  public var project: String?
  public var sessionID: String?
  public var createdAt: Int64

  public init(
    id: String, decision: String, rationale: String, taskID: String? = nil,
    project: String? = nil, sessionID: String? = nil, createdAt: Int64 = 0
  ) {
    self.id = id
    self.decision = decision
    self.rationale = rationale
    self.taskID = taskID
    self.project = project
    self.sessionID = sessionID
    self.createdAt = createdAt
  }
}

public struct CheckpointRecord: Sendable, Equatable {
  /// The trigger of what was kept on a way that a rewind left: of handoffs too.
  public static let rewound = "rewound"

  public var id: String
  public var trigger: String
  public var objective: String
  public var sessionID: String?
  public var project: String?
  /// The snapshot, one JSON object.
  public var body: String
  public var createdAt: Int64
  public var updatedAt: Int64
}

/// A handoff document, or a message to one reader.
public struct HandoffRecord: Sendable, Equatable {
  public var id: String
  /// `manual`, `message`, `pre-compact`, `received` or ``CheckpointRecord/rewound``.
  public var trigger: String
  public var objective: String
  public var sessionID: String?
  public var project: String?
  public var sender: String?
  public var recipient: String?
  public var topic: String?
  /// Where it was written, or came from.
  public var path: String?
  /// The document, CommonMark.
  public var body: String
  public var createdAt: Int64
  public var updatedAt: Int64
  /// When a message was handed over, and to whom.
  public var takenAt: Int64?
  public var takenBy: String?

  public var isUnread: Bool { recipient != nil && takenAt == nil }
}

/// An item of a project's ledger, where it stands in it.
public struct LedgerRecord: Sendable, Equatable {
  public var id: String
  public var project: String?
  public var phase: String
  public var section: String?
  public var entry: Ledger.Entry
  public var source: String
  public var createdAt: Int64
  public var updatedAt: Int64

  public init(
    id: String, project: String?, phase: String, section: String?, entry: Ledger.Entry,
    source: String, createdAt: Int64, updatedAt: Int64
  ) {
    self.id = id
    self.project = project
    self.phase = phase
    self.section = section
    self.entry = entry
    self.source = source
    self.createdAt = createdAt
    self.updatedAt = updatedAt
  }
}

public struct SessionRecord: Sendable, Equatable {
  public var id: String
  public var agent: String
  public var project: String?
  /// The project's row.
  public var projectID: Int64?
  public var cwd: String?
  public var branch: String?
  public var transcriptPath: String?
  public var startedAt: Int64
  public var lastSeenAt: Int64
  public var endedAt: Int64?
  public var endReason: String?
  /// The objective of its newest checkpoint.
  public var objective: String?

  public init(id: String, agent: String, cwd: String? = nil, startedAt: Int64, lastSeenAt: Int64) {
    self.id = id
    self.agent = agent
    self.cwd = cwd
    self.startedAt = startedAt
    self.lastSeenAt = lastSeenAt
  }
}

/// One searchable piece of memory.
public struct EntryRecord: Sendable, Equatable {
  public var id: String
  public var kind: String
  public var project: String?
  public var sessionID: String?
  public var sourceID: String?
  public var actor: String?
  public var position: Int?
  public var title: String
  public var body: String
  public var createdAt: Int64
  /// A rewind took it back.
  public var isAbandoned: Bool
}

public struct SearchHit: Sendable, Equatable {
  public var entry: EntryRecord
  /// Larger is better.
  public var score: Double
  /// The best part of the text, matching words between U+0002 and U+0003.
  public var snippet: String
  /// Further entries with the same text.
  public var copies = 0
  /// How the score came about, a line for each part; empty unless asked for.
  public var explanation: [String] = []

  public init(entry: EntryRecord, score: Double, snippet: String) {
    self.entry = entry
    self.score = score
    self.snippet = snippet
  }
}

/// Which records a list is about; nil takes all.
public struct RecordFilter: Sendable {
  /// The short name, whichever projects have it.
  public var project: String?
  /// The project itself, with what was joined to it.
  public var place: ProjectReference?
  /// Also what waits under that project's name and may be its.
  public var takesUnfiled = false
  /// Leaves out what is of private projects other than the visitor's own.
  public var hidesPrivate = false
  /// Who asks.
  public var visitor: ProjectReference?
  /// Of tasks, only those of which nothing but a project's name is known.
  public var isUnfiled = false
  public var sessionID: String?
  public var kinds: [String] = []
  /// Unix ms, inclusive.
  public var since: Int64?
  public var until: Int64?
  public var limit: Int?

  public init(
    project: String? = nil, place: ProjectReference? = nil, sessionID: String? = nil,
    kinds: [String] = [],
    since: Int64? = nil, until: Int64? = nil, limit: Int? = nil
  ) {
    self.project = project
    self.place = place
    self.sessionID = sessionID
    self.kinds = kinds
    self.since = since
    self.until = until
    self.limit = limit
  }
}
