package import Core

/// How one agent differs from the others.
package protocol AgentFacts: Sendable {
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

  /// The folder that is there where the agent is.
  func settingsFolder(_ context: CallContext) -> String

  /// What a person is told when hooks and tools are installed.
  var installed: String { get }

  /// What a hook prints that puts something into the session's context.
  ///
  /// - Parameters:
  ///   - message: For the person.
  ///   - atPrompt: The person sent something; otherwise the session begins.
  func answer(context: String, message: String?, atPrompt: Bool) -> JSON
}

extension AgentFacts {
  package func folder(ofTranscript path: String, _ context: CallContext) -> String? { nil }

  package func answer(context: String, message: String?, atPrompt: Bool) -> JSON {
    answer(context, message, event: atPrompt ? "UserPromptSubmit" : "SessionStart")
  }

  /// Claude Code's shape, which others have taken over.
  func answer(_ context: String, _ message: String?, event: String) -> JSON {
    var answer: JSON = [
      "hookSpecificOutput": [
        "hookEventName": event, "additionalContext": context,
      ]
    ]
    answer["systemMessage"] = message?.json
    return answer
  }

  /// An agent's own folder: what its variable says, else below the user's.
  func home(_ variable: String?, _ name: String, _ context: CallContext) -> String {
    let environment = context.environment
    if let variable, let folder = environment[variable], !folder.isEmpty {
      return UserPath.absolute(folder, cwd: context.cwd, environment)
    }
    return (UserPath.userFolder(environment) ?? "") + "/" + name
  }
}
