#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Cuts a stream of bytes into lines, holding no more than one of them and a piece of the stream.
public struct LineReader {
  public enum Line: Sendable, Equatable {
    /// Without its line feed.
    case bytes([UInt8])
    /// It was read over.
    case tooLong
  }

  /// Bytes of a line.
  public var limit: Int
  private let read: () throws(StoreError) -> [UInt8]
  private var buffer: [UInt8] = []
  /// Where the next line begins in the buffer, and up to where no line feed is.
  private var start = 0
  private var searched = 0
  private var isAtEnd = false
  /// Of the line that came last, from 1.
  public private(set) var number = 0
  public private(set) var bytesRead: Int64 = 0

  /// - Parameter read: Gives the next piece; an empty one is the end.
  public init(limit: Int, read: @escaping () throws(StoreError) -> [UInt8]) {
    self.limit = limit
    self.read = read
  }

  /// - Returns: Nil at the end. A last line needs no line feed.
  public mutating func next() throws(StoreError) -> Line? {
    var isTooLong = false
    while true {
      let feed = lineFeed()
      if let end = feed ?? (isAtEnd ? buffer.count : nil) {
        if feed == nil, end == start, !isTooLong { return nil }
        let line = buffer[start..<end]
        start = min(end + 1, buffer.count)
        searched = start
        number += 1
        return isTooLong || line.count > limit ? .tooLong : .bytes(Array(line))
      }
      if buffer.count - start > limit {
        isTooLong = true
        start = buffer.count
      }
      buffer.removeFirst(start)
      start = 0
      searched = buffer.count
      let piece = try read()
      bytesRead += Int64(piece.count)
      buffer += piece
      isAtEnd = piece.isEmpty
    }
  }

  private func lineFeed() -> Int? {
    buffer.withUnsafeBytes { bytes in
      guard searched < bytes.count, let base = bytes.baseAddress,
        let found = memchr(base + searched, 0x0A, bytes.count - searched)
      else { return nil }
      return base.distance(to: UnsafeRawPointer(found))
    }
  }
}
