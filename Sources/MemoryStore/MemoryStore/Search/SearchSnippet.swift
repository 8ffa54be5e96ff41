import Core

/// The part of a text that has most of what was looked for.
struct SearchSnippet {
  /// What stands around a marked word, in words.
  private static let length = 24
  private static let before = 6
  /// UTF-8 bytes of a text that are looked at, and that a snippet has at most.
  private static let mostRead = 1 << 20
  private static let mostBytes = 600
  /// UTF-8 bytes of a text that is shown whole.
  private static let wholeBytes = 160
  private static let longestWord = 80

  private let marks: SearchMarks

  init(_ terms: [SearchQuery.Term], _ tokenizer: SearchTokenizer) {
    marks = SearchMarks(terms, tokenizer)
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
      let read = UnsafeBufferPointer(rebasing: bytes.prefix(Self.mostRead))
      let found = marks.words(in: read)
      guard let window = window(found) else { return nil }
      return (cut(window.words, around: window.mark, of: found, bytes), window.terms)
    }
  }

  // MARK: Choosing

  private func window(_ found: [SearchMarks.Word]) -> (words: Range<Int>, mark: Int, terms: Int)? {
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
    _ window: Range<Int>, around mark: Int, of found: [SearchMarks.Word],
    _ bytes: UnsafeBufferPointer<UInt8>
  ) -> String {
    let isWhole = bytes.count <= Self.wholeBytes
    // Where a word is as long as a page there are few of them.
    let place = found[mark].range.lowerBound
    var start =
      window.lowerBound == 0 || isWhole ? 0 : found[window.lowerBound].range.lowerBound
    // A path or a name is not cut in the middle.
    let least = max(0, start - Self.longestWord)
    if let blank = (least..<start).last(where: { bytes[$0] <= 0x20 }) {
      start = blank + 1
    } else if least == 0 {
      start = 0
    }
    start = boundary(max(start, place - Self.mostBytes / 3), bytes)
    var end =
      window.upperBound == found.count || isWhole
      ? bytes.count : found[window.upperBound - 1].range.upperBound
    end = boundary(min(end, start + Self.mostBytes), bytes)
    var text = start > 0 ? Array("…".utf8) : []
    var copied = start
    for word in found
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
