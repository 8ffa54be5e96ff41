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
    for phase in phases {
      let at = result.phases.firstIndex { $0.name == phase.name } ?? result.phases.endIndex
      if at == result.phases.endIndex {
        result.phases.append(Phase(phase.name, isDone: phase.isDone))
      }
      for group in phase.groups {
        let known = result.phases[at].groups.firstIndex { other in
          switch (other.content, group.content) {
          case (.entries, .entries), (.list, .list): other.name == group.name
          default: false
          }
        }
        guard let known else {
          result.phases[at].groups.append(group)
          continue
        }
        switch (result.phases[at].groups[known].content, group.content) {
        case (.entries(let first), .entries(let second)):
          result.phases[at].groups[known].content = .entries(first + second)
        case (.list(let first), .list(let second)):
          result.phases[at].groups[known].content = .list(first + second)
        default: break
        }
      }
    }
    return result
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
