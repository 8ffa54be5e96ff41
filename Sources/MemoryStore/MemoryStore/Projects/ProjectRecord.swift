/// A project in a list.
public struct ProjectRecord: Sendable, Equatable {
  public var id: Int64
  public var name: String
  /// Where it was last worked in.
  public var root: String?
  public var remotes: [String] = []
  /// The row that it is a part of.
  public var joinedTo: Int64?
  /// Why it is: `said` by a person, or `remote` and a commit, or the same `history` in its place.
  public var joinReason: String?
  /// True if nothing but a name is known of where its things belong.
  public var isUnfiled: Bool
  public var isPrivate: Bool
  public var sessions: Int
  public var openTasks: Int
  /// Projects that share its first commit and are kept apart from it, unless a person has said so.
  public var resembles: [Int64] = []
  /// Unix ms.
  public var lastSeenAt: Int64
}
