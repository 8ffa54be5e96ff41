import Checkpoints
import MemoryStore

extension MCPTools {
  private typealias Argument = MCPToolSchema.Argument

  private static func text(_ name: String, _ help: String, required: Bool = false) -> Argument {
    Argument(name: name, kind: .text, help: help, isRequired: required)
  }

  private static func choice(
    _ name: String, _ names: [String], _ help: String, required: Bool = false
  ) -> Argument {
    Argument(name: name, kind: .choice(names), help: help, isRequired: required)
  }

  private static let project = text("project", "The project's short name.")

  /// In the order in which `tools/list` shows them.
  static let all: [MCPToolSchema] = [
    MCPToolSchema(
      name: "task",
      help: """
        Keeps tasks across sessions. `list` first thing in a session; `add` when work is found that \
        is not done now; `update` and `done` by id; `retro` for work that is already done.
        """,
      arguments: [
        choice(
          "action", ["add", "update", "done", "retro", "list"], "What to do.", required: true),
        text("id", "update, done: the task's id."),
        text("title", "add, retro, update: the task in a few words."),
        text("project", "Short name of the project; `inbox` without it."),
        choice(
          "source", TaskRecord.sources,
          "add: where it comes from. `auto`, the default, needs a context."),
        text("context", "What a reader who knows nothing needs in order to do it."),
        text("occurred_at", "retro, update: when it happened, RFC 3339."),
        text("status", "list: `open` (default), `done`, or empty for all."),
        choice("format", ["json", "md"], "list: JSON (default) or Markdown."),
      ]),
    MCPToolSchema(
      name: "checkpoint",
      help: """
        Saves where the work stands, and loads the newest such record. `save` before a long pause or \
        a risky step; `decide` records a decision with its reason.
        """,
      arguments: [
        choice("action", ["load", "save", "decide", "ingest"], "What to do.", required: true),
        text("objective", "save: what the work is about."),
        Argument(name: "blockers", kind: .texts, help: "save: what is in the way."),
        Argument(name: "recent_actions", kind: .texts, help: "save: what was done, newest last."),
        text("decision", "decide: what was decided."),
        text("rationale", "decide: why."),
        text("task_id", "decide: the task that it belongs to."),
        project,
      ]),
    MCPToolSchema(
      name: "decision",
      help: "Records decisions with their reasons, and lists them, newest first.",
      arguments: [
        choice("action", ["add", "list"], "What to do.", required: true),
        text("decision", "add: what was decided."),
        text("rationale", "add: why, so that nobody decides it again."),
        text("task_id", "add: the task that it belongs to."),
        Argument(name: "limit", kind: .integer, help: "list: at most so many."),
        project,
      ]),
    MCPToolSchema(
      name: "handoff",
      help: """
        Passes the work on: `write` makes a document of what was done, what comes next and why, and \
        with `to` a message for one reader; `take` hands the oldest unread message over, once.
        """,
      arguments: [
        choice("action", ["write", "take", "list", "show"], "What to do.", required: true),
        text("note", "write: what only you know, as Markdown."),
        text("to", "write: the reader of a message."), text("from", "write: who writes it."),
        text("topic", "write: what the message is about."),
        text("session", "write: the session (default: the caller's)."),
        text("reader", "take: the name that the message is for."),
        text("id", "show: the handoff; the newest without it."),
        Argument(name: "limit", kind: .integer, help: "list: at most so many (20)."), project,
      ]),
    MCPToolSchema(
      name: "ledger",
      help: """
        The completion ledger: what is done, with the commit that proves it. `list` at the start of a \
        session, `add` at its end; what is not in it did not happen.
        """,
      arguments: [
        choice("action", ["add", "list", "render", "verify"], "What to do.", required: true),
        text("item", "add: what it is, in a few words."),
        choice("status", Ledger.Status.allCases.map(\.rawValue), "add: `done` (default); list."),
        text("phase", "add, list: the phase; add: the last one without it."),
        text("detail", "add: the commit, or why it is not done."),
        text("date", "add: YYYY-MM-DD; today without it."),
        Argument(name: "limit", kind: .integer, help: "list: at most so many, the last ones."),
        project,
      ]),
    MCPToolSchema(
      name: "search",
      help: """
        Finds what was said, done, decided or planned in any session. Plain words; the best hits \
        come first.
        """,
      arguments: [
        text("query", "Words, in any order.", required: true),
        text("session", "Only in this session."),
        Argument(name: "limit", kind: .integer, help: "At most so many, 100 at the most."),
        project,
      ], isReadOnly: true),
    MCPToolSchema(
      name: "resume",
      help: """
        The recovery document: last requests, plan, files, commands, decisions and open tasks of \
        the project's newest session, as Markdown.
        """,
      arguments: [
        Argument(name: "budget", kind: .integer, help: "At most so many UTF-16 units."),
        text("session", "Of this session."),
        project,
      ], isReadOnly: true),
    MCPToolSchema(
      name: "session_start",
      help: "What a session needs at its start: tasks, newest checkpoint, decisions, counts.",
      arguments: [project], isReadOnly: true),
    MCPToolSchema(
      name: "session_end",
      help: "Saves a last checkpoint of a session.",
      arguments: [
        text("objective", "What the session was about.", required: true),
        Argument(name: "recent_actions", kind: .texts, help: "What was done."),
        Argument(name: "blockers", kind: .texts, help: "What is in the way."),
        project,
      ]),
    MCPToolSchema(
      name: "health", help: "Whether the store can be used.", arguments: [], isReadOnly: true),
    MCPToolSchema(
      name: "backup",
      help: "All tasks and decisions and the newest ten checkpoints, as one JSON document.",
      arguments: [], isReadOnly: true),
  ]
}
