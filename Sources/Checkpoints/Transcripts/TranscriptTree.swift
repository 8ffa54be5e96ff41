public import Core
import MemoryStore
package import Syntax

/// Which lines of a transcript were taken back.
///
/// Claude Code's lines form a tree. What the person or the agent said and from which the newest leaf
/// does not come was taken back with `/rewind` or by editing a message, and so was what hangs on it.
/// Lines of one answer, and results of its calls, belong together wherever they hang. Codex says with
/// an event how many turns were taken back, and Gemini CLI to which message the person went back.
public struct TranscriptTree {
  private struct Node {
    var line: Int
    var parent: Int32
    var message: Int32
    var isMove: Bool
  }

  private var nodes: [Node] = []
  private var places: [String: Int32] = [:]
  private var messages: [String: Int32] = [:]
  /// The newest that was said.
  private var leaf: Int32 = -1
  private var session: String?
  /// Some line says on which it hangs: where none does, nothing was taken back.
  private var isLinked = false

  /// What the person sent to Codex, from the first line that tells of it.
  private struct Turn {
    var line: Int
    var words: String
    var tellings: Int
    var isSure: Bool { tellings != CodexText.Telling.message.rawValue }
  }

  /// Codex: the turns that count, and the lines that do not.
  private var turns: [Turn] = []
  private var rolledBack: [SessionDigest.Stretch] = []

  /// Gemini: on which line a message stands first.
  private var messageLines: [String: Int] = [:]

  /// Physical lines that were read.
  public private(set) var lines = 0

  package init() {}

  /// Reads a file from its start.
  ///
  /// - Parameter isOver: As for ``TranscriptReader/read(until:_:)``.
  /// - Returns: Nil if there was no time to read it all.
  public static func read(
    _ path: String, until isOver: () -> Bool = { false }
  ) throws(StoreError) -> TranscriptTree? {
    var tree = TranscriptTree()
    let report = try TranscriptReader(path: path, known: nil).read(until: isOver) {
      tree.ingest($0, line: $1)
    }
    tree.lines = report.end.lines
    return report.isComplete ? tree : nil
  }

  package mutating func ingest(_ object: JSONValue, line: Int) {
    guard let type = object["type"] else {
      ingestGemini(object, line: line)
      return
    }
    if object["uuid"] == nil, let id = object["id"]?.string, object["content"] != nil {
      noteMessage(id, line: line)
    }
    if let payload = object["payload"], payload.isObject {
      ingestCodex(type, payload, line: line)
      return
    }
    guard object["isSidechain"]?.bool != true, object["uuid"]?.isString == true else { return }
    let node = ClaudeLine(object, type)
    // A line that stands twice is the first.
    guard places[node.mark] == nil else { return }
    var parent: Int32 = -1
    var isKnown = false
    if let above = node.parent {
      isLinked = true
      if let place = places[above] {
        parent = place
        isKnown = true
      }
    }
    let session = object["sessionId"]?.string
    // What hangs on nothing that is here goes on from what stands before it.
    let isStart = node.isRoot && (session == nil || session == self.session)
    if !isKnown, !isStart { parent = leaf }
    if let session { self.session = session }
    let message = node.message.map { id -> Int32 in
      let next = Int32(messages.count)
      return messages[id]
        ?? {
          messages[id] = next
          return next
        }()
    }
    let place = Int32(nodes.count)
    places[node.mark] = place
    nodes.append(Node(line: line, parent: parent, message: message ?? -1, isMove: node.isMove))
    if node.isMove || node.isBoundary { leaf = place }
  }

  /// In order, without overlaps.
  public var abandoned: [SessionDigest.Stretch] {
    if nodes.isEmpty { return rolledBack }
    return isLinked ? abandonedLines : []
  }

  private var abandonedLines: [SessionDigest.Stretch] {
    var isLive = [Bool](repeating: false, count: nodes.count)
    var isLiveMessage = [Bool](repeating: false, count: messages.count)
    var place = leaf
    while place >= 0, !isLive[Int(place)] {
      isLive[Int(place)] = true
      let node = nodes[Int(place)]
      if node.message >= 0 { isLiveMessage[Int(node.message)] = true }
      place = node.parent
    }
    var stretches: [SessionDigest.Stretch] = []
    var first: Int?
    for (index, node) in nodes.enumerated() {
      if !isLive[index] {
        if node.isMove {
          isLive[index] = node.message >= 0 && isLiveMessage[Int(node.message)]
        } else {
          isLive[index] = node.parent < 0 || isLive[Int(node.parent)]
        }
      }
      if isLive[index], let start = first {
        if start < node.line { stretches.append(.init(first: start, last: node.line - 1)) }
        first = nil
      } else if !isLive[index], first == nil {
        first = node.line
      }
    }
    // The newest leaf counts, so what comes last is a result that came late.
    if let first { stretches.append(.init(first: first, last: lines)) }
    return stretches
  }

  // MARK: Gemini

  private mutating func noteMessage(_ id: String, line: Int) {
    if messageLines[id] == nil { messageLines[id] = line }
  }

  /// `$rewindTo` drops the message that it names and all after it; where it is not known, all.
  private mutating func ingestGemini(_ object: JSONValue, line: Int) {
    for message in object["$set"]?["messages"]?.elements ?? [] {
      if let id = message["id"]?.string { noteMessage(id, line: line + 1) }
    }
    guard let id = object["$rewindTo"]?.string,
      let first = messageLines[id] ?? messageLines.values.min(), first < line
    else { return }
    messageLines = messageLines.filter { $0.value < first }
    rolledBack.removeAll { $0.first >= first }
    rolledBack.append(.init(first: first, last: line))
  }

  // MARK: Codex

  private mutating func ingestCodex(_ type: JSONValue, _ payload: JSONValue, line: Int) {
    guard let kind = payload["type"] else { return }
    if type.equals("event_msg"), kind.equals("thread_rolled_back") {
      let count = payload["num_turns"]?.int ?? 1
      // Once events tell what the person sent, a message without one is the harness's.
      let firstSure = turns.firstIndex { $0.isSure } ?? turns.count
      let counted = turns.enumerated().filter { $0.element.isSure || $0.offset < firstSure }
      guard count > 0, let first = counted.suffix(count).first?.element.line else { return }
      turns.removeAll { $0.line >= first }
      rolledBack.removeAll { $0.first >= first }
      rolledBack.append(.init(first: first, last: line))
    } else if let (telling, words) = CodexText.told(type, payload) {
      let mark = SessionDigest.letters(words)
      // The message and its events are one.
      if let last = turns.indices.last, turns[last].words == mark,
        turns[last].tellings & telling.rawValue == 0
      {
        turns[last].tellings |= telling.rawValue
      } else {
        turns.append(Turn(line: line, words: mark, tellings: telling.rawValue))
      }
    }
  }
}
