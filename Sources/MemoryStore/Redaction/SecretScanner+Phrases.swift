extension SecretScanner {
  // Secrets that follow certain words, and what is handed from one command to another.

  /// Whether a phrase with its anchor at an index may begin where it would have to.
  @inline(__always)
  func mayBePhrase(anchoredAt index: Int) -> Bool {
    var candidate = Int(
      tables.pointee.phraseChains[SecretCatalog.chain(bytes[index &- 1], bytes[index])])
    while candidate != 0 {
      let head = tables.pointee.phraseHeads[candidate &- 1]
      if byte(index &- Int(head.anchor)) == head.first { return true }
      candidate = Int(tables.pointee.nextPhrase[candidate &- 1])
    }
    return false
  }

  /// The secret behind the phrase whose anchor is at an index.
  package mutating func phrase(anchoredAt index: Int) -> SecretFinding? {
    var candidate = Int(
      tables.pointee.phraseChains[SecretCatalog.chain(bytes[index - 1], bytes[index])])
    while candidate != 0 {
      let number = candidate - 1
      let head = tables.pointee.phraseHeads[number]
      candidate = Int(tables.pointee.nextPhrase[number])
      let start = index - Int(head.anchor)
      guard start >= floor, bytes[start] == head.first else { continue }
      let phrase = tables.pointee.phrases[number]
      guard bytes.matches(phrase.prefix, at: start) else { continue }
      let isWhole =
        phrase.prefix.utf8Start[0] == UInt8(ascii: " ")
        || !has(phrase.prefix.utf8Start[0] == UInt8(ascii: "-") ? start : start - 1, .name)
        || isWordStart(start)
      guard isWhole else { continue }
      let end = start + phrase.prefix.utf8CodeUnitCount
      let found: SecretFinding? =
        switch phrase.form {
        case .after(let count): word(behind: count, from: end, skippingOptions: true)
        case .next(let count): word(behind: count, from: end, skippingOptions: false)
        case .given(let count): word(behind: count, from: end, isProse: false)
        case .asked: askedPassword(from: end)
        case .column: columnValue(from: end)
        case .block: secretBlock(from: start, behind: end)
        case .named:
          valueOfName(from: end, mayBeBare: phrase.prefix.utf8Start[0] != UInt8(ascii: "#"))
        case .afterSlash: userSlashPassword(from: end)
        case .said: saidSecret(at: skipBlanks(from: end), as: .token)
        case .random: randomWord(from: end)
        case .echoed: echoedSecret(from: end)
        case .keyLines: keyLines(from: end)
        case .before: quotedText(before: start)
        }
      if let found { return found }
    }
    return nil
  }

  /// The word behind some others, if it looks like a password; options are passed over.
  private mutating func word(
    behind count: Int, from start: Int, skippingOptions: Bool = true, isProse: Bool = true
  ) -> SecretFinding? {
    var left = count
    var position = start
    for _ in 0..<10 {
      guard let value = wordOfLine(from: position) else {
        // \\server\share
        let word = skipBlanks(from: position)
        guard !isProse, byte(word) == UInt8(ascii: "\\"), left > 0 else { return nil }
        position = word
        while byte(position) > 32, position - word < 128 { position += 1 }
        left -= 1
        continue
      }
      position = endOfWord(value)
      if byte(value.range.lowerBound) == UInt8(ascii: "-") {
        guard skippingOptions else { return nil }
        continue
      }
      if !isProse {
        // /user:me, and the number that says how a router's password is written.
        if byte(value.range.lowerBound) == UInt8(ascii: "/"), value.range.count > 4,
          value.range.contains(where: { bytes[$0] == UInt8(ascii: ":") })
        {
          continue
        }
        if left == 0, value.range.count == 1, has(value.range.lowerBound, .digit) { continue }
      }
      if left == 0 {
        guard isProse ? isTelling(value) : isPassword(value) else { return nil }
        return named(
          SecretFinding(
            start: value.range.lowerBound, end: value.range.upperBound, kind: "secret"))
      }
      left -= 1
    }
    return nil
  }

  /// Whether a word is a password by its looks: seven characters with a digit or a sign, no path,
  /// no name with a version.
  func isTelling(_ value: SecretValue) -> Bool {
    let range = value.range
    guard isGiven(value), range.count >= 6, isLiteral(value, as: .password) else { return false }
    if range.contains(where: { bytes[$0] == UInt8(ascii: "=") }), !isRandomToken(range) {
      return false
    }
    if isRandomToken(range) || contains([.at], in: range) || isOddWord(range) { return true }
    if isMarked(range) { return true }
    // dev1, release-1.2, r1.example.org
    return !isWordy(range) && !contains(.dot, in: range)
  }

  /// Whether the word in a place for a password is one: with a digit or a sign, and no path.
  func isPassword(_ value: SecretValue) -> Bool {
    let range = value.range
    if contains(.space, in: range) { return isSecretOfWords(range, as: .password) }
    return range.count >= 6 && isGiven(value) && isLiteral(value, as: .password)
      && !bytes.matches("0x", at: range.lowerBound) && !isFileName(range)
      && (endsWithNumber(range) || isTelling(value))
  }

  /// Whether a password is no single word with a number behind it: `varchar255`, `staff1`.
  func isUnlikeWord(_ value: SecretValue) -> Bool {
    let range = value.range
    return isPassword(value)
      && (endsWithNumber(range) || isOddWord(range) || isMarked(range) || isMixedPassword(range)
        || isRandomToken(range) || range.count >= 20 && range.allSatisfy { has($0, .hex) })
  }

  /// `key1.pem`, `r1.example.org`
  private func isFileName(_ range: Range<Int>) -> Bool {
    guard range.allSatisfy({ has($0, .dotted) }),
      let dot = range.last(where: { bytes[$0] == UInt8(ascii: ".") })
    else { return false }
    return dot > range.lowerBound && (2...5).contains(range.upperBound - dot)
  }

  /// The next word on a line, in quotes or bare.
  func wordOfLine(from index: Int) -> SecretValue? {
    let start = skipBlanks(from: index)
    guard start < bytes.count, bytes[start] > 32 else { return nil }
    return shellWord(from: start)
  }

  /// Behind a word, its quote and the signs that were cut from its end.
  func endOfWord(_ value: SecretValue) -> Int {
    var end = value.range.upperBound
    if value.isQuoted {
      while byte(end) == UInt8(ascii: "\\") { end += 1 }
      return end + 1
    }
    let limit = min(bytes.count, end + 513)
    while end < limit, bytes[end] > 32, !bytes[end].isOne(of: ";|&<>()"), !has(end, .quote) {
      end += 1
    }
    return end
  }

  /// `NAME value`, also as `"NAME", "value"`; up to three words that are no names may stand before.
  private mutating func valueOfName(from start: Int, mayBeBare: Bool) -> SecretFinding? {
    var position = start
    for _ in 0..<4 {
      while byte(position) == UInt8(ascii: ",") { position += 1 }
      guard let name = wordOfLine(from: position) else { return nil }
      position = endOfWord(name)
      guard bytes[name.range.lowerBound] != UInt8(ascii: "-"),
        case .secret(let noun) = keyRole(of: lastPart(of: name.range))
      else { continue }
      for _ in 0..<3 {
        while byte(position) == UInt8(ascii: ",") { position += 1 }
        guard var value = wordOfLine(from: position) else { return nil }
        position = endOfWord(value)
        if bytes[value.range.lowerBound] == UInt8(ascii: "-") { continue }
        // '"value"' and "\"value\"": the quotes belong to what is written, not to the value.
        while value.range.count > 4,
          has(value.range.lowerBound, .quote) || bytes[value.range.lowerBound] == UInt8(ascii: "\\")
        {
          value.range = value.range.dropFirst()
        }
        while value.range.count > 4,
          has(value.range.upperBound - 1, .quote)
            || bytes[value.range.upperBound - 1] == UInt8(ascii: "\\")
        {
          value.range = value.range.dropLast()
        }
        guard !isPlaceholder(value.range, isQuoted: value.isQuoted) else { return nil }
        if value.isQuoted { return secret(value, as: noun) }
        guard mayBeBare, isPassword(value) else { return nil }
        return named(
          SecretFinding(
            start: value.range.lowerBound, end: value.range.upperBound, kind: "secret"))
      }
      return nil
    }
    return nil
  }

  /// The part of `Section:Name` and `section.name` behind the last sign.
  private func lastPart(of range: Range<Int>) -> Range<Int> {
    var start = range.upperBound
    while start > range.lowerBound, has(start - 1, .name) { start -= 1 }
    return start..<range.upperBound
  }

  /// `user/password@place`.
  private mutating func userSlashPassword(from start: Int) -> SecretFinding? {
    var position = start
    for _ in 0..<4 {
      position = skipBlanks(from: position)
      while has(position, .quote) || byte(position) == UInt8(ascii: "\\") { position += 1 }
      guard position < bytes.count, bytes[position] > 32 else { return nil }
      let userEnd = runEnd([.dotted], from: position, limit: position + 64)
      if byte(userEnd) == UInt8(ascii: "/"), userEnd > position {
        var valueStart = userEnd + 1
        while has(valueStart, .quote) || byte(valueStart) == UInt8(ascii: "\\") { valueStart += 1 }
        var end = valueStart
        while end < bytes.count, end - valueStart < 128, bytes[end] > 32, !has(end, .quote),
          !bytes[end].isOne(of: "@;,)\\")
        {
          end += 1
        }
        let value = SecretValue(valueStart..<end, isQuoted: true)
        guard value.range.count >= 3, isGiven(value),
          byte(end) == UInt8(ascii: "@") || contains(.digit, in: value.range),
          !contains(.plusSlash, in: value.range), byte(valueStart) != UInt8(ascii: "/")
        else { return nil }
        return named(SecretFinding(start: valueStart, end: end, kind: "secret"))
      }
      guard let word = wordOfLine(from: position) else { return nil }
      position = endOfWord(word)
    }
    return nil
  }

  private mutating func randomWord(from start: Int) -> SecretFinding? {
    var start = skipBlanks(from: start)
    if has(start, .quote) { start += 1 }
    let end = runEnd([.dotted, .base64], from: start, limit: start + 513)
    let value = trimmed(start..<end)
    guard (20...512).contains(value - start), isRandomToken(start..<value) else { return nil }
    return named(SecretFinding(start: start, end: value, kind: "secret"))
  }

  /// `expect "assword:"; send "X\r"`.
  private mutating func askedPassword(from start: Int) -> SecretFinding? {
    var start = start
    if bytes.matches("-- ", at: start) { start += 3 }
    let isAsked = (max(floor, start - 120)..<start).contains {
      bytes.matches("assword", at: $0) || bytes.matches("assphrase", at: $0)
    }
    var depth = 0
    while byte(start + depth) == UInt8(ascii: "\\"), depth < 4 { depth += 1 }
    guard isAsked, has(start + depth, .quote),
      var value = quotedWord(
        from: start + depth + 1, quote: bytes[start + depth], depth: depth)
    else { return nil }
    // \r, \n
    for _ in 0..<2 where value.range.count > 6 {
      var end = value.range.upperBound - 1
      guard bytes[end].isOne(of: "rn"), bytes[end - 1] == UInt8(ascii: "\\") else { break }
      while bytes[end - 1] == UInt8(ascii: "\\") { end -= 1 }
      value.range = value.range.lowerBound..<end
    }
    guard isPassword(value) else { return nil }
    return named(
      SecretFinding(start: value.range.lowerBound, end: value.range.upperBound, kind: "secret"))
  }

  /// `INSERT INTO users (name, password) VALUES ('me', 'X')`.
  private mutating func columnValue(from start: Int) -> SecretFinding? {
    let bracket = skipBlanks(from: start)
    guard byte(bracket) == UInt8(ascii: "("), start > 8 else { return nil }
    let close = runStart(.space, before: start - 7, count: 16) - 1
    guard byte(close) == UInt8(ascii: ")") else { return nil }
    var open = close
    while open > max(floor, close - 240), bytes[open] != UInt8(ascii: "(") { open -= 1 }
    guard byte(open) == UInt8(ascii: "(") else { return nil }
    var column = 0
    var index = open + 1
    while index < close {
      if bytes[index] == UInt8(ascii: ",") { column += 1 }
      if has(index, .word), !has(index - 1, .word) {
        let end = runEnd(.word, from: index, limit: close)
        if case .secret = keyRole(of: index..<end) { return argument(column, after: bracket) }
        index = end
      } else {
        index += 1
      }
    }
    return nil
  }

  // MARK: - Handed over

  /// What `echo` gives to a command that reads a secret, or writes into a file for one.
  private mutating func echoedSecret(from start: Int) -> SecretFinding? {
    var position = start
    var first: SecretValue?
    var end = start
    for _ in 0..<6 {
      position = skipBlanks(from: position)
      guard position < bytes.count, bytes[position] > 32 else { return nil }
      if bytes[position].isOne(of: "|>") { break }
      guard let word = shellWord(from: position) else { return nil }
      position = endOfWord(word)
      let isFormat = word.range.contains { bytes[$0] == UInt8(ascii: "%") && has($0 + 1, .lower) }
      if first == nil, bytes[word.range.lowerBound] == UInt8(ascii: "-") || isFormat { continue }
      if first == nil { first = word }
      end = word.range.upperBound
    }
    guard var value = first, byte(position).isOne(of: "|>") else { return nil }
    if byte(position) == UInt8(ascii: ">") {
      return value.range.upperBound == end ? writtenSecret(value, from: position + 1) : nil
    }
    guard let receiver = receiver(in: position + 1..<lineEnd(from: position + 1, count: 96)) else {
      return nil
    }
    if receiver == 0, let colon = value.range.first(where: { bytes[$0] == UInt8(ascii: ":") }) {
      value.range = colon + 1..<value.range.upperBound
    }
    guard isGiven(value), end > value.range.lowerBound else { return nil }
    return named(SecretFinding(start: value.range.lowerBound, end: end, kind: "secret"))
  }

  private mutating func writtenSecret(_ value: SecretValue, from start: Int) -> SecretFinding? {
    var position = start
    if byte(position) == UInt8(ascii: ">") { position += 1 }
    guard let file = wordOfLine(from: position), isTelling(value),
      file.range.contains(where: { index in
        Self.secretFiles.contains { bytes.matches($0, at: index, ignoringCase: true) }
      })
    else { return nil }
    return named(
      SecretFinding(start: value.range.lowerBound, end: value.range.upperBound, kind: "secret"))
  }

  private static let secretFiles: [StaticString] = [
    "password", "passwd", "_pass", "secret", "token", "credential", "api_key", "apikey",
  ]

  /// The text of `command <<< "X"`, if the command reads a secret.
  mutating func handedSecret(at index: Int) -> SecretFinding? {
    guard bytes.matches("<<<", at: index), byte(index - 1) != UInt8(ascii: "<") else { return nil }
    var start = index
    while start > max(floor, index - 160), bytes[start - 1] != UInt8(ascii: "\n") { start -= 1 }
    guard var value = wordOfLine(from: index + 3), isGiven(value),
      let receiver = receiver(in: start..<index)
    else { return nil }
    if receiver == 0, let colon = value.range.first(where: { bytes[$0] == UInt8(ascii: ":") }) {
      value.range = colon + 1..<value.range.upperBound
    }
    guard isGiven(value) else { return nil }
    return named(
      SecretFinding(start: value.range.lowerBound, end: value.range.upperBound, kind: "secret"))
  }

  private func lineEnd(from start: Int, count: Int) -> Int {
    var end = start
    while end < bytes.count, end - start < count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
    return end
  }

  /// The number of the command among those that read a secret.
  private func receiver(in range: Range<Int>) -> Int? {
    for index in range where !has(index - 1, .name) || byte(index) == UInt8(ascii: "-") {
      for (number, name) in Self.receivers.enumerated()
      where bytes.matches(name, at: index) && !has(index + name.utf8CodeUnitCount, .digit) {
        return number
      }
    }
    return nil
  }

  /// The first one reads `user:password`.
  private static let receivers: [StaticString] = [
    "chpasswd", "passwd", "kinit", "cryptsetup", "su -", "su root", "sudo -S", "--password-stdin",
    "--passphrase-fd", "--with-token", "secret put", "secret create", "secrets create",
    "secret set", "secrets put", "pass insert", "keepassxc-cli", "wg pubkey", "smbpasswd",
    "vncpasswd", "ansible-vault", "security -i", "gpg --batch", "env add", "kibana-keystore",
    "elasticsearch-keystore",
    "lpass login", "secret-tool store", "read -r PASS", "read -r SECRET", "read -r TOKEN",
  ]

  // MARK: - Keys and texts

  /// The private lines of a PuTTY key, from behind `Private-Lines: `.
  private func keyLines(from start: Int) -> SecretFinding? {
    let numberEnd = runEnd(.digit, from: start, limit: start + 4)
    guard numberEnd > start else { return nil }
    var first: Int?
    var end = numberEnd
    for _ in 0..<200 {
      guard let line = lineBreakEnd(at: end) else { break }
      let next = runEnd(.base64, from: line, limit: line + 80)
      guard next - line >= 8 else { break }
      if first == nil { first = line }
      end = next
    }
    return first.map { SecretFinding(start: $0, end: end, kind: "private-key") }
  }

  /// `"X".toCharArray()`: what Java hands over as characters is a password.
  private mutating func quotedText(before index: Int) -> SecretFinding? {
    guard byte(index - 1) == UInt8(ascii: "\""), index - 1 > floor else { return nil }
    var end = index - 1
    while end > floor, bytes[end - 1] == UInt8(ascii: "\\") { end -= 1 }
    var start = end
    let limit = max(floor, end - 80)
    while start > limit, bytes[start - 1] > 32, !has(start - 1, .quote) { start -= 1 }
    guard byte(start - 1) == UInt8(ascii: "\""), end > start,
      isLiteral(SecretValue(start..<end, isQuoted: true), as: .password),
      !isTypeOfNumbers(start..<end)
    else { return nil }
    return named(SecretFinding(start: start, end: end, kind: "secret"))
  }

  /// `0123456789abcdef`: an alphabet.
  private func isTypeOfNumbers(_ range: Range<Int>) -> Bool {
    bytes.matches("0123", at: range.lowerBound) || bytes.matches("abcd", at: range.lowerBound)
      || bytes.matches("ABCD", at: range.lowerBound)
  }
}
