import MemoryStore

/// What the beginning of a handoff says of it, read in bounded time: front matter and objective. For
/// lists; the document itself is ``Handoff``.
public struct HandoffHead: Sendable, Equatable {
  public var front = HandoffFront()
  /// Of the first heading, else the first line of text; on one line.
  public var objective = ""

  /// Characters of front matter, and lines behind it.
  private static let frontLimit = 8192
  private static let lineLimit = 60
  private static let objectiveLimit = 500

  /// - Parameter text: The document's beginning, of any length.
  public init(_ text: String) {
    var rest = text[...]
    if rest.hasPrefix("---\n") || rest.hasPrefix("---\r\n"),
      let end = rest.prefix(Self.frontLimit).dropFirst(4).firstRange(of: "\n---")
    {
      front = HandoffFront(String(rest[..<end.upperBound]) + "\n")
      rest = rest[end.upperBound...].drop { $0 != "\n" }
    }
    for line in rest.prefix(Self.frontLimit).split(whereSeparator: \.isNewline)
      .prefix(Self.lineLimit)
    {
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
