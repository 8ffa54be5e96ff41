import Core
import Foundation

/// The one form in which words are indexed and asked for, however they were written: NFC or NFD, full or
/// half width, with marks or without, in a script that puts blanks between words or in one that does
/// not; and symbols, which FTS5's tokenizer takes for blanks.
///
/// What the tokenizer makes of plain Latin, Greek or Cyrillic words is that form already. All others are
/// put into `parts` in it (`SearchParts`), so that other programs can still open the table.
enum SearchForm {
  enum Piece: Equatable {
    /// For FTS5's own tokenizer.
    case plain(Substring)
    /// - Parameters:
    ///   - written: As it stands in the text.
    ///   - forms: The words of the index.
    ///   - isHidden: The tokenizer may not find it, as it knows nothing of what stands beside it.
    case word(written: Substring, forms: [String], isHidden: Bool)
    /// - Parameters:
    ///   - bare: Without the tone of a skin, where it has one.
    ///   - members: Of a family and the like.
    case symbol(form: String, bare: String?, members: [String])
  }

  /// All of a text, in order. What is ASCII costs little more than a look at its bytes.
  static func pieces(of text: String) -> [Piece] {
    var pieces: [Piece] = []
    visit(text, plain: { pieces.append(.plain($0)) }, { pieces.append($0) })
    return pieces
  }

  /// With a blank around each symbol.
  static func spaced(_ text: String) -> String {
    pieces(of: text).map { piece in
      switch piece {
      case .plain(let text), .word(let text, _, _): String(text)
      case .symbol(let form, _, _): written(form)
      }
    }.joined(separator: " ")
  }

  /// The same without what is plain.
  static func visit(
    _ text: String, plain: (Substring) -> Void = { _ in }, _ take: (Piece) -> Void
  ) {
    let utf8 = text.utf8
    guard utf8.contains(where: { $0 >= 0x80 }) else {
      if !text.isEmpty { plain(text[...]) }
      return
    }
    var done = text.startIndex
    var index = done
    while index < utf8.endIndex {
      guard isPart(utf8[index]) else {
        index = utf8.index(after: index)
        continue
      }
      var start = index
      var isASCII = true
      // `#️⃣` and `≠` may begin with a mark of ASCII.
      if index > done, isAddition(utf8[index...]), utf8[utf8.index(before: index)] > 0x20 {
        start = utf8.index(before: index)
      }
      while index < utf8.endIndex, isPart(utf8[index]) {
        if utf8[index] >= 0x80 { isASCII = false }
        index = utf8.index(after: index)
      }
      if isASCII || isPunctuation(utf8[start..<index]) { continue }
      if done < start { plain(text[done..<start]) }
      read(text[start..<index], plain: plain, take)
      done = index
    }
    if done < text.endIndex { plain(text[done...]) }
  }

  private static func isPart(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: byte >= 0x80
    }
  }

  /// True if a mark over a character, an emoji's selector or a keycap may begin here.
  private static func isAddition(_ bytes: Substring.UTF8View) -> Bool {
    switch (bytes.first, bytes.dropFirst().first) {
    case (0xCC, _), (0xCD, _), (0xE2, 0x83), (0xEF, 0xB8): true
    default: false
    }
  }

  /// True if all that is not ASCII are dashes, quotes, dots, lines and the like, as in most English
  /// texts.
  private static func isPunctuation(_ bytes: Substring.UTF8View) -> Bool {
    var bytes = bytes[...]
    while let first = bytes.first {
      if first < 0x80 {
        bytes = bytes.dropFirst()
        continue
      }
      guard let second = bytes.dropFirst().first else { return true }
      switch (first, second) {
      // Of U+00A0 to U+00BF what is neither a sign nor a word.
      case (0xC2, 0xA0), (0xC2, 0xA1), (0xC2, 0xA8), (0xC2, 0xAB), (0xC2, 0xAF), (0xC2, 0xB4),
        (0xC2, 0xB7), (0xC2, 0xB8), (0xC2, 0xBB), (0xC2, 0xBF):
        bytes = bytes.dropFirst(2)
      // Of U+2010 to U+203A the same.
      case (0xE2, 0x80):
        switch bytes.dropFirst(2).first ?? 0 {
        case 0x90...0x9F, 0xA2...0xA9, 0xAF, 0xB2...0xBA: bytes = bytes.dropFirst(3)
        default: return false
        }
      // Box drawing and blocks.
      case (0xE2, 0x94), (0xE2, 0x95): bytes = bytes.dropFirst(3)
      case (0xE2, 0x96):
        guard bytes.dropFirst(2).first ?? 0 <= 0x9F else { return false }
        bytes = bytes.dropFirst(3)
      default: return false
      }
    }
    return true
  }

  // MARK: Words

  private static func read(
    _ run: Substring, plain: (Substring) -> Void, _ take: (Piece) -> Void
  ) {
    var pieces: [Piece] = []
    var isHidden = false
    var start: Substring.Index?
    func finish(_ end: Substring.Index) {
      guard let begin = start else { return }
      start = nil
      pieces.append(.plain(run[begin..<end]))
    }
    for index in run.indices {
      let character = run[index]
      if let symbol = symbol(character) {
        finish(index)
        pieces.append(symbol)
      } else if standsAlone(character) {
        finish(index)
        start = index
        finish(run.index(after: index))
        isHidden = true
      } else if character.unicodeScalars.contains(where: isWordScalar) || isWordSign(character) {
        if start == nil { start = index }
        continue
      } else if character.unicodeScalars.allSatisfy(isInvisible) {
        continue
      } else {
        finish(index)
      }
      isHidden = isHidden || character.unicodeScalars.contains(where: isNew)
    }
    finish(run.endIndex)
    for piece in pieces {
      guard case .plain(let word) = piece else {
        take(piece)
        continue
      }
      if !isHidden, word.utf8.allSatisfy({ $0 < 0x80 }) {
        plain(word)
        continue
      }
      let forms = forms(of: word)
      // What has no form is no word.
      if !forms.isEmpty { take(.word(written: word, forms: forms, isHidden: isHidden)) }
    }
  }

  /// Letters, digits and what stands on them; and what Unicode says nothing of yet, as the tokenizer has
  /// it.
  private static func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
      .decimalNumber, .letterNumber, .otherNumber, .nonspacingMark, .spacingMark, .privateUse,
      .unassigned:
      true
    default: scalar.properties.isAlphabetic
    }
  }

  /// `㎏`, `㈱`, `⼀`: one sign for letters. What is set behind words (`™`, `℠`) is none.
  private static func isWordSign(_ character: Character) -> Bool {
    guard let first = character.unicodeScalars.first,
      [.otherSymbol, .otherNumber].contains(first.properties.generalCategory),
      !(0x2100...0x214F).contains(first.value)
    else { return false }
    let letters = String(character).decomposedStringWithCompatibilityMapping.unicodeScalars
    return letters.first != first && letters.contains(where: isWordScalar)
  }

  /// `①`, `½`, `㈱`: a word of its own whatever it touches, but for digits above and below the line.
  private static func standsAlone(_ character: Character) -> Bool {
    guard let first = character.unicodeScalars.first else { return false }
    switch first.value {
    case ..<0x80, 0xB2, 0xB3, 0xB9, 0x2070...0x209F: return false
    case 0x2460...0x24FF, 0x3200...0x32FF, 0x1F100...0x1F2FF: return isWordSign(character)
    default: return first.properties.generalCategory == .otherNumber
    }
  }

  /// Says how letters are joined or where a line may break, and is not seen.
  static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value >= 0xAD && scalar.properties.isDefaultIgnorableCodePoint
  }

  /// Newer than the tables of SQLite's tokenizer, which takes what it does not know for letters.
  private static func isNew(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= 0x80 else { return false }
    guard let age = scalar.properties.age else { return true }
    return age > (6, 1)
  }

  /// The words of the index for what the tokenizer would cut otherwise; several where a letter stands
  /// for more than one (`½`).
  private static func forms(of word: Substring) -> [String] {
    var letters: [Unicode.Scalar] = []
    for scalar in String(word).decomposedStringWithCompatibilityMapping.unicodeScalars {
      // Marks over a letter are left out, but for those that make another letter (й, が) and those that
      // are vowels.
      let isBreve = scalar.value == 0x306 && letters.last.map(isShortI) ?? false
      if isFoldable(scalar) || isInvisible(scalar), !isBreve { continue }
      if scalar.value >= 0x80, scalar.properties.generalCategory == .decimalNumber,
        let digit = scalar.properties.numericValue.map({ UInt8($0) })
      {
        letters.append(Unicode.Scalar(0x30 + digit))
      } else {
        letters.append(scalar)
      }
    }
    let whole = String(String.UnicodeScalarView(letters)).lowercased()
      .precomposedStringWithCanonicalMapping
    var forms: [String] = []
    var form = String.UnicodeScalarView()
    for scalar in whole.unicodeScalars {
      if let other = folded[scalar] {
        form.append(contentsOf: other.unicodeScalars)
      } else if !isWordScalar(scalar) {
        if !form.isEmpty { forms.append(String(form)) }
        form = String.UnicodeScalarView()
      } else if isFoldable(scalar) {
        continue
      } else {
        form.append(isMark(scalar) ? written(mark: scalar) : scalar)
      }
    }
    if !form.isEmpty { forms.append(String(form)) }
    return forms
  }

  /// Letters that have no decomposition, as people write them who do not have them.
  private static let folded: [Unicode.Scalar: String] = [
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ĸ": "k",
    "ł": "l", "ŋ": "n", "þ": "th", "ŧ": "t", "ƒ": "f", "ς": "σ", "⁄": " ", "ـ": "",
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ک": "ك",
  ]

  private static func isShortI(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "и" || scalar == "И"
  }

  /// Marks without which a word is still the same word to most readers.
  private static func isFoldable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x300...0x36F, 0x483...0x487, 0x591...0x5BD, 0x5BF, 0x5C1...0x5C2, 0x5C4...0x5C5, 0x5C7,
      0x610...0x61A, 0x64B...0x65F, 0x670, 0x6D6...0x6DC, 0x6DF...0x6E4, 0x6E7...0x6E8,
      0x6EA...0x6ED, 0x1AB0...0x1AFF, 0x1DC0...0x1DFF, 0x20D0...0x20FF, 0xFE00...0xFE0F,
      0xFE20...0xFE2F:
      true
    default: false
    }
  }

  // MARK: Marks

  /// A vowel or tone of a script whose words fall apart without it: the tokenizer takes it for a blank.
  private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark: true
    default: false
    }
  }

  /// In the index it is a character for private use, which is a part of words.
  private static func written(mark: Unicode.Scalar) -> Unicode.Scalar {
    let plane: UInt32 = SearchParts.isIdeograph(mark) ? 0xF0000 : 0x100000
    return Unicode.Scalar(plane | mark.value & 0xFFFF) ?? mark
  }

  /// A word of the index as it is written; as NFC.
  static func written(_ form: String) -> String {
    if form.unicodeScalars.first == symbolMark {
      let parts = form.unicodeScalars.dropFirst().split(separator: "x")
      return String(
        String.UnicodeScalarView(
          parts.compactMap { UInt32(String($0), radix: 16).flatMap(Unicode.Scalar.init) }))
    }
    guard form.unicodeScalars.contains(where: { $0.value >= 0xF0000 }) else { return form }
    return String(
      String.UnicodeScalarView(
        form.unicodeScalars.map {
          $0.value >= 0xF0000 ? Unicode.Scalar($0.value & 0xFFFF) ?? $0 : $0
        }))
  }

  // MARK: Symbols

  /// A character for private use: no text has such words by itself.
  private static let symbolMark: Unicode.Scalar = "\u{F8F0}"

  static func isSymbol(_ form: String) -> Bool { form.unicodeScalars.first == symbolMark }

  static func isSymbol(_ character: Character) -> Bool { symbol(character) != nil }

  /// An emoji, a flag, a keycap or another sign; nil for everything else.
  private static func symbol(_ character: Character) -> Piece? {
    let scalars = character.unicodeScalars
    // Most are letters.
    guard let start = scalars.first,
      start.value >= 0x80
        ? start.properties.isEmoji || isSign(start)
        : scalars.count > 1 && (!start.properties.isAlphabetic || scalars.contains("\u{20E3}"))
    else { return nil }
    // How it is to be shown does not make another one; a ZWJ at an end joins nothing.
    var own = [start]
    if scalars.count > 1 {
      own = String(character).precomposedStringWithCanonicalMapping.unicodeScalars
        .filter { $0.value == 0x200D || isTag($0) || !isInvisible($0) }
    }
    while own.last?.value == 0x200D { own.removeLast() }
    guard let first = own.first else { return nil }
    if first.value < 0x80 {
      guard first.properties.isEmoji, own.contains("\u{20E3}") else { return nil }
    } else if !first.properties.isEmoji {
      guard isSign(first), !isWordSign(character) else { return nil }
      // `￥` is `¥`, and `＋` a mark of ASCII.
      let plain = String(first).precomposedStringWithCompatibilityMapping.unicodeScalars
      if plain.count == 1, let sign = plain.first, sign != first {
        guard isSign(sign) else { return nil }
        own[0] = sign
      }
    }
    func form(_ scalars: some Sequence<Unicode.Scalar>) -> String {
      var text = String(Character(symbolMark))
      for (number, scalar) in scalars.enumerated() {
        text += (number == 0 ? "" : "x") + String(scalar.value, radix: 16)
      }
      return text
    }
    let bare = own.filter { !(0x1F3FB...0x1F3FF).contains($0.value) }
    // A flag's letters and tags mean nothing by themselves.
    let members = bare.split(separator: "\u{200D}").map { form($0) }
    return .symbol(
      form: form(own), bare: bare.count < own.count && !bare.isEmpty ? form(bare) : nil,
      members: members.count > 1 ? members : [])
  }

  /// What flags of regions are spelt with.
  private static func isTag(_ scalar: Unicode.Scalar) -> Bool {
    (0xE0020...0xE007F).contains(scalar.value)
  }

  /// Symbols beyond ASCII, and signs that people refer by; neither what is a letter in a circle nor what
  /// frames and progress bars are drawn with. Where Unicode keeps places for emoji to come, these too.
  private static func isSign(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= 0x80, !(0x2500...0x259F).contains(scalar.value) else { return false }
    switch scalar.properties.generalCategory {
    case .currencySymbol, .mathSymbol: return true
    case .otherSymbol: return !scalar.properties.isAlphabetic
    case .otherPunctuation: return "§¶†‡‰‱※".unicodeScalars.contains(scalar)
    case .unassigned: return (0x1F000...0x1FAFF).contains(scalar.value)
    default: return false
    }
  }
}
