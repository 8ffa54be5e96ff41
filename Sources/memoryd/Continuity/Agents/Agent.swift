package import Core

/// The agents that memoryd works with; the raw value is the agent's name in the store and on the
/// command line.
///
/// What is known of one stands in one type of its own: ``AgentFacts``. Adding an agent is a file here,
/// a reader in `Transcripts`, an installer, and their tests.
package enum Agent: String, CaseIterable, Sendable {
  case claude, codex, gemini, cursor

  package var facts: any AgentFacts {
    switch self {
    case .claude: ClaudeFacts()
    case .codex: CodexFacts()
    case .gemini: GeminiFacts()
    case .cursor: CursorFacts()
    }
  }
}

/// How one agent differs from the others.
package protocol AgentFacts: Sendable {
  /// What its users call it.
  var title: String { get }

  /// The folders below which it keeps its transcripts; of a session that stands in two the last counts.
  func transcriptFolders(_ context: CallContext) -> [String]

  /// True for a file below one of these folders that is a transcript.
  ///
  /// - Parameter path: Below the folder, without the suffix of a compressed one.
  func isTranscript(_ path: Substring) -> Bool

  /// The transcript of a session, if not where its host says.
  func transcript(of session: SessionID, _ context: CallContext) -> String?

  /// The folder that a transcript's session worked in, where the transcript does not say.
  func folder(ofTranscript path: String, _ context: CallContext) -> String?
}

extension AgentFacts {
  package func folder(ofTranscript path: String, _ context: CallContext) -> String? { nil }

  /// An agent's own folder: what its variable says, else below the user's.
  func home(_ variable: String?, _ name: String, _ context: CallContext) -> String {
    let environment = context.environment
    if let variable, let folder = environment[variable], !folder.isEmpty {
      return UserPath.absolute(folder, cwd: context.cwd, environment)
    }
    return (UserPath.userFolder(environment) ?? "") + "/" + name
  }
}
