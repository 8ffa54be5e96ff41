import Foundation
import GRDB
import TestSupport
import Testing

@testable import Core
@testable import MemoryStore
@testable import Redaction

@Suite(.blocking) struct SearchPartsTests {
  @Test(arguments: [
    ("parseRetryAfter", "parse retry after"), ("HTTPServer", "http server"),
    ("utf8Text", "utf text"), ("URLSession2", "url session"), ("plain words only", ""),
    ("ALLCAPS", ""), ("Word", ""), ("fooBar and fooBaz", "foo bar baz"), ("snake_case", ""),
    ("日本語", "日本 本語 語"), ("語", "語"), ("iPhone 日本", "phone 日本 本"),
    ("修改retry逻辑 plain", "修改 改 逻辑 辑 retry"), ("Größe", "grosse"), ("", ""),
  ])
  func parts_areThoseOfIdentifiersAndIdeographs(text: String, expected: String) {
    #expect(SearchParts.of(text) == expected)
  }

  @Test func longTexts_areBounded() {
    let text = (0..<20_000).map { "someName\($0)Thing\($0)" }.joined(separator: " ")
    #expect(SearchParts.of(text).utf8.count < 5000)
    #expect(SearchParts.of(String(repeating: "日", count: 1_000_000)).utf8.count < 1_050_000)
    // Ideographs have no other words to be found by.
    #expect(SearchParts.of(String(repeating: "日", count: 5000) + "終端").contains("終端"))
  }
}

@Suite(.blocking) struct SearchTimeTests {
  /// A Thursday.
  private static let now = Timestamp.milliseconds("2026-11-26T15:00:00Z") ?? 0

  @Test(arguments: [
    ("2026-01-14", "2026-01-14T00:00:00.000Z", "2026-01-14T23:59:59.999Z"),
    ("2026-02", "2026-02-01T00:00:00.000Z", "2026-02-28T23:59:59.999Z"),
    ("2025", "2025-01-01T00:00:00.000Z", "2025-12-31T23:59:59.999Z"),
    ("today", "2026-11-26T00:00:00.000Z", "2026-11-26T23:59:59.999Z"),
    ("yesterday", "2026-11-25T00:00:00.000Z", "2026-11-25T23:59:59.999Z"),
    ("last week", "2026-11-16T00:00:00.000Z", "2026-11-22T23:59:59.999Z"),
    ("last-week", "2026-11-16T00:00:00.000Z", "2026-11-22T23:59:59.999Z"),
    ("This Month", "2026-11-01T00:00:00.000Z", "2026-11-30T23:59:59.999Z"),
    ("last month", "2026-10-01T00:00:00.000Z", "2026-10-31T23:59:59.999Z"),
    ("last year", "2025-01-01T00:00:00.000Z", "2025-12-31T23:59:59.999Z"),
    ("monday", "2026-11-23T00:00:00.000Z", "2026-11-23T23:59:59.999Z"),
    ("3 days ago", "2026-11-23T15:00:00.000Z", "2026-11-23T15:00:00.000Z"),
    ("2w", "2026-11-12T15:00:00.000Z", "2026-11-12T15:00:00.000Z"),
    ("2026-01-14T15:18:00Z", "2026-01-14T15:18:00.000Z", "2026-01-14T15:18:00.000Z"),
  ])
  func words_areTimes(text: String, first: String, last: String) {
    let range = SearchTime.range(text, now: Self.now)
    #expect(range.map { Timestamp.string($0.lowerBound) } == first)
    #expect(range.map { Timestamp.string($0.upperBound) } == last)
  }

  @Test(arguments: ["", "soon", "2026-13", "2026-02-30", "99999999999999w", "week", "-3d", "0000"])
  func otherWords_areNone(text: String) {
    #expect(SearchTime.range(text, now: Self.now) == nil)
  }
}

@Suite(.blocking) struct SearchPeriodTests {
  private func words(_ since: String?, _ until: String?) -> String? {
    SearchPeriod.words(
      from: since.flatMap { SearchTime.range($0, now: 0)?.lowerBound },
      to: until.flatMap { SearchTime.range($0, now: 0)?.upperBound }
    ).map { $0.map { $0.words[0] + ($0.isOpen ? "*" : "") }.joined(separator: " ") }
  }

  @Test func times_areYearsMonthsAndDays() {
    #expect(words(nil, nil) == nil)
    #expect(words("2026-06-02", "2026-06-02") == "d20260602")
    #expect(words("2026", "2026") == "y2026")
    #expect(words("2026-02", "2026-03") == "m202602 m202603")
    #expect(words("2024-02-01", "2024-02-28")?.hasSuffix("d20240228") == true)
    #expect(words("2029-12-31", nil) == "d20291231 y203* y204* y205* y206* y207* y208* y209*")
    #expect(
      words(nil, "2026-01-01")
        == "y197* y198* y199* y200* y201* y2020 y2021 y2022 y2023 y2024 y2025 d20260101")
    #expect(words("2026-02", "2026-01") == "y0000")
  }
}

@Suite(.blocking) struct SearchTests {
  private let folder: TemporaryFolder
  private let database: MemoryDatabase
  private static let now: Int64 = 1_790_000_000_000

  init() throws {
    folder = try TemporaryFolder()
    database = try folder.database()
  }

  private func entry(
    _ text: String, id: String = UUID().uuidString, kind: String = "reply",
    session: String? = "s1", position: Int = 0, actor: String? = nil, daysAgo: Int64 = 0,
    project: Int? = nil
  ) throws {
    try database.write { db in
      if let project {
        try db.execute(
          sql: """
            INSERT OR IGNORE INTO projects (id, identity, name, last_seen_at)
            VALUES (?, ?, ?, 0)
            """, arguments: [project, "name:p\(project)", "p\(project)"])
      }
      try db.execute(
        sql: """
          INSERT INTO entries (id, kind, project_id, session_id, origin, source_id, actor, position,
            title, body, created_at, parts)
          VALUES (?, ?, ?, ?, 'import', ?, ?, ?, '', ?, ?, ?)
          """,
        arguments: [
          id, kind, project, session, id, actor, position, text,
          Self.now - daysAgo * Timestamp.day, SearchParts.of(text),
        ])
    }
  }

  private func find(
    _ query: String, _ filter: RecordFilter = RecordFilter(),
    _ change: (inout MemoryDatabase.SearchOptions) -> Void = { _ in }
  ) throws -> [String] {
    var options = MemoryDatabase.SearchOptions(now: Self.now)
    change(&options)
    return try database.search(query, filter: filter, options: options).hits.map(\.entry.body)
  }

  // MARK: Query

  @Test func pieces_areToldApart() {
    typealias Piece = SearchQuery.Piece
    let pieces = SearchQuery.pieces(
      of:
        #"retry "full jitter" -python -"bad idea" kind:decision since:"last week" --force -v a:b "open"#
    )
    #expect(
      pieces == [
        Piece.word("retry"), .phrase("full jitter"), .excluded("python"), .excluded("bad idea"),
        .field("kind", "decision"), .field("since", "last week"), .word("--force"), .word("-v"),
        .word("a:b"), .word("\"open"),
      ])
  }

  @Test func questions_findWhatIsMeant() throws {
    try entry("We moved the retry budget to three attempts", id: "a", position: 1)
    try entry("The weather is fine and the sky is blue", id: "b", position: 2)
    try entry("Some other words about nothing", id: "c", session: "s2")
    #expect(try find("what did we do with the retry budget?").first?.contains("retry") == true)
    #expect(try find("zebra").isEmpty)
    // Nothing but words that say nothing are words all the same.
    #expect(try !find("the is").isEmpty)
  }

  @Test func phrasesExclusionsAndFields_narrow() throws {
    try entry("full jitter it is, in src/net/retry.swift", kind: "decision")
    try entry("jitter that is full of python", session: "s2", daysAgo: 30)
    try entry("jitter alone", session: "s3", daysAgo: 400)
    #expect(try find(#""full jitter""#) == ["full jitter it is, in src/net/retry.swift"])
    #expect(try find("jitter -python").count == 2)
    #expect(try find("jitter kind:decision").count == 1)
    #expect(try find("jitter", RecordFilter(kinds: [.decision])).count == 1)
    #expect(try find("jitter file:net/retry.swift").count == 1)
    #expect(try find("jitter since:60d").count == 2)
    #expect(try find("jitter until:60d") == ["jitter alone"])
    #expect(try find("jitter session:s3") == ["jitter alone"])
    #expect(try find("kind:decision").count == 1)
    #expect(try find("until:60d") == ["jitter alone"])
    #expect(try find("since:2020").count == 3)
    #expect(try find("-python").count == 1)
    let result = try database.search(
      "jitter since:whenever", filter: RecordFilter(),
      options: .init(now: Self.now))
    #expect(result.hits.count == 3 && result.complaints.count == 1)
  }

  @Test func neighbours_obeyWhatNarrows() throws {
    try entry("Who has the walrus?", position: 1, actor: "Ann")
    try entry("Bob has it, python and all", kind: "tool", position: 2, actor: "Bob", daysAgo: 90)
    #expect(try find("walrus") == ["Who has the walrus?"])
    let question = "does anybody know about that walrus"
    #expect(try find(question).count == 2)
    #expect(try find(question + " -python").count == 1)
    #expect(try find(question + " since:60d").count == 1)
    #expect(try find("walrus -python").count == 1)
    #expect(try find("walrus", RecordFilter(kinds: [.tool])).isEmpty)
    #expect(try find("walrus since:60d").count == 1)
    #expect(try find(#""the walrus""#).count == 1)
  }

  @Test func identifiers_areFoundWholeAndInParts() throws {
    try entry("call parseRetryAfter before the request", id: "a", session: nil)
    try entry("see max_retry_count in config", id: "b", session: nil)
    try entry("commit b30c1e1f0a2d95f0c6a1e3b524c1e9d17a64c1f0 fixed E0382", id: "c", session: nil)
    try entry("HTTPServerError was thrown", id: "d", session: nil)
    #expect(try find("parseRetryAfter").first?.contains("parseRetryAfter") == true)
    #expect(try find("retry after").first?.contains("parseRetryAfter") == true)
    #expect(try find("max_retry_count").first?.contains("max_retry_count") == true)
    #expect(try find("b30c1e1").count == 1)
    #expect(try find("E0382").count == 1)
    #expect(try find("server error").count == 1)
    #expect(try find("RETRYAFTER").isEmpty)
  }

  @Test func otherScripts_work() throws {
    try entry("Die Größe über alles, Straße", id: "a", session: nil)
    try entry("東京で会議があります", id: "b", session: nil)
    try entry("mixed 日本語 and English", id: "c", session: nil)
    try entry("Привет мир", id: "d", session: nil)
    #expect(try find("größe").count == 1)
    #expect(try find("Grosse").count == 1)
    #expect(try find("grosse uber").count == 1)
    #expect(try find("会議").count == 1)
    #expect(try find("東京").count == 1)
    #expect(try find("日本語").count == 1)
    #expect(try find("語").count == 1)
    #expect(try find("привет").count == 1)
  }

  @Test func unfinishedWords_areCompleted() throws {
    try entry("exponential backoff", session: nil)
    #expect(try find("expo").isEmpty)
    #expect(try find("expo*").count == 1)
    #expect(try find("backoff expo") { $0.isUnfinished = true }.count == 1)
    // Misspelt by a letter.
    #expect(try find("exponentail").count == 1)
    #expect(try find("backof").count == 1)
  }

  @Test func speakers_datesAndAnswers_count() throws {
    for number in 0..<30 {
      try entry(
        "filler about painting number \(number)", session: "f\(number)", actor: "Zed",
        daysAgo: 200)
    }
    try entry("I like talking about painting", session: "s1", position: 1, actor: "Melanie")
    let said = try find("what does Melanie say about painting")
    #expect(said.first?.hasPrefix("I like") == true, "\(said)")
    try entry("painting again", session: "s9", actor: "Ann", daysAgo: 500)
    let date = Timestamp.string(Self.now - 500 * Timestamp.day).prefix(10)
    #expect(try find("painting \(date)").first == "painting again")
  }

  @Test func sameTexts_areOneHit() throws {
    for number in 0..<10 {
      try entry("The very same words, in a fork!", id: "f\(number)", session: "s\(number)")
    }
    let result = try database.search(
      "same words", filter: RecordFilter(), options: .init(now: Self.now))
    #expect(result.hits.count == 1 && result.hits[0].copies == 9)
    #expect(result.hits[0].snippet.contains("\u{2}same\u{3}"))
  }

  @Test func explanations_sayWhy_andUsesCount() throws {
    try entry("alpha beta gamma", id: "A", session: nil, daysAgo: 3)
    try entry("alpha beta delta", id: "b", session: nil, daysAgo: 3)
    var options = MemoryDatabase.SearchOptions(now: Self.now)
    options.explains = true
    let hit = try #require(
      try database.search("alpha", filter: RecordFilter(), options: options).hits.first)
    // The one that came last, where all else is equal.
    #expect(hit.entry.id == "b")
    #expect(hit.explanation.contains { $0.contains("alpha") && $0.contains("rarity") })
    #expect(hit.explanation.contains { $0.hasPrefix("recency") })
    try database.noteUse(ofEntry: "A")
    #expect(try find("alpha").first == "alpha beta gamma")
  }

  @Test(arguments: [
    "", " ", "\"", "\"\"", "-", "- -", "kind:", "kind:x", "since:", "AND OR NOT", "NEAR(a b)",
    "col:x",
    "*", "a*", "**", "^a", "(", ")", "{a}", "x\u{0}y", "a\u{2028}b", "'; DROP TABLE entries; --",
    "-a -b", "\"a\" -\"a\"", "file:", "file:/", "session:\"", "project:nope x", "🇨🇭", "e\u{301}",
    "\u{FEFF}", String(repeating: "word ", count: 5000), String(repeating: "x", count: 100_000),
    "since:2026-01 until:2020", "kind:a,b,c d", "日*", "a-b_c.d/e:f",
    "\"x " + String(repeating: "é", count: 50_000) + "\"",
  ])
  func nastyQueries_neverFail(query: String) throws {
    try entry("a b word x kind col")
    #expect(throws: Never.self) { try find(query) }
    #expect(throws: Never.self) { try find(query) { $0.isUnfinished = true } }
  }

  @Test func wordsThatStandTogether_count() throws {
    let filler = "alpha beta gamma delta epsilon zeta eta theta iota"
    let near = "\(filler) retry budget"
    let far = "budget \(filler) retry"
    try entry(near, session: "a")
    try entry(far, session: "b")
    // The newer one would win a tie, and its first word counts for as much.
    #expect(try find("retry budget") == [near, far])
    var options = MemoryDatabase.SearchOptions(now: Self.now)
    options.explains = true
    let hits = try database.search("retry budget", filter: RecordFilter(), options: options).hits
    #expect(hits[0].explanation.contains("words together: times 1.100"))
    #expect(!hits[1].explanation.contains { $0.hasPrefix("words together") })
  }

  @Test func theCallersBranch_counts() throws {
    try entry("retry here", session: "a", project: 1)
    try entry("retry there", session: "b", project: 1)
    try database.write { db in
      for (session, branch) in [("a", "main"), ("b", "other")] {
        try db.execute(
          sql: """
            INSERT INTO sessions (id, agent, project_id, branch, started_at, last_seen_at)
            VALUES (?, 'claude', 1, ?, 1, 1)
            """, arguments: [session, branch])
      }
    }
    #expect(try find("retry") == ["retry there", "retry here"])
    let found = try find("retry") {
      $0.here = .named("p1")
      $0.branch = "main"
    }
    #expect(found == ["retry here", "retry there"])
  }

  @Test func sessions_areNamedByTheirBeginning() throws {
    try entry("retry budget", session: "0190-aa", position: 1)
    try entry("retry budget two", session: "0190-ab", position: 1)
    try entry("retry budget three", session: "0190", position: 1)
    try entry("retry budget four", session: "0191", position: 1)
    #expect(try find("retry session:0190-a").sorted() == ["retry budget", "retry budget two"])
    #expect(try find("retry session:0190-ab") == ["retry budget two"])
    // One that is whole means itself, not those that begin so.
    #expect(try find("retry session:0190") == ["retry budget three"])
    #expect(try find("session:0190-a").count == 2)
    #expect(try find("retry session:x").isEmpty)
    for number in 0..<30 { try entry("many \(number)", session: "many-\(number)", position: 1) }
    let result = try database.search(
      "session:many", filter: RecordFilter(), options: MemoryDatabase.SearchOptions(now: Self.now))
    #expect(result.hits.isEmpty)
    #expect(result.complaints == ["session many may be any of more than 20 sessions"])
  }

  @Test func neighbours_areThoseOfTheSession_howeverTheRowsLie() throws {
    // Stored out of order, with gaps and another session between.
    try entry("nothing here", id: "c", session: "s", position: 30)
    try entry("other words", id: "x", session: "t", position: 31)
    try entry("the zebra question of today", id: "a", session: "s", position: 10)
    try entry("wholly unlike", id: "b", session: "s", position: 20)
    try entry("far away", id: "d", session: "s", position: 40)
    try entry("farther", id: "e", session: "s", position: 50)
    // A question of three words may be answered by what stands beside it, two turns on at the most.
    let found = try find("zebra question today")
    #expect(found.first == "the zebra question of today")
    #expect(Set(found) == ["the zebra question of today", "wholly unlike", "nothing here"])
  }

  @Test func oldDays_areFoundBelowManyNewerEntries() throws {
    for number in 0..<900 {
      try entry("server \(number)", session: "s\(number)", daysAgo: Int64(1000 - number))
    }
    let day = String(Timestamp.string(Self.now - 950 * Timestamp.day).prefix(10))
    #expect(try find("server since:\(day) until:\(day)") == ["server 50"])
    #expect(try find("since:\(day) until:\(day)") == ["server 50"])
    #expect(try find("server until:\(day)").count == 20)
    #expect(try find("kind:reply until:\(day)").first == "server 50")
    try entry("server of the future", daysAgo: -2000)
    let all = try find("server since:\(day)", RecordFilter(limit: 1000))
    #expect(all.count == 851, "\(all.count)")
  }

  @Test func wordsMuchUsedLately_areNotTakenForCommon() throws {
    try database.write { db in
      for number in 0..<20_000 {
        try db.execute(
          cached: """
            INSERT INTO entries (id, kind, origin, title, body, created_at)
            VALUES (?, 'turn', 'import', '', ?, ?)
            """, arguments: ["n\(number)", "filler text \(number)", Self.now])
      }
    }
    try entry("plain pelican", id: "old")
    for number in 0..<700 { try entry("zebra \(number)", session: nil) }
    try entry("zebra pelican", id: "both")
    for number in 0..<600 { try entry("zebra again \(number)", session: nil) }
    var options = MemoryDatabase.SearchOptions(now: Self.now)
    options.explains = true
    let hits = try database.search("zebra pelican", filter: RecordFilter(), options: options).hits
    #expect(hits.first?.entry.body == "zebra pelican")
    #expect(hits.first?.explanation.contains { $0.contains("(in 1301 entries)") } == true)
  }

  @Test func mixedScripts_areFoundInTheirParts() throws {
    try entry("修改retry逻辑，避免timeout")
    try entry("テストの日本語の設定")
    try entry(String(repeating: "文字", count: 900) + "終端記号")
    #expect(try find("retry") == ["修改retry逻辑，避免timeout"])
    #expect(try find("timeout") == ["修改retry逻辑，避免timeout"])
    #expect(try find("修改retry") == ["修改retry逻辑，避免timeout"])
    #expect(try find("\"日本語\"") == ["テストの日本語の設定"])
    #expect(try find("テスト -日本語").isEmpty)
    #expect(try find("終端記号").count == 1)
  }

  @Test func whatNarrows_isExactAndOnlyNarrows() throws {
    try entry("walrus python", kind: "tool", session: "run-1")
    try entry("walrus", kind: "tool-call", session: "run-1-b")
    try entry("walrus too", kind: "ADR", session: "run")
    #expect(try find("kind:tool") == ["walrus python"])
    #expect(try find("kind:tool -python").isEmpty)
    #expect(try find("kind:adr walrus") == ["walrus too"])
    #expect(try find("session:run-1") == ["walrus python"])
    #expect(try find("session:run") == ["walrus too"])
    #expect(try find("kind:tool walrus", RecordFilter(kinds: [.adr])).isEmpty)
    #expect(try find("kind:tool,adr walrus", RecordFilter(kinds: [.adr])) == ["walrus too"])
    #expect(try find("walrus session:run-1", RecordFilter(sessionID: "run-1-b")) == ["walrus"])
    #expect(try find("\"walrus\" kind:tool") == ["walrus python"])
    #expect(try find("-walrus -too").count == 3)
  }

  @Test func longQueries_areBoundedAndKeepTheirWords() throws {
    try entry("the uploader crashed with a segfault")
    let paths = (0..<12).map { "src/app/a\($0).swift:1:7" }.joined(separator: " ")
    #expect(try find("uploader crashed segfault \(paths)").first?.contains("segfault") == true)
    let dates = String(repeating: "2026-01-05 ", count: 12)
    #expect(try find(dates + "uploader").count == 1)
    let clock = ContinuousClock()
    let spent = try clock.measure {
      _ = try find(String(repeating: "some words ", count: 10_000))
      _ = try find("src/" + (0..<9000).map { "p\($0)" }.joined(separator: "/"))
      _ = try find(String(repeating: "\"uploader\" ", count: 300))
      _ = try find("uploader " + (0..<2000).map { "-x\($0)" }.joined(separator: " "))
    }
    let spentOnIdeographs = try clock.measure {
      _ = try find(String(repeating: "文字列", count: 5000))
    }
    #expect(spentOnIdeographs < .seconds(20))
    // Took minutes.
    #expect(spent < .seconds(20))
  }

  @Test func identifiers_areNoQuestions_andLastPositionsNoTrap() throws {
    try entry("call parseRetryAfter here", session: "s", position: 1)
    try entry("unrelated lunch talk", session: "s", position: 2)
    #expect(try find("parseRetryAfter") == ["call parseRetryAfter here"])
    try entry("kiwi one", session: "o", position: .max)
    try entry("kiwi two", session: "o", position: .max)
    try entry("kiwi three", session: "o", position: .min)
    #expect(try find("kiwi").count == 3)
  }

  @Test func textsThatDiffer_areHitsOfTheirOwn() throws {
    for text in ["x == 0 walrus", "x != 0 walrus", "version 1.5 walrus", "version 15 walrus"] {
      try entry(text, session: nil)
    }
    try entry("Version 1.5 (walrus).", session: nil)
    #expect(try find("walrus").count == 4)
    for number in 0..<150 { try entry("marmot", session: "m\(number)") }
    try entry("a marmot of another kind than those that were there before", session: "z")
    #expect(try find("marmot").count == 2)
    for number in 0..<700 { try entry("okapi \(number)", session: "k\(number)") }
    #expect(try find("okapi", RecordFilter(limit: 1000)).count == 700)
  }

  @Test func aCorrectedWord_isNamed() throws {
    try entry("backoff with jitter")
    var options = MemoryDatabase.SearchOptions(now: Self.now)
    options.explains = true
    let hit = try database.search("jiter", filter: RecordFilter(), options: options).hits.first
    #expect(hit?.explanation.first?.hasPrefix("\"jitter\" for jiter: ") == true)
    #expect(hit?.snippet.contains("\u{2}jitter\u{3}") == true)
  }

  @Test func wordsPastTheirStem_areCompleted() throws {
    try entry("the configuration of the installation is running")
    for beginning in ["config", "configura", "configuratio", "installatio", "runnin"] {
      #expect(try find(beginning) { $0.isUnfinished = true }.count == 1, "\(beginning)")
    }
    #expect(try find("confiture") { $0.isUnfinished = true }.isEmpty)
  }

  // MARK: Bounds

  /// Far more entries than any bound: what the index must be asked in pieces.
  private func large() throws {
    var random = SeededNumbers(state: 7)
    try database.write { db in
      let statement = try db.cachedStatement(
        sql: """
          INSERT INTO entries (id, kind, session_id, origin, position, title, body, created_at)
          VALUES (?, 'turn', ?, 'import', ?, '', ?, ?)
          """)
      for number in 0..<20_000 {
        let words = (0..<12).map { _ in
          // Zipf's law, roughly.
          "w\(Int(pow(20_000, Double(random.next() % 10_000) / 10_000)))q"
        }
        try statement.execute(arguments: [
          "n\(number)", "s\(number / 40)", number % 40, words.joined(separator: " "),
          Self.now - Int64(20_000 - number) * 60_000,
        ])
      }
    }
  }

  private struct SeededNumbers {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
  }

  @Test func boundedSearch_findsWhatAFullOneFinds() throws {
    try large()
    var random = SeededNumbers(state: 9)
    var shared = 0
    var all = 0
    for _ in 0..<20 {
      // A selective word, a middling one and a common one.
      let query =
        "w\(5000 + random.next() % 10_000)q w\(100 + random.next() % 300)q w\(6 + random.next() % 4)q"
      func ids(_ bounds: SearchWeights.Bounds) throws -> Set<RecordID> {
        var options = MemoryDatabase.SearchOptions(now: Self.now)
        options.bounds = bounds
        return Set(
          try database.search(query, filter: RecordFilter(limit: 10), options: options).hits
            .map(\.entry.id))
      }
      let full = try ids(.none)
      shared += full.intersection(try ids(SearchWeights.Bounds())).count
      all += full.count
    }
    #expect(all > 100)
    #expect(Double(shared) >= 0.9 * Double(all), "\(shared) of \(all)")
  }
}

@Suite(.blocking) struct SearchSnippetTests {
  private let folder: TemporaryFolder
  private let database: MemoryDatabase

  init() throws {
    folder = try TemporaryFolder()
    database = try folder.database()
  }

  private func snippet(_ text: String, _ body: String, title: String = "") throws -> String? {
    try database.read { db in
      let words = try SearchTokenizer(db)
      let query = SearchQuery(text, filter: RecordFilter(), isUnfinished: false, now: 0, words)
      return SearchSnippet(query.terms, words).best(of: title, body)?
        .replacing("\u{2}", with: "[").replacing("\u{3}", with: "]")
    }
  }

  @Test(arguments: [
    ("retry budgets", "The budget for retries.", "The [budget] for [retries]."),
    ("find", "She found it", "She [found] it"),
    ("Größe", "die GRÖSSE, die Größe; grosse", "die [GRÖSSE], die [Größe]; [grosse]"),
    ("接続", "データベース接続エラー", "データベース[接続]エラー"),
    ("a1b2c3d", "commit a1b2c3d4e5f6", "commit [a1b2c3d4e5f6]"),
    ("\"full jitter\"", "jitter, full", "[jitter], [full]"),
    ("x", "\u{FEFF}“x”—x", "\u{FEFF}“[x]”—[x]"),
  ])
  func words_areMarkedAsTheyStand(query: String, text: String, expected: String) throws {
    #expect(try snippet(query, text) == expected)
  }

  @Test func theBestPart_isTaken() throws {
    let filler = (0..<200).map { "word\($0)" }.joined(separator: " ")
    let text = "jitter once. \(filler) backoff with jitter \(filler)"
    let best = try snippet("backoff jitter", text) ?? ""
    #expect(best.hasPrefix("…word194 ") && best.hasSuffix(" word14…"), "\(best)")
    let path = (0..<10).map { "part\($0)" }.joined(separator: "/")
    #expect(try snippet("part9", "see \(path) \(filler)")?.hasPrefix("…part0/part1/") == true)
    #expect(
      try snippet("sings", "a sentence of some words, with what is looked for at its end: it sings")
        == "a sentence of some words, with what is looked for at its end: it [sings]")
    #expect(best.contains("[backoff] with [jitter]"))
    #expect(try snippet("jitter", text)?.hasPrefix("[jitter] once. word0") == true)
  }

  @Test func theTitle_isTakenIfItHasMore() throws {
    #expect(try snippet("retry budget", "budget", title: "Retry budget") == "[Retry] [budget]")
    #expect(try snippet("retry", "retry", title: "Retry") == "[retry]")
    #expect(try snippet("retry", "nothing", title: "none") == nil)
  }

  @Test func hugeWordsAndTexts_areBounded() throws {
    let blob = String(repeating: "QUJD", count: 50_000)
    for text in [
      "\(blob) retry \(blob)", "retry \(blob)", String(repeating: "retry ", count: 99_999),
    ] {
      let best = try snippet("retry", text) ?? ""
      #expect(best.contains("[retry]"))
      #expect(best.utf8.count < 800)
    }
    let cut = try snippet("retry", String(repeating: "語", count: 5000) + " retry") ?? ""
    #expect(cut.hasSuffix("語 [retry]") && !cut.contains("\u{FFFD}"))
  }
}

@Suite(.blocking) struct SearchWordsTests {
  @Test(arguments: [
    ("we met Yesterday", true), ("in 2021", true), ("this morning", true), ("this  Morning!", true),
    ("good morning", false), ("2121 or 19", false), ("SEPTEMBER", true), ("days", true),
    ("sundays", false), ("gesternägo", false), ("", false), ("x1999", false),
  ])
  func timesInTexts_areSeen(text: String, expected: Bool) {
    #expect(Array(text.utf8).withUnsafeBufferPointer { SearchWords.tellWhen($0) } == expected)
  }
}

@Suite(.blocking) struct SearchMigrationTests {
  @Test func usageOfAnOlderStore_hasNoReasoning() throws {
    let folder = try TemporaryFolder()
    do {
      let old = try MemoryDatabase(
        path: folder.file("memory.db"), access: .migrating, busyTimeout: .seconds(1),
        redactor: Redactor(),
        steps: Array(Schema.steps.prefix(4)))
      try old.write { db in
        try db.execute(
          sql: """
            INSERT INTO sessions (id, agent, started_at, last_seen_at) VALUES ('s', 'claude', 1, 1);
            INSERT INTO transcripts (id, path, session_id, device, inode, offset, lines, tail, read_at,
              digest) VALUES (1, '/t', 's', 1, 1, 0, 0, x'', 1, '{}');
            INSERT INTO usage (transcript_id, message_id, request_id, model, input, output,
              cache_write_5m, cache_write_1h, cache_read, created_at)
            VALUES (1, 'm', 'r', 'x', 11, 22, 3, 4, 5, 1);
            """)
      }
    }
    let new = try folder.database()
    let row = try new.read {
      try Row.fetchOne($0, sql: "SELECT input, output, reasoning FROM usage")
    }
    #expect(row == ["input": 11, "output": 22, "reasoning": 0])
    #expect(try new.read { try Int.fetchOne($0, sql: "PRAGMA user_version") } == Schema.current)
  }

  @Test func entriesOfAnOlderStore_getTheirParts() throws {
    let folder = try TemporaryFolder()
    do {
      let old = try MemoryDatabase(
        path: folder.file("memory.db"), access: .migrating, busyTimeout: .seconds(1),
        redactor: Redactor(),
        steps: Array(Schema.steps.prefix(3)))
      try old.write { db in
        try db.execute(
          sql: """
            INSERT INTO entries (id, kind, origin, title, body, created_at)
            VALUES ('A', 'reply', 'claude', '', 'call parseRetryAfter', 1)
            """)
      }
    }
    let new = try folder.database()
    #expect(try new.search("retry after", filter: RecordFilter()).map(\.entry.id) == ["A"])
    #expect(try new.search("kind:reply", filter: RecordFilter()).count == 1)
    #expect(try new.integrityProblems().isEmpty)
  }
}
