extension SecretScanner {
  // Secrets with nothing but words before them: SQL, .netrc, sentences.

  /// `PASSWORD 'value'` as in SQL, and `login name password value` as in .netrc; from the `w`.
  mutating func spokenPassword(at index: Int) -> SecretFinding? {
    guard bytes.matches("passwor", at: index - 4, ignoringCase: true), isWordStart(index - 4),
      (byte(index + 3) | 0x20).isOne(of: "dt")
    else { return nil }
    let start = skipBlanks(from: index + 4)
    guard start > index + 4 else { return nil }
    if has(start, .quote) { return spokenValue(at: start) }
    // N'X', E'X'
    if byte(start).isOne(of: "NE"), byte(start + 1) == UInt8(ascii: "'") {
      return spokenValue(at: start + 1)
    }
    if let value = saidPassword(from: start) { return value }
    if let value = handedPassword(from: start, named: index - 4) { return value }
    let context = max(floor, index - 200)..<max(floor, index - 4)
    guard
      context.contains(where: {
        bytes.matches("machine ", at: $0) || bytes.matches("default ", at: $0)
      }),
      context.contains(where: { bytes.matches("login ", at: $0) })
        || isNetrcLogin(after: start)
    else { return nil }
    let value = SecretValue(start..<valueEnd(from: start), isQuoted: true)
    guard value.range.count >= 4, !isPlaceholder(value.range, isQuoted: true),
      !isSaidOfOption(value.range)
    else { return nil }
    return named(SecretFinding(start: start, end: value.range.upperBound, kind: "secret"))
  }

  /// `the password is X`, `password for root: X`, `Passwort lautet X`: only what no word looks
  /// like. A few words may stand between.
  private mutating func saidPassword(from start: Int) -> SecretFinding? {
    var position = start
    for _ in 0..<8 {
      var end = position
      while end < bytes.count, bytes[end] > 32, !has(end, .quote), end - position < 40 { end += 1 }
      guard end > position, !bytes[position].isOne(of: "=|<>;&(){}$-") else { return nil }
      let isColon = bytes[end - 1] == UInt8(ascii: ":")
      let word = position..<(isColon ? end - 1 : end)
      position = skipBlanks(from: end)
      guard position > end else { return nil }
      if isColon || Self.sayingWords.contains(wordHash(word)),
        let value = saidSecret(at: position, as: .password)
      {
        return value
      }
      guard !isColon, word.allSatisfy({ has($0, [.letter, .at]) }) else { return nil }
    }
    return nil
  }

  private static let sayingWords = Set(
    "is was to ist war lautet auf on als as".split(separator: " ")
      .map { SecretKeyName.hash($0.utf8.lazy.map { $0 | 0x20 }) })

  /// A secret in a sentence.
  mutating func saidSecret(at start: Int, as noun: SecretKeyName.Noun) -> SecretFinding? {
    if has(start, .quote) {
      // What is in quotes is a value, but perhaps the name of one.
      guard let value = quotedWord(from: start + 1, quote: bytes[start], depth: 0),
        isPassword(value)
      else { return nil }
      return named(
        SecretFinding(start: value.range.lowerBound, end: value.range.upperBound, kind: "secret"))
    }
    guard let value = shellWord(from: start) else { return nil }
    let range = value.range
    let isOne =
      isMixedPassword(range) || range.count >= 24 && isRandomToken(range)
      || noun == .password
        && (endsWithNumber(range) && isHumped(range)
          || range.count >= 20 && range.allSatisfy { has($0, .hex) })
      || isMarked(range)
    guard isOne, !isPlaceholder(range, isQuoted: false), isGiven(value) else { return nil }
    return named(SecretFinding(start: range.lowerBound, end: range.upperBound, kind: "secret"))
  }

  /// `KestrelPlover42`: two capitals, small letters behind each.
  private func isHumped(_ range: Range<Int>) -> Bool {
    range.filter { has($0, .upper) && has($0 + 1, .lower) }.count >= 2
  }

  /// `mysqladmin … password X`, `username me password 7 X`; `use password X`: what no word looks
  /// like.
  private mutating func handedPassword(from start: Int, named name: Int) -> SecretFinding? {
    guard var value = wordOfLine(from: start) else { return nil }
    var isOfCommand = false
    if value.range.count == 1, has(value.range.lowerBound, .digit) {
      guard let next = wordOfLine(from: endOfWord(value)) else { return nil }
      value = next
      isOfCommand = true
    } else {
      isOfCommand = (max(0, name - 96)..<name).contains {
        bytes.matches("mysqladmin ", at: $0)
      }
    }
    guard
      isOfCommand
        ? isPassword(value)
        : isMixedPassword(value.range) || endsWithNumber(value.range) && isLineEnd(behind: value)
          || isMarked(value.range) && isLineEnd(behind: value) || isRandomToken(value.range)
          || value.range.count >= 20 && value.range.allSatisfy({ has($0, .hex) })
    else { return nil }
    guard isPassword(value) else { return nil }
    return named(
      SecretFinding(start: value.range.lowerBound, end: value.range.upperBound, kind: "secret"))
  }

  private func isLineEnd(behind value: SecretValue) -> Bool {
    let end = skipBlanks(from: endOfWord(value))
    return end >= bytes.count || bytes[end] < 32 || bytes[end] == UInt8(ascii: "\\")
      || has(end, .quote)
  }

  /// `password X login name`: the words of .netrc come in any order.
  private func isNetrcLogin(after start: Int) -> Bool {
    let value = shellWord(from: start)
    guard let end = value?.range.upperBound else { return false }
    var index = skipBlanks(from: end)
    if let line = lineBreakEnd(at: index) { index = skipBlanks(from: line) }
    return index > end && bytes.matches("login ", at: index)
  }

  /// A name for a secret and the secret with nothing but a blank between: `aws configure set
  /// aws_secret_access_key X`, `api-token "X"` as in KDL. Only what looks random is one; from the
  /// second byte of the pair within the name.
  mutating func spokenSecret(at index: Int) -> SecretFinding? {
    guard
      bytes.matches("token", at: index - 2, ignoringCase: true)
        || bytes.matches("secret", at: index - 3, ignoringCase: true)
        || bytes.matches("passw", at: index - 4, ignoringCase: true)
    else { return nil }
    let nameEnd = runEnd(.name, from: index, limit: index + 48)
    guard byte(nameEnd) == UInt8(ascii: " ") else { return nil }
    // CREATE SECRET x (SECRET 'X')
    if bytes.matches("SECRET '", at: nameEnd - 6), !has(nameEnd - 7, .name),
      let value = quotedWord(from: nameEnd + 2, quote: bytes[nameEnd + 1], depth: 0),
      isPassword(value)
    {
      return named(
        SecretFinding(start: value.range.lowerBound, end: value.range.upperBound, kind: "secret"))
    }
    if let setting = blankSetting(index, nameEnd: nameEnd) { return setting }
    var start = skipBlanks(from: nameEnd)
    let isQuoted = has(start, .quote)
    if isQuoted { start += 1 }
    let end = runEnd([.dotted, .base64], from: start, limit: start + 513)
    guard (20...512).contains(end - start),
      end >= bytes.count || has(end, [.space, .quote])
        || byte(end).isOne(of: "\\,;)")
    else { return nil }
    let nameStart = runStart(.name, before: index, count: 48)
    guard case .secret = keyRole(of: nameStart..<nameEnd) else { return nil }
    let value = trimmed(start..<end)
    guard isRandomToken(start..<value) else { return nil }
    return named(SecretFinding(start: start, end: value, kind: "secret"))
  }

  /// `smtp-auth-password X` alone on its line: a name of several words and its value, as some
  /// settings files have them.
  private mutating func blankSetting(_ index: Int, nameEnd: Int) -> SecretFinding? {
    let nameStart = runStart(.dotted, before: index, count: 64)
    guard (nameStart..<nameEnd).contains(where: { has($0, [.dash, .underscore, .dot]) }),
      has(nameStart, .letter),
      let value = wordOfLine(from: nameEnd), contains(.digit, in: value.range), isTelling(value),
      isOddWord(value.range)
    else { return nil }
    var end = endOfWord(value)
    if byte(end) == UInt8(ascii: ";") { end += 1 }
    let rest = skipBlanks(from: end)
    var lineStart = nameStart
    while lineStart > max(floor, nameStart - 32), byte(lineStart - 1).isOne(of: " \t") {
      lineStart -= 1
    }
    guard isLineStart(lineStart),
      rest >= bytes.count || bytes[rest] < 32 || bytes[rest] == UInt8(ascii: "\\"),
      case .secret = keyRole(of: runStart(.name, before: nameEnd, count: 48)..<nameEnd)
    else { return nil }
    return named(
      SecretFinding(start: value.range.lowerBound, end: value.range.upperBound, kind: "secret"))
  }

  /// `IDENTIFIED BY 'value'` as in SQL, from the `B`.
  mutating func identifiedBy(at index: Int) -> SecretFinding? {
    let start = skipBlanks(from: index + 2)
    guard start > index + 2,
      bytes.matches("identified ", at: index - 11, ignoringCase: true)
        || (max(floor, index - 64)..<index).contains(where: {
          bytes.matches("identified with ", at: $0, ignoringCase: true)
        })
    else { return nil }
    if has(start, .quote) { return spokenValue(at: start) }
    guard let value = shellWord(from: start), isPassword(value) else { return nil }
    return named(
      SecretFinding(start: value.range.lowerBound, end: value.range.upperBound, kind: "secret"))
  }

  /// A password in quotes, from the quote.
  private mutating func spokenValue(at quote: Int) -> SecretFinding? {
    let start = quote + 1
    let (end, isClosed) = quotedEnd(from: start, quote: bytes[quote], depth: 0)
    if !isClosed {
      return quotedWord(from: start, quote: bytes[quote], depth: 0).flatMap {
        secret($0, as: .password)
      }
    }
    guard isLiteral(SecretValue(start..<end, isQuoted: true), as: .password) else {
      return nil
    }
    return named(SecretFinding(start: start, end: end, kind: "secret"))
  }
}
