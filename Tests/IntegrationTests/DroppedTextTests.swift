import Foundation
import TestSupport
import Testing

/// What a verb replaced or dropped is in no byte of the home any more, with the daemon and without.
@Suite(.blocking) struct DroppedTextTests {
  private let workplace: Workplace
  private static let mark = "Zqvorwik"
  private static let long = String(repeating: "\(mark)ParserThing again ", count: 2000)

  init() throws { workplace = try Workplace() }

  private func traces() -> [String] {
    let names = FileManager.default.enumerator(atPath: workplace.home)?.allObjects ?? []
    return names.compactMap { $0 as? String }.filter { name in
      guard let data = FileManager.default.contents(atPath: workplace.home + "/" + name) else {
        return false
      }
      return [Self.mark, Self.mark.lowercased()].contains {
        data.range(of: Data($0.utf8)) != nil
      }
    }.sorted()
  }

  /// The daemon overwrites what is left once its caller has the answer.
  private func expectNone(_ what: Comment, _ location: SourceLocation = #_sourceLocation) {
    let end = Date() + 15
    while !traces().isEmpty, Date() < end { usleep(20_000) }
    #expect(traces().isEmpty, what, sourceLocation: location)
  }

  private func id(_ result: MemorydProcess.Result) throws -> String {
    try #require(try result.json()["id"] as? String)
  }

  private func doctor() throws -> String {
    let checks = try workplace.run("doctor", "--json").json()["checks"] as? [[String: Any]]
    return try #require(checks?.first { $0["name"] as? String == "dropped" }?["detail"] as? String)
  }

  private func isOwed() throws -> Bool {
    try workplace.sqlite("SELECT count(*) FROM meta WHERE key = 'erasure'") == "1"
  }

  /// Another process reads, and the log must stay as long as it does.
  private func holdSnapshot() throws -> () -> Void {
    let holder = Process()
    holder.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    holder.arguments = ["sqlite3", workplace.home + "/memory.db"]
    let (input, output) = (Pipe(), Pipe())
    holder.standardInput = input
    holder.standardOutput = output
    try holder.run()
    input.fileHandleForWriting.write(Data("BEGIN; SELECT count(*) FROM tasks;\n".utf8))
    _ = output.fileHandleForReading.availableData
    return {
      input.fileHandleForWriting.write(Data("COMMIT;\n.quit\n".utf8))
      holder.waitUntilExit()
    }
  }

  @Test(arguments: [false, true]) func verbs_leaveNothing(hasDaemon: Bool) throws {
    for number in 0..<20 { try workplace.run("task", "add", "harbor \(number)") }
    let daemon = hasDaemon ? try DaemonPeer(workplace) : nil
    for text in [Self.mark, Self.long] {
      let task = try id(workplace.run("task", "add", "a " + text, "--context", text, "--json"))
      try workplace.run("task", "add", "behind it")
      #expect(!traces().isEmpty)
      try workplace.run("task", "update", task, "--title", "other", "--context", "words")
      expectNone("task update")

      try workplace.run("ledger", "add", "item", "--detail", text, "--remark", text)
      #expect(!traces().isEmpty)
      try workplace.run("ledger", "add", "item", "--detail", "other", "--remark", "words")
      expectNone("ledger add")

      for body in [text, "other"] {
        let line = try JSONSerialization.data(withJSONObject: ["id": "1", "text": body])
        try workplace.write(String(decoding: line, as: UTF8.self) + "\n", to: "rows.jsonl")
        try workplace.run("import", workplace.path + "/rows.jsonl")
        if body == text { #expect(!traces().isEmpty) }
      }
      expectNone("import")

      let path = workplace.path + "/handoff.md"
      try? FileManager.default.removeItem(atPath: path)
      let result = try workplace.run(
        "handoff", "--note", text, "--out", path)
      #expect(result.status == 0 && !traces().isEmpty)
      let document = try String(contentsOfFile: path, encoding: .utf8)
      try workplace.write(document.replacing(text, with: "by hand"), to: "handoff.md")
      try workplace.run("handoff", "--amend", "--note", "more")
      expectNone("handoff --amend")
    }
    if let daemon { #expect((try daemon.facts()["requests"] as? Int ?? 0) >= 5) }
    #expect(try workplace.sqlite("PRAGMA integrity_check") == "ok")
    #expect(try doctor().hasPrefix("no copy is left"))
    #expect(try !workplace.run("search", "harbor", "--json").items().isEmpty)
  }

  @Test(arguments: [false, true]) func reader_isWaitedFor_andStatusSaysSo(hasDaemon: Bool) throws {
    let task = try id(workplace.run("task", "add", Self.long, "--json"))
    let daemon = hasDaemon ? try DaemonPeer(workplace) : nil
    let release = try holdSnapshot()
    try workplace.run("task", "update", task, "--title", "other")
    #expect(!traces().isEmpty)
    #expect(try workplace.run("status").output.contains("may still have copies"))
    #expect(try doctor().contains("may still have copies"))
    // A hook has other things to do.
    let owed = try workplace.sqlite("SELECT value FROM meta WHERE key = 'erasure'")
    if !hasDaemon {
      try workplace.append(Line.request("go on"))
      try workplace.run("checkpoint", input: workplace.hook("PreCompact"))
      #expect(try workplace.sqlite("SELECT value FROM meta WHERE key = 'erasure'") == owed)
    }
    release()
    if !hasDaemon {
      try workplace.run("checkpoint", input: workplace.hook("Stop"))
      #expect(try isOwed(), "a hook does not pay")
      try workplace.run("task", "list")
    }
    expectNone("after the reader")
    #expect(try !workplace.run("status").output.contains("may still have copies"))
    withExtendedLifetime(daemon) {}
  }

  @Test func spooledChange_leavesNothingOnceItIsTakenIn() throws {
    let task = try id(workplace.run("task", "add", Self.mark, "--json"))
    let release = try workplace.holdLock()
    try workplace.run("task", "update", task, "--title", "other")
    #expect(!traces().isEmpty)
    release()
    try workplace.run("status")
    #expect(try workplace.run("task", "list").output.contains("other"))
    expectNone("the spool")
  }

  @Test func process_thatIsKilledAnywhere_isFollowedByAnother() throws {
    let rows = try (0..<600).map { number in
      String(
        decoding: try JSONSerialization.data(
          withJSONObject: ["id": "\(number)", "text": "\(Self.mark) \(number) " + Self.mark]),
        as: UTF8.self)
    }
    let other = rows.map { $0.replacing(Self.mark, with: "other") }
    try workplace.write(rows.joined(separator: "\n"), to: "rows.jsonl")
    try workplace.write(other.joined(separator: "\n"), to: "other.jsonl")
    for delay in TestScale.isWhole ? Array(stride(from: 5, to: 400, by: 15)) : [40, 90, 140] {
      try workplace.run("import", workplace.path + "/rows.jsonl")
      let process = try workplace.start(["import", workplace.path + "/other.jsonl"])
      usleep(UInt32(delay) * 1000)
      kill(process.process.processIdentifier, SIGKILL)
      _ = process.finish()
      // It may have ended before the change was made.
      try workplace.run("import", workplace.path + "/other.jsonl")
      try workplace.run("doctor", "--fix")
      expectNone("after a kill at \(delay) ms")
      #expect(try workplace.sqlite("PRAGMA integrity_check") == "ok")
    }
  }

  @Test func backup_thatIsMadeAfterwards_hasNothingOfIt() throws {
    let task = try id(workplace.run("task", "add", Self.long, "--json"))
    try workplace.run("task", "update", task, "--title", "other")
    try workplace.run("backup", workplace.home + "/kept.backup")
    expectNone("backup")
  }
}
