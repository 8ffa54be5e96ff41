import Foundation
import Testing

@testable import Checkpoints

@Suite struct GitConfigTests {
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

  @Test func patterns_stopAtSlashes() {
    #expect(Glob.matches("/a/b/c", "/a/**/c") && Glob.matches("/a/c", "/a/**/c"))
    #expect(!Glob.matches("/a/b/c", "/a/*") && Glob.matches("/a/b", "/a/[a-c]"))
    #expect(
      !Glob.matches(String(repeating: "a", count: 4000), String(repeating: "*a", count: 500) + "b"))
  }
}
