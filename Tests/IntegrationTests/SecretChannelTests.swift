import Foundation
import MemoryStore
import TestSupport
import Testing

/// Made-up secrets go in by every door; no byte of the home, the fallback files, the handoffs or
/// the output has one.
@Suite(.blocking) struct SecretChannelTests {
  /// A text with a secret in it, and the secret. No secret-shaped literal stands in this file.
  private static let secrets: [(text: String, secret: String)] = {
    let hex = "9b41e0d7c2" + "58a6f3" + "0d7c29b41e58a6f3"
    let crypt = "Vq8sPlm22KdE" + "uR7nWx4Tz0LcYb3Hg6Jf1"
    let account = "AC" + String(hex.reversed())
    let pairs: [(String, [String])] = [
      ("mysql -uroot -p§ shop", ["Kestrel", "88zz"]), ("sshpass -p § ssh h", ["Mango", "5544"]),
      ("redis-cli -a '§' ping", ["Plo ver", "!66"]), ("password=§", ["hunter2", "hunter2"]),
      ("client_secret:\n  §\nnext: 1", ["Zq7", "Rt5Xw2Lm9Kd4Vb8Nc1"]),
      ("<key>Password</key>\n<string>§</string>", ["Wombat", "77yy"]),
      ("root:§:19000:0:99999:7:::", ["$6$", "saltsalt1$", crypt, crypt, String(crypt.prefix(20))]),
      ("Client(\"\(account)\", \"§\")", [hex]), ("redis://:§@cache:6379/0", ["Quokka", "99ww"]),
      ("SMTP_PASSWORD=\"§\"", ["qxkd hwzt ", "mpvb rjln"]),
      ("machine h login me password §", ["Petunia", "8181"]),
      ("app:§@tcp(db:3306)/shop", ["Ocelot", "4242"]),
      ("db.example.org:5432:shop:app:§", ["Tapir", "!3131"]),
      ("token ghp_§", [String(repeating: "Zx9Q", count: 9)]),
      ("<private>§</private>", ["do not ", "keep"]),
    ]
    return pairs.map { template, parts in
      let secret = parts.joined()
      return (template.replacing("§", with: secret), secret)
    }
  }()

  private static let lines = secrets.map(\.text)
  private static let all = lines.joined(separator: "\n")
  /// For places that are one line.
  private static let line = lines.filter { !$0.contains("\n") && !$0.hasPrefix("db.") }
    .joined(separator: " ; ")

  private func expectNone(in folder: String, _ location: SourceLocation = #_sourceLocation) {
    let files = FileManager.default.enumerator(atPath: folder)
    for name in files?.allObjects ?? [] {
      guard let name = name as? String else { continue }
      guard let data = FileManager.default.contents(atPath: folder + "/" + name) else { continue }
      expectNone(in: data, name, location)
    }
  }

  private func expectNone(
    in data: Data, _ name: String, _ location: SourceLocation = #_sourceLocation
  ) {
    for (_, secret) in Self.secrets where data.range(of: Data(secret.utf8)) != nil {
      Issue.record("\(secret) in \(name)", sourceLocation: location)
    }
  }

  private func expectNone(in place: Workplace, _ location: SourceLocation = #_sourceLocation) {
    expectNone(in: place.home, location)
    expectNone(in: place.path + "/fallback", location)
    expectNone(in: place.repository + "/.handoff", location)
  }

  private func transcript() -> String {
    var lines = Line.request(Self.all) + Line.reply(Self.all)
    for (index, text) in Self.lines.enumerated() {
      lines += Line.request(text) + Line.reply("I ran `\(text)` and it worked.")
      lines += Line.call("Bash", ["command": text, "description": text], id: "b\(index)")
      lines += Line.json([
        "type": "user",
        "message": [
          "role": "user",
          "content": [
            ["type": "tool_result", "tool_use_id": "b\(index)", "is_error": true, "content": text]
          ],
        ], "toolUseResult": "Error: \(text)",
      ])
      lines += Line.call(
        "Edit", ["file_path": "/x/a.txt", "old_string": text, "new_string": "not " + text])
      lines += Line.call("Write", ["file_path": "/x/b.txt", "content": text])
      lines += Line.call(
        "TodoWrite",
        ["todos": [["content": text, "activeForm": text, "status": "in_progress"]]])
      lines += Line.call("Grep", ["pattern": text, "path": "/x"])
      lines += Line.call("Task", ["description": text, "prompt": text])
    }
    return lines + Line.boundary() + Line.summary(Self.all)
  }

  @Test func transcripts_andHooks_leaveNoSecret() throws {
    let place = try Workplace()
    try place.append(transcript())
    try place.run("checkpoint", input: place.hook("PreCompact", ["custom_instructions": Self.all]))
    try place.run("checkpoint", input: place.hook("PostCompact", ["compact_summary": Self.all]))
    try place.append(transcript())
    try place.run("checkpoint", input: place.hook("Stop", ["last_assistant_message": Self.all]))
    try place.run("session", "end", input: place.hook("SessionEnd", ["reason": Self.line]))
    try place.run("ingest", place.transcript)
    let document = try place.context("compact")
    expectNone(in: Data(document.utf8), "the document")
    expectNone(in: Data(try place.run("resume").output.utf8), "resume")
    #expect(document.contains("[redacted:"))
    expectNone(in: place)
  }

  @Test func verbs_leaveNoSecret() throws {
    let place = try Workplace()
    try place.git("init", "-q", "-b", "fix-" + "ghp_" + String(repeating: "Zx9Q", count: 9))
    try place.git("remote", "add", "origin", "https://me:Ocelot" + "4242@git.invalid/a/b.git")
    for (index, text) in Self.lines.enumerated() {
      try place.write(text, to: "repo/file\(index)")
      try place.git("add", "-A")
      try place.git("commit", "-q", "-m", "Use " + text)
    }
    try place.append(transcript())
    try place.run("checkpoint", input: place.hook("PreCompact"))
    let id = try #require(
      try place.run("task", "add", Self.line, "--context", Self.all, "--json").json()["id"]
        as? String)
    try place.run("task", "update", id, "--title", "again " + Self.line, "--context", Self.all)
    try place.run("task", "retro", Self.line)
    try place.run("decide", Self.all, "--rationale", Self.all)
    try place.run(
      "checkpoint", "--objective", Self.line, "--blocker", Self.all, "--action", Self.all,
      "--next", Self.all)
    try place.run("handoff", "--topic", Self.line, "--note", Self.all)
    try place.run("handoff", "--note", "-", input: Self.all)
    try place.run(
      "ledger", "add", "first item", "--phase", Self.line, "--group", Self.line)
    try place.run("ledger", "add", Self.line)
    let ledger =
      "# Ledger\n\n## Phase\n\n### Group\n\n"
      + Self.lines.filter { !$0.contains("\n") }
      .map { "- \($0)\n" }.joined()
    try place.write(ledger, to: "ledger.md")
    try place.run("ledger", "import", place.path + "/ledger.md")
    let rows = try Self.lines.enumerated().map { index, text in
      String(
        decoding: try JSONSerialization.data(
          withJSONObject: ["id": "i\(index)", "title": text, "text": "before\n" + text]),
        as: UTF8.self)
    }
    try place.write(rows.joined(separator: "\n") + "\n", to: "rows.jsonl")
    try place.run("import", place.path + "/rows.jsonl")
    for verb in [
      ["task", "list"], ["decision", "list"], ["checkpoint", "list", "--json"],
      ["handoff", "list"],
      ["ledger", "list"], ["search", "redacted", "--json"], ["resume"],
    ] {
      let result = try place.start(verb).finish()
      expectNone(in: Data(result.output.utf8), verb.joined(separator: " "))
    }
    try place.run("export", place.home + "/export.jsonl")
    expectNone(in: place)
  }

  @Test func mcp_leavesNoSecret() throws {
    let place = try Workplace()
    let calls: [(String, [String: Any])] = [
      ("task", ["action": "add", "title": Self.line, "context": Self.all, "source": "cc"]),
      ("task", ["action": "retro", "title": Self.line]),
      (
        "checkpoint",
        [
          "action": "save", "objective": Self.line, "blockers": [Self.all],
          "recent_actions": [Self.all],
        ]
      ),
      ("checkpoint", ["action": "decide", "decision": Self.line, "rationale": Self.all]),
      ("decision", ["action": "add", "decision": Self.line, "rationale": Self.all]),
      ("handoff", ["action": "write", "note": Self.all, "topic": Self.line]),
      ("ledger", ["action": "add", "item": Self.line, "phase": "One", "detail": Self.line]),
      ("session_end", ["objective": Self.line, "blockers": [Self.all]]),
      ("search", ["query": Self.line]),
    ]
    var lines = [
      #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","#
        + #""capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#,
      #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
    ]
    for (index, call) in calls.enumerated() {
      let request: [String: Any] = [
        "jsonrpc": "2.0", "id": index + 1, "method": "tools/call",
        "params": ["name": call.0, "arguments": call.1],
      ]
      lines.append(
        String(decoding: try JSONSerialization.data(withJSONObject: request), as: UTF8.self))
    }
    let result = try place.run("mcp", input: lines.joined(separator: "\n") + "\n")
    #expect(result.output.contains("\"id\":\(calls.count)"))
    #expect(!result.output.contains("\"isError\":true"))
    #expect(try place.run("task", "list").output.contains("[redacted:"))
    expectNone(in: place)
  }

  @Test func spoolJournalAndFallback_leaveNoSecret() throws {
    let place = try Workplace()
    try place.run("task", "add", "first")
    let release = try place.holdLock()
    try place.run("task", "add", Self.line, "--context", Self.all)
    try place.run("decide", Self.all, "--rationale", Self.all)
    try place.append(transcript())
    try place.run(
      "checkpoint", input: place.hook("PreCompact", ["custom_instructions": Self.all]))
    try place.run("checkpoint", input: place.hook("Stop", ["last_assistant_message": Self.all]))
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.home + "/spool").count >= 2)
    #expect(place.waitingHooks == 2)
    expectNone(in: place)
    release()
    try place.run("status")
    expectNone(in: place)

    // Neither store nor spool can be there.
    let bare = try Workplace()
    try FileManager.default.createDirectory(
      atPath: bare.home + "/memory.db", withIntermediateDirectories: true)
    try bare.write("", to: "home/spool")
    try bare.run("task", "add", Self.line, "--context", Self.all)
    try bare.run("checkpoint", "--objective", Self.line, "--blocker", Self.all)
    try bare.run("decide", Self.all, "--rationale", Self.all)
    let files = try FileManager.default.contentsOfDirectory(atPath: bare.path + "/fallback")
    #expect(!files.isEmpty)
    expectNone(in: bare)
  }
}
