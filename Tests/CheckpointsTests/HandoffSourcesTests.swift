import CCmark
import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Core
@testable import Git
@testable import MemoryStore
@testable import Transcripts

@Suite(.blocking) struct HandoffSourcesTests {
  @Test func document_holdsWhatWasGathered() throws {
    var digest = SessionDigest()
    digest.requests = [.init(text: "Move retries into the client and keep the jitter", at: 1)]
    digest.todos = [
      .init(text: "write test", state: .completed), .init(text: "docs", state: .pending),
      .init(text: "backoff", state: .inProgress),
    ]
    digest.commits = [.init(hash: "b30c1e1", subject: "Add jitter", at: 1)]
    digest.files = ["src/retry.swift": .init(edits: 2, lastCall: 1, lastEdit: 1)]
    var sources = HandoffSources(snapshot: Snapshot(digest, git: nil))
    sources.statements = [
      .init(objective: "old", blockers: ["CI is red"], actions: ["asked"]),
      .init(objective: "Retries", next: ["ship"]),
    ]
    sources.openTasks = [
      TaskRecord(id: "01A", fields: TaskFields(title: "Rotate keys", project: "p"))
    ]
    sources.doneTasks = [
      TaskRecord(id: "01B", fields: TaskFields(title: "Read RFC", project: "p"), status: .done)
    ]
    sources.decisions = [DecisionRecord(id: "01C", decision: "Full jitter", rationale: "no herd")]
    sources.changes = [
      .init(path: "src/retry.swift", state: " M"), .init(path: "new.txt", state: "??"),
      .init(path: ".handoff/x.md", state: "??"),
    ]
    sources.commits = [.init(hash: String(repeating: "a", count: 40), subject: "Add jitter", at: 1)]
    sources.note = "## Why\n\nit *flaps*"
    let handoff = sources.handoff(HandoffFront(), now: 5)
    #expect(Handoff(handoff.markdown()) == handoff)
    let contents = handoff.contents
    #expect(handoff.objective == "Retries")
    #expect(
      contents.done == ["write test", "asked", "Read RFC", "committed b30c1e1 Add jitter"])
    #expect(contents.next.map(\.text) == ["backoff (in progress)", "docs", "ship"])
    #expect(contents.openTasks == [.init("Rotate keys", id: "01A")])
    #expect(contents.decisions == [.init("Full jitter", rationale: "no herd")])
    #expect(contents.blockers == ["CI is red"])
    #expect(
      contents.files == [
        .init("src/retry.swift", note: "modified, uncommitted; edited 2 times"),
        .init("new.txt", note: "untracked"),
      ])
    #expect(contents.commits == [.init("aaaaaaaaaa", subject: "Add jitter")])
    #expect(contents.notes[0].hasPrefix("### Why\n\nit *flaps*\n\n### Last requests"))
    #expect(contents.notes[0].contains("2 paths uncommitted"))
    #expect(
      handoff.summary
        == "done: committed b30c1e1 Add jitter (+3 more); next: backoff (in progress) (+3 more); blocked: CI is red"
    )
  }

  @Test func nothingGathered_isADocumentAllTheSame() {
    let handoff = HandoffSources(snapshot: Snapshot()).handoff(HandoffFront(), now: 5)
    #expect(handoff.sections.isEmpty)
    #expect(Handoff(handoff.markdown()) == handoff)
    #expect(handoff.summary.hasPrefix("done: nothing recorded"))
  }

  private static let pieces = [
    "text", "\n", "\n\n", "# h", "## h", "### h", "h\n===", "h\n---", "```", "~~~", "````x", "- a",
    "  - b", "1. c", "> q", "<!--", "-->", "<div>", "</div>", "<script>", "<?php", "<![CDATA[",
    "<pre>", "    code", "\t", "[a]: /b", "***", "| a | b |", "|---|---|", "\\", "\r", "\0", "é",
    "\u{2028}", " ", "### Last requests", "---", "<details>",
  ]

  /// Whatever a note holds, it stays in its section, and what stands behind it is read.
  @Test(arguments: TestScale.seeds(8)) func notes_areContained(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    for number in 0..<1500 {
      let note = (0...Int.random(in: 0...12, using: &random)).map { _ in
        Self.pieces.randomElement(using: &random)! + (Bool.random(using: &random) ? "\n" : "")
      }.joined()
      var sources = HandoffSources(snapshot: Snapshot())
      sources.note = note
      sources.changes = []
      var handoff = sources.handoff(HandoffFront(), now: 5)
      let place = "seed \(seed), number \(number): \(String(reflecting: note))"
      try #require(Handoff(handoff.markdown()) == handoff, "\(place)\n\(handoff.markdown())")
      try #require(handoff.sections.count == 1, "\(place)")
      try #require(
        handoff.contents.notes[0].hasSuffix("### Repository\n\n- nothing uncommitted"))
      let words = Set(note.split { !$0.isLetter }.filter { $0.count > 1 }.map(String.init))
      let left = Set(handoff.markdown().split { !$0.isLetter }.map(String.init))
      try #require(words.isSubset(of: left), "\(place)\n\(handoff.markdown())")
      handoff.add(note: note)
      let added = Handoff(handoff.markdown())
      try #require(added.sections.count == 1, "\(place)\n\(handoff.markdown())")
      try #require(Handoff(added.markdown()) == added, "\(place)")
    }
  }

  @Test func addedNotes_leaveHandEditsAlone() {
    let document =
      "# Handoff: a\n\nFree *words*.\n\n## Own\n\n| a | b |\n|---|---|\n\n## Notes\n\nold\n"
    var handoff = Handoff(document)
    handoff.add(note: "# new")
    #expect(handoff.markdown() == document + "\n### new\n")
  }

  @Test func pages_holdNothingThatRuns() {
    var handoff = Handoff(
      "# Handoff: <script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\n[a](javascript:b)\n")
    handoff.front.project = "<b>"
    let page = handoff.page()
    #expect(page.hasPrefix("<!doctype html>"))
    for bad in ["<script", "<img", "javascript:", "<b>"] { #expect(!page.contains(bad)) }
  }
}

@Suite(.blocking) struct LedgerVerificationTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func git(_ arguments: String...) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", folder.path] + arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  @Test(arguments: [
    ("b30c1e1", ["b30c1e1"]), ("782973e + 92411fe", ["782973e", "92411fe"]),
    ("`b30c1e1`, then 5c6784cf.", ["b30c1e1", "5c6784cf"]), ("0431001", ["0431001"]),
    ("5a0c53ff-963c-48f9-b68d-f13536104aa1", []), ("PR 1234567 merged", []),
    ("defaced by hand", []), ("deadbee", ["deadbee"]), ("41a99e2 (local-mcp)", ["41a99e2"]),
    ("b30c1e1..c6784cf", ["b30c1e1", "c6784cf"]), ("path/b30c1e1/x", []), ("various", []),
    ("2026-02-28", []), ("20260228", ["20260228"]), ("on 20260228", []), ("", []),
  ])
  func hashes_areFoundInDetails(detail: String, expected: [String]) {
    let entry = Ledger.Entry("x", status: .done, detail: detail)
    #expect(LedgerVerification.hashes(in: entry).sure == expected)
  }

  @Test func claims_areHeldAgainstGit() throws {
    _ = try git("init", "-q", "-b", "main")
    _ = try git("commit", "-q", "--allow-empty", "-m", "First\tone")
    let first = try git("rev-parse", "HEAD")
    _ = try git("commit", "-q", "--allow-empty", "-m", "Lost")
    let lost = try git("rev-parse", "HEAD")
    _ = try git("reset", "-q", "--hard", first)
    _ = try folder.file("a", "blob")
    _ = try git("add", "a")
    let blob = try git("hash-object", "a")
    let history = GitHistory(
      root: folder.path, environment: ProcessInfo.processInfo.environment)
    func record(_ detail: String?, _ status: Ledger.Status = .done) -> LedgerRecord {
      LedgerRecord(
        id: "", project: nil, phase: "", section: nil,
        entry: .init("x", status: status, detail: detail), source: .manual, createdAt: 0,
        updatedAt: 0)
    }
    let verification = try #require(
      LedgerVerification(
        [
          record(String(first.prefix(8))), record(lost), record("b30c1e1"), record(blob),
          record(nil), record(nil, .pending), record(first.uppercased() + " + " + first.prefix(7)),
          record("not yet", .deferred),
        ]
      ) { history.find($0, within: .milliseconds(20_000)) })
    #expect(
      verification.results.map(\.verdict) == [
        .verified, .unreachable, .missing, .missing, .noCommit, .noClaim, .verified, .noClaim,
      ])
    guard case .commit(let commit, true) = verification.results[0].hashes[0].finding else {
      Issue.record("not found")
      return
    }
    #expect(commit.hash == first && commit.subject == "First\tone" && commit.at > 0)
    #expect(history.last(5, within: .milliseconds(20_000))?.map(\.hash) == [first])
    // Where there is no repository nothing is said of any claim.
    let nowhere = GitHistory(root: "/", environment: ProcessInfo.processInfo.environment)
    #expect(nowhere.find(["b30c1e1"], within: .milliseconds(20_000)) == nil)
  }
}
