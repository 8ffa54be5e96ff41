import Continuity
import Core
import Foundation
import Logging
import MemoryStore

/// Reads what has come to the transcripts of sessions that memoryd was told of, so that a hook finds
/// little left to read.
struct TranscriptFollower {
  /// A session that was seen within this time may still grow.
  private static let window = Duration.seconds(24 * 3600)
  private static let mostFollowed = 200
  /// After which the sessions are read anew though nothing was written.
  private static let sessionsInterval = Duration.seconds(60)

  let context: DaemonContext
  let log: Logger

  /// When a session was last heard of, Unix ms.
  private(set) var lastSeen: Int64 = 0
  /// Path to size, as they were when they were read last.
  private var followed: [String: Int64] = [:]
  private var sessionsReadAt: Int64 = 0

  init(context: DaemonContext, log: Logger) {
    self.context = context
    self.log = log
  }

  /// - Parameter isChanged: The store was written to since the last look.
  mutating func follow(
    _ service: MemoryService, _ database: MemoryDatabase, isChanged: Bool
  ) {
    let now = service.context.clock.now
    if isChanged || now - sessionsReadAt > Self.sessionsInterval.milliseconds {
      readSessions(service, database, at: now)
    }
    for (path, size) in followed {
      if context.isStopping { return }
      guard let facts = RegularFile.facts(path), facts.size != size else { continue }
      do {
        let result = try TranscriptIngest(service: service).ingest(path)
        log.debug(
          "followed", metadata: ["entries": "\(result.entries)", "lines": "\(result.lines)"])
      } catch {
        // Told by the hook that meets it; here it is only not tried again before it grows.
        log.info("a transcript was not read", metadata: ["code": "\(error.code.rawValue)"])
      }
      followed[path] = facts.size
    }
  }

  private mutating func readSessions(
    _ service: MemoryService, _ database: MemoryDatabase, at now: Int64
  ) {
    let since = now - Self.window.milliseconds
    let filter = RecordFilter(since: since, limit: Self.mostFollowed)
    let sessions = (try? database.sessions(filter)) ?? []
    var paths = Set(sessions.filter { $0.endedAt == nil }.compactMap(\.transcriptPath))
    paths.formUnion(configured(service, since: since))
    followed = Dictionary(uniqueKeysWithValues: paths.map { ($0, followed[$0] ?? -1) })
    sessionsReadAt = now
    lastSeen = sessions.map(\.lastSeenAt).max() ?? 0
    let count = followed.count
    context.change { $0.followed = count }
  }

  /// The transcripts below the configured folders that were written lately.
  private func configured(_ service: MemoryService, since: Int64) -> [String] {
    service.context.settings.list(.followFolders).flatMap { folder -> [String] in
      let root = service.context.absolute(folder)
      guard let walker = FileManager.default.enumerator(atPath: root) else { return [] }
      var paths: [String] = []
      for case let name as String in walker where name.hasSuffix(".jsonl") {
        let path = root + "/" + name
        guard let facts = RegularFile.facts(path), facts.modified >= since else { continue }
        paths.append(path)
        if paths.count >= Self.mostFollowed { break }
      }
      return paths
    }
  }
}
