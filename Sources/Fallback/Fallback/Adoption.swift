public import Core
import Foundation
public import MemoryStore

/// Takes into the store what people, other programs and memoryd itself (as a last resort) wrote
/// into the fallback files. Needs no vault.
public struct Adoption {
  public struct Result: Sendable {
    /// New in the store.
    public var adopted = 0
    /// What cannot be read, with its place; it stays as it is, and the rest goes on.
    public var damage: [String] = []
    /// Entries that may still be being written.
    public var unfinished = 0
    /// Of this folder's receipts: the marker to the vault's id.
    package var receipts: [String: VaultID] = [:]
  }

  package let database: MemoryDatabase
  package let files: FallbackFiles
  package let clock: WallClock
  /// Where what is taken in may go.
  package let consent: VaultConsent
  /// The snapshot of a checkpoint that was made by hand, in the store's layout.
  let checkpointBody: (CheckpointDraft) -> String

  public init(
    database: MemoryDatabase, files: FallbackFiles, clock: WallClock, consent: VaultConsent,
    checkpointBody: @escaping (CheckpointDraft) -> String
  ) {
    self.database = database
    self.files = files
    self.clock = clock
    self.consent = consent
    self.checkpointBody = checkpointBody
  }

  /// For which a last line without an end may still be being written.
  private static let quietTime = Duration.seconds(2)

  /// - Parameters:
  ///   - isDryRun: Counts, and changes nothing.
  ///   - isOver: Asked before each entry; true leaves the rest for the next time.
  /// - Returns: Nil if the files are as they were when they were last taken in.
  public func run(
    onlyIfChanged: Bool = false, isDryRun: Bool = false, until isOver: () -> Bool = { false }
  ) throws(StoreError) -> Result? {
    let seen = Self.stamp(files)
    if onlyIfChanged, try database.fact(.fallbackSeen) == seen { return nil }
    var result = Result()
    let storeID = try Self.storeID(database, clock)
    for (path, kind) in [
      (files.tasks, FallbackDocument.Kind.tasks), (files.checkpoints, .checkpoints),
    ] {
      let bytes: [UInt8]
      do throws(StoreError) {
        bytes = try files.read(path)
      } catch {
        result.damage.append(error.message)
        continue
      }
      guard !bytes.isEmpty else { continue }
      let document = FallbackDocument(bytes, kind: kind)
      result.damage += document.damage.map { "\(path):\($0.line): \($0.what)" }
      let isFresh =
        document.isUnfinished
        && (RegularFile.facts(path)?.modified).map { clock.now - $0 < Self.quietTime.milliseconds }
          ?? false
      for record in document.records {
        if isOver() {
          result.unfinished += 1
          break
        }
        adopt(record, storeID: storeID, path: path, isDryRun: isDryRun, &result)
      }
      for entry in document.entries {
        let isBeingWritten = isFresh && entry.lines.upperBound == document.lines.count
        if isBeingWritten || isOver() {
          result.unfinished += 1
          continue
        }
        try adopt(entry, kind, isDryRun: isDryRun, &result)
      }
    }
    if !isDryRun, result.unfinished == 0 { try database.update(.fallbackSeen) { _ in seen } }
    return result
  }

  /// True if the files are not as they were when they were last taken in.
  public static func isDue(
    _ database: MemoryDatabase, _ files: FallbackFiles
  ) throws(StoreError) -> Bool {
    let stamp = stamp(files)
    if stamp == "- -" { return false }
    return try database.fact(.fallbackSeen) != stamp
  }

  /// This store's own name in the files.
  public static func storeID(
    _ database: MemoryDatabase, _ clock: WallClock
  ) throws(StoreError) -> String {
    if let id = try database.fact(.storeID) { return id }
    var ids = ULIDGenerator()
    let new = ids.next(at: clock.now).description
    return try database.update(.storeID) { $0 ?? new } ?? new
  }

  private static func stamp(_ files: FallbackFiles) -> String {
    [files.tasks, files.checkpoints].map { path in
      RegularFile.facts(path).map { "\($0.device).\($0.inode).\($0.size).\($0.modified)" } ?? "-"
    }.joined(separator: " ")
  }

  // MARK: By hand

  private func adopt(
    _ entry: FallbackDocument.HandWritten, _ kind: FallbackDocument.Kind, isDryRun: Bool,
    _ result: inout Result
  ) throws(StoreError) {
    let request = RequestID.adopting(entry.key)
    let known = try database.itemID(ofRequest: request)
    if known == nil {
      result.adopted += 1
      if isDryRun { return }
      let operation: StoreWrite.Operation =
        kind == .tasks
        ? .addTask(
          TaskDraft(
            title: entry.title, source: entry.isDone ? .retroactive : .cc,
            context: entry.context, isDone: entry.isDone))
        : .checkpoint(draft(entry))
      _ = try database.commit(
        StoreWrite(
          requestID: request, at: clock.now, operation: operation, sharedMarker: entry.key,
          consent: consent))
      return
    }
    // Ticked since it was adopted.
    guard let known, kind == .tasks, entry.isDone, try database.task(id: known)?.status == .open
    else { return }
    result.adopted += 1
    if !isDryRun { try complete(known, request: request.part(":done")) }
  }

  private func draft(_ entry: FallbackDocument.HandWritten) -> CheckpointDraft {
    var draft = CheckpointDraft(
      trigger: .fallback, objective: entry.title, blockers: entry.blockers,
      actions: entry.actions, next: entry.next)
    draft.body = checkpointBody(draft)
    return draft
  }

  private func complete(_ id: RecordID, request: RequestID) throws(StoreError) {
    _ = try database.commit(
      StoreWrite(
        requestID: request, at: clock.now,
        operation: .changeTask(TaskChange(id: id, completes: true)), consent: consent))
  }

  // MARK: memoryd's own

  private func adopt(
    _ record: FallbackDocument.Record, storeID: String, path: String, isDryRun: Bool,
    _ result: inout Result
  ) {
    do throws(StoreError) {
      if record["op"] == "receipt" {
        if let marker = record["marker"], let id = record["vault_id"] {
          result.receipts[marker] = VaultID(rawValue: id)
        }
        return
      }
      guard let request = RequestID(record["request"]) else { return }
      // A record of another store's is that store's to send.
      if let store = record["store"], store != storeID { return }
      if try database.hasRequest(request) {
        try adoptTick(record, isDryRun: isDryRun, &result)
        return
      }
      guard let write = write(record, request: request) else { return }
      result.adopted += 1
      if !isDryRun { _ = try database.commit(write) }
    } catch {
      // Another store's task, most likely; that store takes it in.
      if error.code == .notFound {
        result.adopted -= 1
        return
      }
      result.damage.append(
        "\(path):\(record.lines.upperBound): cannot be taken in: \(error.message)")
    }
  }

  /// A person ticked the box of a task that memoryd wrote.
  private func adoptTick(
    _ record: FallbackDocument.Record, isDryRun: Bool, _ result: inout Result
  ) throws(StoreError) {
    guard record["op"] == "task.add", record.isTicked, let id = RecordID(record["id"]),
      try database.task(id: id)?.status == .open
    else { return }
    result.adopted += 1
    if !isDryRun { try complete(id, request: .adopting(id.rawValue).part(":done")) }
  }

  /// The write that an entry records; nil for what is no write.
  private func write(_ record: FallbackDocument.Record, request: RequestID) -> StoreWrite? {
    guard let id = RecordID(record["id"]), let op = record["op"] else { return nil }
    let fields = record.fields
    let task = TaskFields { record[FallbackFiles.name(of: $0)] }
    let operation: StoreWrite.Operation
    switch op {
    case "task.add", "task.retro":
      operation = .addTask(
        TaskDraft(
          task, source: record["source"].map(TaskSource.init(rawValue:)) ?? .cc,
          isDone: op == "task.retro"))
    case "task.done", "task.update":
      operation = .changeTask(
        TaskChange(id: id, fields: task, completes: op == "task.done"))
    case "decision":
      operation = .decide(
        DecisionDraft(
          decision: record["decision"] ?? "", rationale: record["rationale"] ?? "",
          taskID: RecordID(record["task"])))
    case "checkpoint.save":
      var draft = CheckpointDraft(
        trigger: record["trigger"].map(CheckpointTrigger.init(rawValue:)) ?? .manual,
        objective: record["objective"] ?? "",
        blockers: fields["blockers"]?.strings ?? [], actions: fields["actions"]?.strings ?? [],
        next: fields["next"]?.strings ?? [])
      draft.body = checkpointBody(draft)
      draft.replacing = id
      operation = .checkpoint(draft)
    case "handoff":
      operation = .handOff(
        HandoffDraft(
          id: id, trigger: record["trigger"].map(HandoffTrigger.init(rawValue:)) ?? .manual,
          objective: record["objective"] ?? "", body: record["body"] ?? "", sender: record["from"],
          recipient: record["to"],
          topic: record["topic"]))
    case "ledger.add":
      let json = record["ledger"].map { Data($0.utf8) } ?? Data()
      guard let ledger = try? JSONDecoder().decode(Ledger.self, from: json) else { return nil }
      operation = .addToLedger(
        LedgerDraft(
          ledger: ledger, source: record["source"].map(LedgerSource.init(rawValue:)) ?? .manual))
    default:
      return nil
    }
    let isChange = op == "task.done" || op == "task.update"
    return StoreWrite(
      requestID: request,
      at: record["time"].flatMap { Timestamp.milliseconds($0) } ?? clock.now,
      project: isChange ? nil : record["project"].map { .named($0, key: record["place"]) },
      session: nil, operation: operation, itemID: isChange ? nil : id, sharedMarker: id.rawValue,
      consent: consent)
  }
}

extension RequestID {
  private static let adoption = "adopt:"

  /// The key under which an entry of the files is written: the same wherever it is found.
  static func adopting(_ entry: String) -> RequestID { RequestID(rawValue: adoption + entry) }

  /// True for a write that was found in the files.
  package var isOfAdoption: Bool { rawValue.hasPrefix(Self.adoption) }
}
