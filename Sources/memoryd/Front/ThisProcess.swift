#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What the front asks of the process it runs in.
enum ThisProcess {
  static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  static func environmentEntries() -> [String] {
    var entries: [String] = []
    var next = environ
    while let entry = next.pointee {
      entries.append(String(cString: entry))
      next += 1
    }
    return entries
  }

  static func currentFolder() -> String? {
    guard let path = getcwd(nil, 0) else { return nil }
    defer { free(path) }
    return String(cString: path)
  }

  /// 128 random bits, so that two requests never share one.
  static func newRequestID() -> String {
    var generator = SystemRandomNumberGenerator()
    let first: UInt64 = generator.next()
    let second: UInt64 = generator.next()
    return "front-" + String(first, radix: 36) + "-" + String(second, radix: 36)
  }
}
