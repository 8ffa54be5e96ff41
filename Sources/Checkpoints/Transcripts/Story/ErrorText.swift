import Syntax

/// What an error is looked for by.
public enum ErrorText {
  private static let most = 24

  /// The words of its telling lines, without what a query gives a meaning to; nil if there are none.
  public static func words(in text: String) -> String? {
    let telling = CommandOutput(text).telling(limit: 400)
    var words: [String] = []
    for word in (telling.isEmpty ? text.cut(to: 400) : telling)
      .split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "_" })
    {
      let word = String(word)
      guard word.utf8.count > 2, !word.allSatisfy(\.isNumber), !words.contains(word) else {
        continue
      }
      words.append(word)
      if words.count == most { break }
    }
    return words.isEmpty ? nil : words.joined(separator: " ")
  }
}
