import Synchronization

/// What a command has to say to a person besides its result: a line each, on standard error.
public final class Remarks: Sendable {
  private let lines = Mutex<[String]>([])

  public init() {}

  func add(_ line: String) {
    lines.withLock { if !$0.contains(line) { $0.append(line) } }
  }

  public var text: String {
    lines.withLock { $0.map { "memoryd: note: \($0)\n" }.joined() }
  }
}
