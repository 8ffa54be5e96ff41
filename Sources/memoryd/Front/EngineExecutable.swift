import CPosix
import IPC

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The executable that holds everything, which this process can become.
enum EngineExecutable {
  /// With the same arguments, input and request id.
  ///
  /// - Parameter input: What was read of standard input already, all of it.
  /// - Returns: Only if that cannot be: why.
  static func take(over requestID: String, _ input: [UInt8]?) -> String {
    setenv("MEMORYD_REQUEST_ID", requestID, 1)
    if let input, !replaceInput(with: input) { return "standard input cannot be handed on" }
    for path in paths() { execv(path, CommandLine.unsafeArgv) }
    return "the engine is missing beside this executable"
  }

  /// Under `libexec` once installed, beside this file in a build folder.
  private static func paths() -> [String] {
    guard let own = ownPath(), let end = own.lastIndex(of: "/") else { return [] }
    let folder = own[..<end]
    return [folder + "/../libexec/memoryd/memoryd-engine", folder + "/memoryd-engine"]
  }

  private static func ownPath() -> String? {
    #if canImport(Glibc)
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = buffer.withUnsafeMutableBytes {
        readlink("/proc/self/exe", $0.baseAddress!, $0.count)
      }
      return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    #else
      var size: UInt32 = 4096
      var buffer = [CChar](repeating: 0, count: Int(size))
      guard _NSGetExecutablePath(&buffer, &size) == 0, let path = realpath(buffer, nil) else {
        return nil
      }
      defer { free(path) }
      return String(cString: path)
    #endif
  }

  private static func replaceInput(with bytes: [UInt8]) -> Bool {
    let descriptor = memoryd_nameless_file()
    guard descriptor >= 0, Streams.write(bytes, to: descriptor), lseek(descriptor, 0, SEEK_SET) == 0
    else { return false }
    return dup2(descriptor, 0) == 0
  }
}
