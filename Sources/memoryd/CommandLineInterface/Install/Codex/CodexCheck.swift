import Continuity
import Core
import Foundation
import IPC

/// Whether Codex really calls memoryd: it passes over hooks that nobody has approved, and says nothing.
struct CodexCheck {
  let context: CallContext

  typealias Check = DoctorCommand.Check

  private static let name = "codex hooks"

  /// - Returns: Nothing where memoryd was not installed for Codex.
  func checks() -> [Check] {
    guard let installer = try? SettingsInstaller.codex(context), isInstalled,
      let missing = try? installer.additions()
    else { return [] }
    if !missing.isEmpty {
      let paths = missing.map(\.path).joined(separator: ", ")
      return [
        Check(
          name: Self.name, isGood: false, detail: "not as this memoryd writes it: \(paths)",
          hint: "`memoryd install codex` renews it")
      ]
    }
    guard let program = CodexServer.program(context.environment) else {
      return [
        Check(
          name: Self.name, isGood: true,
          detail: "installed; whether they are approved, `codex` can tell, which is not on the PATH"
        )
      ]
    }
    guard let hooks = CodexServer(program: program, context: context).hooks() else {
      return [
        Check(
          name: Self.name, isGood: true, isNeutral: true,
          detail: "installed; `codex app-server` did not tell whether they are approved",
          hint: "start `codex` and type /hooks: those of memoryd must be trusted")
      ]
    }
    return [check(hooks)]
  }

  private var isInstalled: Bool {
    let folder = Agent.codex.facts.settingsFolder(context)
    return ["hooks.json", "config.toml"].contains { name in
      let bytes = try? RegularFile.read(folder + "/" + name, limit: 16 << 20)
      return bytes.map { String(decoding: $0, as: UTF8.self).contains("--agent codex") } ?? false
    }
  }

  private func check(_ hooks: [CodexServer.Hook]) -> Check {
    let ours = hooks.filter { $0.command.contains("--agent codex") }
    let bad = ours.filter { !$0.isEnabled || !["trusted", "managed"].contains($0.trust) }
    if ours.isEmpty {
      return Check(
        name: Self.name, isGood: false, detail: "Codex knows of no hook of memoryd's",
        hint: "hooks may be switched off: see `[features] hooks` in config.toml")
    }
    if bad.isEmpty {
      return Check(name: Self.name, isGood: true, detail: "\(ours.count) hooks, all approved")
    }
    let states = bad.map { "\($0.event) is \($0.isEnabled ? $0.trust : "disabled")" }
    return Check(
      name: Self.name, isGood: false,
      detail: "Codex passes over \(bad.count) of \(ours.count): \(states.joined(separator: ", "))",
      hint: "start `codex`, type /hooks, and trust those of memoryd")
  }
}

/// `codex app-server`, asked one question. Source: reference "agent-clis", section 4.
struct CodexServer {
  let program: String
  let context: CallContext

  struct Hook: Equatable {
    var event: String
    var command: String
    var isEnabled: Bool
    /// managed, trusted, modified or untrusted.
    var trust: String
  }

  private static let patience = Duration.seconds(4)

  /// Folders of `PATH` that are not absolute are passed over: what stands in a repository is not run.
  static func program(_ environment: [String: String]) -> String? {
    (environment["PATH"] ?? "").split(separator: ":").filter { $0.hasPrefix("/") }
      .map { $0 + "/codex" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// - Returns: Nil if it did not answer in time, or not with hooks.
  func hooks() -> [Hook]? {
    let requests: [JSON] = [
      [
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": [
          "clientInfo": ["name": "memoryd", "title": "memoryd", "version": Relay.version] as JSON
        ] as JSON,
      ],
      ["jsonrpc": "2.0", "method": "initialized"],
      [
        "jsonrpc": "2.0", "id": 2, "method": "hooks/list",
        "params": ["cwds": [context.cwd]] as JSON,
      ],
    ]
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = ["app-server"]
    process.environment = context.environment
    process.currentDirectoryURL = URL(
      fileURLWithPath: UserPath.userFolder(context.environment) ?? "/")
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    defer {
      try? input.fileHandleForWriting.close()
      // One that ignores being asked would be left behind.
      kill(process.processIdentifier, SIGKILL)
    }
    // It may be gone already. The executable ignores the signal from its start; whoever else calls this
    // does from here on.
    signal(SIGPIPE, SIG_IGN)
    let lines = requests.map { $0.text + "\n" }.joined()
    try? input.fileHandleForWriting.write(contentsOf: Data(lines.utf8))
    return answer(from: output.fileHandleForReading.fileDescriptor)
  }

  private func answer(from descriptor: Int32) -> [Hook]? {
    let deadline = Deadline(in: Self.patience)
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while deadline.remaining > .zero, bytes.count < 16 << 20 {
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, Int32(max(1, deadline.remaining.milliseconds))) > 0 else { continue }
      let count = read(descriptor, &piece, piece.count)
      guard count > 0 else { return nil }
      bytes += piece[..<count]
      while let end = bytes.firstIndex(of: 0x0A) {
        let message = JSON(parsing: bytes[..<end])
        bytes.removeSubrange(...end)
        guard message?["id"]?.integer == 2 else { continue }
        return message?["result"].map(Self.hooks)
      }
    }
    return nil
  }

  /// The hooks in an answer, wherever they stand in it: by folder, by layer, or in one list.
  static func hooks(in answer: JSON) -> [Hook] {
    if let trust = answer["trustStatus"]?.string {
      let command = answer["command"]?.string ?? answer["handler"]?["command"]?.string ?? ""
      let event = answer["eventName"]?.string ?? answer["event"]?.string ?? "a hook"
      return [
        Hook(
          event: event, command: command, isEnabled: answer["enabled"]?.bool ?? true, trust: trust)
      ]
    }
    let parts = answer.array ?? answer.object?.sorted { $0.key < $1.key }.map(\.value) ?? []
    return parts.flatMap(hooks)
  }
}
