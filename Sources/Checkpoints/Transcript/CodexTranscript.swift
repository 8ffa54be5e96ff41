public import MemoryStore

/// Takes a Codex rollout line by line into a digest, searchable entries and usage rows.
///
/// Source of the format: reference "agent-clis", section 4 (measured on 0.118 and 0.141). The
/// conversation is read from `response_item` lines; those of `event_msg` say the same a second time,
/// but for the token counts.
public struct CodexTranscript: TranscriptGatherer {
  public var digest: SessionDigest
  public internal(set) var entries: [EntryDraft] = []
  public internal(set) var usage: [UsageRow] = []

  let redactor: Redactor
  var usageIndex: [String: Int] = [:]
  var line = 0
  var at: Int64 = 0
  var isSidechain: Bool { digest.isSubagent }
  /// For JSON that stands in a string.
  let tape = JSONTape()
  private var source = ""
  private var sourceNumber = 0

  /// - Parameter digest: Of the lines before, for the same file.
  public init(digest: SessionDigest = SessionDigest(), redactor: Redactor) {
    self.digest = digest
    self.digest.agent = TranscriptFormat.codex.rawValue
    self.redactor = redactor
  }

  /// The file's own: a fork repeats its parent's `session_meta` behind it.
  public var sessionID: String? { digest.sessionIDs.first }

  public mutating func take(_ object: JSONValue, line: Int) {
    guard let type = object["type"], let payload = object["payload"] else { return }
    self.line = line
    noteTime(object["timestamp"])
    if type.equals("response_item") {
      takeItem(payload)
    } else if type.equals("event_msg") {
      takeEvent(payload)
    } else if type.equals("turn_context") {
      takeTurn(payload)
    } else if type.equals("session_meta") {
      takeMeta(payload)
    } else if type.equals("compacted") {
      noteBoundary(trigger: "auto", preTokens: nil)
      if let text = payload["message"]?.string, !text.trimmed.isEmpty { takeSummary(text) }
    }
  }

  /// Lines have no ids. Two objects that were glued into one line differ in their time.
  mutating func nextSourceID() -> String? {
    guard let sessionID else { return nil }
    let place = "\(sessionID):\(line):\(at)"
    sourceNumber = place == source ? sourceNumber + 1 : 0
    source = place
    return sourceNumber == 0 ? place : "\(place)#\(sourceNumber)"
  }

  // MARK: Circumstances

  private mutating func takeMeta(_ payload: JSONValue) {
    guard let id = payload["id"]?.string else { return }
    noteSession(id)
    guard id == sessionID else { return }
    if let folder = payload["cwd"]?.string { noteFolder(folder) }
    if let branch = payload["git"]?["branch"]?.string, !branch.isEmpty { digest.branch = branch }
    if let version = payload["cli_version"]?.string { digest.version = version }
    digest.isSubagent =
      payload["source"]?["subagent"] != nil || payload["thread_source"]?.equals("subagent") == true
  }

  private mutating func takeTurn(_ payload: JSONValue) {
    if let folder = payload["cwd"]?.string { noteFolder(folder) }
    guard let model = payload["model"]?.string, model != digest.models.last else { return }
    // The last one is the one at work.
    digest.models.removeAll { $0 == model }
    digest.models = digest.models.suffix(15) + [model]
  }

  // MARK: Events

  private mutating func takeEvent(_ payload: JSONValue) {
    guard let type = payload["type"] else { return }
    if type.equals("token_count") {
      if let info = payload["info"] { takeTokens(info) }
    } else if type.equals("context_compacted") {
      // It follows its `compacted` line, if there is one.
      if let last = digest.boundaries.last, at - last.at < 10_000 { return }
      noteBoundary(trigger: "auto", preTokens: nil)
    }
  }

  /// A row whose cumulative counts are those of the row before tells nothing new; without such rows
  /// the sum of what is said of each request is the cumulative count (measured, six files).
  private mutating func takeTokens(_ info: JSONValue) {
    guard let total = info["total_token_usage"], let last = info["last_token_usage"],
      let sessionID
    else { return }
    let names: [StaticString] = [
      "input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens",
    ]
    let mark = names.map { String(total[$0]?.int ?? 0) }.joined(separator: "-")
    if mark == digest.tokenTotal { return }
    digest.tokenTotal = mark
    let counts = names.map { last[$0]?.int ?? 0 }
    add(
      UsageRow(
        messageID: sessionID, requestID: mark, model: digest.models.last ?? "unknown",
        input: counts[0], output: counts[2],
        cacheWrite5m: last["cache_write_input_tokens"]?.int ?? 0, cacheRead: counts[1],
        reasoning: counts[3], createdAt: at))
  }

  // MARK: Messages

  private mutating func takeItem(_ item: JSONValue) {
    guard let type = item["type"] else { return }
    if type.equals("message") {
      takeMessage(item)
    } else if type.equals("function_call") {
      takeFunctionCall(item)
    } else if type.equals("custom_tool_call") {
      takeCustomCall(item)
    } else if type.equals("local_shell_call") {
      takeShell("shell", item["action"]?["command"], id: item["call_id"]?.string)
    } else if type.equals("web_search_call") {
      takeWebSearch(item["action"])
    } else if type.equals("function_call_output") || type.equals("custom_tool_call_output") {
      takeOutput(item)
    }
  }

  private mutating func takeMessage(_ item: JSONValue) {
    guard let role = item["role"], let content = item["content"] else { return }
    let texts =
      content.string.map { [$0] } ?? content.elements.compactMap { $0["text"]?.string }
    if role.equals("assistant") {
      for text in texts { takeReply(text) }
    } else if role.equals("user") {
      for text in texts {
        if let command = CodexText.shellInput(in: text) { takeCommand(clean(command), id: nil) }
      }
      let words = texts.compactMap { CodexText.words(in: $0) }
      if !words.isEmpty { takeWords(words.joined(separator: "\n\n")) }
    }
  }
}
