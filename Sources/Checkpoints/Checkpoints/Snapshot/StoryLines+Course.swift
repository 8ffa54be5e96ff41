import Syntax
import Transcripts

// How the session went: what was asked for, done and planned, and what came out of it.
extension StoryLines {
  // MARK: Objective

  mutating func tellObjective() {
    guard let first = story.turns.first, let last = story.turns.last else { return }
    tell(
      .objective, "Asked first: “\(first.text.cutInside(to: story.turns.count > 2 ? 330 : 640))”",
      worth: 12, of: first.text, at: first.place, order: 0)
    guard last != first else { return }
    if let full = fullRequest, full != first, full != last {
      tell(
        .objective,
        "Last full request (\(age(full.place))): “\(full.text.cutInside(to: 430))”", worth: 8,
        of: full.text, at: full.place, order: 1)
    }
    var text = "The person's last message (\(age(last.place))): “\(last.text.cutInside(to: 480))”"
    if !last.about.isEmpty, ReplyOptions.isShort(last.text) {
      text += " — to: “\(last.about.cut(to: 210))”"
    }
    if last.replies == 0 { text += " — not answered yet" }
    tell(.objective, text, worth: 11, of: last.text, at: last.place, order: 2)
  }

  // MARK: Steps

  /// Calls of a session that fits into a document as it is.
  private static let few = 60

  mutating func tellSteps() {
    for (back, step) in story.steps.reversed().enumerated() {
      // What was done last is told whatever else there is.
      var worth = 6 - 0.13 * Double(back) + (back < 2 ? 3 : 0)
      if step.kind == .look { worth -= step.text.hasBytes("→") ? 0.6 : 1.5 }
      if step.kind == .words { worth -= 0.3 }
      // Where little was done there is room for all of it.
      let whole = step.kind == .words ? "agent: \(step.text)" : step.text
      let text = now < Self.few ? whole : whole.cut(to: step.hasFailed ? 400 : 330)
      tell(
        .steps, text, worth: worth, of: step.text, at: step.place,
        order: step.place.call * 1000 + (story.steps.count - back))
    }
  }

  // MARK: Next

  mutating func tellNext() {
    guard let report = story.reports.last else { return }
    for (index, text) in report.outlook.suffix(5).reversed().enumerated() {
      let isLater = story.turns.contains { $0.place.line > report.place.line }
      // The person has spoken since: that is the answer, or the question was passed over.
      if isLater, text.contains("?") { continue }
      tell(
        .next,
        "The agent (\(age(report.place))\(isLater ? ", before the person's last message" : "")): \(text)",
        worth: 5 - 0.3 * Double(index) - (isLater ? 1 : 0), of: text, at: report.place,
        order: 100 - index)
    }
  }

  // MARK: Plan

  mutating func tellPlan() {
    for (index, ticket) in story.tickets.enumerated() {
      let state =
        ticket.isClosed ? "closed" : ticket.state.isEmpty ? "open" : ticket.state
      tell(
        .plan, "\(ticket.id) (\(state)): \(ticket.title)", worth: ticket.isClosed ? 3 : 5,
        of: ticket.title, at: ticket.place, order: 100 + index)
    }
  }

  // MARK: Requests

  mutating func tellTurns() {
    let full = fullRequest
    for (index, turn) in story.turns.enumerated() where !turn.isTold && index > 0 {
      if index + 1 < story.turns.count, turn.replies == 0,
        story.turns[index + 1].text.hasPrefix(turn.text.prefix(40))
      {
        continue
      }
      let back = story.turns.count - 1 - index
      // The objective has the last ones in full.
      let isKnown = turn == story.turns.last || turn == full
      let room = isKnown ? 80 : back < 4 ? 220 : 170
      var text = "“\(turn.text.cut(to: room))”"
      if !turn.about.isEmpty { text += " (after: \(turn.about.cut(to: 120)))" }
      text += outcome(of: turn, index)
      tell(
        .requests, text,
        worth: 3 + 2.5 * Double(index + 1) / Double(story.turns.count) + (back < 3 ? 3 : 0),
        of: turn.text, at: turn.place, order: turn.place.call * 1000 + index)
    }
  }

  private func outcome(of turn: Story.Turn, _ index: Int) -> String {
    var parts = turn.replies == 1 ? [turn.opening] : [turn.opening.cut(to: 130)]
    if !turn.ending.isEmpty, !turn.opening.hasPrefix(turn.ending.prefix(40)) {
      parts.append(turn.ending)
    }
    parts.removeAll(where: \.isEmpty)
    if !parts.isEmpty { return " → " + parts.joined(separator: " … ").cut(to: 190) }
    let next = index + 1 < story.turns.count ? story.turns[index + 1].place.call : now
    let calls = next - turn.place.call
    if turn.replies == 0, calls == 0 {
      return index + 1 == story.turns.count ? " → not answered yet" : ""
    }
    return calls > 0 ? " → \(calls) calls, no closing words" : ""
  }

  // MARK: Commits and links

  mutating func tellLandmarks() {
    let commits = story.landmarks.filter { $0.kind == .commit }
    if let last = commits.last {
      let named = commits.suffix(8).map { "\($0.name) \($0.text.cut(to: 64))" }
      let more = commits.count > 8 ? "\(commits.count - 8) more, " : ""
      tell(
        .commits, "Commits: \(more)\(named.joined(separator: "; ")) (\(age(last.place)))",
        worth: 5, of: StruckLines.subject(ofCommit: last.id), at: last.place)
    }
    for landmark in story.landmarks {
      switch landmark.kind {
      case .push:
        tell(
          .commits, "pushed: \(landmark.text) (\(age(landmark.place)))",
          worth: 3 + 1 - oldness(landmark.place), of: landmark.text, at: landmark.place)
      case .merge:
        tell(
          .commits, "\(landmark.text) (\(age(landmark.place)))", worth: 4.2, of: landmark.text,
          at: landmark.place)
      case .link:
        let isMade = !landmark.text.isEmpty
        tell(
          .commits, isMade ? "made in this session: \(landmark.id)" : landmark.id,
          worth: isMade ? 4.6 : 1.5, of: landmark.id, at: landmark.place)
      case .commit, .refusedCommit, .closed, .status, .head: break
      }
    }
  }
}
