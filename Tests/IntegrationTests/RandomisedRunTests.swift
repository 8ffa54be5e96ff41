import Foundation
import TestSupport
import Testing

/// Hundreds of operations of four processes at a time, while the vault comes and goes, processes are
/// killed and people write into the files. `MEMORYD_TEST_SEED` and `MEMORYD_TEST_ROUNDS` choose
/// another run.
@Suite(.blocking) struct RandomisedRunTests {
  /// SplitMix64, so that a run can be repeated.
  private struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
  }

  private struct Operation {
    enum Kind: CaseIterable { case add, done, update, decide, checkpoint }
    var kind: Kind
    /// In every text of it, and nowhere else.
    var name: String
    var worker: Int
    var task: String?
    /// The item's id; nil if the process died before it told.
    var id: String?
    var isAcknowledged: Bool { id != nil }
  }

  private static let faults: [String: Double] = [
    "ok": 40, "refused": 2, "drop": 3, "apply_then_drop": 4, "apply_then_reset": 3,
    "apply_then_502": 4, "apply_then_broken": 4, "apply_then_is_error": 3, "apply_then_silence": 2,
    "apply_then_gzip": 1, "odd_backup": 2, "lose_every": 4,
    "black_hole": 2, "500": 3, "html_502": 2, "429": 1, "401": 2, "403": 1, "404": 1,
    "login_page": 1, "malformed_json": 2, "cut_json": 1, "truncated_json": 2, "truncated_sse": 2,
    "empty": 1, "wrong_type": 1, "not_jsonrpc": 1, "wrong_id": 2, "is_error": 1, "rpc_error": 1,
    "redirect": 1, "ping_first": 4, "crlf_sse": 3, "endless_sse": 1, "slow_body": 1,
  ]

  private let vault: VaultPeer
  private let workplace: Workplace

  init() throws {
    vault = try VaultPeer()
    workplace = try Workplace()
    workplace.use(vault, timeout: 400, lag: 150)
    try FileManager.default.createDirectory(
      atPath: workplace.fallback, withIntermediateDirectories: true)
  }

  private func number(_ name: String, or value: Int) -> Int {
    ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? value
  }

  private func appendByHand(_ text: String, to name: String) throws {
    let descriptor = open(workplace.fallback + "/" + name, O_WRONLY | O_APPEND | O_CREAT, 0o644)
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    #expect(write(descriptor, bytes, bytes.count) == bytes.count)
  }

  @Test func nothingIsLostNothingIsDoubled() throws {
    let seed = number("MEMORYD_TEST_SEED", or: 20_261_123)
    let rounds = number("MEMORYD_TEST_ROUNDS", or: TestScale.isWhole ? 500 : 150)
    var random = Random(state: UInt64(seed))
    var operations: [Operation] = []
    var byHand: (tasks: [String], sections: [String]) = ([], [])
    var files: [String: String] = [:]
    var sync: MemorydProcess?
    try vault.flap(seed: seed, Self.faults, meanRequests: 6)

    for round in 0..<rounds {
      var running: [(index: Int, process: MemorydProcess)] = []
      for worker in 0..<4 {
        let operation = next(worker, operations.count, operations, &random)
        let process = try workplace.start(arguments(of: operation))
        running.append((operations.count, process))
        operations.append(operation)
      }
      if random.chance(10) {
        let line = "- [ ] hand-\(byHand.tasks.count)-task\n"
        byHand.tasks.append(line)
        try appendByHand(line, to: "tasks-fallback.md")
      }
      if random.chance(3) {
        let section = "\n## hand-\(byHand.sections.count)-section\n\n### Actions\n\n- it\n"
        byHand.sections.append(section)
        try appendByHand(section, to: "checkpoints-fallback.md")
      }
      for (_, process) in running where random.chance(12) {
        usleep(.random(in: 0..<40_000, using: &random))
        kill(process.process.processIdentifier, SIGKILL)
      }
      for (index, process) in running {
        let result = process.finish()
        guard result.status == 0 else { continue }
        operations[index].id = try result.json()["id"] as? String
      }
      if let old = sync, !old.process.isRunning || random.chance(15) {
        kill(old.process.processIdentifier, SIGKILL)
        _ = old.finish()
        sync = nil
      }
      if sync == nil, random.chance(40) {
        sync = try workplace.start([random.chance(70) ? "sync" : "canary"])
      }
      if round % 25 == 24 { try expectOnlyAppended(&files) }
    }
    sync?.process.terminate()
    _ = sync?.finish()
    #expect(operations.count == rounds * 4)
    let acknowledged = operations.filter(\.isAcknowledged).count
    #expect(acknowledged > operations.count * 3 / 4)

    try vault.heal()
    workplace.use(vault, timeout: 5000, lag: 150)
    try workplace.syncAll(within: 120)
    // Some were refused too often for themselves; the reason is gone now.
    let numbers = try workplace.outbox("quarantined").compactMap { $0["number"] as? Int }
    if !numbers.isEmpty {
      _ = try workplace.run(["outbox", "retry"] + numbers.map(String.init))
      try workplace.syncAll()
    }
    #expect(try workplace.outbox("uncertain").isEmpty)
    #expect(try workplace.outbox("quarantined").isEmpty)
    #expect(try workplace.sqlite("PRAGMA integrity_check") == "ok")
    try expectOnlyAppended(&files)
    for line in byHand.tasks { #expect(files["tasks-fallback.md"]?.contains(line) == true) }
    for text in byHand.sections {
      #expect(files["checkpoints-fallback.md"]?.contains(text) == true)
    }
    try check(operations, try vault.state(), inOrder: numbers.isEmpty)
    let state = try vault.state()
    for number in byHand.tasks.indices {
      #expect(state.tasks(titled: "hand-\(number)-task").count == 1)
    }
    for number in byHand.sections.indices {
      #expect(checkpoints(state, "hand-\(number)-section").count == 1)
    }
    print(
      "seed \(seed): \(operations.count) operations, \(acknowledged) acknowledged, "
        + "\(try vault.log().count) requests, \(numbers.count) quarantined on the way")
  }

  private func expectOnlyAppended(_ files: inout [String: String]) throws {
    for name in ["tasks-fallback.md", "checkpoints-fallback.md", "degraded.log"] {
      let text = workplace.fallbackText(name)
      #expect(text.hasPrefix(files[name] ?? ""), "\(name)")
      files[name] = text
    }
  }

  // MARK: Operations

  private func next(
    _ worker: Int, _ number: Int, _ known: [Operation], _ random: inout Random
  ) -> Operation {
    let kind = Operation.Kind.allCases.randomElement(using: &random) ?? .add
    let name = "op-\(worker)-\(number)-end"
    let own = known.filter { $0.worker == worker }
    let done = Set(own.filter { $0.kind == .done }.compactMap(\.task))
    let tasks = own.filter { $0.kind == .add }.compactMap(\.id).filter { !done.contains($0) }
    if kind == .done || kind == .update {
      if let task = tasks.randomElement(using: &random) {
        return Operation(kind: kind, name: name, worker: worker, task: task)
      }
      return Operation(kind: .add, name: name, worker: worker)
    }
    return Operation(kind: kind, name: name, worker: worker)
  }

  private func arguments(of operation: Operation) -> [String] {
    let name = operation.name
    let own: [String]
    switch operation.kind {
    case .add: own = ["task", "add", name, "--context", "context of \(name)"]
    case .done: own = ["task", "done", operation.task ?? ""]
    case .update: own = ["task", "update", operation.task ?? "", "--title", name]
    case .decide: own = ["decide", name, "--rationale", "r"]
    case .checkpoint: own = ["checkpoint", "--objective", name]
    }
    return own + ["--json"]
  }

  // MARK: The end

  private func checkpoints(_ state: VaultPeer.State, _ name: String) -> [[String: Any]] {
    state.checkpoints.filter { ($0["trigger_signals"] as? String ?? "").contains("\"\(name)\"") }
  }

  private static func isCarriedOut(_ operation: Operation, _ write: [String: Any]) -> Bool {
    let arguments = write["arguments"] as? [String: Any]
    switch (operation.kind, write["action"] as? String) {
    case (.add, "add"), (.done, "done"): return true
    case (.update, "update"): return arguments?["title"] as? String == operation.name
    default: return false
    }
  }

  private func check(
    _ operations: [Operation], _ state: VaultPeer.State, inOrder: Bool
  ) throws {
    var byMarker: [String: [[String: Any]]] = [:]
    for task in state.tasks {
      let context = task["context"] as? String ?? ""
      let marker = context.components(separatedBy: "[memoryd:").dropFirst().first?.prefix {
        $0 != "]"
      }
      byMarker[String(marker ?? "none"), default: []].append(task)
    }
    #expect(byMarker["none"] == nil)
    for (marker, tasks) in byMarker { #expect(tasks.count == 1, "doubled: \(marker)") }
    let writes = state.tasks.flatMap { $0["writes"] as? [[String: Any]] ?? [] }
    var titles: [String: Int] = [:]
    for write in writes where write["action"] as? String == "update" {
      let title = (write["arguments"] as? [String: Any])?["title"] as? String ?? ""
      titles[title, default: 0] += 1
    }
    // The vault's arrival numbers, by task, in the order in which the operations were made.
    var arrivals: [String: [Int]] = [:]
    for (index, operation) in operations.enumerated() {
      var count = 0
      switch operation.kind {
      case .add:
        let context = "context of \(operation.name)"
        let tasks = state.tasks.filter { ($0["context"] as? String ?? "").contains(context) }
        count = tasks.count
        if let id = operation.id { #expect(byMarker[id]?.count == 1, "\(operation.name)") }
      case .done:
        let task = operation.task.flatMap { byMarker[$0]?.first }
        count = task.map { VaultPeer.State.writes($0, "done") } ?? 0
      case .update:
        count = titles[operation.name] ?? 0
        // What a later change overtook before it went out goes out no more, and a task that had not
        // gone out yet brings its text of now.
        let isOvertaken = operations[(index + 1)...].contains {
          $0.kind == .update && $0.task == operation.task
        }
        let writes = operation.task.flatMap { byMarker[$0]?.first?["writes"] as? [[String: Any]] }
        let isBrought = (writes ?? []).contains {
          $0["action"] as? String == "add"
            && ($0["arguments"] as? [String: Any])?["title"] as? String == operation.name
        }
        if count == 0, isOvertaken || isBrought { count = 1 }
      case .decide:
        let rows = state.decisions.filter { $0["decision"] as? String == operation.name }
        count = rows.count
      case .checkpoint:
        let rows = checkpoints(state, operation.name)
        count = rows.count
      }
      if operation.isAcknowledged {
        #expect(count == 1, "\(operation)")
      } else {
        #expect(count <= 1, "\(operation)")
      }
      // Order is kept within a task: it is made before it is changed, and changed in order.
      guard let task = operation.task ?? (operation.kind == .add ? operation.id : nil) else {
        continue
      }
      for write in byMarker[task]?.first?["writes"] as? [[String: Any]] ?? [] {
        guard let n = write["n"] as? Int, Self.isCarriedOut(operation, write) else { continue }
        arrivals[task, default: []].append(n)
      }
    }
    if inOrder {
      for (name, numbers) in arrivals { #expect(numbers == numbers.sorted(), "\(name)") }
    }
    // The last word on each task is the last one that was acknowledged, or a later one.
    for task in Set(operations.compactMap(\.task)) {
      let updates = operations.filter { $0.task == task && $0.kind == .update }
      guard let last = updates.lastIndex(where: \.isAcknowledged) else { continue }
      let title = byMarker[task]?.first?["title"] as? String ?? ""
      #expect(updates[last...].contains { $0.name == title }, "\(task): \(title)")
    }
  }
}
