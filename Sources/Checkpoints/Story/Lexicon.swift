import MemoryStore

/// Words and phrases by which a sentence is told for what it is: a rule, a reason, a decision.
///
/// A sentence is looked through once, word by word, in a tree of all phrases: this runs over every
/// sentence of a transcript on a hook's path.
struct Lexicon: Sendable {
  /// What a phrase says of the sentence that it stands in.
  struct Marks: OptionSet, Sendable {
    let rawValue: UInt32

    /// Says why, or what was found out.
    static let finding = Marks(rawValue: 1 << 0)
    /// Says something about how things are.
    static let statement = Marks(rawValue: 1 << 1)
    /// Says that something was no good.
    static let vain = Marks(rawValue: 1 << 2)
    /// Takes something back that was said before.
    static let correction = Marks(rawValue: 1 << 3)
    static let decision = Marks(rawValue: 1 << 4)
    /// Says what is still to be done.
    static let outlook = Marks(rawValue: 1 << 5)
    /// Forbids or demands.
    static let hardRule = Marks(rawValue: 1 << 6)
    /// Wishes.
    static let softRule = Marks(rawValue: 1 << 7)
    static let reason = Marks(rawValue: 1 << 8)
    /// The person contradicts.
    static let objection = Marks(rawValue: 1 << 9)
    /// Proposes one of several ways.
    static let recommendation = Marks(rawValue: 1 << 10)
    /// Says that something was left for later.
    static let parked = Marks(rawValue: 1 << 11)
    /// Says that something was replaced by something else.
    static let change = Marks(rawValue: 1 << 12)
    /// At the beginning only: says what is about to be done.
    static let narration = Marks(rawValue: 1 << 13)
    /// At the beginning only: a mere nod.
    static let nod = Marks(rawValue: 1 << 14)
    /// In a heading: what stands below it was decided or limits the work.
    static let ofWeight = Marks(rawValue: 1 << 15)

    /// Those that count at the beginning of a sentence only.
    static let leading: Marks = [.narration, .nod]
  }

  private struct Node {
    var next: [UInt64: Int32] = [:]
    var marks: Marks = []
  }

  private var nodes = [Node()]
  /// One bit for each word with which a phrase begins, by its hash: most words begin none.
  private var beginnings = [UInt64](repeating: 0, count: 64)

  /// - Parameter phrases: Words with blanks between them; `a|b` is either word, and `_` any one.
  init(_ phrases: [(Marks, [String])]) {
    for (marks, list) in phrases {
      for phrase in list { insert(phrase, marks) }
    }
  }

  private static let anyWord: UInt64 = 0

  private mutating func insert(_ phrase: String, _ marks: Marks) {
    var ends: [Int32] = [0]
    for slot in phrase.split(separator: " ") {
      var reached: [Int32] = []
      for word in slot.split(separator: "|") {
        let key = word == "_" ? Self.anyWord : FNV1a.hash(word.utf8)
        for end in ends {
          if let known = nodes[Int(end)].next[key] {
            reached.append(known)
          } else {
            reached.append(Int32(nodes.count))
            nodes[Int(end)].next[key] = Int32(nodes.count)
            nodes.append(Node())
          }
        }
      }
      ends = reached
    }
    for end in ends { nodes[Int(end)].marks.formUnion(marks) }
    if let first = phrase.split(separator: " ").first {
      for word in first.split(separator: "|") {
        let hash = FNV1a.hash(word.utf8)
        beginnings[Int(hash >> 6 & 63)] |= 1 << (hash & 63)
      }
    }
  }

  /// What the phrases in a text say of it.
  func marks(in text: some StringProtocol) -> Marks {
    let words = Self.words(of: text)
    var found: Marks = []
    for start in words.indices {
      var marks = marks(of: words, from: start)
      if start > 0 { marks.subtract(.leading) }
      found.formUnion(marks)
    }
    return found
  }

  private func marks(of words: [UInt64], from start: Int) -> Marks {
    let hash = words[start]
    guard beginnings[Int(hash >> 6 & 63)] & 1 << (hash & 63) != 0, nodes[0].next[hash] != nil
    else { return [] }
    var found: Marks = []
    var ends: [Int32] = [0]
    for word in words[start...].prefix(8) {
      var reached: [Int32] = []
      for end in ends {
        let node = nodes[Int(end)]
        if let next = node.next[word] { reached.append(next) }
        if let next = node.next[Self.anyWord] { reached.append(next) }
      }
      guard !reached.isEmpty else { break }
      for end in reached { found.formUnion(nodes[Int(end)].marks) }
      ends = reached
    }
    return found
  }

  /// Hashes of the words, in lower case; `n't` and `'ll` stay with theirs, whatever the apostrophe.
  static func words(of text: some StringProtocol) -> [UInt64] {
    var words: [UInt64] = []
    var hash = FNV1a.empty
    var length = 0
    func end() {
      if length > 0 { words.append(hash) }
      hash = FNV1a.empty
      length = 0
    }
    var skip = 0
    let bytes = Array(text.utf8)
    for (index, byte) in bytes.enumerated() {
      if skip > 0 {
        skip -= 1
        continue
      }
      var byte = byte
      switch byte {
      case 0x41...0x5A: byte |= 0x20
      case 0x61...0x7A, 0x30...0x39, 0x5F, UInt8(ascii: "'"): break
      case 0xE2 where index + 2 < bytes.count:
        // Punctuation, arrows, signs: no letter of any script that is in use.
        skip = 2
        guard bytes[index + 1] == 0x80, bytes[index + 2] == 0x99 else {
          end()
          continue
        }
        byte = UInt8(ascii: "'")
      case 0x80...: break
      default:
        end()
        continue
      }
      hash = FNV1a.hash(CollectionOfOne(byte), from: hash)
      length += 1
    }
    end()
    return words
  }
}
