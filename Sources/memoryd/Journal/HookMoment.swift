import CPosix

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How the world stands while a hook runs, as files tell it without any program being asked.
package enum HookMoment {
  /// A transcript that was looked at, to be made durable.
  package final class OpenTranscript {
    private let descriptor: Int32
    package let facts: HookRecord.Transcript

    fileprivate init(_ descriptor: Int32, _ facts: HookRecord.Transcript) {
      self.descriptor = descriptor
      self.facts = facts
    }

    deinit { close(descriptor) }

    /// Hosts write late and do not sync.
    package func synchronize() { _ = memoryd_sync_data(descriptor) }
  }

  /// - Returns: Nil for what is no regular file, or a link to one.
  package static func transcript(_ path: String) -> OpenTranscript? {
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      return nil
    }
    return OpenTranscript(
      descriptor,
      HookRecord.Transcript(
        device: UInt64(truncatingIfNeeded: status.st_dev), inode: UInt64(status.st_ino),
        length: Int64(status.st_size)))
  }

  /// The mounts that this process sees, as one number; 0 where the system has no such thing.
  package static var mounts: UInt64 {
    var status = stat()
    return stat("/proc/self/ns/mnt", &status) == 0 ? UInt64(status.st_ino) : 0
  }

  /// The branch and the commit of the repository at a folder; nil where the files of `.git` do not say
  /// at once, as with references that stand in a table.
  package static func head(at folder: String) -> (branch: String?, commit: String?) {
    guard let gitFolder = gitFolder(above: folder), let line = line(of: gitFolder + "/HEAD") else {
      return (nil, nil)
    }
    guard line.hasPrefix(reference) else { return (nil, isCommit(line) ? line : nil) }
    let name = String(line.dropFirst(5))
    guard isBranch(name) else { return (nil, nil) }
    // A worktree shares its branches with the repository that it was made from.
    let common = Self.line(of: gitFolder + "/commondir").map { absolute($0, from: gitFolder) }
    let commit =
      Self.line(of: (common ?? gitFolder) + "/" + name)
      ?? packed(name, in: (common ?? gitFolder) + "/packed-refs")
    return (
      String(line.dropFirst(reference.utf8.count)), commit.flatMap { isCommit($0) ? $0 : nil }
    )
  }

  private static let reference = "ref: refs/heads/"
  /// Folders that are looked into on the way up.
  private static let mostFolders = 64
  /// Of a file with a line in it, and of one with all branches, bytes.
  private static let longestLine = 4096
  private static let longestPacked = 8 << 20

  private static func gitFolder(above folder: String) -> String? {
    guard folder.hasPrefix("/") else { return nil }
    var place = folder
    for _ in 0..<mostFolders {
      let path = (place == "/" ? "" : place) + "/.git"
      var status = stat()
      if lstat(path, &status) == 0 {
        // One of another user's around this folder is none of ours.
        guard status.st_uid == geteuid() || status.st_uid == 0 else { return nil }
        if status.st_mode & S_IFMT == S_IFDIR { return path }
        guard let line = line(of: path), line.hasPrefix("gitdir: ") else { return nil }
        return absolute(String(line.dropFirst(8)), from: place)
      }
      guard place != "/", let slash = place.utf8.lastIndex(of: UInt8(ascii: "/")) else {
        return nil
      }
      place = slash == place.startIndex ? "/" : String(place[..<slash])
    }
    return nil
  }

  private static func absolute(_ path: String, from folder: String) -> String {
    path.hasPrefix("/") ? path : folder + "/" + path
  }

  private static func isCommit(_ text: String) -> Bool {
    (text.utf8.count == 40 || text.utf8.count == 64)
      && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }

  /// By the rules of git-check-ref-format(1), as far as they keep a name from leading elsewhere.
  private static func isBranch(_ name: String) -> Bool {
    var former: UInt8 = 0
    for byte in name.utf8 {
      guard byte > 32, byte != 127, byte != UInt8(ascii: "\\"),
        !(byte == UInt8(ascii: ".") && (former == byte || former == UInt8(ascii: "/")))
      else { return false }
      former = byte
    }
    return former != UInt8(ascii: "/")
  }

  /// The line of `packed-refs` that names a branch: the commit, a blank, the name.
  private static func packed(_ name: String, in path: String) -> String? {
    guard let bytes = SmallFile.read(path, limit: longestPacked, isOwn: false) else { return nil }
    let name = Array(name.utf8)
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      guard let blank = line.firstIndex(of: 32), line[(blank + 1)...].elementsEqual(name) else {
        continue
      }
      return String(decoding: line[..<blank], as: UTF8.self)
    }
    return nil
  }

  /// The first line of a small file.
  private static func line(of path: String) -> String? {
    guard let bytes = SmallFile.read(path, limit: longestLine, isOwn: false) else { return nil }
    return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }
}
