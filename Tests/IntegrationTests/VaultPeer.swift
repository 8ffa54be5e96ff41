import Foundation
import Testing

/// The stand-in for vault-mcp (`Tests/Vault`), on the official Python MCP SDK, as its own process.
final class VaultPeer {
  static let token = "tok-5f0c9d1e7a3b42d68c1f-vault"

  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
  static let python = root + "/.build/vault-env/bin/python"
  private static let script = root + "/Tests/Vault/vault.py"

  let url: String
  let port: Int
  private let controlPort: Int
  /// Its standard input and output.
  private let connection: Int32

  /// A memoryd that answers behind the stand-in's faults; nil where the stand-in answers itself.
  private let memoryd: DaemonPeer?

  convenience init(_ arguments: String..., token: String = VaultPeer.token) throws {
    try self.init(arguments, token: token, memoryd: nil)
  }

  /// Another memoryd as the vault, with the stand-in as a proxy that can misbehave.
  convenience init(memoryd: DaemonPeer) throws {
    try self.init(
      ["--upstream", try memoryd.url(), "--upstream-token", try memoryd.token()],
      token: Self.token, memoryd: memoryd)
  }

  private init(_ arguments: [String], token: String, memoryd: DaemonPeer?) throws {
    self.memoryd = memoryd
    guard FileManager.default.isExecutableFile(atPath: Self.python) else {
      throw Failure("the test vault is not set up: run scripts/vault-env.sh (make test does)")
    }
    let connection = try Forge.shared.get().connect()
    var isThere = false
    defer { if !isThere { close(connection) } }
    let words = (token.isEmpty ? [] : ["--token", token]) + arguments
    let handle = FileHandle(fileDescriptor: connection, closeOnDealloc: false)
    try handle.write(contentsOf: JSONSerialization.data(withJSONObject: words) + Data("\n".utf8))
    let facts = try #require(
      try JSONSerialization.jsonObject(with: Self.line(of: handle)) as? [String: Any])
    url = try #require(facts["url"] as? String)
    port = try #require(facts["port"] as? Int)
    controlPort = try #require(facts["control_port"] as? Int)
    self.connection = connection
    isThere = true
  }

  deinit {
    shutdown(connection, Int32(SHUT_WR))
    // Until it is gone.
    _ = try? FileHandle(fileDescriptor: connection, closeOnDealloc: false).readToEnd()
    close(connection)
  }

  private static func line(of handle: FileHandle) throws -> Data {
    var line = Data()
    while !line.contains(0x0A) {
      let more = handle.availableData
      if more.isEmpty { throw Failure("the test vault did not start") }
      line += more
    }
    return line
  }

  /// The process that forks a vault for each test. It ends with this one.
  private final class Forge: Sendable {
    static let shared = Result { try Forge() }

    private let path = NSTemporaryDirectory() + "memoryd-vaults-\(getpid())"
    private let input = Pipe()

    private init() throws {
      unlink(path)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: VaultPeer.python)
      process.arguments = [VaultPeer.script, "--fork-server", path]
      process.standardInput = input
      process.standardError = FileHandle.nullDevice
      let output = Pipe()
      process.standardOutput = output
      try process.run()
      _ = try VaultPeer.line(of: output.fileHandleForReading)
    }

    func connect() throws -> Int32 {
      let descriptor = socket(
        AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
        close(descriptor)
        throw Failure("TMPDIR is too long for a socket: \(path)")
      }
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
      let connected = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      guard connected == 0 else {
        close(descriptor)
        throw Failure("the test vaults do not start")
      }
      return descriptor
    }
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  static func makeCertificate(in folder: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = [script, "--make-certificate", folder]
    try process.run()
    process.waitUntilExit()
  }

  // MARK: Its control port

  @discardableResult
  private func control(_ method: String, _ path: String, _ body: [String: Any] = [:]) throws -> Any
  {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(controlPort).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw Failure("the test vault's control port is gone") }
    let data = try JSONSerialization.data(withJSONObject: body)
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
    try handle.write(
      contentsOf: Data("\(method) \(path) HTTP/1.1\r\ncontent-length: \(data.count)\r\n\r\n".utf8)
        + data)
    shutdown(descriptor, Int32(SHUT_WR))
    let answer = try handle.readToEnd() ?? Data()
    guard let end = answer.range(of: Data("\r\n\r\n".utf8)),
      answer.starts(with: "HTTP/1.1 200".utf8)
    else {
      throw Failure("the test vault refuses \(path): \(String(decoding: answer, as: UTF8.self))")
    }
    return try JSONSerialization.jsonObject(with: answer[end.upperBound...])
  }

  /// - Parameters:
  ///   - match: `kind` (`read`, `write`), `tool`, `action`, `rpc`; nil takes every request.
  ///   - count: How many requests; nil until it is changed.
  func break_(
    _ fault: String, match: [String: String]? = nil, count: Int? = nil, _ more: [String: Any] = [:]
  ) throws {
    var body: [String: Any] = ["name": fault]
    body["match"] = match
    body["count"] = count
    try control("POST", "/fault", body.merging(more) { $1 })
  }

  func heal() throws { try control("POST", "/fault") }

  func flap(seed: Int, _ weights: [String: Double], meanRequests: Int) throws {
    try control(
      "POST", "/flap", ["seed": seed, "weights": weights, "mean_requests": meanRequests])
  }

  func set(_ options: [String: Any]) throws { try control("POST", "/options", options) }
  func seed(_ state: [String: Any]) throws { try control("POST", "/state", state) }
  func clearLog() throws { try control("POST", "/log/clear") }

  struct State {
    var tasks: [[String: Any]]
    var decisions: [[String: Any]]
    var checkpoints: [[String: Any]]

    func tasks(titled title: String) -> [[String: Any]] {
      tasks.filter { $0["title"] as? String == title }
    }

    /// The applied calls on a task, by action.
    static func writes(_ task: [String: Any], _ action: String) -> Int {
      (task["writes"] as? [[String: Any]] ?? []).filter { $0["action"] as? String == action }.count
    }
  }

  func state() throws -> State {
    if let memoryd { return try memoryd.state() }
    let all = try #require(try control("GET", "/state") as? [String: [[String: Any]]])
    return State(
      tasks: all["tasks"] ?? [], decisions: all["decisions"] ?? [],
      checkpoints: all["checkpoints"] ?? [])
  }

  func log() throws -> [[String: Any]] {
    try #require(try control("GET", "/log") as? [[String: Any]])
  }

  func stolen() throws -> [[String: Any]] {
    try #require(try control("GET", "/stolen") as? [[String: Any]])
  }
}

extension Workplace {
  /// - Parameters: ms.
  func use(_ vault: VaultPeer, timeout: Int = 700, lag: Int = 300, token: String = VaultPeer.token)
  {
    environment["MEMORYD_VAULT_URL"] = vault.url
    environment["MEMORYD_VAULT_TOKEN"] = token
    environment["MEMORYD_VAULT_TIMEOUT_MS"] = "\(timeout)"
    environment["MEMORYD_VAULT_READ_LAG_MS"] = "\(lag)"
  }

  var fallback: String { path + "/fallback" }

  func fallbackText(_ name: String) -> String {
    (try? String(contentsOfFile: fallback + "/" + name, encoding: .utf8)) ?? ""
  }

  /// Syncs until nothing waits any more for the vault, whatever waits for a person.
  func syncAll(within seconds: Double = 30) throws {
    let end = Date() + seconds
    while true {
      let result = try run("sync", "--json")
      if result.status == 0 { return }
      let reply = try result.json()
      if reply["mode"] as? String == "normal", reply["pending"] as? Int == 0,
        reply["unfinished_entries"] as? Int == 0
      {
        return
      }
      try #require(result.status == 75, "\(result.errorOutput)")
      try #require(Date() < end, "still waiting: \(result.output)")
      usleep(100_000)
    }
  }

  /// Runs canaries, each of which may run out of time on a busy machine, until one has done it.
  func runCanary(until isDone: () throws -> Bool) throws {
    let end = Date() + 60
    repeat { try run("canary") } while try !isDone() && Date() < end
    #expect(try isDone())
  }

  /// Rows in a state, as `outbox list` tells.
  func outbox(_ state: String) throws -> [[String: Any]] {
    try run("outbox", "list", "--state", state, "--json").items()
  }
}
