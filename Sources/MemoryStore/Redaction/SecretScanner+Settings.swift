extension SecretScanner {
  // Bare values of settings files: with signs, continued, in blocks.

  /// Whether a short bare value may go on where its first run ends: behind a sign that a setting
  /// has within, on the next line, or in further blocks.
  func mayGoOn(_ range: Range<Int>, behind separator: Int) -> Bool {
    let end = range.upperBound
    if byte(end) == UInt8(ascii: " ") {
      return range.count == 4
        && isAppPassword(range.lowerBound..<min(bytes.count, range.lowerBound + 19))
    }
    if byte(end).isOne(of: ",;&|(<{["), byte(end + 1) > 32 { return !range.isEmpty }
    return bytes[separator] == UInt8(ascii: "=") && byte(end + 1) <= 32
      && byte(end) == UInt8(ascii: "\\")
  }

  /// A bare value as a whole where it is the rest of its line: with the signs that end a value
  /// elsewhere (`PASSWORD=a;b&c`), continued with a backslash, or in blocks of four letters.
  mutating func wholeSetting(
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
    guard value.style != .code, noun == .password || noun == .token,
      byte(end).isOne(of: value.style == .environment ? ",;&|()<>{}[]" : ",;&|<([{)>]}"),
      isSettingStart(key.lowerBound)
    else { return nil }
    if value.style != .environment || !byte(end).isOne(of: ",;&|") {
      return signedSetting(from: range.lowerBound)
    }
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

  /// A bare value that begins with a sign, under a key that stands first on its line.
  mutating func signedSetting(at start: Int, of separator: Int) -> SecretFinding? {
    guard byte(start) > 32, byte(start).isOne(of: "<({[%$@"), let key = key(before: separator),
      key.mayNameSecret, case .secret(let noun) = keyRole(of: key.range),
      noun == .password || noun == .token, isSettingStart(key.range.lowerBound),
      // secret = (a.b2
      !has(separator + 1, .space) || bytes[separator] != UInt8(ascii: "=")
        || !bytes[start].isOne(of: "([{")
    else { return nil }
    return signedSetting(from: start)
  }

  /// A bare value with brackets and other signs, if it is the rest of its line and no expression:
  /// brackets that code would close stay open, or letters follow them.
  mutating func signedSetting(from start: Int) -> SecretFinding? {
    var end = start
    var closing = 0
    while end < bytes.count, bytes[end] > 32, !has(end, .quote), end - start < 128 {
      if bytes[end] == UInt8(ascii: "\\") {
        guard !byte(end + 1).isOne(of: "nr\"") else { break }
      }
      if bytes[end].isOne(of: ")]}>") { closing += 1 }
      end += 1
    }
    let rest = skipBlanks(from: end)
    guard (6...64).contains(end - start),
      rest >= bytes.count || bytes[rest] < 32 || bytes[rest] == UInt8(ascii: "\\")
        || has(rest, .quote) && !(start..<end).contains(where: { bytes[$0].isOne(of: "([{") }),
      contains(.digit, in: start..<end), contains(.letter, in: start..<end),
      !bytes[end - 1].isOne(of: ",;)]}({[<>:\\"),
      !(start..<end).contains(where: { isExpressionSign(at: $0) }),
      !isPlaceholder(start..<end, isQuoted: true)
    else { return nil }
    // @name and $NAME stand for values.
    let isReference = bytes[start].isOne(of: "@$%") && closing == 0
    if isReference, runEnd([.dotted], from: start + 1) >= end { return nil }
    return named(SecretFinding(start: start, end: end, kind: "secret"))
  }

  /// What expressions have and passwords do not: `==`, `::`, `->`, `&&`, `||`, `].x`, `).x`, `f(x`.
  private func isExpressionSign(at index: Int) -> Bool {
    let next = byte(index + 1)
    switch bytes[index] {
    case UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: "/"): return true
    case UInt8(ascii: "-"): return next == UInt8(ascii: ">")
    case UInt8(ascii: "&"), UInt8(ascii: "|"): return next == bytes[index]
    case UInt8(ascii: ")"), UInt8(ascii: "]"): return next == UInt8(ascii: ".")
    case UInt8(ascii: "?"): return next == UInt8(ascii: ".")
    default: return false
    }
  }

  /// Whether a key is the first thing on its line, but for `export`, `set`, `ENV`.
  func isSettingStart(_ index: Int) -> Bool {
    if isLineStart(index) { return true }
    guard byte(index - 1) == UInt8(ascii: " ") else { return false }
    for word in ["export ", "ENV ", "set ", "setenv "] as [StaticString]
    where bytes.matches(word, at: index - word.utf8CodeUnitCount) {
      return isLineStart(index - word.utf8CodeUnitCount)
    }
    var start = index
    while start > max(floor, index - 32), byte(start - 1).isOne(of: " \t") { start -= 1 }
    return isLineStart(start)
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
  mutating func headerCredential(scheme: SecretValue) -> SecretFinding? {
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
  package func trimmed(_ value: SecretValue) -> Int {
    value.isQuoted ? value.range.upperBound : trimmed(value.range)
  }

  package func trimmed(_ range: Range<Int>) -> Int {
    var end = range.upperBound
    while end > range.lowerBound, bytes[end - 1].isOne(of: ".:") { end -= 1 }
    return end
  }
}
