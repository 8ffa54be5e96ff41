/// A folder of Windows, which a transcript from there names.
public enum WindowsPath {
  /// One spelling for what Windows takes for the same folder: a small drive letter, slashes, and none
  /// at the end.
  ///
  /// - Returns: Nil for a path that is none of Windows.
  public static func normalised(_ path: String) -> String? {
    let bytes = Array(path.utf8)
    let backslash = UInt8(ascii: "\\")
    let isShare = bytes.starts(with: [backslash, backslash])
    let hasDrive =
      bytes.count > 2 && bytes[1] == UInt8(ascii: ":")
      && (0x61...0x7A).contains(bytes[0] | 0x20)
      && (bytes[2] == backslash || bytes[2] == UInt8(ascii: "/"))
    guard isShare || hasDrive else { return nil }
    var result = path.replacing("\\", with: "/")
    while result.utf8.count > 3, result.hasSuffix("/") { result.removeLast() }
    return hasDrive ? result.prefix(1).lowercased() + result.dropFirst() : result
  }
}
