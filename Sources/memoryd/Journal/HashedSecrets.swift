/// Texts that are not to be kept, known by hashes alone: whoever reads the file that they stand in
/// learns their lengths.
///
/// A polynomial over the bytes, modulo the prime 2^61 - 1, at a random point (the salt): it rolls along a
/// text, so that each length costs one pass. Source: Karp and Rabin, 1987.
package struct HashedSecrets: Sendable, Equatable {
  package struct Known: Sendable, Equatable {
    package let length: Int
    package let hash: UInt64
  }

  package var salt: UInt64 = 0
  package private(set) var known: [Known] = []

  package init() {}

  /// - Parameter salt: Random, the same for all.
  package init(_ texts: [[UInt8]], salt: UInt64) {
    self.salt = salt
    add(texts, atMost: texts.count)
  }

  /// - Parameter limit: Of more than so many the oldest are forgotten.
  package mutating func add(_ texts: [[UInt8]], atMost limit: Int) {
    for bytes in texts { add(length: bytes.count, hash: hash(bytes[...])) }
    known.removeFirst(max(0, known.count - limit))
  }

  private static let prime: UInt64 = (1 << 61) - 1
  private static let marker = Array("[redacted:configured]".utf8)

  mutating func add(length: Int, hash: UInt64) {
    let secret = Known(length: length, hash: hash)
    guard length > 0, !known.contains(secret) else { return }
    known.append(secret)
  }

  /// - Returns: The text with each of them replaced by `[redacted:configured]`.
  package func redact(_ text: String) -> String {
    guard !known.isEmpty else { return text }
    var bytes = Array(text.utf8)
    var isChanged = false
    // The longest first, as one may be a part of another.
    for secret in known.sorted(by: { $0.length > $1.length }) {
      if let clean = replacing(secret, in: bytes) {
        bytes = clean
        isChanged = true
      }
    }
    return isChanged ? String(decoding: bytes, as: UTF8.self) : text
  }

  private func replacing(_ secret: Known, in bytes: [UInt8]) -> [UInt8]? {
    guard bytes.count >= secret.length else { return nil }
    let point = point
    /// The weight of the byte that leaves.
    var weight: UInt64 = 1
    for _ in 1..<secret.length { weight = Self.product(weight, point) }
    var value = hash(bytes[..<secret.length])
    var result: [UInt8] = []
    var copied = 0
    var start = 0
    while true {
      if value == secret.hash {
        result += bytes[copied..<start]
        result += Self.marker
        start += secret.length
        copied = start
        guard start + secret.length <= bytes.count else { break }
        value = hash(bytes[start..<start + secret.length])
        continue
      }
      guard start + secret.length < bytes.count else { break }
      let leaving = Self.product(UInt64(bytes[start]) + 1, weight)
      value = value >= leaving ? value - leaving : value + Self.prime - leaving
      value = Self.sum(Self.product(value, point), UInt64(bytes[start + secret.length]) + 1)
      start += 1
    }
    return copied == 0 ? nil : result + bytes[copied...]
  }

  private var point: UInt64 { salt % (Self.prime - 257) + 257 }

  private func hash(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    let point = point
    var value: UInt64 = 0
    for byte in bytes { value = Self.sum(Self.product(value, point), UInt64(byte) + 1) }
    return value
  }

  private static func sum(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let sum = a + b
    return sum >= prime ? sum - prime : sum
  }

  private static func product(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let (high, low) = a.multipliedFullWidth(by: b)
    return sum((low & prime), (high << 3 | low >> 61) % prime)
  }
}
