import Core

/// Where the reading of one transcript file stands.
public struct TranscriptPosition: Sendable, Equatable {
  public var path: String
  public var device: UInt64
  public var inode: UInt64
  /// Bytes that are taken in.
  public var offset: Int64
  /// Physical lines that are taken in.
  public var lines: Int
  /// A hash of the last bytes before `offset`, by which another file under the same inode is
  /// noticed, and a line feed if they end with one.
  public var tail: [UInt8]

  public init(
    path: String, device: UInt64, inode: UInt64, offset: Int64 = 0, lines: Int = 0,
    tail: [UInt8] = []
  ) {
    self.path = path
    self.device = device
    self.inode = inode
    self.offset = offset
    self.lines = lines
    self.tail = tail
  }
}

extension TranscriptPosition {
  /// Of what belongs to a session without a transcript that could be read.
  public static let none = TranscriptPosition(path: "", device: 0, inode: 0)
}

/// One searchable piece of a transcript.
public struct EntryDraft: Sendable, Equatable {
  public var kind: EntryKind
  /// What tells it from all other entries of its agent: the line's uuid, or session, line and time;
  /// with a number behind it where a line has several.
  public var sourceID: String
  public var actor: String
  public var position: Int
  public var title: String
  public var body: String
  /// Unix time in ms.
  public var createdAt: Int64
  /// A rewind took it back: it is kept and marked.
  public var isAbandoned = false
  /// Source ids of awaited words that came with it, among others.
  public var covers: [String] = []
  /// Which of several awaited words that are the same, from 1.
  public var number = 1
  public var fate = Fate.stands

  /// What becomes of awaited words.
  public enum Fate: Sendable {
    case stands
    /// The entry is no text of its own: the awaited words with its source id went back to whoever
    /// typed them, and are marked.
    case takenBack
    /// They were not whose they seemed to be, and go.
    case disowned
  }

  public init(
    kind: EntryKind, sourceID: String, actor: String, position: Int, title: String = "",
    body: String, createdAt: Int64
  ) {
    self.kind = kind
    self.sourceID = sourceID
    self.actor = actor
    self.position = position
    self.title = title
    self.body = body
    self.createdAt = createdAt
  }

  /// Stands for words whose own line is still to come; that line takes the entry over.
  static let awaitedPrefix = "awaited:"

  /// The source id of words of this kind that have no line yet.
  ///
  /// - Parameter number: Which of several that are the same.
  public static func awaited(_ kind: EntryKind, _ words: String, number: Int = 1) -> String {
    awaited(kind, fingerprint: fingerprint(words), number: number)
  }

  public static func awaited(_ kind: EntryKind, fingerprint: String, number: Int = 1) -> String {
    awaitedPrefix + kind.rawValue + ":" + fingerprint + (number > 1 ? "~\(number)" : "")
  }

  /// Says what became of awaited words.
  public static func fate(_ fate: Fate, of sourceID: String) -> EntryDraft {
    var draft = EntryDraft(
      kind: EntryKind(rawValue: ""), sourceID: sourceID, actor: "", position: 0, body: "",
      createdAt: 0)
    draft.fate = fate
    return draft
  }

  /// - Parameters:
  ///   - line: What tells the line from all others of the agent.
  ///   - rules: The number of the rules by which it was made out.
  public static func derivedID(_ kind: EntryKind, of line: String, rules: Int) -> String {
    "\(derivedPrefix(rules: rules))\(kind.rawValue):\(line)"
  }

  static func derivedPrefix(rules: Int) -> String { "derived:\(rules):" }

  /// A hash of words (FNV-1a, 64 bits), without the blanks around them.
  public static func fingerprint(_ words: String) -> String {
    var bytes = Array(words.utf8)[...]
    while let first = bytes.first, first <= 0x20 { bytes.removeFirst() }
    while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
    let hash = FNV1a.hash(bytes)
    return String(hash, radix: 36)
  }
}

/// The tokens of one API request; the last row of a response stands for it.
///
/// Claude: `input` is what no cache had, and `output` has no part of its own for reasoning. Codex: in
/// its own words, `input` has `cacheRead` in it, and `output` has `reasoning` in it.
public struct UsageRow: Sendable, Equatable, Codable {
  public var messageID: String
  public var requestID: String
  public var model: String
  public var input: Int
  public var output: Int
  public var cacheWrite5m: Int
  public var cacheWrite1h: Int
  public var cacheRead: Int
  public var reasoning: Int
  /// Unix time in ms.
  public var createdAt: Int64

  /// No request has more tokens than this; a log that says so must not make a sum overflow.
  package static let mostTokens = 1_000_000_000_000

  public init(
    messageID: String, requestID: String, model: String, input: Int = 0, output: Int = 0,
    cacheWrite5m: Int = 0, cacheWrite1h: Int = 0, cacheRead: Int = 0, reasoning: Int = 0,
    createdAt: Int64 = 0
  ) {
    self.messageID = messageID
    self.requestID = requestID
    self.model = model
    self.input = input
    self.output = output
    self.cacheWrite5m = cacheWrite5m
    self.cacheWrite1h = cacheWrite1h
    self.cacheRead = cacheRead
    self.reasoning = reasoning
    self.createdAt = createdAt
  }
}

/// What one reading of a transcript brought, committed together with the position after it.
public struct TranscriptBatch: Sendable {
  /// Where the reading began; nil if the store knew nothing of the file. A batch whose start is
  /// not the stored position any more lost a race, and only its new entries are kept.
  public var start: TranscriptPosition?
  public var end: TranscriptPosition
  /// Who wrote the transcript; source ids are unique within one agent.
  public var agent: String
  public var entries: [EntryDraft]
  public var usage: [UsageRow]
  /// The digest after the reading, one JSON object; its layout is the caller's.
  public var digest: String
  /// The number of the rules by which derived entries are made out, where the file was read from its
  /// start: those of other rules go.
  public var renewedRules: Int?

  public init(
    start: TranscriptPosition?, end: TranscriptPosition, agent: String = "claude",
    entries: [EntryDraft], usage: [UsageRow], digest: String
  ) {
    self.start = start
    self.end = end
    self.agent = agent
    self.entries = entries
    self.usage = usage
    self.digest = digest
  }
}
