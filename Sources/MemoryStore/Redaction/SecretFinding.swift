/// One stretch of text to be replaced. Findings of one look are in order and do not overlap.
struct SecretFinding {
  var start: Int
  var end: Int
  /// Nil is a `<private>` block.
  var kind: StaticString?

  var marker: [UInt8] {
    guard let kind else { return Array("[private]".utf8) }
    var marker = Array("[redacted:".utf8)
    marker.append(
      contentsOf: UnsafeBufferPointer(start: kind.utf8Start, count: kind.utf8CodeUnitCount))
    marker.append(UInt8(ascii: "]"))
    return marker
  }
}

/// What stands where a secret was.
enum SecretMarker {
  static let longest = 48

  /// The end of the `[redacted:kind]` or `[private]` at an index.
  static func end(at index: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    if bytes.matches("[private]", at: index) { return index + 9 }
    guard bytes.matches("[redacted:", at: index) else { return nil }
    let limit = min(bytes.count, index + longest)
    var end = index + 10
    while end < limit,
      !ByteClass.of(bytes[end]).isDisjoint(with: [.lower, .digit, .dash])
    {
      end += 1
    }
    return end < limit && bytes[end] == UInt8(ascii: "]") ? end + 1 : nil
  }
}
