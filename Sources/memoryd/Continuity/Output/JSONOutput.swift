package import Core
package import MemoryStore

/// Builds the JSON documents that `docs/cli-json.md` describes.
package enum JSONOutput {
  /// One document with a newline. Keys are sorted, so that equal results are equal bytes.
  package static func text(_ document: JSON) -> String { document.text + "\n" }

  package static func list(_ items: [JSON]) -> String { text(["items": items]) }

  package static func time(_ milliseconds: Int64?) -> String? { milliseconds.map(Timestamp.string) }

  package static func task(_ task: TaskRecord) -> JSON {
    // As vault-mcp has it: what is not set is not there.
    var object: JSON = [
      "id": task.id, "status": task.status.rawValue, "source": task.source.rawValue,
      "created_at": Timestamp.string(task.createdAt),
    ]
    for field in TaskField.allCases {
      if let text = task.fields[field] { object[field.rawValue] = text.json }
    }
    if let completed = time(task.completedAt) { object["completed_at"] = completed.json }
    return object
  }

  package static func decision(_ decision: DecisionRecord) -> JSON {
    [
      "id": decision.id, "decision": decision.decision, "rationale": decision.rationale,
      "task_id": decision.taskID, "project": decision.project,
      "session": decision.sessionID, "created_at": Timestamp.string(decision.createdAt),
    ]
  }

  package static func checkpoint(_ checkpoint: CheckpointRecord) -> JSON {
    [
      "id": checkpoint.id, "objective": checkpoint.objective,
      "trigger": checkpoint.trigger.rawValue,
      "session": checkpoint.sessionID, "project": checkpoint.project,
      "created_at": Timestamp.string(checkpoint.createdAt),
      "updated_at": Timestamp.string(checkpoint.updatedAt),
    ]
  }

  package static func session(_ session: SessionRecord) -> JSON {
    [
      "id": session.id, "agent": session.agent, "project": session.project, "cwd": session.cwd,
      "branch": session.branch, "transcript_path": session.transcriptPath,
      "started_at": Timestamp.string(session.startedAt),
      "last_seen_at": Timestamp.string(session.lastSeenAt),
      "ended_at": time(session.endedAt), "end_reason": session.endReason,
      "objective": session.objective,
    ]
  }

  package static func entry(_ entry: EntryRecord) -> JSON {
    [
      "id": entry.id, "kind": entry.kind.rawValue, "project": entry.project,
      "session": entry.sessionID,
      "source_id": entry.sourceID, "actor": entry.actor, "position": entry.position,
      "title": entry.title, "body": entry.body, "abandoned": entry.isAbandoned,
      "created_at": Timestamp.string(entry.createdAt),
    ]
  }

  package static func hit(_ hit: SearchHit) -> JSON {
    var object: JSON = [
      "id": hit.entry.id, "source_id": hit.entry.sourceID, "kind": hit.entry.kind.rawValue,
      "project": hit.entry.project, "session": hit.entry.sessionID,
      "score": (hit.score * 1e6).rounded() / 1e6,
      "created_at": Timestamp.string(hit.entry.createdAt), "actor": hit.entry.actor,
      "position": hit.entry.position, "copies": hit.copies, "abandoned": hit.entry.isAbandoned,
      "snippet": String(hit.snippet.filter { $0 != "\u{2}" && $0 != "\u{3}" }),
    ]
    if !hit.explanation.isEmpty { object["explanation"] = hit.explanation.json }
    return object
  }
}

extension JSONOutput {
  package static func outbox(_ row: OutboxRow) -> JSON {
    [
      "number": row.number, "kind": row.kind.rawValue, "action": row.action.rawValue,
      "id": row.itemID,
      "state": row.state.rawValue, "vault": row.vault, "attempts": row.attempts,
      "last_error": row.lastError,
      "marker": row.marker, "vault_id": row.vaultID, "created_at": Timestamp.string(row.createdAt),
      "sent_at": time(row.sentAt), "synced_at": time(row.syncedAt),
      "look_after": row.state == .sent ? time(row.lookAfter) : nil,
      "in_fallback_file": row.isMirrored, "payload": parsed(row.payload),
    ]
  }

  /// Stored JSON as a part of a document: keys and times as everywhere else.
  ///
  /// - Returns: Null for what is no JSON.
  package static func parsed(_ json: String) -> JSON {
    JSON(parsing: json.utf8).map(spelled) ?? .null
  }

  private static func spelled(_ value: JSON) -> JSON {
    switch value {
    case .object(let fields):
      var result: [String: JSON] = [:]
      for (key, member) in fields {
        let isTime = key == "at" || key.hasSuffix("At")
        if isTime, let milliseconds = member.integer {
          result[snakeCase(key)] = .string(Timestamp.string(Int64(milliseconds)))
        } else {
          result[snakeCase(key)] = spelled(member)
        }
      }
      return .object(result)
    case .array(let values): return .array(values.map(spelled))
    case .null, .bool, .integer, .number, .string: return value
    }
  }

  private static func snakeCase(_ key: String) -> String {
    key.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
  }
}
