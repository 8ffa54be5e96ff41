package import Core
public import Redaction

extension MemoryDatabase {
  // The door: every text of a write passes here before a transaction sees it.

  package func redacted(_ write: StoreWrite) -> StoreWrite { write.redacted(by: redactor) }

  package func redacted(_ session: SessionReference) -> SessionReference {
    session.redacted(by: redactor)
  }

  package func redacted(_ entry: ImportedEntry) -> ImportedEntry {
    var entry = entry
    entry.title = readable(redactor.redact(entry.title))
    entry.text = readable(redactor.redact(entry.text))
    entry.kind = redactor.redact(entry.kind)
    entry.project = entry.project.map { redactor.redact($0) }
    return entry
  }

  package func redacted(_ batch: TranscriptBatch) -> TranscriptBatch {
    var batch = batch
    for index in batch.entries.indices {
      batch.entries[index].title = readable(redactor.redact(batch.entries[index].title))
      batch.entries[index].body = readable(redactor.redact(batch.entries[index].body))
    }
    batch.digest = redactor.redact(json: batch.digest)
    return batch
  }

  /// For SQLite's functions, and for whoever reads the text through them, it ends at a NUL.
  private func readable(_ text: String) -> String {
    text.utf8.contains(0) ? text.replacing("\0", with: "\u{FFFD}") : text
  }
}

extension StoreWrite {
  /// The same write without secrets. Also what the spool and the fallback files get.
  public func redacted(by redactor: Redactor) -> StoreWrite {
    var write = self
    write.session = session?.redacted(by: redactor)
    write.project = project?.redacted(by: redactor)
    switch operation {
    case .checkpoint(var draft):
      draft.objective = redactor.redact(draft.objective)
      draft.blockers = draft.blockers.map { redactor.redact($0) }
      draft.actions = draft.actions.map { redactor.redact($0) }
      draft.next = draft.next.map { redactor.redact($0) }
      draft.body = redactor.redact(json: draft.body)
      draft.handoff = draft.handoff?.redacted(by: redactor)
      write.operation = .checkpoint(draft)
    case .addTask(var draft):
      draft.title = redactor.redact(draft.title)
      draft.context = draft.context.map { redactor.redact($0) }
      write.operation = .addTask(draft)
    case .changeTask(var change):
      change.title = change.title.map { redactor.redact($0) }
      change.context = change.context.map { redactor.redact($0) }
      change.project = change.project.map { redactor.redact($0) }
      write.operation = .changeTask(change)
    case .decide(var draft):
      draft.decision = redactor.redact(draft.decision)
      draft.rationale = redactor.redact(draft.rationale)
      write.operation = .decide(draft)
    case .handOff(let draft):
      write.operation = .handOff(draft.redacted(by: redactor))
    case .addToLedger(var draft):
      draft.ledger = draft.ledger.redacted(by: redactor)
      write.operation = .addToLedger(draft)
    case .openSession:
      break
    case .endSession(let reason):
      write.operation = .endSession(reason: redactor.redact(reason))
    }
    return write
  }
}

extension HandoffDraft {
  public func redacted(by redactor: Redactor) -> HandoffDraft {
    var draft = self
    draft.objective = redactor.redact(objective)
    draft.body = redactor.redact(body)
    draft.topic = topic.map { redactor.redact($0) }
    draft.sender = sender.map { redactor.redact($0) }
    draft.recipient = recipient.map { redactor.redact($0) }
    return draft
  }
}

extension ProjectReference {
  /// A name that somebody gave; what a folder shows stays, to be known again by it.
  package func redacted(by redactor: Redactor) -> ProjectReference {
    guard isNameOnly else { return self }
    return .named(redactor.redact(name))
  }
}

extension Ledger {
  package func redacted(by redactor: Redactor) -> Ledger {
    var ledger = self
    ledger.title = redactor.redact(title)
    for phase in ledger.phases.indices {
      for group in ledger.phases[phase].groups.indices {
        switch ledger.phases[phase].groups[group].content {
        case .list(let items):
          ledger.phases[phase].groups[group].content = .list(items.map { redactor.redact($0) })
        case .entries(let entries):
          ledger.phases[phase].groups[group].content = .entries(
            entries.map { entry in
              var entry = entry
              entry.item = redactor.redact(entry.item)
              entry.remark = entry.remark.map { redactor.redact($0) }
              entry.detail = entry.detail.map { redactor.redact($0) }
              return entry
            })
        }
      }
    }
    return ledger
  }
}

extension SessionReference {
  package func redacted(by redactor: Redactor) -> SessionReference {
    var session = self
    session.branch = branch.map { redactor.redact($0) }
    return session
  }
}

extension Redactor {
  /// Redacts inside the string literals of a JSON text and nowhere else, so that a secret that
  /// begins in one value can never swallow the structure behind it.
  ///
  /// The caller has redacted each value with its key in sight; this is the second look.
  public func redact(json: String) -> String {
    var json = json
    let quote = UInt8(ascii: "\"")
    let escape = UInt8(ascii: "\\")
    let replaced: [UInt8]? = json.withUTF8 { bytes in
      var result: [UInt8]?
      var copied = 0
      var index = 0
      while index < bytes.count {
        guard bytes[index] == quote else {
          index += 1
          continue
        }
        let start = index + 1
        var end = start
        while end < bytes.count, bytes[end] != quote {
          end += bytes[end] == escape ? 2 : 1
        }
        end = min(end, bytes.count)
        if let clean = redact(utf8: UnsafeBufferPointer(rebasing: bytes[start..<end])) {
          if result == nil { result = [] }
          result!.append(contentsOf: bytes[copied..<start])
          result!.append(contentsOf: clean)
          copied = end
        }
        index = end + 1
      }
      result?.append(contentsOf: bytes[copied...])
      return result
    }
    return replaced.map { String(decoding: $0, as: UTF8.self) } ?? json
  }
}
