import Foundation
import TestSupport
import Testing

/// The verbs as people and scripts use them.
@Suite(.blocking) struct CommandLineTests {
  let place: Workplace

  init() throws { place = try Workplace(isOwnProcess: true) }

  @Test func tasks_liveThroughTheirVerbs() throws {
    let id = try #require(
      try place.run("task", "add", "Fix it", "--context", "why", "--json").json()["id"] as? String)
    #expect(id.count == 26)
    try place.run("task", "update", id.lowercased(), "--title", "Fix it well", "--context", "")
    var task = try place.run("task", "list", "--json").items()[0]
    #expect(task["title"] as? String == "Fix it well" && task["context"] as? String == "why")
    #expect(task["project"] as? String == "repo" && task["source"] as? String == "cc")
    #expect(task["status"] as? String == "open" && task["completed_at"] == nil)
    #expect(try place.run("task", "done", id).status == 0)
    #expect(try place.run("task", "list", "--json").items().isEmpty)
    task = try place.run("task", "list", "--status", "done", "--json").items()[0]
    #expect(task["completed_at"] is String)
    try place.run("task", "retro", "Was done", "--occurred-at", "2026-01-01")
    #expect(try place.run("task", "list", "--status", "all", "--json").items().count == 2)
    #expect(
      try place.run("task", "list", "--status", "all", "--format", "md").output.hasPrefix(
        "## repo\n- [x] Was done `"))
  }

  @Test(arguments: [
    "- [x] done", "-", "--", "-n 5 items", "a\nb\u{2028}c", "  spaces  ", "--not an option",
    "“quotes” \\ $HOME `x`", "-1", "日本語 😅",
  ])
  func text_isKeptByteForByte(text: String) throws {
    let arguments =
      text == "--"
      ? ["task", "add", "--json", "--", text] : ["task", "add", text, "--context", text, "--json"]
    let result = try place.start(arguments).finish()
    #expect(result.status == 0, "\(result.errorOutput)")
    let task = try place.run("task", "list", "--json").items()[0]
    #expect(task["title"] as? String == text)
    if text != "--" { #expect(task["context"] as? String == text) }
  }

  @Test func globalOptions_mayStandAnywhere() throws {
    for arguments in [
      ["--json", "task", "list"], ["task", "--json", "list"], ["task", "list", "--json"],
      ["--home", place.path + "/other", "--json", "task", "list", "--project", "x"],
    ] {
      let result = try place.start(arguments).finish()
      #expect(try result.items().isEmpty, "\(arguments)")
    }
    #expect(FileManager.default.fileExists(atPath: place.path + "/other/memory.db"))
  }

  @Test func errors_haveTheirExitCodesAndNextStep() throws {
    #expect(try place.run("no-such-verb").status == 64)
    #expect(try place.run("task", "add").status == 64)
    #expect(try place.run("task", "add", "t", "--source", "nowhere").status == 64)
    #expect(try place.run("task", "add", "t", "--source", "auto").status == 65)
    #expect(try place.run("task", "add", "  ").status == 65)
    #expect(try place.run("task", "add", "t", "--occurred-at", "soon").status == 64)
    let done = try place.run("task", "done", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
    #expect(done.status == 66 && done.errorOutput.contains("hint: `memoryd task list`"))
    #expect(try place.run("checkpoint", "show", "01A").status == 66)
    #expect(try place.run("session", "show", "none").status == 66)
    #expect(try place.run("resume").status == 66)
    #expect(try place.run("ingest", "/no/such/path").status == 66)
    #expect(try place.run("search", "x", "--since", "soon").status == 64)
    for result in [try place.run("no-such-verb"), done] {
      #expect(result.output.isEmpty && result.errorOutput.contains("memoryd: error:"))
    }
  }

  @Test func help_teaches() throws {
    let help = try place.run("--help")
    #expect(help.status == 0)
    #expect(help.output.contains("checkpoint") && help.output.contains("First steps"))
    for verb in [
      "checkpoint", "resume", "canary", "session", "task", "decide", "search", "ingest", "status",
      "doctor", "completions",
    ] {
      let text = try place.run(verb, "--help")
      #expect(text.status == 0 && text.output.contains("USAGE: memoryd \(verb)"), "\(verb)")
    }
    #expect(try place.run("--version").output == "0.1.0\n")
    for shell in ["bash", "zsh", "fish"] {
      #expect(try place.run("completions", shell).output.contains("memoryd"))
    }
  }

  @Test func decisions_andCheckpoints_byHand() throws {
    try place.run("decide", "Use WAL", "--rationale", "- many readers")
    let decision = try place.run("decision", "list", "--json").items()[0]
    #expect(decision["rationale"] as? String == "- many readers")
    let a = try #require(
      try place.run("checkpoint", "--objective", "one", "--next", "n", "--blocker", "- b", "--json")
        .json()["id"] as? String)
    let b = try #require(
      try place.run("checkpoint", "--objective", "two", "--action", "did", "--json").json()["id"]
        as? String)
    #expect(a < b)
    let items = try place.run("checkpoint", "list", "--json", "--limit", "1").items()
    #expect(items.map { $0["id"] as? String } == [b])
    #expect(items[0]["project"] as? String == "repo" && items[0]["trigger"] as? String == "manual")
    #expect(try place.run("checkpoint", "show", a).output.contains("Blocker: \\- b"))
    #expect(try place.run("checkpoint", "diff", a, b).output.contains("+ two"))
    let resume = try place.run("resume").output
    #expect(resume.contains("two") && resume.contains("Use WAL"))
  }

  @Test func ingest_isIncremental_andSearchFindsIt() throws {
    try place.append(Line.request("the walrus parser") + Line.reply("about walruses and parsers"))
    let first = try place.run("ingest", place.transcript, "--json").items()[0]
    #expect(first["entries"] as? Int == 2)
    #expect(try place.run("ingest", place.path, "--json").items()[0]["entries"] as? Int == 0)
    let hit = try place.run("search", "walrus", "--json").items()[0]
    #expect(hit["kind"] as? String == "request")
    let around = try place.run(
      "session", "show", "session-1", "--around", try #require(hit["id"] as? String), "--json")
    #expect((try around.json()["entries"] as? [Any])?.count == 2)
    #expect(try place.run("search", "walrus", "--kind", "reply", "--json").items().isEmpty)
  }

  @Test func secrets_areNowhereAtRest() throws {
    let token = "ghp_" + String(repeating: "Zx9Q", count: 9)
    try place.append(Line.request("my token is \(token) <private>do not keep</private>"))
    // The last bytes of a transcript are looked at again by the next reading.
    try place.append(
      #"{"type":"user","uuid":"last","timestamp":"2026-01-14T15:18:08Z","message":"#
        + #"{"role":"user","content":"and <private>do not keep</private>"}}"# + "\n")
    try place.run("checkpoint", input: place.hook("PreCompact"))
    try place.run("task", "add", "use \(token)", "--context", "password=hunter2hunter2")
    try place.run("decide", "rotate \(token)", "--rationale", token)
    try place.run("checkpoint", "--objective", "leak \(token)", "--next", token)
    let files = try #require(FileManager.default.enumerator(atPath: place.home))
    for case let name as String in files {
      guard let data = FileManager.default.contents(atPath: place.home + "/" + name) else {
        continue
      }
      for secret in [token, "hunter2hunter2", "do not keep"] {
        #expect(data.range(of: Data(secret.utf8)) == nil, "\(secret) in \(name)")
      }
    }
    #expect(try place.run("task", "list").output.contains("[redacted:github-token]"))
  }
}
