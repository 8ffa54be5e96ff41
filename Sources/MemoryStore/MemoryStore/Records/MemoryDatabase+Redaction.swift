package import Core
public import Redaction

extension MemoryDatabase {
  // The gate: every text of a write passes here before a transaction sees it.

  package func redacted(_ write: StoreWrite) -> StoreWrite { write.redacted(by: redactor) }

  package func redacted(_ session: SessionReference) -> SessionReference {
    session.redacted(by: redactor)
  }

  package func redacted(_ entry: ImportedEntry) -> ImportedEntry {
    var entry = entry
    entry.title = readable(redactor.redact(entry.title))
    entry.text = readable(redactor.redact(entry.text))
    entry.kind = EntryKind(rawValue: redactor.redact(entry.kind.rawValue))
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
    write.operation = operation.redacted(by: redactor)
    return write
  }
}

extension ProjectReference {
  /// A name that somebody gave; what a folder shows stays, to be known again by it.
  package func redacted(by redactor: Redactor) -> ProjectReference {
    guard isNameOnly else { return self }
    return .named(redactor.redact(name))
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
