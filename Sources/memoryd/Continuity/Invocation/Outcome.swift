/// What a command leaves behind.
public struct Outcome: Sendable, Equatable {
  public var output = ""
  public var errorOutput = ""
  public var exitCode: ExitStatus = .ok
  /// True where a daemon could not do it and the caller's own engine should try.
  package var isForCaller = false

  public init(output: String = "", errorOutput: String = "", exitCode: ExitStatus = .ok) {
    self.output = output
    self.errorOutput = errorOutput
    self.exitCode = exitCode
  }
}

extension Outcome {
  package static var forCaller: Outcome {
    var outcome = Outcome()
    outcome.isForCaller = true
    return outcome
  }
}
