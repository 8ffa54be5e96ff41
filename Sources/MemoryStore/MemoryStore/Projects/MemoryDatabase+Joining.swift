public import Core
import GRDB

extension MemoryDatabase {
  // MARK: What git says

  /// True if nobody has asked git yet for the history of a project's place, or not for a day.
  public func needsHistory(_ project: ProjectReference, at now: Int64) throws(StoreError) -> Bool {
    guard let marks = project.marks, marks.gitFolder != nil, marks.head != nil else { return false }
    return try read { db in
      let asked = try Int64.fetchOne(
        db, cached: "SELECT max(seen_at) FROM project_marks WHERE kind = 'asked' AND value = ?",
        arguments: [Self.question(marks, db)])
      if let asked { return now - asked >= 24 * 3600 * 1000 || now < asked }
      if try Self.row(of: project, db) != nil { return true }
      // A folder in which nothing was recorded yet is asked about only where it may be a known one.
      if let remote = marks.remote, try !Self.owners(ofRemote: remote, db).isEmpty { return true }
      return try Bool.fetchOne(
        db, cached: "SELECT EXISTS (SELECT 1 FROM projects WHERE root = ?)",
        arguments: [marks.root]) ?? false
    }
  }

  /// What git is asked about a place. Where another project has its remote, a clone that was behind
  /// may have caught up: each commit that is checked out there is a question of its own.
  private static func question(_ marks: ProjectMarks, _ db: Database) throws -> String {
    let questions = questions(marks)
    guard let remote = marks.remote else { return questions[0] }
    let own = try holder("git_folder", marks.place, db).map { try Self.head(of: $0, db) }
    let hasTwin = try owners(ofRemote: remote, db).contains { try Self.head(of: $0, db) != own }
    return questions[hasTwin ? 1 : 0]
  }

  /// For a place, and for the commit that is checked out there.
  private static func questions(_ marks: ProjectMarks) -> [String] {
    let place = "\(marks.place) \(marks.remote ?? "")"
    return [place, place + " " + (marks.head ?? "")]
  }

  /// Takes in what git says of a place, and joins it to the project that it turns out to be.
  ///
  /// One with the same remote that knows a commit of ours is the same; so is what stands at the same
  /// path with the same first commit. A first commit alone joins nothing, but at a known path another
  /// one parts. What a person keeps apart stays apart, and a private project joins nothing by itself:
  /// all that is joined to it sees it.
  ///
  /// - Parameters:
  ///   - first: The commits without a parent; empty where git does not know them.
  ///   - commits: The newest ones that are there.
  /// - Returns: True if the place belongs to another project from now on.
  @discardableResult
  public func learn(
    _ project: ProjectReference, first: [String], commits: [String], at now: Int64
  ) throws(StoreError) -> Bool {
    guard let marks = project.marks else { return false }
    return try write { db in
      var row = try Self.row(of: project, db) ?? Self.insert(project, at: now, db)
      // A project is known again by what was seen of it, also where nothing was written.
      try Self.note(marks, of: row, at: now, db)
      var isMoved = false
      if try Self.contradicts(first, marks, row, db) {
        row = try Self.insert(project, at: now, db)
        isMoved = true
      }
      for commit in first { try Self.mark("first_commit", commit, row, at: now, db) }
      for question in Self.questions(marks) {
        try db.execute(
          cached: """
            INSERT INTO project_marks (kind, value, project_id, seen_at) VALUES ('asked', ?, ?, ?)
            ON CONFLICT DO UPDATE SET seen_at = excluded.seen_at
            """, arguments: [question, row, now])
      }
      let head = try Self.head(of: row, db)
      // One that is private is joined to others by a person's word only.
      guard try !Self.isPrivate(head, db) else { return isMoved }
      for (other, reason) in try Self.likely(marks, first: first, commits: commits, row, db) {
        let owner = try Self.head(of: other, db)
        guard owner != head, try !Self.areApart(head, owner, db) else { continue }
        try Self.join(head, into: owner, because: reason, db)
        return true
      }
      return isMoved
    }
  }

  /// True if the folder at a known path is not the one whose first commits are known.
  private static func contradicts(
    _ first: [String], _ marks: ProjectMarks, _ row: Int64, _ db: Database
  ) throws -> Bool {
    guard !first.isEmpty, let file = marks.gitFile else { return false }
    let known = try Row.fetchAll(
      db,
      cached: """
        SELECT value, seen_at FROM project_marks WHERE project_id = ? AND kind = 'first_commit'
        """, arguments: [row])
    guard let oldest = known.map({ $0["seen_at"] as Int64 }).min(),
      !known.contains(where: { first.contains($0["value"] as String) })
    else { return false }
    // A history that was written anew in its place is the project's all the same.
    let seen = try Int64.fetchOne(
      db, cached: "SELECT seen_at FROM project_marks WHERE kind = 'git_file' AND value = ?",
      arguments: [file])
    return seen.map { $0 > oldest } ?? false
  }

  private static func likely(
    _ marks: ProjectMarks, first: [String], commits: [String], _ row: Int64, _ db: Database
  ) throws -> [(Int64, String)] {
    var found: [(Int64, String)] = []
    let here = Set(commits)
    if let remote = marks.remote {
      for owner in try owners(ofRemote: remote, db) where owner != row {
        for row in try group(of: owner, db) {
          let ours = try String.fetchAll(
            db,
            cached: """
              SELECT value FROM project_marks WHERE project_id = ? AND kind = 'commit'
              """, arguments: [row])
          if ours.contains(where: here.contains) { found.append((owner, "remote")) }
        }
      }
    }
    guard !first.isEmpty else { return found }
    for other in try Int64.fetchAll(
      db,
      cached: """
        SELECT id FROM projects WHERE root = ? AND id <> ? AND id NOT IN (\(privateSelect))
        """,
      arguments: [marks.root, row])
    {
      for commit in first where try hasMark("first_commit", commit, other, db) {
        found.append((other, "history"))
      }
    }
    return found
  }

  private static func hasMark(
    _ kind: String, _ value: String, _ row: Int64, _ db: Database
  ) throws -> Bool {
    try Bool.fetchOne(
      db,
      cached: """
        SELECT EXISTS (SELECT 1 FROM project_marks WHERE kind = ? AND value = ? AND project_id = ?)
        """, arguments: [kind, value, row]) ?? false
  }

  /// Projects that begin with the same commit and are not kept apart by a person's word.
  public func resembling(_ project: ProjectReference) throws(StoreError) -> [ProjectReference] {
    guard let id = project.id else { return [] }
    return try read { db in
      try Self.resembling(id, db).map { try Self.reference($0, marks: nil, db) }
    }
  }

  /// Notes that a session of one project was told of another.
  ///
  /// - Returns: False if one was told before.
  public func noteTold(of other: Int64, to project: Int64) throws(StoreError) -> Bool {
    let isKnown = try read { try Self.hasMark("told", String(other), project, $0) }
    if isKnown { return false }
    try write { try Self.mark("told", String(other), project, at: 0, $0) }
    return true
  }

  static func resembling(_ id: Int64, _ db: Database) throws -> [Int64] {
    let head = try head(of: id, db)
    var found: [Int64] = []
    for row in try group(of: head, db) {
      for other in try Int64.fetchAll(
        db,
        cached: """
          SELECT b.project_id FROM project_marks a
            JOIN project_marks b ON b.kind = 'first_commit' AND b.value = a.value
          WHERE a.project_id = ? AND a.kind = 'first_commit' AND b.project_id <> a.project_id
          """, arguments: [row])
      {
        let owner = try Self.head(of: other, db)
        guard owner != head, !found.contains(owner), try !areApart(head, owner, db) else {
          continue
        }
        found.append(owner)
      }
    }
    return found
  }

  // MARK: A person's say

  public struct Joined: Sendable, Equatable {
    /// The row that is a part now, and the one that it is a part of.
    public var part: Int64
    public var whole: Int64
  }

  /// Makes two projects one. Nothing is moved: ``part(_:)`` takes it back.
  ///
  /// - Throws: ``StoreError`` `invalid` if they are one already.
  public func join(
    _ part: Int64, into whole: Int64, at now: Int64
  ) throws(StoreError) -> Joined {
    try write { db in
      let (a, b) = (try Self.head(of: whole, db), try Self.head(of: part, db))
      guard a != b else { throw StoreError(.invalid, "these are one project already") }
      for x in try Self.group(of: a, db) {
        for y in try Self.group(of: b, db) {
          try db.execute(
            cached:
              "DELETE FROM project_marks WHERE kind = 'apart' AND project_id = ? AND value = ?",
            arguments: [max(x, y), String(min(x, y))])
        }
      }
      try Self.join(b, into: a, because: "said", db)
      if try Self.isPrivate(a, db) {
        for row in try Self.group(of: a, db) {
          _ = try Self.holdBack(row, at: now, db)
        }
      }
      return Joined(part: b, whole: a)
    }
  }

  private static func join(
    _ part: Int64, into whole: Int64, because reason: String, _ db: Database
  ) throws {
    let name = try String.fetchOne(
      db, cached: "SELECT name FROM projects WHERE id = ?", arguments: [whole])
    for row in try group(of: part, db) {
      try db.execute(
        cached: "UPDATE projects SET own_name = coalesce(own_name, name), name = ? WHERE id = ?",
        arguments: [name, row])
    }
    try db.execute(
      cached: "UPDATE projects SET joined_to = ?, join_reason = ? WHERE id = ?",
      arguments: [whole, reason, part])
  }

  /// Parts a row, with what was joined to it, from what it was joined to.
  ///
  /// - Returns: Nil if it was joined to nothing.
  public func part(_ row: Int64) throws(StoreError) -> Joined? {
    try write { db in
      guard
        let whole = try Int64.fetchOne(
          db, cached: "SELECT joined_to FROM projects WHERE id = ? AND joined_to IS NOT NULL",
          arguments: [row])
      else { return nil }
      try db.execute(
        cached: """
          UPDATE projects SET joined_to = NULL, join_reason = NULL, name = coalesce(own_name, name),
            own_name = NULL WHERE id = ?
          """, arguments: [row])
      for other in try Self.group(of: row, db) where other != row {
        try db.execute(
          cached: """
            UPDATE projects SET name = (SELECT name FROM projects WHERE id = ?) WHERE id = ?
            """, arguments: [row, other])
      }
      try Self.keepApart(row, whole, db)
      return Joined(part: row, whole: whole)
    }
  }

  /// Notes that a person does not want them joined.
  public func keepApart(_ a: Int64, _ b: Int64) throws(StoreError) {
    try write { try Self.keepApart(a, b, $0) }
  }

  private static func keepApart(_ a: Int64, _ b: Int64, _ db: Database) throws {
    try mark("apart", String(min(a, b)), max(a, b), at: 0, db)
  }

  private static func areApart(_ a: Int64, _ b: Int64, _ db: Database) throws -> Bool {
    let (ones, others) = (try group(of: a, db), try group(of: b, db))
    for one in ones {
      for other in others
      where try hasMark("apart", String(min(one, other)), max(one, other), db) {
        return true
      }
    }
    return false
  }

  /// A folder that is to be a project of its own.
  public struct Part: Sendable {
    public var project: ProjectReference
    /// Where its sessions began.
    public var folders: [String]

    public init(project: ProjectReference, folders: [String]) {
      self.project = project
      self.folders = folders
    }
  }

  /// Takes the sessions that began in a folder, with all that they wrote, out of a project.
  ///
  /// - Returns: The new project's row.
  public func split(
    _ part: Part, outOf project: Int64, at now: Int64
  ) throws(StoreError) -> Int64 {
    try write { db in
      let group = try Self.group(of: project, db)
      let row = try Self.insert(part.project, at: now, db)
      if try Self.isPrivate(project, db) {
        try db.execute(cached: "UPDATE projects SET is_private = 1 WHERE id = ?", arguments: [row])
      }
      if let place = part.project.marks?.place {
        try Self.mark("said", place, row, isAlone: true, at: now, db)
      }
      try Self.keepApart(row, try Self.head(of: project, db), db)
      for folder in part.folders {
        for old in group {
          let sessions = try SessionID.fetchAll(
            db, cached: "SELECT id FROM sessions WHERE project_id = ? AND cwd = ?",
            arguments: [old, folder])
          for session in sessions {
            try Self.moveLedger(ofSession: session, from: old, to: row, db)
            for table in ["checkpoints", "tasks", "decisions", "handoffs", "entries"] {
              try db.execute(
                cached:
                  "UPDATE \(table) SET project_id = ? WHERE session_id = ? AND project_id = ?",
                arguments: [row, session, old])
            }
            try db.execute(
              cached: "UPDATE sessions SET project_id = ? WHERE id = ?", arguments: [row, session])
          }
        }
      }
      return row
    }
  }

  /// Puts what a session has added to a project's ledger into another's, under the same headings.
  private static func moveLedger(
    ofSession session: SessionID, from old: Int64, to new: Int64, _ db: Database
  ) throws {
    let items = try Row.fetchAll(
      db,
      cached: """
        SELECT i.id, g.name AS group_name, g.is_list, p.name AS phase, p.is_done
        FROM ledger_items i JOIN ledger_groups g ON g.number = i.group_number
          JOIN ledger_phases p ON p.number = g.phase
        WHERE i.session_id = ? AND i.project_id = ? ORDER BY i.id
        """, arguments: [session, old])
    guard !items.isEmpty else { return }
    try db.execute(
      cached: """
        INSERT OR IGNORE INTO ledgers (project_id, title)
        SELECT ?, title FROM ledgers WHERE project_id = ?
        """, arguments: [new, old])
    for item in items {
      let (phase, group) = (item["phase"] as String, item["group_name"] as String?)
      let isList: Bool = item["is_list"]
      var phaseNumber = try Int64.fetchOne(
        db,
        cached: """
          SELECT number FROM ledger_phases WHERE project_id = ? AND name = ?
          ORDER BY number LIMIT 1
          """, arguments: [new, phase])
      if phaseNumber == nil {
        try db.execute(
          cached: "INSERT INTO ledger_phases (project_id, name, is_done) VALUES (?, ?, ?)",
          arguments: [new, phase, item["is_done"] as Bool])
        phaseNumber = db.lastInsertedRowID
      }
      var groupNumber = try Int64.fetchOne(
        db,
        cached: """
          SELECT number FROM ledger_groups WHERE phase = ? AND name IS ? AND is_list = ?
          ORDER BY number LIMIT 1
          """, arguments: [phaseNumber, group, isList])
      if groupNumber == nil {
        try db.execute(
          cached: "INSERT INTO ledger_groups (phase, name, is_list) VALUES (?, ?, ?)",
          arguments: [phaseNumber, group, isList])
        groupNumber = db.lastInsertedRowID
      }
      try db.execute(
        cached: "UPDATE ledger_items SET group_number = ?, project_id = ? WHERE id = ?",
        arguments: [groupNumber, new, item["id"] as String])
    }
  }

  /// The folders in which the sessions of a project began.
  public func sessionFolders(_ project: Int64) throws(StoreError) -> [String] {
    try read { db in
      try String.fetchAll(
        db,
        cached: """
          SELECT DISTINCT cwd FROM sessions
          WHERE project_id IN (\(Self.groupSelect)) AND cwd IS NOT NULL ORDER BY cwd
          """, arguments: [Self.head(of: project, db)])
    }
  }

  /// - Returns: The name that it had.
  public func renameProject(_ project: Int64, to name: String) throws(StoreError) -> String {
    try write { db in
      let head = try Self.head(of: project, db)
      let old = try String.fetchOne(
        db, cached: "SELECT name FROM projects WHERE id = ?", arguments: [head])
      for row in try Self.group(of: head, db) {
        try db.execute(
          cached: "UPDATE projects SET name = ? WHERE id = ?", arguments: [name, row])
      }
      return old ?? ""
    }
  }

  /// - Returns: How many writes stay here that were about to go to a vault; nil if the project was
  ///   so already, also by one of its parts: nothing is changed then.
  @discardableResult
  public func setPrivate(
    _ isPrivate: Bool, _ project: Int64, at now: Int64
  ) throws(StoreError) -> Int? {
    try write { db in
      guard try Self.isPrivate(project, db) != isPrivate else { return nil }
      var count = 0
      for row in try Self.group(of: project, db) {
        try db.execute(
          cached: "UPDATE projects SET is_private = ? WHERE id = ?", arguments: [isPrivate, row])
        if isPrivate { count += try Self.holdBack(row, at: now, db) }
      }
      return count
    }
  }

  /// Files a task or a decision under a project.
  ///
  /// - Returns: The row that it was filed under; nil if there is no such item.
  public func assign(
    item id: RecordID, to project: Int64, at now: Int64
  ) throws(StoreError) -> (id: RecordID, from: Int64?)? {
    try write { db in
      for table in ["tasks", "decisions"] {
        guard
          let old = try Row.fetchOne(
            db, cached: "SELECT project_id FROM \(table) WHERE id = ?", arguments: [id])
        else { continue }
        try db.execute(
          cached: "UPDATE \(table) SET project_id = ? WHERE id = ?", arguments: [project, id])
        try db.execute(
          cached: "UPDATE entries SET project_id = ? WHERE id = ?", arguments: [project, id])
        if try Self.isPrivate(project, db) { _ = try Self.holdBack(project, at: now, db) }
        return (id, old["project_id"])
      }
      return nil
    }
  }
}
