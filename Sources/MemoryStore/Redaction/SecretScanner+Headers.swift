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

  /// The password of `scheme://user:password@host`, from the index after the slashes.
  ///
  /// User and host stay. A scan ends at the next slash, so no byte is scanned for two URLs.
  mutating func urlPassword(after start: Int) -> SecretFinding? {
    var colon = start
    while colon < bytes.count, bytes[colon] != UInt8(ascii: ":") {
      guard has(colon, .userInformation), bytes[colon] != UInt8(ascii: "@") else { return nil }
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
    guard at > colon + 1, at + 1 < end else { return nil }
    let password = colon + 1..<at
    // An image digest: image:tag@sha256:…
    guard !bytes.matches("sha256:", at: at + 1), !bytes.matches("sha512:", at: at + 1) else {
      return nil
    }
    guard !isPlaceholder(password, isQuoted: true) else { return nil }
    return named(SecretFinding(start: colon + 1, end: at, kind: "url-password"))
  }

  /// What follows a `-`: `--api-key value`, `-u user:password`.
  mutating func flagValue(at index: Int) -> SecretFinding? {
    let next = byte(index + 1)
    guard next == UInt8(ascii: "-") || next == UInt8(ascii: "u") else { return nil }
    guard isWordStart(index), !has(index - 1, [.dash, .underscore, .dot, .plusSlash, .equals])
    else {
      return nil
    }
    guard next == UInt8(ascii: "-") else { return userPassword(after: index + 2) }
    let nameEnd = runEnd(.name, from: index + 2, limit: index + 50)
    guard nameEnd > index + 3, !has(nameEnd, .name) else { return nil }
    if bytes.matches("--user", at: index), nameEnd == index + 6 {
      return userPassword(after: nameEnd)
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
    let value = SecretValue(
      start..<valueEnd(from: start), isQuoted: isQuoted, style: .environment)
    guard isLiteral(value, as: noun) else { return nil }
    return named(SecretFinding(start: start, end: value.range.upperBound, kind: "secret"))
  }

  /// The password of `curl -u user:password`.
  private mutating func userPassword(after index: Int) -> SecretFinding? {
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
    guard bytes.matches("password", at: index - 4, ignoringCase: true), isWordStart(index - 4)
    else { return nil }
    let start = skipBlanks(from: index + 4)
    guard start > index + 4 else { return nil }
    if has(start, .quote) { return spokenValue(at: start) }
    let context = max(floor, index - 200)..<max(floor, index - 4)
    guard context.contains(where: { bytes.matches("login ", at: $0) }),
      context.contains(where: { bytes.matches("machine ", at: $0) })
    else { return nil }
    let value = SecretValue(start..<valueEnd(from: start), isQuoted: true)
    guard value.range.count >= 4, !isPlaceholder(value.range, isQuoted: true) else { return nil }
    return named(SecretFinding(start: start, end: value.range.upperBound, kind: "secret"))
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
