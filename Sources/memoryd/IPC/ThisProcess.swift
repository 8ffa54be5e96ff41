#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What a program asks of the process it runs in, without Foundation, which takes longer.
public enum ThisProcess {
  public static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  /// The words of the command line, the executable's own first.
  public static var arguments: [String] {
    (0..<Int(CommandLine.argc)).compactMap { index in
      CommandLine.unsafeArgv[index].map { String(cString: $0) }
    }
  }

  public static func environmentEntries() -> [String] {
    var entries: [String] = []
    var next = environ
    while let entry = next.pointee {
      entries.append(String(cString: entry))
      next += 1
    }
    return entries
  }

  /// `NAME=value` entries by their names. Of two with one name the first counts, as for getenv.
  public static func environment(of entries: [String]) -> [String: String] {
    var result: [String: String] = [:]
    for entry in entries {
      guard let equals = entry.utf8.firstIndex(of: UInt8(ascii: "=")) else { continue }
      let name = String(entry[..<equals])
      if result[name] == nil {
        result[name] = String(entry[entry.utf8.index(after: equals)...])
      }
    }
    return result
  }

  public static func currentFolder() -> String? {
    guard let path = getcwd(nil, 0) else { return nil }
    defer { free(path) }
    return String(cString: path)
  }

  /// 128 random bits, so that two requests never share one.
  public static func newRequestID() -> String {
    var generator = SystemRandomNumberGenerator()
    let first: UInt64 = generator.next()
    let second: UInt64 = generator.next()
    return "front-" + String(first, radix: 36) + "-" + String(second, radix: 36)
  }
}
