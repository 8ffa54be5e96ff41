package import Core
import Foundation
import Git
package import MemoryStore

package enum ProjectFinder {
  /// For git to say what is where, once for each place.
  private static let patience = Duration.seconds(1)
  /// Commits of a place that are looked at: whoever works in two clones has one of these in both.
  private static let commits = 5000

  /// The project at the working folder, as the store knows it.
  package static func here(_ service: MemoryService) -> ProjectReference {
    place(service.context.cwd, service)
  }

  /// A project as the store knows it; as it is where the store does not, or cannot be asked.
  package static func known(_ project: ProjectReference, _ store: StoreDoor) -> ProjectReference {
    (try? store.reading().known(project)) ?? project
  }

  /// The project of a folder by its marks alone, without asking git.
  package static func project(at folder: String, _ service: MemoryService) -> ProjectReference {
    known(
      GitFacts.project(at: folder, facts: service.repositories.facts(at: folder)), service.store)
  }

  /// The project of a folder.
  private static func place(_ folder: String, _ service: MemoryService) -> ProjectReference {
    let facts = service.repositories.facts(at: folder)
    let project = known(GitFacts.project(at: folder, facts: facts), service.store)
    guard let facts, learn(project, facts, service, within: patience) else { return project }
    return known(project, service.store)
  }

  /// The project that a person or an agent names: by its short name, its number, or its folder.
  /// Without a name, the one at the working folder.
  ///
  /// - Throws: ``CommandError`` `usage` where several have the name.
  package static func project(
    named name: String?, _ service: MemoryService
  ) throws -> ProjectReference {
    guard let name, !name.isEmpty else { return here(service) }
    guard let database = try? service.store.reading() else {
      let here = here(service)
      return name == here.name ? here : .named(name)
    }
    if name.contains("/") || name == "." || name == ".." {
      let folder = service.context.absolute(name)
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue
      {
        return place(folder, service)
      }
      // What is no folder any more is still known; a name may have a slash too, but no path's begin.
      if ["/", "./", "../", "~/"].contains(where: name.hasPrefix) {
        let gone = project(at: folder, service)
        guard gone.id == nil else { return gone }
        throw CommandError(
          .notFound, "not_found", "there is no folder \(TerminalText.line(folder, 200))",
          hint: "`memoryd project list` shows the projects")
      }
    }
    var candidates = try database.projects(named: name)
    let here = here(service)
    // One that nothing was recorded in yet is there all the same.
    if here.name == name, here.id == nil { candidates.append(here) }
    // A folder that is called like another project's number.
    if let id = Int64(name), let known = try database.project(id: id),
      !candidates.contains(where: { $0.id == known.id })
    {
      candidates.append(known)
    }
    if candidates.count == 1 { return candidates[0] }
    guard candidates.isEmpty else { throw ambiguous(name, candidates) }
    return .named(name)
  }

  /// The project that a session began in, wherever it works now; without a session that is known, the
  /// one at the working folder.
  package static func project(
    of session: SessionReference?, _ service: MemoryService
  ) -> ProjectReference {
    let own = session.flatMap { (try? service.store.reading().project(ofSession: $0.id)) ?? nil }
    return own ?? here(service)
  }

  private static func ambiguous(_ name: String, _ candidates: [ProjectReference]) -> CommandError {
    let list = candidates.map {
      ($0.id.map { "\($0)" } ?? "new") + " in "
        + TerminalText.line($0.root ?? "a folder unknown", 200)
    }
    return CommandError(
      .usage, "ambiguous",
      "\(candidates.count) projects are called \(TerminalText.line(name, 60)): "
        + list.joined(separator: ", "),
      hint:
        "give the \(Int64(name) == nil ? "number or the " : "")folder instead of the name; `memoryd project rename` tells them "
        + "apart for good")
  }

  /// What a list is narrowed to by a project's name: what waits under the name may be its too.
  package static func filter(
    named name: String?, _ service: MemoryService
  ) throws -> RecordFilter {
    guard let name, !name.isEmpty else {
      var filter = RecordFilter()
      filter.hidesPrivate = true
      filter.visitor = here(service)
      return filter
    }
    var filter = RecordFilter(place: try project(named: name, service))
    filter.takesUnfiled = true
    return filter
  }

  /// Asks git what a place is, where nobody has asked yet.
  ///
  /// - Returns: True if it turned out to be another project.
  @discardableResult
  static func learn(
    _ project: ProjectReference, _ facts: GitFacts, _ service: MemoryService,
    within time: Duration
  ) -> Bool {
    // What git says of a place can be asked again at any time.
    guard let database = try? service.store.writing(),
      (try? database.needsHistory(project, at: service.context.clock.now)) == true
    else { return false }
    let history = GitHistory(root: facts.root, environment: service.context.environment)
    // What git does not say in time is asked again after a day, not at every turn.
    let commits =
      facts.isSelfContained ? history.commits(commits, within: time) ?? [] : []
    // A clone that was cut off begins where it was cut.
    let first =
      facts.isShallow || commits.isEmpty ? [] : history.firstCommits(within: time) ?? []
    return
      (try? database.learn(project, first: first, commits: commits, at: service.context.clock.now))
      ?? false
  }

  /// How to search for somebody who works here.
  package static func searchOptions(
    _ project: ProjectReference? = nil, _ service: MemoryService
  ) -> MemoryDatabase.SearchOptions {
    var options = MemoryDatabase.SearchOptions(now: service.context.clock.now)
    options.days = service.context.days
    let here = here(service)
    options.here = project ?? here
    if project?.isSame(as: here) ?? true {
      options.branch = service.repositories.here?.branch
    }
    return options
  }

  /// The session that the caller runs in, where the agent says so in the environment.
  package static func session(_ id: SessionID?, _ service: MemoryService) -> SessionReference? {
    let own = SessionID(service.context.environment["CLAUDE_CODE_SESSION_ID"])
    return [id, own].compactMap(\.self).first { $0 != .noSession }.map { SessionReference(id: $0) }
  }
}
