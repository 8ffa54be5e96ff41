/// A record as it stands in a journal file: magic (4 bytes), length of the payload (4), CRC-32 of the
/// payload (4), payload. Numbers are little-endian.
///
/// The payload is JSON in valid UTF-8, in which the magic's first byte cannot stand: a reader finds the
/// next frame behind damage anywhere.
package enum JournalFrame {
  static let magic: [UInt8] = [0xF5, 0x4D, 0x4A, 0xFA]
  static let headerLength = 12
  /// Three texts of 64 KiB, each byte of which may take six in JSON, and what is around them.
  package static let largestPayload = 2 << 20

  static func bytes(_ payload: [UInt8]) -> [UInt8] {
    var frame: [UInt8] = []
    frame.reserveCapacity(headerLength + payload.count)
    frame += magic
    frame.append(littleEndian: UInt32(payload.count))
    frame.append(littleEndian: payload.withUnsafeBytes { CRC32.of($0) })
    frame += payload
    return frame
  }

  /// What stands at an offset.
  enum Reading: Equatable {
    /// A whole frame; where it ends.
    case frame(end: Int)
    /// A frame may begin here and go on behind the bytes at hand.
    case cut
    /// No frame.
    case none
  }

  static func reading(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Reading {
    for (offset, byte) in magic.enumerated() {
      guard start + offset < bytes.count else { return .cut }
      guard bytes[start + offset] == byte else { return .none }
    }
    guard start + headerLength <= bytes.count else { return .cut }
    let length = Int(number(bytes, at: start + 4))
    guard length > 0, length <= largestPayload else { return .none }
    let end = start + headerLength + length
    guard end <= bytes.count else { return .cut }
    let payload = UnsafeRawBufferPointer(rebasing: bytes[start + headerLength..<end])
    return CRC32.of(payload) == number(bytes, at: start + 8) ? .frame(end: end) : .none
  }

  static func number(_ bytes: UnsafeRawBufferPointer, at start: Int) -> UInt32 {
    UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
  }
}

extension [UInt8] {
  mutating func append<T: FixedWidthInteger>(littleEndian value: T) {
    var rest = value
    for _ in 0..<(T.bitWidth / 8) {
      append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }
}
