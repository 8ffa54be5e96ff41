import MemoryStore
import Syntax

// Tool calls and their results.
extension CodexTranscript {
  mutating func ingestFunctionCall(_ item: JSONValue) {
    guard let name = item["name"]?.string else { return }
    let id = item["call_id"]?.string
    withJSON(item["arguments"]?.string ?? "") { transcript, input in
      switch name {
      case "update_plan":
        transcript.nextCall(id: id, tool: name)
        transcript.ingestPlan(input)
      case "write_stdin":
        transcript.nextCall(id: id, tool: name)
        transcript.ingestInput(input, key: "session_id")
      case "wait":
        transcript.nextCall(id: id, tool: name)
        transcript.ingestInput(input, key: "cell_id")
      case "apply_patch":
        transcript.nextCall(id: id, tool: name)
        transcript.ingestPatch((input["input"] ?? input["patch"])?.string ?? "")
      default:
        if let command = input["cmd"] ?? input["command"] {
          transcript.ingestShell(name, command, id: id)
        } else {
          transcript.nextCall(id: id, tool: name)
          transcript.ingestOther(name, input)
          if !transcript.isSidechain, name != Self.question {
            transcript.noteDeed(transcript.other(input))
          }
          if name == Self.question {
            let asked = input["questions"]?.elements ?? []
            let texts = asked.map { $0["question"]?.string ?? "" }
            let ids = asked.map { $0["id"]?.string ?? "" }
            transcript.setPending {
              $0.questions = texts.map { $0.cut(to: 2000) }
              $0.questionIDs = ids
            }
            let known = asked.prefix(8).map { transcript.asked($0) }
            transcript.setPending { $0.asked = known }
          }
        }
      }
    }
  }

  mutating func ingestCustomCall(_ item: JSONValue) {
    guard let name = item["name"]?.string, let input = item["input"]?.string else { return }
    nextCall(id: item["call_id"]?.string, tool: name)
    if name == "apply_patch" {
      ingestPatch(input)
      return
    }
    let text = clean(input)
    note(name, text.cut(to: 2000))
    if isSidechain { return }
    if let call = text[...].utf8Range(of: "write_stdin("),
      let number = Self.sessionNumber(in: text[call.upperBound...])
    {
      resume(number)
    }
    // `exec` takes a script that calls the other tools.
    let commands = Self.commands(inScript: text)
    if !commands.isEmpty {
      ingestCommand(commands.joined(separator: "\n"), id: item["call_id"]?.string)
    }
    if text.hasBytes("*** Begin Patch") {
      noteEdits(
        Self.patches(in: input.replacing("\\n", with: "\n").replacing("\\\"", with: "\"")))
    }
    let steps = Self.plan(inScript: text)
    if !steps.isEmpty { replacePlan(steps) }
  }

  mutating func ingestWebSearch(_ action: JSONValue?) {
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
  mutating func ingestShell(_ tool: String, _ command: JSONValue?, id: String?) {
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
    ingestCommand(text, id: id)
    if text.hasBytes("*** Begin Patch") { noteEdits(Self.patches(in: text)) }
  }

  /// What goes to a command that is still running; its outcome comes with this call's output.
  private mutating func ingestInput(_ input: JSONValue, key: StaticString) {
    if let text = input["chars"]?.string.map(clean), !text.trimmed.isEmpty {
      note("write_stdin", text)
    }
    if let number = input[key].flatMap({ $0.string ?? $0.int.map(String.init) }) { resume(number) }
  }

  /// What this call brings is the outcome of the one that runs under that number.
  private mutating func resume(_ number: String) {
    guard let index = digest.pending.lastIndex(where: { $0.id == Self.running(number) })
    else { return }
    let call = digest.pending.remove(at: index)
    setPending {
      $0.tool = call.tool
      $0.commands = call.commands
      $0.commits = call.commits
      $0.deeds = call.deeds
    }
  }

  /// The number behind the first `session_id`, however it is written.
  private static func sessionNumber(in text: Substring) -> String? {
    for name in ["session_id", "SESSION_ID"] {
      guard let key = text.utf8Range(of: name) else { continue }
      let digits = text[key.upperBound...].prefix(40).drop { "\"'\\:= ".contains($0) }
        .prefix { $0.isASCII && $0.isNumber }
      if !digits.isEmpty { return String(digits) }
    }
    return nil
  }

  private static func running(_ number: some StringProtocol) -> String { "running \(number)" }

  /// The command lines of `exec_command({cmd: "…"})` in a script.
  package static func commands(inScript script: String) -> [String] {
    var found: [String] = []
    var rest = script[...]
    while found.count < 20, let text = value(of: "cmd", in: &rest) {
      if let text { found.append(text) }
    }
    return found
  }

  /// The steps of `update_plan({plan: [{step: "…", status: "…"}]})` in a script.
  package static func plan(inScript script: String) -> [SessionDigest.PlanItem] {
    guard let call = script[...].utf8Range(of: "update_plan(") else { return [] }
    var rest = script[call.upperBound...]
    var found: [SessionDigest.PlanItem] = []
    while found.count < 100, let step = value(of: "step", in: &rest) {
      guard let step else { continue }
      let next = rest.utf8Range(of: "step")?.lowerBound ?? rest.endIndex
      var own = rest[..<next]
      let state = (value(of: "status", in: &own) ?? nil) ?? ""
      if DroppedItem.isStatus(state) { continue }
      found.append(
        .init(
          id: nil, text: step.oneLine.cut(to: 300),
          state: SessionDigest.PlanItem.State(rawValue: state) ?? .pending))
    }
    return found
  }

  /// The string behind the next `name:`; what stands up to its end is taken off.
  ///
  /// - Returns: Nil if the name does not come again; a nil within if what comes is no such string.
  private static func value(of name: String, in rest: inout Substring) -> String?? {
    guard let key = rest.utf8Range(of: name) else { return nil }
    rest = rest[key.upperBound...]
    var value = rest.drop { "\"' ".contains($0) }
    guard value.first == ":" else { return .some(nil) }
    value = value.dropFirst().trimmed
    guard let quote = value.first, "\"'`".contains(quote) else { return .some(nil) }
    var text = ""
    var isEscaped = false
    for (offset, character) in value.dropFirst().enumerated() {
      if isEscaped {
        text.append(character == "n" ? "\n" : character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character == quote {
        rest = value.dropFirst(offset + 2)
        return text
      } else {
        text.append(character)
      }
    }
    return .some(nil)
  }

  // MARK: Files

  private mutating func ingestPatch(_ patch: String) {
    let edits = Self.patches(in: patch)
    note("apply_patch", clean(edits.map(\.path).joined(separator: "\n")))
    if !isSidechain { noteEdits(edits) }
  }

  private mutating func noteEdits(_ edits: [PatchedFile]) {
    for edit in edits.prefix(200) {
      noteEdit(edit.path, removed: edit.removed, added: edit.added)
    }
  }

  struct PatchedFile: Equatable {
    var path: String
    var removed = ""
    var added = ""
  }

  /// The files of a patch, each with the lines that were taken out and put in.
  static func patches(in text: String) -> [PatchedFile] {
    let headers = ["*** Update File: ", "*** Add File: ", "*** Delete File: ", "*** Move to: "]
    var edits: [PatchedFile] = []
    for line in text.split(separator: "\n") {
      if line.utf8.first == UInt8(ascii: "*") {
        if let header = headers.first(where: { line.hasPrefix($0) }) {
          edits.append(PatchedFile(path: String(line.dropFirst(header.count).trimmed)))
        }
      } else if let sign = line.utf8.first, let last = edits.indices.last,
        edits[last].removed.utf8.count + edits[last].added.utf8.count < 16_384
      {
        if sign == UInt8(ascii: "+") { edits[last].added += line.dropFirst() + "\n" }
        if sign == UInt8(ascii: "-") { edits[last].removed += line.dropFirst() + "\n" }
      }
    }
    return edits
  }

  // MARK: The plan

  private mutating func ingestPlan(_ input: JSONValue) {
    guard let plan = input["plan"], plan.isArray else { return }
    let explanation = input["explanation"]?.string.map(clean) ?? ""
    let steps = plan.elements.prefix(200).compactMap { item in
      item["step"]?.string.map { "- \(clean($0)) (\(item["status"]?.string ?? "pending"))" }
    }
    add(
      .plan, actor: "agent",
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

  mutating func ingestOutput(_ item: JSONValue) {
    guard !isSidechain, let id = item["call_id"]?.string,
      let index = digest.pending.lastIndex(where: { $0.id == id })
    else { return }
    let call = digest.pending.remove(at: index)
    if call.isAbandoned, !isAbandoned {
      takeBack { $0.ingestOutput(item, of: call) }
    } else {
      ingestOutput(item, of: call)
    }
  }

  private mutating func ingestOutput(_ item: JSONValue, of known: SessionDigest.PendingCall) {
    var call = known
    if call.tool == Self.question {
      ingestAnswers(item["output"], to: call)
      return
    }
    var output = output(item["output"])
    // A script says so in its own words, behind what the command wrote so far.
    if call.tool == Self.script, output.exitCode == nil, output.running == nil,
      !call.commands.isEmpty || !call.deeds.isEmpty
    {
      output.running = output.text.trimmed.split(separator: "\n").last.flatMap {
        $0.utf8.count < 60 ? Self.sessionNumber(in: $0) : nil
      }
    }
    if let running = output.running {
      call.id = Self.running(running)
      digest.pending.append(call)
      return
    }
    if Self.isRefused(output) {
      settle(call, .refused)
      conclude(call, .refused, output: "")
      return
    }
    let ending: CallEnding =
      switch output.exitCode {
      case nil: .ended
      case 0: .succeeded
      case .some(..<0): .blocked
      default: .failed
      }
    if output.exitCode != nil { settle(call, ending) }
    conclude(call, ending, output: output.text)
    if let exitCode = output.exitCode {
      // A search that finds nothing ends with 1.
      if exitCode != 0, exitCode != 1 || !call.commands.isEmpty || call.tool == "apply_patch" {
        ingestFailure(of: call, output.text)
        return
      }
    }
    ingestSuccess(of: call)
    if call.tool == "update_plan" {
      settle(call, .succeeded)
      return
    }
    list(output.text.cut(to: 8192))
    if call.commits { ingestCommits(in: output.text) }
  }

  /// The tool that takes a script.
  private static let script = "exec"
  /// The tool with which the agent asks the person.
  private static let question = "request_user_input"

  /// `{"answers": {id: {"answers": [text]}}}`.
  private mutating func ingestAnswers(_ output: JSONValue?, to call: SessionDigest.PendingCall) {
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
    let known = call.asked
    digest.story.leaveOpen(
      known.filter { asked in !found.contains { clean($0.question) == asked.question } },
      at: place)
    for answer in found {
      ingestWords(
        answer.words, to: answer.question, known.first { $0.question == clean(answer.question) })
    }
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
      } else if let words = Self.runs.first(where: { line.hasPrefix($0) }) {
        output.running = String(line.dropFirst(words.count).trimmed)
      } else if line.hasPrefix("Script failed") {
        output.exitCode = 2
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

  private static let heads = [
    "Chunk ID: ", "Command: ", "Exit code: ", "Wall time: ", "Process ", "Script ",
  ]
  private static let exits = ["Process exited with code ", "Exit code: "]
  private static let runs = ["Process running with session ID ", "Script running with cell ID "]
  private static let refusals = [
    "exec_command failed", "apply_patch verification failed", "failed to parse function arguments",
  ]
}
