#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file that appears under its name only when it is whole, with mode 0600.
///
/// Until then it stands beside its place under another name; it goes away with this object unless it
/// is finished.
public final class NewFile {
  /// Where it is written.
  public let temporary: String
  private let path: String
  private let replaces: Bool
  private let descriptor: Int32
  private var isFinished = false

  /// - Parameter replaces: A file that is there already may be replaced; a link to it stays one.
  /// - Throws: ``StoreError``: `exists` for what may not be replaced, `readOnly`, `diskFull`.
  public init(_ path: String, replaces: Bool) throws(StoreError) {
    var path = path
    if RegularFile.exists(path) {
      let resolved = realpath(path, nil).map { resolved in
        defer { free(resolved) }
        return String(cString: resolved)
      }
      if let resolved, RegularFile.facts(resolved) == nil {
        throw StoreError(.exists, "\(path) is not a regular file", hint: "choose another name")
      }
      guard replaces else {
        throw StoreError(
          .exists, "\(path) is there already",
          hint: "choose another name, or write over it with --force")
      }
      path = resolved ?? path
    }
    self.path = path
    self.replaces = replaces
    temporary = path + ".tmp-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw RegularFile.failure("write", path) }
  }

  deinit {
    close(descriptor)
    if !isFinished { unlink(temporary) }
  }

  public func write(_ bytes: some Collection<UInt8>) throws(StoreError) {
    try RegularFile.writeAll(bytes, to: descriptor, path)
  }

  /// Makes it durable and gives it its name.
  ///
  /// - Throws: ``StoreError``: `exists` if something has come to stand there meanwhile.
  public func finish() throws(StoreError) {
    guard fsync(descriptor) == 0 else { throw RegularFile.failure("write", path) }
    if replaces {
      guard rename(temporary, path) == 0 else { throw RegularFile.failure("write", path) }
      isFinished = true
    } else if try !RegularFile.moveNew(temporary, to: path) {
      throw StoreError(
        .exists, "\(path) is there already",
        hint: "choose another name, or write over it with --force")
    }
    try RegularFile.synchronizeFolder(of: path)
  }
}
