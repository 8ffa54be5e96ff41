public import Core

/// sysexits(3), and never 1 or 2: a hook's 2 would block the agent.
public enum ExitStatus: Int32, Sendable {
  case ok = 0
  case usage = 64
  case badInput = 65
  case notFound = 66
  case vaultUnavailable = 69
  case softwareError = 70
  case cannotWrite = 73
  case inputOutput = 74
  case degraded = 75
  case refused = 77
  case badConfiguration = 78
}

/// A command's failure, for a person and for scripts.
public struct CommandError: Error, Sendable {
  public var exitCode: ExitStatus
  public var code: String
  public var message: String
  public var hint: String?

  public init(_ exitCode: ExitStatus, _ code: String, _ message: String, hint: String? = nil) {
    self.exitCode = exitCode
    self.code = code
    self.message = message
    self.hint = hint
  }

  public init(_ error: StoreError) {
    let exitCode: ExitStatus =
      switch error.code {
      case .notFound: .notFound
      case .invalid: .badInput
      case .readOnly, .diskFull, .exists: .cannotWrite
      case .corrupt, .indexDamaged, .inputOutput, .busy: .inputOutput
      case .schemaTooNew, .schemaTooOld: .badConfiguration
      }
    self.init(exitCode, error.code.rawValue, error.message, hint: error.hint)
  }

  public var text: String {
    "memoryd: error: \(message) [\(code)]\n" + (hint.map { "hint: \($0)\n" } ?? "")
  }
}
