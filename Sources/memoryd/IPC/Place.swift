#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension RelayRequest.Place {
  /// - Returns: Nil where the path leads nowhere.
  public init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(device: UInt64(truncatingIfNeeded: status.st_dev), inode: UInt64(status.st_ino))
  }

  /// The mounts that this process sees, as one number; 0 where the system has no such thing.
  public static var mounts: UInt64 { Self("/proc/self/ns/mnt")?.inode ?? 0 }
}
