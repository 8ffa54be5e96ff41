import Checkpoints
import Core
import Foundation
import Git
import MemoryStore

/// Tells a session that starts which handoff is the newest, and which messages nobody has taken.
struct HandoffNotice {
  let service: MemoryService

  /// - Parameter told: An objective as it is told, if it is.
  func lines(for recorder: SessionRecorder, _ told: (String?) -> String) -> [String] {
    newest(recorder, told) + unread(recorder)
  }

  /// What was kept before this session's own compaction is no news to it, and what a rewind left none
  /// to anybody.
  private func newest(_ recorder: SessionRecorder, _ told: (String?) -> String) -> [String] {
    let session = recorder.session
    let newest = try? service.store.reading().handoffs(
      RecordFilter(place: recorder.project, limit: 20)
    ).first {
      $0.recipient == nil && $0.trigger != .rewound
        && !($0.trigger == .preCompact && $0.sessionID == session.id)
    }
    guard let newest else { return [] }
    let place =
      newest.path.flatMap { RegularFile.facts($0) == nil ? nil : $0 }
      .map { UserPath.relative($0, to: recorder.git?.root ?? session.cwd ?? "") }
      ?? "memoryd handoff show \(newest.id)"
    let age = RecoveryDocument.age(of: newest.createdAt, now: service.context.clock.now)
    return ["Newest handoff, \(age): \(Markdown.inline(place))\(told(newest.objective))"]
  }

  /// Messages for this session, then how many there are for others.
  private func unread(_ recorder: SessionRecorder) -> [String] {
    let session = recorder.session
    var lines: [String] = []
    let mailbox = HandoffMailbox(service: service)
    let cwd = session.cwd ?? service.context.cwd
    let names = mailbox.names(
      sessionID: session.id, agent: session.agent, cwd: cwd, git: recorder.git)
    let folder = HandoffFolder(at: cwd, git: recorder.git)
    let waiting = ((try? mailbox.waiting(names, project: recorder.project, folder: folder)) ?? [])
      .filter { $0.session != session.id }
    for message in waiting.filter({ $0.isFor(names) }).prefix(5) {
      let about = message.topic.map { " about \(Markdown.inline(String($0.prefix(80))))" } ?? ""
      let age = RecoveryDocument.age(of: message.createdAt, now: service.context.clock.now)
      lines.append(
        "Unread message from \(Markdown.inline(String((message.sender ?? "somebody").prefix(60))))"
          + "\(about), \(age); `memoryd handoff take` hands it over")
    }
    let others = Dictionary(grouping: waiting.filter { !$0.isFor(names) }) { $0.recipient ?? "" }
    if !others.isEmpty {
      let list = others.sorted { $0.key < $1.key }.prefix(5).map {
        "\(Markdown.inline(String($0.key.prefix(60)))) (\($0.value.count))"
      }
      lines.append(
        "Unread messages for other readers: \(list.joined(separator: ", "));"
          + " `memoryd handoff take --as NAME`")
    }
    return lines
  }
}
