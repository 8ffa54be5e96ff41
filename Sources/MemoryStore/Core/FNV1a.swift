/// A fast hash that is no secret and no proof: it tells one text from another where nobody has an
/// interest in two that collide. Source: draft-eastlake-fnv, FNV-1a, 64 bits.
public enum FNV1a {
  /// Of no bytes.
  public static let empty: UInt64 = 0xCBF2_9CE4_8422_2325

  /// - Parameter start: The hash of what stands before the bytes.
  @inlinable
  public static func hash(
    _ bytes: some Sequence<UInt8>, from start: UInt64 = FNV1a.empty
  ) -> UInt64 {
    var hash = start
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return hash
  }
}
