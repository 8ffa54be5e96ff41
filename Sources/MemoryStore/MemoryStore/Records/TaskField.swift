import Core
import GRDB

/// A field of a task that people and agents set, and that store and vault may change independently of
/// each other.
///
/// Columns, fallback files, vault payloads, merges, redaction and JSON follow this list. The raw value is
/// the name of the column, of vault-mcp's argument, and of the member in JSON.
public enum TaskField: String, CaseIterable, Sendable {
  case title
  case project
  case context
  /// RFC 3339, as the person gave it.
  case occurredAt = "occurred_at"

  /// How the field is merged where it was changed here and in the vault.
  enum Conflict: Equatable {
    /// Both texts are kept in one.
    case joined
    /// The vault's text is kept as a note in the context.
    case noted
    /// As `noted`, with this word before it, since the text alone does not tell what it is.
    case overruled(String)
  }

  var conflict: Conflict {
    switch self {
    case .title: .joined
    case .context: .noted
    case .project: .overruled("project")
    case .occurredAt: .overruled("time")
    }
  }

  /// True for free text: it is redacted, and leaves no copy when it is replaced.
  public var isProse: Bool {
    switch self {
    case .title, .context: true
    case .project, .occurredAt: false
    }
  }

  /// False for what vault-mcp's `add` has no argument for.
  public var isForVaultAdd: Bool {
    switch self {
    case .title, .project, .context: true
    case .occurredAt: false
    }
  }
}

/// A task's texts; nil where one is not set.
public struct TaskFields: Codable, Sendable, Equatable {
  public var title: String?
  public var project: String?
  public var context: String?
  public var occurredAt: String?

  public init(
    title: String? = nil, project: String? = nil, context: String? = nil,
    occurredAt: String? = nil
  ) {
    self.title = title
    self.project = project
    self.context = context
    self.occurredAt = occurredAt
  }

  public subscript(field: TaskField) -> String? {
    get { self[keyPath: Self.path(field)] }
    set { self[keyPath: Self.path(field)] = newValue }
  }

  private static func path(_ field: TaskField) -> WritableKeyPath<TaskFields, String?> {
    switch field {
    case .title: \.title
    case .project: \.project
    case .context: \.context
    case .occurredAt: \.occurredAt
    }
  }
}

extension TaskFields {
  /// - Parameter text: Gives the text of a field; nil for one that is not set.
  public init(_ text: (TaskField) -> String?) {
    self.init()
    for field in TaskField.allCases { self[field] = text(field) }
  }

  /// From a base, or from the payload of a change; nil for what is no JSON object.
  public init?(json: String) {
    guard case .object(let object)? = JSON(parsing: json.utf8) else { return nil }
    self.init { object[$0.rawValue]?.string }
    self = filled
  }

  /// As a row of the table of tasks has them.
  init(row: Row) { self.init { row[$0.rawValue] } }

  /// For a statement, in this order.
  func arguments(_ fields: [TaskField] = TaskField.allCases) -> StatementArguments {
    let texts: [String?] = fields.map { self[$0] }
    return StatementArguments(texts)
  }

  /// Without empty texts: in a change, these leave a field as it is.
  var filled: TaskFields {
    TaskFields { field in self[field].flatMap { $0.isEmpty ? nil : $0 } }
  }

  /// The same with the free texts changed.
  func mapProse(_ change: (String) -> String) -> TaskFields {
    TaskFields { $0.isProse ? self[$0].map(change) : self[$0] }
  }

  /// True if there is something in it, and all of that stands in the other too.
  public func isPart(of other: TaskFields) -> Bool {
    self != TaskFields()
      && TaskField.allCases.allSatisfy { self[$0] == nil || self[$0] == other[$0] }
  }

  /// One JSON object, as a vault takes it.
  func json(id: RecordID? = nil, source: TaskSource? = nil) -> String {
    var object = JSONFields()
    object.add("id", id)
    for field in TaskField.allCases {
      object.add(named: field.rawValue, self[field])
      // Where vault-mcp's own list of arguments has it.
      if field == .project { object.add("source", source?.rawValue) }
    }
    return object.text
  }
}
