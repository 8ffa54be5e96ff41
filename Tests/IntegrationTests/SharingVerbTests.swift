import Foundation
import TestSupport
import Testing

/// What goes to a vault is what somebody said may go: with a real vault, by the verbs.
@Suite(.blocking) struct SharingVerbTests {
  private let vault: VaultPeer
  private let place: Workplace

  init() throws {
    vault = try VaultPeer()
    place = try Workplace()
  }

  private func titles() throws -> [String] {
    try vault.state().tasks.compactMap { $0["title"] as? String }.sorted()
  }

  @Test func historyWaits_untilItIsShared_andGoesOnce() throws {
    try place.run("task", "add", "before the vault")
    let id = try #require(
      try place.run("task", "add", "done before", "--json").json()["id"] as? String)
    try place.run("task", "done", id)
    try place.run("decide", "keep it", "--rationale", "it is old")
    place.use(vault)
    try place.run("task", "add", "after the vault")
    try place.syncAll()
    #expect(try titles() == ["after the vault"])
    let plan = try place.run("sync", "--dry-run").output
    #expect(plan.contains("2 tasks, 1 decision stay here") && plan.contains("before the vault"))
    func start(_ session: String) throws -> String {
      let hook = place.hook("SessionStart", ["source": "startup", "session_id": session])
      return try place.run("canary", input: hook).json()["systemMessage"] as? String ?? ""
    }
    #expect(try start("one").contains("2 tasks, 1 decision"))
    #expect(try !start("two").contains("decision"), "told once")
    let shown = try place.run("vault", "share", ".", "--history")
    #expect(shown.output.contains("before the vault") && shown.output.contains("--yes"))
    try place.syncAll()
    #expect(try titles() == ["after the vault"], "shown, not sent")
    try place.run("vault", "share", ".", "--history", "--yes")
    try place.syncAll()
    #expect(try titles() == ["after the vault", "before the vault", "done before"])
    #expect(try vault.state().decisions.count == 1)
    #expect(
      try vault.state().tasks(titled: "done before").first?["status"] as? String == "done")
    #expect(
      try place.run("vault", "share", ".", "--history").output.contains("has all of it already"))
  }

  @Test func projectsThatAreNotShared_stayHere() throws {
    place.use(vault)
    place.environment["MEMORYD_VAULT_PROJECTS"] = "none"
    try place.run("task", "add", "silent")
    place.environment["MEMORYD_VAULT_PROJECTS"] = nil
    let written = try place.run("task", "add", "spoken", "--json").json()
    #expect(written["vault"] as? String == "queued")
    try place.run("vault", "unshare", ".")
    let kept = try place.run("task", "add", "silent too", "--json").json()
    #expect(kept["vault"] as? String == "held")
    try place.syncAll()
    #expect(try titles() == [])
    let list = try place.run("vault").output
    #expect(list.contains("not shared") && list.contains("3 items of before"))
    try place.run("vault", "share", ".")
    try place.run("task", "add", "open")
    try place.syncAll()
    #expect(try titles() == ["open"])
  }

  @Test func withoutAVault_shareSaysSo() throws {
    let refused = try place.run("vault", "share", ".")
    #expect(refused.status == 78 && refused.errorOutput.contains("vault.url"))
    #expect(try place.run("vault", "share").status == 64)
    #expect(
      try place.run("vault", "moved", "https://a.example.org", "https://b.example.org").status == 66
    )
  }

  @Test func sameVault_underAnotherAddress() throws {
    place.use(vault)
    let url = try #require(place.environment["MEMORYD_VAULT_URL"])
    try place.run("task", "add", "there")
    try place.syncAll()
    // Token, scheme's spelling and a slash at the end make no other vault.
    place.environment["MEMORYD_VAULT_URL"] = url.replacingOccurrences(of: "http:", with: "HTTP:")
    try place.run("task", "add", "there too")
    try place.syncAll()
    #expect(try titles() == ["there", "there too"])
    let moved = url.replacingOccurrences(of: "127.0.0.1", with: "localhost")
    place.environment["MEMORYD_VAULT_URL"] = moved
    try place.run("task", "add", "waits")
    let before = try place.run("vault", "--json").json()
    #expect((before["vaults"] as? [Any])?.count == 2)
    let said = try place.run("vault", "moved", url, moved)
    #expect(said.status == 0 && said.output.contains("undo: memoryd vault moved"))
    try place.syncAll()
    #expect(try titles() == ["there", "there too", "waits"])
    let id = try #require(
      try place.run("task", "list", "--json").items()
        .first { $0["title"] as? String == "there" }?["id"] as? String)
    try place.run("task", "done", id)
    try place.syncAll()
    #expect(try vault.state().tasks(titled: "there").first?["status"] as? String == "done")
  }

  @Test func undo_putsBackWhatWas_andIsNotThereWhereNothingChanged() throws {
    place.use(vault)
    try place.run("task", "add", "one")
    func shared() throws -> Bool? {
      let projects = try place.run("vault", "--json").json()["projects"] as? [[String: Any]]
      return projects?.first?["shared"] as? Bool
    }
    let none = ["MEMORYD_VAULT_PROJECTS": "none"]
    // Shared by the settings already, and not shared by them already.
    #expect(try !place.run("vault", "share", "1").output.contains("undo:"))
    let unshared = try place.run("vault", "unshare", "1")
    #expect(unshared.output.contains("undo: memoryd vault share 1\n"))
    #expect(try shared() == false)
    #expect(
      try !place.run("vault", "unshare", "1", environment: none).output.contains("undo:"))
    try place.run("vault", "share", "1")
    #expect(try shared() == true)
  }

  @Test func privateProject_isNotShared_withWhatWaited() throws {
    place.use(vault)
    try place.run("task", "add", "was on its way")
    let said = try place.run("project", "private", "--json").json()
    #expect(said["held_back"] as? Int == 1)
    let undo = try #require(said["undo"] as? [String])
    #expect(undo == ["memoryd project private 1 --off"])
    #expect(try place.run("project", "private", "--json").json()["undo"] as? [String] == [])
    for more in [[], ["--history"], ["--history", "--yes"]] {
      let refused = try place.run(["vault", "share", "1"] + more)
      #expect(refused.status == 64 && refused.errorOutput.contains("private 1 --off"), "\(more)")
    }
    try place.syncAll()
    #expect(try titles() == [])
    try place.run("project", "private", "--off")
    try place.run("vault", "share", "1", "--history", "--yes")
    try place.syncAll()
    #expect(try titles() == ["was on its way"])
  }
}
