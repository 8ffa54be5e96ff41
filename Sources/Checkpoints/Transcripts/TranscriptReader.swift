public import Core
public import MemoryStore
public import Syntax

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Reads what is new in a JSONL transcript, object by object, in bounded memory.
///
/// Survives what real files hold (reference: agent-clis, "Quirks a reader must survive"): a last
/// line that is still being written is left for the next time, objects that are glued together
/// come one by one, a line that was cut in the middle is skipped and what is glued behind it is
/// not.
public struct TranscriptReader {
  /// Longer lines are passed over: they are no conversation.
  public static let maximumLineBytes = 64 << 20
  static let chunkBytes = 1 << 20
  private static let tailBytes = 64

  public struct Report: Sendable {
    /// Where the next reading begins.
    public var end: TranscriptPosition
    /// The size of the file when the reading began, bytes.
    public var fileSize: Int64
    /// The file is not the one that was read before: everything was read anew.
    public var isRestart = false
    /// Lines, or parts of lines, that were no JSON.
    public var malformed = 0
    /// Lines over the limit.
    public var oversized = 0
    /// False if the caller's deadline ended the reading early.
    public var isComplete = true
  }

  public let path: String
  private let file: OpenFile
  private let facts: RegularFile.Facts
  private let start: TranscriptPosition
  private let isRestart: Bool

  /// Opens the file and decides where to begin. Never blocks on a FIFO or a folder.
  ///
  /// - Parameter known: The position after the last reading.
  public init(path: String, known: TranscriptPosition?) throws(StoreError) {
    self.path = path
    let (descriptor, facts) = try RegularFile.open(path)
    file = OpenFile(descriptor)
    self.facts = facts
    if let known, known.device == facts.device, known.inode == facts.inode,
      known.offset <= facts.size, Self.tail(descriptor, before: known.offset) == known.tail
    {
      start = known
      isRestart = false
    } else {
      start = TranscriptPosition(path: path, device: facts.device, inode: facts.inode)
      isRestart = known != nil
    }
  }

  /// Closed with the last reader of it, be it one that found a file of something else.
  private final class OpenFile: Sendable {
    let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }
  }

  /// When the file was changed last, Unix ms.
  public var modified: Int64 { facts.modified }

  /// True if the reading begins anew, so that a digest of the former file must be dropped.
  public var readsAnew: Bool { start.offset == 0 }

  /// Hands each object to `body` with its physical line number, from 1.
  ///
  /// - Parameter isOver: Asked between chunks of 1 MiB; true ends the reading after the objects
  ///   that were handed over.
  public consuming func read(
    until isOver: () -> Bool = { false },
    _ body: (_ object: JSONValue, _ line: Int) -> Void
  ) throws(StoreError) -> Report {
    let descriptor = file.descriptor
    var report = Report(end: start, fileSize: facts.size, isRestart: isRestart)
    let tape = JSONTape()
    let unread = facts.size - start.offset + 1
    // Plain memory: an array would be filled with zeros first, and again as it grows.
    var capacity = Int(min(Int64(Self.chunkBytes), max(4096, unread)))
    var buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    defer { buffer.deallocate() }
    var filled = 0
    var isSkipping = false
    // A last line that was taken before its newline came: it has its number already.
    var isNumbered = start.tail.last.map { $0 != 0x0A } ?? false
    func startLine() {
      if !isNumbered { report.end.lines += 1 }
      isNumbered = false
    }
    while true {
      if isOver() {
        report.isComplete = false
        break
      }
      if filled == capacity {
        if capacity >= Self.maximumLineBytes {
          // Give up on this line: drop what is buffered, go on behind its newline.
          if !isSkipping { report.oversized += 1 }
          isSkipping = true
          report.end.offset += Int64(filled)
          filled = 0
        } else {
          let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity * 2)
          larger.moveInitialize(from: buffer, count: filled)
          buffer.deallocate()
          buffer = larger
          capacity *= 2
        }
      }
      let position = report.end.offset + Int64(filled)
      // No more than a chunk at a time: the deadline is looked at in between.
      let count = pread(
        descriptor, buffer + filled, min(capacity - filled, Self.chunkBytes), off_t(position))
      if count < 0 {
        if errno == EINTR { continue }
        throw StoreError(.inputOutput, "cannot read \(path): \(String(cString: strerror(errno)))")
      }
      let scanned = filled
      filled += count
      let isAtEnd = count == 0
      var consumed = 0
      do {
        let whole = UnsafeBufferPointer(start: buffer, count: filled)
        var newline = Self.newline(in: whole, from: scanned, to: filled)
        while newline < filled {
          startLine()
          if isSkipping {
            isSkipping = false
          } else {
            let line = UnsafeBufferPointer(rebasing: whole[consumed..<newline])
            Self.objects(of: line, tape, report.end.lines, &report.malformed, body)
          }
          consumed = newline + 1
          newline = Self.newline(in: whole, from: consumed, to: filled)
        }
        if isAtEnd, !isSkipping, consumed < filled {
          let rest = UnsafeBufferPointer(rebasing: whole[consumed..<filled])
          if Self.isComplete(rest, tape) {
            startLine()
            Self.objects(of: rest, tape, report.end.lines, &report.malformed, body)
            consumed = filled
          }
        }
      }
      if consumed > 0 {
        memmove(buffer, buffer + consumed, filled - consumed)
        filled -= consumed
        report.end.offset += Int64(consumed)
      }
      if isAtEnd { break }
    }
    report.end.tail = Self.tail(descriptor, before: report.end.offset)
    return report
  }

  /// The objects of one line. A line that cannot be read to its end may still hold a whole object
  /// behind the damage: an append to a line that was never finished.
  private static func objects(
    of line: UnsafeBufferPointer<UInt8>, _ tape: JSONTape, _ number: Int, _ malformed: inout Int,
    _ body: (JSONValue, Int) -> Void
  ) {
    var position = 0
    var attempts = 0
    while true {
      while position < line.count, isSpace(line[position]) { position += 1 }
      if position >= line.count { return }
      do {
        let end = try tape.parse(line, from: position)
        let value = tape.root(line)
        if value.isObject { body(value, number) } else { malformed += 1 }
        position = end
      } catch {
        malformed += 1
        // Few tries, so that a hostile line costs a few passes and not one for each brace.
        attempts += 1
        guard attempts <= 8, let next = nextObject(in: line, after: position) else { return }
        position = next
      }
    }
  }

  /// A last line without newline counts only if its objects are whole: otherwise it is still
  /// being written.
  private static func isComplete(_ line: UnsafeBufferPointer<UInt8>, _ tape: JSONTape) -> Bool {
    var position = 0
    while true {
      while position < line.count, isSpace(line[position]) { position += 1 }
      if position >= line.count { return true }
      guard let end = try? tape.parse(line, from: position), tape.root(line).isObject else {
        return false
      }
      position = end
    }
  }

  /// Where the next line of an agent may begin: its objects open with one of these keys.
  private static func nextObject(in line: UnsafeBufferPointer<UInt8>, after start: Int) -> Int? {
    let openings: [StaticString] = [
      "{\"parentUuid\"", "{\"type\"", "{\"timestamp\"", "{\"sessionId\"", "{\"uuid\"", "{\"cwd\"",
    ]
    var index = start + 1
    while index + 1 < line.count {
      guard let base = line.baseAddress,
        let found = memchr(base + index, 0x7B, line.count - index)
      else { return nil }
      index = UnsafeRawPointer(found) - UnsafeRawPointer(base)
      for opening in openings where index + opening.utf8CodeUnitCount <= line.count {
        if memcmp(base + index, opening.utf8Start, opening.utf8CodeUnitCount) == 0 {
          return index
        }
      }
      index += 1
    }
    return nil
  }

  private static func newline(
    in buffer: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int
  ) -> Int {
    guard start < end, let base = buffer.baseAddress,
      let found = memchr(base + start, 0x0A, end - start)
    else { return end }
    return UnsafeRawPointer(found) - UnsafeRawPointer(base)
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A || byte == 0
  }

  private static func tail(_ descriptor: Int32, before offset: Int64) -> [UInt8] {
    let count = Int(min(offset, Int64(tailBytes)))
    guard count > 0 else { return [] }
    var bytes = [UInt8](repeating: 0, count: count)
    let got = pread(descriptor, &bytes, count, off_t(offset) - off_t(count))
    guard got > 0 else { return [] }
    // A hash (FNV-1a, 64 bits): the bytes themselves may be part of a secret.
    let hash = FNV1a.hash(bytes[..<got])
    let digits = (0..<8).map { UInt8(truncatingIfNeeded: hash >> (8 * UInt64($0))) }
    return digits + [bytes[got - 1] == 0x0A ? 0x0A : 0]
  }
}
