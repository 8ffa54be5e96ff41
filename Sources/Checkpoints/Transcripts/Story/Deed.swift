import Core
import MemoryStore
import Syntax

/// What a call is about, kept until its result tells how it ended.
package struct Deed: JSONRecord, Sendable, Equatable {
  package enum Kind: String, Sendable {
    case none, shell, edit, write, read, search, agent, plan, other
  }

  package var kind = Kind.none
  /// The command line, the path, the pattern, the description.
  package var subject = ""
  /// Where a search looked; what kind of agent; the first line that an edit took out.
  var detail = ""
  /// The first lines that an edit put in; what a written file is about.
  var added = ""
  /// What the agent said right before, and the line of the transcript where it said so.
  var purpose = ""
  var saidLine = 0
  /// Fingerprints of what an edit took out and put in, and their lengths.
  var removedMark = ""
  var addedMark = ""
  var removedLength = 0
  var addedLength = 0
  /// The lines of a plan that count.
  var lines: [String] = []

  package static var empty: Self { Self() }

  mutating func code(_ coder: inout JSONCoder) {
    coder.field("kind", &kind)
    coder.filled("subject", &subject)
    coder.filled("detail", &detail)
    coder.filled("added", &added)
    coder.filled("purpose", &purpose)
    coder.field("saidLine", &saidLine)
    coder.filled("removedMark", &removedMark)
    coder.filled("addedMark", &addedMark)
    coder.field("removedLength", &removedLength)
    coder.field("addedLength", &addedLength)
    coder.field("lines", &lines)
  }
}

/// A question that the agent asks with ways to answer it.
package struct AskedQuestion: JSONRecord, Sendable, Equatable {
  var question = ""
  var labels: [String] = []
  /// What stands below each label.
  var descriptions: [String] = []

  package static var empty: Self { Self() }

  mutating func code(_ coder: inout JSONCoder) {
    coder.field("question", &question)
    coder.field("labels", &labels)
    coder.field("descriptions", &descriptions)
  }
}

extension Deed {
  /// - Parameters:
  ///   - removed: What was taken out, without secrets.
  ///   - added: What was put in, without secrets.
  package static func edit(_ path: String, removed: String, added: String) -> Deed {
    var deed = Deed()
    deed.kind = .edit
    deed.subject = path
    let before = lines(removed)
    let after = lines(added)
    let (old, new) = (Set(before), Set(after))
    let plus = after.filter { !old.contains($0) && $0.utf8.count > 3 }
    let minus = before.filter { !new.contains($0) && $0.utf8.count > 3 }
    deed.detail = minus.prefix(2).joined(separator: "; ").cut(to: plus.isEmpty ? 100 : 70)
    deed.added = plus.prefix(3).joined(separator: "; ").cut(to: 140)
    let (out, into) = (removed.trimmed, added.trimmed)
    deed.removedLength = out.utf8.count
    deed.addedLength = into.utf8.count
    if out.utf8.count > 20 { deed.removedMark = EntryDraft.fingerprint(String(out)) }
    if into.utf8.count > 20 { deed.addedMark = EntryDraft.fingerprint(String(into)) }
    return deed
  }

  package static func write(_ path: String, content: String) -> Deed {
    var deed = Deed()
    deed.kind = .write
    deed.subject = path
    deed.addedLength = content.split(separator: "\n", omittingEmptySubsequences: false).count
    let isProse = path.hasSuffix(".md") || path.hasSuffix(".mdx") || path.hasSuffix(".txt")
    if isProse {
      let heads = lines(content).filter { $0.hasPrefix("#") }
        .map { String($0.drop { $0 == "#" || $0 == " " }).cut(to: 50) }
      deed.added = heads.prefix(8).joined(separator: ", ").cut(to: 260)
    } else {
      deed.added = TextScanner.symbols(in: content, limit: 6).joined(separator: ", ")
      let notes = lines(content).filter {
        isComment($0) && $0.utf8.count > 25
          && !Lexicon.english.marks(in: $0).isDisjoint(with: [.hardRule, .reason, .statement])
      }
      deed.detail = notes.prefix(3)
        .map { String($0.drop { "/#*-\" \t".contains($0) }) }.joined(separator: " / ").cut(to: 240)
    }
    if isPlan(path) { deed.lines = planLines(content) }
    return deed
  }

  private static func lines(_ text: String) -> [String] {
    text.split(separator: "\n").prefix(400).map { String($0.trimmed) }.filter { !$0.isEmpty }
  }

  private static func isComment(_ line: String) -> Bool {
    line.hasPrefix("//") || line.hasPrefix("# ") || line.hasPrefix("* ") || line.hasPrefix("-- ")
      || line.hasPrefix("\"\"\"")
  }

  // MARK: Plans

  /// True for a file in which a plan, a design or a specification is written down.
  package static func isPlan(_ path: String) -> Bool {
    let small = path.lowercased()
    guard small.hasSuffix(".md") || small.hasSuffix(".mdx"), !small.hasBytes("skills/") else {
      return false
    }
    let parts = small.split(separator: "/")
    let name = parts.last ?? ""
    return ["plan", "design", "spec", "adr", "rfc"].contains { name.utf8Range(of: $0) != nil }
      || parts.dropLast().suffix(3).contains {
        ["plans", "plan", "specs", "designs", "adr", "adrs", "rfcs"].contains($0)
      }
  }

  package static func plan(_ text: String) -> Deed {
    var deed = Deed()
    deed.kind = .plan
    deed.lines = planLines(text)
    let title = text.split(separator: "\n").first { $0.hasPrefix("#") }
    deed.detail = title.map { String($0.drop { $0 == "#" || $0 == " " }).cut(to: 110) } ?? ""
    return deed
  }

  /// The headings of a plan as one line, then the sentences that decide something.
  static func planLines(_ text: String) -> [String] {
    let heads = text.split(separator: "\n").filter { $0.hasPrefix("#") }
      .map { String($0.drop { $0 == "#" || $0 == " " }).oneLine.cut(to: 70) }
    let sentences = Prose(text, limit: 600).sentences.enumerated().compactMap { index, sentence in
      worth(ofPlan: sentence).map { (worth: $0, index: index, text: sentence.text) }
    }
    let best = sentences.sorted { ($0.worth, $1.index) > ($1.worth, $0.index) }.prefix(6)
      .sorted { $0.index < $1.index }
    return [heads.prefix(14).joined(separator: "; ").cut(to: 330)]
      + best.map { $0.text.oneLine.cut(to: 230) }
  }

  private static func worth(ofPlan sentence: Prose.Sentence) -> Int? {
    guard (30..<420).contains(sentence.length) else { return nil }
    let small = sentence.text.prefix(16).lowercased()
    let isNamed = ["goal", "architecture", "approach", "decision", "important", "scope", "why"]
      .contains { small.hasPrefix($0) }
    guard isNamed || Lexicon.english.marks(in: sentence.heading).contains(.ofWeight) else {
      return nil
    }
    var worth = isNamed ? 2 : 0
    if !sentence.marks.isDisjoint(with: [.finding, .decision, .reason]) { worth += 2 }
    if sentence.marks.contains(.hardRule) { worth += 1 }
    return worth > 0 ? worth : nil
  }
}
