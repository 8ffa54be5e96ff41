import CPosix

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What hooks append to, durably, and what is taken in later: the folder `journal` of a home.
///
/// `hooks-1` is the file that hooks append to, prepared with room so that a hook meets no full disk.
/// `hooks-1.ID` is one that was put aside when it had grown: what is left in it is taken in first. The
/// number is that of the format: a memoryd that writes another one has a file of its own beside it.
///
/// Hooks take no lock. Who appends looks at the path once more afterwards, and appends anew if the file
/// was put aside meanwhile; who puts a file aside reads it again behind that, and only then removes it.
/// What both have is told apart by the request's id.
package struct Journal: Sendable {
  /// The journal's own folder.
  package let folder: String

  /// - Parameter home: The data folder.
  package init(home: String) {
    self.home = home
    folder = home + "/journal"
  }

  let home: String

  package var file: String { folder + "/" + Self.name }

  static let name = "hooks-1"
  /// How the names of other files begin.
  static let told = "told-"
  static let fresh = ".new-"
  /// At the beginning of a file: magic (8 bytes), then where what has not been taken in begins (8).
  static let header: [UInt8] = Array("MMJOURN1".utf8) + [16, 0, 0, 0, 0, 0, 0, 0]
  /// Bytes that a file is prepared for, and at which it is put aside.
  package static let room: Int64 = 1 << 20

  /// How often a file that is put aside again and again is appended to anew.
  private static let attempts = 8

  package enum Refusal: Error, Equatable {
    /// There is no journal yet, or it is not this user's own: the engine looks after it.
    case unprepared
    /// No host's hook is that long.
    case tooLong
    /// `errno`.
    case system(Int32)
  }

  /// Appends one record and returns when it is durable.
  ///
  /// - Parameter payload: Valid UTF-8, at most ``JournalFrame/largestPayload`` bytes.
  /// - Throws: ``Refusal``. What was written of the record then is passed over by who reads.
  package func append(_ payload: [UInt8]) throws(Refusal) {
    let frame = JournalFrame.bytes(payload)
    for _ in 0..<Self.attempts {
      let descriptor = open(file, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
      guard descriptor >= 0 else { throw .unprepared }
      defer { close(descriptor) }
      var before = stat()
      guard fstat(descriptor, &before) == 0, Self.isOwn(before) else { throw .unprepared }
      // One write, which the system does not mix with another's.
      var count = -1
      repeat {
        count = frame.withUnsafeBytes { write(descriptor, $0.baseAddress!, $0.count) }
      } while count < 0 && errno == EINTR
      guard count == frame.count else { throw .system(count < 0 ? errno : ENOSPC) }
      guard memoryd_sync_data(descriptor) == 0 else { throw .system(errno) }
      var after = stat()
      if lstat(file, &after) == 0, after.st_ino == before.st_ino, after.st_dev == before.st_dev {
        return
      }
    }
    throw .unprepared
  }

  /// A file of this user's, and no link.
  static func isOwn(_ status: stat) -> Bool {
    status.st_mode & S_IFMT == S_IFREG && status.st_uid == geteuid()
  }

  /// True if the folder is this user's own, and no link.
  package var isOwn: Bool {
    var status = stat()
    return lstat(folder, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
      && status.st_uid == geteuid() && status.st_mode & 0o022 == 0
  }
}
