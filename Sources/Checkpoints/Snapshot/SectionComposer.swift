/// A titled list of lines, best first.
struct DocumentSection {
  var title: String
  /// Of the room, before what others leave over is dealt out.
  var share: Double
  var lines: [Line]

  /// See ``DocumentLine``.
  struct Line {
    var text: String
    var subject: String
    var isStated = false
    var transcriptLine: Int?

    init(_ text: String, of subject: String) {
      self.text = text
      self.subject = subject
    }
  }

  init(_ title: String, share: Double, lines: [Line]) {
    self.title = title
    self.share = share
    self.lines = lines
  }
}

/// Fits sections into a budget: first each takes its share, then what is left goes to them in
/// their order. Lines are taken whole, except that a section is never left out for one long line.
struct SectionComposer {
  private let sections: [DocumentSection]
  /// UTF-16 units.
  private let room: Int

  init(_ sections: [DocumentSection], room: Int) {
    self.sections = sections.filter { !$0.lines.isEmpty }
    self.room = room
  }

  /// How many lines of each section fit.
  private func taken() -> [Int] {
    var taken = sections.map { _ in 0 }
    var left = room
    let total = sections.reduce(0) { $0 + $1.share }
    guard total > 0 else { return taken }
    for pass in 0..<2 {
      for (index, section) in sections.enumerated() {
        var allowance = pass == 0 ? Int(Double(room) * section.share / total) : left
        allowance = min(allowance, left)
        while taken[index] < section.lines.count {
          var cost = section.lines[taken[index]].text.utf16.count + 1
          if taken[index] == 0 { cost += Self.frame(section) }
          guard cost <= allowance else { break }
          allowance -= cost
          left -= cost
          taken[index] += 1
        }
      }
    }
    return taken
  }

  func text() -> String {
    var text = ""
    for (section, count) in zip(sections, taken()) where count > 0 {
      text += "## \(section.title)\n\n"
      for line in section.lines.prefix(count) { text += line.text + "\n" }
      text += "\n"
    }
    return text
  }

  func lines() -> [DocumentLine] {
    zip(sections, taken()).flatMap { section, count in
      section.lines.prefix(count).map {
        DocumentLine(
          section: section.title, text: $0.text, subject: $0.subject, isStated: $0.isStated,
          transcriptLine: $0.transcriptLine)
      }
    }
  }

  /// The heading and the blank lines around a list.
  private static func frame(_ section: DocumentSection) -> Int {
    section.title.utf16.count + 6
  }
}
