public import Core

/// What a session has done so far, gathered line by line and kept in the store between readings.
///
/// A value: the same lines give the same digest, however they were cut into readings. Bounded:
/// the least useful items are dropped as it grows.
public struct SessionDigest: JSONRecord, Sendable, Equatable {
  /// Something that the person typed.
  public struct Request: JSONRecord, Sendable, Equatable {
    public var text: String = ""
    /// Unix time in ms.
    public var at: Int64 = 0
    /// Tool calls before it.
    public var call: Int = 0
    /// The agent's question that it answers; empty where none was asked.
    public var question: String = ""
    /// A hash of the id of the line that says it; empty where lines have none.
    public var source: String = ""

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("text", &text)
      coder.field("at", &at)
      coder.field("call", &call)
      if !coder.isWriting || !question.isEmpty { coder.field("question", &question) }
      if !coder.isWriting || !source.isEmpty { coder.field("source", &source) }
    }
  }

  /// A sentence of the person that lays down how things are to be done.
  public struct Rule: JSONRecord, Sendable, Equatable {
    public var text: String = ""
    public var at: Int64 = 0

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("text", &text)
      coder.field("at", &at)
    }
  }

  public struct PlanItem: JSONRecord, Sendable, Equatable {
    public enum State: String, Sendable {
      case pending
      case inProgress = "in_progress"
      case completed
    }

    /// The number that TaskCreate's result gave; nil for TodoWrite.
    public var id: String?
    public var text: String = ""
    public var state = State.pending

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("id", &id)
      coder.field("text", &text)
      coder.field("state", &state)
    }
  }

  public struct FileUse: JSONRecord, Sendable, Equatable {
    public var edits = 0
    public var reads = 0
    /// Named by the person, by the agent, in a command or in a search.
    public var mentions = 0
    /// Stood in a tool's output.
    public var listings = 0
    /// The number of the tool call that last touched it.
    public var lastCall = 0
    public var lastEdit = 0
    /// Names defined or used in what was edited, the newest last.
    public var symbols: [String] = []
    /// Unix time in ms.
    public var at: Int64 = 0
    /// Physical line of what touched it last, from 1; 0 if nothing did.
    public var line = 0

    package var uses: Int { edits + reads + mentions }

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("edits", &edits)
      coder.field("reads", &reads)
      coder.field("mentions", &mentions)
      coder.field("listings", &listings)
      coder.field("lastCall", &lastCall)
      coder.field("lastEdit", &lastEdit)
      coder.field("symbols", &symbols)
      coder.field("at", &at)
      coder.field("line", &line)
    }
  }

  public struct CommandUse: JSONRecord, Sendable, Equatable {
    public enum Outcome: String, Sendable {
      case unknown, succeeded, failed
    }

    /// As it was run last.
    public var text: String = ""
    public var count = 0
    public var lastCall = 0
    public var outcome = Outcome.unknown
    public var at: Int64 = 0

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("text", &text)
      coder.field("count", &count)
      coder.field("lastCall", &lastCall)
      coder.field("outcome", &outcome)
      coder.field("at", &at)
    }
  }

  /// A place where the host compacted the session.
  public struct Boundary: JSONRecord, Sendable, Equatable {
    /// Physical line, from 1.
    public var line: Int = 0
    /// `manual` or `auto`.
    public var trigger: String = ""
    public var preTokens: Int?
    public var at: Int64 = 0

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("line", &line)
      coder.field("trigger", &trigger)
      coder.field("preTokens", &preTokens)
      coder.field("at", &at)
    }
  }

  public struct Sentence: JSONRecord, Sendable, Equatable {
    public var text: String = ""
    public var call: Int = 0

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("text", &text)
      coder.field("call", &call)
    }
  }

  public struct Failure: JSONRecord, Sendable, Equatable {
    public var tool: String = ""
    public var text: String = ""
    public var call: Int = 0
    public var at: Int64 = 0
    /// Physical line, from 1; 0 if it is not known.
    public var line = 0
    /// The file that it was about; empty for commands and others.
    public var path = ""

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("tool", &tool)
      coder.field("text", &text)
      coder.field("call", &call)
      coder.field("at", &at)
      coder.field("line", &line)
      if !coder.isWriting || !path.isEmpty { coder.field("path", &path) }
    }
  }

  public struct Name: JSONRecord, Sendable, Equatable {
    /// Decayed count as of `call`.
    public var weight: Double = 0
    public var call: Int = 0

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("weight", &weight)
      coder.field("call", &call)
    }
  }

  public struct Commit: JSONRecord, Sendable, Equatable {
    public var hash: String = ""
    public var subject: String = ""
    public var at: Int64 = 0

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("hash", &hash)
      coder.field("subject", &subject)
      coder.field("at", &at)
    }
  }

  /// What the weighted signals of Stop look at, since the last checkpoint.
  public struct Signals: JSONRecord, Sendable, Equatable {
    public var toolCalls = 0
    public var repositoryWrites = 0
    /// Ms.
    public var longestGap: Int64 = 0
    public var repositories: [String] = []

    public init() {}

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("toolCalls", &toolCalls)
      coder.field("repositoryWrites", &repositoryWrites)
      coder.field("longestGap", &longestGap)
      coder.field("repositories", &repositories)
    }
  }

  public var requests: [Request] = []
  public var rules: [Rule] = []
  public var todos: [PlanItem] = []
  public var tasks: [PlanItem] = []
  /// By path: relative to `root` where it lies below.
  public var files: [String: FileUse] = [:]
  public var commands: [String: CommandUse] = [:]
  public var names: [String: Name] = [:]
  public var sentences: [Sentence] = []
  /// The agent's last words, newest last.
  public var replies: [Sentence] = []
  public var boundaries: [Boundary] = []
  /// The host's summary of the last compaction, whole.
  public var summary: String?
  /// Unix time in ms.
  public var summaryAt: Int64 = 0
  public var commits: [Commit] = []
  public var lastFailure: Failure?
  public var title: String?
  public var toolCalls = 0
  public var sessionIDs: [SessionID] = []
  /// The folder in which the session began.
  public var root: String?
  public var cwd: String?
  public var branch: String?
  public var models: [String] = []
  public var version: String?
  /// Unix ms of the first and the last line with a time.
  public var firstAt: Int64 = 0
  public var lastAt: Int64 = 0
  public var lastCallAt: Int64 = 0
  public var signals = Signals()
  /// What happened, and how it ended.
  public internal(set) var story = Story()
  /// Whose transcript it is, as ``TranscriptFormat`` has it; nil for Claude's.
  public var agent: String?
  /// Codex: the session is a sub-agent's, whose requests no person wrote.
  package var isSubagent = false
  var codex = CodexState()
  var gemini = GeminiState()
  /// Codex: the cumulative token counts of the last row, to notice one that is repeated.
  var tokenTotal: String?
  /// Tool calls whose results have not been seen yet, oldest first.
  package var pending: [PendingCall] = []
  /// The list before the one that is being written; nil once that has succeeded or failed.
  var formerPlan: FormerPlan?
  /// The layout, and the rules by which it was gathered: a digest of other ones is read anew.
  var edition = 0
  /// The time of the last line, Unix ms; 0 while no line had one.
  var lineAt: Int64 = 0
  /// The lines that make up the newest leaf, as hashes of their ids: what comes next hangs on one.
  var tip: [String] = []
  /// The message of the newest leaf: its lines and the results of its calls belong together.
  var tipMessage: String?
  /// Some line says on which it hangs.
  var isLinked = false
  /// More than one line says that it hangs on nothing.
  var hasSeveralRoots = false
  /// A line hangs on something else than the newest leaf, and where it leads was not looked up yet.
  public internal(set) var isAstray = false
  /// Lines that a rewind took back.
  public internal(set) var abandoned: [Stretch] = []
  /// Up to which line ``TranscriptTree`` has settled what hangs where.
  var settledLines = 0
  /// Words that were queued while the agent worked and have not come as a line of their own yet.
  var queued: [Queued] = []
  /// The agent's last words that a hook brought before the transcript had them.
  var early: Early?
  /// Hashes of what the agent said since the person spoke last: to the end, from each of the last few
  /// blocks on. One message may have several blocks, each with a line of its own.
  package var said: [String] = []
  /// The same of the error that ended the turn, which is nobody's words.
  package var failure: String?
  /// The person's words that came last came by a run without a person at it.
  public internal(set) var isHeadless = false
  /// Some came otherwise.
  public internal(set) var wasAttended = false

  /// Physical lines, from 1.
  public struct Stretch: JSONRecord, Sendable, Equatable {
    public var first = 0
    public var last = 0

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("first", &first)
      coder.field("last", &last)
    }
  }

  public init() {}

  package static var empty: Self { Self() }

  package mutating func code(_ coder: inout JSONCoder) {
    coder.field("requests", &requests)
    coder.field("rules", &rules)
    coder.field("todos", &todos)
    coder.field("tasks", &tasks)
    coder.field("files", &files)
    coder.field("commands", &commands)
    coder.field("names", &names)
    coder.field("sentences", &sentences)
    coder.field("replies", &replies)
    coder.field("boundaries", &boundaries)
    coder.field("summary", &summary)
    coder.field("summaryAt", &summaryAt)
    coder.field("commits", &commits)
    coder.field("lastFailure", &lastFailure)
    coder.field("title", &title)
    coder.field("toolCalls", &toolCalls)
    coder.field("sessionIDs", &sessionIDs)
    coder.field("root", &root)
    coder.field("cwd", &cwd)
    coder.field("branch", &branch)
    coder.field("models", &models)
    coder.field("version", &version)
    coder.field("firstAt", &firstAt)
    coder.field("lastAt", &lastAt)
    coder.field("lastCallAt", &lastCallAt)
    coder.field("signals", &signals)
    coder.field("story", &story)
    coder.field("agent", &agent)
    coder.field("isSubagent", &isSubagent)
    coder.field("tokenTotal", &tokenTotal)
    coder.field("pending", &pending)
    coder.field("formerPlan", &formerPlan)
    coder.field("edition", &edition)
    coder.field("lineAt", &lineAt)
    coder.field("tip", &tip)
    coder.field("tipMessage", &tipMessage)
    coder.field("isLinked", &isLinked)
    coder.field("hasSeveralRoots", &hasSeveralRoots)
    coder.field("isAstray", &isAstray)
    coder.field("abandoned", &abandoned)
    coder.field("settledLines", &settledLines)
    coder.field("queued", &queued)
    coder.field("early", &early)
    coder.field("said", &said)
    coder.field("failure", &failure)
    coder.field("isHeadless", &isHeadless)
    coder.field("wasAttended", &wasAttended)
    codex.code(&coder)
    gemini.code(&coder)
  }

  /// 2: whose words they are is told by the line, and what a rewind took back does not count.
  /// 3: answers to questions are requests, what a call that was taken back brought does not count, and
  /// queued words that were taken out of the queue are no requests.
  /// 4: a call that failed, or was refused, edited nothing, changed no plan and ran no command.
  /// 5: with the story of what happened and how it ended.
  static let currentEdition = 5

  /// The number of the rules by which it was gathered.
  public var rulesEdition: Int { edition }

  /// False for a digest that another memoryd gathered by other rules: good to show, but what goes on
  /// from it would be of two kinds.
  public var isCurrent: Bool { edition == Self.currentEdition }

  /// Nil if the text is no JSON object; fields that are missing keep their initial values.
  public init?(json: String) {
    guard let value = Self.decoded(from: json) else { return nil }
    self = value
  }

  /// The same of its bytes.
  package init?(json: [UInt8]) {
    guard let value = Self.decoded(from: json) else { return nil }
    self = value
  }

  /// As it is stored: equal values are equal bytes.
  public var json: String { encoded() }

  /// The open plan: TodoWrite's list and the Task tools' together.
  public var plan: [PlanItem] { todos + tasks }
}

// MARK: Bounds

extension SessionDigest {
  static let requestCharacters = 2000
  private static let mostRequests = 80
  private static let mostRules = 80
  private static let mostFiles = 400
  private static let mostCommands = 150
  private static let mostNames = 600
  private static let mostSentences = 100

  /// Drops what has the least chance to be needed. Called after each reading.
  mutating func trim() {
    if requests.count > Self.mostRequests {
      // The first ones say what the session is about.
      requests.removeSubrange(5..<(5 + requests.count - Self.mostRequests))
    }
    if rules.count > Self.mostRules { rules.removeFirst(rules.count - Self.mostRules) }
    if sentences.count > Self.mostSentences {
      sentences.removeFirst(sentences.count - Self.mostSentences)
    }
    if pending.count > 64 { pending.removeFirst(pending.count - 64) }
    if commits.count > 10 { commits.removeFirst(commits.count - 10) }
    Self.keepBest(Self.mostFiles, of: &files) { Double($0.lastCall + 4 * $0.uses + 20 * $0.edits) }
    Self.keepBest(Self.mostCommands, of: &commands) { Double($0.lastCall + 10 * $0.count) }
    let now = toolCalls
    Self.keepBest(Self.mostNames, of: &names) { $0.weight(at: now) }
  }

  private static func keepBest<Value>(
    _ count: Int, of items: inout [String: Value], _ worth: (Value) -> Double
  ) {
    // A third of slack, so that a full digest is not sorted at every reading.
    guard items.count > count + count / 3 else { return }
    let kept = items.sorted { (worth($0.value), $1.key) > (worth($1.value), $0.key) }.prefix(count)
    items = Dictionary(uniqueKeysWithValues: kept.map { ($0.key, $0.value) })
  }
}

extension SessionDigest.Name {
  package func weight(at now: Int) -> Double {
    weight * SessionDigest.decay(now - call)
  }
}

extension SessionDigest {
  static func decay(_ calls: Int) -> Double {
    // 2^(-calls / 40), from a table: this runs for every name of every sentence. A half-life of
    // 10 calls, as findings 11 has it, scored no better here and forgets what comes back.
    calls <= 0 ? 1 : (calls < decayTable.count ? decayTable[calls] : 0)
  }

  private static let decayTable: [Double] = {
    let step = 0.982_820_598_545_251_2  // 2^(-1/40)
    var value = 1.0
    return (0..<400).map { _ in
      defer { value *= step }
      return value
    }
  }()
}
