import Checkpoints
package import Core
import Foundation
import Git
package import MemoryStore

/// Messages: handoffs for one reader, who receives each once.
package struct HandoffMailbox {
  let service: MemoryService

  package init(service: MemoryService) {
    self.service = service
  }

  private var folder: HandoffFolder { HandoffFolder(here: service) }

  /// All names that reach a session, in lower case: its id and the beginning of it, its agent, its
  /// branch, its folder, and whoever comes next.
  func names(sessionID: SessionID?, agent: String?, cwd: String, git: GitFacts?) -> [String] {
    let folder = ((git?.root ?? cwd) as NSString).lastPathComponent
    let named = service.context.environment["MEMORYD_SESSION_NAME"]
    let names = [
      named, sessionID?.rawValue, sessionID.map { String($0.rawValue.prefix(8)) }, agent,
      git?.branch, folder, "next", "any",
    ]
    return names.compactMap { $0 }.filter { !$0.isEmpty }.map { $0.lowercased() }
  }

  /// The names that reach the caller.
  package func ownNames() -> [String] {
    let own = ProjectFinder.session(nil, service)
    return names(
      sessionID: own?.id, agent: own == nil ? nil : "claude", cwd: service.context.cwd,
      git: service.repositories.here)
  }

  /// A message that was handed over.
  package struct Received {
    package var message: HandoffRecord
    /// By which name it was received.
    package var name: String
  }

  /// Hands the oldest unread message over.
  ///
  /// - Parameter name: Of the reader; nil takes the names that its session has.
  /// - Throws: ``CommandError`` `notFound` if there is none.
  package func receive(as name: String?, project: ProjectReference) throws -> Received {
    let own = ProjectFinder.session(nil, service)
    var names = name.map { [$0.lowercased()] } ?? ownNames()
    // Only the store can tell that nobody else has the message: without it nothing is handed over.
    let database = try service.store.writing()
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
        throw CommandError(
          .notFound, "not_found", "there is no unread message for this session, only for \(list)",
          hint: "`memoryd handoff take --as NAME` if that is you")
      }
    }
    let files = project.isHere(service) ? folder.messages(for: names, .whole) : []
    let message = try database.claimMessage(
      for: names, notFrom: writer, in: project, files: files, requestID: service.context.requestID,
      at: service.context.clock.now)
    tidy(files, database)
    guard let message else {
      throw CommandError(
        .notFound, "not_found", "there is no unread message",
        hint: "`memoryd handoff list --unread` shows those for others")
    }
    return Received(message: message, name: message.recipient ?? names[0])
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
    /// The session that wrote it; nil for one in a file only.
    package var session: SessionID?
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
    let reader = try service.store.reading()
    let stored = try reader.unreadMessages(project).map {
      Waiting(
        session: $0.sessionID, sender: $0.sender, recipient: $0.recipient, topic: $0.topic,
        objective: $0.objective, createdAt: $0.createdAt)
    }
    let own = folder ?? (project.isHere(service) ? self.folder : nil)
    let files = try reader.unknown(own?.messages(for: names, .heads) ?? []).map {
      Waiting(
        sender: $0.sender, recipient: $0.recipient, topic: $0.topic, objective: $0.objective,
        createdAt: $0.writtenAt)
    }
    return (stored + files).sorted { $0.createdAt < $1.createdAt }
  }
}
