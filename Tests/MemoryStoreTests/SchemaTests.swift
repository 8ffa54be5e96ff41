import Foundation
import GRDB
import TestSupport
import Testing

@testable import MemoryStore

@Suite(.blocking) struct SchemaTests {
  /// Every statement of a schema as SQLite keeps it, with the pragmas and the rows that steps write.
  private static func contents(_ db: Database) throws -> [String] {
    let schema = try String.fetchAll(
      db,
      sql:
        "SELECT type || ' ' || name || ' on ' || tbl_name || ': ' || coalesce(sql, '') FROM sqlite_schema"
    )
    let meta = try String.fetchAll(db, sql: "SELECT key || '=' || value FROM meta")
    let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
    let application = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
    return (schema + meta).sorted() + ["version \(version)", "application \(application)"]
  }

  @Test func aStoreThatIsMadeAtOnceIsTheOneThatGrewStepByStep() throws {
    let grown = try DatabaseQueue()
    try MemoryDatabase.migrate(grown, steps: Array(Schema.steps.prefix(1)))
    try MemoryDatabase.migrate(grown, steps: Schema.steps)
    let whole = try DatabaseQueue()
    try MemoryDatabase.migrate(whole, steps: Schema.steps)
    let steps = try grown.read(Self.contents)
    let atOnce = try whole.read(Self.contents)
    #expect(Set(steps).subtracting(atOnce).sorted() == [])
    #expect(Set(atOnce).subtracting(steps).sorted() == [])
    #expect(steps.last == atOnce.last && steps.count == atOnce.count)
  }
}
