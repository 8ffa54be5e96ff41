import CommandLineInterface
import Continuity
import Core
import Foundation
import IPC
import Journal
import Synchronization
import TestSupport
import Testing

/// The real executable, run as hosts and people run it.
struct MemorydProcess {
  /// Beside the test bundle, whatever the build folder is called.
  static let executable: String = {
    let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    var folder = bundle.deletingLastPathComponent()
    while folder.path != "/" {
      let candidate = folder.appendingPathComponent("memoryd").path
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: candidate, isDirectory: &isFolder),
        !isFolder.boolValue
      {
        return candidate
      }
      folder = folder.deletingLastPathComponent()
    }
    return "memoryd"
  }()

  struct Result: Sendable {
    var output: String
    var errorOutput: String
    var status: Int32

    /// The one JSON document on standard output.
    func json() throws -> [String: Any] {
      let object = try JSONSerialization.jsonObject(with: Data(output.utf8))
      return try #require(object as? [String: Any])
    }

    func items() throws -> [[String: Any]] {
      try #require(try json()["items"] as? [[String: Any]])
    }
  }

  let process = Process()
  private let output = Pipe()
  private let errorOutput = Pipe()

  init(
    _ arguments: [String], input: Data?, environment: [String: String], cwd: String
  ) throws {
    process.executableURL = URL(fileURLWithPath: Self.executable)
    process.arguments = arguments
    process.environment = environment
    process.currentDirectoryURL = URL(fileURLWithPath: cwd)
    process.standardOutput = output
    process.standardError = errorOutput
    if let input {
      // A file, as a pipe that nobody reads would stop the writer.
      let path = NSTemporaryDirectory() + "memoryd-input-" + UUID().uuidString
      try input.write(to: URL(fileURLWithPath: path))
      process.standardInput = FileHandle(forReadingAtPath: path)
      unlink(path)
    } else {
      process.standardInput = FileHandle.nullDevice
    }
    try process.run()
  }

  func finish() -> Result {
    let out = output.fileHandleForReading.readDataToEndOfFile()
    let err = errorOutput.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Result(
      output: String(decoding: out, as: UTF8.self),
      errorOutput: String(decoding: err, as: UTF8.self), status: process.terminationStatus)
  }
}

/// A home, a repository and a transcript of their own, gone with the test.
final class Workplace {
  let path: String
  var environment: [String: String]
  /// True where each command is to be a process of its own.
  private let isOwnProcess: Bool

  init(isOwnProcess: Bool = false) throws {
    self.isOwnProcess = isOwnProcess
    let folder = NSTemporaryDirectory() + "memoryd-it-" + UUID().uuidString
    try FileManager.default.createDirectory(
      atPath: folder + "/repo", withIntermediateDirectories: true)
    path = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
    environment = [
      "PATH": Self.searchPath,
      "HOME": path, "MEMORYD_HOME": path + "/home", "MEMORYD_FALLBACK_DIR": path + "/fallback",
    ]
  }

  /// `MEMORYD_TEST_GIT` is the path of another git, which memoryd finds first.
  static let git = ProcessInfo.processInfo.environment["MEMORYD_TEST_GIT"] ?? "git"

  private static let searchPath: String = {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return git.hasPrefix("/") ? (git as NSString).deletingLastPathComponent + ":" + path : path
  }()

  deinit {
    chmod(path + "/home", 0o700)
    try? FileManager.default.removeItem(atPath: path)
  }

  var repository: String { path + "/repo" }
  var home: String { path + "/home" }
  var transcript: String { path + "/transcript.jsonl" }

  /// Carries out a command line, as a function where that says as much as a process would.
  @discardableResult
  func run(
    _ arguments: String..., input: String? = nil, environment more: [String: String] = [:]
  ) throws -> MemorydProcess.Result {
    try run(arguments, input: input.map { Data($0.utf8) }, environment: more)
  }

  @discardableResult
  func run(
    _ arguments: [String], input: Data? = nil, environment more: [String: String] = [:]
  ) throws -> MemorydProcess.Result {
    let environment = environment.merging(more) { $1 }
    guard !isOwnProcess, mayRunHere(arguments, environment) else {
      return try start(arguments, input: input, environment: more).finish()
    }
    return call(arguments, input: input, environment)
  }

  /// False where a process would do something else: the front asks a daemon, talks line by line, or
  /// logs to its own error output.
  private func mayRunHere(_ arguments: [String], _ environment: [String: String]) -> Bool {
    guard let verb = arguments.first, !verb.hasPrefix("-"),
      !["help", "mcp", "serve"].contains(verb),
      arguments.allSatisfy({ !["--help", "-h", "--batch"].contains($0) }),
      environment["MEMORYD_LOG_LEVEL"] == nil, environment["LD_PRELOAD"] == nil
    else { return false }
    let socket = Relay.socketPath(variable: { environment[$0] }, cwd: { repository })
    return environment["MEMORYD_NO_DAEMON"] != nil || !Relay.mayRelay(arguments)
      || socket.map { !FileManager.default.fileExists(atPath: $0) } ?? true
  }

  private func call(
    _ arguments: [String], input: Data?, _ environment: [String: String]
  ) -> MemorydProcess.Result {
    var environment = environment
    let bytes = Array(input ?? Data())
    let isFirst = Flag()
    var written: [UInt8] = []
    let announced = Lines()
    var invocation = Invocation(
      arguments: arguments,
      input: StandardInput(
        isTerminal: false, read: { _ in bytes }, readPiece: { isFirst.take() ? bytes : [] }),
      cwd: repository, environment: [:],
      requestID: RequestID(environment.removeValue(forKey: "MEMORYD_REQUEST_ID")) ?? .unique(),
      announce: { announced.add($0) },
      stream: {
        written += $0
        return true
      })
    invocation.environment = environment
    let outcome = Engine.run(invocation)
    return MemorydProcess.Result(
      output: announced.text + String(decoding: written, as: UTF8.self) + outcome.output,
      errorOutput: outcome.errorOutput, status: outcome.exitCode.rawValue)
  }

  func start(
    _ arguments: [String], input: Data? = nil, environment more: [String: String] = [:]
  ) throws -> MemorydProcess {
    try MemorydProcess(
      arguments, input: input, environment: environment.merging(more) { $1 }, cwd: repository)
  }

  /// How many hooks wait in the journal.
  var waitingHooks: Int { Journal(home: home).count(upTo: 10_000) }

  /// A hook's JSON as Claude Code sends it.
  func hook(_ event: String, _ more: [String: Any] = [:]) -> String {
    var fields: [String: Any] = [
      "session_id": "session-1", "transcript_path": transcript, "cwd": repository,
      "hook_event_name": event,
    ]
    fields.merge(more) { $1 }
    let data = try? JSONSerialization.data(withJSONObject: fields)
    return String(decoding: data ?? Data(), as: UTF8.self)
  }

  func write(_ text: String, to name: String) throws {
    let folder = (path + "/" + name as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try text.write(toFile: path + "/" + name, atomically: false, encoding: .utf8)
  }

  func append(_ text: String) throws {
    if !FileManager.default.fileExists(atPath: transcript) { try write("", to: "transcript.jsonl") }
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: transcript))
    defer { try? handle.close() }
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(text.utf8))
  }

  /// The SQLite shell's answer: a second opinion on the file.
  func sqlite(_ sql: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["sqlite3", "-cmd", ".timeout 5000", home + "/memory.db", sql]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "sqlite3 \(sql)")
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Another process holds the store's write lock until the returned closure is called.
  func holdLock() throws -> () -> Void {
    let holder = Process()
    holder.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    holder.arguments = ["sqlite3", home + "/memory.db"]
    let input = Pipe()
    let output = Pipe()
    holder.standardInput = input
    holder.standardOutput = output
    try holder.run()
    input.fileHandleForWriting.write(Data("BEGIN IMMEDIATE; SELECT 'held';\n".utf8))
    _ = output.fileHandleForReading.availableData
    return {
      input.fileHandleForWriting.write(Data("ROLLBACK;\n.quit\n".utf8))
      holder.waitUntilExit()
    }
  }

  func git(_ arguments: String...) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      [Self.git, "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", repository]
      + arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
  }

  /// What SessionStart gives the model.
  func context(
    _ source: String, session: String = "session-1", environment: [String: String] = [:]
  ) throws -> String {
    let result = try run(
      "canary", input: hook("SessionStart", ["source": source, "session_id": session]),
      environment: environment)
    #expect(result.status == 0)
    let specific = try #require(
      try result.json()["hookSpecificOutput"] as? [String: Any])
    #expect(specific["hookEventName"] as? String == "SessionStart")
    return try #require(specific["additionalContext"] as? String)
  }
}

/// Transcript lines as Claude Code writes them.
enum Line {
  static func json(_ fields: [String: Any]) -> String {
    var fields = fields
    fields["uuid"] = fields["uuid"] ?? UUID().uuidString
    fields["timestamp"] = fields["timestamp"] ?? "2026-01-14T15:18:07.297Z"
    fields["sessionId"] = "session-1"
    let data = try? JSONSerialization.data(withJSONObject: fields, options: .withoutEscapingSlashes)
    return String(decoding: data ?? Data(), as: UTF8.self) + "\n"
  }

  static func request(_ text: String) -> String {
    json(["type": "user", "message": ["role": "user", "content": text]])
  }

  static func call(_ tool: String, _ input: [String: Any], id: String = UUID().uuidString)
    -> String
  {
    json([
      "type": "assistant",
      "message": ["content": [["type": "tool_use", "id": id, "name": tool, "input": input]]],
    ])
  }

  static func result(id: String, _ text: String, isError: Bool = false) -> String {
    json([
      "type": "user",
      "message": [
        "role": "user",
        "content": [
          ["type": "tool_result", "tool_use_id": id, "is_error": isError, "content": text]
        ],
      ],
    ])
  }

  static func reply(_ text: String) -> String {
    json(["type": "assistant", "message": ["content": [["type": "text", "text": text]]]])
  }

  static func boundary() -> String {
    json([
      "type": "system", "subtype": "compact_boundary",
      "compactMetadata": ["trigger": "auto", "preTokens": 9],
    ])
  }

  static func summary(_ text: String) -> String {
    json([
      "type": "user", "isCompactSummary": true, "isVisibleInTranscriptOnly": true,
      "message": ["role": "user", "content": text],
    ])
  }
}

// What a session shows.
extension Workplace {
  func entries(_ session: String = "session-1") throws -> [[String: Any]] {
    try run("session", "show", session, "--count", "100", "--json").json()["entries"]
      as? [[String: Any]] ?? []
  }

  func bodies(_ session: String = "session-1", kind: String? = nil) throws -> [String] {
    try entries(session).filter { kind == nil || $0["kind"] as? String == kind }
      .compactMap { $0["body"] as? String }
  }
}

extension Line {
  static func person(
    _ text: String, _ id: String, on parent: String?, session: String = "session-1"
  )
    -> String
  {
    let above = parent.map { "\"\($0)\"" } ?? "null"
    return """
      {"parentUuid":\(above),"type":"user","uuid":"\(id)","sessionId":"\(session)","cwd":"/r",\
      "timestamp":"2026-01-14T15:00:00Z","message":{"role":"user","content":"\(text)"}}

      """
  }
}

/// Lines as Codex writes them.
enum Rollout {
  static func meta(_ id: String, _ more: String = "", at time: String) -> String {
    """
    {"timestamp":"\(time)","type":"session_meta","payload":{"id":"\(id)","cwd":"/r"\(more)}}

    """
  }

  static func said(_ text: String, at time: String, total: Int) -> String {
    """
    {"timestamp":"\(time)","type":"response_item","payload":{"type":"message","role":"user",\
    "content":[{"type":"input_text","text":"\(text)"}]}}
    {"timestamp":"\(time)","type":"event_msg","payload":{"type":"token_count","info":\
    {"total_token_usage":{"input_tokens":\(total)},"last_token_usage":{"input_tokens":\(total)}}}}

    """
  }
}

/// What a command says before it ends.
final class Lines: Sendable {
  private let all = Mutex("")

  var text: String { all.withLock(\.self) }

  func add(_ text: String) { all.withLock { $0 += text } }
}

/// True once.
final class Flag: Sendable {
  private let isTaken = Atomic(false)

  func take() -> Bool { !isTaken.exchange(true, ordering: .relaxed) }
}
