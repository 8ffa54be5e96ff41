import MemoryStore

/// A handoff: what passes the work on to the next reader. A Markdown document with YAML front matter.
///
/// What memoryd writes is a value; what people wrote is kept as it stands, in its place, and read for
/// what it holds. For each normalised handoff `Handoff(render(h)) == h`, and for each document
/// rendering what was parsed changes nothing after the first time.
public struct Handoff: Sendable, Equatable {
  /// The front matter's value of `memoryd`.
  public static let format = "handoff/1"

  /// A line of the task list under "Next".
  public struct Step: Sendable, Equatable {
    public var text: String
    public var isDone: Bool

    public init(_ text: String, isDone: Bool = false) {
      self.text = text
      self.isDone = isDone
    }
  }

  public struct Task: Sendable, Equatable {
    public var title: String
    /// A task of the store has a ULID.
    public var id: String?
    /// What a reader needs to know of a task of the store.
    public var context: String?
    public var isDone: Bool

    public init(
      _ title: String, id: String? = nil, context: String? = nil, isDone: Bool = false
    ) {
      self.title = title
      self.id = id
      self.context = context
      self.isDone = isDone
    }
  }

  public struct Decision: Sendable, Equatable {
    public var decision: String
    public var rationale: String?

    public init(_ decision: String, rationale: String? = nil) {
      self.decision = decision
      self.rationale = rationale
    }
  }

  public struct File: Sendable, Equatable {
    public var path: String
    /// What became of it.
    public var note: String?

    public init(_ path: String, note: String? = nil) {
      self.path = path
      self.note = note
    }
  }

  public struct Commit: Sendable, Equatable {
    public var hash: String
    public var subject: String

    public init(_ hash: String, subject: String) {
      self.hash = hash
      self.subject = subject
    }
  }

  public enum Section: Sendable, Equatable {
    case done([String])
    case next([Step])
    case openTasks([Task])
    case decisions([Decision])
    case blockers([String])
    case files([File])
    case commits([Commit])
    /// Markdown, without headings of the first and second level.
    case notes(String)
    /// What memoryd would write in another way, or does not know: the source, heading included.
    case source(String)
  }

  public var front: HandoffFront
  /// The front matter's own text, where memoryd would write it in another way.
  public var frontSource: String?
  public var objective: String
  /// What stands before the first section, where it is more than memoryd's title.
  public var lead: String?
  public var sections: [Section] { didSet { rendering.sections = nil } }
  /// How the sections are written, where reading them has shown that already.
  var rendering = Rendering()

  /// Says nothing about a handoff that its sections do not say.
  struct Rendering: Sendable, Equatable, CustomDebugStringConvertible {
    var sections: [String]?

    static func == (a: Rendering, b: Rendering) -> Bool { true }
    var debugDescription: String { "" }
  }

  public init(
    front: HandoffFront = HandoffFront(), objective: String = "", sections: [Section] = []
  ) {
    self.front = front
    self.objective = objective
    self.sections = sections
  }

  // MARK: What it holds

  /// True if its reader would learn nothing from it.
  public var saysNothing: Bool {
    objective.allSatisfy(\.isWhitespace) && contents == Contents()
  }

  /// All that the document says, wherever it says it.
  public struct Contents: Sendable, Equatable {
    public var done: [String] = []
    public var next: [Step] = []
    public var openTasks: [Task] = []
    public var decisions: [Decision] = []
    public var blockers: [String] = []
    public var files: [File] = []
    public var commits: [Commit] = []
    /// Each with its heading, where it had another one than "Notes".
    public var notes: [String] = []
  }

  /// What of the document could not be read as it was meant.
  public var complaints: [String] { [front.complaint].compactMap(\.self) }

  public var contents: Contents {
    var contents = Contents()
    if let lead { HandoffReader.read(lead, into: &contents) }
    for section in sections {
      switch section {
      case .done(let items): contents.done += items
      case .next(let items): contents.next += items
      case .openTasks(let items): contents.openTasks += items
      case .decisions(let items): contents.decisions += items
      case .blockers(let items): contents.blockers += Blockers.named(items)
      case .files(let items): contents.files += items
      case .commits(let items): contents.commits += items
      case .notes(let text): contents.notes.append(text)
      case .source(let text): HandoffReader.read(text, into: &contents)
      }
    }
    return contents
  }
}

/// The YAML front matter of a handoff. A key without a value is left out.
public struct HandoffFront: Sendable, Equatable {
  public var id: String?
  public var project: String?
  public var session: String?
  public var agent: String?
  /// RFC 3339, UTC.
  public var created: String?
  public var branch: String?
  /// The commit, hexadecimal.
  public var head: String?
  /// Who wrote a message, and for whom.
  public var from: String?
  public var to: String?
  public var topic: String?
  /// Why the front matter had to be read line by line; nil where it is YAML.
  public var complaint: String?

  public init() {}

  /// Names as they stand in the document, in their order.
  package static let fields:
    [(name: String, path: any WritableKeyPath<HandoffFront, String?> & Sendable)] =
      [
        ("id", \.id), ("project", \.project), ("session", \.session), ("agent", \.agent),
        ("created", \.created), ("branch", \.branch), ("head", \.head), ("from", \.from),
        ("to", \.to), ("topic", \.topic),
      ]
}
