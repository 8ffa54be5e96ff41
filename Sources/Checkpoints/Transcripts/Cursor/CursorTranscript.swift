public import Core
public import MemoryStore
public import Redaction
public import Syntax

/// Takes a transcript of Cursor's agent into a digest and searchable entries.
///
/// Its lines are `{role, message: {content}}`: they have no times, no ids, no token counts and no
/// results of calls, so nothing is said of how a call ended. Source of the format: reference
/// "agent-clis", section 5b.
public struct CursorTranscript: TranscriptGatherer {
  public var digest: SessionDigest
  public internal(set) var entries: [EntryDraft] = []
  public internal(set) var usage: [UsageRow] = []

  package let redactor: Redactor
  var usageIndex: [String: Int] = [:]
  package var line = 0
  package var at: Int64 = 0
  public var fileTime: Int64 = 0
  public var fileID: SessionID?
  var isSidechain: Bool { false }
  package var isAbandoned = false
  var firstUntimed: Int?
  private var sourceNumber = 0

  /// - Parameter digest: Of the lines before, for the same file.
  public init(digest: SessionDigest = SessionDigest(), redactor: Redactor) {
    self.digest = digest
    self.digest.agent = TranscriptFormat.cursor.rawValue
    self.digest.edition = SessionDigest.currentEdition
    at = digest.lineAt
    self.redactor = redactor
  }

  /// No line names the session; the file's name does.
  public var sessionID: SessionID? { digest.sessionIDs.first ?? fileID }

  public mutating func ingest(_ object: JSONValue, line: Int) {
    self.line = line
    ingestInPlace(object, line: line)
  }

  mutating func ingestLine(_ object: JSONValue) {
    if let fileID { noteSession(fileID) }
    // What is read now was written by now, and after what was read before.
    if at == 0, fileTime > 0 { at = fileTime }
    sourceNumber = 0
    guard let role = object["role"], let content = object["message"]?["content"] else { return }
    let texts =
      content.string.map { [$0] }
      ?? content.elements.compactMap {
        $0["type"]?.equals("text") == true ? $0["text"]?.string : nil
      }
    if role.equals("user") {
      let words = texts.compactMap(Self.words)
      if !words.isEmpty { ingestWords(words.joined(separator: "\n\n")) }
    } else if role.equals("assistant") {
      for text in texts { ingestReply(text) }
      for block in content.elements where block["type"]?.equals("tool_use") == true {
        ingestCall(block)
      }
    }
  }

  var lineID: String? { sessionID.map { "\($0):\(line)" } }

  mutating func nextSourceID() -> String? {
    guard let lineID else { return nil }
    defer { sourceNumber += 1 }
    return sourceNumber == 0 ? lineID : "\(lineID)#\(sourceNumber)"
  }

  /// What the person typed stands in a tag of the host's; what stands beside it is the host's.
  private static func words(_ text: String) -> String? {
    guard let start = text[...].lastUTF8Range(of: "<user_query>"),
      let end = text[start.upperBound...].lastUTF8Range(of: "</user_query>")
    else { return text.trimmed.hasPrefix("<") ? nil : text }
    let words = text[start.upperBound..<end.lowerBound].trimmed
    return words.isEmpty ? nil : String(words)
  }

  private mutating func ingestCall(_ block: JSONValue) {
    guard let tool = block["name"]?.string, let input = block["input"] else { return }
    let id = "\(line):\(digest.toolCalls)"
    nextCall(id: id, tool: tool)
    ingestArguments(tool, input, id: id)
    // How it ended is never said.
    let call = digest.pending.removeLast()
    settle(call, .ended)
    conclude(call, .ended, output: "")
  }

  private mutating func ingestArguments(_ tool: String, _ input: JSONValue, id: String) {
    let path = (input["path"] ?? input["file_path"] ?? input["target_file"])?.string
    switch tool {
    case "Shell", "Bash", "run_terminal_cmd":
      guard let command = input["command"]?.string.map(clean) else { return }
      note(tool, command, title: input["description"]?.string.map(clean) ?? "")
      ingestCommand(command, id: id)
    case "Read", "read_file":
      if let path { touch(path) { $0.reads += 1 } }
    case "Write", "StrReplace", "Edit", "edit_file", "search_replace":
      guard let path else { return }
      note(tool, path)
      func text(_ value: JSONValue?) -> String { value?.string(limit: 16_384) ?? "" }
      noteEdit(
        path, removed: text(input["old_string"]),
        added: text(input["new_string"] ?? input["contents"] ?? input["content"]),
        isWhole: tool == "Write")
    case "TodoWrite", "todo_write":
      if let todos = input["todos"], todos.isArray { replacePlan(todos.elements, text: "content") }
    default: ingestOther(tool, input)
    }
  }
}
