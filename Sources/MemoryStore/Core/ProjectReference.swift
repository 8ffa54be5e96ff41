/// A project as work sees it: by what its folder shows, or as the store knows it.
public struct ProjectReference: Codable, Sendable, Hashable {
  /// What tells a new project from others where nothing else is known: the remote, else the root,
  /// else `name:` and the name. The store's own, once it knows the project.
  public var identity: String
  /// The base name that people see; the only part that a vault gets.
  public var name: String
  public var root: String?
  /// By what the folder at hand is known; nil where no folder is.
  public var marks: ProjectMarks?
  /// By what a fallback file knows a place, without naming it: see ``ProjectMarks/key``.
  public var key: String?
  /// The store's row, where the project is known: that of the project which it was joined to.
  public var id: Int64?

  public init(
    identity: String, name: String, root: String? = nil, marks: ProjectMarks? = nil,
    id: Int64? = nil
  ) {
    self.identity = identity
    self.name = name
    self.root = root
    self.marks = marks
    self.id = id
  }

  /// A project of which nothing but its short name came along: the one of that name, if there is
  /// just one.
  ///
  /// - Parameter key: Of the place, where that came along too.
  public static func named(_ name: String, key: String? = nil) -> ProjectReference {
    var project = ProjectReference(
      identity: key.map { "key:" + $0 } ?? namePrefix + name, name: name)
    project.key = key
    return project
  }

  /// Before the name in the identity of what is filed nowhere but under a name.
  package static let namePrefix = "name:"

  /// True if nothing but its short name is known.
  package var isNameOnly: Bool { marks == nil && id == nil && identity == Self.namePrefix + name }

  /// True if both are one project, as far as is known.
  public func isSame(as other: ProjectReference) -> Bool {
    if let id, let other = other.id { return id == other }
    return identity == other.identity && marks?.place == other.marks?.place
  }
}

/// By what a folder's project can be known again.
public struct ProjectMarks: Codable, Sendable, Hashable {
  /// The real path of the work tree, or of the folder outside a repository.
  public var root: String
  /// The real path of the git folder that all worktrees share.
  public var gitFolder: String?
  /// That folder's inode with its time of birth or, where the system has none, its device.
  public var gitFile: String?
  /// In one spelling: see `GitFacts`.
  public var remote: String?
  /// The commit that is checked out, hexadecimal.
  public var head: String?

  public init(
    root: String, gitFolder: String? = nil, gitFile: String? = nil, remote: String? = nil,
    head: String? = nil
  ) {
    self.root = root
    self.gitFolder = gitFolder
    self.gitFile = gitFile
    self.remote = remote
    self.head = head
  }

  /// Where work happens, for all worktrees of a repository the same.
  public var place: String { gitFolder ?? root }

  /// The place for files that others read: a hash, FNV-1a, 64 bits.
  public var key: String {
    let hash = FNV1a.hash(place.utf8)
    return String(hash, radix: 16)
  }

  /// A forge takes capitals in a path for small letters; a path of this machine is kept.
  package static func remoteKey(_ remote: String) -> String {
    remote.hasPrefix("/") ? remote : remote.lowercased()
  }
}
