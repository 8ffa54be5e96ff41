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
    if bytes.matches("\"\"\"", at: index) || bytes.matches("'''", at: index) {
      index += 3
      isBlock = true
    } else if bytes.matches("<<", at: index) {
      // A text down to its mark: <<EOF, <<-'EOT'
      index += 2
      while byte(index).isOne(of: "-~") { index += 1 }
      index = runEnd([.word, .quote], from: index, limit: index + 24)
      isBlock = true
    } else if byte(index).isOne(of: "|>") {
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
      !byte(end - 1).isOne(of: ":,"), !(start..<end).contains(where: { bytes[$0].isOne(of: "([{") })
    else { return nil }
    // Without indentation the next line may be anything.
    let isLone = start > line || isContinued || isBlock
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

  /// A value in quotes that goes on over line ends, one word on each line.
  mutating func quotedLines(
    from start: Int, quote: UInt8, as noun: SecretKeyName.Noun
  ) -> SecretFinding? {
    var end = start
    var words = 0
    var lines = 1
    var isLiteralSeen = false
    while lines < 12, end < bytes.count, end - start < 1024 {
      let wordStart = end
      while end < bytes.count, bytes[end] > 32, bytes[end] != quote,
        bytes[end] != UInt8(ascii: "\\") || byte(end + 1) > 32, end - wordStart < 512
      {
        end += 1
      }
      if end > wordStart {
        words += 1
        if isLiteral(SecretValue(wordStart..<end, isQuoted: true), as: noun) {
          isLiteralSeen = true
        }
      }
      if byte(end) == quote || end >= bytes.count { break }
      if byte(end) == UInt8(ascii: "\\") { end += 1 }
      end = skipBlanks(from: end)
      guard let next = lineBreakEnd(at: end) else { return nil }
      lines += 1
      end = skipBlanks(from: next)
    }
    guard byte(end) == quote, lines > 1, isLiteralSeen, words <= lines else { return nil }
    // The line end behind the quote stays, with its backslash.
    var start = start
    if byte(start) == UInt8(ascii: "\\") { start += 1 }
    while has(start, .space) { start += 1 }
    return named(SecretFinding(start: start, end: end, kind: "secret"))
  }

  /// The literals of a list or of a sum in quotes: `["X", "Y"]`, `("X")`, `"X" + "Y"`; from the
  /// bracket or the first quote. Taken from the first that is a secret to the last.
  mutating func listedValue(of separator: Int, from start: Int) -> SecretFinding? {
    let isBracketed = byte(start).isOne(of: "([")
    guard isBracketed || has(start, .quote) else { return nil }
    // Most values are no sums.
    guard let key = key(before: separator), key.mayNameSecret,
      case .secret(let noun) = pluralRole(of: key.range)
    else { return nil }
    var index = isBracketed ? start + 1 : start
    let limit = min(bytes.count, start + 1024)
    var first = -1
    var end = -1
    var elements = 0
    while index < limit {
      var isJoined = elements == 0 || isBracketed
      while index < limit, has(index, .space) || bytes[index].isOne(of: ",+\\.") {
        if bytes[index].isOne(of: "+\\") { isJoined = true }
        if bytes[index] == UInt8(ascii: "\\"), byte(index + 1) == UInt8(ascii: "n") { index += 1 }
        index += 1
      }
      guard isJoined, has(index, .quote),
        let value = quotedWord(from: index + 1, quote: bytes[index], depth: 0)
      else { break }
      elements += 1
      if isElement(value, as: noun) {
        if first < 0 { first = value.range.lowerBound }
        end = value.range.upperBound
      }
      index = value.range.upperBound + 1
    }
    guard first >= 0, isBracketed || elements > 1 else { return nil }
    return named(SecretFinding(start: first, end: end, kind: "secret"))
  }

  private func isElement(_ value: SecretValue, as noun: SecretKeyName.Noun) -> Bool {
    guard !contains(.space, in: value.range) else { return false }
    if noun == .password { return isTelling(value) }
    return isLiteral(value, as: noun)
      && (isRandomToken(value.range) || isOddWord(value.range)
        || value.range.count >= 16)
  }

  /// `tokens` counts tokens, but a list of them holds tokens.
  private func pluralRole(of key: Range<Int>) -> SecretKeyName.Role {
    let role = keyRole(of: key)
    guard role == .other, bytes.matches("tokens", at: key.upperBound - 6, ignoringCase: true) else {
      return role
    }
    return .secret(.token)
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
  package mutating func secret(_ value: SecretValue, as noun: SecretKeyName.Noun) -> SecretFinding?
  {
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
    var numbered = 0
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
      if isNumberedWord(word) { numbered += 1 }
      if noun != .phrase, Self.wordsOfSentences.contains(wordHash(word)) { return false }
      for index in word where bytes[index].isOne(of: "!@#$^&*~|+=") { signs += 1 }
      start = end
    }
    // Words that nobody put into a sentence, one of them with a number glued to it.
    if numbered > 0, words <= 6 { return true }
    switch noun {
    case .phrase:
      let isPattern = range.contains { bytes[$0].isOne(of: "{}[]()\\") }
      return !isPattern && words >= 3 && range.count >= 12 || odd > 0 && odd * 2 >= words
    case .password:
      return odd > 0 && odd * 2 >= words || signs >= 2 && signs * 2 >= words
        || words <= 3 && signs > 0 && contains(.digit, in: range)
    case .token, .header: return odd * 2 > words
    }
  }

  /// `thimble62`: small letters, perhaps with a capital before them, and a number; no `sha256`.
  private func isNumberedWord(_ word: Range<Int>) -> Bool {
    var end = word.upperBound
    while end > word.lowerBound, has(end - 1, .digit) { end -= 1 }
    let letters = word.lowerBound..<end
    return end < word.upperBound && letters.count >= 4
      && letters.dropFirst().allSatisfy { has($0, .lower) } && has(word.lowerBound, .letter)
      && !Self.numberedNames.contains(wordHash(letters))
  }

  private static let numberedNames = words(
    "base oauth level argon bcrypt python node version step part user test http line page item port "
      + "example table column chapter section figure release build phase stage port file key token "
      + "password secret value group host server client field type slot uint float case option")

  private static let wordsOfSentences = words(
    "the a an is are was were be to of for and or not no in on at by with from this that must have "
      + "has had should will can may your you enter please at least if when than then it its only "
      + "use using used needs need characters letters digits invalid expired missing required wrong "
      + "password token secret der die das ist und nicht mit")

  private static func words(_ text: String) -> Set<UInt64> {
    Set(text.split(separator: " ").map { SecretKeyName.hash($0.utf8.lazy.map { $0 | 0x20 }) })
  }

  /// `Tr0ub`, `w0rd!`: letters and digits mixed, or a sign within; no `SHA256`, `v1.2`, `user1`.
  func isOddWord(_ word: Range<Int>) -> Bool {
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
      isDefault || isValueName(key)
        || key.count == 5 && bytes.matches("value", at: key.lowerBound, ignoringCase: true)
    else { return .other }
    if let parent = parentRole(of: key) { return parent }
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

  /// `ParameterValue`, `optionValue`.
  func isValueName(_ key: Range<Int>) -> Bool {
    key.count > 5 && key.count < 24
      && (bytes.matches("Value", at: key.upperBound - 5)
        || bytes.matches("_value", at: key.upperBound - 6))
  }

  /// Whether a key is one of the short names that say a password only in certain places.
  func isShortPasswordName(_ key: Range<Int>) -> Bool {
    (2...4).contains(key.count)
      && (["pass", "pw", "psk"] as [StaticString]).contains {
        $0.utf8CodeUnitCount == key.count
          && bytes.matches($0, at: key.lowerBound, ignoringCase: true)
      }
  }

  /// Whether a user is named shortly before a key.
  func isBesideUser(_ key: Range<Int>) -> Bool {
    var index = key.lowerBound
    let limit = max(floor, index - 80)
    while index > limit {
      index -= 1
      guard (bytes[index] | 0x20).isOne(of: "ul"), !has(index - 1, .alphanumeric) else { continue }
      for word in ["username", "user", "login"] as [StaticString]
      where bytes.matches(word, at: index, ignoringCase: true) {
        var end = index + word.utf8CodeUnitCount
        while has(end, .quote) { end += 1 }
        if byte(end).isOne(of: ":=") { return true }
      }
    }
    return false
  }

  /// The role of the key whose object holds a `value` as its first member: `"password": {"value":
  /// "X"}`, also as the lines of YAML.
  private func parentRole(of key: Range<Int>) -> SecretKeyName.Role? {
    var index = key.lowerBound
    while index > max(floor, key.lowerBound - 48),
      has(index - 1, [.space, .quote]) || byte(index - 1) == UInt8(ascii: "\\")
    {
      index -= 1
    }
    if byte(index - 1) == UInt8(ascii: "{") {
      index = runStart(.space, before: index - 1, count: 8)
    } else if !(index..<key.lowerBound).contains(where: { bytes[$0] == UInt8(ascii: "\n") }) {
      return nil
    }
    guard byte(index - 1).isOne(of: ":="), let parent = name(before: index - 1),
      parent.mayNameSecret, case .secret(let noun) = keyRole(of: parent.range)
    else { return nil }
    return .secret(noun)
  }

  /// The role that the name right behind a value gives it: `{"value": "X", "key": "password"}`.
  func siblingRole(after end: Int, depth: Int) -> SecretKeyName.Role {
    var index = end + depth + 1
    let limit = index + 24
    while index < limit, has(index, [.space, .quote]) || byte(index).isOne(of: ",\\") { index += 1 }
    guard let nameEnd = nameWordEnd(at: index, isDefault: false) else { return .other }
    var start = nameEnd
    while start < nameEnd + 12, has(start, [.space, .quote]) || byte(start).isOne(of: ":=\\") {
      start += 1
    }
    let valueEnd = runEnd(.dotted, from: start, limit: start + 64)
    return start > nameEnd && valueEnd > start ? keyRole(of: start..<valueEnd) : .other
  }

  private func nameWordEnd(at index: Int, isDefault: Bool) -> Int? {
    // optionName, ParameterKey
    if !isDefault, has(index - 1, .lower),
      bytes.matches("Name", at: index) || bytes.matches("Key", at: index)
    {
      let end = index + (bytes[index] == UInt8(ascii: "N") ? 4 : 3)
      return has(end, .name) ? nil : end
    }
    guard !has(index - 1, .name) else { return nil }
    let words: [StaticString] =
      isDefault ? ["variable", "name"] : ["name", "key", "id", "label"]
    for word in words where bytes.matches(word, at: index, ignoringCase: true) {
      let end = index + word.utf8CodeUnitCount
      if !has(end, .name) { return end }
    }
    // "type": "password"
    if !isDefault, bytes.matches("type", at: index), has(index + 4, .quote),
      (index..<min(bytes.count, index + 12)).contains(where: { bytes.matches("password", at: $0) })
    {
      return index + 4
    }
    return nil
  }

  /// `PWD={a;b}`: the braces of ODBC and ADO, where a value has signs.
  mutating func bracedValue(of separator: Int, from start: Int) -> SecretFinding? {
    guard byte(start) == UInt8(ascii: "{"), bytes[separator] == UInt8(ascii: "="),
      byte(separator + 1) == UInt8(ascii: "{"), let key = key(before: separator),
      key.mayNameSecret, keyRole(of: key.range) == .secret(.password)
    else { return nil }
    var end = start + 1
    while end < bytes.count, end - start < 128, bytes[end] > 31, !has(end, .quote),
      bytes[end] != UInt8(ascii: "}")
    {
      end += 1
    }
    let value = start + 1..<end
    guard byte(end) == UInt8(ascii: "}"), value.count >= 6, contains(.digit, in: value),
      byte(value.lowerBound) != UInt8(ascii: "{"),
      isOddWord(value) || isMixedPassword(value)
        || value.contains(where: { bytes[$0].isOne(of: ";!@#$%^&*") })
    else { return nil }
    return SecretFinding(start: value.lowerBound, end: value.upperBound, kind: "secret")
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
