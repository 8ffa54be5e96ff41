import Foundation
import GRDB
import TestSupport
import Testing

@testable import Core
@testable import MemoryStore

/// A text that was replaced or dropped is in no byte of the store's folder.
@Suite(.blocking) struct ErasureTests {
  private let folder: TemporaryFolder
  /// In no other text here, as FTS5 and `SearchParts` keep it too.
  private static let mark = "qzvorwik"

  init() throws { folder = try TemporaryFolder() }

  // MARK: What is looked at

  /// Files that hold the word, whatever its case.
  private func traces(_ word: String = mark) -> [String] {
    let names = FileManager.default.enumerator(atPath: folder.path)?.allObjects ?? []
    return names.compactMap { $0 as? String }.filter { name in
      guard let data = FileManager.default.contents(atPath: folder.file(name)) else { return false }
      return [word, word.uppercased(), word.capitalized].contains {
        data.range(of: Data($0.utf8)) != nil
      }
    }.sorted()
  }

  private func pay(_ database: MemoryDatabase) throws {
    #expect(try database.payErasure(at: 0, within: .milliseconds(60_000), hurries: true) == .none)
  }

  private func stage(_ database: MemoryDatabase) throws -> String? {
    try database.read {
      try String.fetchOne($0, sql: "SELECT value FROM meta WHERE key = 'erasure'")
    }
  }

  /// All rows, so that what was overwritten held none of them.
  private func rows(_ database: MemoryDatabase) throws -> [String] {
    try database.read { db in
      try MemoryDatabase.exportedTables.filter { $0 != "meta" }.flatMap { table in
        try Row.fetchAll(db, sql: "SELECT * FROM \(table)").map { "\(table) \($0)" }
      }
    }
  }

  private func expectWhole(
    _ database: MemoryDatabase, _ location: SourceLocation = #_sourceLocation
  )
    throws
  {
    #expect(try database.integrityProblems().isEmpty, sourceLocation: location)
    #expect(try database.indexProblem() == nil, sourceLocation: location)
  }

  /// Another process's connection, with SQLite's own default.
  private func stranger(_ sql: String...) throws {
    let queue = try DatabaseQueue(path: folder.file("memory.db"))
    try queue.inDatabase { db in
      try db.execute(sql: "PRAGMA secure_delete = OFF")
      for one in sql { try db.execute(sql: one) }
    }
  }

  private static func text(_ length: Int, _ seed: Int) -> String {
    let words = ["harbor", "crane", "rope", "keel", "tide", "gull", "parseRetryAfter"]
    return (0..<length).map { words[($0 * 7 + seed) % words.count] }.joined(separator: " ")
  }

  private func fill(_ database: MemoryDatabase, _ numbers: Range<Int>) throws {
    for number in numbers {
      _ = try database.commit(.task("harbor \(number) " + Self.text(number % 40 * 20, number)))
    }
  }

  /// One that is short, one with identifiers, one on pages of its own.
  private static let texts = [
    mark, "the \(mark)ParserThing \(mark.uppercased())",
    String(repeating: "\(mark) and more \(mark)s ", count: 3000),
  ]

  private func add(_ text: String, _ database: MemoryDatabase) throws -> RecordID {
    try database.commit(
      StoreWrite(
        requestID: .unique(), at: 1, project: .named("p"),
        operation: .addTask(TaskDraft(title: text, source: .cc, context: "why " + text)),
        consent: VaultConsent(vault: .one))
    ).id
  }

  private func change(
    _ id: RecordID, title: String? = "other words", context: String? = "for a reason",
    _ database: MemoryDatabase
  ) throws {
    _ = try database.commit(
      StoreWrite(
        requestID: .unique(), at: 2,
        operation: .changeTask(TaskChange(id: id, title: title, context: context)),
        consent: VaultConsent(vault: .one)))
  }

  // MARK: Doors

  @Test(arguments: texts) func task_thatIsChanged_leavesNothing(text: String) throws {
    let database = try folder.database()
    try fill(database, 0..<60)
    let id = try add(text, database)
    try fill(database, 60..<120)
    #expect(!traces().isEmpty)
    try change(id, database)
    #expect(try database.erasureDebt(at: 0) == .due)
    let before = try rows(database)
    try pay(database)
    #expect(traces().isEmpty)
    #expect(try rows(database) == before)
    try expectWhole(database)
    #expect(try !database.search("harbor", filter: RecordFilter()).isEmpty)
  }

  @Test func task_ofWhichOnePartIsChanged_keepsTheWordsOfTheOther() throws {
    let database = try folder.database()
    let id = try add("fixRetryBackoff", database)
    try change(id, title: nil, context: "for a reason", database)
    #expect(try !database.search("backoff", filter: RecordFilter()).isEmpty)
    try change(id, title: "plain", context: nil, database)
    #expect(try database.search("backoff", filter: RecordFilter()).isEmpty)
  }

  @Test(arguments: texts) func otherTexts_thatAreReplaced_leaveNothing(text: String) throws {
    let database = try folder.database()
    try fill(database, 0..<20)
    func commit(_ operation: StoreWrite.Operation) throws {
      _ = try database.commit(
        StoreWrite(
          requestID: .unique(), at: 5, project: .named("p"),
          session: SessionReference(id: "s"), operation: operation))
    }
    func ledger(_ remark: String) -> Ledger {
      Ledger(
        title: remark,
        phases: [
          Ledger.Phase(
            "One",
            groups: [Ledger.Group(.entries([Ledger.Entry("item", status: .done, remark: remark)]))])
        ])
    }
    // A handoff that is added to.
    let handoff = RecordID(ULID(high: 1, low: 1))
    for body in [text, "nothing of it"] {
      try commit(
        .handOff(
          HandoffDraft(
            id: handoff, trigger: .manual, objective: body, body: body,
            isRenewal: body != text)))
    }
    // A ledger that is imported, changed by hand, and imported as it was.
    let other = String(text.reversed())
    try commit(.addToLedger(LedgerDraft(ledger: ledger(text), source: .import)))
    try commit(.addToLedger(LedgerDraft(ledger: ledger("nothing of it"), source: .manual)))
    try commit(.addToLedger(LedgerDraft(ledger: ledger(text), source: .import)))
    var renamed = ledger(text)
    renamed.title = "nothing of it"
    try commit(.addToLedger(LedgerDraft(ledger: renamed, source: .import)))
    #expect(
      try database.ledger(.named("p"))?.entries.map(\.entry.remark) == ["nothing of it"])
    // An entry that is imported anew, also in one go.
    for texts in [[text], ["a", text, "b"], ["nothing of it"]] {
      var pieces = [texts.map { ImportedEntry(id: "1", kind: .k, title: $0, text: $0) }]
      _ = try database.importEntries(at: 1) { () throws(StoreError) in
        pieces.isEmpty ? nil : pieces.removeFirst()
      }
    }
    // A struck line that may come back.
    let line = StruckLine(
      id: "1", section: "s", line: text, subject: other, sessionID: nil, struckAt: 1)
    _ = try database.strike(line)
    _ = try database.restoreLine("1")
    try fill(database, 20..<40)
    try pay(database)
    #expect(traces().isEmpty)
    try expectWhole(database)
  }

  @Test func message_whoseFileWasChanged_leavesNothing() throws {
    let database = try folder.database()
    let id = RecordID(ULID(high: 1, low: 1))
    _ = try database.commit(
      StoreWrite(
        requestID: "1", at: 5, project: .named("p"),
        operation: .handOff(
          HandoffDraft(
            id: id, trigger: .message, objective: Self.mark, body: Self.mark + "ParserThing",
            recipient: "x", path: "/m.md"))))
    let file = MessageFile(
      key: "k", path: "/m.md", sender: nil, recipient: "x", topic: nil, objective: "new",
      body: "by hand", writtenAt: 1, id: id)
    let taken = try database.claimMessage(
      for: ["x"], in: .named("p"), files: [file], requestID: "2", at: 6)
    #expect(taken?.body == "by hand")
    try pay(database)
    #expect(traces().isEmpty)
  }

  // MARK: What hooks record anew

  private func checkpoint(_ text: String, replacing id: RecordID? = nil, _ database: MemoryDatabase)
    throws -> RecordID
  {
    try database.commit(
      StoreWrite(
        requestID: .unique(), at: 1000, project: .named("p"),
        session: SessionReference(id: "s"),
        operation: .checkpoint(
          CheckpointDraft(
            trigger: .stop, objective: text, next: [text], body: "{\"a\":\"\(text)\"}",
            replacing: id,
            handoff: HandoffDraft(
              id: RecordID(ULID(high: 1, low: 1)), trigger: .preCompact, objective: text,
              body: text, isRenewal: id != nil))))
    ).id
  }

  @Test func checkpoint_thatIsRenewed_canWaitAndLeavesNothing() throws {
    let database = try folder.database()
    let id = try checkpoint(Self.texts[2], database)
    _ = try checkpoint("nothing of it", replacing: id, database)
    let day = MemoryDatabase.patienceForHooks.milliseconds
    #expect(try database.erasureDebt(at: 1000) == .later)
    #expect(try database.payErasure(at: 999 + day, within: .milliseconds(60_000)) == .later)
    #expect(try database.erasureDebt(at: 1000 + day) == .due)
    #expect(try database.erasureDebt(at: 999) == .due, "the clock was set back")
    #expect(try database.payErasure(at: 1000 + day, within: .milliseconds(60_000)) == .none)
    #expect(traces().isEmpty)
    // What comes while it is paid is not forgotten.
    _ = try checkpoint(Self.mark, replacing: id, database)
    _ = try database.erase()
    _ = try checkpoint("nothing of it", replacing: id, database)
    while try database.erasureDebt(at: 1000) == .due { _ = try database.erase() }
    #expect(try database.erasureDebt(at: 1000) == .later)
    try pay(database)
    #expect(traces().isEmpty)
  }

  @Test func transcript_thatIsReadAnew_leavesNothingOfWhatItSaidBefore() throws {
    let database = try folder.database()
    func take(_ texts: [String], from start: Int64?, to end: Int64) throws {
      func position(_ offset: Int64) -> TranscriptPosition {
        TranscriptPosition(path: "/t", device: 1, inode: 2, offset: offset)
      }
      let entries = texts.enumerated().map { index, text in
        EntryDraft(
          kind: .reply, sourceID: "\(index)", actor: "agent", position: index, body: text,
          createdAt: 1)
      }
      try database.commit(
        TranscriptBatch(
          start: start.map(position), end: position(end), entries: entries, usage: [],
          digest: "{\"a\":\"\(texts[0])\"}"), project: nil, session: SessionReference(id: "s"),
        at: end)
    }
    try take([Self.texts[1], "b"], from: nil, to: 1000)
    try take(["a", "b", "c"], from: 1000, to: 1001)
    #expect(try database.erasureDebt(at: 1001) == .later)
    try pay(database)
    // What is only added to owes nothing.
    try take(["a", "b", "c", "d"], from: 1001, to: 1002)
    #expect(try database.erasureDebt(at: 1002) == .none)
    #expect(traces().isEmpty)
  }

  // MARK: The outbox

  private func outbox(_ id: RecordID, _ database: MemoryDatabase) throws -> [OutboxRow] {
    try database.outbox(matching: id.rawValue)
  }

  @Test func outboxRow_thatWasTried_staysUntilItIsKnownWhatBecameOfIt() throws {
    let database = try folder.database()
    let id = try add(Self.mark, database)
    let lease = try #require(
      try database.acquireLease(at: 10, takesOver: false, witness: nil, lag: .zero))
    let row = try #require(
      try database.advance(
        send: try outbox(id, database)[0], lease: lease, at: 10
      ).row)
    try change(id, database)
    // It may have to go out once more, as it went out before.
    #expect(try outbox(id, database)[0].payload.contains(Self.mark))
    #expect(try !outbox(id, database)[1].payload.contains(Self.mark))
    let theirs = RemoteTask(
      vaultID: "V1", fields: TaskFields(json: row.payload) ?? TaskFields(), isDone: false,
      source: .cc, createdAt: 1, completedAt: nil, markers: [])
    _ = try database.advance(
      settle: row, as: .synced(vaultID: "V1", task: theirs), lease: lease, at: 11)
    #expect(try !outbox(id, database)[0].payload.contains(Self.mark))
    #expect(try database.task(id: id)?.title == "other words")
    // What both sides agreed on last is known until the vault has the change.
    try pay(database)
    #expect(!traces().isEmpty)
    let second = try #require(
      try database.advance(send: try outbox(id, database)[1], lease: lease, at: 12).row)
    var fields = TaskFields()
    (fields.title, fields.project, fields.context) = ("other words", "p", "for a reason")
    _ = try database.advance(
      settle: second,
      as: .synced(
        vaultID: "V1",
        task: RemoteTask(
          vaultID: "V1", fields: fields, isDone: false, source: .cc, createdAt: 1,
          completedAt: nil,
          markers: [])),
      lease: lease, at: 13)
    try pay(database)
    #expect(traces().isEmpty)
  }

  @Test func outboxRows_thatNobodySent_sayWhatTheTaskSaysNow() throws {
    let database = try folder.database()
    let id = try add(Self.mark, database)
    try change(id, title: Self.mark + " again", context: nil, database)
    try change(id, database)
    let rows = try outbox(id, database).map { TaskFields(json: $0.payload) }
    #expect(rows.map { $0?.title } == ["other words", nil, "other words"])
    #expect(rows.map { $0?.context } == ["for a reason", nil, "for a reason"])
    #expect(try outbox(id, database)[0].payload.contains("\"source\":\"cc\""))
    try pay(database)
    #expect(traces().isEmpty)
  }

  @Test func task_thatTheVaultChanged_leavesNothing() throws {
    let database = try folder.database()
    func pull(_ text: String, at now: Int64) throws {
      var fields = TaskFields()
      (fields.title, fields.project, fields.context) = (text, "p", text)
      _ = try database.pull(
        [
          RemoteTask(
            vaultID: "01V", fields: fields, isDone: false, source: .cc, createdAt: 1,
            completedAt: nil, markers: [])
        ], from: .one, at: now, lag: .zero)
    }
    try pull(Self.mark + "ParserThing", at: 1)
    try pull("other words", at: 2)
    #expect(try database.task(id: "01V")?.title == "other words")
    try pay(database)
    #expect(traces().isEmpty)
  }

  // MARK: What older statements have left

  @Test func pages_ofAnOlderMemoryd_areOverwritten() throws {
    let database = try folder.database()
    try fill(database, 0..<40)
    let id = try add("plain", database)
    // Free pages, a row within a page, one that has grown, an entry that was another one.
    let long = String(repeating: Self.mark + " ", count: 5000)
    try stranger(
      "INSERT INTO hook_runs (event, outcome, microseconds, created_at) VALUES ('\(long)', 'x', 1, 1)",
      "DELETE FROM hook_runs",
      "INSERT INTO projects (identity, name, last_seen_at) VALUES ('\(Self.mark)', '\(Self.mark)', 1)",
      "DELETE FROM projects WHERE name = '\(Self.mark)'",
      "UPDATE tasks SET source = '\(Self.mark)' WHERE id = '\(id)'",
      "UPDATE tasks SET source = 'cc' WHERE id = '\(id)'",
      "UPDATE tasks SET context = '\(long)' WHERE id = '\(id)'",
      "UPDATE tasks SET context = 'c' WHERE id = '\(id)'", "PRAGMA wal_checkpoint(TRUNCATE)")
    #expect(!traces().isEmpty)
    let before = try rows(database)
    _ = try checkpoint("one", replacing: try checkpoint("two", database), database)
    // The index and the log alone do not do it.
    while try database.erase() == .more {
      if try stage(database)?.hasPrefix("pages") == true { break }
    }
    #expect(!traces().isEmpty)
    try pay(database)
    #expect(traces().isEmpty)
    #expect(try rows(database).count > before.count)
    try expectWhole(database)
  }

  /// Rows of all lengths that come, grow, shrink and go, under page sizes that lead to deep trees.
  @Test(arguments: 0..<6) func anyStore_isWholeAfterwards_andHoldsNothingElse(seed: Int) throws {
    let path = folder.file("memory.db")
    let queue = try DatabaseQueue(path: path)
    try queue.inDatabase { db in
      try db.execute(sql: "PRAGMA page_size = \([512, 1024, 4096, 8192, 65_536, 4096][seed])")
      try db.execute(sql: "VACUUM")
    }
    try queue.close()
    let database = try folder.database()
    var state = UInt64(seed + 1)
    func random(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % count
    }
    let raw = try DatabaseQueue(path: path)
    var ids: [String] = []
    try raw.inDatabase { db in
      try db.execute(sql: "PRAGMA secure_delete = OFF")
      for round in 0..<8 {
        try db.inTransaction {
          for _ in 0..<40 {
            let text = Self.text(random([3, 30, 300, 1000][random(4)]) + 1, random(100))
            let isDropped = random(6) == 0
            let word = isDropped ? " \(Self.mark) \(Self.mark)" : ""
            switch random(4) {
            case 0 where !ids.isEmpty:
              try db.execute(
                sql: "UPDATE tasks SET context = ? WHERE id = ?",
                arguments: [text + word, ids[random(ids.count)]])
            case 1 where ids.count > 50:
              try db.execute(
                sql: "DELETE FROM tasks WHERE id = ?",
                arguments: [ids.remove(at: random(ids.count))])
            default:
              let id = String(random(1 << 30), radix: 36) + "-\(ids.count)-\(round)"
              try db.execute(
                sql: """
                  INSERT INTO tasks (id, title, project, status, source, context, created_at,
                    updated_at) VALUES (?, 't', 'p', 'open', 'cc', ?, 1, 1)
                  """, arguments: [id, text + word])
              try db.execute(
                sql: "INSERT INTO struck_lines VALUES (?, ?, ?, NULL, 1, NULL)",
                arguments: [id, text, word])
              ids.append(id)
            }
          }
          return .commit
        }
      }
      try db.execute(sql: "UPDATE tasks SET context = 'c' WHERE context LIKE '%\(Self.mark)%'")
      try db.execute(sql: "UPDATE struck_lines SET line = 'l' WHERE line LIKE '%\(Self.mark)%'")
      try db.execute(sql: "DELETE FROM struck_lines WHERE length(id) % 2")
    }
    #expect(!traces().isEmpty)
    try database.write { try MemoryDatabase.owe($0) }
    let before = try rows(database)
    try pay(database)
    #expect(traces().isEmpty)
    #expect(try rows(database) == before)
    try expectWhole(database)
    // Nothing is found that could be overwritten a second time.
    let bytes = FileManager.default.contents(atPath: path)
    try database.write { try MemoryDatabase.owe($0) }
    try fill(database, 0..<30)
    try pay(database)
    try expectWhole(database)
    #expect(bytes != nil && FileManager.default.contents(atPath: path) != bytes)
  }

  // MARK: Others

  @Test func pagesThatAnotherConnectionHasRead_bringNothingBack() throws {
    let database = try folder.database()
    try fill(database, 0..<40)
    try stranger(
      "INSERT INTO projects (identity, name, last_seen_at) VALUES ('\(Self.mark)', '\(Self.mark)', 1)",
      "DELETE FROM projects WHERE name = '\(Self.mark)'", "PRAGMA wal_checkpoint(TRUNCATE)")
    let other = try folder.database()
    _ = try rows(other)
    _ = try rows(database)
    try database.write { try MemoryDatabase.owe($0) }
    try pay(database)
    #expect(traces().isEmpty)
    // Each of them writes into the page that both had read before.
    for one in [other, database] {
      try one.write {
        try $0.execute(
          sql: "INSERT INTO projects (identity, name, last_seen_at) VALUES (?, 'n', 1)",
          arguments: [UUID().uuidString])
      }
      #expect(traces().isEmpty)
    }
    other.walCheckpoint()
    #expect(traces().isEmpty)
  }

  @Test func reader_holdsTheRestUp_andNothingIsForgotten() throws {
    let database = try folder.database()
    let id = try add(Self.mark, database)
    try change(id, title: "first", database)
    let reader = try DatabaseQueue(path: folder.file("memory.db"))
    try reader.inDatabase { db in
      try db.execute(sql: "BEGIN")
      _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM tasks")
      #expect(try database.payErasure(at: 0, within: .milliseconds(200)) == .due)
      #expect(try database.erasureDebt(at: 0) == .due)
      // The reader sees what it saw, and others write.
      _ = try database.commit(.task("meanwhile"))
      #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM tasks") == 1)
      try db.execute(sql: "COMMIT")
    }
    try pay(database)
    #expect(traces().isEmpty)
  }

  /// Each step by another process; some of the text may come back between them.
  @Test func whoeverDiesBetweenTwoSteps_isFollowedByAnother() throws {
    let id = try {
      let database = try folder.database()
      try fill(database, 0..<200)
      let id = try add(Self.texts[2], database)
      try change(id, database)
      return id
    }()
    var steps = 0
    var hasChanged = false
    while try folder.database().erasureDebt(at: 0) == .due {
      _ = try folder.database().erase()
      steps += 1
      try #require(steps < 1000)
      if steps == 3, !hasChanged {
        // A step of somebody who is taken back.
        let database = try folder.database()
        struct Stop: Error {}
        #expect(throws: StoreError.self) {
          try database.write { db in
            try MemoryDatabase.dropping(db) {
              try db.execute(sql: "UPDATE tasks SET title = 'lost' WHERE id = ?", arguments: [id])
            }
            throw Stop()
          }
        }
        try change(id, title: Self.mark, database)
        try change(id, title: "other words again", database)
        hasChanged = true
      }
    }
    #expect(steps > 3)
    #expect(traces().isEmpty)
    try expectWhole(try folder.database())
  }

  @Test func secureDelete_isAsItWas_alsoAfterAnError() throws {
    struct Stop: Error {}
    let database = try folder.database()
    func level(_ db: Database) throws -> Int? { try Int.fetchOne(db, sql: "PRAGMA secure_delete") }
    try database.write { db in
      #expect(try level(db) == 2)
      try MemoryDatabase.dropping(db) {
        try MemoryDatabase.dropping(db) {}
        #expect(try level(db) == 1)
      }
      #expect(try level(db) == 2)
      #expect(throws: Stop.self) { try MemoryDatabase.dropping(db) { throw Stop() } }
      #expect(try level(db) == 2)
    }
    #expect(try database.erasureDebt(at: 0) == .due)
  }

  @Test func filesOfProcessesThatWereKilled_goToo() throws {
    let database = try folder.database()
    try FileManager.default.createDirectory(
      atPath: folder.file("spool"), withIntermediateDirectories: true)
    // No system has so many processes.
    let left = [
      "memory.db.schema-3.backup.tmp-\(Int32.max)-7", "memory.db.restoring-wal",
      "spool/1-a.json.tmp-\(Int32.max)-7",
    ]
    let kept = [
      "memory.db.schema-3.backup", "spool/1-a.json", "memory.db.tmp-\(getpid())-7",
      "spool/2-b.json.tmp-\(getpid())-7", "other.tmp-\(Int32.max)-7",
    ]
    for name in left + kept {
      try Data(Self.mark.utf8).write(to: URL(fileURLWithPath: folder.file(name)))
    }
    let now = Int64(Date().timeIntervalSince1970 * 1000)
    try database.write { try MemoryDatabase.owe($0) }
    #expect(try database.payErasure(at: now + 1000, within: .milliseconds(60_000)) == .none)
    #expect(traces() == (left + kept).sorted(), "somebody may be at work")
    try database.write { try MemoryDatabase.owe($0) }
    #expect(try database.payErasure(at: now + 700_000, within: .milliseconds(60_000)) == .none)
    #expect(traces() == kept.sorted())
  }

  /// A word that came and went in one transaction, in a store that has nothing else.
  @Test func text_thatIsReplacedInItsOwnImport_leavesNothing() throws {
    let database = try folder.database()
    var pieces = [[Self.mark, "other"].map { ImportedEntry(id: "1", kind: .k, text: $0) }]
    _ = try database.importEntries(at: 1) { () throws(StoreError) in
      pieces.isEmpty ? nil : pieces.removeFirst()
    }
    try pay(database)
    #expect(traces().isEmpty)
  }

  @Test func export_hasNoDebt_andTakingOneInForgetsNone() throws {
    let database = try folder.database()
    let id = try add("a", database)
    try change(id, database)
    _ = try checkpoint("b", replacing: try checkpoint("a", database), database)
    var bytes: [UInt8] = []
    try database.export { (piece) throws(StoreError) in bytes += piece }
    #expect(!String(decoding: bytes, as: UTF8.self).contains("erasure"))
    let other = try MemoryDatabase(path: folder.file("other.db"), access: .migrating)
    _ = try other.strike(
      StruckLine(
        id: "1", section: "", line: Self.mark, subject: "", sessionID: nil, struckAt: 1))
    _ = try other.restoreLine("1")
    try other.putBack(schema: Schema.current, counts: [:]) { () throws(StoreError) in nil }
    #expect(try other.erasureDebt(at: 0) == .due)
  }

  // MARK: Damage

  /// A page that is not as it should be is no reason to write zeros anywhere.
  @Test(arguments: ["tasks", "entries", "entries_fts_data", "outbox"], [0, 3, 5, 8, 12])
  func damagedPages_areLeftAlone(table: String, offset: Int) throws {
    do {
      let database = try folder.database()
      try fill(database, 0..<200)
      try change(try add("a", database), database)
      database.walCheckpoint()
    }
    let path = folder.file("memory.db")
    let page = try DatabaseQueue(path: path).inDatabase {
      try Int.fetchOne($0, sql: "SELECT rootpage FROM sqlite_schema WHERE name = '\(table)'")
    }
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    try file.seek(toOffset: UInt64(((page ?? 0) - 1) * 4096 + offset))
    try file.write(contentsOf: Data([0xFF, 0xFE]))
    try file.close()
    let before = FileManager.default.contents(atPath: path)
    let database = try folder.database(.asIs)
    let error = #expect(throws: (any Error).self) {
      try database.write { db in
        var dead = try DeadBytes(db)
        _ = try dead.overwrite(from: 0, for: .seconds(60))
      }
    }
    #expect((error as? StoreError)?.code == .corrupt)
    // What stood before it may be overwritten; the damaged page is not.
    let after = FileManager.default.contents(atPath: path)
    let range = ((page ?? 0) - 1) * 4096..<(page ?? 0) * 4096
    #expect(before?.subdata(in: range) == after?.subdata(in: range))
  }
}
