import Checkpoints
package import Core
import Foundation

/// What was put into which session, and when: counts, no text. Kept beside the store, so that a session
/// start pays for no commit.
package struct ContextLog: Sendable {
  package struct Entry: JSONRecord, Sendable, Equatable {
    /// Unix time in ms.
    package var at: Int64
    var session: SessionID
    /// Why the session began: startup, resume, clear, compact, fork.
    package var source: String
    /// UTF-16 units.
    package var units: Int
    /// The part of each line of the document.
    var parts: [String]
    /// The session that the document tells of, where it is another one.
    package var about: SessionID?
    package var checkpoint: RecordID?

    package static var empty: Self {
      Self(at: 0, session: .noSession, source: "", units: 0, parts: [])
    }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("at", &at)
      coder.field("units", &units)
      coder.field("session", &session)
      coder.field("source", &source)
      coder.field("about", &about)
      coder.field("checkpoint", &checkpoint)
      coder.field("parts", &parts)
    }

    /// How many lines of each part there are, in the order of a document.
    package var counts: [(part: String, count: Int)] {
      DocumentPart.allCases.map(\.rawValue).compactMap { part in
        let count = parts.count { $0 == part }
        return count > 0 ? (part, count) : nil
      }
    }
  }

  let folder: String

  package init(folder: String) {
    self.folder = folder
  }

  private var path: String { folder + "/context.jsonl" }
  private var former: String { folder + "/context.1.jsonl" }

  /// Best effort.
  func note(_ entry: Entry) {
    try? RegularFile.makeFolder(folder)
    if let facts = RegularFile.facts(path), facts.size > 1 << 20 { rename(path, former) }
    // What a power cut takes of it, nobody misses.
    try? RegularFile.append(entry.encoded() + "\n", to: path, isDurable: false)
  }

  /// The entries of one session, oldest first.
  package func entries(session: SessionID) -> [Entry] {
    [former, path].flatMap { path -> [Entry] in
      guard let bytes = try? RegularFile.read(path, limit: 4 << 20) else { return [] }
      return bytes.split(separator: UInt8(ascii: "\n")).compactMap {
        Entry.decoded(from: String(decoding: $0, as: UTF8.self))
      }
    }.filter { $0.session == session }
  }
}

extension RecoveryDocument {
  /// "3 decisions, 4 open steps, 2 dead ends, 6 files", as a person is told; nil if there is nothing.
  static func told(_ lines: [DocumentLine]) -> String? {
    func count(_ parts: DocumentPart...) -> Int { lines.count { parts.contains($0.part) } }
    let files = lines.filter { $0.part == .files }.reduce(0) {
      $0 + $1.subject.utf8.split(separator: UInt8(ascii: " ")).count
    }
    let open = lines.count {
      $0.part == .next || $0.part == .plan && !$0.text.hasPrefix("- [x]") || $0.part == .tasks
    }
    let facts = [
      (count(.decisions), "decision"), (open, "open step"), (count(.tried), "dead end"),
      (files, "file"),
    ].filter { $0.0 > 0 }.map { TerminalText.count($0.0, $0.1) }
    return facts.isEmpty ? nil : facts.joined(separator: ", ")
  }
}
