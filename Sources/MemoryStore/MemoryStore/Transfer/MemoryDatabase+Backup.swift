public import Core
import CSQLite
import Foundation
import GRDB

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension MemoryDatabase {
  /// What a copy holds.
  public struct CopyFacts: Sendable, Equatable {
    public var schema = 0
    /// Rows of each table.
    public var counts: [String: Int] = [:]
    /// Of the file.
    public var bytes: Int64 = 0
    /// True if the full-text index was damaged, and made anew in the copy.
    public var hasNewIndex = false
    /// Where the store that was there before is kept.
    public var kept: String?
  }

  // MARK: Out

  /// Copies the store as it is at this moment into one file; others may write meanwhile.
  ///
  /// SQLite's backup copies page by page, inside one reading transaction. `VACUUM INTO` would make a
  /// smaller file, but reads and writes every row anew, and numbers those anew that have no number of
  /// their own.
  /// - Throws: ``StoreError``: `exists`; `corrupt` if the copy fails SQLite's checks. No file is left
  ///   then.
  public func backUp(to target: String, replaces: Bool) throws(StoreError) -> CopyFacts {
    guard !isOwn(target) else {
      throw StoreError(.invalid, "\(target) is the store itself", hint: "choose another name")
    }
    let file = try NewFile(target, replaces: replaces)
    var facts = try read { db in
      var facts = CopyFacts(schema: try Self.number(db), counts: try Self.counts(db))
      let copied = try Self.copy(db, to: file.temporary) { copy in
        (try Self.counts(copy), try Self.makeIndexWhole(copy))
      }
      guard copied.0 == facts.counts else {
        throw StoreError(.corrupt, "the copy is not what the store holds", hint: Self.doctorHint)
      }
      facts.hasNewIndex = copied.1
      return facts
    }
    facts.bytes = RegularFile.facts(file.temporary)?.size ?? 0
    try file.finish()
    return facts
  }

  /// - Returns: True if the index was broken.
  private static func makeIndexWhole(_ db: Database) throws -> Bool {
    // Our own schema, or one that was compared with ours.
    try db.execute(sql: "PRAGMA trusted_schema = ON")
    return try makeIndexWhole { body in
      try db.inTransaction(.immediate) {
        try body(db)
        return .commit
      }
    } != nil
  }

  private static let doctorHint = "run `memoryd doctor --fix`; nothing was changed"

  /// Whether a path leads to the store's file or one of those beside it, under whatever name.
  public func isOwn(_ target: String) -> Bool {
    guard let facts = RegularFile.facts(target) else { return false }
    return ["", "-wal", "-shm"].contains { suffix in
      RegularFile.facts(path + suffix).map {
        $0.inode == facts.inode && $0.device == facts.device
      } ?? false
    }
  }

  /// Copies into an empty file, which needs no other file beside it, and checks the copy.
  ///
  /// - Parameter look: At the copy.
  @discardableResult
  static func copy<T>(
    _ source: Database, to target: String, _ look: (Database) throws -> T
  ) throws -> T {
    let queue = try DatabaseQueue(path: target, configuration: distrusting)
    let result = try queue.inDatabase { db in
      try source.backup(to: db)
      try db.execute(sql: "PRAGMA journal_mode = DELETE")
      try check(db)
      return try look(db)
    }
    try queue.close()
    return result
  }

  /// For a database of which nobody knows where it has been.
  private static var distrusting: Configuration {
    var configuration = Configuration()
    configuration.prepareDatabase { try $0.execute(sql: "PRAGMA trusted_schema = OFF") }
    return configuration
  }

  private static func check(_ db: Database) throws {
    guard try String.fetchOne(db, sql: "PRAGMA integrity_check") == "ok" else {
      throw StoreError(
        .corrupt, "the copy fails SQLite's integrity check: what it was made from is damaged",
        hint: "was it a backup, take another one; was it the store, " + doctorHint)
    }
  }

  // MARK: Back

  /// Puts a backup in the place of the store.
  ///
  /// The file is not replaced: a process that has the old one open would go on writing there, and
  /// what it acknowledged would be gone. Instead SQLite writes the backup's pages into the store, in
  /// one transaction. Others see the old store or the new one, whenever this process is killed, and a
  /// writer that waits for the lock writes into the new one.
  /// - Parameter replaces: A store that holds something may be replaced. It is kept beside the new one.
  /// - Throws: ``StoreError``: `invalid` or `corrupt` for what is no backup, `schemaTooNew`, `exists`,
  ///   `busy`. The store is as it was then.
  public static func restore(
    _ backup: String, to path: String, replaces: Bool, at now: Int64
  ) throws(StoreError) -> CopyFacts {
    // One name: the leftovers of a restore that was killed go away.
    let prepared = path + ".restoring"
    func cleanUp() { for suffix in ["", "-journal", "-wal", "-shm"] { unlink(prepared + suffix) } }
    cleanUp()
    defer { cleanUp() }
    var facts = try prepare(backup, in: prepared, path)
    let kept = path + ".before-restore-" + Timestamp.string(now).filter(\.isNumber)
    do throws(StoreError) {
      let store = try MemoryDatabase(path: path, access: .migrating)
      let isEmpty = try store.isEmpty()
      guard isEmpty || replaces else {
        throw StoreError(
          .exists, "the store at \(path) is not empty",
          hint: "--force puts the backup in its place and keeps it beside; nothing was changed")
      }
      facts.kept = isEmpty ? nil : kept
      try store.takeOver(prepared, keeping: facts.kept)
      store.walCheckpoint()
    } catch {
      guard error.code == .corrupt else { throw error }
      guard replaces else {
        throw StoreError(
          .exists, "the store at \(path) is damaged",
          hint: "--force keeps it beside the backup that takes its place; nothing was changed")
      }
      try swap(prepared, for: path, keeping: kept)
      facts.kept = kept
    }
    facts.bytes = RegularFile.facts(path)?.size ?? 0
    return facts
  }

  /// A checked copy of the backup, brought up to date, and marked as restored.
  private static func prepare(
    _ backup: String, in prepared: String, _ path: String
  ) throws(StoreError) -> CopyFacts {
    do {
      return try preparing(backup, in: prepared, path)
    } catch {
      throw translate(error, path)
    }
  }

  private static func preparing(
    _ backup: String, in prepared: String, _ path: String
  ) throws -> CopyFacts {
    guard RegularFile.exists(backup) else {
      throw StoreError(.notFound, "there is no \(backup)")
    }
    guard let file = RegularFile.facts(backup) else {
      throw StoreError(.invalid, "\(backup) is not a regular file")
    }
    if let own = RegularFile.facts(path), own.inode == file.inode, own.device == file.device {
      throw StoreError(.invalid, "\(backup) is the store itself", hint: "nothing was changed")
    }
    let descriptor = open(prepared, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw RegularFile.failure("write", prepared) }
    close(descriptor)
    let known = Schema.steps.last?.number ?? 0
    do {
      var configuration = distrusting
      configuration.readonly = true
      try DatabaseQueue(path: backup, configuration: configuration).inDatabase { db in
        let schema = try number(db)
        guard try Int.fetchOne(db, sql: "PRAGMA application_id") == Schema.applicationID, schema > 0
        else {
          throw StoreError(
            .invalid, "\(backup) is a database, but not a memoryd store",
            hint: "nothing was changed")
        }
        guard schema <= known else { throw tooNew(schema, known: known, of: "the backup") }
        try refuseForeign(
          db, steps: steps(Schema.steps, upTo: schema), in: backup, .invalid,
          hint: "it is no backup as memoryd writes them; nothing was changed")
        try copy(db, to: prepared) { _ in }
      }
    } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
      throw StoreError(
        .invalid, "\(backup) is not a database",
        hint: "what `memoryd backup` writes is one; "
          + "what `memoryd export` writes, `memoryd import` reads")
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
      throw StoreError(.corrupt, "\(backup) is damaged", hint: "nothing was changed")
    }
    let queue = try DatabaseQueue(path: prepared)
    try migrate(queue, steps: Schema.steps)
    let (counts, hasNewIndex) = try queue.inDatabase { db in
      let hasNewIndex = try makeIndexWhole(db)
      try db.inTransaction {
        try markRestored(db)
        return .commit
      }
      return (try Self.counts(db), hasNewIndex)
    }
    try queue.close()
    return CopyFacts(schema: known, counts: counts, hasNewIndex: hasNewIndex)
  }

  /// - Parameter kept: Where the old content goes; nil if there is none.
  private func takeOver(_ prepared: String, keeping kept: String?) throws(StoreError) {
    do {
      try DatabaseQueue(path: prepared).inDatabase { source in
        try queue.inDatabase { try takeOver(source, $0, keeping: kept) }
      }
    } catch {
      throw Self.translate(error, path)
    }
  }

  private func takeOver(_ source: Database, _ db: Database, keeping kept: String?) throws {
    guard
      let backup = sqlite3_backup_init(
        db.sqliteConnection, "main", source.sqliteConnection, "main")
    else { throw DatabaseError(resultCode: .SQLITE_ERROR) }
    defer { sqlite3_backup_finish(backup) }
    // The first page takes the lock. From then on nobody else writes, so what is kept lacks nothing
    // that was ever acknowledged.
    try Self.step(backup, 1, until: SQLITE_OK)
    if let kept {
      _ = try MemoryDatabase(path: path, access: .reading).backUp(to: kept, replaces: false)
    }
    try Self.step(backup, -1, until: SQLITE_DONE)
  }

  private static func step(_ backup: OpaquePointer, _ pages: Int32, until wanted: Int32) throws {
    let code = sqlite3_backup_step(backup, pages)
    guard code == wanted else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
  }

  /// For a store that SQLite cannot open, and into which nobody writes therefore. At any moment there
  /// is a file at its path.
  private static func swap(
    _ prepared: String, for path: String, keeping kept: String
  ) throws(StoreError) {
    if RegularFile.exists(path), link(path, kept) != 0 {
      throw RegularFile.failure("keep the damaged store", kept)
    }
    // A log belongs to its database; read with another one it would damage that.
    for suffix in ["-wal", "-shm"] where RegularFile.exists(path + suffix) {
      guard rename(path + suffix, kept + suffix) == 0 else {
        throw RegularFile.failure("move", path + suffix)
      }
    }
    guard rename(prepared, path) == 0 else { throw RegularFile.failure("write", path) }
    try RegularFile.synchronizeFolder(of: path)
  }
}
