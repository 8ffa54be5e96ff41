import MemoryStore

/// A line of a recovery document, by which a person may ask why it is there, or strike it.
public struct DocumentLine: Sendable, Equatable {
  /// The heading above it.
  public var section: String
  /// As it stands, CommonMark.
  public var text: String

  /// Its name: ten hexadecimal digits, the same for as long as the line says the same, whatever its
  /// age or how often something happened.
  public var id: String { Self.id(of: text) }

  static func id(of line: String) -> String {
    let hash = FNV1a.hash(core(line).utf8)
    let digits = String(hash >> 24, radix: 16)
    return String(repeating: "0", count: 10 - digits.count) + digits
  }

  /// Without ages ("3 min ago:") and counts ("×4").
  private static func core(_ line: String) -> String {
    let words = line.split(separator: " ", omittingEmptySubsequences: true)
    var kept: [Substring] = []
    for word in words {
      if word.hasPrefix("ago"), kept.count > 1,
        ["s", "min", "h", "days"].contains(kept.last ?? ""),
        kept[kept.count - 2].allSatisfy(\.isNumber)
      {
        kept.removeLast(2)
      } else if word.hasPrefix("×"),
        word.dropFirst().allSatisfy({ $0.isNumber || $0 == ";" || $0 == "," })
      {
        continue
      } else {
        kept.append(word)
      }
    }
    return kept.joined(separator: " ")
  }

  /// What it quotes or names, as it stood in the session: without marks of CommonMark and ours. What
  /// a source must hold for the line to be true.
  public var quoted: [String] {
    var text = text.drop { "-> ".contains($0) }[...]
    for box in ["[ ] ", "[x] "] where text.hasPrefix(box) { text = text.dropFirst(4) }
    if let start = text.firstIndex(of: "“"), let end = text.lastIndex(of: "”"), start < end {
      text = text[text.index(after: start)..<end]
    } else if let start = text.firstIndex(of: "`"), let end = text.lastIndex(of: "`"), start < end {
      text = text[text.index(after: start)..<end]
    } else {
      for end in [": edited", ": uncommitted", " (in progress)", ": "] {
        if let range = text.firstRange(of: end) {
          text = text[..<range.lowerBound]
          break
        }
      }
    }
    let plain = text.replacing("\\", with: "").replacing("**", with: "")
    // Cut texts end in an ellipsis, far paths begin with one.
    return plain.split(separator: "…").map { $0.trimmed }.filter { $0.count > 2 }.map(String.init)
  }
}
