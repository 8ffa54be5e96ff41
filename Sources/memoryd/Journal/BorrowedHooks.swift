import Syntax

/// Cursor also calls the hooks that are installed for Claude Code.
package enum BorrowedHooks {
  /// - Parameter user: The user's own folder.
  /// - Returns: True if hooks of Cursor's own call memoryd, too, so that one of two calls has to do
  ///   nothing.
  package static func runTwice(user: String?) -> Bool {
    guard let user, let bytes = SmallFile.read(user + "/.cursor/hooks.json", limit: 1 << 20) else {
      return false
    }
    return String(decoding: bytes, as: UTF8.self).hasBytes(of: "checkpoint --agent cursor")
  }
}
