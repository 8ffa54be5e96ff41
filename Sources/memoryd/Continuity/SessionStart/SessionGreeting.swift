import Checkpoints
import Core
import Foundation
package import Journal

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

  /// As the host takes it; names are the host's.
  package func json(for input: HookInput) -> String {
    let agent = input.agent.flatMap(Agent.init(rawValue:)) ?? .claude
    return JSONOutput.text(
      agent.facts.answer(context: context, message: message, atPrompt: input.isPrompt))
  }
}
