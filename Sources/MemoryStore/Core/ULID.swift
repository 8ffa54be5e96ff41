/// A 128-bit sortable identifier: 48 bits of Unix milliseconds, 80 random bits, written as 26
/// characters of Crockford's Base32. Source: github.com/ulid/spec.
public struct ULID: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The upper and lower 64 bits, big-endian order.
  public let high: UInt64
  public let low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Reads the 26-character form; upper or lower case, `I L O` read as `1 1 0`.
  public init?(_ text: some StringProtocol) { self.init(text: String(text)) }

  private init?(text: String) {
    var high: UInt64 = 0
    var low: UInt64 = 0
    var count = 0
    for byte in text.utf8 {
      guard let value = Self.value(of: byte) else { return nil }
      if count == 0, value > 7 { return nil }
      high = (high << 5) | (low >> 59)
      low = (low << 5) | UInt64(value)
      count += 1
      if count > 26 { return nil }
    }
    guard count == 26 else { return nil }
    self.init(high: high, low: low)
  }

  /// Unix time in ms.
  public var milliseconds: Int64 { Int64(high >> 16) }

  public var description: String {
    var high = high
    var low = low
    return String(unsafeUninitializedCapacity: 26) { buffer in
      for index in stride(from: 25, through: 0, by: -1) {
        buffer[index] = Self.alphabet[Int(low & 31)]
        low = (low >> 5) | (high << 59)
        high >>= 5
      }
      return 26
    }
  }

  public static func < (a: ULID, b: ULID) -> Bool { (a.high, a.low) < (b.high, b.low) }

  /// The next identifier after this one.
  var successor: ULID {
    let (low, overflow) = low.addingReportingOverflow(1)
    return ULID(high: overflow ? high &+ 1 : high, low: low)
  }

  private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

  private static func value(of byte: UInt8) -> UInt8? {
    let upper = (97...122).contains(byte) ? byte - 32 : byte
    switch upper {
    case UInt8(ascii: "I"), UInt8(ascii: "L"): return 1
    case UInt8(ascii: "O"): return 0
    default: return alphabet.firstIndex(of: upper).map { UInt8($0) }
    }
  }
}

/// Makes ULIDs that only ever grow, also when the clock is set back.
///
/// Seeded with the store's newest identifier it is ordered across processes too.
public struct ULIDGenerator: Sendable {
  public private(set) var last: ULID

  public init(after last: ULID = ULID(high: 0, low: 0)) {
    self.last = last
  }

  /// - Parameter milliseconds: Unix time in ms, from the caller's clock.
  public mutating func next(at milliseconds: Int64) -> ULID {
    let time = UInt64(clamping: milliseconds) & 0xFFFF_FFFF_FFFF
    if time > last.high >> 16 {
      var random = SystemRandomNumberGenerator()
      let bits = random.next()
      // The top random bit stays clear, so that counting up within a millisecond has room.
      last = ULID(high: (time << 16) | (bits & 0x7FFF), low: random.next())
    } else {
      last = last.successor
    }
    return last
  }
}
