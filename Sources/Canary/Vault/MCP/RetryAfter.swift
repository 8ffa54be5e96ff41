import Foundation
import NIOHTTP1

/// `Retry-After`, in seconds or as a date. Source: RFC 9110, 10.2.3.
package enum RetryAfter {
  /// No vault may keep memoryd away for longer than an hour, ms.
  package static let longest: Int64 = 3_600_000

  /// - Returns: Ms from the answer's own time; nil where there is none.
  static func milliseconds(_ headers: HTTPHeaders) -> Int64? {
    guard let text = headers.first(name: "retry-after") else { return nil }
    if let seconds = Int64(text.filter { $0 != " " }) {
      return min(max(0, seconds), longest / 1000) * 1000
    }
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(secondsFromGMT: 0)
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
    guard let until = formatter.date(from: text) else { return nil }
    // Against the server's clock, as ours may differ; without one, against ours.
    let now =
      headers.first(name: "date").flatMap { formatter.date(from: $0) } ?? Date.now
    return Int64(min(max(0, until.timeIntervalSince(now) * 1000), Double(longest)))
  }
}
