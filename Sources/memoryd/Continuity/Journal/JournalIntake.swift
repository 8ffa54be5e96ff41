import Core
import Foundation
import Journal
import Logging
import MemoryStore

/// Takes in what hooks have left in the journal: makes the checkpoints that they asked for, as of their
/// moments, from the transcripts up to the lengths that they saw.
///
/// Whoever opens the store for writing does so first, and then reads a store that has them. The records of all
/// projects are taken in the order in which they were written: a session may have walked from one
/// project to another.
package struct JournalIntake {
  private let context: CallContext
  private let store: StoreDoor
  private let deferredWork: DeferredWork?
  private let repositories: RepositoryFacts
  private let journal: Journal

  init(
    _ context: CallContext, _ store: StoreDoor, _ repositories: RepositoryFacts,
    deferredWork: DeferredWork?
  ) {
    self.context = context
    self.store = store
    self.deferredWork = deferredWork
    self.repositories = repositories
    journal = context.journal
  }

  /// Of a hook's time, what it keeps for its own work; at most two fifths of what it has.
  private static let reserve = Duration.milliseconds(800)
  /// How long somebody without a limit waits for another who takes in.
  private static let leasePatience = Duration.seconds(30)
  /// How long a record waits for a process that sees its transcript.
  private static let sightPatience = Duration.seconds(60)
  /// Between two looks whether another process is done with taking in.
  private static let pause = Duration.milliseconds(2)
  /// How long a lock is waited for.
  private static let lockPatience = Duration.milliseconds(50)
  /// Bytes of a transcript that are read in one piece with a record's checkpoint.
  private static let mostAtOnce: Int64 = 8 << 20

  /// When to stop; nil goes on to the end.
  private func end() -> ContinuousClock.Instant? {
    if let left = context.deadline?.remaining {
      return .now + left - min(Self.reserve, left * 2 / 5)
    }
    return context.journalPatience.map { .now + $0 }
  }

  /// Makes the journal ready for hooks, and takes in what waits. What cannot be taken in stays.
  func run(_ database: MemoryDatabase) {
    FrontNews(context).settle()
    prepare()
    guard journal.isWaiting else { return }
    let end = end()
    func isOver() -> Bool {
      end.map { .now >= $0 } ?? false || context.daemon?.isStopping ?? false
    }
    var lease = journal.lease()
    // Somebody else is at it.
    let patience = ContinuousClock.now + Self.leasePatience
    while lease == nil, !isOver(), .now < patience {
      Thread.sleep(forTimeInterval: Double(Self.pause.milliseconds) / 1000)
      if !journal.isWaiting { return }
      lease = journal.lease()
    }
    guard let lease else { return }
    let passage = journal.take(
      lease, damaged: { setAside($0, because: "\($0.count) bytes are damaged") },
      { isOver() ? .waits : take($0, database, until: isOver) })
    if passage.taken > 0 {
      context.log.info("hooks taken in", metadata: ["taken": "\(passage.taken)"])
    }
    for path in passage.unreadable {
      context.log.warning("no file of a journal", metadata: ["path": "\(path)"])
    }
    // A session start says it in its own way.
    if isOver(), context.deadline == nil, let rest = Self.rest(context) {
      context.remarks.add("\(rest.message); \(rest.hint)")
    }
  }

  /// What is said of hooks that nobody has taken in; nil if there are none.
  static func rest(_ context: CallContext) -> (message: String, hint: String)? {
    let count = context.journal.count(upTo: mostCounted)
    guard count > 0 else { return nil }
    let verb = count == 1 ? "is" : "are"
    let many = count < mostCounted ? "" : "at least "
    return (
      "\(many)\(TerminalText.count(count, "earlier hook")) \(verb) not taken in yet",
      "`memoryd doctor` takes in all that wait"
    )
  }

  /// A full disk is met here, and not in a hook.
  private func prepare() {
    do throws(Journal.Refusal) {
      try journal.prepare()
    } catch {
      guard case .system(let code) = error else { return }
      context.noteProblem(
        "journal", .inputOutput,
        "hooks have no journal to write to: \(String(cString: strerror(code)))",
        hint:
          "they go to the store instead, which takes longer; `memoryd doctor` looks at the folder")
    }
  }

  // MARK: One record

  private func take(
    _ payload: [UInt8], _ database: MemoryDatabase, until isOver: () -> Bool
  ) -> Journal.Verdict {
    guard let record = HookRecord(encoded: payload) else {
      setAside(payload, because: "it is no hook's record")
      return .taken
    }
    do throws(StoreError) {
      if try database.hasRequest(record.request) { return .taken }
      func take() throws(StoreError) -> Bool { try self.take(record, until: isOver) }
      // The caller has work of its own to do, and waits for a lock then.
      let isDone =
        context.deadline == nil && context.journalPatience == nil
        ? try take() : try database.withBusyTimeout(Self.lockPatience, take)
      // A backup may have been put in place meanwhile: then the record is the new store's.
      return isDone && database.isInPlace ? .taken : .waits
    } catch {
      if error.isStoreUnavailable {
        context.log.notice("a hook's record waits", metadata: ["code": "\(error.code.rawValue)"])
        return .waits
      }
      setAside(payload, because: error.message)
      return .taken
    }
  }

  /// - Returns: False if the time was up before its transcript was read.
  private func take(_ record: HookRecord, until isOver: () -> Bool) throws(StoreError) -> Bool {
    let service = MemoryService(
      context.at(record), store: store, repositories, deferredWork: deferredWork)
    guard !isOutOfSight(record) else { return false }
    guard try readAhead(record, service, until: isOver) else { return false }
    try HookWork(service: service).carryOut(record)
    return true
  }

  /// True for a hook in a container, or the like, whose transcript this process does not see: somebody
  /// who does takes it in. After a while it is taken in without.
  private func isOutOfSight(_ record: HookRecord) -> Bool {
    guard record.mounts != HookMoment.mounts, record.transcript != nil,
      let path = record.transcriptPath,
      (0..<Self.sightPatience.milliseconds).contains(context.present.now - record.at)
    else { return false }
    return !FileManager.default.fileExists(atPath: (path as NSString).deletingLastPathComponent)
  }

  /// A long transcript is taken in by parts, so that whoever has little time brings it forward.
  private func readAhead(
    _ record: HookRecord, _ service: MemoryService, until isOver: () -> Bool
  ) throws(StoreError) -> Bool {
    guard let length = record.transcript?.length, !record.input.isSubagent,
      let session = record.input.session,
      let path = TranscriptPlace.find(record.input.transcriptPath, session: session, service)
    else { return true }
    // A file that cannot be read is for the checkpoint to tell of.
    guard (try? RegularFile.isUTF16(path)) == false else { return true }
    let stored = try store.reading().transcript(path: path)
    guard length - (stored?.position.offset ?? 0) > Self.mostAtOnce,
      record.isOf(path)
    else { return true }
    do throws(StoreError) {
      return try TranscriptIngest(service: service).ingest(path, upTo: length, until: isOver)
        .isComplete
    } catch {
      // The store's refusal comes again with the checkpoint; a disk's would keep all records waiting.
      return true
    }
  }

  // MARK: What cannot be taken in

  /// So many waiting records are counted, and no more.
  package static let mostCounted = 100_000

  /// What could not be taken in, for a person to look at.
  package static func quarantined(_ context: CallContext) -> [String] {
    RegularFile.names(in: context.journal.folder + "/quarantine").filter { $0.hasSuffix(".json") }
  }

  private func setAside(_ payload: [UInt8], because reason: String) {
    let folder = journal.folder + "/quarantine"
    var ids = ULIDGenerator()
    let path = "\(folder)/\(ids.next(at: context.present.now)).json"
    let place: String
    do throws(StoreError) {
      try RegularFile.makeFolder(folder)
      try RegularFile.writeAtomically(payload, to: path)
      place = "it is kept as \(path)"
    } catch {
      place = "it could not be kept: \(error.message)"
    }
    context.noteProblem(
      "journal", .invalid, "a hook's record could not be taken in (\(reason)); \(place)")
  }
}

extension MemoryService {
  /// The same, with a store that takes in first what hooks have left: for all who read or write what
  /// depends on sessions.
  package func takingIn() -> MemoryService {
    // Not the door, which would hold itself.
    store.intake = { [context, repositories, deferredWork] door, database in
      JournalIntake(context, door, repositories, deferredWork: deferredWork).run(database)
    }
    return self
  }
}
