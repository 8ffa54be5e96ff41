#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension RegularFile {
  /// Whoever may change a file besides its user.
  public enum Intruder: Sendable, Equatable {
    /// It belongs to this user.
    case owner(UInt32)
    /// Its group or everybody may write it.
    case others
  }

  /// Who may change what stands at a path, or where a link there leads. Root may everything anyway.
  ///
  /// - Returns: Nil if nobody else may, or nothing is there.
  public static func intruder(_ path: String) -> Intruder? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    if let owner = stranger(status) { return .owner(owner) }
    if status.st_mode & S_IFMT == S_IFLNK {
      guard stat(path, &status) == 0 else { return nil }
      if let owner = stranger(status) { return .owner(owner) }
    }
    return status.st_mode & (S_IWGRP | S_IWOTH) != 0 ? .others : nil
  }

  /// Takes the right to write from group and others.
  public static func closeToOthers(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return }
    chmod(path, status.st_mode & 0o7777 & ~(S_IWGRP | S_IWOTH))
  }

  private static func stranger(_ status: stat) -> UInt32? {
    status.st_uid == geteuid() || status.st_uid == 0 ? nil : status.st_uid
  }
}
