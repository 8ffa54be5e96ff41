extension SecretScanner {
  /// How far back the program of an option is looked for, in bytes and in words.
  private static let commandLength = 768
  private static let commandWords = 64

  /// The value of `-p`, `-a`, `-k` …, if the program before takes a secret there; from the dash.
  ///
  /// What such a place holds is a secret whatever it looks like, unless it stands for one.
  mutating func optionValue(at dash: Int) -> SecretFinding? {
    guard has(dash + 1, .letter) else { return nil }
    if byte(dash + 1) == UInt8(ascii: "u"), let password = userPassword(after: dash + 2) {
      return password
    }
    guard let program = program(before: dash), !program.options.isEmpty else {
      return namedOption(at: dash)
    }
    let isListed = has(dash - 1, .quote)
    let letters = dash + 1..<runEnd(.letter, from: dash + 1, limit: dash + 16)
    for option in program.options {
      let length = option.name.utf8CodeUnitCount
      func isMeant() -> Bool {
        option.verb.map { hasWord($0, in: program.name.upperBound..<dash) } ?? true
      }
      if option.form == .positional {
        guard letters.contains(where: { bytes[$0] == option.name.utf8Start[0] }), isMeant() else {
          continue
        }
        return positionalValue(after: letters)
      }
      if option.form == .piped {
        guard bytes.matches(option.name, at: dash + 1), letters.count == length else { continue }
        return pipedSecret(into: dash)
      }
      var nameEnd = dash + 1 + length
      if !bytes.matches(option.name, at: dash + 1) {
        // curl -sSu: flags may stand before the letter.
        guard option.form == .afterColon || option.form == .bundled, !letters.isEmpty,
          !has(letters.upperBound, .dotted),
          bytes.matches(option.name, at: letters.upperBound - length)
        else { continue }
        nameEnd = letters.upperBound
      }
      guard isMeant(),
        let value = wordAfterOption(endingAt: nameEnd, of: option, isListed: isListed)
      else {
        continue
      }
      if let secret = optionSecret(value, form: option.form) { return secret }
    }
    return namedOption(at: dash)
  }

  /// `-Password X`, `-ApiKey X`: an option of several letters that names a secret.
  private mutating func namedOption(at dash: Int) -> SecretFinding? {
    let nameEnd = runEnd(.name, from: dash + 1, limit: dash + 40)
    guard nameEnd - dash > 4, byte(nameEnd) == UInt8(ascii: " "),
      case .secret(let noun) = optionRole(of: dash + 1..<nameEnd),
      var value = nextWord(after: nameEnd)
    else { return nil }
    if wordHash(dash + 1..<nameEnd) == Self.authOption {
      // -auth me:X
      guard skipUser(of: &value, to: ":"), isTelling(value) || endsWithNumber(value.range) else {
        return nil
      }
    }
    guard isGiven(value), isLiteral(SecretValue(value.range, isQuoted: true), as: noun) else {
      return nil
    }
    return named(
      SecretFinding(start: value.range.lowerBound, end: value.range.upperBound, kind: "secret"))
  }

  /// `-pass` says a password, as `pass` alone in a settings file may not.
  private func optionRole(of name: Range<Int>) -> SecretKeyName.Role {
    bytes.matches("pass", at: name.lowerBound) && name.count == 4
      ? .secret(.password) : keyRole(of: name)
  }

  private static let authOption = SecretKeyName.hash("auth".utf8.lazy.map { $0 | 0x20 })

  /// `/p:X`, from the colon.
  mutating func slashOption(at colon: Int) -> SecretFinding? {
    guard byte(colon - 1) | 0x20 == UInt8(ascii: "p"), byte(colon - 2) == UInt8(ascii: "/"),
      has(colon - 3, .space),
      program(before: colon - 2)?.options.contains(where: { $0.form == .slashed }) == true,
      let value = shellWord(from: colon + 1), isGiven(value)
    else { return nil }
    return named(
      SecretFinding(start: value.range.lowerBound, end: value.range.upperBound, kind: "secret"))
  }

  private mutating func optionSecret(
    _ value: SecretValue, form: SecretOption.Form
  ) -> SecretFinding? {
    var value = value
    switch form {
    case .afterColon: guard skipUser(of: &value, to: ":") else { return nil }
    case .afterComma: guard skipUser(of: &value, to: ",") else { return nil }
    case .afterPercent: guard skipUser(of: &value, to: "%") else { return nil }
    case .source:
      let isKnown = ["pass", "key", "hexkey"].contains { (source: StaticString) in
        bytes.matches(source, at: value.range.lowerBound)
          && byte(value.range.lowerBound + source.utf8CodeUnitCount) == UInt8(ascii: ":")
      }
      guard isKnown, skipUser(of: &value, to: ":") else { return nil }
    case .slashed: return nil
    case .value, .separate, .bundled, .attached, .positional, .piped: break
    }
    guard isGiven(value) else { return nil }
    return named(
      SecretFinding(
        start: value.range.lowerBound, end: value.range.upperBound,
        kind: form == .afterColon ? "basic-auth" : "secret"))
  }

  func skipUser(of value: inout SecretValue, to separator: StaticString) -> Bool {
    let sign = separator.utf8Start[0]
    if let index = value.range.first(where: { bytes[$0] == sign }),
      index + 1 < value.range.upperBound
    {
      value.range = index + 1..<value.range.upperBound
      return true
    }
    // me:'X' and 'me':X are one word of a shell.
    let end = value.range.upperBound
    let index = value.isQuoted && has(end, .quote) ? end + 1 : end
    guard byte(index) == sign, let next = shellWord(from: index + 1) else { return false }
    value = next
    return true
  }

  /// Whether a value in the place of a secret is one: no variable, mapping of ports, placeholder,
  /// and no word of a sentence that speaks of the option.
  package func isGiven(_ value: SecretValue) -> Bool {
    let range = value.range
    guard range.count >= 3, range.count <= 512, bytes[range.lowerBound] != UInt8(ascii: "-"),
      !isPlaceholder(range, isQuoted: value.isQuoted)
    else { return false }
    // @env:NAME, @keychain:name
    if bytes[range.lowerBound] == UInt8(ascii: "@"),
      range.contains(where: { bytes[$0] == UInt8(ascii: ":") })
    {
      return false
    }
    if isSaidOfOption(range) { return false }
    for source in ["env:", "file:", "fd:"] as [StaticString]
    where bytes.matches(source, at: range.lowerBound) {
      return false
    }
    // 8080:80, 127.0.0.1:3306:3306/tcp
    return !range.allSatisfy({ has($0, [.digit, .dot]) || bytes[$0].isOne(of: ":/tcpud") })
      || !range.contains(where: { bytes[$0] == UInt8(ascii: ":") })
  }

  /// Whether a word is one that a manual puts in the place of a value, or a sentence behind an option.
  func isSaidOfOption(_ word: Range<Int>) -> Bool {
    Self.saidOfOptions.contains(wordHash(word))
  }

  private static let saidOfOptions = Set(
    ("password passwd pass pwd secret token passphrase key flag flags option options argument "
      + "arguments arg args switch parameter parameters value values prompt string text with to "
      + "and or for is are was were the an in on from as at by of if when then not you your it "
      + "its this that which port public private stdin env file interactive means asks takes "
      + "instead only without but because here there can may must should will also works fails")
      .split(separator: " ").map { SecretKeyName.hash($0.utf8.lazy.map { $0 | 0x20 }) })

  /// What `echo` or `printf` hands to a command that reads a password, from within that command.
  mutating func pipedSecret(into index: Int) -> SecretFinding? {
    var pipe = index
    while pipe > max(floor, index - 96), bytes[pipe - 1] != UInt8(ascii: "|") {
      guard bytes[pipe - 1] != UInt8(ascii: "\n") else { return nil }
      pipe -= 1
    }
    let end = runStart(.space, before: pipe - 1, count: 16)
    let isQuoted = has(end - 1, .quote)
    var last = isQuoted ? end - 1 : end
    while isQuoted, last > floor, bytes[last - 1] == UInt8(ascii: "\\") { last -= 1 }
    var start = last
    while start > max(floor, last - 256),
      isQuoted ? !has(start - 1, .quote) : !has(start - 1, [.space, .quote])
    {
      start -= 1
    }
    guard start > floor, last > start,
      (max(floor, start - 20)..<start).contains(where: {
        bytes.matches("echo ", at: $0) || bytes.matches("printf ", at: $0)
      })
    else { return nil }
    let value = SecretValue(start..<last, isQuoted: isQuoted)
    return isGiven(value) ? named(SecretFinding(start: start, end: last, kind: "secret")) : nil
  }

  // MARK: - Words of a command

  /// The nearest program before an index, in the same command, and the options that it has.
  ///
  /// Of a command with many options each word is looked at once: what was found before an earlier
  /// one holds for the later ones as well, unless a program stands between.
  private mutating func program(before index: Int) -> SecretProgram? {
    // Past what was found before: a command may have two secrets.
    let limit = max(0, index - Self.commandLength)
    let known = lastProgram
    var position = index
    var words = 0
    var found: SecretProgram?
    while words < Self.commandWords, let word = word(before: position, limit: limit) {
      if found != nil {
        // The name of a container or of a host, and no program.
        guard isNaming(word) else { break }
        found = nil
      }
      if word.upperBound <= known.index {
        found = known.program.flatMap { $0.name.lowerBound >= limit ? $0 : nil }
        break
      }
      let base = baseName(of: word)
      if let row = SecretOption.row(of: bytes[base]) {
        found = SecretProgram(name: base, row: row)
      }
      position = word.lowerBound
      words += 1
    }
    lastProgram = (index, found)
    return found
  }

  /// Whether a word stands in a command before anything in quotes.
  private func hasWord(_ word: StaticString, in range: Range<Int>) -> Bool {
    // As a list of arguments, all is in quotes.
    let isListed =
      has(range.lowerBound, .quote) || byte(range.lowerBound) == UInt8(ascii: "\\")
    for position in range {
      if has(position, .quote), !isListed { return false }
      if has(position - 1, [.space, .quote]), bytes.matches(word, at: position),
        has(position + word.utf8CodeUnitCount, [.space, .quote])
          || byte(position + word.utf8CodeUnitCount) == UInt8(ascii: "\\")
      {
        return true
      }
    }
    return false
  }

  private func baseName(of word: Range<Int>) -> Range<Int> {
    var start = word.upperBound
    while start > word.lowerBound, !bytes[start - 1].isOne(of: "/\\") { start -= 1 }
    let end = word.upperBound
    return bytes.matches(".exe", at: end - 4, ignoringCase: true) && end - 4 > start
      ? start..<end - 4 : start..<end
  }

  /// Whether the word behind this one is a name: `--name mysql`, `ssh mongo`.
  private func isNaming(_ word: Range<Int>) -> Bool {
    Self.naming.contains(wordHash(word))
  }

  private static let naming = Set(
    ("--name --network --host --hostname --link --service --namespace --user --container-name "
      + "-h -n -l -u ssh mosh")
      .split(separator: " ").map { SecretKeyName.hash($0.utf8.lazy.map { $0 | 0x20 }) })

  /// The last word of the command that ends before an index; nil at the command's beginning.
  ///
  /// Words stand between blanks, or as a list of arguments between quotes and commas.
  private func word(before index: Int, limit: Int) -> Range<Int>? {
    var end = index
    while end > limit {
      let last = bytes[end - 1]
      if last == UInt8(ascii: "n"), byte(end - 2) == UInt8(ascii: "\\") {
        // A line break that is written as `\n`.
        guard isContinued(lineEndingAt: end - 2, limit: limit) || startsItem(end) else {
          return nil
        }
        end -= 1
      } else if last == UInt8(ascii: "\n") {
        guard isContinued(lineEndingAt: end - 1, limit: limit) || startsItem(end) else {
          return nil
        }
      } else if !has(end - 1, [.space, .quote]), !last.isOne(of: ",[\\") {
        break
      }
      end -= 1
    }
    guard end > limit, !bytes[end - 1].isOne(of: ";|&({}`$") else { return nil }
    var start = end
    while start > limit, !has(start - 1, [.space, .quote]), !bytes[start - 1].isOne(of: ";|&(,[`") {
      // The letter of an escape sequence is no part of the word behind it.
      if bytes[start - 1] == UInt8(ascii: "\\"), bytes[start].isOne(of: "nrt") {
        return start + 1 < end ? start + 1..<end : nil
      }
      start -= 1
    }
    return start < end ? start..<end : nil
  }

  /// Whether a line goes on: it ends with a backslash, a comma or an opening bracket.
  private func isContinued(lineEndingAt newline: Int, limit: Int) -> Bool {
    var end = newline
    if end > limit, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
    return end > limit && bytes[end - 1].isOne(of: "\\,[`^")
  }

  /// Whether a line begins with the `- ` of a list.
  private func startsItem(_ lineStart: Int) -> Bool {
    let start = skipBlanks(from: lineStart)
    return byte(start) == UInt8(ascii: "-") && byte(start + 1) == UInt8(ascii: " ")
  }

  /// The word that an option takes, from the end of the option's name.
  private func wordAfterOption(
    endingAt nameEnd: Int, of option: SecretOption, isListed: Bool
  ) -> SecretValue? {
    if isListed, has(nameEnd, .quote) || byte(nameEnd) == UInt8(ascii: "\\") {
      guard option.form != .attached else { return nil }
      return listedWord(after: nameEnd)
    }
    guard has(nameEnd, .space) || byte(nameEnd) == UInt8(ascii: "\\") && byte(nameEnd + 1) < 32
    else {
      // Long names end where they end.
      guard
        option.name.utf8CodeUnitCount == 1 && option.form != .separate || option.form == .attached
          || byte(nameEnd) == UInt8(ascii: "=")
      else { return nil }
      let start =
        byte(nameEnd) == UInt8(ascii: "=") && option.form != .attached
        ? nameEnd + 1 : nameEnd
      return shellWord(from: start)
    }
    guard option.form != .attached else { return nil }
    return nextWord(after: nameEnd)
  }

  /// The next word of a command line.
  func nextWord(after index: Int) -> SecretValue? {
    var start = skipBlanks(from: index)
    if byte(start) == UInt8(ascii: "\\"), let next = lineBreakEnd(at: start + 1) {
      start = skipBlanks(from: next)
    } else if let next = lineBreakEnd(at: start), startsItem(next) {
      start = skipBlanks(from: skipBlanks(from: next) + 1)
    }
    return start > index ? shellWord(from: start) : nil
  }

  /// The next element of a list of quoted arguments, from the end of the one before.
  func listedWord(after index: Int) -> SecretValue? {
    var start = index
    while byte(start) == UInt8(ascii: "\\") { start += 1 }
    guard has(start, .quote) else { return nil }
    start += 1
    let limit = start + 64
    while start < limit, has(start, .space) || byte(start) == UInt8(ascii: ",") { start += 1 }
    guard has(start, .quote) || byte(start) == UInt8(ascii: "\\") else { return nil }
    return shellWord(from: start)
  }

  /// A word of a command line, in quotes or bare. Bare words end where a shell ends them.
  func shellWord(from start: Int) -> SecretValue? {
    var index = start
    while byte(index) == UInt8(ascii: "\\") { index += 1 }
    let depth = index - start
    if has(index, .quote), byte(index) != UInt8(ascii: "`"), [0, 1, 3].contains(depth) {
      return quotedWord(from: index + 1, quote: bytes[index], depth: depth)
    }
    var end = start
    let limit = min(bytes.count, start + 513)
    while end < limit, bytes[end] > 32, !has(end, .quote), !bytes[end].isOne(of: ";|&<>()") {
      if bytes[end] == UInt8(ascii: "\\") {
        let next = byte(end + 1)
        if next < 33 || next.isOne(of: "nrt\"'\\") { break }
        end += 1
      }
      end += 1
    }
    end = min(end, bytes.count)
    // A comma, a bracket or a full stop behind a bare word belongs to what is around it.
    while end > start, bytes[end - 1].isOne(of: ",])}.:") { end -= 1 }
    return end > start ? SecretValue(start..<end, isQuoted: false, style: .environment) : nil
  }

  /// A value in quotes that may hold blanks, from behind its quote; nil if the line ends first.
  func quotedWord(from start: Int, quote: UInt8, depth: Int) -> SecretValue? {
    var index = start
    let limit = min(bytes.count, start + 512)
    var slashes = 0
    while index < limit, bytes[index] >= 32 || bytes[index] == 9 {
      if bytes[index] == UInt8(ascii: "\\") {
        slashes += 1
      } else {
        if bytes[index] == quote, slashes % (2 * depth + 2) == depth {
          let end = index - depth
          return end > start ? SecretValue(start..<end, isQuoted: true) : nil
        }
        slashes = 0
      }
      index += 1
    }
    // A text that was cut off inside a value still holds a part of it.
    guard index == bytes.count else { return nil }
    var end = start
    while end < index, !has(end, .space) { end += 1 }
    return end > start ? SecretValue(start..<end, isQuoted: true) : nil
  }

  /// `htpasswd -b file user X`, from the letters of the option.
  private mutating func positionalValue(after letters: Range<Int>) -> SecretFinding? {
    let isListed = has(letters.upperBound, .quote)
    var skipped = letters.contains(where: { bytes[$0] == UInt8(ascii: "n") }) ? 1 : 2
    // -C 10: the cost.
    if letters.contains(where: { bytes[$0] == UInt8(ascii: "C") }) { skipped += 1 }
    var position = letters.upperBound
    for _ in 0..<8 {
      guard let value = isListed ? listedWord(after: position) : nextWord(after: position) else {
        return nil
      }
      position = value.range.upperBound + (value.isQuoted && !isListed ? 1 : 0)
      if byte(value.range.lowerBound) == UInt8(ascii: "-") { continue }
      if skipped == 0 { return optionSecret(value, form: .positional) }
      skipped -= 1
    }
    return nil
  }

  // MARK: - Line breaks

  /// The end of a line break at an index, also of one that is written as `\n`.
  func lineBreakEnd(at index: Int) -> Int? {
    switch byte(index) {
    case UInt8(ascii: "\n"): return index + 1
    case UInt8(ascii: "\r"): return byte(index + 1) == UInt8(ascii: "\n") ? index + 2 : index + 1
    case UInt8(ascii: "\\"):
      if bytes.matches("\\r\\n", at: index) { return index + 4 }
      return byte(index + 1) == UInt8(ascii: "n") ? index + 2 : nil
    default: return nil
    }
  }
}
