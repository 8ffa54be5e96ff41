import CPosix
import Foundation
public import MemoryStore

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
  /// True if the history ends at a depth that somebody chose. Not kept.
  public private(set) var isShallow = false

  public init() {
    root = ""
  }

  mutating func code(_ coder: inout JSONCoder) {
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
    var current = real(folder) ?? folder
    while true {
      if let gitFolder = gitFolder(of: current) {
        return read(root: current, gitFolder: gitFolder, environment)
      }
      let parent = (current as NSString).deletingLastPathComponent
      if parent == current || parent.isEmpty { return nil }
      current = parent
    }
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
    let common = common(of: gitFolder)
    guard let text = small(gitFolder + "/HEAD") else { return nil }
    let head = String(text.trimmed)
    var facts = GitFacts(root: root)
    if head.hasPrefix("ref:") {
      let reference = String(head.dropFirst(4).trimmed)
      let prefix = "refs/heads/"
      if isReference(reference) {
        facts.branch =
          reference.hasPrefix(prefix) ? String(reference.dropFirst(prefix.count)) : reference
        facts.head =
          small(gitFolder + "/" + reference).map { String($0.trimmed) }
          ?? (common == gitFolder
            ? nil : small(common + "/" + reference).map { String($0.trimmed) })
          ?? packed(reference, in: common)
      }
    } else {
      facts.head = head
    }
    if let commit = facts.head, !isCommit(commit) { facts.head = nil }
    let config = GitConfig(
      common: common,
      .init(
        gitFolder: real(gitFolder) ?? gitFolder, branch: facts.branch,
        userFolder: environment["HOME"]), environment: environment)
    // Other ways to keep references leave files behind that say nothing.
    if let storage = config.value("extensions", nil, "refstorage"), storage.lowercased() != "files"
    {
      facts.branch = nil
      facts.head = nil
    }
    let place = real(common) ?? common
    if knows(real(gitFolder) ?? gitFolder, root, config) {
      // For all worktrees the same.
      let whole = place.hasSuffix("/.git") ? String(place.dropLast(5)) : place
      facts.remote = config.remote.map { normalised($0, from: whole) }
      facts.commonFolder = place
      facts.commonFile = file(of: place)
    } else {
      // The folder only says so: it has nothing of that repository but its own place.
      facts.commonFolder = root + "/.git"
    }
    facts.isShallow = RegularFile.facts(common + "/shallow").map { $0.size > 0 } ?? false
    return facts
  }

  /// The folder that a worktree's own is a part of: no other may name one.
  private static func common(of gitFolder: String) -> String {
    guard let text = small(gitFolder + "/commondir") else { return gitFolder }
    let common = RegularFile.absolute(String(text.trimmed), from: gitFolder)
    guard let own = real(gitFolder), let whole = real(common),
      own.hasPrefix(whole + "/worktrees/")
    else { return gitFolder }
    return common
  }

  /// True if a git folder that a `.git` leads to is the work tree's own, or knows of it: an unpacked
  /// folder can name any. A work tree that the git folder has for its own and that is gone may have
  /// moved here.
  ///
  /// - Parameters:
  ///   - gitFolder: Its real path.
  ///   - root: The real path of the work tree.
  private static func knows(_ gitFolder: String, _ root: String, _ config: GitConfig) -> Bool {
    if gitFolder.hasPrefix(root + "/") { return true }
    if let text = small(gitFolder + "/gitdir") {
      let back = real(RegularFile.absolute(String(text.trimmed), from: gitFolder))
      return back == nil || back == real(root + "/.git")
    }
    if let tree = config.value("core", nil, "worktree") {
      let back = real(RegularFile.absolute(tree, from: gitFolder))
      return back == nil || back == root
    }
    // One beside another work tree is that one's.
    return (gitFolder as NSString).lastPathComponent != ".git"
  }

  private static func file(of folder: String) -> String? {
    var status = stat()
    guard stat(folder, &status) == 0 else { return nil }
    let birth = memoryd_birth(folder)
    return birth == 0 ? "d\(status.st_dev):\(status.st_ino)" : "b\(birth):\(status.st_ino)"
  }

  /// By the rules of git-check-ref-format(1).
  private static func isReference(_ name: String) -> Bool {
    guard name.hasPrefix("refs/"), !name.contains(".."), !name.contains("@{"),
      !name.contains("//"), !name.hasSuffix("/"), !name.hasSuffix(".")
    else { return false }
    return name.utf8.allSatisfy { $0 > 32 && $0 != 127 && !"~^:?*[\\".utf8.contains($0) }
      && name.split(separator: "/").allSatisfy { !$0.hasPrefix(".") && !$0.hasSuffix(".lock") }
  }

  private static func isCommit(_ text: String) -> Bool {
    (text.utf8.count == 40 || text.utf8.count == 64)
      && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }

  private static func packed(_ reference: String, in folder: String) -> String? {
    guard let text = small(folder + "/packed-refs", limit: 8 << 20) else { return nil }
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
  static func normalised(_ url: String, from folder: String = "/") -> String {
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
    while rest.hasSuffix("/") { rest.removeLast() }
    if rest.hasSuffix(".git") { rest.removeLast(4) }
    let end = rest.firstIndex(of: "/") ?? rest.endIndex
    // A port is part of how to reach the host, not of which repository it is.
    let host = rest[..<end].split(separator: ":").first.map { $0.lowercased() } ?? ""
    return host + rest[end...].replacing("//", with: "/")
  }

  /// What the project at a folder can be known by; outside a repository that is the folder itself.
  public static func project(at folder: String, facts: GitFacts?) -> ProjectReference {
    guard let facts else {
      let root = real(folder) ?? WindowsPath.normalised(folder) ?? folder
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

  /// Of the repository, whichever worktree is at hand.
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
