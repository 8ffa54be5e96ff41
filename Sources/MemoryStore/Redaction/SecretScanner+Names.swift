// Reads the name of a key in a text.
extension SecretScanner {
  func keyRole(of key: Range<Int>) -> SecretKeyName.Role {
    SecretKeyName.role(of: words(of: key))
  }

  package func isExempt(_ key: Range<Int>) -> Bool {
    SecretKeyName.isExempt(words(of: key))
  }

  /// The hash of a word in lower case; signs change too, alike on both sides.
  func wordHash(_ word: Range<Int>) -> UInt64 {
    var hash = SecretKeyName.hashSeed
    for index in word { hash = SecretKeyName.step(hash, bytes[index] | 0x20) }
    return hash
  }

  /// The parts played by the words of a name in snake, kebab or camel case.
  private func words(of key: Range<Int>) -> [SecretKeyName.Part] {
    var words: [SecretKeyName.Part] = []
    var start = key.lowerBound
    while start < key.upperBound {
      guard has(start, .alphanumeric) else {
        start += 1
        continue
      }
      var end = start + 1
      while end < key.upperBound, has(end, .alphanumeric), !isHump(at: end, in: key) { end += 1 }
      words.append(part(of: start..<end))
      start = end
    }
    return words
  }

  /// Whether a word of a camel case name begins at an index: `aB`, `1B`, or the B of `ABc`.
  func isHump(at index: Int, in key: Range<Int>) -> Bool {
    guard has(index, .upper) else { return false }
    if !has(index - 1, .upper) { return true }
    return index + 1 < key.upperBound && has(index + 1, .lower)
  }

  private func part(of word: Range<Int>) -> SecretKeyName.Part {
    func part(_ range: Range<Int>) -> SecretKeyName.Part? {
      SecretKeyName.parts[SecretKeyName.hash(range.lazy.map { bytes[$0] | 0x20 })]
    }
    if let part = part(word) { return part }
    // token2
    var end = word.upperBound
    while end > word.lowerBound, has(end - 1, .digit) { end -= 1 }
    if end < word.upperBound, end > word.lowerBound, let part = part(word.lowerBound..<end) {
      return part
    }
    // pgpassword, accesstoken
    for (suffix, part) in Self.suffixes
    where end - word.lowerBound > suffix.utf8CodeUnitCount
      && bytes.matches(suffix, at: end - suffix.utf8CodeUnitCount, ignoringCase: true)
    {
      return part
    }
    return []
  }

  private static let suffixes: [(StaticString, SecretKeyName.Part)] = [
    ("password", .password), ("passwd", .password), ("passphrase", .phrase),
    ("secret", .token), ("token", .token), ("apikey", .token), ("sessionid", .tokenAtEnd),
    ("sessid", .tokenAtEnd),
  ]
}
