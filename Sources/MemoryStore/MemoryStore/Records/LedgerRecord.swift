public import Core
import GRDB
import Redaction

/// Where an item of a ledger comes from.
public struct LedgerSource: StoredWord {
  public let rawValue: String

  public init(rawValue: String) { self.rawValue = rawValue }

  public static let manual = LedgerSource(rawValue: "manual")
  /// A document. It also takes over the title and the marks of phases, and leaves alone what its file has
  /// not changed since the last one.
  public static let `import` = LedgerSource(rawValue: "import")
  public static let task = LedgerSource(rawValue: "task")
  public static let handoff = LedgerSource(rawValue: "handoff")
}

/// An item of a project's ledger, where it stands in it.
public struct LedgerRecord: Sendable, Equatable {
  public var id: RecordID
  public var project: String?
  public var phase: String
  public var section: String?
  public var entry: Ledger.Entry
  public var source: LedgerSource
  public var createdAt: Int64
  public var updatedAt: Int64

  public init(
    id: RecordID, project: String?, phase: String, section: String?, entry: Ledger.Entry,
    source: LedgerSource, createdAt: Int64, updatedAt: Int64
  ) {
    self.id = id
    self.project = project
    self.phase = phase
    self.section = section
    self.entry = entry
    self.source = source
    self.createdAt = createdAt
    self.updatedAt = updatedAt
  }
}

/// What is to go into a project's ledger: items that are there already are brought up to date.
public struct LedgerDraft: Codable, Sendable {
  public var ledger: Ledger
  public var source: LedgerSource
  /// A hash of the document that it was read from.
  public var file: String?
  /// The person's, YYYY-MM-DD, for items that say no other.
  public var today: String?

  public init(ledger: Ledger, source: LedgerSource, file: String? = nil, today: String? = nil) {
    self.ledger = ledger
    self.source = source
    self.file = file
    self.today = today
  }

  public var isImport: Bool { source == .import }
}

extension LedgerDraft: StoreItem {
  var kind: ItemKind { .ledger }
  var itemID: RecordID? { nil }

  func redacted(by redactor: Redactor) -> LedgerDraft {
    var draft = self
    draft.ledger = ledger.redacted(by: redactor)
    return draft
  }

  func store(
    _ write: WriteOrigin, projectID: Int64?, newID: () -> RecordID, _ db: Database
  ) throws -> (id: RecordID, createdAt: Int64) {
    guard let projectID else { throw StoreError(.invalid, "a ledger belongs to a project") }
    // The id that was given out before goes to the first new item.
    var given = write.itemID
    let id = try MemoryDatabase.merge(
      self, of: write, projectID: projectID,
      newID: {
        defer { given = nil }
        return given ?? newID()
      }, db)
    return (id, write.at)
  }
}

extension Ledger {
  func redacted(by redactor: Redactor) -> Ledger {
    var ledger = self
    ledger.title = redactor.redact(title)
    for phase in ledger.phases.indices {
      for group in ledger.phases[phase].groups.indices {
        switch ledger.phases[phase].groups[group].content {
        case .list(let items):
          ledger.phases[phase].groups[group].content = .list(items.map { redactor.redact($0) })
        case .entries(let entries):
          ledger.phases[phase].groups[group].content = .entries(
            entries.map { entry in
              var entry = entry
              entry.item = redactor.redact(entry.item)
              entry.remark = entry.remark.map { redactor.redact($0) }
              entry.detail = entry.detail.map { redactor.redact($0) }
              return entry
            })
        }
      }
    }
    return ledger
  }
}

extension MemoryDatabase {
  // MARK: Reading

  /// A project's ledger as a document has it; nil if it has none.
  public func ledger(_ project: ProjectReference) throws(StoreError) -> Ledger? {
    try read { db in
      guard let id = try Self.row(of: project, db) else { return nil }
      let head = try Self.head(of: id, db)
      let title = try String.fetchOne(
        db,
        cached: """
          SELECT title FROM ledgers WHERE project_id IN (\(Self.groupSelect))
          ORDER BY project_id <> ?, project_id LIMIT 1
          """, arguments: [head, head])
      let rows = try Row.fetchAll(
        db,
        cached: Self.ledgerSelect
          + " WHERE i.project_id IN (\(Self.groupSelect)) ORDER BY f.number, g.number, i.id",
        arguments: [head])
      if title == nil, rows.isEmpty { return nil }
      var ledger = Ledger()
      if let title { ledger.title = title }
      var phase: Int64?
      var start = rows.startIndex
      while start < rows.endIndex {
        let first = rows[start]
        let number: Int64 = first["group_number"]
        let end = rows[start...].firstIndex { $0["group_number"] != number } ?? rows.endIndex
        if first["phase"] != phase {
          phase = first["phase"]
          ledger.phases.append(Ledger.Phase(first["phase_name"], isDone: first["is_done"]))
        }
        ledger.phases[ledger.phases.count - 1].groups.append(
          Ledger.Group(
            name: first["group_name"],
            first["is_list"] as Bool
              ? .list(rows[start..<end].map { $0["item"] })
              : .entries(rows[start..<end].map(Self.entry(ofItem:)))))
        start = end
      }
      return ledger
    }
  }

  /// The items with a status, in the order of their ledgers.
  ///
  /// - Parameter status: One of ``Ledger/Status``; nil takes all.
  public func ledgerItems(
    _ filter: RecordFilter, phase: String? = nil, status: Ledger.Status? = nil
  ) throws(StoreError) -> [LedgerRecord] {
    var query = Query(Self.ledgerSelect)
    query.match(project: "i.project_id", filter)
    query.match("i.session_id", filter.sessionID)
    query.match("f.name", phase)
    query.match("i.status", status?.rawValue)
    query.add("g.is_list = ?", 0)
    return try fetch(
      query, order: "p.name, p.id, f.number, g.number, i.id", limit: filter.limit
    ) { row in
      LedgerRecord(
        id: row["id"], project: row["project"], phase: row["phase_name"],
        section: row["group_name"], entry: Self.entry(ofItem: row),
        source: LedgerSource(rawValue: row["source"]),
        createdAt: row["created_at"], updatedAt: row["updated_at"])
    }
  }

  /// The hash of the document that was read last, or written.
  public func ledgerFile(_ project: ProjectReference) throws(StoreError) -> String? {
    try read { db in
      guard let id = try Self.row(of: project, db) else { return nil }
      let head = try Self.head(of: id, db)
      return try String.fetchOne(
        db,
        cached: """
          SELECT file FROM ledgers WHERE project_id IN (\(Self.groupSelect)) AND file IS NOT NULL
          ORDER BY project_id <> ?, project_id LIMIT 1
          """, arguments: [head, head])
    }
  }

  public func setLedgerFile(
    _ hash: String, _ project: ProjectReference
  ) throws(StoreError) {
    try write { db in
      guard let id = try Self.row(of: project, db) else { return }
      try db.execute(
        cached: "UPDATE ledgers SET file = ? WHERE project_id IN (\(Self.groupSelect))",
        arguments: [hash, Self.head(of: id, db)])
    }
  }

  private static let ledgerSelect = """
    SELECT i.*, g.phase AS phase, g.name AS group_name, g.is_list AS is_list,
      f.name AS phase_name, f.is_done AS is_done, p.name AS project
    FROM ledger_items i JOIN ledger_groups g ON g.number = i.group_number
      JOIN ledger_phases f ON f.number = g.phase JOIN projects p ON p.id = i.project_id
    """

  private static func entry(ofItem row: Row) -> Ledger.Entry {
    Ledger.Entry(
      row["item"], status: Ledger.Status(rawValue: row["status"] ?? "") ?? .pending,
      remark: row["remark"], detail: row["detail"], date: row["date"])
  }

  // MARK: Writing

  /// Takes a ledger into a project's own. Phases, groups and items are the same if they have the
  /// same name in the same place; of equal names the n-th is the n-th.
  ///
  /// - Returns: The id of the last item, empty if there is none.
  static func merge(
    _ draft: LedgerDraft, of write: WriteOrigin, projectID: Int64, newID: () -> RecordID,
    _ db: Database
  ) throws -> RecordID {
    let insert =
      draft.isImport
      ? "INSERT INTO ledgers (project_id, title) VALUES (?, ?) ON CONFLICT DO UPDATE SET title = excluded.title"
      : "INSERT INTO ledgers (project_id, title) VALUES (?, ?) ON CONFLICT DO NOTHING"
    let title = try String.fetchOne(
      db, cached: "SELECT title FROM ledgers WHERE project_id = ?", arguments: [projectID])
    func note() throws {
      try db.execute(cached: insert, arguments: [projectID, draft.ledger.title])
    }
    let isReplaced = draft.isImport && title != nil && title != draft.ledger.title
    if isReplaced { try dropping(db, note) } else { try note() }
    if let file = draft.file {
      try db.execute(
        cached: "UPDATE ledgers SET file = ? WHERE project_id = ?", arguments: [file, projectID])
    }
    var last = RecordID.noRecord
    var added: [RecordID] = []
    func mergePhases() throws {
      var phases = try KnownNames(
        Row.fetchAll(
          db,
          cached: """
            SELECT number, name FROM ledger_phases WHERE project_id IN (\(groupSelect)) ORDER BY number
            """, arguments: [head(of: projectID, db)]))
      for phase in draft.ledger.phases {
        let known: Int64? = phases.next(phase.name)
        if let known, draft.isImport {
          try db.execute(
            cached: "UPDATE ledger_phases SET is_done = ? WHERE number = ?",
            arguments: [phase.isDone, known])
        } else if known == nil {
          try db.execute(
            cached: "INSERT INTO ledger_phases (project_id, name, is_done) VALUES (?, ?, ?)",
            arguments: [projectID, phase.name, phase.isDone])
        }
        let number = known ?? db.lastInsertedRowID
        let newest = try merge(
          phase.groups, into: number, draft, of: write, projectID: projectID, newID: newID, &added,
          db)
        if let newest { last = newest }
      }
    }
    // One item alone is quicker without.
    if draft.ledger.phases.count > 1 || draft.isImport {
      try DeferredIndex.use(db) { _ in try mergePhases() }
    } else {
      try mergePhases()
    }
    // Only what is in the index can be changed there.
    for id in added { try noteParts(of: id, db) }
    return last
  }

  /// - Parameter added: Takes the ids of new items.
  /// - Returns: The id of the last item.
  private static func merge(
    _ groups: [Ledger.Group], into phase: Int64, _ draft: LedgerDraft, of write: WriteOrigin,
    projectID: Int64, newID: () -> RecordID, _ added: inout [RecordID], _ db: Database
  ) throws -> RecordID? {
    var last: RecordID?
    var known = try KnownNames(
      Row.fetchAll(
        db,
        cached: """
          SELECT number, name, is_list FROM ledger_groups WHERE phase = ? ORDER BY number
          """, arguments: [phase])
    ) { groupName($0[1], isList: $0[2]) }
    for group in groups {
      let entries: [Ledger.Entry?]
      let items: [String]
      switch group.content {
      case .entries(let list): (items, entries) = (list.map(\.item), list)
      case .list(let list): (items, entries) = (list, list.map { _ in nil })
      }
      let isList = entries.first.map { $0 == nil } ?? false
      var number: Int64? = known.next(groupName(group.name, isList: isList))
      let isNew = number == nil
      if isNew {
        try db.execute(
          cached: "INSERT INTO ledger_groups (phase, name, is_list) VALUES (?, ?, ?)",
          arguments: [phase, group.name, isList])
        number = db.lastInsertedRowID
      }
      var ids = try KnownNames(
        isNew
          ? []
          : Row.fetchAll(
            db, cached: "SELECT id, item FROM ledger_items WHERE group_number = ? ORDER BY id",
            arguments: [number]))
      for (item, entry) in zip(items, entries) {
        if let id: RecordID = ids.next(item) {
          last = id
          let row = try Row.fetchOne(
            db, cached: "SELECT * FROM ledger_items WHERE id = ?", arguments: [id])
          if let row { try update(row, entry, draft, at: write.at, db) }
          continue
        }
        let id = newID()
        last = id
        try db.execute(
          cached: """
            INSERT INTO ledger_items (id, group_number, project_id, session_id, item, status,
              remark, detail, date, source, imported, created_at, updated_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
          arguments: [
            id, number, projectID, write.session?.id, item, entry?.status.rawValue,
            entry?.remark, entry?.detail,
            entry.flatMap { $0.date ?? (draft.isImport ? nil : draft.today ?? day(write.at)) },
            draft.source.rawValue,
            draft.isImport ? stamp(entry) : nil, write.at, write.at,
          ])
        added.append(id)
      }
    }
    return last
  }

  /// A heading can have a table and a list.
  private static func groupName(_ name: String?, isList: Bool) -> String {
    (name ?? "\u{0}") + (isList ? "\u{0}list" : "")
  }

  private static func update(
    _ known: Row, _ entry: Ledger.Entry?, _ draft: LedgerDraft, at: Int64, _ db: Database
  ) throws {
    guard var entry else { return }
    let id: RecordID = known["id"]
    let stamp = stamp(entry)
    if draft.isImport {
      if [stamp, former(entry)].contains(known["imported"] as String?) { return }
    } else {
      // What is not said stays.
      entry.remark = entry.remark ?? known["remark"]
      entry.detail = entry.detail ?? known["detail"]
      let isNews = known["status"] as String? != entry.status.rawValue
      entry.date = entry.date ?? (isNews ? nil : known["date"]) ?? draft.today ?? day(at)
    }
    let isSame = Self.entry(ofItem: known) == entry
    if isSame, !draft.isImport { return }
    let imported = draft.isImport ? stamp : (known["imported"] as String?).map(hashed)
    func update() throws {
      try db.execute(
        cached: """
          UPDATE ledger_items SET status = ?, remark = ?, detail = ?, date = ?, imported = ?,
            updated_at = ? WHERE id = ?
          """,
        arguments: [
          entry.status.rawValue, entry.remark, entry.detail, entry.date, imported,
          isSame ? known["updated_at"] as Int64 : at, id,
        ])
    }
    if isSame { return try update() }
    try dropping(db) {
      try update()
      try noteParts(of: id, db)
    }
  }

  /// The day of a time, UTC: of writes that do not say the person's.
  private static func day(_ milliseconds: Int64) -> String {
    String(Timestamp.string(milliseconds).prefix(10))
  }

  /// By which it is known whether a file says something else of an item than before. A hash, so that
  /// what is replaced does not stand here.
  private static func stamp(_ entry: Ledger.Entry?) -> String { hashed(former(entry)) }

  /// What stood there before: the text itself.
  private static func former(_ entry: Ledger.Entry?) -> String {
    guard let entry else { return "" }
    return [entry.status.rawValue, entry.remark, entry.detail, entry.date]
      .map { $0 ?? "" }.joined(separator: "\u{1F}")
  }

  private static func hashed(_ stamp: String) -> String {
    guard stamp.contains("\u{1F}") else { return stamp }
    return "#" + String(FNV1a.hash(stamp.utf8), radix: 16)
  }

  /// What there is by name, in its order; names are compared byte for byte, as SQLite does it.
  private struct KnownNames {
    private var rows: [[UInt8]: ArraySlice<DatabaseValue>] = [:]

    /// - Parameters:
    ///   - rows: What it is known by, and its name.
    ///   - name: That is looked for, if not the name alone.
    init(_ rows: [Row], name: (Row) -> String = { $0[1] }) {
      for row in rows { self.rows[Array(name(row).utf8), default: []].append(row[0]) }
    }

    /// The next one of a name; nil if there are no more.
    mutating func next<Value: DatabaseValueConvertible>(_ name: String) -> Value? {
      rows[Array(name.utf8)]?.popFirst().flatMap { Value.fromDatabaseValue($0) }
    }
  }
}
