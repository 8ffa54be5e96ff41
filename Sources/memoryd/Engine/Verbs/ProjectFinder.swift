import Checkpoints
import MemoryStore

enum ProjectFinder {
  /// The project of that name, known or not; else the one at the working folder.
  static func project(named name: String?, _ service: MemoryService) -> ProjectReference {
    if let name, !name.isEmpty {
      return ((try? service.database().project(named: name)) ?? nil) ?? .named(name)
    }
    return GitFacts.project(at: service.cwd, facts: GitFacts.read(at: service.cwd))
  }

  /// The session that the caller runs in, where the agent says so in the environment.
  static func session(_ id: String?, _ service: MemoryService) -> SessionReference? {
    let ids = [id, service.environment["CLAUDE_CODE_SESSION_ID"]].compactMap(\.self)
    return ids.first { !$0.isEmpty }.map { SessionReference(id: $0) }
  }
}
