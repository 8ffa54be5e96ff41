import Core
import Foundation
import TestSupport
import Testing

/// Every fault of the vault against every operation: nothing lost, nothing doubled, the right
/// reason, in time.
@Suite(.blocking) struct VaultMatrixTests {
  struct Fault: Sendable, CustomTestStringConvertible {
    var name: String
    /// What the canary says of it; nil if it is no fault for a client that does it right.
    var reason: String?
    /// Where a fault of the handshake would mean another thing.
    var isOfCalls = false
    /// Ms of `vault.timeout_ms`.
    var timeout = 5000
    var options: [String: Double] = [:]
    /// The vault says that it will never take the arguments.
    var refuses = false

    var testDescription: String { name }
  }

  /// One of each reason, and those that carry the call out all the same; `make test-all` takes all.
  static let faults: [Fault] = {
    if TestScale.isWhole { return allFaults }
    let chosen = [
      "refused", "apply_then_drop", "apply_then_silence", "401", "429", "redirect", "html_502",
      "login_page", "cut_json", "apply_then_gzip", "rpc_error", "validation", "ping_first",
    ]
    return allFaults.filter { chosen.contains($0.name) }
  }()

  private static let allFaults: [Fault] = [
    .init(name: "refused", reason: "unreachable"),
    .init(name: "drop", reason: "unreachable"),
    .init(name: "apply_then_drop", reason: "unreachable"),
    .init(name: "apply_then_reset", reason: "unreachable"),
    .init(name: "apply_late", reason: "unreachable", options: ["seconds": 0.2]),
    .init(name: "black_hole", reason: "timeout", timeout: 700),
    .init(name: "slow", reason: "timeout", timeout: 700, options: ["seconds": 1.5]),
    .init(name: "slow_body", reason: "timeout", timeout: 700),
    .init(name: "endless_sse", reason: "timeout", timeout: 700),
    .init(name: "apply_then_silence", reason: "timeout", timeout: 700),
    .init(name: "401", reason: "unauthorized"),
    .init(name: "403", reason: "unauthorized"),
    .init(name: "429", reason: "rate_limited", options: ["retry_after": 1]),
    .init(name: "redirect", reason: "redirect"),
    .init(name: "500", reason: "server_error"),
    .init(name: "503", reason: "server_error", options: ["retry_after": 1]),
    .init(name: "html_502", reason: "server_error"),
    .init(name: "apply_then_502", reason: "server_error"),
    .init(name: "404", reason: "not_mcp"),
    .init(name: "login_page", reason: "not_mcp"),
    .init(name: "empty", reason: "not_mcp"),
    .init(name: "empty_202", reason: "not_mcp"),
    .init(name: "wrong_type", reason: "not_mcp"),
    .init(name: "not_jsonrpc", reason: "not_mcp"),
    .init(name: "malformed_json", reason: "protocol"),
    .init(name: "cut_json", reason: "protocol"),
    .init(name: "truncated_json", reason: "protocol"),
    .init(name: "truncated_sse", reason: "protocol"),
    .init(name: "wrong_id", reason: "protocol"),
    .init(name: "apply_then_broken", reason: "protocol"),
    .init(name: "apply_then_gzip", reason: "protocol"),
    .init(name: "huge", reason: "protocol", timeout: 10_000),
    .init(name: "huge_sse", reason: "protocol", timeout: 10_000),
    .init(name: "is_error", reason: "tool_error", isOfCalls: true),
    .init(name: "rpc_error", reason: "tool_error", isOfCalls: true),
    .init(name: "apply_then_is_error", reason: "tool_error", isOfCalls: true),
    .init(name: "validation", reason: "tool_error", isOfCalls: true, refuses: true),
    .init(name: "rpc_validation", reason: "tool_error", isOfCalls: true, refuses: true),
    .init(name: "ping_first", reason: nil),
    .init(name: "crlf_sse", reason: nil),
    .init(name: "cr_sse", reason: nil),
    .init(name: "bom_sse", reason: nil),
  ]

  /// The operations that a vault gets, each on an item of its own.
  enum Operation: String, CaseIterable {
    case checkpoint, add, done, update, decide

    func arguments(_ name: String, task: String) -> [String] {
      switch self {
      case .checkpoint: ["checkpoint", "--objective", name, "--action", "a\u{2028}b"]
      case .add: ["task", "add", name, "--context", "why — *not*"]
      case .done: ["task", "done", task]
      case .update: ["task", "update", task, "--title", name]
      case .decide: ["decide", name, "--rationale", "because\nof two lines"]
      }
    }

    /// How often the vault has carried it out.
    func count(_ name: String, base: String, in state: VaultPeer.State) -> Int {
      switch self {
      case .checkpoint:
        return state.checkpoints.filter {
          ($0["trigger_signals"] as? String ?? "").contains("\"\(name)\"")
        }.count
      case .add: return state.tasks(titled: name).count
      case .done:
        return state.tasks(titled: base).map { VaultPeer.State.writes($0, "done") }.reduce(0, +)
      case .update:
        return state.tasks(titled: name).map { VaultPeer.State.writes($0, "update") }.reduce(0, +)
      case .decide: return state.decisions.filter { $0["decision"] as? String == name }.count
      }
    }
  }

  /// A task in the vault for each operation that changes one.
  private func prepare(_ workplace: Workplace) throws -> [Operation: String] {
    var tasks: [Operation: String] = [:]
    for operation in [Operation.done, .update] {
      let reply = try workplace.run("task", "add", "base \(operation.rawValue)", "--json").json()
      tasks[operation] = try #require(reply["id"] as? String)
    }
    #expect(try workplace.run("sync").status == 0)
    #expect(try workplace.run("canary").status == 0)
    return tasks
  }

  private func carryOut(
    _ operation: Operation, _ workplace: Workplace, _ tasks: [Operation: String]
  ) throws -> [String: Any] {
    let arguments =
      operation.arguments(
        "item \(operation.rawValue)", task: tasks[operation] ?? "") + ["--json"]
    let result = try workplace.run(arguments)
    #expect(result.status == 0, "\(result.errorOutput)")
    return try result.json()
  }

  private func expectOnce(
    _ operation: Operation, _ vault: VaultPeer, _ comment: Comment
  ) throws {
    let count = operation.count(
      "item \(operation.rawValue)", base: "base \(operation.rawValue)", in: try vault.state())
    #expect(count == 1, comment)
  }

  /// The vault is broken in every way at once: session start, work, sync, and then it heals.
  @Test(arguments: faults) func wholeVault(fault: Fault) throws {
    try breakWhole(try VaultPeer(), fault, lag: 300)
  }

  /// Another memoryd as the vault honours keys: nothing waits for a look, however long that takes.
  @Test(arguments: faults) func wholeMemoryd(fault: Fault) throws {
    let daemon = try DaemonPeer(try Workplace(), "--http", "127.0.0.1:0")
    try breakWhole(try VaultPeer(memoryd: daemon), fault, lag: Self.longLag)
  }

  /// Ms; no test has that much time.
  private static let longLag = 600_000

  private func breakWhole(_ vault: VaultPeer, _ fault: Fault, lag: Int) throws {
    let workplace = try Workplace()
    workplace.use(vault, timeout: 5000, lag: lag)
    let tasks = try prepare(workplace)
    workplace.use(vault, timeout: fault.timeout, lag: lag)
    try vault.break_(
      fault.name, match: fault.isOfCalls ? ["rpc": "tools/call"] : nil, fault.options)

    let start = ContinuousClock.now
    let canary = try workplace.run("canary", "--json")
    #expect(ContinuousClock.now - start < .milliseconds(fault.timeout + 3000))
    let verdict = try canary.json()
    #expect(verdict["reason"] as? String == fault.reason)
    #expect(verdict["mode"] as? String == (fault.reason == nil ? "normal" : "degraded"))
    #expect(canary.status == (fault.reason == nil ? 0 : 75))

    for operation in Operation.allCases {
      let reply = try carryOut(operation, workplace, tasks)
      #expect(reply["durability"] as? String == "stored")
      #expect(reply["vault"] as? String == "queued")
      guard fault.reason != nil else { continue }
      let file = operation == .checkpoint || operation == .decide ? "checkpoints" : "tasks"
      let needle = operation == .done ? tasks[.done]! : "item \(operation.rawValue)"
      #expect(workplace.fallbackText("\(file)-fallback.md").contains(needle))
    }
    let sync = try workplace.run("sync", "--json")
    #expect(sync.status == (fault.reason == nil ? 0 : 75), "\(sync.output)")
    if fault.reason != nil {
      #expect(try sync.json()["pending"] as? Int == Operation.allCases.count)
    }

    try vault.heal()
    workplace.use(vault, timeout: 5000, lag: lag)
    try workplace.syncAll()
    for operation in Operation.allCases { try expectOnce(operation, vault, "\(operation)") }
    #expect(try workplace.outbox("uncertain").isEmpty)
    #expect(try workplace.outbox("quarantined").isEmpty)
    #expect(try workplace.run("canary").status == 0)
    #expect(try vault.stolen().isEmpty)
    if fault.reason != nil {
      let log = workplace.fallbackText("degraded.log").split(separator: "\n")
      #expect(log.first?.contains(" entered \(fault.reason!) ") == true)
      #expect(log.last?.contains(" left \(fault.reason!) ") == true)
    }
  }

  /// The vault answers reads, and each kind of write meets the fault once, on its way.
  @Test(arguments: faults) func oneWrite(fault: Fault) throws {
    try breakOneWrite(try VaultPeer(), fault, lag: 300)
  }

  @Test(arguments: faults) func oneWriteToMemoryd(fault: Fault) throws {
    let daemon = try DaemonPeer(try Workplace(), "--http", "127.0.0.1:0")
    try breakOneWrite(try VaultPeer(memoryd: daemon), fault, lag: Self.longLag)
  }

  private func breakOneWrite(_ vault: VaultPeer, _ fault: Fault, lag: Int) throws {
    let workplace = try Workplace()
    workplace.use(vault, timeout: 5000, lag: lag)
    let tasks = try prepare(workplace)
    for operation in Operation.allCases {
      _ = try carryOut(operation, workplace, tasks)
      // The connection is refused for a moment only, whatever comes.
      try vault.break_(fault.name, match: ["kind": "write"], count: 1, fault.options)
      workplace.use(vault, timeout: fault.timeout, lag: lag)
      let sync = try workplace.run("sync", "--json")
      #expect([0, 75].contains(sync.status), "\(sync.errorOutput)")
      if fault.refuses {
        let numbers = try workplace.outbox("quarantined").compactMap { $0["number"] as? Int }
        #expect(numbers.count == 1, "\(operation)")
        #expect(sync.status == 0, "one bad record stops nothing")
        let row = try workplace.run("outbox", "show", "\(numbers.first ?? 0)")
        #expect(row.output.contains("outbox retry"))
        #expect(try workplace.run("outbox", "retry", "\(numbers.first ?? 0)").status == 0)
      }
      try vault.heal()
      workplace.use(vault, timeout: 5000, lag: lag)
      try workplace.syncAll()
      try expectOnce(operation, vault, "\(operation): \(sync.output)")
    }
    #expect(try workplace.outbox("uncertain").isEmpty)
    #expect(try workplace.outbox("quarantined").isEmpty)
    #expect(try vault.stolen().isEmpty)
  }
}
