import Checkpoints
import MemoryStore

enum ProjectFinder {
  /// The project of that name: one that is known, else the one at the working folder if it is called
  /// so. Without a name, the one at the working folder.
  static func project(named name: String?, _ service: MemoryService) -> ProjectReference {
    let here = GitFacts.project(at: service.cwd, facts: GitFacts.read(at: service.cwd))
    guard let name, !name.isEmpty else { return here }
    if let known = (try? service.database().project(named: name)) ?? nil { return known }
    return name == here.name ? here : .named(name)
  }

  /// How to search for somebody who works on this project.
  static func searchOptions(
    _ project: ProjectReference, _ service: MemoryService
  ) -> MemoryDatabase.SearchOptions {
    var options = MemoryDatabase.SearchOptions(now: service.clock.now)
    options.days = service.days
    options.here = project
    let facts = GitFacts.read(at: service.cwd)
    if GitFacts.project(at: service.cwd, facts: facts) == project { options.branch = facts?.branch }
    return options
  }

  /// The session that the caller runs in, where the agent says so in the environment.
  static func session(_ id: String?, _ service: MemoryService) -> SessionReference? {
    let ids = [id, service.environment["CLAUDE_CODE_SESSION_ID"]].compactMap(\.self)
    return ids.first { !$0.isEmpty }.map { SessionReference(id: $0) }
  }
}
