public import Core
import CPosix
import Foundation
import Syntax

/// What is known of a repository, read from the files of `.git` without running git.
public struct GitFacts: JSONRecord, Sendable, Equatable {
  /// The top folder of the work tree.
  public var root: String
  /// Nil when the head is detached.
  public var branch: String?
  /// The commit, 40 or 64 hexadecimal digits; nil in a repository without commits.
  public var head: String?
  /// The remote URL without user, password, scheme and `.git`; nil without remote.
  public var remote: String?
  /// Changed and untracked paths relative to `root`; nil if nobody has looked yet.
  public var dirty: [String]?
  /// Unix ms at which `dirty` was gathered.
  public var dirtyAt: Int64?
  /// The real path of the git folder that all worktrees share, and what it is known by when it has
  /// moved: see ``ProjectMarks``. Not kept.
  public private(set) var commonFolder: String?
  private var commonFile: String?
  /// True if `.git` leads to a git folder that does not know of this work tree, or has its head from
  /// elsewhere: then the folder itself is all that the project is known by. Whoever packs a repository
  /// could make it lead to any other one on the machine. Not kept.
  public private(set) var isBorrowed = false
  /// True if the history ends at a depth that somebody chose. Not kept.
  public private(set) var isShallow = false

  public init() {
    root = ""
  }

  package static var empty: Self { Self() }

  package mutating func code(_ coder: inout JSONCoder) {
    coder.field("root", &root)
    coder.field("branch", &branch)
    coder.field("head", &head)
    coder.field("remote", &remote)
    coder.field("dirty", &dirty)
    coder.field("dirtyAt", &dirtyAt)
  }

  public init(root: String, branch: String? = nil, head: String? = nil, remote: String? = nil) {
    self.root = root
    self.branch = branch
    self.head = head
    self.remote = remote
  }

  /// Looks upwards from a folder for a repository.
  ///
  /// - Parameter environment: Says where the user's own configuration of git is.
  /// - Returns: Nil where there is none, or where its files cannot be made sense of.
  public static func read(
    at folder: String, environment: [String: String] = [:]
  ) -> GitFacts? {
    guard folder.hasPrefix("/") else { return nil }
    // As git does it: behind a link to a folder of a repository is the repository.
    let start = real(folder) ?? folder
    var current = start
    while true {
      if isOurs(current + "/.git", from: start), let gitFolder = gitFolder(of: current) {
        return read(root: current, gitFolder: gitFolder, environment)
      }
      let parent = (current as NSString).deletingLastPathComponent
      if parent == current || parent.isEmpty { return nil }
      current = parent
    }
  }

  /// True unless somebody else has put a repository around a folder of this user's, as anybody can in a
  /// folder that all may write: it belongs to this user, to root, or to whoever owns the folder itself.
  private static func isOurs(_ path: String, from folder: String) -> Bool {
    var status = stat()
    guard lstat(path, &status) == 0 else { return false }
    if status.st_uid == geteuid() || status.st_uid == 0 { return true }
    let owner = status.st_uid
    return stat(folder, &status) == 0 && status.st_uid == owner
  }

  private static func real(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }

  /// `.git` is a folder, or in a worktree or submodule a file that leads to one.
  private static func gitFolder(of root: String) -> String? {
    let path = root + "/.git"
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return nil }
    if isFolder.boolValue { return path }
    guard let text = small(path), text.hasPrefix("gitdir:") else { return nil }
    return RegularFile.absolute(String(text.dropFirst(7).trimmed), from: root)
  }

  private static func read(
    root: String, gitFolder: String, _ environment: [String: String]
  ) -> GitFacts? {
    // A worktree shares refs and configuration with the repository that it was made from.
    let common =
      small(gitFolder + "/commondir").map {
        RegularFile.absolute(String($0.trimmed), from: gitFolder)
      }
      ?? gitFolder
    let (ownFolder, commonFolder) = (real(gitFolder) ?? gitFolder, real(common) ?? common)
    var isBorrowed = false
    /// As ``small(_:limit:)``; a link that leads out of the git folder is noted.
    func inside(_ path: String, limit: Int = 65_536) -> String? {
      guard let text = small(path, limit: limit), let place = real(path) else { return nil }
      if !place.hasPrefix(ownFolder + "/"), !place.hasPrefix(commonFolder + "/") {
        isBorrowed = true
      }
      return text
    }
    guard let text = inside(gitFolder + "/HEAD") else { return nil }
    let head = String(text.trimmed)
    var facts = GitFacts(root: root)
    if head.hasPrefix("ref:") {
      let reference = String(head.dropFirst(4).trimmed)
      let prefix = "refs/heads/"
      if isReference(reference) {
        facts.branch =
          reference.hasPrefix(prefix) ? String(reference.dropFirst(prefix.count)) : reference
        facts.head =
          inside(gitFolder + "/" + reference).map { String($0.trimmed) }
          ?? (common == gitFolder
            ? nil : inside(common + "/" + reference).map { String($0.trimmed) })
          ?? inside(common + "/packed-refs", limit: 8 << 20).flatMap { packed(reference, in: $0) }
      }
    } else {
      facts.head = head
    }
    if let commit = facts.head, !isCommit(commit) { facts.head = nil }
    let config = GitConfig(
      common: common,
      .init(
        gitFolder: ownFolder, branch: facts.branch,
        userFolder: environment["HOME"]), environment: environment)
    // Other ways to keep references leave files behind that say nothing.
    if let storage = config.value("extensions", nil, "refstorage"), storage.lowercased() != "files"
    {
      facts.branch = nil
      facts.head = nil
    }
    // For all worktrees the same.
    let whole =
      commonFolder.hasSuffix("/.git") ? String(commonFolder.dropLast(5)) : commonFolder
    facts.remote = config.remote.map { normalised($0, from: whole) }.flatMap {
      $0.utf8.count <= longest ? $0 : nil
    }
    facts.isBorrowed =
      isBorrowed || !knows(root, ownFolder, commonFolder, config.value("core", nil, "worktree"))
    if !facts.isBorrowed {
      facts.commonFolder = commonFolder
      facts.commonFile = file(of: commonFolder)
    }
    facts.isShallow = RegularFile.facts(common + "/shallow").map { $0.size > 0 } ?? false
    return facts
  }

  /// True if a git folder is the work tree's own, or says that the work tree is one of its: as of a
  /// worktree, by the path that it keeps, or as of a submodule, by `core.worktree`.
  ///
  /// - Parameters:
  ///   - root: A real path, and so are the folders.
  ///   - worktree: From the configuration.
  private static func knows(
    _ root: String, _ gitFolder: String, _ common: String, _ worktree: String?
  ) -> Bool {
    if common == gitFolder {
      if common.hasPrefix(root + "/") { return true }
      return worktree.map { real(RegularFile.absolute($0, from: common)) == root } ?? false
    }
    guard gitFolder.hasPrefix(common + "/worktrees/"), let back = small(gitFolder + "/gitdir")
    else { return false }
    let folder = RegularFile.absolute(String(back.trimmed), from: gitFolder)
    return real((folder as NSString).deletingLastPathComponent) == root
  }

  private static func file(of folder: String) -> String? {
    var status = stat()
    guard stat(folder, &status) == 0 else { return nil }
    let birth = memoryd_birth(folder)
    return birth == 0 ? "d\(status.st_dev):\(status.st_ino)" : "b\(birth):\(status.st_ino)"
  }

  /// Bytes of a name; no file system has longer ones.
  private static let longest = 4096

  /// By the rules of git-check-ref-format(1).
  private static func isReference(_ name: String) -> Bool {
    guard name.hasPrefix("refs/"), name.utf8.count <= longest, !name.contains(".."),
      !name.contains("@{"),
      !name.contains("//"), !name.hasSuffix("/"), !name.hasSuffix(".")
    else { return false }
    return name.utf8.allSatisfy { $0 > 32 && $0 != 127 && !"~^:?*[\\".utf8.contains($0) }
      && name.split(separator: "/").allSatisfy { !$0.hasPrefix(".") && !$0.hasSuffix(".lock") }
  }

  private static func isCommit(_ text: String) -> Bool {
    (text.utf8.count == 40 || text.utf8.count == 64)
      && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }

  private static func packed(_ reference: String, in text: String) -> String? {
    for line in text.utf8.split(separator: UInt8(ascii: "\n"))
    where line.count > 41 && line.reversed().starts(with: reference.utf8.reversed()) {
      let words = Substring(line).split(separator: " ")
      if words.count == 2, words[1] == reference { return String(words[0]) }
    }
    return nil
  }

  /// One spelling for the ways to write a remote: `git@host:a/b.git`, `ssh://git@host/a/b` and
  /// `https://user:password@host/a/b.git` all become `host/a/b`.
  ///
  /// - Parameter folder: Against which git takes a path that is relative.
  package static func normalised(_ url: String, from folder: String = "/") -> String {
    var rest = url[...]
    var isLocal = true
    var folder = folder
    if let scheme = rest.range(of: "://") {
      isLocal = rest.hasPrefix("file:")
      rest = rest[scheme.upperBound...]
      folder = "/"
    } else if let colon = rest.firstIndex(of: ":"), !rest[..<colon].contains("/") {
      isLocal = false
      rest = Substring(rest[..<colon] + "/" + rest[rest.index(after: colon)...])
    }
    // By its letters alone: what a repository names is not looked at.
    if isLocal { return RegularFile.absolute(String(rest), from: folder) }
    let hostEnd = rest.firstIndex(of: "/") ?? rest.endIndex
    if let at = rest[..<hostEnd].lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
    // What stands behind these is how to get in, not which repository it is.
    rest = rest.prefix { $0 != "?" && $0 != "#" }
    while rest.hasSuffix("/") { rest.removeLast() }
    if rest.hasSuffix(".git") { rest.removeLast(4) }
    let end = rest.firstIndex(of: "/") ?? rest.endIndex
    // A port is part of how to reach the host, not of which repository it is.
    let host = rest[..<end].split(separator: ":").first.map { $0.lowercased() } ?? ""
    return host + rest[end...].replacing("//", with: "/")
  }

  /// What the project at a folder can be known by; outside a repository, and where the git folder is
  /// another one's, that is the folder itself.
  public static func project(at folder: String, facts: GitFacts?) -> ProjectReference {
    guard let facts, !facts.isBorrowed else {
      let root = facts?.root ?? real(folder) ?? WindowsPath.normalised(folder) ?? folder
      return ProjectReference(
        identity: root, name: baseName(root), root: root, marks: ProjectMarks(root: root))
    }
    var name = facts.remote.map(baseName) ?? ""
    if name.hasSuffix(".git") { name.removeLast(4) }
    return ProjectReference(
      identity: facts.remote ?? facts.root,
      name: name.isEmpty || facts.remote == nil ? facts.localName : name, root: facts.root,
      marks: ProjectMarks(
        root: facts.root, gitFolder: facts.commonFolder, gitFile: facts.commonFile,
        remote: facts.remote, head: facts.head))
  }

  /// The repository's name, whichever worktree is at hand.
  private var localName: String {
    guard let commonFolder else { return Self.baseName(root) }
    if commonFolder.hasSuffix("/.git") { return Self.baseName(String(commonFolder.dropLast(5))) }
    let name = Self.baseName(commonFolder)
    // `.bare` and the like stand in the folder that has the name.
    if name.hasPrefix(".") {
      return Self.baseName((commonFolder as NSString).deletingLastPathComponent)
    }
    return name.hasSuffix(".git") && name.count > 4 ? String(name.dropLast(4)) : name
  }

  private static func baseName(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? "root"
  }

  private static func small(_ path: String, limit: Int = 65_536) -> String? {
    (try? RegularFile.read(path, limit: limit)).map { String(decoding: $0, as: UTF8.self) }
  }
}
