public import Core
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
  public var degradedLog: String { directory + "/degraded.log" }
  /// Beside the files that people share: what their users have sent of them, and when.
  var sentLog: String { sharedDirectory + "/.memoryd-sent" }

  /// Where the tasks file really is: two folders may have links to one file.
  package var sharedDirectory: String {
    guard let path = realpath(tasks, nil) else { return directory }
    defer { free(path) }
    return String(cString: path).split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
  }

  /// Appends a write in the form that people read and memoryd takes in again.
  ///
  /// - Parameters:
  ///   - write: Already redacted, with `itemID` set where it makes an item.
  ///   - storeID: The store that holds the write too; nil if this file is its only place.
  /// - Returns: The file that holds it now.
  /// - Throws: ``StoreError``; `invalid` for a write that has no place in these files.
  @discardableResult
  public func append(_ write: StoreWrite, storeID: String? = nil) throws(StoreError) -> String {
    let (path, text) = try entry(for: write, storeID: storeID)
    try RegularFile.makeFolder(directory)
    try RegularFile.append(text, to: path)
    return path
  }

  /// What people read of a write, and below it the record itself: a flat JSON object in a comment. The
  /// files are often shared through git: a record holds no folder of this machine, and of a checkpoint
  /// only the short form.
  private func entry(
    for write: StoreWrite, storeID: String?
  ) throws(StoreError) -> (path: String, text: String) {
    let time = Timestamp.string(write.at)
    var record = Self.record(of: write, storeID: storeID)
    switch write.operation {
    case .checkpoint(let draft):
      record.add("op", "checkpoint.save")
      record.add("session", write.session?.id)
      record.add("trigger", draft.trigger.rawValue)
      record.add("objective", draft.objective)
      record.add("next", draft.next)
      record.add("blockers", draft.blockers)
      record.add("actions", draft.actions)
      var text = "\n## Checkpoint \(time)\n\n\(paragraph(draft.objective))\n"
      for (title, items) in [
        ("Next", draft.next), ("Blockers", draft.blockers), ("Actions", draft.actions),
      ] where !items.isEmpty {
        text += "\n### \(title)\n\n" + items.map { "- \(line($0))\n" }.joined()
      }
      return (checkpoints, text + "\n\(Self.comment(record))\n")
    case .decide(let draft):
      record.add("op", "decision")
      record.add("decision", draft.decision)
      record.add("rationale", draft.rationale)
      record.add("task", draft.taskID)
      let text = "\n## Decision \(time)\n\n**\(line(draft.decision))**: \(line(draft.rationale))\n"
      return (checkpoints, text + "\n\(Self.comment(record))\n")
    case .addTask(let draft):
      record.add("op", draft.isDone ? "task.retro" : "task.add")
      // The project is the write's.
      for field in TaskField.allCases where field != .project {
        record.add(named: Self.name(of: field), draft.fields[field])
        if field == .title { record.add("source", draft.source.rawValue) }
      }
      let context = draft.fields.context.map { " — " + line($0) } ?? ""
      let text = "- \(draft.isDone ? "[x]" : "[ ]") \(line(draft.title))\(context)\n"
      return (tasks, text + "  \(Self.comment(record))\n")
    case .changeTask(let change):
      record.add("op", change.completes ? "task.done" : "task.update")
      for field in TaskField.allCases {
        record.add(named: Self.name(of: field), change.fields[field])
      }
      let title = change.fields.title.map { ": " + line($0) } ?? ""
      let text =
        "- [\(change.completes ? "x" : " ")] task \(change.id) "
        + "\(change.completes ? "done" : "updated")\(title)\n"
      return (tasks, text + "  \(Self.comment(record))\n")
    case .handOff(let draft):
      // Whole, as this is the only place that it has.
      record.add("op", "handoff")
      record.add("session", write.session?.id)
      record.add("trigger", draft.trigger.rawValue)
      record.add("objective", draft.objective)
      record.add("from", draft.sender)
      record.add("to", draft.recipient)
      record.add("topic", draft.topic)
      record.add("body", draft.body)
      let text = "\n## Handoff \(time)\n\n\(paragraph(draft.objective))\n"
      return (checkpoints, text + "\n\(Self.comment(record))\n")
    case .addToLedger(let draft):
      record.add("op", "ledger.add")
      record.add("source", draft.source.rawValue)
      let json = try? JSONEncoder().encode(draft.ledger)
      record.add("ledger", json.map { String(decoding: $0, as: UTF8.self) })
      let items = draft.ledger.entries.map(\.entry.item).joined(separator: ", ")
      let text = "\n## Ledger \(time)\n\n\(paragraph(items))\n"
      return (checkpoints, text + "\n\(Self.comment(record))\n")
    case .openSession, .endSession:
      throw StoreError(.invalid, "a session's coming and going has no place in fallback files")
    }
  }

  /// No text may look like the beginning of an entry.
  private func paragraph(_ text: String) -> String {
    let text = line(text)
    return text.hasPrefix("#") ? "\\" + text : text
  }

  /// What the records of all writes begin with.
  private static func record(of write: StoreWrite, storeID: String?) -> JSONFields {
    var fields = JSONFields()
    fields.add("id", write.itemID)
    fields.add("store", storeID)
    fields.add("request", write.requestID)
    fields.add("time", Timestamp.string(write.at))
    fields.add("project", write.project?.name)
    // Which of several with that name, without a folder of this machine.
    fields.add("place", write.project?.marks?.key ?? write.project?.key)
    return fields
  }

  /// What a record calls a field of a task: its `project` is the one that the write was made in.
  static func name(of field: TaskField) -> String {
    field == .project ? "new_project" : field.rawValue
  }

  /// `>` is written as an escape, so that no text can end the comment.
  package static func comment(_ fields: JSONFields) -> String {
    let json = fields.text.replacing(">", with: "\\u003e").replacing("--", with: "-\\u002d")
    return "<!-- memoryd \(json) -->"
  }

  // MARK: Rows of the outbox

  /// Appends rows that these files do not hold yet, in the same form.
  ///
  /// - Returns: The numbers of the rows that are in the files now.
  public func mirror(_ rows: [OutboxRow], storeID: String) throws(StoreError) -> [Int64] {
    guard !rows.isEmpty else { return [] }
    // The process that appended one may have died before it could note that.
    var known: Set<RequestID> = []
    for (path, kind) in [(tasks, FallbackDocument.Kind.tasks), (checkpoints, .checkpoints)] {
      let records = FallbackDocument(try read(path), kind: kind).records
      known.formUnion(records.compactMap { RequestID($0["request"]) })
    }
    var numbers: [Int64] = []
    for row in rows {
      if let request = row.requestID, !known.contains(request), let write = Self.write(of: row) {
        try append(write, storeID: storeID)
      }
      numbers.append(row.number)
    }
    return numbers
  }

  /// The write that a row came from, as far as these files show it.
  private static func write(of row: OutboxRow) -> StoreWrite? {
    guard let fields = JSON(parsing: row.payload.utf8), let request = row.requestID else {
      return nil
    }
    func text(_ name: String) -> String? { fields[name]?.string }
    let task = TaskFields { text($0.rawValue) }
    let operation: StoreWrite.Operation
    switch row.action {
    case .add, .retro:
      operation = .addTask(
        TaskDraft(
          task, source: text("source").map(TaskSource.init(rawValue:)) ?? .cc,
          isDone: row.action == .retro))
    case .update, .done:
      operation = .changeTask(
        TaskChange(id: row.itemID, fields: task, completes: row.action == .done))
    case .decide:
      operation = .decide(
        DecisionDraft(
          decision: text("decision") ?? "", rationale: text("rationale") ?? "",
          taskID: RecordID(text("task_id"))))
    case .save:
      operation = .checkpoint(
        CheckpointDraft(
          trigger: .manual, objective: text("objective") ?? "",
          blockers: fields["blockers"]?.strings ?? [],
          actions: fields["recent_actions"]?.strings ?? []))
    default:
      return nil
    }
    return StoreWrite(
      requestID: request, at: row.createdAt,
      project: row.kind == .task && row.makesItem
        ? ProjectReference.named(text("project") ?? "inbox") : nil,
      operation: operation, itemID: row.itemID)
  }

  // MARK: Receipts

  /// What these files have receipts of, by marker and by request, and the vault's id for each.
  package func receipts() throws(StoreError) -> [String: VaultID] {
    var known: [String: VaultID] = [:]
    for (path, kind) in [(tasks, FallbackDocument.Kind.tasks), (checkpoints, .checkpoints)] {
      for record in FallbackDocument(try read(path), kind: kind).records
      where record["op"] == "receipt" {
        for name in [record["marker"], record["request"]].compactMap(\.self) {
          known[name] = VaultID(rawValue: record["vault_id"] ?? "")
        }
      }
    }
    return known
  }

  /// Notes under what people see that the vault has an entry of theirs.
  ///
  /// - Parameter rows: Synced ones; those that have a receipt are left out.
  public func appendReceipts(_ rows: [OutboxRow], at now: Int64) throws(StoreError) {
    guard !rows.isEmpty else { return }
    let known = try receipts()
    var taskText = ""
    var checkpointText = ""
    for row in rows {
      // By its marker an item is the same for all who share the files; a change is known by its
      // request only.
      guard let name = row.marker ?? row.requestID?.rawValue, known[name] == nil else { continue }
      let title = Self.title(of: row)
      var fields = JSONFields()
      fields.add("op", "receipt")
      fields.add("of", row.action.rawValue)
      fields.add("id", row.itemID)
      fields.add("request", row.requestID)
      fields.add("marker", row.marker)
      fields.add("vault_id", row.vaultID)
      fields.add("time", Timestamp.string(row.syncedAt ?? now))
      let time = Timestamp.string(row.syncedAt ?? now)
      let vaultID = row.vaultID.map { " as `\($0)`" } ?? ""
      let text = "- synced \(row.action) \(line(title)) at \(time)\(vaultID)"
      if row.kind == .task {
        taskText += "\(text)\n  \(Self.comment(fields))\n"
      } else {
        // A section of its own, so that it is no part of what somebody wrote above.
        checkpointText += "\n## Synced \(time)\n\n\(text)\n\n\(Self.comment(fields))\n"
      }
    }
    if !taskText.isEmpty { try RegularFile.append(taskText, to: tasks) }
    if !checkpointText.isEmpty { try RegularFile.append(checkpointText, to: checkpoints) }
  }

  private static func title(of row: OutboxRow) -> String {
    let fields = JSON(parsing: row.payload.utf8)
    let text = ["title", "decision", "objective"].lazy.compactMap { fields?[$0]?.string }.first
    return text.map { "\"\($0.prefix(120))\"" } ?? "of `\(row.itemID)`"
  }

  // MARK: The log of modes

  /// Appends lines that the log does not end with already: the process that wrote them may have
  /// died before it could note that.
  public func appendDegradedLog(_ lines: [String]) throws(StoreError) {
    try RegularFile.makeFolder(directory)
    let known = tail(of: degradedLog, 65_536)
    for line in lines where !known.contains(line) {
      try RegularFile.append(self.line(line) + "\n", to: degradedLog)
    }
  }

  private func tail(of path: String, _ count: Int) -> [String] {
    guard let (descriptor, facts) = try? RegularFile.open(path) else { return [] }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    try? handle.seek(toOffset: UInt64(max(0, facts.size - Int64(count))))
    let bytes = (try? handle.readToEnd()) ?? nil
    return String(decoding: bytes ?? Data(), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// Why these files cannot be written, in a sentence's first half; nil if they can. Makes the folder
  /// if it is not there, and writes nothing.
  public func problem() -> String? {
    do throws(StoreError) {
      try RegularFile.makeFolder(directory)
      for path in [tasks, checkpoints, degradedLog] { try RegularFile.checkAppending(to: path) }
      return nil
    } catch {
      return error.message
    }
  }

  // MARK: Reading

  /// The largest file that is taken in, bytes.
  static let sizeLimit = 64 << 20

  /// Empty where there is no such file.
  package func read(_ path: String) throws(StoreError) -> [UInt8] {
    do throws(StoreError) {
      return FileText.utf8(try RegularFile.read(path, limit: Self.sizeLimit))
    } catch {
      if error.code == .notFound { return [] }
      throw error
    }
  }

  // MARK: What was sent

  /// Before an entry that others may send too goes out: whoever finds no receipt for it later
  /// knows how long to distrust the vault's lists.
  package func noteSending(_ marker: String, at now: Int64) throws(StoreError) {
    try RegularFile.makeFolder(directory)
    try RegularFile.append("\(now) \(marker)\n", to: sentLog)
  }

  /// Unix ms of the last sending of each marker.
  package func sendings() -> [String: Int64] {
    let bytes = (try? read(sentLog)) ?? []
    var result: [String: Int64] = [:]
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: " ")
      guard parts.count == 2, let time = Int64(parts[0]) else { continue }
      result[String(parts[1])] = max(result[String(parts[1])] ?? 0, time)
    }
    return result
  }

  /// Text on one line: the record beneath keeps its every byte.
  private func line(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ")
      .replacing("<!--", with: "\\<!--")
  }
}
