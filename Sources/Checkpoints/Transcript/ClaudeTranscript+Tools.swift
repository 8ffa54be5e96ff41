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
    guard !isSidechain, let id = block["tool_use_id"]?.string else { return }
    guard let index = digest.pending.lastIndex(where: { $0.id == id }) else {
      // What the person typed needs no call.
      takeAnswers(block, details, to: nil)
      return
    }
    let call = digest.pending.remove(at: index)
    if call.isAbandoned, !isAbandoned {
      // It came late: the call was taken back, and what it brought with it.
      takeBack { $0.takeResult(of: call, block, details) }
    } else {
      takeResult(of: call, block, details)
    }
  }

  private mutating func takeResult(
    of call: SessionDigest.PendingCall, _ block: JSONValue, _ details: JSONValue?
  ) {
    let isError = block["is_error"]?.bool ?? false
    for key in call.commands {
      digest.commands[key]?.outcome = isError ? .failed : .succeeded
    }
    let isAnswer = takeAnswers(block, details, to: call)
    if isError {
      let text = resultText(block["content"])
      // A refusal is the person's answer, not a failure.
      if !isAnswer, !text.contains("doesn't want to proceed"),
        !text.contains("Request interrupted")
      {
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

  // MARK: The person's answers

  /// What the person typed instead of letting a tool run, or answered to the agent's questions.
  ///
  /// - Returns: False if there is no such word in the result.
  @discardableResult
  private mutating func takeAnswers(
    _ block: JSONValue, _ details: JSONValue?, to call: SessionDigest.PendingCall?
  ) -> Bool {
    if block["is_error"]?.bool == true {
      guard let words = refusal(block["content"]) else { return false }
      takeWords(words)
      return true
    }
    let head = resultHead(block["content"])
    let isTold = Self.answerHeads.contains { head.hasPrefix($0) }
    guard call?.tool == "AskUserQuestion" || isTold else { return false }
    var answers = Self.answers(in: details)
    if answers.isEmpty, isTold { answers = Self.answers(in: wholeText(block["content"])) }
    for answer in answers { takeWords(answer.words, to: answer.question) }
    return !answers.isEmpty
  }

  /// What the person typed instead of letting a tool run: all of it.
  private func refusal(_ content: JSONValue?) -> String? {
    guard resultHead(content).hasPrefix("The user doesn't want to proceed with this tool use.")
    else { return nil }
    let text = wholeText(content)
    guard let said = text[...].utf8Range(of: "the user said:\n") else { return nil }
    let words = text[said.upperBound...].trimmed
    return words.isEmpty ? nil : String(words)
  }

  private static let answerHeads = [
    "User has answered your questions:", "User has answered your question:",
    "Your questions have been answered:",
  ]

  /// `toolUseResult.answers`, with the notes that the person wrote beside them.
  private static func answers(in details: JSONValue?) -> [(question: String, words: String)] {
    var found: [(question: String, words: String)] = []
    details?["answers"]?.forEachMember { name, value in
      guard let question = name.string else { return }
      let parts = value.isArray ? value.elements.compactMap(\.string) : [value.string ?? ""]
      var words = parts.joined(separator: ", ")
      details?["annotations"]?.forEachMember { name, value in
        guard name.string == question, let notes = value["notes"]?.string, !notes.trimmed.isEmpty,
          notes != words
        else { return }
        words += (words.isEmpty ? "" : "\n") + notes
      }
      if !words.trimmed.isEmpty { found.append((question, words)) }
    }
    return found
  }

  /// `"question"="answer", …`, where the details are not there.
  private static func answers(in text: String) -> [(question: String, words: String)] {
    guard let start = text[...].utf8Range(of: ": ") else { return [] }
    var rest = text[start.upperBound...]
    if let end = rest.lastUTF8Range(of: ". You can now continue") { rest = rest[..<end.lowerBound] }
    var found: [(question: String, words: String)] = []
    var question: Substring?
    while let mark = rest.utf8Range(of: "\"=\"") {
      var before = rest[..<mark.lowerBound]
      if let asked = question {
        guard let gap = before.lastUTF8Range(of: "\", \"") else { break }
        found.append((String(asked), String(before[..<gap.lowerBound])))
        before = before[gap.upperBound...]
      } else if before.first == "\"" {
        before = before.dropFirst()
      }
      question = before
      rest = rest[mark.upperBound...]
    }
    if let question {
      if rest.last == "\"" { rest = rest.dropLast() }
      found.append((String(question), String(rest)))
    }
    return found.filter { !$0.words.trimmed.isEmpty }
  }

  private func wholeText(_ content: JSONValue?) -> String {
    content?.string
      ?? content?.elements.compactMap { $0["text"]?.string }.joined(separator: "\n") ?? ""
  }

  private func resultHead(_ content: JSONValue?) -> String {
    guard let content else { return "" }
    return content.isString
      ? content.string(limit: 256) : content.elements.first?["text"]?.string(limit: 256) ?? ""
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
