import Syntax

// Text without the marks that people and agents decorate it with.

extension StringProtocol {
  /// Without Markdown's marks of code and of strong words: "`" and "**".
  var withoutMarks: String {
    let bytes = Array(utf8)
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "*"), index + 1 < bytes.count,
        bytes[index + 1] == bytes[index]
      {
        index += 2
        continue
      }
      if bytes[index] != UInt8(ascii: "`") { result.append(bytes[index]) }
      index += 1
    }
    return String(decoding: result, as: UTF8.self)
  }
}

extension String {
  /// With quotes in place of backticks, to stand in a code span.
  package var withoutBackticks: String {
    guard utf8.contains(UInt8(ascii: "`")) else { return self }
    return String(
      decoding: utf8.map { $0 == UInt8(ascii: "`") ? UInt8(ascii: "'") : $0 }, as: UTF8.self)
  }

  /// Without Markdown's marks of strong words; code keeps its own.
  var withoutStrongMarks: String {
    guard utf8.contains(UInt8(ascii: "*")) else { return self }
    let bytes = Array(utf8)
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var isCode = false
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "`") { isCode.toggle() }
      if !isCode, bytes[index] == UInt8(ascii: "*"), index + 1 < bytes.count,
        bytes[index + 1] == UInt8(ascii: "*")
      {
        index += 2
        continue
      }
      result.append(bytes[index])
      index += 1
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Links as the words that they stand under, or as the address where that is all.
  var withoutLinks: String {
    guard utf8.contains(UInt8(ascii: "[")), hasBytes("](") else { return self }
    var result = ""
    var rest = self[...]
    while let middle = rest.utf8Range(of: "]("),
      let open = rest[..<middle.lowerBound].lastUTF8Range(of: "["),
      let close = rest[middle.upperBound...].firstIndex(of: ")")
    {
      result += rest[..<open.lowerBound]
      result += rest[open.upperBound..<middle.lowerBound]
      rest = rest[rest.index(after: close)...]
    }
    return result + rest
  }

  /// Without the pictures that agents put before their lines.
  var withoutOrnaments: String {
    guard utf8.contains(where: { $0 >= 0xE2 }) else { return self }
    var isCut = false
    let kept = unicodeScalars.filter { scalar in
      let isOrnament =
        (0x2600...0x27BF).contains(scalar.value) || (0x1F300...0x1FAFF).contains(scalar.value)
        || (0x2500...0x257F).contains(scalar.value) || scalar.value == 0xFE0F
        || scalar.value == 0x2022 || scalar.value == 0x2B50
      isCut = isCut || isOrnament
      return !isOrnament
    }
    return isCut ? String(String.UnicodeScalarView(kept)) : self
  }
}
