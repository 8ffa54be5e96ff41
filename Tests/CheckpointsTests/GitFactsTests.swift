import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Core
@testable import Git
@testable import MemoryStore

/// Against real repositories.
@Suite(.blocking) struct GitFactsTests {
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
    ("file:///srv/b", "/srv/b"), ("/srv/git/b.git/", "/srv/git/b.git"),
    ("/srv/./x/../git//b", "/srv/git/b"), ("file:///srv/b/", "/srv/b"), ("../up", "/w/up"),
    ("./up.git", "/w/here/up.git"), ("up", "/w/here/up"), ("../../../up", "/up"),
    ("file://../up", "/up"),
  ])
  func remotes_haveOneSpelling(url: String, expected: String) {
    #expect(GitFacts.normalised(url, from: "/w/here") == expected)
  }

  @Test func relativeRemote_isTheRepositorys_notTheWorktrees() throws {
    let here = try clone(named: "here")
    try git("remote", "add", "origin", "../up", at: here)
    try git("worktree", "add", "-q", "-b", "side", folder.path + "/away/side", at: here)
    for path in [here, folder.path + "/away/side"] {
      #expect(GitFacts.read(at: path)?.remote == folder.path + "/up")
    }
  }

  @Test(arguments: [("tool.git", "tool"), ("tool/.bare", "tool")])
  func bareRepository_isCalledByItsFolder(place: String, name: String) throws {
    let source = try clone(named: "source")
    let bare = folder.path + "/" + place
    try git("clone", "-q", "--bare", source, bare)
    try git("remote", "remove", "origin", at: bare)
    try git("worktree", "add", "-q", "-b", "side", folder.path + "/side", at: bare)
    let side = GitFacts.read(at: folder.path + "/side")
    #expect(GitFacts.project(at: folder.path + "/side", facts: side).name == name)
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

  // MARK: Git folders of others

  private func clone(named name: String) throws -> String {
    let path = folder.path + "/" + name
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try git("init", "-q", "-b", "main", at: path)
    try git("commit", "-q", "--allow-empty", "-m", name, at: path)
    return path
  }

  /// Ways to make a folder's `.git` lead to another repository, which does not know of it.
  enum Lead: CaseIterable { case file, link, common, worktree, head, reference, packed }

  @Test(arguments: Lead.allCases)
  func gitFolderOfAnother_isNoMark(lead: Lead) throws {
    let other = try clone(named: "other")
    try git("remote", "add", "origin", "https://example.org/team/other.git", at: other)
    try git("pack-refs", "--all", at: other)
    let here = try clone(named: "here")
    let gitFolder = here + "/.git"
    switch lead {
    case .file:
      try FileManager.default.removeItem(atPath: gitFolder)
      _ = try folder.file("here/.git", "gitdir: ../other/.git\n")
    case .link:
      try FileManager.default.removeItem(atPath: gitFolder)
      symlink(other + "/.git", gitFolder)
    case .worktree:
      // One that another worktree is at.
      try git("worktree", "add", "-q", "-b", "side", folder.path + "/side", at: other)
      try FileManager.default.removeItem(atPath: gitFolder)
      _ = try folder.file("here/.git", "gitdir: ../other/.git/worktrees/side\n")
    case .common:
      _ = try folder.file("here/.git/commondir", other + "/.git\n")
    case .head, .reference, .packed:
      unlink(gitFolder + "/config")
      symlink(other + "/.git/config", gitFolder + "/config")
      let name = lead == .head ? "/HEAD" : lead == .packed ? "/packed-refs" : "/refs/heads/main"
      if lead == .reference { try git("update-ref", "refs/heads/side", "HEAD", at: other) }
      unlink(gitFolder + name)
      if lead == .packed { unlink(gitFolder + "/refs/heads/main") }
      let target = lead == .reference ? "/refs/heads/side" : name
      symlink(other + "/.git" + target, gitFolder + name)
    }
    let facts = try #require(GitFacts.read(at: here))
    let project = GitFacts.project(at: here, facts: facts)
    #expect(facts.isBorrowed && facts.commonFolder == nil)
    #expect(project.identity == here && project.marks == ProjectMarks(root: here))
    let whole = try #require(GitFacts.read(at: other))
    #expect(!whole.isBorrowed && whole.isSelfContained && whole.head != nil)
  }

  @Test(.enabled(if: getuid() == 0)) func repositoryOfAnother_aroundAFolder_isNone() throws {
    let outer = try clone(named: "outer")
    let inner = outer + "/inner"
    try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
    #expect(GitFacts.read(at: inner)?.root == outer)
    lchown(outer + "/.git", 65_534, 65_534)
    #expect(GitFacts.read(at: inner) == nil)
    // Whoever goes into a folder of theirs means it.
    lchown(inner, 65_534, 65_534)
    #expect(GitFacts.read(at: inner)?.root == outer)
  }

  @Test func worktreesAndSubmodules_areTheirRepositorys() throws {
    let main = try clone(named: "main")
    try git("worktree", "add", "-q", folder.path + "/side", "-b", "side", at: main)
    let inner = try clone(named: "inner")
    try git(
      "-c", "protocol.file.allow=always", "submodule", "-q", "add", inner, "sub", at: main)
    for path in [folder.path + "/side", main + "/sub"] {
      let facts = try #require(GitFacts.read(at: path))
      #expect(!facts.isBorrowed && facts.commonFolder?.hasPrefix(main + "/.git") == true)
    }
    // What was moved by hand is known by its folder until git has mended it.
    rename(folder.path + "/side", folder.path + "/moved")
    #expect(GitFacts.read(at: folder.path + "/moved")?.isBorrowed == true)
    try git("worktree", "repair", at: folder.path + "/moved")
    #expect(GitFacts.read(at: folder.path + "/moved")?.isBorrowed == false)
  }

  @Test(arguments: ["objects/info/alternates", "refs/heads/x", "packed-refs", "objects/pack/x"])
  func commitsOfAnother_proveNothing(part: String) throws {
    let here = try clone(named: "here")
    #expect(GitFacts.read(at: here)?.isSelfContained == true)
    symlink("/dev/null", here + "/.git/hooks/x")
    #expect(GitFacts.read(at: here)?.isSelfContained == true)
    symlink("/dev/null", here + "/.git/" + part)
    #expect(GitFacts.read(at: here)?.isSelfContained == false)
  }

  // MARK: Filters

  /// Filters that are hard to switch off by name, or to find.
  enum OddFilter: CaseIterable { case equals, bytes, empty, control, elsewhere, beyondTheLimit }

  @Test(arguments: OddFilter.allCases) func status_runsNoFilter(kind: OddFilter) throws {
    try repository()
    let mark = folder.path + "/mark"
    let program = try folder.file("program", "#!/bin/sh\necho x >> \(mark)\ncat\n")
    chmod(program, 0o755)
    var name = Array("plain".utf8)
    switch kind {
    case .equals: name = Array("a=b".utf8)
    case .bytes: name = [0xFF, 0x61]
    case .empty: name = []
    case .control: name = [0x01]
    case .elsewhere, .beyondTheLimit: break
    }
    let gitFolder = folder.path + "/.git"
    var config = try Data(contentsOf: URL(fileURLWithPath: gitFolder + "/config"))
    if kind == .beyondTheLimit {
      config += Data(("[filter \"first\"]\n" + String(repeating: "x = y\n", count: 100_000)).utf8)
    }
    config += Data("[filter \"".utf8) + Data(name) + Data("\"]\n\tclean = \(program)\n".utf8)
    var place = gitFolder
    if kind == .elsewhere {
      place = folder.path + "/shared"
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      for part in ["objects", "refs", "info"] {
        try FileManager.default.moveItem(atPath: gitFolder + "/" + part, toPath: place + "/" + part)
      }
      _ = try folder.file(".git/commondir", "../shared\n")
      unlink(gitFolder + "/config")
    }
    try config.write(to: URL(fileURLWithPath: place + "/config"))
    try (Data("* filter=".utf8) + Data(name) + Data("\n".utf8)).write(
      to: URL(fileURLWithPath: place + "/info/attributes"))
    _ = try folder.file("a.txt", "b")
    let environment = ProcessInfo.processInfo.environment
    if var status = GitStatus(root: folder.path, environment: environment) {
      _ = status.changes(within: .milliseconds(10_000))
    }
    #expect(!FileManager.default.fileExists(atPath: mark))
    // It does fire where git is called as usual.
    try git("status", "--porcelain")
    #expect(FileManager.default.fileExists(atPath: mark))
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
    #expect(status.paths(within: .milliseconds(10_000))?.sorted() == ["a.txt", "new file.txt"])
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
    #expect(status.paths(within: .milliseconds(10_000)) == [])
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
      #expect(status.paths(within: .milliseconds(100)) == nil)
    }
    #expect(time < .seconds(5))
  }

  @Test func status_parsesRenames() {
    let bytes = Array("R  new.txt\0old.txt\0 M b.txt\0?? c/\0".utf8)
    #expect(GitStatus.parse(bytes).map(\.path) == ["new.txt", "b.txt", "c/"])
    #expect(GitStatus.parse(bytes).map(\.state) == ["R ", " M", "??"])
  }
}
