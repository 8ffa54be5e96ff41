#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Open files of this process, of which the system gives each only so many.
public enum Descriptors {
  /// That one request may need at once: a store has three, a transcript, git's pipes, a spool file.
  public static let forOneRequest = 24

  /// True if so many more could be opened now.
  public static func areSpare(_ count: Int = forOneRequest) -> Bool {
    var taken: [Int32] = []
    taken.reserveCapacity(count)
    defer { for descriptor in taken { close(descriptor) } }
    let first = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard first >= 0 else { return false }
    taken.append(first)
    while taken.count < count {
      let next = fcntl(first, F_DUPFD_CLOEXEC, 0)
      guard next >= 0 else { return false }
      taken.append(next)
    }
    return true
  }
}
