import Syntax
import Transcripts

// What was decided, tried in vain, demanded and found.
extension StoryLines {
  // MARK: Decisions

  mutating func tellDecisions() {
    // What the person said last is told before what was said long ago.
    let recent = story.turns.suffix(3).first?.place.line ?? 0
    for decision in story.decisions where !decision.isOpen {
      let (text, worth) = told(decision)
      guard !text.isEmpty else { continue }
      let overtaken = decision.isOvertaken ? " (overtaken by a later answer)" : ""
      tell(
        .decisions, text + overtaken,
        worth: worth - (decision.isOvertaken ? 4 : 0) + (decision.place.line >= recent ? 1.5 : 0),
        of: decision.words.isEmpty || decision.words == "own" ? decision.choice : decision.words,
        at: decision.place)
      for (index, detail) in decision.details.enumerated() {
        tell(
          .decisions, "of that plan: \(detail)", worth: worth - 1 - 0.2 * Double(index), of: detail,
          at: decision.place, order: decision.place.call * 1000 + 900 + index)
      }
    }
  }

  private func told(_ decision: Story.Decision) -> (text: String, worth: Double) {
    let not =
      decision.rejected.isEmpty
      ? "" : " Not: \(decision.rejected.joined(separator: "; ").cut(to: 170))"
    let because = decision.reason.isEmpty ? "" : " — \(decision.reason.cut(to: 200))"
    let reaction = decision.reaction.isEmpty ? "" : " → \(decision.reaction.cut(to: 190))"
    switch decision.kind {
    case .answer:
      if decision.choice.isEmpty {
        return ("\(decision.question) → the person instead: “\(decision.words)”", 6)
      }
      let own = decision.words == "own" ? " (the person's own words)" : ""
      return ("\(decision.question) → “\(decision.choice)”\(own)\(because).\(not)", 7)
    case .reply:
      if decision.choice.isEmpty {
        let on = decision.reason.isEmpty ? "" : " (on: \(decision.reason))"
        return (
          "Asked: \(decision.question)\(on) → the person: “\(decision.words)”\(reaction)", 6.4
        )
      }
      let words = decision.words.isEmpty ? "" : " — the person: “\(decision.words)”"
      return ("\(decision.question) → “\(decision.choice)”\(because)\(words).\(not)", 7)
    case .word:
      let on = decision.question.isEmpty ? "" : " (on: \(decision.question))"
      return ("The person: “\(decision.words)”\(on)\(reaction)", 5.8)
    case .approvedPlan:
      return ("Plan approved: \(decision.choice)", 6)
    case .givenPlan:
      return ("Plan given by the person: \(decision.choice)", 6)
    case .refusedPlan:
      let words = decision.words.isEmpty ? "" : " — “\(decision.words)”"
      return ("Plan refused: \(decision.choice.cut(to: 120))\(words)", 7)
    case .writtenPlan:
      return (
        "Written down in \(code(Markdown.shortened(decision.question))): \(decision.choice)", 5.5
      )
    case .agent:
      let named = decision.reason.isEmpty ? "" : " [\(decision.reason)]"
      let bonus = decision.reason.isEmpty ? 0.0 : 1.0
      return (
        "The agent: \(decision.choice)\(named)\(not)",
        4.4 + bonus - 0.5 * oldness(decision.place)
      )
    }
  }

  // MARK: Tried in vain

  mutating func tellAttempts() {
    for attempt in story.attempts {
      guard attempt.failures > 1 || !attempt.hasPassed || !attempt.fix.isEmpty else { continue }
      let count = attempt.failures == 1 ? "failed" : "failed ×\(attempt.failures)"
      var text = "\(code(attempt.command.cut(to: 80))) \(count): \(attempt.lastError.cut(to: 190))"
      if !attempt.firstError.isEmpty, attempt.firstError != attempt.lastError {
        text += " (first: \(attempt.firstError.cut(to: 110)))"
      }
      if !attempt.tries.isEmpty {
        let tries = attempt.tries.enumerated().map { "\($0.offset + 1)) \($0.element)" }
        // Where the error has changed, what was tried did something.
        let isSame = attempt.firstError.isEmpty || attempt.firstError == attempt.lastError
        text += (isSame ? ". In vain: " : ". Tried: ") + tries.joined(separator: " | ")
      }
      if attempt.hasPassed {
        text += attempt.fix.isEmpty ? ". Passed later" : ". Passed after: \(attempt.fix)"
      } else {
        let after = story.edits.filter { $0.place.call > attempt.end.call }
        let passed = story.attempts.contains {
          $0.hasPassed && $0.end.call > attempt.end.call
            && $0.key.split(separator: " ").first == attempt.key.split(separator: " ").first
        }
        text += passed ? ". Not seen passing in this form since" : ". Never passed since"
        if let last = after.last {
          text += "; \(after.count) edits since, last \(code(Markdown.shortened(last.path)))"
        }
        text += " (\(age(attempt.end)))"
      }
      var worth =
        (attempt.hasPassed ? 3.2 : 5) + 0.5 * Double(min(4, attempt.failures))
        - 1.5 * oldness(attempt.end)
      if !attempt.hasPassed, now - attempt.end.call > 150 { worth -= 3 }
      tell(.tried, text, worth: worth, of: attempt.lastError, at: attempt.start)
    }
  }

  mutating func tellIncidents() {
    for incident in story.incidents {
      let why = incident.reason.isEmpty ? "" : " — \(incident.reason.cut(to: 170))"
      let words = incident.words.isEmpty ? "" : " (the person: “\(incident.words)”)"
      switch incident.kind {
      case .refused:
        let next = story.turns.first { $0.place.line >= incident.place.line }
        let said =
          incident.words.isEmpty
          ? next.map { " and went on: “\($0.text.cut(to: 220))”" } ?? ""
          : ": “\(incident.words)”"
        tell(
          .tried, "The person refused \(incident.subject)\(said)", worth: 6, of: incident.subject,
          at: incident.place)
      case .undone:
        tell(
          .tried, "Undone in \(incident.subject)\(why)\(words)", worth: 4, of: incident.subject,
          at: incident.place)
      case .restored:
        tell(
          .tried, "Taken out for a while and put back in \(incident.subject)\(why)", worth: 2,
          of: incident.subject, at: incident.place)
      case .takenBack:
        tell(
          .tried, "Taken back: \(code(incident.subject.cut(to: 110)))\(why)", worth: 3.2,
          of: incident.subject, at: incident.place)
      case .removed:
        tell(
          .tried, "Removed again: \(code(Markdown.shortened(incident.subject)))\(why)", worth: 3.2,
          of: incident.subject, at: incident.place)
      case .blocked:
        tell(
          .tried, "Blocked by a rule or hook: \(code(incident.subject.cut(to: 110)))\(why)",
          worth: 3.6, of: incident.subject, at: incident.place)
      case .detour:
        tell(
          .tried, "Use \(code(incident.subject)), not \(code(incident.reason)), which failed",
          worth: 3.5, of: incident.subject, at: incident.place)
      case .failed:
        tell(
          .tried, "\(incident.subject) failed: \(incident.reason)", worth: 1.8,
          of: incident.subject, at: incident.place)
      }
    }
  }

  // MARK: Constraints

  mutating func tellConstraints() {
    for (index, rule) in digest.rules.enumerated()
    where !rule.text.hasSuffix("?") && !rule.text.hasSuffix(":") {
      let marks = Lexicon.english.marks(in: rule.text)
      guard marks.contains(.hardRule) || marks.contains(.softRule), rule.text.utf8.count <= 360
      else {
        continue
      }
      let turn = story.turns.last { $0.place.at == rule.at }
      var text = "“\(rule.text)”"
      if let turn, !turn.about.isEmpty, rule.text.split(separator: " ").count < 10 {
        text += " (to: \(turn.about.cut(to: 120)))"
      }
      let small = rule.text.lowercased()
      let isDirect =
        [
          "never", "always", "don't", "do not", "must", "make sure", "ensure", "avoid", "only",
          "no ",
        ]
        .contains { small.hasBytes(of: $0) }
      let newness = Double(index) / Double(max(1, digest.rules.count))
      tell(
        .constraints, text,
        worth: (marks.contains(.hardRule) ? 3.6 : 2.6) + (isDirect ? 0.5 : 0) + 0.8 * newness
          - (rule.text.utf8.count > 250 ? 0.8 : 0), of: rule.text,
        at: turn?.place ?? Story.Place(call: 0, line: 0, at: rule.at),
        order: (turn?.place.call ?? 0) * 1000 + index)
    }
    let closed = Set(story.tickets.filter(\.isClosed).map(\.id))
    for note in story.notes where note.kind == .constraint {
      let isOver = note.lead.split(separator: " ").last.map { closed.contains(String($0)) } ?? false
      tell(
        .constraints, "\(note.lead): \(note.text)",
        worth: Double(note.worth) / 100 + (isOver ? -0.9 : 0) + 0.5 * (1 - oldness(note.place)),
        of: note.text, at: note.place)
    }
  }

  // MARK: Found

  mutating func tellNotes() {
    for note in story.notes {
      let newness = 1 - oldness(note.place)
      let names = TextScanner.names(in: note.text, limit: 10).reduce(0.0) {
        $0 + min(8, digest.names[$1]?.weight(at: now) ?? 0)
      }
      let worth = Double(note.worth) / 100
      switch note.kind {
      case .finding:
        let lead = note.lead.isEmpty ? "" : "After a failure: "
        tell(
          .findings, lead + note.text, worth: worth + newness + min(1.2, 0.02 * names),
          of: note.text, at: note.place)
      case .subagent:
        tell(
          .findings, "Sub-agent (\(note.lead)): \(note.text)",
          worth: worth + newness - 0.8 + min(1.2, 0.02 * names), of: note.text, at: note.place)
      case .vain:
        tell(
          .tried, note.text, worth: worth - 1.2 * oldness(note.place), of: note.text,
          at: note.place)
      case .correction:
        let lead = note.lead.isEmpty ? "" : " (the person: “\(note.lead)”)"
        tell(
          .corrections, note.text + lead, worth: worth - 0.8 * oldness(note.place), of: note.text,
          at: note.place)
      case .constraint: break
      }
    }
  }
}
