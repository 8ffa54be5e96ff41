import GRDB

extension Schema {
  // 12: what goes to a vault, and to which one.
  //
  // vaults: every one that was ever configured; its id is a hash of its address.
  // vault_items: what an item is in a vault. base: the task's fields on which store and vault last
  // agreed, for a three-way merge. written_at: the last write of ours that the vault acknowledged.
  // vault_projects: a person's say about a project and a vault, or about all of them (vault ''):
  // is_shared 1 or 0, null without one. told_at: when a session was told of what waits.
  // outbox.vault: the one that the row is for; null for one that is held here.
  // meta: what is known of a vault stands under a key that ends in a colon and the vault's id.
  package static let vaults = """
    CREATE TABLE vaults (
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL,
      known_since INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE vault_items (
      vault TEXT NOT NULL,
      kind TEXT NOT NULL,
      vault_id TEXT NOT NULL,
      item_id TEXT NOT NULL,
      base TEXT,
      written_at INTEGER,
      PRIMARY KEY (vault, kind, vault_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX vault_items_item ON vault_items(item_id, vault);
    CREATE TABLE vault_projects (
      vault TEXT NOT NULL,
      project_id INTEGER NOT NULL REFERENCES projects(id),
      is_shared INTEGER,
      told_at INTEGER,
      PRIMARY KEY (vault, project_id)
    ) STRICT, WITHOUT ROWID;
    ALTER TABLE outbox ADD COLUMN vault TEXT;
    CREATE INDEX outbox_vault ON outbox(vault, state, number);
    """
}

/// What schema 11 and before knew of the one vault there was.
enum VaultMigration {
  static func run(_ db: Database) throws {
    let firstContact = try Int64.fetchOne(
      db,
      sql: """
        SELECT coalesce((SELECT min(sent_at) FROM outbox),
          (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'pulled_at'))
        """)
    let hash = try String.fetchOne(
      db,
      sql: """
        SELECT json_extract(value, '$.vault') FROM meta
        WHERE key = 'vault_health' AND json_valid(value)
        """)
    if firstContact != nil || hash != nil {
      let vault = MemoryDatabase.formerPrefix + (hash ?? "")
      try db.execute(
        sql: "INSERT INTO vaults (id, name, known_since) VALUES (?, 'the vault of before', ?)",
        arguments: [vault, firstContact ?? 0])
      for (table, kind) in [("tasks", "task"), ("checkpoints", "checkpoint")] {
        let own = table == "tasks" ? "vault_base, vault_at" : "NULL, NULL"
        try db.execute(
          sql: """
            INSERT INTO vault_items (vault, kind, vault_id, item_id, base, written_at)
            SELECT ?, '\(kind)', vault_id, id, \(own) FROM \(table) WHERE vault_id IS NOT NULL
            """, arguments: [vault])
      }
      try db.execute(
        sql: """
          INSERT OR IGNORE INTO vault_items (vault, kind, vault_id, item_id)
          SELECT ?, 'decision', vault_id, id FROM decisions WHERE vault_id IS NOT NULL
          """, arguments: [vault])
      // What was tried or was meant for it stays; what is older than the first word with it waits.
      try db.execute(
        sql: """
          UPDATE outbox SET vault = ?
          WHERE attempts > 0 OR vault_id IS NOT NULL
            OR state IN ('sent', 'synced', 'uncertain', 'quarantined') OR created_at >= ?
          """, arguments: [vault, firstContact ?? .max])
      for key in ["vault_health", "vault_checkpoint", "pulled_at", "vault_tools", "vault_looks"] {
        try db.execute(
          sql: "UPDATE meta SET key = key || ':' || ? WHERE key = ?", arguments: [vault, key])
      }
    }
    // Since when it honours keys is seen again.
    try db.execute(sql: "DELETE FROM meta WHERE key = 'vault_keys'")
    try db.execute(sql: "UPDATE outbox SET state = 'held' WHERE vault IS NULL AND state = 'queued'")
    try db.execute(
      sql: """
        DROP INDEX tasks_vault;
        DROP INDEX checkpoints_vault;
        ALTER TABLE tasks DROP COLUMN vault_id;
        ALTER TABLE tasks DROP COLUMN vault_base;
        ALTER TABLE tasks DROP COLUMN vault_at;
        ALTER TABLE checkpoints DROP COLUMN vault_id;
        ALTER TABLE decisions DROP COLUMN vault_id;
        """)
  }
}
