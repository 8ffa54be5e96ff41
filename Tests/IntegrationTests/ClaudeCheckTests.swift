import Foundation
import TestSupport
import Testing

/// Claude Code's files in a home of their own.
struct ClaudeHome {
  let workplace: Workplace

  init() throws {
    workplace = try Workplace()
    try workplace.write("{}\n", to: ".claude/settings.json")
  }

  var settings: String { workplace.path + "/.claude/settings.json" }
  var state: String { workplace.path + "/.claude.json" }

  /// The bytes as they stand: `String(contentsOfFile:)` takes a byte order mark away.
  func text(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
  }

  func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  func json(_ path: String) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
        as? [String: Any])
  }

  @discardableResult
  func install(_ more: String...) throws -> MemorydProcess.Result {
    try workplace.run(["install", "claude"] + more)
  }

  struct Seen {
    var status: Int32
    var checks: [String: [String: Any]]

    func state(_ name: String) -> String { checks[name]?["state"] as? String ?? "" }
    func detail(_ name: String) -> String { checks[name]?["detail"] as? String ?? "" }
  }

  func doctor(_ more: String...) throws -> Seen {
    let result = try workplace.run(["doctor", "--json"] + more)
    let checks = try #require(try result.json()["checks"] as? [[String: Any]])
    return Seen(
      status: result.status,
      checks: Dictionary(checks.map { ($0["name"] as? String ?? "", $0) }) { first, _ in first })
  }

  func change(_ path: String, _ old: String, _ new: String) throws {
    let text = try text(path)
    #expect(text.contains(old), "\(old)")
    try write(text.replacingOccurrences(of: old, with: new), to: path)
  }
}

/// What doctor says of hooks and servers that are there, and do not do what they should.
@Suite(.blocking) struct ClaudeCheckTests {
  private let home: ClaudeHome

  init() throws {
    home = try ClaudeHome()
    try home.install()
  }

  private var program: String { MemorydProcess.executable }

  // MARK: Hooks

  /// A change of what `install` wrote, and what is said of it.
  static let spoilt: [(old: String, new: String, said: String)] = [
    (
      #""SessionStart": [\#n      {"#, #""SessionStart": [{"matcher": "resume","#,
      "SessionStart away at startup, clear, compact"
    ),
    (
      #""PreCompact": [\#n      {"#, #""PreCompact": [{"matcher": "manual","#,
      "PreCompact away at auto"
    ),
    (
      #""PostCompact": [\#n      {"#, #""PostCompact": [{"matcher": "^auto$","#,
      "PostCompact away at manual"
    ),
    (
      #""SessionEnd": [\#n      {"#, #""SessionEnd": [{"matcher": "Other","#,
      "SessionEnd away at clear"
    ),
    (#""SessionStart": [\#n      {"#, #""SessionStart": [{"matcher": 5,"#, "away at startup"),
    (#""SessionStart": [\#n      {"#, #""SessionStart": [{"matcher": "(","#, "away at startup"),
    (#""type": "command""#, #""type": "prompt""#, "its type is prompt"),
    (#""type": "command","#, "", "it has no type"),
    (#""type": "command","#, #""type": "command", "if": "Bash(*)","#, "`if` is for tools"),
    (
      #""args": ["canary"],"#, #""args": ["canary"], "async": true,"#,
      "what it says comes too late"
    ),
    (#""timeout": 5"#, #""timeout": 0.005"#, "its timeout"),
    (#""timeout": 5"#, #""timeout": "5""#, "its timeout"),
  ]

  @Test(arguments: 0..<spoilt.count) func hookThatDoesNotRun_isTold(number: Int) throws {
    let spoilt = Self.spoilt[number]
    #expect(try home.doctor().state("claude hooks") == "ok")
    try home.change(home.settings, spoilt.old, spoilt.new)
    let seen = try home.doctor()
    #expect(seen.status == 74 && seen.state("claude hooks") == "bad")
    #expect(seen.detail("claude hooks").contains(spoilt.said), "\(seen.detail("claude hooks"))")
    #expect(try home.doctor("--fix").state("claude hooks") == "ok")
    // What is mended is memoryd's, and goes with it.
    try home.install("--uninstall")
    #expect(try !home.text(home.settings).contains("memoryd"))
  }

  /// Matchers that let everything through that is needed.
  @Test(arguments: [
    "", "*", "startup|resume|clear|compact", "startup, resume, clear, compact", ".*", "st|re|c.",
  ]) func matcherThatKeepsNothingAway_isFine(matcher: String) throws {
    try home.change(
      home.settings, #""SessionStart": [\#n      {"#,
      #""SessionStart": [{"matcher": "\#(matcher)","#)
    let seen = try home.doctor()
    #expect(seen.state("claude hooks") == "ok", "\(seen.detail("claude hooks"))")
  }

  @Test func severalGroups_coverTogether() throws {
    func group(_ matcher: String) -> String {
      #"{"matcher": "\#(matcher)", "hooks": [{"type": "command", "command": "\#(program) canary"}]}"#
    }
    var settings = try home.json(home.settings)
    var hooks = try #require(settings["hooks"] as? [String: Any])
    hooks["SessionStart"] = try JSONSerialization.jsonObject(
      with: Data("[\(group("startup|resume")), \(group("clear|compact"))]".utf8))
    settings["hooks"] = hooks
    try JSONSerialization.data(withJSONObject: settings)
      .write(to: URL(fileURLWithPath: home.settings))
    #expect(try home.doctor().state("claude hooks") == "ok")
    try home.change(home.settings, "clear|compact", "startup|clear|compact")
    let seen = try home.doctor()
    #expect(seen.state("claude hooks") == "ok", "the same line runs once")
  }

  /// Lines as people write them for a shell.
  @Test(arguments: [
    "%P canary", "'%P' canary", "\"%P\" canary 2>/dev/null", "%P canary || true",
    "X=1 %P canary", "cd /tmp && %P canary", "exec %P canary --json", "timeout 5 %P canary",
    "if test -x %P; then %P canary; fi", "env -u X MEMORYD_LOG=1 nice -n 5 %P canary",
    "sh -c '%P canary'",
    "~/bin/memoryd canary", "$HOME/bin/memoryd canary", "\"${HOME}/bin/memoryd\" canary # start",
  ]) func lineForAShell_isUnderstood(line: String) throws {
    try home.workplace.write("", to: "bin/x")
    symlink(program, home.workplace.path + "/bin/memoryd")
    let command = line.replacingOccurrences(of: "%P", with: program)
      .replacingOccurrences(of: "\"", with: "\\\"")
    try home.change(
      home.settings,
      "\"command\": \"\(program)\",\n            \"args\": [\"canary\"],",
      "\"command\": \"\(command)\",")
    let seen = try home.doctor()
    #expect(seen.state("claude hooks") == "ok", "\(seen.detail("claude hooks"))")
    // What is more than a call of memoryd is the person's.
    let before = try home.text(home.settings)
    #expect(try home.install().status == 0)
    let isPlain =
      ["%P canary", "'%P' canary"].contains(line) || line.hasSuffix("bin/memoryd canary")
    #expect(try (home.text(home.settings) == before) == !isPlain)
    // A program that is gone is told, wherever it stands in the line.
    let gone = command.replacingOccurrences(of: program, with: "/gone/memoryd")
      .replacingOccurrences(of: "/bin/memoryd", with: "/gone/memoryd")
    try home.write(before.replacingOccurrences(of: command, with: gone), to: home.settings)
    #expect(try home.doctor().detail("claude hooks").contains("gone/memoryd is not there"))
  }

  /// Claude Code passes over a file that it does not understand.
  @Test(arguments: [
    (#""Stop": {}"#, "hooks.Stop in"), (#""Stop": [{"command": "x"}]"#, "hooks.Stop[0] in"),
    (#""Other": [{"hooks": ["x"]}]"#, "hooks.Other[0] in"),
  ]) func hooksOfAnotherShape_areToldAndLeftAlone(text: String, said: String) throws {
    try home.change(home.settings, "\n    ]\n  }", "\n    ],\n    \(text)\n  }")
    let document = try home.text(home.settings)
    let seen = try home.doctor("--fix")
    #expect(seen.state("claude hooks") == "bad")
    #expect(seen.detail("claude hooks").contains(said), "\(seen.detail("claude hooks"))")
    #expect(try home.text(home.settings) == document)
  }

  /// With options a hook is the person's; where it was memoryd's, it goes with it all the same.
  @Test func hookWithOptions_isLeftAlone() throws {
    try home.change(
      home.settings, #"["canary"]"#, #"["canary", "--home", "\#(home.workplace.home)"]"#)
    let document = try home.text(home.settings)
    #expect(try home.doctor().status == 0)
    #expect(try home.install().status == 0)
    #expect(try home.text(home.settings) == document)
    try home.install("--uninstall")
    #expect(try home.text(home.settings) == "{}\n")
  }

  /// The same call in two forms is not the same line to Claude Code.
  @Test func twoForms_areTold() throws {
    try home.change(
      home.settings, #""Stop": ["#,
      #""Stop": [{"hooks": [{"type": "command", "command": "\#(program) checkpoint"}]},"#)
    #expect(try home.doctor().detail("claude hooks").contains("2 times at Stop"))
  }

  @Test func folderThatSwitchesOnAgain_isNotOff() throws {
    try home.workplace.write(#"{"disableAllHooks": true}"#, to: "repo/.claude/settings.json")
    try home.workplace.write(
      #"{"disableAllHooks": false}"#, to: "repo/.claude/settings.local.json")
    #expect(try home.doctor().status == 0)
    try home.change(
      home.settings, "{\n  \"hooks\"", "{\n  \"disableAllHooks\": true,\n  \"hooks\"")
    #expect(try home.doctor().detail("claude switch").contains("elsewhere no hook is called"))
  }

  @Test func callThatMemorydDoesNotKnow_isTold() throws {
    try home.change(home.settings, #"["canary"]"#, #"["canry"]"#)
    let seen = try home.doctor()
    #expect(seen.detail("claude hooks").contains("missing: SessionStart"))
    #expect(seen.detail("claude hooks").contains("does not know"))
  }

  @Test func hooksOfTheFolder_areTold() throws {
    let own = try home.text(home.settings)
    try home.workplace.write(own, to: "repo/.claude/settings.json")
    var seen = try home.doctor()
    #expect(seen.state("claude hooks") == "bad")
    #expect(seen.detail("claude hooks").contains("2 times"))
    #expect(seen.detail("claude hooks").contains("repo/.claude/settings.json"))
    // --fix leaves a repository's files alone.
    _ = try home.doctor("--fix")
    #expect(try home.text(home.workplace.repository + "/.claude/settings.json") == own)
    // There alone they are well.
    try home.write("{}", to: home.settings)
    seen = try home.doctor()
    #expect(seen.state("claude hooks") == "ok")
    #expect(seen.detail("claude hooks").contains("in this folder only"))

    try home.write(own, to: home.settings)
    try home.workplace.write(
      #"{"disableAllHooks": true}"#, to: "repo/.claude/settings.local.json")
    try home.workplace.write("{}", to: "repo/.claude/settings.json")
    seen = try home.doctor()
    #expect(seen.state("claude switch") == "bad")
    #expect(seen.detail("claude switch").contains("settings.local.json: no hook is called"))
    try home.workplace.write("{,}", to: "repo/.claude/settings.local.json")
    #expect(try home.doctor().detail("claude switch").contains("no valid JSON"))
    try home.workplace.write("{}", to: "repo/.claude/settings.local.json")
    seen = try home.doctor()
    #expect(seen.status == 0, "\(seen.checks)")
  }

  @Test func repositorysProgram_isNotRun() throws {
    let trap = home.workplace.repository + "/bin/memoryd"
    try home.workplace.write(
      "#!/bin/sh\ntouch \"\(home.workplace.path)/ran\"\necho 9.9.9\n", to: "repo/bin/memoryd")
    chmod(trap, 0o755)
    for command in [trap, "./bin/memoryd", "$CLAUDE_PROJECT_DIR/bin/memoryd"] {
      try home.workplace.write(
        """
        {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "\(command) checkpoint"}]}]}}
        """, to: "repo/.claude/settings.json")
      try home.workplace.write(
        #"{"mcpServers": {"memoryd": {"command": "\#(command)", "args": ["mcp"]}}}"#,
        to: "repo/.mcp.json")
      try home.workplace.write(
        #"{"enableAllProjectMcpServers": true}"#, to: "repo/.claude/settings.local.json")
      let seen = try home.doctor()
      #expect(seen.detail("claude hooks").contains("2 times"))
      #expect(!FileManager.default.fileExists(atPath: home.workplace.path + "/ran"), "\(command)")
    }
  }

  @Test func homeFolder_isNotLookedAtTwice() throws {
    let result = try MemorydProcess(
      ["doctor", "--json"], input: nil, environment: home.workplace.environment,
      cwd: home.workplace.path
    ).finish()
    #expect(result.status == 0, "\(result.output)")
  }

  @Test func pluginAndHooks_areTold() throws {
    try home.change(
      home.settings, "{\n  \"hooks\"", "{\n  \"enabledPlugins\": {\"memoryd@x\": true}, \"hooks\"")
    #expect(try home.doctor().detail("claude hooks").contains("the plugin calls memoryd, too"))
    // The folder's word counts before the person's.
    try home.workplace.write(
      #"{"enabledPlugins": {"memoryd@x": false}}"#, to: "repo/.claude/settings.json")
    #expect(try home.doctor().state("claude hooks") == "ok")
  }

  @Test func storeOfAnotherFolder_isTold() throws {
    try home.change(
      home.settings, "{\n  \"hooks\"", "{\n  \"env\": {\"MEMORYD_HOME\": \"/else\"}, \"hooks\"")
    let seen = try home.doctor()
    #expect(seen.state("claude home") == "bad" && seen.detail("claude home").contains("/else"))
    try home.change(home.settings, "/else", home.workplace.home)
    #expect(try home.doctor().status == 0)
  }

  // MARK: The server

  private func entry(_ text: String) throws {
    try home.write("{\"mcpServers\": {\"memoryd\": \(text)}}", to: home.state)
  }

  @Test(arguments: [
    #""args": []"#, #""args": ["mcp", "--x"]"#, #""args": ["serve"]"#, #""args": "mcp""#,
    #""args": ["mcp", 5]"#, #""env": {}"#, #""args": [ "--home", "/x" ]"#,
  ]) func serverWithOtherArguments_isToldAndMended(arguments: String) throws {
    try entry(#"{"command": "\#(program)", \#(arguments), "env": {"A": "b"}}"#)
    let seen = try home.doctor()
    #expect(seen.state("claude mcp") == "bad")
    #expect(seen.detail("claude mcp").contains("args"), "\(seen.detail("claude mcp"))")
    #expect(try home.doctor("--fix").state("claude mcp") == "ok")
    let servers = try #require(try home.json(home.state)["mcpServers"] as? [String: [String: Any]])
    #expect(servers["memoryd"]?["args"] as? [String] == ["mcp"])
    #expect(servers["memoryd"]?["env"] as? [String: String] != nil)
  }

  @Test(arguments: [
    #"["mcp"]"#, #"["mcp", "--home", "%H"]"#, #"["--home=%H", "mcp"]"#, #"[ "mcp", "--json" ]"#,
  ]) func serverThatWorks_isFineAndLeftAlone(arguments: String) throws {
    let arguments = arguments.replacingOccurrences(of: "%H", with: home.workplace.home)
    try entry(#"{"command": "\#(program)", "args": \#(arguments)}"#)
    let document = try home.text(home.state)
    let seen = try home.doctor()
    #expect(seen.state("claude mcp") == "ok", "\(seen.detail("claude mcp"))")
    #expect(try home.install().status == 0)
    #expect(try home.text(home.state) == document)
  }

  /// A way of the person's own: said as it is, and never written over.
  @Test(arguments: [
    (
      #"{"type": "http", "url": "http://127.0.0.1:7437/mcp"}"#,
      "memoryd by URL http://127.0.0.1:7437/mcp"
    ),
    (#"{"type": "sse", "url": "https://u:p@memory.test/s3cret-path?t=1"}"#, "https://memory.test"),
    (#"{"url": "http://localhost:1/mcp", "headers": {"Authorization": "Bearer x"}}"#, "by URL"),
    (#"{"command": "/bin/sh", "args": ["-c", "exec cat"]}"#, "started by /bin/sh"),
    (#"{"command": "env", "args": ["A=b", "%P", "mcp"]}"#, "the server is"),
    (#"{"command": "sh", "args": ["-c", "%P mcp 2>>/tmp/log"]}"#, "the server is"),
  ]) func serverOfTheirOwn_stays(text: String, said: String) throws {
    try entry(text.replacingOccurrences(of: "%P", with: program))
    let document = try home.text(home.state)
    let seen = try home.doctor()
    #expect(seen.state("claude mcp") != "bad" && seen.detail("claude mcp").contains(said))
    #expect(!seen.detail("claude mcp").contains("s3cret"))
    #expect(try home.install().status == 0)
    _ = try home.doctor("--fix")
    // Even with hooks that must be mended.
    try home.change(home.settings, program, "/gone/memoryd")
    #expect(try home.doctor("--fix").state("claude hooks") == "ok")
    #expect(try home.install("--uninstall").status == 0)
    #expect(try home.text(home.state) == document)
  }

  @Test(arguments: [
    (#"{"type": "http"}"#, "no url"), (#"{"command": "/gone/wrapper"}"#, "is not there"),
    (#"{"command": "no-such-program", "args": ["mcp"]}"#, "is not there"),
    (#"{"command": "env", "args": ["/gone/memoryd", "mcp"]}"#, "is not there"),
  ]) func deadServerOfTheirOwn_isToldAndStays(text: String, said: String) throws {
    try entry(text)
    let document = try home.text(home.state)
    let seen = try home.doctor("--fix")
    #expect(seen.state("claude mcp") == "bad" && seen.detail("claude mcp").contains(said))
    #expect(try home.text(home.state) == document)
  }

  @Test func serverOfTheFolder_isTold() throws {
    func state(_ project: String, _ servers: String = "{}") throws {
      try home.write(
        """
        {"mcpServers": \(servers), "projects": {"\(home.workplace.repository)": \(project)}}
        """, to: home.state)
    }
    let own = #"{"memoryd": {"command": "\#(program)", "args": ["mcp"]}}"#
    // `claude mcp add` without a scope.
    try state("{\"mcpServers\": \(own)}")
    var seen = try home.doctor()
    #expect(seen.state("claude mcp") == "ok")
    #expect(seen.detail("claude mcp").contains("in this folder only"))
    // In front of one that works.
    try state(#"{"mcpServers": {"memoryd": {"command": "/gone/memoryd", "args": ["mcp"]}}}"#, own)
    let document = try home.text(home.state)
    seen = try home.doctor("--fix")
    #expect(seen.state("claude mcp") == "bad")
    #expect(seen.detail("claude mcp").contains("in front of"))
    #expect(try home.text(home.state) == document)
    try state(#"{"disabledMcpServers": ["other", "memoryd"]}"#, own)
    #expect(try home.doctor().detail("claude mcp").contains("switched off in this folder"))
    try state(#"{"disabledMcpServers": ["other"]}"#, own)
    #expect(try home.doctor().state("claude mcp") == "ok")

    // The repository's own.
    try home.workplace.write("{\"mcpServers\": \(own)}", to: "repo/.mcp.json")
    try state("{}")
    #expect(try home.doctor().detail("claude mcp").contains("nobody has approved it"))
    try state(#"{"disabledMcpjsonServers": ["memoryd"]}"#)
    #expect(try home.doctor().detail("claude mcp").contains("disabledMcpjsonServers"))
    try state(#"{"enabledMcpjsonServers": ["memoryd"]}"#)
    #expect(try home.doctor().detail("claude mcp").contains("of this repository"))
    try state("{}", own)
    seen = try home.doctor()
    #expect(seen.state("claude mcp") == "ok")
    #expect(seen.detail("claude mcp").contains("does not count"))
    try home.workplace.write(
      #"{"enableAllProjectMcpServers": true}"#, to: "repo/.claude/settings.local.json")
    #expect(try home.doctor().detail("claude mcp").contains("of this repository"))
  }

  @Test(arguments: ["[]", "null", "\"memoryd\""])
  func serversOfAnotherShape_areToldAndLeftAlone(servers: String) throws {
    let document = "{\"mcpServers\": \(servers)}"
    try home.write(document, to: home.state)
    let seen = try home.doctor("--fix")
    #expect(seen.detail("claude mcp").contains("is not what Claude Code expects"))
    #expect(try home.text(home.state) == document)
  }

  @Test func serverOfAnotherName_isFound() throws {
    try home.write(
      #"{"mcpServers": {"memory": {"command": "\#(program)", "args": ["mcp"]}}}"#, to: home.state)
    let seen = try home.doctor()
    #expect(seen.state("claude mcp") == "ok")
    #expect(seen.detail("claude mcp").contains("it is called memory"))
  }

  /// A server of `install` beside the plugin's hooks.
  @Test func movedServerWithoutHooks_isMended() throws {
    try home.write(#"{"enabledPlugins": {"memoryd@x": true}}"#, to: home.settings)
    let settings = try home.text(home.settings)
    try home.change(home.state, program, "/gone/bin/memoryd")
    #expect(try home.doctor("--fix").state("claude mcp") == "ok")
    #expect(try home.text(home.settings) == settings)
  }
}
