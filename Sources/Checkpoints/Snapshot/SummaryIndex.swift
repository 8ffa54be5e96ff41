/// What the host's own summary holds, so that the document can begin with what it does not
/// (findings 1: leaving out what the summary holds adds the most).
struct SummaryIndex {
  private let text: String
  private let words: Set<String>

  init(_ summary: String) {
    text = summary.lowercased()
    words = Set(Self.words(of: summary))
  }

  /// A file is known by its last two components, or by its name where that is telling.
  func holds(path: String) -> Bool {
    let parts = path.lowercased().split(separator: "/").suffix(2)
    if text.hasBytes(of: parts.joined(separator: "/")) { return true }
    guard let name = parts.last, name.utf8.count >= 10 else { return false }
    return text.hasBytes(of: String(name))
  }

  func holds(command: Snapshot.Command) -> Bool {
    text.hasBytes(of: command.key.lowercased())
  }

  /// Most of a sentence's telling words stand in the summary.
  func holds(sentence: String) -> Bool {
    let wanted = Self.words(of: sentence)
    guard !wanted.isEmpty else { return true }
    let known = wanted.count { words.contains($0) }
    return Double(known) >= 0.8 * Double(wanted.count)
  }

  func holds(name: String) -> Bool { text.hasBytes(of: name.lowercased()) }

  /// Words of four letters or more, lower case.
  private static func words(of text: String) -> [String] {
    text.lowercased().split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "_" })
      .filter { $0.utf8.count >= 4 }.map(String.init)
  }
}
