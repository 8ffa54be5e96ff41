import CPosix

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Standard streams and sockets, as the front, the engine and the daemon all use them.
public enum Streams {
  /// A hook's input is JSON; an endless stream must not fill the memory. Bytes.
  public static let inputLimit = 16 << 20

  /// Reads standard input to its end, or until nothing has come for a while: a host that writes
  /// and forgets to close must not hang the session.
  ///
  /// - Parameter milliseconds: Ms to wait for each piece; the whole may take twice that.
  public static func readInput(_ milliseconds: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    let end = now() + milliseconds * 2
    while bytes.count < inputLimit, now() < end {
      var request = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
      let ready = poll(&request, 1, Int32(milliseconds))
      if ready < 0, errno == EINTR { continue }
      if ready <= 0 { break }
      let count = systemRead(0, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { break }
      bytes.append(contentsOf: chunk[..<count])
    }
    return bytes
  }

  /// The next piece of standard input, however long it takes; empty at its end.
  public static func readPiece() -> [UInt8] {
    var piece = [UInt8](repeating: 0, count: 1 << 18)
    var count = systemRead(0, &piece, piece.count)
    while count < 0, errno == EINTR { count = systemRead(0, &piece, piece.count) }
    piece.removeLast(piece.count - max(0, count))
    return piece
  }

  /// - Parameter end: As of ``now()``; nil waits as long as it takes.
  /// - Returns: False if not all of it could be written.
  @discardableResult
  public static func write(_ bytes: [UInt8], to descriptor: Int32, by end: Int? = nil) -> Bool {
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes {
        systemWrite(descriptor, $0.baseAddress! + offset, $0.count - offset)
      }
      if count >= 0 {
        offset += count
      } else if errno == EAGAIN {
        guard waits(for: descriptor, POLLOUT, end) else { return false }
      } else if errno != EINTR {
        return false
      }
    }
    return true
  }

  /// - Returns: Exactly so many bytes; nil if the stream ended or the time was up before.
  public static func read(_ count: Int, from descriptor: Int32, by end: Int?) -> [UInt8]? {
    // Grows with what comes: the length is the other side's word.
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: min(count, 65_536))
    while bytes.count < count {
      guard waits(for: descriptor, POLLIN, end) else { return nil }
      let got = systemRead(descriptor, &chunk, min(chunk.count, count - bytes.count))
      if got < 0, errno == EINTR || errno == EAGAIN { continue }
      if got <= 0 { return nil }
      bytes.append(contentsOf: chunk[..<got])
    }
    return bytes
  }

  /// - Returns: False if the time was up.
  private static func waits(for descriptor: Int32, _ events: Int32, _ end: Int?) -> Bool {
    while true {
      var request = pollfd(fd: descriptor, events: Int16(events), revents: 0)
      let left = end.map { max(0, $0 - now()) } ?? -1
      let ready = poll(&request, 1, Int32(clamping: left))
      if ready > 0 { return true }
      if ready < 0, errno == EINTR { continue }
      return false
    }
  }

  /// Ms of a clock that nobody sets.
  public static func now() -> Int {
    Int(memoryd_monotonic() / 1000)
  }
}

private func systemRead(_ descriptor: Int32, _ buffer: inout [UInt8], _ count: Int) -> Int {
  read(descriptor, &buffer, count)
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
