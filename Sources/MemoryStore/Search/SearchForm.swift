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
    case word(written: Substring, forms: [String])
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
      let start = index
      var isASCII = true
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

  /// True if all that is not ASCII are dashes, quotes, dots, arrows, lines and the like, as in most
  /// English texts.
  private static func isPunctuation(_ bytes: Substring.UTF8View) -> Bool {
    var bytes = bytes[...]
    while let first = bytes.first {
      if first < 0x80 {
        bytes = bytes.dropFirst()
        continue
      }
      guard let second = bytes.dropFirst().first else { return true }
      switch (first, second) {
      // U+00A0 to U+00A9 and U+00AB to U+00B9 but for ª and superscripts, which are words.
      case (0xC2, 0xA0...0xA9), (0xC2, 0xAB...0xB1), (0xC2, 0xB4), (0xC2, 0xB6...0xB8),
        (0xC2, 0xBB), (0xC2, 0xBF):
        bytes = bytes.dropFirst(2)
      // U+2010 to U+203B, box drawing and blocks.
      case (0xE2, 0x80):
        guard let third = bytes.dropFirst(2).first, (0x90...0xBB).contains(third) else {
          return false
        }
        bytes = bytes.dropFirst(3)
      case (0xE2, 0x94...0x96): bytes = bytes.dropFirst(3)
      default: return false
      }
    }
    return true
  }

  // MARK: Words

  private static func read(
    _ run: Substring, plain: (Substring) -> Void, _ take: (Piece) -> Void
  ) {
    var start: Substring.Index?
    func finish(_ end: Substring.Index) {
      guard let begin = start else { return }
      start = nil
      let word = run[begin..<end]
      if word.utf8.allSatisfy({ $0 < 0x80 }) { return plain(word) }
      let forms = forms(of: word)
      // What has no form is no word.
      if !forms.isEmpty { take(.word(written: word, forms: forms)) }
    }
    for index in run.indices {
      let character = run[index]
      if let symbol = symbol(character) {
        finish(index)
        take(symbol)
      } else if character.unicodeScalars.contains(where: isWordScalar) || isWordSign(character) {
        if start == nil { start = index }
      } else {
        finish(index)
      }
    }
    finish(run.endIndex)
  }

  /// Letters, digits and what stands on them.
  private static func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
      .decimalNumber, .letterNumber, .otherNumber, .nonspacingMark, .spacingMark, .privateUse:
      true
    default: scalar.properties.isAlphabetic
    }
  }

  /// `㎏`, `㈱`: one sign for letters.
  private static func isWordSign(_ character: Character) -> Bool {
    guard let first = character.unicodeScalars.first, (0x3200...0x33FF).contains(first.value) else {
      return false
    }
    return String(character).decomposedStringWithCompatibilityMapping.unicodeScalars
      .contains(where: isWordScalar)
  }

  /// The words of the index for what the tokenizer would cut otherwise; several where a letter stands
  /// for more than one (`½`).
  private static func forms(of word: Substring) -> [String] {
    var letters: [Unicode.Scalar] = []
    for scalar in String(word).decomposedStringWithCompatibilityMapping.unicodeScalars {
      // Marks over a letter are left out, but for those that make another letter (й, が) and those that
      // are vowels.
      let isBreve = scalar.value == 0x306 && letters.last.map(isShortI) ?? false
      if isFoldable(scalar), !isBreve { continue }
      letters.append(scalar)
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
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي",
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

  /// An emoji, a flag, a keycap or another pictograph; nil for everything else.
  private static func symbol(_ character: Character) -> Piece? {
    let scalars = character.unicodeScalars
    guard let first = scalars.first, first.value >= 0x80 || scalars.count > 1 else { return nil }
    let isShownAsEmoji = scalars.contains { $0.value == 0xFE0F || $0.value == 0x20E3 }
    let properties = first.properties
    guard
      properties.isEmojiPresentation || properties.isEmoji && isShownAsEmoji
        || isPictograph(first)
    else { return nil }
    // How it is to be shown does not make another one.
    let own = scalars.filter { !(0xFE00...0xFE0F).contains($0.value) }
    func form(_ scalars: some Sequence<Unicode.Scalar>) -> String {
      var text = String(Character(symbolMark))
      for (number, scalar) in scalars.enumerated() {
        text += (number == 0 ? "" : "x") + String(scalar.value, radix: 16)
      }
      return text
    }
    guard !own.isEmpty else { return nil }
    let bare = own.filter { !(0x1F3FB...0x1F3FF).contains($0.value) }
    // A flag's letters and tags mean nothing by themselves.
    let members = bare.split(separator: "\u{200D}").map { form($0) }
    return .symbol(
      form: form(own), bare: bare.count < own.count && !bare.isEmpty ? form(bare) : nil,
      members: members.count > 1 ? members : [])
  }

  /// Signs such as ✓, ★ and ☂; no lines, dots of progress bars, or what stands for a word (℡).
  private static func isPictograph(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x2190...0x21FF, 0x2300...0x23FF, 0x2600...0x27BF, 0x2B00...0x2BFF, 0x25A0...0x25FF,
      0x1F000...0x1FAFF:
      scalar.properties.generalCategory == .otherSymbol
    default: false
    }
  }
}
