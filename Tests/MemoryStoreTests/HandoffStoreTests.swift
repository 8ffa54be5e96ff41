import Foundation
import TestSupport
import Testing

@testable import Core
@testable import MemoryStore

@Suite(.blocking) struct HandoffStoreTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private let project = ProjectReference.named("p")

  private func draft(_ id: RecordID, to recipient: String? = nil, body: String = "# Handoff\n")
    -> HandoffDraft
  {
    HandoffDraft(
      id: id, trigger: recipient == nil ? .manual : .message, objective: "retry the walrus",
      body: body, sender: recipient.map { _ in "me" }, recipient: recipient, topic: "t")
  }

  @discardableResult
  private func commit(
    _ database: MemoryDatabase, _ draft: HandoffDraft, at: Int64 = 5,
    request: RequestID = .unique()
  ) throws -> WriteReceipt {
    try database.commit(
      StoreWrite(requestID: request, at: at, project: project, operation: .handOff(draft)))
  }

  @Test func handoff_isKeptFoundAndRenewed() throws {
    let database = try folder.database()
    try commit(database, draft("A1", body: "# Handoff\n\nkangaroo\n"), request: "r")
    #expect(try commit(database, draft("A2"), request: "r").id == "A1")
    var hits = try database.search("kangaroo", filter: RecordFilter())
    #expect(hits.map(\.entry.kind) == [.handoff])
    var renewed = draft("A1", body: "# Handoff\n\nwombat\n")
    renewed.isRenewal = true
    try commit(database, renewed, at: 9)
    hits = try database.search("kangaroo", filter: RecordFilter())
    #expect(hits.isEmpty)
    #expect(try database.search("wombat", filter: RecordFilter()).first?.entry.id == "A1")
    let all = try database.handoffs(RecordFilter())
    #expect(all.count == 1 && all[0].createdAt == 5 && all[0].updatedAt == 9)
    // No vault has a place for it.
    #expect(try database.outboxCounts(vault: "1").queued == 0)
    #expect(try database.integrityProblems().isEmpty)
  }

  @Test func handoff_holdsNoSecret() throws {
    let database = try folder.database()
    let secret = "ghp_" + String(repeating: "aB3", count: 12)
    try commit(database, draft("A1", body: "# Handoff\n\nuse \(secret)\n"))
    #expect(try database.handoff(id: "A1")?.body.contains(secret) == false)
  }

  @Test func compactionsHandoff_goesWithItsCheckpoint() throws {
    let database = try folder.database()
    var checkpoint = CheckpointDraft(trigger: .preCompact, objective: "o")
    checkpoint.handoff = draft("A1")
    func write(_ request: RequestID) throws -> RecordID {
      try database.commit(
        StoreWrite(
          requestID: request, at: 5, project: project, operation: .checkpoint(checkpoint))
      ).id
    }
    let id = try write("1")
    #expect(try database.handoff(checkpointID: id)?.id == "A1")
    checkpoint.replacing = id
    checkpoint.handoff?.isRenewal = true
    checkpoint.handoff?.body = "# Handoff\n\nnew\n"
    #expect(try write("2") == id)
    #expect(try database.handoffs(RecordFilter()).map(\.body) == ["# Handoff\n\nnew\n"])
  }

  // MARK: Messages

  private func file(
    _ name: String, to recipient: String, at: Int64, id: RecordID? = nil, body: String? = nil
  ) -> MessageFile {
    MessageFile(
      key: name, path: "/x/" + name, sender: "them", recipient: recipient, topic: nil,
      objective: name, body: body ?? name, writtenAt: at, id: id)
  }

  @Test func messages_areTakenOldestFirstOnceEach() throws {
    let database = try folder.database()
    try commit(database, draft("A1", to: "Bob"), at: 10)
    try commit(database, draft("A2", to: "carol"), at: 20)
    try commit(database, draft("A3", to: "bob"), at: 30)
    let files = [
      file("late", to: "bob", at: 25),
      file("known", to: "bob", at: 1, id: "A1", body: "# Handoff\n"),
      file("other", to: "dave", at: 1),
    ]
    var taken: [String] = []
    for number in 0..<5 {
      let message = try database.claimMessage(
        for: ["bob", "b"], in: project, files: files, requestID: "take \(number)", at: 40)
      if let message { taken.append(message.objective + message.id.rawValue.prefix(2)) }
    }
    #expect(taken.count == 3)
    #expect(taken[0].hasSuffix("A1") && taken[1].hasPrefix("late") && taken[2].hasSuffix("A3"))
    // The same request gets the same message again.
    let again = try database.claimMessage(
      for: ["bob"], in: project, files: files, requestID: "take 1", at: 50)
    #expect(again?.objective == "late" && again?.takenAt == 40 && again?.takenBy == "bob")
    #expect(try database.unreadMessages(project).map(\.id) == ["A2"])
    #expect(try database.unknown(files).map(\.key) == ["other"])
  }

  @Test func manyTakersAtOnce_getEachMessageOnce() async throws {
    let database = try folder.database()
    for number in 0..<100 { try commit(database, draft("A\(1000 + number)", to: "bob")) }
    let path = folder.file("memory.db")
    let project = project
    let all = try await withThrowingTaskGroup(of: [RecordID].self) { group in
      for taker in 0..<16 {
        group.addTask {
          let own = try MemoryDatabase(path: path, access: .migrating)
          var taken: [RecordID] = []
          while true {
            let message = try own.claimMessage(
              for: ["bob"], in: project, files: [], requestID: "\(taker) \(taken.count)", at: 1)
            guard let message else { return taken }
            taken.append(message.id)
          }
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(all.count == 100 && Set(all).count == 100)
  }
}

@Suite(.blocking) struct LedgerStoreTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private let project = ProjectReference.named("p")

  private func merge(
    _ database: MemoryDatabase, _ ledger: Ledger, _ source: LedgerSource = .import, at: Int64 = 5
  ) throws {
    _ = try database.commit(
      StoreWrite(
        requestID: .unique(), at: at, project: project,
        operation: .addToLedger(LedgerDraft(ledger: ledger, source: source))))
  }

  private static let ledger = Ledger(
    title: "Work",
    phases: [
      .init(
        "One", isDone: true,
        groups: [
          .init(
            .entries([
              .init("a", status: .done, detail: "b30c1e1", date: "2026-01-01"),
              .init("a", status: .pending), .init("é", status: .done),
              .init("e\u{301}", status: .deferred, remark: "later"),
            ])),
          .init(name: "Bugs", .list(["x", "x", "y"])),
          .init(name: "Bugs", .entries([.init("x", status: .notDone)])),
        ]),
      .init("Two", groups: [.init(.list(["z"]))]),
      .init("One", groups: [.init(.entries([.init("a", status: .pending)]))]),
    ])

  @Test func ledger_comesBackAsItWentIn_howeverOften() throws {
    let database = try folder.database()
    for _ in 0..<3 {
      try merge(database, Self.ledger)
      let copy = try database.ledger(project)
      // Not by `==`, for which the two spellings of é are one.
      #expect(String(reflecting: copy) == String(reflecting: Optional(Self.ledger)))
    }
    #expect(try database.ledgerItems(RecordFilter()).count == 6)
    #expect(try database.ledger(.named("other")) == nil)
    #expect(try database.search("b30c1e1", filter: RecordFilter()).first?.entry.kind == .ledger)
  }

  /// Of equal names the n-th is the n-th, also where there are very many.
  @Test func manyItemsPhasesAndGroups_areTakenInOnce() throws {
    let database = try folder.database()
    let entries = (0..<6000).map { Ledger.Entry("same", status: .done, detail: "\($0)") }
    let many = Ledger(
      phases: [.init("One", groups: [.init(.entries(entries))])]
        + (0..<2000).map {
          .init($0 % 2 == 0 ? "p" : "p\($0)", groups: [.init(name: "g", .list(["x"]))])
        })
    for _ in 0..<2 {
      try merge(database, many)
      #expect(try database.ledger(project) == many)
    }
    #expect(try database.search("5999", filter: RecordFilter()).first?.entry.kind == .ledger)
    #expect(many.joined().phases.count == 1002 && many.joined().entries.count == 6000)
  }

  @Test func importingAgain_undoesNothingThatHappenedSince() throws {
    let database = try folder.database()
    let pending = Ledger(
      phases: [.init("One", groups: [.init(.entries([.init("a", status: .pending)]))])])
    try merge(database, pending)
    let done = Ledger(
      phases: [
        .init("One", groups: [.init(.entries([.init("a", status: .done, detail: "c1")]))])
      ])
    try merge(database, done, .manual, at: 6)
    func entry() throws -> Ledger.Entry? {
      try database.ledger(project)?.entries.first?.entry
    }
    let day = "1970-01-01"
    #expect(try entry() == Ledger.Entry("a", status: .done, detail: "c1", date: day))
    try merge(database, pending, at: 7)
    #expect(try entry() == Ledger.Entry("a", status: .done, detail: "c1", date: day))
    // What the file changes is taken over.
    var changed = pending
    changed.phases[0].groups[0].content = .entries([.init("a", status: .deferred)])
    try merge(database, changed, at: 8)
    #expect(try entry() == Ledger.Entry("a", status: .deferred))
    // By hand only what is said changes.
    try merge(
      database,
      Ledger(phases: [.init("One", groups: [.init(.entries([.init("a", status: .done)]))])]),
      .manual, at: 9)
    try merge(
      database,
      Ledger(
        phases: [
          .init("One", groups: [.init(.entries([.init("a", status: .done, detail: "c2")]))])
        ]), .manual, at: 10)
    try merge(
      database,
      Ledger(
        phases: [
          .init("One", groups: [.init(.entries([.init("a", status: .done, remark: "r")]))])
        ]), .manual, at: 11)
    #expect(
      try entry() == Ledger.Entry("a", status: .done, remark: "r", detail: "c2", date: day))
  }

  @Test func spooledWrites_areTakenIn() throws {
    let spool = Spool(folder: folder.file("spool"))
    try spool.append(
      StoreWrite(
        requestID: "l", at: 1, project: project,
        operation: .addToLedger(LedgerDraft(ledger: Self.ledger, source: .import))))
    try spool.append(
      StoreWrite(
        requestID: "h", at: 2, project: project,
        operation: .handOff(
          HandoffDraft(id: "A1", trigger: .manual, objective: "o", body: "# Handoff\n")),
        itemID: "A1"))
    let database = try folder.database()
    let result = try spool.drain(into: database)
    #expect(result.taken == 2 && result.quarantined == 0)
    #expect(try database.handoff(id: "A1")?.objective == "o")
    #expect(try database.ledger(project) == Self.ledger)
  }
}
