#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One file of a journal, opened for looking or for taking out.
final class JournalFile {
  private let descriptor: Int32
  /// Bytes, when it was opened.
  private(set) var size = 0
  /// Where what has not been taken in begins.
  private(set) var taken = 0
  /// False where the file begins with a record, or the header is damaged: then all of it is looked at.
  private var hasHeader = false

  init(_ path: String, isForTaking: Bool) throws(Journal.Refusal) {
    let mode = isForTaking ? O_RDWR : O_RDONLY
    let descriptor = open(path, mode | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(errno) }
    self.descriptor = descriptor
    var status = stat()
    guard fstat(descriptor, &status) == 0, Journal.isOwn(status) else { throw .unprepared }
    size = Int(status.st_size)
    var header = [UInt8](repeating: 0, count: Journal.header.count)
    guard pread(descriptor, &header, header.count, 0) == header.count,
      header[..<8] == Journal.header[..<8]
    else { return }
    var place: UInt64 = 0
    for byte in header[8...].reversed() { place = place << 8 | UInt64(byte) }
    hasHeader = true
    taken = header.count
    if place >= UInt64(taken), place <= UInt64(size) { taken = Int(place) }
  }

  deinit { close(descriptor) }

  /// True if nothing was appended for some seconds: what is cut off at the end stays so.
  func isSettled(_ seconds: Int) -> Bool {
    var status = stat()
    var now = timespec()
    guard fstat(descriptor, &status) == 0, clock_gettime(CLOCK_REALTIME, &now) == 0 else {
      return false
    }
    let changed = Self.changed(status)
    // A clock that was set back must not keep it for ever.
    return now.tv_sec - changed > seconds || now.tv_sec < changed
  }

  /// When a file was written last, in seconds since 1970.
  static func changed(_ status: stat) -> Int {
    #if canImport(Glibc)
      status.st_mtim.tv_sec
    #else
      status.st_mtimespec.tv_sec
    #endif
  }

  /// - Returns: How many bytes were read, 0 at the end; nil where the disk fails.
  func read(_ buffer: UnsafeMutableRawPointer, _ count: Int, at place: Int) -> Int? {
    var got = -1
    repeat { got = pread(descriptor, buffer, count, off_t(place)) } while got < 0 && errno == EINTR
    return got < 0 ? nil : got
  }

  /// Notes that all before a place is taken in, and overwrites its words: the store has them, and is
  /// where they are dropped one day. Without a sync, as taking in twice changes nothing.
  func take(_ range: Range<Int>) {
    let zeros = [UInt8](repeating: 0, count: min(range.count, 65_536))
    var place = range.lowerBound
    while place < range.upperBound {
      let count = min(zeros.count, range.upperBound - place)
      guard pwrite(descriptor, zeros, count, off_t(place)) == count else { break }
      place += count
    }
    taken = range.upperBound
    guard hasHeader else { return }
    var bytes: [UInt8] = []
    bytes.append(littleEndian: UInt64(taken))
    _ = pwrite(descriptor, bytes, bytes.count, 8)
  }
}
