import Foundation
import TestSupport
import Testing

/// What `install claude` and `service` do to a person's files.
@Suite(.blocking) struct InstallTests {
  private let workplace: Workplace

  init() throws {
    workplace = try Workplace()
    try FileManager.default.createDirectory(
      atPath: workplace.path + "/.claude", withIntermediateDirectories: true)
  }

  private var settings: String { workplace.path + "/.claude/settings.json" }
  private var state: String { workplace.path + "/.claude.json" }

  /// The bytes as they stand: `String(contentsOfFile:)` takes a byte order mark away.
  private func text(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
  }

  private func json(_ path: String) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
        as? [String: Any])
  }

  /// One text for one value, whatever order its keys stand in.
  private func sorted(_ value: Any) throws -> String {
    String(
      decoding: try JSONSerialization.data(
        withJSONObject: value, options: [.sortedKeys, .fragmentsAllowed]),
      as: UTF8.self)
  }

  private func install(_ more: String...) throws -> MemorydProcess.Result {
    try workplace.run(["install", "claude"] + more)
  }

  /// Settings as people have them: every form of white space, and hooks of others.
  static let documents = [
    "", "{}", "{ }\n", "{\n}\n", "{\"model\": \"opus\"}", "\u{FEFF}{\n\t\"model\": \"opus\"\n}\n",
    "{\n    \"hooks\": {},\n    \"model\": \"opus\"\n}\n", "{\"hooks\":{\"Stop\":[]}}",
    """
    {
      "permissions": {"allow": ["Bash(ls:*)"], "deny": []},
      "hooks": {
        "Stop": [{"hooks": [{"type": "command", "command": "say \\"done\\" \\u00e9"}]}],
        "PreToolUse": [
          {"matcher": "Bash", "hooks": [{"type": "command", "command": "check", "timeout": 1}]}
        ]
      },
      "number": 1.50e3, "wide": "\u{1F600}\\ud83d\\ude00"
    }
    """,
  ]

  @Test(arguments: documents) func whatIsThere_stays(document: String) throws {
    try document.write(toFile: settings, atomically: false, encoding: .utf8)
    chmod(settings, 0o644)
    let before = document.allSatisfy(\.isWhitespace) ? [:] : try json(settings)
    let dry = try install("--dry-run")
    #expect(dry.status == 0 && dry.output.contains("+"))
    #expect(try text(settings) == document)
    #expect(!FileManager.default.fileExists(atPath: state))

    #expect(try install().status == 0)
    let after = try json(settings)
    let hooks = try #require(after["hooks"] as? [String: [[String: Any]]])
    for (event, arguments) in [
      "SessionStart": ["canary"], "PreCompact": ["checkpoint"], "PostCompact": ["checkpoint"],
      "Stop": ["checkpoint"], "SessionEnd": ["session", "end"],
    ] {
      let own = (hooks[event] ?? []).flatMap { $0["hooks"] as? [[String: Any]] ?? [] }
        .filter { $0["args"] as? [String] == arguments }
      #expect(own.count == 1, "\(event)")
      let command = own.first?["command"] as? String ?? ""
      #expect(FileManager.default.isExecutableFile(atPath: command))
    }
    for (key, value) in before where key != "hooks" {
      #expect(try sorted(after[key] ?? "") == sorted(value), "\(key)")
    }
    let server = (try json(state)["mcpServers"] as? [String: [String: Any]])?["memoryd"]
    #expect(server?["args"] as? [String] == ["mcp"])
    let mode = try FileManager.default.attributesOfItem(atPath: settings)[.posixPermissions]
    #expect(mode as? Int == 0o644)

    let once = try text(settings)
    let second = try install("--json")
    #expect(try second.json()["changed"] as? [Any] != nil)
    #expect(try (second.json()["changed"] as? [Any])?.isEmpty == true)
    #expect(try text(settings) == once)

    // A copy of what it was, until it is that again.
    #expect(try copies().map { try text(workplace.path + "/.claude/" + $0) } == [document])
    #expect(try install("--uninstall").status == 0)
    #expect(try text(settings) == document)
    #expect(!FileManager.default.fileExists(atPath: state), "it was not there before")
    #expect(try copies().isEmpty)
    #expect(try install("--uninstall").output.contains("nothing of memoryd is there"))
  }

  private func copies() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: workplace.path + "/.claude")
      .filter { $0.contains("before-memoryd") }
  }

  /// Somebody, or Claude Code itself, has changed the file in between.
  @Test(arguments: documents.filter { !$0.isEmpty }) func whatCameSince_stays(document: String)
    throws
  {
    try document.write(toFile: settings, atomically: false, encoding: .utf8)
    #expect(try install().status == 0)
    // A new member at the front, as an editor would put it.
    var changed = try text(settings)
    let brace = try #require(changed.firstIndex(of: "{"))
    changed.insert(contentsOf: "\"since\": [1, 2],", at: changed.index(after: brace))
    try changed.write(toFile: settings, atomically: false, encoding: .utf8)
    #expect(try install("--uninstall").status == 0)
    let rest = try json(settings)
    #expect(rest["since"] as? [Int] == [1, 2])
    #expect(try !text(settings).contains("memoryd"))
    let before = try #require(
      try JSONSerialization.jsonObject(
        with: Data(document.drop { $0 == "\u{FEFF}" }.utf8)) as? [String: Any])
    #expect(Set(rest.keys) == Set(before.keys).union(["since"]))
    for (key, value) in before { #expect(try sorted(rest[key] ?? "") == sorted(value), "\(key)") }
    #expect(try copies().count == 2, "a copy of each form, as nothing else has these bytes")
  }

  @Test func secondInstall_keepsWhatWasBeforeTheFirst() throws {
    let document = "{ \"hooks\" : { } }"
    try document.write(toFile: settings, atomically: false, encoding: .utf8)
    #expect(try install().status == 0)
    // An older form of it, as an update would find it.
    let old = try text(settings).replacingOccurrences(of: "\"timeout\": 10", with: "\"timeout\": 9")
    try old.write(toFile: settings, atomically: false, encoding: .utf8)
    #expect(try install().status == 0)
    #expect(try text(settings).contains("\"timeout\": 10"))
    #expect(try install("--uninstall").status == 0)
    #expect(try text(settings) == document)
  }

  // MARK: What doctor says of it

  private func doctor(_ more: String...) throws -> (status: Int32, checks: [String: [String: Any]])
  {
    let result = try workplace.run(["doctor", "--json"] + more)
    let checks = try #require(try result.json()["checks"] as? [[String: Any]])
    return (
      result.status,
      Dictionary(checks.map { ($0["name"] as? String ?? "", $0) }) { first, _ in first }
    )
  }

  @Test func doctor_isNotGreenOverADeadInstallation() throws {
    var seen = try doctor()
    #expect(seen.checks["claude"]?["state"] as? String == "none", "there is no Claude Code")
    #expect(seen.checks["settings"]?["state"] as? String == "none", "there is no such file")
    #expect(seen.status == 0)
    try "{}".write(toFile: settings, atomically: false, encoding: .utf8)
    seen = try doctor()
    #expect(seen.status == 74 && seen.checks["claude hooks"]?["state"] as? String == "bad")
    #expect((seen.checks["claude hooks"]?["hint"] as? String)?.contains("install claude") == true)
    #expect(try install().status == 0)
    seen = try doctor()
    #expect(seen.status == 0, "\(seen.checks)")
    #expect(seen.checks["claude hooks"]?["state"] as? String == "ok")
    #expect(seen.checks["claude mcp"]?["state"] as? String == "ok")

    // The program has moved.
    let good = try text(settings)
    for (file, name) in [(settings, "claude hooks"), (state, "claude mcp")] {
      let moved = try text(file).replacingOccurrences(
        of: MemorydProcess.executable, with: workplace.path + "/gone/bin/memoryd")
      try moved.write(toFile: file, atomically: false, encoding: .utf8)
      #expect(try doctor().checks[name]?["state"] as? String == "bad", "\(name)")
    }
    #expect(try doctor("--fix").status == 0)
    #expect(try text(settings) == good)

    // Another version, one that does not run, one hook missing, all switched off.
    try workplace.write("#!/bin/sh\necho 0.0.9\n", to: "other/memoryd")
    chmod(workplace.path + "/other/memoryd", 0o755)
    try good.replacingOccurrences(
      of: MemorydProcess.executable, with: workplace.path + "/other/memoryd"
    ).write(toFile: settings, atomically: false, encoding: .utf8)
    let older = try doctor().checks["claude hooks"]
    #expect((older?["detail"] as? String)?.contains("is version 0.0.9") == true)
    try good.replacingOccurrences(of: "\"PreCompact\"", with: "\"PreCompactX\"")
      .write(toFile: settings, atomically: false, encoding: .utf8)
    let less = try doctor().checks["claude hooks"]
    #expect((less?["detail"] as? String)?.contains("missing: PreCompact") == true)
    try good.replacingOccurrences(
      of: "{\n  \"hooks\"", with: "{\n  \"disableAllHooks\": true,\n  \"hooks\""
    )
    .write(toFile: settings, atomically: false, encoding: .utf8)
    #expect(try doctor().checks["claude switch"]?["state"] as? String == "bad")
  }

  @Test func sessionThatNoHookToldOf_isNamed() throws {
    try "{}".write(toFile: settings, atomically: false, encoding: .utf8)
    #expect(try install().status == 0)
    let later = ISO8601DateFormatter().string(from: Date() + 60)
    let line = #"{"type":"user","timestamp":"\#(later)","message":{"role":"user","content":"hi"}}"#
    try workplace.write(line + "\n", to: ".claude/projects/-repo/silent-session.jsonl")
    let check = try doctor().checks["claude sessions"]
    #expect(check?["state"] as? String == "bad")
    #expect((check?["detail"] as? String)?.contains("silent-session") == true)
    try workplace.run(
      "canary", input: workplace.hook("SessionStart", ["session_id": "silent-session"]))
    #expect(try doctor().checks["claude sessions"]?["state"] as? String == "ok")
  }

  @Test func olderForm_isRenewedInItsPlace() throws {
    let document = """
      {
        "hooks": {
          "SessionStart": [
            {"matcher": "compact", "hooks": [
              {"type": "command", "command": "other"},
              {"type": "command", "command": "/old/place/memoryd canary", "timeout": 99}
            ]}
          ]
        }
      }
      """
    try document.write(toFile: settings, atomically: false, encoding: .utf8)
    #expect(try install().status == 0)
    let hooks = try #require(try json(settings)["hooks"] as? [String: [[String: Any]]])
    let groups = try #require(hooks["SessionStart"])
    let list = try #require(groups[0]["hooks"] as? [[String: Any]])
    #expect(list.count == 2 && list[0]["command"] as? String == "other")
    #expect(list[1]["args"] as? [String] == ["canary"] && list[1]["timeout"] as? Int == 5)
    // What the matcher keeps away has a group of its own.
    #expect(groups.count == 2 && groups[1]["matcher"] as? String == "startup|resume|clear")
    #expect(try install("--uninstall").status == 0)
    #expect(try text(settings) == document)
  }

  @Test(arguments: [
    "{\"hooks\": [}", "{\"hooks\": {}", "not json", "{} {}", "[]", "{\"hooks\": 5}",
    "{\"hooks\": {\"Stop\": \"x\"}}", "{\"a\": tru}", "{\"a\": \"\u{1}\"}",
  ]) func brokenSettings_areLeftAlone(document: String) throws {
    try document.write(toFile: settings, atomically: false, encoding: .utf8)
    let result = try install()
    #expect(result.status == 65)
    #expect(result.errorOutput.contains("nothing was changed"))
    #expect(try text(settings) == document)
    #expect(!FileManager.default.fileExists(atPath: state))
  }

  @Test func link_staysOne() throws {
    try workplace.write("{\"model\": \"opus\"}\n", to: "dotfiles.json")
    symlink(workplace.path + "/dotfiles.json", settings)
    #expect(try install().status == 0)
    let target = try FileManager.default.destinationOfSymbolicLink(atPath: settings)
    #expect(target == workplace.path + "/dotfiles.json")
    #expect(try text(workplace.path + "/dotfiles.json").contains("\"model\": \"opus\""))
  }

  /// The plugin and the installer ask for the same.
  @Test func pluginHasTheSameHooks() throws {
    #expect(try install().status == 0)
    let plugin = try json(VaultPeer.root + "/hooks/hooks.json")
    func flat(_ document: [String: Any]) throws -> [String: String] {
      let hooks = try #require(document["hooks"] as? [String: [[String: Any]]])
      return hooks.mapValues { groups in
        groups.flatMap { $0["hooks"] as? [[String: Any]] ?? [] }.map { hook in
          "\(hook["args"] ?? "") \(hook["timeout"] ?? "") \(hook["async"] ?? "")"
        }.joined()
      }
    }
    #expect(try flat(plugin) == flat(try json(settings)))
  }

  #if os(Linux)
    @Test func service_isHardenedAndKnowsItsFolders() throws {
      symlink(workplace.path + "/linked.md", workplace.path + "/x")
      let path = workplace.path + "/.config/systemd/user/memoryd.service"
      let dry = try workplace.run("service", "install", "--dry-run", "--http", "127.0.0.1:7437")
      #expect(dry.status == 0 && !FileManager.default.fileExists(atPath: path))
      for line in [
        "Type=notify", "Restart=always", "WatchdogSec=60", "NoNewPrivileges=yes", "PrivateTmp=yes",
        "ProtectSystem=strict", "ProtectHome=read-only", "MemoryMax=512M", "CPUQuota=80%",
        "\"--http\" \"127.0.0.1:7437\"", "Environment=\"MEMORYD_HOME=\(workplace.home)\"",
        "\"-\(workplace.home)\"", "\"-\(workplace.fallback)\"",
      ] {
        #expect(dry.output.contains(line), "\(line)")
      }
      // No service manager answers here: the file is there, and the person is told what to do.
      let installed = try workplace.run("service", "install")
      #expect([0, 75].contains(installed.status))
      #expect(try text(path).contains("ExecStart="))
      let status = try workplace.run("service", "status", "--json")
      #expect(try status.json()["installed"] as? Bool == true)
      // Installed and not running: a session is told.
      let start = try workplace.run(
        "canary", input: workplace.hook("SessionStart", ["source": "startup"]))
      #expect(try (start.json()["systemMessage"] as? String)?.contains("does not run") == true)
      #expect(try workplace.run("service", "uninstall").status == 0)
      #expect(!FileManager.default.fileExists(atPath: path))
      #expect(try workplace.run("service", "uninstall").output.contains("no service"))
    }

    /// What systemd would hear from a daemon that it started.
    @Test func serviceManager_isToldOfStartLifeAndEnd() throws {
      let path = workplace.path + "/notify.sock"
      let script = """
        import socket, sys
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(\(Quoted.python(path)))
        s.settimeout(20); print("up", flush=True)
        seen = []
        while True:
            text = s.recv(4096).decode()
            seen.append(text)
            print(text.replace("\\n", " "), flush=True)
            if "STOPPING" in text: break
        """
      let manager = Process()
      manager.executableURL = URL(fileURLWithPath: VaultPeer.python)
      manager.arguments = ["-c", script]
      let output = Pipe()
      manager.standardOutput = output
      try manager.run()
      _ = output.fileHandleForReading.availableData
      workplace.environment["NOTIFY_SOCKET"] = path
      workplace.environment["WATCHDOG_USEC"] = "400000"
      let daemon = try DaemonPeer(workplace)
      sleep(1)
      #expect(daemon.stop().status == 0)
      let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      manager.waitUntilExit()
      #expect(text.contains("READY=1") && text.contains("WATCHDOG=1"))
      #expect(text.contains("STOPPING=1"))
    }
  #endif
}
