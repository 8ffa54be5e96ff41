#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

package enum Disk {
  /// What an ordinary user may still write there, bytes; nil where nobody knows.
  package static func freeBytes(at path: String) -> Int64? {
    var facts = statvfs()
    guard statvfs(path, &facts) == 0 else { return nil }
    return Int64(clamping: UInt64(facts.f_bavail) &* UInt64(facts.f_frsize))
  }
}
