import MemoryStore
import Redaction
import Syntax

/// How a tool call ended.
enum CallEnding {
  case succeeded, failed
  /// How is not said: there is no exit code.
  case ended
  /// A person said no, or stopped it before it ran.
  case refused
  /// The host did not run it, as one beside it failed.
  case skipped
  /// A rule, a hook or the host did not let it run.
  case blocked
  /// A person stopped it while it ran.
  case interrupted
}

// Tool calls, and what they leave behind.
extension TranscriptGatherer {
  mutating func nextCall(id: String?, tool: String) {
    if isSidechain { return }
    digest.toolCalls += 1
    digest.signals.toolCalls += 1
    let gap = digest.lastCallAt > 0 ? at - digest.lastCallAt : 0
    digest.signals.longestGap = max(digest.signals.longestGap, gap)
    digest.lastCallAt = at
    if let id {
      digest.pending.append(
        .init(id: id, tool: tool, number: digest.toolCalls, isAbandoned: isAbandoned))
    }
  }

  /// A call that did not do its work left no file and no plan behind; one that was not run at all is no
  /// command that was run.
  package mutating func settle(_ call: SessionDigest.PendingCall, _ ending: CallEnding) {
    let isOne = Set(call.commands).count == 1
    for key in call.commands {
      switch ending {
      case .succeeded: digest.commands[key]?.outcome = .succeeded
      case .ended: digest.commands[key]?.outcome = .unknown
      // Which of several it was that failed is not said, nor whether the others ran.
      case .failed: digest.commands[key]?.outcome = isOne ? .failed : .unknown
      case .interrupted: digest.commands[key]?.outcome = .unknown
      case .refused, .blocked, .skipped:
        digest.commands[key]?.outcome = .unknown
        digest.commands[key]?.count -= 1
        if let use = digest.commands[key], use.count <= 0 { digest.commands[key] = nil }
      }
    }
    // A script may have written before it failed.
    let isDone =
      ending == .succeeded || ending == .ended || ending == .interrupted
      || ending == .failed && !call.commands.isEmpty
    if let former = digest.formerPlan, former.call == call.id {
      digest.formerPlan = nil
      if !isDone { digest.todos = former.todos }
    }
    if isDone { return }
    for path in call.edited {
      guard var use = digest.files[path], use.edits > 0 else { continue }
      use.edits -= 1
      digest.signals.repositoryWrites = max(0, digest.signals.repositoryWrites - 1)
      if use.edits == 0 {
        use.lastEdit = 0
        use.symbols = []
      }
      digest.files[path] = use.uses + use.listings > 0 ? use : nil
    }
    for task in call.formerTasks {
      if let index = digest.tasks.firstIndex(where: { $0.id == task.id }) {
        digest.tasks[index] = task
      } else {
        digest.tasks.append(task)
      }
    }
  }

  /// What the call at hand is about, for when its result comes.
  mutating func noteDeed(_ deed: Deed) {
    var deed = deed
    // What was said long before was about something else.
    let isFresh = digest.toolCalls - digest.story.saidAt.call <= 8
    deed.purpose = isFresh ? digest.story.purposeOfCall() : ""
    deed.saidLine = deed.purpose.isEmpty ? 0 : digest.story.saidAt.line
    setPending { if $0.deeds.count < Self.mostDeeds { $0.deeds.append(deed) } }
  }

  private static var mostDeeds: Int { 24 }

  /// A call of a tool without rules of its own: its first short text says what it is about.
  package func other(_ input: JSONValue) -> Deed {
    var deed = Deed()
    deed.kind = .other
    input.forEachMember { _, value in
      if deed.subject.isEmpty, value.isString, (4..<200).contains(value.rawUTF8.count) {
        deed.subject = clean(value.string ?? "")
      }
    }
    return deed
  }

  /// A question with its options, as both agents' tools have them.
  package func asked(_ question: JSONValue) -> AskedQuestion {
    let options = question["options"]?.elements.prefix(8) ?? []
    func text(_ value: JSONValue?, _ limit: Int) -> String {
      clean(value?.string(limit: limit) ?? "")
    }
    return AskedQuestion(
      question: text(question["question"], 2000),
      labels: options.map { text($0["label"], 200) },
      descriptions: options.map { text($0["description"], 400) })
  }

  /// What a call came to.
  ///
  /// - Parameters:
  ///   - output: As it stands in the transcript.
  ///   - words: The person's, where they refused it.
  mutating func conclude(
    _ call: SessionDigest.PendingCall, _ ending: CallEnding, output: String, words: String? = nil
  ) {
    let redactor = redactor
    let place = Story.Place(call: call.number, line: line, at: at)
    let words = words.map(clean)
    for deed in call.deeds.isEmpty && ending == .refused ? [Deed()] : call.deeds {
      digest.story.ingest(
        result: output, of: deed, ending, words: words, tool: call.tool, at: place
      ) { redactor.redact($0) }
    }
    addNews()
    // A pipe hides the exit code; what the output says counts.
    if ending == .succeeded || ending == .ended, let step = digest.story.steps.last,
      step.place == place, step.hasFailed, call.deeds.first?.kind == .shell
    {
      let keys = Set(call.commands)
      for key in keys { digest.commands[key]?.outcome = keys.count == 1 ? .failed : .unknown }
    }
  }

  /// Notes something of the call at hand, if it has an id by which its result is told.
  mutating func setPending(_ change: (inout SessionDigest.PendingCall) -> Void) {
    guard let last = digest.pending.indices.last, digest.pending[last].number == digest.toolCalls
    else { return }
    change(&digest.pending[last])
  }

  /// A tool of which nothing else is known: its short texts are searchable.
  mutating func ingestOther(_ tool: String, _ input: JSONValue) {
    var texts: [String] = []
    input.forEachMember { _, value in
      if value.isString, value.rawUTF8.count <= 4096, let text = value.string {
        texts.append(text)
      }
    }
    let text = clean(texts.joined(separator: "\n"))
    if !text.isEmpty { note(tool, text.cut(to: 2000)) }
    if !isSidechain {
      mention(paths: TextScanner.paths(in: text, limit: 20), names: [], weight: 0)
    }
  }

  /// The whole plan anew, as TodoWrite and `update_plan` give it.
  mutating func replacePlan(_ items: [JSONValue], text key: StaticString) {
    replacePlan(
      items.prefix(200).compactMap { item in
        guard let text = item[key]?.string,
          item["status"]?.string.map(DroppedItem.isStatus) != true
        else { return nil }
        // An item can be off the list without having been done.
        let form = item["activeForm"]?.string ?? ""
        let isSkipped = form.lowercased().hasPrefix("skip") && !text.lowercased().hasPrefix("skip")
        return .init(
          id: nil, text: clean(isSkipped ? "\(text) (\(form))" : text).cut(to: 300),
          state: Self.state(item["status"]) ?? .pending)
      })
  }

  mutating func replacePlan(_ items: [SessionDigest.PlanItem]) {
    var former: SessionDigest.FormerPlan?
    let todos = digest.todos
    setPending { former = .init(call: $0.id, todos: todos) }
    digest.formerPlan = former
    digest.todos = items
    digest.story.planAt = place
  }

  package static func state(_ value: JSONValue?) -> SessionDigest.PlanItem.State? {
    value?.string.flatMap { SessionDigest.PlanItem.State(rawValue: $0) }
  }

  // MARK: Files

  /// - Parameters:
  ///   - removed: What was taken out.
  ///   - added: What was put in; all of it where a file was written.
  mutating func noteEdit(_ path: String, removed: String, added: String, isWhole: Bool = false) {
    let (former, latter) = (removed, added)
    let (removed, added) = (clean(removed), clean(added))
    var deed: Deed =
      isWhole
      ? .write(relative(path), content: added)
      : .edit(relative(path), removed: removed, added: added)
    // Where a secret was, no line beside it is quoted: it may stand there in another form.
    if removed != former || added != latter {
      deed.detail = ""
      deed.added = ""
      deed.lines = []
    }
    noteDeed(deed)
    let code = added + "\n" + removed
    let names = TextScanner.names(in: code)
    var symbols = Array(TextScanner.symbols(in: code).prefix(6))
    for name in names where symbols.count < 12 && !symbols.contains(name) { symbols.append(name) }
    let call = digest.toolCalls
    let key = touch(path) { file in
      file.edits += 1
      file.lastEdit = call
      file.symbols.removeAll { symbols.contains($0) }
      file.symbols += symbols
      if file.symbols.count > 24 { file.symbols.removeFirst(file.symbols.count - 24) }
    }
    digest.signals.repositoryWrites += 1
    setPending {
      $0.path = key
      $0.edited.append(key)
    }
    noteRepository(of: path)
    // A plan or a note that is written down names the files that come next.
    let isProse = path.hasSuffix(".md") || path.hasSuffix(".txt")
    mention(paths: isProse ? TextScanner.paths(in: code) : [], names: names, weight: 0.5)
  }

  /// Weighted signal "≥ 3 repositories": told apart by the folder below the common parent, as the
  /// transcript does not say where a repository begins.
  private mutating func noteRepository(of path: String) {
    let root = digest.root ?? ""
    let depth = max(root.split(separator: "/").count, 2)
    let isInside = !path.hasPrefix("/") || path.hasPrefix(root)
    let place =
      isInside ? root : "/" + path.split(separator: "/").prefix(depth).joined(separator: "/")
    guard digest.signals.repositories.count < 8, !digest.signals.repositories.contains(place)
    else { return }
    digest.signals.repositories.append(place)
  }

  mutating func mention(paths: [String], names: [String], weight: Double) {
    for path in paths { touch(path) { $0.mentions += 1 } }
    let now = digest.toolCalls
    for name in names {
      let known = digest.names[name]
      digest.names[name] = .init(weight: (known?.weight(at: now) ?? 0) + weight, call: now)
    }
  }

  /// - Returns: By what it is known.
  @discardableResult
  mutating func touch(
    _ path: String, _ change: (inout SessionDigest.FileUse) -> Void
  ) -> String {
    let key = relative(path)
    guard !key.isEmpty else { return key }
    let (call, at, line) = (digest.toolCalls, at, line)
    change(&digest.files[key, default: .init()])
    digest.files[key]?.lastCall = call
    digest.files[key]?.at = at
    digest.files[key]?.line = line
    return key
  }

  /// The path below the session's first folder, with `/` also where Windows wrote `\`.
  package func relative(_ path: String) -> String {
    func slashed(_ path: String) -> String {
      path.utf8.contains(UInt8(ascii: "\\")) ? path.replacing("\\", with: "/") : path
    }
    var path = slashed(path)
    if path.hasPrefix("./") { path.removeFirst(2) }
    guard let root = digest.root.map(slashed), path.hasPrefix(root),
      path.utf8.dropFirst(root.utf8.count).first == UInt8(ascii: "/")
    else { return path }
    return String(path.dropFirst(root.count + 1))
  }

  // MARK: Commands

  mutating func ingestCommand(_ line: String, id: String?) {
    var keys: [String] = []
    for command in ShellCommand.commands(in: line) {
      keys.append(command.key)
      var use = digest.commands[command.key] ?? .init(text: command.text)
      use.text = command.text.cut(to: 300)
      use.count += 1
      use.lastCall = digest.toolCalls
      use.outcome = .unknown
      use.at = at
      digest.commands[command.key] = use
    }
    // A script of the project's may commit, too; what only looks does not.
    let commits = !keys.isEmpty || Self.committing.contains { line.contains($0) }
    if id != nil {
      setPending {
        $0.commands = keys
        $0.commits = commits
      }
      var deed = Deed()
      deed.kind = .shell
      deed.subject = line.cut(to: 2000)
      noteDeed(deed)
    }
    let paths = ShellCommand.words(in: line).compactMap { TextScanner.path($0) }
    mention(paths: paths, names: TextScanner.names(in: line, limit: 40), weight: 0.5)
    if line.contains("git commit") || line.contains("git push") {
      digest.signals.repositoryWrites += 1
    }
  }

  private static var committing: [String] {
    ["commit", "merge", "cherry-pick", "revert", "rebase", "pull", " am "]
  }

  /// Paths in a tool's output: seldom needed, but a file beside one that was edited often is.
  package mutating func list(_ output: String) {
    let call = digest.toolCalls
    for path in TextScanner.paths(in: output, limit: 60) {
      let key = relative(path)
      digest.files[key, default: .init(lastCall: call)].listings += 1
    }
  }

  mutating func ingestFailure(of call: SessionDigest.PendingCall, _ text: String) {
    let text = clean(text)
    add(.failure, actor: "tool", title: call.tool, body: text.cut(to: 2000))
    digest.lastFailure = .init(
      tool: call.commands.last ?? call.tool, text: text.oneLine.cut(to: 400),
      call: digest.toolCalls, at: at, line: line, path: call.path)
  }

  /// What failed on a file and was done to it afterwards is no news.
  mutating func ingestSuccess(of call: SessionDigest.PendingCall) {
    guard let failure = digest.lastFailure, !failure.path.isEmpty, failure.tool == call.tool,
      failure.path == call.path
    else { return }
    digest.lastFailure = nil
  }

  /// `[branch 1a2b3c4] subject`, as git prints it after a commit.
  mutating func ingestCommits(in output: String) {
    guard output.utf8.count < 100_000, output.utf8.contains(UInt8(ascii: "[")) else { return }
    for line in output.split(separator: "\n") where line.hasPrefix("[") {
      guard let close = line.firstIndex(of: "]") else { continue }
      let words = line[line.index(after: line.startIndex)..<close].split(separator: " ")
      guard let hash = words.last, words.count >= 2, (7...40).contains(hash.utf8.count),
        hash.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
      else { continue }
      let subject = clean(String(line[line.index(after: close)...].trimmed)).cut(to: 120)
      digest.commits.append(.init(hash: String(hash), subject: subject, at: at))
    }
  }
}
