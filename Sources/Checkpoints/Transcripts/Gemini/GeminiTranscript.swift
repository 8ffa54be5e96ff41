public import Core
public import MemoryStore
public import Redaction
public import Syntax

/// Takes a chat of Gemini CLI into a digest, searchable entries and usage rows: line by line in the
/// newer form, as one object with all messages in the older one.
///
/// Source of the format: reference "agent-clis", section 5.
public struct GeminiTranscript: TranscriptGatherer {
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
  let tape = JSONTape()
  /// The message or the call at hand.
  var source = ""
  private var sourceNumber = 0

  /// - Parameter digest: Of the lines before, for the same file.
  public init(digest: SessionDigest = SessionDigest(), redactor: Redactor) {
    self.digest = digest
    self.digest.agent = TranscriptFormat.gemini.rawValue
    self.digest.edition = SessionDigest.currentEdition
    at = digest.lineAt
    self.redactor = redactor
  }

  public var sessionID: SessionID? { digest.sessionIDs.first ?? fileID }

  public mutating func ingest(_ object: JSONValue, line: Int) {
    self.line = line
    ingestInPlace(object, line: line)
  }

  mutating func ingestLine(_ object: JSONValue) {
    if let set = object["$set"] {
      replaceConversation(set)
    } else if object["$rewindTo"] != nil {
      if line > digest.settledLines { digest.isAstray = true }
    } else if object["type"] != nil {
      ingestMessage(object)
    } else if let id = SessionID(object["sessionId"]?.string) {
      ingestHead(object, id)
    }
  }

  /// A call has a name of its own within its message, as it may come later than the message.
  var lineID: String? { source.isEmpty ? nil : source }

  mutating func nextSourceID() -> String? {
    guard let lineID else { return nil }
    defer { sourceNumber += 1 }
    return sourceNumber == 0 ? lineID : "\(lineID)#\(sourceNumber)"
  }

  mutating func begin(_ source: String) {
    self.source = source
    sourceNumber = 0
  }

  // MARK: The conversation

  private mutating func ingestHead(_ object: JSONValue, _ id: SessionID) {
    noteSession(id)
    digest.isSubagent = object["kind"]?.equals("subagent") == true
    noteTime(object["startTime"])
    guard let messages = object["messages"] else { return }
    let first = line
    var offset = 0
    for message in messages.elements {
      let place = message.lineBreaks(from: offset)
      line += place.count
      offset = place.offset
      ingestMessage(message)
    }
    line = first
  }

  /// A `$set` with messages says what the model sees from now on: of a compression, which brings a
  /// summary, or of a result that was cut, or of a session that was taken up. What stood before is kept,
  /// and of the messages only what is new is taken.
  private mutating func replaceConversation(_ set: JSONValue) {
    guard let messages = set["messages"], messages.isArray else { return }
    let known = digest.gemini.newestAt
    let summaries = messages.elements.prefix(4).compactMap {
      GeminiText.summary(in: GeminiText.texts(of: $0["content"]))
    }
    if known > 0, let summary = summaries.first, clean(summary) != digest.summary {
      noteTime(set["lastUpdated"])
      noteBoundary(trigger: "auto", preTokens: nil)
      if let id = sessionID { begin("\(id):\(line):\(at)") }
      ingestSummary(summary)
    }
    for message in messages.elements {
      let id = message["id"]?.string
      let isNew = known == 0 || (time(message["timestamp"]) ?? 0) > known
      if isNew || digest.gemini.rows.contains(where: { $0.id == id }) { ingestMessage(message) }
    }
  }

  private mutating func ingestMessage(_ message: JSONValue) {
    guard let type = message["type"] else { return }
    noteTime(message["timestamp"])
    digest.gemini.newestAt = max(digest.gemini.newestAt, at)
    let id = message["id"]?.string ?? sessionID.map { "\($0):\(line):\(at)" } ?? ""
    begin(id)
    if type.equals("user") {
      ingestUser(message, id)
    } else if type.equals("gemini") {
      ingestAgent(message, id)
    } else if type.equals("error") {
      if isNew(id, message) {
        ingestError(GeminiText.texts(of: message["content"]).joined(separator: "\n"))
      }
    }
  }

  /// Notes the message with its text; false if it was taken with the same text before.
  private mutating func isNew(_ id: String, _ message: JSONValue) -> Bool {
    var row = digest.gemini.rows.last { $0.id == id } ?? .init(id: id)
    let text = GeminiText.texts(of: message["content"]).joined(separator: "\n")
    let mark = text.isEmpty ? "" : EntryDraft.fingerprint(clean(text))
    let isNew = row.text != mark
    row.text = mark
    digest.gemini.note(row)
    return isNew
  }

  // MARK: The person

  private mutating func ingestUser(_ message: JSONValue, _ id: String) {
    guard isNew(id, message) else { return }
    let texts = GeminiText.texts(of: message["content"])
    if let folder = texts.lazy.compactMap({ GeminiText.folder(in: $0) }).first,
      digest.root == nil, !isSidechain
    {
      noteFolder(folder)
    }
    for text in texts {
      if let command = GeminiText.shellInput(in: text), !isSidechain {
        ingestCommand(clean(command), id: nil)
      }
    }
    if let words = GeminiText.words(in: texts) { ingestWords(words) }
  }

  // MARK: The agent

  private mutating func ingestAgent(_ message: JSONValue, _ id: String) {
    ingestUsage(message, id)
    if isNew(id, message) {
      let text = GeminiText.texts(of: message["content"]).joined(separator: "\n\n")
      // The whole of a message that was written while it was recorded takes the place of its part.
      entries.removeAll { $0.sourceID == id && $0.kind == .reply }
      ingestReply(text)
    }
    for call in message["toolCalls"]?.elements ?? [] { ingestCall(call, of: id) }
  }

  /// `input` has what was cached in it; `thoughts` are paid as output and not in it, and what tools
  /// put into the prompt is not in `input`.
  private mutating func ingestUsage(_ message: JSONValue, _ id: String) {
    guard let counts = message["tokens"], counts.isObject else { return }
    let model = message["model"]?.string ?? digest.models.last ?? "unknown"
    if model != digest.models.last {
      // The last one is the one at work.
      digest.models.removeAll { $0 == model }
      digest.models = digest.models.suffix(15) + [model]
    }
    let thoughts = tokens(counts["thoughts"])
    add(
      UsageRow(
        messageID: id, requestID: "", model: model,
        input: tokens(counts["input"]) + tokens(counts["tool"]),
        output: tokens(counts["output"]) + thoughts, cacheRead: tokens(counts["cached"]),
        reasoning: thoughts, createdAt: at))
  }
}
