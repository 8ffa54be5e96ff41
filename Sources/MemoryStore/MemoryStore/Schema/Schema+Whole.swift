extension Schema {
  /// What all steps together make of an empty file, as SQLite keeps it: a new store is made in a tenth
  /// of the time that the steps take, one of which makes the whole index anew. That both are the same
  /// is tested, and the test prints what is missing after a new step.
  package static let whole = """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE projects (
      id INTEGER PRIMARY KEY,
      identity TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      root TEXT,
      last_seen_at INTEGER NOT NULL
    , joined_to INTEGER REFERENCES projects(id), join_reason TEXT, own_name TEXT, is_private INTEGER NOT NULL DEFAULT 0) STRICT;
    CREATE INDEX projects_name ON projects(name, last_seen_at);
    CREATE TABLE sessions (
      id TEXT PRIMARY KEY,
      agent TEXT NOT NULL,
      project_id INTEGER REFERENCES projects(id),
      cwd TEXT,
      branch TEXT,
      transcript_path TEXT,
      source TEXT,
      started_at INTEGER NOT NULL,
      last_seen_at INTEGER NOT NULL,
      ended_at INTEGER,
      end_reason TEXT
    , told_transition INTEGER NOT NULL DEFAULT 0) STRICT;
    CREATE INDEX sessions_project ON sessions(project_id, last_seen_at);
    CREATE TABLE transcripts (
      id INTEGER PRIMARY KEY,
      path TEXT NOT NULL UNIQUE,
      session_id TEXT NOT NULL REFERENCES sessions(id),
      device INTEGER NOT NULL,
      inode INTEGER NOT NULL,
      offset INTEGER NOT NULL,
      lines INTEGER NOT NULL,
      tail BLOB NOT NULL,
      read_at INTEGER NOT NULL,
      digest TEXT NOT NULL
    ) STRICT;
    CREATE INDEX transcripts_session ON transcripts(session_id, read_at);
    CREATE TABLE usage (
      transcript_id INTEGER NOT NULL REFERENCES transcripts(id),
      message_id TEXT NOT NULL,
      request_id TEXT NOT NULL,
      model TEXT NOT NULL,
      input INTEGER NOT NULL,
      output INTEGER NOT NULL,
      cache_write_5m INTEGER NOT NULL,
      cache_write_1h INTEGER NOT NULL,
      cache_read INTEGER NOT NULL,
      created_at INTEGER NOT NULL, reasoning INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (transcript_id, message_id, request_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE checkpoints (
      id TEXT PRIMARY KEY,
      session_id TEXT REFERENCES sessions(id),
      project_id INTEGER REFERENCES projects(id),
      trigger TEXT NOT NULL,
      objective TEXT NOT NULL,
      search_text TEXT NOT NULL,
      body TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX checkpoints_session ON checkpoints(session_id, id);
    CREATE INDEX checkpoints_project ON checkpoints(project_id, id);
    CREATE TABLE tasks (
      id TEXT PRIMARY KEY,
      title TEXT NOT NULL,
      project TEXT NOT NULL,
      project_id INTEGER REFERENCES projects(id),
      session_id TEXT REFERENCES sessions(id),
      status TEXT NOT NULL CHECK (status IN ('open', 'done')),
      source TEXT NOT NULL,
      context TEXT,
      occurred_at TEXT,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      completed_at INTEGER
    ) STRICT;
    CREATE INDEX tasks_status ON tasks(status, project, id);
    CREATE TABLE decisions (
      id TEXT PRIMARY KEY,
      decision TEXT NOT NULL,
      rationale TEXT NOT NULL,
      task_id TEXT,
      project_id INTEGER REFERENCES projects(id),
      session_id TEXT REFERENCES sessions(id),
      created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX decisions_project ON decisions(project_id, id);
    CREATE INDEX decisions_session ON decisions(session_id, id);
    CREATE TABLE entries (
      number INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      kind TEXT NOT NULL,
      project_id INTEGER REFERENCES projects(id),
      session_id TEXT,
      origin TEXT NOT NULL,
      source_id TEXT,
      actor TEXT,
      position INTEGER,
      title TEXT NOT NULL,
      body TEXT NOT NULL,
      created_at INTEGER NOT NULL
    , parts TEXT NOT NULL DEFAULT '', uses INTEGER NOT NULL DEFAULT 0, scope TEXT GENERATED ALWAYS AS (
      'p' || ifnull(project_id, 0) || ' k' || kind
      || ifnull(strftime(' y%Y m%Y%m d%Y%m%d', created_at / 1000, 'unixepoch'), '')
      || ifnull(' s' || session_id, '')) VIRTUAL, is_abandoned INTEGER NOT NULL DEFAULT 0) STRICT;
    CREATE UNIQUE INDEX entries_source ON entries(origin, source_id) WHERE source_id IS NOT NULL;
    CREATE INDEX entries_session ON entries(session_id, position);
    CREATE TRIGGER checkpoints_after_insert AFTER INSERT ON checkpoints BEGIN
      INSERT INTO entries(id, kind, project_id, session_id, origin, title, body, created_at)
      VALUES (new.id, 'checkpoint', new.project_id, new.session_id, 'memoryd',
              new.objective, new.search_text, new.created_at);
    END;
    CREATE TRIGGER tasks_after_insert AFTER INSERT ON tasks BEGIN
      INSERT INTO entries(id, kind, project_id, session_id, origin, title, body, created_at)
      VALUES (new.id, 'task', new.project_id, new.session_id, 'memoryd',
              new.title, coalesce(new.context, ''), new.created_at);
    END;
    CREATE TRIGGER decisions_after_insert AFTER INSERT ON decisions BEGIN
      INSERT INTO entries(id, kind, project_id, session_id, origin, title, body, created_at)
      VALUES (new.id, 'decision', new.project_id, new.session_id, 'memoryd',
              new.decision, new.rationale, new.created_at);
    END;
    CREATE TABLE requests (
      id TEXT PRIMARY KEY,
      kind TEXT NOT NULL,
      item_id TEXT NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE outbox (
      number INTEGER PRIMARY KEY,
      kind TEXT NOT NULL,
      action TEXT NOT NULL,
      item_id TEXT NOT NULL,
      payload TEXT NOT NULL,
      state TEXT NOT NULL DEFAULT 'queued',
      attempts INTEGER NOT NULL DEFAULT 0,
      last_error TEXT,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL
    , request_id TEXT, marker TEXT, must_look INTEGER NOT NULL DEFAULT 0, look_after INTEGER, not_before INTEGER, sent_at INTEGER, fence TEXT, refusals INTEGER NOT NULL DEFAULT 0, vault_id TEXT, synced_at INTEGER, mirrored INTEGER NOT NULL DEFAULT 0, failing_since INTEGER, vault TEXT) STRICT;
    CREATE INDEX outbox_state ON outbox(state, number);
    CREATE TABLE hook_runs (
      number INTEGER PRIMARY KEY,
      event TEXT NOT NULL,
      session_id TEXT,
      outcome TEXT NOT NULL,
      microseconds INTEGER NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX outbox_item ON outbox(item_id);
    CREATE INDEX outbox_request ON outbox(request_id);
    CREATE INDEX outbox_mirrored ON outbox(mirrored, state);
    CREATE TRIGGER tasks_after_update AFTER UPDATE OF title, context, project_id ON tasks BEGIN
      UPDATE entries SET title = new.title, body = coalesce(new.context, ''),
        project_id = new.project_id WHERE id = new.id;
    END;
    CREATE TRIGGER tasks_after_delete AFTER DELETE ON tasks BEGIN
      DELETE FROM entries WHERE id = old.id;
    END;
    CREATE TRIGGER checkpoints_after_update
    AFTER UPDATE OF objective, search_text ON checkpoints BEGIN
      UPDATE entries SET title = new.objective, body = new.search_text WHERE id = new.id;
    END;
    CREATE TABLE handoffs (
      id TEXT PRIMARY KEY,
      project_id INTEGER REFERENCES projects(id),
      session_id TEXT REFERENCES sessions(id),
      trigger TEXT NOT NULL,
      objective TEXT NOT NULL,
      sender TEXT,
      recipient TEXT,
      topic TEXT,
      path TEXT,
      body TEXT NOT NULL,
      checkpoint_id TEXT,
      source_key TEXT UNIQUE,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      taken_at INTEGER,
      taken_by TEXT
    ) STRICT;
    CREATE INDEX handoffs_project ON handoffs(project_id, id);
    CREATE INDEX handoffs_session ON handoffs(session_id, id);
    CREATE INDEX handoffs_unread ON handoffs(project_id, id)
      WHERE recipient IS NOT NULL AND taken_at IS NULL;
    CREATE INDEX handoffs_checkpoint ON handoffs(checkpoint_id) WHERE checkpoint_id IS NOT NULL;
    CREATE TRIGGER handoffs_after_insert AFTER INSERT ON handoffs BEGIN
      INSERT INTO entries(id, kind, project_id, session_id, origin, title, body, created_at)
      VALUES (new.id, 'handoff', new.project_id, new.session_id, 'memoryd',
              new.objective, new.body, new.created_at);
    END;
    CREATE TRIGGER handoffs_after_update AFTER UPDATE OF objective, body ON handoffs BEGIN
      UPDATE entries SET title = new.objective, body = new.body WHERE id = new.id;
    END;
    CREATE TABLE ledgers (
      project_id INTEGER PRIMARY KEY REFERENCES projects(id),
      title TEXT NOT NULL,
      file TEXT
    ) STRICT;
    CREATE TABLE ledger_phases (
      number INTEGER PRIMARY KEY,
      project_id INTEGER NOT NULL REFERENCES projects(id),
      name TEXT NOT NULL,
      is_done INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX ledger_phases_project ON ledger_phases(project_id, number);
    CREATE TABLE ledger_groups (
      number INTEGER PRIMARY KEY,
      phase INTEGER NOT NULL REFERENCES ledger_phases(number),
      name TEXT,
      is_list INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX ledger_groups_phase ON ledger_groups(phase, number);
    CREATE TABLE ledger_items (
      id TEXT PRIMARY KEY,
      group_number INTEGER NOT NULL REFERENCES ledger_groups(number),
      project_id INTEGER NOT NULL REFERENCES projects(id),
      session_id TEXT REFERENCES sessions(id),
      item TEXT NOT NULL,
      status TEXT,
      remark TEXT,
      detail TEXT,
      date TEXT,
      source TEXT NOT NULL,
      imported TEXT,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX ledger_items_group ON ledger_items(group_number, id);
    CREATE TRIGGER ledger_items_after_insert AFTER INSERT ON ledger_items BEGIN
      INSERT INTO entries(id, kind, project_id, session_id, origin, title, body, created_at)
      VALUES (new.id, 'ledger', new.project_id, new.session_id, 'memoryd', new.item,
              trim(coalesce(new.status, '') || ' ' || coalesce(new.remark, '') || ' '
                || coalesce(new.detail, '') || ' ' || coalesce(new.date, '')),
              new.created_at);
    END;
    CREATE TRIGGER ledger_items_after_update
    AFTER UPDATE OF status, remark, detail, date ON ledger_items BEGIN
      UPDATE entries SET
        body = trim(coalesce(new.status, '') || ' ' || coalesce(new.remark, '') || ' '
                || coalesce(new.detail, '') || ' ' || coalesce(new.date, ''))
      WHERE id = new.id;
    END;
    CREATE TRIGGER entries_after_insert AFTER INSERT ON entries
    WHEN NOT EXISTS (SELECT 1 FROM meta WHERE key = 'index_is_deferred') BEGIN
      INSERT INTO entries_fts(rowid, title, body, parts, scope)
      VALUES (new.number, new.title, new.body, new.parts, new.scope);
    END;
    CREATE TRIGGER entries_after_delete AFTER DELETE ON entries BEGIN
      INSERT INTO entries_fts(entries_fts, rowid, title, body, parts, scope)
      VALUES ('delete', old.number, old.title, old.body, old.parts, old.scope);
    END;
    CREATE TRIGGER entries_after_update
    AFTER UPDATE OF title, body, parts, project_id, kind, created_at, session_id ON entries BEGIN
      INSERT INTO entries_fts(entries_fts, rowid, title, body, parts, scope)
      VALUES ('delete', old.number, old.title, old.body, old.parts, old.scope);
      INSERT INTO entries_fts(rowid, title, body, parts, scope)
      VALUES (new.number, new.title, new.body, new.parts, new.scope);
    END;
    CREATE TABLE project_marks (
      kind TEXT NOT NULL,
      value TEXT NOT NULL,
      project_id INTEGER NOT NULL REFERENCES projects(id),
      seen_at INTEGER NOT NULL,
      PRIMARY KEY (kind, value, project_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX project_marks_project ON project_marks(project_id, kind);
    CREATE INDEX projects_joined ON projects(joined_to) WHERE joined_to IS NOT NULL;
    CREATE INDEX tasks_project ON tasks(project_id, status);
    CREATE TABLE entry_copies (
      session_id TEXT NOT NULL,
      entry INTEGER NOT NULL REFERENCES entries(number) ON DELETE CASCADE,
      position INTEGER NOT NULL,
      is_abandoned INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (session_id, entry)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX entry_copies_entry ON entry_copies(entry);
    CREATE TABLE struck_lines (
      id TEXT PRIMARY KEY,
      section TEXT NOT NULL,
      line TEXT NOT NULL,
      session_id TEXT,
      struck_at INTEGER NOT NULL
    , subject TEXT) STRICT, WITHOUT ROWID;
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
    CREATE INDEX outbox_vault ON outbox(vault, state, number);
    CREATE VIRTUAL TABLE entries_fts USING fts5(
      title, body, parts, scope, content='entries', content_rowid='number',
      tokenize='porter unicode61 remove_diacritics 2');
    """

  /// True for all steps of this build.
  package static func isWhole(_ steps: [SchemaStep]) -> Bool {
    steps.map(\.number) == Self.steps.map(\.number)
  }
}
