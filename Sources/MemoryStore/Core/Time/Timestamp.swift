#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The one source of wall time. Injected, so that tests set it.
public struct WallClock: Sendable {
  private let read: @Sendable () -> Int64

  public init(_ read: @escaping @Sendable () -> Int64) {
    self.read = read
  }

  /// Unix time in ms.
  public var now: Int64 { read() }

  public static let system = WallClock {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}

/// RFC 3339 in UTC with milliseconds, to and from Unix milliseconds.
public enum Timestamp {
  /// Milliseconds of a day in UTC.
  package static let day: Int64 = 86_400_000

  /// For example `2026-01-14T15:18:07.297Z`. Years outside 0 to 9999 are clamped.
  public static func string(_ milliseconds: Int64) -> String {
    let bounded = min(max(milliseconds, -62_167_219_200_000), 253_402_300_799_999)
    let days = floorDiv(bounded, 86_400_000)
    let inDay = bounded - days * 86_400_000
    let (year, month, day) = civil(fromDays: days)
    func pad(_ value: Int64, _ width: Int) -> String {
      let text = String(value)
      return String(repeating: "0", count: max(0, width - text.count)) + text
    }
    return pad(year, 4) + "-" + pad(month, 2) + "-" + pad(day, 2) + "T"
      + pad(inDay / 3_600_000, 2) + ":" + pad(inDay / 60_000 % 60, 2) + ":"
      + pad(inDay / 1000 % 60, 2) + "." + pad(inDay % 1000, 3) + "Z"
  }

  /// Reads `YYYY-MM-DD`, and `YYYY-MM-DDTHH:MM[:SS[.fraction]]` with `Z` or `±HH:MM` (none means
  /// UTC). Nil for anything else.
  public static func milliseconds(_ text: some StringProtocol) -> Int64? {
    var bytes = Array(text.utf8)[...]
    func number(_ width: Int) -> Int64? {
      guard bytes.count >= width else { return nil }
      var value: Int64 = 0
      for byte in bytes.prefix(width) {
        guard (48...57).contains(byte) else { return nil }
        value = value * 10 + Int64(byte - 48)
      }
      bytes = bytes.dropFirst(width)
      return value
    }
    func take(_ choices: UInt8...) -> UInt8? {
      guard let first = bytes.first, choices.contains(first) else { return nil }
      bytes = bytes.dropFirst()
      return first
    }
    let dash = UInt8(ascii: "-")
    let colon = UInt8(ascii: ":")
    guard let year = number(4), take(dash) != nil, let month = number(2), take(dash) != nil,
      let day = number(2), (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    let first = days(fromCivil: year, month, 1)
    // The 31st of June is no day.
    guard first + day <= days(fromCivil: month == 12 ? year + 1 : year, month % 12 + 1, 1) else {
      return nil
    }
    var result = (first + day - 1) * 86_400_000
    if bytes.isEmpty { return result }
    guard take(UInt8(ascii: "T"), UInt8(ascii: "t"), 32) != nil, let hour = number(2),
      take(colon) != nil, let minute = number(2), hour < 24, minute < 60
    else { return nil }
    result += hour * 3_600_000 + minute * 60_000
    if take(colon) != nil {
      guard let second = number(2), second < 61 else { return nil }
      result += second * 1000
      if take(UInt8(ascii: "."), UInt8(ascii: ",")) != nil {
        var scale: Int64 = 100
        var digits = 0
        while let digit = number(1) {
          result += digit * scale
          scale /= 10
          digits += 1
        }
        if digits == 0 { return nil }
      }
    }
    if bytes.isEmpty { return result }
    if take(UInt8(ascii: "Z"), UInt8(ascii: "z")) != nil { return bytes.isEmpty ? result : nil }
    guard let sign = take(UInt8(ascii: "+"), dash), let hours = number(2) else { return nil }
    _ = take(colon)
    guard let minutes = number(2), bytes.isEmpty else { return nil }
    let offset = hours * 3_600_000 + minutes * 60_000
    return sign == dash ? result + offset : result - offset
  }

  /// True if a time that ``milliseconds(_:)`` reads says how far from UTC it is.
  static func hasZone(_ text: some StringProtocol) -> Bool {
    let time = text.utf8.dropFirst(10)
    return time.contains { [UInt8(ascii: "Z"), UInt8(ascii: "z"), 43, 45].contains($0) }
  }

  // Days since 1970-01-01 in the proleptic Gregorian calendar, by 400-year eras that start on
  // 1 March. Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
  package static func days(fromCivil year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let y = month <= 2 ? year - 1 : year
    let era = floorDiv(y, 400)
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  package static func civil(fromDays days: Int64) -> (Int64, Int64, Int64) {
    let z = days + 719_468
    let era = floorDiv(z, 146_097)
    let dayOfEra = z - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }

  static func floorDiv(_ a: Int64, _ b: Int64) -> Int64 {
    a >= 0 ? a / b : -((-a + b - 1) / b)
  }
}
