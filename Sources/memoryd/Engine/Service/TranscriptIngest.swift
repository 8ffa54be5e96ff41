import Checkpoints
import Foundation
import MemoryStore

/// Takes one transcript file into the store, outside any hook.
///
/// A large file is stored in parts, each with the position after it in one transaction: whoever is
/// killed in the middle goes on from there, and memory stays bounded.
struct TranscriptIngest {
  /// A part ends at the first object behind so many chunks of the reader (1 MiB each).
  private static let partChunks = 8

  let service: MemoryService
  /// Told after each part where in the file it ends, and how many bytes it had.
  var progress: (_ offset: Int64, _ count: Int64) -> Void = { _, _ in }

  struct Result {
    var session = ""
    var entries = 0
    var lines = 0
    var malformed = 0
  }

  func take(_ path: String) throws(StoreError) -> Result {
    let database = try service.database()
    let stored = try database.transcript(path: path)
    if stored == nil, try RegularFile.isUTF16(path) {
      throw StoreError(
        .invalid, "the transcript is UTF-16, which no agent writes",
        hint: "save it as UTF-8, and `memoryd ingest` reads it")
    }
    var reader = try TranscriptReader(path: path, known: stored?.position)
    var digest = SessionDigest()
    if !reader.readsAnew, let stored, let known = service.digest(stored.digest) {
      digest = known
    }
    let format = try TranscriptFormat(reader, digest: digest)
    var transcript = format.transcript(digest: digest, redactor: service.redactor)
    var position = stored?.position
    // A file without any line is its own session.
    let name = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
    var result = Result()
    while true {
      var hasObjects = false
      var chunks = 0
      let report = try reader.read(
        until: {
          chunks += 1
          return hasObjects && chunks > Self.partChunks
        },
        {
          hasObjects = true
          transcript.take($0, line: $1)
        })
      transcript.finish()
      guard transcript.sessionID != nil || stored != nil else {
        throw StoreError(
          .invalid, "this is no transcript of Claude Code or Codex",
          hint: "those of other agents are not read yet; `memoryd import` takes entries, and what "
            + "`memoryd export` wrote")
      }
      // What the first part says holds for all of them.
      if result.session.isEmpty {
        result.session = stored?.sessionID ?? transcript.sessionID ?? name
      }
      result.lines += report.end.lines - (report.isRestart ? 0 : position?.lines ?? 0)
      result.malformed += report.malformed
      if report.end != position {
        result.entries += try store(
          transcript, format, session: result.session, from: position, to: report.end, database)
      }
      progress(
        report.end.offset, report.end.offset - (report.isRestart ? 0 : position?.offset ?? 0))
      position = report.end
      if report.isComplete { return result }
      transcript.forgetStored()
      reader = try TranscriptReader(path: path, known: position)
      // Another file took its place; the next run reads that one.
      if reader.readsAnew { return result }
    }
  }

  private func store(
    _ transcript: any AgentTranscript, _ format: TranscriptFormat, session: String,
    from start: TranscriptPosition?, to end: TranscriptPosition, _ database: MemoryDatabase
  ) throws(StoreError) -> Int {
    let digest = transcript.digest
    // Where it began, which may have been another machine: the folder says which project it was.
    let folder = digest.root ?? digest.cwd ?? ""
    var reference = SessionReference(
      id: session, agent: format.rawValue, cwd: folder.isEmpty ? nil : folder,
      branch: digest.branch,
      transcriptPath: end.path.contains("/subagents/") ? nil : end.path)
    // An old session is not active because it is read today.
    if digest.firstAt > 0 {
      reference.startedAt = digest.firstAt
      reference.lastSeenAt = digest.lastAt
    }
    let project =
      folder.isEmpty ? nil : GitFacts.project(at: folder, facts: service.facts(at: folder))
    return try database.commit(
      TranscriptBatch(
        start: start, end: end, agent: format.rawValue, entries: transcript.entries,
        usage: transcript.usage, digest: digest.json),
      project: project, session: reference, at: service.clock.now)
  }
}
