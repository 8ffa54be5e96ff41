import Syntax

// What the agent says: where it stands, what it found out, what it decides.
extension Story {
  /// - Parameter text: Without secrets.
  package mutating func ingest(agent text: String, at place: Place) {
    guard !Self.isNothing(text) else { return }
    let prose = Prose(text)
    guard !prose.sentences.isEmpty else { return }
    messages += 1
    said = text.oneLine.cut(to: 400)
    purpose = nil
    saidAt = place
    before = Self.end(of: text, bytes: 4000)
    noteTurn(prose)
    noteReport(text, prose, at: place)
    noteStep(text, prose, at: place)
    noteFindings(text, prose, at: place)
    noteDecisions(prose, text, at: place)
    for index in decisions.indices.suffix(3)
    where decisions[index].reaction.isEmpty && decisions[index].kind != .agent
      && decisions[index].place.call == place.call && !decisions[index].isOpen
    {
      let said = prose.sentences.filter { !$0.isNarration && !$0.isNod && $0.length > 20 }
      decisions[index].reaction = said.prefix(2).map(\.text).joined(separator: " ").oneLine
        .cut(to: 200)
    }
  }

  /// What the agent said right before: what its next calls are for.
  mutating func purposeOfCall() -> String {
    if let purpose { return purpose }
    let found = said.isEmpty ? "" : Prose(said).purpose()
    purpose = found
    return found
  }

  private static func isNothing(_ text: String) -> Bool {
    let words = text.trimmed
    return words == "No response requested." || words == "(no content)" || words.isEmpty
  }

  /// The last bytes, from a line's beginning on.
  private static func end(of text: String, bytes: Int) -> String {
    guard text.utf8.count > bytes else { return text }
    let tail = String(decoding: Array(text.utf8.suffix(bytes)), as: UTF8.self)
    guard let line = tail.firstIndex(of: "\n") else { return tail }
    return String(tail[line...])
  }

  private mutating func noteTurn(_ prose: Prose) {
    guard let last = turns.indices.last else { return }
    turns[last].replies += 1
    let telling = prose.sentences.filter { $0.saysSomething && !$0.isQuestion }
    if turns[last].replies == 1 {
      turns[last].opening =
        telling.prefix(2).map { $0.text.cut(to: 170) }
        .joined(separator: " … ").oneLine
      if telling.count > 2 { turns[last].ending = Self.conclusion(of: Array(telling.dropFirst(2))) }
    } else if !telling.isEmpty {
      turns[last].ending = Self.conclusion(of: telling)
    }
  }

  private static func conclusion(of sentences: [Prose.Sentence]) -> String {
    let last = sentences.last {
      !$0.marks.isDisjoint(with: [.finding, .statement, .outlook])
    }
    let parts = [sentences.first, last ?? sentences.last].compactMap { $0?.text.cut(to: 170) }
    return (parts.first == parts.last ? Array(parts.prefix(1)) : parts)
      .joined(separator: " … ").oneLine
  }

  // MARK: Where it stands

  private mutating func noteReport(_ text: String, _ prose: Prose, at place: Place) {
    let isNarration = prose.sentences.allSatisfy { $0.isNarration || $0.isNod || $0.isLead }
    // A few words and what comes next are no report.
    let length = prose.sentences.reduce(0) { $0 + ($1.isNarration || $1.isNod ? 0 : $1.length) }
    guard
      text.utf8.count > 220 && !isNarration && length > 80
        || text.utf8.count > 90 && prose.sentences.first?.isNarration == false
        || text.utf8.count > 40 && prose.sentences.last?.isQuestion == true
    else { return }
    let parts = prose.sentences.filter { !$0.isNod || $0.isItem }.map { sentence in
      let ends = sentence.text.last.map { ".!?:;…".contains($0) } ?? true
      return ends ? sentence.text : sentence.text + ";"
    }
    let whole = parts.joined(separator: " ").oneLine
    var report = Report(text: whole, length: text.utf8.count, place: place)
    if whole.utf8.count > Self.reportBytes {
      let first = prose.sentences.first { $0.length > 30 && !$0.isNarration }?.text ?? ""
      report.text = first.oneLine.cut(to: 180) + " " + Self.tail(whole, Self.reportBytes - 190)
    }
    if let last = prose.sentences.last(where: { $0.length > 8 }), last.isQuestion {
      report.question = last.text.oneLine.cut(to: 300)
    } else if prose.sentences.suffix(3).contains(where: \.isQuestion) {
      report.question = prose.question?.oneLine.cut(to: 300) ?? ""
    }
    report.outlook = prose.sentences.filter {
      ($0.marks.contains(.outlook) || Lexicon.english.marks(in: $0.heading).contains(.outlook))
        && !$0.isLead && $0.length > 18
    }.suffix(6).map { $0.text.oneLine.cut(to: 240) }
    reports.append(report)
    if reports.count > 3 { reports.removeFirst() }
  }

  static let reportBytes = 1500

  /// The end of a line of sentences, from a sentence's beginning on where one is near.
  package static func tail(_ text: String, _ bytes: Int) -> String {
    guard text.utf8.count > bytes else { return text }
    let tail = String(decoding: Array(text.utf8.suffix(bytes)), as: UTF8.self)
    let half = tail.index(tail.startIndex, offsetBy: tail.count / 2)
    for mark in [". ", "; ", ": ", " "] {
      if let range = tail[..<half].utf8Range(of: mark) {
        return "…" + tail[range.upperBound...]
      }
    }
    return "…" + tail
  }

  private mutating func noteStep(_ text: String, _ prose: Prose, at place: Place) {
    guard text.utf8.count < 700 else { return }
    let telling = prose.sentences.filter { !$0.isNarration && !$0.isNod }.map(\.text)
    let line = telling.joined(separator: " ").oneLine
    guard line.utf8.count > 45 else { return }
    steps.append(Step(kind: .words, text: line.cut(to: 300), place: place))
  }

  // MARK: What was found out

  private mutating func noteFindings(_ text: String, _ prose: Prose, at place: Place) {
    let isShort = text.utf8.count < 650
    let hasHeading = prose.sentences.contains { !$0.heading.isEmpty }
    if isShort, !hasHeading, prose.sentences.contains(where: { $0.marks.contains(.finding) }) {
      var kept = prose.sentences.filter { !$0.isNod }[...]
      while let first = kept.first, first.isNarration { kept.removeFirst() }
      let body = kept.map(\.text).joined(separator: " ").oneLine
      let after = steps.last { $0.kind != .words }
      let lead = after.flatMap { $0.hasFailed && $0.place.call == place.call ? $0.text : nil } ?? ""
      if body.utf8.count > 40 {
        let isGuess = kept.allSatisfy { $0.marks.contains(.guess) || !$0.marks.contains(.finding) }
        add(
          .finding, body.cut(to: 340),
          worth: (isGuess ? 190 : 300) + (lead.isEmpty ? 0 : 130),
          lead: lead.isEmpty ? "" : "after a failure", at: place)
      }
    } else {
      for sentence in prose.sentences where (35...420).contains(sentence.length) {
        let worth = Self.worth(sentence, isShort: isShort)
        guard worth > 150 else { continue }
        let heading = sentence.isItem && sentence.length < 140 ? sentence.heading : ""
        let body = heading.isEmpty ? sentence.text : "\(heading.cut(to: 50)): \(sentence.text)"
        add(.finding, body.oneLine.cut(to: 310), worth: worth, at: place)
      }
    }
    noteCorrections(prose, at: place)
    guard text.utf8.count <= 1200 else { return }
    for sentence in prose.sentences
    where sentence.marks.contains(.vain) && (48...420).contains(sentence.length)
      && !sentence.isQuestion && !sentence.text.hasPrefix("If ")
    {
      add(
        .vain, sentence.text.oneLine.cut(to: 310),
        worth: 300 + (sentence.marks.contains(.finding) ? 80 : 0), at: place)
    }
  }

  private static func worth(_ sentence: Prose.Sentence, isShort: Bool) -> Int {
    var worth = 0
    if sentence.marks.contains(.finding) { worth += 220 }
    if sentence.marks.contains(.statement) { worth += 100 }
    if sentence.text.utf8.contains(where: { (48...57).contains($0) }) { worth += 40 }
    let spans = sentence.text.utf8.count { $0 == UInt8(ascii: "`") } / 2
    worth += min(120, spans * 30)
    if sentence.marks.contains(.narration) { worth -= 300 }
    if sentence.isQuestion || sentence.isLead { worth -= 100 }
    if sentence.marks.contains(.guess) { worth -= 130 }
    if isShort, spans == 0 { worth -= 60 }
    return worth
  }

  /// The newer statement holds.
  private mutating func noteCorrections(_ prose: Prose, at place: Place) {
    let sentences = prose.sentences
    guard
      let index = sentences.firstIndex(where: {
        $0.marks.contains(.correction) && $0.length < 420
          && (!$0.marks.contains(.narration) || $0.marks.contains(.finding))
      })
    else { return }
    var body = sentences[index].text
    if body.utf8.count < 60, index + 1 < sentences.count, !sentences[index + 1].isNarration {
      body += " " + sentences[index + 1].text
    }
    guard body.utf8.count > 40 else { return }
    var lead = ""
    if let turn = turns.last, turn.replies == 1, index < 2, turn.text.utf8.count < 400 {
      lead = turn.text.cut(to: 140)
    }
    add(
      .correction, body.oneLine.cut(to: 300), worth: 300 + (lead.isEmpty ? 0 : 100), lead: lead,
      at: place)
  }

  mutating func add(
    _ kind: Note.Kind, _ text: String, worth: Int, lead: String = "", at place: Place
  ) {
    if notes.suffix(40).contains(where: { $0.text == text && $0.kind == kind }) { return }
    notes.append(
      Note(kind: kind, text: text, lead: lead, worth: worth, message: messages, place: place))
  }

  // MARK: What it decides

  private mutating func noteDecisions(_ prose: Prose, _ text: String, at place: Place) {
    var options: ReplyOptions?
    var taken = 0
    // What is proposed to a person who is asked is not decided yet.
    let asks = prose.sentences.suffix(3).contains(where: \.isQuestion)
    for sentence in prose.sentences
    where !sentence.marks.isDisjoint(with: [.decision, .recommendation])
      && (40...400).contains(sentence.length) && !sentence.isQuestion && taken < 4
    {
      if asks, sentence.marks.contains(.recommendation) { continue }
      let hasReason = sentence.marks.contains(.reason)
      let isPlain = sentence.marks.contains(.narration) && !hasReason
      guard
        hasReason || !isPlain && sentence.marks.contains(.recommendation)
          || !isPlain && Self.isFirm(sentence.text)
      else { continue }
      var decision = Decision()
      decision.kind = .agent
      decision.choice = sentence.text.oneLine.cut(to: 340)
      // "Option B" alone says nothing to who does not see the list.
      if let mark = Self.optionNamed(in: sentence.text) {
        if options == nil { options = ReplyOptions(in: text) }
        if let option = options?.options.first(where: { $0.mark == mark }) {
          decision.reason = "\(option.mark): \(option.text)".cut(to: 140)
          decision.rejected = options?.options.filter { $0 != option }.prefix(4).map(\.title) ?? []
        }
      }
      decision.place = place
      if decisions.suffix(20).contains(where: { $0.choice == decision.choice }) { continue }
      decide(decision)
      taken += 1
    }
  }

  private static func isFirm(_ text: String) -> Bool {
    let small = text.lowercased()
    return ["decided", "i chose", "we chose", "going with", "go with"]
      .contains { small.hasBytes(of: $0) }
  }

  private static func optionNamed(in text: String) -> Character? {
    let words = text.split(whereSeparator: { " .,:;()*`".contains($0) })
    for (word, next) in zip(words, words.dropFirst())
    where ["option", "approach"].contains(word.lowercased()) && next.count == 1 {
      return Character(next.uppercased())
    }
    return nil
  }
}
