/// The session canary's question: a real `task list`, the cheapest call that proves transport,
/// authentication, MCP and storage at once.
public enum CanaryProbe {
  public struct Answer: Sendable {
    public var tasks: [VaultTask]
    public var latencyMilliseconds: Int
  }

  /// - Parameter status: `open`, or empty where all tasks are wanted anyway.
  public static func ask(
    _ vault: VaultTools, status: String = "open"
  ) -> Result<Answer, VaultFailure> {
    let start = ContinuousClock.now
    do throws(VaultFailure) {
      let tasks = try vault.tasks(status: status)
      let parts = (ContinuousClock.now - start).components
      return .success(
        Answer(
          tasks: tasks,
          latencyMilliseconds: Int(parts.seconds) * 1000
            + Int(parts.attoseconds / 1_000_000_000_000_000)))
    } catch {
      return .failure(error)
    }
  }
}
