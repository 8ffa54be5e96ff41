import Core
import Foundation
import MemoryStore
import TestSupport
import Testing

/// The Markdown files as people have them: linked, tracked, edited, damaged and shared.
@Suite(.blocking) struct FallbackFilesTests {
  /// A home in degraded mode, with fallback files that are links into a git repository.
  private func dotfiles(_ workplace: Workplace, _ vault: VaultPeer) throws {
    workplace.use(vault)
    try vault.break_("refused")
    try FileManager.default.createDirectory(
      atPath: workplace.fallback, withIntermediateDirectories: true)
    for name in ["tasks-fallback.md", "checkpoints-fallback.md"] {
      try workplace.write("# Notes\n\nkept by hand, twice  \n", to: "repo/" + name)
      try FileManager.default.createSymbolicLink(
        atPath: workplace.fallback + "/" + name, withDestinationPath: "../repo/" + name)
    }
    try workplace.git("init")
    try commit(workplace)
  }

  private func commit(_ workplace: Workplace) throws {
    try workplace.git("add", "-A")
    try workplace.git("commit", "-m", "files")
  }

  private func output(_ workplace: Workplace, _ arguments: String...) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["git", "-C", workplace.repository] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }

  @Test func links_stayLinks_andGitSeesAddedLinesOnly() throws {
    let vault = try VaultPeer()
    let workplace = try Workplace()
    try dotfiles(workplace, vault)
    chmod(workplace.repository + "/tasks-fallback.md", 0o640)
    try workplace.run("task", "add", "first")
    try workplace.run("checkpoint", "--objective", "second", "--blocker", "b")
    try workplace.run("decide", "third", "--rationale", "r")
    try vault.heal()
    try workplace.syncAll()
    for name in ["tasks-fallback.md", "checkpoints-fallback.md"] {
      let path = workplace.fallback + "/" + name
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path) == "../repo/" + name)
    }
    let mode =
      try FileManager.default.attributesOfItem(
        atPath: workplace.repository + "/tasks-fallback.md")[.posixPermissions] as? NSNumber
    #expect(mode?.intValue == 0o640)
    let numbers = try output(workplace, "diff", "--numstat").split(separator: "\n")
    #expect(numbers.count == 2)
    for line in numbers { #expect(line.split(separator: "\t")[1] == "0", "\(line)") }
    #expect(workplace.fallbackText("tasks-fallback.md").contains("synced add"))
    #expect(workplace.fallbackText("checkpoints-fallback.md").contains("synced save"))
  }

  @Test func checkoutAndEditorsRename_loseNothing() throws {
    let vault = try VaultPeer()
    let workplace = try Workplace()
    try dotfiles(workplace, vault)
    try workplace.run("task", "add", "one")
    // git puts the file back as it was: what memoryd appended is gone from it.
    try workplace.git("checkout", "--", ".")
    #expect(!workplace.fallbackText("tasks-fallback.md").contains("one"))
    try workplace.run("task", "add", "two")
    // An editor writes another file and renames it over the old one, with a line of its person.
    let path = workplace.repository + "/tasks-fallback.md"
    let text = try String(contentsOfFile: path, encoding: .utf8) + "- [ ] by hand\n"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    try workplace.run("task", "add", "three")
    try vault.heal()
    try workplace.syncAll()
    let state = try vault.state()
    for title in ["one", "two", "three", "by hand"] {
      #expect(state.tasks(titled: title).count == 1, "\(title)")
    }
    #expect(state.tasks.count == 4)
    try workplace.syncAll()
    #expect(try vault.state().tasks.count == 4)
  }

  @Test func damage_neverStopsTheRest() throws {
    let vault = try VaultPeer()
    let workplace = try Workplace()
    workplace.use(vault)
    try FileManager.default.createDirectory(
      atPath: workplace.fallback, withIntermediateDirectories: true)
    var bytes = Data("- [ ] good one\n- [ ] mangled\n  <!-- memoryd {\"op\":\"task.ad\n".utf8)
    bytes += Data([0xFF, 0xFE, 0x2D, 0x20, 0xC3, 0x28, 0x0A])
    bytes += Data("```\n- not a task\n```\n- [ ] good two\n\n<!-- an open comment".utf8)
    try bytes.write(to: URL(fileURLWithPath: workplace.fallback + "/tasks-fallback.md"))
    usleep(2_100_000)
    let result = try workplace.run("sync", "--json")
    #expect(result.status == 0, "\(result.output)\(result.errorOutput)")
    #expect(try (result.json()["damage"] as? [String])?.isEmpty == false)
    let state = try vault.state()
    #expect(state.tasks(titled: "good one").count == 1)
    #expect(state.tasks(titled: "good two").count == 1)
    #expect(state.tasks(titled: "not a task").isEmpty)
    let after = try Data(
      contentsOf: URL(fileURLWithPath: workplace.fallback + "/tasks-fallback.md"))
    #expect(after.starts(with: bytes), "every byte that memoryd did not write stays")
  }

  @Test func twoHomes_adoptEachEntryOnce() throws {
    let vault = try VaultPeer()
    let one = try Workplace()
    let two = try Workplace()
    for workplace in [one, two] {
      workplace.use(vault, lag: 200)
      workplace.environment["MEMORYD_FALLBACK_DIR"] = one.fallback
    }
    try FileManager.default.createDirectory(
      atPath: one.fallback, withIntermediateDirectories: true)
    var tasks = ""
    for number in 1...20 { tasks += "- [\(number % 5 == 0 ? "x" : " ")] shared \(number)\n" }
    try tasks.write(
      toFile: one.fallback + "/tasks-fallback.md", atomically: true, encoding: .utf8)
    try "## A section by hand\n\nnotes\n\n### Blockers\n\n- none\n".write(
      toFile: one.fallback + "/checkpoints-fallback.md", atomically: true, encoding: .utf8)
    usleep(2_100_000)
    // At the same time, and answers get lost on the way.
    try vault.flap(seed: 7, ["ok": 4, "apply_then_drop": 1, "drop": 1], meanRequests: 2)
    for _ in 0..<4 {
      let runs = try [one, two].map { try $0.start(["sync"]) }
      for run in runs { _ = run.finish() }
    }
    try vault.heal()
    for workplace in [one, two] { try workplace.syncAll() }
    let state = try vault.state()
    for number in 1...20 {
      #expect(state.tasks(titled: "shared \(number)").count == 1, "\(number)")
    }
    #expect(state.tasks.count == 20 && state.checkpoints.count == 1)
    for workplace in [one, two] {
      #expect(try workplace.outbox("uncertain").isEmpty)
      let list = try workplace.run("task", "list", "--project", "inbox", "--json").items()
      #expect(list.count == 16, "\(list.map { "\($0["title"] ?? "")" }.sorted())")
    }
  }

  @Test func tick_reachesTheVault_andTidyKeepsABackup() throws {
    let vault = try VaultPeer()
    let workplace = try Workplace()
    workplace.use(vault)
    try vault.break_("refused")
    try workplace.run("task", "add", "by memoryd")
    let path = workplace.fallback + "/tasks-fallback.md"
    let before = workplace.fallbackText("tasks-fallback.md") + "- [ ] by hand\n"
    try before.replacingOccurrences(of: "- [ ]", with: "- [x]")
      .write(toFile: path, atomically: true, encoding: .utf8)
    try vault.heal()
    try workplace.syncAll()
    let state = try vault.state()
    #expect(state.tasks.count == 2)
    #expect(state.tasks.allSatisfy { $0["status"] as? String == "done" })
    let status = try workplace.run("fallback", "status", "--json").json()
    #expect(
      (status["files"] as? [[String: Any]])?.contains { $0["settled"] as? Int ?? 0 > 0 } == true)
    let tidied = try workplace.run("fallback", "tidy", "--json").items()
    let backup = try #require(tidied.first?["backup"] as? String)
    #expect(try String(contentsOfFile: backup, encoding: .utf8).contains("by memoryd"))
    #expect(!workplace.fallbackText("tasks-fallback.md").contains("by memoryd"))
    try workplace.syncAll()
    #expect(try vault.state().tasks.count == 2)
  }
}
