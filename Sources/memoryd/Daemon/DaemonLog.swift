import Continuity
import Core
import Foundation
import Logging
import Redaction
import Synchronization

/// The daemon's own log: one line of JSON for each event, in a file that never grows beyond a
/// bound. Events, counts and durations; never what is remembered.
struct DaemonLog: LogHandler {
  /// Shared by all loggers of the process.
  final class File: Sendable {
    /// Bytes; then it becomes `.1`, and what was `.1` goes.
    static let limit: Int64 = 4 << 20

    private let path: String
    private let redactor: Redactor
    private let alsoToError: Bool
    private let lock = Mutex(())

    init(path: String, redactor: Redactor, alsoToError: Bool) {
      self.path = path
      self.redactor = redactor
      self.alsoToError = alsoToError
    }

    func write(_ line: String) {
      let line = redactor.redact(line)
      lock.withLock { _ in
        if let facts = RegularFile.facts(path), facts.size > Self.limit {
          rename(path, path + ".1")
        }
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if descriptor >= 0 {
          _ = line.withCString { Foundation.write(descriptor, $0, strlen($0)) }
          close(descriptor)
        }
        if alsoToError { _ = line.withCString { Foundation.write(2, $0, strlen($0)) } }
      }
    }
  }

  let file: File
  let clock: WallClock
  let label: String
  var logLevel: Logger.Level = .info
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var fields: JSON = [
      "at": Timestamp.string(clock.now), "level": event.level.rawValue,
      "event": "\(event.message)",
    ]
    for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }) {
      fields[key] = .string(String("\(value)".prefix(500)))
    }
    file.write(JSONOutput.text(fields))
  }
}
