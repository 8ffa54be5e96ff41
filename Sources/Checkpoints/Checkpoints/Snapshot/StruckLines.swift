package import Core
public import MemoryStore
import Syntax
package import Transcripts

/// What a person called false, known by what it says of: a request, an item of a plan, a path, a command.
/// How it stands with it does not matter, nor in which document, or how much of it, it is stated.
public struct StruckLines: Sendable, Equatable {
  private var subjects: Set<String>
  /// UTF-8 bytes. A text that ends in an ellipsis by itself is mostly shorter than one that was cut.
  private static let leastCut = 60

  public init(_ lines: [StruckLine] = []) {
    subjects = Set(lines.map { Self.plain($0.subject) })
    // A line that names several is struck for each of them: another document packs them otherwise.
    for line in lines where Self.lists.contains(line.section) {
      subjects.formUnion(line.subject.split(separator: "\n").map { Self.plain(String($0)) })
    }
  }

  private static let lists = [DocumentPart.files.title, DocumentPart.commands.title]

  public var isEmpty: Bool { subjects.isEmpty }

  /// One line, without what it says of its state.
  package static func plain(_ text: String) -> String {
    let line = text.oneLine
    let state = " (in progress)"
    return line.hasSuffix(state) ? String(line.dropLast(state.count)) : line
  }

  /// - Parameter subject: Whole, or cut with an ellipsis.
  public func has(_ subject: String) -> Bool {
    guard !subjects.isEmpty else { return false }
    let plain = Self.plain(subject)
    if subjects.contains(plain) { return true }
    return subjects.contains { Self.isCut(plain, of: $0) || Self.isCut($0, of: plain) }
  }

  private static func isCut(_ text: String, of whole: String) -> Bool {
    guard text.hasSuffix("…") else { return false }
    let beginning = text.dropLast()
    return beginning.utf8.count >= leastCut && whole.hasPrefix(beginning)
  }

  /// A sentence of what was struck goes with it.
  package func holds(_ sentence: String) -> Bool {
    let sentence = Self.plain(sentence)
    return !sentence.isEmpty && subjects.contains { $0.hasBytes(of: sentence) }
  }

  /// - Parameter hash: Of any length.
  public func has(commit hash: String) -> Bool {
    subjects.contains {
      guard $0.hasPrefix(Self.commit) else { return false }
      let known = $0.dropFirst(Self.commit.count)
      return known.hasPrefix(hash) || hash.hasPrefix(known)
    }
  }

  public func has(task: TaskRecord) -> Bool { has(Self.subject(ofTask: task.id)) }

  /// What was done last, as ``Snapshot/actions`` and handoffs tell it.
  public func has(action: String) -> Bool {
    guard !subjects.isEmpty else { return false }
    if has(action) { return true }
    for opening in ["done: ", "edited "] where action.hasPrefix(opening) {
      return has(String(action.dropFirst(opening.count)))
    }
    if action.hasPrefix("ran "), let end = action.ranges(of: ": ").last {
      return has(String(action[..<end.lowerBound].dropFirst(4)))
    }
    let words = action.split(separator: " ", maxSplits: 2)
    return words.count > 1 && words[0] == "committed" && has(commit: String(words[1]))
  }

  // MARK: Subjects that are no text of the session

  private static let commit = "commit "

  package static func subject(ofCommit hash: String) -> String { commit + hash }
  /// Of files or commands that stand on one line.
  package static func subject(of members: [String]) -> String {
    members.map(\.oneLine).joined(separator: "\n")
  }
  package static func subject(ofTask id: RecordID) -> String { "task \(id)" }
}

extension Snapshot {
  /// All that is not struck; in place of an objective that is, the person's newest request that is
  /// not.
  public func without(_ struck: StruckLines) -> Snapshot {
    guard !struck.isEmpty else { return self }
    var kept = self
    kept.requests.removeAll { struck.has($0.text) }
    kept.rules.removeAll { struck.has($0.text) || struck.holds($0.text) }
    kept.plan.removeAll { struck.has($0.text) }
    kept.next.removeAll { struck.has($0) }
    kept.actions.removeAll { struck.has(action: $0) }
    kept.files.removeAll { struck.has($0.path) }
    kept.commands.removeAll { struck.has($0.text) }
    kept.told.removeAll { struck.has($0.subject) || struck.holds($0.subject) }
    kept.sentences.removeAll { struck.has($0) || struck.holds($0) }
    if lastReply.map({ struck.has($0) }) ?? false { kept.lastReply = nil }
    if lastFailure.map({ struck.has($0.subject) }) ?? false { kept.lastFailure = nil }
    kept.commits.removeAll { struck.has(commit: $0.hash) }
    kept.stated = stated?.without(struck)
    if struck.has(objective) { kept.objective = Self.objective(of: kept.requests) ?? "" }
    return kept
  }
}

extension Snapshot.Statement {
  public func without(_ struck: StruckLines) -> Self {
    Self(
      objective: objective.flatMap { struck.has($0) ? nil : $0 },
      blockers: blockers.filter { !struck.has($0) },
      actions: actions.filter { !struck.has(action: $0) }, next: next.filter { !struck.has($0) })
  }
}

extension SessionDigest.Failure {
  package var subject: String { "\(tool): \(text)" }
}
