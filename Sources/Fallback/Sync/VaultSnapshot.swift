package import Core
import Fallback
public import MemoryStore
public import Vault

/// What reads of the vault have shown, and how far they can be trusted.
public struct VaultSnapshot: Sendable {
  /// By the vault's id; changed along with our own writes.
  package private(set) var tasks: [VaultID: RemoteTask] = [:]
  private(set) var taskMarkers: [String: VaultID] = [:]
  /// Unix ms at which the read of the tasks began; nil without one.
  private(set) var tasksReadAt: Int64?
  /// False if a list may lack newer tasks.
  private(set) var hasAllTasks = false

  /// False if a row of the last list could not be read: it may be any.
  private var isListWhole = true

  private(set) var checkpointMarkers: [String: VaultID] = [:]
  private(set) var checkpointIDs: Set<VaultID> = []
  private(set) var decisionMarkers: [String: VaultID] = [:]
  /// What the last `backup` says of checkpoints and of decisions, each for itself.
  private var checkpoints = Reading()
  private var decisions = Reading()

  /// How far the silence of one table can be trusted.
  private struct Reading: Sendable {
    /// Unix ms at which the read began that shows the whole table; nil without one.
    var wholeAt: Int64?
    /// Why the table could not be read, where it was tried.
    var problem: String?
    /// True if the vault says that it has no such read.
    var isImpossible = false
  }

  /// Unix ms at which our own write gave a task's state.
  private var writtenAt: [VaultID: Int64] = [:]

  /// For which a list may not show a write.
  private let lag: Duration

  package init(lag: Duration = .zero) { self.lag = lag }

  /// - Parameter readAt: Unix ms at which the read began.
  package mutating func ingest(tasks list: [VaultTask], isWhole: Bool = true, readAt: Int64) {
    let own = tasks.filter { writtenAt[$0.key] != nil }
    tasks = [:]
    taskMarkers = [:]
    for task in list { note(RemoteTask(task)) }
    // A list may show what was before a write of ours; its answer is newer.
    for (id, task) in own where readAt - (writtenAt[id] ?? 0) < lag.milliseconds { note(task) }
    tasksReadAt = readAt
    isListWhole = isWhole
    hasAllTasks = isWhole && list.count < VaultTools.listLimit
  }

  package mutating func ingest(_ backup: VaultBackup, readAt: Int64) {
    // Only this read's window proves by its silence.
    checkpointIDs = []
    for checkpoint in backup.checkpoints?.rows ?? [] { note(checkpoint) }
    for decision in backup.decisions?.rows ?? [] {
      for marker in Marker.found(in: decision.rationale) { decisionMarkers[marker] = decision.id }
    }
    checkpoints = Self.reading(backup.checkpoints, "checkpoints", readAt)
    decisions = Self.reading(backup.decisions, "decisions", readAt)
    // More than a list can show: then this read is not cut off where lists are.
    if let table = backup.tasks, table.isWhole, table.rows.count > VaultTools.listLimit {
      for task in table.rows where tasks[task.id] == nil { note(RemoteTask(task)) }
      hasAllTasks = true
    }
    isWindowFull = (backup.checkpoints?.rows.count ?? 0) >= VaultTools.backupCheckpoints
  }

  private static func reading<Row>(
    _ table: VaultTable<Row>?, _ name: String, _ readAt: Int64
  ) -> Reading {
    guard let table else {
      return Reading(problem: "the vault's backup shows no \(name) that memoryd can read")
    }
    return table.isWhole
      ? Reading(wholeAt: readAt)
      : Reading(problem: "the vault's backup holds \(name) that memoryd cannot read")
  }

  private var isWindowFull = false

  /// The read failed for itself; another time it may not.
  ///
  /// - Parameter isImpossible: The vault has no such read at all.
  mutating func noteBackupFailure(_ why: String, isImpossible: Bool) {
    checkpoints = Reading(problem: why, isImpossible: isImpossible)
    decisions = checkpoints
  }

  /// True if nothing was tried since it was forgotten.
  var needsBackup: Bool {
    checkpoints.wholeAt == nil && checkpoints.problem == nil
      && decisions.wholeAt == nil && decisions.problem == nil
  }

  /// So that it is read anew; what it has shown stays true.
  mutating func forgetBackup() {
    if !checkpoints.isImpossible { checkpoints = Reading() }
    if !decisions.isImpossible { decisions = Reading() }
  }

  /// The same of the list of tasks.
  mutating func forgetTasks() { tasksReadAt = nil }

  /// One read alone: its marker counts, its silence does not.
  package mutating func note(_ checkpoint: VaultCheckpoint) {
    checkpointIDs.insert(checkpoint.id)
    for marker in checkpoint.actions.flatMap(Marker.found(in:))
      + Marker.found(in: checkpoint.content)
    {
      checkpointMarkers[marker] = checkpoint.id
    }
  }

  package mutating func note(_ task: RemoteTask) {
    tasks[task.vaultID] = task
    for marker in task.markers { taskMarkers[marker] = task.vaultID }
  }

  /// The answer to a write of ours.
  package mutating func note(_ task: RemoteTask, writtenAt now: Int64) {
    note(task)
    writtenAt[task.vaultID] = now
  }

  // MARK: Questions

  /// A task as the vault surely has it; nil if it is not in sight, or what was read may be older
  /// than a write of ours.
  package func current(_ row: OutboxRow) -> RemoteTask? {
    guard let id = row.taskVaultID, let task = tasks[id] else { return nil }
    if writtenAt[id] != nil { return task }
    guard let written = row.taskVaultAt, let readAt = tasksReadAt else { return task }
    return written <= readAt && readAt - written < lag.milliseconds ? nil : task
  }

  /// After a row's sending, for which a failing read is tried again before a person is asked.
  private static let backupPatience = Duration.seconds(24 * 3600)

  package enum Finding: Equatable {
    /// It is there, as this id.
    case found(VaultID)
    /// A read that would show it does not.
    case absent
    /// No read can tell, and why.
    case blind(String)
    /// The read that would tell fails, and why; a later one may not.
    case unreadable(String)
    /// There was no read yet that began late enough.
    case notRead
  }

  /// Whether a row that made an item has arrived.
  ///
  /// - Parameters:
  ///   - after: Unix ms; a read that began earlier proves nothing by its silence.
  ///   - now: Unix ms.
  package func finding(_ row: OutboxRow, after: Int64, now: Int64) -> Finding {
    guard let marker = row.marker else { return .notRead }
    switch row.kind {
    case .task:
      if let id = taskMarkers[marker] { return .found(id) }
      guard let tasksReadAt, tasksReadAt >= after else { return .notRead }
      if hasAllTasks { return .absent }
      return isListWhole
        ? .blind(
          "the vault lists the oldest \(VaultTools.listLimit) tasks only, and it would be among "
            + "the newest")
        : .unreadable("the vault's list holds tasks that memoryd cannot read")
    case .decision:
      if let id = decisionMarkers[marker] { return .found(id) }
      return silence(of: decisions, row, after: after, now: now) ?? .absent
    default:
      if let id = checkpointMarkers[marker] { return .found(id) }
      if let unknown = silence(of: checkpoints, row, after: after, now: now) { return unknown }
      // The newest ten; complete if they reach back to one that was there before.
      if !isWindowFull || row.fence.map(checkpointIDs.contains) == true { return .absent }
      return .blind(
        "the vault shows its newest \(VaultTools.backupCheckpoints) checkpoints only, and others "
          + "were made since")
    }
  }

  /// Why a table's silence proves nothing of a row; nil if it proves that the vault lacks it.
  private func silence(
    of table: Reading, _ row: OutboxRow, after: Int64, now: Int64
  ) -> Finding? {
    if let problem = table.problem {
      if table.isImpossible { return .blind("the vault gives no backup to look it up in") }
      let isOld = row.sentAt.map { now - $0 > Self.backupPatience.milliseconds } ?? false
      return isOld ? .blind("for a day, \(problem)") : .unreadable(problem)
    }
    guard let readAt = table.wholeAt, readAt >= after else { return .notRead }
    return nil
  }
}

extension RemoteTask {
  /// Without memoryd's markers in its texts.
  public init(_ task: VaultTask) {
    var fields = TaskFields { task.texts[$0.rawValue] }
    fields.context = Marker.stripped(task.texts["context"])
    self.init(
      vaultID: task.id,
      fields: fields, isDone: task.isDone, source: TaskSource(rawValue: task.source),
      createdAt: Timestamp.milliseconds(task.createdAt) ?? ULID(task.id.rawValue)?.milliseconds
        ?? 0,
      completedAt: task.completedAt.flatMap { Timestamp.milliseconds($0) },
      markers: Marker.found(in: task.texts["context"] ?? ""))
  }
}
