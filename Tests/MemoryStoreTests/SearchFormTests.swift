import Foundation
import GRDB
import TestSupport
import Testing

@testable import Core
@testable import MemoryStore
@testable import Redaction

/// What is written in one way is found however it is asked for.
@Suite(.blocking) struct SearchFormTests {
  private let folder: TemporaryFolder
  private let database: MemoryDatabase
  private static let now: Int64 = 1_700_000_000_000

  init() throws {
    folder = try TemporaryFolder()
    database = try MemoryDatabase(path: folder.file("memory.db"), access: .migrating)
  }

  private func entry(_ text: String) throws {
    try Self.insert(text, SearchParts.of("", text), database)
  }

  static func insert(_ text: String, _ parts: String, _ database: MemoryDatabase) throws {
    try database.write { db in
      try db.execute(
        sql: """
          INSERT INTO entries(id, kind, origin, title, body, created_at, parts)
          VALUES (?, 'note', 'test', '', ?, ?, ?)
          """, arguments: [UUID().uuidString, text, now, parts])
    }
  }

  private func find(_ query: String) throws -> [String] {
    try database.search(
      query, filter: RecordFilter(), options: MemoryDatabase.SearchOptions(now: Self.now)
    ).hits.map(\.entry.body)
  }

  private static let noise = [
    "plain English text about nothing", "คนอื่นพูดเรื่องอื่น", "別の話です", "다른 이야기", "👎 no", "noch etwas",
    "अन्य बात", "🇫🇷 ⏰", "другое",
  ]

  /// Text and query.
  private static let pairs: [(String, String)] = [
    // Scripts without blanks: beginning, middle, end.
    ("ประเทศไทยมีอากาศร้อน", "ประเทศ"), ("ประเทศไทยมีอากาศร้อน", "อากาศ"),
    ("ประเทศไทยมีอากาศร้อน", "ร้อน"),
    ("ພາສາລາວແມ່ນພາສາ", "ແມ່ນ"), ("ພາສາລາວແມ່ນພາສາ", "ລາວ"), ("ភាសាខ្មែរជាភាសា", "ខ្មែរ"),
    ("မြန်မာနိုင်ငံသည်", "နိုင်ငံ"), ("今日はデータベースが落ちた", "データ"), ("きのうさくらがさいた", "さくら"),
    ("데이터베이스가느리다", "베이스"), ("ระบบAPIล่มแล้ว", "API"), ("ระบบAPIล่มแล้ว", "ล่ม"), ("服务器v2重启了", "重启"),
    // Words whose vowels are marks.
    ("यह हिन्दी भाषा है", "हिन्दी"), ("বাংলা ভাষা", "ভাষা"), ("தமிழ் மொழி", "மொழி"), ("สวัสดี ครับ", "ครับ"),
    ("שָׁלוֹם לכם", "שלום"), ("مُحَمَّد هنا", "محمد"), ("كتاب أحمد", "احمد"),
    // Symbols.
    ("fixed 🐛 today", "🐛"), ("⚠️ careful", "⚠"), ("careful ⚠ too", "⚠️"), ("great 👍🏽 work", "👍"),
    ("great 👍 work", "👍🏿"), ("👩🏾‍💻 wrote it", "👩‍💻"), ("👨‍👩‍👧 at home", "👧"), ("from 🇯🇵 with", "🇯🇵"),
    ("step 3️⃣ next", "3️⃣"),
    ("done✅ok", "✅"), ("rated ★★★", "★"), ("❤️‍🔥", "🔥"), ("✓ passed", "✓"),
    // Composed and decomposed.
    ("Cafe\u{301} Zu\u{308}rich", "Café"), ("Café Zürich", "Cafe\u{301}"),
    ("Tiếng Việt", "tieng viet"),
    ("Tie\u{302}\u{301}ng Vie\u{323}\u{302}t", "Tiếng"), ("đường phố", "duong"),
    ("duong pho", "đường"),
    ("한국어 설정".decomposedStringWithCanonicalMapping, "한국어"), ("が\u{304B}\u{3099}", "がが"),
    ("Ёлка стоит", "елка"), ("ёлка", "Е\u{308}лка"), ("Αθήνα", "αθηνα"), ("ΟΔΟΣ", "οδος"),
    // Widths and compatibility.
    ("ＡＢＣ１２３ ok", "abc123"), ("abc123 ok", "ＡＢＣ１２３"), ("ﾃﾞｰﾀ ok", "データ"), ("データ ok", "ﾃﾞｰﾀ"),
    ("the ﬁle", "file"), ("ten ㎏", "kg"), ("office", "oﬃce"),
    // Letters without a decomposition.
    ("ISPARTA ısparta", "isparta"), ("İstanbul", "istanbul"), ("istanbul", "İSTANBUL"),
    ("Straße", "strasse"),
    ("Strasse", "Straße"), ("Łódź", "lodz"), ("smørrebrød", "smorrebrod"), ("Œuvre", "oeuvre"),
    // Emoji that SQLite's tokenizer does not know.
    ("🤖bot ready", "bot"), ("the bot🤖", "bot"), ("🦀rust🦀", "🦀"), ("🦀rust🦀", "rust"),
    ("melting🫠slowly", "melting"), ("melting🫠slowly", "🫠"), ("🪿Größe", "grosse"),
    ("🧑🏽‍🚀Ānanda", "🧑‍🚀"), ("new \u{1FADD} here", "\u{1FADD}"), ("₺10 each", "10"), ("₺10 each", "₺"),
    // Signs.
    ("input → output", "→"), ("input→output", "output"), ("5€ each", "€"), ("see §12", "§12"),
    ("a ≠ b", "≠"), ("a =\u{338} b", "≠"), ("if x ≠ y", "=\u{338}"), ("Acme™ tools", "™"),
    ("Acme™ tools", "acme"), ("© 2026", "©"), ("20° warm", "°"), ("x∈S", "∈"), ("￥500", "¥"),
    ("¥500", "￥"), ("#️⃣ topic", "#️⃣"), ("▲ up", "▲"), ("3‰ of it", "‰"), ("†1832", "†"),
    ("∑ of all", "∑"),
    ("㊙️ file", "㊙"), ("㊙ file", "㊙️"), ("ℹ️ note", "ℹ"), ("❤️‍🔥", "❤‍🔥"),
    // What is not seen.
    ("co\u{AD}operate", "cooperate"), ("cooperate", "co\u{AD}operate"),
    ("time\u{2060}stamp", "timestamp"), ("می\u{200C}خواهم", "میخواهم"),
    ("میخواهم", "می\u{200C}خواهم"),
    ("می\u{200C}خواهم", "خواهم"), ("foo\u{200D}bar", "foobar"), ("v\u{FE0F}alue", "value"),
    ("na\u{AD}ïve", "naive"), ("\u{2066}walrus\u{2069}", "walrus"), ("\u{FEFF}walrus", "walrus"),
    ("ភាសា\u{200B}ខ្មែរ", "ភាសាខ្មែរ"), ("ភាសាខ្មែរ", "ភាសា\u{200B}ខ្មែរ"), ("क्\u{200D}षेत्र", "क्षेत्र"),
    // Numbers and letters in other shapes.
    ("①first step", "first"), ("①first step", "1"), ("10½ hours", "10"), ("Ⅳ part", "iv"),
    ("x² + y", "x2"), ("𝐀𝐛𝐜 bold", "abc"), ("1️⃣ go", "1"), ("٢٠٢٦ سنة", "2026"),
    ("10㎏ rice", "10kg"),
    ("⼭ path", "山"), ("Ⓑ side", "b"),
    // Other scripts.
    ("كتـــاب", "كتاب"), ("كتاب", "كِتَاب"), ("کتاب", "كتاب"), ("좋아ㅋㅋㅋ", "ㅋㅋ"),
    ("ﾡx", "ㄱx"),
    ("🇩🇪x", "x"), ("👁️‍🗨️ seen", "👁‍🗨"), ("🏴󠁧󠁢󠁥󠁮󠁧󠁿 won", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
  ]

  @Test(arguments: pairs) func text_isFoundHoweverItIsAskedFor(text: String, query: String) throws {
    for other in Self.noise { try entry(other) }
    try entry(text)
    #expect(try find(query) == [text])
    #expect(try find("\"\(query)\"") == [text])
    #expect(try find(query).allSatisfy { !Self.noise.contains($0) })
  }

  @Test(arguments: [("👎 no", "👍"), ("🇫🇷", "🇷🇫"), ("👨‍👩‍👧", "👩‍👧‍👦"), ("йод", "иод"), ("データ", "テータ")])
  func others_areNotFound(text: String, query: String) throws {
    try entry(text)
    #expect(try find(query).isEmpty)
  }

  @Test(arguments: ["🚀", "🤖", "→", "👍🏽"]) func symbols_standInPhrases(symbol: String) throws {
    let texts = [
      "ship \(symbol) today", "ship today", "today \(symbol) ship", "Łódź\(symbol)today",
    ]
    for text in texts { try entry(text) }
    #expect(try find("\"ship \(symbol) today\"") == [texts[0]])
    #expect(try find("\"Łódź \(symbol) today\"") == [texts[3]])
    // A title in a sentence, as one of its words.
    #expect(try find("what did we say about \"ship \(symbol) today\"").contains(texts[0]))
    #expect(try find("file:ship\(symbol)today") == [texts[0]])
  }

  @Test(arguments: [
    ("an der Straße lang", "der strasse lang"), ("an der Strasse lang", "der Straße"),
    ("w Łodzi i Łęczycy", "lodzi i leczycy"), ("а ёлка стоит", "елка стоит"),
    ("а елка стоит", "ёлка стоит"),
    ("η Αθήνα ειναι", "αθηνα ειναι"), ("in Đà Nẵng now", "da nang now"),
    ("قال أحمد هنا", "احمد هنا"),
    ("größte Straße hier", "grosste strasse hier"), ("naïve Straße", "naive strasse"),
  ]) func phrases_areFoundInOtherLetters(text: String, query: String) throws {
    let other = String(text.split(separator: " ").reversed().joined(separator: " "))
    try entry(text)
    try entry(other)
    #expect(try find("\"\(query)\"") == [text])
    #expect(try find("\(text) -\"\(query)\"") == [other])
  }

  @Test(arguments: ["🚀", "🫠", "→", "€", "犬"]) func symbols_areExcluded(symbol: String) throws {
    try entry("ship \(symbol) today")
    try entry("ship today")
    #expect(try find("ship -\(symbol)") == ["ship today"])
    #expect(try find("ship -\(symbol) today") == ["ship today"])
    #expect(try find("ship -\"\(symbol) today\"") == ["ship today"])
  }

  @Test(arguments: ["🚀", "🤖", "→"]) func phrases_areFoundAsTheyStand(symbol: String) throws {
    for text in [
      "step 3: \(symbol)loom off", "step 3\(symbol) loom off", "step 3 \(symbol) loom off",
    ] {
      try entry(text)
      #expect(try find("\"\(text)\"").contains(text))
    }
    #expect(try find("\"step 3 loom\" -\(symbol)").isEmpty)
  }

  @Test func amounts_areNotExcluded() {
    #expect(SearchQuery.pieces(of: "fee -€5 -v") == [.word("fee"), .word("-€5"), .word("-v")])
  }

  @Test func skins_areExcludedTogether() throws {
    try entry("good 👍🏽")
    try entry("good")
    #expect(try find("good -👍") == ["good"])
    #expect(try find("good -👍🏿").contains("good 👍🏽") == false)
  }

  @Test(arguments: [
    "“blue whale”", "„blue whale“", "”blue whale”", "«blue whale»", "»blue whale«", "「blue whale」",
    "＂blue whale＂",
    "“blue whale\"",
  ]) func typographicQuotes_areQuotes(query: String) throws {
    try entry("a blue whale")
    try entry("a whale, and blue")
    #expect(try find(query) == ["a blue whale"])
    #expect(try find("whale -\(query)") == ["a whale, and blue"])
  }

  @Test func apostrophes_areNoQuotes() throws {
    try entry("it doesn’t work, the dog’s here")
    #expect(try find("doesn’t work dog’s").count == 1)
  }

  @Test func snippets_markWhatWasFound() throws {
    try entry("vor dem Start 🚀 war es still")
    let hit = try #require(
      try database.search(
        "🚀", filter: RecordFilter(), options: MemoryDatabase.SearchOptions(now: Self.now)
      ).hits.first)
    #expect(hit.snippet.contains("\u{2}🚀\u{3}"))
  }

  @Test(arguments: [("❤‍🔥", "❤️‍🔥"), ("→", "→"), ("cooperate", "co\u{AD}operate"), ("rust", "rust")])
  func snippets_markWhatIsWrittenOtherwise(query: String, marked: String) throws {
    try entry("a long time ago they would \(marked)🦀 without any need")
    let hit = try #require(
      try database.search(
        query, filter: RecordFilter(), options: MemoryDatabase.SearchOptions(now: Self.now)
      ).hits.first)
    #expect(hit.snippet.contains("\u{2}\(marked)\u{3}"))
  }

  @Test func parts_ofPlainEnglish_areNone() {
    #expect(SearchParts.of("It’s “quoted” — dashes… and ├─ boxes? Gräben, naïve café") == "")
    #expect(SearchParts.of("one → two → three").split(separator: " ").count == 1)
  }

  // MARK: A store of before

  private static let texts = [
    0: "ระบบล่ม 🚀 café", 1: "Łódź i Ełk", 2: "an der Straße", 3: "Tiếng Việt", 4: "ёлка",
    5: "größte Ängste",
    2999: "z Łodzi: Łódź",
  ]

  /// - Returns: A store of schema 7 with so many entries, the oldest in Thai.
  private func old(_ count: Int) throws -> String {
    let path = folder.file("old.db")
    let steps = Schema.steps.filter { $0.number < 8 }
    let database = try MemoryDatabase(
      path: path, access: .migrating, busyTimeout: .seconds(5), redactor: Redactor(), steps: steps)
    try database.write { db in
      try DeferredIndex.use(db) { _ in
        for number in 0..<count {
          try db.execute(
            cached: """
              INSERT INTO entries(id, kind, origin, title, body, created_at)
              VALUES (?, 'note', 'test', '', ?, ?)
              """,
            arguments: [
              "n\(number)", Self.texts[number] ?? "walrus \(number) café", Self.now,
            ])
        }
      }
    }
    return path
  }

  private func search(_ query: String, _ database: MemoryDatabase) throws
    -> MemoryDatabase.SearchResult
  {
    try database.search(
      query, filter: RecordFilter(), options: MemoryDatabase.SearchOptions(now: Self.now))
  }

  @Test func smallStore_isBroughtForwardAtOnce() throws {
    let database = try MemoryDatabase(path: try old(10), access: .migrating)
    #expect(try database.entriesToRenew() == 0)
    #expect(try search("ระบบ", database).hits.count == 1)
    let sql = try database.read {
      try String.fetchOne($0, sql: "SELECT sql FROM sqlite_schema WHERE name = 'entries_fts'")
    }
    #expect(sql?.contains("remove_diacritics 2") == true)
    try database.write {
      try $0.execute(
        sql: "INSERT INTO entries_fts(entries_fts, rank) VALUES ('integrity-check', 1)")
    }
  }

  @Test func largeStore_isBroughtForwardInSteps_andSaysSo() throws {
    let path = try old(3000)
    var database = try MemoryDatabase(path: path, access: .migrating)
    #expect(try database.entriesToRenew() == 3000)
    let before = try search("ระบบ", database)
    #expect(before.complaints.contains { $0.contains("3000 older entries") })
    // Small stores have another tokenizer, and this one is no stranger's for it.
    try database.read {
      try MemoryDatabase.refuseForeign(
        $0, steps: Schema.steps, in: "the store", .invalid, hint: "")
    }
    // What was found before still is.
    #expect(try search("ระบบล่ม", database).hits.count == 1)
    #expect(try search("walrus", database).complaints.count == 1)
    #expect(try database.renewIndex())
    let left = try database.entriesToRenew()
    #expect(left > 0 && left < 3000)
    // Half of it is in the new form: both are asked for.
    for (query, count) in [
      ("lodz", 2), ("\"lodz\"", 2), ("elk", 1), ("strasse", 1), ("tieng viet", 1), ("елка", 1),
      ("grosste", 1), ("Łódź", 2), ("walrus -lodz", 20),
    ] {
      let result = try search(query, database)
      #expect(result.hits.count == count && result.complaints.count == 1, "\(query)")
    }
    // Killed here: the next one goes on.
    database = try MemoryDatabase(path: path, access: .migrating)
    #expect(try database.entriesToRenew() == left)
    var steps = 0
    while try database.renewIndex() { steps += 1 }
    #expect(steps > 0)
    for query in ["ระบบ", "🚀", "ล่ม"] {
      let result = try search(query, database)
      #expect(result.hits.count == 1 && result.complaints.isEmpty)
    }
    #expect(try database.renewIndex() == false)
    try database.write {
      try $0.execute(
        sql: "INSERT INTO entries_fts(entries_fts, rank) VALUES ('integrity-check', 1)")
    }
  }

  // MARK: Writing

  /// What triggers put among the entries has all its words, also after a change of a part of it.
  @Test func everyWrite_hasItsWords() throws {
    let project = ProjectReference.named("loom")
    func commit(_ request: RequestID, _ operation: StoreWrite.Operation) throws -> RecordID {
      try database.commit(
        StoreWrite(requestID: request, at: Self.now, project: project, operation: operation)
      ).id
    }
    let task = try commit(
      "1",
      .addTask(TaskDraft(title: "weave 🧵", source: .cc, context: "Straße 🦀")))
    _ = try commit("2", .changeTask(TaskChange(id: task, title: "weave 🪡")))
    #expect(try find("strasse").count == 1 && find("🦀").count == 1 && find("🪡").count == 1)
    #expect(try find("🧵").isEmpty)
    func ledger(_ remark: String) -> Ledger {
      Ledger(
        phases: ["One", "Two"].map { name in
          let entries = ["Łódź", "Ełk"].map {
            Ledger.Entry("\($0) \(name)", status: .pending, remark: remark)
          }
          return Ledger.Phase(name, groups: [Ledger.Group(.entries(entries))])
        })
    }
    _ = try commit("3", .addToLedger(LedgerDraft(ledger: ledger("🟡"), source: .import)))
    #expect(try find("lodz").count == 2 && find("🟡").count == 4)
    _ = try commit("4", .addToLedger(LedgerDraft(ledger: ledger("🟢"), source: .import)))
    #expect(try find("elk").count == 2 && find("🟢").count == 4 && find("🟡").isEmpty)
  }

  @Test func whatComesFromElsewhere_hasItsWords() throws {
    let vault = VaultReference(id: "v", name: "v")
    func pull(_ title: String) throws {
      var fields = TaskFields()
      fields.title = title
      _ = try database.pull(
        [
          RemoteTask(
            vaultID: "01TASK", fields: fields, isDone: false, source: .cc, createdAt: 1,
            completedAt: nil, markers: [])
        ], from: vault, at: Self.now, lag: .zero)
    }
    try pull("Straße 🦀")
    #expect(try find("strasse").count == 1 && find("🦀").count == 1)
    try pull("Łódź 🪡")
    #expect(try find("lodz").count == 1 && find("🪡").count == 1 && find("🦀").isEmpty)
    try database.pullCheckpoint(
      from: vault, vaultID: "01CHECK", markers: [], objective: "ёлка 🎄", searchText: "größte",
      body: "{}", createdAt: 1)
    #expect(try find("елка").count == 1 && find("🎄").count == 1 && find("grosste").count == 1)
    let file = MessageFile(
      key: "k", path: "/x/a-to-b-c.md", sender: "a", recipient: "b", topic: nil, objective: "Æther",
      body: "# Handoff: 🧶", writtenAt: 1, id: nil)
    _ = try database.claimMessage(
      for: ["b"], in: .named("loom"), files: [file], requestID: "t", at: Self.now)
    #expect(try find("aether").count == 1 && find("🧶").count == 1)
  }
}
