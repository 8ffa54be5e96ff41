#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension Journal {
  /// What becomes of a record that was handed over.
  package enum Verdict {
    /// It is durable elsewhere.
    case taken
    /// It stays, and so does all behind it.
    case waits
  }

  /// One taker at a time: who holds it has the journal to itself. Where a file system knows no locks
  /// everybody holds it, and what two take in at once is known by its request's id.
  package final class Lease {
    private let descriptor: Int32
    /// False where the file system knows no locks.
    let isLocked: Bool

    init(_ descriptor: Int32, isLocked: Bool) {
      self.descriptor = descriptor
      self.isLocked = isLocked
    }

    deinit { close(descriptor) }
  }

  /// - Returns: Nil while another process, or another thread of this one, takes in.
  package func lease() -> Lease? {
    let path = folder + "/taker"
    let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return nil }
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      if errno == EINTR { continue }
      guard errno == EWOULDBLOCK else { return Lease(descriptor, isLocked: false) }
      close(descriptor)
      return nil
    }
    return Lease(descriptor, isLocked: true)
  }

  /// What was met on the way through.
  package struct Passage {
    package var taken = 0
    /// True if a record was left, or one may still be on its way into the file.
    package var isLeft = false
    /// Files that are none of a journal's.
    package var unreadable: [String] = []
  }

  /// Seconds after which a record that is cut off at the end of a file is taken for damage.
  private static let patience = 10
  /// Of damage that is kept, bytes.
  private static let mostDamage = 1 << 20

  /// Hands over what waits, oldest first, and removes the files of which all is taken in.
  ///
  /// - Parameters:
  ///   - damaged: Gets bytes that belong to no whole record, before they are overwritten.
  ///   - body: Returns when the record is durable elsewhere, or is to wait. It may see a record a second
  ///     time.
  package func take(
    _ lease: Lease, damaged: ([UInt8]) -> Void, _ body: ([UInt8]) -> Verdict
  ) -> Passage {
    // Two who do that at once could lose what a hook appends between them.
    if lease.isLocked { try? putAside() }
    var passage = Passage()
    for path in files {
      guard let file = try? JournalFile(path, isForTaking: true) else {
        passage.unreadable.append(path)
        continue
      }
      takeOut(of: file, &passage, damaged, body)
      if passage.isLeft { break }
      if path != self.file { unlink(path) }
    }
    return passage
  }

  /// How many records wait.
  ///
  /// - Parameter limit: No more than so many are counted.
  package func count(upTo limit: Int) -> Int {
    var count = 0
    for path in files {
      guard let file = try? JournalFile(path, isForTaking: false) else { continue }
      JournalScan(file).run { _, _ in
        count += 1
        return count < limit
      }
      if count >= limit { break }
    }
    return count
  }

  private func takeOut(
    of file: JournalFile, _ passage: inout Passage, _ damaged: ([UInt8]) -> Void,
    _ body: ([UInt8]) -> Verdict
  ) {
    var end = file.taken
    /// Notes what stands between two records; zeros are what was taken in before.
    func pass(over scan: JournalScan, upTo start: Int) {
      if let bytes = scan.damage(from: end, to: start, atMost: Self.mostDamage) { damaged(bytes) }
    }
    let scan = JournalScan(file)
    scan.run { range, payload in
      guard case .taken = body(payload) else {
        passage.isLeft = true
        return false
      }
      pass(over: scan, upTo: range.lowerBound)
      file.take(end..<range.upperBound)
      end = range.upperBound
      passage.taken += 1
      return true
    }
    // What a disk did not give is still there.
    if scan.isBroken { passage.isLeft = true }
    guard !passage.isLeft, end < file.size else { return }
    // A write that is under way, or was never finished.
    guard file.isSettled(Self.patience) else {
      passage.isLeft = true
      return
    }
    pass(over: scan, upTo: file.size)
    file.take(end..<file.size)
  }
}

/// Finds the whole records of a file, whatever stands between them, in bounded memory.
final class JournalScan {
  private let file: JournalFile
  private var buffer: UnsafeMutableRawPointer
  private var capacity = 1 << 16
  /// True once the disk has failed.
  private(set) var isBroken = false

  init(_ file: JournalFile) {
    self.file = file
    buffer = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { buffer.deallocate() }

  /// - Parameter body: Gets where a record stands and its payload; false ends the scan.
  func run(_ body: (_ range: Range<Int>, _ payload: [UInt8]) -> Bool) {
    /// Where in the file the buffer begins.
    var base = file.taken
    var filled = 0
    var index = 0
    while true {
      let bytes = UnsafeRawBufferPointer(start: buffer, count: filled)
      skip(bytes, &index)
      switch index < filled ? JournalFrame.reading(bytes, at: index) : .cut {
      case .frame(let end):
        let payload = Array(bytes[index + JournalFrame.headerLength..<end])
        guard body(base + index..<base + end, payload) else { return }
        index = end
      case .none:
        index += 1
      case .cut:
        // The rest moves to the front, and more comes behind it.
        memmove(buffer, buffer + index, filled - index)
        base += index
        filled -= index
        index = 0
        if filled == capacity { grow() }
        guard let count = file.read(buffer + filled, capacity - filled, at: base + filled) else {
          isBroken = true
          return
        }
        filled += count
        if count == 0 {
          // A length that leads behind the end may be damage with a record in it.
          guard filled > 1 else { return }
          index = 1
          let rest = UnsafeRawBufferPointer(start: buffer, count: filled)
          guard hasFrame(rest, from: &index) else { return }
        }
      }
    }
  }

  /// Goes to the next byte that a frame may begin with.
  private func skip(_ bytes: UnsafeRawBufferPointer, _ index: inout Int) {
    guard index < bytes.count,
      let found = memchr(
        bytes.baseAddress! + index, Int32(JournalFrame.magic[0]), bytes.count - index)
    else {
      index = bytes.count
      return
    }
    index = UnsafeRawPointer(found) - bytes.baseAddress!
  }

  private func hasFrame(_ bytes: UnsafeRawBufferPointer, from index: inout Int) -> Bool {
    while true {
      skip(bytes, &index)
      guard index < bytes.count else { return false }
      if case .frame = JournalFrame.reading(bytes, at: index) { return true }
      index += 1
    }
  }

  private func grow() {
    let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity * 2, alignment: 16)
    memcpy(larger, buffer, capacity)
    buffer.deallocate()
    buffer = larger
    capacity *= 2
  }

  /// - Returns: What stands in a part of the file; nil if that is nothing but zeros, or a record that was
  ///   never acknowledged.
  func damage(from start: Int, to end: Int, atMost limit: Int) -> [UInt8]? {
    guard start < end else { return nil }
    var bytes = [UInt8](repeating: 0, count: min(end - start, limit))
    let wanted = bytes.count
    let count = bytes.withUnsafeMutableBytes { file.read($0.baseAddress!, wanted, at: start) } ?? 0
    let found = bytes[..<count]
    guard found.contains(where: { $0 != 0 }), !isUnfinished(found, of: end - start) else {
      return nil
    }
    return Array(found)
  }

  /// True for what a hook left that was killed while it wrote, before it was acknowledged: the beginning
  /// of one record, without the end of its JSON.
  private func isUnfinished(_ bytes: ArraySlice<UInt8>, of length: Int) -> Bool {
    guard bytes.count == length, bytes.starts(with: JournalFrame.magic.prefix(length)) else {
      return false
    }
    guard length > JournalFrame.headerLength else { return true }
    let claimed = bytes.withUnsafeBytes { JournalFrame.number($0, at: 4) }
    return Int(claimed) > length - JournalFrame.headerLength
      && bytes.last != UInt8(ascii: "}")
  }
}
