package import Core
import Foundation

/// What went wrong in hooks, kept beside the store because the store may be what went wrong.
/// Told once at the next session start, and by `status` for a day.
package struct ProblemLog: Sendable {
  package struct Problem: JSONRecord, Sendable, Equatable {
    /// Unix time in ms.
    package var at: Int64
    /// The hook's event.
    package var event: String
    package var code: String
    package var message: String
    package var hint: String?

    package init(at: Int64, event: String, code: String, message: String, hint: String? = nil) {
      self.at = at
      self.event = event
      self.code = code
      self.message = message
      self.hint = hint
    }

    package static var empty: Self { Self(at: 0, event: "", code: "", message: "") }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("at", &at)
      coder.field("event", &event)
      coder.field("code", &code)
      coder.field("message", &message)
      coder.field("hint", &hint)
    }
  }

  let folder: String

  private var untold: String { folder + "/hook-problems.jsonl" }
  private var told: String { folder + "/hook-problems.told.jsonl" }

  /// Best effort: a folder that cannot be written is a problem that the next hook sees itself.
  package func note(_ problem: Problem) {
    try? RegularFile.makeFolder(folder)
    if let facts = RegularFile.facts(untold), facts.size > 1 << 20 { return }
    try? RegularFile.append(problem.encoded() + "\n", to: untold)
  }

  /// What nobody has been told yet, oldest first.
  func pending() -> [Problem] { read(untold) }

  /// The problems since an instant (Unix ms), told or not.
  package func recent(since: Int64) -> [Problem] {
    (read(told) + read(untold)).filter { $0.at >= since }
  }

  func markTold() {
    rename(untold, told)
  }

  private func read(_ path: String) -> [Problem] {
    guard let bytes = try? RegularFile.read(path, limit: 4 << 20) else { return [] }
    return bytes.split(separator: UInt8(ascii: "\n")).compactMap {
      // A line that is cut off or damaged tells nobody anything.
      Problem.decoded(from: String(decoding: $0, as: UTF8.self)).flatMap {
        $0.event.isEmpty ? nil : $0
      }
    }
  }
}

extension CallContext {
  package var problems: ProblemLog { ProblemLog(folder: home.logs) }

  /// Keeps what went wrong in a hook, for the next session start to tell.
  package func noteProblem(
    _ event: String, _ code: StoreError.Code, _ message: String, hint: String? = nil
  ) {
    problems.note(
      .init(at: present.now, event: event, code: code.rawValue, message: message, hint: hint))
  }
}
