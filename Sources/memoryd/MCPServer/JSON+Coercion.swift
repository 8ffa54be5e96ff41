import Core
import Foundation

/// What was meant by a value of another type than is due.
extension JSON {
  /// A whole number, also as a text: `12`, `"12"`, `" 7"`, `"12.0"`; nil for anything else.
  package var wholeNumber: Int? {
    guard let string else { return integer }
    let text = string.trimmingCharacters(in: .whitespacesAndNewlines)
    return Int(text) ?? JSON(parsing: text.utf8)?.integer
  }

  /// `true` and `false`, also as texts, and 1 and 0.
  package var flag: Bool? {
    let text = string ?? self.text
    switch text.lowercased().trimmingCharacters(in: .whitespacesAndNewlines) {
    case "true", "1", "yes": return true
    case "false", "0", "no": return false
    default: return nil
    }
  }
}
