import Foundation

/// The days of a person: where each begins and ends, by the clock on their wall.
public struct LocalDays: Sendable, Equatable {
  /// Days of UTC.
  public static let utc = LocalDays(zone: .fixed(0))

  private enum Zone: Sendable, Equatable {
    /// Ms east of UTC.
    case fixed(Int64)
    case named(TimeZone)
    case rule(TimeZoneRule)
  }

  private let zone: Zone

  private init(zone: Zone) { self.zone = zone }

  /// - Parameter name: A zone as `TZ` has it: `Europe/Berlin`, `UTC`, a path below `zoneinfo`, or a rule
  ///   of POSIX as in `CET-1CEST,M3.5.0,M10.5.0/3`; a colon may stand before it. Nil for anything else.
  public init?(_ name: String) {
    var name = name.hasPrefix(":") ? String(name.dropFirst()) : name
    if let folder = name.range(of: "/zoneinfo/") { name = String(name[folder.upperBound...]) }
    for variant in ["posix/", "right/"] where name.hasPrefix(variant) {
      name = String(name.dropFirst(variant.count))
    }
    // `UTC-3` is a rule, in which the sign is the other way round; the system's names have no such.
    if let rule = TimeZoneRule(name) {
      self.init(zone: rule.isFixed ? .fixed(rule.offset(at: 0)) : .rule(rule))
    } else if name.contains(where: \.isLetter), !name.hasPrefix("/"),
      !name.contains(where: { "+-".contains($0) }) || name.contains("/"),
      let zone = TimeZone(identifier: name)
    {
      self.init(zone: .named(zone))
    } else {
      return nil
    }
  }

  /// As the system has them: `TZ` of the environment, else what `/etc/localtime` leads to, else UTC.
  public init(environment: [String: String]) {
    if let name = environment["TZ"] {
      // Empty, or a name that nobody knows, is UTC for every other program too.
      self = LocalDays(name) ?? .utc
    } else {
      self = Self.system
    }
  }

  private static let system: LocalDays = {
    let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/etc/localtime")
    if let target, target.contains("/zoneinfo/"), let days = LocalDays(target) { return days }
    let name = (try? RegularFile.read("/etc/timezone", limit: 4096)).map {
      String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
    if let name, let days = LocalDays(name) { return days }
    return LocalDays(zone: .named(.current))
  }()

  // MARK: The clock on the wall

  /// - Parameter instant: Unix ms.
  /// - Returns: Ms to be added for the clock on the wall.
  package func offset(at instant: Int64) -> Int64 {
    switch zone {
    case .fixed(let offset): offset
    case .named(let zone):
      Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(instant) / 1000))) * 1000
    case .rule(let rule): rule.offset(at: instant)
    }
  }

  /// Days since 1970-01-01 of the clock on the wall.
  package func day(of instant: Int64) -> Int64 {
    Timestamp.floorDiv(instant + offset(at: instant), Timestamp.day)
  }

  /// The calendar's date of an instant, as `2026-01-14`.
  public func date(of instant: Int64) -> String {
    String(Timestamp.string(instant + offset(at: instant)).prefix(10))
  }

  /// When a day begins: midnight, or where clocks leap over that, the first moment behind.
  ///
  /// - Parameter day: Days since 1970-01-01.
  package func start(ofDay day: Int64) -> Int64 { instant(ofWall: day * Timestamp.day) }

  /// The instant at which the clock on the wall shows this: the first of two, and where there is none
  /// the first behind.
  ///
  /// - Parameter wall: As if it were Unix ms of UTC.
  package func instant(ofWall wall: Int64) -> Int64 {
    let offsets = [wall - Timestamp.day, wall + Timestamp.day].map(offset)
    let instants = offsets.map { wall - $0 }.sorted()
    if let exact = instants.first(where: { $0 + offset(at: $0) == wall }) { return exact }
    var (low, high) = (wall - Timestamp.day, wall + Timestamp.day)
    while low < high {
      let middle = low + (high - low) / 2
      if middle + offset(at: middle) < wall { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The instant that a date or a time means (as ``Timestamp/milliseconds(_:)`` reads them): by the clock
  /// on the wall where no zone is named, and of a date the day's beginning. Nil for anything else.
  public func instant(_ text: some StringProtocol) -> Int64? {
    Timestamp.milliseconds(text).map { Timestamp.hasZone(text) ? $0 : instant(ofWall: $0) }
  }

  /// From its first to its last ms; nil for one that clocks have left out.
  package func range(ofDay day: Int64, count: Int64 = 1) -> ClosedRange<Int64>? {
    let (start, end) = (start(ofDay: day), start(ofDay: day + count))
    return start < end ? start...(end - 1) : nil
  }
}

/// A time zone in the words of POSIX. Source: POSIX.1-2024, 8.3, `TZ`.
struct TimeZoneRule: Sendable, Equatable {
  private enum Day: Equatable {
    /// The n-th weekday (0: Sunday) of a month; the fifth is the last.
    case weekday(month: Int64, week: Int64, Int64)
    /// 1 to 365; February has no 29th.
    case ordinal(Int64)
    /// 0 to 365.
    case ordinalWithLeapDay(Int64)
  }

  private struct Change: Equatable {
    var day: Day
    /// Seconds behind the day's midnight.
    var time: Int64 = 7200
  }

  private struct Summer: Equatable {
    /// Seconds east of UTC.
    var offset: Int64
    var start: Change
    var end: Change
  }

  /// Seconds east of UTC.
  private let standard: Int64
  private var summer: Summer?

  var isFixed: Bool { summer == nil }

  init?(_ text: String) {
    var reader = Reader(rest: text.utf8[...])
    guard reader.name(), let offset = reader.time() else { return nil }
    standard = -offset
    guard !reader.rest.isEmpty else { return }
    guard reader.name() else { return nil }
    var east = standard + 3600
    if let first = reader.rest.first, first != UInt8(ascii: ",") {
      guard let offset = reader.time() else { return nil }
      east = -offset
    }
    // What a rule does not say is the law of the United States, as in the C library.
    var start = Change(day: .weekday(month: 3, week: 2, 0))
    var end = Change(day: .weekday(month: 11, week: 1, 0))
    if !reader.rest.isEmpty {
      guard let first = reader.change(), let second = reader.change(), reader.rest.isEmpty else {
        return nil
      }
      (start, end) = (first, second)
    }
    summer = Summer(offset: east, start: start, end: end)
  }

  /// - Parameter instant: Unix ms.
  /// - Returns: Ms east of UTC.
  func offset(at instant: Int64) -> Int64 {
    guard let summer else { return standard * 1000 }
    let seconds = Timestamp.floorDiv(instant, 1000)
    let year = Timestamp.civil(fromDays: Timestamp.floorDiv(seconds + standard, 86_400)).0
    // On the clock that stands before each.
    let start = Self.seconds(of: summer.start, year) - standard
    let end = Self.seconds(of: summer.end, year) - summer.offset
    let isSummer =
      start < end ? seconds >= start && seconds < end : seconds >= start || seconds < end
    return (isSummer ? summer.offset : standard) * 1000
  }

  private static func seconds(of change: Change, _ year: Int64) -> Int64 {
    let first = Timestamp.days(fromCivil: year, 1, 1)
    let day: Int64
    switch change.day {
    case .weekday(let month, let week, let weekday):
      let start = Timestamp.days(fromCivil: year, month, 1)
      let end = Timestamp.days(fromCivil: month == 12 ? year + 1 : year, month % 12 + 1, 1)
      // 1970-01-01 was a Thursday.
      let own = Timestamp.floorDiv(start + 4, 7)
      let firstWeekday = start + 4 - own * 7
      var found = start + (weekday - firstWeekday + 7) % 7 + (week - 1) * 7
      while found >= end { found -= 7 }
      day = found
    case .ordinal(let number):
      let isLeap = Timestamp.days(fromCivil: year + 1, 1, 1) - first == 366
      day = first + number - 1 + (isLeap && number > 59 ? 1 : 0)
    case .ordinalWithLeapDay(let number): day = first + number
    }
    return day * 86_400 + change.time
  }

  private struct Reader {
    var rest: Substring.UTF8View

    mutating func take(_ byte: Character) -> Bool {
      guard rest.first == byte.asciiValue else { return false }
      rest = rest.dropFirst()
      return true
    }

    /// Three letters or more, or anything within angle brackets.
    mutating func name() -> Bool {
      if take("<") {
        guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
        rest = rest[end...].dropFirst()
        return true
      }
      let letters = rest.prefix { (65...90).contains($0 & 0xDF) }
      rest = rest.dropFirst(letters.count)
      return letters.count >= 3
    }

    mutating func number(_ limit: ClosedRange<Int64>) -> Int64? {
      let digits = rest.prefix { (48...57).contains($0) }
      guard digits.count <= 3, let value = Int64(String(Substring(digits))), limit.contains(value)
      else { return nil }
      rest = rest.dropFirst(digits.count)
      return value
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func time() -> Int64? {
      let isNegative = take("-")
      if !isNegative { _ = take("+") }
      guard var value = number(0...167) else { return nil }
      value *= 3600
      if take(":") {
        guard let minutes = number(0...59) else { return nil }
        value += minutes * 60
        if take(":") {
          guard let seconds = number(0...59) else { return nil }
          value += seconds
        }
      }
      return isNegative ? -value : value
    }

    /// `,M3.5.0/2`, `,J60` or `,59`.
    mutating func change() -> Change? {
      guard take(",") else { return nil }
      var change: Change
      if take("M") {
        guard let month = number(1...12), take("."), let week = number(1...5), take("."),
          let weekday = number(0...6)
        else { return nil }
        change = Change(day: .weekday(month: month, week: week, weekday))
      } else if take("J") {
        guard let day = number(1...365) else { return nil }
        change = Change(day: .ordinal(day))
      } else {
        guard let day = number(0...365) else { return nil }
        change = Change(day: .ordinalWithLeapDay(day))
      }
      if take("/") {
        guard let time = time() else { return nil }
        change.time = time
      }
      return change
    }
  }
}
