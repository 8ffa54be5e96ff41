import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Core
@testable import MemoryStore
@testable import Transcripts

/// What happened and how it ended, told by what stands in a transcript.
@Suite(.blocking) struct StoryTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func story(_ lines: String...) throws -> (lines: [ToldLine], digest: SessionDigest) {
    let reading = try Reading(try folder.file(UUID().uuidString + ".jsonl", lines.joined()))
    return (StoryLines(reading.digest).lines, reading.digest)
  }

  private func bash(_ command: String, _ output: String, isError: Bool = false) -> String {
    let id = UUID().uuidString
    return Line.call("Bash", ["command": command], id: id)
      + Line.result(id: id, output, isError: isError)
  }

  private func edit(_ path: String, _ old: String, _ new: String) -> String {
    let id = UUID().uuidString
    return Line.call(
      "Edit", ["file_path": path, "old_string": old, "new_string": new], id: id)
      + Line.result(id: id, "The file has been updated.")
  }

  private func texts(_ lines: [ToldLine], _ part: DocumentPart) -> [String] {
    lines.filter { $0.part == part }.map(\.text)
  }

  // MARK: Decisions

  @Test func shortReply_isJoinedWithTheOptionsItTakes() throws {
    let (lines, digest) = try story(
      Line.request("how shall the tide tables be cached"),
      Line.reply(
        """
        There are two ways:

        | way | cost |
        |---|---|
        | A. keep them in memory | lost at a restart |
        | B. write them to a file — survives a restart | one more file |

        I recommend B because a restart is common. Which one do you want?
        """),
      Line.request("b, under var/ please"))
    let decided = try #require(texts(lines, .decisions).first)
    #expect(decided.contains("B: write them to a file"))
    #expect(decided.contains("restart is common") && decided.contains("under var/ please"))
    #expect(decided.contains("Not: A: keep them in memory"))
    #expect(digest.story.decisions.count == 1)
  }

  @Test(arguments: [
    "a store that is fast would be nice", "I think we should wait", "9 of them failed",
  ])
  func wordsThatOnlyLookLikeAMark_chooseNothing(reply: String) {
    let options = ReplyOptions(in: "A. one way\nB. another way\nI. a third way\n")
    #expect(options.chosen(by: reply) == nil)
  }

  @Test func answer_keepsWhatWasNotTaken_andALaterOneOvertakesIt() throws {
    let asked: [String: Any] = [
      "questions": [
        [
          "question": "Which harbour?", "header": "Harbour",
          "options": [
            ["label": "North", "description": "deep, far away"],
            ["label": "South", "description": "near, shallow"],
          ],
        ]
      ]
    ]
    func answer(_ id: String, _ label: String) -> String {
      Line.result(
        id: id, "Your questions have been answered: \"Which harbour?\"=\"\(label)\".",
        details: ["answers": ["Which harbour?": label]])
    }
    let (lines, _) = try story(
      Line.request("plan the voyage"), Line.call("AskUserQuestion", asked, id: "1"),
      answer("1", "North"), Line.call("AskUserQuestion", asked, id: "2"), answer("2", "South"))
    let decided = texts(lines, .decisions)
    #expect(decided.contains { $0.contains("“South” — near, shallow. Not: North") })
    #expect(decided.contains { $0.contains("“North”") && $0.contains("overtaken") })
  }

  @Test func questionThatNobodyAnswered_isOpen() throws {
    let (lines, digest) = try story(
      Line.request("paint the boat"),
      Line.reply("I looked at the hull and found two kinds of paint. Shall I take the red one?"))
    #expect(
      texts(lines, .stands).contains { $0.contains("Open question") && $0.contains("red one") })
    #expect(digest.story.isUnfinished)
  }

  @Test func whatIsProposed_isNoDecision() throws {
    let (lines, _) = try story(
      Line.request("look at the sails"),
      Line.reply("I recommend the old sail because it is dry. Do you agree?"))
    #expect(texts(lines, .decisions).isEmpty)
  }

  // MARK: Failed, tried, fixed

  @Test func failure_isToldWithWhatWasTriedAndWhatHelped() throws {
    let error = "orders.c:41:9: error: 'depth' undeclared"
    let (lines, digest) = try story(
      Line.request("make the build pass"), bash("make all", error, isError: true),
      Line.reply("The header is missing, I include it."),
      edit("/x/orders.c", "a();", "include_header();"),
      bash("make all", error, isError: true), Line.reply("The variable has to be declared first."),
      edit("/x/orders.c", "b();", "int depth = 0;"), bash("make all", "built 3 files"))
    let attempt = try #require(digest.story.attempts.first)
    #expect(attempt.failures == 2 && attempt.hasPassed)
    #expect(attempt.tries.first?.contains("include_header") == true)
    #expect(attempt.fix.contains("int depth = 0;"))
    #expect(texts(lines, .tried).contains { $0.contains("In vain") && $0.contains("Passed after") })
  }

  @Test(arguments: [
    ("3 passed, 2 failed in 0.4s", true), ("12 passed in 3.1s", false),
    ("ok  example/pkg 0.3s\n0 errors", false), ("lib/a.ex:3:1: undefined function go/0", true),
    ("src/x.c:9:2: warning: unused", false), ("** (CompileError) nope", true),
    ("Everything is fine: error handling was added", false), ("panic: runtime error", true),
    ("Failures: 0, Errors: 0", false), ("1 error generated.", true),
  ])
  func output_tellsWhetherItFailed(output: String, isFailure: Bool) {
    #expect(CommandOutput(output).saysFailure == isFailure)
  }

  @Test func checkBeforeTheLastEdits_isOld() throws {
    let (lines, _) = try story(
      Line.request("mend the rudder"), bash("npm test", "8 tests passed"),
      edit("/x/rudder.js", "left", "right"), edit("/x/rudder.js", "slow", "fast"))
    let check = try #require(texts(lines, .stands).first { $0.hasPrefix("Last test") })
    #expect(
      check.contains("passed 2 calls ago") && check.contains("2 edits since, not checked again"))
  }

  @Test func refusedCommit_isNoCommit() throws {
    let (lines, _) = try story(
      Line.request("commit it"), edit("/x/mast.c", "wood", "steel"),
      bash(
        "git add -A && git commit -m 'a mast'", "error: hook failed: 2 lint errors", isError: true))
    let stands = texts(lines, .stands)
    #expect(stands.contains { $0.contains("was refused once") })
    #expect(stands.contains { $0.contains("not committed by the agent") && $0.contains("mast.c") })
    let (after, _) = try story(
      Line.request("commit it"), edit("/x/mast.c", "wood", "steel"),
      bash("git -C /x commit -qm 'a mast' && git log -1", "[main 1a2b3c4] a mast\n 1 file changed"))
    #expect(
      texts(after, .stands).contains { $0.contains("1a2b3c4") && $0.contains("before its last") })
    #expect(!texts(after, .stands).contains { $0.contains("not committed") })
  }

  @Test(arguments: [
    ("", true), ("1 file changed, 2 insertions(+)", true),
    ("nothing to commit, working tree clean", false),
  ])
  func quietCommit_isOne(output: String, isCommit: Bool) throws {
    let (lines, _) = try story(
      Line.request("commit it"), edit("/x/mast.c", "wood", "steel"),
      bash("git add mast.c && git commit -q -m 'a mast'", output))
    #expect(texts(lines, .stands).contains { $0.contains("not committed") } == !isCommit)
    #expect(texts(lines, .commits).contains { $0.contains("a mast") } == isCommit)
  }

  @Test func undoneEdit_andRefusedCall_areToldWithTheirReason() throws {
    let (lines, _) = try story(
      Line.request("try the blue one"), Line.reply("Trying the blue one."),
      edit(
        "/x/flag.css", "a long line with the colour red in it", "a long line with the colour blue"),
      Line.request("no, the red one was right"),
      Line.reply("Back to red then, since it was right."),
      edit(
        "/x/flag.css", "a long line with the colour blue", "a long line with the colour red in it"),
      Line.call("Bash", ["command": "rm -rf build"], id: "r"),
      Line.result(
        id: "r",
        "The user doesn't want to proceed with this tool use. The tool use was rejected. To tell you "
          + "how to proceed, the user said:\nnever delete that folder", isError: true))
    let tried = texts(lines, .tried)
    #expect(tried.contains { $0.hasPrefix("Undone in") && $0.contains("flag.css") })
    #expect(
      tried.contains { $0.contains("refused to run `rm -rf build`") && $0.contains("never delete") }
    )
  }

  @Test func words_thatCameBeforeWhatIsUndone_areNotItsReason() throws {
    let (lines, _) = try story(
      Line.request("hello"), Line.reply("Hello."), Line.request("paint the flag"),
      edit(
        "/x/flag.css", "a long line with the colour red in it", "a long line with the colour blue"),
      Line.reply("Blue is hard to see, so back to red."),
      edit(
        "/x/flag.css", "a long line with the colour blue", "a long line with the colour red in it"))
    let undone = try #require(texts(lines, .tried).first { $0.hasPrefix("Undone in") })
    #expect(!undone.contains("paint the flag") && undone.contains("hard to see"))
  }

  @Test func commandsOfOneLine_areOneCheckEach() throws {
    let lint = bash("task lint", "boat.c:3: error: unused oar", isError: true)
    let (lines, _) = try story(
      Line.request("check it"), lint, edit("/x/boat.c", "int oar;", ""),
      bash("task lint && task test", "ok boats 0.2s"))
    let stands = texts(lines, .stands)
    #expect(!stands.contains { $0.contains("FAILED") })
    #expect(stands.contains { $0.hasPrefix("Last lint and test passed") })
    let (failing, _) = try story(
      Line.request("check it"), bash("task lint", "0 issues"),
      edit("/x/boat.c", "int a;", "int b;"),
      bash("task lint && task test", "boat.c:3: error: unused b", isError: true))
    let told = texts(failing, .stands)
    #expect(told.contains { $0.hasPrefix("Last lint and test, run together, FAILED") })
    #expect(!told.contains { $0.contains("passed") })
    // What a semicolon leaves behind is not told by the exit code.
    let (loose, _) = try story(
      Line.request("check it"), edit("/x/boat.c", "int a;", "int b;"),
      bash("task lint; task test", "some words"))
    #expect(texts(loose, .stands).contains { $0.hasPrefix("Last lint ran, no exit code seen") })
    #expect(texts(loose, .stands).contains { $0.hasPrefix("Last test passed") })
  }

  @Test(arguments: [
    ("dune fmt", false), ("dune fmt --check", true), ("mix format", false), ("go vet ./...", true),
    ("npx prettier --write .", false), ("npx prettier --list-different .", true),
    ("npm run lint:format", true),
  ])
  func formatterThatWrites_checksNothing(command: String, isCheck: Bool) throws {
    let (lines, _) = try story(
      Line.request("tidy up"), edit("/x/boat.c", "int a;", "int b;"), bash(command, "done"))
    #expect(texts(lines, .stands).contains { $0.hasPrefix("Last lint") } == isCheck)
  }

  @Test func statusBeforeACommit_isOfThePast() throws {
    let status = bash("git status", "On branch main\n\tmodified:   mast.c\n")
    let commit = bash("git commit -qm 'a mast'", "[main 1a2b3c4] a mast\n 1 file changed")
    let (open, _) = try story(Line.request("commit it"), status)
    #expect(texts(open, .stands).contains { $0.hasPrefix("`git status`") })
    let (lines, _) = try story(Line.request("commit it"), status, commit)
    #expect(!texts(lines, .stands).contains { $0.hasPrefix("`git status`") })
  }

  @Test func trackersItem_hasTheStateItWasGiven() throws {
    let list = bash("bd ready", "○ oar-7.2: Carve the blade\n○ oar-7.3: Oil the blade\n")
    let (lines, _) = try story(
      Line.request("go on"), list, bash("bd update oar-7.2 --status=in_progress", "updated"))
    let plan = texts(lines, .plan)
    #expect(plan.contains("oar-7.2 (in progress): Carve the blade"))
    #expect(plan.contains("oar-7.3 (open): Oil the blade"))
  }

  @Test func skippedItem_isNotDone() throws {
    let todos = [
      ["content": "Tar the hull", "status": "completed", "activeForm": "Skipped - hull is steel"],
      ["content": "Skip the old tests", "status": "completed", "activeForm": "Skipping old tests"],
    ]
    let (_, digest) = try story(
      Line.request("go on"), Line.call("TodoWrite", ["todos": todos], id: "t"),
      Line.result(id: "t", "Todos have been modified"))
    #expect(
      digest.plan.map(\.text) == ["Tar the hull (Skipped - hull is steel)", "Skip the old tests"])
  }

  @Test func pastedOutput_doesNotHideWhatIsWantedBelowIt() throws {
    let log = (0..<60).map { "level=info harbour=\($0) state=open" }.joined(separator: "\n")
    let (lines, _) = try story(
      Line.request("hello"), Line.reply("Hello."),
      Line.request(log + "\n\nPlease close the harbour with the deepest water first"),
      Line.reply("I look at the depths."), bash("cat depths", "4 9 7"))
    #expect(texts(lines, .objective).contains { $0.contains("with the deepest water first") })
  }

  @Test func remarkOfLongAgo_isNoPurpose() throws {
    let looks = (0..<12).map { bash("cat part\($0).c", "int x;") }.joined()
    let (_, digest) = try story(
      Line.request("mend it"),
      Line.reply("I make the first mast taller so that it carries more sail."),
      looks, edit("/x/anchor.c", "int weight;", "int weight = 9;"))
    #expect(Snapshot(digest, git: nil).files.first { $0.path.hasSuffix("anchor.c") }?.purpose == "")
  }

  @Test func editWithoutItsResult_isNotCounted() throws {
    let (lines, digest) = try story(
      Line.request("mend it"), edit("/x/mast.c", "int a;", "int b;"),
      Line.call(
        "Edit", ["file_path": "/x/mast.c", "old_string": "int b;", "new_string": "int c;"], id: "e")
    )
    #expect(Snapshot(digest, git: nil).files.first { $0.path.hasSuffix("mast.c") }?.edits == 1)
    #expect(texts(lines, .stands).contains { $0.hasPrefix("In flight") })
  }

  @Test func whatWasTakenOutForAWhile_isNotUndoneWork() throws {
    let guardLine = "guard tide.height < quay.height else { return .flooded }"
    let (lines, _) = try story(
      Line.request("does the test see the flood"),
      edit("/x/quay.swift", "  " + guardLine + "\n  moor()", "  moor()"),
      bash("swift test", "error: flood was not seen", isError: true),
      Line.reply("The test sees it, so the check goes back in."),
      edit("/x/quay.swift", "  moor()", "  " + guardLine + "\n  moor()"))
    let tried = texts(lines, .tried)
    #expect(!tried.contains { $0.hasPrefix("Undone") })
  }

  @Test func fix_isNotExplainedByWhatWasSaidBeforeTheFailure() throws {
    let (lines, digest) = try story(
      Line.request("make the build pass"), Line.reply("I rename the lantern to a lamp everywhere."),
      bash("make all", "lamp.c:4:2: error: no such ship", isError: true),
      edit("/x/lamp.c", "ship = nil;", "ship = fleet[0];"), bash("make all", "built 3 files"))
    let attempt = try #require(digest.story.attempts.first)
    #expect(attempt.fix.contains("ship = fleet[0];") && attempt.fix.contains("lamp.c"))
    #expect(!attempt.fix.contains("rename"))
    #expect(!texts(lines, .tried).joined().contains("Passed after: I rename"))
  }

  @Test(arguments: [
    ("rm /x/src/probe.c", true), ("cd /x && rm src/probe.c", true),
    ("cd /x/src; rm -f ./probe.c", true),
    ("rm -rf /x/src/", true), ("rm /tmp/probe.c", false), ("rm -rf /x/srcs", false),
    ("rm /y/src/probe.c", false), ("rm obe.c", false), ("ls /x/src/probe.c", false),
  ])
  func removedFile_isToldAsSuch(command: String, isRemoved: Bool) throws {
    let written = edit("/x/src/probe.c", "int depth;", "int depth = 4;")
    let (lines, digest) = try story(Line.request("sound the depth"), written, bash(command, ""))
    #expect(texts(lines, .tried).contains { $0.hasPrefix("Removed again") } == isRemoved)
    let file = Snapshot(digest, git: nil).files.first { $0.path.hasSuffix("probe.c") }
    #expect(file?.isRemoved == isRemoved)
    let (_, again) = try story(
      Line.request("sound the depth"), written, bash(command, ""),
      edit("/x/src/probe.c", "int depth = 4;", "int depth = 5;"))
    let filesAgain = Snapshot(again, git: nil).files
    #expect(!filesAgain.contains { $0.isRemoved })
  }

  // MARK: Whose words

  @Test func pastedText_laysDownNothing() throws {
    let page = (0..<60).map { "Never use option \($0) without a licence of the maker." }
      .joined(separator: "\n")
    let (lines, _) = try story(
      Line.request("Please keep the old reader.\n\n" + page + "\n\nBut do not touch the tests."))
    let demands = texts(lines, .constraints).joined(separator: "\n")
    #expect(demands.contains("keep the old reader") && demands.contains("do not touch the tests"))
    #expect(!demands.contains("option 30"))
  }

  @Test func logLines_areNoRules() throws {
    let (lines, _) = try story(
      Line.request("why is this?\ntime=2026-01-01T00:00:00 level=INFO msg=\"not only batches\" n=3")
    )
    #expect(texts(lines, .constraints).isEmpty)
  }

  // MARK: The same in any cut

  @Test func anyCut_givesTheSameStory_andItStaysSmall() throws {
    var text = Line.request("build the ship, and never use nails")
    for number in 0..<400 {
      text += Line.reply(
        "Plank \(number): the cause is that `plank\(number)` cannot bend, so I'll use steam since it "
          + "is safe. Next the mast is still to do.")
      text += edit("/x/plank\(number % 90).c", "dry \(number)", "wet \(number)")
      text += bash(
        "make plank\(number % 7)", number % 3 == 0 ? "error: broke \(number)" : "ok",
        isError: number % 3 == 0)
    }
    let path = try folder.file("whole.jsonl", text)
    let whole = try Reading(path).digest
    let bytes = Array(text.utf8)
    for cut in [bytes.count / 3, bytes.count / 2 + 17] {
      let part = try folder.file("cut-\(cut).jsonl", "")
      try Data(bytes[..<cut]).write(to: URL(fileURLWithPath: part))
      let first = try Reading(part)
      let handle = try #require(FileHandle(forWritingAtPath: part))
      try handle.seekToEnd()
      try handle.write(contentsOf: Data(bytes[cut...]))
      try handle.close()
      let second = try Reading(part, after: first)
      #expect(second.digest.json == whole.json)
    }
    #expect(whole.story.encoded().utf8.count < 120_000)
    #expect(SessionDigest(json: whole.json)?.json == whole.json)
  }
}

@Suite(.blocking) struct LexiconTests {
  private let lexicon = Lexicon(
    [
      (.finding, ["root cause", "the _ problem|bug is"]), (.narration, ["let me"]),
      (.hardRule, ["don't", "never"]),
    ], leads: ["now", "good"])

  private static let sentences: [(String, Lexicon.Marks)] = [
    ("The root cause was a lock", .finding), ("the real bug is here", .finding),
    ("the bug is here", []), ("Good, now let me look", .narration), ("they let me in", []),
    ("Don’t do it", .hardRule), ("NEVER!", .hardRule), ("neverending", []),
    ("root-cause", .finding), ("", []), ("…—“”", []),
  ]

  @Test(arguments: sentences)
  func phrases_areFoundWhereTheyStand(text: String, marks: Lexicon.Marks) {
    #expect(lexicon.marks(in: text) == marks)
  }
}
