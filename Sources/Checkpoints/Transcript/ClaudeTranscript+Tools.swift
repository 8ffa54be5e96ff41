import MemoryStore

// Tool calls and their results.
extension ClaudeTranscript {
  mutating func takeCall(_ block: JSONValue) {
    guard let tool = block["name"]?.string, let input = block["input"] else { return }
    nextCall(id: block["id"]?.string, tool: tool)
    switch tool {
    case "Read", "NotebookRead":
      if let path = input["file_path"]?.string, !isInSidechain { touch(path) { $0.reads += 1 } }
    case "Edit", "Write", "MultiEdit", "NotebookEdit":
      takeEdit(tool, input)
    case "Bash":
      if let command = input["command"]?.string.map(clean) {
        note(tool, command, title: input["description"]?.string.map(clean) ?? "")
        if !isInSidechain { takeCommand(command, id: block["id"]?.string) }
      }
    case "Grep", "Glob":
      takeSearch(input)
    case "TodoWrite":
      if !isInSidechain { takeTodos(input) }
    case "TaskCreate":
      if let subject = input["subject"]?.string.map(clean), !isInSidechain {
        note(tool, subject)
        setPending { $0.subject = subject }
        if let description = input["description"]?.string.map(clean) {
          mention(
            paths: TextScanner.paths(in: description), names: TextScanner.names(in: description),
            weight: 1)
        }
      }
    case "TaskUpdate":
      if !isInSidechain { updateTask(input) }
    case "ExitPlanMode":
      if let plan = input["plan"]?.string.map(clean) {
        add("plan", actor: "agent", body: plan)
        if !isInSidechain {
          mention(
            paths: TextScanner.paths(in: plan), names: TextScanner.names(in: plan), weight: 1)
        }
      }
    default:
      takeOther(tool, input)
    }
  }

  /// What was done is searchable; what was only looked at stands in the digest.
  private mutating func note(_ tool: String, _ text: String, title: String = "") {
    add(
      "tool", actor: isInSidechain ? "subagent" : "agent",
      title: title.isEmpty ? tool : "\(tool): \(title)", body: text)
  }

  private mutating func setPending(_ change: (inout SessionDigest.PendingCall) -> Void) {
    guard !digest.pending.isEmpty else { return }
    change(&digest.pending[digest.pending.count - 1])
  }

  // MARK: Files

  private mutating func takeEdit(_ tool: String, _ input: JSONValue) {
    guard let path = (input["file_path"] ?? input["notebook_path"])?.string else { return }
    note(tool, path)
    if isInSidechain { return }
    var code = ""
    for part in [input] + (input["edits"]?.elements ?? []) {
      for text in [part["new_string"], part["old_string"], part["content"], part["new_source"]] {
        guard let text = text?.string else { continue }
        // What stands far down in a whole file that was written says little about the work.
        code += text.cut(to: 16_384)
        code += "\n"
      }
    }
    code = clean(code)
    let names = TextScanner.names(in: code)
    var symbols = Array(TextScanner.symbols(in: code).prefix(6))
    for name in names where symbols.count < 12 && !symbols.contains(name) { symbols.append(name) }
    let call = digest.toolCalls
    touch(path) { file in
      file.edits += 1
      file.lastEdit = call
      file.symbols.removeAll { symbols.contains($0) }
      file.symbols += symbols
      if file.symbols.count > 24 { file.symbols.removeFirst(file.symbols.count - 24) }
    }
    digest.signals.repositoryWrites += 1
    noteRepository(of: path)
    // A plan or a note that is written down names the files that come next.
    let isProse = path.hasSuffix(".md") || path.hasSuffix(".txt")
    mention(
      paths: isProse ? TextScanner.paths(in: code) : [], names: names, weight: 0.5)
  }

  private mutating func takeSearch(_ input: JSONValue) {
    if isInSidechain { return }
    let pattern = input["pattern"]?.string.map(clean) ?? ""
    if let path = input["path"]?.string.flatMap({ TextScanner.path($0) }) {
      touch(path) { $0.mentions += 1 }
    }
    mention(
      paths: TextScanner.paths(in: pattern), names: TextScanner.names(in: pattern), weight: 2)
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

  // MARK: Commands

  mutating func takeCommand(_ line: String, id: String?) {
    var keys: [String] = []
    for command in ShellCommand.commands(in: line) {
      if !keys.contains(command.key) { keys.append(command.key) }
      var use = digest.commands[command.key] ?? .init(text: command.text)
      use.text = command.text.cut(to: 300)
      use.count += 1
      use.lastCall = digest.toolCalls
      use.outcome = .unknown
      use.at = time
      digest.commands[command.key] = use
    }
    if id != nil { setPending { $0.commands = keys } }
    let paths = ShellCommand.words(in: line).compactMap { TextScanner.path($0) }
    mention(paths: paths, names: TextScanner.names(in: line, limit: 40), weight: 0.5)
    if line.contains("git commit") || line.contains("git push") {
      digest.signals.repositoryWrites += 1
    }
  }

  // MARK: The plan

  private mutating func takeTodos(_ input: JSONValue) {
    guard let todos = input["todos"], todos.isArray else { return }
    digest.todos = todos.elements.prefix(200).compactMap { todo in
      guard let text = todo["content"]?.string else { return nil }
      return .init(
        id: nil, text: clean(text).cut(to: 300), state: Self.state(todo["status"]) ?? .pending)
    }
  }

  /// Models also write `id` or `task_id` where the tool's schema says `taskId`.
  private mutating func updateTask(_ input: JSONValue) {
    guard let value = input["taskId"] ?? input["task_id"] ?? input["id"],
      let id = value.string ?? value.int.map(String.init)
    else { return }
    if input["status"]?.equals("deleted") == true {
      digest.tasks.removeAll { $0.id == id }
      return
    }
    guard let index = digest.tasks.firstIndex(where: { $0.id == id }) else { return }
    if let state = Self.state(input["status"]) { digest.tasks[index].state = state }
    if let subject = input["subject"]?.string { digest.tasks[index].text = clean(subject) }
  }

  private static func state(_ value: JSONValue?) -> SessionDigest.PlanItem.State? {
    value?.string.flatMap { SessionDigest.PlanItem.State(rawValue: $0) }
  }

  // MARK: Others

  private mutating func takeOther(_ tool: String, _ input: JSONValue) {
    var texts: [String] = []
    input.forEachMember { _, value in
      if value.isString, value.rawUTF8.count <= 4096, let text = value.string {
        texts.append(text)
      }
    }
    let text = clean(texts.joined(separator: "\n"))
    if !text.isEmpty { note(tool, text.cut(to: 2000)) }
    if !isInSidechain {
      mention(paths: TextScanner.paths(in: text, limit: 20), names: [], weight: 0)
    }
  }

  // MARK: Results

  mutating func takeResult(_ block: JSONValue, details: JSONValue?) {
    guard !isInSidechain, let id = block["tool_use_id"]?.string,
      let index = digest.pending.lastIndex(where: { $0.id == id })
    else { return }
    let call = digest.pending.remove(at: index)
    let isError = block["is_error"]?.bool ?? false
    for key in call.commands {
      digest.commands[key]?.outcome = isError ? .failed : .succeeded
    }
    if isError {
      takeFailure(of: call, resultText(block["content"]))
      return
    }
    switch call.tool {
    case "Grep", "Glob", "Bash":
      list(resultText(block["content"]))
    default:
      break
    }
    switch call.tool {
    case "TaskCreate":
      createTask(call, details)
    case "TaskList":
      resynchronise(details?["tasks"])
    case "TaskGet":
      if let task = details?["task"] { updateTask(task) }
    case "Bash":
      takeCommits(in: details?["stdout"]?.string ?? "")
    case "Task", "Agent":
      // A sub-agent's report is prose about the code, as the agent's own words are.
      let report = clean(resultText(block["content"]))
      mention(paths: TextScanner.paths(in: report), names: [], weight: 0)
    default:
      break
    }
  }

  /// Paths in a tool's output: seldom needed, but a file beside one that was edited often is.
  private mutating func list(_ output: String) {
    for path in TextScanner.paths(in: output, limit: 60) {
      let known = digest.files[relative(path)]
      digest.files[relative(path)] = known ?? .init()
      digest.files[relative(path)]?.listings += 1
      if known == nil { digest.files[relative(path)]?.lastCall = digest.toolCalls }
    }
  }

  private mutating func takeFailure(of call: SessionDigest.PendingCall, _ text: String) {
    let text = clean(text)
    // A refusal is the person's answer, not a failure.
    if text.contains("doesn't want to proceed") || text.contains("Request interrupted") { return }
    let short = text.oneLine.cut(to: 400)
    add("failure", actor: "tool", title: call.tool, body: text.cut(to: 2000))
    digest.lastFailure = .init(
      tool: call.commands.last ?? call.tool, text: short, call: digest.toolCalls, at: time)
  }

  private func resultText(_ content: JSONValue?) -> String {
    guard let content else { return "" }
    if content.isString { return content.string(limit: 8192) }
    return content.elements.compactMap { $0["text"]?.string }.joined(separator: "\n")
  }

  private mutating func createTask(_ call: SessionDigest.PendingCall, _ details: JSONValue?) {
    let task = details?["task"]
    guard let value = task?["id"], let id = value.string ?? value.int.map(String.init),
      let subject = task?["subject"]?.string.map(clean) ?? call.subject
    else { return }
    digest.tasks.removeAll { $0.id == id }
    digest.tasks.append(.init(id: id, text: subject.cut(to: 300), state: .pending))
    if digest.tasks.count > 200 {
      digest.tasks.removeAll { $0.state == .completed }
      digest.tasks = Array(digest.tasks.suffix(200))
    }
  }

  /// TaskList's result is the whole truth.
  private mutating func resynchronise(_ tasks: JSONValue?) {
    guard let tasks, tasks.isArray else { return }
    digest.tasks = tasks.elements.suffix(200).compactMap { task in
      guard let value = task["id"], let id = value.string ?? value.int.map(String.init),
        let subject = task["subject"]?.string
      else { return nil }
      return .init(
        id: id, text: clean(subject).cut(to: 300), state: Self.state(task["status"]) ?? .pending)
    }
  }

  /// `[branch 1a2b3c4] subject`, as git prints it after a commit.
  private mutating func takeCommits(in output: String) {
    guard output.utf8.count < 100_000, output.utf8.contains(UInt8(ascii: "[")) else { return }
    for line in output.split(separator: "\n") where line.hasPrefix("[") {
      guard let close = line.firstIndex(of: "]") else { continue }
      let words = line[line.index(after: line.startIndex)..<close].split(separator: " ")
      guard let hash = words.last, words.count >= 2, (7...40).contains(hash.utf8.count),
        hash.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
      else { continue }
      let subject = clean(String(line[line.index(after: close)...].trimmed)).cut(to: 120)
      digest.commits.append(.init(hash: String(hash), subject: subject, at: time))
    }
  }
}
