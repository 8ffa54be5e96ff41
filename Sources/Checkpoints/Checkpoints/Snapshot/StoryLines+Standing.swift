import Syntax
import Transcripts

// Where it stands: reports, work that is not committed, and the last checks.
extension StoryLines {
  mutating func tellReports() {
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
  mutating func tellWork() {
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

  mutating func tellChecks() {
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
}
