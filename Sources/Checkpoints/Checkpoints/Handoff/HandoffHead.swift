import Core

/// What the beginning of a handoff says of it, read in bounded time: front matter and objective. For
/// lists; the document itself is ``Handoff``.
public struct HandoffHead: Sendable, Equatable {
  public var front = HandoffFront()
  /// The first heading, else the first line of text; on one line.
  public var objective = ""

  /// UTF-8 bytes that are looked at, and lines behind the front matter.
  private static let limit = 64 << 10
  private static let lineLimit = 60
  private static let objectiveLimit = 500

  /// - Parameter text: The document's beginning, of any length.
  public init(_ text: String) {
    let (front, rest) = HandoffSource.parts(
      of: String(decoding: text.utf8.prefix(Self.limit), as: UTF8.self))
    self.front = HandoffFront(front)
    for line in rest.split(whereSeparator: \.isNewline).prefix(Self.lineLimit) {
      var text = line.drop { $0 == "#" }[...]
      let isHeading = text.startIndex > line.startIndex
      text = text.drop(while: \.isWhitespace)
      if isHeading, let name = text.firstRange(of: "Handoff:"), name.lowerBound == text.startIndex {
        text = text[name.upperBound...].drop(while: \.isWhitespace)
      }
      if text.isEmpty || text == "---" { continue }
      objective = String(text.prefix(Self.objectiveLimit))
      return
    }
  }
}
