import Syntax

/// A part of a document with all the lines that it might have.
struct DocumentSection {
  var part: DocumentPart
  var lines: [Line]

  /// See ``DocumentLine``.
  struct Line {
    var text: String
    var subject: String
    /// Of two lines the better one is taken first.
    var worth: Double
    /// Where it stands among those that are taken.
    var order: Int
    var isStated = false
    var transcriptLine: Int?

    init(_ text: String, of subject: String, worth: Double, order: Int = 0) {
      self.text = text
      self.subject = subject
      self.worth = worth
      self.order = order
    }
  }

  init(_ part: DocumentPart, lines: [Line]) {
    self.part = part
    self.lines = lines
  }
}

/// Fits sections into a budget: first each takes its best lines up to its share, then what is left is
/// dealt out in rounds. Lines are taken whole, and what one line has said no other says again.
struct SectionComposer {
  /// UTF-16 units.
  private let room: Int
  private let isShort: Bool
  /// What may still be taken, the best first, each with the UTF-16 units of its text.
  private var pools: [(part: DocumentPart, lines: [(line: DocumentSection.Line, units: Int)])]
  private var chosen: [[DocumentSection.Line]]
  private var size: [Int]
  private var total = 0
  private var said: [WordSet] = []

  /// Lines that are too long for what is left are passed over, so many in a row.
  private static let mostPassed = 3
  private static let rounds = 60
  /// Of such a worth a line is told even if others have most of its words.
  private static let certain = 7.5
  /// Of such a worth it may take twice its part's share.
  private static let first = 10.5
  /// UTF-16 units that a round deals out for each unit of growth.
  private static let dealt = 40

  init(_ sections: [DocumentSection], room: Int, isShort: Bool) {
    self.room = room
    self.isShort = isShort
    pools = sections.filter { !$0.lines.isEmpty }.map { section in
      let best = section.lines.enumerated().sorted {
        ($0.element.worth, $1.offset) > ($1.element.worth, $0.offset)
      }.map { (line: $0.element, units: $0.element.text.utf16Length) }
      return (section.part, best)
    }
    chosen = pools.map { _ in [] }
    size = pools.map { _ in 0 }
    compose()
  }

  private mutating func compose() {
    let shares = pools.map { $0.part.share(isShort: isShort) }
    let all = shares.reduce(0, +)
    var reach = shares.map { Int($0 / all * Double(room)) }
    for index in pools.indices { fill(index, reach[index]) }
    for index in pools.indices { reach[index] = max(reach[index], size[index]) }
    let order = pools.indices.sorted {
      (pools[$0].part.growth, $1) > (pools[$1].part.growth, $0)
    }
    for _ in 0..<Self.rounds where total < room - 60 && pools.contains(where: { !$0.lines.isEmpty })
    {
      for index in order where !pools[index].lines.isEmpty {
        reach[index] += pools[index].part.growth * Self.dealt
        fill(index, reach[index])
      }
    }
  }

  private mutating func fill(_ index: Int, _ limit: Int) {
    var at = 0
    var passed = 0
    while at < pools[index].lines.count, passed <= Self.mostPassed {
      let (line, units) = pools[index].lines[at]
      let frame = size[index] == 0 ? pools[index].part.title.utf16Length + 6 : 0
      let cost = units + 1 + frame
      // What the person said last is not left out for something shorter that stands behind it.
      let isLast = pools[index].part == .objective && line.worth >= Self.first
      let reach = isLast ? limit * 2 : limit
      // Nor is a part for one long line. In a short document that line would take the room of others,
      // unless they can do without: what it is about, where it stands and what comes next.
      let mayExceed =
        isShort
        ? line.isStated || size[index] == 0 && pools[index].part.leads
        : size[index] == 0 && limit >= 60
      guard total + cost <= room, size[index] + cost <= reach || mayExceed else {
        at += 1
        passed += 1
        continue
      }
      pools[index].lines.remove(at: at)
      guard pools[index].part.repeats || isNew(line.text) || line.worth >= Self.certain else {
        continue
      }
      chosen[index].append(line)
      size[index] += cost
      total += cost
    }
  }

  /// False for a line most of whose words stand in one that was taken.
  private mutating func isNew(_ text: String) -> Bool {
    let words = WordSet(text)
    guard !words.isEmpty else { return false }
    let count = Double(words.count)
    for other in said {
      let both = Double(words.common(with: other))
      if both >= 0.72 * count { return false }
      if both >= 0.8 * Double(other.count), other.count > 6, count < 2 * Double(other.count) {
        return false
      }
    }
    said.append(words)
    return true
  }

  private var parts: [(part: DocumentPart, lines: [DocumentSection.Line])] {
    zip(pools, chosen).compactMap { pool, lines in
      lines.isEmpty
        ? nil
        : (
          pool.part,
          lines.enumerated().sorted {
            ($0.element.order, $0.offset) < ($1.element.order, $1.offset)
          }.map(\.element)
        )
    }
  }

  func text() -> String {
    parts.map { part, lines in
      "## \(part.title)\n\n" + lines.map { $0.text + "\n" }.joined()
    }.joined(separator: "\n")
  }

  func lines() -> [DocumentLine] {
    parts.flatMap { part, lines in
      lines.map {
        DocumentLine(
          part: part, text: $0.text, subject: $0.subject, isStated: $0.isStated,
          transcriptLine: $0.transcriptLine)
      }
    }
  }
}
