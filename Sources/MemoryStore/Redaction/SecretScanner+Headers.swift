extension SecretScanner {
  // Places with a syntax of their own: HTTP headers, URLs, curl, SQL and .netrc.

  /// The credential after `Bearer ` or `Basic `; the scheme stays.
  ///
  /// In an `Authorization` header everything that is not a placeholder is one. Elsewhere a bearer
  /// token has to look like one: at least 20 characters, some of them digits.
  mutating func schemeCredential(at index: Int) -> SecretFinding? {
    let isBearer = bytes.matches("bearer", at: index, ignoringCase: true)
    guard isBearer || bytes.matches("basic", at: index, ignoringCase: true) else { return nil }
    guard isWordStart(index) else { return nil }
    let schemeEnd = index + (isBearer ? 6 : 5)
    let start = skipBlanks(from: schemeEnd)
    guard start > schemeEnd else { return nil }
    let head = start..<runEnd([.dotted, .base64, .tilde], from: start, limit: start + 128)
    guard head.count >= 6, !byte(head.upperBound).isOne(of: "[({$<*") else { return nil }
    if isInAuthorizationHeader(index) {
      guard isLiteral(SecretValue(head, isQuoted: true), as: .header) else { return nil }
    } else {
      guard isBearer, head.count >= 20, contains(.digit, in: head), !isWordy(head) else {
        return nil
      }
    }
    let end = runEnd([.dotted, .base64, .tilde], from: head.upperBound)
    return named(
      SecretFinding(
        start: start, end: trimmed(start..<end), kind: isBearer ? "bearer-token" : "basic-auth"))
  }

  /// Whether the word `Authorization` ends shortly before an index.
  func isInAuthorizationHeader(_ index: Int) -> Bool {
    var start = index
    while start > max(floor, index - 12) {
      if has(start - 1, .letter) {
        return bytes.matches("authorization", at: start - 13, ignoringCase: true)
      }
      start -= 1
    }
    return false
  }

  /// The password of `scheme://user:password@host`, or a key that stands there alone as the user;
  /// from the index after the slashes.
  ///
  /// User and host stay. A scan ends at the next slash, so no byte is scanned for two URLs.
  mutating func urlSecret(after start: Int) -> SecretFinding? {
    var colon = start
    while colon < bytes.count, bytes[colon] != UInt8(ascii: ":") {
      guard has(colon, .userInformation) else { return nil }
      // https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.io/2
      if bytes[colon] == UInt8(ascii: "@") { return urlKey(start..<colon) }
      colon += 1
    }
    var end = colon + 1
    var at = -1
    while end < bytes.count, has(end, .userInformation) {
      if bytes[end] == UInt8(ascii: "@") { at = end }
      // Behind the first host of a list there are ports, but no further password.
      if at >= 0, bytes[end] == UInt8(ascii: ",") || bytes[end] == UInt8(ascii: ";") { break }
      end += 1
    }
    if at < 0 { (at, end) = passwordWithSigns(from: colon + 1, end: end, scheme: start - 3) }
    guard at > colon + 1, at + 1 < end else { return nil }
    let password = colon + 1..<at
    // An image digest: image:tag@sha256:…
    guard !bytes.matches("sha256:", at: at + 1), !bytes.matches("sha512:", at: at + 1) else {
      return nil
    }
    guard !isPlaceholder(password, isQuoted: true) else { return nil }
    return named(SecretFinding(start: colon + 1, end: at, kind: "url-password"))
  }

  /// A password may hold `/`, `#` and `?` that nobody encoded. What begins with a port has none,
  /// nor has a page's address.
  private func passwordWithSigns(from start: Int, end: Int, scheme: Int) -> (at: Int, end: Int) {
    guard end > start, byte(end).isOne(of: "/#?"), !(start..<end).allSatisfy({ has($0, .digit) }),
      !bytes.matches("http", at: scheme - 4, ignoringCase: true),
      !bytes.matches("https", at: scheme - 5, ignoringCase: true)
    else { return (-1, end) }
    var index = end
    while index < bytes.count, index - start < 128,
      has(index, .userInformation) || bytes[index].isOne(of: "/#?")
    {
      if bytes[index] == UInt8(ascii: "@") {
        return has(index + 1, .alphanumeric) ? (index, index + 2) : (-1, end)
      }
      index += 1
    }
    return (-1, end)
  }

  private mutating func urlKey(_ user: Range<Int>) -> SecretFinding? {
    guard user.count >= 20, has(user.upperBound + 1, .alphanumeric),
      user.count >= 32 && user.allSatisfy({ has($0, .hex) }) || isRandomToken(user)
    else { return nil }
    return named(SecretFinding(start: user.lowerBound, end: user.upperBound, kind: "url-password"))
  }

  /// The password of `user:password@tcp(host)/db` and of `thin:user/password@host`, from the `@`.
  mutating func dataSourcePassword(before at: Int) -> SecretFinding? {
    let isGo =
      bytes.matches("@tcp(", at: at) || bytes.matches("@unix(", at: at)
      || bytes.matches("@tcp6(", at: at)
    guard isGo || bytes.matches("@//", at: at) else { return nil }
    let separator = isGo ? UInt8(ascii: ":") : UInt8(ascii: "/")
    var start = at
    let limit = max(floor, at - 160)
    while start > limit, bytes[start - 1] > 32, !has(start - 1, .quote) { start -= 1 }
    // thin:scott/…
    if !isGo, let colon = (start..<at).last(where: { bytes[$0] == UInt8(ascii: ":") }) {
      start = colon + 1
    }
    guard let index = (start..<at).first(where: { bytes[$0] == separator }),
      index > start, at - index > 1, !isPlaceholder(index + 1..<at, isQuoted: true)
    else { return nil }
    return named(SecretFinding(start: index + 1, end: at, kind: "url-password"))
  }

  /// `--api-key value`, `--user user:password`, from the first dash.
  mutating func flagValue(at index: Int) -> SecretFinding? {
    guard isWordStart(index), !has(index - 1, [.dash, .underscore, .dot, .plusSlash, .equals])
    else { return nil }
    let nameEnd = runEnd(.name, from: index + 2, limit: index + 50)
    guard nameEnd > index + 3, !has(nameEnd, .name) else { return nil }
    if bytes.matches("--user", at: index), nameEnd == index + 6 {
      return userPassword(after: nameEnd)
    }
    if bytes.matches("password-stdin", at: index + 2)
      || bytes.matches("passphrase-fd", at: index + 2)
    {
      return pipedSecret(into: index)
    }
    // `--token value` or, as a list of arguments, `"--token", "value"`.
    var start = nameEnd
    var isQuoted = false
    while start < bytes.count, start - nameEnd < 12 {
      if has(start, .quote) {
        isQuoted = true
      } else if bytes[start] == UInt8(ascii: "\\") {
        guard has(start + 1, .quote) || byte(start + 1) == UInt8(ascii: "\\") else { return nil }
      } else if !bytes[start].isOne(of: " \t,") {
        break
      }
      start += 1
    }
    guard start > nameEnd, case .secret(let noun) = keyRole(of: index + 2..<nameEnd) else {
      return nil
    }
    if isQuoted, has(start - 1, .quote) {
      var depth = 0
      while byte(start - 2 - depth) == UInt8(ascii: "\\"), depth < 4 { depth += 1 }
      if let value = quotedWord(from: start, quote: bytes[start - 1], depth: depth),
        contains(.space, in: value.range)
      {
        return secret(value, as: noun)
      }
    }
    let value = SecretValue(
      start..<valueEnd(from: start), isQuoted: isQuoted, style: .environment)
    guard isLiteral(value, as: noun) else { return nil }
    return named(SecretFinding(start: start, end: value.range.upperBound, kind: "secret"))
  }

  /// The password of `curl -u user:password`.
  mutating func userPassword(after index: Int) -> SecretFinding? {
    var start = skipBlanks(from: index)
    if byte(start) == UInt8(ascii: "=") { start += 1 }
    while has(start, .quote) || byte(start) == UInt8(ascii: "\\") && has(start + 1, .quote) {
      start += 1
    }
    let end = valueEnd(from: start)
    guard end - start >= 5, end - start < 512,
      let colon = (start..<end).first(where: { bytes[$0] == UInt8(ascii: ":") })
    else { return nil }
    let password = colon + 1..<end
    // `docker run -u 1000:1000` names a user and a group.
    guard password.count >= 3, contains([.letter], in: password) || password.count > 6,
      !isPlaceholder(password, isQuoted: true)
    else { return nil }
    let context = max(floor, index - 256)..<index
    guard
      context.contains(where: {
        bytes[$0] == UInt8(ascii: "c") && bytes.matches("curl", at: $0)
          || bytes[$0] == UInt8(ascii: "w") && bytes.matches("wget", at: $0)
      })
    else { return nil }
    return named(SecretFinding(start: password.lowerBound, end: end, kind: "basic-auth"))
  }

  /// `PASSWORD 'value'` as in SQL, and `login name password value` as in .netrc; from the `w`.
  mutating func spokenPassword(at index: Int) -> SecretFinding? {
    guard bytes.matches("passwor", at: index - 4, ignoringCase: true), isWordStart(index - 4),
      (byte(index + 3) | 0x20).isOne(of: "dt")
    else { return nil }
    let start = skipBlanks(from: index + 4)
    guard start > index + 4 else { return nil }
    if has(start, .quote) { return spokenValue(at: start) }
    if let value = saidPassword(from: start) { return value }
    let context = max(floor, index - 200)..<max(floor, index - 4)
    guard
      context.contains(where: {
        bytes.matches("machine ", at: $0) || bytes.matches("default ", at: $0)
      }),
      context.contains(where: { bytes.matches("login ", at: $0) })
        || isNetrcLogin(after: start)
    else { return nil }
    let value = SecretValue(start..<valueEnd(from: start), isQuoted: true)
    guard value.range.count >= 4, !isPlaceholder(value.range, isQuoted: true) else { return nil }
    return named(SecretFinding(start: start, end: value.range.upperBound, kind: "secret"))
  }

  /// `the password is X`, `das Passwort lautet: X`: only what no word looks like.
  private func saidPassword(from start: Int) -> SecretFinding? {
    for verb in ["is", "was", "ist", "lautet", "war"] as [StaticString]
    where bytes.matches(verb, at: start) {
      var end = start + verb.utf8CodeUnitCount
      if byte(end) == UInt8(ascii: ":") { end += 1 }
      let valueStart = skipBlanks(from: end)
      guard valueStart > end, let value = shellWord(from: valueStart),
        isMixedPassword(value.range)
      else { return nil }
      return SecretFinding(
        start: value.range.lowerBound, end: value.range.upperBound, kind: "secret")
    }
    return nil
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

  /// `IDENTIFIED BY 'value'` as in SQL, from the `B`.
  mutating func identifiedBy(at index: Int) -> SecretFinding? {
    guard bytes.matches("identified ", at: index - 11, ignoringCase: true) else { return nil }
    let start = skipBlanks(from: index + 2)
    return has(start, .quote) ? spokenValue(at: start) : nil
  }

  /// A password in quotes, from the quote.
  private mutating func spokenValue(at quote: Int) -> SecretFinding? {
    let start = quote + 1
    let (end, isClosed) = quotedEnd(from: start, quote: bytes[quote], depth: 0)
    guard isClosed, isLiteral(SecretValue(start..<end, isQuoted: true), as: .password) else {
      return nil
    }
    return named(SecretFinding(start: start, end: end, kind: "secret"))
  }
}
