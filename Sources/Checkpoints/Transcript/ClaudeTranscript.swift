public import MemoryStore

/// Takes a Claude Code transcript line by line into a digest, searchable entries and usage rows.
///
/// Source of the format: reference "agent-clis", section 3 (measured, 2.0.64 to 2.1.219).
public struct ClaudeTranscript {
  public var digest: SessionDigest
  public private(set) var entries: [EntryDraft] = []
  /// One row for each API request of this reading, the last one of a response.
  public private(set) var usage: [UsageRow] = []

  let redactor: Redactor
  private var usageIndex: [String: Int] = [:]
  private var line = 0
  private var at: Int64 = 0
  private var uuid = ""
  private var blockNumber = 0
  private var isSidechain = false

  /// - Parameter digest: Of the lines before, for the same file.
  public init(digest: SessionDigest = SessionDigest(), redactor: Redactor) {
    self.digest = digest
    self.redactor = redactor
  }

  /// Takes one line's object. Unknown types and fields are passed over: both grow.
  public mutating func take(_ object: JSONValue, line: Int) {
    guard let type = object["type"] else { return }
    self.line = line
    if type.equals("progress") || type.equals("file-history-snapshot") { return }
    if let time = object["timestamp"]?.string.flatMap({ Timestamp.milliseconds($0) }) {
      at = time
      if digest.firstAt == 0 { digest.firstAt = time }
      digest.lastAt = max(digest.lastAt, time)
    }
    uuid = object["uuid"]?.string ?? ""
    blockNumber = 0
    isSidechain = object["isSidechain"]?.bool ?? false
    takeCircumstances(object)
    if type.equals("user") {
      takeUser(object)
    } else if type.equals("assistant") {
      takeAssistant(object)
    } else if type.equals("system") {
      takeSystem(object)
    } else if type.equals("attachment") {
      takeAttachment(object)
    } else if type.equals("ai-title") || type.equals("custom-title") {
      digest.title =
        (object["title"] ?? object["aiTitle"] ?? object["customTitle"])?.string.map(clean)
        ?? digest.title
    }
  }

  /// Ends a reading: brings the digest back within its bounds.
  public mutating func finish() {
    digest.trim()
  }

  private mutating func takeCircumstances(_ object: JSONValue) {
    if let id = object["sessionId"]?.string, !digest.sessionIDs.contains(id),
      digest.sessionIDs.count < 16
    {
      digest.sessionIDs.append(id)
    }
    if isSidechain { return }
    if let cwd = object["cwd"]?.string, !cwd.isEmpty, cwd != digest.cwd {
      digest.cwd = cwd
      if digest.root == nil { digest.root = cwd }
    }
    if let branch = object["gitBranch"]?.string, !branch.isEmpty { digest.branch = branch }
    if let version = object["version"]?.string { digest.version = version }
  }

  // MARK: The person

  private mutating func takeUser(_ object: JSONValue) {
    guard let content = object["message"]?["content"] else { return }
    if object["isCompactSummary"]?.bool == true {
      if let text = text(of: content) {
        takeSummary(text, at: at)
        add("summary", actor: "host", body: clean(text))
      }
      return
    }
    for block in content.elements where block["type"]?.equals("tool_result") == true {
      takeResult(block, details: object["toolUseResult"])
    }
    guard object["isMeta"]?.bool != true, object["isVisibleInTranscriptOnly"]?.bool != true,
      let text = text(of: content)
    else { return }
    if let input = PersonText.shellInput(in: text), !isSidechain {
      takeCommand(clean(input), id: nil)
    }
    takeRequest(text)
  }

  private mutating func takeRequest(_ text: String) {
    guard let words = PersonText.words(in: text).map(clean), !words.isEmpty else { return }
    add(isSidechain ? "prompt" : "request", actor: isSidechain ? "agent" : "person", body: words)
    if isSidechain { return }
    // The client writes a queued prompt twice: when it is queued and when it is taken.
    let stored = words.cut(to: SessionDigest.requestCharacters)
    if digest.requests.last?.text == stored { return }
    digest.requests.append(.init(text: stored, at: at, call: digest.toolCalls))
    let rules = TextScanner.sentences(in: words).filter {
      $0.utf8.count <= 400 && TextScanner.isRule($0)
    }
    for rule in rules.prefix(12) where !digest.rules.contains(where: { $0.text == rule }) {
      digest.rules.append(.init(text: rule, at: at))
    }
    mention(paths: TextScanner.paths(in: words), names: TextScanner.names(in: words), weight: 2)
  }

  private func text(of content: JSONValue) -> String? {
    if let text = content.string { return text }
    let texts = content.elements.compactMap {
      $0["type"]?.equals("text") == true ? $0["text"]?.string : nil
    }
    return texts.isEmpty ? nil : texts.joined(separator: "\n\n")
  }

  // MARK: The agent

  private mutating func takeAssistant(_ object: JSONValue) {
    guard let message = object["message"] else { return }
    takeUsage(object, message)
    if object["isApiErrorMessage"]?.bool == true { return }
    guard let content = message["content"] else { return }
    if let text = content.string { takeReply(text) }
    for block in content.elements {
      if block["type"]?.equals("text") == true {
        if let text = block["text"]?.string { takeReply(text) }
      } else if block["type"]?.equals("tool_use") == true {
        takeCall(block)
      }
    }
  }

  private mutating func takeReply(_ text: String) {
    let text = clean(text)
    guard !text.trimmed.isEmpty else { return }
    add("reply", actor: isSidechain ? "subagent" : "agent", body: text)
    if isSidechain { return }
    digest.replies.append(.init(text: text.cut(to: 1500), call: digest.toolCalls))
    if digest.replies.count > 3 { digest.replies.removeFirst() }
    for sentence in TextScanner.sentences(in: text, limit: 60) where sentence.utf8.count <= 300 {
      if TextScanner.names(in: sentence, limit: 2).isEmpty { continue }
      let plain = sentence.replacing("`", with: "").replacing("**", with: "")
      digest.sentences.append(.init(text: plain, call: digest.toolCalls))
    }
    mention(paths: TextScanner.paths(in: text), names: TextScanner.names(in: text), weight: 1)
  }

  private mutating func takeUsage(_ object: JSONValue, _ message: JSONValue) {
    guard let id = message["id"]?.string, let tokens = message["usage"], tokens.isObject,
      let model = message["model"]?.string, model != "<synthetic>"
    else { return }
    if !digest.models.contains(model), digest.models.count < 16 { digest.models.append(model) }
    let written = tokens["cache_creation_input_tokens"]?.int ?? 0
    let hour = tokens["cache_creation"]?["ephemeral_1h_input_tokens"]?.int ?? 0
    let row = UsageRow(
      messageID: id, requestID: object["requestId"]?.string ?? "", model: model,
      input: tokens["input_tokens"]?.int ?? 0, output: tokens["output_tokens"]?.int ?? 0,
      cacheWrite5m: max(0, written - hour), cacheWrite1h: min(hour, written),
      cacheRead: tokens["cache_read_input_tokens"]?.int ?? 0, createdAt: at)
    let key = row.messageID + "\u{0}" + row.requestID
    if let index = usageIndex[key] {
      usage[index] = row
    } else {
      usageIndex[key] = usage.count
      usage.append(row)
    }
  }

  // MARK: Compaction and the rest

  private mutating func takeSystem(_ object: JSONValue) {
    guard object["subtype"]?.equals("compact_boundary") == true else { return }
    let details = object["compactMetadata"]
    digest.boundaries.append(
      .init(
        line: line, trigger: details?["trigger"]?.string ?? "auto",
        preTokens: details?["preTokens"]?.int, at: at))
    // PostCompact may have brought the new summary before this line was written.
    if digest.summaryAt < at { digest.summary = nil }
  }

  /// The host's summary, from the transcript or from PostCompact's `compact_summary`.
  ///
  /// - Parameter instant: Unix time in ms.
  public mutating func takeSummary(_ text: String, at instant: Int64) {
    digest.summary = clean(text)
    digest.summaryAt = instant
  }

  private mutating func takeAttachment(_ object: JSONValue) {
    guard let attachment = object["attachment"],
      attachment["type"]?.equals("queued_command") == true,
      attachment["commandMode"].map({ $0.equals("prompt") }) ?? true,
      let prompt = attachment["prompt"], let text = text(of: prompt)
    else { return }
    takeRequest(text)
  }

  // MARK: Shared

  func clean(_ text: String) -> String { redactor.redact(text) }

  /// Adds a searchable entry; lines without uuid cannot be told apart and are left out.
  mutating func add(_ kind: String, actor: String, title: String = "", body: String) {
    guard !uuid.isEmpty else { return }
    let id = blockNumber == 0 ? uuid : "\(uuid)#\(blockNumber)"
    blockNumber += 1
    entries.append(
      EntryDraft(
        kind: kind, sourceID: id, actor: actor, position: line, title: title, body: body,
        createdAt: at))
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
    change(&digest.files[key, default: .init()])
    digest.files[key]?.lastCall = digest.toolCalls
    digest.files[key]?.at = at
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

  mutating func nextCall(id: String?, tool: String) {
    if isSidechain { return }
    digest.toolCalls += 1
    digest.signals.toolCalls += 1
    let gap = digest.lastCallAt > 0 ? at - digest.lastCallAt : 0
    digest.signals.longestGap = max(digest.signals.longestGap, gap)
    digest.lastCallAt = at
    if let id { digest.pending.append(.init(id: id, tool: tool)) }
  }

  var isInSidechain: Bool { isSidechain }
  var time: Int64 { at }
}
