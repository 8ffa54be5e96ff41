import Core
import Foundation

/// Which events the `matcher` of a group of hooks lets through. Source: reference "agent-clis", 1.
enum HookMatcher {
  /// - Parameter matcher: Nil where there is none.
  static func passes(_ matcher: JSONText.Node?, _ value: String) -> Bool {
    guard let matcher else { return true }
    // Anything but text is refused.
    guard let text = matcher.string else { return false }
    if text.isEmpty || text == "*" { return true }
    let isList = text.allSatisfy {
      $0.isASCII && ($0.isLetter || $0.isNumber) || "_-,| ".contains($0)
    }
    if isList {
      return text.split(whereSeparator: { "|,".contains($0) })
        .contains { $0.trimmingCharacters(in: .whitespaces) == value }
    }
    let expression = try? NSRegularExpression(pattern: text)
    let range = NSRange(value.startIndex..., in: value)
    return expression?.firstMatch(in: value, range: range) != nil
  }
}
