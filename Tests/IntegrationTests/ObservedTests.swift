import Foundation
import TestSupport
import Testing

/// Decisions that sessions made and fixes that they found, as entries of their own.
@Suite(.blocking) struct ObservedTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  private func session() throws {
    try place.append(
      Line.request("choose where the orders are kept, and make the tests pass")
        + Line.reply(
          """
          Where shall the orders be kept?

          A: PostgreSQL, as the server has it already
          B: SQLite — one file, no service

          I recommend A because the backups exist. Which one?
          """)
        + Line.request("B, but keep it out of the repository")
        + Line.call("Bash", ["command": "make check"], id: "1")
        + Line.result(id: "1", "orders.c:41:9: error: 'depth' undeclared", isError: true)
        + Line.reply("The variable is declared in another block, so I move it up.")
        + Line.call(
          "Edit",
          [
            "file_path": "/x/orders.c", "old_string": "int depth;",
            "new_string": "static int depth = 0;",
          ],
          id: "2") + Line.result(id: "2", "done")
        + Line.call("Bash", ["command": "make check"], id: "3")
        + Line.result(id: "3", "42 tests passed"))
    try place.run("checkpoint", input: place.hook("PreCompact"))
  }

  @Test func decision_isObserved_andBecomesOneOfRecord() throws {
    try session()
    let observed = try place.run("decision", "list", "--observed", "--json").items()
    let decision = try #require(observed.first)
    #expect(observed.count == 1 && decision["actor"] as? String == "person")
    let body = try #require(decision["body"] as? String)
    #expect(body.contains("SQLite") && body.contains("keep it out of the repository"))
    #expect(body.contains("Not: A: PostgreSQL"))
    #expect(try place.run("decision", "list", "--json").items().isEmpty)
    let id = try #require(decision["id"] as? String)
    try place.run("decide", "--from", id)
    let recorded = try #require(try place.run("decision", "list", "--json").items().first)
    #expect((recorded["decision"] as? String)?.contains("SQLite") == true)
    #expect((recorded["rationale"] as? String)?.contains("out of the repository") == true)
    #expect(try place.run("decide", "--from", "01ARZ3NDEKTSV4RRFFQ69G5FAV").status == 66)
    #expect(try place.run("decide").status != 0)
  }

  @Test func observedDecision_leavesForNowhere() throws {
    try session()
    #expect(try place.sqlite("SELECT count(*) FROM decisions") == "0")
    #expect(
      try place.sqlite(
        "SELECT count(*) FROM outbox WHERE payload LIKE '%SQLite%' AND action = 'decide'")
        == "0")
  }

  @Test func fix_isFoundByItsError() throws {
    try session()
    let found = try place.run("fix", "src/orders.c:77:2: error: 'depth' undeclared here")
    #expect(found.output.contains("Passed after") && found.output.contains("static int depth"))
    let piped = try place.run(
      "fix", "--json", input: "make: *** [check] Error 1\n'depth' undeclared")
    #expect(try piped.items().count == 1)
    #expect(try place.run("fix", "segmentation fault in zlib").output.contains("No fix"))
    #expect(
      try place.run("search", "why is it SQLite", "--json").items().contains {
        $0["kind"] as? String == "observed-decision"
      })
  }

  /// What other rules made out goes when the transcript is read by the present ones.
  @Test func entriesOfOtherRules_areMadeAnew() throws {
    try session()
    _ = try place.sqlite(
      """
      UPDATE entries SET source_id = replace(source_id, 'derived:', 'derived:9'), body = 'stale'
      WHERE kind IN ('observed-decision', 'fix');
      UPDATE transcripts SET digest = json_set(digest, '$.edition', 1);
      """)
    try place.run("ingest", place.transcript)
    let kinds = try place.sqlite(
      "SELECT group_concat(kind) FROM (SELECT kind FROM entries WHERE kind IN "
        + "('observed-decision', 'fix') ORDER BY kind)")
    #expect(kinds == "fix,observed-decision")
    #expect(try place.sqlite("SELECT count(*) FROM entries WHERE body = 'stale'") == "0")
  }
}
