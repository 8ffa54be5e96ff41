import Foundation
import IPC
import TestSupport
import Testing
import Yams

/// `install` over the settings of Codex, Gemini CLI and Cursor: what people have there stays, byte for
/// byte, both ways.
@Suite(.blocking) struct AgentInstallTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  /// Files as people have them: Codex's two, Cursor's two.
  static let homes: [[String: String]] = [
    [:],
    [".codex/config.toml": "", ".cursor/hooks.json": "", ".cursor/mcp.json": "{}"],
    [
      ".codex/config.toml": "model = \"gpt-6\"\n\n[profiles.x]\nmodel = \"o\"",
      ".codex/hooks.json":
        #"{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"say done"}]}]}}"#,
      ".cursor/hooks.json":
        "{\n\t\"version\": 1,\n\t\"hooks\": {\n\t\t\"stop\": [{ \"command\": \"./x.sh\" }]\n\t}\n}\n",
      ".cursor/mcp.json":
        "{ \"mcpServers\": { \"other\": { \"url\": \"https://mcp.example.org\" } } }",
    ],
    [
      ".codex/config.toml": "# mine\r\nnotify = [\"say\"]\r\n",
      ".codex/hooks.json": "{\"description\": \"\u{1F600}\", \"hooks\": { }}\n\n",
      ".cursor/hooks.json": "{\"hooks\": {\"sessionStart\": []}}",
    ],
    // Hooks in the configuration itself: ours go there, too.
    [
      ".codex/config.toml":
        "[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = \"command\"\ncommand = \"say done\"\n"
    ],
  ]

  @Test(arguments: homes) func whatIsThere_stays(files: [String: String]) throws {
    for folder in [".codex", ".cursor", ".gemini"] {
      try FileManager.default.createDirectory(
        atPath: place.path + "/" + folder, withIntermediateDirectories: true)
    }
    for (name, text) in files { try place.write(text, to: name) }
    let before = try everything()

    let dry = try place.run("install", "--all", "--dry-run")
    #expect(dry.status == 0 && dry.output.contains("nothing was changed"))
    #expect(try everything() == before)

    let first = try place.run("install", "codex", "gemini", "cursor")
    #expect(first.status == 0, "\(first.errorOutput)")
    #expect(first.output.contains("/hooks"))
    let installed = try everything()
    let config = try #require(installed[".codex/config.toml"])
    #expect(config.contains("[mcp_servers.memoryd]\ncommand = \"/"))
    #expect(config.hasPrefix(files[".codex/config.toml"] ?? ""))
    let keepsHooksThere = files[".codex/config.toml"]?.contains("[[hooks") == true
    #expect(config.contains("canary --agent codex") == keepsHooksThere)
    #expect((installed[".codex/hooks.json"] == nil) == keepsHooksThere)
    if !keepsHooksThere { try checkCodexHooks() }
    try checkCursorHooks()
    try checkExtension()

    let again = try place.run("install", "--all", "--json")
    #expect((try again.json()["changed"] as? [Any])?.isEmpty == true)
    #expect(try everything() == installed)

    #expect(try place.run("install", "--all", "--uninstall").status == 0)
    #expect(try everything() == before)
    let folders = try FileManager.default.subpathsOfDirectory(atPath: place.path + "/.gemini")
    #expect(folders.isEmpty)
  }

  @Test func whatSomebodyAddedSince_stays() throws {
    try place.write("model = \"a\"\n", to: ".codex/config.toml")
    #expect(try place.run("install", "codex").status == 0)
    let config = try text(".codex/config.toml")
    try place.write(config + "\n[profiles.y]\nmodel = \"b\"\n", to: ".codex/config.toml")
    let hooks = try text(".codex/hooks.json")
    try place.write(
      hooks.replacingOccurrences(
        of: "\"PreCompact\": [", with: "\"PreToolUse\": [], \"PreCompact\": ["),
      to: ".codex/hooks.json")
    #expect(try place.run("install", "codex", "--uninstall").status == 0)
    let left = try text(".codex/config.toml")
    #expect(left.contains("[profiles.y]\nmodel = \"b\"\n") && left.hasPrefix("model = \"a\"\n"))
    #expect(!left.contains("memoryd"))
    let hooksLeft = try text(".codex/hooks.json")
    #expect(hooksLeft.contains("PreToolUse") && !hooksLeft.contains("memoryd"))
  }

  /// Tables below a key that is one value would make the document invalid as a whole.
  @Test(arguments: [
    "mcp_servers = { other = { command = \"x\" } }\n", "model = \"a\"\n\"mcp_servers\" = {}",
  ])
  func inlineTable_isRefused(config: String) throws {
    try place.write(config, to: ".codex/config.toml")
    let before = try everything()
    let result = try place.run("install", "codex")
    #expect(result.status != 0 && result.errorOutput.contains("mcp_servers"))
    #expect(try everything() == before)
  }

  @Test(arguments: [
    "mcp_servers.memoryd.command = \"/elsewhere/memoryd\"\n",
    "[mcp_servers]\nmemoryd = { command = \"/elsewhere/memoryd\" }\n",
    "[mcp_servers]\nmemoryd.command = \"/elsewhere/memoryd\"\n",
    "[mcp_servers.'memoryd']\ncommand = \"/elsewhere/memoryd\"\n",
  ])
  func serverInOtherWords_stays(config: String) throws {
    try place.write(config, to: ".codex/config.toml")
    #expect(try place.run("install", "codex").status == 0)
    #expect(try text(".codex/config.toml") == config)
  }

  @Test func filesOfThePersonsOwn_stay() throws {
    let own = [
      ".agents/skills/memoryd-handoff/SKILL.md": "MINE",
      ".gemini/extensions/memoryd/gemini-extension.json": "{\"name\": \"other\"}",
    ]
    for (name, text) in own { try place.write(text, to: name) }
    #expect(try place.run("install", "codex", "gemini").status == 0)
    #expect(try place.run("install", "codex", "gemini", "--uninstall").status == 0)
    #expect(try place.run("install", "codex", "gemini", "--uninstall").status == 0)
    #expect(try everything() == own)
  }

  /// Their next table would get keys that were ours.
  @Test func blockThatSomebodyWentOnWith_staysAndIsTold() throws {
    #expect(try place.run("install", "codex").status == 0)
    let config = try text(".codex/config.toml") + "startup_timeout_sec = 20\n"
    try place.write(config, to: ".codex/config.toml")
    let result = try place.run("install", "codex", "--uninstall")
    #expect(try text(".codex/config.toml") == config)
    #expect(result.output.contains("config.toml calls memoryd still"))
  }

  @Test func bytesThatAreNoText_areRefused() throws {
    let path = place.path + "/.codex/config.toml"
    try place.write("", to: ".codex/config.toml")
    let bytes = Data([0x23, 0xE9, 0x0A])
    try bytes.write(to: URL(fileURLWithPath: path))
    let result = try place.run("install", "codex")
    #expect(result.status != 0 && result.errorOutput.contains("UTF-8"))
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
  }

  @Test func brokenSettings_areRefused_andNothingIsChanged() throws {
    try place.write("{\"hooks\": {", to: ".codex/hooks.json")
    let before = try everything()
    let result = try place.run("install", "codex")
    #expect(result.status != 0 && result.errorOutput.contains("hint: mend it first"))
    #expect(try everything() == before)
  }

  @Test func ownServerOfThePersons_stays() throws {
    let config = "[ mcp_servers.memoryd ]\ncommand = \"/elsewhere/memoryd\"\nargs = [\"mcp\"]\n"
    try place.write(config, to: ".codex/config.toml")
    #expect(try place.run("install", "codex").status == 0)
    #expect(try text(".codex/config.toml") == config)
  }

  @Test func all_isOnlyWhoIsThere() throws {
    try FileManager.default.createDirectory(
      atPath: place.path + "/.cursor", withIntermediateDirectories: true)
    let result = try place.run("install", "--all", "--json")
    let changed = try #require(try result.json()["changed"] as? [[String: Any]])
    #expect(Set(changed.compactMap { $0["agent"] as? String }) == ["cursor"])
    #expect(try place.run("install").status == 64)
    #expect(try place.run("install", "nobody").status == 64)
  }

  // MARK: What stands there

  private func checkCodexHooks() throws {
    let hooks = try #require(try json(".codex/hooks.json")["hooks"] as? [String: Any])
    for event in ["SessionStart", "PreCompact", "PostCompact", "Stop", "SessionEnd"] {
      let groups = try #require(hooks[event] as? [[String: Any]])
      let calls = groups.flatMap { $0["hooks"] as? [[String: Any]] ?? [] }
      let ours = try #require(
        calls.first { ($0["command"] as? String)?.hasSuffix("--agent codex") == true })
      #expect(ours["type"] as? String == "command" && ours["args"] == nil)
      #expect(try #require(ours["timeout"] as? Int) <= 10)
      #expect((ours["additionalContextLimit"] != nil) == (event == "SessionStart"))
    }
  }

  private func checkCursorHooks() throws {
    let object = try json(".cursor/hooks.json")
    #expect(object["version"] as? Int == 1)
    let hooks = try #require(object["hooks"] as? [String: [[String: Any]]])
    for event in ["sessionStart", "preCompact", "stop", "sessionEnd"] {
      let commands = hooks[event]?.compactMap { $0["command"] as? String } ?? []
      #expect(commands.count { $0.hasSuffix("--agent cursor") } == 1)
    }
    let servers = try #require(try json(".cursor/mcp.json")["mcpServers"] as? [String: Any])
    #expect((servers["memoryd"] as? [String: Any])?["args"] as? [String] == ["mcp"])
  }

  private func checkExtension() throws {
    let folder = ".gemini/extensions/memoryd/"
    let manifest = try json(folder + "gemini-extension.json")
    #expect(manifest["name"] as? String == "memoryd" && manifest["hooks"] == nil)
    let hooks = try #require(
      try json(folder + "hooks/hooks.json")["hooks"] as? [String: [[String: Any]]])
    #expect(
      Set(hooks.keys) == ["SessionStart", "BeforeAgent", "PreCompress", "AfterAgent", "SessionEnd"])
    for groups in hooks.values {
      let call = try #require((groups.first?["hooks"] as? [[String: Any]])?.first)
      // Milliseconds.
      #expect(try #require(call["timeout"] as? Int) >= 2000)
    }
  }

  @Test func commands_areInEachAgentsForm() throws {
    #expect(try place.run("install", "codex", "gemini").status == 0)
    for name in PluginTests.names {
      let skill = try text(".agents/skills/memoryd-\(name)/SKILL.md")
      let parts = skill.components(separatedBy: "---\n")
      let front = try #require(try Yams.load(yaml: parts[1]) as? [String: String])
      #expect(front["name"] == "memoryd-\(name)" && front.keys.count == 2)
      let toml = try text(".gemini/extensions/memoryd/commands/memoryd/\(name).toml")
      #expect(toml.hasPrefix("description = \""))
      #expect(toml.components(separatedBy: "'''").count == 3)
      #expect(toml.contains("!{memoryd ") && toml.hasSuffix("\n'''\n"))
      for text in [skill, toml] {
        #expect(!text.contains("CLAUDE_") && !text.contains("$ARGUMENTS") && !text.contains("!`"))
        // Each command is one that memoryd has.
        for line in text.matches(of: /(?:!\{|sh\n)memoryd ([a-z]+)/) {
          #expect(
            Relay.commands.contains(String(line.1)) || ["handoff", "ledger"].contains(line.1))
        }
      }
    }
  }

  /// A program in Codex's place that answers as its app-server does, or not at all.
  @Test(arguments: [
    ("trusted", true, true), ("managed", true, true), ("untrusted", true, false),
    ("modified", true, false), ("trusted", false, false),
  ])
  func doctor_tellsWhetherCodexRunsTheHooks(trust: String, isEnabled: Bool, isGood: Bool) throws {
    #expect(try check() == nil)
    #expect(try place.run("install", "codex").status == 0)
    #expect(try check()?["detail"] as? String == nil || check()?["ok"] as? Bool == true)
    try codex(
      """
      read line; echo '{"id":1,"result":{}}'; read line; read line
      case "$line" in *hooks/list*) ;; *) exit 1;; esac
      echo '{"method":"note"}'
      echo '{"id":2,"result":{"data":[{"hooks":[{"eventName":"Stop","command":"memoryd checkpoint \
      --agent codex","enabled":\(isEnabled),"trustStatus":"\(trust)"}]}]}}'
      sleep 9
      """)
    let seen = try #require(try check())
    #expect(seen["ok"] as? Bool == isGood, "\(seen)")
    if !isGood {
      #expect((seen["hint"] as? String)?.contains("/hooks") == true)
      #expect((seen["detail"] as? String)?.contains(isEnabled ? trust : "disabled") == true)
    }
  }

  @Test func doctor_whenCodexSaysNothing_saysSo() throws {
    #expect(try place.run("install", "codex").status == 0)
    try codex("exit 3")
    #expect(try check()?["state"] as? String == "none")
    try place.write("{}", to: ".codex/hooks.json")
    try place.write("x = 1 # --agent codex\n", to: ".codex/config.toml")
    #expect((try check()?["hint"] as? String)?.contains("install codex") == true)
  }

  private func codex(_ script: String) throws {
    try place.write("#!/bin/sh\n" + script, to: "bin/codex")
    chmod(place.path + "/bin/codex", 0o755)
  }

  private func check() throws -> [String: Any]? {
    let path = place.path + "/bin:" + (place.environment["PATH"] ?? "")
    let checks = try place.run("doctor", "--json", environment: ["PATH": path]).json()["checks"]
    return (checks as? [[String: Any]])?.first { $0["name"] as? String == "codex hooks" }
  }

  // MARK: Support

  private func text(_ name: String) throws -> String {
    String(
      decoding: try Data(contentsOf: URL(fileURLWithPath: place.path + "/" + name)), as: UTF8.self)
  }

  private func json(_ name: String) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(text(name).utf8)) as? [String: Any])
  }

  /// The agents' files and what stands in them, without copies.
  private func everything() throws -> [String: String] {
    var files: [String: String] = [:]
    for folder in [".agents", ".codex", ".cursor", ".gemini"] {
      let names = FileManager.default.enumerator(atPath: place.path + "/" + folder)
      while let name = names?.nextObject() as? String {
        let path = folder + "/" + name
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(
          atPath: place.path + "/" + path, isDirectory: &isFolder)
        if !exists || isFolder.boolValue || name.contains(".before-memoryd-") { continue }
        files[path] = try text(path)
      }
    }
    return files
  }
}
