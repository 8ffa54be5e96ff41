import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CommandLineInterface
@testable import Continuity
@testable import Core
@testable import IPC
@testable import Redaction

/// Sockets and folders of other users, what a request carries, and a daemon under pressure.
@Suite(.blocking) struct DoorsTests {
  private let place: Workplace
  /// A user that is nobody's here.
  private static let stranger: uid_t = 65_534

  init() throws { place = try Workplace() }

  // MARK: What a request carries

  /// Every variable that the sources read by name is sent to the daemon, or is the daemon's own.
  @Test func variables_coverWhatTheSourcesRead() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let own: Set = ["NOTIFY_SOCKET", "WATCHDOG_USEC"]
    let names = /(?:environment\[|variable\(|folder\(|home\(|getenv\()"([A-Za-z][A-Za-z0-9_]*)"/
    let walker = FileManager.default.enumerator(atPath: root.path + "/Sources")
    var found: Set<String> = []
    while let name = walker?.nextObject() as? String {
      guard name.hasSuffix(".swift") else { continue }
      let text = try String(contentsOfFile: root.path + "/Sources/" + name, encoding: .utf8)
      for match in text.matches(of: names) { found.insert(String(match.1)) }
    }
    #expect(found.count >= 10 && found.contains("CODEX_HOME") && found.contains("HOME"))
    for name in found.subtracting(own) where name == name.uppercased() {
      #expect(RelayRequest.carries(variable: name), "\(name)")
    }
    for key in Settings.Key.allCases { #expect(RelayRequest.carries(variable: key.variable)) }
    for name in ["http_proxy", "HTTPS_PROXY", "no_proxy", "ALL_PROXY", "LC_ALL", "XDG_DATA_HOME"] {
      #expect(RelayRequest.carries(variable: name), "\(name)")
    }
  }

  @Test func variables_ofOtherPrograms_stay() {
    let entries = [
      "ANTHROPIC_API_KEY=a", "CLAUDE_CODE_OAUTH_TOKEN=b", "AWS_SECRET_ACCESS_KEY=c",
      "GIT_ASKPASS=d",
      "GIT_CONFIG_VALUE_0=e", "GITHUB_TOKEN=f", "OPENAI_API_KEY=g", "HOME_SECRET=h", "XDGX=i",
      "PATHX=j", "nonsense", "=k", "SSH_AUTH_SOCK=l", "DATABASE_URL=m",
    ]
    #expect(RelayRequest.carried(of: entries).isEmpty)
    #expect(RelayRequest.carried(of: entries + ["PATH=/bin:a=b"]) == ["PATH=/bin:a=b"])
  }

  @Test func tokenCommand_inTheDaemon_hasTheDaemonsVariablesToo() throws {
    let vault = try VaultPeer()
    place.use(vault)
    place.environment["MEMORYD_VAULT_TOKEN"] = nil
    place.environment["MEMORYD_VAULT_TOKEN_COMMAND"] = "printf %s \"$KEY_OF_THE_DAEMON\""
    place.environment["KEY_OF_THE_DAEMON"] = VaultPeer.token
    let daemon = try DaemonPeer(place)
    place.environment["KEY_OF_THE_DAEMON"] = nil
    let result = try place.run("canary", "--json")
    #expect(try result.json()["mode"] as? String == "normal", "\(result.output)")
    #expect(daemon.process.isRunning)
  }

  // MARK: Sockets of others

  /// Answers everybody, and keeps what it was sent.
  private static let listener = """
    import os, socket, sys
    os.setgid(65534); os.setuid(65534)
    s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o777); s.listen(9)
    print("ready", flush=True)
    while True:
        c, _ = s.accept(); c.settimeout(0.5); got = b""
        try:
            while chunk := c.recv(65536): got += chunk
        except OSError: pass
        print("got", len(got), flush=True); c.close()
    """

  private func strangersSocket(at path: String) throws -> (Process, Pipe) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", Self.listener, path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    _ = output.fileHandleForReading.availableData
    return (process, output)
  }

  @Test(.enabled(if: getuid() == 0)) func socketOfAnotherUser_isToldNothing_andTold() throws {
    let run = place.path + "/run"
    try FileManager.default.createDirectory(
      atPath: run + "/memoryd", withIntermediateDirectories: true)
    for path in [run, run + "/memoryd"] { chown(path, Self.stranger, Self.stranger) }
    chmod(place.path, 0o755)
    place.environment["MEMORYD_HOME"] = nil
    place.environment["XDG_RUNTIME_DIR"] = run
    let (process, output) = try strangersSocket(at: run + "/memoryd/memoryd.sock")
    defer { kill(process.processIdentifier, SIGKILL) }
    let task = try place.run("task", "add", "hello", "--json")
    #expect(try task.json()["durability"] as? String == "stored")
    #expect(try place.run("task", "list", "--json").items().count == 1)
    #expect(try place.run("status").output.contains("another user (uid 65534)"))
    #expect(try place.run("doctor").output.contains("another user (uid 65534)"))
    #expect(try place.context("startup").contains("another user"))
    let line = #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#
    #expect(try place.run("mcp", input: line + "\n").output.contains("result"))
    kill(process.processIdentifier, SIGKILL)
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(!said.isEmpty && said.split(separator: "\n").allSatisfy { $0 == "got 0" }, "\(said)")
    // Nor does a daemon sit down in such a folder.
    let serve = try place.run("serve")
    #expect(serve.status == 78 && serve.errorOutput.contains("owned by another user"))
  }

  // MARK: Folders of others

  @Test(
    .enabled(if: getuid() == 0),
    arguments: ["", "/config.yaml", "/spool", "/logs", "/memory.db", "/journal"])
  func placeOfAnotherUser_isRefused_andHooksSayIt(name: String) throws {
    try place.run("task", "add", "before")
    let path = place.home + name
    if !FileManager.default.fileExists(atPath: path) {
      if name == "/config.yaml" {
        try place.write("vault:\n  token_command: touch \(place.path)/pwned\n", to: "home" + name)
      } else {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      }
    }
    chown(path, Self.stranger, Self.stranger)
    for arguments in [["task", "add", "x"], ["status"], ["doctor"], ["serve"], ["search", "x"]] {
      let result = try place.start(arguments).finish()
      #expect(result.status == 78 && result.errorOutput.contains("owned by another user"))
      #expect(result.errorOutput.contains("hint:"))
    }
    for event in ["PreCompact", "Stop"] {
      let result = try place.run("checkpoint", input: place.hook(event))
      #expect(result.status == 0 && result.output.isEmpty)
    }
    let start = try place.run("canary", input: place.hook("SessionStart", ["source": "startup"]))
    #expect(start.status == 0)
    #expect(
      (try start.json()["systemMessage"] as? String)?.contains("owned by another user") == true)
    #expect(!FileManager.default.fileExists(atPath: place.path + "/pwned"))
    chown(path, getuid(), getgid())
    #expect(try place.run("task", "list", "--json").items().count == 1)
  }

  @Test(.enabled(if: getuid() == 0)) func linkOfAnotherUser_isRefused() throws {
    try place.run("status")
    let link = place.path + "/link"
    symlink(place.home, link)
    place.environment["MEMORYD_HOME"] = link
    #expect(try place.run("status").status == 0)
    lchown(link, Self.stranger, Self.stranger)
    #expect(try place.run("status").status == 78)
  }

  @Test(
    arguments: ["", "/spool", "/logs", "/config.yaml", "/memory.db", "/journal"], [0o020, 0o002])
  func placeThatOthersMayWrite_isToldAndMended(name: String, bit: Int) throws {
    try place.run("status")
    if name == "/config.yaml" {
      try place.write("resume:\n  budget_chars: 9000\n", to: "home" + name)
    }
    if name == "/spool" || name == "/logs" {
      try FileManager.default.createDirectory(
        atPath: place.home + name, withIntermediateDirectories: true)
    }
    func mode() throws -> Int {
      let facts = try FileManager.default.attributesOfItem(atPath: place.home + name)
      return try #require(facts[.posixPermissions] as? Int)
    }
    chmod(place.home + name, mode_t(0o700 | bit))
    #expect(try place.run("status").output.contains("can be written by other users"))
    #expect(try place.context("startup").contains("can be written by other users"))
    let doctor = try place.run("doctor")
    #expect(doctor.status == 74 && doctor.output.contains("BAD  folder"))
    #expect(try place.run("doctor", "--fix").output.contains("ok   folder"))
    #expect(try mode() & 0o022 == 0)
    #expect(try !place.run("status").output.contains("can be written by other users"))
  }

  @Test(.enabled(if: getuid() == 0)) func spooledFileOfAnotherUser_isNotTakenIn() throws {
    try place.run("status")
    let release = try place.holdLock()
    _ = try place.run("task", "add", "spooled")
    release()
    let spool = place.home + "/spool"
    let files = try FileManager.default.contentsOfDirectory(atPath: spool)
    #expect(files.count == 1)
    for file in files { chown(spool + "/" + file, Self.stranger, Self.stranger) }
    #expect(try place.run("task", "list", "--json").items().isEmpty)
    let kept = try FileManager.default.contentsOfDirectory(atPath: spool + "/quarantine")
    #expect(kept.contains(files[0]))
  }

  // MARK: Pressure

  /// A daemon that may have few descriptors, all of which somebody holds by HTTP.
  @Test(arguments: [40, 64, 128]) func fewDescriptors_areNoFailureForCallers(limit: Int) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [
      "-c", "ulimit -n \(limit); exec \"$0\" serve --http 127.0.0.1:0", MemorydProcess.executable,
    ]
    process.environment = place.environment
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    defer { kill(process.processIdentifier, SIGKILL) }
    var greeting = ""
    while !greeting.contains("/mcp"), process.isRunning {
      greeting += String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    }
    let port = try #require(greeting.firstMatch(of: /127\.0\.0\.1:(\d+)\/mcp/)).1
    let holder = Process()
    holder.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    holder.arguments = [
      "python3", "-c",
      """
      import socket, sys, time
      held = []
      for _ in range(150):
          try:
              s = socket.create_connection(("127.0.0.1", \(port)), 1); s.sendall(b"POST"); held.append(s)
          except OSError: pass
      print("held", flush=True); time.sleep(60)
      """,
    ]
    let held = Pipe()
    holder.standardOutput = held
    try holder.run()
    defer { kill(holder.processIdentifier, SIGKILL) }
    _ = held.fileHandleForReading.availableData
    try place.append(Line.request("load the crane"))
    for number in 0..<4 {
      let task = try place.run("task", "add", "task \(number)", "--json")
      #expect(try task.status == 0 && task.json()["durability"] as? String == "stored")
      let hook = try place.run("checkpoint", input: place.hook("PreCompact"))
      #expect(hook.status == 0 && hook.output.isEmpty && hook.errorOutput.isEmpty)
    }
    #expect(try place.run("checkpoint", "list", "--json").items().count == 1)
    #expect(try place.run("task", "list", "--json").items().count == 4)
    let context = try place.context("startup")
    #expect(!context.contains("cannot"), "\(context)")
  }

  @Test func softLimit_isRaised() throws {
    let daemon = try DaemonPeer(place)
    let limits = try String(contentsOfFile: "/proc/\(daemon.pid)/limits", encoding: .utf8)
    let line = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max open files") })
    let numbers = line.split(separator: " ").compactMap { Int($0) }
    #expect(numbers.count == 2 && numbers[0] >= min(numbers[1], 10_240))
  }

  /// Sends bytes to the daemon's HTTP port.
  ///
  /// - Returns: What came until the connection ended, and the seconds until then.
  private func send(_ text: String, _ daemon: DaemonPeer) throws -> (
    answer: String, seconds: Double
  ) {
    try Self.send(text, to: try #require(URLComponents(string: daemon.url())?.port))
  }

  private static func send(_ text: String, to port: Int) throws -> (
    answer: String, seconds: Double
  ) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "python3", "-c",
      """
      import socket, sys, time
      t = time.monotonic(); s = socket.create_connection(("127.0.0.1", \(port)), 20)
      s.sendall(\(Quoted.python(text)).encode()); got = b""
      try:
          while chunk := s.recv(65536): got += chunk
      except OSError: pass
      print(time.monotonic() - t); print(got.decode())
      """,
    ]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let all = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let parts = all.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
    return (String(parts.last ?? ""), Double(parts[0]) ?? 0)
  }

  @Test func twoHosts_areRefused() throws {
    let daemon = try DaemonPeer(place, "--http", "127.0.0.1:0")
    let token = try daemon.token()
    for hosts in [["localhost", "localhost"], ["localhost", "evil.example"]] {
      let lines = hosts.map { "hOsT: \($0)\r\n" }.joined()
      let (answer, _) = try send(
        "GET /mcp HTTP/1.1\r\n\(lines)Authorization: Bearer \(token)\r\nConnection: close\r\n\r\n",
        daemon)
      #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
    }
  }

  @Test func hostsThatOnlyBeginLikeOurs_areRefused() throws {
    let daemon = try DaemonPeer(place, "--http", "127.0.0.1:0")
    let token = try daemon.token()
    for (host, isOurs) in [
      ("[::1]", true), ("[::1]:80", true), ("[::1].evil.example", false), ("[::1]evil", false),
      ("localhost.evil.example", false),
    ] {
      let (answer, _) = try send(
        "GET /health HTTP/1.1\r\nHost: \(host)\r\nAuthorization: Bearer \(token)\r\n"
          + "Connection: close\r\n\r\n", daemon)
      #expect(answer.hasPrefix("HTTP/1.1 200 ") == isOurs, "\(host): \(answer)")
    }
  }

  /// A few hundred bytes that are 9^40 values.
  @Test func settingsThatHaveNoEnd_areRefused() throws {
    try place.run("task", "list")
    var lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for number in 1..<40 {
      let before = Array(repeating: "*a\(number - 1)", count: 9).joined(separator: ", ")
      lines.append("a\(number): &a\(number) [\(before)]")
    }
    try lines.joined(separator: "\n").write(
      toFile: place.home + "/config.yaml", atomically: true, encoding: .utf8)
    let result = try place.run(["task", "list"])
    #expect(result.status == 78 && result.errorOutput.contains("config.yaml"))
  }

  @Test func whatWasRecorded_drivesNoTerminal() throws {
    try place.git("init", "-q")
    try place.git(
      "remote", "add", "origin", "https://forge.example/a/\u{1B}]0;x\u{7}\u{9B}31mred.git")
    try place.git("commit", "-q", "--allow-empty", "-m", "First")
    try place.append(Line.request("Mend it"))
    try place.run("checkpoint", input: place.hook("PreCompact"))
    try place.run("decide", "Keep it", "--rationale", "it works")
    for arguments in [
      ["status"], ["session", "list"], ["decision", "list"], ["checkpoint", "list"],
      ["project", "list"],
      ["task", "list", "--project", "no\u{1B}[31m such"],
    ] {
      let result = try place.start(arguments).finish()
      let text = result.output + result.errorOutput
      #expect(
        !text.unicodeScalars.contains {
          $0 != "\n" && ($0.value < 0x20 || (0x7F...0x9F).contains($0.value))
        }, "\(arguments): \(text.debugDescription)")
    }
  }

  @Test func callersWithoutToken_haveFiveSeconds() throws {
    let daemon = try DaemonPeer(place, "--http", "127.0.0.1:0")
    let texts = [
      "POST /mcp HT", "POST /mcp HTTP/1.1\r\nHost: localhost\r\nX: ",
      // Answered at once, and not kept afterwards either.
      "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\n{",
    ]
    let port = try #require(URLComponents(string: daemon.url())?.port)
    let results = Mutex<[Int: Result<Double, any Error>]>([:])
    DispatchQueue.concurrentPerform(iterations: texts.count) { number in
      let result = Result { try Self.send(texts[number], to: port).seconds }
      results.withLock { $0[number] = result }
    }
    for (number, result) in results.withLock({ $0 }) {
      #expect(try result.get() < 9, "\(texts[number])")
    }
  }
}
