public import Core

/// What happened in a session, and how it ended: what a list of names does not tell.
///
/// Gathered line by line with the digest that it is a part of, and bounded like it. What each part
/// recognises, with an example, stands in docs/understanding.md.
public struct Story: JSONRecord, Sendable, Equatable {
  /// Where in a session something stands.
  public struct Place: JSONRecord, Sendable, Equatable {
    /// Tool calls before it, its own included.
    public var call = 0
    /// Physical line of the transcript, from 1; 0 if that is not known.
    public var line = 0
    /// Unix time in ms.
    public var at: Int64 = 0

    public init() {}

    package init(call: Int, line: Int, at: Int64) {
      self.call = call
      self.line = line
      self.at = at
    }

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("call", &call)
      coder.field("line", &line)
      coder.field("at", &at)
    }
  }

  package var turns: [Turn] = []
  package var reports: [Report] = []
  public internal(set) var decisions: [Decision] = []
  public internal(set) var attempts: [Attempt] = []
  package var incidents: [Incident] = []
  package var notes: [Note] = []
  package var steps: [Step] = []
  package var checks: [Check] = []
  /// The newest last.
  package var edits: [Edit] = []
  package var purposes: [String: Purpose] = [:]
  package var landmarks: [Landmark] = []
  package var tickets: [Ticket] = []
  /// What the agent said last, and where.
  package var said = ""
  package var saidAt = Place()
  /// The agent's last text that says something, from its end: what a person replies to.
  package var before = ""
  /// The agent's texts so far.
  package var messages = 0
  /// Fingerprints of what edits took out and put in, by file.
  var trails: [String: Trail] = [:]
  /// The last command that failed, for the one that works instead.
  var lastFailed = Landmark()
  /// Where the plan was changed last.
  package var planAt = Place()
  /// Calls that failed, all of them.
  package var failures = 0
  /// Calls that ran something.
  package var runs = 0
  /// What `said` was for, once that was asked; not stored.
  package var purpose: String?
  /// What came about since it was asked last; stored as entries, not here.
  private var news: [News] = []

  /// What is worth an entry of its own.
  enum News: Sendable, Equatable {
    case decision(Decision)
    case fix(Attempt)
  }

  package mutating func decide(_ decision: Decision) {
    decisions.append(decision)
    news.append(.decision(decision))
  }

  mutating func noteFix(_ attempt: Attempt) { news.append(.fix(attempt)) }

  mutating func drainNews() -> [News] {
    defer { news = [] }
    return news
  }

  public init() {}

  package static var empty: Self { Self() }

  package mutating func code(_ coder: inout JSONCoder) {
    coder.field("turns", &turns)
    coder.field("reports", &reports)
    coder.field("decisions", &decisions)
    coder.field("attempts", &attempts)
    coder.field("incidents", &incidents)
    coder.field("notes", &notes)
    coder.field("steps", &steps)
    coder.field("checks", &checks)
    coder.field("edits", &edits)
    coder.field("purposes", &purposes)
    coder.field("landmarks", &landmarks)
    coder.field("tickets", &tickets)
    coder.filled("said", &said)
    coder.field("saidAt", &saidAt)
    coder.filled("before", &before)
    coder.field("messages", &messages)
    coder.field("trails", &trails)
    coder.field("lastFailed", &lastFailed)
    coder.field("planAt", &planAt)
    coder.field("failures", &failures)
    coder.field("runs", &runs)
  }
}

extension Story {
  package var isUnfinished: Bool {
    let commit = landmarks.last { $0.kind == .commit }?.place.call ?? -1
    if edits.contains(where: { $0.place.call > commit }) { return true }
    if checks.contains(where: \.hasFailed) || decisions.contains(where: \.isOpen) { return true }
    guard let report = reports.last, !report.question.isEmpty else { return false }
    return !turns.contains { $0.place.line > report.place.line }
  }
}

extension JSONCoder {
  /// An empty text is not written: it is what every text begins with.
  package mutating func filled(_ name: StaticString, _ value: inout String) {
    if !isWriting || !value.isEmpty { field(name, &value) }
  }
}
