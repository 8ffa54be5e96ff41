import Core
import Foundation
import TestSupport
import Testing

/// Whose project it is, as hooks, people and agents meet it.
@Suite(.blocking) struct ProjectTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  @discardableResult
  private func git(_ arguments: String..., at folder: String) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", folder] + arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }

  private func repository(_ name: String, remote: String? = nil) throws -> String {
    let folder = place.path + "/" + name
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try git("init", "-q", "-b", "main", at: folder)
    try place.write(name, to: name + "/file.txt")
    try git("add", ".", at: folder)
    try git("commit", "-q", "-m", "begin " + name, at: folder)
    if let remote { try git("remote", "add", "origin", remote, at: folder) }
    return folder
  }

  @discardableResult
  private func run(
    _ arguments: String..., at folder: String, input: String? = nil,
    environment: [String: String] = [:]
  ) throws -> MemorydProcess.Result {
    try MemorydProcess(
      arguments, input: input.map { Data($0.utf8) },
      environment: place.environment.merging(environment) { $1 }, cwd: folder
    ).finish()
  }

  private func tasks(_ folder: String) throws -> [String] {
    try run("task", "list", "--project", ".", "--json", at: folder).items()
      .compactMap { $0["title"] as? String }.sorted()
  }

  private func start(_ folder: String, session: String) throws -> String {
    let hook = place.hook(
      "SessionStart",
      [
        "source": "startup", "session_id": session, "cwd": folder,
        "transcript_path": place.path + "/none.jsonl",
      ])
    let json = try run("canary", at: folder, input: hook).json()
    let specific = json["hookSpecificOutput"] as? [String: Any]
    return try #require(specific?["additionalContext"] as? String)
  }

  @Test func cloneWorktreeLinkAndMovedFolder_areOneProject() throws {
    let a = try repository("grove", remote: "https://git.example.org/Team/Grove.git")
    try run("task", "add", "Prune the elms", at: a)
    let clone = place.path + "/second"
    try git("clone", "-q", a, clone, at: place.path)
    try git("remote", "set-url", "origin", "git@git.example.org:team/grove", at: clone)
    try place.write("more", to: "second/more.txt")
    try git("add", ".", at: clone)
    try git("commit", "-q", "-m", "ahead", at: clone)
    #expect(try tasks(clone) == ["Prune the elms"])
    try git("worktree", "add", "-q", "-b", "side", place.path + "/side", at: a)
    #expect(try tasks(place.path + "/side") == ["Prune the elms"])
    try FileManager.default.createSymbolicLink(
      atPath: place.path + "/link", withDestinationPath: a)
    #expect(try tasks(place.path + "/link") == ["Prune the elms"])
    try git("worktree", "remove", "--force", place.path + "/side", at: a)
    try FileManager.default.moveItem(atPath: a, toPath: place.path + "/moved")
    #expect(try tasks(place.path + "/moved") == ["Prune the elms"])
    #expect(try run("project", "list", "--json", at: clone).items().count == 1)
  }

  @Test func templateCopies_areKeptApartAndTold() throws {
    let a = try repository("template")
    let b = place.path + "/copy"
    try git("clone", "-q", a, b, at: place.path)
    try git("remote", "remove", "origin", at: b)
    try run("task", "add", "Of the first", at: a)
    try run("task", "add", "Of the copy", at: b)
    #expect(try tasks(a) == ["Of the first"] && tasks(b) == ["Of the copy"])
    let context = try start(b, session: "s-b")
    #expect(context.contains("begins with the same commit") && !context.contains("Of the first"))
    #expect(try !start(b, session: "s-c").contains("begins with the same commit"))
    let joined = try run("project", "join", a, b, "--json", at: a).json()
    #expect(try tasks(b) == ["Of the copy", "Of the first"])
    let undo = try #require((joined["undo"] as? [String])?.first).split(separator: " ").dropFirst()
    #expect(try run(String(undo[1]), String(undo[2]), String(undo[3]), at: a).status == 0)
    #expect(try tasks(a) == ["Of the first"] && tasks(b) == ["Of the copy"])
  }

  @Test func namesakes_areListedByNameAndNeverMixed() throws {
    let a = try repository("one/api", remote: "https://h.example.org/one/api")
    let b = try repository("two/api", remote: "https://h.example.org/two/api")
    try run("task", "add", "Rotate the keys of one", at: a)
    try run("decide", "One uses TLS", "--rationale", "asked for", at: a)
    try run("ledger", "add", "Keel of one", at: a)
    try run("handoff", "--to", "next", "--note", "for one", at: a)
    try run("task", "add", "Something of two", at: b)
    for verb in [["task", "list"], ["decision", "list"], ["resume"], ["search", "keys"]] {
      let result = try MemorydProcess(
        verb + ["--project", "api"], input: nil, environment: place.environment, cwd: b
      ).finish()
      #expect(result.status == 64, "\(verb)")
      #expect(result.errorOutput.contains(a) && result.errorOutput.contains(b))
    }
    let brief = try run("session", "brief", at: b).output
    #expect(!brief.contains("of one") && brief.contains("Something of two"))
    #expect(try !start(b, session: "s").contains("for one"))
    #expect(try run("task", "list", "--project", a, at: b).output.contains("keys of one"))
    let call =
      #"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"task","arguments":"#
      + #"{"action":"list","project":"api"}}}"# + "\n"
    let answer = try run("mcp", at: b, input: call).output
    #expect(answer.contains("\"isError\":true") && answer.contains(a))
  }

  @Test func bareNames_waitUntilTheyAreAssigned() throws {
    let a = try repository("one/api")
    let b = try repository("two/api")
    for folder in [a, b] { try run("task", "add", "Own of " + folder, at: folder) }
    try place.write("- [ ] Written by hand\n", to: "by-hand.md")
    let line = #"{"id":"n1","text":"imported walnut","project":"api"}"#
    try place.write(line + "\n", to: "notes.jsonl")
    #expect(try run("import", place.path + "/notes.jsonl", at: a).status == 0)
    let named = try run("project", "list", "--json", at: a).items()
      .filter { $0["unfiled"] as? Bool == true }
    #expect(named.count == 1)
    let listed = try run("project", "list", "--json", at: a).items()
    let id = try #require(listed.first { ($0["folder"] as? String) == b }?["id"] as? Int)
    let assigned = try run("project", "assign", "api", "\(id)", "--json", at: a).json()
    #expect(
      try run("search", "walnut", "--project", b, "--json", at: a).items().count == 1)
    #expect(try run("search", "walnut", "--project", a, "--json", at: a).items().isEmpty == false)
    #expect((assigned["undo"] as? [String])?.count == 1)
  }

  @Test func environment_doesNotLeadGitElsewhere() throws {
    let a = try repository("here")
    let b = try repository("there")
    let elsewhere = [
      "GIT_DIR": b + "/.git", "GIT_COMMON_DIR": b + "/.git",
      "GIT_OBJECT_DIRECTORY": b + "/.git/objects",
      "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.worktree", "GIT_CONFIG_VALUE_0": b,
      "GIT_NAMESPACE": "x", "GIT_CEILING_DIRECTORIES": "/",
    ]
    try place.write("new", to: "here/only-here.txt")
    let result = try run("handoff", "--out", "-", at: a, environment: elsewhere)
    #expect(result.output.contains("begin here") && result.output.contains("only-here.txt"))
    #expect(!result.output.contains("begin there"))
  }

  @Test func otherReferences_giveNoBranch() throws {
    let a = try repository("ref")
    try place.write("ref: refs/heads/.invalid\n", to: "ref/.git/HEAD")
    try run("checkpoint", "--objective", "x", at: a)
    let brief = try run("session", "brief", "--json", at: a).json()
    #expect(brief["branch"] is NSNull)
  }

  @Test func resumeOfAnotherSession_isAboutItsProject() throws {
    let a = try repository("left")
    let b = try repository("right")
    try run("task", "add", "Left behind", at: a)
    try run("task", "add", "Right ahead", at: b)
    try place.append(Line.request("Look at the left"))
    let hook = place.hook("PreCompact", ["cwd": a, "session_id": "session-1", "trigger": "auto"])
    try run("checkpoint", at: a, input: hook)
    let document = try run("resume", "--session", "session-1", at: b).output
    #expect(document.contains("Left behind") && !document.contains("Right ahead"))
  }

  @Test func shallowClone_isNamedInTheVerdict() throws {
    let a = try repository("deep")
    for number in 1...3 {
      try place.write("\(number)", to: "deep/file.txt")
      try git("commit", "-q", "-a", "-m", "\(number)", at: a)
    }
    try git("clone", "-q", "--depth", "1", "file://" + a, place.path + "/cut", at: place.path)
    let cut = place.path + "/cut"
    try run("ledger", "add", "Old", "--commit", "0123456789ab", at: cut)
    let verified = try run("ledger", "verify", "--json", at: cut)
    #expect(try verified.status == 0 && verified.json()["shallow"] as? Bool == true)
    #expect(try run("ledger", "verify", "--strict", at: cut).status == 65)
  }

  // MARK: Sessions that walk

  private func work(_ words: String, at folder: String, session: String) throws {
    let path = place.path + "/\(session).jsonl"
    let line: [String: Any] = [
      "type": "user", "uuid": "u-\(session)", "sessionId": session, "cwd": folder,
      "timestamp": "2026-11-20T10:00:00.000Z", "message": ["role": "user", "content": words],
    ]
    try (JSONSerialization.data(withJSONObject: line) + Data([0x0A]))
      .write(to: URL(fileURLWithPath: path))
    for (event, verb) in [("SessionStart", "canary"), ("Stop", "checkpoint")] {
      try run(
        verb, at: folder,
        input: place.hook(
          event,
          ["session_id": session, "cwd": folder, "transcript_path": path, "source": "startup"]))
    }
  }

  @Test func sessionThatWalkedOff_writesWhereItBegan() throws {
    let a = try repository("quay", remote: "https://h.example.org/one/quay.git")
    let b = try repository("mole", remote: "https://h.example.org/two/mole.git")
    try run("task", "add", "Caulk the hull", at: a)
    try run("task", "add", "Dredge the fairway", at: b)
    try work("Paint the crane", at: a, session: "walker")
    let own = ["CLAUDE_CODE_SESSION_ID": "walker"]
    try run("checkpoint", "--next", "second coat", at: b, environment: own)
    try run("handoff", "--note", "half done", at: b, environment: own)
    let document = try run("handoff", "--session", "walker", "--out", "-", at: b).output
    #expect(document.contains("Caulk the hull") && !document.contains("Dredge the fairway"))
    #expect(!document.contains("begin mole"), "the other repository's commits")
    let list = try run("checkpoint", "list", "--project", a, "--json", at: a).items()
    #expect(list.contains { $0["trigger"] as? String == "manual" })
    let start = try start(b, session: "next")
    #expect(!start.contains("crane") && !start.contains("second coat"), "\(start)")
    #expect(!FileManager.default.fileExists(atPath: b + "/.handoff"))
    // What a person names counts more.
    try run("checkpoint", "--objective", "said", "--project", b, at: a, environment: own)
    #expect(try run("checkpoint", "list", "--project", b, at: b).output.contains("said"))
  }

  @Test func toolsOfASession_areOfItsProject() throws {
    let a = try repository("alder")
    let b = try repository("birch")
    try run("checkpoint", "--objective", "alder goal", at: a)
    try run("checkpoint", "--objective", "birch goal", at: b)
    func load(_ arguments: String, at folder: String) throws -> String {
      let call =
        #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"checkpoint","arguments":"#
        + arguments + "}}\n"
      return try run("mcp", at: folder, input: call).output
    }
    #expect(try load(#"{"action":"load"}"#, at: a).contains("alder goal"))
    let named = try load(#"{"action":"load","project":"alder"}"#, at: b)
    #expect(named.contains("alder goal") && !named.contains("birch goal"))
    try run("project", "private", ".", at: b)
    #expect(try !load(#"{"action":"load"}"#, at: a).contains("birch goal"))
    try work("Fell the secret birch", at: b, session: "hidden")
    #expect(try !run("status", at: a).output.contains("hidden"))
    #expect(try run("status", at: b).output.contains("hidden"))
  }

  // MARK: Marks that mislead

  @Test func templateThatWasSentElsewhere_isNotTheTemplateAnyMore() throws {
    let template = try repository("mould")
    let url = "https://h.example.org/o/mould.git"
    func copy(_ name: String) throws -> String {
      let folder = place.path + "/" + name
      try git("clone", "-q", template, folder, at: place.path)
      try git("remote", "set-url", "origin", url, at: folder)
      return folder
    }
    let first = try copy("first")
    try run("task", "add", "Set it up", at: first)
    try git("remote", "set-url", "origin", "https://h.example.org/me/own.git", at: first)
    try run("task", "add", "Only mine", at: first)
    let second = try copy("other")
    #expect(try tasks(second) == [])
    try run("task", "add", "Of the second", at: second)
    #expect(try tasks(first) == ["Only mine", "Set it up"])
    // And back again: it is the template's clone as it was before.
    try git("remote", "set-url", "origin", url, at: first)
    try run("task", "add", "Returned", at: first)
    let third = try copy("third")
    #expect(try tasks(third).contains("Returned"))
  }

  @Test func cloneThatWasBehind_isTheSameOnceItHasCaughtUp() throws {
    let url = "https://h.example.org/o/ferry.git"
    let a = try repository("ferry", remote: url)
    let b = place.path + "/later"
    try git("clone", "-q", a, b, at: place.path)
    try git("remote", "set-url", "origin", url, at: b)
    try place.write("two", to: "ferry/two.txt")
    try git("add", ".", at: a)
    try git("commit", "-q", "-m", "ahead", at: a)
    try run("task", "add", "Scrape the hull", at: a)
    try run("task", "add", "Oil the winch", at: b)
    #expect(try tasks(b) == ["Oil the winch"], "nothing shows yet that they are one")
    try git("pull", "-q", "--ff-only", a, "main", at: b)
    #expect(try tasks(b) == ["Oil the winch", "Scrape the hull"])
    #expect(try tasks(a) == ["Oil the winch", "Scrape the hull"])
    let list = try run("project", "list", at: a).output
    #expect(list.contains(a + "  ") && list.contains(b + "  "), "each with its own folder: \(list)")
  }

  @Test func worktreeThatIsGone_isStillTheRepositorys() throws {
    let a = try repository("grange")
    let side = place.path + "/grange-side"
    try git("worktree", "add", "-q", "-b", "side", side, at: a)
    try work("Thatch the barn", at: side, session: "first")
    try git("worktree", "remove", "--force", side, at: a)
    let path = place.path + "/second.jsonl"
    let text = try String(contentsOfFile: place.path + "/first.jsonl", encoding: .utf8)
    try text.replacingOccurrences(of: "first", with: "second")
      .write(toFile: path, atomically: false, encoding: .utf8)
    try run("ingest", path, at: a)
    let sessions = try run("session", "list", "--project", a, "--json", at: a).items()
    #expect(Set(sessions.compactMap { $0["id"] as? String }) == ["first", "second"])
  }

  @Test func windowsFolder_isOneHoweverItIsWritten() throws {
    let spellings = ["D:\\Src\\heath", "d:\\Src\\heath", "D:/Src/heath", "D:\\Src\\heath\\"]
    for (number, folder) in spellings.enumerated() {
      let line: [String: Any] = [
        "type": "user", "uuid": "w\(number)", "sessionId": "win-\(number)", "cwd": folder,
        "timestamp": "2026-11-20T10:00:00.000Z", "message": ["role": "user", "content": "x"],
      ]
      let path = place.path + "/w\(number).jsonl"
      try (JSONSerialization.data(withJSONObject: line) + Data([0x0A]))
        .write(to: URL(fileURLWithPath: path))
      try run("ingest", path, at: place.path)
    }
    let list = try run("project", "list", "--json", at: place.path).items()
    #expect(list.count == 1 && list[0]["name"] as? String == "heath")
    #expect(try run("task", "list", "--project", "heath", at: place.path).status == 0)
  }
}
