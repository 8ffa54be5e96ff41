public import MemoryStore

/// The Markdown files that people, git and agents without memoryd read and write too. Only ever
/// appended to.
public struct FallbackFiles: Sendable {
  public let directory: String

  public init(directory: String) {
    self.directory = directory
  }

  public var tasks: String { directory + "/tasks-fallback.md" }
  public var checkpoints: String { directory + "/checkpoints-fallback.md" }

  /// Appends a write in the form that people read and memoryd takes in again.
  ///
  /// - Parameter write: Already redacted, with `itemID` set where it makes an item.
  /// - Returns: The file that holds it now.
  /// - Throws: ``StoreError``; `invalid` for a write that has no place in these files.
  @discardableResult
  public func append(_ write: StoreWrite) throws(StoreError) -> String {
    let (path, text) = try entry(for: write)
    try RegularFile.makeFolder(directory)
    try RegularFile.append(text, to: path)
    return path
  }

  private func entry(for write: StoreWrite) throws(StoreError) -> (path: String, text: String) {
    let time = Timestamp.string(write.at)
    switch write.operation {
    case .checkpoint(let draft):
      var text = "\n## Checkpoint \(time)\n\n\(line(draft.objective))\n"
      for (title, items) in [
        ("Next", draft.next), ("Blockers", draft.blockers), ("Actions", draft.actions),
      ] where !items.isEmpty {
        text += "\n### \(title)\n\n" + items.map { "- \(line($0))\n" }.joined()
      }
      return (checkpoints, text + "\n" + comment(write) + "\n")
    case .decide(let draft):
      let text =
        "\n## Decision \(time)\n\n**\(line(draft.decision))**: \(line(draft.rationale))\n\n"
      return (checkpoints, text + comment(write) + "\n")
    case .addTask(let draft):
      let context = draft.context.map { " — " + line($0) } ?? ""
      let box = draft.isDone ? "[x]" : "[ ]"
      return (tasks, "- \(box) \(line(draft.title))\(context)\n  \(comment(write))\n")
    case .changeTask(let change):
      let what = change.completes ? "done" : "updated"
      let title = change.title.map { ": " + line($0) } ?? ""
      return (
        tasks,
        "- [\(change.completes ? "x" : " ")] task \(change.id) \(what)\(title)\n  "
          + "\(comment(write))\n"
      )
    case .openSession, .endSession:
      throw StoreError(.invalid, "a session's coming and going has no place in fallback files")
    }
  }

  /// The record itself, as a flat JSON object. The files are often shared through git: it holds no
  /// folder of this machine, and of a checkpoint only the short form. `>` is written as an escape,
  /// so that no text can end the comment.
  private func comment(_ write: StoreWrite) -> String {
    var fields = JSONFields()
    fields.add("id", write.itemID)
    fields.add("request", write.requestID)
    fields.add("time", Timestamp.string(write.at))
    fields.add("project", write.project?.name)
    switch write.operation {
    case .checkpoint(let draft):
      fields.add("op", "checkpoint.save")
      fields.add("session", write.session?.id)
      fields.add("trigger", draft.trigger)
      fields.add("objective", draft.objective)
      fields.add("next", draft.next)
      fields.add("blockers", draft.blockers)
      fields.add("actions", draft.actions)
    case .addTask(let draft):
      fields.add("op", draft.isDone ? "task.retro" : "task.add")
      fields.add("title", draft.title)
      fields.add("source", draft.source)
      fields.add("context", draft.context)
      fields.add("occurred_at", draft.occurredAt)
    case .changeTask(let change):
      fields.add("op", change.completes ? "task.done" : "task.update")
      fields.add("title", change.title)
      fields.add("context", change.context)
      fields.add("occurred_at", change.occurredAt)
    case .decide(let draft):
      fields.add("op", "decision")
      fields.add("decision", draft.decision)
      fields.add("rationale", draft.rationale)
      fields.add("task", draft.taskID)
    case .openSession, .endSession:
      break
    }
    let json = fields.text.replacing(">", with: "\\u003e").replacing("--", with: "-\\u002d")
    return "<!-- memoryd \(json) -->"
  }

  /// Text on one line: the record beneath keeps its every byte.
  private func line(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ")
      .replacing("<!--", with: "\\<!--")
  }
}
