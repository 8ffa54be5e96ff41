/// The part of a text that has most of what was looked for.
///
/// From the text alone: FTS5's `snippet()` looks each word up in the index once more for every hit.
struct SearchSnippet {
  /// What stands around a marked word, in words.
  private static let length = 24
  private static let before = 6
  /// UTF-8 bytes of a text that are looked at, and that a snippet has at most.
  private static let mostRead = 1 << 20
  private static let mostBytes = 600

  /// By stem, the terms of the query that it belongs to.
  private var stems: [String: Int] = [:]
  private var beginnings: [(text: String, term: Int)] = []
  /// Of scripts without blanks, where a word may stand in the middle of what the tokenizer cuts.
  private var runs: [(text: [UInt8], term: Int)] = []
  /// First bytes of what is looked for, which rule out most words.
  private var first = [Bool](repeating: false, count: 256)
  private let words: SearchTokenizer

  init(_ terms: [SearchQuery.Term], _ words: SearchTokenizer) {
    self.words = words
    for (number, term) in terms.enumerated() {
      for phrase in term.phrases {
        for (place, word) in phrase.words.enumerated() {
          if word.unicodeScalars.contains(where: SearchParts.isIdeograph) {
            runs.append((Array(word.utf8), number))
          } else if phrase.isOpen, place == phrase.words.count - 1 {
            beginnings.append((word, number))
          } else {
            stems[words.stem(of: word)] = number
          }
          if let byte = word.utf8.first { first[Int(byte)] = true }
        }
      }
    }
  }

  private struct Word {
    var range: Range<Int>
    /// The term that it belongs to; nil for most.
    var term: Int?
  }

  /// The best part of a title or a body, with what was looked for between U+0002 and U+0003; nil if
  /// neither has any of it.
  func best(of title: String, _ body: String) -> String? {
    let inTitle = best(of: title)
    let inBody = best(of: body)
    return (inTitle?.terms ?? 0) > (inBody?.terms ?? 0) ? inTitle?.text : inBody?.text
  }

  private func best(of text: String) -> (text: String, terms: Int)? {
    var text = text
    return text.withUTF8 { bytes in
      let found = words(in: bytes)
      guard let window = window(found) else { return nil }
      return (cut(window.words, around: window.mark, of: found, bytes), window.terms)
    }
  }

  // MARK: Words

  private func words(in bytes: UnsafeBufferPointer<UInt8>) -> [Word] {
    var found: [Word] = []
    let end = min(bytes.count, Self.mostRead)
    var index = 0
    while index < end {
      guard let size = Self.letter(bytes, index) else {
        index += 1
        continue
      }
      let start = index
      var isASCII = size == 1
      index += size
      while index < end, let size = Self.letter(bytes, index) {
        isASCII = isASCII && size == 1
        index += size
      }
      if !isASCII, !runs.isEmpty, add(runsIn: bytes, start..<index, to: &found) { continue }
      found.append(Word(range: start..<index, term: term(bytes, start..<index, isASCII: isASCII)))
    }
    return found
  }

  /// The bytes of the letter or digit that begins here; nil for any other character.
  private static func letter(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int) -> Int? {
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
    return isPart ? size : nil
  }

  private func term(
    _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, isASCII: Bool
  ) -> Int? {
    guard range.count <= 100 else { return nil }
    let byte = bytes[range.lowerBound]
    if byte < 0x80, !first[Int(byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte)] { return nil }
    let text = String(decoding: bytes[range], as: UTF8.self)
    guard let word = isASCII ? text.lowercased() : words.words(in: text).first else { return nil }
    if let term = stems[words.stem(of: word)] { return term }
    return beginnings.first { word.hasPrefix($0.text) }?.term
  }

  /// - Returns: False if there is none in this word.
  private func add(
    runsIn bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, to found: inout [Word]
  ) -> Bool {
    var marks: [Word] = []
    var index = range.lowerBound
    while index < range.upperBound {
      let rest = bytes[index..<range.upperBound]
      if let run = runs.filter({ rest.starts(with: $0.text) }).max(by: {
        $0.text.count < $1.text.count
      }) {
        marks.append(Word(range: index..<(index + run.text.count), term: run.term))
        index += run.text.count
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

  // MARK: Choosing

  private func window(_ found: [Word]) -> (words: Range<Int>, mark: Int, terms: Int)? {
    let marks = found.indices.filter { found[$0].term != nil }
    var best = (mark: -1, terms: 0, marks: 0)
    for (place, mark) in marks.enumerated() {
      var terms: UInt64 = 0
      var count = 0
      for other in marks[place...] {
        guard other < mark + Self.length - Self.before else { break }
        if let term = found[other].term { terms |= 1 << UInt64(term & 63) }
        count += 1
      }
      if (terms.nonzeroBitCount, count) > (best.terms, best.marks) {
        best = (mark, terms.nonzeroBitCount, count)
      }
    }
    guard best.mark >= 0 else { return nil }
    let start = max(0, best.mark - Self.before)
    return (start..<min(found.count, start + Self.length), best.mark, best.terms)
  }

  private func cut(
    _ window: Range<Int>, around mark: Int, of found: [Word], _ bytes: UnsafeBufferPointer<UInt8>
  ) -> String {
    // Where a word is as long as a page there are few of them.
    let place = found[mark].range.lowerBound
    var start = window.lowerBound == 0 ? 0 : found[window.lowerBound].range.lowerBound
    start = boundary(max(start, place - Self.mostBytes / 3), bytes)
    var end =
      window.upperBound == found.count ? bytes.count : found[window.upperBound - 1].range.upperBound
    end = boundary(min(end, start + Self.mostBytes), bytes)
    var text = start > 0 ? Array("…".utf8) : []
    var copied = start
    for word in found[window]
    where word.term != nil && word.range.lowerBound >= start && word.range.upperBound <= end {
      text += bytes[copied..<word.range.lowerBound]
      text.append(2)
      text += bytes[word.range]
      text.append(3)
      copied = word.range.upperBound
    }
    text += bytes[copied..<end]
    if end < bytes.count { text += Array("…".utf8) }
    return String(decoding: text, as: UTF8.self)
  }

  /// The beginning of the character that this byte belongs to.
  private func boundary(_ index: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var index = index
    while index > 0, index < bytes.count, bytes[index] & 0xC0 == 0x80 { index -= 1 }
    return index
  }
}
