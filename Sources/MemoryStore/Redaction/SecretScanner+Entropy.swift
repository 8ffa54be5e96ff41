extension SecretScanner {
  /// The shortest value that can be told from a word by its letters alone.
  static let minimumRandomLength = 20

  /// Longer values are data: an image, a blob, a model's opaque state.
  static let maximumRandomLength = 1024

  /// The Shannon entropy, in bits for a character, that a random token has at least.
  ///
  /// Twenty characters drawn from 62 have 4.1 bits on average, from 36 about 3.9, and less than
  /// these limits once in a few hundred. English words in camel case have 3.2 to 3.9, so that
  /// entropy alone does not tell: ``isRandomToken(_:)`` also counts what reads as a word.
  private static let minimumEntropyOfMixedCase = 3.6
  private static let minimumEntropyOfOneCase = 3.3

  /// The share of the characters, in hundredths, that may stand in word-like pieces. Random
  /// tokens of 32 characters are below these limits 97 times in a hundred, of 40, 99 times.
  private static let maximumWordShareOfMixedCase = 50
  private static let maximumWordShareOfOneCase = 65
  private static let maximumWordShareWithoutDigits = 35
  /// The same share with pieces of three letters counted: `get`, `For`.
  private static let maximumNameShare = 62

  /// Whether a value is a run of random characters: one token charset (letters and digits with
  /// `-_` or with `+/`), more than one kind of them, high entropy, no words.
  ///
  /// Hex of any length, UUIDs, ULIDs, numbers, dates, integrity values, paths and names in camel,
  /// snake or kebab case are not.
  func isRandomToken(_ range: Range<Int>) -> Bool {
    var end = range.upperBound
    while end > range.lowerBound, range.upperBound - end < 2,
      bytes[end - 1] == UInt8(ascii: "=")
    {
      end -= 1
    }
    let value = range.lowerBound..<end
    guard (Self.minimumRandomLength...Self.maximumRandomLength).contains(value.count),
      bytes[value.lowerBound] != UInt8(ascii: "/"), !isHex(value), !isIdentifier(value),
      let form = TokenForm(value, in: self), form.digits < form.length - 3
    else { return false }
    if form.slashes >= 2, form.longestPart < 16 { return false }
    // abcdefg…, 0123456…, a test's filler.
    if form.steps * 3 > form.length { return false }
    // A name in snake or kebab case, whatever its parts are.
    if form.signs >= 2, form.longestPart < 14 { return false }
    let isMixed = form.hasUpper && form.hasLower
    if isMixed {
      if form.digits < 2 {
        guard value.count >= 24, form.wordShare < Self.maximumWordShareWithoutDigits else {
          return false
        }
      }
    } else {
      guard form.digits >= 3, form.changes >= 5, form.longestPart >= Self.minimumRandomLength
      else { return false }
    }
    if form.nameShare >= Self.maximumNameShare { return false }
    return isMixed
      ? form.wordShare < Self.maximumWordShareOfMixedCase
        && entropy(of: value) >= Self.minimumEntropyOfMixedCase
      : form.wordShare < Self.maximumWordShareOfOneCase
        && entropy(of: value) >= Self.minimumEntropyOfOneCase
  }

  /// Whether a short value has capitals, small letters and digits in no order that a name has.
  func isMixedPassword(_ range: Range<Int>) -> Bool {
    guard (8...64).contains(range.count) else { return false }
    var changes = 0
    var letters = 0
    var previous: ByteClass = []
    for index in range {
      let kind = ByteClass(rawValue: tables.pointee.classes[Int(bytes[index])])
        .intersection([.lower, .upper, .digit])
      if kind.isEmpty, bytes[index].isOne(of: "-_./:\\") { return false }
      // Small letters behind a capital are one piece.
      if kind != previous, !(previous == .upper && kind == .lower) { changes += 1 }
      if !kind.isEmpty { letters += 1 }
      previous = kind
    }
    guard changes >= 5, letters >= 6, contains(.digit, in: range), contains(.upper, in: range),
      contains(.lower, in: range)
    else { return false }
    guard let form = TokenForm(range, in: self) else { return true }
    return form.nameShare < 34
  }

  /// Whether letters alone, in both cases, are no words.
  func isRandomLetters(_ range: Range<Int>) -> Bool {
    guard let form = TokenForm(range, in: self), form.hasUpper, form.hasLower else { return false }
    return form.nameShare < Self.maximumNameShare
      && form.wordShare < Self.maximumWordShareOfMixedCase
  }

  /// Hex digits, perhaps behind `0x`, perhaps in groups as in a UUID.
  private func isHex(_ range: Range<Int>) -> Bool {
    // linux-node-0123…: a hash with its namespace.
    var tail = range.upperBound
    while tail > range.lowerBound, has(tail - 1, .lowerHex) { tail -= 1 }
    if range.upperBound - tail >= 32, has(tail - 1, [.dash, .underscore]),
      !contains(.digit, in: range.lowerBound..<tail), !contains(.upper, in: range.lowerBound..<tail)
    {
      return true
    }
    let prefix = bytes.matches("0x", at: range.lowerBound, ignoringCase: true) ? 2 : 0
    return runEnd(
      [.hex, .dash, .underscore], from: range.lowerBound + prefix, limit: range.upperBound)
      == range.upperBound
  }

  /// ULIDs and the ids of well-known interfaces, which look random and open nothing.
  private func isIdentifier(_ value: Range<Int>) -> Bool {
    var start = value.lowerBound
    // A prefix of small letters: task_01J…
    let prefixEnd = runEnd(.lower, from: start, limit: start + 16)
    if prefixEnd > start, has(prefixEnd, [.underscore, .dash]) { start = prefixEnd + 1 }
    if value.upperBound - start == 26, isULID(from: start) { return true }
    for known in Self.identifierPrefixes where bytes.matches(known, at: value.lowerBound) {
      return true
    }
    return false
  }

  /// Whether 26 characters are Crockford's Base32 of 128 bits.
  private func isULID(from start: Int) -> Bool {
    guard has(start, .digit), bytes[start] <= UInt8(ascii: "7") else { return false }
    for index in start..<start + 26
    where !has(index, .alphanumeric) || (bytes[index] & 0xDF).isOne(of: "ILOU") {
      return false
    }
    return true
  }

  private static let identifierPrefixes: [StaticString] = [
    "toolu_", "srvtoolu_", "msg_", "call_", "req_", "resp_", "rs_", "fc_", "item_", "chatcmpl-",
    "evt_", "cus_", "sha1-", "sha256-", "sha384-", "sha512-", "sha256_", "gid_",
  ]

  /// Shannon entropy in bits for a character, of the first 256.
  func entropy(of range: Range<Int>) -> Double {
    let head = range.prefix(256)
    return withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 256) { counts in
      counts.initialize(repeating: 0)
      for index in head { counts[Int(bytes[index])] += 1 }
      var sum = 0.0
      for index in head {
        // Each character is met as often as it occurs, and counted the first time.
        let count = Int(counts[Int(bytes[index])])
        counts[Int(bytes[index])] = 0
        sum += Self.countTimesLog[count]
      }
      return Self.countTimesLog[head.count] / Double(head.count) - sum / Double(head.count)
    }
  }

  /// n log2 n for n in 0...256.
  private static let countTimesLog: [Double] = (0...256).map { count in
    count < 2 ? 0 : Double(count) * log2(Double(count))
  }

  /// The standard library has none. Exact to 1e-12: the series of artanh, for (m-1)/(m+1) <= 1/3.
  private static func log2(_ value: Double) -> Double {
    let ratio = (value.significand - 1) / (value.significand + 1)
    var power = ratio
    var sum = 0.0
    for exponent in stride(from: 1.0, through: 25, by: 2) {
      sum += power / exponent
      power *= ratio * ratio
    }
    return Double(value.exponent) + 2 * sum / 0.693_147_180_559_945_3
  }
}

/// What a value of one token charset is made of.
private struct TokenForm {
  var length = 0
  var digits = 0
  var slashes = 0
  /// Dashes and underscores.
  var signs = 0
  /// Characters that follow the one before in the alphabet, or repeat it.
  var steps = 0
  /// Borders between digits and letters.
  var changes = 0
  /// The longest part between signs.
  var longestPart = 0
  var hasUpper = false
  var hasLower = false
  /// The share, in hundredths, of the characters in pieces that read as words: four letters or
  /// more, with vowels and never more than three consonants in a row (in long ones four). A piece
  /// is small letters, perhaps with a capital before them, or capitals.
  var wordShare = 0
  /// The same, with pieces of three letters.
  var nameShare = 0

  /// Nil if the value is not of one token charset.
  init?(_ range: Range<Int>, in scanner: SecretScanner) {
    length = range.count
    var hasBase64Signs = false
    var part = 0
    var inWords = 0
    var inNames = 0
    var piece = Piece()
    var previous: ByteClass = []
    for index in range {
      let byte = scanner.bytes[index]
      if index > range.lowerBound, byte &- scanner.bytes[index - 1] <= 1 { steps += 1 }
      let kind = ByteClass(rawValue: scanner.tables.pointee.classes[Int(byte)])
      if kind.isDisjoint(with: .alphanumeric) {
        if !kind.isDisjoint(with: [.dash, .underscore]) {
          signs += 1
        } else if kind.contains(.plusSlash) {
          hasBase64Signs = true
          if byte == UInt8(ascii: "/") { slashes += 1 }
        } else {
          return nil
        }
        longestPart = max(longestPart, part)
        part = 0
        piece.close(&inWords, &inNames)
      } else {
        part += 1
        if kind.contains(.digit) {
          digits += 1
          piece.close(&inWords, &inNames)
        } else {
          let isUpper = kind.contains(.upper)
          hasUpper = hasUpper || isUpper
          hasLower = hasLower || !isUpper
          if isUpper, previous.contains(.lower) || scanner.isHump(at: index, in: range) {
            piece.close(&inWords, &inNames)
          }
          piece.add(byte)
        }
        if !previous.isDisjoint(with: .alphanumeric),
          previous.contains(.digit) != kind.contains(.digit)
        {
          changes += 1
        }
      }
      previous = kind
    }
    piece.close(&inWords, &inNames)
    longestPart = max(longestPart, part)
    if signs > 0 && hasBase64Signs { return nil }
    wordShare = inWords * 100 / max(1, length)
    nameShare = inNames * 100 / max(1, length)
  }

  private struct Piece {
    private var length = 0
    private var hasVowel = false
    private var consonants = 0
    private var mostConsonants = 0

    mutating func add(_ byte: UInt8) {
      length += 1
      if (byte | 0x20).isOne(of: "aeiouy") {
        hasVowel = true
        consonants = 0
      } else {
        consonants += 1
        mostConsonants = max(mostConsonants, consonants)
      }
    }

    /// Adds the length of the piece to those of its kind if it reads as a word.
    mutating func close(_ inWords: inout Int, _ inNames: inout Int) {
      if length >= 3, hasVowel, (1...(length < 8 ? 3 : 4)).contains(mostConsonants) {
        inNames += length
        if length >= 4 { inWords += length }
      }
      self = Piece()
    }
  }
}
