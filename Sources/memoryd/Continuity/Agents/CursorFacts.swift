import Core

/// Cursor: a folder for each project and in it one for each session, all named by what they hold.
struct CursorFacts: AgentFacts {
  let installed =
    "new sessions of Cursor have it, once Cursor was restarted"

  func settingsFolder(_ context: CallContext) -> String {
    home(nil, ".cursor", context)
  }

  func transcriptFolders(_ context: CallContext) -> [String] {
    [home(nil, ".cursor", context) + "/projects"]
  }

  func isTranscript(_ path: Substring) -> Bool {
    let parts = path.split(separator: "/")
    // Below a session's folder lie those of its sub-agents, which no person spoke to.
    return parts.count == 4 && parts[1] == "agent-transcripts" && path.hasSuffix(".jsonl")
  }

  func answer(context: String, message: String?, atPrompt: Bool) -> JSON {
    ["additional_context": context]
  }

  func transcript(of session: SessionID, _ context: CallContext) -> String? {
    let places = transcriptFolders(context).flatMap { place in
      TranscriptSearch.names(in: place).map { "\(place)/\($0)/agent-transcripts" }
    }
    return TranscriptSearch.newest("\(session).jsonl", below: places)
  }
}
