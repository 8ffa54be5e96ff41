import Foundation
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
      var short = write
      var shortDraft = draft
      // The files are often shared through git: they get no quotes of the session.
      shortDraft.body = "{}"
      short.operation = .checkpoint(shortDraft)
      return (checkpoints, text + "\n" + (try comment(short)) + "\n")
    case .decide(let draft):
      let text =
        "\n## Decision \(time)\n\n**\(line(draft.decision))**: \(line(draft.rationale))\n\n"
      return (checkpoints, text + (try comment(write)) + "\n")
    case .addTask(let draft):
      let context = draft.context.map { " — " + line($0) } ?? ""
      let box = draft.isDone ? "[x]" : "[ ]"
      return (tasks, "- \(box) \(line(draft.title))\(context)\n  \(try comment(write))\n")
    case .changeTask(let change):
      let what = change.completes ? "done" : "updated"
      let title = change.title.map { ": " + line($0) } ?? ""
      return (
        tasks,
        "- [\(change.completes ? "x" : " ")] task \(change.id) \(what)\(title)\n  "
          + "\(try comment(write))\n"
      )
    case .openSession, .endSession:
      throw StoreError(.invalid, "a session's coming and going has no place in fallback files")
    }
  }

  /// The record itself. `>` is written as an escape, so that no text can end the comment.
  private func comment(_ write: StoreWrite) throws(StoreError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(write) else {
      throw StoreError(.invalid, "the write cannot be encoded")
    }
    let json = String(decoding: data, as: UTF8.self)
      .replacing(">", with: "\\u003e").replacing("--", with: "-\\u002d")
    return "<!-- memoryd \(json) -->"
  }

  /// Text on one line: the record beneath keeps its every byte.
  private func line(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ")
      .replacing("<!--", with: "\\<!--")
  }
}
