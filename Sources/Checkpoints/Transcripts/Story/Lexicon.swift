import Core

/// Words and phrases by which a sentence is told for what it is: a rule, a reason, a decision.
///
/// A sentence is looked through once, word by word, in a tree of all phrases: this runs over every
/// sentence of a transcript on a hook's path.
package struct Lexicon: Sendable {
  /// What a phrase says of the sentence that it stands in.
  package struct Marks: OptionSet, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Says why, or what was found out.
    package static let finding = Marks(rawValue: 1 << 0)
    /// Says something about how things are.
    package static let statement = Marks(rawValue: 1 << 1)
    /// Says that something was no good.
    package static let vain = Marks(rawValue: 1 << 2)
    /// Takes something back that was said before.
    package static let correction = Marks(rawValue: 1 << 3)
    package static let decision = Marks(rawValue: 1 << 4)
    /// Says what is still to be done.
    package static let outlook = Marks(rawValue: 1 << 5)
    /// Forbids or demands.
    package static let hardRule = Marks(rawValue: 1 << 6)
    /// Wishes.
    package static let softRule = Marks(rawValue: 1 << 7)
    package static let reason = Marks(rawValue: 1 << 8)
    /// The person contradicts.
    package static let objection = Marks(rawValue: 1 << 9)
    /// Proposes one of several ways.
    static let recommendation = Marks(rawValue: 1 << 10)
    /// Says that something was left for later.
    static let parked = Marks(rawValue: 1 << 11)
    /// Says that something was replaced by something else.
    package static let change = Marks(rawValue: 1 << 12)
    /// At the beginning only: says what is about to be done.
    package static let narration = Marks(rawValue: 1 << 13)
    /// At the beginning only: a mere nod.
    static let nod = Marks(rawValue: 1 << 14)
    /// In a heading: what stands below it was decided or limits the work.
    static let ofWeight = Marks(rawValue: 1 << 15)

    /// Says what may be, not what is.
    package static let guess = Marks(rawValue: 1 << 16)

    /// Those that count at the beginning of a sentence only.
    static let leading: Marks = [.narration, .nod]
  }

  /// The tree of phrases as one table: from a node and a word to the next node. A dictionary for each
  /// node would take longer to make than a hook has.
  private var keys: [UInt64]
  private var targets: [Int32]
  private var marks: [Marks] = [[]]
  private let mask: Int
  /// One bit for each word with which a phrase begins, by its hash: most words begin none.
  private var beginnings = [UInt64](repeating: 0, count: 64)
  /// Words that may stand before a beginning: "Good, now let me".
  private var leads: [UInt64] = []

  /// - Parameters:
  ///   - phrases: Words with blanks between them; `a|b` is either word, and `_` any one.
  ///   - leads: Words after which a sentence still begins.
  package init(_ phrases: [(Marks, [String])], leads: [String] = []) {
    let size = 1 << 13
    mask = size - 1
    keys = [UInt64](repeating: 0, count: size)
    targets = [Int32](repeating: 0, count: size)
    for (marks, list) in phrases {
      for phrase in list { insert(phrase, marks) }
    }
    self.leads = leads.map { FNV1a.hash($0.utf8) }
  }

  private static let anyWord: UInt64 = 0

  /// Where a step stands, or the free place for it.
  private func slot(_ node: Int32, _ word: UInt64) -> (index: Int, key: UInt64) {
    let key = (word ^ UInt64(UInt32(bitPattern: node)) &* 0x9E37_79B9_7F4A_7C15) | 1
    var index = Int(truncatingIfNeeded: (key &* 0xC2B2_AE3D_27D4_EB4F) >> 40) & mask
    while keys[index] != 0, keys[index] != key { index = (index + 1) & mask }
    return (index, key)
  }

  private func next(_ node: Int32, _ word: UInt64) -> Int32? {
    let (index, key) = slot(node, word)
    return keys[index] == key ? targets[index] : nil
  }

  /// By bytes: hundreds of phrases are put in before the first hook can go on.
  private mutating func insert(_ phrase: String, _ found: Marks) {
    var ends: [Int32] = [0]
    var reached: [Int32] = []
    var hash = FNV1a.empty
    var isAny = false
    var isFirst = true
    func step(_ lexicon: inout Lexicon) {
      let word = isAny ? Self.anyWord : hash
      if isFirst { lexicon.beginnings[Int(word >> 6 & 63)] |= 1 << (word & 63) }
      for end in ends { reached.append(lexicon.add(end, word)) }
      hash = FNV1a.empty
      isAny = false
    }
    for byte in phrase.utf8 {
      switch byte {
      case UInt8(ascii: "|"): step(&self)
      case 0x20:
        step(&self)
        ends = reached
        reached = []
        isFirst = false
      default:
        isAny = byte == UInt8(ascii: "_") && hash == FNV1a.empty
        hash = FNV1a.hash(CollectionOfOne(byte), from: hash)
      }
    }
    step(&self)
    for end in reached { marks[Int(end)].formUnion(found) }
  }

  /// - Returns: The node behind a word, made if there was none.
  private mutating func add(_ node: Int32, _ word: UInt64) -> Int32 {
    let (index, key) = slot(node, word)
    if keys[index] != key {
      keys[index] = key
      targets[index] = Int32(marks.count)
      marks.append([])
    }
    return targets[index]
  }

  /// What the phrases in a text say of it.
  package func marks(in text: some StringProtocol) -> Marks {
    let words = Self.words(of: text)
    var found: Marks = []
    var isStart = true
    for start in words.indices {
      var marks = marks(of: words, from: start)
      if !isStart { marks.subtract(.leading) }
      found.formUnion(marks)
      isStart = isStart && leads.contains(words[start])
    }
    return found
  }

  private func marks(of words: [UInt64], from start: Int) -> Marks {
    let hash = words[start]
    guard beginnings[Int(hash >> 6 & 63)] & 1 << (hash & 63) != 0, var node = next(0, hash) else {
      return []
    }
    var found = marks[Int(node)]
    var others: [Int32] = []
    for word in words[(start + 1)...].prefix(7) {
      var reached: Int32?
      var more: [Int32] = []
      for end in [node] + others {
        for step in [next(end, word), next(end, Self.anyWord)] {
          guard let step else { continue }
          found.formUnion(marks[Int(step)])
          if reached == nil { reached = step } else { more.append(step) }
        }
      }
      guard let reached else { break }
      node = reached
      others = more
    }
    return found
  }

  /// Hashes of the words, in lower case; `n't` and `'ll` stay with theirs, whatever the apostrophe.
  package static func words(of text: some StringProtocol) -> [UInt64] {
    // The bytes of a string, or of a piece of one, lie in one place.
    text.utf8.withContiguousStorageIfAvailable(words)
      ?? Array(text.utf8).withUnsafeBufferPointer(words)
  }

  private static func words(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt64] {
    var words: [UInt64] = []
    words.reserveCapacity(bytes.count / 5)
    var hash = FNV1a.empty
    var length = 0
    var index = 0
    while index < bytes.count {
      var byte = bytes[index]
      index += 1
      var isLetter = true
      switch byte {
      case 0x41...0x5A: byte |= 0x20
      case 0x61...0x7A, 0x30...0x39, 0x5F, UInt8(ascii: "'"): break
      case 0xE2 where index + 1 < bytes.count:
        // Punctuation, arrows, signs: no letter of any script that is in use.
        isLetter = bytes[index] == 0x80 && bytes[index + 1] == 0x99
        byte = UInt8(ascii: "'")
        index += 2
      case 0x80...: break
      default: isLetter = false
      }
      if isLetter {
        hash = FNV1a.hash(CollectionOfOne(byte), from: hash)
        length += 1
      } else if length > 0 {
        words.append(hash)
        hash = FNV1a.empty
        length = 0
      }
    }
    if length > 0 { words.append(hash) }
    return words
  }
}
