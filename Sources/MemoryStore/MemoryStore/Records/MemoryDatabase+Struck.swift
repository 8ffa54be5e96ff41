public import Core
import GRDB
import Redaction

/// A line of recovery documents that a person called false.
public struct StruckLine: Sendable, Equatable {
  /// The line's name.
  public var id: String
  public var section: String
  public var line: String
  /// What the line says of, whole: by it the line is known wherever it is stated.
  public var subject: String
  public var sessionID: SessionID?
  /// Unix ms.
  public var struckAt: Int64

  public init(
    id: String, section: String, line: String, subject: String, sessionID: SessionID?,
    struckAt: Int64
  ) {
    self.id = id
    self.section = section
    self.line = line
    self.subject = subject
    self.sessionID = sessionID
    self.struckAt = struckAt
  }
}

extension MemoryDatabase {
  /// - Returns: The newest first.
  public func struckLines() throws(StoreError) -> [StruckLine] {
    try read { db in
      try Row.fetchAll(db, cached: "SELECT * FROM struck_lines ORDER BY struck_at DESC, id").map {
        StruckLine(
          id: $0["id"], section: $0["section"], line: $0["line"],
          subject: $0["subject"] ?? $0["line"], sessionID: $0["session_id"],
          struckAt: $0["struck_at"])
      }
    }
  }

  /// - Returns: False if it was struck before.
  public func strike(_ line: StruckLine) throws(StoreError) -> Bool {
    try write { db in
      try db.execute(
        cached: """
          INSERT INTO struck_lines (id, section, line, subject, session_id, struck_at)
          VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
          """,
        arguments: [
          line.id, line.section, self.redactor.redact(line.line),
          self.redactor.redact(line.subject), line.sessionID, line.struckAt,
        ])
      return db.changesCount == 1
    }
  }

  /// Takes it back.
  ///
  /// - Returns: False if it was not struck.
  public func restoreLine(_ id: String) throws(StoreError) -> Bool {
    try write { db in
      try Self.dropping(db) {
        try db.execute(cached: "DELETE FROM struck_lines WHERE id = ?", arguments: [id])
        return db.changesCount == 1
      }
    }
  }
}
