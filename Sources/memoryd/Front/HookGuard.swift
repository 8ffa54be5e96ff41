import CPosix
import Journal

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Keeps a hook from hanging on a disk that does not answer: a thread that appends what is known when
/// looking around takes too long, and ends the process when the sync does.
enum HookGuard {
  /// Ms for the files of `.git` and the transcript.
  private static let patience: UInt32 = 500
  /// Ms for all.
  private static let limit: UInt32 = 1500

  // Set before the thread starts, which is the only one that reads them.
  nonisolated(unsafe) private static var journal: Journal?
  nonisolated(unsafe) private static var payload: [UInt8] = []

  /// - Parameter record: As it is known without a look at any file.
  static func start(_ journal: Journal, _ record: HookRecord) {
    self.journal = journal
    payload = record.encoded
    _ = memoryd_start_thread(256 << 10, { _ in HookGuard.watch() }, nil)
  }

  private static func watch() {
    usleep(patience * 1000)
    if mayAppend() {
      try? journal?.append(payload)
    } else {
      usleep((limit - patience) * 1000)
    }
    _exit(0)
  }

  /// False if the guard has appended the record: then it ends this process.
  static func mayAppend() -> Bool { memoryd_claim() == 1 }
}
