public import MemoryStore

/// Takes the lines of one agent's transcript into a digest, searchable entries and usage rows.
public protocol AgentTranscript {
  var digest: SessionDigest { get set }
  var entries: [EntryDraft] { get }
  var usage: [UsageRow] { get }
  /// The session that the file belongs to; nil while no line has named one.
  var sessionID: String? { get }

  /// Takes one line's object. Unknown types and fields are passed over: both grow.
  mutating func take(_ object: JSONValue, line: Int)
  /// The host's summary of a compaction, from elsewhere than the file (PostCompact's
  /// `compact_summary`).
  ///
  /// - Parameter instant: Unix time in ms.
  mutating func takeSummary(_ text: String, at instant: Int64)
  /// Ends a reading, or a part of one: brings the digest back within its bounds.
  mutating func finish()
  /// Forgets entries and usage rows, which were stored; the digest goes on.
  mutating func forgetStored()
}

/// Whose transcripts are understood; the raw value is the agent's name in the store.
public enum TranscriptFormat: String, Sendable {
  case claude, codex

  /// - Parameter digest: Of a transcript of this format.
  public init(_ digest: SessionDigest) {
    self = digest.agent.flatMap(Self.init(rawValue:)) ?? .claude
  }

  /// - Parameter digest: Of what was read of the file before; where nothing was, the file's first
  ///   object with a type tells: what Codex writes has a payload.
  public init(_ reader: TranscriptReader, digest: SessionDigest) throws(StoreError) {
    guard reader.readsAnew else {
      self.init(digest)
      return
    }
    var found: TranscriptFormat?
    _ = try TranscriptReader(path: reader.path, known: nil).read(until: { found != nil }) {
      object, _ in
      guard found == nil, object["type"] != nil else { return }
      found = object["payload"]?.isObject == true ? .codex : .claude
    }
    self = found ?? .claude
  }

  /// - Parameter digest: Of the lines before, for the same file.
  public func transcript(digest: SessionDigest, redactor: Redactor) -> any AgentTranscript {
    switch self {
    case .claude: ClaudeTranscript(digest: digest, redactor: redactor)
    case .codex: CodexTranscript(digest: digest, redactor: redactor)
    }
  }
}
