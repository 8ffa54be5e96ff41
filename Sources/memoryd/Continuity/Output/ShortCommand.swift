import Foundation

/// A program that answers at once or is left alone.
package enum ShortCommand {
  private static let outputLimit = 65_536

  /// - Parameters:
  ///   - executable: Its path.
  ///   - time: After which it is ended.
  /// - Returns: Its standard output, trimmed; nil if it cannot be run, fails or takes longer.
  package static func output(
    of executable: String, _ arguments: [String], environment: [String: String],
    within time: Duration
  ) -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    process.environment = environment
    process.currentDirectoryURL = URL(fileURLWithPath: "/")
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let end = ContinuousClock.now + time
    while process.isRunning, ContinuousClock.now < end { usleep(2000) }
    guard !process.isRunning else {
      process.terminate()
      return nil
    }
    guard process.terminationStatus == 0 else { return nil }
    let bytes = (try? output.fileHandleForReading.read(upToCount: outputLimit)) ?? nil
    return bytes.map {
      String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
  }
}
