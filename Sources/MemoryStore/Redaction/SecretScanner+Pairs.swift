extension SecretScanner {
  // Secrets that are told by what they stand beside: an account's id, the arguments of a call.

  /// The secret behind the id of a key: AWS's 40 characters of base64 beside an access key.
  func partner(of finding: SecretFinding) -> SecretFinding? {
    // The id stood under a name that is taken for a secret's.
    if finding.end - finding.start == 34, bytes.matches("AC", at: finding.start),
      runEnd(.lowerHex, from: finding.start + 2, limit: finding.end) == finding.end
    {
      return accountSecret(after: finding.end)
    }
    guard finding.end - finding.start == 20, let kind = finding.kind,
      kind.utf8Start[0] == UInt8(ascii: "a"),
      kind.utf8CodeUnitCount == 14
    else { return nil }
    let start = partnerStart(from: finding.end)
    let end = runEnd(.base64, from: start, limit: start + 41)
    guard start > finding.end, end - start == 40, contains(.digit, in: start..<end),
      contains(.upper, in: start..<end), contains(.lower, in: start..<end)
    else { return nil }
    return SecretFinding(start: start, end: end, kind: "aws-secret-key")
  }

  /// The authentication token behind Twilio's `AC…`, from the index behind the id.
  func accountSecret(after end: Int) -> SecretFinding? {
    let start = partnerStart(from: end)
    let secretEnd = runEnd(.lowerHex, from: start, limit: start + 33)
    guard start > end, secretEnd - start == 32, !has(secretEnd, .word) else { return nil }
    return SecretFinding(start: start, end: secretEnd, kind: "twilio-auth-token")
  }

  /// Where the next value begins behind an id, its quote and a separator; a name may stand
  /// before it (`secret=`, `authToken:`).
  private func partnerStart(from end: Int) -> Int {
    var index = end
    let limit = min(bytes.count, end + 40)
    while index < limit, has(index, [.space, .quote]) || bytes[index].isOne(of: ",:;|\\/") {
      if bytes[index] == UInt8(ascii: "\\"), byte(index + 1) == UInt8(ascii: "n") { index += 1 }
      index += 1
    }
    let nameEnd = runEnd(.word, from: index, limit: index + 24)
    guard nameEnd > index, byte(nameEnd).isOne(of: "=:") else { return index }
    var value = nameEnd + 1
    while value < nameEnd + 6, has(value, [.space, .quote]) { value += 1 }
    return value
  }

  // MARK: - Calls

  /// The secret among the arguments of a call whose name says which one it is; from the bracket.
  mutating func argument(after bracket: Int) -> SecretFinding? {
    let nameStart = runStart(.word, before: bracket, count: 40)
    let position: Int
    if nameStart == bracket {
      // requests.get(url, auth=("me", "…"))
      guard bytes.matches("auth=", at: bracket - 5) else { return nil }
      position = 1
    } else {
      let name = wordHash(nameStart..<bracket)
      guard let index = Self.calls[name] else { return nil }
      position = index
    }
    var index = bracket + 1
    for argument in 0...position {
      index = skipBlanks(from: index)
      if argument == position {
        guard has(index, .quote),
          let value = quotedWord(from: index + 1, quote: bytes[index], depth: 0)
        else { return nil }
        return secret(value, as: .password)
      }
      if has(index, .quote) {
        index += 1
        while index < bytes.count, bytes[index] >= 32, !has(index, .quote), index - bracket < 400 {
          index += 1
        }
        guard has(index, .quote) else { return nil }
        index += 1
      } else {
        index = runEnd(.dotted, from: index, limit: index + 64)
      }
      index = skipBlanks(from: index)
      guard byte(index) == UInt8(ascii: ",") else { return nil }
      index += 1
      while index - bracket < 400, has(index, .space) { index += 1 }
    }
    return nil
  }

  /// By the name of a function: which of its arguments is a secret.
  private static let calls: [UInt64: Int] = {
    let names = [
      "setpassword withpassword azurekeycredential secretstr setsecret setapikey withapikey "
        + "settoken withtoken setsecretkey withsecret passwordauthenticationtoken tosecurestring "
        + "setclientsecret",
      "basicawscredentials usernamepasswordcredentials usernamepasswordcredential httpbasicauth "
        + "httpdigestauth networkcredential setbasicauth set_basic_auth basicauth basic_auth "
        + "withbasicauth passwordauthentication storagesharedkeycredential newsharedkeycredential "
        + "newstaticcredentials newstaticcredentialsprovider staticcredentialsprovider login "
        + "algoliasearch searchclient plainauthenticator plaintextauthprovider httpauth "
        + "basicauthentication usernamepasswordauthenticationtoken",
      "getconnection mysqli mysql_connect mysqli_connect pdo clientsecretcredential plainauth "
        + "newclientsecretcredential",
    ]
    var calls: [UInt64: Int] = [:]
    for (position, row) in names.enumerated() {
      for name in row.split(separator: " ") {
        calls[SecretKeyName.hash(name.utf8.lazy.map { $0 | 0x20 })] = position
      }
    }
    return calls
  }()
}
