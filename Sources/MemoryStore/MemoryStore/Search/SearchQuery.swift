package import Core
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
  package var required: [String] = []
  package var excluded: [String] = []
  /// The words without those that say nothing, to be compared with who spoke.
  package var names: Set<String> = []
  var asksWhen = false
  var dates: [SearchDate] = []
  package let days: LocalDays
  /// What the text narrows the search to.
  public internal(set) var filter: RecordFilter

  /// The text and the caller narrow it to different things.
  package private(set) var isImpossible = false
  /// Words that say something, as they were typed.
  private(set) var wordCount = 0
  /// Words that the text gave to `kind:`, `since:` and the like, and that mean nothing there.
  public internal(set) var complaints: [String] = []

  /// - Parameters:
  ///   - text: Words, `"phrases"`, `-not`, `kind:decision`, `project:`, `session:`, `file:`, `since:`
  ///     and `until:` (also `since:"last week"`), `begin*`.
  ///   - filter: What the caller narrows it to; the text may narrow it further.
  ///   - isUnfinished: The last word is still being typed.
  ///   - now: Unix ms.
  ///   - days: The person's.
  init(
    _ text: String, filter: RecordFilter, isUnfinished: Bool, now: Int64, days: LocalDays = .utc,
    _ words: SearchTokenizer
  ) {
    self.days = days
    self.filter = filter
    let pieces = Array(Self.pieces(of: text).prefix(Self.mostPieces))
    let looseWords = pieces.count { if case .word = $0 { true } else { false } }
    // Nothing but exclusions is no query: then they are words.
    let isAllExcluded = pieces.allSatisfy { if case .excluded = $0 { true } else { false } }
    if isAllExcluded, !pieces.isEmpty {
      complaints.append("nothing is looked for but what must not be there: taken for words")
    }
    var plain: [String] = []
    var kinds: [EntryKind] = []
    for piece in pieces {
      switch piece {
      case .field("kind", let value):
        kinds += value.split(separator: ",").map { EntryKind(rawValue: String($0)) }
      case .field(let name, let value): narrow(name, value, now: now, words)
      case .excluded(let value):
        if isAllExcluded {
          plain.append(value)
        } else {
          Self.add(Self.condition(value, words), to: &excluded)
        }
      case .phrase(let value):
        plain.append(value)
        // In a sentence quotes mark a title that may be remembered wrongly (as a condition: R .805).
        if looseWords < Self.sentence {
          Self.add(Self.condition(value, words), to: &required)
        } else {
          let phrases = Self.phrases(of: value, words)
          if !phrases.isEmpty { terms.append(Term(phrases: phrases)) }
        }
      case .word(let value): plain.append(value)
      }
    }
    if !kinds.isEmpty {
      let allowed = Set(filter.kinds.map(\.folded))
      self.filter.kinds =
        allowed.isEmpty ? kinds : kinds.filter { allowed.contains($0.folded) }
      if self.filter.kinds.isEmpty { isImpossible = true }
    }
    take(plain, isUnfinished: isUnfinished, words)
  }

  /// What a person or an agent may ask for; of a pasted page the beginning counts.
  private static let mostPieces = 200
  private static let mostConditions = 16
  private static let mostTokens = 16
  private static let mostUnfolded = 8

  /// So many words make a sentence.
  private static let sentence = 4

  // MARK: Pieces

  package enum Piece: Equatable {
    case word(String)
    case phrase(String)
    case excluded(String)
    case field(String, String)
  }

  private static let fields = ["kind", "project", "session", "file", "since", "until"]

  /// By what opens a quotation what may close it, in the languages that do. Single quotes are
  /// apostrophes too often.
  private static let closing: [Character: Set<Character>] = [
    "\"": ["\"", "\u{201C}", "\u{201D}"], "\u{201C}": ["\u{201D}", "\u{201C}", "\""],
    "\u{201D}": ["\u{201D}", "\u{201C}", "\""], "\u{201E}": ["\u{201C}", "\u{201D}", "\""],
    "\u{201F}": ["\u{201D}", "\""], "\u{2E42}": ["\u{201F}", "\u{201D}"],
    "«": ["»"], "»": ["«", "»"], "「": ["」"], "『": ["』"], "｢": ["｣"], "《": ["》"], "〈": ["〉"],
    "〝": ["〞", "〟"], "＂": ["＂"],
  ]

  package static func pieces(of text: String) -> [Piece] {
    var pieces: [Piece] = []
    var rest = text[...]
    func quoted() -> String? {
      guard let first = rest.first, let closing = closing[first] else { return nil }
      let inside = rest.dropFirst()
      guard let end = inside.firstIndex(where: { closing.contains($0) }) else { return nil }
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
      if first == "-", excludes(rest.dropFirst()) {
        rest.removeFirst()
        pieces.append(.excluded(quoted() ?? bare()))
        continue
      }
      let end = rest.firstIndex(where: \.isWhitespace) ?? rest.endIndex
      if let colon = rest[..<end].firstIndex(of: ":"),
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

  /// What follows a dash. `-v` and `--force` are what people look for, and so is `-€5`; `-word` is not.
  private static func excludes(_ rest: Substring) -> Bool {
    guard let first = rest.first else { return false }
    let next = rest.dropFirst().first
    if SearchForm.isSymbol(first) { return !(next?.isNumber ?? false) }
    guard closing[first] != nil || first.isLetter else { return false }
    // A word of one letter is one in some scripts.
    return first.unicodeScalars.contains(where: SearchParts.isIdeograph)
      || next.map { !$0.isWhitespace } ?? false
  }

  private mutating func narrow(
    _ name: String, _ value: String, now: Int64, _ words: SearchTokenizer
  ) {
    switch name {
    case "project":
      if let project = filter.project, project != value { isImpossible = true }
      filter.project = value
    case "session":
      let known = filter.sessionID?.rawValue ?? ""
      if !known.hasPrefix(value), !value.hasPrefix(known) { return isImpossible = true }
      filter.sessionID = SessionID(rawValue: max(known, value))
    case "file":
      guard let condition = Self.condition(value, words) else { return }
      Self.add(condition, to: &required)
      terms.append(Term(phrases: Self.phrases(of: value, words), weight: SearchWeights.phrase))
    default:
      guard let range = SearchTime.range(value, now: now, days: days) else {
        complaints.append("\(name):\(value) is no time and was left out")
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
    wordCount = Set(telling).count
    asksWhen = SearchWords.askWhen(all)
    dates = SearchDate.all(in: all)
    var beginning: String?
    if let last = plain.last {
      if last.hasSuffix("*") || isUnfinished {
        beginning = words.words(in: last).last.flatMap {
          $0.count > 1 && !SearchForm.isSymbol($0) ? $0 : nil
        }
      }
    }
    var stems: Set<String> = []
    for word in used where word != beginning { add(word: word, stems: &stems, words) }
    if let beginning {
      terms.append(Term(phrases: [Phrase(words: [beginning])], beginning: beginning))
    }
    var compounds: [Term] = []
    for piece in plain {
      // What has marks inside is one name, beside its words.
      let tokens = Self.together(words.words(in: piece))
      if tokens.count > 1, !piece.contains(where: \.isWhitespace),
        tokens.dropFirst().contains(where: { $0.count > 1 && !SearchWords.stop.contains($0) })
      {
        let compound = Term(phrases: [Phrase(words: tokens)], weight: SearchWeights.phrase)
        if !compounds.contains(compound) { compounds.append(compound) }
      }
      for word in piece.split(whereSeparator: { !$0.isLetter && !$0.isNumber }).prefix(
        Self.mostTokens)
      {
        for part in SearchParts.parts(ofWord: String(word))
        where !SearchWords.stop.contains(part) {
          add(word: part, weight: SearchWeights.part, stems: &stems, words)
        }
      }
    }
    terms += compounds.prefix(SearchWeights.mostCompounds)
    guard terms.count > SearchWeights.mostTerms else { return }
    // The longest whole words first, then parts and compounds; in the order in which they were typed.
    func length(_ term: Term) -> Int {
      SearchForm.isSymbol(term.phrases[0].words[0]) ? 1 : term.expression.utf8.count
    }
    let chosen = terms.indices.sorted {
      (terms[$0].weight, length(terms[$0])) > (terms[$1].weight, length(terms[$1]))
    }.prefix(SearchWeights.mostTerms)
    terms = chosen.sorted().map { terms[$0] }
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
    // As the tokenizer has it, where the index has no other form of it.
    for other in words.otherForms(of: word) {
      phrases.append(Phrase(words: Array(other.prefix(Self.mostTokens))))
    }
    for run in SearchParts.ideographs(in: word) {
      phrases.append(Self.phrase(ideographs: run))
    }
    // `修改retry`: what stands beside the ideographs counts by itself.
    if word.unicodeScalars.contains(where: SearchParts.isIdeograph) {
      for other in SearchParts.others(in: word) where other != word {
        phrases.append(Phrase(words: [other]))
      }
    }
    let isPlain = word.utf8.allSatisfy { (97...122).contains($0) } && word.utf8.count > 4
    terms.append(
      Term(phrases: phrases, weight: weight, word: isPlain && phrases.count == 1 ? word : nil))
  }

  /// One ideograph is the beginning of a pair; of a long run the beginning counts.
  private static func phrase(ideographs run: Substring) -> Phrase {
    Phrase(
      words: Array(SearchParts.pairs(of: run).prefix(mostTokens)),
      isOpen: run.unicodeScalars.count == 1)
  }

  private static func isHash(_ word: String) -> Bool {
    (7...40).contains(word.utf8.count)
      && word.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
      && word.utf8.contains { (48...57).contains($0) }
      && word.utf8.contains { (97...102).contains($0) }
  }

  /// The words that stand side by side in the index if they do in the text: symbols and runs without
  /// blanks are elsewhere. None if one of these runs is among them.
  private static func together(_ tokens: [String]) -> [String] {
    guard !tokens.contains(where: { $0.unicodeScalars.contains(where: SearchParts.isIdeograph) })
    else { return [] }
    return Array(tokens.filter { !SearchForm.isSymbol($0) }.prefix(mostTokens))
  }

  /// What a text is counted by as a whole: its words side by side, in the index's form and as the tokenizer
  /// cuts them; what has none by its first symbol or run.
  private static func phrases(of text: String, _ words: SearchTokenizer) -> [Phrase] {
    let tokens = words.words(in: text)
    let together = together(tokens)
    guard !together.isEmpty else {
      guard let first = tokens.first else { return [] }
      return [ideographs(in: first) ?? Phrase(words: [first])]
    }
    let written = words.allAsWritten(text).map { Array($0.prefix(mostTokens)) }
    return [Phrase(words: together)] + written.filter { $0 != together }.map { Phrase(words: $0) }
  }

  private static func ideographs(in word: String) -> Phrase? {
    SearchParts.ideographs(in: word).first.map(phrase(ideographs:))
  }

  /// What an entry has that has this text; nil for none. Its words stand side by side, but for symbols
  /// and for runs of ideographs, which are looked for as the index has them, in pairs, wherever they
  /// stand.
  private static func condition(_ text: String, _ words: SearchTokenizer) -> String? {
    let tokens = Array(words.words(in: text).prefix(mostTokens))
    var conditions: [String] = []
    for symbol in tokens where SearchForm.isSymbol(symbol) {
      conditions.append(either([[symbol]] + words.otherForms(of: symbol)))
    }
    let spoken = tokens.filter { !SearchForm.isSymbol($0) }
    var phrases: [Phrase] = []
    var plain: [String] = []
    for token in spoken {
      let runs = SearchParts.ideographs(in: token)
      if runs.isEmpty {
        plain.append(token)
      } else {
        phrases += runs.map(phrase(ideographs:))
        phrases += SearchParts.others(in: token).map { Phrase(words: [$0]) }
      }
    }
    if !plain.isEmpty { phrases.insert(Phrase(words: plain), at: 0) }
    if !phrases.isEmpty {
      let own = phrases.map(\.expression).joined(separator: " AND ")
      // As the tokenizer has them: the only way in which all of them stand side by side.
      var others = words.allAsWritten(text)
      others += tokens.count == 1 ? words.otherForms(of: tokens[0]) : unfolded(spoken, words)
      others = others.filter { !$0.isEmpty && $0 != spoken }
      conditions.append(others.isEmpty ? own : "((\(own)) OR \(either(others)))")
    }
    guard !conditions.isEmpty else { return nil }
    return "(" + conditions.joined(separator: " AND ") + ")"
  }

  /// The same words in other letters, a few of all ways to combine them.
  private static func unfolded(_ tokens: [String], _ words: SearchTokenizer) -> [[String]] {
    var all: [[String]] = [[]]
    for token in tokens {
      let forms = [token] + words.unfolded(token)
      all = Array(forms.flatMap { form in all.map { $0 + [form] } }.prefix(mostUnfolded))
    }
    return all
  }

  private static func either(_ phrases: [[String]]) -> String {
    "("
      + phrases.map { Phrase(words: Array($0.prefix(mostTokens))).expression }
      .joined(separator: " OR ") + ")"
  }

  private static func add(_ condition: String?, to list: inout [String]) {
    guard let condition, list.count < mostConditions, !list.contains(condition) else { return }
    list.append(condition)
  }
}

/// Cuts text as the index does.
final class SearchTokenizer {
  private let plain: any FTS5Tokenizer
  private let porter: any FTS5Tokenizer
  private var stems: [String: String] = [:]
  /// By word, what else it may be in the index.
  private var others: [String: [[String]]] = [:]
  /// Words of the index that are another one in other letters.
  private let look: (String) throws -> [String]
  private var unfolded: [String: [String]] = [:]
  private let isRenewing: Bool
  /// Words for which these are looked up, of one query.
  private static let mostLookedUp = 32

  /// - Parameter isRenewing: Entries of an older memoryd have words only as the tokenizer cuts them.
  init(_ db: Database, isRenewing: Bool = false) throws {
    plain = try db.makeTokenizer(.unicode61())
    porter = try db.makeTokenizer(.porter())
    look = { try SearchVocabulary.unfolded($0, db) }
    self.isRenewing = isRenewing
  }

  /// In the form of ``SearchForm``: in lower case, without accents.
  func words(in text: String) -> [String] {
    guard text.utf8.contains(where: { $0 >= 0x80 }) else { return asWritten(text) }
    var words: [String] = []
    for piece in SearchForm.pieces(of: text) {
      switch piece {
      case .plain(let text): words += asWritten(String(text))
      case .symbol(let form, let bare, _):
        words.append(form)
        // A thumb of another colour is a thumb; a family's members are not asked for.
        if let bare { note([bare], of: form) }
      case .word(let written, let forms, _):
        words += forms
        if forms.count == 1 { note(asWritten(String(written)), of: forms[0]) }
      }
    }
    return words
  }

  /// As FTS5's tokenizer cuts it.
  func asWritten(_ text: String) -> [String] {
    // A NUL ends a text for SQLite.
    let text = text.utf8.contains(0) ? text.replacing("\0", with: " ") : text
    return (try? plain.tokenize(document: text).map(\.token)) ?? []
  }

  /// The same, and as if there were blanks around symbols: it takes those that it does not know for letters.
  func allAsWritten(_ text: String) -> [[String]] {
    let (one, other) = (asWritten(text), asWritten(SearchForm.spaced(text)))
    return one == other ? [one] : [one, other]
  }

  private func note(_ other: [String], of word: String) {
    guard !other.isEmpty, other != [word], !(others[word] ?? []).contains(other) else { return }
    others[word, default: []].append(other)
  }

  /// What a word that was cut here may be in the index beside itself: words side by side.
  func otherForms(of word: String) -> [[String]] {
    (others[word] ?? []) + (isRenewing ? unfolded(word).map { [$0] } : [])
  }

  /// The words of the index that are this one in other letters, as the tokenizer cuts them.
  func unfolded(_ word: String) -> [String] {
    if let known = unfolded[word] { return known }
    guard unfolded.count < Self.mostLookedUp, !SearchForm.isSymbol(word) else { return [] }
    // Best effort: the word itself is asked for in any case.
    let found = (try? look(word)) ?? []
    unfolded[word] = found
    return found
  }

  /// As the index has it.
  func stem(of word: String) -> String {
    if let known = stems[word] { return known }
    let stem = (try? porter.tokenize(document: word).first?.token) ?? word
    stems[word] = stem
    return stem
  }
}
