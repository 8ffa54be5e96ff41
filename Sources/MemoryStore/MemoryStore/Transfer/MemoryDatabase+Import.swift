public import Core
import GRDB

/// Something to be found that comes from elsewhere, under an id of its own.
public struct ImportedEntry: Sendable, Equatable {
  public var id: String
  public var kind: EntryKind
  public var title: String
  public var text: String
  /// A project's short name, literally.
  public var project: String?
  public var session: SessionID?
  public var actor: String?
  public var position: Int64?
  /// Unix ms; nil is the time of the first import.
  public var createdAt: Int64?

  public init(
    id: String, kind: EntryKind, title: String = "", text: String, project: String? = nil,
    session: SessionID? = nil, actor: String? = nil, position: Int64? = nil, createdAt: Int64? = nil
  ) {
    self.id = id
    self.kind = kind
    self.title = title
    self.text = text
    self.project = project
    self.session = session
    self.actor = actor
    self.position = position
    self.createdAt = createdAt
  }
}

public struct ImportCounts: Sendable, Equatable {
  public var added = 0
  public var updated = 0
  /// Known already, with the same content.
  public var unchanged = 0

  public init() {}

  public static func += (a: inout ImportCounts, b: ImportCounts) {
    a.added += b.added
    a.updated += b.updated
    a.unchanged += b.unchanged
  }
}

extension MemoryDatabase {
  /// Takes entries in, in one transaction. One whose id is known is brought up to date.
  ///
  /// - Parameter next: Gives some more of them; nil is the end. If it throws, none are stored. The
  ///   store is locked for other writers until then.
  public func importEntries(
    at now: Int64, _ next: () throws(StoreError) -> [ImportedEntry]?
  ) throws(StoreError) -> ImportCounts {
    try write { db in
      var ids = try Self.generator(db)
      let insert = try BulkStatement(
        db,
        """
        INSERT INTO entries (id, kind, project_id, session_id, origin, source_id, actor, position,
          title, body, created_at, parts)
        VALUES (?1, ?2, ?3, ?4, 'import', ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        ON CONFLICT (origin, source_id) WHERE source_id IS NOT NULL DO UPDATE SET
          kind = excluded.kind, project_id = excluded.project_id,
          session_id = excluded.session_id, actor = excluded.actor,
          position = excluded.position, title = excluded.title, body = excluded.body,
          created_at = CASE ?12 WHEN 1 THEN excluded.created_at ELSE created_at END,
          parts = excluded.parts
        WHERE kind IS NOT excluded.kind OR project_id IS NOT excluded.project_id
          OR session_id IS NOT excluded.session_id OR actor IS NOT excluded.actor
          OR position IS NOT excluded.position OR title IS NOT excluded.title
          OR body IS NOT excluded.body
          OR (?12 = 1 AND created_at IS NOT excluded.created_at)
        """)
      var projects: [String: Int64] = [:]
      var counts = ImportCounts()
      var formerly: Overwriting?
      defer { formerly?.end(db) }
      try DeferredIndex.use(db) { index in
        while let entries = try next() {
          for entry in entries {
            let entry = redacted(entry)
            let isKnown = try Bool.fetchOne(
              db,
              cached: """
                SELECT EXISTS (SELECT 1 FROM entries WHERE origin = 'import' AND source_id = ?)
                """, arguments: [entry.id])
            if isKnown == true { try index.fill(db) }
            insert.bind(1, ids.next(at: now).description)
            insert.bind(2, entry.kind.rawValue)
            var project = try entry.project.map { try Self.project($0, &projects, at: now, db) }
            if isKnown == true {
              // Where a person has filed it under this name it stays.
              project =
                try Int64.fetchOne(
                  db,
                  cached: """
                    SELECT p.id FROM entries e JOIN projects p ON p.id = e.project_id
                    WHERE e.origin = 'import' AND e.source_id = ? AND p.name = ?
                    """, arguments: [entry.id, entry.project]) ?? project
            }
            insert.bind(3, project)
            insert.bind(4, entry.session)
            insert.bind(5, entry.id)
            insert.bind(6, entry.actor)
            insert.bind(7, entry.position)
            insert.bind(8, entry.title)
            insert.bind(9, entry.text)
            insert.bind(10, entry.createdAt ?? now)
            insert.bind(11, SearchParts.of(entry.title, entry.text))
            insert.bind(12, entry.createdAt == nil ? 0 : 1)
            if isKnown == true, formerly == nil { formerly = try Self.overwriteFreed(db) }
            try insert.run()
            if db.changesCount == 0 {
              counts.unchanged += 1
            } else if isKnown == true {
              counts.updated += 1
            } else {
              counts.added += 1
            }
          }
          try index.fill(db)
        }
      }
      if counts.updated > 0 { try Self.owe(db) }
      if counts.added > 0 { try Self.save(ids, db) }
      return counts
    }
  }

  /// - Parameter known: Where each name was filed by this import.
  private static func project(
    _ name: String, _ known: inout [String: Int64], at now: Int64, _ db: Database
  ) throws -> Int64 {
    if let id = known[name] { return id }
    let id = try file(under: name, at: now, db)
    known[name] = id
    return id
  }
}
