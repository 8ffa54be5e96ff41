import Foundation

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A folder in somebody's repository, whose links lead nowhere: it is none itself, and what is in it is
/// read only where it is a regular file.
public final class ClosedFolder: Sendable {
  public let path: String
  private let descriptor: Int32

  /// - Throws: ``StoreError`` `notFound` where nothing is, `inputOutput` for a link or anything else
  ///   that is no folder.
  public init(_ path: String) throws(StoreError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ELOOP || errno == ENOTDIR {
        throw StoreError(
          .inputOutput, "\(path) is a link or no folder",
          hint: "memoryd follows no links of a repository: put a folder there")
      }
      throw RegularFile.failure("open", path)
    }
  }

  deinit { close(descriptor) }

  /// The folder to write into, made if it is not there.
  public static func made(_ path: String) throws(StoreError) -> ClosedFolder {
    if mkdir(path, 0o700) != 0, errno == ENOENT {
      try RegularFile.makeFolder((path as NSString).deletingLastPathComponent)
      _ = mkdir(path, 0o700)
    }
    return try ClosedFolder(path)
  }

  /// - Parameter most: So many are looked at.
  /// - Returns: Sorted.
  public func names(most: Int) -> [String] {
    // A descriptor of its own, which the stream closes.
    let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0, let stream = fdopendir(copy) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while names.count < most, let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Reads a file's beginning.
  ///
  /// - Parameters:
  ///   - name: Without a slash.
  ///   - limit: Bytes; what is behind them is not read.
  /// - Returns: Nil for a link, a FIFO, a device, or what is not there.
  public func read(
    _ name: String, limit: Int
  ) -> (bytes: [UInt8], facts: RegularFile.Facts)? {
    guard !name.contains("/") else { return nil }
    let file = openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    guard let facts = RegularFile.facts(ofDescriptor: file) else { return nil }
    var bytes = [UInt8](repeating: 0, count: min(limit, max(0, Int(facts.size))))
    var count = 0
    while count < bytes.count {
      let got = bytes.withUnsafeMutableBytes {
        pread(file, $0.baseAddress! + count, $0.count - count, off_t(count))
      }
      if got < 0, errno == EINTR { continue }
      if got <= 0 { break }
      count += got
    }
    return (Array(bytes[..<count]), facts)
  }
}
