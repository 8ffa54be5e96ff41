/// Why the scanner stops at a pair of bytes.
struct SecretTrigger: OptionSet {
  let rawValue: UInt16

  /// The second byte of the pair is the anchor of a shape.
  static let anchor = SecretTrigger(rawValue: 1 << 0)
  /// The second byte of the pair separates a key from a value.
  static let separator = SecretTrigger(rawValue: 1 << 1)
  /// The pair may begin a command line flag.
  static let flag = SecretTrigger(rawValue: 1 << 2)
  /// The pair may begin a marker.
  static let marker = SecretTrigger(rawValue: 1 << 3)
  /// The pair may begin the scheme of a header, the `BEGIN` of a PEM block, the `BY` of SQL.
  static let scheme = SecretTrigger(rawValue: 1 << 4)
  /// The second byte may be the dot in a token.
  static let dot = SecretTrigger(rawValue: 1 << 5)
  /// The second byte may be the middle of `password`.
  static let password = SecretTrigger(rawValue: 1 << 6)
  /// The pair may stand before the host of a data source: `@tcp(`.
  static let at = SecretTrigger(rawValue: 1 << 7)
  /// The pair begins the arguments of a call.
  static let call = SecretTrigger(rawValue: 1 << 8)
  /// The second byte of the pair may begin an option of one letter.
  static let option = SecretTrigger(rawValue: 1 << 9)
  /// The second byte may be the k of `token` or the r of `secret`.
  static let noun = SecretTrigger(rawValue: 1 << 10)
  /// The second byte of the pair is the anchor of a phrase.
  static let phrase = SecretTrigger(rawValue: 1 << 11)
  /// The pair may stand between a name and the value taken without it: `||`, `??`, `?:`.
  static let fallback = SecretTrigger(rawValue: 1 << 12)
  /// The pair may begin a text that is handed to a command: `<<<`.
  static let handed = SecretTrigger(rawValue: 1 << 13)
  /// The pair ends an element of a list in quotes.
  static let element = SecretTrigger(rawValue: 1 << 14)
  /// The pair ends a cell of a table.
  static let cell = SecretTrigger(rawValue: 1 << 15)
}

/// The shapes and other places of interest, arranged by pairs of bytes, so that the scanner passes
/// over nearly everything with one look into a table that stays in the processor's cache.
///
/// A pair is numbered as it lies in memory: the first byte is the low one.
struct SecretCatalog {
  static let shared = SecretCatalog(shapes: SecretShape.all, phrases: SecretPhrase.all)

  /// The tables as the scanner reads them: without bounds checks, as any pair is in range.
  struct Tables {
    let classes: UnsafeBufferPointer<UInt32>
    let gates: UnsafeBufferPointer<UInt64>
    let triggers: UnsafeBufferPointer<UInt16>
    let chains: UnsafeBufferPointer<UInt16>
    let next: UnsafeBufferPointer<UInt16>
    let heads: UnsafeBufferPointer<(first: UInt8, anchor: UInt8)>
    let shapes: UnsafeBufferPointer<SecretShape>
    let phrases: UnsafeBufferPointer<SecretPhrase>
    let phraseHeads: UnsafeBufferPointer<(first: UInt8, anchor: UInt8)>
    let phraseChains: UnsafeBufferPointer<UInt8>
    let nextPhrase: UnsafeBufferPointer<UInt8>
  }

  private let classes = ByteClass.table
  private let shapes: [SecretShape]
  private let phrases: [SecretPhrase]
  private let phraseHeads: [(first: UInt8, anchor: UInt8)]
  /// By ``chain(_:_:)`` of the pair that ends with a phrase's anchor: the first such phrase, plus 1; 0 is
  /// none.
  private let phraseChains: [UInt8]
  /// By phrase: the next one in its chain, plus 1; 0 is none.
  private let nextPhrase: [UInt8]
  /// By shape: the first byte of its prefix, and how far before the anchor it is.
  private let heads: [(first: UInt8, anchor: UInt8)]
  /// By pair, a bit each: whether `triggers` has something.
  private let gates: [UInt64]
  /// By pair: ``SecretTrigger``.
  private let triggers: [UInt16]
  /// By ``chain(_:_:)`` of the pair that ends with an anchor: the first such shape, plus 1; 0 is none.
  private let chains: [UInt16]
  /// By shape: the next one in its chain, plus 1; 0 is none.
  private let next: [UInt16]

  private init(shapes: [SecretShape], phrases: [SecretPhrase]) {
    precondition(phrases.count < 255)
    self.shapes = shapes
    self.phrases = phrases
    phraseHeads = phrases.map { ($0.prefix.utf8Start[0], UInt8($0.anchor)) }
    heads = shapes.map { ($0.prefix.utf8Start[0], UInt8($0.anchor)) }
    var chains = [UInt16](repeating: 0, count: Self.chainCount)
    var next = [UInt16](repeating: 0, count: shapes.count)
    var triggers = [UInt16](repeating: 0, count: 65536)
    // Chains are built from their ends, so the shapes are taken last to first.
    for index in shapes.indices.reversed() {
      let prefix = shapes[index].prefix.utf8Start
      let anchor = shapes[index].anchor
      let pair = Self.pair(prefix[anchor - 1], prefix[anchor])
      let chain = Self.chain(prefix[anchor - 1], prefix[anchor])
      next[index] = chains[chain]
      chains[chain] = UInt16(index + 1)
      triggers[pair] |= SecretTrigger.anchor.rawValue
    }
    // The same for the phrases.
    var phraseChains = [UInt8](repeating: 0, count: Self.chainCount)
    var nextPhrase = [UInt8](repeating: 0, count: phrases.count)
    for (index, phrase) in phrases.enumerated().reversed() {
      let prefix = phrase.prefix.utf8Start
      let pair = Self.pair(prefix[phrase.anchor - 1], prefix[phrase.anchor])
      let chain = Self.chain(prefix[phrase.anchor - 1], prefix[phrase.anchor])
      nextPhrase[index] = phraseChains[chain]
      phraseChains[chain] = UInt8(index + 1)
      triggers[pair] |= SecretTrigger.phrase.rawValue
    }
    self.phraseChains = phraseChains
    self.nextPhrase = nextPhrase
    func add(_ trigger: SecretTrigger, _ firsts: [UInt8], _ seconds: String) {
      for first in firsts {
        for second in seconds.utf8 { triggers[Self.pair(first, second)] |= trigger.rawValue }
      }
    }
    let all = [UInt8](0...255)
    add(.separator, all, "=:")
    add(.separator, all.filter { !ByteClass.of($0).isDisjoint(with: .alphanumeric) }, ">")
    // Behind the attributes of an element.
    add(.separator, Array("\"'".utf8), ">")
    add(.dot, all.filter { !ByteClass.of($0).isDisjoint(with: .name) }, ".")
    add(.password, Array("sS".utf8), "wW")
    add(.noun, Array("o".utf8), "k")
    add(.noun, Array("O".utf8), "K")
    add(.noun, Array("c".utf8), "r")
    add(.noun, Array("C".utf8), "R")
    add(.flag, Array("-".utf8), "-")
    add(.option, Array(" \t\n\"'`([,".utf8), "-")
    add(.at, Array("@".utf8), "tu/(")
    let letters = all.filter { !ByteClass.of($0).isDisjoint(with: .letter) }
    add(.call, Array("(".utf8), String(decoding: letters, as: UTF8.self) + "\"'\n{")
    let hosts = all.filter { !ByteClass.of($0).isDisjoint(with: .alphanumeric) }
    add(.at, Array("@".utf8), String(decoding: hosts, as: UTF8.self))
    add(.fallback, Array("|".utf8), "|")
    add(.fallback, Array("?".utf8), "?:")
    add(.handed, Array("<".utf8), "<")
    add(.element, Array("\"'".utf8), ",")
    add(.cell, Array(" ".utf8), "|")
    add(.marker, Array("[".utf8), "rp")
    add(.scheme, Array("Bb".utf8), "AaEeYy")
    self.triggers = triggers
    self.chains = chains
    self.next = next
    var gates = [UInt64](repeating: 0, count: 1024)
    for pair in triggers.indices where triggers[pair] != 0 { gates[pair >> 6] |= 1 << (pair & 63) }
    self.gates = gates
  }

  @inline(__always)
  static func pair(_ first: UInt8, _ second: UInt8) -> Int {
    Int(first) | Int(second) << 8
  }

  /// Where the chain of a pair begins. Pairs share chains, so that the tables take three pages of memory
  /// that a short process must touch, not fifty; who follows a chain compares each prefix anyway.
  @inline(__always)
  static func chain(_ first: UInt8, _ second: UInt8) -> Int {
    Int(first & 0x3F) | Int(second & 0x3F) << 6
  }

  private static let chainCount = 4096

  func withTables<Result>(_ body: (UnsafePointer<Tables>) -> Result) -> Result {
    classes.withUnsafeBufferPointer { classes in
      gates.withUnsafeBufferPointer { gates in
        triggers.withUnsafeBufferPointer { triggers in
          withShapes { chains, next, heads, shapes in
            withPhrases { phraseChains, nextPhrase, phraseHeads, phrases in
              withUnsafePointer(
                to: Tables(
                  classes: classes, gates: gates, triggers: triggers, chains: chains, next: next,
                  heads: heads, shapes: shapes, phrases: phrases, phraseHeads: phraseHeads,
                  phraseChains: phraseChains,
                  nextPhrase: nextPhrase),
                body)
            }
          }
        }
      }
    }
  }

  private func withShapes<Result>(
    _ body: (
      UnsafeBufferPointer<UInt16>, UnsafeBufferPointer<UInt16>,
      UnsafeBufferPointer<(first: UInt8, anchor: UInt8)>, UnsafeBufferPointer<SecretShape>
    ) -> Result
  ) -> Result {
    chains.withUnsafeBufferPointer { chains in
      next.withUnsafeBufferPointer { next in
        heads.withUnsafeBufferPointer { heads in
          shapes.withUnsafeBufferPointer { body(chains, next, heads, $0) }
        }
      }
    }
  }

  private func withPhrases<Result>(
    _ body: (
      UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>,
      UnsafeBufferPointer<(first: UInt8, anchor: UInt8)>, UnsafeBufferPointer<SecretPhrase>
    ) -> Result
  ) -> Result {
    phraseChains.withUnsafeBufferPointer { chains in
      nextPhrase.withUnsafeBufferPointer { next in
        phraseHeads.withUnsafeBufferPointer { heads in
          phrases.withUnsafeBufferPointer { body(chains, next, heads, $0) }
        }
      }
    }
  }
}
