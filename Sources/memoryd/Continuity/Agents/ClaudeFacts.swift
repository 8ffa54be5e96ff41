import Core

/// Claude Code: a folder for each project, the session's id as the file's name.
struct ClaudeFacts: AgentFacts {
  let installed =
    "new sessions of Claude Code have it; `memoryd doctor` checks that it works"

  func settingsFolder(_ context: CallContext) -> String {
    home("CLAUDE_CONFIG_DIR", ".claude", context)
  }

  func transcriptFolders(_ context: CallContext) -> [String] {
    [home("CLAUDE_CONFIG_DIR", ".claude", context) + "/projects"]
  }

  func isTranscript(_ path: Substring) -> Bool { path.hasSuffix(".jsonl") }

  func transcript(of session: SessionID, _ context: CallContext) -> String? {
    TranscriptSearch.newest("\(session).jsonl", below: transcriptFolders(context))
  }
}
