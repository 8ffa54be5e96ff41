import Core
import Syntax

/// What the reader of a Gemini chat needs to know of the lines before.
struct GeminiState: Sendable, Equatable {
  /// A message that was taken: it comes again with what was added to it.
  struct Row: JSONRecord, Sendable, Equatable {
    var id = ""
    /// Hash of the text that was taken; empty while there was none.
    var text = ""
    /// Ids of the calls that were taken.
    var calls: [String] = []

    static var empty: Self { Self() }

    mutating func code(_ coder: inout JSONCoder) {
      coder.field("id", &id)
      coder.filled("text", &text)
      coder.field("calls", &calls)
    }
  }

  /// The newest messages, oldest first.
  var rows: [Row] = []
  /// The time of the newest message that was taken, Unix ms.
  var newestAt: Int64 = 0

  private static let mostRows = 16

  mutating func note(_ row: Row) {
    rows.removeAll { $0.id == row.id }
    rows.append(row)
    if rows.count > Self.mostRows { rows.removeFirst(rows.count - Self.mostRows) }
  }

  mutating func code(_ coder: inout JSONCoder) {
    coder.field("gemini_rows", &rows)
    coder.field("gemini_newestAt", &newestAt)
  }
}
