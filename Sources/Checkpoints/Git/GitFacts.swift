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
  /// - Returns: Nil where there is none, or where its files cannot be made sense of.
  public static func read(at folder: String) -> GitFacts? {
    guard folder.hasPrefix("/") else { return nil }
    var current = folder
    while true {
      if let gitFolder = gitFolder(of: current) {
        return read(root: current, gitFolder: gitFolder)
      }
      let parent = (current as NSString).deletingLastPathComponent
      if parent == current || parent.isEmpty { return nil }
      current = parent
    }
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

  private static func read(root: String, gitFolder: String) -> GitFacts? {
    // A worktree shares refs and configuration with the repository that it was made from.
    let common =
      small(gitFolder + "/commondir").map {
        RegularFile.absolute(String($0.trimmed), from: gitFolder)
      }
      ?? gitFolder
    guard let text = small(gitFolder + "/HEAD") else { return nil }
    let head = String(text.trimmed)
    var facts = GitFacts(root: root)
    if head.hasPrefix("ref:") {
      let reference = String(head.dropFirst(4).trimmed)
      let prefix = "refs/heads/"
      facts.branch =
        reference.hasPrefix(prefix) ? String(reference.dropFirst(prefix.count)) : reference
      if !reference.contains("..") {
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
    facts.remote = remote(in: common)
    return facts
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

  /// The URL of `origin`, else of the first remote.
  private static func remote(in folder: String) -> String? {
    guard let text = small(folder + "/config", limit: 1 << 20) else { return nil }
    var section = ""
    var first: String?
    for line in text.split(separator: "\n") {
      let line = line.trimmed
      if line.hasPrefix("[") {
        section = String(line)
      } else if section.hasPrefix("[remote "), line.hasPrefix("url") {
        guard let equals = line.firstIndex(of: "=") else { continue }
        let url = normalised(String(line[line.index(after: equals)...].trimmed))
        if section == "[remote \"origin\"]" { return url }
        if first == nil { first = url }
      }
    }
    return first
  }

  /// One spelling for the ways to write a remote: `git@host:a/b.git`, `ssh://git@host/a/b` and
  /// `https://user:password@host/a/b.git` all become `host/a/b`.
  static func normalised(_ url: String) -> String {
    var rest = url[...]
    var isLocal = true
    if let scheme = rest.range(of: "://") {
      isLocal = rest.hasPrefix("file:")
      rest = rest[scheme.upperBound...]
    } else if let colon = rest.firstIndex(of: ":"), !rest[..<colon].contains("/") {
      isLocal = false
      rest = Substring(rest[..<colon] + "/" + rest[rest.index(after: colon)...])
    }
    if isLocal { return String(rest) }
    let hostEnd = rest.firstIndex(of: "/") ?? rest.endIndex
    if let at = rest[..<hostEnd].lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
    while rest.hasSuffix("/") { rest.removeLast() }
    if rest.hasSuffix(".git") { rest.removeLast(4) }
    let end = rest.firstIndex(of: "/") ?? rest.endIndex
    // A port is part of how to reach the host, not of which repository it is.
    let host = rest[..<end].split(separator: ":").first.map { $0.lowercased() } ?? ""
    return host + rest[end...].replacing("//", with: "/")
  }

  /// A project is its remote, else its root folder; outside a repository, the folder itself.
  public static func project(at folder: String, facts: GitFacts?) -> ProjectReference {
    guard let facts else {
      return ProjectReference(identity: folder, name: baseName(folder), root: folder)
    }
    guard let remote = facts.remote else {
      return ProjectReference(
        identity: facts.root, name: baseName(facts.root), root: facts.root)
    }
    var name = baseName(remote)
    if name.hasSuffix(".git") { name.removeLast(4) }
    return ProjectReference(identity: remote, name: name, root: facts.root)
  }

  private static func baseName(_ path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? ""
    return name.isEmpty ? "root" : name
  }

  private static func small(_ path: String, limit: Int = 65_536) -> String? {
    (try? RegularFile.read(path, limit: limit)).map { String(decoding: $0, as: UTF8.self) }
  }
}
