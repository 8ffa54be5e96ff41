package import Core
package import Journal

extension HookInput {
  /// The front has no type for it.
  package var session: SessionID? { SessionID(sessionID) }
}

extension HookRecord {
  /// How long after a hook what git says now is taken for what it would have said then.
  static let freshness = Duration.seconds(600)

  package var request: RequestID { RequestID(rawValue: requestID) }

  /// True if the file that a hook saw is at a path still, and at least as long as it was then.
  package func isOf(_ path: String) -> Bool {
    guard let transcript, let facts = RegularFile.facts(path) else { return false }
    return facts.device == transcript.device && facts.inode == transcript.inode
      && facts.size >= transcript.length
  }
}
