public import MemoryStore

/// Takes a Claude Code transcript line by line into a digest, searchable entries and usage rows.
///
/// Source of the format: reference "agent-clis", section 3 (measured, 2.0.64 to 2.1.219).
public struct ClaudeTranscript: TranscriptGatherer {
  public var digest: SessionDigest
  public internal(set) var entries: [EntryDraft] = []
  /// One row for each API request of this reading, the last one of a response.
  public internal(set) var usage: [UsageRow] = []

  let redactor: Redactor
  var usageIndex: [String: Int] = [:]
  var line = 0
  var at: Int64 = 0
  var isSidechain = false
  private var uuid = ""
  private var blockNumber = 0

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
    noteTime(object["timestamp"])
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

  /// A file of a sub-agent names its parent session.
  public var sessionID: String? { digest.sessionIDs.last }

  private mutating func takeCircumstances(_ object: JSONValue) {
    if let id = object["sessionId"]?.string { noteSession(id) }
    if isSidechain { return }
    if let folder = object["cwd"]?.string { noteFolder(folder) }
    if let branch = object["gitBranch"]?.string, !branch.isEmpty { digest.branch = branch }
    if let version = object["version"]?.string { digest.version = version }
  }

  // MARK: The person

  private mutating func takeUser(_ object: JSONValue) {
    guard let content = object["message"]?["content"] else { return }
    if object["isCompactSummary"]?.bool == true {
      if let text = text(of: content) {
        takeSummary(text)
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
    if let words = PersonText.words(in: text) { takeWords(words) }
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

  private mutating func takeUsage(_ object: JSONValue, _ message: JSONValue) {
    guard let id = message["id"]?.string, let tokens = message["usage"], tokens.isObject,
      let model = message["model"]?.string, model != "<synthetic>"
    else { return }
    if !digest.models.contains(model), digest.models.count < 16 { digest.models.append(model) }
    let written = tokens["cache_creation_input_tokens"]?.int ?? 0
    let hour = tokens["cache_creation"]?["ephemeral_1h_input_tokens"]?.int ?? 0
    add(
      UsageRow(
        messageID: id, requestID: object["requestId"]?.string ?? "", model: model,
        input: tokens["input_tokens"]?.int ?? 0, output: tokens["output_tokens"]?.int ?? 0,
        cacheWrite5m: max(0, written - hour), cacheWrite1h: min(hour, written),
        cacheRead: tokens["cache_read_input_tokens"]?.int ?? 0, createdAt: at))
  }

  // MARK: Compaction and the rest

  private mutating func takeSystem(_ object: JSONValue) {
    guard object["subtype"]?.equals("compact_boundary") == true else { return }
    let details = object["compactMetadata"]
    noteBoundary(
      trigger: details?["trigger"]?.string ?? "auto", preTokens: details?["preTokens"]?.int)
  }

  private mutating func takeAttachment(_ object: JSONValue) {
    guard let attachment = object["attachment"],
      attachment["type"]?.equals("queued_command") == true,
      attachment["commandMode"].map({ $0.equals("prompt") }) ?? true,
      let prompt = attachment["prompt"], let text = text(of: prompt)
    else { return }
    takeRequest(text)
  }

  /// Lines without uuid cannot be told apart: their text is left out.
  mutating func nextSourceID() -> String? {
    guard !uuid.isEmpty else { return nil }
    defer { blockNumber += 1 }
    return blockNumber == 0 ? uuid : "\(uuid)#\(blockNumber)"
  }
}
