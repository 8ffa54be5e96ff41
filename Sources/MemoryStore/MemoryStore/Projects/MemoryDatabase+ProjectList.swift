public import Core
import GRDB

extension MemoryDatabase {
  // MARK: Lists

  public func isPrivate(_ project: ProjectReference) throws(StoreError) -> Bool {
    try read { db in
      guard let row = try Self.row(of: project, db) else { return false }
      return try Self.isPrivate(row, db)
    }
  }

  public func isPrivate(row: Int64) throws(StoreError) -> Bool {
    try read { try Self.isPrivate(row, $0) }
  }

  /// True for a task, a decision, a handoff or another entry of a private project.
  public func isPrivate(entry id: RecordID) throws(StoreError) -> Bool {
    try read { db in
      try Bool.fetchOne(
        db,
        cached: """
          SELECT EXISTS (
            SELECT 1 FROM entries WHERE id = ? AND project_id IN (\(Self.privateSelect)))
          """, arguments: [id]) ?? false
    }
  }

  /// The row of what waits under a name alone.
  public func unfiledRow(named name: String) throws(StoreError) -> Int64? {
    try read { db in
      try Int64.fetchOne(
        db, cached: "SELECT id FROM projects WHERE identity = ?",
        arguments: [ProjectReference.named(name).identity])
    }
  }

  /// Projects of that short name that have a place, the one seen last first.
  public func projects(named name: String) throws(StoreError) -> [ProjectReference] {
    try read { db in
      try Self.projects(named: name, db).map { try Self.reference($0, marks: nil, db) }
    }
  }

  /// The project of that row.
  public func project(id: Int64) throws(StoreError) -> ProjectReference? {
    try read { db in
      let isThere = try Bool.fetchOne(
        db, cached: "SELECT EXISTS (SELECT 1 FROM projects WHERE id = ?)", arguments: [id])
      return isThere == true ? try Self.reference(id, marks: nil, db) : nil
    }
  }

  /// All rows, the ones that were joined to others too; the one seen last first.
  public func projects() throws(StoreError) -> [ProjectRecord] {
    try read { db in
      try Row.fetchAll(
        db,
        cached: """
          SELECT p.*, p.id IN (\(Self.privateSelect)) AS is_hidden,
            (SELECT count(*) FROM sessions s WHERE s.project_id = p.id) AS sessions,
            (SELECT count(*) FROM tasks t WHERE t.project_id = p.id AND t.status = 'open') AS tasks
          FROM projects p ORDER BY last_seen_at DESC, id
          """
      ).map { row in
        let id: Int64 = row["id"]
        let joinedTo: Int64? = row["joined_to"]
        return ProjectRecord(
          id: id, name: row["name"], root: row["root"],
          remotes: try String.fetchAll(
            db,
            cached: """
              SELECT value FROM project_marks WHERE project_id = ? AND kind = 'remote'
              ORDER BY seen_at DESC
              """, arguments: [id]),
          joinedTo: joinedTo, joinReason: row["join_reason"],
          isUnfiled: (row["identity"] as String).hasPrefix(ProjectReference.namePrefix)
            && joinedTo == nil,
          isPrivate: row["is_hidden"], sessions: row["sessions"], openTasks: row["tasks"],
          resembles: joinedTo == nil ? try Self.resembling(id, db) : [],
          lastSeenAt: row["last_seen_at"])
      }
    }
  }

  /// The row of a place itself, whatever it was joined to.
  public func row(ofPlace marks: ProjectMarks) throws(StoreError) -> Int64? {
    try read { try Self.row(of: ProjectReference(identity: "", name: "", marks: marks), $0) }
  }

  /// Takes a project in that nothing was recorded of yet.
  public func register(_ project: ProjectReference, at now: Int64) throws(StoreError) -> Int64 {
    try write { try Self.upsert(project, at: now, $0) }
  }
}
