import Foundation
import MemoryStore
import Testing

@testable import Checkpoints

/// Against real repositories.
@Suite struct GitFactsTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @discardableResult
  private func git(_ arguments: String..., at path: String? = nil) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", path ?? folder.path]
      + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private func repository() throws {
    try git("init", "-q", "-b", "main")
    _ = try folder.file("a.txt", "a")
    try git("add", ".")
    try git("commit", "-q", "-m", "one")
  }

  @Test func branchAndHead_areThoseOfGit() throws {
    try repository()
    try git("checkout", "-q", "-b", "feature/x")
    let facts = try #require(GitFacts.read(at: folder.path))
    #expect(facts.branch == "feature/x")
    #expect(facts.head == (try git("rev-parse", "HEAD")))
    #expect(facts.root == folder.path)
    try git("pack-refs", "--all")
    #expect(GitFacts.read(at: folder.path)?.head == (try git("rev-parse", "HEAD")))
    try git("checkout", "-q", "--detach")
    let detached = try #require(GitFacts.read(at: folder.path))
    #expect(detached.branch == nil)
    #expect(detached.head == (try git("rev-parse", "HEAD")))
  }

  @Test func worktreesAndClones_areOneProject() throws {
    try repository()
    try git("remote", "add", "origin", "https://user:secret@Example.org/team/tool.git")
    try git("worktree", "add", "-q", folder.path + "/wt", "-b", "side")
    let main = try #require(GitFacts.read(at: folder.path))
    let side = try #require(GitFacts.read(at: folder.path + "/wt"))
    #expect(side.branch == "side")
    #expect(side.head == main.head)
    let project = GitFacts.project(at: folder.path, facts: main)
    #expect(project.identity == "example.org/team/tool")
    #expect(project.name == "tool")
    #expect(GitFacts.project(at: "", facts: side).identity == project.identity)
  }

  @Test(arguments: [
    ("git@github.com:a/b.git", "github.com/a/b"), ("ssh://git@github.com:22/a/b", "github.com/a/b"),
    ("https://GitHub.com/a/b/", "github.com/a/b"), ("/srv/git/b.git", "/srv/git/b.git"),
    ("file:///srv/b", "/srv/b"),
  ])
  func remotes_haveOneSpelling(url: String, expected: String) {
    #expect(GitFacts.normalised(url) == expected)
  }

  @Test func emptyRepository_hasABranchAndNoHead() throws {
    try git("init", "-q", "-b", "main")
    let facts = try #require(GitFacts.read(at: folder.path))
    #expect(facts.branch == "main" && facts.head == nil)
  }

  @Test func brokenRepositories_areNoneOrPartial() throws {
    try FileManager.default.createDirectory(
      atPath: folder.path + "/.git", withIntermediateDirectories: true)
    #expect(GitFacts.read(at: folder.path) == nil)
    mkfifo(folder.path + "/.git/HEAD", 0o600)
    #expect(GitFacts.read(at: folder.path) == nil)
    #expect(GitFacts.read(at: "relative/path") == nil)
  }

  @Test func status_listsWhatIsUncommitted() throws {
    try repository()
    _ = try folder.file("a.txt", "changed")
    _ = try folder.file("new file.txt", "n")
    guard
      var status = GitStatus(root: folder.path, environment: ProcessInfo.processInfo.environment)
    else {
      Issue.record("git did not start")
      return
    }
    #expect(status.paths(within: 10_000)?.sorted() == ["a.txt", "new file.txt"])
  }

  @Test func status_doesNotWaitForALock() throws {
    try repository()
    _ = try folder.file(".git/index.lock", "")
    guard
      var status = GitStatus(root: folder.path, environment: ProcessInfo.processInfo.environment)
    else {
      Issue.record("git did not start")
      return
    }
    #expect(status.paths(within: 10_000) == [])
    #expect(FileManager.default.fileExists(atPath: folder.path + "/.git/index.lock"))
  }

  @Test func status_whenGitHangs_isKilledAtItsDeadline() throws {
    try repository()
    let script = try folder.file("git", "#!/bin/sh\nexec sleep 60\n")
    chmod(script, 0o755)
    let clock = ContinuousClock()
    let time = clock.measure {
      guard
        var status = GitStatus(
          root: folder.path, environment: ["PATH": folder.path], executable: script)
      else {
        Issue.record("git did not start")
        return
      }
      #expect(status.paths(within: 100) == nil)
    }
    #expect(time < .seconds(5))
  }

  @Test func status_parsesRenames() {
    let bytes = Array("R  new.txt\0old.txt\0 M b.txt\0?? c/\0".utf8)
    #expect(GitStatus.parse(bytes).map(\.path) == ["new.txt", "b.txt", "c/"])
    #expect(GitStatus.parse(bytes).map(\.state) == ["R ", " M", "??"])
  }
}
