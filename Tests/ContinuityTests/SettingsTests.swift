import TestSupport
import Testing

@testable import Continuity

@Suite(.blocking) struct SettingsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func read(
    _ yaml: String, _ environment: [String: String] = [:], isLenient: Bool = false
  ) throws -> Settings {
    let file = try folder.write(Array(yaml.utf8), to: "config.yaml")
    return try Settings(file: file, environment: environment, isLenient: isLenient)
  }

  private var file: String { folder.path + "/config.yaml" }

  private func failure(_ yaml: String, _ environment: [String: String] = [:]) throws -> CommandError
  {
    try #require(throws: CommandError.self) { try read(yaml, environment) }
  }

  // MARK: Where a value comes from

  @Test func value_whenNothingIsSet_isTheDefault() throws {
    let settings = try Settings(file: file, environment: [:], isLenient: false)
    for key in Settings.Key.allCases {
      #expect(settings[key] == key.defaultValue, "\(key)")
      #expect(settings.values[key]?.source == "default", "\(key)")
      #expect(key.complaint(about: key.defaultValue) == nil, "\(key)")
    }
    #expect(settings.complaints.isEmpty && !settings.hasVault)
    #expect(settings.integer(.vaultTimeout) == 1500 && settings.integer(.hookDeadline) == 2000)
  }

  @Test func value_whenTheFileHasIt_isTheFiles() throws {
    let settings = try read("vault:\n  url: https://vault.example.org/mcp\n  timeout_ms: 700\n")
    #expect(settings[.vaultURL] == "https://vault.example.org/mcp" && settings.hasVault)
    #expect(settings.integer(.vaultTimeout) == 700)
    #expect(settings.values[.vaultTimeout]?.source == file)
    #expect(settings.values[.vaultReadLag]?.source == "default")
  }

  @Test func value_whenTheEnvironmentHasIt_isTheEnvironments() throws {
    let settings = try read(
      "vault:\n  timeout_ms: 700\n  read_lag_ms: 5\n", ["MEMORYD_VAULT_TIMEOUT_MS": "900"])
    #expect(settings.integer(.vaultTimeout) == 900 && settings.integer(.vaultReadLag) == 5)
    #expect(settings.values[.vaultTimeout]?.source == "MEMORYD_VAULT_TIMEOUT_MS")
    #expect(settings.values[.vaultReadLag]?.source == file)
  }

  @Test func variable_whenItIsEmpty_takesTheFilesValueAway() throws {
    let settings = try read("vault.url: http://h/mcp", ["MEMORYD_VAULT_URL": ""])
    #expect(!settings.hasVault && settings.values[.vaultURL]?.source == "MEMORYD_VAULT_URL")
  }

  @Test func variable_whenItIsNoSetting_isPassedOver() throws {
    let settings = try read(
      "", ["MEMORYD_HOME": "/h", "MEMORYD_VAULT_ULR": "x", "memoryd_timezone": "Nowhere"])
    #expect(settings.values.values.allSatisfy { $0.source == "default" })
  }

  @Test(arguments: [
    ("vault.url", "MEMORYD_VAULT_URL"), ("vault.token_file", "MEMORYD_VAULT_TOKEN_FILE"),
    ("fallback.directory", "MEMORYD_FALLBACK_DIR"), ("timezone", "MEMORYD_TIMEZONE"),
    ("resume.budget_chars", "MEMORYD_RESUME_BUDGET_CHARS"),
    ("handoff.on_compact", "MEMORYD_HANDOFF_ON_COMPACT"),
    ("http.allowed_hosts", "MEMORYD_HTTP_ALLOWED_HOSTS"),
  ])
  func variable_isNamedAfterItsSetting(name: String, variable: String) throws {
    #expect(try #require(Settings.Key(rawValue: name)).variable == variable)
  }

  @Test func variables_areDifferentForEachSetting() {
    let variables = Settings.Key.allCases.map(\.variable)
    #expect(Set(variables).count == variables.count)
    #expect(variables.allSatisfy { $0.hasPrefix("MEMORYD_") && $0.count > 8 })
  }

  @Test func secrets_areTheTokensAlone() {
    #expect(Settings.Key.allCases.filter(\.isSecret) == [.vaultToken, .httpToken])
  }

  @Test(
    arguments: [
      ("", []), (",", []), ("a", ["a"]), (" a , b,,\tc\t", ["a", "b", "c"]), ("a b", ["a b"]),
    ] as [(String, [String])])
  func list_isWhatStandsBetweenCommas(text: String, parts: [String]) throws {
    let settings = try read("", ["MEMORYD_HTTP_ALLOWED_HOSTS": text])
    #expect(settings.list(.httpAllowedHosts) == parts)
  }

  // MARK: Values

  @Test(
    arguments: [
      (.vaultURL, "HTTP://h/mcp"), (.vaultURL, ""), (.vaultProjects, "none"),
      (.vaultProjects, "a, b"), (.vaultAuth, "path"), (.vaultTimeout, "1"),
      (.vaultTimeout, "60000"),
      (.vaultReadLag, "0"), (.vaultReadLag, "3600000"), (.vaultProxy, "none"), (.vaultProxy, ""),
      (.vaultProxy, "socks5://p:1080"), (.redactionEnabled, "false"), (.resumeBudget, "300"),
      (.contextStartup, "brief"), (.contextClear, "full"),
      (.timezone, "CET-1CEST,M3.5.0,M10.5.0/3"),
      (.timezone, "UTC"), (.timezone, ""), (.hookDeadline, "100"), (.hookDeadline, "60000"),
      (.handoffOnCompact, "file"), (.httpListen, "127.0.0.1:7437"), (.httpListen, "[::1]:0"),
      (.httpToken, "0123456789abc-._~"), (.httpToken, ""), (.vaultToken, "any thing"),
    ] as [(Settings.Key, String)])
  func value_whenItFits_isTaken(key: Settings.Key, value: String) throws {
    let settings = try read("", [key.variable: value])
    #expect(settings[key] == value && settings.values[key]?.source == key.variable)
  }

  private static let whole = "must be a whole number from "

  @Test(
    arguments: [
      (.vaultTimeout, "0", whole + "1 to 60000 (ms)"),
      (.vaultTimeout, "60001", whole + "1 to 60000 (ms)"),
      (.vaultTimeout, "1.5", whole + "1 to 60000 (ms)"),
      (.vaultTimeout, " 5", whole + "1 to 60000 (ms)"),
      (.vaultTimeout, "1_500", whole + "1 to 60000 (ms)"),
      (.vaultTimeout, "", whole + "1 to 60000 (ms)"),
      (.vaultTimeout, "99999999999999999999", whole + "1 to 60000 (ms)"),
      (.vaultReadLag, "-1", whole + "0 to 3600000 (ms)"),
      (.resumeBudget, "299", whole + "300 to 9500 (UTF-16 units)"),
      (.resumeBudget, "lots", whole + "300 to 9500 (UTF-16 units)"),
      (.hookDeadline, "99", whole + "100 to 60000 (ms)"),
      (.contextStartup, "long", "must be auto, full, brief, line or off"),
      (.contextResume, "auto", "must be full, brief, line or off"),
      (.contextClear, "Line", "must be full, brief, line or off"),
      (.vaultProjects, " , ", "must be all, none, or projects' names with commas between them"),
      (.vaultAuth, "basic", "must be bearer or path"),
      (.handoffOnCompact, "true", "must be store, file or off"),
      (.redactionEnabled, "yes", "must be true or false"),
      (
        .timezone, "Mars/Olympus",
        "must be a time zone, as in Europe/Berlin, UTC or CET-1CEST,M3.5.0,M10.5.0/3"
      ),
      (.vaultURL, "vault.example.org", "must be an http or https URL"),
      (.vaultURL, "ftp://h/", "must be an http or https URL"),
      (.vaultProxy, "://", "must be a proxy's URL, or none"),
      (.httpListen, "7437", "must be ADDRESS:PORT, as in 127.0.0.1:7437"),
      (.httpListen, "::1:7437", "must be ADDRESS:PORT, as in 127.0.0.1:7437"),
      (.httpListen, "h:65536", "must be ADDRESS:PORT, as in 127.0.0.1:7437"),
      (.httpToken, "fifteen-letters", "must be at least 16 letters, digits or -._~"),
      (.httpToken, "a token with spaces", "must be at least 16 letters, digits or -._~"),
    ] as [(Settings.Key, String, String)])
  func value_whenItDoesNotFit_isRefusedByItsName(
    key: Settings.Key, value: String, complaint: String
  ) throws {
    let error = try failure("", [key.variable: value])
    #expect(error.message == "\(key.rawValue) (\(key.variable)) \(complaint)")
    #expect(error.exitCode == .badConfiguration && error.code == "bad_configuration")
    // The same from the file, where the place is the file's name.
    let inFile = try failure("\(key.rawValue): \"\(value)\"")
    #expect(inFile.message == "\(key.rawValue) (\(file)) \(complaint)")
  }

  @Test func token_whenItIsRefused_isNotRepeated() throws {
    let error = try failure("", ["MEMORYD_HTTP_TOKEN": "s3cret"])
    #expect(!error.text.contains("s3cret"))
  }

  // MARK: Lenient reading

  @Test func lenientReading_whenValuesAreWrong_takesTheRest() throws {
    let settings = try read(
      "vault:\n  timeout_ms: soon\n  read_lag_ms: 7\nno_such: 1\nresume:\n  budget_chars: 2000\n",
      ["MEMORYD_HOOKS_DEADLINE_MS": "1", "MEMORYD_VAULT_AUTH": "path"], isLenient: true)
    #expect(settings[.vaultTimeout] == "1500" && settings[.vaultReadLag] == "7")
    #expect(settings[.resumeBudget] == "2000" && settings[.hookDeadline] == "2000")
    #expect(settings[.vaultAuth] == "path")
    #expect(settings.values[.vaultTimeout]?.source == "default")
    #expect(
      settings.complaints == [
        "vault.timeout_ms (\(file)) must be a whole number from 1 to 60000 (ms)",
        "unknown setting no_such in \(file)",
        "hooks.deadline_ms (MEMORYD_HOOKS_DEADLINE_MS) must be a whole number from 100 to 60000 (ms)",
      ])
  }

  @Test func lenientReading_whenTheVariableIsWrong_keepsTheFilesValue() throws {
    let settings = try read(
      "vault.timeout_ms: 700", ["MEMORYD_VAULT_TIMEOUT_MS": "soon"], isLenient: true)
    #expect(settings[.vaultTimeout] == "700" && settings.complaints.count == 1)
  }

  @Test func lenientReading_whenTheFileIsBroken_takesTheEnvironment() throws {
    let settings = try read("vault: [", ["MEMORYD_VAULT_TIMEOUT_MS": "900"], isLenient: true)
    #expect(settings[.vaultTimeout] == "900")
    #expect(settings.complaints == ["\(file) is not valid YAML"])
  }

  // MARK: The file

  @Test(arguments: [
    "", "\n", "# nothing but a comment\n", "vault:\n", "vault: ~\n", "vault:\n  url:\n",
    "vault:\n  url: null\n", "vault: {}\n", "{}",
  ])
  func file_whenItSetsNothing_leavesTheDefaults(yaml: String) throws {
    let settings = try read(yaml)
    #expect(settings.values.values.allSatisfy { $0.source == "default" })
  }

  @Test(arguments: [
    "vault:\n  timeout_ms: 700\n", "vault.timeout_ms: 700", "{vault: {timeout_ms: 700}}",
    "vault:\n  'timeout_ms': \"700\" # ms\n", "---\nvault: {\"timeout_ms\": 700}\n...\n",
    "vault:\r\n  timeout_ms: 700\r\n", "\u{FEFF}vault:\n  timeout_ms: 700\n",
    "vault:\n  read_lag_ms: &lag 700\n  timeout_ms: *lag\n",
    "vault:\n  timeout_ms: >-\n    700\n",
  ])
  func file_inEveryWayToWriteIt_isRead(yaml: String) throws {
    let settings = try read(yaml)
    #expect(settings[.vaultTimeout] == "700" && settings.values[.vaultTimeout]?.source == file)
  }

  @Test func file_whenItIsUTF16_isRead() throws {
    let units = "\u{FEFF}vault:\n  timeout_ms: 700\n".utf16
    _ = try folder.write(units.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }, to: "config.yaml")
    let settings = try Settings(file: file, environment: [:], isLenient: false)
    #expect(settings[.vaultTimeout] == "700")
  }

  /// A word that YAML could take for something else stays the text that was written.
  @Test(arguments: ["0700", "1e3", "on", "2026-01-14", "0x10", "é"])
  func value_whenYAMLHasATypeForIt_staysAText(text: String) throws {
    #expect(try read("vault:\n  tool_prefix: \(text)\n")[.vaultToolPrefix] == text)
  }

  @Test(arguments: [
    ("vault: [", "FILE is not valid YAML"), ("a: b: c", "FILE is not valid YAML"),
    ("vault:\n\turl: x", "FILE is not valid YAML"), ("a: *nobody", "FILE is not valid YAML"),
    ("vault.ulr: x", "unknown setting vault.ulr in FILE"),
    ("vault: http://h/mcp", "unknown setting vault in FILE"),
    ("vault:\n  url:\n    host: h\n", "unknown setting vault.url.host in FILE"),
    ("Vault:\n  url: http://h/\n", "unknown setting Vault.url in FILE"),
    ("vault:\n  projects: [a, b]\n", "vault.projects in FILE must be a single value"),
    ("vault:\n  - url: x\n", "vault in FILE must be a single value"),
    ("? [a]\n: b\n", "FILE has a key of no name"), ("hello", "FILE holds no settings"),
  ])
  func file_whenItIsWrong_saysWhat(yaml: String, message: String) throws {
    let error = try failure(yaml)
    #expect(error.message == message.replacing("FILE", with: file))
    #expect(error.exitCode == .badConfiguration && error.hint?.contains("doctor") == true)
  }

  @Test func file_whenAliasesMakeItEndless_isRefused() throws {
    var yaml = "l0: &l0 {a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1, j: 1}\n"
    for level in 1...5 {
      let aliases = "abcdefghij".map { "\($0): *l\(level - 1)" }.joined(separator: ", ")
      yaml += "l\(level): &l\(level) {\(aliases)}\n"
    }
    #expect(try failure(yaml).message == "\(file) holds more than 10000 values")
  }

  @Test func file_whenItIsAFolder_isRefused() throws {
    let error = try #require(throws: CommandError.self) {
      try Settings(file: folder.path, environment: [:], isLenient: false)
    }
    #expect(error.message == "\(folder.path) is not a regular file")
    #expect(error.exitCode == .badConfiguration)
  }

  @Test func file_whenItIsLargerThanAMebibyte_isRefused() throws {
    let error = try failure(String(repeating: "#", count: 1 << 20) + "\n")
    #expect(error.message == "\(file) is larger than \(1 << 20) bytes")
  }
}
