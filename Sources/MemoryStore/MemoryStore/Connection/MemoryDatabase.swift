public import Core
import CSQLite
import Foundation
import GRDB
public import Redaction
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The store: one SQLite file in WAL mode that several processes share.
///
/// Every write is one short immediate transaction with `synchronous=FULL`: when a call returns,
/// its rows are on disk; when it throws, none of them are.
public final class MemoryDatabase: Sendable {
  /// What an opener may do to the file.
  public enum Access: Sendable {
    /// A command that a person typed, or the daemon: creates and migrates (after a backup copy).
    case migrating
    /// A hook: creates a store where none is, and never migrates one.
    case asIs
    /// Looks only; a missing store is `notFound`.
    case reading
  }

  /// How long a transaction waits for another process's lock.
  private struct Patience {
    var time: Duration
    /// Until when, where all transactions together have that time.
    var end: ContinuousClock.Instant?
  }

  public let path: String
  let queue: DatabaseQueue
  package let redactor: Redactor
  private let schemaNumber: Int
  /// Once for each process.
  private static let isConfigured = memoryd_sqlite3_stop_counting_memory() == SQLITE_OK
  private let patience: Mutex<Patience>
  /// Each write checkpoints a long WAL. False: the owner calls ``walCheckpoint()`` when nobody waits.
  private let walAutoCheckpoint: Bool
  /// SQLite's number of the schema that was looked at; it grows with every change.
  private let cookie: Mutex<Int>
  /// What was found damaged since the last ``drainDamage()``, also where the caller went on without.
  private let damage = Mutex<StoreError?>(nil)
  /// The file that was opened; another may stand at the path by now.
  private let file: RegularFile.Facts?

  /// - Parameters:
  ///   - path: Of the database file; its folder exists.
  ///   - busyTimeout: How long a transaction waits for another process's lock.
  ///   - walAutoCheckpoint: False: no write stops to checkpoint a long WAL; the owner calls
  ///     ``walCheckpoint()``.
  /// - Throws: ``StoreError``: `busy`, `corrupt`, `schemaTooNew`, `schemaTooOld` (unless
  ///   `migrating`), `readOnly`, `diskFull`.
  public convenience init(
    path: String, access: Access, busyTimeout: Duration = .seconds(5),
    redactor: Redactor = Redactor(),
    walAutoCheckpoint: Bool = true
  ) throws(StoreError) {
    try self.init(
      path: path, access: access, busyTimeout: busyTimeout, redactor: redactor,
      walAutoCheckpoint: walAutoCheckpoint, steps: Schema.steps)
  }

  init(
    path: String, access: Access, busyTimeout: Duration, redactor: Redactor,
    walAutoCheckpoint: Bool = true, steps: [SchemaStep]
  ) throws(StoreError) {
    self.path = path
    self.redactor = redactor
    self.walAutoCheckpoint = walAutoCheckpoint
    patience = Mutex(Patience(time: busyTimeout))
    schemaNumber = steps.last?.number ?? 0
    _ = Self.isConfigured
    let isReading = access == .reading
    try StoreWitness(store: path).refuseEmptied()
    if isReading, RegularFile.facts(path) == nil {
      throw StoreError(.notFound, "there is no store at \(path)")
    }
    if !isReading { try Self.makeFile(path) }
    var configuration = Configuration()
    configuration.readonly = isReading
    configuration.busyMode = .timeout(Double(busyTimeout.milliseconds) / 1000)
    configuration.foreignKeysEnabled = true
    configuration.prepareDatabase { db in
      // GRDB has SQLite ask it about every column that a statement names, for observers that there are
      // none of here: nearly half of what preparing costs.
      sqlite3_set_authorizer(db.sqliteConnection, nil, nil)
      // Until the schema has been compared with ours.
      try db.execute(sql: "PRAGMA trusted_schema = OFF")
      try Self.refuseStrangers(db, path)
      if !isReading {
        try Self.enterWALMode(db, busyTimeout: busyTimeout)
        // The default of a WAL database in GRDB is NORMAL, which may lose the last commits when
        // the power fails.
        try db.execute(sql: "PRAGMA synchronous = FULL")
        // What it does without writing a page more, whatever SQLite was built with: ON would have hooks
        // write every page that they free. See ``dropping(_:_:)``.
        try db.execute(sql: "PRAGMA secure_delete = FAST")
      }
      _ = memoryd_sqlite3_set_no_checkpoint_on_close(db.sqliteConnection, 1)
      _ = memoryd_sqlite3_add_hit(db.sqliteConnection)
      // KiB: a search reads the same pages of the index again and again.
      try db.execute(sql: "PRAGMA cache_size = -8000")
    }
    do {
      queue = try DatabaseQueue(path: path, configuration: configuration)
      let known = try queue.inDatabase { db in
        let known = try Self.compareSchema(db, path, steps)
        // FTS5 in a trigger is not to be had without, before SQLite 3.41.
        try db.execute(sql: "PRAGMA trusted_schema = ON")
        return known
      }
      if isReading {
        try queue.read { try Self.checkSchema($0, expected: steps.last?.number ?? 0) }
      } else {
        try Self.prepareSchema(
          queue, path: path, mayMigrate: access == .migrating, steps: steps)
      }
      cookie = Mutex(
        try queue.inDatabase { db in
          let cookie = try Self.cookie(db)
          if !isReading, cookie != known { StoreWitness(store: path).note(cookie: cookie) }
          return cookie
        })
    } catch {
      throw Self.translate(error, path)
    }
    file = RegularFile.facts(path)
  }

  /// SQLite gives the -wal and -shm files the mode of the database file.
  ///
  /// A file that is there is not touched: closing any descriptor of it would cancel the locks that
  /// other connections of this process have, and another process would take itself for the last
  /// user and remove the log. Source: "How To Corrupt An SQLite Database File", 2.2.
  private static func makeFile(_ path: String) throws(StoreError) {
    if RegularFile.facts(path) != nil { return }
    StoreWitness(store: path).remove()
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o600)
    guard descriptor >= 0 else { throw RegularFile.failure("open the store", path) }
    close(descriptor)
  }

  // MARK: Keeping it open

  /// False once the path leads to another file: what is written here would be lost.
  public var isInPlace: Bool {
    guard let file, let now = RegularFile.facts(path) else { return false }
    return now.inode == file.inode && now.device == file.device
  }

  /// The schema that the file has now, which another memoryd may have changed.
  public var hasKnownSchema: Bool {
    let found = try? queue.inDatabase { (try Self.number($0), try Self.cookie($0)) }
    return found?.0 == schemaNumber && found?.1 == cookie.withLock(\.self)
  }

  /// After a change of our own.
  func noteSchema() {
    guard let now = try? queue.inDatabase({ try Self.cookie($0) }) else { return }
    cookie.withLock { $0 = now }
    if !queue.configuration.readonly { StoreWitness(store: path).note(cookie: now) }
  }

  /// What was found damaged since the last call.
  public func drainDamage() -> StoreError? {
    damage.withLock { damage in
      defer { damage = nil }
      return damage
    }
  }

  private func translate(_ error: any Error) -> StoreError {
    let error = Self.translate(error, path)
    if error.isDamage { damage.withLock { $0 = error } }
    return error
  }

  /// - Parameter timeout: How long transactions wait for another process's lock, from now on.
  public func setBusyTimeout(_ timeout: Duration) {
    patience.withLock { $0 = Patience(time: timeout) }
    queue.inDatabase { Self.setBusyTimeout(timeout, $0) }
  }

  /// - Parameter end: Until when transactions wait for another process's lock, from now on: what one has
  ///   waited, the next does not wait again.
  package func setBusyTimeout(until end: ContinuousClock.Instant) {
    patience.withLock { $0 = Patience(time: Self.leastPatience, end: end) }
    queue.inDatabase { Self.setBusyTimeout(max(Self.leastPatience, end - .now), $0) }
  }

  private static let leastPatience = Duration.milliseconds(20)

  private static func setBusyTimeout(_ timeout: Duration, _ db: Database) {
    sqlite3_busy_timeout(db.sqliteConnection, Int32(clamping: timeout.milliseconds))
  }

  /// Gives back what SQLite keeps in memory for speed.
  public func releaseMemory() {
    queue.inDatabase { _ = sqlite3_db_release_memory($0.sqliteConnection) }
  }

  // MARK: Transactions

  /// Pages of the WAL above which it is written into the database. The first process to open a
  /// store reads and checks its whole WAL: with SQLite's 1,000 pages that costs each hook 10 ms.
  /// An owner that keeps the store open spares others that.
  private var walPages: Int64 { walAutoCheckpoint ? 128 : 1000 }

  /// One transaction that sees and changes the newest state.
  func write<T>(_ body: (Database) throws -> T) throws(StoreError) -> T {
    do {
      return try queue.writeWithoutTransaction { db in
        defer { if walAutoCheckpoint, hasLongWAL { walCheckpoint(db) } }
        return try transaction(db, begin: "BEGIN IMMEDIATE", body)
      }
    } catch {
      throw translate(error)
    }
  }

  /// True if the WAL is so long that it should be written into the database.
  public var hasLongWAL: Bool {
    RegularFile.facts(path + "-wal").map { $0.size > walPages * 4096 } ?? false
  }

  /// Writes the WAL into the database and truncates it, if no reader is in the way.
  ///
  /// - Returns: False if somebody was; true if all of it is there, and the WAL is empty.
  @discardableResult
  public func walCheckpoint() -> Bool { queue.inDatabase { walCheckpoint($0) } }

  /// Short-lived processes never reset the WAL by themselves: what was checkpointed is forgotten with
  /// the process. Nothing waits for a reader here; the next write tries again.
  @discardableResult
  private func walCheckpoint(_ db: Database) -> Bool {
    let patience = patience.withLock(\.time)
    Self.setBusyTimeout(.zero, db)
    let code = sqlite3_wal_checkpoint_v2(
      db.sqliteConnection, nil, SQLITE_CHECKPOINT_TRUNCATE, nil, nil)
    Self.setBusyTimeout(patience, db)
    return code == SQLITE_OK
  }

  /// Runs `body` with another patience for locks.
  ///
  /// - Parameter timeout: How long each transaction in it waits.
  package func withBusyTimeout<T>(
    _ timeout: Duration, _ body: () throws(StoreError) -> T
  ) throws(StoreError) -> T {
    func set(_ new: Patience) {
      patience.withLock { $0 = new }
      queue.inDatabase { Self.setBusyTimeout(new.time, $0) }
    }
    let former = patience.withLock(\.self)
    set(Patience(time: timeout))
    defer { set(former) }
    return try body()
  }

  func read<T>(_ body: (Database) throws -> T) throws(StoreError) -> T {
    do {
      // Not `queue.read`: the `PRAGMA query_only` that it sets makes SQLite prepare every
      // statement of the connection anew.
      return try queue.inDatabase { try transaction($0, begin: "BEGIN", body) }
    } catch {
      throw translate(error)
    }
  }

  /// One transaction for writing, with errors as SQLite tells them.
  func attempt(_ body: (Database) throws -> Void) throws {
    try queue.writeWithoutTransaction { try transaction($0, begin: "BEGIN IMMEDIATE", body) }
  }

  /// Like GRDB's `inTransaction`, with statements that stay prepared.
  private func transaction<T>(
    _ db: Database, begin: String, _ body: (Database) throws -> T
  ) throws -> T {
    if let end = patience.withLock(\.end) {
      Self.setBusyTimeout(max(Self.leastPatience, end - .now), db)
    }
    try db.execute(cached: begin)
    do {
      try Self.checkSchema(db, expected: schemaNumber)
      let result = try body(db)
      try db.execute(cached: "COMMIT")
      return result
    } catch {
      // A full disk has rolled it back already.
      if db.isInsideTransaction { try? db.execute(cached: "ROLLBACK") }
      throw error
    }
  }

  // MARK: Schema

  /// Checked in every transaction: another memoryd may have migrated the file since it was opened.
  private static func checkSchema(_ db: Database, expected: Int) throws {
    let found = try number(db)
    if found > expected { throw tooNew(found, known: expected) }
    if found < expected {
      throw StoreError(
        .schemaTooOld, "the store has schema \(found), this build needs \(expected)",
        hint: "run `memoryd status`: it copies the store and brings it up to date")
    }
  }

  /// Before anything is set: a database of somebody else stays as it is.
  private static func refuseStrangers(_ db: Database, _ path: String) throws {
    if try Int.fetchOne(db, sql: "PRAGMA application_id") == Schema.applicationID { return }
    guard try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") == 0 else {
      throw StoreError(
        .corrupt, "\(path) is a database, but not a memoryd store",
        hint: "set MEMORYD_HOME to another folder; nothing was changed")
    }
  }

  static func number(_ db: Database) throws -> Int { try pragma("PRAGMA user_version", db) }

  static func cookie(_ db: Database) throws -> Int { try pragma("PRAGMA schema_version", db) }

  /// Compares the schema with what the steps make, unless this very one was compared before.
  ///
  /// - Returns: SQLite's number of it; nil for a new store.
  private static func compareSchema(
    _ db: Database, _ path: String, _ steps: [SchemaStep]
  ) throws -> Int? {
    let found = try number(db)
    if found == 0 { return nil }
    if found > steps.last?.number ?? 0 { throw tooNew(found, known: steps.last?.number ?? 0) }
    let cookie = try cookie(db)
    if StoreWitness(store: path).knows(cookie: cookie) { return cookie }
    try refuseForeign(
      db, steps: Self.steps(steps, upTo: found), in: "the store at \(path)", .corrupt,
      hint:
        "take it out with the sqlite3 shell (DROP …) if you know what it is, or put a backup in "
        + "place with `memoryd restore FILE --force`; new writes are kept in the spool meanwhile")
    return nil
  }

  private static func pragma(_ sql: String, _ db: Database) throws -> Int {
    let statement = try db.cachedStatement(sql: sql)
    // Without GRDB's cursor, since this is asked in every transaction.
    let handle = statement.sqliteStatement
    defer { sqlite3_reset(handle) }
    let code = sqlite3_step(handle)
    guard code == SQLITE_ROW else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    return Int(sqlite3_column_int64(handle, 0))
  }

  static func tooNew(_ found: Int, known: Int, of what: String = "the store") -> StoreError {
    StoreError(
      .schemaTooNew, "\(what) has schema \(found), this build knows up to \(known)",
      hint: "install a newer memoryd or set MEMORYD_HOME to another folder; nothing was changed")
  }

  private static func prepareSchema(
    _ queue: DatabaseQueue, path: String, mayMigrate: Bool, steps: [SchemaStep]
  ) throws {
    let last = steps.last?.number ?? 0
    let found = try queue.inDatabase(number)
    if found == last { return }
    if found > last { throw tooNew(found, known: last) }
    if found > 0 {
      guard mayMigrate else {
        try queue.read { try checkSchema($0, expected: last) }
        return
      }
      try backUp(queue, path: path, schema: found)
    }
    try migrate(queue, steps: steps)
  }

  static func migrate(_ queue: DatabaseQueue, steps: [SchemaStep]) throws {
    try queue.writeWithoutTransaction { db in
      try db.inTransaction(.immediate) {
        // Another process may have been first while this one waited for the lock.
        let found = try number(db)
        if found == 0 {
          try db.execute(sql: "PRAGMA application_id = \(Schema.applicationID)")
          if Schema.isWhole(steps) {
            try db.execute(sql: Schema.whole)
            try db.execute(sql: "PRAGMA user_version = \(Schema.current)")
            return .commit
          }
        }
        for step in steps where step.number > found {
          if !step.sql.isEmpty { try db.execute(sql: step.sql) }
          try step.then?(db)
          try db.execute(sql: "PRAGMA user_version = \(step.number)")
        }
        return .commit
      }
    }
  }

  /// Copies the store as it is, checked, before a migration touches it.
  private static func backUp(_ queue: DatabaseQueue, path: String, schema: Int) throws {
    let file = try NewFile("\(path).schema-\(schema).backup", replaces: true)
    try queue.inDatabase { try copy($0, to: file.temporary) { _ in } }
    try file.finish()
  }

  /// Switching to WAL needs the file alone for a moment, and SQLite does not wait for that by
  /// itself: eight processes that create a store at once would fail here.
  private static func enterWALMode(_ db: Database, busyTimeout: Duration) throws {
    let deadline = ContinuousClock.now + busyTimeout
    while true {
      do {
        try db.execute(sql: "PRAGMA journal_mode = WAL")
        return
      } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
        if ContinuousClock.now >= deadline { throw error }
        usleep(5000)
      }
    }
  }

  // MARK: Errors

  static func translate(_ error: any Error, _ path: String) -> StoreError {
    if let error = error as? StoreError { return error }
    guard let error = error as? DatabaseError else {
      return StoreError(.inputOutput, "the store at \(path) failed: \(type(of: error))")
    }
    // Extended codes tell a full disk apart from other I/O errors; the message is SQLite's own
    // and holds no bound values.
    let reason = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
    switch error.resultCode {
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      return StoreError(
        .busy, "another process holds the store at \(path)", hint: "try again in a moment")
    case .SQLITE_FULL:
      return StoreError(
        .diskFull, "no room left on the device for the store at \(path)",
        hint: "free some space; nothing was lost")
    case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH:
      return StoreError(
        .readOnly, "the store at \(path) cannot be opened for writing: \(reason)",
        hint: "make the folder writable, or set MEMORYD_HOME to one that is")
    case _ where isIndexDamage(error):
      return indexDamage(path)
    case .SQLITE_CORRUPT:
      return StoreError(
        .corrupt, "the store at \(path) is damaged: \(reason)",
        hint:
          "`memoryd doctor` tells where, and --fix mends what loses nothing; new writes are kept "
          + "in the spool meanwhile")
    case .SQLITE_NOTADB, .SQLITE_FORMAT:
      return StoreError(
        .corrupt, "the store at \(path) is damaged: \(reason)",
        hint:
          "`memoryd restore FILE --force` puts a backup in its place and keeps this one; without "
          + "a backup move memory.db, memory.db-wal and memory.db-shm away together and keep them; "
          + "new writes are kept in the spool meanwhile")
    default:
      return StoreError(.inputOutput, "the store at \(path) failed: \(reason)")
    }
  }
}
