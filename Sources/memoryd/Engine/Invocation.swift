public import Core
import Foundation

/// All that a verb may see of the world, and nothing else: the daemon hands over the same.
public struct Invocation {
  public typealias TakeLine = (_ line: [UInt8], _ reply: @escaping @Sendable ([UInt8]) -> Void) ->
    Void

  public var arguments: [String]
  public var input: StandardInput
  public var cwd: String
  public var environment: [String: String]
  public var clock: WallClock
  /// Unique for this request; a second attempt of it brings the same.
  public var requestID: String
  public var outputIsTerminal: Bool
  /// Shows a line of progress; nil where nobody is looking.
  public var progress: ((String) -> Void)?
  /// Hands over each line of standard input as it comes, until the input ends; what is replied,
  /// then or later and on any thread, is written as a line to standard output. Nil where nobody
  /// talks line by line.
  public var converse: ((_ take: TakeLine) -> Void)?
  /// Shows a line at once, for a verb that goes on; nil where output waits for the end.
  public var announce: (@Sendable (String) -> Void)?
  /// Writes bytes to standard output at once, for what is too much to be kept; false if they cannot
  /// be written. Nil where output waits for the end.
  public var stream: ((_ bytes: [UInt8]) -> Bool)?
  /// The daemon that carries it out; nil in a process of its own.
  var daemon: DaemonContext?
  /// Takes what the caller need not wait for; nil where nobody is there afterwards.
  var afterwards: Afterwards?
  /// Ms that a hook has spent already before this process was asked.
  public var spent = 0
  /// Called once a hook's input is understood: after that many ms the process must be gone.
  /// The closure it takes runs first when the time is up, and gives what is to be printed.
  public var enterHookMode:
    (_ milliseconds: Int, _ onTimeout: @escaping @Sendable () -> String)
      -> Void

  public init(
    arguments: [String], input: StandardInput, cwd: String, environment: [String: String],
    clock: WallClock = .system, requestID: String, outputIsTerminal: Bool = false,
    progress: ((String) -> Void)? = nil,
    converse: ((TakeLine) -> Void)? = nil,
    announce: (@Sendable (String) -> Void)? = nil,
    stream: (([UInt8]) -> Bool)? = nil,
    enterHookMode: @escaping (Int, @escaping @Sendable () -> String) -> Void = { _, _ in }
  ) {
    self.arguments = arguments
    self.input = input
    self.cwd = cwd
    self.environment = environment
    self.clock = clock
    self.requestID = requestID
    self.outputIsTerminal = outputIsTerminal
    self.progress = progress
    self.converse = converse
    self.announce = announce
    self.stream = stream
    self.enterHookMode = enterHookMode
  }
}

extension Invocation {
  init(
    arguments: [String], input: StandardInput, cwd: String, environment: [String: String],
    requestID: String, outputIsTerminal: Bool = false, progress: ((String) -> Void)? = nil,
    daemon: DaemonContext,
    enterHookMode: @escaping (Int, @escaping @Sendable () -> String) -> Void = { _, _ in }
  ) {
    self.init(
      arguments: arguments, input: input, cwd: cwd, environment: environment,
      requestID: requestID, outputIsTerminal: outputIsTerminal, progress: progress,
      enterHookMode: enterHookMode)
    self.daemon = daemon
  }
}

/// Where a verb's standard input comes from.
public struct StandardInput {
  public var isTerminal: Bool
  /// Reads to the end, or until nothing has come for so many ms.
  public var read: (_ milliseconds: Int) -> [UInt8]
  /// The next piece, however long it takes; empty at the end.
  public var readPiece: () -> [UInt8]

  /// - Parameter readPiece: Nil where all of the input is there at once.
  public init(
    isTerminal: Bool, read: @escaping (Int) -> [UInt8], readPiece: (() -> [UInt8])? = nil
  ) {
    self.isTerminal = isTerminal
    self.read = read
    var isRead = false
    self.readPiece =
      readPiece ?? {
        defer { isRead = true }
        return isRead ? [] : read(0)
      }
  }

  public static func bytes(_ bytes: [UInt8]) -> StandardInput {
    StandardInput(isTerminal: false, read: { _ in bytes })
  }

  public static var none: StandardInput { StandardInput(isTerminal: true, read: { _ in [] }) }
}

/// What a verb leaves behind.
public struct Outcome: Sendable, Equatable {
  public var output = ""
  public var errorOutput = ""
  public var exitCode: ExitCode = .ok
  /// True where a daemon could not do it and the caller's own engine should try.
  var isForCaller = false

  public init(output: String = "", errorOutput: String = "", exitCode: ExitCode = .ok) {
    self.output = output
    self.errorOutput = errorOutput
    self.exitCode = exitCode
  }
}

extension Outcome {
  static var forCaller: Outcome {
    var outcome = Outcome()
    outcome.isForCaller = true
    return outcome
  }
}

/// sysexits(3), and never 1 or 2: a hook's 2 would block the agent.
public enum ExitCode: Int32, Sendable {
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

/// A verb's failure, for a person and for scripts.
public struct VerbError: Error, Sendable {
  public var exitCode: ExitCode
  public var code: String
  public var message: String
  public var hint: String?

  public init(_ exitCode: ExitCode, _ code: String, _ message: String, hint: String? = nil) {
    self.exitCode = exitCode
    self.code = code
    self.message = message
    self.hint = hint
  }

  public init(_ error: StoreError) {
    let exitCode: ExitCode =
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

/// Work that is done once the caller has its answer.
final class Afterwards {
  private var jobs: [() -> Void] = []

  func add(_ job: @escaping () -> Void) { jobs.append(job) }

  /// - Parameter seconds: To wait first, if there is anything to do.
  func run(after seconds: Double) {
    if !jobs.isEmpty { Thread.sleep(forTimeInterval: seconds) }
    for job in jobs { job() }
    jobs = []
  }
}
