public import Canary
import Foundation
public import MemoryStore

/// Sends what waits to the vault, each item once, and takes in what the vault has.
///
/// What a process does here may end at any point: a row is noted as sent before it is sent, and
/// what became of it is noted together with the next one's going out.
public final class SyncRun {
  public struct Settings {
    /// Ms for each call.
    public var timeout: Int
    /// Ms for which the vault's lists may not show a write.
    public var lag: Int64
    /// When all must be over; nil without an end.
    public var end: ContinuousClock.Instant?
    /// Ms that the run may wait for the moment at which a lost answer can be looked up.
    public var patience: Int64
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
      timeout: Int, lag: Int64, end: ContinuousClock.Instant?, patience: Int64,
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

  private static let kinds = ["task", "decision", "checkpoint"]
  /// Rows that are looked at together.
  private static let page = 200

  private let database: MemoryDatabase
  private let files: FallbackFiles
  private let vault: VaultTools
  private let clock: WallClock
  private let settings: Settings
  /// Told of each call that fails.
  private let onFailure: (VaultFailure) -> Void
  private let onProgress: (_ done: Int) -> Void

  private var report = Report()
  private var planner: SyncPlanner
  private var looks = LookSchedules()
  private var lock: AdvisoryLock?
  private var hasShared = false
  private var fence: String?
  private var isStopped = false
  /// Answers lost in a row. One may be lost anywhere; after the second a read must show that the
  /// vault is still there.
  private var lossesInARow = 0
  private var isShaken = false
  /// Answers lost since the vault last took a write, or was seen to have one.
  private var lossesSinceSuccess = 0
  /// True if the next pass may read what it needs, whatever the schedule says.
  private var mayLook = false
  private var probe: () -> CanaryProbe.Answer? = { nil }
  /// What became of the row that was sent last, not yet noted.
  private var carried: (row: OutboxRow, settlement: OutboxSettlement)?
  /// When this pass began to read the backup, Unix ms, with whatever result.
  private var backupReadAt: Int64?
  /// Ms that calls take here.
  private var pace = 50

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
      timeout: Int64(settings.timeout), lag: settings.lag, now: clock.now)
    mayLook = settings.effort == .typed
    self.onFailure = onFailure
    self.onProgress = onProgress
  }

  /// - Parameters:
  ///   - adoption: What the files held, for their receipts; nil if they have not changed.
  ///   - probe: Asks for all tasks and tells the health of it; nil if the vault does not answer.
  /// - Throws: ``StoreError`` where the store is not to be had; what was sent is looked up later.
  public func run(
    adoption: Adoption.Result?, probe: @escaping () -> CanaryProbe.Answer?
  ) throws(StoreError) -> Report {
    self.probe = probe
    let witness = witness()
    let ownLock = AdvisoryLock(file: settings.lock)
    guard
      let lease = try database.acquireLease(
        at: clock.now, takesOver: ownLock != nil,
        witness: witness?.lease, isForeign: witness?.isForeign ?? false, lag: settings.lag)
    else {
      report.isBusy = true
      return report
    }
    defer {
      if let end = try? database.releaseLease(lease, at: clock.now) { try? writeWitness(end) }
      lock = nil
      withExtendedLifetime(ownLock) {}
    }
    try writeWitness(lease.owner)
    try database.note(settings.vault, at: clock.now)
    hasShared = try database.hasSharedRows(vault: settings.vault.id)
    if hasShared {
      // Held from before the read until everything is sent: what this read does not show, no
      // other memoryd of this folder sends meanwhile.
      lock = AdvisoryLock(folder: files.sharedDirectory)
    }
    planner.receipts = adoption?.receipts ?? [:]
    if lock != nil {
      do throws(StoreError) {
        planner.receipts = try currentReceipts(adoption)
      } catch {
        // Files that cannot be read stop what is shared by them, and nothing else.
        lock = nil
      }
    }
    planner.maySendShared = lock != nil
    guard begin() else { return report }
    looks = LookSchedules(try database.fact(fact(.looks)))
    let known = looks
    try noteKeys()
    do throws(StoreError) {
      try drain(lease)
      if looks != known { try database.update(fact(.looks)) { _ in looks.text } }
      try pull()
    } catch {
      try? flush(lease)
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
    pace = max(20, answer.latencyMilliseconds)
    planner.snapshot.take(tasks: answer.tasks, isWhole: answer.isWhole, readAt: readAt)
    return true
  }

  /// The newest lease that is known beside the store, and whether the store's file is another one.
  private func witness() -> (lease: String?, isForeign: Bool)? {
    guard let bytes = try? RegularFile.read(settings.witness, limit: 1000) else { return nil }
    let parts = String(decoding: bytes, as: UTF8.self).split(separator: " ").map(String.init)
    let isForeign = parts.count > 1 && parts[1] != fileIdentity
    return (parts.first.flatMap { ULID($0)?.description }, isForeign)
  }

  private func writeWitness(_ lease: String) throws(StoreError) {
    try RegularFile.writeAtomically(
      Array("\(lease) \(fileIdentity)".utf8), to: settings.witness)
  }

  /// A folder that is put back whole has other files under the same names.
  private var fileIdentity: String {
    RegularFile.facts(database.path).map { "\($0.inode)" } ?? "-"
  }

  /// Read under the lock: another memoryd may just have sent, and told so.
  private func currentReceipts(_ known: Adoption.Result?) throws(StoreError) -> [String: String] {
    try (known?.receipts ?? [:]).merging(files.receipts()) { $1 }
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

  private func fact(_ fact: MemoryDatabase.VaultFact) -> MemoryDatabase.Fact {
    .vault(fact, settings.vault.id)
  }

  // MARK: Draining

  /// What one pass over the outbox has left open.
  private struct Pass {
    /// An answer was lost in it.
    var hasLost = false
    /// When a look at each of the rows that need one can tell; Unix ms.
    var unclearTasks: [Int64] = []
    var unclearOthers: [Int64] = []
    /// Something was found, or taken by the vault.
    var hasProgress = false
    /// Rows that no look has settled so far, and that a person was told of.
    var uncertain = 0
    /// When the first row that was put off may be tried again; Unix ms.
    var nextTry: Int64?

    mutating func noteTry(_ time: Int64) { nextTry = min(nextTry ?? time, time) }

    mutating func noteUnclear(_ row: OutboxRow, until time: Int64) {
      if row.kind == "task" { unclearTasks.append(time) } else { unclearOthers.append(time) }
    }
  }

  /// A run that goes on for ever is one that has a fault.
  private static let mostPasses = 30
  /// So many writes whose answers are lost are enough to see what became of them.
  private static let mostLosses = 4
  /// Ms to the next try after these.
  private static let pauseAfterLosses: Int64 = 5000

  private func drain(_ lease: SyncLease) throws(StoreError) {
    let patience = ContinuousClock.now + .milliseconds(settings.patience)
    for _ in 0..<Self.mostPasses {
      let pass = try goThrough(lease)
      guard !isStopped, !report.isOutOfTime else { return }
      if pass.hasLost {
        // What has arrived shows at once, most of the time.
        if pass.hasProgress { lossesSinceSuccess = 0 }
      } else {
        guard let next = report.nextLook else { return }
        // One that became due meanwhile is looked at now.
        let wait = max(0, next - clock.now) + 5
        let over = ContinuousClock.now + .milliseconds(wait)
        guard over < patience, settings.end.map({ over < $0 }) ?? true else { return }
        usleep(UInt32(wait) * 1000)
        lossesSinceSuccess = 0
      }
      try renew(lease)
      if isStopped { return }
      mayLook = true
      if !pass.unclearTasks.isEmpty { planner.snapshot.forgetTasks() }
      if !pass.unclearOthers.isEmpty { planner.snapshot.forgetBackup() }
    }
  }

  private func goThrough(_ lease: SyncLease) throws(StoreError) -> Pass {
    var pass = Pass()
    report.nextLook = nil
    report.waitsBecause = nil
    backupReadAt = nil
    planner.beginPass()
    planner.sendings = hasShared ? files.sendings() : [:]
    for kind in Self.kinds where !isStopped {
      try goThrough(kind, lease, &pass)
    }
    try flush(lease)
    mayLook = false
    if isStopped { return pass }
    let now = clock.now
    if let began = planner.snapshot.tasksReadAt {
      looks.tasks.noteLook(unclear: pass.unclearTasks, began: began, now: now, lag: settings.lag)
    }
    if let began = backupReadAt {
      looks.backup.noteLook(unclear: pass.unclearOthers, began: began, now: now, lag: settings.lag)
    }
    if planner.snapshot.tasksReadAt != nil || backupReadAt != nil {
      looks.uncertain.noteLook(
        unclear: pass.uncertain > 0 ? [0] : [], began: now, now: now, lag: settings.lag)
    }
    let times =
      pass.unclearTasks.map(looks.tasks.next) + pass.unclearOthers.map(looks.backup.next)
      + [pass.nextTry].compactMap(\.self)
    report.nextLook = times.min().map { max($0, now) }
    return pass
  }

  private func goThrough(
    _ kind: String, _ lease: SyncLease, _ pass: inout Pass
  ) throws(StoreError) {
    var cursor: Int64 = 0
    while !isStopped {
      let rows = try database.outbox(
        vault: settings.vault.id, kind: kind, states: [.queued, .sent, .uncertain], after: cursor,
        limit: Self.page)
      guard let last = rows.last else { return }
      cursor = last.number
      try readWhatIsNeeded(for: rows, kind)
      for row in rows {
        if isShaken { try readTasks() }
        if isStopped { return }
        planner.now = clock.now
        if let step = planner.next(row) {
          try carryOut(step, lease, &pass)
        } else if row.state == .uncertain {
          pass.uncertain += 1
        }
      }
    }
  }

  private func carryOut(
    _ step: SyncStep, _ lease: SyncLease, _ pass: inout Pass
  ) throws(StoreError) {
    switch step {
    case .settle(let row, let settlement, _):
      if case .synced = settlement { pass.hasProgress = true }
      switch settlement {
      case .lost(let error, let time, _):
        report.waitsBecause = report.waitsBecause ?? error
        pass.noteUnclear(row, until: time)
      case .postponed(let time): pass.noteUnclear(row, until: time)
      case .provenAbsent:
        report.waitsBecause = report.waitsBecause ?? row.lastError
        pass.noteTry(planner.retryTime(row))
      case .synced, .notApplied, .uncertain, .quarantined: break
      }
      count(settlement)
      try note(row, settlement, lease)
    case .wait(let row, let until, let why):
      report.waitsBecause = report.waitsBecause ?? why
      if planner.mustBeLookedUp(row) {
        pass.noteUnclear(row, until: until ?? planner.lookAfter(row))
      } else if let until {
        pass.noteTry(until)
      }
    case .hold:
      return
    case .send(let row, let isProvenAbsent):
      guard hasTime else {
        report.isOutOfTime = true
        isStopped = true
        return
      }
      // A row that failed before says nothing of the vault; its own pauses bound it.
      guard lossesSinceSuccess < Self.mostLosses || row.failingSince != nil else {
        report.waitsBecause = report.waitsBecause ?? "the vault's answers get lost"
        pass.noteTry(clock.now + Self.pauseAfterLosses)
        planner.holdUp(row)
        return
      }
      if isProvenAbsent { try note(row, .provenAbsent, lease) }
      try send(row, lease, &pass)
    }
  }

  private var hasTime: Bool {
    if settings.isCancelled() { return false }
    guard let end = settings.end else { return true }
    // A call that is cut short has to be looked up: rather none.
    return end - .now > .milliseconds(max(100, 4 * pace))
  }

  private func count(_ settlement: OutboxSettlement) {
    switch settlement {
    case .synced: report.found += 1
    case .uncertain: report.uncertain += 1
    case .quarantined: report.quarantined += 1
    case .notApplied, .lost, .provenAbsent, .postponed: break
    }
  }

  private func note(
    _ row: OutboxRow, _ settlement: OutboxSettlement, _ lease: SyncLease
  ) throws(StoreError) {
    try flush(lease)
    _ = try database.advance(settle: row, as: settlement, lease: lease, at: clock.now)
  }

  private func flush(_ lease: SyncLease) throws(StoreError) {
    guard let carried else { return }
    _ = try database.advance(
      settle: carried.row, as: carried.settlement, lease: lease, at: clock.now)
    self.carried = nil
  }

  private func renew(_ lease: SyncLease) throws(StoreError) {
    if try !database.advance(lease: lease, at: clock.now).holdsLease { isStopped = true }
  }

  // MARK: Sending

  /// Ms between noting that a row goes out and sending it, beyond which the machine slept and
  /// another process may have taken over.
  private static let longestPause: Int64 = 2000

  /// Ms before a write with a key is tried again.
  private static let keyedPause: Int64 = 200

  private func send(
    _ row: OutboxRow, _ lease: SyncLease, _ pass: inout Pass
  ) throws(StoreError) {
    if row.mustLook, let marker = row.marker {
      do throws(StoreError) {
        try files.noteSending(marker, at: clock.now)
      } catch {
        // Others could send it too and not know of this: it waits until the folder can be written.
        report.waitsBecause = report.waitsBecause ?? error.message
        planner.holdUp(row)
        return
      }
    }
    if row.kind == "checkpoint" {
      try readFence()
      if isStopped { return }
    }
    if let task = row.aboutTaskID, let way = try database.wayOfTask(task, to: settings.vault.id),
      way.vaultID == nil,
      way.maker?.isWaiting == true || way.maker == .uncertain
    {
      // The vault would not know which task is meant.
      report.waitsBecause = report.waitsBecause ?? "the vault does not have its task yet"
      planner.holdUp(row)
      return
    }
    let now = clock.now
    let step = try database.advance(
      settle: carried?.row, as: carried?.settlement, send: row,
      lookAfter: now + Int64(settings.timeout) + settings.lag, fence: fence, lease: lease, at: now)
    carried = nil
    guard step.holdsLease else {
      isStopped = true
      return
    }
    // A person dropped it meanwhile, or the checkpoint was renewed.
    guard let row = step.row else { return }
    guard row.makesItem || row.taskVaultID != nil else {
      carried = (row, .notApplied(error: "it waits for its task", notBefore: nil, isRefusal: false))
      planner.holdUp(row)
      return
    }
    guard let call = arguments(for: row) else {
      carried = (
        row, .synced(vaultID: row.taskVaultID, task: planner.snapshot.current(row))
      )
      report.found += 1
      return
    }
    guard clock.now - now < Self.longestPause else {
      carried = (row, .notApplied(error: "the machine slept", notBefore: nil, isRefusal: false))
      isStopped = true
      return
    }
    do throws(VaultFailure) {
      let key = planner.keysSince == nil ? nil : SyncKey.of(row)
      let written = try vault.write(call.tool, call.arguments, key: key, by: settings.end)
      lossesInARow = 0
      lossesSinceSuccess = 0
      pass.hasProgress = true
      let task = written.task.map { RemoteTask($0) }
      if let task { planner.snapshot.note(task, writtenAt: clock.now) }
      if row.kind == "checkpoint" { fence = written.id }
      carried = (row, .synced(vaultID: written.id, task: task))
      report.sent += 1
      onProgress(report.sent)
    } catch {
      failed(row, error, &pass)
    }
  }

  private func failed(_ row: OutboxRow, _ failure: VaultFailure, _ pass: inout Pass) {
    let isError = failure.isAboutThisCall
    if failure.delivery != .refused {
      if !isError { fail(failure) }
      planner.holdUp(row)
      report.waitsBecause = report.waitsBecause ?? failure.detail
    }
    planner.noteFailure(row, isError: isError)
    switch failure.delivery {
    case .refused:
      carried = (row, .quarantined(error: failure.detail))
      report.quarantined += 1
    case .notApplied:
      // A task that was written a moment ago may not be known yet.
      let notBefore = failure == VaultTools.unknownTask ? clock.now + settings.lag : nil
      carried = (
        row, .notApplied(error: failure.detail, notBefore: notBefore, isRefusal: isError)
      )
      if let notBefore { pass.noteTry(notBefore) }
    case .unknown:
      let isKeyed =
        planner.keysSince != nil && SyncKey.of(row) != nil
        && row.refusals < SyncPlanner.keyedRefusals - 1
      let lookAfter = clock.now + (isKeyed ? Self.keyedPause : settings.lag)
      carried = (row, .lost(error: failure.detail, lookAfter: lookAfter, isRefusal: isError))
      pass.hasLost = true
      if row.failingSince == nil { lossesSinceSuccess += 1 }
      pass.noteUnclear(row, until: lookAfter)
    }
  }

  private func fail(_ failure: VaultFailure) {
    if failure == .outOfTime {
      report.isOutOfTime = true
      isStopped = true
      return
    }
    report.failure = failure
    onFailure(failure)
    guard failure.isLostAnswer else {
      isStopped = true
      return
    }
    lossesInARow += 1
    if lossesInARow > 1 { isShaken = true }
  }

  /// The call that carries a row out; nil if the vault has everything already.
  private func arguments(for row: OutboxRow) -> (tool: String, arguments: [String: WireJSON])? {
    guard case .object(var arguments)? = WireJSON(parsing: row.payload.utf8) else {
      return ("task", [:])
    }
    let action = row.action
    switch action {
    case "add", "retro":
      arguments["context"] = .string(
        Marker.attached(to: arguments["context"]?.string, row.marker ?? row.itemID))
      if action == "retro" { arguments["source"] = nil } else { arguments["occurred_at"] = nil }
    case "decide":
      arguments["rationale"] = .string(
        Marker.attached(to: arguments["rationale"]?.string, row.marker ?? row.itemID))
      if let task = arguments["task_id"]?.string,
        let way = try? database.wayOfTask(task, to: settings.vault.id)
      {
        // One that the vault will never get has no name there.
        arguments["task_id"] = way.vaultID.map { .string($0) }
      }
    case "save":
      let actions = arguments["recent_actions"]?.array ?? []
      arguments["recent_actions"] = .array(
        actions + [.string(Marker.text(row.marker ?? row.itemID))])
    case "done":
      arguments = ["id": .string(row.taskVaultID ?? "")]
    default:
      guard let changes = changes(of: row) else { return nil }
      arguments = changes
    }
    arguments["action"] = .string(action)
    return (row.kind == "task" ? "task" : "checkpoint", arguments)
  }

  private func changes(of row: OutboxRow) -> [String: WireJSON]? {
    guard let ours = MemoryDatabase.taskFields(row.payload), let id = row.taskVaultID else {
      return nil
    }
    let theirs = planner.snapshot.current(row)
    var change = TaskMerge.outgoing(ours, base: row.taskBase, theirs: theirs?.fields)
    if change == TaskFields() {
      // What makes a task goes out with its words of now. The change that brought them is still one of its
      // own, in its order: what the vault keeps of a task's past has it. Not where somebody has added to
      // them there meanwhile.
      guard row.attempts <= 1, let base = row.taskBase, ours.isPart(of: base), let theirs,
        ours.isPart(of: theirs.fields)
      else { return nil }
      change = ours
    }
    var arguments: [String: WireJSON] = ["id": .string(id)]
    arguments["title"] = change.title.map { .string($0) }
    arguments["project"] = change.project.map { .string($0) }
    arguments["occurred_at"] = change.occurredAt.map { .string($0) }
    if let context = change.context {
      // The markers stay: by them the task is found again.
      let markers = theirs?.markers ?? planner.snapshot.tasks[id]?.markers ?? [row.itemID]
      arguments["context"] = .string(
        markers.reduce(context) { Marker.attached(to: $0, $1) })
    }
    return arguments
  }

  // MARK: Reading

  private func readWhatIsNeeded(
    for rows: [OutboxRow], _ kind: String
  ) throws(StoreError) {
    let now = clock.now
    planner.now = now
    let isTask = kind == "task"
    let schedule = isTask ? looks.tasks : looks.backup
    let unclear = rows.filter(planner.mustBeLookedUp)
    let isDue =
      mayLook || schedule.isDue(at: now)
      || unclear.contains { $0.state != .uncertain && schedule.isNew(ripe: ripe($0), at: now) }
    let mayLookUp = unclear.contains {
      $0.state == .uncertain ? mayLook || looks.uncertain.isDue(at: now) : isDue
    }
    if isTask {
      let isChange = rows.contains { !$0.makesItem && $0.state == .queued }
      // What others changed meanwhile is merged into a change.
      if planner.snapshot.tasksReadAt == nil, isChange || mayLookUp { try readTasks() }
      // A list that is cut off at its thousandth task: perhaps the backup is not.
      guard planner.snapshot.tasksReadAt != nil, !planner.snapshot.hasAllTasks else { return }
    }
    guard !isStopped, mayLookUp, planner.snapshot.needsBackup else { return }
    let readAt = clock.now
    // A read that fails is a look too: it is not tried again at once.
    backupReadAt = readAt
    do throws(VaultFailure) {
      planner.snapshot.take(try vault.backup(by: settings.end), readAt: readAt)
    } catch {
      planner.snapshot.noteBackupFailure(
        "the vault's backup, in which it would be looked up, fails: \(error.detail)",
        isImpossible: error.isAboutThisCall && (error.delivery == .refused || error.isUnknownTool))
      if !error.isAboutThisCall { fail(error) }
    }
  }

  /// Unix ms from which on a look at a row can tell.
  private func ripe(_ row: OutboxRow) -> Int64 {
    row.state == .sent ? planner.lookAfter(row) : max(planner.lookAfter(row), row.updatedAt)
  }

  private func readTasks() throws(StoreError) {
    let readAt = clock.now
    isShaken = false
    guard settings.end != nil else {
      if let answer = probe() {
        lossesInARow = 0
        take(answer.tasks, isWhole: answer.isWhole, readAt)
      } else {
        isStopped = true
      }
      return
    }
    do throws(VaultFailure) {
      let list = try vault.tasks(status: "", by: settings.end)
      lossesInARow = 0
      take(list.rows, isWhole: list.isWhole, readAt)
    } catch {
      fail(error)
      isStopped = true
    }
  }

  private func take(_ tasks: [VaultTask], isWhole: Bool, _ readAt: Int64) {
    planner.snapshot.take(tasks: tasks, isWhole: isWhole, readAt: readAt)
    // Whether the backup shows more than the list is to be seen anew.
    if !planner.snapshot.hasAllTasks { planner.snapshot.forgetBackup() }
  }

  /// A checkpoint that the vault has now: while it is among the newest ten, so is what comes later.
  private func readFence() throws(StoreError) {
    if fence != nil { return }
    if let known = try database.fact(fact(.checkpoint)) {
      fence = known
      return
    }
    do throws(VaultFailure) {
      fence = try vault.newestCheckpoint(by: settings.end)?.id ?? ""
    } catch {
      if error.isAboutThisCall { fence = "" } else { fail(error) }
      if fence == nil { isStopped = true }
    }
  }

  // MARK: Pulling

  private func pull() throws(StoreError) {
    guard let readAt = planner.snapshot.tasksReadAt else { return }
    let tasks = planner.snapshot.tasks.values.sorted { $0.vaultID < $1.vaultID }
    report.pulled = try database.pull(
      tasks.filter { $0.fields.title != "" }, from: settings.vault, at: clock.now,
      lag: settings.lag)
    report.differences = try database.differences(
      from: tasks, in: settings.vault.id, isComplete: planner.snapshot.hasAllTasks, readAt: readAt,
      lag: settings.lag)
    guard settings.takesCheckpoint, !isStopped, hasTime else { return }
    do throws(VaultFailure) {
      if let newest = try vault.newestCheckpoint(by: settings.end) { newestCheckpoint = newest }
    } catch {
      if !error.isAboutThisCall { fail(error) }
    }
  }

  /// The vault's; the caller keeps it, in its own layout.
  public private(set) var newestCheckpoint: VaultCheckpoint?

  // MARK: Looking only

  /// What a run would do now, as far as it can be told without sending anything.
  public func plan(
    adoption: Adoption.Result?, answer: CanaryProbe.Answer, readAt: Int64
  ) throws(StoreError) -> [SyncStep] {
    planner.snapshot.take(tasks: answer.tasks, isWhole: answer.isWhole, readAt: readAt)
    planner.receipts = adoption?.receipts ?? [:]
    planner.sendings = files.sendings()
    mayLook = true
    var steps: [SyncStep] = []
    for kind in Self.kinds {
      let rows = try database.outbox(
        vault: settings.vault.id, kind: kind, states: [.queued, .sent, .uncertain], after: 0,
        limit: Int.max)
      try readWhatIsNeeded(for: rows, kind)
      planner.now = clock.now
      steps += rows.compactMap { planner.next($0) }
    }
    return steps
  }
}
