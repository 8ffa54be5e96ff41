import Core
import GRDB

extension Schema {
  // 8: a project is known by marks, and its row is what everything refers to.
  //
  // project_marks.kind: said (a person's word for a place), git_folder, root and worktree (real paths),
  // git_file (inode and birth), key (a place as fallback files name it), remote, commit (was checked
  // out in the project), first_commit, asked (when git was asked for the history of a place), apart
  // (a row that a person keeps apart from this one), told (a row that a session was told of).
  // projects.joined_to: the row that this one is a part of. Nothing is moved when projects are
  // joined, so that they can be parted again as they were. own_name: its name when it was alone.
  static let projectMarks = """
    CREATE TABLE project_marks (
      kind TEXT NOT NULL,
      value TEXT NOT NULL,
      project_id INTEGER NOT NULL REFERENCES projects(id),
      seen_at INTEGER NOT NULL,
      PRIMARY KEY (kind, value, project_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX project_marks_project ON project_marks(project_id, kind);
    ALTER TABLE projects ADD COLUMN joined_to INTEGER REFERENCES projects(id);
    ALTER TABLE projects ADD COLUMN join_reason TEXT;
    ALTER TABLE projects ADD COLUMN own_name TEXT;
    ALTER TABLE projects ADD COLUMN is_private INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX projects_joined ON projects(joined_to) WHERE joined_to IS NOT NULL;
    CREATE INDEX tasks_project ON tasks(project_id, status);
    """
}

/// What schema 7 and before knew of projects, in marks.
enum ProjectMigration {
  static func run(_ db: Database) throws {
    try db.execute(
      sql: """
        INSERT OR IGNORE INTO project_marks
        SELECT CASE substr(identity, 1, 1) WHEN '/' THEN 'root' ELSE 'remote' END,
          CASE substr(identity, 1, 1) WHEN '/' THEN identity ELSE lower(identity) END,
          id, last_seen_at
        FROM projects WHERE identity NOT LIKE 'name:%';
        INSERT OR IGNORE INTO project_marks
        SELECT 'root', root, id, last_seen_at FROM projects
        WHERE root IS NOT NULL AND identity NOT LIKE 'name:%';
        """)
    // Checkpoints have told where, and at which commit.
    try db.execute(
      sql: """
        CREATE TEMP TABLE seen AS
        SELECT project_id AS id, json_extract(body, '$.git.root') AS root,
          json_extract(body, '$.git.head') AS head, json_extract(body, '$.git.remote') AS remote,
          updated_at AS at
        FROM checkpoints WHERE project_id IS NOT NULL AND json_valid(body);
        INSERT OR IGNORE INTO project_marks
        SELECT 'commit', s.head, s.id, max(s.at) FROM seen s JOIN projects p ON p.id = s.id
        WHERE s.head IS NOT NULL AND (s.remote = p.identity OR s.root = p.identity)
        GROUP BY s.head, s.id;
        INSERT OR IGNORE INTO project_marks
        SELECT 'root', s.root, s.id, max(s.at) FROM seen s JOIN projects p ON p.id = s.id
        WHERE s.root IS NOT NULL AND (s.remote = p.identity OR s.root = p.identity)
        GROUP BY s.root, s.id;
        DROP TABLE seen;
        """)
    // One folder, one project: the one that was seen there last.
    try db.execute(
      sql: """
        DELETE FROM project_marks AS a WHERE kind = 'root' AND EXISTS (
          SELECT 1 FROM project_marks b WHERE b.kind = 'root' AND b.value = a.value
            AND (b.seen_at > a.seen_at OR (b.seen_at = a.seen_at AND b.project_id > a.project_id)))
        """)
    try refile(db)
  }

  /// What has a name only goes to the one project of that name; else it waits under the name.
  private static func refile(_ db: Database) throws {
    // The name of a session in a folder of Windows was the whole path.
    for row in try Row.fetchAll(
      db, sql: "SELECT id, name FROM projects WHERE identity LIKE '_:\\%' OR identity LIKE '_:/%'")
    {
      let name: String = row["name"]
      let last = name.split(whereSeparator: { $0 == "\\" || $0 == "/" }).last.map(String.init)
      guard let last else { continue }
      try db.execute(
        sql: "UPDATE tasks SET project = ? WHERE project_id = ? AND project = ?",
        arguments: [last, row["id"] as Int64, name])
      try db.execute(
        sql: "UPDATE projects SET name = ? WHERE id = ?", arguments: [last, row["id"] as Int64])
      for mark in try String.fetchAll(
        db, sql: "SELECT value FROM project_marks WHERE kind = 'root' AND project_id = ?",
        arguments: [row["id"] as Int64])
      {
        try db.execute(
          sql: """
            UPDATE OR IGNORE project_marks SET value = ?
            WHERE kind = 'root' AND value = ? AND project_id = ?
            """, arguments: [WindowsPath.normalised(mark) ?? mark, mark, row["id"] as Int64])
      }
    }
    let rows = try Row.fetchAll(
      db, sql: "SELECT id, name FROM projects WHERE identity LIKE 'name:%'")
    for row in rows {
      let owners = try MemoryDatabase.projects(named: row["name"], db)
      guard owners.count == 1 else { continue }
      try db.execute(
        sql: "UPDATE projects SET joined_to = ?, join_reason = 'name' WHERE id = ?",
        arguments: [owners[0], row["id"] as Int64])
    }
    // Of two projects with one name, a task that came from a vault went to the one seen last; and a
    // vault may have given a task another name since.
    let strays = try Row.fetchAll(
      db,
      sql: """
        SELECT t.id, t.project FROM tasks t LEFT JOIN projects p ON p.id = t.project_id
        WHERE p.id IS NULL OR p.name <> t.project OR (t.vault_id = t.id AND t.session_id IS NULL)
        """)
    for stray in strays {
      let id = try MemoryDatabase.file(under: stray["project"], at: 0, db)
      try db.execute(
        sql: "UPDATE tasks SET project_id = ? WHERE id = ? AND project_id IS NOT ?",
        arguments: [id, stray["id"] as String, id])
    }
  }
}
