import Core
import Foundation
import TestSupport
import Testing

/// `export`, `import`, `backup` and `restore`, as people call them.
@Suite(.blocking) struct InOutTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  private func file(_ name: String) -> String { place.path + "/" + name }

  private func bytes(_ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: file(name)))
  }

  private func mode(_ name: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: file(name))[.posixPermissions] as? Int
  }

  /// Something of everything, by the verbs that make it.
  private func fill() throws {
    place.environment["MEMORYD_VAULT_URL"] = "http://127.0.0.1:9/mcp"
    place.environment["MEMORYD_VAULT_TOKEN"] = "tok-5f0c9d1e7a3b42d68c1f-in-out"
    try place.git("init", "-q", "-b", "main")
    try place.append(
      Line.request("Move the retries into parseRetryAfter, never touch the server")
        + Line.call("Edit", ["file_path": "a.txt", "new_string": "b"]) + Line.reply("Done: 日本語"))
    try place.run("canary", input: place.hook("SessionStart", ["source": "startup"]))
    try place.run("task", "add", "one \u{2028} \u{1} \"two\"", "--context", "- [x] why")
    let id = try #require(
      try place.run("task", "add", "done soon", "--json").json()["id"] as? String)
    try place.run("task", "done", id)
    try place.run("task", "retro", "long ago", "--occurred-at", "2026-01-01T00:00:00Z")
    try place.run("decide", "use SQLite", "--rationale", "one file")
    try place.run("checkpoint", "--objective", "by hand", "--next", "more")
    try place.run("checkpoint", input: place.hook("PreCompact", ["trigger": "auto"]))
    try place.run("handoff", "--to", "main", "--topic", "review", "--note", "please look")
    try place.run("handoff", "--to", "main", "--topic", "later", "--note", "unread")
    try place.run("handoff", "take", environment: ["CLAUDE_CODE_SESSION_ID": "session-1"])
    try place.run("handoff", "--note", "for people")
    try place.run("ledger", "add", "exported it", "--phase", "1")
    try place.write(Self.lines(30), to: "corpus.jsonl")
    try place.run("import", file("corpus.jsonl"))
    try place.run("vault", "share", ".")
    _ = try place.sqlite(
      "INSERT INTO vault_items SELECT id, 'task', 'V1', (SELECT id FROM tasks), NULL, 1 FROM vaults"
    )
    _ = try place.sqlite("INSERT INTO entry_copies SELECT 'fork', min(number), 1, 0 FROM entries")
    let lines = try place.run("resume", "--explain", "--json").items()
    try place.run("wrong", try #require(lines.last?["id"] as? String))
    let release = try place.holdLock()
    try place.run("checkpoint", input: place.hook("Stop"))
    let spooled = try place.run("task", "add", "spooled", "--json").json()
    release()
    #expect(spooled["durability"] as? String == "spooled")
    try place.run("session", "end", input: place.hook("SessionEnd", ["reason": "other"]))
  }

  private static func lines(_ count: Int, from first: Int = 0) -> String {
    (first..<first + count).map {
      """
      {"id": "x/\($0)", "kind": "turn", "project": "a b/c", "session": "s/\($0 / 10)", \
      "position": \($0), "text": "line \($0) with word\($0 % 97)", "created_at": 17000000\($0 % 90 + 10)}

      """
    }.joined()
  }

  // MARK: Export

  @Test func export_isTheSameAfterAnImport() throws {
    try fill()
    let summary = try place.run("export", file("one.jsonl"), "--json").json()
    let rows = try #require(summary["rows"] as? [String: Int])
    for (table, count) in rows where table != "usage" {
      #expect(count > 0, "the store has \(table)")
    }
    #expect(try place.run("task", "list", "--json").output.contains("spooled"))
    #expect(try mode("one.jsonl") == 0o600)
    #expect(
      try place.run("export", "-").output == String(decoding: bytes("one.jsonl"), as: UTF8.self))

    let other = ["MEMORYD_HOME": file("other")]
    let back = try place.run("import", file("one.jsonl"), "--json", environment: other).json()
    #expect(back["format"] as? String == "memoryd/export/1")
    #expect(back["added"] as? Int == rows.values.reduce(0, +))
    try place.run("export", file("two.jsonl"), environment: other)
    #expect(try bytes("one.jsonl") == bytes("two.jsonl"))
    // What was found before is found there.
    for query in ["parse retry", "unread", "exported", "spooled", "word7"] {
      let here = try place.run("search", query, "--json")
      #expect(try !here.items().isEmpty, "\(query)")
      #expect(try place.run("search", query, "--json", environment: other).output == here.output)
    }
    let ids = try place.run("outbox", "list", "--json", environment: other).output
    #expect(try ids == place.run("outbox", "list", "--json").output)
    // By way of standard input.
    let third = ["MEMORYD_HOME": file("third")]
    let piped = try place.start(["import", "-"], input: bytes("one.jsonl"), environment: third)
      .finish()
    #expect(piped.status == 0)
    try place.run("export", file("three.jsonl"), environment: third)
    #expect(try bytes("one.jsonl") == bytes("three.jsonl"))
  }

  @Test func export_ofAnotherSchemaOrCutOff_isRefused() throws {
    try place.run("task", "add", "kept")
    try place.run("export", file("one.jsonl"))
    let text = String(decoding: try bytes("one.jsonl"), as: UTF8.self)
    let again = try place.run("import", file("one.jsonl"))
    #expect(again.status == 73 && again.errorOutput.contains("not empty"))
    #expect(again.errorOutput.contains("--home"))
    #expect(try place.run("task", "list", "--json").items().count == 1)

    let empty = ["MEMORYD_HOME": file("empty")]
    func refused(_ text: String, _ status: Int32, _ what: String) throws {
      try place.write(text, to: "bad.jsonl")
      let result = try place.run("import", file("bad.jsonl"), environment: empty)
      #expect(result.status == status && result.errorOutput.contains(what), "\(result.errorOutput)")
    }
    func changed(_ old: String, _ new: String) -> String { text.replacing(old, with: new) }
    let schema = try #require(text.firstMatch(of: /"schema":\d+/).map { String($0.0) })
    try refused(changed(schema, #""schema":99"#), 78, "schema_too_new")
    try refused(changed(schema, #""schema":1"#), 78, "schema_too_old")
    try refused(changed("memoryd/export/1", "memoryd/export/2"), 65, "not known")
    try refused(String(text.dropLast(200)), 65, "line ")
    let lines = text.split(separator: "\n")
    try refused(lines.dropLast().joined(separator: "\n"), 65, "not whole")
    try refused(changed(#""status":"open""#, #""status":"odd""#), 65, "does not fit")
    #expect(try place.run("task", "list", "--json", environment: empty).items().isEmpty)
    #expect(try place.run("import", file("one.jsonl"), environment: empty).status == 0)
  }

  @Test func targets_thatAreThereOrCannotBeWritten() throws {
    try place.run("task", "add", "kept")
    for verb in ["export", "import", "backup", "restore"] {
      #expect(try place.run(verb, file("new"), "--project", "p").status == 64)
    }
    for verb in ["export", "backup"] {
      try place.write("mine", to: "target")
      let refused = try place.run(verb, file("target"))
      #expect(refused.status == 73 && refused.errorOutput.contains("--force"))
      #expect(try bytes("target") == Data("mine".utf8))
      symlink("target", file("link-" + verb))
      #expect(try place.run(verb, file("link-" + verb)).status == 73)
      #expect(try place.run(verb, file("link-" + verb), "--force").status == 0)
      #expect(try bytes("target").count > 100)
      let link = try FileManager.default.destinationOfSymbolicLink(atPath: file("link-" + verb))
      #expect(link == "target")
      symlink("nowhere", file("dangling-" + verb))
      #expect(try place.run(verb, file("dangling-" + verb)).status == 73)
      // Neither a folder, nor a device, nor the store.
      #expect(try place.run(verb, place.path, "--force").status == 73)
      #expect(try place.run(verb, "/dev/null", "--force").status == 73)
      #expect(try place.run(verb, place.home + "/memory.db", "--force").status == 65)
      #expect(try place.run(verb, file("nowhere/file")).status != 0)
      // Nobody may write there, not even root.
      let readOnly = try place.run(verb, "/sys/file")
      #expect(readOnly.status == 73 && readOnly.errorOutput.contains("[read_only]"))
    }
    #expect(try place.sqlite("PRAGMA integrity_check") == "ok")
    let names = try FileManager.default.contentsOfDirectory(atPath: place.path)
    #expect(!names.contains { $0.contains(".tmp-") })
  }

  // MARK: Import

  @Test(arguments: [("dialogue-dev", 1451), ("code-dev", 6267)])
  func realCorpus_comesBackUnderItsIDs(name: String, count: Int) throws {
    let corpus = VaultPeer.root + "/../shared/data/retrieval/\(name)/corpus.jsonl"
    guard FileManager.default.fileExists(atPath: corpus) else { return }
    let first = try place.run("import", corpus, "--json").json()
    #expect(first["added"] as? Int == count && first["skipped"] as? Int == 0)
    let second = try place.run("import", corpus, "--json").json()
    #expect(second["added"] as? Int == 0 && second["unchanged"] as? Int == count)
    #expect(try place.sqlite("SELECT count(DISTINCT source_id) FROM entries") == "\(count)")
    let project = name == "code-dev" ? "code" : "conv-26"
    let hits = try place.run("search", "support group", "--project", project, "--json").items()
    #expect(!hits.isEmpty)
    for hit in hits {
      #expect(hit["project"] as? String == project)
      #expect((hit["source_id"] as? String)?.hasPrefix(project + "/") == true)
    }
  }

  @Test func names_areTakenLiterally() throws {
    try place.write(
      """
      \u{FEFF}{"id": "1", "text": "alpha", "project": "my org/some repo", "session": "s 1/2"}
      {"id": "2", "text": "alpha", "project": "repo", "created_at": 1700000000, "format": "pdf"}\r

      {"id": "3", "text": "alpha beta", "created_at": 1700000000123, "kind": null, "extra": [1, {}]}
      {"id": "4", "text": "alpha", "created_at": "2026-01-14T15:18:07+02:00", "title": "T"}
      """, to: "a.jsonl")
    let result = try place.run("import", file("a.jsonl"))
    #expect(result.status == 0 && result.output == "4 added, 0 updated, 0 unchanged\n")
    #expect(result.errorOutput.isEmpty)
    let hits = try place.run("search", "alpha", "--project", "my org/some repo", "--json").items()
    #expect(hits.map { $0["source_id"] as? String } == ["1"])
    #expect(hits.first?["project"] as? String == "my org/some repo")
    #expect(hits.first?["session"] as? String == "s 1/2")
    let all = try place.run("search", "alpha", "--json").items()
    let times = Dictionary(
      uniqueKeysWithValues: all.map { ($0["source_id"] as? String, $0["created_at"] as? String) })
    #expect(times["2"] == "2023-11-14T22:13:20.000Z")
    #expect(times["3"] == "2023-11-14T22:13:20.123Z")
    #expect(times["4"] == "2026-01-14T13:18:07.000Z")
    // Another text for a known id.
    try place.write(#"{"id": "3", "text": "gamma"}"#, to: "b.jsonl")
    let second = try place.run("import", file("b.jsonl"), "--json").json()
    #expect(second["updated"] as? Int == 1 && second["added"] as? Int == 0)
    #expect(try place.run("search", "beta", "--json").items().isEmpty)
    #expect(try place.run("search", "gamma", "--json").items().count == 1)
  }

  @Test func badLines_areNamedAndLeftOut() throws {
    var data = Data(
      """
      {"id": "1", "text": "good"}
      not json
      ["an array"]
      {"id": "2"}
      {"text": "no id"}
      {"id": 7, "text": "x"}
      {"id": "3", "text": ["x"]}
      {"id": "4", "text": "x", "position": "first"}
      {"id": "5", "text": "x", "created_at": "yesterday"}
      {"id": "6", "text": "x", "created_at": 1e300}
      {"id": "7", "text": "x"} {"id": "8", "text": "y"}
      {"id": "9", "text": "x"

      """.utf8)
    data += Data(#"{"id": "10", "text": ""#.utf8) + [0xFF, 0xC3] + Data("\"}\n".utf8)
    data += Data(#"{"id": "11", "text": "\#(String(repeating: "x", count: 70 << 20))"}"#.utf8)
    data += Data("\n".utf8) + Data(#"{"id": "12", "text": "also good"}"#.utf8)
    try data.write(to: URL(fileURLWithPath: file("bad.jsonl")))
    let strict = try place.run("import", file("bad.jsonl"), "--strict")
    #expect(strict.status == 65 && strict.output.isEmpty)
    #expect(strict.errorOutput.contains("13 lines are no entries, so nothing was taken in"))
    #expect(try place.run("search", "good", "--json").items().isEmpty)

    let text = try place.run("import", file("bad.jsonl"))
    #expect(text.status == 0 && text.output.hasPrefix("2 added"))
    for (line, reason) in [
      (2, "not JSON at byte 2"), (3, "not an object"), (4, "no text"), (5, "no id"),
      (6, "id is not a string"), (7, "text is not a string"), (8, "position is not"),
      (9, "created_at is not RFC 3339"), (10, "out of range"), (11, "more text"),
      (12, "ends too early"), (13, "not UTF-8"), (14, "longer than 64 MiB"),
    ] {
      #expect(text.errorOutput.contains("  line \(line): "), "\(line)")
      #expect(text.errorOutput.contains(reason), "\(reason)")
    }
    let json = try place.run("import", file("bad.jsonl"), "--json").json()
    #expect(json["skipped"] as? Int == 13 && json["unchanged"] as? Int == 2)
    let errors = try #require(json["errors"] as? [[String: Any]])
    #expect(errors.compactMap { $0["line"] as? Int } == Array(2...14))
    #expect(try place.run("import", file("missing.jsonl")).status == 66)
    #expect(try place.run("import", place.path).status == 74)
    // Many of them: not all are shown.
    try place.write(String(repeating: "no\n", count: 5000), to: "no.jsonl")
    let many = try place.run("import", file("no.jsonl"))
    #expect(many.errorOutput.split(separator: "\n").count == 102)
    #expect(many.errorOutput.contains("and 4900 more"))
  }

  @Test func aLineOfManyMegabytes_goesInAndOutAgain() throws {
    let megabytes = TestScale.isWhole ? 50 : 20
    let text = String(repeating: "many words \\n", count: megabytes * 84_000)
    try place.write(#"{"id": "big", "text": "\#(text)"}"# + "\n", to: "big.jsonl")
    #expect(try bytes("big.jsonl").count > megabytes * 1_000_000)
    #expect(try place.run("import", file("big.jsonl")).output.hasPrefix("1 added"))
    #expect(try place.run("import", file("big.jsonl")).output.hasSuffix("1 unchanged\n"))
    try place.run("export", file("one.jsonl"))
    let other = ["MEMORYD_HOME": file("other")]
    #expect(try place.run("import", file("one.jsonl"), environment: other).status == 0)
    try place.run("export", file("two.jsonl"), environment: other)
    #expect(try bytes("one.jsonl") == bytes("two.jsonl"))
  }

  @Test func killedImport_isCompletedByTheNext() throws {
    let count = TestScale.isWhole ? 60_000 : 24_000
    try place.run("status")
    try place.write(Self.lines(count), to: "large.jsonl")
    var seen = 0
    for _ in 0..<20 where seen < count / 2 {
      let process = try place.start(["import", file("large.jsonl")])
      // Killed once some batches more are there.
      let end = ContinuousClock.now + .seconds(20)
      var stored = seen
      while stored < seen + 4000, process.process.isRunning, ContinuousClock.now < end {
        usleep(20_000)
        stored = Int((try? place.sqlite("SELECT count(*) FROM entries")) ?? "") ?? seen
      }
      kill(process.process.processIdentifier, SIGKILL)
      _ = process.finish()
      let now = try #require(Int(try place.sqlite("SELECT count(*) FROM entries")))
      #expect(now >= stored, "what was there stays")
      seen = now
    }
    #expect(seen > 0 && seen < count)
    #expect(try place.sqlite("PRAGMA integrity_check") == "ok")
    let last = try place.run("import", file("large.jsonl"), "--json").json()
    #expect(last["unchanged"] as? Int == seen && last["added"] as? Int == count - seen)
    #expect(try place.sqlite("SELECT count(DISTINCT source_id) FROM entries") == "\(count)")
    #expect(
      try place.sqlite("INSERT INTO entries_fts(entries_fts) VALUES ('integrity-check')").isEmpty)
    // Killed anywhere, a strict import and that of an export leave all or nothing.
    try place.run("export", file("all.jsonl"))
    for arguments in [["import", "--strict", file("large.jsonl")], ["import", file("all.jsonl")]] {
      let home = ["MEMORYD_HOME": file("home-" + UUID().uuidString)]
      let process = try place.start(arguments, environment: home)
      usleep(500_000)
      kill(process.process.processIdentifier, SIGKILL)
      _ = process.finish()
      let copy = file("copy-" + UUID().uuidString)
      let facts = try place.run("backup", copy, "--json", environment: home).json()
      let stored = (facts["rows"] as? [String: Int])?["entries"]
      #expect(stored == 0 || stored == count)
      if stored == 0 {
        #expect(try place.start(arguments, environment: home).finish().status == 0)
      }
    }
  }

  // MARK: Backup and restore

  @Test func backupWhileOthersWrite_isWhole() async throws {
    try place.run("task", "add", "first")
    let environment = place.environment
    let repository = place.repository
    let writers = (0..<2).map { worker in
      Task.detached { () -> [String] in
        var titles: [String] = []
        while !Task.isCancelled {
          let title = "task \(worker)-\(titles.count)"
          let result = try MemorydProcess(
            ["task", "add", title], input: nil, environment: environment, cwd: repository
          ).finish()
          if result.status == 0 { titles.append(title) }
        }
        return titles
      }
    }
    for number in 0..<8 {
      let before = try place.run("task", "list", "--json").items().count
      let result = try place.run("backup", file("copy-\(number)"), "--json")
      #expect(result.status == 0, "\(result.errorOutput)")
      let rows = try #require(try result.json()["rows"] as? [String: Int])
      #expect(try mode("copy-\(number)") == 0o600)
      #expect(try #require(rows["tasks"]) >= before)
      let copy = ["MEMORYD_HOME": file("restored-\(number)")]
      #expect(try place.run("restore", file("copy-\(number)"), environment: copy).status == 0)
      #expect(
        try place.run("task", "list", "--json", environment: copy).items().count == rows["tasks"])
      // Each task has all that was written with it.
      #expect(rows["tasks"] == rows["requests"] && rows["tasks"] == rows["outbox"])
      #expect(rows["tasks"] == rows["entries"])
    }
    var titles: Set<String> = ["first"]
    for writer in writers {
      writer.cancel()
      titles.formUnion(try await writer.value)
    }
    let stored = try place.run("task", "list", "--json").items().compactMap {
      $0["title"] as? String
    }
    #expect(Set(stored) == titles && stored.count == titles.count)
  }

  @Test func restore_whileOthersWrite_losesNothing() async throws {
    try place.run("task", "add", "first")
    try place.run("backup", file("copy"))
    let environment = place.environment
    let repository = place.repository
    let writer = Task.detached { () -> [String] in
      var titles: [String] = []
      while !Task.isCancelled {
        let title = "task \(titles.count)"
        let result = try MemorydProcess(
          ["task", "add", title], input: nil, environment: environment, cwd: repository
        ).finish()
        if result.status == 0 { titles.append(title) }
      }
      return titles
    }
    var kept: [String] = []
    for _ in 0..<6 {
      let result = try place.run("restore", file("copy"), "--force", "--json")
      #expect(result.status == 0, "\(result.errorOutput)")
      if let path = try result.json()["kept"] as? String { kept.append(path) }
    }
    writer.cancel()
    let acknowledged = Set(try await writer.value)
    var found: Set<String> = []
    for path in [place.home + "/memory.db"] + kept {
      let home = ["MEMORYD_HOME": file("look-" + UUID().uuidString)]
      if path != place.home + "/memory.db" {
        #expect(try place.run("restore", path, environment: home).status == 0)
      }
      let look = path == place.home + "/memory.db" ? [:] : home
      let items = try place.run("task", "list", "--json", environment: look).items()
      found.formUnion(items.compactMap { $0["title"] as? String })
    }
    #expect(acknowledged.isSubset(of: found))
    #expect(try place.sqlite("PRAGMA integrity_check") == "ok")
  }

  @Test func killedRestore_leavesOneStoreOrTheOther() throws {
    try place.write(Self.lines(5000), to: "many.jsonl")
    try place.run("import", file("many.jsonl"))
    try place.run("backup", file("copy"))
    try place.write(Self.lines(5000, from: 5000), to: "more.jsonl")
    try place.run("import", file("more.jsonl"))
    try place.run("backup", file("both"))
    let clock = ContinuousClock()
    let usual = try clock.measure { try place.run("restore", file("both"), "--force") }
    let span = Double(usual.components.attoseconds) / 1e18 + Double(usual.components.seconds)
    for number in 0..<25 {
      let process = try place.start(["restore", file(number % 2 == 0 ? "copy" : "both"), "--force"])
      usleep(UInt32.random(in: 0...UInt32(span * 1_100_000)))
      kill(process.process.processIdentifier, SIGKILL)
      _ = process.finish()
      let count = try place.sqlite("SELECT count(*) FROM entries")
      #expect(count == "5000" || count == "10000")
    }
    #expect(try place.sqlite("PRAGMA integrity_check") == "ok")
    #expect(try place.run("restore", file("copy"), "--force").status == 0)
    #expect(try place.sqlite("SELECT count(*) FROM entries") == "5000")
    #expect(!FileManager.default.fileExists(atPath: place.home + "/memory.db.restoring"))
  }

  @Test func restore_refusesWhatIsNoBackupOrHasADaemon() throws {
    try place.run("task", "add", "kept")
    try place.run("backup", file("copy"))
    try place.run("export", file("export.jsonl"))
    let text = try place.run("restore", file("export.jsonl"), "--force")
    #expect(text.status == 65 && text.errorOutput.contains("memoryd import"))
    #expect(try place.run("restore", file("missing")).status == 66)
    #expect(try place.run("restore", file("copy")).status == 73)
    #expect(try place.run("restore", place.home + "/memory.db", "--force").status == 65)
    var damaged = try bytes("copy")
    damaged.replaceSubrange(8192..<40_000, with: Data(repeating: 0x5A, count: 40_000 - 8192))
    try damaged.write(to: URL(fileURLWithPath: file("damaged")))
    #expect(try place.run("restore", file("damaged"), "--force").status == 74)
    let daemon = try DaemonPeer(place)
    let refused = try place.run("restore", file("copy"), "--force")
    #expect(refused.status == 75 && refused.errorOutput.contains("already_running"))
    // All others go on beside it.
    #expect(try place.run("backup", file("beside")).status == 0)
    try place.write(Self.lines(3), to: "three.jsonl")
    #expect(try place.run("import", file("three.jsonl")).output.hasPrefix("3 added"))
    #expect(try !place.run("search", "word1", "--json").items().isEmpty)
    _ = daemon.stop()
    #expect(try place.run("restore", file("copy"), "--force").status == 0)
    // A damaged store is no reason not to.
    for name in ["memory.db", "memory.db-wal"] {
      try Data(repeating: 0x41, count: 9000).write(
        to: URL(fileURLWithPath: place.home + "/" + name))
    }
    let spooled = try place.run("task", "add", "meanwhile", "--json").json()
    #expect(spooled["durability"] as? String == "spooled")
    #expect(try place.run("restore", file("copy")).status == 73)
    #expect(try place.run("restore", file("copy"), "--force").status == 0)
    let titles = try place.run("task", "list", "--json").items().compactMap {
      $0["title"] as? String
    }
    #expect(Set(titles) == ["kept", "meanwhile"])
  }

  @Test func restored_looksBeforeItSends() throws {
    let vault = try VaultPeer()
    place.use(vault)
    try vault.break_("refused")
    try place.run("task", "add", "sent once")
    try place.run("backup", file("copy"))
    try place.run("export", file("export.jsonl"))
    try vault.heal()
    let environment = ["MEMORYD_VAULT_READ_LAG_MS": "0"]
    try place.run("sync", environment: environment)
    #expect(try vault.state().tasks.count == 1)
    // In its own folder, and in one that has never seen the vault.
    try place.run("restore", file("copy"), "--force")
    try place.run("sync", environment: environment)
    var other = environment
    other["MEMORYD_HOME"] = file("other")
    try place.run("restore", file("copy"), environment: other)
    try place.run("sync", environment: other)
    other["MEMORYD_HOME"] = file("third")
    try place.run("import", file("export.jsonl"), environment: other)
    try place.run("sync", environment: other)
    #expect(try vault.state().tasks.count == 1)
    #expect(try place.run("outbox", "list", "--json", environment: other).items().isEmpty)
  }
}
