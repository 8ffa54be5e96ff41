public import Core

// What was done, and how it ended.
extension Story {
  /// A command that failed, what was tried against it, and what made it pass.
  public struct Attempt: JSONRecord, Sendable, Equatable {
    public var key = ""
    public var command = ""
    public var failures = 0
    public var firstError = ""
    public var lastError = ""
    /// What was changed between two failures.
    public var tries: [String] = []
    /// What was changed before it passed; empty while it has not.
    public var fix = ""
    public var hasPassed = false
    public var start = Place()
    public var end = Place()

    public init() {}

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("key", &key)
      coder.field("command", &command)
      coder.field("failures", &failures)
      coder.filled("firstError", &firstError)
      coder.filled("lastError", &lastError)
      coder.field("tries", &tries)
      coder.filled("fix", &fix)
      coder.field("hasPassed", &hasPassed)
      coder.field("start", &start)
      coder.field("end", &end)
    }
  }

  /// Something that was not to be, or did not last.
  package struct Incident: JSONRecord, Sendable, Equatable {
    package enum Kind: String, Sendable {
      case refused, undone
      /// What was taken out for a while is there again.
      case restored
      /// By a rule, a hook or the host, not by a person.
      case blocked
      case takenBack = "taken_back"
      case removed
      /// A way to call something that fails where another works.
      case detour
      /// A tool that is neither a command nor an edit.
      case failed
    }

    package var kind = Kind.failed
    package var subject = ""
    package var reason = ""
    /// The person's.
    package var words = ""
    package var place = Place()

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("kind", &kind)
      coder.field("subject", &subject)
      coder.filled("reason", &reason)
      coder.filled("words", &words)
      coder.field("place", &place)
    }
  }

  /// Something that was done, in one line with its outcome.
  package struct Step: JSONRecord, Sendable, Equatable {
    package enum Kind: String, Sendable {
      case deed, look, words
    }

    package var kind = Kind.deed
    package var text = ""
    package var place = Place()
    /// What the text is to be completed from when the reading ends; nothing of it is stored.
    package var output: String?
    package var hasFailed = false

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("kind", &kind)
      coder.field("text", &text)
      coder.field("place", &place)
      coder.field("hasFailed", &hasFailed)
    }
  }

  /// The last run of one kind of check.
  package struct Check: JSONRecord, Sendable, Equatable {
    package enum Kind: String, CaseIterable, Sendable {
      case test, lint, build
    }

    package var kind = Kind.test
    package var command = ""
    package var hasFailed = false
    /// There was an exit code, or the output says that it went well.
    package var isSure = true
    /// The run had other checks in it: which one of them failed is not known.
    package var isShared = false
    package var detail = ""
    package var place = Place()
    package var output: String?

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("kind", &kind)
      coder.field("command", &command)
      coder.field("hasFailed", &hasFailed)
      coder.filled("detail", &detail)
      coder.field("place", &place)
      coder.field("isShared", &isShared)
      var isUnsure = !isSure
      coder.field("isUnsure", &isUnsure)
      isSure = !isUnsure
    }
  }

  /// An edit that succeeded.
  package struct Edit: JSONRecord, Sendable, Equatable {
    package var path = ""
    /// What it was for as the agent said, and the line where it said so.
    package var purpose = ""
    var saidLine = 0
    /// What it put in.
    package var added = ""
    package var place = Place()

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("path", &path)
      coder.filled("purpose", &purpose)
      coder.field("saidLine", &saidLine)
      coder.filled("added", &added)
      coder.field("place", &place)
    }

    /// - Parameter line: What was said before it was about something else.
    package func told(since line: Int) -> String {
      let purpose = saidLine > line ? purpose : ""
      guard !added.isEmpty else { return purpose }
      return purpose.isEmpty ? "`\(added)` in `\(path)`" : "\(purpose) (`\(added)`)"
    }
  }

  /// What the session's edits of one file were for.
  package struct Purpose: JSONRecord, Sendable, Equatable {
    package var texts: [String] = []
    var call = 0
    /// The call that removed the file; 0 if none did since it was edited.
    package var removal = 0

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("texts", &texts)
      coder.field("call", &call)
      coder.field("removal", &removal)
    }
  }

  /// A commit or a push that went through, a commit that did not, a link that a command printed.
  package struct Landmark: JSONRecord, Sendable, Equatable {
    package enum Kind: String, Sendable {
      case commit, refusedCommit = "refused_commit", push, merge, link, closed
      /// What `git status` showed.
      case status
      /// The head that `git log` showed.
      case head
    }

    package var kind = Kind.commit
    package var id = ""
    package var text = ""
    package var place = Place()

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("kind", &kind)
      coder.filled("id", &id)
      coder.filled("text", &text)
      coder.field("place", &place)
    }
  }

  /// An item of a tracker, as it was seen last.
  package struct Ticket: JSONRecord, Sendable, Equatable {
    package var id = ""
    package var title = ""
    package var isClosed = false
    /// Neither open nor closed, in the tracker's words.
    package var state = ""
    package var place = Place()

    package static var empty: Self { Self() }

    package mutating func code(_ coder: inout JSONCoder) {
      coder.field("id", &id)
      coder.field("title", &title)
      coder.field("isClosed", &isClosed)
      coder.filled("state", &state)
      coder.field("place", &place)
    }
  }

  struct Trail: JSONRecord, Sendable, Equatable {
    var removed: [String] = []
    var added: [String] = []
    var call = 0

    package static var empty: Self { Self() }

    mutating func code(_ coder: inout JSONCoder) {
      coder.field("removed", &removed)
      coder.field("added", &added)
      coder.field("call", &call)
    }
  }
}
