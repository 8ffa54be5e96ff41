/// Finds the words of a query in a text, as the index would.
///
/// From the text alone: to ask the index costs a look-up of every word for every text.
struct SearchMarks {
  struct Word {
    /// UTF-8 bytes.
    var range: Range<Int>
    /// The term of the query that it belongs to; nil for most.
    var term: Int?
  }

  /// By stem, the terms of the query that it belongs to.
  private var stems: [String: Int] = [:]
  private var beginnings: [(text: String, term: Int)] = []
  /// Of scripts without blanks, where a word may stand in the middle of what the tokenizer cuts.
  private var runs: [(text: [UInt8], term: Int)] = []
  /// First bytes of what is looked for, which rule out most words.
  private var first = [Bool](repeating: false, count: 256)
  private let tokenizer: SearchTokenizer

  init(_ terms: [SearchQuery.Term], _ tokenizer: SearchTokenizer) {
    self.tokenizer = tokenizer
    for (number, term) in terms.enumerated() {
      for phrase in term.phrases {
        for (place, word) in phrase.words.enumerated() {
          if word.unicodeScalars.contains(where: SearchParts.isIdeograph)
            || SearchForm.isSymbol(word)
          {
            let written = SearchForm.written(word)
            runs.append((Array(written.utf8), number))
            if let byte = written.utf8.first { first[Int(byte)] = true }
          } else if phrase.isOpen, place == phrase.words.count - 1 {
            beginnings.append((word, number))
          } else if stems[tokenizer.stem(of: word)] == nil {
            stems[tokenizer.stem(of: word)] = number
          }
          if let byte = word.utf8.first { first[Int(byte)] = true }
        }
      }
    }
  }

  /// All words of a text.
  ///
  /// - Parameter bytes: UTF-8, as SQLite or a String gives it.
  func words(in bytes: UnsafeBufferPointer<UInt8>) -> [Word] {
    var found: [Word] = []
    let end = bytes.count
    var index = 0
    while index < end {
      guard let size = Self.letter(bytes, index) else {
        if !runs.isEmpty, bytes[index] >= 0xC2, first[Int(bytes[index])],
          let run = run(at: bytes[index...])
        {
          found.append(Word(range: index..<(index + run.length), term: run.term))
          index += run.length
          continue
        }
        index += 1
        continue
      }
      let start = index
      var isASCII = size == 1
      index += size
      while index < end, let size = Self.letter(bytes, index, goesOn: true) {
        isASCII = isASCII && size == 1
        index += size
      }
      if !isASCII, !runs.isEmpty, add(runsIn: bytes, start..<index, to: &found) { continue }
      found.append(Word(range: start..<index, term: term(bytes, start..<index, isASCII: isASCII)))
    }
    return found
  }

  /// The bytes of the letter or digit that begins here; nil for any other character.
  ///
  /// - Parameter goesOn: Within a word, which what is not seen does not end.
  private static func letter(
    _ bytes: UnsafeBufferPointer<UInt8>, _ index: Int, goesOn: Bool = false
  ) -> Int? {
    let byte = bytes[index]
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: return 1
    case ..<0xC2: return nil
    default: break
    }
    let size = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
    guard index + size <= bytes.count else { return nil }
    var value = UInt32(byte) & (0xFF >> UInt32(size + 1))
    for offset in 1..<size { value = value << 6 | UInt32(bytes[index + offset] & 0x3F) }
    guard let scalar = Unicode.Scalar(value) else { return nil }
    let properties = scalar.properties
    let isPart =
      properties.isAlphabetic || properties.numericType != nil
      || properties.generalCategory == .nonspacingMark
      || goesOn && SearchForm.isInvisible(scalar)
    return isPart ? size : nil
  }

  private func term(
    _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, isASCII: Bool
  ) -> Int? {
    guard range.count <= 100 else { return nil }
    let byte = bytes[range.lowerBound]
    if byte < 0x80, !first[Int(byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte)] { return nil }
    let text = String(decoding: bytes[range], as: UTF8.self)
    guard let word = isASCII ? text.lowercased() : tokenizer.words(in: text).first else {
      return nil
    }
    if let term = stems[tokenizer.stem(of: word)] { return term }
    return beginnings.first { word.hasPrefix($0.text) }?.term
  }

  /// The longest that begins here.
  private func run(at rest: Slice<UnsafeBufferPointer<UInt8>>) -> (length: Int, term: Int)? {
    var longest: (length: Int, term: Int)?
    for run in runs {
      guard let length = Self.length(of: run.text, at: rest), length > longest?.length ?? 0 else {
        continue
      }
      longest = (length, run.term)
    }
    return longest
  }

  /// Of the text that is this one but for the selectors of an emoji, which no query has; nil for none.
  private static func length(
    of text: [UInt8], at rest: Slice<UnsafeBufferPointer<UInt8>>
  ) -> Int? {
    var index = rest.startIndex
    for byte in text {
      if index < rest.endIndex, rest[index] != byte, rest[index...].starts(with: selector) {
        index += selector.count
      }
      guard index < rest.endIndex, rest[index] == byte else { return nil }
      index += 1
    }
    return index - rest.startIndex
  }

  private static let selector = Array("\u{FE0F}".utf8)

  /// - Returns: False if there is none in this word.
  private func add(
    runsIn bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, to found: inout [Word]
  ) -> Bool {
    var marks: [Word] = []
    var index = range.lowerBound
    while index < range.upperBound {
      if let run = run(at: bytes[index..<range.upperBound]) {
        marks.append(Word(range: index..<(index + run.length), term: run.term))
        index += run.length
      } else {
        index += 1
      }
    }
    guard !marks.isEmpty else { return false }
    // Sentences of these scripts have no words to count: what stands around counts as some.
    for mark in marks {
      let start = max(found.last?.range.upperBound ?? range.lowerBound, range.lowerBound)
      add(plain: start..<mark.range.lowerBound, bytes, to: &found)
      found.append(mark)
    }
    add(plain: marks[marks.count - 1].range.upperBound..<range.upperBound, bytes, to: &found)
    return true
  }

  private func add(
    plain range: Range<Int>, _ bytes: UnsafeBufferPointer<UInt8>, to found: inout [Word]
  ) {
    var start = range.lowerBound
    while start < range.upperBound {
      var end = min(start + 6, range.upperBound)
      while end < range.upperBound, bytes[end] & 0xC0 == 0x80 { end += 1 }
      found.append(Word(range: start..<end, term: nil))
      start = end
    }
  }
}
