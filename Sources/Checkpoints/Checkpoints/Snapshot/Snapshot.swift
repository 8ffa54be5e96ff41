public import Core
public import Git
import MemoryStore
import Syntax
public import Transcripts

/// What a checkpoint keeps of a session: the digest's best parts, ranked, with the repository's
/// state. Stored as JSON in a checkpoint's body.
public struct Snapshot: JSONRecord, Sendable, Equatable {
  public struct File: JSONRecord, Sendable, Equatable {
    public var path: String = ""
    public var edits: Int = 0
    public var reads: Int = 0
    public var mentions: Int = 0
    /// Tool calls since it was last touched.
    public var age: Int = 0
    /// The same since it was edited.
    public var editAge: Int = 0
    public var symbols: [String] = []
    public var isDirty: Bool = false
    /// What its edits were for.
    public var purpose = ""
    /// It was edited after the agent's last commit.
    public var isUncommitted = false
    /// A command removed it, and it was not edited since.
    public var isRemoved = false
    /// Of the transcript, from 1: where it was touched last; 0 if that is not known.
    public var line: Int = 0

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("path", &path)
      coder.field("edits", &edits)
      coder.field("reads", &reads)
      coder.field("mentions", &mentions)
      coder.field("age", &age)
      coder.field("editAge", &editAge)
      coder.field("symbols", &symbols)
      coder.field("isDirty", &isDirty)
      coder.filled("purpose", &purpose)
      coder.field("isUncommitted", &isUncommitted)
      coder.field("isRemoved", &isRemoved)
      coder.field("line", &line)
    }
  }

  public struct Command: JSONRecord, Sendable, Equatable {
    public var key: String = ""
    public var text: String = ""
    public var count: Int = 0
    /// Tool calls since it was last run.
    public var age: Int = 0
    public var outcome = SessionDigest.CommandUse.Outcome.unknown

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("key", &key)
      coder.field("text", &text)
      coder.field("count", &count)
      coder.field("age", &age)
      coder.field("outcome", &outcome)
    }
  }

  /// What a person or an agent said when taking a checkpoint by hand.
  public struct Statement: JSONRecord, Sendable, Equatable {
    public var objective: String?
    public var blockers: [String] = []
    public var actions: [String] = []
    public var next: [String] = []

    public init(
      objective: String? = nil, blockers: [String] = [], actions: [String] = [],
      next: [String] = []
    ) {
      self.objective = objective
      self.blockers = Blockers.named(blockers)
      self.actions = actions
      self.next = next
    }

    package init() {
      self.init(objective: nil)
    }

    public var isEmpty: Bool { self == Statement() }

    /// True if there is not a word in it.
    package var saysNothing: Bool {
      ([objective ?? ""] + blockers + actions + next).allSatisfy { $0.allSatisfy(\.isWhitespace) }
    }

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("objective", &objective)
      coder.field("blockers", &blockers)
      coder.field("actions", &actions)
      coder.field("next", &next)
    }
  }

  /// As read from the session; what was said by hand stands in `stated`.
  public var objective = ""
  public var actions: [String] = []
  public var next: [String] = []
  public var stated: Statement?
  /// Oldest first.
  public var requests: [SessionDigest.Request] = []
  public var rules: [SessionDigest.Rule] = []
  public var plan: [SessionDigest.PlanItem] = []
  public var files: [File] = []
  public var commands: [Command] = []
  /// What happened and how it ended, by parts of a document.
  public var told: [ToldLine] = []
  /// A question was open, a check had failed, or an edit was not committed when the session was read
  /// last.
  public var isUnfinished = false
  /// Tool calls since the plan was changed last, and whether something was committed, pushed or
  /// merged since.
  public var planAge = 0
  public var isPlanOvertaken = false
  /// Sentences of the agent that carry names, best first.
  public var sentences: [String] = []
  /// The agent's last words.
  public var lastReply: String?
  public var lastFailure: SessionDigest.Failure?
  public var commits: [SessionDigest.Commit] = []
  public var boundaries: [SessionDigest.Boundary] = []
  public var git: GitFacts?
  public var cwd: String?
  /// Whose session it is, as ``TranscriptFormat`` has it; nil for Claude Code's.
  public var agent: String?
  public var models: [String] = []
  public var toolCalls = 0
  /// Unix ms of the transcript's last line.
  public var lastAt: Int64 = 0
  /// Where the transcript stood.
  public var transcriptPath: String?
  public var transcriptLine = 0
  /// Why the transcript was not read as it was when the checkpoint was asked for; empty where it was.
  public var gap = ""

  public init() {}

  /// True if nothing is known of a session and nobody said anything: what the repository looks like
  /// is no memory of its own.
  public var saysNothing: Bool {
    (stated?.saysNothing ?? true) && objective.allSatisfy(\.isWhitespace) && actions.isEmpty
      && next.isEmpty && requests.isEmpty && rules.isEmpty && plan.isEmpty && files.isEmpty
      && commands.isEmpty && commits.isEmpty && toolCalls == 0 && (lastReply ?? "").isEmpty
  }

  package static var empty: Self { Self() }

  package mutating func code(_ coder: inout JSONCoder) {
    coder.field("objective", &objective)
    coder.field("actions", &actions)
    coder.field("next", &next)
    coder.field("stated", &stated)
    coder.field("requests", &requests)
    coder.field("rules", &rules)
    coder.field("plan", &plan)
    coder.field("files", &files)
    coder.field("commands", &commands)
    coder.field("told", &told)
    coder.field("isUnfinished", &isUnfinished)
    coder.field("planAge", &planAge)
    coder.field("isPlanOvertaken", &isPlanOvertaken)
    coder.field("sentences", &sentences)
    coder.field("lastReply", &lastReply)
    coder.field("lastFailure", &lastFailure)
    coder.field("commits", &commits)
    coder.field("boundaries", &boundaries)
    coder.field("git", &git)
    coder.field("cwd", &cwd)
    coder.field("agent", &agent)
    coder.field("models", &models)
    coder.field("toolCalls", &toolCalls)
    coder.field("lastAt", &lastAt)
    coder.field("transcriptPath", &transcriptPath)
    coder.field("transcriptLine", &transcriptLine)
    coder.filled("gap", &gap)
  }

  /// Nil if the text is no JSON object; fields that are missing keep their initial values.
  public init?(json: String) {
    guard let value = Self.decoded(from: json) else { return nil }
    self = value
  }

  /// As it is stored: equal values are equal bytes.
  public var json: String { encoded() }

  /// The one number alone, for which the rest need not be decoded.
  ///
  /// - Parameter json: In UTF-8.
  /// - Returns: Nil if it is no JSON object.
  package static func toolCalls(inJSON json: [UInt8]) -> Int? {
    json.withUnsafeBufferPointer { text in
      let tape = JSONTape()
      guard (try? tape.parse(text)) != nil, tape.root(text).isObject else { return nil }
      return tape.root(text)["toolCalls"]?.int ?? 0
    }
  }

  public init(_ digest: SessionDigest, git: GitFacts?) {
    let now = digest.toolCalls
    let dirty = Self.dirtyPaths(git, below: digest.root)
    requests = Array(digest.requests.suffix(40))
    rules = digest.rules
    plan = digest.plan
    files = Self.rankedFiles(digest, dirty: dirty)
    commands = digest.commands.map { key, use in
      (
        Self.worth(use, at: now),
        Command(
          key: key, text: use.text, count: use.count, age: now - use.lastCall,
          outcome: use.outcome)
      )
    }
    .sorted { ($0.0, $1.1.key) > ($1.0, $0.1.key) }.prefix(25).map(\.1)
    isUnfinished = digest.story.isUnfinished
    let planAt = digest.story.planAt
    planAge = planAt.line > 0 ? now - planAt.call : 0
    isPlanOvertaken = digest.story.landmarks.contains {
      [.commit, .push, .merge].contains($0.kind) && $0.place.call > planAt.call && planAt.line > 0
    }
    told = StoryLines(digest).lines
    sentences = Self.telling(digest.sentences, names: digest.names, at: now)
    lastReply = digest.replies.last?.text
    // What failed and went well afterwards is no news.
    lastFailure = digest.lastFailure.flatMap {
      digest.commands[$0.tool]?.outcome == .succeeded ? nil : $0
    }
    commits = digest.commits.suffix(5)
    boundaries = digest.boundaries
    self.git = git
    cwd = digest.cwd
    agent = digest.agent
    models = digest.models
    toolCalls = now
    lastAt = digest.lastAt
    objective = Self.objective(of: digest)
    next = plan.filter { $0.state != .completed }.map(\.text)
    actions = Self.actions(digest)
  }

  /// git names paths from the top of the repository, the digest from where the session began.
  private static func dirtyPaths(_ git: GitFacts?, below root: String?) -> Set<String> {
    guard let git, let dirty = git.dirty else { return [] }
    guard let root, root != git.root else { return Set(dirty) }
    return Set(
      dirty.map { path in
        let absolute = git.root + "/" + path
        return absolute.hasPrefix(root + "/")
          ? String(absolute.dropFirst(root.count + 1)) : absolute
      })
  }

  // MARK: Ranking

  // Findings 3 and 4: kind, recency and count together, slowly decaying; 20 % of the needed files
  // had not been touched for 40 calls.
  static let fileHalfLife = 30.0
  static let recencyWeight = 2.5
  static let editWeight = 0.8
  static let commandHalfLife = 40.0

  private static func rankedFiles(_ digest: SessionDigest, dirty: Set<String>) -> [File] {
    let now = digest.toolCalls
    let uses = merged(digest.files.filter { !isScrap($0.key) })
    let commit = digest.story.landmarks.last { $0.kind == .commit }?.place.call ?? 0
    // They are counted when they are called, and taken back if they fail.
    let inFlight = digest.pending.last.map { $0.number == now ? $0.edited : [] } ?? []
    let workplaces = Set(uses.filter { $0.value.edits > 0 }.map { folder(of: $0.key) })
    return uses.compactMap { path, use -> (Double, File)? in
      var worth = worth(use, at: now)
      if use.uses == 0 {
        // Once in a listing: 59 % of all paths seen, under 1 % of those needed (findings 5).
        let isSibling = workplaces.contains(folder(of: path))
        guard isSibling || use.listings > 1 else { return nil }
        worth *= isSibling ? 0.5 : 0.2
      }
      let symbols = use.symbols.enumerated().map { index, name in
        (digest.names[name]?.weight(at: now) ?? 0, index, name)
      }
      .sorted { ($0.0, $0.1) > ($1.0, $1.1) }.prefix(8).map(\.2)
      var file = File(
        path: path, edits: use.edits - inFlight.count { $0 == path }, reads: use.reads,
        mentions: use.mentions,
        age: now - use.lastCall, symbols: symbols, isDirty: dirty.contains(path), line: use.line)
      file.purpose = digest.story.purposes[path]?.texts.joined(separator: "; ") ?? ""
      file.editAge = use.edits > 0 ? now - use.lastEdit : 0
      file.isUncommitted = use.edits > 0 && use.lastEdit > commit
      file.isRemoved = (digest.story.purposes[path]?.removal ?? 0) > 0
      return (worth, file)
    }
    .sorted { ($0.0, $1.1.path) > ($1.0, $0.1.path) }.prefix(80).map(\.1)
  }

  private static func folder(of path: String) -> Substring {
    path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
  }

  /// People and agents name a file by its last components: such a mention counts for the file.
  private static func merged(
    _ files: [String: SessionDigest.FileUse]
  ) -> [String: SessionDigest.FileUse] {
    var byName: [String: [String]] = [:]
    func name(_ path: String) -> String {
      let bytes = path.utf8
      return String(
        path[
          (bytes.lastIndex(of: UInt8(ascii: "/")).map(bytes.index(after:)) ?? path.startIndex)...])
    }
    for path in files.keys { byName[name(path), default: []].append(path) }
    var result = files
    for paths in byName.values where paths.count > 1 {
      for short in paths.sorted(by: { ($0.utf8.count, $0) < ($1.utf8.count, $1) }) {
        let longer = paths.filter { $0.hasSuffix("/" + short) && result[$0] != nil }
        let best = longer.max {
          (result[$0]!.uses, $1) < (result[$1]!.uses, $0)
        }
        guard let best, let use = result[short], use.edits == 0 else { continue }
        result[best]!.mentions += use.mentions + use.reads
        result[best]!.listings += use.listings
        if use.uses > 0 { result[best]!.lastCall = max(result[best]!.lastCall, use.lastCall) }
        if use.uses > 0 { result[best]!.line = max(result[best]!.line, use.line) }
        result[short] = nil
      }
    }
    return result
  }

  package static func worth(_ use: SessionDigest.FileUse, at now: Int) -> Double {
    let count = log2(1 + use.uses)
    let recency = recencyWeight * halving(now - use.lastCall, fileHalfLife)
    // A path that only stood once in some text is seldom needed.
    let opened = use.edits + use.reads > 0 ? 0.4 : 0
    return count + recency + opened + (use.edits > 0 ? editWeight : 0)
  }

  package static func worth(_ use: SessionDigest.CommandUse, at now: Int) -> Double {
    log2(1 + use.count) + 1.5 * halving(now - use.lastCall, commandHalfLife)
  }

  private static func log2(_ count: Int) -> Double {
    // Enough for ranking, and without Foundation: integer part and linear fraction.
    guard count > 1 else { return 0 }
    let exponent = Int.bitWidth - 1 - count.leadingZeroBitCount
    return Double(exponent) + Double(count) / Double(1 << exponent) - 1
  }

  private static func halving(_ age: Int, _ halfLife: Double) -> Double {
    1 / (1 + Double(max(0, age)) / halfLife)
  }

  /// Files that are no part of the work: temporary ones and the agent's own.
  private static func isScrap(_ path: String) -> Bool {
    path.hasPrefix("/tmp/") || path.hasPrefix("/private/tmp/") || path.hasBytes("/tool-results/")
      || path.hasBytes("/.claude/projects/") || path.hasBytes("node_modules/")
      || path.hasPrefix("-") || path.utf8.contains(where: isOfPattern)
  }

  private static func isOfPattern(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "*") || byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}")
      || byte == UInt8(ascii: "$")
  }

  /// Greedy: the sentence that brings the most new names for its length, newest preferred
  /// (findings 11).
  private static func telling(
    _ sentences: [SessionDigest.Sentence], names: [String: SessionDigest.Name], at now: Int
  ) -> [String] {
    // Names as numbers: the greedy choice looks at every name of every sentence again and again.
    var numbers: [String: Int] = [:]
    var weights: [Double] = []
    let candidates = sentences.map { sentence in
      let words = TextScanner.names(in: sentence.text, limit: 12).compactMap { name -> Int? in
        if let number = numbers[name] { return number }
        guard let known = names[name] else { return nil }
        numbers[name] = weights.count
        weights.append(known.weight)
        return weights.count - 1
      }
      let worth = halving(now - sentence.call, 40) / Double(40 + sentence.text.utf8.count)
      return (text: sentence.text, words: words, worth: worth)
    }
    var left = Array(candidates.indices)
    var chosen: [String] = []
    while chosen.count < 40 {
      var best = (at: -1, worth: 0.0)
      for (at, index) in left.enumerated() {
        let gain = candidates[index].words.reduce(0.0) { $0 + weights[$1] }
        if gain * candidates[index].worth > best.worth {
          best = (at, gain * candidates[index].worth)
        }
      }
      guard best.at >= 0 else { break }
      let sentence = candidates[left.remove(at: best.at)]
      for word in sentence.words { weights[word] = 0 }
      chosen.append(sentence.text)
    }
    return chosen
  }

  /// What the session is for: the plan that the person approved, or the first request that says more
  /// than "go on".
  private static func objective(of digest: SessionDigest) -> String {
    let plan = digest.story.decisions.last { $0.kind == .approvedPlan && !$0.question.isEmpty }
    return objective(of: digest.requests, plan: plan?.question) ?? digest.title ?? ""
  }

  package static func objective(of requests: [SessionDigest.Request], plan: String? = nil)
    -> String?
  {
    // An answer to a question of the agent says how, not what.
    let telling = requests.lazy.filter {
      $0.question.isEmpty && $0.text.split(whereSeparator: \.isWhitespace).count >= 5
    }
    let request = telling.first ?? requests.first { $0.question.isEmpty } ?? requests.last
    return (plan ?? request?.text)?.oneLine.cut(to: 240)
  }

  /// What was done last, in a few lines.
  private static func actions(_ digest: SessionDigest) -> [String] {
    var lines = digest.commits.suffix(3).map { "committed \($0.hash) \($0.subject)" }
    lines += digest.plan.filter { $0.state == .completed }.suffix(5).map { "done: \($0.text)" }
    lines += digest.files.filter { $0.value.edits > 0 }
      .sorted { ($0.value.lastEdit, $1.key) > ($1.value.lastEdit, $0.key) }
      .prefix(5).map { "edited \($0.key)" }
    lines += digest.commands.filter { $0.value.outcome != .unknown }
      .sorted { ($0.value.lastCall, $1.key) > ($1.value.lastCall, $0.key) }
      .prefix(3).map { "ran \($0.value.text.oneLine.cut(to: 100)): \($0.value.outcome.rawValue)" }
    return lines
  }
}
