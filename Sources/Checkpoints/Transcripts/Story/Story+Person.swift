import Syntax

// What the person says, and what it is said to.
extension Story {
  /// - Parameters:
  ///   - words: Without secrets.
  ///   - question: Of the agent's that they answer; empty where it asked none with a tool.
  ///   - asked: The question with its options, where the tool told them.
  mutating func ingest(
    person words: String, to question: String, _ asked: AskedQuestion?, at place: Place
  ) {
    endTurn()
    var turn = Turn(
      text: words.withoutLinks.oneLine.cutInside(to: 640), about: "", place: place)
    if let last = turns.last, last.replies == 0, last.text == turn.text { turns.removeLast() }
    if !question.isEmpty {
      answer(question, words, asked, at: place)
      turn.about = question.oneLine.cut(to: 200)
      turn.isTold = true
    } else if !before.isEmpty {
      turn.about = about(words)
      turn.isTold = reply(words, turn, at: place)
    }
    settleOpen(with: words, at: place)
    turns.append(turn)
    said = ""
    purpose = nil
  }

  /// Takes back words that come again as a line of their own.
  package mutating func forget(wordsAt instant: Int64) {
    turns.removeAll { $0.place.at == instant }
    decisions.removeAll {
      $0.place.at == instant && [.word, .reply, .answer].contains($0.kind)
    }
  }

  /// The last text of a turn says how it ended.
  private mutating func endTurn() {
    guard let last = notes.last?.message else { return }
    for index in notes.indices.reversed() {
      guard notes[index].message == last else { break }
      notes[index].worth += 80
    }
  }

  // MARK: Answers

  private mutating func answer(
    _ question: String, _ words: String, _ asked: AskedQuestion?, at place: Place
  ) {
    var decision = Decision()
    decision.kind = .answer
    decision.question = question.oneLine.cut(to: 240)
    decision.choice = words.oneLine.cut(to: 300)
    decision.place = place
    if let asked {
      let chosen = asked.labels.firstIndex { !$0.isEmpty && words.hasBytes(of: $0) }
      if let chosen, asked.descriptions.indices.contains(chosen) {
        decision.reason = asked.descriptions[chosen].oneLine.cut(to: 200)
      } else if chosen == nil {
        decision.words = "own"
      }
      decision.rejected = asked.labels.filter { !$0.isEmpty && !words.hasBytes(of: $0) }
        .map { $0.oneLine.cut(to: 70) }
    }
    for index in decisions.indices
    where decisions[index].question == decision.question && !decisions[index].isOvertaken {
      if decisions[index].isOpen {
        decisions[index].isOpen = false
        decisions[index].isOvertaken = true
      } else {
        decisions[index].isOvertaken = true
      }
    }
    decide(decision)
  }

  /// The questions of a call that the person did not answer stay open until the next words.
  mutating func leaveOpen(_ asked: [AskedQuestion], at place: Place) {
    for question in asked where !question.question.isEmpty {
      var decision = Decision()
      decision.kind = .answer
      decision.question = question.question.oneLine.cut(to: 240)
      decision.rejected = question.labels.map { $0.oneLine.cut(to: 70) }
      decision.isOpen = true
      decision.place = place
      decide(decision)
    }
  }

  private mutating func settleOpen(with words: String, at place: Place) {
    for index in decisions.indices where decisions[index].isOpen {
      decisions[index].isOpen = false
      decisions[index].words = words.oneLine.cut(to: 260)
    }
  }

  // MARK: Short replies

  /// What a message is said to: the question before it, else what that text is about.
  private func about(_ words: String) -> String {
    guard ReplyOptions.isShort(words) || words.split(separator: " ").count < 16 else { return "" }
    let prose = Prose(before)
    if let question = prose.question { return question.oneLine.cut(to: 220) }
    let first = prose.sentences.first {
      $0.length > 30 && !$0.isNod && !$0.isLead && !$0.isItem && !$0.text.hasPrefix("`")
    }
    return (first?.text ?? turns.last?.text ?? "").oneLine.cut(to: 160)
  }

  /// Joins a reply with the options or the question that it takes up, and keeps words that demand
  /// something.
  ///
  /// - Returns: True if the reply is told as a decision.
  private mutating func reply(_ words: String, _ turn: Turn, at place: Place) -> Bool {
    var decision = Decision()
    decision.place = place
    let options = ReplyOptions(in: before)
    let prose = Prose(before)
    let asks = before.suffix(280).contains("?")
    if let chosen = options.chosen(by: words) {
      decision.kind = .reply
      decision.question = (prose.question ?? turn.about).oneLine.cut(to: 180)
      decision.choice = "\(chosen.mark): \(chosen.plainText)".oneLine.cut(to: 170)
      decision.reason = Self.because(prose, chosen, options)
      if words.utf8.count > 6 { decision.words = words.oneLine.cut(to: 260) }
      decision.rejected = options.options.filter { $0 != chosen }.prefix(5).map { option in
        "\(option.mark): \(option.title.cut(to: 60))"
          + (option == options.recommended ? " (the agent's recommendation)" : "")
      }
    } else if asks, let question = prose.question, words.utf8.count < 700 {
      decision.kind = .reply
      decision.question = question.oneLine.cut(to: 240)
      decision.words = words.oneLine.cut(to: 320)
      if ReplyOptions.isShort(words) {
        let ground = prose.sentences.last {
          !$0.isQuestion && !$0.isLead && $0.length > 30
            && !$0.marks.isDisjoint(with: [.decision, .finding, .recommendation])
        }
        decision.reason = ground?.text.oneLine.cut(to: 210) ?? ""
      }
    } else {
      let marks = Lexicon.english.marks(in: words)
      let count = words.split(whereSeparator: \.isWhitespace).count
      guard count <= 80, !turns.isEmpty, !Self.asks(words), words.first != "/",
        !marks.isDisjoint(with: [.hardRule, .softRule, .objection]),
        // What could be, asked, is no wish yet.
        !words.contains("?") || !marks.isDisjoint(with: [.hardRule, .objection])
      else { return false }
      decision.kind = .word
      decision.words = words.oneLine.cut(to: 320)
      if count < 16 { decision.question = turn.about.cut(to: 120) }
    }
    decide(decision)
    return true
  }

  /// A question lays nothing down, with its sign or without.
  private static func asks(_ words: String) -> Bool {
    let text = words.trimmed
    if text.hasSuffix("?") { return true }
    let first = text.split(whereSeparator: { " ,\n".contains($0) }).first?.lowercased() ?? ""
    return [
      "can", "could", "why", "is", "are", "does", "would", "how", "what", "which", "when", "where",
      "who",
    ]
    .contains(first)
  }

  /// The reasons that stand beside the option taken, or behind the recommendation of it.
  private static func because(
    _ prose: Prose, _ chosen: ReplyOptions.Option, _ options: ReplyOptions
  ) -> String {
    let isOwn = options.recommended == nil || options.recommended == chosen
    let head = String(chosen.title.prefix(20))
    let index = prose.sentences.lastIndex {
      !$0.isQuestion && $0.marks.contains(.recommendation) && $0.length > 10
        && !$0.text.hasBytes(of: head)
    }
    if isOwn, let index {
      let sentence = prose.sentences[index]
      // "I recommend A because:" and what stands below it.
      let below = sentence.isLead ? prose.sentences[(index + 1)...].prefix(3).filter(\.isItem) : []
      let text = ([sentence] + below).map(\.text).joined(separator: " ")
      if text.utf8.count > 30 { return text.oneLine.cut(to: 220) }
    }
    let reasons = prose.sentences.filter {
      $0.marks.contains(.reason) && !$0.isQuestion && $0.text.hasBytes(of: head)
    }
    return reasons.first?.text.oneLine.cut(to: 200) ?? ""
  }
}
