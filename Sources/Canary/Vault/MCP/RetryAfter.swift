import Foundation
import NIOHTTP1

/// `Retry-After`, in seconds or as a date. Source: RFC 9110, 10.2.3.
package enum RetryAfter {
  /// No vault may keep memoryd away for longer.
  package static let longest = Duration.seconds(3600)

  /// - Returns: From the answer's own time on; nil where there is none.
  static func wait(_ headers: HTTPHeaders) -> Duration? {
    guard let text = headers.first(name: "retry-after") else { return nil }
    if let seconds = Int64(text.filter { $0 != " " }) {
      return .seconds(min(max(0, seconds), longest.components.seconds))
    }
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(secondsFromGMT: 0)
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
    guard let until = formatter.date(from: text) else { return nil }
    // Against the server's clock, as ours may differ; without one, against ours.
    let now =
      headers.first(name: "date").flatMap { formatter.date(from: $0) } ?? Date.now
    let seconds = until.timeIntervalSince(now)
    return .seconds(min(max(0, seconds), Double(longest.components.seconds)))
  }
}
