import Syntax

/// What somebody wrote in Markdown, as sentences with what they are.
package struct Prose {
  package struct Sentence {
    package var text: String
    /// The heading that it stands under; empty if there is none.
    package var heading = ""
    /// True in a list or a table.
    var isItem = false
    package var marks: Lexicon.Marks = []
    package var length: Int { text.utf8.count }
    package var isQuestion: Bool { text.hasSuffix("?") }
    /// True if it only opens what comes next.
    var isLead: Bool { text.hasSuffix(":") }

    /// Says what the agent is about to do, and nothing that it found.
    var isNarration: Bool { marks.contains(.narration) && !marks.contains(.finding) }
    var isNod: Bool {
      // "Not pushed." says more than "Done."
      length < 15 && marks.isDisjoint(with: [.hardRule, .outlook])
        || marks.contains(.nod) && length < 34
    }
    /// Worth telling by itself.
    var saysSomething: Bool { !isNod && !marks.contains(.narration) && !isLead && length > 24 }
  }

  package private(set) var sentences: [Sentence] = []

  /// - Parameter limit: Of sentences, from the start.
  package init(_ text: String, limit: Int = 400) {
    var heading = ""
    for line in Self.lines(of: text) {
      var line = line.trimmed
      if line.first == "#" {
        heading = String(line.drop { $0 == "#" || $0 == " " }.trimmedEnd(" :#*"))
        continue
      }
      let isItem = Self.removeMarker(&line)
      for part in Self.parts(of: line) {
        var sentence = Sentence(text: part, heading: heading, isItem: isItem)
        sentence.marks = Lexicon.english.marks(in: part)
        sentences.append(sentence)
        if sentences.count >= limit { return }
      }
    }
  }

  /// The lines of prose: short code stays as a line of its own, long code goes, tables become items.
  private static func lines(of text: String) -> [Substring] {
    var lines: [Substring] = []
    var code: [Substring]?
    func endCode() {
      if let block = code, block.count <= 3, block.reduce(0, { $0 + $1.utf8.count }) < 200,
        !block.isEmpty
      {
        lines.append(Substring("`\(block.joined(separator: "; ").withoutBackticks)`"))
      }
      code = nil
    }
    for raw in text.utf8.split(separator: 0x0A) {
      let line = Substring(raw).trimmed
      if line.hasPrefix("```") || line.hasPrefix("~~~") {
        if code == nil { code = [] } else { endCode() }
        continue
      }
      if code != nil {
        if !line.isEmpty { code?.append(line) }
        continue
      }
      if line.isEmpty || line.utf8.allSatisfy({ isRule($0) }) || line.hasPrefix("───")
        || line.hasPrefix("::git-")
      {
        continue
      }
      if line.first == "|" {
        let cells = line.split(separator: "|").map(\.trimmed).filter { !$0.isEmpty }
        lines.append("- " + cells.joined(separator: " — "))
      } else {
        lines.append(line)
      }
    }
    if let open = code, open.count <= 3 { endCode() }
    return lines
  }

  private static func isRule(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "|") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ":")
      || byte == UInt8(ascii: "=") || byte == UInt8(ascii: "*") || byte == 0x20
  }

  /// Takes off what makes a line a list item or a quote.
  private static func removeMarker(_ line: inout Substring) -> Bool {
    var isItem = false
    while let first = line.utf8.first {
      if first == UInt8(ascii: ">") {
        line = line.dropFirst().trimmed
        continue
      }
      let rest = line.utf8.dropFirst()
      if first == UInt8(ascii: "-") || first == UInt8(ascii: "*") || first == UInt8(ascii: "+"),
        rest.first == 0x20
      {
        line = line.dropFirst(2).trimmed
        isItem = true
        continue
      }
      let digits = line.utf8.prefix { (48...57).contains($0) }.count
      if (1...2).contains(digits) {
        let after = line.utf8.dropFirst(digits)
        if let mark = after.first, mark == UInt8(ascii: ".") || mark == UInt8(ascii: ")"),
          after.dropFirst().first == 0x20
        {
          line = line.dropFirst(digits + 2).trimmed
          isItem = true
          continue
        }
      }
      break
    }
    return isItem
  }

  /// Splits behind `. ! ?` before a blank and what may begin a sentence.
  private static func parts(of line: Substring) -> [String] {
    let bytes = Array(line.utf8)
    var parts: [String] = []
    var start = 0
    func end(_ index: Int) {
      let text = String(decoding: bytes[start..<index], as: UTF8.self).withoutStrongMarks
        .withoutOrnaments.withoutLinks.trimmed
      if text.utf8.count > 1 { parts.append(String(text)) }
      start = index
    }
    for index in bytes.indices where index + 2 < bytes.count && bytes[index + 1] == 0x20 {
      guard
        bytes[index] == UInt8(ascii: ".") || bytes[index] == UInt8(ascii: "!")
          || bytes[index] == UInt8(ascii: "?")
      else { continue }
      let next = bytes[index + 2]
      let begins =
        (65...90).contains(next) || next == UInt8(ascii: "`") || next == UInt8(ascii: "\"")
        || next == UInt8(ascii: "(") || next == UInt8(ascii: "*") || next >= 0xC3
      // "e.g. X" and "vs. Y" go on.
      let isShort =
        index >= 2 && (bytes[index - 2] == UInt8(ascii: ".") || bytes[index - 2] == 0x20)
      if begins, !isShort { end(index + 1) }
    }
    end(bytes.count)
    return parts
  }

  /// The last question, with the first one where that one is bare.
  package var question: String? {
    guard let last = sentences.last(where: \.isQuestion)?.text else { return nil }
    guard let first = sentences.first(where: \.isQuestion)?.text, first != last,
      first.utf8.count > 25
    else { return Self.withoutCount(last) }
    return Self.withoutCount(last.utf8.count < 45 ? first : "\(first) … \(last)")
  }

  /// Without "Next question:" in front.
  private static func withoutCount(_ question: String) -> String {
    guard let colon = question[...].utf8Range(of: "uestion: ") else { return question }
    let before = question[..<colon.lowerBound]
    return before.utf8.count < 10 ? String(question[colon.upperBound...]) : question
  }

  /// What an agent did a thing for: the last sentence without its lead, behind a finding of the same
  /// message.
  package func purpose(limit: Int = 240) -> String {
    guard let last = sentences.last else { return "" }
    let body = Self.withoutLead(last.text)
    guard let reason = sentences.dropLast().last(where: { $0.marks.contains(.finding) }) else {
      return body.cut(to: limit)
    }
    return reason.text.cut(to: limit) + " " + body.cut(to: 60)
  }

  /// "Now let me check the tests:" becomes "check the tests".
  static func withoutLead(_ sentence: String) -> String {
    let bytes = Array(sentence.utf8)
    var start = 0
    var isCut = true
    while isCut {
      isCut = false
      for lead in leads where bytes.count - start > lead.utf8.count {
        let end = start + lead.utf8.count
        guard isGap(bytes[end]),
          zip(bytes[start..<end], lead.utf8).allSatisfy({
            $0 == $1 || (65...90).contains($0) && $0 | 0x20 == $1
          })
        else { continue }
        start = end
        while start < bytes.count, isGap(bytes[start]) { start += 1 }
        isCut = true
        break
      }
    }
    return String(
      String(decoding: bytes[start...], as: UTF8.self)[...].trimmedEnd(" :."))
  }

  private static func isGap(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == UInt8(ascii: ",") || byte == UInt8(ascii: ".")
      || byte == UInt8(ascii: "!") || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "-")
  }

  private static let leads = [
    "good", "great", "perfect", "excellent", "now", "ok", "okay", "alright", "right", "i see",
    "got it", "done", "sure", "first", "then", "and", "finally", "next", "so", "let me", "let's",
    "i'll", "i will", "i need to", "i'm going to", "i should", "also", "just", "quickly",
  ]
}
