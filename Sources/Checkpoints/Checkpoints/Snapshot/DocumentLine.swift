import Core
import Syntax

/// A line of a recovery document, by which a person may ask why it is there, or strike it.
public struct DocumentLine: Sendable, Equatable {
  public var part: DocumentPart
  /// The heading above it.
  public var section: String { part.title }
  /// As it stands, CommonMark.
  public var text: String
  /// What it says of, whole and as the session has it: the words of a request or of an item, a path, a
  /// command.
  public var subject: String
  /// Somebody said it when a checkpoint was taken by hand.
  public var isStated = false
  /// The line of the transcript, from 1, where the digest knows it.
  public var transcriptLine: Int?

  /// Its name: ten hexadecimal digits, the same for as long as the line says something of the same,
  /// whatever its age or state and how often something happened.
  public var id: String {
    let hash = FNV1a.hash(StruckLines.plain(subject).utf8)
    let digits = String(hash >> 24, radix: 16)
    return String(repeating: "0", count: 10 - digits.count) + digits
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
    let plain = String(text).replacing(bytesOf: "\\", with: "").replacing(bytesOf: "**", with: "")
    // Cut texts end in an ellipsis, far paths begin with one.
    return plain.split(separator: "…").map { $0.trimmed }.filter { $0.count > 2 }.map(String.init)
  }
}
