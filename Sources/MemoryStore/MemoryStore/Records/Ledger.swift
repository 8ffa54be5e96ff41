/// A completion ledger: what is done, by phase, with the commit that proves it.
public struct Ledger: Codable, Sendable, Equatable {
  public enum Status: String, Codable, Sendable, CaseIterable {
    case done
    case notDone = "not_done"
    case deferred
    case pending
  }

  /// A row of a table of items. Texts are Markdown on one line.
  public struct Entry: Codable, Sendable, Equatable {
    public var item: String
    public var status: Status
    /// What stood beside the status's mark.
    public var remark: String?
    /// A commit, what was done, or why not.
    public var detail: String?
    /// As it was written, usually YYYY-MM-DD.
    public var date: String?

    public init(
      _ item: String, status: Status, remark: String? = nil, detail: String? = nil,
      date: String? = nil
    ) {
      self.item = item
      self.status = status
      self.remark = remark
      self.detail = detail
      self.date = date
    }
  }

  /// A table or a list below a phase, under a heading of its own or none.
  public struct Group: Codable, Sendable, Equatable {
    public enum Content: Codable, Sendable, Equatable {
      case entries([Entry])
      /// Commits, decisions, bugs and the like, each Markdown on one line.
      case list([String])
    }

    public var name: String?
    public var content: Content

    public init(name: String? = nil, _ content: Content) {
      self.name = name
      self.content = content
    }
  }

  public struct Phase: Codable, Sendable, Equatable {
    public var name: String
    /// Marked as done as a whole.
    public var isDone: Bool
    public var groups: [Group]

    public init(_ name: String, isDone: Bool = false, groups: [Group] = []) {
      self.name = name
      self.isDone = isDone
      self.groups = groups
    }
  }

  public var title: String
  public var phases: [Phase]

  public init(title: String = "Completion ledger", phases: [Phase] = []) {
    self.title = title
    self.phases = phases
  }

  /// Phases of one name, and in them groups of one name and kind, are one.
  public func joined() -> Ledger {
    var result = Ledger(title: title)
    var places: [[UInt8]: Int] = [:]
    var groups: [[Group]] = []
    for phase in phases {
      let place = places[Array(phase.name.utf8), default: groups.count]
      if place == groups.count {
        places[Array(phase.name.utf8)] = place
        result.phases.append(Phase(phase.name, isDone: phase.isDone))
        groups.append([])
      }
      groups[place] += phase.groups
    }
    for place in groups.indices { result.phases[place].groups = Self.joined(groups[place]) }
    return result
  }

  /// Groups of one name and kind together, each where the first of them stood.
  private static func joined(_ groups: [Group]) -> [Group] {
    var places: [[UInt8]: Int] = [:]
    var names: [String?] = []
    var entries: [[Entry]?] = []
    var items: [[String]] = []
    for group in groups {
      let isTable = if case .entries = group.content { true } else { false }
      let key = [group.name == nil ? 0 : 1, isTable ? 1 : 0] + Array((group.name ?? "").utf8)
      let place = places[key, default: names.count]
      if place == names.count {
        places[key] = place
        names.append(group.name)
        entries.append(isTable ? [] : nil)
        items.append([])
      }
      switch group.content {
      case .entries(let list): entries[place]?.append(contentsOf: list)
      case .list(let list): items[place].append(contentsOf: list)
      }
    }
    return names.indices.map { place in
      Group(name: names[place], entries[place].map { .entries($0) } ?? .list(items[place]))
    }
  }

  /// All items, with the phase and the heading that they stand under.
  public var entries: [(phase: String, group: String?, entry: Entry)] {
    phases.flatMap { phase in
      phase.groups.flatMap { group -> [(phase: String, group: String?, entry: Entry)] in
        guard case .entries(let entries) = group.content else { return [] }
        return entries.map { (phase.name, group.name, $0) }
      }
    }
  }
}
