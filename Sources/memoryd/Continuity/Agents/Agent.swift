import Core
import Transcripts

/// The agents that memoryd works with; the raw value is the agent's name in the store and on the
/// command line.
///
/// What is known of one stands in one type of its own: ``AgentFacts``. Adding an agent is a file here,
/// a reader in `Transcripts`, an installer, and their tests.
package enum Agent: String, CaseIterable, Sendable {
  case claude, codex, gemini, cursor

  package var title: String { TranscriptFormat(rawValue: rawValue)?.title ?? rawValue }

  package var facts: any AgentFacts {
    switch self {
    case .claude: ClaudeFacts()
    case .codex: CodexFacts()
    case .gemini: GeminiFacts()
    case .cursor: CursorFacts()
    }
  }
}

extension Agent {
  /// All its transcripts, each once: a compressed one by the name that it had before.
  package func transcripts(_ context: CallContext) -> [String] {
    let facts = facts
    return facts.transcriptFolders(context).flatMap { folder in
      TranscriptSearch.files(below: folder) { facts.isTranscript($0) }
    }
  }
}
