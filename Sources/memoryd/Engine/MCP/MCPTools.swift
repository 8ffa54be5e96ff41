import Checkpoints
import Core
import Fallback
import Foundation
import MemoryStore
import Vault

/// vault-mcp's tools on this store, with its names, arguments and result shapes, and memoryd's own.
/// Each call is one request: writes carry its id, and the same id a second time writes nothing.
struct MCPTools {
  /// Everything but the request id stays as it is for all calls.
  let invocation: Invocation
  let home: String?
  /// Where the caller has no working folder, the project of what it writes.
  var defaultProject: String?

  /// A failure inside a tool.
  struct Failure: Error {
    var message: String
  }

  /// A tool's payload: JSON or Markdown, and what memoryd adds to it beside vault-mcp's shape.
  private struct Payload {
    var text: String
    var facts: [String: WireJSON] = [:]

    init(_ value: Any) {
      text = JSONOutput.text(value).trimmingCharacters(in: .newlines)
    }

    init(markdown: String) { text = markdown }
  }

  // MARK: Calling

  static func has(_ name: String) -> Bool { all.contains { $0.name == name } }

  /// - Parameters:
  ///   - key: The caller's own id of the request, if it has one.
  ///   - requestID: The id of a request without a key.
  /// - Returns: The result of `tools/call`.
  func call(
    _ name: String, _ arguments: WireJSON?, key: String?, requestID: String
  ) -> WireJSON {
    guard let tool = Self.all.first(where: { $0.name == name }) else {
      return Self.failed("MCP error -32602: Tool \(name.prefix(100)) not found")
    }
    do {
      let payload = try run(
        name, Arguments(values: try tool.arguments(arguments)),
        requestID: key.map { "mcp:" + $0 } ?? requestID, isFromMemoryd: key != nil)
      var result: [String: WireJSON] = ["content": Self.content(payload.text)]
      if !payload.facts.isEmpty { result["_meta"] = .object(payload.facts) }
      return .object(result)
    } catch let misfit as MCPToolSchema.Misfit {
      return Self.failed(
        "MCP error -32602: Input validation error: Invalid arguments for tool \(name): "
          + misfit.message)
    } catch {
      return Self.failed(
        JSONOutput.text(["error": Self.message(error)] as JSONOutput.Object)
          .trimmingCharacters(in: .newlines))
    }
  }

  private static func content(_ text: String) -> WireJSON {
    .array([.object(["type": .string("text"), "text": .string(text)])])
  }

  static func failed(_ text: String) -> WireJSON {
    .object(["content": content(text), "isError": .bool(true)])
  }

  static func message(_ error: any Error) -> String {
    switch error {
    case let error as Failure: error.message
    case let error as StoreError: error.message + (error.hint.map { "; \($0)" } ?? "")
    case let error as VerbError: error.message + (error.hint.map { "; \($0)" } ?? "")
    default: "memoryd could not do it (\(type(of: error)))"
    }
  }

  private struct Arguments {
    var values: WireJSON

    /// As with vault-mcp, an empty string is no value.
    subscript(name: String) -> String? {
      values[name]?.string.flatMap { $0.isEmpty ? nil : $0 }
    }

    func needed(_ name: String) throws -> String {
      guard let text = self[name], text.contains(where: { !$0.isWhitespace }) else {
        throw Failure(message: "\(self["action"] ?? "this call") requires: \(name)")
      }
      return text
    }
  }

  func service(requestID: String) throws -> MemoryService {
    var request = invocation
    request.requestID = requestID
    return try MemoryService(invocation: request, homeFlag: home, isLenient: false)
  }

  /// Whoever calls a vault has nothing but a name for it.
  private var isVault: Bool { defaultProject != nil }

  private func project(
    _ arguments: Arguments, _ service: MemoryService
  ) throws -> ProjectReference {
    if let defaultProject {
      return service.known(.named(arguments["project"] ?? defaultProject))
    }
    return try ProjectFinder.project(named: arguments["project"], service)
  }

  /// The project for telling what is in it: to a vault's callers a private one is not there, nor
  /// is its session.
  private func shown(_ arguments: Arguments, _ service: MemoryService) throws -> ProjectReference {
    let project = try project(arguments, service)
    guard isVault else { return project }
    let database = try service.reader()
    let session = try arguments["session"].flatMap { (id) throws(StoreError) in
      try database.project(ofSession: id)
    }
    for named in [project, session].compactMap(\.self) where try database.isPrivate(named) {
      throw Failure(message: "nothing is recorded for this project")
    }
    return project
  }

  /// What is of one project: the named one, else the one that the caller works in. A vault's caller
  /// works nowhere.
  private func scope(
    _ arguments: Arguments, _ service: MemoryService, limit: Int? = nil
  ) throws -> RecordFilter {
    guard !isVault, arguments["project"] == nil else {
      return try filter(arguments, service, limit: limit)
    }
    return RecordFilter(place: try project(arguments, service), limit: limit)
  }

  /// What a list is narrowed to; nothing without a name.
  private func filter(
    _ arguments: Arguments, _ service: MemoryService, limit: Int? = nil
  ) throws -> RecordFilter {
    var filter =
      isVault
      ? RecordFilter(project: arguments["project"])
      : try ProjectFinder.filter(named: arguments["project"], service)
    if isVault { filter.hidesPrivate = true }
    filter.limit = limit
    return filter
  }

  private func run(
    _ tool: String, _ arguments: Arguments, requestID: String, isFromMemoryd: Bool
  ) throws -> Payload {
    let service = try service(requestID: requestID)
    if isFromMemoryd, let known = try returned(tool, arguments, service) { return known }
    switch tool {
    case "task": return try task(arguments, service)
    case "checkpoint": return try checkpoint(arguments, service)
    case "decision": return try decision(arguments, service)
    case "handoff": return try handoff(arguments, service)
    case "ledger": return try ledger(arguments, service)
    case "search": return try search(arguments, service)
    case "resume": return try resume(arguments, service)
    case "session_start": return try sessionStart(arguments, service)
    case "session_end": return try sessionEnd(arguments, service)
    case "backup": return try backup(service)
    default: return try health(service)
    }
  }

  /// What another memoryd sends back because this one sent it there: two that are each other's
  /// vault would go on for ever. Only what carries a key is a sync's; others may quote a marker.
  private func returned(
    _ tool: String, _ arguments: Arguments, _ service: MemoryService
  ) throws -> Payload? {
    let text =
      ["context", "rationale"].compactMap { arguments[$0] }
      + (arguments.values["recent_actions"]?.strings ?? [])
    let markers = text.flatMap(Marker.found(in:))
    guard service.settings.hasVault, !markers.isEmpty,
      let id = try service.reader().item(withMarkers: markers)
    else {
      return nil
    }
    if tool == "task", let task = try service.reader().task(id: id) {
      return Payload(JSONOutput.task(task))
    }
    return Payload(
      ["id": id, "created_at": Timestamp.string(service.clock.now)] as JSONOutput.Object)
  }

  // MARK: Tasks

  private func task(_ arguments: Arguments, _ service: MemoryService) throws -> Payload {
    switch arguments["action"] ?? "" {
    case "list":
      let status = arguments.values["status"]?.string ?? "open"
      let tasks = try service.reader().tasks(
        status: status.isEmpty ? nil : status, filter: filter(arguments, service))
      if arguments["format"] == "md" { return Payload(markdown: TaskCommand.markdown(tasks)) }
      return Payload(tasks.map(JSONOutput.task))
    case "add":
      let source = arguments["source"] ?? "auto"
      if source == "auto", arguments["context"] == nil {
        throw Failure(message: "task.add failed: context required when source=auto")
      }
      return try add(
        TaskDraft(
          title: try arguments.needed("title"), source: source, context: arguments["context"]),
        arguments, service)
    case "retro":
      return try add(
        TaskDraft(
          title: try arguments.needed("title"), source: "retroactive",
          context: arguments["context"], occurredAt: arguments["occurred_at"], isDone: true),
        arguments, service)
    case let action:
      let given = try arguments.needed("id")
      var change = TaskChange(id: given.uppercased(), completes: action == "done")
      var project: ProjectReference?
      if action == "update" {
        change.title = arguments["title"]
        if let name = arguments["project"] {
          let found: ProjectReference =
            try isVault ? .named(name) : ProjectFinder.project(named: name, service)
          change.project = found.name
          project = found
        }
        change.context = arguments["context"]
        change.occurredAt = arguments["occurred_at"]
      }
      /// As vault-mcp, which reports it as success.
      func missing() -> Payload {
        Payload(["error": "Task not found", "id": given] as JSONOutput.Object)
      }
      if isVault, try service.reader().isPrivate(entry: change.id) { return missing() }
      do throws(StoreError) {
        let done = try service.commit(.changeTask(change), project: project)
        let fallback: JSONOutput.Object = ["id": change.id]
        let known = try? service.reader().task(id: change.id)
        return acknowledged(done, known.map(JSONOutput.task) ?? fallback, service)
      } catch {
        guard error.code == .notFound else { throw error }
        return missing()
      }
    }
  }

  private func add(
    _ draft: TaskDraft, _ arguments: Arguments, _ service: MemoryService
  ) throws -> Payload {
    let project = arguments["project"] ?? "inbox"
    let done = try service.commit(
      .addTask(draft),
      project: isVault ? .named(project) : try ProjectFinder.project(named: project, service),
      session: ProjectFinder.session(nil, service))
    // One that is only in the spool cannot be read back yet.
    let known = (try? service.reader().task(id: done.id)) ?? nil
    let task =
      known
      ?? TaskRecord(
        id: done.id, title: draft.title, project: project, status: draft.isDone ? "done" : "open",
        source: draft.source, context: draft.context, occurredAt: draft.occurredAt,
        createdAt: done.createdAt, completedAt: draft.isDone ? done.createdAt : nil)
    return acknowledged(done, JSONOutput.task(task), service)
  }

  private func acknowledged(
    _ acknowledgement: MemoryService.Acknowledgement, _ object: JSONOutput.Object,
    _ service: MemoryService
  ) -> Payload {
    var payload = Payload(object)
    let reply = JSONOutput.write(acknowledgement, service)
    for name in ["durability", "vault"] {
      payload.facts["memoryd/" + name] = (reply[name] as? String).map { .string($0) }
    }
    return payload
  }

  // MARK: Checkpoints and decisions

  private func checkpoint(_ arguments: Arguments, _ service: MemoryService) throws -> Payload {
    switch arguments["action"] ?? "" {
    case "load":
      let newest = try service.reader().checkpoints(scope(arguments, service, limit: 1)).first
      guard let newest else {
        return Payload(["message": "No checkpoints found"] as JSONOutput.Object)
      }
      return Payload(row(newest, service))
    case "save":
      let done = try save(arguments, service)
      let stored = (try? service.reader().checkpoint(id: done.id)) ?? nil
      let length = stored.map { content($0, service).utf16.count } ?? 0
      return acknowledged(
        done,
        [
          "id": done.id, "created_at": Timestamp.string(done.createdAt), "content_length": length,
        ], service)
    case "decide":
      return try decide(arguments, service)
    default:
      throw Failure(message: "memoryd reads transcripts by itself: `memoryd ingest`")
    }
  }

  private func save(
    _ arguments: Arguments, _ service: MemoryService
  ) throws -> MemoryService.Acknowledgement {
    let session = isVault ? nil : ProjectFinder.session(nil, service)
    let statement = Snapshot.Statement(
      objective: arguments["objective"], blockers: arguments.values["blockers"]?.strings ?? [],
      actions: arguments.values["recent_actions"]?.strings ?? [])
    return try CheckpointService(service: service).take(
      statement,
      isSaid: arguments["objective"] != nil
        || ["blockers", "recent_actions"].contains {
          arguments.values[$0]?.strings.isEmpty == false
        },
      project: try isVault || arguments["project"] != nil
        ? project(arguments, service) : ProjectFinder.project(of: session, service),
      session: session)
  }

  private func decide(_ arguments: Arguments, _ service: MemoryService) throws -> Payload {
    let decision = try arguments.needed("decision")
    let done = try service.commit(
      .decide(
        DecisionDraft(
          decision: decision, rationale: try arguments.needed("rationale"),
          taskID: arguments["task_id"]?.uppercased())),
      project: try project(arguments, service),
      session: ProjectFinder.session(nil, service))
    return acknowledged(
      done,
      [
        "id": done.id, "decision": decision, "created_at": Timestamp.string(done.createdAt),
      ], service)
  }

  private func decision(_ arguments: Arguments, _ service: MemoryService) throws -> Payload {
    if arguments["action"] == "add" { return try decide(arguments, service) }
    let limit = arguments.values["limit"]?.integer
    return Payload(
      try service.reader().decisions(
        filter(arguments, service, limit: limit)
      ).map(JSONOutput.decision))
  }

  // MARK: Handoffs and the ledger

  private func handoff(_ arguments: Arguments, _ service: MemoryService) throws -> Payload {
    let project = try shown(arguments, service)
    let handoffs = HandoffService(service: service)
    switch arguments["action"] ?? "" {
    case "write":
      var request = HandoffService.Request(project: project)
      request.isProjectNamed = isVault || arguments["project"] != nil
      request.session = arguments["session"]
      request.sender = arguments["from"]
      request.recipient = arguments["to"]
      request.topic = arguments["topic"]
      request.note = arguments["note"]
      // A caller without a working folder has no repository to write into.
      if defaultProject != nil { request.place = .nowhere }
      let written = try handoffs.write(request)
      return acknowledged(
        written.acknowledgement,
        [
          "id": written.acknowledgement.id, "path": written.path,
          "summary": written.handoff.summary, "document": written.document,
          "created_at": Timestamp.string(written.acknowledgement.createdAt),
        ], service)
    case "take":
      let taken = try handoffs.take(as: arguments["reader"], project: project)
      var object = JSONOutput.handoff(taken.message)
      object["document"] = taken.message.body
      return Payload(Self.disarmed(object))
    case "show":
      let record =
        try arguments["id"].map { (id) throws(StoreError) in
          try service.reader().handoff(id: id)
        }
        ?? service.reader().handoffs(RecordFilter(place: project))
        .first { $0.recipient == nil }
      guard let record, try !isVault || !service.reader().isPrivate(entry: record.id) else {
        throw Failure(message: "there is no such handoff")
      }
      return Payload(markdown: Markdown.disarmed(record.body))
    default:
      let limit = arguments.values["limit"]?.integer ?? 20
      return Payload(
        try service.reader().handoffs(
          RecordFilter(place: project, limit: limit)
        ).map { Self.disarmed(JSONOutput.handoff($0)) })
    }
  }

  /// What a model reads of messages that anybody may have left in a repository.
  private static func disarmed(_ object: JSONOutput.Object) -> JSONOutput.Object {
    object.mapValues { value in
      (value as? String).map { Markdown.disarmed($0) } ?? value
    }
  }

  private func ledger(_ arguments: Arguments, _ service: MemoryService) throws -> Payload {
    let project = try shown(arguments, service)
    switch arguments["action"] ?? "" {
    case "add":
      let status = Ledger.Status(rawValue: arguments["status"] ?? "done")
      let done = try LedgerService(service: service).add(
        [
          Ledger.Entry(
            try arguments.needed("item"), status: status ?? .done, detail: arguments["detail"],
            date: arguments["date"])
        ], phase: arguments["phase"], source: "manual", project: project,
        session: ProjectFinder.session(nil, service))
      return acknowledged(
        done, ["id": done.id, "created_at": Timestamp.string(done.createdAt)], service)
    case "render":
      let ledger = try service.reader().ledger(project)
      guard let ledger else { throw Failure(message: "this project has no ledger") }
      return Payload(markdown: ledger.markdown())
    case "verify":
      let records = try service.reader().ledgerItems(
        RecordFilter(place: project))
      return Payload(
        try LedgerService(service: service).verify(records).results.map(JSONOutput.ledgerResult))
    default:
      let items = try service.reader().ledgerItems(
        RecordFilter(place: project), phase: arguments["phase"],
        status: arguments["status"].flatMap { Ledger.Status(rawValue: $0) })
      return Payload(
        items.suffix(max(0, arguments.values["limit"]?.integer ?? .max)).map(JSONOutput.ledgerItem))
    }
  }

  private func content(_ record: CheckpointRecord, _ service: MemoryService) -> String {
    RecoveryService(service: service).document(of: record)
      .markdown(now: service.clock.now, budget: 100_000)
  }

  /// A row of vault-mcp's checkpoints.
  private func row(_ record: CheckpointRecord, _ service: MemoryService) -> JSONOutput.Object {
    let document = RecoveryService(service: service).document(of: record)
    let stated = document.snapshot.stated
    let known =
      document.struck.has(record.objective) ? document.snapshot.objective : record.objective
    return [
      "id": record.id,
      "content": document.markdown(now: service.clock.now, budget: 100_000),
      "trigger_signals": JSONOutput.text(
        [
          "objective": stated?.objective ?? known, "blockers": stated?.blockers ?? [],
          "recent_actions": stated?.actions ?? [],
        ] as JSONOutput.Object
      ).trimmingCharacters(in: .newlines),
      "cumulative_weight": 1, "created_at": Timestamp.string(record.createdAt),
    ]
  }

  // MARK: Finding

  private func search(_ arguments: Arguments, _ service: MemoryService) throws -> Payload {
    let query = try arguments.needed("query")
    let limit = min(100, max(1, arguments.values["limit"]?.integer ?? 20))
    var narrowed = try filter(arguments, service, limit: limit)
    narrowed.sessionID = arguments["session"]
    let result = try service.reader().search(
      query,
      filter: narrowed,
      options: ProjectFinder.searchOptions(try project(arguments, service), service))
    var object: JSONOutput.Object = [
      "query": query, "count": result.hits.count, "results": result.hits.map(JSONOutput.hit),
    ]
    if !result.complaints.isEmpty { object["complaints"] = result.complaints }
    return Payload(object)
  }

  private func resume(_ arguments: Arguments, _ service: MemoryService) throws -> Payload {
    let budget = arguments.values["budget"]?.integer ?? service.settings.integer(.resumeBudget)
    let document = try RecoveryService(service: service).document(
      sessionID: arguments["session"],
      project: try shown(arguments, service), occasion: .request)
    guard let document else { throw Failure(message: "nothing is recorded for this project") }
    return Payload(
      markdown: document.markdown(now: service.clock.now, budget: max(300, budget)))
  }

  // MARK: Sessions

  private func sessionStart(_ arguments: Arguments, _ service: MemoryService) throws -> Payload {
    let database = try service.reader()
    let tasks = try database.tasks(status: nil, filter: scope(arguments, service))
    let open = tasks.filter { $0.status == "open" }
    let newest = try database.checkpoints(scope(arguments, service, limit: 1)).first
    let struck = RecoveryService(service: service).struck
    return Payload(
      [
        "vault_healthy": service.verdict().mode != .degraded,
        "open_tasks_count": open.count, "checkpoint": newest.map { row($0, service) },
        "recent_tasks": open.filter { !struck.has(task: $0) }.prefix(10).map(JSONOutput.task),
        "recent_decisions": try database.decisions(scope(arguments, service, limit: 10))
          .filter { !struck.has($0.decision) }.map(JSONOutput.decision),
        "task_stats": ["open": open.count, "done": tasks.count - open.count]
          as JSONOutput.Object,
        "session_started_at": Timestamp.string(service.clock.now),
      ] as JSONOutput.Object)
  }

  private func sessionEnd(_ arguments: Arguments, _ service: MemoryService) throws -> Payload {
    _ = try arguments.needed("objective")
    let done = try save(arguments, service)
    return acknowledged(
      done,
      [
        "checkpoint_saved": true, "checkpoint_id": done.id,
        "checkpoint_created_at": Timestamp.string(done.createdAt),
        // memoryd reads transcripts where they are, and takes none from a caller.
        "transcript_captured": false,
        "session_ended_at": Timestamp.string(service.clock.now),
      ], service)
  }

  // MARK: Care

  private func health(_ service: MemoryService) throws -> Payload {
    _ = try service.reader().newestOutboxNumber()
    return Payload(
      [
        "status": "ok", "version": Engine.version, "timestamp": Timestamp.string(service.clock.now),
        "d1": "connected", "kv": "connected", "executor": "unreachable: memoryd has none",
        "mode": service.verdict().mode.rawValue,
      ] as JSONOutput.Object)
  }

  private func backup(_ service: MemoryService) throws -> Payload {
    /// As vault-mcp exports each of its tables.
    func table(_ rows: [JSONOutput.Object]) -> JSONOutput.Object {
      ["count": rows.count, "data": rows]
    }
    let database = try service.reader()
    var filter = RecordFilter()
    filter.hidesPrivate = true
    if !isVault { filter.visitor = ProjectFinder.here(service) }
    let tasks = try database.tasks(status: nil, filter: filter).map(JSONOutput.task)
    let decisions = try database.decisions(filter).map { decision -> JSONOutput.Object in
      [
        "id": decision.id, "decision": decision.decision, "rationale": decision.rationale,
        "task_id": decision.taskID, "created_at": Timestamp.string(decision.createdAt),
      ]
    }
    filter.limit = VaultTools.backupCheckpoints
    let checkpoints = try database.checkpoints(filter)
    return Payload(
      [
        "exported_at": Timestamp.string(service.clock.now),
        // The keys of its store, the oldest first.
        "kv_tasks": table(
          tasks.sorted { ($0["id"] as? String ?? "") < ($1["id"] as? String ?? "") }),
        "d1": [
          "tasks": table([]), "stages": table([]),
          "checkpoints": table(checkpoints.map { row($0, service) }),
          "decisions": table(decisions),
          "model_stats": table([]), "circuit_breaker": table([]),
        ] as JSONOutput.Object,
      ] as JSONOutput.Object)
  }
}
