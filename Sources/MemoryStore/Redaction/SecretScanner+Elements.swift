extension SecretScanner {
  // Texts of elements: `<password>X</password>`, property lists.

  /// The text of an element, from the `>` of its tag: of `<password>`, of `<string>` behind a
  /// `<key>`, of `<param name="password">`.
  mutating func elementText(after index: Int) -> SecretFinding? {
    guard
      has(index - 1, .quote)
        || byte(runStart([.dotted], before: index, count: 64) - 1).isOne(of: "<:")
    else { return nil }
    var start = index + 1
    var end: Int
    if bytes.matches("<![CDATA[", at: start) {
      start += 9
      end = start
      while end < bytes.count, end - start < 512, !bytes.matches("]]>", at: end) { end += 1 }
      guard bytes.matches("]]>", at: end) else { return nil }
    } else {
      // Blanks and line ends around the text belong to the layout.
      let limit = start + 48
      while start < limit {
        if has(start, .space) {
          start += 1
        } else if bytes.matches("\\n", at: start) || bytes.matches("\\t", at: start) {
          start += 2
        } else {
          break
        }
      }
      guard byte(start) > 32, byte(start) != UInt8(ascii: "<") else { return nil }
      end = start
      while end < bytes.count, bytes[end] >= 32, bytes[end] != UInt8(ascii: "<"), end - start < 160
      {
        if bytes.matches("\\n", at: end) { break }
        end += 1
      }
      var tag = end
      while tag < end + 48, has(tag, .space) || bytes.matches("\\n", at: tag) {
        tag += has(tag, .space) ? 1 : 2
      }
      guard bytes.matches("</", at: tag) else { return nil }
      while end > start, has(end - 1, .space) { end -= 1 }
    }
    guard end - start >= 6, let role = elementRole(endingAt: index), case .secret(let noun) = role
    else { return nil }
    return secret(SecretValue(start..<end, isQuoted: true), as: noun)
  }

  private func elementRole(endingAt end: Int) -> SecretKeyName.Role? {
    var open = end
    let limit = max(floor, end - 240)
    while open > limit, bytes[open - 1] != UInt8(ascii: "<") {
      if bytes[open - 1] == UInt8(ascii: ">") || bytes[open - 1] == UInt8(ascii: "\n") {
        return nil
      }
      open -= 1
    }
    guard open > limit else { return nil }
    let nameEnd = runEnd(.dotted, from: open, limit: end)
    guard nameEnd > open else { return nil }
    // <ns:password>
    let prefixed =
      byte(nameEnd) == UInt8(ascii: ":")
      ? nameEnd + 1..<runEnd(.dotted, from: nameEnd + 1, limit: end) : open..<nameEnd
    if case .secret(let noun) = keyRole(of: prefixed) { return .secret(noun) }
    // name="password" within the tag.
    var index = nameEnd
    while index < end {
      if has(index, .space), let nameEnd = attributeNameEnd(at: index + 1) {
        let valueEnd = runEnd(.dotted, from: nameEnd, limit: end)
        return keyRole(of: nameEnd..<valueEnd)
      }
      index += 1
    }
    // <key>password</key> before the tag.
    var keyEnd = open - 1
    while keyEnd > limit, has(keyEnd - 1, .space) { keyEnd -= 1 }
    // …</key>, also where the line break is written as `\n`.
    while bytes.matches("\\n", at: keyEnd - 2) || has(keyEnd - 1, .space), keyEnd > limit {
      keyEnd -= has(keyEnd - 1, .space) ? 1 : 2
    }
    // <setting name="password"><value>X</value>
    if byte(keyEnd - 1) == UInt8(ascii: ">"),
      bytes.matches("value", at: open, ignoringCase: true), nameEnd - open == 5
    {
      var outer = keyEnd - 1
      while outer > limit, !bytes[outer - 1].isOne(of: "<>\n") { outer -= 1 }
      if outer > limit, bytes[outer - 1] == UInt8(ascii: "<"), byte(outer) != UInt8(ascii: "/") {
        for index in outer..<keyEnd where has(index, .space) {
          guard let nameEnd = attributeNameEnd(at: index + 1) else { continue }
          return keyRole(of: nameEnd..<runEnd(.dotted, from: nameEnd, limit: keyEnd))
        }
      }
    }
    for tag in ["</key>", "</name>", "</Key>", "</Name>"] as [StaticString]
    where bytes.matches(tag, at: keyEnd - tag.utf8CodeUnitCount) {
      let end = keyEnd - tag.utf8CodeUnitCount
      let start = runStart(.dotted, before: end, count: 64)
      return byte(start - 1) == UInt8(ascii: ">") ? keyRole(of: start..<end) : nil
    }
    return nil
  }

  private func attributeNameEnd(at index: Int) -> Int? {
    for name in ["name", "key", "id"] as [StaticString]
    where bytes.matches(name, at: index, ignoringCase: true) {
      let end = index + name.utf8CodeUnitCount
      if byte(end) == UInt8(ascii: "="), has(end + 1, .quote) { return end + 2 }
      if bytes.matches("=\\\"", at: end) { return end + 3 }
    }
    return nil
  }
}
