public import Core
import CSQLite
import GRDB

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A text that was replaced or dropped leaves no copy in the store's files.
///
/// The statements that do it overwrite what they free. What lies elsewhere is owed: its words in the
/// segments of the full-text index, what pages hold beside their rows, and the log. That is paid in short
/// steps by whoever comes and has the time, never by a hook. The debt stands in `meta` from the
/// transaction on that made it, so it outlives everybody who dies meanwhile.
extension MemoryDatabase {
  public enum ErasureDebt: Sendable, Equatable {
    case none
    /// A hook has recorded something anew; nobody hurries for that.
    case later
    case due
  }

  /// How far the overwriting has come.
  private enum Stage: Equatable {
    /// Not begun.
    case index
    /// The index is being joined into one segment, which has no words but those of entries.
    case joining
    /// What is dead in the pages from this one on.
    case pages(Int)
    case log

    init?(_ text: String) {
      let parts = text.split(separator: " ")
      let number = parts.count == 2 ? Int64(parts[1]) : nil
      switch (parts.first, number) {
      case ("index", _): self = .index
      case ("joining", _): self = .joining
      case ("pages", let first?): self = .pages(Int(clamping: first))
      case ("log", _): self = .log
      default: return nil
      }
    }

    var text: String {
      switch self {
      case .index: "index"
      case .joining: "joining"
      case .pages(let first): "pages \(first)"
      case .log: "log"
      }
    }
  }

  private static let stageKey = "erasure"
  /// Unix ms of the first hook's write that something is owed for and that is not being paid for yet.
  private static let laterKey = "erasure_later"
  /// For a list in SQL.
  static let erasureKeys = "'\(stageKey)', '\(laterKey)'"
  /// For how long what hooks owe may wait: they record a session anew many times a day.
  static let patienceForHooks = Duration.seconds(24 * 3600)
  /// Pages of the index that one step writes.
  private static let joinedPages = 200
  private static let sweepTime = Duration.milliseconds(50)
  /// Microseconds to wait for a reader or a writer, and how often.
  private static let pause: UInt32 = 5000
  private static let mostPauses = 10

  // MARK: Owing

  /// Carries out statements that replace or drop a person's text, and notes what is owed for them.
  ///
  /// - Parameter db: In the transaction that does it.
  static func dropping<T>(_ db: Database, _ body: () throws -> T) throws -> T {
    let value = try overwriting(db, body)
    try owe(db)
    return value
  }

  /// For statements that ``overwriteFreed(_:)`` came before.
  static func owe(_ db: Database) throws {
    if try stage(db) != .index { try set(.index, db) }
  }

  /// As ``dropping(_:_:)`` for what hooks record anew: it is the session's own, comes again in most cases,
  /// and changes at every turn.
  static func oweLater(at now: Int64, _ db: Database) throws {
    try db.execute(
      cached: "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
      arguments: [laterKey, String(now)])
  }

  /// SQLite overwrites what these statements free, whole pages too. Not so elsewhere: that costs hooks
  /// as many pages as they free.
  private static func overwriting<T>(_ db: Database, _ body: () throws -> T) throws -> T {
    let formerly = try overwriteFreed(db)
    defer { formerly.end(db) }
    return try body()
  }

  /// What `secure_delete` was before.
  struct Overwriting {
    fileprivate let level: Int?

    func end(_ db: Database) {
      let word = level == 0 ? "OFF" : level == 1 ? "ON" : "FAST"
      try? db.execute(sql: "PRAGMA secure_delete = \(word)")
    }
  }

  static func overwriteFreed(_ db: Database) throws -> Overwriting {
    let formerly = Overwriting(level: try Int.fetchOne(db, sql: "PRAGMA secure_delete"))
    // Not kept prepared: it is carried out when it is prepared.
    try db.execute(sql: "PRAGMA secure_delete = ON")
    return formerly
  }

  private static func stage(_ db: Database) throws -> Stage? {
    try String.fetchOne(db, cached: "SELECT value FROM meta WHERE key = ?", arguments: [stageKey])
      .map { Stage($0) ?? .index }
  }

  private static func owedSince(_ db: Database) throws -> Int64? {
    try String.fetchOne(db, cached: "SELECT value FROM meta WHERE key = ?", arguments: [laterKey])
      .map { Int64($0) ?? 0 }
  }

  private static func forget(_ key: String, _ db: Database) throws {
    try db.execute(cached: "DELETE FROM meta WHERE key = ?", arguments: [key])
  }

  private static func set(_ stage: Stage, _ db: Database) throws {
    try setMeta(stageKey, stage.text, db)
  }

  // MARK: Paying

  /// - Parameter now: Unix ms.
  public func erasureDebt(at now: Int64) throws(StoreError) -> ErasureDebt {
    let (stage, later) = try read { (try Self.stage($0), try Self.owedSince($0)) }
    if stage != nil { return .due }
    guard let later else { return .none }
    return (0..<Self.patienceForHooks.milliseconds).contains(now - later) ? .later : .due
  }

  /// Pays what is owed, as far as the time goes.
  ///
  /// - Parameters:
  ///   - now: Unix ms.
  ///   - time: After which no further step begins; one takes some 50 ms.
  ///   - hurries: What can wait is paid too.
  /// - Returns: What is left: because the time was up, or a reader still needs the log.
  @discardableResult
  public func payErasure(
    at now: Int64, within time: Duration, hurries: Bool = false
  ) throws(StoreError) -> ErasureDebt {
    let debt = try erasureDebt(at: now)
    guard debt == .due || hurries && debt == .later else { return debt }
    let end = ContinuousClock.now + time
    var pauses = 0
    while true {
      switch try erase() {
      case .done:
        Leftovers.remove(besides: path, at: now)
        let left = try erasureDebt(at: now)
        if left == .none || !hurries { return left }
      case .more: break
      case .blocked:
        pauses += 1
        if pauses > Self.mostPauses { return .due }
        usleep(Self.pause)
      }
      if .now >= end { return .due }
    }
  }

  enum ErasureStep: Equatable {
    case done, more
    /// Somebody reads or writes just now.
    case blocked
  }

  /// One step; the next one may be another process's.
  func erase() throws(StoreError) -> ErasureStep {
    let (stage, later) = try read { (try Self.stage($0), try Self.owedSince($0)) }
    switch stage {
    case nil where later == nil: return .done
    case nil, .index, .joining:
      try joinIndex()
      return .more
    case .pages: return try overwritePages()
    case .log:
      guard walCheckpoint() else { return .blocked }
      return try write { db in
        guard try Self.stage(db) == .log else { return .more }
        try Self.forget(Self.stageKey, db)
        return .done
      }
    }
  }

  /// FTS5 takes a word that was deleted out when it joins the segment that has it with the one that says
  /// so. `optimize` does that in one go; this is the same in pieces.
  private func joinIndex() throws(StoreError) {
    try write { db in
      let pages: Int
      switch try Self.stage(db) {
      case .joining: pages = Self.joinedPages
      case .pages, .log: return
      case nil, .index:
        pages = -Self.joinedPages
        // What hooks owe until now is paid along with it.
        try Self.forget(Self.laterKey, db)
      }
      let before = db.totalChangesCount
      try Self.overwriting(db) {
        try db.execute(
          cached: "INSERT INTO \(Self.index) (\(Self.index), rank) VALUES ('merge', ?)",
          arguments: [pages])
      }
      // Documented: a step without work changes less than two rows.
      try Self.set(db.totalChangesCount - before >= 2 ? .joining : .pages(0), db)
    }
  }

  private func overwritePages() throws(StoreError) -> ErasureStep {
    guard walCheckpoint() else { return .blocked }
    return try write { db in
      guard case .pages(let first) = try Self.stage(db) else { return .more }
      // Somebody may have written since.
      guard try DeadBytes.logIsEmpty(db) else { return .blocked }
      var dead = try DeadBytes(db)
      let next = try dead.overwrite(from: first, for: Self.sweepTime)
      // This connection forgets the pages as they were; others do once this is committed.
      sqlite3_db_release_memory(db.sqliteConnection)
      try Self.set(next.map { .pages($0) } ?? .log, db)
      return .more
    }
  }
}
