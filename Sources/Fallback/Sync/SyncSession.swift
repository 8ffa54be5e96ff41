import Core
import Fallback
import MemoryStore

/// The right to send, from when it is got until ``end()``: the lease in the store, the locks that
/// the system lets go of when a process dies, and the witness beside the store.
final class SyncSession {
  let journal: OutboxJournal
  /// True if rows wait that another memoryd of the same files may have sent too.
  private(set) var hasSharedRows = false

  private let database: MemoryDatabase
  private let clock: WallClock
  private let lease: SyncLease
  private let witness: SyncWitness
  /// Kept so that the next process knows whether the holder of the lease lives.
  private var processLock: AdvisoryLock?
  private var folderLock: AdvisoryLock?

  /// True if nobody else sends what the shared files hold.
  var holdsFolder: Bool { folderLock != nil }

  private init(
    database: MemoryDatabase, clock: WallClock, lease: SyncLease, witness: SyncWitness,
    processLock: AdvisoryLock?
  ) {
    self.database = database
    self.clock = clock
    self.lease = lease
    self.witness = witness
    self.processLock = processLock
    journal = OutboxJournal(database: database, clock: clock, lease: lease)
  }

  /// Asks for the right to send.
  ///
  /// - Parameters:
  ///   - lock: The file that a process holds while it sends.
  ///   - lag: For which the vault's lists may not show a write.
  /// - Returns: Nil while another process has it.
  /// - Throws: ``StoreError`` where the store is not to be had; then nobody has got it.
  static func begin(
    database: MemoryDatabase, clock: WallClock, witness: SyncWitness, lock: String, lag: Duration
  ) throws(StoreError) -> SyncSession? {
    let seen = witness.read()
    let processLock = AdvisoryLock(file: lock)
    guard
      let lease = try database.acquireLease(
        at: clock.now, takesOver: processLock != nil, witness: seen?.lease,
        isForeign: seen?.isForeign ?? false, lag: lag)
    else { return nil }
    let session = SyncSession(
      database: database, clock: clock, lease: lease, witness: witness, processLock: processLock)
    do throws(StoreError) {
      try witness.write(lease.owner)
    } catch {
      session.end()
      throw error
    }
    return session
  }

  /// Holds the folder of the files while rows wait that they share: from before the vault is read
  /// until everything is sent, so that what that read does not show no other memoryd of this folder
  /// sends meanwhile.
  ///
  /// - Throws: ``StoreError`` where the store cannot be read.
  func lockSharedFiles(_ files: FallbackFiles, vault: String) throws(StoreError) {
    hasSharedRows = try database.hasSharedRows(vault: vault)
    if hasSharedRows { folderLock = AdvisoryLock(folder: files.sharedDirectory) }
  }

  func unlockSharedFiles() { folderLock = nil }

  /// Gives the right back. What cannot be noted of that is as if the process had died.
  func end() {
    if let end = try? database.releaseLease(lease, at: clock.now) { try? witness.write(end) }
    folderLock = nil
    processLock = nil
  }
}

/// The file beside the store that names the newest lease, and which file the store was: by it a
/// store that was put back from a backup is known.
struct SyncWitness {
  var path: String
  /// The store's path.
  var store: String

  /// - Returns: The newest lease that is known beside the store, and whether the store's file is
  ///   another one now; nil without such a file.
  func read() -> (lease: String?, isForeign: Bool)? {
    guard let bytes = try? RegularFile.read(path, limit: 1000) else { return nil }
    let parts = String(decoding: bytes, as: UTF8.self).split(separator: " ").map(String.init)
    let isForeign = parts.count > 1 && parts[1] != storeIdentity
    return (parts.first.flatMap { ULID($0)?.description }, isForeign)
  }

  /// - Throws: ``StoreError`` where the file cannot be written.
  func write(_ lease: String) throws(StoreError) {
    try RegularFile.writeAtomically(Array("\(lease) \(storeIdentity)".utf8), to: path)
  }

  /// A folder that is put back whole has other files under the same names.
  private var storeIdentity: String {
    RegularFile.facts(store).map { "\($0.inode)" } ?? "-"
  }
}
