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
    guard let options = options(before: dash), !options.isEmpty else { return nil }
    let isListed = has(dash - 1, .quote)
    let letters = dash + 1..<runEnd(.letter, from: dash + 1, limit: dash + 16)
    for option in options {
      let length = option.name.utf8CodeUnitCount
      if option.form == .positional {
        guard letters.contains(where: { bytes[$0] == option.name.utf8Start[0] }) else { continue }
        return positionalValue(after: letters)
      }
      if option.form == .piped {
        guard bytes.matches(option.name, at: dash + 1), letters.count == length else { continue }
        return pipedSecret(into: dash)
      }
      var nameEnd = dash + 1 + length
      if !bytes.matches(option.name, at: dash + 1) {
        // curl -sSu: flags may stand before the letter.
        guard option.form == .afterColon, !letters.isEmpty, !has(letters.upperBound, .dotted),
          bytes.matches(option.name, at: letters.upperBound - length)
        else { continue }
        nameEnd = letters.upperBound
      }
      guard let value = wordAfterOption(endingAt: nameEnd, of: option, isListed: isListed) else {
        continue
      }
      return optionSecret(value, form: option.form)
    }
    return nil
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
      guard bytes.matches("pass:", at: value.range.lowerBound) else { return nil }
      value.range = value.range.dropFirst(5)
    case .value, .attached, .positional, .piped: break
    }
    guard isGiven(value) else { return nil }
    return named(
      SecretFinding(
        start: value.range.lowerBound, end: value.range.upperBound,
        kind: form == .afterColon ? "basic-auth" : "secret"))
  }

  private func skipUser(of value: inout SecretValue, to separator: StaticString) -> Bool {
    guard let index = value.range.first(where: { bytes[$0] == separator.utf8Start[0] }) else {
      return false
    }
    value.range = index + 1..<value.range.upperBound
    return true
  }

  /// Whether a value in the place of a secret is one: no variable, mapping of ports, placeholder,
  /// and no word of a sentence that speaks of the option.
  private func isGiven(_ value: SecretValue) -> Bool {
    let range = value.range
    guard range.count >= 3, range.count <= 512, bytes[range.lowerBound] != UInt8(ascii: "-"),
      !isPlaceholder(range, isQuoted: value.isQuoted)
    else { return false }
    let word = wordHash(range)
    if Self.saidOfOptions.contains(word) { return false }
    // 8080:80, 127.0.0.1:3306:3306/tcp
    return !range.allSatisfy({ has($0, [.digit, .dot]) || bytes[$0].isOne(of: ":/tcpud") })
      || !range.contains(where: { bytes[$0] == UInt8(ascii: ":") })
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
    let last = isQuoted ? end - 1 : end
    var start = last
    while start > max(floor, last - 256),
      isQuoted ? bytes[start - 1] != bytes[last] : !has(start - 1, [.space, .quote])
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

  /// The options of the nearest program before an index, in the same command.
  private func options(before index: Int) -> [SecretOption]? {
    // Past what was found before: a command may have two secrets.
    let limit = max(0, index - Self.commandLength)
    var position = index
    var words = 0
    var hasLogin = false
    var found: [SecretOption]?
    while words < Self.commandWords, let word = word(before: position, limit: limit) {
      if let options = found {
        // The name of a container or of a host, and no program.
        if isNaming(word) {
          found = nil
        } else {
          return options
        }
      }
      let base = baseName(of: word)
      if let options = SecretOption.options(of: bytes[base]) {
        found = hasLogin ? options : options.filter { !$0.needsLogin }
      } else if bytes.matches("login", at: word.lowerBound), word.count == 5 {
        hasLogin = true
      }
      position = word.lowerBound
      words += 1
    }
    return found
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
        option.name.utf8CodeUnitCount == 1 || option.form == .attached
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
