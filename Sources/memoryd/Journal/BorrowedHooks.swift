/// Cursor also calls the hooks that are installed for Claude Code.
package enum BorrowedHooks {
  /// - Parameter user: The user's own folder.
  /// - Returns: True if hooks of Cursor's own call memoryd, too, so that one of two calls has to do
  ///   nothing.
  package static func runTwice(user: String?) -> Bool {
    guard let user, let bytes = SmallFile.read(user + "/.cursor/hooks.json", limit: 1 << 20) else {
      return false
    }
    return String(decoding: bytes, as: UTF8.self).hasText("checkpoint --agent cursor")
  }
}

extension String {
  fileprivate func hasText(_ text: String) -> Bool {
    let (bytes, wanted) = (Array(utf8), Array(text.utf8))
    guard bytes.count >= wanted.count else { return false }
    return (0...(bytes.count - wanted.count)).contains { start in
      wanted.indices.allSatisfy { bytes[start + $0] == wanted[$0] }
    }
  }
}
