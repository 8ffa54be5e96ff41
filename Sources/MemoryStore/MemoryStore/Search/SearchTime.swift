public import Core
import Foundation

/// Times as people write them.
public enum SearchTime {
  /// The time that a text means: a date or a time (RFC 3339), a month or a year, `today`,
  /// `yesterday`, `last week`, `this month`, `3 days ago`, `2w`, `monday`.
  ///
  /// - Parameters:
  ///   - text: Blanks may be written as `-` or `_`. A time without a zone is the person's.
  ///   - now: Unix ms.
  ///   - days: The person's, of which weeks (from Monday), months and years are made.
  /// - Returns: From its first to its last ms; nil if it means no time.
  public static func range(
    _ text: String, now: Int64, days: LocalDays = .utc
  ) -> ClosedRange<Int64>? {
    let plain = text.trimmingCharacters(in: .whitespaces)
    if let range = calendarRange(plain, days) { return range }
    // A date that does not exist is none, and neither is what lies ahead.
    if plain.hasPrefix("-") || plain.utf8.allSatisfy({ (48...57).contains($0) || $0 == 45 }) {
      return nil
    }
    if let instant = days.instant(plain) { return instant...instant }
    let words = plain.lowercased().split { " -_".contains($0) }.map(String.init)
    return relative(words, now: now, days)
  }

  /// `2026-01-14`, `2026-01` or `2026`.
  private static func calendarRange(_ text: String, _ days: LocalDays) -> ClosedRange<Int64>? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard (1...3).contains(parts.count), parts[0].count == 4,
      parts.dropFirst().allSatisfy({ $0.count == 2 }),
      parts.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } })
    else { return nil }
    let numbers = parts.compactMap { Int($0) }
    return SearchDate(
      year: numbers[0], month: numbers.count > 1 ? numbers[1] : nil,
      day: numbers.count > 2 ? numbers[2] : nil
    ).range(inYear: numbers[0], days)
  }

  private static func relative(
    _ words: [String], now: Int64, _ days: LocalDays
  ) -> ClosedRange<Int64>? {
    let today = days.day(of: now)
    // 1970-01-01 was a Thursday.
    let weekday = (today + 3) % 7
    let week = today - weekday
    switch words {
    case ["now"]: return now...now
    case ["today"]: return days.range(ofDay: today)
    case ["yesterday"]: return days.range(ofDay: today - 1)
    case ["this", "week"]: return days.range(ofDay: week, count: 7)
    case ["last", "week"]: return days.range(ofDay: week - 7, count: 7)
    case ["this", "month"], ["last", "month"], ["this", "year"], ["last", "year"]:
      let date = SearchDate(at: now, days)
      var (year, month) = (date.year ?? 1970, date.month)
      if words[1] == "year" {
        month = nil
        if words[0] == "last" { year -= 1 }
      } else if words[0] == "last" {
        month = month == 1 ? 12 : (month ?? 1) - 1
        if month == 12 { year -= 1 }
      }
      return SearchDate(year: year, month: month, day: nil).range(inYear: year, days)
    default: break
    }
    if words.count == 1, let first = words.first {
      let names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
      if let number = names.firstIndex(where: { $0 == first || $0.prefix(3) == first }) {
        return days.range(ofDay: today - (weekday - Int64(number) + 7) % 7)
      }
      let digits = first.prefix { $0.isNumber }
      if let count = Int64(digits), let span = span(String(first.dropFirst(digits.count))) {
        return since(count, span, now)
      }
    }
    if words.count >= 2, let count = Int64(words[0] == "a" || words[0] == "an" ? "1" : words[0]),
      let span = span(words[1]), words.count == 2 || words[2...] == ["ago"]
    {
      return since(count, span, now)
    }
    return nil
  }

  private static func since(_ count: Int64, _ span: Int64, _ now: Int64) -> ClosedRange<Int64>? {
    guard (0...100_000).contains(count) else { return nil }
    let instant = now - count * span
    return instant...instant
  }

  private static func span(_ unit: String) -> Int64? {
    switch unit {
    case "h", "hour", "hours": Timestamp.day / 24
    case "d", "day", "days": Timestamp.day
    case "w", "week", "weeks": 7 * Timestamp.day
    case "m", "month", "months": 30 * Timestamp.day
    case "y", "year", "years": 365 * Timestamp.day
    default: nil
    }
  }
}

/// A date of which parts may be left open.
struct SearchDate: Equatable {
  var year: Int?
  var month: Int?
  var day: Int?

  init(year: Int?, month: Int?, day: Int?) {
    self.year = year
    self.month = month
    self.day = day
  }

  /// - Parameter instant: Unix ms.
  init(at instant: Int64, _ days: LocalDays) {
    let (year, month, day) = Timestamp.civil(fromDays: days.day(of: instant))
    self.init(year: Int(year), month: Int(month), day: Int(day))
  }

  /// Unix ms; nil if there is no such date.
  func range(inYear year: Int, _ days: LocalDays) -> ClosedRange<Int64>? {
    guard (1970...9999).contains(year), (1...12).contains(month ?? 1), (1...31).contains(day ?? 1)
    else { return nil }
    func number(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
      Timestamp.days(fromCivil: Int64(year), Int64(month), Int64(day))
    }
    let first = number(year, month ?? 1, day ?? 1)
    let end: Int64
    if let month {
      let next = month == 12 ? number(year + 1, 1, 1) : number(year, month + 1, 1)
      // No 30th of February.
      guard first < next else { return nil }
      end = day == nil ? next : first + 1
    } else {
      end = number(year + 1, 1, 1)
    }
    return days.range(ofDay: first, count: end - first)
  }

  /// Days that an instant lies outside of the date: 0 within. Without a year the nearest one counts.
  func days(to instant: Int64, _ days: LocalDays) -> Double {
    let own = SearchDate(at: instant, days).year ?? 1970
    let years = year.map { [$0] } ?? [own - 1, own, own + 1]
    return years.compactMap { range(inYear: $0, days) }.map { range in
      Double(max(0, range.lowerBound - instant, instant - range.upperBound))
        / Double(Timestamp.day)
    }.min() ?? .infinity
  }

  // MARK: In a query

  private static let months = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
  ]

  /// The dates that a question names: `2026-01-14`, `14 March`, `in May 2025`, `2024`.
  ///
  /// - Parameter words: In lower case, in order.
  static func all(in words: [String]) -> [SearchDate] {
    var found: [SearchDate] = []
    func number(_ word: String?) -> Int? {
      guard let word else { return nil }
      let digits = word.prefix { $0.isNumber }
      let ending = word.dropFirst(digits.count)
      guard ["", "st", "nd", "rd", "th"].contains(ending) else { return nil }
      return Int(digits)
    }
    func word(_ index: Int) -> String? { words.indices.contains(index) ? words[index] : nil }
    func isYear(_ word: String?) -> Int? {
      guard let word, word.count == 4, word.hasPrefix("19") || word.hasPrefix("20") else {
        return nil
      }
      return Int(word)
    }
    // Words are cut at `-`.
    for index in words.indices {
      guard let year = isYear(words[index]), word(index + 1)?.count == 2,
        word(index + 2)?.count == 2, let month = Int(words[index + 1]),
        let day = Int(words[index + 2]), (1...12).contains(month), (1...31).contains(day)
      else { continue }
      found.append(SearchDate(year: year, month: month, day: day))
    }
    if !found.isEmpty { return found }
    let year = words.compactMap(isYear).first
    for (index, name) in words.enumerated() {
      guard let month = months.firstIndex(of: name) else { continue }
      let before = word(index - 1) == "of" ? word(index - 2) : word(index - 1)
      let day = [number(before), number(word(index + 1))].compactMap { $0 }
        .first { (1...31).contains($0) }
      // These two are other words as well.
      if name == "may" || name == "march", day == nil, isYear(word(index + 1)) == nil,
        !["in", "of", "on", "since", "until", "by"].contains(word(index - 1) ?? "")
      {
        continue
      }
      found.append(SearchDate(year: year, month: month + 1, day: day))
    }
    if found.isEmpty, let year { found.append(SearchDate(year: year, month: nil, day: nil)) }
    return found
  }
}
