public import Canary
public import Core
public import Fallback
public import MemoryStore
public import Vault

/// Sends what waits to the vault, each item once, and takes in what the vault has.
///
/// A process may end at any point of it: a row is noted as sent before it is sent, and what became
/// of it is noted together with the next one's going out. What to do with a row is decided by
/// ``SyncPlanner``, what becomes of it by ``RowFate``; a run carries that out, and its
/// ``OutboxJournal`` makes it durable.
public final class SyncRun {
  public struct Settings {
    /// For each call.
    public var timeout: Duration
    /// For which the vault's lists may not show a write.
    public var lag: Duration
    /// When all must be over; nil without an end.
    public var end: ContinuousClock.Instant?
    /// How long the run may wait for the moment at which a lost answer can be looked up.
    public var patience: Duration
    /// The file beside the store that tells when a backup was put back.
    public var witness: String
    public var vault: VaultReference
    /// Held while a run goes on: the system lets go of it when a process dies.
    public var lock: String
    /// What the run does beyond sending.
    public var effort: Effort
    /// Whether the vault's newest checkpoint is taken over too.
    public var takesCheckpoint: Bool
    /// Asked before each item; true leaves the rest for later.
    public var isCancelled: () -> Bool

    public init(
      timeout: Duration, lag: Duration, end: ContinuousClock.Instant?, patience: Duration,
      vault: VaultReference, witness: String, lock: String, effort: Effort = .whole,
      takesCheckpoint: Bool = true, isCancelled: @escaping () -> Bool = { false }
    ) {
      self.isCancelled = isCancelled
      self.effort = effort
      self.takesCheckpoint = takesCheckpoint
      self.timeout = timeout
      self.lag = lag
      self.end = end
      self.patience = patience
      self.vault = vault
      self.witness = witness
      self.lock = lock
    }
  }

  /// How much a run asks of the vault.
  public enum Effort: Sendable {
    /// A person asked for it: what was put off is tried now.
    case typed
    /// Everything: reads the vault's tasks first and takes over what is new there.
    case whole
    /// The vault was well a moment ago: sends what waits, and reads only what that needs.
    case sending
  }

  public struct Report: Sendable {
    public var sent = 0
    /// Written off without being sent again: the vault had them.
    public var found = 0
    public var pulled = 0
    public var uncertain = 0
    public var quarantined = 0
    /// What stopped the run; nil if nothing did.
    public var failure: VaultFailure?
    /// Unix ms at which what waits can be looked up or tried again.
    public var nextLook: Int64?
    /// Why the first of the rows that wait does so.
    public var waitsBecause: String?
    /// In what store and vault differ though nothing waits any more.
    public var differences: [TaskDifference] = []
    /// True if another process is at it.
    public var isBusy = false
    /// True if the time was over before the work was.
    public var isOutOfTime = false

    public init() {}
  }

  let database: MemoryDatabase
  let files: FallbackFiles
  let vault: VaultTools
  let clock: WallClock
  let settings: Settings
  /// Told of each call whose failure says something of the vault as a whole.
  let onFailure: (VaultFailure) -> Void
  /// Told how many rows the vault has taken in this run.
  let onProgress: (_ sent: Int) -> Void
  /// Asks for all tasks and tells the health of it; nil if the vault does not answer.
  private(set) var probe: () -> CanaryProbe.Answer? = { nil }

  var report = Report()
  /// What has been read of the vault is in it.
  var planner: SyncPlanner
  /// When the vault may be read again to see what became of writes.
  var looks = LookSchedules()
  var losses = AnswerLosses()
  var budget: CallBudget
  /// A checkpoint that the vault surely has, as its id there; empty where it shows none, and nil
  /// until that was asked.
  var fence: VaultID?
  /// True once nothing more is to be asked of the vault in this run.
  var isStopped = false
  /// The vault's, if this run has read it; the caller keeps it, in its own layout.
  public internal(set) var newestCheckpoint: VaultCheckpoint?

  public init(
    database: MemoryDatabase, files: FallbackFiles, vault: VaultTools, clock: WallClock,
    settings: Settings, onFailure: @escaping (VaultFailure) -> Void,
    onProgress: @escaping (Int) -> Void = { _ in }
  ) {
    self.database = database
    self.files = files
    self.vault = vault
    self.clock = clock
    self.settings = settings
    planner = SyncPlanner(
      snapshot: VaultSnapshot(lag: settings.lag), isTyped: settings.effort == .typed,
      timeout: settings.timeout, lag: settings.lag, now: clock.now)
    budget = CallBudget(end: settings.end, isCancelled: settings.isCancelled)
    self.onFailure = onFailure
    self.onProgress = onProgress
  }

  /// - Parameters:
  ///   - adoption: What the files held, for their receipts; nil if they have not changed.
  ///   - probe: Asks for all tasks and tells the health of it; nil if the vault does not answer.
  /// - Returns: What was done and what is left; what stopped the run stands in it.
  /// - Throws: ``StoreError`` where the store is not to be had; what was sent is looked up later.
  public func run(
    adoption: Adoption.Result?, probe: @escaping () -> CanaryProbe.Answer?
  ) throws(StoreError) -> Report {
    self.probe = probe
    let session = try SyncSession.begin(
      database: database, clock: clock,
      witness: SyncWitness(path: settings.witness, store: database.path), lock: settings.lock,
      lag: settings.lag)
    guard let session else {
      report.isBusy = true
      return report
    }
    defer { session.end() }
    try database.note(settings.vault, at: clock.now)
    try session.lockSharedFiles(files, vault: settings.vault.id)
    planner.receipts = adoption?.receipts ?? [:]
    if session.holdsFolder {
      do throws(StoreError) {
        // Read under the lock: another memoryd may just have sent, and told so.
        planner.receipts.merge(try files.receipts()) { $1 }
      } catch {
        // Files that cannot be read stop what is shared by them, and nothing else.
        session.unlockSharedFiles()
      }
    }
    planner.maySendShared = session.holdsFolder
    guard begin() else { return report }
    looks = LookSchedules(try database.fact(fact(.looks)))
    let known = looks
    try noteKeys()
    do throws(StoreError) {
      try drain(session)
      if looks != known { try database.update(fact(.looks)) { _ in looks.text } }
      try pull()
    } catch {
      try? session.journal.flush()
      throw error
    }
    return report
  }

  /// The first word with the vault: all its tasks, or the handshake where nothing needs these.
  ///
  /// - Returns: False if the vault does not answer.
  private func begin() -> Bool {
    if settings.effort == .sending {
      do throws(VaultFailure) {
        try vault.connect()
      } catch {
        fail(error)
        return false
      }
      return true
    }
    let readAt = clock.now
    guard let answer = probe() else { return false }
    budget.pace = max(.milliseconds(20), answer.latency)
    planner.snapshot.ingest(tasks: answer.tasks, isWhole: answer.isWhole, readAt: readAt)
    return true
  }

  /// Rows that were sent before the vault was known to honour keys went out without one.
  private func noteKeys() throws(StoreError) {
    let known = try database.fact(fact(.keys)).flatMap { Int64($0) }
    if vault.honoursKeys {
      let since = known ?? clock.now
      if known == nil { try database.update(fact(.keys)) { _ in String(since) } }
      planner.keysSince = since
    } else if known != nil {
      try database.update(fact(.keys)) { _ in "" }
    }
  }

  func fact(_ fact: MemoryDatabase.VaultFact) -> MemoryDatabase.Fact {
    .vault(fact, settings.vault.id)
  }

  /// What a run would do now, as far as it can be told without sending anything.
  ///
  /// - Parameters:
  ///   - adoption: What the files hold, for their receipts.
  ///   - answer: All tasks of the vault, and when their read began, Unix ms.
  /// - Returns: The steps for the rows that wait, of one kind after the other.
  /// - Throws: ``StoreError`` where the store cannot be read.
  public func plan(
    adoption: Adoption.Result?, answer: CanaryProbe.Answer, readAt: Int64
  ) throws(StoreError) -> [SyncStep] {
    planner.snapshot.ingest(tasks: answer.tasks, isWhole: answer.isWhole, readAt: readAt)
    planner.receipts = adoption?.receipts ?? [:]
    planner.sendings = files.sendings()
    var pass = OutboxPass(mayLook: true)
    var steps: [SyncStep] = []
    for kind in ItemKind.forVault {
      let rows = try outbox(kind, after: 0, limit: Int.max)
      readWhatIsNeeded(for: rows, kind, &pass)
      planner.now = clock.now
      steps += rows.compactMap { planner.next($0) }
    }
    return steps
  }
}
