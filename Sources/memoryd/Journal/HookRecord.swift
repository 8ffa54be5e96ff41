import Syntax

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What a hook leaves in the journal: what its host said, and how the world stood at that moment.
///
/// Everything else is derived from it later, as of this moment. In the journal it is JSON; fields that
/// are not known are passed over, so that another version's records can be read.
package struct HookRecord: Sendable, Equatable {
  /// A file as it was when the hook ran.
  package struct Transcript: Sendable, Equatable {
    package var device: UInt64
    package var inode: UInt64
    /// Bytes.
    package var length: Int64

    package init(device: UInt64, inode: UInt64, length: Int64) {
      self.device = device
      self.inode = inode
      self.length = length
    }
  }

  /// What it was called with. Its texts are redacted and cut.
  package var input: HookInput
  /// True for the command that ends a session; the other takes a checkpoint, whatever the event.
  package var endsSession: Bool
  /// Unique; whoever takes the record in a second time finds its first result by it.
  package var requestID: String
  /// Unix time in ms.
  package var at: Int64
  /// The folder that the hook ran in.
  package var cwd: String
  /// Nil where there was no such file.
  package var transcript: Transcript?
  /// As the files of `.git` say; nil where they do not, or the head is on no branch.
  package var branch: String?
  package var head: String?
  /// Of the mounts that the hook saw, the namespace's inode; 0 where the system has no such thing.
  package var mounts: UInt64 = 0
  /// Variables that say something of the session: ``carried``.
  package var environment: [Variable] = []
  /// From the hook's start until it appended the record.
  package var microseconds: Int64 = 0

  package struct Variable: Sendable, Equatable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// Whether somebody sits at the session, and where its agent keeps its files.
  package static let carried: [StaticString] = [
    "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CONFIG_DIR", "CODEX_HOME",
  ]

  /// Of each text, bytes; the end is kept.
  package static let longestText = 64 << 10

  /// - Parameters:
  ///   - input: As the host gave it.
  ///   - endsSession: As ``endsSession``.
  ///   - redacted: Gives a text without secrets.
  ///   - variable: Gives a variable of the hook's environment.
  package init(
    _ input: HookInput, endsSession: Bool, requestID: String, at: Int64, cwd: String,
    redacted: (String) -> String, variable: (StaticString) -> String?
  ) {
    self.input = input
    self.endsSession = endsSession
    self.requestID = requestID
    self.at = at
    self.cwd = cwd
    func clean(_ text: String?) -> String? {
      text.map { Self.end(of: redacted($0)) }
    }
    for name in Self.carried {
      if let value = variable(name) { environment.append(Variable(name.description, value)) }
    }
    self.input.compactSummary = clean(input.compactSummary)
    self.input.lastMessage = clean(input.lastMessage)
    self.input.instructions = clean(input.instructions)
  }

  /// The end of a text, from the beginning of a character on.
  private static func end(of text: String) -> String {
    let bytes = text.utf8
    guard bytes.count > longestText else { return text }
    var rest = bytes.suffix(longestText)
    while let first = rest.first, first & 0xC0 == 0x80 { rest = rest.dropFirst() }
    return String(Substring(rest))
  }

  /// The file that tells what happened; a sub-agent's own where it has one.
  package var transcriptPath: String? {
    input.isSubagent ? input.agentTranscriptPath ?? input.transcriptPath : input.transcriptPath
  }

  /// Notes the repository at the session's folder, and what this process sees.
  mutating func lookAround() {
    let folder = input.cwd.flatMap { $0.hasPrefix("/") ? $0 : nil } ?? cwd
    let head = HookMoment.head(at: folder)
    (branch, self.head) = (head.branch, head.commit)
    mounts = HookMoment.mounts
  }

  // MARK: JSON

  /// A text as a JSON string.
  package static func quoted(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    JSONObjectBytes.quote(text, &bytes)
    return bytes
  }

  package var encoded: [UInt8] {
    var json = JSONObjectBytes()
    json.add("id", requestID)
    json.add("at", at)
    json.add("event", input.event)
    if endsSession { json.add("ends", 1) }
    json.add("session", input.sessionID)
    json.add("transcript", input.transcriptPath)
    json.add("cwd", input.cwd)
    json.add("source", input.source)
    json.add("trigger", input.trigger)
    json.add("reason", input.reason)
    json.add("summary", input.compactSummary)
    json.add("words", input.lastMessage)
    json.add("instructions", input.instructions)
    json.add("agent_transcript", input.agentTranscriptPath)
    json.add("agent", input.agent)
    if input.isSubagent { json.add("subagent", 1) }
    if input.isRepaired { json.add("repaired", 1) }
    json.add("folder", cwd)
    if let transcript {
      json.add("device", String(transcript.device))
      json.add("inode", String(transcript.inode))
      json.add("length", transcript.length)
    }
    json.add("branch", branch)
    json.add("head", head)
    if mounts != 0 { json.add("mounts", String(mounts)) }
    json.add("took", microseconds)
    for variable in environment { json.add(variable.name, variable.value) }
    return json.bytes
  }

  /// - Returns: Nil for what is no record.
  package init?(encoded bytes: [UInt8]) {
    let tape = JSONTape()
    let record = bytes.withUnsafeBufferPointer { text -> HookRecord? in
      guard (try? tape.parse(text)) != nil else { return nil }
      return HookRecord(tape.root(text))
    }
    guard let record else { return nil }
    self = record
  }

  /// Unix ms of the years 1970 to 9999.
  private static let times: ClosedRange<Int64> = 0...253_402_300_799_999

  private init?(_ json: JSONValue) {
    guard let requestID = json["id"]?.string, !requestID.isEmpty,
      let event = json["event"]?.string, !event.isEmpty,
      let at = json["at"]?.int, Self.times.contains(Int64(at)),
      let cwd = json["folder"]?.string
    else { return nil }
    self.requestID = requestID
    endsSession = json["ends"] != nil
    self.at = Int64(at)
    self.cwd = cwd
    input = HookInput(
      event: event, sessionID: json["session"]?.string,
      transcriptPath: json["transcript"]?.string, cwd: json["cwd"]?.string,
      source: json["source"]?.string, trigger: json["trigger"]?.string,
      reason: json["reason"]?.string, compactSummary: json["summary"]?.string,
      lastMessage: json["words"]?.string, instructions: json["instructions"]?.string,
      isSubagent: json["subagent"] != nil,
      agentTranscriptPath: json["agent_transcript"]?.string, agent: json["agent"]?.string,
      isRepaired: json["repaired"] != nil)
    if let device = json["device"]?.string.flatMap({ UInt64($0) }),
      let inode = json["inode"]?.string.flatMap({ UInt64($0) }), let length = json["length"]?.int,
      length >= 0
    {
      transcript = Transcript(device: device, inode: inode, length: Int64(length))
    }
    branch = json["branch"]?.string
    head = json["head"]?.string
    mounts = json["mounts"]?.string.flatMap { UInt64($0) } ?? 0
    microseconds = Int64(json["took"]?.int ?? 0)
    for name in Self.carried {
      if let value = json[name]?.string { environment.append(Variable(name.description, value)) }
    }
  }
}

/// An object that is written field by field.
private struct JSONObjectBytes {
  private var fields: [UInt8] = [UInt8(ascii: "{")]

  var bytes: [UInt8] { fields + [UInt8(ascii: "}")] }

  mutating func add(_ name: String, _ text: String?) {
    guard let text else { return }
    key(name)
    Self.quote(text, &fields)
  }

  mutating func add(_ name: String, _ number: Int64) {
    key(name)
    fields += String(number).utf8
  }

  private mutating func key(_ name: String) {
    if fields.count > 1 { fields.append(UInt8(ascii: ",")) }
    Self.quote(name, &fields)
    fields.append(UInt8(ascii: ":"))
  }

  static func quote(_ text: String, _ fields: inout [UInt8]) {
    let digits = Array("0123456789abcdef".utf8)
    fields.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        fields.append(UInt8(ascii: "\\"))
        fields.append(byte)
      case 0..<0x20:
        fields += "\\u00".utf8
        fields.append(digits[Int(byte >> 4)])
        fields.append(digits[Int(byte & 15)])
      default:
        fields.append(byte)
      }
    }
    fields.append(UInt8(ascii: "\""))
  }
}
