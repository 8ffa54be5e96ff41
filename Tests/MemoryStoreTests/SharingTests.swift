import GRDB
import TestSupport
import Testing

@testable import Core
@testable import MemoryStore
@testable import Redaction

/// What goes to which vault, and who said so.
@Suite(.blocking) struct SharingTests {
  private let folder: TemporaryFolder
  private let database: MemoryDatabase
  private let harbor: Int64

  init() throws {
    folder = try TemporaryFolder()
    database = try folder.database()
    harbor = try database.register(Self.place("harbor"), at: 1)
  }

  private static func place(_ name: String) -> ProjectReference {
    let root = "/srv/" + name
    return ProjectReference(
      identity: "", name: name, root: root,
      marks: ProjectMarks(
        root: root, gitFolder: root + "/.git", gitFile: "b:" + root, remote: nil))
  }

  @discardableResult
  private func add(
    _ title: String, _ vault: VaultReference?, _ projects: VaultConsent.Projects = .all,
    in project: String? = "harbor"
  ) throws -> RecordID {
    try database.commit(
      StoreWrite(
        requestID: RequestID(rawValue: title), at: 10, project: project.map(Self.place),
        operation: .addTask(TaskDraft(title: title, source: .cc)),
        consent: VaultConsent(vault: vault, projects: projects))
    ).id
  }

  private func change(_ id: RecordID, _ vault: VaultReference?) throws {
    _ = try database.commit(
      StoreWrite(
        requestID: "done \(id)\(vault?.id ?? "")", at: 11,
        operation: .changeTask(TaskChange(id: id, completes: true)),
        consent: VaultConsent(vault: vault)))
  }

  private func rows(_ id: RecordID) throws -> [OutboxRow] {
    try database.outbox(matching: id.rawValue)
  }
  private func way(_ id: RecordID) throws -> [String] {
    try rows(id).map { "\($0.action) \($0.state) \($0.vault ?? "-")" }
  }

  private func settle(_ id: RecordID, as vaultID: VaultID) throws {
    let lease = try #require(
      try database.acquireLease(at: 20, takesOver: true, witness: nil, lag: .zero))
    let row = try #require(try rows(id).last { $0.state == .queued })
    let sent = try #require(try database.advance(send: row, lease: lease, at: 20).row)
    _ = try database.advance(
      settle: sent, as: .synced(vaultID: vaultID, task: nil), lease: lease, at: 21)
  }

  /// Words that stay here are the last copy of them.
  @Test func heldChange_isNotOverwrittenByThePull() throws {
    let id = try add("reed", .one)
    try settle(id, as: "V1")
    _ = try database.unshare(harbor, at: 22)
    _ = try database.commit(
      StoreWrite(
        requestID: "words", at: 23,
        operation: .changeTask(TaskChange(id: id, title: "reed of ours")),
        consent: VaultConsent(vault: .one)))
    #expect(try way(id).last == "update held -")
    var fields = TaskFields()
    (fields.title, fields.project) = ("reed of theirs", "harbor")
    _ = try database.pull(
      [
        RemoteTask(
          vaultID: "V1", fields: fields, isDone: false, source: .cc, createdAt: 1,
          completedAt: nil, markers: [])
      ], from: .one, at: 30, lag: .zero)
    #expect(try database.task(id: id)?.title == "reed of ours")
    #expect(try rows(id).last?.payload.contains("reed of ours") == true)
  }

  @Test func fields_arePartOfWhatHasThemAll() {
    let all = TaskFields(title: "a", project: "p", context: "c; more")
    #expect(TaskFields(title: "a").isPart(of: all))
    #expect(!TaskFields(title: "a", context: "c").isPart(of: all))
    #expect(!TaskFields().isPart(of: all))
  }

  // MARK: Where a write goes

  @Test func withoutAVault_everythingIsHeld_alsoItsChanges() throws {
    let id = try add("alone", nil)
    try change(id, nil)
    try change(id, .one)
    #expect(try way(id) == ["add held -", "done held -", "done held -"])
    #expect(try database.outboxCounts(vault: "1") == .init(held: 3))
  }

  @Test func settings_sayWhichProjects() throws {
    #expect(try way(add("a", .one)) == ["add queued 1"])
    #expect(try way(add("b", .one, .none)) == ["add held -"])
    #expect(try way(add("c", .one, .listed(["other"]))) == ["add held -"])
    #expect(try way(add("d", .one, .listed(["harbor"]))) == ["add queued 1"])
    #expect(try way(add("e", .one, .listed([String(harbor)]))) == ["add queued 1"])
  }

  @Test func aSay_countsMoreThanTheSettings_andUnsharingHoldsForEveryVault() throws {
    try database.share(harbor, with: .one, at: 1)
    #expect(try way(add("a", .one, .none)) == ["add queued 1"])
    #expect(try way(add("b", .two, .none)) == ["add held -"], "shared with another vault only")
    #expect(try database.unshare(harbor, at: 2) == 1)
    #expect(try way(add("c", .one)) == ["add held -"])
    #expect(try way(add("d", .two)) == ["add held -"])
    try database.share(harbor, with: .two, at: 3)
    #expect(try way(add("e", .one)) == ["add held -"])
    #expect(try way(add("f", .two)) == ["add queued 2"])
  }

  @Test func unsharing_leavesWhatMayBeThere() throws {
    let there = try add("there", .one)
    try settle(there, as: "V1")
    try change(there, .one)
    let waits = try add("waits", .one)
    #expect(try database.unshare(harbor, at: 2) == 1)
    #expect(try way(there) == ["add synced 1", "done queued 1"])
    #expect(try way(waits) == ["add held -"])
  }

  @Test func joinedProjects_shareWhatEachOfThemShares() throws {
    let quay = try database.register(Self.place("quay"), at: 1)
    _ = try database.unshare(quay, at: 1)
    _ = try database.join(quay, into: harbor, at: 1)
    #expect(try way(add("a", .one)) == ["add held -"])
  }

  @Test func aChange_goesWhereItsItemIs() throws {
    let id = try add("a", .one)
    try settle(id, as: "V1")
    try change(id, .two)
    #expect(try way(id) == ["add synced 1", "done queued 1"])
  }

  @Test func another_vault_hasNothingYet() throws {
    let id = try add("a", .one)
    try settle(id, as: "V1")
    #expect(try database.outboxCounts(vault: "2") == .init())
    #expect(try database.wayOfTask(id, to: "2")?.vaultID == nil)
    #expect(try database.wayOfTask(id, to: "1")?.vaultID == "V1")
    try database.update(.vault(.health, "1")) { _ in "{}" }
    #expect(try database.fact(.vault(.health, "2")) == nil)
  }

  // MARK: What was written before

  @Test func history_isWhatTheVaultLacks_ofThatProjectAlone() throws {
    let old = try add("old", nil)
    try change(old, nil)
    try add("elsewhere", nil, in: "quay")
    try add("new", .one)
    _ = try database.pull(
      [
        RemoteTask(
          vaultID: "T9", fields: TaskFields(title: "theirs", project: "harbor"), isDone: false,
          source: .cc, createdAt: 1, completedAt: nil, markers: [])
      ], from: .two, at: 5, lag: .zero)
    #expect(try database.held(from: .one, project: harbor).map(\.title) == ["old"])
    #expect(try database.held(from: .one, project: nil).map(\.title) == ["old", "elsewhere"])
    #expect(try database.shareHistory(harbor, with: .one, at: 30) == 1)
    #expect(try way(old) == ["add queued 1", "done queued 1"])
    #expect(try rows(old).allSatisfy { !$0.mustLook }, "nobody has it yet")
    #expect(try database.shareHistory(harbor, with: .one, at: 31) == 0)
    #expect(try database.held(from: .one, project: nil).map(\.title) == ["elsewhere"])
  }

  @Test func history_ofAnotherVaultsItems_isWhatTheyAreNow_andLooksFirst() throws {
    let id = try add("a", .one)
    try settle(id, as: "V1")
    try change(id, .one)
    try settle(id, as: "V1")
    #expect(try database.shareHistory(harbor, with: .two, at: 30) == 1)
    #expect(
      try way(id) == ["add synced 1", "done synced 1", "add queued 2", "done queued 2"])
    let copy = try #require(try rows(id).first { $0.vault == "2" })
    #expect(copy.mustLook && copy.marker == id.rawValue)
    #expect(copy.payload == #"{"title":"a","project":"harbor","source":"cc"}"#)
    try change(id, .two)
    #expect(try way(id).last == "done queued 2")
  }

  @Test func privateProject_hasNoHistoryToShare() throws {
    try add("a", nil)
    try database.setPrivate(true, harbor, at: 1)
    #expect(try database.held(from: .one, project: harbor).isEmpty)
    let hidden = try add("hidden", .one)
    #expect(try way(hidden).isEmpty)
    try database.setPrivate(false, harbor, at: 1)
    #expect(try database.held(from: .one, project: harbor).map(\.title) == ["a", "hidden"])
    #expect(try database.shareHistory(harbor, with: .one, at: 5) == 2)
    #expect(try way(hidden) == ["add queued 1"])
  }

  @Test func dropped_staysDropped() throws {
    let id = try add("a", nil)
    _ = try database.dropOutbox(rows(id).map(\.number), at: 5)
    #expect(try database.held(from: .one, project: nil).isEmpty)
    _ = try database.retryOutbox(rows(id).map(\.number), at: 6)
    #expect(try way(id) == ["add held -"])
  }

  @Test func telling_isDoneOnce() throws {
    #expect(try database.noteToldOfHeld(harbor, .one, at: 1))
    #expect(try !database.noteToldOfHeld(harbor, .one, at: 2))
    #expect(try database.noteToldOfHeld(harbor, .two, at: 3))
  }

  // MARK: What is private

  @Test func privateProject_holdsBackWhatWaits_alsoChangesOfWhatIsThere() throws {
    let there = try add("there", .one)
    try settle(there, as: "V1")
    try change(there, .one)
    let waits = try add("waits", .one)
    let elsewhere = try add("elsewhere", .one, in: "quay")
    #expect(try database.setPrivate(true, harbor, at: 40) == 2)
    #expect(try way(there) == ["add synced 1", "done held -"])
    #expect(try way(waits) == ["add held -"])
    #expect(try way(elsewhere) == ["add queued 1"])
    // Said again, nothing changes.
    #expect(try database.setPrivate(true, harbor, at: 41) == nil)
    #expect(try database.setPrivate(false, harbor, at: 42) == 0)
    #expect(try database.setPrivate(false, harbor, at: 43) == nil)
    #expect(try database.shareHistory(harbor, with: .one, at: 44) == 2)
    #expect(try way(there) == ["add synced 1", "done queued 1"])
    #expect(try way(waits) == ["add queued 1"])
  }

  @Test func aPrivatePart_keepsTheWholeFromAVault() throws {
    let waits = try add("waits", .one)
    let quay = try database.register(Self.place("quay"), at: 1)
    try database.setPrivate(true, quay, at: 2)
    _ = try database.join(quay, into: harbor, at: 3)
    #expect(try way(waits) == ["add held -"])
    #expect(try way(add("in the whole", .one)).isEmpty)
    #expect(try way(add("in the part", .one, in: "quay")).isEmpty)
    #expect(try database.held(from: .one, project: nil).isEmpty)
    #expect(try !database.isShared(harbor, VaultConsent(vault: .one)))
    #expect(try database.setPrivate(true, harbor, at: 4) == nil, "it is so already")
    _ = try database.part(quay)
    #expect(try way(add("parted", .one)) == ["add queued 1"])
    #expect(try way(add("still private", .one, in: "quay")).isEmpty)
  }

  @Test func whatComesToAPrivateProject_staysHere() throws {
    let quay = try database.register(Self.place("quay"), at: 1)
    try database.setPrivate(true, quay, at: 2)
    let (filed, moved) = (try add("filed", .one), try add("moved", .one))
    #expect(try database.assign(item: filed, to: quay, at: 3)?.from == harbor)
    _ = try database.commit(
      StoreWrite(
        requestID: "move", at: 4, project: Self.place("quay"),
        operation: .changeTask(TaskChange(id: moved, project: "quay")),
        consent: VaultConsent(vault: .one)))
    #expect(try way(filed) == ["add held -"])
    #expect(try way(moved) == ["add held -"])
  }

  @Test func heldChange_ofWhatAnotherVaultHas_isInWhatTheItemIsNow() throws {
    let id = try add("a", .one)
    try settle(id, as: "V1")
    _ = try database.unshare(harbor, at: 2)
    try change(id, .one)
    #expect(try way(id) == ["add synced 1", "done held -"])
    try database.share(harbor, with: .two, at: 3)
    #expect(try database.shareHistory(harbor, with: .two, at: 30) == 1)
    #expect(try way(id) == ["add synced 1", "add queued 2", "done queued 2"])
    #expect(try database.shareHistory(harbor, with: .two, at: 31) == 0, "once")
  }

  // MARK: A vault that moved

  @Test func moved_keepsWhatIsKnown_andLooksForWhatWaits() throws {
    let there = try add("there", .one)
    try settle(there, as: "V1")
    let waits = try add("waits", .one)
    _ = try database.unshare(harbor, at: 1)
    try database.share(harbor, with: .one, at: 1)
    let late = try add("late", .one)
    let moved = try #require(
      try database.moveVault(.one, to: .two, at: 100, lag: .milliseconds(50)))
    #expect(moved.items == 1 && moved.waiting == 1)
    #expect(try database.wayOfTask(there, to: "2")?.vaultID == "V1")
    #expect(try way(waits) == ["add held -"])
    #expect(try way(late) == ["add queued 2"])
    #expect(try rows(late)[0].mustLook && rows(late)[0].lookAfter == 150)
    #expect(try database.vaults().map(\.id) == ["2"])
    #expect(try database.isShared(harbor, VaultConsent(vault: .two, projects: .none)))
    #expect(try database.moveVault(.one, to: .two, at: 101, lag: .milliseconds(50)) == nil)
  }

  // MARK: Stores of before

  private func old(_ sql: String) throws -> MemoryDatabase {
    let path = folder.file("old.db")
    do {
      let old = try MemoryDatabase(
        path: path, access: .migrating, busyTimeout: .seconds(1), redactor: Redactor(),
        steps: Array(Schema.steps.prefix { $0.number < 12 }))
      try old.write { try $0.execute(sql: sql) }
    }
    return try MemoryDatabase(path: path, access: .migrating)
  }

  @Test func storeOfBefore_keepsWhatWasTried_andHoldsWhatIsOlderThanTheVault() throws {
    let database = try old(
      """
      INSERT INTO tasks (id, title, project, status, source, created_at, updated_at, vault_id,
        vault_base, vault_at)
      VALUES ('01A', 'a', 'p', 'open', 'cc', 1, 1, 'V1', '{"title":"a"}', 7),
        ('01B', 'b', 'p', 'open', 'cc', 1, 1, NULL, NULL, NULL);
      INSERT INTO outbox (number, kind, action, item_id, payload, state, attempts, sent_at,
        vault_id, created_at, updated_at)
      VALUES (1, 'task', 'add', '01B', '{}', 'queued', 0, NULL, NULL, 1, 1),
        (2, 'task', 'add', '01A', '{}', 'synced', 1, 5, 'V1', 2, 5),
        (3, 'task', 'done', '01A', '{}', 'queued', 0, NULL, NULL, 9, 9),
        (4, 'decision', 'decide', '01C', '{}', 'sent', 1, 8, NULL, 3, 8);
      INSERT INTO meta VALUES ('vault_health', '{"vault":"old2","mode":"normal"}'),
        ('pulled_at', '6'), ('vault_keys', 'old2 5');
      """)
    #expect(
      try database.outbox(states: []).map { "\($0.number) \($0.state) \($0.vault ?? "-")" } == [
        "1 held -", "2 synced former:old2", "3 queued former:old2", "4 sent former:old2",
      ])
    // A vault with another address has nothing of it.
    try database.note(.one, at: 10)
    #expect(try database.wayOfTask("01A", to: "1")?.vaultID == nil)
    try database.note(.two, at: 11)
    #expect(try database.outbox(states: [.sent]).map(\.vault) == ["2"])
    #expect(try database.outbox(states: [.queued])[0].taskBase?.title == "a")
    #expect(try database.outbox(states: [.queued])[0].taskVaultAt == 7)
    #expect(
      try database.fact(.vault(.health, "2")) == #"{"vault":"2","mode":"normal"}"#)
    #expect(try database.fact(.vault(.pulledAt, "2")) == "6")
    #expect(try database.vaults().map(\.id).sorted() == ["1", "2"])
    #expect(try database.integrityProblems().isEmpty)
  }

  @Test func storeThatNeverHadAVault_holdsEverything() throws {
    let database = try old(
      """
      INSERT INTO outbox (kind, action, item_id, payload, created_at, updated_at)
      VALUES ('task', 'add', '01B', '{}', 1, 1)
      """)
    try database.note(.two, at: 10)
    #expect(try database.outbox(states: []).map(\.state) == [.held])
    #expect(try database.vaults().map(\.id) == ["2"])
  }
}
