import Foundation
import Syntax

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// POSIX file work that Foundation does not promise: never blocking on a FIFO, `O_APPEND`,
/// `fsync` of file and folder, private modes.
public enum RegularFile {
  /// Identity and size of an open file.
  public struct Facts: Sendable, Equatable {
    public var device: UInt64
    public var inode: UInt64
    /// Bytes.
    public var size: Int64
    /// Unix time in ms.
    public var modified: Int64
  }

  /// Opens for reading without ever blocking.
  ///
  /// - Throws: ``StoreError`` `notFound`, or `inputOutput` for a folder, FIFO, socket or device.
  public static func open(_ path: String) throws(StoreError) -> (descriptor: Int32, facts: Facts) {
    let descriptor = retryingOnInterrupt { posixOpen(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0) }
    guard descriptor >= 0 else { throw failure("open", path) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let error = failure("read", path)
      close(descriptor)
      throw error
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw StoreError(.inputOutput, "\(path) is not a regular file")
    }
    return (descriptor, facts(of: status))
  }

  /// Reads a small file whole.
  ///
  /// - Parameter limit: Bytes; a larger file is `invalid`.
  public static func read(_ path: String, limit: Int) throws(StoreError) -> [UInt8] {
    let (descriptor, facts) = try open(path)
    defer { close(descriptor) }
    guard facts.size <= limit else {
      throw StoreError(.invalid, "\(path) is larger than \(limit) bytes")
    }
    var bytes = [UInt8]()
    bytes.reserveCapacity(Int(facts.size))
    // No longer than it needs to be: whoever reads many small files pays for clearing it.
    var chunk = [UInt8](repeating: 0, count: min(max(Int(facts.size) + 1, 512), limit + 1, 65_536))
    while bytes.count <= limit {
      let count = retryingOnInterrupt { systemRead(descriptor, &chunk, chunk.count) }
      if count < 0 { throw failure("read", path) }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[..<count])
    }
    throw StoreError(.invalid, "\(path) is larger than \(limit) bytes")
  }

  /// True for a file of text that is not UTF-8.
  public static func isUTF16(_ path: String) throws(StoreError) -> Bool {
    let (descriptor, _) = try open(path)
    defer { close(descriptor) }
    var head = [UInt8](repeating: 0, count: 4)
    let count = retryingOnInterrupt { systemRead(descriptor, &head, 4) }
    return FileText.isUTF16(head.prefix(max(0, count)))
  }

  /// What stands in a folder, in no order; nothing for one that cannot be read.
  package static func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      names.append(name)
    }
    return names
  }

  /// Writes a file whole, durably: temporary name, `fsync`, rename, `fsync` of the folder. What was
  /// there before is replaced. The mode is 0600.
  public static func writeAtomically(
    _ bytes: some Collection<UInt8>, to path: String
  ) throws(StoreError) {
    let temporary = try writeBeside(path, bytes)
    guard rename(temporary, path) == 0 else {
      let error = failure("write", path)
      unlink(temporary)
      throw error
    }
    try synchronizeFolder(of: path)
  }

  /// Writes a new file whole, durably, and never over another one. The mode is 0600.
  ///
  /// - Returns: False if there is something at the path already.
  public static func writeNew(
    _ bytes: some Collection<UInt8>, to path: String
  ) throws(StoreError) -> Bool {
    let temporary = try writeBeside(path, bytes)
    defer { unlink(temporary) }
    guard try moveNew(temporary, to: path) else { return false }
    try synchronizeFolder(of: path)
    return true
  }

  /// Writes a new file whole, durably, under this name or the first of `name-2`, `name-3` … that nothing
  /// has. The mode is 0600.
  ///
  /// - Returns: Its path.
  @discardableResult
  public static func writeCopy(
    _ bytes: some Collection<UInt8>, _ path: String
  ) throws(StoreError) -> String {
    var number = 1
    var copy = path
    while try !writeNew(bytes, to: copy) {
      number += 1
      copy = "\(path)-\(number)"
    }
    return copy
  }

  /// Gives a file its name, and never another one's. The old name may stay.
  ///
  /// - Returns: False if there is something at the path already.
  static func moveNew(_ temporary: String, to path: String) throws(StoreError) -> Bool {
    if link(temporary, path) == 0 { return true }
    // Some file systems have no links: then a moment stays between looking and writing.
    if errno == EEXIST || exists(path) { return false }
    guard rename(temporary, path) == 0 else { throw failure("write", path) }
    return true
  }

  /// Writes a file of somebody's anew, durably: a link stays one, and so do the mode bits.
  public static func rewrite(
    _ bytes: some Collection<UInt8>, _ path: String
  ) throws(StoreError) {
    guard let resolved = realpath(path, nil) else { throw failure("write", path) }
    defer { free(resolved) }
    let target = String(cString: resolved)
    var status = stat()
    guard stat(target, &status) == 0 else { throw failure("write", path) }
    let temporary = try writeBeside(target, bytes)
    chmod(temporary, status.st_mode & 0o7777)
    guard rename(temporary, target) == 0 else {
      let error = failure("write", path)
      unlink(temporary)
      throw error
    }
    try synchronizeFolder(of: target)
  }

  /// - Returns: The path of a temporary file that holds the bytes, `fsync`ed.
  private static func writeBeside(
    _ path: String, _ bytes: some Collection<UInt8>
  ) throws(StoreError) -> String {
    let temporary = path + ".tmp-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    let descriptor = retryingOnInterrupt {
      posixOpen(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    }
    guard descriptor >= 0 else { throw failure("write", path) }
    do throws(StoreError) {
      defer { close(descriptor) }
      try writeAll(bytes, to: descriptor, path)
      guard fsync(descriptor) == 0 else { throw failure("write", path) }
    } catch {
      unlink(temporary)
      throw error
    }
    return temporary
  }

  /// Moves a file, never over another one.
  ///
  /// - Returns: False if the file is gone, or something is in the way.
  public static func move(_ path: String, toNew target: String) -> Bool {
    guard (try? moveNew(path, to: target)) == true else { return false }
    return unlink(path) == 0 || errno == ENOENT
  }

  /// The next piece of an open file; empty at its end.
  public static func readPiece(_ descriptor: Int32, of path: String) throws(StoreError) -> [UInt8] {
    var piece = [UInt8](repeating: 0, count: 1 << 18)
    let count = retryingOnInterrupt { systemRead(descriptor, &piece, piece.count) }
    guard count >= 0 else { throw failure("read", path) }
    piece.removeLast(piece.count - count)
    return piece
  }

  /// Appends and `fsync`s. Looks a second time: if the path now leads to another file (git or an
  /// editor replaced it), the append is repeated there. A last line that nobody has ended is ended
  /// first, so that the text stands on lines of its own.
  ///
  /// - Parameter isDurable: False leaves the `fsync` out, for what may go when the power does.
  public static func append(
    _ text: String, to path: String, isDurable: Bool = true
  ) throws(StoreError) {
    for _ in 0..<3 {
      let descriptor = retryingOnInterrupt {
        posixOpen(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o600)
      }
      guard descriptor >= 0 else { throw failure("append to", path) }
      defer { close(descriptor) }
      var before = stat()
      guard fstat(descriptor, &before) == 0 else { throw failure("append to", path) }
      guard before.st_mode & S_IFMT == S_IFREG else {
        throw StoreError(.inputOutput, "\(path) is not a regular file")
      }
      // A file in UTF-16 stays one.
      var head = [UInt8](repeating: 0, count: 4)
      let count = max(0, pread(descriptor, &head, 4, 0))
      head.removeLast(4 - count)
      let encoding = FileText.Encoding(head)
      let feed = encoding.bytes(of: "\n")
      var last = feed
      if before.st_size >= feed.count {
        _ = pread(descriptor, &last, feed.count, before.st_size - off_t(feed.count))
      } else if before.st_size > 0 {
        last = []
      }
      let lineEnd = last == feed ? "" : "\n"
      try writeAll(encoding.bytes(of: lineEnd + text), to: descriptor, path)
      if isDurable {
        guard fsync(descriptor) == 0 else { throw failure("append to", path) }
        if before.st_size == 0 { try synchronizeFolder(of: path) }
      }
      var after = stat()
      if stat(path, &after) == 0, after.st_ino == before.st_ino, after.st_dev == before.st_dev {
        return
      }
    }
    throw StoreError(.inputOutput, "\(path) is replaced again and again while it is appended to")
  }

  /// Finds out whether ``append(_:to:)`` would be let, and writes nothing.
  public static func checkAppending(to path: String) throws(StoreError) {
    let descriptor = retryingOnInterrupt {
      posixOpen(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0)
    }
    if descriptor < 0 {
      guard errno == ENOENT else { throw failure("append to", path) }
      // What a link leads to is made on the first write; its folder must be there.
      let folder = ((try? FileManager.default.destinationOfSymbolicLink(atPath: path)) ?? path)
      let target = absolute(folder, from: (path as NSString).deletingLastPathComponent)
      let parent = (target as NSString).deletingLastPathComponent
      guard access(parent, W_OK | X_OK) == 0 else { throw failure("make a file in", parent) }
      return
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw StoreError(.inputOutput, "\(path) is not a regular file")
    }
  }

  /// Makes a folder and its parents, mode 0700.
  public static func makeFolder(_ path: String) throws(StoreError) {
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else {
        throw StoreError(.inputOutput, "\(path) is not a folder")
      }
      return
    }
    let parent = (path as NSString).deletingLastPathComponent
    if !parent.isEmpty, parent != path { try makeFolder(parent) }
    if mkdir(path, 0o700) != 0, errno != EEXIST { throw failure("make", path) }
  }

  /// A path against a folder, with `.`, `..` and doubled slashes taken out as text: links are left
  /// to the system.
  public static func absolute(_ path: String, from folder: String) -> String {
    let whole = path.hasPrefix("/") ? path : folder + "/" + path
    var parts: [Substring] = []
    for part in whole.split(separator: "/") where part != "." {
      if part == ".." {
        _ = parts.popLast()
      } else {
        parts.append(part)
      }
    }
    return "/" + parts.joined(by: "/")
  }

  /// True if there is anything of that name, whatever it is.
  public static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  /// True if what stands at a path is a link, wherever it leads.
  public static func isLink(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  /// Identity and size without opening; nil where nothing regular stands.
  public static func facts(_ path: String) -> Facts? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return facts(of: status)
  }

  public static func failure(_ verb: String, _ path: String) -> StoreError {
    let number = errno
    let reason = String(cString: strerror(number))
    let code: StoreError.Code =
      switch number {
      case ENOENT, ENOTDIR: .notFound
      case ENOSPC, EDQUOT: .diskFull
      case EACCES, EPERM, EROFS: .readOnly
      default: .inputOutput
      }
    return StoreError(code, "cannot \(verb) \(path): \(reason)")
  }

  package static func synchronizeFolder(of path: String) throws(StoreError) {
    let folder = (path as NSString).deletingLastPathComponent
    let descriptor = posixOpen(folder.isEmpty ? "." : folder, O_RDONLY | O_CLOEXEC, 0)
    guard descriptor >= 0 else { throw failure("open", folder) }
    defer { close(descriptor) }
    // Some file systems refuse to sync a folder and need no such call.
    if fsync(descriptor) != 0, errno != EINVAL { throw failure("write", folder) }
  }

  package static func writeAll(
    _ bytes: some Collection<UInt8>, to descriptor: Int32, _ path: String
  ) throws(StoreError) {
    let contiguous = ContiguousArray(bytes)
    var offset = 0
    while offset < contiguous.count {
      let count = contiguous.withUnsafeBytes { buffer in
        write(descriptor, buffer.baseAddress! + offset, buffer.count - offset)
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw failure("write", path)
      }
      offset += count
    }
  }

  /// Nil for what is no regular file.
  package static func facts(ofDescriptor descriptor: Int32) -> Facts? {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return facts(of: status)
  }

  private static func facts(of status: stat) -> Facts {
    #if canImport(Darwin)
      let modified = status.st_mtimespec
    #else
      let modified = status.st_mtim
    #endif
    return Facts(
      device: UInt64(truncatingIfNeeded: status.st_dev), inode: UInt64(status.st_ino),
      size: Int64(status.st_size),
      modified: Int64(modified.tv_sec) * 1000 + Int64(modified.tv_nsec) / 1_000_000)
  }

  private static func retryingOnInterrupt<N: FixedWidthInteger>(_ body: () -> N) -> N {
    while true {
      let result = body()
      if result >= 0 || errno != EINTR { return result }
    }
  }
}

// The global functions, where a method of the same name would hide them.
private func posixOpen(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 {
  open(path, flags, mode)
}
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int)
  -> Int
{
  read(descriptor, buffer, count)
}
