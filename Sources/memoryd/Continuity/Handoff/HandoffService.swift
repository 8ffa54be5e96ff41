package import Checkpoints
package import Core
import Foundation
import Git
package import MemoryStore
import Redaction
import Transcripts

/// Writes handoffs, and carries messages from one session to another.
package struct HandoffService {
  let service: MemoryService

  package init(service: MemoryService) {
    self.service = service
  }

  /// What a caller asks for.
  package struct Request {
    package var project: ProjectReference
    /// True if the caller named it; else a session's own counts more than the working folder.
    package var isProjectNamed = false
    /// An id, or the beginning of one; nil takes the caller's own session.
    package var session: String?
    /// Of a message.
    package var sender: String?
    package var recipient: String?
    package var topic: String?
    /// Markdown.
    package var note: String?
    package var isHTML = false
    package var place = Place.folder

    package init(
      project: ProjectReference, isProjectNamed: Bool = false, session: String? = nil,
      sender: String? = nil, recipient: String? = nil, topic: String? = nil, note: String? = nil,
      isHTML: Bool = false, place: Place = Place.folder
    ) {
      self.project = project
      self.isProjectNamed = isProjectNamed
      self.session = session
      self.sender = sender
      self.recipient = recipient
      self.topic = topic
      self.note = note
      self.isHTML = isHTML
      self.place = place
    }

    package init(project: ProjectReference) {
      self.project = project
    }
  }

  /// Where the document goes, beside the store.
  package enum Place {
    /// `.handoff/` of the repository.
    case folder
    case file(String)
    /// The caller shows it.
    case nowhere
  }

  package struct Written {
    package var acknowledgement: MemoryService.Acknowledgement
    package var checkpoint: MemoryService.Acknowledgement
    package var handoff: Handoff
    /// As it was written.
    package var document: String
    package var path: String?
    package var achievements: [Ledger.Entry]
    package var session: SessionReference?
    /// What could not be looked at.
    package var remarks: [String]
  }

  private var folder: HandoffFolder {
    HandoffFolder(at: service.cwd, git: service.facts(at: service.cwd))
  }

  /// True if the repository at hand is that project's: another one's files and commits are not its.
  private func isHere(_ project: ProjectReference) -> Bool {
    project.isSame(as: ProjectFinder.here(service))
  }

  private func newID() -> String {
    var ids = ULIDGenerator()
    return ids.next(at: service.clock.now).description
  }

  // MARK: Gathering

  /// How long a transcript's last line may be back for its session to be the one that a caller
  /// without a session means, ms.
  private static let recent: Int64 = 7 * 24 * 3600 * 1000

  /// The session that a handoff is about.
  ///
  /// - Throws: ``VerbError`` `notFound` if one was named that nobody knows.
  private func session(_ request: Request) throws -> SessionRecord? {
    let reader = try? service.reader()
    if let id = ProjectFinder.session(request.session, service)?.id {
      if let known = try reader?.session(id: id) { return known }
      let isOwn = id == ProjectFinder.session(nil, service)?.id
      guard isOwn || UUID(uuidString: id) != nil else {
        throw VerbError(
          .notFound, "not_found", "there is no session \(TerminalText.line(id, 60))",
          hint: "`memoryd session list` shows them")
      }
      // No hook has told of the session: its transcript is where the agent keeps them.
      var record = SessionRecord(
        id: id, agent: "claude", cwd: service.cwd, startedAt: service.clock.now,
        lastSeenAt: service.clock.now)
      record.transcriptPath = transcript(of: id)
      return record
    }
    let filter = RecordFilter(
      place: request.project, since: service.clock.now - Self.recent, limit: 1)
    return (try? reader?.sessions(filter))?.first
  }

  private func transcript(of session: String) -> String? {
    let environment = service.environment
    let folder =
      environment["CLAUDE_CONFIG_DIR"].map(service.absolute)
      ?? Home.userFolder(environment).map { $0 + "/.claude" }
    guard let folder else { return nil }
    let projects =
      (try? FileManager.default.contentsOfDirectory(atPath: folder + "/projects")) ?? []
    return projects.lazy.map { "\(folder)/projects/\($0)/\(session).jsonl" }
      .first { RegularFile.facts($0) != nil }
  }

  /// What the store has for a handoff.
  private func sources(
    _ snapshot: Snapshot, project: ProjectReference, sessionID: String?, since: Int64?
  ) -> HandoffSources {
    let struck = RecoveryService(service: service).struck
    var sources = HandoffSources(snapshot: snapshot.without(struck))
    sources.struck = struck
    guard let reader = try? service.reader() else { return sources }
    sources.openTasks =
      (try? reader.tasks(status: "open", filter: RecordFilter(place: project, limit: 100)))
      ?? []
    if let since {
      sources.doneTasks =
        (try? reader.tasks(
          status: "done", filter: RecordFilter(place: project, since: since, limit: 50)))
        ?? []
    }
    let decisions =
      (try? reader.decisions(
        RecordFilter(place: project, since: since, limit: 100))) ?? []
    sources.decisions = decisions.filter {
      sessionID == nil || $0.sessionID == nil || $0.sessionID == sessionID
    }.prefix(30).map(\.self)
    if let sessionID {
      let filter = RecordFilter(sessionID: sessionID, kinds: CheckpointTrigger.byHand, limit: 20)
      sources.statements = ((try? reader.checkpoints(filter)) ?? []).reversed()
        .compactMap { Snapshot(json: $0.body)?.stated?.without(struck) }
    }
    sources.openTasks.removeAll { struck.has(task: $0) }
    sources.doneTasks.removeAll { struck.has(task: $0) }
    sources.decisions.removeAll { struck.has($0.decision) }
    return sources
  }

  // MARK: By hand

  package func write(_ request: Request) throws -> Written {
    if case .file(let path) = request.place, RegularFile.exists(path) {
      throw VerbError(
        .cannotWrite, "exists", "\(path) is there already; nothing was written over it",
        hint: "give another name with --out")
    }
    var request = request
    var remarks: [String] = []
    do throws(StoreError) {
      _ = try service.reader()
    } catch {
      remarks.append("\(error.message); the handoff holds what the repository and you say")
    }
    let record = try session(request)
    if let record, request.session != nil || !request.isProjectNamed,
      let own = (try? service.reader().project(ofSession: record.id)) ?? nil
    {
      request.project = own
    }
    let isHere = isHere(request.project)
    if !isHere, case .folder = request.place { request.place = .nowhere }
    let session = record.map {
      SessionReference(id: $0.id, agent: $0.agent, transcriptPath: $0.transcriptPath)
    }
    let checkpoints = CheckpointService(service: service)
    do throws(StoreError) {
      try checkpoints.freshen(session)
    } catch {
      remarks.append("the transcript could not be read to its end: \(error.message)")
    }
    var snapshot = checkpoints.snapshot(of: session)
    if !isHere { snapshot.git = nil }
    var sources = sources(
      snapshot, project: request.project, sessionID: record?.id, since: record?.startedAt)
    let git = snapshot.git
    if let git {
      let environment = service.environment
      if var status = GitStatus(root: git.root, environment: environment) {
        sources.changes = status.changes(within: 5000)
      }
      sources.commits =
        GitHistory(root: git.root, environment: environment).last(5, within: 5000) ?? []
      if sources.changes == nil {
        remarks.append("git did not answer; the files may be incomplete")
      }
    }
    let redactor = service.redactor
    for index in sources.commits.indices {
      sources.commits[index].subject = redactor.redact(sources.commits[index].subject)
    }
    sources.note = request.note.map { redactor.redact($0) }
    guard !sources.handoff(HandoffFront(), now: service.clock.now).saysNothing else {
      throw VerbError(
        .badInput, "invalid",
        "there is nothing to hand over: no session, task or decision is known here, and the "
          + "repository has no commits",
        hint: "say it yourself with `memoryd handoff --note TEXT`")
    }
    let stated = sources.statement
    if !stated.isEmpty { snapshot.stated = stated }
    if snapshot.objective.isEmpty, stated.objective == nil {
      snapshot.objective = sources.objective
    }
    let checkpoint = try checkpoints.take(
      snapshot, trigger: "handoff", project: request.project, session: session,
      requestSuffix: "-checkpoint")
    // The checkpoint's outcome says where writes go; the handoff goes the same way.
    return try write(sources, request, session, checkpoint, remarks)
  }

  private func write(
    _ sources: HandoffSources, _ request: Request, _ session: SessionReference?,
    _ checkpoint: MemoryService.Acknowledgement, _ remarks: [String]
  ) throws -> Written {
    var front = HandoffFront()
    front.id = newID()
    front.project = request.project.name
    front.session = session?.id
    front.agent = session?.agent
    front.created = Timestamp.string(service.clock.now)
    let isMessage = request.recipient != nil
    if isMessage {
      front.from =
        request.sender ?? (isHere(request.project) ? service.facts(at: service.cwd)?.branch : nil)
        ?? request.project.name
      front.to = request.recipient.map { service.redactor.redact($0) }
      front.from = front.from.map { service.redactor.redact($0) }
      front.topic = service.redactor.redact(request.topic ?? "handoff")
    }
    var handoff = sources.handoff(front, now: service.clock.now)
    let name =
      isMessage
      ? HandoffFolder.name(
        from: front.from ?? "", to: front.to ?? "", topic: front.topic ?? "")
      : HandoffFolder.name(at: service.clock.now)
    let suffix = request.isHTML ? ".html" : ".md"
    let planned: String? =
      switch request.place {
      case .folder: folder.path + "/" + name + suffix
      case .file(let path): path
      case .nowhere: nil
      }
    let draft = HandoffDraft(
      id: front.id ?? "", trigger: isMessage ? "message" : "manual", objective: handoff.objective,
      body: handoff.markdown(), sender: front.from, recipient: front.to, topic: front.topic,
      path: planned
    ).redacted(by: service.redactor)
    let acknowledgement = try service.commit(
      .handOff(draft), project: request.project, session: session)
    var body = draft.body
    var path: String?
    if acknowledgement.id != draft.id,
      let known = try? service.reader().handoff(
        id: acknowledgement.id)
    {
      // The first attempt of this request had stored it.
      body = known.body
      path = known.path.flatMap { RegularFile.facts($0) == nil ? nil : $0 }
    }
    handoff = Handoff(body)
    let document = request.isHTML ? handoff.page() : body
    if path == nil, let planned {
      do throws(StoreError) {
        switch request.place {
        case .folder: path = try folder.write(document, name: name, suffix: suffix)
        case .file(let file):
          guard try RegularFile.writeNew(Array(document.utf8), to: file) else {
            throw StoreError(.invalid, "\(file) is there already; nothing was written over it")
          }
          path = file
        case .nowhere: break
        }
      } catch {
        try? service.database().setPath(nil, ofHandoff: acknowledgement.id)
        throw VerbError(
          .cannotWrite, "cannot_write",
          "\(error.message); the handoff is in the store as \(acknowledgement.id)",
          hint: "`memoryd handoff show \(acknowledgement.id)` prints it")
      }
      if let path, path != planned {
        try? service.database().setPath(path, ofHandoff: acknowledgement.id)
      }
    }
    return Written(
      acknowledgement: acknowledgement, checkpoint: checkpoint, handoff: handoff,
      document: document, path: path, achievements: sources.achievements, session: session,
      remarks: remarks)
  }

  /// Adds what the writer says to the newest handoff of the session: in the store, and in the file
  /// with all that people changed in it.
  package func amend(_ request: Request) throws -> Written {
    let record = try session(request)
    let all = try service.reader().handoffs(
      RecordFilter(
        place: record == nil ? request.project : nil, sessionID: record?.id))
    // A message is not to be meant by chance, and one that was read cannot be added to.
    guard let known = all.first(where: { $0.trigger == "manual" }) ?? all.first(where: \.isUnread)
    else {
      throw VerbError(
        .notFound, "not_found", "there is no handoff of this session to add to",
        hint: "`memoryd handoff --note -` writes one")
    }
    let path = try known.path.flatMap { try file($0, of: known) ? $0 : nil }
    var body = known.body
    if let path, path.hasSuffix(".md") {
      body = FileText.string(try RegularFile.read(path, limit: 16 << 20))
    }
    var handoff = Handoff(body)
    handoff.add(note: service.redactor.redact(request.note ?? ""))
    let draft = HandoffDraft(
      id: known.id, trigger: known.trigger, objective: handoff.objective, body: handoff.markdown(),
      isRenewal: true
    ).redacted(by: service.redactor)
    let acknowledgement = try service.commit(
      .handOff(draft), project: request.project, session: nil)
    let document = path?.hasSuffix(".html") == true ? handoff.page() : draft.body
    if let path { try RegularFile.rewrite(Array(document.utf8), path) }
    return Written(
      acknowledgement: acknowledgement, checkpoint: acknowledgement, handoff: handoff,
      document: document, path: path, achievements: [], session: nil, remarks: [])
  }

  /// True if a file is a handoff's still. Where a repository has a link, it has to lead to that handoff:
  /// somebody has moved it, or wants another file read and written.
  private func file(_ path: String, of known: HandoffRecord) throws -> Bool {
    guard RegularFile.facts(path) != nil else { return false }
    if HandoffFolder.isWithoutLinks(path) { return true }
    let text = FileText.string(try RegularFile.read(path, limit: 16 << 20))
    return HandoffHead(text).front.id == known.id
  }

  // MARK: Before a compaction

  /// A handoff to be kept with a checkpoint, made from what is known already: no git is asked here.
  ///
  /// - Parameter checkpointID: Of the checkpoint that is renewed, and its handoff with it.
  func kept(
    with snapshot: Snapshot, _ recorder: SessionRecorder, checkpointID: String?
  ) -> HandoffDraft? {
    guard service.settings[.handoffOnCompact] != "off" else { return nil }
    let session = recorder.session
    let known = checkpointID.flatMap { (try? service.database().handoff(checkpointID: $0)) ?? nil }
    var sources = sources(
      snapshot, project: recorder.project, sessionID: session.id,
      since: recorder.digest.firstAt > 0 ? recorder.digest.firstAt : nil)
    sources.changes = snapshot.git?.dirty.map { $0.map { .init(path: $0, state: "") } }
    sources.commits = snapshot.commits.reversed().map {
      .init(hash: $0.hash, subject: $0.subject, at: $0.at)
    }
    var front = HandoffFront()
    front.id = known?.id ?? newID()
    front.project = recorder.project.name
    front.session = session.id
    front.agent = session.agent
    front.created = Timestamp.string(known?.createdAt ?? service.clock.now)
    let handoff = sources.handoff(front, now: service.clock.now)
    let isFile = service.settings[.handoffOnCompact] == "file"
    let folder = HandoffFolder(at: session.cwd ?? service.cwd, git: recorder.git)
    return HandoffDraft(
      id: front.id ?? "", trigger: "pre-compact", objective: handoff.objective,
      body: handoff.markdown(),
      path: isFile && known?.path == nil
        ? folder.path + "/" + HandoffFolder.name(at: service.clock.now) + ".md" : nil,
      isRenewal: known != nil)
  }

  /// Writes what was kept to `.handoff/`, where the settings say so: once for each compaction.
  func writeFile(of draft: HandoffDraft, _ recorder: SessionRecorder, _ event: String) {
    guard let planned = draft.path else { return }
    let folder = HandoffFolder(at: recorder.session.cwd ?? service.cwd, git: recorder.git)
    let document = draft.redacted(by: service.redactor).body
    do throws(StoreError) {
      let name = HandoffFolder.name(at: service.clock.now)
      let path = try folder.write(document, name: name, suffix: ".md")
      if path != planned { try service.database().setPath(path, ofHandoff: draft.id) }
    } catch {
      service.note(
        event, error.code, "\(error.message); the handoff is in the store",
        hint: "`memoryd handoff show \(draft.id)` prints it")
    }
  }

  // MARK: Messages

  /// All names that reach a session, in lower case: its id and the beginning of it, its agent, its
  /// branch, its folder, and whoever comes next.
  func names(sessionID: String?, agent: String?, cwd: String, git: GitFacts?) -> [String] {
    let folder = ((git?.root ?? cwd) as NSString).lastPathComponent
    let named = service.environment["MEMORYD_SESSION_NAME"]
    let names = [
      named, sessionID, sessionID.map { String($0.prefix(8)) }, agent, git?.branch, folder, "next",
      "any",
    ]
    return names.compactMap { $0 }.filter { !$0.isEmpty }.map { $0.lowercased() }
  }

  /// Those of the caller.
  package func ownNames() -> [String] {
    let own = ProjectFinder.session(nil, service)
    return names(
      sessionID: own?.id, agent: own == nil ? nil : "claude", cwd: service.cwd,
      git: service.facts(at: service.cwd))
  }

  package struct Taken {
    package var message: HandoffRecord
    /// By which name it was taken.
    package var name: String
  }

  /// Hands the oldest unread message over.
  ///
  /// - Parameter name: Of the reader; nil takes the names that its session has.
  /// - Throws: ``VerbError`` `notFound` if there is none.
  package func take(as name: String?, project: ProjectReference) throws -> Taken {
    let own = ProjectFinder.session(nil, service)
    var names = name.map { [$0.lowercased()] } ?? ownNames()
    let database = try service.database()
    let writer = name == nil ? own?.id : nil
    let all =
      name == nil
      ? try waiting(names, project: project).filter { $0.session == nil || $0.session != writer }
      : []
    if name == nil, !all.contains(where: { $0.isFor(names) }) {
      let others = Set(all.compactMap { $0.recipient?.lowercased() })
      // Who has no name, and no session, means the only message there is.
      if own == nil, others.count == 1 {
        names = Array(others)
      } else if !others.isEmpty {
        let list = others.sorted().prefix(5).map { TerminalText.line($0, 40) }.joined(
          separator: ", ")
        throw VerbError(
          .notFound, "not_found", "there is no unread message for this session, only for \(list)",
          hint: "`memoryd handoff take --as NAME` if that is you")
      }
    }
    let files = isHere(project) ? folder.messages(for: names, .whole) : []
    let message = try database.takeMessage(
      for: names, notFrom: writer, in: project, files: files, requestID: service.requestID,
      at: service.clock.now)
    tidy(files, database)
    guard let message else {
      throw VerbError(
        .notFound, "not_found", "there is no unread message",
        hint: "`memoryd handoff list --unread` shows those for others")
    }
    return Taken(message: message, name: message.recipient ?? names[0])
  }

  /// Files of messages that were handed over, now or by somebody who then died.
  private func tidy(_ files: [MessageFile], _ database: MemoryDatabase) {
    guard let unread = try? database.unknown(files) else { return }
    for file in files where !unread.contains(file) {
      let known = file.id.flatMap { (try? database.handoff(id: $0)) ?? nil }
      if let known, known.isUnread { continue }
      if let path = folder.putAway(file), let known, known.path == file.path {
        try? database.setPath(path, ofHandoff: known.id)
      }
    }
  }

  /// A message that waits, in the store or in a file only.
  package struct Waiting {
    /// That wrote it; nil for one in a file only.
    package var session: String?
    package var sender: String?
    package var recipient: String?
    package var topic: String?
    package var objective: String
    package var createdAt: Int64

    /// - Parameter names: In lower case.
    func isFor(_ names: [String]) -> Bool { names.contains(recipient?.lowercased() ?? "") }
  }

  /// All unread messages of a project, whoever they are for, the oldest first.
  ///
  /// - Parameter names: The reader's, in lower case: a file's name may not say where the reader's
  ///   ends.
  package func waiting(
    _ names: [String] = [], project: ProjectReference, folder: HandoffFolder? = nil
  ) throws(StoreError) -> [Waiting] {
    let reader = try service.reader()
    let stored = try reader.unreadMessages(project).map {
      Waiting(
        session: $0.sessionID, sender: $0.sender, recipient: $0.recipient, topic: $0.topic,
        objective: $0.objective, createdAt: $0.createdAt)
    }
    let own = folder ?? (isHere(project) ? self.folder : nil)
    let files = try reader.unknown(own?.messages(for: names, .heads) ?? []).map {
      Waiting(
        sender: $0.sender, recipient: $0.recipient, topic: $0.topic, objective: $0.objective,
        createdAt: $0.writtenAt)
    }
    return (stored + files).sorted { $0.createdAt < $1.createdAt }
  }
}
