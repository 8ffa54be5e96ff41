public import Core
public import MemoryStore
public import Redaction
public import Syntax

/// Takes a Claude Code transcript line by line into a digest, searchable entries and usage rows.
///
/// Source of the format: reference "agent-clis", section 3 (measured, 2.0.64 to 2.1.219).
public struct ClaudeTranscript: TranscriptGatherer {
  public var digest: SessionDigest
  public internal(set) var entries: [EntryDraft] = []
  /// One row for each API request of this reading, the last one of a response.
  public internal(set) var usage: [UsageRow] = []

  package let redactor: Redactor
  var usageIndex: [String: Int] = [:]
  package var line = 0
  package var at: Int64 = 0
  public var fileTime: Int64 = 0
  public var fileID: SessionID?
  var isSidechain = false
  package var isAbandoned = false
  var firstUntimed: Int?
  /// Why the host says that a call did not run: `user-rejected`, `interrupted`, …; empty if it does not.
  var denialKind = ""
  private var uuid = ""
  /// Hashes of the ids and times of this reading's lines.
  private var seen: Set<UInt64> = []
  private var blockNumber = 0

  /// - Parameter digest: Of the lines before, for the same file.
  public init(digest: SessionDigest = SessionDigest(), redactor: Redactor) {
    self.digest = digest
    self.digest.edition = SessionDigest.currentEdition
    at = digest.lineAt
    self.redactor = redactor
  }

  /// Takes one line's object. Unknown types and fields are passed over: both grow.
  public mutating func ingest(_ object: JSONValue, line: Int) {
    self.line = line
    ingestInPlace(object, line: line)
  }

  mutating func ingestLine(_ object: JSONValue) {
    guard let type = object["type"], !type.equals("file-history-snapshot") else { return }
    isSidechain = object["isSidechain"]?.bool ?? false
    uuid = object["uuid"]?.string ?? ""
    // A line that stands twice is the first.
    if !uuid.isEmpty, !seen.insert(mark(of: object)).inserted { return }
    if !isSidechain, !isAbandoned, !uuid.isEmpty { noteLeaf(ClaudeLine(object, type)) }
    if type.equals("progress") { return }
    noteTime(object["timestamp"])
    blockNumber = 0
    ingestCircumstances(object)
    if type.equals("user") {
      ingestUser(object)
    } else if type.equals("assistant") {
      ingestAssistant(object)
    } else if type.equals("system") {
      ingestSystem(object)
    } else if type.equals("attachment") {
      ingestAttachment(object)
    } else if type.equals("queue-operation") {
      ingestQueueOperation(object)
    } else if type.equals("ai-title") || type.equals("custom-title") {
      digest.title =
        (object["title"] ?? object["aiTitle"] ?? object["customTitle"])?.string.map(clean)
        ?? digest.title
    }
  }

  private func mark(of object: JSONValue) -> UInt64 {
    let id = FNV1a.hash(uuid.utf8)
    guard let time = object["timestamp"], time.isString else { return id }
    return FNV1a.hash(time.rawUTF8, from: id)
  }

  /// A file of a sub-agent names its parent session.
  public var sessionID: SessionID? { digest.sessionIDs.last ?? fileID }

  private mutating func ingestCircumstances(_ object: JSONValue) {
    if let id = SessionID(object["sessionId"]?.string) { noteSession(id) }
    if isSidechain { return }
    if let folder = object["cwd"]?.string { noteFolder(folder) }
    if let branch = object["gitBranch"]?.string, !branch.isEmpty { digest.branch = branch }
    if let version = object["version"]?.string { digest.version = version }
  }

  // MARK: The person

  private mutating func ingestUser(_ object: JSONValue) {
    guard let content = object["message"]?["content"] else { return }
    if object["isCompactSummary"]?.bool == true {
      if let text = text(of: content) {
        ingestSummary(text)
      }
      return
    }
    denialKind = object["toolDenialKind"]?.string ?? ""
    for block in content.elements where block["type"]?.equals("tool_result") == true {
      ingestResult(block, details: object["toolUseResult"])
    }
    let author = ClaudeLine.author(of: object)
    if ingestPlanContinuation(object, content, by: author) { return }
    guard author != .other else {
      disown(content)
      return
    }
    noteRun(object, content)
    if let text = content.string, let input = HostText.shellInput(in: text) {
      if !isSidechain { ingestCommand(clean(input), id: nil) }
      return
    }
    if let words = words(of: content, by: author) { ingestRequest(words) }
  }

  /// The first line after a plan was approved and the conversation cleared: the agent's plan, the host's
  /// advice, and only what the person typed beside the approval is the person's. The line has the plan by
  /// itself, or says that it is a continuation; older ones are told by the advice behind it.
  private mutating func ingestPlanContinuation(
    _ object: JSONValue, _ content: JSONValue, by author: HostText.Author
  ) -> Bool {
    let isMarked =
      object["origin"]?["kind"]?.equals("auto-continuation") == true
      || object["planContent"]?.isString == true
    guard isMarked || author == .unsaid, let text = text(of: content),
      let parts = HostText.planContinuation(
        in: text, plan: object["planContent"]?.string, isMarked: isMarked)
    else { return false }
    noteRun(object, content)
    let plan = clean(String(parts.plan))
    add(.plan, actor: "agent", body: plan)
    if !isSidechain {
      mention(paths: TextScanner.paths(in: plan), names: TextScanner.names(in: plan), weight: 1)
    }
    if let words = parts.words { ingestRequest(String(words)) }
    return true
  }

  /// The person's words in the blocks of a message, without those that are only the host's.
  private func words(of content: JSONValue, by author: HostText.Author) -> String? {
    if let text = content.string { return HostText.words(in: text, by: author) }
    let texts = content.elements.compactMap {
      $0["type"]?.equals("text") == true ? $0["text"]?.string : nil
    }
    let words = texts.compactMap { text in
      texts.count > 1 && HostText.isContext(text) ? nil : HostText.words(in: text, by: author)
    }
    return words.isEmpty ? nil : words.joined(separator: "\n\n")
  }

  /// Words that have a line of their own; those that were queued before have come with it.
  private mutating func ingestRequest(_ words: String, isQueued: Bool = false) {
    let clean = clean(words)
    let mark = EntryDraft.fingerprint(clean)
    var covered: [SessionDigest.Queued] = []
    var number = 1
    if !isSidechain, let known = digest.queued.first(where: { $0.hash == mark }) {
      number = known.number
      digest.unqueue(known)
    } else if !isSidechain {
      covered = digest.unqueue(partsOf: clean)
    }
    let first = entries.count
    ingestWords(words)
    if first < entries.count {
      entries[first].number = number
      entries[first].covers = covered.map(\.sourceID)
    }
    if isQueued, !isSidechain { digest.queue(clean, at: at, isTaken: true) }
  }

  /// What was typed while the agent worked. It mostly comes again when the agent gets it, as a line
  /// with an id; until then, and if it does not, this is all there is of it.
  private mutating func ingestQueueOperation(_ object: JSONValue) {
    guard let operation = object["operation"] else { return }
    let content = object["content"]
    guard operation.equals("enqueue") else {
      if takesBack(operation, object["reason"]) { takeBackQueued(content) }
      return
    }
    guard let content, let words = queuedWords(content, by: ClaudeLine.author(of: object)) else {
      return
    }
    let clean = clean(words)
    guard !isSidechain else {
      uuid = EntryDraft.awaited(.prompt, clean)
      ingestWords(words)
      return
    }
    let number = digest.queue(clean, at: at, isTaken: false)
    uuid = EntryDraft.awaited(.request, clean, number: number)
    let first = entries.count
    ingestWords(words, isWaiting: true)
    if first < entries.count { entries[first].number = number }
  }

  private func queuedWords(_ content: JSONValue, by author: HostText.Author) -> String? {
    if author == .unsaid, let text = content.string, isTaskNotice(text) { return nil }
    return words(of: content, by: author)
  }

  /// The host queues its own notices too, about tasks as an object (measured: always these four
  /// fields, in 2.1.39 to 2.1.49).
  private func isTaskNotice(_ text: String) -> Bool {
    guard text.hasPrefix("{"), text.hasSuffix("}"), text.hasBytes("\"task_id\"") else {
      return false
    }
    return Array(text.utf8).withUnsafeBufferPointer { bytes in
      let tape = JSONTape()
      guard (try? tape.parse(bytes)) == bytes.count else { return false }
      let notice = tape.root(bytes)
      var isOwn = notice["task_id"]?.isString == true && notice["description"]?.isString == true
      notice.forEachMember { name, _ in
        isOwn =
          isOwn
          && (name.equals("task_id") || name.equals("tool_use_id") || name.equals("description")
            || name.equals("task_type"))
      }
      return isOwn
    }
  }

  /// The text goes back to the editor: with `popAll`, a row for each that was queued. One that the
  /// agent got is removed, and a removal that says why may be either.
  private func takesBack(_ operation: JSONValue, _ reason: JSONValue?) -> Bool {
    if let name = operation.string, name.hasPrefix("pop") { return true }
    guard operation.equals("remove"), let reason = reason?.string?.lowercased() else {
      return false
    }
    return ["pop", "edit", "cancel", "recall"].contains { reason.contains($0) }
  }

  private mutating func takeBackQueued(_ content: JSONValue?) {
    if isSidechain { return }
    var items = digest.queued.filter { !$0.isTaken }
    if let content {
      guard let words = words(of: content, by: .unsaid) else { return }
      let clean = clean(words)
      let mark = EntryDraft.fingerprint(clean)
      if let item = items.last(where: { $0.hash == mark }) {
        items = [item]
        digest.unqueue(item)
      } else {
        items = digest.unqueue(partsOf: clean)
      }
    } else {
      for item in items { digest.unqueue(item) }
    }
    for item in items { entries.append(.fate(.takenBack, of: item.sourceID)) }
  }

  /// What was queued without a word on its author comes with one: they are not the person's.
  private mutating func disown(_ content: JSONValue) {
    guard !isSidechain, !digest.queued.isEmpty, let words = words(of: content, by: .unsaid) else {
      return
    }
    let mark = EntryDraft.fingerprint(clean(words))
    guard let item = digest.queued.first(where: { $0.hash == mark && !$0.isTaken }) else { return }
    digest.unqueue(item)
    entries.append(.fate(.disowned, of: item.sourceID))
  }

  /// Notes whether a person is at it, or a program that goes on with the session.
  private mutating func noteRun(_ object: JSONValue, _ content: JSONValue) {
    if isSidechain || ClaudeLine.isResult(content) { return }
    let entrypoint = object["entrypoint"]?.string
    digest.isHeadless =
      entrypoint.map { $0.hasPrefix("sdk") } ?? (object["promptSource"]?.equals("sdk") == true)
    if !digest.isHeadless { digest.wasAttended = true }
  }

  private func text(of content: JSONValue) -> String? {
    if let text = content.string { return text }
    let texts = content.elements.compactMap {
      $0["type"]?.equals("text") == true ? $0["text"]?.string : nil
    }
    return texts.isEmpty ? nil : texts.joined(separator: "\n\n")
  }

  // MARK: The agent

  private mutating func ingestAssistant(_ object: JSONValue) {
    guard let message = object["message"] else { return }
    ingestUsage(object, message)
    if !isSidechain, digest.queued.contains(where: \.isTaken) {
      digest.queued.removeAll(where: \.isTaken)
    }
    guard let content = message["content"] else { return }
    // What the host says in the agent's place, of an error or to fill a turn, is nobody's words.
    if object["isApiErrorMessage"]?.bool == true || message["model"]?.equals("<synthetic>") == true
    {
      if let text = text(of: content) { ingestError(text) }
      return
    }
    if let text = content.string { ingestReply(text) }
    for block in content.elements {
      if block["type"]?.equals("text") == true {
        if let text = block["text"]?.string { ingestReply(text) }
      } else if block["type"]?.equals("tool_use") == true {
        ingestCall(block)
      }
    }
  }

  private mutating func ingestUsage(_ object: JSONValue, _ message: JSONValue) {
    guard let id = message["id"]?.string, let usage = message["usage"], usage.isObject,
      let model = message["model"]?.string, model != "<synthetic>"
    else { return }
    if !digest.models.contains(model), digest.models.count < 16 { digest.models.append(model) }
    let written = tokens(usage["cache_creation_input_tokens"])
    let hour = tokens(usage["cache_creation"]?["ephemeral_1h_input_tokens"])
    add(
      UsageRow(
        messageID: id, requestID: object["requestId"]?.string ?? "", model: model,
        input: tokens(usage["input_tokens"]), output: tokens(usage["output_tokens"]),
        cacheWrite5m: max(0, written - hour), cacheWrite1h: min(hour, written),
        cacheRead: tokens(usage["cache_read_input_tokens"]), createdAt: at))
  }

  // MARK: Compaction and the rest

  private mutating func ingestSystem(_ object: JSONValue) {
    guard object["subtype"]?.equals("compact_boundary") == true else { return }
    let details = object["compactMetadata"]
    noteBoundary(
      trigger: details?["trigger"]?.string ?? "auto", preTokens: details?["preTokens"]?.int)
  }

  private mutating func ingestAttachment(_ object: JSONValue) {
    guard let attachment = object["attachment"],
      attachment["type"]?.equals("queued_command") == true,
      let prompt = attachment["prompt"]
    else { return }
    let author = ClaudeLine.author(of: attachment, within: object)
    if author == .other {
      disown(prompt)
      return
    }
    guard attachment["commandMode"].map({ $0.equals("prompt") }) ?? true,
      let words = queuedWords(prompt, by: author)
    else { return }
    ingestRequest(words, isQueued: true)
  }

  var lineID: String? {
    uuid.isEmpty ? sessionID.map { "\($0):\(line):\(at)" } : uuid
  }

  /// Lines without uuid are told apart by their place, as Codex's are.
  mutating func nextSourceID() -> String? {
    guard let id = lineID else { return nil }
    defer { blockNumber += 1 }
    return blockNumber == 0 ? id : "\(id)#\(blockNumber)"
  }

  // MARK: The tree

  /// Follows the newest leaf. Where a line hangs on something else, ``TranscriptTree`` has to say
  /// what was taken back: that needs the whole file.
  private mutating func noteLeaf(_ node: ClaudeLine) {
    let id = node.mark
    if node.parent != nil, !digest.isLinked {
      digest.isLinked = true
      // Of several beginnings the one counts from which the newest leaf comes.
      if digest.hasSeveralRoots { digest.isAstray = true }
    }
    // A bookkeeping line begins no branch; it is a place on which the next line may hang.
    if !node.isMove {
      if node.isBoundary {
        digest.tip = [id]
        digest.tipMessage = nil
      } else if node.isRoot, !digest.tip.isEmpty {
        // It may begin the session anew: what hangs on it does not hang on the leaf.
      } else if node.parent == nil || digest.tip.contains(node.parent ?? "") || digest.tip.isEmpty {
        extendTip(id)
      }
      return
    }
    if node.isRoot, !digest.tip.isEmpty { digest.hasSeveralRoots = true }
    if !follows(node), line > digest.settledLines { digest.isAstray = true }
    if let message = node.message, message == digest.tipMessage {
      extendTip(id)
    } else {
      digest.tip = [id]
      digest.tipMessage = node.message
    }
  }

  private func follows(_ node: ClaudeLine) -> Bool {
    if let parent = node.parent { return digest.tip.contains(parent) }
    // A root begins a session; within one it is what a person sent after going back to the start,
    // unless no line says on what it hangs.
    guard node.isRoot, !digest.tip.isEmpty else { return true }
    return !digest.isLinked
  }

  private static let mostInTip = 64

  private mutating func extendTip(_ id: String) {
    digest.tip.append(id)
    if digest.tip.count > Self.mostInTip { digest.tip.removeFirst() }
  }
}
