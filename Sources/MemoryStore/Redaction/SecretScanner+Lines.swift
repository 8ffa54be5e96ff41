extension SecretScanner {
  // Values that stand apart from their keys: on the next line, or under a `value` beside a `name`.

  /// The value on the line after its key's: a block of YAML, a continued assignment, an expression.
  ///
  /// - Parameters:
  ///   - separator: Of the key.
  ///   - index: Where its line has nothing more than a mark that it goes on.
  /// - Returns: Nil if the line goes on otherwise.
  mutating func valueOnNextLine(of separator: Int, from index: Int) -> SecretFinding? {
    var index = index
    var isContinued = false
    var isBlock = false
    if byte(index).isOne(of: "|>") {
      index += 1
      while byte(index).isOne(of: "-+123456789") { index += 1 }
      index = skipBlanks(from: index)
      isBlock = true
    } else if byte(index) == UInt8(ascii: "("), bytes[separator] == UInt8(ascii: "=") {
      index = skipBlanks(from: index + 1)
    } else if byte(index) == UInt8(ascii: "\\") {
      // A backslash before the line break; where the break is written as `\n`, two.
      if let end = lineBreakEnd(at: index + 1), byte(index + 1) < 32 {
        isContinued = true
        index = end - 1
      } else if bytes.matches("\\\\\\n", at: index) {
        isContinued = true
        index += 2
      }
    }
    guard
      let line = isContinued && byte(index) == UInt8(ascii: "\n")
        ? index + 1 : lineBreakEnd(at: index)
    else { return nil }
    guard let key = key(before: separator), key.mayNameSecret,
      case .secret(let noun) = keyRole(of: key.range)
    else { return nil }
    var start = skipBlanks(from: line)
    let isAlone = bytes[separator] == UInt8(ascii: ":") || isContinued || isBlock
    if bytes[separator] == UInt8(ascii: ":"), byte(start) == UInt8(ascii: "-"),
      byte(start + 1) == UInt8(ascii: " ")
    {
      start = skipBlanks(from: start + 1)
    }
    var depth = 0
    while byte(start + depth) == UInt8(ascii: "\\"), depth < 4 { depth += 1 }
    if has(start + depth, .quote) {
      guard
        let value = quotedWord(from: start + depth + 1, quote: bytes[start + depth], depth: depth)
      else { return nil }
      return secret(value, as: noun)
    }
    guard isAlone, depth == 0 else { return nil }
    var end = start
    while end < bytes.count, bytes[end] > 32, !has(end, .quote), bytes[end] != UInt8(ascii: "\\"),
      end - start < 4096
    {
      end += 1
    }
    let rest = skipBlanks(from: end)
    guard end > start,
      rest >= bytes.count || bytes[rest] < 32 || has(rest, .quote)
        || bytes[rest] == UInt8(ascii: "\\"),
      !byte(end - 1).isOne(of: ":{[(")
    else { return nil }
    // Without indentation the next line may be anything.
    let isLone = start > line || isContinued
    guard isLone || contains(.digit, in: start..<end) && !isWordy(start..<end),
      !(start..<end).contains(where: { bytes[$0] == UInt8(ascii: ":") && has($0 + 1, .space) })
    else { return nil }
    let value = SecretValue(start..<end, isQuoted: true)
    guard isLiteral(value, as: noun) else { return nil }
    // The other lines of a block, as long as they are single words of its indentation.
    while isBlock || isContinued, let next = nextLineOfBlock(after: end, indentation: start - line)
    {
      end = next
    }
    return named(SecretFinding(start: start, end: end, kind: "secret"))
  }

  private func nextLineOfBlock(after end: Int, indentation: Int) -> Int? {
    var index = end
    if byte(index) == UInt8(ascii: "\\"), byte(index + 1) < 32 { index += 1 }
    guard let line = lineBreakEnd(at: index) else { return nil }
    let start = skipBlanks(from: line)
    guard start - line == indentation, indentation > 0 else { return nil }
    let next = runEnd([.dotted, .base64], from: start, limit: start + 512)
    let isWord = next >= bytes.count || bytes[next] < 33 || bytes[next] == UInt8(ascii: "\\")
    return next - start >= 4 && isWord && contains([.digit, .upper], in: start..<next) ? next : nil
  }

  /// A value in quotes, if it is a secret, blanks in it or not.
  mutating func secret(_ value: SecretValue, as noun: SecretKeyName.Noun) -> SecretFinding? {
    let isOne =
      contains(.space, in: value.range)
      ? isSecretOfWords(value.range, as: noun) : isLiteral(value, as: noun)
    guard isOne else { return nil }
    return named(
      SecretFinding(start: value.range.lowerBound, end: value.range.upperBound, kind: "secret"))
  }

  /// Whether a value with blanks is a secret and no sentence.
  ///
  /// Sentences have words and numbers. A secret has a word with digits within, or signs; or it is
  /// four blocks of four small letters, as Google writes them; or the key asks for a phrase.
  func isSecretOfWords(_ range: Range<Int>, as noun: SecretKeyName.Noun) -> Bool {
    guard (6...200).contains(range.count), !isPlaceholder(range, isQuoted: true) else {
      return false
    }
    if isAppPassword(range) { return true }
    var words = 0
    var odd = 0
    var signs = 0
    var start = range.lowerBound
    while start < range.upperBound {
      guard !has(start, .space) else {
        start += 1
        continue
      }
      var end = start
      while end < range.upperBound, !has(end, .space) { end += 1 }
      words += 1
      let word = start..<end
      if isOddWord(word) { odd += 1 }
      for index in word where bytes[index].isOne(of: "!@#$^&*~|+=") { signs += 1 }
      start = end
    }
    switch noun {
    case .phrase: return words >= 3 && range.count >= 12
    case .password:
      return odd > 0 && odd * 2 >= words || signs >= 2 && signs * 2 >= words
        || words <= 3 && signs > 0 && contains(.digit, in: range)
    case .token, .header: return odd * 2 > words
    }
  }

  /// `Tr0ub`, `w0rd!`: letters and digits mixed, or a sign within; no `SHA256`, `v1.2`, `user1`.
  private func isOddWord(_ word: Range<Int>) -> Bool {
    var end = word.upperBound
    while end > word.lowerBound, bytes[end - 1].isOne(of: ".,;:?!)") { end -= 1 }
    let core = word.lowerBound..<end
    guard core.count >= 3, contains(.letter, in: core) else { return false }
    // Digits at the end alone are a number: user1, SHA256.
    let tail = (core.reversed().first { !has($0, .digit) } ?? core.lowerBound) + 1
    let hasInnerDigit = contains(.digit, in: core.lowerBound..<min(tail, core.upperBound))
    let hasInnerSign = core.dropFirst().contains { bytes[$0].isOne(of: "!@#$^&*~|") }
    if hasInnerDigit {
      return has(core.lowerBound, .letter) && !contains([.dot, .dash, .plusSlash], in: core)
        || hasInnerSign
    }
    return hasInnerSign
  }

  /// `abcd efgh ijkl mnop`.
  func isAppPassword(_ range: Range<Int>) -> Bool {
    guard range.count == 19 else { return false }
    for (offset, index) in range.enumerated() {
      guard offset % 5 == 4 ? has(index, .space) : has(index, .lower) else { return false }
    }
    return true
  }

  // MARK: - Names and values

  /// The part that the name beside a `value` names: `{"name": "DB_PASSWORD", "value": "…"}`,
  /// `<key>ApiKey</key><string>…`, `variable "db_password" { default = "…" }`.
  func siblingRole(of key: Range<Int>) -> SecretKeyName.Role {
    let isDefault =
      bytes.matches("default", at: key.lowerBound, ignoringCase: true)
      && key.count == 7
    guard
      isDefault
        || key.count == 5 && bytes.matches("value", at: key.lowerBound, ignoringCase: true)
    else { return .other }
    let limit = max(floor, key.lowerBound - 240)
    var index = key.lowerBound
    var lines = 0
    while index > limit {
      index -= 1
      let byte = bytes[index]
      if byte == UInt8(ascii: "\n") { lines += 1 }
      // Another item begins here.
      if lines > (isDefault ? 5 : 2) || byte == UInt8(ascii: "}") || byte == UInt8(ascii: ">") {
        return .other
      }
      guard let nameEnd = nameWordEnd(at: index, isDefault: isDefault) else { continue }
      var start = nameEnd
      while start < key.lowerBound, has(start, [.space, .quote]) || bytes[start].isOne(of: ":=\\") {
        start += 1
      }
      let end = runEnd(.dotted, from: start, limit: key.lowerBound)
      if start > nameEnd, end > start { return keyRole(of: start..<end) }
    }
    return .other
  }

  private func nameWordEnd(at index: Int, isDefault: Bool) -> Int? {
    guard !has(index - 1, .name) else { return nil }
    let words: [StaticString] = isDefault ? ["variable", "name"] : ["name", "key"]
    for word in words where bytes.matches(word, at: index, ignoringCase: true) {
      let end = index + word.utf8CodeUnitCount
      if !has(end, .name) { return end }
    }
    return nil
  }

  /// The text of an element, from the `>` of its tag: of `<password>`, of `<string>` behind a
  /// `<key>`, of `<param name="password">`.
  mutating func elementText(after index: Int) -> SecretFinding? {
    guard
      has(index - 1, .quote)
        || byte(runStart([.dotted], before: index, count: 64) - 1).isOne(of: "<:")
    else { return nil }
    var start = index + 1
    var end: Int
    if bytes.matches("<![CDATA[", at: start) {
      start += 9
      end = start
      while end < bytes.count, end - start < 512, !bytes.matches("]]>", at: end) { end += 1 }
      guard bytes.matches("]]>", at: end) else { return nil }
    } else {
      // Blank lines around the text belong to the layout.
      guard byte(start) > 32, byte(start) != UInt8(ascii: "<") else { return nil }
      end = start
      while end < bytes.count, bytes[end] >= 32, bytes[end] != UInt8(ascii: "<"), end - start < 160
      {
        end += 1
      }
      guard bytes.matches("</", at: end) else { return nil }
    }
    guard end - start >= 6, let role = elementRole(endingAt: index), case .secret(let noun) = role
    else { return nil }
    return secret(SecretValue(start..<end, isQuoted: true), as: noun)
  }

  private func elementRole(endingAt end: Int) -> SecretKeyName.Role? {
    var open = end
    let limit = max(floor, end - 240)
    while open > limit, bytes[open - 1] != UInt8(ascii: "<") {
      if bytes[open - 1] == UInt8(ascii: ">") || bytes[open - 1] == UInt8(ascii: "\n") {
        return nil
      }
      open -= 1
    }
    guard open > limit else { return nil }
    let nameEnd = runEnd(.dotted, from: open, limit: end)
    guard nameEnd > open else { return nil }
    // <ns:password>
    let prefixed =
      byte(nameEnd) == UInt8(ascii: ":")
      ? nameEnd + 1..<runEnd(.dotted, from: nameEnd + 1, limit: end) : open..<nameEnd
    if case .secret(let noun) = keyRole(of: prefixed) { return .secret(noun) }
    // name="password" within the tag.
    var index = nameEnd
    while index < end {
      if has(index, .space), let nameEnd = attributeNameEnd(at: index + 1) {
        let valueEnd = runEnd(.dotted, from: nameEnd, limit: end)
        return keyRole(of: nameEnd..<valueEnd)
      }
      index += 1
    }
    // <key>password</key> before the tag.
    var keyEnd = open - 1
    while keyEnd > limit, has(keyEnd - 1, .space) { keyEnd -= 1 }
    // …</key>, also where the line break is written as `\n`.
    while bytes.matches("\\n", at: keyEnd - 2) || has(keyEnd - 1, .space), keyEnd > limit {
      keyEnd -= has(keyEnd - 1, .space) ? 1 : 2
    }
    for tag in ["</key>", "</name>", "</Key>", "</Name>"] as [StaticString]
    where bytes.matches(tag, at: keyEnd - tag.utf8CodeUnitCount) {
      let end = keyEnd - tag.utf8CodeUnitCount
      let start = runStart(.dotted, before: end, count: 64)
      return byte(start - 1) == UInt8(ascii: ">") ? keyRole(of: start..<end) : nil
    }
    return nil
  }

  private func attributeNameEnd(at index: Int) -> Int? {
    for name in ["name", "key", "id"] as [StaticString]
    where bytes.matches(name, at: index, ignoringCase: true) {
      let end = index + name.utf8CodeUnitCount
      if byte(end) == UInt8(ascii: "="), has(end + 1, .quote) { return end + 2 }
      if bytes.matches("=\\\"", at: end) { return end + 3 }
    }
    return nil
  }

  // MARK: - .pgpass

  /// The password of `host:port:database:user:password`, from the colon before the port; the
  /// line has nothing else.
  func passwordFileLine(at colon: Int) -> SecretFinding? {
    let hostStart = runStart([.dotted], before: colon, count: 80)
    let isAnyHost = hostStart == colon && byte(colon - 1) == UInt8(ascii: "*")
    let lineStart = isAnyHost ? colon - 1 : hostStart
    guard lineStart < colon, isLineStart(lineStart),
      isAnyHost || contains(.letter, in: lineStart..<colon)
        || contains(.dot, in: lineStart..<colon)
    else { return nil }
    var index = colon + 1
    let portEnd = byte(index) == UInt8(ascii: "*") ? index + 1 : runEnd(.digit, from: index)
    // Four digits or five: what stands behind a file's name is a line and a column.
    guard byte(index) == UInt8(ascii: "*") || (4...5).contains(portEnd - index) else { return nil }
    index = portEnd
    for field in 0..<2 {
      guard byte(index) == UInt8(ascii: ":") else { return nil }
      let end =
        byte(index + 1) == UInt8(ascii: "*")
        ? index + 2 : runEnd([.dotted, .at], from: index + 1, limit: index + 65)
      guard end > index + 1, field == 1 || !(index + 1..<end).allSatisfy({ has($0, .digit) }) else {
        return nil
      }
      index = end
    }
    guard byte(index) == UInt8(ascii: ":") else { return nil }
    let start = index + 1
    var end = start
    while end < bytes.count, end - start < 256, bytes[end] > 32, !has(end, .quote) {
      if bytes[end] == UInt8(ascii: "\\"), byte(end + 1).isOne(of: "nr\"") { break }
      end += 1
    }
    guard end - start >= 4, contains([.digit], in: start..<end) || end - start >= 8,
      !isPlaceholder(start..<end, isQuoted: true)
    else { return nil }
    return SecretFinding(start: start, end: end, kind: "secret")
  }

  /// Whether a line, or a text in quotes, begins at an index.
  func isLineStart(_ index: Int) -> Bool {
    let before = byte(index - 1)
    return index <= 0 || before < 32 || has(index - 1, .quote)
      || before == UInt8(ascii: "n") && byte(index - 2) == UInt8(ascii: "\\")
      || byte(index - 1) == UInt8(ascii: "+") && byte(index - 2) < 32
  }
}
