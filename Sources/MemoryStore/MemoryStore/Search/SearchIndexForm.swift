public import Core
import GRDB

/// Brings the entries of an older store into the form in which words are asked for now: their `parts`
/// anew, newest first, in steps so short that nobody waits for them.
extension MemoryDatabase {
  /// `meta`: up to this number entries have the parts of an older memoryd.
  private static let renewalKey = "index_renewed_down_to"
  /// A store with so few entries is brought forward at once, tokenizer and all.
  private static let fewEntries = 2000
  /// How long a step may take, and how many entries it looks at, before others get in.
  private static let stepTime = Duration.milliseconds(50)
  private static let stepEntries = 500

  /// Part of schema step 14, and of any later one that changes ``SearchForm``.
  static func beginRenewal(_ db: Database) throws {
    let newest = try newestEntry(db)
    guard try Int.fetchOne(db, sql: "SELECT count(*) FROM entries") ?? 0 > fewEntries else {
      try renewWhole(db)
      return
    }
    try setMeta(renewalKey, String(newest), db)
  }

  /// Small enough to be made anew, with the tokenizer that folds letters with two marks by itself. A
  /// larger store keeps its own, which leaves these to `parts`: FTS5 cannot be given another one
  /// without reading everything again in one go.
  private static func renewWhole(_ db: Database) throws {
    let numbers = try Int64.fetchAll(db, sql: "SELECT number FROM entries")
    for number in numbers { try renew(number, db) }
    try db.execute(
      sql: """
        DROP TABLE entries_fts;
        CREATE VIRTUAL TABLE entries_fts USING fts5(
          title, body, parts, scope, content='entries', content_rowid='number',
          tokenize='porter unicode61 remove_diacritics 2');
        INSERT INTO entries_fts(entries_fts) VALUES ('rebuild');
        """)
  }

  static func renew(_ number: Int64, _ db: Database) throws {
    let row = try Row.fetchOne(
      db, cached: "SELECT title, body, parts FROM entries WHERE number = ?", arguments: [number])
    guard let row else { return }
    let parts = SearchParts.of(row["title"], row["body"])
    guard parts != row["parts"] as String else { return }
    try db.execute(
      cached: "UPDATE entries SET parts = ? WHERE number = ?", arguments: [parts, number])
  }

  /// How many entries still have the parts of an older memoryd.
  public func entriesToRenew() throws(StoreError) -> Int64 { try read(Self.toRenew) }

  static func toRenew(_ db: Database) throws -> Int64 {
    try String.fetchOne(
      db, cached: "SELECT value FROM meta WHERE key = ?", arguments: [renewalKey]
    ).flatMap { Int64($0) } ?? 0
  }

  /// One step, of some 50 ms. A process that is killed has lost nothing but its last step.
  ///
  /// - Returns: False once nothing is left to do.
  public func renewIndex() throws(StoreError) -> Bool {
    // Nobody is kept from writing for the sake of a look.
    guard try entriesToRenew() > 0 else { return false }
    return try write { db in
      let start = ContinuousClock.now
      var position = try Self.toRenew(db)
      guard position > 0 else { return false }
      let numbers = try Int64.fetchAll(
        db, cached: "SELECT number FROM entries WHERE number <= ? ORDER BY number DESC LIMIT ?",
        arguments: [position, Self.stepEntries])
      for number in numbers {
        try Self.renew(number, db)
        position = number - 1
        if .now - start > Self.stepTime { break }
      }
      if numbers.isEmpty { position = 0 }
      if position > 0 {
        try Self.setMeta(Self.renewalKey, String(position), db)
      } else {
        try db.execute(cached: "DELETE FROM meta WHERE key = ?", arguments: [Self.renewalKey])
      }
      return position > 0
    }
  }
}
