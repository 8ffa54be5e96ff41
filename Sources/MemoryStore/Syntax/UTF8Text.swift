#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Classes of ASCII bytes.
@usableFromInline
package enum ASCII {
  @inlinable
  package static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }

  /// True without blanks at the ends, runs of them, or other white space.
  @inlinable
  package static func isOneLine(_ bytes: some Collection<UInt8>) -> Bool {
    var isBlank = true
    for byte in bytes {
      let blank = byte <= 0x20 && isSpace(byte)
      if blank, isBlank || byte != 0x20 { return false }
      isBlank = blank
    }
    return !isBlank || bytes.isEmpty
  }
}

// Text as UTF-8 bytes: what runs over every word of a transcript on a hook's path cannot afford
// characters, which cost twenty times as much. Nor can it afford generic code that does not know its
// type of text, which costs the same again: what other targets call is inlinable, so that they
// compile it for theirs.

extension String {
  /// True if these bytes stand anywhere in the text.
  package func hasBytes(_ needle: StaticString) -> Bool {
    hasBytes(UnsafeBufferPointer(start: needle.utf8Start, count: needle.utf8CodeUnitCount))
  }

  /// True if the bytes of another text stand anywhere in this one: no Unicode equivalence, for
  /// which `contains` takes a hundred times as long.
  public func hasBytes(of needle: String) -> Bool {
    var needle = needle
    return needle.withUTF8(hasBytes)
  }

  private func hasBytes(_ needle: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let first = needle.first else { return true }
    var copy = self
    return copy.withUTF8 { text in
      guard text.count >= needle.count, let base = text.baseAddress else { return false }
      var start = 0
      while start + needle.count <= text.count,
        let found = memchr(base + start, Int32(first), text.count - needle.count - start + 1)
      {
        if memcmp(found, needle.baseAddress!, needle.count) == 0 { return true }
        start = UnsafeRawPointer(found) - UnsafeRawPointer(base) + 1
      }
      return false
    }
  }

  /// UTF-16 units, which budgets of hosts count: `utf16.count` makes an index of the text first.
  package var utf16Length: Int {
    var text = self
    return text.withUTF8 { bytes in
      let raw = UnsafeRawBufferPointer(bytes)
      var units = 0
      var index = 0
      while index < raw.count {
        // Eight at once where all are ASCII.
        if raw.count - index >= 8,
          raw.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
        {
          units += 8
          index += 8
          continue
        }
        // A character has a unit for its first byte, and a second one if it has four.
        let byte = raw[index]
        units += byte & 0xC0 == 0x80 ? 0 : byte >= 0xF0 ? 2 : 1
        index += 1
      }
      return units
    }
  }

  /// With other text wherever these bytes stand, for which `replacing` compares character by character.
  public func replacing(bytesOf old: String, with new: String) -> String {
    guard !old.isEmpty, hasBytes(of: old) else { return self }
    var (text, old) = (self, old)
    var result: [UInt8] = []
    text.withUTF8 { text in
      result.reserveCapacity(text.count)
      old.withUTF8 { old in
        var index = 0
        while index < text.count {
          if text[index] == old[0], text.count - index >= old.count,
            memcmp(text.baseAddress! + index, old.baseAddress!, old.count) == 0
          {
            result += new.utf8
            index += old.count
          } else {
            result.append(text[index])
            index += 1
          }
        }
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}

extension Sequence where Element: StringProtocol {
  /// As `joined(separator:)`, which asks the runtime for types that a short process then uses once.
  @inlinable
  package func joined(by separator: String) -> String {
    var result = ""
    var isFirst = true
    for part in self {
      if !isFirst { result += separator }
      isFirst = false
      result += String(part)
    }
    return result
  }
}

extension StringProtocol {
  /// Without ASCII white space at both ends.
  @inlinable
  package var trimmed: SubSequence {
    func isText(_ scalar: Unicode.Scalar) -> Bool {
      scalar.value > 127 || !ASCII.isSpace(UInt8(scalar.value))
    }
    let scalars = unicodeScalars
    guard let first = scalars.firstIndex(where: isText),
      let last = scalars.lastIndex(where: isText)
    else { return self[startIndex..<startIndex] }
    return self[first..<scalars.index(after: last)]
  }

  /// At most `count` UTF-8 bytes and an ellipsis, cut at a word where one is near.
  @inlinable
  package func cut(to count: Int) -> String {
    guard utf8.count > count else { return String(self) }
    var bytes = Array(utf8.prefix(Swift.max(0, count - 1)))
    // Not in the middle of a character's bytes.
    if let next = utf8.dropFirst(bytes.count).first, next & 0xC0 == 0x80 {
      while let last = bytes.last, last & 0xC0 == 0x80 { bytes.removeLast() }
      if !bytes.isEmpty { bytes.removeLast() }
    }
    if let space = bytes.lastIndex(where: ASCII.isSpace), bytes.count - space < 20 {
      bytes.removeSubrange(space...)
    }
    return String(decoding: bytes, as: UTF8.self) + "…"
  }

  /// The same, with an ellipsis in the middle: a message that begins with what was pasted ends with
  /// what is wanted.
  @inlinable
  package func cutInside(to count: Int) -> String {
    guard utf8.count > count else { return String(self) }
    let head = cut(to: count * 5 / 8)
    var tail = utf8.suffix(count - head.utf8.count)
    if let space = tail.firstIndex(where: ASCII.isSpace) {
      tail = tail[tail.index(after: space)...]
    } else {
      while let first = tail.first, first & 0xC0 == 0x80 { tail.removeFirst() }
    }
    return head + " " + String(decoding: tail, as: UTF8.self)
  }

  /// One line: runs of white space become one blank.
  @inlinable
  package var oneLine: String {
    // Most texts are one already.
    let isOne = utf8.withContiguousStorageIfAvailable(ASCII.isOneLine) ?? ASCII.isOneLine(utf8)
    if isOne { return String(self) }
    var result: [UInt8] = []
    result.reserveCapacity(utf8.count)
    var needsSpace = false
    for byte in utf8 {
      if ASCII.isSpace(byte) {
        needsSpace = !result.isEmpty
      } else {
        if needsSpace { result.append(0x20) }
        needsSpace = false
        result.append(byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}

extension Substring {
  /// Compares bytes: no Unicode normalisation, linear for needles that begin with a rare byte.
  package func utf8Range(of needle: String) -> Range<Substring.Index>? {
    let wanted = Array(needle.utf8)
    guard let first = wanted.first else { return nil }
    var start = utf8.startIndex
    while let candidate = utf8[start...].firstIndex(of: first) {
      if let end = end(of: wanted, at: candidate) { return candidate..<end }
      start = utf8.index(after: candidate)
    }
    return nil
  }

  /// The last place.
  package func lastUTF8Range(of needle: String) -> Range<Substring.Index>? {
    let wanted = Array(needle.utf8)
    guard let first = wanted.first else { return nil }
    var rest = utf8[...]
    while let candidate = rest.lastIndex(of: first) {
      if let end = end(of: wanted, at: candidate) { return candidate..<end }
      rest = rest[..<candidate]
    }
    return nil
  }

  private func end(of wanted: [UInt8], at start: Substring.Index) -> Substring.Index? {
    var index = start
    for byte in wanted {
      guard index < utf8.endIndex, utf8[index] == byte else { return nil }
      index = utf8.index(after: index)
    }
    return index
  }

  /// The parts between each two of a mark.
  package func split(on mark: String) -> [Substring] {
    var parts: [Substring] = []
    var rest = self
    while let range = rest.utf8Range(of: mark) {
      parts.append(rest[..<range.lowerBound])
      rest = rest[range.upperBound...]
    }
    return parts + [rest]
  }

  /// - Parameter marks: ASCII.
  package func trimmedEnd(_ marks: StaticString) -> Substring {
    let bytes = UnsafeBufferPointer(start: marks.utf8Start, count: marks.utf8CodeUnitCount)
    var text = utf8
    while let last = text.last, bytes.contains(last) { text.removeLast() }
    return Substring(text)
  }
}
