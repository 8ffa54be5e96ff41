extension SecretScanner {
  /// The first shape whose prefix has its anchor at an index and whose body fits.
  mutating func shape(anchoredAt index: Int) -> SecretFinding? {
    guard index > 0 else { return nil }
    var candidate = Int(tables.pointee.chains[SecretCatalog.chain(bytes[index - 1], bytes[index])])
    while candidate != 0 {
      let head = tables.pointee.heads[candidate - 1]
      let start = index - Int(head.anchor)
      if start >= floor, bytes[start] == head.first {
        let prefix = tables.pointee.shapes[candidate - 1].prefix
        if bytes.matches(prefix, at: start),
          let found = match(tables.pointee.shapes[candidate - 1], at: start)
        {
          return found
        }
      }
      candidate = Int(tables.pointee.next[candidate - 1])
    }
    return nil
  }

  /// The shape that begins at an index, if there is one.
  mutating func shape(startingAt start: Int) -> SecretFinding? {
    if bytes.matches("-----BEGIN ", at: start) { return pemBlock(at: start + 5) }
    for index in start + 1..<max(start + 1, min(bytes.count, start + 32)) {
      if let found = shape(anchoredAt: index) ?? dottedToken(at: index), found.start == start {
        return found
      }
    }
    return nil
  }

  private mutating func match(_ shape: SecretShape, at start: Int) -> SecretFinding? {
    let bodyStart = start + shape.prefix.utf8CodeUnitCount
    switch shape.body {
    case .telegram: return telegramToken(shape, colon: start, bodyStart: bodyStart)
    case .terraform: return terraformToken(shape, dot: start, bodyStart: bodyStart)
    case .azureClientSecret: return azureClientSecret(shape, at: start, bodyStart: bodyStart)
    default: break
    }
    if shape.body == .passwordHash { return passwordHash(shape, at: start, bodyStart: bodyStart) }
    if shape.body == .twoHashes { return twoHashes(before: start, kind: shape.kind) }
    if shape.body == .azureDevOps { return azureDevOpsToken(shape, at: start) }
    guard !has(start, .alphanumeric) || isWordStart(start) else { return nil }
    if shape.body == .jwt {
      return tokenEnd(from: start).map {
        SecretFinding(start: start, end: $0, kind: shape.kind)
      }
    }
    // Refusing looks at no more than the head of the body, as a refused run may be met again.
    let characters = ByteClass(rawValue: shape.characters)
    let headLength = shape.maximum == .max ? max(64, shape.minimum) : shape.maximum + 1
    let head = bodyStart..<runEnd(characters, from: bodyStart, limit: bodyStart + headLength)
    guard head.count >= shape.minimum, head.count <= shape.maximum else { return nil }
    switch shape.body {
    case .exact where has(head.upperBound, .word): return nil
    // The keys of AWS's own pages.
    case .exact where bytes.matches("EXAMPLE", at: head.upperBound - 7): return nil
    case .accountID:
      return has(head.upperBound, .word) ? nil : accountSecret(after: head.upperBound)
    case .openAI where !hasLongPart(head): return nil
    // A piece of another token.
    case .random
    where has(start - 1, [.dash, .underscore, .plusSlash, .dot, .equals]) && has(start - 2, .word)
      && !bytes.matches("=", at: start - 1):
      return nil
    case .random where !isRandomToken(bodyStart..<runEnd(characters, from: bodyStart)): return nil
    case .uuid where !isUUID(head): return nil
    case .sharedAccessSignature where head.allSatisfy({ has($0, .hex) }): return nil
    default: if shape.needsDigit, !contains(.digit, in: head) { return nil }
    }
    // ghp_xxxx…, sk-ant-your-key-here
    if isStandIn(head) { return nil }
    var end = runEnd(characters, from: head.upperBound)
    while end > head.upperBound, bytes[end - 1] == UInt8(ascii: ".") { end -= 1 }
    return SecretFinding(
      start: shape.keepsPrefix ? bodyStart : start, end: end, kind: shape.kind)
  }

  /// Whether the body of a credential stands for one: one character again and again, or words
  /// that say so.
  private func isStandIn(_ body: Range<Int>) -> Bool {
    let head = body.prefix(24)
    guard let first = head.first else { return true }
    if head.dropFirst(2).allSatisfy({ bytes[$0] == bytes[first + 2] }) { return true }
    return isPlaceholder(head, isQuoted: true) && !isRandomToken(body) && !hasLongRun(body)
      && (head.contains { bytes.matches("your", at: $0, ignoringCase: true) })
  }

  private func hasLongRun(_ body: Range<Int>) -> Bool {
    var start = body.lowerBound
    while start < body.upperBound {
      let end = runEnd(.alphanumeric, from: start, limit: body.upperBound)
      if end - start >= 16 { return true }
      start = end + 1
    }
    return false
  }

  private func isUUID(_ range: Range<Int>) -> Bool {
    guard range.count == 36 else { return false }
    for (offset, index) in range.enumerated() {
      let isDash = [8, 13, 18, 23].contains(offset)
      guard isDash ? bytes[index] == UInt8(ascii: "-") : has(index, .hex) else { return false }
    }
    return true
  }

  /// `user:500:0123…:0123…:::`.
  private func twoHashes(before end: Int, kind: StaticString) -> SecretFinding? {
    let second = runStart(.hex, before: end, count: 33)
    let first = runStart(.hex, before: second - 1, count: 33)
    guard end - second == 32, second - first == 33, byte(second - 1) == UInt8(ascii: ":"),
      byte(first - 1) == UInt8(ascii: ":")
    else { return nil }
    return SecretFinding(start: first, end: end, kind: kind)
  }

  /// 76 letters and digits, then the prefix `AZDO` and four more.
  private func azureDevOpsToken(_ shape: SecretShape, at start: Int) -> SecretFinding? {
    let end = start + 8
    guard runStart(.alphanumeric, before: start, count: 77) == start - 76, isWordStart(start - 76),
      runEnd(.alphanumeric, from: start, limit: end + 1) == end
    else { return nil }
    return SecretFinding(start: start - 76, end: end, kind: shape.kind)
  }

  /// Nothing that a hash opens with is a word, so it may stand anywhere; what ends it must be as
  /// long as a hash. `$1$` alone is a shell's or a pattern's.
  private func passwordHash(
    _ shape: SecretShape, at start: Int, bodyStart: Int
  ) -> SecretFinding? {
    // sha1$ and scrypt: may end a name.
    if has(start, .letter), !isWordStart(start) { return nil }
    let body = ByteClass(rawValue: shape.characters)
    var end = runEnd(body, from: bodyStart, limit: bodyStart + 400)
    // SCRAM has a colon before the salt, and one between its two keys.
    for _ in 0..<2
    where bytes.matches("SCRAM", at: start) && byte(end) == UInt8(ascii: ":")
      && has(end + 1, .base64)
    {
      end = runEnd(body, from: end + 1, limit: bodyStart + 400)
    }
    while end > bodyStart, bytes[end - 1].isOne(of: ",.$-:") {
      // A hash may end with a full stop: what else follows it tells.
      if bytes[end - 1] == UInt8(ascii: "."), !has(end, .space) { break }
      end -= 1
    }
    guard end - bodyStart >= shape.minimum else { return nil }
    var partStart = end
    while partStart > bodyStart, bytes[partStart - 1] != UInt8(ascii: "$") { partStart -= 1 }
    let part = partStart..<end
    guard part.count >= 20, contains(.digit, in: start..<end), contains(.letter, in: part) else {
      return nil
    }
    return SecretFinding(start: start, end: end, kind: shape.kind)
  }

  /// Whether one part between dashes is too long for a word: 16 with a digit, or 20.
  private func hasLongPart(_ body: Range<Int>) -> Bool {
    var index = body.lowerBound
    while index < body.upperBound {
      let end = runEnd(.alphanumeric, from: index, limit: body.upperBound)
      if end - index >= 20 || end - index >= 16 && contains(.digit, in: index..<end) {
        return true
      }
      index = end + 1
    }
    return false
  }

  /// Two to five parts of base64url with dots between; the first one begins with `{"`, and so does
  /// the second one unless there are more than two (JWE).
  private mutating func tokenEnd(from start: Int) -> Int? {
    guard start >= tokenRunEnd else { return nil }
    var parts = 0
    var end = start
    var hasClaims = false
    while parts < 5 {
      let partEnd = runEnd(.name, from: end)
      if parts == 0, partEnd - end < 16 { break }
      if parts == 1 { hasClaims = bytes.matches("eyJ", at: end) }
      if parts == 1, partEnd - end < (hasClaims ? 8 : 16) { break }
      parts += 1
      end = partEnd
      guard byte(end) == UInt8(ascii: "."), has(end + 1, .name) else { break }
      end += 1
    }
    if byte(end - 1) == UInt8(ascii: ".") { end -= 1 }
    if parts >= 3 || parts == 2 && hasClaims { return end }
    tokenRunEnd = end
    return nil
  }

  /// The start of a run without the rest of an escape sequence (`\n`, `%3D`) before it.
  private func tokenStart(_ mask: ByteClass, before end: Int, count: Int) -> Int {
    let start = runStart(mask, before: end, count: count)
    if byte(start - 1) == UInt8(ascii: "\\"), isWordStart(start + 1) { return start + 1 }
    if byte(start - 1) == UInt8(ascii: "%"), isWordStart(start + 2) { return start + 2 }
    let digitsEnd = runEnd(.digit, from: start, limit: start + 4)
    if byte(start - 1).isOne(of: "[;"), byte(digitsEnd) == UInt8(ascii: "m"),
      isWordStart(digitsEnd + 1)
    {
      return digitsEnd + 1
    }
    return start
  }

  private func telegramToken(
    _ shape: SecretShape, colon: Int, bodyStart: Int
  ) -> SecretFinding? {
    let start = tokenStart(.digit, before: colon, count: 13)
    guard (7...12).contains(colon - start) else { return nil }
    guard isWordStart(start) || bytes.matches("bot", at: start - 3, ignoringCase: true)
    else { return nil }
    let end = runEnd(.name, from: bodyStart, limit: bodyStart + shape.maximum + 1)
    guard (shape.minimum...shape.maximum).contains(end - bodyStart) else { return nil }
    return SecretFinding(start: start, end: end, kind: shape.kind)
  }

  private func terraformToken(
    _ shape: SecretShape, dot: Int, bodyStart: Int
  ) -> SecretFinding? {
    guard dot - tokenStart(.alphanumeric, before: dot, count: 20) == 14 else { return nil }
    let start = dot - 14
    let end = runEnd(ByteClass(rawValue: shape.characters), from: bodyStart)
    guard end - bodyStart >= shape.minimum else { return nil }
    return SecretFinding(start: start, end: end, kind: shape.kind)
  }

  private func azureClientSecret(
    _ shape: SecretShape, at start: Int, bodyStart: Int
  ) -> SecretFinding? {
    let characters = ByteClass(rawValue: shape.characters)
    guard has(start - 1, .digit), tokenStart(characters, before: start, count: 10) == start - 4
    else { return nil }
    let end = runEnd(characters, from: bodyStart, limit: bodyStart + shape.maximum + 1)
    guard (shape.minimum...shape.maximum).contains(end - bodyStart) else { return nil }
    return SecretFinding(start: start - 4, end: end, kind: shape.kind)
  }

  /// Tokens with no prefix of their own: a Discord bot's (24 to 28 characters, the user's number
  /// in base64, then 6, then 27 or more) and Airtable's (`pat` and 14 characters, then 64 of hex).
  mutating func dottedToken(at dot: Int) -> SecretFinding? {
    guard byte(dot) == UInt8(ascii: ".") else { return nil }
    if byte(dot + 7) == UInt8(ascii: ".") {
      let start = tokenStart(.name, before: dot, count: 34)
      guard (23...28).contains(dot - start),
        (UInt8(ascii: "M")...UInt8(ascii: "O")).contains(bytes[start]),
        isWordStart(start), runEnd(.name, from: dot + 1, limit: dot + 8) == dot + 7
      else { return nil }
      let end = runEnd(.name, from: dot + 8, limit: dot + 80)
      guard (27...45).contains(end - dot - 8), contains(.digit, in: start..<end) else {
        return nil
      }
      return SecretFinding(start: start, end: end, kind: "discord-token")
    }
    guard bytes.matches("pat", at: dot - 17), isWordStart(dot - 17),
      runStart(.alphanumeric, before: dot, count: 17) == dot - 17,
      runEnd(.lowerHex, from: dot + 1, limit: dot + 66) == dot + 65
    else { return nil }
    return SecretFinding(start: dot - 17, end: dot + 65, kind: "airtable-token")
  }
}
