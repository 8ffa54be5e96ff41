import MemoryStore

// Tool calls and their results.
extension ClaudeTranscript {
  mutating func takeCall(_ block: JSONValue) {
    guard let tool = block["name"]?.string, let input = block["input"] else { return }
    nextCall(id: block["id"]?.string, tool: tool)
    switch tool {
    case "Read", "NotebookRead":
      if let path = input["file_path"]?.string, !isSidechain { touch(path) { $0.reads += 1 } }
    case "Edit", "Write", "MultiEdit", "NotebookEdit":
      takeEdit(tool, input)
    case "Bash":
      if let command = input["command"]?.string.map(clean) {
        note(tool, command, title: input["description"]?.string.map(clean) ?? "")
        if !isSidechain { takeCommand(command, id: block["id"]?.string) }
      }
    case "Grep", "Glob":
      takeSearch(input)
    case "TodoWrite":
      if !isSidechain { takeTodos(input) }
    case "TaskCreate":
      if let subject = input["subject"]?.string.map(clean), !isSidechain {
        add(
          "plan", actor: "agent", title: subject,
          body: input["description"]?.string.map(clean) ?? "")
        setPending { $0.subject = subject }
        if let description = input["description"]?.string.map(clean) {
          mention(
            paths: TextScanner.paths(in: description), names: TextScanner.names(in: description),
            weight: 1)
        }
      }
    case "TaskUpdate":
      if !isSidechain { updateTask(input) }
    case "ExitPlanMode":
      if let plan = input["plan"]?.string.map(clean) {
        add("plan", actor: "agent", body: plan)
        if !isSidechain {
          mention(
            paths: TextScanner.paths(in: plan), names: TextScanner.names(in: plan), weight: 1)
        }
      }
    default:
      takeOther(tool, input)
    }
  }

  // MARK: Files

  private mutating func takeEdit(_ tool: String, _ input: JSONValue) {
    guard let path = (input["file_path"] ?? input["notebook_path"])?.string else { return }
    note(tool, path)
    if isSidechain { return }
    var code = ""
    for part in [input] + (input["edits"]?.elements ?? []) {
      for text in [part["new_string"], part["old_string"], part["content"], part["new_source"]] {
        guard let text = text?.string else { continue }
        // What stands far down in a whole file that was written says little about the work.
        code += text.cut(to: 16_384)
        code += "\n"
      }
    }
    noteEdit(path, code: code)
  }

  private mutating func takeSearch(_ input: JSONValue) {
    if isSidechain { return }
    let pattern = input["pattern"]?.string.map(clean) ?? ""
    if let path = input["path"]?.string.flatMap({ TextScanner.path($0) }) {
      touch(path) { $0.mentions += 1 }
    }
    mention(
      paths: TextScanner.paths(in: pattern), names: TextScanner.names(in: pattern), weight: 2)
  }

  // MARK: The plan

  private mutating func takeTodos(_ input: JSONValue) {
    guard let todos = input["todos"], todos.isArray else { return }
    replacePlan(todos.elements, text: "content")
  }

  /// Models also write `id` or `task_id` where the tool's schema says `taskId`.
  private mutating func updateTask(_ input: JSONValue) {
    guard let value = input["taskId"] ?? input["task_id"] ?? input["id"],
      let id = value.string ?? value.int.map(String.init)
    else { return }
    if input["status"]?.string.map(DroppedItem.isStatus) == true {
      digest.tasks.removeAll { $0.id == id }
      return
    }
    guard let index = digest.tasks.firstIndex(where: { $0.id == id }) else { return }
    if let state = Self.state(input["status"]) { digest.tasks[index].state = state }
    guard let subject = input["subject"]?.string.map(clean), !subject.isEmpty else { return }
    // What the item says now is searchable as what it said first is.
    if subject != digest.tasks[index].text {
      add(
        "plan", actor: "agent", title: subject,
        body: input["description"]?.string.map(clean) ?? "")
    }
    digest.tasks[index].text = subject.cut(to: 300)
  }

  // MARK: Results

  mutating func takeResult(_ block: JSONValue, details: JSONValue?) {
    guard !isSidechain, let id = block["tool_use_id"]?.string,
      let index = digest.pending.lastIndex(where: { $0.id == id })
    else { return }
    let call = digest.pending.remove(at: index)
    let isError = block["is_error"]?.bool ?? false
    for key in call.commands {
      digest.commands[key]?.outcome = isError ? .failed : .succeeded
    }
    if isError {
      let text = resultText(block["content"])
      // A refusal is the person's answer, not a failure.
      if let words = refusal(text) {
        takeWords(words)
      } else if !text.contains("doesn't want to proceed"), !text.contains("Request interrupted") {
        takeFailure(of: call, text)
      }
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

  /// What the person typed instead of letting a tool run.
  private func refusal(_ text: String) -> String? {
    guard text.hasPrefix("The user doesn't want to proceed with this tool use."),
      let said = text[...].utf8Range(of: "the user said:\n")
    else { return nil }
    let words = text[said.upperBound...].trimmed
    return words.isEmpty ? nil : String(words)
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
        let subject = task["subject"]?.string,
        task["status"]?.string.map(DroppedItem.isStatus) != true
      else { return nil }
      return .init(
        id: id, text: clean(subject).cut(to: 300), state: Self.state(task["status"]) ?? .pending)
    }
  }
}
