package import Core
import Foundation
import Git
import MemoryStore
import Transcripts

/// Takes one transcript file into the store, outside any hook.
///
/// A large file is stored in parts, each with the position after it in one transaction: whoever is
/// killed in the middle goes on from there, and memory stays bounded.
package struct TranscriptIngest {
  /// A part ends at the first object behind so many chunks of the reader (1 MiB each).
  private static let partChunks = 8

  let service: MemoryService
  /// Told after each part where in the file it ends, and how many bytes it had.
  var progress: (_ offset: Int64, _ count: Int64) -> Void = { _, _ in }

  package init(
    service: MemoryService,
    progress: @escaping (_ offset: Int64, _ count: Int64) -> Void = { _, _ in }
  ) {
    self.service = service
    self.progress = progress
  }

  package struct Result {
    package var session = SessionID.noSession
    package var entries = 0
    package var lines = 0
    package var malformed = 0
    /// True if all that counts was read.
    package var isComplete = false
    /// There is no line of a conversation in the file.
    package var isNothing = false
  }

  /// - Parameters:
  ///   - limit: Bytes of the file that count; nil takes it whole.
  ///   - isOver: Asked after each part; true leaves the rest to the next reading.
  package func ingest(
    _ path: String, upTo limit: Int64? = nil, until isOver: () -> Bool = { false }
  ) throws(StoreError) -> Result {
    let path = TranscriptSearch.plain(path)
    // What is not stored of a transcript stands in its file, and the next reading finds it.
    let database = try service.store.writing()
    let stored = try database.transcript(path: path)
    if stored == nil, (try? RegularFile.isUTF16(path)) == true {
      throw StoreError(
        .invalid, "the transcript is UTF-16, which no agent writes",
        hint: "save it as UTF-8, and `memoryd ingest` reads it")
    }
    let former = SessionDigest.start(from: stored, service.context)
    var reader = try TranscriptReader(
      path: path, known: former == nil ? nil : stored?.position, upTo: limit)
    let digest = reader.readsAnew ? SessionDigest() : former ?? SessionDigest()
    // A file without any line is its own session.
    let name = SessionID(
      rawValue: ((path as NSString).lastPathComponent as NSString).deletingPathExtension)
    var result = Result()
    guard let format = try TranscriptFormat.of(reader, digest: digest) else {
      // Empty, or nothing but bookkeeping: it may become a transcript.
      result.session = stored?.sessionID ?? name
      result.isNothing = true
      result.malformed = try TranscriptReader(path: path, known: nil, upTo: limit)
        .read { _, _ in }.malformed
      result.isComplete = true
      return result
    }
    var transcript = format.transcript(
      digest: digest, redactor: service.context.redactor, of: reader)
    var position = stored?.position
    /// The digest before the file was read again.
    var replaced: SessionDigest?
    var begin = reader.readsAnew ? nil : position
    var isAnew = former == nil
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
          transcript.ingest($0, line: $1)
        })
      transcript.finish()
      if replaced == nil, var anew = try transcript.settle(path) {
        anew.keepWaiting(from: digest)
        // Something was taken back: what was gathered of it has to go.
        replaced = transcript.digest
        reader = try TranscriptReader(path: path, known: nil, upTo: limit)
        transcript = format.transcript(digest: anew, redactor: service.context.redactor, of: reader)
        begin = nil
        isAnew = true
        result.lines = 0
        continue
      }
      if let replaced, report.isComplete { transcript.digest.carryOver(from: replaced) }
      // What the first part says holds for all of them.
      if result.session == .noSession {
        result.session = stored?.sessionID ?? transcript.sessionID ?? name
      }
      result.lines += report.end.lines - (begin?.lines ?? 0)
      result.malformed += report.malformed
      if report.end != position || isAnew {
        result.entries += try store(
          transcript, format, session: result.session, from: position, to: report.end,
          isAnew: isAnew, database)
      }
      progress(report.end.offset, report.end.offset - (begin?.offset ?? 0))
      position = report.end
      begin = position
      if report.isComplete {
        try RewindService(service: service).settle(
          result.session, transcript.digest, at: report.end, isFresh: replaced != nil)
        result.isComplete = true
        return result
      }
      transcript.forgetStored()
      if isOver() { return result }
      reader = try TranscriptReader(path: path, known: position, upTo: limit)
      // Another file took its place; the next run reads that one.
      if reader.readsAnew { return result }
    }
  }

  private func store(
    _ transcript: any AgentTranscript, _ format: TranscriptFormat, session: SessionID,
    from start: TranscriptPosition?, to end: TranscriptPosition, isAnew: Bool,
    _ database: MemoryDatabase
  ) throws(StoreError) -> Int {
    let digest = transcript.digest
    // Where it began, which may have been another machine: the folder says which project it was.
    let folder =
      digest.root ?? digest.cwd
      ?? Agent(rawValue: format.rawValue)?.facts.folder(
        ofTranscript: end.path, service.context) ?? ""
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
      folder.isEmpty
      ? nil : GitFacts.project(at: folder, facts: service.repositories.facts(at: folder))
    var batch = TranscriptBatch(
      start: start, end: end, agent: format.rawValue, entries: transcript.entries,
      usage: transcript.usage, digest: digest.json)
    if isAnew { batch.renewedRules = digest.rulesEdition }
    return try database.commit(
      batch, project: project, session: reference, at: service.context.clock.now)
  }
}
