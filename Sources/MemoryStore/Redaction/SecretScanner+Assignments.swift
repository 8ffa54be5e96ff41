extension SecretScanner {
  /// How a value was given; code and configuration write the same things differently.
  enum ValueStyle {
    /// `KEY=value`, `--key value`, `key:value`: a shell, a URL, a settings file.
    case environment
    /// `key = value`: a settings file or code.
    case spaced
    /// `key: value`: YAML, a header, or code.
    case colon
    /// `key := value`, `key => value`: code.
    case code
  }

  /// The value after a `=` or `:`, if it is a secret.
  ///
  /// Under a key that names a secret it is every literal that can be one, under any other key only
  /// one that looks random (``isRandomToken(_:)``).
  mutating func assignment(at separator: Int) -> SecretFinding? {
    guard let (style, afterSeparator) = valueStyle(at: separator) else { return nil }
    guard let opening = valueOpening(from: afterSeparator) else {
      return valueOnNextLine(of: separator, from: skipBlanks(from: afterSeparator))
    }
    let start = opening.start
    let end: Int
    var isClosed = true
    if let quote = opening.quote {
      (end, isClosed) = quotedEnd(from: start, quote: quote, depth: opening.depth)
    } else {
      if !has(start, .word) {
        if byte(start) < 32 || byte(start).isOne(of: "|>(") {
          return valueOnNextLine(of: separator, from: start)
        }
        guard has(start, .operatorSign) else { return nil }
      }
      end = valueEnd(from: start)
      // `PASSWORD: !secret name` is a tag of YAML.
      if !has(start, .word), byte(end) == UInt8(ascii: " "), style != .environment { return nil }
      // `a=a=a=…` is no list of settings, and judging a value is not free.
      guard valuesInRun < 32 else { return nil }
    }
    guard
      end - start >= 6
        || (opening.quote == nil
          ? mayGoOn(start..<end, behind: separator) : !isClosed && has(end, .space))
        || end - start >= 3 && has(end, .space) && isInAuthorizationHeader(start)
    else { return nil }
    guard let key = key(before: separator) else { return nil }
    let value = SecretValue(start..<end, isQuoted: opening.quote != nil, style: style)
    let mayBeSibling = key.range.count == 5 || key.range.count == 7
    let role =
      key.mayNameSecret
      ? keyRole(of: key.range) : mayBeSibling ? siblingRole(of: key.range) : .other

    if case .secret(let noun) = role {
      if noun == .header, has(end, .space) || opening.quote == nil {
        return headerCredential(scheme: value)
      }
      if let quote = opening.quote, !isClosed {
        return quotedWord(from: start, quote: quote, depth: opening.depth).flatMap {
          secret($0, as: noun)
        }
      }
      if opening.quote == nil, let whole = wholeSetting(value, of: key.range, as: noun) {
        return whole
      }
      guard isLiteral(value, as: noun) else { return nil }
      return named(SecretFinding(start: start, end: trimmed(value), kind: "secret"))
    }
    guard opening.quote != nil || has(start, .word) else { return nil }
    guard end - start >= Self.minimumRandomLength, isClosed,
      opening.quote != nil || !byte(end).isOne(of: "([{."),
      isRandomToken(start..<end), !isExempt(key.range)
    else { return nil }
    return named(SecretFinding(start: start, end: end, kind: "high-entropy"))
  }

  /// The finding, under the name of the known shape if it is one as a whole.
  mutating func named(_ finding: SecretFinding) -> SecretFinding {
    guard let shape = shape(startingAt: finding.start), shape.end >= finding.end else {
      return finding
    }
    return shape
  }

  // MARK: - Separator and value

  /// Tells assignments from comparisons, scopes and arrows; finds where the separator ends.
  private func valueStyle(at separator: Int) -> (ValueStyle, afterSeparator: Int)? {
    let next = byte(separator + 1)
    if bytes[separator] == UInt8(ascii: ":") {
      if byte(separator - 1) == UInt8(ascii: ":") || next == UInt8(ascii: ":") { return nil }
      if next == UInt8(ascii: "=") { return (.code, separator + 2) }
      let isTight = !has(separator + 1, [.space, .quote]) && next != UInt8(ascii: "\\")
      return (isTight ? .environment : .colon, separator + 1)
    }
    if has(separator - 1, .operatorSign) || next == UInt8(ascii: "=") { return nil }
    if next == UInt8(ascii: ">") { return (.code, separator + 2) }
    let isTight = !has(separator - 1, .space) && !has(separator + 1, .space)
    return (isTight ? .environment : .spaced, separator + 1)
  }

  /// Skips blanks and an opening quote, which may be escaped (`\"`, `\\\"`) or have a prefix
  /// (`b"`, `@"`).
  ///
  /// - Returns: Where the value begins, its quote, and the number of backslashes before the quote;
  ///   nil if there is no value on this line.
  private func valueOpening(
    from afterSeparator: Int
  ) -> (start: Int, quote: UInt8?, depth: Int)? {
    var start = skipBlanks(from: afterSeparator)
    while let next = invisibleEnd(at: start) { start = skipBlanks(from: next) }
    if byte(start) == UInt8(ascii: "*"), byte(start + 1) == UInt8(ascii: "*") {
      // **Password:** value
      start = skipBlanks(from: start + 2)
    }
    if has(start + 1, .quote), byte(start).isOne(of: "bBrRuU@") { start += 1 }
    var depth = 0
    while byte(start) == UInt8(ascii: "\\"), depth < 16 {
      start += 1
      depth += 1
    }
    if has(start, .quote) {
      // A quote within n string literals has 2^n - 1 backslashes.
      guard [0, 1, 3, 7].contains(depth) else { return nil }
      return (start + 1, bytes[start], depth)
    }
    return depth == 0 && start < bytes.count ? (start, nil, 0) : nil
  }

  /// The end of a character at an index that is not seen: of no width, or a blank that does not
  /// break.
  private func invisibleEnd(at index: Int) -> Int? {
    guard byte(index) >= 0xC2 else { return nil }
    if byte(index) == 0xC2, byte(index + 1) == 0xA0 { return index + 2 }
    if byte(index) == 0xE2, byte(index + 1) == 0x80, (0x8B...0x8F).contains(byte(index + 2)) {
      return index + 3
    }
    if byte(index) == 0xE2, byte(index + 1) == 0x81, byte(index + 2) == 0xA0 { return index + 3 }
    return byte(index) == 0xEF && byte(index + 1) == 0xBB && byte(index + 2) == 0xBF
      ? index + 3 : nil
  }

  /// The end of a quoted value without blanks.
  ///
  /// - Returns: At the end of the text, the end of the value as if it had no quotes. `isClosed` is
  ///   false if a blank, a control byte or a marker came before the quote.
  func quotedEnd(from start: Int, quote: UInt8, depth: Int) -> (end: Int, isClosed: Bool) {
    var index = start
    while true {
      while index < bytes.count, !has(index, .quotedStop) { index &+= 1 }
      guard index < bytes.count else {
        // A text that was cut off inside a value still holds a part of it.
        index = start
        while index < bytes.count, !has(index, .valueEnd) { index += 1 }
        return (index, true)
      }
      guard bytes[index] > 32 else { return (index, false) }
      switch bytes[index] {
      case quote where depth == 0:
        return (index, true)
      case UInt8(ascii: "\\"):
        let slashes = backslashes(from: index)
        let after = index + slashes
        if byte(after) == quote, slashes % (2 * depth + 2) == depth {
          return (after - depth, true)
        }
        // The last of an odd number belongs to what follows it.
        index = min(bytes.count, slashes % 2 == 1 ? after + 1 : after)
      case UInt8(ascii: "[") where Self.markerEnd(at: index, in: bytes) != nil:
        return (index, false)
      default:
        index += 1
      }
    }
  }

  private func backslashes(from start: Int) -> Int {
    var index = start
    while index < bytes.count, bytes[index] == UInt8(ascii: "\\") { index += 1 }
    return index - start
  }

  /// The end of the value bytes that begin at an index.
  mutating func valueEnd(from start: Int) -> Int {
    // Every value in a run ends where the run does.
    if valueRun.contains(start) {
      valuesInRun += 1
      return valueRun.upperBound
    }
    var end = start
    while end < bytes.count, !has(end, .valueEnd) { end += 1 }
    valueRun = start..<end
    valuesInRun = 0
    return end
  }

  /// Whether a short bare value may go on where its first run ends: behind a sign that a setting
  /// has within, on the next line, or in further blocks.
  private func mayGoOn(_ range: Range<Int>, behind separator: Int) -> Bool {
    let end = range.upperBound
    if byte(end) == UInt8(ascii: " ") {
      return range.count == 4
        && isAppPassword(range.lowerBound..<min(bytes.count, range.lowerBound + 19))
    }
    guard bytes[separator] == UInt8(ascii: "=") else { return false }
    return byte(end + 1) > 32
      ? byte(end).isOne(of: ",;&|") && !range.isEmpty : byte(end) == UInt8(ascii: "\\")
  }

  /// A bare value as a whole where it is the rest of its line: with the signs that end a value
  /// elsewhere (`PASSWORD=a;b&c`), continued with a backslash, or in blocks of four letters.
  private mutating func wholeSetting(
    _ value: SecretValue, of key: Range<Int>, as noun: SecretKeyName.Noun
  ) -> SecretFinding? {
    let range = value.range
    var end = range.upperBound
    // password=abc\⏎    def
    if byte(end) == UInt8(ascii: "\\"), let line = lineBreakEnd(at: end + 1), byte(end + 1) < 32 {
      let next = skipBlanks(from: line)
      let nextEnd = runEnd([.dotted, .base64], from: next, limit: next + 512)
      let whole = range.lowerBound..<nextEnd
      guard nextEnd > next, nextEnd >= bytes.count || bytes[nextEnd] < 33,
        whole.count >= 6, !isPlaceholder(range, isQuoted: false), contains(.digit, in: whole)
      else { return nil }
      return SecretFinding(start: range.lowerBound, end: nextEnd, kind: "secret")
    }
    if noun == .password || noun == .phrase, byte(end) == UInt8(ascii: " ") {
      let blocks = range.lowerBound..<min(bytes.count, range.lowerBound + 19)
      if range.count == 4, isAppPassword(blocks), !has(blocks.upperBound, .alphanumeric),
        hasBlockWithoutVowel(blocks)
      {
        return SecretFinding(start: blocks.lowerBound, end: blocks.upperBound, kind: "secret")
      }
      if noun == .phrase { return mnemonic(from: range.lowerBound) }
      return nil
    }
    guard value.style == .environment, noun == .password || noun == .token,
      byte(end).isOne(of: ",;&|"), isSettingStart(key.lowerBound)
    else { return nil }
    while end < bytes.count, bytes[end] > 32, !has(end, .quote), !bytes[end].isOne(of: "()\\") {
      end += 1
      if end - range.lowerBound > 256 { return nil }
    }
    guard end >= bytes.count || bytes[end] < 32 || has(end, .quote) else { return nil }
    while end > range.upperBound, bytes[end - 1].isOne(of: ",;&|") { end -= 1 }
    guard end > range.upperBound + 1, end - range.lowerBound >= 6 else { return nil }
    let whole = SecretValue(range.lowerBound..<end, isQuoted: true)
    // `password=a,token=b` is a list of settings, and code is no value.
    guard !(range.upperBound..<end).contains(where: { bytes[$0] == UInt8(ascii: "=") }),
      !isPlaceholder(whole.range, isQuoted: false), contains(.digit, in: whole.range)
    else { return nil }
    return SecretFinding(start: range.lowerBound, end: end, kind: "secret")
  }

  /// Whether a key is the first thing on its line, but for `export`, `set`, `ENV`.
  private func isSettingStart(_ index: Int) -> Bool {
    if isLineStart(index) { return true }
    guard byte(index - 1) == UInt8(ascii: " ") else { return false }
    for word in ["export ", "ENV ", "set ", "setenv "] as [StaticString]
    where bytes.matches(word, at: index - word.utf8CodeUnitCount) {
      return isLineStart(index - word.utf8CodeUnitCount)
    }
    return isLineStart(runStart(.space, before: index, count: 16))
  }

  private func hasBlockWithoutVowel(_ blocks: Range<Int>) -> Bool {
    for block in 0..<4 {
      let start = blocks.lowerBound + block * 5
      if !(start..<start + 4).contains(where: { bytes[$0].isOne(of: "aeiouy") }) { return true }
    }
    return false
  }

  /// Twelve or more words of three to eight small letters.
  private func mnemonic(from start: Int) -> SecretFinding? {
    var index = start
    var end = start
    for words in 0..<25 {
      let wordEnd = runEnd(.lower, from: index, limit: index + 9)
      guard (3...8).contains(wordEnd - index), !has(wordEnd, .name) else {
        return words >= 12 ? SecretFinding(start: start, end: end, kind: "secret") : nil
      }
      end = wordEnd
      index = skipBlanks(from: wordEnd)
      if index == wordEnd {
        return words >= 11 ? SecretFinding(start: start, end: end, kind: "secret") : nil
      }
    }
    return nil
  }

  /// `Authorization: Token value`; bearer and basic have a rule of their own.
  private mutating func headerCredential(scheme: SecretValue) -> SecretFinding? {
    let start = skipBlanks(from: scheme.range.upperBound)
    guard start > scheme.range.upperBound, scheme.range.count <= 12,
      scheme.range.allSatisfy({ has($0, [.letter, .dash]) }),
      !bytes.matches("bearer", at: scheme.range.lowerBound, ignoringCase: true),
      !bytes.matches("basic", at: scheme.range.lowerBound, ignoringCase: true)
    else {
      guard isLiteral(scheme, as: .header) else { return nil }
      return named(
        SecretFinding(start: scheme.range.lowerBound, end: trimmed(scheme), kind: "secret"))
    }
    let value = SecretValue(start..<valueEnd(from: start), isQuoted: true)
    guard value.range.count >= 8, isLiteral(value, as: .header) else { return nil }
    return named(SecretFinding(start: start, end: trimmed(value), kind: "secret"))
  }

  /// The end of a value without the full stop of its sentence.
  private func trimmed(_ value: SecretValue) -> Int {
    value.isQuoted ? value.range.upperBound : trimmed(value.range)
  }

  func trimmed(_ range: Range<Int>) -> Int {
    var end = range.upperBound
    while end > range.lowerBound, bytes[end - 1].isOne(of: ".:") { end -= 1 }
    return end
  }

  // MARK: - Key

  struct Key {
    /// The last part of a dotted name, at most 64 bytes of it.
    var range: Range<Int>
    /// False if the letters of the key cannot spell a name for a secret.
    var mayNameSecret: Bool
  }

  /// The key before a separator: a name, perhaps in quotes, or the name before a type.
  func key(before separator: Int) -> Key? {
    guard let key = name(before: separator) else { return nil }
    if key.mayNameSecret || bytes[separator] != UInt8(ascii: "=") { return key }
    // `token: String = "…"`, `token string = "…"`
    var end = runStart([.space], before: key.range.lowerBound, count: 8)
    if byte(end - 1) == UInt8(ascii: ":") {
      end -= 1
    } else if end == key.range.lowerBound || !bytes.matches("string", at: key.range.lowerBound) {
      return key
    }
    guard let owner = name(before: end), owner.mayNameSecret else { return key }
    return owner
  }

  private func name(before index: Int) -> Key? {
    var end = runStart([.space], before: index, count: 40)
    let isBracketed = byte(end - 1) == UInt8(ascii: "]")
    if isBracketed { end -= 1 }
    guard end > floor else { return nil }
    if has(end - 1, .quote) {
      end -= 1
      while end > floor, bytes[end - 1] == UInt8(ascii: "\\") { end -= 1 }
    } else if isBracketed {
      return nil
    }
    var start = end
    var letters: UInt32 = 0
    let limit = max(floor, end - 64)
    while start > limit, has(start - 1, .name) {
      start -= 1
      if has(start, .letter) { letters |= 1 << UInt32(bytes[start] & 31) }
    }
    // The letter of a `\n` before the name.
    if end - start > 1, byte(start - 1) == UInt8(ascii: "\\"),
      bytes[start].isOne(of: "nrtbf")
    {
      start += 1
    }
    guard start < end else { return nil }
    return Key(range: start..<end, mayNameSecret: SecretKeyName.mayBe(letters))
  }
}
