import Foundation
import IPC
import TestSupport
import Testing

/// The daemon and its front, with real processes, signals and files.
@Suite(.blocking) struct DaemonTests {
  private let workplace: Workplace

  init() throws { workplace = try Workplace() }

  private static let alone = ["MEMORYD_NO_DAEMON": "1"]

  private func wait(
    _ what: Comment, seconds: Double = 15, for condition: () throws -> Bool
  ) throws {
    let end = Date() + seconds
    while try !condition() {
      try #require(Date() < end, what)
      usleep(50_000)
    }
  }

  /// Requests that the daemon itself carried out.
  private func requests(_ daemon: DaemonPeer) throws -> Int {
    try #require(try daemon.facts()["requests"] as? Int)
  }

  // MARK: The same either way

  /// Ids and times, by the order in which they appear.
  private static func normalised(_ text: String, _ workplace: Workplace) -> String {
    var names: [String: String] = [:]
    var text = text.replacingOccurrences(of: workplace.path, with: "PLACE")
    text = text.replacing(#/\b01[0-9A-HJKMNP-TV-Z]{24}\b/#) { match in
      let id = String(match.output)
      names[id] = names[id] ?? "ID\(names.count)"
      return names[id] ?? ""
    }
    text = text.replacing(#/[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}/#, with: "UUID")
    text = text.replacing(#/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d\.\d{3}Z)?/#, with: "TIME")
    return text.replacing(#/\d+ (s|ms|min|seconds?|minutes?)\b/#, with: "AGE")
  }

  /// A process that asks the daemon, one of its own, and the function that both call, which is how
  /// most tests here call it.
  @Test func everyVerb_hasTheSameResultInTheDaemonInAProcessAndAsAFunction() throws {
    let places = [workplace, try Workplace(isOwnProcess: true), try Workplace()]
    let daemon = try DaemonPeer(workplace)
    for place in places { try prepare(place) }
    /// The ids that each place gave out, in the same order.
    var ids: [[String]] = [[], [], []]
    /// - Parameter status: What all of them exit with, where that is known.
    func everyWay(_ arguments: [String], input: String? = nil, status: Int32? = nil) throws {
      var results: [[String]] = []
      for (number, place) in places.enumerated() {
        let result = try place.run(
          arguments.map { argument in
            ids[0].firstIndex(of: argument).map { ids[number][$0] }
              ?? argument.replacingOccurrences(of: "PLACE", with: place.path)
          },
          input: input.map {
            Data($0.replacingOccurrences(of: "PLACE", with: place.path).utf8)
          })
        if let status { #expect(result.status == status, "\(arguments): \(result.errorOutput)") }
        results.append([
          "\(result.status)", Self.normalised(result.output, place),
          Self.normalised(result.errorOutput, place),
        ])
        if number == 0 || ids[number].count < ids[0].count,
          arguments.contains("add") || arguments.contains("--objective"),
          let id = result.output.firstMatch(of: #/\b01[0-9A-HJKMNP-TV-Z]{24}\b/#)
        {
          ids[number].append(String(id.output))
        }
      }
      #expect(results[0] == results[1], "\(arguments), with and without the daemon")
      #expect(results[1] == results[2], "\(arguments), as a process and as a function")
    }
    let hook = { (event: String, more: String) in
      "{\"session_id\":\"s\",\"transcript_path\":\"PLACE/transcript.jsonl\",\"cwd\":\"PLACE/repo\","
        + "\"hook_event_name\":\"\(event)\"\(more)}"
    }
    try everyWay(["canary"], input: hook("SessionStart", ",\"source\":\"startup\""))
    try everyWay(["task", "add", "one\u{2028}— “two”", "--context", "- [x] why"])
    try everyWay(["task", "add", "two", "--json"])
    try everyWay(["task", "add", "--json"], input: "from standard input")
    try everyWay(["task", "update", ids[0][0], "--title", "renamed"])
    try everyWay(["task", "done", ids[0][1], "--json"])
    try everyWay(["task", "done", "01ARZ3NDEKTSV4RRFFQ69G5FAV"])
    try everyWay(["task", "list", "--json", "--status", "all"])
    try everyWay(["task", "list"])
    try everyWay(["task", "list", "--format", "md"])
    try everyWay(["task", "retro", "long ago", "--occurred-at", "2026-01-01T00:00:00Z"])
    try everyWay(["task", "nonsense"])
    try everyWay(["task", "--help"])
    try everyWay(["decide", "use SQLite", "--rationale", "one file"])
    try everyWay(["decision", "list", "--json"])
    try everyWay(["checkpoint", "--objective", "by hand", "--next", "more", "--json"])
    try everyWay(["checkpoint"], input: hook("PreCompact", ",\"trigger\":\"auto\""))
    try everyWay(["checkpoint"], input: "{\"hook_event_name\":\"Stop\",\"session_id\":\"s\"")
    // Whoever comes first takes the hooks in. Only a session start asks git then.
    for place in places { _ = try place.context("resume", session: "s") }
    try everyWay(["checkpoint"], input: "garbage")
    try everyWay(["checkpoint", "list", "--json"])
    try everyWay(["checkpoint", "show", ids[0].last ?? ""])
    try everyWay(["resume", "--session", "s"])
    try everyWay(["canary"], input: hook("SessionStart", ",\"source\":\"compact\""))
    try everyWay(["canary", "--json"])
    try everyWay(["session", "list", "--json"])
    try everyWay(["session", "show", "s"])
    try everyWay(["session", "end"], input: hook("SessionEnd", ",\"reason\":\"other\""))
    try everyWay(["search", "parser", "--json"])
    try everyWay(["search", "nothing-like-it"])
    try everyWay(["--json", "task", "list"])
    try everyWay(["outbox", "list", "--json"])
    try everyWay(["fallback", "status"])
    try everyWay(["handoff", "--note", "Mind the lexer", "--json"])
    try everyWay(["handoff", "list"], status: 0)
    try everyWay(["handoff", "show"], status: 0)
    try everyWay(["ledger", "add", "Parser done", "--phase", "One"], status: 0)
    try everyWay(["ledger", "list", "--json"], status: 0)
    try everyWay(["ledger", "verify"])
    try everyWay(["project", "list"])
    try everyWay(["project", "list", "--json"], status: 0)
    try everyWay(["vault", "show", "--json"], status: 0)
    try everyWay(["vault", "share", "1"])
    try everyWay(["wrong", "there is no such line"])
    try everyWay(["fix", "undefined: parser"])
    try everyWay(["session", "brief"])
    try everyWay(["sync"])
    try everyWay(["ingest", "PLACE/transcript.jsonl", "--json"], status: 0)
    // Sizes and counts of an export are each place's own.
    for place in places {
      #expect(try place.run("export", place.path + "/out.jsonl").status == 0)
    }
    try everyWay(["import", "PLACE/out.jsonl"], status: 73)
    try everyWay(["backup", "PLACE/backup.db"], status: 0)
    try everyWay(["install", "claude", "--dry-run"])
    try everyWay(["doctor", "--no-such-option"], status: 64)
    try everyWay(["completions", "bash"])
    try everyWay(["--version"])
    try everyWay([])
    #expect(try requests(daemon) > 20, "the daemon did the work")
  }

  private func prepare(_ place: Workplace) throws {
    try place.git("init", "-q", "-b", "main")
    try place.append(
      Line.request("Fix the parser and never change the lexer")
        + Line.call("Edit", ["file_path": "/x/parser.go"], id: "t1"))
  }

  // MARK: The front

  @Test func killedInMidRequest_isOneWrite() throws {
    let daemon = try DaemonPeer(workplace)
    // Stopped, it takes connections and answers nothing.
    kill(daemon.pid, SIGSTOP)
    let first = try workplace.run("task", "add", "frozen", "--json")
    #expect(first.status == 0)
    kill(daemon.pid, SIGCONT)
    // What it does now has the same request id.
    try wait("the daemon woke up") { try requests(daemon) > 1 }
    #expect(try titles() == ["frozen"])
    for number in 0..<25 {
      let call = try workplace.start(["task", "add", "n\(number)", "--json"])
      usleep(UInt32.random(in: 0..<6000))
      daemon.kill()
      let result = call.finish()
      #expect(result.status == 0, "\(result.errorOutput)")
      #expect(try result.json()["durability"] as? String == "stored")
      try daemon.start()
    }
    #expect(try titles().sorted() == (["frozen"] + (0..<25).map { "n\($0)" }).sorted())
    #expect(try workplace.sqlite("PRAGMA integrity_check") == "ok")
  }

  private func titles() throws -> [String] {
    try workplace.run("task", "list", "--json", environment: Self.alone).items()
      .compactMap { $0["title"] as? String }
  }

  @Test func hook_worksBesideAnyDaemon() throws {
    // Daemons that are of another version, broken, or silent.
    let behaviours = [
      "c.sendall(b'D' + struct.pack('<I', 5) + b'other')", "c.sendall(b'\\xff' * 100)", "c.close()",
      "time.sleep(60)", "c.sendall(b'A' + struct.pack('<I', 300)); time.sleep(60)",
      "c.sendall(b'A' + struct.pack('<I', 0) + b'O' + struct.pack('<I', 9) + b'half')",
    ]
    try prepare(workplace)
    try FileManager.default.createDirectory(
      atPath: workplace.home, withIntermediateDirectories: true)
    for (number, behaviour) in behaviours.enumerated() {
      let script = """
        import os, socket, struct, time
        path = \(Quoted.python(workplace.home + "/memoryd.sock"))
        if os.path.exists(path): os.unlink(path)
        s = socket.socket(socket.AF_UNIX); s.bind(path); s.listen(5); print("up", flush=True)
        while True:
            c, _ = s.accept(); c.recv(1 << 20)
            try:
                \(behaviour)
            except OSError: pass
            if 'sleep' not in \(Quoted.python(behaviour)): c.close()
        """
      let fake = Process()
      fake.executableURL = URL(fileURLWithPath: VaultPeer.python)
      fake.arguments = ["-c", script]
      let output = Pipe()
      fake.standardOutput = output
      try fake.run()
      defer { kill(fake.processIdentifier, SIGKILL) }
      _ = output.fileHandleForReading.availableData
      try workplace.append(Line.call("Edit", ["file_path": "/x/f\(number).go"]))
      let start = ContinuousClock.now
      let result = try workplace.run(
        "checkpoint", input: workplace.hook("PreCompact", ["session_id": "s\(number)"]))
      #expect(ContinuousClock.now - start < .seconds(4))
      #expect(result.status == 0 && result.output.isEmpty, "\(behaviour)")
      let list = try workplace.run("checkpoint", "list", "--json", environment: Self.alone).items()
      #expect(list.count == number + 1, "\(behaviour)")
      #expect(try workplace.run("doctor").output.contains("BAD  daemon"), "\(behaviour)")
    }
  }

  @Test func otherVersion_isDeclinedAndTouchesNothing() throws {
    let daemon = try DaemonPeer(workplace)
    let socket = try #require(Socket.connect(to: workplace.home + "/memoryd.sock"))
    let request = RelayRequest(
      version: "99.0.0", id: "r", flags: [], cwd: workplace.repository,
      cwdPlace: try #require(RelayRequest.Place(workplace.repository)),
      mounts: RelayRequest.Place.mounts, arguments: ["task", "add", "x"],
      environment: workplace.environment.map { "\($0)=\($1)" }, input: [])
    #expect(RelayCall(socket: socket).make(request) == nil)
    #expect(try titles().isEmpty)
    #expect(try daemon.facts()["declined"] as? Int == 1)
  }

  // MARK: One daemon

  @Test func tenDaemons_oneRuns() throws {
    let processes = try (0..<10).map { _ in try workplace.start(["serve"]) }
    try wait("nine have ended") { processes.count { $0.process.isRunning } == 1 }
    let running = try #require(processes.first { $0.process.isRunning })
    for other in processes where other.process !== running.process {
      let result = other.finish()
      #expect(result.status == 75)
      #expect(result.errorOutput.contains("already"))
    }
    #expect(try workplace.run("task", "add", "x").status == 0)
    kill(running.process.processIdentifier, SIGTERM)
    #expect(running.finish().status == 0)
  }

  @Test func takenPort_isSaidInOneLine() throws {
    let first = try DaemonPeer(workplace, "--http", "127.0.0.1:0")
    let url = try #require(
      first.greeting.firstMatch(of: #/http://(127\.0\.0\.1:\d+)/#)?.output.1)
    let second = try Workplace().run(["serve", "--http", String(url)])
    #expect(second.status == 74)
    #expect(
      second.errorOutput.hasPrefix(
        "memoryd: error: cannot listen at \(url): Address already in use [http]\nhint: "),
      "\(second.errorOutput)")
  }

  @Test func stop_isQuickAndLeavesNothingBehind() throws {
    let daemon = try DaemonPeer(workplace, "--http", "127.0.0.1:0")
    let calls = try (0..<8).map { try workplace.start(["task", "add", "n\($0)", "--json"]) }
    let (status, time) = daemon.stop()
    #expect(status == 0)
    #expect(time < .seconds(2))
    for call in calls { #expect(call.finish().status == 0) }
    #expect(try titles().count == 8)
    #expect(!FileManager.default.fileExists(atPath: workplace.home + "/memoryd.sock"))
    // A socket that a killed daemon has left is taken over.
    try daemon.start()
    daemon.kill()
    #expect(FileManager.default.fileExists(atPath: workplace.home + "/memoryd.sock"))
    #expect(try workplace.run("task", "add", "between").status == 0)
    try daemon.start()
    #expect(try requests(daemon) >= 1)
  }

  @Test func hangup_readsTheSettingsAnew() throws {
    let daemon = try DaemonPeer(workplace)
    #expect(try workplace.run("task", "add", "x").status == 0)
    try workplace.write("redaction:\n  enabled: false\n", to: "home/config.yaml")
    kill(daemon.pid, SIGHUP)
    try wait("the log says so") { try log().contains("settings read anew") }
    #expect(try workplace.run("task", "add", "password=hunter2hunter2X9").status == 0)
    #expect(try titles().contains("password=hunter2hunter2X9"))
    #expect(daemon.stop().status == 0)
  }

  private func log() throws -> String {
    try String(contentsOfFile: workplace.home + "/logs/memoryd.log", encoding: .utf8)
  }

  // MARK: The store under it

  @Test func otherStoreInItsPlace_isTheOneThatIsWritten() throws {
    let daemon = try DaemonPeer(workplace)
    #expect(try workplace.run("task", "add", "before").status == 0)
    for name in ["memory.db", "memory.db-wal", "memory.db-shm"] {
      try FileManager.default.moveItem(
        atPath: workplace.home + "/" + name, toPath: workplace.path + "/" + name)
    }
    #expect(try workplace.run("task", "add", "after").status == 0)
    #expect(try titles() == ["after"])
    #expect(daemon.process.isRunning)
  }

  @Test func newerStore_endsTheDaemonAndHooksGoOn() throws {
    let daemon = try DaemonPeer(workplace)
    #expect(try workplace.run("task", "add", "x").status == 0)
    _ = try workplace.sqlite("PRAGMA user_version = 999")
    let hook = try workplace.run("checkpoint", input: workplace.hook("PreCompact"))
    #expect(hook.status == 0 && hook.output.isEmpty)
    try wait("the daemon steps aside") { !daemon.process.isRunning }
    #expect(try workplace.sqlite("PRAGMA user_version") == "999")
    #expect(workplace.waitingHooks == 1)
  }

  /// Closing a descriptor of the store must not cancel the locks of another connection.
  @Test func otherProcesses_leaveTheLogAlone() throws {
    let daemon = try DaemonPeer(workplace)
    for number in 0..<5 {
      #expect(try workplace.run("task", "add", "daemon \(number)").status == 0)
      #expect(
        try workplace.run("task", "add", "alone \(number)", environment: Self.alone).status == 0)
      _ = try workplace.sqlite("SELECT count(*) FROM tasks")
    }
    #expect(try titles().count == 10)
    daemon.kill()
    #expect(try titles().count == 10)
    #expect(try workplace.sqlite("SELECT count(*) FROM tasks") == "10")
  }

  // MARK: Work that nobody asked for

  @Test func transcripts_areFollowed() throws {
    let daemon = try DaemonPeer(workplace)
    try prepare(workplace)
    #expect(
      try workplace.run("canary", input: workplace.hook("SessionStart", ["source": "startup"]))
        .status == 0)
    try workplace.append(Line.reply("The zebrafish transducer is in src/zebra.go now."))
    try wait("the follower reads it") {
      try !workplace.run("search", "zebrafish", "--json").items().isEmpty
    }
    #expect(try daemon.facts()["followed"] as? Int == 1)
    // A line that is not whole yet waits for its end.
    try workplace.append("{\"type\":\"user\",\"uuid\":\"u9\",\"message\":{\"content\":\"a quokka")
    usleep(1_500_000)
    try workplace.append(" jumps\"}}\n")
    try wait("the rest of the line") {
      try workplace.run("search", "quokka", "--json").items().count == 1
    }
  }

  @Test func vault_isWatchedAndDrained() throws {
    let vault = try VaultPeer()
    workplace.use(vault, timeout: 500)
    try vault.break_("500")
    let daemon = try DaemonPeer(workplace)
    let reply = try workplace.run("task", "add", "waits", "--json").json()
    #expect(reply["vault"] as? String == "queued")
    try wait("the monitor notices") {
      try workplace.run("status", "--json").json()["mode"] as? String == "degraded"
    }
    #expect(try vault.state().tasks.isEmpty)
    try vault.heal()
    // Nobody calls anything that asks the vault.
    try wait("the drainer sends", seconds: 40) { try vault.state().tasks.count == 1 }
    #expect(try workplace.run("task", "add", "goes out by itself").status == 0)
    try wait("a new write goes out") { try vault.state().tasks.count == 2 }
    // Session starts go by the fresh verdict.
    try vault.clearLog()
    let context = try workplace.context("startup")
    #expect(context.contains("normal mode"))
    #expect(try vault.log().isEmpty)
    #expect(daemon.process.isRunning)
    // An entry that somebody writes by hand is taken in and sent.
    try workplace.write(
      workplace.fallbackText("tasks-fallback.md") + "\n- [ ] by hand\n",
      to: "fallback/tasks-fallback.md")
    try wait("the files are watched") { try vault.state().tasks(titled: "by hand").count == 1 }
  }

  /// A vault that says nothing must not hold up the end.
  @Test func stop_doesNotWaitForTheVault() throws {
    let vault = try VaultPeer()
    workplace.use(vault, timeout: 30_000)
    let daemon = try DaemonPeer(workplace)
    try wait("the vault was asked") { try !vault.log().isEmpty }
    try vault.break_("black_hole")
    #expect(try workplace.run("task", "add", "kept").status == 0)
    // The drainer is at it by now.
    usleep(500_000)
    let (status, time) = daemon.stop()
    #expect(status == 0)
    #expect(time < .seconds(2))
    try vault.heal()
    // The end came while it was being sent: it is looked up before it goes out again.
    workplace.use(vault)
    try workplace.syncAll()
    #expect(try vault.state().tasks(titled: "kept").count == 1)
  }

  // MARK: Who may come in

  @Test func otherUser_isRefused() throws {
    guard getuid() == 0 else { return }
    let daemon = try DaemonPeer(workplace)
    // As wrong as can be: anybody may connect.
    chmod(workplace.path, 0o755)
    chmod(workplace.home, 0o755)
    chmod(workplace.home + "/memoryd.sock", 0o777)
    defer { chmod(workplace.home, 0o700) }
    let script = """
      import os, socket
      os.setgid(65534); os.setuid(65534)
      s = socket.socket(socket.AF_UNIX); s.settimeout(5)
      s.connect(\(Quoted.python(workplace.home + "/memoryd.sock")))
      try:
          s.sendall(b"MMRD" + bytes(100))
          print("answer", s.recv(100))
      except OSError: print("answer b''")
      """
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(text.contains("answer b''"))
    #expect(try log().contains("another user was refused"))
    #expect(try requests(daemon) >= 1)
  }

  @Test func garbageOnTheSocket_harmsNobody() throws {
    let daemon = try DaemonPeer(workplace)
    let path = workplace.home + "/memoryd.sock"
    var open: [Socket] = []
    for bytes in [
      [], [0x4D], Array(repeating: UInt8(0xFF), count: 100_000),
      RelayRequest.magic + [1, 0, 0xFF, 0xFF, 0xFF, 0xFF], RelayRequest.magic + [9, 0, 4, 0, 0, 0],
      RelayRequest.magic + [1, 0, 8, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x7F, 1, 2, 3, 4],
    ] {
      let socket = try #require(Socket.connect(to: path))
      Streams.write(bytes, to: socket.descriptor, by: Streams.now() + 500)
      open.append(socket)
    }
    // More that say nothing than there are threads.
    for _ in 0..<30 { if let socket = Socket.connect(to: path) { open.append(socket) } }
    #expect(try workplace.run("task", "add", "x").status == 0)
    open = []
    try wait("the daemon is free again") {
      try workplace.run("status", "--json").json()["daemon"] as? [String: Any] != nil
    }
    #expect(daemon.process.isRunning)
    #expect(try titles() == ["x"])
  }
}

/// Text as a literal of another language.
enum Quoted {
  static func python(_ text: String) -> String {
    let data = try? JSONSerialization.data(withJSONObject: [text], options: .withoutEscapingSlashes)
    return String(String(decoding: data ?? Data(), as: UTF8.self).dropFirst().dropLast())
  }
}
