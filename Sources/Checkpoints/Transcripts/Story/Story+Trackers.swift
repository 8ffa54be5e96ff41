import Syntax

// What trackers list, and what the texts of their items and of plans demand.
extension Story {
  private static let closers = [
    "bd close ", "gh issue close ", "gh pr close ", "linear issue close ",
  ]
  private static let viewersOfTickets: Set<String> = [
    "bd show", "gh issue view", "linear issue view", "linear issue show",
    "jira issue view",
  ]

  mutating func noteTickets(
    _ output: String, _ command: String, hasFailed: Bool, at place: Place,
    _ clean: (String) -> String
  ) {
    guard !hasFailed else { return }
    for closer in Self.closers {
      guard let range = command[...].utf8Range(of: closer) else { continue }
      let ids = command[range.upperBound...].prefix { $0 != "\n" && $0 != ";" && $0 != "&" }
        .split(separator: " ").prefix { !$0.hasPrefix("-") }
      for id in ids {
        let last = landmarks.last { $0.kind == .commit || $0.kind == .refusedCommit }
        let isEarly = last?.kind == .refusedCommit
        landmarks.append(
          Landmark(
            kind: .closed, id: String(id).cut(to: 60),
            text: isEarly ? "though `git commit` had been refused" : "", place: place))
        if let known = tickets.firstIndex(where: { $0.id == id }) { tickets[known].isClosed = true }
      }
    }
    if let range = command[...].utf8Range(of: "bd update ") {
      let words = command[range.upperBound...].prefix { $0 != "\n" && $0 != ";" && $0 != "&" }
        .split(whereSeparator: { " =".contains($0) })
      if let option = words.firstIndex(where: { $0 == "--status" || $0 == "-s" }),
        option + 1 < words.count
      {
        let state = words[option + 1].filter { $0.isLetter || $0 == "_" }
        for known in tickets.indices where words.contains(where: { $0 == tickets[known].id }) {
          tickets[known].isClosed = state == "closed"
          tickets[known].state =
            state == "open" ? "" : state.replacing("_", with: " ").cut(to: 30)
        }
      }
    }
    // Of several commands it is not said which printed what.
    let commands = ShellCommand.commands(in: command)
    if commands.count == 1, let viewer = commands.first, Self.viewersOfTickets.contains(viewer.key)
    {
      noteConstraints(output, from: viewer.text.cut(to: 40), at: place, clean)
    }
    guard command.hasBytes("bd ") || command.hasBytes("linear ") else { return }
    for line in clean(output.cut(to: 30_000)).split(separator: "\n").prefix(120) {
      guard let ticket = Self.ticket(line, at: place) else { continue }
      var known = ticket
      if let index = tickets.firstIndex(where: { $0.id == ticket.id }) {
        known.isClosed = known.isClosed || tickets[index].isClosed
        tickets[index] = known
      } else {
        tickets.append(known)
      }
    }
  }

  /// `○ app-4te.3: Title`, as trackers list their items.
  private static func ticket(_ line: Substring, at place: Place) -> Ticket? {
    let words = line.drop { " ↳←→├└─│*-".contains($0) }
    guard let mark = words.first, "○◐●✓✔".contains(mark) else { return nil }
    let rest = words.dropFirst().trimmed
    guard let end = rest.firstIndex(where: { $0 == ":" || $0 == " " || $0 == "·" }) else {
      return nil
    }
    let id = rest[..<end]
    guard id.contains(where: \.isNumber), id.contains(where: \.isLetter), id.count < 40,
      !id.contains("/")
    else { return nil }
    var title = rest[end...].drop { " :·[]●".contains($0) }
    for mark in [" [●", " ●", " · ["] {
      if let tail = title.utf8Range(of: mark) { title = title[..<tail.lowerBound] }
    }
    if let bracket = title.utf8Range(of: "] "),
      bracket.lowerBound < title.index(title.startIndex, offsetBy: min(12, title.count))
    {
      title = title[bracket.upperBound...].drop { " ·:".contains($0) }
    }
    guard title.utf8.count >= 5 else { return nil }
    return Ticket(
      id: String(id), title: String(title).cut(to: 110), isClosed: mark == "✓" || mark == "✔",
      state: mark == "◐" ? "in progress" : "", place: place)
  }

  /// Lines of a task's own text that demand or forbid.
  mutating func noteConstraints(
    _ output: String, from source: String, at place: Place, _ clean: (String) -> String
  ) {
    var taken = 0
    for raw in clean(output.cut(to: 40_000)).split(separator: "\n") where taken < 14 {
      let line = Self.withoutNumber(raw).trimmed.drop { "-* \t".contains($0) }
      guard (30...330).contains(line.utf8.count), let first = line.first,
        !"#|/<{}".contains(first), !line.hasSuffix("{"), !line.hasSuffix(";")
      else { continue }
      let marks = Lexicon.english.marks(in: line)
      guard marks.contains(.hardRule) else { continue }
      let small = line.lowercased()
      var worth = 160
      if ["do not", "never", "must not", "don't", "forbidden", "instead of", "only"].contains(
        where: {
          small.hasBytes(of: $0)
        })
      {
        worth += 120
      }
      if line.utf8.count(where: { $0 == UInt8(ascii: "`") }) >= 4 { worth += 30 }
      let isPath = !source.utf8.contains(0x20)
      let name = isPath ? source.split(separator: "/").last.map(String.init) ?? source : source
      add(
        .constraint, String(line).withoutStrongMarks.oneLine.cut(to: 260), worth: worth, lead: name,
        at: place)
      taken += 1
    }
  }

  /// Without the line's number, as tools print it in front of an arrow or a tab.
  private static func withoutNumber(_ line: Substring) -> Substring {
    let rest = line.drop { $0 == " " }
    let digits = rest.prefix { $0.isNumber }
    let mark = rest.dropFirst(digits.count).first
    guard !digits.isEmpty, mark == "→" || mark == "\t" else { return line }
    return rest.dropFirst(digits.count + 1)
  }
}
