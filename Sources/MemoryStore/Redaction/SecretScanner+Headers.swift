extension SecretScanner {
  // Places with a syntax of their own: HTTP headers, URLs, flags.

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
    var end = runEnd([.dotted, .base64, .tilde], from: head.upperBound)
    if isInAuthorizationHeader(index), byte(end).isOne(of: "!@#%^&*+?$") {
      end = runEnd([.dotted, .base64, .tilde, .userInformation], from: end, limit: end + 256)
      while end > head.upperBound, bytes[end - 1].isOne(of: ",;") { end -= 1 }
    }
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
      if bytes[colon] == UInt8(ascii: "@") {
        if let key = urlKey(start..<colon) { return key }
        // smtp://me@x.org:password@host
        guard isSecondAt(after: colon) else { return nil }
      }
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
    guard !isPlaceholder(password, isQuoted: true), !isFieldName(password) else { return nil }
    return named(SecretFinding(start: colon + 1, end: at, kind: "url-password"))
  }

  /// `https://user:password@host` tells where a password stands.
  private func isFieldName(_ range: Range<Int>) -> Bool {
    range.count <= 8
      && (["password", "passwd", "pass", "pwd"] as [StaticString]).contains {
        $0.utf8CodeUnitCount == range.count
          && bytes.matches($0, at: range.lowerBound, ignoringCase: true)
      }
  }

  /// Whether a name of a mailbox is followed by a password and the host: within 128 bytes.
  private func isSecondAt(after at: Int) -> Bool {
    var index = at + 1
    var hasColon = false
    while index < bytes.count, index - at < 128, has(index, .userInformation) {
      if bytes[index] == UInt8(ascii: ":") { hasColon = true }
      if bytes[index] == UInt8(ascii: "@") { return hasColon }
      index += 1
    }
    return false
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

  /// The password of `user:password@host:port` without a scheme; also before an address.
  private mutating func hostPassword(before at: Int) -> SecretFinding? {
    let hostEnd = runEnd(.dotted, from: at + 1, limit: at + 80)
    let isPort =
      byte(hostEnd) == UInt8(ascii: ":") && has(hostEnd + 1, .digit) && has(hostEnd + 2, .digit)
    let host = at + 1..<hostEnd
    let isAddress =
      host.count >= 7 && host.allSatisfy { has($0, [.digit, .dot]) }
      && host.reduce(0) { $0 + (bytes[$1] == UInt8(ascii: ".") ? 1 : 0) } == 3
    guard isPort || isAddress, !bytes.matches("sha", at: at + 1) else { return nil }
    var start = at
    let limit = max(floor, at - 96)
    while start > limit, has(start - 1, .userInformation), bytes[start - 1] != UInt8(ascii: ",") {
      start -= 1
    }
    guard let colon = (start..<at).first(where: { bytes[$0] == UInt8(ascii: ":") }), colon > start,
      (start..<colon).allSatisfy({ has($0, .dotted) }),
      isTelling(SecretValue(colon + 1..<at, isQuoted: true))
    else { return nil }
    return named(SecretFinding(start: colon + 1, end: at, kind: "url-password"))
  }

  private mutating func urlKey(_ user: Range<Int>) -> SecretFinding? {
    let scheme = user.lowerBound - 3
    // These have a password and no user.
    let isKey = (["trojan", "hysteria2", "hy2", "anytls"] as [StaticString]).contains {
      bytes.matches($0, at: scheme - $0.utf8CodeUnitCount)
    }
    guard has(user.upperBound + 1, .alphanumeric),
      isKey && user.count >= 3 && !isPlaceholder(user, isQuoted: true)
        || user.count >= 32 && user.allSatisfy({ has($0, .hex) }) || isRandomToken(user)
    else { return nil }
    return named(SecretFinding(start: user.lowerBound, end: user.upperBound, kind: "url-password"))
  }

  /// The password of `user:password@tcp(host)/db` and of `thin:user/password@host`, from the `@`.
  mutating func dataSourcePassword(before at: Int) -> SecretFinding? {
    let isGo =
      bytes.matches("@tcp(", at: at) || bytes.matches("@unix(", at: at)
      || bytes.matches("@tcp6(", at: at)
    guard isGo || bytes.matches("@//", at: at) || bytes.matches("@(", at: at) else {
      return hostPassword(before: at)
    }
    let isTuple = isGo || bytes.matches("@(", at: at)
    let separator = isTuple ? UInt8(ascii: ":") : UInt8(ascii: "/")
    var start = at
    let limit = max(floor, at - 160)
    while start > limit, bytes[start - 1] > 32, !has(start - 1, .quote) { start -= 1 }
    // thin:scott/…
    if !isTuple, let colon = (start..<at).last(where: { bytes[$0] == UInt8(ascii: ":") }) {
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
      return userPassword(after: nameEnd) ?? knownUserPassword(after: nameEnd, mayBeGroup: true)
    }
    if bytes.matches("--proxy-user", at: index), nameEnd == index + 12 {
      return userPassword(after: nameEnd)
    }
    if Self.userFlags.contains(wordHash(index + 2..<nameEnd)) {
      return knownUserPassword(after: nameEnd)
    }
    if bytes.matches("--from-literal", at: index), nameEnd == index + 14 {
      return literalOfSecret(after: nameEnd)
    }
    if Self.plainFlags.contains(wordHash(index + 2..<nameEnd)) {
      return plainFlagValue(from: index, nameEnd: nameEnd)
    }
    // A list item or a line that goes on.
    if let line = lineBreakEnd(at: nameEnd) ?? lineBreakEnd(at: skipBlanks(from: nameEnd) + 1),
      line > nameEnd, has(index - 1, .space)
    {
      guard case .secret(let noun) = keyRole(of: index + 2..<nameEnd),
        let value = nextWord(after: nameEnd),
        isLiteral(SecretValue(value.range, isQuoted: true), as: noun)
      else { return nil }
      return named(
        SecretFinding(start: value.range.lowerBound, end: value.range.upperBound, kind: "secret"))
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
    // `--secret id=npmrc,src=.npmrc` names one.
    guard isLiteral(value, as: noun), !bytes.matches("id=", at: start) else { return nil }
    return named(SecretFinding(start: start, end: value.range.upperBound, kind: "secret"))
  }

  /// Flags whose value is a user and a password: `--creds me:X`.
  private static let userFlags = Set(
    "creds src-creds dest-creds auth cert proxy-cert".split(separator: " ")
      .map { SecretKeyName.hash($0.utf8.lazy.map { $0 | 0x20 }) })

  private mutating func knownUserPassword(
    after nameEnd: Int, mayBeGroup: Bool = false
  ) -> SecretFinding? {
    let start = skipBlanks(from: byte(nameEnd) == UInt8(ascii: "=") ? nameEnd + 1 : nameEnd)
    guard start > nameEnd, var value = shellWord(from: start) else { return nil }
    if !skipUser(of: &value, to: ":") {
      // netlify deploy --auth X
      guard bytes.matches("auth", at: nameEnd - 4) else { return nil }
    }
    // docker run --user me:staff1
    guard mayBeGroup ? isUnlikeWord(value) : isTelling(value) || endsWithNumber(value.range) else {
      return nil
    }
    return named(
      SecretFinding(
        start: value.range.lowerBound, end: value.range.upperBound, kind: "basic-auth"))
  }

  /// `kubectl create secret generic x --from-literal=name=X`: a secret whatever its name is, but
  /// for the few names beside one that are none.
  private mutating func literalOfSecret(after nameEnd: Int) -> SecretFinding? {
    guard byte(nameEnd).isOne(of: "= "), var value = shellWord(from: nameEnd + 1),
      let sign = value.range.first(where: { bytes[$0] == UInt8(ascii: "=") })
    else { return nil }
    let name = value.range.lowerBound..<sign
    guard !Self.plainLiterals.contains(wordHash(name)) else { return nil }
    if sign + 1 == value.range.upperBound || has(sign + 1, .quote) {
      guard let next = shellWord(from: sign + 1) else { return nil }
      value = next
    } else {
      value.range = sign + 1..<value.range.upperBound
    }
    guard isGiven(value), isLiteral(SecretValue(value.range, isQuoted: true), as: .password)
    else { return nil }
    return named(
      SecretFinding(start: value.range.lowerBound, end: value.range.upperBound, kind: "secret"))
  }

  private static let plainLiterals = Set(
    "user username login host hostname port database db name email region endpoint env version"
      .split(separator: " ").map { SecretKeyName.hash($0.utf8.lazy.map { $0 | 0x20 }) })

  /// Flags that name no secret, but take one in some commands.
  private static let plainFlags = Set(
    "pass psk requirepass masterauth body value session secret-string".split(separator: " ")
      .map { SecretKeyName.hash($0.utf8.lazy.map { $0 | 0x20 }) })

  /// `--pass X`; `--value X` where the command speaks of secrets.
  private mutating func plainFlagValue(from index: Int, nameEnd: Int) -> SecretFinding? {
    let separator = nameEnd + (byte(nameEnd) == UInt8(ascii: "=") ? 1 : 0)
    guard
      let value = separator > nameEnd
        ? shellWord(from: separator)
        : has(nameEnd, .quote) ? listedWord(after: nameEnd) : nextWord(after: nameEnd),
      isTelling(value)
    else { return nil }
    let letter = byte(index + 2)
    if letter == UInt8(ascii: "b") || letter == UInt8(ascii: "v") {
      // gh secret set NAME --body X, keyvault secret set --value X
      guard
        (max(floor, index - 160)..<min(bytes.count, nameEnd + 160)).contains(where: {
          bytes.matches("secret set ", at: $0) || bytes.matches("variable set ", at: $0)
            || bytes.matches("SecureString", at: $0) || bytes.matches("secrets set ", at: $0)
        })
      else { return nil }
    }
    return named(
      SecretFinding(start: value.range.lowerBound, end: value.range.upperBound, kind: "secret"))
  }

  /// The password of `curl -u user:password`.
  mutating func userPassword(after index: Int) -> SecretFinding? {
    var start = skipBlanks(from: index)
    if byte(start) == UInt8(ascii: "=") { start += 1 }
    guard var value = shellWord(from: start), skipUser(of: &value, to: ":") else { return nil }
    let password = value.range
    // `docker run -u 1000:1000` names a user and a group.
    guard password.count >= 3, contains([.letter], in: password) || password.count > 6,
      !isPlaceholder(password, isQuoted: true), byte(password.lowerBound) != UInt8(ascii: "\\"),
      !isSaidOfOption(password)
    else { return nil }
    let context = max(floor, index - 256)..<index
    guard
      context.contains(where: {
        bytes[$0] == UInt8(ascii: "c") && bytes.matches("curl", at: $0)
          || bytes[$0] == UInt8(ascii: "w") && bytes.matches("wget", at: $0)
          || bytes[$0] == UInt8(ascii: "e") && bytes.matches("etcdctl", at: $0)
      })
    else { return nil }
    return named(
      SecretFinding(start: password.lowerBound, end: password.upperBound, kind: "basic-auth"))
  }
}
