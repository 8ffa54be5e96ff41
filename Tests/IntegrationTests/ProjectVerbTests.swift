import Core
import Foundation
import TestSupport
import Testing

/// What the verbs of projects understand by a word, and what takes them back. Plain folders are projects too.
@Suite(.blocking) struct ProjectVerbTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  private func folder(_ name: String) throws -> String {
    let folder = place.path + "/" + name
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return folder
  }

  @discardableResult
  private func run(
    _ arguments: String..., at folder: String? = nil, input: String? = nil
  ) throws -> MemorydProcess.Result {
    try MemorydProcess(
      arguments, input: input.map { Data($0.utf8) }, environment: place.environment,
      cwd: folder ?? place.path
    ).finish()
  }

  /// Runs what a verb prints after `undo:`, as a person does who copies it.
  private func undo(_ result: MemorydProcess.Result) throws -> Int32 {
    let line = try #require(
      result.output.split(separator: "\n").first { $0.hasPrefix("undo: memoryd ") })
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "\"$0\" " + line.dropFirst(14), MemorydProcess.executable]
    process.environment = place.environment
    process.currentDirectoryURL = URL(fileURLWithPath: place.path)
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }

  private func tasks(_ project: String) throws -> [String] {
    try run("task", "list", "--project", project, "--json").items()
      .compactMap { $0["title"] as? String }.sorted()
  }

  private func names() throws -> [Int: String] {
    let items = try run("project", "list", "--json").items()
    let all = items + items.flatMap { $0["parts"] as? [[String: Any]] ?? [] }
    return all.reduce(into: [:]) { $0[$1["id"] as? Int ?? 0] = $1["name"] as? String }
  }

  private func call(_ tool: String, _ arguments: [String: Any], at folder: String) throws -> String
  {
    let message: [String: Any] = [
      "jsonrpc": "2.0", "id": 1, "method": "tools/call",
      "params": ["name": tool, "arguments": arguments],
    ]
    let line = try JSONSerialization.data(withJSONObject: message)
    return try run("mcp", at: folder, input: String(decoding: line, as: UTF8.self) + "\n").output
  }

  // MARK: Numbers

  @Test func number_isTheRow_whateverFoldersAreCalled() throws {
    // Rows 1 to 4; the third is called 2.
    let all = try ["elm", "oak", "2", "ash"].map(folder)
    for folder in all {
      try run("task", "add", "In " + (folder as NSString).lastPathComponent, at: folder)
    }
    let joined = try run("project", "join", "1", "2")
    #expect(joined.output.hasPrefix("2 is a part of 1"))
    #expect(try tasks("elm").count == 2)
    #expect(try undo(joined) == 0)
    #expect(try tasks("elm").count == 1)
    place.environment["MEMORYD_VAULT_URL"] = "http://127.0.0.1:9/mcp"
    let shown = try run("vault", "share", "2", "--history").output
    #expect(shown.contains("In oak") && !shown.contains("In 2"))
    // Where nothing was printed before, a word that means two says so.
    let asked = try run("task", "list", "--project", "2")
    #expect(asked.status == 64 && asked.errorOutput.contains("folder instead of the name"))
    #expect(try tasks(all[2]) == ["In 2"])
  }

  @Test func changedTask_isFiledByAnyWord_andTheVaultGetsTheName() throws {
    let (elm, oak) = (try folder("elm"), try folder("oak"))
    try run("task", "add", "Pollard", at: oak)
    place.environment["MEMORYD_VAULT_URL"] = "http://127.0.0.1:9/mcp"
    let id = try #require(
      try run("task", "add", "Graft", "--json", at: elm).json()["id"] as? String)
    for word in ["1", oak] {
      try run("task", "update", id, "--project", word, at: elm)
      #expect(try tasks(oak) == ["Graft", "Pollard"])
      try run("task", "update", id, "--project", "elm", at: oak)
      #expect(try tasks(elm) == ["Graft"])
    }
    _ = try call("task", ["action": "update", "id": id, "project": "1"], at: elm)
    #expect(try tasks(oak) == ["Graft", "Pollard"])
    let sent = try place.sqlite(
      "SELECT DISTINCT payload ->> 'project' FROM outbox WHERE action = 'update' ORDER BY 1")
    #expect(sent == "elm\noak")
    try run("task", "add", "Another", at: folder("grove/oak"))
    let answer = try call("task", ["action": "update", "id": id, "project": "oak"], at: elm)
    #expect(answer.contains("\"isError\":true") && answer.contains(oak))
  }

  // MARK: Folders

  @Test func folderThatIsGone_isStillTheProject_andOneThatNeverWasIsNone() throws {
    let (elm, oak) = (try folder("elm"), try folder("oak"))
    try run("task", "add", "Stays", at: oak)
    try FileManager.default.removeItem(atPath: oak)
    #expect(try tasks(oak) == ["Stays"] && tasks("./oak") == ["Stays"])
    for verb in [["task", "add", "Lost"], ["task", "list"], ["decision", "list"]] {
      let result = try MemorydProcess(
        verb + ["--project", place.path + "/typo/x"], input: nil, environment: place.environment,
        cwd: elm
      ).finish()
      #expect(result.status == 66 && result.errorOutput.contains("no folder"), "\(verb)")
    }
    #expect(try names().count == 1)
    // A name may have a slash.
    #expect(try run("task", "add", "Waits", "--project", "team/api").status == 0)
    #expect(try tasks("team/api") == ["Waits"])
  }

  // MARK: Undo

  @Test func assign_isTakenBackToWhereItWas() throws {
    let all = try ["elm", "oak"].map(folder)
    for folder in all { try run("task", "add", "Own", at: folder) }
    try run("task", "add", "Waits", "--project", "ghost fern")
    let first = try run("project", "assign", "ghost fern", all[0])
    #expect(first.output.contains("undo: memoryd project split "))
    let second = try run("project", "assign", "ghost fern", all[1])
    #expect(try tasks(all[1]) == ["Own", "Waits"])
    #expect(try undo(second) == 0)
    #expect(try tasks(all[0]) == ["Own", "Waits"] && tasks(all[1]) == ["Own"])
    // One item: to where it is already, nothing changes.
    let items = try run("task", "list", "--project", all[1], "--json").items()
    let id = try #require(items.first?["id"] as? String)
    #expect(try !run("project", "assign", id, all[1]).output.contains("undo:"))
    let moved = try run("project", "assign", id, all[0])
    #expect(try undo(moved) == 0)
    #expect(try tasks(all[1]) == ["Own"])
  }

  @Test(arguments: ["it's & <b>", "-x", "plain.name"])
  func rename_isTakenBack(name: String) throws {
    try run("task", "add", "Own", at: folder(name))
    #expect(try names() == [1: name])
    let renamed = try run("project", "rename", "1", "heath")
    #expect(try names() == [1: "heath"])
    #expect(try undo(renamed) == 0)
    #expect(try names() == [1: name])
    #expect(renamed.output.contains("'") == (name != "plain.name" && name != "-x"))
  }

  @Test func rename_ofWhatCannotBeNamed() throws {
    // Names that only a folder can have.
    for name in ["7", "a\u{1B}[31mb"] { try run("task", "add", "Own", at: folder(name)) }
    for number in ["1", "2"] {
      let renamed = try run("project", "rename", number, "new" + number)
      #expect(renamed.status == 0)
      #expect(!renamed.output.contains("undo:") && !renamed.output.contains("\u{1B}"))
    }
    // A shelf is no project: what will come under its name would be parted from what waits there.
    try run("task", "add", "Waits", "--project", "ghost")
    let refused = try run("project", "rename", "ghost", "spook")
    #expect(refused.status == 64 && refused.errorOutput.contains("project assign 3"))
    #expect(try tasks("ghost") == ["Waits"])
  }

  @Test func keepingApart_changesNothingThatWasOne() throws {
    let all = try ["elm", "oak"].map(folder)
    for folder in all { try run("task", "add", "Own", at: folder) }
    let apart = try run("project", "split", "1", "2")
    #expect(apart.output == "1 and 2 stay apart\n")
  }

  // MARK: What is private

  @Test func privateProject_isNowhereElse() throws {
    let (elm, oak) = (try folder("elm"), try folder("oak"))
    try run("handoff", "--note", "Tapped", "--to", "q", at: elm)
    try run("checkpoint", "--objective", "Tap the secret elm", at: elm)
    try run("task", "add", "Own", at: oak)
    let said = try run("project", "private", elm)
    for verb in [
      ["status", "--json"], ["status"], ["checkpoint", "list"], ["session", "list"], ["resume"],
      ["search", "tap"], ["handoff", "list"],
    ] {
      let result = try MemorydProcess(
        verb, input: nil, environment: place.environment, cwd: oak
      ).finish()
      #expect(!result.output.lowercased().contains("tap"), "\(verb)")
    }
    #expect(try run("status", "--json", at: elm).output.contains("Tap the secret elm"))
    #expect(try undo(said) == 0)
    #expect(try run("checkpoint", "list", at: oak).output.contains("Tap the secret elm"))
  }

  @Test func undoOfPrivate_leavesWhatWasPrivateBefore() throws {
    for name in ["elm", "oak"] { try run("task", "add", "Own", at: folder(name)) }
    try run("project", "private", "2")
    try run("project", "join", "1", "2")
    let said = try run("project", "private", "1")
    #expect(said.output == "1 is private already\n")
    try run("project", "split", "2")
    let hidden = try run("project", "list", "--json").items()
      .filter { $0["private"] as? Bool == true }
    #expect(hidden.compactMap { $0["id"] as? Int } == [2])
  }
}
