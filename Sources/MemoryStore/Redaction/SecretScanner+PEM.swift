extension SecretScanner {
  /// A private key in PEM armour, from the `B` of `-----BEGIN`.
  ///
  /// Taken with its footer, or, where the text ends or goes on otherwise, to the end of the base64
  /// body. The lines may be in quotes, in a list, behind line numbers or `>`, and their ends may be
  /// written as `\n`. A header alone is only a mention.
  func pemBlock(at index: Int) -> SecretFinding? {
    let start = index - 5
    if let other = otherKeyBlock(at: index) { return other }
    guard start >= floor, bytes.matches("-----BEGIN ", at: start) else { return nil }
    let labelEnd = runEnd([.upper, .digit, .space], from: index + 6, limit: index + 60)
    guard bytes.matches("-----", at: labelEnd),
      bytes.matches("PRIVATE KEY", at: labelEnd - 11)
        || bytes.matches("PRIVATE KEY BLOCK", at: labelEnd - 17)
    else { return nil }

    var position = skipArmorHeaders(from: labelEnd + 5)
    var end: Int?
    var shortLines = 0
    while shortLines < 4 {
      let lineStart = separatorsEnd(from: position)
      if let footer = footerEnd(at: lineStart) {
        return SecretFinding(start: start, end: footer, kind: "private-key")
      }
      let lineEnd = runEnd(.base64, from: lineStart)
      guard lineEnd > lineStart else { break }
      let line = lineStart..<lineEnd
      if isKeyLine(line) {
        guard shortLines == 0 else { break }
        end = lineEnd
      } else if !isLineMark(line) {
        // The last line of a body, if the body goes no further.
        if shortLines == 0, end == position, isLineBreak(position..<lineStart),
          !has(lineEnd, .valueEnd) || byte(lineEnd) != UInt8(ascii: " ")
        {
          end = lineEnd
        }
        shortLines += 1
      }
      position = lineEnd
    }
    return end.map { SecretFinding(start: start, end: $0, kind: "private-key") }
  }

  /// Armour that is no PEM: as part of a URL, of SSH2, and OpenVPN's static keys in hex.
  private func otherKeyBlock(at index: Int) -> SecretFinding? {
    guard bytes.matches("BEGIN", at: index), index - 5 >= floor,
      bytes.matches("---- ", at: index - 5) || bytes.matches("-----", at: index - 5)
    else { return nil }
    let isOfURL =
      bytes.matches("BEGIN%20", at: index) || bytes.matches("BEGIN+", at: index)
    if isOfURL {
      let labelEnd = runEnd([.upper, .digit, .percent, .plusSlash], from: index, limit: index + 60)
      guard bytes.matches("-----", at: labelEnd),
        (index..<labelEnd).contains(where: { bytes.matches("PRIVATE", at: $0) })
      else { return nil }
      let end = runEnd([.dotted, .base64, .percent], from: labelEnd)
      return end - labelEnd > 60
        ? SecretFinding(start: index - 5, end: end, kind: "private-key") : nil
    }
    let isStatic = bytes.matches("BEGIN OpenVPN Static key", at: index)
    guard isStatic || bytes.matches("BEGIN SSH2 ENCRYPTED PRIVATE KEY ----", at: index) else {
      return nil
    }
    var end = index + 24
    let limit = min(bytes.count, index + 8192)
    while end < limit, !bytes.matches("---- END ", at: end), !bytes.matches("-----END ", at: end) {
      // Another block begins: this header was only mentioned.
      if bytes.matches("-- BEGIN ", at: end) || bytes.matches("-----BEGIN ", at: end) { return nil }
      end += 1
    }
    guard end < limit else { return nil }
    let labelEnd = runEnd([.alphanumeric, .space, .dash], from: end, limit: end + 64)
    return SecretFinding(
      start: index - 5, end: max(end, trimmedDashes(labelEnd, from: end)), kind: "private-key")
  }

  /// Behind the last dash of a footer, whatever follows on its line.
  private func trimmedDashes(_ end: Int, from start: Int) -> Int {
    var end = end
    while end > start, bytes[end - 1] != UInt8(ascii: "-") { end -= 1 }
    return end
  }

  private func isKeyLine(_ line: Range<Int>) -> Bool {
    line.count >= 40
      || line.count >= 16 && contains(.digit, in: line) && contains(.upper, in: line)
        && contains(.lower, in: line)
  }

  /// A line number, or the letter of a `\n` or `\r`.
  private func isLineMark(_ line: Range<Int>) -> Bool {
    line.count == 1 && byte(line.lowerBound - 1) == UInt8(ascii: "\\")
      || line.count < 7 && line.allSatisfy { has($0, .digit) }
  }

  /// Skips `Proc-Type: …`, `Version: …` and their like, with their line ends.
  private func skipArmorHeaders(from start: Int) -> Int {
    var position = start
    for _ in 0..<8 {
      let lineStart = separatorsEnd(from: position)
      // Behind `\n` as two characters the n belongs to the line end.
      let nameStart = byte(lineStart - 1) == UInt8(ascii: "\\") ? lineStart + 1 : lineStart
      let nameEnd = runEnd([.letter, .dash], from: nameStart, limit: nameStart + 24)
      guard nameEnd > nameStart + 2, byte(nameEnd) == UInt8(ascii: ":"),
        byte(nameEnd + 1) == UInt8(ascii: " ")
      else { break }
      var lineEnd = nameEnd
      while lineEnd < bytes.count, lineEnd < nameEnd + 256, bytes[lineEnd] != UInt8(ascii: "\n"),
        bytes[lineEnd] != UInt8(ascii: "\\")
      {
        lineEnd += 1
      }
      position = lineEnd
    }
    return position
  }

  /// The end of what may stand between two lines of base64.
  private func separatorsEnd(from start: Int) -> Int {
    var index = start
    while index < bytes.count, index - start < 64 {
      let byte = bytes[index]
      if byte == UInt8(ascii: "&"), let end = characterReferenceEnd(at: index) {
        index = end
        continue
      }
      if bytes.matches("%0A", at: index) || bytes.matches("%0D", at: index) {
        index += 3
        continue
      }
      guard
        has(index, [.space, .quote]) || byte >= 0x80 || byte.isOne(of: "\\,;:+>|#*.")
          || byte == UInt8(ascii: "-") && !bytes.matches("-----", at: index)
      else { break }
      index += 1
    }
    return index
  }

  /// `&#10;`, `&#xA;`: a line end within XML.
  private func characterReferenceEnd(at index: Int) -> Int? {
    for reference in ["&#10;", "&#13;", "&#xA;", "&#xD;", "&#xa;", "&#xd;"] as [StaticString]
    where bytes.matches(reference, at: index) {
      return index + 5
    }
    return nil
  }

  private func isLineBreak(_ range: Range<Int>) -> Bool {
    !range.isEmpty
      && range.allSatisfy { has($0, .space) || bytes[$0] == UInt8(ascii: "\\") }
  }

  /// The end of a `-----END … KEY-----` at an index.
  private func footerEnd(at index: Int) -> Int? {
    var start = index
    // The n of a `\n` before the footer.
    if byte(start) == UInt8(ascii: "n") || byte(start) == UInt8(ascii: "r") { start += 1 }
    guard bytes.matches("-----END ", at: start) else { return nil }
    let labelEnd = runEnd([.upper, .digit, .space], from: start + 9, limit: start + 70)
    return bytes.matches("-----", at: labelEnd) ? labelEnd + 5 : nil
  }
}
