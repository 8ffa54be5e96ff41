public import Core
import GRDB

extension MemoryDatabase {
  // MARK: Which project a place is

  /// The project as the store knows it.
  ///
  /// - Returns: With its row, and the name and identity that stand there; the reference as it is if
  ///   the store does not know the project yet.
  public func known(_ project: ProjectReference) throws(StoreError) -> ProjectReference {
    try read { db in
      guard let row = try Self.row(of: project, db) else {
        var unknown = project
        unknown.id = nil
        return unknown
      }
      return try Self.reference(row, marks: project.marks, db)
    }
  }

  /// The project that a session began in; nil if the store does not know of either.
  public func project(ofSession id: SessionID) throws(StoreError) -> ProjectReference? {
    try read { db in
      let row = try Int64.fetchOne(
        db, cached: "SELECT project_id FROM sessions WHERE id = ? AND project_id IS NOT NULL",
        arguments: [id])
      return try row.map { try Self.reference($0, marks: nil, db) }
    }
  }

  static func reference(
    _ row: Int64, marks: ProjectMarks?, _ db: Database
  ) throws -> ProjectReference {
    let id = try head(of: row, db)
    let known = try Row.fetchOne(
      db, cached: "SELECT identity, name, root FROM projects WHERE id = ?", arguments: [id])
    return ProjectReference(
      identity: known?["identity"] ?? "", name: known?["name"] ?? "", root: known?["root"],
      marks: marks, id: id)
  }

  /// The row itself, whatever it was joined to. Marks go before everything else: a folder that only
  /// calls itself what another is called is not that one.
  static func row(of project: ProjectReference, _ db: Database) throws -> Int64? {
    if let marks = project.marks { return try row(of: marks, db) }
    if let key = project.key, let known = try holder("key", key, db) { return known }
    if let id = project.id {
      let isThere = try Bool.fetchOne(
        db, cached: "SELECT EXISTS (SELECT 1 FROM projects WHERE id = ? AND identity = ?)",
        arguments: [id, project.identity])
      if isThere == true { return id }
    }
    if project.isNameOnly {
      let owners = try projects(named: project.name, db)
      if owners.count == 1 { return owners[0] }
    }
    return try Int64.fetchOne(
      db, cached: "SELECT id FROM projects WHERE identity = ?", arguments: [project.identity])
  }

  private static func row(of marks: ProjectMarks, _ db: Database) throws -> Int64? {
    if let said = try holder("said", marks.place, db) { return said }
    // What came back from a fallback file before the store knew the place.
    if let known = try holder("key", marks.key, db), try !has("git_folder", known, db),
      try !has("root", known, db)
    {
      return known
    }
    guard let folder = marks.gitFolder else {
      // Also where the repository or the worktree that was here is gone.
      return try holder("root", marks.root, db) ?? holder("git_folder", marks.root + "/.git", db)
        ?? holder("worktree", marks.root, db)
        // A bare repository, of which a worktree was seen.
        ?? holder("git_folder", marks.root, db)
    }
    if let file = marks.gitFile, let known = try holder("git_file", file, db),
      // Without a time of birth a number may have been given out again.
      try !file.hasPrefix("d") || holder("git_folder", folder, db) == known
        || resembles(known, marks, db)
    {
      return known
    }
    if let known = try holder("git_folder", folder, db),
      // What never had a commit or a remote is contradicted by none.
      try resembles(known, marks, db)
        || !["commit", "first_commit", "remote"].contains(where: { try has($0, known, db) })
    {
      return known
    }
    // A worktree of a bare repository that was seen in its own folder.
    if let known = try holder("root", folder, db), try !has("git_folder", known, db) {
      return known
    }
    // A folder that was no repository yet when it was last seen, or that schema 7 has seen.
    if let known = try holder("root", marks.root, db), try !has("git_folder", known, db) {
      return known
    }
    guard let remote = marks.remote, let commit = marks.head else { return nil }
    return try owners(ofRemote: remote, db).first { try isOurs(commit, $0, db) }
  }

  /// True if a repository at a known path still shows what the project is known by: a commit of its
  /// own, or its remote.
  private static func resembles(_ row: Int64, _ marks: ProjectMarks, _ db: Database) throws -> Bool
  {
    if let commit = marks.head, try isOurs(commit, row, db) { return true }
    guard let remote = marks.remote else { return false }
    return try has("remote", ProjectMarks.remoteKey(remote), in: row, db)
  }

  /// Whose mark it is.
  static func holder(_ kind: String, _ value: String, _ db: Database) throws -> Int64? {
    try Int64.fetchOne(
      db,
      cached: """
        SELECT project_id FROM project_marks WHERE kind = ? AND value = ?
        ORDER BY seen_at DESC LIMIT 1
        """, arguments: [kind, value])
  }

  private static func has(_ kind: String, _ row: Int64, _ db: Database) throws -> Bool {
    try Bool.fetchOne(
      db, cached: "SELECT EXISTS (SELECT 1 FROM project_marks WHERE project_id = ? AND kind = ?)",
      arguments: [row, kind]) ?? false
  }

  /// True if the row, or one that is the same project, has the mark.
  private static func has(
    _ kind: String, _ value: String, in row: Int64, _ db: Database
  ) throws -> Bool {
    let head = try head(of: row, db)
    return try Int64.fetchAll(
      db, cached: "SELECT project_id FROM project_marks WHERE kind = ? AND value = ?",
      arguments: [kind, value]
    ).contains { try Self.head(of: $0, db) == head }
  }

  private static func isOurs(_ commit: String, _ row: Int64, _ db: Database) throws -> Bool {
    try has("commit", commit, in: row, db)
  }

  /// Projects with that remote, the one seen last first: not those that have another one since, for
  /// what was cloned from a template and sent elsewhere is not the template's. A clone of a folder has
  /// its path as remote.
  static func owners(ofRemote remote: String, _ db: Database) throws -> [Int64] {
    var found = try Int64.fetchAll(
      db,
      cached: """
        SELECT m.project_id FROM project_marks m JOIN projects p ON p.id = m.project_id
        WHERE m.kind = 'remote' AND m.value = ? AND p.id NOT IN (\(privateSelect))
          AND NOT EXISTS (SELECT 1 FROM project_marks n
            WHERE n.project_id = m.project_id AND n.kind = 'remote' AND n.seen_at > m.seen_at)
        ORDER BY p.last_seen_at DESC
        """, arguments: [ProjectMarks.remoteKey(remote)])
    if remote.hasPrefix("/") {
      for folder in [remote, remote + "/.git"] {
        if let owner = try holder("git_folder", folder, db), try !isPrivate(owner, db) {
          found.append(owner)
        }
      }
    }
    return found
  }

  // MARK: Rows that are one project

  /// The row that a row was joined to in the end.
  static func head(of row: Int64, _ db: Database) throws -> Int64 {
    var id = row
    // No chain is as long, and a damaged store must not turn in a circle.
    for _ in 0..<64 {
      guard
        let next = try Int64.fetchOne(
          db, cached: "SELECT joined_to FROM projects WHERE id = ? AND joined_to IS NOT NULL",
          arguments: [id])
      else { return id }
      id = next
    }
    return id
  }

  /// A SELECT of the rows that are one project with the row that is bound to it.
  static let groupSelect = """
    WITH RECURSIVE same(id) AS (
      SELECT ? UNION SELECT p.id FROM projects p JOIN same ON p.joined_to = same.id)
    SELECT id FROM same
    """

  /// A SELECT of the rows that are private: of projects that were joined, one that is private makes
  /// the whole so.
  static let privateSelect = """
    WITH RECURSIVE hidden(id) AS (
      SELECT id FROM projects WHERE is_private = 1
      UNION SELECT p.id FROM hidden h JOIN projects q ON q.id = h.id
        JOIN projects p ON p.joined_to = q.id OR p.id = q.joined_to)
    SELECT id FROM hidden
    """

  static func isPrivate(_ row: Int64, _ db: Database) throws -> Bool {
    try Bool.fetchOne(
      db, cached: "SELECT ? IN (\(privateSelect))", arguments: [row]) ?? false
  }

  /// The rows that are one project with this one. As ``groupSelect``, but row by row: for a SELECT that
  /// turns back on itself SQLite makes tables, which costs more than the query that the rows are for.
  ///
  /// - Parameter row: Any of them.
  static func group(of row: Int64, _ db: Database) throws -> [Int64] {
    var group = [try head(of: row, db)]
    var known = Set(group)
    var index = 0
    while index < group.count {
      let joined = try Int64.fetchAll(
        db, cached: "SELECT id FROM projects WHERE joined_to = ?", arguments: [group[index]])
      // A damaged store must not turn in a circle.
      group += joined.filter { known.insert($0).inserted }
      index += 1
    }
    return group
  }

  // MARK: Names

  /// Projects of that short name that have a place, the one seen last first.
  static func projects(named name: String, _ db: Database) throws -> [Int64] {
    var heads: [Int64] = []
    for row in try Int64.fetchAll(
      db,
      cached: """
        SELECT id FROM projects WHERE name = ? AND identity NOT LIKE 'name:%'
        ORDER BY last_seen_at DESC, id
        """, arguments: [name])
    {
      let head = try head(of: row, db)
      if !heads.contains(head) { heads.append(head) }
    }
    return heads
  }

  /// Where something belongs that came with a name only: to the one project of that name, else
  /// nowhere but under the name.
  static func file(under name: String, at: Int64, _ db: Database) throws -> Int64 {
    let owners = try projects(named: name, db)
    if owners.count == 1 { return owners[0] }
    let named = ProjectReference.named(name)
    if let shelf = try Row.fetchOne(
      db, cached: "SELECT id, join_reason FROM projects WHERE identity = ?",
      arguments: [named.identity])
    {
      let id: Int64 = shelf["id"]
      if shelf["join_reason"] as String? != "name" { return id }
      // What came while there was one project of that name stays there; now there are more.
      try db.execute(
        cached: "UPDATE projects SET identity = 'filed:' || id || ':' || name WHERE id = ?",
        arguments: [id])
    }
    try db.execute(
      cached: "INSERT INTO projects (identity, name, last_seen_at) VALUES (?, ?, ?)",
      arguments: [named.identity, name, at])
    return db.lastInsertedRowID
  }

  // MARK: Writing

  /// The row of a project, made if the store does not know it; its marks are brought up to date.
  static func upsert(_ project: ProjectReference, at: Int64, _ db: Database) throws -> Int64 {
    if project.isNameOnly { return try file(under: project.name, at: at, db) }
    guard let row = try row(of: project, db) else { return try insert(project, at: at, db) }
    try db.execute(
      cached: """
        UPDATE projects SET last_seen_at = max(last_seen_at, ?), root = coalesce(?, root)
        WHERE id = ?
        """, arguments: [at, project.marks?.root ?? project.root, row])
    if let marks = project.marks { try note(marks, of: row, at: at, db) }
    return row
  }

  static func insert(_ project: ProjectReference, at: Int64, _ db: Database) throws -> Int64 {
    var identity = project.identity
    var number = 2
    while try Bool.fetchOne(
      db, cached: "SELECT EXISTS (SELECT 1 FROM projects WHERE identity = ?)",
      arguments: [identity]) == true
    {
      identity = "\(project.identity) (\(number))"
      number += 1
    }
    try db.execute(
      cached: "INSERT INTO projects (identity, name, root, last_seen_at) VALUES (?, ?, ?, ?)",
      arguments: [identity, project.name, project.root, at])
    let row = db.lastInsertedRowID
    if let marks = project.marks { try note(marks, of: row, at: at, db) }
    if let key = project.key { try mark("key", key, row, isAlone: true, at: at, db) }
    return row
  }

  static func note(_ marks: ProjectMarks, of row: Int64, at: Int64, _ db: Database) throws {
    if let folder = marks.gitFolder {
      try mark("git_folder", folder, row, isAlone: true, at: at, db)
      if folder != marks.root + "/.git" {
        try mark("worktree", marks.root, row, isAlone: true, at: at, db)
      }
    } else {
      try mark("root", marks.root, row, isAlone: true, at: at, db)
    }
    try mark("key", marks.key, row, isAlone: true, at: at, db)
    if let file = marks.gitFile { try mark("git_file", file, row, isAlone: true, at: at, db) }
    if let remote = marks.remote {
      let key = ProjectMarks.remoteKey(remote)
      try mark("remote", key, row, at: at, db)
      // It may be one that it had before, and has again.
      try db.execute(
        cached: """
          UPDATE project_marks SET seen_at = ?1
          WHERE kind = 'remote' AND value = ?2 AND project_id = ?3 AND EXISTS (
            SELECT 1 FROM project_marks n
            WHERE n.project_id = ?3 AND n.kind = 'remote' AND n.value != ?2
              AND n.seen_at >= project_marks.seen_at)
          """, arguments: [at, key, row])
    }
    if let commit = marks.head { try mark("commit", commit, row, at: at, db) }
  }

  /// - Parameter isAlone: No other project has it from now on.
  static func mark(
    _ kind: String, _ value: String, _ row: Int64, isAlone: Bool = false, at: Int64,
    _ db: Database
  ) throws {
    let holders = try Int64.fetchAll(
      db, cached: "SELECT project_id FROM project_marks WHERE kind = ? AND value = ?",
      arguments: [kind, value])
    if holders == [row] || !isAlone && holders.contains(row) { return }
    if isAlone {
      try db.execute(
        cached: "DELETE FROM project_marks WHERE kind = ? AND value = ?", arguments: [kind, value])
    }
    try db.execute(
      cached: "INSERT INTO project_marks (kind, value, project_id, seen_at) VALUES (?, ?, ?, ?)",
      arguments: [kind, value, row, at])
  }
}

extension Query {
  /// Adds what a filter says of projects.
  mutating func narrow(_ column: String, _ filter: RecordFilter, _ db: Database) throws {
    if let name = filter.project {
      add("\(column) IN (SELECT id FROM projects WHERE name = ?)", name)
    }
    if filter.hidesPrivate {
      let own = Self.padded(
        try filter.visitor?.id.map { try MemoryDatabase.group(of: $0, db) } ?? [])
      add(
        """
        (\(column) IS NULL OR \(column) NOT IN (\(MemoryDatabase.privateSelect))
          OR \(column) IN (\(Self.places(own))))
        """, values: own)
    }
    guard let project = filter.place else { return }
    var id = project.id
    // A project that was not known when its folder was looked at may be by now.
    if id == nil, project.marks != nil || project.key != nil {
      id = try MemoryDatabase.row(of: project, db)
    }
    var rows: [Int64] = []
    if let id {
      rows = try MemoryDatabase.group(of: id, db)
    } else if project.marks == nil {
      rows = try Int64.fetchAll(
        db, cached: "SELECT id FROM projects WHERE identity = ?", arguments: [project.identity])
    }
    if filter.takesUnfiled {
      rows += try Int64.fetchAll(
        db, cached: "SELECT id FROM projects WHERE identity = ? AND joined_to IS NULL",
        arguments: [ProjectReference.named(project.name).identity])
    }
    rows = Self.padded(rows)
    add(rows.isEmpty ? "0" : "\(column) IN (\(Self.places(rows)))", values: rows)
  }
}
