import Checkpoints
import Core
import Foundation
import Git
import MemoryStore
import Redaction
import Transcripts

/// Writes handoffs that somebody asks for, and adds to them.
package struct HandoffWriter {
  let service: MemoryService

  package init(service: MemoryService) {
    self.service = service
  }

  private var folder: HandoffFolder { HandoffFolder(here: service) }
  private var gatherer: HandoffGatherer { HandoffGatherer(service: service) }

  /// Takes a checkpoint, stores a handoff made of what is known, and writes the file.
  ///
  /// - Throws: ``CommandError`` `cannotWrite` if the file is there already or cannot be written: in the
  ///   latter case the store has the handoff.
  package func write(_ request: HandoffRequest) throws -> WrittenHandoff {
    if case .file(let path) = request.place, RegularFile.exists(path) {
      throw CommandError(
        .cannotWrite, "exists", "\(path) is there already; nothing was written over it",
        hint: "give another name with --out")
    }
    var request = request
    var remarks: [String] = []
    do throws(StoreError) {
      _ = try service.store.reading()
    } catch {
      remarks.append("\(error.message); the handoff holds what the repository and you say")
    }
    let record = try gatherer.session(request)
    if let record, request.session != nil || !request.isProjectNamed,
      let own = (try? service.store.reading().project(ofSession: record.id)) ?? nil
    {
      request.project = own
    }
    let isHere = request.project.isHere(service)
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
    var sources = gatherer.sources(
      snapshot, project: request.project, sessionID: record?.id, since: record?.startedAt)
    let git = snapshot.git
    if let git {
      let environment = service.context.environment
      if var status = GitStatus(root: git.root, environment: environment) {
        sources.changes = status.changes(within: .seconds(5))
      }
      sources.commits =
        GitHistory(root: git.root, environment: environment).last(5, within: .seconds(5)) ?? []
      if sources.changes == nil {
        remarks.append("git did not answer; the files may be incomplete")
      }
    }
    let redactor = service.context.redactor
    for index in sources.commits.indices {
      sources.commits[index].subject = redactor.redact(sources.commits[index].subject)
    }
    sources.note = request.note.map { redactor.redact($0) }
    guard !sources.handoff(HandoffFront(), now: service.context.clock.now).saysNothing else {
      throw CommandError(
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
      snapshot, trigger: .handoff, project: request.project, session: session,
      requestSuffix: "-checkpoint")
    // The checkpoint's outcome says where writes go; the handoff goes the same way.
    return try write(sources, request, session, checkpoint, remarks)
  }

  private func write(
    _ sources: HandoffSources, _ request: HandoffRequest, _ session: SessionReference?,
    _ checkpoint: DurableWriter.Acknowledgement, _ remarks: [String]
  ) throws -> WrittenHandoff {
    var front = HandoffFront()
    let id = Handoff.newID(service)
    front.id = id.rawValue
    front.project = request.project.name
    front.session = session?.id.rawValue
    front.agent = session?.agent
    front.created = Timestamp.string(service.context.clock.now)
    let isMessage = request.recipient != nil
    if isMessage {
      front.from =
        request.sender
        ?? (request.project.isHere(service) ? service.repositories.here?.branch : nil)
        ?? request.project.name
      front.to = request.recipient.map { service.context.redactor.redact($0) }
      front.from = front.from.map { service.context.redactor.redact($0) }
      front.topic = service.context.redactor.redact(request.topic ?? "handoff")
    }
    var handoff = sources.handoff(front, now: service.context.clock.now)
    let name =
      isMessage
      ? HandoffFolder.name(
        from: front.from ?? "", to: front.to ?? "", topic: front.topic ?? "")
      : HandoffFolder.name(at: service.context.clock.now)
    let suffix = request.isHTML ? ".html" : ".md"
    let planned: String? =
      switch request.place {
      case .folder: folder.path + "/" + name + suffix
      case .file(let path): path
      case .nowhere: nil
      }
    let draft = HandoffDraft(
      id: id, trigger: isMessage ? .message : .manual, objective: handoff.objective,
      body: handoff.markdown(), sender: front.from, recipient: front.to, topic: front.topic,
      path: planned
    ).redacted(by: service.context.redactor)
    let acknowledgement = try service.writer.commit(
      .handOff(draft), project: request.project, session: session)
    var body = draft.body
    var path: String?
    if acknowledgement.id != draft.id,
      let known = try? service.store.reading().handoff(
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
        // Here and below: where the document also lies; the document itself is durable by now.
        try? service.store.writing().setPath(nil, ofHandoff: acknowledgement.id)
        throw CommandError(
          .cannotWrite, "cannot_write",
          "\(error.message); the handoff is in the store as \(acknowledgement.id)",
          hint: "`memoryd handoff show \(acknowledgement.id)` prints it")
      }
      if let path, path != planned {
        try? service.store.writing().setPath(path, ofHandoff: acknowledgement.id)
      }
    }
    return WrittenHandoff(
      acknowledgement: acknowledgement, checkpoint: checkpoint, handoff: handoff,
      document: document, path: path, achievements: sources.achievements, session: session,
      remarks: remarks)
  }

  /// Adds what the writer says to the newest handoff of the session: in the store, and in the file
  /// with all that people changed in it.
  package func amend(_ request: HandoffRequest) throws -> WrittenHandoff {
    let record = try gatherer.session(request)
    let all = try service.store.reading().handoffs(
      RecordFilter(
        place: record == nil ? request.project : nil, sessionID: record?.id))
    // A message is not to be meant by chance, and one that was read cannot be added to.
    guard let known = all.first(where: { $0.trigger == .manual }) ?? all.first(where: \.isUnread)
    else {
      throw CommandError(
        .notFound, "not_found", "there is no handoff of this session to add to",
        hint: "`memoryd handoff --note -` writes one")
    }
    let path = try known.path.flatMap { try file($0, of: known) ? $0 : nil }
    var body = known.body
    if let path, path.hasSuffix(".md") {
      body = FileText.string(try RegularFile.read(path, limit: 16 << 20))
    }
    var handoff = Handoff(body)
    handoff.add(note: service.context.redactor.redact(request.note ?? ""))
    let draft = HandoffDraft(
      id: known.id, trigger: known.trigger, objective: handoff.objective, body: handoff.markdown(),
      isRenewal: true
    ).redacted(by: service.context.redactor)
    let acknowledgement = try service.writer.commit(
      .handOff(draft), project: request.project, session: nil)
    let document = path?.hasSuffix(".html") == true ? handoff.page() : draft.body
    if let path { try RegularFile.rewrite(Array(document.utf8), path) }
    return WrittenHandoff(
      acknowledgement: acknowledgement, checkpoint: acknowledgement, handoff: handoff,
      document: document, path: path, achievements: [], session: nil, remarks: [])
  }

  /// True if a file is a handoff's still. Where a repository has a link, it has to lead to that handoff:
  /// somebody has moved it, or wants another file read and written.
  private func file(_ path: String, of known: HandoffRecord) throws -> Bool {
    guard RegularFile.facts(path) != nil else { return false }
    if HandoffFolder.isWithoutLinks(path) { return true }
    let text = FileText.string(try RegularFile.read(path, limit: 16 << 20))
    return HandoffHead(text).front.id == known.id.rawValue
  }
}
