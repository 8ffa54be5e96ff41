import MemoryStore

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

  mutating func takeLine(_ object: JSONValue)

  /// An id for the next entry of the line at hand, the same at every reading; nil if there is none.
  mutating func nextSourceID() -> String?
}

/// How a tool call ended.
enum CallEnding {
  case succeeded, failed
  /// A person said no, or stopped it before it ran.
  case refused
  /// A rule, a hook or the host did not let it run.
  case blocked
  /// A person stopped it while it ran.
  case interrupted
}

extension TranscriptGatherer {
  func clean(_ text: String) -> String { redactor.redact(text) }

  public mutating func finish() { finishReading() }

  mutating func finishReading() {
    // A file without any time is as old as its last change.
    if at == 0 { settleTimes(fileTime) }
    digest.trim()
  }

  mutating func takeInPlace(_ object: JSONValue, line: Int) {
    if digest.isAbandoned(line) {
      takeBack { $0.takeLine(object) }
    } else {
      takeLine(object)
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
  func time(_ value: JSONValue?) -> Int64? {
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

  mutating func noteSession(_ id: String) {
    guard digest.sessionIDs.count < 16, !digest.sessionIDs.contains(id) else { return }
    digest.sessionIDs.append(id)
  }

  mutating func noteFolder(_ folder: String) {
    guard !folder.isEmpty, folder != digest.cwd else { return }
    digest.cwd = folder
    if digest.root == nil { digest.root = folder }
  }

  // MARK: Entries and usage

  mutating func add(_ kind: String, actor: String, title: String = "", body: String) {
    guard let id = nextSourceID() else { return }
    if at == 0, firstUntimed == nil { firstUntimed = entries.count }
    var entry = EntryDraft(
      kind: kind, sourceID: id, actor: actor, position: line, title: title, body: body,
      createdAt: at)
    entry.isAbandoned = isAbandoned
    entries.append(entry)
  }

  /// What was done is searchable; what was only looked at stands in the digest.
  mutating func note(_ tool: String, _ text: String, title: String = "") {
    add(
      "tool", actor: isSidechain ? "subagent" : "agent",
      title: title.isEmpty ? tool : "\(tool): \(title)", body: text)
  }

  /// The last row of a request stands for it.
  mutating func add(_ row: UsageRow) {
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
  mutating func takeWords(_ words: String, to question: String = "", isWaiting: Bool = false) {
    let words = clean(words)
    guard !words.isEmpty else { return }
    let question = clean(question)
    let first = entries.count
    add(
      isSidechain ? "prompt" : "request", actor: isSidechain ? "agent" : "person", title: question,
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
    let rules = TextScanner.sentences(in: words).filter {
      $0.utf8.count <= 400 && TextScanner.isRule($0)
    }
    for rule in rules.prefix(12) where !digest.rules.contains(where: { $0.text == rule }) {
      digest.rules.append(.init(text: rule, at: at))
    }
    mention(paths: TextScanner.paths(in: words), names: TextScanner.names(in: words), weight: 2)
  }

  mutating func takeReply(_ text: String) {
    let text = clean(text)
    guard !text.trimmed.isEmpty else { return }
    let first = entries.count
    add("reply", actor: isSidechain ? "subagent" : "agent", body: text)
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
  mutating func takeError(_ text: String) {
    if isSidechain { return }
    digest.failure = SessionDigest.letters(clean(text))
    guard let early = digest.early, early.letters == digest.failure else { return }
    entries.append(.fate(.disowned, of: early.sourceID))
    digest.settleEarly()
  }

  private static var replyBytes: Int { 1500 }

  private mutating func gather(reply text: String) {
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
  public mutating func takeLastWords(_ text: String, at instant: Int64, position: Int) -> Bool {
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
        kind: "reply", sourceID: EntryDraft.awaited("reply", words), actor: "agent",
        position: position, body: words, createdAt: instant))
    return true
  }

  /// The host's summary as the file has it.
  mutating func takeSummary(_ text: String) {
    takeSummary(text, at: at)
    add("summary", actor: "host", body: digest.summary ?? "")
  }

  public mutating func takeSummary(_ text: String, at instant: Int64) {
    digest.summary = clean(text)
    digest.summaryAt = instant
  }

  // MARK: Calls

  mutating func nextCall(id: String?, tool: String) {
    if isSidechain { return }
    digest.toolCalls += 1
    digest.signals.toolCalls += 1
    let gap = digest.lastCallAt > 0 ? at - digest.lastCallAt : 0
    digest.signals.longestGap = max(digest.signals.longestGap, gap)
    digest.lastCallAt = at
    if let id { digest.pending.append(.init(id: id, tool: tool, isAbandoned: isAbandoned)) }
  }

  /// A call that did not do its work left no file and no plan behind; one that was not run at all is no
  /// command that was run.
  mutating func settle(_ call: SessionDigest.PendingCall, _ ending: CallEnding) {
    for key in call.commands {
      switch ending {
      case .succeeded: digest.commands[key]?.outcome = .succeeded
      // Which of several it was that failed is not said, nor whether the others ran.
      case .failed: digest.commands[key]?.outcome = call.commands.count > 1 ? .unknown : .failed
      case .interrupted: digest.commands[key]?.outcome = .unknown
      case .refused, .blocked:
        digest.commands[key]?.outcome = .unknown
        digest.commands[key]?.count -= 1
        if let use = digest.commands[key], use.count <= 0 { digest.commands[key] = nil }
      }
    }
    if ending == .succeeded || ending == .interrupted { return }
    // A script may have written before it failed.
    if ending == .failed, !call.commands.isEmpty { return }
    for path in call.edited {
      guard var use = digest.files[path], use.edits > 0 else { continue }
      use.edits -= 1
      digest.signals.repositoryWrites = max(0, digest.signals.repositoryWrites - 1)
      if use.edits == 0 {
        use.lastEdit = 0
        use.symbols = []
      }
      digest.files[path] = use.uses + use.listings > 0 ? use : nil
    }
    if call.replacesPlan { digest.todos = call.formerTodos }
    for task in call.formerTasks {
      if let index = digest.tasks.firstIndex(where: { $0.id == task.id }) {
        digest.tasks[index] = task
      } else {
        digest.tasks.append(task)
      }
    }
  }

  mutating func setPending(_ change: (inout SessionDigest.PendingCall) -> Void) {
    guard !digest.pending.isEmpty else { return }
    change(&digest.pending[digest.pending.count - 1])
  }

  /// A tool of which nothing else is known: its short texts are searchable.
  mutating func takeOther(_ tool: String, _ input: JSONValue) {
    var texts: [String] = []
    input.forEachMember { _, value in
      if value.isString, value.rawUTF8.count <= 4096, let text = value.string {
        texts.append(text)
      }
    }
    let text = clean(texts.joined(separator: "\n"))
    if !text.isEmpty { note(tool, text.cut(to: 2000)) }
    if !isSidechain {
      mention(paths: TextScanner.paths(in: text, limit: 20), names: [], weight: 0)
    }
  }

  /// The whole plan anew, as TodoWrite and `update_plan` give it.
  mutating func replacePlan(_ items: [JSONValue], text key: StaticString) {
    let former = digest.todos
    setPending {
      $0.replacesPlan = true
      $0.formerTodos = former
    }
    digest.todos = items.prefix(200).compactMap { item in
      guard let text = item[key]?.string,
        item["status"]?.string.map(DroppedItem.isStatus) != true
      else { return nil }
      return .init(
        id: nil, text: clean(text).cut(to: 300), state: Self.state(item["status"]) ?? .pending)
    }
  }

  static func state(_ value: JSONValue?) -> SessionDigest.PlanItem.State? {
    value?.string.flatMap { SessionDigest.PlanItem.State(rawValue: $0) }
  }

  // MARK: Files

  /// - Parameter code: What was taken out and put in.
  mutating func noteEdit(_ path: String, code: String) {
    let code = clean(code)
    let names = TextScanner.names(in: code)
    var symbols = Array(TextScanner.symbols(in: code).prefix(6))
    for name in names where symbols.count < 12 && !symbols.contains(name) { symbols.append(name) }
    let call = digest.toolCalls
    let key = relative(path)
    setPending { $0.path = key }
    touch(path) { file in
      file.edits += 1
      file.lastEdit = call
      file.symbols.removeAll { symbols.contains($0) }
      file.symbols += symbols
      if file.symbols.count > 24 { file.symbols.removeFirst(file.symbols.count - 24) }
    }
    digest.signals.repositoryWrites += 1
    setPending { $0.edited.append(key) }
    noteRepository(of: path)
    // A plan or a note that is written down names the files that come next.
    let isProse = path.hasSuffix(".md") || path.hasSuffix(".txt")
    mention(paths: isProse ? TextScanner.paths(in: code) : [], names: names, weight: 0.5)
  }

  /// Weighted signal "≥ 3 repositories": told apart by the folder below the common parent, as the
  /// transcript does not say where a repository begins.
  private mutating func noteRepository(of path: String) {
    let root = digest.root ?? ""
    let depth = max(root.split(separator: "/").count, 2)
    let isInside = !path.hasPrefix("/") || path.hasPrefix(root)
    let place =
      isInside ? root : "/" + path.split(separator: "/").prefix(depth).joined(separator: "/")
    guard digest.signals.repositories.count < 8, !digest.signals.repositories.contains(place)
    else { return }
    digest.signals.repositories.append(place)
  }

  mutating func mention(paths: [String], names: [String], weight: Double) {
    for path in paths { touch(path) { $0.mentions += 1 } }
    let now = digest.toolCalls
    for name in names {
      let known = digest.names[name]
      digest.names[name] = .init(weight: (known?.weight(at: now) ?? 0) + weight, call: now)
    }
  }

  mutating func touch(_ path: String, _ change: (inout SessionDigest.FileUse) -> Void) {
    let key = relative(path)
    guard !key.isEmpty else { return }
    let (call, at, line) = (digest.toolCalls, at, line)
    change(&digest.files[key, default: .init()])
    digest.files[key]?.lastCall = call
    digest.files[key]?.at = at
    digest.files[key]?.line = line
  }

  /// The path below the session's first folder, with `/` also where Windows wrote `\`.
  func relative(_ path: String) -> String {
    func slashed(_ path: String) -> String {
      path.utf8.contains(UInt8(ascii: "\\")) ? path.replacing("\\", with: "/") : path
    }
    var path = slashed(path)
    if path.hasPrefix("./") { path.removeFirst(2) }
    guard let root = digest.root.map(slashed), path.hasPrefix(root),
      path.utf8.dropFirst(root.utf8.count).first == UInt8(ascii: "/")
    else { return path }
    return String(path.dropFirst(root.count + 1))
  }

  // MARK: Commands

  mutating func takeCommand(_ line: String, id: String?) {
    var keys: [String] = []
    for command in ShellCommand.commands(in: line) {
      if !keys.contains(command.key) { keys.append(command.key) }
      var use = digest.commands[command.key] ?? .init(text: command.text)
      use.text = command.text.cut(to: 300)
      use.count += 1
      use.lastCall = digest.toolCalls
      use.outcome = .unknown
      use.at = at
      digest.commands[command.key] = use
    }
    // A script of the project's may commit, too; what only looks does not.
    let commits = !keys.isEmpty || Self.committing.contains { line.contains($0) }
    if id != nil {
      setPending {
        $0.commands = keys
        $0.commits = commits
      }
    }
    let paths = ShellCommand.words(in: line).compactMap { TextScanner.path($0) }
    mention(paths: paths, names: TextScanner.names(in: line, limit: 40), weight: 0.5)
    if line.contains("git commit") || line.contains("git push") {
      digest.signals.repositoryWrites += 1
    }
  }

  private static var committing: [String] {
    ["commit", "merge", "cherry-pick", "revert", "rebase", "pull", " am "]
  }

  /// Paths in a tool's output: seldom needed, but a file beside one that was edited often is.
  mutating func list(_ output: String) {
    let call = digest.toolCalls
    for path in TextScanner.paths(in: output, limit: 60) {
      let key = relative(path)
      digest.files[key, default: .init(lastCall: call)].listings += 1
    }
  }

  mutating func takeFailure(of call: SessionDigest.PendingCall, _ text: String) {
    let text = clean(text)
    add("failure", actor: "tool", title: call.tool, body: text.cut(to: 2000))
    digest.lastFailure = .init(
      tool: call.commands.last ?? call.tool, text: text.oneLine.cut(to: 400),
      call: digest.toolCalls, at: at, line: line, path: call.path)
  }

  /// What failed on a file and was done to it afterwards is no news.
  mutating func takeSuccess(of call: SessionDigest.PendingCall) {
    guard let failure = digest.lastFailure, !failure.path.isEmpty, failure.tool == call.tool,
      failure.path == call.path
    else { return }
    digest.lastFailure = nil
  }

  /// `[branch 1a2b3c4] subject`, as git prints it after a commit.
  mutating func takeCommits(in output: String) {
    guard output.utf8.count < 100_000, output.utf8.contains(UInt8(ascii: "[")) else { return }
    for line in output.split(separator: "\n") where line.hasPrefix("[") {
      guard let close = line.firstIndex(of: "]") else { continue }
      let words = line[line.index(after: line.startIndex)..<close].split(separator: " ")
      guard let hash = words.last, words.count >= 2, (7...40).contains(hash.utf8.count),
        hash.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
      else { continue }
      let subject = clean(String(line[line.index(after: close)...].trimmed)).cut(to: 120)
      digest.commits.append(.init(hash: String(hash), subject: subject, at: at))
    }
  }
}
