package import Checkpoints
package import Core
import MemoryStore
import Syntax

/// Where a line of a recovery document comes from.
package struct LineSource {
  package var line: DocumentLine
  /// The entry that says it; nil for what no entry of the session says, as git's state.
  package var entryID: RecordID?
  /// The line of the transcript, counted from 1.
  package var transcriptLine: Int?
  /// Who said it: `person`, `agent`, `tool`, `git`, `memoryd`; `unknown` for decisions and tasks,
  /// which are recorded without an author.
  package var author: String
  /// Why it is in the document.
  package var rule: String
}

/// Finds for each line the entry that says it, by what the line quotes.
package struct LineSources {

  private let entries: [(record: EntryRecord, text: String)]
  private let document: RecoveryDocument

  /// Entries of a session that are looked through.
  private static let most = 20_000

  package init(_ document: RecoveryDocument, _ store: StoreDoor) throws(StoreError) {
    self.document = document
    entries =
      try document.sessionID.map { (id) throws(StoreError) in
        try store.reading().entries(sessionID: id, count: Self.most).reversed()
          .filter { !$0.isAbandoned }.map { ($0, $0.title.oneLine + "\n" + $0.body.oneLine) }
      } ?? []
  }

  package func source(of line: DocumentLine) -> LineSource {
    let (rule, kinds, author) = Self.rule(line)
    var source = LineSource(line: line, author: author, rule: rule)
    source.transcriptLine = line.transcriptLine
    if line.isStated {
      source.entryID = document.statedBy
      return source
    }
    switch line.part {
    case .decisions where document.decisions.contains(where: { $0.decision == line.subject }):
      source.entryID = document.decisions.first { $0.decision == line.subject }?.id
    case .tasks:
      source.entryID = document.openTasks.first { line.text.hasSuffix("(\($0.id))") }?.id
    default:
      let found = entry(for: line, kinds)
      source.entryID = found?.id
      source.transcriptLine = found?.position ?? line.transcriptLine
      if let actor = found?.actor { source.author = actor }
    }
    return source
  }

  /// The newest one that says all that the line is about; else one that says what it quotes.
  private func entry(for line: DocumentLine, _ kinds: Set<EntryKind>) -> EntryRecord? {
    func first(_ wanted: [String]) -> EntryRecord? {
      guard !wanted.isEmpty, !wanted.contains("") else { return nil }
      return entries.first { record, text in
        (kinds.isEmpty || kinds.contains(record.kind)) && wanted.allSatisfy { text.contains($0) }
      }?.record
    }
    var whole = line.subject.oneLine
    // A failure is named by what failed, and kept by what was said then.
    if kinds == [.failure], let end = whole.firstRange(of: ": ") {
      whole = String(whole[end.upperBound...])
    }
    if whole.hasSuffix("…") { whole.removeLast() }
    return first([whole]) ?? first(line.quoted)
  }

  /// Why a section's lines are there, the kinds of entries that they come from, and whose words they
  /// are where no entry tells.
  private static func rule(
    _ line: DocumentLine
  ) -> (rule: String, kinds: Set<EntryKind>, author: String) {
    // A person or an agent: the checkpoint does not tell.
    if line.isStated { return ("said when a checkpoint was taken by hand", [], "unknown") }
    return switch line.part {
    case .objective: ("what the person asked for", [.request], "person")
    case .stands: ("where the session stands by its log", [], "agent")
    case .steps: ("one of the last things that were done", [], "agent")
    case .next: ("an open item, or what the agent said remains", [], "agent")
    case .decisions: ("a choice, with who made it", [], "unknown")
    case .tried: ("something that failed, was refused or was undone", [], "agent")
    case .constraints:
      ("a sentence in which the person, or the task's own text, says how to work", [], "person")
    case .corrections: ("a sentence that takes back an earlier one", [.reply], "agent")
    case .plan: ("an item of the newest plan", [.plan], "agent")
    case .requests: ("a request of the person, not taken back since", [.request], "person")
    case .findings: ("a sentence of the agent that says what was found out", [.reply], "agent")
    case .files:
      ("a file that tool calls touched; edited ones and recent ones come first", [], "agent")
    case .commands: ("a command that was run, with its last outcome", [.tool], "agent")
    case .commits: ("a commit, a push or a link that a command printed", [], "tool")
    case .names:
      ("a sentence of the agent that names what nothing else here does", [.reply], "agent")
    case .tasks: ("a task of this project that is open", [], "unknown")
    }
  }
}
