import Core
import MemoryStore
import Redaction
import Syntax

/// What the transcripts of all agents have in common, once their lines are taken apart.
protocol TranscriptGatherer: AgentTranscript {
  var entries: [EntryDraft] { get set }
  var usage: [UsageRow] { get set }
  /// Where a request's row stands in `usage`.
  var usageIndex: [String: Int] { get set }
  var redactor: Redactor { get }
  /// The line at hand, from 1, and its time, Unix ms.
  var line: Int { get }
  var at: Int64 { get set }
  /// The line at hand is a sub-agent's: searchable, but nothing that this session did.
  var isSidechain: Bool { get }
  /// The line at hand was taken back by a rewind: searchable, but nothing that counts.
  var isAbandoned: Bool { get set }
  /// Entries of this reading from here on have no time yet.
  var firstUntimed: Int? { get set }

  mutating func ingestLine(_ object: JSONValue)

  /// What tells the line at hand from all others; nil if it cannot be told.
  var lineID: String? { get }

  /// An id for the next entry of the line at hand, the same at every reading; nil if there is none.
  mutating func nextSourceID() -> String?
}

extension TranscriptGatherer {
  package func clean(_ text: String) -> String { redactor.redact(text) }

  public mutating func finish() { finishReading() }

  mutating func finishReading() {
    // A file without any time is as old as its last change.
    if at == 0 { settleTimes(fileTime) }
    let redactor = redactor
    digest.story.settle { redactor.redact($0) }
    digest.trim()
  }

  mutating func ingestInPlace(_ object: JSONValue, line: Int) {
    if digest.isAbandoned(line) {
      takeBack { $0.ingestLine(object) }
    } else {
      ingestLine(object)
    }
  }

  /// What was taken back leaves its text, marked, and the tokens that it cost; what it did to the
  /// digest is undone.
  mutating func takeBack(_ take: (inout Self) -> Void) {
    let kept = digest
    isAbandoned = true
    take(&self)
    isAbandoned = false
    let after = digest
    digest = kept
    digest.lineAt = after.lineAt
    // Where the session began, whatever became of what it began with.
    digest.root = kept.root ?? after.root
    digest.firstAt = after.firstAt
    digest.lastAt = after.lastAt
    digest.sessionIDs = after.sessionIDs
    digest.tokenTotal = after.tokenTotal
    digest.codex = after.codex
    digest.gemini = after.gemini
    // Their results come on lines of their own.
    digest.pending = after.pending
    for queued in kept.queued where !after.queued.contains(queued) { digest.unqueue(queued) }
  }

  public mutating func forgetStored() {
    entries = []
    firstUntimed = nil
    usage = []
    usageIndex = [:]
  }

  /// The place of the line at hand.
  package var place: Story.Place { Story.Place(call: digest.toolCalls, line: line, at: at) }

  // MARK: Circumstances

  mutating func noteTime(_ value: JSONValue?) {
    guard let time = time(value) else {
      // Its neighbour's; the first ones wait for the first that has one.
      at = digest.lineAt
      return
    }
    if digest.lineAt == 0 { settleTimes(time) }
    at = time
    digest.lineAt = time
    if digest.firstAt == 0 { digest.firstAt = time }
    digest.lastAt = max(digest.lastAt, time)
  }

  /// Nil for what no agent can have written: before there were any, or after the file's last change.
  package func time(_ value: JSONValue?) -> Int64? {
    guard let value else { return nil }
    var time = value.string.flatMap { Timestamp.milliseconds($0) }
    if time == nil, let number = value.int {
      let isSeconds = number.magnitude < 100_000_000_000
      time = Int64(isSeconds ? number * 1000 : number)
    }
    guard let time, time >= Self.earliest else { return nil }
    return fileTime > 0 && time > fileTime + Self.day ? nil : time
  }

  /// 2020-01-01, Unix ms.
  private static var earliest: Int64 { 1_577_836_800_000 }
  private static var day: Int64 { 86_400_000 }

  private mutating func settleTimes(_ time: Int64) {
    guard time > 0 else { return }
    if let first = firstUntimed {
      for index in first..<entries.count where entries[index].createdAt == 0 {
        entries[index].createdAt = time
      }
      firstUntimed = nil
    }
    for index in usage.indices where usage[index].createdAt == 0 { usage[index].createdAt = time }
    for index in digest.requests.indices where digest.requests[index].at == 0 {
      digest.requests[index].at = time
    }
    for index in digest.rules.indices where digest.rules[index].at == 0 {
      digest.rules[index].at = time
    }
  }

  mutating func noteSession(_ id: SessionID) {
    guard digest.sessionIDs.count < 16, !digest.sessionIDs.contains(id) else { return }
    digest.sessionIDs.append(id)
  }

  mutating func noteFolder(_ folder: String) {
    guard !folder.isEmpty, folder != digest.cwd else { return }
    digest.cwd = folder
    if digest.root == nil { digest.root = folder }
  }

  // MARK: Entries and usage

  package mutating func add(_ kind: EntryKind, actor: String, title: String = "", body: String) {
    guard let id = nextSourceID() else { return }
    if at == 0, firstUntimed == nil { firstUntimed = entries.count }
    var entry = EntryDraft(
      kind: kind, sourceID: id, actor: actor, position: line, title: title, body: body,
      createdAt: at)
    entry.isAbandoned = isAbandoned
    entries.append(entry)
  }

  /// What the story tells anew becomes entries of their own, which carry the rules that made them.
  mutating func addNews() {
    for news in digest.story.drainNews() {
      switch news {
      case .decision(let decision):
        guard let (title, body) = decision.entry else { continue }
        addDerived(.observedDecision, actor: decision.isPersons ? "person" : "agent", title, body)
      case .fix(let attempt):
        addDerived(.fix, actor: "agent", attempt.entry.title, attempt.entry.body)
      }
    }
  }

  private mutating func addDerived(
    _ kind: EntryKind, actor: String, _ title: String, _ body: String
  ) {
    guard let lineID else { return }
    let id = EntryDraft.derivedID(kind, of: lineID, rules: SessionDigest.currentEdition)
    let others = entries.reversed().prefix { $0.position == line }.count {
      $0.sourceID.hasPrefix(id)
    }
    var entry = EntryDraft(
      kind: kind, sourceID: others == 0 ? id : "\(id)#\(others)", actor: actor,
      position: line, title: title, body: body, createdAt: at)
    entry.isAbandoned = isAbandoned
    if at == 0, firstUntimed == nil { firstUntimed = entries.count }
    entries.append(entry)
  }

  /// What was done is searchable; what was only looked at stands in the digest.
  package mutating func note(_ tool: String, _ text: String, title: String = "") {
    add(
      .tool, actor: isSidechain ? "subagent" : "agent",
      title: title.isEmpty ? tool : "\(tool): \(title)", body: text)
  }

  /// A count of tokens as a log has it; 0 where it has none.
  func tokens(_ count: JSONValue?) -> Int { min(max(0, count?.int ?? 0), UsageRow.mostTokens) }

  /// The last row of a request stands for it.
  package mutating func add(_ row: UsageRow) {
    let key = row.messageID + "\u{0}" + row.requestID
    if let index = usageIndex[key] {
      usage[index] = row
    } else {
      usageIndex[key] = usage.count
      usage.append(row)
    }
  }

  // MARK: What was said

  /// - Parameters:
  ///   - words: Of the person; of the agent that asked, where this is a sub-agent.
  ///   - question: Of the agent, which they answer.
  ///   - isWaiting: The agent has not got them yet, and goes on with what it says.
  ///   - asked: The question with its options, where a tool told them.
  mutating func ingestWords(
    _ words: String, to question: String = "", _ asked: AskedQuestion? = nil,
    isWaiting: Bool = false
  ) {
    let words = clean(words)
    guard !words.isEmpty else { return }
    let question = clean(question)
    let first = entries.count
    add(
      isSidechain ? .prompt : .request, actor: isSidechain ? "agent" : "person", title: question,
      body: words)
    if isSidechain { return }
    let source = first < entries.count ? EntryDraft.fingerprint(entries[first].sourceID) : ""
    // A line that stands twice is the first.
    if !source.isEmpty,
      digest.requests.contains(where: {
        $0.source == source && $0.text == words.cut(to: SessionDigest.requestCharacters)
      })
    {
      return
    }
    if !isWaiting {
      digest.said = []
      digest.failure = nil
    }
    let stored = words.cut(to: SessionDigest.requestCharacters)
    let request = SessionDigest.Request(
      text: stored, at: at, call: digest.toolCalls, question: question.oneLine.cut(to: 300),
      source: source)
    // Said again, it is said now; what waits for its line may still be taken back by itself.
    if !isWaiting, let last = digest.requests.last, last.text == stored,
      last.question == request.question
    {
      digest.requests[digest.requests.count - 1] = request
      return
    }
    digest.requests.append(request)
    digest.story.ingest(person: words, to: question, asked, at: place)
    // What waits for its line comes again with it.
    if isWaiting { _ = digest.story.drainNews() } else { addNews() }
    let rules = TextScanner.sentences(in: Self.ownPart(of: words)).filter {
      $0.utf8.count <= 400 && !$0.hasSuffix("?") && TextScanner.isRule($0)
        && TextScanner.isProse($0)
    }
    // The newest of a message mostly say what it is about.
    for rule in rules.count > 12 ? rules.prefix(4) + rules.suffix(8) : rules[...]
    where !digest.rules.contains(where: { $0.text == rule }) {
      digest.rules.append(.init(text: rule, at: at))
    }
    mention(paths: TextScanner.paths(in: words), names: TextScanner.names(in: words), weight: 2)
  }

  /// A long message is mostly pasted: what the person says of it stands in front or behind.
  private static func ownPart(of words: String) -> String {
    guard words.utf8.count > 2400 else { return words }
    let bytes = Array(words.utf8)
    return String(decoding: bytes.prefix(500), as: UTF8.self) + "\n"
      + String(decoding: bytes.suffix(700), as: UTF8.self)
  }

  mutating func ingestReply(_ text: String) {
    let text = clean(text)
    guard !text.trimmed.isEmpty else { return }
    let first = entries.count
    add(.reply, actor: isSidechain ? "subagent" : "agent", body: text)
    if isSidechain { return }
    digest.noteSaid(text)
    if let early = digest.early, digest.said.contains(early.letters) {
      // A hook has brought these words already.
      if early.hash == EntryDraft.fingerprint(text) {
        digest.early = nil
        if !early.shown.isEmpty { return }
      } else {
        // It had the blocks of the message in one.
        if first < entries.count { entries[first].covers.append(early.sourceID) }
        digest.settleEarly()
      }
    }
    gather(reply: text)
  }

  /// What the host writes in the agent's name when a turn failed. A hook may have brought it as the
  /// agent's last words.
  mutating func ingestError(_ text: String) {
    if isSidechain { return }
    digest.failure = SessionDigest.letters(clean(text))
    guard let early = digest.early, early.letters == digest.failure else { return }
    entries.append(.fate(.disowned, of: early.sourceID))
    digest.settleEarly()
  }

  private static var replyBytes: Int { 1500 }

  private mutating func gather(reply text: String) {
    digest.story.ingest(agent: text, at: place)
    addNews()
    digest.replies.append(.init(text: text.cut(to: Self.replyBytes), call: digest.toolCalls))
    if digest.replies.count > 3 { digest.replies.removeFirst() }
    for sentence in TextScanner.sentences(in: text, limit: 60) where sentence.utf8.count <= 300 {
      if TextScanner.names(in: sentence, limit: 2).isEmpty { continue }
      let plain = sentence.withoutMarks
      digest.sentences.append(.init(text: plain, call: digest.toolCalls))
    }
    mention(paths: TextScanner.paths(in: text), names: TextScanner.names(in: text), weight: 1)
  }

  // MARK: Compaction

  mutating func noteBoundary(trigger: String, preTokens: Int?) {
    digest.boundaries.append(.init(line: line, trigger: trigger, preTokens: preTokens, at: at))
    // PostCompact may have brought the new summary before this line was written.
    if digest.summaryAt < at { digest.summary = nil }
  }

  /// The agent's last words, as a hook has them before the transcript may.
  ///
  /// - Returns: False if the transcript had them already.
  public mutating func ingestLastWords(_ text: String, at instant: Int64, position: Int) -> Bool {
    let words = clean(text)
    guard !words.trimmed.isEmpty else { return false }
    let letters = SessionDigest.letters(words)
    if digest.early?.letters == letters || digest.failure == letters
      || digest.said.contains(letters)
    {
      return false
    }
    gather(reply: words)
    digest.early = .init(
      hash: EntryDraft.fingerprint(words), letters: letters,
      shown: EntryDraft.fingerprint(words.cut(to: Self.replyBytes)))
    entries.append(
      EntryDraft(
        kind: .reply, sourceID: EntryDraft.awaited(.reply, words), actor: "agent",
        position: position, body: words, createdAt: instant))
    return true
  }

  /// The host's summary as the file has it.
  package mutating func ingestSummary(_ text: String) {
    ingestSummary(text, at: at)
    add(.summary, actor: "host", body: digest.summary ?? "")
  }

  public mutating func ingestSummary(_ text: String, at instant: Int64) {
    digest.summary = clean(text)
    digest.summaryAt = instant
  }
}
