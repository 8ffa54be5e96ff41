package import Checkpoints
package import Core
import Git
package import MemoryStore

extension JSONOutput {
  package static func handoff(_ record: HandoffRecord) -> JSON {
    [
      "id": record.id, "objective": record.objective, "trigger": record.trigger.rawValue,
      "session": record.sessionID, "project": record.project, "from": record.sender,
      "to": record.recipient, "topic": record.topic, "path": record.path,
      "unread": record.isUnread, "created_at": Timestamp.string(record.createdAt),
      "updated_at": Timestamp.string(record.updatedAt), "taken_at": time(record.takenAt),
      "taken_by": record.takenBy,
    ]
  }

  package static func handoff(_ handoff: Handoff) -> JSON {
    let contents = handoff.contents
    let front = handoff.front
    return [
      "id": front.id, "project": front.project, "session": front.session, "agent": front.agent,
      "created": front.created, "branch": front.branch, "head": front.head, "from": front.from,
      "to": front.to, "topic": front.topic, "objective": handoff.objective,
      "done": contents.done,
      "next": contents.next.map { ["text": $0.text, "done": $0.isDone] as JSON },
      "open_tasks": contents.openTasks.map {
        ["title": $0.title, "id": $0.id, "context": $0.context, "done": $0.isDone] as JSON
      },
      "decisions": contents.decisions.map {
        ["decision": $0.decision, "rationale": $0.rationale] as JSON
      },
      "blockers": contents.blockers,
      "files": contents.files.map { ["path": $0.path, "note": $0.note] as JSON },
      "commits": contents.commits.map { ["hash": $0.hash, "subject": $0.subject] as JSON },
      "notes": contents.notes, "complaints": handoff.complaints,
    ]
  }
}

extension JSONOutput {
  package static func ledgerItem(_ record: LedgerRecord) -> JSON {
    [
      "id": record.id, "project": record.project, "phase": record.phase,
      "section": record.section, "item": record.entry.item,
      "status": record.entry.status.rawValue, "remark": record.entry.remark,
      "detail": record.entry.detail, "date": record.entry.date,
      "source": record.source.rawValue,
      "created_at": Timestamp.string(record.createdAt),
      "updated_at": Timestamp.string(record.updatedAt),
    ]
  }

  package static func ledgerResult(_ result: LedgerVerification.Result) -> JSON {
    var object = ledgerItem(result.record)
    object["verdict"] = result.verdict.rawValue.json
    object["commits"] =
      result.hashes.map { hash -> JSON in
        switch hash.finding {
        case .commit(let commit, let isReachable):
          [
            "text": hash.text, "found": true, "commit": commit.hash, "subject": commit.subject,
            "committed_at": Timestamp.string(commit.at), "reachable": isReachable,
          ]
        case .ambiguous: ["text": hash.text, "found": false, "ambiguous": true]
        case .missing: ["text": hash.text, "found": false, "ambiguous": false]
        }
      }.json
    return object
  }
}
