import Core
import Foundation

/// Notices that another file stands where this process was started from.
struct ExecutableWatch {
  private var known = Self.facts()

  /// - Returns: True if that happened since the last question.
  mutating func wasReplaced() -> Bool {
    guard let now = Self.facts() else { return false }
    defer { known = now }
    return known.map { $0.inode != now.inode || $0.device != now.device } ?? false
  }

  private static func facts() -> RegularFile.Facts? {
    Bundle.main.executablePath.flatMap { RegularFile.facts($0) }
  }
}
