import Foundation

/// Lines that are put at the end of somebody's TOML document, where a table header ends what stands
/// before it. Every other byte stays.
struct TOMLBlock {
  /// A part of it, which is left out where the document has the like.
  struct Piece {
    /// Tables, with a newline at the end.
    var text: String
    /// What a document says that has the like: a header of a table, or a part of a line.
    var signs: [String]

    func isIn(_ document: String) -> Bool {
      let lines = document.split(whereSeparator: \.isNewline).map { line in
        line.hasPrefix("[") ? line.filter { $0 != " " && $0 != "\t" } : String(line)
      }
      return lines.contains { line in signs.contains { line.contains($0) } }
    }
  }

  var pieces: [Piece]

  /// What stands in front of the block, and the block itself, in what `install` remembers.
  static let (separator, block) = ("toml.separator", "toml.block")

  /// - Parameter document: Nil where there is no file.
  /// - Returns: Nil if all of it is there already, whoever put it there.
  func added(to document: String?) -> (text: String, before: HookSettings.Before)? {
    let known = document ?? ""
    let text = pieces.filter { !$0.isIn(known) }.map(\.text).joined(separator: "\n")
    if text.isEmpty { return nil }
    let separator = known.isEmpty ? "" : known.hasSuffix("\n") ? "\n" : "\n\n"
    return (
      known + separator + text, [Self.separator: .some(separator), Self.block: .some(text)]
    )
  }

  /// - Parameter before: What `install` remembers; nil if that is lost.
  /// - Returns: Nil if the block is not there as it was put there.
  func removed(from document: String, _ before: HookSettings.Before?) -> String? {
    let texts =
      (before?[Self.block] ?? nil).map { [$0] }
      ?? [pieces.map(\.text).joined(separator: "\n")] + pieces.map(\.text)
    let separators = (before?[Self.separator] ?? nil).map { [$0, ""] } ?? ["\n\n", "\n", ""]
    for text in texts {
      for separator in separators {
        guard let range = document.range(of: separator + text) else { continue }
        return String(document[..<range.lowerBound] + document[range.upperBound...])
      }
    }
    return nil
  }
}
