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
    /// Tells one vault from another.
    public var vaultName: String
    /// Held while a run goes on: the system lets go of it when a process dies.
    public var lock: String
    /// Asked before each item; true leaves the rest for later.
    public var isCancelled: () -> Bool

    public init(
      timeout: Int, lag: Int64, end: ContinuousClock.Instant?, patience: Int64,
      vaultName: String, witness: String, lock: String,
      isCancelled: @escaping () -> Bool = { false }
    ) {
      self.isCancelled = isCancelled
      self.timeout = timeout
      self.lag = lag
      self.end = end
      self.patience = patience
      self.vaultName = vaultName
      self.witness = witness
      self.lock = lock
    }
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
    /// Unix ms at which a lost answer can be looked up.
    public var nextLook: Int64?
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
  private var snapshot: VaultSnapshot
  private var receipts: [String: String] = [:]
  private var lock: AdvisoryLock?
  private var hasShared = false
  private var fence: String?
  private var keysSince: Int64?
  private var isStopped = false
  /// True after a lost connection, until a read has shown that the vault is still there.
  private var isShaken = false
  private var probe: () -> CanaryProbe.Answer? = { nil }
  /// What became of the row that was sent last, not yet noted.
  private var carried: (row: OutboxRow, settlement: OutboxSettlement)?
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
    snapshot = VaultSnapshot(lag: settings.lag)
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
    hasShared = try database.hasSharedRows()
    if hasShared {
      // Held from before the read until everything is sent: what this read does not show, no
      // other memoryd of this folder sends meanwhile.
      lock = AdvisoryLock(folder: files.sharedDirectory)
    }
    receipts = adoption?.receipts ?? [:]
    if lock != nil {
      do throws(StoreError) {
        receipts = try currentReceipts(adoption)
      } catch {
        // Files that cannot be read stop what is shared by them, and nothing else.
        lock = nil
      }
    }
    let readAt = clock.now
    guard let answer = probe() else { return report }
    pace = max(20, answer.latencyMilliseconds)
    snapshot.take(tasks: answer.tasks, readAt: readAt)
    try noteKeys()
    do throws(StoreError) {
      try drain(lease)
      try pull()
    } catch {
      try? flush(lease)
      throw error
    }
    return report
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
    let known = try database.fact(.vaultKeys)
    let parts = known?.split(separator: " ") ?? []
    if vault.honoursKeys {
      if parts.count == 2, parts[0] == settings.vaultName, let since = Int64(parts[1]) {
        keysSince = since
      } else {
        let since = clock.now
        try database.update(.vaultKeys) { _ in "\(settings.vaultName) \(since)" }
        keysSince = since
      }
    } else if !parts.isEmpty {
      try database.update(.vaultKeys) { _ in "" }
    }
  }

  // MARK: Draining

  private func drain(_ lease: SyncLease) throws(StoreError) {
    var passes = 0
    var lastProgress = ContinuousClock.now
    while true {
      let before = report
      report.nextLook = nil
      var lost = false
      for kind in Self.kinds where !isStopped {
        if isShaken { try readTasks() }
        if !isStopped { lost = try drain(kind, lease) || lost }
      }
      try flush(lease)
      passes += 1
      guard !isStopped, !report.isOutOfTime, passes < 1000 else { return }
      let progressed = report.sent + report.found > before.sent + before.found
      if progressed { lastProgress = .now }
      if lost, progressed || passes == 1 {
        // Answers were lost just now; what has arrived shows at once.
      } else if let next = report.nextLook, next - clock.now <= settings.patience,
        .now - lastProgress < .milliseconds(settings.patience)
      {
        let wait = max(10, next - clock.now + 5)
        if let end = settings.end, end - .now < .milliseconds(wait) { return }
        usleep(UInt32(wait) * 1000)
      } else {
        return
      }
      try renew(lease)
      try readTasks()
      snapshot.forgetBackup()
    }
  }

  /// - Returns: True if an answer was lost.
  private func drain(_ kind: String, _ lease: SyncLease) throws(StoreError) -> Bool {
    var cursor: Int64 = 0
    var isBlocked = false
    while !isStopped {
      let rows = try database.outbox(
        kind: kind, states: [.queued, .sent, .uncertain], after: cursor, limit: Self.page)
      guard let last = rows.last else { return false }
      cursor = last.number
      try readWhatIsNeeded(for: rows, kind)
      if isStopped { return false }
      let planner = SyncPlanner(
        snapshot: snapshot, receipts: receipts, sendings: hasShared ? files.sendings() : [:],
        maySendShared: lock != nil, keysSince: keysSince, timeout: Int64(settings.timeout),
        lag: settings.lag, now: clock.now)
      for step in planner.plan(rows, isBlocked: isBlocked) {
        switch step {
        case .settle(let row, let settlement, _):
          count(settlement)
          try note(row, settlement, lease)
        case .wait(_, let until, _):
          if let until { report.nextLook = min(report.nextLook ?? until, until) }
          isBlocked = true
        case .hold:
          continue
        case .send(let row, let isProvenAbsent):
          guard hasTime else {
            report.isOutOfTime = true
            isStopped = true
            return false
          }
          if isProvenAbsent { try note(row, .provenAbsent, lease) }
          if try !send(row, lease) { return true }
          if isStopped { return false }
        }
      }
      if isBlocked { return false }
    }
    return false
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
    case .notApplied, .lost, .provenAbsent: break
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

  /// - Returns: False if the rest of its kind must wait.
  private func send(_ row: OutboxRow, _ lease: SyncLease) throws(StoreError) -> Bool {
    if row.mustLook, let marker = row.marker {
      do throws(StoreError) {
        try files.noteSending(marker, at: clock.now)
      } catch {
        // Others could send it too and not know of this: it waits until the folder can be written.
        return true
      }
    }
    if row.kind == "checkpoint" {
      try readFence()
      if isStopped { return false }
    }
    let now = clock.now
    let step = try database.advance(
      settle: carried?.row, as: carried?.settlement, send: row,
      lookAfter: now + Int64(settings.timeout) + settings.lag, fence: fence, lease: lease, at: now)
    carried = nil
    guard step.holdsLease else {
      isStopped = true
      return false
    }
    // A person dropped it meanwhile, or the checkpoint was renewed.
    guard let row = step.row else { return true }
    guard row.makesItem || row.taskVaultID != nil else {
      carried = (row, .notApplied(error: "it waits for its task", notBefore: nil, isRefusal: false))
      return true
    }
    guard let call = arguments(for: row) else {
      carried = (
        row,
        .synced(
          vaultID: row.taskVaultID, task: row.taskVaultID.flatMap { snapshot.tasks[$0] })
      )
      report.found += 1
      return true
    }
    guard clock.now - now < Self.longestPause else {
      carried = (row, .notApplied(error: "the machine slept", notBefore: nil, isRefusal: false))
      isStopped = true
      return false
    }
    do throws(VaultFailure) {
      let key = keysSince == nil ? nil : SyncKey.of(row)
      let written = try vault.write(call.tool, call.arguments, key: key, by: settings.end)
      let task = written.task.map { RemoteTask($0) }
      if let task { snapshot.note(task, writtenAt: clock.now) }
      if row.kind == "checkpoint" { fence = written.id }
      carried = (row, .synced(vaultID: written.id, task: task))
      report.sent += 1
      onProgress(report.sent)
      return true
    } catch {
      return failed(row, error)
    }
  }

  /// - Returns: False if the rest of its kind must wait.
  private func failed(_ row: OutboxRow, _ failure: VaultFailure) -> Bool {
    let isUnknownTask = failure == VaultTools.unknownTask
    if !isUnknownTask, failure.delivery != .refused { fail(failure) }
    switch failure.delivery {
    case .refused:
      carried = (row, .quarantined(error: failure.detail))
      report.quarantined += 1
      return true
    case .notApplied where isUnknownTask:
      // A key that was written a moment ago may not be there yet; later it is gone for good.
      if row.refusals > 0 {
        carried = (row, .quarantined(error: failure.detail))
        report.quarantined += 1
        return true
      }
      let notBefore = clock.now + settings.lag
      carried = (
        row, .notApplied(error: failure.detail, notBefore: notBefore, isRefusal: true)
      )
      report.nextLook = min(report.nextLook ?? notBefore, notBefore)
    case .notApplied:
      carried = (row, .notApplied(error: failure.detail, notBefore: nil, isRefusal: false))
    case .unknown:
      let isKeyed =
        keysSince != nil && SyncKey.of(row) != nil && row.refusals < SyncPlanner.keyedRefusals - 1
      let lookAfter = clock.now + (isKeyed ? Self.keyedPause : settings.lag)
      carried = (
        row,
        .lost(error: failure.detail, lookAfter: lookAfter, isRefusal: failure.isAboutThisCall)
      )
      report.nextLook = min(report.nextLook ?? lookAfter, lookAfter)
    }
    return false
  }

  private func fail(_ failure: VaultFailure) {
    if failure == .outOfTime {
      report.isOutOfTime = true
      isStopped = true
      return
    }
    report.failure = failure
    onFailure(failure)
    switch failure.reason {
    case .toolError, .serverError, .protocol: break
    // One connection was lost, or all are: the next read tells, if there is time for it.
    case .timeout,
      .unreachable where settings.end == nil:
      isShaken = true
    default: isStopped = true
    }
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
      if let task = arguments["task_id"]?.string, let id = try? database.vaultID(ofTask: task) {
        arguments["task_id"] = .string(id)
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
    let theirs = snapshot.current(row)
    let change = TaskMerge.change(ours, base: row.taskBase, theirs: theirs?.fields)
    if change == TaskFields() { return nil }
    var arguments: [String: WireJSON] = ["id": .string(id)]
    arguments["title"] = change.title.map { .string($0) }
    arguments["project"] = change.project.map { .string($0) }
    arguments["occurred_at"] = change.occurredAt.map { .string($0) }
    if let context = change.context {
      // The markers stay: by them the task is found again.
      let markers = theirs?.markers ?? snapshot.tasks[id]?.markers ?? [row.itemID]
      arguments["context"] = .string(
        markers.reduce(context) { Marker.attached(to: $0, $1) })
    }
    return arguments
  }

  // MARK: Reading

  private func readWhatIsNeeded(for rows: [OutboxRow], _ kind: String) throws(StoreError) {
    let mayBeThere = rows.contains { row in
      (row.state == .sent && (keysSince == nil || row.refusals > 0)) || row.state == .uncertain
        || (row.mustLook && row.makesItem)
    }
    guard mayBeThere else { return }
    // A list that is cut off at its thousandth task: perhaps the backup is not.
    let needsBackup = kind == "task" ? !snapshot.hasAllTasks : true
    guard needsBackup, snapshot.backupReadAt == nil, !snapshot.isBackupImpossible else { return }
    let readAt = clock.now
    do throws(VaultFailure) {
      snapshot.take(try vault.backup(by: settings.end), readAt: readAt)
    } catch {
      if error.delivery == .refused || error.isUnknownTool {
        snapshot.isBackupImpossible = true
      } else if error.isAboutThisCall {
        snapshot.isBackupFailing = true
      } else {
        fail(error)
      }
    }
  }

  private func readTasks() throws(StoreError) {
    let readAt = clock.now
    isShaken = false
    guard settings.end != nil else {
      if let answer = probe() {
        snapshot.take(tasks: answer.tasks, readAt: readAt)
      } else {
        isStopped = true
      }
      return
    }
    do throws(VaultFailure) {
      snapshot.take(tasks: try vault.tasks(status: "", by: settings.end), readAt: readAt)
    } catch {
      fail(error)
      isStopped = true
    }
  }

  /// A checkpoint that the vault has now: while it is among the newest ten, so is what comes later.
  private func readFence() throws(StoreError) {
    if fence != nil { return }
    if let known = try database.fact(.vaultCheckpoint) {
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
    let tasks = snapshot.tasks.values.filter { $0.fields.title != "" }.sorted {
      $0.vaultID < $1.vaultID
    }
    report.pulled = try database.pull(tasks, at: clock.now, lag: settings.lag)
    guard !isStopped, hasTime else { return }
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
    adoption: Adoption.Result?, tasks: [VaultTask], readAt: Int64
  ) throws(StoreError) -> [SyncStep] {
    snapshot.take(tasks: tasks, readAt: readAt)
    receipts = adoption?.receipts ?? [:]
    var steps: [SyncStep] = []
    for kind in Self.kinds {
      let rows = try database.outbox(
        kind: kind, states: [.queued, .sent, .uncertain], after: 0, limit: Int.max)
      try readWhatIsNeeded(for: rows, kind)
      steps += SyncPlanner(
        snapshot: snapshot, receipts: receipts, sendings: files.sendings(),
        timeout: Int64(settings.timeout), lag: settings.lag, now: clock.now
      ).plan(rows)
    }
    return steps
  }
}
