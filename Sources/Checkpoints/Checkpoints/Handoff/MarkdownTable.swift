import Syntax

/// A table of GitHub's Markdown, which cmark does not know: rows between bars, a line of dashes below
/// the first.
struct MarkdownTable: Equatable {
  var header: [String]
  /// Each as wide as the header.
  var rows: [[String]]

  /// - Parameter lines: Of a paragraph; nil if they are no table.
  init?(_ lines: some Collection<Substring>) {
    let lines = Array(lines)
    guard lines.count >= 2, lines[0].contains("|") else { return nil }
    let header = Self.cells(lines[0])
    let rule = Self.cells(lines[1])
    guard rule.count == header.count, rule.allSatisfy(Self.isRule) else { return nil }
    self.header = header
    rows = lines.dropFirst(2).map { line in
      let cells = Self.cells(line)
      return (0..<header.count).map { $0 < cells.count ? cells[$0] : "" }
    }
  }

  private static func isRule(_ cell: String) -> Bool {
    let dashes = cell.drop { $0 == ":" }
    return dashes.contains("-") && dashes.allSatisfy { $0 == "-" || $0 == ":" }
  }

  /// A bar within a cell is written `\|`.
  static func cells(_ line: Substring) -> [String] {
    var cells: [String] = []
    var cell = String.UnicodeScalarView()
    var isEscaped = false
    var text = line.trimmed.unicodeScalars
    if text.first == "|" { text.removeFirst() }
    for scalar in text {
      if isEscaped {
        if scalar != "|" { cell.append("\\") }
        cell.append(scalar)
        isEscaped = false
      } else if scalar == "\\" {
        isEscaped = true
      } else if scalar == "|" {
        cells.append(Self.text(cell))
        cell = .init()
      } else {
        cell.append(scalar)
      }
    }
    if isEscaped { cell.append("\\") }
    let last = Self.text(cell)
    if !last.isEmpty { cells.append(last) }
    return cells
  }

  private static func text(_ cell: String.UnicodeScalarView) -> String {
    withBars(String(String(cell).trimmed))
  }

  /// A bar behind a backslash, where `\|` would say something else.
  private static let bar = "&#124;".unicodeScalars

  /// By scalars: a combining mark behind it makes another character of a bar.
  static func withBars(_ text: String) -> String {
    String(text.unicodeScalars.replacing(bar, with: "|".unicodeScalars))
  }

  /// Text of one line as it stands in a cell.
  static func escaped(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if scalar == "|", result.last == "\\" {
        result.append(contentsOf: bar)
      } else if scalar == "|" {
        result.append(contentsOf: "\\|".unicodeScalars)
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }
}
