public import Core
import Foundation

/// All that a command may see of the world, and nothing else: the daemon hands over the same.
public struct Invocation {
  public typealias TakeLine = (_ line: [UInt8], _ reply: @escaping @Sendable ([UInt8]) -> Void) ->
    Void

  public var arguments: [String]
  public var input: StandardInput
  public var cwd: String
  public var environment: [String: String]
  public var clock: WallClock
  /// Unique for this request; a second attempt of it brings the same.
  public var requestID: RequestID
  public var outputIsTerminal: Bool
  /// Shows a line of progress; nil where nobody is looking.
  public var progress: ((String) -> Void)?
  /// Hands over each line of standard input as it comes, until the input ends; what is replied,
  /// then or later and on any thread, is written as a line to standard output. Nil where nobody
  /// talks line by line.
  public var converse: ((_ take: TakeLine) -> Void)?
  /// Shows a line at once, for a command that goes on; nil where output waits for the end.
  public var announce: (@Sendable (String) -> Void)?
  /// Writes bytes to standard output at once, for what is too much to be kept; false if they cannot
  /// be written. Nil where output waits for the end.
  public var stream: ((_ bytes: [UInt8]) -> Bool)?
  /// The daemon that carries it out; nil in a process of its own.
  package var daemon: DaemonContext?
  /// Takes what the caller need not wait for; nil where nobody is there afterwards.
  package var deferredWork: DeferredWork?
  /// How long it stays for what hooks have left in the journal; nil takes in all of it.
  package var journalPatience: Duration? = .milliseconds(200)
  /// True if the process ends with it: then nobody need close what it has open.
  public var endsProcess = false
  public let remarks = Remarks()
  /// What a hook has spent already before this process was asked.
  public var spent = Duration.zero
  /// Called once a hook's input is understood: after that time the process must be gone.
  /// The closure it takes runs first when the time is up, and gives what is to be printed.
  public var enterHookMode:
    (_ time: Duration, _ onTimeout: @escaping @Sendable () -> String)
      -> Void

  public init(
    arguments: [String], input: StandardInput, cwd: String, environment: [String: String],
    clock: WallClock = .system, requestID: RequestID, outputIsTerminal: Bool = false,
    progress: ((String) -> Void)? = nil,
    converse: ((TakeLine) -> Void)? = nil,
    announce: (@Sendable (String) -> Void)? = nil,
    stream: (([UInt8]) -> Bool)? = nil,
    enterHookMode: @escaping (Duration, @escaping @Sendable () -> String) -> Void = { _, _ in }
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
  package init(
    arguments: [String], input: StandardInput, cwd: String, environment: [String: String],
    requestID: RequestID, outputIsTerminal: Bool = false, progress: ((String) -> Void)? = nil,
    daemon: DaemonContext,
    enterHookMode: @escaping (Duration, @escaping @Sendable () -> String) -> Void = { _, _ in }
  ) {
    self.init(
      arguments: arguments, input: input, cwd: cwd, environment: environment,
      requestID: requestID, outputIsTerminal: outputIsTerminal, progress: progress,
      enterHookMode: enterHookMode)
    self.daemon = daemon
  }
}
