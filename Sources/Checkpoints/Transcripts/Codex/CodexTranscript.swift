public import Core
public import MemoryStore
public import Redaction
public import Syntax

/// Takes a Codex rollout line by line into a digest, searchable entries and usage rows.
///
/// Source of the format: reference "agent-clis", section 4 (measured on 0.118 and 0.141). The
/// conversation is read from `response_item` lines; those of `event_msg` say the same a second time,
/// but for the token counts.
public struct CodexTranscript: TranscriptGatherer {
  public var digest: SessionDigest
  public internal(set) var entries: [EntryDraft] = []
  public internal(set) var usage: [UsageRow] = []

  package let redactor: Redactor
  var usageIndex: [String: Int] = [:]
  package var line = 0
  package var at: Int64 = 0
  public var fileTime: Int64 = 0
  public var fileID: SessionID?
  var isSidechain: Bool { digest.isSubagent }
  package var isAbandoned = false
  var firstUntimed: Int?
  /// For JSON that stands in a string.
  package let tape = JSONTape()
  private var source = ""
  private var sourceNumber = 0

  /// - Parameter digest: Of the lines before, for the same file.
  public init(digest: SessionDigest = SessionDigest(), redactor: Redactor) {
    self.digest = digest
    self.digest.agent = TranscriptFormat.codex.rawValue
    self.digest.edition = SessionDigest.currentEdition
    at = digest.lineAt
    self.redactor = redactor
  }

  /// The file's own: a fork repeats its parent's `session_meta` behind it. Where the first line is
  /// damaged, the name of the file has it.
  public var sessionID: SessionID? {
    let first = digest.sessionIDs.first
    guard let fileID, first != fileID else { return first ?? fileID }
    return digest.sessionIDs.contains(fileID) || digest.codex.firstMeta != 1 ? fileID : first
  }

  public mutating func ingest(_ object: JSONValue, line: Int) {
    self.line = line
    ingestInPlace(object, line: line)
  }

  mutating func ingestLine(_ object: JSONValue) {
    guard let type = object["type"], let payload = object["payload"] else {
      ingestBare(object)
      return
    }
    noteTime(object["timestamp"])
    if type.equals("session_meta") {
      ingestMeta(payload, time(object["timestamp"]))
      return
    }
    if isRepeated, digest.isSubagent { return }
    let isEvent = type.equals("event_msg")
    if !isEvent || !CodexText.isPersonEvent(payload) { settleWaiting() }
    if type.equals("response_item") {
      ingestItem(payload)
    } else if isEvent {
      ingestEvent(payload)
    } else if type.equals("turn_context") {
      ingestTurn(payload)
    } else if type.equals("compacted") {
      noteBoundary(trigger: "auto", preTokens: nil)
      if let text = payload["message"]?.string, !text.trimmed.isEmpty { ingestSummary(text) }
    }
  }

  /// Lines have no ids. Two objects that were glued into one line differ in their time.
  var lineID: String? {
    // What is repeated is the parent's: it has the same name in both files.
    if isRepeated, let parent = digest.codex.parent {
      return "\(parent):\(line - digest.codex.parentLine + 1):\(at)"
    }
    return sessionID.map { "\($0):\(line):\(at)" }
  }

  mutating func nextSourceID() -> String? {
    guard let place = lineID else { return nil }
    sourceNumber = place == source ? sourceNumber + 1 : 0
    source = place
    return sourceNumber == 0 ? place : "\(place)#\(sourceNumber)"
  }

  // MARK: Circumstances

  /// A rollout of before the envelope: its items stand for themselves, without times, behind a line
  /// with the session's id.
  private mutating func ingestBare(_ object: JSONValue) {
    noteTime(object["timestamp"])
    if object["type"] != nil {
      settleWaiting()
      ingestItem(object)
    } else if object["id"] != nil, object["timestamp"] != nil {
      ingestMeta(object, time(object["timestamp"]))
    }
  }

  /// The line at hand is of the session that this one was forked from or spawned by: it is older
  /// than this one's beginning.
  private var isRepeated: Bool {
    digest.codex.parent != nil && digest.codex.beganAt > 0 && at < digest.codex.beganAt
  }

  private mutating func ingestMeta(_ payload: JSONValue, _ lineTime: Int64?) {
    guard let id = SessionID(payload["id"]?.string) else { return }
    if digest.sessionIDs.isEmpty { digest.codex.firstMeta = line }
    noteSession(id)
    guard id == sessionID else {
      digest.codex.parent = id
      digest.codex.parentLine = line
      return
    }
    if digest.codex.beganAt == 0 {
      digest.codex.beganAt = time(payload["timestamp"]) ?? lineTime ?? 0
    }
    if digest.codex.parent == nil,
      let parent = SessionID((payload["forked_from_id"] ?? payload["parent_thread_id"])?.string),
      parent != id
    {
      // Its own first line stands where the parent's stood.
      digest.codex.parent = parent
      digest.codex.parentLine = 1
    }
    if let folder = payload["cwd"]?.string { noteFolder(folder) }
    if let branch = payload["git"]?["branch"]?.string, !branch.isEmpty { digest.branch = branch }
    if let version = payload["cli_version"]?.string { digest.version = version }
    digest.isSubagent =
      payload["source"]?["subagent"] != nil || payload["thread_source"]?.equals("subagent") == true
  }

  private mutating func ingestTurn(_ payload: JSONValue) {
    if let folder = payload["cwd"]?.string { noteFolder(folder) }
    guard let model = payload["model"]?.string, model != digest.models.last else { return }
    // The last one is the one at work.
    digest.models.removeAll { $0 == model }
    digest.models = digest.models.suffix(15) + [model]
  }

  // MARK: Events

  private mutating func ingestEvent(_ payload: JSONValue) {
    guard let type = payload["type"] else { return }
    if type.equals("token_count") {
      if let info = payload["info"] { ingestTokens(info) }
    } else if let (telling, words) = CodexText.toldByEvent(payload) {
      ingestPersonEvent(words, telling)
    } else if type.equals("thread_rolled_back") {
      if line > digest.settledLines { digest.isAstray = true }
    } else if type.equals("context_compacted") {
      // It follows its `compacted` line, if there is one.
      if let last = digest.boundaries.last, at - last.at < 10_000 { return }
      noteBoundary(trigger: "auto", preTokens: nil)
    }
  }

  /// A row whose cumulative counts are those of the row before tells nothing new; without such rows
  /// the sum of what is said of each request is the cumulative count (measured, six files).
  private mutating func ingestTokens(_ info: JSONValue) {
    guard let total = info["total_token_usage"], let last = info["last_token_usage"],
      let sessionID
    else { return }
    let names: [StaticString] = [
      "input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens",
    ]
    let mark = names.map { String(total[$0]?.int ?? 0) }.joined(separator: "-")
    if mark == digest.tokenTotal { return }
    digest.tokenTotal = mark
    let counts = names.map { tokens(last[$0]) }
    let owner = isRepeated ? digest.codex.parent ?? sessionID : sessionID
    add(
      UsageRow(
        messageID: owner.rawValue, requestID: mark, model: digest.models.last ?? "unknown",
        input: counts[0], output: counts[2],
        cacheWrite5m: tokens(last["cache_write_input_tokens"]), cacheRead: counts[1],
        reasoning: counts[3], createdAt: at))
  }

  // MARK: Messages

  private mutating func ingestItem(_ item: JSONValue) {
    guard let type = item["type"] else { return }
    if type.equals("message") {
      ingestMessage(item)
    } else if type.equals("function_call") {
      ingestFunctionCall(item)
    } else if type.equals("custom_tool_call") {
      ingestCustomCall(item)
    } else if type.equals("local_shell_call") {
      ingestShell("shell", item["action"]?["command"], id: item["call_id"]?.string)
    } else if type.equals("web_search_call") {
      ingestWebSearch(item["action"])
    } else if type.equals("function_call_output") || type.equals("custom_tool_call_output") {
      ingestOutput(item)
    }
  }

  private mutating func ingestMessage(_ item: JSONValue) {
    guard let role = item["role"], let content = item["content"] else { return }
    let texts = CodexText.texts(of: content)
    if role.equals("assistant") {
      for text in texts { ingestReply(text) }
    } else if role.equals("user") {
      for text in texts {
        if let command = CodexText.shellInput(in: text) { ingestCommand(clean(command), id: nil) }
        if digest.cwd == nil, let folder = CodexText.folder(in: text) { noteFolder(folder) }
      }
      let words = texts.compactMap { CodexText.words(in: $0) }
      if !words.isEmpty { wait(for: words.joined(separator: "\n\n")) }
    }
  }

  // MARK: The person

  // A message in the person's name may be the harness's: warnings, summaries, notes about agents. An
  // event says what the person typed; it stands right behind the message, or right before it. Only
  // in rollouts that have no such events the message has to do.

  private mutating func wait(for words: String) {
    let words = clean(words)
    if isTold(words, by: .message) { return }
    digest.codex.waiting = words
    digest.codex.waitingLine = line
    digest.codex.waitingAt = at
  }

  private mutating func ingestPersonEvent(_ words: String, _ telling: CodexText.Telling) {
    digest.codex.hasPersonEvents = true
    let waiting = digest.codex.waiting
    digest.codex.waiting = nil
    if !isTold(clean(words), by: telling) {
      ingestWords(words)
    } else if let waiting {
      ingestWaiting(waiting)
    }
  }

  /// True if these words are those that a line of another kind has told just before.
  private mutating func isTold(_ words: String, by telling: CodexText.Telling) -> Bool {
    let mark = SessionDigest.letters(words)
    if digest.codex.told == mark, digest.codex.toldBy & telling.rawValue == 0 {
      digest.codex.toldBy |= telling.rawValue
      return true
    }
    digest.codex.told = mark
    digest.codex.toldBy = telling.rawValue
    return false
  }

  /// The line after a message is not the event about it.
  private mutating func settleWaiting() {
    guard let words = digest.codex.waiting else { return }
    digest.codex.waiting = nil
    if digest.codex.hasPersonEvents {
      digest.codex.told = nil
      return
    }
    ingestWaiting(words)
  }

  /// Takes the words of a message that waited, at the message's own place.
  private mutating func ingestWaiting(_ words: String) {
    let here = (line, at)
    (line, at) = (digest.codex.waitingLine, digest.codex.waitingAt)
    ingestWords(words)
    (line, at) = here
  }

  public mutating func finish() {
    if !digest.codex.hasPersonEvents { settleWaiting() }
    finishReading()
  }
}
