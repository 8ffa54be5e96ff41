import Core

/// A time as words of the index: whole years, whole months, and days (UTC).
enum SearchPeriod {
  /// - Parameters:
  ///   - since, until: Unix ms, inclusive; nil is open, back to 1970 and on to 2099.
  /// - Returns: Words of which each entry of the time has one; nil for all of time.
  static func words(from since: Int64?, to until: Int64?) -> [SearchQuery.Phrase]? {
    guard since != nil || until != nil else { return nil }
    if let since, let until, since > until { return [word("y", 0)] }
    let (firstYear, firstDay) = since.map(date) ?? (leastYear, nil)
    let (lastYear, lastDay) = until.map(date) ?? (mostYear, nil)
    let (start, end) = (firstDay ?? (1, 1), lastDay ?? (12, 31))
    if firstYear == lastYear { return words(ofYear: firstYear, start, end) }
    // An open end is a whole year, and may be a part of a whole decade.
    return (firstDay == nil ? [] : words(ofYear: firstYear, start, (12, 31)))
      + years(firstYear + (firstDay == nil ? 0 : 1), lastYear - (lastDay == nil ? 0 : 1))
      + (lastDay == nil ? [] : words(ofYear: lastYear, (1, 1), end))
  }

  private static func date(_ milliseconds: Int64) -> (year: Int, day: (Int, Int)?) {
    let date = SearchDate(at: milliseconds, .utc)
    return (date.year ?? leastYear, (date.month ?? 1, date.day ?? 1))
  }

  private static let leastYear = 1970
  private static let mostYear = 2099

  private static func word(_ letter: String, _ numbers: Int...) -> SearchQuery.Phrase {
    // The year has four digits, all others two.
    let text = numbers.enumerated().map { index, number in
      let digits = String(number)
      return String(repeating: "0", count: max(0, (index == 0 ? 4 : 2) - digits.count)) + digits
    }
    return SearchQuery.Phrase(words: [letter + text.joined()])
  }

  /// Whole decades are the beginning of a word.
  private static func years(_ first: Int, _ last: Int) -> [SearchQuery.Phrase] {
    var words: [SearchQuery.Phrase] = []
    var year = max(first, leastYear)
    while year <= min(last, mostYear) {
      if year % 10 == 0, year + 9 <= last {
        words.append(SearchQuery.Phrase(words: ["y\(year / 10)"], isOpen: true))
        year += 10
      } else {
        words.append(word("y", year))
        year += 1
      }
    }
    return words
  }

  private static func words(
    ofYear year: Int, _ first: (Int, Int), _ last: (Int, Int)
  ) -> [SearchQuery.Phrase] {
    if first == (1, 1), last == (12, 31) { return [word("y", year)] }
    var words: [SearchQuery.Phrase] = []
    for month in first.0...last.0 {
      let start = month == first.0 ? first.1 : 1
      let length = length(ofMonth: month, year)
      let end = month == last.0 ? last.1 : length
      if start == 1, end >= length {
        words.append(word("m", year, month))
      } else {
        words += (start...max(start, end)).map { word("d", year, month, $0) }
      }
    }
    return words
  }

  private static func length(ofMonth month: Int, _ year: Int) -> Int {
    SearchDate(year: year, month: month, day: nil).range(inYear: year, .utc)
      .flatMap { SearchDate(at: $0.upperBound, .utc).day } ?? 31
  }
}
