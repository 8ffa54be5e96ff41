import GRDB

/// What somebody wants to find, read from the words that were typed. None of them reaches MATCH raw:
/// each is cut by FTS5's own tokenizer and quoted.
public struct SearchQuery: Sendable {
  /// Words that stand side by side.
  struct Phrase: Sendable, Equatable {
    /// In lower case, without accents.
    var words: [String]
    /// The last one may be the beginning of a longer one.
    var isOpen = false

    /// In FTS5's syntax.
    var expression: String {
      "\"" + words.joined(separator: " ").replacing("\"", with: "\"\"") + (isOpen ? "\" *" : "\"")
    }
  }

  /// Something that is counted in each entry.
  struct Term: Sendable, Equatable {
    /// Each of them counts.
    var phrases: [Phrase]
    /// Of this many phrases the query's score has.
    var weight = 1.0
    /// The word, where it is one that may be misspelt.
    var word: String?
    /// The beginning of a word that is not finished yet.
    var beginning: String?

    /// In FTS5's syntax.
    var expression: String { phrases.map(\.expression).joined(separator: " OR ") }
  }

  var terms: [Term] = []
  /// Expressions that every hit has, and that none has.
  var required: [String] = []
  var excluded: [String] = []
  /// The words without those that say nothing, to be compared with who spoke.
  var names: Set<String> = []
  var asksWhen = false
  var dates: [SearchDate] = []
  /// What the text narrows the search to.
  public internal(set) var filter: RecordFilter

  /// Words that the text gave to `kind:`, `since:` and the like, and that mean nothing there.
  public internal(set) var complaints: [String] = []

  /// - Parameters:
  ///   - text: Words, `"phrases"`, `-not`, `kind:decision`, `project:`, `session:`, `file:`, `since:`
  ///     and `until:` (also `since:"last week"`), `begin*`.
  ///   - filter: What the caller narrows it to; the text may narrow it further.
  ///   - isUnfinished: The last word is still being typed.
  ///   - now: Unix ms.
  init(
    _ text: String, filter: RecordFilter, isUnfinished: Bool, now: Int64, _ words: SearchTokenizer
  ) {
    self.filter = filter
    let pieces = Self.pieces(of: text)
    let wordCount = pieces.count { if case .word = $0 { true } else { false } }
    var plain: [String] = []
    for piece in pieces {
      switch piece {
      case .field(let name, let value): narrow(name, value, now: now, words)
      case .excluded(let value):
        // Nothing but exclusions is no query: then they are words.
        if wordCount > 0 || pieces.count > 1, let phrase = Self.phrase(words.words(in: value)) {
          excluded.append(phrase.expression)
        } else {
          plain.append(value)
        }
      case .phrase(let value):
        plain.append(value)
        guard let phrase = Self.phrase(words.words(in: value)) else { continue }
        // In a sentence quotes mark a title that may be remembered wrongly (as a condition: R .805).
        if wordCount < Self.sentence {
          required.append(phrase.expression)
        } else {
          terms.append(Term(phrases: [phrase]))
        }
      case .word(let value): plain.append(value)
      }
    }
    take(plain, isUnfinished: isUnfinished, words)
  }

  /// So many words make a sentence.
  private static let sentence = 4

  // MARK: Pieces

  enum Piece: Equatable {
    case word(String)
    case phrase(String)
    case excluded(String)
    case field(String, String)
  }

  private static let fields = ["kind", "project", "session", "file", "since", "until"]

  static func pieces(of text: String) -> [Piece] {
    var pieces: [Piece] = []
    var rest = text[...]
    func quoted() -> String? {
      guard rest.first == "\"" else { return nil }
      let inside = rest.dropFirst()
      guard let end = inside.firstIndex(of: "\"") else { return nil }
      rest = inside[inside.index(after: end)...]
      return String(inside[..<end])
    }
    func bare() -> String {
      let end = rest.firstIndex(where: \.isWhitespace) ?? rest.endIndex
      defer { rest = rest[end...] }
      return String(rest[..<end])
    }
    while let first = rest.first {
      if first.isWhitespace {
        rest.removeFirst()
        continue
      }
      if let phrase = quoted() {
        pieces.append(.phrase(phrase))
        continue
      }
      // `-v` and `--force` are what people look for; `-word` is not.
      if first == "-", let next = rest.dropFirst().first, next == "\"" || next.isLetter,
        rest.dropFirst(2).first.map({ !$0.isWhitespace }) ?? false
      {
        rest.removeFirst()
        pieces.append(.excluded(quoted() ?? bare()))
        continue
      }
      if let colon = rest.firstIndex(of: ":"),
        fields.contains(rest[..<colon].lowercased()),
        rest.index(after: colon) < rest.endIndex, !rest[rest.index(after: colon)].isWhitespace
      {
        let name = rest[..<colon].lowercased()
        rest = rest[rest.index(after: colon)...]
        pieces.append(.field(name, quoted() ?? bare()))
        continue
      }
      pieces.append(.word(bare()))
    }
    return pieces
  }

  private mutating func narrow(
    _ name: String, _ value: String, now: Int64, _ words: SearchTokenizer
  ) {
    switch name {
    case "kind": filter.kinds += value.lowercased().split(separator: ",").map(String.init)
    case "project": filter.project = value
    case "session": filter.sessionID = value
    case "file":
      if let phrase = Self.phrase(words.words(in: value)) {
        required.append(phrase.expression)
        terms.append(Term(phrases: [phrase], weight: SearchWeights.phrase))
      }
    default:
      guard let range = SearchTime.range(value, now: now) else {
        complaints.append("\(name):\(value) is no time")
        return
      }
      if name == "since" {
        filter.since = max(filter.since ?? .min, range.lowerBound)
      } else {
        filter.until = min(filter.until ?? .max, range.upperBound)
      }
    }
  }

  // MARK: Terms

  private mutating func take(_ plain: [String], isUnfinished: Bool, _ words: SearchTokenizer) {
    let text = plain.joined(separator: " ")
    let all = words.words(in: text)
    let telling = all.filter { !SearchWords.stop.contains($0) }
    let used = telling.isEmpty ? all : telling
    names = Set(used.filter { $0.count > 1 })
    asksWhen = SearchWords.askWhen(all)
    dates = SearchDate.all(in: all)
    var beginning: String?
    if let last = plain.last {
      if last.hasSuffix("*") || isUnfinished {
        beginning = words.words(in: last).last.flatMap { $0.count > 1 ? $0 : nil }
      }
    }
    var stems: Set<String> = []
    for word in used where word != beginning { add(word: word, stems: &stems, words) }
    if let beginning {
      terms.append(Term(phrases: [Phrase(words: [beginning])], beginning: beginning))
    }
    for piece in plain {
      // What has marks inside is one name, beside its words.
      let tokens = words.words(in: piece)
      if tokens.count > 1, !piece.contains(where: \.isWhitespace),
        tokens.dropFirst().contains(where: { $0.count > 1 && !SearchWords.stop.contains($0) })
      {
        terms.append(Term(phrases: [Phrase(words: tokens)], weight: SearchWeights.phrase))
      }
      for word in piece.split(whereSeparator: { !$0.isLetter && !$0.isNumber }) {
        for part in SearchParts.parts(ofWord: String(word))
        where !SearchWords.stop.contains(part) {
          add(word: part, weight: SearchWeights.part, stems: &stems, words)
        }
      }
    }
    if terms.count > SearchWeights.mostTerms {
      terms = Array(
        terms.sorted { $0.expression.utf8.count > $1.expression.utf8.count }
          .prefix(SearchWeights.mostTerms))
    }
  }

  private mutating func add(
    word: String, weight: Double = 1, stems: inout Set<String>, _ words: SearchTokenizer
  ) {
    let forms = SearchWords.forms(of: word)
    guard !stems.contains(words.stem(of: word)) else { return }
    for form in forms + [word] { stems.insert(words.stem(of: form)) }
    var phrases: [Phrase] = []
    for form in [word] + forms where !phrases.contains(where: { $0.words == [form] }) {
      phrases.append(Phrase(words: [form]))
    }
    // The beginning of a hash stands for the whole.
    if Self.isHash(word) { phrases = [Phrase(words: [word], isOpen: true)] }
    for run in SearchParts.ideographs(in: word) {
      phrases.append(
        Phrase(words: SearchParts.pairs(of: run), isOpen: run.unicodeScalars.count == 1))
    }
    let isPlain = word.utf8.allSatisfy { (97...122).contains($0) } && word.utf8.count > 4
    terms.append(
      Term(phrases: phrases, weight: weight, word: isPlain && phrases.count == 1 ? word : nil))
  }

  private static func isHash(_ word: String) -> Bool {
    (7...40).contains(word.utf8.count)
      && word.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
      && word.utf8.contains { (48...57).contains($0) }
      && word.utf8.contains { (97...102).contains($0) }
  }

  private static func phrase(_ tokens: [String]) -> Phrase? {
    tokens.isEmpty ? nil : Phrase(words: tokens)
  }
}

/// Cuts text as the index does.
final class SearchTokenizer {
  private let plain: any FTS5Tokenizer
  private let porter: any FTS5Tokenizer
  private var stems: [String: String] = [:]

  init(_ db: Database) throws {
    plain = try db.makeTokenizer(.unicode61())
    porter = try db.makeTokenizer(.porter())
  }

  /// In lower case, without accents.
  func words(in text: String) -> [String] {
    // A NUL ends a text for SQLite.
    let text = text.utf8.contains(0) ? text.replacing("\0", with: " ") : text
    return (try? plain.tokenize(document: text).map(\.token)) ?? []
  }

  /// As the index has it.
  func stem(of word: String) -> String {
    if let known = stems[word] { return known }
    let stem = (try? porter.tokenize(document: word).first?.token) ?? word
    stems[word] = stem
    return stem
  }
}
