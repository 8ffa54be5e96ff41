import Foundation
import TestSupport
import Testing

/// `install claude --uninstall` leaves every byte as it was, whatever has become of the copies.
@Suite(.blocking) struct UninstallTests {
  private let home: ClaudeHome

  init() throws { home = try ClaudeHome() }

  static let settings = [
    "", "\n", "{}", "{ }", "\u{FEFF}{\r\n\t\"model\": \"opus\",\r\n\t\"hooks\": {\r\n\t}\r\n}\r\n",
    "{\t\"hooks\"\t:\t{ \"Stop\" : [ ] , \"PreCompact\": [\n] }\t}",
    "{\"model\":\"a\",\"model\":\"b\"}",
    "{\"hooks\": {\"Stop\": []}, \"hooks\": {}}\n\n\n",
    "{\n  \"hooks\": {\n\n  },\n  \"x\": [ ]\n}",
    // By hand: for a shell, with more in it, with a program that is gone, and in the form of `install`.
    """
    {"hooks": {
      "SessionStart": [
        {"matcher": "resume", "hooks": [{"type": "command", "command": "memoryd canary", "timeout": 30}]},
        {"hooks": [{"type": "command", "command": "memoryd canary 2>>/tmp/log"}]}],
      "PreCompact": [{"matcher": "", "hooks": [
        {"type": "command", "command": "say compact"},
        {"type": "command", "command": "/gone/memoryd", "args": ["checkpoint"], "timeout": 9}]}],
      "Stop": [{"hooks": [{"type": "command", "command": "/gone/memoryd", "args": ["checkpoint"],
        "async": true, "timeout": 10}]}],
      "SessionEnd": [
        {"matcher": "other", "hooks": [{"type": "command", "command": "/gone/memoryd session end"}]},
        {"matcher": "clear", "hooks": [{"type": "prompt", "command": "memoryd", "args": ["session", "end"]}]}],
      "UserPromptSubmit": [{"hooks": [{"type": "command", "command": "memoryd checkpoint"}]}]
    }}
    """,
  ]

  static let states = [
    "{\"mcpServers\": {}, \"projects\": {\"/x\": {\"mcpServers\": {}}}}", "{\"mcpServers\":{ \n }}",
    "{\"mcpServers\": {\"other\": {\"command\": \"x\"}}, \"numStartups\": 7}\n",
    "{\"mcpServers\": {\"memoryd\": {\"command\": \"memoryd\", \"args\": [\"mcp\"], \"env\": {}}}}",
    "{\"mcpServers\": {\"memoryd\": {\"command\": \"/gone/memoryd\", \"args\": [ ]}, \"z\": {}}}",
    "{\"mcpServers\": {\"memoryd\": {\"command\": \"memoryd mcp\"}}}",
    "{\"mcpServers\": {\"memoryd\": {}}}", "{\"mcpServers\": {\"memoryd\": null}}",
    "{\"mcpServers\": {\"memoryd\": {\"type\": \"http\", \"url\": \"http://localhost:1/mcp\"}}}",
    "{\"mcpServers\": {\"memoryd\": {\"command\": \"npx\", \"args\": [\"some-memory\"]}}}",
  ]

  /// What happens between install and uninstall.
  enum Between: CaseIterable {
    case nothing, copiesGone, recordGone, installedAgain, moved
  }

  private func happen(_ between: Between) throws {
    switch between {
    case .nothing: break
    case .copiesGone:
      for name in try copies() {
        try FileManager.default.removeItem(atPath: home.workplace.path + "/" + name)
      }
    case .recordGone: try FileManager.default.removeItem(atPath: home.workplace.home)
    case .installedAgain: try home.install()
    case .moved:
      for path in [home.settings, home.state] where try home.text(path).contains(program) {
        try home.change(path, program, "/earlier/bin/memoryd")
      }
      try home.install()
    }
  }

  private var program: String { MemorydProcess.executable }

  private func copies() throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: home.workplace.path)
      .filter { $0.contains("before-memoryd") }
  }

  @Test(arguments: settings, Between.allCases)
  func settings_areWhatTheyWere(document: String, between: Between) throws {
    try home.write(document, to: home.settings)
    #expect(try home.install().status == 0)
    #expect(try home.text(home.settings) != document)
    try happen(between)
    #expect(try home.install("--uninstall").status == 0)
    #expect(try home.text(home.settings) == document)
    #expect(!FileManager.default.fileExists(atPath: home.state))
    if between == .nothing { #expect(try copies().isEmpty) }
  }

  @Test(arguments: states, Between.allCases)
  func state_isWhatItWas(document: String, between: Between) throws {
    try home.write(document, to: home.state)
    #expect(try home.install().status == 0)
    try happen(between)
    #expect(try home.install("--uninstall").status == 0)
    #expect(try home.text(home.state) == document)
    #expect(try home.text(home.settings) == "{}\n")
  }

  /// Claude Code writes its own files anew all the time.
  @Test(
    arguments: settings.filter { $0.count > 1 && !$0.hasPrefix("{\"hooks\": {\"Stop\"") } + states)
  func fileWrittenAnew_hasWhatItHad(document: String) throws {
    let path = document.contains("mcpServers") ? home.state : home.settings
    try home.write(document, to: path)
    let before = try JSONSerialization.jsonObject(
      with: Data(document.drop { $0 == "\u{FEFF}" }.utf8))
    #expect(try home.install().status == 0)
    var after = try home.json(path)
    after["since"] = 1
    try JSONSerialization.data(withJSONObject: after, options: .prettyPrinted)
      .write(to: URL(fileURLWithPath: path))
    #expect(try home.install("--uninstall").status == 0)
    var rest = try home.json(path)
    #expect(rest.removeValue(forKey: "since") as? Int == 1)
    #expect(rest as NSDictionary == before as? NSDictionary)
  }

  @Test(arguments: [
    "{\n  // mine\n  \"model\": \"opus\"\n}", "{\"a\": 1,}", "{\"hooks\": null}", "/* x */ {}",
  ]) func whatIsNoJSON_isLeftAlone(document: String) throws {
    try home.write(document, to: home.settings)
    #expect(try home.install().status == 65)
    #expect(try home.text(home.settings) == document)
    #expect(
      !FileManager.default.fileExists(atPath: home.state)
        && FileManager.default
          .contents(atPath: home.workplace.home + "/installs.json") == nil
    )
    // Comments that came after it.
    try home.write("{}", to: home.settings)
    #expect(try home.install().status == 0)
    let commented = try "// mine\n" + home.text(home.settings)
    try home.write(commented, to: home.settings)
    #expect(try home.install("--uninstall").status == 65)
    #expect(try home.text(home.settings) == commented)
  }

  @Test func bytesThatAreNoText_areLeftAlone() throws {
    let bytes = Data("{\"a\": \"".utf8) + [0xFF, 0xFE] + Data("\"}".utf8)
    try bytes.write(to: URL(fileURLWithPath: home.settings))
    #expect(try home.install().status == 65)
    #expect(FileManager.default.contents(atPath: home.settings) == bytes)
  }

  @Test func whatInstallMade_isGone() throws {
    home.workplace.environment["CLAUDE_CONFIG_DIR"] = home.workplace.path + "/a/b/c"
    for between in [Between.nothing, .copiesGone, .installedAgain, .recordGone] {
      #expect(try home.install().status == 0)
      #expect(FileManager.default.fileExists(atPath: home.workplace.path + "/a/b/c/.claude.json"))
      try happen(between)
      #expect(try home.install("--uninstall").status == 0)
      let rest = try? FileManager.default.subpathsOfDirectory(atPath: home.workplace.path + "/a")
      #expect(between == .recordGone ? rest == ["b", "b/c"] : rest == nil, "\(between)")
    }
  }

  @Test func copyTellsWhatWasEmpty_whereTheRecordIsLost() throws {
    try home.write("{\"hooks\": {\"Stop\": [ ]}}", to: home.settings)
    try home.write("{\"mcpServers\": { }}", to: home.state)
    try home.install()
    try home.change(home.settings, "{\"hooks\"", "{\"since\": 1, \"hooks\"")
    try home.change(home.state, "{\"mcpServers\"", "{\"since\": 1, \"mcpServers\"")
    try happen(.recordGone)
    try home.install("--uninstall")
    #expect(try home.text(home.settings).contains("\"hooks\": {\"Stop\": [ ]}"))
    #expect(try home.text(home.state).contains("\"mcpServers\": { }"))
  }

  @Test func uninstallWithoutInstall_leavesWhatIsTheirs() throws {
    let document = try #require(Self.settings.last)
      .replacingOccurrences(of: "\"/gone/memoryd\", \"args\"", with: "\"memoryd\", \"args\"")
    try home.write(document, to: home.settings)
    try home.write(Self.states[8], to: home.state)
    #expect(try home.install("--uninstall").output.contains("calls memoryd still"))
    #expect(try home.text(home.settings) == document)
    #expect(try home.text(home.state) == Self.states[8])
  }

  @Test func whatCameInItsPlace_stays() throws {
    try home.install()
    try home.write(Self.states[8], to: home.state)
    try home.install("--uninstall")
    #expect(try home.text(home.state) == Self.states[8])
  }

  // MARK: Links

  @Test(arguments: ["dots/settings.json", "../dots/settings.json"])
  func linkThatLeadsNowhereYet_isWrittenThrough(target: String) throws {
    let link = target.hasPrefix("..") ? target : home.workplace.path + "/" + target
    try home.workplace.write("", to: "dots/other")
    unlink(home.settings)
    symlink(link, home.settings)
    #expect(try home.install().status == 0)
    #expect(try home.text(home.workplace.path + "/dots/settings.json").contains("canary"))
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: home.settings) == link)
    #expect(try home.install("--uninstall").status == 0)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: home.settings) == link)
    let rest = try FileManager.default.contentsOfDirectory(atPath: home.workplace.path + "/dots")
    #expect(rest == ["other"])
  }

  @Test func linkIntoAFolderThatIsNotThere_isRefused() throws {
    let link = home.workplace.path + "/not/mounted/settings.json"
    unlink(home.settings)
    symlink(link, home.settings)
    for arguments in [["--dry-run"], []] {
      let result = try home.workplace.run(["install", "claude"] + arguments)
      #expect(result.status == 65 && result.errorOutput.contains("its folder is not there"))
    }
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: home.settings) == link)
    #expect(!FileManager.default.fileExists(atPath: home.workplace.path + "/not"))
    #expect(!FileManager.default.fileExists(atPath: home.state))
    #expect(try home.install("--uninstall").output.contains("nothing of memoryd"))
    // The folder itself is such a link.
    try FileManager.default.removeItem(atPath: home.workplace.path + "/.claude")
    symlink(home.workplace.path + "/not", home.workplace.path + "/.claude")
    let result = try home.install()
    #expect(result.status == 65 && result.errorOutput.contains("leads nowhere"))
    #expect(!FileManager.default.fileExists(atPath: home.workplace.path + "/not"))
    // A link to itself.
    unlink(home.workplace.path + "/.claude")
    try home.workplace.write("{}", to: ".claude/x")
    symlink("settings.json", home.settings)
    #expect(try home.install().status != 0)
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: home.settings) == "settings.json")
  }
}
