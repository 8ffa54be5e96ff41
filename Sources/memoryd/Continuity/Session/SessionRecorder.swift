import Checkpoints
import Core
import Foundation
import Git
import Journal
import Logging
import MemoryStore
import Transcripts

/// Follows one session: reads what is new in its transcript, gathers the repository's facts, and
/// makes snapshots of both.
package struct SessionRecorder {
  let service: MemoryService
  private(set) var session: SessionReference
  /// Where the session began, also when it has gone elsewhere since.
  private(set) var project: ProjectReference
  /// The repository of the folder that the session is in now.
  let git: GitFacts?
  private let folder: String
  /// True if the store knows where it began.
  private var isSettled = false

  private(set) var digest = SessionDigest()
  private(set) var batch: TranscriptBatch?
  private(set) var position: TranscriptPosition?
  /// Why the transcript could not be read, or not to its end.
  private(set) var problem: StoreError?

  /// False if the repository has moved on since the hook ran.
  let isAtItsHead: Bool
  /// The hook's record, where the transcript counts up to the length that it names.
  private let record: HookRecord?
  /// As a checkpoint says it: ``Snapshot/gap``.
  private var gap = ""
  /// True where the transcript was read on before the record was taken in: the store keeps what it has.
  private var isBehind = false

  init(service: MemoryService, input: HookInput, record: HookRecord? = nil) {
    self.service = service
    self.record = record
    let folder = Self.folder(input, service)
    var git = service.repositories.facts(at: folder)
    isAtItsHead = record.map { $0.head == git?.head } ?? true
    if let record, record.head != nil, git != nil {
      git?.branch = record.branch
      git?.head = record.head
    }
    self.git = git
    self.folder = folder
    let here = ProjectFinder.project(at: folder, service)
    project = here
    if let id = input.session,
      let began = (try? service.store.reading().project(ofSession: id)) ?? nil
    {
      isSettled = true
      // What is known of the folder goes to its own project.
      if !began.isSame(as: here) { project = began }
    }
    session = SessionReference(
      id: input.session ?? SessionID(rawValue: "unknown-\(project.name)"), cwd: folder,
      branch: git?.branch,
      transcriptPath: input.transcriptPath, source: input.source)
    // Until the transcript says.
    if let agent = input.agent { session.agent = agent }
    noteWalk(to: here)
  }

  private static func folder(_ input: HookInput, _ service: MemoryService) -> String {
    input.cwd.flatMap { $0.hasPrefix("/") ? $0 : nil } ?? service.context.cwd
  }

  /// Starts git on what is uncommitted where the hook was called, so that it works while the store is
  /// opened and the transcript is read.
  static func status(_ input: HookInput, _ service: MemoryService) -> GitStatus? {
    service.repositories.facts(at: folder(input, service)).flatMap {
      GitStatus(root: $0.root, environment: service.context.environment)
    }
  }

  /// What git said of it a moment ago.
  static func uncommitted(_ input: HookInput, _ service: MemoryService) -> [String]? {
    service.repositories.facts(at: folder(input, service)).flatMap {
      service.context.daemon?.uncommitted(in: $0.root)
    }
  }

  /// The branch of another repository is not the session's.
  private mutating func noteWalk(to here: ProjectReference) {
    if !project.isSame(as: here) { session.branch = nil }
  }

  /// The transcript tells where a session began that no hook has told of before.
  private mutating func settle() {
    // One from another machine, or from a container, tells of folders that are not here.
    guard !isSettled, let root = digest.root, root != folder, root.hasPrefix("/"),
      FileManager.default.fileExists(atPath: root)
    else { return }
    isSettled = true
    session.cwd = root
    project = ProjectFinder.project(at: root, service)
    noteWalk(to: ProjectFinder.project(at: folder, service))
  }

  /// Reads the new part of the transcript within the deadline. Where the store is not to be had,
  /// the transcript is read from its start: the checkpoint that is spooled must hold what counts.
  ///
  /// - Parameter previous: The session's last checkpoint, behind which signals count.
  mutating func readTranscript(
    leaving reserve: Duration = .milliseconds(800), signalsSince previous: Snapshot? = nil
  ) {
    guard let path = TranscriptPlace.find(session.transcriptPath, session: session.id, service)
    else { return }
    session.transcriptPath = path
    let limit = limit(of: path)
    let stored = (try? service.store.reading().transcript(path: path)) ?? nil
    if let limit, let stored, stored.position.offset > limit,
      stored.position.inode == record?.transcript?.inode
    {
      return readAgain(path, upTo: limit, signalsSince: previous?.transcriptLine ?? 0)
    }
    do throws(StoreError) {
      let former = SessionDigest.start(from: stored, service.context)
      let reader = try TranscriptReader(
        path: path, known: former == nil ? nil : stored?.position, upTo: limit)
      if !reader.readsAnew, let former { digest = former }
      guard let format = try TranscriptFormat.of(reader, digest: digest) else { return }
      session.agent = format.rawValue
      // A record of the journal waits until its transcript was read.
      let deadline = service.context.isOfJournal ? nil : service.context.deadline
      let redactor = service.context.redactor
      let isOver = { deadline?.isWithin(reserve) ?? false }
      var interpreter = format.transcript(digest: digest, redactor: redactor, of: reader)
      var report = try reader.read(until: isOver) { interpreter.ingest($0, line: $1) }
      interpreter.finish()
      var isAnew = former == nil
      var isRewound = false
      if var anew = try interpreter.settle(path, until: isOver) {
        anew.keepWaiting(from: digest)
        // Something was taken back: what was gathered of it has to go.
        let replaced = interpreter.digest
        let reader = try TranscriptReader(path: path, known: nil, upTo: limit)
        interpreter = format.transcript(digest: anew, redactor: redactor, of: reader)
        report = try reader.read(until: isOver) { interpreter.ingest($0, line: $1) }
        interpreter.finish()
        interpreter.digest.carryOver(from: replaced)
        isAnew = true
        isRewound = true
      }
      service.context.log.debug(
        "transcript read",
        metadata: [
          "bytes": "\(report.end.offset - (stored?.position.offset ?? 0))",
          "entries": "\(interpreter.entries.count)", "malformed": "\(report.malformed)",
          "anew": "\(report.isRestart)",
        ])
      digest = interpreter.digest
      settle()
      position = report.end
      if !digest.abandoned.isEmpty, report.end != stored?.position {
        try? RewindService(service: service).settle(
          session.id, digest, at: report.end, isFresh: isRewound)
      }
      if report.end != stored?.position || isAnew {
        batch = TranscriptBatch(
          start: stored?.position, end: report.end, agent: format.rawValue,
          entries: interpreter.entries, usage: interpreter.usage, digest: "")
        if isAnew { batch?.renewedRules = interpreter.digest.rulesEdition }
      }
      if !report.isComplete, report.end.offset < report.fileSize {
        problem = StoreError(
          .inputOutput,
          "the transcript is read up to byte \(report.end.offset) of \(report.fileSize)",
          hint: "`memoryd ingest` reads the rest")
      }
    } catch {
      problem = error
      if error.code == .notFound, record?.transcript != nil {
        gap = "the transcript is gone, and what was read of it before is all that counts"
        problem = StoreError(.inputOutput, gap)
      }
      if let stored, let known = SessionDigest.stored(stored.digest, service.context) {
        digest = known
        position = stored.position
      }
    }
  }

  /// Up to where the transcript counts; nil for all that there is.
  private mutating func limit(of path: String) -> Int64? {
    guard let record, let seen = record.transcript else { return nil }
    if record.isOf(path) { return seen.length }
    guard let facts = RegularFile.facts(path) else { return nil }
    gap =
      "the transcript had \(seen.length) bytes when the hook ran and is another or a shorter file "
      + "of \(facts.size) bytes now"
    problem = StoreError(.inputOutput, "\(gap); what there is was read")
    return nil
  }

  /// Makes the digest of a transcript up to a length that the store is beyond, for a checkpoint alone.
  private mutating func readAgain(_ path: String, upTo limit: Int64, signalsSince line: Int) {
    isBehind = true
    do throws(StoreError) {
      let reader = try TranscriptReader(path: path, known: nil, upTo: limit)
      guard let format = try TranscriptFormat.of(reader, digest: SessionDigest()) else { return }
      session.agent = format.rawValue
      var interpreter = format.transcript(
        digest: SessionDigest(), redactor: service.context.redactor, of: reader)
      func read(_ reader: consuming TranscriptReader) throws(StoreError) -> TranscriptReader.Report
      {
        var isFresh = line == 0
        let report = try reader.read { object, number in
          if !isFresh, number > line {
            interpreter.digest.signals = .init()
            isFresh = true
          }
          interpreter.ingest(object, line: number)
          // Its words are in the store already.
          interpreter.forgetStored()
        }
        interpreter.finish()
        return report
      }
      position = try read(reader).end
      if let anew = try interpreter.settle(path, until: { false }) {
        let reader = try TranscriptReader(path: path, known: nil, upTo: limit)
        interpreter = format.transcript(
          digest: anew, redactor: service.context.redactor, of: reader)
        position = try read(reader).end
      }
      digest = interpreter.digest
      settle()
    } catch {
      problem = error
    }
  }

  /// Asks git what the session's folder is, once, when the host has its answer or needs none.
  func learnPlace() {
    guard let git, project.marks != nil else { return }
    let (service, project) = (service, project)
    if let deferredWork = service.deferredWork {
      deferredWork.add(once: git.root) {
        ProjectFinder.learn(project, git, service, within: .seconds(2))
      }
    } else if let deadline = service.context.deadline, deadline.remaining > .milliseconds(450) {
      ProjectFinder.learn(project, git, service, within: .milliseconds(150))
    }
  }

  /// Stores only the text of what happens within a session without being its own.
  mutating func leaveSessionAsItIs() {
    session = SessionReference(id: session.id, agent: session.agent)
  }

  func reportProblem(_ event: String) {
    guard let problem else { return }
    // A session that ends before its first prompt has no transcript.
    if problem.code == .notFound, event.hasPrefix("Session") || event.hasPrefix("Stop") {
      return
    }
    service.context.noteProblem(event, problem.code, problem.message, hint: problem.hint)
  }

  /// Adds what the host told on standard input and the transcript may not hold yet.
  mutating func ingestSummary(_ text: String) {
    var interpreter = TranscriptFormat(digest).transcript(
      digest: digest, redactor: service.context.redactor)
    interpreter.ingestSummary(text, at: service.context.clock.now)
    digest = interpreter.digest
    keepDigest()
  }

  /// The agent's last words, which the transcript may not hold yet. They are stored, and stand once
  /// when it does.
  mutating func ingestLastWords(_ text: String) {
    var interpreter = TranscriptFormat(digest).transcript(
      digest: digest, redactor: service.context.redactor)
    let isNew = interpreter.ingestLastWords(
      text, at: service.context.clock.now, position: position?.lines ?? 0)
    guard isNew else { return }
    digest = interpreter.digest
    keepDigest()
    if isBehind { return }
    if batch == nil {
      batch = TranscriptBatch(
        start: nil, end: .none, agent: session.agent, entries: [], usage: [], digest: "")
    }
    batch?.entries += interpreter.entries
  }

  mutating func resetSignals() {
    digest.signals = .init()
    keepDigest()
  }

  /// A changed digest is stored even if the transcript brought nothing.
  private mutating func keepDigest() {
    guard batch == nil, !isBehind, let position else { return }
    batch = TranscriptBatch(start: position, end: position, entries: [], usage: [], digest: "")
  }

  /// The batch to commit, with the digest as it is now.
  func finishedBatch() -> TranscriptBatch? {
    guard var batch else { return nil }
    guard batch.end != .none else { return batch }
    batch.digest = digest.json
    service.context.daemon?.digests.note(digest, Array(batch.digest.utf8), path: batch.end.path)
    return batch
  }

  func snapshot(dirty: [String]?) -> Snapshot { snapshotting(dirty: dirty)() }

  /// What makes the snapshot of now, on whatever thread.
  func snapshotting(dirty: [String]?) -> @Sendable () -> Snapshot {
    var facts = git
    if let dirty {
      facts?.dirty = dirty
      facts?.dirtyAt = service.context.present.now
    }
    let (digest, git, session, lines, gap) = (
      digest, facts, session, position?.lines ?? 0, gap
    )
    let digests = service.context.daemon?.digests
    return {
      var snapshot =
        digests?.snapshot(of: digest, git, path: session.transcriptPath)
        ?? Snapshot(digest, git: git)
      snapshot.transcriptPath = session.transcriptPath
      snapshot.transcriptLine = lines
      snapshot.gap = gap
      if snapshot.cwd == nil { snapshot.cwd = session.cwd }
      return snapshot
    }
  }
}
