import Syntax

// What calls did, and how they ended.
extension Story {
  /// - Parameters:
  ///   - output: What the call gave back, as it stands; nothing of it is kept before it was cleaned.
  ///   - clean: Removes secrets.
  mutating func ingest(
    result output: String, of deed: Deed, _ ending: CallEnding, words: String? = nil,
    tool: String, at place: Place, _ clean: (String) -> String
  ) {
    switch ending {
    case .refused:
      refuse(deed, words, tool: tool, at: place)
      return
    case .skipped: return
    case .blocked, .failed: failures += 1
    case .succeeded, .ended, .interrupted: break
    }
    let hasFailed = ending == .failed || ending == .blocked
    switch deed.kind {
    case .shell: ingestShell(output, deed, ending, at: place, clean)
    case .edit, .write: ingestEdit(output, deed, hasFailed: hasFailed, at: place, clean)
    case .read:
      if !hasFailed {
        steps.append(Step(kind: .look, text: "read `\(deed.subject)`\(deed.detail)", place: place))
        // What the session wrote itself demands nothing of it.
        if Deed.isPlan(deed.subject), purposes[deed.subject] == nil {
          noteConstraints(output, from: deed.subject, at: place, clean)
        }
      }
    case .search: ingestSearch(output, deed, hasFailed: hasFailed, at: place)
    case .agent: ingestAgent(output, deed, hasFailed: hasFailed, at: place, clean)
    case .plan: ingestPlan(deed, hasFailed: hasFailed, at: place)
    case .other: ingestOther(output, deed, tool: tool, hasFailed: hasFailed, at: place, clean)
    case .none: break
    }
    if steps.count > Self.mostSteps * 2 { steps.removeFirst(Self.mostSteps) }
  }

  private mutating func refuse(_ deed: Deed, _ words: String?, tool: String, at place: Place) {
    if deed.kind == .plan {
      var decision = Decision()
      decision.kind = .refusedPlan
      decision.choice = deed.detail.isEmpty ? deed.lines.first ?? "" : deed.detail
      decision.words = words?.oneLine.cut(to: 340) ?? ""
      decision.place = place
      decide(decision)
      return
    }
    let subject =
      deed.kind == .shell ? Self.line(deed.subject) : deed.subject.isEmpty ? tool : deed.subject
    incidents.append(
      Incident(
        kind: .refused,
        subject: "\(Self.verb(deed, tool)) `\(subject.withoutBackticks.cut(to: 150))`",
        reason: deed.kind == .edit ? deed.added : "", words: words?.oneLine.cut(to: 320) ?? "",
        place: place))
  }

  private static func verb(_ deed: Deed, _ tool: String) -> String {
    switch deed.kind {
    case .shell: "to run"
    case .edit: "the edit of"
    case .write: "the writing of"
    default: "\(tool)"
    }
  }

  private mutating func ingestPlan(_ deed: Deed, hasFailed: Bool, at place: Place) {
    guard !hasFailed, let head = deed.lines.first else { return }
    var decision = Decision()
    decision.kind = .approvedPlan
    decision.question = deed.detail
    decision.choice = head
    decision.details = Array(deed.lines.dropFirst())
    decision.place = place
    decide(decision)
  }

  private mutating func ingestSearch(
    _ output: String, _ deed: Deed, hasFailed: Bool, at place: Place
  ) {
    guard !hasFailed else { return }
    steps.append(
      Step(
        kind: .look,
        text: "searched `\(deed.subject.withoutBackticks.cut(to: 70))`"
          + (deed.detail.isEmpty ? "" : " in `\(deed.detail)`"), place: place,
        output: output.isEmpty ? nil : String(output.prefix(1200))))
  }

  private mutating func ingestAgent(
    _ output: String, _ deed: Deed, hasFailed: Bool, at place: Place, _ clean: (String) -> String
  ) {
    runs += 1
    let title = deed.subject.cut(to: 80)
    if hasFailed {
      steps.append(
        Step(
          text: "sub-agent “\(title)” failed: \(Self.telling(output, limit: 160, clean))",
          place: place, hasFailed: true))
      return
    }
    let report = clean(output.cut(to: 24_000))
    let prose = Prose(report, limit: 120)
    let first = prose.sentences.filter { $0.length > 15 && !$0.text.hasPrefix("agentId:") }
    steps.append(
      Step(
        text: "sub-agent “\(title)” reported: "
          + first.prefix(4).map(\.text).joined(separator: " ").oneLine.cut(to: 340), place: place))
    for sentence in prose.sentences.prefix(90) where (40...380).contains(sentence.length) {
      var worth = -40
      if sentence.marks.contains(.finding) { worth += 200 }
      if sentence.marks.contains(.statement) { worth += 100 }
      if Lexicon.english.marks(in: sentence.heading).contains(.ofWeight) { worth += 100 }
      guard worth >= 200 else { continue }
      add(
        .subagent, sentence.text.oneLine.cut(to: 270), worth: worth, lead: title.cut(to: 44),
        at: place)
    }
  }

  private mutating func ingestOther(
    _ output: String, _ deed: Deed, tool: String, hasFailed: Bool, at place: Place,
    _ clean: (String) -> String
  ) {
    let subject = deed.subject.withoutBackticks.oneLine.cut(to: 90)
    let name = tool.hasPrefix("mcp__") ? String(tool.dropFirst(5)) : tool
    let text = subject.isEmpty ? name : "\(name) `\(subject)`"
    if hasFailed {
      let error = Self.telling(output, limit: 130, clean)
      incidents.append(Incident(kind: .failed, subject: text, reason: error, place: place))
      steps.append(Step(text: "\(text) failed: \(error)", place: place, hasFailed: true))
    } else {
      if tool.hasPrefix("mcp__") { runs += 1 }
      steps.append(Step(text: text, place: place, output: output))
      if tool.hasBytes("get_issue") || tool.hasBytes("issue_read") {
        noteConstraints(output, from: name, at: place, clean)
      }
    }
  }
}

extension Story.Step {
  /// Adds how it ended; what was read of it goes.
  package mutating func complete(_ clean: (String) -> String) {
    guard let output else { return }
    self.output = nil
    let result = CommandOutput(clean(CommandOutput.ends(of: output)))
    if hasFailed {
      text += " → FAILED: " + result.telling(limit: 230)
    } else if kind == .look, text.hasPrefix("searched") {
      text += " → " + result.outcome(limit: 330)
    } else {
      text += " → " + result.outcome(limit: 300)
    }
  }
}
