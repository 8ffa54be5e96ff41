import CZstd

/// What Codex makes of a rollout that has been idle for a week.
public enum Zstd {
  public static func compressed(_ bytes: [UInt8]) -> [UInt8] {
    let room = ZSTD_compressBound(bytes.count)
    var packed = [UInt8](repeating: 0, count: room)
    let count = bytes.withUnsafeBytes { source in
      ZSTD_compress(&packed, room, source.baseAddress, source.count, 3)
    }
    precondition(ZSTD_isError(count) == 0)
    return Array(packed[..<count])
  }
}
