package import Core
package import MemoryStore

/// What `memoryd canary` and the start of a session tell of the project, beside the mode.
package struct CanaryReport {
  /// Other sessions of the project that were seen within this time are active.
  private static let activeWindow = Duration.seconds(30 * 60)

  package let openTasks: Int
  /// Writes that wait for the vault.
  package let pending: Int
  package let otherSessions: [SessionRecord]

  /// - Parameter session: The one that asks, which is not told of itself.
  package init(
    project: ProjectReference, excluding session: SessionID?, _ service: MemoryService
  ) throws(StoreError) {
    let database = try service.store.reading()
    let now = service.context.clock.now
    openTasks = try database.openTaskCount(project)
    pending = service.vault.pendingCount()
    otherSessions = try database.sessions(
      RecordFilter(place: project, since: now - Self.activeWindow.milliseconds, limit: 20)
    ).filter { $0.id != session && $0.endedAt == nil }
  }
}
