import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Git
@testable import Redaction

@Suite(.blocking) struct GitConfigTests {
  private let circumstances = GitConfig.Circumstances(
    gitFolder: "/home/u/trees/plum/.git", branch: "topic/a", userFolder: "/home/u")

  private func config(_ text: String) -> GitConfig {
    GitConfig(text: text, path: "/home/u/trees/plum/.git/config", circumstances)
  }

  @Test(arguments: [
    "[remote \"origin\"]\n\turl = ssh://x/y",
    "[REMOTE \"origin\"]\nUrl=ssh://x/y\n",
    "[remote \"origin\"]\r\n\turl = ssh://x/y\r\n",
    "[remote \"origin\"]\n\turl = \"ssh://x/y\" # there\n",
    "[remote \"origin\"] url = ssh://x/y ; one line\n",
    "[remote \"origin\"]\n\turl = ssh://\\\nx/y\n",
    "; url = no\n[remote  \t \"origin\"]\n# url = no\n url\t=\tssh:\"//x/\"y   \n",
    "[a]\n\tb\n[remote \"z\"]\nurl = ssh://first\n[remote \"origin\"]\nurl = ssh://x/y\nurl = ssh://2\n",
    "[url \"ssh://x/\"]\n\tinsteadOf = s:\n\tinsteadOf = other:\n[remote \"origin\"]\nurl = s:y\n",
    "[url \"bad/\"]\ninsteadOf = s:\n[url \"ssh://x/\"]\ninsteadOf = s:l/\n[remote \"origin\"]\nurl=s:l/y",
    "\u{FEFF}[remote \"origin\"]\nurl = nothing\nurl =\nurl = ssh://x/y\n",
    "[remote \"up\"]\nfetch = x\nurl = ssh://x/y\n[remote \"fork\"]\nurl = ssh://z\n",
  ])
  func remote_isAsGitSays(text: String) {
    #expect(config(text).remote == "ssh://x/y")
  }

  @Test(arguments: [
    "[remote \"origin\"\nurl = ssh://x/y", "url = ssh://x/y", "[remote \"origin\"]\nurl ! x",
    "[remote \"origin\"]\nurl = \"ssh://x", "[branch \"origin\"]\nurl = ssh://x/y",
    "[remote \"origin\"]\nurlx = ssh://x/y", "",
  ])
  func remote_ofWhatGitRefuses_isNone(text: String) {
    #expect(config(text).remote == nil)
  }

  @Test func includes_areFollowedWhereTheirConditionHolds() throws {
    let folder = try TemporaryFolder()
    _ = try folder.file("yes", "[remote \"origin\"]\nurl = ssh://yes\n")
    _ = try folder.file("loop", "[include]\npath = loop\n[core]\nx = 1\n")
    func remote(_ section: String) -> String? {
      GitConfig(
        text: "[\(section)]\n\tpath = yes\n", path: folder.path + "/config", circumstances
      ).remote
    }
    #expect(remote("include") == "ssh://yes")
    #expect(remote("includeIf \"gitdir:~/trees/\"") == "ssh://yes")
    #expect(remote("includeIf \"gitdir:plum/.git\"") == "ssh://yes")
    #expect(remote("includeIf \"gitdir/i:/HOME/*/trees/**\"") == "ssh://yes")
    #expect(remote("includeIf \"onbranch:topic/\"") == "ssh://yes")
    #expect(remote("includeIf \"gitdir:~/other/\"") == nil)
    #expect(remote("includeIf \"onbranch:main\"") == nil)
    let loop = GitConfig(
      text: "[include]\npath = loop\n", path: folder.path + "/config", circumstances)
    #expect(loop.value("core", nil, "x") == "1")
  }

  /// A megabyte of remotes, and of conditions that would each be held against all of them.
  @Test func hostileConfiguration_costsABoundedNumberOfSteps() {
    let remotes = (0..<20_000).map { "[remote \"r\($0)\"]\nurl = u\($0)\n" }.joined()
    let conditions = String(
      repeating: "[includeIf \"hasconfig:remote.*.url:**/a*b*c*d\"]\npath = /dev/null\n",
      count: 15_000)
    let config = config(remotes + conditions)
    #expect(config.remote == "u0")
    #expect(config.stepsLeft <= 0 && config.stepsLeft > -10_000)
    #expect(config.variables.count == 35_000)
  }

  @Test func includes_areReadUpToABoundedNumberOfBytes() throws {
    let folder = try TemporaryFolder()
    _ = try folder.file("large", String(repeating: "[a]\nb = c\n", count: 90_000))
    let includes = String(repeating: "[include]\npath = large\n", count: 200)
    let config = GitConfig(text: includes, path: folder.path + "/config", circumstances)
    #expect(config.variables.count { $0.key == "b" } == 4 * 90_000)
  }

  private func glob(_ text: String, _ pattern: String) -> Bool {
    var steps = 100_000
    return Glob.matches(text, pattern, &steps)
  }

  @Test func patterns_stopAtSlashes() {
    #expect(glob("/a/b/c", "/a/**/c") && glob("/a/c", "/a/**/c"))
    #expect(!glob("/a/b/c", "/a/*") && glob("/a/b", "/a/[a-c]"))
    #expect(!glob(String(repeating: "a", count: 4000), String(repeating: "*a", count: 500) + "b"))
  }
}
