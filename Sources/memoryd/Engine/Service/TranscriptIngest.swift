import Checkpoints
import Foundation
import MemoryStore

/// Takes one transcript file into the store, outside any hook.
struct TranscriptIngest {
  let service: MemoryService

  struct Result {
    var session: String
    var entries: Int
    var lines: Int
    var malformed: Int
  }

  func take(_ path: String) throws(StoreError) -> Result {
    let database = try service.database()
    let stored = try database.transcript(path: path)
    let reader = try TranscriptReader(path: path, known: stored?.position)
    var digest = SessionDigest()
    if !reader.readsAnew, let stored, let known = service.digest(stored.digest) {
      digest = known
    }
    var interpreter = ClaudeTranscript(digest: digest, redactor: service.redactor)
    let report = try reader.read { interpreter.take($0, line: $1) }
    interpreter.finish()
    digest = interpreter.digest
    guard !digest.sessionIDs.isEmpty || stored != nil else {
      throw StoreError(
        .invalid, "this is no transcript of Claude Code", hint: "other agents' files come later")
    }
    let name = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
    // A file of a sub-agent names its parent session; a file without any line is its own.
    let session = stored?.sessionID ?? digest.sessionIDs.last ?? name
    if report.end != stored?.position {
      let folder = digest.cwd ?? ""
      // The transcript may come from another machine: its folder says which project it was.
      let facts = GitFacts.read(at: folder)
      var reference = SessionReference(
        id: session, cwd: digest.cwd, branch: digest.branch,
        transcriptPath: path.contains("/subagents/") ? nil : path)
      // An old session is not active because it is read today.
      if digest.firstAt > 0 {
        reference.startedAt = digest.firstAt
        reference.lastSeenAt = digest.lastAt
      }
      let project = folder.isEmpty ? nil : GitFacts.project(at: folder, facts: facts)
      try database.commit(
        TranscriptBatch(
          start: stored?.position, end: report.end, entries: interpreter.entries,
          usage: interpreter.usage, digest: digest.json),
        project: project, session: reference, at: service.clock.now)
    }
    return Result(
      session: session, entries: interpreter.entries.count,
      lines: report.end.lines - (reader0(stored, report)), malformed: report.malformed)
  }

  private func reader0(
    _ stored: MemoryDatabase.TranscriptState?, _ report: TranscriptReader.Report
  ) -> Int {
    report.isRestart ? 0 : stored?.position.lines ?? 0
  }
}
