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
      ).json(for: input))
    let known = SessionRecorder.uncommitted(input, service)
    var status = known == nil ? SessionRecorder.status(input, service) : nil
    var recorder = SessionRecorder(service: service, input: input)
    recorder.readTranscript()
    var problems = standingProblems(input)
    let needsRegistration: Bool
    do throws(StoreError) {
      needsRegistration = try takeUnannounced(&recorder, input, &problems)
    } catch {
      needsRegistration = false
      problems.append(refused(error, input))
    }
    let dirty =
      known
      ?? status?.paths(
        within: max(.zero, min(.milliseconds(250), deadline.remaining - .milliseconds(400))))
    if let dirty, let git = recorder.git, known == nil {
      service.context.daemon?.noteUncommitted(dirty, in: git.root)
    }
    // Beside what the store and the vault are asked.
    let snapshot =
      goesOn(recorder, input) ? Alongside(recorder.snapshotting(dirty: dirty)) : nil
    let settled = VaultCheck(service: service).settle(isTyped: false)
    let news = VaultNews(service: service)
    let change = news.atStart(settled, session: recorder.session.id)
    let ofBefore = news.ofBefore(recorder.project)
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
    let spoken = speak(within: budget)
    // What there is, should the document take too long.
    service.hookOutput.set(
      SessionGreeting(context: head + RecordFence.around(spoken.facts), message: spoken.message)
        .json(for: input))
    // Beside the making of the document, which asks the store nothing more then.
    var registration: Alongside<StoreError?>?
    func beginRegistration() {
      if needsRegistration, registration == nil {
        registration = register(recorder, input, deadline)
      }
    }
    var document = document(
      recorder, input, snapshot, dirty: dirty, whenRead: beginRegistration)
    beginRegistration()
    let size = size(input.source, document)
    document?.isBrief = size == .brief
    if let agent = input.agent { document?.reader = agent }
    noteDamage(input, &problems)
    let most = size == .full ? budget : min(budget, RecoveryService.briefBudget)
    func compose() -> (context: String, message: String?, told: [DocumentLine]) {
      let (facts, message) = speak(within: most)
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
      return (record.isEmpty ? head : head + RecordFence.around(record), message, told)
    }
    var (context, message, told) = compose()
    if let registration {
      // It may wait for a lock until the time is up.
      if !registration.isDone {
        service.hookOutput.set(
          SessionGreeting(context: context, message: message).json(for: input))
      }
      let known = problems.count
      if let error = registration.value() { note(refused(error, input), &problems) }
      noteDamage(input, &problems)
      if problems.count > known { (context, message, told) = compose() }
    }
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

  /// True for a session that was at work before, and of which something is known.
  private func goesOn(_ recorder: SessionRecorder, _ input: HookInput) -> Bool {
    ["compact", "resume", "fork"].contains(input.source)
      && (recorder.digest.toolCalls > 0 || !recorder.digest.requests.isEmpty)
  }

  private func noteDamage(_ input: HookInput, _ problems: inout [ProblemLog.Problem]) {
    if let damage = service.store.drainDamage() { note(problem(damage, input), &problems) }
  }

  /// Each is told once.
  private func note(_ problem: ProblemLog.Problem, _ problems: inout [ProblemLog.Problem]) {
    if !problems.contains(where: { $0.message == problem.message }) { problems.append(problem) }
  }

  private func problem(_ error: StoreError, _ input: HookInput) -> ProblemLog.Problem {
    .init(
      at: service.context.clock.now, event: input.event, code: error.code.rawValue,
      message: error.message, hint: error.hint)
  }

  /// The same for what the store did not take.
  private func refused(_ error: StoreError, _ input: HookInput) -> ProblemLog.Problem {
    service.store.noteRefusal(error)
    return problem(error, input)
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

  /// Where no hook announced the compaction, the checkpoint is made now, from the transcript's own
  /// boundary; the session is registered with it.
  ///
  /// - Returns: True if the session is still to be registered.
  private func takeUnannounced(
    _ recorder: inout SessionRecorder, _ input: HookInput, _ problems: inout [ProblemLog.Problem]
  ) throws(StoreError) -> Bool {
    guard input.source == "compact", try isUnannounced(recorder) else { return true }
    let acknowledgement = try CheckpointService(service: service)
      .takeAtBoundary(&recorder, input: input)
    if let error = acknowledgement.problem { problems.append(problem(error, input)) }
    return false
  }

  /// Registers the session, on another thread.
  ///
  /// Past the durable writer: what it writes is text of the transcript, which the next reading finds
  /// again, and each later hook registers the session.
  ///
  /// - Returns: Why the store did not take it.
  private func register(
    _ recorder: SessionRecorder, _ input: HookInput, _ deadline: Deadline
  ) -> Alongside<StoreError?> {
    let (batch, project, session) = (
      recorder.finishedBatch(), recorder.project, recorder.session
    )
    let (now, event) = (service.context.clock.now, input.event)
    let reopens = !HeadlessRun(service).isVisit(input)
    let database = Result { () throws(StoreError) in try service.store.writing() }
    return Alongside {
      do throws(StoreError) {
        try database.get().commit(
          batch, project: project, session: session, at: now, reopens: reopens
        ) {
          HookRun(
            event: event, sessionID: session.id, outcome: "stored",
            microseconds: deadline.elapsedMicroseconds)
        }
        return nil
      } catch {
        return error
      }
    }
  }

  /// True if the session has no checkpoint from shortly before now.
  private func isUnannounced(_ recorder: SessionRecorder) throws(StoreError) -> Bool {
    let newest = try service.store.reading().newestSnapshot(ofSession: recorder.session.id)
    // Tool calls since the newest checkpoint mean that it was not made for this compaction.
    return newest.flatMap(Snapshot.toolCalls) != recorder.digest.toolCalls
  }
}
