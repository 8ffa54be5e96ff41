import MemoryStore
import Syntax

// Tool calls, which come with their results.
extension GeminiTranscript {
  mutating func ingestCall(_ call: JSONValue, of message: String) {
    guard let tool = call["name"]?.string, let ending = Self.ending(of: call) else { return }
    let id = call["id"]?.string ?? "\(tool):\(line)"
    if let index = digest.gemini.rows.lastIndex(where: { $0.id == message }) {
      guard !digest.gemini.rows[index].calls.contains(id) else { return }
      digest.gemini.rows[index].calls.append(id)
    }
    begin("\(message):\(id)")
    nextCall(id: id, tool: tool)
    ingestArguments(tool, call["args"], id: id)
    guard let pending = digest.pending.last, pending.id == id, !isSidechain else { return }
    digest.pending.removeLast()
    ingestResult(of: pending, call, ending)
  }

  /// Nil while the call has not come to its end: the message comes again with what it came to.
  private static func ending(of call: JSONValue) -> CallEnding? {
    guard let status = call["status"]?.string else { return .ended }
    switch status {
    case "success": return .succeeded
    case "error": return .failed
    case "cancelled":
      let reason = output(of: call)
      return refusals.contains { reason[...].utf8Range(of: $0) != nil } ? .refused : .interrupted
    default: return nil
    }
  }

  private static let refusals = ["User denied", "User did not allow", "User rejected"]

  private mutating func ingestArguments(_ tool: String, _ input: JSONValue?, id: String) {
    guard let input else { return }
    let path = (input["file_path"] ?? input["absolute_path"] ?? input["path"])?.string
    switch tool {
    case "read_file":
      guard let path, !isSidechain else { return }
      let key = touch(path) { $0.reads += 1 }
      setPending { $0.path = key }
      var deed = Deed()
      deed.kind = .read
      deed.subject = key
      if let first = input["start_line"]?.int {
        deed.detail = input["end_line"]?.int.map { " (lines \(first)–\($0))" } ?? ""
      }
      noteDeed(deed)
    case "write_file", "replace", "edit":
      guard let path else { return }
      note(tool, path)
      if isSidechain { return }
      func text(_ value: JSONValue?) -> String { value?.string(limit: 16_384) ?? "" }
      noteEdit(
        path, removed: text(input["old_string"]),
        added: text(input["new_string"] ?? input["content"]), isWhole: tool == "write_file")
    case "run_shell_command":
      guard let command = input["command"]?.string.map(clean) else { return }
      note(tool, command, title: input["description"]?.string.map(clean) ?? "")
      if !isSidechain { ingestCommand(command, id: id) }
    case "grep_search", "search_file_content", "glob":
      if !isSidechain { ingestSearch(input) }
    case "write_todos":
      if !isSidechain, let todos = input["todos"], todos.isArray {
        replacePlan(todos.elements, text: "description")
      }
    case "update_topic":
      // The host shows it to the person as the agent's words.
      if let summary = input["summary"]?.string { ingestReply(summary) }
    case "ask_user":
      ingestOther(tool, input)
      let known = input["questions"]?.elements.prefix(8).map(asked) ?? []
      setPending { $0.asked = known }
    default:
      ingestOther(tool, input)
      if isSidechain { return }
      var deed = other(input)
      if Self.agents.contains(tool) { deed.kind = .agent }
      noteDeed(deed)
    }
  }

  private static let agents = ["codebase_investigator", "delegate_to_agent", "generalist"]

  private mutating func ingestSearch(_ input: JSONValue) {
    let pattern = input["pattern"]?.string.map(clean) ?? ""
    var deed = Deed()
    deed.kind = .search
    deed.subject = pattern.cut(to: 200)
    let place = (input["dir_path"] ?? input["path"])?.string.map { relative($0) } ?? ""
    deed.detail = place.utf8.contains(UInt8(ascii: ".")) ? place : ""
    noteDeed(deed)
    mention(
      paths: TextScanner.paths(in: pattern), names: TextScanner.names(in: pattern), weight: 2)
  }

  // MARK: Results

  private mutating func ingestResult(
    of call: SessionDigest.PendingCall, _ object: JSONValue, _ told: CallEnding
  ) {
    var output = Self.output(of: object)
    var ending = told
    if call.tool == "run_shell_command" {
      let shell = GeminiShellOutput(output)
      output = shell.text
      if told == .succeeded { ending = shell.ending }
    }
    settle(call, ending)
    conclude(call, ending, output: call.deeds.isEmpty ? "" : output)
    if call.tool == "ask_user" { ingestAnswers(output, to: call, ending) }
    if ending == .failed || ending == .blocked {
      ingestFailure(of: call, output)
      return
    }
    guard ending == .succeeded else { return }
    ingestSuccess(of: call)
    switch call.tool {
    case "grep_search", "search_file_content", "glob", "list_directory", "run_shell_command":
      list(clean(String(output.prefix(8192))))
    default: break
    }
    if call.commits { ingestCommits(in: output) }
    if Self.agents.contains(call.tool) {
      mention(paths: TextScanner.paths(in: clean(output)), names: [], weight: 0)
    }
  }

  /// What the model was given back: text, or an error.
  private static func output(of call: JSONValue) -> String {
    var texts: [String] = []
    for part in call["result"]?.elements ?? [] {
      let response = part["functionResponse"]?["response"]
      if let text = (response?["output"] ?? response?["error"] ?? part["text"])?.string {
        texts.append(text)
      }
    }
    if texts.isEmpty, let shown = call["resultDisplay"]?.string { texts.append(shown) }
    return texts.joined(separator: "\n")
  }

  /// `{"answers": {"0": "text"}}`, by the number of the question.
  private mutating func ingestAnswers(
    _ output: String, to call: SessionDigest.PendingCall, _ ending: CallEnding
  ) {
    var answers: [(number: Int, words: String)] = []
    if ending == .succeeded {
      Array(output.utf8).withUnsafeBufferPointer { bytes in
        guard (try? tape.parse(bytes)) != nil else { return }
        tape.root(bytes)["answers"]?.forEachMember { name, value in
          guard let number = name.string.flatMap({ Int($0) }), let words = value.string else {
            return
          }
          answers.append((number, words))
        }
      }
    }
    let open = call.asked.indices.filter { index in !answers.contains { $0.number == index } }
    digest.story.leaveOpen(open.map { call.asked[$0] }, at: place)
    for answer in answers.sorted(by: { $0.number < $1.number })
    where call.asked.indices.contains(answer.number) {
      let asked = call.asked[answer.number]
      ingestWords(answer.words, to: asked.question, asked)
    }
  }
}

/// What a shell command printed, taken out of the report that the model is given.
struct GeminiShellOutput {
  private(set) var text: String
  /// How it ended, where the host says that the call succeeded: that the command did is not said so.
  private(set) var ending = CallEnding.succeeded

  init(_ report: String) {
    var lines = report.split(separator: "\n", omittingEmptySubsequences: false)
    // The host's own lines stand at the end, each once, in this order; one more is the program's.
    func value(_ head: String) -> Substring? {
      guard let last = lines.last, last.hasPrefix(head) else { return nil }
      lines.removeLast()
      return last.dropFirst(head.utf8.count)
    }
    _ = value("Process Group PGID: ")
    _ = value("Background PIDs: ")
    let signal = value("Signal: ")
    let code = value("Exit Code: ")
    if let code, Int(code) != 0 { ending = Int(code) == nil ? .ended : .failed }
    if let signal, signal != "0", signal != "(none)" { ending = .failed }
    if report.hasPrefix("Command was automatically cancelled") { ending = .interrupted }
    if report.hasPrefix("Command moved to background") { ending = .ended }
    if lines.last == "Error: (none)" { lines.removeLast() }
    if let first = lines.firstIndex(where: { $0.hasPrefix(Self.output) }),
      first == 0 || lines[0].hasPrefix("Command: ")
    {
      lines.removeFirst(first)
      lines[0] = lines[0].dropFirst(Self.output.count)
      if lines[0] == "(empty)" { lines.removeFirst() }
    }
    text = lines.joined(separator: "\n")
  }

  private static let output = "Output: "
}
