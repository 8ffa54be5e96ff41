import Checkpoints
package import Core
import Foundation
import Git
import MemoryStore
import Transcripts
import Vault

/// Where a project stands, in a few lines: what a person or an agent wants to know first.
package struct BriefService {
  let service: MemoryService

  package init(service: MemoryService) {
    self.service = service
  }

  package struct Brief {
    var project: String
    var branch: String?
    var mode: String
    var objective: String?
    var blockers: [String]
    /// What was done last, newest first.
    var leftOff: [String]
    var next: [String]
    var handoff: HandoffRecord?
    /// Unix ms.
    var since: Int64?
    var messages: [HandoffMailbox.Waiting]
    var ledger: [LedgerRecord]
    var now: Int64

    package var text: String {
      func list(_ title: String, _ items: [String], none: String) -> String {
        items.isEmpty
          ? "\(title): \(none)\n"
          : "\(title):\n" + items.map { "- \(TerminalText.line($0, 160))\n" }.joined()
      }
      let age = since.map { ", last seen \(RecoveryDocument.age(of: $0, now: now))" } ?? ""
      var text =
        "\(TerminalText.line(project, 60))\(branch.map { " on \(TerminalText.line($0, 60))" } ?? ""), "
        + "\(mode) mode\(age)\n"
      text += "Objective: \(objective.map { TerminalText.line($0, 300) } ?? "none recorded")\n"
      text += list("Blockers", blockers, none: "none")
      text += list("Left off", leftOff, none: "nothing recorded")
      text += list("Next", next, none: "nothing planned")
      if let handoff {
        let place =
          handoff.path.flatMap { RegularFile.facts($0) == nil ? nil : $0 }
          ?? "memoryd handoff show \(handoff.id)"
        text += "Handoff: \(TerminalText.line(place, 200))\n"
      }
      for message in messages {
        text +=
          "Unread message for \(TerminalText.line(message.recipient ?? "?", 40)) from "
          + "\(TerminalText.line(message.sender ?? "?", 40))"
          + (message.topic.map { ": \(TerminalText.line($0, 80))" } ?? "") + "\n"
      }
      text += list(
        "Ledger, last entries",
        ledger.map { item in
          "\(item.entry.status.rawValue.replacing("_", with: " ")): \(item.entry.item)"
            + (item.entry.detail.map { " (\($0))" } ?? "")
        }, none: "empty")
      return text
    }

    package var json: JSON {
      [
        "project": project, "branch": branch, "mode": mode, "objective": objective,
        "blockers": blockers, "left_off": leftOff, "next": next,
        "handoff": handoff.map(JSONOutput.handoff), "last_seen_at": JSONOutput.time(since),
        "messages": messages.map {
          [
            "from": $0.sender, "to": $0.recipient, "topic": $0.topic,
            "objective": $0.objective, "created_at": Timestamp.string($0.createdAt),
          ] as JSON
        }, "ledger": ledger.map(JSONOutput.ledgerItem),
      ]
    }
  }

  /// - Parameter session: The one that asks, which is not told of itself.
  package func brief(project: ProjectReference, session: SessionID?) throws(StoreError) -> Brief {
    let reader = try service.store.reading()
    let git = service.repositories.here
    let document = try RecoveryService(service: service).document(
      sessionID: nil, excluding: session, project: project, occasion: .request)
    let mailbox = HandoffMailbox(service: service)
    let newest = try reader.handoffs(RecordFilter(place: project, limit: 20))
      .first { $0.recipient == nil && $0.trigger != .rewound }
    let contents = newest.map { Handoff($0.body) }
    let struck = RecoveryService(service: service).struck
    let snapshot = document?.snapshot
    // Whichever is newer says where it stands.
    let isHandoffNewer = (newest?.updatedAt ?? 0) >= (document?.takenAt ?? 0)
    let handoff = isHandoffNewer ? contents?.contents : nil
    /// A handoff may have been written before a line of it was struck.
    func kept(_ texts: [String]) -> [String] { texts.filter { !struck.has(action: $0) } }
    let known = filled(contents?.objective).flatMap { struck.has($0) ? nil : $0 }
    let stated = snapshot?.stated
    func filled(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
    let open = (snapshot?.plan ?? []).filter { $0.state != .completed }.map(\.text)
    let steps =
      handoff.map { kept($0.next.filter { !$0.isDone }.map(\.text)) }
      ?? (open + (stated?.next ?? []))
    let tasks = try reader.tasks(
      status: .open, filter: RecordFilter(place: project, limit: 8)
    ).filter { !struck.has(task: $0) }.map { "\($0.title) (task \($0.id))" }
    let done =
      handoff.map { kept($0.done.reversed()) }
      ?? ((stated?.actions ?? []) + (snapshot?.actions ?? []))
    return Brief(
      project: project.name, branch: git?.branch, mode: service.vault.verdict().mode.rawValue,
      objective: (isHandoffNewer ? known : nil) ?? filled(stated?.objective)
        ?? filled(snapshot?.objective) ?? known,
      blockers: handoff.map { kept($0.blockers) } ?? stated?.blockers ?? [],
      leftOff: Array(done.prefix(5)), next: Array((steps + tasks).prefix(10)), handoff: newest,
      since: [newest?.updatedAt, document?.takenAt].compactMap(\.self).max(),
      messages: Array(
        try mailbox.waiting(mailbox.ownNames(), project: project).prefix(5)),
      ledger: Array(
        try reader.ledgerItems(RecordFilter(place: project)).suffix(5)),
      now: service.context.clock.now)
  }
}
