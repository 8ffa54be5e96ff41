import Core
import MemoryStore
import Syntax

// What was taken back, and what waits for its line.
extension SessionDigest {
  /// - Parameter line: Physical, from 1.
  public func isAbandoned(_ line: Int) -> Bool {
    guard let last = abandoned.last, line <= last.last else { return false }
    return abandoned.contains { $0.first <= line && line <= $0.last }
  }

  private static let mostQueued = 32

  /// - Returns: Which of several it is that are the same and wait.
  @discardableResult
  package mutating func queue(_ words: String, at: Int64, isTaken: Bool) -> Int {
    let hash = EntryDraft.fingerprint(words)
    let same = queued.filter { $0.hash == hash && !$0.isTaken }
    let number = isTaken ? 1 : (same.map(\.number).max() ?? 0) + 1
    queued.append(
      .init(
        hash: hash, count: words.trimmed.utf8.count, at: at, isTaken: isTaken, number: number))
    if queued.count > Self.mostQueued { queued.removeFirst() }
    return number
  }

  /// The words have come as a line of their own, which says where they belong.
  mutating func unqueue(_ item: Queued) {
    if let index = queued.firstIndex(of: item) { queued.remove(at: index) }
    // Several may have come at once; a long one is kept cut.
    let index =
      requests.lastIndex { $0.at == item.at && EntryDraft.fingerprint($0.text) == item.hash }
      ?? requests.lastIndex { $0.at == item.at && item.count > Self.requestCharacters }
    if let index { requests.remove(at: index) }
    rules.removeAll { $0.at == item.at }
    story.forget(wordsAt: item.at)
  }

  /// The client sends several queued prompts at once, as the lines of one.
  ///
  /// - Returns: Those that came with it.
  mutating func unqueue(partsOf words: String) -> [Queued] {
    var found: [Queued] = []
    guard queued.contains(where: { !$0.isTaken }) else { return found }
    let bytes = Array(words.utf8)
    let starts = [0] + bytes.indices.filter { bytes[$0] == 0x0A }.map { $0 + 1 }
    for item in queued where !item.isTaken && item.count < bytes.count {
      let isPart = starts.contains { start in
        let end = start + item.count
        return end == bytes.count || end < bytes.count && bytes[end] == 0x0A
          ? EntryDraft.fingerprint(String(decoding: bytes[start..<end], as: UTF8.self)) == item.hash
          : false
      }
      guard isPart else { continue }
      unqueue(item)
      found.append(item)
    }
    return found
  }

  // MARK: What the agent said last

  private static let mostSaid = 8

  package static func letters(_ text: some StringProtocol) -> String {
    String(FNV1a.hash(text.utf8.lazy.filter { $0 > 0x20 }), radix: 36)
  }

  mutating func noteSaid(_ text: String) {
    let letters = text.utf8.filter { $0 > 0x20 }
    var starts = said.compactMap { UInt64($0, radix: 36) } + [FNV1a.empty]
    if starts.count > Self.mostSaid { starts.removeFirst() }
    said = starts.map { String(FNV1a.hash(letters, from: $0), radix: 36) }
  }

  /// The words that a hook brought stand in the transcript, or were nobody's.
  mutating func settleEarly() {
    guard let early else { return }
    replies.removeAll { EntryDraft.fingerprint($0.text) == early.shown }
    self.early = nil
  }

  /// A digest for reading a file again from its start, now that it is known what was taken back.
  ///
  /// - Parameters:
  ///   - abandoned: From ``TranscriptTree``.
  ///   - lines: Up to which line the tree was read.
  public init(abandoned: [Stretch], settledLines lines: Int) {
    self.init()
    self.abandoned = abandoned
    settledLines = lines
  }

  /// Keeps, for the same reading, the words of a hook whose lines may come in it.
  ///
  /// - Parameter former: As it was before the lines that showed what was taken back.
  public mutating func keepWaiting(from former: SessionDigest) {
    early = former.early
    early?.shown = ""
  }

  /// What the file does not say, from the digest that was in use before it was read again.
  public mutating func carryOver(from former: SessionDigest) {
    signals = former.signals
    if former.summaryAt > summaryAt {
      summary = former.summary
      summaryAt = former.summaryAt
    }
    isAstray = false
  }
}

// MARK: What waits

extension SessionDigest {
  package struct Queued: JSONRecord, Sendable, Equatable {
    /// The fingerprint of the words, and how many bytes they are.
    var hash: String = ""
    var count = 0
    var at: Int64 = 0
    /// True once they were taken up: they stand in the transcript twice only if their line follows
    /// at once.
    var isTaken = false
    /// Which of several that are the same.
    var number = 1

    /// The source id of the entry that waits for their line.
    var sourceID: String { EntryDraft.awaited(.request, fingerprint: hash, number: number) }

    package static var empty: Self { Self() }

    mutating func code(_ coder: inout JSONCoder) {
      coder.field("hash", &hash)
      coder.field("count", &count)
      coder.field("at", &at)
      coder.field("isTaken", &isTaken)
      coder.field("number", &number)
    }
  }

  package struct Early: JSONRecord, Sendable, Equatable {
    /// The fingerprint of the words.
    var hash: String = ""
    /// The fingerprint of their letters: the blocks of a message are joined with one gap or
    /// another.
    var letters: String = ""
    /// The fingerprint of what `replies` has of them; empty if they are not in the digest.
    var shown: String = ""

    /// The source id of the entry that waits for their lines.
    var sourceID: String { EntryDraft.awaited(.reply, fingerprint: hash) }

    package static var empty: Self { Self() }

    mutating func code(_ coder: inout JSONCoder) {
      coder.field("hash", &hash)
      coder.field("letters", &letters)
      coder.field("shown", &shown)
    }
  }

  /// A call that a later line answers.
  package struct PendingCall: JSONRecord, Sendable, Equatable {
    var id: String = ""
    package var tool: String = ""
    /// Which call of the session it is, from 1.
    package var number = 0
    /// The keys of the commands that it ran, as often as it ran them.
    var commands: [String] = []
    /// True if it may have made a commit.
    var commits = false
    /// The file that it edits or reads, the last of several.
    var path = ""
    /// The files that it edits, by their keys, and the items of the plan that it changes, as they were.
    package var edited: [String] = []
    var formerTasks: [PlanItem] = []
    /// The subject of a TaskCreate.
    var subject: String?
    /// The questions to the person, and their names, in the same order.
    var questions: [String] = []
    var questionIDs: [String] = []
    /// The same with the ways to answer them.
    var asked: [AskedQuestion] = []
    /// What it is about; a script may do several things.
    package var deeds: [Deed] = []
    /// A rewind took it back, and whatever comes of it.
    package var isAbandoned = false

    package static var empty: Self { Self() }

    mutating func code(_ coder: inout JSONCoder) {
      coder.field("id", &id)
      coder.field("tool", &tool)
      coder.field("number", &number)
      coder.field("commands", &commands)
      coder.field("commits", &commits)
      if !coder.isWriting || !path.isEmpty { coder.field("path", &path) }
      coder.field("edited", &edited)
      coder.field("formerTasks", &formerTasks)
      coder.field("subject", &subject)
      coder.field("questions", &questions)
      coder.field("questionIDs", &questionIDs)
      coder.field("asked", &asked)
      coder.field("deeds", &deeds)
      coder.field("isAbandoned", &isAbandoned)
    }
  }

  struct FormerPlan: JSONRecord, Sendable, Equatable {
    /// The id of the call that replaced it.
    var call: String = ""
    var todos: [PlanItem] = []

    package static var empty: Self { Self() }

    mutating func code(_ coder: inout JSONCoder) {
      coder.field("call", &call)
      coder.field("todos", &todos)
    }
  }
}
