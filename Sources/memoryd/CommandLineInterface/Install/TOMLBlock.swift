import Foundation

/// Lines that are put at the end of somebody's TOML document, where a table header ends what stands
/// before it. Every other byte stays.
struct TOMLBlock {
  /// A part of it, which is left out where the document has the like.
  struct Piece {
    /// Tables, with a newline at the end.
    var text: String
    /// What a document says that has the like, without white space and quotes: how a key with its tables
    /// begins, or, from `--` on, a part of a line.
    var signs: [String]

    func isIn(_ document: String) -> Bool {
      var table = ""
      for line in document.split(whereSeparator: \.isNewline) {
        // Names may be quoted, and have white space around them.
        let line = line.filter { !" \t\"'".contains($0) }
        if line.hasPrefix("#") { continue }
        if line.hasPrefix("[") { table = line.filter { !"[]".contains($0) } + "." }
        let key = line.hasPrefix("[") ? table : table + line
        if signs.contains(where: { key.hasPrefix($0) || line.contains($0) && $0.hasPrefix("--") }) {
          return true
        }
      }
      return false
    }
  }

  var pieces: [Piece]
  /// Keys that are one value where a document sets them so; a table below one would break the document.
  var roots: [String] = []

  /// - Returns: The first of these keys that the document sets as one value.
  func obstacle(in document: String) -> String? {
    for line in document.split(whereSeparator: \.isNewline) {
      let line = line.filter { $0 != " " && $0 != "\t" && $0 != "\"" }
      // Behind a header the key is another table's.
      if line.hasPrefix("[") { return nil }
      if let root = roots.first(where: { line.hasPrefix($0 + "=") }) { return root }
    }
    return nil
  }

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

  /// True if one of its pieces, or the like, is there.
  func isPartly(in document: String) -> Bool { pieces.contains { $0.isIn(document) } }

  /// - Parameter before: What `install` remembers; nil if that is lost.
  /// - Returns: Nil if the block is not there as it was put there, or somebody has added to it.
  func removed(from document: String, _ before: HookSettings.Before?) -> String? {
    let texts =
      (before?[Self.block] ?? nil).map { [$0] }
      ?? [pieces.map(\.text).joined(separator: "\n")] + pieces.map(\.text)
    let separators = (before?[Self.separator] ?? nil).map { [$0, ""] } ?? ["\n\n", "\n", ""]
    for text in texts {
      for separator in separators {
        guard let range = document.range(of: separator + text),
          isEnded(by: document[range.upperBound...])
        else { continue }
        return String(document[..<range.lowerBound] + document[range.upperBound...])
      }
    }
    return nil
  }

  /// False if what follows goes on with the block's last table: it is somebody's, and would be another
  /// table's.
  private func isEnded(by rest: Substring) -> Bool {
    let lines = rest.split(whereSeparator: \.isNewline).map { $0.filter { !" \t".contains($0) } }
    return lines.first { !$0.isEmpty && !$0.hasPrefix("#") }?.hasPrefix("[") ?? true
  }
}
