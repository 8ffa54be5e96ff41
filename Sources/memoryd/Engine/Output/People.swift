import Fallback
import Checkpoints
import Core

/// Text for people: aligned, and harmless to a terminal whatever was recorded.
struct People {
  let usesColor: Bool

  init(_ invocation: Invocation) {
    usesColor =
      invocation.outputIsTerminal && invocation.environment["NO_COLOR"] == nil
      && invocation.environment["TERM"] != "dumb"
  }

  func bold(_ text: String) -> String { usesColor ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
  func dim(_ text: String) -> String { usesColor ? "\u{1B}[2m\(text)\u{1B}[0m" : text }

  /// `1 transcript`, `2 transcripts`.
  static func count(_ number: Int, _ one: String, _ several: String? = nil) -> String {
    "\(number) \(number == 1 ? one : several ?? one + "s")"
  }

  /// Recorded text on one line, at most so many characters.
  static func line(_ text: String, _ count: Int = 160) -> String {
    let clean = safe(text).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return clean.count > count ? String(clean.prefix(count - 1)) + "…" : clean
  }

  /// Recorded text as it stands, without what drives a terminal.
  static func safe(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        InvisibleText.removed(from: text).unicodeScalars.map {
          $0 != "\n" && Markdown.isControl($0) ? " " : $0
        }))
  }

  /// `2026-01-14 15:18`, UTC.
  static func time(_ milliseconds: Int64) -> String {
    String(Timestamp.string(milliseconds).prefix(16)).replacing("T", with: " ")
  }

  /// `812 bytes`, `12.3 MB`.
  static func size(_ bytes: Int64) -> String {
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
  static func holdings(_ counts: [String: Int]) -> String {
    [
      "sessions", "entries", "checkpoints", "tasks", "decisions", "handoffs", "ledger_items",
      "outbox",
    ].map { "\(counts[$0] ?? 0) \($0.replacing("_", with: " "))" }.joined(separator: ", ")
  }

  /// The reply to a write, and on standard error what went wrong on the way.
  static func reply(
    _ verb: String, _ acknowledgement: MemoryService.Acknowledgement, _ service: MemoryService,
    json: Bool
  ) -> Outcome {
    var outcome = Outcome()
    outcome.output =
      json
      ? JSONOutput.text(JSONOutput.write(acknowledgement, service))
      : "\(verb) \(acknowledgement.id)\n"
    if let problem = acknowledgement.problem {
      let place =
        acknowledgement.durability == .spooled
        ? "kept in the spool; the next command takes it in once that is mended"
        : "kept in \(service.fallback.directory)"
      outcome.errorOutput =
        "memoryd: note: \(problem.message)\n" + "memoryd: note: the \(acknowledgement.kind) is "
        + place + "\n" + (problem.hint.map { "hint: \($0)\n" } ?? "")
    }
    return outcome
  }
}
