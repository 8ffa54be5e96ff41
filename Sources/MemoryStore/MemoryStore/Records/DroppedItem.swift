/// How people and tools say that something is not to be done any more.
public enum DroppedItem {
  private static let words: Set<String> = [
    "cancelled", "canceled", "dropped", "deleted", "abandoned", "wontfix", "won't fix", "won't do",
    "wont do", "obsolete",
  ]

  /// True for a status that says so, as plans and tables have it.
  public static func isStatus(_ status: String) -> Bool {
    let text = plain(status)
    return ["[-]", "[–]", "[—]"].contains(text)
      || words.contains(text.replacing("_", with: " ").replacing("-", with: " "))
  }

  /// True for `[-] text`, `[ ] text (cancelled)`, `[cancelled] text`, `Cancelled: text`, and for what is
  /// struck through as a whole.
  ///
  /// - Parameter item: Of a list, without its bullet: a line of Markdown, or what it reads as.
  public static func isMarked(_ item: String) -> Bool {
    if ["[-] ", "[–] ", "[—] "].contains(where: item.hasPrefix) { return true }
    var text = plain(item)
    if let box = ["[ ] ", "[x] "].first(where: text.hasPrefix) {
      text = plain(String(text.dropFirst(box.count)))
    }
    if text.hasPrefix("~~"), text.hasSuffix("~~"), text.utf8.count > 4,
      !text.dropFirst(2).dropLast(2).contains("~~")
    {
      return true
    }
    return words.contains { word in
      ["(\(word))", "[\(word)]"].contains { text.hasPrefix($0 + " ") || text.hasSuffix(" " + $0) }
        || text.hasPrefix(word + ": ")
    }
  }

  private static func plain(_ text: String) -> String {
    var text = text.lowercased().replacing("’", with: "'")[...]
    while text.first?.isWhitespace == true { text = text.dropFirst() }
    while text.last?.isWhitespace == true { text = text.dropLast() }
    return String(text)
  }
}
