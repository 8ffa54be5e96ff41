public import Core

/// What a write knows about the session that it belongs to.
public struct SessionReference: Codable, Sendable, Hashable {
  /// The agent's own id.
  public var id: SessionID
  public var agent: String
  public var cwd: String?
  public var branch: String?
  public var transcriptPath: String?
  /// How it began: startup, resume, clear, compact, fork.
  public var source: String?
  /// Unix ms, where its transcript knows better than the clock.
  public var startedAt: Int64?
  public var lastSeenAt: Int64?

  public init(
    id: SessionID, agent: String = "claude", cwd: String? = nil, branch: String? = nil,
    transcriptPath: String? = nil, source: String? = nil
  ) {
    self.id = id
    self.agent = agent
    self.cwd = cwd
    self.branch = branch
    self.transcriptPath = transcriptPath
    self.source = source
  }
}
