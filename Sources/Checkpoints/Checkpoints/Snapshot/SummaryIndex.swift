import Syntax

/// What the host's own summary holds, so that the document can begin with what it does not
/// (findings 1: leaving out what the summary holds adds the most).
struct SummaryIndex {
  private let text: String
  /// Where each telling word stands, counted in telling words.
  private var places: [UInt64: [Int32]] = [:]

  init(_ summary: String) {
    text = summary.lowercased()
    for (index, word) in WordSet.telling(summary).enumerated() {
      places[word, default: []].append(Int32(index))
    }
  }

  /// So many telling words are about 500 characters.
  private static let span: Int32 = 50

  /// How much of a line stands together in the summary: 0 to 1.
  func share(of line: String) -> Double {
    let words = WordSet(line)
    guard !words.isEmpty else { return 1 }
    var hits: [(place: Int32, word: Int)] = []
    for (index, word) in words.words.enumerated() {
      for place in places[word] ?? [] { hits.append((place, index)) }
    }
    hits.sort { $0.place < $1.place }
    var count = [Int](repeating: 0, count: words.count)
    var (left, distinct, best) = (0, 0, 0)
    for hit in hits {
      if count[hit.word] == 0 { distinct += 1 }
      count[hit.word] += 1
      while hit.place - hits[left].place > Self.span {
        count[hits[left].word] -= 1
        if count[hits[left].word] == 0 { distinct -= 1 }
        left += 1
      }
      best = max(best, distinct)
    }
    return Double(best) / Double(words.count)
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

  func holds(name: String) -> Bool { text.hasBytes(of: name.lowercased()) }
}
