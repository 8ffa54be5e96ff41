package import Core
import Logging
package import MemoryStore

/// The door to the store of one call: opens it when it is first asked for, once.
///
/// Whoever opens the store takes in first what waits in the spool. When the call is over, what is
/// left of dropped texts is overwritten, or in a daemon the store goes back to the pool.
package final class StoreDoor {
  package let spool: Spool
  private let context: CallContext
  /// Takes in what hooks have left, when the store is opened (``MemoryService/takingIn()``).
  var intake: ((StoreDoor, MemoryDatabase) -> Void)?
  private var writable: MemoryDatabase?
  /// Opened for looking only, as it cannot be written.
  private var readable: MemoryDatabase?
  /// Why it cannot be written.
  private var obstacle: StoreError?
  /// Why the store did not take a hook's write.
  private var refusal: StoreError?

  package init(_ context: CallContext) {
    self.context = context
    spool = Spool(folder: context.home.spool)
  }

  deinit {
    guard let writable else { return }
    guard let daemon = context.daemon else {
      payErasure()
      // The end of the process closes it for less: SQLite's files are whole after each transaction.
      if context.endsProcess { _ = Unmanaged.passRetained(writable) }
      return
    }
    // The daemon overwrites while nobody waits.
    daemon.stores.checkIn(writable, key: context.redactionKey)
  }

  // MARK: The two ways in

  /// The store for looking, also one that cannot be written.
  ///
  /// Opening waits for a lock as long as ``writing()`` does. An open store is read whoever writes
  /// meanwhile, and also after it refused a hook's write.
  ///
  /// - Throws: ``StoreError`` as ``MemoryDatabase`` when it is opened; `readOnly` only where there
  ///   is no store to be looked at either.
  package func reading() throws(StoreError) -> MemoryDatabase {
    if let opened = writable ?? readable { return opened }
    do throws(StoreError) {
      return try open()
    } catch {
      guard error.code == .readOnly,
        let opened = try? MemoryDatabase(path: context.home.database, access: .reading)
      else { throw error }
      readable = opened
      obstacle = error
      return opened
    }
  }

  /// The store for changing it.
  ///
  /// What a person or an agent says is changed through ``DurableWriter``, which has another place
  /// for it where the store is not to be had. Whoever writes past that says why nothing is lost.
  ///
  /// Opening and each write wait for a lock: 5 s, in a hook what is left of its time but 400 ms. A
  /// hook whose write was refused does not wait a second time.
  ///
  /// - Throws: ``StoreError`` as ``MemoryDatabase`` when it is opened; the refusal, at once, once a
  ///   hook's write was refused; `readOnly`, at once, where ``reading()`` found that the store
  ///   cannot be written.
  package func writing() throws(StoreError) -> MemoryDatabase {
    if let refusal { throw refusal }
    if let writable { return writable }
    if let obstacle { throw obstacle }
    return try open()
  }

  /// Notes that the store did not take a write. Only hooks remember that.
  func noteRefusal(_ error: StoreError) {
    if context.deadline != nil, error.isStoreUnavailable { refusal = error }
  }

  private func open() throws(StoreError) -> MemoryDatabase {
    if let kept = context.daemon?.stores.checkOut(
      path: context.home.database, key: context.redactionKey, busyTimeout: busyTimeout)
    {
      writable = kept
      _ = kept.drainDamage()
      takeIn(kept)
      return kept
    }
    try RegularFile.makeFolder(context.home.data)
    let opened = try MemoryDatabase(
      path: context.home.database, access: context.deadline == nil ? .migrating : .asIs,
      busyTimeout: busyTimeout, redactor: context.redactor, walAutoCheckpoint: context.daemon == nil
    )
    writable = opened
    context.log.debug("store opened", metadata: ["path": "\(context.home.database)"])
    takeIn(opened)
    return opened
  }

  /// A hook keeps a part of its time for the spool.
  private var busyTimeout: Duration {
    guard let deadline = context.deadline else { return .seconds(5) }
    return max(.milliseconds(50), deadline.remaining - .milliseconds(400))
  }

  // MARK: Care

  /// Takes in what waits outside the store, as far as that can be done.
  private func takeIn(_ database: MemoryDatabase) {
    drainSpool(into: database)
    intake?(self, database)
    // A hook has less time left for its own writes, all of them together.
    if context.deadline != nil { database.setBusyTimeout(until: .now + busyTimeout) }
  }

  /// Takes in what waits in the spool, as far as that can be done.
  package func drainSpool(into database: MemoryDatabase) {
    guard !spool.pending.isEmpty else { return }
    let deadline = context.deadline
    do {
      let result = try spool.drain(into: database) {
        deadline?.isWithin(.milliseconds(700)) ?? false
      }
      context.log.info(
        "spool taken in",
        metadata: ["taken": "\(result.taken)", "quarantined": "\(result.quarantined)"])
      if result.quarantined > 0 {
        context.noteProblem(
          "spool", .invalid, "\(result.quarantined) spooled writes could not be taken in",
          hint: "look at them in \(spool.quarantine)")
      }
    } catch {
      if mendIndex(because: error, database) {
        _ = try? spool.drain(into: database)
        return
      }
      // They wait for the next command; `status` counts them.
      context.log.notice("spool waits", metadata: ["code": "\(error.code.rawValue)"])
    }
  }

  /// Makes a broken full-text index anew where somebody waits as long as it takes.
  ///
  /// - Returns: True if it was that, and is mended.
  @discardableResult
  package func mendIndex(because error: StoreError, _ database: MemoryDatabase) -> Bool {
    guard error.mayBeTheIndex, context.deadline == nil else { return false }
    let isMended =
      (try? database.mendIndex(atMost: MemoryDatabase.mostMendedByTheWay)) ?? false
    if isMended { context.log.notice("the full-text index was damaged and has been made anew") }
    return isMended
  }

  /// What was found damaged so far, also by those who went on without.
  func drainDamage() -> StoreError? { (writable ?? readable)?.drainDamage() }

  /// How long a command stays for the sake of texts that were replaced or dropped, and one that is
  /// asked to mend.
  private static let erasureTime = Duration.milliseconds(250)
  private static let wholeErasureTime = Duration.seconds(600)

  /// Overwrites what is left of texts that were replaced or dropped. A hook does not stay for that.
  ///
  /// - Parameter isWhole: However long that takes, and what could wait too.
  package func payErasure(wholly isWhole: Bool = false) {
    guard context.deadline == nil, let writable else { return }
    do throws(StoreError) {
      try writable.payErasure(
        at: context.clock.now, within: isWhole ? Self.wholeErasureTime : Self.erasureTime,
        hurries: isWhole)
    } catch {
      // It stays owed, and `status` says so.
      context.log.notice("overwriting waits", metadata: ["code": "\(error.code.rawValue)"])
    }
  }
}
