#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Open files of this process, of which the system gives each only so many.
public enum Descriptors {
  /// What one request may need at once: a store has three, a transcript, git's pipes, a spool file.
  public static let forOneRequest = 24

  /// Lets this process have as many as it may give itself, within reason: some programs that it starts
  /// close each one that they could have.
  ///
  /// - Returns: How many it may have now, 10,240 at most.
  public static func raiseLimit() -> Int {
    let most: rlim_t = 10_240
    #if canImport(Glibc)
      let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let kind = RLIMIT_NOFILE
    #endif
    var limit = rlimit()
    guard getrlimit(kind, &limit) == 0 else { return 256 }
    let wanted = min(limit.rlim_max, most)
    if limit.rlim_cur < wanted {
      var raised = limit
      raised.rlim_cur = wanted
      if setrlimit(kind, &raised) == 0 { limit = raised }
    }
    return Int(min(limit.rlim_cur, most))
  }

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
