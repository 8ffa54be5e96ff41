/// The parts of a recovery document, in the order in which an engineer reads who takes over
/// (reference: understanding).
public enum DocumentPart: String, Sendable, CaseIterable {
  case objective, stands, steps, next, decisions, tried, constraints, corrections, plan, requests
  case findings, files, commands, commits, names, tasks

  /// Its place in the document.
  package var place: Int {
    switch self {
    case .objective: 0
    case .stands: 1
    case .steps: 2
    case .next: 3
    case .decisions: 4
    case .tried: 5
    case .constraints: 6
    case .corrections: 7
    case .plan: 8
    case .requests: 9
    case .findings: 10
    case .files: 11
    case .commands: 12
    case .commits: 13
    case .names: 14
    case .tasks: 15
    }
  }

  static let ofBriefs: [DocumentPart] = [.objective, .stands, .next, .decisions, .tasks]

  package var title: String {
    switch self {
    case .objective: "Objective"
    case .stands: "Where it stands"
    case .steps: "Last steps, oldest first"
    case .next: "Next"
    case .decisions: "Decided"
    case .tried: "Tried, and what came of it"
    case .constraints: "What the person and the task demand"
    case .corrections: "Corrected: the newer statement holds"
    case .plan: "Plan"
    case .requests: "Requests and what became of them, oldest first"
    case .findings: "Found, oldest first"
    case .files: "Files"
    case .commands: "Commands"
    case .commits: "Commits and links"
    case .names: "Other names, in the words they were used in"
    case .tasks: "Open tasks"
    }
  }

  /// Of the room. They add up to more than one: few sessions have all parts.
  package var share: Double {
    switch self {
    case .objective: 0.13
    case .stands: 0.25
    case .steps: 0.12
    case .next: 0.04
    case .decisions: 0.26
    case .tried: 0.10
    case .constraints: 0.08
    case .corrections: 0.03
    case .plan: 0.08
    case .requests: 0.16
    case .findings: 0.11
    case .files: 0.29
    case .commands: 0.09
    case .commits: 0.06
    case .names: 0.02
    case .tasks: 0.04
    }
  }

  /// Of a short document the lists of what the next steps need take more (reference:
  /// recovery-findings).
  func share(isShort: Bool) -> Double {
    guard isShort else { return share }
    return switch self {
    case .files: 0.45
    case .commands: 0.25
    case .steps: 0.08
    case .findings: 0.05
    default: share
    }
  }

  /// True for what a reader needs before all else.
  var leads: Bool {
    switch self {
    case .objective, .stands, .next: true
    default: false
    }
  }

  /// How fast it grows into what others leave over.
  var growth: Int {
    switch self {
    case .findings: 5
    case .decisions, .steps, .requests, .files: 4
    case .tried, .constraints: 3
    case .objective, .stands, .plan, .names: 2
    case .next, .corrections, .commands, .commits, .tasks: 1
    }
  }

  /// True where lines may have many words in common and yet say something of their own.
  var repeats: Bool {
    switch self {
    case .plan, .files, .commands, .commits, .tasks, .objective, .stands: true
    default: false
    }
  }
}
