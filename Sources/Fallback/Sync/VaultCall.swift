import Core
import Fallback
import MemoryStore

/// The call of the vault that carries an outbox row out.
struct VaultCall: Equatable {
  /// `task` or `checkpoint`.
  var tool: String
  /// The action among them.
  var arguments: [String: JSON]

  /// Where a task of this store stands on its way to the vault; nil for one that is not known here.
  typealias WayOfTask = (_ id: RecordID) -> (vaultID: VaultID?, maker: OutboxRow.State?)?

  /// - Parameters:
  ///   - row: As it is to be sent.
  ///   - snapshot: What is known of the vault: a change sends only what is not there yet.
  ///   - wayOfTask: Asked for the task that a decision is about.
  /// - Returns: Nil if the vault has everything already.
  init?(_ row: OutboxRow, snapshot: VaultSnapshot, wayOfTask: WayOfTask) {
    guard case .object(var arguments)? = JSON(parsing: row.payload.utf8) else {
      // No text of ours; the vault refuses it, and a person sees why.
      self.init(tool: "task", arguments: [:])
      return
    }
    let marker = row.marker ?? row.itemID.rawValue
    switch row.action {
    case .add, .retro:
      arguments["context"] = .string(Marker.attached(to: arguments["context"]?.string, marker))
      if row.action == .retro {
        // vault-mcp's takes none.
        arguments["source"] = nil
      } else {
        for field in TaskField.allCases where !field.isForVaultAdd {
          arguments[field.rawValue] = nil
        }
      }
    case .decide:
      arguments["rationale"] = .string(Marker.attached(to: arguments["rationale"]?.string, marker))
      if let task = RecordID(arguments["task_id"]?.string), let way = wayOfTask(task) {
        // One that the vault will never get has no name there.
        arguments["task_id"] = way.vaultID?.json
      }
    case .save:
      let actions = arguments["recent_actions"]?.array ?? []
      arguments["recent_actions"] = .array(actions + [.string(Marker.text(marker))])
    case .done:
      arguments = ["id": .string(row.taskVaultID?.rawValue ?? "")]
    default:
      guard let changes = Self.changes(of: row, snapshot) else { return nil }
      arguments = changes
    }
    arguments["action"] = .string(row.action.rawValue)
    self.init(tool: row.kind == .task ? "task" : "checkpoint", arguments: arguments)
  }

  private init(tool: String, arguments: [String: JSON]) {
    self.tool = tool
    self.arguments = arguments
  }

  /// - Returns: The arguments that change a task; nil if the vault has all of the change.
  private static func changes(
    of row: OutboxRow, _ snapshot: VaultSnapshot
  ) -> [String: JSON]? {
    guard let ours = TaskFields(json: row.payload), let id = row.taskVaultID else {
      return nil
    }
    let theirs = snapshot.current(row)
    var change = TaskMerge.outgoing(ours, base: row.taskBase, theirs: theirs?.fields)
    if change == TaskFields() {
      // What makes a task goes out with its words of now. The change that brought them still goes out as
      // one of its own, in its order, so that what the vault keeps of a task's past has it; but not where
      // somebody has added to those words there meanwhile.
      guard row.attempts <= 1, let base = row.taskBase, ours.isPart(of: base), let theirs,
        ours.isPart(of: theirs.fields)
      else { return nil }
      change = ours
    }
    var arguments: [String: JSON] = ["id": id.json]
    for field in TaskField.allCases {
      arguments[field.rawValue] = change[field].map { .string($0) }
    }
    if let context = change.context {
      // The markers stay: by them the task is found again.
      let markers = theirs?.markers ?? snapshot.tasks[id]?.markers ?? [row.itemID.rawValue]
      arguments["context"] = .string(markers.reduce(context) { Marker.attached(to: $0, $1) })
    }
    return arguments
  }
}
