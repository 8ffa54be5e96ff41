import Continuity
import Core
import MemoryStore

/// What a call of a tool works with: the store, and what its caller may see there.
package struct MCPToolContext {
  let service: MemoryService
  /// Where the caller has no working folder, the project of what it writes.
  let defaultProject: String?

  /// True where memoryd serves as a vault: its callers know projects by their names alone, work in no
  /// folder, and are not shown what is private.
  var isVault: Bool { defaultProject != nil }

  // MARK: Which project

  /// - Parameter name: Nil for the project that the caller works in.
  /// - Throws: ``CommandError`` where several projects have the name, or it is a folder that is not there.
  func project(named name: String?) throws -> ProjectReference {
    if let defaultProject {
      return ProjectFinder.known(.named(name ?? defaultProject), service.store)
    }
    return try ProjectFinder.project(named: name, service)
  }

  /// The project of a task. A vault files a task under the name that it comes with, whatever else it
  /// knows by that name.
  ///
  /// - Throws: As ``project(named:)``.
  func taskProject(named name: String) throws -> ProjectReference {
    isVault ? .named(name) : try ProjectFinder.project(named: name, service)
  }

  /// The project for telling what is in it: to a vault's callers a private one is not there, nor
  /// is its session.
  ///
  /// - Throws: ``MCPFailure`` where the project or the session's project is hidden; as
  ///   ``project(named:)``.
  func visibleProject(named name: String?, session: SessionID? = nil) throws -> ProjectReference {
    let project = try project(named: name)
    guard isVault else { return project }
    let database = try service.store.reading()
    let sessionProject = try session.flatMap { (id) throws(StoreError) in
      try database.project(ofSession: id)
    }
    for project in [project, sessionProject].compactMap(\.self)
    where try database.isPrivate(project) {
      throw MCPFailure(message: "nothing is recorded for this project")
    }
    return project
  }

  /// - Returns: True for an entry that is not there as far as this caller can see.
  /// - Throws: ``StoreError`` where the store cannot be read.
  func hides(entry id: RecordID) throws -> Bool {
    try isVault && service.store.reading().isPrivate(entry: id)
  }

  // MARK: What is listed

  /// What a list is narrowed to by a project's name; nothing without one.
  ///
  /// - Throws: As ``project(named:)``.
  func filter(named name: String?, limit: Int? = nil) throws -> RecordFilter {
    var filter =
      isVault ? RecordFilter(project: name) : try ProjectFinder.filter(named: name, service)
    if isVault { filter.hidesPrivate = true }
    filter.limit = limit
    return filter
  }

  /// What is of one project: the named one, else the one that the caller works in. A vault's caller
  /// works nowhere.
  ///
  /// - Throws: As ``project(named:)``.
  func scope(named name: String?, limit: Int? = nil) throws -> RecordFilter {
    guard !isVault, name == nil else { return try filter(named: name, limit: limit) }
    return RecordFilter(place: try project(named: nil), limit: limit)
  }

  // MARK: Writes

  /// The session that the caller runs in; nil where nobody says.
  var session: SessionReference? { ProjectFinder.session(nil, service) }

  /// - Returns: The answer to a write, with where the write is durable and how far it has come on its
  ///   way to the vault.
  func acknowledged(
    _ acknowledgement: DurableWriter.Acknowledgement, _ object: JSON
  ) -> MCPPayload {
    var payload = MCPPayload(object)
    let reply = JSONOutput.write(acknowledgement, service)
    for name in ["durability", "vault"] {
      payload.facts["memoryd/" + name] = reply[name]
    }
    return payload
  }
}
