import Logging

/// Diagnostics for whoever looks for a fault: silent unless `MEMORYD_LOG_LEVEL` names a level
/// (trace, debug, info, notice, warning, error). Goes to standard error; never memory text.
package enum EngineLog {
  package static let variable = "MEMORYD_LOG_LEVEL"

  static func logger(_ environment: [String: String]) -> Logger {
    guard let level = environment[variable].flatMap({ Logger.Level(rawValue: $0) }) else {
      return Logger(label: "memoryd") { _ in SwiftLogNoOpLogHandler() }
    }
    var logger = Logger(label: "memoryd") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = level
    return logger
  }
}
