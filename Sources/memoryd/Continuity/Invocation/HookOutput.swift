import Checkpoints
import Foundation
import Synchronization

/// What a hook has to say so far: if its time is up before it is done, this is what the host gets.
package final class HookOutput: Sendable {
  private let text = Mutex("")

  package var soFar: String { text.withLock(\.self) }

  func set(_ text: String) { self.text.withLock { $0 = text } }
}

extension Markdown {
  /// For the person, in a field that hosts show as it is: one line without tags of a host, and without
  /// what nobody sees.
  package static func spoken(_ text: String, _ length: Int = 900) -> String {
    TerminalText.line(disarmed(text), length)
  }
}
