#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A lock between processes that the system lets go of when its holder dies.
package final class AdvisoryLock {
  private let descriptor: Int32

  /// On a folder that two memoryds may share. Nil while another process holds it, or where the
  /// file system knows no locks.
  package convenience init?(folder: String) {
    self.init(open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY))
  }

  /// On a file of memoryd's own, which is made if it is not there.
  package convenience init?(file: String) {
    self.init(open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o600))
  }

  private init?(_ descriptor: Int32) {
    self.descriptor = descriptor
    guard descriptor >= 0 else { return nil }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      return nil
    }
  }

  deinit { close(descriptor) }
}
