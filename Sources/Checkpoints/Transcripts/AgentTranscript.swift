public import Core
public import MemoryStore
public import Syntax

/// Takes the lines of one agent's transcript into a digest, searchable entries and usage rows.
public protocol AgentTranscript {
  var digest: SessionDigest { get set }
  var entries: [EntryDraft] { get }
  var usage: [UsageRow] { get }
  /// The session that the file belongs to; nil while no line has named one.
  var sessionID: SessionID? { get }
  /// When the file was changed last, Unix ms: no line of it is later. 0 if that is not known.
  var fileTime: Int64 { get set }
  /// The session's id as the file's name has it, for where no line does; nil if the name has none.
  var fileID: SessionID? { get set }

  /// Takes one line's object. Unknown types and fields are passed over: both grow.
  mutating func ingest(_ object: JSONValue, line: Int)
  /// The host's summary of a compaction, from elsewhere than the file (PostCompact's
  /// `compact_summary`).
  ///
  /// - Parameter instant: Unix time in ms.
  mutating func ingestSummary(_ text: String, at instant: Int64)
  /// The agent's last words, from elsewhere than the file (Stop's `last_assistant_message`).
  ///
  /// - Parameters:
  ///   - instant: Unix time in ms.
  ///   - position: Up to which line the file is read.
  /// - Returns: False if the file had them already.
  mutating func ingestLastWords(_ text: String, at instant: Int64, position: Int) -> Bool
  /// Ends a reading, or a part of one: brings the digest back within its bounds.
  mutating func finish()
  /// Forgets entries and usage rows, which were stored; the digest goes on.
  mutating func forgetStored()
}

/// Whose transcripts are understood; the raw value is the agent's name in the store.
public enum TranscriptFormat: String, Sendable {
  case claude, codex, gemini, cursor

  /// What the agent's users call it.
  public var title: String {
    switch self {
    case .claude: "Claude Code"
    case .codex: "Codex"
    case .gemini: "Gemini CLI"
    case .cursor: "Cursor"
    }
  }

  /// - Parameter digest: Of a transcript of this format.
  public init(_ digest: SessionDigest) {
    self = digest.agent.flatMap(Self.init(rawValue:)) ?? .claude
  }

  public static let foreign = StoreError(
    .invalid, "this is no transcript of Claude Code, Codex, Gemini CLI or Cursor",
    hint: "those of other agents are not read yet; `memoryd import` takes entries, and what "
      + "`memoryd export` wrote")
}

extension AgentTranscript {
  /// Finds out where the lines lead that hang on something else than the newest leaf.
  ///
  /// - Returns: A digest with which the file has to be read again from its start, because some of
  ///   what was gathered was taken back; nil if all stands as it is, or if the time was too short,
  ///   and then the next reading tries again.
  public mutating func settle(
    _ path: String, until isOver: () -> Bool = { false }
  ) throws(StoreError) -> SessionDigest? {
    guard digest.isAstray, let tree = try TranscriptTree.read(path, until: isOver) else {
      return nil
    }
    digest.isAstray = false
    digest.settledLines = tree.lines
    guard tree.abandoned != digest.abandoned else { return nil }
    return SessionDigest(abandoned: tree.abandoned, settledLines: tree.lines)
  }
}
