import Checkpoints
import Foundation
import TestSupport
import Testing

/// `memoryd handoff`, as people and agents call it.
@Suite(.blocking) struct HandoffTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  private static let document = """
    # HANDOFF: retries

    ## Still TODO

    - [ ] Honour `Retry-After`
    - [x] Fake clock

    ## Weird heading

    | a | b |
    |---|---|
    | 1 | 2 |

    """

  @Test func read_keepsTheDocumentAndTellsWhatItHolds() throws {
    try place.write(Self.document, to: "old.md")
    let text = try place.run("handoff", "read", place.path + "/old.md")
    #expect(text.status == 0 && text.output == Self.document)
    let json = try place.run("handoff", "read", place.path + "/old.md", "--json").json()
    #expect(json["objective"] as? String == "retries")
    #expect(json["done"] as? [String] == ["Fake clock"])
    let next = json["next"] as? [[String: Any]]
    #expect(next?.map { $0["text"] as? String } == ["Honour Retry-After"])
    #expect((json["notes"] as? [String])?.first?.contains("| 1 | 2 |") == true)
    let piped = try place.start(
      ["handoff", "read", "-", "--json"], input: Data(Self.document.utf8)
    ).finish()
    #expect(try piped.json()["objective"] as? String == "retries")
    let html = try place.run("handoff", "read", place.path + "/old.md", "--format", "html").output
    #expect(html.contains("<h2>Still TODO</h2>"))
  }

  @Test func read_ofBadInput_saysSo() throws {
    #expect(try place.run("handoff", "read", "missing.md").status == 66)
    #expect(try place.run("handoff", "read", ".").status != 0)
    let garbage = Data((0..<100_000).map { _ in UInt8.random(in: 0...255) })
    let read = try place.run(["handoff", "read", "-", "--json"], input: garbage)
    #expect(read.status == 0)
    #expect(try read.json()["objective"] as? String != nil)
    let huge = Data(repeating: 0x78, count: (16 << 20) + 1)
    try huge.write(to: URL(fileURLWithPath: place.path + "/huge.md"))
    let refused = try place.run("handoff", "read", place.path + "/huge.md")
    #expect(refused.status == 65 && refused.errorOutput.contains("large"))
  }

  // MARK: Writing

  private func repository() throws {
    try place.git("init", "-q", "-b", "main")
    try "a".write(toFile: place.repository + "/a.txt", atomically: true, encoding: .utf8)
    try place.git("add", ".")
    try place.git("commit", "-q", "-m", "First commit")
    try "b".write(toFile: place.repository + "/a.txt", atomically: true, encoding: .utf8)
    try place.append(
      Line.request("Move the retries into the client, never touch the server")
        + Line.call(
          "TodoWrite",
          [
            "todos": [
              ["content": "write the test", "status": "completed", "activeForm": "w"],
              ["content": "write the docs", "status": "pending", "activeForm": "w"],
            ]
          ])
        + Line.call("Edit", ["file_path": "a.txt", "new_string": "b"]))
  }

  private var files: [String] {
    let names = try? FileManager.default.contentsOfDirectory(atPath: place.repository + "/.handoff")
    return (names ?? []).sorted()
  }

  private func start(_ session: String = "session-1") throws {
    try place.run(
      "canary", input: place.hook("SessionStart", ["source": "startup", "session_id": session]))
  }

  @Test func write_makesADocumentThatTheNextSessionIsToldOf() throws {
    try repository()
    try start()
    try place.run("task", "add", "Rotate the keys")
    try place.run(
      "decide", "Full jitter", "--rationale", "no herd",
      environment: ["CLAUDE_CODE_SESSION_ID": "session-1"])
    // What came since the last hook is read too.
    try place.append(Line.call("Bash", ["command": "swift test"]))
    let written = try place.run(
      "handoff", "--note", "# Mind\n\nthe *clock*", "--json",
      environment: ["CLAUDE_CODE_SESSION_ID": "session-1"])
    let json = try written.json()
    #expect(written.status == 0 && json["durability"] as? String == "stored")
    #expect(json["kind"] as? String == "handoff" && json["vault"] as? String == "off")
    let path = try #require(json["path"] as? String)
    let name = (path as NSString).lastPathComponent
    #expect(name.wholeMatch(of: /\d{4}-\d\d-\d\d-\d\d-\d\d\.md/) != nil)
    let document = try String(contentsOfFile: path, encoding: .utf8)
    #expect(document == json["document"] as? String)
    let read = try place.run("handoff", "read", path, "--json").json()
    #expect(
      read["objective"] as? String == "Move the retries into the client, never touch the server")
    #expect(read["done"] as? [String] == ["write the test"])
    #expect((read["next"] as? [[String: Any]])?.map { $0["text"] as? String } == ["write the docs"])
    #expect(
      (read["open_tasks"] as? [[String: Any]])?.first?["title"] as? String == "Rotate the keys")
    #expect((read["decisions"] as? [[String: Any]])?.first?["rationale"] as? String == "no herd")
    #expect((read["commits"] as? [[String: Any]])?.first?["subject"] as? String == "First commit")
    #expect(
      (read["files"] as? [[String: Any]])?.map { $0["note"] as? String } == [
        "modified, uncommitted; edited"
      ])
    let notes = try #require((read["notes"] as? [String])?.first)
    #expect(notes.hasPrefix("### Mind\n\nthe *clock*\n\n### Last requests"))
    #expect(notes.contains("never touch the server") && notes.contains("swift test"))
    #expect(read["session"] as? String == "session-1" && read["branch"] as? String == "main")
    // A checkpoint was taken first, and both can be found.
    let checkpoints = try place.run("checkpoint", "list", "--json").items()
    #expect(checkpoints.map { $0["trigger"] as? String } == ["handoff"])
    #expect(checkpoints[0]["id"] as? String == json["checkpoint"] as? String)
    let id = try #require(json["id"] as? String)
    let hits = try place.run("search", "clock", "--kind", "handoff", "--json").items()
    #expect(hits.map { $0["id"] as? String } == [id])
    #expect(try place.run("handoff", "show").output == document)
    #expect(
      try place.run("handoff", "show", String(id.prefix(12)), "--format", "html").output
        .hasPrefix("<!doctype html>"))
    #expect(try place.context("startup", session: "session-2").contains(".handoff/\(name)"))
  }

  @Test func write_neverOverwrites() throws {
    try repository()
    for _ in 0..<3 { try place.run("handoff") }
    // Two minutes at the most.
    #expect(files.count == 3)
    #expect(try place.run("handoff", "list", "--json").items().count == 3)
    try place.write("mine", to: "mine.md")
    let refused = try place.run("handoff", "--out", place.path + "/mine.md")
    #expect(refused.status == 73 && refused.errorOutput.contains("there already"))
    #expect(try String(contentsOfFile: place.path + "/mine.md", encoding: .utf8) == "mine")
    let out = try place.run("handoff", "--out", "-")
    #expect(out.output.hasPrefix("---\nmemoryd: handoff/1\n") && files.count == 3)
    try place.run("handoff", "--out", "x.html", "--format", "html")
    let page = try String(contentsOfFile: place.repository + "/x.html", encoding: .utf8)
    #expect(page.contains("<h1>Handoff"))
  }

  @Test func amend_addsToTheLastOneAndKeepsHandEdits() throws {
    try repository()
    #expect(try place.run("handoff", "--amend", "--note", "x").status == 66)
    try place.run("handoff")
    let path = place.repository + "/.handoff/" + files[0]
    var text = try String(contentsOfFile: path, encoding: .utf8)
    text = text.replacing("## Commits", with: "## Mine\n\nby *hand*\n\n## Commits")
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    let added = try place.start(
      ["handoff", "--amend", "--note", "-"], input: Data("why: because\n".utf8)
    ).finish()
    #expect(added.status == 0 && files.count == 1)
    let now = try String(contentsOfFile: path, encoding: .utf8)
    #expect(now.contains("## Mine\n\nby *hand*\n") && now.contains("why: because"))
    #expect(try place.run("handoff", "show").output == now)
    #expect(try place.run("handoff", "list", "--json").items().count == 1)
    #expect(try place.run("handoff", "--amend").status == 64)
  }

  @Test func write_holdsNoSecrets() throws {
    try repository()
    let secret = "ghp_" + String(repeating: "aB3", count: 12)
    try place.git("commit", "-q", "-a", "-m", "use \(secret)")
    try place.run("handoff", "--note", "token \(secret) <private>hidden words</private>")
    let text = try String(
      contentsOfFile: place.repository + "/.handoff/" + files[0], encoding: .utf8)
    #expect(!text.contains(secret) && !text.contains("hidden words"))
    #expect(!text.replacing("\\", with: "").contains(secret))
  }

  @Test func write_withoutAStore_isSpooledAndTakenInOnce() throws {
    try repository()
    try place.run("status")
    let schema = try place.sqlite("PRAGMA user_version")
    _ = try place.sqlite("PRAGMA user_version = 99")
    let written = try place.run("handoff", "--note", "kept anyway", "--json")
    #expect(written.status == 0)
    #expect(try written.json()["durability"] as? String == "spooled")
    #expect(files.count == 1)
    _ = try place.sqlite("PRAGMA user_version = \(schema)")
    let items = try place.run("handoff", "list", "--json").items()
    #expect(items.count == 1)
    #expect(try written.json()["id"] as? String == items[0]["id"] as? String)
    #expect(try place.run("search", "anyway", "--json").items().isEmpty == false)
  }

  @Test func write_asTheLastResort_goesToTheFallbackFileAndComesBack() throws {
    try repository()
    // A file where the folder should be: neither store nor spool can be there.
    try place.write("", to: "home")
    let written = try place.run("handoff", "--note", "kept -- <!-- anyway", "--json")
    #expect(written.status == 0)
    #expect(try written.json()["durability"] as? String == "fallback")
    let item = try place.run("ledger", "add", "Lost and found", "--phase", "One", "--json")
    #expect(try item.json()["durability"] as? String == "fallback")
    try FileManager.default.removeItem(atPath: place.home)
    let synced = try place.run("sync", "--json")
    #expect(synced.status == 0)
    let shown = try place.run("handoff", "list", "--json").items()
    #expect(shown.count == 1)
    #expect(try written.json()["id"] as? String == shown[0]["id"] as? String)
    let document = try place.run("handoff", "show", try #require(shown[0]["id"] as? String)).output
    #expect(document.contains("kept -- <!-- anyway"))
    let ledger = try place.run("ledger", "list", "--project", "repo", "--json").items()
    #expect(ledger.map { $0["item"] as? String } == ["Lost and found"])
    try place.run("sync")
    #expect(try place.run("handoff", "list", "--json").items().count == 1)
  }

  @Test func write_forASessionThatNobodyKnows_saysSo() throws {
    try repository()
    #expect(try place.run("handoff", "--session", "nope").status == 66)
    #expect(try place.run("session", "list", "--json").items().isEmpty && files.isEmpty)
    // One that no hook has told of is found where the agent keeps its transcripts.
    let id = "5f0c6a1e-3b52-4c1e-9d1b-7a64c1f0a2d9"
    let folder = place.path + "/.claude/projects/-x"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try String(contentsOfFile: place.transcript, encoding: .utf8).replacing("session-1", with: id)
      .write(toFile: "\(folder)/\(id).jsonl", atomically: true, encoding: .utf8)
    let written = try place.run("handoff", "--session", id, "--json").json()
    #expect((written["document"] as? String)?.contains("write the docs") == true)
  }

  /// What a repository puts in a handoff's place is neither read nor written.
  @Test(arguments: [false, true]) func amend_followsNoLinkToAnotherFile(isFolder: Bool) throws {
    try repository()
    try place.run("handoff")
    let name = files[0]
    let folder = place.repository + "/.handoff"
    let text = "# My diary\n\nPrivate: cerulean\n"
    try place.write(text, to: "private/" + name)
    if isFolder {
      rename(folder, place.path + "/aside")
      symlink(place.path + "/private", folder)
    } else {
      unlink(folder + "/" + name)
      symlink(place.path + "/private/" + name, folder + "/" + name)
    }
    let result = try place.run("handoff", "--amend", "--note", "a vermilion note", "--json")
    #expect(result.status == 0 && !result.output.contains("cerulean"))
    #expect(try String(contentsOfFile: place.path + "/private/" + name, encoding: .utf8) == text)
    let stored = try place.run("handoff", "show").output
    #expect(stored.contains("vermilion") && !stored.contains("cerulean"))
  }

  @Test func amend_keepsModeAndLinkAndLeavesMessagesAlone() throws {
    try repository()
    try place.run("handoff")
    let path = place.repository + "/.handoff/" + files[0]
    let real = place.path + "/real.md"
    try FileManager.default.moveItem(atPath: path, toPath: real)
    symlink(real, path)
    chmod(real, 0o644)
    try place.run("handoff", "--to", "bob", "--note", "hello")
    try place.run("handoff", "--amend", "--note", "afterthought")
    #expect(try String(contentsOfFile: real, encoding: .utf8).contains("afterthought"))
    let files = FileManager.default
    let own = try files.attributesOfItem(atPath: path)
    #expect(own[.type] as? FileAttributeType == .typeSymbolicLink)
    let mode = try files.attributesOfItem(atPath: real)[.posixPermissions] as? Int
    #expect(mode == 0o644)
    #expect(try !place.run("handoff", "take", "bob").output.contains("afterthought"))
    try place.run("handoff", "--amend", "--note", "another")
    #expect(try String(contentsOfFile: real, encoding: .utf8).contains("another"))
  }

  @Test func write_ofAnotherProject_takesNothingFromThisRepository() throws {
    try repository()
    let written = try place.run("handoff", "--project", "other", "--note", "n", "--json").json()
    #expect(written["path"] is NSNull && files.isEmpty)
    #expect((written["document"] as? String)?.contains("First commit") == false)
    #expect((written["document"] as? String)?.contains("a.txt") == false)
  }

  // MARK: Before a compaction

  @Test func preCompact_keepsAHandoffWithItsCheckpoint() throws {
    try repository()
    for event in ["PreCompact", "PreCompact", "PostCompact"] {
      let hook = try place.run("checkpoint", input: place.hook(event, ["trigger": "auto"]))
      #expect(hook.status == 0 && hook.output.isEmpty && hook.errorOutput.isEmpty)
    }
    let items = try place.run("handoff", "list", "--json").items()
    #expect(items.count == 1 && items[0]["trigger"] as? String == "pre-compact")
    let document = try place.run("handoff", "show").output
    #expect(document.contains("write the docs") && files.isEmpty)
    // The session itself has its recovery document; another one is told of it.
    #expect(try !place.context("compact").contains("Newest handoff"))
    #expect(try place.context("startup", session: "session-2").contains("memoryd handoff show"))
  }

  @Test func preCompact_writesAFileWhereTheSettingsSaySo() throws {
    try repository()
    let environment = ["MEMORYD_HANDOFF_ON_COMPACT": "file"]
    for _ in 0..<3 {
      try place.run("checkpoint", input: place.hook("PreCompact"), environment: environment)
    }
    #expect(files.count == 1)
    let path = try place.run("handoff", "list", "--json").items()[0]["path"] as? String
    #expect(path == place.repository + "/.handoff/" + files[0])
    try FileManager.default.removeItem(atPath: place.repository + "/.handoff")
    try "in the way".write(
      toFile: place.repository + "/.handoff", atomically: true, encoding: .utf8)
    try place.append(Line.call("Bash", ["command": "ls"]) + Line.request("and then go on with it"))
    try place.append(Line.call("Edit", ["file_path": "/x/y", "new_string": "b"]))
    let hook = try place.run(
      "checkpoint", input: place.hook("PreCompact", ["session_id": "session-9"]),
      environment: environment)
    #expect(hook.status == 0)
    #expect(
      try place.context("startup", session: "session-2").contains("the handoff is in the store"))
    try place.run(
      "checkpoint", input: place.hook("PreCompact", ["session_id": "session-8"]),
      environment: ["MEMORYD_HANDOFF_ON_COMPACT": "off"])
    #expect(try place.run("handoff", "list", "--json").items().count == 2)
  }

  // MARK: Messages

  @Test func messages_reachTheirReaderOnce() throws {
    try repository()
    try place.run(
      "handoff", "--to", "Bob", "--topic", "Retry stuff", "--from", "alice", "--note", "1")
    try place.run("handoff", "--to", "carol", "--note", "2")
    #expect(files == ["alice-to-bob-retry-stuff.md", "main-to-carol-handoff.md"])
    #expect(try place.run("handoff", "take").status == 66)
    let context = try place.context("startup")
    #expect(context.contains("Unread messages for other readers: Bob (1), carol (1)"))
    let taken = try place.run("handoff", "take", "bob", "--json").json()
    #expect(taken["from"] as? String == "alice" && taken["topic"] as? String == "Retry stuff")
    #expect((taken["document"] as? String)?.contains("## Notes\n\n1\n") == true)
    #expect(try place.run("handoff", "take", "--as", "bob").status == 66)
    #expect(files == ["main-to-carol-handoff.md", "read"])
    // Only one is left, and whoever has no name can only mean that.
    #expect(try place.run("handoff", "take").output.contains("## Notes\n\n2\n"))
    #expect(try place.run("handoff", "list", "--unread", "--json").items().isEmpty)
    #expect(try place.run("handoff", "list", "--json").items().count == 2)
  }

  @Test func messages_ofOthersThanMemoryd_areTakenFromTheirFiles() throws {
    try repository()
    let folder = place.repository + "/.handoff"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try "# Please look\n\nat this\n".write(
      toFile: folder + "/zed-to-session-1-review-it.md", atomically: true, encoding: .utf8)
    usleep(20_000)
    try "no heading".write(toFile: folder + "/zed-to-main-x.md", atomically: true, encoding: .utf8)
    try "notes".write(toFile: folder + "/notes.md", atomically: true, encoding: .utf8)
    let context = try place.context("startup")
    #expect(context.components(separatedBy: "Unread message from zed").count == 3)
    let environment = ["CLAUDE_CODE_SESSION_ID": "session-1"]
    let first = try place.run("handoff", "take", environment: environment)
    #expect(first.output == "# Please look\n\nat this\n")
    // Nothing can be moved in a folder that nobody may write, and nothing is handed over twice.
    chmod(folder, 0o500)
    #expect(try place.run("handoff", "take", environment: environment).output == "no heading")
    #expect(try place.run("handoff", "take", environment: environment).status == 66)
    chmod(folder, 0o700)
    #expect(try place.run("handoff", "take", environment: environment).status == 66)
    #expect(files == ["notes.md", "read"])
    let kept = try place.run("handoff", "list", "--json").items()
    #expect(kept.map { $0["topic"] as? String } == ["x", "review-it"])
    #expect(kept.allSatisfy { $0["trigger"] as? String == "received" })
    // Written anew, it is a new message.
    try "no heading".write(toFile: folder + "/zed-to-main-x.md", atomically: true, encoding: .utf8)
    #expect(try place.run("handoff", "take", environment: environment).status == 0)
  }

  @Test func messages_byTheirIDAndContent_areTheSameOrNot() throws {
    try repository()
    try place.run("handoff", "--to", "bob", "--topic", "x", "--from", "me", "--note", "first")
    let folder = place.repository + "/.handoff"
    // Changed by hand before it was read: the reader gets what it says now.
    var text = try String(contentsOfFile: folder + "/me-to-bob-x.md", encoding: .utf8)
    text += "\nby hand\n"
    try text.write(toFile: folder + "/me-to-bob-x.md", atomically: false, encoding: .utf8)
    #expect(try place.run("handoff", "take", "bob").output == text)
    #expect(try place.run("handoff", "take", "bob").status == 66)
    let kept = try place.run("handoff", "list", "--json").items()[0]
    #expect(kept["path"] as? String == folder + "/read/me-to-bob-x.md")
    // An answer that was made from a copy bears the same id, and is another message.
    try (text + "\nanswer\n").write(
      toFile: folder + "/bob-to-bob-y.md", atomically: true, encoding: .utf8)
    #expect(try place.run("handoff", "take", "bob").output.hasSuffix("answer\n"))
    // A handoff that somebody passes on by copying it is a message.
    try place.run("handoff")
    try FileManager.default.copyItem(
      atPath: folder + "/" + files[0], toPath: folder + "/me-to-bob-z.md")
    #expect(try place.run("handoff", "take", "bob").status == 0)
    // What git puts back is known by its id.
    try FileManager.default.copyItem(
      atPath: folder + "/read/me-to-bob-x.md", toPath: folder + "/me-to-bob-x.md")
    #expect(try place.run("handoff", "take", "bob").status == 66)
    #expect(!files.contains("me-to-bob-x.md"))
  }

  @Test func messages_doNotReachTheirWriter() throws {
    try repository()
    let writer = ["CLAUDE_CODE_SESSION_ID": "session-1"]
    let reader = ["CLAUDE_CODE_SESSION_ID": "session-2"]
    try place.run("handoff", "--to", "next", "--note", "hi", environment: writer)
    #expect(try place.run("handoff", "take", environment: writer).status == 66)
    #expect(try !place.context("startup").contains("Unread message"))
    #expect(try place.context("startup", session: "session-2").contains("Unread message from main"))
    #expect(try place.run("handoff", "take", environment: reader).output.contains("hi"))
  }

  @Test func sixteenTakersAtOnce_getEachMessageOnce() async throws {
    try repository()
    let count = 24
    for number in 0..<count where number % 2 == 0 {
      try place.run("handoff", "--to", "bob", "--topic", "n\(number)", "--note", "mark-\(number).")
    }
    for number in 0..<count where number % 2 == 1 {
      try "mark-\(number).".write(
        toFile: place.repository + "/.handoff/x-to-bob-n\(number).md", atomically: true,
        encoding: .utf8)
    }
    let environment = place.environment
    let repository = place.repository
    let outputs = try await withThrowingTaskGroup(of: [String].self) { group in
      for taker in 0..<16 {
        group.addTask {
          var outputs: [String] = []
          while outputs.count < count {
            // Some die in the middle, and ask again with the same request.
            let request = ["MEMORYD_REQUEST_ID": "taker \(taker) \(outputs.count)"]
            func start() throws -> MemorydProcess {
              try MemorydProcess(
                ["handoff", "take", "bob"], input: nil,
                environment: environment.merging(request) { $1 }, cwd: repository)
            }
            if (taker + outputs.count) % 3 == 0 {
              let doomed = try start()
              usleep(UInt32.random(in: 0...60_000))
              kill(doomed.process.processIdentifier, SIGKILL)
              _ = doomed.finish()
            }
            let taken = try start().finish()
            if taken.status == 66 { break }
            #expect(taken.status == 0)
            outputs.append(taken.output)
          }
          return outputs
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(outputs.count == count)
    for number in 0..<count {
      #expect(outputs.count { $0.contains("mark-\(number).") } == 1)
    }
    #expect(
      try place.sqlite("SELECT count(*) FROM handoffs WHERE taken_at IS NOT NULL") == "\(count)")
  }
}

/// `memoryd ledger`, as people and agents call it.
@Suite(.blocking) struct LedgerVerbTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  private static let shared = VaultPeer.root + "/../shared/data/ledger/"
  private static let isThere = FileManager.default.fileExists(atPath: shared)

  @Test(.enabled(if: isThere)) func realLedger_goesInAndOutWhole() throws {
    try place.git("init", "-q", "-b", "main")
    try place.git("commit", "-q", "--allow-empty", "-m", "First")
    let right = Self.shared + "completion-utf8.md"
    let imported = try place.run("ledger", "import", right, "--json").json()
    #expect(imported["items"] as? Int == 105 && imported["added"] as? Int == 105)
    #expect((imported["skipped"] as? [String])?.count == 4)
    let items = try place.run("ledger", "list", "--json").items()
    #expect(items.count == 105)
    func key(_ item: [String: Any]) -> String {
      ["phase", "section", "item", "status", "remark", "detail", "date"]
        .map { item[$0] as? String ?? "-" }.joined(separator: " | ")
    }
    // The other spelling gives the same, in a ledger of its own and on top of this one.
    let other = try Workplace()
    try other.run("ledger", "import", Self.shared + "completion-double-encoded.md")
    #expect(try other.run("ledger", "list", "--json").items().map(key) == items.map(key))
    let again = try place.run(
      "ledger", "import", Self.shared + "completion-double-encoded.md", "--json"
    ).json()
    #expect(again["added"] as? Int == 0 && again["changed"] as? Int == 0)
    let document = try place.run("ledger", "render").output
    try place.write(document, to: "LEDGER.md")
    let copy = try Workplace()
    try copy.run("ledger", "import", place.path + "/LEDGER.md")
    #expect(try copy.run("ledger", "render").output == document)
    let report = try place.run("ledger", "verify", "--json")
    #expect(report.status == 65)
    let counts = try #require(try report.json()["counts"] as? [String: Int])
    #expect(counts["missing"] == 20 && counts["verified"] == 0)
    #expect(counts.values.reduce(0, +) == 105)
    let notDone = try place.run("ledger", "list", "--status", "not-done", "--json").items()
    #expect(notDone.count == 3)
  }

  @Test func items_areAddedChangedAndVerified() throws {
    try place.git("init", "-q", "-b", "main")
    try place.git("commit", "-q", "--allow-empty", "-m", "First")
    let head = try String(
      contentsOfFile: place.repository + "/.git/refs/heads/main", encoding: .utf8
    ).trimmingCharacters(in: .whitespacesAndNewlines)
    #expect(try place.run("ledger", "render").status == 66)
    try place.run("ledger", "add", "A | b", "--phase", "One", "--status", "pending")
    try place.run("ledger", "add", "A | b", "--phase", "One", "--commit", String(head.prefix(9)))
    try place.run("ledger", "add", "Later", "--status", "deferred", "--reason", "no time")
    try place.run("ledger", "add", "No proof")
    let added = try place.run("task", "add", "From a task", "--json").json()
    let task = try #require(added["id"] as? String)
    try place.run("task", "done", task, "--ledger", "--commit", "b30c1e1")
    let items = try place.run("ledger", "list", "--json").items()
    #expect(items.map { $0["item"] as? String } == ["A | b", "Later", "No proof", "From a task"])
    #expect(items.allSatisfy { $0["phase"] as? String == "One" })
    #expect(items.map { $0["status"] as? String } == ["done", "deferred", "done", "done"])
    let report = try place.run("ledger", "verify", "--json")
    let verdicts = try report.items().map { $0["verdict"] as? String }
    #expect(verdicts == ["verified", "no_claim", "no_commit", "missing"])
    #expect(report.status == 65)
    let commit = (try report.items()[0]["commits"] as? [[String: Any]])?.first
    #expect(commit?["commit"] as? String == head && commit?["subject"] as? String == "First")
    try place.run("ledger", "add", "From a task", "--detail", "by hand")
    #expect(try place.run("ledger", "verify").status == 0)
    #expect(try place.run("ledger", "verify", "--strict").status == 65)
    #expect(try place.run("task", "done", task, "--commit", "x").status == 64)
    #expect(try place.run("ledger", "add", "x", "--status", "maybe").status == 64)
    #expect(try place.run("ledger", "add", " ").status == 65)
  }

  @Test func items_areUpdatedWhereTheyStand() throws {
    try place.run("ledger", "add", "A", "--phase", "One", "--date", "2026-01-01")
    try place.run("ledger", "add", "B", "--phase", "Two")
    try place.run("ledger", "add", "A", "--detail", "proof")
    let items = try place.run("ledger", "list", "--json").items()
    #expect(items.map { $0["phase"] as? String } == ["One", "Two"])
    #expect(items[0]["detail"] as? String == "proof" && items[0]["date"] as? String == "2026-01-01")
    #expect(try place.run("ledger", "verify", "--phase", "Three").status == 66)
  }

  @Test func handoff_addsWhatWasDoneToTheLedgerOnce() throws {
    try place.git("init", "-q", "-b", "main")
    let environment = ["CLAUDE_CODE_SESSION_ID": "session-1"]
    try place.run("checkpoint", "--action", "wrote the test", environment: environment)
    for _ in 0..<2 {
      let done = try place.run("handoff", "--ledger", environment: environment)
      #expect(done.output.contains("ledger: 1 item in it"))
      try place.run("ledger", "add", "Something else", "--phase", "Phase 9")
    }
    let items = try place.run("ledger", "list", "--json").items()
    #expect(items.map { $0["item"] as? String } == ["wrote the test", "Something else"])
  }

  @Test func changesByHand_areImportedBeforeTheFileIsRenewed() throws {
    try place.run("ledger", "add", "A", "--phase", "P", "--status", "pending")
    let path = place.path + "/LEDGER.md"
    try place.run("ledger", "render", "--out", path)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try text.replacing("🔄", with: "✅").write(toFile: path, atomically: true, encoding: .utf8)
    try place.run("ledger", "add", "B")
    let refused = try place.run("ledger", "render", "--out", path)
    #expect(refused.status == 73 && refused.errorOutput.contains("ledger import"))
    let imported = try place.run("ledger", "import", path, "--json").json()
    #expect(imported["changed"] as? Int == 1 && imported["added"] as? Int == 0)
    #expect(try place.run("ledger", "render", "--out", path).status == 0)
    let items = try place.run("ledger", "list", "--json").items()
    #expect(items.map { $0["status"] as? String } == ["done", "done"])
  }

  @Test func render_renewsItsOwnFileAndLeavesOthersAlone() throws {
    try place.run("ledger", "add", "One", "--phase", "P")
    let path = place.path + "/LEDGER.md"
    try place.run("ledger", "render", "--out", path)
    try place.run("ledger", "add", "Two")
    #expect(try place.run("ledger", "render", "--out", path).output.hasPrefix("wrote"))
    #expect(try place.run("ledger", "render", "--out", path).output.hasPrefix("unchanged"))
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(try place.run("ledger", "render").output == text)
    #expect(text.contains("| Two | ✅ |"))
    // With words of somebody's in it, it is left alone.
    try place.write(text + "\nMy words.\n", to: "LEDGER.md")
    try place.run("ledger", "add", "Three")
    let refused = try place.run("ledger", "render", "--out", path)
    #expect(refused.status == 73 && refused.errorOutput.contains("--force"))
    #expect(try String(contentsOfFile: path, encoding: .utf8).hasSuffix("My words.\n"))
    symlink(path, place.path + "/link.md")
    #expect(
      try place.run("ledger", "render", "--out", place.path + "/link.md", "--force").status == 0)
    #expect(try String(contentsOfFile: path, encoding: .utf8).contains("Three"))
    #expect(
      try String(contentsOfFile: path + ".before-memoryd", encoding: .utf8).hasSuffix("My words.\n")
    )
    let facts = try FileManager.default.attributesOfItem(atPath: place.path + "/link.md")
    #expect(facts[.type] as? FileAttributeType == .typeSymbolicLink)
  }

  @Test func import_ofBadInput_saysSo() throws {
    #expect(try place.run("ledger", "import", "missing.md").status == 66)
    try place.write("just words", to: "words.md")
    let refused = try place.run("ledger", "import", place.path + "/words.md")
    #expect(refused.status == 65 && refused.errorOutput.contains("no_ledger"))
    let garbage = Data((0..<200_000).map { _ in UInt8.random(in: 0...255) })
    #expect(try place.run(["ledger", "import", "-"], input: garbage).status == 65)
    #expect(try place.run("ledger", "verify").status == 66)
  }
}
