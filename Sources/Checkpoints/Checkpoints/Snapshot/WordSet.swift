import Core
import Transcripts

/// The telling words of a text, to see how much of it stands elsewhere.
struct WordSet {
  /// Hashes, sorted, each once.
  let words: [UInt64]
  var count: Int { words.count }
  var isEmpty: Bool { words.isEmpty }

  init(_ text: String) {
    var found = Self.telling(text)
    found.sort()
    var distinct: [UInt64] = []
    distinct.reserveCapacity(found.count)
    for word in found where distinct.last != word { distinct.append(word) }
    words = distinct
  }

  /// In the order of the text, without words that every sentence has.
  static func telling(_ text: String) -> [UInt64] {
    Lexicon.words(of: text).filter { !mayBeCommon($0) || !common.contains($0) }
  }

  /// False for most words, by a few bits of them: a look into a set costs ten times as much.
  private static func mayBeCommon(_ word: UInt64) -> Bool {
    commonBits[Int(word & 63)] >> (word >> 6 & 63) & 1 != 0
  }

  private static let commonBits: [UInt64] = {
    var bits = [UInt64](repeating: 0, count: 64)
    for word in common { bits[Int(word & 63)] |= 1 << (word >> 6 & 63) }
    return bits
  }()

  private static let common: Set<UInt64> = Set(
    """
    a an and are as at be been but by did do does for from had has have he her his how i if in is it \
    its me my of on or our she so than that the their them they this to was we were what when where \
    which who why will with would you your not no nor only one all any each more most other into out \
    up over under again then there here after before until while also just can could should may \
    must own same such both some now calls call ago edited agent person last
    """.split(separator: " ").flatMap { Lexicon.words(of: $0) })

  func common(with other: WordSet) -> Int {
    var (a, b, both) = (0, 0, 0)
    while a < words.count, b < other.words.count {
      if words[a] == other.words[b] {
        both += 1
        a += 1
        b += 1
      } else if words[a] < other.words[b] {
        a += 1
      } else {
        b += 1
      }
    }
    return both
  }
}
