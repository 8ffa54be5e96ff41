import Checkpoints
import Core
import Foundation

/// What a hook says at the start of a session.
package struct SessionGreeting {
  /// For the model.
  var context: String
  /// For the person; nil if all is well.
  var message: String?

  /// Where there is nothing else to say, to model and person alike.
  package static func only(_ message: String) -> SessionGreeting {
    let line = "memoryd: \(TerminalText.line(message, 900))"
    return SessionGreeting(context: Markdown.text(line) + "\n", message: line)
  }

  /// As Claude Code takes it; names are the host's.
  package var json: String {
    var answer: JSON = [
      "hookSpecificOutput": ["hookEventName": "SessionStart", "additionalContext": context]
    ]
    answer["systemMessage"] = message?.json
    return JSONOutput.text(answer)
  }
}
