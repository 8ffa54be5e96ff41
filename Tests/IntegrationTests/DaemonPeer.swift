import Foundation
import Testing

/// A daemon, as its own process, in a workplace.
final class DaemonPeer {
  let workplace: Workplace
  private(set) var process = Process()
  private let arguments: [String]
  /// What it said at its start.
  private(set) var greeting = ""

  init(_ workplace: Workplace, _ arguments: String...) throws {
    self.workplace = workplace
    self.arguments = ["serve"] + arguments
    try start()
  }

  deinit { kill() }

  var pid: pid_t { process.processIdentifier }

  func start() throws {
    process = Process()
    process.executableURL = URL(fileURLWithPath: MemorydProcess.executable)
    process.arguments = arguments
    process.environment = workplace.environment
    process.currentDirectoryURL = URL(fileURLWithPath: workplace.path)
    process.standardInput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let wanted = arguments.contains("--http") ? 2 : 1
    var text = Data()
    while text.count(where: { $0 == 0x0A }) < wanted {
      let more = output.fileHandleForReading.availableData
      if more.isEmpty { throw VaultPeer.Failure("the daemon did not start") }
      text += more
    }
    greeting = String(decoding: text, as: UTF8.self)
  }

  func kill() {
    guard process.isRunning else { return }
    Foundation.kill(pid, SIGKILL)
    process.waitUntilExit()
  }

  /// - Returns: The exit code, and how long it took.
  func stop() -> (status: Int32, time: Duration) {
    let start = ContinuousClock.now
    Foundation.kill(pid, SIGTERM)
    process.waitUntilExit()
    return (process.terminationStatus, .now - start)
  }

  /// What it tells of itself.
  func facts() throws -> [String: Any] {
    try #require(try workplace.run("status", "--json").json()["daemon"] as? [String: Any])
  }

  // MARK: Over HTTP

  func url() throws -> String { try #require(try facts()["http_url"] as? String) }

  func token() throws -> String {
    try String(contentsOfFile: workplace.home + "/http-token", encoding: .utf8)
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// What its store has, as the stand-in tells of its own.
  func state() throws -> VaultPeer.State {
    let quiet = ["MEMORYD_NO_DAEMON": "1"]
    var tasks = try workplace.run("task", "list", "--status", "all", "--json", environment: quiet)
      .items()
    for index in tasks.indices {
      let id = tasks[index]["id"] as? String ?? ""
      // Each change is a request of its own: one that was made twice would be there twice.
      let requests =
        Int(try workplace.sqlite("SELECT count(*) FROM requests WHERE item_id = '\(id)'")) ?? 0
      tasks[index]["writes"] = (1..<max(1, requests)).flatMap { _ in
        [["action": "done"], ["action": "update"]]
      }
    }
    let decisions = try workplace.run("decision", "list", "--json", environment: quiet).items()
    let checkpoints = try workplace.run("checkpoint", "list", "--json", environment: quiet).items()
      .map { ["trigger_signals": "\"\($0["objective"] as? String ?? "")\""] }
    return VaultPeer.State(tasks: tasks, decisions: decisions, checkpoints: checkpoints)
  }
}
