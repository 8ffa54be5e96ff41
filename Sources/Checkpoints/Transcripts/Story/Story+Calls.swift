import Core

// What calls did, and how they ended.
extension Story {
  /// - Parameters:
  ///   - output: What the call gave back, as it stands; nothing of it is kept before it was cleaned.
  ///   - clean: Removes secrets.
  mutating func take(
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
    case .shell: takeShell(output, deed, ending, at: place, clean)
    case .edit, .write: takeEdit(output, deed, hasFailed: hasFailed, at: place, clean)
    case .read:
      if !hasFailed {
        steps.append(Step(kind: .look, text: "read `\(deed.subject)`\(deed.detail)", place: place))
        // What the session wrote itself demands nothing of it.
        if Deed.isPlan(deed.subject), purposes[deed.subject] == nil {
          noteConstraints(output, from: deed.subject, at: place, clean)
        }
      }
    case .search: takeSearch(output, deed, hasFailed: hasFailed, at: place)
    case .agent: takeAgent(output, deed, hasFailed: hasFailed, at: place, clean)
    case .plan: takePlan(deed, hasFailed: hasFailed, at: place)
    case .other: takeOther(output, deed, tool: tool, hasFailed: hasFailed, at: place, clean)
    case .none: break
    }
    if steps.count > Self.mostSteps * 2 { steps.removeFirst(Self.mostSteps) }
  }

  // MARK: Commands

  private mutating func takeShell(
    _ output: String, _ deed: Deed, _ ending: CallEnding, at place: Place,
    _ clean: (String) -> String
  ) {
    let commands = ShellCommand.commands(in: deed.subject)
    let isLook = commands.allSatisfy { Self.lookers.contains($0.program) }
    let isCommit = Self.commits(deed.subject)
    let hasFailed =
      ending == .failed || ending == .blocked
      || (ending == .succeeded || ending == .ended) && (!isLook || isCommit)
        && CommandOutput(output).saysFailure
    if !isLook || isCommit { runs += 1 }
    let line = Self.line(deed.subject)
    steps.append(
      Step(
        kind: isLook && !isCommit ? .look : .deed, text: "`\(line)`", place: place, output: output,
        hasFailed: hasFailed))
    noteLandmarks(
      output, deed, isCommit: isCommit, hasFailed: hasFailed, isSure: ending == .succeeded,
      at: place, clean)
    noteTickets(output, deed.subject, hasFailed: hasFailed, at: place, clean)
    noteTakenBack(deed, hasFailed: hasFailed, at: place)
    if ending == .blocked {
      incidents.append(
        Incident(
          kind: .blocked, subject: line, reason: Self.telling(output, limit: 150, clean),
          place: place))
      return
    }
    guard ending != .interrupted else { return }
    noteDetour(line, hasFailed: hasFailed, at: place)
    var keys = isLook ? [] : commands.filter { !Self.lookers.contains($0.program) }.map(\.key)
    if isCommit { keys = ["git commit"] }
    guard !keys.isEmpty else { return }
    var error: String?
    if hasFailed { error = Self.telling(output, limit: 260, clean) }
    for key in keys.prefix(3) {
      noteRun(key, line, error, at: place)
    }
    let isSure = ending != .ended || hasFailed || CommandOutput(output).saysSuccess
    noteCheck(commands, line, output, hasFailed: hasFailed, isSure: isSure, at: place)
  }

  /// Programs that look at something, and whose failing is no obstacle.
  private static let lookers: Set<String> = [
    "gh", "bd", "curl", "wget", "linear", "jira", "glab", "brew", "docker", "lsof", "nc", "ping",
    "man", "python3 -c", "sqlite3", "psql", "redis-cli", "ssh", "tmux", "screen", "defaults", "log",
  ]

  /// As one would type it again: without `cd`, pipes into viewers, redirections and here-documents.
  package static func line(_ command: String) -> String {
    var text = command.replacing("\\\n", with: " ")
    if let document = text[...].utf8Range(of: "<<") {
      text = String(text[..<document.lowerBound])
      // What a message is read from goes with it.
      if let open = text[...].lastUTF8Range(of: "\"$(cat ") {
        text = String(text[..<open.lowerBound]) + "…"
      }
    }
    var parts: [String] = []
    for raw in text.split(whereSeparator: { $0 == "\n" || $0 == ";" }) {
      var isFirst = true
      for piece in raw.split(on: "&&") {
        var part = String(piece)
        if let pipe = part[...].utf8Range(of: " | ") {
          let after = part[pipe.upperBound...].split(separator: " ").first ?? ""
          if viewers.contains(String(after)) { part = String(part[..<pipe.lowerBound]) }
        }
        for redirection in [" 2>&1", " 2>/dev/null", " >/dev/null", " > /dev/null", " &>/dev/null"]
        {
          part = part.replacing(redirection, with: "")
        }
        if commits(part), let message = part[...].utf8Range(of: " -m ") {
          part = part[..<message.upperBound] + "…"
        }
        let words = part.oneLine
        let first = words.split(separator: " ").first.map(String.init) ?? ""
        guard !words.isEmpty, !idle.contains(first), !words.hasPrefix("#") else { continue }
        // Newlines run the next one in any case.
        parts.append(parts.isEmpty ? words : (isFirst ? "; " : " && ") + words)
        isFirst = false
      }
    }
    let shown = parts.isEmpty ? command.oneLine : parts.prefix(3).joined()
    return shown.withoutBackticks.cut(to: 120)
  }

  private static let viewers: Set<String> = [
    "head", "tail", "cat", "wc", "sort", "uniq", "less", "tee", "sed", "awk", "tr", "grep", "jq",
  ]
  private static let idle: Set<String> = [
    "cd", "export", "sleep", "echo", "set", "source", "mkdir", "true", "pwd", "which", ".",
  ]

  package static func commits(_ command: String) -> Bool {
    guard command.hasBytes("commit"), command.hasBytes("git") else { return false }
    return command.split(whereSeparator: { "\n;|&(".contains($0) }).contains { part in
      var words = part.split(separator: " ")[...]
      guard let git = words.firstIndex(of: "git") else { return false }
      words = words[(git + 1)...]
      // Options of git's own, and what they take.
      while let option = words.first, option.hasPrefix("-") {
        words.removeFirst(option == "-C" || option == "-c" ? min(2, words.count) : 1)
      }
      return words.first == "commit"
    }
  }

  /// The lines that say why it failed. What stands beside a secret tells that it is one, so all is
  /// cleaned before lines are taken.
  private static func telling(
    _ output: String, limit: Int, _ clean: (String) -> String
  ) -> String {
    CommandOutput(clean(CommandOutput.ends(of: output)))
      .telling(limit: limit, groups: limit > 140 ? 2 : 1)
  }

  // MARK: Failed, tried, fixed

  /// - Parameter error: The telling lines; nil if it passed.
  private mutating func noteRun(_ key: String, _ line: String, _ error: String?, at place: Place) {
    let open = attempts.lastIndex { $0.key == key && !$0.hasPassed }
    guard let error else {
      guard let open else { return }
      let failed = attempts[open].end
      let changed = edits(after: failed.call)
      // Once, and passed as it was: no more than a slip.
      if attempts[open].failures == 1, changed.isEmpty, attempts[open].command == line {
        attempts.remove(at: open)
        return
      }
      attempts[open].hasPassed = true
      attempts[open].fix =
        changed.isEmpty
        ? (attempts[open].command == line ? "" : "`\(line)`")
        : Self.told(changed, since: failed.line, limit: 240)
      attempts[open].end = place
      noteFix(attempts[open])
      return
    }
    guard let open else {
      var attempt = Attempt()
      attempt.key = key
      attempt.command = line
      attempt.failures = 1
      attempt.lastError = error
      attempt.start = place
      attempt.end = place
      attempts.append(attempt)
      return
    }
    let changed = edits(after: attempts[open].end.call)
    if !changed.isEmpty {
      attempts[open].tries.append(
        Self.told(changed, since: attempts[open].end.line, limit: 170))
    } else if attempts[open].command != line {
      attempts[open].tries.append("`\(line.cut(to: 80))`")
    }
    if attempts[open].tries.count > 7 { attempts[open].tries.remove(at: 1) }
    if attempts[open].firstError.isEmpty { attempts[open].firstError = attempts[open].lastError }
    attempts[open].lastError = error
    attempts[open].command = line
    attempts[open].failures += 1
    attempts[open].end = place
  }

  private func edits(after call: Int) -> [Edit] {
    Array(edits.reversed().prefix { $0.place.call > call }.reversed())
  }

  /// - Parameter line: Where the failure was seen.
  private static func told(_ edits: [Edit], since line: Int, limit: Int) -> String {
    var texts: [String] = []
    for text in edits.map({ $0.told(since: line) }) where !text.isEmpty && !texts.contains(text) {
      texts.append(text)
    }
    if texts.isEmpty {
      var paths: [String] = []
      for edit in edits where !paths.contains(edit.path) { paths.append(edit.path) }
      return "edits of " + paths.suffix(4).joined(separator: ", ").cut(to: limit)
    }
    return texts.suffix(2).joined(separator: "; ").cut(to: limit)
  }

  /// "X cmd" fails and "cmd" passes right after: there is a way that works.
  private mutating func noteDetour(
    _ line: String, hasFailed: Bool, at place: Place
  ) {
    if hasFailed {
      lastFailed = Landmark(kind: .status, text: line, place: place)
      return
    }
    let failed = lastFailed
    lastFailed = Landmark()
    guard !failed.text.isEmpty, place.call - failed.place.call <= 3, failed.text != line,
      line.utf8.count > 6
    else { return }
    let (a, b) = (failed.text.split(separator: " "), line.split(separator: " "))
    let isPrefix = failed.text.hasSuffix(" " + line)
    let isOther = a.count > 1 && b.count > 1 && a.dropFirst() == b.dropFirst() && a[0] != b[0]
    guard isPrefix || isOther else { return }
    incidents.append(
      Incident(
        kind: .detour, subject: line.cut(to: 100), reason: failed.text.cut(to: 100), place: place))
  }

  // MARK: Checks

  private mutating func noteCheck(
    _ commands: [ShellCommand], _ line: String, _ output: String, hasFailed: Bool, isSure: Bool,
    at place: Place
  ) {
    var kinds: [Check.Kind] = []
    for kind in commands.compactMap(Self.kind) {
      kinds.removeAll { $0 == kind }
      kinds.append(kind)
    }
    // What stands behind `&&` has run only if all before it went well; else the last one speaks.
    let isChained = !line.contains("; ") && !line.contains("||")
    for kind in kinds {
      checks.removeAll { $0.kind == kind }
      checks.append(
        Check(
          kind: kind, command: line, hasFailed: hasFailed,
          isSure: isSure && (hasFailed || isChained || kind == kinds.last),
          isShared: kinds.count > 1, place: place, output: output))
    }
  }

  /// One command is one check, whatever it does besides.
  private static func kind(of command: ShellCommand) -> Check.Kind? {
    guard !lookers.contains(command.program) else { return nil }
    // A formatter that writes checks nothing.
    let checks = ["--check", "--list-different", "-l", "-d", "--diff", "--dry-run", "lint"]
    let isWriting = !command.text.split(separator: " ").contains { word in
      checks.contains { word.hasPrefix($0) && (word == $0 || $0.hasPrefix("--")) }
    }
    let given = command.text.split(separator: " ").drop { $0.contains("=") }.prefix(8)
      .filter { !$0.utf8.contains(UInt8(ascii: "/")) && $0.first != "\"" }
      .flatMap { $0.split(whereSeparator: { ":-_".contains($0) }) }.map { $0.lowercased() }
    return Check.Kind.allCases.first { kind in
      let words = words(of: kind)
      return given.contains {
        words.contains($0) && !(isWriting && formatters.contains($0))
      }
    }
  }

  private static func words(of kind: Check.Kind) -> Set<String> {
    switch kind {
    case .test: testWords
    case .lint: lintWords
    case .build: buildWords
    }
  }

  private static let testWords: Set<String> = [
    "test", "tests", "pytest", "jest", "vitest", "rspec", "xctest", "ctest", "playwright", "e2e",
    "tox", "nextest", "phpunit", "bats", "gotestsum",
  ]
  private static let lintWords: Set<String> = [
    "lint", "credo", "clippy", "eslint", "ruff", "dialyzer", "fmt", "format", "vet", "golangci",
    "tsc", "typecheck", "mypy", "pyright", "prettier", "shellcheck", "biome", "stylua", "rubocop",
  ]
  private static let formatters: Set<String> = ["fmt", "format", "prettier", "stylua"]
  private static let buildWords: Set<String> = [
    "build", "compile", "xcodebuild", "make", "cmake", "bazel", "gradle", "webpack",
  ]

  // MARK: Commits, pushes, links

  private mutating func noteLandmarks(
    _ output: String, _ deed: Deed, isCommit: Bool, hasFailed: Bool, isSure: Bool,
    at place: Place, _ clean: (String) -> String
  ) {
    if isCommit {
      // A quiet one, or its first line was cut off.
      let isDone =
        isSure && !output.hasBytes("nothing to commit") && !output.hasBytes("no changes added")
        && !output.hasBytes("nothing added to commit")
        || output.hasBytes(" changed, ") || output.hasBytes("create mode ")
      if !hasFailed, isDone, Self.commit(in: output) == nil {
        landmarks.append(
          Landmark(kind: .commit, text: Self.message(of: deed.subject), place: place))
      }
      if let (hash, subject) = Self.commit(in: output) {
        landmarks.append(
          Landmark(
            kind: .commit, id: hash, text: clean(subject).cut(to: 120), place: place))
      } else if hasFailed {
        landmarks.append(
          Landmark(
            kind: .refusedCommit, text: Self.telling(output, limit: 260, clean),
            place: place))
      }
    }
    if deed.subject.hasBytes("git push"), !hasFailed,
      let line = output.split(separator: "\n").first(where: {
        $0.utf8Range(of: " -> ") != nil
          && ($0.utf8Range(of: "..") != nil || $0.utf8Range(of: "[new ") != nil)
      })
    {
      landmarks.append(
        Landmark(kind: .push, text: clean(String(line.trimmed)).cut(to: 100), place: place))
    }
    if !hasFailed, deed.subject.hasBytes("pr merge") || deed.subject.hasBytes("mr merge"),
      let line = output.split(separator: "\n").first(where: {
        $0.utf8Range(of: "erged ") != nil && $0.contains("#")
      })
    {
      landmarks.append(
        Landmark(kind: .merge, text: clean(String(line.trimmed)).cut(to: 120), place: place))
    }
    if !hasFailed { noteStatus(output, deed.subject, at: place, clean) }
    for link in Self.links(in: output).prefix(3)
    where !landmarks.contains(where: { $0.kind == .link && $0.id == link }) {
      // The link alone on its line is what such a command answers with.
      let isMade =
        deed.subject.hasBytes(" create") && deed.subject.hasBytes("gh ")
        && output.split(separator: "\n").contains { $0.trimmed == link }
      landmarks.append(
        Landmark(kind: .link, id: clean(link), text: isMade ? "made" : "", place: place))
    }
  }

  /// What a commit was to say; empty where it is read from elsewhere.
  private static func message(of command: String) -> String {
    guard let option = command[...].utf8Range(of: " -m ") else { return "" }
    let rest = command[option.upperBound...].drop { "\"'$(".contains($0) }
    return String(rest.prefix { !"\"'\n".contains($0) }).cut(to: 100)
  }

  /// `[branch 1a2b3c4] subject`, as git prints it after a commit.
  package static func commit(in output: String) -> (hash: String, subject: String)? {
    for raw in output.utf8.split(separator: 0x0A) where raw.first == UInt8(ascii: "[") {
      let line = Substring(raw)
      guard let close = line.firstIndex(of: "]") else { continue }
      let words = line[line.index(after: line.startIndex)..<close].split(separator: " ")
      guard let hash = words.last, words.count >= 2, isHash(hash) else { continue }
      return (String(hash), String(line[line.index(after: close)...].trimmed))
    }
    return nil
  }

  private static func isHash(_ word: Substring) -> Bool {
    (7...40).contains(word.utf8.count)
      && word.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }

  private static func links(in output: String) -> [String] {
    guard output.hasBytes("https://") else { return [] }
    var found: [String] = []
    let bytes = output.utf8.prefix(8000)
    for raw in bytes.split(whereSeparator: { $0 <= 0x20 || "\"'<>()`,".utf8.contains($0) })
    where raw.first == UInt8(ascii: "h") && raw.count < 160 {
      let word = Substring(raw)
      guard word.hasPrefix("https://") else { continue }
      let isChange = ["/pull/", "/merge_requests/", "/issues/", "/compare/"].contains {
        word.utf8Range(of: $0) != nil
      }
      let link = String(word.trimmedEnd(".]}"))
      if isChange, link.last?.isNumber == true, !found.contains(link) { found.append(link) }
    }
    return found
  }

  /// What `git status` and a plain `git log` showed: the truth as of then.
  private mutating func noteStatus(
    _ output: String, _ command: String, at place: Place, _ clean: (String) -> String
  ) {
    if command.hasBytes("git status") {
      let lines = output.split(separator: "\n").prefix(200)
      var paths: [String] = []
      var isClean = false
      for line in lines {
        if line.utf8Range(of: "nothing to commit") != nil { isClean = true }
        let words = line.trimmed
        for mark in ["modified:", "new file:", "deleted:", "renamed:"] where words.hasPrefix(mark) {
          paths.append(String(words.dropFirst(mark.count).trimmed))
        }
        for mark in ["?? ", "M  ", " M ", "A  ", "MM ", "D  ", " D "] where line.hasPrefix(mark) {
          paths.append(String(line.dropFirst(3).trimmed))
        }
      }
      // A branch and nothing below it.
      if paths.isEmpty, !lines.isEmpty, lines.allSatisfy({ $0.hasPrefix("## ") }) { isClean = true }
      guard isClean || !paths.isEmpty else { return }
      landmarks.removeAll { $0.kind == .status }
      landmarks.append(
        Landmark(
          kind: .status,
          text: isClean ? "" : clean(paths.prefix(12).joined(separator: ", ")).cut(to: 300),
          place: place))
    }
    if command.hasBytes("git log"), !command.hasBytes(".."),
      let line = output.split(separator: "\n").first
    {
      let words = line.split(separator: " ", maxSplits: 1)
      guard let hash = words.first, words.count == 2, Self.isHash(hash) else { return }
      landmarks.removeAll { $0.kind == .head }
      landmarks.append(
        Landmark(
          kind: .head, id: String(hash.prefix(10)), text: clean(String(words[1])).cut(to: 90),
          place: place))
    }
  }

  // MARK: Trackers

  private static let closers = [
    "bd close ", "gh issue close ", "gh pr close ", "linear issue close ",
  ]
  private static let viewersOfTickets: Set<String> = [
    "bd show", "gh issue view", "linear issue view", "linear issue show",
    "jira issue view",
  ]

  private mutating func noteTickets(
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
  private mutating func noteConstraints(
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

  // MARK: Edits

  private mutating func takeEdit(
    _ output: String, _ deed: Deed, hasFailed: Bool, at place: Place, _ clean: (String) -> String
  ) {
    let path = deed.subject
    if hasFailed {
      let error = Self.telling(output, limit: 110, clean)
      steps.append(
        Step(kind: .deed, text: "edit of `\(path)` failed: \(error)", place: place, hasFailed: true)
      )
      return
    }
    if deed.kind == .write {
      var text = "wrote `\(path)` (\(deed.addedLength) lines"
      if !deed.added.isEmpty { text += ": \(deed.added)" }
      text += ")"
      if !deed.detail.isEmpty { text += ": \(deed.detail)" }
      steps.append(Step(text: text.cut(to: 420), place: place))
    } else {
      steps.append(Step(text: Self.told(deed), place: place))
    }
    noteUndone(deed, at: place)
    edits.append(
      Edit(
        path: path, purpose: deed.purpose.cut(to: 120), saidLine: deed.saidLine,
        added: deed.kind == .edit ? deed.added.withoutBackticks.cut(to: 70) : "", place: place))
    var purpose = purposes[path] ?? Purpose()
    purpose.call = place.call
    purpose.removal = 0
    if deed.purpose.utf8.count > 12, !purpose.texts.contains(deed.purpose) {
      purpose.texts.append(deed.purpose.cut(to: 240))
      if purpose.texts.count > 2 { purpose.texts.remove(at: 0) }
    }
    purposes[path] = purpose
    if !deed.lines.isEmpty, deed.kind == .write {
      var decision = Decision()
      decision.kind = .writtenPlan
      decision.question = path
      decision.choice = deed.lines[0]
      decision.details = Array(deed.lines.dropFirst())
      decision.place = place
      decisions.removeAll { $0.kind == .writtenPlan && $0.question == path }
      decide(decision)
    }
  }

  private static func told(_ deed: Deed) -> String {
    let (out, into) = (
      deed.detail.withoutBackticks, deed.added.withoutBackticks
    )
    var text = "edited `\(deed.subject)`"
    if into.isEmpty {
      if !out.isEmpty { text += ": removed `\(out)`" }
    } else if out.isEmpty {
      text += ": added `\(into)`"
    } else {
      text += ": `\(out)` → `\(into)`"
    }
    return text
  }

  /// An edit whose new text is what an earlier one took out, or that takes out what one put in.
  private mutating func noteUndone(_ deed: Deed, at place: Place) {
    var trail = trails[deed.subject] ?? Trail()
    let editedBefore = trail.call
    trail.call = place.call
    defer { trails[deed.subject] = trail }
    if deed.kind == .edit {
      let isBack = !deed.addedMark.isEmpty && trail.removed.contains(deed.addedMark)
      let isGone =
        !deed.removedMark.isEmpty && deed.removedLength > 80
        && deed.addedLength * 5 < deed.removedLength * 2 && trail.added.contains(deed.removedMark)
      if isBack || isGone {
        let isRestored = isBack && deed.removedLength * 2 < deed.addedLength
        let line = isRestored ? deed.added : deed.detail
        incidents.append(
          Incident(
            kind: isRestored ? .restored : .undone,
            subject: "`\(deed.subject)`: \(line.cut(to: 90))", reason: deed.purpose,
            words: lastWords(since: editedBefore, at: place), place: place))
      }
    }
    if !deed.removedMark.isEmpty { trail.removed.append(deed.removedMark) }
    if !deed.addedMark.isEmpty { trail.added.append(deed.addedMark) }
    if trail.removed.count > 6 { trail.removed.removeFirst() }
    if trail.added.count > 6 { trail.added.removeFirst() }
  }

  /// The person's, if they are short and came after what is undone.
  private func lastWords(since call: Int, at place: Place) -> String {
    guard let turn = turns.last, turns.count > 1, turn.text.utf8.count < 300,
      turn.place.call >= call, place.call > turn.place.call
    else { return "" }
    return turn.text.cut(to: 150)
  }

  private mutating func noteTakenBack(_ deed: Deed, hasFailed: Bool, at place: Place) {
    guard !hasFailed else { return }
    let command = deed.subject
    let takesBack =
      [
        "git checkout -- ", "git checkout HEAD", "git checkout .", "git restore ", "git reset ",
        "git revert ", "git stash",
      ].contains { command.hasBytes(of: $0) }
    if takesBack, !command.hasBytes("git stash list"), !command.hasBytes("git stash show"),
      !command.hasBytes("git stash pop")
    {
      incidents.append(
        Incident(
          kind: .takenBack, subject: Self.line(command), reason: deed.purpose, place: place))
    }
    guard command.hasBytes("rm ") else { return }
    let words = command.split(whereSeparator: { " \n;&|\"'".contains($0) })
    guard words.contains("rm") else { return }
    for (path, purpose) in purposes where purpose.call > 0 {
      guard words.contains(where: { Self.removes($0, path) }) else { continue }
      purposes[path]?.removal = place.call
      incidents.append(
        Incident(
          kind: .removed, subject: path, reason: deed.purpose, place: place))
    }
    incidents.sort { ($0.place.call, $0.subject) < ($1.place.call, $1.subject) }
  }

  /// Whether a word of `rm` is that file or a folder that it is in. A name alone may be in any folder,
  /// a path is that path.
  private static func removes(_ word: Substring, _ path: String) -> Bool {
    var word = word
    while word.hasPrefix("./") { word = word.dropFirst(2) }
    let isFolder = word.hasSuffix("/")
    while word.hasSuffix("/") { word = word.dropLast() }
    guard word.utf8.count > 3, !word.hasPrefix("-") else { return false }
    if path.hasPrefix(word + "/") { return true }
    if isFolder { return false }
    return path == word || path.hasSuffix("/" + word) || word.hasSuffix("/" + path)
  }

  // MARK: Others

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

  private mutating func takePlan(_ deed: Deed, hasFailed: Bool, at place: Place) {
    guard !hasFailed, let head = deed.lines.first else { return }
    var decision = Decision()
    decision.kind = .approvedPlan
    decision.question = deed.detail
    decision.choice = head
    decision.details = Array(deed.lines.dropFirst())
    decision.place = place
    decide(decision)
  }

  private mutating func takeSearch(
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

  private mutating func takeAgent(
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

  private mutating func takeOther(
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

// MARK: Completing

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

extension Story.Check {
  package mutating func complete(_ clean: (String) -> String) {
    guard let output else { return }
    self.output = nil
    let result = CommandOutput(clean(CommandOutput.ends(of: output)))
    detail = hasFailed ? result.telling(limit: 170) : result.outcome(limit: 130)
  }
}
