extension SecretScanner {
  // What a block of lines or a row of a table says about its values.

  private static let blockLength = 16_384

  /// Notes which lines belong to `stringData:`, or to the `data:` behind `kind: Secret`.
  mutating func secretBlock(from start: Int, behind end: Int) -> SecretFinding? {
    guard start >= secretLines.upperBound else { return nil }
    let limit = min(bytes.count, end + Self.blockLength)
    var start = start
    var end = end
    if bytes.matches("kind:", at: start) {
      guard start >= secretSearchEnd else { return nil }
      guard byte(end) <= 32 || byte(end) == UInt8(ascii: "\\") || has(end, .quote) else {
        return nil
      }
      let data = (end..<limit).first {
        bytes[$0] == UInt8(ascii: "d") && bytes.matches("data:", at: $0) && !has($0 - 1, .name)
          || bytes[$0] == UInt8(ascii: "\n") && bytes.matches("\n---", at: $0)
      }
      guard let data, bytes[data] == UInt8(ascii: "d") else {
        // What was searched once is not searched again.
        secretSearchEnd = data ?? limit
        return nil
      }
      start = data
      end = data + 5
    }
    if has(end, .quote) || byte(end - 1) == UInt8(ascii: "\"") {
      // "stringData": {…}
      let close = (end..<limit).first { bytes[$0] == UInt8(ascii: "}") }
      secretLines = end..<(close ?? limit)
      return nil
    }
    var indentation = 0
    while start > floor, bytes[start - 1] == UInt8(ascii: " ") {
      start -= 1
      indentation += 1
    }
    var position = end
    while position < limit, let line = nextLine(from: position, limit: limit) {
      let text = skipBlanks(from: line)
      guard text - line > indentation else { break }
      position = text
    }
    secretLines = end..<(nextLine(from: position, limit: limit) ?? limit)
    return nil
  }

  /// The start of the next line, also of one in a text where breaks are written as `\n`.
  private func nextLine(from start: Int, limit: Int) -> Int? {
    var index = start
    while index < limit {
      if let end = lineBreakEnd(at: index) { return end }
      index += 1
    }
    return nil
  }

  // MARK: - Tables

  /// `| password | X |`, from the bar between the two.
  mutating func nextCell(after bar: Int) -> SecretFinding? {
    var end = runStart(.space, before: bar, count: 40)
    while end > floor, bytes[end - 1].isOne(of: "*`") { end -= 1 }
    let start = runStart(.name, before: end, count: 40)
    var before = start
    while before > floor, bytes[before - 1].isOne(of: " *`"), start - before < 40 { before -= 1 }
    guard start < end, byte(before - 1) == UInt8(ascii: "|"),
      case .secret(let noun) = keyRole(of: start..<end)
    else { return nil }
    var valueStart = skipBlanks(from: bar + 1)
    while byte(valueStart).isOne(of: "*`") { valueStart += 1 }
    var valueEnd = valueStart
    while valueEnd < bytes.count, bytes[valueEnd] > 32, !bytes[valueEnd].isOne(of: "|`"),
      valueEnd - valueStart < 256
    {
      valueEnd += 1
    }
    var close = valueEnd
    while byte(close).isOne(of: " *`"), close - valueEnd < 40 { close += 1 }
    let value = SecretValue(valueStart..<valueEnd, isQuoted: true)
    guard byte(close) == UInt8(ascii: "|"), isLiteral(value, as: noun), isUnlikeWord(value) else {
      return nil
    }
    return named(SecretFinding(start: valueStart, end: valueEnd, kind: "secret"))
  }
}
