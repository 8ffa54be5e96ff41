public import Core
import Dispatch
import Synchronization

/// A task as vault-mcp has it. Times are its own RFC 3339 texts.
public struct VaultTask: Sendable, Equatable {
  public var id: VaultID
  /// Its texts by vault-mcp's names of them; no context is none, not an empty one.
  public var texts: [String: String] = [:]
  public var isDone: Bool
  public var source: String
  public var createdAt: String
  public var completedAt: String?

  /// Nil for a record without an id: it cannot be worked with.
  public init?(_ json: JSON) {
    // A row that lacks other fields still counts: a list is known to be whole by its length.
    guard let id = json["id"]?.string else { return nil }
    self.id = VaultID(rawValue: id)
    if case .object(let members) = json { texts = members.compactMapValues(\.string) }
    texts["title"] = texts["title"] ?? ""
    texts["project"] = texts["project"] ?? "inbox"
    if texts["context"] == "" { texts["context"] = nil }
    isDone = json["status"]?.string == "done"
    source = json["source"]?.string ?? "auto"
    createdAt = json["created_at"]?.string ?? ""
    completedAt = json["completed_at"]?.string
  }
}

public struct VaultCheckpoint: Sendable, Equatable {
  public var id: VaultID
  /// The recovery document that the server wrote.
  public var content: String
  /// The parameters of the call that made it, where a client made it.
  public var objective: String?
  public var blockers: [String]
  public var actions: [String]
  public var createdAt: String

  public init?(_ json: JSON) {
    guard let id = json["id"]?.string else { return nil }
    self.id = VaultID(rawValue: id)
    content = json["content"]?.string ?? ""
    createdAt = json["created_at"]?.string ?? ""
    // Verbatim JSON inside a string; another vault may give it as it is.
    let signals =
      json["trigger_signals"].flatMap { signals in
        signals.string.flatMap { JSON(parsing: $0.utf8) } ?? signals
      }
    objective = signals?["objective"]?.string
    blockers = signals?["blockers"]?.strings ?? []
    actions = signals?["recent_actions"]?.strings ?? []
  }
}

public struct VaultDecision: Sendable, Equatable {
  public var id: VaultID
  public var decision: String
  public var rationale: String

  public init?(_ json: JSON) {
    guard let id = json["id"]?.string else { return nil }
    self.id = VaultID(rawValue: id)
    decision = json["decision"]?.string ?? ""
    rationale = json["rationale"]?.string ?? ""
  }
}

/// One table of `backup`.
///
/// Sources: vault-mcp gives `{count, data[]}` for each; memoryd 0.1 gave bare arrays.
public struct VaultTable<Row: Sendable>: Sendable {
  public var rows: [Row]
  /// True if the table holds every row it speaks of, each of which could be read: only then is
  /// a row that it lacks not in the vault.
  public var isWhole: Bool

  public init(rows: [Row], isWhole: Bool = true) {
    self.rows = rows
    self.isWhole = isWhole
  }

  /// Nil for anything that is no table.
  package init?(_ json: JSON?, _ read: (JSON) -> Row?) {
    guard let data = (json?["data"] ?? json)?.array else { return nil }
    rows = data.compactMap(read)
    let count = json?["count"]?.integer ?? data.count
    isWhole = rows.count == data.count && data.count >= count
  }
}

/// What `backup` holds of interest; nil for a table that it lacks or that cannot be read. Each
/// stands for itself: a table that answers oddly says nothing of the others.
public struct VaultBackup: Sendable {
  public var tasks: VaultTable<VaultTask>?
  /// The newest ten.
  public var checkpoints: VaultTable<VaultCheckpoint>?
  public var decisions: VaultTable<VaultDecision>?

  public init(
    tasks: VaultTable<VaultTask>?, checkpoints: VaultTable<VaultCheckpoint>?,
    decisions: VaultTable<VaultDecision>?
  ) {
    self.tasks = tasks
    self.checkpoints = checkpoints
    self.decisions = decisions
  }

  /// Nil for an answer of which nothing can be read.
  public init?(_ answer: JSON) {
    let tables = answer["d1"]
    tasks = VaultTable(answer["kv_tasks"]) { VaultTask($0) }
    checkpoints = VaultTable(tables?["checkpoints"]) { VaultCheckpoint($0) }
    decisions = VaultTable(tables?["decisions"]) { VaultDecision($0) }
    if tasks == nil, checkpoints == nil, decisions == nil { return nil }
  }
}

/// Carries a value from a task to the thread that waits for it.
private final class Answer<T: Sendable>: Sendable {
  private let value = Mutex<T?>(nil)
  private let isThere = DispatchSemaphore(value: 0)

  func give(_ value: T) {
    self.value.withLock { $0 = value }
    isThere.signal()
  }

  func wait() -> T {
    isThere.wait()
    return value.withLock { $0! }
  }
}

/// vault-mcp's tools that matter to continuity.
///
/// Each call blocks its thread until there is an answer or the time is up; none belongs on a
/// thread of Swift's concurrency.
public struct VaultTools: Sendable {
  /// A list reads at most so many keys, the oldest: what is newer is missing from it.
  public static let listLimit = 1000
  /// `backup` holds so many checkpoints, the newest.
  public static let backupCheckpoints = 10

  private let client: MCPClient
  /// For each call.
  public let timeout: Duration

  public init(endpoint: VaultEndpoint, clientVersion: String, timeout: Duration) {
    client = MCPClient(endpoint: endpoint, clientVersion: clientVersion)
    self.timeout = timeout
  }

  private func deadline(
    _ limit: Duration?, _ longest: ContinuousClock.Instant?
  ) -> ContinuousClock.Instant {
    let own = ContinuousClock.now + (limit ?? timeout)
    return longest.map { min($0, own) } ?? own
  }

  /// The handshake alone: connection, TLS, token and MCP.
  public func connect() throws(VaultFailure) {
    let client = client
    let end = deadline(nil, nil)
    try blocking { () async -> Result<Void, VaultFailure> in
      do throws(VaultFailure) {
        return .success(try await client.connect(deadline: end))
      } catch {
        return .failure(error)
      }
    }.get()
  }

  /// True if the vault gives the first result when a key comes a second time; known once it has
  /// answered anything.
  public var honoursKeys: Bool {
    let client = client
    return blocking { await client.honoursKeys }
  }

  // MARK: Reading

  /// All of the vault's tools, as it lists them.
  ///
  /// - Parameter meta: Goes with the request as `_meta`.
  public func allTools(meta: [String: JSON]) throws(VaultFailure) -> [JSON] {
    let client = client
    let end = deadline(nil, nil)
    return try blocking { () async -> Result<[JSON], VaultFailure> in
      do throws(VaultFailure) {
        var tools: [JSON] = []
        var cursor: JSON?
        repeat {
          var parameters: [String: JSON] = ["_meta": .object(meta)]
          parameters["cursor"] = cursor
          let page = try await client.request("tools/list", parameters, deadline: end)
          tools += page["tools"]?.array ?? []
          cursor = page["nextCursor"]
        } while cursor?.string != nil && tools.count < 1000
        return .success(tools)
      } catch {
        return .failure(error)
      }
    }.get()
  }

  /// - Parameter status: `open`, `done`, or empty for all.
  public func tasks(
    status: String, by end: ContinuousClock.Instant? = nil
  ) throws(VaultFailure) -> VaultTable<VaultTask> {
    var arguments: [String: JSON] = ["action": .string("list")]
    if status != "open" { arguments["status"] = .string(status) }
    let answer = try call("task", arguments, isRead: true, deadline(nil, end))
    guard let list = answer.array, let table = VaultTable(.array(list), { VaultTask($0) }) else {
      throw unexpected(answer, "task list")
    }
    return table
  }

  /// The newest checkpoint; nil if there is none.
  public func newestCheckpoint(
    by end: ContinuousClock.Instant? = nil
  ) throws(VaultFailure) -> VaultCheckpoint? {
    let answer = try call(
      "checkpoint", ["action": .string("load")], isRead: true, deadline(nil, end))
    if answer["message"] != nil, answer["id"] == nil { return nil }
    guard let checkpoint = VaultCheckpoint(answer) else {
      throw unexpected(answer, "checkpoint load")
    }
    return checkpoint
  }

  /// Everything that `backup` gives; it is large, so it has four times a call's time.
  public func backup(
    by end: ContinuousClock.Instant? = nil
  ) throws(VaultFailure) -> VaultBackup {
    let answer = try call("backup", [:], isRead: true, deadline(timeout * 4, end))
    guard let backup = VaultBackup(answer) else { throw unexpected(answer, "backup") }
    return backup
  }

  // MARK: Writing

  /// What a write has made or changed.
  public struct Written: Sendable {
    public var id: VaultID
    /// Of a task, as it is now.
    public var task: VaultTask?
  }

  /// - Parameters:
  ///   - tool: `task` or `checkpoint`.
  ///   - arguments: Its action among them.
  ///   - key: The same for each attempt of one write.
  /// - Throws: ``VaultFailure``; ``unknownTask`` where the vault does not know the id.
  public func write(
    _ tool: String, _ arguments: [String: JSON], key: String? = nil,
    by end: ContinuousClock.Instant? = nil
  ) throws(VaultFailure) -> Written {
    let answer = try call(tool, arguments, isRead: false, key: key, deadline(nil, end))
    if answer["error"]?.string == "Task not found" { throw Self.unknownTask }
    guard let id = answer["id"]?.string, answer["error"] == nil else {
      throw unexpected(answer, tool)
    }
    return Written(id: VaultID(rawValue: id), task: tool == "task" ? VaultTask(answer) : nil)
  }

  /// Ends the session on a server that keeps sessions.
  public func close() {
    let client = client
    let end = deadline(min(timeout, .milliseconds(500)), nil)
    blocking { await client.close(deadline: end) }
  }

  private func call(
    _ tool: String, _ arguments: [String: JSON], isRead: Bool, key: String? = nil,
    _ deadline: ContinuousClock.Instant
  ) throws(VaultFailure) -> JSON {
    let client = client
    let result = blocking { () async -> Result<JSON, VaultFailure> in
      do throws(VaultFailure) {
        return .success(
          try await client.callTool(tool, arguments, isRead: isRead, key: key, deadline: deadline))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private func blocking<T: Sendable>(_ body: @escaping @Sendable () async -> T) -> T {
    let answer = Answer<T>()
    Task { answer.give(await body()) }
    return answer.wait()
  }

  /// A failure that vault-mcp reports as success.
  public static let unknownTask = VaultFailure(
    .toolError, "the vault does not know this task", delivery: .notApplied,
    isAboutThisCall: true)

  private func unexpected(_ answer: JSON, _ call: String) -> VaultFailure {
    if let error = answer["error"]?.string {
      return client.censored(
        VaultFailure(
          .toolError, "the vault's \(call) failed: \(error.prefix(200))", isAboutThisCall: true))
    }
    // An odd answer of one tool says nothing of the others.
    return VaultFailure(
      .protocol, "the vault's \(call) answered something else than vault-mcp does",
      isAboutThisCall: true)
  }
}
