import Foundation
import Testing

/// Whose project it is, as hooks, people and agents meet it.
@Suite struct ProjectTests {
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
}
