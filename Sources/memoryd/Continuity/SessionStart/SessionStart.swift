import Checkpoints
import Core
import Foundation
import Git
package import Journal
import MemoryStore
import Syntax
import Transcripts
import Vault

/// Answers the start of a session: registers it, settles the mode, and tells it what it needs to know.
package struct SessionStart {
  let service: MemoryService

  package init(service: MemoryService) {
    self.service = service
  }

  package func greet(_ input: HookInput) -> SessionGreeting {
    let deadline = service.context.deadline ?? Deadline(in: .seconds(2))
    service.hookOutput.set(
      SessionGreeting(
        context:
          "memoryd: this session start was not done in time; `memoryd resume` prints what the "
          + "project's last session knew.\n"
      ).json)
    let known = SessionRecorder.uncommitted(input, service)
    var status = known == nil ? SessionRecorder.status(input, service) : nil
    var recorder = SessionRecorder(service: service, input: input)
    recorder.readTranscript()
    var problems = standingProblems(input)
    if let error = store(&recorder, input, deadline) {
      problems.append(
        .init(
          at: service.context.clock.now, event: input.event, code: error.code.rawValue,
          message: error.message, hint: error.hint))
    }
    let settled = VaultCheck(service: service).settle(isTyped: false)
    let news = VaultNews(service: service)
    let change = news.atStart(settled, session: recorder.session.id)
    let ofBefore = news.ofBefore(recorder.project)
    let dirty =
      known
      ?? status?.paths(
        within: max(.zero, min(.milliseconds(250), deadline.remaining - .milliseconds(400))))
    if let dirty, let git = recorder.git, known == nil {
      service.context.daemon?.noteUncommitted(dirty, in: git.root)
    }
    let budget = service.context.settings.integer(.resumeBudget)
    let isNews = settled.verdict.mode != .standalone || isStandaloneNews()
    let head = isNews ? OpeningLines.head(settled.verdict) : OpeningLines.quietHead
    let lines = OpeningLines(service: service).lines(
      for: recorder, settled.verdict, change, isNews: isNews)
    func speak(within budget: Int) -> (facts: String, message: String?) {
      let warning = warning(problems)
      let notes = [change, warning, ofBefore].compactMap(\.self)
      return (
        OpeningLines.listed(
          [warning.map { Markdown.text($0) }].compactMap(\.self) + lines,
          within: budget - head.utf16Length - RecordFence.size),
        notes.isEmpty ? nil : "memoryd: \(Markdown.spoken(notes.joined(separator: " | ")))"
      )
    }
    var (facts, message) = speak(within: budget)
    // What there is, should the document take too long.
    service.hookOutput.set(
      SessionGreeting(context: head + RecordFence.around(facts), message: message).json)
    var document = document(recorder, input, dirty: dirty)
    let size = size(input.source, document)
    document?.isBrief = size == .brief
    if let damage = service.store.drainDamage(),
      !problems.contains(where: { $0.message == damage.message })
    {
      problems.append(
        .init(
          at: service.context.clock.now, event: input.event, code: damage.code.rawValue,
          message: damage.message, hint: damage.hint))
      (facts, message) = speak(within: budget)
    }
    let most = size == .full ? budget : min(budget, RecoveryService.briefBudget)
    if size != .full { (facts, message) = speak(within: most) }
    let room = most - head.utf16Length - facts.utf16Length - RecordFence.size
    var record = facts
    var told: [DocumentLine] = []
    if size == .line, let document {
      record += "- " + line(about: document, input.source) + "\n"
    } else if size != .off, let document, room > 400 {
      let now = service.context.clock.now
      let rendered = document.rendered(now: now, budget: room - 1)
      record += (facts.isEmpty ? "" : "\n") + rendered.text
      told = rendered.lines
    }
    let context = record.isEmpty ? head : head + RecordFence.around(record)
    // The person sees what the session got back.
    if input.source == "compact", let restored = RecoveryDocument.told(told) {
      let news = "restored \(restored) (\(max(1, (context.utf8.count + 500) / 1000)) kB)"
      message = message.map { "\($0) | \(news)" } ?? "memoryd: \(news)"
    }
    noteContext(context, told, document, recorder, input)
    if !problems.isEmpty { service.context.problems.markTold() }
    // Without a daemon a later hook asks.
    if service.deferredWork != nil { recorder.learnPlace() }
    return SessionGreeting(context: context, message: message)
  }

  /// What went wrong before this session, or stands in its way.
  private func standingProblems(_ input: HookInput) -> [ProblemLog.Problem] {
    var problems = service.context.problems.pending()
    problems += service.context.settings.complaints.map {
      .init(
        at: service.context.clock.now, event: input.event, code: "bad_configuration", message: $0,
        hint: "`memoryd doctor` shows every setting")
    }
    if let warning = HomeCare(home: service.context.home).warning {
      problems.append(
        .init(
          at: service.context.clock.now, event: "folder", code: "open_folder",
          message: warning.message,
          hint: warning.hint))
    }
    if let rest = JournalIntake.rest(service.context) {
      problems.append(
        .init(
          at: service.context.clock.now, event: "journal", code: "waiting", message: rest.message,
          hint: rest.hint))
    }
    if let problem = DaemonCare(context: service.context).problem() {
      problems.append(
        .init(
          at: service.context.clock.now, event: "daemon", code: "daemon", message: problem.message,
          hint: problem.hint))
    }
    return problems
  }

  /// One line: what is wrong and what happens next.
  private func warning(_ problems: [ProblemLog.Problem]) -> String? {
    guard let last = problems.last else { return nil }
    let earlier = TerminalText.count(problems.count - 1, "earlier problem")
    let more = problems.count > 1 ? " (and \(earlier))" : ""
    let hint = last.hint.map { "; \($0)" } ?? ""
    return "\(last.event): \(last.message)\(hint)\(more)"
  }

  private func noteContext(
    _ context: String, _ told: [DocumentLine], _ document: RecoveryDocument?,
    _ recorder: SessionRecorder, _ input: HookInput
  ) {
    let entry = ContextLog.Entry(
      at: service.context.clock.now, session: recorder.session.id,
      source: input.source ?? "startup",
      units: context.utf16Length, parts: told.map(\.part.rawValue),
      about: document?.sessionID == recorder.session.id ? nil : document?.sessionID,
      checkpoint: document?.checkpointID)
    let log = ContextLog(folder: service.context.home.logs)
    if let deferredWork = service.deferredWork {
      deferredWork.add { log.note(entry) }
    } else {
      log.note(entry)
    }
  }

  /// That there is no vault is said once a home, not at every start.
  private func isStandaloneNews() -> Bool {
    // A note that it was said: if it is lost, it is said once more.
    guard let database = try? service.store.writing() else { return true }
    if let told = try? database.fact(.toldStandalone), !told.isEmpty { return false }
    let now = String(service.context.clock.now)
    _ = try? database.update(.toldStandalone) { $0 ?? now }
    return true
  }

  /// Registers the session. Where no hook announced the compaction, the checkpoint is made now,
  /// from the transcript's own boundary.
  private func store(
    _ recorder: inout SessionRecorder, _ input: HookInput, _ deadline: Deadline
  ) -> StoreError? {
    do throws(StoreError) {
      if input.source == "compact", try isUnannounced(recorder) {
        let acknowledgement = try CheckpointService(service: service)
          .takeAtBoundary(&recorder, input: input)
        return acknowledgement.problem
      }
      let session = recorder.session
      // Text of the transcript, which the next reading finds again; each later hook registers the
      // session.
      try service.store.writing().commit(
        recorder.finishedBatch(), project: recorder.project, session: session,
        at: service.context.clock.now, reopens: !HeadlessRun(service).isVisit(input)
      ) {
        HookRun(
          event: input.event, sessionID: session.id, outcome: "stored",
          microseconds: deadline.elapsedMicroseconds)
      }
      return nil
    } catch {
      service.store.noteRefusal(error)
      return error
    }
  }

  /// True if the session has no checkpoint from shortly before now.
  private func isUnannounced(_ recorder: SessionRecorder) throws(StoreError) -> Bool {
    let newest = try service.store.reading().checkpoints(
      RecordFilter(sessionID: recorder.session.id, limit: 1)
    ).first
    guard let newest else { return true }
    // Tool calls since the newest checkpoint mean that it was not made for this compaction.
    let known = Snapshot(json: newest.body)
    return known?.toolCalls != recorder.digest.toolCalls
  }
}
