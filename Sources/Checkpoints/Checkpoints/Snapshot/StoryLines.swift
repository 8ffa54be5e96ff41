public import Core
import Transcripts

/// A line that tells something of a session, for the part of a document that it belongs to.
public struct ToldLine: JSONRecord, Sendable, Equatable {
  public var part = DocumentPart.findings
  /// Markdown: prose, with code in backticks.
  public var text = ""
  /// What it says of, as the session has it; see ``DocumentLine/subject``. Empty where that is the
  /// text.
  private var topic = ""
  public var subject: String {
    get { topic.isEmpty ? text : topic }
    set { topic = newValue == text ? "" : newValue }
  }
  /// Hundredths; the best are told where there is not room for all.
  public var worth = 0
  /// Lines of a part stand in this order.
  public var order = 0
  /// Physical, from 1; 0 if that is not known.
  public var line = 0

  public init() {}

  package static var empty: Self { Self() }

  package mutating func code(_ coder: inout JSONCoder) {
    coder.field("part", &part)
    coder.field("text", &text)
    coder.filled("topic", &topic)
    coder.field("worth", &worth)
    coder.field("order", &order)
    coder.field("line", &line)
  }
}

/// Makes lines of what a digest has of a session's story.
struct StoryLines {
  private let digest: SessionDigest
  private let story: Story
  private let now: Int
  /// The line of the last compaction: what came since is in no summary yet.
  private let boundary: Int
  private static let sinceBoundary = 0.9
  /// Calls of a session that fits into a document as it is.
  private static let few = 60
  private(set) var lines: [ToldLine] = []

  init(_ digest: SessionDigest) {
    self.digest = digest
    story = digest.story
    now = digest.toolCalls
    boundary = digest.boundaries.last?.line ?? Int.max
    tellObjective()
    tellReports()
    tellWork()
    tellChecks()
    tellSteps()
    tellNext()
    tellDecisions()
    tellAttempts()
    tellIncidents()
    tellConstraints()
    tellNotes()
    tellPlan()
    tellTurns()
    tellLandmarks()
    keepBest()
  }

  /// So many bytes of a part are kept as it may have of a document of this size.
  private static let documentBytes = 9500.0

  private mutating func keepBest() {
    var room = DocumentPart.allCases.map { Int(Self.documentBytes * (0.1 + 1.6 * $0.share)) }
    let best = lines.enumerated().sorted {
      ($0.element.worth, $1.offset) > ($1.element.worth, $0.offset)
    }
    var kept: Set<Int> = []
    for (index, line) in best {
      guard room[line.part.place] > 0 else { continue }
      room[line.part.place] -= line.text.utf8.count
      kept.insert(index)
    }
    lines = lines.enumerated().filter { kept.contains($0.offset) }.map(\.element)
  }

  /// - Parameters:
  ///   - worth: As in the reference "understanding-findings", where a section's best line has 10.
  ///   - text: Without the mark of a list.
  private mutating func tell(
    _ part: DocumentPart, _ text: String, worth: Double, of subject: String, at place: Story.Place,
    order: Int? = nil
  ) {
    let text = text.oneLine
    guard !text.isEmpty else { return }
    var line = ToldLine()
    line.part = part
    line.text = text
    line.subject = subject
    line.worth = Int((worth + (place.line > boundary ? Self.sinceBoundary : 0)) * 100)
    line.order = order ?? place.call * 1000 + lines.count % 1000
    line.line = place.line
    lines.append(line)
  }

  /// "3 calls ago"; empty for what is of now.
  private func age(_ place: Story.Place) -> String {
    let calls = now - place.call
    return calls <= 0 ? "just now" : calls == 1 ? "1 call ago" : "\(calls) calls ago"
  }

  /// 0 for what is of now, 1 for what is of the start.
  private func oldness(_ place: Story.Place) -> Double {
    Double(now - place.call) / Double(now + 1)
  }

  private func code(_ text: String) -> String { "`\(text.withoutBackticks)`" }

  /// The last one that says by itself what is wanted.
  private var fullRequest: Story.Turn? {
    story.turns.last {
      !ReplyOptions.isShort($0.text) && $0.text.split(separator: " ").count > 8
    }
  }

  // MARK: Objective

  private mutating func tellObjective() {
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

  // MARK: Where it stands

  private mutating func tellReports() {
    guard let report = story.reports.last else { return }
    let isOvertaken = story.turns.contains { $0.place.line > report.place.line }
    var label = "Last report of the agent"
    if report.place.call < now { label += " (\(age(report.place)))" }
    if isOvertaken { label += ", before the person's last message" }
    tell(
      .stands, "\(label): \(Story.tail(report.text, 960))", worth: 10, of: report.text,
      at: report.place, order: 1)
    if report.length < 500, story.reports.count > 1 {
      let earlier = story.reports[story.reports.count - 2]
      tell(
        .stands, "Before it (\(age(earlier.place))): \(Story.tail(earlier.text, 420))", worth: 3,
        of: earlier.text, at: earlier.place, order: 0)
    }
    if !report.question.isEmpty, !isOvertaken {
      tell(
        .stands, "Open question to the person: “\(report.question)”", worth: 9.5,
        of: report.question, at: report.place, order: 3)
    }
    for decision in story.decisions where decision.isOpen {
      let ways = decision.rejected.isEmpty ? "" : " (\(decision.rejected.joined(separator: "; ")))"
      tell(
        .stands, "Asked and not answered: \(decision.question)\(ways)", worth: 9.4,
        of: decision.question, at: decision.place, order: 4)
    }
    guard !story.said.isEmpty, story.saidAt.call < now, story.saidAt.line != report.place.line
    else { return }
    let prose = Prose(story.said)
    let isPlan = prose.sentences.last?.marks.contains(.narration) ?? false
    tell(
      .stands,
      isPlan
        ? "Was about to: \(prose.purpose(limit: 240))"
        : "Said last (\(age(story.saidAt))): \(story.said.cut(to: 280))", worth: 8,
      of: story.said, at: story.saidAt, order: 5)
  }

  private var commit: Story.Landmark? { story.landmarks.last { $0.kind == .commit } }

  /// What was edited and not committed, by the log alone.
  private mutating func tellWork() {
    if let call = digest.pending.last, call.number == now, let deed = call.deeds.first,
      !call.isAbandoned
    {
      tell(
        .stands,
        "In flight, no result seen: \(call.tool) \(code(Story.line(deed.subject)))",
        worth: 9, of: deed.subject, at: Story.Place(call: now, line: 0, at: 0), order: 6)
    }
    let since = story.edits.filter { $0.place.call > commit?.place.call ?? -1 }
    if let last = since.last {
      var paths: [String] = []
      for edit in since.reversed() where !paths.contains(edit.path) { paths.append(edit.path) }
      let named = paths.prefix(9).map { code(Markdown.shortened($0)) }.joined(separator: ", ")
      let rest = paths.count > 9 ? " and \(paths.count - 9) more" : ""
      let status = story.landmarks.last { $0.kind == .status && $0.place.call > last.place.call }
      let head = story.landmarks.last { $0.kind == .head && $0.place.call > last.place.call }
      let opening: String
      if let commit {
        opening =
          "Edited after the agent's last commit (\(commit.name)), not committed by it"
      } else if let status, status.text.isEmpty {
        opening = "Edited; the tree was clean in `git status` \(age(status.place))"
      } else if let head {
        opening =
          "Edited and not committed by the agent (last head seen: \(head.id) \(head.text.cut(to: 60)))"
      } else {
        opening = "Edited, and not committed by the agent"
      }
      tell(
        .stands, "\(opening): \(named)\(rest)", worth: 7, of: "edited and not committed",
        at: last.place, order: 8)
    } else if let commit, !story.edits.isEmpty {
      tell(
        .stands,
        "All edits of the session were made before its last commit, \(commit.name) "
          + "“\(commit.text)” (\(age(commit.place)))", worth: 6.5,
        of: StruckLines.subject(ofCommit: commit.id), at: commit.place, order: 8)
    }
    let refused = story.landmarks.filter {
      $0.kind == .refusedCommit && $0.place.call > commit?.place.call ?? -1
    }
    if let last = refused.last {
      let count = refused.count == 1 ? "once" : "\(refused.count) times"
      tell(
        .stands, "`git commit` was refused \(count) and has not passed since; last: \(last.text)",
        worth: 8, of: last.text, at: last.place, order: 9)
    }
    for closed in story.landmarks where closed.kind == .closed && !closed.text.isEmpty {
      guard commit.map({ $0.place.call < closed.place.call }) ?? true else { continue }
      let wasAsked = story.turns.contains {
        $0.place.call >= (refused.first?.place.call ?? 0) && $0.place.call <= closed.place.call
          && $0.place.line < closed.place.line && $0.place.line > (refused.first?.place.line ?? 0)
      }
      tell(
        .stands,
        "Contradiction: \(closed.id) was closed by the agent \(closed.text) and nothing was "
          + "committed since" + (wasAsked ? "" : "; the person was not asked in between"),
        worth: 9, of: closed.id, at: closed.place, order: 10)
    }
    if let status = story.landmarks.last(where: { $0.kind == .status }), !status.text.isEmpty,
      now - status.place.call < 60, commit?.place.call ?? -1 < status.place.call
    {
      let isStale = story.edits.contains { $0.place.call > status.place.call }
      tell(
        .stands,
        "`git status` \(age(status.place)): \(status.text)" + (isStale ? " (edits since)" : ""),
        worth: 5, of: "git status", at: status.place, order: 12)
    }
  }

  private mutating func tellChecks() {
    let newest = story.checks.map(\.place.call).max() ?? 0
    for check in story.checks where check.hasFailed || newest - check.place.call < 100 {
      // Tests that passed later have been built.
      if check.kind == .build, !check.hasFailed,
        story.checks.contains(where: {
          $0.kind == .test && !$0.hasFailed && $0.place.call > check.place.call
        })
      {
        continue
      }
      // Those of one run are told in one line, with the last of them.
      let same = story.checks.filter {
        $0.place == check.place && $0.isSure == check.isSure && $0.isShared
      }
      if check.isShared, same.last?.kind != check.kind { continue }
      let kinds = check.isShared ? same.map(\.kind.rawValue) : [check.kind.rawValue]
      let together =
        !check.isShared || !check.hasFailed
        ? "" : kinds.count > 1 ? ", run together," : ", run together with others,"
      let since = story.edits.count { $0.place.call > check.place.call }
      let many = since >= 60 ? "60 edits or more" : since == 1 ? "1 edit" : "\(since) edits"
      let tail = since > 0 ? "; \(many) since, not checked again" : "; no edits since"
      tell(
        .stands,
        "Last \(kinds.joined(separator: " and "))\(together) "
          + (check.hasFailed ? "FAILED " : check.isSure ? "passed " : "ran, no exit code seen, ")
          + "\(age(check.place)): \(code(check.command.cut(to: 90))) → \(check.detail)\(tail)",
        worth: 6, of: check.command, at: check.place, order: 11)
    }
    if !story.edits.isEmpty, story.checks.isEmpty, story.runs == 0 {
      tell(
        .stands,
        "Nothing has been run so far: no test, build or lint"
          + (story.failures == 0 ? ", and no call has failed" : ""), worth: 7, of: "nothing run",
        at: Story.Place(call: now, line: 0, at: 0), order: 11)
    }
    guard let last = story.turns.last else { return }
    for turn in story.turns.count > 1 ? [last, story.turns[0]] : [last] {
      let wanted = TextScanner.paths(in: turn.text, limit: 20).map(name)
      let untouched = wanted.filter { !isTouched($0) }
      guard !untouched.isEmpty, untouched.count < wanted.count else { continue }
      tell(
        .stands,
        "Named in the request and neither read nor edited yet: "
          + Set(untouched).sorted().prefix(5).map(code).joined(separator: ", "), worth: 7,
        of: "untouched", at: turn.place, order: 13)
    }
  }

  private func name(_ path: String) -> String {
    String(path.split(separator: "/").last ?? Substring(path))
  }

  private func isTouched(_ name: String) -> Bool {
    digest.files.contains { path, use in
      self.name(path) == name && use.edits + use.reads + use.mentions > 1
    } || story.steps.contains { $0.text.hasBytes(of: name) }
  }

  // MARK: Steps

  private mutating func tellSteps() {
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

  private mutating func tellNext() {
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

  // MARK: Decisions

  private mutating func tellDecisions() {
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

  private mutating func tellAttempts() {
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

  private mutating func tellIncidents() {
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

  private mutating func tellConstraints() {
    for (index, rule) in digest.rules.enumerated()
    where !rule.text.hasSuffix("?") && !rule.text.hasSuffix(":") {
      let marks = Lexicon.english.marks(in: rule.text)
      guard !marks.isDisjoint(with: [.hardRule, .softRule]), rule.text.utf8.count <= 360 else {
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

  private mutating func tellNotes() {
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

  // MARK: Plan

  private mutating func tellPlan() {
    for (index, ticket) in story.tickets.enumerated() {
      let state =
        ticket.isClosed ? "closed" : ticket.state.isEmpty ? "open" : ticket.state
      tell(
        .plan, "\(ticket.id) (\(state)): \(ticket.title)", worth: ticket.isClosed ? 3 : 5,
        of: ticket.title, at: ticket.place, order: 100 + index)
    }
  }

  // MARK: Requests

  private mutating func tellTurns() {
    for (index, turn) in story.turns.enumerated() where !turn.isTold && index > 0 {
      if index + 1 < story.turns.count, turn.replies == 0,
        story.turns[index + 1].text.hasPrefix(turn.text.prefix(40))
      {
        continue
      }
      let back = story.turns.count - 1 - index
      // The objective has the last ones in full.
      let isKnown = turn == story.turns.last || turn == fullRequest
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

  private mutating func tellLandmarks() {
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

extension Story.Landmark {
  /// The beginning of a commit's hash.
  fileprivate var name: String { id.isEmpty ? "(hash not seen)" : String(id.prefix(9)) }
}
