import CZstd
import Core

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// An open transcript: a plain file, or what Codex made of one that was idle for a week.
///
/// Codex writes `NAME.jsonl.zst` (zstd, one stream) and takes the plain file away. Both are one
/// transcript: it has the plain file's name, and offsets count unpacked bytes. While both are there
/// the plain file counts.
package final class TranscriptFile {
  /// Behind a transcript's name where it is compressed.
  package static let suffix = ".zst"

  let path: String
  let facts: RegularFile.Facts
  let isCompressed: Bool
  private let descriptor: Int32
  private var stream: OpaquePointer?
  private let input = UnsafeMutableRawBufferPointer.allocate(
    byteCount: ZSTD_DStreamInSize(), alignment: 16)
  /// How much of the input was unpacked, how much there is, and how much of the file was read.
  private var used = 0
  private var inputCount = 0
  private var inputOffset: off_t = 0
  /// Unpacked bytes that are behind.
  private var position: Int64 = 0
  private var isInFrame = false
  /// The stream ended before its end, or it is none.
  private(set) var isDamaged = false

  init(_ path: String) throws(StoreError) {
    self.path = path
    let (descriptor, facts, isCompressed) = try Self.open(path)
    self.descriptor = descriptor
    self.facts = facts
    self.isCompressed = isCompressed
  }

  deinit {
    ZSTD_freeDCtx(stream)
    input.deallocate()
    close(descriptor)
  }

  private static func open(
    _ path: String
  ) throws(StoreError) -> (Int32, RegularFile.Facts, isCompressed: Bool) {
    do throws(StoreError) {
      let (descriptor, facts) = try RegularFile.open(path)
      return (descriptor, facts, false)
    } catch {
      guard error.code == .notFound,
        let (descriptor, facts) = try? RegularFile.open(path + suffix)
      else { throw error }
      return (descriptor, facts, true)
    }
  }

  /// Bytes of the transcript; nil while a compressed one was not read to its end.
  var size: Int64? { isCompressed ? nil : facts.size }

  /// - Returns: How many bytes there were; 0 at the end of the file, and where it is damaged.
  func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(StoreError) -> Int {
    guard isCompressed else { return try readPlain(buffer, at: off_t(offset)) }
    if stream == nil || offset < position { try begin() }
    if offset > position { try skip(to: offset) }
    guard offset == position else { return 0 }
    return try unpack(buffer)
  }

  /// - Returns: As many bytes as there are, at most `count`.
  func bytes(_ count: Int, at offset: Int64) throws(StoreError) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, count), alignment: 1)
    defer { buffer.deallocate() }
    var filled = 0
    while filled < count {
      let got = try read(.init(rebasing: buffer[filled..<count]), at: offset + Int64(filled))
      if got == 0 { break }
      filled += got
    }
    return [UInt8](buffer[..<filled])
  }

  private func readPlain(
    _ buffer: UnsafeMutableRawBufferPointer, at offset: off_t
  ) throws(StoreError) -> Int {
    while true {
      let count = pread(descriptor, buffer.baseAddress, buffer.count, offset)
      if count >= 0 { return count }
      if errno != EINTR {
        throw StoreError(.inputOutput, "cannot read \(path): \(String(cString: strerror(errno)))")
      }
    }
  }

  // MARK: Unpacking

  /// Streams that ask for more memory than this, as no agent's do, are not unpacked: 2^27 bytes.
  private static let windowLog: Int32 = 27

  private func begin() throws(StoreError) {
    if stream == nil {
      stream = ZSTD_createDCtx()
      ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, Self.windowLog)
    }
    guard stream != nil else {
      throw StoreError(.inputOutput, "there is no memory to unpack \(path)\(Self.suffix)")
    }
    ZSTD_DCtx_reset(stream, ZSTD_reset_session_only)
    used = 0
    inputCount = 0
    inputOffset = 0
    position = 0
    isInFrame = false
    isDamaged = false
  }

  private func skip(to offset: Int64) throws(StoreError) {
    let passed = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 1)
    defer { passed.deallocate() }
    while position < offset {
      let wanted = Int(min(Int64(passed.count), offset - position))
      if try unpack(.init(rebasing: passed[..<wanted])) == 0 { return }
    }
  }

  /// Fills the buffer as far as there is something.
  private func unpack(_ buffer: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int {
    var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
    while output.pos < output.size, !isDamaged {
      if used == inputCount {
        inputCount = try readPlain(input, at: inputOffset)
        inputOffset += off_t(inputCount)
        used = 0
      }
      let before = (used, output.pos)
      var source = ZSTD_inBuffer(src: input.baseAddress, size: inputCount, pos: used)
      let result = ZSTD_decompressStream(stream, &output, &source)
      used = source.pos
      if ZSTD_isError(result) != 0 {
        isDamaged = true
      } else if before != (used, output.pos) {
        isInFrame = result != 0
      } else if inputCount == 0 {
        isDamaged = isInFrame
        break
      }
    }
    position += Int64(output.pos)
    return output.pos
  }
}
