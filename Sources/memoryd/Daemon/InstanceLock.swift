import Core
import Foundation
import IPC

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One daemon for each folder: the lock that its process holds is the truth, and the system lets
/// go of it however the process ends. The id in the file is only a note for people.
package final class InstanceLock: Sendable {
  private let descriptor: Int32

  package struct Held: Error {
    /// What the file says of the holder; perhaps not the truth.
    package var note: String
  }

  /// - Throws: ``Held`` while another process holds it; ``StoreError`` where the file cannot be.
  package init(file: String) throws {
    descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw RegularFile.failure("open the lock", file) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      defer { close(descriptor) }
      guard errno == EWOULDBLOCK else { throw RegularFile.failure("lock", file) }
      var buffer = [UInt8](repeating: 0, count: 200)
      let count = pread(descriptor, &buffer, buffer.count, 0)
      let text = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
      throw Held(note: text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
    ftruncate(descriptor, 0)
    let note = Array("pid \(getpid()), version \(Relay.version)\n".utf8)
    _ = pwrite(descriptor, note, note.count, 0)
  }

  deinit { close(descriptor) }
}
