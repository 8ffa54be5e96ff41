/// How people and tools say that something is not to be done any more.
enum DroppedItem {
  private static let words: Set<String> = [
    "cancelled", "canceled", "dropped", "deleted", "abandoned", "wontfix", "won't do", "wont do",
    "obsolete",
  ]

  /// True for a status that says so, as plans have it.
  static func isStatus(_ status: String) -> Bool {
    words.contains(status.lowercased().replacing("_", with: " ").replacing("’", with: "'"))
  }

  /// True for `text (cancelled)`, `[cancelled] text` and `Cancelled: text`.
  static func isMarked(_ text: String) -> Bool {
    let text = text.lowercased().replacing("’", with: "'")
    return words.contains { word in
      ["(\(word))", "[\(word)]"].contains { text.hasPrefix($0 + " ") || text.hasSuffix(" " + $0) }
        || text.hasPrefix(word + ": ")
    }
  }
}
