import CPosix

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Files of a few lines.
enum SmallFile {
  /// Makes a file as young as one that was written now.
  static func touch(_ path: String) { _ = utimes(path, nil) }

  /// - Returns: Nil for what is longer, no regular file, or a link.
  static func read(_ path: String, limit: Int, isOwn: Bool = true) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_size <= limit, !isOwn || status.st_uid == geteuid()
    else { return nil }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    let count = bytes.withUnsafeMutableBytes { systemRead(descriptor, $0) }
    guard count >= 0 else { return nil }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  /// Puts a file in place whole, but not durably.
  static func write(_ bytes: [UInt8], _ path: String) {
    let fresh = path + ".new-" + String(getpid()) + "-" + String(memoryd_monotonic())
    let flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC
    let descriptor = open(fresh, flags, 0o600)
    guard descriptor >= 0 else { return }
    let count = bytes.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress!, $0.count) }
    close(descriptor)
    guard count == bytes.count, rename(fresh, path) == 0 else {
      unlink(fresh)
      return
    }
  }

  private static func systemWrite(
    _ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int
  ) -> Int {
    #if canImport(Glibc)
      return Glibc.write(descriptor, bytes, count)
    #else
      return Darwin.write(descriptor, bytes, count)
    #endif
  }

  private static func systemRead(
    _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer
  ) -> Int {
    guard let base = buffer.baseAddress else { return 0 }
    #if canImport(Glibc)
      return Glibc.read(descriptor, base, buffer.count)
    #else
      return Darwin.read(descriptor, base, buffer.count)
    #endif
  }
}
