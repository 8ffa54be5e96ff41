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
}
