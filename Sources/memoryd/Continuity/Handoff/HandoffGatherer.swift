import Checkpoints
import Core
import Foundation
import MemoryStore
import Transcripts

/// Gathers from the store and the agent's files what a handoff is made of.
struct HandoffGatherer {
  let service: MemoryService

  /// How long a transcript's last line may be back for its session to be the one that a caller
  /// without a session means.
  private static let recent = Duration.seconds(7 * 24 * 3600)

  /// The session that a handoff is about.
  ///
  /// - Throws: ``CommandError`` `notFound` if one was named that nobody knows.
  func session(_ request: HandoffRequest) throws -> SessionRecord? {
    let reader = try? service.store.reading()
    if let id = ProjectFinder.session(request.session, service)?.id {
      if let known = try reader?.session(id: id) { return known }
      let isOwn = id == ProjectFinder.session(nil, service)?.id
      guard isOwn || UUID(uuidString: id.rawValue) != nil else {
        throw CommandError(
          .notFound, "not_found", "there is no session \(TerminalText.line(id, 60))",
          hint: "`memoryd session list` shows them")
      }
      // No hook has told of the session: its transcript is where the agent keeps them.
      var record = SessionRecord(
        id: id, agent: "claude", cwd: service.context.cwd, startedAt: service.context.clock.now,
        lastSeenAt: service.context.clock.now)
      record.transcriptPath = Agent.claude.facts.transcript(of: id, service.context)
      return record
    }
    let filter = RecordFilter(
      place: request.project, since: service.context.clock.now - Self.recent.milliseconds, limit: 1)
    return (try? reader?.sessions(filter))?.first
  }

  /// What the store has for a handoff.
  func sources(
    _ snapshot: Snapshot, project: ProjectReference, sessionID: SessionID?, since: Int64?
  ) -> HandoffSources {
    let struck = RecoveryService(service: service).struck
    var sources = HandoffSources(snapshot: snapshot.without(struck))
    sources.struck = struck
    guard let reader = try? service.store.reading() else { return sources }
    sources.openTasks =
      (try? reader.tasks(status: .open, filter: RecordFilter(place: project, limit: 100)))
      ?? []
    if let since {
      sources.doneTasks =
        (try? reader.tasks(
          status: .done, filter: RecordFilter(place: project, since: since, limit: 50)))
        ?? []
    }
    let decisions =
      (try? reader.decisions(
        RecordFilter(place: project, since: since, limit: 100))) ?? []
    sources.decisions = decisions.filter {
      sessionID == nil || $0.sessionID == nil || $0.sessionID == sessionID
    }.prefix(30).map(\.self)
    if let sessionID {
      let filter = RecordFilter(sessionID: sessionID, triggers: CheckpointTrigger.byHand, limit: 20)
      sources.statements = ((try? reader.checkpoints(filter)) ?? []).reversed()
        .compactMap { Snapshot(json: $0.body)?.stated?.without(struck) }
    }
    // A record of the journal may be older than what was decided since.
    let now = service.context.clock.now
    let doneLater = sources.doneTasks.filter { $0.completedAt ?? 0 > now }
    sources.doneTasks.removeAll { $0.completedAt ?? 0 > now }
    sources.openTasks = (sources.openTasks + doneLater).filter { $0.createdAt <= now }
    sources.decisions.removeAll { $0.createdAt > now }
    sources.openTasks.removeAll { struck.has(task: $0) }
    sources.doneTasks.removeAll { struck.has(task: $0) }
    sources.decisions.removeAll { struck.has($0.decision) }
    return sources
  }
}
