import Foundation

extension GitFacts {
  /// Entries of a git folder that are looked at.
  private static let mostEntries = 100_000

  private static let parts: Set = ["refs", "packed-refs", "reftable", "objects"]

  /// True if the git folder's references and objects are its own: no link among them, and no objects of
  /// another repository. Otherwise what git says of commits may be what it reads elsewhere, and proves
  /// nothing of this place.
  public var isSelfContained: Bool {
    guard let commonFolder else { return false }
    var left = Self.mostEntries
    return access(commonFolder + "/objects/info/alternates", F_OK) != 0
      && Self.isWithoutLinks(commonFolder, only: Self.parts, &left)
  }

  /// - Parameters:
  ///   - only: The names that count; nil takes all.
  ///   - left: Entries that may still be looked at; with none left the answer is no.
  private static func isWithoutLinks(
    _ folder: String, only: Set<String>? = nil, _ left: inout Int
  ) -> Bool {
    guard let stream = opendir(folder) else { return false }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name == "." || name == ".." || only?.contains(name) == false { continue }
      left -= 1
      if left < 0 { return false }
      let path = folder + "/" + name
      var status = stat()
      guard lstat(path, &status) == 0 else { continue }
      switch status.st_mode & S_IFMT {
      case S_IFLNK:
        return false
      case S_IFDIR:
        guard isWithoutLinks(path, &left) else { return false }
      default: break
      }
    }
    return true
  }
}
