extension SecretScanner {
  // Secrets among the arguments of a call, and in lists beside their names.

  /// The secret among the arguments of a call whose name says which one it is; from the bracket.
  package mutating func argument(after bracket: Int) -> SecretFinding? {
    let nameStart = runStart(.word, before: bracket, count: 40)
    if nameStart == bracket {
      // requests.get(url, auth=("me", "…"))
      return bytes.matches("auth=", at: bracket - 5) ? argument(1, after: bracket) : nil
    }
    let name = nameStart..<bracket
    let hash = wordHash(name)
    guard mayBeClient(at: bracket) || Self.knownCalls[Int(hash >> 6) & 63] & 1 << (hash & 63) != 0
    else { return nil }
    if let position = Self.calls[hash], let secret = argument(position, after: bracket) {
      return secret
    }
    for (receivers, position) in Self.receiverCalls[hash] ?? []
    where receivers.contains(where: { isReceiver($0, before: nameStart) }) {
      if let secret = argument(position, after: bracket) { return secret }
    }
    if Self.headerCalls.contains(hash), let secret = headerValue(after: bracket) { return secret }
    return isClient(name, at: hash) ? randomArgument(after: bracket) : nil
  }

  private func isReceiver(_ receiver: StaticString, before index: Int) -> Bool {
    (max(floor, index - 32)..<index).contains {
      bytes.matches(receiver, at: $0, ignoringCase: true)
    }
  }

  package mutating func argument(_ position: Int, after bracket: Int) -> SecretFinding? {
    var index = bracket + 1
    for argument in 0...position where position < 5 {
      guard let next = argumentStart(from: index, of: bracket) else { return nil }
      index = next
      if argument == position {
        guard let (value, _) = quotedArgument(at: index) else { return nil }
        // login(page, "me@example.org", "X")
        if isAddress(value.range) { return self.argument(position + 1, after: bracket) }
        return secret(value, as: .password)
      }
      guard let comma = argumentEnd(from: index, of: bracket) else { return nil }
      index = comma + 1
    }
    return nil
  }

  /// The first argument of a client that looks random. Those behind it are taken one by one, as
  /// elements behind a secret.
  private mutating func randomArgument(after bracket: Int) -> SecretFinding? {
    var index = bracket + 1
    for argument in 0..<6 {
      guard let next = argumentStart(from: index, of: bracket) else { return nil }
      index = next
      if let (value, isBytes) = quotedArgument(at: index),
        isRandomToken(value.range) || (argument > 0 || isBytes) && isBareHex(value.range)
      {
        return named(
          SecretFinding(
            start: value.range.lowerBound, end: value.range.upperBound, kind: "secret"))
      }
      guard let comma = argumentEnd(from: index, of: bracket) else { return nil }
      index = comma + 1
    }
    return nil
  }

  /// `setValue("X", forHTTPHeaderField: "X-Api-Key")`.
  private mutating func headerValue(after bracket: Int) -> SecretFinding? {
    guard let start = argumentStart(from: bracket + 1, of: bracket),
      var (value, _) = quotedArgument(at: start),
      let comma = argumentEnd(from: start, of: bracket)
    else { return nil }
    let field = skipBlanks(from: comma + 1)
    guard bytes.matches("forHTTPHeaderField:", at: field),
      let name = wordOfLine(from: field + 19), case .secret(let noun) = keyRole(of: name.range)
    else { return nil }
    for scheme in ["Bearer ", "Basic ", "Token "] as [StaticString]
    where noun == .header && bytes.matches(scheme, at: value.range.lowerBound) {
      value.range = value.range.dropFirst(scheme.utf8CodeUnitCount)
    }
    guard
      noun != .header || !contains(.space, in: value.range), isLiteral(value, as: noun)
    else { return nil }
    return named(
      SecretFinding(start: value.range.lowerBound, end: value.range.upperBound, kind: "secret"))
  }

  private static let argumentLength = 400

  private func argumentStart(from start: Int, of bracket: Int) -> Int? {
    var index = start
    while index - bracket < Self.argumentLength, has(index, .space) { index += 1 }
    return index - bracket < Self.argumentLength ? index : nil
  }

  /// A text in quotes, perhaps with a letter or a label before it.
  private func quotedArgument(at start: Int) -> (SecretValue, isBytes: Bool)? {
    var index = start
    let labelEnd = runEnd(.word, from: index, limit: index + 32)
    if labelEnd > index, byte(labelEnd) == UInt8(ascii: ":") {
      index = skipBlanks(from: labelEnd + 1)
    }
    if bytes.matches("Some(", at: index) { index += 5 }
    let isPrefixed = has(index + 1, .quote) && byte(index).isOne(of: "bBrRuU@N")
    if isPrefixed { index += 1 }
    guard has(index, .quote),
      let value = quotedWord(from: index + 1, quote: bytes[index], depth: 0)
    else { return nil }
    return (value, isPrefixed)
  }

  /// The comma behind an argument: a text in quotes, a name, or an expression in brackets.
  private func argumentEnd(from start: Int, of bracket: Int) -> Int? {
    var index = start
    var depth = 0
    while index < bytes.count, index - bracket < Self.argumentLength {
      let byte = bytes[index]
      if has(index, .quote) {
        index += 1
        while index < bytes.count, bytes[index] != byte, bytes[index] >= 32,
          index - bracket < Self.argumentLength
        {
          index += 1
        }
        guard self.byte(index) == byte else { return nil }
      } else if byte.isOne(of: "([{") {
        depth += 1
      } else if byte.isOne(of: ")]}") {
        depth -= 1
        if depth < 0 { return nil }
      } else if byte == UInt8(ascii: ";") {
        return nil
      } else if byte == UInt8(ascii: ","), depth == 0 {
        return index
      }
      index += 1
    }
    return nil
  }

  /// `me@example.org`.
  private func isAddress(_ range: Range<Int>) -> Bool {
    guard let at = range.first(where: { bytes[$0] == UInt8(ascii: "@") }), at > range.lowerBound,
      range.allSatisfy({ has($0, [.dotted, .at]) || bytes[$0] == UInt8(ascii: "+") })
    else { return false }
    return contains(.dot, in: at..<range.upperBound) && !has(range.upperBound - 1, .digit)
  }

  /// 32, 40, 48 or 64 digits of hex without dashes.
  private func isBareHex(_ range: Range<Int>) -> Bool {
    [32, 40, 48, 64].contains(range.count) && range.allSatisfy { has($0, .hex) }
      && contains(.digit, in: range)
  }

  /// Whether what is called makes a client, signs or encrypts: by the last word of its name.
  private func isClient(_ name: Range<Int>, at hash: UInt64) -> Bool {
    var end = name.upperBound
    while end > name.lowerBound, has(end - 1, [.digit, .underscore]) { end -= 1 }
    for suffix in Self.clients
    where end - name.lowerBound >= suffix.utf8CodeUnitCount
      && bytes.matches(suffix, at: end - suffix.utf8CodeUnitCount, ignoringCase: true)
    {
      return true
    }
    // jwt.sign, hmac.new, slack.New, bot.run
    guard byte(name.lowerBound - 1).isOne(of: ".:"),
      let receivers = Self.clientMethods[hash]
    else { return false }
    return receivers.contains { isReceiver($0, before: name.lowerBound) }
  }

  private static let clients: [StaticString] = [
    "client", "bot", "telegraf", "github", "gitlab", "octokit", "stripe", "twilio", "pusher",
    "oauth", "oauthhandler", "consumer", "mailgun", "sendgrid", "hmac", "fernet", "cipheriv",
    "token", "apiconnect", "session", "credentials", "credential", "cookieparser", "algolia",
    "minio", "signwith",
  ]

  private static let clientMethods: [UInt64: [StaticString]] = {
    let rows: [(String, [StaticString])] = [
      ("sign verify encode decode", ["jwt", "jose"]),
      ("new", ["hmac", "slack", "stripe", "aes", "telegram", "cipher", "secretbox"]),
      ("run login start", ["client", "bot", "discord"]),
      ("encrypt decrypt", ["aes", "cipher"]),
      ("init", ["ld", "twilio", "rollbar"]),
    ]
    var methods: [UInt64: [StaticString]] = [:]
    for (names, receivers) in rows {
      for name in names.split(separator: " ") {
        methods[SecretKeyName.hash(name.utf8.lazy.map { $0 | 0x20 })] = receivers
      }
    }
    return methods
  }()

  private static let headerCalls = Set(
    ["setvalue", "addvalue"].map { SecretKeyName.hash($0.utf8.lazy.map { $0 | 0x20 }) })

  private static let callNames = [
    "setpassword withpassword azurekeycredential secretstr setsecret setapikey withapikey "
      + "settoken withtoken setsecretkey withsecret passwordauthenticationtoken tosecurestring "
      + "setclientsecret password plaintextauthenticator crypt set_password setauthtoken apikey "
      + "api_key accesstoken setaccesstoken bearer_auth bearerauth setbearertoken "
      + "apikeycredential stringcredentials tokencredential secretkeyspec cookieparser",
    "basicawscredentials usernamepasswordcredentials usernamepasswordcredential httpbasicauth "
      + "httpdigestauth networkcredential setbasicauth set_basic_auth basicauth basic_auth "
      + "withbasicauth passwordauthentication storagesharedkeycredential newsharedkeycredential "
      + "newstaticcredentials newstaticcredentialsprovider staticcredentialsprovider login "
      + "algoliasearch searchclient plainauthenticator plaintextauthprovider httpauth "
      + "basicauthentication usernamepasswordauthenticationtoken newstaticv4 plaincredentials "
      + "passwordcredentials pscredential username_pw_set auth_password changeuserpassword "
      + "pgp_sym_encrypt pgp_sym_decrypt github createhmac",
    "getconnection mysqli mysql_connect mysqli_connect pdo clientsecretcredential plainauth "
      + "newclientsecretcredential sequelize createcredential ftp minio createscramsha1credential "
      + "createscramsha256credential createplaincredential "
      + "create_user create_superuser",
    "mysql_real_connect influxdbclient redis",
  ]

  /// By the name of a function: which of its arguments is a secret.
  private static let calls: [UInt64: Int] = {
    var calls: [UInt64: Int] = [:]
    for (position, row) in callNames.enumerated() {
      for name in row.split(separator: " ") {
        calls[SecretKeyName.hash(name.utf8.lazy.map { $0 | 0x20 })] = position
      }
    }
    return calls
  }()

  /// The same for names that many things have, with what must stand before them.
  private static let receiverCalls: [UInt64: [([StaticString], Int)]] = {
    let rows: [(String, [StaticString], Int)] = [
      ("connect", ["mysql", "maria", "dbi"], 2),
      ("connect", ["oracle"], 1),
      ("begin", ["wifi"], 1),
      ("auth", ["db."], 1),
      ("basic", ["auth.", "authtokens", "credentials"], 1),
      ("auth credentials", ["."], 1),
      ("sign encode decode verify hexdigest digest", ["jwt", "jose", "hmac"], 1),
      ("connect", ["client", "mqtt"], 2),
      ("new", ["hmac", "aes", "fernet"], 0),
      (
        "type fill send_keys sendkeys presssequentially typetext settext entertext",
        ["password", "passwort", "passwd"], 0
      ),
    ]
    var calls: [UInt64: [([StaticString], Int)]] = [:]
    for (names, receivers, position) in rows {
      for name in names.split(separator: " ") {
        calls[SecretKeyName.hash(name.utf8.lazy.map { $0 | 0x20 }), default: []]
          .append((receivers, position))
      }
    }
    return calls
  }()

  /// Whether a known name may end at a bracket: nearly all calls are none of ours, and this takes
  /// one look into a table.
  @inline(__always)
  func mayBeCall(at bracket: Int) -> Bool {
    let last = byte(bracket &- 1)
    guard has(bracket &- 1, .word) else { return last == UInt8(ascii: "=") }
    let bit = Self.ending(last, byte(bracket &- 2))
    return Self.callEndings[bit &>> 6] & 1 &<< UInt64(bit & 63) != 0
  }

  private static func ending(_ last: UInt8, _ before: UInt8) -> Int {
    Int(last & 31) << 5 | Int(before & 31)
  }

  /// The same for those that make a client.
  private func mayBeClient(at bracket: Int) -> Bool {
    let bit = Self.ending(byte(bracket - 1), byte(bracket - 2))
    return Self.clientEndings[bit >> 6] & 1 << UInt64(bit & 63) != 0
  }

  /// By twelve bits of a name's hash: whether it may be one of those above.
  private static let knownCalls: [UInt64] = {
    var known = [UInt64](repeating: 0, count: 64)
    let hashes =
      Array(calls.keys) + Array(receiverCalls.keys) + Array(headerCalls)
      + Array(clientMethods.keys)
    for hash in hashes { known[Int(hash >> 6) & 63] |= 1 << (hash & 63) }
    return known
  }()

  private static let clientEndings = endings(of: [])

  private static let callEndings = endings(
    of: callNames.flatMap { $0.split(separator: " ").map(String.init) } + [
      "sign", "verify", "encode", "decode", "new", "run", "login", "start", "encrypt", "decrypt",
      "init", "connect", "begin", "auth", "basic", "setvalue", "addvalue", "credentials",
      "hexdigest", "digest", "type", "fill", "send_keys", "sendkeys", "presssequentially",
      "typetext", "settext", "entertext",
    ])

  private static func endings(of names: [String]) -> [UInt64] {
    var endings = [UInt64](repeating: 0, count: 16)
    func add(_ bytes: some BidirectionalCollection<UInt8>) {
      guard let last = bytes.last, let before = bytes.dropLast().last else { return }
      let bit = ending(last, before)
      endings[bit >> 6] |= 1 << UInt64(bit & 63)
    }
    for client in clients {
      let bytes = UnsafeBufferPointer(start: client.utf8Start, count: client.utf8CodeUnitCount)
      add(bytes)
      // OAuth1, S3Client2
      for digit in UInt8(ascii: "0")...UInt8(ascii: "9") { add([bytes[bytes.count - 1], digit]) }
    }
    for name in names { add(name.utf8) }
    return endings
  }

  // MARK: - Elements

  /// The element behind another one in quotes: a value behind its name (`"API_KEY", "X"`), or a
  /// random one behind a secret; from the comma.
  mutating func nextElement(after comma: Int) -> SecretFinding? {
    var nameEnd = comma - 1
    while nameEnd > floor, bytes[nameEnd - 1] == UInt8(ascii: "\\") { nameEnd -= 1 }
    let isBehindSecret = nameEnd == floor && floor > 0
    // A text that was cut may begin with the quote.
    guard isBehindSecret || nameEnd > floor else { return nil }
    var role = SecretKeyName.Role.other
    var nameStart = nameEnd
    if !isBehindSecret {
      var letters: UInt32 = 0
      let limit = max(floor, nameEnd - 64)
      if bytes[nameEnd - 1] == UInt8(ascii: "]"), nameEnd - 1 > limit {
        nameEnd -= 1
        nameStart = nameEnd
      }
      while nameStart > limit, has(nameStart - 1, .dotted) {
        nameStart -= 1
        if has(nameStart, .letter) { letters |= 1 << UInt32(bytes[nameStart] & 31) }
      }
      guard SecretKeyName.mayBe(letters),
        has(nameStart - 1, .quote) || byte(nameStart - 1).isOne(of: "#=")
      else { return nil }
      var partStart = nameEnd
      while partStart > nameStart, has(partStart - 1, .name) { partStart -= 1 }
      role = keyRole(of: partStart..<nameEnd)
      guard role != .other else { return nil }
    }
    var start = skipBlanks(from: comma + 1)
    if let line = lineBreakEnd(at: start) { start = skipBlanks(from: line) }
    // fill_in "Password", with: "X"
    if bytes.matches("with: ", at: start) { start += 6 }
    if has(start + 1, .quote), byte(start).isOne(of: "bBrRuU@N") { start += 1 }
    var depth = 0
    while byte(start) == UInt8(ascii: "\\"), depth < 4 {
      start += 1
      depth += 1
    }
    guard has(start, .quote),
      var value = quotedWord(from: start + 1, quote: bytes[start], depth: depth)
    else { return nil }
    // The key of the next pair.
    let rest = skipBlanks(from: endOfWord(value))
    guard byte(rest) != UInt8(ascii: ":"), byte(rest) != UInt8(ascii: "=") else { return nil }
    // "\"X\""
    if bytes.matches("\\\"", at: value.range.lowerBound),
      bytes.matches("\\\"", at: value.range.upperBound - 2), value.range.count > 8
    {
      value.range = value.range.lowerBound + 2..<value.range.upperBound - 2
    }
    guard isElement(value, of: role, named: nameStart) else { return nil }
    return named(
      SecretFinding(start: value.range.lowerBound, end: value.range.upperBound, kind: "secret"))
  }

  private func isElement(
    _ value: SecretValue, of role: SecretKeyName.Role, named nameStart: Int
  ) -> Bool {
    guard !isNumberedNoun(value.range) else { return false }
    guard case .secret(let noun) = role else { return isRandomToken(value.range) }
    if noun == .header {
      return isRandomToken(value.range) || isBareHex(value.range)
    }
    if contains(.space, in: value.range) {
      return isSetter(before: nameStart) && isSecretOfWords(value.range, as: noun)
    }
    guard isLiteral(value, as: noun) else { return false }
    if isRandomToken(value.range) || isBareHex(value.range) { return true }
    if isSetter(before: nameStart) { return !isWordy(value.range) || isTelling(value) }
    return isMixedPassword(value.range)
  }

  /// Whether the call that a name is an argument of sets or reads something by its name.
  private func isSetter(before nameStart: Int) -> Bool {
    var bracket = nameStart - 1
    // The rest of a selector: input[name=
    if byte(bracket).isOne(of: "#=") {
      let limit = max(floor, bracket - 32)
      while bracket > limit, !has(bracket, .quote) { bracket -= 1 }
    }
    while bracket > floor, bytes[bracket - 1] == UInt8(ascii: "\\") || has(bracket - 1, .space) {
      bracket -= 1
    }
    // A call, or in Ruby the name alone.
    let end = byte(bracket - 1) == UInt8(ascii: "(") ? bracket - 1 : bracket
    let start = runStart(.word, before: end, count: 40)
    return start < end && Self.setters.contains(wordHash(start..<end))
  }

  private static let setters = Set(
    ("put set setproperty setenv putenv env getenv get getordefault define header headers "
      + "addheader setheader setrequestheader append fetch setdefault setenvironmentvariable add "
      + "withheader setstring store save setitem addparameter config option setoption set_var fill "
      + "type sendkeys send_keys fill_in fillin")
      .split(separator: " ").map { SecretKeyName.hash($0.utf8.lazy.map { $0 | 0x20 }) })

  // MARK: - Fallbacks

  /// `process.env.API_KEY || "X"`, `getenv('TOKEN') ?: 'X'`, from the operator.
  mutating func fallbackValue(at index: Int) -> SecretFinding? {
    var end = runStart(.space, before: index, count: 8)
    if byte(end - 1) == UInt8(ascii: ")") { end -= 1 }
    guard let key = name(before: end), key.mayNameSecret,
      case .secret(let noun) = keyRole(of: key.range)
    else { return nil }
    let start = skipBlanks(from: index + 2)
    guard has(start, .quote),
      let value = quotedWord(from: start + 1, quote: bytes[start], depth: 0),
      let finding = secret(value, as: noun)
    else { return nil }
    return finding
  }
}
