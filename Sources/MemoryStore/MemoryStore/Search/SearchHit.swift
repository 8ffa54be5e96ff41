public struct SearchHit: Sendable, Equatable {
  public var entry: EntryRecord
  /// Larger is better.
  public var score: Double
  /// The best part of the text, matching words between U+0002 and U+0003.
  public var snippet: String
  /// Further entries with the same text.
  public var copies = 0
  /// How the score came about, a line for each part; empty unless asked for.
  public var explanation: [String] = []

  public init(entry: EntryRecord, score: Double, snippet: String) {
    self.entry = entry
    self.score = score
    self.snippet = snippet
  }
}
