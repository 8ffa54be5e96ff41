import Core

/// What a Codex rollout's reader needs to know of the lines before.
struct CodexState: Sendable, Equatable {
  /// The rollout says with an event of its own what the person typed.
  var hasPersonEvents = false
  /// Words of a message that waits for its event.
  var waiting: String?
  /// Where and when the waiting message stands.
  var waitingLine = 0
  var waitingAt: Int64 = 0
  /// Hash of the words that were told last, and by which ``CodexText/Telling`` lines.
  var told: String?
  var toldBy = 0
  /// The session whose history is being repeated, and the line of its `session_meta` here.
  var parent: SessionID?
  var parentLine = 0
  /// The line of the first `session_meta`.
  var firstMeta = 0
  /// When this session began, Unix ms.
  var beganAt: Int64 = 0

  mutating func code(_ coder: inout JSONCoder) {
    coder.field("codex_hasPersonEvents", &hasPersonEvents)
    coder.field("codex_waiting", &waiting)
    coder.field("codex_waitingLine", &waitingLine)
    coder.field("codex_waitingAt", &waitingAt)
    coder.field("codex_told", &told)
    coder.field("codex_toldBy", &toldBy)
    coder.field("codex_parent", &parent)
    coder.field("codex_parentLine", &parentLine)
    coder.field("codex_firstMeta", &firstMeta)
    coder.field("codex_beganAt", &beganAt)
  }
}
