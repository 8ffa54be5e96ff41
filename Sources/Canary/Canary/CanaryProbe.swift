public import Vault

/// The session canary's question: a real `task list`, the cheapest call that proves transport,
/// authentication, MCP and storage at once.
public enum CanaryProbe {
  public struct Answer: Sendable {
    public var tasks: [VaultTask]
    /// False if the list holds rows that cannot be read.
    public var isWhole: Bool
    public var latency: Duration
  }

  /// - Parameters:
  ///   - status: `open`, or empty where all tasks are wanted anyway.
  ///   - end: When it must be over; nil takes the tools' timeout alone.
  public static func ask(
    _ vault: VaultTools, status: String = "open", by end: ContinuousClock.Instant? = nil
  ) -> Result<Answer, VaultFailure> {
    let start = ContinuousClock.now
    do throws(VaultFailure) {
      let list = try vault.tasks(status: status, by: end)
      return .success(
        Answer(tasks: list.rows, isWhole: list.isWhole, latency: .now - start))
    } catch {
      return .failure(error)
    }
  }
}
