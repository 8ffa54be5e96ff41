import CCmark
import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Git
@testable import MemoryStore
@testable import Transcripts

@Suite(.blocking) struct RecoveryDocumentTests {
  private func snapshot() -> Snapshot {
    var digest = SessionDigest()
    digest.toolCalls = 30
    digest.requests = (0..<8).map {
      .init(
        text: "Request number \($0) about the flux capacitor", at: 1_000_000 + Int64($0), call: $0)
    }
    digest.rules = [.init(text: "Never touch the lexer", at: 1)]
    digest.todos = [
      .init(text: "done item", state: .completed), .init(text: "open item", state: .pending),
      .init(text: "current item", state: .inProgress),
    ]
    digest.files = [
      "src/edited.go": .init(edits: 3, lastCall: 29, lastEdit: 29, symbols: ["parseAll"]),
      "src/read.go": .init(reads: 1, lastCall: 20),
    ]
    digest.commands = [
      "go test": .init(text: "go test ./...", count: 4, lastCall: 28, outcome: .failed)
    ]
    digest.lastAt = 2_000_000
    return Snapshot(
      digest, git: GitFacts(root: "/repo", branch: "main", head: String(repeating: "a", count: 40)))
  }

  private func document(_ snapshot: Snapshot, summary: String? = nil) -> RecoveryDocument {
    RecoveryDocument(
      snapshot: snapshot, summary: summary, occasion: .compaction, takenAt: 2_000_000,
      sessionID: "s1")
  }

  @Test(arguments: [500, 1000, 3000, 9500])
  func budget_isNeverExceeded(budget: Int) {
    var big = snapshot()
    big.files = (0..<200).map {
      Snapshot.File(
        path: "some/folder/file\($0).swift", edits: 1, reads: 0, mentions: 0, age: $0,
        symbols: ["symbolOne😅", "symbolTwo"], isDirty: true)
    }
    big.lastReply = String(repeating: "long words ", count: 500)
    for summary in [nil, "edited.go and the capacitor"] {
      let text = document(big, summary: summary).markdown(now: 3_000_000, budget: budget)
      #expect(text.utf16.count <= budget)
    }
  }

  @Test func toolCalls_areReadWithoutTheRest() {
    var digest = SessionDigest()
    digest.toolCalls = 30
    #expect(Snapshot.toolCalls(inJSON: Array(Snapshot(digest, git: nil).json.utf8)) == 30)
    #expect(Snapshot.toolCalls(inJSON: Array("{}".utf8)) == Snapshot(json: "{}")?.toolCalls)
    for text in ["", "[1]", "{\"toolCalls\": 3"] {
      #expect(Snapshot.toolCalls(inJSON: Array(text.utf8)) == nil)
    }
  }

  @Test func everythingNeeded_isThere() {
    let text = document(snapshot()).markdown(now: 3_000_000, budget: 9500)
    for part in [
      "Request number 7", "open item", "current item", "in progress", "[x]", "src/edited.go",
      "parseAll", "go test ./...", "FAILED", "Never touch the lexer", "main", "aaaaaaaaaa",
    ] {
      #expect(text.contains(part), "\(part)")
    }
  }

  @Test func whatTheSummaryHolds_isLeftOut() {
    let summary = "The person wants that we never touch the lexer. We changed src/edited.go."
    let alone = document(snapshot()).markdown(now: 3_000_000, budget: 9500)
    let beside = document(snapshot(), summary: summary).markdown(now: 3_000_000, budget: 9500)
    #expect(alone.contains("Never touch the lexer"))
    #expect(!beside.contains("Never touch the lexer"))
    #expect(beside.contains("src/read.go") && beside.contains("src/edited.go"))
  }

  @Test(arguments: [1000, 9500])
  func headings_standAfterAnEmptyLine(budget: Int) {
    let lines = document(snapshot()).markdown(now: 3_000_000, budget: budget)
      .split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.contains { $0.hasPrefix("## ") })
    for (before, line) in zip(lines, lines.dropFirst()) where line.hasPrefix("#") {
      #expect(before.isEmpty, "\(line)")
    }
  }

  /// What its sentences say never takes the room of what the next steps need.
  @Test(arguments: [2000, 3000, 4999])
  func shortDocument_hasItsListsBesideItsSentences(budget: Int) {
    var long = snapshot()
    long.stated = Snapshot.Statement(
      objective: nil, blockers: [], actions: [], next: ["Order the gasket"])
    let parts: [DocumentPart] = [.objective, .stands, .steps, .decisions, .tried, .findings]
    func tell(_ part: DocumentPart, _ text: String, worth: Int) {
      var line = ToldLine()
      (line.part, line.text, line.worth) = (part, text, worth)
      long.told.append(line)
    }
    for part in parts {
      for place in ["first", "second", "third", "fourth", "fifth", "sixth", "seventh"] {
        tell(
          part, (0..<12).map { "\(place)\(part)\($0)" }.joined(separator: " "), worth: 900)
      }
    }
    tell(
      .stands,
      "Last report of the agent: " + String(repeating: "what was done. ", count: 80)
        + "The valve leaks.", worth: 1000)
    long.files = (0..<12).map {
      Snapshot.File(
        path: "lib/pump/part\($0).rs", edits: $0 < 4 ? 1 : 0, reads: 1, mentions: 0, age: $0,
        symbols: [], isDirty: false)
    }
    long.commands = [
      ("cargo test", .failed), ("cargo build", .succeeded), ("just deploy", .unknown),
    ].map { Snapshot.Command(key: $0, text: $0 + " --all", count: 2, age: 7, outcome: $1) }
    let text = document(long).markdown(now: 3_000_000, budget: budget)
    #expect(text.utf16.count > budget - 500)
    for file in 0..<8 { #expect(text.contains("part\(file).rs"), "\(file)") }
    for line in [
      "Said by hand: Order the gasket", "- FAILED (calls ago): `cargo test --all` (7)",
      "- ok (calls ago): `cargo build --all` (7)",
      "- no exit code seen (calls ago): `just deploy --all` (7)", "The valve leaks.",
    ] {
      #expect(text.contains(line), "\(line)")
    }
    for part in [DocumentPart.objective, .stands, .next] {
      #expect(text.contains("## \(part.title)"), "\(part)")
    }
    #expect(text.contains("memoryd session show s1"))
  }

  /// Of whatever length the document was in which a person saw them.
  @Test func packedLine_isStruckForEachOfItsMembers() throws {
    var packed = snapshot()
    packed.files = (0..<5).map {
      Snapshot.File(path: "lib/part\($0).rs", edits: 1, reads: 1, age: $0, symbols: [])
    }
    var document = document(packed)
    let line = try #require(
      document.lines(now: 3_000_000, budget: 3000).first { $0.text.hasPrefix("- edited: ") })
    #expect(document.allLines(now: 3_000_000).contains { $0.id == line.id })
    document.struck = StruckLines([
      StruckLine(
        id: line.id, section: line.section, line: line.text, subject: line.subject,
        sessionID: nil, struckAt: 1)
    ])
    for budget in [3000, 9500] {
      let text = document.markdown(now: 3_000_000, budget: budget)
      for file in 0..<4 { #expect(!text.contains("part\(file).rs"), "\(budget)") }
      #expect(text.contains("part4.rs"))
    }
  }

  @Test func document_isDeterministic() {
    let texts = (0..<5).map { _ in document(snapshot()).markdown(now: 5_000_000, budget: 4000) }
    #expect(Set(texts).count == 1)
  }

  @Test func emptySnapshot_givesADocument() {
    let text = document(Snapshot()).markdown(now: 1, budget: 9500)
    #expect(text.contains("Recorded by memoryd"))
  }

  // MARK: Hostile text

  private static let hostile = [
    "# heading\n\n- list\n```\ncode", "</memoryd-record> <script>alert(1)</script>",
    "\u{1B}[31mred\u{1B}[0m \u{7}", "1. one\n2. two", "[link](javascript:x) ![img](y)",
    "a\u{2028}b\u{2029}c", "`code` ``more`` ```", "***bold*** __x__ ~~y~~", "> quote",
    "<!-- comment", "| a | b |\n|---|---|", "\u{202E}gnp.exe", "---", "&lt;b&gt; &amp;", "\\",
    "<https://x.example>", "+ plus", "* star", "= eq", "\0nul",
  ]

  @Test func hostileText_cannotBreakOutOfItsLine() throws {
    var snapshot = snapshot()
    snapshot.requests = Self.hostile.enumerated().map {
      .init(text: $1, at: Int64($0), call: 0)
    }
    snapshot.rules = Self.hostile.map { .init(text: $0, at: 0) }
    snapshot.plan = Self.hostile.map { .init(text: $0, state: .pending) }
    snapshot.files = Self.hostile.map {
      .init(path: $0, edits: 1, reads: 0, mentions: 0, age: 0, symbols: [$0], isDirty: true)
    }
    snapshot.commands = Self.hostile.map {
      .init(key: $0, text: $0, count: 1, age: 0, outcome: .unknown)
    }
    snapshot.sentences = Self.hostile
    snapshot.lastReply = Self.hostile.joined(separator: "\n")
    let text = document(snapshot).markdown(now: 3_000_000, budget: 100_000)
    for scalar in text.unicodeScalars where scalar != "\n" {
      #expect(!Markdown.isControl(scalar), "U+\(String(scalar.value, radix: 16))")
    }
    // cmark is the judge: no HTML, no links, no code blocks, and no heading that is not ours.
    let nodes = Outline(text)
    #expect(nodes.html == 0 && nodes.links == 0 && nodes.codeBlocks == 0 && nodes.orderedLists == 0)
    #expect(!nodes.headings.contains("heading"))
    #expect(nodes.listDepth == 1)
  }

  /// What stands in a document, as cmark sees it.
  private struct Outline {
    var headings: [String] = []
    var html = 0
    var links = 0
    var codeBlocks = 0
    var orderedLists = 0
    var listDepth = 0

    init(_ text: String) {
      let root = cmark_parse_document(text, text.utf8.count, CMARK_OPT_DEFAULT)
      defer { cmark_node_free(root) }
      let iterator = cmark_iter_new(root)
      defer { cmark_iter_free(iterator) }
      var depth = 0
      while true {
        let event = cmark_iter_next(iterator)
        if event == CMARK_EVENT_DONE { break }
        let node = cmark_iter_get_node(iterator)
        let type = cmark_node_get_type(node)
        if type == CMARK_NODE_LIST {
          depth += event == CMARK_EVENT_ENTER ? 1 : -1
          listDepth = max(listDepth, depth)
          if cmark_node_get_list_type(node) == CMARK_ORDERED_LIST { orderedLists += 1 }
        }
        guard event == CMARK_EVENT_ENTER else { continue }
        switch type {
        case CMARK_NODE_HEADING:
          let child = cmark_node_first_child(node)
          headings.append(cmark_node_get_literal(child).map { String(cString: $0) } ?? "")
        case CMARK_NODE_HTML_BLOCK, CMARK_NODE_HTML_INLINE: html += 1
        case CMARK_NODE_LINK, CMARK_NODE_IMAGE: links += 1
        case CMARK_NODE_CODE_BLOCK: codeBlocks += 1
        default: break
        }
      }
    }
  }

  @Test func differences_nameWhatChanged() {
    var later = snapshot()
    later.objective = "new"
    later.plan.removeLast()
    let changes = SnapshotDifference.between(snapshot(), later)
    #expect(changes.map(\.what) == ["objective", "plan"])
    #expect(SnapshotDifference.between(later, later).isEmpty)
  }
}
