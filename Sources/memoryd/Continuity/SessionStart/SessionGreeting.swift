import Checkpoints
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

  /// As Claude Code takes it.
  package var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let data = try? encoder.encode(
      Answer(hookSpecificOutput: .init(additionalContext: context), systemMessage: message))
    return data.map { String(decoding: $0, as: UTF8.self) + "\n" } ?? "{}\n"
  }

  /// Names are the host's.
  private struct Answer: Encodable {
    struct Specific: Encodable {
      var hookEventName = "SessionStart"
      var additionalContext: String
    }

    var hookSpecificOutput: Specific
    var systemMessage: String?
  }
}
