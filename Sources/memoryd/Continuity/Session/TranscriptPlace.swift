import Core
import Foundation
import MemoryStore

/// Where a session's transcript lies, if not where its host says.
package enum TranscriptPlace {
  /// Hosts name the folder of a worktree, or of where the session walked to, while the file stays in
  /// the one where it began; some leave an empty file there, or name none. It has the same name: one
  /// folder away, below the same folder of projects. Links are not followed.
  ///
  /// - Parameters:
  ///   - path: As the host says; nil if it says none.
  ///   - session: By its id the file is called.
  static func find(_ path: String?, session: SessionID, _ service: MemoryService) -> String? {
    guard let path else { return find(session, service) }
    let named = UserPath.absolute(path, cwd: service.context.cwd, service.context.environment)
    guard !TranscriptSearch.hasText(named) else { return named }
    let name = (named as NSString).lastPathComponent
    guard name.hasSuffix(".jsonl"), name != ".jsonl" else { return named }
    let above =
      ((named as NSString).deletingLastPathComponent as NSString).deletingLastPathComponent
    let own = Agent.claude.facts.transcriptFolders(service.context)
    let places = (above as NSString).lastPathComponent == "projects" ? [above] + own : own
    return TranscriptSearch.newest(name, below: places) ?? named
  }

  private static func find(_ session: SessionID, _ service: MemoryService) -> String? {
    let known = ((try? service.store.reading().session(id: session)) ?? nil)
    if let known, known.id == session, let path = known.transcriptPath,
      TranscriptSearch.hasText(path)
    {
      return path
    }
    guard session != .noSession, !session.rawValue.contains("/") else { return nil }
    for agent in Agent.allCases {
      if let path = agent.facts.transcript(of: session, service.context) { return path }
    }
    return nil
  }
}
