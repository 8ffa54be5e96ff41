// Tool calls and their results.
extension CodexTranscript {
  mutating func takeFunctionCall(_ item: JSONValue) {
    guard let name = item["name"]?.string else { return }
    let id = item["call_id"]?.string
    withJSON(item["arguments"]?.string ?? "") { transcript, input in
      switch name {
      case "update_plan":
        transcript.nextCall(id: id, tool: name)
        transcript.takePlan(input)
      case "write_stdin":
        transcript.nextCall(id: id, tool: name)
        transcript.takeInput(input)
      case "apply_patch":
        transcript.nextCall(id: id, tool: name)
        transcript.takePatch((input["input"] ?? input["patch"])?.string ?? "")
      default:
        if let command = input["cmd"] ?? input["command"] {
          transcript.takeShell(name, command, id: id)
        } else {
          transcript.nextCall(id: id, tool: name)
          transcript.takeOther(name, input)
          if name == Self.question {
            let asked = input["questions"]?.elements ?? []
            let texts = asked.map { $0["question"]?.string ?? "" }
            let ids = asked.map { $0["id"]?.string ?? "" }
            transcript.setPending {
              $0.questions = texts.map { $0.cut(to: 2000) }
              $0.questionIDs = ids
            }
          }
        }
      }
    }
  }

  mutating func takeCustomCall(_ item: JSONValue) {
    guard let name = item["name"]?.string, let input = item["input"]?.string else { return }
    nextCall(id: item["call_id"]?.string, tool: name)
    if name == "apply_patch" {
      takePatch(input)
      return
    }
    let text = clean(input)
    note(name, text.cut(to: 2000))
    if isSidechain { return }
    // `exec` takes a script that calls the other tools.
    takeCommand(Self.commands(inScript: text).joined(separator: "\n"), id: item["call_id"]?.string)
    noteEdits(Self.patches(in: input.replacing("\\n", with: "\n")))
  }

  mutating func takeWebSearch(_ action: JSONValue?) {
    nextCall(id: nil, tool: "web_search")
    if let text = (action?["query"] ?? action?["url"])?.string { note("web_search", clean(text)) }
  }

  /// Hands over JSON that stands in a string; what cannot be read is passed over.
  private mutating func withJSON(
    _ text: String, _ body: (inout CodexTranscript, JSONValue) -> Void
  ) {
    Array(text.utf8).withUnsafeBufferPointer { bytes in
      guard (try? tape.parse(bytes)) != nil else { return }
      body(&self, tape.root(bytes))
    }
  }

  // MARK: Commands

  /// - Parameter command: A line, or a program with its arguments.
  mutating func takeShell(_ tool: String, _ command: JSONValue?, id: String?) {
    nextCall(id: id, tool: tool)
    guard let command else { return }
    var line = command.string ?? ""
    if command.isArray {
      let words = command.elements.compactMap(\.string)
      let isShell = words.count == 3 && words[0].hasSuffix("sh") && words[1].hasPrefix("-")
      line = isShell ? words[2] : words.joined(separator: " ")
    }
    let text = clean(line)
    note(tool, text)
    if isSidechain { return }
    takeCommand(text, id: id)
    if text.hasBytes("*** Begin Patch") { noteEdits(Self.patches(in: text)) }
  }

  /// What goes to a command that is still running; its outcome comes with this call's output.
  private mutating func takeInput(_ input: JSONValue) {
    if let text = input["chars"]?.string.map(clean), !text.trimmed.isEmpty {
      note("write_stdin", text)
    }
    guard let number = input["session_id"]?.int,
      let index = digest.pending.lastIndex(where: { $0.id == Self.running(String(number)) })
    else { return }
    let call = digest.pending.remove(at: index)
    setPending {
      $0.tool = call.tool
      $0.commands = call.commands
      $0.commits = call.commits
    }
  }

  private static func running(_ number: some StringProtocol) -> String { "running \(number)" }

  /// The command lines of `exec_command({cmd: "…"})` in a script.
  static func commands(inScript script: String) -> [String] {
    var found: [String] = []
    var rest = script[...]
    while found.count < 20, let key = rest.utf8Range(of: "cmd") {
      rest = rest[key.upperBound...]
      var value = rest.drop { "\"' ".contains($0) }
      guard value.first == ":" else { continue }
      value = value.dropFirst().trimmed
      guard let quote = value.first, "\"'`".contains(quote) else { continue }
      var text = ""
      var isEscaped = false
      for character in value.dropFirst() {
        if isEscaped {
          text.append(character == "n" ? "\n" : character)
          isEscaped = false
        } else if character == "\\" {
          isEscaped = true
        } else if character == quote {
          found.append(text)
          break
        } else {
          text.append(character)
        }
      }
    }
    return found
  }

  // MARK: Files

  private mutating func takePatch(_ patch: String) {
    let edits = Self.patches(in: patch)
    note("apply_patch", clean(edits.map(\.path).joined(separator: "\n")))
    if !isSidechain { noteEdits(edits) }
  }

  private mutating func noteEdits(_ edits: [(path: String, code: String)]) {
    for edit in edits.prefix(200) { noteEdit(edit.path, code: edit.code) }
  }

  /// The files of a patch, each with the lines that were taken out and put in.
  static func patches(in text: String) -> [(path: String, code: String)] {
    let headers = ["*** Update File: ", "*** Add File: ", "*** Delete File: ", "*** Move to: "]
    var edits: [(path: String, code: String)] = []
    for line in text.split(separator: "\n") {
      if line.utf8.first == UInt8(ascii: "*") {
        if let header = headers.first(where: { line.hasPrefix($0) }) {
          edits.append((String(line.dropFirst(header.count).trimmed), ""))
        }
      } else if let sign = line.utf8.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"),
        let last = edits.indices.last, edits[last].code.utf8.count < 16_384
      {
        edits[last].code += line.dropFirst()
        edits[last].code += "\n"
      }
    }
    return edits
  }

  // MARK: The plan

  private mutating func takePlan(_ input: JSONValue) {
    guard let plan = input["plan"], plan.isArray else { return }
    let explanation = input["explanation"]?.string.map(clean) ?? ""
    let steps = plan.elements.prefix(200).compactMap { item in
      item["step"]?.string.map { "- \(clean($0)) (\(item["status"]?.string ?? "pending"))" }
    }
    add(
      "plan", actor: "agent",
      body: ([explanation] + steps).filter { !$0.isEmpty }.joined(separator: "\n"))
    if isSidechain { return }
    replacePlan(plan.elements, text: "step")
    mention(
      paths: TextScanner.paths(in: explanation), names: TextScanner.names(in: explanation),
      weight: 1)
  }

  // MARK: Results

  private struct Output {
    /// Nil where it is not said.
    var exitCode: Int?
    /// The number under which the command still runs.
    var running: String?
    var text: String
  }

  mutating func takeOutput(_ item: JSONValue) {
    guard !isSidechain, let id = item["call_id"]?.string,
      let index = digest.pending.lastIndex(where: { $0.id == id })
    else { return }
    let call = digest.pending.remove(at: index)
    if call.isAbandoned, !isAbandoned {
      takeBack { $0.takeOutput(item, of: call) }
    } else {
      takeOutput(item, of: call)
    }
  }

  private mutating func takeOutput(_ item: JSONValue, of known: SessionDigest.PendingCall) {
    var call = known
    if call.tool == Self.question {
      takeAnswers(item["output"], to: call)
      return
    }
    let output = output(item["output"])
    if let running = output.running {
      call.id = Self.running(running)
      digest.pending.append(call)
      return
    }
    if Self.isRefused(output) {
      settle(call, .refused)
      return
    }
    if let exitCode = output.exitCode {
      settle(call, exitCode == 0 ? .succeeded : exitCode < 0 ? .blocked : .failed)
      // A search that finds nothing ends with 1.
      if exitCode != 0, exitCode != 1 || !call.commands.isEmpty || call.tool == "apply_patch" {
        takeFailure(of: call, output.text)
        return
      }
    }
    takeSuccess(of: call)
    if call.tool == "update_plan" {
      settle(call, .succeeded)
      return
    }
    list(output.text.cut(to: 8192))
    if call.commits { takeCommits(in: output.text) }
  }

  /// The tool with which the agent asks the person.
  private static let question = "request_user_input"

  /// `{"answers": {id: {"answers": [text]}}}`.
  private mutating func takeAnswers(_ output: JSONValue?, to call: SessionDigest.PendingCall) {
    var found: [(question: String, words: String)] = []
    withJSON(output?.string ?? "") { _, object in
      object["answers"]?.forEachMember { name, value in
        let words = value["answers"]?.elements.compactMap(\.string) ?? []
        guard !words.isEmpty else { return }
        // Each to its own question: a yes to another one is the contrary of what was said.
        let index = name.string.flatMap { call.questionIDs.firstIndex(of: $0) }
        let question =
          index.flatMap { call.questions.indices.contains($0) ? call.questions[$0] : nil }
        found.append(
          (question ?? call.questions.joined(separator: "\n"), words.joined(separator: "\n")))
      }
    }
    for answer in found { takeWords(answer.words, to: answer.question) }
  }

  private mutating func output(_ value: JSONValue?) -> Output {
    guard let value else { return Output(text: "") }
    var text = value.string(limit: 65_536)
    // Newer ones are lists of texts and pictures.
    if value.isArray {
      text = value.elements.compactMap { $0["text"]?.string }.joined(separator: "\n")
    }
    if text.hasPrefix("{\"") {
      var result: Output?
      withJSON(value.string ?? "") { _, object in
        guard let code = object["metadata"]?["exit_code"]?.int else { return }
        result = Output(exitCode: code, text: object["output"]?.string(limit: 65_536) ?? "")
      }
      if let result { return result }
    }
    if Self.refusals.contains(where: { text.hasPrefix($0) }) {
      return Output(exitCode: -1, text: text)
    }
    var output = Output(text: text)
    guard Self.heads.contains(where: { text.hasPrefix($0) }) else { return output }
    // A few lines of facts stand in front of what the command wrote.
    var rest = text[...]
    while let end = rest.utf8.firstIndex(of: 0x0A) {
      let line = rest[..<end]
      rest = rest[rest.utf8.index(after: end)...]
      if line == "Output:" {
        output.text = String(rest)
        break
      }
      if let words = Self.exits.first(where: { line.hasPrefix($0) }) {
        output.exitCode = Int(line.dropFirst(words.count).trimmed)
      } else if line.hasPrefix(Self.runs) {
        output.running = String(line.dropFirst(Self.runs.count).trimmed)
      }
    }
    return output
  }

  /// A person said no: that is an answer, not a failure. The harness says it alone, or behind the
  /// command, which may have many lines.
  private static func isRefused(_ output: Output) -> Bool {
    let text = output.text.trimmed
    switch output.exitCode {
    case nil: return !text.utf8.contains(0x0A) && text.hasSuffix("rejected by user")
    case -1: return text.split(separator: "\n").last?.utf8Range(of: "rejected by user") != nil
    default: return false
    }
  }

  private static let heads = ["Chunk ID: ", "Command: ", "Exit code: ", "Wall time: ", "Process "]
  private static let exits = ["Process exited with code ", "Exit code: "]
  private static let runs = "Process running with session ID "
  private static let refusals = [
    "exec_command failed", "apply_patch verification failed", "failed to parse function arguments",
  ]
}
