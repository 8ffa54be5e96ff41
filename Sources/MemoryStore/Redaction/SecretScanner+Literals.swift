/// A value in an assignment-like place.
struct SecretValue {
  var range: Range<Int>
  var isQuoted: Bool
  var style: SecretScanner.ValueStyle

  init(_ range: Range<Int>, isQuoted: Bool, style: SecretScanner.ValueStyle = .spaced) {
    self.range = range
    self.isQuoted = isQuoted
    self.style = style
  }
}

extension SecretScanner {
  /// Values longer than this are judged by their beginning.
  private static let judgedLength = 256

  /// Whether a value under the name of a secret is the secret itself: no variable, call, type,
  /// path, placeholder or word.
  ///
  /// A password needs a digit or a sign in it, a token a digit and, but for settings, a form that
  /// is not the one of words in a row (`my-config-2`).
  func isLiteral(_ value: SecretValue, as noun: SecretKeyName.Noun) -> Bool {
    guard value.range.count >= 6, !isPlaceholder(value.range, isQuoted: value.isQuoted) else {
      return false
    }
    if isRandomToken(value.range) || isLongHex(value.range) { return true }
    if !value.isQuoted, isCode(value, under: noun) { return false }
    let head = value.range.prefix(Self.judgedLength)
    let hasDigits = contains(.digit, in: head)
    let hasLetters = contains(.letter, in: head)
    if noun == .password {
      if !hasLetters, hasDigits, !hasSign(head) {
        return (value.isQuoted || value.style == .environment)
          && head.allSatisfy { has($0, .digit) }
      }
      return hasDigits || hasSign(head)
    }
    guard hasLetters else { return false }
    guard hasDigits else { return value.isQuoted && hasRandomPart(head) }
    // A name has no such sign, nor an accent.
    if isMarked(head, isSure: value.isQuoted || value.style == .environment) { return true }
    // TOKEN=my-own-token-2 is a setting, "my-own-token-2" in code more often a name.
    let isSetting = !value.isQuoted && value.style == .environment
    return isSetting && !contains(.plusSlash, in: head) ? !isNumberedNoun(head) : !isWordy(head)
  }

  /// Whether a value has a sign between its letters and digits, or behind them, that names, paths
  /// and versions do not have: `Tr0ub!4d`, `Größe7tür`.
  ///
  /// - Parameter isSure: Whether it is no expression, as it is in quotes or a word of a shell.
  package func isMarked(_ range: Range<Int>, isSure: Bool = true) -> Bool {
    var end = range.upperBound
    // The end of a sentence, a pattern.
    while end > range.lowerBound, bytes[end - 1].isOne(of: "?!*.,:;") { end -= 1 }
    guard end > range.lowerBound, contains(.digit, in: range), contains(.letter, in: range),
      !contains(.space, in: range), !bytes[range.lowerBound].isOne(of: "@%&*#")
    else { return false }
    var signs = end < range.upperBound - 1 ? 1 : 0
    if isSure, signs == 0, end < range.upperBound, bytes[end].isOne(of: "!*?"),
      has(end - 1, .digit)
    {
      signs += 1
    }
    var open = 0
    for index in range.lowerBound..<end {
      let byte = bytes[index]
      if byte >= 0xC3 || byte.isOne(of: isSure ? "!#$^&*~|?+%;," : "!#$^&~%") { signs += 1 }
      // me@example.org, left@1.2.3
      if byte == UInt8(ascii: "@"), !contains(.dot, in: index..<end) { signs += 1 }
      if byte.isOne(of: "=/:") { return false }
      if byte.isOne(of: "([{<") { open += 1 }
      if byte.isOne(of: ")]}>") { open -= 1 }
      if open == 0, byte.isOne(of: ")]}>") { return false }
    }
    // A bracket that nothing closes.
    return signs > 0 || isSure && open != 0
  }

  /// Whether a value with signs has a part of sixteen letters that are no words: a key that got
  /// its signs and missed the digits.
  private func hasRandomPart(_ range: Range<Int>) -> Bool {
    guard hasSign(range) else { return false }
    var start = range.lowerBound
    while start < range.upperBound {
      let end = runEnd(.alphanumeric, from: start, limit: range.upperBound)
      if end - start >= 16, isRandomLetters(start..<end) { return true }
      start = end + 1
    }
    return false
  }

  /// A sign that words, paths and names do not have; not at the end, as in "Password?".
  private func hasSign(_ range: Range<Int>) -> Bool {
    var end = range.upperBound
    while end > range.lowerBound, bytes[end - 1].isOne(of: "?!*") { end -= 1 }
    return (range.lowerBound..<end).contains { bytes[$0].isOne(of: "!@#$%^&*~?|") }
  }

  /// 32 or more digits of hex, perhaps with dashes: a key, if the name before says so.
  private func isLongHex(_ range: Range<Int>) -> Bool {
    range.count >= 32
      && range.prefix(Self.judgedLength).allSatisfy { has($0, [.lowerHex, .upperHex, .dash]) }
      && contains(.digit, in: range.prefix(Self.judgedLength))
  }

  // MARK: - Placeholders

  /// Whether a value stands for a secret without being one.
  func isPlaceholder(_ range: Range<Int>, isQuoted: Bool) -> Bool {
    guard !range.isEmpty else { return true }
    let first = bytes[range.lowerBound]
    let head = range.prefix(Self.judgedLength)
    switch first {
    case UInt8(ascii: "<"), UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "%"),
      UInt8(ascii: "("):
      if !isQuoted && first != UInt8(ascii: "%") || isInBrackets(range) { return true }
    case UInt8(ascii: "$"):
      // $NAME; `$2b$…` and `$ecret!` are values.
      if runEnd(.word, from: range.lowerBound + 1) >= range.upperBound { return true }
    case UInt8(ascii: "/"):
      if !isQuoted || !hasLoudSign(range.dropFirst()) { return !isRandomToken(range.dropFirst()) }
    case UInt8(ascii: "\\"):
      // An escape sequence, or a share; two of them are one that is escaped.
      if !isQuoted || !hasLoudSign(range) { return true }
    case UInt8(ascii: "*"), UInt8(ascii: ":"):
      // *alias, :parameter
      if !isQuoted, runEnd(.word, from: range.lowerBound + 1) >= range.upperBound,
        !isRandomToken(range.dropFirst())
      {
        return true
      }
    case UInt8(ascii: "#"):
      // A colour.
      if range.count <= 9, range.dropFirst().allSatisfy({ has($0, .hex) }) { return true }
    case UInt8(ascii: "."), UInt8(ascii: "~"):
      let next = byte(range.lowerBound + 1)
      if next == UInt8(ascii: "/") || next == UInt8(ascii: ".") { return true }
    default:
      if byte(range.lowerBound + 1) == UInt8(ascii: ":"),
        byte(range.lowerBound + 2) == UInt8(ascii: "\\")
      {
        return true
      }
    }
    if head.allSatisfy({ bytes[$0].isOne(of: "*xX.-_#?") })
      || head.allSatisfy({ bytes[$0] == first })
    {
      return true
    }
    if head.contains(where: { isTemplate(at: $0) }) { return true }
    return head.contains(where: { isPlaceholderWord(at: $0) }) && !isRandomToken(range)
  }

  /// A digit and a sign that paths do not have.
  private func hasLoudSign(_ range: Range<Int>) -> Bool {
    contains(.digit, in: range) && range.contains { bytes[$0].isOne(of: "!@#$%^&*") }
      && !range.contains { bytes[$0] == UInt8(ascii: "/") }
  }

  /// `<your token>`, `{token}`, `%TOKEN%`, `%(token)s`, `%s`; `(Str0ng!` is a value.
  private func isInBrackets(_ range: Range<Int>) -> Bool {
    let last = bytes[range.upperBound - 1]
    let next = byte(range.lowerBound + 1)
    switch bytes[range.lowerBound] {
    case UInt8(ascii: "<"): return last == UInt8(ascii: ">")
    case UInt8(ascii: "{"): return last == UInt8(ascii: "}")
    case UInt8(ascii: "["): return last == UInt8(ascii: "]")
    case UInt8(ascii: "("): return last == UInt8(ascii: ")")
    default:
      return last == UInt8(ascii: "%") || next.isOne(of: "({sdvuxq@-.0123456789%")
    }
  }

  /// Where a template language puts a value in, a URL goes on, or something was redacted.
  private func isTemplate(at index: Int) -> Bool {
    let next = byte(index + 1)
    switch bytes[index] {
    case UInt8(ascii: "$"): return next == UInt8(ascii: "{") || next == UInt8(ascii: "(")
    case UInt8(ascii: "{"): return next == UInt8(ascii: "{")
    case UInt8(ascii: "#"): return next == UInt8(ascii: "{")
    case UInt8(ascii: "\\"): return next == UInt8(ascii: "(")
    case UInt8(ascii: ":"):
      return next == UInt8(ascii: "/") && byte(index + 2) == UInt8(ascii: "/")
    case UInt8(ascii: "["): return SecretMarker.end(at: index, in: bytes) != nil
    default: return false
    }
  }

  private func isPlaceholderWord(at index: Int) -> Bool {
    guard Self.placeholderInitials.contains(bytes[index] | 0x20) else { return false }
    return Self.placeholders.contains { bytes.matches($0, at: index, ignoringCase: true) }
  }

  private static let placeholders: [StaticString] = [
    "your", "example", "placeholder", "changeme", "change_me", "change-me", "replace", "insert",
    "redacted", "required", "xxxx", "sample", "dummy", "undefined",
  ]

  private static let placeholderInitials = placeholders.map { $0.utf8Start[0] }

  // MARK: - Code

  /// Whether a value without quotes is an expression of some programming language.
  private func isCode(_ value: SecretValue, under noun: SecretKeyName.Noun) -> Bool {
    let range = value.range
    let terminator = byte(range.upperBound)
    if terminator.isOne(of: "([{<") { return true }
    let head = range.prefix(Self.judgedLength)
    if head.contains(where: { isMemberAccess(at: $0) }) { return true }
    // An identifier, or several with dots.
    guard head.allSatisfy({ has($0, [.word, .dot]) || bytes[$0].isOne(of: "$?!") }),
      has(range.lowerBound, [.letter, .underscore]),
      !head.contains(where: { bytes[$0] == UInt8(ascii: ".") && has($0 + 1, .digit) })
    else { return false }
    guard contains(.digit, in: head) else { return true }
    if contains(.dot, in: head) || isTypeName(head) { return true }
    let next = byte(skipBlanks(from: range.upperBound))
    switch value.style {
    case .environment:
      // `login(password=pass1, …)`; `pass=X,uid=1` is a list of settings.
      return terminator.isOne(of: ",)") && !isInSettings(range)
    case .colon:
      return next.isOne(of: ",;)]}=|&?") || isNumberedNoun(head) || isLongName(head)
    case .spaced:
      // A comment of a settings file ends the value too.
      let comment = skipBlanks(from: range.upperBound)
      let isAtLineEnd =
        next < 32 || next == UInt8(ascii: "\\")
        || next.isOne(of: ";#") && comment > range.upperBound && has(comment + 1, .space)
      guard isAtLineEnd, !isNumberedNoun(head) else { return true }
      return noun != .password && !endsWithNumber(head) && !isMixedPassword(head)
    case .code:
      return true
    }
  }

  /// Whether a comma behind a value is followed by the next setting and no call is around both.
  private func isInSettings(_ range: Range<Int>) -> Bool {
    guard byte(range.upperBound) == UInt8(ascii: ","), isOddWord(range) || endsWithNumber(range)
    else { return false }
    let next = range.upperBound + 1
    let nameEnd = runEnd(.dotted, from: next, limit: next + 64)
    guard nameEnd > next, byte(nameEnd) == UInt8(ascii: "=") else { return false }
    var index = range.lowerBound
    let limit = max(floor, index - 160)
    while index > limit, bytes[index - 1] > 32, !has(index - 1, .quote) {
      if bytes[index - 1] == UInt8(ascii: "(") { return false }
      index -= 1
    }
    return true
  }

  /// `FTS5TokenCallback`: a dozen letters and one or two digits. What a person chose ends with them.
  private func isLongName(_ range: Range<Int>) -> Bool {
    let digits = range.reduce(0) { $0 + (has($1, .digit) ? 1 : 0) }
    return range.count >= 12 && digits <= 2 && !endsWithNumber(range)
      && !(range.count >= 20 && isRandomLetters(range))
  }

  /// `KestrelPlover42`: letters, then two to four digits.
  func endsWithNumber(_ range: Range<Int>) -> Bool {
    var end = range.upperBound
    while end > range.lowerBound, has(end - 1, .digit) { end -= 1 }
    return (2...4).contains(range.upperBound - end)
      && end - range.lowerBound >= 8
      && (range.lowerBound..<end).allSatisfy { has($0, .letter) }
  }

  private func isMemberAccess(at index: Int) -> Bool {
    let next = byte(index + 1)
    switch bytes[index] {
    case UInt8(ascii: ":"): return next == UInt8(ascii: ":")
    case UInt8(ascii: "-"): return next == UInt8(ascii: ">")
    case UInt8(ascii: "?"): return next == UInt8(ascii: ".")
    default: return false
    }
  }

  /// `UInt64`, `uint8_t`, `sha256`: one of a few words and a number.
  private func isTypeName(_ range: Range<Int>) -> Bool {
    var end = range.upperBound
    if bytes.matches("_t", at: end - 2) { end -= 2 }
    while end > range.lowerBound, has(end - 1, .digit) || byte(end - 1) == UInt8(ascii: "?") {
      end -= 1
    }
    let name = SecretKeyName.hash((range.lowerBound..<end).lazy.map { bytes[$0] | 0x20 })
    return Self.typeNames.contains(name)
  }

  private static let typeNames = Set(
    ("int uint i u f float double decimal char varchar nvarchar byte bytes string text bit bits "
      + "utf base sha md oauth vec complex word qword")
      .split(separator: " ").map { SecretKeyName.hash($0.utf8) })

  // MARK: - Words

  /// Whether a value is words and numbers in a row, or the name of a secret with a number.
  func isWordy(_ range: Range<Int>) -> Bool {
    var parts = 0
    var start = range.lowerBound
    while start < range.upperBound {
      let end = runEnd(.alphanumeric, from: start, limit: range.upperBound)
      if end > start {
        parts += 1
        guard isWordOrNumber(start..<end) else { return false }
      }
      start = end + 1
    }
    return parts > 1 || isNumberedNoun(range) || !contains(.digit, in: range)
  }

  private func isWordOrNumber(_ range: Range<Int>) -> Bool {
    if range.count <= 4 { return true }
    let digits = range.reduce(0) { $0 + (has($1, .digit) ? 1 : 0) }
    if digits == 0 || digits == range.count && digits <= 8 { return true }
    // version2, 2nd
    return digits <= 2 && (has(range.upperBound - 1, .digit) || has(range.lowerBound, .digit))
      && range.count - digits >= 3
  }

  /// `token1`, `apiKey2`, `test_password`.
  func isNumberedNoun(_ range: Range<Int>) -> Bool {
    var end = range.upperBound
    while end > range.lowerBound, has(end - 1, .digit) { end -= 1 }
    guard range.upperBound - end <= 2 else { return false }
    // db-password-1, app-secret-v2
    if end < range.upperBound, byte(end - 1) == UInt8(ascii: "v"),
      has(end - 2, [.dash, .underscore])
    {
      end -= 1
    }
    if end < range.upperBound, has(end - 1, [.dash, .underscore]) { end -= 1 }
    return Self.nouns.contains { noun in
      end - noun.utf8CodeUnitCount >= range.lowerBound
        && bytes.matches(noun, at: end - noun.utf8CodeUnitCount, ignoringCase: true)
    }
  }

  private static let nouns: [StaticString] = [
    "token", "secret", "password", "passwd", "key", "pass", "pwd", "value", "credential",
    "credentials", "auth",
  ]
}
