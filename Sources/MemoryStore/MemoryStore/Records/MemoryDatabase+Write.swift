public import Core
import GRDB

extension MemoryDatabase {
  /// Carries out one write, with the transcript text that belongs to it and the hook's statistics,
  /// in one transaction. A request id that the store knows gives the first result again.
  ///
  /// - Parameter hook: Evaluated last, so that its duration covers the transaction's work.
  /// - Throws: ``StoreError``; nothing is stored then.
  ///
  /// Cost: one fsync.
  public func commit(
    _ write: StoreWrite, transcript: TranscriptBatch? = nil, hook: (() -> HookRun)? = nil
  ) throws(StoreError) -> WriteReceipt {
    let write = redacted(write)
    let transcript = transcript.map(redacted)
    return try self.write { db in
      if let receipt = try Self.receipt(of: write.requestID, db) { return receipt }
      var ids = try Self.generator(db)
      var projectID = try write.project.map { try Self.upsert($0, at: write.at, db) }
      if let session = write.session {
        projectID = try Self.upsert(session, projectID: projectID, at: write.at, db)
      }
      if let transcript {
        try Self.store(
          transcript, sessionID: write.session?.id ?? "", projectID: projectID, at: write.at,
          ids: &ids, db)
      }
      let (itemID, createdAt) = try Self.perform(
        write, projectID: projectID, newID: { ids.next(at: write.at).description }, db)
      try Self.noteParts(of: itemID, db)
      try Self.recordRequest(write, itemID: itemID, db)
      try Self.save(ids, db)
      if let hook { try Self.insert(hook(), at: write.at, db) }
      return WriteReceipt(
        id: itemID, kind: write.operation.kind, createdAt: createdAt, isReplay: false)
    }
  }

  /// Takes in transcript text and statistics where nothing else is to be written.
  ///
  /// - Parameter reopens: For a session that starts: an earlier end of it does not count any more.
  /// - Returns: The number of entries that are new; a fork's are its parent's.
  @discardableResult
  public func commit(
    _ transcript: TranscriptBatch?, project: ProjectReference?, session: SessionReference,
    at: Int64, reopens: Bool = false, hook: (() -> HookRun)? = nil
  ) throws(StoreError) -> Int {
    let transcript = transcript.map(redacted)
    let session = redacted(session)
    return try write { db in
      var ids = try Self.generator(db)
      let place = try project.map { try Self.upsert($0, at: at, db) }
      let projectID = try Self.upsert(session, projectID: place, at: at, db)
      if reopens {
        try db.execute(
          cached: "UPDATE sessions SET ended_at = NULL, end_reason = NULL WHERE id = ?",
          arguments: [session.id])
      }
      let known = try Self.newestEntry(db)
      if let transcript {
        let projectID =
          try projectID
          ?? Int64.fetchOne(
            db, cached: "SELECT project_id FROM sessions WHERE id = ?", arguments: [session.id])
        try Self.store(
          transcript, sessionID: session.id, projectID: projectID, at: at, ids: &ids, db)
      }
      try Self.save(ids, db)
      if let hook { try Self.insert(hook(), at: at, db) }
      return Int(try Self.newestEntry(db) - known)
    }
  }

  // MARK: Operations

  private static func perform(
    _ write: StoreWrite, projectID: Int64?, newID: () -> String, _ db: Database
  ) throws -> (id: String, createdAt: Int64) {
    switch write.operation {
    case .checkpoint(let draft):
      return try store(draft, of: write, projectID: projectID, newID: newID, db)
    case .addTask(let draft):
      let id = write.itemID ?? newID()
      try db.execute(
        cached: """
          INSERT INTO tasks (id, title, project, project_id, session_id, status, source, context,
            occurred_at, created_at, updated_at, completed_at)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          id, draft.title, write.project?.name ?? "inbox",
          try projectID ?? file(under: "inbox", at: write.at, db), write.session?.id,
          draft.isDone ? "done" : "open", draft.source, draft.context, draft.occurredAt,
          write.at, write.at, draft.isDone ? write.at : nil,
        ])
      try enqueue("task", draft.isDone ? "retro" : "add", id, write, db)
      return (id, write.at)
    case .changeTask(let change):
      let createdAt = try apply(change, at: write.at, projectID: projectID, db)
      try enqueue("task", change.completes ? "done" : "update", change.id, write, db)
      return (change.id, createdAt)
    case .decide(let draft):
      let id = write.itemID ?? newID()
      try db.execute(
        cached: """
          INSERT INTO decisions (id, decision, rationale, task_id, project_id, session_id,
            created_at)
          VALUES (?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          id, draft.decision, draft.rationale, draft.taskID, projectID, write.session?.id,
          write.at,
        ])
      try enqueue("decision", "decide", id, write, db)
      return (id, write.at)
    case .handOff(let draft):
      return try store(draft, of: write, projectID: projectID, checkpointID: nil, db)
    case .addToLedger(let draft):
      guard let projectID else { throw StoreError(.invalid, "a ledger belongs to a project") }
      // The id that was given out before goes to the first new item.
      var given = write.itemID
      let id = try merge(
        draft, of: write, projectID: projectID,
        newID: {
          defer { given = nil }
          return given ?? newID()
        }, db)
      return (id, write.at)
    case .openSession:
      return (write.session?.id ?? "", write.at)
    case .endSession(let reason):
      let id = write.session?.id ?? ""
      try db.execute(
        cached: "UPDATE sessions SET ended_at = ?, end_reason = ? WHERE id = ?",
        arguments: [write.at, reason, id])
      return (id, write.at)
    }
  }

  private static func store(
    _ draft: CheckpointDraft, of write: StoreWrite, projectID: Int64?, newID: () -> String,
    _ db: Database
  ) throws -> (id: String, createdAt: Int64) {
    let searchText = (draft.next + draft.blockers + draft.actions).joined(separator: "\n")
    if let id = draft.replacing,
      let createdAt = try Int64.fetchOne(
        db, cached: "SELECT created_at FROM checkpoints WHERE id = ?", arguments: [id])
    {
      try db.execute(
        cached: """
          UPDATE checkpoints SET objective = ?, search_text = ?, body = ?, updated_at = ?
          WHERE id = ?
          """, arguments: [draft.objective, searchText, draft.body, write.at, id])
      // A copy that nobody has sent yet is brought up to date; one that is under way or sent stays as
      // it went out.
      try db.execute(
        cached: """
          UPDATE outbox SET payload = ?1, updated_at = ?2
          WHERE kind = 'checkpoint' AND item_id = ?3 AND state IN ('queued', 'held')
            AND attempts = 0 AND payload <> ?1
          """, arguments: [payload(of: write), write.at, id])
      try oweLater(at: write.at, db)
      if let handoff = draft.handoff {
        _ = try store(handoff, of: write, projectID: projectID, checkpointID: id, db)
      }
      return (id, createdAt)
    }
    let id = write.itemID ?? newID()
    try db.execute(
      cached: """
        INSERT INTO checkpoints (id, session_id, project_id, trigger, objective, search_text,
          body, created_at, updated_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        id, write.session?.id, projectID, draft.trigger, draft.objective, searchText,
        draft.body, write.at, write.at,
      ])
    try enqueue("checkpoint", "save", id, write, db)
    if let handoff = draft.handoff {
      _ = try store(handoff, of: write, projectID: projectID, checkpointID: id, db)
    }
    return (id, write.at)
  }

  /// What was kept of a session on a way that a rewind left.
  ///
  /// - Parameters:
  ///   - ids: Of checkpoints; they are marked, and the handoffs that were kept with them.
  ///   - write: What takes the place of one of them, which stays as it is otherwise.
  ///   - newest: The id of that one, if there is such a write.
  public func settleRewind(
    of ids: [String], renewing write: StoreWrite?, newest: String
  ) throws(StoreError) {
    let write = write.map(redacted)
    try self.write { db in
      for id in ids {
        try db.execute(
          cached: """
            UPDATE entries SET is_abandoned = 1 WHERE id IN
              (SELECT id FROM handoffs WHERE checkpoint_id = ? AND trigger = 'pre-compact')
            """, arguments: [id])
        try db.execute(
          cached:
            "UPDATE handoffs SET trigger = ? WHERE checkpoint_id = ? AND trigger = 'pre-compact'",
          arguments: [CheckpointRecord.rewound, id])
        if write != nil, id == newest { continue }
        try db.execute(
          cached: "UPDATE checkpoints SET trigger = ? WHERE id = ?",
          arguments: [CheckpointRecord.rewound, id])
        try db.execute(
          cached: "UPDATE entries SET is_abandoned = 1 WHERE id = ?", arguments: [id])
      }
      guard let write, case .checkpoint(let draft) = write.operation else { return }
      _ = try Self.store(draft, of: write, projectID: nil, newID: { newest }, db)
      try Self.noteParts(of: newest, db)
    }
  }

  private static func apply(
    _ change: TaskChange, at: Int64, projectID: Int64?, _ db: Database
  ) throws -> Int64 {
    guard
      let createdAt = try Int64.fetchOne(
        db, cached: "SELECT created_at FROM tasks WHERE id = ?", arguments: [change.id])
    else {
      throw StoreError(
        .notFound, "there is no task \(change.id)", hint: "`memoryd task list` shows the open ones")
    }
    func filled(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
    let project = filled(change.project)
    func update() throws {
      try db.execute(
        cached: """
          UPDATE tasks SET title = coalesce(?, title), project = coalesce(?, project),
            project_id = coalesce(?, project_id),
            context = coalesce(?, context), occurred_at = coalesce(?, occurred_at),
            status = CASE WHEN ? THEN 'done' ELSE status END,
            completed_at = CASE WHEN ? THEN coalesce(completed_at, ?) ELSE completed_at END,
            updated_at = ?
          WHERE id = ?
          """,
        arguments: [
          filled(change.title), project,
          try project.map { try projectID ?? file(under: $0, at: at, db) },
          filled(change.context),
          filled(change.occurredAt), change.completes, change.completes, at, at, change.id,
        ])
      guard project != nil else { return }
      let row = try Int64.fetchOne(
        db, cached: "SELECT project_id FROM tasks WHERE id = ?", arguments: [change.id])
      // What waited to go to a vault before it came to a private project stays here.
      if let row, try isPrivate(row, db) { _ = try holdBack(row, at: at, db) }
    }
    let (title, context) = (filled(change.title), filled(change.context))
    let isReplaced = try Bool.fetchOne(
      db,
      cached: """
        SELECT title <> coalesce(?, title) OR context <> coalesce(?, context) FROM tasks WHERE id = ?
        """, arguments: [title, context, change.id])
    if isReplaced == true {
      try dropping(db) {
        try update()
        try renewText(ofTask: change.id, db)
      }
    } else {
      try update()
    }
    return createdAt
  }

  /// What follows a task's text: its words in the index, and what nobody has sent of it yet or is done
  /// with. A row that was tried stays as it went out, until it is known what became of it.
  static func renewText(ofTask id: String, _ db: Database) throws {
    try noteParts(of: id, db)
    try renewPayloads(ofTask: id, db)
  }

  static func renewPayloads(ofTask id: String, _ db: Database) throws {
    let rows = try Row.fetchAll(
      db,
      cached: """
        SELECT o.number, o.action, o.payload, t.title, t.context
        FROM outbox o JOIN tasks t ON t.id = o.item_id
        WHERE o.item_id = ? AND o.kind = 'task' AND (o.attempts = 0 OR o.state IN ('synced', 'dropped'))
        """, arguments: [id])
    for row in rows {
      guard let fields = taskFields(row["payload"]) else { continue }
      for (name, old) in [("title", fields.title), ("context", fields.context)] {
        guard let old, let new = row[name] as String?, new != old else { continue }
        // What makes the task needs a text; of a change that a later one overtook nothing is to go out.
        let isChange = row["action"] as String == "update"
        try dropping(db) {
          try db.execute(
            cached: """
              UPDATE outbox SET payload = CASE WHEN ?1 THEN json_remove(payload, ?2)
                ELSE json_set(payload, ?2, ?3) END
              WHERE number = ?4
              """, arguments: [isChange, "$.\(name)", new, row["number"] as Int64])
        }
      }
    }
  }

  /// Triggers put an item's text among the entries; what they cannot make is added here, after each
  /// writing of such a text.
  static func noteParts(of itemID: String, _ db: Database) throws {
    let number = try Int64.fetchOne(
      db, cached: "SELECT number FROM entries WHERE id = ?", arguments: [itemID])
    if let number { try renew(number, db) }
  }

  // MARK: Rows that every write shares

  static func receipt(of requestID: String, _ db: Database) throws -> WriteReceipt? {
    let statement = try db.cachedStatement(
      sql: "SELECT kind, item_id, created_at FROM requests WHERE id = ?")
    return try Row.fetchOne(statement, arguments: [requestID]).map {
      WriteReceipt(
        id: $0["item_id"], kind: $0["kind"], createdAt: $0["created_at"], isReplay: true)
    }
  }

  private static func recordRequest(_ write: StoreWrite, itemID: String, _ db: Database) throws {
    try recordRequest(write.requestID, write.operation.kind, itemID: itemID, at: write.at, db)
  }

  static func recordRequest(
    _ id: String, _ kind: String, itemID: String, at: Int64, _ db: Database
  ) throws {
    try db.execute(
      cached: "INSERT INTO requests (id, kind, item_id, created_at) VALUES (?, ?, ?, ?)",
      arguments: [id, kind, itemID, at])
  }

  private static func enqueue(
    _ kind: String, _ action: String, _ itemID: String, _ write: StoreWrite, _ db: Database
  ) throws {
    guard try !isPrivate(kind, itemID, db) else { return }
    // A change has no place for a marker of its own; what it changes can be compared.
    let makesItem = action != "update" && action != "done"
    let vault = try destination(of: itemID, kind, makesItem: makesItem, write, db)
    try db.execute(
      cached: """
        INSERT INTO outbox (kind, action, item_id, payload, state, vault, request_id, marker,
          must_look, mirrored, created_at, updated_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        kind, action, itemID, payload(of: write), vault == nil ? "held" : "queued", vault,
        write.requestID, makesItem ? write.sharedMarker ?? itemID : nil, write.sharedMarker != nil,
        // It was found in a fallback file.
        write.sharedMarker == nil ? 0 : 1, write.at, write.at,
      ])
  }

  /// Nothing of a private project goes to a vault.
  private static func isPrivate(_ kind: String, _ itemID: String, _ db: Database) throws -> Bool {
    try Bool.fetchOne(
      db,
      cached: """
        SELECT project_id IN (\(privateSelect)) FROM \(kind)s WHERE id = ?
        """, arguments: [itemID]) ?? false
  }

  /// What a vault takes of a write, in vault-mcp's own words for its arguments.
  package static func payload(of write: StoreWrite) -> String {
    var fields = JSONFields()
    switch write.operation {
    case .checkpoint(let draft):
      fields.add("objective", draft.objective)
      fields.add("blockers", draft.blockers)
      fields.add("recent_actions", draft.actions)
    case .addTask(let draft):
      fields.add("title", draft.title)
      fields.add("project", write.project?.name ?? "inbox")
      fields.add("source", draft.source)
      fields.add("context", draft.context)
      fields.add("occurred_at", draft.occurredAt)
    case .changeTask(let change):
      fields.add("id", change.id)
      fields.add("title", change.title)
      fields.add("project", change.project)
      fields.add("context", change.context)
      fields.add("occurred_at", change.occurredAt)
    case .decide(let draft):
      fields.add("decision", draft.decision)
      fields.add("rationale", draft.rationale)
      fields.add("task_id", draft.taskID)
    case .handOff, .addToLedger, .openSession, .endSession:
      break
    }
    return fields.text
  }

  /// - Returns: The project of what is written. What a host tells of a session belongs to where the
  ///   session began, also when it has gone elsewhere since.
  static func upsert(
    _ session: SessionReference, projectID: Int64?, at: Int64, _ db: Database
  ) throws -> Int64? {
    let isFromHost = session.cwd != nil
    let statement = try db.cachedStatement(
      sql: """
        INSERT INTO sessions (id, agent, project_id, cwd, branch, transcript_path, source,
          started_at, last_seen_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET
          project_id = CASE WHEN cwd IS NULL THEN coalesce(excluded.project_id, project_id)
            ELSE coalesce(project_id, excluded.project_id) END,
          cwd = coalesce(cwd, excluded.cwd), branch = coalesce(excluded.branch, branch),
          transcript_path = coalesce(excluded.transcript_path, transcript_path),
          source = coalesce(excluded.source, source),
          started_at = min(started_at, excluded.started_at),
          last_seen_at = max(last_seen_at, excluded.last_seen_at)
        RETURNING project_id
        """)
    let began = try Row.fetchOne(
      statement,
      arguments: [
        session.id, session.agent, projectID, session.cwd, session.branch,
        session.transcriptPath, session.source, session.startedAt ?? at,
        session.lastSeenAt ?? at,
      ])
    return isFromHost ? began?["project_id"] ?? projectID : projectID
  }

  private static func insert(_ run: HookRun, at: Int64, _ db: Database) throws {
    try db.execute(
      cached: """
        INSERT INTO hook_runs (event, session_id, outcome, microseconds, created_at)
        VALUES (?, ?, ?, ?, ?)
        """, arguments: [run.event, run.sessionID, run.outcome, run.microseconds, at])
    // The newest 10,000 are enough for percentiles.
    if db.lastInsertedRowID % 1000 == 0 {
      try db.execute(
        cached: "DELETE FROM hook_runs WHERE number <= ?",
        arguments: [db.lastInsertedRowID - 10_000])
    }
  }

  // MARK: Identifiers

  /// Continues from the newest id that any process has given out.
  static func generator(_ db: Database) throws -> ULIDGenerator {
    let statement = try db.cachedStatement(sql: "SELECT value FROM meta WHERE key = 'last_id'")
    let last = try String.fetchOne(statement).flatMap { ULID($0) }
    return ULIDGenerator(after: last ?? ULID(high: 0, low: 0))
  }

  static func save(_ ids: ULIDGenerator, _ db: Database) throws {
    let statement = try db.cachedStatement(
      sql: """
        INSERT INTO meta (key, value) VALUES ('last_id', ?)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value
        """)
    try statement.execute(arguments: [ids.last.description])
  }
}
