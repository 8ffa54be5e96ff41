import Core
import Foundation
import IPC
import Redaction
import TestSupport
import Testing
import Yams

/// The plugin, checked as a client checks it: manifest, marketplace, hooks, skills and commands,
/// against what the client is known to take.
@Suite(.blocking) struct PluginTests {
  private static func file(_ name: String) throws -> String {
    try String(contentsOfFile: VaultPeer.root + "/" + name, encoding: .utf8)
  }

  private static func json(_ name: String) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(try file(name).utf8))
    return try #require(object as? [String: Any])
  }

  private static func isKebab(_ text: String?) -> Bool {
    text?.wholeMatch(of: /[a-z0-9]+(-[a-z0-9]+)*/) != nil
  }

  // MARK: Manifest and marketplace

  private static let manifestFields: Set = [
    "name", "displayName", "version", "description", "author", "homepage", "repository", "license",
    "keywords", "defaultEnabled", "userConfig", "dependencies", "skills", "commands", "agents",
    "workflows", "hooks", "mcpServers", "outputStyles", "lspServers", "channels", "experimental",
  ]

  @Test func manifest_isValid() throws {
    let manifest = try Self.json(".claude-plugin/plugin.json")
    #expect(Set(manifest.keys).isSubset(of: Self.manifestFields))
    #expect(Self.isKebab(manifest["name"] as? String))
    // Users get an update only when this changes.
    #expect(manifest["version"] as? String == Relay.version)
    #expect((manifest["description"] as? String)?.isEmpty == false)
    #expect(manifest["keywords"] is [String])
    // The default folders are used: naming them would replace them.
    for name in ["skills", "commands", "hooks"] { #expect(manifest[name] == nil) }
  }

  @Test func marketplace_isValid() throws {
    let marketplace = try Self.json(".claude-plugin/marketplace.json")
    #expect(Self.isKebab(marketplace["name"] as? String))
    #expect((marketplace["owner"] as? [String: Any])?["name"] is String)
    let plugins = try #require(marketplace["plugins"] as? [[String: Any]])
    #expect(plugins.count == 1)
    let fields: Set = [
      "name", "source", "description", "version", "category", "tags", "strict",
    ]
    for plugin in plugins {
      #expect(Set(plugin.keys).isSubset(of: fields))
      #expect(
        plugin["name"] as? String
          == (try Self.json(".claude-plugin/plugin.json")["name"] as? String))
      #expect((plugin["source"] as? String)?.hasPrefix("./") == true)
    }
  }

  // MARK: Hooks

  private static let events: Set = [
    "SessionStart", "Setup", "UserPromptSubmit", "UserPromptExpansion", "PreToolUse",
    "PermissionRequest", "PermissionDenied", "PostToolUse", "PostToolUseFailure", "PostToolBatch",
    "Notification", "MessageDisplay", "SubagentStart", "SubagentStop", "TaskCreated",
    "TaskCompleted", "Stop", "StopFailure", "TeammateIdle", "InstructionsLoaded", "ConfigChange",
    "CwdChanged", "DirectoryAdded", "FileChanged", "WorktreeCreate", "WorktreeRemove",
    "PreCompact", "PostCompact", "Elicitation", "ElicitationResult", "SessionEnd",
    "PreModelSwitch", "PostModelSwitch",
  ]

  @Test func hooks_areValid() throws {
    let document = try Self.json("hooks/hooks.json")
    #expect(Set(document.keys).isSubset(of: ["description", "hooks"]))
    let hooks = try #require(document["hooks"] as? [String: [[String: Any]]])
    #expect(!hooks.isEmpty)
    for (event, groups) in hooks {
      #expect(Self.events.contains(event), "\(event)")
      for group in groups {
        #expect(Set(group.keys).isSubset(of: ["matcher", "hooks"]))
        for hook in try #require(group["hooks"] as? [[String: Any]]) {
          #expect(
            Set(hook.keys).isSubset(of: [
              "type", "command", "args", "timeout", "statusMessage", "async", "asyncRewake",
              "shell",
            ]))
          #expect(hook["type"] as? String == "command")
          // With arguments no shell runs.
          #expect(hook["command"] as? String == "memoryd" && hook["args"] is [String])
          // Seconds; a plugin's hooks of SessionEnd have 1.5 together.
          #expect((1...600).contains(hook["timeout"] as? Int ?? 0))
        }
      }
    }
  }

  // MARK: Skills and commands

  static let names = ["bismillah", "checkpoint", "decide", "done", "handoff", "resume-work"]

  private static let fields: Set = [
    "name", "description", "when_to_use", "argument-hint", "arguments", "disable-model-invocation",
    "user-invocable", "allowed-tools", "disallowed-tools", "model", "effort", "context", "agent",
    "hooks", "paths", "shell",
  ]

  private static func skill(_ name: String) throws -> (front: Node.Mapping, body: String) {
    let text = try file("skills/\(name)/SKILL.md")
    let parts = text.components(separatedBy: "---\n")
    try #require(parts.count >= 3 && parts[0].isEmpty)
    let node = try #require(try Yams.compose(yaml: parts[1]))
    return (try #require(node.mapping), parts.dropFirst(2).joined(separator: "---\n"))
  }

  /// What stands between the marks of inline execution.
  private static func inlineCommands(_ body: String) -> [String] {
    body.matches(of: /(?:^|[ \t\n])!`([^`\n]+)`/).map { String($0.1) }
  }

  @Test func skillsAndCommands_areThoseThatTheDocumentsName() throws {
    let files = FileManager.default
    let root = VaultPeer.root
    #expect(try files.contentsOfDirectory(atPath: root + "/skills").sorted() == Self.names)
    // Both forms would offer each command twice.
    #expect(!files.fileExists(atPath: root + "/commands"))
    let page = try Self.file("docs/claude-code.md")
    #expect(Self.names.filter { !page.contains("`/\($0)`") } == [])
  }

  @Test(arguments: names) func skill_isValid(name: String) throws {
    let (front, body) = try Self.skill(name)
    let keys = front.keys.compactMap(\.string)
    #expect(Set(keys).isSubset(of: Self.fields))
    #expect(front["name"]?.string == name && Self.isKebab(name))
    let description = try #require(front["description"]?.string)
    #expect((20...1536).contains(description.count))
    #expect(!body.trimmingCharacters(in: .whitespacesAndNewlines).isEmpty)
    // Only what clients fill in, and nothing of the person's in a shell.
    let known = ["$ARGUMENTS", "${CLAUDE_SESSION_ID}"]
    for mark in body.matches(of: /\$\{?[A-Z_a-z0-9]+\}?/) {
      #expect(known.contains(String(mark.0)), "\(mark.0)")
    }
    let commands = Self.inlineCommands(body)
    #expect(!commands.isEmpty)
    #expect(commands.count == body.components(separatedBy: "!`").count - 1)
    let tools = try #require(front["allowed-tools"]?.string)
    let allowed = tools.matches(of: /Bash\(([^)*]+) \*\)/).map { String($0.1) }
    #expect(!allowed.isEmpty)
    for command in commands {
      #expect(!command.contains("$ARGUMENTS"))
      // Each simple command needs an approval of its own, and the last one cannot fail.
      let parts = command.split(separator: /\|\||&&|;|\|/).map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      #expect(parts.count == 2 && parts[1].hasPrefix("echo "))
      for part in parts {
        #expect(allowed.contains { part.hasPrefix($0 + " ") }, "\(part)")
      }
    }
  }

  // MARK: Inline execution

  private let place: Workplace

  init() throws {
    place = try Workplace()
    try place.git("init", "-q", "-b", "main")
    try place.git("commit", "-q", "--allow-empty", "-m", "First")
  }

  enum Circumstance: String, CaseIterable, Sendable {
    case usual, daemon, vaultDown, noMemoryd, noHome, brokenStore, readOnlyRepository, noRepository
    case brokenSettings
  }

  /// A non-zero exit would end the command before the model sees anything of it.
  @Test(arguments: Circumstance.allCases)
  func inlineCommands_neverFail(circumstance: Circumstance) throws {
    var environment = place.environment
    let folder = (MemorydProcess.executable as NSString).deletingLastPathComponent
    environment["PATH"] = folder + ":" + (environment["PATH"] ?? "")
    var daemon: DaemonPeer?
    var cwd = place.repository
    switch circumstance {
    case .usual:
      try place.run("checkpoint", "--objective", "an earlier session")
      try place.append(Line.request("plan the harbor"))
      try place.run("canary", input: place.hook("SessionStart", ["source": "startup"]))
    case .daemon: daemon = try DaemonPeer(place)
    case .vaultDown: environment["MEMORYD_VAULT_URL"] = "http://127.0.0.1:1/mcp"
    case .noMemoryd: environment["PATH"] = "/usr/bin:/bin"
    case .noHome:
      environment["MEMORYD_HOME"] = "/proc/nowhere"
      environment["MEMORYD_FALLBACK_DIR"] = "/proc/nowhere"
    case .brokenStore:
      try place.run("status")
      try place.write(String(repeating: "garbage ", count: 1000), to: "home/memory.db")
    case .readOnlyRepository:
      // Also root cannot write through a file where a folder should be.
      try "".write(toFile: place.repository + "/.handoff", atomically: true, encoding: .utf8)
    case .noRepository: cwd = "/"
    case .brokenSettings:
      try place.run("status")
      try place.write("no: such: setting", to: "home/config.yaml")
    }
    defer { _ = daemon }
    let isBroken = [.noMemoryd, .noHome, .brokenSettings].contains(circumstance)
    for name in Self.names {
      for command in Self.inlineCommands(try Self.skill(name).body) {
        for session in ["session-1", ""] {
          let process = Process()
          process.executableURL = URL(fileURLWithPath: "/bin/sh")
          process.arguments = ["-c", command.replacing("${CLAUDE_SESSION_ID}", with: session)]
          process.environment = environment
          process.currentDirectoryURL = URL(fileURLWithPath: cwd)
          let output = Pipe()
          // Nobody ever writes to it, and nobody closes it.
          let input = Pipe()
          process.standardInput = input
          process.standardOutput = output
          process.standardError = output
          let start = ContinuousClock.now
          try process.run()
          let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
          process.waitUntilExit()
          #expect(process.terminationStatus == 0, "\(circumstance) \(command): \(text)")
          #expect(!text.trimmingCharacters(in: .whitespacesAndNewlines).isEmpty, "\(command)")
          #expect(ContinuousClock.now - start < .seconds(60), "\(command)")
          if circumstance == .usual, !session.isEmpty {
            #expect(!text.contains("memoryd: error"), "\(command): \(text)")
          }
          // The model is told what is wrong.
          let sentence = try #require(command.split(separator: "echo \"").last?.dropLast())
          if isBroken { #expect(text.contains(sentence), "\(command): \(text)") }
        }
      }
    }
  }

  private static let transcript = VaultPeer.root + "/../shared/data/transcripts/claude-11.jsonl"

  @Test(.enabled(if: FileManager.default.fileExists(atPath: transcript)))
  func handoffCommand_withARealTranscript_makesTheDocumentThatTheNextSessionIsToldOf() throws {
    var environment = place.environment
    let folder = (MemorydProcess.executable as NSString).deletingLastPathComponent
    environment["PATH"] = folder + ":" + (environment["PATH"] ?? "")
    try FileManager.default.copyItem(atPath: Self.transcript, toPath: place.transcript)
    try place.run("canary", input: place.hook("SessionStart", ["source": "resume"]))
    for command in Self.inlineCommands(try Self.skill("handoff").body) {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", command.replacing("${CLAUDE_SESSION_ID}", with: "session-1")]
      process.environment = environment
      process.currentDirectoryURL = URL(fileURLWithPath: place.repository)
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
    }
    let names = try FileManager.default.contentsOfDirectory(
      atPath: place.repository + "/.handoff")
    let name = try #require(names.first)
    let read = try place.run(
      "handoff", "read", place.repository + "/.handoff/" + name, "--json"
    ).json()
    let done = try #require(read["done"] as? [String])
    #expect(done.contains { $0.contains("9147e77") })
    #expect(
      (read["files"] as? [[String: Any]])?.contains {
        ($0["path"] as? String) == "internal/strategy/bootstrap/bootstrap.go"
      } == true)
    #expect(try place.context("startup", session: "session-2").contains(".handoff/" + name))
  }
}
