import Continuity

/// Shows how far a stream of bytes has come, a few times a second.
final class Progress {
  private let show: ((String) -> Void)?
  private let what: String
  /// Bytes; nil where nobody knows.
  private let total: Int64?
  private let start = ContinuousClock.now
  private var shown: ContinuousClock.Instant

  init(_ what: String, total: Int64?, _ invocation: Invocation) {
    show = invocation.progress
    self.what = what
    self.total = total
    shown = start
  }

  func note(_ bytes: Int64) {
    guard let show else { return }
    let now = ContinuousClock.now
    guard now - shown >= .milliseconds(200) else { return }
    shown = now
    show(Self.text(what, bytes, of: total, after: now - start))
  }

  /// Takes the line away.
  func end() {
    if shown != start { show?("") }
  }

  static func text(
    _ what: String, _ bytes: Int64, of total: Int64?, after time: Duration
  ) -> String {
    let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
    let rate = Double(bytes) / max(seconds, 0.001)
    guard let total, total > 0 else {
      return "\(what) \(TerminalText.size(bytes)), \(TerminalText.size(Int64(rate)))/s"
    }
    let left = Int(Double(max(0, total - bytes)) / max(rate, 1))
    return "\(what) \(min(100, bytes * 100 / total))%, \(TerminalText.size(bytes)) of "
      + "\(TerminalText.size(total)), \(TerminalText.size(Int64(rate)))/s, \(left / 60):"
      + (left % 60 < 10 ? "0" : "") + "\(left % 60) left"
  }
}
