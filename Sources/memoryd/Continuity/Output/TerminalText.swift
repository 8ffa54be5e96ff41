import Checkpoints
package import Core
package import MemoryStore
import Syntax

/// Text for people: aligned, and harmless to a terminal whatever was recorded.
package struct TerminalText {
  let usesColor: Bool

  package init(usesColor: Bool) {
    self.usesColor = usesColor
  }

  package init(_ invocation: Invocation) {
    usesColor =
      invocation.outputIsTerminal && invocation.environment["NO_COLOR"] == nil
      && invocation.environment["TERM"] != "dumb"
  }

  package func bold(_ text: String) -> String { usesColor ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
  package func dim(_ text: String) -> String { usesColor ? "\u{1B}[2m\(text)\u{1B}[0m" : text }

  /// `1 transcript`, `2 transcripts`.
  package static func count(_ number: Int, _ one: String, _ several: String? = nil) -> String {
    "\(number) \(number == 1 ? one : several ?? one + "s")"
  }

  /// Recorded text on one line, at most so many characters.
  package static func line(_ text: String, _ count: Int = 160) -> String {
    let clean = safe(text).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return clean.count > count ? String(clean.prefix(count - 1)) + "…" : clean
  }

  package static func line(_ id: some Identifier, _ count: Int = 160) -> String {
    line(id.rawValue, count)
  }

  /// Recorded text as it stands, without what drives a terminal.
  package static func safe(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        InvisibleText.removed(from: text).unicodeScalars.map {
          $0 != "\n" && Markdown.isControl($0) ? " " : $0
        }))
  }

  /// `2026-01-14 15:18`, UTC.
  package static func time(_ milliseconds: Int64) -> String {
    String(Timestamp.string(milliseconds).prefix(16)).replacing(bytesOf: "T", with: " ")
  }

  /// `812 bytes`, `12.3 MB`.
  package static func size(_ bytes: Int64) -> String {
    let units = ["kB", "MB", "GB", "TB"]
    guard bytes >= 1000 else { return "\(bytes) bytes" }
    var value = bytes
    for (number, unit) in units.enumerated() {
      if value < 1_000_000 || number == units.count - 1 {
        return "\(value / 1000).\(value % 1000 / 100) \(unit)"
      }
      value /= 1000
    }
    return "\(bytes) bytes"
  }

  /// How much a store holds, in one line.
  package static func holdings(_ counts: [String: Int]) -> String {
    [
      "sessions", "entries", "checkpoints", "tasks", "decisions", "handoffs", "ledger_items",
      "outbox",
    ].map { "\(counts[$0] ?? 0) \($0.replacing("_", with: " "))" }.joined(separator: ", ")
  }

  /// `3 tasks, 1 decision`.
  package static func counts(_ items: [MemoryDatabase.HeldItem]) -> String {
    ItemKind.forVault.compactMap { kind in
      let number = items.count { $0.kind == kind }
      return number == 0 ? nil : count(number, kind.rawValue)
    }.joined(separator: ", ")
  }
}
