import GRDB

/// One forward step of the schema. A step is never edited once it has shipped.
package struct SchemaStep: Sendable {
  /// The schema number that stands after the step.
  let number: Int
  let sql: String
  /// What SQL cannot do, in the same transaction.
  var then: (@Sendable (Database) throws -> Void)?
}

enum Schema {
  /// Written into the file's header, so that a stranger's database is not taken for a store.
  static let applicationID = 0x6D65_6D64  // "memd"

  /// That this build writes.
  static var current: Int { steps.last?.number ?? 0 }

  static let steps = [
    SchemaStep(number: 1, sql: one), SchemaStep(number: 2, sql: two),
    SchemaStep(number: 3, sql: three), SchemaStep(number: 4, sql: four),
    SchemaStep(number: 5, sql: five), SchemaStep(number: 6, sql: six, then: SearchParts.fill),
    SchemaStep(number: 7, sql: seven),
    SchemaStep(number: 8, sql: projectMarks, then: ProjectMigration.run),
    // 9: words in one form, however they were written (SearchForm); what step 14 does again.
    SchemaStep(number: 9, sql: ""),
    SchemaStep(number: 10, sql: ten), SchemaStep(number: 11, sql: eleven),
    SchemaStep(number: 12, sql: vaults, then: VaultMigration.run),
    SchemaStep(number: 13, sql: thirteen),
    // 14: signs are words, words beside new emoji are found, and what is not seen parts no word.
    SchemaStep(number: 14, sql: "", then: MemoryDatabase.beginRenewal),
  ]

  // 1: everything that a session needs to survive its compaction.
  //
  // `entries` is the one searchable table. Transcript text is stored there; tasks, decisions and
  // checkpoints are mirrored into it by triggers, so no write path can forget them, and the
  // full-text index follows `entries` by triggers of its own (external content: text stands once).
  // Times are Unix milliseconds. Ids are ULIDs, but for sessions, which keep their agent's id.
  private static let one = """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

    CREATE TABLE projects (
      id INTEGER PRIMARY KEY,
      identity TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      root TEXT,
      last_seen_at INTEGER NOT NULL
    ) STRICT;
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
    ) STRICT;
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
      created_at INTEGER NOT NULL,
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
    ) STRICT;
    CREATE UNIQUE INDEX entries_source ON entries(origin, source_id) WHERE source_id IS NOT NULL;
    CREATE INDEX entries_session ON entries(session_id, position);

    CREATE VIRTUAL TABLE entries_fts USING fts5(
      title, body, content='entries', content_rowid='number', tokenize='porter unicode61');
    CREATE TRIGGER entries_after_insert AFTER INSERT ON entries BEGIN
      INSERT INTO entries_fts(rowid, title, body) VALUES (new.number, new.title, new.body);
    END;
    CREATE TRIGGER entries_after_delete AFTER DELETE ON entries BEGIN
      INSERT INTO entries_fts(entries_fts, rowid, title, body)
      VALUES ('delete', old.number, old.title, old.body);
    END;
    CREATE TRIGGER entries_after_update AFTER UPDATE OF title, body ON entries BEGIN
      INSERT INTO entries_fts(entries_fts, rowid, title, body)
      VALUES ('delete', old.number, old.title, old.body);
      INSERT INTO entries_fts(rowid, title, body) VALUES (new.number, new.title, new.body);
    END;

    CREATE TRIGGER checkpoints_after_insert AFTER INSERT ON checkpoints BEGIN
      INSERT INTO entries(id, kind, project_id, session_id, origin, title, body, created_at)
      VALUES (new.id, 'checkpoint', new.project_id, new.session_id, 'memoryd',
              new.objective, new.search_text, new.created_at);
    END;
    CREATE TRIGGER checkpoints_after_update AFTER UPDATE ON checkpoints BEGIN
      UPDATE entries SET title = new.objective, body = new.search_text WHERE id = new.id;
    END;
    CREATE TRIGGER tasks_after_insert AFTER INSERT ON tasks BEGIN
      INSERT INTO entries(id, kind, project_id, session_id, origin, title, body, created_at)
      VALUES (new.id, 'task', new.project_id, new.session_id, 'memoryd',
              new.title, coalesce(new.context, ''), new.created_at);
    END;
    CREATE TRIGGER tasks_after_update AFTER UPDATE ON tasks BEGIN
      UPDATE entries SET title = new.title, body = coalesce(new.context, ''),
        project_id = new.project_id WHERE id = new.id;
    END;
    CREATE TRIGGER decisions_after_insert AFTER INSERT ON decisions BEGIN
      INSERT INTO entries(id, kind, project_id, session_id, origin, title, body, created_at)
      VALUES (new.id, 'decision', new.project_id, new.session_id, 'memoryd',
              new.decision, new.rationale, new.created_at);
    END;

    -- Every write, by the id of the request that asked for it: a request that is carried out a
    -- second time finds its first result here.
    CREATE TABLE requests (
      id TEXT PRIMARY KEY,
      kind TEXT NOT NULL,
      item_id TEXT NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- Writes that a vault would want, in the order in which they were made.
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
    ) STRICT;
    CREATE INDEX outbox_state ON outbox(state, number);

    CREATE TABLE hook_runs (
      number INTEGER PRIMARY KEY,
      event TEXT NOT NULL,
      session_id TEXT,
      outcome TEXT NOT NULL,
      microseconds INTEGER NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT;
    """

  // 2: the vault. An item knows its id there, an outbox row how far it has come.
  //
  // outbox.state: queued (not sent, or proven not applied), sent (the answer is not known),
  // synced, uncertain (nothing can prove it), quarantined (the vault will never take it), dropped.
  // outbox.look_after: before a row that may have been applied is sent again, a complete read that
  // begins after this time must lack its marker. outbox.fence: a checkpoint that the vault had
  // before the row was sent. outbox.mirrored: 1 in the fallback files, 2 its receipt too.
  // tasks.vault_base: the fields on which store and vault last agreed, for a three-way merge.
  private static let two = """
    ALTER TABLE tasks ADD COLUMN vault_id TEXT;
    ALTER TABLE tasks ADD COLUMN vault_base TEXT;
    ALTER TABLE tasks ADD COLUMN vault_at INTEGER;
    CREATE UNIQUE INDEX tasks_vault ON tasks(vault_id) WHERE vault_id IS NOT NULL;
    ALTER TABLE decisions ADD COLUMN vault_id TEXT;
    ALTER TABLE checkpoints ADD COLUMN vault_id TEXT;
    CREATE UNIQUE INDEX checkpoints_vault ON checkpoints(vault_id) WHERE vault_id IS NOT NULL;

    ALTER TABLE outbox ADD COLUMN request_id TEXT;
    ALTER TABLE outbox ADD COLUMN marker TEXT;
    ALTER TABLE outbox ADD COLUMN must_look INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE outbox ADD COLUMN look_after INTEGER;
    ALTER TABLE outbox ADD COLUMN not_before INTEGER;
    ALTER TABLE outbox ADD COLUMN sent_at INTEGER;
    ALTER TABLE outbox ADD COLUMN fence TEXT;
    ALTER TABLE outbox ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE outbox ADD COLUMN vault_id TEXT;
    ALTER TABLE outbox ADD COLUMN synced_at INTEGER;
    ALTER TABLE outbox ADD COLUMN mirrored INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX outbox_item ON outbox(item_id);
    CREATE INDEX outbox_request ON outbox(request_id);
    CREATE INDEX outbox_mirrored ON outbox(mirrored, state);
    UPDATE outbox SET marker = item_id WHERE action IN ('add', 'retro', 'decide', 'save');

    ALTER TABLE sessions ADD COLUMN told_transition INTEGER NOT NULL DEFAULT 0;

    DROP TRIGGER tasks_after_update;
    CREATE TRIGGER tasks_after_update AFTER UPDATE OF title, context, project_id ON tasks BEGIN
      UPDATE entries SET title = new.title, body = coalesce(new.context, ''),
        project_id = new.project_id WHERE id = new.id;
    END;
    CREATE TRIGGER tasks_after_delete AFTER DELETE ON tasks BEGIN
      DELETE FROM entries WHERE id = old.id;
    END;
    DROP TRIGGER checkpoints_after_update;
    CREATE TRIGGER checkpoints_after_update
    AFTER UPDATE OF objective, search_text ON checkpoints BEGIN
      UPDATE entries SET title = new.objective, body = new.search_text WHERE id = new.id;
    END;
    """

  // 3: handoffs, messages between sessions, and the completion ledger.
  //
  // handoffs.trigger: manual, message, pre-compact (kept with its checkpoint), received (a file that
  // somebody wrote). body is the document. recipient is set for a message, which one reader takes;
  // source_key tells the files apart that messages were taken from.
  // The ledger keeps the order of a document: phases by number, their groups by number, items by id.
  // imported: what the file said of the item when it was imported last, so that importing it again
  // undoes nothing that happened since. ledgers.file: a hash of the document that was read or written
  // last; another one has changes that are not here yet.
  private static let three = """
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
    """

  // 4: search in bounded time.
  //
  // parts: what the tokenizer does not cut (SearchParts). scope: what a search is narrowed by, as
  // words of the index, so that a narrowed search reads no more of it than another one: `p12` the
  // project, `kdecision` the kind, `m202611` the month, `s…` the session. A join instead would visit
  // every entry that has a word: 750 ms for a common one among 1,000,000.
  // The index has four columns now, which FTS5 cannot be given later: it is made anew.
  // uses: what was looked at after it was found.
  private static let four = """
    ALTER TABLE entries ADD COLUMN parts TEXT NOT NULL DEFAULT '';
    ALTER TABLE entries ADD COLUMN uses INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE entries ADD COLUMN scope TEXT GENERATED ALWAYS AS (
      'p' || ifnull(project_id, 0) || ' k' || kind || ' m'
      || strftime('%Y%m', created_at / 1000, 'unixepoch') || ifnull(' s' || session_id, '')) VIRTUAL;
    DROP TRIGGER entries_after_insert;
    DROP TRIGGER entries_after_delete;
    DROP TRIGGER entries_after_update;
    DROP TABLE entries_fts;
    CREATE VIRTUAL TABLE entries_fts USING fts5(
      title, body, parts, scope, content='entries', content_rowid='number',
      tokenize='porter unicode61');
    INSERT INTO entries_fts(entries_fts) VALUES ('rebuild');
    CREATE TRIGGER entries_after_insert AFTER INSERT ON entries BEGIN
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
    """

  // 5: Codex counts the tokens of its reasoning, as a part of its output.
  private static let five = """
    ALTER TABLE usage ADD COLUMN reasoning INTEGER NOT NULL DEFAULT 0;
    """

  // 6: many entries at once go into the index together (DeferredIndex); `scope` has year and day too,
  // and a time that no calendar has leaves the rest of it whole.
  private static let six = """
    DROP TRIGGER entries_after_insert;
    DROP TRIGGER entries_after_delete;
    DROP TRIGGER entries_after_update;
    ALTER TABLE entries DROP COLUMN scope;
    ALTER TABLE entries ADD COLUMN scope TEXT GENERATED ALWAYS AS (
      'p' || ifnull(project_id, 0) || ' k' || kind
      || ifnull(strftime(' y%Y m%Y%m d%Y%m%d', created_at / 1000, 'unixepoch'), '')
      || ifnull(' s' || session_id, '')) VIRTUAL;
    INSERT INTO entries_fts(entries_fts) VALUES ('rebuild');
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
    """

  // 7: a write that fails is tried for a day, not a number of times.
  //
  // outbox.failing_since: when its first attempt failed, by an error or a lost answer; null without one.
  private static let seven = """
    ALTER TABLE outbox ADD COLUMN failing_since INTEGER;
    UPDATE outbox SET failing_since = sent_at WHERE refusals > 0 AND state IN ('queued', 'sent');
    """

  // 10: what a rewind took back is marked, and a fork has its parent's history.
  //
  // entry_copies: an entry that another session's transcript holds too, with its line there. The
  // entry itself belongs to the session that was read first.
  private static let ten = """
    ALTER TABLE entries ADD COLUMN is_abandoned INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE entry_copies (
      session_id TEXT NOT NULL,
      entry INTEGER NOT NULL REFERENCES entries(number) ON DELETE CASCADE,
      position INTEGER NOT NULL,
      is_abandoned INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (session_id, entry)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX entry_copies_entry ON entry_copies(entry);
    """

  // 11: lines of recovery documents that a person called false; they are left out from then on.
  private static let eleven = """
    CREATE TABLE struck_lines (
      id TEXT PRIMARY KEY,
      section TEXT NOT NULL,
      line TEXT NOT NULL,
      session_id TEXT,
      struck_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """

  // 13: a line that was struck is known by what it says of, in whatever document it stands.
  private static let thirteen = """
    ALTER TABLE struck_lines ADD COLUMN subject TEXT;
    """
}
