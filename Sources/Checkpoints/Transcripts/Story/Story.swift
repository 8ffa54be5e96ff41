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

  /// Something that the person said, and what became of it.
  package struct Turn: JSONRecord, Sendable, Equatable {
    package var text = ""
    /// What it is said to, where it means little alone.
    package var about = ""
    /// What the agent said first and last to it.
    package var opening = ""
    package var ending = ""
    /// How many texts of the agent followed.
    package var replies = 0
    /// It is told with what was decided.
    package var isTold = false
    package var place = Place()

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("text", &text)
      coder.filled("about", &about)
      coder.filled("opening", &opening)
      coder.filled("ending", &ending)
      coder.field("replies", &replies)
      coder.field("isTold", &isTold)
      coder.field("place", &place)
    }
  }

  /// A message of the agent that says more than what it does next: its first sentence and its end.
  package struct Report: JSONRecord, Sendable, Equatable {
    package var text = ""
    /// Bytes of the whole message.
    package var length = 0
    /// The last question of it; empty if it asks nothing at its end.
    package var question = ""
    /// Sentences that say what remains.
    package var outlook: [String] = []
    package var place = Place()

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("text", &text)
      coder.field("length", &length)
      coder.filled("question", &question)
      coder.field("outlook", &outlook)
      coder.field("place", &place)
    }
  }

  /// What was decided, by whom, and against what.
  public struct Decision: JSONRecord, Sendable, Equatable {
    public enum Kind: String, Sendable {
      /// The agent's question with options, and the person's answer.
      case answer
      /// A short reply, joined with the options or the question that it takes up.
      case reply
      /// Words of the person that demand, forbid or contradict.
      case word
      case approvedPlan = "approved_plan"
      case refusedPlan = "refused_plan"
      case givenPlan = "given_plan"
      /// A plan that was written down as a file.
      case writtenPlan = "written_plan"
      /// The agent's own, with its reason.
      case agent
    }

    public var kind = Kind.agent
    public var question = ""
    /// What holds; empty while a question is open.
    public var choice = ""
    public var reason = ""
    /// The person's own, where they say more than the choice.
    public var words = ""
    public var rejected: [String] = []
    /// Lines of a plan.
    public var details: [String] = []
    /// What the agent said to it.
    public var reaction = ""
    /// Nobody has answered yet.
    public var isOpen = false
    /// A later one on the same question holds.
    public var isOvertaken = false
    public var place = Place()

    public init() {}

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("kind", &kind)
      coder.filled("question", &question)
      coder.filled("choice", &choice)
      coder.filled("reason", &reason)
      coder.filled("words", &words)
      coder.field("rejected", &rejected)
      coder.field("details", &details)
      coder.filled("reaction", &reaction)
      coder.field("isOpen", &isOpen)
      coder.field("isOvertaken", &isOvertaken)
      coder.field("place", &place)
    }
  }

  /// A command that failed, what was tried against it, and what made it pass.
  public struct Attempt: JSONRecord, Sendable, Equatable {
    public var key = ""
    public var command = ""
    public var failures = 0
    public var firstError = ""
    public var lastError = ""
    /// What was changed between two failures.
    public var tries: [String] = []
    /// What was changed before it passed; empty while it has not.
    public var fix = ""
    public var hasPassed = false
    public var start = Place()
    public var end = Place()

    public init() {}

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("key", &key)
      coder.field("command", &command)
      coder.field("failures", &failures)
      coder.filled("firstError", &firstError)
      coder.filled("lastError", &lastError)
      coder.field("tries", &tries)
      coder.filled("fix", &fix)
      coder.field("hasPassed", &hasPassed)
      coder.field("start", &start)
      coder.field("end", &end)
    }
  }

  /// Something that was not to be, or did not last.
  package struct Incident: JSONRecord, Sendable, Equatable {
    package enum Kind: String, Sendable {
      case refused, undone
      /// What was taken out for a while is there again.
      case restored
      /// By a rule, a hook or the host, not by a person.
      case blocked
      case takenBack = "taken_back"
      case removed
      /// A way to call something that fails where another works.
      case detour
      /// A tool that is neither a command nor an edit.
      case failed
    }

    package var kind = Kind.failed
    package var subject = ""
    package var reason = ""
    /// The person's.
    package var words = ""
    package var place = Place()

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("kind", &kind)
      coder.field("subject", &subject)
      coder.filled("reason", &reason)
      coder.filled("words", &words)
      coder.field("place", &place)
    }
  }

  /// A sentence worth keeping.
  package struct Note: JSONRecord, Sendable, Equatable {
    package enum Kind: String, Sendable {
      case finding, correction, vain, constraint
      case subagent
    }

    package var kind = Kind.finding
    package var text = ""
    /// What led to it; for a constraint where it was read.
    package var lead = ""
    /// Hundredths.
    package var worth = 0
    /// Of the agent's texts, counted: the last one of a turn says how it ended.
    package var message = 0
    package var place = Place()

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("kind", &kind)
      coder.field("text", &text)
      coder.filled("lead", &lead)
      coder.field("worth", &worth)
      coder.field("message", &message)
      coder.field("place", &place)
    }
  }

  /// Something that was done, in one line with its outcome.
  package struct Step: JSONRecord, Sendable, Equatable {
    package enum Kind: String, Sendable {
      case deed, look, words
    }

    package var kind = Kind.deed
    package var text = ""
    package var place = Place()
    /// What the text is to be completed from when the reading ends; nothing of it is stored.
    package var output: String?
    package var hasFailed = false

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("kind", &kind)
      coder.field("text", &text)
      coder.field("place", &place)
      coder.field("hasFailed", &hasFailed)
    }
  }

  /// The last run of one kind of check.
  package struct Check: JSONRecord, Sendable, Equatable {
    package enum Kind: String, CaseIterable, Sendable {
      case test, lint, build
    }

    package var kind = Kind.test
    package var command = ""
    package var hasFailed = false
    /// There was an exit code, or the output says that it went well.
    package var isSure = true
    /// The run had other checks in it: which one of them failed is not known.
    package var isShared = false
    package var detail = ""
    package var place = Place()
    package var output: String?

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("kind", &kind)
      coder.field("command", &command)
      coder.field("hasFailed", &hasFailed)
      coder.filled("detail", &detail)
      coder.field("place", &place)
      coder.field("isShared", &isShared)
      var isUnsure = !isSure
      coder.field("isUnsure", &isUnsure)
      isSure = !isUnsure
    }
  }

  /// An edit that succeeded.
  package struct Edit: JSONRecord, Sendable, Equatable {
    package var path = ""
    /// What it was for as the agent said, and the line where it said so.
    package var purpose = ""
    var saidLine = 0
    /// What it put in.
    package var added = ""
    package var place = Place()

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("path", &path)
      coder.filled("purpose", &purpose)
      coder.field("saidLine", &saidLine)
      coder.filled("added", &added)
      coder.field("place", &place)
    }

    /// - Parameter line: What was said before it was about something else.
    package func told(since line: Int) -> String {
      let purpose = saidLine > line ? purpose : ""
      guard !added.isEmpty else { return purpose }
      return purpose.isEmpty ? "`\(added)` in `\(path)`" : "\(purpose) (`\(added)`)"
    }
  }

  /// What the session's edits of one file were for.
  package struct Purpose: JSONRecord, Sendable, Equatable {
    package var texts: [String] = []
    var call = 0
    /// The call that removed the file; 0 if none did since it was edited.
    package var removal = 0

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("texts", &texts)
      coder.field("call", &call)
      coder.field("removal", &removal)
    }
  }

  /// A commit or a push that went through, a commit that did not, a link that a command printed.
  package struct Landmark: JSONRecord, Sendable, Equatable {
    package enum Kind: String, Sendable {
      case commit, refusedCommit = "refused_commit", push, merge, link, closed
      /// What `git status` showed.
      case status
      /// The head that `git log` showed.
      case head
    }

    package var kind = Kind.commit
    package var id = ""
    package var text = ""
    package var place = Place()

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("kind", &kind)
      coder.filled("id", &id)
      coder.filled("text", &text)
      coder.field("place", &place)
    }
  }

  /// An item of a tracker, as it was seen last.
  package struct Ticket: JSONRecord, Sendable, Equatable {
    package var id = ""
    package var title = ""
    package var isClosed = false
    /// Neither open nor closed, in the tracker's words.
    package var state = ""
    package var place = Place()

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("id", &id)
      coder.field("title", &title)
      coder.field("isClosed", &isClosed)
      coder.filled("state", &state)
      coder.field("place", &place)
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

  mutating func takeNews() -> [News] {
    defer { news = [] }
    return news
  }

  struct Trail: JSONRecord, Sendable, Equatable {
    var removed: [String] = []
    var added: [String] = []
    var call = 0

    package static var empty: Self { Self() }

    mutating func code(_ coder: inout JSONCoder) {
      coder.field("removed", &removed)
      coder.field("added", &added)
      coder.field("call", &call)
    }
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

// MARK: Bounds

extension Story {
  private static let mostTurns = 40
  private static let mostDecisions = 60
  private static let mostAttempts = 30
  private static let mostIncidents = 24
  private static let mostNotes = 110
  static let mostSteps = 28
  private static let mostEdits = 60
  private static let mostPurposes = 80
  private static let mostTrails = 24
  private static let mostTickets = 30

  /// Completes what is left of this reading, and drops what has the least chance to be needed.
  ///
  /// - Parameter clean: Removes secrets.
  package mutating func settle(_ clean: (String) -> String) {
    if steps.count > Self.mostSteps { steps.removeFirst(steps.count - Self.mostSteps) }
    for index in steps.indices { steps[index].complete(clean) }
    for index in checks.indices { checks[index].complete(clean) }
    purpose = nil
    trim()
  }

  private mutating func trim() {
    if turns.count > Self.mostTurns {
      turns.removeSubrange(3..<(3 + turns.count - Self.mostTurns))
    }
    if decisions.count > Self.mostDecisions {
      // The agent's own go first, then the oldest.
      let own = decisions.indices.filter { decisions[$0].kind == .agent }
      let surplus = decisions.count - Self.mostDecisions
      let dropped = Set((own + decisions.indices.filter { !own.contains($0) }).prefix(surplus))
      decisions = decisions.enumerated().filter { !dropped.contains($0.offset) }.map(\.element)
    }
    if attempts.count > Self.mostAttempts {
      attempts.removeFirst(attempts.count - Self.mostAttempts)
    }
    if incidents.count > Self.mostIncidents {
      incidents.removeFirst(incidents.count - Self.mostIncidents)
    }
    if notes.count > Self.mostNotes + Self.mostNotes / 3 {
      let kept = notes.enumerated().sorted {
        let (a, b) = (Self.standing($0.element), Self.standing($1.element))
        return (a, $0.offset) > (b, $1.offset)
      }.prefix(Self.mostNotes).map(\.offset).sorted()
      notes = kept.map { notes[$0] }
    }
    if edits.count > Self.mostEdits { edits.removeFirst(edits.count - Self.mostEdits) }
    if landmarks.count > 40 { landmarks.removeFirst(landmarks.count - 40) }
    if tickets.count > Self.mostTickets { tickets.removeFirst(tickets.count - Self.mostTickets) }
    keepNewest(Self.mostPurposes, of: &purposes, \.call)
    keepNewest(Self.mostTrails, of: &trails, \.call)
  }

  /// The worth of a note by itself, and a little for being new.
  private static func standing(_ note: Note) -> Int { note.worth * 4 + note.place.call }

  private func keepNewest<Value>(
    _ count: Int, of items: inout [String: Value], _ call: (Value) -> Int
  ) {
    guard items.count > count + count / 3 else { return }
    let kept = items.sorted { (call($0.value), $1.key) > (call($1.value), $0.key) }.prefix(count)
    items = Dictionary(uniqueKeysWithValues: kept.map { ($0.key, $0.value) })
  }
}

extension JSONCoder {
  /// An empty text is not written: it is what every text begins with.
  package mutating func filled(_ name: StaticString, _ value: inout String) {
    if !isWriting || !value.isEmpty { field(name, &value) }
  }
}
