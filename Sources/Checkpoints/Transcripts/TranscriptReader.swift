public import Core
public import MemoryStore
public import Syntax

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Reads what is new in a JSONL transcript, object by object, in bounded memory. A file that is one
/// object over many lines is read as a whole whenever it was changed.
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
  private let file: TranscriptFile
  private let start: TranscriptPosition
  private let isRestart: Bool
  /// Where the file ends for this reading.
  private let limit: Int64
  /// The file is one object over many lines, which is written anew with each change.
  private let isDocument: Bool

  /// Opens the file and decides where to begin. Never blocks on a FIFO or a folder.
  ///
  /// - Parameters:
  ///   - known: The position after the last reading.
  ///   - limit: Bytes of the file that count; nil takes it whole.
  public init(
    path: String, known: TranscriptPosition?, upTo limit: Int64? = nil
  ) throws(StoreError) {
    self.path = path
    file = try TranscriptFile(path)
    let facts = file.facts
    isDocument = try Self.isDocument(file)
    self.limit = isDocument ? .max : limit ?? .max
    if let known, try Self.goesOn(file, from: known, isDocument: isDocument) {
      start = known
      isRestart = false
    } else {
      start = TranscriptPosition(path: path, device: facts.device, inode: facts.inode)
      isRestart = known != nil
    }
  }

  /// True if what was read before stands in front of what is to be read. A file that was compressed
  /// is another one with the same text.
  private static func goesOn(
    _ file: TranscriptFile, from known: TranscriptPosition, isDocument: Bool
  ) throws(StoreError) -> Bool {
    if let size = file.size {
      guard known.device == file.facts.device, known.inode == file.facts.inode,
        isDocument ? known.offset == size : known.offset <= size
      else { return false }
    } else if known.offset < Int64(tailBytes) {
      return false
    }
    return try tail(file, before: known.offset) == known.tail
  }

  /// When the file was changed last, Unix ms.
  public var modified: Int64 { file.facts.modified }

  /// True if the reading begins anew, so that a digest of the former file must be dropped.
  public var readsAnew: Bool { start.offset == 0 }

  /// True if nothing but the brace of an object stands on the first line.
  private static func isDocument(_ file: TranscriptFile) throws(StoreError) -> Bool {
    // Only Gemini CLI has written such files, and it compresses none.
    if file.isCompressed { return false }
    let line = try file.bytes(64, at: 0).drop {
      $0 == 0xEF || $0 == 0xBB || $0 == 0xBF || isSpace($0)
    }
    guard line.first == UInt8(ascii: "{") else { return false }
    let rest = line.dropFirst().drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
    return rest.first == 0x0A
  }

  /// Hands each object to `body` with its physical line number, from 1.
  ///
  /// - Parameter isOver: Asked between chunks of 1 MiB; true ends the reading after the objects
  ///   that were handed over.
  public consuming func read(
    until isOver: () -> Bool = { false },
    _ body: (_ object: JSONValue, _ line: Int) -> Void
  ) throws(StoreError) -> Report {
    if isDocument { return try readDocument(body) }
    let size = min(file.size ?? .max, limit)
    var report = Report(end: start, fileSize: size, isRestart: isRestart)
    report.end.device = file.facts.device
    report.end.inode = file.facts.inode
    let tape = JSONTape()
    let unread = max(0, size - start.offset)
    // Plain memory: an array would be filled with zeros first, and again as it grows.
    var capacity = Int(min(Int64(Self.chunkBytes) - 1, max(4095, unread))) + 1
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
      let wanted = min(capacity - filled, Self.chunkBytes, Int(max(0, limit - position)))
      let count = try file.read(.init(start: buffer + filled, count: wanted), at: position)
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
    if file.isCompressed { report.fileSize = report.end.offset + Int64(filled) }
    if file.isDamaged { report.malformed += 1 }
    report.end.tail = try Self.tail(file, before: report.end.offset)
    return report
  }

  /// One that is cut, because it is being written, is left for the next time.
  private func readDocument(
    _ body: (_ object: JSONValue, _ line: Int) -> Void
  ) throws(StoreError) -> Report {
    let size = file.facts.size
    var report = Report(end: start, fileSize: size, isRestart: isRestart)
    if start.offset > 0 { return report }
    guard size <= Self.maximumLineBytes else {
      report.oversized = 1
      return report
    }
    let bytes = try file.bytes(Int(size), at: 0)
    let isWhole = bytes.withUnsafeBufferPointer { text in
      let tape = JSONTape()
      let begin = text.firstIndex { $0 == UInt8(ascii: "{") } ?? 0
      guard (try? tape.parse(text, from: begin)) != nil, tape.root(text).isObject else {
        return false
      }
      body(tape.root(text), 1)
      return true
    }
    guard isWhole else {
      report.malformed = 1
      return report
    }
    report.end.offset = Int64(bytes.count)
    report.end.lines = bytes.count { $0 == 0x0A }
    report.end.tail = try Self.tail(file, before: report.end.offset)
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

  private static func tail(
    _ file: TranscriptFile, before offset: Int64
  ) throws(StoreError) -> [UInt8] {
    let count = Int(min(offset, Int64(tailBytes)))
    guard count > 0 else { return [] }
    let bytes = try file.bytes(count, at: offset - Int64(count))
    guard let last = bytes.last else { return [] }
    // A hash (FNV-1a, 64 bits): the bytes themselves may be part of a secret.
    let hash = FNV1a.hash(bytes)
    let digits = (0..<8).map { UInt8(truncatingIfNeeded: hash >> (8 * UInt64($0))) }
    return digits + [last == 0x0A ? 0x0A : 0]
  }
}
