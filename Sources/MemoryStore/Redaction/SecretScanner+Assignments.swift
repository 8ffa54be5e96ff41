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
    if let quote = opening.quote, byte(start) == UInt8(ascii: "\\"), byte(start + 1) < 32 {
      // The line goes on within the quotes.
      guard let key = key(before: separator), key.mayNameSecret,
        case .secret(let noun) = keyRole(of: key.range)
      else { return nil }
      return quotedLines(from: start, quote: quote, as: noun)
    }
    if let quote = opening.quote {
      (end, isClosed) = quotedEnd(from: start, quote: quote, depth: opening.depth)
    } else {
      if !has(start, .word) {
        if byte(start) < 32 || byte(start).isOne(of: "|>([") {
          return listedValue(of: separator, from: start)
            ?? valueOnNextLine(of: separator, from: start)
            ?? signedSetting(at: start, of: separator)
        }
        guard has(start, .operatorSign), !bytes[start].isOne(of: "<%") else {
          if bytes.matches("<<", at: start) {
            return valueOnNextLine(of: separator, from: start)
          }
          return bracedValue(of: separator, from: start)
            ?? signedSetting(at: start, of: separator)
        }
      }
      end = valueEnd(from: start)
      // `PASSWORD: !secret name` is a tag of YAML.
      if !has(start, .word), byte(end) == UInt8(ascii: " "), style != .environment { return nil }
      // `a=a=a=…` is no list of settings, and judging a value is not free.
      guard valuesInRun < 32 else { return nil }
    }
    guard
      end - start >= 6
        || !isClosed && byte(end) < 32
        || (opening.quote == nil
          ? mayGoOn(start..<end, behind: separator) : !isClosed && has(end, .space))
        || end - start >= 3 && has(end, .space) && isInAuthorizationHeader(start)
    else { return nil }
    guard let key = key(before: separator) else { return nil }
    let value = SecretValue(start..<end, isQuoted: opening.quote != nil, style: style)
    let mayBeSibling = key.range.count == 5 || key.range.count == 7
    var role: SecretKeyName.Role =
      key.mayNameSecret ? keyRole(of: key.range) : .other
    if role == .other, mayBeSibling || isValueName(key.range) {
      role = siblingRole(of: key.range)
      if role == .other, opening.quote != nil, isClosed {
        role = siblingRole(after: end, depth: opening.depth)
      }
    }
    if role == .other, key.range.count == 1, isPasswordOfList(key.range) {
      role = .secret(.password)
    }
    if role == .other, isShortPasswordName(key.range),
      style == .environment && bytes[separator] == UInt8(ascii: "=") || opening.quote != nil
        || isBesideUser(key.range)
        || isSettingStart(key.range.lowerBound) && isTelling(value)
          && bytes[key.range.lowerBound] != UInt8(ascii: "P")
    {
      role = .secret(.password)
    }

    if role == .other, secretLines.contains(separator), isInSecretLines(separator) {
      role = .secret(.password)
    } else if role == .other, isCookie(value.range, named: key.range) {
      return named(SecretFinding(start: start, end: end, kind: "secret"))
    }

    if case .secret(let noun) = role {
      if noun == .header, has(end, .space) || opening.quote == nil {
        return headerCredential(scheme: value)
      }
      if let quote = opening.quote, !isClosed {
        if let lines = quotedLines(from: start, quote: quote, as: noun) {
          return lines
        }
        return quotedWord(from: start, quote: quote, depth: opening.depth).flatMap {
          secret($0, as: noun)
        }
      }
      if opening.quote == nil, let whole = wholeSetting(value, of: key.range, as: noun) {
        return whole
      }
      if opening.quote != nil, let sum = listedValue(of: separator, from: start - 1) { return sum }
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

  /// `h=host,u=user,p=X`: as the tools around MySQL name a server.
  private func isPasswordOfList(_ key: Range<Int>) -> Bool {
    let index = key.lowerBound
    guard bytes[index] == UInt8(ascii: "p"), byte(index - 1) == UInt8(ascii: ",") else {
      return false
    }
    return (max(floor, index - 80)..<index).contains {
      bytes.matches(",u=", at: $0) || bytes.matches(" u=", at: $0)
    }
  }

  /// Whether a key begins its line, or stands in quotes: it is no part of a value.
  private func isInSecretLines(_ separator: Int) -> Bool {
    guard let key = key(before: separator) else { return false }
    return has(key.range.lowerBound - 1, .quote) || isSettingStart(key.range.lowerBound)
  }

  /// `Cookie: session=X`, `-b "sessionid=X"`: what says whose session it is.
  private func isCookie(_ value: Range<Int>, named key: Range<Int>) -> Bool {
    guard (7...12).contains(key.count), value.count >= 20,
      bytes.matches("session", at: key.lowerBound, ignoringCase: true)
        || bytes.matches("sessionid", at: key.upperBound - 9, ignoringCase: true),
      isRandomToken(value) || value.allSatisfy({ has($0, .hex) })
    else { return false }
    return (max(floor, key.lowerBound - 96)..<key.lowerBound).contains {
      bytes.matches("ookie", at: $0) || bytes.matches(" -b ", at: $0)
    }
  }

  /// The finding, under the name of the known shape if it is one as a whole.
  package mutating func named(_ finding: SecretFinding) -> SecretFinding {
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
    if has(separator - 1, .operatorSign) || next == UInt8(ascii: "=") {
      // token ||= "X"
      guard next != UInt8(ascii: "="), bytes.matches("||", at: separator - 2) else { return nil }
      return (.spaced, separator + 1)
    }
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
    if byte(start).isOne(of: "&!"), let next = tagEnd(at: start) { start = next }
    if has(start + 1, .quote), byte(start).isOne(of: "bBrRuU@fFNE$") { start += 1 }
    var depth = 0
    while byte(start) == UInt8(ascii: "\\"), depth < 16 {
      start += 1
      depth += 1
    }
    if has(start, .quote) {
      // A quote within n string literals has 2^n - 1 backslashes.
      guard [0, 1, 3, 7].contains(depth) else { return nil }
      let quote = bytes[start]
      if depth == 0, byte(start + 1) == quote, byte(start + 2) == quote {
        // """X"""; on a line of its own it is taken by valueOnNextLine(of:from:).
        return byte(start + 3) > 32 ? (start + 3, quote, 0) : nil
      }
      return (start + 1, quote, depth)
    }
    return depth == 0 && start < bytes.count ? (start, nil, 0) : nil
  }

  /// Behind an anchor or a core type of YAML (`&name`, `!!str`) and its blank. Other tags change
  /// what a value is.
  private func tagEnd(at index: Int) -> Int? {
    var end = index + 1
    if bytes[index] == UInt8(ascii: "!") {
      guard byte(end) == UInt8(ascii: "!") else { return nil }
      end += 1
    }
    let nameEnd = runEnd(.name, from: end, limit: end + 40)
    guard nameEnd > end, byte(nameEnd) == UInt8(ascii: " ") else { return nil }
    return skipBlanks(from: nameEnd)
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
      case UInt8(ascii: "[") where SecretMarker.end(at: index, in: bytes) != nil:
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

  // MARK: - Key

  package struct Key {
    /// The last part of a dotted name, at most 64 bytes of it.
    package var range: Range<Int>
    /// False if the letters of the key cannot spell a name for a secret.
    var mayNameSecret: Bool
  }

  /// The key before a separator: a name, perhaps in quotes, or the name before a type.
  package func key(before separator: Int) -> Key? {
    var separator = separator
    if bytes.matches("||=", at: separator - 2) || bytes.matches("??=", at: separator - 2) {
      separator -= 2
    }
    guard let key = name(before: separator) else { return nil }
    if key.mayNameSecret || !bytes[separator].isOne(of: "=|?") { return key }
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

  package func name(before index: Int) -> Key? {
    var end = runStart([.space], before: index, count: 40)
    // **Password**: X
    if byte(end - 1) == UInt8(ascii: "*"), byte(end - 2) == UInt8(ascii: "*") { end -= 2 }
    // char password[64] =
    if byte(end - 1) == UInt8(ascii: "]") {
      let size = runStart(.word, before: end - 1, count: 24)
      if byte(size - 1) == UInt8(ascii: "["), has(size - 2, .word) { end = size - 1 }
    }
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
