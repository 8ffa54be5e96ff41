import Foundation
import TestSupport
import Testing

@testable import Journal

@Suite(.blocking) struct HookRecordTests {
  private func input(_ text: String) throws -> HookInput {
    guard case .hook(let input) = HookInput.read(Array(text.utf8)) else { throw NotAHook() }
    return input
  }

  private struct NotAHook: Error {}

  private func record(_ text: String, clean: (String) -> String = { $0 }) throws -> HookRecord {
    HookRecord(
      try input(text), endsSession: text.contains("SessionEnd"), requestID: "r-1",
      at: 1_700_000_000_123, cwd: "/here",
      redacted: clean, variable: { "\($0)" == "CLAUDE_CODE_ENTRYPOINT" ? "cli" : nil })
  }

  @Test func record_isReadAsItWasWritten() throws {
    var record = try record(
      #"""
      {"hook_event_name": "Stop", "session_id": "s \" \\ \u0001 ü", "transcript_path": "/t.jsonl",
       "cwd": "/w", "reason": "x", "source": "y", "trigger": "z", "agent_id": "1",
       "agent_transcript_path": "/a", "custom_instructions": "keep", "compact_summary": "sum",
       "last_assistant_message": "two\nlines\ttab \ud83d\ude00"}
      """#)
    record.transcript = .init(device: .max, inode: 1 << 63, length: 77)
    record.branch = "feat/ä"
    record.head = String(repeating: "a", count: 40)
    record.microseconds = 12
    #expect(HookRecord(encoded: record.encoded) == record)
    #expect(record.environment == [.init("CLAUDE_CODE_ENTRYPOINT", "cli")])
  }

  @Test func texts_areRedactedAndCut_theEndIsKept() throws {
    let long = String(repeating: "ä", count: HookRecord.longestText) + "the end"
    let record = try record(
      #"{"hook_event_name":"Stop","last_assistant_message":"\#(long)","prompt":"hidden words"}"#,
      clean: { $0.replacingOccurrences(of: "the end", with: "THE END") })
    let words = try #require(record.input.lastMessage)
    #expect(words.utf8.count <= HookRecord.longestText)
    #expect(words.hasSuffix("äTHE END"))
    #expect(!String(decoding: record.encoded, as: UTF8.self).contains("hidden"))
  }

  @Test(arguments: ["", "{", "[]", "{\"id\":\"x\"}", "{\"id\":\"\",\"event\":\"e\",\"at\":1}"])
  func otherTexts_areNoRecords(text: String) {
    #expect(HookRecord(encoded: Array(text.utf8)) == nil)
  }

  @Test func fields_ofAnotherVersion_arePassedOver() throws {
    let text =
      #"{"id":"r","event":"Stop","at":5,"folder":"/f","new":{"a":[1,2]},"took":3}"#
    let record = try #require(HookRecord(encoded: Array(text.utf8)))
    #expect(record.requestID == "r")
    #expect(record.microseconds == 3)
    #expect(record.transcript == nil)
  }

  @Test(arguments: [Int64.min, -1, 253_402_300_800_000, .max]) func times_outOfReach_areNoRecords(
    at: Int64
  ) {
    let text = #"{"id":"r","event":"Stop","at":\#(at),"folder":"/f"}"#
    #expect(HookRecord(encoded: Array(text.utf8)) == nil)
  }

  // MARK: front.state

  @Test func state_isReadAsItWasWritten() {
    var state = FrontState()
    state.isRedacting = false
    state.secrets = HashedSecrets([Array("one secret".utf8), Array("another".utf8)], salt: 77)
    state.news = .init(number: 4, text: "memoryd: the vault is back")
    #expect(FrontState(text: state.text) == state)
    #expect(!state.text.contains("secret " + "one"))
    #expect(!state.text.contains("another"))
  }

  @Test(arguments: ["", "x", "memoryd front.state 2\nredaction off\n"])
  func state_ofAnotherKind_isNone(text: String) {
    #expect(FrontState(text: text) == nil)
  }

  @Test func secrets_areFoundByTheirHashes() {
    let secrets = HashedSecrets(
      [Array("s3cret-token-value".utf8), Array("short".utf8)], salt: 0x1234_5678_9ABC)
    #expect(secrets.redact("nothing here") == "nothing here")
    #expect(secrets.redact("s3cret-token-value") == "[redacted:configured]")
    #expect(
      secrets.redact("a s3cret-token-value, s3cret-token-values3cret-token-value b short")
        == "a [redacted:configured], [redacted:configured][redacted:configured] b "
        + "[redacted:configured]")
    #expect(secrets.redact("s3cret-token-valu") == "s3cret-token-valu")
  }

  @Test func secrets_anywhereInATextOfAnyBytes_areFound() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let secret = String(
        (0..<Int.random(in: 1...40, using: &random)).map { _ in
          "abcé".randomElement(using: &random)!
        })
      let before = String(
        (0..<Int.random(in: 0...60, using: &random)).map { _ in
          "xyzü".randomElement(using: &random)!
        })
      let secrets = HashedSecrets(
        [Array(secret.utf8)], salt: .random(in: 1..<UInt64.max, using: &random))
      #expect(secrets.redact(before + secret + before) == before + "[redacted:configured]" + before)
    }
  }

  // MARK: What a session was told

  @Test func news_areToldOnce_toSessionsThatBegan() throws {
    let folder = try TemporaryFolder()
    let journal = Journal(home: folder.path)
    try journal.prepare()
    let news = FrontState.News(number: 2, text: "new")
    #expect(journal.takeNews(news, session: "s") == nil)
    journal.noteTold(1, session: "s")
    #expect(journal.takeNews(news, session: "s") == "new")
    #expect(journal.takeNews(news, session: "s") == nil)
    journal.noteTold(1, session: "../s")
    #expect(journal.takeNews(news, session: "../s") == nil)
    journal.tidy(olderThan: -1)
    #expect(journal.takeNews(news, session: "s") == nil)
  }

  // MARK: Git's files

  @Test func head_isReadFromFiles() throws {
    let folder = try TemporaryFolder()
    let root = folder.path
    let git = root + "/.git"
    try FileManager.default.createDirectory(
      atPath: git + "/refs/heads/feat", withIntermediateDirectories: true)
    try FileManager.default.createDirectory(
      atPath: root + "/a/b", withIntermediateDirectories: true)
    let (one, two) = (String(repeating: "1", count: 40), String(repeating: "2", count: 40))
    func put(_ text: String, _ path: String) throws {
      try text.write(toFile: git + "/" + path, atomically: true, encoding: .utf8)
    }
    try put("ref: refs/heads/feat/x\n", "HEAD")
    try put(one + "\n", "refs/heads/feat/x")
    try put("# pack-refs\n\(two) refs/heads/packed\n", "packed-refs")
    #expect(HookMoment.head(at: root + "/a/b") == ("feat/x", one))
    try put("ref: refs/heads/packed\n", "HEAD")
    #expect(HookMoment.head(at: root) == ("packed", two))
    try put(two + "\n", "HEAD")
    #expect(HookMoment.head(at: root) == (nil, two))
    for bad in [
      "ref: refs/heads/../../../etc/passwd", "ref: refs/heads/.invalid", "what", "ref: refs/tags/x",
    ] {
      try put(bad + "\n", "HEAD")
      #expect(HookMoment.head(at: root) == (nil, nil), "\(bad)")
    }
    try put("ref: refs/heads/unborn\n", "HEAD")
    #expect(HookMoment.head(at: root) == ("unborn", nil))
    #expect(HookMoment.head(at: "/") == (nil, nil))
    #expect(HookMoment.head(at: "relative") == (nil, nil))
  }
}
