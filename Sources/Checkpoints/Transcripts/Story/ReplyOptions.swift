import Syntax

/// The ways that an agent's message offers, each behind a mark: `A.`, `2)`, `**B —`, a table's row.
package struct ReplyOptions {
  package struct Option: Equatable {
    /// A letter in upper case, or a digit.
    package var mark: Character
    package var text: String

    /// Without what stands behind a dash.
    package var title: String {
      let text = plainText
      return (text[...].utf8Range(of: " — ").map { String(text[..<$0.lowerBound]) } ?? text)
        .cut(to: 90)
    }

    /// Without the agent's word that it would take this one.
    package var plainText: String {
      text.replacing(bytesOf: " (Recommended)", with: "")
    }
  }

  package private(set) var options: [Option] = []

  package init(in message: String) {
    var isCode = false
    var found: [Option] = []
    var isOpen = false
    for raw in message.split(separator: "\n", omittingEmptySubsequences: false) {
      let line = raw.trimmed
      if line.hasPrefix("```") { isCode.toggle() }
      if isCode { continue }
      if let option = Self.option(line) {
        // A list that begins anew is the one that counts.
        if found.contains(where: { $0.mark == option.mark }) { found = [] }
        found.append(option)
        isOpen = true
      } else if line.isEmpty {
        continue
      } else if isOpen, raw.first == " " || raw.first == "\t", let last = found.indices.last,
        found[last].text.utf8.count < 160
      {
        found[last].text += " " + Self.plain(line.drop { "-* ".contains($0) })
      } else {
        isOpen = false
      }
    }
    // Letters say that somebody is to choose; numbers may only count.
    let letters = found.filter { $0.mark.isLetter }
    options = letters.count >= 2 ? letters : (found.count >= 2 ? found : [])
  }

  private static func option(_ line: Substring) -> Option? {
    var rest = line
    let isRow = rest.first == "|"
    rest = rest.drop { "-*+#|_ ".contains($0) }
    var isNamed = false
    for name in ["Option ", "Approach ", "Choice ", "Variant "] where rest.hasPrefix(name) {
      rest = rest.dropFirst(name.count)
      isNamed = true
    }
    if rest.first == "(" { rest = rest.dropFirst() }
    guard let mark = rest.first, mark.isASCII,
      ("A"..."H").contains(mark) || ("1"..."9").contains(mark)
    else { return nil }
    rest = rest.dropFirst()
    // The mark needs its sign: "A store that…" is a sentence.
    rest = rest.drop { $0 == "*" || $0 == "_" }
    guard let sign = rest.first else { return nil }
    if sign == " " {
      let after = rest.drop { $0 == " " }
      guard let dash = after.first, dash == "—" || dash == "–" || (isRow && dash == "|") else {
        return nil
      }
      rest = after.dropFirst()
    } else {
      guard ".):—–|".contains(sign) || isNamed && sign == "-" else { return nil }
      rest = rest.dropFirst()
    }
    let text =
      isRow
      ? rest.split(separator: "|").map { plain($0.trimmed) }.filter { !$0.isEmpty }
        .joined(separator: " — ") : plain(rest)
    return text.utf8.count >= 3 ? Option(mark: mark, text: text) : nil
  }

  private static func plain(_ text: Substring) -> String {
    String(text).withoutStrongMarks.oneLine
  }

  /// The one that the agent says it would take.
  var recommended: Option? {
    options.first { $0.text.lowercased().hasBytes("recommend") }
  }

  /// The option that a reply takes: its mark at the beginning, or "option B".
  package func chosen(by reply: String) -> Option? {
    let words = reply.split(whereSeparator: { " \n\t,.:;)!(".contains($0) }).prefix(12)
    for (index, word) in words.enumerated() {
      let before =
        index > 0 ? words[words.index(words.startIndex, offsetBy: index - 1)].lowercased() : ""
      let isAtStart = words.prefix(index).allSatisfy { Self.openers.contains($0.lowercased()) }
      guard word.count == 1, let letter = word.first,
        isAtStart || before == "option" || before == "approach"
      else { continue }
      // "a" and "I" are words.
      if letter == "a" || letter == "I", before != "option", words.count > 1 { continue }
      let mark = Character(letter.uppercased())
      if let option = options.first(where: { $0.mark == mark }) { return option }
    }
    return nil
  }

  private static let openers: Set<String> = [
    "i", "think", "let's", "go", "do", "use", "with", "option", "approach", "prefer", "like", "i'd",
    "would", "ok", "yes", "the", "take", "choose", "for",
  ]

  /// True for a reply that means nothing without what it answers.
  package static func isShort(_ reply: String) -> Bool {
    // More of them make no difference, and a message may be a pasted log.
    let words = reply.split(maxSplits: 60, whereSeparator: \.isWhitespace)
    if words.count <= 8 { return true }
    guard let first = words.first?.lowercased() else { return true }
    let head = first.filter { $0.isLetter || $0.isNumber }
    if head.count == 1, first.count > 1, first.first != "i", words.count < 60 { return true }
    return words.count < 40 && shortHeads.contains(head)
  }

  private static let shortHeads: Set<String> = [
    "yes", "yep", "yeah", "no", "nope", "ok", "okay", "go", "sure", "lgtm", "agreed", "agree",
    "correct", "ja", "nein",
  ]
}
