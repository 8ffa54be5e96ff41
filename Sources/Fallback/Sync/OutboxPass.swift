import MemoryStore

/// What one pass over the outbox has found and left open. Pure.
struct OutboxPass: Equatable {
  /// True if the pass may read what it needs, whatever the schedule of looks says.
  let mayLook: Bool
  /// When the pass began to read the backup, Unix ms, with whatever result.
  var backupReadAt: Int64?
  /// Rows that no look has settled so far, and that a person was told of.
  var uncertain = 0

  /// True if an answer was lost in it.
  private(set) var hasLost = false
  /// True if something was found in the vault, or taken by it.
  private(set) var hasProgress = false
  /// When a look at each of the rows that need one can tell; Unix ms.
  private(set) var unclearTasks: [Int64] = []
  private(set) var unclearOthers: [Int64] = []
  /// When the first row that was put off may be tried again; Unix ms.
  private(set) var nextTry: Int64?
  /// Why the first of the rows that wait does so.
  private(set) var waitsBecause: String?

  init(mayLook: Bool) { self.mayLook = mayLook }

  mutating func note(_ fate: RowFate, of row: OutboxRow) {
    if fate.isLoss { hasLost = true }
    if fate.isProgress { hasProgress = true }
    waitsBecause = waitsBecause ?? fate.waitsBecause
    switch fate.next {
    case .look(let time) where row.kind == .task: unclearTasks.append(time)
    case .look(let time): unclearOthers.append(time)
    case .tryAgain(let time): nextTry = min(nextTry ?? time, time)
    case nil: break
    }
  }

  /// The pass is over: what it has left unclear counts for when the vault is read again.
  ///
  /// - Parameters:
  ///   - tasksReadAt: When the list of tasks that it went by was read, Unix ms; nil without one.
  ///   - lag: For which the vault's lists may not show a write.
  /// - Returns: Unix ms at which what waits can be looked up or tried again; nil if nothing can.
  func end(
    _ looks: inout LookSchedules, tasksReadAt: Int64?, now: Int64, lag: Duration
  ) -> Int64? {
    if let began = tasksReadAt {
      looks.tasks.noteLook(unclear: unclearTasks, began: began, now: now, lag: lag)
    }
    if let began = backupReadAt {
      looks.backup.noteLook(unclear: unclearOthers, began: began, now: now, lag: lag)
    }
    if tasksReadAt != nil || backupReadAt != nil {
      looks.uncertain.noteLook(unclear: uncertain > 0 ? [0] : [], began: now, now: now, lag: lag)
    }
    let times =
      unclearTasks.map(looks.tasks.next) + unclearOthers.map(looks.backup.next)
      + [nextTry].compactMap(\.self)
    return times.min().map { max($0, now) }
  }
}
