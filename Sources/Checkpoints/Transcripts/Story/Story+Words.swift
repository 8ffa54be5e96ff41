public import Core

// What person and agent said, asked and decided.
extension Story {
  /// Something that the person said, and what became of it.
  package struct Turn: JSONRecord, Sendable, Equatable {
    package var text = ""
    /// What it is said to, where it means little alone.
    package var about = ""
    /// What the agent said first and last to it.
    package var opening = ""
    package var ending = ""
    /// How many texts of the agent followed.
    package var replies = 0
    /// True if it is told with what was decided.
    package var isTold = false
    package var place = Place()

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("text", &text)
      coder.filled("about", &about)
      coder.filled("opening", &opening)
      coder.filled("ending", &ending)
      coder.field("replies", &replies)
      coder.field("isTold", &isTold)
      coder.field("place", &place)
    }
  }

  /// A message of the agent that says more than what it does next: its first sentence and its end.
  package struct Report: JSONRecord, Sendable, Equatable {
    package var text = ""
    /// Bytes of the whole message.
    package var length = 0
    /// The last question of it; empty if it asks nothing at its end.
    package var question = ""
    /// Sentences that say what remains.
    package var outlook: [String] = []
    package var place = Place()

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("text", &text)
      coder.field("length", &length)
      coder.filled("question", &question)
      coder.field("outlook", &outlook)
      coder.field("place", &place)
    }
  }

  /// What was decided, by whom, and against what.
  public struct Decision: JSONRecord, Sendable, Equatable {
    public enum Kind: String, Sendable {
      /// The agent's question with options, and the person's answer.
      case answer
      /// A short reply, joined with the options or the question that it takes up.
      case reply
      /// Words of the person that demand, forbid or contradict.
      case word
      case approvedPlan = "approved_plan"
      case refusedPlan = "refused_plan"
      case givenPlan = "given_plan"
      /// A plan that was written down as a file.
      case writtenPlan = "written_plan"
      /// The agent's own, with its reason.
      case agent
    }

    public var kind = Kind.agent
    public var question = ""
    /// What holds; empty while a question is open.
    public var choice = ""
    public var reason = ""
    /// The person's own, where they say more than the choice.
    public var words = ""
    public var rejected: [String] = []
    /// Lines of a plan.
    public var details: [String] = []
    /// What the agent said to it.
    public var reaction = ""
    /// Nobody has answered yet.
    public var isOpen = false
    /// A later one on the same question holds.
    public var isOvertaken = false
    public var place = Place()

    public init() {}

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("kind", &kind)
      coder.filled("question", &question)
      coder.filled("choice", &choice)
      coder.filled("reason", &reason)
      coder.filled("words", &words)
      coder.field("rejected", &rejected)
      coder.field("details", &details)
      coder.filled("reaction", &reaction)
      coder.field("isOpen", &isOpen)
      coder.field("isOvertaken", &isOvertaken)
      coder.field("place", &place)
    }
  }

  /// A sentence worth keeping.
  package struct Note: JSONRecord, Sendable, Equatable {
    package enum Kind: String, Sendable {
      case finding, correction, vain, constraint
      case subagent
    }

    package var kind = Kind.finding
    package var text = ""
    /// What led to it; for a constraint where it was read.
    package var lead = ""
    /// Hundredths.
    package var worth = 0
    /// Which of the agent's texts it is from: the last one of a turn says how it ended.
    package var message = 0
    package var place = Place()

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("kind", &kind)
      coder.field("text", &text)
      coder.filled("lead", &lead)
      coder.field("worth", &worth)
      coder.field("message", &message)
      coder.field("place", &place)
    }
  }
}
