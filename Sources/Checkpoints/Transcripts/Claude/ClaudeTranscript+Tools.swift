import Git
import MemoryStore
import Syntax

// Tool calls and their results.
extension ClaudeTranscript {
  mutating func ingestCall(_ block: JSONValue) {
    guard let tool = block["name"]?.string, let input = block["input"] else { return }
    nextCall(id: block["id"]?.string, tool: tool)
    switch tool {
    case "Read", "NotebookRead":
      if let path = input["file_path"]?.string, !isSidechain {
        let key = touch(path) { $0.reads += 1 }
        setPending { $0.path = key }
        var deed = Deed()
        deed.kind = .read
        deed.subject = key
        if let offset = input["offset"]?.int, let limit = input["limit"]?.int, limit > 0 {
          deed.detail = " (lines \(offset)–\(offset &+ limit))"
        }
        noteDeed(deed)
      }
    case "Edit", "Write", "MultiEdit", "NotebookEdit":
      ingestEdit(tool, input)
    case "Bash":
      if let command = input["command"]?.string.map(clean) {
        note(tool, command, title: input["description"]?.string.map(clean) ?? "")
        if !isSidechain { ingestCommand(command, id: block["id"]?.string) }
      }
    case "Grep", "Glob":
      ingestSearch(input)
    case "TodoWrite":
      if !isSidechain { ingestTodos(input) }
    case "TaskCreate":
      if let subject = input["subject"]?.string.map(clean), !isSidechain {
        add(
          .plan, actor: "agent", title: subject,
          body: input["description"]?.string.map(clean) ?? "")
        setPending { $0.subject = subject }
        if let description = input["description"]?.string.map(clean) {
          mention(
            paths: TextScanner.paths(in: description), names: TextScanner.names(in: description),
            weight: 1)
        }
      }
    case "TaskUpdate":
      if !isSidechain {
        updateTask(input)
        digest.story.planAt = place
      }
    case "ExitPlanMode":
      if let plan = input["plan"]?.string.map(clean) {
        add(.plan, actor: "agent", body: plan)
        if !isSidechain {
          noteDeed(.plan(plan))
          mention(
            paths: TextScanner.paths(in: plan), names: TextScanner.names(in: plan), weight: 1)
        }
      }
    case "AskUserQuestion":
      ingestOther(tool, input)
      let known = input["questions"]?.elements.prefix(8).map(asked) ?? []
      if !isSidechain { setPending { $0.asked = known } }
    case "Task", "Agent":
      ingestOther(tool, input)
      var deed = Deed()
      deed.kind = .agent
      deed.subject = clean(input["description"]?.string(limit: 200) ?? tool)
      if !isSidechain { noteDeed(deed) }
    case "TaskGet", "TaskList", "Skill", "ToolSearch", "EnterPlanMode", "TaskOutput",
      "SendUserFile":
      ingestOther(tool, input)
    default:
      ingestOther(tool, input)
      if !isSidechain { noteDeed(other(input)) }
    }
  }

  // MARK: Files

  private mutating func ingestEdit(_ tool: String, _ input: JSONValue) {
    guard let path = (input["file_path"] ?? input["notebook_path"])?.string else { return }
    note(tool, path)
    if isSidechain { return }
    // What stands far down in a whole file that was written says little about the work.
    var (removed, added) = ("", "")
    for part in [input] + (input["edits"]?.elements ?? []) {
      if let text = part["old_string"]?.string { removed += text.cut(to: 16_384) + "\n" }
      for text in [part["new_string"], part["content"], part["new_source"]] {
        if let text = text?.string { added += text.cut(to: 16_384) + "\n" }
      }
    }
    noteEdit(path, removed: removed, added: added, isWhole: tool == "Write")
  }

  private mutating func ingestSearch(_ input: JSONValue) {
    if isSidechain { return }
    let pattern = input["pattern"]?.string.map(clean) ?? ""
    var deed = Deed()
    deed.kind = .search
    deed.subject = pattern.cut(to: 200)
    deed.detail = input["path"]?.string.map { relative($0) } ?? ""
    if !deed.detail.utf8.contains(UInt8(ascii: ".")) { deed.detail = "" }
    noteDeed(deed)
    if let path = input["path"]?.string.flatMap({ TextScanner.path($0) }) {
      touch(path) { $0.mentions += 1 }
    }
    mention(
      paths: TextScanner.paths(in: pattern), names: TextScanner.names(in: pattern), weight: 2)
  }

  // MARK: The plan

  private mutating func ingestTodos(_ input: JSONValue) {
    guard let todos = input["todos"], todos.isArray else { return }
    replacePlan(todos.elements, text: "content")
  }

  /// Models also write `id` or `task_id` where the tool's schema says `taskId`.
  private mutating func updateTask(_ input: JSONValue, isCall: Bool = true) {
    guard let value = input["taskId"] ?? input["task_id"] ?? input["id"],
      let id = value.string ?? value.int.map(String.init)
    else { return }
    if input["status"]?.string.map(DroppedItem.isStatus) == true {
      let former = digest.tasks.filter { $0.id == id }
      if isCall { setPending { $0.formerTasks += former } }
      digest.tasks.removeAll { $0.id == id }
      return
    }
    guard let index = digest.tasks.firstIndex(where: { $0.id == id }) else { return }
    let former = digest.tasks[index]
    if isCall { setPending { $0.formerTasks.append(former) } }
    if let state = Self.state(input["status"]) { digest.tasks[index].state = state }
    guard let subject = input["subject"]?.string.map(clean), !subject.isEmpty else { return }
    // What the item says now is searchable as what it said first is.
    if subject != digest.tasks[index].text {
      add(
        .plan, actor: "agent", title: subject,
        body: input["description"]?.string.map(clean) ?? "")
    }
    digest.tasks[index].text = subject.cut(to: 300)
  }

  // MARK: Results

  mutating func ingestResult(_ block: JSONValue, details: JSONValue?) {
    if isSidechain {
      // The person may refuse a sub-agent's call, too. What it was about is not this session's.
      if block["is_error"]?.bool == true, let words = refusal(block["content"])?.words {
        add(.request, actor: "person", body: clean(words))
      }
      return
    }
    guard let id = block["tool_use_id"]?.string else { return }
    guard let index = digest.pending.lastIndex(where: { $0.id == id }) else {
      // What the person typed needs no call.
      ingestAnswers(block, details, to: nil)
      return
    }
    let call = digest.pending.remove(at: index)
    if call.isAbandoned, !isAbandoned {
      // It came late: the call was taken back, and what it brought with it.
      takeBack { $0.ingestResult(of: call, block, details) }
    } else {
      ingestResult(of: call, block, details)
    }
  }

  private mutating func ingestResult(
    of call: SessionDigest.PendingCall, _ block: JSONValue, _ details: JSONValue?
  ) {
    let isError = block["is_error"]?.bool ?? false
    let text = isError ? resultText(block["content"]) : ""
    let ending: CallEnding = isError ? howItEnded(text, block["content"]) : .succeeded
    settle(call, ending)
    var concluded = call
    if call.tool == "ExitPlanMode", let plan = editedPlan(block, details) {
      concluded.deeds = [.plan(clean(plan))]
    }
    conclude(
      concluded, ending, output: call.deeds.isEmpty ? "" : outputText(block["content"]),
      words: ending == .refused ? refusal(block["content"])?.words : nil)
    let isAnswer = ingestAnswers(block, details, to: call)
    if isError {
      // A refusal is the person's answer, not a failure.
      if !isAnswer, ending == .blocked || ending == .failed { ingestFailure(of: call, text) }
      return
    }
    ingestSuccess(of: call)
    switch call.tool {
    case "Grep", "Glob", "Bash":
      list(resultText(block["content"]))
    default:
      break
    }
    switch call.tool {
    case "TaskCreate":
      createTask(call, block, details)
    case "TaskList":
      resynchronise(details?["tasks"])
    case "TaskGet":
      if let task = details?["task"] { updateTask(task, isCall: false) }
    case "ExitPlanMode":
      ingestEditedPlan(block, details)
    case "Bash":
      if call.commits { ingestCommits(in: details?["stdout"]?.string ?? "") }
    case "Task", "Agent":
      // A sub-agent's report is prose about the code, as the agent's own words are.
      let report = clean(resultText(block["content"]))
      mention(paths: TextScanner.paths(in: report), names: [], weight: 0)
    default:
      break
    }
  }

  /// How a call ended whose result is an error: by what the host says of the line, else by its own
  /// words, which stand alone where nothing was run.
  private func howItEnded(_ text: String, _ content: JSONValue?) -> CallEnding {
    switch denialKind {
    case "": break
    case "user-rejected", "interrupted": return .refused
    case "cancelled": return .skipped
    default: return .blocked
    }
    func begins(_ heads: [String]) -> Bool { heads.contains { text.hasPrefix($0) } }
    if begins([Self.interruption]) || begins(Self.personsRefusals) { return .refused }
    if begins(Self.skips) { return .skipped }
    if begins(Self.blocks) { return .blocked }
    return wholeText(content).trimmed.hasSuffix(Self.interruption) ? .interrupted : .failed
  }

  private static let interruption = "[Request interrupted by user for tool use]"
  private static let personsRefusals = [
    "The user doesn't want to ", "User rejected ", "The user wants to clarify these questions.",
    "The agent proposed a plan that was rejected by the user.",
    "Permission for this tool use was denied. The tool use was rejected",
  ]
  private static let skips = [
    "<tool_use_error>Sibling tool call errored", "<tool_use_error>Cancelled: parallel tool call",
  ]
  /// What rules and hooks say, and the host where it cannot do what is asked.
  private static let blocks = [
    "<tool_use_error>", "Permission for this ", "Permission to use ", "PreToolUse:",
  ]

  /// The plan as the person changed it before approving it.
  private mutating func ingestEditedPlan(_ block: JSONValue, _ details: JSONValue?) {
    guard let plan = editedPlan(block, details) else { return }
    let words = clean(plan)
    add(.plan, actor: "agent", title: "As the person edited and approved it", body: words)
    mention(paths: TextScanner.paths(in: words), names: TextScanner.names(in: words), weight: 2)
  }

  /// Nil where the person changed nothing.
  private func editedPlan(_ block: JSONValue, _ details: JSONValue?) -> String? {
    let text = wholeText(block["content"])
    let heading = text[...].utf8Range(of: "\n## Approved Plan (edited by user):\n")
    guard heading != nil || details?["planWasEdited"]?.bool == true,
      let plan = details?["plan"]?.string
        ?? heading.map({ String(text[$0.upperBound...].trimmed) }),
      !plan.trimmed.isEmpty
    else { return nil }
    return plan
  }

  // MARK: The person's answers

  /// What the person typed instead of letting a tool run, or answered to the agent's questions.
  ///
  /// - Returns: False if there is no such word in the result.
  @discardableResult
  private mutating func ingestAnswers(
    _ block: JSONValue, _ details: JSONValue?, to call: SessionDigest.PendingCall?
  ) -> Bool {
    if block["is_error"]?.bool == true {
      guard let refusal = refusal(block["content"]) else { return false }
      if let asked = call?.asked, !asked.isEmpty {
        let answered = refusal.answers.map(\.question)
        digest.story.leaveOpen(asked.filter { !answered.contains($0.question) }, at: place)
      }
      if let words = refusal.words { ingestWords(words) }
      for answer in refusal.answers { ingestWords(answer.words, to: answer.question) }
      return true
    }
    let head = resultHead(block["content"])
    let isTold = Self.answerHeads.contains { head.hasPrefix($0) }
    guard call?.tool == "AskUserQuestion" || isTold else { return false }
    var answers = Self.answers(in: details)
    if answers.isEmpty { answers = Self.answers(in: wholeText(block["content"])) }
    let known = call?.asked ?? []
    digest.story.leaveOpen(
      known.filter { asked in !answers.contains { clean($0.question) == asked.question } },
      at: place)
    for answer in answers {
      ingestWords(
        answer.words, to: answer.question, known.first { $0.question == clean(answer.question) })
    }
    return !answers.isEmpty
  }

  private struct Refusal {
    /// What the person typed instead of letting a tool run: all of it, and none of what the host says
    /// around it. Nil for a mere no.
    var words: String?
    /// What was answered already to questions that the person wants to talk about first.
    var answers: [(question: String, words: String)] = []
  }

  /// Nil for what is no refusal of a person.
  private func refusal(_ content: JSONValue?) -> Refusal? {
    let head = resultHead(content)
    guard let opening = Self.refusalHeads.first(where: { head.hasPrefix($0) }) else { return nil }
    let text = wholeText(content)
    let leads = Self.refusalLeads.compactMap { text[...].utf8Range(of: $0) }
    guard let lead = leads.min(by: { $0.lowerBound < $1.lowerBound }) else {
      // A rule may refuse a sub-agent in the same words, but for the person's.
      return opening == Self.refusalHeads[0] ? Refusal() : nil
    }
    var words = text[lead.upperBound...]
    if let note = words.lastUTF8Range(of: Self.refusalNote),
      !words[note.upperBound...].utf8.contains(0x0A)
    {
      words = words[..<note.lowerBound]
    }
    words = words.trimmed
    if words.hasPrefix(Self.clarification) {
      return Refusal(answers: Self.answersBeforeClarification(words))
    }
    return Refusal(words: words.isEmpty ? nil : String(words))
  }

  private static let refusalHeads = [
    "The user doesn't want to proceed with this tool use.",
    "Permission for this tool use was denied. The tool use was rejected",
  ]
  /// Behind one of these the person speaks: the terminal's, a sub-agent's, and an editor's.
  private static let refusalLeads = [
    "the user said:\n", "The user said:\n",
    "The user provided the following reason for the rejection:",
  ]
  /// Advice to the agent, behind the person's words.
  private static let refusalNote =
    "\n\nNote: The user's next message may contain a correction or preference."
  private static let clarification = "The user wants to clarify these questions."

  /// `- "question"`, and below it `  Answer: …`, `  User notes: …` or `  (No answer provided)`.
  private static func answersBeforeClarification(
    _ text: Substring
  ) -> [(question: String, words: String)] {
    var found: [(question: String, words: String)] = []
    var isAnswer = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("- \""), line.hasSuffix("\"") {
        found.append((String(line.dropFirst(3).dropLast()), ""))
        isAnswer = false
      } else if found.isEmpty || line == "  (No answer provided)" {
        isAnswer = false
      } else if let name = ["  Answer: ", "  User notes: "].first(where: { line.hasPrefix($0) }) {
        let words = String(line.dropFirst(name.count))
        let known = found[found.count - 1].words
        found[found.count - 1].words = known.isEmpty ? words : known + "\n" + words
        isAnswer = true
      } else if isAnswer {
        found[found.count - 1].words += "\n" + String(line)
      }
    }
    return found.filter { !$0.words.trimmed.isEmpty }
  }

  private static let answerHeads = [
    "User has answered your questions:", "User has answered your question:",
    "Your questions have been answered:", "The user answered:",
  ]

  /// `toolUseResult.answers`, with the notes that the person wrote beside them, or instead.
  private static func answers(in details: JSONValue?) -> [(question: String, words: String)] {
    var found: [(question: String, words: String)] = []
    details?["answers"]?.forEachMember { name, value in
      guard let question = name.string else { return }
      let parts = value.isArray ? value.elements.compactMap(\.string) : [value.string ?? ""]
      found.append((question, parts.joined(separator: ", ")))
    }
    details?["annotations"]?.forEachMember { name, value in
      guard let question = name.string, let notes = value["notes"]?.string, !notes.trimmed.isEmpty
      else { return }
      guard let index = found.firstIndex(where: { $0.question == question }) else {
        found.append((question, notes))
        return
      }
      let words = found[index].words
      if words != notes { found[index].words = words.isEmpty ? notes : words + "\n" + notes }
    }
    return found.filter { !$0.words.trimmed.isEmpty }
  }

  private static let noOption = "(no option selected)"

  /// `"question"="answer", …`, where the details are not there.
  private static func answers(in text: String) -> [(question: String, words: String)] {
    guard let start = text[...].utf8Range(of: ": ") else { return [] }
    var rest = text[start.upperBound...]
    for advice in [". You can now continue", ". Read the answers carefully"] {
      if let end = rest.lastUTF8Range(of: advice) { rest = rest[..<end.lowerBound] }
    }
    var found: [(question: String, words: String)] = []
    var question: Substring?
    while let mark = answerMark(in: rest) {
      var before = rest[..<mark.lowerBound]
      if let asked = question {
        guard let gap = before.lastUTF8Range(of: ", \"") else { break }
        found.append((String(asked), words(ofAnswer: before[..<gap.lowerBound])))
        before = before[gap.upperBound...]
      } else if before.first == "\"" {
        before = before.dropFirst()
      }
      question = before
      rest = rest[mark.upperBound...]
    }
    if let question { found.append((String(question), words(ofAnswer: rest))) }
    return found.filter { !$0.words.trimmed.isEmpty }
  }

  /// The end of a question and the sign behind it.
  private static func answerMark(in text: Substring) -> Range<Substring.Index>? {
    let starts = ["\"=\"", "\"=" + noOption].compactMap { text.utf8Range(of: $0)?.lowerBound }
    guard let start = starts.min() else { return nil }
    return text[start...].utf8Range(of: "\"=")
  }

  /// What the person chose and wrote, of `"answer" selected preview: … user notes: words`.
  private static func words(ofAnswer text: Substring) -> String {
    var chosen = text
    var notes = ""
    for name in [" user notes: ", " notes: "] {
      guard notes.isEmpty, let place = chosen.lastUTF8Range(of: name) else { continue }
      let before = chosen[..<place.lowerBound]
      guard
        before.last == "\"" || before == noOption[...]
          || before.utf8Range(of: preview) != nil
      else { continue }
      notes = String(chosen[place.upperBound...])
      chosen = before
    }
    if let place = chosen.utf8Range(of: preview) {
      chosen = chosen[..<place.lowerBound]
    } else if chosen.last == "\"", chosen.utf8.count > 1 {
      chosen = chosen.dropLast()
    }
    if chosen == noOption[...] { return notes }
    if chosen.first == "\"" { chosen = chosen.dropFirst() }
    return notes.isEmpty || chosen == notes[...] ? String(chosen) : String(chosen) + "\n" + notes
  }

  private static let preview = "\" selected preview:"

  private func wholeText(_ content: JSONValue?) -> String {
    content?.string
      ?? content?.elements.compactMap { $0["text"]?.string }.joined(separator: "\n") ?? ""
  }

  /// The beginning and the end of what a call gave back, where it is long.
  private func outputText(_ content: JSONValue?) -> String {
    guard let content else { return "" }
    if content.isString {
      return content.string(head: CommandOutput.headBytes, tail: CommandOutput.tailBytes)
    }
    return content.elements.compactMap {
      $0["text"]?.string(head: CommandOutput.headBytes * 4, tail: CommandOutput.tailBytes)
    }.joined(separator: "\n")
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

  private mutating func createTask(
    _ call: SessionDigest.PendingCall, _ block: JSONValue, _ details: JSONValue?
  ) {
    let task = details?["task"]
    let told = task?["id"].flatMap { $0.string ?? $0.int.map(String.init) }
    guard let id = told ?? Self.taskNumber(in: resultHead(block["content"])),
      let subject = task?["subject"]?.string.map(clean) ?? call.subject
    else { return }
    digest.tasks.removeAll { $0.id == id }
    digest.tasks.append(.init(id: id, text: subject.cut(to: 300), state: .pending))
    if digest.tasks.count > 200 {
      digest.tasks.removeAll { $0.state == .completed }
      digest.tasks = Array(digest.tasks.suffix(200))
    }
  }

  /// `Task #7 created successfully: …`, where the details are not there.
  private static func taskNumber(in head: String) -> String? {
    guard head.hasPrefix("Task #") else { return nil }
    let number = head.dropFirst("Task #".count).prefix { $0.isASCII && $0.isNumber }
    return number.isEmpty ? nil : String(number)
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
